//! Eviction: giving memory back when all shards together use more than `maxmemory`.
//!
//! Each shard answers for its part of the excess, in proportion to what it holds that may go:
//! before a write at once, for no longer than `maxmemory-eviction-tenacity` allows; else when the
//! alarm calls its owner. So the total stays within [`SLACK_PART`] of the limit while the shards
//! that nobody writes to are catching up; beyond that a writer gives up all that is too much.
//!
//! Victims are the best of a few samples by the policy, out of a pool of good candidates that is
//! kept from sample to sample; the rules are those of Redis's documentation on key eviction.

use crate::command::{
    AccessPolicy, Call, CommandError, CommandResult, Flags, frequency, idle_seconds,
    removed_by_server,
};
use crate::config::{Config, EvictionPolicy};
use crate::keyspace::{DbIndex, EntryRef, Event, Evictable, MemoryBoard, OwnedEntry, Shard};
use crate::observe::Server;

/// The part of `maxmemory` by which the total may exceed it while other shards give up theirs.
const SLACK_PART: u64 = 32;
/// The part of `maxmemory` beyond which the other shards are called: not for every few bytes.
const ALARM_PART: u64 = 256;
/// Victims between two looks at the clock.
const VICTIMS_PER_LOOK: u64 = 16;

/// Admits a command to the boxes in hand: makes room where the limit asks for it, and refuses a
/// command that needs memory if there is none. A transaction was admitted as a whole.
pub fn admit(parts: &mut [Box<Shard>], call: &Call<'_>, server: &Server) -> CommandResult {
    if call.config.maxmemory == 0 || call.in_transaction {
        return Ok(());
    }
    let room = relieve(parts, call.config, server);
    if !room && call.command.flags.has(Flags::DENYOOM) {
        return Err(CommandError::OOM);
    }
    Ok(())
}

/// Makes room in all boxes in hand, within the time that a write may be held up. False if the
/// write must not use more memory: the limit is exceeded and nothing may be evicted.
pub fn relieve(parts: &mut [Box<Shard>], config: &Config, server: &Server) -> bool {
    let limit = config.maxmemory;
    if limit == 0 {
        return true;
    }
    parts.iter().for_each(|part| part.post_memory());
    let over = server.memory.over(limit);
    if over == 0 {
        return true;
    }
    if config.maxmemory_policy == EvictionPolicy::NoEviction {
        return false;
    }
    if is_called(config, server) {
        server.memory.sound_alarm();
    }
    let started = server.clock.ticks();
    let left = give_up(parts, config, server, over);
    let ns = server.clock.ns_between(started, server.clock.ticks());
    server.observe_event(config, "eviction-cycle", ns);
    if let Some((first, others)) = parts.split_first_mut() {
        // The effects of a command that runs over several boxes are recorded in the first, and
        // these come before its own.
        others.iter_mut().for_each(|part| first.effects.absorb(&mut part.effects));
    }
    // What is left to do when the time is over is done by the writes to come and by upkeep.
    left || {
        let (over, which) = (server.memory.over(limit), evictable(config.maxmemory_policy));
        over == 0 || (over <= limit / SLACK_PART && server.memory.evictable(which) > 0)
    }
}

/// Each box in hand gives up its part of `over` bytes; together they give up all that is beyond the
/// slack. False if there was nothing left to give.
fn give_up(parts: &mut [Box<Shard>], config: &Config, server: &Server, over: u64) -> bool {
    let which = evictable(config.maxmemory_policy);
    let own = |part: &Shard| part.memory_use().evictable(which);
    let in_hand = parts.iter().map(|part| own(part)).sum::<u64>();
    let beyond = over.saturating_sub(config.maxmemory / SLACK_PART);
    let mut left = true;
    for part in parts.iter_mut() {
        let fair = server.memory.part(over, own(part), which);
        let must = MemoryBoard::share(beyond, own(part), in_hand);
        let shed = shed(part, config, server, fair.max(must), tenacity_ns(config));
        part.post_memory();
        left &= shed != Shed::NothingLeft;
    }
    left
}

/// Whether so much is too much that every shard is to give up its part.
pub fn is_called(config: &Config, server: &Server) -> bool {
    let limit = config.maxmemory;
    limit > 0
        && config.maxmemory_policy != EvictionPolicy::NoEviction
        && server.memory.over(limit) > limit / ALARM_PART
}

/// A slice of eviction by a shard's owner, for at most `limit_ns`; gives whether more is to do.
pub fn run_slice(shard: &mut Shard, config: &Config, server: &Server, limit_ns: u64) -> bool {
    let policy = config.maxmemory_policy;
    if config.maxmemory == 0 || policy == EvictionPolicy::NoEviction {
        return false;
    }
    shard.post_memory();
    let over = server.memory.over(config.maxmemory);
    if over == 0 {
        return false;
    }
    let which = evictable(policy);
    let goal = server.memory.part(over, shard.memory_use().evictable(which), which);
    let shed = shed(shard, config, server, goal, limit_ns);
    shard.post_memory();
    shed == Shed::TimeIsOver
}

fn evictable(policy: EvictionPolicy) -> Evictable {
    if policy.is_volatile() { Evictable::Volatile } else { Evictable::All }
}

