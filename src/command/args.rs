//! The arguments of one request as a handler sees them, and the helpers that read them.
//!
//! Arguments live in the flat arena of a batch (or, above the big-argument threshold, in a `Bytes`
//! of their own). `args[0]` is the command's name as the client sent it. Keys come with the hash
//! that the acceptor computed, so that no key is hashed twice.

use std::ops::Index;

use bytes::Bytes;

use super::error::{CommandError, CommandResult};
use crate::keyspace::{KeyHash, KeyHasher};

/// Where one argument's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgRef {
    /// Offset in the arena, or index of a shared argument if `len` is [`ArgRef::SHARED`].
    offset: u32,
    len: u32,
}

impl ArgRef {
    /// Marks an argument that is kept outside the arena. No arena argument is that long.
    const SHARED: u32 = u32::MAX;

    /// An argument of `len` bytes at `offset` of the arena.
    pub fn in_arena(offset: usize, len: usize) -> ArgRef {
        debug_assert!(offset <= u32::MAX as usize && len < Self::SHARED as usize);
        ArgRef { offset: offset as u32, len: len as u32 }
    }

    /// The shared argument number `index`.
    pub fn shared(index: usize) -> ArgRef {
        ArgRef { offset: index as u32, len: Self::SHARED }
    }
}

/// Which arguments are keys, when they stand at equal distances: how a key finds its carried hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyStride {
    /// Position of the first key; 0 if hashes are not carried.
    pub first: u16,
    /// Distance from a key to the next.
    pub step: u16,
}

/// A key and its hash.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The key as the client sent it.
    pub bytes: &'a [u8],
    /// Its hash under the server's seeds.
    pub hash: KeyHash,
}

/// The arguments of one request, the command's name included. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    arena: &'a [u8],
    refs: &'a [ArgRef],
    shared: &'a [Bytes],
    hashes: &'a [KeyHash],
    stride: KeyStride,
    hasher: &'a KeyHasher,
}

impl<'a> Args<'a> {
    /// The arguments that `refs` names in `arena` and `shared`. `hashes` are those of the keys at
    /// `stride`, in order; a key without one is hashed when it is asked for.
    pub fn new(
        arena: &'a [u8],
        refs: &'a [ArgRef],
        shared: &'a [Bytes],
        hashes: &'a [KeyHash],
        stride: KeyStride,
        hasher: &'a KeyHasher,
    ) -> Args<'a> {
        Args { arena, refs, shared, hashes, stride, hasher }
    }

    /// How many there are, the command's name included.
    #[allow(clippy::len_without_is_empty, reason = "a request has at least its name")]
    pub fn len(&self) -> usize {
        self.refs.len()
    }

    /// The argument at `at`, if there is one.
    pub fn get(&self, at: usize) -> Option<&'a [u8]> {
        let found = *self.refs.get(at)?;
        Some(if found.len == ArgRef::SHARED {
            &self.shared[found.offset as usize]
        } else {
            &self.arena[found.offset as usize..found.offset as usize + found.len as usize]
        })
    }

    /// The argument at `at` if it travelled outside the arena: it can be stored without a copy.
    pub fn shared(&self, at: usize) -> Option<&'a Bytes> {
        let found = self.refs.get(at)?;
        (found.len == ArgRef::SHARED).then(|| &self.shared[found.offset as usize])
    }

    /// The key at position `at`, which the arity guarantees to exist.
    pub fn key(&self, at: usize) -> Key<'a> {
        let bytes = self.bytes(at);
        // Most requests have one key.
        let carried = match self.hashes {
            [hash] if at == usize::from(self.stride.first) => Some(*hash),
            hashes => self.number_among_keys(at).and_then(|number| hashes.get(number).copied()),
        };
        Key { bytes, hash: carried.unwrap_or_else(|| self.hasher.hash(bytes)) }
    }

    /// Which of the keys with carried hashes stands at `at`, if one does.
    fn number_among_keys(&self, at: usize) -> Option<usize> {
        let KeyStride { first, step } = self.stride;
        let (first, step) = (usize::from(first), usize::from(step).max(1));
        let is_key = first != 0 && at >= first && (at - first).is_multiple_of(step);
        is_key.then(|| (at - first) / step)
    }

    /// A key that is no argument of its own (a pattern's result, a part of an argument).
    pub fn hash_key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Key { bytes, hash: self.hasher.hash(bytes) }
    }

    /// All arguments in order, the command's name included.
    pub fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        (0..self.len()).map(move |at| self.bytes(at))
    }

    /// Bytes of all arguments together.
    pub fn total_bytes(&self) -> usize {
        let len = |found: &ArgRef| match found.len {
            ArgRef::SHARED => self.shared[found.offset as usize].len(),
            len => len as usize,
        };
        self.refs.iter().map(len).sum()
    }

    /// A bound on the bytes of all arguments, which is reached where they stand together.
    #[inline]
    pub fn most_bytes(&self) -> usize {
        match self.refs {
            // The arguments of a request follow one another in the arena.
            [first, .., last] if self.shared.is_empty() => {
                (last.offset + last.len - first.offset) as usize
            }
            _ => self.total_bytes(),
        }
    }

    /// Whether the argument at `at` is `word`, in any case. `word` is given in upper case.
    pub fn is(&self, at: usize, word: &str) -> bool {
        self.get(at).is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The argument at `at` as a signed 64-bit integer, or Redis's "not an integer" error.
    pub fn integer(&self, at: usize) -> Result<i64, CommandError> {
        self.get(at).and_then(parse_integer).ok_or(CommandError::NOT_AN_INTEGER)
    }

    /// The argument at `at`, which the arity guarantees to exist.
    fn bytes(&self, at: usize) -> &'a [u8] {
        self.get(at).expect("an argument that the command's arity guarantees")
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    /// The argument at `at`; it must exist (check `len()` for optional ones).
    fn index(&self, at: usize) -> &[u8] {
        self.bytes(at)
    }
}

/// Reads a signed 64-bit integer by Redis's strict rules: no `+`, no leading zeros or spaces, no
/// `-0`.
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut value: u64 = 0;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
    }
    match negative {
        false => i64::try_from(value).ok(),
        true if value <= i64::MIN.unsigned_abs() => Some((value as i64).wrapping_neg()),
        true => None,
    }
}

/// Reads an unsigned 64-bit cursor as `SCAN` takes it: more generously than other numbers, with
/// spaces, a `+` or zeros before it.
pub fn parse_cursor(text: &[u8]) -> Result<u64, CommandError> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0B;
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    std::str::from_utf8(&text[start..])
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(CommandError::INVALID_CURSOR)
}

/// Fails with a syntax error unless `condition` holds.
pub fn require(condition: bool) -> CommandResult {
    if condition { Ok(()) } else { Err(CommandError::SYNTAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_follow_the_strict_rules() {
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("18446744073709551616", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            (" 1", None),
            ("1 ", None),
            ("1a", None),
        ] {
            assert_eq!(parse_integer(text.as_bytes()), value, "{text:?}");
        }
    }
}
