//! How entries stand in the listpack of a node, which is Redis's format:
//!
//! ```text
//! master:  live | deleted | number of names | name … | 0
//! entry:   flags | ms - master's | seq - master's | [number of fields | (name | value) …]
//!                                                 | [value …] | elements of the entry
//! ```
//!
//! The master has the names of the node's first entry; an entry with the same names in the same
//! order ([`SAME_FIELDS`]) has only values. The last element of an entry counts those before it,
//! so that entries are walked backwards; the master ends in a 0 for the same reason. A removed
//! entry stays in its place, marked [`DELETED`].

use super::nodes::Node;
use super::{Corrupt, StreamId};
use crate::value::listpack::{Item, Listpack, Position, Slice};

/// Flag of a removed entry.
const DELETED: i64 = 1;
/// Flag of an entry that has the master's names.
const SAME_FIELDS: i64 = 2;

/// The integer at a place.
///
/// Whoever makes or loads a node sees to it that its fixed elements are integers.
fn int_at(pack: Slice<'_>, at: Position) -> i64 {
    match pack.get(at) {
        Item::Int(number) => number,
        Item::Bytes(_) => unreachable!("the fixed elements of a stream's node are integers"),
    }
}

/// The place after another one that is not the last.
fn after(pack: Slice<'_>, at: Position) -> Position {
    pack.next(at).expect("an entry of a stream's node has all its elements")
}

fn before(pack: Slice<'_>, at: Position) -> Position {
    pack.prev(at).expect("an entry of a stream's node has all its elements")
}

/// A node's listpack with its master entry read.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pack: Slice<'a>,
    id: StreamId,
    /// How many names the master has.
    names: usize,
    /// The first of them, or the 0 behind them.
    first_name: Position,
}

/// One entry, deleted ones included.
pub(super) struct RawEntry<'a> {
    pub(super) id: StreamId,
    pub(super) deleted: bool,
    pub(super) fields: Fields<'a>,
    flags_at: Position,
    flags: i64,
}

impl<'a> View<'a> {
    pub(super) fn of(node: Node<'a>) -> View<'a> {
        let pack = node.pack;
        let live_at = pack.first().expect("a stream's node has a master entry");
        let names_at = after(pack, after(pack, live_at));
        let names = int_at(pack, names_at) as usize;
        View { pack, id: node.id, names, first_name: after(pack, names_at) }
    }

    /// How many entries are live.
    pub(super) fn live(&self) -> u64 {
        let at = self.pack.first().expect("a stream's node has a master entry");
        int_at(self.pack, at) as u64
    }

    /// How many entries there are, deleted ones included.
    pub(super) fn total(&self) -> u64 {
        let at = self.pack.first().expect("a stream's node has a master entry");
        self.live() + int_at(self.pack, after(self.pack, at)) as u64
    }

    /// The first entry's place.
    pub(super) fn first(&self) -> Option<Position> {
        let mut at = self.first_name;
        for _ in 0..self.names {
            at = after(self.pack, at);
        }
        self.pack.next(at)
    }

    /// The last entry's place.
    pub(super) fn last(&self) -> Option<Position> {
        self.start_of(self.pack.last()?)
    }

    /// Where the entry begins that ends at `end`; none for the master.
    fn start_of(&self, end: Position) -> Option<Position> {
        let elements = int_at(self.pack, end);
        (elements > 0).then(|| (0..elements).fold(end, |at, _| before(self.pack, at)))
    }

    /// The place of the entry before the one at `at`.
    pub(super) fn before(&self, at: Position) -> Option<Position> {
        self.start_of(before(self.pack, at))
    }

    /// The entry at a place.
    pub(super) fn entry(&self, at: Position) -> RawEntry<'a> {
        let pack = self.pack;
        let flags = int_at(pack, at);
        let ms_at = after(pack, at);
        let seq_at = after(pack, ms_at);
        let id = StreamId {
            ms: self.id.ms.wrapping_add(int_at(pack, ms_at) as u64),
            seq: self.id.seq.wrapping_add(int_at(pack, seq_at) as u64),
        };
        let at_fields = after(pack, seq_at);
        let fields = if flags & SAME_FIELDS != 0 {
            Fields { pack, left: self.names, name_at: Some(self.first_name), at: at_fields }
        } else {
            let left = int_at(pack, at_fields) as usize;
            Fields { pack, left, name_at: None, at: after(pack, at_fields) }
        };
        RawEntry { id, deleted: flags & DELETED != 0, fields, flags_at: at, flags }
    }

