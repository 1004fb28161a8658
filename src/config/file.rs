//! Reading redis.conf: lines of directives, comments, `include`.
//!
//! A [`Loader`] takes texts one after the other — the file, standard input, the command line —
//! and later ones win. Must hold: an error names the line it is about, and never shows a secret;
//! includes end, however files include each other.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::line;
use super::setting::{FreeText, Reason, Words};
use super::special::os_text;
use super::table::{Config, Directive, default_acceptors};
use crate::glob::{self, Case};

/// Why the configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file could not be opened or read.
    #[error("Fatal error, can't open config file '{}': {reason}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: String,
    },
    /// A line that makes no sense.
    #[error(
        "*** FATAL CONFIG FILE ERROR (Version {version}) ***\n{place}\n>>> '{line}'\n{reason}",
        version = env!("CARGO_PKG_VERSION")
    )]
    Line {
        /// The source and the line's number in it.
        place: String,
        /// The line, with secrets left out.
        line: String,
        /// What is wrong with it.
        reason: Reason,
    },
    /// Flags that the command line does not allow, explained.
    #[error("{0}")]
    Usage(String),
}

/// How deep files may include each other.
const MAX_INCLUDE_DEPTH: usize = 16;

/// Directives that are skipped in files: Valkey retired them, or Redis has them and Valkey does
/// not, and nothing is lost with them.
const SKIPPED: [&str; 11] = [
    "cluster-compatibility-sample-ratio",
    "dynamic-hz",
    "events-per-io-thread",
    "gopher-enabled",
    "io-threads-do-reads",
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
    "replica-full-sync-buffer-limit",
    "sanitize-dump-payload",
    "vset-force-single-threaded-execution",
];

/// Directives that files may hold and that promise what this version does not have, each with
/// that.
const REFUSED: [(&str, &str); 4] = [
    ("loadmodule", "has no modules"),
    ("rename-command", "cannot rename commands"),
    ("sentinel", "is no sentinel"),
    ("user", "has no ACL"),
];

/// The place of what stands in no file.
const COMMAND_LINE: &str = "Reading the command line";
const UNBALANCED: &str = "Unbalanced quotes in configuration line";

/// A configuration in the making.
pub struct Loader {
    config: Config,
    notes: Vec<String>,
    /// Directives that were given and change nothing.
    without_effect: BTreeSet<&'static str>,
}

/// Why a directive was not taken.
enum Refusal {
    /// It is wrong itself.
    Wrong(Reason),
    /// It led to a file, and the error is there.
    Elsewhere(LoadError),
}

impl<T: Into<Reason>> From<T> for Refusal {
    fn from(reason: T) -> Self {
        Refusal::Wrong(reason.into())
    }
}

impl Loader {
    /// Starts from the defaults.
    pub fn new() -> Loader {
        // Zero acceptors, which no directive can ask for, stand for "not told".
        let config = Config { acceptors: 0, ..Config::default() };
        Loader { config, notes: Vec::new(), without_effect: BTreeSet::new() }
    }

    /// Reads a file.
    pub fn read_file(&mut self, path: &Path) -> Result<(), LoadError> {
        self.read_at_depth(path, 0)
    }

    /// Reads a text that came from elsewhere than a file.
    pub fn read_text(&mut self, mut source: impl Read) -> Result<(), LoadError> {
        let mut text = Vec::new();
        source.read_to_end(&mut text).map_err(|error| LoadError::Open {
            path: PathBuf::from("-"),
            reason: os_text(&error),
        })?;
        self.read_lines(&text, None, 0)
    }

    /// Reads one directive of the command line.
    pub fn read_option(&mut self, words: &[Vec<u8>]) -> Result<(), LoadError> {
        self.read_words(words, 0).map_err(|refusal| match refusal {
            Refusal::Elsewhere(error) => error,
            Refusal::Wrong(reason) => {
                let shown = words.join(&b' ');
                LoadError::Line {
                    place: COMMAND_LINE.to_owned(),
                    line: format!("--{}", without_secret(&shown, words)),
                    reason,
                }
            }
        })
    }

