//! Stream commands.
//!
//! `add` appends and trims (with `trimming`, what both take), `range` and `read` read, `remove`
//! takes entries away, `group`, `pending` and `claim` are about consumer groups, `info` shows what
//! there is. `ids` reads ids as clients write them. Effects name what was decided: ids, exact
//! thresholds, deliveries as claims.

mod add;
mod arguments;
mod claim;
mod errors;
mod group;
mod ids;
mod info;
mod pending;
mod range;
mod read;
mod remove;
mod reply;
mod trimming;

use super::spec::{BeginSearch, Categories, Command, FindKeys, Flags, Group, KeySpec};
use super::{Effect, Key, Write};
use crate::keyspace::Event;
use crate::value::stream::{Limits, StreamId};

const TRIM: Event = Event::stream("xtrim");
const SETID: Event = Event::stream("xsetid");
const CREATE_CONSUMER: Event = Event::stream("xgroup-createconsumer");

/// When a node is full, as configured.
fn limits(cx: &Write<'_>) -> Limits {
    let config = cx.config();
    Limits {
        node_bytes: config.stream_node_max_bytes,
        node_entries: config.stream_node_max_entries,
    }
}

/// An entry that was given to a consumer.
struct Delivery {
    id: StreamId,
    delivered_ms: i64,
    deliveries: i64,
}

/// States a delivery as a claim that comes to the same wherever and whenever it is replayed.
fn state_delivery(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    (group, consumer): (&[u8], &[u8]),
    delivery: &Delivery,
    last_id: StreamId,
) {
    let (id, last_id) = (delivery.id.text(), last_id.text());
    let (mut time, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
    let effect: &[&[u8]] = &[
        b"XCLAIM",
        key.bytes,
        group,
        consumer,
        b"0",
        id.as_bytes(),
        b"TIME",
        time.format(delivery.delivered_ms).as_bytes(),
        b"RETRYCOUNT",
        count.format(delivery.deliveries).as_bytes(),
        b"FORCE",
        b"JUSTID",
        b"LASTID",
        last_id.as_bytes(),
    ];
    cx.noted(key, None, Effect::Rewrite(effect));
}

const READ: &[KeySpec] = &[KeySpec::one(1, "RO access")];
const UPDATE: &[KeySpec] = &[KeySpec::one(1, "RW update")];
const DELETE: &[KeySpec] = &[KeySpec::one(1, "RW delete")];
const SUB_READ: &[KeySpec] = &[KeySpec::one(2, "RO access")];
const SUB_INSERT: &[KeySpec] = &[KeySpec::one(2, "RW insert")];
const SUB_UPDATE: &[KeySpec] = &[KeySpec::one(2, "RW update")];
const SUB_DELETE: &[KeySpec] = &[KeySpec::one(2, "RW delete")];
const RANDOM_OUTPUT: &[&str] = &["nondeterministic_output"];
const ADD_NOTES: &str = "UPDATE instead of INSERT because of the optional trimming feature";
const PER_ID: &str = "O(1) for each ID, however long the stream is";
const PER_ENTRY: &str = "O(N), where N is the number of entries in the reply";
const TRIM_HISTORY: (&str, &str) = ("8.2.0", "New options `KEEPREF`, `DELREF` and `ACKED`.");
const EXCLUSIVE_HISTORY: &[(&str, &str)] = &[("6.2.0", "Ends of the range may be exclusive.")];

/// The options of XREAD and XREADGROUP that have arguments.
const READ_OPTIONS: &[(&str, usize)] = &[("GROUP", 2), ("COUNT", 1), ("BLOCK", 1)];

/// The keys after STREAMS: the first half of what follows it, looked for from argument `from` on.
const fn streams(from: i32) -> KeySpec {
    KeySpec {
        begin: BeginSearch::Keyword("STREAMS", from),
        find: FindKeys::Range { last: -1, step: 1, limit: 2 },
        flags: "RO access",
        notes: "",
    }
}

const GROUP_TABLE: &[Command] = &[
    Command::write("xgroup|create", -5, group::create)
        .keys(SUB_INSERT)
        .denyoom()
        .categories(Categories::STREAM)
        .args(arguments::XGROUP_CREATE)
        .history(const { &[("7.0.0", "New option `ENTRIESREAD`.")] })
        .docs(Group::Stream, "5.0.0", "Creates a consumer group.", "O(1)"),
    Command::write("xgroup|createconsumer", 5, group::createconsumer)
        .keys(SUB_INSERT)
        .denyoom()
        .categories(Categories::STREAM)
        .args(arguments::KEY_GROUP_CONSUMER)
        .docs(Group::Stream, "6.2.0", "Creates a consumer of a group.", "O(1)"),
    Command::write("xgroup|delconsumer", 5, group::delconsumer)
        .keys(SUB_DELETE)
        .categories(Categories::STREAM)
        .args(arguments::KEY_GROUP_CONSUMER)
        .docs(
            Group::Stream,
            "5.0.0",
            "Deletes a consumer of a group and forgets what is pending with it.",
            "O(N), where N is the number of entries pending with the consumer",
        ),
    Command::write("xgroup|destroy", 4, group::destroy)
        .keys(SUB_DELETE)
        .categories(Categories::STREAM)
        .args(arguments::KEY_GROUP)
        .docs(
            Group::Stream,
            "5.0.0",
            "Deletes a consumer group.",
            "O(N), where N is the number of entries pending in the group",
        ),
    Command::session("xgroup|help", 2, group::help)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::STREAM)
        .docs(Group::Stream, "5.0.0", "Shows the subcommands.", "O(1)"),
    Command::write("xgroup|setid", -5, group::setid)
        .keys(SUB_UPDATE)
        .categories(Categories::STREAM)
        .args(arguments::XGROUP_SETID)
        .history(const { &[("7.0.0", "New option `ENTRIESREAD`.")] })
        .docs(Group::Stream, "5.0.0", "Sets up to where a consumer group has read.", "O(1)"),
];

