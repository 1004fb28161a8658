//! The owner of one shard: a state machine with a step, and a thread is only the loop around it.
//!
//! ```text
//!            inbox not empty              inbox empty
//!   resting ───────────────▶ holding ─────────────────▶ box on the desk ──▶ resting
//!                              │  ▲
//!                   rendezvous ▼  │ box comes home
//!                             waiting
//! ```
//!
//! It takes the box *before* it takes anything out of the channel, so a request stays visible to
//! borrowers until it can be served; it puts the box down only with the channel empty, and looks
//! again after. Without lending it keeps the box.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;

use super::execute::{Executor, Holder, Stopped};
use super::upkeep;
use crate::channel::{Batch, House};
use crate::keyspace::Shard;

/// How often to come back for upkeep when the box was lent just then.
const UPKEEP_RETRY: Duration = Duration::from_millis(1);

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something was done: step again.
    Ran,
    /// A batch's epoch is not published yet; it will be in a moment.
    AwaitsEpoch,
    /// Nothing to do until the bell rings, or until the time is over.
    Rest(Option<Duration>),
}

/// The owner of a shard.
pub struct Owner {
    number: usize,
    house: Arc<House>,
    inbox: Receiver<Box<Batch>>,
    executor: Executor,
    held: Option<Box<Shard>>,
    current: Option<Box<Batch>>,
    /// The box is at a rendezvous.
    waiting: bool,
    /// When the last slice of upkeep ended: ticks, since Unix time may be set back.
    upkept: u64,
    /// How long to leave the shard alone after it.
    upkeep_rest: upkeep::Rest,
}

impl Owner {
    /// The owner of `shard`, with the receiving end of its channel.
    pub fn new(
        shard: Box<Shard>,
        house: Arc<House>,
        inbox: Receiver<Box<Batch>>,
        executor: Executor,
    ) -> Owner {
        Owner {
            number: shard.number as usize,
            house,
            inbox,
            executor,
            held: Some(shard),
            current: None,
            waiting: false,
            upkept: 0,
            upkeep_rest: upkeep::Rest::default(),
        }
    }

    /// The loop around the steps: never returns.
    pub fn run(mut self) -> ! {
        let house = self.house.clone();
        let bell = &house.shards[self.number].bell;
        bell.adopt();
        let mut spins = 0u32;
        loop {
            match self.step() {
                Step::Ran => spins = 0,
                Step::AwaitsEpoch => {
                    // The acceptor publishes right after its last enqueue, unless it was
                    // preempted in between: then it needs this core.
                    spins += 1;
                    if spins < 64 { std::hint::spin_loop() } else { std::thread::yield_now() }
                }
                Step::Rest(_) => {
                    bell.prepare_park();
                    match self.step() {
                        Step::Rest(timeout) => bell.park(timeout),
                        _ => bell.awake(),
                    }
                }
            }
        }
    }

    /// Does one thing.
    pub fn step(&mut self) -> Step {
        if self.waiting {
            let Some(shard) = self.house.shards[self.number].home.take() else {
                return Step::Rest(None);
            };
            self.waiting = false;
            self.held = Some(shard);
            if let Some(batch) = &mut self.current {
                Executor::pass_meeting(batch);
            }
        }
        if self.current.is_none() && self.inbox.is_empty() {
            return self.idle();
        }
        if !self.hold() {
            return Step::Rest(None);
        }
        if self.current.is_none() {
            // A shard that is never idle must be looked after as well, between two batches.
            self.look_after();
            self.current = self.inbox.try_recv().ok();
        }
        self.run_current()
    }

    /// Holds the box, if it is not lent.
    fn hold(&mut self) -> bool {
        if self.held.is_none() {
            self.held = self.house.shards[self.number].desk.take();
        }
        if let Some(shard) = &mut self.held {
            shard.set_time(self.executor.server.clock.unix_ms());
        }
        self.held.is_some()
    }

