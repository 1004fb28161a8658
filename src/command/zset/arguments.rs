//! The arguments of sorted-set commands as `COMMAND DOCS` describes them.

use super::super::spec::{Arg, ArgKind};

const KEY: Arg = Arg::new("key", ArgKind::Key(0));
const MEMBER: Arg = Arg::new("member", ArgKind::String);
const NUMKEYS: Arg = Arg::new("numkeys", ArgKind::Integer);
const DESTINATION: Arg = Arg::new("destination", ArgKind::Key(0));
/// The keys behind a destination.
const SOURCES: Arg = Arg::new("key", ArgKind::Key(1)).multiple();
const TIMEOUT: Arg = Arg::new("timeout", ArgKind::Double);
const COUNT: Arg = Arg::new("count", ArgKind::Integer);
const START: Arg = Arg::new("start", ArgKind::Integer);
const STOP: Arg = Arg::new("stop", ArgKind::Integer);
const MIN_SCORE: Arg = Arg::new("min", ArgKind::Double);
const MAX_SCORE: Arg = Arg::new("max", ArgKind::Double);
const MIN_TEXT: Arg = Arg::new("min", ArgKind::String);
const MAX_TEXT: Arg = Arg::new("max", ArgKind::String);
const WITH_SCORES: Arg = Arg::token("withscores", "WITHSCORES").optional();
const LIMIT: Arg = Arg::block("limit", LIMITS).with_token("LIMIT").optional();
const LIMITS: &[Arg] = &[Arg::new("offset", ArgKind::Integer), COUNT];
const SORT_BY: Arg = Arg::one_of("sortby", SORTS).optional();
const SORTS: &[Arg] = &[Arg::token("byscore", "BYSCORE"), Arg::token("bylex", "BYLEX")];
const REVERSE: Arg = Arg::token("rev", "REV").optional();
const WHERE: Arg = Arg::one_of("where", ENDS);
const ENDS: &[Arg] = &[Arg::token("min", "MIN"), Arg::token("max", "MAX")];
const WEIGHTS: Arg =
    Arg::new("weight", ArgKind::Integer).with_token("WEIGHTS").optional().multiple();
const AGGREGATE: Arg = Arg::one_of("aggregate", AGGREGATES).with_token("AGGREGATE").optional();
const AGGREGATES: &[Arg] =
    &[Arg::token("sum", "SUM"), Arg::token("min", "MIN"), Arg::token("max", "MAX")];

/// ZADD
pub(super) const ZADD: &[Arg] = &[
    KEY,
    Arg::one_of("condition", const { &[Arg::token("nx", "NX"), Arg::token("xx", "XX")] })
        .since("3.0.2")
        .optional(),
    Arg::one_of("comparison", const { &[Arg::token("gt", "GT"), Arg::token("lt", "LT")] })
        .since("6.2.0")
        .optional(),
    Arg::token("change", "CH").since("3.0.2").optional(),
    Arg::token("increment", "INCR").since("3.0.2").optional(),
    Arg::block("data", const { &[Arg::new("score", ArgKind::Double), MEMBER] }).multiple(),
];
/// ZINCRBY
pub(super) const ZINCRBY: &[Arg] = &[KEY, Arg::new("increment", ArgKind::Integer), MEMBER];
/// ZREM, ZMSCORE
pub(super) const ZREM: &[Arg] = &[KEY, MEMBER.multiple()];
/// ZCARD
pub(super) const ZCARD: &[Arg] = &[KEY];
/// ZSCORE
pub(super) const ZSCORE: &[Arg] = &[KEY, MEMBER];
/// ZRANK, ZREVRANK
pub(super) const ZRANK: &[Arg] = &[KEY, MEMBER, Arg::token("withscore", "WITHSCORE").optional()];
/// ZCOUNT, ZREMRANGEBYSCORE
pub(super) const ZCOUNT: &[Arg] = &[KEY, MIN_SCORE, MAX_SCORE];
/// ZLEXCOUNT, ZREMRANGEBYLEX
pub(super) const ZLEXCOUNT: &[Arg] = &[KEY, MIN_TEXT, MAX_TEXT];
/// ZRANGE
pub(super) const ZRANGE: &[Arg] = &[
    KEY,
    Arg::new("start", ArgKind::String),
    Arg::new("stop", ArgKind::String),
    SORT_BY.since("6.2.0"),
    REVERSE.since("6.2.0"),
    LIMIT.since("6.2.0"),
    WITH_SCORES,
];
/// ZREVRANGE
pub(super) const ZREVRANGE: &[Arg] = &[KEY, START, STOP, WITH_SCORES];
/// ZRANGEBYSCORE
pub(super) const ZRANGEBYSCORE: &[Arg] =
    &[KEY, MIN_SCORE, MAX_SCORE, WITH_SCORES.since("2.0.0"), LIMIT];
