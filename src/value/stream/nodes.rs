//! The nodes of a stream in order: listpacks by the id of their master entry.
//!
//! Entries are only ever added at the end, so nodes are too; they are removed anywhere, most often
//! in front. Chunks of up to [`CHUNK`] nodes hang on a directory: a lookup is two binary searches,
//! an append or a removal moves a few hundred bytes, a chunk is filled to the last place (a B-tree
//! that is appended to stays half empty), and a stream of one node pays for one. The directory of a
//! stream of a hundred million entries takes half a megabyte; growing it is no pause.
//!
//! Redis keeps the nodes in a radix tree and tells clients how many nodes *that* has. It follows
//! from the ids alone, and is counted here as nodes come and go; see [`Nodes::radix_nodes`].

use std::collections::VecDeque;

use super::StreamId;
use crate::value::listpack::Listpack;
use crate::value::size_class::size_class;

/// Most nodes in a chunk: 1.5 KiB of them.
const CHUNK: usize = 64;
/// Length of an id as a key, in bytes.
const KEY: u32 = 16;

/// A listpack of entries and the id of its master entry.
pub(super) struct Node {
    pub(super) id: StreamId,
    pub(super) pack: Listpack,
}

/// Some nodes that follow each other; never empty.
struct Chunk {
    /// No greater than the id of the first node, and greater than those of the chunk before.
    floor: StreamId,
    nodes: Vec<Node>,
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
    /// Heap bytes of the listpacks and of the chunks.
    bytes: usize,
    /// Nodes of the radix tree beyond its root.
    radix: usize,
}

fn chunk_bytes(nodes: &Vec<Node>) -> usize {
    size_class(nodes.capacity() * size_of::<Node>())
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
    pub(super) fn get(&self, cursor: Cursor) -> &Node {
        &self.chunks[cursor.chunk].nodes[cursor.at]
    }

    /// Changes the listpack at a place.
    pub(super) fn edit<R>(&mut self, cursor: Cursor, edit: impl FnOnce(&mut Listpack) -> R) -> R {
        let pack = &mut self.chunks[cursor.chunk].nodes[cursor.at].pack;
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
        Some(Cursor { chunk, at: self.chunks[chunk].nodes.len() - 1 })
    }

    pub(super) fn next(&self, Cursor { chunk, at }: Cursor) -> Option<Cursor> {
        if at + 1 < self.chunks[chunk].nodes.len() {
            return Some(Cursor { chunk, at: at + 1 });
        }
        (chunk + 1 < self.chunks.len()).then_some(Cursor { chunk: chunk + 1, at: 0 })
    }

    pub(super) fn prev(&self, Cursor { chunk, at }: Cursor) -> Option<Cursor> {
        if at > 0 {
            return Some(Cursor { chunk, at: at - 1 });
        }
        let chunk = chunk.checked_sub(1)?;
        Some(Cursor { chunk, at: self.chunks[chunk].nodes.len() - 1 })
    }

    /// The last node whose id is at most `id`.
    pub(super) fn floor(&self, id: StreamId) -> Option<Cursor> {
        let chunk = self.chunks.partition_point(|chunk| chunk.floor <= id).checked_sub(1)?;
        match self.chunks[chunk].nodes.partition_point(|node| node.id <= id) {
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
        self.bytes += pack.bytes();
        self.len += 1;
        let node = Node { id, pack };
        match self.chunks.back_mut() {
            Some(Chunk { nodes, .. }) if nodes.len() < CHUNK => {
                let before = chunk_bytes(nodes);
                if nodes.len() == nodes.capacity() {
                    nodes.reserve_exact(nodes.len().min(CHUNK - nodes.len()));
                }
                nodes.push(node);
                self.bytes = self.bytes - before + chunk_bytes(nodes);
            }
            _ => {
                if self.chunks.is_empty() {
                    self.chunks.reserve_exact(1);
                }
                // A stream of several chunks fills them; the first grows with a small stream.
                let mut nodes = Vec::with_capacity(if self.chunks.is_empty() { 1 } else { CHUNK });
                nodes.push(node);
                self.bytes += chunk_bytes(&nodes);
                self.chunks.push_back(Chunk { floor: id, nodes });
            }
        }
    }

    /// Removes a node. What followed it is then at `cursor` if it was in the same chunk, and what
    /// follows is given.
    pub(super) fn remove(&mut self, cursor: Cursor) -> Option<Cursor> {
        let Cursor { chunk: chunk_at, at } = cursor;
        let Chunk { nodes, .. } = &mut self.chunks[chunk_at];
        let before = chunk_bytes(nodes);
        let node = nodes.remove(at);
        if nodes.len() * 4 <= nodes.capacity() {
            nodes.shrink_to(nodes.len() * 2);
        }
        let after = chunk_bytes(nodes);
        self.bytes = self.bytes - before + after - node.pack.bytes();
        self.len -= 1;
        if self.chunks[chunk_at].nodes.is_empty() {
            self.chunks.remove(chunk_at);
            if self.chunks.len() * 4 <= self.chunks.capacity() {
                self.chunks.shrink_to(self.chunks.len() * 2);
            }
        }
        self.radix = self.radix.wrapping_sub(self.radix_share(node.id));
        if self.chunks.get(chunk_at).is_some_and(|chunk| at < chunk.nodes.len()) {
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
            assert!(!chunk.nodes.is_empty() && chunk.floor <= chunk.nodes[0].id);
            assert!(last.is_none_or(|last| last < chunk.floor));
            assert!(chunk.nodes.len() <= CHUNK && chunk.nodes.capacity() <= CHUNK);
            bytes += chunk_bytes(&chunk.nodes);
            for node in &chunk.nodes {
                assert!(last.is_none_or(|last| last < node.id));
                last = Some(node.id);
                len += 1;
                bytes += node.pack.bytes();
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
            removals in prop::collection::vec(any::<prop::sample::Index>(), 0..300),
            probes in prop::collection::vec(any::<(u64, u64)>(), 8),
        ) {
            let mut nodes = Nodes::default();
            let mut model = ids.clone();
            for &id in &ids {
                nodes.push(id, Listpack::new());
            }
            nodes.check();
            for removal in removals {
                if model.is_empty() {
                    break;
                }
                let at = removal.index(model.len());
                let cursor = nodes.floor(model[at]).expect("a node");
                prop_assert_eq!(nodes.get(cursor).id, model[at]);
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
