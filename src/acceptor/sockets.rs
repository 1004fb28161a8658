//! New connections, events, and ends of connections.
//!
//! The kernel spreads connections over the listeners by a hash, which leaves a burst uneven: who
//! accepts a connection while another acceptor serves fewer hands it over.
//!
//! A place among the connections, which is the token of their events, is not given to another one
//! before all events that were taken together are heeded: new connections come in between two
//! polls only.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::connection::{Closing, Connection};
use super::transport::{Accepted, LISTENERS, Ready, Socket, Transport};
use super::{Acceptor, Letter};
use crate::command::{Session, registry};
use crate::keyspace::DbIndex;
use crate::observe::{ClientCard, ClientFlags, PauseMode, bump};

/// Connections accepted in a row before others are served.
const ACCEPTS_AT_ONCE: usize = 1000;
/// How often time limits of connections are looked at, in ms.
const CRON_INTERVAL_MS: i64 = 1000;

const TOO_MANY_CLIENTS: &[u8] = b"-ERR max number of clients reached\r\n";
const PROTECTED: &[u8] = b"-DENIED Baton is running in protected mode because protected mode is \
enabled and no password is set for the default user. In this mode connections are only accepted \
from the loopback interface. To connect from other computers, set a password (requirepass), or \
disable protected mode (CONFIG SET protected-mode no from the loopback interface, or \
--protected-mode no at the start) if the server is not reachable from outside.\r\n";

impl<T: Transport> Acceptor<T> {
    /// Puts a connection on the list of those to look at.
    pub(super) fn list(&mut self, index: usize) {
        if let Some(connection) = self.connections.get_mut(index)
            && !connection.listed
        {
            connection.listed = true;
            self.listed.push_back(index);
        }
    }

    /// Takes note of an event.
    pub(super) fn heed(&mut self, event: Ready) {
        if event.token == LISTENERS {
            self.accepting = true;
            return;
        }
        let Some(connection) = self.connections.get_mut(event.token) else { return };
        if event.readable || event.read_closed || event.error {
            connection.readable = true;
            connection.peer_closed |= event.read_closed || event.error;
        }
        if event.writable && !connection.output.is_empty() {
            self.flush(event.token);
        }
        self.note_memory(event.token);
        let Some(connection) = self.connections.get(event.token) else { return };
        // One that waits, or is held by a pause, reads nothing: its end is what there is to notice.
        let waits = connection.waiting.is_some() || connection.card().has_flag(ClientFlags::HELD);
        let gone = waits && connection.peer_closed;
        if gone || connection.closing == Closing::Now {
            self.close(event.token);
        } else if connection.readable {
            self.list(event.token);
        }
    }

    /// Writes what waits in the output buffer of a connection, as far as its socket takes it and it
    /// is its turn.
    fn flush(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        match connection.flush() {
            Ok(written) => {
                let traffic = &self.server.traffic[self.number];
                bump(&traffic.bytes_out, written.bytes as u64);
                bump(&traffic.writes, 1);
                let done = connection.output.is_empty();
                if done && connection.closing == Closing::AfterOutput {
                    connection.closing = Closing::Now;
                }
                if written.more {
                    self.write_later(index);
                }
            }
            Err(_) => connection.closing = Closing::Now,
        }
    }

    /// There is more to write to a connection when others have had their turn.
    pub(super) fn write_later(&mut self, index: usize) {
        if let Some(connection) = self.connections.get_mut(index)
            && !connection.writing
        {
            connection.writing = true;
            self.writing.push_back(index);
        }
    }

    /// Writes on to the connections that have left others their turn.
    pub(super) fn write_on(&mut self) {
        for _ in 0..self.writing.len() {
            let Some(index) = self.writing.pop_front() else { break };
            let Some(connection) = self.connections.get_mut(index) else { continue };
            // The place may have become another connection's.
            if !std::mem::take(&mut connection.writing) {
                continue;
            }
            self.flush(index);
            self.note_memory(index);
            let closing = self.connections.get(index).map(|connection| connection.closing);
            if closing == Some(Closing::Now) {
                self.close(index);
            }
        }
    }

    /// Accepts what waits on the listeners, up to a bound.
    fn accept_waiting(&mut self) {
        for _ in 0..ACCEPTS_AT_ONCE {
            match self.transport.accept() {
                Ok(Some(accepted)) => self.welcome(accepted),
                Ok(None) => {
                    self.accepting = false;
                    return;
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!("accepting a connection failed: {error}");
                    return;
                }
            }
        }
    }

