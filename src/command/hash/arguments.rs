//! The arguments of hash commands as `COMMAND DOCS` describes them.

use super::super::spec::{Arg, ArgKind};

const KEY_ARG: Arg = Arg::new("key", ArgKind::Key(0));
const FIELD_ARG: Arg = Arg::new("field", ArgKind::String);
const VALUE_ARG: Arg = Arg::new("value", ArgKind::String);
const PAIR: &[Arg] = &[FIELD_ARG, VALUE_ARG];
const NUMFIELDS: Arg = Arg::new("numfields", ArgKind::Integer);
const FIELDS_ARG: Arg =
    Arg::block("fields", const { &[NUMFIELDS, FIELD_ARG.multiple()] }).with_token("FIELDS");
const CONDITIONS: &[Arg] = &[
    Arg::token("nx", "NX"),
    Arg::token("xx", "XX"),
    Arg::token("gt", "GT"),
    Arg::token("lt", "LT"),
];
const CONDITION: Arg = Arg::one_of("condition", CONDITIONS).optional();
const SECONDS: Arg = Arg::new("seconds", ArgKind::Integer);
const MILLISECONDS: Arg = Arg::new("milliseconds", ArgKind::Integer);
const TIMES: [Arg; 4] = [
    SECONDS.with_token("EX"),
    MILLISECONDS.with_token("PX"),
    Arg::new("unix-time-seconds", ArgKind::UnixTime).with_token("EXAT"),
    Arg::new("unix-time-milliseconds", ArgKind::UnixTime).with_token("PXAT"),
];

/// `key`
pub(super) const KEY: &[Arg] = &[KEY_ARG];
/// `key field`
pub(super) const FIELD: &[Arg] = &[KEY_ARG, FIELD_ARG];
/// `key field …`
pub(super) const SOME_FIELDS: &[Arg] = &[KEY_ARG, FIELD_ARG.multiple()];
/// `key field value`
pub(super) const FIELD_VALUE: &[Arg] = &[KEY_ARG, FIELD_ARG, VALUE_ARG];
/// `key field value …`
pub(super) const PAIRS: &[Arg] = &[KEY_ARG, Arg::block("data", PAIR).multiple()];
/// `key field increment`
pub(super) const INCREMENT: &[Arg] = &[KEY_ARG, FIELD_ARG, Arg::new("increment", ArgKind::Integer)];
/// `key field increment`, a float
pub(super) const FLOAT_INCREMENT: &[Arg] =
    &[KEY_ARG, FIELD_ARG, Arg::new("increment", ArgKind::Double)];
/// `key FIELDS numfields field …`
pub(super) const FIELDS: &[Arg] = &[KEY_ARG, FIELDS_ARG];
/// HRANDFIELD's
pub(super) const RANDOM: &[Arg] = &[
    KEY_ARG,
    Arg::block(
        "options",
        const {
            &[
                Arg::new("count", ArgKind::Integer),
                Arg::token("withvalues", "WITHVALUES").optional(),
            ]
        },
    )
    .optional(),
];
/// HSCAN's
pub(super) const SCAN: &[Arg] = &[
    KEY_ARG,
    Arg::new("cursor", ArgKind::Integer),
    Arg::new("pattern", ArgKind::Pattern).with_token("MATCH").optional(),
    Arg::new("count", ArgKind::Integer).with_token("COUNT").optional(),
    Arg::token("novalues", "NOVALUES").optional(),
];
/// HEXPIRE's
pub(super) const EXPIRE: &[Arg] = &[KEY_ARG, SECONDS, CONDITION, FIELDS_ARG];
/// HPEXPIRE's
pub(super) const PEXPIRE: &[Arg] = &[KEY_ARG, MILLISECONDS, CONDITION.since("9.0.0"), FIELDS_ARG];
/// HEXPIREAT's
pub(super) const EXPIREAT: &[Arg] = &[
    KEY_ARG,
    Arg::new("unix-time-seconds", ArgKind::Integer),
    CONDITION.since("9.0.0"),
    FIELDS_ARG,
];
/// HPEXPIREAT's
pub(super) const PEXPIREAT: &[Arg] = &[
    KEY_ARG,
    Arg::new("unix-time-milliseconds", ArgKind::Integer),
    CONDITION.since("9.0.0"),
    FIELDS_ARG,
];
/// HGETEX's
pub(super) const GETEX: &[Arg] = &[
    KEY_ARG,
    Arg::one_of(
        "expiration",
        const { &[TIMES[0], TIMES[1], TIMES[2], TIMES[3], Arg::token("persist", "PERSIST")] },
    )
    .optional(),
    FIELDS_ARG,
];
/// HSETEX's
pub(super) const SETEX: &[Arg] = &[
    KEY_ARG,
    Arg::one_of("key-condition", const { &[Arg::token("nx", "NX"), Arg::token("xx", "XX")] })
        .optional(),
    Arg::one_of(
        "fields-condition",
        const { &[Arg::token("fnx", "FNX"), Arg::token("fxx", "FXX")] },
    )
    .optional(),
    Arg::one_of(
        "expiration",
        const { &[TIMES[0], TIMES[1], TIMES[2], TIMES[3], Arg::token("keepttl", "KEEPTTL")] },
    )
    .optional(),
    Arg::block("fields", const { &[NUMFIELDS, Arg::block("data", PAIR).multiple()] })
        .with_token("FIELDS"),
];
