//! Sending an iteration on its way: borrow what can be borrowed, enqueue the rest, run, collect.
//!
//! The rules of borrowing (each with what breaks without it):
//! - an iteration takes every box that it will borrow, enqueues the rest and publishes its epoch
//!   before it runs any of it, and puts no box back before all are taken: else another could see
//!   one part of it and reach a shard ahead of the next part;
//! - an iteration with a rendezvous borrows all of its shards or none: else a participant would
//!   wait for a box that its borrower holds;
//! - nothing blocks while a borrowed box is held, and requests without bound are left to owners.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Acceptor;
use super::iteration::{Iteration, ShardSet};
use super::transport::Transport;
use super::whole::all_out;
use crate::channel::{Batch, Marker, Meeting};
use crate::keyspace::Shard;
use crate::observe::bump;
use crate::shard::{Executor, Holder, Stopped};

/// A borrowed box with its batch; the box is away while it meets others.
struct Borrowed {
    shard: u16,
    held: Option<Box<Shard>>,
    /// `None` once it is left to the owner.
    batch: Option<Box<Batch>>,
    stopped_at: Option<Arc<Meeting>>,
    /// The batch is run to its end, or left to the owner; the box can go back.
    done: bool,
}

/// What an iteration's borrowed batches belong to, for one that is left to its owner.
#[derive(Clone, Copy)]
struct Leaving {
    acceptor: u16,
    iteration: u16,
    /// Whether a batch may be left: not of an ordered iteration, whose parts must not be run after
    /// those that were placed later.
    allowed: bool,
}

/// Where an iteration on its way out stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Boxes are to be taken.
    Take,
    /// The rest is to be enqueued, batch by batch.
    Enqueue,
    /// What is placed is to be published.
    Publish,
    /// What was borrowed is to be run.
    Run,
}

/// An iteration on its way out. A thread goes through its phases at once; a simulation lets others
/// step in between, as a preempted thread would.
pub(super) struct Dispatch {
    place: usize,
    iteration: Box<Iteration>,
    marker: Option<Marker>,
    borrowed: Vec<Borrowed>,
    phase: Phase,
}

impl Dispatch {
    /// Whether others must not see it half done.
    pub(super) fn is_ordered(&self) -> bool {
        self.iteration.ordered
    }
}

/// Spare batches and iterations that are kept for reuse.
const KEPT_SPARES: usize = 128;

impl<T: Transport> Acceptor<T> {
    /// Sends an iteration on its way, to have `place` among those in flight. Gives the place if some
    /// of it is out.
    pub(super) fn dispatch(&mut self, place: usize, iteration: Box<Iteration>) -> Option<usize> {
        let mut dispatch = self.begin_dispatch(place, iteration);
        if self.stepwise {
            self.dispatching = Some(dispatch);
            return None;
        }
        while !self.advance_dispatch(&mut dispatch) {}
        self.settle(dispatch.place, dispatch.iteration)
    }

    /// In a simulation: goes one phase further with the iteration on its way. Gives its place once
    /// it has gone through all phases and some of it is out.
    pub(super) fn dispatch_step(&mut self) -> Option<usize> {
        let mut dispatch = self.dispatching.take()?;
        if self.advance_dispatch(&mut dispatch) {
            return self.settle(dispatch.place, dispatch.iteration);
        }
        self.dispatching = Some(dispatch);
        None
    }

    /// Takes what was built, and begins to build anew.
    pub(super) fn take_built(&mut self) -> Box<Iteration> {
        let spare = self.spare_iterations.pop();
        let spare = spare.unwrap_or_else(|| Box::new(Iteration::new(self.house.shards.len())));
        let mut iteration = spare;
        std::mem::swap(&mut *iteration, &mut self.building);
        iteration
    }

    fn begin_dispatch(&mut self, place: usize, mut iteration: Box<Iteration>) -> Dispatch {
        bump(&self.server.traffic[self.number].iterations, 1);
        bump(&self.server.requests[self.number], iteration.slots.len() as u64);
        iteration.undelivered = iteration.members.len();
        iteration.touched.sort_unstable();
        iteration.ordered &= self.house.shards.len() > 1;
        for batch in iteration.batches.iter_mut().flatten() {
            batch.acceptor = self.number as u16;
        }
        let (marker, borrowed) = (None, Vec::new());
        Dispatch { place, iteration, marker, borrowed, phase: Phase::Take }
    }

