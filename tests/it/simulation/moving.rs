//! Simulated clients whose connections move from acceptor to acceptor while they work.
//!
//! Each works on a key of its own, so every reply is known: a request that is lost, run twice or out
//! of order shows at once, and so does state that did not move along, of a transaction, its watches,
//! the database or the client's name. One of them lists the others and ends some: nobody is ever
//! missing from the list, and who was ended sees the end.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use baton::resp::skip_value;
use fastrand::Rng;

use super::client::decode;
use super::network::{ClientEnd, SimNetwork, connect};
use super::world::{Guest, World};
use crate::client::{Reply, encode_into};
use crate::linearizability::history::Tick;

/// The clients that know their numbers, and whether each is there for as long as it likes: false
/// once its end is asked for.
type Roll = Rc<RefCell<BTreeMap<i64, bool>>>;

/// A request and what must come of it.
#[derive(Clone, Debug)]
enum Ask {
    /// Exactly this.
    Reply(Reply),
    /// The client's own number.
    Id,
    /// A line for each of these clients, but for those whose end was asked for meanwhile.
    List(Vec<i64>),
}

/// What a client has done to its own connection and key.
struct Own {
    name: String,
    db: u8,
    /// The value of its key in either database.
    counts: [i64; 2],
}

/// A client whose connection moves.
pub struct MovingClient {
    number: u16,
    id: Option<i64>,
    end: ClientEnd,
    own: Own,
    roll: Roll,
    /// Pipelines yet to send.
    steps: usize,
    unsent: Vec<u8>,
    received: Vec<u8>,
    waiting: VecDeque<Ask>,
    /// It sees its end.
    over: bool,
}

impl MovingClient {
    fn new(number: u16, network: &SimNetwork, roll: &Roll, rng: &mut Rng) -> MovingClient {
        let room = if rng.bool() { 1 << 20 } else { rng.usize(1..64) };
        let mut client = MovingClient {
            number,
            id: None,
            end: connect(network, usize::from(number), room),
            own: Own { name: String::new(), db: 0, counts: [0; 2] },
            roll: roll.clone(),
            steps: rng.usize(5..20),
            unsent: Vec::new(),
            received: Vec::new(),
            waiting: VecDeque::new(),
            over: false,
        };
        client.ask("CLIENT ID", Ask::Id);
        client
    }

    fn ask(&mut self, line: &str, ask: Ask) {
        encode_into(&mut self.unsent, &line.split(' ').collect::<Vec<_>>());
        self.waiting.push_back(ask);
    }

    fn expect(&mut self, line: &str, reply: Reply) {
        self.ask(line, Ask::Reply(reply));
    }

    fn key(&self) -> String {
        format!("count:{}", self.number)
    }

    /// What the next increment of its key gives.
    fn increment(&mut self) -> Reply {
        let count = &mut self.own.counts[usize::from(self.own.db)];
        *count += 1;
        Reply::Int(*count)
    }

    /// One request, or several that belong together.
    fn step(&mut self, rng: &mut Rng) {
        let key = self.key();
        match rng.u8(..12) {
            0..=3 => {
                let reply = self.increment();
                self.expect(&format!("INCR {key}"), reply);
            }
            4 => {
                self.own.db = rng.u8(..2);
                self.expect(&format!("SELECT {}", self.own.db), Reply::ok());
            }
            5 => {
                self.own.name = format!("name-{}", rng.u16(..));
                let name = self.own.name.clone();
                self.expect(&format!("CLIENT SETNAME {name}"), Reply::ok());
            }
            6 => {
                let name = match &*self.own.name {
                    "" => Reply::NullBulk,
                    name => Reply::bulk(name),
                };
                self.expect("CLIENT GETNAME", name);
            }
            7 => {
                if let Some(id) = self.id {
                    self.expect("CLIENT ID", Reply::Int(id));
                }
            }
            8 => self.transaction(rng),
            9 => self.forbidden_transaction(),
            10 if self.number == 0 => self.kill(rng),
            11 if self.number == 0 => self.list(),
            _ => self.expect("ECHO something-longer-than-a-few-bytes", {
                Reply::bulk("something-longer-than-a-few-bytes")
            }),
        }
    }

    /// Increments its key a few times in a transaction, watching it.
    fn transaction(&mut self, rng: &mut Rng) {
        let key = self.key();
        self.expect(&format!("WATCH {key}"), Reply::ok());
        self.expect("MULTI", Reply::ok());
        let mut replies = Vec::new();
        for _ in 0..rng.usize(1..4) {
            replies.push(self.increment());
            self.expect(&format!("INCR {key}"), Reply::Simple(b"QUEUED".to_vec()));
        }
        self.expect("EXEC", Reply::Array(replies));
    }

