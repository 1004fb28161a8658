//! Small or big in one word: a thin pointer, or a box, told apart by its lowest bit.
//!
//! A collection is bytes behind a thin pointer while it is small, and a structure in a box when it
//! is large. As an enum that takes two words, and the second is spent again for each of a million
//! small hashes.
//!
//! Why unsafe: safe Rust keeps no bit of a pointer. Addresses are changed by `map_addr`, which
//! keeps provenance, and it runs under Miri.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// The lowest bit of a box's address in a [`Slim`].
const BIG: usize = 1;

/// What is one pointer to an allocation of its own.
///
/// # Safety
/// The type is `repr(transparent)` over a `NonNull<u8>`, which is a multiple of 2 at all times.
pub unsafe trait Thin {}

/// A small `S` or a boxed `B`, in one word.
pub struct Slim<S: Thin, B>(NonNull<u8>, PhantomData<(S, Box<B>)>);

/// What is in a [`Slim`], to look at or to change.
pub enum View<S, B> {
    /// The small form.
    Small(S),
    /// The big form.
    Big(B),
}

// SAFETY: it owns an `S` or a `Box<B>` and nothing else.
unsafe impl<S: Thin + Send, B: Send> Send for Slim<S, B> {}
// SAFETY: a shared borrow gives shared borrows of these.
unsafe impl<S: Thin + Sync, B: Sync> Sync for Slim<S, B> {}

impl<S: Thin, B> Slim<S, B> {
    /// The small form.
    pub fn small(small: S) -> Slim<S, B> {
        const { assert!(size_of::<S>() == size_of::<NonNull<u8>>()) };
        let small = ManuallyDrop::new(small);
        // SAFETY: a `Thin` is that pointer, and ours from now on.
        Slim(unsafe { (&raw const small).cast::<NonNull<u8>>().read() }, PhantomData)
    }

    /// The big form.
    pub fn big(big: Box<B>) -> Slim<S, B> {
        const { assert!(align_of::<B>() > BIG && size_of::<B>() > 0) };
        // SAFETY: a box is not null, nor is its address with a bit more.
        let pointer = unsafe { NonNull::new_unchecked(Box::into_raw(big)) };
        Slim(pointer.cast().map_addr(|address| address | BIG), PhantomData)
    }

    /// The box, if it is one.
    #[inline]
    fn boxed(&self) -> Option<NonNull<B>> {
        let address = self.0.addr().get();
        // The address of a box is no less than its alignment, so it is more than the bit.
        (address & BIG != 0).then(|| self.0.map_addr(|_| without_bit(address)).cast())
    }

    /// Looks at it.
    #[inline]
    pub fn view(&self) -> View<&S, &B> {
        match self.boxed() {
            // SAFETY: without the bit the word is an `S`, borrowed with `self`.
            None => View::Small(unsafe { &*(&raw const self.0).cast::<S>() }),
            // SAFETY: a live box, borrowed with `self`.
            Some(big) => View::Big(unsafe { big.as_ref() }),
        }
    }

    /// Lets it change.
    #[inline]
    pub fn view_mut(&mut self) -> View<&mut S, &mut B> {
        match self.boxed() {
            // SAFETY: without the bit the word is an `S`, borrowed with `self`; another `S` in its
            // place has no bit either.
            None => View::Small(unsafe { &mut *(&raw mut self.0).cast::<S>() }),
            // SAFETY: a live box, borrowed with `self`.
            Some(mut big) => View::Big(unsafe { big.as_mut() }),
        }
    }
}

/// The address of a box from that with the bit.
#[inline]
fn without_bit(address: usize) -> std::num::NonZeroUsize {
    std::num::NonZeroUsize::new(address & !BIG).expect("a box has an address")
}

impl<S: Thin, B> Drop for Slim<S, B> {
    fn drop(&mut self) {
        match self.boxed() {
            // SAFETY: the word is an `S`, dropped once.
            None => unsafe { (&raw mut self.0).cast::<S>().drop_in_place() },
            // SAFETY: it came from a box, and is dropped once.
            Some(big) => drop(unsafe { Box::from_raw(big.as_ptr()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// An `Arc` of a word as one pointer.
    #[repr(transparent)]
    struct Counted(NonNull<u8>);

    // SAFETY: a pointer into an allocation aligned to a word.
    unsafe impl Thin for Counted {}

    impl Counted {
        fn new(counter: &Arc<u64>) -> Counted {
            let raw = Arc::into_raw(counter.clone()).cast_mut().cast();
            Counted(NonNull::new(raw).expect("an address"))
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            // SAFETY: it came from an `Arc`.
            drop(unsafe { Arc::from_raw(self.0.as_ptr().cast::<u64>()) });
        }
    }

    #[test]
    fn either_form_is_seen_changed_and_dropped_once() {
        let (counter, other) = (Arc::new(1), Arc::new(2));
        let mut slim: Slim<Counted, Vec<Arc<u64>>> = Slim::small(Counted::new(&counter));
        assert_eq!(size_of_val(&slim), size_of::<usize>());
        assert_eq!(Arc::strong_count(&counter), 2);
        let View::Small(small) = slim.view_mut() else { panic!("it is small") };
        *small = Counted::new(&other);
        assert_eq!((Arc::strong_count(&counter), Arc::strong_count(&other)), (1, 2));
        slim = Slim::big(Box::new(vec![counter.clone()]));
        assert_eq!((Arc::strong_count(&counter), Arc::strong_count(&other)), (2, 1));
        let View::Big(big) = slim.view_mut() else { panic!("it is big") };
        big.push(other.clone());
        let View::Big(big) = slim.view() else { panic!("it is big") };
        assert_eq!(big.iter().map(|one| **one).sum::<u64>(), 3);
        drop(slim);
        assert_eq!((Arc::strong_count(&counter), Arc::strong_count(&other)), (1, 1));
    }
}
