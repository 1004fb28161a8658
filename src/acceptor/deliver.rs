//! Replies on their way out: each member gets its own, in order, as soon as they are complete.

use std::sync::atomic::Ordering;

use super::Acceptor;
use super::connection::{Closing, write_out};
use super::iteration::{Exec, Iteration, Planned, Source};
use super::merge::merge;
use super::transport::Transport;
use crate::resp::{Mark, ReplyBuf, Writer};

impl<T: Transport> Acceptor<T> {
    /// Delivers the replies of every member that waits for no batch that is still out.
    pub(super) fn deliver(&mut self, iteration: &mut Iteration) {
        if iteration.undelivered == 0 {
            return;
        }
        let mut outgoing = std::mem::take(&mut self.outgoing);
        for at in 0..iteration.members.len() {
            let member = &mut iteration.members[at];
            if member.delivered || member.needs.meets(iteration.out) {
                continue;
            }
            member.delivered = true;
            iteration.undelivered -= 1;
            let (index, client) = (member.connection, member.client);
            let here = self.connections.get(index).is_some_and(|c| c.client() == client);
            outgoing.clear();
            for slot in iteration.members[at].first_slot..iteration.members[at].end_slot {
                self.compose(iteration, slot, here.then_some(index), &mut outgoing);
            }
            if here {
                self.send(index, &mut outgoing);
            }
        }
        self.outgoing = outgoing;
    }

    /// Appends the reply of a slot to `out`.
    fn compose(
        &mut self,
        iteration: &mut Iteration,
        slot: usize,
        index: Option<usize>,
        out: &mut ReplyBuf,
    ) {
        let slot = iteration.slots[slot];
        let before = out.mark();
        match slot.source {
            Source::Local { from, to } => iteration.local.append_range(from, to, out),
            Source::Shard { shard, request } => {
                if let Some(batch) = &iteration.batches[shard as usize] {
                    let (from, to) = batch.reply_range(request as usize);
                    batch.replies.append_range(from, to, out);
                }
            }
            Source::Split(split) => merge(iteration, &iteration.splits[split as usize], out),
            Source::Meeting(meeting) => {
                if let Some(job) = iteration.job(meeting) {
                    job.replies.append_range(Mark::default(), job.replies.mark(), out);
                }
            }
            Source::Transaction(exec) => {
                if let Some(exec) = iteration.execs[exec as usize].take() {
                    self.compose_transaction(&exec, index, out);
                }
            }
        }
        if slot.muted {
            out.truncate(before);
        }
    }

    /// Appends the reply of EXEC: null if it was aborted, else the replies of its commands. Those
    /// that the acceptor runs itself run now.
    fn compose_transaction(&mut self, exec: &Exec, index: Option<usize>, out: &mut ReplyBuf) {
        let job = exec.meeting.as_ref().and_then(|meeting| meeting.result());
        let aborted = job
            .as_ref()
            .and_then(|job| job.transaction)
            .is_some_and(|transaction| transaction.aborted);
        if aborted {
            Writer::new(out, exec.proto).null_array();
            return;
        }
        Writer::new(out, exec.proto).array(exec.plan.len());
        let mut next = 0;
        for step in &exec.plan {
            match step {
                Planned::Shard => {
                    if let Some(job) = &job {
                        let (from, to) = job.reply_range(next);
                        job.replies.append_range(from, to, out);
                    }
                    next += 1;
                }
                Planned::Local(request) => {
                    let at = *request as usize;
                    let command = exec.locals.requests[at].command;
                    let hasher = self.server.hasher.clone();
                    let args = exec.locals.args(at, &hasher);
                    if let Some(index) = index {
                        self.run_session_into(index, command, args, true, out);
                    }
                }
            }
        }
    }

    /// Sends replies to a connection and lets it go on.
    fn send(&mut self, index: usize, outgoing: &mut ReplyBuf) {
        let limit = self.config.client_output_buffer_limit.normal;
        let now_ms = self.now_ms;
        let Some(connection) = self.connections.get_mut(index) else { return };
        connection.in_flight = false;
        if connection.output.is_empty() && !outgoing.is_empty() {
            match write_out(&mut connection.socket, outgoing) {
                Ok(written) => {
                    connection.card().bytes_out.fetch_add(written as u64, Ordering::Relaxed);
                    self.server.counters.bytes_out.fetch_add(written as u64, Ordering::Relaxed);
                }
                Err(_) => connection.closing = Closing::Now,
            }
        }
        if !outgoing.is_empty() && connection.closing != Closing::Now {
            outgoing.append_unsent(&mut connection.output);
            connection.card().output.store(connection.output.len() as u64, Ordering::Relaxed);
            if connection.exceeds(&limit, now_ms) {
                tracing::warn!(
                    "client {} closed: its output buffer exceeds the limit",
                    connection.client().0
                );
                self.server.counters.output_limit_disconnections.fetch_add(1, Ordering::Relaxed);
                connection.closing = Closing::Now;
            }
        }
        let done = connection.output.is_empty() && connection.closing == Closing::AfterOutput;
        if done || connection.closing == Closing::Now {
            self.close(index);
        } else if connection.readable || connection.unparsed || connection.held.is_some() {
            self.list(index);
        }
    }
}
