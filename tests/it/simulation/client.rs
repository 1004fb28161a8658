//! Simulated clients: each sends its seeded requests, reads its replies, and keeps a history.

use baton::resp::skip_value;
use fastrand::Rng;

use super::network::{ClientEnd, SimNetwork, connect};
use super::world::Guest;
use crate::client::{Reply, encode_into};
use crate::linearizability::generator::Item;
use crate::linearizability::history::{NEVER, Op, Tick};
use crate::linearizability::model::{Action, ClientId, Cmd, Db};
use crate::linearizability::recorder::request;

/// A client and its connection.
pub struct SimClient {
    id: ClientId,
    db: Db,
    end: ClientEnd,
    /// Pipelines yet to send, the next one last.
    steps: Vec<Vec<Item>>,
    /// Bytes yet to send.
    unsent: Vec<u8>,
    /// Bytes received that are no whole reply yet.
    received: Vec<u8>,
    /// Requests without a reply, the next one first.
    waiting: std::collections::VecDeque<(Item, Tick)>,
    /// Replies to SELECT yet to come.
    selecting: bool,
    queued: Vec<Cmd>,
    /// What it did.
    pub ops: Vec<Op>,
    /// It leaves without a word after this many more turns.
    leaves_after: Option<u32>,
    gone: bool,
}

impl SimClient {
    /// A client that works in `db` and will send `steps` to the acceptor of `network`.
    pub fn new(
        id: ClientId,
        db: Db,
        steps: Vec<Vec<Item>>,
        network: &SimNetwork,
        rng: &mut Rng,
    ) -> SimClient {
        let room = if rng.bool() { 1 << 20 } else { rng.usize(1..64) };
        let mut unsent = Vec::new();
        if db != 0 {
            encode_into(&mut unsent, &["SELECT".to_owned(), db.to_string()]);
        }
        SimClient {
            id,
            db,
            end: connect(network, usize::from(id), room),
            steps: steps.into_iter().rev().collect(),
            unsent,
            received: Vec::new(),
            waiting: std::collections::VecDeque::new(),
            selecting: db != 0,
            queued: Vec::new(),
            ops: Vec::new(),
            leaves_after: (rng.u8(..12) == 0).then(|| rng.u32(1..60)),
            gone: false,
        }
    }

    fn is_idle(&self) -> bool {
        self.unsent.is_empty() && self.waiting.is_empty() && !self.selecting
    }

    /// Gone at once: what it asked for may have been done or not.
    fn leave(&mut self) {
        if self.steps.len().is_multiple_of(2) {
            self.end.reset()
        } else {
            self.end.end()
        }
        self.gone = true;
        // The requests that were not sent whole are noted too: a request never done is allowed.
        let waiting: Vec<_> = self.waiting.drain(..).collect();
        for (item, invoked) in waiting {
            let action = match item {
                Item::Act(action) => action,
                Item::Queue(cmd) => {
                    self.queued.push(cmd);
                    continue;
                }
                Item::Multi => continue,
                Item::Exec => Action::Exec(std::mem::take(&mut self.queued)),
            };
            let (client, db) = (self.id, self.db);
            self.ops.push(Op { client, db, action, reply: None, invoked, returned: NEVER });
        }
    }

    fn read(&mut self, rng: &mut Rng, tick: &mut Tick) -> Result<(), String> {
        let most = if rng.bool() { usize::MAX } else { rng.usize(1..40) };
        self.received.extend(self.end.pull(most));
        while let Some(len) = skip_value(&self.received) {
            let reply = decode(&self.received[..len]);
            self.received.drain(..len);
            *tick += 1;
            if self.selecting {
                self.selecting = false;
                continue;
            }
            let Some((item, invoked)) = self.waiting.pop_front() else {
                return Err(format!("client {}: a reply too many: {reply}", self.id));
            };
            self.note(item, reply, invoked, *tick)?;
        }
        if self.end.is_over() && !self.is_done() {
            return Err(format!("client {}: the server closed the connection", self.id));
        }
        Ok(())
    }

    fn note(
        &mut self,
        item: Item,
        reply: Reply,
        invoked: Tick,
        returned: Tick,
    ) -> Result<(), String> {
        let action = match item {
            Item::Multi if reply == Reply::ok() => return Ok(()),
            Item::Queue(cmd) if reply == Reply::Simple(b"QUEUED".to_vec()) => {
                self.queued.push(cmd);
                return Ok(());
            }
            Item::Multi | Item::Queue(_) => {
                return Err(format!("client {}: {item:?} -> {reply}", self.id));
            }
            Item::Act(action) => action,
            Item::Exec => Action::Exec(std::mem::take(&mut self.queued)),
        };
        let reply = Some(action.tidy(reply));
        let (client, db) = (self.id, self.db);
        self.ops.push(Op { client, db, action, reply, invoked, returned });
        Ok(())
    }
}

impl Guest for SimClient {
    fn is_done(&self) -> bool {
        self.gone || (self.steps.is_empty() && self.is_idle())
    }

    fn is_runnable(&self) -> bool {
        !self.is_done() && (!self.unsent.is_empty() || self.is_idle() || self.end.has_news())
    }

    fn hang_up(&self) {
        self.end.end();
    }

    fn turn(&mut self, rng: &mut Rng, tick: &mut Tick) -> Result<(), String> {
        if let Some(turns) = &mut self.leaves_after {
            *turns -= 1;
            if *turns == 0 {
                self.leave();
                return Ok(());
            }
        }
        if self.is_idle()
            && let Some(step) = self.steps.pop()
        {
            *tick += 1;
            for item in step {
                encode_into(&mut self.unsent, &request(&item));
                self.waiting.push_back((item, *tick));
            }
        }
        if !self.unsent.is_empty() && (rng.bool() || !self.end.has_news()) {
            let count =
                if rng.bool() { self.unsent.len() } else { rng.usize(1..=self.unsent.len()) };
            self.end.push(&self.unsent[..count]);
            self.unsent.drain(..count);
            return Ok(());
        }
        self.read(rng, tick)
    }
}

/// Decodes one whole RESP2 value.
pub fn decode(wire: &[u8]) -> Reply {
    decode_at(wire, &mut 0)
}

fn decode_at(wire: &[u8], at: &mut usize) -> Reply {
    let end = *at + wire[*at..].windows(2).position(|w| w == b"\r\n").expect("a whole value");
    let (marker, line) = (wire[*at], &wire[*at + 1..end]);
    *at = end + 2;
    let number = || std::str::from_utf8(line).ok().and_then(|text| text.parse::<i64>().ok());
    match (marker, number()) {
        (b'+', _) => Reply::Simple(line.to_vec()),
        (b'-', _) => Reply::Error(line.to_vec()),
        (b':', Some(value)) => Reply::Int(value),
        (b'$', Some(len @ 0..)) => {
            let body = wire[*at..*at + len as usize].to_vec();
            *at += len as usize + 2;
            Reply::Bulk(body)
        }
        (b'$', _) => Reply::NullBulk,
        (b'*', Some(len @ 0..)) => Reply::Array((0..len).map(|_| decode_at(wire, at)).collect()),
        (b'*', _) => Reply::NullArray,
        _ => panic!("not RESP2: {}", wire.escape_ascii()),
    }
}
