//! Quicklists: many elements in nodes of a bounded size.
//!
//! ```text
//! ring of blocks | block | block | … |            a pointer each
//! block          | node | node | … up to 128 |    in a ring of its own
//! node           listpack, or one large element on its own; either may be compressed
//! ```
//!
//! Both ends take and give elements in constant time. Nothing here moves everything at once: a
//! block is 2 KiB, and the ring of blocks has a word for every 128 nodes (1 MiB of elements at the
//! default limit), so that it grows to 100 GiB of elements by copying less than a mebibyte. A
//! list of linked nodes would do as well at the ends, but an index is found here by walking blocks
//! first, and costs a 16-byte node no links.
//!
//! Where elements go and when nodes are split and merged is as in Redis, so that a list comes back
//! to one node, and so to a listpack, by the same requests. As in Redis, too, a list has the size
//! of its nodes and its compression depth for life: so many nodes at each end are never compressed,
//! those between them are whenever nobody works on them, if that is worth it.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::node::Node;
use super::{Direction, Element, End, Layout, Limits, NODE_BYTES, NodeRef, Side, remove_equal_in};
use crate::value::listpack::{self, Item, Listpack};
use crate::value::size_class::size_class;
use crate::value::thin::ThinBytes;

/// Nodes of a block.
const BLOCK_NODES: usize = 128;
/// A block that shrinks takes its successor's nodes when both have no more than this.
const JOIN_NODES: usize = BLOCK_NODES / 2;
/// By how many nodes an insertion may move others away from an end.
const INSERTED_MAX: usize = 2;

/// Nodes side by side.
#[derive(Debug, Default)]
struct Block {
    nodes: VecDeque<Node>,
    /// Elements of all its nodes.
    elements: usize,
}

impl Block {
    fn bytes(&self) -> usize {
        size_class(size_of::<Block>()) + size_class(self.nodes.capacity() * size_of::<Node>())
    }
}

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    block: usize,
    node: usize,
}

/// See the head of the file. No node and no block is empty.
#[derive(Debug)]
pub(super) struct Quicklist {
    blocks: VecDeque<Box<Block>>,
    len: usize,
    /// Bytes allocated for nodes and blocks.
    bytes: usize,
    /// How large a node may be: see [`Limits::node_size`].
    node_size: i16,
    /// Nodes at each end that are not compressed; 0 if none is.
    depth: u16,
}

impl Quicklist {
    /// An empty list that keeps to these limits.
    pub(super) fn new(limits: Limits) -> Quicklist {
        let least = -(NODE_BYTES.len() as i32);
        let node_size = i16::try_from(limits.node_size.max(least)).unwrap_or(i16::MAX);
        let depth = u16::try_from(limits.compress_depth).unwrap_or(u16::MAX);
        Quicklist::with(node_size, depth)
    }

    fn with(node_size: i16, depth: u16) -> Quicklist {
        Quicklist { blocks: VecDeque::new(), len: 0, bytes: 0, node_size, depth }
    }

    /// What this list keeps to where these limits are those of the moment.
    #[inline]
    fn own(&self, limits: Limits) -> Limits {
        Limits { node_size: self.node_size.into(), ..limits }
    }

    /// How it is laid out.
    pub(super) fn layout(&self) -> Layout {
        Layout { nodes: self.node_count(), node_size: self.node_size, compress_depth: self.depth }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many nodes there are, counted block by block.
    pub(super) fn node_count(&self) -> usize {
        self.blocks.iter().map(|block| block.nodes.len()).sum()
    }

    /// How many nodes there are to free; of more than two blocks it is only said that they are
    /// many, so that this takes no time.
    pub(super) fn free_effort(&self) -> usize {
        if self.blocks.len() <= 2 { self.node_count() } else { BLOCK_NODES }
    }

    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes + size_class(self.blocks.capacity() * size_of::<Box<Block>>())
    }

    pub(super) fn duplicate(&self) -> Quicklist {
        let mut copy = Quicklist::with(self.node_size, self.depth);
        for node in self.blocks.iter().flat_map(|block| &block.nodes) {
            copy.add_node(End::Tail, node.clone());
        }
        copy
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeRef<'_>> {
        self.blocks.iter().flat_map(|block| &block.nodes).map(Node::saved)
    }

