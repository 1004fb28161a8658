//! Hash commands over boxes: effects, fields that expire, and what other families make of a hash.

use crate::command::testing::Boxes;
use crate::config::Config;

#[test]
fn fields_come_and_go_with_their_key() {
    let mut boxes = Boxes::new(3);
    assert_eq!(boxes.say("HSET h a 1 b 2 a 3"), ":2");
    assert_eq!(boxes.say("HGETALL h"), "*4 $1 a $1 3 $1 b $1 2");
    assert_eq!(boxes.say("HSETNX h a 9"), ":0");
    assert_eq!(boxes.say("HSETNX h c 9"), ":1");
    assert_eq!(boxes.say("HMGET h c x"), "*2 $1 9 $-1");
    assert_eq!(boxes.say("HDEL h a b x"), ":2");
    assert_eq!(boxes.say("HDEL h c"), ":1");
    assert_eq!(boxes.say("EXISTS h"), ":0");
    let effects = ["HSET h a 1 b 2 a 3", "HSET h c 9", "HDEL h a b x", "HDEL h c"];
    assert_eq!(boxes.effect_texts(), effects);
}

#[test]
fn sums_are_stated_as_results() {
    let mut boxes = Boxes::new(1);
    boxes.say("HINCRBY h n 5");
    boxes.say("HPEXPIRE h 1000 FIELDS 1 n");
    boxes.say("HINCRBY h n 5");
    assert_eq!(boxes.say("HINCRBYFLOAT h n 0.5"), "$4 10.5");
    assert_eq!(boxes.say("HPTTL h FIELDS 1 n"), "*1 :1000");
    assert_eq!(boxes.say("HINCRBY h n 1"), "-ERR hash value is not an integer");
    let expected = [
        "HSET h n 5",
        "HPEXPIREAT h 1700000001000 FIELDS 1 n",
        "HSETEX h KEEPTTL FIELDS 1 n 10",
        "HSETEX h KEEPTTL FIELDS 1 n 10.5",
    ];
    assert_eq!(boxes.effect_texts(), expected);
}

#[test]
fn a_field_whose_time_is_over_is_not_there() {
    let mut boxes = Boxes::new(1);
    boxes.say("HSET h a 1 b 2 c 3");
    assert_eq!(boxes.say("HPEXPIRE h 10 FIELDS 3 a b x"), "*3 :1 :1 :-2");
    boxes.effects();
    boxes.advance(10);
    for (request, reply) in [
        ("HGET h a", "$-1"),
        ("HGETALL h", "*2 $1 c $1 3"),
        ("HKEYS h", "*1 $1 c"),
        ("HVALS h", "*1 $1 3"),
        ("HEXISTS h a", ":0"),
        ("HSTRLEN h a", ":0"),
        ("HMGET h a c", "*2 $-1 $1 3"),
        ("HRANDFIELD h", "$1 c"),
        ("HRANDFIELD h -2", "*2 $1 c $1 c"),
        ("HRANDFIELD h 5 WITHVALUES", "*2 $1 c $1 3"),
        ("HSCAN h 0", "*2 $1 0 *2 $1 c $1 3"),
        ("HTTL h FIELDS 2 a c", "*2 :-2 :-1"),
        ("HPERSIST h FIELDS 1 a", "*1 :-2"),
        ("HGETEX h EX 10 FIELDS 1 a", "*1 $-1"),
        ("HEXPIRE h 10 FIELDS 1 a", "*1 :-2"),
        ("HDEL h a", ":0"),
        ("HGETDEL h FIELDS 1 b", "*1 $-1"),
        ("HSETEX h FXX FIELDS 1 a 1", ":0"),
        ("HLEN h", ":3"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
    assert!(boxes.effects().is_empty());
    assert_eq!(boxes.say("HINCRBY h a 7"), ":7");
    assert_eq!(boxes.say("HSETNX h b 8"), ":1");
    assert_eq!(boxes.say("HPTTL h FIELDS 2 a b"), "*2 :-1 :-1");
    assert_eq!(boxes.say("HLEN h"), ":3");
    assert_eq!(boxes.effect_texts(), ["HSET h a 7", "HSET h b 8"]);
}

#[test]
fn what_gets_a_past_time_is_deleted() {
    let mut boxes = Boxes::new(1);
    boxes.say("HSET h a 1 b 2 c 3 d 4");
    boxes.effects();
    assert_eq!(boxes.say("HEXPIRE h 0 FIELDS 2 a x"), "*2 :2 :-2");
    assert_eq!(boxes.say("HGETEX h PXAT 1 FIELDS 2 b x"), "*2 $1 2 $-1");
    assert_eq!(boxes.say("HSETEX h EX 0 FIELDS 2 c 1 x 1"), ":1");
    assert_eq!(boxes.say("HPEXPIREAT h 1 FIELDS 1 d"), "*1 :2");
    assert_eq!(boxes.say("EXISTS h"), ":0");
    assert_eq!(boxes.effect_texts(), ["HDEL h a", "HDEL h b", "HDEL h c", "HDEL h d"]);
    // Of HSETEX all fields count, even one that was not there.
    assert_eq!(boxes.parts()[0].stats.expired_fields, 5);
    assert!(boxes.parts()[0].dbs.iter().all(|db| db.bytes() == 0));
}

#[test]
fn fields_that_expire_are_indexed_wherever_their_hash_goes() {
    let mut boxes = Boxes::new(1);
    boxes.say("HSETEX h PX 10 FIELDS 2 a 1 b 2");
    boxes.say("HSET h c 3");
    boxes.say("RENAME h g");
    assert_eq!(boxes.say("COPY g f"), ":1");
    boxes.say("PEXPIRE g 100000");
    boxes.say("MOVE f 1");
    let known = |boxes: &Boxes| {
        let dbs = boxes.parts()[0].dbs.iter();
        dbs.map(|db| db.volatile_fields_len()).collect::<Vec<_>>()[..2].to_vec()
    };
    assert_eq!(known(&boxes), [1, 1]);
    boxes.say("HPERSIST g FIELDS 1 a");
    boxes.say("HPERSIST g FIELDS 1 b");
    assert_eq!(known(&boxes), [0, 1]);
    boxes.say("HEXPIRE g 100 FIELDS 1 a");
    boxes.say("SET g x");
    assert_eq!(known(&boxes), [0, 1]);
    boxes.say("FLUSHALL");
    assert_eq!(known(&boxes), [0, 0]);
}

#[test]
fn a_hash_is_no_string_and_no_set() {
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    let mut boxes = Boxes::new(1);
    boxes.say("HSET h f v");
    boxes.say("SADD s f");
    for request in ["GET h", "SADD h x", "SINTER h s", "HGET s f", "HSET s f v", "HLEN s"] {
        assert_eq!(boxes.say(request), wrong, "{request}");
    }
    assert_eq!(boxes.say("TYPE h"), "+hash");
    assert_eq!(boxes.say("OBJECT ENCODING h"), "$8 listpack");
}

#[test]
fn a_count_alone_makes_no_endless_reply() {
    let config = Config { shards: 1, proto_max_bulk_len: 1 << 20, ..Config::default() };
    let mut boxes = Boxes::with(config);
    boxes.say(&format!("HSET h f {}", "v".repeat(1_000)));
    let refused = "-ERR reply exceeds maximum allowed size (proto-max-bulk-len)";
    assert_eq!(boxes.say("HRANDFIELD h -4611686018427387903 WITHVALUES"), refused);
}
