//! From bytes to requests: reading a connection, parsing, and deciding what each request is.
//!
//! A connection is not parsed further while requests of it are in flight, which keeps its replies
//! in order. Every complete request of what was read goes into the iteration being built, up to a
//! bound.

use std::io;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::Acceptor;
use super::connection::{Closing, Connection};
use super::iteration::{Member, ShardSet, Source};
use super::transport::{Socket, Transport};
use super::waits::may_wait;
use crate::channel::Request;
use crate::command::error::{not_in_transaction, unknown_command, unknown_subcommand, wrong_arity};
use crate::command::{ArgRef, Command, CommandError, Flags, Run, Steering, registry};
use crate::observe::{ClientFlags, PauseMode, bump};
use crate::resp::{Arg, Limits, Parsed, Writer};

/// Requests of one connection per iteration: a long pipeline shares the acceptor with others.
const REQUESTS_AT_ONCE: usize = 4096;

/// Reads in a row while one argument arrives, a MiB in all.
const READS_AT_ONCE: usize = 16;

/// A query buffer above this capacity (bytes) is given back once it is empty.
const KEPT_QUERY: usize = 4 * 1024;

/// What to do after a request was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It is taken; look at the next.
    Next,
    /// It is taken; what follows depends on its outcome and waits for it.
    Last,
    /// It is not taken: the connection keeps it and it is looked at again later.
    Hold,
}

/// The arguments of a request as they were parsed.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    pub args: &'a [Arg],
    pub input: &'a [u8],
}

impl<'a> Incoming<'a> {
    pub fn get(&self, at: usize) -> &'a [u8] {
        self.args[at].bytes(self.input)
    }

    /// The arguments as their own bytes, independent of the input.
    fn owned(&self) -> Vec<Arg> {
        let own = |arg: &Arg| match arg {
            Arg::Inline { .. } => Arg::Big(Bytes::copy_from_slice(arg.bytes(self.input))),
            Arg::Big(bytes) => Arg::Big(bytes.clone()),
        };
        self.args.iter().map(own).collect()
    }

    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Bytes of its arguments.
    pub fn argument_bytes(&self) -> usize {
        self.args.iter().map(Arg::len).sum()
    }

    /// Bytes that a batch holds for it.
    pub fn held_bytes(&self) -> usize {
        self.argument_bytes() + self.len() * size_of::<ArgRef>() + size_of::<Request>()
    }

    fn name(&self) -> &'a [u8] {
        self.get(0)
    }
}

impl<T: Transport> Acceptor<T> {
    /// Reads and parses a connection, if it may be.
    pub(super) fn take_in(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        if connection.in_flight || connection.waiting.is_some() || connection.closing != Closing::No
        {
            return;
        }
        self.building.members.push(Member {
            connection: index,
            client: connection.client(),
            first_slot: self.building.slots.len(),
            end_slot: self.building.slots.len(),
            needs: ShardSet::default(),
            first_shard: None,
            delivered: false,
        });
        let mut buffer = std::mem::take(&mut self.read_buffer);
        let ended = self.read_and_parse(index, &mut buffer);
        self.read_buffer = buffer;
        self.note_query(index);
        let slots = self.building.members.last().map_or(0, |m| m.end_slot - m.first_slot);
        if slots == 0 {
            self.building.members.pop();
        }
        let Some(connection) = self.connections.get_mut(index) else { return };
        connection.in_flight = slots > 0;
        if ended {
            connection.closing = Closing::AfterOutput;
        }
        if connection.peer_closed && connection.card().has_flag(ClientFlags::HELD) {
            connection.closing = Closing::Now;
        }
        let finished = connection.closing == Closing::AfterOutput && connection.output.is_empty();
        if slots == 0 && (finished || connection.closing == Closing::Now) {
            self.close(index);
        } else if slots == 0 && connection.readable && connection.held.is_none() {
            self.list(index);
        }
    }

