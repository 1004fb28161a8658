//! Commands on whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.
//!
//! Those that write run once with all shards together, not as a part per shard. Their effect is one
//! request over the whole keyspace, so it must stand at one point of the stream: if each shard
//! emptied its part at a moment of its own, a key written to a shard that was through already would
//! stand before the `FLUSHALL` of another, and a replay would lose it. With all boxes in hand, what
//! is done to a shard is small: its databases are taken out as wholes.

use super::error::CommandError;
use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group, Merge};
use super::{Args, CommandResult, Read, Write, parse_integer};
use crate::keyspace::{Db, DbIndex, Garbage, KeyHasher, Presence, Shard};
use crate::resp::Writer;

/// DBSIZE, one shard's part of it. Keys that expired but were not met since count as well.
fn dbsize(cx: &mut Read<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let db = cx.db_index().0 as usize;
    let keys: usize = cx.parts().iter().map(|part| part.dbs[db].len()).sum();
    out.int(keys as i64);
    Ok(())
}

/// Who frees the memory of a flush.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Freeing {
    /// This thread, before the reply.
    Sync,
    /// The reclaim thread.
    Async,
}

impl Freeing {
    fn parse(cx: &Write<'_>, args: Args<'_>) -> Result<Freeing, CommandError> {
        match args.len() {
            1 if cx.config().lazyfree_lazy_user_flush => Ok(Freeing::Async),
            1 => Ok(Freeing::Sync),
            2 if args.is(1, "ASYNC") => Ok(Freeing::Async),
            2 if args.is(1, "SYNC") => Ok(Freeing::Sync),
            _ => Err(CommandError::SYNTAX),
        }
    }
}

/// Whether a key is in a database, for the watchers of a database that changes as a whole.
fn presence(db: &Db, hasher: &KeyHasher, now_ms: i64, key: &[u8]) -> Presence {
    match db.get(key, hasher.hash(key)).map(|entry| entry.expiry()) {
        None => Presence::Absent,
        Some(Some(expiry)) if expiry <= now_ms => Presence::Expired,
        Some(_) => Presence::Live,
    }
}

/// Empties database `db` of a shard; gives how many keys were in it.
fn empty(shard: &mut Shard, db: DbIndex, freeing: Freeing) -> usize {
    let Shard { dbs, watch, wait, hasher, now_ms, .. } = shard;
    let database = &mut dbs[db.0 as usize];
    let keys = database.len();
    if keys == 0 {
        return 0;
    }
    if !watch.is_empty() {
        watch.replace_database(db, |key| {
            (presence(database, hasher, *now_ms, key), Presence::Absent)
        });
    }
    wait.touch_database(db);
    let old = database.take_all();
    match freeing {
        Freeing::Sync => drop(old),
        Freeing::Async => (shard.reclaim)(Garbage::Database(Box::new(old))),
    }
    keys
}

/// Empties databases in all boxes in hand, and states it if any key went.
fn flush(
    cx: &mut Write<'_>,
    args: Args<'_>,
    databases: impl Iterator<Item = DbIndex> + Clone,
    out: &mut Writer<'_>,
) -> CommandResult {
    let freeing = Freeing::parse(cx, args)?;
    let mut removed = 0;
    for part in cx.parts_mut() {
        for db in databases.clone() {
            let keys = empty(part, db, freeing);
            part.stats.dirty += keys as u64;
            removed += keys;
        }
    }
    if removed > 0 {
        cx.state_request(args);
    }
    out.ok();
    Ok(())
}

fn flushdb(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let db = cx.db_index();
    flush(cx, args, std::iter::once(db), out)
}

fn flushall(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let databases = cx.config().databases as u16;
    flush(cx, args, (0..databases).map(DbIndex), out)
}

/// The 32-bit number in `text`, as Redis reads database numbers here.
fn index(text: &[u8], error: CommandError) -> Result<i32, CommandError> {
    parse_integer(text).and_then(|index| i32::try_from(index).ok()).ok_or(error)
}

fn swapdb(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let first = index(&args[1], CommandError::INVALID_FIRST_DB)?;
    let second = index(&args[2], CommandError::INVALID_SECOND_DB)?;
    let (first, second) = (cx.database(first.into())?, cx.database(second.into())?);
    if first != second {
        for part in cx.parts_mut() {
            swap(part, first, second);
        }
        cx.parts_mut()[0].stats.dirty += 1;
        cx.state_request(args);
    }
    out.ok();
    Ok(())
}

/// Exchanges two databases of a shard.
fn swap(shard: &mut Shard, first: DbIndex, second: DbIndex) {
    let Shard { dbs, watch, wait, hasher, now_ms, .. } = shard;
    if !watch.is_empty() {
        for (here, there) in [(first, second), (second, first)] {
            let (old, new) = (&dbs[here.0 as usize], &dbs[there.0 as usize]);
            watch.replace_database(here, |key| {
                (presence(old, hasher, *now_ms, key), presence(new, hasher, *now_ms, key))
            });
        }
    }
    dbs.swap(first.0 as usize, second.0 as usize);
    // Who waits goes on waiting in the database of that number, which has other keys now.
    wait.touch_database(first);
    wait.touch_database(second);
}

const FLUSH_TYPE: Arg = Arg::one_of(
    "flush-type",
    &[Arg::token("async", "ASYNC").since("4.0.0"), Arg::token("sync", "SYNC").since("6.2.0")],
)
.optional();
const FLUSH_TIPS: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];
const FLUSH_HISTORY: &[(&str, &str)] = &[
    ("4.0.0", "`ASYNC` leaves the freeing to the background."),
    ("6.2.0", "`SYNC` frees before the reply."),
];
const KEYSPACE_DANGER: Categories = Categories::KEYSPACE.and(Categories::DANGEROUS);

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::read("dbsize", 1, dbsize)
        .fast()
        .every_shard(Merge::Sum)
        .categories(Categories::KEYSPACE)
        .tips(const { &["request_policy:all_shards", "response_policy:agg_sum"] })
        .docs(Group::Server, "1.0.0", "Counts the keys of the database.", "O(1)"),
    Command::write("flushdb", -1, flushdb)
        .flags(Flags::UNBOUNDED)
        .all_together()
        .categories(KEYSPACE_DANGER)
        .args(const { &[FLUSH_TYPE] })
        .tips(FLUSH_TIPS)
        .history(FLUSH_HISTORY)
        .docs(Group::Server, "1.0.0", "Empties the database.", "O(N) for N keys in the database"),
    Command::write("flushall", -1, flushall)
        .flags(Flags::UNBOUNDED)
        .all_together()
        .categories(KEYSPACE_DANGER)
        .args(const { &[FLUSH_TYPE] })
        .tips(FLUSH_TIPS)
        .history(FLUSH_HISTORY)
        .docs(Group::Server, "1.0.0", "Empties all databases.", "O(N) for N keys in all databases"),
    Command::write("swapdb", 3, swapdb)
        .fast()
        .all_together()
        .categories(KEYSPACE_DANGER)
        .args(
            const { &[Arg::new("index1", ArgKind::Integer), Arg::new("index2", ArgKind::Integer)] },
        )
        .docs(
            Group::Server,
            "4.0.0",
            "Exchanges two databases.",
            "O(N) for N clients that watch keys of either database",
        ),
];
