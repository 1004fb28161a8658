//! The shared configuration: snapshots for readers, CONFIG GET, SET and REWRITE for the rest.
//!
//! A reader takes a snapshot without a lock, and sees all of a CONFIG SET or nothing of it.
//! Writers — CONFIG SET and REWRITE — go one at a time; they are rare and never on a hot path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::choice::Peer;
use super::rewrite::{self, RewriteError};
use super::setting::{Reason, Words};
use super::table::{Config, Directive};
use crate::glob::{self, Case};

/// The configuration of a running server.
pub struct ConfigStore {
    current: ArcSwap<Config>,
    file: Option<PathBuf>,
    /// Held while a writer derives the next configuration from the current one.
    writer: Mutex<()>,
}

/// Why CONFIG SET changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetError {
    /// The error reply, code included, without the dash and the line's end.
    pub text: Vec<u8>,
}

impl std::fmt::Display for SetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl std::error::Error for SetError {}

/// Why a new configuration could not be put into effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyError {
    /// The directive that it is about.
    pub directive: &'static str,
    /// What went wrong.
    pub reason: Reason,
}

impl ConfigStore {
    /// Starts from a configuration and the file it came from, if any.
    pub fn new(config: Config, file: Option<PathBuf>) -> ConfigStore {
        ConfigStore { current: ArcSwap::from_pointee(config), file, writer: Mutex::new(()) }
    }

    /// The present configuration, to be read and dropped soon.
    pub fn load(&self) -> Guard<Arc<Config>> {
        self.current.load()
    }

    /// The present configuration, to be kept.
    pub fn load_full(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// Brings a configuration that was kept up to date. Where nothing has changed no reference is
    /// counted: all who keep one would write to the same cache line for it.
    pub fn refresh(&self, kept: &mut Arc<Config>) {
        let current = self.current.load();
        if !Arc::ptr_eq(&current, kept) {
            *kept = Guard::into_inner(current);
        }
    }

    /// The file that CONFIG REWRITE writes to.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// CONFIG SET by a client of another host, with nothing to put into effect.
    ///
    /// All pairs of directive and value are taken or none. Returns the directives whose value is
    /// now another one.
    pub fn set(&self, pairs: &[(&[u8], &[u8])]) -> Result<Vec<&'static str>, SetError> {
        self.set_with(pairs, Peer::Remote, |_, _, _| Ok(()))
    }

    /// CONFIG SET. Before the new configuration is published, `apply` gets the old one, the new
    /// one and the directives that differ, to put them into effect; its error undoes the change.
    pub fn set_with(
        &self,
        pairs: &[(&[u8], &[u8])],
        peer: Peer,
        apply: impl FnOnce(&Config, &Config, &[&'static str]) -> Result<(), ApplyError>,
    ) -> Result<Vec<&'static str>, SetError> {
        let _one_writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.current.load_full();
        let rows = find_all(pairs, old.enable_protected_configs.allows(peer))?;

        let mut new = Config::clone(&old);
        for (row, (name, value)) in rows.iter().zip(pairs) {
            parse_value(row, value, &mut new).map_err(|reason| {
                // Here, unlike above, Valkey names the directive and not the client's spelling.
                failed(&name.to_ascii_lowercase(), &reason)
            })?;
        }

        let mut changed: Vec<&'static str> = Vec::new();
        for row in &rows {
            let differs = row.setting.format(&old) != row.setting.format(&new);
            if differs && !changed.contains(&row.name) {
                changed.push(row.name);
            }
        }
        apply(&old, &new, &changed)
            .map_err(|error| failed(error.directive.as_bytes(), &error.reason))?;
        self.current.store(Arc::new(new));
        Ok(changed)
    }

    /// CONFIG GET: every directive that a pattern names, once, in order of name. A pattern
    /// without wildcards is given back as it was written.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let config = self.current.load();
        // By the table's name, so that a directive named in two ways comes once.
        let mut found: BTreeMap<&'static str, (Vec<u8>, &Directive)> = BTreeMap::new();
        let all = || Directive::all().flat_map(|row| row.names().map(move |name| (name, row)));
        for &pattern in patterns {
            if glob::is_pattern(pattern) {
                for (name, row) in all() {
                    if !row.hidden && glob::matches(pattern, name.as_bytes(), Case::Insensitive) {
                        found.entry(name).or_insert_with(|| (name.into(), row));
                    }
                }
            } else if let Some((name, row)) =
                all().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(pattern))
            {
                found.entry(name).or_insert_with(|| (pattern.to_vec(), row));
            }
        }
        let mut pairs: Vec<(Vec<u8>, Vec<u8>)> =
            found.into_values().map(|(name, row)| (name, row.setting.format(&config))).collect();
        pairs.sort();
        pairs
    }

    /// CONFIG REWRITE: brings the file up to date with the present configuration. The file is
    /// replaced whole or not at all.
    pub fn rewrite(&self) -> Result<(), RewriteError> {
        let _one_writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.file.as_deref().ok_or(RewriteError::NoFile)?;
        rewrite::rewrite(file, &self.current.load())
    }
}