    /// The configuration, with everything decided that depends on other directives, and what the
    /// log should say about it.
    pub fn finish(mut self) -> (Config, Vec<String>) {
        if self.config.acceptors == 0 {
            self.config.acceptors = default_acceptors(self.config.shards);
        }
        if let Ok(absolute) = fs::canonicalize(&self.config.dir) {
            self.config.dir = absolute;
        }
        if self.config.io_threads > 1 {
            self.notes.push("io-threads has no effect: see shards and acceptors".to_owned());
        }
        if !self.without_effect.is_empty() {
            let names: Vec<&str> = self.without_effect.into_iter().collect();
            self.notes.push(format!("without effect in this version: {}", names.join(", ")));
        }
        (self.config, self.notes)
    }

    fn read_at_depth(&mut self, path: &Path, depth: usize) -> Result<(), LoadError> {
        let text = fs::read(path)
            .map_err(|error| LoadError::Open { path: path.to_owned(), reason: os_text(&error) })?;
        self.read_lines(&text, Some(path), depth)
    }

    fn read_lines(
        &mut self,
        text: &[u8],
        path: Option<&Path>,
        depth: usize,
    ) -> Result<(), LoadError> {
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line::trim(line);
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            let place = || match path {
                Some(path) if depth > 0 => format!(
                    "Reading the configuration file, at line {} of '{}'",
                    index + 1,
                    path.display()
                ),
                _ => format!("Reading the configuration file, at line {}", index + 1),
            };
            let words = line::split(line).map_err(|_| LoadError::Line {
                place: place(),
                line: without_secret(line, &[first_word(line)]),
                reason: UNBALANCED.into(),
            })?;
            self.read_words(&words, depth).map_err(|refusal| match refusal {
                Refusal::Elsewhere(error) => error,
                Refusal::Wrong(reason) => {
                    LoadError::Line { place: place(), line: without_secret(line, &words), reason }
                }
            })?;
        }
        Ok(())
    }

    fn read_words(&mut self, words: &[Vec<u8>], depth: usize) -> Result<(), Refusal> {
        const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";
        let Some((name, values)) = words.split_first() else { return Err(BAD_DIRECTIVE.into()) };
        if let Some(row) = Directive::find(name) {
            read_values(row, values, &mut self.config)?;
            if row.without_effect {
                self.without_effect.insert(row.name);
            }
            return Ok(());
        }
        if name.eq_ignore_ascii_case(b"include") && values.len() == 1 {
            return self.include(&values[0], depth + 1);
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if let Some(known) = SKIPPED.into_iter().find(|known| is(known)) {
            self.without_effect.insert(known);
            return Ok(());
        }
        if let Some((known, lack)) = REFUSED.iter().find(|(known, _)| is(known)) {
            return Err(format!("this version of Baton {lack}: {known} is not possible").into());
        }
        Err(BAD_DIRECTIVE.into())
    }

    fn include(&mut self, pattern: &[u8], depth: usize) -> Result<(), Refusal> {
        if depth > MAX_INCLUDE_DEPTH {
            return Err("files include each other too deeply".into());
        }
        for path in expand(pattern) {
            self.read_at_depth(&path, depth).map_err(Refusal::Elsewhere)?;
        }
        Ok(())
    }
}

/// Reads the values of a line or an option. A list that stands in one word is split first.
pub fn read_values(row: &Directive, values: &[Vec<u8>], config: &mut Config) -> Result<(), Reason> {
    let split;
    let values = match (row.setting.words(), values) {
        (Words::One, [_]) | (Words::Any, []) => values,
        (Words::One, _) => return Err("wrong number of arguments".into()),
        (Words::Any, [one]) => {
            split = line::split(one).map_err(|_| Reason::Borrowed(UNBALANCED))?;
            &split
        }
        (Words::Any, _) => values,
    };
    let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    row.setting.parse(config, &values)
}

/// The words of an option that stands in one argument with its values; it comes without its
/// dashes.
pub fn split_option(option: &[u8]) -> Result<Vec<Vec<u8>>, LoadError> {
    line::split(option).map_err(|_| {
        let words: Vec<Vec<u8>> =
            option.split(u8::is_ascii_whitespace).map(<[u8]>::to_vec).collect();
        LoadError::Line {
            place: COMMAND_LINE.to_owned(),
            line: format!("--{}", without_secret(option, &words)),
            reason: UNBALANCED.into(),
        }
    })
}