    /// The listpack of the only node. Whoever takes it drops the list.
    pub(super) fn only_listpack(&mut self) -> Option<&mut Listpack> {
        if self.blocks.len() != 1 || self.blocks[0].nodes.len() != 1 {
            return None;
        }
        match &mut self.blocks[0].nodes[0] {
            Node::Packed(elements) => Some(elements),
            // The only node is at an end, so it is not compressed.
            Node::Plain(_) | Node::Compressed { .. } => None,
        }
    }

    // Nodes.

    #[inline]
    pub(super) fn node(&self, spot: Spot) -> &Node {
        &self.blocks[spot.block].nodes[spot.node]
    }

    fn first(&self) -> Option<Spot> {
        (self.len > 0).then_some(Spot { block: 0, node: 0 })
    }

    fn last(&self) -> Option<Spot> {
        let block = self.blocks.len().checked_sub(1)?;
        Some(Spot { block, node: self.blocks[block].nodes.len() - 1 })
    }

    fn end(&self, end: End) -> Option<Spot> {
        match end {
            End::Head => self.first(),
            End::Tail => self.last(),
        }
    }

    #[inline]
    pub(super) fn next(&self, spot: Spot) -> Option<Spot> {
        self.settle(Spot { node: spot.node + 1, ..spot })
    }

    #[inline]
    pub(super) fn prev(&self, spot: Spot) -> Option<Spot> {
        if let Some(node) = spot.node.checked_sub(1) {
            return Some(Spot { node, ..spot });
        }
        let block = spot.block.checked_sub(1)?;
        Some(Spot { block, node: self.blocks[block].nodes.len() - 1 })
    }

    /// The spot itself, or the first of the next block if it is behind its block's last node.
    #[inline]
    fn settle(&self, spot: Spot) -> Option<Spot> {
        let nodes = self.blocks.get(spot.block)?.nodes.len();
        if spot.node < nodes {
            return Some(spot);
        }
        let block = spot.block + 1;
        (block < self.blocks.len()).then_some(Spot { block, node: 0 })
    }

    /// The node of the element at `place`, and which of its elements that is. Walks from the
    /// nearer end, blocks first.
    pub(super) fn locate(&self, place: usize) -> Option<(Spot, usize)> {
        if place >= self.len {
            return None;
        }
        if place <= self.len / 2 { self.locate_forward(place) } else { self.locate_backward(place) }
    }

    fn locate_forward(&self, place: usize) -> Option<(Spot, usize)> {
        let mut rest = place;
        let mut block = 0;
        while rest >= self.blocks[block].elements {
            rest -= self.blocks[block].elements;
            block += 1;
        }
        for (node, candidate) in self.blocks[block].nodes.iter().enumerate() {
            let len = candidate.len();
            if rest < len {
                return Some((Spot { block, node }, rest));
            }
            rest -= len;
        }
        None
    }

    fn locate_backward(&self, place: usize) -> Option<(Spot, usize)> {
        // How many elements are behind it.
        let mut rest = self.len - 1 - place;
        let mut block = self.blocks.len() - 1;
        while rest >= self.blocks[block].elements {
            rest -= self.blocks[block].elements;
            block -= 1;
        }
        for (node, candidate) in self.blocks[block].nodes.iter().enumerate().rev() {
            let len = candidate.len();
            if rest < len {
                return Some((Spot { block, node }, len - 1 - rest));
            }
            rest -= len;
        }
        None
    }

    /// Lets `change` work on a node, which is opened before, and compressed behind if it is an
    /// inner one. The node may be empty then, and must be removed.
    #[inline]
    fn change<R>(&mut self, spot: Spot, change: impl FnOnce(&mut Node) -> R) -> R {
        let is_inner = self.is_inner(spot);
        self.account(spot, |node| {
            node.open();
            let result = change(node);
            if is_inner {
                node.compress();
            }
            result
        })
    }

    /// Lets `change` work on a node, and keeps the accounts.
    #[inline]
    fn account<R>(&mut self, spot: Spot, change: impl FnOnce(&mut Node) -> R) -> R {
        let block = &mut self.blocks[spot.block];
        let node = &mut block.nodes[spot.node];
        let (len, bytes) = (node.len(), node.bytes());
        let result = change(node);
        let (new_len, new_bytes) = (node.len(), node.bytes());
        block.elements = block.elements - len + new_len;
        self.len = self.len - len + new_len;
        self.bytes = self.bytes - bytes + new_bytes;
        result
    }

    /// Puts a node at an end.
    pub(super) fn push_node(&mut self, end: End, node: Node) {
        self.add_node(end, node);
        if let Some(moved) = self.nth(end, self.depth.into()) {
            self.compress(moved);
        }
    }

