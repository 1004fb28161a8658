//! Commands on fields by name: HSET, HSETNX, HMSET, HGET, HMGET, HDEL, HEXISTS, HSTRLEN, HLEN.

use super::{HDEL, limits, reply_item};
use crate::command::error::{CommandError, wrong_arity};
use crate::command::{Args, CommandResult, Effect, Fate, Read, Write};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::hash::{Assigned, Hash, Lifetime};
use crate::value::listpack::Item;

/// What every assignment to fields reports.
pub(super) const HSET: Event = Event::hash("hset");

/// Gives fields their values: pairs from argument 2 on. Gives how many fields are new.
fn set_pairs(cx: &mut Write<'_>, args: Args<'_>, name: &str) -> Result<usize, CommandError> {
    if !args.len().is_multiple_of(2) {
        return Err(wrong_arity(name));
    }
    let (key, limits, now_ms) = (args.key(1), limits(cx), cx.now_ms());
    let edited = cx.edit_or_create(&key, |hash: &mut Hash| {
        hash.prepare((args.len() - 2) / 2, limits);
        let assigned = (2..args.len())
            .step_by(2)
            .map(|at| hash.set(&args[at], &args[at + 1], Lifetime::Endless, limits, now_ms));
        assigned.filter(|assigned| *assigned == Assigned::Created).count()
    })?;
    cx.changed(&key, HSET, Effect::Verbatim(args));
    Ok(edited.result)
}

/// HSET key field value [field value …]
pub(super) fn hset(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let created = set_pairs(cx, args, "hset")?;
    out.int(created as i64);
    Ok(())
}

/// HMSET key field value [field value …]
pub(super) fn hmset(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    set_pairs(cx, args, "hmset")?;
    out.ok();
    Ok(())
}

/// HSETNX key field value
pub(super) fn hsetnx(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (key, limits, now_ms) = (args.key(1), limits(cx), cx.now_ms());
    let (field, value) = (&args[2], &args[3]);
    let edited = cx.edit_or_create(&key, |hash: &mut Hash| {
        let absent = hash.get(field, now_ms).is_none();
        if absent {
            hash.set(field, value, Lifetime::Endless, limits, now_ms);
        }
        absent
    })?;
    if edited.result {
        // Whether the field was there may have hung on the time.
        cx.changed(&key, HSET, Effect::Rewrite(&[b"HSET", key.bytes, field, value]));
    }
    out.int(edited.result.into());
    Ok(())
}

/// HGET key field
pub(super) fn hget(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_ms = cx.now_ms();
    match cx.read_as::<Hash>(&args.key(1))?.and_then(|hash| hash.get(&args[2], now_ms)) {
        Some(value) => reply_item(value, out),
        None => out.null(),
    }
    Ok(())
}

/// HMGET key field [field …]
pub(super) fn hmget(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_ms = cx.now_ms();
    let hash = cx.read_as::<Hash>(&args.key(1))?;
    out.array(args.len() - 2);
    for at in 2..args.len() {
        match hash.and_then(|hash| hash.get(&args[at], now_ms)) {
            Some(value) => reply_item(value, out),
            None => out.null(),
        }
    }
    Ok(())
}

/// HDEL key field [field …]
pub(super) fn hdel(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (key, now_ms) = (args.key(1), cx.now_ms());
    let edited = cx.edit(&key, |hash: &mut Hash| {
        (2..args.len()).filter(|&at| hash.remove(&args[at], now_ms)).count()
    })?;
    let Some(edited) = edited else {
        out.int(0);
        return Ok(());
    };
    if edited.result > 0 {
        cx.changed(&key, HDEL, Effect::Verbatim(args));
    }
    if edited.fate == Fate::Removed {
        cx.changed(&key, Event::DEL, Effect::Covered);
    }
    out.int(edited.result as i64);
    Ok(())
}

/// HEXISTS key field
pub(super) fn hexists(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_ms = cx.now_ms();
    let hash = cx.read_as::<Hash>(&args.key(1))?;
    out.int(hash.is_some_and(|hash| hash.get(&args[2], now_ms).is_some()).into());
    Ok(())
}

/// HSTRLEN key field
pub(super) fn hstrlen(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_ms = cx.now_ms();
    let value = cx.read_as::<Hash>(&args.key(1))?.and_then(|hash| hash.get(&args[2], now_ms));
    out.int(match value {
        Some(Item::Int(number)) => itoa::Buffer::new().format(number).len() as i64,
        Some(Item::Bytes(bytes)) => bytes.len() as i64,
        None => 0,
    });
    Ok(())
}

/// HLEN key. Fields whose time is over count until they are taken out.
pub(super) fn hlen(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.int(cx.read_as::<Hash>(&args.key(1))?.map_or(0, Hash::len) as i64);
    Ok(())
}
