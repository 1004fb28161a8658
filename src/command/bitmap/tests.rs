use crate::command::testing::Boxes;

#[test]
fn bits_are_set_where_they_are() {
    for shards in [1, 4] {
        let mut boxes = Boxes::new(shards);
        assert_eq!(boxes.say("SETBIT b 7 1"), ":0");
        assert_eq!(boxes.say("SETBIT b 7 1"), ":1");
        assert_eq!(boxes.say("SETBIT b 100 0"), ":0");
        assert_eq!(boxes.say("STRLEN b"), ":13");
        assert_eq!(boxes.say("OBJECT ENCODING b"), "$3 raw");
        assert_eq!(boxes.effect_texts(), ["SETBIT b 7 1", "SETBIT b 100 0"]);
        assert_eq!(boxes.say("GETBIT b 7"), ":1");
        assert_eq!(boxes.say("GETBIT b 4294967295"), ":0");
        assert_eq!(boxes.say("SET n 12"), "+OK");
        assert_eq!(boxes.say("SETBIT n 6 0"), ":0");
        assert_eq!(boxes.say("OBJECT ENCODING n"), "$3 raw");
        assert_eq!(boxes.say("SETBIT n 6 1"), ":0");
        assert_eq!(boxes.say("GET n"), "$2 32");
    }
}

#[test]
fn a_big_bitmap_is_changed_in_place() {
    let mut boxes = Boxes::new(2);
    assert_eq!(boxes.say("SETBIT big 8000000 1"), ":0");
    assert_eq!(boxes.say("SETBIT big 12345 1"), ":0");
    assert_eq!(boxes.say("SETBIT big 12345 0"), ":1");
    assert_eq!(boxes.say("BITCOUNT big"), ":1");
    assert_eq!(boxes.say("BITPOS big 1"), ":8000000");
    assert_eq!(boxes.say("BITOP NOT not big"), ":1000001");
    assert_eq!(boxes.say("BITCOUNT not"), ":8000007");
    assert_eq!(boxes.say("BITPOS not 0"), ":8000000");
}

#[test]
fn operations_over_several_shards() {
    let mut boxes = Boxes::new(4);
    for (key, value) in [("a", "foobar"), ("b", "abcdef"), ("c", "xyz")] {
        boxes.say(&format!("SET {key} {value}"));
    }
    boxes.effects();
    assert_eq!(boxes.say("BITOP AND d a b"), ":6");
    assert_eq!(boxes.say("GET d"), "$6 `bc`ab");
    assert_eq!(boxes.say("OBJECT ENCODING d"), "$3 raw");
    assert_eq!(boxes.say("BITOP OR d none"), ":0");
    assert_eq!(boxes.say("EXISTS d"), ":0");
    assert_eq!(boxes.effect_texts(), ["BITOP AND d a b", "BITOP OR d none"]);
    assert_eq!(boxes.say("BITOP XOR a a a"), ":6");
    assert_eq!(boxes.say("BITCOUNT a"), ":0");
    let error = "-ERR BITOP ANDOR must be called with at least two source keys.";
    assert_eq!(boxes.say("BITOP andor d a"), error);
}

#[test]
fn a_failed_overflow_leaves_a_grown_string_stated() {
    let mut boxes = Boxes::new(1);
    assert_eq!(boxes.say("BITFIELD f OVERFLOW FAIL INCRBY u2 0 5"), "*1 $-1");
    assert_eq!(boxes.say("EXISTS f"), ":1");
    assert_eq!(boxes.effect_texts().len(), 1);
    assert_eq!(boxes.say("BITFIELD f OVERFLOW FAIL INCRBY u2 0 5"), "*1 $-1");
    assert!(boxes.effects().is_empty());
    assert_eq!(boxes.say("BITFIELD f SET i8 #1 -1 GET u4 8"), "*2 :0 :15");
}

#[test]
fn offsets_end_with_the_longest_string() {
    let mut boxes = Boxes::new(1);
    let error = "-ERR bit offset is not an integer or out of range";
    for request in [
        "SETBIT k 4294967296 1",
        "GETBIT k -1",
        "GETBIT k #1",
        "BITFIELD k GET u8 #536870912",
        "BITFIELD k GET i64 #9223372036854775807",
        "BITFIELD k GET u8 #-1",
    ] {
        assert_eq!(boxes.say(request), error, "{request}");
    }
    assert_eq!(boxes.say("BITFIELD k GET i64 4294967295"), "*1 :0");
    assert_eq!(boxes.say("EXISTS k"), ":0");
}
