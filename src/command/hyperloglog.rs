//! HyperLogLog commands: strings that count different elements, see [`crate::value::hyperloglog`].
//!
//! A value is a plain string that clients may set, so every command looks at its header first and
//! may find its registers corrupted. PFCOUNT is a read for clients, but it puts what it has
//! counted into the value's cache, and so changes the string.

use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group, KeySpec};
use super::{Args, CommandError, CommandResult, Effect, Key, Read, Write, string_of};
use crate::keyspace::{EntryRef, Event, Value, ValueRef};
use crate::resp::Writer;
use crate::value::hyperloglog::{self, Corrupted, Encoding, Mark, REGISTERS, Union};

const PFADD: Event = Event::string("pfadd");
const NOT_ONE: CommandError =
    CommandError::fixed("WRONGTYPE Key is not a valid HyperLogLog string value.");

fn corrupted(_: Corrupted) -> CommandError {
    CommandError::fixed("INVALIDOBJ Corrupted HLL object detected")
}

/// The HyperLogLog in an entry, with its encoding.
fn value_of(entry: EntryRef<'_>) -> Result<(&[u8], Encoding), CommandError> {
    let bytes: &[u8] = match string_of(entry)? {
        ValueRef::Int(_) => return Err(NOT_ONE),
        ValueRef::Inline(bytes) => bytes,
        ValueRef::Shared(bytes) => bytes,
    };
    let encoding = hyperloglog::encoding(bytes).ok_or(NOT_ONE)?;
    Ok((bytes, encoding))
}

/// Bytes of the longest sparse value.
fn sparse_max(cx: &Read<'_>) -> usize {
    cx.config().hll_sparse_max_bytes as usize
}

/// Stores a value under the key, whose expiry stays.
fn store(cx: &mut Write<'_>, key: &Key<'_>, value: Vec<u8>) {
    cx.store_keeping_expiry(key, Value::Shared(value.into()));
    cx.mark_raw(key);
}

/// PFADD key [element …]
fn pfadd(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let marks = || (2..args.len()).map(|at| Mark::of(&args[at]));
    let found = cx.seek(&key);
    let found = found.as_ref().map(|entry| value_of(entry.get())).transpose()?;
    let changed = match found {
        Some((value, Encoding::Dense)) => {
            let is_lower = |mark: &Mark| hyperloglog::dense_get(value, mark.register) < mark.rank;
            let higher: Vec<Mark> = marks().filter(is_lower).collect();
            raise_dense(cx, &key, &higher);
            !higher.is_empty()
        }
        found => {
            let is_new = found.is_none();
            let value = found.map_or_else(hyperloglog::empty, |(value, _)| value.to_vec());
            add_to_sparse(cx, &key, value, is_new, marks())?
        }
    };
    if changed {
        cx.changed(&key, PFADD, Effect::Verbatim(args));
    } else {
        cx.mark_raw(&key);
    }
    out.int(i64::from(changed));
    Ok(())
}

/// Raises registers of the dense value at `key`, where it is.
fn raise_dense(cx: &mut Write<'_>, key: &Key<'_>, marks: &[Mark]) {
    if marks.is_empty() {
        return;
    }
    cx.edit_string(key, 0, |value| {
        for mark in marks {
            hyperloglog::dense_raise(value, *mark);
        }
        hyperloglog::invalidate(value);
    });
}

/// Adds to a sparse value and stores it, if that changed it or it is new.
fn add_to_sparse(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    mut value: Vec<u8>,
    is_new: bool,
    marks: impl Iterator<Item = Mark>,
) -> Result<bool, CommandError> {
    let sparse_max = sparse_max(cx);
    let mut changed = is_new;
    for mark in marks {
        // Of a corrupted value nothing is kept.
        let raised = hyperloglog::raise(&mut value, mark, sparse_max).map_err(corrupted);
        if raised.is_err() {
            cx.mark_raw(key);
        }
        changed |= raised?;
    }
    if changed {
        hyperloglog::invalidate(&mut value);
        store(cx, key, value);
    }
    Ok(changed)
}

