//! Commands on the members of one set: SADD, SREM, SISMEMBER, SCARD, SMEMBERS.

use super::limits;
use crate::command::{Args, CommandResult, Effect, Fate, Read, Write};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::set::{Member, Set};

const SADD: Event = Event::set("sadd");
const SREM: Event = Event::set("srem");

/// Writes a member as a bulk string.
pub(super) fn reply_member(member: Member<'_>, out: &mut Writer<'_>) {
    match member {
        Member::Int(number) => out.bulk_int(number),
        Member::Bytes(bytes) => out.bulk(bytes),
    }
}

/// SADD key member [member …]
pub(super) fn sadd(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let limits = limits(cx);
    let edited = cx.edit_or_create(&key, |set: &mut Set| {
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
    set.for_each(|member| reply_member(member, out));
    Ok(())
}
