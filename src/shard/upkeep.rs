//! Upkeep: what a shard does when nobody asks. It expires keys, and gives memory back.
//!
//! Upkeep comes in slices of a fixed length, since the shard serves nobody meanwhile; between two
//! slices requests have their turn, and borrowers. What there is to do decides how soon the next
//! slice follows: `hz` times a second while there is little, else as soon as a bounded share of the
//! time allows, which `active-expire-effort` sets.

use std::time::Duration;

use super::execute::Executor;
use super::{evict, expire_cycle};
use crate::config::Config;
use crate::keyspace::Shard;

/// How long one slice may hold up a request: a quarter of the millisecond that a client may notice.
const SLICE_NS: u64 = 250_000;
/// The longest rest after a slice: one that took much longer than it should was preempted, and what
/// the machine gave to others is not what the shard has spent.
const MOST_REST: Duration = Duration::from_millis(10);
/// Percentage of the time that upkeep may take while there is much to do, at effort 1.
const SHARE_PERCENT: u64 = 25;
/// Percentage more for each step of effort.
const SHARE_PER_EFFORT: u64 = 2;

/// What a slice of upkeep asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rest {
    /// How long to leave the shard alone at least.
    pub least: Duration,
    /// How long to leave it alone if nothing calls.
    pub until_next: Duration,
    /// There is more to do.
    pub more: bool,
}

/// Runs a slice over a shard in hand.
pub fn run_slice(shard: &mut Box<Shard>, executor: &Executor) -> Rest {
    let server = &executor.server;
    let config = server.config.load();
    let started = server.clock.ticks();
    let spent_ns = || server.clock.ns_between(started, server.clock.ticks());
    let (mut evicts_more, mut expires_more) = (false, false);
    // Nothing goes by itself while clients are paused (`CLIENT PAUSE`).
    if !is_paused(executor) {
        evicts_more = evict::run_slice(shard, &config, server, SLICE_NS);
        let evicting_ns = spent_ns();
        server.observe_event(&config, "eviction-cycle", evicting_ns);
        let left_ns = SLICE_NS.saturating_sub(evicting_ns);
        expires_more = expire_cycle::run_slice(shard, &config, server, left_ns);
        server.observe_event(&config, "expire-cycle", spent_ns() - evicting_ns);
    }
    executor.serve_after_upkeep(shard);
    executor.journal.collect(shard);
    shard.post_memory();
    let more = evicts_more || expires_more;
    let least = rest_after(&config, spent_ns());
    let regular = Duration::from_nanos(1_000_000_000 / u64::from(config.hz.max(1)));
    Rest { least, until_next: if more { least } else { regular.max(least) }, more }
}

/// How long to rest after `spent_ns` of upkeep, so that it takes no more than its share.
fn rest_after(config: &Config, spent_ns: u64) -> Duration {
    let effort = u64::from(config.active_expire_effort.saturating_sub(1));
    let share = SHARE_PERCENT + SHARE_PER_EFFORT * effort;
    Duration::from_nanos(spent_ns.saturating_mul(100 - share) / share).min(MOST_REST)
}

/// Whether the shards are called to give memory back.
pub fn is_called(executor: &Executor) -> bool {
    evict::is_called(&executor.server.config.load(), &executor.server) && !is_paused(executor)
}

/// Whether clients are paused.
fn is_paused(executor: &Executor) -> bool {
    let server = &executor.server;
    server.pause.current(|| server.clock.unix_ms()).is_some()
}
