//! The nodes of a stream in order: listpacks by the id of their master entry.
//!
//! Entries are only ever added at the end, so nodes are too; they are removed anywhere, most often
//! in front. Chunks of up to [`CHUNK`] nodes hang on a directory: a lookup is two binary searches,
//! an append or a removal moves a few hundred bytes, and a stream of one node pays for one. The
//! directory of a stream of a hundred million entries takes a megabyte; growing it is no pause.
//!
//! Nodes are of one size, mostly, and the allocator's size classes then waste the same on each of
//! them, up to a fifth. So the nodes of a full chunk are packed into one allocation, as many of
//! them as fill its class best. A packed chunk is unpacked when one of its nodes is to change, or
//! half of what it holds is gone.
//!
//! Redis keeps the nodes in a radix tree and tells clients how many nodes *that* has. It follows
//! from the ids alone, and is counted here as nodes come and go; see [`Nodes::radix_nodes`].

use std::collections::VecDeque;

use super::StreamId;
use crate::value::listpack::{Listpack, Slice};
use crate::value::size_class::size_class;
use crate::value::thin::ThinBytes;

/// Most nodes in a chunk; few in tests, which could not fill many.
const CHUNK: usize = if cfg!(test) { 8 } else { 64 };
/// Most bytes that are packed, which takes a copy of all of them: a fraction of a millisecond.
const PACKED_MAX: usize = 512 * 1024;
/// Length of an id as a key, in bytes.
const KEY: u32 = 16;

/// A listpack of entries and the id of its master entry.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) id: StreamId,
    pub(super) pack: Slice<'a>,
}

/// A node that has an allocation of its own.
struct Loose {
    id: StreamId,
    pack: Listpack,
}

/// A node in an allocation of several.
struct Span {
    id: StreamId,
    at: u32,
    len: u32,
}

/// How the nodes of a chunk are kept.
enum Store {
    Loose(Vec<Loose>),
    Packed { spans: Vec<Span>, bytes: ThinBytes },
}

/// Some nodes that follow each other; never empty.
struct Chunk {
    /// No greater than the id of the first node, and greater than those of the chunk before.
    floor: StreamId,
    store: Store,
}

impl Store {
    fn len(&self) -> usize {
        match self {
            Store::Loose(nodes) => nodes.len(),
            Store::Packed { spans, .. } => spans.len(),
        }
    }

    fn get(&self, at: usize) -> Node<'_> {
        match self {
            Store::Loose(nodes) => Node { id: nodes[at].id, pack: nodes[at].pack.as_slice() },
            Store::Packed { spans, bytes } => spans[at].node(bytes.as_slice()),
        }
    }

    /// How many nodes have an id of at most `id`.
    fn count_up_to(&self, id: StreamId) -> usize {
        match self {
            Store::Loose(nodes) => nodes.partition_point(|node| node.id <= id),
            Store::Packed { spans, .. } => spans.partition_point(|span| span.id <= id),
        }
    }

    /// Heap bytes, the listpacks' allocations not among them unless they are packed.
    fn own_bytes(&self) -> usize {
        match self {
            Store::Loose(nodes) => size_class(nodes.capacity() * size_of::<Loose>()),
            Store::Packed { spans, bytes } => {
                size_class(spans.capacity() * size_of::<Span>()) + bytes.allocated()
            }
        }
    }

    /// Heap bytes of all.
    fn bytes(&self) -> usize {
        let packs = match self {
            Store::Loose(nodes) => nodes.iter().map(|node| node.pack.bytes()).sum(),
            Store::Packed { .. } => 0,
        };
        self.own_bytes() + packs
    }

    /// The nodes, each with an allocation of its own.
    fn loose(&mut self) -> &mut Vec<Loose> {
        if let Store::Packed { spans, bytes } = self {
            let bytes = bytes.as_slice();
            let node =
                |span: &Span| Loose { id: span.id, pack: span.node(bytes).pack.to_listpack() };
            *self = Store::Loose(spans.iter().map(node).collect());
        }
        match self {
            Store::Loose(nodes) => nodes,
            Store::Packed { .. } => unreachable!("it was unpacked"),
        }
    }

    /// Removes a node.
    fn remove(&mut self, at: usize) -> StreamId {
        match self {
            Store::Loose(nodes) => {
                let id = nodes.remove(at).id;
                if nodes.len() * 4 <= nodes.capacity() {
                    nodes.shrink_to(nodes.len() * 2);
                }
                id
            }
            Store::Packed { spans, bytes } => {
                let id = spans.remove(at).id;
                let live: usize = spans.iter().map(|span| span.len as usize).sum();
                if live * 2 < bytes.as_slice().len() {
                    self.loose();
                }
                id
            }
        }
    }
}

