//! The allocation of a listpack: one thin pointer to bytes that begin with their own length.
//!
//! ```text
//! length, u32 LE | the rest, length - 4 bytes | slack up to the size class
//! ```
//!
//! The allocation is always of the [`size_class`] of the length, so that neither a capacity nor a
//! second word of a fat pointer has to be kept, and a change within a class stays in place.
//!
//! Why unsafe: safe Rust has no pointer of one word to bytes of a length known at run time, and a
//! small hash or list in an entry would cost a second word, or a second allocation, without it.
//! All of it is here; the listpack itself works on slices. It runs under Miri.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::{self, NonNull};
use std::slice;

use crate::value::size_class::size_class;
use crate::value::slim::Thin;

/// Bytes of the length at the start.
pub(super) const LENGTH: usize = 4;
/// Words, so that whoever keeps the pointer has three bits of it for other uses.
const ALIGN: usize = 8;

/// Owned bytes behind one pointer; see the head of the file.
///
/// The first [`LENGTH`] bytes always hold the number of initialized bytes, which is at least
/// [`LENGTH`], and the allocation has the layout of that length.
#[repr(transparent)]
pub(super) struct Buffer(NonNull<u8>);

// SAFETY: the buffer is its allocation's only owner, and what is in it are plain bytes.
unsafe impl Send for Buffer {}
// SAFETY: a shared buffer can only be read.
unsafe impl Sync for Buffer {}

// SAFETY: a listpack is its buffer and a buffer this pointer, both transparent, and allocations are
// aligned to a word.
unsafe impl Thin for super::Listpack {}

/// The layout of the allocation for a length of `len` bytes.
fn layout(len: usize) -> Layout {
    Layout::from_size_align(size_class(len), ALIGN).expect("a length below 4 GiB")
}

impl Buffer {
    /// A buffer of the length and these bytes behind it.
    pub(super) fn new(body: &[u8]) -> Self {
        let len = LENGTH + body.len();
        let field = length_field(len);
        let layout = layout(len);
        // SAFETY: the layout is at least `LENGTH` bytes large.
        let start = unsafe { alloc(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        // SAFETY: the fresh allocation holds `len` bytes, and nobody else's bytes overlap it.
        unsafe {
            start.cast::<[u8; LENGTH]>().write_unaligned(field);
            ptr::copy_nonoverlapping(body.as_ptr(), start.as_ptr().add(LENGTH), body.len());
        }
        Self(start)
    }

    /// Bytes, the length at their start included.
    #[inline]
    pub(super) fn len(&self) -> usize {
        // SAFETY: the first bytes of the live allocation are initialized.
        let field = unsafe { self.0.cast::<[u8; LENGTH]>().read_unaligned() };
        u32::from_le_bytes(field) as usize
    }

    /// All the bytes, the length at their start included.
    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        // SAFETY: as many bytes are initialized, and they live as long as the borrow.
        unsafe { slice::from_raw_parts(self.0.as_ptr(), self.len()) }
    }

    /// The bytes behind the length.
    #[inline]
    pub(super) fn body_mut(&mut self) -> &mut [u8] {
        let body = self.len() - LENGTH;
        // SAFETY: as many bytes are initialized behind the length, and the borrow is exclusive.
        unsafe { slice::from_raw_parts_mut(self.0.as_ptr().add(LENGTH), body) }
    }

    /// Puts `parts`, one behind the other, in the place of the `removed` bytes at `at`. The length
    /// itself cannot be replaced; it follows.
    pub(super) fn splice(&mut self, at: usize, removed: usize, parts: &[&[u8]]) {
        let len = self.len();
        let tail = at.checked_add(removed).filter(|&tail| at >= LENGTH && tail <= len);
        let tail = tail.expect("what is replaced lies within the buffer, behind its length");
        let added: usize = parts.iter().map(|part| part.len()).sum();
        let new_len = len - removed + added;
        let field = length_field(new_len);
        if new_len > len {
            self.reallocate(len, new_len);
        }
        let start = self.0.as_ptr();
        // SAFETY: the allocation holds the larger of both lengths. The tail (initialized up to
        // `len`) moves to where it ends at `new_len`; the parts fill what lies between, and are
        // borrowed from elsewhere, since this borrow is exclusive.
        unsafe {
            if added != removed {
                ptr::copy(start.add(tail), start.add(at + added), len - tail);
            }
            let mut to = start.add(at);
            for part in parts {
                ptr::copy_nonoverlapping(part.as_ptr(), to, part.len());
                to = to.add(part.len());
            }
            self.0.cast::<[u8; LENGTH]>().write_unaligned(field);
        }
        if new_len < len {
            self.reallocate(len, new_len);
        }
    }

    /// Gives an allocation made for `old` bytes the layout of `new` bytes.
    fn reallocate(&mut self, old: usize, new: usize) {
        let (old, new) = (layout(old), layout(new));
        if old == new {
            return;
        }
        // SAFETY: allocated with the layout `old`; the new size is not zero and a valid layout.
        let start = unsafe { realloc(self.0.as_ptr(), old, new.size()) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(new) };
        self.0 = start;
    }
}

/// The length as it stands at the start.
fn length_field(len: usize) -> [u8; LENGTH] {
    u32::try_from(len).expect("callers keep listpacks below their limit").to_le_bytes()
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated with the layout of its length, and never used again.
        unsafe { dealloc(self.0.as_ptr(), layout(self.len())) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_word_with_a_niche() {
        assert_eq!(size_of::<Option<Buffer>>(), 8);
    }

    #[test]
    #[should_panic(expected = "within the buffer")]
    fn the_length_is_not_replaced() {
        Buffer::new(b"body").splice(2, 3, &[b"x"]);
    }

    #[test]
    #[should_panic(expected = "within the buffer")]
    fn nothing_beyond_the_end_is_replaced() {
        Buffer::new(b"body").splice(6, 3, &[b"x"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]
        #[test]
        fn splices_as_a_vector_does(
            body in prop::collection::vec(any::<u8>(), 0..40),
            splices in prop::collection::vec(
                (any::<prop::sample::Index>(), any::<prop::sample::Index>(),
                 prop::collection::vec(any::<u8>(), 0..30)), 0..12),
        ) {
            let mut buffer = Buffer::new(&body);
            let mut model = body;
            for (from, removed, with) in splices {
                let from = from.index(model.len() + 1);
                let removed = removed.index(model.len() - from + 1);
                let (head, rest) = with.split_at(with.len() / 2);
                buffer.splice(LENGTH + from, removed, &[head, rest]);
                model.splice(from..from + removed, with);
                prop_assert_eq!(buffer.len(), LENGTH + model.len());
                prop_assert_eq!(&buffer.as_slice()[LENGTH..], &*model);
                prop_assert_eq!(buffer.body_mut(), &*model);
            }
        }
    }
}
