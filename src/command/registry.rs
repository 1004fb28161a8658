//! All commands by name: the families' tables as one.
//!
//! Adding a family is one line here; adding a command is none. Lookup is by the name in any case,
//! with a hash of its bytes; a connection that repeats a command skips even that (the acceptor
//! keeps the last row it found).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::spec::Command;
use super::{
    bitmap, client, config, connection, database, debug, geo, hash, hyperloglog, info, introspect,
    key, latency, list, memory, server, set, slowlog, sort, stream, string, transaction, zset,
};

/// The families, in the order of their rows' numbers.
const FAMILIES: &[&[Command]] = &[
    string::TABLE,
    list::TABLE,
    list::blocking::TABLE,
    bitmap::TABLE,
    hyperloglog::TABLE,
    set::TABLE,
    hash::TABLE,
    stream::TABLE,
    zset::TABLE,
    zset::blocking::TABLE,
    geo::TABLE,
    key::TABLE,
    key::dump::TABLE,
    key::expire::TABLE,
    key::rename::TABLE,
    key::scan::TABLE,
    key::object::TABLE,
    sort::TABLE,
    database::TABLE,
    transaction::TABLE,
    connection::TABLE,
    client::TABLE,
    config::TABLE,
    introspect::TABLE,
    info::TABLE,
    memory::TABLE,
    slowlog::TABLE,
    latency::TABLE,
    server::TABLE,
    debug::TABLE,
];

/// Longest name of a command, in bytes: anything longer is unknown without a look.
const MAX_NAME: usize = 32;

struct Registry {
    commands: &'static [Command],
    by_name: HashMap<&'static [u8], usize>,
    by_number: Vec<&'static Command>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::build);

impl Registry {
    fn build() -> Registry {
        let mut next = 0;
        let commands: Vec<Command> = FAMILIES
            .iter()
            .flat_map(|family| family.iter())
            .map(|row| numbered(row, &mut next))
            .collect();
        let commands: &'static [Command] = commands.leak();
        let by_name = commands
            .iter()
            .enumerate()
            .map(|(at, command)| (command.name.as_bytes(), at))
            .collect();
        let by_number = commands
            .iter()
            .flat_map(|command| std::iter::once(command).chain(command.subcommands))
            .collect();
        Registry { commands, by_name, by_number }
    }
}

/// A copy of the row with its number, and of its subcommands with theirs.
fn numbered(row: &Command, next: &mut u16) -> Command {
    let mut command = *row;
    command.number = *next;
    *next += 1;
    let subcommands: Vec<Command> = row.subcommands.iter().map(|row| numbered(row, next)).collect();
    command.subcommands = subcommands.leak();
    command
}

/// The command of this name, in any case.
pub fn find(name: &[u8]) -> Option<&'static Command> {
    if name.len() > MAX_NAME {
        return None;
    }
    let mut lower = [0; MAX_NAME];
    let lower = &mut lower[..name.len()];
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    REGISTRY.by_name.get(&*lower).map(|&at| &REGISTRY.commands[at])
}

/// The subcommand of this name (without its container's), in any case.
pub fn find_subcommand(container: &'static Command, name: &[u8]) -> Option<&'static Command> {
    container.subcommands.iter().find(|subcommand| {
        subcommand
            .name
            .split_once('|')
            .is_some_and(|(_, own)| own.as_bytes().eq_ignore_ascii_case(name))
    })
}

/// All commands, containers with their subcommands inside.
pub fn all() -> &'static [Command] {
    REGISTRY.commands
}

/// The command or subcommand of this full name (`client|list`), in any case.
pub fn find_full(name: &[u8]) -> Option<&'static Command> {
    match memchr::memchr(b'|', name) {
        None => find(name),
        Some(bar) => find_subcommand(find(&name[..bar])?, &name[bar + 1..]),
    }
}

/// How many numbers are in use: every command and subcommand has one below this.
pub fn count() -> usize {
    REGISTRY.by_number.len()
}

/// The command with this number.
pub fn by_number(number: u16) -> Option<&'static Command> {
    REGISTRY.by_number.get(number as usize).copied()
}

#[cfg(test)]
mod tests;
