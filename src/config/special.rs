//! Directives with a shape of their own: lists, per-class limits, and those whose feature this
//! version does not have and that accept only the value meaning "off".
//!
//! Must hold: a value that would promise something the server does not do is refused with a
//! sentence that says so.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::choice::Supervision;
use super::line;
use super::setting::{
    Field, FreeText, Integer, Number, Reason, Setting, Words, format_memory, integer,
    parse_integer, parse_memory,
};
use super::table::{Config, default_acceptors};

/// Addresses to listen on.
pub struct Addresses {
    field: Field<Vec<String>>,
}

/// Addresses that `bind` takes at most, as in Redis.
const MAX_ADDRESSES: usize = 16;

/// A list of addresses; an empty list means no TCP listener.
pub const fn addresses(field: Field<Vec<String>>) -> Addresses {
    Addresses { field }
}

impl Setting for Addresses {
    fn words(&self) -> Words {
        Words::Any
    }

    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        if words.len() > MAX_ADDRESSES {
            return Err("Too many bind addresses specified.".into());
        }
        let words = if words == [b""] { &[] } else { words };
        let text = |word: &&[u8]| std::str::from_utf8(word).map(str::to_owned);
        let addresses: Result<Vec<String>, _> = words.iter().map(text).collect();
        *(self.field.get_mut)(config) =
            addresses.map_err(|_| Reason::Borrowed("an address must be printable text"))?;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        (self.field.get)(config).join(" ").into_bytes()
    }

    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        vec![or_empty_quotes(self.format(config))]
    }
}

/// A list that may be empty needs `""` to be said in a file.
fn or_empty_quotes(value: Vec<u8>) -> Vec<u8> {
    if value.is_empty() { b"\"\"".to_vec() } else { value }
}

/// Percentiles between 0 and 100.
pub struct Percentiles {
    field: Field<Vec<f64>>,
}

/// A list of percentiles.
pub const fn percentiles(field: Field<Vec<f64>>) -> Percentiles {
    Percentiles { field }
}

impl Setting for Percentiles {
    fn words(&self) -> Words {
        Words::Any
    }

    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let words = if words == [b""] { &[] } else { words };
        let mut percentiles = Vec::with_capacity(words.len());
        for word in words {
            let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<f64>().ok());
            match number {
                Some(number) if (0.0..=100.0).contains(&number) => percentiles.push(number),
                Some(number) if !number.is_nan() => {
                    return Err("latency-tracking-info-percentiles parameters should sit between \
                                [0.0,100.0]"
                        .into());
                }
                _ => return Err("Invalid latency-tracking-info-percentiles parameters".into()),
            }
        }
        *(self.field.get_mut)(config) = percentiles;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        let words: Vec<String> = (self.field.get)(config).iter().map(six_decimals).collect();
        words.join(" ").into_bytes()
    }

    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        vec![or_empty_quotes(self.format(config))]
    }
}

/// A percentile as Valkey prints it: at most six decimals, none that say nothing.
fn six_decimals(percentile: &f64) -> String {
    let text = format!("{percentile:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Scores for `oom-score-adj`.
pub struct OomScores {
    field: Field<[i32; 3]>,
}

/// What is added to a score, or written as one: wider than the kernel's range, so that a sum can
/// reach either end of it.
const OOM_SCORES: RangeInclusive<i32> = -2000..=2000;

/// Three scores: of a primary, of a replica, of a child that saves.
pub const fn oom_scores(field: Field<[i32; 3]>) -> OomScores {
    OomScores { field }
}

impl Setting for OomScores {
    fn words(&self) -> Words {
        Words::Any
    }

    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let [primary, replica, child] = words else {
            return Err("wrong number of arguments".into());
        };
        let score = |word: &[u8]| {
            let number = parse_integer(word).and_then(|number| i32::try_from(number).ok());
            number.filter(|number| OOM_SCORES.contains(number)).ok_or(Reason::Borrowed(
                "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
            ))
        };
        *(self.field.get_mut)(config) = [score(primary)?, score(replica)?, score(child)?];
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        (self.field.get)(config).map(|score| score.to_string()).join(" ").into_bytes()
    }
}

/// A number of bytes, or a part of `maxmemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryLimit {
    /// So many bytes.
    Bytes(u64),
    /// So many percent of `maxmemory`, at most 100.
    Percent(u8),
}

/// What clients may hold is never limited to less (bytes), as in Valkey: nobody could connect to
/// correct it.
const LEAST_CLIENT_MEMORY: u64 = 128 << 10;

