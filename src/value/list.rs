//! Lists: a listpack while small, a quicklist when larger.
//!
//! The listpack becomes a quicklist before it would exceed the limit of one node, and comes back
//! when a quicklist has shrunk to one node of at most half the limit: Redis's points, in the steps
//! in which its commands take them. So an edit does not change the encoding by itself: a command
//! calls [`List::grow_for`] before it adds, and [`List::shrink`] after it removed.
//!
//! Pure data: the limits come with each call that needs them. Nodes inside a long list may be
//! compressed, so that elements are shown to a function, not lent: [`List::get`], [`List::visit`].

mod node;
mod quicklist;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use self::node::Node;
use self::quicklist::Quicklist;
use super::listpack::{Encoded, Item, Listpack};
use super::size_class::size_class;
use super::thin::ThinBytes;

/// Most bytes of a node when its limit is a number of elements; Redis's bound.
const SAFE_NODE: usize = 8192;
/// Most bytes of a node for the limits -1 to -5.
const NODE_BYTES: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// What a node's growth by an element is estimated at, above the element's own length.
const ELEMENT_OVERHEAD: usize = 8;

/// What the configuration says of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How large a node may be: `list-max-listpack-size`.
    ///
    /// Elements of a node if positive (0 counts as 1); -1 to -5 (and below) stand for 4, 8, 16, 32
    /// and 64 KiB. A quicklist keeps what held when it became one, up to 32,767 elements.
    pub node_size: i32,
    /// Nodes at each end of a quicklist that are not compressed, while those between them are; 0
    /// if none is: `list-compress-depth`. A quicklist keeps what held when it became one. Redis
    /// counts to 65,535, and so does this.
    pub compress_depth: u32,
    /// From how many bytes on an element of a quicklist stands alone; 0: when it is larger than a
    /// node may be. For those who test: `DEBUG QUICKLIST-PACKED-THRESHOLD`.
    pub plain_from: u32,
}

impl Limits {
    /// Most bytes of a node, if that is what is limited.
    fn bytes(self) -> Option<usize> {
        let level = usize::try_from(-1 - i64::from(self.node_size)).ok()?;
        Some(NODE_BYTES[level.min(NODE_BYTES.len() - 1)])
    }

    /// Most elements of a node, if that is what is limited.
    fn elements(self) -> Option<usize> {
        usize::try_from(self.node_size).ok().map(|elements| elements.max(1))
    }

    /// Whether a node of so many bytes and elements is too large.
    fn exceeded_by(self, bytes: usize, elements: usize) -> bool {
        match (self.bytes(), self.elements()) {
            (Some(limit), _) => bytes > limit,
            (None, Some(limit)) => bytes > SAFE_NODE || elements > limit,
            (None, None) => unreachable!("a number is negative or not"),
        }
    }

    /// Whether an element of so many bytes stands alone.
    fn stands_alone(self, bytes: usize) -> bool {
        if self.plain_from > 0 {
            return bytes >= self.plain_from as usize;
        }
        bytes > self.bytes().unwrap_or(SAFE_NODE)
    }
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where LPUSH adds.
    Head,
    /// Where RPUSH adds.
    Tail,
}

/// Beside which side of an element another one is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before it.
    Before,
    /// Behind it.
    After,
}

/// Which way elements are visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the head on.
    Forward,
    /// From the tail on.
    Backward,
}

/// An element to add or to look for, with its encoding.
#[derive(Clone, Copy)]
struct Element<'a> {
    bytes: &'a [u8],
    encoded: Encoded<'a>,
}

impl<'a> Element<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, encoded: Encoded::of(bytes) }
    }
}

/// A list of strings.
#[derive(Debug)]
pub struct List(Repr);

#[derive(Debug)]
enum Repr {
    Listpack(Listpack),
    Quicklist(Box<Quicklist>),
}

/// How a quicklist is laid out: what it keeps for life of the limits, and how many nodes came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Nodes.
    pub nodes: usize,
    /// See [`Limits::node_size`].
    pub node_size: i16,
    /// See [`Limits::compress_depth`].
    pub compress_depth: u16,
}

/// A node as it is saved.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef<'a> {
    /// Whether it is one large element on its own, not a listpack.
    pub is_plain: bool,
    /// The element or listpack.
    pub bytes: NodeBytes<'a>,
}

