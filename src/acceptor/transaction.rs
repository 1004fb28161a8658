//! MULTI, EXEC, DISCARD, WATCH, UNWATCH and RESET: how a connection's requests are steered.
//!
//! What MULTI queues is kept as a batch, ready to be the job of a rendezvous: EXEC sends it to all
//! shards of its keys and of the client's watched keys, so that checking the watches and running
//! the commands happen under one ownership. Queued commands of the connection itself (`SELECT`,
//! `CLIENT …`) run on the acceptor once the outcome is known, in their place among the replies.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use super::Acceptor;
use super::connection::Connection;
use super::intake::{Flow, Incoming};
use super::iteration::{Exec, Planned, Source};
use super::place::{Carried, Facts, close_request, push_args, push_request};
use super::transport::{Socket, Transport};
use crate::channel::{Batch, Transaction};
use crate::command::{
    Command, CommandError, CommandResult, Flags, Run, Spread, Steering, parse_integer,
};
use crate::config::EvictionPolicy;
use crate::keyspace::{DbIndex, KeyHash};
use crate::observe::{ClientFlags, Finished, bump};
use crate::resp::Proto;

/// What MULTI has queued.
#[derive(Default)]
pub struct Queue {
    /// Commands that run on shards.
    job: Box<Batch>,
    /// Commands that the acceptor runs.
    locals: Box<Batch>,
    plan: Vec<Planned>,
    /// Shards of the keys so far, ascending.
    shards: Vec<u16>,
    /// Database that the next queued command works in.
    db: DbIndex,
    /// Protocol of its reply.
    proto: Proto,
    /// A command could not be queued: EXEC will refuse.
    pub spoiled: bool,
    /// Some queued command writes.
    pub writes: bool,
    /// Some queued write needs memory.
    denyoom: bool,
    /// Bytes of what is queued.
    bytes: u64,
    /// Bytes of it that count as part of the query buffer.
    pub query_bytes: usize,
}

/// Bytes that each queued argument adds to the query buffer beside its own, as in Valkey.
const QUERY_BYTES_PER_ARGUMENT: usize = 8;

/// What WATCH has put under watch.
#[derive(Default)]
pub struct Watched {
    /// Shards that keep the watches.
    shards: Vec<u16>,
    /// The keys, by their hashes: only how many they are is asked for.
    keys: HashSet<(DbIndex, u64)>,
    /// Bytes that they take.
    bytes: u64,
}

impl Watched {
    /// Bytes of one watched key beside twice the key itself: entries in the tables of the shard, by
    /// key and by client, and here.
    const BYTES_PER_KEY: u64 = 144;

    fn add(&mut self, db: DbIndex, key: &[u8], hash: KeyHash) {
        if self.keys.insert((db, hash.0)) {
            self.bytes += 2 * key.len() as u64 + Self::BYTES_PER_KEY;
        }
    }
}

impl<S: Socket> Connection<S> {
    /// It watches nothing any more; gives the shards that keep its watches.
    pub(super) fn take_watched(&mut self) -> Vec<u16> {
        let Some(watched) = self.watched.take() else { return Vec::new() };
        self.card().watched.store(0, Ordering::Relaxed);
        self.card().watched_bytes.store(0, Ordering::Relaxed);
        watched.shards
    }
}

impl<T: Transport> Acceptor<T> {
    /// Runs a command that steers its connection.
    pub(super) fn steer(
        &mut self,
        index: usize,
        command: &'static Command,
        incoming: Incoming<'_>,
    ) -> Flow {
        let started = self.server.clock.ticks();
        let result = match command.steering {
            Steering::Multi => self.multi(index),
            Steering::Exec => match self.exec(index, command) {
                // It is counted when its outcome is known.
                Ok(flow) => return flow,
                Err(error) => Err(error),
            },
            Steering::Discard => self.discard(index),
            Steering::Watch => {
                // The shards count it.
                self.watch(index, command, incoming);
                return Flow::Next;
            }
            Steering::Unwatch => {
                self.end_watches(index);
                self.answer(index, |out| out.ok());
                Ok(())
            }
            Steering::Reset => {
                self.reset(index);
                Ok(())
            }
            Steering::None => Ok(()),
        };
        if let Err(error) = &result {
            self.answer_error(index, error);
        }
        let ns = self.server.clock.ns_between(started, self.server.clock.ticks());
        self.note_steered(index, command, incoming, (ns, result.is_err()));
        Flow::Next
    }

