//! Hash commands.
//!
//! `field` works on fields by name, `counter` takes values for numbers, `whole` lists a hash or has
//! chance choose, `expiry` is about fields that expire. Here stand what the files share, and the
//! table. What time it is decides which fields are there: see [`crate::value::hash`].

mod arguments;
mod counter;
mod expiry;
mod field;
mod whole;

use super::spec::{Categories, Command, Flags, Group, KeySpec};
use super::{Effect, Fate, Key, Read, Write};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::hash::Limits;
use crate::value::listpack::Item;

const HDEL: Event = Event::hash("hdel");

/// The limits of encodings that the configuration sets.
pub(super) fn limits<'a>(cx: &Read<'a>) -> Limits<'a> {
    let config = cx.config();
    Limits {
        listpack_entries: config.hash_max_listpack_entries,
        listpack_value: config.hash_max_listpack_value,
        hasher: cx.server().hasher.of_elements(),
    }
}

/// Writes a field or a value as a bulk string.
fn reply_item(item: Item<'_>, out: &mut Writer<'_>) {
    match item {
        Item::Int(number) => out.bulk_int(number),
        Item::Bytes(bytes) => out.bulk(bytes),
    }
}

/// States that the fields `gone` were removed, and their key if they were the last.
fn state_removal(cx: &mut Write<'_>, key: &Key<'_>, gone: &[&[u8]], fate: Fate, event: Event) {
    if !gone.is_empty() {
        let effect = [&[b"HDEL", key.bytes], gone].concat();
        cx.changed(key, event, Effect::Rewrite(&effect));
    }
    if fate == Fate::Removed {
        cx.changed(key, Event::DEL, Effect::Covered);
    }
}

