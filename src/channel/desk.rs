//! The desk: where an idle owner leaves its box for others to borrow.
//!
//! One atomic cell. Taking and putting are one swap each, so the box has one holder at any moment;
//! who finds the desk empty has not got the box. The rules of borrowing (only with the shard's
//! channel empty, checked *after* the box is taken) are kept by [`super::House`].

use super::bell::Bell;
use super::sync::{AtomicCell, Ordering, fence};

/// A place for one box.
pub struct Desk<T> {
    cell: AtomicCell<Option<Box<T>>>,
}

impl<T> Default for Desk<T> {
    fn default() -> Self {
        Desk::new(None)
    }
}

impl<T> Desk<T> {
    /// A desk with or without a box on it.
    pub fn new(value: Option<Box<T>>) -> Desk<T> {
        Desk { cell: AtomicCell::new(value) }
    }

    /// Takes the box if it is there.
    pub fn take(&self) -> Option<Box<T>> {
        self.cell.take()
    }

    /// Puts the box down. The desk must be empty: there is only one box.
    pub fn put(&self, value: Box<T>) {
        let before = self.cell.swap(Some(value));
        debug_assert!(before.is_none(), "two boxes for one desk");
    }
}

/// Borrows the box of an idle owner: takes it if it is on the desk and the owner's channel is
/// empty. The channel is looked at *after* the take, so that nothing queued before is overtaken;
/// if something is, the box goes back and the owner is rung.
pub fn borrow<T>(desk: &Desk<T>, bell: &Bell, is_empty: impl Fn() -> bool) -> Option<Box<T>> {
    let value = desk.take()?;
    fence(Ordering::SeqCst);
    if is_empty() {
        return Some(value);
    }
    desk.put(value);
    bell.ring();
    None
}

/// Puts a borrowed box back, and rings the owner if something was queued meanwhile: the owner may
/// have come for the box and found the desk empty.
pub fn give_back<T>(desk: &Desk<T>, bell: &Bell, value: Box<T>, is_empty: impl Fn() -> bool) {
    desk.put(value);
    fence(Ordering::SeqCst);
    if !is_empty() {
        bell.ring();
    }
}
