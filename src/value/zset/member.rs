//! A member of a big sorted set: score and text in one thin allocation, with one owner and one
//! alias.
//!
//! ```text
//! length as in ThinBytes | score 8 B, as f64 in native order | text
//! ```
//!
//! The order (`tree.rs`) owns the members; the hash table beside it finds them by their text
//! through [`Alias`]es, which own nothing. Whoever holds both (`sorted.rs`) takes an alias out of
//! the table before the member goes.
//!
//! Why unsafe: two structures point to one allocation. A reference count would cost 8 bytes more
//! per member, two copies of the text 24 and more. It runs under Miri.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use crate::value::table::Element;
use crate::value::thin::ThinBytes;

/// Bytes of the score.
const SCORE: usize = size_of::<f64>();

/// The owner of a member.
pub(super) struct Member(NonNull<u8>);

// SAFETY: it is its allocation's only owner, and there are only bytes in it; its alias lives and
// moves with it, in the same sorted set.
unsafe impl Send for Member {}

/// A look at a member.
#[derive(Clone, Copy)]
pub(super) struct MemberRef<'a> {
    raw: NonNull<u8>,
    life: PhantomData<&'a Member>,
}

impl<'a> MemberRef<'a> {
    #[inline]
    fn bytes(self) -> &'a [u8] {
        // SAFETY: live during 'a, and changed only through an exclusive borrow of its owner.
        unsafe { ThinBytes::borrow(self.raw) }
    }

    /// The score.
    #[inline]
    pub(super) fn score(self) -> f64 {
        let score = self.bytes().first_chunk::<SCORE>().expect("a member begins with its score");
        f64::from_ne_bytes(*score)
    }

    /// The text.
    #[inline]
    pub(super) fn text(self) -> &'a [u8] {
        &self.bytes()[SCORE..]
    }
}

impl Member {
    pub(super) fn new(score: f64, text: &[u8]) -> Self {
        Self(ThinBytes::concat(&[&score.to_ne_bytes(), text]).into_raw())
    }

    #[inline]
    pub(super) fn get(&self) -> MemberRef<'_> {
        MemberRef { raw: self.0, life: PhantomData }
    }

    /// The text.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        self.get().text()
    }

    /// Changes the score where it is.
    pub(super) fn set_score(&mut self, score: f64) {
        // SAFETY: a member comes from `into_raw`; it is not dropped here.
        let mut bytes = ManuallyDrop::new(unsafe { ThinBytes::from_raw(self.0) });
        bytes.as_mut_slice()[..SCORE].copy_from_slice(&score.to_ne_bytes());
    }

    /// Bytes allocated.
    #[inline]
    pub(super) fn allocated(&self) -> usize {
        ThinBytes::allocated_for(self.get().bytes().len())
    }

    /// Another pointer to the member, that owns nothing.
    ///
    /// # Safety
    /// The alias is not looked at after its member is gone, and no look at it outlasts a change.
    pub(super) unsafe fn alias(&self) -> Alias {
        Alias(self.0)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // SAFETY: it came from `into_raw`, and is taken back once.
        drop(unsafe { ThinBytes::from_raw(self.0) });
    }
}

/// A pointer to a member whose owner is elsewhere.
pub(super) struct Alias(NonNull<u8>);

// SAFETY: it moves together with its member.
unsafe impl Send for Alias {}

// SAFETY: the pointer is that of a `ThinBytes`, which is 8-aligned and below 2^48; it is valid as
// long as `Member::alias` asks for.
unsafe impl Element for Alias {
    type Ref<'a> = MemberRef<'a>;

    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        self.0
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(raw)
    }

    #[inline]
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> MemberRef<'a> {
        MemberRef { raw, life: PhantomData }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_and_text() {
        for text in [&b""[..], b"m", &[7; 300], &[0; 70_000]] {
            let mut member = Member::new(-1.5, text);
            assert_eq!((member.get().score(), member.text()), (-1.5, text));
            member.set_score(f64::INFINITY);
            assert_eq!((member.get().score(), member.text()), (f64::INFINITY, text));
            assert!(member.allocated() > text.len() + SCORE);
        }
        assert_eq!(size_of::<Option<Member>>(), 8);
    }

    #[test]
    fn a_member_of_17_bytes_takes_32() {
        assert_eq!(Member::new(0.0, b"member:0000000001").allocated(), 32);
    }
}
