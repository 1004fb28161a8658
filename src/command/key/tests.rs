//! Generic commands over boxes, without threads.

use std::collections::HashSet;

use crate::command::testing::{Boxes, START_MS};
use crate::keyspace::{DbIndex, ValueRef};

/// One page of SCAN: the next cursor and the keys.
fn page(boxes: &mut Boxes, cursor: &str, options: &str) -> (String, Vec<String>) {
    let reply = boxes.say(format!("SCAN {cursor} {options}").trim_end());
    let words: Vec<&str> = reply.split(' ').collect();
    // *2 $n cursor *m $n key $n key …
    let keys = words[4..].chunks(2).map(|pair| pair[1].to_owned()).collect();
    (words[2].to_owned(), keys)
}

fn scan(boxes: &mut Boxes, options: &str, mut between: impl FnMut(&mut Boxes)) -> Vec<String> {
    let mut cursor = "0".to_owned();
    let mut found = Vec::new();
    for _ in 0..1_000_000 {
        let (next, keys) = page(boxes, &cursor, options);
        found.extend(keys);
        if next == "0" {
            return found;
        }
        cursor = next;
        between(boxes);
    }
    panic!("SCAN does not end");
}

fn value_pointer(boxes: &Boxes, key: &[u8]) -> Option<*const u8> {
    let part = boxes.part_of(key);
    match part.dbs[0].get(key, part.hash(key))?.string()? {
        ValueRef::Shared(bytes) => Some(bytes.as_ptr()),
        _ => None,
    }
}

/// What stays in the keyspace is seen, whatever comes and goes between the calls, over any number
/// of shards.
#[test]
fn a_scan_sees_all_that_stays() {
    for shards in [1, 2, 4, 7] {
        let mut boxes = Boxes::new(shards);
        for n in 0..2_000 {
            boxes.say(&format!("SET stays:{n} v"));
            boxes.say(&format!("SET goes:{n} v"));
        }
        let mut round = 0;
        let found = scan(&mut boxes, "COUNT 7", |boxes| {
            for n in 0..5 {
                boxes.say(&format!("DEL goes:{}", (round * 5 + n) % 2_000));
                boxes.say(&format!("SET comes:{round}:{n} v"));
            }
            round += 1;
        });
        let found: HashSet<String> = found.into_iter().collect();
        for n in 0..2_000 {
            assert!(found.contains(&format!("stays:{n}")), "{shards} shards: stays:{n}");
        }
    }
}