    /// Whether `names` are the master's, in order.
    pub(super) fn has_names<'n>(&self, names: impl ExactSizeIterator<Item = &'n [u8]>) -> bool {
        if names.len() != self.names {
            return false;
        }
        let mut at = self.first_name;
        for name in names {
            if self.pack.get(at) != Item::of(name) {
                return false;
            }
            at = after(self.pack, at);
        }
        true
    }
}

impl RawEntry<'_> {
    /// The place of the entry behind this one.
    pub(super) fn next(&self) -> Option<Position> {
        let Fields { pack, left, name_at, at } = self.fields;
        let elements = if name_at.is_some() { left } else { 2 * left };
        let end = (0..elements).fold(at, |at, _| after(pack, at));
        pack.next(end)
    }

    /// What marks the entry as removed: see [`mark_deleted`].
    pub(super) fn tombstone(&self) -> Tombstone {
        Tombstone { at: self.flags_at, flags: self.flags | DELETED }
    }
}

/// The fields of an entry: names and values in order.
#[derive(Clone)]
pub struct Fields<'a> {
    pack: Slice<'a>,
    left: usize,
    /// The next name, if names stand apart from values.
    name_at: Option<Position>,
    at: Position,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Item<'a>, Item<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.name_at {
            Some(name_at) => {
                let name = self.pack.get(*name_at);
                *name_at = after(self.pack, *name_at);
                name
            }
            None => {
                let name = self.pack.get(self.at);
                self.at = after(self.pack, self.at);
                name
            }
        };
        let value = self.pack.get(self.at);
        self.at = after(self.pack, self.at);
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// A mark to be made.
#[derive(Clone, Copy)]
pub(super) struct Tombstone {
    at: Position,
    flags: i64,
}

/// Marks entries as removed. Flags are one byte whatever they say, so places stay valid.
pub(super) fn mark_deleted(pack: &mut Listpack, tombstone: Tombstone) {
    replace_int(pack, tombstone.at, tombstone.flags);
}

/// Puts an integer in the place of an element.
fn replace_int(pack: &mut Listpack, at: Position, number: i64) -> Position {
    pack.replace_int(at, number)
}

/// Takes note that `deleted` live entries of a node are now marked as removed.
pub(super) fn count_deleted(pack: &mut Listpack, deleted: u64) {
    let live_at = pack.first().expect("a stream's node has a master entry");
    let live = int_at(pack.as_slice(), live_at) - deleted as i64;
    let live_at = replace_int(pack, live_at, live);
    let deleted_at = after(pack.as_slice(), live_at);
    let dead = int_at(pack.as_slice(), deleted_at) + deleted as i64;
    replace_int(pack, deleted_at, dead);
}

/// A listpack with one entry, whose names are the master's.
pub(super) fn new_pack<'f>(
    fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
) -> Listpack {
    let mut pack = Listpack::new();
    pack.push_back_int(1);
    pack.push_back_int(0);
    pack.push_back_int(fields.len() as i64);
    for (name, _) in fields.clone() {
        pack.push_back(name);
    }
    pack.push_back_int(0);
    push_values(&mut pack, StreamId::MIN, fields);
    pack
}

