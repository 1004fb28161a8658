//! The memory board: what every shard uses, so that each can tell its fair share.
//!
//! Each shard posts the bytes of its part after each batch; the control thread posts what the
//! process uses beside the keyspace. All plain counters: a reading may be a batch old. A shard's
//! share of `maxmemory` is in proportion to what it uses, so the limit is exceeded for all shards
//! at once and each gives up the same fraction of its own.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

/// Bytes in use, by shard and beside the shards.
pub struct MemoryBoard {
    shards: Box<[CachePadded<AtomicU64>]>,
    beside: AtomicU64,
}

impl MemoryBoard {
    /// A board for `shards` shards, all at zero.
    pub fn new(shards: usize) -> MemoryBoard {
        let shards = (0..shards).map(|_| CachePadded::new(AtomicU64::new(0))).collect();
        MemoryBoard { shards, beside: AtomicU64::new(0) }
    }

    /// Posts the bytes that a shard uses.
    pub fn post(&self, shard: usize, bytes: u64) {
        self.shards[shard].store(bytes, Ordering::Relaxed);
    }

    /// Posts what the process uses beside the keyspace that counts against `maxmemory`, in bytes.
    pub fn post_beside(&self, bytes: u64) {
        self.beside.store(bytes, Ordering::Relaxed);
    }

    /// Bytes that all shards use together.
    pub fn keyspace(&self) -> u64 {
        self.shards.iter().map(|shard| shard.load(Ordering::Relaxed)).sum()
    }

    /// Bytes that count against `maxmemory`.
    pub fn total(&self) -> u64 {
        self.keyspace() + self.beside.load(Ordering::Relaxed)
    }

    /// How many bytes a shard that uses `own` must give up for the total to fit `limit`: its part
    /// of the excess, in proportion to its use. Zero if the total fits.
    pub fn excess(&self, own: u64, limit: u64) -> u64 {
        let keyspace = self.keyspace().max(1);
        let over = self.total().saturating_sub(limit);
        (u128::from(over) * u128::from(own)).div_ceil(u128::from(keyspace)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excess_is_shared_by_use() {
        let board = MemoryBoard::new(2);
        board.post(0, 300);
        board.post(1, 100);
        board.post_beside(100);
        assert_eq!(board.total(), 500);
        assert_eq!(board.excess(300, 500), 0);
        assert_eq!(board.excess(300, 460), 30);
        assert_eq!(board.excess(100, 460), 10);
    }
}