    /// [`Quicklist::push_node`] that compresses nothing.
    fn add_node(&mut self, end: End, node: Node) {
        let full =
            |block: Option<&Box<Block>>| block.is_none_or(|block| block.nodes.len() >= BLOCK_NODES);
        match end {
            End::Head => {
                if full(self.blocks.front()) {
                    self.insert_block(0);
                }
                self.put(Spot { block: 0, node: 0 }, node);
            }
            End::Tail => {
                if full(self.blocks.back()) {
                    self.insert_block(self.blocks.len());
                }
                let block = self.blocks.len() - 1;
                self.put(Spot { block, node: self.blocks[block].nodes.len() }, node);
            }
        }
    }

    fn insert_block(&mut self, at: usize) {
        let block = Box::<Block>::default();
        self.bytes += block.bytes();
        self.blocks.insert(at, block);
    }

    /// Puts a node before the one at `spot`, in a block that has room.
    fn put(&mut self, spot: Spot, node: Node) {
        let block = &mut self.blocks[spot.block];
        let (len, bytes, before) = (node.len(), node.bytes(), block.bytes());
        block.nodes.insert(spot.node, node);
        block.elements += len;
        self.bytes += bytes + block.bytes() - before;
        self.len += len;
    }

    /// Puts a node beside the one at `spot`; gives its own. Call [`Quicklist::keep_ends`] when all
    /// is done.
    fn insert_node(&mut self, spot: Spot, side: Side, node: Node) -> Spot {
        let mut at = match side {
            Side::Before => spot,
            Side::After => Spot { node: spot.node + 1, ..spot },
        };
        if self.blocks[at.block].nodes.len() >= BLOCK_NODES {
            self.split_block(at.block);
            let kept = self.blocks[at.block].nodes.len();
            if at.node > kept {
                at = Spot { block: at.block + 1, node: at.node - kept };
            }
        }
        self.put(at, node);
        self.compress(at);
        at
    }

    /// Moves the second half of a block's nodes into a block of their own behind it.
    fn split_block(&mut self, at: usize) {
        self.insert_block(at + 1);
        let before = self.blocks[at].bytes() + self.blocks[at + 1].bytes();
        let block = &mut self.blocks[at];
        let nodes = block.nodes.split_off(block.nodes.len() / 2);
        let elements = nodes.iter().map(Node::len).sum();
        block.elements -= elements;
        *self.blocks[at + 1] = Block { nodes, elements };
        let after = self.blocks[at].bytes() + self.blocks[at + 1].bytes();
        self.bytes = self.bytes - before + after;
    }

    /// Takes a node out. Spots before it stay what they are. Call [`Quicklist::keep_ends`] when all
    /// is done.
    fn remove_node(&mut self, spot: Spot) -> Option<Node> {
        let node = self.blocks[spot.block].nodes.remove(spot.node)?;
        let block = &mut self.blocks[spot.block];
        block.elements -= node.len();
        self.len -= node.len();
        self.bytes -= node.bytes();
        if block.nodes.is_empty() {
            self.remove_block(spot.block);
        } else {
            self.join_next_block(spot.block);
        }
        Some(node)
    }

    /// Takes a block out, of which the nodes are accounted for.
    fn remove_block(&mut self, at: usize) -> Option<Box<Block>> {
        let block = self.blocks.remove(at)?;
        self.bytes -= block.bytes();
        Some(block)
    }

    /// Moves the nodes of the next block into this one if they are few.
    fn join_next_block(&mut self, at: usize) {
        let Some(next) = self.blocks.get(at + 1) else { return };
        if self.blocks[at].nodes.len() + next.nodes.len() > JOIN_NODES {
            return;
        }
        let Some(mut next) = self.remove_block(at + 1) else { return };
        let block = &mut self.blocks[at];
        let before = block.bytes();
        block.nodes.append(&mut next.nodes);
        block.elements += next.elements;
        self.bytes = self.bytes - before + block.bytes();
    }

    // Compression.

    /// Whether the node is none of those at the ends, so that it may be compressed.
    #[inline]
    fn is_inner(&self, spot: Spot) -> bool {
        self.depth > 0 && self.is_within(spot, self.depth.into())
    }

