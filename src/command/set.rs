//! Set commands.
//!
//! `member` asks for, adds and removes members, `random` has chance choose, `algebra` combines
//! sets, `scan` lists one piece by piece. Here stand what the files share, and the table.

mod algebra;
mod member;
mod random;
mod scan;

use super::Read;
use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group, KeySpec};
use crate::resp::Writer;
use crate::value::listpack::Item;
use crate::value::set::Limits;

/// The limits of encodings that the configuration sets.
pub(super) fn limits<'a>(cx: &Read<'a>) -> Limits<'a> {
    let config = cx.config();
    Limits {
        intset_entries: config.set_max_intset_entries,
        listpack_entries: config.set_max_listpack_entries,
        listpack_value: config.set_max_listpack_value,
        hasher: cx.server().hasher.of_elements(),
    }
}

/// Writes a member as a bulk string.
fn reply_member(member: Item<'_>, out: &mut Writer<'_>) {
    match member {
        Item::Int(number) => out.bulk_int(number),
        Item::Bytes(bytes) => out.bulk(bytes),
    }
}

const KEY_ARG: Arg = Arg::new("key", ArgKind::Key(0));
const MEMBER_ARG: Arg = Arg::new("member", ArgKind::String);
const COUNT_ARG: Arg = Arg::new("count", ArgKind::Integer);
/// `key`
const KEY: &[Arg] = &[KEY_ARG];
/// `key …`
const SEVERAL_KEYS: &[Arg] = &[KEY_ARG.multiple()];
/// `destination key …`
const STORE: &[Arg] =
    &[Arg::new("destination", ArgKind::Key(0)), Arg::new("key", ArgKind::Key(1)).multiple()];
/// `key member`
const KEY_MEMBER: &[Arg] = &[KEY_ARG, MEMBER_ARG];
/// `key member …`
const KEY_MEMBERS: &[Arg] = &[KEY_ARG, MEMBER_ARG.multiple()];

const ASK: &[KeySpec] = &[KeySpec::one(1, "RO")];
const READ: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const READ_ALL: &[KeySpec] = &[KeySpec::range(1, -1, 1, "RO access")];
const STORE_KEYS: &[KeySpec] =
    &[KeySpec::one(1, "OW update"), KeySpec::range(2, -1, 1, "RO access")];
