//! XADD, XTRIM, XSETID.

use super::super::error::{CommandError, wrong_arity};
use super::super::{Args, CommandResult, Effect, Write};
use super::ids::NewId;
use super::trimming::{Trimming, threshold_text};
use super::{SETID, TRIM, errors, ids, limits, reply};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::stream::{AppendError, Counters, MAX_ENTRY_BYTES, Stream, StreamId, Threshold};

const ADD: Event = Event::stream("xadd");

/// What XADD was asked for.
struct Request {
    trimming: Trimming,
    create: bool,
    id: NewId,
    /// Where the id stands; names and values follow.
    id_at: usize,
}

impl Request {
    fn read(args: Args<'_>) -> Result<Request, CommandError> {
        let mut trimming = Trimming::default();
        let mut create = true;
        let mut at = 2;
        let mut id = None;
        while at < args.len() {
            if &args[at] == b"*" {
                id = Some(NewId::Auto);
                break;
            }
            at = if let Some(next) = trimming.read(args, at)? {
                next
            } else if args.is(at, "NOMKSTREAM") {
                create = false;
                at + 1
            } else {
                id = Some(NewId::read(&args[at])?);
                break;
            };
        }
        trimming.check()?;
        trimming.check_limit()?;
        let pairs = args.len().saturating_sub(at + 1);
        let id = id.filter(|_| pairs >= 2 && pairs.is_multiple_of(2));
        let id = id.ok_or_else(|| wrong_arity("xadd"))?;
        if id == NewId::Given(StreamId::MIN) {
            return Err(errors::ZERO_ID);
        }
        Ok(Request { trimming, create, id, id_at: at })
    }

    /// Names and values.
    fn fields<'a>(
        &self,
        args: Args<'a>,
    ) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + Clone + use<'a> {
        let argument = move |at| args.get(at).unwrap_or_default();
        let pairs = (args.len() - self.id_at - 1) / 2;
        let first = self.id_at + 1;
        (0..pairs).map(move |pair| (argument(first + 2 * pair), argument(first + 2 * pair + 1)))
    }

    /// Bytes of all names and values.
    fn size(&self, args: Args<'_>) -> u64 {
        self.fields(args).map(|(name, value)| (name.len() + value.len()) as u64).sum()
    }
}

/// What XADD did.
struct Added {
    id: StreamId,
    trimmed: u64,
    /// The threshold of an exact trimming to the same effect.
    threshold: Option<Threshold>,
}

/// XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [MAXLEN | MINID [= | ~] threshold
/// [LIMIT count]] id field value [field value …]
pub(super) fn xadd(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let request = Request::read(args)?;
    // Before the key is created.
    if args.total_bytes() as u64 > MAX_ENTRY_BYTES && request.size(args) > MAX_ENTRY_BYTES {
        return Err(errors::TOO_LARGE);
    }
    let key = args.key(1);
    let (now_ms, limits) = (cx.now_ms(), limits(cx));
    let add = |stream: &mut Stream| {
        let last = stream.log().last_id();
        if last == StreamId::MAX {
            return Err(errors::EXHAUSTED);
        }
        let id = request.id.resolve(last, now_ms).ok_or(errors::SMALL_ID)?;
        let appended = stream.log_mut().append(id, request.fields(args), limits);
        appended.map_err(|error| match error {
            AppendError::IdTooSmall => errors::SMALL_ID,
            AppendError::TooLarge => errors::TOO_LARGE,
        })?;
        let trim = request.trimming.trim(limits.node_entries);
        let trimmed = trim.map_or(0, |(trim, references)| stream.trim(trim, references));
        Ok(Added { id, trimmed, threshold: request.trimming.exact(stream.log()) })
    };
    let edited = if request.create {
        cx.edit_or_create(&key, add)?.result
    } else {
        match cx.edit(&key, add)? {
            Some(edited) => edited.result,
            None => {
                out.null();
                return Ok(());
            }
        }
    };
    let added = edited?;
    reply::id(out, added.id);
    let is_exact = matches!(request.id, NewId::Given(_)) && added.threshold.is_none();
    if is_exact || !cx.is_recorded() {
        cx.changed(&key, ADD, Effect::Verbatim(args));
    } else {
        let id = added.id.text();
        let threshold = added.threshold.map(threshold_text);
        let mut words: Vec<&[u8]> = args.iter().collect();
        words[request.id_at] = id.as_bytes();
        if let Some(threshold) = &threshold {
            request.trimming.rewrite(&mut words, threshold);
        }
        cx.changed(&key, ADD, Effect::Rewrite(&words));
    }
    if added.trimmed > 0 {
        cx.changed(&key, TRIM, Effect::Covered);
    }
    Ok(())
}

/// XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]
pub(super) fn xtrim(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mut trimming = Trimming::default();
    let mut at = 2;
    while at < args.len() {
        at = trimming.read(args, at)?.ok_or(CommandError::SYNTAX)?;
    }
    trimming.check()?;
    if !trimming.is_asked_for() {
        return Err(errors::NO_STRATEGY);
    }
    trimming.check_limit()?;
    let key = args.key(1);
    let node_entries = limits(cx).node_entries;
    let edited = cx.edit(&key, |stream: &mut Stream| {
        let trim = trimming.trim(node_entries);
        let trimmed = trim.map_or(0, |(trim, references)| stream.trim(trim, references));
        (trimmed, trimming.exact(stream.log()))
    })?;
    let (trimmed, threshold) = edited.map_or((0, None), |edited| edited.result);
    out.int(trimmed as i64);
    if trimmed == 0 {
        return Ok(());
    }
    match threshold.filter(|_| cx.is_recorded()).map(threshold_text) {
        None => cx.changed(&key, TRIM, Effect::Verbatim(args)),
        Some(threshold) => {
            let mut words: Vec<&[u8]> = args.iter().collect();
            trimming.rewrite(&mut words, &threshold);
            cx.changed(&key, TRIM, Effect::Rewrite(&words));
        }
    }
    Ok(())
}

/// XSETID key last-id [ENTRIESADDED number] [MAXDELETEDID id]
pub(super) fn xsetid(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let last_id = ids::strict(&args[2], 0)?;
    let (mut added, mut max_deleted_id) = (None, None);
    let mut at = 3;
    while at < args.len() {
        let has_more = at + 1 < args.len();
        if args.is(at, "ENTRIESADDED") && has_more {
            let number = args.integer(at + 1)?;
            added = Some(u64::try_from(number).map_err(|_| errors::ENTRIESADDED_NEGATIVE)?);
        } else if args.is(at, "MAXDELETEDID") && has_more {
            let id = ids::strict(&args[at + 1], 0)?;
            if last_id < id {
                return Err(errors::SETID_BELOW_GIVEN_DELETED);
            }
            max_deleted_id = Some(id).filter(|id| *id != StreamId::MIN);
        } else {
            return Err(CommandError::SYNTAX);
        }
        at += 2;
    }
    let key = args.key(1);
    let edited = cx.edit(&key, |stream: &mut Stream| {
        let log = stream.log_mut();
        if last_id < log.max_deleted_id() {
            return Err(errors::SETID_BELOW_DELETED);
        }
        if let Some(top) = log.last_entry_id() {
            if last_id < top {
                return Err(errors::SETID_BELOW_TOP);
            }
            if added.is_some_and(|added| added < log.len()) {
                return Err(errors::SETID_ADDED_BELOW_LEN);
            }
        }
        log.set_counters(Counters {
            last_id,
            added: added.unwrap_or(log.added()),
            max_deleted_id: max_deleted_id.unwrap_or(log.max_deleted_id()),
        });
        Ok(())
    })?;
    edited.ok_or(CommandError::NO_SUCH_KEY)?.result?;
    cx.noted(&key, Some(SETID), Effect::Verbatim(args));
    out.ok();
    Ok(())
}
