//! Lengths, strings and numbers as RDB files have them.
//!
//! | first byte | length |
//! |---|---|
//! | `00llllll` | l |
//! | `01llllll` | 14 bits, with the next byte |
//! | `0x80` | the next 4 bytes, big endian |
//! | `0x81` | the next 8 bytes, big endian |
//! | `11......` | no length but a string in another form: see [`Form`] |

use crate::value::integer::parse_canonical;
use crate::value::lzf;

/// A string that stands in another form than with its length before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The decimal form of an integer of 8 bits.
    Int8 = 0,
    /// Of 16 bits, little endian.
    Int16 = 1,
    /// Of 32 bits, little endian.
    Int32 = 2,
    /// Compressed: its length compressed, its length, and the compressed text.
    Lzf = 3,
}

/// What marks a [`Form`] in the first byte of a length.
pub const FORM: u8 = 0xC0;
/// What marks a length of 32 bits.
pub const LEN_32: u8 = 0x80;
/// What marks a length of 64 bits.
pub const LEN_64: u8 = 0x81;
/// Longest string that may be the decimal form of an integer of 32 bits.
const INT_TEXT_MAX: usize = 11;
/// Shortest string that is worth being compressed.
const LZF_MIN: usize = 21;
/// Bytes that compression must gain.
const LZF_GAIN: usize = 4;

/// Adds a length.
pub fn put_len(out: &mut Vec<u8>, len: u64) {
    match len {
        ..0x40 => out.push(len as u8),
        0x40..0x4000 => out.extend([0x40 | (len >> 8) as u8, len as u8]),
        0x4000..=0xFFFF_FFFF => {
            out.push(LEN_32);
            out.extend((len as u32).to_be_bytes());
        }
        _ => {
            out.push(LEN_64);
            out.extend(len.to_be_bytes());
        }
    }
}

/// Adds a string in the form that suits it.
pub fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    if text.len() <= INT_TEXT_MAX
        && let Some(number) = parse_canonical(text)
        && put_small_int(out, number)
    {
        return;
    }
    if text.len() >= LZF_MIN
        && let Some(packed) = lzf::compress(text, LZF_GAIN)
    {
        put_lzf(out, &packed, text.len());
        return;
    }
    put_plain(out, text);
}

/// Adds a string of `len` bytes that is compressed already.
pub fn put_lzf(out: &mut Vec<u8>, packed: &[u8], len: usize) {
    out.push(FORM | Form::Lzf as u8);
    put_len(out, packed.len() as u64);
    put_len(out, len as u64);
    out.extend_from_slice(packed);
}

/// Adds a string with its length before it.
pub fn put_plain(out: &mut Vec<u8>, text: &[u8]) {
    put_len(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Adds the decimal form of an integer as a string.
pub fn put_int(out: &mut Vec<u8>, number: i64) {
    if !put_small_int(out, number) {
        put_plain(out, itoa::Buffer::new().format(number).as_bytes());
    }
}

/// Adds the decimal form of an integer as a [`Form`], if it has no more than 32 bits.
fn put_small_int(out: &mut Vec<u8>, number: i64) -> bool {
    if let Ok(number) = i8::try_from(number) {
        out.extend([FORM | Form::Int8 as u8, number as u8]);
    } else if let Ok(number) = i16::try_from(number) {
        out.push(FORM | Form::Int16 as u8);
        out.extend(number.to_le_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(FORM | Form::Int32 as u8);
        out.extend(number.to_le_bytes());
    } else {
        return false;
    }
    true
}
