//! Commands that give keys a value: SET and its kin.
//!
//! Effects never carry a condition or a relative time: what was decided here is not decided again
//! elsewhere. A value that is given an expiry in the past is as good as expired: the key goes.

use super::super::error::{CommandError, wrong_arity};
use super::super::{Args, CommandResult, Effect, Key, Write};
use super::{reply_value, value_at};
use crate::command::expiry_options::{Expiry, Form, deadline};
use crate::command::string_of;
use crate::keyspace::{Event, ValueRef};
use crate::resp::Writer;

/// When SET and MSETEX do what they are asked to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Condition {
    /// In any case.
    #[default]
    Always,
    /// `NX`: if there is no such key.
    Absent,
    /// `XX`: if there is one.
    Present,
    /// `IFEQ`: if it holds the string that is argument `at`.
    Equal { at: usize },
}

impl Condition {
    /// Reads the option at `at` if it is NX or XX: gives the position after it.
    fn read(&mut self, args: Args<'_>, at: usize) -> Result<Option<usize>, CommandError> {
        let said = if args.is(at, "NX") {
            Condition::Absent
        } else if args.is(at, "XX") {
            Condition::Present
        } else {
            return Ok(None);
        };
        if !matches!(*self, Condition::Always) && *self != said {
            return Err(CommandError::SYNTAX);
        }
        *self = said;
        Ok(Some(at + 1))
    }

    /// Reads the option at `at` if it is IFEQ: gives the position after it.
    fn read_equal(&mut self, args: Args<'_>, at: usize) -> Result<Option<usize>, CommandError> {
        if !args.is(at, "IFEQ") {
            return Ok(None);
        }
        if *self != Condition::Always || at + 1 >= args.len() {
            return Err(CommandError::SYNTAX);
        }
        *self = Condition::Equal { at: at + 1 };
        Ok(Some(at + 2))
    }
}

/// The options of SET.
#[derive(Default)]
struct Options {
    condition: Condition,
    expiry: Expiry,
    get: bool,
}

impl Options {
    fn read(args: Args<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut at = 3;
        while at < args.len() {
            at = if args.is(at, "GET") {
                options.get = true;
                at + 1
            } else if let Some(next) = options.condition.read(args, at)? {
                next
            } else if let Some(next) = options.condition.read_equal(args, at)? {
                next
            } else if let Some(next) = options.expiry.read(args, at, Expiry::Keep)? {
                next
            } else {
                return Err(CommandError::SYNTAX);
            };
        }
        Ok(options)
    }
}

/// SET key value [options]
pub(super) fn set(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    if args.len() == 3 {
        cx.store(&key, value_at(args, 2), None);
        cx.changed(&key, Event::SET, Effect::Verbatim(args));
        out.ok();
        return Ok(());
    }
    let options = Options::read(args)?;
    let deadline = options.expiry.deadline(args, cx.now_ms(), "set")?;
    if !look_before_set(cx, &key, args, &options, out)? {
        if !options.get {
            out.null();
        }
        return Ok(());
    }
    match deadline {
        Some(at_ms) => store_until(cx, &key, args, 2, at_ms),
        None if options.expiry == Expiry::Keep => {
            cx.store_keeping_expiry(&key, value_at(args, 2));
            let effect: &[&[u8]] = &[b"SET", key.bytes, &args[2], b"KEEPTTL"];
            cx.changed(&key, Event::SET, Effect::Rewrite(effect));
        }
        None => store_for_good(cx, &key, args, 2),
    }
    if !options.get {
        out.ok();
    }
    Ok(())
}

/// What SET does with the old value: the reply if it is asked for, and whether the condition
/// holds.
fn look_before_set(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    args: Args<'_>,
    options: &Options,
    out: &mut Writer<'_>,
) -> Result<bool, CommandError> {
    if !options.get && options.condition == Condition::Always {
        return Ok(true);
    }
    let entry = match options.get {
        true => cx.lookup(key),
        false => cx.seek(key).map(|entry| entry.into_ref()),
    };
    let Some(entry) = entry else {
        if options.get {
            out.null();
        }
        return Ok(matches!(options.condition, Condition::Always | Condition::Absent));
    };
    if options.get {
        reply_value(string_of(entry)?, out);
    }
    Ok(match options.condition {
        Condition::Always | Condition::Present => true,
        Condition::Absent => false,
        Condition::Equal { at } => is_equal(string_of(entry)?, &args[at]),
    })
}