    /// True if the connection has ended: nothing more will come, or nothing more is wanted.
    fn read_and_parse(&mut self, index: usize, buffer: &mut [u8]) -> bool {
        let Some(connection) = self.connections.get_mut(index) else { return false };
        if let Some(args) = connection.held.take() {
            connection.unparsed = true;
            match self.request(index, Incoming { args: &args, input: &[] }) {
                Flow::Next => {}
                // What follows is looked at when its outcome is known.
                Flow::Last => return false,
                Flow::Hold => {
                    self.hold(index, args);
                    return false;
                }
            }
        }
        let Some(connection) = self.connections.get_mut(index) else { return false };
        if connection.unparsed {
            let query = std::mem::take(&mut connection.query);
            let consumed = self.parse(index, &query);
            self.keep_rest(index, query, consumed);
            return false;
        }
        for _ in 0..READS_AT_ONCE {
            if self.read_once(index, buffer) {
                return true;
            }
            // A large argument is taken in as far as it is there.
            let goes_on = |connection: &Connection<T::Socket>| {
                let may_go_on = connection.readable && connection.closing == Closing::No;
                may_go_on && connection.parser.body_lacks() > 0
            };
            if !self.connections.get(index).is_some_and(goes_on) {
                break;
            }
        }
        false
    }

    /// Reads once, if there is something, and parses that; true if the connection has ended.
    fn read_once(&mut self, index: usize, buffer: &mut [u8]) -> bool {
        let Some(connection) = self.connections.get_mut(index) else { return false };
        if !connection.readable {
            return false;
        }
        let read = match connection.socket.read(buffer) {
            Ok(0) => return true,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.readable = false;
                return false;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return false,
            Err(_) => {
                connection.closing = Closing::Now;
                return false;
            }
        };
        // A short read of a stream has emptied it: what comes later is a new event. Only the end
        // of the stream is no event of its own, if it was told together with the last bytes.
        connection.readable = read == buffer.len() || connection.peer_closed;
        let card = connection.card();
        bump(&card.bytes_in, read as u64);
        card.last_ms.store(self.now_ms, Ordering::Relaxed);
        let traffic = &self.server.traffic[self.number];
        bump(&traffic.bytes_in, read as u64);
        bump(&traffic.reads, 1);
        if self.exceeds_query_limit(index, read) {
            return false;
        }
        let Some(connection) = self.connections.get_mut(index) else { return false };
        if connection.query.is_empty() {
            let consumed = self.parse(index, &buffer[..read]);
            self.keep_tail(index, &buffer[consumed..read]);
        } else {
            let mut query = std::mem::take(&mut connection.query);
            query.extend_from_slice(&buffer[..read]);
            let consumed = self.parse(index, &query);
            self.keep_rest(index, query, consumed);
        }
        false
    }

    fn keep_tail(&mut self, index: usize, tail: &[u8]) {
        if let Some(connection) = self.connections.get_mut(index) {
            connection.query.extend_from_slice(tail);
        }
    }

