//! SORT and SORT_RO: the elements of a list, set or sorted set in order, or what patterns make of
//! them.
//!
//! The elements are copied into one arena, weighed (by themselves, or by the values that a BY
//! pattern leads to), sorted by index, and written or stored as the GET patterns say. `options`
//! reads the arguments and patterns, `order` weighs and compares.
//!
//! A pattern may lead to a key of any shard. So a request with one that does brings all shards
//! together; any other runs where its key (and the one it stores to) lives.

mod options;
mod order;

use super::keys::KeyPositions;
use super::list::limits;
use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group, KeySpec};
use super::{Args, CommandError, CommandResult, Effect, Fate, Read, Write};
use crate::keyspace::{Event, ObjectRef, ValueRef};
use crate::resp::Writer;
use crate::value::list::{Direction, End, List};
use crate::value::listpack::Item;

use self::options::{Lookup, Options, Pattern};
use self::order::{Elements, Order, Text};

const SORTSTORE: Event = Event::list("sortstore");

/// The elements at the key that come out, in order, as indexes into [`Elements`].
struct Sorted {
    elements: Elements,
    order: Vec<u32>,
}

/// What stands where in the output.
enum Output<'a> {
    Item(Item<'a>),
    Value(ValueRef<'a>),
    Nothing,
}

/// The part of `len` elements that LIMIT asks for: where it starts and how many it has.
fn limited((offset, count): (i64, i64), len: usize) -> (usize, usize) {
    let start = usize::try_from(offset.max(0)).map_or(len, |start| start.min(len));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    (start, count.min(len - start))
}

/// Copies the elements at the key. What is not sorted and has an order of its own is copied as far
/// as LIMIT asks only; the second result says whether that was so.
fn collect(
    cx: &mut Read<'_>,
    args: Args<'_>,
    options: &Options<'_>,
    order: Order,
) -> Result<(Elements, bool), CommandError> {
    let mut elements = Elements::default();
    let Some(entry) = cx.lookup(&args.key(1)) else { return Ok((elements, false)) };
    let unsorted = order == Order::AsIs;
    match entry.object() {
        Some(ObjectRef::List(list)) if unsorted => {
            let (start, count) = limited(options.limit, list.len());
            let (first, direction) = if options.descending {
                (list.len().checked_sub(1 + start), Direction::Backward)
            } else {
                (Some(start), Direction::Forward)
            };
            if let Some(first) = first {
                list.visit(first, count, direction, |item| elements.push(item));
            }
            elements.check_count()?;
            return Ok((elements, true));
        }
        Some(ObjectRef::Zset(zset)) if unsorted => {
            let (start, count) = limited(options.limit, zset.len());
            let ranks = if options.descending {
                zset.len() - start - count..zset.len() - start
            } else {
                start..start + count
            };
            let members = zset.range(ranks).map(|(member, _)| member);
            if options.descending {
                elements.extend(members.rev())?;
            } else {
                elements.extend(members)?;
            }
            return Ok((elements, true));
        }
        Some(ObjectRef::Zset(zset)) => elements.extend(zset.iter().map(|(member, _)| member))?,
        Some(ObjectRef::List(list)) => {
            list.for_each(|item| elements.push(item));
            elements.check_count()?;
        }
        Some(ObjectRef::Set(set)) => elements.extend(set.iter())?,
        _ => return Err(CommandError::WRONG_TYPE),
    }
    Ok((elements, false))
}

/// The elements that come out, in order.
fn sorted(
    cx: &mut Read<'_>,
    args: Args<'_>,
    options: &Options<'_>,
) -> Result<Sorted, CommandError> {
    let order = order_of(cx, args, options);
    let (mut elements, is_limited) = collect(cx, args, options, order)?;
    if let (Order::Numbers | Order::Texts, Some(by)) = (order, &options.by) {
        weigh_by(cx, args, by, order, &mut elements)?;
    } else if order == Order::Numbers {
        elements.weigh_by_themselves()?;
    }
    let mut indexes = elements.indexes();
    let text = if options.store.is_some() { Text::Bytes } else { Text::Collated };
    elements.sort(&mut indexes, order, options.by.is_some(), text, options.descending);
    if !is_limited {
        let (start, count) = limited(options.limit, indexes.len());
        indexes.truncate(start + count);
        indexes.drain(..start);
    }
    Ok(Sorted { elements, order: indexes })
}

/// How the elements are to be ordered.
fn order_of(cx: &mut Read<'_>, args: Args<'_>, options: &Options<'_>) -> Order {
    if !options.unsorted {
        return if options.alpha { Order::Texts } else { Order::Numbers };
    }
    // What is stored must not hang on the order in which a set happens to keep its members.
    let object = cx.peek(&args.key(1)).and_then(|entry| entry.object());
    let stores_a_set = options.store.is_some() && matches!(object, Some(ObjectRef::Set(_)));
    if stores_a_set { Order::Members } else { Order::AsIs }
}

/// Weighs each element by the value that the pattern leads to.
fn weigh_by(
    cx: &mut Read<'_>,
    args: Args<'_>,
    by: &Lookup<'_>,
    order: Order,
    elements: &mut Elements,
) -> CommandResult {
    let mut name = Vec::new();
    for index in elements.indexes() {
        match look_up(cx, args, by, elements.get(index), &mut name) {
            Output::Nothing => elements.weigh_nothing(index),
            Output::Value(ValueRef::Int(n)) | Output::Item(Item::Int(n)) => {
                elements.weigh_int(index, n, order)?;
            }
            Output::Value(value) => {
                elements.weigh(index, value.as_bytes(&mut itoa::Buffer::new()), order)?;
            }
            Output::Item(Item::Bytes(bytes)) => elements.weigh(index, bytes, order)?,
        }
    }
    Ok(())
}

/// The value that a lookup leads to from an element. `name` is room for the key's name.
fn look_up<'a>(
    cx: &'a mut Read<'_>,
    args: Args<'_>,
    lookup: &Lookup<'_>,
    element: Item<'_>,
    name: &mut Vec<u8>,
) -> Output<'a> {
    name.clear();
    name.extend_from_slice(lookup.before);
    name.extend_from_slice(element.as_bytes(&mut itoa::Buffer::new()));
    name.extend_from_slice(lookup.behind);
    let now_ms = cx.now_ms();
    let Some(entry) = cx.lookup(&args.hash_key(name)) else { return Output::Nothing };
    let Some(field) = lookup.field else {
        return entry.string().map_or(Output::Nothing, Output::Value);
    };
    match entry.object() {
        Some(ObjectRef::Hash(hash)) => {
            hash.get(field, now_ms).map_or(Output::Nothing, Output::Item)
        }
        _ => Output::Nothing,
    }
}