impl Span {
    fn node<'a>(&self, bytes: &'a [u8]) -> Node<'a> {
        let start = self.at as usize;
        Node { id: self.id, pack: Slice::new(&bytes[start..start + self.len as usize]) }
    }
}

/// How many of a full chunk's nodes are packed, at least half of them, so that an allocation of
/// their bytes wastes the least. None if they are too large.
fn best_cut(nodes: &[Loose]) -> Option<usize> {
    let (mut total, mut best, mut best_waste) = (0, 0, usize::MAX);
    for (at, node) in nodes.iter().enumerate() {
        total += node.pack.byte_len();
        // In thousandths, so that a larger number of nodes counts for what it is.
        let waste = (ThinBytes::allocated_for(total) - total) * 1000 / total;
        if at + 1 >= CHUNK / 2 && waste <= best_waste {
            (best, best_waste) = (at + 1, waste);
        }
    }
    (total <= PACKED_MAX && best > 0).then_some(best)
}

/// Packs nodes into one allocation.
fn pack(nodes: &[Loose]) -> Store {
    let mut spans = Vec::with_capacity(nodes.len());
    let mut at = 0;
    for node in nodes {
        let len = node.pack.byte_len() as u32;
        spans.push(Span { id: node.id, at, len });
        at += len;
    }
    let packs: Vec<&[u8]> = nodes.iter().map(|node| node.pack.as_bytes()).collect();
    Store::Packed { spans, bytes: ThinBytes::concat(&packs) }
}

/// Where a node is. Valid until nodes are added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    chunk: usize,
    at: usize,
}

/// All nodes of a stream.
#[derive(Default)]
pub(super) struct Nodes {
    chunks: VecDeque<Chunk>,
    len: usize,
    /// Heap bytes of the chunks and what is in them.
    bytes: usize,
    /// Nodes of the radix tree beyond its root.
    radix: usize,
}

