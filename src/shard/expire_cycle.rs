//! Active expiry: removing keys whose time is over though nobody asks for them.
//!
//! A cycle goes through the expiry index bucket by bucket from where the last one stopped, so that
//! every volatile key is looked at in turn. It goes on only while what it finds is stale enough to
//! be worth it, and in slices: the shard serves nobody meanwhile.

use crate::clock::Clock;
use crate::command::{fields_expired, removed_by_server};
use crate::config::Config;
use crate::keyspace::{DbIndex, Event, Shard};
use crate::observe::Server;

/// Buckets looked at before the share of stale keys and the time are weighed, at effort 1: some
/// hundred keys.
const BUCKETS_PER_ROUND: usize = 16;
/// Buckets more for each step of effort.
const BUCKETS_PER_EFFORT: usize = 4;
/// Rounds of one slice, whatever the clock says: the bound of its work.
const MOST_ROUNDS: usize = 32;
/// Percentage of stale keys that is tolerated at effort 1; each step of effort tolerates 1 less.
const TOLERATED_PERCENT: u64 = 10;
/// Fields taken out between two looks at the clock.
const FIELDS_PER_LOOK: usize = 64;
/// Weight of one slice in the running estimate of stale keys.
const ESTIMATE_WEIGHT: f64 = 0.05;

/// What a round has seen.
#[derive(Clone, Copy, Default)]
struct Round {
    seen: u64,
    stale: u64,
}

/// Runs one slice over a shard in hand, for `limit_ns` or a little more; gives whether the time was
/// over while there was still much to do.
pub fn run_slice(shard: &mut Shard, config: &Config, server: &Server, limit_ns: u64) -> bool {
    if !shard.active_expire {
        return false;
    }
    let clock = &server.clock;
    let effort = u64::from(config.active_expire_effort.saturating_sub(1));
    let buckets = BUCKETS_PER_ROUND + BUCKETS_PER_EFFORT * effort as usize;
    let tolerated = TOLERATED_PERCENT.saturating_sub(effort);
    let started = clock.ticks();
    let mut total = Round::default();
    let mut limited = expire_fields(shard, clock, started, limit_ns);
    let mut rounds = 0;
    let databases = shard.dbs.len();
    'databases: for _ in 0..databases {
        let db = shard.expire_db % databases;
        while shard.dbs[db].volatile_len() > 0 {
            let round = sweep(shard, db, buckets, config, server);
            total.seen += round.seen;
            total.stale += round.stale;
            if round.stale * 100 <= round.seen * tolerated {
                break;
            }
            rounds += 1;
            if rounds >= MOST_ROUNDS || clock.ns_between(started, clock.ticks()) > limit_ns {
                shard.stats.expire_cycle_limited += 1;
                limited = true;
                break 'databases;
            }
        }
        shard.expire_db = (db + 1) % databases;
    }
    let percent = total.stale as f64 * 100.0 / total.seen.max(1) as f64;
    let estimate = &mut shard.stats.stale_percent;
    *estimate += (percent - *estimate) * ESTIMATE_WEIGHT;
    shard.stats.expire_ns += clock.ns_between(started, clock.ticks());
    limited
}

/// Takes out fields of hashes whose time is over, the longest first: those are known without a
/// search. Half of the slice is theirs at most. Gives whether the time was over before all were out.
fn expire_fields(shard: &mut Shard, clock: &Clock, started: u64, limit_ns: u64) -> bool {
    for db in 0..shard.dbs.len() {
        while let Some(expired) = shard.dbs[db].expire_fields(shard.now_ms, FIELDS_PER_LOOK) {
            fields_expired(shard, DbIndex(db as u16), expired);
            if clock.ns_between(started, clock.ticks()) > limit_ns / 2 {
                return true;
            }
        }
    }
    false
}

/// Looks at some buckets of a database's expiry index and removes what is stale.
fn sweep(shard: &mut Shard, db: usize, buckets: usize, config: &Config, server: &Server) -> Round {
    let now_ms = shard.now_ms;
    let mut due = Vec::new();
    let mut round = Round::default();
    for _ in 0..buckets {
        round.seen += shard.dbs[db].sweep(now_ms, |entry| due.push(entry)) as u64;
        if shard.dbs[db].is_swept() {
            break;
        }
    }
    round.stale = due.len() as u64;
    shard.stats.expired += round.stale;
    let (clock, lazy) = (&server.clock, config.lazyfree_lazy_expire);
    let mut deleting = clock.ticks();
    for entry in due {
        removed_by_server(shard, DbIndex(db as u16), entry, lazy, Event::EXPIRED);
        let deleted = clock.ticks();
        server.observe_event(config, "expire-del", clock.ns_between(deleting, deleted));
        deleting = deleted;
    }
    round
}
