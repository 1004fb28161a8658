//! The order of a big sorted set: a counted B+tree over (score, text) that owns the members.
//!
//! ```text
//! inner │ edge 0 │ bound 0 │ edge 1 │ bound 1 │ …      bounds: below ≤ bound ≤ at and above
//!         count,             count,
//!         node               node
//! leaf  │ scores …   | members (pointers) …            in ascending order
//! ```
//!
//! * Every edge counts the elements below it, so that a rank is found, and the element at a rank,
//!   in one way down. The work of one insertion or removal is bounded by one node per level.
//! * A leaf keeps its scores beside the pointers: members are looked at only where scores are
//!   equal. A bound is a score and just enough of a text to part its neighbours.
//! * A full leaf gives to a neighbour before it splits, which fills leaves to four fifths and a
//!   tree that grows at its end nearly whole. Neighbours that fit in three quarters of a node
//!   become one.
//!
//! All leaves are at the same depth. Scores are never NaN; −0 and 0 are equal. No unsafe here.

use std::cmp::Ordering;
use std::ops::Range;

use super::member::Member;
use crate::value::size_class::size_class;

/// Elements of a leaf: scores and pointers fill a size class of 768 bytes each.
const LEAF: usize = if cfg!(test) { 8 } else { 96 };
/// Edges of an inner node.
const FANOUT: usize = if cfg!(test) { 4 } else { 64 };
/// What a leaf that starts to fill allocates room for.
const LEAF_START: usize = 4;

/// A place in the order.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) score: f64,
    pub(super) text: &'a [u8],
}

impl Place<'_> {
    /// How an element stands to this place.
    #[inline]
    fn of(&self, score: f64, member: &Member) -> Ordering {
        match score.partial_cmp(&self.score) {
            Some(Ordering::Less) => Ordering::Less,
            Some(Ordering::Greater) => Ordering::Greater,
            _ => member.text().cmp(self.text),
        }
    }
}

#[derive(Default)]
struct Leaf {
    scores: Vec<f64>,
    members: Vec<Member>,
}

#[derive(Default)]
struct Inner {
    /// Scores of the bounds.
    scores: Vec<f64>,
    /// `bounds[i]` is between `edges[i]` and `edges[i + 1]`.
    bounds: Vec<Member>,
    edges: Vec<Edge>,
}

struct Edge {
    /// Elements below.
    count: usize,
    node: Node,
}

enum Node {
    Leaf(Leaf),
    Inner(Box<Inner>),
}

/// The counted B+tree.
pub(super) struct Tree {
    root: Node,
    len: usize,
    /// Bytes of nodes, bounds and members, as allocated.
    bytes: usize,
}

