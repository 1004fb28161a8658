//! Which keys those wait for who wait on several shards.
//!
//! Such a waiter may be served where any one of its keys changes, or needs a shard that is busy
//! with something else. Then it matters in which order requests of *different* shards are run,
//! which nothing fixes otherwise: an acceptor asks here before it places a pipeline, and has one
//! holder of all boxes run it if somebody may be waiting for what it changes.
//!
//! A key is counted in before its waiter is placed, and whoever places something ordered asks
//! while holding the marker: so who is not seen here comes later in every shard.

use std::sync::Arc;

use super::sync::{AtomicU32, AtomicUsize, Ordering};
use crate::keyspace::KeyHash;

/// Counts per group of keys: two keys may share one, then a pipeline is gathered in vain.
const GROUPS: usize = 1024;

/// The keys of all who wait on several shards.
pub struct FarWaits {
    waits: AtomicUsize,
    groups: Box<[AtomicU32]>,
}

impl FarWaits {
    /// Nobody waits.
    pub(super) fn new() -> FarWaits {
        let groups = (0..GROUPS).map(|_| AtomicU32::new(0)).collect();
        FarWaits { waits: AtomicUsize::new(0), groups }
    }

    /// Whether nobody waits on several shards: the usual case.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.waits.load(Ordering::Acquire) == 0
    }

    /// Whether somebody may wait for the key with this hash.
    pub fn may_wait_for(&self, hash: KeyHash) -> bool {
        self.groups[group(hash)].load(Ordering::Acquire) > 0
    }

    /// Counts in a command that may come to wait for keys of several shards, given the hashes of
    /// all its keys. It counts until what is returned is dropped.
    pub fn announce(self: &Arc<Self>, hashes: &[KeyHash]) -> FarWait {
        let groups: Box<[u16]> = hashes.iter().map(|&hash| group(hash) as u16).collect();
        for &group in &groups {
            self.groups[usize::from(group)].fetch_add(1, Ordering::AcqRel);
        }
        self.waits.fetch_add(1, Ordering::AcqRel);
        FarWait { of: self.clone(), groups }
    }
}

fn group(hash: KeyHash) -> usize {
    (hash.0 >> 24) as usize % GROUPS
}

/// A command that waits on several shards, or may come to.
pub struct FarWait {
    of: Arc<FarWaits>,
    groups: Box<[u16]>,
}

impl Drop for FarWait {
    fn drop(&mut self) {
        self.of.waits.fetch_sub(1, Ordering::AcqRel);
        for &group in &self.groups {
            self.of.groups[usize::from(group)].fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_key_counts_until_its_last_waiter_is_gone() {
        let waits = Arc::new(FarWaits::new());
        let (one, two) = (KeyHash(1 << 24), KeyHash(2 << 24));
        assert!(waits.is_empty() && !waits.may_wait_for(one));
        let first = waits.announce(&[one, two]);
        let second = waits.announce(&[one, one]);
        drop(first);
        assert!(!waits.is_empty() && waits.may_wait_for(one) && !waits.may_wait_for(two));
        drop(second);
        assert!(waits.is_empty() && !waits.may_wait_for(one));
    }
}
