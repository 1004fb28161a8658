//! How one element stands in a listpack: encoding and decoding over plain slices.
//!
//! An entry is its head (type, and length or value), the bytes of a string, and the length of the
//! two once more, so that entries are walked backwards:
//!
//! | first byte | head | element |
//! |---|---|---|
//! | `0vvvvvvv` | 1 B | integer 0 to 127 |
//! | `10llllll` | 1 B | string of up to 63 bytes |
//! | `110vvvvv` | 2 B | integer of 13 bits, big end first |
//! | `1110llll` | 2 B | string of up to 4095 bytes, big end first |
//! | `F0` | 5 B | string, length of 32 bits LE |
//! | `F1` `F2` `F3` `F4` | 3, 4, 5, 9 B | integer of 16, 24, 32, 64 bits LE |
//! | `FF` | 1 B | the end |
//!
//! The length behind has 7 bits per byte, big end first, all bytes but the first with bit 7 set.
//! The format is Redis's. An element has one encoding only: the shortest, and an integer if it is
//! the canonical decimal form of an `i64`; so equal elements are equal bytes. Where the largest
//! length of so many bytes is concerned (16,383 and the like), Redis writes a byte more than Valkey
//! and each refuses the other's form: Valkey's is written here, and both are read.

use super::Item;
use crate::value::integer::parse_canonical;

/// The byte behind the last entry.
pub(super) const END: u8 = 0xFF;
const STRING_32: u8 = 0xF0;
const INT_16: u8 = 0xF1;
const INT_24: u8 = 0xF2;
const INT_32: u8 = 0xF3;
const INT_64: u8 = 0xF4;
/// Longest head: a type and an integer of 64 bits.
const HEAD_MAX: usize = 9;
/// Longest length behind an entry.
const BACK_MAX: usize = 5;
/// The length behind an entry takes a byte more from each of these on.
const BACK_LIMITS: [usize; BACK_MAX - 1] = [1 << 7, 1 << 14, 1 << 21, 1 << 28];

/// The size of a whole entry by its first byte; 0 where the first byte does not tell.
const SPANS: [u8; 256] = {
    let mut spans = [0; 256];
    let mut first = 0;
    while first < 256 {
        spans[first] = match first {
            0x00..=0x7F => 2,
            0x80..=0xBF => (first & 0x3F) as u8 + 2,
            0xC0..=0xDF => 3,
            0xF1 => 4,
            0xF2 => 5,
            0xF3 => 6,
            0xF4 => 10,
            _ => 0,
        };
        first += 1;
    }
    spans
};

/// An element in the form in which it stands in a listpack, made once to be inserted or looked for
/// any number of times.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a> {
    head: [u8; HEAD_MAX],
    head_len: u8,
    /// The bytes of a string.
    payload: &'a [u8],
}

