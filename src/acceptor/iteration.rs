//! One event-loop iteration: what came in, where it went, and how its replies come together.
//!
//! A *member* is a connection with requests in the iteration; its *slots* are those requests in
//! order, each with the source of its reply. A member's replies are delivered as soon as every
//! shard that it needs has returned its batch, whatever the other members wait for.

use std::ops::Range;
use std::sync::Arc;

use super::routing::Routing;
use super::whole::Gathered;
use crate::channel::{Batch, Blocked, Errand, Meeting};
use crate::command::{ClientId, Command, Merge};
use crate::resp::{Mark, Proto, ReplyBuf};

/// Where the reply of a request comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// It is in the iteration's own buffer.
    Local {
        /// Where it begins.
        from: Mark,
        /// Where it ends.
        to: Mark,
    },
    /// Request `request` of the batch for `shard`.
    Shard {
        /// The shard.
        shard: u16,
        /// Index of the request in its batch.
        request: u32,
    },
    /// The parts of split command `.0`.
    Split(u32),
    /// The job of meeting `.0`.
    Meeting(u32),
    /// Transaction `.0`.
    Transaction(u32),
}

/// One request of a member.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// Where its reply comes from.
    pub source: Source,
    /// `CLIENT REPLY` suppresses it.
    pub muted: bool,
}

impl Slot {
    /// Whether its reply stands right behind that of `before`, in the same buffer.
    #[inline]
    fn follows(&self, before: &Slot) -> bool {
        match (before.source, self.source) {
            (Source::Local { to, .. }, Source::Local { from, .. }) => to == from,
            (Source::Shard { shard, request }, Source::Shard { shard: own, request: next }) => {
                shard == own && request + 1 == next
            }
            _ => false,
        }
    }
}

/// A connection with requests in the iteration.
pub struct Member {
    /// Its place among the acceptor's connections.
    pub connection: usize,
    /// Who it was: a place can be reused, a client's number cannot.
    pub client: ClientId,
    /// Its first slot.
    pub first_slot: usize,
    /// One past its last slot.
    pub end_slot: usize,
    /// The shards that it needs.
    pub needs: ShardSet,
    /// The first of them.
    pub first_shard: Option<u16>,
    /// Its replies are delivered.
    pub delivered: bool,
}

/// A set of shards as bits. Above 64 shards two may share a bit: then a member may wait for one
/// more than it needs, never for one less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardSet(u64);

impl ShardSet {
    /// Adds a shard.
    #[inline]
    pub fn insert(&mut self, shard: usize) {
        self.0 |= 1 << (shard % 64);
    }

    /// Whether they share a shard.
    pub fn meets(self, other: ShardSet) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A split command: its parts, and which part has each of its keys, stand in the iteration.
pub struct Split {
    /// How the parts' replies become one.
    pub merge: Merge,
    /// Its parts in [`Iteration::split_parts`].
    pub parts: Range<usize>,
    /// Its keys in [`Iteration::split_order`]; none if each part is the whole request.
    pub order: Range<usize>,
    /// Protocol of the reply.
    pub proto: Proto,
}

/// One step of a transaction.
#[derive(Clone, Copy, Debug)]
pub enum Planned {
    /// The next request of the job.
    Shard,
    /// Request `.0` of the commands that the acceptor runs itself.
    Local(u32),
}

/// A transaction on its way.
pub struct Exec {
    /// The row of EXEC.
    pub command: &'static Command,
    /// Where its job is run; `None` if nothing of it needs a shard.
    pub meeting: Option<Arc<Meeting>>,
    /// Its commands in order.
    pub plan: Vec<Planned>,
    /// Commands that the acceptor runs itself when the outcome is known.
    pub locals: Box<Batch>,
    /// Protocol of the reply.
    pub proto: Proto,
}

/// An iteration, while it is built and while it is in flight.
#[derive(Default)]
pub struct Iteration {
    /// Its members in the order in which they were read.
    pub members: Vec<Member>,
    /// All slots, those of one member together.
    pub slots: Vec<Slot>,
    /// Replies that the acceptor made itself.
    pub local: ReplyBuf,
    /// Split commands.
    pub splits: Vec<Split>,
    /// Shard and request index of the parts of all split commands.
    pub split_parts: Vec<(u16, u32)>,
    /// For each key of all split commands: the part that has it, counted from the first part of
    /// its command.
    pub split_order: Vec<u16>,
    /// Meetings of joint commands.
    pub meetings: Vec<Arc<Meeting>>,
    /// Jobs of meetings, once they are run.
    pub jobs: Vec<Option<Box<Batch>>>,
    /// Transactions.
    pub execs: Vec<Option<Exec>>,
    /// The batch for each shard while it is here.
    pub batches: Vec<Option<Box<Batch>>>,
    /// Shards with a batch in this iteration.
    pub touched: Vec<u16>,
    /// Those of them whose boxes were borrowed.
    pub borrowed: Vec<u16>,
    /// It must be placed while holding the baton.
    pub ordered: bool,
    /// Some request of it is a rendezvous of several shards.
    pub meets: bool,
    /// Set while its batches are away as one.
    pub whole: Option<Gathered>,
    /// Batches that are out.
    pub outstanding: usize,
    /// Shards whose batches are out.
    pub out: ShardSet,
    /// Members whose replies are not delivered.
    pub undelivered: usize,
    /// The iteration whose errands this one does, and which goes on when they are done.
    pub origin: Option<Box<Iteration>>,
}

/// Room for the order of so many keys is kept for reuse.
const KEPT_ORDER: usize = 32 * 1024;

impl Iteration {
    /// An empty iteration over `shards` shards.
    pub fn new(shards: usize) -> Iteration {
        Iteration { batches: (0..shards).map(|_| None).collect(), ..Iteration::default() }
    }

