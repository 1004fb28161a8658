//! List commands.
//!
//! `push` adds at the ends, `pop` takes from them and moves elements between lists, `blocking` waits
//! where there is nothing to take, `edit` changes what is in the middle, `position` looks.
//! Here stand what the files share, and the table.

mod arguments;
pub mod blocking;
mod edit;
mod pop;
mod position;
mod push;

use self::arguments::{
    INSERT_ARGS, KEY, KEY_COUNT, KEY_COUNT_ELEMENT, KEY_ELEMENTS, KEY_INDEX, KEY_INDEX_ELEMENT,
    KEY_START_STOP, LMPOP_ARGS, LPOS_ARGS, MOVE_ARGS, MOVE_ENDS_ARGS,
};
use super::spec::{Categories, Command, Flags, Group, KeySpec};
use super::{CommandError, Read};
use crate::resp::Writer;
use crate::value::list::{End, Limits};
use crate::value::listpack::Item;

/// The limits of encodings that the configuration sets.
pub(super) fn limits(cx: &Read<'_>) -> Limits {
    let config = cx.config();
    Limits {
        node_size: config.list_max_listpack_size,
        compress_depth: config.list_compress_depth,
        plain_from: cx.parts()[0].plain_from,
    }
}

/// Writes an element as a bulk string.
#[inline]
fn reply_item(item: Item<'_>, out: &mut Writer<'_>) {
    match item {
        Item::Int(number) => out.bulk_int(number),
        Item::Bytes(bytes) => out.bulk(bytes),
    }
}

/// The part of a list of `len` elements from index `start` to `stop`, both included and negative
/// ones counted from the end: where it starts and how many it has. `None` if it has none.
fn part(start: i64, stop: i64, len: usize) -> Option<(usize, usize)> {
    let len = len as i64;
    let from_end = |index: i64| if index < 0 { index + len } else { index };
    let (start, stop) = (from_end(start).max(0), from_end(stop).min(len - 1));
    (start <= stop).then(|| (start as usize, (stop - start + 1) as usize))
}

/// The end that an argument names.
pub fn end_of(word: &[u8]) -> Result<End, CommandError> {
    if word.eq_ignore_ascii_case(b"LEFT") {
        Ok(End::Head)
    } else if word.eq_ignore_ascii_case(b"RIGHT") {
        Ok(End::Tail)
    } else {
        Err(CommandError::SYNTAX)
    }
}