impl<'a> Encoded<'a> {
    /// The encoding of these bytes, as an integer if that is what they spell.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Self {
        match parse_canonical(bytes) {
            Some(n) => Self::int(n),
            None => Self::string(bytes),
        }
    }

    /// The encoding of an element.
    #[inline]
    pub fn of_item(item: Item<'a>) -> Self {
        match item {
            Item::Int(n) => Self::int(n),
            Item::Bytes(bytes) => Self::string(bytes),
        }
    }

    /// The encoding of an integer.
    pub fn int(n: i64) -> Self {
        let mut head = [0; HEAD_MAX];
        let le = n.to_le_bytes();
        let (kind, width) = match n {
            0..=127 => {
                head[0] = n as u8;
                return Self { head, head_len: 1, payload: &[] };
            }
            -4096..=4095 => {
                head[0] = 0xC0 | ((n >> 8) & 0x1F) as u8;
                head[1] = n as u8;
                return Self { head, head_len: 2, payload: &[] };
            }
            -0x8000..=0x7FFF => (INT_16, 2),
            -0x80_0000..=0x7F_FFFF => (INT_24, 3),
            -0x8000_0000..=0x7FFF_FFFF => (INT_32, 4),
            _ => (INT_64, 8),
        };
        head[0] = kind;
        head[1..=width].copy_from_slice(&le[..width]);
        Self { head, head_len: 1 + width as u8, payload: &[] }
    }

    /// The encoding of bytes that are not an integer.
    fn string(bytes: &'a [u8]) -> Self {
        let mut head = [0; HEAD_MAX];
        let head_len = match bytes.len() {
            len @ 0..=0x3F => {
                head[0] = 0x80 | len as u8;
                1
            }
            len @ 0x40..=0xFFF => {
                head[0] = 0xE0 | (len >> 8) as u8;
                head[1] = len as u8;
                2
            }
            len => {
                head[0] = STRING_32;
                // What is longer is in no listpack: none is that large.
                let len = u32::try_from(len).unwrap_or(u32::MAX);
                head[1..5].copy_from_slice(&len.to_le_bytes());
                5
            }
        };
        Self { head, head_len, payload: bytes }
    }

    #[inline]
    fn head(&self) -> &[u8] {
        &self.head[..usize::from(self.head_len)]
    }

    #[inline]
    fn content_len(&self) -> usize {
        usize::from(self.head_len) + self.payload.len()
    }

    /// Bytes that the element takes in a listpack.
    #[inline]
    pub fn size(&self) -> usize {
        self.content_len() + back_size(self.content_len())
    }

    /// Whether the entry at `at` is this element. An entry of another length or type is told apart
    /// by its first byte.
    #[inline]
    pub(super) fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        let Some(entry) = bytes.get(at..) else { return false };
        entry.first() == Some(&self.head[0])
            && entry.strip_prefix(self.head()).is_some_and(|rest| rest.starts_with(self.payload))
    }

    /// Calls `write` with the entry's bytes, in three parts.
    #[inline]
    pub(super) fn with_parts<R>(&self, write: impl FnOnce([&[u8]; 3]) -> R) -> R {
        let mut back = [0; BACK_MAX];
        let back_len = encode_back(self.content_len(), &mut back);
        write([self.head(), self.payload, &back[..back_len]])
    }
}

/// Bytes of the length behind an entry of `content` bytes.
#[inline]
fn back_size(content: usize) -> usize {
    1 + BACK_LIMITS.iter().filter(|&&limit| content >= limit).count()
}

/// Writes the length that stands behind an entry of `content` bytes; returns its size.
#[inline]
fn encode_back(content: usize, out: &mut [u8; BACK_MAX]) -> usize {
    let size = back_size(content);
    let mut rest = content;
    for byte in out[..size].iter_mut().rev() {
        *byte = (rest & 0x7F) as u8 | 0x80;
        rest >>= 7;
    }
    out[0] &= 0x7F;
    size
}

/// The length of the entry that ends at `end`, its own bytes not included, and their number.
/// `None` if it has no end within [`BACK_MAX`] bytes.
#[inline]
fn decode_back(bytes: &[u8], end: usize) -> Option<(usize, usize)> {
    let mut content = 0;
    for size in 1..=BACK_MAX {
        let byte = *bytes.get(end.checked_sub(size)?)?;
        content |= usize::from(byte & 0x7F) << (7 * (size - 1));
        if byte & 0x80 == 0 {
            return Some((content, size));
        }
    }
    None
}

/// What stands at `at`: the size of its head and of its string. `None` where nothing can stand or
/// the head is cut off.
#[inline]
fn shape(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    Some(match *bytes.get(at)? {
        0x00..=0x7F => (1, 0),
        first @ 0x80..=0xBF => (1, usize::from(first & 0x3F)),
        0xC0..=0xDF => (2, 0),
        first @ 0xE0..=0xEF => {
            (2, usize::from(first & 0x0F) << 8 | usize::from(*bytes.get(at + 1)?))
        }
        STRING_32 => {
            let field = bytes.get(at + 1..at + 5)?.try_into().ok()?;
            (5, u32::from_le_bytes(field) as usize)
        }
        INT_16 => (3, 0),
        INT_24 => (4, 0),
        INT_32 => (5, 0),
        INT_64 => (9, 0),
        _ => return None,
    })
}

/// Size of the entry at `at`, of a listpack known to be well formed.
#[inline]
pub(super) fn span(bytes: &[u8], at: usize) -> usize {
    match SPANS[usize::from(bytes[at])] {
        0 => {
            let (head, payload) = shape(bytes, at).expect("an entry stands at every position");
            head + payload + back_size(head + payload)
        }
        span => usize::from(span),
    }
}

