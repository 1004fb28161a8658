//! A stream: an append-only log of entries and the consumer groups that read it.
//!
//! ```text
//! Stream ── Log    ── Nodes ── chunks of (id, listpack of up to 100 entries)
//!        └─ groups ── Group ── pending entries by id, consumers by name
//! ```
//!
//! The bytes of the nodes are Redis's, so that a dump is a copy of them; see [`coding`]. A stream
//! may be empty: it then still has its counters and groups.

mod coding;
mod entries;
mod group;
mod id;
mod log;
mod nodes;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

pub use coding::Fields;
pub use entries::{Entries, EntriesBack, Entry};
pub use group::{Consumer, ConsumerId, Group, Pending};
pub use id::{IdText, MAX_ID_TEXT, StreamId};
pub use log::{AppendError, Counters, Limits, Log, MAX_ENTRY_BYTES, Threshold, Trim};

use super::listpack::Listpack;
use super::size_class::size_class;

/// What comes from outside is no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the nodes of a stream do not hold what they must")]
pub struct Corrupt;

/// A stream.
#[derive(Clone, Default)]
pub struct Stream(Box<Body>);

#[derive(Clone, Default)]
struct Body {
    log: Log,
    groups: BTreeMap<Box<[u8]>, Group>,
    /// Heap bytes of the groups and their names.
    group_bytes: usize,
}

impl Stream {
    /// An empty stream.
    pub fn new() -> Stream {
        Stream::default()
    }

    /// A stream from the outside: nodes in ascending order of their master entries' ids.
    pub fn from_nodes(
        nodes: impl IntoIterator<Item = (StreamId, Listpack)>,
        counters: Counters,
    ) -> Result<Stream, Corrupt> {
        let log = Log::from_nodes(nodes, counters)?;
        Ok(Stream(Box::new(Body { log, ..Body::default() })))
    }

    /// The entries.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// The entries, to change.
    pub fn log_mut(&mut self) -> &mut Log {
        &mut self.0.log
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.log.len() as usize
    }

    /// Whether there is no entry. The stream is there nonetheless.
    pub fn is_empty(&self) -> bool {
        self.0.log.is_empty()
    }

