//! Simulated clients that add to streams, and wait for what is added: alone, and as consumers of a
//! group.
//!
//! What a reader gets is what stands in the stream behind the id that it named, without a gap; what
//! the consumers of a group get they get once, each in the order of the stream, and nothing is left
//! out but what went with the reply to a client that was gone. In the end the group holds as
//! pending what each consumer was given and has not acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use baton::keyspace::{ObjectRef, Shard};
use baton::value::stream::{Stream, StreamId};
use fastrand::Rng;

use super::worker::{Role, Worker};
use super::world::World;
use crate::client::Reply;

/// Streams, over several shards.
const STREAMS: usize = 4;

/// An id, and the element that was added under it.
type Entry = (String, String);

/// A request and what it may do.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Makes the group, unless it is there.
    Create,
    /// Adds an element to a stream.
    Add(String, String),
    /// Begins a transaction, or queues in one.
    Queue,
    /// Adds elements to streams, queued before.
    Exec(Vec<(String, String)>),
    /// Reads up to so many of each stream behind an id, or only what is new.
    Read(Vec<(String, Option<String>)>, usize),
    /// Is given up to so many of each of so many streams.
    ReadGroup(usize, usize),
    /// Acknowledges an id of a stream.
    Acknowledge(String, String),
    /// Ends someone's wait.
    Unblock,
}

/// A client that works with streams.
pub struct Reader {
    id: u16,
    clients: u16,
    /// The number of its last element.
    last: u32,
    has_groups: bool,
    /// What it has added: stream, id, element.
    added: Vec<(String, Entry)>,
    /// What it may have added.
    maybe_added: Vec<String>,
    /// Where it goes on reading in each stream.
    read_up_to: BTreeMap<String, String>,
    /// The stream, the id behind which it asked for entries, the most of them, and the reply.
    reads: Vec<(String, Option<String>, usize, Vec<Entry>)>,
    /// What it was given as a consumer, by stream.
    given: BTreeMap<String, Vec<Entry>>,
    /// Streams and ids that it has acknowledged.
    acknowledged: BTreeSet<(String, String)>,
    /// Ids that it may have acknowledged.
    maybe_acknowledged: BTreeSet<(String, String)>,
    /// How many entries may have been given to it with replies that it did not wait for.
    maybe_given: usize,
}

fn stream(rng: &mut Rng) -> String {
    format!("s{}", rng.usize(..STREAMS))
}

fn words(line: String) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

impl Reader {
    fn new(id: u16, clients: u16) -> Reader {
        Reader {
            id,
            clients,
            last: 0,
            has_groups: false,
            added: Vec::new(),
            maybe_added: Vec::new(),
            read_up_to: BTreeMap::new(),
            reads: Vec::new(),
            given: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            maybe_acknowledged: BTreeSet::new(),
            maybe_given: 0,
        }
    }

    fn add(&mut self, rng: &mut Rng) -> (String, String, String) {
        self.last += 1;
        let (to, element) = (stream(rng), format!("{}-{}", self.id, self.last));
        (format!("XADD {to} * e {element}"), to, element)
    }

    /// Different streams, one to three of them.
    fn streams(rng: &mut Rng) -> Vec<String> {
        let chosen: BTreeSet<String> = (0..rng.usize(1..4)).map(|_| stream(rng)).collect();
        chosen.into_iter().collect()
    }

    fn read(&self, rng: &mut Rng) -> (String, Ask) {
        let (count, block) = (rng.usize(1..4), rng.u16(1..60));
        let streams = Self::streams(rng);
        let from: Vec<Option<String>> = streams
            .iter()
            .map(|stream| {
                let before = self.read_up_to.get(stream).cloned();
                (rng.u8(..4) > 0).then(|| before.unwrap_or_else(|| "0-0".to_owned()))
            })
            .collect();
        let ids: Vec<&str> = from.iter().map(|id| id.as_deref().unwrap_or("$")).collect();
        let (keys, ids) = (streams.join(" "), ids.join(" "));
        let line = format!("XREAD COUNT {count} BLOCK {block} STREAMS {keys} {ids}");
        (line, Ask::Read(streams.into_iter().zip(from).collect(), count))
    }

    fn read_group(&self, rng: &mut Rng) -> (String, Ask) {
        let (count, block) = (rng.usize(1..4), rng.u16(1..60));
        let streams = Self::streams(rng);
        let news = vec![">"; streams.len()].join(" ");
        let (id, keys) = (self.id, streams.join(" "));
        let line =
            format!("XREADGROUP GROUP g c{id} COUNT {count} BLOCK {block} STREAMS {keys} {news}");
        (line, Ask::ReadGroup(streams.len(), count))
    }