/// Whether a stored string is these bytes.
fn is_equal(value: ValueRef<'_>, bytes: &[u8]) -> bool {
    value.as_bytes(&mut itoa::Buffer::new()) == bytes
}

/// Stores argument `at` without an expiry and states it.
fn store_for_good(cx: &mut Write<'_>, key: &Key<'_>, args: Args<'_>, at: usize) {
    cx.store(key, value_at(args, at), None);
    cx.changed(key, Event::SET, Effect::Rewrite(&[b"SET", key.bytes, &args[at]]));
}

/// Stores argument `at` until a point in time and states it.
fn store_until(cx: &mut Write<'_>, key: &Key<'_>, args: Args<'_>, at: usize, at_ms: i64) {
    if at_ms <= cx.now_ms() {
        cx.expire_now(key);
        return;
    }
    cx.store(key, value_at(args, at), Some(at_ms));
    let mut digits = itoa::Buffer::new();
    let effect: &[&[u8]] =
        &[b"SET", key.bytes, &args[at], b"PXAT", digits.format(at_ms).as_bytes()];
    cx.changed(key, Event::SET, Effect::Rewrite(effect));
    cx.changed(key, Event::EXPIRE, Effect::Covered);
}

/// SETNX key value
pub(super) fn setnx(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let absent = cx.seek(&key).is_none();
    if absent {
        store_for_good(cx, &key, args, 2);
    }
    out.int(i64::from(absent));
    Ok(())
}

/// SETEX key seconds value
pub(super) fn setex(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let at_ms = deadline(args, 2, Form::Seconds, cx.now_ms(), "setex")?;
    store_until(cx, &args.key(1), args, 3, at_ms);
    out.ok();
    Ok(())
}

/// PSETEX key milliseconds value
pub(super) fn psetex(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let at_ms = deadline(args, 2, Form::Milliseconds, cx.now_ms(), "psetex")?;
    store_until(cx, &args.key(1), args, 3, at_ms);
    out.ok();
    Ok(())
}

/// GETSET key value
pub(super) fn getset(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    match cx.string(&key)? {
        Some(value) => reply_value(value, out),
        None => out.null(),
    }
    store_for_good(cx, &key, args, 2);
    Ok(())
}

/// MSET key value [key value …], or one shard's part of it
pub(super) fn mset(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.len().is_multiple_of(2) {
        return Err(wrong_arity("mset"));
    }
    store_pairs(cx, args);
    out.ok();
    Ok(())
}

/// MSETNX key value [key value …]
pub(super) fn msetnx(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.len().is_multiple_of(2) {
        return Err(wrong_arity("msetnx"));
    }
    let absent = (1..args.len()).step_by(2).all(|at| cx.seek(&args.key(at)).is_none());
    if absent {
        store_pairs(cx, args);
    }
    out.int(i64::from(absent));
    Ok(())
}

/// Stores every pair of keys and values from argument 1 on; one MSET is the effect of all.
fn store_pairs(cx: &mut Write<'_>, args: Args<'_>) {
    for at in (1..args.len()).step_by(2) {
        let key = args.key(at);
        cx.store(&key, value_at(args, at + 1), None);
        cx.changed(&key, Event::SET, Effect::Verbatim(args));
    }
}

/// MSETEX numkeys key value [key value …] [NX | XX] [EX | PX | EXAT | PXAT time | KEEPTTL]
pub(super) fn msetex(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let numkeys = args.get(1).and_then(crate::command::parse_integer);
    let numkeys = numkeys.and_then(|n| i32::try_from(n).ok()).filter(|n| *n > 0);
    let numkeys = numkeys.ok_or(CommandError::INVALID_NUMKEYS)? as usize;
    let end = 2 + 2 * numkeys;
    if end > args.len() {
        return Err(CommandError::SYNTAX);
    }
    let (mut condition, mut expiry) = (Condition::Always, Expiry::Unsaid);
    let mut at = end;
    while at < args.len() {
        at = match condition.read(args, at)? {
            Some(next) => next,
            None => expiry.read(args, at, Expiry::Keep)?.ok_or(CommandError::SYNTAX)?,
        };
    }
    let deadline = expiry.deadline(args, cx.now_ms(), "msetex")?;
    let mut keys = (2..end).step_by(2);
    let holds = match condition {
        Condition::Absent => keys.all(|at| cx.seek(&args.key(at)).is_none()),
        Condition::Present => keys.all(|at| cx.seek(&args.key(at)).is_some()),
        Condition::Always | Condition::Equal { .. } => true,
    };
    if holds {
        store_all(cx, args, end, expiry, deadline);
    }
    out.int(i64::from(holds));
    Ok(())
}

