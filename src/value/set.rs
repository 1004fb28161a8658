//! Sets: members without order, in the encoding that suits them.
//!
//! * *intset*: integers only, and few of them;
//! * *listpack*: few members, all of them short;
//! * *hashtable*: everything else; a member is one thin allocation, a slot of the table 8 bytes.
//!
//! A set changes its encoding at the points at which Redis does, and never back by itself. Pure
//! data: thresholds and the hash function come with each call that needs them. All sets of a server
//! hash alike, so that algebra over several hashes each member once.

mod members;
mod random;

use self::members::Members;
use super::hasher::Hasher;
use super::intset::Intset;
use super::listpack::{self, Encoded, Item, Listpack};
use super::table;
use super::thin::ThinBytes;

/// Where encodings end, and what a hash table hashes by.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Integers that an intset holds at most.
    pub intset_entries: usize,
    /// Members that a listpack holds at most.
    pub listpack_entries: usize,
    /// Bytes of the longest member of a listpack.
    pub listpack_value: usize,
    /// The hash function of the server's elements.
    pub hasher: &'a Hasher,
}

/// A set of strings.
#[derive(Debug, Default)]
pub struct Set(Repr);

#[derive(Debug)]
enum Repr {
    Intset(Intset),
    Listpack(Listpack),
    Table(Box<Members>),
}

impl Default for Repr {
    fn default() -> Repr {
        Repr::Intset(Intset::new())
    }
}

/// How a set is kept, for those who save it.
pub enum Packed<'a> {
    /// An intset, in Redis's bytes, made for it.
    Intset(Vec<u8>),
    /// A listpack, in Redis's bytes.
    Listpack(&'a [u8]),
    /// A hash table, which has no bytes of its own.
    Table,
}

impl From<Intset> for Set {
    fn from(integers: Intset) -> Set {
        Set(Repr::Intset(integers))
    }
}

impl Set {
    /// An empty set, which owns no memory.
    pub const fn new() -> Set {
        Set(Repr::Intset(Intset::new()))
    }

    /// An empty set that starts as a listpack, whatever comes.
    pub fn new_listpack() -> Set {
        Set(Repr::Listpack(Listpack::new()))
    }

    /// The set of the elements of a listpack; `None` if one is in it twice.
    pub fn from_listpack(list: Listpack) -> Option<Set> {
        let unique = list.iter().collect::<std::collections::HashSet<_>>().len() == list.len();
        unique.then_some(Set(Repr::Listpack(list)))
    }

