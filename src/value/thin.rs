//! Bytes behind a thin pointer: one allocation, length first.
//!
//! ```text
//! length 1 B below 254, else 254 and 2 B, or 255 and 8 B (little endian) | the bytes
//! ```
//!
//! A member of a big set, a field of a big hash and an intset are such bytes. The allocation is
//! always a whole [`size_class`], so that a change of length within it happens in place.
//!
//! Why unsafe: a `Box<[u8]>` is two words and cannot stand in a slot of a [`Table`](super::table),
//! and a `Box<Vec<u8>>` is two allocations: 32 bytes more for each member of a set.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use super::size_class::size_class;
use super::table::Element;

/// Allocations are aligned to a word: the table's slots ask for it.
const ALIGN: usize = 8;
/// Largest size class that jemalloc serves from slabs.
const SLAB_MAX: usize = 14_336;
/// Larger allocations are aligned to a page: jemalloc begins them anywhere in their first page
/// else, and they reach into one page more.
const PAGE: usize = 4096;
/// First byte of a length of two more bytes; lengths below are the byte itself.
const TWO: u8 = 254;
/// First byte of a length of eight more bytes.
const EIGHT: u8 = 255;

/// Owned bytes behind a thin pointer.
pub struct ThinBytes(NonNull<u8>);

// SAFETY: it is its allocation's only owner, and there are only bytes in it.
unsafe impl Send for ThinBytes {}
// SAFETY: a shared borrow only reads.
unsafe impl Sync for ThinBytes {}

impl ThinBytes {
    /// The parts, one after the other.
    pub fn concat(parts: &[&[u8]]) -> Self {
        let new = Self::allocate(parts.iter().map(|part| part.len()).sum());
        // SAFETY: a fresh allocation with room for all parts behind the length.
        unsafe {
            let mut to = new.start();
            for part in parts {
                to.copy_from_nonoverlapping(part.as_ptr(), part.len());
                to = to.add(part.len());
            }
        }
        new
    }

    /// A copy of `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        Self::concat(&[bytes])
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: live, and borrowed with `self`.
        unsafe { slice_of(self.0) }
    }

    /// The bytes, to change.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: that many bytes behind the length belong to `self`, which is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len()) }
    }

    /// Bytes allocated.
    #[inline]
    pub fn allocated(&self) -> usize {
        allocation(self.len())
    }

    /// Bytes that would be allocated for `len` bytes.
    #[inline]
    pub fn allocated_for(len: usize) -> usize {
        allocation(len)
    }

    /// Makes it `len` bytes long: cut, or with zeros at the end. In place within a size class.
    pub fn resize(&mut self, len: usize) {
        let old = self.len();
        if prefix_len(old) == prefix_len(len) && allocation(old) == allocation(len) {
            // SAFETY: the allocation is of the size for `len`, and what is added is written.
            unsafe {
                write_len(self.0, len);
                self.start().add(old.min(len)).write_bytes(0, len.saturating_sub(old));
            }
            return;
        }
        let new = Self::allocate(len);
        // SAFETY: a fresh allocation of `len` bytes, all of which are written.
        unsafe {
            let kept = old.min(len);
            new.start().copy_from_nonoverlapping(self.start(), kept);
            new.start().add(kept).write_bytes(0, len - kept);
        }
        *self = new;
    }

    #[inline]
    fn len(&self) -> usize {
        // SAFETY: live.
        unsafe { read_len(self.0).0 }
    }

    /// Where the bytes start.
    #[inline]
    fn start(&self) -> *mut u8 {
        // SAFETY: the length is within the allocation.
        unsafe { self.0.as_ptr().add(read_len(self.0).1) }
    }

    /// Memory for `len` bytes, with the length written and the bytes not.
    fn allocate(len: usize) -> Self {
        let layout = layout(len);
        // SAFETY: the layout is not empty: a length is always in it.
        let memory = unsafe { alloc(layout) };
        let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        // SAFETY: just allocated, with room for the length.
        unsafe { write_len(memory, len) };
        Self(memory)
    }
}

impl Drop for ThinBytes {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the only owner; changes of length in place keep the layout.
        unsafe { dealloc(self.0.as_ptr(), layout(self.len())) }
    }
}

impl Clone for ThinBytes {
    fn clone(&self) -> Self {
        Self::new(self.as_slice())
    }
}

