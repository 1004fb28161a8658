//! Entries that go, acknowledged or not: XDEL, XDELEX, XACKDEL.

use super::super::error::CommandError;
use super::super::{Args, CommandResult, Effect, Key, Write};
use super::{errors, ids, trimming};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::stream::{References, Stream, StreamId};

const DEL: Event = Event::stream("xdel");

/// XDEL key id [id …]
pub(super) fn xdel(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let edited = cx.edit(&key, |stream: &mut Stream| {
        let ids = ids::all_from(args, 2)?;
        Ok(ids.into_iter().filter(|&id| stream.log_mut().remove(id)).count())
    })?;
    let removed = edited.map_or(Ok(0), |edited| edited.result)?;
    if removed > 0 {
        cx.changed(&key, DEL, Effect::Verbatim(args));
    }
    out.int(removed as i64);
    Ok(())
}

/// What XDELEX and XACKDEL are told: IDS number id [id …] [KEEPREF | DELREF | ACKED], in any order.
struct Request {
    references: References,
    ids_at: usize,
    ids: usize,
}

impl Request {
    fn read(args: Args<'_>, mut at: usize) -> Result<Request, CommandError> {
        let mut references = None;
        let mut ids = None;
        while at < args.len() {
            if trimming::read_references(&mut references, args, at) {
                at += 1;
            } else if args.is(at, "IDS") && at + 1 < args.len() {
                let count = args.integer(at + 1).map_err(|_| errors::NUMIDS_NOT_POSITIVE)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                let count = count.ok_or(errors::NUMIDS_NOT_POSITIVE)?;
                if count > args.len() - at - 2 {
                    return Err(errors::NUMIDS_MISMATCH);
                }
                ids = Some((at + 2, count));
                at += 2 + count;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        let (ids_at, ids) = ids.ok_or(errors::IDS_REQUIRED)?;
        Ok(Request { references: references.unwrap_or_default(), ids_at, ids })
    }
}

/// What became of an id, as the reply says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// There was no such entry.
    Missing = -1,
    /// It was removed.
    Removed = 1,
    /// A group still needs it.
    Referenced = 2,
}

/// XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id …]
pub(super) fn xdelex(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    // A key of another type is told before a wrong option.
    cx.read_as::<Stream>(&key)?;
    let request = Request::read(args, 2)?;
    let edited = cx.edit(&key, |stream: &mut Stream| {
        let ids = ids::some_from(args, request.ids_at, request.ids)?;
        let slowest = stream.slowest_group();
        let remove = |id| remove(stream, id, request.references, slowest);
        Ok::<_, CommandError>(ids.into_iter().map(remove).collect::<Vec<_>>())
    })?;
    let fates = edited.map(|edited| edited.result).transpose()?;
    let changes = fates.iter().flatten().any(|fate| *fate == Fate::Removed);
    reply(out, fates, request.ids);
    if changes {
        cx.changed(&key, DEL, Effect::Verbatim(args));
    } else if request.references == References::Remove && cx.is_recorded() {
        // Pending lists may have lost ids of entries that are long gone.
        cx.state_request(args);
    }
    Ok(())
}

/// Removes an entry.
fn remove(
    stream: &mut Stream,
    id: StreamId,
    references: References,
    slowest: Option<StreamId>,
) -> Fate {
    match references {
        References::Keep => {}
        References::Remove => stream.settle_everywhere(id),
        References::Respect if stream.is_referenced(id, slowest) => return Fate::Referenced,
        References::Respect => {}
    }
    if stream.log_mut().remove(id) { Fate::Removed } else { Fate::Missing }
}

/// XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id …]
pub(super) fn xackdel(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    cx.read_as::<Stream>(&key)?;
    let request = Request::read(args, 3)?;
    let edited = cx.edit(&key, |stream: &mut Stream| {
        if stream.group(&args[2]).is_none() {
            return Ok(None);
        }
        let ids = ids::some_from(args, request.ids_at, request.ids)?;
        let slowest = stream.slowest_group();
        let len_before = stream.len();
        let settle = |id| {
            let settled = stream.group_mut(&args[2]).and_then(|mut group| group.settle(id));
            match settled {
                None => Fate::Missing,
                // An acknowledged entry that was gone before counts as removed.
                Some(_) => match remove(stream, id, request.references, slowest) {
                    Fate::Referenced => Fate::Referenced,
                    Fate::Removed | Fate::Missing => Fate::Removed,
                },
            }
        };
        let fates: Vec<Fate> = ids.into_iter().map(settle).collect();
        Ok::<_, CommandError>(Some((fates, stream.len() < len_before)))
    })?;
    let done = edited.map(|edited| edited.result).transpose()?.flatten();
    let (fates, removed) = done.unzip();
    let settled = fates.iter().flatten().any(|fate| *fate != Fate::Missing);
    reply(out, fates, request.ids);
    state_settled(cx, &key, args, settled, removed == Some(true));
    Ok(())
}

/// States what XACKDEL did.
fn state_settled(cx: &mut Write<'_>, key: &Key<'_>, args: Args<'_>, settled: bool, removed: bool) {
    if removed {
        cx.changed(key, DEL, Effect::Verbatim(args));
    } else if settled {
        cx.state_request(args);
    }
}

/// Writes what became of the ids; without any, each of them was missing.
fn reply(out: &mut Writer<'_>, fates: Option<Vec<Fate>>, ids: usize) {
    out.array(ids);
    match fates {
        Some(fates) => fates.into_iter().for_each(|fate| out.int(fate as i64)),
        None => (0..ids).for_each(|_| out.int(Fate::Missing as i64)),
    }
}
