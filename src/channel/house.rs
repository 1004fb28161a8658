//! The house: every post of every actor, shared by all of them.
//!
//! A *post* is what others may touch of an actor: the end of its channel that one sends into, its
//! bell, its desks. The channels are bounded, and what is in flight is bounded by permits
//! ([`ITERATIONS_IN_FLIGHT`] per acceptor, one batch per shard in each), so no send ever waits.
//! Only what is pushed unasked has no bound of its own: see [`super::Blocked`] for what bounds it.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::batch::Batch;
use super::bell::Bell;
use super::blocked::Push;
use super::desk::{self, Desk};
use super::epoch::Epoch;
use super::far_waits::FarWaits;
use super::marker::Baton;
use super::sync::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use crate::keyspace::Shard;

/// How many iterations an acceptor may have in flight: its permits. Enough that a slow shard does
/// not stop it from serving the others, few enough to bound what is queued.
pub const ITERATIONS_IN_FLIGHT: usize = 64;

/// What others may touch of a shard's owner.
pub struct ShardPost {
    channel: Sender<Box<Batch>>,
    /// Where the idle owner leaves its box.
    pub desk: Desk<Shard>,
    /// Where its box comes home from a rendezvous.
    pub home: Desk<Shard>,
    /// Rouses the owner.
    pub bell: Bell,
    /// Raised by a borrower who leaves work for the owner's upkeep in the box.
    upkeep: AtomicBool,
}

impl ShardPost {
    /// Whether there is upkeep to do.
    pub fn wants_upkeep(&self) -> bool {
        self.upkeep.load(Ordering::Acquire)
    }

    /// Says whether there is upkeep to do; true if that is news.
    pub fn set_upkeep(&self, wanted: bool) -> bool {
        self.upkeep.load(Ordering::Relaxed) != wanted
            && self.upkeep.swap(wanted, Ordering::AcqRel) != wanted
    }
}

/// What others may touch of an acceptor.
pub struct AcceptorPost {
    returns: Sender<Box<Batch>>,
    pushes: Sender<Push>,
    /// Batches still out, per iteration in flight: the last one to return rings.
    gates: Box<[AtomicU32]>,
    /// The acceptor's published epoch.
    pub epoch: Epoch,
    /// Connections that it serves or has been promised.
    pub load: AtomicUsize,
    /// Rouses the acceptor.
    pub bell: Bell,
}

/// All posts and the baton.
pub struct House {
    /// By shard number.
    pub shards: Box<[ShardPost]>,
    /// By acceptor number.
    pub acceptors: Box<[AcceptorPost]>,
    /// Orders what touches several shards.
    pub baton: Baton,
    /// Whether idle owners lend.
    pub lend: bool,
    /// Who waits on several shards.
    pub far_waits: Arc<FarWaits>,
    /// Blocked commands so far.
    calls: AtomicU64,
}

/// The receiving ends, one for each owner, which nobody else may have.
#[derive(Default)]
pub struct Inboxes {
    /// Batches for each shard.
    pub shards: Vec<Receiver<Box<Batch>>>,
    /// Returning batches of each acceptor.
    pub acceptors: Vec<Receiver<Box<Batch>>>,
    /// What each acceptor is told unasked.
    pub pushes: Vec<Receiver<Push>>,
}

