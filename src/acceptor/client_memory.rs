//! What the clients of an acceptor hold, and the end of those that hold most when it is too much.
//!
//! A connection's figures stand on its card. Whenever a connection was looked at, the difference to
//! what it held before goes into a sum of the acceptor's own; a step that has changed the sum posts
//! it for the others to read. Small requests change nothing. Only a step in which a client has come
//! to hold more compares the sum over all acceptors with `maxmemory-clients`, and so does everyone
//! when attention is called: the limit, or who is spared, may have changed.
//!
//! Whoever finds that it is too much goes through all cards and chooses (`observe`); two that find
//! it at the same time do not end twice as many, since what was chosen is out of the registry. Each
//! client is closed by the acceptor that owns it, between two iterations: requests that it has been
//! sent away with are run to their end.

use std::sync::atomic::Ordering;

use super::Acceptor;
use super::connection::Connection;
use super::transport::{Socket, Transport};

/// What an acceptor knows of the memory of its clients, in bytes.
#[derive(Default)]
pub(super) struct ClientMemory {
    /// What they hold.
    held: u64,
    /// What others know of that.
    posted: u64,
    /// Some client has come to hold more since that was posted.
    grown: bool,
}

impl<S: Socket> Connection<S> {
    /// Posts what it holds of requests that are not run.
    fn post_query(&self) {
        let card = self.card();
        let (mut args, mut allocated) = (0, self.query.capacity());
        if !self.parser.is_idle() || self.held.is_some() {
            args = self.argument_bytes();
            allocated += self.parser.allocated_bytes() + self.held_bytes();
        }
        let query = self.query_bytes();
        card.query.store(query as u64, Ordering::Relaxed);
        card.args.store(args as u64, Ordering::Relaxed);
        let free = allocated.saturating_sub(query + args);
        card.query_free.store(free as u64, Ordering::Relaxed);
    }
}

impl<T: Transport> Acceptor<T> {
    /// Takes note of what a connection holds after it was read.
    pub(super) fn note_query(&mut self, index: usize) {
        if let Some(connection) = self.connections.get(index) {
            connection.post_query();
        }
        self.note_memory(index);
    }

    /// Takes note of what a connection holds by its card.
    pub(super) fn note_memory(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        let held = connection.card().bytes_held();
        let before = std::mem::replace(&mut connection.noted_bytes, held);
        self.client_memory.grown |= held > before;
        self.client_memory.held += held;
        self.client_memory.held -= before;
    }

    /// A connection is not here any more.
    pub(super) fn forget_memory(&mut self, connection: &mut Connection<T::Socket>) {
        self.client_memory.held -= std::mem::take(&mut connection.noted_bytes);
    }

    /// Posts what the clients hold now, and looks whether it is too much if it has grown.
    pub(super) fn post_client_memory(&mut self) {
        let ClientMemory { held, posted, grown } = self.client_memory;
        if held != posted {
            // Of two that post at the same time one at least sees the sum of both.
            self.server.client_memory[self.number].store(held, Ordering::SeqCst);
        }
        self.client_memory = ClientMemory { held, posted: held, grown: false };
        // Not only when the sum has grown: what was closed in the meantime may have been chosen
        // before, and does not make up for this.
        if grown {
            self.bound_client_memory();
        }
    }

    /// Has clients end if all of them together hold too much. Those that are spared may do so for
    /// good; then they are all that is left, and soon gone through.
    pub(super) fn bound_client_memory(&self) {
        let Some(limit) = self.config.client_memory_limit() else { return };
        let posted = self.server.client_memory.iter();
        let total: u64 = posted.map(|held| held.load(Ordering::SeqCst)).sum();
        if total > limit {
            self.server.evict_clients(limit);
        }
    }
}
