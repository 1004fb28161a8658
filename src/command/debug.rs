//! DEBUG: what those who test a server need.
//!
//! It runs with every box in hand, on their owners: a command that sleeps or panics does so where
//! the data is, and nobody's commands go on meanwhile. `enable-debug-command` says who may.
//!
//! `digest` tells whether two servers have the same data, `encoding` how values are kept.

mod digest;
mod encoding;

use std::time::Duration;

use super::spec::{Command, Flags, Group};
use super::{Args, CommandError, CommandResult, Write};
use crate::config::Peer;
use crate::glob::{Case, matches};
use crate::keyspace::{Db, Value};
use crate::resp::{Proto, Writer};

/// DEBUG subcommand [argument …]
fn debug(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    check_access(cx)?;
    let word = args[1].to_ascii_uppercase();
    match (word.as_slice(), args.len()) {
        (b"HELP", 2) => super::help::write(out, "DEBUG", HELP),
        (b"SLEEP", 3) => sleep(cx, &args[2], out),
        (b"DIGEST", 2) => digest::of_all(cx, out),
        (b"DIGEST-VALUE", 2..) => digest::of_values(cx, args, out),
        (b"OBJECT", 3 | 4) => return encoding::object(cx, args, out),
        (b"SDSLEN", 3) => return encoding::string_lengths(cx, args, out),
        (b"LISTPACK", 3) => return encoding::listpack(cx, args, out),
        (b"QUICKLIST", 3 | 4) => return encoding::quicklist(cx, args, out),
        (b"QUICKLIST-PACKED-THRESHOLD", 3) => {
            return encoding::set_packed_threshold(cx, &args[2], out);
        }
        (b"SET-ACTIVE-EXPIRE", 3) => set_active_expire(cx, &args[2], out),
        (b"STRINGMATCH-LEN", 4) => {
            out.int(i64::from(matches(&args[2], &args[3], Case::Sensitive)));
        }
        (b"PROTOCOL", 3) => return protocol(&args[2], out),
        (b"HTSTATS", 3 | 4) => return table_stats(cx, args, out),
        (b"HTSTATS-KEY", 3 | 4) => return table_stats_of_key(cx, args),
        (b"CHANGE-REPL-ID", 2) => out.ok(),
        (b"POPULATE", 3..=5) => return populate(cx, args, out),
        (b"ERROR", 3) => return Err(CommandError::made(args[2].to_vec())),
        (b"LOG", 3) => {
            tracing::warn!("DEBUG LOG: {}", String::from_utf8_lossy(&args[2]));
            out.ok();
        }
        (b"PANIC", 2) => panic!("DEBUG PANIC asked for it"),
        _ => {
            let text = [
                b"ERR unknown subcommand or wrong number of arguments for '",
                &args[1],
                b"'. Try DEBUG HELP.",
            ];
            return Err(CommandError::made(text.concat()));
        }
    }
    Ok(())
}

/// Fails unless this client may use DEBUG.
fn check_access(cx: &Write<'_>) -> CommandResult {
    let card = cx.server().clients.get(cx.call().client);
    let peer = card.map_or(Peer::Remote, |card| card.peer());
    if cx.config().enable_debug_command.allows(peer) {
        return Ok(());
    }
    Err(CommandError::fixed(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you \
         can run it from a local connection, otherwise you need to set this option in the \
         configuration file, and then restart the server.",
    ))
}

/// DEBUG SLEEP seconds: what is no number sleeps for no time.
fn sleep(cx: &Write<'_>, seconds: &[u8], out: &mut Writer<'_>) {
    let seconds = std::str::from_utf8(seconds).ok().and_then(|text| text.parse::<f64>().ok());
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    cx.server().clock.sleep(time.unwrap_or_default());
    out.ok();
}

/// DEBUG SET-ACTIVE-EXPIRE 0|1
fn set_active_expire(cx: &mut Write<'_>, on: &[u8], out: &mut Writer<'_>) {
    let on = super::parse_integer(on).unwrap_or(0) != 0;
    for part in cx.parts_mut() {
        part.active_expire = on;
    }
    out.ok();
}

