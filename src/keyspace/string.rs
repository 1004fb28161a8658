//! Strings as values: what a command stores and sees, and the strings that stand on their own.
//!
//! Short strings live in their entry and integers as integers; a long string is `Bytes`, so that a
//! big argument is stored and a big reply sent without a copy, and it grows in place.

use bytes::{Bytes, BytesMut};

use super::object::Object;
use crate::value::integer::parse_canonical;
use crate::value::size_class::size_class;

/// Longest value that is kept inside the entry, in bytes. Up to here a copy into a reply is
/// cheaper than a reference count and an extra vector of I/O, and the entry's own size class gives
/// an APPEND a quarter of room; beyond, the classes are a page wide and copies cost microseconds.
pub const INLINE_MAX: usize = 4096;
/// Strings grow by doubling up to here, then by a quarter: amortized constant either way, and a
/// big value wastes less.
const DOUBLE_UP_TO: usize = 1 << 20;
/// What `Bytes` allocates beside the data when it keeps a capacity or is shared.
const SHARED_BOOKKEEPING: usize = 32;

/// A value as it stands in an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueRef<'a> {
    /// A string that is the decimal form of this integer.
    Int(i64),
    /// A string in the entry.
    Inline(&'a [u8]),
    /// A string on its own; a clone shares it without copying.
    Shared(&'a Bytes),
}

impl<'a> ValueRef<'a> {
    /// The string; `digits` takes the decimal form of an integer.
    #[inline]
    pub fn as_bytes<'b>(&self, digits: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Self::Int(n) => digits.format(n).as_bytes(),
            Self::Inline(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Length of the string in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "a value's length is what STRLEN says")]
    pub fn len(&self) -> usize {
        match self {
            Self::Int(n) => decimal_len(*n),
            Self::Inline(bytes) => bytes.len(),
            Self::Shared(bytes) => bytes.len(),
        }
    }

    /// The integer that the string is the canonical decimal form of.
    #[inline]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            Self::Inline(bytes) => parse_canonical(bytes),
            Self::Shared(_) => None,
        }
    }
}

/// A value to store.
#[derive(Debug)]
pub enum Value<'a> {
    /// An integer, whose decimal form is the string.
    Int(i64),
    /// A string to copy. Stored as bytes even if it looks like an integer.
    Bytes(&'a [u8]),
    /// A string to take over without a copy if it is longer than [`INLINE_MAX`]. It should not be
    /// a small slice of a large buffer, which it would keep alive.
    Shared(Bytes),
    /// What is no string.
    Object(Object),
}

impl<T: Into<Object>> From<T> for Value<'_> {
    fn from(object: T) -> Self {
        Self::Object(object.into())
    }
}

impl<'a> Value<'a> {
    /// The value for a string argument: an integer if it is the canonical decimal form of one.
    #[inline]
    pub fn encode(bytes: &'a [u8]) -> Self {
        match parse_canonical(bytes) {
            Some(n) => Self::Int(n),
            None => Self::Bytes(bytes),
        }
    }

    /// As [`Value::encode`], for an argument that travelled as `Bytes`.
    pub fn encode_shared(bytes: Bytes) -> Self {
        match parse_canonical(&bytes) {
            Some(n) => Self::Int(n),
            None => Self::Shared(bytes),
        }
    }
}

impl<'a> From<ValueRef<'a>> for Value<'a> {
    fn from(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Int(n) => Self::Int(n),
            ValueRef::Inline(bytes) => Self::Bytes(bytes),
            ValueRef::Shared(bytes) => Self::Shared(bytes.clone()),
        }
    }
}

/// A value in the form that an entry holds it: what is inline and what is shared is decided.
pub(super) enum Stored<'a> {
    Int(i64),
    Inline(&'a [u8]),
    /// Shared bytes that are short enough to be copied into the entry.
    Short(Bytes),
    Shared(SharedBytes),
    Object(Object),
}

impl<'a> Stored<'a> {
    /// The form in which to store `value`.
    #[inline]
    pub(super) fn new(value: Value<'a>) -> Self {
        match value {
            Value::Int(n) => Self::Int(n),
            Value::Bytes(bytes) if bytes.len() <= INLINE_MAX => Self::Inline(bytes),
            Value::Bytes(bytes) => Self::Shared(SharedBytes::from(Bytes::copy_from_slice(bytes))),
            Value::Shared(bytes) if bytes.len() <= INLINE_MAX => Self::Short(bytes),
            Value::Shared(bytes) => Self::Shared(SharedBytes::from(bytes)),
            Value::Object(object) => Self::Object(object),
        }
    }
}

/// The payload of a shared string.
pub(super) struct SharedBytes {
    pub(super) bytes: Bytes,
    /// Bytes allocated for it, for the accounting: `Bytes` does not tell its capacity.
    pub(super) charge: usize,
}

impl From<Bytes> for SharedBytes {
    fn from(bytes: Bytes) -> Self {
        let charge = size_class(bytes.len()) + SHARED_BOOKKEEPING;
        Self { bytes, charge }
    }
}

impl From<BytesMut> for SharedBytes {
    fn from(bytes: BytesMut) -> Self {
        let charge = size_class(bytes.capacity()) + SHARED_BOOKKEEPING;
        Self { bytes: bytes.freeze(), charge }
    }
}

impl SharedBytes {
    /// Makes the string `len` bytes long at least, with zeros, and lets `edit` change it. Copies
    /// it only if it is shared or has no room left.
    pub(super) fn edit(&mut self, len: usize, edit: impl FnOnce(&mut [u8])) {
        let len = len.max(self.bytes.len());
        let mut bytes = match std::mem::take(&mut self.bytes).try_into_mut() {
            Ok(unique) if unique.capacity() >= len => unique,
            Ok(unique) => grown_copy(&unique, len),
            Err(shared) => grown_copy(&shared, len),
        };
        bytes.resize(len, 0);
        edit(&mut bytes);
        *self = Self::from(bytes);
    }
}

/// Bytes by which a shared string of `len` bytes may grow where it is, if so many are allocated.
pub(super) fn shared_room(allocated: usize, len: usize) -> usize {
    allocated.saturating_sub(SHARED_BOOKKEEPING + len)
}

/// A copy of `bytes` with room for `len` bytes, and for more if that is growth: what was empty has
/// only begun, as when SETRANGE or SETBIT makes the key.
pub(super) fn grown_copy(bytes: &[u8], len: usize) -> BytesMut {
    let grows = !bytes.is_empty() && len > bytes.len();
    let room = if grows { len.min(DOUBLE_UP_TO).max(len / 4) } else { 0 };
    let mut copy = BytesMut::with_capacity(size_class(len + room));
    copy.extend_from_slice(bytes);
    copy
}

#[inline]
fn decimal_len(n: i64) -> usize {
    let digits = n.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(n < 0)
}