impl Nodes {
    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Heap bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + size_class(self.chunks.capacity() * size_of::<Chunk>())
    }

    /// How many nodes a radix tree over the ids would have: of 16 bytes each, big end first, chains
    /// of single children as one node.
    pub(super) fn radix_nodes(&self) -> usize {
        self.radix + 1
    }

    /// The node at a place.
    pub(super) fn get(&self, cursor: Cursor) -> Node<'_> {
        self.chunks[cursor.chunk].store.get(cursor.at)
    }

    /// Changes the listpack at a place.
    pub(super) fn edit<R>(&mut self, cursor: Cursor, edit: impl FnOnce(&mut Listpack) -> R) -> R {
        let store = &mut self.chunks[cursor.chunk].store;
        if let Store::Packed { .. } = store {
            self.bytes -= store.bytes();
            store.loose();
            self.bytes += store.bytes();
        }
        let pack = &mut store.loose()[cursor.at].pack;
        let before = pack.bytes();
        let result = edit(pack);
        self.bytes = self.bytes - before + pack.bytes();
        result
    }

    pub(super) fn first(&self) -> Option<Cursor> {
        (self.len > 0).then_some(Cursor { chunk: 0, at: 0 })
    }

    pub(super) fn last(&self) -> Option<Cursor> {
        let chunk = self.chunks.len().checked_sub(1)?;
        Some(Cursor { chunk, at: self.chunks[chunk].store.len() - 1 })
    }

    pub(super) fn next(&self, Cursor { chunk, at }: Cursor) -> Option<Cursor> {
        if at + 1 < self.chunks[chunk].store.len() {
            return Some(Cursor { chunk, at: at + 1 });
        }
        (chunk + 1 < self.chunks.len()).then_some(Cursor { chunk: chunk + 1, at: 0 })
    }

    pub(super) fn prev(&self, Cursor { chunk, at }: Cursor) -> Option<Cursor> {
        if at > 0 {
            return Some(Cursor { chunk, at: at - 1 });
        }
        let chunk = chunk.checked_sub(1)?;
        Some(Cursor { chunk, at: self.chunks[chunk].store.len() - 1 })
    }

    /// The last node whose id is at most `id`.
    pub(super) fn floor(&self, id: StreamId) -> Option<Cursor> {
        let chunk = self.chunks.partition_point(|chunk| chunk.floor <= id).checked_sub(1)?;
        match self.chunks[chunk].store.count_up_to(id) {
            // The bound of the chunk is below its first node.
            0 => self.prev(Cursor { chunk, at: 0 }),
            after => Some(Cursor { chunk, at: after - 1 }),
        }
    }

    /// The first node whose id is at least `id`.
    fn ceiling(&self, id: StreamId) -> Option<Cursor> {
        match id.prev().and_then(|below| self.floor(below)) {
            None => self.first(),
            Some(below) => self.next(below),
        }
    }

    /// Adds a node behind all others.
    pub(super) fn push(&mut self, id: StreamId, pack: Listpack) {
        debug_assert!(self.last().is_none_or(|last| self.get(last).id < id));
        self.radix = self.radix.wrapping_add(self.radix_share(id));
        self.len += 1;
        self.make_room(id);
        let store = &mut self.chunks.back_mut().expect("a chunk with room was made").store;
        let before = store.own_bytes();
        let nodes = store.loose();
        if nodes.len() == nodes.capacity() {
            nodes.reserve_exact(nodes.len().clamp(1, CHUNK - nodes.len()));
        }
        self.bytes += pack.bytes();
        nodes.push(Loose { id, pack });
        self.bytes = self.bytes - before + store.own_bytes();
    }

    /// Sees to it that there is room at the end of the last chunk for a node of this id.
    fn make_room(&mut self, id: StreamId) {
        let Some(last) = self.chunks.back_mut() else {
            self.chunks.reserve_exact(1);
            self.chunks.push_back(Chunk { floor: id, store: Store::Loose(Vec::new()) });
            return;
        };
        let Store::Loose(nodes) = &mut last.store else {
            // What came behind it is gone.
            return self.begin_chunk(id, Vec::with_capacity(CHUNK));
        };
        if nodes.len() < CHUNK {
            return;
        }
        let Some(cut) = best_cut(nodes) else {
            return self.begin_chunk(id, Vec::with_capacity(CHUNK));
        };
        let mut rest = Vec::with_capacity(CHUNK);
        rest.extend(nodes.drain(cut..));
        let moved: usize = rest.iter().map(|node: &Loose| node.pack.bytes()).sum();
        self.bytes -= last.store.bytes() + moved;
        let Store::Loose(nodes) = &last.store else { unreachable!("it was looked at") };
        last.store = pack(nodes);
        self.bytes += last.store.bytes() + moved;
        let floor = rest.first().map_or(id, |node| node.id);
        self.begin_chunk(floor, rest);
    }

    fn begin_chunk(&mut self, floor: StreamId, nodes: Vec<Loose>) {
        let store = Store::Loose(nodes);
        self.bytes += store.own_bytes();
        self.chunks.push_back(Chunk { floor, store });
    }

    /// Removes a node; gives the place of what follows.
    pub(super) fn remove(&mut self, cursor: Cursor) -> Option<Cursor> {
        let Cursor { chunk: chunk_at, at } = cursor;
        let store = &mut self.chunks[chunk_at].store;
        self.bytes -= store.bytes();
        let id = store.remove(at);
        self.bytes += store.bytes();
        self.len -= 1;
        if store.len() == 0 {
            self.bytes -= store.bytes();
            self.chunks.remove(chunk_at);
            if self.chunks.len() * 4 <= self.chunks.capacity() {
                self.chunks.shrink_to(self.chunks.len() * 2);
            }
        }
        self.radix = self.radix.wrapping_sub(self.radix_share(id));
        if self.chunks.get(chunk_at).is_some_and(|chunk| at < chunk.store.len()) {
            return Some(cursor);
        }
        // The end of a chunk, or a whole chunk: what follows begins the next one.
        let next = if at == 0 { chunk_at } else { chunk_at + 1 };
        (next < self.chunks.len()).then_some(Cursor { chunk: next, at: 0 })
    }

    /// By how much `id`, which is not there, makes the radix tree grow.
    ///
    /// The new key leaves the tree at the depth where it differs from its closest neighbour. There
    /// is a branch already, which gets one more child, or the middle of a chain, which is cut. The
    /// end of the key is a leaf, with a chain before it unless the last byte is the one that
    /// differs.
    fn radix_share(&self, id: StreamId) -> usize {
        let key_of = |cursor: Option<Cursor>| cursor.map(|cursor| self.get(cursor).id.number());
        let shared = |a: u128, b: u128| (a ^ b).leading_zeros() / 8;
        let key = id.number();
        let neighbours = [key_of(self.floor(id)), key_of(self.ceiling(id))];
        let Some(depth) = neighbours.iter().flatten().map(|&other| shared(key, other)).max() else {
            // The root becomes the chain of all bytes, with the leaf below it.
            return 1;
        };
        let tail = usize::from(depth + 1 < KEY) + 1;
        // The keys that share the bytes above that depth.
        let rest = u128::MAX >> (8 * depth);
        let (low, high) = (key & !rest, key | rest);
        let first_at = self.ceiling(StreamId::from_number(low));
        let last_at = self.floor(StreamId::from_number(high));
        let (Some(first), Some(last)) = (key_of(first_at), key_of(last_at)) else { return 0 };
        let branch = if first == last { KEY } else { shared(first, last) };
        if branch == depth {
            return tail;
        }
        let outside = [
            first_at.and_then(|at| key_of(self.prev(at))),
            last_at.and_then(|at| key_of(self.next(at))),
        ];
        let above = outside.iter().flatten().map(|&other| shared(key, other) + 1).max();
        let chain_start = above.unwrap_or(0);
        // The chain becomes its upper part, a branch, and its lower part.
        usize::from(depth > chain_start) + usize::from(branch > depth + 1) + tail
    }
}