/// The index of the first of some elements of which `before` does not hold.
#[inline]
fn partition(scores: &[f64], members: &[Member], before: impl Fn(f64, &Member) -> bool) -> usize {
    let (mut low, mut high) = (0, scores.len());
    while low < high {
        let middle = low.midpoint(high);
        if before(scores[middle], &members[middle]) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn heap_of<T>(vec: &Vec<T>) -> usize {
    size_class(vec.capacity() * size_of::<T>())
}

impl Leaf {
    fn heap(&self) -> usize {
        heap_of(&self.scores) + heap_of(&self.members)
    }

    fn full_sized() -> Leaf {
        Leaf { scores: Vec::with_capacity(LEAF), members: Vec::with_capacity(LEAF) }
    }

    fn insert(&mut self, member: Member) {
        let place = Place { score: member.get().score(), text: member.text() };
        let at = partition(&self.scores, &self.members, |s, m| place.of(s, m).is_lt());
        let score = place.score;
        if self.members.len() == self.members.capacity() {
            let room = (self.members.len() * 2).clamp(LEAF_START, LEAF);
            let more = room.saturating_sub(self.members.len()).max(1);
            self.scores.reserve_exact(more);
            self.members.reserve_exact(more);
        }
        self.scores.insert(at, score);
        self.members.insert(at, member);
    }

    fn remove(&mut self, place: Place<'_>) -> Option<Member> {
        let at = partition(&self.scores, &self.members, |s, m| place.of(s, m).is_lt());
        if place.of(*self.scores.get(at)?, &self.members[at]).is_ne() {
            return None;
        }
        self.scores.remove(at);
        let member = self.members.remove(at);
        self.give_back();
        Some(member)
    }

    /// Gives room back that is far too large: a leaf without neighbours.
    fn give_back(&mut self) {
        if self.members.len() * 4 <= self.members.capacity() {
            let room = self.members.len() * 2;
            self.scores.shrink_to(room);
            self.members.shrink_to(room);
        }
    }

    /// Takes all the room that a leaf may have, before it gets elements from a neighbour.
    fn make_full_sized(&mut self) {
        self.scores.reserve_exact(LEAF - self.scores.len());
        self.members.reserve_exact(LEAF - self.members.len());
    }

    /// Moves the last elements to the front of the leaf behind, until this one has `keep`.
    fn give_right(&mut self, right: &mut Leaf, keep: usize) {
        drop(right.scores.splice(..0, self.scores.drain(keep..)));
        drop(right.members.splice(..0, self.members.drain(keep..)));
    }

    /// Moves the first `count` elements to the end of the leaf before.
    fn give_left(&mut self, left: &mut Leaf, count: usize) {
        left.scores.extend(self.scores.drain(..count));
        left.members.extend(self.members.drain(..count));
    }

    /// A bound between this leaf and `right`: with as little text as parts them.
    fn bound_before(&self, right: &Leaf) -> (f64, Member) {
        let (low, high) = (self.members.last(), right.members.first());
        let (Some(low), Some(high)) = (low, high) else {
            unreachable!("leaves beside each other are not empty");
        };
        let (low, high) = (low.get(), high.get());
        let score = high.score();
        let text = if low.score() < score {
            &[][..]
        } else {
            let same = low.text().iter().zip(high.text()).take_while(|(a, b)| a == b).count();
            &high.text()[..high.text().len().min(same + 1)]
        };
        (score, Member::new(score, text))
    }
}

impl Node {
    fn fill(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.members.len(),
            Node::Inner(inner) => inner.edges.len(),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF,
            Node::Inner(_) => FANOUT,
        }
    }

    fn is_full(&self) -> bool {
        self.fill() >= self.capacity()
    }

    /// Bytes of the node itself, without what is below or pointed to.
    fn heap(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.heap(),
            Node::Inner(inner) => inner.heap() + size_class(size_of::<Inner>()),
        }
    }

    /// Takes the elements of these ranks out, in order, and gives the change of bytes of the
    /// structure. All of them must not be below one node that stays: its parent removes it.
    fn remove_range(
        &mut self,
        range: Range<usize>,
        bytes: &mut usize,
        taken: &mut impl FnMut(Member),
    ) {
        match self {
            Node::Leaf(leaf) => {
                *bytes -= leaf.heap();
                leaf.scores.drain(range.clone());
                leaf.members.drain(range).for_each(taken);
                leaf.give_back();
                *bytes += leaf.heap();
            }
            Node::Inner(inner) => inner.remove_range(range, bytes, taken),
        }
    }

    /// Takes everything apart.
    fn dissolve(self, bytes: &mut usize, taken: &mut impl FnMut(Member)) {
        *bytes -= self.heap();
        match self {
            Node::Leaf(leaf) => leaf.members.into_iter().for_each(taken),
            Node::Inner(inner) => {
                *bytes -= inner.bounds.iter().map(Member::allocated).sum::<usize>();
                for edge in inner.edges {
                    edge.node.dissolve(bytes, taken);
                }
            }
        }
    }

    fn remove(&mut self, place: Place<'_>, bytes: &mut usize) -> Option<Member> {
        match self {
            Node::Leaf(leaf) => {
                let before = leaf.heap();
                let member = leaf.remove(place);
                *bytes = *bytes + leaf.heap() - before;
                member
            }
            Node::Inner(inner) => {
                let at = inner.child_of(place);
                let member = inner.edges[at].node.remove(place, bytes)?;
                inner.edges[at].count -= 1;
                inner.mend(at, bytes);
                Some(member)
            }
        }
    }
}

impl Inner {
    fn heap(&self) -> usize {
        heap_of(&self.scores) + heap_of(&self.bounds) + heap_of(&self.edges)
    }

    /// The edge below which an element at `place` is, if there is one.
    fn child_of(&self, place: Place<'_>) -> usize {
        partition(&self.scores, &self.bounds, |score, bound| place.of(score, bound).is_le())
    }

    fn set_bound(&mut self, at: usize, (score, bound): (f64, Member), bytes: &mut usize) {
        *bytes += bound.allocated();
        *bytes -= self.bounds[at].allocated();
        self.scores[at] = score;
        self.bounds[at] = bound;
    }

