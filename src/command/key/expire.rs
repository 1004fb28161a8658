//! Expiries of keys: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, PERSIST, and the commands that ask.
//!
//! Inside, an expiry is always a point in Unix milliseconds; the four ways to set one differ only
//! in unit and origin. Their effect is always `PEXPIREAT key ms`, so that a replay needs no clock.

use std::ops::Range;

use super::{ONE_KEY, Read};
use crate::command::error::{CommandError, invalid_expire, shown_up_to};
use crate::command::spec::{Arg, ArgKind, Categories, Command, Group, KeySpec};
use crate::command::{Args, CommandResult, Effect, Write};
use crate::keyspace::Event;
use crate::resp::Writer;

/// Unit of a time argument or reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Milliseconds,
}

/// When a new expiry takes effect.
#[derive(Clone, Copy, Default)]
pub struct Condition {
    /// Only if there is none.
    nx: bool,
    /// Only if there is one.
    xx: bool,
    /// Only if it is later than the present one; none at all counts as never.
    gt: bool,
    /// Only if it is earlier than the present one.
    lt: bool,
}

impl Condition {
    /// Reads the options at these positions.
    pub fn parse(args: Args<'_>, options: Range<usize>) -> Result<Condition, CommandError> {
        let mut condition = Condition::default();
        for at in options {
            match () {
                () if args.is(at, "NX") => condition.nx = true,
                () if args.is(at, "XX") => condition.xx = true,
                () if args.is(at, "GT") => condition.gt = true,
                () if args.is(at, "LT") => condition.lt = true,
                () => return Err(unsupported_option(&args[at])),
            }
        }
        let Condition { nx, xx, gt, lt } = condition;
        if nx && (xx || gt || lt) {
            return Err(CommandError::NX_WITH_OTHERS);
        }
        if gt && lt {
            return Err(CommandError::GT_WITH_LT);
        }
        Ok(condition)
    }

    /// Whether an expiry at `when` may take the place of `current`.
    pub fn allows(self, current: Option<i64>, when: i64) -> bool {
        match current {
            None => !self.xx && !self.gt,
            Some(_) if self.nx => false,
            Some(current) => !(self.gt && when <= current || self.lt && when >= current),
        }
    }
}

fn unsupported_option(option: &[u8]) -> CommandError {
    let shown = shown_up_to(option, option.len());
    CommandError::made([b"ERR Unsupported option ", shown].concat())
}

/// The time in argument 2 as Unix milliseconds, `origin_ms` added.
fn expiry_argument(
    args: Args<'_>,
    unit: Unit,
    origin_ms: i64,
    name: &str,
) -> Result<i64, CommandError> {
    let given = args.integer(2)?;
    let ms = match unit {
        Unit::Seconds => given.checked_mul(1000),
        Unit::Milliseconds => Some(given),
    };
    ms.and_then(|ms| ms.checked_add(origin_ms)).ok_or_else(|| invalid_expire(name))
}

fn set_expiry(
    cx: &mut Write<'_>,
    args: Args<'_>,
    unit: Unit,
    origin_ms: i64,
    out: &mut Writer<'_>,
) -> CommandResult {
    let condition = Condition::parse(args, 3..args.len())?;
    let when = expiry_argument(args, unit, origin_ms, cx.call().command.name)?;
    let key = args.key(1);
    let Some(current) = cx.peek(&key).map(|entry| entry.expiry()) else {
        out.int(0);
        return Ok(());
    };
    if !condition.allows(current, when) {
        out.int(0);
        return Ok(());
    }
    if when <= cx.now_ms() {
        cx.expire_now(&key);
    } else {
        cx.set_expiry(&key, Some(when));
        let mut digits = itoa::Buffer::new();
        let effect: [&[u8]; 3] = [b"PEXPIREAT", key.bytes, digits.format(when).as_bytes()];
        cx.changed(&key, Event::EXPIRE, Effect::Rewrite(&effect));
    }
    out.int(1);
    Ok(())
}

fn expire(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_ms = cx.now_ms();
    set_expiry(cx, args, Unit::Seconds, now_ms, out)
}

fn pexpire(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_ms = cx.now_ms();
    set_expiry(cx, args, Unit::Milliseconds, now_ms, out)
}

fn expireat(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    set_expiry(cx, args, Unit::Seconds, 0, out)
}

fn pexpireat(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    set_expiry(cx, args, Unit::Milliseconds, 0, out)
}

