//! Placing requests: which shards a request needs, and its way into their batches.
//!
//! One key, or several in one shard: the request itself goes there. Several shards: a split
//! command goes as parts, any other as a rendezvous whose job is the request.

use std::sync::Arc;

use super::Acceptor;
use super::intake::Incoming;
use super::iteration::{Source, Split};
use super::transport::Transport;
use crate::channel::{Batch, Meeting, Request, Work};
use crate::command::keys::find_keys;
use crate::command::spec::{BeginSearch, FindKeys, KeySpec};
use crate::command::{ClientId, Command, KeyStride, Merge, Spread};
use crate::keyspace::{DbIndex, KeyHash};
use crate::resp::{Arg, Proto};

/// Arguments of at least this many bytes travel as they are instead of through the arena.
const SHARED_ARG: usize = 16 * 1024;

/// What a request says beside its arguments.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub command: &'static Command,
    pub db: DbIndex,
    pub proto: Proto,
    pub no_touch: bool,
    pub client: ClientId,
}

/// The shards of a request's keys.
#[derive(Clone, Debug)]
pub(super) enum Shards {
    One(usize),
    /// Ascending, at least two.
    Several(Vec<u16>),
}

/// Begins a request in `batch`: its arguments follow by `push_arg`, then [`close_request`].
pub(super) fn push_request(batch: &mut Batch, facts: Facts, hashes: &[(KeyHash, KeyStride)]) {
    let first_hash = batch.hashes.len() as u32;
    batch.hashes.extend(hashes.iter().map(|(hash, _)| *hash));
    batch.unbounded |= facts.command.flags.has(crate::command::Flags::UNBOUNDED);
    batch.requests.push(Request {
        command: facts.command,
        work: Work::Run,
        first_ref: batch.refs.len() as u32,
        ref_count: 0,
        first_hash,
        hash_count: hashes.len() as u32,
        stride: hashes.first().map_or_else(KeyStride::default, |(_, stride)| *stride),
        db: facts.db,
        proto: facts.proto,
        no_touch: facts.no_touch,
        client: facts.client,
        counted: true,
    });
}

/// Ends a request: the arguments pushed since it began are its own.
pub(super) fn close_request(batch: &mut Batch) {
    let refs = batch.refs.len() as u32;
    if let Some(request) = batch.requests.last_mut() {
        request.ref_count = refs - request.first_ref;
    }
}

/// The last request pushed is a part of a split one: the first counts for all.
fn mark_part(batch: &mut Batch, is_first: bool) {
    batch.split_parts.push((batch.requests.len() as u32 - 1, 0));
    if !is_first {
        leave_uncounted(batch);
    }
}

/// The last request pushed is no call of its own.
pub(super) fn leave_uncounted(batch: &mut Batch) {
    if let Some(request) = batch.requests.last_mut() {
        request.counted = false;
    }
}

/// Copies an argument into `batch`, or shares it if it is big.
fn push_one(batch: &mut Batch, incoming: Incoming<'_>, at: usize) {
    match &incoming.args[at] {
        Arg::Big(bytes) if bytes.len() >= SHARED_ARG => batch.push_shared(bytes.clone()),
        _ => batch.push_arg(incoming.get(at)),
    }
}

/// Copies all arguments into `batch`.
pub(super) fn push_args(batch: &mut Batch, incoming: Incoming<'_>) {
    for at in 0..incoming.len() {
        push_one(batch, incoming, at);
    }
}

/// Whether every key has all that belongs to it (MSET with a value for each key). Keys that are
/// counted (MSETEX) end before the options do: nothing follows from the number of arguments.
fn is_whole(command: &Command, hashes: &[(KeyHash, KeyStride)], argc: usize) -> bool {
    let counted = |spec: &KeySpec| matches!(spec.find, FindKeys::NumKeys { .. });
    hashes.first().is_none_or(|(_, stride)| {
        let rest = argc - stride.first as usize;
        hashes.len() == 1
            || rest.is_multiple_of(stride.step as usize)
            || command.keys.iter().any(counted)
    })
}

/// The position of the only key, for rows that have one key at a fixed place.
fn only_key(command: &Command) -> Option<usize> {
    match command.keys {
        [spec] => match (spec.begin, spec.find) {
            (BeginSearch::Index(at), FindKeys::Range { last: 0, .. }) => Some(at as usize),
            _ => None,
        },
        _ => None,
    }
}

impl<T: Transport> Acceptor<T> {
    fn facts(&self, index: usize, command: &'static Command) -> Option<Facts> {
        let session = &self.connections.get(index)?.session;
        Some(Facts {
            command,
            db: session.db,
            proto: session.proto,
            no_touch: session.no_touch,
            client: session.id,
        })
    }

