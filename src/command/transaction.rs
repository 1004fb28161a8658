//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! Queueing and running a transaction is the acceptor's business, since it steers how requests are
//! taken; what stands here are the rows, and the handlers that keep watches in the shards.

use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group, KeySpec, Merge, Steering};
use super::{Args, CommandResult, Write};
use crate::resp::Writer;

/// WATCH key [key …], one shard's part of it.
fn watch(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    for at in 1..args.len() {
        cx.watch(&args.key(at));
    }
    out.ok();
    Ok(())
}

/// UNWATCH, one shard's part of it.
fn unwatch(cx: &mut Write<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    cx.unwatch();
    out.ok();
    Ok(())
}

const BASE: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE);

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::steer("multi", 1, Steering::Multi)
        .flags(BASE.and(Flags::FAST).and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY))
        .categories(Categories::TRANSACTION)
        .docs(Group::Transactions, "1.2.0", "Begins to queue commands.", "O(1)"),
    Command::steer("exec", 1, Steering::Exec)
        .flags(BASE.and(Flags::SKIP_SLOWLOG))
        .categories(Categories::TRANSACTION)
        .docs(
            Group::Transactions,
            "1.2.0",
            "Runs the queued commands as one.",
            "Depends on the queued commands",
        ),
    Command::steer("discard", 1, Steering::Discard)
        .flags(BASE.and(Flags::FAST).and(Flags::ALLOW_BUSY))
        .categories(Categories::TRANSACTION)
        .docs(
            Group::Transactions,
            "2.0.0",
            "Forgets the queued commands.",
            "O(N), where N is the number of queued commands",
        ),
    Command::keep("watch", -2, watch)
        .steering(Steering::Watch)
        .keys(const { &[KeySpec::range(1, -1, 1, "RO")] })
        .split(Merge::First)
        .flags(BASE.and(Flags::FAST).and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY))
        .categories(Categories::TRANSACTION)
        .args(const { &[Arg::new("key", ArgKind::Key(0)).multiple()] })
        .docs(
            Group::Transactions,
            "2.2.0",
            "Makes the next EXEC depend on keys staying as they are.",
            "O(1) for every key",
        ),
    Command::keep("unwatch", 1, unwatch)
        .steering(Steering::Unwatch)
        .flags(BASE.and(Flags::FAST).and(Flags::ALLOW_BUSY))
        .categories(Categories::TRANSACTION)
        .docs(Group::Transactions, "2.2.0", "Forgets the watched keys.", "O(1)"),
];
