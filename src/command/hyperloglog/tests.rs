use crate::command::testing::Boxes;

#[test]
fn elements_are_counted_over_several_shards() {
    for shards in [1, 4] {
        let mut boxes = Boxes::new(shards);
        assert_eq!(boxes.say("PFADD a x y z"), ":1");
        assert_eq!(boxes.say("PFADD a x y z"), ":0");
        assert_eq!(boxes.say("PFADD b z w"), ":1");
        assert_eq!(boxes.say("PFCOUNT a b none"), ":4");
        assert_eq!(boxes.say("PFMERGE c a b"), "+OK");
        assert_eq!(boxes.say("PFCOUNT c"), ":4");
        assert_eq!(boxes.say("PFCOUNT c"), ":4");
        let effects = ["PFADD a x y z", "PFADD b z w", "PFMERGE c a b", "PFCOUNT c"];
        assert_eq!(boxes.effect_texts(), effects);
        assert_eq!(boxes.say("OBJECT ENCODING a"), "$3 raw");
        assert_eq!(boxes.say("PFSELFTEST"), "+OK");
    }
}

#[test]
fn what_is_no_value_is_refused() {
    let mut boxes = Boxes::new(1);
    let refused = "-WRONGTYPE Key is not a valid HyperLogLog string value.";
    for value in ["text", "12", "HYLL", "HYLL00000000000000000"] {
        boxes.say(&format!("SET k {value}"));
        for request in
            ["PFADD k x", "PFCOUNT k", "PFCOUNT k none", "PFMERGE d k", "PFDEBUG TODENSE k"]
        {
            assert_eq!(boxes.say(request), refused, "{value}: {request}");
        }
    }
    boxes.say("SADD set x");
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    assert_eq!(boxes.say("PFADD set x"), wrong);
}

#[test]
fn a_corrupted_value_is_refused_and_left() {
    let mut boxes = Boxes::new(1);
    let corrupted = "-INVALIDOBJ Corrupted HLL object detected";
    // A whole header, no valid count, and opcodes for 64 registers.
    let value = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x3f";
    boxes.run(&[b"SET", b"k", value]);
    boxes.effects();
    for request in ["PFCOUNT k", "PFCOUNT k k", "PFMERGE d k", "PFDEBUG GETREG k"] {
        assert_eq!(boxes.say(request), corrupted, "{request}");
    }
    let many = (0..200).map(|n| format!(" {n}")).collect::<String>();
    assert_eq!(boxes.say(&format!("PFADD k{many}")), corrupted);
    assert!(boxes.effects().is_empty());
    assert_eq!(boxes.run(&[b"GET", b"k"]), [b"$17\r\n", &value[..], b"\r\n"].concat());
}

#[test]
fn debugging_shows_the_inside() {
    let mut boxes = Boxes::new(2);
    boxes.say("PFADD h a b c");
    assert_eq!(boxes.say("PFDEBUG ENCODING h"), "+sparse");
    let opcodes = "$44 Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603";
    assert_eq!(boxes.say("PFDEBUG DECODE h"), opcodes);
    assert_eq!(boxes.say("PFDEBUG TODENSE h"), ":1");
    assert_eq!(boxes.say("PFDEBUG TODENSE h"), ":0");
    assert_eq!(boxes.say("PFDEBUG DECODE h"), "-ERR HLL encoding is not sparse");
    assert_eq!(boxes.say("STRLEN h"), ":12304");
    assert_eq!(boxes.say("PFADD h a"), ":0");
    assert_eq!(boxes.say("PFADD h d"), ":1");
    assert_eq!(boxes.say("PFCOUNT h"), ":4");
    assert_eq!(boxes.say("PFDEBUG NO h"), "-ERR Unknown PFDEBUG subcommand 'NO'");
}