/// DEBUG PROTOCOL type: one reply of every type, for those who write clients.
#[expect(clippy::approx_constant, reason = "the very number that clients' tests look for")]
fn protocol(kind: &[u8], out: &mut Writer<'_>) -> CommandResult {
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => out.bulk(b"Hello World"),
        b"integer" => out.int(12_345),
        b"double" => out.double(3.141),
        b"null" => out.null(),
        b"array" => {
            out.array(3);
            (0..3).for_each(|n| out.int(n));
        }
        b"set" => {
            out.set(3);
            (0..3).for_each(|n| out.int(n));
        }
        b"map" => {
            out.map(3);
            for n in 0..3 {
                out.int(n);
                out.boolean(n == 1);
            }
        }
        b"attrib" => {
            if out.attribute(1) {
                out.bulk(b"key-popularity");
                out.array(2);
                out.bulk(b"key:123");
                out.int(90);
            }
            out.bulk(b"Some real reply following the attribute");
        }
        b"push" => {
            if out.proto() == Proto::Resp2 {
                return Err(CommandError::fixed("ERR RESP2 is not supported by this command"));
            }
            out.bulk(b"The reply, sent before the push message");
            out.push(2);
            out.bulk(b"server-cpu-usage");
            out.int(42);
        }
        b"verbatim" => out.verbatim("txt", b"This is a verbatim\nstring"),
        b"true" => out.boolean(true),
        b"false" => out.boolean(false),
        b"bignum" => out.big_number(b"1234567999999999999999999999999999999"),
        _ => {
            return Err(CommandError::fixed(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}

/// DEBUG HTSTATS db [FULL]: the tables of every shard's part of a logical database.
fn table_stats(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let db = usize::try_from(args.integer(2)?).ok();
    let db = db.filter(|&db| db < cx.config().databases as usize);
    let db = db.ok_or(CommandError::fixed("ERR Out of range database"))?;
    let mut text = String::new();
    for (title, is_main) in [("[Dictionary HT]\n", true), ("[Expires HT]\n", false)] {
        text.push_str(title);
        for part in cx.parts() {
            describe_table(&part.dbs[db], part.number, is_main, &mut text);
        }
    }
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

/// Appends the figures of a table that is not empty.
fn describe_table(db: &Db, shard: u16, is_main: bool, text: &mut String) {
    let stats = db.stats();
    let table = if is_main { stats.entries } else { stats.volatile };
    if table.len == 0 {
        return;
    }
    text.push_str(&format!(
        "Hash table of shard {shard}:\n number of entries: {}\n directory: {} entries, {} bits\n \
         segments: {}\n overflow buckets: {}\n splits: {}\n merges: {}\n elements moved: {}\n \
         bytes: {}\n",
        table.len,
        table.directory,
        table.depth,
        table.segments,
        table.overflow_buckets,
        table.splits,
        table.merges,
        table.moved,
        table.bytes,
    ));
}

/// DEBUG HTSTATS-KEY key [FULL]: no value here is a hash table.
fn table_stats_of_key(cx: &mut Write<'_>, args: Args<'_>) -> CommandResult {
    cx.peek(&args.key(2)).ok_or(CommandError::NO_SUCH_KEY)?;
    Err(CommandError::fixed(
        "ERR The value stored at the specified key is not represented using an hash table",
    ))
}

/// DEBUG POPULATE count [prefix [size]]: keys that are there already stay as they are. Nothing
/// of it is journalled, as in Redis.
fn populate(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let count = super::parse_integer(&args[2])
        .filter(|&count| count >= 0)
        .ok_or(CommandError::fixed("ERR value is out of range, must be positive"))?;
    let prefix = args.get(3).unwrap_or(b"key");
    let size = match args.len() {
        5 => usize::try_from(args.integer(4)?).unwrap_or(0),
        _ => 0,
    };
    let db = cx.db_index();
    for number in 0..count {
        let name = [prefix, b":", itoa::Buffer::new().format(number).as_bytes()].concat();
        let key = args.hash_key(&name);
        if cx.peek(&key).is_some() {
            continue;
        }
        let mut value = [b"value:", itoa::Buffer::new().format(number).as_bytes()].concat();
        if size > 0 {
            value.resize(size, 0);
        }
        cx.store_in(db, &key, Value::encode(&value), None);
    }
    out.ok();
    Ok(())
}

const HELP: &[&str] = &[
    "CHANGE-REPL-ID",
    "    Nothing: there are no replicas that would notice.",
    "DIGEST",
    "    A SHA-1 digest of all databases: Valkey's of the same data is the same.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    Such a digest of the value of each key.",
    "ERROR <text>",
    "    Answer with this error.",
    "HTSTATS <db> [FULL]",
    "    Figures of the hash tables of a logical database, by shard.",
    "HTSTATS-KEY <key> [FULL]",
    "    An error: no value is kept in a hash table of that kind.",
    "LISTPACK <key>",
    "    Write the listpack that a value is kept in into the log.",
    "LOG <message>",
    "    Write a line into the log.",
    "OBJECT <key> [FAST]",
    "    How the value of a key is kept; without what takes long to tell if FAST.",
    "PANIC",
    "    End the server as a mistake of its own would.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Make keys <prefix>:0, <prefix>:1, ..., with values of that many bytes.",
    "PROTOCOL <type>",
    "    A reply of this type: string, integer, double, bignum, null, array, set, map, attrib,",
    "    push, verbatim, true, false.",
    "QUICKLIST <key> [0|1]",
    "    Write the nodes of a quicklist into the log, with 1 their elements as well.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    Let elements of so many bytes stand alone in their quicklists; 0: those above the limit.",
    "SDSLEN <key>",
    "    How long a key and its string are, and what is allocated for them.",
    "SET-ACTIVE-EXPIRE (0|1)",
    "    Whether keys are removed when their time is over though nobody asks for them.",
    "SLEEP <seconds>",
    "    Let every shard sleep.",
    "STRINGMATCH-LEN <pattern> <text>",
    "    Whether the glob pattern describes the text.",
];

/// The rows of the family.
pub const TABLE: &[Command] = &[Command::keep("debug", -2, debug)
    .flags(
        Flags::ADMIN
            .and(Flags::NOSCRIPT)
            .and(Flags::LOADING)
            .and(Flags::STALE)
            .and(Flags::UNBOUNDED)
            .and(Flags::BARRIER)
            .and(Flags::SYSCMD),
    )
    .all_together()
    .docs(
        Group::Server,
        "1.0.0",
        "Tools for those who test the server.",
        "Depends on the subcommand.",
    )];