impl std::fmt::Debug for ConfigStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigStore")
            .field("config", &*self.current.load_full())
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Finds the rows of all pairs, each of which must exist, be changeable and come once.
fn find_all(
    pairs: &[(&[u8], &[u8])],
    protected_allowed: bool,
) -> Result<Vec<&'static Directive>, SetError> {
    let mut rows: Vec<&'static Directive> = Vec::with_capacity(pairs.len());
    for (index, (name, _)) in pairs.iter().enumerate() {
        let row = Directive::find(name).ok_or_else(|| {
            let text = "ERR Unknown option or number of arguments for CONFIG SET - '";
            SetError { text: [text.as_bytes(), &shown(name), b"'"].concat() }
        })?;
        if row.immutable {
            return Err(failed(name, "can't set immutable config"));
        }
        if row.protected && !protected_allowed {
            return Err(failed(name, "can't set protected config"));
        }
        // A directive and its alias may come together; the same name may not.
        if pairs[..index].iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(name)) {
            return Err(failed(name, "duplicate parameter"));
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Reads one value of CONFIG SET; those of a list are parted by single spaces.
fn parse_value(row: &Directive, value: &[u8], config: &mut Config) -> Result<(), Reason> {
    match row.setting.words() {
        Words::One => row.setting.parse(config, &[value]),
        Words::Any if value.is_empty() => row.setting.parse(config, &[]),
        Words::Any => {
            let words: Vec<&[u8]> = value.split(|&byte| byte == b' ').collect();
            row.setting.parse(config, &words)
        }
    }
}

fn failed(name: &[u8], reason: &str) -> SetError {
    let before = b"ERR CONFIG SET failed (possibly related to argument '";
    SetError { text: [before, &shown(name)[..], b"') - ", reason.as_bytes()].concat() }
}

/// A client's word as an error reply can hold it: up to the first NUL, on one line.
fn shown(word: &[u8]) -> Vec<u8> {
    let printable = |&byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte };
    word.iter().take_while(|&&byte| byte != 0).map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> ConfigStore {
        ConfigStore::new(Config::default(), None)
    }

    fn set(store: &ConfigStore, pairs: &[(&str, &str)]) -> Result<Vec<&'static str>, String> {
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        store.set(&pairs).map_err(|error| error.to_string())
    }

    fn get(store: &ConfigStore, patterns: &[&str]) -> Vec<(String, String)> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        store.get(&patterns).into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    fn value(store: &ConfigStore, name: &str) -> String {
        get(store, &[name]).remove(0).1
    }

    #[test]
    fn set_takes_all_or_nothing() {
        let store = store();
        let before = store.load_full();
        assert!(set(&store, &[("timeout", "7"), ("maxmemory", "x")]).is_err());
        assert_eq!(*store.load_full(), *before);
        assert_eq!(
            set(&store, &[("TimeOut", "7"), ("maxmemory", "1kb"), ("hz", "10")]),
            Ok(vec!["timeout", "maxmemory"])
        );
        assert_eq!((store.load().timeout, store.load().maxmemory), (7, 1024));
    }

    #[test]
    fn set_errors() {
        let related = |name: &str, reason: &str| {
            format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
        };
        let cases: &[(&[(&str, &str)], String)] = &[
            (
                &[("foo", "bar")],
                "ERR Unknown option or number of arguments for CONFIG SET - 'foo'".into(),
            ),
            (
                &[("timeout", "1"), ("daemonize", "no"), ("foo", "1")],
                related("daemonize", "can't set immutable config"),
            ),
            (&[("dir", "/")], related("dir", "can't set protected config")),
            (&[("timeout", "1"), ("TIMEOUT", "2")], related("TIMEOUT", "duplicate parameter")),
            (
                &[("timeout", "7"), ("maxmemory", "x"), ("hz", "zzz")],
                related("maxmemory", "argument must be a memory value"),
            ),
            (
                &[("TimeOut", "-1")],
                related("timeout", "argument must be between 0 and 2147483647 inclusive"),
            ),
            (&[("timeout", "")], related("timeout", "argument couldn't be parsed into an integer")),
            (
                &[("proto-max-bulk-len", "1")],
                related(
                    "proto-max-bulk-len",
                    "argument must be between 1048576 and 9223372036854775807 inclusive",
                ),
            ),
            (
                &[("protected-mode", "maybe")],
                related("protected-mode", "argument must be 'yes' or 'no'"),
            ),
            (
                &[("maxmemory-policy", "foo")],
                related(
                    "maxmemory-policy",
                    "argument(s) must be one of the following: volatile-lru, volatile-lfu, \
                     volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, \
                     noeviction",
                ),
            ),
            (
                &[("client-output-buffer-limit", "normal 1 2 3  slave 1 2 3")],
                related(
                    "client-output-buffer-limit",
                    "Wrong number of arguments in buffer limit configuration.",
                ),
            ),
            (
                &[("client-output-buffer-limit", "foo 0 0 0")],
                related(
                    "client-output-buffer-limit",
                    "Invalid client class specified in buffer limit configuration.",
                ),
            ),
            (
                &[("client-output-buffer-limit", "normal 1 2 3x")],
                related(
                    "client-output-buffer-limit",
                    "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
                ),
            ),
            (&[("save", "3600")], related("save", "Invalid save parameters")),
            (&[("save", " ")], related("save", "Invalid save parameters")),
            (
                &[("latency-tracking-info-percentiles", "50 101")],
                related(
                    "latency-tracking-info-percentiles",
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
                ),
            ),
            (
                &[("latency-tracking-info-percentiles", "50 nan")],
                related(
                    "latency-tracking-info-percentiles",
                    "Invalid latency-tracking-info-percentiles parameters",
                ),
            ),
            (
                &[("proc-title-template", "{foo}")],
                related(
                    "proc-title-template",
                    "template format is invalid or contains unknown variables",
                ),
            ),
            (
                &[("notify-keyspace-events", "foo")],
                related(
                    "notify-keyspace-events",
                    "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.",
                ),
            ),
            (&[("locale-collate", "xx")], related("locale-collate", "Invalid locale name")),
        ];
        for (pairs, expected) in cases {
            assert_eq!(set(&store(), pairs).as_ref(), Err(expected), "{pairs:?}");
        }
    }

    #[test]
    fn a_hostile_name_stays_on_one_line() {
        let error = store().set(&[(b"a\r\nb\0c", b"")]).unwrap_err();
        assert!(error.text.ends_with(b"- 'a  b'"), "{error}");
    }

    #[test]
    fn an_alias_and_its_directive_may_come_together() {
        let store = store();
        let pairs = [("slowlog-max-len", "1"), ("commandlog-slow-execution-max-len", "2")];
        assert_eq!(set(&store, &pairs), Ok(vec!["commandlog-slow-execution-max-len"]));
        assert_eq!(value(&store, "slowlog-max-len"), "2");
    }

    #[test]
    fn values_are_printed_as_valkey_prints_them() {
        let store = store();
        for (name, given, printed) in [
            ("maxmemory", "1k", "1000"),
            ("maxmemory", "", "0"),
            ("maxmemory-clients", "1k", "1000"),
            ("maxmemory-clients", "7%", "7%"),
            ("maxmemory-clients", "0%", "0"),
            ("maxmemory-clients", "100%", "100%"),
            ("maxmemory-clients", "9223372036854775807", "9223372036854775807"),
            ("hz", "0", "1"),
            ("hz", "1000", "500"),
            ("protected-mode", "YES", "yes"),
            ("maxmemory-policy", "allkeys-LRU", "allkeys-lru"),
            ("latency-tracking-info-percentiles", "33.333333 1e1 099", "33.333333 10 99"),
            ("latency-tracking-info-percentiles", "33.3333333333 0", "33.333333 0"),
            ("latency-tracking-info-percentiles", "99.99999999 0.0000001", "100 0"),
            ("latency-tracking-info-percentiles", "", ""),
            (
                "client-output-buffer-limit",
                "REPLICA 1gb 2 3 normal 1 2 3 normal 4 5 6",
                "normal 4 5 6 slave 1073741824 2 3 pubsub 33554432 8388608 60",
            ),
            ("save", "", ""),
        ] {
            set(&store, &[(name, given)]).unwrap();
            assert_eq!(value(&store, name), printed, "{name} {given}");
        }
    }

    #[test]
    fn get_by_names_and_patterns() {
        let store = store();
        let names = |patterns: &[&str]| -> Vec<String> {
            get(&store, patterns).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&["TIME*", "time*", "timeout", "maxmemory"]), ["maxmemory", "timeout"]);
        assert_eq!(
            names(&["TIMEOUT", "maxmemory", "Hz", "timeo*"]),
            ["Hz", "TIMEOUT", "maxmemory"]
        );
        assert_eq!(names(&["Slowlog-MAX-len"]), ["Slowlog-MAX-len"]);
        assert_eq!(
            names(&["slowlog-*", "commandlog-*len"]),
            [
                "commandlog-large-reply-max-len",
                "commandlog-large-request-max-len",
                "commandlog-slow-execution-max-len",
                "slowlog-log-slower-than",
                "slowlog-max-len"
            ]
        );
        assert_eq!(names(&["nope"]), Vec::<String>::new());
        let all = names(&["*"]);
        assert!(all.is_sorted());
        let shown = Directive::all().filter(|row| !row.hidden);
        assert_eq!(all.len(), shown.flat_map(Directive::names).count());
        assert_eq!(names(&["watchdog-*"]), Vec::<String>::new());
        assert_eq!(names(&["Watchdog-period"]), ["Watchdog-period"]);
    }

    #[test]
    fn a_change_that_cannot_be_applied_is_undone() {
        let store = store();
        let error = store
            .set_with(&[(b"maxclients", b"9")], Peer::Remote, |old, new, changed| {
                assert_eq!((old.maxclients, new.maxclients), (10_000, 9));
                assert_eq!(changed, ["maxclients"]);
                Err(ApplyError { directive: "maxclients", reason: "no room".into() })
            })
            .unwrap_err();
        assert!(error.to_string().ends_with("argument 'maxclients') - no room"), "{error}");
        assert_eq!(store.load().maxclients, 10_000);
    }

    #[test]
    fn protected_directives_follow_their_switch() {
        use super::super::choice::Access;
        let config = Config { enable_protected_configs: Access::Local, ..Config::default() };
        let store = ConfigStore::new(config, None);
        assert!(store.set(&[(b"dbfilename", b"x.rdb")]).is_err());
        let pairs: &[(&[u8], &[u8])] = &[(b"dbfilename", b"x.rdb")];
        assert_eq!(store.set_with(pairs, Peer::Local, |_, _, _| Ok(())), Ok(vec!["dbfilename"]));
    }

    #[test]
    fn rewrite_needs_a_file() {
        assert_eq!(
            store().rewrite().unwrap_err().to_string(),
            "ERR The server is running without a config file"
        );
    }
}
