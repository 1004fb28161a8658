//! Running a batch over the boxes in hand.
//!
//! The holder may be the shard's owner, an acceptor that borrowed, or the last to arrive at a
//! rendezvous: nothing here can tell. Requests run in order; before each group of
//! [`PREFETCH_GROUP`] keys two prefetch passes bring the buckets and then the entries of its keys into
//! the cache, so that the misses overlap instead of adding up. The passes run ahead: while a group
//! runs, the entries of the next one and the buckets of the one after it are on their way.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::channel::{Batch, Blocked, House, Meeting, Request, Transaction, Work};
use crate::command::{
    Args, Block, Call, Command, CommandError, CommandResult, Flags, Read, Run, Write,
    parse_integer, redacted,
};
use crate::config::Config;
use crate::journal::Journal;
use crate::keyspace::{Db, DbIndex, KeyHash, ObjectRef, Shard, ShardStats};
use crate::observe::{ErrorCounts, Finished, Server, doing, new_histogram};
use crate::resp::Writer;

use super::evict::{admit, relieve};
use super::serve::Round;

/// Keys per prefetch group: enough misses in flight to hide memory latency, few enough that the
/// first lines are still cached when they are used.
const PREFETCH_GROUP: usize = 16;

/// Why a run ended.
pub enum Stopped {
    /// Every request has been run.
    Done,
    /// The next request hands the box to a rendezvous.
    AtMeeting(Arc<Meeting>),
    /// The next request walks a big value: its holder should leave the rest to the owner.
    AtLongWalk,
}

/// Who runs a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The owner, or whoever must run it to its end.
    Owner,
    /// A borrower who can leave the rest of the batch to the owner.
    Borrower,
}

/// Bytes of a value that is walked in well under a millisecond, which every connection of an
/// acceptor can wait for.
const SHORT_WALK: usize = 256 * 1024;
/// Elements of such a walk.
const SHORT_RANGE: usize = 8 * 1024;

/// What running needs beside the boxes; every actor has one.
#[derive(Clone)]
pub struct Executor {
    /// The server.
    pub server: Arc<Server>,
    /// Where effects go.
    pub journal: Journal,
    /// Where replies go that nobody waits for at the moment.
    pub house: Arc<House>,
}

/// What running a handler came to.
pub(super) struct Invoked {
    /// Whether it failed; if not, the reply is written, or it waits.
    pub result: CommandResult,
    /// What it waits for.
    pub block: Option<Box<Block>>,
    /// Whether it was refused before it ran.
    pub refused: bool,
}

impl Executor {
    /// Runs `batch` from where it stopped until its end, its next rendezvous or, for a borrower,
    /// the next request that should be left to the owner.
    pub fn run(&self, parts: &mut [Box<Shard>], batch: &mut Batch, holder: Holder) -> Stopped {
        let config = self.server.config.load();
        let mut ticks = self.server.clock.ticks();
        let mut ahead = Prefetch::begin(parts, batch);
        let mut round = Round::default();
        while batch.next < batch.requests.len() {
            let request = &batch.requests[batch.next];
            ahead.go_before(parts, batch, request);
            match &request.work {
                Work::Run if holder == Holder::Borrower && walks_far(parts, batch, request) => {
                    self.settle(parts, batch, &mut round);
                    return Stopped::AtLongWalk;
                }
                Work::Run => {
                    ticks = self.run_request(parts, batch, batch.next, &config, ticks);
                    round.collect(parts);
                    if round.has_ready() {
                        self.serve(parts, &config, &mut round);
                        ticks = self.server.clock.ticks();
                    }
                }
                Work::Meet(meeting) => {
                    let meeting = meeting.clone();
                    if meeting.participants().len() > 1 {
                        self.settle(parts, batch, &mut round);
                        return Stopped::AtMeeting(meeting);
                    }
                    let mut job = meeting.take_job();
                    self.run_job(parts, &mut job);
                    batch.errands.append(&mut job.errands);
                    meeting.finish(job);
                    ticks = self.server.clock.ticks();
                    batch.ends.push(batch.replies.mark());
                }
                other => {
                    let other = other.clone();
                    self.run_other(parts, &config, &other, &mut round);
                    batch.ends.push(batch.replies.mark());
                }
            }
            batch.next += 1;
        }
        self.settle(parts, batch, &mut round);
        Stopped::Done
    }

    /// What acceptors ask for on their own, for those who wait.
    pub(super) fn run_other(
        &self,
        parts: &mut [Box<Shard>],
        config: &Config,
        work: &Work,
        round: &mut Round,
    ) {
        match work {
            Work::Serve(errand) => self.run_errand(parts, config, errand, round),
            Work::Forget(call) => self.forget(parts, call),
            Work::Run | Work::Meet(_) => {}
        }
    }

