//! Taking from the ends: LPOP, RPOP, LMPOP, LMOVE, RPOPLPUSH.
//!
//! [`try_pop`] and [`try_move`] do the work of the forms that wait as well: they say whether there
//! was anything to take, and write a reply only then.

use super::arguments::{pop_count, positive_or};
use super::{end_of, limits, push, reply_item};
use crate::command::error::wrong_arity;
use crate::command::{Args, CommandError, CommandResult, Effect, Fate, Key, Write, object_as};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::list::{Direction, End, Limits, List};
use crate::value::listpack::Item;

/// What LMPOP says of a number of keys that is none.
const NUMKEYS: CommandError = CommandError::fixed("ERR numkeys should be greater than 0");
/// What LMPOP says of a number of elements that is none.
const COUNT: CommandError = CommandError::fixed("ERR count should be greater than 0");

/// The event of an element taken from an end.
fn event(end: End) -> Event {
    match end {
        End::Head => Event::list("lpop"),
        End::Tail => Event::list("rpop"),
    }
}

/// The command that takes from an end.
fn command(end: End) -> &'static [u8] {
    match end {
        End::Head => b"LPOP",
        End::Tail => b"RPOP",
    }
}

/// Writes `count` elements from an end, of which there are as many, and removes them.
fn take(list: &mut List, end: End, count: usize, limits: Limits, out: &mut Writer<'_>) {
    let len = list.len();
    let (first, direction, lowest) = match end {
        End::Head => (0, Direction::Forward, 0),
        End::Tail => (len.saturating_sub(1), Direction::Backward, len - count),
    };
    list.visit(first, count, direction, |item| reply_item(item, out));
    list.remove_range(lowest, count);
    if count < len {
        list.shrink(limits);
    }
}

/// States that elements were taken from `key`.
fn state_taken(cx: &mut Write<'_>, key: &Key<'_>, end: End, fate: Fate, effect: Effect<'_>) {
    cx.changed(key, event(end), effect);
    if fate == Fate::Removed {
        cx.changed(key, Event::DEL, Effect::Covered);
    }
}

fn pop(cx: &mut Write<'_>, args: Args<'_>, end: End, out: &mut Writer<'_>) -> CommandResult {
    if args.len() > 3 {
        return Err(wrong_arity(cx.call().command.name));
    }
    let count = pop_count(args)?;
    let key = args.key(1);
    let limits = limits(cx);
    let popped = cx.edit(&key, |list: &mut List| {
        let taken = count.unwrap_or(1).min(list.len());
        if count.is_some() {
            out.array(taken);
        }
        if taken > 0 {
            take(list, end, taken, limits, out);
        }
        taken
    })?;
    match popped {
        None if count.is_some() => out.null_array(),
        None => out.null(),
        Some(popped) if popped.result > 0 => {
            state_taken(cx, &key, end, popped.fate, Effect::Verbatim(args));
        }
        Some(_) => {}
    }
    Ok(())
}

/// LPOP key [count]
pub(super) fn lpop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    pop(cx, args, End::Head, out)
}

/// RPOP key [count]
pub(super) fn rpop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    pop(cx, args, End::Tail, out)
}

/// Takes from the first of these lists that has elements, and writes its key with the element, or
/// with an array of up to `count` if that is given. False, and nothing written, if none has any.
///
/// The effect is LPOP or RPOP, whatever command asked.
pub fn try_pop<'k>(
    cx: &mut Write<'_>,
    keys: impl IntoIterator<Item = Key<'k>>,
    end: End,
    count: Option<usize>,
    out: &mut Writer<'_>,
) -> Result<bool, CommandError> {
    let limits = limits(cx);
    for key in keys {
        let popped = cx.edit(&key, |list: &mut List| {
            let taken = count.unwrap_or(1).min(list.len());
            out.array(2);
            out.bulk(key.bytes);
            if count.is_some() {
                out.array(taken);
            }
            take(list, end, taken, limits, out);
            taken
        })?;
        let Some(popped) = popped else { continue };
        let mut digits = itoa::Buffer::new();
        let taken = digits.format(popped.result).as_bytes();
        let words: [&[u8]; 3] = [command(end), key.bytes, taken];
        let words = if count.is_some() { &words[..] } else { &words[..2] };
        state_taken(cx, &key, end, popped.fate, Effect::Rewrite(words));
        return Ok(true);
    }
    Ok(false)
}

