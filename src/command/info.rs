//! INFO: the state of the server, by sections, under the field names that Redis's tools know.
//!
//! It runs with every box in hand, so the figures of one reply belong to one moment. Fields of
//! features that are not there (replicas, snapshots, scripts) say what a Redis without them says.
//! `# Shards` is our own.

mod counters;
mod machine;

use std::fmt::{Display, Write as _};

use super::spec::{Arg, ArgKind, Categories, Command, Flags, Group};
use super::{Args, CommandResult, Read};
use crate::resp::Writer;

/// Writes one section.
type Section = fn(&Read<'_>, &mut Lines);

/// The sections in order: name, whether it is shown unasked, what writes it.
const SECTIONS: &[(&str, bool, Section)] = &[
    ("Server", true, machine::server),
    ("Clients", true, machine::clients),
    ("Memory", true, machine::memory),
    ("Persistence", true, counters::persistence),
    ("Stats", true, counters::stats),
    ("Replication", true, counters::replication),
    ("CPU", true, machine::cpu),
    ("Modules", true, |_, _| {}),
    ("Commandstats", false, counters::command_stats),
    ("Errorstats", true, counters::error_stats),
    ("Latencystats", false, counters::latency_stats),
    ("Cluster", true, counters::cluster),
    ("Keyspace", true, counters::keyspace),
    ("Shards", false, counters::shards),
];

/// INFO [section …]
fn info(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let wanted: Vec<&[u8]> = args.iter().skip(1).collect();
    out.verbatim("txt", report(cx, &wanted).as_bytes());
    Ok(())
}

/// The sections that `wanted` names; those shown unasked if it names none.
fn report(cx: &Read<'_>, wanted: &[&[u8]]) -> String {
    let asks = |word: &str| wanted.iter().any(|name| name.eq_ignore_ascii_case(word.as_bytes()));
    let everything = asks("all") || asks("everything");
    let usual = wanted.is_empty() || asks("default");
    let mut lines = Lines::default();
    for (name, is_usual, write) in SECTIONS {
        if everything || (usual && *is_usual) || asks(name) {
            lines.head(name);
            write(cx, &mut lines);
        }
    }
    lines.text
}

/// The text as it grows.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn head(&mut self, name: &str) {
        let gap = if self.text.is_empty() { "" } else { "\r\n" };
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{gap}# {name}\r\n");
    }

    fn add(&mut self, name: impl Display, value: impl Display) {
        let _ = write!(self.text, "{name}:{value}\r\n");
    }

    /// Fields that are always zero here, since what they count does not exist.
    fn zeros(&mut self, names: &[&str]) {
        for name in names {
            self.add(name, 0);
        }
    }

    /// A number of bytes, and the same for people.
    fn bytes(&mut self, name: &str, bytes: u64) {
        self.add(name, bytes);
        self.add(format_args!("{name}_human"), human(bytes));
    }
}

/// A number of bytes for people: `1.50M`.
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2}{}", UNITS[unit])
}

/// `part` of `whole` in percent; of nothing it is nothing.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// `part` by `whole`; of nothing it is nothing.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The rows of the family.
pub const TABLE: &[Command] = &[Command::inspect("info", -1, info)
    .flags(Flags::LOADING.and(Flags::STALE))
    .categories(Categories::DANGEROUS)
    .args(const { &[Arg::new("section", ArgKind::String).optional().multiple()] })
    .history(&[("7.0.0", "Takes several sections.")])
    .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
    .all_together()
    .docs(
        Group::Server,
        "1.0.0",
        "The state of the server and what it has counted.",
        "O(N) in the number of shards and commands",
    )];

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn bytes_for_people() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_836_368, "1.75M"),
            (25_276_502_016, "23.54G"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}