/// PFCOUNT key [key …]
fn pfcount(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.len() > 2 {
        let mut union = Union::default();
        for at in 1..args.len() {
            if let Some(entry) = cx.lookup(&args.key(at)) {
                union.add(value_of(entry)?.0).map_err(corrupted)?;
            }
        }
        out.int(union.count() as i64);
        return Ok(());
    }
    let key = args.key(1);
    let Some(entry) = cx.lookup(&key) else {
        out.int(0);
        return Ok(());
    };
    let (value, _) = value_of(entry)?;
    let (cached, counted) = match hyperloglog::cached(value) {
        Some(count) => (true, Ok(count)),
        None => (false, hyperloglog::count(value).map_err(corrupted)),
    };
    cx.mark_raw(&key);
    let count = match (cached, counted?) {
        (true, count) => count,
        (false, count) => {
            cx.edit_string(&key, 0, |value| hyperloglog::cache(value, count));
            cx.changed(&key, Event::SILENT, Effect::Verbatim(args));
            count
        }
    };
    out.int(count as i64);
    Ok(())
}

/// PFMERGE destkey [sourcekey …]
fn pfmerge(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mut union = Union::default();
    let mut any_dense = false;
    for at in 1..args.len() {
        if let Some(entry) = cx.lookup(&args.key(at)) {
            let (value, encoding) = value_of(entry)?;
            union.add(value).map_err(corrupted)?;
            any_dense |= encoding == Encoding::Dense;
        }
    }
    let key = args.key(1);
    let mut value = match cx.seek(&key) {
        None => hyperloglog::empty(),
        Some(entry) => value_of(entry.get())?.0.to_vec(),
    };
    if any_dense {
        value = hyperloglog::dense(&value).map_err(corrupted)?;
    }
    let sparse_max = sparse_max(cx);
    for mark in union.marks() {
        hyperloglog::raise(&mut value, mark, sparse_max).map_err(corrupted)?;
    }
    hyperloglog::invalidate(&mut value);
    store(cx, &key, value);
    cx.changed(&key, PFADD, Effect::Verbatim(args));
    out.ok();
    Ok(())
}

/// PFDEBUG subcommand key
fn pfdebug(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.is(1, "SIMD") {
        return vector_code(args, out);
    }
    let key = args.key(2);
    let Some(entry) = cx.seek(&key) else {
        return Err(CommandError::fixed("ERR The specified key does not exist"));
    };
    value_of(entry.get())?;
    cx.mark_raw(&key);
    let Some(entry) = cx.peek(&key) else { return Ok(()) };
    let (value, encoding) = value_of(entry)?;
    match () {
        () if args.is(1, "GETREG") => {
            let dense = hyperloglog::dense(value).map_err(corrupted)?;
            out.array(REGISTERS);
            for register in 0..REGISTERS {
                out.int(hyperloglog::dense_get(&dense, register).into());
            }
            make_dense(cx, &key, encoding, dense, args);
        }
        () if args.is(1, "DECODE") => {
            if encoding == Encoding::Dense {
                return Err(CommandError::fixed("ERR HLL encoding is not sparse"));
            }
            let text = hyperloglog::opcodes(value);
            out.bulk(text.as_bytes());
        }
        () if args.is(1, "ENCODING") => {
            out.simple(if encoding == Encoding::Dense { "dense" } else { "sparse" });
        }
        () if args.is(1, "TODENSE") => {
            let dense = hyperloglog::dense(value).map_err(corrupted)?;
            out.int(i64::from(encoding == Encoding::Sparse));
            make_dense(cx, &key, encoding, dense, args);
        }
        () => {
            let shown = super::error::shown_up_to(&args[1], 128);
            let text = [b"ERR Unknown PFDEBUG subcommand '", shown, b"'"].concat();
            return Err(CommandError::made(text));
        }
    }
    Ok(())
}

/// PFDEBUG SIMD: there is one code here, which the compiler has made for vectors.
fn vector_code(args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    match () {
        () if args.is(2, "ON") => out.simple("enabled"),
        () if args.is(2, "OFF") => out.simple("disabled"),
        () => return Err(CommandError::fixed("ERR Argument must be ON or OFF")),
    }
    Ok(())
}

/// Puts the dense form of a sparse value in its place.
fn make_dense(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    encoding: Encoding,
    dense: Vec<u8>,
    args: Args<'_>,
) {
    if encoding == Encoding::Sparse {
        store(cx, key, dense);
        cx.changed(key, Event::SILENT, Effect::Verbatim(args));
    }
}

