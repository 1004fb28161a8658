//! Commands for keys of any type: DEL, UNLINK, EXISTS, TOUCH, TYPE, and the files beside this one.
//!
//! Nothing here looks into a value: entries are found, moved and freed as wholes. Whatever changes
//! a key says so through [`Write::changed_in`].

pub mod dump;
pub mod expire;
pub mod object;
pub mod rename;
pub mod scan;

use super::spec::{Arg, ArgKind, Categories, Command, Group, KeySpec, Merge};
use super::{Args, CommandResult, Effect, Read, Write};
use crate::keyspace::{EntryRef, Event};
use crate::resp::Writer;

/// EXISTS key [key …]: counts hits and misses, but is no access.
fn exists(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let found = (1..args.len()).filter(|&at| cx.lookup_unmarked(&args.key(at)).is_some()).count();
    out.int(found as i64);
    Ok(())
}

/// TOUCH key [key …]: an access even of a client with `CLIENT NO-TOUCH`.
fn touch(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let found = (1..args.len()).filter(|&at| cx.lookup_marked(&args.key(at)).is_some()).count();
    out.int(found as i64);
    Ok(())
}

fn type_of(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.simple(cx.lookup_unmarked(&args.key(1)).map_or("none", EntryRef::type_name));
    Ok(())
}

fn del(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let lazy = cx.config().lazyfree_lazy_user_del;
    remove_all(cx, args, lazy, out)
}

fn unlink(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    remove_all(cx, args, true, out)
}

fn remove_all(
    cx: &mut Write<'_>,
    args: Args<'_>,
    lazy: bool,
    out: &mut Writer<'_>,
) -> CommandResult {
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

/// The argument of commands that take one key.
pub(super) const ONE_KEY: &[Arg] = &[Arg::new("key", ArgKind::Key(0))];
/// The argument of commands that take any number of keys.
const KEYS: &[Arg] = &[Arg::new("key", ArgKind::Key(0)).multiple()];
/// Tips of a command whose parts run on the shards of its keys and answer a number each.
const SUMMED_BY_KEY: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("del", -2, del)
        .keys(const { &[KeySpec::range(1, -1, 1, "RM delete")] })
        .split(Merge::Sum)
        .categories(Categories::KEYSPACE)
        .tips(SUMMED_BY_KEY)
        .args(KEYS)
        .docs(
            Group::Generic,
            "1.0.0",
            "Removes keys with their values.",
            "O(N) for N keys; a key with a collection adds O(M) for its M elements",
        ),
    Command::write("unlink", -2, unlink)
        .keys(const { &[KeySpec::range(1, -1, 1, "RM delete")] })
        .fast()
        .split(Merge::Sum)
        .categories(Categories::KEYSPACE)
        .tips(SUMMED_BY_KEY)
        .args(KEYS)
        .docs(
            Group::Generic,
            "4.0.0",
            "Removes keys; big values are freed in the background.",
            "O(1) for each key, whatever it holds; the memory is freed by another thread",
        ),
    Command::read("exists", -2, exists)
        .keys(const { &[KeySpec::range(1, -1, 1, "RO")] })
        .fast()
        .split(Merge::Sum)
        .categories(Categories::KEYSPACE)
        .tips(SUMMED_BY_KEY)
        .args(KEYS)
        .history(const { &[("3.0.3", "Several keys may be given.")] })
        .docs(
            Group::Generic,
            "1.0.0",
            "Counts how many of the given keys exist.",
            "O(N) for N keys",
        ),
    Command::read("touch", -2, touch)
        .keys(const { &[KeySpec::range(1, -1, 1, "RO")] })
        .fast()
        .split(Merge::Sum)
        .categories(Categories::KEYSPACE)
        .tips(SUMMED_BY_KEY)
        .args(KEYS)
        .docs(
            Group::Generic,
            "3.2.1",
            "Marks keys as used just now and counts those that exist.",
            "O(N) for N keys",
        ),
    Command::read("type", 2, type_of)
        .keys(const { &[KeySpec::one(1, "RO")] })
        .fast()
        .categories(Categories::KEYSPACE)
        .args(ONE_KEY)
        .docs(Group::Generic, "1.0.0", "Tells the type of the value at a key.", "O(1)"),
];

#[cfg(test)]
mod tests;
