//! Fields that expire: HEXPIRE and its forms, those that ask, HPERSIST, HGETEX, HSETEX, HGETDEL.
//!
//! Inside, an expiry is always a point in Unix milliseconds. What a command did is stated by the
//! fields that it did it to: `HPEXPIREAT`, `HPERSIST`, `HSETEX … PXAT`, and `HDEL` for those that
//! were given a time which is over.

use super::field::HSET;
use super::{HDEL, limits, reply_item, state_removal};
use crate::command::error::{CommandError, invalid_expire};
use crate::command::expiry_options::Expiry;
use crate::command::key::expire::Condition;
use crate::command::{Args, CommandResult, Effect, Fate, Key, Read, Write, require};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::hash::{Hash, Lifetime};

const HEXPIRE: Event = Event::hash("hexpire");
const HPERSIST: Event = Event::hash("hpersist");
const HEXPIRED: Event = Event::hash("hexpired");

/// Answers per field, as Valkey numbers them.
mod answer {
    /// There is no such field.
    pub(super) const ABSENT: i64 = -2;
    /// It has no expiry.
    pub(super) const ENDLESS: i64 = -1;
    /// The condition does not hold.
    pub(super) const REFUSED: i64 = 0;
    /// Done.
    pub(super) const DONE: i64 = 1;
    /// The time is over: the field is removed.
    pub(super) const REMOVED: i64 = 2;
}

/// Where the word `FIELDS` stands, looked for from argument `from` on.
fn find_fields(args: Args<'_>, from: usize) -> Result<usize, CommandError> {
    let found = (from..args.len() - 1).find(|&at| args.is(at, "FIELDS"));
    found.ok_or(CommandError::NUMFIELDS_MISMATCH)
}

/// Where HGETEX and HSETEX look for the word: Valkey takes even a key for it.
const FROM_KEY: usize = 1;

/// Checks that the number before `first` is that of the fields from there to the end, of
/// `per_field` arguments each.
fn check_numfields(
    args: Args<'_>,
    first: usize,
    per_field: usize,
    mismatch: CommandError,
) -> CommandResult {
    let count = args.integer(first - 1)?;
    let given = args.len() - first;
    let fits = usize::try_from(count).ok().and_then(|count| count.checked_mul(per_field));
    if count > 0 && fits == Some(given) { Ok(()) } else { Err(mismatch) }
}

/// The position of the first field where `FIELDS` must be argument 2.
fn plain_fields(args: Args<'_>, mismatch: CommandError) -> Result<usize, CommandError> {
    require(args.is(2, "FIELDS"))?;
    check_numfields(args, 4, 1, mismatch)?;
    Ok(4)
}

/// HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field …]
pub(super) fn hexpire(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let origin_ms = cx.now_ms();
    expire(cx, args, 1000, origin_ms, out)
}

/// HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field …]
pub(super) fn hpexpire(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let origin_ms = cx.now_ms();
    expire(cx, args, 1, origin_ms, out)
}

/// HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field …]
pub(super) fn hexpireat(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    expire(cx, args, 1000, 0, out)
}

/// HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field …]
pub(super) fn hpexpireat(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    expire(cx, args, 1, 0, out)
}

/// Sets the expiry of fields to the number in argument 2, of units of `unit_ms`, after `origin_ms`.
fn expire(
    cx: &mut Write<'_>,
    args: Args<'_>,
    unit_ms: i64,
    origin_ms: i64,
    out: &mut Writer<'_>,
) -> CommandResult {
    let word = find_fields(args, 3)?;
    let condition = Condition::parse(args, 3..word)?;
    let first = word + 2;
    check_numfields(args, first, 1, CommandError::NUMFIELDS_MISMATCH)?;
    let given = args.integer(2)?;
    let when = given.checked_mul(unit_ms).and_then(|ms| ms.checked_add(origin_ms));
    let when = when.filter(|_| given >= 0);
    let when = when.ok_or_else(|| invalid_expire(cx.call().command.name))?;
    let (key, limits, now_ms) = (args.key(1), limits(cx), cx.now_ms());
    let mut answers = vec![answer::ABSENT; args.len() - first];
    let edited = cx.edit(&key, |hash: &mut Hash| {
        for (answer, at) in answers.iter_mut().zip(first..) {
            let field = &args[at];
            let Some((_, current)) = hash.look(field, now_ms) else { continue };
            *answer = if !condition.allows(current, when) {
                answer::REFUSED
            } else if when <= now_ms {
                hash.remove(field, now_ms);
                answer::REMOVED
            } else {
                hash.set_expiry(field, Some(when), limits, now_ms);
                answer::DONE
            };
        }
    })?;
    out.array(answers.len());
    answers.iter().for_each(|answer| out.int(*answer));
    let fate = edited.map_or(Fate::Absent, |edited| edited.fate);
    let with = |wanted| fields_with(args, first, &answers, wanted);
    state_expiry(cx, &key, &with(answer::DONE), when);
    let removed = with(answer::REMOVED);
    cx.count_expired_fields(&key, removed.len());
    state_removal(cx, &key, &removed, fate, HEXPIRED);
    Ok(())
}

