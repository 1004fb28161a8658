//! Established connections on their way from an acceptor that serves many to one that serves few.
//!
//! New connections go to whoever serves the fewest (`sockets`), but clients end as they like and
//! leave one acceptor with many and another with none. Who serves clearly too many for a while
//! gives connections away, a few at a time, until all serve as many. What keeps connections from
//! going to and fro: it begins at a wide gap and ends at none.
//!
//! A connection moves as one value, with all of its state: bytes read but not parsed, what MULTI has
//! queued, the shards that keep its watches. It moves only when nothing here knows of it: no request
//! in flight or held back, no reply unsent, no wait. Bytes that are still in the socket, or arrive
//! while it is on its way, are told anew where it is registered next. Its card stays in the registry
//! all the time; who is killed on the way ends on arrival.
//!
//! Those that ask for nothing go first. Who is busy goes only to an acceptor that has less to do:
//! see `share`, which moves connections by what they ask for.
//!
//! Nobody looks at a clock for this while all is even: the acceptor that lost a connection looks
//! once at who serves many more than it, and rouses those.

use std::sync::atomic::Ordering;

use super::connection::{Closing, Connection};
use super::share::SPAN_MS;
use super::transport::{Socket, Transport};
use super::{Acceptor, Letter};

/// When connections are moved.
#[derive(Clone, Copy, Debug)]
pub struct Balancing {
    /// Between two looks at who serves how many, in ms.
    pub interval_ms: i64,
    /// How long one must serve too many before it gives any away, in ms.
    pub patience_ms: i64,
    /// How many connections more than another are too many at least.
    pub least_gap: usize,
    /// How many more are even.
    pub even_gap: usize,
    /// Connections that are given away at one look at the most.
    pub most_moves: usize,
}

impl Default for Balancing {
    /// A move takes a few system calls on either side: few moves at a time, for the sake of the other
    /// clients.
    fn default() -> Balancing {
        Balancing {
            interval_ms: 100,
            patience_ms: 1000,
            least_gap: 16,
            even_gap: 1,
            most_moves: 32,
        }
    }
}

impl Balancing {
    /// Too many are also a quarter more of the connections in hand.
    const GAP_PART: usize = 4;

    /// How many connections more than another's are too many for one that serves `load`.
    fn gap(&self, load: usize) -> usize {
        self.least_gap.max(load / Self::GAP_PART)
    }
}

/// How an acceptor's number of connections compares with that of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// It serves no more than its part.
    #[default]
    Even,
    /// It serves too many, since this ms of Unix time.
    Uneven { since_ms: i64 },
    /// It gives connections away.
    Giving,
}

/// What an acceptor knows about its part of the connections.
#[derive(Default)]
pub(super) struct Balance {
    rules: Balancing,
    phase: Phase,
    next_look_ms: i64,
    /// A connection has ended here: others may serve too many now.
    lost_one: bool,
    /// The place among the connections to look at next.
    cursor: usize,
    /// Places looked at in a row without finding a connection that can be moved.
    fruitless: usize,
}

impl Balance {
    /// A connection has ended here.
    pub fn note_end(&mut self) {
        self.lost_one = true;
    }

    /// Connections that may be moved at once.
    pub fn most_moves(&self) -> usize {
        self.rules.most_moves
    }

    /// A connection got a reply: it may be one that can be moved now.
    pub fn note_reply(&mut self) {
        self.fruitless = 0;
    }
}

/// Places looked at in one go for connections that can be moved.
const PLACES_AT_ONCE: usize = 1024;

impl<S: Socket> Connection<S> {
    /// Whether nobody but its place among the connections knows of it.
    pub(super) fn is_movable(&self) -> bool {
        let busy = self.in_flight || self.unparsed || self.held.is_some() || self.waiting.is_some();
        let ending = self.closing != Closing::No || self.peer_closed;
        !busy && !ending && self.output.is_empty()
    }

    /// Whether it has asked for nothing lately.
    fn is_quiet(&self, now_ms: i64) -> bool {
        now_ms - self.card().last_ms.load(Ordering::Relaxed) >= SPAN_MS
    }
}

impl<T: Transport> Acceptor<T> {
    /// Sets when connections are moved, in place of the usual rules.
    pub fn set_balancing(&mut self, rules: Balancing) {
        self.balance.rules = rules;
    }

    fn load(&self, acceptor: usize) -> usize {
        self.house.acceptors[acceptor].load.load(Ordering::Relaxed)
    }

    /// The acceptor with the fewest connections, and by how many it has fewer than this one.
    fn fewest(&self) -> (usize, usize) {
        let fewest = self.house.least_loaded_acceptor(self.number);
        (fewest, self.load(self.number).saturating_sub(self.load(fewest)))
    }