    /// A transaction that must not run, since its watched key has changed.
    fn forbidden_transaction(&mut self) {
        let key = self.key();
        self.expect(&format!("WATCH {key}"), Reply::ok());
        let reply = self.increment();
        self.expect(&format!("INCR {key}"), reply);
        self.expect("MULTI", Reply::ok());
        self.expect(&format!("INCR {key}"), Reply::Simple(b"QUEUED".to_vec()));
        self.expect("EXEC", Reply::NullArray);
    }

    fn those_there(&self) -> Vec<i64> {
        let roll = self.roll.borrow();
        let there = roll.iter().filter(|(_, there)| **there);
        there.map(|(id, _)| *id).collect()
    }

    fn kill(&mut self, rng: &mut Rng) {
        let mut others = self.those_there();
        others.retain(|id| Some(*id) != self.id);
        let Some(victim) = rng.choice(others) else { return };
        self.roll.borrow_mut().insert(victim, false);
        self.expect(&format!("CLIENT KILL ID {victim}"), Reply::Int(1));
    }

    fn list(&mut self) {
        let there = self.those_there();
        if there.is_empty() {
            return;
        }
        let words: Vec<String> = there.iter().map(i64::to_string).collect();
        self.ask(&format!("CLIENT LIST ID {}", words.join(" ")), Ask::List(there));
    }

    fn note(&mut self, ask: Ask, reply: &Reply) -> Result<(), String> {
        let wrong = format!("client {}: {ask:?} -> {reply}", self.number);
        match (ask, reply) {
            (Ask::Reply(expected), got) if expected == *got => {}
            (Ask::Id, Reply::Int(id)) => {
                self.id = Some(*id);
                self.roll.borrow_mut().insert(*id, true);
            }
            (Ask::List(expected), Reply::Bulk(_)) => {
                let text = reply.text();
                let roll = self.roll.borrow();
                let missing = |id: &&i64| roll[*id] && !text.contains(&format!("id={id} "));
                if let Some(id) = expected.iter().find(missing) {
                    return Err(format!("client {id} is missing in {text}"));
                }
            }
            _ => return Err(wrong),
        }
        Ok(())
    }

    /// Whether somebody has asked for its end.
    fn is_doomed(&self) -> bool {
        self.id.is_some_and(|id| !self.roll.borrow()[&id])
    }
}

impl Guest for MovingClient {
    fn is_done(&self) -> bool {
        let idle = self.unsent.is_empty() && self.waiting.is_empty();
        self.over || (self.steps == 0 && idle && !self.is_doomed())
    }

    fn is_runnable(&self) -> bool {
        let may_ask = self.steps > 0 && self.waiting.is_empty();
        !self.is_done() && (!self.unsent.is_empty() || may_ask || self.end.has_news())
    }

    fn hang_up(&self) {
        self.end.end();
    }

    fn turn(&mut self, rng: &mut Rng, tick: &mut Tick) -> Result<(), String> {
        *tick += 1;
        if self.steps > 0 && self.waiting.is_empty() && self.unsent.is_empty() {
            self.steps -= 1;
            for _ in 0..rng.usize(1..4) {
                self.step(rng);
            }
            return Ok(());
        }
        if !self.unsent.is_empty() && (rng.bool() || !self.end.has_news()) {
            let count =
                if rng.bool() { self.unsent.len() } else { rng.usize(1..=self.unsent.len()) };
            self.end.push(&self.unsent[..count]);
            self.unsent.drain(..count);
            return Ok(());
        }
        self.received.extend(self.end.pull(rng.usize(1..200)));
        while let Some(len) = skip_value(&self.received) {
            let reply = decode(&self.received[..len]);
            self.received.drain(..len);
            let ask = self.waiting.pop_front();
            let ask = ask.ok_or_else(|| format!("client {}: a reply too many", self.number))?;
            self.note(ask, &reply)?;
        }
        if self.end.is_over() {
            if !self.is_doomed() {
                return Err(format!("client {}: the server closed the connection", self.number));
            }
            self.over = true;
        }
        Ok(())
    }
}

/// Runs the simulation of a seed with connections that move; gives how many times one has.
///
/// # Errors
///
/// With what went wrong and the last choices of the scheduler.
pub fn simulate(seed: u64) -> Result<u64, String> {
    let roll = Roll::default();
    let mut world = World::new(seed, |plan, rng, networks| {
        let clients = (0..plan.clients).map(|number| {
            let network = &networks[rng.usize(..networks.len())];
            MovingClient::new(number, network, &roll, rng)
        });
        clients.collect::<Vec<_>>()
    });
    let result = world.run().and_then(|()| world.check().map(|_| world.moves()));
    result.map_err(|what| world.describe(seed, &what))
}
