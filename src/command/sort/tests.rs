//! SORT over boxes: order, patterns over shards, what is stored and stated.

use crate::command::testing::Boxes;

fn boxes() -> Boxes {
    let mut boxes = Boxes::new(3);
    for request in [
        "RPUSH l 3 1 2 10",
        "RPUSH t b a c 10 9",
        "SADD s 3 1 2 a",
        "MSET w_1 3 w_2 1 w_3 2 o_1 one o_2 two o_3 three str x",
        "ZADD z 3 a 1 b 2 c 9 10",
        "HSET h_1 f 5 g 1",
        "HSET h_2 f 4",
    ] {
        boxes.say(request);
    }
    boxes.effects();
    boxes
}

#[test]
fn elements_come_in_order() {
    let mut boxes = boxes();
    for (request, reply) in [
        ("SORT l", "*4 $1 1 $1 2 $1 3 $2 10"),
        ("SORT l DESC", "*4 $2 10 $1 3 $1 2 $1 1"),
        ("SORT l DESC ASC LIMIT 1 2", "*2 $1 2 $1 3"),
        ("SORT l LIMIT -1 2", "*2 $1 1 $1 2"),
        ("SORT l LIMIT 2 -5", "*2 $1 3 $2 10"),
        ("SORT l LIMIT 9223372036854775807 9223372036854775807", "*0"),
        ("SORT l LIMIT 5 2", "*0"),
        ("SORT_RO t ALPHA", "*5 $2 10 $1 9 $1 a $1 b $1 c"),
        ("SORT t ALPHA DESC LIMIT 0 2", "*2 $1 c $1 b"),
        ("SORT t BY nosort", "*5 $1 b $1 a $1 c $2 10 $1 9"),
        ("SORT t BY nosort DESC LIMIT 1 2", "*2 $2 10 $1 c"),
        ("SORT t BY nosort LIMIT 9 1", "*0"),
        ("SORT none", "*0"),
        ("SORT z ALPHA", "*4 $2 10 $1 a $1 b $1 c"),
        ("SORT z BY nosort", "*4 $1 b $1 c $1 a $2 10"),
        ("SORT z BY nosort LIMIT 1 2", "*2 $1 c $1 a"),
        ("SORT z BY nosort DESC LIMIT 1 2", "*2 $1 a $1 c"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
}

#[test]
fn patterns_reach_keys_of_any_shard() {
    let mut boxes = boxes();
    for (request, reply) in [
        ("SORT l BY w_*", "*4 $2 10 $1 2 $1 3 $1 1"),
        ("SORT l BY w_* ALPHA DESC", "*4 $1 1 $1 3 $1 2 $2 10"),
        ("SORT l BY w_* GET o_* GET #", "*8 $-1 $2 10 $3 two $1 2 $5 three $1 3 $3 one $1 1"),
        ("SORT l BY h_*->f GET h_*->g DESC", "*4 $1 1 $-1 $-1 $-1"),
        ("SORT l BY w_*->f GET h_*->f", "*4 $1 5 $-1 $1 4 $-1"),
        ("SORT l BY w_* BY nosort GET #", "*4 $1 3 $1 1 $1 2 $2 10"),
        ("SORT l GET o_ LIMIT 0 1", "*1 $-1"),
        ("SORT l BY o_*", "-ERR One or more scores can't be converted into double"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
    assert!(boxes.effects().is_empty());
}

#[test]
fn what_is_stored_replaces_what_was_there() {
    let mut boxes = boxes();
    boxes.say("PEXPIRE str 100000");
    boxes.effects();
    assert_eq!(boxes.say("SORT l GET o_* GET # STORE str LIMIT 0 2"), ":4");
    assert_eq!(boxes.say("LRANGE str 0 -1"), "*4 $3 one $1 1 $3 two $1 2");
    assert_eq!(boxes.say("PTTL str"), ":-1");
    assert_eq!(boxes.say("SORT l LIMIT 0 1 GET none_* STORE o"), ":1");
    assert_eq!(boxes.say("LRANGE o 0 -1"), "*1 $0");
    assert_eq!(boxes.say("SORT s BY nosort DESC STORE o"), ":4");
    assert_eq!(boxes.say("LRANGE o 0 -1"), "*4 $1 a $1 3 $1 2 $1 1");
    assert_eq!(boxes.say("SORT none STORE o"), ":0");
    assert_eq!(boxes.say("SORT none STORE o"), ":0");
    assert_eq!(boxes.say("EXISTS o"), ":0");
    assert_eq!(boxes.say("SORT l STORE l"), ":4");
    assert_eq!(boxes.say("LRANGE l 0 -1"), "*4 $1 1 $1 2 $1 3 $2 10");
    assert_eq!(
        boxes.effect_texts(),
        [
            "SORT l GET o_* GET # STORE str LIMIT 0 2",
            "SORT l LIMIT 0 1 GET none_* STORE o",
            "SORT s BY nosort DESC STORE o",
            "SORT none STORE o",
            "SORT l STORE l"
        ]
    );
}

#[test]
fn errors_leave_everything_as_it_is() {
    let mut boxes = boxes();
    let not_numbers = "-ERR One or more scores can't be converted into double";
    for (request, reply) in [
        ("SORT t", not_numbers),
        ("SORT t STORE l", not_numbers),
        ("SORT str", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("SORT str FOO", "-ERR syntax error"),
        ("SORT l LIMIT 1", "-ERR syntax error"),
        ("SORT l LIMIT x 1", "-ERR value is not an integer or out of range"),
        ("SORT l STORE", "-ERR syntax error"),
        ("SORT l BY", "-ERR syntax error"),
        ("SORT_RO l STORE x", "-ERR syntax error"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
    assert!(boxes.effects().is_empty());
}