#[test]
fn a_scan_takes_its_options() {
    let mut boxes = Boxes::new(4);
    for n in 0..100 {
        boxes.say(&format!("SET key:{n} v"));
    }
    boxes.say("SET gone v PX 5");
    boxes.advance(10);
    let mut found = scan(&mut boxes, "MATCH key:?", |_| ());
    found.sort();
    assert_eq!(found, (0..10).map(|n| format!("key:{n}")).collect::<Vec<_>>());
    assert_eq!(boxes.say("DBSIZE"), ":101", "what does not match stays where it is");
    assert_eq!(scan(&mut boxes, "TYPE string COUNT 1000", |_| ()).len(), 100);
    assert_eq!(boxes.say("DBSIZE"), ":100", "an expired key that matches is removed");
    assert_eq!(scan(&mut boxes, "TYPE hash", |_| ()).len(), 0);
    for (request, reply) in [
        ("SCAN x", "-ERR invalid cursor"),
        ("SCAN -1", "-ERR invalid cursor"),
        ("SCAN 0 COUNT 0", "-ERR syntax error"),
        ("SCAN 0 COUNT", "-ERR syntax error"),
        ("SCAN 0 COUNT x", "-ERR value is not an integer or out of range"),
        ("SCAN 0 TYPE nonsense COUNT x", "-ERR unknown type name 'nonsense'"),
        ("SCAN 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
}

/// Values on their own are handed from box to box, or shared by a copy; their bytes stay in place.
#[test]
fn big_values_move_without_a_copy() {
    let mut boxes = Boxes::new(8);
    let big = vec![b'x'; 1_000_000];
    boxes.run(&[b"SET", b"from", &big]);
    boxes.say("PEXPIRE from 5000");
    let place = value_pointer(&boxes, b"from");
    assert!(place.is_some());
    let to = (0..).map(|n| format!("to:{n}"));
    let elsewhere =
        |key: &String| boxes.part_of(key.as_bytes()).number != boxes.part_of(b"from").number;
    let to: Vec<String> = to.filter(elsewhere).take(2).collect();
    assert_eq!(boxes.say(&format!("RENAME from {}", to[0])), "+OK");
    assert_eq!(value_pointer(&boxes, to[0].as_bytes()), place);
    assert_eq!(boxes.say(&format!("PTTL {}", to[0])), ":5000");
    assert_eq!(boxes.say(&format!("COPY {} {}", to[0], to[1])), ":1");
    assert_eq!(value_pointer(&boxes, to[1].as_bytes()), place);
    assert_eq!(boxes.say(&format!("PTTL {}", to[1])), ":5000");
    boxes.say(&format!("SETRANGE {} 0 y", to[1]));
    assert_eq!(
        boxes.say(&format!("GETRANGE {} 0 0", to[0])),
        "$1 x",
        "a copy is a value of its own"
    );
    assert_eq!(boxes.say("EXISTS from"), ":0");
}

#[test]
fn keys_move_between_names_and_databases() {
    let mut boxes = Boxes::new(4);
    for (request, reply) in [
        ("RENAME a b", "-ERR no such key"),
        ("SET a 1", "+OK"),
        ("RENAME a a", "+OK"),
        ("RENAMENX a a", ":0"),
        ("SET b 2", "+OK"),
        ("RENAMENX a b", ":0"),
        ("RENAME a b", "+OK"),
        ("GET b", "$1 1"),
        ("COPY b b", "-ERR source and destination objects are the same"),
        ("COPY b c", ":1"),
        ("COPY b c", ":0"),
        ("COPY b c REPLACE", ":1"),
        ("COPY b b DB 1", ":1"),
        ("MOVE b 1", ":0"),
        ("MOVE c 1", ":1"),
        ("MOVE c 1", ":0"),
        ("MOVE b 0", "-ERR source and destination objects are the same"),
        ("MOVE b 16", "-ERR DB index is out of range"),
        ("COPY b d DB x", "-ERR value is not an integer or out of range"),
        (
            "MOVE b 99999999999",
            "-ERR value is out of range, value must between -2147483648 and 2147483647",
        ),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
    boxes.db = DbIndex(1);
    assert_eq!(boxes.say("MGET b c"), "*2 $1 1 $1 1");
}

#[test]
fn a_rename_onto_an_expired_key_is_stated_after_its_removal() {
    let mut boxes = Boxes::new(4);
    boxes.say("SET old v PX 5");
    boxes.say("SET new v");
    boxes.advance(10);
    boxes.effects();
    assert_eq!(boxes.say("RENAMENX new old"), ":1");
    assert_eq!(boxes.effect_texts(), ["UNLINK old", "RENAMENX new old"]);
}

#[test]
fn expiries_take_effect_under_their_conditions() {
    let mut boxes = Boxes::new(1);
    for (request, reply) in [
        ("EXPIRE a 10", ":0"),
        ("SET a v", "+OK"),
        ("TTL a", ":-1"),
        ("TTL b", ":-2"),
        ("EXPIRE a 10 XX", ":0"),
        ("EXPIRE a 10 GT", ":0"),
        ("EXPIRE a 20 LT", ":1"),
        ("EXPIRE a 10 NX", ":0"),
        ("EXPIRE a 10 GT", ":0"),
        ("EXPIRE a 30 LT", ":0"),
        ("EXPIRE a 30 XX GT", ":1"),
        ("TTL a", ":30"),
        ("PTTL a", ":30000"),
        ("PEXPIRE a 1499", ":1"),
        ("TTL a", ":1"),
        ("PEXPIRE a 1500", ":1"),
        ("TTL a", ":2"),
        ("PERSIST a", ":1"),
        ("PERSIST a", ":0"),
        ("PEXPIREAT a 9223372036854775807", ":1"),
        ("PEXPIRETIME a", ":9223372036854775807"),
        ("EXPIRE a 9223372036854775807", "-ERR invalid expire time in 'expire' command"),
        ("PEXPIRE a 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"),
        ("EXPIREAT b 9223372036854776", "-ERR invalid expire time in 'expireat' command"),
        ("EXPIRE a x NONSENSE", "-ERR Unsupported option NONSENSE"),
        ("EXPIRE a 1 GT LT", "-ERR GT and LT options at the same time are not compatible"),
        (
            "EXPIRE a 1 NX XX",
            "-ERR NX and XX, GT or LT options at the same time are not compatible",
        ),
        ("EXPIRE a -1 GT", ":0"),
        ("EXPIRE a -1", ":1"),
        ("EXISTS a", ":0"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
}

#[test]
fn a_key_is_gone_when_its_time_is_over() {
    let mut boxes = Boxes::new(2);
    boxes.say("SET a v");
    boxes.say("PEXPIRE a 10");
    boxes.advance(9);
    assert_eq!(boxes.say("PTTL a"), ":1");
    boxes.advance(1);
    boxes.effects();
    for request in ["KEYS *", "DBSIZE"] {
        boxes.say(request);
        assert!(boxes.effects().is_empty(), "{request} removes nothing");
    }
    assert_eq!(boxes.say("TYPE a"), "+none");
    assert_eq!(boxes.effect_texts(), ["UNLINK a"]);
    assert_eq!(boxes.say("DBSIZE"), ":0");
}

#[test]
fn expiries_are_stated_as_points_in_time() {
    let mut boxes = Boxes::new(1);
    boxes.say("SET a v");
    boxes.effects();
    for (request, effect) in [
        ("EXPIRE a 10", Some(format!("PEXPIREAT a {}", START_MS + 10_000))),
        ("PEXPIRE a 10", Some(format!("PEXPIREAT a {}", START_MS + 10))),
        ("EXPIREAT a 2000000000 GT", Some("PEXPIREAT a 2000000000000".to_owned())),
        ("PEXPIREAT a 1 GT", None),
        ("PERSIST a", Some("PERSIST a".to_owned())),
        ("PERSIST a", None),
        ("EXPIREAT a 1", Some("UNLINK a".to_owned())),
        ("EXPIRE a 1", None),
        ("DEL a", None),
    ] {
        boxes.say(request);
        assert_eq!(boxes.effect_texts(), Vec::from_iter(effect), "{request}");
    }
}

/// The whole keyspace changes at one point of the stream, stated once.
#[test]
fn whole_databases_are_stated_once_and_only_if_they_change() {
    let mut boxes = Boxes::new(4);
    for n in 0..100 {
        boxes.say(&format!("SET key:{n} v"));
    }
    boxes.effects();
    for (request, effects) in [
        ("SWAPDB 0 1", vec!["SWAPDB 0 1"]),
        ("SWAPDB 3 3", vec![]),
        ("FLUSHDB", vec![]),
        ("FLUSHALL SYNC", vec!["FLUSHALL SYNC"]),
        ("FLUSHALL", vec![]),
    ] {
        assert_eq!(boxes.say(request), "+OK", "{request}");
        assert_eq!(boxes.effect_texts(), effects, "{request}");
    }
    assert!(boxes.contents().is_empty());
    assert_eq!(boxes.say("FLUSHALL ASYNC SYNC"), "-ERR syntax error");
    assert_eq!(boxes.say("SWAPDB x 1"), "-ERR invalid first DB index");
    assert_eq!(boxes.say("SWAPDB 1 x"), "-ERR invalid second DB index");
    assert_eq!(boxes.say("SWAPDB 1 16"), "-ERR DB index is out of range");
}

#[test]
fn a_random_key_comes_from_any_shard_and_is_alive() {
    let mut boxes = Boxes::new(4);
    assert_eq!(boxes.say("RANDOMKEY"), "$-1");
    for n in 0..20 {
        boxes.say(&format!("SET alive:{n} v"));
        boxes.say(&format!("SET dead:{n} v PX 1"));
    }
    boxes.advance(5);
    let seen: HashSet<String> = (0..1_000).map(|_| boxes.say("RANDOMKEY")).collect();
    assert_eq!(seen.len(), 20, "{seen:?}");
    assert!(seen.iter().all(|reply| reply.contains("alive:")));
}

/// Thresholds as Valkey 9.1 shows them.
#[test]
fn encodings_follow_key_and_value() {
    let mut boxes = Boxes::new(4);
    let mut encoding = |key: &str, len: usize| {
        boxes.say(&format!("SET {key} {}", "a".repeat(len)));
        boxes.say(&format!("OBJECT ENCODING {key}"))
    };
    for (key, longest) in [(1, 112), (5, 108), (31, 82), (32, 79), (40, 71), (100, 11)] {
        let key = "k".repeat(key);
        assert_eq!(encoding(&key, longest), "$6 embstr", "{key}");
        assert_eq!(encoding(&key, longest + 1), "$3 raw", "{key}");
    }
    for (requests, shown) in [
        (vec!["SET a 1"], "$3 int"),
        (vec!["SET a 01"], "$6 embstr"),
        (vec!["SET a v", "APPEND a v"], "$3 raw"),
        (vec!["SET b v", "APPEND b v", "RENAME b a"], "$3 raw"),
        (vec!["SET b v", "APPEND b v", "COPY b a REPLACE"], "$3 raw"),
        (vec!["SET a 1", "EXPIRE a 100"], "$3 int"),
    ] {
        requests.iter().for_each(|request| drop(boxes.say(request)));
        assert_eq!(boxes.say("OBJECT ENCODING a"), shown, "{requests:?}");
    }
    let long = "k".repeat(100);
    boxes.say(&format!("SET {long} {}", "a".repeat(50)));
    boxes.say(&format!("RENAME {long} a"));
    assert_eq!(boxes.say("OBJECT ENCODING a"), "$3 raw", "it stays so under a shorter key");
}

#[test]
fn counting_commands_count_what_is_there() {
    let mut boxes = Boxes::new(4);
    boxes.say("MSET a 1 b 2 c 3");
    for (request, reply) in [
        ("EXISTS a a x", ":2"),
        ("TOUCH a b x", ":2"),
        ("DEL a a x", ":1"),
        ("UNLINK b x", ":1"),
        ("DBSIZE", ":1"),
        ("KEYS *", "*1 $1 c"),
        ("KEYS x*", "*0"),
        ("TYPE c", "+string"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
}
