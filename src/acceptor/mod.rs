//! An acceptor: a thread's worth of connections, from bytes in to bytes out.
//!
//! ```text
//!  transport ─ready─▶ intake ─request─▶ place ─batches─▶ dispatch ─┬─ borrow: run here
//!      ▲                                                           └─ enqueue: owner runs
//!      └────────── deliver ◀── replies of every shard needed ◀────────── returns
//! ```
//!
//! It is a state machine: [`Acceptor::step`] does what can be done and says how to wait, and the
//! thread is only the loop around it (`thread`). It never touches a value except through a
//! borrowed box, and never imports the room of values.

mod balance;
mod client_memory;
mod connection;
mod deliver;
mod dispatch;
mod intake;
mod iteration;
mod linger;
mod merge;
mod place;
mod routing;
mod session;
mod share;
mod sockets;
pub mod tcp;
mod thread;
mod transaction;
pub mod transport;
mod waits;
mod whole;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use slab::Slab;

use self::balance::Balance;
pub use self::balance::Balancing;
use self::client_memory::ClientMemory;
pub use self::connection::{Closing, Connection};
use self::dispatch::Dispatch;
use self::iteration::Iteration;
use self::linger::Linger;
use self::routing::Routing;
use self::session::Scratch;
use self::share::Share;
pub use self::thread::run;
use self::transport::{Accepted, Ready, Transport};
use self::waits::Waits;
use crate::channel::{Batch, House, ITERATIONS_IN_FLIGHT, Push};
use crate::config::Config;
use crate::observe::Server;
use crate::resp::{Arg, ReplyBuf};
use crate::shard::Executor;

/// How an acceptor waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For the batches of this iteration, a bounded moment.
    Batches(usize),
    /// Not at all: in a simulation, between the phases of an iteration's way out.
    Not,
    /// For events, for this long at the most; `None`: as long as it takes.
    Events(Option<Duration>),
}

/// What one acceptor sends another.
pub enum Letter<S> {
    /// A new connection, to be served there.
    Adopt(Accepted<S>),
    /// An established one, to be served there from now on.
    Move(Box<Connection<S>>),
}

/// The ends by which acceptors reach each other.
pub struct Letters<S> {
    /// To each acceptor, by number.
    pub send: Arc<[Sender<Letter<S>>]>,
    /// What was sent to this one.
    pub receive: Receiver<Letter<S>>,
}

/// Bytes read from a socket at once: a pipeline of a few hundred requests.
const READ_BUFFER: usize = 64 * 1024;

/// An acceptor and its connections.
pub struct Acceptor<T: Transport> {
    number: usize,
    house: Arc<House>,
    server: Arc<Server>,
    executor: Executor,
    returns: Receiver<Box<Batch>>,
    pushes: Receiver<Push>,
    letters: Letters<T::Socket>,
    transport: T,
    config: Arc<Config>,
    now_ms: i64,
    connections: Slab<Connection<T::Socket>>,
    /// Connections that may have something to read or parse.
    listed: VecDeque<usize>,
    /// Connections whose sockets may take more of what there is to write.
    writing: VecDeque<usize>,
    /// Connections held back by a pause.
    paused: Vec<usize>,
    /// Connections that wait in a blocking command.
    waits: Waits,
    /// The iteration being built.
    building: Iteration,
    in_flight: Vec<Option<Box<Iteration>>>,
    /// Iterations, with their places, whose batches are back but that have errands to do.
    follow_ups: VecDeque<(usize, Box<Iteration>)>,
    /// A simulation steps through an iteration's way out: see [`dispatch::Dispatch`].
    stepwise: bool,
    dispatching: Option<Dispatch>,
    free_places: Vec<usize>,
    spare_iterations: Vec<Box<Iteration>>,
    spare_batches: Vec<Box<Batch>>,
    epoch: u64,
    accepting: bool,
    balance: Balance,
    share: Share,
    linger: Linger,
    client_memory: ClientMemory,
    events: Vec<Ready>,
    /// Attention of the server as last seen: see [`Server::attention`].
    attention: u64,
    next_cron_ms: i64,
    read_buffer: Box<[u8]>,
    args: Vec<Arg>,
    routing: Routing,
    /// Session commands see their arguments here.
    scratch: Scratch,
    /// When the session command before this request ended, if nothing else came in between: reading
    /// the clock costs as much as a PING.
    session_ticks: Option<u64>,
    /// Replies of the member being delivered.
    outgoing: ReplyBuf,
}

/// What an acceptor is made of.
pub struct Parts<T: Transport> {
    /// Its number.
    pub number: usize,
    /// All posts.
    pub house: Arc<House>,
    /// What running needs.
    pub executor: Executor,
    /// Its returning batches.
    pub returns: Receiver<Box<Batch>>,
    /// What it is told unasked.
    pub pushes: Receiver<Push>,
    /// The ends by which acceptors reach each other.
    pub letters: Letters<T::Socket>,
    /// Its sockets.
    pub transport: T,
}

