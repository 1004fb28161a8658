//! Building the house: posts, shards, acceptors, and the threads around them.
//!
//! ```text
//! main ── control ── signals, shutdown, memory figures
//!   ├── shard-0 … shard-N-1      pinned, each owns one box
//!   ├── acceptor-0 … acceptor-M-1
//!   └── reclaim                  frees what is big
//! ```
//!
//! A panic anywhere is logged with what the thread was doing and ends the process with a failure
//! code: there is no half-dead server.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::acceptor::tcp::{ListenOptions, Listeners, Network, Relisten, listen};
use crate::acceptor::{Acceptor, Letters, Parts};
use crate::channel::House;
use crate::clock::Clock;
use crate::config::{Config, ConfigStore};
use crate::journal::Journal;
use crate::keyspace::{Garbage, MemoryBoard, Reclaim};
use crate::observe::{Relistening, Server, Signal, doing, process};
use crate::shard::{Executor, Owner, new_server, new_shard};

/// Connections on their way from one acceptor to another; beyond that whoever has them keeps them.
const LETTERS: usize = 1024;
/// How often the control thread refreshes memory figures while there is a limit to keep.
const MEMORY_INTERVAL: Duration = Duration::from_millis(100);
/// How often rates are sampled.
const RATES_INTERVAL: Duration = Duration::from_secs(1);
/// Exit code after a panic (EX_SOFTWARE of sysexits.h).
const PANIC_CODE: i32 = 70;

/// Runs a server until it is told to end; gives the process's exit code.
///
/// # Errors
///
/// When it cannot start: an address cannot be bound, a thread cannot be started.
pub fn run(store: ConfigStore, clock: Clock) -> anyhow::Result<i32> {
    let config = store.load();
    if let Err(possible) = process::allow_connections(config.maxclients) {
        tracing::warn!(
            "{} clients need more open files than the system allows: {possible} can connect",
            config.maxclients
        );
    }
    let listeners = listen_for(&config)?;
    let addresses = listeners.first().map_or_else(Vec::new, |own| own.addresses().to_vec());
    let (signals, control) = unbounded();
    let cores = Cores::find();
    let server = Arc::new(new_server(store, clock, signals.clone(), cores.describe(&config)));
    log_start(&server, &config);
    settle_memory(&config);
    on_panic(signals.clone());
    watch_signals(signals)?;
    let reclaim = start_reclaim(server.memory.clone())?;
    let (house, inboxes) = House::new(config.shards, config.acceptors, config.lend);
    let house = Arc::new(house);
    let (journal, own_house) = (Journal::off(), house.clone());
    let executor = Executor { server: server.clone(), journal, house: own_house };
    let _ = server.rouse.set(rouse_all(house.clone()));
    server.memory.set_alarm(call_for_upkeep(house.clone()));
    for (number, inbox) in inboxes.shards.into_iter().enumerate() {
        let shard = Box::new(new_shard(number, &config, &server, reclaim.clone()));
        let owner = Owner::new(shard, house.clone(), inbox, executor.clone());
        let core = cores.of_shard(number);
        start(&format!("shard-{number}"), move || {
            if let Some(core) = core {
                core_affinity::set_for_current(core);
            }
            owner.run()
        })?;
    }
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..config.acceptors).map(|_| bounded(LETTERS)).unzip();
    let senders: Arc<[_]> = senders.into();
    let returns = inboxes.acceptors.into_iter().zip(inboxes.pushes);
    let ends = returns.zip(receivers).zip(listeners);
    let mut networks = Vec::new();
    for (number, (((returns, pushes), receive), listeners)) in ends.enumerate() {
        let transport = Network::new(listeners)?;
        networks.push(transport.relisten());
        let waker = transport.waker();
        house.acceptors[number].bell.set_poller(Box::new(move || {
            // Fails only when the poller is gone with its thread, and then the process ends.
            let _ = waker.wake();
        }));
        let acceptor = Acceptor::new(Parts {
            number,
            house: house.clone(),
            executor: executor.clone(),
            returns,
            pushes,
            letters: Letters { send: senders.clone(), receive },
            transport,
        });
        start(&format!("acceptor-{number}"), move || {
            if let Err(error) = crate::acceptor::run(acceptor) {
                panic!("the event queue failed: {error}");
            }
        })?;
    }
    let _ = server.relisten.set(relisten(networks, addresses));
    write_pid_file(&config);
    let allocated = process::allocator().allocated;
    server.startup_memory.store(allocated, Ordering::Relaxed);
    tracing::info!("Ready to accept connections");
    Ok(control_until_end(&server, &control))
}