/// The fields from argument `first` on that got this answer.
fn fields_with<'a>(args: Args<'a>, first: usize, answers: &[i64], wanted: i64) -> Vec<&'a [u8]> {
    let fields = args.iter().skip(first);
    fields.zip(answers).filter(|(_, answer)| **answer == wanted).map(|(field, _)| field).collect()
}

/// States that fields expire at `when`.
fn state_expiry(cx: &mut Write<'_>, key: &Key<'_>, fields: &[&[u8]], when: i64) {
    if fields.is_empty() {
        return;
    }
    let (mut at, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (at, count) = (at.format(when).as_bytes(), count.format(fields.len()).as_bytes());
    let effect = [&[b"HPEXPIREAT", key.bytes, at, b"FIELDS", count], fields].concat();
    cx.changed(key, HEXPIRE, Effect::Rewrite(&effect));
}

/// States that fields do not expire any more.
fn state_endless(cx: &mut Write<'_>, key: &Key<'_>, fields: &[&[u8]]) {
    if fields.is_empty() {
        return;
    }
    let mut count = itoa::Buffer::new();
    let count = count.format(fields.len()).as_bytes();
    let effect = [&[b"HPERSIST", key.bytes, b"FIELDS", count], fields].concat();
    cx.changed(key, HPERSIST, Effect::Rewrite(&effect));
}

/// HTTL key FIELDS numfields field [field …]
pub(super) fn httl(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    ask(cx, args, out, |at, now_ms| seconds(at - now_ms))
}

/// HPTTL key FIELDS numfields field [field …]
pub(super) fn hpttl(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    ask(cx, args, out, |at, now_ms| at - now_ms)
}

/// HEXPIRETIME key FIELDS numfields field [field …]
pub(super) fn hexpiretime(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    ask(cx, args, out, |at, _| seconds(at))
}

/// HPEXPIRETIME key FIELDS numfields field [field …]
pub(super) fn hpexpiretime(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    ask(cx, args, out, |at, _| at)
}

/// Milliseconds as seconds, rounded.
fn seconds(ms: i64) -> i64 {
    ms / 1000 + i64::from(ms % 1000 >= 500)
}

/// Answers for each field what `form` makes of its expiry and the present time.
fn ask(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
    form: impl Fn(i64, i64) -> i64,
) -> CommandResult {
    let first = plain_fields(args, CommandError::SYNTAX)?;
    let now_ms = cx.now_ms();
    let hash = cx.read_as::<Hash>(&args.key(1))?;
    out.array(args.len() - first);
    for at in first..args.len() {
        out.int(match hash.and_then(|hash| hash.look(&args[at], now_ms)) {
            None => answer::ABSENT,
            Some((_, None)) => answer::ENDLESS,
            Some((_, Some(expiry))) => form(expiry, now_ms),
        });
    }
    Ok(())
}

/// HPERSIST key FIELDS numfields field [field …]
pub(super) fn hpersist(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let first = plain_fields(args, CommandError::NUMFIELDS_MISMATCH)?;
    let (key, limits, now_ms) = (args.key(1), limits(cx), cx.now_ms());
    let mut answers = vec![answer::ABSENT; args.len() - first];
    cx.edit(&key, |hash: &mut Hash| {
        for (answer, at) in answers.iter_mut().zip(first..) {
            let Some((_, expiry)) = hash.look(&args[at], now_ms) else { continue };
            *answer = answer::ENDLESS;
            if expiry.is_some() {
                hash.set_expiry(&args[at], None, limits, now_ms);
                *answer = answer::DONE;
            }
        }
    })?;
    out.array(answers.len());
    answers.iter().for_each(|answer| out.int(*answer));
    state_endless(cx, &key, &fields_with(args, first, &answers, answer::DONE));
    Ok(())
}

/// HGETEX key [EX | PX | EXAT | PXAT time | PERSIST] FIELDS numfields field [field …]
pub(super) fn hgetex(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let word = find_fields(args, FROM_KEY)?;
    let first = word + 2;
    let mut expiry = Expiry::Unsaid;
    let mut at = word.min(2);
    while at < word {
        at = expiry.read(args, at, Expiry::Persist)?.ok_or(CommandError::SYNTAX)?;
    }
    require(at == word)?;
    check_numfields(args, first, 1, CommandError::NUMFIELDS_MISMATCH)?;
    let (key, limits, now_ms) = (args.key(1), limits(cx), cx.now_ms());
    let found = cx.read_as::<Hash>(&key)?.is_some();
    let deadline = expiry.deadline_from_zero(args, now_ms, "hgetex")?;
    out.array(args.len() - first);
    if !found {
        (first..args.len()).for_each(|_| out.null());
        return Ok(());
    }
    let mut changed: Vec<&[u8]> = Vec::new();
    let edited = cx.edit(&key, |hash: &mut Hash| {
        for field in args.iter().skip(first) {
            let Some((value, current)) = hash.look(field, now_ms) else {
                out.null();
                continue;
            };
            reply_item(value, out);
            let changes = match deadline {
                Some(when) if when <= now_ms => hash.remove(field, now_ms),
                Some(when) => {
                    current != Some(when) && hash.set_expiry(field, Some(when), limits, now_ms)
                }
                None => {
                    expiry == Expiry::Persist
                        && current.is_some()
                        && hash.set_expiry(field, None, limits, now_ms)
                }
            };
            if changes {
                changed.push(field);
            }
        }
    })?;
    match deadline {
        Some(when) if when <= now_ms => {
            let fate = edited.map_or(Fate::Absent, |edited| edited.fate);
            cx.count_expired_fields(&key, changed.len());
            state_removal(cx, &key, &changed, fate, HEXPIRED);
        }
        Some(when) => state_expiry(cx, &key, &changed, when),
        None => state_endless(cx, &key, &changed),
    }
    Ok(())
}

/// HGETDEL key FIELDS numfields field [field …]
pub(super) fn hgetdel(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let first = plain_fields(args, CommandError::NUMFIELDS_MISMATCH)?;
    let (key, now_ms) = (args.key(1), cx.now_ms());
    let found = cx.read_as::<Hash>(&key)?.is_some();
    out.array(args.len() - first);
    if !found {
        (first..args.len()).for_each(|_| out.null());
        return Ok(());
    }
    let mut gone: Vec<&[u8]> = Vec::new();
    let edited = cx.edit(&key, |hash: &mut Hash| {
        for field in args.iter().skip(first) {
            match hash.get(field, now_ms) {
                None => out.null(),
                Some(value) => {
                    reply_item(value, out);
                    hash.remove(field, now_ms);
                    gone.push(field);
                }
            }
        }
    })?;
    let fate = edited.map_or(Fate::Absent, |edited| edited.fate);
    state_removal(cx, &key, &gone, fate, HDEL);
    Ok(())
}

/// A condition on whether something is there.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Presence {
    #[default]
    Any,
    Absent,
    Present,
}

