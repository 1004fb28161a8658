//! Set commands over boxes: replies, effects, and what other families make of a set.

use crate::command::testing::Boxes;
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
        boxes.say("SADD a-longer-name x y z");
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
