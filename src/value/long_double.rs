//! The 80-bit floating point numbers of INCRBYFLOAT: C's `long double` on x86.
//!
//! Clients see every digit of such sums, so they must be those of Redis bit for bit: a text is
//! read as `strtold` reads it, sums are rounded to the nearest number of 64 significant bits (ties
//! to even), and results are printed as `%.17Lf` without trailing zeros. The arithmetic is that of
//! the compiler's own soft-float library; what stands here is the grammar and the decimal form.

use rustc_apfloat::ieee::X87DoubleExtended;
use rustc_apfloat::{Float, Round, Status};

/// Texts of this many bytes or more are no numbers, as in Redis (its `MAX_LONG_DOUBLE_CHARS`).
const MAX_TEXT: usize = 5 * 1024;
/// Digits after the decimal point.
const FRACTION_DIGITS: usize = 17;
const FRACTION_SCALE: u128 = 10u128.pow(FRACTION_DIGITS as u32);
/// Bits of a significand.
const PRECISION: u32 = 64;
/// What the exponent field is above the exponent of a significand that is taken for an integer.
const BIAS: i32 = 16_383 + 63;

/// A number, or infinity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongDouble(X87DoubleExtended);

impl From<i64> for LongDouble {
    fn from(number: i64) -> LongDouble {
        // Exact: 64 bits of significand hold every i64.
        LongDouble(X87DoubleExtended::from_i128(i128::from(number)).value)
    }
}

impl LongDouble {
    /// Reads a decimal or hexadecimal number or an infinity. None of: another form, space around
    /// it, not a number, a magnitude above the greatest number or one that is not 0 but nearer to
    /// 0 than to any other.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() >= MAX_TEXT {
            return None;
        }
        let (negative, magnitude) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let value = if is_infinity(magnitude) {
            X87DoubleExtended::INFINITY
        } else {
            parse_finite(magnitude)?
        };
        Some(LongDouble(if negative { -value } else { value }))
    }

    /// Whether it is no infinity.
    pub fn is_finite(self) -> bool {
        self.0.is_finite()
    }

    /// The sum, unless it is infinite or not a number.
    pub fn plus(self, other: LongDouble) -> Option<LongDouble> {
        let sum = self.0.add_r(other.0, Round::NearestTiesToEven).value;
        sum.is_finite().then_some(LongDouble(sum))
    }

    /// A thousand times the number, rounded up to an integer: seconds as milliseconds. The least
    /// `i64` for any number below it, `None` for one above the greatest.
    pub fn thousandfold_up(self) -> Option<i64> {
        let thousand = LongDouble::from(1000).0;
        let product = self.0.mul_r(thousand, Round::NearestTiesToEven).value;
        let mut exact = false;
        let rounded = product.to_i128_r(64, Round::TowardPositive, &mut exact);
        if rounded.status.contains(Status::INVALID_OP) {
            return product.is_negative().then_some(i64::MIN);
        }
        i64::try_from(rounded.value).ok()
    }

    /// The decimal form of a finite number, rounded to 17 digits after the point, without trailing
    /// zeros and without the sign of a zero.
    pub fn to_decimal(self) -> Vec<u8> {
        debug_assert!(self.0.is_finite());
        let bits = self.0.to_bits();
        let significand = bits as u64;
        let field = (bits >> PRECISION) as i32 & 0x7FFF;
        // A field of 0 means the same exponent as 1, with a significand that is not normalized.
        let exponent = field.max(1) - BIAS;
        let mut text = Vec::new();
        if self.0.is_negative() {
            text.push(b'-');
        }
        if exponent >= 0 {
            push_integer(significand, exponent as u32, &mut text);
        } else {
            push_fraction(significand, exponent.unsigned_abs(), &mut text);
        }
        if text == b"-0" {
            text.remove(0);
        }
        text
    }
}

fn is_infinity(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity")
}

/// Reads a number without a sign.
fn parse_finite(text: &[u8]) -> Option<X87DoubleExtended> {
    let (mantissa, exponent, is_hex) = match text {
        [b'0', b'x' | b'X', rest @ ..] => {
            let (mantissa, exponent) = split_exponent(rest, b'p');
            (mantissa, exponent, true)
        }
        _ => {
            let (mantissa, exponent) = split_exponent(text, b'e');
            (mantissa, exponent, false)
        }
    };
    let is_digit =
        |byte: &u8| if is_hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    let dots = mantissa.iter().filter(|byte| **byte == b'.').count();
    let digits = mantissa.iter().filter(|byte| is_digit(byte)).count();
    if dots > 1 || digits == 0 || digits + dots != mantissa.len() {
        return None;
    }
    if exponent.is_some_and(|exponent| !is_exponent(exponent)) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let parsed = if is_hex && exponent.is_none() {
        // The library wants an exponent in a hexadecimal number.
        X87DoubleExtended::from_str_r(&format!("{text}p0"), Round::NearestTiesToEven)
    } else {
        X87DoubleExtended::from_str_r(text, Round::NearestTiesToEven)
    };
    let parsed = parsed.ok()?;
    let vanished = parsed.status.contains(Status::UNDERFLOW) && parsed.value.is_zero();
    (parsed.value.is_finite() && !vanished).then_some(parsed.value)
}

