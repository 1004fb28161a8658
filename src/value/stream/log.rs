//! The entries of a stream and the counters that describe them, without the consumer groups.
//!
//! Redis's bookkeeping, to the letter, since clients see it: a removed entry is a tombstone that
//! keeps its place until its node goes, the greatest id ever removed is remembered (but not by
//! trimming), and "how many entries were added before this id" is told only where it is certain.

use super::coding::{self, View};
use super::entries::{Entries, EntriesBack};
use super::nodes::{Cursor, Nodes};
use super::{Corrupt, StreamId};
use crate::value::listpack::{Listpack, Slice};

/// When a new node is begun.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a node's listpack (`stream-node-max-bytes`); 0: as many as a listpack can hold.
    pub node_bytes: u64,
    /// Entries of a node, removed ones included (`stream-node-max-entries`); 0: any number.
    pub node_entries: u64,
}

/// Most bytes of a node, and of one entry's names and values together: 1 GiB.
pub const MAX_ENTRY_BYTES: u64 = 1 << 30;

/// Bytes of a listpack's element beside its content, at most.
const MAX_HEAD: u64 = 10;

/// Up to where a stream is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// To so many entries.
    Len(u64),
    /// Entries with smaller ids go.
    Id(StreamId),
}

/// How a stream is trimmed.
#[derive(Clone, Copy, Debug)]
pub struct Trim {
    /// Up to where.
    pub threshold: Threshold,
    /// Only as far as whole nodes go.
    pub approximate: bool,
    /// Ends before a node with which more entries than these would be removed; 0: no limit.
    pub limit: u64,
}

/// Why an entry could not be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// Its id is not above the last one.
    IdTooSmall,
    /// It is larger than a node can be.
    TooLarge,
}

/// The entries of a stream.
#[derive(Default)]
pub struct Log {
    nodes: Nodes,
    len: u64,
    last_id: StreamId,
    first_id: StreamId,
    max_deleted_id: StreamId,
    added: u64,
}

/// The counters of a stream, as a file or `XSETID` states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// The last id that was given.
    pub last_id: StreamId,
    /// The greatest id that was removed.
    pub max_deleted_id: StreamId,
    /// How many entries were ever added.
    pub added: u64,
}

impl Log {
    /// How many entries there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The id of the last entry that was ever added, or what `XSETID` made of it.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// The id of the first entry; 0-0 if there is none.
    pub fn first_id(&self) -> StreamId {
        self.first_id
    }

    /// The greatest id that was removed otherwise than by trimming.
    pub fn max_deleted_id(&self) -> StreamId {
        self.max_deleted_id
    }

    /// How many entries were ever added.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many nodes a radix tree of the nodes' ids has.
    pub fn radix_nodes(&self) -> usize {
        self.nodes.radix_nodes()
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.bytes()
    }

    /// The nodes in order: the id of the master entry and the listpack.
    pub fn nodes(&self) -> impl Iterator<Item = (StreamId, Slice<'_>)> {
        let mut next = self.nodes.first();
        std::iter::from_fn(move || {
            let cursor = next?;
            next = self.nodes.next(cursor);
            let node = self.nodes.get(cursor);
            Some((node.id, node.pack))
        })
    }

