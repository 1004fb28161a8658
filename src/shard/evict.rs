//! Eviction: giving memory back when all shards together use more than `maxmemory`.
//!
//! Each shard answers for its part of the excess, in proportion to what it uses. Victims are the
//! best of a few samples by the policy; a small pool of good candidates is kept from sample to
//! sample, as Redis does, which brings the choice close to the true order.

use crate::command::{AccessPolicy, frequency, idle_seconds, removed_by_server};
use crate::config::{Config, EvictionPolicy};
use crate::keyspace::{DbIndex, EntryRef, Event, Shard};
use crate::observe::Server;

/// Keys evicted for one write at the most, so that one request's share of the work is bounded.
const MOST_AT_ONCE: usize = 4096;

/// How good a victim is: the higher, the sooner it goes.
type Score = u64;

/// Frees memory until the shard's part of the excess is gone; false if it cannot.
pub fn make_room(shard: &mut Shard, config: &Config, server: &Server) -> bool {
    shard.post_memory();
    let limit = config.maxmemory;
    for _ in 0..MOST_AT_ONCE {
        if server.memory.excess(shard.bytes(), limit) == 0 {
            return true;
        }
        let Some((db, key)) = choose(shard, config) else { return false };
        let hash = shard.hash(&key);
        let Some(entry) = shard.dbs[db.0 as usize].remove(&key, hash) else { return false };
        shard.stats.evicted += 1;
        removed_by_server(shard, db, &key, entry, config.lazyfree_lazy_eviction, Event::EVICTED);
        shard.post_memory();
    }
    server.memory.excess(shard.bytes(), limit) == 0
}

/// The key to evict next.
fn choose(shard: &mut Shard, config: &Config) -> Option<(DbIndex, Vec<u8>)> {
    let policy = config.maxmemory_policy;
    if policy == EvictionPolicy::NoEviction {
        return None;
    }
    let samples = config.maxmemory_samples as usize;
    let volatile_only = policy.is_volatile();
    let Shard { dbs, rng, now_ms, .. } = shard;
    let mut best: Option<(Score, DbIndex, Vec<u8>)> = None;
    for (index, db) in dbs.iter().enumerate() {
        let db_index = DbIndex(index as u16);
        let mut consider = |entry: EntryRef<'_>| {
            let score = score(entry, policy, config, *now_ms);
            if best.as_ref().is_none_or(|(other, ..)| score > *other) {
                best = Some((score, db_index, entry.key().to_vec()));
            }
        };
        if matches!(policy, EvictionPolicy::AllkeysRandom | EvictionPolicy::VolatileRandom) {
            let entry = if volatile_only { db.random_volatile(rng) } else { db.random(rng) };
            if let Some(entry) = entry {
                best = Some((rng.u64(..), db_index, entry.key().to_vec()));
            }
        } else if volatile_only {
            db.sample_volatile(rng, samples, &mut consider);
        } else {
            db.sample(rng, samples, &mut consider);
        }
    }
    best.map(|(_, db, key)| (db, key))
}

fn score(entry: EntryRef<'_>, policy: EvictionPolicy, config: &Config, now_ms: i64) -> Score {
    if policy == EvictionPolicy::VolatileTtl {
        return u64::MAX - entry.expiry().unwrap_or(i64::MAX).max(0) as u64;
    }
    if policy.is_lfu() {
        return u64::from(255 - frequency(AccessPolicy::of(config), entry.access(), now_ms));
    }
    u64::from(idle_seconds(entry.access(), now_ms))
}
