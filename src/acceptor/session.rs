//! Session commands: those of the connection and of the server, which the acceptor runs itself,
//! here and now.

use std::sync::Arc;

use bytes::Bytes;

use super::Acceptor;
use super::connection::{Closing, Connection};
use super::intake::Incoming;
use super::iteration::{Iteration, Source};
use super::transport::{Socket, Transport};
use crate::command::{
    After, ArgRef, Args, Command, Flags, KeyStride, ReplyMode, Run, SessionContext, redacted,
};
use crate::config::Config;
use crate::keyspace::KeyHasher;
use crate::observe::{Finished, Server, bump};
use crate::resp::{Arg, ReplyBuf, Writer};

/// What running a session command takes.
struct Running<'a, S> {
    connection: &'a mut Connection<S>,
    server: &'a Server,
    config: &'a mut Arc<Config>,
    /// When the session command before ended, if nothing else came in between.
    ticks: &'a mut Option<u64>,
    /// The acceptor's number.
    acceptor: usize,
    now_ms: i64,
    in_transaction: bool,
}

impl<T: Transport> Acceptor<T> {
    /// Runs a session command as the next request of the connection being read.
    pub(super) fn run_session(
        &mut self,
        index: usize,
        command: &'static Command,
        incoming: Incoming<'_>,
    ) {
        let Some((running, scratch, building)) = self.running(index, false) else { return };
        let args = scratch.args_of(incoming, &running.server.hasher);
        let from = building.local.mark();
        let reply = running.run(command, args, &mut building.local);
        let to = building.local.mark();
        // After the run: CLIENT REPLY ON answers itself, OFF and SKIP do not.
        let muted = reply.is_muted() || reply == ReplyMode::SkipNext;
        building.push_slot(Source::Local { from, to }, muted);
    }

    /// Runs a session command of a transaction, writing its reply to `replies`.
    pub(super) fn run_session_in_transaction(
        &mut self,
        index: usize,
        command: &'static Command,
        args: Args<'_>,
        replies: &mut ReplyBuf,
    ) {
        let Some((running, ..)) = self.running(index, true) else { return };
        running.run(command, args, replies);
    }

    /// What running a session command of the connection takes, and where its arguments and its
    /// reply may go.
    #[inline]
    fn running(
        &mut self,
        index: usize,
        in_transaction: bool,
    ) -> Option<(Running<'_, T::Socket>, &mut Scratch, &mut Iteration)> {
        let running = Running {
            connection: self.connections.get_mut(index)?,
            server: &self.server,
            config: &mut self.config,
            ticks: &mut self.session_ticks,
            acceptor: self.number,
            now_ms: self.now_ms,
            in_transaction,
        };
        Some((running, &mut self.scratch, &mut self.building))
    }
}

impl<S: Socket> Running<'_, S> {
    /// Runs `command` and appends its reply; gives what the connection does with replies now.
    fn run(self, command: &'static Command, args: Args<'_>, replies: &mut ReplyBuf) -> ReplyMode {
        let Running { connection, server, config, ticks, .. } = self;
        let Run::Session(handler) = command.run else { return connection.session.reply };
        crate::observe::doing::set(command.name);
        let started = ticks.take().unwrap_or_else(|| server.clock.ticks());
        let (before, len_before) = (replies.mark(), replies.len());
        let proto = connection.session.proto;
        let mut context = SessionContext {
            session: &mut connection.session,
            server,
            config,
            now_ms: self.now_ms,
            in_transaction: self.in_transaction,
            after: After::GoOn,
        };
        let result = handler(&mut context, args, &mut Writer::new(replies, proto));
        let after = context.after;
        let failed = result.is_err();
        if let Err(error) = result {
            replies.truncate(before);
            Writer::new(replies, connection.session.proto).error(error.text());
            server.errors.count(error.code());
        }
        if after == After::Close {
            connection.closing = Closing::AfterOutput;
        }
        let ended = server.clock.ticks();
        *ticks = Some(ended);
        let ns = server.clock.ns_between(started, ended);
        let tracks_times = config.latency_tracking;
        server.count_session_command(self.acceptor, command.number, ns, failed, tracks_times);
        if command.flags.has(Flags::BARRIER) {
            // What it changed (CONFIG SET) holds for the next request already.
            *config = server.config.load_full();
        }
        let finished = Finished {
            ns,
            request_bytes: args.most_bytes(),
            reply_bytes: replies.len() - len_before,
            fast: command.flags.has(Flags::FAST),
            loggable: !command.flags.has(Flags::SKIP_SLOWLOG),
        };
        let request = || (redacted(command, args), connection.client());
        server.observe_command(config, finished, request);
        bump(&connection.card().commands, 1);
        connection.session.reply
    }
}

/// Where session commands see their arguments: references into the bytes that were read.
#[derive(Default)]
pub(super) struct Scratch {
    refs: Vec<ArgRef>,
    shared: Vec<Bytes>,
}

impl Scratch {
    fn args_of<'a>(&'a mut self, incoming: Incoming<'a>, hasher: &'a KeyHasher) -> Args<'a> {
        self.refs.clear();
        self.shared.clear();
        for arg in incoming.args {
            let shared = match arg {
                Arg::Inline { start, end } if *end < u32::MAX as usize => {
                    self.refs.push(ArgRef::in_arena(*start, end - start));
                    continue;
                }
                Arg::Inline { .. } => Bytes::copy_from_slice(arg.bytes(incoming.input)),
                Arg::Big(bytes) => bytes.clone(),
            };
            self.refs.push(ArgRef::shared(self.shared.len()));
            self.shared.push(shared);
        }
        let Scratch { refs, shared } = self;
        Args::new(incoming.input, refs, shared, &[], KeyStride::default(), hasher)
    }
}
