//! Commands on all fields: HGETALL, HKEYS, HVALS, HSCAN; and HRANDFIELD, which has chance choose.

use super::reply_item;
use crate::command::error::CommandError;
use crate::command::scan_options::{ScanOptions, Scanned, walk};
use crate::command::{Args, CommandResult, Read, parse_cursor};
use crate::resp::{Proto, Writer};
use crate::value::hash::{Entry, Hash};

/// HGETALL key
pub(super) fn hgetall(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_ms = cx.now_ms();
    let Some(hash) = cx.read_as::<Hash>(&args.key(1))? else {
        out.map(0);
        return Ok(());
    };
    let write = |entry: Entry<'_>, out: &mut Writer<'_>| {
        reply_item(entry.field, out);
        reply_item(entry.value, out);
    };
    match hash.live_len(now_ms) {
        Some(len) => {
            out.map(len);
            hash.iter(now_ms).for_each(|entry| write(entry, out));
        }
        None => {
            let head = out.deferred_map();
            let count = hash.iter(now_ms).map(|entry| write(entry, out)).count();
            out.finish_map(head, count);
        }
    }
    Ok(())
}

/// HKEYS key
pub(super) fn hkeys(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    list(cx, args, out, |entry, out| reply_item(entry.field, out))
}

/// HVALS key
pub(super) fn hvals(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    list(cx, args, out, |entry, out| reply_item(entry.value, out))
}

/// An array of what `write` makes of each field.
fn list(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
    write: impl Fn(Entry<'_>, &mut Writer<'_>),
) -> CommandResult {
    let now_ms = cx.now_ms();
    let Some(hash) = cx.read_as::<Hash>(&args.key(1))? else {
        out.array(0);
        return Ok(());
    };
    match hash.live_len(now_ms) {
        Some(len) => {
            out.array(len);
            hash.iter(now_ms).for_each(|entry| write(entry, out));
        }
        None => {
            let head = out.deferred_array();
            let count = hash.iter(now_ms).map(|entry| write(entry, out)).count();
            out.finish_array(head, count);
        }
    }
    Ok(())
}

/// HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]
pub(super) fn hscan(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let cursor = parse_cursor(&args[2])?;
    let now_ms = cx.now_ms();
    let Some(hash) = cx.read_as::<Hash>(&args.key(1))? else {
        out.array(2);
        out.bulk_int(0);
        out.array(0);
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Scanned::Hash)?;
    let mut found = Vec::new();
    let next = walk(cursor, options.count, |cursor, seen| {
        hash.scan(cursor, now_ms, |entry| {
            *seen += 1;
            if options.takes(entry.field.as_bytes(&mut itoa::Buffer::new())) {
                found.push(entry);
            }
        })
    });
    out.array(2);
    out.bulk(itoa::Buffer::new().format(next).as_bytes());
    out.array(if options.bare { found.len() } else { 2 * found.len() });
    for entry in found {
        reply_item(entry.field, out);
        if !options.bare {
            reply_item(entry.value, out);
        }
    }
    Ok(())
}

/// HRANDFIELD key [count [WITHVALUES]]
pub(super) fn hrandfield(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let Some(count) = args.get(2).map(|_| args.integer(2)).transpose()? else {
        return one(cx, args, out);
    };
    if count == i64::MIN {
        return Err(CommandError::COUNT_OUT_OF_RANGE);
    }
    let with_values = args.len() > 3;
    if args.len() > 4 || with_values && !args.is(3, "WITHVALUES") {
        return Err(CommandError::SYNTAX);
    }
    if with_values && !(-i64::MAX / 2..=i64::MAX / 2).contains(&count) {
        return Err(CommandError::OUT_OF_RANGE);
    }
    let (now_ms, most_bytes) = (cx.now_ms(), cx.config().proto_max_bulk_len as usize);
    let mut rng = cx.rng().fork();
    let hash = cx.read_as::<Hash>(&args.key(1))?;
    // A hash all of whose fields have expired is as good as none.
    let hash = hash.filter(|hash| count != 0 && hash.random(&mut rng, now_ms).is_some());
    let Some(hash) = hash else {
        out.array(0);
        return Ok(());
    };
    let pairs = with_values && out.proto() == Proto::Resp3;
    let head = |count: usize, out: &mut Writer<'_>| {
        out.array(if with_values && !pairs { 2 * count } else { count });
    };
    let write = |entry: Entry<'_>, out: &mut Writer<'_>| {
        if pairs {
            out.array(2);
        }
        reply_item(entry.field, out);
        if with_values {
            reply_item(entry.value, out);
        }
    };
    if count > 0 {
        let chosen = hash.select(usize::try_from(count).unwrap_or(usize::MAX), &mut rng, now_ms);
        head(chosen.len(), out);
        chosen.into_iter().for_each(|entry| write(entry, out));
        return Ok(());
    }
    let count = count.unsigned_abs() as usize;
    head(count, out);
    let begin = out.buf().len();
    for _ in 0..count {
        if let Some(entry) = hash.random(&mut rng, now_ms) {
            write(entry, out);
        }
        if out.buf().len() - begin > most_bytes {
            return Err(CommandError::REPLY_TOO_LONG);
        }
    }
    Ok(())
}

/// One field by chance.
fn one(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_ms = cx.now_ms();
    let mut rng = cx.rng().fork();
    let hash = cx.read_as::<Hash>(&args.key(1))?;
    match hash.and_then(|hash| hash.random(&mut rng, now_ms)) {
        Some(entry) => reply_item(entry.field, out),
        None => out.null(),
    }
    Ok(())
}
