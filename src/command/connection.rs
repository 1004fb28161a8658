//! Commands of the connection itself: PING, ECHO, SELECT, HELLO, AUTH, QUIT, RESET.

use super::spec::{Categories, Command, Flags, Group, Steering};
use super::{After, Args, CommandResult, SessionContext};
use crate::resp::Writer;

fn ping(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let _ = cx;
    match args.len() {
        1 => out.simple("PONG"),
        2 => out.bulk(&args[1]),
        _ => return Err(super::error::wrong_arity("ping")),
    }
    Ok(())
}

fn quit(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    cx.after = After::Close;
    out.ok();
    Ok(())
}

/// The rows of the family.
pub const TABLE: &[Command] =
    &[
        Command::session("ping", -1, ping)
            .flags(Flags::FAST)
            .categories(Categories::CONNECTION)
            .docs(Group::Connection, "1.0.0", "Answers PONG, or its argument.", "O(1)"),
        Command::session("quit", -1, quit)
            .flags(Flags::FAST.and(Flags::NO_AUTH).and(Flags::NOSCRIPT).and(Flags::LOADING))
            .categories(Categories::CONNECTION),
        Command::steer("reset", 1, Steering::Reset)
            .flags(Flags::FAST.and(Flags::NO_AUTH).and(Flags::NOSCRIPT).and(Flags::LOADING))
            .categories(Categories::CONNECTION),
    ];
