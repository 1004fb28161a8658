//! Placing requests: which shards a request needs, and its way into their batches.
//!
//! One key, or several in one shard: the request itself goes there. Several shards: a split
//! command goes as parts, any other as a rendezvous whose job is the request.

use std::sync::Arc;

use super::Acceptor;
use super::intake::Incoming;
use super::iteration::Source;
use super::routing::Routing;
use super::transport::Transport;
use super::waits::may_wait;
use crate::channel::{Batch, FarWait, Meeting, Request, Work};
use crate::command::spec::{BeginSearch, FindKeys, KeySpec};
use crate::command::{ArgRef, ClientId, Command, KeyStride, Merge, Spread};
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

/// The hashes that travel with a request, and which arguments they belong to.
#[derive(Clone, Copy, Default)]
pub(super) struct Carried<'a> {
    pub hashes: &'a [KeyHash],
    pub stride: KeyStride,
}

impl<'a> From<&'a Routing> for Carried<'a> {
    fn from(routing: &'a Routing) -> Carried<'a> {
        Carried { hashes: routing.carried(), stride: routing.stride() }
    }
}

/// Begins a request in `batch`: its arguments follow by `push_arg`, then [`close_request`].
#[inline]
pub(super) fn push_request(batch: &mut Batch, facts: Facts, carried: Carried<'_>) {
    let first_hash = batch.hashes.len() as u32;
    batch.hashes.extend_from_slice(carried.hashes);
    batch.unbounded |= facts.command.flags.has(crate::command::Flags::UNBOUNDED);
    batch.requests.push(Request {
        command: facts.command,
        work: Work::Run,
        first_ref: batch.refs.len() as u32,
        ref_count: 0,
        first_hash,
        hash_count: carried.hashes.len() as u32,
        stride: carried.stride,
        db: facts.db,
        proto: facts.proto,
        no_touch: facts.no_touch,
        client: facts.client,
        counted: true,
    });
}

/// Ends a request: the arguments pushed since it began are its own.
#[inline]
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

/// A request of at most so many bytes is copied as it came, with the lengths between its
/// arguments: in one go instead of one by one.
const COPIED_WHOLE: usize = 2 * 1024;

/// A request's bytes in an arena.
#[derive(Clone, Copy)]
struct Copied {
    /// Where they are there.
    offset: usize,
    /// Where they were in the input.
    start: usize,
}

impl Copied {
    /// Copies `incoming` into `batch`, if that is the way for it.
    #[inline]
    fn new(batch: &mut Batch, incoming: Incoming<'_>) -> Option<Copied> {
        let (start, _) = incoming.args.first()?.range()?;
        let (_, end) = incoming.args.last()?.range()?;
        let is_whole = || incoming.args.iter().all(|arg| arg.range().is_some());
        if end - start > COPIED_WHOLE || !is_whole() {
            return None;
        }
        let offset = batch.copy_in(&incoming.input[start..end])?;
        Some(Copied { offset, start })
    }