const SEVERAL_MEMBERS: &[(&str, &str)] = &[("2.4.0", "Several members may be given.")];
const ANY_ORDER: &[&str] = &["nondeterministic_output_order"];
const BY_CHANCE: &[&str] = &["nondeterministic_output"];
const INTERSECTION_COST: &str = "O(N*M) at worst, for N members in the smallest of M sets";
const ALL_MEMBERS_COST: &str = "O(N), for N members in all sets together";

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("sadd", -3, member::sadd)
        .keys(const { &[KeySpec::one(1, "RW insert")] })
        .denyoom()
        .fast()
        .categories(Categories::SET)
        .args(KEY_MEMBERS)
        .history(SEVERAL_MEMBERS)
        .docs(
            Group::Set,
            "1.0.0",
            "Puts members into a set; a missing key counts as an empty set.",
            "O(N) for N members",
        ),
    Command::write("srem", -3, member::srem)
        .keys(const { &[KeySpec::one(1, "RW delete")] })
        .fast()
        .categories(Categories::SET)
        .args(KEY_MEMBERS)
        .history(SEVERAL_MEMBERS)
        .docs(
            Group::Set,
            "1.0.0",
            "Takes members out of a set, whose key goes with the last.",
            "O(N) for N members",
        ),
    Command::read("sismember", 3, member::sismember)
        .keys(ASK)
        .fast()
        .categories(Categories::SET)
        .args(KEY_MEMBER)
        .docs(Group::Set, "1.0.0", "Tells whether a set has a member.", "O(1)"),
    Command::read("smismember", -3, member::smismember)
        .keys(READ)
        .fast()
        .categories(Categories::SET)
        .args(KEY_MEMBERS)
        .docs(
            Group::Set,
            "6.2.0",
            "Tells for each of several members whether a set has it.",
            "O(N) for N members",
        ),
    Command::read("scard", 2, member::scard)
        .keys(ASK)
        .fast()
        .categories(Categories::SET)
        .args(KEY)
        .docs(Group::Set, "1.0.0", "Counts the members of a set.", "O(1)"),
    Command::read("smembers", 2, member::smembers)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(KEY)
        .tips(ANY_ORDER)
        .docs(Group::Set, "1.0.0", "Lists all members of a set.", "O(N) for N members"),
    Command::write("smove", 4, member::smove)
        .keys(const { &[KeySpec::one(1, "RW access delete"), KeySpec::one(2, "RW insert")] })
        .fast()
        .categories(Categories::SET)
        .args(
            const {
                &[
                    Arg::new("source", ArgKind::Key(0)),
                    Arg::new("destination", ArgKind::Key(1)),
                    MEMBER_ARG,
                ]
            },
        )
        .docs(Group::Set, "1.0.0", "Takes a member from one set to another.", "O(1)"),
    Command::write("spop", -2, random::spop)
        .keys(const { &[KeySpec::one(1, "RW access delete")] })
        .fast()
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(const { &[KEY_ARG, COUNT_ARG.optional().since("3.2.0")] })
        .history(const { &[("3.2.0", "The argument `count`.")] })
        .tips(BY_CHANCE)
        .docs(
            Group::Set,
            "1.0.0",
            "Takes members out of a set by chance and gives them.",
            "O(1) for one, O(N) for a count of N",
        ),
    Command::read("srandmember", -2, random::srandmember)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(const { &[KEY_ARG, COUNT_ARG.optional().since("2.6.0")] })
        .history(const { &[("2.6.0", "The argument `count`.")] })
        .tips(BY_CHANCE)
        .docs(
            Group::Set,
            "1.0.0",
            "Gives members of a set by chance.",
            "O(1) for one, O(N) for a count of N or -N",
        ),
    Command::read("sinter", -2, algebra::sinter)
        .keys(READ_ALL)
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(SEVERAL_KEYS)
        .tips(ANY_ORDER)
        .docs(
            Group::Set,
            "1.0.0",
            "Lists the members that all of several sets have.",
            INTERSECTION_COST,
        ),
    Command::read("sintercard", -3, algebra::sintercard)
        .keys(const { &[KeySpec::numkeys(1, 1, "RO access")] })
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::SET)
        .args(
            const {
                &[
                    Arg::new("numkeys", ArgKind::Integer),
                    KEY_ARG.multiple(),
                    Arg::new("limit", ArgKind::Integer).with_token("LIMIT").optional(),
                ]
            },
        )
        .docs(
            Group::Set,
            "7.0.0",
            "Counts the members that all of several sets have, up to a limit.",
            INTERSECTION_COST,
        ),
    Command::write("sinterstore", -3, algebra::sinterstore)
        .keys(STORE_KEYS)
        .denyoom()
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(STORE)
        .docs(
            Group::Set,
            "1.0.0",
            "Stores the members that all of several sets have as a set.",
            INTERSECTION_COST,
        ),
    Command::read("sunion", -2, algebra::sunion)
        .keys(READ_ALL)
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(SEVERAL_KEYS)
        .tips(ANY_ORDER)
        .docs(
            Group::Set,
            "1.0.0",
            "Lists the members that any of several sets has.",
            ALL_MEMBERS_COST,
        ),
    Command::write("sunionstore", -3, algebra::sunionstore)
        .keys(STORE_KEYS)
        .denyoom()
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(STORE)
        .docs(
            Group::Set,
            "1.0.0",
            "Stores the members that any of several sets has as a set.",
            ALL_MEMBERS_COST,
        ),
    Command::read("sdiff", -2, algebra::sdiff)
        .keys(READ_ALL)
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(SEVERAL_KEYS)
        .tips(ANY_ORDER)
        .docs(
            Group::Set,
            "1.0.0",
            "Lists the members of a set that several others have not.",
            ALL_MEMBERS_COST,
        ),
    Command::write("sdiffstore", -3, algebra::sdiffstore)
        .keys(STORE_KEYS)
        .denyoom()
        .flags(Flags::WALKS)
        .categories(Categories::SET)
        .args(STORE)
        .docs(
            Group::Set,
            "1.0.0",
            "Stores the members of a set that several others have not as a set.",
            ALL_MEMBERS_COST,
        ),
    Command::read("sscan", -3, scan::sscan)
        .keys(READ)
        .categories(Categories::SET)
        .args(
            const {
                &[
                    KEY_ARG,
                    Arg::new("cursor", ArgKind::Integer),
                    Arg::new("pattern", ArgKind::Pattern).with_token("MATCH").optional(),
                    Arg::new("count", ArgKind::Integer).with_token("COUNT").optional(),
                ]
            },
        )
        .tips(BY_CHANCE)
        .docs(
            Group::Set,
            "2.8.0",
            "Lists the members of a set piece by piece.",
            "O(1) for a call, O(N) for all calls until the cursor is 0 again, for N members",
        ),
];

#[cfg(test)]
mod tests;