/// The bytes of a node.
#[derive(Clone, Copy, Debug)]
pub enum NodeBytes<'a> {
    /// As they are.
    Raw(&'a [u8]),
    /// Compressed with LZF.
    Lzf {
        /// The compressed bytes.
        text: &'a [u8],
        /// How many they are uncompressed.
        len: usize,
    },
}

impl NodeBytes<'_> {
    /// How many bytes they are, uncompressed.
    pub fn uncompressed_len(self) -> usize {
        match self {
            NodeBytes::Raw(bytes) => bytes.len(),
            NodeBytes::Lzf { len, .. } => len,
        }
    }
}

impl Default for List {
    fn default() -> List {
        List::new()
    }
}

impl List {
    /// An empty list.
    pub fn new() -> List {
        List(Repr::Listpack(Listpack::new()))
    }

    /// How many elements it has.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Listpack(elements) => elements.len(),
            Repr::Quicklist(list) => list.len(),
        }
    }

    /// Whether it has none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        match &self.0 {
            Repr::Listpack(elements) => elements.is_empty(),
            Repr::Quicklist(list) => list.len() == 0,
        }
    }

    /// Bytes allocated.
    #[inline]
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Repr::Listpack(elements) => elements.bytes(),
            Repr::Quicklist(list) => size_class(size_of::<Quicklist>()) + list.bytes(),
        }
    }

    /// The name of its encoding.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Repr::Listpack(_) => "listpack",
            Repr::Quicklist(_) => "quicklist",
        }
    }

    /// How many allocations there are to free.
    pub fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::Listpack(_) => 1,
            Repr::Quicklist(list) => list.free_effort(),
        }
    }

    /// A copy with all elements.
    pub fn duplicate(&self) -> List {
        List(match &self.0 {
            Repr::Listpack(elements) => Repr::Listpack(elements.clone()),
            Repr::Quicklist(list) => Repr::Quicklist(Box::new(list.duplicate())),
        })
    }

    /// Makes ready for `count` more elements of `bytes` bytes in all: what would exceed the limit
    /// of one node becomes a quicklist.
    pub fn grow_for(&mut self, count: usize, bytes: usize, limits: Limits) {
        if let Repr::Listpack(elements) = &self.0
            && limits.exceeded_by(
                elements.byte_len().saturating_add(bytes),
                elements.len().saturating_add(count),
            )
        {
            self.become_quicklist(limits);
        }
    }

    /// Turns a quicklist that removals left with one node of at most half the limit into a
    /// listpack.
    pub fn shrink(&mut self, limits: Limits) {
        self.become_listpack(limits, 2);
    }

    /// Turns a list that was loaded into the encoding that suits its size.
    pub fn settle(&mut self, limits: Limits) {
        self.grow_for(0, 0, limits);
        self.become_listpack(limits, 1);
    }

    /// Turns a quicklist of one node into a listpack if that is at most `1/part` of the limit.
    fn become_listpack(&mut self, limits: Limits, part: usize) {
        let Repr::Quicklist(list) = &mut self.0 else { return };
        let Some(elements) = list.only_listpack() else { return };
        let bytes_fit = limits.bytes().is_none_or(|limit| elements.byte_len() <= limit / part);
        let count_fits = limits.elements().is_none_or(|limit| elements.len() <= limit / part);
        if bytes_fit && count_fits {
            let elements = std::mem::take(elements);
            self.0 = Repr::Listpack(elements);
        }
    }

    fn become_quicklist(&mut self, limits: Limits) -> &mut Quicklist {
        if let Repr::Listpack(elements) = &mut self.0 {
            let mut list = Box::new(Quicklist::new(limits));
            if !elements.is_empty() {
                list.push_node(End::Tail, Node::Packed(std::mem::take(elements)));
            }
            self.0 = Repr::Quicklist(list);
        }
        match &mut self.0 {
            Repr::Quicklist(list) => list,
            Repr::Listpack(_) => unreachable!("it was made one just now"),
        }
    }

    /// The listpack, if it is one and has room for `added` bytes more.
    fn listpack_with_room(
        &mut self,
        added: usize,
        limits: Limits,
    ) -> Result<&mut Listpack, &mut Quicklist> {
        if matches!(&self.0, Repr::Listpack(elements) if !elements.fits(added)) {
            self.become_quicklist(limits);
        }
        match &mut self.0 {
            Repr::Listpack(elements) => Ok(elements),
            Repr::Quicklist(list) => Err(list),
        }
    }

    /// Adds an element at an end.
    pub fn push(&mut self, end: End, element: &[u8], limits: Limits) {
        let element = Element::new(element);
        match (self.listpack_with_room(element.encoded.size(), limits), end) {
            (Ok(elements), End::Head) => elements.push_front_encoded(&element.encoded),
            (Ok(elements), End::Tail) => elements.push_back_encoded(&element.encoded),
            (Err(list), end) => list.push(end, &element, limits),
        }
    }

    /// Shows the element at an index from the head to `show`; a negative one counts from the tail,
    /// -1 being the last. `None` if there is none.
    pub fn get<R>(&self, index: i64, show: impl FnOnce(Item<'_>) -> R) -> Option<R> {
        match &self.0 {
            Repr::Listpack(elements) => elements.seek(index).map(|at| show(elements.get(at))),
            Repr::Quicklist(list) => list.get(self.place(index)?, show),
        }
    }

    /// The place from the head that an index means.
    fn place(&self, index: i64) -> Option<usize> {
        let len = self.len();
        let place = if index < 0 {
            len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
        } else {
            usize::try_from(index).ok()?
        };
        (place < len).then_some(place)
    }

    /// Puts an element in the place of the one at an index (see [`List::get`]); false if there is
    /// none.
    pub fn set(&mut self, index: i64, element: &[u8], limits: Limits) -> bool {
        let Some(place) = self.place(index) else { return false };
        let element = Element::new(element);
        match self.listpack_with_room(element.encoded.size(), limits) {
            Ok(elements) => {
                if let Some(at) = elements.seek(index) {
                    elements.replace_encoded(at, &element.encoded);
                }
            }
            Err(list) => list.set(place, &element, limits),
        }
        true
    }

    /// Inserts an element beside the one at `place` from the head, which must be there.
    pub fn insert(&mut self, place: usize, side: Side, element: &[u8], limits: Limits) {
        let element = Element::new(element);
        match self.listpack_with_room(element.encoded.size(), limits) {
            Ok(elements) => {
                if let Some(at) = elements.seek(place as i64) {
                    match side {
                        Side::Before => elements.insert_before_encoded(at, &element.encoded),
                        Side::After => elements.insert_after_encoded(at, &element.encoded),
                    };
                }
            }
            Err(list) => list.insert(place, side, &element, limits),
        }
    }

    /// Removes `count` elements from `place` on, or as many as there are.
    pub fn remove_range(&mut self, place: usize, count: usize) {
        match &mut self.0 {
            Repr::Listpack(elements) => {
                if let Ok(place) = i64::try_from(place) {
                    elements.remove_range(place, count);
                }
            }
            Repr::Quicklist(list) => list.remove_range(place, count),
        }
    }

    /// Removes up to `limit` elements equal to this one, the first that come in this direction;
    /// returns how many.
    pub fn remove_equal(&mut self, element: &[u8], direction: Direction, limit: usize) -> usize {
        let element = Element::new(element);
        match &mut self.0 {
            Repr::Listpack(elements) => {
                remove_equal_in(elements, &element.encoded, direction, limit)
            }
            Repr::Quicklist(list) => list.remove_equal(&element, direction, limit),
        }
    }

    /// Calls `hear` with `count` elements from `place` on (counted from the head), in this
    /// direction, or with as many as there are.
    pub fn visit(
        &self,
        place: usize,
        count: usize,
        direction: Direction,
        mut hear: impl FnMut(Item<'_>),
    ) {
        match &self.0 {
            Repr::Listpack(elements) => {
                visit_in(elements, place, count, direction, &mut hear);
            }
            Repr::Quicklist(list) => list.visit(place, count, direction, &mut hear),
        }
    }

    /// Calls `hear` with all elements from the head on.
    pub fn for_each(&self, hear: impl FnMut(Item<'_>)) {
        self.visit(0, usize::MAX, Direction::Forward, hear);
    }

    /// Calls `visit` with the place (from the head) of every element equal to this one, in this
    /// direction, until it breaks or `limit` elements were compared.
    pub fn for_each_equal(
        &self,
        element: &[u8],
        direction: Direction,
        limit: usize,
        mut visit: impl FnMut(usize) -> ControlFlow<()>,
    ) {
        let element = Element::new(element);
        let len = self.len();
        let mut compared = 0;
        let mut hear = |is_equal: bool| {
            if compared >= limit {
                return ControlFlow::Break(());
            }
            let place = match direction {
                Direction::Forward => compared,
                Direction::Backward => len - 1 - compared,
            };
            compared += 1;
            if is_equal { visit(place) } else { ControlFlow::Continue(()) }
        };
        match &self.0 {
            Repr::Listpack(elements) => {
                let _ = compare_in(elements, &element.encoded, direction, &mut hear);
            }
            Repr::Quicklist(list) => {
                let _ = list.compare(&element, direction, &mut hear);
            }
        }
    }

    /// The place from the head of the first element equal to this one.
    pub fn find(&self, element: &[u8]) -> Option<usize> {
        let mut found = None;
        self.for_each_equal(element, Direction::Forward, usize::MAX, |place| {
            found = Some(place);
            ControlFlow::Break(())
        });
        found
    }

    /// The nodes as they are saved, from the head on; a listpack is one.
    pub fn nodes(&self) -> impl Iterator<Item = NodeRef<'_>> {
        let (only, list) = match &self.0 {
            Repr::Listpack(elements) => {
                let bytes = NodeBytes::Raw(elements.as_bytes());
                (Some(NodeRef { is_plain: false, bytes }), None)
            }
            Repr::Quicklist(list) => (None, Some(list.nodes())),
        };
        only.into_iter().chain(list.into_iter().flatten())
    }

    /// How it is laid out, if it is a quicklist.
    pub fn layout(&self) -> Option<Layout> {
        match &self.0 {
            Repr::Listpack(_) => None,
            Repr::Quicklist(list) => Some(list.layout()),
        }
    }

    /// Adds a loaded listpack at the tail as a node of its own; an empty one is passed over. Call
    /// [`List::settle`] when all is loaded.
    pub fn append_listpack(&mut self, elements: Listpack, limits: Limits) {
        if elements.is_empty() {
            return;
        }
        let list = self.become_quicklist(limits);
        if elements.len() <= node::NODE_ELEMENTS_MAX {
            list.push_node(End::Tail, Node::Packed(elements));
        } else {
            // No server of ours saves such nodes: their elements could not be counted in constant
            // time.
            for item in elements.iter() {
                let mut digits = itoa::Buffer::new();
                list.push(End::Tail, &Element::new(item.as_bytes(&mut digits)), limits);
            }
        }
    }

    /// Adds a loaded element at the tail that stands alone. See [`List::append_listpack`].
    pub fn append_plain(&mut self, element: &[u8], limits: Limits) {
        let list = self.become_quicklist(limits);
        list.push_node(End::Tail, Node::Plain(ThinBytes::new(element)));
    }
}

/// Removes up to `limit` elements equal to this one; returns how many.
fn remove_equal_in(
    elements: &mut Listpack,
    element: &Encoded<'_>,
    direction: Direction,
    limit: usize,
) -> usize {
    let skip = match direction {
        Direction::Forward => 0,
        Direction::Backward => elements.count_equal(element).saturating_sub(limit),
    };
    elements.remove_equal(element, skip, limit)
}

/// Tells `hear` of each element, in this direction, whether it is equal to this one.
fn compare_in(
    elements: &Listpack,
    element: &Encoded<'_>,
    direction: Direction,
    hear: &mut impl FnMut(bool) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut compare = |at| hear(elements.is_at(at, element));
    match direction {
        Direction::Forward => elements.positions().try_for_each(&mut compare),
        Direction::Backward => elements.positions().rev().try_for_each(&mut compare),
    }
}

/// Calls `hear` with `count` elements from `offset` on, in this direction, or with as many as there
/// are; returns how many.
fn visit_in(
    elements: &Listpack,
    offset: usize,
    count: usize,
    direction: Direction,
    hear: &mut impl FnMut(Item<'_>),
) -> usize {
    let at = i64::try_from(offset).ok().and_then(|offset| elements.seek(offset));
    let Some(at) = at else { return 0 };
    let mut heard = 0;
    let hear = |item: Item<'_>| {
        heard += 1;
        hear(item);
    };
    match direction {
        Direction::Forward => elements.iter_from(Some(at)).take(count).for_each(hear),
        Direction::Backward => elements.iter_to(at).rev().take(count).for_each(hear),
    }
    heard
}
