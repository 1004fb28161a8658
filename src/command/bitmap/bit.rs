//! Commands on single bits and their number: SETBIT, GETBIT, BITCOUNT, BITPOS.

use super::super::{Args, CommandError, CommandResult, Effect, Key, Read, Write, require};
use super::bit_offset;
use crate::command::string_of;
use crate::keyspace::{Event, ValueRef};
use crate::resp::Writer;
use crate::value::bits;

const SETBIT: Event = Event::string("setbit");

/// GETBIT key offset
pub(super) fn getbit(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let at = bit_offset(cx, &args[2], None)?;
    let bit = cx.string(&args.key(1))?.is_some_and(|value| {
        let mut digits = itoa::Buffer::new();
        bits::get(value.as_bytes(&mut digits), at)
    });
    out.int(i64::from(bit));
    Ok(())
}

/// SETBIT key offset value
pub(super) fn setbit(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    const WRONG: CommandError = CommandError::fixed("ERR bit is not an integer or out of range");
    let key = args.key(1);
    let at = bit_offset(cx, &args[2], None)?;
    let bit = match args.integer(3) {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(WRONG),
    };
    let (old, changed) = put(cx, &key, at, bit)?;
    if changed {
        cx.changed(&key, SETBIT, Effect::Verbatim(args));
    }
    out.int(i64::from(old));
    Ok(())
}

/// Sets a bit of the string at `key`, and gives the old one and whether anything changed.
fn put(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    at: u64,
    bit: bool,
) -> Result<(bool, bool), CommandError> {
    let len = bits::bytes_up_to(at);
    let mut known = None;
    if let Some(mut entry) = cx.seek(key) {
        let value = string_of(entry.get())?;
        known = Some(value.len());
        let is_raw = entry.get().is_raw();
        // The common case: a bitmap that need not grow, of a size that is kept in its entry.
        if let Some(bytes) = entry.inline_bytes().filter(|bytes| is_raw && bytes.len() >= len) {
            let old = bits::set(bytes, at, bit);
            return Ok((old, old != bit));
        }
    }
    let mut old = false;
    cx.edit_string(key, len, |bytes| old = bits::set(bytes, at, bit));
    Ok((old, old != bit || known.is_none_or(|known| known < len)))
}

/// What BITCOUNT and BITPOS count by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

/// The range that the arguments from `at` on give: `start [end [BYTE | BIT]]`, as they stand.
struct Range {
    start: i64,
    end: Option<i64>,
    unit: Unit,
}

impl Range {
    fn read(args: Args<'_>, at: usize) -> Result<Option<Range>, CommandError> {
        if args.len() == at {
            return Ok(None);
        }
        require(args.len() <= at + 3)?;
        let start = args.integer(at)?;
        let unit = match args.get(at + 2) {
            Some(word) if word.eq_ignore_ascii_case(b"BIT") => Unit::Bit,
            Some(word) if !word.eq_ignore_ascii_case(b"BYTE") => return Err(CommandError::SYNTAX),
            _ => Unit::Byte,
        };
        let end = if args.len() > at + 1 { Some(args.integer(at + 1)?) } else { None };
        Ok(Some(Range { start, end, unit }))
    }

    /// The first and the last bit that it means in a string of `len` bytes; `None` for none.
    fn bits(&self, len: usize) -> Option<(u64, u64)> {
        let per_unit = if self.unit == Unit::Bit { 1 } else { 8 };
        let units = len as i64 * (8 / per_unit);
        let absolute = |at: i64| if at < 0 { at.saturating_add(units).max(0) } else { at };
        let end = absolute(self.end.unwrap_or(units - 1)).min(units - 1);
        let start = absolute(self.start);
        (start <= end).then(|| {
            let (start, end) = (start * per_unit, end * per_unit + per_unit - 1);
            (start as u64, end as u64)
        })
    }
}

/// BITCOUNT key [start [end [BYTE | BIT]]]
pub(super) fn bitcount(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let range = Range::read(args, 2)?;
    let Some(value) = cx.string(&args.key(1))? else {
        out.int(0);
        return Ok(());
    };
    let mut digits = itoa::Buffer::new();
    let bytes = value.as_bytes(&mut digits);
    let count = match range {
        None => bits::count(bytes),
        // Both from the end and in the wrong order: nothing, even where both would be cut to 0.
        Some(Range { start, end: Some(end), .. }) if start < 0 && end < 0 && start > end => 0,
        Some(range) => {
            let range = range.bits(bytes.len());
            range.map_or(0, |(first, last)| bits::count_range(bytes, first, last))
        }
    };
    out.int(count as i64);
    Ok(())
}

/// BITPOS key bit [start [end [BYTE | BIT]]]
pub(super) fn bitpos(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let bit = match args.integer(2)? {
        0 => false,
        1 => true,
        _ => return Err(CommandError::fixed("ERR The bit argument must be 1 or 0.")),
    };
    let range = Range::read(args, 3)?;
    let Some(value) = cx.string(&args.key(1))? else {
        // A key that is not there is an endless row of zeros.
        out.int(if bit { -1 } else { 0 });
        return Ok(());
    };
    out.int(find(value, bit, range).map_or(-1, |at| at as i64));
    Ok(())
}

/// Where the first `bit` is in the range.
fn find(value: ValueRef<'_>, bit: bool, range: Option<Range>) -> Option<u64> {
    let mut digits = itoa::Buffer::new();
    let bytes = value.as_bytes(&mut digits);
    let range = range.unwrap_or(Range { start: 0, end: None, unit: Unit::Byte });
    let (first, last) = range.bits(bytes.len())?;
    let found = bits::position(bytes, bit, first, last);
    // Without an end, zeros follow the string.
    let beyond = (!bit && range.end.is_none()).then_some(last + 1);
    found.or(beyond)
}
