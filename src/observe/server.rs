//! The server as everyone sees it: configuration, clock, counters, and what it was asked to do.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_channel::Sender;

use super::ClientRegistry;
use crate::clock::Clock;
use crate::config::ConfigStore;
use crate::keyspace::{ClientId, KeyHasher, MemoryBoard, ShardCount};

/// Plain counters, each moved by whoever does the thing.
#[derive(Default)]
pub struct Counters {
    /// Connections accepted since the start.
    pub connections: AtomicU64,
    /// Connections refused since `maxclients` were connected.
    pub rejected: AtomicU64,
    /// Clients connected now.
    pub connected: AtomicU64,
    /// Commands that acceptors ran themselves.
    pub session_commands: AtomicU64,
    /// Bytes received.
    pub bytes_in: AtomicU64,
    /// Bytes sent.
    pub bytes_out: AtomicU64,
    /// Connections closed for a full output buffer.
    pub output_limit_disconnections: AtomicU64,
    /// Connections closed for a full query buffer.
    pub query_limit_disconnections: AtomicU64,
    /// Connections that an acceptor handed to another one.
    pub handovers: AtomicU64,
    /// Event-loop iterations that had work.
    pub iterations: AtomicU64,
    /// Iterations that held the baton.
    pub ordered_iterations: AtomicU64,
    /// Error replies that acceptors gave themselves.
    pub session_errors: AtomicU64,
    /// Peak of used memory, in bytes.
    pub peak_memory: AtomicU64,
    /// ACL denials for wrong passwords.
    pub auth_failures: AtomicU64,
}

/// Which commands a pause holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseMode {
    /// Those that write.
    Write,
    /// All.
    All,
}

/// `CLIENT PAUSE`: until when, and what.
#[derive(Default)]
pub struct Pause {
    until_ms: AtomicI64,
    all: AtomicU8,
}

impl Pause {
    /// Holds commands back until `until_ms` of Unix time. Ends never get earlier and modes never
    /// milder while a pause lasts, as in Redis.
    pub fn begin(&self, mode: PauseMode, until_ms: i64, now_ms: i64) {
        let running = self.until_ms.load(Ordering::SeqCst) > now_ms;
        let all = mode == PauseMode::All || (running && self.all.load(Ordering::SeqCst) == 1);
        self.all.store(u8::from(all), Ordering::SeqCst);
        if running {
            self.until_ms.fetch_max(until_ms, Ordering::SeqCst);
        } else {
            self.until_ms.store(until_ms, Ordering::SeqCst);
        }
    }

    /// Ends the pause.
    pub fn end(&self) {
        self.until_ms.store(0, Ordering::SeqCst);
    }

    /// What is held back at `now_ms`, and until when.
    pub fn current(&self, now_ms: impl FnOnce() -> i64) -> Option<(PauseMode, i64)> {
        let until_ms = self.until_ms.load(Ordering::SeqCst);
        if until_ms == 0 || until_ms <= now_ms() {
            return None;
        }
        let all = self.all.load(Ordering::SeqCst) == 1;
        Some((if all { PauseMode::All } else { PauseMode::Write }, until_ms))
    }
}

/// How `SHUTDOWN` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownMode {
    /// By the rules of the configuration.
    Default,
    /// Without saving, whatever is configured.
    NoSave,
    /// Saving, whatever is configured.
    Save,
}

/// What the control thread is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End the process in an orderly way.
    Shutdown(ShutdownMode),
    /// A thread has panicked: end the process with a failure code.
    Panicked,
}

/// The server as everyone sees it.
pub struct Server {
    /// The configuration.
    pub config: Arc<ConfigStore>,
    /// The clock.
    pub clock: Clock,
    /// The key hasher.
    pub hasher: KeyHasher,
    /// Number of shards.
    pub shards: ShardCount,
    /// Number of acceptors.
    pub acceptors: usize,
    /// How shards are pinned, in words.
    pub pinning: String,
    /// When it started, ms of Unix time.
    pub started_ms: i64,
    /// 40 hexadecimal digits that name this run.
    pub run_id: String,
    /// What the shards use.
    pub memory: Arc<MemoryBoard>,
    /// Connected clients.
    pub clients: ClientRegistry,
    /// Counters.
    pub counters: Counters,
    /// `CLIENT PAUSE`.
    pub pause: Pause,
    /// Tells the control thread.
    pub control: Sender<Signal>,
    /// Calls and time of commands that acceptors ran, by command number.
    pub session_stats: Box<[SessionStat]>,
    /// Moves when acceptors shall look at their clients' cards and the pause.
    pub attention: AtomicU64,
    /// Rouses every acceptor.
    pub rouse: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// Calls and time of one command on the acceptors.
#[derive(Default)]
pub struct SessionStat {
    /// Runs.
    pub calls: AtomicU64,
    /// Nanoseconds spent.
    pub ns: AtomicU64,
    /// Runs that answered an error.
    pub failed: AtomicU64,
}

impl Server {
    /// Tells the control thread something; it is never too busy to be told.
    pub fn tell_control(&self, signal: Signal) {
        // The control thread outlives every other; after it has ended the process ends anyway.
        let _ = self.control.send(signal);
    }

    /// Where [`Server::call_attention`] stands; acceptors compare it with what they last saw.
    pub fn attention(&self) -> u64 {
        self.attention.load(Ordering::SeqCst)
    }

    /// Has every acceptor look at its clients' cards (for killed ones) and at the pause.
    pub fn call_attention(&self) {
        self.attention.fetch_add(1, Ordering::SeqCst);
        if let Some(rouse) = self.rouse.get() {
            rouse();
        }
    }

    /// Counts a command that an acceptor ran itself.
    pub fn count_session_command(&self, number: u16, ns: u64, failed: bool) {
        let Some(stat) = self.session_stats.get(number as usize) else { return };
        stat.calls.fetch_add(1, Ordering::Relaxed);
        stat.ns.fetch_add(ns, Ordering::Relaxed);
        stat.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    /// Takes note of how long a command took: slow log and latency history. `request` gives the
    /// arguments and the client and is called only for slow ones.
    pub fn observe_command(
        &self,
        _number: u16,
        _ns: u64,
        _request: impl FnOnce() -> (Vec<Vec<u8>>, ClientId),
    ) {
    }
}
