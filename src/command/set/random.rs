//! Members by chance: SPOP, SRANDMEMBER.

use super::{limits, reply_member};
use crate::command::error::CommandError;
use crate::command::{Args, CommandResult, Edited, Effect, Fate, Key, Read, Write, parse_integer};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::set::Set;

const SPOP: Event = Event::set("spop");
/// Members that one `SREM` of the journal names at most.
const MEMBERS_PER_EFFECT: usize = 1024;

/// SPOP key [count]
pub(super) fn spop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let count = match args.len() {
        2 => None,
        3 => {
            let count = args.get(2).and_then(parse_integer);
            let count = count.and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(CommandError::MUST_BE_POSITIVE)?)
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let limits = limits(cx);
    let mut rng = cx.rng().fork();
    let listens = cx.parts()[0].effects.is_listening();
    let edited = cx.edit(&key, |set: &mut Set| {
        let popped = count.unwrap_or(1).min(set.len());
        if count.is_some() {
            out.set(popped);
        }
        let states = listens && popped < set.len();
        let mut gone: Vec<Vec<u8>> = Vec::new();
        if popped > 0 {
            set.pop_many(popped, &mut rng, limits, |member| {
                reply_member(member, out);
                if states {
                    gone.push(member.to_vec());
                }
            });
        }
        (popped, gone)
    })?;
    match (edited, count) {
        (None, None) => out.null(),
        (None, Some(_)) => out.set(0),
        (Some(Edited { result: (0, _), .. }), _) => {}
        (Some(Edited { result: (_, gone), fate }), _) => state_removal(cx, &key, &gone, fate),
    }
    Ok(())
}

/// States that members were taken out by chance, in words that leave nothing to chance.
fn state_removal(cx: &mut Write<'_>, key: &Key<'_>, gone: &[Vec<u8>], fate: Fate) {
    if fate == Fate::Removed {
        let lazy = cx.config().lazyfree_lazy_server_del;
        let command: &[u8] = if lazy { b"UNLINK" } else { b"DEL" };
        cx.changed(key, SPOP, Effect::Rewrite(&[command, key.bytes]));
        cx.changed(key, Event::DEL, Effect::Covered);
        return;
    }
    let mut chunks = gone.chunks(MEMBERS_PER_EFFECT);
    let removal = |chunk: &[Vec<u8>]| {
        let mut effect = vec![b"SREM".to_vec(), key.bytes.to_vec()];
        effect.extend_from_slice(chunk);
        effect
    };
    let first = chunks.next().map(removal).unwrap_or_default();
    let words: Vec<&[u8]> = first.iter().map(Vec::as_slice).collect();
    cx.changed(key, SPOP, Effect::Rewrite(&words));
    for chunk in chunks {
        let effect = removal(chunk);
        let words: Vec<&[u8]> = effect.iter().map(Vec::as_slice).collect();
        cx.state(cx.db_index(), &words);
    }
}

/// SRANDMEMBER key [count]
pub(super) fn srandmember(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let count = match args.len() {
        2 => None,
        3 => {
            let count = args.integer(2)?;
            require_range(count)?;
            Some(count)
        }
        _ => return Err(CommandError::SYNTAX),
    };
    let mut rng = cx.rng().fork();
    let most_bytes = cx.config().proto_max_bulk_len as usize;
    let set = cx.read_as::<Set>(&args.key(1))?;
    match (set, count) {
        (None, None) => out.null(),
        (None, Some(_)) | (Some(_), Some(0)) => out.array(0),
        (Some(set), None) => match set.random(&mut rng) {
            Some(member) => reply_member(member, out),
            None => out.null(),
        },
        (Some(set), Some(count @ 1..)) => {
            let chosen = set.select(usize::try_from(count).unwrap_or(usize::MAX), &mut rng);
            out.array(chosen.len());
            chosen.into_iter().for_each(|member| reply_member(member, out));
        }
        (Some(set), Some(count)) => {
            let count = count.unsigned_abs() as usize;
            out.array(count);
            let begin = out.buf().len();
            for _ in 0..count {
                if let Some(member) = set.random(&mut rng) {
                    reply_member(member, out);
                }
                if out.buf().len() - begin > most_bytes {
                    return Err(CommandError::REPLY_TOO_LONG);
                }
            }
        }
    }
    Ok(())
}

/// Refuses the one count that has no opposite.
fn require_range(count: i64) -> CommandResult {
    if count == i64::MIN { Err(CommandError::COUNT_OUT_OF_RANGE) } else { Ok(()) }
}
