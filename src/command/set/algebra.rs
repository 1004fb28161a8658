//! Set algebra: SINTER, SINTERCARD, SUNION, SDIFF and those that store.
//!
//! The sets are looked at where they are, in whatever boxes; only what is stored is copied. Each
//! member is hashed once, however many sets are asked for it.

use std::collections::HashSet;

use super::{limits, reply_member};
use crate::command::error::CommandError;
use crate::command::{Args, CommandResult, Effect, Fate, Key, Read, Write, parse_integer};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::listpack::Item;
use crate::value::set::{Limits, Packed, Set};

/// Up to so many sets a member of a union is looked for in all before its own; with more, what was
/// seen is kept.
const ASK_ALL: usize = 4;

/// The keys from argument `first` to before `end`.
fn keys<'a>(args: Args<'a>, first: usize, end: usize) -> Vec<Key<'a>> {
    (first..end).map(|at| args.key(at)).collect()
}

/// Calls `visit` for every member that all sets have, until it says that it is enough. A missing
/// set has none.
fn intersect<'a>(sets: &[Option<&'a Set>], mut visit: impl FnMut(Item<'a>) -> Enough) {
    let Some(mut sets) = sets.iter().copied().collect::<Option<Vec<&Set>>>() else { return };
    sets.sort_by_key(|set| set.len());
    let Some((smallest, others)) = sets.split_first() else { return };
    for member in smallest.iter() {
        let mut hash = None;
        if others.iter().all(|set| set.has(member, &mut hash)) && visit(member) == Enough::Yes {
            return;
        }
    }
}

/// Whether a visitor wants no more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enough {
    Yes,
    No,
}

/// Calls `visit` once for every member that any of the sets has.
fn unite<'a>(sets: &[Option<&'a Set>], mut visit: impl FnMut(Item<'a>)) {
    let sets: Vec<&Set> = sets.iter().copied().flatten().collect();
    if sets.len() <= ASK_ALL {
        for (at, set) in sets.iter().enumerate() {
            for member in set.iter() {
                let mut hash = None;
                if !sets[..at].iter().any(|earlier| earlier.has(member, &mut hash)) {
                    visit(member);
                }
            }
        }
        return;
    }
    let mut seen = HashSet::new();
    for member in sets.iter().flat_map(|set| set.iter()) {
        let canonical = match member {
            Item::Bytes(bytes) => Item::of(bytes),
            integer => integer,
        };
        if seen.insert(canonical) {
            visit(member);
        }
    }
}

/// Calls `visit` for every member of the first set that no other one has.
fn subtract<'a>(sets: &[Option<&'a Set>], mut visit: impl FnMut(Item<'a>)) {
    let Some((Some(first), others)) = sets.split_first() else { return };
    let mut others: Vec<&Set> = others.iter().copied().flatten().collect();
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    for member in first.iter() {
        let mut hash = None;
        if !others.iter().any(|set| set.has(member, &mut hash)) {
            visit(member);
        }
    }
}

/// Whether it is less work to ask the other sets for each member of the first than to go through
/// all of them. By Redis's formula: the way shows in the encoding of a result that is stored.
fn asks_others(sets: &[Option<&Set>]) -> bool {
    let Some((Some(first), _)) = sets.split_first() else { return true };
    let there: Vec<usize> = sets.iter().flatten().map(|set| set.len()).collect();
    first.len().saturating_mul(there.len()) / 2 <= there.iter().sum()
}

/// SINTER key [key …]
pub(super) fn sinter(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let sets = cx.read_all_as::<Set>(&keys(args, 1, args.len()))?;
    let head = out.deferred_set();
    let mut count = 0;
    intersect(&sets, |member| {
        reply_member(member, out);
        count += 1;
        Enough::No
    });
    out.finish_set(head, count);
    Ok(())
}