    fn acknowledge(&self, rng: &mut Rng) -> Option<(String, Ask)> {
        let given: Vec<(&String, &Entry)> = self
            .given
            .iter()
            .flat_map(|(stream, entries)| entries.iter().map(move |entry| (stream, entry)))
            .filter(|(stream, entry)| {
                !self.acknowledged.contains(&((*stream).clone(), entry.0.clone()))
            })
            .collect();
        let (stream, (id, _)) = rng.choice(given)?;
        Some((format!("XACK {stream} g {id}"), Ask::Acknowledge(stream.clone(), id.clone())))
    }

    /// One command, or a transaction.
    fn asks(&mut self, rng: &mut Rng) -> Vec<(Vec<String>, Ask)> {
        let (line, ask) = match rng.u8(..16) {
            0..=5 => {
                let (line, to, element) = self.add(rng);
                (line, Ask::Add(to, element))
            }
            6 => {
                let mut asks = vec![(words("MULTI".to_owned()), Ask::Queue)];
                let mut additions = Vec::new();
                for _ in 0..2 {
                    let (line, to, element) = self.add(rng);
                    asks.push((words(line), Ask::Queue));
                    additions.push((to, element));
                }
                asks.push((words("EXEC".to_owned()), Ask::Exec(additions)));
                return asks;
            }
            7..=9 => self.read(rng),
            10..=13 => self.read_group(rng),
            14 => match self.acknowledge(rng) {
                Some(ask) => ask,
                None => self.read_group(rng),
            },
            _ => {
                let how = if rng.bool() { "TIMEOUT" } else { "ERROR" };
                let whom = rng.u16(1..=self.clients);
                (format!("CLIENT UNBLOCK {whom} {how}"), Ask::Unblock)
            }
        };
        vec![(words(line), ask)]
    }

    fn note_read(
        &mut self,
        asked: &[(String, Option<String>)],
        most: usize,
        reply: &Reply,
    ) -> Option<()> {
        for (stream, entries) in entries_of(reply)? {
            let (_, from) = asked.iter().find(|(asked, _)| *asked == stream)?;
            let last = entries.last()?.0.clone();
            self.read_up_to.insert(stream.clone(), last);
            self.reads.push((stream, from.clone(), most, entries));
        }
        Some(())
    }

    fn note_given(&mut self, streams: usize, most: usize, reply: &Reply) -> Option<()> {
        let found = entries_of(reply)?;
        for (stream, entries) in &found {
            let fits = (1..=most).contains(&entries.len());
            fits.then(|| self.given.entry(stream.clone()).or_default().extend_from_slice(entries))?;
        }
        (found.len() <= streams).then_some(())
    }
}

/// The streams of a reply to XREAD with their entries, each of one field.
fn entries_of(reply: &Reply) -> Option<Vec<(String, Vec<Entry>)>> {
    let pair = |reply: &Reply| match reply {
        Reply::Array(parts) => <[Reply; 2]>::try_from(parts.clone()).ok(),
        _ => None,
    };
    let list = |reply: &Reply| match reply {
        Reply::Array(parts) => Some(parts.clone()),
        _ => None,
    };
    let entry = |reply: &Reply| {
        let [id, fields] = pair(reply)?;
        let [_, element] = pair(&fields)?;
        Some((id.text(), element.text()))
    };
    let stream = |reply: &Reply| {
        let [name, entries] = pair(reply)?;
        Some((name.text(), list(&entries)?.iter().map(entry).collect::<Option<Vec<_>>>()?))
    };
    list(reply)?.iter().map(stream).collect()
}

impl Role for Reader {
    type Ask = Ask;

    fn step(&mut self, rng: &mut Rng) -> Vec<(Vec<String>, Ask)> {
        if !std::mem::replace(&mut self.has_groups, true) {
            let create = |at| (words(format!("XGROUP CREATE s{at} g 0 MKSTREAM")), Ask::Create);
            return (0..STREAMS).map(create).collect();
        }
        let parts = rng.usize(1..4);
        (0..parts).flat_map(|_| self.asks(rng)).collect()
    }

    fn lose(&mut self, ask: Ask) {
        match ask {
            Ask::Add(_, element) => self.maybe_added.push(element),
            Ask::Exec(added) => self.maybe_added.extend(added.into_iter().map(|(_, one)| one)),
            Ask::ReadGroup(streams, most) => self.maybe_given += streams * most,
            Ask::Acknowledge(stream, id) => {
                self.maybe_acknowledged.insert((stream, id));
            }
            Ask::Create | Ask::Queue | Ask::Read(..) | Ask::Unblock => {}
        }
    }

