//! The string commands as a client sees them, and the effects that they state.

use super::super::testing::{Boxes, START_MS};
use crate::keyspace::Kind;
use crate::resp::Proto;

const WRONG_EXPIRE: &str = "-ERR invalid expire time in 'set' command";
const SYNTAX: &str = "-ERR syntax error";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";

/// Runs requests and compares each reply.
fn replies(boxes: &mut Boxes, expected: &[(&str, &str)]) {
    for (request, reply) in expected {
        assert_eq!(boxes.say(request), *reply, "{request}");
    }
}

#[test]
fn set_and_its_conditions() {
    let mut boxes = Boxes::new(1);
    replies(
        &mut boxes,
        &[
            ("SET a", "-ERR wrong number of arguments for 'set' command"),
            ("SET a 1 XX", "$-1"),
            ("SET a 1 NX", "+OK"),
            ("SET a 2 NX", "$-1"),
            ("SET a 2 NX GET", "$1 1"),
            ("SET b 2 NX GET", "$-1"),
            ("GET b", "$1 2"),
            ("SET a 2 XX xx get GET", "$1 1"),
            ("SET a 3 IFEQ 1", "$-1"),
            ("SET a 3 IFEQ 1 GET", "$1 2"),
            ("SET a 3 ifeq 2 GET", "$1 2"),
            ("SET none 3 IFEQ 2", "$-1"),
            ("SET none 3 IFEQ 2 GET", "$-1"),
            ("GET none", "$-1"),
            ("GET a", "$1 3"),
        ],
    );
    for wrong in ["NX XX", "NX IFEQ 3", "IFEQ 3 XX", "IFEQ", "IFEQ 3 IFEQ 3", "PERSIST", "EX", "?"]
    {
        assert_eq!(boxes.say(&format!("SET a 1 {wrong}")), SYNTAX, "{wrong}");
    }
}

#[test]
fn set_and_its_expiry() {
    let mut boxes = Boxes::new(1);
    for wrong in ["EX 1 PX 1", "EX 1 KEEPTTL", "KEEPTTL PXAT 1", "EXAT 1 PXAT 1", "EX 0 PX"] {
        assert_eq!(boxes.say(&format!("SET a 1 {wrong}")), SYNTAX, "{wrong}");
    }
    for wrong in [
        "EX 0",
        "PX -1",
        "EXAT 0",
        "PXAT -5",
        "EX 9223372036854775807",
        "EX 9223372036854775",
        "PX 9223372036854775807",
        "EXAT 9223372036854775807",
    ] {
        assert_eq!(boxes.say(&format!("SET a 1 {wrong}")), WRONG_EXPIRE, "{wrong}");
    }
    assert_eq!(boxes.say("SET a 1 EX 1.5"), NO_INTEGER);
    assert!(boxes.contents().is_empty());

    let expiry = |boxes: &Boxes| boxes.contents().values().next().and_then(|entry| entry.1);
    for (options, at_ms) in [
        ("EX 1 EX 100", Some(START_MS + 100_000)),
        ("KEEPTTL KEEPTTL", Some(START_MS + 100_000)),
        ("PX 5", Some(START_MS + 5)),
        ("PXAT 9223372036854775807", Some(i64::MAX)),
        ("EXAT 9223372036854775", Some(9_223_372_036_854_775_000)),
        ("GET", None),
        ("KEEPTTL", None),
    ] {
        boxes.say(&format!("SET a 1 {options}"));
        assert_eq!(expiry(&boxes), at_ms, "{options}");
    }
}

