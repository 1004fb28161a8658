//! Iterations that are run in one hand: what a pipeline changes may be waited for on several shards.
//!
//! Whether that is so is asked when the iteration is placed, of [`FarWaits`]. Its batches then go
//! as the job of one meeting of all shards, and come back with it.
//!
//! [`FarWaits`]: crate::channel::FarWaits

use std::sync::Arc;

use super::Acceptor;
use super::iteration::{Exec, Iteration, Member, ShardSet, Source};
use super::place::{Carried, Facts, close_request, leave_uncounted, push_request};
use super::transport::Transport;
use crate::channel::{Batch, FarWaits, Meeting, Request, Turn, Whole, Work};

/// An iteration's own batches, while they are away as one.
pub struct Gathered {
    meeting: Arc<Meeting>,
    /// The shards that it has batches for.
    touched: Vec<u16>,
}

/// Whether `request` of `batch` may change a key that somebody waits for who waits on several
/// shards.
fn may_serve(far_waits: &FarWaits, batch: &Batch, request: &Request) -> bool {
    let own = request.first_hash as usize..(request.first_hash + request.hash_count) as usize;
    let mut hashes = batch.hashes[own].iter();
    // Without hashes it changes what it likes, or nobody has looked for its keys.
    request.command.is_write()
        && (request.hash_count == 0 || hashes.any(|&hash| far_waits.may_wait_for(hash)))
}

/// As [`may_serve`], for the job of a meeting that is not placed yet.
fn job_may_serve(far_waits: &FarWaits, meeting: &Meeting) -> bool {
    let job = meeting.take_job();
    let found = job.requests.iter().any(|request| may_serve(far_waits, &job, request));
    meeting.finish(job);
    found
}

/// As [`may_serve`], for what is behind a slot.
fn slot_may_serve(far_waits: &FarWaits, iteration: &Iteration, source: Source) -> bool {
    let placed = |shard: u16, request: u32| {
        iteration.batches[shard as usize]
            .as_deref()
            .is_some_and(|batch| may_serve(far_waits, batch, &batch.requests[request as usize]))
    };
    match source {
        Source::Local { .. } => false,
        Source::Shard { shard, request } => placed(shard, request),
        Source::Split(split) => {
            let parts = iteration.parts(&iteration.splits[split as usize]);
            parts.iter().any(|&(shard, request)| placed(shard, request))
        }
        Source::Meeting(at) => job_may_serve(far_waits, &iteration.meetings[at as usize]),
        Source::Transaction(_) => {
            meeting_of(iteration, source).is_some_and(|meeting| job_may_serve(far_waits, meeting))
        }
    }
}

/// The meeting behind a slot, if there is one.
fn meeting_of(iteration: &Iteration, source: Source) -> Option<&Arc<Meeting>> {
    match source {
        Source::Meeting(at) => iteration.meetings.get(at as usize),
        Source::Transaction(at) => {
            let exec: &Exec = iteration.execs.get(at as usize)?.as_ref()?;
            exec.meeting.as_ref()
        }
        _ => None,
    }
}

/// What the clients sent, in order.
fn turns(iteration: &Iteration) -> Vec<Turn> {
    let mut turns = Vec::new();
    for slot in &iteration.slots {
        match slot.source {
            Source::Shard { shard, request } => turns.push(Turn::Run { shard, request }),
            Source::Split(split) => {
                let parts = iteration.parts(&iteration.splits[split as usize]);
                turns.extend(parts.iter().map(|&(shard, request)| Turn::Run { shard, request }));
            }
            source => turns.extend(meeting_of(iteration, source).cloned().map(Turn::Meet)),
        }
    }
    turns
}

impl<T: Transport> Acceptor<T> {
    /// Whether some member of `iteration` may serve those who wait on several shards by one of
    /// several requests, or by a request that falls into parts. A single request serves them
    /// before anything else is run, or has its errand done before its reply leaves.
    pub(super) fn must_gather(&self, iteration: &Iteration) -> bool {
        let far_waits = &*self.house.far_waits;
        if far_waits.is_empty() || self.house.shards.len() == 1 {
            return false;
        }
        let may_serve = |member: &Member| {
            let slots = &iteration.slots[member.first_slot..member.end_slot];
            let in_parts = slots.len() > 1 || matches!(slots, [slot] if is_split(slot.source));
            in_parts && slots.iter().any(|slot| slot_may_serve(far_waits, iteration, slot.source))
        };
        iteration.members.iter().any(may_serve)
    }

    /// Makes the batches of `iteration` the job of one meeting of all shards.
    pub(super) fn gather(&mut self, iteration: &mut Iteration) {
        let Some(facts) = iteration.batches.iter().flatten().find_map(|batch| facts_of(batch))
        else {
            return;
        };
        let turns = turns(iteration);
        let touched = std::mem::take(&mut iteration.touched);
        let unbounded = iteration.batches.iter().flatten().any(|batch| batch.unbounded);
        let batches = iteration.batches.iter_mut().map(Option::take).collect();
        let whole = Some(Box::new(Whole { batches, turns }));
        let job = Box::new(Batch { acceptor: self.number as u16, whole, ..Batch::default() });
        let all = (0..self.house.shards.len() as u16).collect();
        let meeting = Arc::new(Meeting::new(all, job));
        for &shard in meeting.participants() {
            let batch = iteration.batch(shard as usize, &mut self.spare_batches);
            batch.acceptor = self.number as u16;
            push_request(batch, facts, Carried::default());
            close_request(batch);
            leave_uncounted(batch);
            batch.unbounded = unbounded;
            batch.meets = true;
            if let Some(request) = batch.requests.last_mut() {
                request.work = Work::Meet(meeting.clone());
            }
        }
        iteration.meets = true;
        iteration.whole = Some(Gathered { meeting, touched });
    }

    /// Gives an iteration its own batches back, if they were run as one and are back; false if they
    /// are still away.
    pub(super) fn ungather(&mut self, iteration: &mut Iteration) -> bool {
        let Some(Gathered { meeting, touched }) = iteration.whole.take() else { return true };
        if iteration.outstanding > 0 {
            iteration.whole = Some(Gathered { meeting, touched });
            return false;
        }
        let whole = meeting.result().and_then(|job| job.whole);
        let batches = whole.map(|whole| whole.batches).unwrap_or_default();
        let mut errands = iteration.take_errands();
        for shard in std::mem::replace(&mut iteration.touched, touched) {
            self.spare_batches.extend(iteration.batches[shard as usize].take());
        }
        for (place, batch) in iteration.batches.iter_mut().zip(batches) {
            *place = batch;
        }
        if let Some(first) = iteration.batches.iter_mut().flatten().next() {
            first.errands.append(&mut errands);
        }
        true
    }
}

/// Whether a request falls into parts.
fn is_split(source: Source) -> bool {
    matches!(source, Source::Split(_))
}

/// Facts of the first request of a batch, for one that its acceptor makes on its own.
fn facts_of(batch: &Batch) -> Option<Facts> {
    let request = batch.requests.first()?;
    Some(Facts {
        command: request.command,
        db: request.db,
        proto: request.proto,
        no_touch: request.no_touch,
        client: request.client,
    })
}

/// A set that every member meets: none of an iteration that is away as one is complete.
pub(super) fn all_out() -> ShardSet {
    let mut all = ShardSet::default();
    (0..64).for_each(|shard| all.insert(shard));
    all
}