    /// Runs the batch in hand up to its end or its next rendezvous.
    fn run_current(&mut self) -> Step {
        let (Some(mut batch), Some(mut shard)) = (self.current.take(), self.held.take()) else {
            return Step::Ran;
        };
        let epoch = &self.house.acceptors[batch.acceptor as usize].epoch;
        if !epoch.is_published(batch.epoch) {
            (self.current, self.held) = (Some(batch), Some(shard));
            return Step::AwaitsEpoch;
        }
        if batch.next == 0 {
            shard.stats.batches_owned += 1;
        }
        let stopped =
            self.executor.run(std::slice::from_mut(&mut shard), &mut batch, Holder::Owner);
        self.house.shards[self.number].set_upkeep(shard.needs_upkeep());
        match stopped {
            Stopped::AtLongWalk => unreachable!("only a borrower leaves a long walk to the owner"),
            Stopped::Done => {
                self.held = Some(shard);
                self.house.return_batch(batch);
            }
            Stopped::AtMeeting(meeting) => {
                match meeting.arrive(self.number as u16, shard) {
                    None => self.waiting = true,
                    Some((boxes, job)) => {
                        self.run_meeting(&meeting, boxes, job, &mut batch);
                        Executor::pass_meeting(&mut batch);
                    }
                }
                self.current = Some(batch);
            }
        }
        Step::Ran
    }

    /// The last to arrive: runs the job, keeps the own box, sends the others home.
    fn run_meeting(
        &mut self,
        meeting: &crate::channel::Meeting,
        mut boxes: Vec<Box<Shard>>,
        mut job: Box<Batch>,
        batch: &mut Batch,
    ) {
        let now_ms = boxes.iter().map(|part| part.now_ms).max().unwrap_or(0);
        for part in &mut boxes {
            part.set_time(now_ms);
        }
        self.executor.run_job(&mut boxes, &mut job);
        batch.errands.append(&mut job.errands);
        meeting.finish(job);
        for part in boxes {
            let number = part.number as usize;
            if number == self.number {
                self.held = Some(part);
            } else {
                let post = &self.house.shards[number];
                post.home.put(part);
                post.bell.ring();
            }
        }
    }

    /// Nothing is queued: upkeep if it is time, and the box on the desk for whoever wants it.
    fn idle(&mut self) -> Step {
        if self.upkeep_is_due() && self.hold() {
            self.look_after();
        }
        if self.house.lend
            && let Some(shard) = self.held.take()
        {
            self.house.shards[self.number].desk.put(shard);
            return Step::Ran;
        }
        Step::Rest(self.rest())
    }

    fn upkeep_is_due(&self) -> bool {
        if !self.house.shards[self.number].wants_upkeep() {
            return false;
        }
        let (since, rest) = (self.since_upkeep(), &self.upkeep_rest);
        since >= rest.until_next || (since >= rest.least && upkeep::is_called(&self.executor))
    }

    fn since_upkeep(&self) -> Duration {
        let clock = &self.executor.server.clock;
        Duration::from_nanos(clock.ns_between(self.upkept, clock.ticks()))
    }

    /// A slice of upkeep, if it is time for one and the box is in hand.
    fn look_after(&mut self) {
        if !self.upkeep_is_due() {
            return;
        }
        let Some(shard) = &mut self.held else { return };
        let rest = upkeep::run_slice(shard, &self.executor);
        self.upkept = self.executor.server.clock.ticks();
        self.upkeep_rest = rest;
        let wanted = rest.more || shard.needs_upkeep();
        self.house.shards[self.number].set_upkeep(wanted);
    }

    /// How long to rest, if not until the bell rings.
    fn rest(&self) -> Option<Duration> {
        if !self.house.shards[self.number].wants_upkeep() {
            return None;
        }
        let left = self.upkeep_rest.until_next.saturating_sub(self.since_upkeep());
        Some(if left.is_zero() { UPKEEP_RETRY } else { left })
    }
}