    fn keep_rest(&mut self, index: usize, mut query: Vec<u8>, consumed: usize) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        query.drain(..consumed);
        if query.is_empty() && query.capacity() > KEPT_QUERY {
            query = Vec::new();
        }
        connection.query = query;
    }

    /// Whether a connection that has just been sent `read` bytes more exceeds the limit of its query
    /// buffer; it is closed then. What MULTI has queued counts; of an argument that arrives, what
    /// stands behind it does not.
    fn exceeds_query_limit(&mut self, index: usize, read: usize) -> bool {
        let limit = self.config.client_query_buffer_limit as usize;
        let Some(connection) = self.connections.get_mut(index) else { return false };
        let queued = connection.queue.as_ref().map_or(0, |queue| queue.query_bytes);
        let before = queued + connection.query_bytes();
        if before + read <= limit {
            return false;
        }
        let arrived = match connection.parser.body_lacks() {
            0 => read,
            lacks => read.min(lacks),
        };
        if before + arrived <= limit {
            return false;
        }
        tracing::warn!("closing a client whose query buffer reached the limit of {limit} bytes");
        self.server.counters.query_limit_disconnections.fetch_add(1, Ordering::Relaxed);
        connection.closing = Closing::Now;
        true
    }

    /// Parses `input` and takes every complete request; gives how many bytes were used.
    fn parse(&mut self, index: usize, input: &[u8]) -> usize {
        let mut args = std::mem::take(&mut self.args);
        self.session_ticks = None;
        let mut at = 0;
        let mut taken = 0;
        if let Some(connection) = self.connections.get_mut(index) {
            connection.unparsed = false;
        }
        while at < input.len() {
            let Some(connection) = self.connections.get_mut(index) else { break };
            if connection.closing != Closing::No {
                at = input.len();
                break;
            }
            if taken == REQUESTS_AT_ONCE {
                connection.unparsed = true;
                break;
            }
            let max_bulk = self.config.proto_max_bulk_len as usize;
            let limits = if connection.session.authenticated {
                Limits::new(max_bulk)
            } else {
                Limits::unauthenticated(max_bulk)
            };
            match connection.parser.parse(&input[at..], &mut args, &limits) {
                Ok(Parsed::Complete { consumed }) => {
                    let incoming = Incoming { args: &args, input: &input[at..] };
                    let flow = self.request(index, incoming);
                    at += consumed;
                    taken += 1;
                    match flow {
                        Flow::Next => {}
                        Flow::Last => {
                            if let Some(connection) = self.connections.get_mut(index) {
                                connection.unparsed = true;
                            }
                            break;
                        }
                        Flow::Hold => {
                            self.hold(index, incoming.owned());
                            break;
                        }
                    }
                }
                Ok(Parsed::Nothing { consumed }) => at += consumed,
                Ok(Parsed::Incomplete { consumed }) => {
                    at += consumed;
                    break;
                }
                Err(error) => {
                    self.answer_error(
                        index,
                        &CommandError::made([b"ERR ", &*error.text()].concat()),
                    );
                    if let Some(connection) = self.connections.get_mut(index) {
                        connection.closing = Closing::AfterOutput;
                    }
                    at = input.len();
                }
            }
        }
        args.clear();
        self.args = args;
        at
    }

    /// A request is to be looked at again later, before anything else of its connection.
    fn hold(&mut self, index: usize, args: Vec<Arg>) {
        if let Some(connection) = self.connections.get_mut(index) {
            connection.held = Some(args);
        }
    }

    /// Decides what a request is and places it.
    fn request(&mut self, index: usize, incoming: Incoming<'_>) -> Flow {
        let admitted = self.admit(index, incoming);
        let Some(connection) = self.connections.get(index) else { return Flow::Next };
        let queueing = connection.queue.is_some();
        if let Ok(command) = admitted
            && (self.held_by_pause(index, command) || self.held_by_barrier(command, queueing))
        {
            return Flow::Hold;
        }
        let Some(connection) = self.connections.get_mut(index) else { return Flow::Next };
        connection.session.reply = connection.session.reply.of_next();
        let command = match admitted {
            Ok(command) => command,
            Err(error) => {
                self.reject(index, incoming.name(), &error);
                return Flow::Next;
            }
        };
        let card = connection.card();
        card.last_command.store(command.number + 1, Ordering::Relaxed);
        if queueing && is_queued(command) {
            // It counts when EXEC has run it.
            self.queue(index, command, incoming);
        } else if command.steering != Steering::None {
            return self.steer(index, command, incoming);
        } else if let Run::Session(_) = command.run {
            self.run_session(index, command, incoming);
        } else {
            bump(&card.commands, 1);
            self.session_ticks = None;
            self.place(index, command, incoming);
            if may_wait(command, incoming) {
                return Flow::Last;
            }
        }
        Flow::Next
    }

    /// The row of the command, if this client may run it with these arguments.
    fn admit(
        &mut self,
        index: usize,
        incoming: Incoming<'_>,
    ) -> Result<&'static Command, CommandError> {
        let name = incoming.name();
        let last = self.connections.get(index).and_then(|connection| connection.last_command);
        let mut command = match last {
            Some(command) if command.is_named(name) => command,
            _ => registry::find(name).ok_or_else(|| {
                unknown_command(name, (1..incoming.len()).map(|at| incoming.get(at)))
            })?,
        };
        let Some(connection) = self.connections.get_mut(index) else { return Ok(command) };
        connection.last_command = Some(command);
        if !command.subcommands.is_empty() && incoming.len() > 1 {
            let word = incoming.get(1);
            command = registry::find_subcommand(command, word)
                .ok_or_else(|| unknown_subcommand(command.name, word))?;
        }
        let needs_password = !connection.session.authenticated && self.config.requirepass.is_some();
        let refusal = if !command.accepts(incoming.len()) {
            wrong_arity(command.name)
        } else if needs_password && !command.flags.has(Flags::NO_AUTH) {
            CommandError::NO_AUTH
        } else if connection.queue.is_some() && command.flags.has(Flags::NO_MULTI) {
            not_in_transaction(command.name)
        } else {
            return Ok(command);
        };
        self.server.count_rejected(self.number, command.number);
        Err(refusal)
    }

    /// Answers an error, and spoils a transaction that is being queued. An EXEC that is refused
    /// ends it.
    fn reject(&mut self, index: usize, name: &[u8], error: &CommandError) {
        if name.eq_ignore_ascii_case(b"exec") {
            return self.abort_exec(index, error);
        }
        if let Some(connection) = self.connections.get_mut(index)
            && let Some(queue) = &mut connection.queue
        {
            queue.spoiled = true;
        }
        self.answer_error(index, error);
    }

    fn held_by_pause(&mut self, index: usize, command: &Command) -> bool {
        let Some(mode) = self.pause() else { return false };
        let Some(connection) = self.connections.get(index) else { return false };
        let writes = match command.steering {
            Steering::Exec => connection.queue.as_ref().is_some_and(|queue| queue.writes),
            _ => command.is_write() || command.flags.has(Flags::MAY_REPLICATE),
        };
        let held = mode == PauseMode::All || writes;
        if held && !self.paused.contains(&index) {
            let card = connection.card();
            card.set_flag(ClientFlags::HELD, true);
            card.last_command.store(command.number + 1, Ordering::Relaxed);
            self.server.counters.blocked.fetch_add(1, Ordering::Relaxed);
            self.paused.push(index);
        }
        held
    }

    /// Whether it must wait until the requests before it have taken effect.
    fn held_by_barrier(&self, command: &Command, queueing: bool) -> bool {
        command.flags.has(Flags::BARRIER)
            && !queueing
            && self.building.members.last().is_some_and(|member| !member.needs.is_empty())
    }

    /// Whether this request's reply is suppressed.
    pub(super) fn is_muted(&self, index: usize) -> bool {
        self.connections.get(index).is_some_and(|connection| connection.session.reply.is_muted())
    }

    /// Answers a request of a connection with an error.
    pub(super) fn answer_error(&mut self, index: usize, error: &CommandError) {
        self.server.errors.count(error.code());
        self.answer(index, |out| out.error(error.text()));
    }

    /// Answers a request of a connection by what `write` writes.
    pub(super) fn answer(&mut self, index: usize, write: impl FnOnce(&mut Writer<'_>)) {
        let muted = self.is_muted(index);
        let Some(connection) = self.connections.get(index) else { return };
        let from = self.building.local.mark();
        write(&mut Writer::new(&mut self.building.local, connection.session.proto));
        let to = self.building.local.mark();
        self.building.push_slot(Source::Local { from, to }, muted);
    }
}

/// Whether MULTI queues it: everything but what steers the transaction itself.
fn is_queued(command: &Command) -> bool {
    use Steering::{Discard, Exec, Multi, Reset, Watch};
    !matches!(command.steering, Multi | Exec | Discard | Watch | Reset) && command.name != "quit"
}