impl std::fmt::Debug for ThinBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.as_slice().escape_ascii())
    }
}

// SAFETY: allocated 8-aligned in user space.
unsafe impl Element for ThinBytes {
    type Ref<'a> = &'a [u8];

    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }

    #[inline]
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> &'a [u8] {
        // SAFETY: the caller's promise.
        unsafe { slice_of(raw) }
    }
}

/// # Safety
/// `memory` is a live allocation of a [`ThinBytes`], not changed during `'a`.
#[inline]
unsafe fn slice_of<'a>(memory: NonNull<u8>) -> &'a [u8] {
    // SAFETY: the caller's promise; that many bytes follow the length.
    unsafe {
        let (len, prefix) = read_len(memory);
        std::slice::from_raw_parts(memory.as_ptr().add(prefix), len)
    }
}

/// The length and how many bytes it takes itself.
///
/// # Safety
/// `memory` is a live allocation of a [`ThinBytes`].
#[inline]
unsafe fn read_len(memory: NonNull<u8>) -> (usize, usize) {
    // SAFETY: as many bytes as the first one says belong to the length.
    unsafe {
        match memory.read() {
            TWO => (usize::from(memory.add(1).cast::<u16>().read_unaligned().to_le()), 3),
            EIGHT => (memory.add(1).cast::<u64>().read_unaligned().to_le() as usize, 9),
            len => (usize::from(len), 1),
        }
    }
}

/// # Safety
/// `memory` is ours, and allocated for `len` bytes.
#[inline]
unsafe fn write_len(memory: NonNull<u8>, len: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match prefix_len(len) {
            1 => memory.write(len as u8),
            3 => {
                memory.write(TWO);
                memory.add(1).cast::<u16>().write_unaligned((len as u16).to_le());
            }
            _ => {
                memory.write(EIGHT);
                memory.add(1).cast::<u64>().write_unaligned((len as u64).to_le());
            }
        }
    }
}

#[inline]
fn prefix_len(len: usize) -> usize {
    match len {
        0..254 => 1,
        254..=0xFFFF => 3,
        _ => 9,
    }
}

#[inline]
fn allocation(len: usize) -> usize {
    size_class(prefix_len(len) + len)
}

#[inline]
fn layout(len: usize) -> Layout {
    let size = allocation(len);
    let align = if size > SLAB_MAX { PAGE } else { ALIGN };
    Layout::from_size_align(size, align).expect("lengths of bytes in memory fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_at_the_edges_of_their_forms() {
        for len in [0, 1, 7, 8, 253, 254, 255, 256, 65_535, 65_536, 65_537] {
            // Miri takes a minute over a pattern of that length.
            let pattern = |len| (0..len).map(|at| at as u8).collect();
            let bytes: Vec<u8> = if cfg!(miri) { vec![len as u8; len] } else { pattern(len) };
            let thin = ThinBytes::new(&bytes);
            assert_eq!(thin.as_slice(), bytes, "{len}");
            assert!(thin.allocated() > len);
            assert_eq!(thin.0.addr().get() % if len > 60_000 { PAGE } else { ALIGN }, 0);
            let raw = thin.clone().into_raw();
            // SAFETY: given up just now.
            let back = unsafe { ThinBytes::from_raw(raw) };
            assert_eq!(back.as_slice(), bytes);
        }
    }

    #[test]
    fn resizing_keeps_what_stays() {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut thin, mut model) = (ThinBytes::new(b""), Vec::new());
        for _ in 0..if cfg!(miri) { 20 } else { 2_000 } {
            let len = if rng.bool() { rng.usize(..300) } else { rng.usize(65_400..65_700) };
            let byte = rng.u8(..);
            let from = model.len().min(len);
            thin.resize(len);
            // Not `resize`, which sets byte by byte under Miri.
            let kept = std::mem::replace(&mut model, vec![0; len]);
            model[..from].copy_from_slice(&kept[..from]);
            assert_eq!(thin.as_slice(), model);
            thin.as_mut_slice()[from..].fill(byte);
            model[from..].fill(byte);
            assert_eq!(thin.as_slice(), model);
        }
        assert_eq!(ThinBytes::concat(&[b"a", b"", b"bc"]).as_slice(), b"abc");
    }
}
