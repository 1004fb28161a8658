//! Replies on their way out: each member gets its own, in order, as soon as they are complete.

use std::sync::atomic::Ordering;

use super::Acceptor;
use super::connection::{Closing, Written, write_out};
use super::iteration::{Exec, Iteration, Planned, Source, Split};
use super::merge::merge;
use super::transport::Transport;
use crate::channel::{Batch, Request};
use crate::command::{Args, ClientId, Flags};
use crate::observe::{Finished, bump};
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
            let (mut slot, end) =
                (iteration.members[at].first_slot, iteration.members[at].end_slot);
            while slot < end {
                slot += match iteration.neighbours(slot, end) {
                    0 | 1 => {
                        self.compose(iteration, slot, here.then_some(index), &mut outgoing);
                        1
                    }
                    several => {
                        compose_neighbours(iteration, slot, several, &mut outgoing);
                        several
                    }
                };
            }
            self.wait_or_send(iteration, at, here.then_some(index), &mut outgoing);
        }
        self.outgoing = outgoing;
    }

    /// All replies of a member are in `outgoing`, unless its last request waits: nothing follows one
    /// that may.
    fn wait_or_send(
        &mut self,
        iteration: &mut Iteration,
        member: usize,
        index: Option<usize>,
        outgoing: &mut ReplyBuf,
    ) {
        let last = iteration.slots[iteration.members[member].end_slot - 1];
        let wait = iteration.wait_of(last.source);
        match (wait, index) {
            (Some(call), Some(index)) => {
                self.begin_wait(index, call, last.muted, outgoing);
                self.send(index, outgoing);
            }
            (Some(call), None) => self.give_up(&call),
            (None, Some(index)) => self.send(index, outgoing),
            (None, None) => {}
        }
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
                if let Some(batch) = &mut iteration.batches[shard as usize] {
                    if batch.requests.len() == 1 {
                        // Its only reply may be a long one, which then is not copied.
                        batch.replies.append_unsent(out);
                    } else {
                        let (from, to) = batch.reply_range(request as usize);
                        batch.replies.append_range(from, to, out);
                    }
                }
            }
            Source::Split(split) => {
                let (split, len_before) = (&iteration.splits[split as usize], out.len());
                merge(iteration, split, out);
                self.observe_split(iteration, split, out.len() - len_before);
            }
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

    /// Takes note of a split command as the one command that its client sent: its time is that of
    /// all its parts.
    fn observe_split(&self, iteration: &Iteration, split: &Split, reply_bytes: usize) {
        let hasher = &self.server.hasher;
        let parts = || {
            iteration.parts(split).iter().filter_map(|&(shard, request)| {
                Some((iteration.batches[shard as usize].as_deref()?, request as usize))
            })
        };
        let Some((batch, request)) = parts().next() else { return };
        let Request { command, client, .. } = batch.requests[request];
        let ns_of = |(batch, request): (&Batch, usize)| {
            batch.split_part(request).map_or(0, |part| batch.split_parts[part].1)
        };
        let bytes_of =
            |(batch, request): (&Batch, usize)| batch.args(request, hasher).total_bytes();
        let finished = Finished {
            ns: parts().map(ns_of).sum(),
            request_bytes: parts().map(bytes_of).sum(),
            reply_bytes,
            fast: command.flags.has(Flags::FAST),
            loggable: !command.flags.has(Flags::SKIP_SLOWLOG),
        };
        if self.config.latency_tracking {
            self.server.spread_time(self.number, command.number, finished.ns);
        }
        self.server.observe_command(&self.config, finished, || {
            let parts: Vec<_> = parts()
                .map(|(batch, at)| (batch.args(at, hasher), batch.requests[at].stride.step))
                .collect();
            (whole_request(&parts, iteration.order(split)), client)
        });
    }

    /// Appends the reply of EXEC: null if it was aborted, else the replies of its commands. Those
    /// that the acceptor runs itself run now.
    fn compose_transaction(&mut self, exec: &Exec, index: Option<usize>, out: &mut ReplyBuf) {
        let job = exec.meeting.as_ref().and_then(|meeting| meeting.result());
        let aborted = job
            .as_ref()
            .and_then(|job| job.transaction)
            .is_some_and(|transaction| transaction.aborted);
        let mut ns = job.as_ref().and_then(|job| job.transaction).map_or(0, |done| done.ns);
        if aborted {
            Writer::new(out, exec.proto).null_array();
            self.count_exec(exec, index, ns);
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
                    self.count_command(index);
                }
                Planned::Local(request) => {
                    let at = *request as usize;
                    let command = exec.locals.requests[at].command;
                    let hasher = self.server.hasher.clone();
                    let args = exec.locals.args(at, &hasher);
                    if let Some(index) = index {
                        let started = self.server.clock.ticks();
                        self.session_ticks = Some(started);
                        self.run_session_in_transaction(index, command, args, out);
                        ns += self.server.clock.ns_between(started, self.server.clock.ticks());
                    }
                }
            }
        }
        self.count_exec(exec, index, ns);
    }

    /// Counts a command of a transaction, or its EXEC, as run by the client, if it is still here.
    fn count_command(&self, index: Option<usize>) {
        if let Some(connection) = index.and_then(|index| self.connections.get(index)) {
            bump(&connection.card().commands, 1);
        }
    }

    /// Counts an EXEC, whose time is that of all its commands. The command log has those one by one.
    fn count_exec(&self, exec: &Exec, index: Option<usize>, ns: u64) {
        self.count_command(index);
        let (number, tracks_times) = (exec.command.number, self.config.latency_tracking);
        self.server.count_session_command(self.number, number, ns, false, tracks_times);
        let fast = exec.command.flags.has(Flags::FAST);
        let finished = Finished { ns, request_bytes: 0, reply_bytes: 0, fast, loggable: false };
        self.server.observe_command(&self.config, finished, || (Vec::new(), ClientId(0)));
    }

    /// Sends replies to a connection and lets it go on.
    pub(super) fn send(&mut self, index: usize, outgoing: &mut ReplyBuf) {
        let limit = self.config.client_output_buffer_limit.normal;
        let now_ms = self.now_ms;
        let Some(connection) = self.connections.get_mut(index) else { return };
        connection.in_flight = false;
        self.balance.note_reply();
        let pending = (connection.output.len() + outgoing.len()) as u64;
        let mut writes_on = false;
        if connection.card().killed.load(Ordering::Relaxed) {
            connection.closing = Closing::Now;
        } else if connection.may_not_get(outgoing, &limit) {
            connection.count_full_output(&self.server.counters);
            connection.closing = Closing::Now;
        } else if connection.output.is_empty() && !outgoing.is_empty() {
            match write_out(&mut connection.socket, outgoing) {
                Ok(Written { bytes, more }) => {
                    bump(&connection.card().bytes_out, bytes as u64);
                    let traffic = &self.server.traffic[self.number];
                    bump(&traffic.bytes_out, bytes as u64);
                    bump(&traffic.writes, 1);
                    writes_on = more;
                }
                Err(_) => connection.closing = Closing::Now,
            }
        }
        if !outgoing.is_empty() && connection.closing != Closing::Now {
            outgoing.append_unsent(&mut connection.output);
            connection.card().output.store(connection.output.len() as u64, Ordering::Relaxed);
            if connection.exceeds(pending, &limit, now_ms) {
                connection.count_full_output(&self.server.counters);
                connection.closing = Closing::Now;
            }
        }
        self.note_memory(index);
        if writes_on {
            self.write_later(index);
        }
        let Some(connection) = self.connections.get(index) else { return };
        let done = connection.output.is_empty() && connection.closing == Closing::AfterOutput;
        if done || connection.closing == Closing::Now {
            self.close(index);
        } else if connection.waiting.is_none()
            && (connection.readable || connection.unparsed || connection.held.is_some())
        {
            self.list(index);
        }
    }
}