impl House {
    /// Posts for `shards` shards and `acceptors` acceptors, all desks empty.
    pub fn new(shards: usize, acceptors: usize, lend: bool) -> (House, Inboxes) {
        let mut inboxes = Inboxes::default();
        let shard_posts = (0..shards).map(|_| {
            let (channel, inbox) = bounded(acceptors * ITERATIONS_IN_FLIGHT);
            inboxes.shards.push(inbox);
            ShardPost {
                channel,
                desk: Desk::new(None),
                home: Desk::new(None),
                bell: Bell::new(),
                upkeep: AtomicBool::new(false),
            }
        });
        let shard_posts = shard_posts.collect();
        let acceptor_posts = (0..acceptors).map(|_| {
            let (returns, inbox) = bounded(shards * ITERATIONS_IN_FLIGHT);
            inboxes.acceptors.push(inbox);
            let (pushes, pushed) = unbounded();
            inboxes.pushes.push(pushed);
            let gates = (0..ITERATIONS_IN_FLIGHT).map(|_| AtomicU32::new(0)).collect();
            let load = AtomicUsize::new(0);
            AcceptorPost { returns, pushes, gates, epoch: Epoch::new(), load, bell: Bell::new() }
        });
        let acceptor_posts = acceptor_posts.collect();
        let house = House {
            shards: shard_posts,
            acceptors: acceptor_posts,
            baton: Baton::new(),
            lend,
            far_waits: Arc::new(FarWaits::new()),
            calls: AtomicU64::new(0),
        };
        (house, inboxes)
    }

    /// Borrows shard `shard`'s box if its owner is idle: see [`desk::borrow`].
    pub fn borrow(&self, shard: usize) -> Option<Box<Shard>> {
        let post = &self.shards[shard];
        desk::borrow(&post.desk, &post.bell, || post.channel.is_empty())
    }

    /// Puts a borrowed box back: see [`desk::give_back`].
    pub fn give_back(&self, shard: usize, value: Box<Shard>) {
        let post = &self.shards[shard];
        let upkeep = value.needs_upkeep();
        desk::give_back(&post.desk, &post.bell, value, || post.channel.is_empty());
        if upkeep && post.set_upkeep(true) {
            post.bell.ring();
        }
    }

    /// The acceptor with the fewest connections; `own` if none has fewer.
    pub fn least_loaded_acceptor(&self, own: usize) -> usize {
        let load = |acceptor: usize| self.acceptors[acceptor].load.load(Ordering::Relaxed);
        let least = (0..self.acceptors.len()).min_by_key(|&acceptor| load(acceptor));
        least.filter(|&least| load(least) < load(own)).unwrap_or(own)
    }

    /// Enqueues a batch for its shard without ringing. The caller rings when its epoch is
    /// published.
    pub fn enqueue(&self, batch: Box<Batch>) {
        let sent = self.shards[batch.shard as usize].channel.try_send(batch);
        assert!(sent.is_ok(), "a shard's channel holds every batch that permits allow");
    }

    /// A number for a blocked command, greater than all before it.
    pub fn next_call(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Tells an acceptor something unasked.
    pub fn push(&self, acceptor: usize, push: Push) {
        let post = &self.acceptors[acceptor];
        // The receiver is gone only when its acceptor is, and then the process ends.
        let _ = post.pushes.send(push);
        post.bell.ring();
    }

    /// Sets the number of batches that iteration `iteration` of `acceptor` waits for.
    pub fn set_gate(&self, acceptor: usize, iteration: usize, batches: u32) {
        self.acceptors[acceptor].gates[iteration].store(batches, Ordering::Release);
    }

    /// One more batch is about to go out for iteration `iteration` of `acceptor`.
    pub fn widen_gate(&self, acceptor: usize, iteration: usize) {
        self.acceptors[acceptor].gates[iteration].fetch_add(1, Ordering::AcqRel);
    }

    /// Whether all batches of an iteration are back in the acceptor's channel.
    pub fn gate_is_open(&self, acceptor: usize, iteration: usize) -> bool {
        self.acceptors[acceptor].gates[iteration].load(Ordering::Acquire) == 0
    }

    /// Sends a batch back to its acceptor, and rings if it is the last of its iteration.
    pub fn return_batch(&self, batch: Box<Batch>) {
        let (acceptor, iteration) = (batch.acceptor as usize, batch.iteration as usize);
        let post = &self.acceptors[acceptor];
        let sent = post.returns.try_send(batch);
        assert!(sent.is_ok(), "an acceptor's channel holds every batch that permits allow");
        if post.gates[iteration].fetch_sub(1, Ordering::AcqRel) == 1 {
            post.bell.ring();
        } else {
            // Some of its connections may be complete, if it no longer waits for this iteration.
            post.bell.ring_poller();
        }
    }
}
