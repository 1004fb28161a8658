//! Commands on parts of strings: APPEND, STRLEN, SETRANGE, GETRANGE.

use super::super::{Args, CommandError, CommandResult, Effect, Read, Write};
use super::value_at;
use crate::command::string_of;
use crate::keyspace::{Event, ValueRef};
use crate::resp::Writer;

const APPEND: Event = Event::string("append");
const SETRANGE: Event = Event::string("setrange");

/// STRLEN key
pub(super) fn strlen(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let len = cx.string(&args.key(1))?.map_or(0, |value| value.len());
    out.int(len as i64);
    Ok(())
}

/// APPEND key value
pub(super) fn append(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (key, added) = (args.key(1), &args[2]);
    let old_len = match cx.seek(&key) {
        None => None,
        Some(entry) => Some(string_of(entry.get())?.len()),
    };
    let len = old_len.unwrap_or(0) + added.len();
    match old_len {
        None => cx.store(&key, value_at(args, 2), None),
        Some(old_len) => {
            check_len(cx, len)?;
            cx.edit_string(&key, len, |bytes| bytes[old_len..].copy_from_slice(added));
        }
    }
    cx.changed(&key, APPEND, Effect::Verbatim(args));
    out.int(len as i64);
    Ok(())
}

/// SETRANGE key offset value
pub(super) fn setrange(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (key, patch) = (args.key(1), &args[3]);
    let offset =
        usize::try_from(args.integer(2)?).map_err(|_| CommandError::OFFSET_OUT_OF_RANGE)?;
    let old_len = match cx.seek(&key) {
        None => 0,
        Some(entry) => string_of(entry.get())?.len(),
    };
    if patch.is_empty() {
        out.int(old_len as i64);
        return Ok(());
    }
    let end = offset.saturating_add(patch.len());
    check_len(cx, end)?;
    cx.edit_string(&key, end, |bytes| bytes[offset..end].copy_from_slice(patch));
    cx.changed(&key, SETRANGE, Effect::Verbatim(args));
    out.int(old_len.max(end) as i64);
    Ok(())
}

/// Refuses a string that no client could have sent.
fn check_len(cx: &Write<'_>, len: usize) -> CommandResult {
    if len as u64 > cx.config().proto_max_bulk_len {
        return Err(CommandError::STRING_TOO_LONG);
    }
    Ok(())
}

/// GETRANGE key start end
pub(super) fn getrange(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (start, end) = (args.integer(2)?, args.integer(3)?);
    let Some(value) = cx.string(&args.key(1))? else {
        out.bulk(b"");
        return Ok(());
    };
    let range = resolve(start, end, value.len());
    match value {
        ValueRef::Shared(bytes) => out.bulk_shared(&bytes.slice(range)),
        ValueRef::Int(_) | ValueRef::Inline(_) => {
            out.bulk(&value.as_bytes(&mut itoa::Buffer::new())[range]);
        }
    }
    Ok(())
}

/// The bytes that `start` and `end` (inclusive; negative: from the end) mean in a string of `len`
/// bytes.
fn resolve(start: i64, end: i64, len: usize) -> std::ops::Range<usize> {
    let len = len as i64;
    let absolute = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let (start, end) = (absolute(start), absolute(end).min(len - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

#[cfg(test)]
mod tests {
    use super::resolve;

    #[test]
    fn ranges() {
        for (start, end, len, range) in [
            (0, -1, 5, 0..5),
            (0, 0, 5, 0..1),
            (1, 3, 5, 1..4),
            (-3, -2, 5, 2..4),
            (-2, -3, 5, 0..0),
            (-100, 2, 5, 0..3),
            (-100, -50, 5, 0..1),
            (3, 100, 5, 3..5),
            (5, 100, 5, 0..0),
            (0, -1, 0, 0..0),
            (-1, -1, 0, 0..0),
            (i64::MIN, i64::MAX, 5, 0..5),
            (i64::MAX, i64::MIN, 5, 0..0),
            (i64::MIN, i64::MIN, 5, 0..1),
        ] {
            assert_eq!(resolve(start, end, len), range, "{start} {end} {len}");
        }
    }
}