impl Config {
    /// What all clients together may hold in bytes (`maxmemory-clients`), if there is a limit.
    pub fn client_memory_limit(&self) -> Option<u64> {
        let bytes = match self.maxmemory_clients {
            MemoryLimit::Bytes(bytes) => bytes,
            MemoryLimit::Percent(percent) => {
                (u128::from(self.maxmemory) * u128::from(percent) / 100) as u64
            }
        };
        (bytes > 0).then_some(bytes.max(LEAST_CLIENT_MEMORY))
    }
}

/// The kind of [`memory_limit`].
pub struct BytesOrPercent {
    field: Field<MemoryLimit>,
}

/// A number of bytes with a unit, or a percentage.
pub const fn memory_limit(field: Field<MemoryLimit>) -> BytesOrPercent {
    BytesOrPercent { field }
}

impl Setting for BytesOrPercent {
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let no_value = Reason::Borrowed("argument must be a memory or percent value");
        let beyond = Reason::Borrowed("percentage argument must be less or equal to 100");
        let limit = if let Some(digits) = words[0].strip_suffix(b"%") {
            match parse_integer(digits) {
                // Without a unit, so that it reads as what it is: no limit.
                Some(0) => MemoryLimit::Bytes(0),
                Some(percent @ 1..=100) => MemoryLimit::Percent(percent as u8),
                Some(101..) => return Err(beyond),
                Some(..0) | None => return Err(no_value),
            }
        } else {
            match parse_memory(words[0]) {
                Some(bytes) if i64::try_from(bytes).is_ok() => MemoryLimit::Bytes(bytes),
                // Valkey keeps percentages as negative numbers, so that is what these look like.
                Some(_) => return Err(beyond),
                None => return Err(no_value),
            }
        };
        *(self.field.get_mut)(config) = limit;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        match (self.field.get)(config) {
            MemoryLimit::Bytes(bytes) => bytes.to_string().into_bytes(),
            MemoryLimit::Percent(percent) => format!("{percent}%").into_bytes(),
        }
    }

    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        match (self.field.get)(config) {
            MemoryLimit::Bytes(bytes) => vec![format_memory(*bytes).into_bytes()],
            MemoryLimit::Percent(_) => vec![self.format(config)],
        }
    }
}

/// What one client may leave unread before it is closed. Zero means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which the client is closed at once.
    pub hard_bytes: u64,
    /// Bytes at which the client is closed when it stays above them for `soft_seconds`.
    pub soft_bytes: u64,
    /// Seconds above `soft_bytes`.
    pub soft_seconds: u64,
}

impl OutputLimit {
    /// Never closes anyone.
    pub const UNLIMITED: OutputLimit =
        OutputLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 };
}

/// Output limits by class of client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// Ordinary clients, MONITOR included.
    pub normal: OutputLimit,
    /// Replicas.
    pub replica: OutputLimit,
    /// Clients with at least one subscription.
    pub pubsub: OutputLimit,
}

/// Redis's limits: replicas 256 MB, or 64 MB for a minute; subscribers 32 MB, or 8 MB for a
/// minute; ordinary clients read what they asked for and have none.
pub const DEFAULT_OUTPUT_LIMITS: OutputLimits = OutputLimits {
    normal: OutputLimit::UNLIMITED,
    replica: OutputLimit { hard_bytes: 256 << 20, soft_bytes: 64 << 20, soft_seconds: 60 },
    pubsub: OutputLimit { hard_bytes: 32 << 20, soft_bytes: 8 << 20, soft_seconds: 60 },
};

impl OutputLimits {
    /// Each class under the name that CONFIG GET gives it, and the name a file gets.
    fn classes(&self) -> [(&'static str, &'static str, &OutputLimit); 3] {
        [
            ("normal", "normal", &self.normal),
            ("slave", "replica", &self.replica),
            ("pubsub", "pubsub", &self.pubsub),
        ]
    }

    fn class_mut(&mut self, name: &[u8]) -> Option<&mut OutputLimit> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(&mut self.normal),
            b"replica" | b"slave" => Some(&mut self.replica),
            b"pubsub" => Some(&mut self.pubsub),
            _ => None,
        }
    }
}

/// Limits said as `class hard soft seconds`, any number of times.
pub struct ClassLimits {
    field: Field<OutputLimits>,
}

/// Output limits by class; classes that are not named keep theirs.
pub const fn class_limits(field: Field<OutputLimits>) -> ClassLimits {
    ClassLimits { field }
}

