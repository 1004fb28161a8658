//! A connection's state as commands see it, and the context of those that change it.
//!
//! The acceptor owns the [`Session`] and acts on what a handler asks for by [`After`]; a handler
//! never touches a socket.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::config::Config;
use crate::keyspace::{ClientId, DbIndex};
use crate::observe::{ClientCard, ClientFlags, Server};
use crate::resp::Proto;

/// `CLIENT REPLY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplyMode {
    /// Replies are sent.
    #[default]
    On,
    /// No replies until `CLIENT REPLY ON`.
    Off,
    /// `CLIENT REPLY SKIP` was the last command: not for the next one.
    SkipNext,
    /// This command's reply is the skipped one.
    Skip,
}

impl ReplyMode {
    /// Whether this request's reply is suppressed.
    #[inline]
    pub fn is_muted(self) -> bool {
        matches!(self, ReplyMode::Off | ReplyMode::Skip)
    }

    /// The mode of the request that follows one of this mode.
    #[inline]
    pub fn of_next(self) -> ReplyMode {
        match self {
            ReplyMode::SkipNext => ReplyMode::Skip,
            ReplyMode::Skip => ReplyMode::On,
            mode => mode,
        }
    }
}

/// A connection's state that lasts from request to request.
pub struct Session {
    /// Its number.
    pub id: ClientId,
    /// Logical database.
    pub db: DbIndex,
    /// Protocol of its replies.
    pub proto: Proto,
    /// It may run commands.
    pub authenticated: bool,
    /// `CLIENT REPLY`.
    pub reply: ReplyMode,
    /// `CLIENT NO-TOUCH`.
    pub no_touch: bool,
    /// `CLIENT NO-EVICT`.
    pub no_evict: bool,
    /// Its public card.
    pub card: Arc<ClientCard>,
}

impl Session {
    /// The state of a new connection.
    pub fn new(card: Arc<ClientCard>, authenticated: bool) -> Session {
        Session {
            id: card.id,
            db: DbIndex(0),
            proto: Proto::Resp2,
            authenticated,
            reply: ReplyMode::On,
            no_touch: false,
            no_evict: false,
            card,
        }
    }

    /// Selects a logical database.
    pub fn select(&mut self, db: DbIndex) {
        self.db = db;
        self.card.db.store(db.0, Ordering::Relaxed);
    }

    /// Switches the protocol.
    pub fn set_proto(&mut self, proto: Proto) {
        self.proto = proto;
        let version = if proto == Proto::Resp3 { 3 } else { 2 };
        self.card.proto.store(version, Ordering::Relaxed);
    }

    /// Puts everything back as on a new connection (`RESET`), the number and address apart.
    pub fn reset(&mut self, authenticated: bool) {
        self.select(DbIndex(0));
        self.set_proto(Proto::Resp2);
        self.authenticated = authenticated;
        self.reply = ReplyMode::On;
        self.set_no_touch(false);
        self.set_no_evict(false);
        self.card.set_words(|words| words.name.clear());
    }

    /// `CLIENT NO-TOUCH`
    pub fn set_no_touch(&mut self, on: bool) {
        self.no_touch = on;
        self.card.set_flag(ClientFlags::NO_TOUCH, on);
    }

    /// `CLIENT NO-EVICT`
    pub fn set_no_evict(&mut self, on: bool) {
        self.no_evict = on;
        self.card.set_flag(ClientFlags::NO_EVICT, on);
    }
}

/// What the acceptor does after a session command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// Goes on.
    #[default]
    GoOn,
    /// Closes the connection once its replies are sent.
    Close,
}

/// The context of a command of the connection or the server.
pub struct SessionContext<'a> {
    /// The connection's state.
    pub session: &'a mut Session,
    /// The server.
    pub server: &'a Server,
    /// The configuration as of this request.
    pub config: &'a Config,
    /// Milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Runs inside EXEC.
    pub in_transaction: bool,
    /// What the acceptor shall do next.
    pub after: After,
}
