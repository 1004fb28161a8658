//! The command line: Redis's `--directive value…`, parted as redis-server parts it; clap for the
//! configuration file, for help and version, and to explain the flags that people type.
//!
//! Must hold: what the command line says wins over the file, and what comes later over what came
//! before; all of it is read by the one table, so a flag accepts what its directive accepts.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;

use super::file::{LoadError, Loader, option_name, split_option};
use super::table::Config;

/// What the command line asks for.
#[derive(Debug)]
pub enum Invocation {
    /// To run the server.
    Run(Box<Startup>),
    /// To print a text (help, version) and end.
    Print(String),
}

/// Everything that the server needs to know to start.
#[derive(Debug)]
pub struct Startup {
    /// The settings.
    pub config: Config,
    /// The file they came from, by absolute path.
    pub file: Option<PathBuf>,
    /// What the log should say about them, one line each.
    pub notes: Vec<String>,
}

/// Redis-compatible in-memory server that runs on every core.
///
/// The keys are divided among shards, each owned by one thread, and acceptors serve the
/// connections. Without arguments Baton listens on port 6379 with one shard per core.
#[derive(Parser)]
#[command(
    name = "baton",
    version,
    disable_version_flag = true,
    override_usage = "baton [CONFIG_FILE] [OPTIONS] [--<DIRECTIVE> <VALUE>...]...",
    after_help = EXAMPLES
)]
struct Flags {
    // Of the values only this one is read from here: the rest is for clap to explain.
    /// File of directives in the syntax of redis.conf, or - for standard input
    #[arg(value_name = "CONFIG_FILE")]
    config_file: Option<OsString>,

    /// Shard threads [default: one per core this process may use]
    #[arg(long, value_name = "N")]
    shards: Option<OsString>,

    /// Threads that serve connections [default: half the shards, at least one]
    #[arg(long, value_name = "M")]
    acceptors: Option<OsString>,

    /// TCP port, 0 for none [default: 6379]
    #[arg(long, value_name = "P")]
    port: Option<OsString>,

    /// Addresses to listen on [default: all]
    #[arg(long, value_name = "ADDR", num_args = 1..)]
    bind: Vec<OsString>,

    /// Listen on a unix socket too
    #[arg(long, value_name = "PATH")]
    unixsocket: Option<OsString>,

    /// Whether idle shards lend their data to the acceptors (yes or no) [default: yes]
    #[arg(long, value_name = "YES|NO")]
    lend: Option<OsString>,

    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

const EXAMPLES: &str = "\
Every directive of redis.conf that Baton knows is an option as well; its values go on to the next
option. Options win over the file. A running server changes most of them by CONFIG SET.

Examples:
  baton                                       all cores, port 6379
  baton --shards 4 --port 7000                four shards
  baton /etc/baton.conf --loglevel verbose    a file, and one setting changed
  baton --maxmemory 2gb --maxmemory-policy allkeys-lru
                                              a cache that evicts beyond 2 GB
  baton --port 0 --unixsocket /run/baton.sock --unixsocketperm 700
                                              this machine only, no TCP
  baton --client-output-buffer-limit pubsub 32mb 8mb 60
                                              an option with several values
  echo 'maxclients 100' | baton -             directives from standard input

Then talk to it:
  redis-cli -p 6379 SET greeting hello
  redis-cli CONFIG GET 'max*'";

/// One option with its values: `--name value…`.
struct Group {
    name: Vec<u8>,
    values: Vec<OsString>,
}

/// Reads the program's arguments (the first is its own name), the files they name and, if they
/// ask for it, standard input.
pub fn read_command_line(
    arguments: impl IntoIterator<Item = OsString>,
    stdin: impl Read,
) -> Result<Invocation, LoadError> {
    let mut arguments: Vec<OsString> = arguments.into_iter().skip(1).collect();
    let from_stdin = arguments.pop_if(|last| last == "-").is_some()
        || arguments.first().is_some_and(|first| first == "-");
    let (plain, groups) = group(arguments)?;
    let bare = groups.iter().filter(|group| group.is_for_clap()).map(Group::bare);
    let flags = match Flags::try_parse_from(["baton".into()].into_iter().chain(plain).chain(bare)) {
        Ok(flags) => flags,
        Err(error) => return explained(&error),
    };

    let mut loader = Loader::new();
    let file = flags.config_file.as_ref().filter(|file| *file != "-");
    if let Some(file) = file {
        loader.read_file(Path::new(file))?;
    }
    if from_stdin {
        loader.read_text(stdin)?;
    }
    for Group { name, values } in groups {
        // Two dashes alone at the end ask for nothing.
        if name.is_empty() && values.is_empty() {
            continue;
        }
        let values = values.into_iter().map(OsString::into_vec);
        let words: Vec<Vec<u8>> = std::iter::once(name).chain(values).collect();
        loader.read_option(&words)?;
    }

    let file = file.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.into()));
    let (config, notes) = loader.finish();
    Ok(Invocation::Run(Box::new(Startup { config, file, notes })))
}