    /// Places a request of a connection into the iteration being built.
    pub(super) fn place(
        &mut self,
        index: usize,
        command: &'static Command,
        incoming: Incoming<'_>,
    ) {
        let Some(facts) = self.facts(index, command) else { return };
        let muted = self.is_muted(index);
        if let Some(at) = only_key(command)
            && at < incoming.len()
            && command.spread == Spread::Together
        {
            let key = incoming.get(at);
            let hash = self.server.hasher.hash(key);
            let shard = self.server.shards.shard_of(&self.server.hasher, key, hash);
            let stride = KeyStride { first: at as u16, step: 1 };
            return self.place_whole(shard, facts, &[(hash, stride)], incoming, muted);
        }
        match command.spread {
            Spread::EveryShard(merge) if self.house.shards.len() > 1 => {
                self.place_on_every_shard(facts, merge, incoming, muted);
            }
            Spread::EveryShard(_) => self.place_whole(0, facts, &[], incoming, muted),
            Spread::AllTogether => {
                let all = (0..self.house.shards.len() as u16).collect();
                self.place_meeting(facts, all, &[], incoming, muted);
            }
            Spread::Cursor => {
                let shard = self.shard_of_cursor(incoming);
                self.place_whole(shard, facts, &[], incoming, muted);
            }
            Spread::Together | Spread::Split(_) => {
                let hashes = self.hash_keys(command, incoming);
                if !is_whole(command, &hashes, incoming.len()) {
                    // A value is missing: the handler says so before anything is done.
                    return self.place_whole(0, facts, &[], incoming, muted);
                }
                match (self.shards_of(incoming, &hashes), command.spread) {
                    (Shards::One(shard), _) => {
                        self.place_whole(shard, facts, &hashes, incoming, muted);
                    }
                    (Shards::Several(_), Spread::Split(merge)) if self.may_split(command) => {
                        self.place_split(facts, merge, &hashes, incoming, muted);
                    }
                    (Shards::Several(shards), _) => {
                        self.place_meeting(facts, shards, &hashes, incoming, muted);
                    }
                }
            }
        }
    }

    /// Under a memory limit a part of a write could be refused while others run: then all shards
    /// come together and it is admitted or refused as one.
    fn may_split(&self, command: &Command) -> bool {
        self.config.maxmemory == 0 || !command.flags.has(crate::command::Flags::DENYOOM)
    }

    /// The hashes of a request's keys, whose positions stay in `self.positions`. Hashes are
    /// carried only if the keys stand at equal distances.
    pub(super) fn hash_keys(
        &mut self,
        command: &Command,
        incoming: Incoming<'_>,
    ) -> Vec<(KeyHash, KeyStride)> {
        let found = find_keys(command, incoming.len(), |at| incoming.get(at), &mut self.positions);
        let at = &self.positions.at;
        let (Ok(()), [first, ..]) = (found, at.as_slice()) else { return Vec::new() };
        let step = at.get(1).map_or(1, |second| second.saturating_sub(*first));
        let regular = step > 0 && at.windows(2).all(|pair| pair[1] == pair[0] + step);
        if !regular || *first > u16::MAX as usize || step > u16::MAX as usize {
            return Vec::new();
        }
        let stride = KeyStride { first: *first as u16, step: step as u16 };
        let hash = |&at: &usize| (self.server.hasher.hash(incoming.get(at)), stride);
        at.iter().map(hash).collect()
    }

    /// The shards of the keys at `self.positions`; the first shard if there are none. `hashes` are
    /// those of the keys, or none if they are not carried.
    pub(super) fn shards_of(
        &self,
        incoming: Incoming<'_>,
        hashes: &[(KeyHash, KeyStride)],
    ) -> Shards {
        if self.house.shards.len() == 1 {
            return Shards::One(0);
        }
        let mut shards: Vec<u16> = Vec::new();
        for (n, &at) in self.positions.at.iter().enumerate() {
            let (key, hasher) = (incoming.get(at), &self.server.hasher);
            let hash = hashes.get(n).map_or_else(|| hasher.hash(key), |(hash, _)| *hash);
            let shard = self.server.shards.shard_of(hasher, key, hash) as u16;
            if let Err(place) = shards.binary_search(&shard) {
                shards.insert(place, shard);
            }
        }
        match shards.as_slice() {
            [] => Shards::One(0),
            [shard] => Shards::One(*shard as usize),
            _ => Shards::Several(shards),
        }
    }

    /// The shard that a cursor names; any, if it is no cursor: the handler says so.
    pub(super) fn shard_of_cursor(&self, incoming: Incoming<'_>) -> usize {
        let cursor = incoming
            .args
            .get(1)
            .and_then(|arg| crate::command::parse_cursor(arg.bytes(incoming.input)).ok());
        (cursor.unwrap_or(0) % self.house.shards.len() as u64) as usize
    }

