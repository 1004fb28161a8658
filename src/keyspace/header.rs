//! The header of an entry: the kind of its value, its lengths and its access field in one word, and
//! where in the entry's allocation everything lies.
//!
//! | bits | |
//! |---|---|
//! | 0–2 | kind: 0 integer, 1 inline bytes, 2 shared bytes, above an object of a type |
//! | 3 | has an expiry |
//! | 4 | raw: the string was built by APPEND, SETRANGE or SETBIT |
//! | 5 | wide: the key is longer than 65,535 bytes, its length stands behind the expiry |
//! | 8–31 | access: the LRU clock or LFU counter, opaque here |
//! | 32–47 | length of the key, unless wide |
//! | 48–63 | length of the inline value |

use super::object::Object;
use super::string::{INLINE_MAX, SharedBytes, Stored};
use crate::value::hash::Hash;
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::size_class::size_class;
use crate::value::stream::Stream;
use crate::value::zset::Zset;

/// Bytes of the header, and of whatever else stands before the payload.
pub(super) const WORD: usize = 8;
pub(super) const EXPIRY_FLAG: u64 = 1 << 3;
pub(super) const RAW_FLAG: u64 = 1 << 4;
pub(super) const WIDE_FLAG: u64 = 1 << 5;
const ACCESS_SHIFT: u32 = 8;
/// Bits of the access field.
pub const ACCESS_BITS: u32 = 24;
pub(super) const ACCESS_MASK: u64 = ((1 << ACCESS_BITS) - 1) << ACCESS_SHIFT;
pub(super) const KEY_LEN_SHIFT: u32 = 32;
const VALUE_LEN_SHIFT: u32 = 48;
const NARROW_KEY_MAX: usize = u16::MAX as usize;

/// How an entry holds its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string that is the decimal form of an integer.
    Int = 0,
    /// A string of at most [`INLINE_MAX`] bytes, in the entry.
    Inline = 1,
    /// A longer string, in an allocation of its own that replies may share.
    Shared = 2,
    /// A list, which owns what is in it, as those that follow do.
    List = 3,
    /// A set.
    Set = 4,
    /// A hash.
    Hash = 5,
    /// A stream.
    Stream = 6,
    /// A sorted set.
    Zset = 7,
}

impl Kind {
    /// Bytes of the payload.
    #[inline]
    const fn payload(self) -> usize {
        match self {
            Kind::Int => WORD,
            Kind::Inline => 0,
            Kind::Shared => size_of::<SharedBytes>(),
            Kind::List => size_of::<List>(),
            Kind::Set => size_of::<Set>(),
            Kind::Hash => size_of::<Hash>(),
            Kind::Stream => size_of::<Stream>(),
            Kind::Zset => size_of::<Zset>(),
        }
    }
}

/// Whether a `T` may be a payload.
const fn is_payload<T>() -> bool {
    size_of::<T>() <= 2 * WORD && align_of::<T>() == WORD
}

const _: () = assert!(is_payload::<List>() && is_payload::<Set>() && is_payload::<Hash>());
const _: () = assert!(is_payload::<Stream>() && is_payload::<Zset>());

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Header(pub(super) u64);

impl Header {
    pub(super) fn new(kind: Kind, key_len: usize, value_len: usize, has_expiry: bool) -> Self {
        debug_assert!(value_len <= INLINE_MAX);
        let wide = key_len > NARROW_KEY_MAX;
        let mut word = kind as u64 | (value_len as u64) << VALUE_LEN_SHIFT;
        if wide {
            word |= WIDE_FLAG;
        } else {
            word |= (key_len as u64) << KEY_LEN_SHIFT;
        }
        Self(word).with_expiry(has_expiry)
    }

    /// The header for a value.
    #[inline]
    pub(super) fn for_value(value: &Stored<'_>, key_len: usize, has_expiry: bool) -> Self {
        let (kind, value_len) = match value {
            Stored::Int(_) => (Kind::Int, 0),
            Stored::Inline(bytes) => (Kind::Inline, bytes.len()),
            Stored::Short(bytes) => (Kind::Inline, bytes.len()),
            Stored::Shared(_) => (Kind::Shared, 0),
            Stored::Object(Object::List(_)) => (Kind::List, 0),
            Stored::Object(Object::Set(_)) => (Kind::Set, 0),
            Stored::Object(Object::Hash(_)) => (Kind::Hash, 0),
            Stored::Object(Object::Stream(_)) => (Kind::Stream, 0),
            Stored::Object(Object::Zset(_)) => (Kind::Zset, 0),
        };
        Self::new(kind, key_len, value_len, has_expiry)
    }

    pub(super) fn with_expiry(self, has_expiry: bool) -> Self {
        Self(self.0 & !EXPIRY_FLAG | if has_expiry { EXPIRY_FLAG } else { 0 })
    }

    pub(super) fn with_access(self, access: u32) -> Self {
        let access = (u64::from(access) << ACCESS_SHIFT) & ACCESS_MASK;
        Self(self.0 & !ACCESS_MASK | access)
    }

    pub(super) fn with_raw(self) -> Self {
        Self(self.0 | RAW_FLAG)
    }

    /// With an inline value longer by `added` bytes.
    pub(super) fn longer(self, added: usize) -> Self {
        debug_assert!(self.value_len() + added <= INLINE_MAX);
        Self(self.0 + ((added as u64) << VALUE_LEN_SHIFT))
    }

    #[inline]
    pub(super) fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    #[inline]
    pub(super) fn kind(self) -> Kind {
        match self.0 & 7 {
            0 => Kind::Int,
            1 => Kind::Inline,
            2 => Kind::Shared,
            3 => Kind::List,
            4 => Kind::Set,
            5 => Kind::Hash,
            6 => Kind::Stream,
            _ => Kind::Zset,
        }
    }

    #[inline]
    pub(super) fn access(self) -> u32 {
        ((self.0 & ACCESS_MASK) >> ACCESS_SHIFT) as u32
    }

    #[inline]
    pub(super) fn value_len(self) -> usize {
        (self.0 >> VALUE_LEN_SHIFT) as usize
    }

    /// Where the payload starts.
    #[inline]
    pub(super) fn payload_offset(self) -> usize {
        WORD + WORD * usize::from(self.has(EXPIRY_FLAG)) + WORD * usize::from(self.has(WIDE_FLAG))
    }

    #[inline]
    pub(super) fn key_offset(self) -> usize {
        self.payload_offset() + self.kind().payload()
    }

    /// Bytes of the allocation of an entry with this header and a key of `key_len` bytes.
    #[inline]
    pub(super) fn allocation(self, key_len: usize) -> usize {
        size_class(self.key_offset() + key_len + self.value_len())
    }
}
