//! Commands of the connection itself: PING, ECHO, HELLO, AUTH, SELECT, QUIT, RESET.
//!
//! There is one user, `default`; its password is the directive `requirepass`. Passwords are
//! compared in a time that depends on their lengths alone, and neither logged nor kept.

use std::sync::atomic::Ordering;

use super::client::set_name;
use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group, Steering};
use super::{After, Args, CommandError, CommandResult, SessionContext, parse_integer};
use crate::keyspace::DbIndex;
use crate::resp::{Proto, Writer};

/// The Redis version whose behaviour clients may count on: what HELLO and INFO tell those that
/// switch features by it.
pub const REDIS_VERSION: &str = "7.2.4";

/// The one user.
pub const DEFAULT_USER: &[u8] = b"default";

fn ping(_cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    match args.len() {
        1 => out.simple("PONG"),
        2 => out.bulk(&args[1]),
        _ => return Err(super::error::wrong_arity("ping")),
    }
    Ok(())
}

fn echo(_cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.bulk(&args[1]);
    Ok(())
}

fn quit(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    cx.after = After::Close;
    out.ok();
    Ok(())
}

/// SELECT index
fn select(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let index = i32::try_from(args.integer(1)?).map_err(|_| {
        CommandError::fixed(
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        )
    })?;
    let known = u16::try_from(index).ok().filter(|&index| u32::from(index) < cx.config.databases);
    cx.session.select(DbIndex(known.ok_or(CommandError::DB_INDEX_OUT_OF_RANGE)?));
    out.ok();
    Ok(())
}

/// AUTH [username] password
fn auth(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (user, password) = match args.len() {
        2 if cx.config.requirepass.is_none() => {
            return Err(CommandError::fixed(
                "ERR AUTH <password> called without any password configured for the default \
                 user. Are you sure your configuration is correct?",
            ));
        }
        2 => (DEFAULT_USER, &args[1]),
        3 => (&args[1], &args[2]),
        _ => return Err(CommandError::SYNTAX),
    };
    log_in(cx, user, password)?;
    out.ok();
    Ok(())
}

/// Logs the connection in, or counts the failure.
fn log_in(cx: &mut SessionContext<'_>, user: &[u8], password: &[u8]) -> CommandResult {
    let fits = match &cx.config.requirepass {
        None => true,
        Some(required) => is_same_secret(required, password),
    };
    if user == DEFAULT_USER && fits {
        cx.session.authenticated = true;
        return Ok(());
    }
    cx.server.counters.auth_failures.fetch_add(1, Ordering::Relaxed);
    Err(CommandError::WRONG_PASS)
}

/// Compares in a time that depends on the lengths alone, whatever the bytes.
fn is_same_secret(known: &[u8], given: &[u8]) -> bool {
    let mut difference = known.len() ^ given.len();
    for (at, &byte) in given.iter().enumerate() {
        let other = known.get(at % known.len().max(1)).copied().unwrap_or(0);
        difference |= usize::from(std::hint::black_box(byte ^ other));
    }
    std::hint::black_box(difference) == 0
}

