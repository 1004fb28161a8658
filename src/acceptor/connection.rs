//! A connection: its socket, its state, what it sent and what it has still to be sent.
//!
//! Bytes are read into a buffer that all connections of an acceptor share; only an incomplete
//! request stays behind in a query buffer of the connection's own. Replies are written at once;
//! only what the socket does not take stays behind in the output buffer, which the directive
//! `client-output-buffer-limit` bounds.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::transaction::{Queue, Watched};
use super::transport::Socket;
use super::waits::Waiting;
use crate::command::{ClientId, Command, Session};
use crate::config::OutputLimit;
use crate::observe::{ClientCard, Counters, bump};
use crate::resp::{Arg, Parser, ReplyBuf};

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It goes on.
    No,
    /// When its replies are sent; nothing more is read.
    AfterOutput,
    /// At once.
    Now,
}

/// A client's connection, owned by one acceptor.
pub struct Connection<S> {
    /// The socket.
    pub socket: S,
    /// State that commands see.
    pub session: Session,
    /// Where it is in an incomplete request.
    pub parser: Parser,
    /// Bytes received but not parsed.
    pub query: Vec<u8>,
    /// Replies that the socket has not taken.
    pub output: ReplyBuf,
    /// Requests of it are in an iteration in flight: nothing more is parsed until then.
    pub in_flight: bool,
    /// It stands in the list of connections to look at.
    pub listed: bool,
    /// It stands in the list of connections whose socket may take more.
    pub writing: bool,
    /// The socket may have more to read.
    pub readable: bool,
    /// The peer has ended its side: only a read of nothing ends reading.
    pub peer_closed: bool,
    /// The query buffer may hold a complete request.
    pub unparsed: bool,
    /// A request that was parsed but may not run yet: by a pause, or behind others of its
    /// pipeline.
    pub held: Option<Vec<Arg>>,
    /// The blocking command that it waits in: nothing more is parsed until that is over.
    pub waiting: Option<Waiting>,
    /// How it ends.
    pub closing: Closing,
    /// The row of its last command: most clients repeat one.
    pub last_command: Option<&'static Command>,
    /// What MULTI has queued.
    pub queue: Option<Box<Queue>>,
    /// What it watches.
    pub watched: Option<Box<Watched>>,
    /// Bytes that it held when that was last noted.
    pub noted_bytes: u64,
    /// Commands that it had run when that was last noted.
    noted_commands: u64,
    /// Since when its output is above the soft limit, ms of Unix time.
    pub soft_limit_since_ms: Option<i64>,
}

impl<S: Socket> Connection<S> {
    /// A new connection.
    pub fn new(socket: S, session: Session) -> Connection<S> {
        Connection {
            socket,
            session,
            parser: Parser::default(),
            query: Vec::new(),
            output: ReplyBuf::new(),
            in_flight: false,
            listed: false,
            writing: false,
            readable: true,
            peer_closed: false,
            unparsed: false,
            held: None,
            waiting: None,
            closing: Closing::No,
            last_command: None,
            queue: None,
            watched: None,
            noted_bytes: 0,
            noted_commands: 0,
            soft_limit_since_ms: None,
        }
    }

    /// Its number.
    pub fn client(&self) -> ClientId {
        self.session.id
    }

    /// Its public card.
    pub fn card(&self) -> &Arc<ClientCard> {
        &self.session.card
    }

    /// Writes what is in the output buffer, as far as the socket takes it. Gives the bytes
    /// written.
    ///
    /// # Errors
    ///
    /// When the connection is broken.
    pub fn flush(&mut self) -> io::Result<Written> {
        let written = write_out(&mut self.socket, &mut self.output)?;
        if self.output.is_empty() {
            self.output.release();
        }
        bump(&self.card().bytes_out, written.bytes as u64);
        self.card().output.store(self.output.len() as u64, Ordering::Relaxed);
        Ok(written)
    }

    /// Whether replies that came about together are too many by the hard limit, whatever the socket
    /// would take. Values that are sent from where they are do not count, as in Valkey.
    pub fn may_not_get(&self, replies: &ReplyBuf, limit: &OutputLimit) -> bool {
        if limit.hard_bytes == 0 {
            return false;
        }
        let bytes = (replies.copied_len() + self.output.len()) as u64;
        bytes >= limit.hard_bytes.saturating_add(UNCOUNTED_REPLIES)
    }

    /// Whether its output exceeds `limit` at `now_ms`. Replies that the socket did not take whole are
    /// `pending` as a whole, as in Valkey.
    pub fn exceeds(&mut self, pending: u64, limit: &OutputLimit, now_ms: i64) -> bool {
        if limit.hard_bytes != 0 && pending >= limit.hard_bytes {
            return true;
        }
        if limit.soft_bytes == 0 || pending < limit.soft_bytes {
            self.soft_limit_since_ms = None;
            return false;
        }
        let since = *self.soft_limit_since_ms.get_or_insert(now_ms);
        now_ms - since >= limit.soft_seconds as i64 * 1000
    }

    /// Counts that it is closed for its output.
    pub fn count_full_output(&self, counters: &Counters) {
        tracing::warn!("client {} closed: its output buffer exceeds the limit", self.client().0);
        counters.output_limit_disconnections.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes how many commands it has run by now.
    pub fn note_commands(&mut self) {
        self.noted_commands = self.card().commands.load(Ordering::Relaxed);
    }

    /// Commands that it has run since that was noted.
    pub fn commands_since_noted(&self) -> u64 {
        self.card().commands.load(Ordering::Relaxed) - self.noted_commands
    }

    /// Bytes of what it has sent that are not parsed: what `client-query-buffer-limit` bounds.
    pub fn query_bytes(&self) -> usize {
        self.query.len().saturating_sub(self.parser.parsed_bytes()) + self.parser.body_bytes()
    }

    /// Bytes of what is parsed of a request that is not complete or may not run yet.
    pub fn argument_bytes(&self) -> usize {
        let arrived = self.parser.buffered_bytes() - self.parser.body_bytes();
        self.parser.parsed_bytes() + arrived + self.held_bytes()
    }

    /// Bytes of the request that may not run yet.
    pub fn held_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, |args| args.iter().map(Arg::len).sum())
    }
}

/// Bytes of replies that the limit of the output buffer does not count: Valkey has a buffer of
/// fixed size for as many.
const UNCOUNTED_REPLIES: u64 = 16 * 1024;

/// Bytes after which writing to one connection leaves others their turn.
const WRITTEN_AT_ONCE: usize = 1024 * 1024;

/// What a turn of writing came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written {
    /// Bytes that the socket has taken.
    pub bytes: usize,
    /// There is more, and the socket has not refused it: no event will tell.
    pub more: bool,
}

/// Parts given to one write call.
const PARTS: usize = 64;

/// Writes `output` to `socket` until it is empty, the socket takes no more, or it is others' turn.
/// What is written is dropped from `output`.
///
/// # Errors
///
/// When the connection is broken.
pub fn write_out<S: Socket>(socket: &mut S, output: &mut ReplyBuf) -> io::Result<Written> {
    let mut total = Written::default();
    while !output.is_empty() {
        if total.bytes >= WRITTEN_AT_ONCE {
            total.more = true;
            break;
        }
        let mut parts = [IoSlice::new(&[]); PARTS];
        let count = output.io_slices(0, &mut parts);
        match socket.write(&parts[..count]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                output.advance(written);
                total.bytes += written;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(total)
}
