//! Sorted set commands over boxes: effects, accounting, RESP3.

use crate::command::testing::Boxes;
use crate::resp::Proto;

#[test]
fn members_come_and_go_with_their_key() {
    let mut boxes = Boxes::new(3);
    assert_eq!(boxes.say("ZADD z 1 a 2 b"), ":2");
    assert_eq!(boxes.say("ZADD z 1 a"), ":0");
    assert_eq!(boxes.say("ZADD z XX CH 3 a 9 new"), ":1");
    assert_eq!(boxes.say("ZADD missing XX 1 a"), ":0");
    assert_eq!(boxes.say("ZINCRBY z 0.5 a"), "$3 3.5");
    assert_eq!(boxes.say("ZADD z NX INCR 1 a"), "$-1");
    assert_eq!(boxes.say("ZREM z a nothing"), ":1");
    assert_eq!(boxes.say("ZREM z b"), ":1");
    assert_eq!(boxes.say("EXISTS z missing"), ":0");
    let effects = [
        "ZADD z 1 a 2 b",
        "ZADD z XX CH 3 a 9 new",
        "ZINCRBY z 0.5 a",
        "ZREM z a nothing",
        "ZREM z b",
    ];
    assert_eq!(boxes.effect_texts(), effects);
}

#[test]
fn pops_state_what_they_took() {
    let mut boxes = Boxes::new(3);
    boxes.say("ZADD z 1 a 2 b 3 c 4 d");
    boxes.effects();
    assert_eq!(boxes.say("ZMPOP 2 missing z MAX COUNT 2"), "*2 $1 z *2 *2 $1 d $1 4 *2 $1 c $1 3");
    assert_eq!(boxes.say("ZPOPMIN z 10"), "*4 $1 a $1 1 $1 b $1 2");
    assert_eq!(boxes.say("ZPOPMIN z"), "*0");
    assert_eq!(boxes.say("ZMPOP 1 z MIN"), "*-1");
    assert_eq!(boxes.effect_texts(), ["ZPOPMAX z 2", "ZPOPMIN z 2"]);
}

#[test]
fn resp3_has_doubles_and_pairs() {
    let mut boxes = Boxes::new(1);
    boxes.proto = Proto::Resp3;
    boxes.say("ZADD z 1.5 a inf b");
    assert_eq!(boxes.say("ZSCORE z a"), ",1.5");
    assert_eq!(boxes.say("ZSCORE z x"), "_");
    assert_eq!(boxes.say("ZRANGE z 0 -1 WITHSCORES"), "*2 *2 $1 a ,1.5 *2 $1 b ,inf");
    assert_eq!(boxes.say("ZRANK z b WITHSCORE"), "*2 :1 ,inf");
    assert_eq!(boxes.say("ZRANK z x WITHSCORE"), "_");
    assert_eq!(boxes.say("ZPOPMAX z"), "*2 $1 b ,inf");
    assert_eq!(boxes.say("ZPOPMAX z 1"), "*1 *2 $1 a ,1.5");
}

#[test]
fn a_result_replaces_what_was_there() {
    let mut boxes = Boxes::new(4);
    boxes.say("SET d text");
    boxes.say("ZADD z 1 a 2 b");
    boxes.say("SADD s b c");
    assert_eq!(boxes.say("ZUNIONSTORE d 2 z s WEIGHTS 10 1"), ":3");
    assert_eq!(boxes.say("ZRANGE d 0 -1 WITHSCORES"), "*6 $1 c $1 1 $1 a $2 10 $1 b $2 21");
    assert_eq!(boxes.say("ZINTERSTORE d 2 z missing"), ":0");
    assert_eq!(boxes.say("EXISTS d"), ":0");
    assert_eq!(boxes.say("ZRANGESTORE d z (1 inf BYSCORE"), ":1");
    assert_eq!(boxes.say("ZDIFFSTORE z 2 z d"), ":1");
    assert_eq!(boxes.say("ZRANGE z 0 -1"), "*1 $1 a");
}

/// Bytes that the first box accounts for.
fn accounted(boxes: &Boxes) -> usize {
    boxes.parts()[0].dbs[0].bytes()
}

#[test]
fn memory_is_accounted_for_in_both_encodings() {
    let mut boxes = Boxes::new(1);
    boxes.say("ZADD other 1 a");
    let before = accounted(&boxes);
    for members in [5, 300] {
        for n in 0..members {
            boxes.say(&format!("ZADD z {n} member:{n}"));
        }
        assert!(accounted(&boxes) > before + 5 * members);
        boxes.say("ZREMRANGEBYRANK z 1 -3");
        assert_eq!(boxes.say("COPY z y"), ":1");
        assert_eq!(boxes.say("ZCARD y"), ":3");
        boxes.say("ZPOPMIN z 2");
        boxes.say("RENAME z x");
        boxes.say("ZREM x member:0");
        boxes.say("DEL x y");
        assert_eq!(accounted(&boxes), before);
    }
}

#[test]
fn a_random_member_is_one_of_them() {
    let mut boxes = Boxes::new(1);
    boxes.say("ZADD z 1 a 2 b 3 c");
    for _ in 0..20 {
        assert!(["$1 a", "$1 b", "$1 c"].contains(&&*boxes.say("ZRANDMEMBER z")));
        assert!(boxes.say("ZRANDMEMBER z 2").starts_with("*2 "));
        assert!(boxes.say("ZRANDMEMBER z -7").starts_with("*7 "));
    }
    let request = "ZRANDMEMBER z -9223372036854775807 WITHSCORES";
    assert_eq!(boxes.say(request), "-ERR value is out of range");
}

#[test]
fn a_scan_of_a_big_set_sees_all() {
    let mut boxes = Boxes::new(1);
    let count = if cfg!(miri) { 150 } else { 1_000 };
    for n in 0..count {
        boxes.say(&format!("ZADD z {n} {n}"));
    }
    let (mut seen, mut cursor) = (std::collections::BTreeSet::new(), "0".to_owned());
    loop {
        let reply = boxes.say(&format!("ZSCAN z {cursor} COUNT 7 NOSCORES"));
        let words: Vec<&str> = reply.split(' ').collect();
        cursor = words[2].to_owned();
        seen.extend(words[4..].chunks(2).map(|pair| pair[1].to_owned()));
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), count);
}
