//! The one table of directives: for each its names, type, default, kind and flags, side by side.
//!
//! The table makes both the [`Config`] struct and the rows that files, the command line and
//! CONFIG read. A directive is added here and nowhere else. Must hold (the tests walk the table):
//! names are lower case and unique, a default survives printing and reading.

use std::path::PathBuf;

use super::absent::{ABSENT, AbsentValues};
use super::choice::{
    Access, AppendFsync, EvictionPolicy, LogLevel, OomScoreAdj, Supervision, VersionCheck,
};
use super::setting::{
    Field, Setting, clamped, integer, memory, octal, one_of, one_of_if, switch, switch_if, text,
    text_if,
};
use super::special::{
    DEFAULT_OUTPUT_LIMITS, MemoryLimit, OutputLimits, SavePoint, acceptor_count, addresses,
    append_dir_name, append_file_name, c_locale, class_limits, directory, memory_limit,
    no_append_only_file, no_daemon, no_events, no_supervisor, oom_scores, percentiles, save_points,
    snapshot_name, title_template,
};

/// Shard threads allowed: far beyond any machine, small enough that per-shard tables stay cheap.
pub const MAX_SHARDS: usize = 1024;
/// Acceptor threads allowed.
pub const MAX_ACCEPTORS: usize = 256;

const INT_MAX: i64 = i32::MAX as i64;
const INT_MIN: i64 = i32::MIN as i64;
const MB: u64 = 1 << 20;
/// Sizes that Redis keeps in a signed 64-bit integer end here.
const SIGNED_MAX: u64 = i64::MAX as u64;

/// One row of the table.
pub struct Directive {
    /// The name, in lower case.
    pub name: &'static str,
    /// The older name that means the same.
    pub alias: Option<&'static str>,
    /// Cannot be changed while the server runs.
    pub immutable: bool,
    /// Can be changed while the server runs only as `enable-protected-configs` says.
    pub protected: bool,
    /// Holds a secret: never to be logged.
    pub sensitive: bool,
    /// Is accepted, but what it sets is not there yet.
    pub without_effect: bool,
    /// Is found by its whole name only, not by a pattern.
    pub hidden: bool,
    /// How it is read and printed.
    pub(super) setting: &'static dyn Setting,
}

impl Directive {
    pub(super) const PLAIN: Directive = Directive {
        name: "",
        alias: None,
        immutable: false,
        protected: false,
        sensitive: false,
        without_effect: false,
        hidden: false,
        setting: &Nothing,
    };

    /// Finds a directive by name or alias, in any case.
    pub fn find(name: &[u8]) -> Option<&'static Directive> {
        Directive::all()
            .find(|row| row.names().any(|known| known.as_bytes().eq_ignore_ascii_case(name)))
    }

    /// Every directive: those of this table, then those of features that are missing.
    pub fn all() -> impl Iterator<Item = &'static Directive> {
        TABLE.iter().chain(ABSENT)
    }

    /// Its name and, if there is one, its alias.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.alias)
    }
}

/// The kind of [`Directive::PLAIN`], which every row replaces.
struct Nothing;

impl Setting for Nothing {
    fn parse(&self, _: &mut Config, _: &[&[u8]]) -> Result<(), super::setting::Reason> {
        Ok(())
    }

    fn format(&self, _: &Config) -> Vec<u8> {
        Vec::new()
    }
}

