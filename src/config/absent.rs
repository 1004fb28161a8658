//! Directives of features that this version does not have: configuration files of Redis and
//! Valkey name them, so they are known, checked, kept and written back, and change nothing.
//!
//! One table says for each its name, default and shape, grouped by the feature that is missing.
//! Must hold: a value that promises safety, durability or identity is refused (its shape says
//! [`Shape::promise`]); what is accepted is named in the log at the start. Defaults and shapes
//! are those of CONFIG in Valkey 9.1. A feature that arrives takes its rows along to `table.rs`.

use std::collections::BTreeMap;

use super::line;
use super::setting::{
    Reason, Setting, Words, format_memory, not_one_of, out_of_range, parse_integer, parse_memory,
};
use super::table::{Config, Directive};

/// The values that are not the default, by the name of their directive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbsentValues(BTreeMap<&'static str, Vec<u8>>);

/// A directive of a feature that is missing.
struct Absent {
    name: &'static str,
    default: &'static str,
    shape: Shape,
    /// The feature, as it stands after "this version of Baton has no".
    feature: &'static str,
}

/// What values a directive takes.
#[derive(Clone, Copy)]
struct Shape {
    kind: Kind,
    /// Whether another value than the default would promise what cannot be kept.
    is_promise: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    YesNo,
    Integer(i64, i64),
    /// Bytes; -1 as well if the lower bound is.
    Memory(i64, u64),
    OneOf(&'static [&'static str]),
    Text,
    Ipv4,
    Ipv6,
    /// Characters that the text may consist of besides letters and digits, and what to say
    /// otherwise.
    Name(&'static [u8], &'static str),
    /// A host and its port; `no one` is none.
    Primary,
    /// Any of the words after the first, which stands for none of them.
    Flags(&'static [&'static str]),
}

impl Shape {
    const fn of(kind: Kind) -> Shape {
        Shape { kind, is_promise: false }
    }

    const fn promise(self) -> Shape {
        Shape { is_promise: true, ..self }
    }
}

const INT_MAX: i64 = i32::MAX as i64;
const LONG_MAX: i64 = i64::MAX;
const SIGNED_MAX: u64 = i64::MAX as u64;

const YES_NO: Shape = Shape::of(Kind::YesNo);
const TEXT: Shape = Shape::of(Kind::Text);
const PORT: Shape = integer(0, 65535);
const NATURAL: Shape = integer(0, INT_MAX);
const PERCENT: Shape = integer(0, 1000);

const fn integer(low: i64, high: i64) -> Shape {
    Shape::of(Kind::Integer(low, high))
}

const fn memory(low: i64, high: u64) -> Shape {
    Shape::of(Kind::Memory(low, high))
}

const fn one_of(words: &'static [&'static str]) -> Shape {
    Shape::of(Kind::OneOf(words))
}

/// Makes the table from rows of the form `"name" | "alias" = "default" => SHAPE, flag, flag;`
/// under the feature that they belong to.
macro_rules! absent {
    ($($feature:literal {$(
        $name:literal $(| $alias:literal)? = $default:literal => $shape:expr $(, $flag:ident)*;
    )*})*) => {
        /// Every directive that is accepted without effect.
        pub static ABSENT: &[Directive] = &[$($(
            Directive {
                name: $name,
                $(alias: Some($alias),)?
                $($flag: true,)*
                without_effect: true,
                setting: &Absent {
                    name: $name, default: $default, shape: $shape, feature: $feature,
                },
                ..Directive::PLAIN
            },
        )*)*];
    };
}