/// What a pattern makes of an element.
fn value_at<'a>(
    cx: &'a mut Read<'_>,
    args: Args<'_>,
    pattern: &Pattern<'_>,
    element: Item<'a>,
    name: &mut Vec<u8>,
) -> Output<'a> {
    match pattern {
        Pattern::Element => Output::Item(element),
        Pattern::Nowhere => Output::Nothing,
        Pattern::Lookup(lookup) => look_up(cx, args, lookup, element, name),
    }
}

/// Calls `write` with everything that comes out, in order.
fn for_each_output<E>(
    cx: &mut Read<'_>,
    args: Args<'_>,
    options: &Options<'_>,
    sorted: &Sorted,
    mut write: impl FnMut(Output<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut name = Vec::new();
    for &index in &sorted.order {
        let element = sorted.elements.get(index);
        if options.gets.is_empty() {
            write(Output::Item(element))?;
        }
        for pattern in &options.gets {
            write(value_at(cx, args, pattern, element, &mut name))?;
        }
    }
    Ok(())
}

/// Sorts and replies.
fn reply(
    cx: &mut Read<'_>,
    args: Args<'_>,
    options: &Options<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let sorted = sorted(cx, args, options)?;
    out.array(sorted.order.len().saturating_mul(options.gets.len().max(1)));
    for_each_output(cx, args, options, &sorted, |output| {
        match output {
            Output::Nothing => out.null(),
            Output::Item(Item::Int(n)) | Output::Value(ValueRef::Int(n)) => out.bulk_int(n),
            Output::Item(Item::Bytes(bytes)) => out.bulk(bytes),
            Output::Value(ValueRef::Inline(bytes)) => out.bulk(bytes),
            Output::Value(ValueRef::Shared(bytes)) => out.bulk_shared(bytes),
        }
        Ok(())
    })
}

/// SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern …] [ASC|DESC] [ALPHA]
fn sort_ro(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let options = Options::read(args, options::Store::Refused)?;
    reply(cx, args, &options, out)
}

/// SORT, as SORT_RO, and with [STORE destination]
fn sort(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let options = Options::read(args, options::Store::Allowed)?;
    let Some(destination) = options.store else { return reply(cx, args, &options, out) };
    let sorted = sorted(cx, args, &options)?;
    let limits = limits(cx);
    let mut list = List::new();
    for_each_output(cx, args, &options, &sorted, |output| {
        let mut digits = itoa::Buffer::new();
        let (element, weight) = match &output {
            Output::Nothing => (&b""[..], 0),
            // Integers do not count for the list's encoding: see `list::try_move`.
            Output::Item(Item::Int(n)) | Output::Value(ValueRef::Int(n)) => {
                (digits.format(*n).as_bytes(), 0)
            }
            Output::Item(Item::Bytes(bytes)) => (*bytes, bytes.len()),
            Output::Value(value) => (value.as_bytes(&mut digits), value.len()),
        };
        list.grow_for(1, weight, limits);
        list.push(End::Tail, element, limits);
        Ok::<(), CommandError>(())
    })?;
    let stored = list.len();
    let key = args.key(destination);
    match cx.replace(&key, list) {
        Fate::Created | Fate::Kept => cx.changed(&key, SORTSTORE, Effect::Verbatim(args)),
        Fate::Removed => cx.changed(&key, Event::DEL, Effect::Verbatim(args)),
        Fate::Absent => {}
    }
    out.int(stored as i64);
    Ok(())
}

/// Adds the key that SORT stores to.
fn find_destination<'a>(argc: usize, arg: &dyn Fn(usize) -> &'a [u8], found: &mut KeyPositions) {
    if let Some(at) = options::destination(argc, arg) {
        found.at.push(at);
        found.spec.push(2);
    }
}

