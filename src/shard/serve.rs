//! Serving those who wait: blocked commands whose key has changed are run again.
//!
//! Whoever holds the boxes does it, after the command that changed the key (after the whole of a
//! transaction), before anything else is run: keys in the order in which they became ready, and for
//! each those who wait in the order of their arrival. What is served may make further keys ready.
//!
//! The ticket of a command is claimed before it is run and decided after, so it is served once,
//! whichever of its keys changes where. Its effects follow those of the change that let it run, and
//! its reply leaves once they are in the journal. A command that needs boxes that are not in hand
//! becomes an errand: nobody behind it in the queue is served before it has had its turn, with all
//! its boxes; until then the key stays as it is.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;

use super::execute::{Executor, Invoked, count, count_error, finished, in_unit, spread};
use crate::channel::{Attempt, Blocked, Errand, Outcome};
use crate::command::{Call, redacted};
use crate::config::Config;
use crate::keyspace::{DbIndex, Shard, Waiter};
use crate::resp::{ReplyBuf, Writer};

/// A key to be served.
struct Ready {
    shard: u16,
    db: DbIndex,
    key: Box<[u8]>,
    /// Those with a number up to this one have been tried with the key as it is.
    after: u64,
}

/// What serving has come to since the boxes were taken, or since it was last settled.
#[derive(Default)]
pub struct Round {
    ready: VecDeque<Ready>,
    done: Vec<(Arc<Blocked>, Outcome)>,
    /// What must be done with more boxes.
    pub errands: Vec<Arc<Errand>>,
}

impl Round {
    /// Takes note of the keys that have become ready in the boxes in hand.
    #[inline]
    pub fn collect(&mut self, parts: &mut [Box<Shard>]) {
        for part in parts {
            if part.wait.has_ready() {
                self.collect_from(part);
            }
        }
    }

    #[cold]
    fn collect_from(&mut self, part: &mut Shard) {
        while let Some((db, key)) = part.wait.take_ready() {
            self.ready.push_back(Ready { shard: part.number, db, key, after: 0 });
        }
    }

    /// Whether keys are to be served.
    #[inline]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Hands the replies over. Their effects are in the journal.
    pub fn hand_over(&mut self) {
        for (call, outcome) in self.done.drain(..) {
            call.hand_over(outcome);
        }
    }
}

/// What is to be done after a waiter was looked at.
#[derive(PartialEq, Eq)]
enum Next {
    /// The one behind it.
    Waiter,
    /// The same key as it is now, for the one behind it.
    Look,
    /// Nobody else for this key.
    Leave,
}

impl Executor {
    /// Serves all keys that are ready, and those that become so by it.
    #[cold]
    pub(super) fn serve(&self, parts: &mut [Box<Shard>], config: &Config, round: &mut Round) {
        while let Some(ready) = round.ready.pop_front() {
            self.serve_key(parts, config, &ready, round);
            round.collect(parts);
        }
    }

    /// Does an errand with all its boxes in hand.
    pub(super) fn run_errand(
        &self,
        parts: &mut [Box<Shard>],
        config: &Config,
        errand: &Errand,
        round: &mut Round,
    ) {
        let hash = self.server.hasher.hash(&errand.key);
        let shard = self.server.shards.shard_of(&self.server.hasher, &errand.key, hash);
        let (shard, db, key) = (shard as u16, errand.call.db(), errand.key.clone());
        // From its waiter on: who cannot be served with its boxes would send for his own otherwise,
        // and so would its waiter with those, without end.
        let after = errand.call.number() - 1;
        round.ready.push_back(Ready { shard, db, key, after });
        self.serve(parts, config, round);
    }

    /// Serves those who wait for a key, as far as it goes.
    fn serve_key(
        &self,
        parts: &mut [Box<Shard>],
        config: &Config,
        ready: &Ready,
        round: &mut Round,
    ) {
        let Ready { shard, db, key, after } = ready;
        let Some(place) = parts.iter().position(|part| part.number == *shard) else { return };
        let Some(last) = parts[place].wait.begin(*db, key) else { return };
        let mut looks = self.looks(&parts[place], *db, key);
        let mut number = *after;
        while let Some(waiter) = parts[place].wait.next_after(*db, key, number) {
            number = waiter.number();
            // Who has come since then was tried when it came. And where there is nothing, only
            // those are left who want to know just that.
            let pointless = looks.is_none() && !parts[place].wait.someone_mourns(*db, key);
            if number > last || pointless {
                return;
            }
            let wanted = looks == Some(waiter.waits_for().type_name()) || waiter.even_if_gone();
            if !wanted {
                continue;
            }
            let waiter: Arc<dyn Any + Send + Sync> = waiter;
            let Ok(call) = waiter.downcast::<Blocked>() else { continue };
            match self.serve_one(parts, config, (ready, place), &call, round) {
                Next::Waiter => {}
                Next::Look => looks = self.looks(&parts[place], *db, key),
                Next::Leave => return,
            }
        }
    }