/// Appends the replies of slots that are [neighbours](Iteration::neighbours).
fn compose_neighbours(iteration: &Iteration, slot: usize, several: usize, out: &mut ReplyBuf) {
    let (first, last) = (iteration.slots[slot].source, iteration.slots[slot + several - 1].source);
    match (first, last) {
        (Source::Local { from, .. }, Source::Local { to, .. }) => {
            iteration.local.append_range(from, to, out);
        }
        (Source::Shard { shard, request: from }, Source::Shard { request: to, .. }) => {
            if let Some(batch) = &iteration.batches[shard as usize] {
                let ((from, _), (_, to)) =
                    (batch.reply_range(from as usize), batch.reply_range(to as usize));
                batch.replies.append_range(from, to, out);
            }
        }
        _ => unreachable!("neighbours are replies that stand in one buffer"),
    }
}

/// The request that was split into `parts` (with the distance of their keys), each key and what
/// belongs to it in the place that `order` gives; without an order every part is the whole.
fn whole_request(parts: &[(Args<'_>, u16)], order: &[u16]) -> Vec<Vec<u8>> {
    let Some((first, step)) = parts.first() else { return Vec::new() };
    if order.is_empty() {
        return first.iter().map(<[u8]>::to_vec).collect();
    }
    let step = usize::from(*step).max(1);
    let mut whole = vec![first[0].to_vec()];
    let mut next = vec![1; parts.len()];
    for &part in order {
        let (args, at) = (parts[usize::from(part)].0, &mut next[usize::from(part)]);
        whole.extend((*at..*at + step).filter_map(|at| args.get(at)).map(<[u8]>::to_vec));
        *at += step;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::KeyStride;
    use crate::keyspace::KeyHasher;

    fn args<'a>(batch: &'a Batch, hasher: &'a KeyHasher) -> Args<'a> {
        Args::new(&batch.arena, &batch.refs, &[], &[], KeyStride::default(), hasher)
    }

    #[test]
    fn a_split_request_is_put_together() {
        let hasher = KeyHasher::with_seeds([1, 2, 3, 4]);
        let part = |words: &[&str]| {
            let mut batch = Batch::default();
            words.iter().for_each(|word| batch.push_arg(word.as_bytes()));
            batch
        };
        let (one, two) = (part(&["MSET", "a", "1", "c", "3"]), part(&["MSET", "b", "2"]));
        let parts = [(args(&one, &hasher), 2), (args(&two, &hasher), 2)];
        let whole = whole_request(&parts, &[0, 1, 0]);
        let words: Vec<_> = whole.iter().map(|word| String::from_utf8_lossy(word)).collect();
        assert_eq!(words.join(" "), "MSET a 1 b 2 c 3");
        assert_eq!(whole_request(&parts[1..], &[]).len(), 3);
    }
}