impl<T: Transport> Acceptor<T> {
    /// An acceptor without connections.
    pub fn new(parts: Parts<T>) -> Acceptor<T> {
        let server = parts.executor.server.clone();
        Acceptor {
            number: parts.number,
            config: server.config.load_full(),
            now_ms: server.clock.unix_ms(),
            building: Iteration::new(parts.house.shards.len()),
            house: parts.house,
            executor: parts.executor,
            returns: parts.returns,
            pushes: parts.pushes,
            letters: parts.letters,
            transport: parts.transport,
            connections: Slab::new(),
            listed: VecDeque::new(),
            writing: VecDeque::new(),
            paused: Vec::new(),
            waits: Waits::default(),
            in_flight: (0..ITERATIONS_IN_FLIGHT).map(|_| None).collect(),
            follow_ups: VecDeque::new(),
            stepwise: false,
            dispatching: None,
            free_places: (0..ITERATIONS_IN_FLIGHT).rev().collect(),
            spare_iterations: Vec::new(),
            spare_batches: Vec::new(),
            epoch: 0,
            accepting: true,
            balance: Balance::default(),
            share: Share::default(),
            linger: Linger::default(),
            client_memory: ClientMemory::default(),
            events: Vec::new(),
            attention: server.attention(),
            next_cron_ms: 0,
            read_buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            args: Vec::new(),
            routing: Routing::default(),
            scratch: Scratch::default(),
            session_ticks: None,
            outgoing: ReplyBuf::new(),
            server,
        }
    }

    /// Has [`Acceptor::step`] return between the phases of an iteration's way out, so that a
    /// simulation can let others step there.
    pub fn go_stepwise(&mut self) {
        self.stepwise = true;
    }

    /// In a simulation: whether it stands between two phases of an ordered iteration's way out,
    /// where it matters most that others do not see half of it.
    pub fn is_placing(&self) -> bool {
        self.dispatching.as_ref().is_some_and(Dispatch::is_ordered)
    }

    /// Does what can be done now and says how to wait. Call again after the wait, with the events
    /// of the transport in the meantime taken by [`Acceptor::poll`].
    pub fn step(&mut self) -> Wait {
        let wait = self.advance();
        self.post_client_memory();
        wait
    }

    fn advance(&mut self) -> Wait {
        if self.dispatching.is_some() {
            let out = self.dispatch_step();
            return out.map_or(Wait::Not, Wait::Batches);
        }
        self.now_ms = self.server.clock.unix_ms();
        self.server.config.refresh(&mut self.config);
        self.read_letters();
        self.collect();
        self.read_pushes();
        self.balance();
        self.heed_attention();
        self.cron();
        self.write_on();
        self.expire_waits();
        let mut dispatched = None;
        while !self.follow_ups.is_empty() && self.dispatching.is_none() {
            dispatched = self.follow_up().or(dispatched);
        }
        if self.dispatching.is_none() {
            dispatched = self.iterate().or(dispatched);
        }
        if let Some(place) = dispatched {
            return Wait::Batches(place);
        }
        if self.dispatching.is_some() || !self.follow_ups.is_empty() {
            return Wait::Not;
        }
        // A connection that ended on delivery has left its UNWATCH in the next iteration.
        let more = !self.listed.is_empty() || !self.building.is_empty();
        if more && !self.free_places.is_empty() || !self.writing.is_empty() {
            return Wait::Events(Some(Duration::ZERO));
        }
        Wait::Events(self.next_deadline())
    }

    /// Takes new events from the transport, waiting for `timeout` at the most.
    ///
    /// # Errors
    ///
    /// When the event queue itself fails.
    pub fn poll(&mut self, timeout: Option<Duration>) -> std::io::Result<()> {
        let mut events = std::mem::take(&mut self.events);
        let result = self.transport.poll(&mut events, timeout);
        for event in events.drain(..) {
            self.heed(event);
        }
        self.events = events;
        result
    }

    /// How long to wait for more requests before sleep; `None` if that does not pay, or somebody's
    /// reply is still to come.
    pub fn linger(&self) -> Option<Duration> {
        let nothing_is_out = self.free_places.len() == ITERATIONS_IN_FLIGHT;
        let limit = self.config.acceptor_linger_us;
        let due = limit > 0 && nothing_is_out && self.linger.pays();
        due.then(|| Duration::from_micros(limit.into()))
    }

    /// Whether something came that a sleeper must not sleep through.
    pub fn has_mail(&self) -> bool {
        !self.returns.is_empty()
            || !self.pushes.is_empty()
            || !self.letters.receive.is_empty()
            || self.attention != self.server.attention()
    }

    /// Reads the connections that are ready into an iteration and sends it on its way; gives its
    /// place if it must be waited for.
    fn iterate(&mut self) -> Option<usize> {
        if self.free_places.is_empty() {
            return None;
        }
        for _ in 0..self.listed.len() {
            let Some(index) = self.listed.pop_front() else { break };
            if let Some(connection) = self.connections.get_mut(index) {
                connection.listed = false;
                self.take_in(index);
            }
        }
        if self.building.is_empty() {
            return None;
        }
        let place = self.free_places.pop()?;
        let (connections, requests) = (self.building.members.len(), self.building.slots.len());
        self.linger.note(connections, requests, self.now_ms);
        let built = self.take_built();
        self.dispatch(place, built)
    }
}
