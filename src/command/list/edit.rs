//! Changes in the middle: LSET, LINSERT, LREM, LTRIM.

use super::arguments::signed_count;
use super::{limits, part};
use crate::command::{Args, CommandError, CommandResult, Effect, Fate, Write};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::list::{Direction, List, Side};

const LSET: Event = Event::list("lset");
const LINSERT: Event = Event::list("linsert");
const LREM: Event = Event::list("lrem");
const LTRIM: Event = Event::list("ltrim");

/// LSET key index element
pub(super) fn lset(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let limits = limits(cx);
    let edited = cx.edit(&key, |list: &mut List| {
        let index = args.integer(2)?;
        list.grow_for(1, args[3].len(), limits);
        if !list.set(index, &args[3], limits) {
            return Err(CommandError::INDEX_OUT_OF_RANGE);
        }
        list.shrink(limits);
        Ok(())
    })?;
    edited.ok_or(CommandError::NO_SUCH_KEY)?.result?;
    cx.changed(&key, LSET, Effect::Verbatim(args));
    out.ok();
    Ok(())
}

/// LINSERT key BEFORE|AFTER pivot element
pub(super) fn linsert(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let side = if args.is(2, "BEFORE") {
        Side::Before
    } else if args.is(2, "AFTER") {
        Side::After
    } else {
        return Err(CommandError::SYNTAX);
    };
    let key = args.key(1);
    let limits = limits(cx);
    let edited = cx.edit(&key, |list: &mut List| {
        list.grow_for(1, args[4].len(), limits);
        let pivot = list.find(&args[3])?;
        list.insert(pivot, side, &args[4], limits);
        Some(list.len())
    })?;
    match edited.map(|edited| edited.result) {
        None => out.int(0),
        Some(None) => out.int(-1),
        Some(Some(len)) => {
            cx.changed(&key, LINSERT, Effect::Verbatim(args));
            out.int(len as i64);
        }
    }
    Ok(())
}

/// LREM key count element
pub(super) fn lrem(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let count = signed_count(args, 2)?;
    let direction = if count < 0 { Direction::Backward } else { Direction::Forward };
    let limit = match count {
        0 => usize::MAX,
        count => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
    };
    let key = args.key(1);
    let limits = limits(cx);
    let edited = cx.edit(&key, |list: &mut List| {
        let removed = list.remove_equal(&args[3], direction, limit);
        if removed > 0 && !list.is_empty() {
            list.shrink(limits);
        }
        removed
    })?;
    let Some(edited) = edited else {
        out.int(0);
        return Ok(());
    };
    if edited.result > 0 {
        cx.changed(&key, LREM, Effect::Verbatim(args));
    }
    if edited.fate == Fate::Removed {
        cx.changed(&key, Event::DEL, Effect::Covered);
    }
    out.int(edited.result as i64);
    Ok(())
}

/// LTRIM key start stop
pub(super) fn ltrim(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    let key = args.key(1);
    let limits = limits(cx);
    let edited = cx.edit(&key, |list: &mut List| {
        let len = list.len();
        let (first, kept) = part(start, stop, len).unwrap_or((0, 0));
        // The end first: what is before it keeps its place.
        list.remove_range(first + kept, len - first - kept);
        list.remove_range(0, first);
        if kept > 0 {
            list.shrink(limits);
        }
        len - kept
    })?;
    if let Some(edited) = edited {
        // Redis tells those who watch the key even if nothing went.
        let changed = edited.result > 0;
        let effect = if changed { Effect::Verbatim(args) } else { Effect::Covered };
        cx.changed(&key, LTRIM, effect);
        if edited.fate == Fate::Removed {
            cx.changed(&key, Event::DEL, Effect::Covered);
        }
    }
    out.ok();
    Ok(())
}
