//! Simulated clients that push, pop, move and wait, for lists and sorted sets: no element is taken
//! twice or lost.
//!
//! Producers push elements that are all different to a few lists and sorted sets, over several
//! shards; consumers pop and wait, with timeouts or until another client unblocks them; some
//! clients leave without a word, waiting or not. In the end every element was popped once, or is
//! there, or went with the reply to a client that was gone; and what one consumer popped of one
//! producer from one key came in the order in which it was pushed: scores grow as they are given.

use std::collections::{BTreeMap, BTreeSet};

use baton::keyspace::Shard;
use fastrand::Rng;

use super::worker::{Role, Worker};
use super::world::World;
use crate::client::Reply;

/// Lists that elements are pushed to, and as many sorted sets; `out` lists get what is moved.
const KEYS: usize = 4;

/// A request and what it may do.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Pushes these.
    Push(Vec<String>),
    /// Begins a transaction, or queues in one.
    Queue,
    /// Pushes these, queued before.
    Exec(Vec<String>),
    /// Takes up to so many from lists.
    Pop(usize),
    /// Takes one from a list, which the reply gives without its key.
    PopOne(String),
    /// Takes one from sorted sets, with its score.
    PopLeast,
    /// Takes up to so many from sorted sets, with their scores.
    PopLeasts(usize),
    /// Moves one.
    Move,
    /// Ends someone's wait.
    Unblock,
}

/// A client that works with lists and sorted sets.
pub struct Popper {
    id: u16,
    clients: u16,
    /// The number of its last element.
    last: u32,
    /// Elements that it has pushed.
    pushed: Vec<String>,
    /// Elements that it may have pushed: it left before the reply.
    maybe_pushed: Vec<String>,
    /// Keys and elements that it has popped, in order.
    popped: Vec<(String, String)>,
    /// How many elements may have gone with replies that it did not wait for.
    maybe_lost: usize,
}

fn list(rng: &mut Rng) -> String {
    format!("in{}", rng.usize(..KEYS))
}

fn zset(rng: &mut Rng) -> String {
    format!("z{}", rng.usize(..KEYS))
}

fn words(line: String) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

impl Popper {
    fn new(id: u16, clients: u16) -> Popper {
        let (pushed, maybe_pushed, popped) = (Vec::new(), Vec::new(), Vec::new());
        Popper { id, clients, last: 0, pushed, maybe_pushed, popped, maybe_lost: 0 }
    }

    fn element(&mut self) -> String {
        self.last += 1;
        format!("{}-{}", self.id, self.last)
    }

    /// A command that pushes these elements, the last that were made, to a list or a sorted set.
    fn push(&self, rng: &mut Rng, elements: &[String]) -> String {
        if rng.bool() {
            return format!("RPUSH {} {}", list(rng), elements.join(" "));
        }
        let scored = |element: &String| match element.split_once('-') {
            Some((_, number)) => format!("{number} {element}"),
            None => unreachable!("elements are made of two numbers"),
        };
        let pairs: Vec<String> = elements.iter().map(scored).collect();
        format!("ZADD {} {}", zset(rng), pairs.join(" "))
    }

    fn pop(&self, rng: &mut Rng) -> (String, Ask) {
        let timeout = format!("0.{:03}", rng.u16(1..60));
        let count = rng.usize(1..4);
        match rng.u8(..12) {
            0..=2 => {
                let keys: Vec<String> = (0..count).map(|_| list(rng)).collect();
                (format!("BLPOP {} {timeout}", keys.join(" ")), Ask::Pop(1))
            }
            3 => {
                let (one, two) = (list(rng), list(rng));
                let line = format!("BLMPOP {timeout} 2 {one} {two} LEFT COUNT {count}");
                (line, Ask::Pop(count))
            }
            4..=6 => {
                let keys: Vec<String> = (0..count).map(|_| zset(rng)).collect();
                (format!("BZPOPMIN {} {timeout}", keys.join(" ")), Ask::PopLeast)
            }
            7 => {
                let (one, two) = (zset(rng), zset(rng));
                let line = format!("BZMPOP {timeout} 2 {one} {two} MIN COUNT {count}");
                (line, Ask::PopLeasts(count))
            }
            8 | 9 => {
                let to = if rng.bool() { "out0" } else { "out1" };
                (format!("BLMOVE {} {to} LEFT RIGHT {timeout}", list(rng)), Ask::Move)
            }
            _ => {
                let from = if rng.bool() { "out0".to_owned() } else { list(rng) };
                (format!("LPOP {from}"), Ask::PopOne(from))
            }
        }
    }

