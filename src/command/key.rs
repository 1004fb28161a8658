//! Commands for keys of any type.

use super::spec::{Command, Group, KeySpec, Merge};
use super::{Args, CommandResult, Effect, Read, Write};
use crate::keyspace::Event;
use crate::resp::Writer;

fn exists(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let found = (1..args.len()).filter(|&at| cx.lookup(&args.key(at)).is_some()).count();
    out.int(found as i64);
    Ok(())
}

fn del(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let lazy = cx.config().lazyfree_lazy_user_del;
    let mut removed = 0;
    for at in 1..args.len() {
        let key = args.key(at);
        if cx.remove(&key, lazy) {
            cx.changed(&key, Event::DEL, Effect::Verbatim(args));
            removed += 1;
        }
    }
    out.int(removed);
    Ok(())
}

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::read("exists", -2, exists)
        .keys(const { &[KeySpec::range(1, -1, 1, "RO")] })
        .fast()
        .split(Merge::Sum)
        .docs(Group::Generic, "1.0.0", "", "O(1)"),
    Command::write("del", -2, del)
        .keys(const { &[KeySpec::range(1, -1, 1, "RM delete")] })
        .split(Merge::Sum),
];
