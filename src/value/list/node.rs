//! A node of a quicklist: elements side by side, as they are or compressed.

use std::borrow::Cow;
use std::num::NonZeroU16;
use std::ops::ControlFlow;

use super::{
    Direction, ELEMENT_OVERHEAD, Element, Limits, NodeBytes, NodeRef, Side, compare_in, visit_in,
};
use crate::value::listpack::{self, Item, Listpack};
use crate::value::lzf;
use crate::value::size_class::size_class;
use crate::value::thin::ThinBytes;

/// Elements of a node: what a listpack counts in constant time, and a compressed node in a field.
pub(super) const NODE_ELEMENTS_MAX: usize = 65_534;
/// Header and end of a listpack, of which two that are merged need only one.
const LISTPACK_FRAME: usize = 7;
/// Bytes of the shortest node that is compressed; Redis's bound.
const COMPRESSED_MIN: usize = 48;
/// Bytes that compression must gain; Redis's bound.
const COMPRESSION_GAIN: usize = 9;

/// Elements side by side.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Several elements.
    Packed(Listpack),
    /// One large element on its own.
    Plain(ThinBytes),
    /// Either, compressed.
    Compressed {
        /// The bytes of the listpack or element, as LZF.
        text: ThinBytes,
        /// How many bytes those are.
        len: u32,
        /// Elements of the listpack; `None` for a large element.
        elements: Option<NonZeroU16>,
    },
}

impl Node {
    /// A node of one element.
    pub(super) fn of(element: &Element<'_>, limits: Limits) -> Node {
        if limits.stands_alone(element.bytes.len()) {
            return Node::Plain(ThinBytes::new(element.bytes));
        }
        let mut elements = Listpack::new();
        elements.push_back_encoded(&element.encoded);
        Node::Packed(elements)
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        match self {
            Node::Packed(elements) => elements.len(),
            Node::Plain(_) => 1,
            Node::Compressed { elements, .. } => elements.map_or(1, |n| usize::from(n.get())),
        }
    }