/// Parts the arguments into those before the first option and the options with their values.
fn group(arguments: Vec<OsString>) -> Result<(Vec<OsString>, Vec<Group>), LoadError> {
    let (mut plain, mut groups) = (Vec::new(), Vec::<Group>::new());
    for argument in arguments {
        let option = argument.as_bytes().strip_prefix(b"--");
        match (groups.last_mut(), option) {
            (Some(group), _) if group.needs_value() => group.values.push(argument),
            (_, Some(option)) => groups.push(Group::read(option)?),
            (Some(group), None) => group.values.push(argument),
            (None, None) => plain.push(argument),
        }
    }
    Ok((plain, groups))
}

impl Group {
    /// Reads an option, without its dashes, and the values that stand in the same argument:
    /// `name value…` with the quotes of a file, or `name=value`.
    fn read(option: &[u8]) -> Result<Group, LoadError> {
        let name = option_name(option);
        let (name, values) = match option[name.len()..].strip_prefix(b"=") {
            Some(value) => (name.to_vec(), vec![value.to_vec()]),
            None => {
                let mut words = split_option(option)?.into_iter();
                (words.next().unwrap_or_default(), words.collect())
            }
        };
        let values = values.into_iter().map(OsString::from_vec).collect();
        Ok(Group { name: name.to_ascii_lowercase(), values })
    }

    /// Whether the next argument is a value whatever it looks like: a password may begin with two
    /// dashes. A bare `--save` is complete, and means `--save ""`.
    fn needs_value(&self) -> bool {
        self.values.is_empty() && self.name != b"save" && !self.is_question()
    }

    /// Whether it asks for a text and not for a server.
    fn is_question(&self) -> bool {
        matches!(self.name.as_slice(), b"help" | b"version")
    }

    /// Whether clap has something to say about it: an answer, or what value a flag lacks.
    fn is_for_clap(&self) -> bool {
        const FLAGS: [&[u8]; 6] =
            [b"shards", b"acceptors", b"port", b"bind", b"unixsocket", b"lend"];
        self.is_question() || self.values.is_empty() && FLAGS.contains(&self.name.as_slice())
    }

    /// The option as an argument, without its values.
    fn bare(&self) -> OsString {
        OsString::from_vec([b"--", self.name.as_slice()].concat())
    }
}

