//! Sets: members without order, in the encoding that suits them.
//!
//! * *intset*: integers only, and few of them;
//! * *hashtable*: everything else; a member is one thin allocation, a slot of the table 8 bytes.
//!
//! A set starts as an intset and changes at the points at which Redis does. It never changes back
//! by itself. Pure data: thresholds and the hash function come with each call that needs them.

use super::hasher::Hasher;
use super::integer::parse_canonical;
use super::intset::Intset;
use super::size_class::size_class;
use super::table::Table;
use super::thin::ThinBytes;

/// Where encodings end, and what a hash table hashes by.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Integers that an intset holds at most.
    pub intset_entries: usize,
    /// The hash function of the server's elements.
    pub hasher: &'a Hasher,
}

/// A member as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member<'a> {
    /// The string that is the decimal form of an integer.
    Int(i64),
    /// A string.
    Bytes(&'a [u8]),
}

impl<'a> Member<'a> {
    /// The string; `digits` takes the decimal form of an integer.
    #[inline]
    pub fn as_bytes<'b>(&self, digits: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Member::Int(n) => digits.format(n).as_bytes(),
            Member::Bytes(bytes) => bytes,
        }
    }
}

/// A set of strings.
#[derive(Debug, Default)]
pub struct Set(Repr);

#[derive(Debug)]
enum Repr {
    Intset(Intset),
    Table(Box<Members>),
}

impl Default for Repr {
    fn default() -> Repr {
        Repr::Intset(Intset::new())
    }
}

/// The members of a set in a hash table.
struct Members {
    table: Table<ThinBytes>,
    hasher: Hasher,
    /// Bytes allocated for the members.
    member_bytes: usize,
}

impl Set {
    /// An empty set, which owns no memory.
    pub const fn new() -> Set {
        Set(Repr::Intset(Intset::new()))
    }

    /// How many members it has.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Intset(integers) => integers.len(),
            Repr::Table(members) => members.table.len(),
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
            Repr::Table(members) => members.bytes(),
        }
    }

    /// The name of its encoding.
    pub fn encoding(&self) -> &'static str {
        match &self.0 {
            Repr::Intset(_) => "intset",
            Repr::Table(_) => "hashtable",
        }
    }

    /// How many allocations there are to free.
    pub fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::Intset(_) => 1,
            Repr::Table(members) => members.table.len(),
        }
    }

    /// A copy with all members.
    pub fn duplicate(&self) -> Set {
        Set(match &self.0 {
            Repr::Intset(integers) => Repr::Intset(integers.clone()),
            Repr::Table(members) => Repr::Table(Box::new(members.duplicate())),
        })
    }

    /// Whether `member` is in it.
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Repr::Intset(integers) => {
                parse_canonical(member).is_some_and(|integer| integers.contains(integer))
            }
            Repr::Table(members) => members.contains(member),
        }
    }

    /// Adds `member`; false if it was in already.
    pub fn add(&mut self, member: &[u8], limits: Limits<'_>) -> bool {
        match &mut self.0 {
            Repr::Intset(integers) => match parse_canonical(member) {
                Some(integer) => {
                    let added = integers.insert(integer);
                    if integers.len() > limits.intset_entries {
                        self.become_table(limits);
                    }
                    added
                }
                None => self.become_table(limits).insert(member),
            },
            Repr::Table(members) => members.insert(member),
        }
    }

    /// Removes `member`; false if it was not in.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Repr::Intset(integers) => {
                parse_canonical(member).is_some_and(|integer| integers.remove(integer))
            }
            Repr::Table(members) => members.remove(member),
        }
    }

    /// Calls `visit` for every member, in no particular order.
    pub fn for_each<'a>(&'a self, mut visit: impl FnMut(Member<'a>)) {
        match &self.0 {
            Repr::Intset(integers) => integers.iter().for_each(|n| visit(Member::Int(n))),
            Repr::Table(members) => members.table.for_each(|bytes| visit(Member::Bytes(bytes))),
        }
    }

    /// Puts all members into a hash table.
    fn become_table(&mut self, limits: Limits<'_>) -> &mut Members {
        if !matches!(self.0, Repr::Table(_)) {
            let mut members = Box::new(Members::new(limits.hasher));
            let mut digits = itoa::Buffer::new();
            self.for_each(|member| {
                members.insert(member.as_bytes(&mut digits));
            });
            self.0 = Repr::Table(members);
        }
        match &mut self.0 {
            Repr::Table(members) => members,
            _ => unreachable!("it was made one just now"),
        }
    }
}

impl Members {
    fn new(hasher: &Hasher) -> Members {
        Members { table: Table::new(), hasher: hasher.clone(), member_bytes: 0 }
    }

    fn bytes(&self) -> usize {
        size_class(size_of::<Members>()) + self.table.bytes() + self.member_bytes
    }

    fn contains(&self, member: &[u8]) -> bool {
        self.table.find(self.hasher.hash(member), |other| other == member).is_some()
    }

    fn insert(&mut self, member: &[u8]) -> bool {
        let hash = self.hasher.hash(member);
        if self.table.find(hash, |other| other == member).is_some() {
            return false;
        }
        self.insert_new(hash, ThinBytes::new(member));
        true
    }

    fn insert_new(&mut self, hash: u64, member: ThinBytes) {
        self.member_bytes += member.allocated();
        let hasher = &self.hasher;
        self.table.insert(hash, member, |member| hasher.hash(member));
    }

    fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.hasher.hash(member);
        let Some(found) = self.table.find_mut(hash, |other| other == member) else { return false };
        self.member_bytes -= found.remove().allocated();
        true
    }

    fn duplicate(&self) -> Members {
        let mut copy = Members::new(&self.hasher);
        self.table.for_each(|member| {
            copy.insert_new(self.hasher.hash(member), ThinBytes::new(member));
        });
        copy
    }
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut set = f.debug_set();
        self.table.for_each(|member| {
            set.entry(&format_args!("{}", member.escape_ascii()));
        });
        set.finish()
    }
}

#[cfg(test)]
mod tests;