/// HELLO [protover [AUTH username password] [SETNAME clientname]]
fn hello(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let proto = match args.get(1).map(parse_integer) {
        None => cx.session.proto,
        Some(Some(2)) => Proto::Resp2,
        Some(Some(3)) => Proto::Resp3,
        Some(Some(_)) => {
            return Err(CommandError::fixed("NOPROTO unsupported protocol version"));
        }
        Some(None) => {
            let text = "ERR Protocol version is not an integer or out of range";
            return Err(CommandError::fixed(text));
        }
    };
    let (mut credentials, mut name) = (None, None);
    let mut at = 2;
    while at < args.len() {
        if args.is(at, "AUTH") && at + 2 < args.len() {
            credentials = Some((&args[at + 1], &args[at + 2]));
            at += 3;
        } else if args.is(at, "SETNAME") && at + 1 < args.len() {
            name = Some(&args[at + 1]);
            at += 2;
        } else {
            let text = [b"ERR Syntax error in HELLO option '", &args[at], b"'"].concat();
            return Err(CommandError::made(text));
        }
    }
    if let Some(name) = name {
        super::client::check_name(name)?;
    }
    if let Some((user, password)) = credentials {
        log_in(cx, user, password)?;
    }
    if !cx.session.authenticated && cx.config.requirepass.is_some() {
        return Err(CommandError::fixed(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        set_name(cx.session, name);
    }
    cx.session.set_proto(proto);
    describe(cx, &mut Writer::new(out.buf(), proto));
    Ok(())
}

/// What HELLO says of the server and the connection.
fn describe(cx: &SessionContext<'_>, out: &mut Writer<'_>) {
    let zone = &cx.config.availability_zone;
    let compatible = cx.config.extended_redis_compatibility;
    out.map(7 + usize::from(!zone.is_empty()));
    out.bulk(b"server");
    out.bulk(if compatible { b"redis" } else { b"baton" });
    out.bulk(b"version");
    out.bulk(REDIS_VERSION.as_bytes());
    out.bulk(b"proto");
    out.int(if cx.session.proto == Proto::Resp3 { 3 } else { 2 });
    out.bulk(b"id");
    out.int(cx.session.id.0 as i64);
    out.bulk(b"mode");
    out.bulk(b"standalone");
    out.bulk(b"role");
    out.bulk(b"master");
    out.bulk(b"modules");
    out.array(0);
    if !zone.is_empty() {
        out.bulk(b"availability_zone");
        out.bulk(zone);
    }
}

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::session("ping", -1, ping)
        .flags(Flags::FAST)
        .categories(Categories::CONNECTION)
        .args(const { &[Arg::new("message", ArgKind::String).optional()] })
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .docs(
            Group::Connection,
            "1.0.0",
            "Checks that the server answers, and echoes an argument if \
                 there is one.",
            "O(1)",
        ),
    Command::session("echo", 2, echo)
        .flags(Flags::LOADING.and(Flags::STALE).and(Flags::FAST))
        .categories(Categories::CONNECTION)
        .args(const { &[Arg::new("message", ArgKind::String)] })
        .docs(Group::Connection, "1.0.0", "Sends the argument back.", "O(1)"),
    Command::session("hello", -1, hello)
        .flags(
            Flags::NOSCRIPT
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::FAST)
                .and(Flags::NO_AUTH)
                .and(Flags::ALLOW_BUSY),
        )
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[Arg::block(
                    "arguments",
                    const {
                        &[
                            Arg::new("protover", ArgKind::Integer),
                            Arg::block(
                                "auth",
                                const {
                                    &[
                                        Arg::new("username", ArgKind::String),
                                        Arg::new("password", ArgKind::String),
                                    ]
                                },
                            )
                            .with_token("AUTH")
                            .optional(),
                            Arg::new("clientname", ArgKind::String)
                                .with_token("SETNAME")
                                .optional(),
                        ]
                    },
                )
                .optional()]
            },
        )
        .history(&[
            ("8.1.0", "`availability_zone` in the reply where that directive is set."),
            ("6.2.0", "Without a version it describes the connection as it is."),
        ])
        .docs(
            Group::Connection,
            "6.0.0",
            "Agrees on a protocol version, and may log in and name the \
                 connection on the way.",
            "O(1)",
        ),
    Command::session("auth", -2, auth)
        .flags(
            Flags::NOSCRIPT
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::FAST)
                .and(Flags::NO_AUTH)
                .and(Flags::ALLOW_BUSY),
        )
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[
                    Arg::new("username", ArgKind::String).since("6.0.0").optional(),
                    Arg::new("password", ArgKind::String),
                ]
            },
        )
        .history(&[("6.0.0", "Takes a user name too.")])
        .docs(
            Group::Connection,
            "1.0.0",
            "Logs the connection in.",
            "O(N) in the number of passwords that the user has",
        ),
    Command::session("select", 2, select)
        .flags(Flags::LOADING.and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY))
        .categories(Categories::CONNECTION)
        .args(const { &[Arg::new("index", ArgKind::Integer)] })
        .docs(
            Group::Connection,
            "1.0.0",
            "Switches the connection to another logical database.",
            "O(1)",
        ),
    Command::session("quit", -1, quit)
        .flags(
            Flags::NOSCRIPT
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::FAST)
                .and(Flags::NO_AUTH)
                .and(Flags::ALLOW_BUSY),
        )
        .categories(Categories::CONNECTION)
        .docs(Group::Connection, "1.0.0", "Ends the connection after the reply.", "O(1)"),
    Command::steer("reset", 1, Steering::Reset)
        .flags(
            Flags::NOSCRIPT
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::FAST)
                .and(Flags::NO_AUTH)
                .and(Flags::ALLOW_BUSY),
        )
        .categories(Categories::CONNECTION)
        .docs(
            Group::Connection,
            "6.2.0",
            "Puts the connection back to the state of a new one.",
            "O(1)",
        ),
];

#[cfg(test)]
mod tests {
    use super::is_same_secret;

    #[test]
    fn secrets_are_the_same_or_not() {
        for (known, given, same) in [
            ("a", "a", true),
            ("secret", "secret", true),
            ("secret", "secreT", false),
            ("secret", "secretsecret", false),
            ("secret", "", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(is_same_secret(known.as_bytes(), given.as_bytes()), same, "{known} {given}");
        }
    }
}