    /// Takes note of a command that steered its connection.
    fn note_steered(
        &self,
        index: usize,
        command: &'static Command,
        incoming: Incoming<'_>,
        (ns, failed): (u64, bool),
    ) {
        let tracks_times = self.config.latency_tracking;
        self.server.count_session_command(self.number, command.number, ns, failed, tracks_times);
        let Some(connection) = self.connections.get(index) else { return };
        bump(&connection.card().commands, 1);
        let finished = Finished {
            ns,
            request_bytes: incoming.get(0).len(),
            reply_bytes: 0,
            fast: command.flags.has(Flags::FAST),
            loggable: !command.flags.has(Flags::SKIP_SLOWLOG),
        };
        let request = || (vec![incoming.get(0).to_vec()], connection.client());
        self.server.observe_command(&self.config, finished, request);
    }

    fn multi(&mut self, index: usize) -> CommandResult {
        let Some(connection) = self.connections.get_mut(index) else { return Ok(()) };
        if connection.queue.is_some() {
            return Err(CommandError::fixed("ERR MULTI calls can not be nested"));
        }
        let (db, proto) = (connection.session.db, connection.session.proto);
        connection.queue = Some(Box::new(Queue { db, proto, ..Queue::default() }));
        connection.card().set_flag(ClientFlags::MULTI, true);
        connection.card().queued.store(1, Ordering::Relaxed);
        self.answer(index, |out| out.ok());
        Ok(())
    }

    /// Queues a command of a transaction.
    pub(super) fn queue(
        &mut self,
        index: usize,
        command: &'static Command,
        incoming: Incoming<'_>,
    ) {
        let needs_memory = command.flags.has(Flags::DENYOOM);
        if needs_memory && self.is_out_of_memory() {
            if let Some(connection) = self.connections.get_mut(index)
                && let Some(queue) = &mut connection.queue
            {
                queue.spoiled = true;
            }
            self.server.count_rejected(self.number, command.number);
            return self.answer_error(index, &CommandError::OOM);
        }
        let shards = self.shards_of_queued(command, incoming);
        let Some(connection) = self.connections.get_mut(index) else { return };
        let (no_touch, client) = (connection.session.no_touch, connection.session.id);
        let Some(queue) = &mut connection.queue else { return };
        let facts = Facts { command, db: queue.db, proto: queue.proto, no_touch, client };
        let on_acceptor = matches!(command.run, Run::Session(_) | Run::Acceptor);
        let carries = !on_acceptor && matches!(command.spread, Spread::Together | Spread::Split(_));
        let batch = if on_acceptor { &mut queue.locals } else { &mut queue.job };
        push_request(
            batch,
            facts,
            if carries { (&self.routing).into() } else { Carried::default() },
        );
        push_args(batch, incoming);
        close_request(batch);
        let at = batch.requests.len() as u32 - 1;
        queue.plan.push(if on_acceptor { Planned::Local(at) } else { Planned::Shard });
        queue.bytes += incoming.held_bytes() as u64;
        queue.query_bytes += incoming.argument_bytes() + QUERY_BYTES_PER_ARGUMENT * incoming.len();
        queue.writes |= command.is_write();
        queue.denyoom |= needs_memory;
        for shard in shards {
            if let Err(place) = queue.shards.binary_search(&shard) {
                queue.shards.insert(place, shard);
            }
        }
        if command.name == "select"
            && let Some(db) = parse_integer(incoming.get(1))
            && (0..self.config.databases as i64).contains(&db)
        {
            queue.db = DbIndex(db as u16);
        }
        if command.name == "hello" && incoming.len() > 1 {
            match incoming.get(1) {
                b"2" => queue.proto = Proto::Resp2,
                b"3" => queue.proto = Proto::Resp3,
                _ => {}
            }
        }
        let (queued, bytes) = (queue.plan.len() as u32 + 1, queue.bytes);
        connection.card().queued.store(queued, Ordering::Relaxed);
        connection.card().held_args.store(bytes, Ordering::Relaxed);
        self.answer(index, |out| out.simple("QUEUED"));
    }

    /// Whether memory is used up and no policy will free any: a queued write is refused at once.
    fn is_out_of_memory(&self) -> bool {
        self.config.maxmemory > 0
            && self.config.maxmemory_policy == EvictionPolicy::NoEviction
            && self.server.memory.total() > self.config.maxmemory
    }

    /// The shards that a queued command needs; `self.routing` then knows its keys.
    fn shards_of_queued(&mut self, command: &Command, incoming: Incoming<'_>) -> Vec<u16> {
        let all = 0..self.house.shards.len() as u16;
        match command.spread {
            _ if matches!(command.run, Run::Session(_) | Run::Acceptor) => Vec::new(),
            Spread::EveryShard(_) | Spread::AllTogether => all.collect(),
            Spread::AllTogetherIf(reaches_out)
                if reaches_out(incoming.len(), &|at| incoming.get(at)) =>
            {
                all.collect()
            }
            Spread::Cursor => vec![self.shard_of_cursor(incoming) as u16],
            Spread::Together | Spread::Split(_) | Spread::AllTogetherIf(_) => {
                self.routing.find(command, incoming, &self.server);
                match self.routing.distinct() {
                    [] => vec![0],
                    shards => shards.to_vec(),
                }
            }
        }
    }

