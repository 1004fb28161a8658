//! Sets: what the differential tests cannot show, since chance decides it or it needs many members;
//! and a few plain cases to read first when those fail.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::{Client, Reply};
use crate::server::each_plain_form;

/// Adds `prefix0`, `prefix1` and so on.
fn fill(c: &mut Client, key: &str, prefix: &str, count: usize) {
    let members: Vec<String> = (0..count).map(|n| format!("{prefix}{n}")).collect();
    for chunk in members.chunks(1_000) {
        let mut request = vec!["SADD".to_owned(), key.to_owned()];
        request.extend_from_slice(chunk);
        assert_eq!(c.cmd(&request), Reply::Int(chunk.len() as i64));
    }
}

fn members(reply: &Reply) -> BTreeSet<Vec<u8>> {
    let items = reply.items();
    let members: BTreeSet<Vec<u8>> = items.iter().map(|item| item.bytes().to_vec()).collect();
    assert_eq!(members.len(), items.len(), "each once");
    members
}

#[test]
fn members_and_encodings() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("SADD s 3 1 2 1"), Reply::Int(3));
        assert_eq!(c.run("OBJECT ENCODING s"), Reply::bulk("intset"));
        assert_eq!(c.run("SADD s a"), Reply::Int(1));
        assert_eq!(c.run("OBJECT ENCODING s"), Reply::bulk("listpack"));
        fill(&mut c, "s", "member:", 200);
        assert_eq!(c.run("OBJECT ENCODING s"), Reply::bulk("hashtable"));
        assert_eq!(c.run("TYPE s"), Reply::Simple(b"set".to_vec()));
        assert_eq!(c.run("SMISMEMBER s a b 2 member:199"), c.run("SMISMEMBER s a x 3 member:0"));
        assert_eq!(
            c.run("GET s"),
            Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value")
        );
        assert_eq!(c.run("SCARD s"), Reply::Int(204));
        assert_eq!(c.run("SREM s a b"), Reply::Int(1));
        c.hello3();
        assert!(matches!(c.run("SMEMBERS s"), Reply::Set(items) if items.len() == 203));
        assert_eq!(c.run("SMEMBERS none"), Reply::Set(Vec::new()));
    });
}

#[test]
fn algebra_of_sets_that_live_apart() {
    each_plain_form(|server| {
        let mut c = server.client();
        for n in 0..2_000 {
            for (key, divisor) in [("two", 2), ("three", 3), ("five", 5)] {
                if n % divisor == 0 {
                    c.send(&["SADD", key, &n.to_string()]);
                    assert_eq!(c.read(), Reply::Int(1));
                }
            }
        }
        assert_eq!(c.run("SINTERCARD 3 two three five"), Reply::Int(67));
        assert_eq!(members(&c.run("SINTER two three five")).len(), 67);
        assert_eq!(members(&c.run("SUNION two three five")).len(), 1_467 - 1);
        assert_eq!(c.run("SDIFFSTORE rest two three five"), Reply::Int(533));
        assert_eq!(c.run("SINTERCARD 2 rest five LIMIT 1"), Reply::Int(0));
        assert_eq!(c.run("SUNIONSTORE two two three five"), Reply::Int(1_466));
        assert_eq!(c.run("SCARD two"), Reply::Int(1_466));
    });
}

#[test]
fn what_is_popped_is_gone_and_what_is_drawn_stays() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "s", "m", 5_000);
        let drawn = members(&c.run("SRANDMEMBER s 1200"));
        assert_eq!(drawn.len(), 1_200);
        assert_eq!(members(&c.run("SRANDMEMBER s 4900")).len(), 4_900);
        assert_eq!(c.run("SRANDMEMBER s -7000").items().len(), 7_000);
        assert_eq!(c.run("SCARD s"), Reply::Int(5_000));
        let all = members(&c.run("SMEMBERS s"));
        assert!(drawn.is_subset(&all));
        let mut popped = members(&c.run("SPOP s 700"));
        popped.extend([c.run("SPOP s").bytes().to_vec()]);
        let left = members(&c.run("SMEMBERS s"));
        assert_eq!((popped.len(), left.len()), (701, 4_299));
        assert!(left.is_disjoint(&popped));
        let popped_again = members(&c.run("SPOP s 4290"));
        assert_eq!(c.run("OBJECT ENCODING s"), Reply::bulk("listpack"));
        popped.extend(popped_again);
        popped.extend(members(&c.run("SPOP s 100")));
        assert_eq!(popped, all);
        assert_eq!(c.run("EXISTS s"), Reply::Int(0));
    });
}