    /// Asks the cache for the buckets of the first keys of `batch`: for a holder of several boxes,
    /// before it runs the batch of the first.
    pub fn warm(parts: &[Box<Shard>], batch: &Batch) {
        if let Some(request) = batch.requests.get(batch.next) {
            let start = request.first_hash as usize;
            buckets(parts, batch, request.db, start..start + 2 * PREFETCH_GROUP);
        }
    }

    /// Passes a rendezvous whose job has been run: it has no reply in the batch itself.
    pub fn pass_meeting(batch: &mut Batch) {
        batch.ends.push(batch.replies.mark());
        batch.next += 1;
    }

    /// Runs the job of a rendezvous over all its boxes: a joint command, or a transaction.
    pub fn run_job(&self, parts: &mut [Box<Shard>], job: &mut Batch) {
        let config = self.server.config.load();
        let mut round = Round::default();
        match job.whole.take() {
            Some(mut whole) => {
                self.run_whole(parts, &mut whole, &config, &mut round);
                job.whole = Some(whole);
            }
            None => self.run_unit(parts, job, &config, &mut round),
        }
        if round.has_ready() {
            self.serve(parts, &config, &mut round);
        }
        self.settle(parts, job, &mut round);
    }

    /// Runs a joint command or a transaction. Those who wait for what it changes are to be served.
    pub(super) fn run_unit(
        &self,
        parts: &mut [Box<Shard>],
        job: &mut Batch,
        config: &Config,
        round: &mut Round,
    ) {
        for part in parts.iter_mut() {
            part.stats.meetings += 1;
        }
        let started = self.server.clock.ticks();
        if let Some(transaction) = &mut job.transaction {
            transaction.aborted = check_watches(parts, transaction);
            if transaction.aborted {
                return;
            }
        }
        if job.transaction.is_some() {
            relieve(parts, config, &self.server);
        }
        let mut ticks = self.server.clock.ticks();
        in_unit(parts, |parts| {
            for at in 0..job.requests.len() {
                match job.requests[at].work.clone() {
                    Work::Run => ticks = self.run_request(parts, job, at, config, ticks),
                    other => {
                        self.run_other(parts, config, &other, round);
                        job.ends.push(job.replies.mark());
                    }
                }
                round.collect(parts);
            }
        });
        job.next = job.requests.len();
        if let Some(transaction) = &mut job.transaction {
            transaction.ns = self.server.clock.ns_between(started, ticks);
        }
    }

    /// Serves those who wait for keys that a shard has changed by itself.
    pub(super) fn serve_after_upkeep(&self, shard: &mut Box<Shard>) {
        if !shard.wait.has_ready() {
            return;
        }
        let (parts, mut round) = (std::slice::from_mut(shard), Round::default());
        round.collect(parts);
        self.serve(parts, &self.server.config.load(), &mut round);
        self.journal.collect(&mut parts[0]);
        round.hand_over();
        round.errands.drain(..).for_each(Blocked::push_errand);
    }

    /// What must be done before a box changes hands: effects to the journal, figures to the board,
    /// and then the replies of those who were served on their way. What is left to do for those who
    /// wait goes with `batch`.
    fn settle(&self, parts: &mut [Box<Shard>], batch: &mut Batch, round: &mut Round) {
        for part in parts {
            self.journal.collect(part);
            part.post_memory();
            let run = &self.server.commands_run[part.number as usize];
            run.store(part.stats.commands, Ordering::Relaxed);
        }
        round.hand_over();
        batch.errands.append(&mut round.errands);
    }

    /// Runs a handler.
    #[inline]
    pub(super) fn invoke(
        &self,
        parts: &mut [Box<Shard>],
        call: Call<'_>,
        args: Args<'_>,
        out: &mut Writer<'_>,
    ) -> Invoked {
        match call.command.run {
            Run::Read(handler) => {
                let mut context = Read::new(call, parts);
                let result = handler(&mut context, args, out);
                Invoked { result, block: context.take_block(), refused: false }
            }
            Run::Write(handler) => {
                if let Err(error) = admit(parts, &call, &self.server) {
                    return Invoked { result: Err(error), block: None, refused: true };
                }
                let mut context = Write::new(call, parts);
                let result = handler(&mut context, args, out);
                Invoked { result, block: context.take_block(), refused: false }
            }
            Run::Session(_) | Run::Acceptor | Run::Container => {
                unreachable!("an acceptor sends shards only what runs there")
            }
        }
    }

