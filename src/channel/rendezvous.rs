//! The rendezvous of a joint command: every shard's box in one hand for a moment.
//!
//! ```text
//! shard 0 ── box 0 ──▶┐
//! shard 2 ── box 2 ──▶├─ last to arrive holds all, runs the job ── boxes ──▶ home desks
//! shard 3 ── box 3 ──▶┘
//! ```
//!
//! Each participant puts its box into its own place and counts itself in. The last one takes them
//! all; the others wait at their home desk. Ordered work stands in the same relative order in
//! every shard's channel, so participants cannot wait for each other in a circle.

use super::desk::Desk;
use super::sync::{AtomicUsize, Ordering};

/// A meeting of the boxes `T` of several shards to run the job `J`.
pub struct Rendezvous<T, J> {
    participants: Box<[u16]>,
    places: Box<[Desk<T>]>,
    arrived: AtomicUsize,
    job: Desk<J>,
}

/// All boxes of a meeting in the order of its participants, and its job.
pub type Gathering<T, J> = (Vec<Box<T>>, Box<J>);

impl<T, J> Rendezvous<T, J> {
    /// A meeting of `participants` (shard numbers, ascending, at least one) for `job`.
    pub fn new(participants: Vec<u16>, job: Box<J>) -> Rendezvous<T, J> {
        debug_assert!(participants.is_sorted() && !participants.is_empty());
        let places = participants.iter().map(|_| Desk::new(None)).collect();
        Rendezvous {
            participants: participants.into_boxed_slice(),
            places,
            arrived: AtomicUsize::new(0),
            job: Desk::new(Some(job)),
        }
    }

    /// The shards that meet, ascending.
    pub fn participants(&self) -> &[u16] {
        &self.participants
    }

    /// Shard `shard` hands its box over. The last to arrive gets everything and must run the job,
    /// give it back by [`Rendezvous::finish`] and send each box home; the others must wait for
    /// their box at home.
    pub fn arrive(&self, shard: u16, value: Box<T>) -> Option<Gathering<T, J>> {
        let place = self.participants.binary_search(&shard);
        let place = place.expect("only participants come to a rendezvous");
        self.places[place].put(value);
        let arrived = self.arrived.fetch_add(1, Ordering::AcqRel) + 1;
        if arrived < self.participants.len() {
            return None;
        }
        let boxes = self.places.iter().map(|place| place.take().expect("all have arrived"));
        Some((boxes.collect(), self.take_job()))
    }

    /// Takes the job without a meeting: for an acceptor that borrowed all the boxes.
    pub fn take_job(&self) -> Box<J> {
        self.job.take().expect("the job of a rendezvous is run once")
    }

    /// Leaves the finished job for whoever began the meeting.
    pub fn finish(&self, job: Box<J>) {
        self.job.put(job);
    }

    /// The finished job, if it is there.
    pub fn result(&self) -> Option<Box<J>> {
        self.job.take()
    }
}
