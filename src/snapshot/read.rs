//! Reads what `write` writes, from bytes that may be anything.

use std::borrow::Cow;

use super::write::{FORM, Form, LEN_32, LEN_64};
use crate::value::lzf;

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Bytes that are read from the front.
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Bytes of the longest string that is unpacked.
    string_max: u64,
}

/// A length, or the form of a string that has none.
enum Length {
    Plain(u64),
    Form(u8),
}

impl<'a> Reader<'a> {
    /// Reads these bytes; a compressed string may have up to `string_max` bytes.
    pub fn new(bytes: &'a [u8], string_max: u64) -> Reader<'a> {
        Reader { rest: bytes, string_max }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: u64) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(len).map_err(|_| Malformed)?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*array)
    }

    /// The next byte.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    /// A length or another number that stands as one.
    pub fn len(&mut self) -> Result<u64, Malformed> {
        match self.length()? {
            Length::Plain(len) => Ok(len),
            Length::Form(_) => Err(Malformed),
        }
    }

    /// How many elements follow, each of which has a byte at least: a number that the bytes that
    /// are left bear out.
    pub fn count(&mut self) -> Result<usize, Malformed> {
        let count = usize::try_from(self.len()?).map_err(|_| Malformed)?;
        if count <= self.rest.len() { Ok(count) } else { Err(Malformed) }
    }

    fn length(&mut self) -> Result<Length, Malformed> {
        let first = self.byte()?;
        Ok(match first {
            ..0x40 => Length::Plain(first.into()),
            0x40..0x80 => Length::Plain(u64::from(first & 0x3F) << 8 | u64::from(self.byte()?)),
            LEN_32 => Length::Plain(u32::from_be_bytes(self.array()?).into()),
            LEN_64 => Length::Plain(u64::from_be_bytes(self.array()?)),
            FORM.. => Length::Form(first & !FORM),
            _ => return Err(Malformed),
        })
    }

    /// A string.
    pub fn string(&mut self) -> Result<Cow<'a, [u8]>, Malformed> {
        const INT_8: u8 = Form::Int8 as u8;
        const INT_16: u8 = Form::Int16 as u8;
        const INT_32: u8 = Form::Int32 as u8;
        const LZF: u8 = Form::Lzf as u8;
        let number = match self.length()? {
            Length::Plain(len) => return self.take(len).map(Cow::Borrowed),
            Length::Form(INT_8) => i32::from(i8::from_le_bytes(self.array()?)),
            Length::Form(INT_16) => i32::from(i16::from_le_bytes(self.array()?)),
            Length::Form(INT_32) => i32::from_le_bytes(self.array()?),
            Length::Form(LZF) => {
                let (packed_len, len) = (self.len()?, self.len()?);
                let packed = self.take(packed_len)?;
                if len > self.string_max {
                    return Err(Malformed);
                }
                let text = lzf::decompress(packed, len as usize).map_err(|_| Malformed)?;
                return Ok(Cow::Owned(text));
            }
            Length::Form(_) => return Err(Malformed),
        };
        Ok(Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec()))
    }

    /// A score in binary form. It is a number.
    pub fn score(&mut self) -> Result<f64, Malformed> {
        number(f64::from_le_bytes(self.array()?))
    }

    /// A score as a text with its length before it, as older servers wrote it. It is a number.
    pub fn score_text(&mut self) -> Result<f64, Malformed> {
        match self.byte()? {
            255 => Ok(f64::NEG_INFINITY),
            254 => Ok(f64::INFINITY),
            253 => Err(Malformed),
            len => {
                let text = self.take(len.into())?;
                score_of(text)
            }
        }
    }
}

/// The score that a text states. It is a number.
pub fn score_of(text: &[u8]) -> Result<f64, Malformed> {
    let text = std::str::from_utf8(text).map_err(|_| Malformed)?;
    text.parse().map_err(|_| Malformed).and_then(number)
}

fn number(score: f64) -> Result<f64, Malformed> {
    if score.is_nan() { Err(Malformed) } else { Ok(score) }
}