const ASK: &[KeySpec] = &[KeySpec::one(1, "RO")];
const READ: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const CHANGE: &[KeySpec] = &[KeySpec::one(1, "RW update")];
const COUNT: &[KeySpec] = &[KeySpec::one(1, "RW access update")];
const ANY_ORDER: &[&str] = &["nondeterministic_output_order"];
const BY_CHANCE: &[&str] = &["nondeterministic_output"];
const PER_FIELD: &str = "O(N) for N fields";

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("hset", -4, field::hset)
        .keys(CHANGE)
        .denyoom()
        .fast()
        .categories(Categories::HASH)
        .args(arguments::PAIRS)
        .history(const { &[("4.0.0", "Several fields with their values may be given.")] })
        .docs(Group::Hash, "2.0.0", "Gives fields of a hash their values.", PER_FIELD),
    Command::write("hsetnx", 4, field::hsetnx)
        .keys(const { &[KeySpec::one(1, "RW insert")] })
        .denyoom()
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELD_VALUE)
        .docs(
            Group::Hash,
            "2.0.0",
            "Gives a field of a hash a value if there is no such field.",
            "O(1)",
        ),
    Command::write("hmset", -4, field::hmset)
        .keys(CHANGE)
        .denyoom()
        .fast()
        .categories(Categories::HASH)
        .args(arguments::PAIRS)
        .docs(Group::Hash, "2.0.0", "Gives fields of a hash their values.", PER_FIELD),
    Command::read("hget", 3, field::hget)
        .keys(READ)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELD)
        .docs(Group::Hash, "2.0.0", "Gives the value of a field of a hash.", "O(1)"),
    Command::read("hmget", -3, field::hmget)
        .keys(READ)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::SOME_FIELDS)
        .docs(Group::Hash, "2.0.0", "Gives the values of several fields of a hash.", PER_FIELD),
    Command::write("hdel", -3, field::hdel)
        .keys(const { &[KeySpec::one(1, "RW delete")] })
        .fast()
        .categories(Categories::HASH)
        .args(arguments::SOME_FIELDS)
        .history(const { &[("2.4.0", "Several fields may be given.")] })
        .docs(
            Group::Hash,
            "2.0.0",
            "Removes fields of a hash, whose key goes with the last.",
            PER_FIELD,
        ),
    Command::read("hexists", 3, field::hexists)
        .keys(ASK)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELD)
        .docs(Group::Hash, "2.0.0", "Tells whether a hash has a field.", "O(1)"),
    Command::read("hstrlen", 3, field::hstrlen)
        .keys(ASK)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELD)
        .docs(
            Group::Hash,
            "3.2.0",
            "Tells how many bytes the value of a field of a hash has.",
            "O(1)",
        ),
    Command::read("hlen", 2, field::hlen)
        .keys(ASK)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::KEY)
        .docs(Group::Hash, "2.0.0", "Counts the fields of a hash.", "O(1)"),
    Command::write("hincrby", 4, counter::hincrby)
        .keys(COUNT)
        .denyoom()
        .fast()
        .categories(Categories::HASH)
        .args(arguments::INCREMENT)
        .docs(
            Group::Hash,
            "2.0.0",
            "Adds to the integer in a field of a hash; a missing field counts as 0.",
            "O(1)",
        ),
    Command::write("hincrbyfloat", 4, counter::hincrbyfloat)
        .keys(COUNT)
        .denyoom()
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FLOAT_INCREMENT)
        .docs(
            Group::Hash,
            "2.6.0",
            "Adds to the floating point number in a field of a hash; a missing field counts as 0.",
            "O(1)",
        ),
    Command::read("hgetall", 2, whole::hgetall)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::HASH)
        .args(arguments::KEY)
        .tips(ANY_ORDER)
        .docs(Group::Hash, "2.0.0", "Lists all fields of a hash with their values.", PER_FIELD),
    Command::read("hkeys", 2, whole::hkeys)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::HASH)
        .args(arguments::KEY)
        .tips(ANY_ORDER)
        .docs(Group::Hash, "2.0.0", "Lists all fields of a hash.", PER_FIELD),
    Command::read("hvals", 2, whole::hvals)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::HASH)
        .args(arguments::KEY)
        .tips(ANY_ORDER)
        .docs(Group::Hash, "2.0.0", "Lists the values of all fields of a hash.", PER_FIELD),
    Command::read("hrandfield", -2, whole::hrandfield)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::HASH)
        .args(arguments::RANDOM)
        .tips(BY_CHANCE)
        .docs(Group::Hash, "6.2.0", "Gives fields of a hash by chance.", PER_FIELD),
    Command::read("hscan", -3, whole::hscan)
        .keys(READ)
        .categories(Categories::HASH)
        .args(arguments::SCAN)
        .tips(BY_CHANCE)
        .docs(
            Group::Hash,
            "2.8.0",
            "Lists the fields of a hash piece by piece.",
            "O(1) for a call, O(N) for all calls until the cursor is 0 again, for N fields",
        ),
    Command::write("hexpire", -6, expiry::hexpire)
        .keys(CHANGE)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::EXPIRE)
        .docs(Group::Hash, "9.0.0", "Has fields of a hash expire after some seconds.", PER_FIELD),
    Command::write("hpexpire", -6, expiry::hpexpire)
        .keys(CHANGE)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::PEXPIRE)
        .docs(
            Group::Hash,
            "9.0.0",
            "Has fields of a hash expire after some milliseconds.",
            PER_FIELD,
        ),
    Command::write("hexpireat", -6, expiry::hexpireat)
        .keys(CHANGE)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::EXPIREAT)
        .docs(
            Group::Hash,
            "9.0.0",
            "Has fields of a hash expire at a point in Unix time in seconds.",
            PER_FIELD,
        ),
    Command::write("hpexpireat", -6, expiry::hpexpireat)
        .keys(CHANGE)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::PEXPIREAT)
        .docs(
            Group::Hash,
            "9.0.0",
            "Has fields of a hash expire at a point in Unix time in milliseconds.",
            PER_FIELD,
        ),
    Command::read("httl", -5, expiry::httl)
        .keys(READ)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELDS)
        .docs(
            Group::Hash,
            "9.0.0",
            "Tells in how many seconds fields of a hash expire.",
            PER_FIELD,
        ),
    Command::read("hpttl", -5, expiry::hpttl)
        .keys(READ)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELDS)
        .docs(
            Group::Hash,
            "9.0.0",
            "Tells in how many milliseconds fields of a hash expire.",
            PER_FIELD,
        ),
    Command::read("hexpiretime", -5, expiry::hexpiretime)
        .keys(READ)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELDS)
        .docs(
            Group::Hash,
            "9.0.0",
            "Tells at which Unix time in seconds fields of a hash expire.",
            PER_FIELD,
        ),
    Command::read("hpexpiretime", -5, expiry::hpexpiretime)
        .keys(READ)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELDS)
        .docs(
            Group::Hash,
            "9.0.0",
            "Tells at which Unix time in milliseconds fields of a hash expire.",
            PER_FIELD,
        ),
    Command::write("hpersist", -5, expiry::hpersist)
        .keys(CHANGE)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELDS)
        .docs(Group::Hash, "9.0.0", "Has fields of a hash not expire any more.", PER_FIELD),
    Command::write("hgetex", -5, expiry::hgetex)
        .keys(COUNT)
        .fast()
        .categories(Categories::HASH)
        .args(arguments::GETEX)
        .docs(
            Group::Hash,
            "9.0.0",
            "Gives the values of fields of a hash and changes when the fields expire.",
            PER_FIELD,
        ),
    Command::write("hsetex", -6, expiry::hsetex)
        .keys(const { &[KeySpec::one(1, "RW insert")] })
        .denyoom()
        .fast()
        .categories(Categories::HASH)
        .args(arguments::SETEX)
        .docs(
            Group::Hash,
            "9.0.0",
            "Gives fields of a hash their values and changes when the fields expire.",
            PER_FIELD,
        ),
    Command::write("hgetdel", -5, expiry::hgetdel)
        .keys(const { &[KeySpec::one(1, "RW access delete")] })
        .fast()
        .categories(Categories::HASH)
        .args(arguments::FIELDS)
        .docs(
            Group::Hash,
            "9.1.0",
            "Gives the values of fields of a hash and removes the fields.",
            PER_FIELD,
        ),
];

#[cfg(test)]
mod tests;
