//! Active expiry: removing keys whose time is over though nobody asks for them.
//!
//! A cycle walks the expiry index bucket by bucket from where the last one stopped, so that every
//! volatile key is looked at in turn. Its work is bounded: it goes on only while what it finds is
//! stale enough to be worth it, and never beyond its share of time, since the shard serves nobody
//! meanwhile.

use super::execute::Executor;
use crate::command::removed_by_server;
use crate::keyspace::{DbIndex, Event, OwnedEntry, Shard};

/// Buckets looked at before the share of stale keys and the time are weighed.
const BUCKETS_PER_ROUND: usize = 16;
/// Time of one cycle at effort 1, in nanoseconds: what a probe of another client may notice.
const CYCLE_NS: u64 = 250_000;
/// Percentage of stale keys among those looked at above which a cycle goes on, at effort 1.
const WORTHWHILE_PERCENT: u64 = 10;

/// Runs one cycle over a shard in hand; gives whether there will be more to do.
pub fn run(shard: &mut Shard, executor: &Executor) -> bool {
    if !shard.active_expire {
        return false;
    }
    let config = executor.server.config.load();
    let effort = config.active_expire_effort as u64;
    let clock = &executor.server.clock;
    let started = clock.ticks();
    let lazy = config.lazyfree_lazy_expire;
    let (first_db, mut cursor) = shard.expire_cursor;
    let databases = shard.dbs.len();
    let mut looked_at = 0u64;
    let mut stale = 0u64;
    'cycle: for step in 0..=databases {
        let db = (first_db + step) % databases;
        if step > 0 {
            cursor = 0;
        }
        while shard.dbs[db].volatile_len() > 0 {
            let (seen, due, next) = round(shard, db, cursor);
            cursor = next;
            looked_at += seen;
            stale += due.len() as u64;
            let percent = due.len() as u64 * 100 / seen.max(1);
            for entry in due {
                shard.stats.expired += 1;
                let key = entry.key().to_vec();
                removed_by_server(shard, DbIndex(db as u16), &key, entry, lazy, Event::EXPIRED);
            }
            shard.expire_cursor = (db, cursor);
            if clock.ns_between(started, clock.ticks()) > CYCLE_NS * effort {
                shard.stats.expire_cycle_limited += 1;
                break 'cycle;
            }
            if cursor == 0 || percent * effort < WORTHWHILE_PERCENT {
                break;
            }
        }
    }
    let percent = stale as f64 * 100.0 / looked_at.max(1) as f64;
    shard.stats.stale_percent = percent * 0.05 + shard.stats.stale_percent * 0.95;
    executor.journal.collect(shard);
    shard.post_memory();
    shard.needs_upkeep()
}

/// Looks at some buckets of a database's expiry index: how many keys they may have held, those
/// whose time is over, and where to go on.
fn round(shard: &mut Shard, db: usize, mut cursor: u64) -> (u64, Vec<OwnedEntry>, u64) {
    let now_ms = shard.now_ms;
    let mut due = Vec::new();
    let mut seen = 0u64;
    for _ in 0..BUCKETS_PER_ROUND {
        cursor = shard.dbs[db].take_expired(cursor, now_ms, |entry| {
            seen += 1;
            due.push(entry);
        });
        if cursor == 0 {
            break;
        }
    }
    let alive = shard.dbs[db].volatile_len() as u64;
    // What the index holds on average in as many buckets stands for the keys that were not due.
    (seen + alive.min(BUCKETS_PER_ROUND as u64 * 4), due, cursor)
}