impl Setting for ClassLimits {
    fn words(&self) -> Words {
        Words::Any
    }

    fn is_said_by_part(&self) -> bool {
        true
    }

    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let (groups, rest) = words.as_chunks::<4>();
        if !rest.is_empty() {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        let mut limits = *(self.field.get)(config);
        for [class, hard, soft, seconds] in groups {
            let limit = limits.class_mut(class).ok_or(Reason::Borrowed(
                "Invalid client class specified in buffer limit configuration.",
            ))?;
            *limit = parse_limit(hard, soft, seconds).ok_or(Reason::Borrowed(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            ))?;
        }
        *(self.field.get_mut)(config) = limits;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        let class = |(name, _, limit): (&str, &str, &OutputLimit)| {
            format!("{name} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
        };
        (self.field.get)(config).classes().map(class).join(" ").into_bytes()
    }

    fn lines(&self, config: &Config, default: &Config) -> Vec<Vec<u8>> {
        let classes = (self.field.get)(config).classes();
        let defaults = (self.field.get)(default).classes();
        let changed = classes.iter().zip(defaults).filter(|(now, then)| now.2 != then.2);
        changed
            .map(|((_, name, limit), _)| {
                let hard = format_memory(limit.hard_bytes);
                let soft = format_memory(limit.soft_bytes);
                format!("{name} {hard} {soft} {}", limit.soft_seconds).into_bytes()
            })
            .collect()
    }
}

fn parse_limit(hard: &[u8], soft: &[u8], seconds: &[u8]) -> Option<OutputLimit> {
    // No digits at all count as zero, as for the sizes.
    let seconds = if seconds.is_empty() { "0" } else { std::str::from_utf8(seconds).ok()? };
    Some(OutputLimit {
        hard_bytes: parse_memory(hard)?,
        soft_bytes: parse_memory(soft)?,
        soft_seconds: seconds.parse().ok()?,
    })
}

/// The acceptors, whose default follows from the number of shards.
pub struct Acceptors {
    field: Field<usize>,
    number: Integer<usize>,
}

/// A number of acceptor threads within what the server allows.
pub const fn acceptor_count(field: Field<usize>, max: i64) -> Acceptors {
    let again = Field { get: field.get, get_mut: field.get_mut };
    Acceptors { field, number: integer(again, 1..=max) }
}

impl Setting for Acceptors {
    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        self.number.parse(config, words)
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        (self.field.get)(config).to_i64().to_string().into_bytes()
    }

    fn is_default(&self, config: &Config, _default: &Config) -> bool {
        *(self.field.get)(config) == default_acceptors(config.shards)
    }
}

/// A rule that asks for a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// Seconds since the last snapshot.
    pub seconds: u64,
    /// Changes since then.
    pub changes: u64,
}

/// `save`, which in this version only takes `""`.
pub struct SavePoints {
    field: Field<Vec<SavePoint>>,
}

/// A list of save points.
pub const fn save_points(field: Field<Vec<SavePoint>>) -> SavePoints {
    SavePoints { field }
}

impl SavePoints {
    /// Pairs of seconds (at least 1) and changes (at least 0).
    fn points(words: &[&[u8]]) -> Option<Vec<SavePoint>> {
        let (pairs, rest) = words.as_chunks::<2>();
        let number =
            |word: &[u8]| parse_integer(word).and_then(|number| u64::try_from(number).ok());
        let point = |[seconds, changes]: &[&[u8]; 2]| {
            let seconds = number(seconds).filter(|&seconds| seconds > 0)?;
            Some(SavePoint { seconds, changes: number(changes)? })
        };
        if rest.is_empty() { pairs.iter().map(point).collect() } else { None }
    }
}

impl Setting for SavePoints {
    fn words(&self) -> Words {
        Words::Any
    }

    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        let words = if words == [b""] { &[] } else { words };
        let points = Self::points(words).ok_or(Reason::Borrowed("Invalid save parameters"))?;
        if !points.is_empty() {
            return Err(
                "this version of Baton does not save snapshots: only save \"\" is possible".into(),
            );
        }
        *(self.field.get_mut)(config) = points;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        let points = (self.field.get)(config).iter();
        let words: Vec<String> =
            points.map(|point| format!("{} {}", point.seconds, point.changes)).collect();
        words.join(" ").into_bytes()
    }

    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        vec![or_empty_quotes(self.format(config))]
    }
}