    /// Turns a new connection away, keeps it, or hands it over.
    fn welcome(&mut self, accepted: Accepted<T::Socket>) {
        let counters = &self.server.counters;
        if counters.connected.load(Ordering::Relaxed) >= self.config.maxclients as u64 {
            counters.rejected.fetch_add(1, Ordering::Relaxed);
            return turn_away(accepted, TOO_MANY_CLIENTS);
        }
        let guarded = self.config.protected_mode && self.config.requirepass.is_none();
        if guarded && !accepted.loopback {
            counters.rejected.fetch_add(1, Ordering::Relaxed);
            return turn_away(accepted, PROTECTED);
        }
        counters.connected.fetch_add(1, Ordering::Relaxed);
        counters.connections.fetch_add(1, Ordering::Relaxed);
        let target = self.house.least_loaded_acceptor(self.number);
        self.house.acceptors[target].load.fetch_add(1, Ordering::Relaxed);
        if target == self.number {
            return self.adopt(accepted);
        }
        match self.letters.send[target].try_send(Letter::Adopt(accepted)) {
            Ok(()) => {
                counters.handovers.fetch_add(1, Ordering::Relaxed);
                self.house.acceptors[target].bell.ring();
            }
            Err(refused) => {
                let Letter::Adopt(accepted) = refused.into_inner() else { return };
                self.house.acceptors[target].load.fetch_sub(1, Ordering::Relaxed);
                self.house.acceptors[self.number].load.fetch_add(1, Ordering::Relaxed);
                self.adopt(accepted);
            }
        }
    }

    /// Reads what other acceptors sent.
    pub(super) fn read_letters(&mut self) {
        if self.accepting {
            self.accept_waiting();
        }
        while let Ok(letter) = self.letters.receive.try_recv() {
            match letter {
                Letter::Adopt(accepted) => self.adopt(accepted),
                Letter::Move(connection) => self.settle_in(*connection),
            }
        }
    }

    /// Starts serving a connection.
    fn adopt(&mut self, accepted: Accepted<T::Socket>) {
        let Accepted { mut socket, addr, laddr, fd, unix, .. } = accepted;
        socket.set_keepalive(self.config.tcp_keepalive as u64);
        let id = self.server.clients.next_id();
        let mut card = ClientCard::new(id, addr, laddr, fd, self.now_ms);
        card.fixed += size_of::<Connection<T::Socket>>() as u64;
        let card = Arc::new(card);
        card.set_flag(ClientFlags::UNIX, unix);
        let session = Session::new(card.clone(), self.config.requirepass.is_none());
        self.server.clients.add(card);
        self.settle_in(Connection::new(socket, session));
    }

    /// Gives a connection a place here, whether it is new or was moved.
    pub(super) fn settle_in(&mut self, connection: Connection<T::Socket>) {
        connection.card().acceptor.store(self.number as u16, Ordering::Relaxed);
        let index = self.connections.insert(connection);
        let connection = &mut self.connections[index];
        // What has arrived by now may have been told to somebody else.
        connection.readable = true;
        connection.note_commands();
        self.note_memory(index);
        let connection = &mut self.connections[index];
        // Whoever asked for its end while it was on its way has called attention in vain.
        let killed = connection.card().killed.load(Ordering::Relaxed);
        if let Err(error) = self.transport.register(&mut connection.socket, index) {
            tracing::warn!("a connection cannot be watched for events: {error}");
            self.close(index);
        } else if killed {
            self.close(index);
        } else {
            self.list(index);
        }
    }

    /// Ends a connection now. Requests of it in flight go on; their replies are dropped.
    pub(super) fn close(&mut self, index: usize) {
        let Some(mut connection) = self.connections.try_remove(index) else { return };
        self.transport.deregister(&mut connection.socket);
        if let Some(at) = self.paused.iter().position(|&paused| paused == index) {
            self.paused.remove(at);
            self.server.counters.blocked.fetch_sub(1, Ordering::Relaxed);
        }
        self.server.clients.remove(connection.client());
        self.server.counters.connected.fetch_sub(1, Ordering::Relaxed);
        self.house.acceptors[self.number].load.fetch_sub(1, Ordering::Relaxed);
        self.balance.note_end();
        self.forget_memory(&mut connection);
        let watched = connection.take_watched();
        self.place_unwatch(connection.client(), &watched);
        if let Some(waiting) = connection.waiting.take() {
            self.abandon_wait(connection.client(), &waiting);
        }
    }

