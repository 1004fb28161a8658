//! Sorted set commands.
//!
//! `add` gives members scores, `member` asks for single ones, `range` works on ranges, `pop` takes
//! from the ends (blocking commands call it as well), `algebra` combines sets, `random` draws and
//! scans; `score` reads scores and bounds. Here stand what the files share, and the table.

pub(in crate::command) mod add;
mod algebra;
mod arguments;
pub mod blocking;
mod member;
pub(in crate::command) mod pop;
mod random;
mod range;
pub(in crate::command) mod score;

use super::spec::{Categories, Command, Flags, Group, KeySpec};
use super::{Args, CommandError, Effect, Fate, Key, Read, Write};
use crate::keyspace::Event;
use crate::resp::{Proto, Writer};
use crate::value::listpack::Item;
use crate::value::zset::{Limits, Zset};

/// The limits of encodings that the configuration sets.
pub(in crate::command) fn limits<'a>(cx: &Read<'a>) -> Limits<'a> {
    Limits {
        listpack_entries: cx.config().zset_max_listpack_entries,
        listpack_value: cx.config().zset_max_listpack_value as usize,
        hasher: cx.server().hasher.of_elements(),
    }
}

/// Writes a member as a bulk string.
pub(super) fn reply_member(member: Item<'_>, out: &mut Writer<'_>) {
    match member {
        Item::Int(number) => out.bulk_int(number),
        Item::Bytes(bytes) => out.bulk(bytes),
    }
}

/// The head of a list of so many members: with scores RESP2 has twice as many elements, RESP3
/// pairs.
fn head(members: usize, with_scores: bool, out: &mut Writer<'_>) {
    let is_flat = with_scores && out.proto() == Proto::Resp2;
    out.array(if is_flat { 2 * members } else { members });
}

/// One member of such a list.
fn reply_pair(member: Item<'_>, score: f64, with_scores: bool, out: &mut Writer<'_>) {
    if with_scores && out.proto() == Proto::Resp3 {
        out.array(2);
    }
    reply_member(member, out);
    if with_scores {
        out.double(score);
    }
}

/// Replies a list of members, with their scores if they are wanted.
fn reply_members<'a>(
    members: impl ExactSizeIterator<Item = (Item<'a>, f64)>,
    with_scores: bool,
    out: &mut Writer<'_>,
) {
    head(members.len(), with_scores, out);
    for (member, score) in members {
        reply_pair(member, score, with_scores, out);
    }
}

/// Puts a result in place of whatever is at `key`, states the change and replies its size. An empty
/// one removes the key.
pub(in crate::command) fn store(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    result: Zset,
    event: Event,
    args: Args<'_>,
    out: &mut Writer<'_>,
) {
    let len = result.len();
    match cx.replace(key, result) {
        Fate::Kept | Fate::Created => cx.changed(key, event, Effect::Verbatim(args)),
        Fate::Removed => cx.changed(key, Event::DEL, Effect::Verbatim(args)),
        Fate::Absent => {}
    }
    out.int(len as i64);
}

/// `ERR at least 1 input key is needed for '<name>' command`
fn no_input_key(name: &str) -> CommandError {
    CommandError::made(format!("ERR at least 1 input key is needed for '{name}' command"))
}

