//! The stream commands as a client sees them, and the effects that they state.

use super::super::testing::{Boxes, START_MS};
use crate::resp::Proto;

/// Runs requests and compares each reply.
fn replies(boxes: &mut Boxes, expected: &[(&str, &str)]) {
    for (request, reply) in expected {
        assert_eq!(boxes.say(request), *reply, "{request}");
    }
}

/// Runs requests that must succeed and gives the effects of the last one.
fn effects(boxes: &mut Boxes, requests: &[&str]) -> Vec<String> {
    for request in requests {
        boxes.effects();
        let reply = boxes.say(request);
        assert!(!reply.starts_with('-'), "{request}: {reply}");
    }
    boxes.effect_texts()
}

#[test]
fn ids_of_new_entries() {
    let mut boxes = Boxes::new(2);
    replies(
        &mut boxes,
        &[
            ("XADD s 0-0 a 1", "-ERR The ID specified in XADD must be greater than 0-0"),
            ("EXISTS s", ":0"),
            ("XADD s NOMKSTREAM * a 1", "$-1"),
            ("XADD s 5-* a 1", "$3 5-0"),
            ("XADD s 5-* a 1", "$3 5-1"),
            (
                "XADD s 4-* a 1",
                "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
            ("XADD s * a 1", "$15 1700000000000-0"),
            ("XADD s * a 1", "$15 1700000000000-1"),
            ("XADD s * a", "-ERR wrong number of arguments for 'xadd' command"),
            ("XADD s x a 1", "-ERR Invalid stream ID specified as stream command argument"),
            ("XLEN s", ":4"),
            ("TYPE s", "+stream"),
            ("OBJECT ENCODING s", "$6 stream"),
        ],
    );
}

#[test]
fn ranges_in_both_directions() {
    let mut boxes = Boxes::new(1);
    for seq in 1..=3 {
        boxes.say(&format!("XADD s 1-{seq} n {seq}"));
    }
    let entry = |seq: u64| format!("*2 $3 1-{seq} *2 $1 n $1 {seq}");
    let list = |seqs: &[u64]| {
        let entries: Vec<String> = seqs.iter().map(|seq| entry(*seq)).collect();
        [vec![format!("*{}", seqs.len())], entries].concat().join(" ")
    };
    replies(
        &mut boxes,
        &[
            ("XRANGE s - +", &list(&[1, 2, 3])),
            ("XRANGE s (1-1 +", &list(&[2, 3])),
            ("XRANGE s 1-1 (1-3", &list(&[1, 2])),
            ("XRANGE s - + COUNT 2", &list(&[1, 2])),
            ("XREVRANGE s + - COUNT 2", &list(&[3, 2])),
            ("XREVRANGE s 1-2 -", &list(&[2, 1])),
            ("XRANGE s 2 +", "*0"),
            ("XRANGE s - + COUNT 0", "*-1"),
            ("XRANGE none - +", "*0"),
            ("XRANGE s - + COUNT", "-ERR syntax error"),
            (
                "XRANGE s (18446744073709551615-18446744073709551615 +",
                "-ERR invalid start ID for the interval",
            ),
        ],
    );
}

#[test]
fn reading_for_a_group() {
    let mut boxes = Boxes::new(2);
    for seq in 1..=3 {
        boxes.say(&format!("XADD s 1-{seq} n {seq}"));
    }
    replies(
        &mut boxes,
        &[
            (
                "XREADGROUP GROUP g c STREAMS s >",
                "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            ("XGROUP CREATE s g 0", "+OK"),
            ("XGROUP CREATE s g 0", "-BUSYGROUP Consumer Group name already exists"),
            (
                "XREADGROUP GROUP g c COUNT 2 STREAMS s >",
                "*1 *2 $1 s *2 *2 $3 1-1 *2 $1 n $1 1 *2 $3 1-2 *2 $1 n $1 2",
            ),
            ("XACK s g 1-1 1-1 9-9", ":1"),
            ("XDEL s 1-2", ":1"),
            ("XREADGROUP GROUP g c STREAMS s 0", "*1 *2 $1 s *1 *2 $3 1-2 *-1"),
            ("XREADGROUP GROUP g d STREAMS s 0", "*1 *2 $1 s *0"),
            ("XREADGROUP GROUP g d STREAMS s >", "*1 *2 $1 s *1 *2 $3 1-3 *2 $1 n $1 3"),
            ("XREADGROUP GROUP g d STREAMS s >", "*-1"),
            ("XPENDING s g", "*4 :2 $3 1-2 $3 1-3 *2 *2 $1 c $1 1 *2 $1 d $1 1"),
            ("XPENDING s g - + 9 d", "*1 *4 $3 1-3 $1 d :0 :1"),
            ("XAUTOCLAIM s g e 0 -", "*3 $3 0-0 *1 *2 $3 1-3 *2 $1 n $1 3 *1 $3 1-2"),
            ("XCLAIM s g c 0 1-3 JUSTID", "*1 $3 1-3"),
            ("XGROUP DELCONSUMER s g c", ":1"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
        ],
    );
    boxes.proto = Proto::Resp3;
    assert_eq!(boxes.say("XREAD STREAMS s none 1-2 0"), "%1 $1 s *1 *2 $3 1-3 *2 $1 n $1 3");
    assert_eq!(boxes.say("XREAD STREAMS s $"), "_");
    assert_eq!(boxes.say("XREAD STREAMS s +"), "%1 $1 s *1 *2 $3 1-3 *2 $1 n $1 3");
}

#[test]
fn entries_go_as_far_as_groups_allow() {
    let mut boxes = Boxes::new(1);
    for seq in 1..=4 {
        boxes.say(&format!("XADD s 1-{seq} n {seq}"));
    }
    replies(
        &mut boxes,
        &[
            ("XGROUP CREATE s g 0", "+OK"),
            ("XGROUP CREATE s h $", "+OK"),
            ("XDELEX s ACKED IDS 2 1-1 9-9", "*2 :2 :2"),
            ("XREADGROUP GROUP g c COUNT 3 NOACK STREAMS s 0", "*1 *2 $1 s *0"),
            (
                "XREADGROUP GROUP g c COUNT 2 STREAMS s >",
                "*1 *2 $1 s *2 *2 $3 1-1 *2 $1 n $1 1 *2 $3 1-2 *2 $1 n $1 2",
            ),
            ("XACKDEL s g ACKED IDS 2 1-1 1-4", "*2 :1 :-1"),
            ("XACKDEL s none IDS 2 1-1 1-4", "*2 :-1 :-1"),
            ("XLEN s", ":3"),
            ("XTRIM s MAXLEN 0 ACKED", ":0"),
            ("XTRIM s MAXLEN 0 DELREF", ":3"),
            ("XPENDING s g", "*4 :0 $-1 $-1 *-1"),
            ("XDELEX none IDS 1 x", "*1 :-1"),
            ("XDELEX s IDS 0 x", "-ERR Number of IDs must be a positive integer"),
            (
                "XDELEX s IDS 2 1-1",
                "-ERR The `numids` parameter must match the number of arguments",
            ),
            ("XDELEX s KEEPREF ACKED 1-1", "-ERR syntax error"),
            ("EXISTS s", ":1"),
        ],
    );
}

#[test]
fn effects_say_what_was_decided() {
    let mut boxes = Boxes::new(2);
    let now = START_MS;
    assert_eq!(effects(&mut boxes, &["XADD s * a 1"]), [format!("XADD s {now}-0 a 1")]);
    assert_eq!(
        effects(&mut boxes, &["XADD s 9999999999999-* a 1"]),
        ["XADD s 9999999999999-0 a 1"]
    );
    boxes.say("DEL s");
    let adds: Vec<String> = (1..=5).map(|seq| format!("XADD s 1-{seq} a 1")).collect();
    let adds: Vec<&str> = adds.iter().map(String::as_str).collect();
    assert_eq!(effects(&mut boxes, &adds), ["XADD s 1-5 a 1"]);
    assert_eq!(
        effects(&mut boxes, &["XADD s MAXLEN ~ 3 LIMIT 500 NOMKSTREAM 1-6 a 1"]),
        ["XADD s MAXLEN = 6 NOMKSTREAM 1-6 a 1"],
    );
    assert_eq!(effects(&mut boxes, &["XTRIM s MINID ~ 1-3"]).len(), 0);
    assert_eq!(effects(&mut boxes, &["XTRIM s MAXLEN 4"]), ["XTRIM s MAXLEN 4"]);
    assert_eq!(effects(&mut boxes, &["XDEL s 1-3 7-7"]), ["XDEL s 1-3 7-7"]);
    assert_eq!(effects(&mut boxes, &["XDEL s 7-7"]).len(), 0);
    assert_eq!(effects(&mut boxes, &["XGROUP CREATE s g 0"]), ["XGROUP CREATE s g 0"]);
    assert_eq!(
        effects(&mut boxes, &["XREADGROUP GROUP g c COUNT 1 STREAMS s >"]),
        [
            "XGROUP CREATECONSUMER s g c".to_owned(),
            format!("XCLAIM s g c 0 1-4 TIME {now} RETRYCOUNT 1 FORCE JUSTID LASTID 1-4"),
            "XGROUP SETID s g 1-4 ENTRIESREAD 4".to_owned(),
        ],
    );
    assert_eq!(
        effects(&mut boxes, &["XREADGROUP GROUP g c NOACK COUNT 1 STREAMS s >"]),
        ["XGROUP SETID s g 1-5 ENTRIESREAD 5"],
    );
    assert_eq!(
        effects(&mut boxes, &["XCLAIM s g d 0 1-4"]),
        [
            "XGROUP CREATECONSUMER s g d".to_owned(),
            format!("XCLAIM s g d 0 1-4 TIME {now} RETRYCOUNT 2 FORCE JUSTID LASTID 1-5"),
        ],
    );
    assert_eq!(
        effects(&mut boxes, &["XDEL s 1-4", "XAUTOCLAIM s g d 0 -"]),
        [format!("XCLAIM s g d 0 1-4 TIME {now} RETRYCOUNT 2 FORCE JUSTID LASTID 1-5")],
    );
    assert_eq!(effects(&mut boxes, &["XACK s g 1-4"]).len(), 0);
}

/// What one command states is one unit of the journal, or none of it is there after a crash.
#[test]
fn deliveries_stand_or_fall_together() {
    let mut boxes = Boxes::new(3);
    for key in ["a", "b", "c"] {
        boxes.say(&format!("XADD {key} 1-1 n 1"));
        boxes.say(&format!("XADD {key} 1-2 n 1"));
        boxes.say(&format!("XGROUP CREATE {key} g 0"));
    }
    boxes.effects();
    boxes.say("XREADGROUP GROUP g c STREAMS a b c > > >");
    assert_eq!(boxes.effect_units(), 1);
    boxes.say("XCLAIM a g d 0 1-1 1-2");
    assert_eq!(boxes.effect_units(), 1);
    boxes.say("XAUTOCLAIM b g d 0 -");
    assert_eq!(boxes.effect_units(), 1);
}

#[test]
fn a_stream_of_another_type_is_refused() {
    let mut boxes = Boxes::new(2);
    boxes.say("SET k v");
    for request in [
        "XADD k 1-1 a 1",
        "XLEN k",
        "XRANGE k - +",
        "XREVRANGE k + -",
        "XDEL k 1",
        "XDELEX k IDS 1 1",
        "XTRIM k MAXLEN 1",
        "XREAD STREAMS k 0",
        "XREADGROUP GROUP g c STREAMS k >",
        "XGROUP CREATE k g 0",
        "XGROUP CREATE k g 0 MKSTREAM",
        "XGROUP DESTROY k g",
        "XACK k g 1",
        "XACKDEL k g IDS 1 1",
        "XPENDING k g",
        "XCLAIM k g c 0 1",
        "XAUTOCLAIM k g c 0 -",
        "XINFO STREAM k",
        "XINFO GROUPS k",
        "XINFO CONSUMERS k g",
        "XSETID k 1",
    ] {
        let reply = boxes.say(request);
        let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
        assert_eq!(reply, wrong, "{request}");
    }
}
