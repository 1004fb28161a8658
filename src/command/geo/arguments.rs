//! The arguments of geo commands as `COMMAND DOCS` describes them.

use super::super::spec::{Arg, ArgKind};

/// GEOADD
pub(super) const GEOADD: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::one_of("condition", const { &[Arg::token("nx", "NX"), Arg::token("xx", "XX")] })
        .since("6.2.0")
        .optional(),
    Arg::token("change", "CH").since("6.2.0").optional(),
    Arg::block(
        "data",
        const {
            &[
                Arg::new("longitude", ArgKind::Double),
                Arg::new("latitude", ArgKind::Double),
                Arg::new("member", ArgKind::String),
            ]
        },
    )
    .multiple(),
];
/// GEOPOS, GEOHASH
pub(super) const GEOPOS: &[Arg] =
    &[Arg::new("key", ArgKind::Key(0)), Arg::new("member", ArgKind::String).optional().multiple()];
/// GEODIST
pub(super) const GEODIST: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("member1", ArgKind::String),
    Arg::new("member2", ArgKind::String),
    Arg::one_of(
        "unit",
        const {
            &[
                Arg::token("m", "M"),
                Arg::token("km", "KM"),
                Arg::token("ft", "FT"),
                Arg::token("mi", "MI"),
            ]
        },
    )
    .optional(),
];
/// GEOSEARCH
pub(super) const GEOSEARCH: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::one_of(
        "from",
        const {
            &[
                Arg::new("member", ArgKind::String).with_token("FROMMEMBER"),
                Arg::block(
                    "fromlonlat",
                    const {
                        &[
                            Arg::new("longitude", ArgKind::Double),
                            Arg::new("latitude", ArgKind::Double),
                        ]
                    },
                )
                .with_token("FROMLONLAT"),
            ]
        },
    )
    .optional(),
    Arg::one_of(
        "by",
        const {
            &[
                Arg::block(
                    "circle",
                    const {
                        &[
                            Arg::new("radius", ArgKind::Double).with_token("BYRADIUS"),
                            Arg::one_of(
                                "unit",
                                const {
                                    &[
                                        Arg::token("m", "M"),
                                        Arg::token("km", "KM"),
                                        Arg::token("ft", "FT"),
                                        Arg::token("mi", "MI"),
                                    ]
                                },
                            ),
                        ]
                    },
                ),
                Arg::block(
                    "box",
                    const {
                        &[
                            Arg::new("width", ArgKind::Double).with_token("BYBOX"),
                            Arg::new("height", ArgKind::Double),
                            Arg::one_of(
                                "unit",
                                const {
                                    &[
                                        Arg::token("m", "M"),
                                        Arg::token("km", "KM"),
                                        Arg::token("ft", "FT"),
                                        Arg::token("mi", "MI"),
                                    ]
                                },
                            ),
                        ]
                    },
                ),
                Arg::block(
                    "polygon",
                    const {
                        &[
                            Arg::new("num-vertices", ArgKind::Integer).with_token("BYPOLYGON"),
                            Arg::block(
                                "vertices",
                                const {
                                    &[
                                        Arg::new("longitude", ArgKind::Double),
                                        Arg::new("latitude", ArgKind::Double),
                                    ]
                                },
                            )
                            .multiple(),
                        ]
                    },
                )
                .since("9.0.0"),
            ]
        },
    ),
    Arg::one_of("order", const { &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")] })
        .optional(),
    Arg::block(
        "count-block",
        const {
            &[
                Arg::new("count", ArgKind::Integer).with_token("COUNT"),
                Arg::token("any", "ANY").optional(),
            ]
        },
    )
    .optional(),
    Arg::token("withcoord", "WITHCOORD").optional(),
    Arg::token("withdist", "WITHDIST").optional(),
    Arg::token("withhash", "WITHHASH").optional(),
];
/// GEOSEARCHSTORE
pub(super) const GEOSEARCHSTORE: &[Arg] = &[
    Arg::new("destination", ArgKind::Key(0)),
    Arg::new("source", ArgKind::Key(1)),
    Arg::one_of(
        "from",
        const {
            &[
                Arg::new("member", ArgKind::String).with_token("FROMMEMBER"),
                Arg::block(
                    "fromlonlat",
                    const {
                        &[
                            Arg::new("longitude", ArgKind::Double),
                            Arg::new("latitude", ArgKind::Double),
                        ]
                    },
                )
                .with_token("FROMLONLAT"),
            ]
        },
    )
    .optional(),
    Arg::one_of(
        "by",
        const {
            &[
                Arg::block(
                    "circle",
                    const {
                        &[
                            Arg::new("radius", ArgKind::Double).with_token("BYRADIUS"),
                            Arg::one_of(
                                "unit",
                                const {
                                    &[
                                        Arg::token("m", "M"),
                                        Arg::token("km", "KM"),
                                        Arg::token("ft", "FT"),
                                        Arg::token("mi", "MI"),
                                    ]
                                },
                            ),
                        ]
                    },
                ),
                Arg::block(
                    "box",
                    const {
                        &[
                            Arg::new("width", ArgKind::Double).with_token("BYBOX"),
                            Arg::new("height", ArgKind::Double),
                            Arg::one_of(
                                "unit",
                                const {
                                    &[
                                        Arg::token("m", "M"),
                                        Arg::token("km", "KM"),
                                        Arg::token("ft", "FT"),
                                        Arg::token("mi", "MI"),
                                    ]
                                },
                            ),
                        ]
                    },
                ),
                Arg::block(
                    "polygon",
                    const {
                        &[
                            Arg::new("num-vertices", ArgKind::Integer).with_token("BYPOLYGON"),
                            Arg::block(
                                "vertices",
                                const {
                                    &[
                                        Arg::new("longitude", ArgKind::Double),
                                        Arg::new("latitude", ArgKind::Double),
                                    ]
                                },
                            )
                            .multiple(),
                        ]
                    },
                )
                .since("9.0.0"),
            ]
        },
    ),
    Arg::one_of("order", const { &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")] })
        .optional(),
    Arg::block(
        "count-block",
        const {
            &[
                Arg::new("count", ArgKind::Integer).with_token("COUNT"),
                Arg::token("any", "ANY").optional(),
            ]
        },
    )
    .optional(),
    Arg::token("storedist", "STOREDIST").optional(),
];
/// GEORADIUS
pub(super) const GEORADIUS: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("longitude", ArgKind::Double),
    Arg::new("latitude", ArgKind::Double),
    Arg::new("radius", ArgKind::Double),
    Arg::one_of(
        "unit",
        const {
            &[
                Arg::token("m", "M"),
                Arg::token("km", "KM"),
                Arg::token("ft", "FT"),
                Arg::token("mi", "MI"),
            ]
        },
    ),
    Arg::token("withcoord", "WITHCOORD").optional(),
    Arg::token("withdist", "WITHDIST").optional(),
    Arg::token("withhash", "WITHHASH").optional(),
    Arg::block(
        "count-block",
        const {
            &[
                Arg::new("count", ArgKind::Integer).with_token("COUNT"),
                Arg::token("any", "ANY").since("6.2.0").optional(),
            ]
        },
    )
    .optional(),
    Arg::one_of("order", const { &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")] })
        .optional(),
    Arg::one_of(
        "store",
        const {
            &[
                Arg::new("storekey", ArgKind::Key(1)).with_token("STORE").display("key"),
                Arg::new("storedistkey", ArgKind::Key(2)).with_token("STOREDIST").display("key"),
            ]
        },
    )
    .optional(),
];
/// GEORADIUS_RO
pub(super) const GEORADIUS_RO: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("longitude", ArgKind::Double),
    Arg::new("latitude", ArgKind::Double),
    Arg::new("radius", ArgKind::Double),
    Arg::one_of(
        "unit",
        const {
            &[
                Arg::token("m", "M"),
                Arg::token("km", "KM"),
                Arg::token("ft", "FT"),
                Arg::token("mi", "MI"),
            ]
        },
    ),
    Arg::token("withcoord", "WITHCOORD").optional(),
    Arg::token("withdist", "WITHDIST").optional(),
    Arg::token("withhash", "WITHHASH").optional(),
    Arg::block(
        "count-block",
        const {
            &[
                Arg::new("count", ArgKind::Integer).with_token("COUNT"),
                Arg::token("any", "ANY").since("6.2.0").optional(),
            ]
        },
    )
    .optional(),
    Arg::one_of("order", const { &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")] })
        .optional(),
];
/// GEORADIUSBYMEMBER
pub(super) const GEORADIUSBYMEMBER: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("member", ArgKind::String),
    Arg::new("radius", ArgKind::Double),
    Arg::one_of(
        "unit",
        const {
            &[
                Arg::token("m", "M"),
                Arg::token("km", "KM"),
                Arg::token("ft", "FT"),
                Arg::token("mi", "MI"),
            ]
        },
    ),
    Arg::token("withcoord", "WITHCOORD").optional(),
    Arg::token("withdist", "WITHDIST").optional(),
    Arg::token("withhash", "WITHHASH").optional(),
    Arg::block(
        "count-block",
        const {
            &[
                Arg::new("count", ArgKind::Integer).with_token("COUNT"),
                Arg::token("any", "ANY").optional(),
            ]
        },
    )
    .optional(),
    Arg::one_of("order", const { &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")] })
        .optional(),
    Arg::one_of(
        "store",
        const {
            &[
                Arg::new("storekey", ArgKind::Key(1)).with_token("STORE").display("key"),
                Arg::new("storedistkey", ArgKind::Key(2)).with_token("STOREDIST").display("key"),
            ]
        },
    )
    .optional(),
];
/// GEORADIUSBYMEMBER_RO
pub(super) const GEORADIUSBYMEMBER_RO: &[Arg] = &[
    Arg::new("key", ArgKind::Key(0)),
    Arg::new("member", ArgKind::String),
    Arg::new("radius", ArgKind::Double),
    Arg::one_of(
        "unit",
        const {
            &[
                Arg::token("m", "M"),
                Arg::token("km", "KM"),
                Arg::token("ft", "FT"),
                Arg::token("mi", "MI"),
            ]
        },
    ),
    Arg::token("withcoord", "WITHCOORD").optional(),
    Arg::token("withdist", "WITHDIST").optional(),
    Arg::token("withhash", "WITHHASH").optional(),
    Arg::block(
        "count-block",
        const {
            &[
                Arg::new("count", ArgKind::Integer).with_token("COUNT"),
                Arg::token("any", "ANY").optional(),
            ]
        },
    )
    .optional(),
    Arg::one_of("order", const { &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")] })
        .optional(),
];