    /// Puts `edge` and the bound before it at `at`, which is not the first place.
    fn insert_edge(&mut self, at: usize, bound: (f64, Member), edge: Edge, bytes: &mut usize) {
        *bytes += bound.1.allocated();
        let before = self.heap();
        self.scores.insert(at - 1, bound.0);
        self.bounds.insert(at - 1, bound.1);
        self.edges.insert(at, edge);
        *bytes = *bytes + self.heap() - before;
    }

    /// Makes room in the full node at `at`, of which this node has less than its fanout.
    fn make_room(&mut self, at: usize, bytes: &mut usize) {
        if matches!(self.edges[at].node, Node::Leaf(_)) {
            if at > 0 && self.has_room(at - 1) {
                return self.balance(at - 1, bytes);
            }
            if self.has_room(at + 1) {
                return self.balance(at, bytes);
            }
        }
        self.split(at, bytes);
    }

    /// Whether the node at `at` can take so much from a full neighbour that it is worth it.
    fn has_room(&self, at: usize) -> bool {
        self.edges.get(at).is_some_and(|edge| edge.node.fill() <= edge.node.capacity() * 3 / 4)
    }

    /// Makes the leaves at `at` and behind it equally full.
    fn balance(&mut self, at: usize, bytes: &mut usize) {
        let [left, right] = &mut self.edges[at..at + 2] else { unreachable!("two edges") };
        let (Node::Leaf(low), Node::Leaf(high)) = (&mut left.node, &mut right.node) else {
            unreachable!("nodes of one depth are of one kind");
        };
        let before = low.heap() + high.heap();
        let half = (low.members.len() + high.members.len()) / 2;
        low.make_full_sized();
        high.make_full_sized();
        if low.members.len() > half {
            low.give_right(high, half);
        } else {
            let count = half - low.members.len();
            high.give_left(low, count);
        }
        *bytes = *bytes + low.heap() + high.heap() - before;
        let bound = low.bound_before(high);
        (left.count, right.count) = (low.members.len(), high.members.len());
        self.set_bound(at, bound, bytes);
    }

    /// Splits the node at `at` in two.
    fn split(&mut self, at: usize, bytes: &mut usize) {
        let edge = &mut self.edges[at];
        let before = edge.node.heap();
        let (bound, new) = match &mut edge.node {
            Node::Leaf(leaf) => {
                let mut right = Leaf::full_sized();
                let half = leaf.members.len() / 2;
                right.scores.extend(leaf.scores.drain(half..));
                right.members.extend(leaf.members.drain(half..));
                let bound = leaf.bound_before(&right);
                (bound, Edge { count: right.members.len(), node: Node::Leaf(right) })
            }
            Node::Inner(inner) => {
                let half = inner.edges.len() / 2;
                let mut right = Inner::full_sized();
                right.edges.extend(inner.edges.drain(half..));
                right.scores.extend(inner.scores.drain(half..));
                right.bounds.extend(inner.bounds.drain(half..));
                let bound = inner.scores.pop().zip(inner.bounds.pop());
                let bound = bound.expect("a full node has bounds");
                // It is counted where it was; `insert_edge` counts it again.
                *bytes -= bound.1.allocated();
                let count = right.edges.iter().map(|edge| edge.count).sum();
                (bound, Edge { count, node: Node::Inner(Box::new(right)) })
            }
        };
        edge.count -= new.count;
        *bytes = *bytes + edge.node.heap() + new.node.heap() - before;
        self.insert_edge(at + 1, bound, new, bytes);
    }

    fn full_sized() -> Inner {
        Inner {
            scores: Vec::with_capacity(FANOUT),
            bounds: Vec::with_capacity(FANOUT),
            edges: Vec::with_capacity(FANOUT),
        }
    }

    /// After a removal below the edge at `at`: removes it if it is empty, or joins it with a
    /// neighbour if they are nearly empty.
    fn mend(&mut self, at: usize, bytes: &mut usize) {
        let Some(edge) = self.edges.get(at) else { return };
        let (fill, most) = (edge.node.fill(), edge.node.capacity() * 3 / 4);
        if edge.count == 0 {
            self.remove_edges(at..at + 1, bytes, &mut |_| {});
        } else if fill <= most / 2 {
            let fits = |other: usize| {
                self.edges.get(other).is_some_and(|other| other.node.fill() + fill <= most)
            };
            if fits(at + 1) {
                self.join(at, bytes);
            } else if at > 0 && fits(at - 1) {
                self.join(at - 1, bytes);
            }
        }
    }