impl Presence {
    /// Reads the word at `at` if it is one of the two; both together are refused.
    fn read(&mut self, args: Args<'_>, at: usize, absent: &str, present: &str) -> Option<bool> {
        let said = match () {
            () if args.is(at, absent) => Presence::Absent,
            () if args.is(at, present) => Presence::Present,
            () => return None,
        };
        let agrees = *self == Presence::Any || *self == said;
        *self = said;
        Some(agrees)
    }

    fn allows(self, is_there: bool) -> bool {
        match self {
            Presence::Any => true,
            Presence::Absent => !is_there,
            Presence::Present => is_there,
        }
    }
}

/// What HSETEX asks for beside the fields.
#[derive(Default)]
struct SetOptions {
    key: Presence,
    fields: Presence,
    expiry: Expiry,
}

impl SetOptions {
    /// Reads the options from argument 2 to before `end`.
    fn read(args: Args<'_>, end: usize) -> Result<SetOptions, CommandError> {
        let mut options = SetOptions::default();
        let mut at = end.min(2);
        while at < end {
            let said = options.key.read(args, at, "NX", "XX");
            let said = said.or_else(|| options.fields.read(args, at, "FNX", "FXX"));
            at = match said {
                Some(agrees) => {
                    require(agrees)?;
                    at + 1
                }
                None => {
                    let next = options.expiry.read(args, at, Expiry::Keep)?;
                    next.ok_or(CommandError::SYNTAX)?
                }
            };
        }
        require(at == end)?;
        Ok(options)
    }
}

