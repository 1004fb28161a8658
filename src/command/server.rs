//! Commands about the server as a whole: TIME, SHUTDOWN, LOLWUT.

use super::lolwut::lolwut;
use super::spec::{Arg, ArgKind, Command, Flags, Group};
use super::{Args, CommandError, CommandResult, SessionContext};
use crate::observe::{ShutdownMode, Signal};
use crate::resp::Writer;

/// TIME
fn time(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let now_us = cx.server.clock.unix_us();
    out.array(2);
    out.bulk_int((now_us / 1_000_000) as i64);
    out.bulk_int((now_us % 1_000_000) as i64);
    Ok(())
}

/// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [SAFE] [FAILOVER] | ABORT
///
/// Nothing waits for a replica, so NOW and FAILOVER change nothing, and what they would hurry or
/// hold up ends at once: there is never a shutdown to abort.
fn shutdown(cx: &mut SessionContext<'_>, args: Args<'_>, _out: &mut Writer<'_>) -> CommandResult {
    let mut mode = ShutdownMode::Default;
    let (mut abort, mut other) = (false, false);
    for at in 1..args.len() {
        let chosen = match args[at].to_ascii_uppercase().as_slice() {
            b"NOSAVE" => ShutdownMode::NoSave,
            b"SAVE" => ShutdownMode::Save,
            b"NOW" | b"FORCE" | b"SAFE" | b"FAILOVER" => {
                other = true;
                continue;
            }
            b"ABORT" => {
                abort = true;
                continue;
            }
            _ => return Err(CommandError::SYNTAX),
        };
        if mode != ShutdownMode::Default && mode != chosen {
            return Err(CommandError::SYNTAX);
        }
        mode = chosen;
    }
    if abort && (other || mode != ShutdownMode::Default) {
        return Err(CommandError::SYNTAX);
    }
    if abort {
        return Err(CommandError::fixed("ERR No shutdown in progress."));
    }
    if mode == ShutdownMode::Save {
        return Err(CommandError::fixed(
            "ERR Errors trying to SHUTDOWN: this version of Baton does not save snapshots, so \
             SAVE is not possible",
        ));
    }
    tracing::info!("User requested shutdown...");
    cx.server.tell_control(Signal::Shutdown(mode));
    Ok(())
}

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::session("time", 1, time)
        .flags(Flags::LOADING.and(Flags::STALE).and(Flags::FAST))
        .tips(&["nondeterministic_output"])
        .docs(Group::Server, "2.6.0", "The server's clock.", "O(1)"),
    Command::session("shutdown", -1, shutdown)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::NO_MULTI)
                .and(Flags::ALLOW_BUSY)
                .and(Flags::BARRIER),
        )
        .args(
            const {
                &[Arg::one_of(
                    "abort-selector",
                    const {
                        &[
                            Arg::block(
                                "save-selector-block",
                                const {
                                    &[
                                        Arg::one_of(
                                            "save-selector",
                                            const {
                                                &[
                                                    Arg::token("nosave", "NOSAVE"),
                                                    Arg::token("save", "SAVE"),
                                                ]
                                            },
                                        )
                                        .optional(),
                                        Arg::token("now", "NOW").since("7.0.0").optional(),
                                        Arg::token("force", "FORCE").since("7.0.0").optional(),
                                        Arg::token("safe", "SAFE").since("9.0.0").optional(),
                                        Arg::token("failover", "FAILOVER")
                                            .since("9.0.0")
                                            .optional(),
                                    ]
                                },
                            ),
                            Arg::token("abort", "ABORT").since("7.0.0"),
                        ]
                    },
                )
                .optional()]
            },
        )
        .history(&[("7.0.0", "`NOW`, `FORCE` and `ABORT`."), ("9.0.0", "`SAFE` and `FAILOVER`.")])
        .docs(Group::Server, "1.0.0", "Ends the server.", "O(1): nothing is saved"),
    Command::session("lolwut", -1, lolwut)
        .flags(Flags::READONLY.and(Flags::FAST))
        .args(const { &[Arg::new("version", ArgKind::Integer).with_token("VERSION").optional()] })
        .docs(
            Group::Server,
            "5.0.0",
            "A drawing made by chance, and the version of the server.",
            "",
        ),
];
