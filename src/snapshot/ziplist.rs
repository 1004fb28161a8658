//! Ziplists and zipmaps: how servers before Redis 7 (and 2.6) packed small collections. They are
//! read and never written.
//!
//! ```text
//! ziplist: bytes 4 B | offset of the last entry 4 B | entries 2 B | entries | 0xFF
//! entry:   length of the one before: 1 B, or 0xFE and 4 B | encoding and value
//! zipmap:  pairs 1 B | key length, key, value length, free 1 B, value, free bytes | … | 0xFF
//! ```
//!
//! Numbers are little endian, except lengths in a ziplist's encodings.

use std::borrow::Cow;

use super::read::Malformed;

/// Bytes before a ziplist's entries.
const HEADER: usize = 10;
/// Ends a ziplist or a zipmap.
const END: u8 = 0xFF;
/// Says that the length of the entry before, or of a zipmap's string, stands in the next 4 bytes.
const LONG: u8 = 0xFE;
/// The number of entries that stands for all that do not fit in 16 bits.
const UNCOUNTED: u16 = u16::MAX;

/// A text or an integer's decimal form.
type Element<'a> = Cow<'a, [u8]>;

/// The elements of a ziplist, all of whose links are right.
pub fn elements(bytes: &[u8]) -> Result<Vec<Element<'_>>, Malformed> {
    let header = bytes.first_chunk::<HEADER>().ok_or(Malformed)?;
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize
    };
    let (len, last) = (word(0), word(4));
    let count = u16::from_le_bytes([header[8], header[9]]);
    if len != bytes.len() || bytes.last() != Some(&END) || len == HEADER {
        return Err(Malformed);
    }
    let end = len - 1;
    let mut found = Vec::new();
    let (mut at, mut previous) = (HEADER, HEADER);
    while at < end {
        let (element, entry_len) = entry(&bytes[at..end], at - previous)?;
        found.push(element);
        (previous, at) = (at, at + entry_len);
    }
    let counted = count == UNCOUNTED || found.len() == usize::from(count);
    if last == previous && counted { Ok(found) } else { Err(Malformed) }
}