const BY_AND_GET: KeySpec = KeySpec::unknown("RO access")
    .notes("Read for BY and GET; the keys' names come from the elements that are sorted");
const STORE: KeySpec =
    KeySpec::unknown("OW update").notes("Written for STORE, which may stand anywhere");
const CATEGORIES: Categories =
    Categories::SET.and(Categories::SORTED_SET).and(Categories::LIST).and(Categories::DANGEROUS);
const COMPLEXITY: &str = "O(N+M*log(M)) for N elements, M of them in the reply; O(N) unsorted";

const KEY: Arg = Arg::new("key", ArgKind::Key(0));
const BY: Arg =
    Arg::new("by-pattern", ArgKind::KeyPattern(1)).display("pattern").with_token("BY").optional();
const LIMIT: Arg = Arg::block(
    "limit",
    &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)],
)
.with_token("LIMIT")
.optional();
const GET: Arg = Arg::new("get-pattern", ArgKind::KeyPattern(1))
    .display("pattern")
    .with_token("GET")
    .optional()
    .multiple_token();
const ORDER: Arg =
    Arg::one_of("order", &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")]).optional();
const SORTING: Arg = Arg::token("sorting", "ALPHA").optional();
const DESTINATION: Arg = Arg::new("destination", ArgKind::Key(2)).with_token("STORE").optional();

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("sort", -2, sort)
        .keys(const { &[KeySpec::one(1, "RO access"), BY_AND_GET, STORE] })
        .find_keys(find_destination)
        .all_together_if(options::reaches_out)
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .denyoom()
        .categories(CATEGORIES)
        .args(const { &[KEY, BY, LIMIT, GET, ORDER, SORTING, DESTINATION] })
        .docs(
            Group::Generic,
            "1.0.0",
            "Gives the elements of a list, set or sorted set in order, or stores them.",
            COMPLEXITY,
        ),
    Command::read("sort_ro", -2, sort_ro)
        .keys(const { &[KeySpec::one(1, "RO access"), BY_AND_GET] })
        .all_together_if(options::reaches_out)
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(CATEGORIES)
        .args(const { &[KEY, BY, LIMIT, GET, ORDER, SORTING] })
        .docs(
            Group::Generic,
            "7.0.0",
            "Gives the elements of a list, set or sorted set in order.",
            COMPLEXITY,
        ),
];

#[cfg(test)]
mod tests;
