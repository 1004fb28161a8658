//! Walks over a stream's entries, in both directions, between two ids.

use super::StreamId;
use super::coding::{Fields, View};
use super::nodes::{Cursor, Nodes};
use crate::value::listpack::Position;

/// An entry: its id and its fields.
#[derive(Clone)]
pub struct Entry<'a> {
    /// Its id.
    pub id: StreamId,
    /// Its names and values.
    pub fields: Fields<'a>,
}

/// The entries from one id to another, both included, in ascending order.
pub struct Entries<'a> {
    nodes: &'a Nodes,
    /// The node that is next, when the present one is through.
    next_node: Option<Cursor>,
    here: Option<(View<'a>, Position)>,
    start: StreamId,
    end: StreamId,
}

/// The same in descending order.
pub struct EntriesBack<'a> {
    nodes: &'a Nodes,
    next_node: Option<Cursor>,
    here: Option<(View<'a>, Position)>,
    start: StreamId,
    end: StreamId,
}

impl<'a> Entries<'a> {
    pub(super) fn new(nodes: &'a Nodes, start: StreamId, end: StreamId) -> Self {
        let next_node = nodes.floor(start).or_else(|| nodes.first());
        Entries { nodes, next_node, here: None, start, end }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some((view, at)) = self.here else {
                let cursor = self.next_node?;
                self.next_node = self.nodes.next(cursor);
                let view = View::of(self.nodes.get(cursor));
                self.here = view.first().map(|first| (view, first));
                continue;
            };
            let entry = view.entry(at);
            if entry.id > self.end {
                (self.here, self.next_node) = (None, None);
                return None;
            }
            self.here = entry.next().map(|next| (view, next));
            if entry.id >= self.start && !entry.deleted {
                return Some(Entry { id: entry.id, fields: entry.fields });
            }
        }
    }
}

impl<'a> EntriesBack<'a> {
    pub(super) fn new(nodes: &'a Nodes, start: StreamId, end: StreamId) -> Self {
        EntriesBack { nodes, next_node: nodes.floor(end), here: None, start, end }
    }
}

impl<'a> Iterator for EntriesBack<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some((view, at)) = self.here else {
                let cursor = self.next_node?;
                self.next_node = self.nodes.prev(cursor);
                let view = View::of(self.nodes.get(cursor));
                self.here = view.last().map(|last| (view, last));
                continue;
            };
            let entry = view.entry(at);
            if entry.id < self.start {
                (self.here, self.next_node) = (None, None);
                return None;
            }
            self.here = view.before(at).map(|before| (view, before));
            if entry.id <= self.end && !entry.deleted {
                return Some(Entry { id: entry.id, fields: entry.fields });
            }
        }
    }
}