    /// Whether there are `depth` nodes before this one, and as many behind it.
    fn is_within(&self, spot: Spot, depth: usize) -> bool {
        let nodes_of = |block: usize| self.blocks[block].nodes.len();
        let reaches = |beside: usize, blocks: &mut dyn Iterator<Item = usize>| {
            let mut seen = beside;
            while seen < depth {
                match blocks.next() {
                    Some(block) => seen += nodes_of(block),
                    None => return false,
                }
            }
            true
        };
        let behind = nodes_of(spot.block) - 1 - spot.node;
        reaches(spot.node, &mut (0..spot.block).rev())
            && reaches(behind, &mut (spot.block + 1..self.blocks.len()))
    }

    /// The node that has `n` others between it and an end.
    fn nth(&self, end: End, n: usize) -> Option<Spot> {
        let mut rest = n;
        let blocks = 0..self.blocks.len();
        let mut seek = |block: usize| {
            let nodes = self.blocks[block].nodes.len();
            if rest >= nodes {
                rest -= nodes;
                return None;
            }
            let node = match end {
                End::Head => rest,
                End::Tail => nodes - 1 - rest,
            };
            Some(Spot { block, node })
        };
        match end {
            End::Head => blocks.into_iter().find_map(&mut seek),
            End::Tail => blocks.rev().find_map(&mut seek),
        }
    }

    /// Compresses a node if it is an inner one.
    #[inline]
    fn compress(&mut self, spot: Spot) {
        if self.is_inner(spot) {
            self.account(spot, Node::compress);
        }
    }

    /// Opens the nodes that came to an end when others went, and compresses those that an insertion
    /// moved away from one. Looks at all nodes of both ends.
    fn keep_ends(&mut self) {
        if self.depth == 0 {
            return;
        }
        let depth = usize::from(self.depth);
        for end in [End::Head, End::Tail] {
            let mut at = self.end(end);
            for place in 0..depth + INSERTED_MAX {
                let Some(spot) = at else { break };
                if place < depth {
                    self.account(spot, Node::open);
                } else {
                    self.compress(spot);
                }
                at = match end {
                    End::Head => self.next(spot),
                    End::Tail => self.prev(spot),
                };
            }
        }
    }

    // Elements.

