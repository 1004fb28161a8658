//! A blocked command: its request, the boxes that it needs, and the way of its reply.
//!
//! One [`Blocked`] is shared by the wait tables of the shards of its keys, by the acceptor of its
//! client, and by the client's card (for `CLIENT UNBLOCK`). Its [`Ticket`] decides who ends the
//! wait. Whoever does, but for the acceptor itself, leaves the [`Outcome`] here and pushes the
//! client's number to the acceptor. The outcome is there before the push, so an acceptor that hears
//! of the blocking after the push still finds it.
//!
//! What is pushed is bounded by the number of clients: each has one blocked command at the most,
//! and each of those has one outcome.

use std::sync::Arc;

use super::batch::{Batch, Request, Work};
use super::desk::Desk;
use super::far_waits::FarWait;
use super::house::House;
use super::ticket::Ticket;
use crate::command::{Args, Block, ClientId, Command};
use crate::keyspace::{DbIndex, KeyHash, KeyHasher, Unblock, WaitFor, Waiter};
use crate::resp::{Proto, ReplyBuf};

/// How a wait has ended.
#[derive(Debug)]
pub enum Outcome {
    /// The command was run.
    Served {
        /// Its reply.
        replies: ReplyBuf,
        /// No shard has a waiter of it any more.
        forgotten: bool,
    },
    /// Somebody asked for its end.
    Unblocked(Unblock),
}

/// A key whose waiters cannot be served without boxes that were not in hand.
pub struct Errand {
    /// The first of them that is to be served now: its boxes are needed. Those who wait longer have
    /// been tried with the key as it is.
    pub call: Arc<Blocked>,
    /// The key.
    pub key: Box<[u8]>,
}

/// What an acceptor is told unasked.
pub enum Push {
    /// The wait of this client has ended.
    Done(ClientId),
    /// Nobody's request has led to this, so nobody waits for it.
    Serve(Arc<Errand>),
}

/// A blocked command.
pub struct Blocked {
    number: u64,
    house: Arc<House>,
    acceptor: u16,
    /// The request and its arguments.
    own: Batch,
    block: Block,
    /// The shards of all its keys, ascending.
    shards: Box<[u16]>,
    /// Counts it among those who wait on several shards.
    _far_wait: Option<FarWait>,
    /// Who may end the wait.
    pub ticket: Ticket,
    outcome: Desk<Outcome>,
}

impl Blocked {
    /// The command of `request`, with arguments `args` and carried `hashes`, that a client of
    /// `acceptor` has sent and that shall wait as `block` says. `shards` are those of the boxes in
    /// hand, ascending, and `far_wait` counts it if they are several.
    pub fn new(
        house: Arc<House>,
        acceptor: u16,
        request: (&Request, Args<'_>, &[KeyHash]),
        block: Block,
        (shards, far_wait): (Box<[u16]>, Option<FarWait>),
    ) -> Blocked {
        let (request, args, hashes) = request;
        let mut own = Batch::default();
        for (at, arg) in args.iter().enumerate() {
            let replaced = block.replaced.iter().find(|(position, _)| *position == at);
            match (replaced, args.shared(at)) {
                (Some((_, arg)), _) => own.push_arg(arg),
                (None, Some(shared)) => own.push_shared(shared.clone()),
                (None, None) => own.push_arg(arg),
            }
        }
        own.hashes.extend_from_slice(hashes);
        own.requests.push(Request {
            work: Work::Run,
            first_ref: 0,
            first_hash: 0,
            ..request.clone()
        });
        let (ticket, outcome) = (Ticket::new(), Desk::new(None));
        let number = house.next_call();
        Blocked {
            number,
            house,
            acceptor,
            own,
            block,
            shards,
            _far_wait: far_wait,
            ticket,
            outcome,
        }
    }

    /// The request; its arguments by [`Blocked::args`].
    pub fn request(&self) -> &Request {
        &self.own.requests[0]
    }

    /// The row of the command.
    pub fn command(&self) -> &'static Command {
        self.request().command
    }

    /// Logical database of the keys.
    pub fn db(&self) -> DbIndex {
        self.request().db
    }

    /// Protocol of the reply.
    pub fn proto(&self) -> Proto {
        self.request().proto
    }

    /// The arguments.
    pub fn args<'a>(&'a self, hasher: &'a KeyHasher) -> Args<'a> {
        self.own.args(0, hasher)
    }

    /// Positions of the keys that it waits for.
    pub fn keys(&self) -> &[usize] {
        &self.block.keys
    }

    /// When it gives up, ms of Unix time; `None` for never.
    pub fn until_ms(&self) -> Option<i64> {
        self.block.until_ms
    }

    /// The shards of all its keys, ascending.
    pub fn shards(&self) -> &[u16] {
        &self.shards
    }

    /// It can only run with all its boxes in hand.
    pub fn needs_all(&self) -> bool {
        self.block.needs_all
    }

    /// Whether the boxes of `in_hand` (ascending) are all that it needs.
    pub fn is_at_home_in(&self, in_hand: impl Iterator<Item = u16> + Clone) -> bool {
        self.shards.iter().all(|&shard| in_hand.clone().any(|here| here == shard))
    }

    /// Leaves an outcome and tells the acceptor. Only whoever has ended the wait by the ticket calls
    /// this, and once.
    pub fn hand_over(&self, outcome: Outcome) {
        self.outcome.put(Box::new(outcome));
        self.house.push(self.acceptor as usize, Push::Done(self.request().client));
    }

    /// The outcome, if it is there.
    pub fn take_outcome(&self) -> Option<Box<Outcome>> {
        self.outcome.take()
    }

    /// Has its acceptor see to an errand for which nobody waits.
    pub fn push_errand(errand: Arc<Errand>) {
        let (house, acceptor) = (errand.call.house.clone(), errand.call.acceptor);
        house.push(acceptor as usize, Push::Serve(errand));
    }
}

impl Waiter for Blocked {
    fn number(&self) -> u64 {
        self.number
    }

    fn waits_for(&self) -> WaitFor {
        self.block.waits_for
    }

    fn even_if_gone(&self) -> bool {
        self.block.even_if_gone
    }

    fn unblock(&self, how: Unblock) -> bool {
        let ended = self.ticket.end();
        if ended {
            self.hand_over(Outcome::Unblocked(how));
        }
        ended
    }
}