/// The element that begins `bytes` and the length of its entry; the one before has
/// `previous_len` bytes.
fn entry(bytes: &[u8], previous_len: usize) -> Result<(Element<'_>, usize), Malformed> {
    let (&first, rest) = bytes.split_first().ok_or(Malformed)?;
    let (stated, rest) = match first {
        LONG => {
            let (stated, rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
            (u32::from_le_bytes(*stated) as usize, rest)
        }
        _ => (usize::from(first), rest),
    };
    if stated != previous_len || first == END {
        return Err(Malformed);
    }
    let (element, after) = value(rest)?;
    Ok((element, bytes.len() - after.len()))
}

/// The value that begins `bytes`, and what follows it.
fn value(bytes: &[u8]) -> Result<(Element<'_>, &[u8]), Malformed> {
    let (&encoding, rest) = bytes.split_first().ok_or(Malformed)?;
    let (len, rest) = match encoding {
        ..0x40 => (usize::from(encoding), rest),
        0x40..0x80 => {
            let (&low, rest) = rest.split_first().ok_or(Malformed)?;
            (usize::from(encoding & 0x3F) << 8 | usize::from(low), rest)
        }
        0x80 => {
            let (len, rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
            (u32::from_be_bytes(*len) as usize, rest)
        }
        _ => return integer(encoding, rest),
    };
    let (text, after) = rest.split_at_checked(len).ok_or(Malformed)?;
    Ok((Cow::Borrowed(text), after))
}

/// The integer of this encoding, and what follows it.
fn integer(encoding: u8, rest: &[u8]) -> Result<(Element<'_>, &[u8]), Malformed> {
    let width = match encoding {
        0xC0 => 2,
        0xD0 => 4,
        0xE0 => 8,
        0xF0 => 3,
        0xFE => 1,
        0xF1..=0xFD => 0,
        _ => return Err(Malformed),
    };
    let (bytes, after) = rest.split_at_checked(width).ok_or(Malformed)?;
    let number = if width == 0 {
        i64::from(encoding & 0x0F) - 1
    } else {
        let mut word = [0; 8];
        word[8 - width..].copy_from_slice(bytes);
        i64::from_le_bytes(word) >> (64 - width * 8)
    };
    Ok((Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec()), after))
}

/// The keys and values of a zipmap, in turn.
pub fn zipmap(bytes: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let (&count, mut rest) = bytes.split_first().ok_or(Malformed)?;
    let mut found = Vec::new();
    loop {
        let (&first, after) = rest.split_first().ok_or(Malformed)?;
        if first == END {
            let counted = count == LONG || found.len() == usize::from(count) * 2;
            return if counted && after.is_empty() { Ok(found) } else { Err(Malformed) };
        }
        let (key, after) = zipmap_string(rest, false)?;
        let (value, after) = zipmap_string(after, true)?;
        found.extend([key, value]);
        rest = after;
    }
}

/// The string that begins `bytes` and what follows it; a value's free bytes are passed over.
fn zipmap_string(bytes: &[u8], is_value: bool) -> Result<(&[u8], &[u8]), Malformed> {
    let (&first, rest) = bytes.split_first().ok_or(Malformed)?;
    let (len, rest) = match first {
        END => return Err(Malformed),
        LONG => {
            let (len, rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
            (u32::from_le_bytes(*len) as usize, rest)
        }
        _ => (usize::from(first), rest),
    };
    let (free, rest) = if is_value {
        let (&free, rest) = rest.split_first().ok_or(Malformed)?;
        (usize::from(free), rest)
    } else {
        (0, rest)
    };
    let (text, rest) = rest.split_at_checked(len).ok_or(Malformed)?;
    Ok((text, rest.get(free..).ok_or(Malformed)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A ziplist as Redis 6 had it for `RPUSH l 1024 hello -1 100000 5000000000 12`.
    const SAMPLE: &[u8] = b"\x2d\0\0\0\x29\0\0\0\x06\0\
        \x00\xc0\x00\x04\
        \x04\x05hello\
        \x07\xfe\xff\
        \x03\xf0\xa0\x86\x01\
        \x05\xe0\x00\xf2\x05\x2a\x01\0\0\0\
        \x0a\xfd\xff";

    #[test]
    fn every_encoding_is_read() {
        let mut bytes = SAMPLE.to_vec();
        let (len, last) = (bytes.len() as u32, bytes.len() as u32 - 3);
        bytes[..4].copy_from_slice(&len.to_le_bytes());
        bytes[4..8].copy_from_slice(&last.to_le_bytes());
        let found = elements(&bytes).expect("a whole ziplist");
        let texts: Vec<&[u8]> = found.iter().map(|element| &element[..]).collect();
        let expected: [&[u8]; 6] = [b"1024", b"hello", b"-1", b"100000", b"5000000000", b"12"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn zipmaps_are_read() {
        let bytes = b"\x02\x03foo\x03\x00bar\x05hello\x05\x02world..\xff";
        let expected: [&[u8]; 4] = [b"foo", b"bar", b"hello", b"world"];
        assert_eq!(zipmap(bytes), Ok(expected.to_vec()));
        for cut in 0..bytes.len() {
            assert_eq!(zipmap(&bytes[..cut]), Err(Malformed));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn any_bytes_are_taken_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..80), fit: bool,
        ) {
            if fit && bytes.len() > HEADER {
                let len = (bytes.len() as u32).to_le_bytes();
                bytes[..4].copy_from_slice(&len);
                if let Some(last) = bytes.last_mut() {
                    *last = END;
                }
            }
            let _ = elements(&bytes);
            let _ = zipmap(&bytes);
        }
    }
}