    /// Shows the element at `place` to `show`.
    pub(super) fn get<R>(&self, place: usize, show: impl FnOnce(Item<'_>) -> R) -> Option<R> {
        let (spot, offset) = self.locate(place)?;
        self.node(spot).opened().get(offset).map(show)
    }

    /// Calls `hear` with `count` elements from `place` on, or as many as there are.
    pub(super) fn visit(
        &self,
        place: usize,
        count: usize,
        direction: Direction,
        hear: &mut impl FnMut(Item<'_>),
    ) {
        let mut left = count;
        let mut at = self.locate(place);
        while let Some((spot, offset)) = at
            && left > 0
        {
            left -= self.node(spot).opened().visit(offset, left, direction, hear);
            at = match direction {
                Direction::Forward => self.next(spot).map(|next| (next, 0)),
                Direction::Backward => {
                    self.prev(spot).map(|prev| (prev, self.node(prev).len() - 1))
                }
            };
        }
    }

    /// Adds an element at an end.
    pub(super) fn push(&mut self, end: End, element: &Element<'_>, limits: Limits) {
        let limits = self.own(limits);
        match self.end(end) {
            Some(spot) if self.node(spot).takes(element.bytes.len(), limits) => {
                self.change(spot, |node| match end {
                    End::Head => node.packed().push_front_encoded(&element.encoded),
                    End::Tail => node.packed().push_back_encoded(&element.encoded),
                });
            }
            _ => self.push_node(end, Node::of(element, limits)),
        }
    }

    /// Inserts an element beside the one at `place`.
    pub(super) fn insert(
        &mut self,
        place: usize,
        side: Side,
        element: &Element<'_>,
        limits: Limits,
    ) {
        let limits = self.own(limits);
        let Some((spot, offset)) = self.locate(place) else { return };
        if self.node(spot).takes(element.bytes.len(), limits) {
            self.change(spot, |node| insert_into(node.packed(), offset, side, element));
        } else {
            self.insert_beside(spot, offset, side, element, limits);
            self.keep_ends();
        }
    }

    /// Inserts an element beside the one at `offset` of a node that has no room for it.
    fn insert_beside(
        &mut self,
        spot: Spot,
        offset: usize,
        side: Side,
        element: &Element<'_>,
        limits: Limits,
    ) {
        let len = element.bytes.len();
        let node = self.node(spot);
        let (edge, neighbour) = match side {
            Side::Before => (offset == 0, self.prev(spot)),
            Side::After => (offset + 1 == node.len(), self.next(spot)),
        };
        if edge {
            match neighbour.filter(|&spot| self.node(spot).takes(len, limits)) {
                None => {
                    self.insert_node(spot, side, Node::of(element, limits));
                }
                Some(neighbour) => self.change(neighbour, |node| match side {
                    Side::Before => node.packed().push_back_encoded(&element.encoded),
                    Side::After => node.packed().push_front_encoded(&element.encoded),
                }),
            }
            return;
        }
        let mut other = self.change(spot, |node| node.split(offset, side));
        if limits.stands_alone(len) {
            let alone = self.insert_node(spot, side, Node::of(element, limits));
            self.insert_node(alone, side, other);
            return;
        }
        match side {
            Side::Before => other.packed().push_back_encoded(&element.encoded),
            Side::After => other.packed().push_front_encoded(&element.encoded),
        }
        let inserted = self.insert_node(spot, side, other);
        let center = match side {
            Side::Before => self.next(inserted),
            Side::After => self.prev(inserted),
        };
        if let Some(center) = center {
            self.merge_around(center, limits);
        }
    }

    /// Merges small nodes around one: those two before it, those two behind it, and then itself
    /// with what is beside it.
    fn merge_around(&mut self, center: Spot, limits: Limits) {
        if let Some(next) = self.next(center) {
            self.merge_with_next(next, limits);
        }
        let mut center = center;
        if let Some(prev) = self.prev(center)
            && let Some(before) = self.prev(prev)
            && self.merge_with_next(before, limits)
        {
            let Some(moved) = self.next(before) else { return };
            center = moved;
        }
        if let Some(prev) = self.prev(center)
            && self.merge_with_next(prev, limits)
        {
            center = prev;
        }
        self.merge_with_next(center, limits);
    }

    /// Moves the elements of the next node into this one if they fit. This spot stays.
    fn merge_with_next(&mut self, spot: Spot, limits: Limits) -> bool {
        let Some(next) = self.next(spot) else { return false };
        if !self.node(spot).joins(self.node(next), limits) {
            return false;
        }
        if let Some(mut next) = self.remove_node(next) {
            next.open();
            self.change(spot, |node| node.packed().append(next.packed()));
        }
        true
    }

    /// Puts an element in the place of the one at `place`.
    pub(super) fn set(&mut self, place: usize, element: &Element<'_>, limits: Limits) {
        let limits = self.own(limits);
        let Some((spot, offset)) = self.locate(place) else { return };
        if self.node(spot).holds(element, limits) {
            self.change(spot, |node| match node {
                Node::Plain(old) => *old = ThinBytes::new(element.bytes),
                _ => {
                    let elements = node.packed();
                    if let Some(at) = elements.seek(offset as i64) {
                        elements.replace_encoded(at, &element.encoded);
                    }
                }
            });
        } else if self.node(spot).is_plain() {
            self.insert(place, Side::After, element, limits);
            self.remove_range(place, 1);
        } else {
            self.set_apart(spot, offset, element, limits);
            self.keep_ends();
        }
    }

    /// Puts an element that takes a node of its own in the place of one among others.
    fn set_apart(&mut self, spot: Spot, offset: usize, element: &Element<'_>, limits: Limits) {
        let behind = (offset + 1 < self.node(spot).len())
            .then(|| self.change(spot, |node| node.split(offset, Side::After)));
        let mut new = Some(self.insert_node(spot, Side::After, Node::of(element, limits)));
        if let Some((at, behind)) = new.zip(behind) {
            // The insertion may move the new node, but leaves it where it is in order.
            let behind = self.insert_node(at, Side::After, behind);
            new = self.prev(behind);
        }
        let Some(old) = new.and_then(|new| self.prev(new)) else { return };
        if self.node(old).len() == 1 {
            self.remove_node(old);
            return;
        }
        self.change(old, |node| {
            let elements = node.packed();
            if let Some(last) = elements.last() {
                elements.remove(last);
            }
        });
        if let Some(new) = self.next(old) {
            self.merge_around(new, limits);
        }
    }

    /// Removes `count` elements from `place` on, or as many as there are.
    pub(super) fn remove_range(&mut self, place: usize, count: usize) {
        let mut rest = count.min(self.len.saturating_sub(place));
        let mut nodes_went = false;
        let mut at = self.locate(place);
        while let Some((mut spot, offset)) = at
            && rest > 0
        {
            let len = self.node(spot).len();
            let removed = rest.min(len - offset);
            if removed == len {
                self.remove_node(spot);
                nodes_went = true;
            } else {
                self.change(spot, |node| node.packed().remove_range(offset as i64, removed));
                spot.node += 1;
            }
            rest -= removed;
            at = self.settle(spot).map(|next| (next, 0));
        }
        if nodes_went {
            self.keep_ends();
        }
    }

    /// Removes up to `limit` elements equal to this one; returns how many.
    pub(super) fn remove_equal(
        &mut self,
        element: &Element<'_>,
        direction: Direction,
        limit: usize,
    ) -> usize {
        let (mut removed, mut nodes_went) = (0, false);
        let mut at = match direction {
            Direction::Forward => self.first(),
            Direction::Backward => self.last(),
        };
        while let Some(spot) = at
            && removed < limit
        {
            let left = limit - removed;
            let (before, len) = (self.prev(spot), self.node(spot).len());
            let gone = self.remove_equal_at(spot, element, direction, left);
            removed += gone;
            let is_empty = gone == len;
            if is_empty {
                self.remove_node(spot);
                nodes_went = true;
            }
            at = match direction {
                Direction::Backward => before,
                Direction::Forward if is_empty => self.settle(spot),
                Direction::Forward => self.next(spot),
            };
        }
        if nodes_went {
            self.keep_ends();
        }
        removed
    }

    /// [`Quicklist::remove_equal`] in one node, which must be removed if all of it is equal.
    fn remove_equal_at(
        &mut self,
        spot: Spot,
        element: &Element<'_>,
        direction: Direction,
        limit: usize,
    ) -> usize {
        // Most nodes have none: those are only looked at.
        let mut has_any = |is_equal| match is_equal {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        if self.node(spot).opened().compare(element, direction, &mut has_any).is_continue() {
            return 0;
        }
        if self.node(spot).is_plain() {
            return 1;
        }
        self.change(spot, |node| remove_equal_in(node.packed(), &element.encoded, direction, limit))
    }

    /// Tells `hear` of each element, in this direction, whether it is equal to this one.
    pub(super) fn compare(
        &self,
        element: &Element<'_>,
        direction: Direction,
        hear: &mut impl FnMut(bool) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut compare = |node: &Node| node.opened().compare(element, direction, hear);
        match direction {
            Direction::Forward => {
                self.blocks.iter().flat_map(|block| &block.nodes).try_for_each(&mut compare)
            }
            Direction::Backward => self
                .blocks
                .iter()
                .rev()
                .flat_map(|block| block.nodes.iter().rev())
                .try_for_each(&mut compare),
        }
    }
}

/// Inserts an element beside the one at `offset`.
fn insert_into(elements: &mut Listpack, offset: usize, side: Side, element: &Element<'_>) {
    let position: Option<listpack::Position> = elements.seek(offset as i64);
    let at = position.expect("the element was located");
    match side {
        Side::Before => elements.insert_before_encoded(at, &element.encoded),
        Side::After => elements.insert_after_encoded(at, &element.encoded),
    };
}

#[cfg(test)]
impl Quicklist {
    /// Counts everything again and holds it against the accounts; and looks at which nodes are
    /// compressed.
    pub(super) fn check(&self) {
        let (mut len, mut bytes) = (0, 0);
        for block in &self.blocks {
            assert!(!block.nodes.is_empty() && block.nodes.len() <= BLOCK_NODES);
            assert!(block.nodes.iter().all(|node| node.len() > 0));
            let elements: usize = block.nodes.iter().map(Node::len).sum();
            assert_eq!(block.elements, elements);
            len += elements;
            bytes += block.bytes() + block.nodes.iter().map(Node::bytes).sum::<usize>();
        }
        assert_eq!((self.len, self.bytes), (len, bytes));
        let (depth, nodes) = (usize::from(self.depth), self.node_count());
        for (at, node) in self.blocks.iter().flat_map(|block| &block.nodes).enumerate() {
            let is_inner = depth > 0 && at >= depth && at + depth < nodes;
            let mut as_it_should_be = node.opened().into_owned();
            if is_inner {
                as_it_should_be.compress();
            }
            assert_eq!(node.is_compressed(), as_it_should_be.is_compressed(), "{at} of {nodes}");
        }
    }

    /// How many nodes are compressed.
    pub(super) fn compressed(&self) -> usize {
        self.blocks
            .iter()
            .flat_map(|block| &block.nodes)
            .filter(|node| node.is_compressed())
            .count()
    }
}
