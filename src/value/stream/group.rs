//! Consumer groups: what was delivered to whom and not yet acknowledged.
//!
//! A pending entry is kept once, in the group's list by id, with the number of its consumer; the
//! consumers' own lists are only ids. Groups and consumers are in the order of their names' bytes,
//! as clients see them.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ops::RangeInclusive;
use std::sync::Arc;

use slab::Slab;

use super::StreamId;
use super::log::Log;
use crate::value::size_class::size_class;

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// When it was last delivered, in milliseconds of Unix time.
    pub delivered_ms: i64,
    /// How often.
    pub deliveries: i64,
    /// To whom.
    pub consumer: ConsumerId,
}

/// A consumer of a group. Valid as long as the consumer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerId(u32);

/// A consumer.
#[derive(Clone)]
pub struct Consumer {
    name: Arc<[u8]>,
    /// When it last tried to read or claim, in milliseconds of Unix time.
    pub seen_ms: i64,
    /// When it last was given something; none if never.
    pub active_ms: Option<i64>,
    pending: BTreeSet<StreamId>,
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// How many entries are pending with it.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }
}

/// A consumer group.
#[derive(Clone)]
pub struct Group {
    last_id: StreamId,
    read: Option<i64>,
    pending: BTreeMap<StreamId, Pending>,
    consumers: Slab<Consumer>,
    names: BTreeMap<Arc<[u8]>, ConsumerId>,
    /// Bytes of the consumers' names.
    name_bytes: usize,
}

/// Heap bytes of a B-tree with `len` elements: nodes hold up to 11, and about 7 where elements come
/// in ascending order.
pub(super) fn tree_bytes(len: usize, element: usize) -> usize {
    const LEAST_FULL: usize = 7;
    const NODE: usize = 11;
    let leaves = if len <= NODE { usize::from(len > 0) } else { len.div_ceil(LEAST_FULL) };
    leaves * size_class(NODE * element + 12)
}

impl Group {
    /// A group that starts behind `last_id`; `read`: how many entries that are, if it is known.
    pub(super) fn new(last_id: StreamId, read: Option<i64>) -> Group {
        Group {
            last_id,
            read,
            pending: BTreeMap::new(),
            consumers: Slab::new(),
            names: BTreeMap::new(),
            name_bytes: 0,
        }
    }

    /// The last id that was delivered.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries of the stream were read, if it is known.
    pub fn read(&self) -> Option<i64> {
        self.read
    }

    /// How many are left to read, if it can be told.
    pub fn lag(&self, log: &Log) -> Option<i64> {
        log.lag(self.read, self.last_id)
    }

    /// Sets up to where the group has read.
    pub fn set_position(&mut self, last_id: StreamId, read: Option<i64>) {
        (self.last_id, self.read) = (last_id, read);
    }

    /// The group reads an entry: true if it is behind all it has read.
    pub fn read_up_to(&mut self, log: &Log, id: StreamId) -> bool {
        let advances = id > self.last_id;
        if advances {
            self.read = log.count_read(self.read, self.last_id, id);
            self.last_id = id;
        }
        advances
    }

    /// Moves the last id forward, the count of entries read untouched: `XCLAIM … LASTID`.
    pub fn raise_last_id(&mut self, id: StreamId) -> bool {
        let raises = id > self.last_id;
        self.last_id = self.last_id.max(id);
        raises
    }

    /// How many entries are pending.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// A pending entry.
    pub fn pending(&self, id: StreamId) -> Option<&Pending> {
        self.pending.get(&id)
    }

    /// The pending entries with these ids.
    pub fn pending_range(
        &self,
        ids: RangeInclusive<StreamId>,
    ) -> impl DoubleEndedIterator<Item = (StreamId, &Pending)> {
        in_order(ids).into_iter().flat_map(|ids| self.pending.range(ids)).map(|(id, p)| (*id, p))
    }

    /// The pending entries of one consumer with these ids.
    pub fn pending_of(
        &self,
        consumer: ConsumerId,
        ids: RangeInclusive<StreamId>,
    ) -> impl Iterator<Item = (StreamId, &Pending)> {
        let own = &self.consumer(consumer).pending;
        let own = in_order(ids).into_iter().flat_map(move |ids| own.range(ids));
        own.filter_map(|id| self.pending.get(id).map(|pending| (*id, pending)))
    }

    /// A consumer by name.
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        self.names.get(name).copied()
    }

    /// A consumer.
    pub fn consumer(&self, id: ConsumerId) -> &Consumer {
        &self.consumers[id.0 as usize]
    }

    /// A consumer, to change.
    pub fn consumer_mut(&mut self, id: ConsumerId) -> &mut Consumer {
        &mut self.consumers[id.0 as usize]
    }

    /// The consumers in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = (ConsumerId, &Consumer)> {
        self.names.values().map(|&id| (id, self.consumer(id)))
    }

    /// Creates a consumer, whose name must be new.
    pub fn create_consumer(&mut self, name: &[u8], now_ms: i64) -> ConsumerId {
        let name: Arc<[u8]> = name.into();
        self.name_bytes += size_class(name.len() + 2 * size_of::<usize>());
        let pending = BTreeSet::new();
        let consumer = Consumer { name: name.clone(), seen_ms: now_ms, active_ms: None, pending };
        let id = ConsumerId(self.consumers.insert(consumer) as u32);
        self.names.insert(name, id);
        id
    }

    /// Removes a consumer and what is pending with it; gives how many entries that were.
    pub fn remove_consumer(&mut self, id: ConsumerId) -> usize {
        let consumer = self.consumers.remove(id.0 as usize);
        self.names.remove(&consumer.name);
        self.name_bytes -= size_class(consumer.name.len() + 2 * size_of::<usize>());
        for id in &consumer.pending {
            self.pending.remove(id);
        }
        consumer.pending.len()
    }

    /// Gives an entry to a consumer, be it pending with another one or not.
    pub fn assign(&mut self, id: StreamId, pending: Pending) {
        match self.pending.entry(id) {
            btree_map::Entry::Vacant(place) => drop(place.insert(pending)),
            btree_map::Entry::Occupied(mut place) => {
                let old = place.insert(pending);
                if old.consumer == pending.consumer {
                    return;
                }
                self.consumers[old.consumer.0 as usize].pending.remove(&id);
            }
        }
        self.consumer_mut(pending.consumer).pending.insert(id);
    }

    /// Takes an entry off the list: it is acknowledged, or gone. None if it was not pending.
    pub fn settle(&mut self, id: StreamId) -> Option<Pending> {
        let pending = self.pending.remove(&id)?;
        self.consumer_mut(pending.consumer).pending.remove(&id);
        Some(pending)
    }

    /// Heap bytes, as near as can be told without a walk.
    pub(super) fn bytes(&self) -> usize {
        let pending = self.pending.len();
        let consumers = self.consumers.len();
        tree_bytes(pending, size_of::<(StreamId, Pending)>())
            + tree_bytes(pending, size_of::<StreamId>())
            + size_class(self.consumers.capacity() * (size_of::<Consumer>() + size_of::<usize>()))
            + tree_bytes(consumers, size_of::<(Arc<[u8]>, ConsumerId)>())
            + self.name_bytes
    }
}

/// A range, unless it ends before it starts.
fn in_order(ids: RangeInclusive<StreamId>) -> Option<RangeInclusive<StreamId>> {
    (ids.start() <= ids.end()).then_some(ids)
}
