//! The server as everyone sees it: configuration, clock, counters, and what it was asked to do.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crossbeam_channel::Sender;
use crossbeam_utils::CachePadded;

use super::{
    ClientCard, ClientRegistry, CommandLog, LatencyMonitor, LogEntry, LogKind, Rates,
    SharedHistogram, Totals,
};
use crate::clock::Clock;
use crate::config::{Config, ConfigStore};
use crate::keyspace::{ClientId, KeyHasher, MemoryBoard, ShardCount, Unblock};

/// Plain counters, each moved by whoever does the thing.
#[derive(Default)]
pub struct Counters {
    /// Connections accepted since the start.
    pub connections: AtomicU64,
    /// Connections refused since `maxclients` were connected.
    pub rejected: AtomicU64,
    /// Clients connected now.
    pub connected: AtomicU64,
    /// Connections closed for a full output buffer.
    pub output_limit_disconnections: AtomicU64,
    /// Connections closed for a full query buffer.
    pub query_limit_disconnections: AtomicU64,
    /// Clients closed since all of them held too much.
    pub evicted_clients: AtomicU64,
    /// Connections that an acceptor handed to another one.
    pub handovers: AtomicU64,
    /// Established connections that moved from one acceptor to another.
    pub moves: AtomicU64,
    /// Iterations that held the baton.
    pub ordered_iterations: AtomicU64,
    /// Peak of used memory, in bytes.
    pub peak_memory: AtomicU64,
    /// ACL denials for wrong passwords.
    pub auth_failures: AtomicU64,
    /// Clients that wait in a blocking command now, or for the end of a pause.
    pub blocked: AtomicU64,
    /// Those of them whose wait ends by itself.
    pub blocked_with_timeout: AtomicU64,
}

/// What moved on the sockets of one acceptor, which alone counts there.
#[derive(Default)]
pub struct Traffic {
    /// Bytes received.
    pub bytes_in: AtomicU64,
    /// Reads that brought any.
    pub reads: AtomicU64,
    /// Bytes sent.
    pub bytes_out: AtomicU64,
    /// Writes that took replies.
    pub writes: AtomicU64,
    /// Event-loop iterations that had work.
    pub iterations: AtomicU64,
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
    /// Calls and time of commands that acceptors ran: by acceptor, which alone counts there, and
    /// by command number.
    pub session_stats: Box<[Box<[SessionStat]>]>,
    /// Moves when acceptors shall look at their clients' cards and the pause.
    pub attention: AtomicU64,
    /// Error replies that acceptors gave themselves.
    pub errors: ErrorCounts,
    /// Commands run by each shard, posted when its box changes hands.
    pub commands_run: Box<[CachePadded<AtomicU64>]>,
    /// What each acceptor reads and writes.
    pub traffic: Box<[CachePadded<Traffic>]>,
    /// Requests taken by each acceptor, which alone counts there.
    pub requests: Box<[CachePadded<AtomicU64>]>,
    /// Bytes held by the clients of each acceptor, which alone posts them there.
    pub client_memory: Box<[CachePadded<AtomicU64>]>,
    /// Rates of the last moments.
    pub rates: Rates,
    /// Bytes that the process had allocated when it was ready.
    pub startup_memory: AtomicU64,
    /// Slow commands and large ones.
    pub command_log: CommandLog,
    /// Spikes by event.
    pub latency: LatencyMonitor,
    /// Rouses every acceptor.
    pub rouse: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Makes listeners for another address or port.
    pub relisten: OnceLock<Relistening>,
}

/// Takes the new configuration and makes the listeners that it asks for beyond the present ones.
/// What it returns puts them in place of the old ones; dropped instead, it leaves all as it was.
pub type Relistening = Box<dyn Fn(&Config) -> std::io::Result<Box<dyn FnOnce()>> + Send + Sync>;

