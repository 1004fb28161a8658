//! SLOWLOG and COMMANDLOG: commands that were slow, were large, or had large replies.

use super::spec::{Arg, ArgKind, Command, Flags, Group};
use super::{Args, CommandError, CommandResult, SessionContext, parse_integer};
use crate::observe::{CommandLog, LogKind};
use crate::resp::Writer;

/// Entries of SLOWLOG GET when it is not told.
const USUAL_COUNT: usize = 10;

/// Reads a number of entries; -1 asks for all.
fn count_of(args: Args<'_>, at: usize) -> Result<Option<usize>, CommandError> {
    let count = args.get(at).and_then(parse_integer).filter(|&count| count >= -1);
    let count =
        count.ok_or(CommandError::fixed("ERR count should be greater than or equal to -1"))?;
    Ok(usize::try_from(count).ok())
}

fn kind_of(args: Args<'_>, at: usize) -> Result<LogKind, CommandError> {
    [
        ("SLOW", LogKind::Slow),
        ("LARGE-REQUEST", LogKind::LargeRequest),
        ("LARGE-REPLY", LogKind::LargeReply),
    ]
    .into_iter()
    .find(|(name, _)| args.is(at, name))
    .map(|(_, kind)| kind)
    .ok_or(CommandError::fixed(
        "ERR type should be one of the following: slow, large-request, large-reply",
    ))
}

fn write_latest(log: &CommandLog, kind: LogKind, count: Option<usize>, out: &mut Writer<'_>) {
    let entries = log.latest(kind, count);
    out.array(entries.len());
    for entry in entries {
        out.array(6);
        out.int(entry.id as i64);
        out.int(entry.at_s);
        out.int(entry.value as i64);
        out.array(entry.args.len());
        for arg in &entry.args {
            out.bulk(arg);
        }
        out.bulk(entry.addr.as_bytes());
        out.bulk(&entry.name);
    }
}

/// SLOWLOG GET [count]
fn slow_get(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let count = match args.len() {
        2 => Some(USUAL_COUNT),
        3 => count_of(args, 2)?,
        _ => {
            let text = [
                b"ERR unknown subcommand or wrong number of arguments for '",
                &args[1],
                b"'. Try SLOWLOG HELP.",
            ];
            return Err(CommandError::made(text.concat()));
        }
    };
    write_latest(&cx.server.command_log, LogKind::Slow, count, out);
    Ok(())
}

fn slow_len(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.int(cx.server.command_log.len(LogKind::Slow) as i64);
    Ok(())
}

fn slow_reset(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    cx.server.command_log.reset(LogKind::Slow);
    out.ok();
    Ok(())
}

/// COMMANDLOG GET count type
fn get(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let count = count_of(args, 2)?;
    let kind = kind_of(args, 3)?;
    write_latest(&cx.server.command_log, kind, count, out);
    Ok(())
}

/// COMMANDLOG LEN type
fn len(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.int(cx.server.command_log.len(kind_of(args, 2)?) as i64);
    Ok(())
}

/// COMMANDLOG RESET type
fn reset(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    cx.server.command_log.reset(kind_of(args, 2)?);
    out.ok();
    Ok(())
}

fn slow_help(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    super::help::write(
        out,
        "SLOWLOG",
        &[
            "GET [<count>]",
            "    The latest slow commands, 10 unless told, all of them for -1. For each: number,",
            "    Unix time, microseconds, arguments, client's address and name.",
            "LEN",
            "    How many are remembered.",
            "RESET",
            "    Forget them.",
        ],
    );
    Ok(())
}

fn help(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    super::help::write(
        out,
        "COMMANDLOG",
        &[
            "GET <count> <type>",
            "    The latest entries, all of them for -1. For each: number, Unix time, value,",
            "    arguments, client's address and name. The type says what the value is:",
            "    * SLOW: microseconds that the command took",
            "    * LARGE-REQUEST: bytes of the request",
            "    * LARGE-REPLY: bytes of the reply",
            "LEN <type>",
            "    How many entries there are.",
            "RESET <type>",
            "    Forget them.",
        ],
    );
    Ok(())
}

const SLOWLOG: &[Command] = &[
    Command::session("slowlog|get", -2, slow_get)
        .flags(Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE).and(Flags::BARRIER))
        .args(const { &[Arg::new("count", ArgKind::Integer).optional()] })
        .history(&[("4.0.0", "Address and name of the client in each entry.")])
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .docs(
            Group::Server,
            "2.2.12",
            "The latest slow commands.",
            "O(N) in the number of entries",
        ),
    Command::session("slowlog|help", 2, slow_help).flags(Flags::LOADING.and(Flags::STALE)).docs(
        Group::Server,
        "6.2.0",
        "Lists the subcommands.",
        "O(1)",
    ),
    Command::session("slowlog|len", 2, slow_len)
        .flags(Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE).and(Flags::BARRIER))
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"])
        .docs(Group::Server, "2.2.12", "How many slow commands are remembered.", "O(1)"),
    Command::session("slowlog|reset", 2, slow_reset)
        .flags(Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE).and(Flags::BARRIER))
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .docs(
            Group::Server,
            "2.2.12",
            "Forgets the slow commands.",
            "O(N) in the number of entries",
        ),
];

const COMMANDLOG: &[Command] = &[
    Command::session("commandlog|get", 4, get)
        .flags(Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE).and(Flags::BARRIER))
        .args(
            const {
                &[
                    Arg::new("count", ArgKind::Integer),
                    Arg::one_of(
                        "type",
                        const {
                            &[
                                Arg::token("slow", "SLOW"),
                                Arg::token("large-request", "LARGE-REQUEST"),
                                Arg::token("large-reply", "LARGE-REPLY"),
                            ]
                        },
                    ),
                ]
            },
        )
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .docs(
            Group::Server,
            "8.1.0",
            "The latest entries of one of the logs.",
            "O(N) in the number of entries",
        ),
    Command::session("commandlog|help", 2, help).flags(Flags::LOADING.and(Flags::STALE)).docs(
        Group::Server,
        "8.1.0",
        "Lists the subcommands.",
        "O(1)",
    ),
    Command::session("commandlog|len", 3, len)
        .flags(Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE).and(Flags::BARRIER))
        .args(
            const {
                &[Arg::one_of(
                    "type",
                    const {
                        &[
                            Arg::token("slow", "SLOW"),
                            Arg::token("large-request", "LARGE-REQUEST"),
                            Arg::token("large-reply", "LARGE-REPLY"),
                        ]
                    },
                )]
            },
        )
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"])
        .docs(Group::Server, "8.1.0", "How many entries one of the logs has.", "O(1)"),
    Command::session("commandlog|reset", 3, reset)
        .flags(Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE).and(Flags::BARRIER))
        .args(
            const {
                &[Arg::one_of(
                    "type",
                    const {
                        &[
                            Arg::token("slow", "SLOW"),
                            Arg::token("large-request", "LARGE-REQUEST"),
                            Arg::token("large-reply", "LARGE-REPLY"),
                        ]
                    },
                )]
            },
        )
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .docs(
            Group::Server,
            "8.1.0",
            "Forgets the entries of one of the logs.",
            "O(N) in the number of entries",
        ),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::container("slowlog", SLOWLOG).docs(
        Group::Server,
        "2.2.12",
        "Commands that took long.",
        "Depends on the subcommand.",
    ),
    Command::container("commandlog", COMMANDLOG).docs(
        Group::Server,
        "8.1.0",
        "Commands that took long, or were large, or had large replies.",
        "Depends on the subcommand.",
    ),
];