    /// Runs one request and appends its reply; gives the ticks at its end.
    pub(super) fn run_request(
        &self,
        parts: &mut [Box<Shard>],
        batch: &mut Batch,
        at: usize,
        config: &Config,
        started: u64,
    ) -> u64 {
        let part = batch.split_part(at);
        let Batch { arena, refs, shared, hashes, requests, replies, ends, transaction, .. } = batch;
        let (acceptor, waiting) = (batch.acceptor, &mut batch.blocked);
        let far_wait = &mut batch.far_wait;
        let request = &requests[at];
        let command = request.command;
        doing::set(command.name);
        let args = request.args(arena, refs, shared, hashes, &self.server.hasher);
        let call = Call {
            server: &self.server,
            config,
            command,
            db: request.db,
            client: request.client,
            no_touch: request.no_touch,
            in_transaction: transaction.is_some(),
        };
        let (before, len_before) = (replies.mark(), replies.len());
        let mut out = Writer::new(replies, request.proto);
        let Invoked { result, block, refused } = self.invoke(parts, call, args, &mut out);
        let failed = result.is_err();
        if let (Some(block), false) = (block, failed) {
            let own =
                request.first_hash as usize..(request.first_hash + request.hash_count) as usize;
            let shards = parts.iter().map(|part| part.number).collect();
            let request = (request, args, &hashes[own]);
            let blocked = Blocked::new(
                self.house.clone(),
                acceptor,
                request,
                *block,
                (shards, far_wait.take()),
            );
            let blocked = Arc::new(blocked);
            self.wait(parts, &blocked);
            waiting.push((at as u32, blocked));
            replies.truncate(before);
            ends.push(before);
            // It counts when its wait is over.
            return self.server.clock.ticks();
        }
        if let Err(error) = result {
            replies.truncate(before);
            Writer::new(replies, request.proto).error(error.text());
            count_error(&mut parts[0], &error);
        }
        ends.push(replies.mark());
        let ended = self.server.clock.ticks();
        if refused && part.is_none() {
            parts[0].stats.by_command[command.number as usize].rejected += 1;
            return ended;
        }
        let ns = self.server.clock.ns_between(started, ended);
        if request.counted {
            count(&mut parts[0].stats, command.number, ns, failed);
        } else {
            parts[0].stats.by_command[command.number as usize].ns += ns;
        }
        if part.is_none() && request.counted && config.latency_tracking {
            spread(&mut parts[0].stats, command.number, ns);
        }
        if let Some(part) = part {
            // Its acceptor takes note of the whole.
            batch.split_parts[part].1 = ns;
            return ended;
        }
        let finished = finished(command, ns, args, replies.len() - len_before);
        self.server.observe_command(config, finished, || (redacted(command, args), request.client));
        ended
    }
}

/// What is told of a command that was run.
pub(super) fn finished(command: &Command, ns: u64, args: Args<'_>, reply_bytes: usize) -> Finished {
    Finished {
        ns,
        request_bytes: args.most_bytes(),
        reply_bytes,
        fast: command.flags.has(Flags::FAST),
        loggable: !command.flags.has(Flags::SKIP_SLOWLOG),
    }
}

/// Does something whose effects stand or fall together.
pub(super) fn in_unit<R>(parts: &mut [Box<Shard>], act: impl FnOnce(&mut [Box<Shard>]) -> R) -> R {
    let listening = parts[0].effects.is_listening();
    if listening {
        parts[0].effects.begin_unit();
    }
    let result = act(parts);
    if listening {
        parts[0].effects.end_unit();
    }
    result
}

/// Counts a command that was run. Of the parts of a split one only the first counts as a call; the
/// time of all is spent.
pub(super) fn count(stats: &mut ShardStats, number: u16, ns: u64, failed: bool) {
    let stat = &mut stats.by_command[number as usize];
    stat.ns += ns;
    stats.commands += 1;
    stat.calls += 1;
    stat.failed += u64::from(failed);
}

/// Adds the time of a whole request to those of its command.
pub(super) fn spread(stats: &mut ShardStats, number: u16, ns: u64) {
    let times = &mut stats.times[number as usize];
    if times.is_none() {
        *times = new_histogram().map(Box::new);
    }
    if let Some(times) = times {
        // It grows by itself, so every value fits.
        let _ = times.record(ns.max(1));
    }
}

pub(super) fn count_error(part: &mut Shard, error: &CommandError) {
    let code = String::from_utf8_lossy(error.code());
    if let Some(count) = part.stats.errors.get_mut(&*code) {
        *count += 1;
    } else if part.stats.errors.len() < ErrorCounts::MOST_CODES {
        part.stats.errors.insert(code.into(), 1);
    }
}

