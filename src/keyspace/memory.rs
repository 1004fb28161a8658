//! The memory board: what every shard uses, so that each can tell its fair share.
//!
//! Each shard posts the bytes of its part after each batch; the control thread posts what the
//! process uses beside the keyspace. All plain counters: a reading may be a batch old. When the
//! total exceeds `maxmemory`, every shard gives up its part of the excess in proportion to what it
//! holds that may be evicted: so no shard has a limit of its own, and a shard that is used more has
//! more. A shard that is being written to does so at once; the alarm calls the others.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

/// A shard's use of memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// All of it.
    pub bytes: u64,
    /// The part of keys with an expiry.
    pub volatile: u64,
}

/// Which keys a policy may evict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evictable {
    /// Any.
    All,
    /// Those with an expiry.
    Volatile,
}

impl MemoryUse {
    /// Bytes that may be evicted.
    pub fn evictable(self, which: Evictable) -> u64 {
        match which {
            Evictable::All => self.bytes,
            Evictable::Volatile => self.volatile,
        }
    }
}

#[derive(Default)]
struct Posted {
    bytes: AtomicU64,
    volatile: AtomicU64,
}

/// Calls every shard to give memory back.
pub type Alarm = Box<dyn Fn() + Send + Sync>;

/// Bytes in use, by shard and beside the shards.
pub struct MemoryBoard {
    shards: Box<[CachePadded<Posted>]>,
    beside: AtomicU64,
    deferred: AtomicU64,
    deferred_objects: AtomicU64,
    freed_objects: AtomicU64,
    alarm: OnceLock<Alarm>,
}

impl MemoryBoard {
    /// A board for `shards` shards, all at zero.
    pub fn new(shards: usize) -> MemoryBoard {
        MemoryBoard {
            shards: (0..shards).map(|_| CachePadded::default()).collect(),
            beside: AtomicU64::new(0),
            deferred: AtomicU64::new(0),
            deferred_objects: AtomicU64::new(0),
            freed_objects: AtomicU64::new(0),
            alarm: OnceLock::new(),
        }
    }

    /// Posts what a shard uses.
    pub fn post(&self, shard: usize, used: MemoryUse) {
        self.shards[shard].bytes.store(used.bytes, Ordering::Relaxed);
        self.shards[shard].volatile.store(used.volatile, Ordering::Relaxed);
    }

    /// Posts what the process uses beside the keyspace that counts against `maxmemory`, in bytes.
    pub fn post_beside(&self, bytes: u64) {
        self.beside.store(bytes, Ordering::Relaxed);
    }

    /// Posts what the allocator has given out, in bytes: what of it is neither in the keyspace nor
    /// waits to be freed is beside.
    pub fn post_allocated(&self, bytes: u64) {
        self.post_beside(bytes.saturating_sub(self.keyspace() + self.deferred()));
    }

    /// Some values have left the keyspace and wait to be freed: their bytes do not count any more.
    pub fn defer(&self, objects: u64, bytes: u64) {
        self.deferred_objects.fetch_add(objects, Ordering::Relaxed);
        self.deferred.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Values that waited are freed.
    pub fn freed(&self, objects: u64, bytes: u64) {
        self.freed_objects.fetch_add(objects, Ordering::Relaxed);
        self.deferred_objects.fetch_sub(objects, Ordering::Relaxed);
        self.deferred.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Values that wait to be freed.
    pub fn deferred_objects(&self) -> u64 {
        self.deferred_objects.load(Ordering::Relaxed)
    }

    /// Values that were freed after they had waited, since that was counted anew.
    pub fn freed_objects(&self) -> u64 {
        self.freed_objects.load(Ordering::Relaxed)
    }

    /// Counts freed values anew (`CONFIG RESETSTAT`).
    pub fn reset_freed_objects(&self) {
        self.freed_objects.store(0, Ordering::Relaxed);
    }

    /// Bytes that wait to be freed.
    pub fn deferred(&self) -> u64 {
        self.deferred.load(Ordering::Relaxed)
    }

    /// Bytes that all shards use together.
    pub fn keyspace(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes.load(Ordering::Relaxed)).sum()
    }

    /// Bytes in all shards that may be evicted.
    pub fn evictable(&self, which: Evictable) -> u64 {
        match which {
            Evictable::All => self.keyspace(),
            Evictable::Volatile => {
                self.shards.iter().map(|shard| shard.volatile.load(Ordering::Relaxed)).sum()
            }
        }
    }

    /// Bytes that count against `maxmemory`.
    pub fn total(&self) -> u64 {
        self.keyspace() + self.beside.load(Ordering::Relaxed)
    }

    /// Bytes beyond `limit`.
    pub fn over(&self, limit: u64) -> u64 {
        self.total().saturating_sub(limit)
    }

    /// How many of `over` bytes a shard that holds `own` evictable bytes must give up: in
    /// proportion to what all hold. All of them if nobody holds any.
    pub fn part(&self, over: u64, own: u64, which: Evictable) -> u64 {
        MemoryBoard::share(over, own, self.evictable(which))
    }

    /// The share of `over` bytes of one who holds `own` of `all` bytes, rounded up; all of them if
    /// nobody holds any.
    pub fn share(over: u64, own: u64, all: u64) -> u64 {
        match all {
            0 => over,
            all => (u128::from(over) * u128::from(own)).div_ceil(u128::from(all)) as u64,
        }
    }

    /// Sets what calls the shards; once, at the start.
    pub fn set_alarm(&self, alarm: Alarm) {
        let _ = self.alarm.set(alarm);
    }

    /// Calls every shard to give up its part, whether it is written to or not.
    pub fn sound_alarm(&self) {
        if let Some(alarm) = self.alarm.get() {
            alarm();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excess_is_shared_by_what_can_go() {
        let board = MemoryBoard::new(2);
        board.post(0, MemoryUse { bytes: 300, volatile: 0 });
        board.post(1, MemoryUse { bytes: 100, volatile: 50 });
        board.post_beside(100);
        assert_eq!(board.total(), 500);
        assert_eq!(board.over(500), 0);
        assert_eq!(board.over(460), 40);
        assert_eq!(board.part(40, 300, Evictable::All), 30);
        assert_eq!(board.part(40, 100, Evictable::All), 10);
        assert_eq!(board.part(40, 0, Evictable::Volatile), 0);
        assert_eq!(board.part(40, 50, Evictable::Volatile), 40);
        board.post(1, MemoryUse { bytes: 100, volatile: 0 });
        assert_eq!(board.part(40, 0, Evictable::Volatile), 40, "nobody can: everyone must");
    }
}
