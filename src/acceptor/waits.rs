//! Connections that wait in a blocking command.
//!
//! The shards of its keys know whom to serve; what is here belongs to the client: when it gives up,
//! that it takes no further requests, that its end is noticed, and how its reply gets to it. Who
//! ends a wait decides by its ticket; who ends it without serving it has the shards forget it.
//!
//! A key whose waiters could not be served with the boxes in hand comes back with the batch as an
//! *errand*. Such an iteration is not over when its batches are back: those who need a shard that
//! has left an errand get their replies after it is done, in a follow-up that has the place of the
//! iteration among those in flight. So whoever has seen the reply of a push sees all that followed
//! from it, and no errand waits for a place.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Acceptor;
use super::connection::Closing;
use super::intake::Incoming;
use super::place::{Carried, Facts, close_request, leave_uncounted, push_request};
use super::transport::Transport;
use crate::channel::{Batch, Blocked, Errand, Outcome, Push, Work};
use crate::command::{ClientId, Command, CommandError, Flags};
use crate::keyspace::Unblock;
use crate::resp::{ReplyBuf, Writer};

/// The blocked command that a connection waits in.
pub struct Waiting {
    call: Arc<Blocked>,
    /// `CLIENT REPLY` suppresses the reply.
    muted: bool,
}

/// The connections of an acceptor that wait.
#[derive(Default)]
pub(super) struct Waits {
    /// The place of each among the connections.
    by_client: HashMap<ClientId, usize>,
    /// When those give up that do, ms of Unix time.
    deadlines: BTreeSet<(i64, ClientId)>,
}

impl Waits {
    /// When the next one gives up, ms of Unix time.
    pub fn next_deadline(&self) -> Option<i64> {
        self.deadlines.first().map(|(at, _)| *at)
    }
}

/// Whether a request may come to wait: what follows it depends on its outcome then. A command that
/// knows the option `BLOCK` waits only with it.
pub(super) fn may_wait(command: &Command, incoming: Incoming<'_>) -> bool {
    if !command.flags.has(Flags::BLOCKING) {
        return false;
    }
    let by_option = command.args.iter().any(|arg| arg.token == "BLOCK");
    !by_option || (1..incoming.len()).any(|at| incoming.get(at).eq_ignore_ascii_case(b"BLOCK"))
}

/// Facts of a request that an acceptor makes on its own for a blocked command.
fn facts_of(call: &Blocked) -> Facts {
    let request = call.request();
    Facts {
        command: request.command,
        db: request.db,
        proto: request.proto,
        no_touch: request.no_touch,
        client: request.client,
    }
}

/// Appends a request without arguments that does `work`.
fn push_work(batch: &mut Batch, call: &Blocked, work: Work) {
    push_request(batch, facts_of(call), Carried::default());
    close_request(batch);
    leave_uncounted(batch);
    if let Some(request) = batch.requests.last_mut() {
        request.work = work;
    }
}

impl<T: Transport> Acceptor<T> {
    /// The last request of a connection waits: it takes no further ones until that is over. If it
    /// is over already the reply goes to `out`.
    pub(super) fn begin_wait(
        &mut self,
        index: usize,
        call: Arc<Blocked>,
        muted: bool,
        out: &mut ReplyBuf,
    ) {
        if let Some(outcome) = call.take_outcome() {
            return self.write_outcome(&call, *outcome, muted, out);
        }
        let Some(connection) = self.connections.get_mut(index) else { return };
        if connection.peer_closed {
            // It will send nothing more, and nobody would notice its end before it is served.
            connection.closing = Closing::Now;
            return self.give_up(&call);
        }
        let client = connection.client();
        let hasher = &self.server.hasher;
        let card = connection.card();
        card.args.store(call.args(hasher).total_bytes() as u64, Ordering::Relaxed);
        card.set_wait(Some(call.clone()));
        self.waits.by_client.insert(client, index);
        let counters = &self.server.counters;
        counters.blocked.fetch_add(1, Ordering::Relaxed);
        if let Some(until_ms) = call.until_ms() {
            counters.blocked_with_timeout.fetch_add(1, Ordering::Relaxed);
            self.waits.deadlines.insert((until_ms, client));
        }
        connection.waiting = Some(Waiting { call, muted });
    }

    /// The connection waits no longer; what it waited in, if it did.
    fn end_wait(&mut self, index: usize) -> Option<Waiting> {
        let connection = self.connections.get_mut(index)?;
        let waiting = connection.waiting.take()?;
        let client = connection.client();
        let card = connection.card();
        card.set_wait(None);
        card.args.store(0, Ordering::Relaxed);
        card.last_ms.store(self.now_ms, Ordering::Relaxed);
        self.leave_waits(client, &waiting.call);
        Some(waiting)
    }

    fn leave_waits(&mut self, client: ClientId, call: &Blocked) {
        self.waits.by_client.remove(&client);
        let counters = &self.server.counters;
        counters.blocked.fetch_sub(1, Ordering::Relaxed);
        if let Some(until_ms) = call.until_ms() {
            counters.blocked_with_timeout.fetch_sub(1, Ordering::Relaxed);
            self.waits.deadlines.remove(&(until_ms, client));
        }
    }