    /// Moves all of the node behind `at` into the one at `at`.
    fn join(&mut self, at: usize, bytes: &mut usize) {
        let Edge { count, node } = self.edges.remove(at + 1);
        self.scores.remove(at);
        let bound = self.bounds.remove(at);
        let score = bound.get().score();
        let left = &mut self.edges[at];
        let before = left.node.heap() + node.heap();
        left.count += count;
        match (&mut left.node, node) {
            (Node::Leaf(left), Node::Leaf(mut right)) => {
                left.make_full_sized();
                left.scores.append(&mut right.scores);
                left.members.append(&mut right.members);
                *bytes -= bound.allocated();
            }
            (Node::Inner(left), Node::Inner(mut right)) => {
                left.scores.push(score);
                left.bounds.push(bound);
                left.scores.append(&mut right.scores);
                left.bounds.append(&mut right.bounds);
                left.edges.append(&mut right.edges);
            }
            _ => unreachable!("nodes of one depth are of one kind"),
        }
        *bytes = *bytes + self.edges[at].node.heap() - before;
    }

    /// Removes edges with the bounds that they no longer need, and all that is below.
    fn remove_edges(
        &mut self,
        range: Range<usize>,
        bytes: &mut usize,
        taken: &mut impl FnMut(Member),
    ) {
        let first = range.start.saturating_sub(1);
        let bounds = first..(first + range.len()).min(self.bounds.len());
        *bytes -= self.bounds[bounds.clone()].iter().map(Member::allocated).sum::<usize>();
        self.scores.drain(bounds.clone());
        self.bounds.drain(bounds);
        for edge in self.edges.drain(range) {
            edge.node.dissolve(bytes, taken);
        }
    }

    fn remove_range(
        &mut self,
        range: Range<usize>,
        bytes: &mut usize,
        taken: &mut impl FnMut(Member),
    ) {
        let mut start = 0;
        // The edges that go whole.
        let mut whole: Option<Range<usize>> = None;
        // What is before them must be taken before, what is behind them after.
        let mut last = None;
        for at in 0..self.edges.len() {
            let count = self.edges[at].count;
            let from = range.start.max(start) - start;
            let to = range.end.min(start + count).saturating_sub(start);
            start += count;
            if from >= to {
                continue;
            }
            if to - from == count {
                whole = Some(whole.map_or(at, |whole| whole.start)..at + 1);
            } else if whole.is_some() {
                last = Some((at, to));
            } else {
                self.edges[at].node.remove_range(from..to, bytes, taken);
                self.edges[at].count -= to - from;
                whole = Some(at + 1..at + 1);
            }
        }
        let Some(whole) = whole else { return };
        let gone = whole.len();
        let first = whole.start;
        self.remove_edges(whole, bytes, taken);
        if let Some((at, count)) = last {
            let edge = &mut self.edges[at - gone];
            edge.node.remove_range(0..count, bytes, taken);
            edge.count -= count;
        }
        self.mend(first, bytes);
        if first > 0 {
            self.mend(first - 1, bytes);
        }
    }
}

impl Tree {
    pub(super) fn new() -> Tree {
        Tree { root: Node::Leaf(Leaf::default()), len: 0, bytes: 0 }
    }

