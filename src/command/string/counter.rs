//! Commands that take a string for a number: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.

use super::super::{Args, CommandError, CommandResult, Effect, Write};
use crate::command::string_of;
use crate::keyspace::{Event, Value, ValueRef};
use crate::resp::Writer;
use crate::value::long_double::LongDouble;

const INCRBY: Event = Event::string("incrby");
const INCRBYFLOAT: Event = Event::string("incrbyfloat");

/// INCR key
pub(super) fn incr(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    add(cx, args, 1, out)
}

/// DECR key
pub(super) fn decr(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    add(cx, args, -1, out)
}

/// INCRBY key increment
pub(super) fn incrby(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    add(cx, args, args.integer(2)?, out)
}

/// DECRBY key decrement
pub(super) fn decrby(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let by = args.integer(2)?.checked_neg().ok_or(CommandError::DECREMENT_OVERFLOW)?;
    add(cx, args, by, out)
}

/// Adds `by` to the integer at the key; a missing key counts as 0. An integer is changed where it
/// is.
fn add(cx: &mut Write<'_>, args: Args<'_>, by: i64, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let sum = match cx.seek(&key) {
        None => {
            cx.store(&key, Value::Int(by), None);
            by
        }
        Some(mut entry) => {
            let old = string_of(entry.get())?.as_integer().ok_or(CommandError::NOT_AN_INTEGER)?;
            let sum = old.checked_add(by).ok_or(CommandError::INCREMENT_OVERFLOW)?;
            if !entry.set_integer(sum) {
                cx.store_keeping_expiry(&key, Value::Int(sum));
            }
            sum
        }
    };
    cx.changed(&key, INCRBY, Effect::Verbatim(args));
    out.int(sum);
    Ok(())
}

/// INCRBYFLOAT key increment
///
/// The sum is one of 80-bit floating point, as in Redis on x86: another machine may not have it,
/// so the effect is the result.
pub(super) fn incrbyfloat(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let key = args.key(1);
    let old = match cx.seek(&key) {
        None => Some(LongDouble::from(0)),
        Some(entry) => match string_of(entry.get())? {
            ValueRef::Int(number) => Some(LongDouble::from(number)),
            ValueRef::Inline(text) => LongDouble::parse(text),
            ValueRef::Shared(text) => LongDouble::parse(text),
        },
    };
    let old = old.ok_or(CommandError::NOT_A_FLOAT)?;
    let by = LongDouble::parse(&args[2]).ok_or(CommandError::NOT_A_FLOAT)?;
    let sum = old.plus(by).ok_or(CommandError::NAN_OR_INFINITY)?;
    let text = sum.to_decimal();
    cx.store_keeping_expiry(&key, Value::Bytes(&text));
    let effect: &[&[u8]] = &[b"SET", key.bytes, &text, b"KEEPTTL"];
    cx.changed(&key, INCRBYFLOAT, Effect::Rewrite(effect));
    out.bulk(&text);
    Ok(())
}