/// Calls and time of one command on the acceptors.
#[derive(Default)]
pub struct SessionStat {
    /// Runs.
    pub calls: AtomicU64,
    /// Nanoseconds spent.
    pub ns: AtomicU64,
    /// Runs that answered an error.
    pub failed: AtomicU64,
    /// Requests refused before they ran.
    pub rejected: AtomicU64,
    /// The spread of the times.
    pub times: SharedHistogram,
}

impl SessionStat {
    /// Begins anew.
    pub fn reset(&self) {
        for figure in [&self.calls, &self.ns, &self.failed, &self.rejected] {
            figure.store(0, Ordering::Relaxed);
        }
        self.times.reset();
    }
}

/// Error replies by code word.
#[derive(Default)]
pub struct ErrorCounts {
    by_code: Mutex<BTreeMap<Box<str>, u64>>,
}

impl ErrorCounts {
    /// Codes kept apart; a client cannot make the table grow without bound.
    pub const MOST_CODES: usize = 128;

    fn by_code(&self) -> MutexGuard<'_, BTreeMap<Box<str>, u64>> {
        self.by_code.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an error reply that began with `code`.
    pub fn count(&self, code: &[u8]) {
        let code = String::from_utf8_lossy(code);
        let mut by_code = self.by_code();
        if let Some(count) = by_code.get_mut(&*code) {
            *count += 1;
        } else if by_code.len() < Self::MOST_CODES {
            by_code.insert(code.into(), 1);
        }
    }

    /// The counts now.
    pub fn all(&self) -> BTreeMap<Box<str>, u64> {
        self.by_code().clone()
    }

    /// Begins anew.
    pub fn reset(&self) {
        self.by_code().clear();
    }
}

/// What is known of a command that has just been run.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// How long it took, in ns.
    pub ns: u64,
    /// Bytes of its request, or a bound that they do not exceed.
    pub request_bytes: usize,
    /// Bytes of its reply.
    pub reply_bytes: usize,
    /// It is one of those that should take no time (`fast`).
    pub fast: bool,
    /// It may stand in the command log.
    pub loggable: bool,
}

impl Server {
    /// A server that has just started, without threads. `pinning` says in words how shards are
    /// pinned, `commands` how many commands have a number.
    pub fn new(
        store: ConfigStore,
        clock: Clock,
        control: Sender<Signal>,
        pinning: String,
        commands: usize,
    ) -> Server {
        let config = store.load();
        let shards = NonZeroUsize::new(config.shards).unwrap_or(NonZeroUsize::MIN);
        let seed = || fastrand::u64(..);
        Server {
            clock: clock.clone(),
            hasher: KeyHasher::with_seeds([seed(), seed(), seed(), seed()]),
            shards: ShardCount::new(shards),
            acceptors: config.acceptors,
            pinning,
            started_ms: clock.unix_ms(),
            run_id: (0..40)
                .map(|_| char::from_digit(fastrand::u32(0..16), 16).unwrap_or('0'))
                .collect(),
            memory: Arc::new(MemoryBoard::new(config.shards)),
            clients: ClientRegistry::default(),
            counters: Counters::default(),
            pause: Pause::default(),
            control,
            session_stats: (0..config.acceptors)
                .map(|_| (0..commands).map(|_| SessionStat::default()).collect())
                .collect(),
            attention: AtomicU64::new(0),
            errors: ErrorCounts::default(),
            commands_run: (0..config.shards).map(|_| CachePadded::new(AtomicU64::new(0))).collect(),
            traffic: (0..config.acceptors).map(|_| CachePadded::default()).collect(),
            requests: (0..config.acceptors).map(|_| CachePadded::default()).collect(),
            client_memory: (0..config.acceptors).map(|_| CachePadded::default()).collect(),
            rates: Rates::default(),
            startup_memory: AtomicU64::new(0),
            command_log: CommandLog::default(),
            latency: LatencyMonitor::default(),
            rouse: OnceLock::new(),
            relisten: OnceLock::new(),
            config: Arc::new(store),
        }
    }

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

