//! The arguments of sorted-set commands as `COMMAND DOCS` describes them.

use super::super::spec::{Arg, ArgKind};

/// ZADD
pub(super) const ZADD: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::one_of("condition", const { &[Arg::token("nx", "NX"), Arg::token("xx", "XX")] })
        .since("3.0.2")
        .optional(),
    Arg::one_of("comparison", const { &[Arg::token("gt", "GT"), Arg::token("lt", "LT")] })
        .since("6.2.0")
        .optional(),
    Arg::token("change", "CH").since("3.0.2").optional(),
    Arg::token("increment", "INCR").since("3.0.2").optional(),
    Arg::block(
        "data",
        const { &[Arg::new("score", ArgKind::Double), Arg::new("member", ArgKind::String)] },
    )
    .multiple(),
];
/// ZINCRBY
pub(super) const ZINCRBY: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("increment", ArgKind::Integer),
    Arg::new("member", ArgKind::String),
];
/// ZREM, ZMSCORE
pub(super) const ZREM: &[Arg] =
    &[Arg::new("key", ArgKind::Key(0)), Arg::new("member", ArgKind::String).multiple()];
/// ZCARD
pub(super) const ZCARD: &[Arg] = &[Arg::new("key", ArgKind::Key(0))];
/// ZSCORE
pub(super) const ZSCORE: &[Arg] =
    &[Arg::new("key", ArgKind::Key(0)), Arg::new("member", ArgKind::String)];
/// ZRANK, ZREVRANK
pub(super) const ZRANK: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("member", ArgKind::String),
    Arg::token("withscore", "WITHSCORE").optional(),
];
/// ZCOUNT, ZREMRANGEBYSCORE
pub(super) const ZCOUNT: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("min", ArgKind::Double),
    Arg::new("max", ArgKind::Double),
];
/// ZLEXCOUNT, ZREMRANGEBYLEX
pub(super) const ZLEXCOUNT: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("min", ArgKind::String),
    Arg::new("max", ArgKind::String),
];
/// ZRANGE
pub(super) const ZRANGE: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("start", ArgKind::String),
    Arg::new("stop", ArgKind::String),
    Arg::one_of(
        "sortby",
        const { &[Arg::token("byscore", "BYSCORE"), Arg::token("bylex", "BYLEX")] },
    )
    .since("6.2.0")
    .optional(),
    Arg::token("rev", "REV").since("6.2.0").optional(),
    Arg::block(
        "limit",
        const { &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)] },
    )
    .with_token("LIMIT")
    .since("6.2.0")
    .optional(),
    Arg::token("withscores", "WITHSCORES").optional(),
];
/// ZREVRANGE
pub(super) const ZREVRANGE: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("start", ArgKind::Integer),
    Arg::new("stop", ArgKind::Integer),
    Arg::token("withscores", "WITHSCORES").optional(),
];
/// ZRANGEBYSCORE
pub(super) const ZRANGEBYSCORE: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("min", ArgKind::Double),
    Arg::new("max", ArgKind::Double),
    Arg::token("withscores", "WITHSCORES").since("2.0.0").optional(),
    Arg::block(
        "limit",
        const { &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)] },
    )
    .with_token("LIMIT")
    .optional(),
];
/// ZREVRANGEBYSCORE
pub(super) const ZREVRANGEBYSCORE: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("max", ArgKind::Double),
    Arg::new("min", ArgKind::Double),
    Arg::token("withscores", "WITHSCORES").optional(),
    Arg::block(
        "limit",
        const { &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)] },
    )
    .with_token("LIMIT")
    .optional(),
];
/// ZRANGEBYLEX
pub(super) const ZRANGEBYLEX: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("min", ArgKind::String),
    Arg::new("max", ArgKind::String),
    Arg::block(
        "limit",
        const { &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)] },
    )
    .with_token("LIMIT")
    .optional(),
];
/// ZREVRANGEBYLEX
pub(super) const ZREVRANGEBYLEX: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("max", ArgKind::String),
    Arg::new("min", ArgKind::String),
    Arg::block(
        "limit",
        const { &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)] },
    )
    .with_token("LIMIT")
    .optional(),
];
/// ZRANGESTORE
pub(super) const ZRANGESTORE: &[Arg] = &[
    Arg::new("dst", ArgKind::Key(0)),
    Arg::new("src", ArgKind::Key(1)),
    Arg::new("min", ArgKind::String),
    Arg::new("max", ArgKind::String),
    Arg::one_of(
        "sortby",
        const { &[Arg::token("byscore", "BYSCORE"), Arg::token("bylex", "BYLEX")] },
    )
    .optional(),
    Arg::token("rev", "REV").optional(),
    Arg::block(
        "limit",
        const { &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)] },
    )
    .with_token("LIMIT")
    .optional(),
];
/// ZREMRANGEBYRANK
pub(super) const ZREMRANGEBYRANK: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("start", ArgKind::Integer),
    Arg::new("stop", ArgKind::Integer),
];
/// ZPOPMIN, ZPOPMAX
pub(super) const ZPOPMIN: &[Arg] =
    &[Arg::new("key", ArgKind::Key(0)), Arg::new("count", ArgKind::Integer).optional()];
