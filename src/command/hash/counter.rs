//! Commands that take values for numbers: HINCRBY, HINCRBYFLOAT.

use super::limits;
use crate::command::error::CommandError;
use crate::command::{Args, CommandResult, Effect, Key, Write};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::hash::{Hash, Lifetime};
use crate::value::integer::parse_canonical;
use crate::value::listpack::Item;
use crate::value::long_double::LongDouble;

/// HINCRBY key field increment
pub(super) fn hincrby(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let by = args.integer(3)?;
    let mut sum = 0;
    add(cx, args, Event::hash("hincrby"), |old| {
        let old = match old {
            None => 0,
            Some(Item::Int(number)) => number,
            Some(Item::Bytes(text)) => {
                parse_canonical(text).ok_or(CommandError::HASH_VALUE_NOT_INTEGER)?
            }
        };
        sum = old.checked_add(by).ok_or(CommandError::INCREMENT_OVERFLOW)?;
        Ok(sum.to_string().into_bytes())
    })?;
    out.int(sum);
    Ok(())
}

/// HINCRBYFLOAT key field increment
///
/// The sum is one of 80-bit floating point, as in Redis on x86: another machine may not have it,
/// so the effect is the result.
pub(super) fn hincrbyfloat(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let by = LongDouble::parse(&args[3]).ok_or(CommandError::NOT_A_FLOAT)?;
    if !by.is_finite() {
        return Err(CommandError::NAN_OR_INFINITE_VALUE);
    }
    let sum = add(cx, args, Event::hash("hincrbyfloat"), |old| {
        let old = match old {
            None => Some(LongDouble::from(0)),
            Some(Item::Int(number)) => Some(LongDouble::from(number)),
            Some(Item::Bytes(text)) => LongDouble::parse(text),
        };
        let old = old.ok_or(CommandError::HASH_VALUE_NOT_FLOAT)?;
        Ok(old.plus(by).ok_or(CommandError::NAN_OR_INFINITY)?.to_decimal())
    })?;
    out.bulk(&sum);
    Ok(())
}

/// Gives the field in argument 2 the value that `sum` makes of the old one. Its expiry stays.
fn add(
    cx: &mut Write<'_>,
    args: Args<'_>,
    event: Event,
    sum: impl FnOnce(Option<Item<'_>>) -> Result<Vec<u8>, CommandError>,
) -> Result<Vec<u8>, CommandError> {
    let (key, field) = (args.key(1), &args[2]);
    let (limits, now_ms) = (limits(cx), cx.now_ms());
    let edited = cx.edit_or_create(&key, |hash: &mut Hash| {
        let (old, expiry) = hash.look(field, now_ms).unzip();
        let value = sum(old)?;
        hash.set(field, &value, Lifetime::Kept, limits, now_ms);
        Ok((value, expiry.flatten().is_some()))
    })?;
    let (value, expires) = edited.result?;
    state(cx, &key, field, &value, expires, event);
    Ok(value)
}

/// States the result: whether the field was there, and which value it had, may hang on the time.
fn state(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    field: &[u8],
    value: &[u8],
    expires: bool,
    event: Event,
) {
    let kept: [&[u8]; 7] = [b"HSETEX", key.bytes, b"KEEPTTL", b"FIELDS", b"1", field, value];
    let plain: [&[u8]; 4] = [b"HSET", key.bytes, field, value];
    let effect: &[&[u8]] = if expires { &kept } else { &plain };
    cx.changed(key, event, Effect::Rewrite(effect));
}
