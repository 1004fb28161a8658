//! Bitmaps: what the differential tests cannot show, since it needs limits or big values; and a
//! few plain cases to read first when those fail.

use crate::client::{Client, Reply};
use crate::server::each_plain_form;

#[track_caller]
fn is(c: &mut Client, line: &str, reply: Reply) {
    assert_eq!(c.run(line), reply, "{line}");
}

#[test]
fn offsets_end_with_the_longest_string() {
    each_plain_form(|server| {
        let mut c = server.client();
        let wrong = || Reply::error("ERR bit offset is not an integer or out of range");
        is(&mut c, "SETBIT k 4294967296 1", wrong());
        is(&mut c, "CONFIG SET proto-max-bulk-len 1mb", Reply::ok());
        is(&mut c, "SETBIT k 8388608 1", wrong());
        is(&mut c, "SETBIT k 8388607 1", Reply::Int(0));
        is(&mut c, "STRLEN k", Reply::Int(1 << 20));
        is(&mut c, "BITPOS k 1", Reply::Int(8_388_607));
        is(&mut c, "BITFIELD k GET u8 8388608", wrong());
        is(&mut c, "BITFIELD k SET u16 8388607 1", Reply::Array(vec![Reply::Int(32768)]));
        is(&mut c, "STRLEN k", Reply::Int((1 << 20) + 2));
    });
}

#[test]
fn big_bitmaps_are_counted_searched_and_combined() {
    each_plain_form(|server| {
        let mut c = server.client();
        for (key, offset) in [("a", 7), ("b", 11), ("c", 13)] {
            for at in 0..200 {
                c.run(&format!("SETBIT {key} {} 1", at * 1000 * offset));
            }
        }
        is(&mut c, "BITCOUNT a", Reply::Int(200));
        is(&mut c, "BITCOUNT c 0 12999 BIT", Reply::Int(1));
        is(&mut c, "BITCOUNT c -1", Reply::Int(1));
        is(&mut c, "BITOP OR d a b c", Reply::Int(13 * 199_000 / 8 + 1));
        is(&mut c, "BITOP AND e a b c", Reply::Int(13 * 199_000 / 8 + 1));
        // Bit 0, and the one at 7 * 11 * 13 thousand.
        is(&mut c, "BITCOUNT e", Reply::Int(2));
        is(&mut c, "BITOP ONE f a b c", Reply::Int(13 * 199_000 / 8 + 1));
        is(&mut c, "BITOP DIFF g d a", Reply::Int(13 * 199_000 / 8 + 1));
        let both = c.run("BITCOUNT a").int() + c.run("BITCOUNT g").int();
        is(&mut c, "BITCOUNT d", Reply::Int(both));
        is(&mut c, "BITOP NOT n a", Reply::Int(7 * 199_000 / 8 + 1));
        is(&mut c, "BITPOS n 0 1", Reply::Int(7000));
        is(&mut c, "BITPOS n 1", Reply::Int(1));
    });
}

#[test]
fn fields_overflow_as_they_are_told() {
    each_plain_form(|server| {
        let mut c = server.client();
        let ints = |numbers: &[i64]| {
            Reply::Array(numbers.iter().map(|number| Reply::Int(*number)).collect())
        };
        is(&mut c, "BITFIELD f INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1", ints(&[1, 1]));
        is(&mut c, "BITFIELD f INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1", ints(&[2, 2]));
        is(&mut c, "BITFIELD f INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1", ints(&[3, 3]));
        is(&mut c, "BITFIELD f INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1", ints(&[0, 3]));
        let failed = Reply::Array(vec![Reply::NullBulk]);
        is(&mut c, "BITFIELD f OVERFLOW FAIL INCRBY u2 102 1", failed);
        is(&mut c, "BITFIELD f SET i64 #1 -1 GET u63 64", ints(&[3 << 24, i64::MAX]));
        is(&mut c, "BITFIELD_RO f GET i8 64 GET u4 #16", ints(&[-1, 15]));
        let refused = Reply::error("ERR BITFIELD_RO only supports the GET subcommand");
        is(&mut c, "BITFIELD_RO f SET i8 64 1", refused);
    });
}
