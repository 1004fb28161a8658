//! The allocator of the process: jemalloc with size classes that differ by 8 bytes.
//!
//! Most of what a keyspace is made of is small, and a class too large by half a quantum is a tenth
//! of it. jemalloc is built with a quantum of 8 bytes (`.cargo/config.toml`) instead of 16, so a
//! class aligns to 8 and no more, unless it is a multiple of a larger alignment. The crate that
//! wraps it takes 16 for granted; this module asks for a multiple where more than 8 is needed.
//! Built with the usual quantum it works as well, with more memory for the same keys.
//!
//! `unsafe` because `GlobalAlloc` is: an allocator is trusted with every layout.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};

use tikv_jemallocator::Jemalloc;

/// What every size class aligns to, bytes.
const QUANTUM: usize = 8;

/// jemalloc, whatever its quantum.
pub struct Allocator;

/// The bytes to ask for so that `size` bytes are aligned to `align`: every class of such a size is
/// a multiple of it, and runs of a class begin at a page.
#[inline]
const fn padded(size: usize, align: usize) -> usize {
    if align <= QUANTUM { size } else { size.wrapping_add(align - 1) & !(align - 1) }
}

/// The layout to ask for instead of `layout`.
#[inline]
fn wider(layout: Layout) -> Layout {
    // SAFETY: the alignment is that of a layout. A layout's size does not exceed `isize::MAX` when
    // rounded up to its alignment, and that is what is done to it here.
    unsafe {
        Layout::from_size_align_unchecked(padded(layout.size(), layout.align()), layout.align())
    }
}

// SAFETY: every call goes on to jemalloc with a layout that is at least as large, and the same one
// for the same block: what is asked for follows from size and alignment alone.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract, for a wider layout.
        unsafe { Jemalloc.alloc(wider(layout)) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract, for a wider layout.
        unsafe { Jemalloc.alloc_zeroed(wider(layout)) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block was allocated with this wider layout.
        unsafe { Jemalloc.dealloc(block, wider(layout)) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let size = padded(size, layout.align());
        // SAFETY: the block was allocated with this wider layout, and the caller keeps the new size
        // within bounds when rounded up to the alignment.
        unsafe { Jemalloc.realloc(block, wider(layout), size) }
    }
}

#[cfg(not(miri))]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_aligned_before_and_after_it_grows() {
        for align in [1, 2, 4, 8, 16, 32, 64, 128, 4096] {
            for size in (1..300).chain([1000, 5000, 20_000, 100_000]) {
                let layout = Layout::from_size_align(size, align).expect("a layout");
                let larger = Layout::from_size_align(size * 3, align).expect("a layout");
                // SAFETY: blocks are used within their layouts and freed once with the last.
                unsafe {
                    let block = Allocator.alloc_zeroed(layout);
                    assert!(block.addr().is_multiple_of(align), "{size} by {align}");
                    assert_eq!((*block, *block.add(size - 1)), (0, 0));
                    *block.add(size - 1) = 7;
                    let block = Allocator.realloc(block, layout, larger.size());
                    assert!(block.addr().is_multiple_of(align), "{size} grown by {align}");
                    assert_eq!(*block.add(size - 1), 7);
                    Allocator.dealloc(block, larger);
                }
            }
        }
    }

    #[test]
    fn classes_differ_by_the_quantum() {
        let layout = Layout::from_size_align(33, 1).expect("a layout");
        // SAFETY: the block is asked for its size and freed.
        let usable = unsafe {
            let block = Allocator.alloc(layout);
            let usable = tikv_jemallocator::usable_size(block);
            Allocator.dealloc(block, layout);
            usable
        };
        assert_eq!(usable, 40, "jemalloc is built with another quantum");
        assert_eq!(crate::value::size_class::size_class(33), usable);
    }
}
