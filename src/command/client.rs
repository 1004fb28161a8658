//! CLIENT: who is connected, and what may be done about it.
//!
//! Everything known of a client stands on its card (`observe`); what a connection does to itself
//! goes through its session. Nobody reaches into another connection: to end one its card is
//! marked, and its acceptor is told to look.

mod docs;
mod filter;

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use self::filter::Filter;
use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group};
use super::{
    After, Args, CommandError, CommandResult, ReplyMode, Session, SessionContext, parse_integer,
    registry,
};
use crate::keyspace::{ClientId, Unblock};
use crate::observe::{ClientCard, ClientFlags, PauseMode};
use crate::resp::Writer;

/// Whether a client may call itself, or its library, so: printable ASCII without spaces.
fn is_plain(word: &[u8]) -> bool {
    // Valkey looks at it as a C string.
    let shown = word.split(|byte| *byte == 0).next().unwrap_or_default();
    shown.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// Fails unless a connection may have this name.
pub fn check_name(name: &[u8]) -> CommandResult {
    if is_plain(name) {
        return Ok(());
    }
    let text = "ERR Client names cannot contain spaces, newlines or special characters.";
    Err(CommandError::fixed(text))
}

/// Gives the connection a name that [`check_name`] has passed; an empty one takes it away.
pub fn set_name(session: &Session, name: &[u8]) {
    session.card.set_words(|words| words.name = name.to_vec());
}

fn id(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.int(cx.session.id.0 as i64);
    Ok(())
}

fn getname(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let words = cx.session.card.words();
    if words.name.is_empty() {
        out.null()
    } else {
        out.bulk(&words.name)
    }
    Ok(())
}

/// CLIENT SETNAME name
fn setname(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    check_name(&args[2])?;
    set_name(cx.session, &args[2]);
    out.ok();
    Ok(())
}

/// CLIENT SETINFO LIB-NAME name | LIB-VER version
fn setinfo(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let is_name = args.is(2, "LIB-NAME");
    if !is_name && !args.is(2, "LIB-VER") {
        let text = [b"ERR Unrecognized option '", &args[2], b"'"].concat();
        return Err(CommandError::made(text));
    }
    let value = &args[3];
    if !is_plain(value) {
        let text = b" cannot contain spaces, newlines or special characters.";
        return Err(CommandError::made([b"ERR ", &args[2], &text[..]].concat()));
    }
    cx.session.card.set_words(|words| {
        let word = if is_name { &mut words.lib_name } else { &mut words.lib_version };
        *word = value.to_vec();
    });
    out.ok();
    Ok(())
}

/// CLIENT CAPA capability [capability …]: unknown ones are for servers to come.
fn capa(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if (2..args.len()).any(|at| args.is(at, "REDIRECT")) {
        cx.session.card.set_flag(ClientFlags::CAPA_REDIRECT, true);
    }
    out.ok();
    Ok(())
}

/// CLIENT INFO
fn info(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mut text = Vec::new();
    describe(&cx.session.card, cx.now_ms, &mut text);
    out.verbatim("txt", &text);
    Ok(())
}

/// CLIENT LIST [option value …]
fn list(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.len() == 3 {
        return Err(CommandError::SYNTAX);
    }
    let filter = Filter::parse(args, 2, cx.config.databases)?;
    let skip_me = filter.skip_me.unwrap_or(false);
    let mut text = Vec::new();
    for card in cx.server.clients.all() {
        let skipped = skip_me && card.id == cx.session.id;
        if !skipped && filter.matches(&card, cx.now_ms) {
            describe(&card, cx.now_ms, &mut text);
        }
    }
    out.verbatim("txt", &text);
    Ok(())
}

/// The letters of a client's flags, in Redis's order.
fn flag_letters(card: &ClientCard) -> String {
    let letters: String = [
        (ClientFlags::MULTI, 'x'),
        (ClientFlags::BLOCKED | ClientFlags::HELD, 'b'),
        (ClientFlags::DIRTY_EXEC, 'd'),
        (ClientFlags::CLOSING, 'c'),
        (ClientFlags::UNIX, 'U'),
        (ClientFlags::NO_EVICT, 'e'),
        (ClientFlags::NO_TOUCH, 'T'),
    ]
    .into_iter()
    .filter(|(flag, _)| card.has_flag(*flag))
    .map(|(_, letter)| letter)
    .collect();
    if letters.is_empty() { "N".to_owned() } else { letters }
}

/// Appends the line that describes a client. There are no reply buffers of fixed size (`rbs`,
/// `rbp`), and what is not sent yet is one list (`omem`).
fn describe(card: &ClientCard, now_ms: i64, text: &mut Vec<u8>) {
    let words = card.words();
    let (query, free) = (card.query.load(Relaxed), card.query_free.load(Relaxed));
    let (args, held) = (card.args.load(Relaxed), card.held_args.load(Relaxed));
    let output = card.output.load(Relaxed);
    let number = card.last_command.load(Relaxed);
    let command = number.checked_sub(1).and_then(registry::by_number);
    // What still waits has not been run.
    let waiting = u64::from(card.has_flag(ClientFlags::BLOCKED));
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} capa={} db={} sub=0 psub=0 \
         ssub=0 multi={} watch={} qbuf={query} qbuf-free={free} argv-mem={args} multi-mem={held} rbs=0 \
         rbp=0 obl=0 oll={} omem={output} tot-mem={} events={} cmd={} user=default redir=-1 \
         resp={} lib-name={} lib-ver={} tot-net-in={} tot-net-out={} tot-cmds={}",
        card.id.0,
        card.addr,
        card.laddr,
        card.fd,
        String::from_utf8_lossy(&words.name),
        (now_ms - card.connected_ms).max(0) / 1000,
        (now_ms - card.last_ms.load(Relaxed)).max(0) / 1000,
        flag_letters(card),
        if card.has_flag(ClientFlags::CAPA_REDIRECT) { "r" } else { "" },
        card.db.load(Relaxed),
        i64::from(card.queued.load(Relaxed)) - 1,
        card.watched.load(Relaxed),
        u8::from(output > 0),
        card.bytes_held(),
        if output > 0 { "rw" } else { "r" },
        command.map_or("NULL", |command| command.name),
        card.proto.load(Relaxed),
        String::from_utf8_lossy(&words.lib_name),
        String::from_utf8_lossy(&words.lib_version),
        card.bytes_in.load(Relaxed),
        card.bytes_out.load(Relaxed),
        card.commands.load(Relaxed).saturating_sub(waiting),
    );
    text.extend_from_slice(line.as_bytes());
    text.push(b'\n');
}