absent! {
    "replication" {
        "replicaof" | "slaveof" = "" => Shape::of(Kind::Primary).promise(), immutable;
        "primaryauth" | "masterauth" = "" => TEXT, sensitive;
        "primaryuser" | "masteruser" = "" => TEXT;
        "min-replicas-to-write" | "min-slaves-to-write" = "0" => NATURAL.promise();
        "min-replicas-max-lag" | "min-slaves-max-lag" = "10" => NATURAL;
        "bind-source-addr" = "" => TEXT;
        "dual-channel-replication-enabled" = "no" => YES_NO;
        "propagation-error-behavior" = "ignore" => one_of(&["ignore", "panic", "panic-on-replicas"]);
        "rdb-del-sync-files" = "no" => YES_NO;
        "repl-backlog-size" = "10485760" => memory(1, SIGNED_MAX);
        "repl-backlog-ttl" = "3600" => integer(0, LONG_MAX);
        "repl-disable-tcp-nodelay" = "no" => YES_NO;
        "repl-diskless-load" = "disabled"
            => one_of(&["disabled", "on-empty-db", "swapdb", "flush-before-load"]);
        "repl-diskless-sync" = "yes" => YES_NO;
        "repl-diskless-sync-delay" = "5" => NATURAL;
        "repl-diskless-sync-max-replicas" = "0" => NATURAL;
        "repl-mptcp" = "no" => YES_NO, immutable;
        "repl-ping-replica-period" | "repl-ping-slave-period" = "10" => integer(1, INT_MAX);
        "repl-timeout" = "60" => integer(1, INT_MAX);
        "replica-announce-ip" | "slave-announce-ip" = "" => TEXT;
        "replica-announce-port" | "slave-announce-port" = "0" => PORT;
        "replica-announced" = "yes" => YES_NO;
        "replica-ignore-disk-write-errors" = "no" => YES_NO;
        "replica-ignore-maxmemory" | "slave-ignore-maxmemory" = "yes" => YES_NO;
        "replica-lazy-flush" | "slave-lazy-flush" = "yes" => YES_NO;
        "replica-priority" | "slave-priority" = "100" => NATURAL;
        "replica-read-only" | "slave-read-only" = "yes" => YES_NO;
        "replica-serve-stale-data" | "slave-serve-stale-data" = "yes" => YES_NO;
        "shutdown-timeout" = "10" => NATURAL;
    }
    "snapshots" {
        "bgsave-cpulist" | "bgsave_cpulist" = "" => TEXT, immutable;
        "rdb-save-incremental-fsync" = "yes" => YES_NO;
        "rdb-key-save-delay" = "0" => integer(i32::MIN as i64, INT_MAX), hidden;
        "key-load-delay" = "0" => integer(i32::MIN as i64, INT_MAX), hidden;
        "loading-process-events-interval-bytes" = "2097152" => integer(1024, INT_MAX), hidden;
    }
    "append-only file" {
        "aof-load-truncated" = "yes" => YES_NO;
        "aof-rewrite-cpulist" | "aof_rewrite_cpulist" = "" => TEXT, immutable;
        "aof-rewrite-incremental-fsync" = "yes" => YES_NO;
        "aof-timestamp-enabled" = "no" => YES_NO;
        "aof-use-rdb-preamble" = "yes" => YES_NO;
        "auto-aof-rewrite-min-size" = "67108864" => memory(0, SIGNED_MAX);
        "auto-aof-rewrite-percentage" = "100" => NATURAL;
        "no-appendfsync-on-rewrite" = "no" => YES_NO;
    }
    "cluster" {
        "cluster-enabled" = "no" => YES_NO.promise(), immutable;
        "cluster-allow-pubsubshard-when-down" = "yes" => YES_NO;
        "cluster-allow-reads-when-down" = "no" => YES_NO;
        "cluster-allow-replica-migration" = "yes" => YES_NO;
        "cluster-announce-bus-port" = "0" => PORT;
        "cluster-announce-client-ipv4" = "" => Shape::of(Kind::Ipv4);
        "cluster-announce-client-ipv6" = "" => Shape::of(Kind::Ipv6);
        "cluster-announce-client-port" = "0" => PORT;
        "cluster-announce-client-tls-port" = "0" => PORT;
        "cluster-announce-hostname" = "" => Shape::of(Kind::Name(
            b"-.", "Hostnames may only contain alphanumeric characters, hyphens or dots"));
        "cluster-announce-human-nodename" = "" => Shape::of(Kind::Name(
            b"-._", "Announced human node name contained invalid character"));
        "cluster-announce-ip" = "" => TEXT;
        "cluster-announce-port" = "0" => PORT;
        "cluster-announce-tls-port" = "0" => PORT;
        "cluster-blacklist-ttl" = "60" => integer(i64::MIN, LONG_MAX);
        "cluster-config-file" = "nodes.conf" => TEXT, immutable;
        "cluster-config-save-behavior" = "sync" => one_of(&["sync", "best-effort"]);
        "cluster-databases" = "1" => integer(1, INT_MAX), immutable;
        "cluster-link-sendbuf-limit" = "0" => memory(0, u64::MAX);
        "cluster-manual-failover-timeout" = "5000" => integer(1, INT_MAX);
        "cluster-migration-barrier" = "1" => NATURAL;
        "cluster-node-timeout" = "15000" => integer(0, LONG_MAX);
        "cluster-port" = "0" => PORT, immutable;
        "cluster-preferred-endpoint-type" = "ip" => one_of(&["ip", "hostname", "unknown-endpoint"]);
        "cluster-replica-no-failover" | "cluster-slave-no-failover" = "no" => YES_NO;
        "cluster-replica-validity-factor" | "cluster-slave-validity-factor" = "10" => NATURAL;
        "cluster-require-full-coverage" = "yes" => YES_NO;
        "cluster-slot-migration-log-max-len" = "1000" => integer(0, LONG_MAX);
        "cluster-slot-stats-enabled" = "no" => YES_NO;
        "slot-migration-max-failover-repl-bytes" = "0" => memory(-1, SIGNED_MAX);
    }
    "TLS" {
        "tls-port" = "0" => PORT.promise();
        "tls-cluster" = "no" => YES_NO.promise();
        "tls-replication" = "no" => YES_NO.promise();
        "max-new-tls-connections-per-cycle" = "1" => integer(1, 1000);
        "tls-auth-clients" = "yes" => one_of(&["no", "yes", "optional"]);
        "tls-auth-clients-user" = "off" => one_of(&["CN", "URI", "off"]);
        "tls-auto-reload-interval" = "0" => NATURAL;
        "tls-ca-cert-dir" = "" => TEXT;
        "tls-ca-cert-file" = "" => TEXT;
        "tls-cert-file" = "" => TEXT;
        "tls-ciphers" = "" => TEXT;
        "tls-ciphersuites" = "" => TEXT;
        "tls-client-cert-file" = "" => TEXT;
        "tls-client-key-file" = "" => TEXT;
        "tls-client-key-file-pass" = "" => TEXT, sensitive;
        "tls-dh-params-file" = "" => TEXT;
        "tls-key-file" = "" => TEXT;
        "tls-key-file-pass" = "" => TEXT, sensitive;
        "tls-prefer-server-ciphers" = "no" => YES_NO;
        "tls-protocols" = "" => TEXT;
        "tls-session-cache-size" = "20480" => NATURAL;
        "tls-session-cache-timeout" = "300" => NATURAL;
        "tls-session-caching" = "yes" => YES_NO;
    }
    "ACL" {
        "aclfile" = "" => TEXT.promise(), immutable;
        "acl-pubsub-default" = "resetchannels" => one_of(&["allchannels", "resetchannels"]);
        "acllog-max-len" = "128" => integer(0, LONG_MAX);
    }
    "scripts" {
        "busy-reply-threshold" | "lua-time-limit" = "5000" => integer(0, LONG_MAX);
        "lua-enable-insecure-api" = "no" => YES_NO, hidden;
    }
    "modules" {
        "enable-module-command" = "no" => one_of(&["no", "yes", "local"]), immutable;
    }
    "client tracking" {
        "tracking-table-max-keys" = "1000000" => integer(0, LONG_MAX);
    }
    "defragmentation" {
        "activedefrag" = "no" => YES_NO;
        "active-defrag-cycle-max" = "25" => integer(1, 99);
        "active-defrag-cycle-min" = "1" => integer(1, 99);
        "active-defrag-cycle-us" = "500" => integer(0, 100_000);
        "active-defrag-ignore-bytes" = "104857600" => memory(1, SIGNED_MAX);
        "active-defrag-max-scan-fields" = "1000" => integer(1, LONG_MAX);
        "active-defrag-threshold-lower" = "10" => PERCENT;
        "active-defrag-threshold-upper" = "100" => PERCENT;
    }
    "import mode" {
        "import-mode" = "no" => YES_NO.promise();
    }
    "RDMA" {
        "rdma-bind" = "" => TEXT.promise();
        "rdma-port" = "0" => PORT.promise();
        "rdma-completion-vector" = "-1" => integer(-1, 1024), immutable;
        "rdma-rx-size" = "1048576" => integer(65536, 16 << 20), immutable;
    }
    "such choice" {
        "bio-cpulist" | "bio_cpulist" = "" => TEXT, immutable;
        "crash-memcheck-enabled" = "yes" => YES_NO;
        "disable-thp" = "yes" => YES_NO, immutable;
        "hash-seed" = "" => TEXT, immutable;
        "ignore-warnings" = "" => TEXT;
        "io-threads-always-active" = "no" => YES_NO, hidden;
        "log-format" = "legacy" => one_of(&["legacy", "logfmt", "json"]);
        "log-timestamp-format" = "legacy" => one_of(&["legacy", "iso8601", "milliseconds"]);
        "max-new-connections-per-cycle" = "10" => integer(1, 1000);
        "mptcp" = "no" => YES_NO, immutable;
        "prefetch-batch-max-size" = "16" => integer(0, 128);
        "server-cpulist" | "server_cpulist" = "" => TEXT, immutable;
        "shutdown-on-sigint" = "default" => Shape::of(Kind::Flags(SHUTDOWN_FLAGS));
        "shutdown-on-sigterm" = "default" => Shape::of(Kind::Flags(SHUTDOWN_FLAGS));
        "socket-mark-id" = "0" => integer(0, u32::MAX as i64).promise(), immutable;
        "syslog-enabled" = "no" => YES_NO, immutable;
        "syslog-facility" = "local0" => one_of(&[
            "user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
        ]), immutable;
        "syslog-ident" = "valkey" => TEXT, immutable;
        "watchdog-period" = "0" => NATURAL, hidden;
    }
}