/// PFSELFTEST: registers hold what is put in, and estimates are as near as they should be.
fn pfselftest(cx: &mut Read<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    /// Six times the standard error of 16,384 registers.
    const ERROR: f64 = 6.0 * 1.04 / 128.0;
    /// Rounds of writing all registers.
    const ROUNDS: usize = 20;
    /// The most elements that are counted.
    const MOST: u64 = 100_000;
    let failed = |what: &str| Err(CommandError::made(format!("TESTFAILED {what}")));
    let empty = hyperloglog::empty();
    let mut value = hyperloglog::dense(&empty).map_err(corrupted)?;
    for _ in 0..ROUNDS {
        value = hyperloglog::dense(&empty).map_err(corrupted)?;
        let ranks: Vec<u8> = (0..REGISTERS).map(|_| cx.rng().u8(0..=63)).collect();
        for (register, &rank) in ranks.iter().enumerate() {
            hyperloglog::dense_raise(&mut value, Mark { register, rank });
        }
        let wrong = ranks
            .iter()
            .enumerate()
            .find(|(register, rank)| hyperloglog::dense_get(&value, *register) != **rank);
        if let Some((register, rank)) = wrong {
            return failed(&format!("register {register} does not hold {rank}"));
        }
    }
    value.copy_from_slice(&hyperloglog::dense(&empty).map_err(corrupted)?);
    let mut sparse = empty;
    let (seed, mut checkpoint) = (cx.rng().u64(..), 1);
    for number in 1..=MOST {
        let mark = Mark::of(&(seed ^ number).to_le_bytes());
        hyperloglog::dense_raise(&mut value, mark);
        hyperloglog::raise(&mut sparse, mark, sparse_max(cx)).map_err(corrupted)?;
        if number == checkpoint {
            let count = hyperloglog::count(&value).map_err(corrupted)?;
            let allowed = (ERROR * number as f64).ceil().max(1.0);
            if count.abs_diff(number) as f64 > allowed {
                return failed(&format!("{number} elements are counted as {count}"));
            }
            if hyperloglog::count(&sparse).map_err(corrupted)? != count {
                return failed("dense and sparse form disagree");
            }
            checkpoint *= 10;
        }
    }
    out.ok();
    Ok(())
}

const KEY: Arg = Arg::new("key", ArgKind::Key(0));
const COUNT_NOTES: &str = "Written, since the result is kept in the value of a single key";

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("pfadd", -2, pfadd)
        .keys(const { &[KeySpec::one(1, "RW insert")] })
        .denyoom()
        .fast()
        .categories(Categories::HYPERLOGLOG)
        .args(const { &[KEY, Arg::new("element", ArgKind::String).optional().multiple()] })
        .docs(
            Group::HyperLogLog,
            "2.8.9",
            "Adds elements to a HyperLogLog; a missing key counts as an empty one.",
            "O(1) for each element",
        ),
    Command::keep("pfcount", -2, pfcount)
        .keys(const { &[KeySpec::range(1, -1, 1, "RW access").notes(COUNT_NOTES)] })
        .flags(Flags::READONLY.and(Flags::MAY_REPLICATE))
        .categories(Categories::HYPERLOGLOG)
        .args(const { &[KEY.multiple()] })
        .docs(
            Group::HyperLogLog,
            "2.8.9",
            "Tells nearly how many different elements were added to HyperLogLogs.",
            "O(1) for one key, whose count is kept; O(N) with a large factor for N keys",
        ),
    Command::write("pfmerge", -2, pfmerge)
        .keys(
            const { &[KeySpec::one(1, "RW access insert"), KeySpec::range(2, -1, 1, "RO access")] },
        )
        .denyoom()
        .categories(Categories::HYPERLOGLOG)
        .args(
            const {
                &[
                    Arg::new("destkey", ArgKind::Key(0)),
                    Arg::new("sourcekey", ArgKind::Key(1)).optional().multiple(),
                ]
            },
        )
        .docs(
            Group::HyperLogLog,
            "2.8.9",
            "Merges HyperLogLogs into one, which counts what any of them counts.",
            "O(N) for N keys, with a large factor",
        ),
    Command::write("pfdebug", 3, pfdebug)
        .keys(const { &[KeySpec::one(2, "RW access")] })
        .denyoom()
        .flags(Flags::ADMIN.and(Flags::SYSCMD))
        .categories(Categories::HYPERLOGLOG)
        .args(const { &[Arg::new("subcommand", ArgKind::String), KEY] })
        .docs(Group::HyperLogLog, "2.8.9", "Shows a HyperLogLog from inside, for tests.", "N/A"),
    Command::inspect("pfselftest", 1, pfselftest)
        .flags(Flags::ADMIN.and(Flags::SYSCMD).and(Flags::UNBOUNDED))
        .categories(Categories::HYPERLOGLOG)
        .docs(Group::HyperLogLog, "2.8.9", "Tests the counting of HyperLogLogs.", "N/A"),
];

#[cfg(test)]
mod tests;