/// CLIENT KILL addr | option value [option value …]
fn kill(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.len() == 3 {
        return kill_by_address(cx, &args[2], out);
    }
    let filter = Filter::parse(args, 2, cx.config.databases)?;
    let skip_me = filter.skip_me.unwrap_or(true);
    let mut killed = 0;
    for card in cx.server.clients.all() {
        let skipped = skip_me && card.id == cx.session.id;
        if !skipped && filter.matches(&card, cx.now_ms) {
            end(cx, &card);
            killed += 1;
        }
    }
    if killed > 0 {
        cx.server.call_attention();
    }
    out.int(killed);
    Ok(())
}

/// The old form, by address alone: one client at the most, the own connection too.
fn kill_by_address(
    cx: &mut SessionContext<'_>,
    addr: &[u8],
    out: &mut Writer<'_>,
) -> CommandResult {
    let found = cx.server.clients.all().into_iter().find(|card| card.addr.as_bytes() == addr);
    let card = found.ok_or(CommandError::fixed("ERR No such client"))?;
    end(cx, &card);
    cx.server.call_attention();
    out.ok();
    Ok(())
}

/// Ends a client: the own connection after its reply, any other by its acceptor.
fn end(cx: &mut SessionContext<'_>, card: &ClientCard) {
    if card.id == cx.session.id {
        cx.session.card.set_flag(ClientFlags::CLOSING, true);
        cx.after = After::Close;
    } else {
        return cx.server.end_client(card);
    }
    cx.server.clients.remove(card.id);
}

