//! The id of an entry: milliseconds and a sequence number, ordered as one number of 128 bits.

use std::fmt;

/// Longest text of an id: two numbers of 20 digits and the dash.
pub const MAX_ID_TEXT: usize = 41;

/// The id of a stream's entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Milliseconds, by habit of Unix time.
    pub ms: u64,
    /// What tells entries of one millisecond apart.
    pub seq: u64,
}

impl StreamId {
    /// The smallest: no entry can have it.
    pub const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// The greatest.
    pub const MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };

    /// An id of these parts.
    pub const fn new(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    /// The id after this one, unless this is the greatest.
    pub fn next(self) -> Option<StreamId> {
        self.number().checked_add(1).map(StreamId::from_number)
    }

    /// The id before this one, unless this is the smallest.
    pub fn prev(self) -> Option<StreamId> {
        self.number().checked_sub(1).map(StreamId::from_number)
    }

    /// Both parts as one number, which sorts as the ids do.
    pub const fn number(self) -> u128 {
        (self.ms as u128) << 64 | self.seq as u128
    }

    /// The id of [`StreamId::number`].
    pub const fn from_number(number: u128) -> StreamId {
        StreamId { ms: (number >> 64) as u64, seq: number as u64 }
    }

    /// The text `ms-seq`.
    pub fn text(self) -> IdText {
        let mut text = IdText { bytes: [0; MAX_ID_TEXT], len: 0 };
        let mut digits = itoa::Buffer::new();
        text.push(digits.format(self.ms).as_bytes());
        text.push(b"-");
        text.push(digits.format(self.seq).as_bytes());
        text
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// The text of an id, without an allocation.
#[derive(Clone, Copy, Debug)]
pub struct IdText {
    bytes: [u8; MAX_ID_TEXT],
    len: u8,
}

impl IdText {
    fn push(&mut self, part: &[u8]) {
        let start = self.len as usize;
        self.bytes[start..start + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_cross_the_millisecond() {
        let end = StreamId::new(7, u64::MAX);
        assert_eq!(end.next(), Some(StreamId::new(8, 0)));
        assert_eq!(StreamId::new(8, 0).prev(), Some(end));
        assert_eq!(StreamId::MAX.next(), None);
        assert_eq!(StreamId::MIN.prev(), None);
        assert_eq!(StreamId::from_number(end.number()), end);
    }

    #[test]
    fn texts() {
        for id in [StreamId::MIN, StreamId::MAX, StreamId::new(1_526_919_030_474, 55)] {
            assert_eq!(id.text().as_bytes(), id.to_string().as_bytes());
        }
    }
}