    fn note(&mut self, ask: Ask, reply: &Reply) -> Result<(), String> {
        let begins =
            |with: &str| matches!(reply, Reply::Error(e) if e.starts_with(with.as_bytes()));
        let noted = match (&ask, reply) {
            (Ask::Create, _) => (*reply == Reply::ok() || begins("BUSYGROUP")).then_some(()),
            (Ask::Add(stream, element), Reply::Bulk(_)) => {
                self.added.push((stream.clone(), (reply.text(), element.clone())));
                Some(())
            }
            (Ask::Exec(added), Reply::Array(ids)) => {
                let made = added
                    .iter()
                    .zip(ids)
                    .map(|((stream, element), id)| (stream.clone(), (id.text(), element.clone())));
                self.added.extend(made);
                (added.len() == ids.len()).then_some(())
            }
            (Ask::Read(..) | Ask::ReadGroup(..), Reply::NullArray) => Some(()),
            (Ask::Read(..) | Ask::ReadGroup(..), Reply::Error(_)) => {
                begins("UNBLOCKED").then_some(())
            }
            (Ask::Read(asked, most), _) => self.note_read(asked, *most, reply),
            (Ask::ReadGroup(streams, most), _) => self.note_given(*streams, *most, reply),
            (Ask::Acknowledge(stream, id), Reply::Int(1)) => {
                self.acknowledged.insert((stream.clone(), id.clone())).then_some(())
            }
            (Ask::Acknowledge(stream, id), Reply::Int(0)) => {
                // Asked for twice in one pipeline.
                self.acknowledged.contains(&(stream.clone(), id.clone())).then_some(())
            }
            (Ask::Queue, Reply::Simple(_)) | (Ask::Unblock, Reply::Int(0 | 1)) => Some(()),
            _ => None,
        };
        noted.ok_or_else(|| format!("client {}: {ask:?} -> {reply}", self.id))
    }
}

/// What is left of a stream.
struct Left {
    entries: Vec<Entry>,
    /// The id up to which the group was given entries.
    given_up_to: StreamId,
    /// Ids that are pending, with the consumer.
    pending: BTreeSet<(String, String)>,
}

impl Left {
    fn of(stream: &Stream) -> Result<Left, String> {
        let entries = stream.log().range(StreamId::MIN, StreamId::MAX);
        let entries = entries.map(|entry| {
            let fields: Vec<_> = entry.fields.map(|(_, value)| value.to_vec()).collect();
            (entry.id.to_string(), String::from_utf8_lossy(&fields.concat()).into_owned())
        });
        let group = stream.group(b"g").ok_or("a stream has lost its group")?;
        let pending = group.pending_range(StreamId::MIN..=StreamId::MAX).map(|(id, pending)| {
            let consumer = group.consumer(pending.consumer).name();
            (id.to_string(), String::from_utf8_lossy(consumer).into_owned())
        });
        Ok(Left {
            entries: entries.collect(),
            given_up_to: group.last_id(),
            pending: pending.collect(),
        })
    }

    /// How many entries are not behind this id.
    fn up_to(&self, id: &str) -> Result<usize, String> {
        let id = parse(id)?;
        Ok(self.entries.iter().take_while(|(at, _)| parse(at).is_ok_and(|at| at <= id)).count())
    }
}

fn parse(id: &str) -> Result<StreamId, String> {
    let parts = id.split_once('-');
    let parts = parts.and_then(|(ms, seq)| Some((ms.parse().ok()?, seq.parse().ok()?)));
    parts.map(|(ms, seq)| StreamId::new(ms, seq)).ok_or_else(|| format!("{id:?} is no id"))
}

fn left(boxes: &[Box<Shard>]) -> Result<BTreeMap<String, Left>, String> {
    let mut left = BTreeMap::new();
    for shard in boxes {
        for database in &shard.dbs {
            let mut result = Ok(());
            database.for_each(|entry| {
                let name = String::from_utf8_lossy(entry.key()).into_owned();
                match entry.object() {
                    Some(ObjectRef::Stream(stream)) => match Left::of(stream) {
                        Ok(found) => drop(left.insert(name, found)),
                        Err(what) => result = Err(format!("{name}: {what}")),
                    },
                    _ => result = Err(format!("{name} is no stream")),
                }
            });
            result?;
        }
    }
    Ok(left)
}

