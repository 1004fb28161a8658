//! A simulated client that works off a number of pipelines and may leave without a word: what it
//! asks for, and what it thinks of the replies, is its role.

use std::collections::VecDeque;

use baton::resp::skip_value;
use fastrand::Rng;

use super::client::decode;
use super::network::{ClientEnd, SimNetwork, connect};
use super::world::Guest;
use crate::client::{Reply, encode_into};
use crate::linearizability::history::Tick;

/// What a client asks for.
pub trait Role {
    /// What a request may do.
    type Ask: std::fmt::Debug;

    /// The next pipeline.
    fn step(&mut self, rng: &mut Rng) -> Vec<(Vec<String>, Self::Ask)>;

    /// A reply has come.
    ///
    /// # Errors
    ///
    /// When it is none to what was asked.
    fn note(&mut self, ask: Self::Ask, reply: &Reply) -> Result<(), String>;

    /// The client has left before the reply.
    fn lose(&mut self, ask: Self::Ask);
}

/// A client with a role.
pub struct Worker<R: Role> {
    id: u16,
    end: ClientEnd,
    /// Pipelines yet to send.
    steps: usize,
    unsent: Vec<u8>,
    received: Vec<u8>,
    waiting: VecDeque<R::Ask>,
    /// It leaves without a word after this many more turns.
    leaves_after: Option<u32>,
    gone: bool,
    /// What it does.
    pub role: R,
}

impl<R: Role> Worker<R> {
    /// Number `id` of the clients, which sends a few pipelines to the acceptor of `network`.
    pub fn new(id: u16, network: &SimNetwork, rng: &mut Rng, role: R) -> Worker<R> {
        Worker {
            id,
            end: connect(network, usize::from(id), 1 << 20),
            steps: rng.usize(3..12),
            unsent: Vec::new(),
            received: Vec::new(),
            waiting: VecDeque::new(),
            leaves_after: (rng.u8(..4) == 0).then(|| rng.u32(1..60)),
            gone: false,
            role,
        }
    }

    fn is_idle(&self) -> bool {
        self.unsent.is_empty() && self.waiting.is_empty()
    }

    fn leave(&mut self, rng: &mut Rng) {
        if rng.bool() {
            self.end.reset();
        } else {
            self.end.end();
        }
        self.gone = true;
        self.waiting.drain(..).for_each(|ask| self.role.lose(ask));
    }
}

impl<R: Role> Guest for Worker<R> {
    fn is_done(&self) -> bool {
        self.gone || (self.steps == 0 && self.is_idle())
    }

    fn is_runnable(&self) -> bool {
        !self.is_done() && (!self.unsent.is_empty() || self.is_idle() || self.end.has_news())
    }

    fn hang_up(&self) {
        self.end.end();
    }

    fn turn(&mut self, rng: &mut Rng, tick: &mut Tick) -> Result<(), String> {
        *tick += 1;
        if let Some(turns) = &mut self.leaves_after {
            *turns -= 1;
            if *turns == 0 {
                self.leave(rng);
                return Ok(());
            }
        }
        if self.is_idle() && self.steps > 0 {
            self.steps -= 1;
            for (words, ask) in self.role.step(rng) {
                encode_into(&mut self.unsent, &words);
                self.waiting.push_back(ask);
            }
        }
        if !self.unsent.is_empty() && (rng.bool() || !self.end.has_news()) {
            let count =
                if rng.bool() { self.unsent.len() } else { rng.usize(1..=self.unsent.len()) };
            self.end.push(&self.unsent[..count]);
            self.unsent.drain(..count);
            return Ok(());
        }
        self.received.extend(self.end.pull(usize::MAX));
        while let Some(len) = skip_value(&self.received) {
            let reply = decode(&self.received[..len]);
            self.received.drain(..len);
            let ask = self.waiting.pop_front();
            let ask = ask.ok_or_else(|| format!("client {}: a reply too many", self.id))?;
            self.role.note(ask, &reply)?;
        }
        if self.end.is_over() && !self.is_done() {
            return Err(format!("client {}: the server closed the connection", self.id));
        }
        Ok(())
    }
}
