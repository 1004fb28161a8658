//! Looking: LLEN, LINDEX, LRANGE, LPOS.

use std::ops::ControlFlow;

use super::arguments::{count_or, signed_count};
use super::{part, reply_item};
use crate::command::{Args, CommandError, CommandResult, Read};
use crate::resp::Writer;
use crate::value::list::{Direction, List};

const RANK_IS_ZERO: CommandError = CommandError::fixed(
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
     negative to start from the end of the list",
);
const COUNT_IS_NEGATIVE: CommandError = CommandError::fixed("ERR COUNT can't be negative");
const MAXLEN_IS_NEGATIVE: CommandError = CommandError::fixed("ERR MAXLEN can't be negative");

/// LLEN key
pub(super) fn llen(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.int(cx.read_as::<List>(&args.key(1))?.map_or(0, List::len) as i64);
    Ok(())
}

/// LINDEX key index
pub(super) fn lindex(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let Some(list) = cx.read_as::<List>(&args.key(1))? else {
        out.null();
        return Ok(());
    };
    if list.get(args.integer(2)?, |item| reply_item(item, out)).is_none() {
        out.null();
    }
    Ok(())
}

/// LRANGE key start stop
pub(super) fn lrange(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    let list = cx.read_as::<List>(&args.key(1))?;
    match list.and_then(|list| part(start, stop, list.len()).map(|part| (list, part))) {
        None => out.array(0),
        Some((list, (first, count))) => {
            out.array(count);
            list.visit(first, count, Direction::Forward, |item| reply_item(item, out));
        }
    }
    Ok(())
}

/// What LPOS is asked for.
struct Wanted {
    direction: Direction,
    /// How many equal elements are passed over.
    skipped: u64,
    /// How many are reported at most; `None` for one, as a plain reply.
    count: Option<usize>,
    /// How many elements are compared at most.
    compared: usize,
}

/// Reads `[RANK rank] [COUNT num-matches] [MAXLEN len]`; 0 means no bound for the latter two.
fn wanted(args: Args<'_>) -> Result<Wanted, CommandError> {
    let unbounded = |count| if count == 0 { usize::MAX } else { count };
    let mut wanted =
        Wanted { direction: Direction::Forward, skipped: 0, count: None, compared: usize::MAX };
    for at in (3..args.len()).step_by(2) {
        let has_value = at + 1 < args.len();
        if has_value && args.is(at, "RANK") {
            let rank = signed_count(args, at + 1)?;
            if rank == 0 {
                return Err(RANK_IS_ZERO);
            }
            wanted.direction = if rank < 0 { Direction::Backward } else { Direction::Forward };
            wanted.skipped = rank.unsigned_abs() - 1;
        } else if has_value && args.is(at, "COUNT") {
            wanted.count = Some(unbounded(count_or(args, at + 1, COUNT_IS_NEGATIVE)?));
        } else if has_value && args.is(at, "MAXLEN") {
            wanted.compared = unbounded(count_or(args, at + 1, MAXLEN_IS_NEGATIVE)?);
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    Ok(wanted)
}

/// LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]
pub(super) fn lpos(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let Wanted { direction, mut skipped, count, compared } = wanted(args)?;
    let list = cx.read_as::<List>(&args.key(1))?;
    let array = count.map(|_| out.deferred_array());
    let mut found = 0;
    if let Some(list) = list {
        list.for_each_equal(&args[2], direction, compared, |place| {
            if skipped > 0 {
                skipped -= 1;
                return ControlFlow::Continue(());
            }
            out.int(place as i64);
            found += 1;
            if found >= count.unwrap_or(1) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
    }
    match array {
        Some(array) => out.finish_array(array, found),
        None if found == 0 => out.null(),
        None => {}
    }
    Ok(())
}