/// SINTERCARD numkeys key [key …] [LIMIT limit]
pub(super) fn sintercard(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let numkeys = args.get(1).and_then(parse_integer).filter(|count| *count > 0);
    let numkeys = numkeys.ok_or(CommandError::NUMKEYS_NOT_POSITIVE)?;
    let end = usize::try_from(numkeys).ok().and_then(|count| count.checked_add(2));
    let end = end.filter(|end| *end <= args.len()).ok_or(CommandError::NUMKEYS_TOO_LARGE)?;
    let mut limit = 0;
    let mut at = end;
    while at < args.len() {
        if !args.is(at, "LIMIT") || at + 1 == args.len() {
            return Err(CommandError::SYNTAX);
        }
        let given = args.get(at + 1).and_then(parse_integer).filter(|limit| *limit >= 0);
        limit = given.ok_or(CommandError::NEGATIVE_LIMIT)?;
        at += 2;
    }
    let sets = cx.read_all_as::<Set>(&keys(args, 2, end))?;
    let mut count = 0;
    intersect(&sets, |_| {
        count += 1;
        if count == limit { Enough::Yes } else { Enough::No }
    });
    out.int(count);
    Ok(())
}

/// SUNION key [key …]
pub(super) fn sunion(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let sets = cx.read_all_as::<Set>(&keys(args, 1, args.len()))?;
    let head = out.deferred_set();
    let mut count = 0;
    unite(&sets, |member| {
        reply_member(member, out);
        count += 1;
    });
    out.finish_set(head, count);
    Ok(())
}

/// SDIFF key [key …]
pub(super) fn sdiff(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let sets = cx.read_all_as::<Set>(&keys(args, 1, args.len()))?;
    let head = out.deferred_set();
    let mut count = 0;
    subtract(&sets, |member| {
        reply_member(member, out);
        count += 1;
    });
    out.finish_set(head, count);
    Ok(())
}

/// SINTERSTORE destination key [key …]
pub(super) fn sinterstore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    store(cx, args, Event::set("sinterstore"), out, |sets, limits| {
        // Where the result starts, and that it may end as an intset, is Redis's way.
        let smallest = sets.iter().copied().flatten().min_by_key(|set| set.len());
        let mut result = match smallest.map(Set::packed) {
            Some(Packed::Listpack(_) | Packed::Table) => Set::new_listpack(),
            _ => Set::new(),
        };
        intersect(sets, |member| {
            result.add_item(member, limits);
            Enough::No
        });
        result.prefer_intset(limits);
        result
    })
}

/// SUNIONSTORE destination key [key …]
pub(super) fn sunionstore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    store(cx, args, Event::set("sunionstore"), out, |sets, limits| {
        let mut result = Set::new();
        for member in sets.iter().copied().flatten().flat_map(Set::iter) {
            result.add_item(member, limits);
        }
        result
    })
}

/// SDIFFSTORE destination key [key …]
pub(super) fn sdiffstore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    store(cx, args, Event::set("sdiffstore"), out, |sets, limits| {
        let mut result = Set::new();
        if asks_others(sets) {
            subtract(sets, |member| {
                result.add_item(member, limits);
            });
        } else if let Some((Some(first), others)) = sets.split_first() {
            for member in first.iter() {
                result.add_item(member, limits);
            }
            for member in others.iter().copied().flatten().flat_map(Set::iter) {
                result.remove(member.as_bytes(&mut itoa::Buffer::new()));
            }
        }
        result
    })
}

/// Stores what `combine` makes of the sets, in place of whatever is at the destination.
fn store(
    cx: &mut Write<'_>,
    args: Args<'_>,
    event: Event,
    out: &mut Writer<'_>,
    combine: impl FnOnce(&[Option<&Set>], Limits<'_>) -> Set,
) -> CommandResult {
    let (key, limits) = (args.key(1), limits(cx));
    let sets = cx.read_all_as::<Set>(&keys(args, 2, args.len()))?;
    let result = combine(&sets, limits);
    let count = result.len();
    match cx.replace(&key, result) {
        Fate::Absent => {}
        Fate::Removed => cx.changed(&key, Event::DEL, Effect::Rewrite(&[b"DEL", key.bytes])),
        Fate::Kept | Fate::Created => cx.changed(&key, event, Effect::Verbatim(args)),
    }
    out.int(count as i64);
    Ok(())
}
