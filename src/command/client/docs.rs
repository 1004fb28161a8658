//! The arguments of `CLIENT LIST` and `CLIENT KILL` for `COMMAND DOCS`.

use crate::command::spec::{Arg, ArgKind};

/// Those of `CLIENT LIST`.
pub const LIST: &[Arg] = &[
    Arg::one_of(
        "client-type",
        const {
            &[
                Arg::token("normal", "NORMAL"),
                Arg::token("master", "MASTER"),
                Arg::token("replica", "REPLICA"),
                Arg::token("pubsub", "PUBSUB"),
            ]
        },
    )
    .with_token("TYPE")
    .since("5.0.0")
    .optional(),
    Arg::new("client-id", ArgKind::Integer).with_token("ID").since("6.2.0").optional().multiple(),
    Arg::new("username", ArgKind::String).with_token("USER").since("8.1.0").optional(),
    Arg::new("addr", ArgKind::String)
        .with_token("ADDR")
        .display("ip:port")
        .since("8.1.0")
        .optional(),
    Arg::new("laddr", ArgKind::String)
        .with_token("LADDR")
        .display("ip:port")
        .since("8.1.0")
        .optional(),
    Arg::one_of("skipme", const { &[Arg::token("yes", "YES"), Arg::token("no", "NO")] })
        .with_token("SKIPME")
        .since("8.1.0")
        .optional(),
    Arg::new("maxage", ArgKind::Integer).with_token("MAXAGE").since("8.1.0").optional(),
    Arg::new("name", ArgKind::String).with_token("NAME").since("9.0.0").optional(),
    Arg::new("idle", ArgKind::Integer).with_token("IDLE").since("9.0.0").optional(),
    Arg::new("flags", ArgKind::String).with_token("FLAGS").since("9.0.0").optional(),
    Arg::new("lib-name", ArgKind::String).with_token("LIB-NAME").since("9.0.0").optional(),
    Arg::new("lib-ver", ArgKind::String).with_token("LIB-VER").since("9.0.0").optional(),
    Arg::new("db", ArgKind::Integer).with_token("DB").since("9.0.0").optional(),
    Arg::new("capa", ArgKind::String).with_token("CAPA").since("9.0.0").optional(),
    Arg::new("ip", ArgKind::String).with_token("IP").since("9.0.0").optional(),
    Arg::one_of(
        "not-client-type",
        const {
            &[
                Arg::token("normal", "NORMAL"),
                Arg::token("master", "MASTER"),
                Arg::token("replica", "REPLICA"),
                Arg::token("pubsub", "PUBSUB"),
            ]
        },
    )
    .with_token("NOT-TYPE")
    .since("9.0.0")
    .optional(),
    Arg::new("not-client-id", ArgKind::Integer)
        .with_token("NOT-ID")
        .since("9.0.0")
        .optional()
        .multiple(),
    Arg::new("not-username", ArgKind::String).with_token("NOT-USER").since("9.0.0").optional(),
    Arg::new("not-addr", ArgKind::String)
        .with_token("NOT-ADDR")
        .display("ip:port")
        .since("9.0.0")
        .optional(),
    Arg::new("not-laddr", ArgKind::String)
        .with_token("NOT-LADDR")
        .display("ip:port")
        .since("9.0.0")
        .optional(),
    Arg::new("not-name", ArgKind::String).with_token("NOT-NAME").since("9.0.0").optional(),
    Arg::new("not-flags", ArgKind::String).with_token("NOT-FLAGS").since("9.0.0").optional(),
    Arg::new("not-lib-name", ArgKind::String).with_token("NOT-LIB-NAME").since("9.0.0").optional(),
    Arg::new("not-lib-ver", ArgKind::String).with_token("NOT-LIB-VER").since("9.0.0").optional(),
    Arg::new("not-db", ArgKind::Integer).with_token("NOT-DB").since("9.0.0").optional(),
    Arg::new("not-capa", ArgKind::String).with_token("NOT-CAPA").since("9.0.0").optional(),
    Arg::new("not-ip", ArgKind::String).with_token("NOT-IP").since("9.0.0").optional(),
];