    /// Goes one phase further; true after the last.
    fn advance_dispatch(&mut self, dispatch: &mut Dispatch) -> bool {
        match dispatch.phase {
            Phase::Take => {
                dispatch.iteration.ordered |= self.must_gather(&dispatch.iteration);
                if dispatch.iteration.ordered && !self.take_marker(dispatch) {
                    return false;
                }
                // Who begins to wait from now on comes after it in every shard.
                if dispatch.iteration.ordered && self.must_gather(&dispatch.iteration) {
                    self.gather(&mut dispatch.iteration);
                }
                dispatch.borrowed = self.borrow(&mut dispatch.iteration);
                let iteration = &mut dispatch.iteration;
                iteration.outstanding = iteration.touched.len() - iteration.borrowed.len();
                self.house.set_gate(self.number, dispatch.place, iteration.outstanding as u32);
                dispatch.phase = Phase::Enqueue;
                false
            }
            Phase::Enqueue => {
                let epoch = if dispatch.marker.is_some() { self.epoch } else { 0 };
                if !self.enqueue_one(&mut dispatch.iteration, dispatch.place, epoch) {
                    dispatch.phase = Phase::Publish;
                }
                false
            }
            Phase::Publish => {
                self.publish(dispatch);
                dispatch.phase = Phase::Run;
                self.set_times(&mut dispatch.borrowed);
                false
            }
            Phase::Run => {
                let leaving = Leaving {
                    acceptor: self.number as u16,
                    iteration: dispatch.place as u16,
                    allowed: !dispatch.iteration.ordered && !dispatch.iteration.meets,
                };
                if self.run_borrowed(&mut dispatch.borrowed, leaving) {
                    return false;
                }
                for Borrowed { shard, batch, .. } in dispatch.borrowed.drain(..) {
                    match batch {
                        Some(batch) => dispatch.iteration.batches[shard as usize] = Some(batch),
                        None => dispatch.iteration.outstanding += 1,
                    }
                }
                true
            }
        }
    }

    /// Takes the marker and begins an epoch; false only in a simulation, where another actor that
    /// holds it must step first.
    fn take_marker(&mut self, dispatch: &mut Dispatch) -> bool {
        dispatch.marker = match self.house.baton.try_receive() {
            Some(marker) => Some(marker),
            None if self.stepwise => return false,
            None => Some(self.house.baton.receive()),
        };
        self.server.counters.ordered_iterations.fetch_add(1, Ordering::Relaxed);
        self.epoch += 1;
        true
    }

    /// Publishes what is placed, passes the marker on and wakes the owners.
    fn publish(&mut self, dispatch: &mut Dispatch) {
        if let Some(marker) = dispatch.marker.take() {
            self.house.acceptors[self.number].epoch.publish(self.epoch);
            self.house.baton.pass(marker);
        }
        let iteration = &dispatch.iteration;
        for shard in iteration.touched.iter().filter(|shard| !iteration.borrowed.contains(shard)) {
            self.house.shards[*shard as usize].bell.ring();
        }
    }

    /// Takes the boxes that can be borrowed, with their batches out of the iteration.
    fn borrow(&mut self, iteration: &mut Iteration) -> Vec<Borrowed> {
        let mut borrowed = Vec::new();
        if !self.house.lend {
            return borrowed;
        }
        let unbounded = |iteration: &Iteration, shard: u16| {
            iteration.batches[shard as usize].as_ref().is_some_and(|batch| batch.unbounded)
        };
        if iteration.meets && iteration.touched.iter().any(|&shard| unbounded(iteration, shard)) {
            return borrowed;
        }
        let mut boxes: Vec<(u16, Box<Shard>)> = Vec::with_capacity(iteration.touched.len());
        for &shard in &iteration.touched {
            if unbounded(iteration, shard) {
                continue;
            }
            match self.house.borrow(shard as usize) {
                Some(held) => boxes.push((shard, held)),
                None if iteration.meets => {
                    for (shard, held) in boxes {
                        self.house.give_back(shard as usize, held);
                    }
                    return borrowed;
                }
                None => {}
            }
        }
        for (shard, held) in boxes {
            if let Some(batch) = iteration.batches[shard as usize].take() {
                let (held, batch, stopped_at) = (Some(held), Some(batch), None);
                borrowed.push(Borrowed { shard, held, batch, stopped_at, done: false });
            }
        }
        iteration.borrowed.extend(borrowed.iter().map(|one| one.shard));
        borrowed
    }

    /// Enqueues a batch that was not borrowed; false if there is none left.
    fn enqueue_one(&mut self, iteration: &mut Iteration, place: usize, epoch: u64) -> bool {
        let next =
            iteration.touched.iter().find_map(|&shard| iteration.batches[shard as usize].take());
        let Some(mut batch) = next else { return false };
        batch.iteration = place as u16;
        batch.epoch = epoch;
        self.house.enqueue(batch);
        true
    }

    /// Reads the clock for the boxes that were taken.
    fn set_times(&mut self, borrowed: &mut [Borrowed]) {
        if borrowed.is_empty() {
            return;
        }
        let now_ms = self.server.clock.unix_ms();
        for one in borrowed {
            if let Some(held) = &mut one.held {
                held.set_time(now_ms);
                held.stats.batches_lent += 1;
                if let Some(batch) = &one.batch {
                    Executor::warm(std::slice::from_ref(held), batch);
                }
            }
        }
    }