    /// How it is kept.
    pub fn packed(&self) -> Packed<'_> {
        match &self.0 {
            Repr::Intset(integers) => Packed::Intset(integers.to_bytes()),
            Repr::Listpack(list) => Packed::Listpack(list.as_bytes()),
            Repr::Table(_) => Packed::Table,
        }
    }

    /// How many members it has.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Intset(integers) => integers.len(),
            Repr::Listpack(list) => list.len(),
            Repr::Table(members) => members.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes allocated.
    #[inline]
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Repr::Intset(integers) => integers.bytes(),
            Repr::Listpack(list) => list.bytes(),
            Repr::Table(members) => members.bytes(),
        }
    }

    /// The name of its encoding.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Repr::Intset(_) => "intset",
            Repr::Listpack(_) => "listpack",
            Repr::Table(_) => "hashtable",
        }
    }

    /// How many allocations there are to free.
    pub fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::Intset(_) | Repr::Listpack(_) => 1,
            Repr::Table(members) => members.len(),
        }
    }

    /// A copy with all members.
    pub fn duplicate(&self) -> Set {
        Set(match &self.0 {
            Repr::Intset(integers) => Repr::Intset(integers.clone()),
            Repr::Listpack(list) => Repr::Listpack(list.clone()),
            Repr::Table(members) => Repr::Table(Box::new(members.duplicate())),
        })
    }

    /// Whether `member` is in it.
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Repr::Table(members) => members.contains(member),
            _ => self.has(Item::Bytes(member), &mut None),
        }
    }

    /// As [`Set::contains`], for a member that may be looked for in several sets of one server:
    /// `hash` keeps its hash once it is known.
    pub fn has(&self, member: Item<'_>, hash: &mut Option<u64>) -> bool {
        match &self.0 {
            Repr::Intset(integers) => match canonical(member) {
                Item::Int(integer) => integers.contains(integer),
                Item::Bytes(_) => false,
            },
            Repr::Listpack(list) => {
                list.find_encoded(None, &Encoded::of_item(canonical(member)), 0).is_some()
            }
            Repr::Table(members) => {
                let mut digits = itoa::Buffer::new();
                let member = member.as_bytes(&mut digits);
                let hash = *hash.get_or_insert_with(|| members.hash(member));
                members.find(hash, member)
            }
        }
    }

    /// Prepares for some additions, the first of which is `first`: a set that is empty or that they
    /// may fill takes the encoding that Redis would choose at once.
    pub fn prepare(&mut self, first: &[u8], additions: usize, limits: Limits<'_>) {
        let is_integer = matches!(Item::of(first), Item::Int(_));
        match &self.0 {
            Repr::Intset(integers) if integers.is_empty() => {
                if is_integer && additions <= limits.intset_entries {
                    return;
                }
                if additions > limits.listpack_entries {
                    self.become_table(limits);
                } else {
                    self.0 = Repr::Listpack(Listpack::new());
                }
            }
            Repr::Intset(_) if additions > limits.intset_entries => drop(self.become_table(limits)),
            Repr::Listpack(_) if additions > limits.listpack_entries => {
                self.become_table(limits);
            }
            _ => {}
        }
    }

    /// Adds `member`; false if it was in already.
    #[inline]
    pub fn add(&mut self, member: &[u8], limits: Limits<'_>) -> bool {
        match &mut self.0 {
            Repr::Table(members) => members.insert(member),
            _ => self.add_packed(Item::of(member), limits),
        }
    }

    /// As [`Set::add`], for a member of another set.
    pub fn add_item(&mut self, member: Item<'_>, limits: Limits<'_>) -> bool {
        match &mut self.0 {
            Repr::Table(members) => members.insert(member.as_bytes(&mut itoa::Buffer::new())),
            _ => self.add_packed(canonical(member), limits),
        }
    }

    /// Adds a canonical member to an intset or listpack.
    fn add_packed(&mut self, member: Item<'_>, limits: Limits<'_>) -> bool {
        let mut digits = itoa::Buffer::new();
        match (&mut self.0, member) {
            (Repr::Intset(integers), Item::Int(integer)) => {
                let added = integers.insert(integer);
                if integers.len() > limits.intset_entries {
                    self.become_table(limits);
                }
                added
            }
            (Repr::Intset(integers), Item::Bytes(bytes)) => {
                // An upper bound, as if all integers were as long as the longest.
                let ends = [integers.first(), integers.last()];
                let longest = ends.into_iter().flatten().map(|n| digits.format(n).len()).max();
                let fits = longest.unwrap_or(0).max(bytes.len()) <= limits.listpack_value
                    && integers.len() < limits.listpack_entries
                    && Listpack::new().fits(integers.len() * MOST_PER_INTEGER + bytes.len());
                if !fits {
                    return self.become_table(limits).insert(bytes);
                }
                let mut list = Listpack::new();
                integers.iter().for_each(|integer| list.push_back_int(integer));
                list.push_back(bytes);
                self.0 = Repr::Listpack(list);
                true
            }
            (Repr::Listpack(list), member) => {
                let element = Encoded::of_item(member);
                if list.find_encoded(None, &element, 0).is_some() {
                    return false;
                }
                let bytes = member.as_bytes(&mut digits);
                if list.len() < limits.listpack_entries
                    && bytes.len() <= limits.listpack_value
                    && list.fits(bytes.len())
                {
                    list.push_back_encoded(&element);
                    true
                } else {
                    self.become_table(limits).insert(bytes)
                }
            }
            (Repr::Table(members), member) => members.insert(member.as_bytes(&mut digits)),
        }
    }

    /// Removes `member`; false if it was not in.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match (&mut self.0, Item::of(member)) {
            (Repr::Table(members), _) => members.remove(member),
            (Repr::Intset(integers), Item::Int(integer)) => integers.remove(integer),
            (Repr::Intset(_), Item::Bytes(_)) => false,
            (Repr::Listpack(list), item) => {
                let found = list.find_encoded(None, &Encoded::of_item(item), 0);
                found.map(|at| list.remove(at)).is_some()
            }
        }
    }

    /// All members, in no particular order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Repr::Intset(integers) => IterRepr::Intset(integers, 0),
            Repr::Listpack(list) => IterRepr::Listpack(list.iter()),
            Repr::Table(members) => IterRepr::Table(members.iter()),
        })
    }

    /// Visits a part of the members and gives the cursor for the next call, 0 at the end: see
    /// [`table::Table::scan`] for what a whole scan guarantees. A set that is no hash table is
    /// visited at once.
    pub fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(Item<'a>)) -> u64 {
        match &self.0 {
            Repr::Table(members) => members.scan(cursor, |member| visit(Item::Bytes(member))),
            _ => {
                self.iter().for_each(visit);
                0
            }
        }
    }

    /// Makes it an intset if all members are integers, and few enough: Redis does so with the
    /// result of an intersection.
    pub fn prefer_intset(&mut self, limits: Limits<'_>) {
        if matches!(self.0, Repr::Intset(_)) || self.len() > limits.intset_entries {
            return;
        }
        let mut integers = Intset::new();
        for member in self.iter() {
            let Item::Int(integer) = canonical(member) else { return };
            integers.insert(integer);
        }
        self.0 = Repr::Intset(integers);
    }

    /// Puts all members into a hash table.
    fn become_table(&mut self, limits: Limits<'_>) -> &mut Members {
        if !matches!(self.0, Repr::Table(_)) {
            let mut members = Box::new(Members::new(limits.hasher));
            let mut digits = itoa::Buffer::new();
            for member in self.iter() {
                let member = member.as_bytes(&mut digits);
                members.insert_new(members.hash(member), ThinBytes::new(member));
            }
            self.0 = Repr::Table(members);
        }
        match &mut self.0 {
            Repr::Table(members) => members,
            _ => unreachable!("it was made one just now"),
        }
    }
}

/// Bytes that an integer takes in a listpack at most.
const MOST_PER_INTEGER: usize = 10;

/// The member as a listpack would hold it: an integer if it spells one.
#[inline]
fn canonical(member: Item<'_>) -> Item<'_> {
    match member {
        Item::Int(_) => member,
        Item::Bytes(bytes) => Item::of(bytes),
    }
}

/// The members of a set: see [`Set::iter`].
pub struct Iter<'a>(IterRepr<'a>);

enum IterRepr<'a> {
    Intset(&'a Intset, usize),
    Listpack(listpack::Iter<'a>),
    Table(table::Iter<'a, ThinBytes>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        match &mut self.0 {
            IterRepr::Intset(integers, at) => {
                *at += 1;
                integers.get(*at - 1).map(Item::Int)
            }
            IterRepr::Listpack(list) => list.next(),
            IterRepr::Table(members) => members.next().map(Item::Bytes),
        }
    }
}

#[cfg(test)]
mod tests;
