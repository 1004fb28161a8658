//! MEMORY: where it goes, by what the allocator, the system and the shards say.

use std::sync::atomic::Ordering::Relaxed;

use super::info::{human, percent, ratio};
use super::spec::{Arg, ArgKind, Command, Flags, Group, KeySpec};
use super::{Args, CommandError, CommandResult, Read, SessionContext};
use crate::observe::process::{self, AllocatorFigures};
use crate::resp::Writer;

/// The use of memory at one moment, in bytes. Every box must be in hand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Allocated.
    pub used: u64,
    /// The most that was ever allocated, as far as it was looked at.
    pub peak: u64,
    /// Allocated when the server was ready.
    pub startup: u64,
    /// Held by connections.
    pub clients: u64,
    /// In tables of keys and expiries, entries apart.
    pub tables: u64,
    /// Number of keys.
    pub keys: u64,
    /// Of the process in memory.
    pub resident: u64,
    /// Of the machine.
    pub system: u64,
    /// By the allocator.
    pub allocator: AllocatorFigures,
}

impl Usage {
    /// Looks.
    pub fn of(cx: &Read<'_>) -> Usage {
        let server = cx.server();
        let allocator = process::allocator();
        let peak = &server.counters.peak_memory;
        peak.fetch_max(allocator.allocated, Relaxed);
        // The limit is held against what the client is told.
        cx.parts().iter().for_each(|part| part.post_memory());
        server.memory.post_allocated(allocator.allocated);
        let tables = |db: &crate::keyspace::Db| {
            let stats = db.stats();
            (stats.entries.bytes + stats.volatile.bytes) as u64
        };
        Usage {
            used: allocator.allocated,
            peak: peak.load(Relaxed),
            startup: server.startup_memory.load(Relaxed),
            clients: server.clients.all().iter().map(|card| card.bytes_held()).sum(),
            tables: cx.parts().iter().flat_map(|part| part.dbs.iter()).map(tables).sum(),
            keys: cx.parts().iter().map(|part| part.len() as u64).sum(),
            resident: process::resident_bytes(),
            system: process::system_memory(),
            allocator,
        }
    }

    /// What is not data.
    pub fn overhead(&self) -> u64 {
        self.startup + self.clients + self.tables
    }

    /// What is data.
    pub fn dataset(&self) -> u64 {
        self.used.saturating_sub(self.overhead())
    }

    /// The data's share of all that was allocated since the start, in percent.
    pub fn dataset_percent(&self) -> f64 {
        percent(self.dataset(), self.used.saturating_sub(self.startup)).min(100.0)
    }
}

/// MEMORY USAGE key [SAMPLES count]: every value is looked at as a whole, whatever the count.
fn usage(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mut at = 3;
    while at < args.len() {
        if !args.is(at, "SAMPLES") || at + 1 >= args.len() {
            return Err(CommandError::SYNTAX);
        }
        if args.integer(at + 1)? < 0 {
            return Err(CommandError::SYNTAX);
        }
        at += 2;
    }
    match cx.peek(&args.key(2)) {
        Some(entry) => out.int(entry.allocation_size() as i64),
        None => out.null(),
    }
    Ok(())
}

