//! OBJECT: what a key looks like from inside.

use super::ONE_KEY;
use crate::command::spec::{Categories, Command, Flags, Group, KeySpec};
use crate::command::{
    AccessPolicy, Args, CommandError, CommandResult, Read, frequency, idle_seconds,
};
use crate::keyspace::{EntryRef, Kind, ObjectRef};
use crate::resp::Writer;

/// Bytes of an object with its key and a string inside (`embstr`), at most: two cache lines.
const EMBEDDED_MAX: usize = 128;
/// Bytes of such an object beside key and string: object header, and the string's own header and
/// end.
const EMBEDDED_FIXED: usize = 8 + 4;
/// What a key takes beside itself: one byte for where it starts, its header, and its end. The
/// header of a key of [`LONG_KEY`] bytes or more has two bytes more.
const EMBEDDED_KEY: usize = 3;
/// See [`EMBEDDED_KEY`].
const LONG_KEY: usize = 32;

/// The name of an entry's encoding. A string that would stand with its key in an object of 128
/// bytes in Valkey is `embstr` here, unless it was changed in place.
pub fn encoding(entry: EntryRef<'_>) -> &'static str {
    let Some(string) = entry.string() else {
        return entry.object().map_or("", ObjectRef::encoding);
    };
    let key = entry.key().len();
    let key = EMBEDDED_KEY + key + if key >= LONG_KEY { 2 } else { 0 };
    match entry.kind() {
        Kind::Int => "int",
        _ if entry.is_raw() => "raw",
        _ if EMBEDDED_FIXED + key + string.len() > EMBEDDED_MAX => "raw",
        _ => "embstr",
    }
}

fn object_encoding(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    match cx.lookup_unmarked(&args.key(2)) {
        None => out.null(),
        Some(entry) => out.bulk(encoding(entry).as_bytes()),
    }
    Ok(())
}

fn object_freq(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let policy = AccessPolicy::of(cx.config());
    let now_ms = cx.now_ms();
    let Some(entry) = cx.lookup_unmarked(&args.key(2)) else {
        out.null();
        return Ok(());
    };
    if policy == AccessPolicy::Lru {
        return Err(CommandError::NO_LFU);
    }
    out.int(frequency(policy, entry.access(), now_ms).into());
    Ok(())
}

fn object_idletime(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let policy = AccessPolicy::of(cx.config());
    let now_ms = cx.now_ms();
    let Some(entry) = cx.lookup_unmarked(&args.key(2)) else {
        out.null();
        return Ok(());
    };
    if policy != AccessPolicy::Lru {
        return Err(CommandError::NO_LRU);
    }
    out.int(idle_seconds(entry.access(), now_ms).into());
    Ok(())
}

/// OBJECT REFCOUNT key: an entry has one owner, its table.
fn object_refcount(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    match cx.lookup_unmarked(&args.key(2)) {
        None => out.null(),
        Some(_) => out.int(1),
    }
    Ok(())
}

fn object_help(_cx: &mut Read<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    const LINES: &[&str] = &[
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Name the encoding in which the value of <key> is kept.",
        "FREQ <key>",
        "    Tell how often <key> is used, as a logarithmic counter. Needs an LFU policy.",
        "IDLETIME <key>",
        "    Tell the seconds since <key> was last used. Needs a policy other than LFU.",
        "REFCOUNT <key>",
        "    Tell how many references the value of <key> has.",
        "HELP",
        "    Print this help.",
    ];
    out.array(LINES.len());
    for line in LINES {
        out.simple(line);
    }
    Ok(())
}

const KEY: &[KeySpec] = &[KeySpec::one(2, "RO")];
const CHANGING: &[&str] = &["nondeterministic_output"];

const SUBCOMMANDS: &[Command] = &[
    Command::read("object|encoding", 3, object_encoding)
        .keys(KEY)
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .tips(CHANGING)
        .docs(Group::Generic, "2.2.3", "Names the encoding of a key's value.", "O(1)"),
    Command::read("object|freq", 3, object_freq)
        .keys(KEY)
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .tips(CHANGING)
        .docs(Group::Generic, "4.0.0", "Tells how often a key is used, by LFU's counter.", "O(1)"),
    Command::inspect("object|help", 2, object_help)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::KEYSPACE)
        .docs(Group::Generic, "6.2.0", "Explains the subcommands.", "O(1)"),
    Command::read("object|idletime", 3, object_idletime)
        .keys(KEY)
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .tips(CHANGING)
        .docs(Group::Generic, "2.2.3", "Tells for how long a key has not been used.", "O(1)"),
    Command::read("object|refcount", 3, object_refcount)
        .keys(KEY)
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .tips(CHANGING)
        .docs(Group::Generic, "2.2.3", "Tells how many references a key's value has.", "O(1)"),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[Command::container("object", SUBCOMMANDS).docs(
    Group::Generic,
    "2.2.3",
    "Looks at keys from inside.",
    "As the subcommand",
)];