/// Help and version are answers; the rest are errors.
fn explained(error: &clap::Error) -> Result<Invocation, LoadError> {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Invocation::Print(text)),
        _ => Err(LoadError::Usage(text.trim_end().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invoke(arguments: &[&str], stdin: &str) -> Result<Invocation, String> {
        let arguments = std::iter::once("baton").chain(arguments.iter().copied());
        read_command_line(arguments.map(OsString::from), stdin.as_bytes())
            .map_err(|error| error.to_string())
    }

    fn config(arguments: &[&str]) -> Config {
        match invoke(arguments, "") {
            Ok(Invocation::Run(startup)) => startup.config,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    fn printed(arguments: &[&str]) -> String {
        match invoke(arguments, "") {
            Ok(Invocation::Print(text)) => text,
            other => panic!("{arguments:?}: {other:?}"),
        }
    }

    #[test]
    fn flags_and_directives() {
        let config = config(&[
            "--shards",
            "3",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
            "7000",
            "--bind",
            "127.0.0.1",
            "-::1",
            "--slowlog-log-slower-than",
            "-1",
            "--MaxMemory",
            "1gb",
            "--client-output-buffer-limit",
            "normal",
            "1",
            "2",
            "3",
            "--lend",
            "no",
            "--requirepass=--x",
        ]);
        assert_eq!((config.shards, config.port, config.lend), (3, 7000, false));
        assert_eq!(config.bind, ["127.0.0.1", "-::1"]);
        assert_eq!(config.slowlog_log_slower_than, -1);
        assert_eq!(config.maxmemory, 1 << 30);
        assert_eq!(config.client_output_buffer_limit.normal.soft_seconds, 3);
        assert_eq!(config.requirepass.as_deref(), Some(&b"--x"[..]));
    }

    #[test]
    fn the_last_of_a_flag_counts() {
        let config = config(&["--port", "1", "--port=2", "--bind", "a", "--bind", "b"]);
        assert_eq!(config.port, 2);
        assert_eq!(config.bind, ["b"]);
    }

    #[test]
    fn a_directive_in_one_argument() {
        let config = config(&[
            "--maxmemory 700mb",
            "--Port\t7000 ",
            "--bind 127.0.0.1 -::1",
            "--client-output-buffer-limit normal 1 2",
            "3",
            "--requirepass \"x = y\"",
            "--timeout",
            "5",
            "--proc-title-template {title}={port}",
        ]);
        assert_eq!((config.maxmemory, config.port, config.timeout), (700 << 20, 7000, 5));
        assert_eq!(config.bind, ["127.0.0.1", "-::1"]);
        assert_eq!(config.client_output_buffer_limit.normal.soft_seconds, 3);
        assert_eq!(config.requirepass.as_deref(), Some(&b"x = y"[..]));
        assert_eq!(config.proc_title_template, b"{title}={port}");
    }

    #[test]
    fn the_first_value_may_look_like_an_option() {
        let password = |arguments: &[&str]| config(arguments).requirepass;
        for value in ["--x", "--port", "--save", "--help", "--version", "--x y", "--port=1", "--"] {
            let given = password(&["--requirepass", value, "--timeout", "5"]);
            assert_eq!(given.as_deref(), Some(value.as_bytes()));
        }
        let config = config(&["--requirepass=", "--timeout", "5"]);
        assert_eq!((config.timeout, config.requirepass), (5, None));
    }

    #[test]
    fn a_bare_save_is_complete() {
        for arguments in [
            &["--timeout", "5", "--save"][..],
            &["--save", "--timeout", "5"],
            &["--SAVE", "--save", "--timeout", "5", "--"],
            &["--save", "", "--timeout", "5"],
        ] {
            let config = config(arguments);
            assert_eq!((config.timeout, config.save), (5, vec![]), "{arguments:?}");
        }
    }

    #[test]
    fn later_wins_whatever_it_is() {
        let path = std::env::temp_dir().join(format!("baton-cli-{}.inc", std::process::id()));
        std::fs::write(&path, "timeout 1\nport 1\n").unwrap();
        let file = path.to_str().unwrap();
        let before = config(&["--port", "3", "--timeout", "3", "--include", file]);
        assert_eq!((before.timeout, before.port), (1, 1));
        let after = config(&["--include", file, "--port", "3", "--timeout", "3"]);
        assert_eq!((after.timeout, after.port), (3, 3));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn options_win_over_file_and_standard_input() {
        let path = std::env::temp_dir().join(format!("baton-cli-{}.conf", std::process::id()));
        std::fs::write(&path, "timeout 1\nhz 11\nport 1\n").unwrap();
        let file = path.to_str().unwrap();
        let invocation = invoke(&[file, "--port", "3", "-"], "hz 12\nport 2\n");
        let Ok(Invocation::Run(startup)) = invocation else { panic!("{invocation:?}") };
        assert_eq!((startup.config.timeout, startup.config.hz, startup.config.port), (1, 12, 3));
        assert_eq!(startup.file.as_deref(), Some(path.as_path()));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn standard_input_alone() {
        for arguments in [&["-"][..], &["-", "--timeout", "4"]] {
            let invocation = invoke(arguments, "hz 12\n");
            let Ok(Invocation::Run(startup)) = invocation else { panic!("{invocation:?}") };
            assert_eq!((startup.config.hz, startup.file), (12, None));
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (arguments, expected) in [
            (&["--foo", "bar"][..], "'--foo bar'\nBad directive or wrong number of arguments"),
            (&["--maxmemory", "x"], "'--maxmemory x'\nargument must be a memory value"),
            (&["--port", "x"], "'--port x'\nargument couldn't be parsed into an integer"),
            (&["--timeout"], "'--timeout'\nwrong number of arguments"),
            (&["--timeout", "1", "2"], "'--timeout 1 2'\nwrong number of arguments"),
            (&["--appendonly", "yes"], "no append-only file"),
            (&["--port"], "a value is required for '--port"),
            (&["--timeout", "5", "--bind"], "a value is required for '--bind"),
            (&["--port", "1", "2"], "'--port 1 2'\nwrong number of arguments"),
            (&["--port 1 --lend no"], "'--port 1 --lend no'\nwrong number of arguments"),
            (&["--timeout", "--port", "1"], "'--timeout --port 1'\nwrong number of arguments"),
            (&["--maxmemory 1gb", "2gb"], "'--maxmemory 1gb 2gb'\nwrong number of arguments"),
            (&["--timeout \"5"], "'--timeout \"5'\nUnbalanced quotes in configuration line"),
            (&["--timeout\"", "5"], "Unbalanced quotes in configuration line"),
            (&["--save", "60", "--timeout", "5"], "'--save 60'\nInvalid save parameters"),
            (&["--foo --port"], "'--foo --port'\nBad directive"),
            (&["/no/such.conf"], "can't open config file '/no/such.conf': No such file"),
            (&["a.conf", "b.conf"], "unexpected argument 'b.conf'"),
            (&["--", "x"], "Bad directive"),
        ] {
            let error = invoke(arguments, "").unwrap_err();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn secrets_stay_out_of_errors() {
        for arguments in [
            &["--requirepass", "hunter2", "x"][..],
            &["--requirepass hunter2 x"],
            &["--requirepass \"hunter2"],
            &["--timeout", "--requirepass", "hunter2"],
            &["--timeout", "--requirepass hunter2"],
            &["--timeout --requirepass=hunter2"],
            &["--timeout --requirepass \"hunter2"],
        ] {
            let error = invoke(arguments, "").unwrap_err();
            assert!(error.contains("(hidden)") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn help_and_version() {
        assert!(printed(&["--help"]).contains("redis-cli"));
        assert!(printed(&["-h"]).contains("--shards <N>"));
        assert!(printed(&["--help", "--port"]).contains("redis-cli"));
        assert!(printed(&["--version", "x", "--port", "1"]).starts_with("baton "));
        for flag in ["--version", "-v", "-V"] {
            assert_eq!(printed(&[flag]), concat!("baton ", env!("CARGO_PKG_VERSION"), "\n"));
        }
    }

    #[test]
    fn clap_is_well_formed() {
        use clap::CommandFactory;
        Flags::command().debug_assert();
    }
}