/// Splits at the letter (in either case) that begins an exponent.
fn split_exponent(text: &[u8], letter: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| byte.eq_ignore_ascii_case(&letter)) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn is_exponent(text: &[u8]) -> bool {
    let digits = match text {
        [b'-' | b'+', digits @ ..] => digits,
        digits => digits,
    };
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Appends `significand` × 2^`shift` in decimal.
fn push_integer(significand: u64, shift: u32, text: &mut Vec<u8>) {
    /// What one step of the division takes off: as many digits as a `u64` holds.
    const CHUNK: u128 = 10u128.pow(19);
    if shift <= PRECISION {
        return text.extend_from_slice(
            itoa::Buffer::new().format(u128::from(significand) << shift).as_bytes(),
        );
    }
    let mut limbs = vec![0; (shift / PRECISION) as usize];
    let placed = u128::from(significand) << (shift % PRECISION);
    limbs.extend([placed as u64, (placed >> PRECISION) as u64]);
    let mut chunks = Vec::new();
    while limbs.iter().any(|limb| *limb != 0) {
        let mut rest = 0;
        for limb in limbs.iter_mut().rev() {
            let value = rest << PRECISION | u128::from(*limb);
            *limb = (value / CHUNK) as u64;
            rest = value % CHUNK;
        }
        chunks.push(rest);
    }
    let first = chunks.pop().unwrap_or(0);
    text.extend_from_slice(itoa::Buffer::new().format(first).as_bytes());
    for chunk in chunks.iter().rev() {
        text.extend_from_slice(format!("{chunk:019}").as_bytes());
    }
}

/// Appends `significand` / 2^`shift` in decimal, rounded to the nearest in its last digit, ties to
/// even.
fn push_fraction(significand: u64, shift: u32, text: &mut Vec<u8>) {
    /// From here on, below 2^-63, every number rounds to 0.
    const VANISHING: u32 = 127;
    if shift >= VANISHING {
        return text.push(b'0');
    }
    let mask = (1u128 << shift) - 1;
    let significand = u128::from(significand);
    let mut whole = significand >> shift;
    // Below 2^64 × 10^17 < 2^121.
    let scaled = (significand & mask) * FRACTION_SCALE;
    let (mut fraction, rest, half) = (scaled >> shift, scaled & mask, 1u128 << (shift - 1));
    if rest > half || (rest == half && fraction % 2 == 1) {
        fraction += 1;
    }
    if fraction == FRACTION_SCALE {
        (whole, fraction) = (whole + 1, 0);
    }
    text.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    if fraction != 0 {
        let digits = format!("{fraction:0FRACTION_DIGITS$}");
        text.push(b'.');
        text.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(a: &str, b: &str) -> Option<String> {
        let (a, b) = (LongDouble::parse(a.as_bytes())?, LongDouble::parse(b.as_bytes())?);
        Some(String::from_utf8(a.plus(b)?.to_decimal()).expect("decimal text"))
    }

    /// Sums as a Redis on x86-64 gives them.
    #[test]
    fn sums_of_the_reference() {
        for (a, b, result) in [
            ("0", "0", "0"),
            ("0", "-0", "0"),
            ("10.5", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("0.1", "0.2", "0.3"),
            ("3", "-3.00000000000000000001", "0"),
            ("1", "1e-17", "1.00000000000000001"),
            ("0", "1e-18", "0"),
            ("0", "0x1.8p1", "3"),
            ("0", "0X.8", "0.5"),
            ("0", "+.5", "0.5"),
            ("0", "5.", "5"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("-9223372036854775808", "-1", "-9223372036854775809"),
            ("36893488147419103232", "1", "36893488147419103232"),
            ("1e30", "0", "1000000000000000000024696061952"),
            ("0", "1e-4940", "0"),
        ] {
            assert_eq!(sum(a, b).as_deref(), Some(result), "{a} + {b}");
        }
        assert_eq!(sum("1e4932", "1e4932"), None);
        assert_eq!(sum("inf", "1"), None);
        assert_eq!(sum("-inf", "inf"), None);
    }

    #[test]
    fn what_is_no_number() {
        for text in [
            "", " 1", "1 ", "+", "-", ".", "e", "1e", "1e+", "1e5x", "--1", "1.2.3", "0x", "0x.",
            "0xp1", "0x1p", "nan", "-nan", "NaN(1)", "in", "infinit", "1e4933", "1e-5000", "1_000",
            "１", "1\0",
        ] {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(LongDouble::parse(&[b'0'; MAX_TEXT]), None);
        assert!(LongDouble::parse(&[b'0'; MAX_TEXT - 1]).is_some());
        assert!(LongDouble::parse(b"0e-99999").is_some());
        assert!(LongDouble::parse(b"-Infinity").is_some());
    }

    /// The decimal forms of powers of two, which doubling gives digit by digit.
    #[test]
    fn powers_of_two() {
        let mut digits = vec![1u8];
        for shift in 0..16_384 {
            if shift % 61 == 0 || shift < 200 || shift == 16_383 {
                let text: Vec<u8> = digits.iter().rev().map(|digit| b'0' + digit).collect();
                let parsed = LongDouble::parse(format!("0x1p{shift}").as_bytes());
                assert_eq!(parsed.map(LongDouble::to_decimal), Some(text), "2^{shift}");
            }
            let mut carry = 0;
            for digit in &mut digits {
                let double = *digit * 2 + carry;
                (*digit, carry) = (double % 10, double / 10);
            }
            if carry > 0 {
                digits.push(carry);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn integers_come_out_as_they_went_in(number: i64) {
            let text = LongDouble::from(number).to_decimal();
            prop_assert_eq!(text, number.to_string().into_bytes());
        }

        #[test]
        fn any_bytes_are_read_without_panic(text in "[-+0-9.eExXpPinfaINF]{0,24}") {
            if let Some(number) = LongDouble::parse(text.as_bytes())
                && let Some(sum) = number.plus(LongDouble::from(0))
            {
                sum.to_decimal();
            }
        }
    }
}