/// CLIENT UNBLOCK id [TIMEOUT | ERROR]
fn unblock(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let how = match args.len() {
        4 if args.is(3, "ERROR") => Unblock::Error,
        4 if !args.is(3, "TIMEOUT") => {
            let text = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR";
            return Err(CommandError::fixed(text));
        }
        // More words than that are of no account, as in Valkey.
        _ => Unblock::Timeout,
    };
    let id = args.integer(2)?;
    let card = cx.server.clients.get(ClientId(id as u64));
    out.int(i64::from(card.is_some_and(|card| card.unblock(how))));
    Ok(())
}

/// ON or OFF.
fn switch(args: Args<'_>, at: usize) -> Result<bool, CommandError> {
    match (args.is(at, "ON"), args.is(at, "OFF")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(CommandError::SYNTAX),
    }
}

fn no_evict(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let on = switch(args, 2)?;
    cx.session.set_no_evict(on);
    if !on && cx.config.client_memory_limit().is_some() {
        // It may be too much by now.
        cx.server.call_attention();
    }
    out.ok();
    Ok(())
}

fn no_touch(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    cx.session.set_no_touch(switch(args, 2)?);
    out.ok();
    Ok(())
}

/// CLIENT REPLY ON | OFF | SKIP
fn reply(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.is(2, "ON") {
        cx.session.reply = ReplyMode::On;
        out.ok();
    } else if args.is(2, "OFF") {
        cx.session.reply = ReplyMode::Off;
    } else if args.is(2, "SKIP") {
        if cx.session.reply != ReplyMode::Off {
            cx.session.reply = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::SYNTAX);
    }
    Ok(())
}