    /// Bytes allocated.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        match self {
            Node::Packed(elements) => elements.bytes(),
            Node::Plain(element) => element.allocated(),
            Node::Compressed { text, .. } => text.allocated(),
        }
    }

    /// Whether it is one large element on its own.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Node::Plain(_) | Node::Compressed { elements: None, .. })
    }

    /// Bytes of the listpack, compressed or not; `None` for a large element.
    #[inline]
    fn packed_len(&self) -> Option<usize> {
        match self {
            Node::Packed(elements) => Some(elements.byte_len()),
            Node::Compressed { len, elements: Some(_), .. } => Some(*len as usize),
            Node::Plain(_) | Node::Compressed { elements: None, .. } => None,
        }
    }

    /// Whether an element of `len` bytes may join those in the node.
    #[inline]
    pub(super) fn takes(&self, len: usize, limits: Limits) -> bool {
        let Some(bytes) = self.packed_len() else { return false };
        let bytes = bytes.saturating_add(len).saturating_add(ELEMENT_OVERHEAD);
        let count = self.len() + 1;
        !limits.stands_alone(len) && !limits.exceeded_by(bytes, count) && count <= NODE_ELEMENTS_MAX
    }

    /// Whether both may be one node.
    pub(super) fn joins(&self, other: &Node, limits: Limits) -> bool {
        let Some((ours, theirs)) = self.packed_len().zip(other.packed_len()) else { return false };
        let count = self.len() + other.len();
        !limits.exceeded_by(ours + theirs - LISTPACK_FRAME, count) && count <= NODE_ELEMENTS_MAX
    }

    /// Whether an element may stand in the place of one that is in the node.
    pub(super) fn holds(&self, element: &Element<'_>, limits: Limits) -> bool {
        let alone = limits.stands_alone(element.bytes.len());
        match self.packed_len() {
            None => alone,
            Some(len) => !alone && element.encoded.size() <= listpack::MAX_BYTES - len,
        }
    }

    /// The node to look at its elements: a copy if it is compressed.
    #[inline]
    pub(super) fn opened(&self) -> Cow<'_, Node> {
        match self {
            Node::Compressed { text, len, elements } => {
                Cow::Owned(Node::decompressed(text.as_slice(), *len, *elements))
            }
            _ => Cow::Borrowed(self),
        }
    }

    fn decompressed(text: &[u8], len: u32, elements: Option<NonZeroU16>) -> Node {
        let bytes = lzf::decompress(text, len as usize);
        let bytes = bytes.expect("nobody but this file compressed it");
        match elements {
            Some(_) => Node::Packed(listpack::Slice::new(&bytes).to_listpack()),
            None => Node::Plain(ThinBytes::new(&bytes)),
        }
    }

    /// Decompresses it.
    #[inline]
    pub(super) fn open(&mut self) {
        if let Node::Compressed { text, len, elements } = self {
            *self = Node::decompressed(text.as_slice(), *len, *elements);
        }
    }

    /// Compresses it if that is worth it.
    pub(super) fn compress(&mut self) {
        let (bytes, elements) = match self {
            Node::Packed(list) => (list.as_bytes(), NonZeroU16::new(list.len() as u16)),
            Node::Plain(element) => (element.as_slice(), None),
            Node::Compressed { .. } => return,
        };
        if bytes.len() < COMPRESSED_MIN {
            return;
        }
        let Some(text) = lzf::compress(bytes, COMPRESSION_GAIN) else { return };
        // In the same size class nothing is gained.
        if ThinBytes::allocated_for(text.len()) < size_class(bytes.len()) {
            // Compression takes no more than a `u32` can say.
            let len = bytes.len() as u32;
            *self = Node::Compressed { text: ThinBytes::new(&text), len, elements };
        }
    }

    /// The node as it is saved.
    pub(super) fn saved(&self) -> NodeRef<'_> {
        let bytes = match self {
            Node::Packed(elements) => NodeBytes::Raw(elements.as_bytes()),
            Node::Plain(element) => NodeBytes::Raw(element.as_slice()),
            Node::Compressed { text, len, .. } => {
                NodeBytes::Lzf { text: text.as_slice(), len: *len as usize }
            }
        };
        NodeRef { is_plain: self.is_plain(), bytes }
    }

    // What follows is for nodes that are not compressed.

    /// The element at `offset`.
    pub(super) fn get(&self, offset: usize) -> Option<Item<'_>> {
        match self {
            Node::Packed(elements) => elements.seek(offset as i64).map(|at| elements.get(at)),
            Node::Plain(element) => Some(Item::Bytes(element.as_slice())),
            Node::Compressed { .. } => unreachable!("{OPENED}"),
        }
    }

    /// Calls `hear` with `count` elements from `offset` on, or as many as there are; returns how
    /// many.
    pub(super) fn visit(
        &self,
        offset: usize,
        count: usize,
        direction: Direction,
        hear: &mut impl FnMut(Item<'_>),
    ) -> usize {
        match self {
            Node::Packed(elements) => visit_in(elements, offset, count, direction, hear),
            Node::Plain(element) if count > 0 => {
                hear(Item::Bytes(element.as_slice()));
                1
            }
            Node::Plain(_) => 0,
            Node::Compressed { .. } => unreachable!("{OPENED}"),
        }
    }

    /// Tells `hear` of each element, in this direction, whether it is equal to this one.
    pub(super) fn compare(
        &self,
        element: &Element<'_>,
        direction: Direction,
        hear: &mut impl FnMut(bool) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self {
            Node::Packed(elements) => compare_in(elements, &element.encoded, direction, hear),
            Node::Plain(other) => hear(other.as_slice() == element.bytes),
            Node::Compressed { .. } => unreachable!("{OPENED}"),
        }
    }

    /// The elements, of a node that has several.
    pub(super) fn packed(&mut self) -> &mut Listpack {
        match self {
            Node::Packed(elements) => elements,
            Node::Plain(_) => unreachable!("an element on its own takes no other"),
            Node::Compressed { .. } => unreachable!("{OPENED}"),
        }
    }

    /// Cuts the node beside the element at `offset`; gives the part without that element.
    pub(super) fn split(&mut self, offset: usize, side: Side) -> Node {
        let elements = self.packed();
        let cut = match side {
            Side::Before => offset,
            Side::After => offset + 1,
        };
        let at = elements.seek(cut as i64).expect("there are elements on both sides of a cut");
        let mut other = elements.split_off(at);
        if side == Side::Before {
            std::mem::swap(elements, &mut other);
        }
        Node::Packed(other)
    }
}

/// What whoever works on elements has done before.
const OPENED: &str = "a node is opened before its elements are asked for";

#[cfg(test)]
impl Node {
    pub(super) fn is_compressed(&self) -> bool {
        matches!(self, Node::Compressed { .. })
    }
}
