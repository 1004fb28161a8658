//! String commands.
//!
//! `set` gives keys a value (and reads what SET's kin read with it), `counter` takes strings for
//! numbers, `range` works on parts, `lcs` compares two. Here stand the plain reads and the table.

mod arguments;
mod counter;
mod lcs;
mod range;
mod set;

use bytes::Bytes;

use super::spec::{Categories, Command, Flags, Group, KeySpec, Merge};
use super::{Args, CommandResult, Read};
use crate::keyspace::{Value, ValueRef};
use crate::resp::Writer;

/// Writes a string value as the reply.
pub(super) fn reply_value(value: ValueRef<'_>, out: &mut Writer<'_>) {
    match value {
        ValueRef::Int(number) => out.bulk_int(number),
        ValueRef::Inline(bytes) => out.bulk(bytes),
        ValueRef::Shared(bytes) => out.bulk_shared(bytes),
    }
}

/// Argument `at` as a value to store: one that travelled on its own is not copied.
fn value_at(args: Args<'_>, at: usize) -> Value<'_> {
    match args.shared(at) {
        Some(bytes) => Value::encode_shared(bytes.clone()),
        None => Value::encode(args.get(at).unwrap_or_default()),
    }
}

/// A string that outlives the borrow of the keyspace: a long one is shared, not copied.
fn text_of(value: ValueRef<'_>) -> Bytes {
    match value {
        ValueRef::Shared(bytes) => bytes.clone(),
        _ => Bytes::copy_from_slice(value.as_bytes(&mut itoa::Buffer::new())),
    }
}

/// GET key
fn get(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    match cx.string(&args.key(1))? {
        None => out.null(),
        Some(value) => reply_value(value, out),
    }
    Ok(())
}

/// MGET key [key …], or one shard's part of it
fn mget(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.array(args.len() - 1);
    for at in 1..args.len() {
        match cx.string(&args.key(at)) {
            Ok(Some(value)) => reply_value(value, out),
            // A key that holds no string counts as missing.
            Ok(None) | Err(_) => out.null(),
        }
    }
    Ok(())
}

const READ_KEY: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const UPDATE_KEY: &[KeySpec] = &[KeySpec::one(1, "RW access update")];
const OVERWRITE_KEY: &[KeySpec] = &[KeySpec::one(1, "OW update")];
const SET_NOTES: &str = "Read as well where GET is among the options";
const GETEX_NOTES: &str = "Written, since the time to live may change";
const SET_MANY_TIPS: &[&str] = &["request_policy:multi_shard", "response_policy:all_succeeded"];
const SET_HISTORY: &[(&str, &str)] = &[
    ("2.6.12", "New options `EX`, `PX`, `NX` and `XX`."),
    ("6.0.0", "New option `KEEPTTL`."),
    ("6.2.0", "New options `GET`, `EXAT` and `PXAT`."),
    ("7.0.0", "`NX` and `GET` may stand together."),
    ("8.1.0", "New option `IFEQ`."),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::read("get", 2, get)
        .keys(READ_KEY)
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY)
        .docs(Group::String, "1.0.0", "Gives the string that a key holds.", "O(1)"),
    Command::read("mget", -2, mget)
        .keys(const { &[KeySpec::range(1, -1, 1, "RO access")] })
        .fast()
        .split(Merge::KeyOrder)
        .tips(const { &["request_policy:multi_shard"] })
        .categories(Categories::STRING)
        .args(arguments::KEYS)
        .docs(
            Group::String,
            "1.0.0",
            "Gives the strings that several keys hold, all at one moment.",
            "O(N), where N is the number of keys",
        ),
    Command::read("strlen", 2, range::strlen)
        .keys(const { &[KeySpec::one(1, "RO")] })
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY)
        .docs(Group::String, "2.2.0", "Tells how many bytes a string has.", "O(1)"),
    Command::read("getrange", 4, range::getrange)
        .keys(READ_KEY)
        .categories(Categories::STRING)
        .args(arguments::RANGE)
        .docs(
            Group::String,
            "2.4.0",
            "Gives a part of a string, from one position to another.",
            "O(N), where N is the number of bytes in the reply",
        ),
    Command::read("substr", 4, range::getrange)
        .keys(READ_KEY)
        .categories(Categories::STRING)
        .args(arguments::RANGE)
        .docs(
            Group::String,
            "1.0.0",
            "Gives a part of a string, from one position to another.",
            "O(N), where N is the number of bytes in the reply",
        ),
    Command::read("lcs", -3, lcs::lcs)
        .keys(const { &[KeySpec::range(1, 1, 1, "RO access")] })
        .flags(Flags::UNBOUNDED)
        .categories(Categories::STRING)
        .args(arguments::LCS)
        .docs(
            Group::String,
            "7.0.0",
            "Finds the longest subsequence that two strings have in common.",
            "O(N*M), where N and M are the lengths of the two strings",
        ),
    Command::write("set", -3, set::set)
        .keys(const { &[KeySpec::one(1, "RW access update variable_flags").notes(SET_NOTES)] })
        .denyoom()
        .history(SET_HISTORY)
        .categories(Categories::STRING)
        .args(arguments::SET)
        .docs(Group::String, "1.0.0", "Gives a key a string, whatever it held before.", "O(1)"),
    Command::write("setnx", 3, set::setnx)
        .keys(const { &[KeySpec::one(1, "OW insert")] })
        .denyoom()
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY_VALUE)
        .docs(Group::String, "1.0.0", "Gives a key a string if there is no such key.", "O(1)"),
    Command::write("setex", 4, set::setex)
        .keys(OVERWRITE_KEY)
        .denyoom()
        .categories(Categories::STRING)
        .args(arguments::SETEX)
        .docs(
            Group::String,
            "2.0.0",
            "Gives a key a string and a time to live in seconds.",
            "O(1)",
        ),
    Command::write("psetex", 4, set::psetex)
        .keys(OVERWRITE_KEY)
        .denyoom()
        .categories(Categories::STRING)
        .args(arguments::PSETEX)
        .docs(
            Group::String,
            "2.6.0",
            "Gives a key a string and a time to live in milliseconds.",
            "O(1)",
        ),
    Command::write("getset", 3, set::getset)
        .keys(UPDATE_KEY)
        .denyoom()
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY_VALUE)
        .docs(
            Group::String,
            "1.0.0",
            "Gives a key a string and replies the one it held before.",
            "O(1)",
        ),
    Command::write("getdel", 2, set::getdel)
        .keys(const { &[KeySpec::one(1, "RW access delete")] })
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY)
        .docs(
            Group::String,
            "6.2.0",
            "Gives the string that a key holds and deletes the key.",
            "O(1)",
        ),
    Command::write("getex", -2, set::getex)
        .keys(const { &[KeySpec::one(1, "RW access update").notes(GETEX_NOTES)] })
        .fast()
        .categories(Categories::STRING)
        .args(arguments::GETEX)
        .docs(
            Group::String,
            "6.2.0",
            "Gives the string that a key holds and changes when the key expires.",
            "O(1)",
        ),
    Command::write("delifeq", 3, set::delifeq)
        .keys(const { &[KeySpec::one(1, "RM delete")] })
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY_VALUE)
        .docs(Group::String, "9.0.0", "Deletes a key if it holds the given string.", "O(1)"),
    Command::write("mset", -3, set::mset)
        .keys(const { &[KeySpec::range(1, -1, 2, "OW update")] })
        .denyoom()
        .split(Merge::First)
        .tips(SET_MANY_TIPS)
        .categories(Categories::STRING)
        .args(arguments::PAIRS)
        .docs(
            Group::String,
            "1.0.1",
            "Gives several keys their strings at one moment.",
            "O(N), where N is the number of keys",
        ),
    Command::write("msetnx", -3, set::msetnx)
        .keys(const { &[KeySpec::range(1, -1, 2, "OW insert")] })
        .denyoom()
        .categories(Categories::STRING)
        .args(arguments::PAIRS)
        .docs(
            Group::String,
            "1.0.1",
            "Gives several keys their strings if none of the keys exists.",
            "O(N), where N is the number of keys",
        ),
    Command::write("msetex", -4, set::msetex)
        .keys(const { &[KeySpec::numkeys(1, 2, "OW update")] })
        .denyoom()
        .flags(Flags::MOVABLE_KEYS)
        .tips(SET_MANY_TIPS)
        .categories(Categories::STRING)
        .args(arguments::MSETEX)
        .docs(
            Group::String,
            "9.1.0",
            "Gives several keys their strings and one time to expire, at one moment.",
            "O(N), where N is the number of keys",
        ),
    Command::write("append", 3, range::append)
        .keys(const { &[KeySpec::one(1, "RW insert")] })
        .denyoom()
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY_VALUE)
        .docs(
            Group::String,
            "2.0.0",
            "Adds bytes to the end of a string; a missing key counts as empty.",
            "O(N), where N is the number of bytes added, on average over many calls",
        ),
    Command::write("setrange", 4, range::setrange)
        .keys(const { &[KeySpec::one(1, "RW update")] })
        .denyoom()
        .categories(Categories::STRING)
        .args(arguments::SETRANGE)
        .docs(
            Group::String,
            "2.2.0",
            "Overwrites a part of a string, which grows with zero bytes if it is too short.",
            "O(N), where N is the number of bytes written, if the string need not grow",
        ),
    Command::write("incr", 2, counter::incr)
        .keys(UPDATE_KEY)
        .denyoom()
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY)
        .docs(Group::String, "1.0.0", "Adds one to an integer; a missing key counts as 0.", "O(1)"),
    Command::write("decr", 2, counter::decr)
        .keys(UPDATE_KEY)
        .denyoom()
        .fast()
        .categories(Categories::STRING)
        .args(arguments::KEY)
        .docs(
            Group::String,
            "1.0.0",
            "Takes one from an integer; a missing key counts as 0.",
            "O(1)",
        ),
    Command::write("incrby", 3, counter::incrby)
        .keys(UPDATE_KEY)
        .denyoom()
        .fast()
        .categories(Categories::STRING)
        .args(arguments::INCREMENT)
        .docs(Group::String, "1.0.0", "Adds to an integer; a missing key counts as 0.", "O(1)"),
    Command::write("decrby", 3, counter::decrby)
        .keys(UPDATE_KEY)
        .denyoom()
        .fast()
        .categories(Categories::STRING)
        .args(arguments::DECREMENT)
        .docs(Group::String, "1.0.0", "Takes from an integer; a missing key counts as 0.", "O(1)"),
    Command::write("incrbyfloat", 3, counter::incrbyfloat)
        .keys(UPDATE_KEY)
        .denyoom()
        .fast()
        .categories(Categories::STRING)
        .args(arguments::FLOAT_INCREMENT)
        .docs(
            Group::String,
            "2.6.0",
            "Adds to a floating point number; a missing key counts as 0.",
            "O(1)",
        ),
];

#[cfg(test)]
mod tests;
