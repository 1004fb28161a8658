//! Generic commands on keys: iteration that keeps its guarantee while the keyspace changes, and
//! commands whose keys lie in different shards and databases.

use std::collections::{BTreeMap, HashSet};

use crate::client::{Client, Reply};
use crate::server::each_plain_form;

/// Writes `n` keys `prefix:0` … in pipelines.
fn fill(c: &mut Client, prefix: &str, n: usize) {
    let set = |i: usize| vec!["SET".to_owned(), format!("{prefix}:{i}"), i.to_string()];
    let commands: Vec<Vec<String>> = (0..n).map(set).collect();
    for chunk in commands.chunks(1000) {
        assert!(c.pipeline(chunk).iter().all(|r| *r == Reply::ok()));
    }
}

/// One page of SCAN: the next cursor and the keys.
fn page(c: &mut Client, cursor: &[u8], options: &[&str]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut args = vec![b"SCAN".to_vec(), cursor.to_vec()];
    args.extend(options.iter().map(|o| o.as_bytes().to_vec()));
    let reply = c.cmd(&args);
    match reply.items().as_slice() {
        [cursor, keys] => {
            let keys = keys.items().iter().map(|k| k.bytes().to_vec()).collect();
            (cursor.bytes().to_vec(), keys)
        }
        _ => panic!("SCAN: {reply}"),
    }
}

/// A whole iteration; `between` runs between two pages.
fn scan(
    c: &mut Client,
    options: &[&str],
    mut between: impl FnMut(&mut Client, usize),
) -> Vec<Vec<u8>> {
    let mut cursor = b"0".to_vec();
    let mut found = Vec::new();
    for round in 0..1_000_000 {
        let (next, keys) = page(c, &cursor, options);
        found.extend(keys);
        if next == b"0" {
            return found;
        }
        cursor = next;
        between(c, round);
    }
    panic!("SCAN does not end")
}

#[test]
fn scan_finds_every_key() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "key", 20_000);
        for options in [&[][..], &["COUNT", "1000"], &["COUNT", "7"]] {
            let found = scan(&mut c, options, |_, _| {});
            let once: HashSet<&Vec<u8>> = found.iter().collect();
            assert_eq!(once.len(), 20_000, "{options:?}");
            assert_eq!(found.len(), 20_000, "no key twice while nothing changes: {options:?}");
        }
        let found = scan(&mut c, &["MATCH", "key:1234?", "COUNT", "500"], |_, _| {});
        assert_eq!(found.len(), 10);
        assert!(scan(&mut c, &["TYPE", "list", "COUNT", "1000"], |_, _| {}).is_empty());
        assert_eq!(scan(&mut c, &["TYPE", "string", "COUNT", "1000"], |_, _| {}).len(), 20_000);
        let (_, keys) = page(&mut c, b"0", &["COUNT", "10"]);
        assert!(keys.len() < 200, "COUNT 10 gave {} keys", keys.len());
    });
}

/// Keys that are there from the first to the last page must be found, whatever else comes and
/// goes and however the table grows and shrinks meanwhile.
#[test]
fn scan_keeps_its_guarantee_while_keys_come_and_go() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "stay", 3_000);
        fill(&mut c, "go", 3_000);
        let found = scan(&mut c, &["COUNT", "20"], |c, round| {
            if round % 4 == 0 && round < 200 {
                fill(c, &format!("new:{round}"), 500);
            }
            let gone: Vec<String> = (0..40).map(|i| format!("go:{}", round * 40 + i)).collect();
            c.cmd(&[vec!["DEL".to_owned()], gone].concat());
        });
        let found: HashSet<Vec<u8>> = found.into_iter().collect();
        for i in 0..3_000 {
            let key = format!("stay:{i}").into_bytes();
            assert!(found.contains(&key), "stay:{i} was not found");
        }
        // And while it shrinks: all but the keys that stay are deleted between the pages.
        let others: Vec<Vec<u8>> =
            found.iter().filter(|key| !key.starts_with(b"stay")).cloned().collect();
        let mut left = others.chunks(200);
        let found = scan(&mut c, &["COUNT", "20"], |c, _| {
            if let Some(chunk) = left.next() {
                c.cmd(&[vec![b"DEL".to_vec()], chunk.to_vec()].concat());
            }
        });
        let found: HashSet<Vec<u8>> = found.into_iter().collect();
        let stay = (0..3_000).filter(|i| found.contains(format!("stay:{i}").as_bytes())).count();
        assert_eq!(stay, 3_000);
    });
}

#[test]
fn keys_and_dbsize_over_all_shards() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "key", 2_000);
        c.cmd(&["SET", "other", "1"]);
        assert_eq!(c.run("KEYS key:*").items().len(), 2_000);
        assert_eq!(c.run("KEYS *").items().len(), 2_001);
        assert_eq!(c.run("KEYS key:199?").items().len(), 10);
        assert_eq!(c.run("KEYS nothing").items().len(), 0);
        assert_eq!(c.run("DBSIZE"), Reply::Int(2_001));
        assert_eq!(c.run("EXISTS key:1 key:2 key:3 key:1 none"), Reply::Int(4));
        assert_eq!(c.run("TOUCH key:1 key:2 none"), Reply::Int(2));
        assert_eq!(c.run("UNLINK key:1 key:2 none"), Reply::Int(2));
        assert_eq!(c.run("DBSIZE"), Reply::Int(1_999));
        assert_eq!(c.run("FLUSHALL"), Reply::ok());
        assert_eq!(c.run("DBSIZE"), Reply::Int(0));
        assert_eq!(c.run("KEYS *"), Reply::Array(vec![]));
    });
}

