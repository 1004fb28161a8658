//! The arguments of string commands as `COMMAND DOCS` describes them.

use super::super::spec::{Arg, ArgKind};

const KEY_ARG: Arg = Arg::new("key", ArgKind::Key(0));
const VALUE_ARG: Arg = Arg::new("value", ArgKind::String);
const PAIRS_ARG: Arg = Arg::block("data", KEY_VALUE).multiple();
const START_ARG: Arg = Arg::new("start", ArgKind::Integer);
const END_ARG: Arg = Arg::new("end", ArgKind::Integer);

/// `key`
pub(super) const KEY: &[Arg] = &[KEY_ARG];
/// `key value`
pub(super) const KEY_VALUE: &[Arg] = &[KEY_ARG, VALUE_ARG];
/// `key …`
pub(super) const KEYS: &[Arg] = &[KEY_ARG.multiple()];
/// `key value …`
pub(super) const PAIRS: &[Arg] = &[PAIRS_ARG];
/// `key increment`
pub(super) const INCREMENT: &[Arg] = &[KEY_ARG, Arg::new("increment", ArgKind::Integer)];
/// `key decrement`
pub(super) const DECREMENT: &[Arg] = &[KEY_ARG, Arg::new("decrement", ArgKind::Integer)];
/// `key increment`, a float
pub(super) const FLOAT_INCREMENT: &[Arg] = &[KEY_ARG, Arg::new("increment", ArgKind::Double)];
/// `key start end`
pub(super) const RANGE: &[Arg] = &[KEY_ARG, START_ARG, END_ARG];
/// SETRANGE's
pub(super) const SETRANGE: &[Arg] = &[KEY_ARG, Arg::new("offset", ArgKind::Integer), VALUE_ARG];
/// SETEX's
pub(super) const SETEX: &[Arg] = &[KEY_ARG, Arg::new("seconds", ArgKind::Integer), VALUE_ARG];
/// PSETEX's
pub(super) const PSETEX: &[Arg] = &[KEY_ARG, Arg::new("milliseconds", ArgKind::Integer), VALUE_ARG];
/// GETEX's
pub(super) const GETEX: &[Arg] = &[
    KEY_ARG,
    Arg::one_of(
        "expiration",
        const {
            &[
                Arg::new("seconds", ArgKind::Integer).with_token("EX"),
                Arg::new("milliseconds", ArgKind::Integer).with_token("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).with_token("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).with_token("PXAT"),
                Arg::token("persist", "PERSIST"),
            ]
        },
    )
    .optional(),
];
/// LCS's
pub(super) const LCS: &[Arg] = &[
    Arg::new("key1", ArgKind::Key(0)),
    Arg::new("key2", ArgKind::Key(0)),
    Arg::token("len", "LEN").optional(),
    Arg::token("idx", "IDX").optional(),
    Arg::new("min-match-len", ArgKind::Integer).with_token("MINMATCHLEN").optional(),
    Arg::token("withmatchlen", "WITHMATCHLEN").optional(),
];
/// SET's
pub(super) const SET: &[Arg] = &[
    KEY_ARG,
    VALUE_ARG,
    Arg::one_of(
        "condition",
        const {
            &[
                Arg::token("nx", "NX").since("2.6.12"),
                Arg::token("xx", "XX").since("2.6.12"),
                Arg::new("comparison-value", ArgKind::String)
                    .with_token("IFEQ")
                    .since("8.1.0")
                    .summary("Sets the key if it holds this string now."),
            ]
        },
    )
    .optional(),
    Arg::token("get", "GET").since("6.2.0").optional(),
    Arg::one_of(
        "expiration",
        const {
            &[
                Arg::new("seconds", ArgKind::Integer).with_token("EX").since("2.6.12"),
                Arg::new("milliseconds", ArgKind::Integer).with_token("PX").since("2.6.12"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).with_token("EXAT").since("6.2.0"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime)
                    .with_token("PXAT")
                    .since("6.2.0"),
                Arg::token("keepttl", "KEEPTTL").since("6.0.0"),
            ]
        },
    )
    .optional(),
];
/// MSETEX's
pub(super) const MSETEX: &[Arg] = &[
    Arg::new("numkeys", ArgKind::Integer),
    PAIRS_ARG,
    Arg::one_of("condition", const { &[Arg::token("nx", "NX"), Arg::token("xx", "XX")] })
        .optional(),
    Arg::one_of(
        "expiration",
        const {
            &[
                Arg::new("seconds", ArgKind::Integer).with_token("EX"),
                Arg::new("milliseconds", ArgKind::Integer).with_token("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).with_token("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).with_token("PXAT"),
                Arg::token("keepttl", "KEEPTTL"),
            ]
        },
    )
    .optional(),
];
