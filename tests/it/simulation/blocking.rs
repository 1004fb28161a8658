//! Simulated clients that push, pop, move and wait: no element is taken twice or lost.
//!
//! Producers push elements that are all different to a few lists, over several shards; consumers
//! pop and wait, with timeouts or until another client unblocks them; some clients leave without a
//! word, waiting or not. In the end every element was popped once, or is there, or went with the
//! reply to a client that was gone; and what one consumer popped of one producer from one list came
//! in the order in which it was pushed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use baton::keyspace::Shard;
use baton::resp::skip_value;
use fastrand::Rng;

use super::client::decode;
use super::network::{ClientEnd, SimNetwork, connect};
use super::world::{Guest, World};
use crate::client::{Reply, encode_into};
use crate::linearizability::history::Tick;

/// Lists that elements are pushed to; `out` lists get what is moved.
const LISTS: usize = 4;

/// A request and what it may do.
#[derive(Clone, Debug)]
enum Ask {
    /// Pushes these.
    Push(Vec<String>),
    /// Begins a transaction, or queues in one.
    Queue,
    /// Pushes these, queued before.
    Exec(Vec<String>),
    /// Takes up to so many.
    Pop(usize),
    /// Takes one, which the reply gives without its key.
    PopOne(String),
    /// Moves one.
    Move,
    /// Ends someone's wait.
    Unblock,
}

/// A client that works with lists.
pub struct ListClient {
    id: u16,
    end: ClientEnd,
    /// Pipelines yet to send, the next one last.
    steps: Vec<Vec<(Vec<String>, Ask)>>,
    unsent: Vec<u8>,
    received: Vec<u8>,
    waiting: VecDeque<Ask>,
    /// It leaves without a word after this many more turns.
    leaves_after: Option<u32>,
    gone: bool,
    /// Elements that it has pushed.
    pushed: Vec<String>,
    /// Elements that it may have pushed: it left before the reply.
    maybe_pushed: Vec<String>,
    /// Lists and elements that it has popped, in order.
    popped: Vec<(String, String)>,
    /// How many elements may have gone with replies that it did not wait for.
    maybe_lost: usize,
}

fn list(rng: &mut Rng) -> String {
    format!("in{}", rng.usize(..LISTS))
}

fn words(line: String) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// One pipeline.
fn step(rng: &mut Rng, id: u16, clients: u16, next: &mut u32) -> Vec<(Vec<String>, Ask)> {
    let mut element = || {
        *next += 1;
        format!("{id}-{next}")
    };
    let timeout = format!("0.{:03}", rng.u16(1..60));
    let ask = match rng.u8(..12) {
        0..=3 => {
            let elements: Vec<String> = (0..rng.usize(1..4)).map(|_| element()).collect();
            (words(format!("RPUSH {} {}", list(rng), elements.join(" "))), Ask::Push(elements))
        }
        4 => {
            let elements = [element(), element()];
            let mut asks = vec![(words("MULTI".to_owned()), Ask::Queue)];
            for element in &elements {
                asks.push((words(format!("RPUSH {} {element}", list(rng))), Ask::Queue));
            }
            asks.push((words("EXEC".to_owned()), Ask::Exec(elements.to_vec())));
            return asks;
        }
        5..=7 => {
            let keys: Vec<String> = (0..rng.usize(1..4)).map(|_| list(rng)).collect();
            (words(format!("BLPOP {} {timeout}", keys.join(" "))), Ask::Pop(1))
        }
        8 => {
            let count = rng.usize(1..4);
            let line = format!("BLMPOP {timeout} 2 {} {} LEFT COUNT {count}", list(rng), list(rng));
            (words(line), Ask::Pop(count))
        }
        9 => {
            let to = if rng.bool() { "out0" } else { "out1" };
            (words(format!("BLMOVE {} {to} LEFT RIGHT {timeout}", list(rng))), Ask::Move)
        }
        10 => {
            let from = if rng.bool() { "out0".to_owned() } else { list(rng) };
            (words(format!("LPOP {from}")), Ask::PopOne(from))
        }
        _ => {
            let how = if rng.bool() { "TIMEOUT" } else { "ERROR" };
            let whom = rng.u16(1..=clients);
            (words(format!("CLIENT UNBLOCK {whom} {how}")), Ask::Unblock)
        }
    };
    vec![ask]
}