    /// Empties it for reuse; its batches go to `spare`.
    pub fn clear(&mut self, spare: &mut Vec<Box<Batch>>) {
        for shard in self.touched.drain(..) {
            if let Some(batch) = self.batches[shard as usize].take() {
                spare.push(batch);
            }
        }
        self.borrowed.clear();
        self.members.clear();
        self.slots.clear();
        self.local.clear();
        self.splits.clear();
        self.split_parts.clear();
        self.split_order.clear();
        self.split_order.shrink_to(KEPT_ORDER);
        self.meetings.clear();
        self.jobs.clear();
        self.execs.clear();
        self.ordered = false;
        self.meets = false;
        self.whole = None;
        self.outstanding = 0;
        self.out = ShardSet::default();
        self.undelivered = 0;
        self.origin = None;
    }

    /// Whether nothing was asked of it.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.touched.is_empty()
    }

    /// The batch for `shard`, a spare or new one if it has none yet.
    #[inline]
    pub fn batch(&mut self, shard: usize, spare: &mut Vec<Box<Batch>>) -> &mut Batch {
        let place = &mut self.batches[shard];
        if place.is_none() {
            self.touched.push(shard as u16);
            let mut batch = spare.pop().unwrap_or_default();
            batch.clear();
            batch.shard = shard as u16;
            *place = Some(batch);
        }
        place.as_mut().expect("it was just put there")
    }

    /// Notes that the member being read (the last) needs `shard`; an iteration with a member that
    /// needs several is ordered.
    #[inline]
    pub fn need(&mut self, shard: usize) {
        let Some(member) = self.members.last_mut() else { return };
        member.needs.insert(shard);
        if usize::from(*member.first_shard.get_or_insert(shard as u16)) != shard {
            self.ordered = true;
        }
    }

    /// Adds a slot to the member being read.
    #[inline]
    pub fn push_slot(&mut self, source: Source, muted: bool) {
        self.slots.push(Slot { source, muted });
        if let Some(member) = self.members.last_mut() {
            member.end_slot = self.slots.len();
        }
    }

    /// How many slots from `slot` on, before `end`, have replies that stand one behind the other in
    /// one buffer: they are copied in one go.
    #[inline]
    pub(super) fn neighbours(&self, slot: usize, end: usize) -> usize {
        let own = &self.slots[slot..end];
        let follows = |at: usize| at == 0 || own[at].follows(&own[at - 1]);
        (0..own.len()).take_while(|&at| !own[at].muted && follows(at)).count()
    }

    /// Begins a split command: parts and order of its keys follow, then [`Iteration::push_split`].
    pub(super) fn begin_split(&self, merge: Merge, proto: Proto) -> Split {
        let (parts, order) = (self.split_parts.len(), self.split_order.len());
        Split { merge, parts: parts..parts, order: order..order, proto }
    }

    /// Adds a part to the split command being built: request `request` of the batch for `shard`.
    pub(super) fn add_part(&mut self, split: &mut Split, shard: u16, request: u32) {
        self.split_parts.push((shard, request));
        split.parts.end = self.split_parts.len();
    }

    /// Notes which part has each key of the split command being built.
    pub(super) fn order_keys(&mut self, split: &mut Split, routing: &Routing) {
        let part = |shard| routing.distinct().binary_search(shard).unwrap_or(0) as u16;
        self.split_order.extend(routing.shards().iter().map(part));
        split.order.end = self.split_order.len();
    }

    /// Adds a split command to the member being read.
    pub(super) fn push_split(&mut self, split: Split, muted: bool) {
        self.splits.push(split);
        self.push_slot(Source::Split(self.splits.len() as u32 - 1), muted);
    }

    /// The parts of a split command.
    pub fn parts(&self, split: &Split) -> &[(u16, u32)] {
        &self.split_parts[split.parts.clone()]
    }

    /// The part that has each key of a split command.
    pub fn order(&self, split: &Split) -> &[u16] {
        &self.split_order[split.order.clone()]
    }

    /// Whether its batches have left errands.
    pub fn has_errands(&self) -> bool {
        let mut batches = self.touched.iter().filter_map(|&at| self.batches[at as usize].as_ref());
        batches.any(|batch| !batch.errands.is_empty())
    }

    /// Takes the errands that its batches have left.
    pub fn take_errands(&mut self) -> Vec<Arc<Errand>> {
        let batches = self.batches.iter_mut().flatten();
        batches.flat_map(|batch| std::mem::take(&mut batch.errands)).collect()
    }

    /// The wait that a request has come to, if it has not its reply.
    pub fn wait_of(&mut self, source: Source) -> Option<Arc<Blocked>> {
        match source {
            Source::Shard { shard, request } => {
                self.batches[shard as usize].as_ref()?.wait_of(request as usize).cloned()
            }
            Source::Meeting(meeting) => self.job(meeting)?.wait_of(0).cloned(),
            Source::Local { .. } | Source::Split(_) | Source::Transaction(_) => None,
        }
    }

    /// Collects the finished jobs of meetings whose shards have all returned.
    pub fn job(&mut self, meeting: u32) -> Option<&Batch> {
        let at = meeting as usize;
        if self.jobs.len() <= at {
            self.jobs.resize_with(at + 1, || None);
        }
        if self.jobs[at].is_none() {
            self.jobs[at] = self.meetings[at].result();
        }
        self.jobs[at].as_deref()
    }
}
