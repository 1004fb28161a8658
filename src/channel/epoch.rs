//! Epochs: how an acceptor says that all parts of an ordered iteration are in place.
//!
//! A batch of an ordered iteration carries its acceptor's epoch. The acceptor publishes the epoch
//! after the last of them is enqueued (and every box that it borrows is taken). No shard starts
//! such a batch before: else someone could see one part done, reach another shard ahead of its
//! part, and so see half of it.

use crossbeam_utils::CachePadded;

use super::sync::{AtomicU64, Ordering};

/// One acceptor's published epoch.
#[derive(Default)]
pub struct Epoch {
    published: CachePadded<AtomicU64>,
}

impl Epoch {
    /// Nothing is published yet; epochs start at 1, and 0 means "not ordered".
    pub fn new() -> Epoch {
        Epoch { published: CachePadded::new(AtomicU64::new(0)) }
    }

    /// Publishes `epoch`: everything that was enqueued under it is in place.
    pub fn publish(&self, epoch: u64) {
        self.published.store(epoch, Ordering::Release);
    }

    /// Whether `epoch` is published.
    pub fn is_published(&self, epoch: u64) -> bool {
        self.published.load(Ordering::Acquire) >= epoch
    }
}