/// How a signal may end the server, in the order in which CONFIG GET names them.
const SHUTDOWN_FLAGS: &[&str] = &["default", "save", "nosave", "now", "force", "safe", "failover"];

impl Setting for Absent {
    fn words(&self) -> Words {
        match self.shape.kind {
            Kind::Primary | Kind::Flags(_) => Words::Any,
            _ => Words::One,
        }
    }

    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let value = self.shape.kind.read(words)?;
        let is_default = value == self.default.as_bytes();
        if self.shape.is_promise && !is_default {
            let Absent { name, feature, .. } = self;
            let only = if self.default.is_empty() { "\"\"" } else { self.default };
            let text =
                format!("this version of Baton has no {feature}: only {name} {only} is possible");
            return Err(text.into());
        }
        let values = &mut config.absent.0;
        match is_default {
            true => values.remove(self.name),
            false => values.insert(self.name, value),
        };
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        config.absent.0.get(self.name).cloned().unwrap_or_else(|| self.default.into())
    }

    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        let value = self.format(config);
        let line = match self.shape.kind {
            Kind::Memory(..) => match parse_memory(&value) {
                Some(bytes) => format_memory(bytes).into_bytes(),
                None => value,
            },
            Kind::YesNo | Kind::Integer(..) | Kind::OneOf(_) | Kind::Flags(_) => value,
            _ => line::quote(&value),
        };
        vec![line]
    }
}

