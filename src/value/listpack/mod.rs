//! Listpacks: a sequence of strings and integers in one allocation, behind one thin pointer.
//!
//! ```text
//! total bytes, u32 LE | elements, u16 LE (65535: more than that, count them) | entries | FF
//! ```
//!
//! The bytes are Redis's (`encoding.rs` has the entries), so that what is saved and dumped is a
//! copy. Elements are found by walking; a [`Position`] is where one stands, good until the listpack
//! changes. Every element has one encoding only, whatever [`Listpack::from_bytes`] was given: two
//! elements are equal when their bytes are.
//!
//! A listpack never exceeds [`MAX_BYTES`]; whoever inserts asks [`Listpack::fits`] first, and
//! changes to another structure long before.

mod buffer;
mod encoding;
#[cfg(test)]
mod tests;

use std::fmt;

use self::buffer::{Buffer, LENGTH};
pub use self::encoding::Encoded;
use crate::value::size_class::size_class;

/// Largest listpack, in bytes; Redis's bound. Far below what the length field can say.
pub const MAX_BYTES: usize = 1 << 30;
/// Where the number of elements stands.
const COUNT: usize = LENGTH;
/// Bytes before the first entry.
const HEADER: usize = COUNT + 2;
/// The number of elements when it is this or larger.
const UNKNOWN_COUNT: u16 = u16::MAX;

/// Bytes that are not a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than an empty listpack, or longer than any may be.
    #[error("a listpack cannot be of this size")]
    Size,
    /// The length that it begins with is not its own.
    #[error("the listpack states another length than it has")]
    Length,
    /// An entry is cut off, unknown, or ends in another length than its own.
    #[error("malformed listpack entry at byte {0}")]
    Entry(usize),
    /// It does not hold as many elements as it states.
    #[error("the listpack states another number of elements than it has")]
    Count,
}

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item<'a> {
    /// The decimal form of this integer.
    Int(i64),
    /// Any other bytes.
    Bytes(&'a [u8]),
}

impl<'a> Item<'a> {
    /// The element that these bytes are: an integer if they are the canonical form of one.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Self {
        super::integer::parse_canonical(bytes).map_or(Self::Bytes(bytes), Self::Int)
    }

    /// The element's bytes; `digits` takes the decimal form of an integer.
    #[inline]
    pub fn as_bytes<'b>(&self, digits: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Self::Int(n) => digits.format(n).as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The element's bytes, copied.
    pub fn to_vec(&self) -> Vec<u8> {
        self.as_bytes(&mut itoa::Buffer::new()).to_vec()
    }
}

/// Where an element stands in a listpack, until that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u32);

impl Position {
    #[inline]
    fn new(at: usize) -> Self {
        debug_assert!(at >= HEADER);
        Self(at as u32)
    }

    #[inline]
    fn at(self) -> usize {
        self.0 as usize
    }
}

/// A listpack to look at: its bytes, wherever they stand.
#[derive(Clone, Copy)]
pub struct Slice<'a>(&'a [u8]);

impl<'a> Slice<'a> {
    /// The listpack that these bytes are: those of [`Listpack::as_bytes`], copied elsewhere.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        debug_assert!(bytes.len() > HEADER && bytes[bytes.len() - 1] == encoding::END);
        Self(bytes)
    }

    /// A listpack of its own.
    pub fn to_listpack(self) -> Listpack {
        Listpack(Buffer::new(&self.0[LENGTH..]))
    }

    /// The listpack as it is saved.
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Where the last entry ends.
    #[inline]
    fn end(self) -> usize {
        self.0.len() - 1
    }

    #[inline]
    fn is_empty(self) -> bool {
        self.0.len() == HEADER + 1
    }

    /// The first element.
    #[inline]
    pub fn first(self) -> Option<Position> {
        (!self.is_empty()).then(|| Position::new(HEADER))
    }

    /// The last element.
    #[inline]
    pub fn last(self) -> Option<Position> {
        (!self.is_empty()).then(|| Position::new(encoding::start_of_previous(self.0, self.end())))
    }

    /// The element behind the one at `position`.
    #[inline]
    pub fn next(self, position: Position) -> Option<Position> {
        let next = position.at() + encoding::span(self.0, position.at());
        (next < self.end()).then(|| Position::new(next))
    }

    /// The element before the one at `position`.
    #[inline]
    pub fn prev(self, position: Position) -> Option<Position> {
        let at = position.at();
        (at > HEADER).then(|| Position::new(encoding::start_of_previous(self.0, at)))
    }

    /// The element at `position`.
    #[inline]
    pub fn get(self, position: Position) -> Item<'a> {
        encoding::decode(self.0, position.at())
    }

    /// The elements, from either end.
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        Iter(Positions { bytes: self.0, at: HEADER, end: self.end() })
    }
}