#[test]
fn a_key_whose_time_is_over_is_not_there() {
    for shards in [1, 4] {
        let mut boxes = Boxes::new(shards);
        boxes.say("SET a 1 PX 10");
        boxes.advance(9);
        assert_eq!(boxes.say("GET a"), "$1 1");
        boxes.advance(1);
        boxes.effects();
        assert_eq!(boxes.say("GET a"), "$-1");
        assert_eq!(boxes.effect_texts(), ["UNLINK a"]);
        assert_eq!(boxes.part_of(b"a").stats.expired, 1);
        assert_eq!((boxes.part_of(b"a").stats.hits, boxes.part_of(b"a").stats.misses), (1, 1));

        boxes.say("SET a 1 PX 10");
        boxes.advance(10);
        boxes.effects();
        assert_eq!(boxes.say("SET a 2 KEEPTTL"), "+OK");
        assert_eq!(boxes.effect_texts(), ["UNLINK a", "SET a 2 KEEPTTL"]);
        assert_eq!(boxes.contents()[&(0, b"a".to_vec())], (b"2".to_vec(), None));
        assert_eq!(boxes.part_of(b"a").stats.expired, 2);
    }
}

#[test]
fn effects_carry_no_condition_and_no_relative_time() {
    let mut boxes = Boxes::new(1);
    let at = START_MS + 100_000;
    for (request, effects) in [
        ("set a 1", vec!["set a 1".to_owned()]),
        ("SET a 1 NX", vec![]),
        ("SET a 1 XX GET", vec!["SET a 1".into()]),
        ("SET a 2 IFEQ 1 EX 100", vec![format!("SET a 2 PXAT {at}")]),
        ("SET a 2 KEEPTTL XX", vec!["SET a 2 KEEPTTL".into()]),
        ("SET a 2 PXAT 1", vec!["UNLINK a".into()]),
        ("SET a 2 PXAT 1", vec![]),
        ("SETNX a 1", vec!["SET a 1".into()]),
        ("SETNX a 1", vec![]),
        ("SETEX a 100 1", vec![format!("SET a 1 PXAT {at}")]),
        ("PSETEX a 100000 1", vec![format!("SET a 1 PXAT {at}")]),
        ("GETSET a 3", vec!["SET a 3".into()]),
        ("GETEX a", vec![]),
        ("GETEX a PERSIST", vec![]),
        ("GETEX a EX 100", vec![format!("PEXPIREAT a {at}")]),
        ("GETEX a PERSIST", vec!["PERSIST a".into()]),
        ("GETEX a EXAT 1", vec!["UNLINK a".into()]),
        ("GETEX a EXAT 1", vec![]),
        ("MSET a 1 b 2 a 3", vec!["MSET a 1 b 2 a 3".into()]),
        ("MSETNX a 1 c 2", vec![]),
        ("MSETNX c 1 d 2", vec!["MSETNX c 1 d 2".into()]),
        ("MSETEX 2 a 1 e 2 NX", vec![]),
        ("MSETEX 2 a 1 e 2 XX", vec![]),
        ("MSETEX 2 a 1 b 2 XX", vec!["MSETEX 2 a 1 b 2".into()]),
        ("MSETEX 2 a 1 b 2 EX 100", vec![format!("MSETEX 2 a 1 b 2 PXAT {at}")]),
        ("MSETEX 1 a 1 KEEPTTL", vec!["MSETEX 1 a 1 KEEPTTL".into()]),
        ("MSETEX 3 a 1 b 2 no 3 PXAT 1", vec!["UNLINK a".into(), "UNLINK b".into()]),
        ("INCR n", vec!["INCR n".into()]),
        ("DECRBY n 5", vec!["DECRBY n 5".into()]),
        ("INCRBYFLOAT n 0.5", vec!["SET n -3.5 KEEPTTL".into()]),
        ("INCR n", vec![]),
        ("APPEND n 0", vec!["APPEND n 0".into()]),
        ("SETRANGE n 1 77", vec!["SETRANGE n 1 77".into()]),
        ("DELIFEQ n 7", vec![]),
        ("DELIFEQ n -7750", vec!["DEL n".into()]),
        ("DELIFEQ n -7750", vec![]),
        ("APPEND n 1", vec!["APPEND n 1".into()]),
        ("GETDEL n", vec!["DEL n".into()]),
        ("GETDEL n", vec![]),
        ("SETRANGE n 9 ", vec![]),
    ] {
        let reply = boxes.say(request);
        assert_eq!(boxes.effect_texts(), effects, "{request} answered {reply}");
    }
}