/// The directory that relative paths start from.
pub struct Directory {
    field: Field<PathBuf>,
}

/// A directory that must exist.
pub const fn directory(field: Field<PathBuf>) -> Directory {
    Directory { field }
}

impl Setting for Directory {
    fn is_default(&self, config: &Config, _default: &Config) -> bool {
        // Where the server was started is no one's choice: once known, the directory is said.
        (self.field.get)(config).as_os_str() == "."
    }

    fn parse(&self, config: &mut Config, words: &[&[u8]]) -> Result<(), Reason> {
        if words[0].is_empty() {
            return Err("dir can't be empty".into());
        }
        let path = PathBuf::from_bytes(words[0]);
        let known = std::fs::canonicalize(path).map_err(|error| os_text(&error))?;
        if !known.is_dir() {
            return Err("Not a directory".into());
        }
        *(self.field.get_mut)(config) = known;
        Ok(())
    }

    fn format(&self, config: &Config) -> Vec<u8> {
        let path = (self.field.get)(config);
        std::fs::canonicalize(path).unwrap_or_else(|_| path.clone()).to_bytes()
    }

    fn lines(&self, config: &Config, _default: &Config) -> Vec<Vec<u8>> {
        vec![line::quote(&self.format(config))]
    }
}

/// The operating system's own sentence for an error, as C programs print it.
pub fn os_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// `appendonly yes` promises a file.
pub fn no_append_only_file(on: &bool) -> Result<(), Reason> {
    match on {
        true => Err("this version of Baton has no append-only file: only appendonly no is \
                     possible"
            .into()),
        false => Ok(()),
    }
}

/// `daemonize yes` promises a fork into the background.
pub fn no_daemon(on: &bool) -> Result<(), Reason> {
    match on {
        true => Err("Baton stays in the foreground: only daemonize no is possible (a service \
                     supervisor can run it in the background)"
            .into()),
        false => Ok(()),
    }
}

/// `supervised systemd` and `upstart` promise to tell the supervisor when the server is ready.
pub fn no_supervisor(supervision: &Supervision) -> Result<(), Reason> {
    match supervision {
        Supervision::No | Supervision::Auto => Ok(()),
        Supervision::Systemd | Supervision::Upstart => {
            Err("this version of Baton does not signal a supervisor: only supervised no or auto \
                 is possible"
                .into())
        }
    }
}

/// The classes of keyspace event, as Valkey's error lists them.
const EVENT_CLASSES: &[u8] = b"Ag$lshzxeKEtmdn";

/// `notify-keyspace-events` promises messages to subscribers.
pub fn no_events(classes: &[u8]) -> Result<(), Reason> {
    if !classes.iter().all(|class| EVENT_CLASSES.contains(class)) {
        return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into());
    }
    if !classes.is_empty() {
        return Err("this version of Baton does not publish keyspace events: only \"\" is \
                    possible"
            .into());
    }
    Ok(())
}

/// Text is compared by its bytes, which is what the C locale means.
pub fn c_locale(name: &[u8]) -> Result<(), Reason> {
    match name {
        b"" | b"C" | b"POSIX" | b"C.UTF-8" | b"C.utf8" => Ok(()),
        _ => Err("Invalid locale name".into()),
    }
}

/// The names between braces that a process title may hold.
const TITLE_VARIABLES: [&[u8]; 7] =
    [b"title", b"listen-addr", b"server-mode", b"port", b"tls-port", b"unixsocket", b"config-file"];

/// A process title says something and names only known variables.
pub fn title_template(template: &[u8]) -> Result<(), Reason> {
    let invalid = || Reason::Borrowed("template format is invalid or contains unknown variables");
    let mut rest = template;
    while let Some(open) = memchr::memchr(b'{', rest) {
        rest = &rest[open + 1..];
        let close = memchr::memchr(b'}', rest).ok_or_else(invalid)?;
        if !TITLE_VARIABLES.contains(&&rest[..close]) {
            return Err(invalid());
        }
        rest = &rest[close + 1..];
    }
    if template.is_empty() { Err(invalid()) } else { Ok(()) }
}

/// A name that must be a file's within the data directory.
fn plain_name(directive: &str, kind: &str, name: &[u8]) -> Result<(), Reason> {
    if name.is_empty() {
        return Err(format!("{directive} can't be empty").into());
    }
    if name.iter().any(|byte| matches!(byte, b'/' | 0)) {
        return Err(format!("{directive} can't be a path, just a {kind}").into());
    }
    Ok(())
}