    /// Whether this acceptor serves too many.
    fn has_too_many(&self) -> bool {
        let (_, excess) = self.fewest();
        excess > 0 && excess >= self.balance.rules.gap(self.load(self.number))
    }

    /// Looks once in a while at who serves how many, and gives connections away if it is due.
    pub(super) fn balance(&mut self) {
        if self.house.acceptors.len() == 1 || self.now_ms < self.balance.next_look_ms {
            return;
        }
        let (rules, now_ms) = (self.balance.rules, self.now_ms);
        self.balance.next_look_ms = now_ms + rules.interval_ms;
        if std::mem::take(&mut self.balance.lost_one) {
            self.rouse_those_with_many();
        }
        self.weigh();
        let (_, excess) = self.fewest();
        let mut phase = match self.balance.phase {
            Phase::Giving if excess > rules.even_gap => Phase::Giving,
            Phase::Uneven { since_ms } if self.has_too_many() => Phase::Uneven { since_ms },
            Phase::Even if self.has_too_many() => Phase::Uneven { since_ms: now_ms },
            _ => Phase::Even,
        };
        if let Phase::Uneven { since_ms } = phase
            && now_ms - since_ms >= rules.patience_ms
        {
            phase = Phase::Giving;
        }
        self.balance.phase = phase;
        if phase == Phase::Giving {
            self.give_away();
        }
    }

    /// When the next look is due though nothing comes in, ms of Unix time.
    pub(super) fn next_look(&self) -> Option<i64> {
        if self.house.acceptors.len() == 1 {
            return None;
        }
        let Balance { rules, phase, next_look_ms, lost_one, fruitless, .. } = &self.balance;
        let due = *lost_one
            || match phase {
                Phase::Even => self.has_too_many(),
                Phase::Uneven { since_ms } => {
                    return Some((since_ms + rules.patience_ms).max(*next_look_ms));
                }
                // If nobody can be moved, whoever gets a reply next changes that.
                Phase::Giving => *fruitless < self.connections.capacity(),
            };
        due.then_some(*next_look_ms)
    }

    /// Rouses acceptors that serve too many beside this one: those that sleep do not know.
    fn rouse_those_with_many(&self) {
        let own = self.load(self.number);
        for acceptor in 0..self.house.acceptors.len() {
            let load = self.load(acceptor);
            if load > own && load - own >= self.balance.rules.gap(load) {
                self.house.acceptors[acceptor].bell.ring();
            }
        }
    }

    /// Gives some connections away, each to whoever serves the fewest then.
    fn give_away(&mut self) {
        let rules = self.balance.rules;
        let places = self.connections.capacity();
        let mut moves = 0;
        for _ in 0..places.min(PLACES_AT_ONCE) {
            let (target, excess) = self.fewest();
            if moves == rules.most_moves || excess <= rules.even_gap {
                break;
            }
            let index = self.balance.cursor % places;
            self.balance.cursor = index + 1;
            self.balance.fruitless += 1;
            let welcome = self.share.welcomes(self.number, target);
            let may_go = |connection: &Connection<T::Socket>| {
                connection.is_movable() && (welcome || connection.is_quiet(self.now_ms))
            };
            if self.connections.get(index).is_some_and(may_go) {
                self.balance.fruitless = 0;
                if !self.send_away(index, target) {
                    break;
                }
                moves += 1;
            }
        }
    }

    /// Sends a connection to another acceptor; false if that has no room for letters.
    pub(super) fn send_away(&mut self, index: usize, target: usize) -> bool {
        let Some(mut connection) = self.connections.try_remove(index) else { return true };
        self.transport.deregister(&mut connection.socket);
        connection.listed = false;
        connection.writing = false;
        self.forget_memory(&mut connection);
        let client = connection.client().0;
        self.house.acceptors[self.number].load.fetch_sub(1, Ordering::Relaxed);
        self.house.acceptors[target].load.fetch_add(1, Ordering::Relaxed);
        match self.letters.send[target].try_send(Letter::Move(Box::new(connection))) {
            Ok(()) => {
                self.house.acceptors[target].bell.ring();
                self.server.counters.moves.fetch_add(1, Ordering::Relaxed);
                tracing::debug!("client {client} moves from acceptor {} to {target}", self.number);
                true
            }
            Err(refused) => {
                self.house.acceptors[target].load.fetch_sub(1, Ordering::Relaxed);
                self.house.acceptors[self.number].load.fetch_add(1, Ordering::Relaxed);
                if let Letter::Move(connection) = refused.into_inner() {
                    self.settle_in(*connection);
                }
                false
            }
        }
    }
}
