//! Integers as the protocol writes them: one spelling per number.

/// Parses a signed 64-bit integer by the strict rule that Redis applies to lengths and to integer
/// arguments: an optional `-`, then digits without leading zero. No `+`, no spaces, no `-0`, no
/// value out of range.
pub fn parse_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    let mut value: i64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Summed below zero, where i64 has one value more than above.
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_per_number() {
        for n in [0, 1, -1, 9, 10, -10, 4096, i64::MAX, i64::MIN] {
            assert_eq!(parse_int(n.to_string().as_bytes()), Some(n));
        }
        let wrong: [&[u8]; 14] = [
            b"",
            b"-",
            b"+1",
            b"01",
            b"-0",
            b"00",
            b" 1",
            b"1 ",
            b"1x",
            b"--1",
            b"0x1",
            b"9223372036854775808",
            b"-9223372036854775809",
            b"99999999999999999999999",
        ];
        for text in wrong {
            assert_eq!(parse_int(text), None, "{}", text.escape_ascii());
        }
    }
}
