//! Set commands.
//!
//! `member` asks for, adds and removes members. Here stand what the files share, and the table.

mod member;

use super::Read;
use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group, KeySpec};
use crate::value::set::Limits;

/// The limits of encodings that the configuration sets.
fn limits<'a>(cx: &Read<'a>) -> Limits<'a> {
    Limits {
        intset_entries: cx.config().set_max_intset_entries,
        hasher: cx.server().hasher.of_elements(),
    }
}

const KEY_ARG: Arg = Arg::new("key", ArgKind::Key(0));
const MEMBER_ARG: Arg = Arg::new("member", ArgKind::String);
/// `key`
const KEY: &[Arg] = &[KEY_ARG];
/// `key member`
const KEY_MEMBER: &[Arg] = &[KEY_ARG, MEMBER_ARG];
/// `key member …`
const KEY_MEMBERS: &[Arg] = &[KEY_ARG, MEMBER_ARG.multiple()];

const ASK: &[KeySpec] = &[KeySpec::one(1, "RO")];
const READ: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const SEVERAL_MEMBERS: &[(&str, &str)] = &[("2.4.0", "Several members may be given.")];

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
        .tips(const { &["nondeterministic_output_order"] })
        .docs(Group::Set, "1.0.0", "Lists all members of a set.", "O(N) for N members"),
];

#[cfg(test)]
mod tests;
