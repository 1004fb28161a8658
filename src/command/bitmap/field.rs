//! BITFIELD and BITFIELD_RO: integers of any width and place in a string.

use super::super::{
    Args, CommandError, CommandResult, Effect, Key, Read, Write, parse_integer, require,
};
use super::bit_offset;
use crate::command::string_of;
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::bits::{self, Field, Overflow};

const SETBIT: Event = Event::string("setbit");

/// One operation on a field.
struct Operation {
    field: Field,
    at: u64,
    what: What,
}

enum What {
    Get,
    Set(i64, Overflow),
    Increment(i64, Overflow),
}

/// The field that an argument names: `i` or `u`, and a width.
fn field(text: &[u8]) -> Result<Field, CommandError> {
    const WRONG: CommandError = CommandError::fixed(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but \
         i64 is.",
    );
    let (signed, width) = match text {
        [b'i', width @ ..] => (true, width),
        [b'u', width @ ..] => (false, width),
        _ => return Err(WRONG),
    };
    let most = if signed { 64 } else { 63 };
    match parse_integer(width) {
        Some(bits @ 1..) if bits <= most => Ok(Field { signed, bits: bits as u32 }),
        _ => Err(WRONG),
    }
}

fn overflow(args: Args<'_>, at: usize) -> Result<Overflow, CommandError> {
    match () {
        () if args.is(at, "WRAP") => Ok(Overflow::Wrap),
        () if args.is(at, "SAT") => Ok(Overflow::Saturate),
        () if args.is(at, "FAIL") => Ok(Overflow::Fail),
        () => Err(CommandError::fixed("ERR Invalid OVERFLOW type specified")),
    }
}

/// The operations that the arguments from 2 on ask for.
fn operations(cx: &Read<'_>, args: Args<'_>) -> Result<Vec<Operation>, CommandError> {
    let mut operations = Vec::new();
    let mut on_overflow = Overflow::Wrap;
    let mut at = 2;
    while at < args.len() {
        let rest = args.len() - at - 1;
        if args.is(at, "OVERFLOW") && rest >= 1 {
            on_overflow = overflow(args, at + 1)?;
            at += 2;
            continue;
        }
        let (get, set) = (args.is(at, "GET"), args.is(at, "SET"));
        let takes = if get { 2 } else { 3 };
        require((get || set || args.is(at, "INCRBY")) && rest >= takes)?;
        let field = field(&args[at + 1])?;
        let offset = bit_offset(cx, &args[at + 2], Some(field.bits))?;
        let what = match (get, set) {
            (true, _) => What::Get,
            (_, true) => What::Set(args.integer(at + 3)?, on_overflow),
            _ => What::Increment(args.integer(at + 3)?, on_overflow),
        };
        operations.push(Operation { field, at: offset, what });
        at += 1 + takes;
    }
    Ok(operations)
}

/// Bytes that the string must have for the operations that write; 0 if none does.
fn reach(operations: &[Operation]) -> usize {
    let writes = operations.iter().filter(|operation| !matches!(operation.what, What::Get));
    let last = |operation: &Operation| operation.at + u64::from(operation.field.bits) - 1;
    writes.map(|operation| bits::bytes_up_to(last(operation))).max().unwrap_or(0)
}

/// BITFIELD_RO key [GET encoding offset …]
pub(super) fn bitfield_ro(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let operations = operations(cx, args)?;
    if reach(&operations) > 0 {
        return Err(CommandError::fixed("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read_all(cx, &args.key(1), &operations, out)
}

/// Operations that only read, on a string that may not be there.
fn read_all(
    cx: &mut Read<'_>,
    key: &Key<'_>,
    operations: &[Operation],
    out: &mut Writer<'_>,
) -> CommandResult {
    let value = cx.string(key)?;
    let mut digits = itoa::Buffer::new();
    let bytes = value.as_ref().map_or(&b""[..], |value| value.as_bytes(&mut digits));
    out.array(operations.len());
    for operation in operations {
        out.int(operation.field.get(bytes, operation.at));
    }
    Ok(())
}

/// BITFIELD key [GET encoding offset | [OVERFLOW …] SET … | [OVERFLOW …] INCRBY … …]
pub(super) fn bitfield(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let operations = operations(cx, args)?;
    let key = args.key(1);
    let len = reach(&operations);
    if len == 0 {
        return read_all(cx, &key, &operations, out);
    }
    let known = match cx.seek(&key) {
        None => None,
        Some(entry) => Some(string_of(entry.get())?.len()),
    };
    // The string grows before anything is done to it, and stays so even if all of that fails.
    let mut changed = known.is_none_or(|known| known < len);
    let mut results = Vec::with_capacity(operations.len());
    cx.edit_string(&key, len, |bytes| {
        results.extend(operations.iter().map(|operation| run(operation, bytes, &mut changed)));
    });
    if changed {
        cx.changed(&key, SETBIT, Effect::Verbatim(args));
    }
    out.array(results.len());
    for result in results {
        match result {
            Some(number) => out.int(number),
            None => out.null(),
        }
    }
    Ok(())
}

/// Runs one operation and gives its result, `None` if it failed.
fn run(operation: &Operation, bytes: &mut [u8], changed: &mut bool) -> Option<i64> {
    let Operation { field, at, ref what } = *operation;
    let old = field.get(bytes, at);
    let (new, result) = match *what {
        What::Get => return Some(old),
        What::Set(value, overflow) => (field.add(value, 0, overflow)?, old),
        What::Increment(by, overflow) => {
            let new = field.add(old, by, overflow)?;
            (new, new)
        }
    };
    if new != old {
        field.set(bytes, at, new);
        *changed = true;
    }
    Some(result)
}