/// MEMORY STATS
fn stats(cx: &mut Read<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let usage = Usage::of(cx);
    let head = out.deferred_map();
    let mut fields = Fields { out, count: 0 };
    fields.int("peak.allocated", usage.peak);
    fields.int("total.allocated", usage.used);
    fields.int("startup.allocated", usage.startup);
    for name in ["replication.backlog", "replicas.repl.buffer", "clients.slaves"] {
        fields.int(name, 0);
    }
    fields.int("clients.normal", usage.clients);
    for name in ["cluster.links", "aof.buffer", "lua.caches", "functions.caches"] {
        fields.int(name, 0);
    }
    let mut tables = 0;
    for db in 0..cx.config().databases as usize {
        tables += fields.database(cx, db);
    }
    fields.int("overhead.db.hashtable.lut", tables as u64);
    fields.int("overhead.db.hashtable.rehashing", 0);
    fields.int("overhead.total", usage.overhead());
    fields.int("db.dict.rehashing.count", 0);
    fields.int("keys.count", usage.keys);
    let since_start = usage.used.saturating_sub(usage.startup);
    fields.int("keys.bytes-per-key", since_start.checked_div(usage.keys).unwrap_or(0));
    fields.int("dataset.bytes", usage.dataset());
    fields.double("dataset.percentage", usage.dataset_percent());
    fields.double("peak.percentage", percent(usage.used, usage.peak));
    let AllocatorFigures { allocated, active, resident, .. } = usage.allocator;
    fields.int("allocator.allocated", allocated);
    fields.int("allocator.active", active);
    fields.int("allocator.resident", resident);
    fields.int("allocator.muzzy", 0);
    let ratios = [
        ("allocator-fragmentation", active, allocated),
        ("allocator-rss", resident, active),
        ("rss-overhead", usage.resident, resident),
    ];
    for (name, part, whole) in ratios {
        fields.double(&format!("{name}.ratio"), ratio(part, whole));
        fields.difference(&format!("{name}.bytes"), part, whole);
    }
    fields.double("fragmentation", ratio(usage.resident, usage.used));
    fields.difference("fragmentation.bytes", usage.resident, usage.used);
    let count = fields.count;
    out.finish_map(head, count);
    Ok(())
}

/// A map whose fields are counted as they are written.
struct Fields<'a, 'b> {
    out: &'a mut Writer<'b>,
    count: usize,
}

impl Fields<'_, '_> {
    fn name(&mut self, name: &str) {
        self.count += 1;
        self.out.bulk(name.as_bytes());
    }

    fn int(&mut self, name: &str, value: u64) {
        self.name(name);
        self.out.int(value as i64);
    }

    fn difference(&mut self, name: &str, part: u64, whole: u64) {
        self.name(name);
        self.out.int(part as i64 - whole as i64);
    }

    fn double(&mut self, name: &str, value: f64) {
        self.name(name);
        self.out.double(value);
    }

    /// The tables of a logical database that has keys; gives their bytes.
    fn database(&mut self, cx: &Read<'_>, db: usize) -> usize {
        let (mut keys, mut main, mut expires) = (0, 0, 0);
        for db in cx.parts().iter().filter_map(|part| part.dbs.get(db)) {
            let stats = db.stats();
            keys += db.len();
            main += stats.entries.bytes;
            expires += stats.volatile.bytes;
        }
        if keys == 0 {
            return 0;
        }
        self.name(&format!("db.{db}"));
        self.out.map(2);
        for (name, bytes) in
            [("overhead.hashtable.main", main), ("overhead.hashtable.expires", expires)]
        {
            self.out.bulk(name.as_bytes());
            self.out.int(bytes as i64);
        }
        main + expires
    }
}

/// Below this (bytes allocated) nothing can be said of the rest.
const TOO_LITTLE: u64 = 5 << 20;
/// A difference below this (bytes) is no problem whatever its ratio.
const NEGLIGIBLE: u64 = 10 << 20;

/// MEMORY DOCTOR
fn doctor(cx: &mut Read<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let usage = Usage::of(cx);
    let clients = cx.server().clients.len() as u64;
    out.verbatim("txt", report(&usage, clients).as_bytes());
    Ok(())
}

/// What there is to say of the use of memory.
fn report(usage: &Usage, clients: u64) -> String {
    if usage.used < TOO_LITTLE {
        return "There is next to no data here, so there is nothing to find.\n".to_owned();
    }
    let exceeds = |part: u64, whole: u64, factor: f64| {
        part.saturating_sub(whole) > NEGLIGIBLE && ratio(part, whole) > factor
    };
    let mut found: Vec<String> = Vec::new();
    if exceeds(usage.peak, usage.used, 1.5) {
        found.push(format!(
            "The peak was {}, now it is {}. What the peak needed may still be with the process: \
             MEMORY PURGE gives it back.",
            human(usage.peak),
            human(usage.used)
        ));
    }
    if exceeds(usage.resident, usage.used, 1.4) {
        found.push(format!(
            "The process takes {} of the machine's memory for {} of data and structures. If the \
             peak was not long ago this passes; else the data's sizes vary in a way that leaves \
             gaps.",
            human(usage.resident),
            human(usage.used)
        ));
    }
    if exceeds(usage.allocator.active, usage.allocator.allocated, 1.1) {
        let lost = usage.allocator.active - usage.allocator.allocated;
        found.push(format!("Gaps between allocations take {}.", human(lost)));
    }
    if clients > 0 && usage.clients / clients > 200 << 10 {
        found.push(format!(
            "Each of {clients} clients holds {} on average: look for slow readers and long \
             pipelines in CLIENT LIST (omem, qbuf).",
            human(usage.clients / clients)
        ));
    }
    if found.is_empty() {
        return "Nothing is wrong with the use of memory as far as this can tell.\n".to_owned();
    }
    found.iter().map(|line| format!("* {line}\n")).collect()
}