    /// Ends a client that somebody else has asked to end. Its acceptor, which alone closes it, has to
    /// be told: see [`Server::call_attention`].
    pub fn end_client(&self, card: &ClientCard) {
        card.killed.store(true, Ordering::Relaxed);
        // From here on nobody serves it: what is pushed is for those behind it. Its acceptor writes
        // nothing more to it.
        card.unblock(Unblock::Timeout);
        self.clients.remove(card.id);
    }

    /// Ends the clients that hold most until the others hold no more than `limit` bytes, or only
    /// those are left that are to be spared.
    pub fn evict_clients(&self, limit: u64) {
        let evicted = self.clients.take_largest(limit);
        for card in &evicted {
            let (id, addr, bytes) = (card.id.0, &card.addr, card.bytes_held());
            tracing::info!("client {id} ({addr}) evicted: it holds {bytes} bytes");
            self.end_client(card);
        }
        if !evicted.is_empty() {
            self.counters.evicted_clients.fetch_add(evicted.len() as u64, Ordering::Relaxed);
            self.call_attention();
        }
    }

    /// Counts a command that `acceptor` ran itself, on its own thread. `tracks_times` is the
    /// directive `latency-tracking`.
    pub fn count_session_command(
        &self,
        acceptor: usize,
        number: u16,
        ns: u64,
        failed: bool,
        tracks_times: bool,
    ) {
        let Some(stat) = self.session_stats[acceptor].get(number as usize) else { return };
        bump(&stat.calls, 1);
        bump(&stat.ns, ns);
        if tracks_times {
            stat.times.record(ns);
        }
        if failed {
            bump(&stat.failed, 1);
        }
    }

    /// Adds the time of a command whose calls are counted elsewhere, on `acceptor`'s own thread.
    pub fn spread_time(&self, acceptor: usize, number: u16, ns: u64) {
        if let Some(stat) = self.session_stats[acceptor].get(number as usize) {
            stat.times.record(ns);
        }
    }

    /// Counts a request that `acceptor` refused before it ran, on its own thread.
    pub fn count_rejected(&self, acceptor: usize, number: u16) {
        if let Some(stat) = self.session_stats[acceptor].get(number as usize) {
            bump(&stat.rejected, 1);
        }
    }

    /// Takes note of a command that has been run: command log and latency monitor. `request`
    /// gives the arguments, without secrets, and the client; it is called only for a command
    /// that is remarkable.
    #[inline]
    pub fn observe_command(
        &self,
        config: &Config,
        finished: Finished,
        request: impl FnOnce() -> (Vec<Vec<u8>>, ClientId),
    ) {
        let is_slow = reaches(finished.ns, config.slowlog_log_slower_than.saturating_mul(1000));
        let is_spike = config.latency_monitor_threshold > 0
            && finished.ns / 1_000_000 >= config.latency_monitor_threshold;
        let is_large =
            reaches(finished.request_bytes as u64, config.commandlog_request_larger_than)
                || reaches(finished.reply_bytes as u64, config.commandlog_reply_larger_than);
        if is_slow || is_spike || is_large {
            self.remember(config, finished, is_slow, is_spike, request);
        }
    }

    /// Takes note of work other than a command that held up a shard for `ns`, in the latency
    /// monitor under the name of its `event`.
    pub fn observe_event(&self, config: &Config, event: &'static str, ns: u64) {
        let (threshold_ms, ms) = (config.latency_monitor_threshold, ns / 1_000_000);
        if threshold_ms > 0 && ms >= threshold_ms {
            self.latency.add(event, self.clock.unix_ms() / 1000, ms);
        }
    }