    /// The type of a key, `None` if it is not there.
    fn looks(&self, part: &Shard, db: DbIndex, key: &[u8]) -> Option<&'static str> {
        let entry = part.dbs[db.0 as usize].get(key, self.server.hasher.hash(key))?;
        let live = entry.expiry().is_none_or(|at| at > part.now_ms);
        live.then(|| entry.type_name())
    }

    fn serve_one(
        &self,
        parts: &mut [Box<Shard>],
        config: &Config,
        (ready, place): (&Ready, usize),
        call: &Arc<Blocked>,
        round: &mut Round,
    ) -> Next {
        let has_all = call.is_at_home_in(parts.iter().map(|part| part.number));
        let errand = || Arc::new(Errand { call: call.clone(), key: ready.key.clone() });
        if call.ticket.is_over() {
            parts[place].wait.remove(ready.db, &ready.key, call.number());
            return Next::Waiter;
        }
        if call.needs_all() && !has_all {
            round.errands.push(errand());
            return Next::Leave;
        }
        match call.ticket.try_serve() {
            Attempt::Granted => {}
            Attempt::Over => {
                parts[place].wait.remove(ready.db, &ready.key, call.number());
                return Next::Waiter;
            }
            // By another of its keys, elsewhere. If nothing comes of it this one must be tried.
            Attempt::Busy => {
                round.errands.push(errand());
                return Next::Leave;
            }
        }
        let Some(replies) = self.run_again(parts, config, call) else {
            call.ticket.not_served();
            return Next::Look;
        };
        call.ticket.served();
        self.forget(parts, call);
        let outcome = Outcome::Served { replies, forgotten: has_all };
        round.done.push((call.clone(), outcome));
        Next::Look
    }

    /// Runs a blocked command again; `None` if there is still nothing to serve it with.
    fn run_again(
        &self,
        parts: &mut [Box<Shard>],
        config: &Config,
        blocked: &Blocked,
    ) -> Option<ReplyBuf> {
        let started = self.server.clock.ticks();
        let request = blocked.request();
        let command = request.command;
        let args = blocked.args(&self.server.hasher);
        let call = Call {
            server: &self.server,
            config,
            command,
            db: request.db,
            client: request.client,
            no_touch: request.no_touch,
            in_transaction: false,
        };
        let mut replies = ReplyBuf::new();
        let mut out = Writer::new(&mut replies, request.proto);
        let Invoked { result, block, .. } =
            in_unit(parts, |parts| self.invoke(parts, call, args, &mut out));
        if result.is_ok() && block.is_some() {
            return None;
        }
        let failed = result.is_err();
        if let Err(error) = result {
            replies.clear();
            Writer::new(&mut replies, request.proto).error(error.text());
            count_error(&mut parts[0], &error);
        }
        let ns = self.server.clock.ns_between(started, self.server.clock.ticks());
        count(&mut parts[0].stats, command.number, ns, failed);
        if config.latency_tracking {
            spread(&mut parts[0].stats, command.number, ns);
        }
        let finished = finished(command, ns, args, replies.len());
        self.server.observe_command(config, finished, || (redacted(command, args), request.client));
        Some(replies)
    }

    /// Has the command of `request` wait, as far as the boxes in hand are concerned.
    pub(super) fn wait(&self, parts: &mut [Box<Shard>], call: &Arc<Blocked>) {
        let args = call.args(&self.server.hasher);
        for &at in call.keys() {
            let key = args.key(at);
            let shard = self.server.shards.shard_of(&self.server.hasher, key.bytes, key.hash);
            let part = parts.iter_mut().find(|part| part.number as usize == shard);
            if let Some(part) = part {
                part.wait.add(call.db(), key.bytes, call.clone());
            }
        }
    }

    /// Takes the waiters of a command out of the boxes in hand.
    pub(super) fn forget(&self, parts: &mut [Box<Shard>], call: &Blocked) {
        let args = call.args(&self.server.hasher);
        for &at in call.keys() {
            for part in parts.iter_mut() {
                part.wait.remove(call.db(), &args[at], call.number());
            }
        }
    }
}
