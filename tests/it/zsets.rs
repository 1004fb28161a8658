//! Sorted sets and geo: what takes many members or keys of several shards; and a few plain cases to
//! read first when the differential tests fail.

use std::collections::BTreeSet;

use crate::client::{Client, Reply};
use crate::server::each_plain_form;

/// Adds `m0`, `m1` and so on, with their numbers as scores, in an order that jumps about.
fn fill(c: &mut Client, key: &str, count: usize) {
    /// Prime to every count here.
    const STRIDE: usize = 7_919;
    let numbers: Vec<usize> = (0..count).map(|n| n * STRIDE % count).collect();
    for chunk in numbers.chunks(1_000) {
        let mut request = vec!["ZADD".to_owned(), key.to_owned()];
        request.extend(chunk.iter().flat_map(|n| [n.to_string(), format!("m{n}")]));
        assert_eq!(c.cmd(&request), Reply::Int(chunk.len() as i64));
    }
}

fn texts(reply: &Reply) -> Vec<String> {
    reply.items().iter().map(Reply::text).collect()
}

#[test]
fn scores_ranks_and_encodings() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("ZADD z 2 b 1 a 3 c"), Reply::Int(3));
        assert_eq!(c.run("OBJECT ENCODING z"), Reply::bulk("listpack"));
        assert_eq!(c.run("ZINCRBY z 1.5 a"), Reply::bulk("2.5"));
        assert_eq!(texts(&c.run("ZRANGE z 0 -1")), ["b", "a", "c"]);
        assert_eq!(c.run("ZREVRANK z c"), Reply::Int(0));
        fill(&mut c, "z", 200);
        assert_eq!(c.run("OBJECT ENCODING z"), Reply::bulk("skiplist"));
        assert_eq!(c.run("TYPE z"), Reply::Simple(b"zset".to_vec()));
        assert_eq!(
            texts(&c.run("ZRANGEBYSCORE z (2 3 WITHSCORES")),
            ["a", "2.5", "c", "3", "m3", "3"]
        );
        assert_eq!(
            c.run("GET z"),
            Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value")
        );
        c.hello3();
        assert_eq!(c.run("ZSCORE z a"), Reply::Double(b"2.5".to_vec()));
    });
}

#[test]
fn every_place_of_a_big_set() {
    const COUNT: usize = 20_000;
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "z", COUNT);
        for n in (0..COUNT).step_by(997) {
            assert_eq!(c.cmd(&["ZRANK", "z", &format!("m{n}")]), Reply::Int(n as i64));
            let at = n.to_string();
            assert_eq!(texts(&c.cmd(&["ZRANGE", "z", &at, &at])), [format!("m{n}")]);
            let bound = format!("({n}");
            let above = c.cmd(&["ZCOUNT", "z", &bound, "+inf"]);
            assert_eq!(above, Reply::Int((COUNT - 1 - n) as i64));
        }
        assert_eq!(c.run("ZREMRANGEBYSCORE z 100 (19900"), Reply::Int(19_800));
        assert_eq!(c.run("ZCARD z"), Reply::Int(200));
        assert_eq!(texts(&c.run("ZRANGE z 99 100")), ["m99", "m19900"]);
        assert_eq!(texts(&c.run("ZPOPMAX z")), ["m19999", "19999"]);
        assert_eq!(c.run("ZREMRANGEBYRANK z 0 -1"), Reply::Int(199));
        assert_eq!(c.run("EXISTS z"), Reply::Int(0));
    });
}

#[test]
fn algebra_of_sets_that_live_apart() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "thousand", 1_000);
        fill(&mut c, "hundred", 100);
        assert_eq!(c.run("SADD plain m5 m7 x"), Reply::Int(3));
        assert_eq!(c.run("ZINTERCARD 2 thousand hundred"), Reply::Int(100));
        let sum = c.run("ZINTER 3 thousand hundred plain WEIGHTS 1 10 100 WITHSCORES");
        assert_eq!(texts(&sum), ["m5", "155", "m7", "177"]);
        assert_eq!(c.run("ZDIFFSTORE rest 2 thousand hundred"), Reply::Int(900));
        assert_eq!(c.run("ZUNIONSTORE all 3 rest hundred plain"), Reply::Int(1_001));
        assert_eq!(c.run("ZRANGESTORE some all 0 9 REV"), Reply::Int(10));
        assert_eq!(c.run("OBJECT ENCODING some"), Reply::bulk("listpack"));
        assert_eq!(c.run("ZMPOP 3 none empty some MIN").items()[0].text(), "some");
        assert_eq!(c.run("ZINTERSTORE all 2 none all"), Reply::Int(0));
        assert_eq!(c.run("EXISTS all"), Reply::Int(0));
    });
}

#[test]
fn a_scan_sees_what_stays() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "z", 5_000);
        let (mut seen, mut calls) = (BTreeSet::new(), 0);
        let mut cursor = "0".to_owned();
        loop {
            let reply = c.cmd(&["ZSCAN", "z", &cursor, "COUNT", "50", "NOSCORES"]);
            let parts = reply.items();
            seen.extend(texts(&parts[1]));
            cursor = parts[0].text();
            if cursor == "0" {
                break;
            }
            // Members come and go meanwhile; those that were there first stay.
            calls += 1;
            c.cmd(&["ZADD", "z", "1", &format!("new{calls}"), "2", &format!("more{calls}")]);
            c.cmd(&["ZREM", "z", &format!("more{calls}")]);
        }
        assert!((0..5_000).all(|n| seen.contains(&format!("m{n}"))), "{} seen", seen.len());
    });
}

/// Keys to store to stand behind options: whichever of them counts is in hand, wherever it lives.
#[test]
fn geo_searches_store_on_any_shard() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(
            c.run("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"),
            Reply::Int(2)
        );
        for n in 0..20 {
            let (first, last) = (format!("first{n}"), format!("last{n}"));
            let near = ["GEORADIUS", "g", "15", "37", "100", "km"];
            let stores = [&near[..], &["STORE", &first, "STOREDIST", &last]].concat();
            assert_eq!(c.cmd(&stores), Reply::Int(1));
            assert_eq!(c.cmd(&["EXISTS", &first]), Reply::Int(0));
            let stored = texts(&c.cmd(&["ZRANGE", &last, "0", "-1", "WITHSCORES"]));
            assert_eq!(stored, ["Catania", "56.4412578701582"]);
            let odd = [&near[..], &["STOREDIST", "STORE"]].concat();
            assert_eq!(c.cmd(&odd), Reply::Int(1));
            assert_eq!(c.run("ZCARD STORE"), Reply::Int(1));
            let request = [
                "GEOSEARCHSTORE",
                &first,
                "g",
                "FROMMEMBER",
                "Palermo",
                "BYBOX",
                "400",
                "400",
                "km",
            ];
            assert_eq!(c.cmd(&request), Reply::Int(2));
        }
        let wrong = Reply::error("ERR syntax error");
        assert_eq!(c.run("GEORADIUS g 15 37 100 km STORE"), wrong);
    });
}