/// Makes the struct, its default and the table from rows of the form
/// `"name" | "alias", field: Type = default => kind(arguments…), flag, flag;`
macro_rules! directives {
    ($(
        $(#[$doc:meta])*
        $name:literal $(| $alias:literal)?,
        $field:ident: $ty:ty = $default:expr => $kind:ident($($argument:expr),*) $(, $flag:ident)*;
    )*) => {
        /// Every setting of the server, typed. Sizes are in bytes unless the name says otherwise.
        #[derive(Clone, PartialEq)]
        pub struct Config {
            $($(#[$doc])* pub $field: $ty,)*
            /// Values of directives whose feature is missing.
            pub absent: AbsentValues,
        }

        impl Default for Config {
            fn default() -> Self {
                Config { $($field: $default,)* absent: AbsentValues::default() }
            }
        }

        /// Every directive that has an effect, or will have one.
        pub static TABLE: &[Directive] = &[$(
            Directive {
                name: $name,
                $(alias: Some($alias),)?
                $($flag: true,)*
                setting: &$kind(
                    Field { get: |config| &config.$field, get_mut: |config| &mut config.$field },
                    $($argument),*
                ),
                ..Directive::PLAIN
            },
        )*];
    };
}

directives! {
    // Threads.

    /// Shard threads; the keys are divided among them. By default one per core that this process
    /// may use.
    "shards", shards: usize = available_cores() => integer(1..=MAX_SHARDS as i64), immutable;
    /// Threads that serve connections. By default half as many as there are shards on cores of
    /// their own, and at least one.
    "acceptors", acceptors: usize = default_acceptors(available_cores())
        => acceptor_count(MAX_ACCEPTORS as i64), immutable;
    /// Whether an idle shard lends its data to the acceptor that needs it.
    "lend", lend: bool = true => switch(), immutable;
    /// How long a thread that serves connections waits for more requests before it sleeps, in µs,
    /// when many clients ask at a time; 0: not at all. It makes fewer and larger turns of the event
    /// loop of what they ask.
    "acceptor-linger-us", acceptor_linger_us: u16 = 30 => integer(0..=1000);
    /// Accepted for the sake of Redis's files and without effect: see `shards` and `acceptors`.
    "io-threads", io_threads: u16 = 1 => integer(1..=256);

    // Network.

    /// TCP port; 0 means no TCP listener.
    "port", port: u16 = 6379 => integer(0..=65535);
    /// Addresses to listen on. `*` and `::*` mean every address of IPv4 and IPv6; after a `-` the
    /// address may be missing on this host.
    "bind", bind: Vec<String> = vec!["*".to_owned(), "-::*".to_owned()] => addresses();
    /// Path of the unix socket, if there is to be one.
    "unixsocket", unixsocket: Option<PathBuf> = None => text(), immutable;
    /// Permission bits of the unix socket; 0 leaves them to the umask.
    "unixsocketperm", unixsocketperm: u32 = 0 => octal(), immutable;
    /// Group of the unix socket, by name or number, if not the process's own.
    "unixsocketgroup", unixsocketgroup: Option<Vec<u8>> = None => text(), immutable;
    /// Connections that the kernel keeps waiting to be accepted.
    "tcp-backlog", tcp_backlog: u32 = 511 => integer(0..=INT_MAX), immutable;
    /// Seconds between probes of a silent connection; 0 means none.
    "tcp-keepalive", tcp_keepalive: u32 = 300 => integer(0..=INT_MAX);
    /// Seconds after which an idle client is closed; 0 means never.
    "timeout", timeout: u32 = 0 => integer(0..=INT_MAX);
    /// Clients served at the same time.
    "maxclients", maxclients: u32 = 10_000 => integer(1..=u32::MAX as i64);
    /// Whether clients from other hosts are refused while no password is set.
    "protected-mode", protected_mode: bool = true => switch();
    /// Bytes in one argument of a request.
    "proto-max-bulk-len", proto_max_bulk_len: u64 = 512 * MB => memory(MB..=SIGNED_MAX);
    /// Bytes received from one client and not yet executed.
    "client-query-buffer-limit", client_query_buffer_limit: u64 = 1024 * MB
        => memory(MB..=SIGNED_MAX);
    /// What clients of each class may leave unread.
    "client-output-buffer-limit", client_output_buffer_limit: OutputLimits = DEFAULT_OUTPUT_LIMITS
        => class_limits();
    /// What all clients together may hold; 0 means no limit.
    "maxmemory-clients", maxmemory_clients: MemoryLimit = MemoryLimit::Bytes(0) => memory_limit();
    /// Where this server stands, told to clients by HELLO and INFO.
    "availability-zone", availability_zone: Vec<u8> = Vec::new() => text();
    /// Whether the server presents itself as Redis to clients that insist on it.
    "extended-redis-compatibility", extended_redis_compatibility: bool = false => switch();

    // Access.

    /// The password of the default user.
    "requirepass", requirepass: Option<Vec<u8>> = None => text(), sensitive;
    /// Who may use DEBUG.
    "enable-debug-command", enable_debug_command: Access = Access::No => one_of(), immutable;
    /// Who may change protected directives by CONFIG SET.
    "enable-protected-configs", enable_protected_configs: Access = Access::No
        => one_of(), immutable;

    // Keyspace, expiry and memory.

    /// Logical databases, numbered from 0.
    "databases", databases: u32 = 16 => integer(1..=INT_MAX), immutable;
    /// Bytes of memory for the data; 0 means no limit.
    "maxmemory", maxmemory: u64 = 0 => memory(0..=u64::MAX);
    /// What to do beyond `maxmemory`.
    "maxmemory-policy", maxmemory_policy: EvictionPolicy = EvictionPolicy::NoEviction => one_of();
    /// Keys compared for one eviction.
    "maxmemory-samples", maxmemory_samples: u8 = 5 => integer(1..=64);
    /// How long one write may be held up by eviction: 0 hardly, 100 until memory is below the
    /// limit.
    "maxmemory-eviction-tenacity", maxmemory_eviction_tenacity: u8 = 10 => integer(0..=100);
    /// How many accesses it takes to saturate the counter of LFU.
    "lfu-log-factor", lfu_log_factor: u32 = 10 => integer(0..=INT_MAX);
    /// Minutes after which the counter of LFU loses one; 0 means it loses one at every look.
    "lfu-decay-time", lfu_decay_time: u32 = 1 => integer(0..=INT_MAX);
    /// Background rounds per second.
    "hz", hz: u32 = 10 => clamped(0..=INT_MAX, 1..=500);
    /// How hard the search for expired keys works.
    "active-expire-effort", active_expire_effort: u8 = 1 => integer(1..=10);
    /// Accepted for the sake of Redis's files: the table of keys always grows in small steps.
    "activerehashing", activerehashing: bool = true => switch();
    /// Whether memory that has been free for some seconds goes back to the system by itself.
    "jemalloc-bg-thread", jemalloc_bg_thread: bool = true => switch();
    /// Whether evicted values are freed in the background.
    "lazyfree-lazy-eviction", lazyfree_lazy_eviction: bool = true => switch();
    /// Whether expired values are freed in the background.
    "lazyfree-lazy-expire", lazyfree_lazy_expire: bool = true => switch();
    /// Whether values that a command replaces are freed in the background.
    "lazyfree-lazy-server-del", lazyfree_lazy_server_del: bool = true => switch();
    /// Whether DEL frees in the background, like UNLINK.
    "lazyfree-lazy-user-del", lazyfree_lazy_user_del: bool = true => switch();
    /// Whether FLUSHALL and FLUSHDB free in the background when not told.
    "lazyfree-lazy-user-flush", lazyfree_lazy_user_flush: bool = true => switch();

    // Encodings of collections.

    /// Size of a list's nodes: so many elements if positive; -1 to -5 for 4, 8, 16, 32, 64 KiB.
    "list-max-listpack-size" | "list-max-ziplist-size",
        list_max_listpack_size: i32 = -2 => integer(INT_MIN..=INT_MAX);
    /// Nodes at each end of a list that are not compressed, while those between them are; 0 for no
    /// compression. Holds for lists that become quicklists from now on.
    "list-compress-depth", list_compress_depth: u32 = 0 => integer(0..=INT_MAX);

    /// Integers that a set keeps as an intset at most.
    "set-max-intset-entries", set_max_intset_entries: usize = 512 => integer(0..=i64::MAX);
    /// Members that a set keeps as a listpack at most.
    "set-max-listpack-entries", set_max_listpack_entries: usize = 128 => integer(0..=i64::MAX);
    /// Bytes of the longest member of a set in a listpack.
    "set-max-listpack-value", set_max_listpack_value: usize = 64 => integer(0..=i64::MAX);
    /// Fields that a hash keeps as a listpack at most.
    "hash-max-listpack-entries" | "hash-max-ziplist-entries",
        hash_max_listpack_entries: usize = 512 => integer(0..=i64::MAX);
    /// Bytes of the longest field or value of a hash in a listpack.
    "hash-max-listpack-value" | "hash-max-ziplist-value",
        hash_max_listpack_value: usize = 64 => integer(0..=i64::MAX);
    /// Bytes of a stream's node; 0 for no bound of its own.
    "stream-node-max-bytes", stream_node_max_bytes: u64 = 4096 => memory(0..=SIGNED_MAX);
    /// Entries of a stream's node; 0 for no bound.
    "stream-node-max-entries", stream_node_max_entries: u64 = 100 => integer(0..=i64::MAX);
    /// Members that a sorted set keeps as a listpack at most.
    "zset-max-listpack-entries" | "zset-max-ziplist-entries",
        zset_max_listpack_entries: usize = 128 => integer(0..=i64::MAX);
    /// Bytes of the longest member of a sorted set in a listpack.
    "zset-max-listpack-value" | "zset-max-ziplist-value",
        zset_max_listpack_value: u64 = 64 => memory(0..=i64::MAX as u64);
    /// Bytes of the longest HyperLogLog in sparse form.
    "hll-sparse-max-bytes", hll_sparse_max_bytes: u64 = 3000 => memory(0..=SIGNED_MAX);

    // Events and order.

    /// Classes of keyspace event to publish.
    "notify-keyspace-events", notify_keyspace_events: Vec<u8> = Vec::new() => text_if(no_events);
    /// The locale that texts are compared in.
    "locale-collate", locale_collate: Vec<u8> = Vec::new() => text_if(c_locale);

    // Observation.

    /// Microseconds that make a command slow; 0 logs every command, -1 none.
    "commandlog-execution-slower-than" | "slowlog-log-slower-than",
        slowlog_log_slower_than: i64 = 10_000 => integer(-1..=i64::MAX);
    /// Slow commands remembered.
    "commandlog-slow-execution-max-len" | "slowlog-max-len",
        slowlog_max_len: u64 = 128 => integer(0..=i64::MAX);
    /// Bytes that make a request large; 0 logs every command, -1 none.
    "commandlog-request-larger-than", commandlog_request_larger_than: i64 = MB as i64
        => integer(-1..=i64::MAX);
    /// Large requests remembered.
    "commandlog-large-request-max-len", commandlog_large_request_max_len: u64 = 128
        => integer(0..=i64::MAX);
    /// Bytes that make a reply large; 0 logs every command, -1 none.
    "commandlog-reply-larger-than", commandlog_reply_larger_than: i64 = MB as i64
        => integer(-1..=i64::MAX);
    /// Large replies remembered.
    "commandlog-large-reply-max-len", commandlog_large_reply_max_len: u64 = 128
        => integer(0..=i64::MAX);
    /// Milliseconds that make an event worth recording for LATENCY; 0 records none.
    "latency-monitor-threshold", latency_monitor_threshold: u64 = 0 => integer(0..=i64::MAX);
    /// Whether the time of every command is counted, by command.
    "latency-tracking", latency_tracking: bool = true => switch();
    /// Percentiles of those times that INFO shows.
    "latency-tracking-info-percentiles", latency_tracking_info_percentiles: Vec<f64> =
        vec![50.0, 99.0, 99.9] => percentiles();
    /// Whether RESTORE refuses payloads of an unknown version.
    "rdb-version-check", rdb_version_check: VersionCheck = VersionCheck::Strict => one_of();
    /// How much the log says.
    "loglevel", loglevel: LogLevel = LogLevel::Notice => one_of();
    /// The log's file; standard output if there is none.
    "logfile", logfile: Option<PathBuf> = None => text(), immutable;
    /// Whether keys and arguments are kept out of the log, whatever happens.
    "hide-user-data-from-log", hide_user_data_from_log: bool = true => switch();
    /// Whether a crash is described in the log.
    "crash-log-enabled", crash_log_enabled: bool = true => switch();

    // The process.

    /// The file to write the process id to.
    "pidfile", pidfile: Option<PathBuf> = None => text(), immutable;
    /// Whether to go to the background: no.
    "daemonize", daemonize: bool = false => switch_if(no_daemon), immutable;
    /// Who is told that the server is ready.
    "supervised", supervised: Supervision = Supervision::No => one_of_if(no_supervisor), immutable;
    /// Whether the logo is logged even when the log is not a terminal.
    "always-show-logo", always_show_logo: bool = false => switch(), immutable;
    /// Whether the process names itself by `proc-title-template`.
    "set-proc-title", set_proc_title: bool = true => switch(), immutable;
    /// What the process is called, with variables in braces.
    "proc-title-template", proc_title_template: Vec<u8> =
        b"{title} {listen-addr} {server-mode}".to_vec() => text_if(title_template);
    /// How the process sets its chance to be ended when the machine runs out of memory.
    "oom-score-adj", oom_score_adj: OomScoreAdj = OomScoreAdj::No => one_of();
    /// The scores for that. The first counts: there are no replicas, and no children that save.
    "oom-score-adj-values", oom_score_adj_values: [i32; 3] = [0, 200, 800] => oom_scores();

    // Durability.

    /// The directory of data files; the process works in it.
    "dir", dir: PathBuf = PathBuf::from(".") => directory(), protected;
    /// The snapshot's file.
    "dbfilename", dbfilename: Vec<u8> = b"dump.rdb".to_vec() => text_if(snapshot_name), protected,
        without_effect;
    /// When to save a snapshot.
    "save", save: Vec<SavePoint> = Vec::new() => save_points();
    /// Whether snapshots are compressed.
    "rdbcompression", rdbcompression: bool = true => switch(), without_effect;
    /// Whether snapshots end with a checksum, and loading verifies it.
    "rdbchecksum", rdbchecksum: bool = true => switch(), immutable, without_effect;
    /// Whether writes are refused after a snapshot failed.
    "stop-writes-on-bgsave-error", stop_writes_on_bgsave_error: bool = true => switch(), without_effect;
    /// Whether every write goes to the append-only file.
    "appendonly", appendonly: bool = false => switch_if(no_append_only_file);
    /// When that file is forced to disk.
    "appendfsync", appendfsync: AppendFsync = AppendFsync::Everysec => one_of(), without_effect;
    /// The stem of its files' names.
    "appendfilename", appendfilename: Vec<u8> = b"appendonly.aof".to_vec()
        => text_if(append_file_name), immutable, without_effect;
    /// The directory of its files, inside `dir`.
    "appenddirname", appenddirname: Vec<u8> = b"appendonlydir".to_vec()
        => text_if(append_dir_name), immutable, without_effect;
}

/// Cores that this process may use, as the operating system and its limits say.
fn available_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MAX_SHARDS)
}

/// Acceptors for so many shards: half of those that can run at the same time, at least one. Few
/// busy acceptors beat many half-idle ones, since their batches are larger.
pub(super) fn default_acceptors(shards: usize) -> usize {
    (shards.min(available_cores()) / 2).clamp(1, MAX_ACCEPTORS)
}

impl std::fmt::Debug for Config {
    /// Lists every directive, with secrets left out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rows = f.debug_map();
        for row in Directive::all() {
            let value = if row.sensitive { b"(hidden)".to_vec() } else { row.setting.format(self) };
            rows.entry(&row.name, &String::from_utf8_lossy(&value));
        }
        rows.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::setting::Words;
    use super::*;
    use std::collections::HashSet;

    /// The value as CONFIG SET would split it.
    fn read_back(row: &Directive, value: &[u8], config: &mut Config) {
        let words: Vec<&[u8]> = match row.setting.words() {
            Words::One => vec![value],
            Words::Any if value.is_empty() => vec![],
            Words::Any => value.split(|&byte| byte == b' ').collect(),
        };
        row.setting.parse(config, &words).unwrap_or_else(|reason| panic!("{}: {reason}", row.name));
    }

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut seen = HashSet::new();
        for name in Directive::all().flat_map(Directive::names) {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
            assert!(name.bytes().all(fits), "{name}");
            assert!(seen.insert(name), "{name} twice");
            let shouted = name.to_ascii_uppercase();
            assert!(Directive::find(shouted.as_bytes()).is_some());
        }
    }

    #[test]
    fn defaults_survive_printing_and_reading() {
        let default = Config::default();
        for row in Directive::all() {
            let value = row.setting.format(&default);
            let mut config = Config::default();
            read_back(row, &value, &mut config);
            assert_eq!(row.setting.format(&config), value, "{}", row.name);
            assert!(row.setting.is_default(&default, &default), "{}", row.name);
            for line in row.setting.lines(&default, &default) {
                let words = super::super::line::split(&line).unwrap();
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                row.setting.parse(&mut config, &words).unwrap();
            }
            assert_eq!(row.setting.format(&config), value, "{}", row.name);
        }
    }

    /// What CONFIG GET of Valkey 9.1 prints on a fresh server.
    const VALKEY_DEFAULTS: &[(&str, &str)] = &[
        ("active-expire-effort", "1"),
        ("activerehashing", "yes"),
        ("always-show-logo", "no"),
        ("appenddirname", "appendonlydir"),
        ("appendfilename", "appendonly.aof"),
        ("appendfsync", "everysec"),
        ("appendonly", "no"),
        ("availability-zone", ""),
        ("bind", "* -::*"),
        (
            "client-output-buffer-limit",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        ),
        ("client-query-buffer-limit", "1073741824"),
        ("commandlog-execution-slower-than", "10000"),
        ("commandlog-large-reply-max-len", "128"),
        ("commandlog-large-request-max-len", "128"),
        ("commandlog-reply-larger-than", "1048576"),
        ("commandlog-request-larger-than", "1048576"),
        ("commandlog-slow-execution-max-len", "128"),
        ("crash-log-enabled", "yes"),
        ("daemonize", "no"),
        ("databases", "16"),
        ("dbfilename", "dump.rdb"),
        ("enable-debug-command", "no"),
        ("enable-protected-configs", "no"),
        ("extended-redis-compatibility", "no"),
        ("hash-max-listpack-entries", "512"),
        ("hash-max-listpack-value", "64"),
        ("hash-max-ziplist-entries", "512"),
        ("hash-max-ziplist-value", "64"),
        ("hide-user-data-from-log", "yes"),
        ("hz", "10"),
        ("io-threads", "1"),
        ("list-compress-depth", "0"),
        ("jemalloc-bg-thread", "yes"),
        ("list-max-listpack-size", "-2"),
        ("list-max-ziplist-size", "-2"),
        ("latency-monitor-threshold", "0"),
        ("latency-tracking", "yes"),
        ("latency-tracking-info-percentiles", "50 99 99.9"),
        ("lazyfree-lazy-eviction", "yes"),
        ("lazyfree-lazy-expire", "yes"),
        ("lazyfree-lazy-server-del", "yes"),
        ("lazyfree-lazy-user-del", "yes"),
        ("lazyfree-lazy-user-flush", "yes"),
        ("lfu-decay-time", "1"),
        ("lfu-log-factor", "10"),
        ("locale-collate", ""),
        ("logfile", ""),
        ("rdb-version-check", "strict"),
        ("loglevel", "notice"),
        ("maxclients", "10000"),
        ("maxmemory", "0"),
        ("maxmemory-clients", "0"),
        ("maxmemory-eviction-tenacity", "10"),
        ("maxmemory-policy", "noeviction"),
        ("maxmemory-samples", "5"),
        ("notify-keyspace-events", ""),
        ("oom-score-adj", "no"),
        ("oom-score-adj-values", "0 200 800"),
        ("pidfile", ""),
        ("port", "6379"),
        ("proc-title-template", "{title} {listen-addr} {server-mode}"),
        ("protected-mode", "yes"),
        ("proto-max-bulk-len", "536870912"),
        ("rdbchecksum", "yes"),
        ("rdbcompression", "yes"),
        ("requirepass", ""),
        ("set-max-intset-entries", "512"),
        ("set-max-listpack-entries", "128"),
        ("set-max-listpack-value", "64"),
        ("set-proc-title", "yes"),
        ("slowlog-log-slower-than", "10000"),
        ("slowlog-max-len", "128"),
        ("stream-node-max-bytes", "4096"),
        ("stream-node-max-entries", "100"),
        ("stop-writes-on-bgsave-error", "yes"),
        ("supervised", "no"),
        ("tcp-backlog", "511"),
        ("tcp-keepalive", "300"),
        ("timeout", "0"),
        ("unixsocket", ""),
        ("unixsocketgroup", ""),
        ("unixsocketperm", "0"),
        ("hll-sparse-max-bytes", "3000"),
        ("zset-max-listpack-entries", "128"),
        ("zset-max-listpack-value", "64"),
        ("zset-max-ziplist-entries", "128"),
        ("zset-max-ziplist-value", "64"),
    ];

    #[test]
    fn defaults_are_those_of_valkey() {
        // Ours; the working directory; and snapshots, which this version does not take. The
        // directives of features that are missing are compared with Valkey by tests/it.
        let different = ["shards", "acceptors", "lend", "acceptor-linger-us", "dir", "save"];
        let default = Config::default();
        for row in TABLE {
            for name in row.names().filter(|name| !different.contains(name)) {
                let (_, value) = VALKEY_DEFAULTS
                    .iter()
                    .find(|(known, _)| *known == name)
                    .unwrap_or_else(|| panic!("{name} is not in the list"));
                assert_eq!(
                    row.setting.format(&default).escape_ascii().to_string(),
                    *value,
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn ranges_fit_their_types() {
        // A bound that the field cannot hold would be refused with the text that names it.
        for row in TABLE {
            let mut config = Config::default();
            let Err(reason) = row.setting.parse(&mut config, &[b"-9223372036854775808"]) else {
                continue;
            };
            let Some(bounds) = reason.strip_prefix("argument must be between ") else { continue };
            let (low, rest) = bounds.split_once(" and ").unwrap();
            let high = rest.split_once(' ').unwrap().0;
            for bound in [low, high] {
                row.setting.parse(&mut config, &[bound.as_bytes()]).unwrap();
            }
        }
    }

    #[test]
    fn a_refused_value_changes_nothing() {
        for row in Directive::all() {
            let mut config = Config::default();
            for words in [&[&b"\xff no such value"[..]][..], &[b"normal", b"1", b"2", b"x"]] {
                if row.setting.words() == Words::One && words.len() != 1 {
                    continue;
                }
                if row.setting.parse(&mut config, words).is_err() {
                    assert_eq!(config, Config::default(), "{}", row.name);
                }
            }
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = Config { requirepass: Some(b"hunter2".to_vec()), ..Config::default() };
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