/// Adds an entry of a greater id to a node.
pub(super) fn push_entry<'f>(
    pack: &mut Listpack,
    master: StreamId,
    id: StreamId,
    same_names: bool,
    fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])> + Clone,
) {
    let live_at = pack.first().expect("a stream's node has a master entry");
    let live = int_at(pack.as_slice(), live_at);
    replace_int(pack, live_at, live + 1);
    let ahead =
        StreamId { ms: id.ms.wrapping_sub(master.ms), seq: id.seq.wrapping_sub(master.seq) };
    if same_names { push_values(pack, ahead, fields) } else { push_pairs(pack, ahead, fields) }
}

/// Adds an entry with the master's names.
fn push_values<'f>(
    pack: &mut Listpack,
    ahead: StreamId,
    fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])>,
) {
    let count = fields.len() as i64;
    push_start(pack, SAME_FIELDS, ahead);
    for (_, value) in fields {
        pack.push_back(value);
    }
    pack.push_back_int(count + 3);
}

/// Adds an entry with names of its own.
fn push_pairs<'f>(
    pack: &mut Listpack,
    ahead: StreamId,
    fields: impl ExactSizeIterator<Item = (&'f [u8], &'f [u8])>,
) {
    let count = fields.len() as i64;
    push_start(pack, 0, ahead);
    pack.push_back_int(count);
    for (name, value) in fields {
        pack.push_back(name);
        pack.push_back(value);
    }
    pack.push_back_int(2 * count + 4);
}

fn push_start(pack: &mut Listpack, flags: i64, ahead: StreamId) {
    pack.push_back_int(flags);
    pack.push_back_int(ahead.ms as i64);
    pack.push_back_int(ahead.seq as i64);
}

/// What a listpack that came from outside holds.
#[derive(Debug)]
pub(super) struct Contents {
    /// Live entries.
    pub(super) live: u64,
    /// The ids of the first and the last entry, deleted ones included.
    pub(super) ends: Option<(StreamId, StreamId)>,
}

/// Reads a listpack from outside element by element: it must be a node's through and through, and
/// its entries in order.
pub(super) fn validate(master: StreamId, pack: Slice<'_>) -> Result<Contents, Corrupt> {
    let mut items = pack.iter();
    let int = |items: &mut dyn Iterator<Item = Item<'_>>| match items.next() {
        Some(Item::Int(number)) => Ok(number),
        _ => Err(Corrupt),
    };
    let skip = |items: &mut dyn Iterator<Item = Item<'_>>, count: i64| match count {
        0 => Ok(()),
        1.. => items.nth(count as usize - 1).map(drop).ok_or(Corrupt),
        _ => Err(Corrupt),
    };
    let (live, deleted, names) = (int(&mut items)?, int(&mut items)?, int(&mut items)?);
    skip(&mut items, names)?;
    let in_range = |count: i64| u32::try_from(count).map_err(|_| Corrupt);
    let total = in_range(live)?.checked_add(in_range(deleted)?).ok_or(Corrupt)?;
    if int(&mut items)? != 0 {
        return Err(Corrupt);
    }
    let mut contents = Contents { live: 0, ends: None };
    for _ in 0..total {
        let flags = int(&mut items)?;
        let id = StreamId {
            ms: master.ms.wrapping_add(int(&mut items)? as u64),
            seq: master.seq.wrapping_add(int(&mut items)? as u64),
        };
        let elements = if flags & SAME_FIELDS != 0 {
            skip(&mut items, names)?;
            names + 3
        } else {
            let fields = i64::from(in_range(int(&mut items)?)?);
            skip(&mut items, 2 * fields)?;
            2 * fields + 4
        };
        if int(&mut items)? != elements {
            return Err(Corrupt);
        }
        let first = match contents.ends {
            None => id,
            Some((first, last)) if last < id => first,
            Some(_) => return Err(Corrupt),
        };
        contents.ends = Some((first, id));
        contents.live += u64::from(flags & DELETED == 0);
    }
    let as_stated = contents.live == live as u64 && items.next().is_none();
    if as_stated { Ok(contents) } else { Err(Corrupt) }
}