/// Those of `CLIENT KILL`.
pub const KILL: &[Arg] = &[Arg::one_of(
    "filter",
    const {
        &[
            Arg::new("old-format", ArgKind::String).display("ip:port").deprecated_since("2.8.12"),
            Arg::one_of(
                "new-format",
                const {
                    &[
                        Arg::new("client-id", ArgKind::Integer)
                            .with_token("ID")
                            .since("2.8.12")
                            .optional()
                            .multiple(),
                        Arg::one_of(
                            "client-type",
                            const {
                                &[
                                    Arg::token("normal", "NORMAL"),
                                    Arg::token("master", "MASTER").since("3.2.0"),
                                    Arg::token("primary", "PRIMARY").since("8.0.0"),
                                    Arg::token("slave", "SLAVE"),
                                    Arg::token("replica", "REPLICA").since("5.0.0"),
                                    Arg::token("pubsub", "PUBSUB"),
                                ]
                            },
                        )
                        .with_token("TYPE")
                        .since("2.8.12")
                        .optional(),
                        Arg::new("username", ArgKind::String).with_token("USER").optional(),
                        Arg::new("addr", ArgKind::String)
                            .with_token("ADDR")
                            .display("ip:port")
                            .optional(),
                        Arg::new("laddr", ArgKind::String)
                            .with_token("LADDR")
                            .display("ip:port")
                            .since("6.2.0")
                            .optional(),
                        Arg::one_of(
                            "skipme",
                            const { &[Arg::token("yes", "YES"), Arg::token("no", "NO")] },
                        )
                        .with_token("SKIPME")
                        .optional(),
                        Arg::new("maxage", ArgKind::Integer)
                            .with_token("MAXAGE")
                            .since("8.0.0")
                            .optional(),
                        Arg::new("name", ArgKind::String)
                            .with_token("NAME")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("idle", ArgKind::Integer)
                            .with_token("IDLE")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("flags", ArgKind::String)
                            .with_token("FLAGS")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("lib-name", ArgKind::String)
                            .with_token("LIB-NAME")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("lib-ver", ArgKind::String)
                            .with_token("LIB-VER")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("db", ArgKind::Integer).with_token("DB").since("9.0.0").optional(),
                        Arg::new("capa", ArgKind::String)
                            .with_token("CAPA")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("ip", ArgKind::String).with_token("IP").since("9.0.0").optional(),
                        Arg::one_of(
                            "not-client-type",
                            const {
                                &[
                                    Arg::token("normal", "NORMAL"),
                                    Arg::token("master", "MASTER"),
                                    Arg::token("primary", "PRIMARY"),
                                    Arg::token("slave", "SLAVE"),
                                    Arg::token("replica", "REPLICA"),
                                    Arg::token("pubsub", "PUBSUB"),
                                ]
                            },
                        )
                        .with_token("NOT-TYPE")
                        .since("9.0.0")
                        .optional(),
                        Arg::new("not-client-id", ArgKind::Integer)
                            .with_token("NOT-ID")
                            .since("9.0.0")
                            .optional()
                            .multiple(),
                        Arg::new("not-username", ArgKind::String)
                            .with_token("NOT-USER")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-addr", ArgKind::String)
                            .with_token("NOT-ADDR")
                            .display("ip:port")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-laddr", ArgKind::String)
                            .with_token("NOT-LADDR")
                            .display("ip:port")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-name", ArgKind::String)
                            .with_token("NOT-NAME")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-flags", ArgKind::String)
                            .with_token("NOT-FLAGS")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-lib-name", ArgKind::String)
                            .with_token("NOT-LIB-NAME")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-lib-ver", ArgKind::String)
                            .with_token("NOT-LIB-VER")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-db", ArgKind::Integer)
                            .with_token("NOT-DB")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-capa", ArgKind::String)
                            .with_token("NOT-CAPA")
                            .since("9.0.0")
                            .optional(),
                        Arg::new("not-ip", ArgKind::String)
                            .with_token("NOT-IP")
                            .since("9.0.0")
                            .optional(),
                    ]
                },
            )
            .multiple(),
        ]
    },
)];
