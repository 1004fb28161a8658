//! XLEN, XRANGE, XREVRANGE.

use super::super::error::CommandError;
use super::super::{Args, CommandResult, Read};
use super::{ids, reply};
use crate::resp::Writer;
use crate::value::stream::{Stream, StreamId};

/// XLEN key
pub(super) fn xlen(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let len = cx.read_as::<Stream>(&args.key(1))?.map_or(0, Stream::len);
    out.int(len as i64);
    Ok(())
}

/// XRANGE key start end [COUNT count]
pub(super) fn xrange(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let start = ids::interval_start(&args[2])?;
    let end = ids::interval_end(&args[3])?;
    range(cx, args, out, (start, end), Direction::Forward)
}

/// XREVRANGE key end start [COUNT count]
pub(super) fn xrevrange(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let start = ids::interval_start(&args[3])?;
    let end = ids::interval_end(&args[2])?;
    range(cx, args, out, (start, end), Direction::Backward)
}

#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Backward,
}

fn range(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
    (start, end): (StreamId, StreamId),
    direction: Direction,
) -> CommandResult {
    let mut count = None;
    let mut at = 4;
    while at < args.len() {
        if !args.is(at, "COUNT") || at + 1 >= args.len() {
            return Err(CommandError::SYNTAX);
        }
        count = Some(args.integer(at + 1)?.max(0) as u64);
        at += 2;
    }
    let Some(stream) = cx.read_as::<Stream>(&args.key(1))? else {
        out.array(0);
        return Ok(());
    };
    if count == Some(0) {
        out.null_array();
        return Ok(());
    }
    let (log, count) = (stream.log(), count.unwrap_or(0));
    match direction {
        Direction::Forward => reply::entries(out, log.range(start, end), count),
        Direction::Backward => reply::entries(out, log.range_back(start, end), count),
    }
    Ok(())
}