impl Kind {
    /// The words as CONFIG GET would print them.
    fn read(self, words: &[&[u8]]) -> Result<Vec<u8>, Reason> {
        let word = words.first().copied().unwrap_or_default();
        let text = || word.to_vec();
        match self {
            Kind::YesNo => {
                let known = ["yes", "no"].iter().find(|known| is(known, word));
                known
                    .map(|known| known.as_bytes().to_vec())
                    .ok_or("argument must be 'yes' or 'no'".into())
            }
            Kind::OneOf(choices) => {
                let known = choices.iter().find(|known| is(known, word));
                known.map(|known| known.as_bytes().to_vec()).ok_or_else(|| not_one_of(choices))
            }
            Kind::Integer(low, high) => {
                let number = parse_integer(word)
                    .ok_or(Reason::Borrowed("argument couldn't be parsed into an integer"))?;
                if (low..=high).contains(&number) {
                    Ok(text())
                } else {
                    Err(out_of_range(low, high))
                }
            }
            Kind::Memory(low, _) if low < 0 && word == low.to_string().as_bytes() => Ok(text()),
            Kind::Memory(low, high) => {
                let bytes = parse_memory(word)
                    .ok_or(Reason::Borrowed("argument must be a memory value"))?;
                let fits = i128::from(bytes) >= i128::from(low) && bytes <= high;
                if fits { Ok(bytes.to_string().into()) } else { Err(out_of_range(low, high)) }
            }
            Kind::Text => Ok(text()),
            Kind::Ipv4 => address::<std::net::Ipv4Addr>(word, "Invalid IPv4 address"),
            Kind::Ipv6 => address::<std::net::Ipv6Addr>(word, "Invalid IPv6 address"),
            Kind::Name(others, wrong) => {
                let fits = |byte: &u8| byte.is_ascii_alphanumeric() || others.contains(byte);
                if word.iter().all(fits) { Ok(text()) } else { Err(wrong.into()) }
            }
            Kind::Primary => read_primary(words),
            Kind::Flags(flags) => read_flags(flags, words),
        }
    }
}

