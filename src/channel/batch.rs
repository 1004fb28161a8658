//! The batch: what travels between an acceptor and a shard.
//!
//! ```text
//! arena   [ "GET" "key:1" "SET" "key:2" "v" … ]      argument bytes, end to end
//! refs      ^0,3  ^3,5    ^8,3  ^11,5   ^16,1        where each argument is
//! requests [ GET: refs 0..2 ] [ SET: refs 2..5 ]
//! replies  "$1\r\nx\r\n+OK\r\n"                       wire format, appended by whoever runs it
//! ends            ^7       ^12                        one mark per request
//! ```
//!
//! One batch per shard and event-loop iteration; it goes out with requests, comes back with
//! replies, and is used again. Nothing in it is allocated per request.

use std::sync::Arc;

use bytes::Bytes;

use super::blocked::{Blocked, Errand};
use super::far_waits::FarWait;
use super::rendezvous::Rendezvous;
use crate::command::{ArgRef, Args, ClientId, Command, KeyStride};
use crate::keyspace::{DbIndex, KeyHash, KeyHasher, Shard};
use crate::resp::{Mark, Proto, ReplyBuf};

/// A meeting of shards for a joint command or a transaction.
pub type Meeting = Rendezvous<Shard, Batch>;

/// What a request asks for.
#[derive(Clone)]
pub enum Work {
    /// Run the command here.
    Run,
    /// Hand the box to the rendezvous, wait for it to come home; no reply of its own.
    Meet(Arc<Meeting>),
    /// Serve those who wait for a key; no reply.
    Serve(Arc<Errand>),
    /// Take the waiters of a command out, whose wait is over; no reply.
    Forget(Arc<Blocked>),
}

/// One request of a batch; its arguments are in the batch.
#[derive(Clone)]
pub struct Request {
    /// The row of the command.
    pub command: &'static Command,
    /// What to do with it.
    pub work: Work,
    /// First of its arguments in `refs`.
    pub first_ref: u32,
    /// Number of its arguments, name included.
    pub ref_count: u32,
    /// First of its carried hashes.
    pub first_hash: u32,
    /// Number of carried hashes.
    pub hash_count: u32,
    /// Which arguments the carried hashes belong to.
    pub stride: KeyStride,
    /// Logical database.
    pub db: DbIndex,
    /// Protocol of the reply.
    pub proto: Proto,
    /// `CLIENT NO-TOUCH` is on.
    pub no_touch: bool,
    /// Who asks.
    pub client: ClientId,
    /// It counts as a call of its command: not so a part of a split request but the first, nor
    /// what an acceptor asks for on its own.
    pub counted: bool,
}

impl Request {
    /// Its arguments in the fields of its batch.
    pub fn args<'a>(
        &self,
        arena: &'a [u8],
        refs: &'a [ArgRef],
        shared: &'a [Bytes],
        hashes: &'a [KeyHash],
        hasher: &'a KeyHasher,
    ) -> Args<'a> {
        let own_refs = self.first_ref as usize..(self.first_ref + self.ref_count) as usize;
        let own_hashes = self.first_hash as usize..(self.first_hash + self.hash_count) as usize;
        Args::new(arena, &refs[own_refs], shared, &hashes[own_hashes], self.stride, hasher)
    }
}

/// The facts of a transaction that a batch carries out as one.
#[derive(Clone, Copy, Debug)]
pub struct Transaction {
    /// The client, whose watches are checked and end.
    pub client: ClientId,
    /// Set by who ran it: a watched key had changed, nothing was run.
    pub aborted: bool,
    /// Set by who ran it: the nanoseconds that it took.
    pub ns: u64,
}

/// The turn of a request of a [`Whole`], or of several that are one.
#[derive(Clone)]
pub enum Turn {
    /// Request `request` of the batch for `shard`.
    Run {
        /// The shard.
        shard: u16,
        /// Index of the request in its batch.
        request: u32,
    },
    /// The job of a meeting, which stands in the batches of its participants.
    Meet(Arc<Meeting>),
}

/// An iteration that one holder of all boxes runs, request by request in the order in which they
/// came in.
pub struct Whole {
    /// The batch for each shard that has one.
    pub batches: Vec<Option<Box<Batch>>>,
    /// What the clients sent, in order. Requests that are in a batch and not here have no place of
    /// their own in the order.
    pub turns: Vec<Turn>,
}