#[test]
fn randomkey_reaches_every_key() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("RANDOMKEY"), Reply::NullBulk);
        fill(&mut c, "key", 16);
        let mut seen = BTreeMap::new();
        for _ in 0..2_000 {
            *seen.entry(c.run("RANDOMKEY").text()).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 16, "{seen:?}");
    });
}

#[test]
fn rename_and_copy_between_shards() {
    each_plain_form(|server| {
        let mut c = server.client();
        let no_key = Reply::error("ERR no such key");
        for i in 0..50 {
            let (from, to) = (format!("from:{i}"), format!("to:{i}"));
            c.cmd(&["SET", &from, &from, "EX", "5000"]);
            assert_eq!(c.cmd(&["RENAME", &from, &to]), Reply::ok());
            assert_eq!(c.cmd(&["GET", &to]), Reply::bulk(&from));
            assert!(c.cmd(&["TTL", &to]).int() > 4_000, "the expiry moves with the key");
            assert_eq!(c.cmd(&["EXISTS", &from]), Reply::Int(0));
            assert_eq!(c.cmd(&["RENAME", &from, &to]), no_key);
            assert_eq!(c.cmd(&["COPY", &to, &from]), Reply::Int(1));
            assert_eq!(c.cmd(&["COPY", &to, &from]), Reply::Int(0));
            assert_eq!(c.cmd(&["SET", &to, "changed"]), Reply::ok());
            assert_eq!(c.cmd(&["GET", &from]), Reply::bulk(&from), "a copy is its own");
            assert_eq!(c.cmd(&["COPY", &to, &from, "REPLACE"]), Reply::Int(1));
            assert_eq!(c.cmd(&["TTL", &from]), Reply::Int(-1));
            assert_eq!(c.cmd(&["RENAMENX", &from, &to]), Reply::Int(0));
            assert_eq!(c.cmd(&["DEL", &to]), Reply::Int(1));
            assert_eq!(c.cmd(&["RENAMENX", &from, &to]), Reply::Int(1));
            assert_eq!(c.cmd(&["RENAME", &to, &to]), Reply::ok());
        }
        assert_eq!(c.run("DBSIZE"), Reply::Int(50));
    });
}

#[test]
fn databases_are_apart() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "zero", 100);
        assert_eq!(c.run("SELECT 1"), Reply::ok());
        assert_eq!(c.run("DBSIZE"), Reply::Int(0));
        fill(&mut c, "one", 30);
        assert_eq!(c.run("MOVE one:1 0"), Reply::Int(1));
        assert_eq!(c.run("MOVE one:1 0"), Reply::Int(0));
        assert_eq!(
            c.run("MOVE one:2 1"),
            Reply::error("ERR source and destination objects are the same")
        );
        assert_eq!(c.run("COPY one:2 one:2 DB 0"), Reply::Int(1));
        assert_eq!(c.run("DBSIZE"), Reply::Int(29));
        let mut other = server.client();
        assert_eq!(other.run("DBSIZE"), Reply::Int(102));
        assert_eq!(other.run("SWAPDB 0 1"), Reply::ok());
        assert_eq!(other.run("DBSIZE"), Reply::Int(29), "seen by connections that stay in it");
        assert_eq!(c.run("DBSIZE"), Reply::Int(102));
        assert_eq!(c.run("FLUSHDB"), Reply::ok());
        assert_eq!(c.run("DBSIZE"), Reply::Int(0));
        assert_eq!(other.run("DBSIZE"), Reply::Int(29));
        assert_eq!(c.run("SELECT 16"), Reply::error("ERR DB index is out of range"));
        assert_eq!(other.run("SWAPDB 0 16"), Reply::error("ERR DB index is out of range"));
        assert_eq!(other.run("SWAPDB a 1"), Reply::error("ERR invalid first DB index"));
        assert_eq!(other.run("FLUSHALL ASYNC"), Reply::ok());
        assert_eq!(other.run("DBSIZE"), Reply::Int(0));
    });
}

#[test]
fn keyspace_lines_of_info() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "key", 100);
        for i in 0..10 {
            c.cmd(&["EXPIRE", &format!("key:{i}"), "1000"]);
        }
        c.run("SELECT 5");
        fill(&mut c, "five", 3);
        let db0 = c.info("db0");
        assert!(db0.starts_with("keys=100,expires=10,avg_ttl="), "{db0}");
        assert!(c.info("db5").starts_with("keys=3,expires=0,avg_ttl=0"));
    });
}

#[test]
fn idle_time_is_that_of_the_last_use() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.run("SET k v");
        assert!(c.run("OBJECT IDLETIME k").int() <= 5);
        assert_eq!(c.run("OBJECT IDLETIME none"), Reply::NullBulk);
        let text = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. \
                    Please note that when switching between policies at runtime LRU and LFU data \
                    will take some time to adjust.";
        assert_eq!(c.run("OBJECT FREQ k"), Reply::error(text));
        c.run("CONFIG SET maxmemory-policy allkeys-lfu");
        c.run("SET k v");
        assert!(c.run("OBJECT FREQ k").int() >= 1);
        for _ in 0..200 {
            c.run("GET k");
        }
        assert!(c.run("OBJECT FREQ k").int() > 5);
        assert!(c.run("OBJECT IDLETIME k").is_error());
    });
}