    /// A connection that waited is gone.
    pub(super) fn abandon_wait(&mut self, client: ClientId, waiting: &Waiting) {
        self.leave_waits(client, &waiting.call);
        self.give_up(&waiting.call);
    }

    /// The client of a blocked command is gone: what is not served yet never will be. What was is
    /// lost with its reply, as it is when a reply gets lost on its way.
    pub(super) fn give_up(&mut self, call: &Arc<Blocked>) {
        if call.ticket.end() || call.shards().len() > 1 {
            self.place_forget(call);
        }
    }

    /// Reads what acceptors are told unasked.
    pub(super) fn read_pushes(&mut self) {
        while let Ok(push) = self.pushes.try_recv() {
            match push {
                Push::Done(client) => {
                    // Else it was told before it knew of the wait, and has found the outcome then.
                    if let Some(&index) = self.waits.by_client.get(&client) {
                        self.finish_wait(index);
                    }
                }
                Push::Serve(errand) => self.place_errand(errand),
            }
        }
    }

    /// Gives a connection the reply of what it waited in, and lets it go on.
    fn finish_wait(&mut self, index: usize) {
        let waiting = self.connections.get(index).and_then(|found| found.waiting.as_ref());
        let Some(outcome) = waiting.and_then(|waiting| waiting.call.take_outcome()) else { return };
        let Some(Waiting { call, muted }) = self.end_wait(index) else { return };
        self.reply(index, |acceptor, out| acceptor.write_outcome(&call, *outcome, muted, out));
    }

    /// Ends the waits whose time is over.
    pub(super) fn expire_waits(&mut self) {
        while let Some(&(until_ms, client)) = self.waits.deadlines.first()
            && until_ms <= self.now_ms
        {
            self.waits.deadlines.remove(&(until_ms, client));
            let Some(&index) = self.waits.by_client.get(&client) else { continue };
            let waiting = self.connections.get(index).and_then(|found| found.waiting.as_ref());
            // If it is served just now, the reply is on its way.
            if waiting.is_some_and(|waiting| waiting.call.ticket.end())
                && let Some(Waiting { call, muted }) = self.end_wait(index)
            {
                let outcome = Outcome::Unblocked(Unblock::Timeout);
                self.reply(index, |acceptor, out| {
                    acceptor.write_outcome(&call, outcome, muted, out);
                });
            }
        }
    }

    /// Sends what `write` writes to a connection that waited.
    fn reply(&mut self, index: usize, write: impl FnOnce(&mut Self, &mut ReplyBuf)) {
        let mut outgoing = std::mem::take(&mut self.outgoing);
        outgoing.clear();
        write(self, &mut outgoing);
        self.send(index, &mut outgoing);
        self.outgoing = outgoing;
    }

    /// Appends the reply of a wait that has ended, and has the shards forget what they still know.
    fn write_outcome(
        &mut self,
        call: &Arc<Blocked>,
        outcome: Outcome,
        muted: bool,
        out: &mut ReplyBuf,
    ) {
        let before = out.mark();
        let forgotten = match outcome {
            Outcome::Served { mut replies, forgotten } => {
                replies.append_unsent(out);
                forgotten
            }
            Outcome::Unblocked(how) => {
                let failed = how == Unblock::Error;
                let mut writer = Writer::new(out, call.proto());
                if failed {
                    writer.error(CommandError::UNBLOCKED.text());
                    self.server.errors.count(CommandError::UNBLOCKED.code());
                } else {
                    writer.null_array();
                }
                let (number, tracks_times) = (call.command().number, self.config.latency_tracking);
                // Nothing of it has failed: it was turned away, if late.
                self.server.count_session_command(self.number, number, 0, false, tracks_times);
                if failed {
                    self.server.count_rejected(self.number, number);
                }
                false
            }
        };
        if muted {
            out.truncate(before);
        }
        if !forgotten {
            self.place_forget(call);
        }
    }

    /// Has the shards of a blocked command take its waiters out.
    fn place_forget(&mut self, call: &Arc<Blocked>) {
        for &shard in call.shards() {
            let batch = self.building.batch(shard as usize, &mut self.spare_batches);
            push_work(batch, call, Work::Forget(call.clone()));
        }
    }

    /// Places a rendezvous of the shards of an errand.
    fn place_errand(&mut self, errand: Arc<Errand>) {
        let mut job = Box::<Batch>::default();
        let call = errand.call.clone();
        push_work(&mut job, &call, Work::Serve(errand));
        let meeting = self.meet(facts_of(&call), call.shards().to_vec(), job);
        self.building.meetings.push(meeting);
    }

    /// Sends the next iteration on its way that has to do errands before it is over. Gives its place
    /// if it must be waited for.
    pub(super) fn follow_up(&mut self) -> Option<usize> {
        let (place, mut origin) = self.follow_ups.pop_front()?;
        let errands = origin.take_errands();
        let mut follow_up = self.take_built();
        for errand in errands {
            self.place_errand(errand);
        }
        // What was being built goes on being built.
        std::mem::swap(&mut *follow_up, &mut self.building);
        follow_up.origin = Some(origin);
        self.dispatch(place, follow_up)
    }
}