    /// Ends clients that somebody has asked to end, and lets go those that a pause held.
    pub(super) fn heed_attention(&mut self) {
        let attention = self.server.attention();
        if attention != self.attention {
            self.attention = attention;
            // The limit may be another since this step began.
            self.config = self.server.config.load_full();
            self.bound_client_memory();
            let killed: Vec<usize> = self
                .connections
                .iter()
                .filter(|(_, connection)| connection.card().killed.load(Ordering::Relaxed))
                .map(|(index, _)| index)
                .collect();
            for index in killed {
                self.close(index);
            }
        }
        if !self.paused.is_empty() && self.pause().is_none() {
            for index in std::mem::take(&mut self.paused) {
                self.server.counters.blocked.fetch_sub(1, Ordering::Relaxed);
                if let Some(connection) = self.connections.get(index) {
                    connection.card().set_flag(ClientFlags::HELD, false);
                }
                self.list(index);
            }
        }
    }

    /// What a pause holds back now.
    pub(super) fn pause(&self) -> Option<PauseMode> {
        self.server.pause.current(|| self.server.clock.unix_ms()).map(|(mode, _)| mode)
    }

    /// Looks at the time limits of connections once in a while, if there are any.
    pub(super) fn cron(&mut self) {
        if self.now_ms < self.next_cron_ms {
            return;
        }
        self.next_cron_ms = self.now_ms + CRON_INTERVAL_MS;
        let timeout_ms = self.config.timeout as i64 * 1000;
        let limit = self.config.client_output_buffer_limit.normal;
        let now_ms = self.now_ms;
        let mut ended = Vec::new();
        for (index, connection) in &mut self.connections {
            let idle_ms = now_ms - connection.card().last_ms.load(Ordering::Relaxed);
            let waits = connection.in_flight || connection.waiting.is_some();
            let idle = timeout_ms > 0 && idle_ms > timeout_ms && !waits;
            let pending = connection.output.len() as u64;
            let over = pending > 0 && connection.exceeds(pending, &limit, now_ms);
            if over {
                connection.count_full_output(&self.server.counters);
            }
            if idle || over {
                ended.push(index);
            }
        }
        for index in ended {
            self.close(index);
        }
    }

    /// When something is due though nothing comes in; `None` if never.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let limit = &self.config.client_output_buffer_limit.normal;
        let timed = self.config.timeout > 0 || limit.soft_bytes > 0;
        let cron = (timed && !self.connections.is_empty()).then_some(self.next_cron_ms);
        let pause = if self.paused.is_empty() {
            None
        } else {
            self.server.pause.current(|| self.now_ms).map(|(_, until_ms)| until_ms)
        };
        let wait = self.waits.next_deadline();
        let due_ms = [cron, pause, wait, self.next_look()].into_iter().flatten().min()?;
        Some(Duration::from_millis((due_ms - self.now_ms).max(1) as u64))
    }

    /// Places an UNWATCH for a client that ends its watches in another way than by saying so.
    pub(super) fn place_unwatch(&mut self, client: crate::command::ClientId, shards: &[u16]) {
        if shards.is_empty() {
            return;
        }
        let Some(command) = registry::find(b"unwatch") else { return };
        for &shard in shards {
            let batch = self.building.batch(shard as usize, &mut self.spare_batches);
            super::place::push_request(
                batch,
                super::place::Facts {
                    command,
                    db: DbIndex(0),
                    proto: crate::resp::Proto::Resp2,
                    no_touch: false,
                    client,
                },
                super::place::Carried::default(),
            );
            batch.push_arg(b"unwatch");
            super::place::close_request(batch);
            super::place::leave_uncounted(batch);
        }
    }
}

/// Errors of `accept` that concern the connection that was to be accepted, not the listener.
fn is_about_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// Says why and lets go: best effort, nobody waits for it.
fn turn_away<S: Socket>(mut accepted: Accepted<S>, why: &[u8]) {
    let _ = accepted.socket.write(&[IoSlice::new(why)]);
}
