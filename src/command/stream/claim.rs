//! Pending entries that change their consumer: XCLAIM, XAUTOCLAIM.

use super::super::error::CommandError;
use super::super::{Args, CommandResult, Effect, Key, Write};
use super::read::state_position;
use super::{CREATE_CONSUMER, Delivery, errors, ids, reply, state_delivery};
use crate::resp::Writer;
use crate::value::stream::{ConsumerId, GroupMut, Pending, Stream, StreamId};

/// What both commands do with an entry, and what they noted of it.
struct Claim<'c, 's> {
    group: &'c mut GroupMut<'s>,
    consumer: ConsumerId,
    now_ms: i64,
    min_idle_ms: i64,
    just_id: bool,
    done: Done,
}

/// What was done to the pending list.
#[derive(Default)]
struct Done {
    /// The consumer is new.
    created: bool,
    /// Entries that were given to the consumer.
    given: Vec<Delivery>,
    /// Entries that were taken off the list, since they are gone.
    cleared: Vec<Cleared>,
    /// The group's last id was moved.
    moved: bool,
    last_id: StreamId,
    read: Option<i64>,
}

/// An entry that is pending no more, and with whom it was.
struct Cleared {
    delivery: Delivery,
    consumer: Vec<u8>,
}

impl<'c, 's> Claim<'c, 's> {
    /// Finds the consumer, or creates it.
    fn new(
        group: &'c mut GroupMut<'s>,
        consumer_name: &[u8],
        now_ms: i64,
        min_idle_ms: i64,
        just_id: bool,
    ) -> Claim<'c, 's> {
        let known = group.find_consumer(consumer_name);
        let consumer = known.unwrap_or_else(|| group.create_consumer(consumer_name, now_ms));
        group.consumer_mut(consumer).seen_ms = now_ms;
        let done = Done { created: known.is_none(), ..Done::default() };
        Claim { group, consumer, now_ms, min_idle_ms: min_idle_ms.max(0), just_id, done }
    }

    /// Takes an entry that is gone off the list. False if it was not pending.
    fn clear(&mut self, id: StreamId) -> bool {
        let Some(pending) = self.group.settle(id) else { return false };
        let Pending { delivered_ms, deliveries, consumer } = pending;
        let delivery = Delivery { id, delivered_ms, deliveries };
        let consumer = self.group.consumer(consumer).name().to_vec();
        self.done.cleared.push(Cleared { delivery, consumer });
        true
    }

    /// Whether an entry has been pending for long enough.
    fn is_idle(&self, pending: &Pending) -> bool {
        let idle_ms = self.now_ms.saturating_sub(pending.delivered_ms);
        self.min_idle_ms == 0 || idle_ms >= self.min_idle_ms
    }

    /// Gives an entry, which is there, to the consumer.
    fn give(&mut self, id: StreamId, delivered_ms: i64, deliveries: i64) {
        let pending = Pending { delivered_ms, deliveries, consumer: self.consumer };
        self.group.assign(id, pending);
        self.group.consumer_mut(self.consumer).active_ms = Some(self.now_ms);
        self.done.given.push(Delivery { id, delivered_ms, deliveries });
    }

    /// Writes the entries that were given to the consumer.
    fn write_given(&self, out: &mut Writer<'_>) {
        out.array(self.done.given.len());
        for &Delivery { id, .. } in &self.done.given {
            if self.just_id {
                reply::id(out, id);
            } else {
                reply::entry_of(out, self.group.log(), id);
            }
        }
    }

    /// What was done.
    fn finish(mut self) -> Done {
        self.done.last_id = self.group.last_id();
        self.done.read = self.group.read();
        self.done
    }
}