/// CLIENT PAUSE timeout [WRITE | ALL]
fn pause(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mode = match args.len() {
        3 => PauseMode::All,
        _ if args.is(3, "ALL") => PauseMode::All,
        _ if args.is(3, "WRITE") => PauseMode::Write,
        _ => return Err(CommandError::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let timeout_ms = parse_integer(&args[2]).ok_or(CommandError::TIMEOUT_NOT_AN_INTEGER)?;
    if timeout_ms < 0 {
        return Err(CommandError::TIMEOUT_NEGATIVE);
    }
    let until_ms = cx.now_ms.checked_add(timeout_ms).ok_or(CommandError::TIMEOUT_OUT_OF_RANGE)?;
    cx.server.pause.begin(mode, until_ms, cx.now_ms);
    cx.server.call_attention();
    out.ok();
    Ok(())
}

fn unpause(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    cx.server.pause.end();
    cx.server.call_attention();
    out.ok();
    Ok(())
}

fn help(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    super::help::write(out, "CLIENT", HELP);
    Ok(())
}

/// Filters that LIST and KILL share stand once, under KILL.
const HELP: &[&str] = &[
    "CAPA <capability> [<capability> ...]",
    "    Says what this client can cope with. Known:",
    "    * REDIRECT: being sent to another server.",
    "GETNAME",
    "    The name of this connection.",
    "ID",
    "    The number of this connection.",
    "INFO",
    "    One line about this connection.",
    "KILL <ip:port>",
    "    End the connection from this address.",
    "KILL <filter> <value> [<filter> <value> ...]",
    "    End the connections that pass every filter:",
    "    * ID <id> [<id> ...]: by number",
    "    * ADDR <ip:port>, LADDR <ip:port>: by the address at their end, at ours",
    "    * IP <ip>: by their address, whatever the port",
    "    * TYPE (NORMAL|PRIMARY|REPLICA|PUBSUB): by kind",
    "    * USER <user>, NAME <name>, DB <db>: by user, name, database",
    "    * LIB-NAME <name>, LIB-VER <version>: by client library",
    "    * FLAGS <letters>, CAPA <letters>: with all of these",
    "    * MAXAGE <seconds>: connected at least so long",
    "    * IDLE <seconds>: silent at least so long",
    "    * SKIPME (YES|NO): spare this connection (YES unless told)",
    "    All but MAXAGE, IDLE and SKIPME have a form that begins with NOT-.",
    "LIST [<filter> <value> ...]",
    "    One line about each connection, by the filters of KILL (SKIPME is NO unless told).",
    "NO-EVICT (ON|OFF)",
    "    Whether this connection is spared when client memory has to be freed.",
    "NO-TOUCH (ON|OFF)",
    "    Whether what this connection reads does not count as used.",
    "PAUSE <milliseconds> [WRITE|ALL]",
    "    Hold back the writes, or all requests, of every client.",
    "REPLY (ON|OFF|SKIP)",
    "    Send replies, send none, or leave out that of the next request.",
    "SETINFO (LIB-NAME <name>|LIB-VER <version>)",
    "    Notes which library this client is made with.",
    "SETNAME <name>",
    "    Names this connection.",
    "UNBLOCK <id> [TIMEOUT|ERROR]",
    "    Ends the wait of a client in a blocking command, as if its time were over or by an error.",
    "UNPAUSE",
    "    Ends a pause.",
];

const SUBCOMMANDS: &[Command] = &[
    Command::session("client|capa", -3, capa)
        .flags(Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY))
        .categories(Categories::CONNECTION)
        .args(const { &[Arg::new("capability", ArgKind::String).multiple()] })
        .docs(
            Group::Connection,
            "8.0.0",
            "Tells the server what the client can cope with.",
            "O(1)",
        ),
    Command::session("client|getname", 2, getname)
        .flags(Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY))
        .categories(Categories::CONNECTION)
        .docs(Group::Connection, "2.6.9", "The name that the connection was given.", "O(1)"),
    Command::session("client|help", 2, help)
        .flags(Flags::LOADING.and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .docs(Group::Connection, "5.0.0", "Lists the subcommands.", "O(1)"),
    Command::session("client|id", 2, id)
        .flags(Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY))
        .categories(Categories::CONNECTION)
        .docs(
            Group::Connection,
            "5.0.0",
            "The number of the connection, never used twice.",
            "O(1)",
        ),
    Command::session("client|info", 2, info)
        .flags(Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE))
        .categories(Categories::CONNECTION)
        .tips(&["nondeterministic_output"])
        .docs(Group::Connection, "6.2.0", "Describes the connection in one line.", "O(1)"),
    Command::session("client|kill", -3, kill)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .categories(Categories::CONNECTION)
        .args(docs::KILL)
        .history(&[
            ("2.8.12", "Filters by option and value."),
            ("2.8.12", "Filter `ID`."),
            ("3.2.0", "`master` as a `TYPE`."),
            ("5.0.0", "`replica` as a `TYPE`; `slave` still means the same."),
            ("6.2.0", "Filter `LADDR`."),
            ("8.0.0", "Filter `MAXAGE`."),
            ("8.0.0", "`primary` as a `TYPE`; `master` still means the same."),
            ("8.1.0", "`ID` takes several numbers."),
            (
                "9.0.0",
                "More filters (NAME, IDLE, FLAGS, LIB-NAME, LIB-VER, DB, CAPA, \
                 IP) and a negative form of most.",
            ),
        ])
        .docs(Group::Connection, "2.4.0", "Ends connections.", "O(N) in the number of connections"),
    Command::session("client|list", -2, list)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .categories(Categories::CONNECTION)
        .args(docs::LIST)
        .history(&[
            ("2.8.12", "Field `id`."),
            ("5.0.0", "Filter `TYPE`."),
            ("6.0.0", "Field `user`."),
            ("6.2.0", "Fields `argv-mem`, `tot-mem`, `laddr` and `redir`; filter `ID`."),
            ("7.0.0", "Fields `resp`, `multi-mem`, `rbs` and `rbp`."),
            ("7.0.3", "Field `ssub`."),
            ("8.0.0", "`primary` as a `TYPE`; `master` still means the same."),
            ("8.1.0", "Filters USER, ADDR, LADDR, SKIPME and MAXAGE."),
            (
                "9.0.0",
                "More filters (NAME, IDLE, FLAGS, LIB-NAME, LIB-VER, DB, CAPA, \
                 IP) and a negative form of most.",
            ),
        ])
        .tips(&["nondeterministic_output"])
        .docs(
            Group::Connection,
            "2.4.0",
            "Describes every connection, one per line.",
            "O(N) in the number of connections",
        ),
    Command::session("client|no-evict", 3, no_evict)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::ALLOW_BUSY),
        )
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[Arg::one_of(
                    "enabled",
                    const { &[Arg::token("on", "ON"), Arg::token("off", "OFF")] },
                )]
            },
        )
        .docs(
            Group::Connection,
            "7.0.0",
            "Shields the connection from being closed to free client memory.",
            "O(1)",
        ),
    Command::session("client|no-touch", 3, no_touch)
        .flags(Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY))
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[Arg::one_of(
                    "enabled",
                    const { &[Arg::token("on", "ON"), Arg::token("off", "OFF")] },
                )]
            },
        )
        .docs(
            Group::Connection,
            "7.2.0",
            "Lets the connection read without marking keys as used.",
            "O(1)",
        ),
    Command::session("client|pause", -3, pause)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[
                    Arg::new("timeout", ArgKind::Integer),
                    Arg::one_of(
                        "mode",
                        const { &[Arg::token("write", "WRITE"), Arg::token("all", "ALL")] },
                    )
                    .since("6.2.0")
                    .optional(),
                ]
            },
        )
        .history(&[("6.2.0", "Mode `WRITE`, which lets reads pass.")])
        .docs(
            Group::Connection,
            "3.0.0",
            "Holds back the requests of all clients for a while.",
            "O(1)",
        ),
    Command::session("client|reply", 3, reply)
        .flags(
            Flags::NOSCRIPT
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::NO_MULTI)
                .and(Flags::ALLOW_BUSY),
        )
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[Arg::one_of(
                    "action",
                    const {
                        &[
                            Arg::token("on", "ON"),
                            Arg::token("off", "OFF"),
                            Arg::token("skip", "SKIP"),
                        ]
                    },
                )]
            },
        )
        .docs(
            Group::Connection,
            "3.2.0",
            "Switches the replies to the connection on or off.",
            "O(1)",
        ),
    Command::session("client|setinfo", 4, setinfo)
        .flags(Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY))
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[Arg::one_of(
                    "attr",
                    const {
                        &[
                            Arg::new("libname", ArgKind::String).with_token("LIB-NAME"),
                            Arg::new("libver", ArgKind::String).with_token("LIB-VER"),
                        ]
                    },
                )]
            },
        )
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .docs(
            Group::Connection,
            "7.2.0",
            "Notes which client library is at the other end.",
            "O(1)",
        ),
    Command::session("client|setname", 3, setname)
        .flags(Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::ALLOW_BUSY))
        .categories(Categories::CONNECTION)
        .args(const { &[Arg::new("connection-name", ArgKind::String)] })
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .docs(Group::Connection, "2.6.9", "Names the connection.", "O(1)"),
    Command::session("client|unblock", -3, unblock)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .categories(Categories::CONNECTION)
        .args(
            const {
                &[
                    Arg::new("client-id", ArgKind::Integer),
                    Arg::one_of(
                        "unblock-type",
                        const { &[Arg::token("timeout", "TIMEOUT"), Arg::token("error", "ERROR")] },
                    )
                    .optional(),
                ]
            },
        )
        .docs(
            Group::Connection,
            "5.0.0",
            "Ends the wait of a client in a blocking command.",
            "O(log N), where N is the number of connections",
        ),
    Command::session("client|unpause", 2, unpause)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .categories(Categories::CONNECTION)
        .docs(
            Group::Connection,
            "6.2.0",
            "Ends a pause before its time.",
            "O(N) in the number of clients that were held back",
        ),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[Command::container("client", SUBCOMMANDS).docs(
    Group::Connection,
    "2.4.0",
    "Connections: who is there, and what may be done about it.",
    "Depends on the subcommand.",
)];