    /// The entries with ids from `start` to `end`, both included.
    pub fn range(&self, start: StreamId, end: StreamId) -> Entries<'_> {
        Entries::new(&self.nodes, start, end)
    }

    /// [`Log::range`] in descending order.
    pub fn range_back(&self, start: StreamId, end: StreamId) -> EntriesBack<'_> {
        EntriesBack::new(&self.nodes, start, end)
    }

    /// Whether there is an entry of this id.
    pub fn contains(&self, id: StreamId) -> bool {
        self.range(id, id).next().is_some()
    }

    /// The id of the last entry that is there.
    pub fn last_entry_id(&self) -> Option<StreamId> {
        self.range_back(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id)
    }

    /// Where the first node's first entry is, be it a tombstone: an exact threshold that removes
    /// what an approximate one did. [`StreamId::MAX`] if nothing is left.
    pub fn trimmed_to(&self) -> StreamId {
        self.nodes.first().map_or(StreamId::MAX, |first| {
            let view = View::of(self.nodes.get(first));
            view.first().map_or(StreamId::MAX, |at| view.entry(at).id)
        })
    }

    /// Adds an entry: its id must be above the last one.
    pub fn append<'f>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
        limits: Limits,
    ) -> Result<(), AppendError> {
        if id <= self.last_id {
            return Err(AppendError::IdTooSmall);
        }
        let size: u64 = fields.clone().map(|(name, value)| (name.len() + value.len()) as u64).sum();
        // A listpack tells its length in 32 bits, those of its elements' heads included.
        let with_heads = size.saturating_add(2 * MAX_HEAD * fields.len() as u64);
        if size > MAX_ENTRY_BYTES || with_heads > u64::from(u32::MAX) / 2 {
            return Err(AppendError::TooLarge);
        }
        match self.nodes.last().filter(|&last| self.has_room(last, size, limits)) {
            None => self.nodes.push(id, coding::new_pack(fields)),
            Some(last) => {
                let node = self.nodes.get(last);
                let master = node.id;
                let same = View::of(node).has_names(fields.clone().map(|(name, _)| name));
                self.nodes.edit(last, |pack| coding::push_entry(pack, master, id, same, fields));
            }
        }
        self.len += 1;
        // A loaded stream may claim any number, which then wraps, as in Redis.
        self.added = self.added.wrapping_add(1);
        self.last_id = id;
        if self.len == 1 {
            self.first_id = id;
        }
        Ok(())
    }

    /// Whether an entry of `size` bytes goes into this node.
    fn has_room(&self, node: Cursor, size: u64, limits: Limits) -> bool {
        let most = match limits.node_bytes {
            0 => MAX_ENTRY_BYTES,
            bytes => bytes.min(MAX_ENTRY_BYTES),
        };
        let node = self.nodes.get(node);
        node.pack.as_bytes().len() as u64 + size < most
            && (limits.node_entries == 0 || View::of(node).total() < limits.node_entries)
    }

    /// Removes an entry. False if it is not there.
    pub fn remove(&mut self, id: StreamId) -> bool {
        let Some(cursor) = self.nodes.floor(id) else { return false };
        let view = View::of(self.nodes.get(cursor));
        let mut next = view.first();
        let tombstone = loop {
            let Some(at) = next else { return false };
            let entry = view.entry(at);
            match entry.id.cmp(&id) {
                std::cmp::Ordering::Less => next = entry.next(),
                std::cmp::Ordering::Equal if !entry.deleted => break entry.tombstone(),
                _ => return false,
            }
        };
        if view.live() == 1 {
            self.nodes.remove(cursor);
        } else {
            self.nodes.edit(cursor, |pack| {
                coding::mark_deleted(pack, tombstone);
                coding::count_deleted(pack, 1);
            });
        }
        self.len -= 1;
        self.max_deleted_id = self.max_deleted_id.max(id);
        if id == self.first_id || self.len == 0 {
            self.find_first();
        }
        true
    }

    /// Looks up the first entry.
    fn find_first(&mut self) {
        let first = self.range(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id);
        self.first_id = first.unwrap_or_default();
    }

    /// Removes entries from the front; gives how many.
    pub fn trim(&mut self, trim: Trim) -> u64 {
        let mut removed = 0;
        while let Some(front) = self.nodes.first() {
            let (live, fits) = self.front_of(front, trim);
            if self.is_trimmed(trim) || (trim.limit > 0 && removed + live > trim.limit) {
                break;
            }
            if fits {
                self.nodes.remove(front);
                self.len -= live;
                removed += live;
                continue;
            }
            if !trim.approximate {
                removed += self.trim_inside(front, trim, &mut |_| true);
            }
            break;
        }
        self.after_trim(removed)
    }

    /// [`Log::trim`], where `may_go` is asked about every entry before it is removed. Nodes that
    /// could go as a whole may then lose some entries only. An approximate one does nothing, since
    /// no node goes unasked; so it is in Redis 8.2.
    pub fn trim_asking(&mut self, trim: Trim, may_go: &mut dyn FnMut(StreamId) -> bool) -> u64 {
        let mut removed = 0;
        let mut next = self.nodes.first().filter(|_| !trim.approximate);
        while let Some(node) = next {
            let (live, fits) = self.front_of(node, trim);
            if self.is_trimmed(trim) || (trim.limit > 0 && removed + live > trim.limit) {
                break;
            }
            let inside = self.trim_inside(node, trim, may_go);
            removed += inside;
            next = match fits {
                true if inside == live => self.nodes.remove(node),
                true => self.nodes.next(node),
                false => None,
            };
        }
        self.after_trim(removed)
    }

    fn is_trimmed(&self, trim: Trim) -> bool {
        matches!(trim.threshold, Threshold::Len(len) if self.len <= len)
    }

    /// How many live entries a node has, and whether all of it is to go.
    fn front_of(&self, node: Cursor, trim: Trim) -> (u64, bool) {
        let view = View::of(self.nodes.get(node));
        let live = view.live();
        let whole = match trim.threshold {
            Threshold::Len(len) => self.len - live >= len,
            Threshold::Id(id) => view.last().is_none_or(|at| view.entry(at).id < id),
        };
        (live, whole)
    }

    /// Marks a node's entries as removed up to the threshold; gives how many.
    fn trim_inside(
        &mut self,
        node: Cursor,
        trim: Trim,
        may_go: &mut dyn FnMut(StreamId) -> bool,
    ) -> u64 {
        let view = View::of(self.nodes.get(node));
        let mut tombstones = Vec::new();
        let mut next = view.first();
        while let Some(at) = next {
            let entry = view.entry(at);
            let done = match trim.threshold {
                Threshold::Len(len) => self.len - tombstones.len() as u64 <= len,
                Threshold::Id(id) => entry.id >= id,
            };
            if done {
                break;
            }
            if !entry.deleted && may_go(entry.id) {
                tombstones.push(entry.tombstone());
            }
            next = entry.next();
        }
        let removed = tombstones.len() as u64;
        if removed > 0 {
            self.nodes.edit(node, |pack| {
                for &tombstone in &tombstones {
                    coding::mark_deleted(pack, tombstone);
                }
                coding::count_deleted(pack, removed);
            });
            self.len -= removed;
        }
        removed
    }

    fn after_trim(&mut self, removed: u64) -> u64 {
        if removed > 0 {
            self.find_first();
        }
        removed
    }

    /// Sets what `XSETID` sets.
    pub fn set_counters(&mut self, counters: Counters) {
        self.last_id = counters.last_id;
        self.max_deleted_id = counters.max_deleted_id;
        self.added = counters.added;
    }

    /// Whether the greatest id that was removed is at or above `start`, so that what was added
    /// from there on cannot be counted.
    fn has_tombstone_from(&self, start: StreamId) -> bool {
        self.len > 0 && self.max_deleted_id != StreamId::MIN && start <= self.max_deleted_id
    }

    /// How many entries were added up to and with `id`, if that is certain.
    pub fn added_up_to(&self, id: StreamId) -> Option<i64> {
        let added = self.added as i64;
        if self.added == 0 {
            return Some(0);
        }
        if self.len == 0 && id <= self.last_id {
            return Some(added);
        }
        if id != StreamId::MIN && id < self.max_deleted_id {
            return None;
        }
        match id.cmp(&self.last_id) {
            std::cmp::Ordering::Equal => return Some(added),
            std::cmp::Ordering::Greater => return None,
            std::cmp::Ordering::Less => {}
        }
        if self.max_deleted_id != StreamId::MIN && self.max_deleted_id >= self.first_id {
            return None;
        }
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less => Some(added.wrapping_sub(self.len as i64)),
            std::cmp::Ordering::Equal => Some(added.wrapping_sub(self.len as i64).wrapping_add(1)),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// The number of entries read of a group that read up to `last_id` and now reads `id`.
    pub(super) fn count_read(
        &self,
        read: Option<i64>,
        last_id: StreamId,
        id: StreamId,
    ) -> Option<i64> {
        match read {
            Some(read) if last_id >= self.first_id && !self.has_tombstone_from(last_id) => {
                Some(read.wrapping_add(1))
            }
            _ if self.added > 0 => self.added_up_to(id),
            _ => read,
        }
    }

    /// How many entries are still to be delivered to a group that read up to `last_id`, by its
    /// count `read`; none if it cannot be told.
    pub(super) fn lag(&self, read: Option<i64>, last_id: StreamId) -> Option<i64> {
        let added = self.added as i64;
        if self.added == 0 {
            return Some(0);
        }
        if let Some(read) = read
            && !self.has_tombstone_from(last_id)
        {
            return Some(added.wrapping_sub(read));
        }
        self.added_up_to(last_id).map(|up_to| added.wrapping_sub(up_to))
    }

    /// Entries that come from outside: nodes in ascending order of their ids, none of them without
    /// an entry.
    pub(super) fn from_nodes(
        nodes: impl IntoIterator<Item = (StreamId, Listpack)>,
        counters: Counters,
    ) -> Result<Log, Corrupt> {
        let mut log = Log::default();
        let mut end = None;
        for (id, pack) in nodes {
            let contents = coding::validate(id, pack.as_slice())?;
            let (first, last) = contents.ends.ok_or(Corrupt)?;
            if first < id || end.is_some_and(|end| end >= id) || last > counters.last_id {
                return Err(Corrupt);
            }
            end = Some(last);
            log.len += contents.live;
            log.nodes.push(id, pack);
        }
        log.set_counters(counters);
        log.find_first();
        Ok(log)
    }
}

impl Clone for Log {
    fn clone(&self) -> Log {
        let mut nodes = Nodes::default();
        for (id, pack) in self.nodes() {
            nodes.push(id, pack.to_listpack());
        }
        Log { nodes, ..*self }
    }
}

#[cfg(test)]
impl Log {
    /// Panics unless all is as it must be.
    pub(super) fn check(&self) {
        self.nodes.check();
        let mut live = 0;
        for (id, pack) in self.nodes() {
            let contents = coding::validate(id, pack).expect("a node as it must be");
            live += contents.live;
        }
        assert_eq!(self.len, live);
        let first = self.range(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id);
        assert_eq!(self.first_id, first.unwrap_or_default());
    }
}