/// States what was done: every change of the pending list as a claim.
fn state(cx: &mut Write<'_>, key: &Key<'_>, group: &[u8], consumer: &[u8], done: &Done) {
    if done.created {
        let effect: &[&[u8]] = &[b"XGROUP", b"CREATECONSUMER", key.bytes, group, consumer];
        cx.noted(key, Some(CREATE_CONSUMER), Effect::Rewrite(effect));
    }
    for Cleared { delivery, consumer } in &done.cleared {
        state_delivery(cx, key, (group, consumer), delivery, done.last_id);
    }
    for delivery in &done.given {
        state_delivery(cx, key, (group, consumer), delivery, done.last_id);
    }
    if done.moved && done.given.is_empty() && done.cleared.is_empty() {
        state_position(cx, key, group, done.last_id, done.read);
    }
}

/// The options of XCLAIM.
#[derive(Default)]
struct Options {
    /// When the entries count as delivered; now if it is not said.
    delivered_ms: Option<i64>,
    deliveries: Option<i64>,
    force: bool,
    just_id: bool,
    last_id: StreamId,
}

impl Options {
    fn read(args: Args<'_>, mut at: usize, now_ms: i64) -> Result<Options, CommandError> {
        let mut options = Options::default();
        while at < args.len() {
            let has_more = at + 1 < args.len();
            if args.is(at, "FORCE") {
                options.force = true;
                at += 1;
                continue;
            }
            if args.is(at, "JUSTID") {
                options.just_id = true;
                at += 1;
                continue;
            }
            if args.is(at, "IDLE") && has_more {
                let idle_ms = args.integer(at + 1).map_err(|_| errors::XCLAIM_IDLE)?;
                options.delivered_ms = Some(now_ms.wrapping_sub(idle_ms));
            } else if args.is(at, "TIME") && has_more {
                let time_ms = args.integer(at + 1).map_err(|_| errors::XCLAIM_TIME)?;
                options.delivered_ms = Some(time_ms);
            } else if args.is(at, "RETRYCOUNT") && has_more {
                let count = args.integer(at + 1).map_err(|_| errors::XCLAIM_RETRYCOUNT)?;
                options.deliveries = Some(count).filter(|count| *count >= 0);
            } else if args.is(at, "LASTID") && has_more {
                options.last_id = ids::strict(&args[at + 1], 0)?;
            } else {
                return Err(errors::unrecognized_claim_option(&args[at]));
            }
            at += 2;
        }
        // A time that makes no sense is not worth an error: clients compute it from their clocks.
        options.delivered_ms =
            options.delivered_ms.filter(|time_ms| (0..=now_ms).contains(time_ms));
        Ok(options)
    }
}

/// XCLAIM key group consumer min-idle-time id [id …] [IDLE ms] [TIME unix-time-milliseconds]
/// [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]
pub(super) fn xclaim(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let (group_name, consumer_name) = (&args[2], &args[3]);
    let found = cx.read_as::<Stream>(&key)?;
    if found.is_none_or(|stream| stream.group(group_name).is_none()) {
        return Err(errors::no_group(key.bytes, group_name));
    }
    let min_idle_ms = args.integer(4).map_err(|_| errors::XCLAIM_MIN_IDLE)?;
    // The first argument that is no id begins the options.
    let ids: Vec<StreamId> =
        (5..args.len()).map_while(|at| ids::strict(&args[at], 0).ok()).collect();
    let now_ms = cx.now_ms();
    let options = Options::read(args, 5 + ids.len(), now_ms)?;
    let edited = cx.edit(&key, |stream: &mut Stream| {
        let mut group = stream.group_mut(group_name)?;
        let moved = group.raise_last_id(options.last_id);
        let mut claim = Claim::new(&mut group, consumer_name, now_ms, min_idle_ms, options.just_id);
        claim.done.moved = moved;
        for id in ids {
            claim_one(&mut claim, &options, id);
        }
        claim.write_given(out);
        Some(claim.finish())
    })?;
    if let Some(done) = edited.and_then(|edited| edited.result) {
        cx.together(|cx| state(cx, &key, group_name, consumer_name, &done));
    }
    Ok(())
}

