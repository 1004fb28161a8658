//! Going through the keys: KEYS, SCAN, RANDOMKEY.
//!
//! A SCAN cursor is `table cursor × shards + shard`: the acceptor sends the call to the shard that
//! the cursor names, and 0 begins with the first shard's first bucket. When a shard's table is
//! through, the scan goes on in the next one; so the guarantee of one table ("what is there from
//! the first call to the last is seen") holds over all of them.

use crate::command::scan_options::{ScanOptions, Scanned, walk};
use crate::command::spec::{Arg, ArgKind, Categories, Command, Flags, Group, Merge};
use crate::command::{Args, CommandResult, Read, parse_cursor};
use crate::glob::{self, Case};
use crate::resp::Writer;

fn scan(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let cursor = parse_cursor(&args[1])?;
    let options = ScanOptions::parse(args, 2, Scanned::Keys)?;
    let shards = cx.shard_count().get() as u64;
    let (table_cursor, shard) = (cursor / shards, cursor % shards);
    let db_index = cx.db_index();
    let mut found: Vec<&[u8]> = Vec::new();
    let mut expired: Vec<Vec<u8>> = Vec::new();
    let mut next = 0;
    if let Some(part) = cx.part(shard as usize) {
        let now_ms = part.now_ms;
        let db = &part.dbs[db_index.0 as usize];
        next = walk(table_cursor, options.count, |cursor, seen| {
            db.scan(cursor, |entry| {
                *seen += 1;
                if !options.takes(entry.key()) || !options.takes_type(entry.type_name()) {
                    return;
                }
                match entry.expiry() {
                    Some(expiry) if expiry <= now_ms => expired.push(entry.key().to_vec()),
                    _ => found.push(entry.key()),
                }
            })
        });
    }
    let next = match next {
        0 => (shard + 1) % shards,
        table_cursor => table_cursor * shards + shard,
    };
    let mut digits = itoa::Buffer::new();
    out.array(2);
    out.bulk(digits.format(next).as_bytes());
    out.array(found.len());
    for key in found {
        out.bulk(key);
    }
    for key in expired {
        // A look is what removes a key whose time is over, if it is not kept.
        cx.peek(&args.hash_key(&key));
    }
    Ok(())
}

/// KEYS pattern, one shard's part of it. Expired keys are passed over, not removed.
fn keys(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let pattern = &args[1];
    let everything = pattern == b"*";
    let now_ms = cx.now_ms();
    let mut count = 0;
    let header = out.deferred_array();
    for part in cx.parts() {
        part.dbs[cx.db_index().0 as usize].for_each(|entry| {
            let alive = entry.expiry().is_none_or(|expiry| expiry > now_ms);
            if alive && (everything || glob::matches(pattern, entry.key(), Case::Sensitive)) {
                out.bulk(entry.key());
                count += 1;
            }
        });
    }
    out.finish_array(header, count);
    Ok(())
}

/// Keys whose time is over that RANDOMKEY draws while they are kept before it gives one of them, as
/// Valkey does where no other key is left.
const MOST_KEPT_DRAWS: usize = 100;

fn randomkey(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let db = cx.db_index().0 as usize;
    let mut rng = cx.rng().fork();
    let mut kept = 0;
    while let Some((key, expired)) = draw(cx, db, &mut rng) {
        kept += usize::from(expired && cx.keeps_expired());
        if !expired || kept == MOST_KEPT_DRAWS {
            out.bulk(&key);
            return Ok(());
        }
        // A look removes a key whose time is over unless it is kept, so this ends.
        cx.peek(&args.hash_key(&key));
    }
    out.null();
    Ok(())
}

/// A key by chance out of all boxes in hand, and whether its time is over.
fn draw(cx: &Read<'_>, db: usize, rng: &mut fastrand::Rng) -> Option<(Vec<u8>, bool)> {
    let total: usize = cx.parts().iter().map(|part| part.dbs[db].len()).sum();
    let mut at = (total > 0).then(|| rng.usize(..total))?;
    let part = cx.parts().iter().find(|part| {
        let len = part.dbs[db].len();
        let here = at < len;
        at = at.saturating_sub(len);
        here
    })?;
    let entry = part.dbs[db].random(rng)?;
    Some((entry.key().to_vec(), cx.is_expired(entry)))
}

/// The rows of the family.
pub const TABLE: &[Command] =
    &[
        Command::read("keys", 2, keys)
            .flags(Flags::UNBOUNDED)
            .every_shard(Merge::Concat)
            .categories(Categories::KEYSPACE.and(Categories::DANGEROUS))
            .args(const { &[Arg::new("pattern", ArgKind::Pattern)] })
            .tips(const { &["request_policy:all_shards", "nondeterministic_output_order"] })
            .docs(
                Group::Generic,
                "1.0.0",
                "Lists all keys of the database whose names match a pattern.",
                "O(N) for N keys in the database, if names and pattern are of limited length",
            ),
        Command::read("scan", -2, scan)
            .cursor()
            .categories(Categories::KEYSPACE)
            .args(
                const {
                    &[
                        Arg::new("cursor", ArgKind::Integer),
                        Arg::new("pattern", ArgKind::Pattern).with_token("MATCH").optional(),
                        Arg::new("count", ArgKind::Integer).with_token("COUNT").optional(),
                        Arg::new("type", ArgKind::String)
                            .with_token("TYPE")
                            .since("6.0.0")
                            .optional(),
                    ]
                },
            )
            .tips(
                const {
                    &[
                        "nondeterministic_output",
                        "request_policy:special",
                        "response_policy:special",
                    ]
                },
            )
            .history(const { &[("6.0.0", "The option `TYPE`.")] })
            .docs(
                Group::Generic,
                "2.8.0",
                "Lists the keys of the database piece by piece.",
                "O(1) for a call, O(N) for all calls until the cursor is 0 again, for N keys",
            ),
        Command::read("randomkey", 1, randomkey)
            .all_together()
            .categories(Categories::KEYSPACE)
            .tips(
                const {
                    &[
                        "request_policy:all_shards",
                        "response_policy:special",
                        "nondeterministic_output",
                    ]
                },
            )
            .docs(Group::Generic, "1.0.0", "Gives one of the database's keys by chance.", "O(1)"),
    ];