fn persist(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let has_expiry = cx.peek(&key).is_some_and(|entry| entry.expiry().is_some());
    if has_expiry {
        cx.set_expiry(&key, None);
        cx.changed(&key, Event::PERSIST, Effect::Verbatim(args));
    }
    out.int(i64::from(has_expiry));
    Ok(())
}

/// Answers -2 for no key, -1 for a key that stays, else what `tell` makes of the expiry and now.
fn tell_expiry(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
    tell: impl FnOnce(i64, i64) -> i64,
) -> CommandResult {
    let now_ms = cx.now_ms();
    let reply = match cx.lookup_unmarked(&args.key(1)).map(|entry| entry.expiry()) {
        None => -2,
        Some(None) => -1,
        Some(Some(expiry)) => tell(expiry, now_ms),
    };
    out.int(reply);
    Ok(())
}

/// Milliseconds as seconds, rounded to the nearest.
fn rounded_seconds(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

fn ttl(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    tell_expiry(cx, args, out, |expiry, now_ms| rounded_seconds(expiry - now_ms))
}

fn pttl(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    tell_expiry(cx, args, out, |expiry, now_ms| expiry - now_ms)
}

fn expiretime(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    tell_expiry(cx, args, out, |expiry, _| rounded_seconds(expiry))
}

fn pexpiretime(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    tell_expiry(cx, args, out, |expiry, _| expiry)
}

const CONDITION: Arg = Arg::one_of(
    "condition",
    &[
        Arg::token("nx", "NX"),
        Arg::token("xx", "XX"),
        Arg::token("gt", "GT"),
        Arg::token("lt", "LT"),
    ],
)
.since("7.0.0")
.optional();

const OPTIONS_SINCE: &[(&str, &str)] = &[("7.0.0", "The options `NX`, `XX`, `GT` and `LT`.")];
const NO_KEY_SINCE: &[(&str, &str)] = &[("2.8.0", "-2 tells a missing key from one that stays.")];
const RW: &[KeySpec] = &[KeySpec::one(1, "RW update")];
const RO: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const CHANGING: &[&str] = &["nondeterministic_output"];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("expire", -3, expire)
        .keys(RW)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(const { &[ONE_KEY[0], Arg::new("seconds", ArgKind::Integer), CONDITION] })
        .history(OPTIONS_SINCE)
        .docs(Group::Generic, "1.0.0", "Lets a key expire some seconds from now.", "O(1)"),
    Command::write("pexpire", -3, pexpire)
        .keys(RW)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(const { &[ONE_KEY[0], Arg::new("milliseconds", ArgKind::Integer), CONDITION] })
        .history(OPTIONS_SINCE)
        .docs(Group::Generic, "2.6.0", "Lets a key expire some milliseconds from now.", "O(1)"),
    Command::write("expireat", -3, expireat)
        .keys(RW)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(const { &[ONE_KEY[0], Arg::new("unix-time-seconds", ArgKind::UnixTime), CONDITION] })
        .history(OPTIONS_SINCE)
        .docs(Group::Generic, "1.2.0", "Lets a key expire at a Unix time in seconds.", "O(1)"),
    Command::write("pexpireat", -3, pexpireat)
        .keys(RW)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(
            const {
                &[ONE_KEY[0], Arg::new("unix-time-milliseconds", ArgKind::UnixTime), CONDITION]
            },
        )
        .history(OPTIONS_SINCE)
        .docs(Group::Generic, "2.6.0", "Lets a key expire at a Unix time in milliseconds.", "O(1)"),
    Command::write("persist", 2, persist)
        .keys(RW)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .docs(Group::Generic, "2.2.0", "Takes a key's expiry away: it stays.", "O(1)"),
    Command::read("ttl", 2, ttl)
        .keys(RO)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .tips(CHANGING)
        .history(NO_KEY_SINCE)
        .docs(Group::Generic, "1.0.0", "Tells in how many seconds a key expires.", "O(1)"),
    Command::read("pttl", 2, pttl)
        .keys(RO)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .tips(CHANGING)
        .history(NO_KEY_SINCE)
        .docs(Group::Generic, "2.6.0", "Tells in how many milliseconds a key expires.", "O(1)"),
    Command::read("expiretime", 2, expiretime)
        .keys(RO)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .docs(Group::Generic, "7.0.0", "Tells at which Unix time in seconds a key expires.", "O(1)"),
    Command::read("pexpiretime", 2, pexpiretime)
        .keys(RO)
        .fast()
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .docs(
            Group::Generic,
            "7.0.0",
            "Tells at which Unix time in milliseconds a key expires.",
            "O(1)",
        ),
];
