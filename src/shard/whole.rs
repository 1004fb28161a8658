//! Running a whole iteration in one hand, request by request in the order in which they came in.
//!
//! Shards run their parts of a pipeline side by side, which nobody can tell, unless somebody waits
//! on several of them: who is served first would depend on which shard is faster. Then one holder
//! of all boxes runs the pipeline as a single-threaded server would, and serves those who wait
//! between its requests.

use std::sync::Arc;

use super::execute::Executor;
use super::serve::Round;
use crate::channel::{Batch, Meeting, Turn, Whole, Work};
use crate::config::Config;
use crate::keyspace::Shard;

impl Executor {
    /// Runs all requests of `whole`. `parts` are the boxes of all shards, ascending.
    pub(super) fn run_whole(
        &self,
        parts: &mut [Box<Shard>],
        whole: &mut Whole,
        config: &Config,
        round: &mut Round,
    ) {
        let Whole { batches, turns } = whole;
        let mut run = Run { executor: self, parts, batches, config, round };
        for turn in turns.drain(..) {
            match turn {
                Turn::Run { shard, request } => run.up_to(shard as usize, request as usize + 1),
                Turn::Meet(meeting) => run.meeting(&meeting),
            }
        }
        for shard in 0..run.batches.len() {
            run.up_to(shard, usize::MAX);
        }
    }
}

/// A whole iteration that is being run.
struct Run<'a> {
    executor: &'a Executor,
    parts: &'a mut [Box<Shard>],
    batches: &'a mut [Option<Box<Batch>>],
    config: &'a Config,
    round: &'a mut Round,
}

impl Run<'_> {
    /// What the batch of `shard` is to do next.
    fn next(&self, shard: usize) -> Option<(usize, Work)> {
        let batch = self.batches[shard].as_deref()?;
        Some((batch.next, batch.requests.get(batch.next)?.work.clone()))
    }

    /// Runs the batch of `shard` up to request `end`, which is not run.
    fn up_to(&mut self, shard: usize, end: usize) {
        while let Some((at, work)) = self.next(shard)
            && at < end
        {
            match work {
                Work::Meet(meeting) => self.meeting(&meeting),
                work => self.request(shard, at, &work),
            }
        }
    }

    /// Runs request `at` of the batch of `shard`.
    fn request(&mut self, shard: usize, at: usize, work: &Work) {
        let Some(batch) = &mut self.batches[shard] else { return };
        let executor = self.executor;
        if let Work::Run = work {
            let started = executor.server.clock.ticks();
            let own = std::slice::from_mut(&mut self.parts[shard]);
            executor.run_request(own, batch, at, self.config, started);
        } else {
            executor.run_other(self.parts, self.config, work, self.round);
            batch.ends.push(batch.replies.mark());
        }
        batch.next += 1;
        self.after();
    }

    /// Runs the job of `meeting`, once the batches of its participants stand before it, and takes
    /// them past it. Meetings stand in the same order in every batch, so none that is run on the
    /// way there leads back.
    fn meeting(&mut self, meeting: &Arc<Meeting>) {
        for &shard in meeting.participants() {
            let shard = shard as usize;
            while let Some((at, work)) = self.next(shard) {
                match work {
                    Work::Meet(other) if Arc::ptr_eq(&other, meeting) => break,
                    Work::Meet(other) => self.meeting(&other),
                    work => self.request(shard, at, &work),
                }
            }
        }
        let mut job = meeting.take_job();
        // Its own boxes only, so the first in the slice: box n stands at n before its swap, since
        // those before it were swapped with places before n.
        let participants = meeting.participants();
        for (place, &shard) in participants.iter().enumerate() {
            self.parts.swap(place, shard as usize);
        }
        let own = &mut self.parts[..participants.len()];
        self.executor.run_unit(own, &mut job, self.config, self.round);
        for (place, &shard) in participants.iter().enumerate().rev() {
            self.parts.swap(place, shard as usize);
        }
        meeting.finish(job);
        for &shard in participants {
            if let Some(batch) = &mut self.batches[shard as usize] {
                Executor::pass_meeting(batch);
            }
        }
        self.after();
    }

    /// Serves those who wait for what was just changed. Effects of one shard's box must not overtake
    /// those of another's.
    fn after(&mut self) {
        for part in self.parts.iter_mut() {
            self.executor.journal.collect(part);
        }
        self.round.collect(self.parts);
        if self.round.has_ready() {
            self.executor.serve(self.parts, self.config, self.round);
            for part in self.parts.iter_mut() {
                self.executor.journal.collect(part);
            }
        }
    }
}