/// Stores the pairs from argument 2 to `end` with one expiry, and states it as one MSETEX.
fn store_all(
    cx: &mut Write<'_>,
    args: Args<'_>,
    end: usize,
    expiry: Expiry,
    deadline: Option<i64>,
) {
    if deadline.is_some_and(|at_ms| at_ms <= cx.now_ms()) {
        for at in (2..end).step_by(2) {
            cx.expire_now(&args.key(at));
        }
        return;
    }
    let mut digits = itoa::Buffer::new();
    let mut effect: Vec<&[u8]> = vec![b"MSETEX"];
    effect.extend((1..end).map(|at| args.get(at).unwrap_or_default()));
    match deadline {
        Some(at_ms) => effect.extend([&b"PXAT"[..], digits.format(at_ms).as_bytes()]),
        None if expiry == Expiry::Keep => effect.push(b"KEEPTTL"),
        None => {}
    }
    for at in (2..end).step_by(2) {
        let key = args.key(at);
        match expiry {
            Expiry::Keep => cx.store_keeping_expiry(&key, value_at(args, at + 1)),
            _ => cx.store(&key, value_at(args, at + 1), deadline),
        }
        let is_last = at + 2 == end;
        let effect = if is_last { Effect::Rewrite(&effect) } else { Effect::Covered };
        cx.changed(&key, Event::SET, effect);
        if deadline.is_some() {
            cx.changed(&key, Event::EXPIRE, Effect::Covered);
        }
    }
}

/// GETEX key [EX | PX | EXAT | PXAT time | PERSIST]
pub(super) fn getex(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mut expiry = Expiry::Unsaid;
    let mut at = 2;
    while at < args.len() {
        at = expiry.read(args, at, Expiry::Persist)?.ok_or(CommandError::SYNTAX)?;
    }
    let deadline = expiry.deadline(args, cx.now_ms(), "getex")?;
    let key = args.key(1);
    let Some(entry) = cx.lookup(&key) else {
        out.null();
        return Ok(());
    };
    reply_value(string_of(entry)?, out);
    let had_expiry = entry.expiry().is_some();
    match deadline {
        Some(at_ms) if at_ms <= cx.now_ms() => drop(cx.expire_now(&key)),
        Some(at_ms) => {
            cx.set_expiry(&key, Some(at_ms));
            let mut digits = itoa::Buffer::new();
            let effect: &[&[u8]] = &[b"PEXPIREAT", key.bytes, digits.format(at_ms).as_bytes()];
            cx.changed(&key, Event::EXPIRE, Effect::Rewrite(effect));
        }
        None if expiry == Expiry::Persist && had_expiry => {
            cx.set_expiry(&key, None);
            cx.changed(&key, Event::PERSIST, Effect::Rewrite(&[b"PERSIST", key.bytes]));
        }
        None => {}
    }
    Ok(())
}

/// GETDEL key
pub(super) fn getdel(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    match cx.string(&key)? {
        None => out.null(),
        Some(value) => {
            reply_value(value, out);
            delete(cx, &key);
        }
    }
    Ok(())
}

/// DELIFEQ key value
pub(super) fn delifeq(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let equal = match cx.seek(&key) {
        None => false,
        Some(entry) => is_equal(string_of(entry.get())?, &args[2]),
    };
    if equal {
        delete(cx, &key);
    }
    out.int(i64::from(equal));
    Ok(())
}

/// Deletes a key that is there and states it.
fn delete(cx: &mut Write<'_>, key: &Key<'_>) {
    let lazy = cx.config().lazyfree_lazy_user_del;
    cx.remove(key, lazy);
    cx.changed(key, Event::DEL, Effect::Rewrite(&[b"DEL", key.bytes]));
}