/// How long one write may be held up, by `maxmemory-eviction-tenacity`: 50 µs for each step up to
/// ten, then 15 % more for each, and without end at 100.
fn tenacity_ns(config: &Config) -> u64 {
    const STEP_NS: u64 = 50_000;
    match u64::from(config.maxmemory_eviction_tenacity) {
        tenacity @ 0..=10 => tenacity * STEP_NS,
        tenacity @ 11..=99 => (10.0 * STEP_NS as f64 * 1.15f64.powi(tenacity as i32 - 10)) as u64,
        _ => u64::MAX,
    }
}

/// How an effort to free memory ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shed {
    Enough,
    TimeIsOver,
    NothingLeft,
}

/// Evicts keys until `goal` bytes are free or `limit_ns` are over.
fn shed(shard: &mut Shard, config: &Config, server: &Server, goal: u64, limit_ns: u64) -> Shed {
    let clock = &server.clock;
    let started = clock.ticks();
    let lazy = config.lazyfree_lazy_eviction;
    let mut freed = 0;
    let mut victims = 0;
    while freed < goal {
        let Some((db, entry)) = take_victim(shard, config) else { return Shed::NothingLeft };
        freed += entry.allocation_size() as u64;
        victims += 1;
        shard.stats.evicted += 1;
        let deleting = clock.ticks();
        removed_by_server(shard, db, entry, lazy, Event::EVICTED);
        server.observe_event(config, "eviction-del", clock.ns_between(deleting, clock.ticks()));
        if victims % VICTIMS_PER_LOOK == 0
            && freed < goal
            && clock.ns_between(started, clock.ticks()) > limit_ns
        {
            return Shed::TimeIsOver;
        }
    }
    Shed::Enough
}

/// Takes out the key to evict next; `None` if there is none that may go.
fn take_victim(shard: &mut Shard, config: &Config) -> Option<(DbIndex, OwnedEntry)> {
    match config.maxmemory_policy {
        EvictionPolicy::NoEviction => None,
        EvictionPolicy::AllkeysRandom | EvictionPolicy::VolatileRandom => {
            take_by_chance(shard, config.maxmemory_policy)
        }
        policy => take_best(shard, config, policy),
    }
}

/// A key by chance, from a database by chance, by their sizes.
fn take_by_chance(shard: &mut Shard, policy: EvictionPolicy) -> Option<(DbIndex, OwnedEntry)> {
    let volatile = policy.is_volatile();
    let Shard { dbs, rng, hasher, .. } = shard;
    let count = |db: &crate::keyspace::Db| if volatile { db.volatile_len() } else { db.len() };
    let total: usize = dbs.iter().map(count).sum();
    let mut at = (total > 0).then(|| rng.usize(..total))?;
    for (index, db) in dbs.iter_mut().enumerate() {
        if at >= count(db) {
            at -= count(db);
            continue;
        }
        let chosen = if volatile { db.random_volatile(rng) } else { db.random(rng) };
        let key = chosen?.key().to_vec();
        let entry = db.remove(&key, hasher.hash(&key))?;
        return Some((DbIndex(index as u16), entry));
    }
    None
}

/// The best candidate after another sampling of every database.
fn take_best(
    shard: &mut Shard,
    config: &Config,
    policy: EvictionPolicy,
) -> Option<(DbIndex, OwnedEntry)> {
    let access = AccessPolicy::of(config);
    let samples = config.maxmemory_samples as usize;
    let Shard { dbs, rng, now_ms, eviction_pool: pool, hasher, .. } = shard;
    pool.measure_by(policy as u64);
    for (index, db) in dbs.iter().enumerate() {
        let offer = |entry: EntryRef<'_>| {
            pool.offer(score(entry, policy, access, *now_ms), DbIndex(index as u16), entry.key());
        };
        if policy.is_volatile() {
            db.sample_volatile(rng, samples, offer);
        } else {
            db.sample(rng, samples, offer);
        }
    }
    while let Some(candidate) = pool.take_best() {
        let db = &mut dbs[candidate.db.0 as usize];
        let hash = hasher.hash(&candidate.key);
        let still_good = db.get(&candidate.key, hash).is_some_and(|entry| {
            // Used since it was sampled, it is worth less than it was.
            score(entry, policy, access, *now_ms) >= candidate.score
                && (!policy.is_volatile() || entry.expiry().is_some())
        });
        let taken = still_good.then(|| db.remove(&candidate.key, hash)).flatten();
        let index = candidate.db;
        pool.recycle(candidate);
        if let Some(entry) = taken {
            return Some((index, entry));
        }
    }
    None
}

/// How good a victim an entry is: the higher, the sooner it goes.
fn score(entry: EntryRef<'_>, policy: EvictionPolicy, access: AccessPolicy, now_ms: i64) -> u64 {
    match policy {
        EvictionPolicy::VolatileTtl => u64::MAX - entry.expiry().unwrap_or(i64::MAX).max(0) as u64,
        _ if policy.is_lfu() => u64::from(255 - frequency(access, entry.access(), now_ms)),
        _ => u64::from(idle_seconds(entry.access(), now_ms)),
    }
}
