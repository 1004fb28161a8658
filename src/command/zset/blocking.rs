//! The sorted set commands that wait for a member: BZPOPMIN, BZPOPMAX, BZMPOP.
//!
//! Each does what its plain form does over several keys, and blocks where that would find nothing.
//! Any one of the sets can serve it.

use super::arguments;
use super::pop::{End, MultiPop, pop};
use crate::command::spec::{Categories, Command, Flags, Group, KeySpec};
use crate::command::{Args, Block, CommandError, CommandResult, Key, Write};
use crate::keyspace::WaitFor;
use crate::resp::Writer;

/// Takes from the first key in hand that `take` finds something at, or waits.
fn take_or_wait(
    cx: &mut Write<'_>,
    args: Args<'_>,
    (keys, until_ms): (std::ops::Range<usize>, Option<i64>),
    out: &mut Writer<'_>,
    take: impl Fn(&mut Write<'_>, &Key<'_>, &mut Writer<'_>) -> Result<bool, CommandError>,
) -> CommandResult {
    for at in keys.clone() {
        let key = args.key(at);
        if cx.is_in_hand(&key) && take(cx, &key, out)? {
            return Ok(());
        }
    }
    if cx.may_block() {
        cx.block(Block::on_any(keys, WaitFor::SortedSet, until_ms));
    } else {
        out.null_array();
    }
    Ok(())
}

fn pop_one(cx: &mut Write<'_>, args: Args<'_>, end: End, out: &mut Writer<'_>) -> CommandResult {
    let last = args.len() - 1;
    let until_ms = cx.deadline_after_seconds(args, last)?;
    take_or_wait(cx, args, (1..last, until_ms), out, |cx, key, out| {
        pop(cx, key, end, 1, |_, members| {
            out.array(3);
            out.bulk(key.bytes);
            for (member, score) in members {
                super::reply_member(member, out);
                out.double(score);
            }
        })
    })
}

/// BZPOPMIN key [key …] timeout
fn bzpopmin(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    pop_one(cx, args, End::Min, out)
}

/// BZPOPMAX key [key …] timeout
fn bzpopmax(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    pop_one(cx, args, End::Max, out)
}

/// BZMPOP timeout numkeys key [key …] MIN | MAX [COUNT count]
fn bzmpop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let request = MultiPop::parse(args, 2)?;
    let until_ms = cx.deadline_after_seconds(args, 1)?;
    let keys = request.first_key..request.first_key + request.keys;
    take_or_wait(cx, args, (keys, until_ms), out, |cx, key, out| request.pop(cx, key, out))
}

const POP_ANY: &[KeySpec] = &[KeySpec::range(1, -2, 1, "RW access delete")];
const DECIMALS: &[(&str, &str)] = &[("6.0.0", "`timeout` may have decimals.")];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("bzpopmin", -3, bzpopmin)
        .keys(POP_ANY)
        .flags(Flags::BLOCKING)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::BZPOPMIN)
        .history(DECIMALS)
        .docs(
            Group::SortedSet,
            "5.0.0",
            "Takes the member with the lowest score out of the first sorted set that has any, and \
             waits for one if none has.",
            "O(log(N)) for a set of N members",
        ),
    Command::write("bzpopmax", -3, bzpopmax)
        .keys(POP_ANY)
        .flags(Flags::BLOCKING)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::BZPOPMIN)
        .history(DECIMALS)
        .docs(
            Group::SortedSet,
            "5.0.0",
            "Takes the member with the highest score out of the first sorted set that has any, and \
             waits for one if none has.",
            "O(log(N)) for a set of N members",
        ),
    Command::write("bzmpop", -5, bzmpop)
        .keys(const { &[KeySpec::numkeys(2, 1, "RW access delete")] })
        .flags(Flags::BLOCKING.and(Flags::MOVABLE_KEYS))
        .categories(Categories::SORTED_SET)
        .args(arguments::BZMPOP)
        .docs(
            Group::SortedSet,
            "7.0.0",
            "Takes members out of the first sorted set that has any, and waits if none has.",
            "O(K + log(N) + M) for K keys, and M members of a set of N",
        ),
];