/// ZMPOP
pub(super) const ZMPOP: &[Arg] = &[
    Arg::new("numkeys", ArgKind::Integer),
    Arg::new("key", ArgKind::Key(0)).multiple(),
    Arg::one_of("where", const { &[Arg::token("min", "MIN"), Arg::token("max", "MAX")] }),
    Arg::new("count", ArgKind::Integer).with_token("COUNT").optional(),
];
/// BZPOPMIN, BZPOPMAX
pub(super) const BZPOPMIN: &[Arg] =
    &[Arg::new("key", ArgKind::Key(0)).multiple(), Arg::new("timeout", ArgKind::Double)];
/// BZMPOP
pub(super) const BZMPOP: &[Arg] = &[
    Arg::new("timeout", ArgKind::Double),
    Arg::new("numkeys", ArgKind::Integer),
    Arg::new("key", ArgKind::Key(0)).multiple(),
    Arg::one_of("where", const { &[Arg::token("min", "MIN"), Arg::token("max", "MAX")] }),
    Arg::new("count", ArgKind::Integer).with_token("COUNT").optional(),
];
/// ZRANDMEMBER
pub(super) const ZRANDMEMBER: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::block(
        "options",
        const {
            &[
                Arg::new("count", ArgKind::Integer),
                Arg::token("withscores", "WITHSCORES").optional(),
            ]
        },
    )
    .optional(),
];
/// ZUNION, ZINTER
pub(super) const ZUNION: &[Arg] = &[
    Arg::new("numkeys", ArgKind::Integer),
    Arg::new("key", ArgKind::Key(0)).multiple(),
    Arg::new("weight", ArgKind::Integer).with_token("WEIGHTS").optional().multiple(),
    Arg::one_of(
        "aggregate",
        const { &[Arg::token("sum", "SUM"), Arg::token("min", "MIN"), Arg::token("max", "MAX")] },
    )
    .with_token("AGGREGATE")
    .optional(),
    Arg::token("withscores", "WITHSCORES").optional(),
];
/// ZDIFF
pub(super) const ZDIFF: &[Arg] = &[
    Arg::new("numkeys", ArgKind::Integer),
    Arg::new("key", ArgKind::Key(0)).multiple(),
    Arg::token("withscores", "WITHSCORES").optional(),
];
/// ZUNIONSTORE, ZINTERSTORE
pub(super) const ZUNIONSTORE: &[Arg] = &[
    Arg::new("destination", ArgKind::Key(0)),
    Arg::new("numkeys", ArgKind::Integer),
    Arg::new("key", ArgKind::Key(1)).multiple(),
    Arg::new("weight", ArgKind::Integer).with_token("WEIGHTS").optional().multiple(),
    Arg::one_of(
        "aggregate",
        const { &[Arg::token("sum", "SUM"), Arg::token("min", "MIN"), Arg::token("max", "MAX")] },
    )
    .with_token("AGGREGATE")
    .optional(),
];
/// ZDIFFSTORE
pub(super) const ZDIFFSTORE: &[Arg] = &[
    Arg::new("destination", ArgKind::Key(0)),
    Arg::new("numkeys", ArgKind::Integer),
    Arg::new("key", ArgKind::Key(1)).multiple(),
];
/// ZINTERCARD
pub(super) const ZINTERCARD: &[Arg] = &[
    Arg::new("numkeys", ArgKind::Integer),
    Arg::new("key", ArgKind::Key(0)).multiple(),
    Arg::new("limit", ArgKind::Integer).with_token("LIMIT").optional(),
];
/// ZSCAN
pub(super) const ZSCAN: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("cursor", ArgKind::Integer),
    Arg::new("pattern", ArgKind::Pattern).with_token("MATCH").optional(),
    Arg::new("count", ArgKind::Integer).with_token("COUNT").optional(),
    Arg::token("noscores", "NOSCORES").optional(),
];
