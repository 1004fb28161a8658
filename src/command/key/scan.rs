//! Going through the keys: KEYS, SCAN, RANDOMKEY.
//!
//! A SCAN cursor is `table cursor × shards + shard`: the acceptor sends the call to the shard that
//! the cursor names, and 0 begins with the first shard's first bucket. When a shard's table is
//! through, the scan goes on in the next one; so the guarantee of one table ("what is there from
//! the first call to the last is seen") holds over all of them.

use crate::command::error::unknown_type;
use crate::command::spec::{Arg, ArgKind, Categories, Command, Flags, Group, Merge};
use crate::command::{Args, CommandError, CommandResult, Read, parse_cursor, require};
use crate::glob::{self, Case};
use crate::keyspace::{Db, EntryRef};
use crate::resp::Writer;

/// Elements that SCAN looks at if COUNT says nothing.
const DEFAULT_COUNT: u64 = 10;
/// Elements that one call of SCAN looks at, whatever COUNT says: a few milliseconds. COUNT is a
/// hint, and a shard serves nobody else meanwhile.
const MOST_COUNT: u64 = 50_000;
/// Buckets without a key that one call of SCAN passes for each element of COUNT, as Redis does.
const EMPTY_PER_ELEMENT: u64 = 10;

/// What SCAN shall find.
struct ScanOptions<'a> {
    pattern: Option<&'a [u8]>,
    count: u64,
    kind: Option<&'static str>,
}

/// The types that SCAN's TYPE option knows.
const TYPES: &[&str] = &["string", "list", "set", "zset", "hash", "stream"];

impl<'a> ScanOptions<'a> {
    /// Reads the options from argument 2 on.
    fn parse(args: Args<'a>) -> Result<ScanOptions<'a>, CommandError> {
        let mut options = ScanOptions { pattern: None, count: DEFAULT_COUNT, kind: None };
        let mut at = 2;
        while let Some(word) = args.get(at) {
            let value = args.get(at + 1);
            match value {
                Some(_) if args.is(at, "COUNT") => {
                    let count = args.integer(at + 1)?;
                    require(count >= 1)?;
                    options.count = (count as u64).min(MOST_COUNT);
                }
                Some(pattern) if args.is(at, "MATCH") => {
                    options.pattern = (pattern != b"*").then_some(pattern);
                }
                Some(name) if args.is(at, "TYPE") => {
                    let known =
                        TYPES.iter().find(|kind| kind.as_bytes().eq_ignore_ascii_case(name));
                    options.kind = Some(known.ok_or_else(|| unknown_type(name))?);
                }
                _ if word.eq_ignore_ascii_case(b"NOVALUES") => {
                    return Err(CommandError::NOVALUES_OUTSIDE_HSCAN);
                }
                _ => return Err(CommandError::SYNTAX),
            }
            at += 2;
        }
        Ok(options)
    }

    fn takes(&self, entry: EntryRef<'_>) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, entry.key(), Case::Sensitive))
            && self.kind.is_none_or(|kind| kind == entry.type_name())
    }
}

/// Visits buckets of `db` from `cursor` on until enough was seen; gives the next cursor.
fn walk<'a>(db: &'a Db, mut cursor: u64, count: u64, mut visit: impl FnMut(EntryRef<'a>)) -> u64 {
    let mut seen = 0;
    for _ in 0..count.saturating_mul(EMPTY_PER_ELEMENT) {
        cursor = db.scan(cursor, |entry| {
            seen += 1;
            visit(entry);
        });
        if cursor == 0 || seen >= count {
            break;
        }
    }
    cursor
}

fn scan(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let cursor = parse_cursor(&args[1])?;
    let options = ScanOptions::parse(args)?;
    let shards = cx.shard_count().get() as u64;
    let (table_cursor, shard) = (cursor / shards, cursor % shards);
    let db_index = cx.db_index();
    let mut found: Vec<&[u8]> = Vec::new();
    let mut expired: Vec<Vec<u8>> = Vec::new();
    let mut next = 0;
    if let Some(part) = cx.part(shard as usize) {
        let now_ms = part.now_ms;
        next = walk(&part.dbs[db_index.0 as usize], table_cursor, options.count, |entry| {
            if !options.takes(entry) {
                return;
            }
            match entry.expiry() {
                Some(expiry) if expiry <= now_ms => expired.push(entry.key().to_vec()),
                _ => found.push(entry.key()),
            }
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
        // A look is what removes a key whose time is over.
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

fn randomkey(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let db = cx.db_index().0 as usize;
    let mut rng = cx.rng().fork();
    while let Some((key, expired)) = draw(cx, db, &mut rng) {
        if !expired {
            out.bulk(&key);
            return Ok(());
        }
        // A look removes a key whose time is over, so this ends.
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
