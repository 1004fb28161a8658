//! List commands over boxes: replies, encodings, effects, and what watchers hear.

use crate::command::testing::Boxes;
use crate::resp::Proto;

/// A client that has said something already.
fn after(requests: &[&str]) -> Boxes {
    let mut boxes = Boxes::new(3);
    for request in requests {
        boxes.say(request);
    }
    boxes.effects();
    boxes
}

#[test]
fn elements_come_and_go_at_both_ends() {
    let mut boxes = Boxes::new(3);
    assert_eq!(boxes.say("RPUSH l a b"), ":2");
    assert_eq!(boxes.say("LPUSH l 1 2"), ":4");
    assert_eq!(boxes.say("LPUSHX l x"), ":5");
    assert_eq!(boxes.say("RPUSHX none x"), ":0");
    assert_eq!(boxes.say("LRANGE l 0 -1"), "*5 $1 x $1 2 $1 1 $1 a $1 b");
    assert_eq!(boxes.say("LPOP l"), "$1 x");
    assert_eq!(boxes.say("RPOP l 2"), "*2 $1 b $1 a");
    assert_eq!(boxes.say("LPOP l 0"), "*0");
    assert_eq!(boxes.say("LPOP l 9223372036854775807"), "*2 $1 2 $1 1");
    assert_eq!(boxes.say("EXISTS l"), ":0");
    assert_eq!(boxes.say("LPOP l"), "$-1");
    assert_eq!(boxes.say("LPOP l 1"), "*-1");
    boxes.proto = Proto::Resp3;
    assert_eq!(boxes.say("LPOP l"), "_");
    assert_eq!(boxes.say("LPOP l 0"), "_");
    assert_eq!(boxes.say("LMPOP 1 l LEFT"), "_");
    assert_eq!(
        boxes.effect_texts(),
        [
            "RPUSH l a b",
            "LPUSH l 1 2",
            "LPUSHX l x",
            "LPOP l",
            "RPOP l 2",
            "LPOP l 9223372036854775807"
        ]
    );
}