/// Where the entry begins that ends at `end`, of a listpack known to be well formed.
#[inline]
pub(super) fn start_of_previous(bytes: &[u8], end: usize) -> usize {
    let (content, back) = decode_back(bytes, end).expect("an entry ends in its length");
    end - back - content
}

/// The element whose entry begins at `at`, of a listpack known to be well formed.
#[inline]
pub(super) fn decode(bytes: &[u8], at: usize) -> Item<'_> {
    let (head, payload) = shape(bytes, at).expect("an entry stands at every position");
    match bytes[at] {
        first @ 0x00..=0x7F => Item::Int(i64::from(first)),
        first @ 0xC0..=0xDF => {
            let raw = u16::from(first & 0x1F) << 8 | u16::from(bytes[at + 1]);
            // 13 bits, moved to the top and back for their sign.
            Item::Int(i64::from((raw << 3) as i16 >> 3))
        }
        INT_16..=INT_64 => Item::Int(little_endian(&bytes[at + 1..at + head])),
        _ => Item::Bytes(&bytes[at + head..at + head + payload]),
    }
}

/// The signed integer of 2, 3, 4 or 8 bytes.
#[inline]
fn little_endian(field: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    // At the top, so that the shift brings the sign.
    bytes[8 - field.len()..].copy_from_slice(field);
    i64::from_le_bytes(bytes) >> (8 * (8 - field.len()))
}

/// An entry of bytes that nobody vouches for.
pub(super) struct Checked {
    /// Its size.
    pub(super) span: usize,
    /// Whether its element is encoded as we would.
    pub(super) canonical: bool,
}

