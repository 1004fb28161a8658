//! The command line: clap for the flags that people type, Redis's `--directive value…` for the
//! rest.
//!
//! Must hold: what the command line says wins over the file; both are read by the one table, so a
//! flag accepts what its directive accepts.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use clap::Parser;
use clap::error::ErrorKind;

use super::file::{LoadError, Loader};
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
    let (plain, groups) = group(arguments);
    let (flags, options): (Vec<Group>, Vec<Group>) =
        groups.into_iter().partition(|group| is_flag(&group.name));
    let flags = match Flags::try_parse_from(for_clap(plain, flags)) {
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
    for words in flags.directives() {
        loader.read_option(&words)?;
    }
    for Group { name, values } in options {
        let values = values.into_iter().map(OsString::into_vec);
        let words: Vec<Vec<u8>> = std::iter::once(name).chain(values).collect();
        loader.read_option(&words)?;
    }

    let file = file.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.into()));
    let (config, notes) = loader.finish();
    Ok(Invocation::Run(Box::new(Startup { config, file, notes })))
}

impl Flags {
    /// The flags that were given, as lines of a configuration file.
    fn directives(&self) -> impl Iterator<Item = Vec<Vec<u8>>> {
        let single = [
            ("shards", &self.shards),
            ("acceptors", &self.acceptors),
            ("port", &self.port),
            ("unixsocket", &self.unixsocket),
            ("lend", &self.lend),
        ];
        let bytes = |value: &OsString| value.as_bytes().to_vec();
        let bind = (!self.bind.is_empty()).then(|| {
            std::iter::once(b"bind".to_vec()).chain(self.bind.iter().map(bytes)).collect()
        });
        single
            .into_iter()
            .filter_map(move |(name, value)| Some(vec![name.into(), bytes(value.as_ref()?)]))
            .chain(bind)
    }
}

/// Whether clap reads the option, rather than the table directly.
fn is_flag(name: &[u8]) -> bool {
    const FLAGS: [&[u8]; 8] =
        [b"shards", b"acceptors", b"port", b"bind", b"unixsocket", b"lend", b"help", b"version"];
    FLAGS.contains(&name)
}

/// Parts the arguments into those before the first option and the options with their values.
fn group(arguments: Vec<OsString>) -> (Vec<OsString>, Vec<Group>) {
    let (mut plain, mut groups) = (Vec::new(), Vec::<Group>::new());
    for argument in arguments {
        match (argument.as_bytes().strip_prefix(b"--"), groups.last_mut()) {
            (Some(option), _) => {
                let equals = option.iter().position(|&byte| byte == b'=');
                let name = &option[..equals.unwrap_or(option.len())];
                let value = equals.map(|at| OsString::from_vec(option[at + 1..].to_vec()));
                groups.push(Group {
                    name: name.to_ascii_lowercase(),
                    values: value.into_iter().collect(),
                });
            }
            (None, Some(group)) => group.values.push(argument),
            (None, None) => plain.push(argument),
        }
    }
    (plain, groups)
}

/// The arguments in a form that clap takes whatever the values look like. Of a flag given twice
/// the last counts, as in a file.
fn for_clap(plain: Vec<OsString>, flags: Vec<Group>) -> Vec<OsString> {
    let mut arguments = vec![OsString::from("baton")];
    arguments.extend(plain);
    for (index, Group { name, values }) in flags.iter().enumerate() {
        if flags[index + 1..].iter().any(|later| later.name == *name) {
            continue;
        }
        let flag = |value: &OsString| {
            OsString::from_vec([b"--", name.as_slice(), b"=", value.as_bytes()].concat())
        };
        match values.split_first() {
            None => arguments.push(OsString::from_vec([b"--", name.as_slice()].concat())),
            Some(_) if name == b"bind" => arguments.extend(values.iter().map(flag)),
            Some((value, rest)) => {
                arguments.push(flag(value));
                arguments.extend_from_slice(rest);
            }
        }
    }
    arguments
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
        let error = invoke(&["--requirepass", "hunter2", "x"], "").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn help_and_version() {
        assert!(printed(&["--help"]).contains("redis-cli"));
        assert!(printed(&["-h"]).contains("--shards <N>"));
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