/// Requests on their way out, replies on their way back.
#[derive(Default)]
pub struct Batch {
    /// The shard it is for (unused in the job of a rendezvous).
    pub shard: u16,
    /// The acceptor it comes from.
    pub acceptor: u16,
    /// That acceptor's iteration in flight.
    pub iteration: u16,
    /// See [`super::Epoch`]; 0 if not ordered.
    pub epoch: u64,
    /// It holds a request whose work is not bounded: only the owner runs it.
    pub unbounded: bool,
    /// It holds a rendezvous.
    pub meets: bool,
    /// Argument bytes.
    pub arena: Vec<u8>,
    /// Arguments in order.
    pub refs: Vec<ArgRef>,
    /// Arguments that are not in the arena.
    pub shared: Vec<Bytes>,
    /// Carried hashes of keys.
    pub hashes: Vec<KeyHash>,
    /// The requests in order.
    pub requests: Vec<Request>,
    /// Which requests are parts of a split one, ascending, and the nanoseconds that each took.
    pub split_parts: Vec<(u32, u64)>,
    /// The first request that has not been run.
    pub next: usize,
    /// Replies in wire format.
    pub replies: ReplyBuf,
    /// Where each reply ends.
    pub ends: Vec<Mark>,
    /// Set for the job of a transaction.
    pub transaction: Option<Transaction>,
    /// Set for the job that runs a whole iteration; it has no requests of its own.
    pub whole: Option<Box<Whole>>,
    /// Set for a job that may come to wait on several shards.
    pub far_wait: Option<FarWait>,
    /// Requests that were not served but wait, ascending: they have no reply here.
    pub blocked: Vec<(u32, Arc<Blocked>)>,
    /// Keys whose waiters need more boxes than were in hand. What led to them is not done before
    /// they are seen to.
    pub errands: Vec<Arc<Errand>>,
}

impl Batch {
    /// Arenas above this size (bytes) are not kept for reuse.
    const KEPT_ARENA: usize = 256 * 1024;
    /// Nor is more room than this (bytes) in each of the other vectors: what 50 clients need that
    /// send pipelines of MSETs is.
    const KEPT_ROOM: usize = 1024 * 1024;

    /// Empties the batch for reuse.
    pub fn clear(&mut self) {
        /// Empties a vector, keeping no more room than a usual batch needs.
        #[inline]
        fn empty<T>(vector: &mut Vec<T>) {
            vector.clear();
            vector.shrink_to(Batch::KEPT_ROOM / size_of::<T>());
        }
        if self.arena.capacity() > Self::KEPT_ARENA {
            self.arena = Vec::new();
        }
        self.arena.clear();
        empty(&mut self.refs);
        empty(&mut self.shared);
        empty(&mut self.hashes);
        empty(&mut self.requests);
        empty(&mut self.split_parts);
        self.replies.clear();
        empty(&mut self.ends);
        self.next = 0;
        self.epoch = 0;
        self.unbounded = false;
        self.meets = false;
        self.transaction = None;
        self.whole = None;
        self.far_wait = None;
        self.blocked.clear();
        self.errands.clear();
    }

    /// Copies an argument into the arena; beside it, once the arena is as long as offsets can tell.
    #[inline]
    pub fn push_arg(&mut self, bytes: &[u8]) {
        if self.arena.len() + bytes.len() > u32::MAX as usize {
            return self.push_shared(Bytes::copy_from_slice(bytes));
        }
        self.refs.push(ArgRef::in_arena(self.arena.len(), bytes.len()));
        self.arena.extend_from_slice(bytes);
    }

    /// Copies bytes that have arguments somewhere within into the arena, to be named by
    /// [`Batch::push_ref`]; gives their offset there. `None`, and nothing is copied, if the arena is as
    /// long as offsets can tell.
    #[inline]
    pub fn copy_in(&mut self, bytes: &[u8]) -> Option<usize> {
        let offset = self.arena.len();
        if offset + bytes.len() > u32::MAX as usize {
            return None;
        }
        self.arena.extend_from_slice(bytes);
        Some(offset)
    }

    /// Adds an argument that stays where it is.
    pub fn push_shared(&mut self, bytes: Bytes) {
        self.refs.push(ArgRef::shared(self.shared.len()));
        self.shared.push(bytes);
    }

    /// The arguments of request `at`.
    pub fn args<'a>(&'a self, at: usize, hasher: &'a KeyHasher) -> Args<'a> {
        self.requests[at].args(&self.arena, &self.refs, &self.shared, &self.hashes, hasher)
    }

    /// The place in `split_parts` of request `at`, if it is a part.
    pub fn split_part(&self, at: usize) -> Option<usize> {
        self.split_parts.binary_search_by_key(&(at as u32), |(request, _)| *request).ok()
    }

    /// The wait of request `at`, if it has no reply since it waits.
    pub fn wait_of(&self, at: usize) -> Option<&Arc<Blocked>> {
        let found = self.blocked.iter().find(|(request, _)| *request as usize == at);
        found.map(|(_, call)| call)
    }

    /// Where the reply of request `at` begins and ends.
    pub fn reply_range(&self, at: usize) -> (Mark, Mark) {
        let start = if at == 0 { Mark::default() } else { self.ends[at - 1] };
        (start, self.ends[at])
    }
}