    /// Redis's name of the encoding.
    pub fn encoding(&self) -> &'static str {
        "stream"
    }

    /// Heap bytes.
    pub fn bytes(&self) -> usize {
        let groups = group::tree_bytes(self.0.groups.len(), size_of::<(Box<[u8]>, Group)>());
        size_class(size_of::<Body>()) + self.0.log.bytes() + groups + self.0.group_bytes
    }

    /// A deep copy.
    pub fn duplicate(&self) -> Stream {
        self.clone()
    }

    /// How many allocations there are to free, roughly.
    pub fn free_effort(&self) -> usize {
        self.0.log.node_count() + self.0.group_bytes / size_of::<(StreamId, Pending)>()
    }

    /// Gives everything that makes this stream what it is, part by part: equal for equal streams,
    /// however their nodes are cut. When consumers were last seen is left out.
    pub fn describe(&self, part: &mut dyn FnMut(&[u8])) {
        let log = &self.0.log;
        let counters = format!("{} {} {}", log.last_id(), log.max_deleted_id(), log.added());
        part(counters.as_bytes());
        for entry in log.range(StreamId::MIN, StreamId::MAX) {
            part(entry.id.text().as_bytes());
            for (name, value) in entry.fields {
                part(&name.to_vec());
                part(&value.to_vec());
            }
        }
        for (name, group) in self.groups() {
            part(name);
            part(format!("{} {:?}", group.last_id(), group.read()).as_bytes());
            for (_, consumer) in group.consumers() {
                part(consumer.name());
            }
            for (id, pending) in group.pending_range(StreamId::MIN..=StreamId::MAX) {
                let Pending { delivered_ms, deliveries, consumer } = *pending;
                part(format!("{id} {delivered_ms} {deliveries}").as_bytes());
                part(group.consumer(consumer).name());
            }
        }
    }

    /// The groups in the order of their names.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&[u8], &Group)> {
        self.0.groups.iter().map(|(name, group)| (&**name, group))
    }

    /// A group.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.0.groups.get(name)
    }

    /// A group, to change, with the entries beside it.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<GroupMut<'_>> {
        let Body { log, groups, group_bytes } = &mut *self.0;
        let group = groups.get_mut(name)?;
        let before = group.bytes();
        Some(GroupMut { log, group, group_bytes, before })
    }

    /// Creates a group that starts behind `last_id`; `read`: how many entries that are, if it is
    /// known. False if there is a group of this name.
    pub fn create_group(&mut self, name: &[u8], last_id: StreamId, read: Option<i64>) -> bool {
        if self.0.groups.contains_key(name) {
            return false;
        }
        let group = Group::new(last_id, read);
        self.0.group_bytes += group.bytes() + size_class(name.len());
        self.0.groups.insert(name.into(), group);
        true
    }

    /// Removes a group. False if there is none of this name.
    pub fn remove_group(&mut self, name: &[u8]) -> bool {
        let removed = self.0.groups.remove(name);
        if let Some(group) = &removed {
            self.0.group_bytes -= group.bytes() + size_class(name.len());
        }
        removed.is_some()
    }

    /// The smallest last id of all groups; none without groups.
    pub fn slowest_group(&self) -> Option<StreamId> {
        self.0.groups.values().map(Group::last_id).min()
    }

    /// Whether some group has not read the entry yet, or it is pending with one. `slowest` is
    /// [`Stream::slowest_group`].
    pub fn is_referenced(&self, id: StreamId, slowest: Option<StreamId>) -> bool {
        is_referenced(&self.0.groups, id, slowest)
    }

    /// Takes an entry off the pending lists of all groups.
    pub fn settle_everywhere(&mut self, id: StreamId) {
        settle_everywhere(&mut self.0.groups, &mut self.0.group_bytes, id);
    }

    /// Removes entries from the front; gives how many.
    pub fn trim(&mut self, trim: Trim, references: References) -> u64 {
        let slowest = self.slowest_group();
        let Body { log, groups, group_bytes } = &mut *self.0;
        match references {
            References::Keep => log.trim(trim),
            References::Remove => log.trim_asking(trim, &mut |id| {
                settle_everywhere(groups, group_bytes, id);
                true
            }),
            References::Respect => {
                log.trim_asking(trim, &mut |id| !is_referenced(groups, id, slowest))
            }
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({} entries, {} groups)", self.len(), self.0.groups.len())
    }
}

/// What becomes of the pending lists when an entry is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum References {
    /// They keep the id.
    #[default]
    Keep,
    /// The entry is taken off them.
    Remove,
    /// An entry that they need is not removed.
    Respect,
}

fn is_referenced(
    groups: &BTreeMap<Box<[u8]>, Group>,
    id: StreamId,
    slowest: Option<StreamId>,
) -> bool {
    let unread = slowest.is_some_and(|slowest| slowest < id);
    unread || groups.values().any(|group| group.pending(id).is_some())
}

fn settle_everywhere(
    groups: &mut BTreeMap<Box<[u8]>, Group>,
    group_bytes: &mut usize,
    id: StreamId,
) {
    for group in groups.values_mut() {
        let before = group.bytes();
        if group.settle(id).is_some() {
            *group_bytes = *group_bytes - before + group.bytes();
        }
    }
}

/// A group that may be changed. Its bytes are accounted for when this is dropped.
pub struct GroupMut<'a> {
    log: &'a Log,
    group: &'a mut Group,
    group_bytes: &'a mut usize,
    before: usize,
}

impl<'a> GroupMut<'a> {
    /// The entries of the group's stream.
    pub fn log(&self) -> &'a Log {
        self.log
    }
}

impl Deref for GroupMut<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        self.group
    }
}

impl DerefMut for GroupMut<'_> {
    fn deref_mut(&mut self) -> &mut Group {
        self.group
    }
}

impl Drop for GroupMut<'_> {
    fn drop(&mut self) {
        *self.group_bytes = *self.group_bytes - self.before + self.group.bytes();
    }
}

#[cfg(test)]
mod tests;