/// ZREVRANGEBYSCORE
pub(super) const ZREVRANGEBYSCORE: &[Arg] = &[KEY, MAX_SCORE, MIN_SCORE, WITH_SCORES, LIMIT];
/// ZRANGEBYLEX
pub(super) const ZRANGEBYLEX: &[Arg] = &[KEY, MIN_TEXT, MAX_TEXT, LIMIT];
/// ZREVRANGEBYLEX
pub(super) const ZREVRANGEBYLEX: &[Arg] = &[KEY, MAX_TEXT, MIN_TEXT, LIMIT];
/// ZRANGESTORE
pub(super) const ZRANGESTORE: &[Arg] = &[
    Arg::new("dst", ArgKind::Key(0)),
    Arg::new("src", ArgKind::Key(1)),
    MIN_TEXT,
    MAX_TEXT,
    SORT_BY,
    REVERSE,
    LIMIT,
];
/// ZREMRANGEBYRANK
pub(super) const ZREMRANGEBYRANK: &[Arg] = &[KEY, START, STOP];
/// ZPOPMIN, ZPOPMAX
pub(super) const ZPOPMIN: &[Arg] = &[KEY, COUNT.optional()];
/// ZMPOP
pub(super) const ZMPOP: &[Arg] =
    &[NUMKEYS, KEY.multiple(), WHERE, COUNT.with_token("COUNT").optional()];
/// BZPOPMIN, BZPOPMAX
pub(super) const BZPOPMIN: &[Arg] = &[KEY.multiple(), TIMEOUT];
/// BZMPOP
pub(super) const BZMPOP: &[Arg] =
    &[TIMEOUT, NUMKEYS, KEY.multiple(), WHERE, COUNT.with_token("COUNT").optional()];
/// ZRANDMEMBER
pub(super) const ZRANDMEMBER: &[Arg] =
    &[KEY, Arg::block("options", &[COUNT, WITH_SCORES]).optional()];
/// ZUNION, ZINTER
pub(super) const ZUNION: &[Arg] = &[NUMKEYS, KEY.multiple(), WEIGHTS, AGGREGATE, WITH_SCORES];
/// ZDIFF
pub(super) const ZDIFF: &[Arg] = &[NUMKEYS, KEY.multiple(), WITH_SCORES];
/// ZUNIONSTORE, ZINTERSTORE
pub(super) const ZUNIONSTORE: &[Arg] = &[DESTINATION, NUMKEYS, SOURCES, WEIGHTS, AGGREGATE];
/// ZDIFFSTORE
pub(super) const ZDIFFSTORE: &[Arg] = &[DESTINATION, NUMKEYS, SOURCES];
/// ZINTERCARD
pub(super) const ZINTERCARD: &[Arg] =
    &[NUMKEYS, KEY.multiple(), Arg::new("limit", ArgKind::Integer).with_token("LIMIT").optional()];
/// ZSCAN
pub(super) const ZSCAN: &[Arg] = &[
    KEY,
    Arg::new("cursor", ArgKind::Integer),
    Arg::new("pattern", ArgKind::Pattern).with_token("MATCH").optional(),
    COUNT.with_token("COUNT").optional(),
    Arg::token("noscores", "NOSCORES").optional(),
];