#[test]
fn msetex_checks_before_it_stores() {
    let mut boxes = Boxes::new(4);
    const NUMKEYS: &str = "-ERR invalid numkeys value or out of range";
    replies(
        &mut boxes,
        &[
            ("MSETEX 0 a 1", NUMKEYS),
            ("MSETEX -1 a 1", NUMKEYS),
            ("MSETEX x a 1", NUMKEYS),
            ("MSETEX 2147483648 a 1", NUMKEYS),
            ("MSETEX 2147483647 a 1", SYNTAX),
            ("MSETEX 2 a 1", SYNTAX),
            ("MSETEX 1 a 1 b 2", SYNTAX),
            ("MSETEX 1 a 1 NX XX", SYNTAX),
            ("MSETEX 1 a 1 EX 1 KEEPTTL", SYNTAX),
            ("MSETEX 1 a 1 EX 0", "-ERR invalid expire time in 'msetex' command"),
            ("MSETEX 2 a 1 a 2 NX", ":1"),
            ("GET a", "$1 2"),
            ("MSETEX 2 a 1 b 2 NX", ":0"),
            ("MSETEX 2 a 1 b 2 XX", ":0"),
            ("MSETNX b 1 a 2", ":0"),
            ("MSETNX b 1 c", "-ERR wrong number of arguments for 'msetnx' command"),
            ("MSET b", "-ERR wrong number of arguments for 'mset' command"),
            ("MSET b 1 c", "-ERR wrong number of arguments for 'mset' command"),
            ("MGET a b c", "*3 $1 2 $-1 $-1"),
        ],
    );
    boxes.proto = Proto::Resp3;
    assert_eq!(boxes.say("MGET a b"), "*2 $1 2 _");
}

#[test]
fn counting() {
    let mut boxes = Boxes::new(1);
    const OVERFLOW: &str = "-ERR increment or decrement would overflow";
    replies(
        &mut boxes,
        &[
            ("INCR n", ":1"),
            ("INCRBY n 9223372036854775806", ":9223372036854775807"),
            ("INCR n", OVERFLOW),
            ("DECRBY n -1", OVERFLOW),
            ("DECRBY n -9223372036854775808", "-ERR decrement would overflow"),
            ("INCRBY n 1.0", NO_INTEGER),
            ("SET n -9223372036854775808 EX 100", "+OK"),
            ("DECR n", OVERFLOW),
            ("INCR n", ":-9223372036854775807"),
            ("SET s 01", "+OK"),
            ("INCR s", NO_INTEGER),
            ("INCRBYFLOAT s 1", "$1 2"),
            ("INCR s", ":3"),
            ("INCRBYFLOAT s nan", "-ERR value is not a valid float"),
            ("INCRBYFLOAT s inf", "-ERR increment would produce NaN or Infinity"),
            ("SET s text", "+OK"),
            ("INCRBYFLOAT s 1", "-ERR value is not a valid float"),
        ],
    );
    let entry = boxes.contents()[&(0, b"n".to_vec())].clone();
    assert_eq!(entry.1, Some(START_MS + 100_000), "counting keeps the expiry");
}