/// The name at the start of an option that comes without its dashes.
pub fn option_name(option: &[u8]) -> &[u8] {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let len = option.iter().take_while(|byte| is_name(byte)).count();
    &option[..len]
}

/// Whether the word is an option with a secret, which another option took for its value.
fn is_secret_option(word: &[u8]) -> bool {
    let option = word.strip_prefix(b"--").map(option_name);
    option.and_then(Directive::find).is_some_and(|row| row.sensitive)
}

/// A line as an error may show it.
fn without_secret(line: &[u8], words: &[Vec<u8>]) -> String {
    let row = words.first().and_then(|name| Directive::find(name));
    match row {
        _ if words.iter().skip(1).any(|word| is_secret_option(word)) => {
            format!("{} (hidden)", String::from_utf8_lossy(&words[0]))
        }
        Some(row) if row.sensitive => format!("{} (hidden)", row.name),
        None if words.first().is_some_and(|name| name.eq_ignore_ascii_case(b"user")) => {
            "user (hidden)".to_owned()
        }
        _ => String::from_utf8_lossy(line).into_owned(),
    }
}

/// The first word of a line whose quotes do not close.
fn first_word(line: &[u8]) -> Vec<u8> {
    line.iter().take_while(|byte| !byte.is_ascii_whitespace()).copied().collect()
}

/// The files that an `include` names: itself, or in order of name all that match its wildcards.
fn expand(pattern: &[u8]) -> Vec<PathBuf> {
    if !glob::is_pattern(pattern) {
        return vec![PathBuf::from_bytes(pattern)];
    }
    let start = if pattern.starts_with(b"/") { "/" } else { "" };
    let mut paths = vec![PathBuf::from(start)];
    for part in pattern.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
        paths = paths.iter().flat_map(|path| children(path, part)).collect();
    }
    paths.sort();
    paths
}