/// HSETEX key [NX | XX] [FNX | FXX] [EX | PX | EXAT | PXAT time | KEEPTTL] FIELDS numfields
/// field value [field value …]
pub(super) fn hsetex(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let word = find_fields(args, FROM_KEY)?;
    let options = SetOptions::read(args, word)?;
    let first = word + 2;
    check_numfields(args, first, 2, CommandError::NUMFIELDS_MISMATCH)?;
    let (key, now_ms) = (args.key(1), cx.now_ms());
    let hash = cx.read_as::<Hash>(&key)?;
    if !options.key.allows(hash.is_some()) {
        out.int(0);
        return Ok(());
    }
    // Before it is known whether the fields are there, and after it is about the key.
    let deadline = options.expiry.deadline_from_zero(args, now_ms, "hsetex")?;
    let holds = options.fields == Presence::Any
        || (first..args.len()).step_by(2).all(|at| {
            let found = hash.and_then(|hash| hash.get(&args[at], now_ms));
            options.fields.allows(found.is_some())
        });
    if holds {
        match deadline {
            Some(when) if when <= now_ms => remove_pairs(cx, args, first)?,
            _ => set_pairs(cx, args, first, options.expiry, deadline)?,
        }
    }
    out.int(holds.into());
    Ok(())
}

/// Removes the fields of the pairs from argument `first` on: they were given a time that is over.
fn remove_pairs(cx: &mut Write<'_>, args: Args<'_>, first: usize) -> CommandResult {
    let (key, now_ms) = (args.key(1), cx.now_ms());
    let mut gone: Vec<&[u8]> = Vec::new();
    let edited = cx.edit(&key, |hash: &mut Hash| {
        for field in args.iter().skip(first).step_by(2) {
            if hash.remove(field, now_ms) {
                gone.push(field);
            }
        }
    })?;
    let fate = edited.map_or(Fate::Absent, |edited| edited.fate);
    // All of them, those that were not there included, as in Valkey.
    cx.count_expired_fields(&key, (args.len() - first) / 2);
    state_removal(cx, &key, &gone, fate, HEXPIRED);
    Ok(())
}

/// Sets the pairs from argument `first` on, and states it without condition or clock.
fn set_pairs(
    cx: &mut Write<'_>,
    args: Args<'_>,
    first: usize,
    expiry: Expiry,
    deadline: Option<i64>,
) -> CommandResult {
    let (key, limits, now_ms) = (args.key(1), limits(cx), cx.now_ms());
    let lifetime = match deadline {
        Some(when) => Lifetime::Until(when),
        None if expiry == Expiry::Keep => Lifetime::Kept,
        None => Lifetime::Endless,
    };
    cx.edit_or_create(&key, |hash: &mut Hash| {
        hash.prepare((args.len() - first) / 2, limits);
        for at in (first..args.len()).step_by(2) {
            hash.set(&args[at], &args[at + 1], lifetime, limits, now_ms);
        }
    })?;
    let mut digits = itoa::Buffer::new();
    let mut effect: Vec<&[u8]> = vec![b"HSETEX", key.bytes];
    match lifetime {
        Lifetime::Until(when) => effect.extend([&b"PXAT"[..], digits.format(when).as_bytes()]),
        Lifetime::Kept => effect.push(b"KEEPTTL"),
        Lifetime::Endless => {}
    }
    effect.push(b"FIELDS");
    effect.extend(args.iter().skip(first - 1));
    cx.changed(&key, HSET, Effect::Rewrite(&effect));
    if deadline.is_some() {
        cx.changed(&key, HEXPIRE, Effect::Covered);
    }
    Ok(())
}
