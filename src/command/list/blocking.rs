//! The list commands that wait for an element: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH.
//!
//! Each does what its plain form does, and blocks where that would find nothing. Any one of the
//! lists can serve those that pop; a move needs the box of its destination as well.

use super::arguments::{BLMOVE_ARGS, BLMPOP_ARGS, BRPOPLPUSH_ARGS, KEYS_TIMEOUT};
use super::pop::{lmpop_arguments, try_move, try_pop};
use super::{MOVE, end_of};
use crate::command::spec::{Categories, Command, Flags, Group, KeySpec};
use crate::command::{Args, Block, CommandResult, Effect, Write};
use crate::keyspace::WaitFor;
use crate::resp::Writer;
use crate::value::list::End;

/// Pops from the first list that has an element, or waits for one.
fn pop_or_wait(
    cx: &mut Write<'_>,
    args: Args<'_>,
    (keys, end, count): (std::ops::Range<usize>, End, Option<usize>),
    until_ms: Option<i64>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let here: Vec<_> =
        keys.clone().map(|at| args.key(at)).filter(|key| cx.is_in_hand(key)).collect();
    if try_pop(cx, here, end, count, out)? {
        return Ok(());
    }
    if cx.may_block() {
        cx.block(Block::on_any(keys, WaitFor::List, until_ms));
    } else {
        out.null_array();
    }
    Ok(())
}

fn pop(cx: &mut Write<'_>, args: Args<'_>, end: End, out: &mut Writer<'_>) -> CommandResult {
    let last = args.len() - 1;
    let until_ms = cx.deadline_after_seconds(args, last)?;
    pop_or_wait(cx, args, (1..last, end, None), until_ms, out)
}

/// BLPOP key [key …] timeout
fn blpop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    pop(cx, args, End::Head, out)
}

/// BRPOP key [key …] timeout
fn brpop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    pop(cx, args, End::Tail, out)
}

/// BLMPOP timeout numkeys key [key …] LEFT|RIGHT [COUNT count]
fn blmpop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (keys, end, count) = lmpop_arguments(args, 2)?;
    let until_ms = cx.deadline_after_seconds(args, 1)?;
    pop_or_wait(cx, args, (keys, end, Some(count)), until_ms, out)
}

/// Moves an element, or waits for one. Its effect is that of the plain form.
fn move_or_wait(
    cx: &mut Write<'_>,
    args: Args<'_>,
    (from, to): (End, End),
    (effect, at): (&[&[u8]], usize),
    out: &mut Writer<'_>,
) -> CommandResult {
    let until_ms = cx.deadline_after_seconds(args, at)?;
    let (source, destination) = (args.key(1), args.key(2));
    let effect = Effect::Rewrite(effect);
    if try_move(cx, (&source, from), (&destination, to), effect, out)? {
        return Ok(());
    }
    if cx.may_block() {
        cx.block(Block::on_any([1], WaitFor::List, until_ms).needing_all());
    } else {
        out.null();
    }
    Ok(())
}

/// BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout
fn blmove(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let ends = (end_of(&args[3])?, end_of(&args[4])?);
    let effect: [&[u8]; 5] = [b"LMOVE", &args[1], &args[2], &args[3], &args[4]];
    move_or_wait(cx, args, ends, (&effect, 5), out)
}

/// BRPOPLPUSH source destination timeout
fn brpoplpush(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let effect: [&[u8]; 3] = [b"RPOPLPUSH", &args[1], &args[2]];
    move_or_wait(cx, args, (End::Tail, End::Head), (&effect, 3), out)
}

const POP_ANY: &[KeySpec] = &[KeySpec::range(1, -2, 1, "RW access delete")];
const DECIMALS: &[(&str, &str)] = &[("6.0.0", "`timeout` may have decimals.")];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("blpop", -3, blpop)
        .keys(POP_ANY)
        .flags(Flags::BLOCKING)
        .categories(Categories::LIST)
        .args(KEYS_TIMEOUT)
        .history(DECIMALS)
        .docs(
            Group::List,
            "2.0.0",
            "Takes the first element of the first list that has any, and waits for one if none \
             has.",
            "O(N) for N keys",
        ),
    Command::write("brpop", -3, brpop)
        .keys(POP_ANY)
        .flags(Flags::BLOCKING)
        .categories(Categories::LIST)
        .args(KEYS_TIMEOUT)
        .history(DECIMALS)
        .docs(
            Group::List,
            "2.0.0",
            "Takes the last element of the first list that has any, and waits for one if none has.",
            "O(N) for N keys",
        ),
    Command::write("blmpop", -5, blmpop)
        .keys(const { &[KeySpec::numkeys(2, 1, "RW access delete")] })
        .flags(Flags::BLOCKING.and(Flags::MOVABLE_KEYS))
        .categories(Categories::LIST)
        .args(BLMPOP_ARGS)
        .docs(
            Group::List,
            "7.0.0",
            "Takes elements from the first of several lists that has any, and waits if none has.",
            "O(N+M) for N keys and M elements taken",
        ),
    Command::write("blmove", 6, blmove)
        .keys(MOVE)
        .flags(Flags::BLOCKING)
        .denyoom()
        .categories(Categories::LIST)
        .args(BLMOVE_ARGS)
        .docs(
            Group::List,
            "6.2.0",
            "Moves an element from an end of a list to an end of another, and waits if there is \
             none.",
            "O(1)",
        ),
    Command::write("brpoplpush", 4, brpoplpush)
        .keys(MOVE)
        .flags(Flags::BLOCKING)
        .denyoom()
        .categories(Categories::LIST)
        .args(BRPOPLPUSH_ARGS)
        .history(DECIMALS)
        .deprecated("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")
        .docs(
            Group::List,
            "2.2.0",
            "Moves the last element of a list to the head of another, and waits if there is none.",
            "O(1)",
        ),
];
