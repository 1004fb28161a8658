//! Commands on members: SADD, SREM, SISMEMBER, SMISMEMBER, SCARD, SMEMBERS, SMOVE.

use super::{limits, reply_member};
use crate::command::{Args, CommandResult, Effect, Fate, Read, Write, object_as};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::set::Set;

const SADD: Event = Event::set("sadd");
const SREM: Event = Event::set("srem");

/// SADD key member [member …]
pub(super) fn sadd(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let limits = limits(cx);
    let edited = cx.edit_or_create(&key, |set: &mut Set| {
        set.prepare(&args[2], args.len() - 2, limits);
        (2..args.len()).filter(|&at| set.add(&args[at], limits)).count()
    })?;
    if edited.result > 0 {
        cx.changed(&key, SADD, Effect::Verbatim(args));
    }
    out.int(edited.result as i64);
    Ok(())
}

/// SREM key member [member …]
pub(super) fn srem(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let edited =
        cx.edit(&key, |set: &mut Set| (2..args.len()).filter(|&at| set.remove(&args[at])).count())?;
    let Some(edited) = edited else {
        out.int(0);
        return Ok(());
    };
    if edited.result > 0 {
        cx.changed(&key, SREM, Effect::Verbatim(args));
    }
    if edited.fate == Fate::Removed {
        cx.changed(&key, Event::DEL, Effect::Covered);
    }
    out.int(edited.result as i64);
    Ok(())
}

/// SISMEMBER key member
pub(super) fn sismember(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let set = cx.read_as::<Set>(&args.key(1))?;
    out.int(i64::from(set.is_some_and(|set| set.contains(&args[2]))));
    Ok(())
}

/// SMISMEMBER key member [member …]
pub(super) fn smismember(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let set = cx.read_as::<Set>(&args.key(1))?;
    out.array(args.len() - 2);
    for at in 2..args.len() {
        out.int(i64::from(set.is_some_and(|set| set.contains(&args[at]))));
    }
    Ok(())
}

/// SCARD key
pub(super) fn scard(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.int(cx.read_as::<Set>(&args.key(1))?.map_or(0, Set::len) as i64);
    Ok(())
}

/// SMEMBERS key
pub(super) fn smembers(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let Some(set) = cx.read_as::<Set>(&args.key(1))? else {
        out.set(0);
        return Ok(());
    };
    out.set(set.len());
    set.iter().for_each(|member| reply_member(member, out));
    Ok(())
}

/// SMOVE source destination member
pub(super) fn smove(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (from, to, member) = (args.key(1), args.key(2), &args[3]);
    let Some(source) = cx.seek(&from) else {
        out.int(0);
        return Ok(());
    };
    let is_in = object_as::<Set>(source.into_ref())?.contains(member);
    cx.peek(&to).map(object_as::<Set>).transpose()?;
    if from.bytes == to.bytes || !is_in {
        out.int(i64::from(is_in));
        return Ok(());
    }
    let taken = cx.edit(&from, |set: &mut Set| set.remove(member))?;
    cx.changed(&from, SREM, Effect::Verbatim(args));
    if taken.is_some_and(|taken| taken.fate == Fate::Removed) {
        cx.changed(&from, Event::DEL, Effect::Covered);
    }
    let limits = limits(cx);
    let put = cx.edit_or_create(&to, |set: &mut Set| {
        set.prepare(member, 1, limits);
        set.add(member, limits)
    })?;
    if put.result {
        cx.changed(&to, SADD, Effect::Covered);
    }
    out.int(1);
    Ok(())
}