#[test]
fn errors_come_in_redis_order() {
    let positive = "-ERR value is out of range, must be positive";
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    let integer = "-ERR value is not an integer or out of range";
    let mut boxes = after(&["RPUSH l a b c", "SET s x"]);
    for (request, reply) in [
        ("LPOP l x", positive),
        ("LPOP s -1", positive),
        ("LPOP l 1 2", "-ERR wrong number of arguments for 'lpop' command"),
        ("LPOP s", wrong),
        ("LMPOP 0 l LEFT", "-ERR numkeys should be greater than 0"),
        ("LMPOP 2 l LEFT", "-ERR syntax error"),
        ("LMPOP 9223372036854775807 l LEFT", "-ERR syntax error"),
        ("LMPOP 1 l UP", "-ERR syntax error"),
        ("LMPOP 1 l LEFT COUNT", "-ERR syntax error"),
        ("LMPOP 1 l LEFT COUNT 0", "-ERR count should be greater than 0"),
        ("LMPOP 1 l LEFT COUNT 1 COUNT 1", "-ERR syntax error"),
        ("LMPOP 2 none s LEFT", wrong),
        ("LMOVE l t UP LEFT", "-ERR syntax error"),
        ("LMOVE none s LEFT LEFT", "$-1"),
        ("LMOVE l s LEFT LEFT", wrong),
        ("RPOPLPUSH s l", wrong),
        ("LINSERT none FOO a b", "-ERR syntax error"),
        ("LINSERT none BEFORE a b", ":0"),
        ("LINSERT l before x b", ":-1"),
        ("LSET none x a", "-ERR no such key"),
        ("LSET l x a", integer),
        ("LSET l 3 a", "-ERR index out of range"),
        ("LINDEX none x", "$-1"),
        ("LINDEX l x", integer),
        ("LRANGE none 0 x", integer),
        ("LREM none x a", integer),
        (
            "LPOS s a RANK 0",
            "-ERR RANK can't be zero: use 1 to start from the first match, 2 \
                             from the second ... or use negative to start from the end of the list",
        ),
        ("LPOS l a COUNT x", "-ERR COUNT can't be negative"),
        ("LPOS l a MAXLEN -1", "-ERR MAXLEN can't be negative"),
        ("LPOS l a RANK", "-ERR syntax error"),
        ("LPOS none a COUNT 1", "*0"),
        ("LPOS none a", "$-1"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
    assert!(boxes.effects().is_empty());
    assert_eq!(boxes.say("LLEN l"), ":3");
}

#[test]
fn elements_move_between_lists_and_within_one() {
    let mut boxes = after(&["RPUSH a 1 2 3", "RPUSH b x", "PEXPIRE a 100000"]);
    assert_eq!(boxes.say("LMOVE a b RIGHT LEFT"), "$1 3");
    assert_eq!(boxes.say("LMOVE a a LEFT RIGHT"), "$1 1");
    assert_eq!(boxes.say("LRANGE a 0 -1"), "*2 $1 2 $1 1");
    assert_eq!(boxes.say("RPOPLPUSH a c"), "$1 1");
    assert_eq!(boxes.say("RPOPLPUSH a c"), "$1 2");
    assert_eq!(boxes.say("EXISTS a"), ":0");
    assert_eq!(boxes.say("RPOPLPUSH c c"), "$1 1");
    assert_eq!(boxes.say("LRANGE c 0 -1"), "*2 $1 1 $1 2");
    assert_eq!(boxes.say("LRANGE b 0 -1"), "*2 $1 3 $1 x");
    assert_eq!(boxes.say("LMPOP 3 a c b LEFT COUNT 5"), "*2 $1 c *2 $1 1 $1 2");
    assert_eq!(
        boxes.effect_texts(),
        [
            "LMOVE a b RIGHT LEFT",
            "LMOVE a a LEFT RIGHT",
            "RPOPLPUSH a c",
            "RPOPLPUSH a c",
            "RPOPLPUSH c c",
            "LPOP c 2"
        ]
    );
}

#[test]
fn the_middle_is_edited() {
    let mut boxes = after(&["RPUSH l a b a c a"]);
    assert_eq!(boxes.say("LINSERT l AFTER a 1"), ":6");
    assert_eq!(boxes.say("LINSERT l BEFORE c 2"), ":7");
    assert_eq!(boxes.say("LSET l -1 z"), "+OK");
    assert_eq!(boxes.say("LRANGE l -100 100"), "*7 $1 a $1 1 $1 b $1 a $1 2 $1 c $1 z");
    assert_eq!(boxes.say("LREM l -1 a"), ":1");
    assert_eq!(boxes.say("LINDEX l 3"), "$1 2");
    assert_eq!(boxes.say("LREM l 0 nothing"), ":0");
    assert_eq!(boxes.say("LTRIM l 1 -2"), "+OK");
    assert_eq!(boxes.say("LRANGE l 0 -1"), "*4 $1 1 $1 b $1 2 $1 c");
    assert_eq!(boxes.say("LTRIM l 0 -1"), "+OK");
    assert_eq!(boxes.say("LTRIM l 2 1"), "+OK");
    assert_eq!(boxes.say("EXISTS l"), ":0");
    let trimmed: Vec<_> = boxes.effect_texts().into_iter().skip(4).collect();
    assert_eq!(trimmed, ["LTRIM l 1 -2", "LTRIM l 2 1"]);
}

#[test]
fn positions_by_rank_count_and_length() {
    let mut boxes = after(&["RPUSH l a b c 1 2 3 c c"]);
    for (request, reply) in [
        ("LPOS l c", ":2"),
        ("LPOS l c RANK 2", ":6"),
        ("LPOS l c RANK -1", ":7"),
        ("LPOS l c RANK 4", "$-1"),
        ("LPOS l c RANK -9223372036854775807", "$-1"),
        ("LPOS l c COUNT 2", "*2 :2 :6"),
        ("LPOS l c COUNT 0 RANK -2", "*2 :6 :2"),
        ("LPOS l 2 MAXLEN 4", "$-1"),
        ("LPOS l 2 MAXLEN 5", ":4"),
        ("LPOS l c COUNT 0 MAXLEN 3 RANK -1", "*2 :7 :6"),
        ("LPOS l d COUNT 0", "*0"),
    ] {
        assert_eq!(boxes.say(request), reply, "{request}");
    }
}

#[test]
fn encodings_and_accounts_follow() {
    let mut boxes = Boxes::new(1);
    let long = "x".repeat(500);
    for _ in 0..16 {
        boxes.say(&format!("RPUSH l {long}"));
    }
    assert_eq!(boxes.say("OBJECT ENCODING l"), "$8 listpack");
    boxes.say(&format!("RPUSH l {long}"));
    assert_eq!(boxes.say("OBJECT ENCODING l"), "$9 quicklist");
    boxes.say("COPY l m");
    boxes.say("LTRIM l 0 3");
    assert_eq!(boxes.say("OBJECT ENCODING l"), "$8 listpack");
    assert_eq!(boxes.say("OBJECT ENCODING m"), "$9 quicklist");
    assert_eq!(boxes.say("TYPE m"), "+list");
    let huge = "y".repeat(10_000);
    boxes.say(&format!("LPUSH m {huge}"));
    assert_eq!(boxes.say("LINDEX m 0").len(), 10_007);
    boxes.say("LSET m 0 1");
    boxes.say("RPOP m 18");
    boxes.say("LPOP l 4");
    assert!(boxes.parts()[0].dbs[0].bytes() == 0, "nothing is left");
}
