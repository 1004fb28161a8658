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

use super::execute::{Executor, Stopped};
use super::expire_cycle;
use crate::channel::{Batch, House};
use crate::keyspace::Shard;

/// How often upkeep runs while there is some to do.
const UPKEEP_INTERVAL_MS: i64 = 100;

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
    next_upkeep_ms: i64,
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
            next_upkeep_ms: 0,
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
        let stopped = self.executor.run(std::slice::from_mut(&mut shard), &mut batch);
        self.house.shards[self.number].set_upkeep(shard.needs_upkeep());
        match stopped {
            Stopped::Done => {
                self.held = Some(shard);
                self.house.return_batch(batch);
            }
            Stopped::AtMeeting(meeting) => {
                match meeting.arrive(self.number as u16, shard) {
                    None => self.waiting = true,
                    Some((boxes, job)) => {
                        self.run_meeting(&meeting, boxes, job);
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
    ) {
        let now_ms = boxes.iter().map(|part| part.now_ms).max().unwrap_or(0);
        for part in &mut boxes {
            part.set_time(now_ms);
        }
        self.executor.run_job(&mut boxes, &mut job);
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
        let now_ms = self.executor.server.clock.unix_ms();
        let post = &self.house.shards[self.number];
        let due = post.wants_upkeep() && now_ms >= self.next_upkeep_ms;
        if due
            && self.hold()
            && let Some(shard) = &mut self.held
        {
            let more = expire_cycle::run(shard, &self.executor);
            self.house.shards[self.number].set_upkeep(more);
            self.next_upkeep_ms = now_ms + UPKEEP_INTERVAL_MS;
        }
        if self.house.lend
            && let Some(shard) = self.held.take()
        {
            self.house.shards[self.number].desk.put(shard);
            return Step::Ran;
        }
        Step::Rest(self.rest_for(now_ms))
    }

    fn rest_for(&self, now_ms: i64) -> Option<Duration> {
        if !self.house.shards[self.number].wants_upkeep() {
            return None;
        }
        match u64::try_from(self.next_upkeep_ms - now_ms) {
            Ok(0) | Err(_) => Some(UPKEEP_RETRY),
            Ok(ms) => Some(Duration::from_millis(ms)),
        }
    }
}