/// MEMORY PURGE
fn purge(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if !process::purge() {
        return Err(CommandError::fixed("ERR Error purging dirty pages"));
    }
    out.ok();
    Ok(())
}

/// MEMORY MALLOC-STATS
fn malloc_stats(
    _cx: &mut SessionContext<'_>,
    _args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    out.verbatim("txt", &process::allocator_report());
    Ok(())
}

fn help(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    super::help::write(
        out,
        "MEMORY",
        &[
            "DOCTOR",
            "    Whether the use of memory looks healthy.",
            "MALLOC-STATS",
            "    What the allocator says of itself.",
            "PURGE",
            "    Give unused memory back to the system.",
            "STATS",
            "    Where the memory goes.",
            "USAGE <key> [SAMPLES <count>]",
            "    Bytes that a key and its value take. The count is accepted and not needed.",
        ],
    );
    Ok(())
}

const SUBCOMMANDS: &[Command] = &[
    Command::inspect("memory|doctor", 2, doctor)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .all_together()
        .docs(
            Group::Server,
            "4.0.0",
            "Says in words whether the use of memory looks healthy.",
            "O(1)",
        ),
    Command::session("memory|help", 2, help).flags(Flags::LOADING.and(Flags::STALE)).docs(
        Group::Server,
        "4.0.0",
        "Lists the subcommands.",
        "O(1)",
    ),
    Command::session("memory|malloc-stats", 2, malloc_stats)
        .flags(Flags::LOADING)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .docs(Group::Server, "4.0.0", "What the allocator says of itself.", "O(1)"),
    Command::session("memory|purge", 2, purge)
        .flags(Flags::LOADING.and(Flags::BARRIER))
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .docs(
            Group::Server,
            "4.0.0",
            "Has the allocator give unused memory back.",
            "Grows with the memory in use",
        ),
    Command::inspect("memory|stats", 2, stats)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .all_together()
        .docs(Group::Server, "4.0.0", "Where the memory goes, in figures.", "O(1)"),
    Command::read("memory|usage", -3, usage)
        .keys(const { &[KeySpec::one(2, "RO")] })
        .args(
            const {
                &[
                    Arg::new("key", ArgKind::Key(0)),
                    Arg::new("count", ArgKind::Integer).with_token("SAMPLES").optional(),
                ]
            },
        )
        .docs(
            Group::Server,
            "4.0.0",
            "How many bytes a key and its value take.",
            "O(N) in the number of elements looked at",
        ),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[Command::container("memory", SUBCOMMANDS).docs(
    Group::Server,
    "4.0.0",
    "Questions about the use of memory.",
    "Depends on the subcommand.",
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doctor_finds_what_is_wrong() {
        let well =
            Usage { used: 100 << 20, peak: 100 << 20, resident: 110 << 20, ..Usage::default() };
        assert!(report(&Usage::default(), 0).contains("nothing to find"));
        assert!(report(&well, 1).contains("Nothing is wrong"));
        assert!(report(&Usage { peak: 200 << 20, ..well }, 1).contains("peak"));
        assert!(report(&Usage { resident: 200 << 20, ..well }, 1).contains("200.00M"));
        assert!(report(&Usage { clients: 1 << 30, ..well }, 10).contains("10 clients"));
    }
}
