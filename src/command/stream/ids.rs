//! Ids as clients write them: whole, without a sequence number, with a bracket, or a sign that
//! stands for one.

use super::super::Args;
use super::super::error::CommandError;
use super::errors;
use crate::value::stream::StreamId;

/// From this length on, no text is an id.
const MAX_TEXT: usize = 128;

/// An id as `XADD` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NewId {
    /// `*`: the time, or what follows the last id.
    Auto,
    /// `ms-*`: what follows the last id of that millisecond.
    AutoSeq(u64),
    /// This one.
    Given(StreamId),
}

impl NewId {
    /// Reads what stands in the place of the id.
    pub(super) fn read(text: &[u8]) -> Result<NewId, CommandError> {
        let text = up_to_nul(text);
        if text == b"*" {
            return Ok(NewId::Auto);
        }
        if let [ms @ .., b'-', b'*'] = text
            && !ms.contains(&b'-')
        {
            let ms = parse_part(ms).filter(|_| text.len() < MAX_TEXT);
            return ms.map(NewId::AutoSeq).ok_or(errors::INVALID_ID);
        }
        strict(text, 0).map(NewId::Given)
    }

    /// The id that an entry gets in a stream whose last id is `last`. None if there is no greater
    /// one in that millisecond; a given id may be too small.
    pub(super) fn resolve(self, last: StreamId, now_ms: i64) -> Option<StreamId> {
        match self {
            NewId::Given(id) => Some(id),
            NewId::AutoSeq(ms) if ms == last.ms => {
                Some(StreamId::new(ms, last.seq.checked_add(1)?))
            }
            NewId::AutoSeq(ms) => Some(StreamId::new(ms, 0)),
            NewId::Auto if now_ms as u64 > last.ms => Some(StreamId::new(now_ms as u64, 0)),
            NewId::Auto => last.next(),
        }
    }
}

/// An id; `missing_seq` is the sequence number of one that has none.
pub(super) fn strict(text: &[u8], missing_seq: u64) -> Result<StreamId, CommandError> {
    let text = up_to_nul(text);
    if text.len() >= MAX_TEXT {
        return Err(errors::INVALID_ID);
    }
    let id = match memchr::memchr(b'-', text) {
        None => parse_part(text).map(|ms| StreamId::new(ms, missing_seq)),
        Some(dash) => parse_part(&text[..dash])
            .zip(parse_part(&text[dash + 1..]))
            .map(|(ms, seq)| StreamId::new(ms, seq)),
    };
    id.ok_or(errors::INVALID_ID)
}

/// An id, or `-` for the smallest and `+` for the greatest.
pub(super) fn lenient(text: &[u8], missing_seq: u64) -> Result<StreamId, CommandError> {
    match up_to_nul(text) {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        text => strict(text, missing_seq),
    }
}

/// The start of an interval.
pub(super) fn interval_start(text: &[u8]) -> Result<StreamId, CommandError> {
    match text {
        [b'(', text @ ..] if !text.is_empty() => {
            strict(text, 0)?.next().ok_or(errors::INVALID_START)
        }
        text => lenient(text, 0),
    }
}

/// The end of an interval.
pub(super) fn interval_end(text: &[u8]) -> Result<StreamId, CommandError> {
    match text {
        [b'(', text @ ..] if !text.is_empty() => {
            strict(text, u64::MAX)?.prev().ok_or(errors::INVALID_END)
        }
        text => lenient(text, u64::MAX),
    }
}

/// All ids from `at` on, so that a command does nothing if one of them is wrong.
pub(super) fn all_from(args: Args<'_>, at: usize) -> Result<Vec<StreamId>, CommandError> {
    (at..args.len()).map(|at| strict(&args[at], 0)).collect()
}

/// The ids of `XDELEX` and `XACKDEL`, checked one after the other.
pub(super) fn some_from(
    args: Args<'_>,
    at: usize,
    count: usize,
) -> Result<Vec<StreamId>, CommandError> {
    (at..at + count).map(|at| strict(&args[at], 0)).collect()
}

/// Redis reads ids as C strings.
fn up_to_nul(text: &[u8]) -> &[u8] {
    memchr::memchr(0, text).map_or(text, |end| &text[..end])
}

/// One part of an id, as Redis reads it: a strict signed integer that is not negative, or else
/// whatever C's `strtoull` takes, which has room for spaces, signs and zeros in front.
fn parse_part(text: &[u8]) -> Option<u64> {
    if let Some(number) = super::super::parse_integer(text) {
        return u64::try_from(number).ok();
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte))?;
    let (negative, digits) = match &text[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let number = digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ms: u64, seq: u64) -> Option<StreamId> {
        Some(StreamId::new(ms, seq))
    }

    #[test]
    fn ids_are_read_as_the_reference_reads_them() {
        for (text, expected) in [
            (&b"5"[..], id(5, 7)),
            (b"5-3", id(5, 3)),
            (b"0-0", id(0, 0)),
            (b"18446744073709551615-18446744073709551615", id(u64::MAX, u64::MAX)),
            (b"18446744073709551616", None),
            (b"5-3\0x", id(5, 3)),
            (b"05- 3", id(5, 3)),
            (b"+5-+3", id(5, 3)),
            (b"5--0", id(5, 0)),
            (b"5--01", id(5, u64::MAX)),
            (b"5--1", None),
            (b"-", None),
            (b"+", None),
            (b"-5", None),
            (b"5-", None),
            (b"5-3-1", None),
            (b"5-*", None),
            (b"", None),
            (b"x", None),
        ] {
            assert_eq!(strict(text, 7).ok(), expected, "{}", text.escape_ascii());
        }
        assert!(strict(&[b'0'; MAX_TEXT], 0).is_err());
        assert_eq!(lenient(b"-", 0).ok(), id(0, 0));
        assert_eq!(lenient(b"+", 0), Ok(StreamId::MAX));
    }

    #[test]
    fn intervals() {
        assert_eq!(interval_start(b"(5").ok(), id(5, 1));
        assert_eq!(interval_end(b"(5").ok(), id(5, u64::MAX - 1));
        assert_eq!(interval_end(b"5").ok(), id(5, u64::MAX));
        assert_eq!(
            interval_start(b"(18446744073709551615-18446744073709551615"),
            Err(errors::INVALID_START)
        );
        assert_eq!(interval_end(b"(0-0"), Err(errors::INVALID_END));
        assert_eq!(interval_start(b"("), Err(errors::INVALID_ID));
        assert_eq!(interval_start(b"(-"), Err(errors::INVALID_ID));
    }

    #[test]
    fn new_ids() {
        let last = StreamId::new(5, 3);
        assert_eq!(NewId::read(b"*"), Ok(NewId::Auto));
        assert_eq!(NewId::read(b"5-*"), Ok(NewId::AutoSeq(5)));
        assert_eq!(NewId::read(b"*-*"), Err(errors::INVALID_ID));
        assert_eq!(NewId::Auto.resolve(last, 4), id(5, 4));
        assert_eq!(NewId::Auto.resolve(last, 6), id(6, 0));
        assert_eq!(NewId::AutoSeq(5).resolve(last, 0), id(5, 4));
        assert_eq!(NewId::AutoSeq(4).resolve(last, 0), id(4, 0));
        assert_eq!(NewId::AutoSeq(0).resolve(StreamId::MIN, 0), id(0, 1));
        assert_eq!(NewId::AutoSeq(5).resolve(StreamId::new(5, u64::MAX), 0), None);
    }
}
