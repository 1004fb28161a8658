//! DUMP and RESTORE: values as payloads that move between servers.

use super::ONE_KEY;
use crate::command::hash::limits as hash_limits;
use crate::command::list::limits as list_limits;
use crate::command::set::limits as set_limits;
use crate::command::spec::{Arg, ArgKind, Categories, Command, Flags, Group, KeySpec};
use crate::command::zset::limits as zset_limits;
use crate::command::{
    AccessPolicy, Args, CommandError, CommandResult, Effect, Key, Read, Write, access_of_frequency,
    access_of_idle, created,
};
use crate::config::VersionCheck;
use crate::keyspace::{Event, Value};
use crate::resp::Writer;
use crate::snapshot::{self, PayloadError, Restored};

const RESTORE: Event = Event::generic("restore");

/// DUMP key
fn dump(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    match cx.lookup(&args.key(1)) {
        None => out.null(),
        Some(entry) => out.bulk_shared(&snapshot::dump(entry).into()),
    }
    Ok(())
}

fn refused(error: PayloadError) -> CommandError {
    CommandError::fixed(match error {
        PayloadError::Footer => "ERR DUMP payload version or checksum are wrong",
        PayloadError::Value => "ERR Bad data format",
    })
}

/// What a restored key's access field is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// It was used just now.
    Now,
    /// It was last used so many seconds ago.
    Idle(u64),
    /// Its LFU counter is this.
    Frequency(u8),
}

/// The options of RESTORE.
struct Options {
    replaces: bool,
    is_absolute: bool,
    access: Access,
}

fn options(args: Args<'_>) -> Result<Options, CommandError> {
    const IDLETIME: CommandError = CommandError::fixed("ERR Invalid IDLETIME value, must be >= 0");
    const FREQ: CommandError =
        CommandError::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255");
    let mut options = Options { replaces: false, is_absolute: false, access: Access::Now };
    let mut at = 4;
    while at < args.len() {
        let has_value = at + 1 < args.len();
        match (args, options.access) {
            (args, _) if args.is(at, "REPLACE") => options.replaces = true,
            (args, _) if args.is(at, "ABSTTL") => options.is_absolute = true,
            (args, Access::Now | Access::Idle(_)) if args.is(at, "IDLETIME") && has_value => {
                let seconds = u64::try_from(args.integer(at + 1)?).map_err(|_| IDLETIME)?;
                options.access = Access::Idle(seconds);
                at += 1;
            }
            (args, Access::Now | Access::Frequency(_)) if args.is(at, "FREQ") && has_value => {
                let counter = u8::try_from(args.integer(at + 1)?).map_err(|_| FREQ)?;
                options.access = Access::Frequency(counter);
                at += 1;
            }
            _ => return Err(CommandError::SYNTAX),
        }
        at += 1;
    }
    Ok(options)
}

/// RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]
fn restore(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let options = options(args)?;
    let key = args.key(1);
    if !options.replaces && cx.seek(&key).is_some() {
        return Err(CommandError::fixed("BUSYKEY Target key name already exists."));
    }
    let ttl = args.integer(2)?;
    if ttl < 0 {
        return Err(CommandError::fixed("ERR Invalid TTL value, must be >= 0"));
    }
    let restored = snapshot::restore(&args[3], &limits(cx)).map_err(refused)?;
    let expiry = match ttl {
        0 => None,
        at if options.is_absolute => Some(at),
        // One that is out of range is long past, as in Redis.
        after => Some(after.wrapping_add(cx.now_ms())),
    };
    let value = match restored {
        _ if expiry.is_some_and(|at| at <= cx.now_ms()) => None,
        Restored::String(text) => Some(Value::encode_shared(text.into())),
        Restored::Object(object) => Some(Value::Object(object)),
        Restored::Expired => None,
    };
    match value {
        None => remove_replaced(cx, &key),
        Some(value) => {
            store(cx, &key, value, expiry, options.access);
            state(cx, &key, args, expiry.filter(|_| !options.is_absolute));
        }
    }
    out.ok();
    Ok(())
}