    /// One command, or a transaction.
    fn asks(&mut self, rng: &mut Rng) -> Vec<(Vec<String>, Ask)> {
        let (line, ask) = match rng.u8(..12) {
            0..=3 => {
                let elements: Vec<String> = (0..rng.usize(1..4)).map(|_| self.element()).collect();
                (self.push(rng, &elements), Ask::Push(elements))
            }
            4 => {
                let elements = [self.element(), self.element()];
                let mut asks = vec![(words("MULTI".to_owned()), Ask::Queue)];
                for element in &elements {
                    let line = self.push(rng, std::slice::from_ref(element));
                    asks.push((words(line), Ask::Queue));
                }
                asks.push((words("EXEC".to_owned()), Ask::Exec(elements.to_vec())));
                return asks;
            }
            5..=10 => self.pop(rng),
            _ => {
                let how = if rng.bool() { "TIMEOUT" } else { "ERROR" };
                let whom = rng.u16(1..=self.clients);
                (format!("CLIENT UNBLOCK {whom} {how}"), Ask::Unblock)
            }
        };
        vec![(words(line), ask)]
    }

    /// Takes note of elements that were popped, of which there are some and not too many.
    fn take(&mut self, from: &str, elements: &[Reply], most: usize) -> bool {
        self.popped.extend(elements.iter().map(|one| (from.to_owned(), one.text())));
        (1..=most).contains(&elements.len())
    }
}

/// The members of pairs of them and their scores; `None` if a score is not the member's number.
fn members(pairs: &[Reply]) -> Option<Vec<Reply>> {
    let member = |pair: &Reply| match pair {
        Reply::Array(parts) if parts.len() == 2 => {
            let (_, number) = parse(&parts[0].text()).ok()?;
            (parts[1].text() == number.to_string()).then(|| parts[0].clone())
        }
        _ => None,
    };
    pairs.iter().map(member).collect()
}

impl Role for Popper {
    type Ask = Ask;

    fn step(&mut self, rng: &mut Rng) -> Vec<(Vec<String>, Ask)> {
        let parts = rng.usize(1..4);
        (0..parts).flat_map(|_| self.asks(rng)).collect()
    }

    fn lose(&mut self, ask: Ask) {
        match ask {
            Ask::Push(elements) | Ask::Exec(elements) => self.maybe_pushed.extend(elements),
            Ask::Pop(count) | Ask::PopLeasts(count) => self.maybe_lost += count,
            Ask::PopOne(_) | Ask::PopLeast => self.maybe_lost += 1,
            Ask::Queue | Ask::Move | Ask::Unblock => {}
        }
    }

