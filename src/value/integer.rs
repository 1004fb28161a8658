//! Integers as strings: which byte strings are the canonical decimal form of an `i64`.
//!
//! Only such strings may be stored as integers, since the string that comes out again must be the
//! one that went in, byte for byte.

/// Longest decimal form of an `i64`: a sign and 19 digits.
pub const MAX_DECIMAL_LEN: usize = 20;

/// The integer whose canonical decimal form `bytes` is: digits with an optional `-`, no leading
/// zero, no `+`, no `-0`, no space, within `i64`. Redis's rule for storing a string as an integer
/// and for integer arguments.
#[inline]
pub fn parse_canonical(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [] => return None,
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return if negative { None } else { Some(0) },
        [b'1'..=b'9', ..] if digits.len() < MAX_DECIMAL_LEN => {}
        _ => return None,
    }
    let mut magnitude = 0u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // 19 digits stay below 10^19 < 2^64.
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edges() {
        for n in [0, 1, -1, 9, 10, -10, i64::MAX, i64::MIN, i64::MAX - 1, i64::MIN + 1] {
            assert_eq!(parse_canonical(n.to_string().as_bytes()), Some(n));
        }
        for text in [
            "",
            "-",
            "+1",
            "-0",
            "00",
            "01",
            "-01",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "１",
            "a",
            "1a",
        ] {
            assert_eq!(parse_canonical(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn what_is_parsed_prints_the_same(bytes in "[-+0-9 ]{0,22}") {
            match parse_canonical(bytes.as_bytes()) {
                Some(n) => prop_assert_eq!(n.to_string(), bytes),
                None => prop_assert!(bytes.parse::<i64>().map_or(true, |n| n.to_string() != bytes)),
            }
        }

        #[test]
        fn every_integer_is_parsed(n: i64) {
            prop_assert_eq!(parse_canonical(n.to_string().as_bytes()), Some(n));
        }
    }
}