/// See the head of the file.
#[repr(transparent)]
pub struct Listpack(Buffer);

impl Listpack {
    /// An empty one.
    pub fn new() -> Self {
        Self(Buffer::new(&[0, 0, encoding::END]))
    }

    /// The listpack of these bytes, which may be anything. Elements that they encode in another
    /// form than the one that is used here are brought into it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        if !(HEADER + 1..=MAX_BYTES).contains(&bytes.len()) {
            return Err(Malformed::Size);
        }
        let (length, body) = bytes.split_at(LENGTH);
        if length != (bytes.len() as u32).to_le_bytes() {
            return Err(Malformed::Length);
        }
        let end = bytes.len() - 1;
        if bytes[end] != encoding::END {
            return Err(Malformed::Entry(end));
        }
        let (mut at, mut count, mut canonical) = (HEADER, 0usize, true);
        while at < end {
            let entry = encoding::check(&bytes[..end], at).ok_or(Malformed::Entry(at))?;
            canonical &= entry.canonical;
            at += entry.span;
            count += 1;
        }
        let stated = u16::from_le_bytes([bytes[COUNT], bytes[COUNT + 1]]);
        if stated != UNKNOWN_COUNT && usize::from(stated) != count {
            return Err(Malformed::Count);
        }
        Ok(if canonical { Self(Buffer::new(body)) } else { Self::encoded_again(&bytes[..end]) })
    }

    /// A listpack of the elements of these bytes, which were checked up to their end, but not all
    /// of which are encoded as here.
    fn encoded_again(bytes: &[u8]) -> Self {
        let mut rebuilt = Self::new();
        let mut at = HEADER;
        while let Some(entry) = encoding::check(bytes, at) {
            match encoding::decode(bytes, at) {
                Item::Int(n) => rebuilt.push_back_int(n),
                // They may spell an integer.
                Item::Bytes(string) => rebuilt.push_back(string),
            }
            at += entry.span;
        }
        rebuilt
    }

    /// The listpack as it is saved.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Bytes of the listpack.
    #[inline]
    pub fn byte_len(&self) -> usize {
        self.0.len()
    }

    /// Bytes allocated for it, in size classes of the allocator.
    #[inline]
    pub fn bytes(&self) -> usize {
        size_class(self.0.len())
    }

    /// Number of elements. Constant time below 65,535; from there on all are counted.
    #[inline]
    pub fn len(&self) -> usize {
        match self.stated_count() {
            UNKNOWN_COUNT => self.positions().count(),
            count => usize::from(count),
        }
    }

    /// Whether it has no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.len() == HEADER + 1
    }

    /// Whether `added` more bytes of entries (see [`Encoded::size`]) stay within [`MAX_BYTES`].
    #[inline]
    pub fn fits(&self, added: usize) -> bool {
        added <= MAX_BYTES - self.0.len()
    }

    #[inline]
    fn stated_count(&self) -> u16 {
        let bytes = self.as_bytes();
        u16::from_le_bytes([bytes[COUNT], bytes[COUNT + 1]])
    }

    /// Where the last entry ends.
    #[inline]
    fn end(&self) -> usize {
        self.0.len() - 1
    }

    /// The listpack to look at, as a value that can be copied.
    #[inline]
    pub fn as_slice(&self) -> Slice<'_> {
        Slice(self.as_bytes())
    }

    /// The first element.
    #[inline]
    pub fn first(&self) -> Option<Position> {
        self.as_slice().first()
    }

    /// The last element.
    #[inline]
    pub fn last(&self) -> Option<Position> {
        self.as_slice().last()
    }

    /// The element behind the one at `position`.
    #[inline]
    pub fn next(&self, position: Position) -> Option<Position> {
        self.as_slice().next(position)
    }

    /// The element before the one at `position`.
    #[inline]
    pub fn prev(&self, position: Position) -> Option<Position> {
        self.as_slice().prev(position)
    }

    /// The element of this index; a negative one counts from the end, -1 being the last. Walks from
    /// the nearer end.
    pub fn seek(&self, index: i64) -> Option<Position> {
        let count = self.stated_count();
        let (mut steps, forward) = if count == UNKNOWN_COUNT {
            // Not worth a count: walk from the end that the index names.
            (if index < 0 { -1 - index } else { index }, index >= 0)
        } else {
            let count = i64::from(count);
            let index = if index < 0 { count.checked_add(index)? } else { index };
            if !(0..count).contains(&index) {
                return None;
            }
            if index <= count / 2 { (index, true) } else { (count - 1 - index, false) }
        };
        let mut position = if forward { self.first()? } else { self.last()? };
        while steps > 0 {
            position = if forward { self.next(position)? } else { self.prev(position)? };
            steps -= 1;
        }
        Some(position)
    }

    /// The element at `position`.
    #[inline]
    pub fn get(&self, position: Position) -> Item<'_> {
        encoding::decode(self.as_bytes(), position.at())
    }

    /// Bytes that the element at `position` takes here.
    #[inline]
    pub fn size_at(&self, position: Position) -> usize {
        encoding::span(self.as_bytes(), position.at())
    }

    /// Whether the element at `position` is this one.
    #[inline]
    pub fn is_at(&self, position: Position, element: &Encoded<'_>) -> bool {
        element.is_at(self.as_bytes(), position.at())
    }

    /// The elements, from either end.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.positions())
    }

    /// The elements from `position` on (from the first if `None`) to the last, from either end.
    #[inline]
    pub fn iter_from(&self, position: Option<Position>) -> Iter<'_> {
        let at = position.map_or(HEADER, Position::at);
        Iter(Positions { bytes: self.as_bytes(), at, end: self.end() })
    }

    /// The elements up to and with the one at `position`, from either end.
    #[inline]
    pub fn iter_to(&self, position: Position) -> Iter<'_> {
        let end = position.at() + self.size_at(position);
        Iter(Positions { bytes: self.as_bytes(), at: HEADER, end })
    }

    /// Where the elements stand, from either end.
    #[inline]
    pub fn positions(&self) -> Positions<'_> {
        Positions { bytes: self.as_bytes(), at: HEADER, end: self.end() }
    }

    /// The first element equal to `needle`, from `from` on (from the first if `None`), looking at
    /// one and passing over the next `skip`: with 1, of fields and values, only fields are
    /// compared.
    pub fn find(&self, from: Option<Position>, needle: &[u8], skip: usize) -> Option<Position> {
        self.find_encoded(from, &Encoded::of(needle), skip)
    }

    /// [`Listpack::find`] for an element that is looked for several times.
    #[inline]
    pub fn find_encoded(
        &self,
        from: Option<Position>,
        needle: &Encoded<'_>,
        skip: usize,
    ) -> Option<Position> {
        let (bytes, end) = (self.as_bytes(), self.end());
        let mut at = from.map_or(HEADER, Position::at);
        while at < end {
            if needle.is_at(bytes, at) {
                return Some(Position::new(at));
            }
            at += encoding::span(bytes, at);
            for _ in 0..skip {
                if at >= end {
                    return None;
                }
                at += encoding::span(bytes, at);
            }
        }
        None
    }

    /// Adds an element at the end.
    pub fn push_back(&mut self, element: &[u8]) {
        self.insert_at(self.end(), &Encoded::of(element));
    }

    /// Adds an integer at the end.
    pub fn push_back_int(&mut self, n: i64) {
        self.insert_at(self.end(), &Encoded::int(n));
    }

    /// Adds an element at the end.
    pub fn push_back_encoded(&mut self, element: &Encoded<'_>) {
        self.insert_at(self.end(), element);
    }

    /// Adds an element at the start.
    pub fn push_front(&mut self, element: &[u8]) {
        self.insert_at(HEADER, &Encoded::of(element));
    }

    /// Adds an element at the start.
    pub fn push_front_encoded(&mut self, element: &Encoded<'_>) {
        self.insert_at(HEADER, element);
    }

    /// Adds an element before the one at `position`; returns where it stands.
    pub fn insert_before(&mut self, position: Position, element: &[u8]) -> Position {
        self.insert_before_encoded(position, &Encoded::of(element))
    }

    /// [`Listpack::insert_before`] of what is encoded already.
    pub fn insert_before_encoded(&mut self, at: Position, element: &Encoded<'_>) -> Position {
        self.insert_at(at.at(), element);
        at
    }

    /// Adds an element behind the one at `position`; returns where it stands.
    pub fn insert_after(&mut self, position: Position, element: &[u8]) -> Position {
        self.insert_after_encoded(position, &Encoded::of(element))
    }

    /// [`Listpack::insert_after`] of what is encoded already.
    pub fn insert_after_encoded(&mut self, at: Position, element: &Encoded<'_>) -> Position {
        let at = at.at() + encoding::span(self.as_bytes(), at.at());
        self.insert_at(at, element);
        Position::new(at)
    }

    fn insert_at(&mut self, at: usize, element: &Encoded<'_>) {
        assert!(self.fits(element.size()), "what is inserted was asked for with `fits`");
        element.with_parts(|parts| self.0.splice(at, 0, &parts));
        let count = self.stated_count();
        if count != UNKNOWN_COUNT {
            self.set_count(count + 1);
        }
    }

    /// Puts an element in the place of the one at `position`; returns where it stands.
    pub fn replace(&mut self, position: Position, element: &[u8]) -> Position {
        self.replace_encoded(position, &Encoded::of(element))
    }

    /// [`Listpack::replace`] by an integer.
    pub fn replace_int(&mut self, position: Position, n: i64) -> Position {
        self.replace_encoded(position, &Encoded::int(n))
    }

    /// [`Listpack::replace`] by what is encoded already.
    pub fn replace_encoded(&mut self, position: Position, element: &Encoded<'_>) -> Position {
        let old = self.size_at(position);
        assert!(self.fits(element.size().saturating_sub(old)), "asked for with `fits`");
        element.with_parts(|parts| self.0.splice(position.at(), old, &parts));
        position
    }

    /// Removes the element at `position`; returns where the next one stands now.
    pub fn remove(&mut self, position: Position) -> Option<Position> {
        self.remove_run(position, 1)
    }

    /// Removes the element at `position` and those behind it, `count` in all if there are as many;
    /// returns where the next one stands now.
    pub fn remove_run(&mut self, position: Position, count: usize) -> Option<Position> {
        self.cut(position.at(), count);
        (position.at() < self.end()).then_some(position)
    }

    /// Removes `count` elements from `index` on (a negative one counts from the end), or as many as
    /// there are; returns how many.
    pub fn remove_range(&mut self, index: i64, count: usize) -> usize {
        self.seek(index).map_or(0, |position| self.cut(position.at(), count))
    }

    /// How many elements are equal to this one.
    pub fn count_equal(&self, element: &Encoded<'_>) -> usize {
        self.positions().filter(|&at| self.is_at(at, element)).count()
    }

    /// Removes up to `limit` elements equal to this one, behind the first `skip` of them, in one
    /// pass; returns how many.
    pub fn remove_equal(&mut self, element: &Encoded<'_>, skip: usize, limit: usize) -> usize {
        let (bytes, end) = (self.as_bytes(), self.end());
        let (mut kept, mut kept_from) = (Vec::new(), HEADER);
        let (mut matched, mut removed, mut at) = (0, 0, HEADER);
        while at < end && removed < limit {
            let next = at + encoding::span(bytes, at);
            if element.is_at(bytes, at) {
                matched += 1;
                if matched > skip {
                    kept.extend_from_slice(&bytes[kept_from..at]);
                    kept_from = next;
                    removed += 1;
                }
            }
            at = next;
        }
        if removed > 0 {
            self.0.splice(HEADER, kept_from - HEADER, &[&kept]);
            self.lower_count(removed);
        }
        removed
    }

    /// Removes up to `count` entries from `at` on; returns how many.
    fn cut(&mut self, at: usize, count: usize) -> usize {
        let (bytes, end) = (self.as_bytes(), self.end());
        let (mut to, mut removed) = (at, 0);
        while removed < count && to < end {
            to += encoding::span(bytes, to);
            removed += 1;
        }
        self.0.splice(at, to - at, &[]);
        self.lower_count(removed);
        removed
    }

    /// Splits in two: the elements from `position` on go into the returned listpack.
    pub fn split_off(&mut self, position: Position) -> Self {
        let (at, end) = (position.at(), self.end());
        let mut tail = Self::new();
        tail.0.splice(HEADER, 0, &[&self.as_bytes()[at..end]]);
        let moved = Positions { bytes: self.as_bytes(), at, end }.count();
        tail.set_count(u16::try_from(moved).unwrap_or(UNKNOWN_COUNT));
        self.0.splice(at, end - at, &[]);
        self.lower_count(moved);
        tail
    }

    /// Adds all elements of `other` at the end.
    pub fn append(&mut self, other: &Self) {
        let entries = &other.as_bytes()[HEADER..other.end()];
        assert!(self.fits(entries.len()), "what is appended was asked for with `fits`");
        let count = match (self.stated_count(), other.stated_count()) {
            (UNKNOWN_COUNT, _) | (_, UNKNOWN_COUNT) => UNKNOWN_COUNT,
            (ours, theirs) => ours.saturating_add(theirs),
        };
        self.0.splice(self.end(), 0, &[entries]);
        self.set_count(count);
    }

    /// Corrects the count for elements that were removed. One that is unknown is looked at again
    /// only when nothing is left, as counting costs a walk.
    fn lower_count(&mut self, removed: usize) {
        match self.stated_count() {
            UNKNOWN_COUNT if self.is_empty() => self.set_count(0),
            UNKNOWN_COUNT => {}
            count => self.set_count(count - removed as u16),
        }
    }

    fn set_count(&mut self, count: u16) {
        self.0.body_mut()[..2].copy_from_slice(&count.to_le_bytes());
    }
}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Listpack {
    fn clone(&self) -> Self {
        Self(Buffer::new(&self.as_bytes()[LENGTH..]))
    }
}

impl PartialEq for Listpack {
    /// Whether they hold the same elements.
    fn eq(&self, other: &Self) -> bool {
        // Not the header: a count may be unknown in one only.
        self.as_bytes()[HEADER..] == other.as_bytes()[HEADER..]
    }
}

impl Eq for Listpack {}

impl fmt::Debug for Listpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Where elements stand; see [`Listpack::positions`].
#[derive(Clone)]
pub struct Positions<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl Iterator for Positions<'_> {
    type Item = Position;

    #[inline]
    fn next(&mut self) -> Option<Position> {
        (self.at < self.end).then(|| {
            let position = Position::new(self.at);
            self.at += encoding::span(self.bytes, self.at);
            position
        })
    }
}

impl DoubleEndedIterator for Positions<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Position> {
        (self.at < self.end).then(|| {
            self.end = encoding::start_of_previous(self.bytes, self.end);
            Position::new(self.end)
        })
    }
}

/// The elements of a listpack; see [`Listpack::iter`].
#[derive(Clone)]
pub struct Iter<'a>(Positions<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        self.0.next().map(|position| encoding::decode(self.0.bytes, position.at()))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|position| encoding::decode(self.0.bytes, position.at()))
    }
}

impl<'a> IntoIterator for &'a Listpack {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
