//! The atomics of this room, or loom's models of them.
//!
//! Everything that hands something over between threads is built from these, so that
//! `RUSTFLAGS="--cfg loom"` checks the very code that runs.

#[cfg(not(loom))]
mod real {
    pub use crossbeam_utils::atomic::AtomicCell;
    pub use std::sync::atomic::{
        AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    pub use std::thread::{Thread, current, park, park_timeout};

    /// Waits a moment for another thread to get on: longer after some turns.
    pub fn spin(turns: &mut u32) {
        *turns += 1;
        if *turns < 64 { std::hint::spin_loop() } else { std::thread::yield_now() }
    }
}

#[cfg(loom)]
mod real {
    #![allow(unsafe_code)]
    pub use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
    };
    pub use loom::sync::atomic::{Ordering, fence};
    pub use loom::thread::{Thread, current, park};

    /// loom's threads get on while this one yields.
    pub fn spin(_turns: &mut u32) {
        loom::thread::yield_now();
    }

    /// loom has no time: a bounded wait is a wait that may also end at once.
    pub fn park_timeout(_: std::time::Duration) {
        loom::thread::yield_now();
    }

    /// The swap of crossbeam's `AtomicCell<Option<Box<T>>>`, acquire and release, on loom's
    /// pointer.
    pub struct AtomicCell<T>(AtomicPtr<T>);

    impl<T> AtomicCell<Option<Box<T>>> {
        pub fn new(value: Option<Box<T>>) -> Self {
            AtomicCell(AtomicPtr::new(raw(value).cast()))
        }

        pub fn take(&self) -> Option<Box<T>> {
            owned(self.0.swap(std::ptr::null_mut(), Ordering::AcqRel).cast())
        }

        pub fn swap(&self, value: Option<Box<T>>) -> Option<Box<T>> {
            owned(self.0.swap(raw(value).cast(), Ordering::AcqRel).cast())
        }
    }

    fn raw<T>(value: Option<Box<T>>) -> *mut T {
        value.map_or(std::ptr::null_mut(), Box::into_raw)
    }

    fn owned<T>(pointer: *mut T) -> Option<Box<T>> {
        // SAFETY: a non-null pointer in the cell came from `Box::into_raw` and left the cell by a
        // swap, so this is its only owner.
        (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
    }
}

pub use real::*;