const INSERT: &[KeySpec] = &[KeySpec::one(1, "RW insert")];
const POP: &[KeySpec] = &[KeySpec::one(1, "RW access delete")];
const DELETE: &[KeySpec] = &[KeySpec::one(1, "RW delete")];
const UPDATE: &[KeySpec] = &[KeySpec::one(1, "RW update")];
const ASK: &[KeySpec] = &[KeySpec::one(1, "RO")];
const READ: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const MOVE: &[KeySpec] = &[KeySpec::one(1, "RW access delete"), KeySpec::one(2, "RW insert")];
const PER_ELEMENT: &str = "O(N) for N elements added";
const SEVERAL: &[(&str, &str)] = &[("2.4.0", "Several elements may be given.")];
const SEVERAL_TO_EXISTING: &[(&str, &str)] = &[("4.0.0", "Several elements may be given.")];
const WITH_COUNT: &[(&str, &str)] = &[("6.2.0", "New argument `count`.")];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("lpush", -3, push::lpush)
        .keys(INSERT)
        .denyoom()
        .fast()
        .categories(Categories::LIST)
        .args(KEY_ELEMENTS)
        .history(SEVERAL)
        .docs(
            Group::List,
            "1.0.0",
            "Adds elements at the head of a list, one after the other; a missing key is an empty \
             list.",
            PER_ELEMENT,
        ),
    Command::write("rpush", -3, push::rpush)
        .keys(INSERT)
        .denyoom()
        .fast()
        .categories(Categories::LIST)
        .args(KEY_ELEMENTS)
        .history(SEVERAL)
        .docs(
            Group::List,
            "1.0.0",
            "Adds elements at the tail of a list; a missing key is an empty list.",
            PER_ELEMENT,
        ),
    Command::write("lpushx", -3, push::lpushx)
        .keys(INSERT)
        .denyoom()
        .fast()
        .categories(Categories::LIST)
        .args(KEY_ELEMENTS)
        .history(SEVERAL_TO_EXISTING)
        .docs(
            Group::List,
            "2.2.0",
            "Adds elements at the head of a list that is there already.",
            PER_ELEMENT,
        ),
    Command::write("rpushx", -3, push::rpushx)
        .keys(INSERT)
        .denyoom()
        .fast()
        .categories(Categories::LIST)
        .args(KEY_ELEMENTS)
        .history(SEVERAL_TO_EXISTING)
        .docs(
            Group::List,
            "2.2.0",
            "Adds elements at the tail of a list that is there already.",
            PER_ELEMENT,
        ),
    Command::write("lpop", -2, pop::lpop)
        .keys(POP)
        .fast()
        .categories(Categories::LIST)
        .args(KEY_COUNT)
        .history(WITH_COUNT)
        .docs(
            Group::List,
            "1.0.0",
            "Takes the first element, or the first so many, from a list.",
            "O(N) for N elements taken",
        ),
    Command::write("rpop", -2, pop::rpop)
        .keys(POP)
        .fast()
        .categories(Categories::LIST)
        .args(KEY_COUNT)
        .history(WITH_COUNT)
        .docs(
            Group::List,
            "1.0.0",
            "Takes the last element, or the last so many, from a list.",
            "O(N) for N elements taken",
        ),
    Command::write("lmpop", -4, pop::lmpop)
        .keys(const { &[KeySpec::numkeys(1, 1, "RW access delete")] })
        .flags(Flags::MOVABLE_KEYS)
        .categories(Categories::LIST)
        .args(LMPOP_ARGS)
        .docs(
            Group::List,
            "7.0.0",
            "Takes elements from the first of several lists that has any.",
            "O(N+M) for N keys and M elements taken",
        ),
    Command::write("lmove", 5, pop::lmove)
        .keys(MOVE)
        .denyoom()
        .categories(Categories::LIST)
        .args(MOVE_ENDS_ARGS)
        .docs(
            Group::List,
            "6.2.0",
            "Takes an element from an end of a list and adds it at an end of another, or the same.",
            "O(1)",
        ),
    Command::write("rpoplpush", 3, pop::rpoplpush)
        .keys(MOVE)
        .denyoom()
        .categories(Categories::LIST)
        .args(MOVE_ARGS)
        .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
        .docs(
            Group::List,
            "1.2.0",
            "Takes the last element of a list and adds it at the head of another, or the same.",
            "O(1)",
        ),
    Command::read("llen", 2, position::llen)
        .keys(ASK)
        .fast()
        .categories(Categories::LIST)
        .args(KEY)
        .docs(Group::List, "1.0.0", "Counts the elements of a list.", "O(1)"),
    Command::read("lindex", 3, position::lindex)
        .keys(READ)
        .categories(Categories::LIST)
        .args(KEY_INDEX)
        .docs(
            Group::List,
            "1.0.0",
            "Gives the element at an index.",
            "O(N) for N nodes from the nearer end; O(1) at both ends",
        ),
    Command::read("lrange", 4, position::lrange)
        .keys(READ)
        .flags(Flags::WALKS.and(Flags::WALKS_PLACES))
        .categories(Categories::LIST)
        .args(KEY_START_STOP)
        .docs(
            Group::List,
            "1.0.0",
            "Gives the elements from one index to another.",
            "O(S+N) for N elements, S nodes away from the nearer end",
        ),
    Command::read("lpos", -3, position::lpos)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::LIST)
        .args(LPOS_ARGS)
        .docs(
            Group::List,
            "6.0.6",
            "Finds the indexes at which an element stands.",
            "O(N) for N elements compared",
        ),
    Command::write("lset", 4, edit::lset)
        .keys(UPDATE)
        .denyoom()
        .categories(Categories::LIST)
        .args(KEY_INDEX_ELEMENT)
        .docs(
            Group::List,
            "1.0.0",
            "Puts an element in the place of the one at an index.",
            "O(N) for N nodes from the nearer end; O(1) at both ends",
        ),
    Command::write("linsert", 5, edit::linsert)
        .keys(INSERT)
        .flags(Flags::WALKS)
        .denyoom()
        .categories(Categories::LIST)
        .args(INSERT_ARGS)
        .docs(
            Group::List,
            "2.2.0",
            "Inserts an element before or behind the first one of a value.",
            "O(N) for N elements before that one",
        ),
    Command::write("lrem", 4, edit::lrem)
        .keys(DELETE)
        .flags(Flags::WALKS)
        .categories(Categories::LIST)
        .args(KEY_COUNT_ELEMENT)
        .docs(
            Group::List,
            "1.0.0",
            "Removes elements of a value from a list, whose key goes with the last.",
            "O(N) for N elements",
        ),
    Command::write("ltrim", 4, edit::ltrim)
        .keys(DELETE)
        .categories(Categories::LIST)
        .args(KEY_START_STOP)
        .docs(
            Group::List,
            "1.0.0",
            "Removes all but the elements from one index to another.",
            "O(N) for N elements removed",
        ),
];

#[cfg(test)]
mod tests;
