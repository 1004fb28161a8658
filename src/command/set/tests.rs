//! Set commands over boxes: replies, effects, and what other families make of a set.

use crate::command::testing::Boxes;
use crate::config::Config;
use crate::keyspace::DbIndex;

#[test]
fn members_come_and_go_with_their_key() {
    let mut boxes = Boxes::new(3);
    assert_eq!(boxes.say("SADD s 1 2 2 a"), ":3");
    assert_eq!(boxes.say("SADD s 1"), ":0");
    assert_eq!(boxes.say("SISMEMBER s a"), ":1");
    assert_eq!(boxes.say("SISMEMBER s b"), ":0");
    assert_eq!(boxes.say("SREM s 1 b"), ":1");
    assert_eq!(boxes.say("SCARD s"), ":2");
    assert_eq!(boxes.say("SREM s 2 a x"), ":2");
    assert_eq!(boxes.say("EXISTS s"), ":0");
    assert_eq!(boxes.say("SREM s 2"), ":0");
    assert_eq!(boxes.say("SMEMBERS s"), "*0");
    assert_eq!(boxes.effect_texts(), ["SADD s 1 2 2 a", "SREM s 1 b", "SREM s 2 a x"]);
}

#[test]
fn a_set_is_no_string_and_a_string_no_set() {
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    let mut boxes = Boxes::new(1);
    boxes.say("SADD s 1");
    boxes.say("SET t x");
    for request in [
        "GET s",
        "GETDEL s",
        "GETEX s",
        "GETEX s PERSIST",
        "GETRANGE s 0 1",
        "GETSET s x",
        "STRLEN s",
        "APPEND s x",
        "SETRANGE s 1 x",
        "SETRANGE s 1 ",
        "INCR s",
        "DECRBY s 2",
        "INCRBYFLOAT s 1",
        "SET s x GET",
        "SET s x NX GET",
        "SET s x IFEQ y",
        "DELIFEQ s x",
        "SADD t 1",
        "SREM t 1",
        "SISMEMBER t 1",
        "SCARD t",
        "SMEMBERS t",
    ] {
        assert_eq!(boxes.say(request), wrong, "{request}");
    }
    assert_eq!(boxes.say("LCS s t"), "-ERR The specified keys must contain string values");
    assert_eq!(boxes.say("MGET s t"), "*2 $-1 $1 x");
    assert_eq!(boxes.say("SETNX s x"), ":0");
    assert_eq!(boxes.say("TYPE s"), "+set");
    assert_eq!(boxes.say("SET s x XX"), "+OK");
    assert_eq!(boxes.say("TYPE s"), "+string");
}

#[test]
fn keys_with_sets_move_expire_and_are_accounted_for() {
    let mut boxes = Boxes::new(1);
    for members in ["1 2 3", "a b c d"] {
        boxes.say(&format!("SADD s {members}"));
        boxes.say("PEXPIRE s 1000");
        boxes.say("RENAME s a-longer-name");
        assert_eq!(boxes.say("COPY a-longer-name s"), ":1");
        assert_eq!(boxes.say("SREM s 1 a"), ":1");
        assert_eq!(boxes.say("SCARD a-longer-name"), format!(":{}", members.split(' ').count()));
        boxes.say("MOVE s 1");
        boxes.say("PERSIST a-longer-name");
        let bytes = boxes.parts()[0].dbs[0].bytes();
        boxes.say(&format!("SADD a-longer-name x y {}", "z".repeat(50)));
        assert!(boxes.parts()[0].dbs[0].bytes() > bytes);
        boxes.say("SET a-longer-name x");
        boxes.advance(1001);
        boxes.db = DbIndex(1);
        assert_eq!(boxes.say("SCARD s"), ":0");
        boxes.db = DbIndex(0);
        boxes.say("DEL a-longer-name");
        assert!(boxes.parts()[0].dbs.iter().all(|db| db.bytes() == 0));
    }
}

/// The words of a reply in which order means nothing, sorted.
fn sorted(reply: &str) -> Vec<String> {
    let mut words: Vec<String> = reply
        .split(' ')
        .filter(|word| !word.starts_with(['*', '$', '~']))
        .map(str::to_owned)
        .collect();
    words.sort_unstable();
    words
}