/// Claims one entry, if it may be.
fn claim_one(claim: &mut Claim<'_, '_>, options: &Options, id: StreamId) {
    let pending = claim.group.pending(id).copied();
    if !claim.group.log().contains(id) {
        claim.clear(id);
        return;
    }
    let delivered_ms = options.delivered_ms.unwrap_or(claim.now_ms);
    let deliveries = match pending {
        Some(pending) if !claim.is_idle(&pending) => return,
        Some(pending) => pending.deliveries,
        // A new one counts as delivered once.
        None if options.force => 1,
        None => return,
    };
    let deliveries = match options.deliveries {
        Some(deliveries) => deliveries,
        None if options.just_id => deliveries,
        None => deliveries.wrapping_add(1),
    };
    claim.give(id, delivered_ms, deliveries);
}

/// Entries that XAUTOCLAIM claims when it is not told.
const USUAL_COUNT: i64 = 100;
/// Redis's bound of COUNT, which keeps its arithmetic and its memory in range.
const COUNT_MAX: i64 = i64::MAX / 16;
/// How many pending entries are looked at for each that may be claimed.
const ATTEMPTS_PER_ENTRY: i64 = 10;

/// XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]
pub(super) fn xautoclaim(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let min_idle_ms = args.integer(4).map_err(|_| errors::XAUTOCLAIM_MIN_IDLE)?;
    let start = ids::interval_start(&args[5])?;
    let (mut count, mut just_id) = (USUAL_COUNT, false);
    let mut at = 6;
    while at < args.len() {
        if args.is(at, "COUNT") && at + 1 < args.len() {
            let given = args.integer(at + 1).ok().filter(|n| (1..=COUNT_MAX).contains(n));
            count = given.ok_or(errors::XAUTOCLAIM_COUNT)?;
            at += 2;
        } else if args.is(at, "JUSTID") {
            just_id = true;
            at += 1;
        } else {
            return Err(CommandError::SYNTAX);
        }
    }
    let (key, now_ms) = (args.key(1), cx.now_ms());
    let (group_name, consumer_name) = (&args[2], &args[3]);
    let edited = cx.edit(&key, |stream: &mut Stream| {
        let mut group = stream.group_mut(group_name)?;
        let claim = Claim::new(&mut group, consumer_name, now_ms, min_idle_ms, just_id);
        Some(claim_from(claim, start, count, out))
    })?;
    let done = edited.and_then(|edited| edited.result);
    let done = done.ok_or_else(|| errors::no_group(key.bytes, group_name))?;
    cx.together(|cx| state(cx, &key, group_name, consumer_name, &done));
    Ok(())
}

/// Claims entries in order from `start` on, and replies where to go on, the entries, and the ids of
/// those that were gone.
fn claim_from(
    mut claim: Claim<'_, '_>,
    start: StreamId,
    mut count: i64,
    out: &mut Writer<'_>,
) -> Done {
    let mut next = Some(start);
    let mut attempts = count * ATTEMPTS_PER_ENTRY;
    let following = |claim: &Claim<'_, '_>, next: Option<StreamId>| {
        let mut from = claim.group.pending_range(next?..=StreamId::MAX);
        from.next().map(|(id, pending)| (id, *pending))
    };
    while attempts > 0 && count > 0 {
        let Some((id, pending)) = following(&claim, next) else { break };
        next = id.next();
        attempts -= 1;
        if !claim.group.log().contains(id) {
            claim.clear(id);
            count -= 1;
        } else if claim.is_idle(&pending) {
            let once_more = i64::from(!claim.just_id);
            claim.give(id, claim.now_ms, pending.deliveries.wrapping_add(once_more));
            count -= 1;
        }
    }
    out.array(3);
    reply::id(out, following(&claim, next).map_or(StreamId::MIN, |(id, _)| id));
    claim.write_given(out);
    out.array(claim.done.cleared.len());
    for cleared in &claim.done.cleared {
        reply::id(out, cleared.delivery.id);
    }
    claim.finish()
}
