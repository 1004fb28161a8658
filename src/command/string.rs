//! String commands.

use super::spec::{Command, Group, KeySpec, Merge};
use super::{Args, CommandResult, Effect, Read, Write};
use crate::keyspace::{Event, Value, ValueRef};
use crate::resp::Writer;

/// Writes a string value as the reply.
pub(super) fn reply_value(value: ValueRef<'_>, out: &mut Writer<'_>) {
    match value {
        ValueRef::Int(number) => out.bulk_int(number),
        ValueRef::Inline(bytes) => out.bulk(bytes),
        ValueRef::Shared(bytes) => out.bulk_shared(bytes),
    }
}

fn get(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    match cx.string(&args.key(1))? {
        None => out.null(),
        Some(value) => reply_value(value, out),
    }
    Ok(())
}

fn mget(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.array(args.len() - 1);
    for at in 1..args.len() {
        match cx.string(&args.key(at)) {
            Ok(Some(value)) => reply_value(value, out),
            _ => out.null(),
        }
    }
    Ok(())
}

fn set(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    cx.store(&key, Value::encode(&args[2]), None);
    cx.changed(&key, Event::SET, Effect::Verbatim(args));
    out.ok();
    Ok(())
}

fn mset(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    for at in (1..args.len()).step_by(2) {
        let key = args.key(at);
        cx.store(&key, Value::encode(&args[at + 1]), None);
        cx.changed(&key, Event::SET, Effect::Verbatim(args));
    }
    out.ok();
    Ok(())
}

/// The rows of the family.
pub const TABLE: &[Command] =
    &[
        Command::read("get", 2, get).keys(const { &[KeySpec::one(1, "RO access")] }).fast().docs(
            Group::String,
            "1.0.0",
            "",
            "O(1)",
        ),
        Command::write("set", -3, set)
            .keys(const { &[KeySpec::one(1, "OW update")] })
            .denyoom()
            .docs(Group::String, "1.0.0", "", "O(1)"),
        Command::read("mget", -2, mget)
            .keys(const { &[KeySpec::range(1, -1, 1, "RO access")] })
            .fast()
            .split(Merge::KeyOrder),
        Command::write("mset", -3, mset)
            .keys(const { &[KeySpec::range(1, -1, 2, "OW update")] })
            .denyoom()
            .split(Merge::First),
    ];