    /// Runs what is queued. What follows in the pipeline waits if the connection itself may change
    /// by it (`SELECT` in a transaction).
    fn exec(&mut self, index: usize, command: &'static Command) -> Result<Flow, CommandError> {
        let Some(connection) = self.connections.get_mut(index) else { return Ok(Flow::Next) };
        let Some(queue) = connection.queue.take() else {
            return Err(CommandError::fixed("ERR EXEC without MULTI"));
        };
        connection.card().end_multi();
        if queue.spoiled {
            self.end_watches(index);
            return Err(CommandError::EXEC_ABORT);
        }
        if queue.denyoom && self.is_out_of_memory() {
            return Err(self.end_refused(index, &CommandError::OOM));
        }
        Ok(self.send_transaction(index, command, *queue))
    }

    fn send_transaction(&mut self, index: usize, command: &'static Command, queue: Queue) -> Flow {
        let Queue { mut job, locals, plan, mut shards, .. } = queue;
        let Some(connection) = self.connections.get_mut(index) else { return Flow::Next };
        for shard in connection.take_watched() {
            if let Err(place) = shards.binary_search(&shard) {
                shards.insert(place, shard);
            }
        }
        let session = &connection.session;
        let (proto, client) = (session.proto, session.id);
        let facts = Facts { command, db: session.db, proto, no_touch: session.no_touch, client };
        job.transaction = Some(Transaction { client, aborted: false, ns: 0 });
        let muted = self.is_muted(index);
        let meeting = (!shards.is_empty()).then(|| self.meet(facts, shards, job));
        let flow = if locals.requests.is_empty() { Flow::Next } else { Flow::Last };
        self.building.execs.push(Some(Exec { command, meeting, plan, locals, proto }));
        let at = self.building.execs.len() as u32 - 1;
        self.building.push_slot(Source::Transaction(at), muted);
        flow
    }

    /// An EXEC was refused before it could run.
    pub(super) fn abort_exec(&mut self, index: usize, error: &CommandError) {
        let error = self.end_refused(index, error);
        self.answer_error(index, &error);
    }

    /// Discards whatever is queued since its EXEC is refused; gives the answer.
    fn end_refused(&mut self, index: usize, error: &CommandError) -> CommandError {
        if let Some(connection) = self.connections.get_mut(index) {
            connection.queue = None;
            connection.card().end_multi();
        }
        self.end_watches(index);
        let reason = error.text().strip_prefix(b"ERR ").unwrap_or(error.text());
        CommandError::made([b"EXECABORT Transaction discarded because of: ", reason].concat())
    }

    fn discard(&mut self, index: usize) -> CommandResult {
        let Some(connection) = self.connections.get_mut(index) else { return Ok(()) };
        if connection.queue.take().is_none() {
            return Err(CommandError::fixed("ERR DISCARD without MULTI"));
        }
        connection.card().end_multi();
        self.end_watches(index);
        self.answer(index, |out| out.ok());
        Ok(())
    }

    fn watch(&mut self, index: usize, command: &'static Command, incoming: Incoming<'_>) {
        let Some(connection) = self.connections.get(index) else { return };
        if connection.queue.is_some() {
            let error = CommandError::fixed("ERR WATCH inside MULTI is not allowed");
            return self.answer_error(index, &error);
        }
        let shards = self.shards_of_queued(command, incoming);
        let Some(connection) = self.connections.get_mut(index) else { return };
        let db = connection.session.db;
        let watched = connection.watched.get_or_insert_default();
        for shard in shards {
            if !watched.shards.contains(&shard) {
                watched.shards.push(shard);
            }
        }
        for (at, hash) in self.routing.hashes().iter().enumerate() {
            watched.add(db, incoming.get(at + 1), *hash);
        }
        let (keys, bytes) = (watched.keys.len() as u32, watched.bytes);
        connection.card().watched.store(keys, Ordering::Relaxed);
        connection.card().watched_bytes.store(bytes, Ordering::Relaxed);
        bump(&connection.card().commands, 1);
        self.place(index, command, incoming);
    }

    /// Ends the watches of a connection on all shards that keep some.
    fn end_watches(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        let watched = connection.take_watched();
        let client = connection.client();
        for &shard in &watched {
            self.building.need(shard as usize);
        }
        self.place_unwatch(client, &watched);
    }

    fn reset(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        connection.queue = None;
        connection.card().end_multi();
        connection.session.reset(self.config.requirepass.is_none());
        self.end_watches(index);
        self.answer(index, |out| out.simple("RESET"));
    }
}