/// What the process owes the machine's memory. The server runs without it.
fn settle_memory(config: &Config) {
    if !process::purge_in_background(config.jemalloc_bg_thread) {
        tracing::warn!("the allocator has no thread that gives unused memory back");
    }
    if let Err(error) = process::adjust_oom_score(config) {
        tracing::warn!("oom-score-adj has no effect: {error}");
    }
}

fn listen_for(config: &Config) -> std::io::Result<Vec<Listeners>> {
    let options = ListenOptions {
        bind: &config.bind,
        port: config.port,
        present: &[],
        backlog: config.tcp_backlog as i32,
        unixsocket: config.unixsocket.as_deref(),
        unixsocketperm: config.unixsocketperm,
        unixsocketgroup: config.unixsocketgroup.as_deref(),
    };
    listen(&options, config.acceptors)
}

/// How CONFIG SET changes port and addresses. The new listeners are there before the old ones go.
fn relisten(networks: Vec<Relisten>, addresses: Vec<SocketAddr>) -> Relistening {
    let networks: Arc<[Relisten]> = networks.into();
    let present = Arc::new(Mutex::new(addresses));
    Box::new(move |new| {
        let mut addresses = present.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let options = ListenOptions {
            bind: &new.bind,
            port: new.port,
            present: &addresses,
            backlog: new.tcp_backlog as i32,
            unixsocket: None,
            unixsocketgroup: None,
            unixsocketperm: 0,
        };
        let listeners = listen(&options, networks.len())?;
        addresses = listeners.first().map_or_else(Vec::new, |own| own.addresses().to_vec());
        let (networks, present) = (networks.clone(), present.clone());
        Ok(Box::new(move || {
            *present.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
            for (network, listeners) in networks.iter().zip(listeners) {
                network.replace(listeners);
            }
        }))
    })
}

fn rouse_all(house: Arc<House>) -> Box<dyn Fn() + Send + Sync> {
    Box::new(move || {
        for acceptor in &house.acceptors {
            acceptor.bell.ring();
        }
    })
}

/// Calls every shard's owner to its upkeep: all of them must give memory back.
fn call_for_upkeep(house: Arc<House>) -> Box<dyn Fn() + Send + Sync> {
    Box::new(move || {
        for post in &house.shards {
            if post.set_upkeep(true) {
                post.bell.ring();
            }
        }
    })
}

fn start(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map(drop)
}

/// The thread that frees big garbage, so that no shard waits for it.
fn start_reclaim(memory: Arc<MemoryBoard>) -> std::io::Result<Reclaim> {
    let (send, receive) = unbounded::<Garbage>();
    let board = memory.clone();
    start("reclaim", move || {
        doing::set("freeing memory");
        process::give_way();
        for garbage in receive {
            let (objects, bytes) = (garbage.objects(), garbage.bytes());
            drop(garbage);
            board.freed(objects, bytes);
        }
    })?;
    Ok(Arc::new(move |garbage: Garbage| {
        memory.defer(garbage.objects(), garbage.bytes());
        // If nobody receives, the garbage is in the error and freed here.
        drop(send.send(garbage));
    }))
}