/// What the configuration says about values.
fn limits<'a>(cx: &Read<'a>) -> snapshot::Limits<'a> {
    snapshot::Limits {
        string_max: cx.config().proto_max_bulk_len,
        any_version: cx.config().rdb_version_check == VersionCheck::Relaxed,
        now_ms: cx.now_ms(),
        hash: hash_limits(cx),
        list: list_limits(cx),
        set: set_limits(cx),
        zset: zset_limits(cx),
    }
}

/// The value that was to be stored is past its time already: only what it replaces goes.
fn remove_replaced(cx: &mut Write<'_>, key: &Key<'_>) {
    let lazy = cx.config().lazyfree_lazy_server_del;
    let command: &[u8] = if lazy { b"UNLINK" } else { b"DEL" };
    if cx.remove(key, lazy) {
        cx.changed(key, Event::DEL, Effect::Rewrite(&[command, key.bytes]));
    }
}

fn store(cx: &mut Write<'_>, key: &Key<'_>, value: Value<'_>, expiry: Option<i64>, access: Access) {
    cx.store(key, value, expiry);
    let (policy, now_ms) = (AccessPolicy::of(cx.config()), cx.now_ms());
    let field = match (access, policy) {
        (Access::Idle(seconds), AccessPolicy::Lru) => access_of_idle(seconds, now_ms),
        (Access::Frequency(counter), AccessPolicy::Lfu { .. }) => {
            access_of_frequency(counter, now_ms)
        }
        // Whatever stood here before: it is a new key.
        _ => created(policy, now_ms),
    };
    if let Some(entry) = cx.peek(key) {
        entry.set_access(field);
    }
}

/// States the request; a time to live that was relative as the point in time that it means.
fn state(cx: &mut Write<'_>, key: &Key<'_>, args: Args<'_>, expiry: Option<i64>) {
    let Some(expiry) = expiry else {
        return cx.changed(key, RESTORE, Effect::Verbatim(args));
    };
    let mut digits = itoa::Buffer::new();
    let mut words: Vec<&[u8]> = args.iter().collect();
    words[2] = digits.format(expiry).as_bytes();
    words.push(b"ABSTTL");
    cx.changed(key, RESTORE, Effect::Rewrite(&words));
}

const RESTORE_HISTORY: &[(&str, &str)] = &[
    ("3.0.0", "New option `REPLACE`."),
    ("5.0.0", "New option `ABSTTL`."),
    ("5.0.0", "New options `IDLETIME` and `FREQ`."),
];
const RESTORE_COMPLEXITY: &str = "O(N) for a payload of N bytes; O(N log N) for sorted sets";

const RESTORE_ARGS: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("ttl", ArgKind::Integer),
    Arg::new("serialized-value", ArgKind::String),
    Arg::token("replace", "REPLACE").since("3.0.0").optional(),
    Arg::token("absttl", "ABSTTL").since("5.0.0").optional(),
    Arg::new("seconds", ArgKind::Integer).with_token("IDLETIME").since("5.0.0").optional(),
    Arg::new("frequency", ArgKind::Integer).with_token("FREQ").since("5.0.0").optional(),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::read("dump", 2, dump)
        .keys(const { &[KeySpec::one(1, "RO access")] })
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .tips(const { &["nondeterministic_output"] })
        .docs(
            Group::Generic,
            "2.6.0",
            "Gives a key's value as a payload that RESTORE takes.",
            "O(N) for a value of N bytes",
        ),
    Command::write("restore", -4, restore)
        .keys(const { &[KeySpec::one(1, "OW update")] })
        .denyoom()
        .categories(Categories::KEYSPACE.and(Categories::DANGEROUS))
        .args(RESTORE_ARGS)
        .history(RESTORE_HISTORY)
        .docs(
            Group::Generic,
            "2.6.0",
            "Gives a key the value of a payload that DUMP gave.",
            RESTORE_COMPLEXITY,
        ),
    Command::write("restore-asking", -4, restore)
        .keys(const { &[KeySpec::one(1, "OW update")] })
        .denyoom()
        .flags(Flags::ASKING.and(Flags::SYSCMD))
        .categories(Categories::KEYSPACE.and(Categories::DANGEROUS))
        .args(RESTORE_ARGS)
        .history(RESTORE_HISTORY)
        .docs(
            Group::Server,
            "3.0.0",
            "RESTORE of a key whose slot is on its way to this node.",
            RESTORE_COMPLEXITY,
        ),
];