    /// Does one thing with what was borrowed: gives a box back, runs a batch up to its end or its
    /// next rendezvous, or runs a rendezvous. False if there is nothing left to do.
    fn run_borrowed(&mut self, borrowed: &mut [Borrowed], leaving: Leaving) -> bool {
        if let Some(one) = borrowed.iter_mut().find(|one| one.done && one.held.is_some()) {
            if let Some(held) = one.held.take() {
                self.house.give_back(one.shard as usize, held);
            }
            return true;
        }
        if let Some(one) = borrowed.iter_mut().find(|one| !one.done && one.stopped_at.is_none()) {
            if let (Some(held), Some(batch)) = (&mut one.held, &mut one.batch) {
                let holder = if leaving.allowed { Holder::Borrower } else { Holder::Owner };
                match self.executor.run(std::slice::from_mut(held), batch, holder) {
                    Stopped::AtMeeting(meeting) => one.stopped_at = Some(meeting),
                    Stopped::Done => one.done = true,
                    Stopped::AtLongWalk => {
                        one.done = true;
                        if let Some(batch) = one.batch.take() {
                            self.leave_to_owner(batch, leaving);
                        }
                    }
                }
            }
            return true;
        }
        // All participants are borrowed; the earliest of the meetings that they stopped at has
        // them all, since meetings stand in the same order in every batch.
        let met = borrowed.iter().filter_map(|one| one.stopped_at.clone()).find(|meeting| {
            let here = |one: &&Borrowed| {
                one.stopped_at.as_ref().is_some_and(|at| Arc::ptr_eq(at, meeting))
            };
            borrowed.iter().filter(here).count() == meeting.participants().len()
        });
        if let Some(meeting) = &met {
            self.run_meeting(borrowed, meeting);
        }
        met.is_some()
    }

    /// Enqueues the rest of a borrowed batch while its box is still in hand: once that is back
    /// nobody borrows it ahead of the batch, and its owner is woken.
    fn leave_to_owner(&self, mut batch: Box<Batch>, leaving: Leaving) {
        batch.acceptor = leaving.acceptor;
        batch.iteration = leaving.iteration;
        batch.epoch = 0;
        self.house.widen_gate(self.number, leaving.iteration as usize);
        self.house.enqueue(batch);
    }

    /// Runs the job of a rendezvous over the boxes in hand.
    fn run_meeting(&mut self, borrowed: &mut [Borrowed], meeting: &Arc<Meeting>) {
        let here =
            |one: &Borrowed| one.stopped_at.as_ref().is_some_and(|at| Arc::ptr_eq(at, meeting));
        let mut boxes: Vec<Box<Shard>> =
            borrowed.iter_mut().filter(|one| here(one)).filter_map(|one| one.held.take()).collect();
        let mut job = meeting.take_job();
        self.executor.run_job(&mut boxes, &mut job);
        let mut errands = std::mem::take(&mut job.errands);
        meeting.finish(job);
        let participants = borrowed.iter_mut().filter(|one| here(one));
        for (one, held) in participants.zip(boxes) {
            one.held = Some(held);
            one.stopped_at = None;
            if let Some(batch) = &mut one.batch {
                Executor::pass_meeting(batch);
                batch.errands.append(&mut errands);
            }
        }
    }

    /// Delivers what is complete; keeps the iteration if some of it is out, or has errands to do.
    fn settle(&mut self, place: usize, mut iteration: Box<Iteration>) -> Option<usize> {
        if self.ungather(&mut iteration) {
            mark_out(&mut iteration);
        } else {
            iteration.out = all_out();
        }
        self.deliver(&mut iteration);
        if iteration.outstanding > 0 {
            self.in_flight[place] = Some(iteration);
            return Some(place);
        }
        if iteration.has_errands() {
            self.follow_ups.push_back((place, iteration));
            return None;
        }
        if let Some(origin) = iteration.origin.take() {
            self.recycle(iteration);
            return self.settle(place, origin);
        }
        self.free_places.push(place);
        self.recycle(iteration);
        None
    }

    fn recycle(&mut self, mut iteration: Box<Iteration>) {
        iteration.clear(&mut self.spare_batches);
        self.spare_batches.truncate(KEPT_SPARES);
        if self.spare_iterations.len() < KEPT_SPARES {
            self.spare_iterations.push(iteration);
        }
    }

    /// Takes in the batches that have returned and delivers what they complete.
    pub(super) fn collect(&mut self) {
        let mut places: Vec<usize> = Vec::new();
        while let Ok(batch) = self.returns.try_recv() {
            let place = batch.iteration as usize;
            let Some(iteration) = &mut self.in_flight[place] else { continue };
            iteration.outstanding -= 1;
            let shard = batch.shard as usize;
            iteration.batches[shard] = Some(batch);
            if !places.contains(&place) {
                places.push(place);
            }
        }
        for place in places {
            if let Some(iteration) = self.in_flight[place].take() {
                self.settle(place, iteration);
            }
        }
    }
}

/// Notes which shards members must still wait for: those whose batches are out, and those whose
/// batches have left errands.
fn mark_out(iteration: &mut Iteration) {
    iteration.out = ShardSet::default();
    for &shard in &iteration.touched {
        let batch = iteration.batches[shard as usize].as_ref();
        if batch.is_none_or(|batch| !batch.errands.is_empty()) {
            iteration.out.insert(shard as usize);
        }
    }
}