/// A panic is logged with what its thread was doing, and then the process ends.
fn on_panic(control: Sender<Signal>) {
    std::panic::set_hook(Box::new(move |panic| {
        let current = thread::current();
        let name = current.name().unwrap_or("unnamed").to_owned();
        tracing::error!("thread {name} panicked while doing '{}': {panic}", doing::get());
        let _ = control.send(Signal::Panicked);
    }));
}

fn watch_signals(control: Sender<Signal>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    start("signals", move || {
        for signal in signals.forever() {
            tracing::info!("Received signal {signal}, shutting down");
            let mode = crate::observe::ShutdownMode::Default;
            let _ = control.send(Signal::Shutdown(mode));
        }
    })
}

/// The control thread's work, on the main thread: waits for the end, and looks after the memory
/// figures and the rates.
fn control_until_end(server: &Server, control: &Receiver<Signal>) -> i32 {
    loop {
        let now_ms = server.clock.unix_ms();
        let config = server.config.load();
        let limited = config.maxmemory > 0;
        let due = server.rates.is_due(now_ms);
        if limited || due {
            refresh_memory(server);
        }
        if limited && server.memory.over(config.maxmemory) > 0 {
            // Shards that nobody writes to must give their part back as well.
            server.memory.sound_alarm();
        }
        if due {
            server.rates.sample(server.totals());
        }
        let interval = if limited { MEMORY_INTERVAL } else { RATES_INTERVAL };
        match control.recv_timeout(interval) {
            Ok(Signal::Panicked) => {
                tracing::error!("A thread has panicked: the server ends, nothing half-dead stays");
                return PANIC_CODE;
            }
            Ok(Signal::Shutdown(_)) => {
                tracing::info!("Baton is now ready to exit, bye bye...");
                let config = server.config.load();
                for path in [&config.unixsocket, &config.pidfile].into_iter().flatten() {
                    // Whoever removed it before us wanted the same.
                    let _ = std::fs::remove_file(path);
                }
                return 0;
            }
            Err(_) => {}
        }
    }
}

/// Writes the process id where the directive `pidfile` says. The server runs without it.
fn write_pid_file(config: &Config) {
    let Some(path) = &config.pidfile else { return };
    if let Err(error) = std::fs::write(path, format!("{}\n", std::process::id())) {
        tracing::warn!("cannot write the process id to {}: {error}", path.display());
    }
}

/// Posts what the process uses.
fn refresh_memory(server: &Server) {
    let allocated = process::allocator().allocated;
    server.memory.post_allocated(allocated);
    server.counters.peak_memory.fetch_max(allocated, Ordering::Relaxed);
}

fn log_start(server: &Server, config: &Config) {
    tracing::info!(
        "Baton {} starting, pid {}, port {}",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        config.port
    );
    tracing::info!(
        "{} shards ({}), {} acceptors, lending {}",
        config.shards,
        server.pinning,
        config.acceptors,
        if config.lend { "on" } else { "off" }
    );
}

/// The cores that this process may use.
struct Cores {
    allowed: Vec<core_affinity::CoreId>,
}

impl Cores {
    /// Asks the system, and tries whether pinning works at all: in a container it may not.
    fn find() -> Cores {
        let allowed = core_affinity::get_core_ids().unwrap_or_default();
        let works = allowed.first().is_some_and(|&core| {
            thread::spawn(move || core_affinity::set_for_current(core)).join().unwrap_or(false)
        });
        Cores { allowed: if works { allowed } else { Vec::new() } }
    }

    fn of_shard(&self, number: usize) -> Option<core_affinity::CoreId> {
        (!self.allowed.is_empty()).then(|| self.allowed[number % self.allowed.len()])
    }

    fn describe(&self, config: &Config) -> String {
        if self.allowed.is_empty() {
            return "not pinned: this host does not allow it".to_owned();
        }
        let cores: Vec<String> = (0..config.shards)
            .filter_map(|shard| self.of_shard(shard).map(|core| core.id.to_string()))
            .collect();
        format!("pinned to cores {}", cores.join(","))
    }
}