/// Whether a request walks over a big value. Its first key tells; values that come together by
/// their number are bounded by the request itself.
#[inline]
fn walks_far(parts: &[Box<Shard>], batch: &Batch, request: &Request) -> bool {
    if !request.command.flags.has(Flags::WALKS) || request.hash_count == 0 {
        return false;
    }
    let Batch { arena, refs, shared, hashes, .. } = batch;
    let shard = &parts[0];
    let args = request.args(arena, refs, shared, hashes, &shard.hasher);
    let key = args.key(request.stride.first as usize);
    let entry = shard.dbs[request.db.0 as usize].get(key.bytes, key.hash);
    let Some(entry) = entry.filter(|entry| entry.allocation_size() > SHORT_WALK) else {
        return false;
    };
    let len = || entry.object().map_or(0, ObjectRef::len);
    !request.command.flags.has(Flags::WALKS_PLACES) || spans(args, len()) > SHORT_RANGE
}

/// How many of `len` elements stand from the place that the second argument says to the one of the
/// third; none if those are no places.
fn spans(args: Args<'_>, len: usize) -> usize {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let place = |at| {
        let place = args.get(at).and_then(parse_integer)?;
        Some(if place < 0 { place.saturating_add(len).max(0) } else { place.min(len) })
    };
    let Some((first, last)) = place(2).zip(place(3)) else { return 0 };
    usize::try_from(last - first + 1).unwrap_or(0)
}

/// Whether a watched key changed; the client's watches end either way.
fn check_watches(parts: &mut [Box<Shard>], transaction: &Transaction) -> bool {
    let mut dirty = false;
    for part in parts {
        let Shard { dbs, watch, now_ms, hasher, .. } = &mut **part;
        if watch.is_empty() {
            continue;
        }
        dirty |= watch.is_dirty(transaction.client, |db, key| {
            let entry = dbs[db.0 as usize].get(key, hasher.hash(key));
            entry.and_then(|entry| entry.expiry()).is_some_and(|at| at <= *now_ms)
        });
        watch.unwatch(transaction.client);
    }
    dirty
}

/// The prefetch passes over the keys of a batch, ahead of its run.
struct Prefetch {
    /// Keys up to here may be asked for before the passes have to go on.
    group_end: usize,
}

impl Prefetch {
    /// Starts ahead of the first request that is to run.
    fn begin(parts: &[Box<Shard>], batch: &Batch) -> Prefetch {
        let Some(request) = batch.requests.get(batch.next) else {
            return Prefetch { group_end: usize::MAX };
        };
        let (db, start) = (request.db, request.first_hash as usize);
        buckets(parts, batch, db, start..start + 2 * PREFETCH_GROUP);
        entries(parts, batch, db, start..start + PREFETCH_GROUP);
        Prefetch { group_end: start }
    }

    /// `request` is about to run: if its keys are not behind the passes, those go on. The database
    /// of the keys that follow is taken to be that of `request`: at worst a pass is in vain.
    #[inline]
    fn go_before(&mut self, parts: &[Box<Shard>], batch: &Batch, request: &Request) {
        let last = (request.first_hash + request.hash_count) as usize;
        if request.hash_count as usize > 2 * PREFETCH_GROUP {
            // The first of its keys would be gone from the cache before the last are there.
            self.group_end = self.group_end.max(last);
        }
        while last > self.group_end {
            self.group_end += PREFETCH_GROUP;
            let end = self.group_end;
            entries(parts, batch, request.db, end..end + PREFETCH_GROUP);
            buckets(parts, batch, request.db, end + PREFETCH_GROUP..end + 2 * PREFETCH_GROUP);
        }
    }
}

/// First pass: the buckets of some keys.
fn buckets(parts: &[Box<Shard>], batch: &Batch, db: DbIndex, range: Range<usize>) {
    for_each_key(parts, batch, db, range, Db::prefetch_bucket);
}

/// Second pass: the entries that the buckets point to.
fn entries(parts: &[Box<Shard>], batch: &Batch, db: DbIndex, range: Range<usize>) {
    for_each_key(parts, batch, db, range, Db::prefetch_entry);
}

#[inline]
fn for_each_key(
    parts: &[Box<Shard>],
    batch: &Batch,
    db: DbIndex,
    range: Range<usize>,
    pass: impl Fn(&Db, KeyHash),
) {
    let [part] = parts else { return };
    let end = range.end.min(batch.hashes.len());
    let db = &part.dbs[db.0 as usize];
    for &hash in &batch.hashes[range.start.min(end)..end] {
        pass(db, hash);
    }
}