    /// The whole request goes to one shard.
    fn place_whole(
        &mut self,
        shard: usize,
        facts: Facts,
        hashes: &[(KeyHash, KeyStride)],
        incoming: Incoming<'_>,
        muted: bool,
    ) {
        self.building.need(shard);
        let batch = self.building.batch(shard, &mut self.spare_batches);
        push_request(batch, facts, hashes);
        push_args(batch, incoming);
        close_request(batch);
        let request = batch.requests.len() as u32 - 1;
        self.building.push_slot(Source::Shard { shard: shard as u16, request }, muted);
    }

    fn place_on_every_shard(
        &mut self,
        facts: Facts,
        merge: Merge,
        incoming: Incoming<'_>,
        muted: bool,
    ) {
        let mut split = Split { merge, parts: Vec::new(), order: Vec::new(), proto: facts.proto };
        for shard in 0..self.house.shards.len() {
            self.building.need(shard);
            let batch = self.building.batch(shard, &mut self.spare_batches);
            push_request(batch, facts, &[]);
            push_args(batch, incoming);
            close_request(batch);
            mark_part(batch, split.parts.is_empty());
            split.parts.push((shard as u16, batch.requests.len() as u32 - 1));
        }
        self.push_split(split, muted);
    }

    /// Each shard gets the keys (with what stands behind each) that are its own.
    fn place_split(
        &mut self,
        facts: Facts,
        merge: Merge,
        hashes: &[(KeyHash, KeyStride)],
        incoming: Incoming<'_>,
        muted: bool,
    ) {
        let step = hashes.first().map_or(1, |(_, stride)| stride.step as usize);
        let mut split = Split { merge, parts: Vec::new(), order: Vec::new(), proto: facts.proto };
        let positions = std::mem::take(&mut self.positions);
        let shards: Vec<u16> = positions
            .at
            .iter()
            .zip(hashes)
            .map(|(&at, (hash, _))| {
                let key = incoming.get(at);
                self.server.shards.shard_of(&self.server.hasher, key, *hash) as u16
            })
            .collect();
        for (n, &at) in positions.at.iter().enumerate() {
            let shard = shards[n];
            let known = split.parts.iter().position(|(other, _)| *other == shard);
            let part = known.unwrap_or(split.parts.len());
            let batch = {
                if known.is_none() {
                    self.building.need(shard as usize);
                }
                self.building.batch(shard as usize, &mut self.spare_batches)
            };
            if known.is_none() {
                push_request(batch, facts, &[]);
                push_one(batch, incoming, 0);
                mark_part(batch, split.parts.is_empty());
                split.parts.push((shard, batch.requests.len() as u32 - 1));
            }
            batch.hashes.push(hashes[n].0);
            for following in at..(at + step).min(incoming.len()) {
                push_one(batch, incoming, following);
            }
            split.order.push(part as u16);
        }
        for &(shard, request) in &split.parts {
            let batch = self.building.batch(shard as usize, &mut self.spare_batches);
            let hash_end = batch.hashes.len() as u32;
            close_request(batch);
            let request = &mut batch.requests[request as usize];
            request.hash_count = hash_end - request.first_hash;
            request.stride = KeyStride { first: 1, step: step as u16 };
        }
        self.positions = positions;
        self.push_split(split, muted);
    }

    fn push_split(&mut self, split: Split, muted: bool) {
        self.building.splits.push(split);
        self.building.push_slot(Source::Split(self.building.splits.len() as u32 - 1), muted);
    }

    /// The shards come together to run the request once.
    fn place_meeting(
        &mut self,
        facts: Facts,
        shards: Vec<u16>,
        hashes: &[(KeyHash, KeyStride)],
        incoming: Incoming<'_>,
        muted: bool,
    ) {
        if let [shard] = shards.as_slice() {
            return self.place_whole(*shard as usize, facts, hashes, incoming, muted);
        }
        let mut job = Box::<Batch>::default();
        push_request(&mut job, facts, hashes);
        push_args(&mut job, incoming);
        close_request(&mut job);
        let meeting = self.meet(facts, shards, job);
        self.building.meetings.push(meeting);
        let at = self.building.meetings.len() as u32 - 1;
        self.building.push_slot(Source::Meeting(at), muted);
    }

    /// Sends `job` to a rendezvous of `shards` (ascending, at least one).
    pub(super) fn meet(&mut self, facts: Facts, shards: Vec<u16>, job: Box<Batch>) -> Arc<Meeting> {
        let unbounded = job.unbounded;
        let meeting = Arc::new(Meeting::new(shards, job));
        let several = meeting.participants().len() > 1;
        for &shard in meeting.participants() {
            self.building.need(shard as usize);
            let batch = self.building.batch(shard as usize, &mut self.spare_batches);
            push_request(batch, facts, &[]);
            close_request(batch);
            batch.unbounded |= unbounded;
            batch.meets |= several;
            if let Some(request) = batch.requests.last_mut() {
                request.work = Work::Meet(meeting.clone());
            }
        }
        self.building.meets |= several;
        self.building.ordered |= several;
        meeting
    }
}
