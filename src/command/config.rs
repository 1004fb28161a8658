//! CONFIG: the directives of the running server.
//!
//! Names, values, kinds and error texts are the business of the configuration's own room. Here
//! stands what a change does beyond being stored, in one place: see [`put_into_effect`].

use super::spec::{Arg, ArgKind, Command, Flags, Group};
use super::stats::reset_stat;
use super::{Args, CommandError, CommandResult, SessionContext};
use crate::config::{ApplyError, Config, os_text};
use crate::observe::{Server, log, process};
use crate::resp::Writer;

/// CONFIG GET pattern [pattern …]
fn get(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let patterns: Vec<&[u8]> = args.iter().skip(2).collect();
    let found = cx.server.config.get(&patterns);
    out.map(found.len());
    for (name, value) in found {
        out.bulk(&name);
        out.bulk(&value);
    }
    Ok(())
}

/// CONFIG SET directive value [directive value …]
fn set(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if args.len() % 2 == 1 {
        return Err(CommandError::SYNTAX);
    }
    let words: Vec<&[u8]> = args.iter().skip(2).collect();
    let pairs: Vec<(&[u8], &[u8])> = words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let peer = cx.session.card.peer();
    cx.server
        .config
        .set_with(&pairs, peer, |old, new, changed| put_into_effect(cx.server, old, new, changed))
        .map_err(|error| CommandError::made(error.text))?;
    cx.server.call_attention();
    out.ok();
    Ok(())
}

/// Does what a change of directives asks for beyond being read by whoever needs them. An error
/// leaves everything as it was: what was done until then is done the other way round.
fn put_into_effect(
    server: &Server,
    old: &Config,
    new: &Config,
    changed: &[&'static str],
) -> Result<(), ApplyError> {
    let listen = prepare_listeners(server, new, changed)?;
    change_whole(old, new, changed)?;
    listen();
    Ok(())
}

/// Goes from one configuration to another, or back to where it was.
fn change_whole(old: &Config, new: &Config, changed: &[&'static str]) -> Result<(), ApplyError> {
    change(old, new, changed).inspect_err(|_| {
        // What was possible before is possible again, apart from what just failed.
        let _ = change(new, old, changed);
    })
}

/// Goes from one configuration to another, until something fails.
fn change(old: &Config, new: &Config, changed: &[&'static str]) -> Result<(), ApplyError> {
    if changed.contains(&"maxclients") {
        process::allow_connections(new.maxclients).map_err(|limit| ApplyError {
            directive: "maxclients",
            reason: format!(
                "The operating system is not able to handle the specified number of clients, try \
                 with {limit}"
            )
            .into(),
        })?;
    }
    if let Some(directive) = changed.iter().find(|name| name.starts_with("oom-score-adj")) {
        process::adjust_oom_score(new).map_err(|error| {
            tracing::warn!("cannot adjust the oom score: {error}");
            let reason = "Failed to set current oom_score_adj. Check server logs.";
            ApplyError { directive, reason: reason.into() }
        })?;
    }
    if changed.contains(&"dir") {
        std::env::set_current_dir(&new.dir)
            .map_err(|error| ApplyError { directive: "dir", reason: os_text(&error).into() })?;
    }
    if old.jemalloc_bg_thread != new.jemalloc_bg_thread
        && !process::purge_in_background(new.jemalloc_bg_thread)
    {
        return Err(ApplyError {
            directive: "jemalloc-bg-thread",
            reason: "The allocator refuses it".into(),
        });
    }
    if old.loglevel != new.loglevel {
        log::set_level(new.loglevel);
    }
    Ok(())
}

/// Makes the listeners for another port or other addresses; what it returns puts them to work.
fn prepare_listeners(
    server: &Server,
    new: &Config,
    changed: &[&'static str],
) -> Result<Box<dyn FnOnce()>, ApplyError> {
    let moved = changed.iter().find(|name| ["port", "bind"].contains(*name));
    let (Some(&directive), Some(relisten)) = (moved, server.relisten.get()) else {
        return Ok(Box::new(|| {}));
    };
    relisten(new).map_err(|error| {
        tracing::warn!("CONFIG SET {directive}: {error}");
        let reason = match directive {
            "port" => "Unable to listen on this port. Check server logs.",
            _ => "Failed to bind to specified addresses.",
        };
        ApplyError { directive, reason: reason.into() }
    })
}

/// CONFIG REWRITE
fn rewrite(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    match cx.server.config.rewrite() {
        Ok(()) => {
            tracing::info!("CONFIG REWRITE has brought the file up to date");
            out.ok();
            Ok(())
        }
        Err(error) => {
            tracing::warn!("CONFIG REWRITE failed: {error}");
            Err(CommandError::made(error.to_string()))
        }
    }
}

fn help(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    super::help::write(
        out,
        "CONFIG",
        &[
            "GET <pattern> [<pattern> ...]",
            "    The directives that a pattern names, with their values.",
            "RESETSTAT",
            "    Begin the statistics of INFO anew.",
            "REWRITE",
            "    Bring the configuration file up to date.",
            "SET <directive> <value> [<directive> <value> ...]",
            "    Change directives: all of them or none.",
        ],
    );
    Ok(())
}

const SUBCOMMANDS: &[Command] = &[
    Command::session("config|get", -3, get)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .args(const { &[Arg::new("parameter", ArgKind::String).multiple()] })
        .history(&[("7.0.0", "Takes several patterns.")])
        .docs(
            Group::Server,
            "2.0.0",
            "The directives that patterns name, with their values.",
            "O(N) in the number of patterns",
        ),
    Command::session("config|help", 2, help).flags(Flags::LOADING.and(Flags::STALE)).docs(
        Group::Server,
        "5.0.0",
        "Lists the subcommands.",
        "O(1)",
    ),
    Command::keep("config|resetstat", 2, reset_stat)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .all_together()
        .docs(Group::Server, "2.0.0", "Begins the statistics of INFO anew.", "O(1)"),
    Command::session("config|rewrite", 2, rewrite)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .docs(Group::Server, "2.8.0", "Brings the configuration file up to date.", "O(1)"),
    Command::session("config|set", -4, set)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .args(
            const {
                &[Arg::block(
                    "data",
                    const {
                        &[
                            Arg::new("parameter", ArgKind::String),
                            Arg::new("value", ArgKind::String),
                        ]
                    },
                )
                .multiple()]
            },
        )
        .history(&[("7.0.0", "Takes several directives.")])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .docs(
            Group::Server,
            "2.0.0",
            "Changes directives, all of them or none.",
            "O(N) in the number of directives",
        ),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[Command::container("config", SUBCOMMANDS).docs(
    Group::Server,
    "2.0.0",
    "The directives of the running server.",
    "Depends on the subcommand.",
)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OomScoreAdj;

    #[test]
    fn what_fails_midway_is_undone() {
        let score = || std::fs::read_to_string("/proc/self/oom_score_adj").unwrap();
        let before = score();
        let old = Config::default();
        let new = Config {
            oom_score_adj: OomScoreAdj::Absolute,
            oom_score_adj_values: [1000, 0, 0],
            dir: "/no/such/directory".into(),
            ..Config::default()
        };
        let changed = ["dir", "oom-score-adj", "oom-score-adj-values"];
        let error = change_whole(&old, &new, &changed).unwrap_err();
        assert_eq!(error.directive, "dir");
        assert_eq!(score(), before);
    }
}