#[test]
fn parts_of_strings() {
    let mut boxes = Boxes::new(1);
    replies(
        &mut boxes,
        &[
            ("APPEND a 12", ":2"),
            ("APPEND a 3", ":3"),
            ("STRLEN a", ":3"),
            ("STRLEN none", ":0"),
            ("GETRANGE a 1 -1", "$2 23"),
            ("SUBSTR a -2 1", "$1 2"),
            ("GETRANGE a x 1", NO_INTEGER),
            ("GETRANGE none 0 -1", "$0"),
            ("SETRANGE a -1 x", "-ERR offset is out of range"),
            ("SETRANGE a x x", NO_INTEGER),
            ("SETRANGE a 5 x", ":6"),
            ("GET a", "$6 123\0\0x"),
            ("SETRANGE none 5 ", ":0"),
            (
                "SETRANGE a 536870912 x",
                "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            ),
            (
                "SETRANGE a 9223372036854775807 x",
                "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            ),
        ],
    );
}

#[test]
fn encodings() {
    let mut boxes = Boxes::new(1);
    let mut look = |request: &str| {
        boxes.say(request);
        let mut seen = None;
        boxes.parts()[0].dbs[0].for_each(|entry| seen = Some((entry.kind(), entry.is_raw())));
        seen.expect("the key of the request")
    };
    assert_eq!(look("SET a 12"), (Kind::Int, false));
    assert_eq!(look("INCRBYFLOAT a 1"), (Kind::Inline, false));
    assert_eq!(look("INCR a"), (Kind::Int, false));
    assert_eq!(look("APPEND a 1"), (Kind::Inline, true));
    assert_eq!(look("GETSET a 7"), (Kind::Int, false));
    assert_eq!(look("SETRANGE a 0 7"), (Kind::Inline, true));
}

#[test]
fn the_longest_common_subsequence() {
    let mut boxes = Boxes::new(4);
    boxes.say("MSET a ohmytext b mynewtext");
    let idx = "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6";
    replies(
        &mut boxes,
        &[
            ("LCS a b", "$6 mytext"),
            ("LCS a b LEN", ":6"),
            ("LCS a b IDX", idx),
            ("LCS a b IDX MINMATCHLEN -9", idx),
            (
                "LCS a b IDX MINMATCHLEN 3 WITHMATCHLEN",
                "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6",
            ),
            ("LCS a none", "$0"),
            ("LCS none none IDX", "*4 $7 matches *0 $3 len :0"),
            (
                "LCS a b IDX LEN",
                "-ERR If you want both the length and indexes, please just use IDX.",
            ),
            ("LCS a b MINMATCHLEN", SYNTAX),
            ("LCS a b MINMATCHLEN x", NO_INTEGER),
            ("LCS a b x", SYNTAX),
        ],
    );
    boxes.proto = Proto::Resp3;
    assert!(boxes.say("LCS a b IDX").starts_with("%2 $7 matches"));
    let long = vec![b'x'; 20_000];
    boxes.run(&[b"MSET", b"c", &long, b"d", &long]);
    assert_eq!(
        boxes.say("LCS c d LEN"),
        "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
    );
}

#[test]
fn big_values_come_and_go() {
    let mut boxes = Boxes::new(1);
    let big: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
    boxes.run(&[b"SET", b"a", &big]);
    boxes.run(&[b"APPEND", b"a", &big]);
    let twice = [big.clone(), big.clone()].concat();
    assert_eq!(boxes.contents()[&(0, b"a".to_vec())].0, twice);
    let reply = boxes.run(&[b"GETRANGE", b"a", b"50000", b"149999"]);
    assert_eq!(reply.len(), b"$100000\r\n".len() + 100_000 + 2);
    assert_eq!(&reply[9..100_009], &twice[50_000..150_000]);
    let reply = boxes.run(&[b"GETDEL", b"a"]);
    assert_eq!(&reply[9..200_009], twice);
    assert!(boxes.contents().is_empty());
}

#[test]
fn a_read_marks_its_hit_and_a_write_does_not() {
    let mut boxes = Boxes::new(1);
    for request in ["SET a 1", "INCR a", "APPEND a 1", "SETRANGE a 0 5", "SET a 1 XX", "SETNX a 1"]
    {
        boxes.say(request);
    }
    let figures = |boxes: &Boxes| (boxes.parts()[0].stats.hits, boxes.parts()[0].stats.misses);
    assert_eq!(figures(&boxes), (0, 0));
    for request in ["GET a", "STRLEN a", "GETRANGE a 0 0", "GETEX a", "SET a 1 GET", "GETSET a 1"] {
        boxes.say(request);
    }
    assert_eq!(figures(&boxes), (6, 0));
    boxes.say("GETDEL a");
    boxes.say("MGET a a");
    assert_eq!(figures(&boxes), (7, 2));
    // INCR, APPEND, SETRANGE, three SETs of five, GETSET, GETDEL.
    assert_eq!(boxes.parts()[0].stats.dirty, 8);
}