impl ListClient {
    fn new(id: u16, clients: u16, network: &SimNetwork, rng: &mut Rng) -> ListClient {
        let mut next = 0;
        let steps = (0..rng.usize(3..12)).map(|_| {
            let parts = rng.usize(1..4);
            (0..parts).flat_map(|_| step(rng, id, clients, &mut next)).collect()
        });
        let steps: Vec<_> = steps.collect();
        ListClient {
            id,
            end: connect(network, usize::from(id), 1 << 20),
            steps: steps.into_iter().rev().collect(),
            unsent: Vec::new(),
            received: Vec::new(),
            waiting: VecDeque::new(),
            leaves_after: (rng.u8(..4) == 0).then(|| rng.u32(1..60)),
            gone: false,
            pushed: Vec::new(),
            maybe_pushed: Vec::new(),
            popped: Vec::new(),
            maybe_lost: 0,
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
        for ask in self.waiting.drain(..) {
            match ask {
                Ask::Push(elements) | Ask::Exec(elements) => self.maybe_pushed.extend(elements),
                Ask::Pop(count) => self.maybe_lost += count,
                Ask::PopOne(_) => self.maybe_lost += 1,
                Ask::Queue | Ask::Move | Ask::Unblock => {}
            }
        }
    }

    fn note(&mut self, ask: Ask, reply: &Reply) -> Result<(), String> {
        let wrong = format!("client {}: {ask:?} -> {reply}", self.id);
        let is_unblocked = matches!(reply, Reply::Error(text) if text.starts_with(b"UNBLOCKED"));
        match (ask, reply) {
            (Ask::Push(elements), Reply::Int(1..)) => self.pushed.extend(elements),
            (Ask::Exec(elements), Reply::Array(replies)) if replies.len() == elements.len() => {
                self.pushed.extend(elements);
            }
            (Ask::Queue, Reply::Simple(_)) => {}
            (Ask::Pop(_) | Ask::Move, Reply::NullArray) => {}
            (Ask::Pop(_) | Ask::Move, _) if is_unblocked => {}
            (Ask::Pop(most), Reply::Array(parts)) if parts.len() == 2 => {
                let elements = match &parts[1] {
                    Reply::Array(elements) => elements.clone(),
                    one => vec![one.clone()],
                };
                if elements.is_empty() || elements.len() > most {
                    return Err(wrong);
                }
                let from = parts[0].text();
                self.popped.extend(elements.iter().map(|one| (from.clone(), one.text())));
            }
            (Ask::PopOne(_), Reply::NullBulk) => {}
            (Ask::PopOne(from), Reply::Bulk(_)) => self.popped.push((from, reply.text())),
            (Ask::Move, Reply::Bulk(_)) | (Ask::Unblock, Reply::Int(0 | 1)) => {}
            _ => return Err(wrong),
        }
        Ok(())
    }
}

impl Guest for ListClient {
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
        *tick += 1;
        if let Some(turns) = &mut self.leaves_after {
            *turns -= 1;
            if *turns == 0 {
                self.leave(rng);
                return Ok(());
            }
        }
        if self.is_idle()
            && let Some(step) = self.steps.pop()
        {
            for (words, ask) in step {
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
            self.note(ask, &reply)?;
        }
        if self.end.is_over() && !self.is_done() {
            return Err(format!("client {}: the server closed the connection", self.id));
        }
        Ok(())
    }
}

/// Producer and number of an element.
fn parse(element: &str) -> Result<(u16, u32), String> {
    let parsed = element.split_once('-');
    let parsed = parsed.and_then(|(id, number)| Some((id.parse().ok()?, number.parse().ok()?)));
    parsed.ok_or_else(|| format!("nobody has pushed {element:?}"))
}

/// Fails if what came of one producer from one list is not in the order of its pushes.
fn check_order<'a>(
    what: &str,
    elements: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), String> {
    let mut last: BTreeMap<(&str, u16), u32> = BTreeMap::new();
    // What was moved may have come from several lists.
    for (list, element) in elements.filter(|(list, _)| list.starts_with("in")) {
        let (producer, number) = parse(element)?;
        if let Some(before) = last.insert((list, producer), number)
            && before >= number
        {
            return Err(format!("{what}: {element} of {list} behind {producer}-{before}"));
        }
    }
    Ok(())
}

/// The lists that are left, each with its elements.
fn left(boxes: &[Box<Shard>]) -> Vec<(String, String)> {
    let mut left = Vec::new();
    for shard in boxes {
        for database in &shard.dbs {
            database.for_each(|entry| {
                let list = String::from_utf8_lossy(entry.key()).into_owned();
                let text = String::from_utf8_lossy(&entry.canonical()).into_owned();
                // The type, and then each element behind its length.
                let elements = text.split(' ').skip(1).filter_map(|word| word.split_once(':'));
                left.extend(elements.map(|(_, element)| (list.clone(), element.to_owned())));
            });
        }
    }
    left
}

fn check(clients: &[ListClient], boxes: &[Box<Shard>]) -> Result<(), String> {
    let left = left(boxes);
    check_order("left", left.iter().map(|(list, element)| (&**list, &**element)))?;
    let mut seen = BTreeSet::new();
    for client in clients {
        let popped = client.popped.iter().map(|(list, element)| (&**list, &**element));
        check_order(&format!("client {}", client.id), popped)?;
    }
    let popped = clients.iter().flat_map(|client| &client.popped);
    for (list, element) in popped.chain(&left) {
        if !seen.insert(element.as_str()) {
            return Err(format!("{element} of {list} is there twice"));
        }
    }
    let sure: BTreeSet<&str> =
        clients.iter().flat_map(|client| &client.pushed).map(String::as_str).collect();
    let maybe: BTreeSet<&str> =
        clients.iter().flat_map(|client| &client.maybe_pushed).map(String::as_str).collect();
    if let Some(element) =
        seen.iter().find(|element| !sure.contains(**element) && !maybe.contains(**element))
    {
        return Err(format!("nobody has pushed {element}"));
    }
    let missing: Vec<&&str> = sure.iter().filter(|element| !seen.contains(**element)).collect();
    let may_miss: usize = clients.iter().map(|client| client.maybe_lost).sum();
    if !boxes.is_empty() && missing.len() > may_miss {
        return Err(format!("{missing:?} are gone, but only {may_miss} may be"));
    }
    Ok(())
}

/// Runs the simulation of a seed with clients that wait.
///
/// # Errors
///
/// With what went wrong and the last choices of the scheduler.
pub fn simulate(seed: u64) -> Result<(), String> {
    let mut world = World::new(seed, |plan, rng, networks| {
        let clients = (0..plan.clients).map(|id| {
            let network = &networks[rng.usize(..networks.len())];
            ListClient::new(id, plan.clients, network, rng)
        });
        clients.collect::<Vec<_>>()
    });
    let result = world.run();
    let result = result.and_then(|()| {
        let boxes = world.check()?;
        check(&world.clients, &boxes)
    });
    result.map_err(|what| world.describe(seed, &what))
}