/// Draws from sets of every encoding, by each of the ways: no member comes too often or too seldom.
#[test]
fn chance_is_fair() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "intset", "", 100);
        fill(&mut c, "listpack", "m", 100);
        fill(&mut c, "table", "a-member-", 2_000);
        for (key, size) in [("intset", 100.0), ("listpack", 100.0), ("table", 2_000.0)] {
            for count in ["-10000", "30", "1"] {
                let mut drawn: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
                let mut draws = 0.0;
                while draws < size * 30.0 {
                    let times = if count == "-10000" { 1 } else { 200 };
                    let requests = vec![vec!["SRANDMEMBER", key, count]; times];
                    for item in c.pipeline(&requests).iter().flat_map(Reply::items) {
                        *drawn.entry(item.bytes().to_vec()).or_default() += 1.0;
                        draws += 1.0;
                    }
                }
                let expected = draws / size;
                let chi_square: f64 = members(&c.run(&format!("SMEMBERS {key}")))
                    .iter()
                    .map(|member| drawn.get(member).copied().unwrap_or(0.0) - expected)
                    .map(|difference| difference * difference / expected)
                    .sum();
                // Six standard deviations above the mean.
                let bound = size + 6.0 * (2.0 * size).sqrt();
                assert!(chi_square < bound, "{key} {count}: {chi_square} above {bound}");
            }
        }
    });
}

/// Members that stay are seen by a scan, whatever comes and goes.
#[test]
fn a_scan_sees_what_stays() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "s", "stays:", 3_000);
        let mut seen = BTreeSet::new();
        let (mut cursor, mut calls) = ("0".to_owned(), 0);
        loop {
            let reply = c.cmd(&["SSCAN", "s", &cursor, "COUNT", "50"]);
            let [next, page] = &reply.items()[..] else { panic!("{reply}") };
            seen.extend(page.items().iter().map(|member| member.bytes().to_vec()));
            cursor = next.text();
            calls += 1;
            if cursor == "0" {
                break;
            }
            if calls % 2 == 0 {
                fill(&mut c, "s", &format!("comes:{calls}:"), 400);
            } else {
                let goes: Vec<Vec<u8>> = members(&c.run("SMEMBERS s"))
                    .into_iter()
                    .filter(|member| member.starts_with(b"comes:"))
                    .take(350)
                    .collect();
                if !goes.is_empty() {
                    c.cmd(&[vec![b"SREM".to_vec(), b"s".to_vec()], goes].concat());
                }
            }
            assert!(calls < 10_000, "it ends");
        }
        assert!((0..3_000).all(|n| seen.contains(format!("stays:{n}").as_bytes())));
        assert_eq!(c.run("SSCAN s 0 MATCH stays:17 COUNT 100000").items()[1].items().len(), 1);
    });
}

#[test]
fn big_sets_are_copied_moved_and_freed() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "s", "member:", 50_000);
        let usage = c.run("MEMORY USAGE s").int();
        assert!((50_000 * 25..50_000 * 60).contains(&usage), "{usage} bytes");
        assert_eq!(c.run("COPY s t"), Reply::Int(1));
        assert_eq!(c.run("RENAME s u"), Reply::ok());
        assert_eq!(c.run("UNLINK u"), Reply::Int(1));
        assert_eq!(c.run("SCARD t"), Reply::Int(50_000));
        assert_eq!(c.run("MOVE t 1"), Reply::Int(1));
        assert_eq!(c.run("FLUSHALL ASYNC"), Reply::ok());
        assert_eq!(c.run("DBSIZE"), Reply::Int(0));
    });
}