#[cfg(test)]
impl Nodes {
    /// The count of the radix tree's nodes from the ids alone: one by one, on a tree that is built.
    fn radix_nodes_by_hand(&self) -> usize {
        fn count(keys: &[[u8; 16]], mut depth: usize) -> usize {
            let start = depth;
            while depth < 16 && keys.iter().all(|key| key[depth] == keys[0][depth]) {
                depth += 1;
            }
            let chain = usize::from(depth > start);
            if depth == 16 {
                return chain + 1;
            }
            let children = keys.chunk_by(|a, b| a[depth] == b[depth]);
            chain + 1 + children.map(|keys| count(keys, depth + 1)).sum::<usize>()
        }
        let mut keys = Vec::new();
        let mut at = self.first();
        while let Some(cursor) = at {
            keys.push(self.get(cursor).id.number().to_be_bytes());
            at = self.next(cursor);
        }
        if keys.is_empty() { 1 } else { count(&keys, 0) }
    }

    /// Panics unless all is as it must be.
    pub(super) fn check(&self) {
        let mut last = None;
        let (mut len, mut bytes) = (0, 0);
        for chunk in &self.chunks {
            assert!(chunk.store.len() > 0 && chunk.floor <= chunk.store.get(0).id);
            assert!(last.is_none_or(|last| last < chunk.floor));
            assert!(chunk.store.len() <= CHUNK);
            bytes += chunk.store.bytes();
            for at in 0..chunk.store.len() {
                let id = chunk.store.get(at).id;
                assert!(last.is_none_or(|last| last < id));
                last = Some(id);
                len += 1;
            }
        }
        assert_eq!((self.len, self.bytes), (len, bytes));
        assert_eq!(self.radix_nodes(), self.radix_nodes_by_hand());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ids that share beginnings of every length.
    fn ids() -> impl Strategy<Value = Vec<StreamId>> {
        let part =
            prop_oneof![0u64..4, 250u64..260, 65_530u64..65_540, Just(u64::MAX), any::<u64>()];
        let id = (part.clone(), part).prop_map(|(ms, seq)| StreamId::new(ms, seq));
        let len = if cfg!(miri) { 12 } else { 300 };
        prop::collection::btree_set(id, 1..len).prop_map(|ids| ids.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]
        #[test]
        fn nodes_come_and_go(
            ids in ids(),
            removals in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..300),
            probes in prop::collection::vec(any::<(u64, u64)>(), 8),
        ) {
            let mut nodes = Nodes::default();
            let mut model = ids.clone();
            for &id in &ids {
                let mut pack = Listpack::new();
                pack.push_back(id.text().as_bytes());
                nodes.push(id, pack);
            }
            nodes.check();
            for (removal, edits) in removals {
                if model.is_empty() {
                    break;
                }
                let at = removal.index(model.len());
                let cursor = nodes.floor(model[at]).expect("a node");
                let node = nodes.get(cursor);
                prop_assert_eq!(node.id, model[at]);
                prop_assert_eq!(node.pack.iter().next().map(|item| item.to_vec()),
                    Some(node.id.text().as_bytes().to_vec()));
                if edits {
                    nodes.edit(cursor, |pack| pack.push_back(b"more"));
                    prop_assert_eq!(nodes.get(cursor).pack.iter().count() >= 2, true);
                    continue;
                }
                model.remove(at);
                let next = nodes.remove(cursor).map(|next| nodes.get(next).id);
                prop_assert_eq!(next, model.get(at).copied());
            }
            nodes.check();
            for (ms, seq) in probes {
                let id = StreamId::new(ms, seq);
                let found = nodes.floor(id).map(|at| nodes.get(at).id);
                prop_assert_eq!(found, model.iter().rev().find(|node| **node <= id).copied());
                let found = nodes.ceiling(id).map(|at| nodes.get(at).id);
                prop_assert_eq!(found, model.iter().find(|node| **node >= id).copied());
            }
        }
    }
}
