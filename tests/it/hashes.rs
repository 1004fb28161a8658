//! Hashes: what the differential tests cannot show, since a clock or chance decides it or it needs
//! many fields; and a few plain cases to read first when those fail.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::client::{Client, Reply};
use crate::server::each_plain_form;
use crate::wait::wait_until;

/// Sets `prefix0`, `prefix1` and so on to their numbers.
fn fill(c: &mut Client, key: &str, prefix: &str, count: usize) {
    for from in (0..count).step_by(1_000) {
        let mut request = vec!["HSET".to_owned(), key.to_owned()];
        for n in from..(from + 1_000).min(count) {
            request.extend([format!("{prefix}{n}"), n.to_string()]);
        }
        c.cmd(&request);
    }
}

#[test]
fn fields_and_encodings() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("HSET h a 1 b 2"), Reply::Int(2));
        assert_eq!(c.run("OBJECT ENCODING h"), Reply::bulk("listpack"));
        assert_eq!(c.run("HINCRBY h a 41"), Reply::Int(42));
        fill(&mut c, "h", "field:", 600);
        assert_eq!(c.run("OBJECT ENCODING h"), Reply::bulk("hashtable"));
        assert_eq!(c.run("TYPE h"), Reply::Simple(b"hash".to_vec()));
        assert_eq!(c.run("HGET h field:599"), Reply::bulk("599"));
        assert_eq!(c.run("HDEL h a b field:1 none"), Reply::Int(3));
        assert_eq!(c.run("HLEN h"), Reply::Int(599));
        assert_eq!(c.run("HGETALL h").items().len(), 1_198);
        c.hello3();
        assert!(matches!(c.run("HGETALL h"), Reply::Map(pairs) if pairs.len() == 599));
        let drawn = c.run("HRANDFIELD h 2 WITHVALUES");
        assert!(drawn.items().iter().all(|pair| pair.items().len() == 2));
    });
}

/// Fields are not seen any more from the moment on that they expire, and go by themselves soon
/// after; a key goes with its last field.
#[test]
fn fields_expire() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "h", "f", 2_000);
        c.run("HSET stays a 1 b 2");
        c.run("HSETEX goes PX 700 FIELDS 2 a 1 b 2");
        c.run("HPEXPIRE stays 700 FIELDS 1 a");
        let fields: Vec<String> = (0..1_500).map(|n| format!("f{n}")).collect();
        let all = format!("HPEXPIRE h 700 FIELDS 1500 {}", fields.join(" "));
        assert_eq!(c.run(&all).items(), vec![Reply::Int(1); 1_500]);
        assert!(c.run("INFO keyspace").text().contains("keys_with_volatile_items=3"));
        let gone = |c: &mut Client| c.run("HGET stays a").is_null();
        assert!(wait_until(Duration::from_secs(5), || gone(&mut c)));
        assert_eq!(c.run("HMGET stays a b").items(), [Reply::NullBulk, Reply::bulk("2")]);
        let settled = |c: &mut Client| {
            c.run("HLEN h") == Reply::Int(500)
                && c.run("HLEN stays") == Reply::Int(1)
                && c.run("EXISTS goes") == Reply::Int(0)
        };
        assert!(wait_until(Duration::from_secs(10), || settled(&mut c)));
        assert!(c.run("INFO keyspace").text().contains("keys_with_volatile_items=0"));
        assert_eq!(c.info_number("expired_fields"), 1_503);
        assert_eq!(c.run("HGETALL h").items().len(), 1_000);
    });
}

/// A transaction that watches a hash does not run once a field of it has expired.
#[test]
fn a_field_that_expires_is_a_change() {
    each_plain_form(|server| {
        let (mut c, mut other) = (server.client(), server.client());
        c.run("HSETEX h PX 50 FIELDS 1 a 1");
        c.run("HSET h b 1");
        assert_eq!(c.run("WATCH h"), Reply::ok());
        let gone = |other: &mut Client| other.run("HLEN h") == Reply::Int(1);
        assert!(wait_until(Duration::from_secs(10), || gone(&mut other)));
        c.run("MULTI");
        c.run("HSET h c 1");
        assert!(c.run("EXEC").is_null());
    });
}

/// Fields that stay are seen by a scan, whatever comes and goes.
#[test]
fn a_scan_sees_what_stays() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "h", "stays:", 2_000);
        let mut seen = BTreeSet::new();
        let (mut cursor, mut calls) = ("0".to_owned(), 0);
        loop {
            let reply = c.cmd(&["HSCAN", "h", &cursor, "COUNT", "50", "NOVALUES"]);
            let [next, page] = &reply.items()[..] else { panic!("{reply}") };
            seen.extend(page.items().iter().map(|field| field.bytes().to_vec()));
            cursor = next.text();
            calls += 1;
            if cursor == "0" {
                break;
            }
            fill(&mut c, "h", &format!("comes:{calls}:"), 200);
            let before = calls - 1;
            let goes = (0..200).map(|n| format!("comes:{before}:{n}"));
            let request: Vec<String> =
                ["HDEL", "h"].map(str::to_owned).into_iter().chain(goes).collect();
            c.cmd(&request);
            assert!(calls < 10_000, "it ends");
        }
        assert!((0..2_000).all(|n| seen.contains(format!("stays:{n}").as_bytes())));
        assert_eq!(c.run("HSCAN h 0 MATCH stays:17 COUNT 100000").items()[1].items().len(), 2);
    });
}

#[test]
fn big_hashes_are_copied_moved_and_freed() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "h", "a-field-of-some-length:", 20_000);
        assert_eq!(c.run("COPY h g"), Reply::Int(1));
        assert_eq!(c.run("RENAME h f"), Reply::ok());
        assert_eq!(c.run("UNLINK f"), Reply::Int(1));
        assert_eq!(c.run("HLEN g"), Reply::Int(20_000));
        assert_eq!(c.run("HRANDFIELD g 15000").items().len(), 15_000);
        assert_eq!(c.run("HRANDFIELD g -30000 WITHVALUES").items().len(), 60_000);
        assert_eq!(c.run("FLUSHALL ASYNC"), Reply::ok());
        assert_eq!(c.run("DBSIZE"), Reply::Int(0));
    });
}