/// LMPOP numkeys key [key …] LEFT|RIGHT [COUNT count]
pub(super) fn lmpop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (keys, end, count) = lmpop_arguments(args, 1)?;
    let keys = keys.map(|at| args.key(at));
    if !try_pop(cx, keys, end, Some(count), out)? {
        out.null_array();
    }
    Ok(())
}

/// What LMPOP is asked for, the number of keys at `first`: the positions of its keys, the end, and
/// how many elements at the most.
pub(super) fn lmpop_arguments(
    args: Args<'_>,
    first: usize,
) -> Result<(std::ops::Range<usize>, End, usize), CommandError> {
    let keys = positive_or(args, first, NUMKEYS)?;
    let at = keys.checked_add(first + 1).ok_or(CommandError::SYNTAX)?;
    let end = end_of(args.get(at).ok_or(CommandError::SYNTAX)?)?;
    let mut count = None;
    let mut option = at + 1;
    while option < args.len() {
        if count.is_some() || !args.is(option, "COUNT") || option + 1 == args.len() {
            return Err(CommandError::SYNTAX);
        }
        count = Some(positive_or(args, option + 1, COUNT)?);
        option += 2;
    }
    Ok((first + 1..at, end, count.unwrap_or(1)))
}

/// An element on its way from one list to another.
struct Moved {
    element: Vec<u8>,
    /// What it counts for when the destination's encoding is chosen: Redis does not count what is
    /// an integer by then.
    weight: usize,
}

/// Takes the element at an end.
fn take_one(list: &mut List, end: End) -> Option<Moved> {
    let (index, place) = match end {
        End::Head => (0, 0),
        End::Tail => (-1, list.len().checked_sub(1)?),
    };
    let moved = list.get(index, |item| {
        let weight = match item {
            Item::Int(_) => 0,
            Item::Bytes(bytes) => bytes.len(),
        };
        Moved { element: item.to_vec(), weight }
    })?;
    list.remove_range(place, 1);
    Some(moved)
}

fn put_one(list: &mut List, end: End, moved: &Moved, limits: Limits) {
    list.grow_for(1, moved.weight, limits);
    list.push(end, &moved.element, limits);
}

/// Moves an element from an end of `source` to an end of `destination`, which may be the same, and
/// writes it. False, and nothing written, if there is none. The change has this effect.
pub fn try_move(
    cx: &mut Write<'_>,
    (source, from): (&Key<'_>, End),
    (destination, to): (&Key<'_>, End),
    effect: Effect<'_>,
    out: &mut Writer<'_>,
) -> Result<bool, CommandError> {
    let limits = limits(cx);
    if source.bytes == destination.bytes {
        let moved = cx.edit(source, |list: &mut List| {
            let moved = take_one(list, from)?;
            put_one(list, to, &moved, limits);
            list.shrink(limits);
            Some(moved)
        })?;
        let Some(moved) = moved.and_then(|edited| edited.result) else { return Ok(false) };
        cx.changed(destination, push::event(to), effect);
        cx.changed(source, event(from), Effect::Covered);
        out.bulk(&moved.element);
        return Ok(true);
    }
    let Some(entry) = cx.seek(source) else { return Ok(false) };
    object_as::<List>(entry.into_ref())?;
    if let Some(entry) = cx.seek(destination) {
        object_as::<List>(entry.into_ref())?;
    }
    let taken = cx.edit(source, |list: &mut List| {
        let moved = take_one(list, from);
        if !list.is_empty() {
            list.shrink(limits);
        }
        moved
    })?;
    let Some(taken) = taken else { return Ok(false) };
    let Some(moved) = taken.result else { return Ok(false) };
    cx.edit_or_create(destination, |list| put_one(list, to, &moved, limits))?;
    cx.changed(destination, push::event(to), effect);
    state_taken(cx, source, from, taken.fate, Effect::Covered);
    out.bulk(&moved.element);
    Ok(true)
}

/// LMOVE source destination LEFT|RIGHT LEFT|RIGHT
pub(super) fn lmove(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (from, to) = (end_of(&args[3])?, end_of(&args[4])?);
    move_or_null(cx, args, from, to, out)
}

/// RPOPLPUSH source destination
pub(super) fn rpoplpush(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    move_or_null(cx, args, End::Tail, End::Head, out)
}

fn move_or_null(
    cx: &mut Write<'_>,
    args: Args<'_>,
    from: End,
    to: End,
    out: &mut Writer<'_>,
) -> CommandResult {
    let (source, destination) = (args.key(1), args.key(2));
    if !try_move(cx, (&source, from), (&destination, to), Effect::Verbatim(args), out)? {
        out.null();
    }
    Ok(())
}