fn is(known: &str, word: &[u8]) -> bool {
    known.as_bytes().eq_ignore_ascii_case(word)
}

fn address<A: std::str::FromStr>(word: &[u8], wrong: &'static str) -> Result<Vec<u8>, Reason> {
    let is_one =
        |word: &[u8]| std::str::from_utf8(word).is_ok_and(|text| text.parse::<A>().is_ok());
    if word.is_empty() || is_one(word) { Ok(word.to_vec()) } else { Err(wrong.into()) }
}

fn read_primary(words: &[&[u8]]) -> Result<Vec<u8>, Reason> {
    match words {
        [] | [b""] => Ok(Vec::new()),
        [no, one] if is("no", no) && is("one", one) => Ok(Vec::new()),
        [host, port] => match parse_integer(port) {
            Some(0..=65535) => Ok([host, &b" "[..], port].concat()),
            _ => Err("Invalid primary port".into()),
        },
        _ => Err("wrong number of arguments".into()),
    }
}

/// Nothing is saved and nobody takes over, so a signal that asks for it would be let down.
fn read_flags(flags: &'static [&'static str], words: &[&[u8]]) -> Result<Vec<u8>, Reason> {
    let known = |word: &&[u8]| flags.iter().any(|flag| is(flag, word));
    if words.is_empty() || !words.iter().all(known) {
        return Err(not_one_of(flags));
    }
    let given = |flag: &&&str| words.iter().any(|word| is(flag, word));
    if given(&&"save") && given(&&"nosave") {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    if let Some(flag) = ["save", "failover"].iter().find(given) {
        let what = if *flag == "save" { "snapshots" } else { "replication" };
        return Err(format!("this version of Baton has no {what}: {flag} is not possible").into());
    }
    let (none, some) = flags.split_first().unwrap_or((&"", &[]));
    let found: Vec<&str> = some.iter().filter(given).copied().collect();
    Ok(if found.is_empty() { (*none).into() } else { found.join(" ").into_bytes() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    /// What a directive prints after it was given some words.
    fn given(name: &str, words: &[&str]) -> Result<String, String> {
        let row = Directive::find(name.as_bytes()).unwrap();
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let mut config = Config::default();
        row.setting.parse(&mut config, &words).map_err(Cow::into_owned)?;
        Ok(String::from_utf8(row.setting.format(&config)).unwrap())
    }

    #[test]
    fn values_are_checked_and_kept() {
        for (name, words, printed) in [
            ("repl-diskless-sync", &["NO"][..], "no"),
            ("repl-backlog-size", &["1mb"], "1048576"),
            ("repl-diskless-load", &["SwapDB"], "swapdb"),
            ("slave-priority", &["7"], "7"),
            ("masterauth", &["Secret"], "Secret"),
            ("replicaof", &[""], ""),
            ("slaveof", &["NO", "one"], ""),
            ("min-replicas-to-write", &["0"], "0"),
            ("slot-migration-max-failover-repl-bytes", &["-1"], "-1"),
            ("cluster-announce-client-ipv6", &["::1"], "::1"),
            ("tls-auth-clients-user", &["cn"], "CN"),
            ("shutdown-on-sigint", &["Now", "nosave", "force"], "nosave now force"),
            ("shutdown-on-sigint", &["default", "now"], "now"),
            ("shutdown-on-sigint", &["default"], "default"),
        ] {
            assert_eq!(given(name, words).as_deref(), Ok(printed), "{name} {words:?}");
        }
    }

    #[test]
    fn wrong_values_are_refused_in_the_words_of_valkey() {
        let flags = "argument(s) must be one of the following: default, save, nosave, now, force, \
                     safe, failover";
        for (name, words, reason) in [
            ("repl-diskless-sync", &["1"][..], "argument must be 'yes' or 'no'"),
            (
                "repl-backlog-size",
                &["0"],
                "argument must be between 1 and 9223372036854775807 inclusive",
            ),
            ("repl-timeout", &["0"], "argument must be between 1 and 2147483647 inclusive"),
            ("repl-timeout", &["x"], "argument couldn't be parsed into an integer"),
            ("repl-backlog-size", &["x"], "argument must be a memory value"),
            ("cluster-announce-client-ipv4", &["::1"], "Invalid IPv4 address"),
            (
                "cluster-announce-hostname",
                &["a b"],
                "Hostnames may only contain alphanumeric characters, hyphens or dots",
            ),
            ("replicaof", &["host"], "wrong number of arguments"),
            ("shutdown-on-sigterm", &[], flags),
            ("shutdown-on-sigterm", &["later"], flags),
            (
                "shutdown-on-sigterm",
                &["save", "nosave"],
                "shutdown options SAVE and NOSAVE can't be used simultaneously",
            ),
        ] {
            assert_eq!(given(name, words), Err(reason.to_owned()), "{name} {words:?}");
        }
    }

    #[test]
    fn promises_are_refused() {
        for (name, words, says) in [
            ("replicaof", &["host", "6379"][..], "no replication: only replicaof \"\" is possible"),
            ("min-slaves-to-write", &["1"], "no replication: only min-replicas-to-write 0 is"),
            ("cluster-enabled", &["yes"], "no cluster: only cluster-enabled no is possible"),
            ("tls-port", &["6380"], "no TLS: only tls-port 0 is possible"),
            ("aclfile", &["users.acl"], "no ACL: only aclfile \"\" is possible"),
            ("shutdown-on-sigterm", &["save"], "no snapshots: save is not possible"),
        ] {
            let reason = given(name, words).unwrap_err();
            assert!(reason.contains(says), "{name}: {reason}");
        }
    }

    #[test]
    fn the_default_leaves_no_trace() {
        let row = Directive::find(b"repl-timeout").unwrap();
        let mut config = Config::default();
        row.setting.parse(&mut config, &[b"61"]).unwrap();
        assert_ne!(config, Config::default());
        row.setting.parse(&mut config, &[b"60"]).unwrap();
        assert_eq!(config, Config::default());
    }
}