/// `dbfilename` is a file's name.
pub fn snapshot_name(name: &[u8]) -> Result<(), Reason> {
    plain_name("dbfilename", "filename", name)
}

/// `appendfilename` is a file's name.
pub fn append_file_name(name: &[u8]) -> Result<(), Reason> {
    plain_name("appendfilename", "filename", name)
}

/// `appenddirname` is a directory's name.
pub fn append_dir_name(name: &[u8]) -> Result<(), Reason> {
    plain_name("appenddirname", "dirname", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oom_score_values() {
        let mut config = Config::default();
        let scores = oom_scores(Field {
            get: |config| &config.oom_score_adj_values,
            get_mut: |config| &mut config.oom_score_adj_values,
        });
        let mut given = |words: &[&[u8]]| scores.parse(&mut config, words);
        let count = Err(Reason::Borrowed("wrong number of arguments"));
        assert_eq!(given(&[b"1", b"2"]), count);
        assert_eq!(given(&[b"1", b"2", b"3", b"4"]), count);
        for bad in [&b"2001"[..], b"-2001", b"x", b"", b"99999999999"] {
            let reason = given(&[b"1", b"2", bad]).unwrap_err();
            assert!(reason.ends_with("between -2000 and 2000."), "{reason}");
        }
        assert_eq!(given(&[b"10", b"-2000", b"2000"]), Ok(()));
        assert_eq!(scores.format(&config), b"10 -2000 2000");
    }

    #[test]
    fn title_templates() {
        for good in ["plain", "{title} {listen-addr} {server-mode}", "{port}{tls-port}", "a}"] {
            assert!(title_template(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["", "{foo}", "{title", "{}", "{{title}"] {
            assert!(title_template(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_clients_may_hold_is_bytes_or_a_part() {
        let kind = memory_limit(Field {
            get: |c| &c.maxmemory_clients,
            get_mut: |c| &mut c.maxmemory_clients,
        });
        let mut config = Config { maxmemory: 10 << 20, ..Config::default() };
        for (word, limit, line) in [
            ("0", None, "0"),
            ("0%", None, "0"),
            ("1", Some(LEAST_CLIENT_MEMORY), "1"),
            ("3mb", Some(3 << 20), "3mb"),
            ("9223372036854775807", Some(i64::MAX as u64), "9223372036854775807"),
            ("10%", Some(1 << 20), "10%"),
            ("1%", Some(LEAST_CLIENT_MEMORY), "1%"),
            ("100%", Some(10 << 20), "100%"),
        ] {
            kind.parse(&mut config, &[word.as_bytes()]).unwrap();
            assert_eq!(config.client_memory_limit(), limit, "{word}");
            assert_eq!(kind.lines(&config, &Config::default()), [line.as_bytes()]);
        }
        config.maxmemory = 0;
        assert_eq!(config.client_memory_limit(), None, "a part of no limit is none");
        let no_value = "argument must be a memory or percent value";
        let beyond = "percentage argument must be less or equal to 100";
        for (word, reason) in [
            ("-1%", no_value),
            ("%", no_value),
            ("5 %", no_value),
            ("1.5%", no_value),
            ("007%", no_value),
            ("7%%", no_value),
            ("-1", no_value),
            ("abc", no_value),
            ("101%", beyond),
            ("4294967296%", beyond),
            ("9223372036854775808", beyond),
        ] {
            assert_eq!(kind.parse(&mut config, &[word.as_bytes()]).unwrap_err(), reason, "{word}");
        }
        assert_eq!(config.maxmemory_clients, MemoryLimit::Percent(100));
    }

    #[test]
    fn limits_print_shorter_in_files() {
        let limits = class_limits(Field {
            get: |c| &c.client_output_buffer_limit,
            get_mut: |c| &mut c.client_output_buffer_limit,
        });
        let default = Config::default();
        let mut config = Config::default();
        assert!(limits.lines(&config, &default).is_empty());
        let words: &[&[u8]] = &[b"slave", b"1gb", b"2", b"3", b"PUBSUB", b"0", b"0", b"0"];
        limits.parse(&mut config, words).unwrap();
        assert_eq!(
            limits.lines(&config, &default),
            [b"replica 1gb 2 3".to_vec(), b"pubsub 0 0 0".to_vec()]
        );
        assert_eq!(limits.format(&config), b"normal 0 0 0 slave 1073741824 2 3 pubsub 0 0 0");
    }
}
