//! Scores and bounds as clients write them.

use crate::command::{Args, CommandError};
use crate::value::zset::{LexBound, LexRange, ScoreRange};

/// Reads a decimal number, `inf` or `infinity` in any case and with either sign. What is too large
/// becomes infinite, what is too small 0; NaN is none.
fn read(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!number.is_nan()).then_some(number)
}

/// Reads a score by the rules of `ZADD`: a number that a double cannot hold, since it is too large
/// or too small, is none.
pub(in crate::command) fn parse_score(text: &[u8]) -> Option<f64> {
    let score = read(text)?;
    let mantissa = text.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
    let overflows = score.is_infinite() && mantissa.iter().any(u8::is_ascii_digit);
    let underflows = score == 0.0 && mantissa.iter().any(|byte| matches!(byte, b'1'..=b'9'));
    (!overflows && !underflows).then_some(score)
}

/// The score that stands at `at`, or Redis's "not a valid float" error.
pub(in crate::command) fn score_at(args: Args<'_>, at: usize) -> Result<f64, CommandError> {
    args.get(at).and_then(parse_score).ok_or(CommandError::NOT_A_FLOAT)
}

/// What is before a NUL: bounds are read as C strings are.
fn c_string(text: &[u8]) -> &[u8] {
    &text[..memchr::memchr(0, text).unwrap_or(text.len())]
}

/// An end of a range of scores, and whether it is outside: `(` says so.
fn score_bound(text: &[u8]) -> Result<(f64, bool), CommandError> {
    let text = c_string(text);
    let (text, outside) = match text.strip_prefix(b"(") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    // Nothing is read as 0, which nobody relies on, but so it is in Redis.
    let score = if text.is_empty() { Some(0.0) } else { read(text) };
    Ok((score.ok_or(CommandError::BOUND_NOT_A_FLOAT)?, outside))
}

/// The range of scores between two arguments.
pub(super) fn score_range(min: &[u8], max: &[u8]) -> Result<ScoreRange, CommandError> {
    let ((min, above_min), (max, below_max)) = (score_bound(min)?, score_bound(max)?);
    Ok(ScoreRange { min, max, above_min, below_max })
}

fn lex_bound(text: &[u8]) -> Result<LexBound<'_>, CommandError> {
    match text {
        [b'[', rest @ ..] => Ok(LexBound::Included(rest)),
        [b'(', rest @ ..] => Ok(LexBound::Excluded(rest)),
        [b'-'] | [b'-', 0, ..] => Ok(LexBound::Lowest),
        [b'+'] | [b'+', 0, ..] => Ok(LexBound::Highest),
        _ => Err(CommandError::BOUND_NOT_A_STRING),
    }
}

/// The range of texts between two arguments.
pub(super) fn lex_range<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, CommandError> {
    Ok(LexRange { min: lex_bound(min)?, max: lex_bound(max)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As ZADD of Valkey 9.1 takes them.
    #[test]
    fn scores_that_are_and_are_none() {
        for (text, score) in [
            ("1", Some(1.0)),
            ("+1", Some(1.0)),
            ("1.", Some(1.0)),
            (".5", Some(0.5)),
            ("-1e5", Some(-1e5)),
            ("0e9", Some(0.0)),
            ("5e-324", Some(5e-324)),
            ("Inf", Some(f64::INFINITY)),
            ("-infinity", Some(f64::NEG_INFINITY)),
            ("1e400", None),
            ("1e-400", None),
            ("nan", None),
            ("", None),
            (".", None),
            ("1e", None),
            (" 1", None),
            ("1 ", None),
            ("0x10", None),
            ("infin", None),
        ] {
            assert_eq!(parse_score(text.as_bytes()), score, "{text:?}");
        }
        assert!(parse_score(b"-0").is_some_and(|score| score.is_sign_negative()));
    }

    #[test]
    fn bounds_are_read_more_generously() {
        assert_eq!(score_bound(b"(1e400"), Ok((f64::INFINITY, true)));
        assert_eq!(score_bound(b"1e-400"), Ok((0.0, false)));
        assert_eq!(score_bound(b"1\0x"), Ok((1.0, false)));
        assert_eq!(score_bound(b"("), Ok((0.0, true)));
        assert_eq!(score_bound(b"((1"), Err(CommandError::BOUND_NOT_A_FLOAT));
        assert_eq!(score_bound(b"nan"), Err(CommandError::BOUND_NOT_A_FLOAT));
        assert_eq!(lex_bound(b"+x"), Err(CommandError::BOUND_NOT_A_STRING));
        assert_eq!(lex_bound(b""), Err(CommandError::BOUND_NOT_A_STRING));
        assert_eq!(lex_bound(b"["), Ok(LexBound::Included(b"")));
    }
}