#[test]
fn algebra_over_several_boxes() {
    let mut boxes = Boxes::new(4);
    boxes.say("SADD a 1 2 3 x y");
    boxes.say("SADD b 2 3 y z");
    boxes.say("SADD c 3 y 03");
    boxes.effects();
    assert_eq!(sorted(&boxes.say("SINTER a b c")), ["3", "y"]);
    assert_eq!(boxes.say("SINTERCARD 3 a b c"), ":2");
    assert_eq!(boxes.say("SINTERCARD 2 a b LIMIT 2"), ":2");
    assert_eq!(boxes.say("SINTERCARD 2 a b LIMIT 0"), ":3");
    assert_eq!(sorted(&boxes.say("SUNION a b c")), ["03", "1", "2", "3", "x", "y", "z"]);
    assert_eq!(sorted(&boxes.say("SUNION a b c a b c")), ["03", "1", "2", "3", "x", "y", "z"]);
    assert_eq!(sorted(&boxes.say("SDIFF a b")), ["1", "x"]);
    assert_eq!(boxes.say("SDIFF a b a"), "*0");
    assert_eq!(boxes.say("SINTER a missing"), "*0");
    assert!(boxes.effects().is_empty(), "reading changes nothing");
    assert_eq!(boxes.say("SUNIONSTORE a a b"), ":6");
    assert_eq!(boxes.say("SDIFFSTORE missing a a"), ":0");
    assert_eq!(boxes.say("SINTERSTORE a a missing"), ":0");
    assert_eq!(boxes.say("EXISTS a"), ":0");
    assert_eq!(boxes.effect_texts(), ["SUNIONSTORE a a b", "DEL a"]);
}

#[test]
fn members_move_between_sets() {
    let mut boxes = Boxes::new(4);
    boxes.say("SADD a 1");
    boxes.say("SADD b 1 2");
    boxes.effects();
    assert_eq!(boxes.say("SMOVE a a 1"), ":1");
    assert_eq!(boxes.say("SMOVE a b 2"), ":0");
    assert_eq!(boxes.say("SMOVE a b 1"), ":1");
    assert_eq!(boxes.say("EXISTS a"), ":0");
    assert_eq!(boxes.say("SMOVE b a 2"), ":1");
    assert_eq!(boxes.say("SMEMBERS a"), "*1 $1 2");
    assert_eq!(boxes.effect_texts(), ["SMOVE a b 1", "SMOVE b a 2"]);
}

#[test]
fn what_chance_took_is_stated_by_name() {
    let mut boxes = Boxes::new(1);
    boxes.say("SADD s a b c d");
    boxes.effects();
    let first = sorted(&boxes.say("SPOP s"));
    assert_eq!(boxes.effect_texts(), [format!("SREM s {}", first[0])]);
    let two = boxes.say("SPOP s 2");
    let stated = boxes.effect_texts();
    assert_eq!(sorted(stated[0].trim_start_matches("SREM s ")), sorted(&two));
    assert_eq!(boxes.say("SPOP s 0"), "*0");
    assert!(boxes.effect_texts().is_empty());
    boxes.say("SPOP s 10");
    assert_eq!(boxes.effect_texts(), ["UNLINK s"]);
    assert_eq!(boxes.say("SPOP s 3"), "*0");
    assert_eq!(boxes.say("SPOP s"), "$-1");
}

#[test]
fn a_count_alone_makes_no_endless_reply() {
    let config = Config { shards: 1, proto_max_bulk_len: 1 << 20, ..Config::default() };
    let mut boxes = Boxes::with(config);
    boxes.say(&format!("SADD s {}", "m".repeat(1_000)));
    let refused = "-ERR reply exceeds maximum allowed size (proto-max-bulk-len)";
    assert_eq!(boxes.say("SRANDMEMBER s -9223372036854775807"), refused);
    assert!(boxes.say("SRANDMEMBER s -9223372036854775808").starts_with("-ERR value is out of"));
}