/// The entries of a directory that match one part of a pattern. A leading dot must be named, and
/// a directory that cannot be read has none, as in a shell.
fn children(directory: &Path, part: &[u8]) -> Vec<PathBuf> {
    if !glob::is_pattern(part) {
        let path = directory.join(PathBuf::from_bytes(part));
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let readable = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let Ok(entries) = fs::read_dir(readable) else { return Vec::new() };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    names
        .filter(|name| part.starts_with(b".") || !name.as_bytes().starts_with(b"."))
        .filter(|name| glob::matches(part, name.as_bytes(), Case::Sensitive))
        .map(|name| directory.join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let mut loader = Loader::new();
        loader.read_text(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(loader.finish().0)
    }

    fn reason(text: &str) -> String {
        load(text).unwrap_err().lines().last().unwrap().to_owned()
    }

    #[test]
    fn a_file_of_several_directives() {
        let config = load(
            "# a comment\n\n  Port 7000\r\nMAXMEMORY 1gb\nrequirepass 'a b'\nsave \"\"\n\
             bind 127.0.0.1 -::1\nclient-output-buffer-limit normal 1mb 2kb 3\n\
             client-output-buffer-limit \"pubsub 0 0 0\"\nslowlog-max-len 7\ntimeout 1\ntimeout 2",
        )
        .unwrap();
        assert_eq!(config.port, 7000);
        assert_eq!(config.maxmemory, 1 << 30);
        assert_eq!(config.requirepass.as_deref(), Some(&b"a b"[..]));
        assert_eq!(config.bind, ["127.0.0.1", "-::1"]);
        assert_eq!(config.client_output_buffer_limit.normal.hard_bytes, 1 << 20);
        assert_eq!(config.client_output_buffer_limit.pubsub.hard_bytes, 0);
        assert_eq!(config.slowlog_max_len, 7);
        assert_eq!(config.timeout, 2);
    }

    #[test]
    fn the_error_names_the_line() {
        assert_eq!(
            load("# c\n\ntimeout abc\n").unwrap_err(),
            format!(
                "*** FATAL CONFIG FILE ERROR (Version {}) ***\nReading the configuration file, at \
                 line 3\n>>> 'timeout abc'\nargument couldn't be parsed into an integer",
                env!("CARGO_PKG_VERSION")
            )
        );
    }

    #[test]
    fn reasons() {
        for (line, expected) in [
            ("foo bar", "Bad directive or wrong number of arguments"),
            ("include", "Bad directive or wrong number of arguments"),
            ("include a b", "Bad directive or wrong number of arguments"),
            ("timeout", "wrong number of arguments"),
            ("timeout 1 2", "wrong number of arguments"),
            ("timeout \"5", "Unbalanced quotes in configuration line"),
            ("save 100", "Invalid save parameters"),
            ("save \"a b\"", "Invalid save parameters"),
            ("save 0 1", "Invalid save parameters"),
            (
                "client-output-buffer-limit normal 0 0",
                "Wrong number of arguments in buffer limit configuration.",
            ),
            ("unixsocketperm 999", "argument couldn't be parsed as an octal number"),
            ("unixsocketperm 1777", "argument must be between 0 and 777 inclusive"),
            ("dir /no/such/directory", "No such file or directory"),
            (
                "supervised x",
                "argument(s) must be one of the following: upstart, systemd, auto, no",
            ),
        ] {
            assert_eq!(reason(line), expected, "{line}");
        }
    }

    #[test]
    fn promises_that_cannot_be_kept_are_refused() {
        for line in [
            "appendonly yes",
            "save 3600 1",
            "save 3600 1 300 100",
            "daemonize yes",
            "supervised systemd",
            "notify-keyspace-events KEA",
            "replicaof 10.0.0.1 6379",
            "cluster-enabled yes",
            "user alice on nopass ~* +@all",
            "rename-command FLUSHALL \"\"",
            "loadmodule /a.so",
        ] {
            assert!(reason(line).contains("possible"), "{line}: {}", reason(line));
        }
    }

    #[test]
    fn secrets_stay_out_of_errors() {
        for line in ["requirepass hunter2 x", "requirepass \"hunter2", "REQUIREPASS hunter2 x"] {
            let error = load(line).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains(">>> 'requirepass (hidden)'"), "{error}");
        }
        assert!(!load("user alice on >hunter2").unwrap_err().contains("hunter2"));
    }

    #[test]
    fn includes() {
        let dir = tempdir("includes");
        let path = |name: &str| dir.join(name).display().to_string();
        fs::write(dir.join("b.conf"), "timeout 2\n").unwrap();
        fs::write(dir.join("a.conf"), "timeout 1\nhz 50\n").unwrap();
        fs::write(dir.join(".hidden.conf"), "timeout 3\n").unwrap();
        fs::write(dir.join("loop.conf"), format!("include {}\n", path("loop.conf"))).unwrap();
        fs::write(dir.join("bad.conf"), "\nfoo\n").unwrap();

        let config = load(&format!("include {}\n", path("[ab].conf"))).unwrap();
        assert_eq!((config.timeout, config.hz), (2, 50));
        assert_eq!(load(&format!("include {}\n", path("none*.conf"))), Ok(load("").unwrap()));
        assert_eq!(
            load(&format!("include {}\n", path("none.conf"))).unwrap_err(),
            format!(
                "Fatal error, can't open config file '{}': No such file or directory",
                path("none.conf")
            )
        );
        assert_eq!(
            reason(&format!("include {}\n", path("loop.conf"))),
            "files include each other too deeply"
        );
        let error = load(&format!("include {}\n", path("bad.conf"))).unwrap_err();
        assert!(error.contains(&format!("at line 2 of '{}'", path("bad.conf"))), "{error}");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_has_no_effect_is_named_once() {
        let mut loader = Loader::new();
        let text = "repl-timeout 60\ndynamic-hz yes\nio-threads 4\nREPL-timeout 5\nhz 10\n\
                    appendfsync always\nslave-priority 1\n";
        loader.read_text(text.as_bytes()).unwrap();
        let (_, notes) = loader.finish();
        assert_eq!(
            notes,
            [
                "io-threads has no effect: see shards and acceptors",
                "without effect in this version: appendfsync, dynamic-hz, repl-timeout, \
                 replica-priority"
            ]
        );
    }

    #[test]
    fn acceptors_follow_shards() {
        let config = load("shards 1\n").unwrap();
        assert_eq!((config.shards, config.acceptors), (1, 1));
        let config = load("shards 64\nacceptors 3\n").unwrap();
        assert_eq!((config.shards, config.acceptors), (64, 3));
        assert_eq!(reason("acceptors 0"), "argument must be between 1 and 256 inclusive");
    }

    /// A fresh directory for one test.
    fn tempdir(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("baton-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }
}
