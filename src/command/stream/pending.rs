//! What is pending and what is acknowledged: XACK, XPENDING.

use super::super::error::CommandError;
use super::super::{Args, CommandResult, Effect, Read, Write};
use super::{errors, ids, reply};
use crate::resp::Writer;
use crate::value::stream::{Group, Pending, Stream, StreamId};

/// XACK key group id [id …]
pub(super) fn xack(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let edited = cx.edit(&key, |stream: &mut Stream| {
        let Some(mut group) = stream.group_mut(&args[2]) else { return Ok(0) };
        let ids = ids::all_from(args, 3)?;
        Ok(ids.into_iter().filter(|&id| group.settle(id).is_some()).count())
    })?;
    let settled = edited.map_or(Ok(0), |edited| edited.result)?;
    if settled > 0 {
        cx.noted(&key, None, Effect::Verbatim(args));
    }
    out.int(settled as i64);
    Ok(())
}

/// The long form of XPENDING.
struct Request {
    min_idle_ms: i64,
    start: StreamId,
    end: StreamId,
    count: u64,
    /// Where the consumer's name stands, if it does.
    consumer_at: Option<usize>,
}

impl Request {
    /// Reads `[IDLE min-idle-time] start end count [consumer]`.
    fn read(args: Args<'_>) -> Result<Request, CommandError> {
        let (mut min_idle_ms, mut at) = (0, 3);
        if args.is(3, "IDLE") {
            min_idle_ms = args.integer(4)?;
            if args.len() < 8 {
                return Err(CommandError::SYNTAX);
            }
            at = 5;
        }
        let count = args.integer(at + 2)?.max(0) as u64;
        let start = ids::interval_start(&args[at])?;
        let end = ids::interval_end(&args[at + 1])?;
        let consumer_at = Some(at + 3).filter(|at| *at < args.len());
        Ok(Request { min_idle_ms, start, end, count, consumer_at })
    }
}

/// XPENDING key group [[IDLE min-idle-time] start end count [consumer]]
pub(super) fn xpending(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let request = match args.len() {
        3 => None,
        6..=9 => Some(Request::read(args)?),
        _ => return Err(CommandError::SYNTAX),
    };
    let (key, now_ms) = (args.key(1), cx.now_ms());
    let stream = cx.read_as::<Stream>(&key)?;
    let group = stream.and_then(|stream| stream.group(&args[2]));
    let group = group.ok_or_else(|| errors::no_group(key.bytes, &args[2]))?;
    match request {
        None => summary(group, out),
        Some(request) => list(group, &request, args, now_ms, out),
    }
    Ok(())
}

/// How many entries are pending, from where to where, and how many with whom.
fn summary(group: &Group, out: &mut Writer<'_>) {
    out.array(4);
    out.int(group.pending_len() as i64);
    let mut pending = group.pending_range(StreamId::MIN..=StreamId::MAX).map(|(id, _)| id);
    let first = pending.next();
    let Some((first, last)) = first.map(|first| (first, pending.next_back().unwrap_or(first)))
    else {
        out.null();
        out.null();
        out.null_array();
        return;
    };
    reply::id(out, first);
    reply::id(out, last);
    let list = out.deferred_array();
    let mut len = 0;
    for (_, consumer) in group.consumers().filter(|(_, consumer)| consumer.pending_len() > 0) {
        out.array(2);
        out.bulk(consumer.name());
        out.bulk_int(consumer.pending_len() as i64);
        len += 1;
    }
    out.finish_array(list, len);
}

/// Pending entries one by one.
fn list(group: &Group, request: &Request, args: Args<'_>, now_ms: i64, out: &mut Writer<'_>) {
    let range = request.start..=request.end;
    match request.consumer_at {
        None => write(group, group.pending_range(range), request, now_ms, out),
        Some(at) => match group.find_consumer(&args[at]) {
            None => out.array(0),
            Some(consumer) => {
                write(group, group.pending_of(consumer, range), request, now_ms, out);
            }
        },
    }
}

fn write<'g>(
    group: &Group,
    pending: impl Iterator<Item = (StreamId, &'g Pending)>,
    request: &Request,
    now_ms: i64,
    out: &mut Writer<'_>,
) {
    let most = usize::try_from(request.count).unwrap_or(usize::MAX);
    let idle_ms = |pending: &Pending| now_ms.saturating_sub(pending.delivered_ms);
    let is_idle =
        |pending: &Pending| request.min_idle_ms == 0 || idle_ms(pending) >= request.min_idle_ms;
    let list = out.deferred_array();
    let mut len = 0;
    for (id, one) in pending.filter(|(_, pending)| is_idle(pending)).take(most) {
        out.array(4);
        reply::id(out, id);
        out.bulk(group.consumer(one.consumer).name());
        out.int(idle_ms(one).max(0));
        out.int(one.deliveries);
        len += 1;
    }
    out.finish_array(list, len);
}