    /// Elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of nodes and members, as allocated.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a member, which must not be in it.
    pub(super) fn insert(&mut self, member: Member) {
        self.len += 1;
        self.bytes += member.allocated();
        if self.root.is_full() {
            let node = std::mem::replace(&mut self.root, Node::Leaf(Leaf::default()));
            let mut inner = Inner::full_sized();
            inner.edges.push(Edge { count: self.len - 1, node });
            self.root = Node::Inner(Box::new(inner));
            self.bytes += self.root.heap();
        }
        let bytes = &mut self.bytes;
        let mut node = &mut self.root;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let before = leaf.heap();
                    leaf.insert(member);
                    *bytes = *bytes + leaf.heap() - before;
                    return;
                }
                Node::Inner(inner) => {
                    let place = Place { score: member.get().score(), text: member.text() };
                    let mut at = inner.child_of(place);
                    if inner.edges[at].node.is_full() {
                        inner.make_room(at, bytes);
                        at = inner.child_of(place);
                    }
                    inner.edges[at].count += 1;
                    node = &mut inner.edges[at].node;
                }
            }
        }
    }

    /// Takes the member at this place out.
    pub(super) fn remove(&mut self, place: Place<'_>) -> Option<Member> {
        let member = self.root.remove(place, &mut self.bytes)?;
        self.len -= 1;
        self.bytes -= member.allocated();
        self.lower();
        Some(member)
    }

    /// Takes the members of these ranks out, in order.
    pub(super) fn remove_range(&mut self, range: Range<usize>, mut taken: impl FnMut(Member)) {
        let range = range.start..range.end.min(self.len);
        if range.is_empty() {
            return;
        }
        let mut freed = 0;
        self.len -= range.len();
        self.root.remove_range(range, &mut self.bytes, &mut |member| {
            freed += member.allocated();
            taken(member);
        });
        self.bytes -= freed;
        self.lower();
    }

    /// Makes the tree as low as it can be.
    fn lower(&mut self) {
        while let Node::Inner(inner) = &mut self.root
            && inner.edges.len() <= 1
        {
            let child = inner.edges.pop().map(|edge| edge.node);
            self.bytes -= self.root.heap();
            self.root = child.unwrap_or(Node::Leaf(Leaf::default()));
        }
    }

    /// How many elements are before the first of which `before` does not hold; it must hold of
    /// none behind that one.
    pub(super) fn partition(&self, before: impl Fn(f64, &Member) -> bool) -> usize {
        let mut rank = 0;
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    return rank + partition(&leaf.scores, &leaf.members, &before);
                }
                Node::Inner(inner) => {
                    let at = partition(&inner.scores, &inner.bounds, &before);
                    rank += inner.edges[..at].iter().map(|edge| edge.count).sum::<usize>();
                    node = &inner.edges[at].node;
                }
            }
        }
    }

    /// How many elements are before this place.
    pub(super) fn rank(&self, place: Place<'_>) -> usize {
        self.partition(|score, member| place.of(score, member).is_lt())
    }

    /// The leaf with the element at `rank`, and where it is there; `None` beyond the end.
    fn leaf_at(&self, mut rank: usize) -> Option<(&Leaf, usize)> {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return (rank < leaf.members.len()).then_some((leaf, rank)),
                Node::Inner(inner) => {
                    node = inner.edges.iter().find_map(|edge| {
                        let here = rank < edge.count;
                        rank -= if here { 0 } else { edge.count };
                        here.then_some(&edge.node)
                    })?;
                }
            }
        }
    }

    /// The elements of these ranks in order.
    pub(super) fn range(&self, range: Range<usize>) -> Elements<'_> {
        let to = range.end.min(self.len);
        Elements { tree: self, from: range.start.min(to), to, head: None, tail: None }
    }
}

/// Elements of a tree in order. A step to the next leaf is a way down from the root.
#[derive(Clone)]
pub(super) struct Elements<'a> {
    tree: &'a Tree,
    from: usize,
    to: usize,
    /// The leaf with the next element, and the rank of its first one.
    head: Option<(&'a Leaf, usize)>,
    /// The leaf with the last element, and the rank of its first one.
    tail: Option<(&'a Leaf, usize)>,
}

impl<'a> Elements<'a> {
    fn element(
        tree: &'a Tree,
        known: &mut Option<(&'a Leaf, usize)>,
        rank: usize,
    ) -> Option<(f64, &'a Member)> {
        let place = known.and_then(|(leaf, first)| {
            let at = rank.checked_sub(first)?;
            (at < leaf.members.len()).then_some((leaf, at))
        });
        let (leaf, at) = match place {
            Some(place) => place,
            None => tree.leaf_at(rank)?,
        };
        *known = Some((leaf, rank - at));
        Some((leaf.scores[at], &leaf.members[at]))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (f64, &'a Member);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.from >= self.to {
            return None;
        }
        self.from += 1;
        Self::element(self.tree, &mut self.head, self.from - 1)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.to - self.from, Some(self.to - self.from))
    }

    fn nth(&mut self, skip: usize) -> Option<Self::Item> {
        self.from = self.from.saturating_add(skip).min(self.to);
        self.next()
    }
}

impl DoubleEndedIterator for Elements<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.from >= self.to {
            return None;
        }
        self.to -= 1;
        Self::element(self.tree, &mut self.tail, self.to)
    }

    fn nth_back(&mut self, skip: usize) -> Option<Self::Item> {
        self.to = self.to.saturating_sub(skip).max(self.from);
        self.next_back()
    }
}

impl ExactSizeIterator for Elements<'_> {}

#[cfg(test)]
mod tests;