/// What was added is there, once, and nothing else is.
fn check_entries(readers: &[&Reader], left: &BTreeMap<String, Left>) -> Result<(), String> {
    let mut unknown: BTreeSet<(&str, &Entry)> = BTreeSet::new();
    let mut elements = BTreeSet::new();
    for (stream, left) in left {
        for entry in &left.entries {
            unknown.insert((stream, entry));
            if !elements.insert(&entry.1) {
                return Err(format!("{entry:?} of {stream} is there twice"));
            }
        }
    }
    for (stream, entry) in readers.iter().flat_map(|reader| &reader.added) {
        if !unknown.remove(&(stream.as_str(), entry)) {
            return Err(format!("{entry:?} was added to {stream}, and is not there"));
        }
    }
    let maybe: BTreeSet<&String> = readers.iter().flat_map(|reader| &reader.maybe_added).collect();
    match unknown.into_iter().find(|(_, (_, element))| !maybe.contains(element)) {
        Some((stream, entry)) => Err(format!("nobody has added {entry:?} to {stream}")),
        None => Ok(()),
    }
}

/// What was read behind an id is what stands there, without a gap.
fn check_reads(reader: &Reader, left: &BTreeMap<String, Left>) -> Result<(), String> {
    for (stream, from, most, entries) in &reader.reads {
        let what = || format!("client {}: {stream} behind {from:?}: {entries:?}", reader.id);
        let all = left.get(stream).ok_or_else(what)?;
        let first = &entries.first().ok_or_else(what)?.0;
        let start = match from {
            Some(id) => all.up_to(id)?,
            // What is new begins somewhere.
            None => all.up_to(first)?.saturating_sub(1),
        };
        if entries.len() > *most || !all.entries[start..].starts_with(entries) {
            return Err(what());
        }
    }
    Ok(())
}

/// What consumers were given of a stream they were given once, in order, and without a gap.
fn check_group(name: &str, left: &Left, readers: &[&Reader]) -> Result<(), String> {
    let mut given: BTreeSet<&Entry> = BTreeSet::new();
    for reader in readers {
        let entries = reader.given.get(name).map_or(&[][..], Vec::as_slice);
        let mut last = StreamId::MIN;
        for entry in entries {
            let id = parse(&entry.0)?;
            if !given.insert(entry) || id <= last || !left.entries.contains(entry) {
                return Err(format!("client {}: {entry:?} of {name} comes wrong", reader.id));
            }
            last = id;
        }
    }
    let up_to = left.up_to(&left.given_up_to.to_string())?;
    if given.iter().any(|entry| !left.entries[..up_to].contains(entry)) {
        return Err(format!("{name}: the group stands before what was given"));
    }
    let missing: Vec<&Entry> =
        left.entries[..up_to].iter().filter(|entry| !given.contains(entry)).collect();
    let may_miss: usize = readers.iter().map(|reader| reader.maybe_given).sum();
    if missing.len() > may_miss {
        return Err(format!("{missing:?} of {name} were given to nobody"));
    }
    check_pending(name, left, readers, &missing)
}

/// What is pending is what was given and not acknowledged.
fn check_pending(
    name: &str,
    left: &Left,
    readers: &[&Reader],
    missing: &[&Entry],
) -> Result<(), String> {
    let mut pending = left.pending.clone();
    for reader in readers {
        for (id, _) in reader.given.get(name).map_or(&[][..], Vec::as_slice) {
            let place = (name.to_owned(), id.clone());
            let is_pending = pending.remove(&(id.clone(), format!("c{}", reader.id)));
            let maybe = reader.maybe_acknowledged.contains(&place);
            if !maybe && is_pending == reader.acknowledged.contains(&place) {
                return Err(format!("{id} of {name} pending: {is_pending}"));
            }
        }
    }
    match pending.into_iter().find(|(id, _)| !missing.iter().any(|entry| entry.0 == *id)) {
        Some(left) => Err(format!("{left:?} of {name} is pending and was never given")),
        None => Ok(()),
    }
}

fn check(clients: &[Worker<Reader>], boxes: &[Box<Shard>]) -> Result<(), String> {
    if boxes.is_empty() {
        return Ok(());
    }
    let readers: Vec<&Reader> = clients.iter().map(|client| &client.role).collect();
    let left = left(boxes)?;
    check_entries(&readers, &left)?;
    for reader in &readers {
        check_reads(reader, &left)?;
    }
    left.iter().try_for_each(|(name, left)| check_group(name, left, &readers))
}

/// Runs the simulation of a seed with clients that wait for streams.
///
/// # Errors
///
/// With what went wrong and the last choices of the scheduler.
pub fn simulate(seed: u64) -> Result<(), String> {
    let mut world = World::new(seed, |plan, rng, networks| {
        let clients = (0..plan.clients).map(|id| {
            let network = &networks[rng.usize(..networks.len())];
            Worker::new(id, network, rng, Reader::new(id, plan.clients))
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