const READ: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const DELETE: &[KeySpec] = &[KeySpec::one(1, "RW delete")];
const POP: &[KeySpec] = &[KeySpec::one(1, "RW access delete")];
const READ_MANY: &[KeySpec] = &[KeySpec::numkeys(1, 1, "RO access")];
const STORE_MANY: &[KeySpec] = &[KeySpec::one(1, "OW update"), KeySpec::numkeys(2, 1, "RO access")];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("zadd", -4, add::zadd)
        .keys(const { &[KeySpec::one(1, "RW update")] })
        .denyoom()
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZADD)
        .history(
            const {
                &[
                    ("2.4.0", "Several members may be given."),
                    ("3.0.2", "New options `XX`, `NX`, `CH` and `INCR`."),
                    ("6.2.0", "New options `GT` and `LT`."),
                ]
            },
        )
        .docs(
            Group::SortedSet,
            "1.2.0",
            "Gives members of a sorted set their scores, and adds those that are new.",
            "O(log(N)) for each member, in a set of N",
        ),
    Command::write("zincrby", 4, add::zincrby)
        .keys(const { &[KeySpec::one(1, "RW access update")] })
        .denyoom()
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZINCRBY)
        .docs(
            Group::SortedSet,
            "1.2.0",
            "Adds to the score of a member, which counts as 0 if it is new.",
            "O(log(N)) in a set of N members",
        ),
    Command::write("zrem", -3, member::zrem)
        .keys(DELETE)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZREM)
        .history(const { &[("2.4.0", "Several members may be given.")] })
        .docs(
            Group::SortedSet,
            "1.2.0",
            "Takes members out of a sorted set, whose key goes with the last.",
            "O(M * log(N)) for M members of a set of N",
        ),
    Command::read("zcard", 2, member::zcard)
        .keys(const { &[KeySpec::one(1, "RO")] })
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZCARD)
        .docs(Group::SortedSet, "1.2.0", "Counts the members of a sorted set.", "O(1)"),
    Command::read("zscore", 3, member::zscore)
        .keys(READ)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZSCORE)
        .docs(Group::SortedSet, "1.2.0", "Tells the score of a member.", "O(1)"),
    Command::read("zmscore", -3, member::zmscore)
        .keys(READ)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZREM)
        .docs(
            Group::SortedSet,
            "6.2.0",
            "Tells the scores of several members.",
            "O(N) for N members",
        ),
    Command::read("zrank", -3, member::zrank)
        .keys(READ)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZRANK)
        .history(const { &[("7.2.0", "New option `WITHSCORE`.")] })
        .docs(
            Group::SortedSet,
            "2.0.0",
            "Tells how many members have a place below that of a member.",
            "O(log(N)) in a set of N members",
        ),
    Command::read("zrevrank", -3, member::zrevrank)
        .keys(READ)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZRANK)
        .history(const { &[("7.2.0", "New option `WITHSCORE`.")] })
        .docs(
            Group::SortedSet,
            "2.0.0",
            "Tells how many members have a place above that of a member.",
            "O(log(N)) in a set of N members",
        ),
    Command::read("zcount", 4, range::zcount)
        .keys(READ)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZCOUNT)
        .docs(
            Group::SortedSet,
            "2.0.0",
            "Counts the members whose scores are in a range.",
            "O(log(N)) in a set of N members",
        ),
    Command::read("zlexcount", 4, range::zlexcount)
        .keys(READ)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZLEXCOUNT)
        .docs(
            Group::SortedSet,
            "2.8.9",
            "Counts the members that are between two strings, in a set of equal scores.",
            "O(log(N)) in a set of N members",
        ),
    Command::read("zrange", -4, range::zrange)
        .keys(READ)
        .flags(Flags::WALKS.and(Flags::WALKS_PLACES))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZRANGE)
        .history(const { &[("6.2.0", "New options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`.")] })
        .docs(
            Group::SortedSet,
            "1.2.0",
            "Lists the members of a range of places, scores or strings.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::read("zrevrange", -4, range::zrevrange)
        .keys(READ)
        .flags(Flags::WALKS.and(Flags::WALKS_PLACES))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZREVRANGE)
        .docs(
            Group::SortedSet,
            "1.2.0",
            "Lists the members of a range of places, counted from the highest score.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::read("zrangebyscore", -4, range::zrangebyscore)
        .keys(READ)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZRANGEBYSCORE)
        .history(const { &[("2.0.0", "New option `WITHSCORES`.")] })
        .docs(
            Group::SortedSet,
            "1.0.5",
            "Lists the members whose scores are in a range.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::read("zrevrangebyscore", -4, range::zrevrangebyscore)
        .keys(READ)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZREVRANGEBYSCORE)
        .history(const { &[("2.1.6", "Either end may be left out of the range.")] })
        .docs(
            Group::SortedSet,
            "2.2.0",
            "Lists the members whose scores are in a range, the highest first.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::read("zrangebylex", -4, range::zrangebylex)
        .keys(READ)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZRANGEBYLEX)
        .docs(
            Group::SortedSet,
            "2.8.9",
            "Lists the members between two strings, in a set of equal scores.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::read("zrevrangebylex", -4, range::zrevrangebylex)
        .keys(READ)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZREVRANGEBYLEX)
        .docs(
            Group::SortedSet,
            "2.8.9",
            "Lists the members between two strings backwards, in a set of equal scores.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::write("zrangestore", -5, range::zrangestore)
        .keys(const { &[KeySpec::one(1, "OW update"), KeySpec::one(2, "RO access")] })
        .denyoom()
        .flags(Flags::WALKS)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZRANGESTORE)
        .docs(
            Group::SortedSet,
            "6.2.0",
            "Makes a sorted set of a range of another one.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::write("zremrangebyrank", 4, range::zremrangebyrank)
        .keys(DELETE)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZREMRANGEBYRANK)
        .docs(
            Group::SortedSet,
            "2.0.0",
            "Takes the members of a range of places out of a sorted set.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::write("zremrangebyscore", 4, range::zremrangebyscore)
        .keys(DELETE)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZCOUNT)
        .docs(
            Group::SortedSet,
            "1.2.0",
            "Takes the members of a range of scores out of a sorted set.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::write("zremrangebylex", 4, range::zremrangebylex)
        .keys(DELETE)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZLEXCOUNT)
        .docs(
            Group::SortedSet,
            "2.8.9",
            "Takes the members between two strings out of a sorted set.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::write("zpopmin", -2, pop::zpopmin)
        .keys(POP)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZPOPMIN)
        .docs(
            Group::SortedSet,
            "5.0.0",
            "Takes the members with the lowest scores out and gives them.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::write("zpopmax", -2, pop::zpopmax)
        .keys(POP)
        .fast()
        .categories(Categories::SORTED_SET)
        .args(arguments::ZPOPMIN)
        .docs(
            Group::SortedSet,
            "5.0.0",
            "Takes the members with the highest scores out and gives them.",
            "O(log(N) + M) for M members of a set of N",
        ),
    Command::write("zmpop", -4, pop::zmpop)
        .keys(const { &[KeySpec::numkeys(1, 1, "RW access delete")] })
        .flags(Flags::MOVABLE_KEYS)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZMPOP)
        .docs(
            Group::SortedSet,
            "7.0.0",
            "Takes members out of the first sorted set that has any, and gives them.",
            "O(K + log(N) + M) for K keys, and M members of a set of N",
        ),
    Command::read("zrandmember", -2, random::zrandmember)
        .keys(READ)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZRANDMEMBER)
        .tips(const { &["nondeterministic_output"] })
        .docs(
            Group::SortedSet,
            "6.2.0",
            "Gives members of a sorted set by chance.",
            "O(N * log(M)) for N members of a set of M",
        ),
    Command::read("zscan", -3, random::zscan)
        .keys(READ)
        .categories(Categories::SORTED_SET)
        .args(arguments::ZSCAN)
        .tips(const { &["nondeterministic_output"] })
        .history(const { &[("8.0.0", "New option `NOSCORES`.")] })
        .docs(
            Group::SortedSet,
            "2.8.0",
            "Goes through the members of a sorted set, some with each call.",
            "O(1) for each call, O(N) for all of them over a set of N members",
        ),
    Command::read("zunion", -3, algebra::zunion)
        .keys(READ_MANY)
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZUNION)
        .docs(
            Group::SortedSet,
            "6.2.0",
            "Gives the members of several sorted sets together, their scores combined.",
            "O(N + M * log(M)) for N members of all sets, M of the result",
        ),
    Command::read("zinter", -3, algebra::zinter)
        .keys(READ_MANY)
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZUNION)
        .docs(
            Group::SortedSet,
            "6.2.0",
            "Gives what several sorted sets have in common, their scores combined.",
            "O(N * K + M * log(M)) for K sets, N members of the smallest, M of the result",
        ),
    Command::read("zdiff", -3, algebra::zdiff)
        .keys(READ_MANY)
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZDIFF)
        .docs(
            Group::SortedSet,
            "6.2.0",
            "Gives the members of a sorted set that others do not have.",
            "O(N * K + M * log(M)) for K sets, N members of the first, M of the result",
        ),
    Command::write("zunionstore", -4, algebra::zunionstore)
        .keys(STORE_MANY)
        .denyoom()
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZUNIONSTORE)
        .docs(
            Group::SortedSet,
            "2.0.0",
            "Makes a sorted set of the members of several others together.",
            "O(N + M * log(M)) for N members of all sets, M of the result",
        ),
    Command::write("zinterstore", -4, algebra::zinterstore)
        .keys(STORE_MANY)
        .denyoom()
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZUNIONSTORE)
        .docs(
            Group::SortedSet,
            "2.0.0",
            "Makes a sorted set of what several others have in common.",
            "O(N * K + M * log(M)) for K sets, N members of the smallest, M of the result",
        ),
    Command::write("zdiffstore", -4, algebra::zdiffstore)
        .keys(STORE_MANY)
        .denyoom()
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZDIFFSTORE)
        .docs(
            Group::SortedSet,
            "6.2.0",
            "Makes a sorted set of the members of one that others do not have.",
            "O(N * K + M * log(M)) for K sets, N members of the first, M of the result",
        ),
    Command::read("zintercard", -3, algebra::zintercard)
        .keys(READ_MANY)
        .flags(Flags::MOVABLE_KEYS.and(Flags::WALKS))
        .categories(Categories::SORTED_SET)
        .args(arguments::ZINTERCARD)
        .docs(
            Group::SortedSet,
            "7.0.0",
            "Counts the members that several sorted sets have in common.",
            "O(N * K) for K sets, and N members of the smallest",
        ),
];

#[cfg(test)]
mod tests;