    /// Where an argument of the request is in the arena.
    #[inline]
    fn place(self, arg: &Arg) -> ArgRef {
        let (start, end) = arg.range().unwrap_or((self.start, self.start));
        ArgRef::in_arena(self.offset + (start - self.start), end - start)
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
#[inline]
pub(super) fn push_args(batch: &mut Batch, incoming: Incoming<'_>) {
    let copied = Copied::new(batch, incoming);
    match copied {
        Some(copied) => batch.refs.extend(incoming.args.iter().map(|arg| copied.place(arg))),
        None => (0..incoming.len()).for_each(|at| push_one(batch, incoming, at)),
    }
}

/// Whether every key has all that belongs to it (MSET with a value for each key). Nothing follows
/// from the number of arguments where keys do not go on to their end, or have several
/// specifications (GEORADIUS) and stand where they like.
fn is_whole(command: &Command, routing: &Routing, argc: usize) -> bool {
    let go_on = |spec: &KeySpec| matches!(spec.find, FindKeys::Range { last: ..0, .. });
    let KeyStride { first, step } = routing.stride();
    routing.carried().len() <= 1
        || command.keys.len() > 1
        || (argc - first as usize).is_multiple_of(step as usize)
        || !command.keys.iter().any(go_on)
}

/// The position of the only key, for rows that have one key at a fixed place.
#[inline]
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
    /// What a request of a connection says beside its arguments, and whether its reply is
    /// suppressed.
    #[inline]
    fn facts(&self, index: usize, command: &'static Command) -> Option<(Facts, bool)> {
        let session = &self.connections.get(index)?.session;
        let facts = Facts {
            command,
            db: session.db,
            proto: session.proto,
            no_touch: session.no_touch,
            client: session.id,
        };
        Some((facts, session.reply.is_muted()))
    }

    /// Places a request of a connection into the iteration being built.
    pub(super) fn place(
        &mut self,
        index: usize,
        command: &'static Command,
        incoming: Incoming<'_>,
    ) {
        let Some((facts, muted)) = self.facts(index, command) else { return };
        if let Some(at) = only_key(command)
            && at < incoming.len()
            && matches!(command.spread, Spread::Together)
        {
            let key = incoming.get(at);
            let hash = self.server.hasher.hash(key);
            let shard = self.server.shards.shard_of(&self.server.hasher, key, hash);
            let stride = KeyStride { first: at as u16, step: 1 };
            let carried = Carried { hashes: &[hash], stride };
            return self.place_whole(shard, facts, carried, incoming, muted);
        }
        match command.spread {
            Spread::EveryShard(merge) if self.house.shards.len() > 1 => {
                self.place_on_every_shard(facts, merge, incoming, muted);
            }
            Spread::EveryShard(_) => {
                self.place_whole(0, facts, Carried::default(), incoming, muted);
            }
            Spread::AllTogetherIf(reaches_out)
                if !reaches_out(incoming.len(), &|at| incoming.get(at)) =>
            {
                self.place_by_keys(facts, incoming, muted);
            }
            Spread::AllTogether | Spread::AllTogetherIf(_) => {
                let all = (0..self.house.shards.len() as u16).collect();
                self.place_meeting(facts, (all, None), Carried::default(), incoming, muted);
            }
            Spread::Cursor => {
                let shard = self.shard_of_cursor(incoming);
                self.place_whole(shard, facts, Carried::default(), incoming, muted);
            }
            Spread::Together | Spread::Split(_) => self.place_by_keys(facts, incoming, muted),
        }
    }

    /// Places a request by its keys.
    fn place_by_keys(&mut self, facts: Facts, incoming: Incoming<'_>, muted: bool) {
        let mut routing = std::mem::take(&mut self.routing);
        routing.find(facts.command, incoming, &self.server);
        self.place_routed(&routing, facts, incoming, muted);
        self.routing = routing;
    }

    /// Places a request whose keys are known.
    fn place_routed(
        &mut self,
        routing: &Routing,
        facts: Facts,
        incoming: Incoming<'_>,
        muted: bool,
    ) {
        let command = facts.command;
        match (routing.distinct(), command.spread) {
            // No key, or a value is missing: the handler says so before anything is done.
            ([], _) => self.place_whole(0, facts, Carried::default(), incoming, muted),
            _ if !is_whole(command, routing, incoming.len()) => {
                self.place_whole(0, facts, Carried::default(), incoming, muted);
            }
            ([shard], _) => {
                self.place_whole(*shard as usize, facts, routing.into(), incoming, muted);
            }
            (_, Spread::Split(merge)) if self.may_split(command) => {
                self.place_split(facts, merge, routing, incoming, muted);
            }
            (shards, _) => {
                let waits = may_wait(command, incoming);
                let far_wait = waits.then(|| self.house.far_waits.announce(routing.hashes()));
                let carried = routing.into();
                self.place_meeting(facts, (shards.to_vec(), far_wait), carried, incoming, muted);
            }
        }
    }

    /// Under a memory limit a part of a write could be refused while others run: then all shards
    /// come together and it is admitted or refused as one.
    fn may_split(&self, command: &Command) -> bool {
        self.config.maxmemory == 0 || !command.flags.has(crate::command::Flags::DENYOOM)
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
    #[inline]
    fn place_whole(
        &mut self,
        shard: usize,
        facts: Facts,
        carried: Carried<'_>,
        incoming: Incoming<'_>,
        muted: bool,
    ) {
        self.building.need(shard);
        let batch = self.building.batch(shard, &mut self.spare_batches);
        push_request(batch, facts, carried);
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
        let mut split = self.building.begin_split(merge, facts.proto);
        for shard in 0..self.house.shards.len() {
            self.building.need(shard);
            let batch = self.building.batch(shard, &mut self.spare_batches);
            push_request(batch, facts, Carried::default());
            push_args(batch, incoming);
            close_request(batch);
            mark_part(batch, shard == 0);
            let request = batch.requests.len() as u32 - 1;
            self.building.add_part(&mut split, shard as u16, request);
        }
        self.building.push_split(split, muted);
    }

    /// Each shard gets the keys (with what stands behind each) that are its own.
    fn place_split(
        &mut self,
        facts: Facts,
        merge: Merge,
        routing: &Routing,
        incoming: Incoming<'_>,
        muted: bool,
    ) {
        let step = (routing.stride().step as usize).max(1);
        let mut split = self.building.begin_split(merge, facts.proto);
        for &shard in routing.distinct() {
            self.building.need(shard as usize);
            let batch = self.building.batch(shard as usize, &mut self.spare_batches);
            push_request(batch, facts, Carried::default());
            push_one(batch, incoming, 0);
            mark_part(batch, split.parts.is_empty());
            let request = batch.requests.len() - 1;
            let own = routing.shards().iter().enumerate().filter(|(_, other)| **other == shard);
            for (n, _) in own {
                batch.hashes.push(routing.hash(n));
                let at = routing.positions()[n];
                for following in at..(at + step).min(incoming.len()) {
                    push_one(batch, incoming, following);
                }
            }
            close_request(batch);
            let placed = &mut batch.requests[request];
            placed.hash_count = batch.hashes.len() as u32 - placed.first_hash;
            placed.stride = KeyStride { first: 1, step: step as u16 };
            self.building.add_part(&mut split, shard, request as u32);
        }
        self.building.order_keys(&mut split, routing);
        self.building.push_split(split, muted);
    }

    /// The shards come together to run the request once. If it may come to wait, that is announced.
    fn place_meeting(
        &mut self,
        facts: Facts,
        (shards, far_wait): (Vec<u16>, Option<FarWait>),
        carried: Carried<'_>,
        incoming: Incoming<'_>,
        muted: bool,
    ) {
        if let [shard] = shards.as_slice() {
            return self.place_whole(*shard as usize, facts, carried, incoming, muted);
        }
        let mut job = Box::new(Batch { far_wait, ..Batch::default() });
        push_request(&mut job, facts, carried);
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
        let mut job = job;
        job.acceptor = self.number as u16;
        let meeting = Arc::new(Meeting::new(shards, job));
        let several = meeting.participants().len() > 1;
        for &shard in meeting.participants() {
            self.building.need(shard as usize);
            let batch = self.building.batch(shard as usize, &mut self.spare_batches);
            push_request(batch, facts, Carried::default());
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