const INFO_TABLE: &[Command] = &[
    Command::read("xinfo|consumers", 4, info::consumers)
        .keys(SUB_READ)
        .tips(RANDOM_OUTPUT)
        .categories(Categories::STREAM)
        .args(arguments::KEY_GROUP)
        .history(const { &[("7.2.0", "New field `inactive`; `idle` means any attempt.")] })
        .docs(Group::Stream, "5.0.0", "Shows the consumers of a group.", "O(1)"),
    Command::read("xinfo|groups", 3, info::groups)
        .keys(SUB_READ)
        .categories(Categories::STREAM)
        .args(arguments::KEY)
        .history(const { &[("7.0.0", "New fields `entries-read` and `lag`.")] })
        .docs(Group::Stream, "5.0.0", "Shows the consumer groups of a stream.", "O(1)"),
    Command::session("xinfo|help", 2, info::help)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::STREAM)
        .docs(Group::Stream, "5.0.0", "Shows the subcommands.", "O(1)"),
    Command::read("xinfo|stream", -3, info::stream)
        .keys(SUB_READ)
        .categories(Categories::STREAM)
        .args(arguments::XINFO_STREAM)
        .history(
            const {
                &[
                    ("6.0.0", "New option `FULL`."),
                    ("7.0.0", "New fields for counters of entries, read and deleted ones too."),
                    ("7.2.0", "New field `active-time`; `seen-time` means any attempt."),
                ]
            },
        )
        .docs(Group::Stream, "5.0.0", "Shows a stream and its counters.", "O(1)"),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("xadd", -5, add::xadd)
        .keys(const { &[KeySpec::one(1, "RW update").notes(ADD_NOTES)] })
        .denyoom()
        .fast()
        .tips(RANDOM_OUTPUT)
        .categories(Categories::STREAM)
        .args(arguments::XADD)
        .history(
            const {
                &[
                    ("6.2.0", "New options `NOMKSTREAM`, `MINID` and `LIMIT`."),
                    ("7.0.0", "The sequence number may be left to the server: `<ms>-*`."),
                    TRIM_HISTORY,
                ]
            },
        )
        .docs(
            Group::Stream,
            "5.0.0",
            "Adds an entry to a stream, which is created if there is none.",
            "O(1), and O(N) where N entries are trimmed",
        ),
    Command::read("xlen", 2, range::xlen)
        .keys(const { &[KeySpec::one(1, "RO")] })
        .fast()
        .categories(Categories::STREAM)
        .args(arguments::KEY)
        .docs(Group::Stream, "5.0.0", "Tells how many entries a stream has.", "O(1)"),
    Command::read("xrange", -4, range::xrange)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::STREAM)
        .args(arguments::XRANGE)
        .history(EXCLUSIVE_HISTORY)
        .docs(
            Group::Stream,
            "5.0.0",
            "Gives the entries of a stream from one ID to another.",
            PER_ENTRY,
        ),
    Command::read("xrevrange", -4, range::xrevrange)
        .keys(READ)
        .flags(Flags::WALKS)
        .categories(Categories::STREAM)
        .args(arguments::XREVRANGE)
        .history(EXCLUSIVE_HISTORY)
        .docs(
            Group::Stream,
            "5.0.0",
            "Gives the entries of a stream from one ID back to another.",
            PER_ENTRY,
        ),
    Command::write("xdel", -3, remove::xdel)
        .keys(DELETE)
        .fast()
        .categories(Categories::STREAM)
        .args(arguments::KEY_IDS)
        .docs(Group::Stream, "5.0.0", "Removes entries from a stream.", PER_ID),
    Command::write("xdelex", -5, remove::xdelex)
        .keys(DELETE)
        .fast()
        .categories(Categories::STREAM)
        .args(arguments::XDELEX)
        .docs(
            Group::Stream,
            "8.2.0",
            "Removes entries from a stream and says what becomes of their consumer groups.",
            PER_ID,
        ),
    Command::write("xtrim", -4, add::xtrim)
        .keys(DELETE)
        .tips(RANDOM_OUTPUT)
        .categories(Categories::STREAM)
        .args(arguments::XTRIM)
        .history(const { &[("6.2.0", "New options `MINID` and `LIMIT`."), TRIM_HISTORY] })
        .docs(
            Group::Stream,
            "5.0.0",
            "Removes entries from the beginning of a stream.",
            "O(N), where N is the number of removed entries; whole nodes of them go at once",
        ),
    Command::read("xread", -4, read::xread)
        .keys(const { &[streams(1)] })
        .options(READ_OPTIONS)
        .flags(Flags::BLOCKING.and(Flags::MOVABLE_KEYS))
        .categories(Categories::STREAM)
        .args(arguments::XREAD)
        .docs(
            Group::Stream,
            "5.0.0",
            "Gives the entries of several streams after an ID each, and may wait for some.",
            PER_ENTRY,
        ),
    Command::write("xreadgroup", -7, read::xreadgroup)
        .keys(const { &[streams(4)] })
        .options(READ_OPTIONS)
        .flags(Flags::BLOCKING.and(Flags::MOVABLE_KEYS))
        .categories(Categories::STREAM)
        .args(arguments::XREADGROUP)
        .docs(
            Group::Stream,
            "5.0.0",
            "Gives a consumer the entries that its group has not read, or its own once more.",
            PER_ENTRY,
        ),
    Command::container("xgroup", GROUP_TABLE).docs(
        Group::Stream,
        "5.0.0",
        "The commands about consumer groups.",
        "Depends on the subcommand",
    ),
    Command::write("xack", -4, pending::xack)
        .keys(UPDATE)
        .fast()
        .categories(Categories::STREAM)
        .args(arguments::KEY_GROUP_IDS)
        .docs(
            Group::Stream,
            "5.0.0",
            "Acknowledges entries that were delivered to a consumer group.",
            "O(1) for each ID",
        ),
    Command::write("xackdel", -6, remove::xackdel)
        .keys(const { &[KeySpec::one(1, "RW update delete")] })
        .fast()
        .categories(Categories::STREAM)
        .args(arguments::XACKDEL)
        .docs(
            Group::Stream,
            "8.2.0",
            "Acknowledges entries and removes them from the stream.",
            "O(1) for each ID",
        ),
    Command::read("xpending", -3, pending::xpending)
        .keys(READ)
        .tips(RANDOM_OUTPUT)
        .categories(Categories::STREAM)
        .args(arguments::XPENDING)
        .history(const { &[("6.2.0", "New option `IDLE`; ends may be exclusive.")] })
        .docs(
            Group::Stream,
            "5.0.0",
            "Shows what was delivered to a consumer group and not acknowledged.",
            "O(N), where N is the number of entries shown, or looked at for `IDLE`",
        ),
    Command::write("xclaim", -6, claim::xclaim)
        .keys(UPDATE)
        .fast()
        .tips(RANDOM_OUTPUT)
        .categories(Categories::STREAM)
        .args(arguments::XCLAIM)
        .docs(
            Group::Stream,
            "5.0.0",
            "Gives pending entries to another consumer.",
            "O(log N), where N is the number of entries pending in the group",
        ),
    Command::write("xautoclaim", -6, claim::xautoclaim)
        .keys(DELETE)
        .fast()
        .tips(RANDOM_OUTPUT)
        .categories(Categories::STREAM)
        .args(arguments::XAUTOCLAIM)
        .history(const { &[("7.0.0", "The reply tells which entries are gone.")] })
        .docs(
            Group::Stream,
            "6.2.0",
            "Gives entries that are pending for long to another consumer.",
            "O(1) if the count is small",
        ),
    Command::container("xinfo", INFO_TABLE).docs(
        Group::Stream,
        "5.0.0",
        "The commands that show streams, groups and consumers.",
        "Depends on the subcommand",
    ),
    Command::write("xsetid", -3, add::xsetid)
        .keys(UPDATE)
        .denyoom()
        .fast()
        .categories(Categories::STREAM)
        .args(arguments::XSETID)
        .history(const { &[("7.0.0", "New options `ENTRIESADDED` and `MAXDELETEDID`.")] })
        .docs(Group::Stream, "5.0.0", "Sets the counters of a stream, for replication.", "O(1)"),
];

#[cfg(test)]
mod tests;