    fn note(&mut self, ask: Ask, reply: &Reply) -> Result<(), String> {
        let is_unblocked = matches!(reply, Reply::Error(text) if text.starts_with(b"UNBLOCKED"));
        let waits = matches!(ask, Ask::Pop(_) | Ask::PopLeast | Ask::PopLeasts(_) | Ask::Move);
        let parts: &[Reply] = match reply {
            Reply::Array(parts) => parts,
            _ => &[],
        };
        let is_fine = match (&ask, reply) {
            _ if waits && (is_unblocked || *reply == Reply::NullArray) => true,
            (Ask::Push(elements), Reply::Int(1..)) => {
                self.pushed.extend_from_slice(elements);
                true
            }
            (Ask::Exec(elements), _) => {
                self.pushed.extend_from_slice(elements);
                parts.len() == elements.len()
            }
            (Ask::Queue, Reply::Simple(_)) | (Ask::PopOne(_), Reply::NullBulk) => true,
            (Ask::Pop(most), _) => match parts {
                [key, Reply::Array(elements)] => self.take(&key.text(), elements, *most),
                [key, one] => self.take(&key.text(), std::slice::from_ref(one), *most),
                _ => false,
            },
            (Ask::PopLeast, _) => match parts {
                [key, pair @ ..] => match members(&[Reply::Array(pair.to_vec())]) {
                    Some(members) => self.take(&key.text(), &members, 1),
                    None => false,
                },
                _ => false,
            },
            (Ask::PopLeasts(most), _) => match parts {
                [key, Reply::Array(pairs)] => match members(pairs) {
                    Some(members) => self.take(&key.text(), &members, *most),
                    None => false,
                },
                _ => false,
            },
            (Ask::PopOne(from), Reply::Bulk(_)) => self.take(from, std::slice::from_ref(reply), 1),
            (Ask::Move, Reply::Bulk(_)) | (Ask::Unblock, Reply::Int(0 | 1)) => true,
            _ => false,
        };
        if is_fine { Ok(()) } else { Err(format!("client {}: {ask:?} -> {reply}", self.id)) }
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
    for (list, element) in elements.filter(|(list, _)| !list.starts_with("out")) {
        let (producer, number) = parse(element)?;
        if let Some(before) = last.insert((list, producer), number)
            && before >= number
        {
            return Err(format!("{what}: {element} of {list} behind {producer}-{before}"));
        }
    }
    Ok(())
}

/// The keys that are left, each with its elements.
fn left(boxes: &[Box<Shard>]) -> Vec<(String, String)> {
    let mut left = Vec::new();
    for shard in boxes {
        for database in &shard.dbs {
            database.for_each(|entry| {
                let list = String::from_utf8_lossy(entry.key()).into_owned();
                let text = String::from_utf8_lossy(&entry.canonical()).into_owned();
                // The type, and then each element behind its length; scores are elements, too.
                let step = if list.starts_with('z') { 2 } else { 1 };
                let elements = text.split(' ').skip(1).filter_map(|word| word.split_once(':'));
                let elements = elements.step_by(step);
                left.extend(elements.map(|(_, element)| (list.clone(), element.to_owned())));
            });
        }
    }
    left
}

fn check(clients: &[Worker<Popper>], boxes: &[Box<Shard>]) -> Result<(), String> {
    let left = left(boxes);
    check_order("left", left.iter().map(|(list, element)| (&**list, &**element)))?;
    let mut seen = BTreeSet::new();
    let clients = || clients.iter().map(|client| &client.role);
    for client in clients() {
        let popped = client.popped.iter().map(|(list, element)| (&**list, &**element));
        check_order(&format!("client {}", client.id), popped)?;
    }
    let popped = clients().flat_map(|client| &client.popped);
    for (list, element) in popped.chain(&left) {
        if !seen.insert(element.as_str()) {
            return Err(format!("{element} of {list} is there twice"));
        }
    }
    let sure: BTreeSet<&str> =
        clients().flat_map(|client| &client.pushed).map(String::as_str).collect();
    let maybe: BTreeSet<&str> =
        clients().flat_map(|client| &client.maybe_pushed).map(String::as_str).collect();
    if let Some(element) =
        seen.iter().find(|element| !sure.contains(**element) && !maybe.contains(**element))
    {
        return Err(format!("nobody has pushed {element}"));
    }
    let missing: Vec<&&str> = sure.iter().filter(|element| !seen.contains(**element)).collect();
    let may_miss: usize = clients().map(|client| client.maybe_lost).sum();
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
            Worker::new(id, network, rng, Popper::new(id, plan.clients))
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
