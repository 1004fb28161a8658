//! Adding at the ends: LPUSH, RPUSH, LPUSHX, RPUSHX.

use super::limits;
use crate::command::{Args, CommandResult, Effect, Write};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::list::{End, Limits, List};

/// The event of an element added at an end.
pub(super) fn event(end: End) -> Event {
    match end {
        End::Head => Event::list("lpush"),
        End::Tail => Event::list("rpush"),
    }
}

/// Adds the arguments behind the key; gives the new length.
fn push_all(list: &mut List, args: Args<'_>, end: End, limits: Limits) -> usize {
    let elements = args.iter().skip(2);
    let bytes = elements.clone().map(<[u8]>::len).sum();
    list.grow_for(elements.clone().count(), bytes, limits);
    for element in elements {
        list.push(end, element, limits);
    }
    list.len()
}

fn push(cx: &mut Write<'_>, args: Args<'_>, end: End, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let limits = limits(cx);
    let pushed = cx.edit_or_create(&key, |list| push_all(list, args, end, limits))?;
    cx.changed(&key, event(end), Effect::Verbatim(args));
    out.int(pushed.result as i64);
    Ok(())
}

fn push_to_existing(
    cx: &mut Write<'_>,
    args: Args<'_>,
    end: End,
    out: &mut Writer<'_>,
) -> CommandResult {
    let key = args.key(1);
    let limits = limits(cx);
    let pushed = cx.edit(&key, |list| push_all(list, args, end, limits))?;
    if pushed.is_some() {
        cx.changed(&key, event(end), Effect::Verbatim(args));
    }
    out.int(pushed.map_or(0, |pushed| pushed.result as i64));
    Ok(())
}

/// LPUSH key element [element …]
pub(super) fn lpush(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    push(cx, args, End::Head, out)
}

/// RPUSH key element [element …]
pub(super) fn rpush(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    push(cx, args, End::Tail, out)
}

/// LPUSHX key element [element …]
pub(super) fn lpushx(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    push_to_existing(cx, args, End::Head, out)
}

/// RPUSHX key element [element …]
pub(super) fn rpushx(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    push_to_existing(cx, args, End::Tail, out)
}