    #[cold]
    fn remember(
        &self,
        config: &Config,
        finished: Finished,
        is_slow: bool,
        is_spike: bool,
        request: impl FnOnce() -> (Vec<Vec<u8>>, ClientId),
    ) {
        let at_s = self.clock.unix_ms() / 1000;
        if is_spike {
            let event = if finished.fast { "fast-command" } else { "command" };
            self.latency.add(event, at_s, finished.ns / 1_000_000);
        }
        if !finished.loggable {
            return;
        }
        let (args, client) = request();
        let request_bytes = wire_len(&args);
        let args = super::command_log::cut(args);
        let (addr, name) = self
            .clients
            .get(client)
            .map(|card| (card.addr.clone(), card.words().name))
            .unwrap_or_default();
        let push = |kind, value, max_len: u64| {
            let (args, addr, name) = (args.clone(), addr.clone(), name.clone());
            let entry = LogEntry { id: 0, at_s, value, args, addr, name };
            self.command_log.push(kind, entry, max_len as usize);
        };
        if is_slow {
            push(LogKind::Slow, finished.ns / 1000, config.slowlog_max_len);
        }
        if reaches(request_bytes, config.commandlog_request_larger_than) {
            push(LogKind::LargeRequest, request_bytes, config.commandlog_large_request_max_len);
        }
        let reply_bytes = finished.reply_bytes as u64;
        if reaches(reply_bytes, config.commandlog_reply_larger_than) {
            push(LogKind::LargeReply, reply_bytes, config.commandlog_large_reply_max_len);
        }
    }

    /// Commands that acceptors ran themselves.
    pub fn session_commands(&self) -> u64 {
        self.session_stats.iter().flatten().map(|stat| stat.calls.load(Ordering::Relaxed)).sum()
    }

    /// The running totals that rates are made of.
    pub fn totals(&self) -> Totals {
        let by_shards: u64 =
            self.commands_run.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        Totals {
            at_ms: self.clock.unix_ms(),
            commands: by_shards + self.session_commands(),
            bytes_in: self.moved(|traffic| &traffic.bytes_in),
            bytes_out: self.moved(|traffic| &traffic.bytes_out),
            iterations: self.moved(|traffic| &traffic.iterations),
        }
    }

    /// A figure of the traffic of all acceptors.
    pub fn moved(&self, figure: impl Fn(&Traffic) -> &AtomicU64) -> u64 {
        self.traffic.iter().map(|traffic| figure(traffic).load(Ordering::Relaxed)).sum()
    }

    /// Begins the counters of INFO anew (`CONFIG RESETSTAT`). Those of the shards are their own.
    pub fn reset_stats(&self) {
        let counters = &self.counters;
        for figure in [
            &counters.connections,
            &counters.rejected,
            &counters.output_limit_disconnections,
            &counters.query_limit_disconnections,
            &counters.evicted_clients,
            &counters.handovers,
            &counters.moves,
            &counters.ordered_iterations,
            &counters.auth_failures,
        ] {
            figure.store(0, Ordering::Relaxed);
        }
        for traffic in &self.traffic {
            let Traffic { bytes_in, reads, bytes_out, writes, iterations } = &**traffic;
            for figure in [bytes_in, reads, bytes_out, writes, iterations] {
                figure.store(0, Ordering::Relaxed);
            }
        }
        for stat in self.session_stats.iter().flatten() {
            stat.reset();
        }
        self.errors.reset();
        self.rates.reset();
        self.memory.reset_freed_objects();
    }
}

/// Adds to a counter that the calling thread alone writes (others read it at any time): no locked
/// instruction, which costs more than all the rest of counting.
#[inline]
pub fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

/// Whether `value` is at least `threshold`; a negative one is never reached.
#[inline]
fn reaches(value: u64, threshold: i64) -> bool {
    u64::try_from(threshold).is_ok_and(|threshold| value >= threshold)
}

/// Bytes of a request on the wire.
fn wire_len(args: &[Vec<u8>]) -> u64 {
    let head = |number: usize| 3 + number.checked_ilog10().unwrap_or(0) as u64 + 1;
    let argument = |arg: &Vec<u8>| head(arg.len()) + arg.len() as u64 + 2;
    head(args.len()) + args.iter().map(argument).sum::<u64>()
}