/// Looks at the entry at `at` of bytes that may hold anything. `None` if there is none, or it does
/// not fit, or the length behind it is not its own.
pub(super) fn check(bytes: &[u8], at: usize) -> Option<Checked> {
    let (head, payload) = shape(bytes, at)?;
    let content = head.checked_add(payload)?;
    let ends_in_its_length = |back: usize| {
        let end = at.checked_add(content)?.checked_add(back)?;
        let found = end <= bytes.len() && decode_back(bytes, end)? == (content, back);
        found.then_some(end)
    };
    let back = back_size(content);
    let shortest = ends_in_its_length(back);
    // Redis's form.
    let longer = || BACK_LIMITS[1..].contains(&(content + 1)).then(|| ends_in_its_length(back + 1));
    let end = shortest.or_else(|| longer().flatten())?;
    let encoded = match decode(bytes, at) {
        Item::Int(n) => Encoded::int(n),
        Item::Bytes(string) => Encoded::of(string),
    };
    let canonical = shortest.is_some() && encoded.is_at(bytes, at);
    Some(Checked { span: end - at, canonical })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(encoded: &Encoded<'_>) -> Vec<u8> {
        encoded.with_parts(|parts| parts.concat())
    }

    /// The first and last integer of every width, with the layout written out by hand.
    #[test]
    fn integers_take_the_shortest_form() {
        let cases: &[(i64, &[u8])] = &[
            (0, &[0x00, 1]),
            (127, &[0x7F, 1]),
            (128, &[0xC0, 0x80, 2]),
            (4095, &[0xCF, 0xFF, 2]),
            (-1, &[0xDF, 0xFF, 2]),
            (-4096, &[0xD0, 0x00, 2]),
            (4096, &[0xF1, 0x00, 0x10, 3]),
            (-4097, &[0xF1, 0xFF, 0xEF, 3]),
            (32767, &[0xF1, 0xFF, 0x7F, 3]),
            (-32768, &[0xF1, 0x00, 0x80, 3]),
            (32768, &[0xF2, 0x00, 0x80, 0x00, 4]),
            (-32769, &[0xF2, 0xFF, 0x7F, 0xFF, 4]),
            (8_388_607, &[0xF2, 0xFF, 0xFF, 0x7F, 4]),
            (-8_388_608, &[0xF2, 0x00, 0x00, 0x80, 4]),
            (8_388_608, &[0xF3, 0x00, 0x00, 0x80, 0x00, 5]),
            (i64::from(i32::MAX), &[0xF3, 0xFF, 0xFF, 0xFF, 0x7F, 5]),
            (i64::from(i32::MIN), &[0xF3, 0x00, 0x00, 0x00, 0x80, 5]),
            (i64::from(i32::MAX) + 1, &[0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]),
            (i64::MAX, &[0xF4, 255, 255, 255, 255, 255, 255, 255, 0x7F, 9]),
            (i64::MIN, &[0xF4, 0, 0, 0, 0, 0, 0, 0, 0x80, 9]),
        ];
        for &(n, wire) in cases {
            assert_eq!(bytes_of(&Encoded::int(n)), wire, "{n}");
            assert_eq!(bytes_of(&Encoded::of(n.to_string().as_bytes())), wire, "{n}");
            assert_eq!(decode(wire, 0), Item::Int(n));
            assert_eq!(span(wire, 0), wire.len());
            assert_eq!(start_of_previous(wire, wire.len()), 0);
            assert!(check(wire, 0).is_some_and(|found| found.canonical));
        }
    }

    #[test]
    fn strings_take_the_shortest_length() {
        // The last of each pair is the first length with a longer head or a longer length behind.
        let cases = [
            (0, 1, 1),
            (63, 1, 1),
            (64, 2, 1),
            (125, 2, 1),
            (126, 2, 2),
            (4095, 2, 2),
            (4096, 5, 2),
            (16_378, 5, 2),
            (16_379, 5, 3),
            (2_097_146, 5, 3),
            (2_097_147, 5, 4),
        ];
        for (len, head, back) in cases {
            if cfg!(miri) && len > 5000 {
                continue;
            }
            let string = vec![b'x'; len];
            let encoded = Encoded::of(&string);
            let wire = bytes_of(&encoded);
            assert_eq!(wire.len(), head + len + back, "length {len}");
            assert_eq!(encoded.size(), wire.len());
            assert_eq!(decode(&wire, 0), Item::Bytes(&string));
            assert_eq!(span(&wire, 0), wire.len());
            assert_eq!(start_of_previous(&wire, wire.len()), 0);
            assert!(check(&wire, 0).is_some_and(|found| found.canonical));
            assert!(check(&wire[..wire.len() - 1], 0).is_none(), "cut off");
        }
    }

    #[test]
    fn lengths_behind_are_big_endian() {
        let mut out = [0; BACK_MAX];
        for (content, expected) in [
            (127, &[127][..]),
            (128, &[1, 0x80]),
            (16_382, &[0x7F, 0xFE]),
            (16_383, &[0x7F, 0xFF]),
            (16_384, &[1, 0x80, 0x80]),
            (2_097_151, &[0x7F, 0xFF, 0xFF]),
            (2_097_152, &[1, 0x80, 0x80, 0x80]),
            (268_435_456, &[1, 0x80, 0x80, 0x80, 0x80]),
        ] {
            let size = encode_back(content, &mut out);
            assert_eq!(&out[..size], expected, "{content}");
            assert_eq!(decode_back(&out, size), Some((content, size)));
        }
    }

    #[test]
    fn both_forms_of_a_largest_length_are_read() {
        let string = vec![b'x'; 16_378];
        let mut wire = bytes_of(&Encoded::of(&string));
        assert_eq!(wire[wire.len() - 2..], [0x7F, 0xFF]);
        let content = wire.len() - 2;
        wire.truncate(content);
        wire.extend([0, 0xFF, 0xFF]);
        let found = check(&wire, 0);
        assert!(found.is_some_and(|found| found.span == content + 3 && !found.canonical));
        wire[content + 2] = 0xFE;
        assert!(check(&wire, 0).is_none());
    }

    #[test]
    fn other_encodings_of_an_element_are_seen() {
        // 5 as an integer of 16 bits; the string "5"; a string of 3 bytes with a long head.
        for wire in [
            &[0xF1, 5, 0, 3][..],
            &[0x81, b'5', 2],
            &[0xF0, 3, 0, 0, 0, b'a', b'b', b'c', 8],
            &[0xE0, 3, b'a', b'b', b'c', 5],
        ] {
            assert!(check(wire, 0).is_some_and(|found| !found.canonical), "{wire:?}");
        }
    }
}
