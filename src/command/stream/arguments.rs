//! The arguments of stream commands as `COMMAND DOCS` describes them.

use super::super::spec::{Arg, ArgKind};

const KEY_ARG: Arg = Arg::new("key", ArgKind::Key(0));
const GROUP_ARG: Arg = Arg::new("group", ArgKind::String);
const CONSUMER_ARG: Arg = Arg::new("consumer", ArgKind::String);
const ID_ARG: Arg = Arg::new("id", ArgKind::String);
const START_ARG: Arg = Arg::new("start", ArgKind::String);
const END_ARG: Arg = Arg::new("end", ArgKind::String);
const MIN_IDLE_ARG: Arg = Arg::new("min-idle-time", ArgKind::String);
const COUNT_ARG: Arg = Arg::new("count", ArgKind::Integer).with_token("COUNT").optional();
const BLOCK_ARG: Arg = Arg::new("milliseconds", ArgKind::Integer).with_token("BLOCK").optional();
const JUSTID_ARG: Arg = Arg::token("justid", "JUSTID").optional();

const REFERENCES_ARG: Arg = Arg::one_of(
    "condition",
    const {
        &[
            Arg::token("keepref", "KEEPREF"),
            Arg::token("delref", "DELREF"),
            Arg::token("acked", "ACKED"),
        ]
    },
)
.optional();

const IDS_ARG: Arg =
    Arg::block("ids", const { &[Arg::new("numids", ArgKind::Integer), ID_ARG.multiple()] })
        .with_token("IDS");

const TRIM_ARG: Arg = Arg::block(
    "trim",
    const {
        &[
            Arg::one_of(
                "strategy",
                const { &[Arg::token("maxlen", "MAXLEN"), Arg::token("minid", "MINID").since("6.2.0")] },
            ),
            Arg::one_of(
                "operator",
                const { &[Arg::token("equal", "="), Arg::token("approximately", "~")] },
            )
            .optional(),
            Arg::new("threshold", ArgKind::String),
            Arg::new("count", ArgKind::Integer).with_token("LIMIT").since("6.2.0").optional(),
        ]
    },
);

const STREAMS_ARG: Arg =
    Arg::block("streams", const { &[KEY_ARG.multiple(), ID_ARG.multiple()] }).with_token("STREAMS");

const GROUP_START_ARG: Arg =
    Arg::one_of("id-selector", const { &[ID_ARG, Arg::token("new-id", "$")] });

const ENTRIESREAD_ARG: Arg = Arg::new("entriesread", ArgKind::Integer)
    .with_token("ENTRIESREAD")
    .display("entries-read")
    .optional();

/// `key`
pub(super) const KEY: &[Arg] = &[KEY_ARG];
/// `key group`
pub(super) const KEY_GROUP: &[Arg] = &[KEY_ARG, GROUP_ARG];
/// `key group consumer`
pub(super) const KEY_GROUP_CONSUMER: &[Arg] = &[KEY_ARG, GROUP_ARG, CONSUMER_ARG];
/// `key id …`
pub(super) const KEY_IDS: &[Arg] = &[KEY_ARG, ID_ARG.multiple()];
/// `key group id …`
pub(super) const KEY_GROUP_IDS: &[Arg] = &[KEY_ARG, GROUP_ARG, ID_ARG.multiple()];
/// XADD's
pub(super) const XADD: &[Arg] = &[
    KEY_ARG,
    Arg::token("nomkstream", "NOMKSTREAM").since("6.2.0").optional(),
    TRIM_ARG.optional(),
    Arg::one_of("id-selector", const { &[Arg::token("auto-id", "*"), ID_ARG] }),
    Arg::block(
        "data",
        const { &[Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)] },
    )
    .multiple(),
];
/// XTRIM's
pub(super) const XTRIM: &[Arg] = &[KEY_ARG, TRIM_ARG];
/// XDELEX's
pub(super) const XDELEX: &[Arg] = &[KEY_ARG, REFERENCES_ARG, IDS_ARG];
/// XACKDEL's
pub(super) const XACKDEL: &[Arg] = &[KEY_ARG, GROUP_ARG, REFERENCES_ARG, IDS_ARG];
/// XRANGE's
pub(super) const XRANGE: &[Arg] = &[KEY_ARG, START_ARG, END_ARG, COUNT_ARG];
/// XREVRANGE's
pub(super) const XREVRANGE: &[Arg] = &[KEY_ARG, END_ARG, START_ARG, COUNT_ARG];
/// XREAD's
pub(super) const XREAD: &[Arg] = &[COUNT_ARG, BLOCK_ARG, STREAMS_ARG];
/// XREADGROUP's
pub(super) const XREADGROUP: &[Arg] = &[
    Arg::block("group-block", const { &[GROUP_ARG, CONSUMER_ARG] }).with_token("GROUP"),
    COUNT_ARG,
    BLOCK_ARG,
    Arg::token("noack", "NOACK").optional(),
    STREAMS_ARG,
];
/// XPENDING's
pub(super) const XPENDING: &[Arg] = &[
    KEY_ARG,
    GROUP_ARG,
    Arg::block(
        "filters",
        const {
            &[
                Arg::new("min-idle-time", ArgKind::Integer)
                    .with_token("IDLE")
                    .since("6.2.0")
                    .optional(),
                START_ARG,
                END_ARG,
                Arg::new("count", ArgKind::Integer),
                CONSUMER_ARG.optional(),
            ]
        },
    )
    .optional(),
];
/// XCLAIM's
pub(super) const XCLAIM: &[Arg] = &[
    KEY_ARG,
    GROUP_ARG,
    CONSUMER_ARG,
    MIN_IDLE_ARG,
    ID_ARG.multiple(),
    Arg::new("ms", ArgKind::Integer).with_token("IDLE").optional(),
    Arg::new("unix-time-milliseconds", ArgKind::UnixTime).with_token("TIME").optional(),
    Arg::new("count", ArgKind::Integer).with_token("RETRYCOUNT").optional(),
    Arg::token("force", "FORCE").optional(),
    JUSTID_ARG,
    Arg::new("lastid", ArgKind::String).with_token("LASTID").optional(),
];
/// XAUTOCLAIM's
pub(super) const XAUTOCLAIM: &[Arg] =
    &[KEY_ARG, GROUP_ARG, CONSUMER_ARG, MIN_IDLE_ARG, START_ARG, COUNT_ARG, JUSTID_ARG];
/// XSETID's
pub(super) const XSETID: &[Arg] = &[
    KEY_ARG,
    Arg::new("last-id", ArgKind::String),
    Arg::new("entries-added", ArgKind::Integer)
        .with_token("ENTRIESADDED")
        .since("7.0.0")
        .optional(),
    Arg::new("max-deleted-id", ArgKind::String)
        .with_token("MAXDELETEDID")
        .since("7.0.0")
        .optional(),
];
/// XGROUP CREATE's
pub(super) const XGROUP_CREATE: &[Arg] = &[
    KEY_ARG,
    GROUP_ARG,
    GROUP_START_ARG,
    Arg::token("mkstream", "MKSTREAM").optional(),
    ENTRIESREAD_ARG,
];
/// XGROUP SETID's
pub(super) const XGROUP_SETID: &[Arg] = &[KEY_ARG, GROUP_ARG, GROUP_START_ARG, ENTRIESREAD_ARG];
/// XINFO STREAM's
pub(super) const XINFO_STREAM: &[Arg] = &[
    KEY_ARG,
    Arg::block("full-block", const { &[Arg::token("full", "FULL"), COUNT_ARG] }).optional(),
];
