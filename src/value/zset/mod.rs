//! Sorted sets: members ordered by score, and by their bytes where scores are equal.
//!
//! | file | what |
//! |---|---|
//! | `packed` | few and short members: a listpack, as in Redis |
//! | `sorted` | all others (Redis's name: skiplist): a hash table and `tree` |
//! | `tree` | a counted B+tree over (score, member) |
//! | `member` | one thin allocation for score and text; the only `unsafe` but for its caller |
//! | `range` | ranges by score and by text |
//!
//! A set starts packed and becomes sorted at the points at which Redis converts, never back. Every
//! range is a range of ranks, found in O(log n). Pure data: thresholds and the hash function come
//! with the calls that need them. Scores are never NaN: callers refuse those.

mod member;
mod packed;
mod range;
mod sorted;
mod tree;

use std::fmt;
use std::ops::Range;

pub use range::{LexBound, LexRange, ScoreRange};

use super::hasher::Hasher;
use super::listpack::{Item, Listpack};
use super::slim::{Slim, View};
use sorted::Sorted;

/// Where the packed encoding ends, and what a hash table hashes by.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Members that a listpack holds at most.
    pub listpack_entries: usize,
    /// Bytes of a member that a listpack holds at most.
    pub listpack_value: usize,
    /// The hash function of the server's elements.
    pub hasher: &'a Hasher,
}

/// What an update did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: not wanted, or the score was the same.
    None,
    /// The member is new.
    Added,
    /// The member has another score.
    Moved,
}

/// A sorted set.
pub struct Zset(Slim<Listpack, Sorted>);

impl Default for Zset {
    fn default() -> Zset {
        Zset::new()
    }
}

impl fmt::Debug for Zset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zset({}, {} members)", self.encoding(), self.len())
    }
}

impl Zset {
    /// An empty set, packed.
    pub fn new() -> Zset {
        Zset(Slim::small(Listpack::new()))
    }

    /// An empty set for so many members of at most so many bytes: in the encoding that they will
    /// need.
    pub fn for_members(members: usize, longest: usize, limits: Limits<'_>) -> Zset {
        if members > limits.listpack_entries || longest > limits.listpack_value {
            return Zset(Slim::big(Box::new(Sorted::new(limits.hasher))));
        }
        Zset::new()
    }

    /// How many members it has.
    #[inline]
    pub fn len(&self) -> usize {
        match self.0.view() {
            View::Small(list) => list.len() / 2,
            View::Big(sorted) => sorted.len(),
        }
    }

    /// Whether it has none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes allocated.
    #[inline]
    pub fn bytes(&self) -> usize {
        match self.0.view() {
            View::Small(list) => list.bytes(),
            View::Big(sorted) => sorted.bytes(),
        }
    }

    /// The name of its encoding.
    pub fn encoding(&self) -> &'static str {
        match self.0.view() {
            View::Small(_) => "listpack",
            View::Big(_) => "skiplist",
        }
    }

    /// How many allocations there are to free.
    pub fn free_effort(&self) -> usize {
        match self.0.view() {
            View::Small(_) => 1,
            View::Big(sorted) => sorted.len(),
        }
    }

    /// A copy with all members.
    pub fn duplicate(&self) -> Zset {
        Zset(match self.0.view() {
            View::Small(list) => Slim::small(list.clone()),
            View::Big(sorted) => Slim::big(Box::new(sorted.duplicate())),
        })
    }

    /// The listpack of a packed set, for DUMP and snapshots.
    pub fn listpack(&self) -> Option<&Listpack> {
        match self.0.view() {
            View::Small(list) => Some(list),
            View::Big(_) => None,
        }
    }

    /// The score of a member.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match self.0.view() {
            View::Small(list) => packed::score(list, member),
            View::Big(sorted) => sorted.score(member),
        }
    }

    /// How many members are before this one, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match self.0.view() {
            View::Small(list) => packed::rank(list, member),
            View::Big(sorted) => sorted.rank(member),
        }
    }

    /// Gives `member` the score that `decide` makes of the one that it has; it stays as it is, or
    /// out, if that is none.
    pub fn update(
        &mut self,
        member: &[u8],
        limits: Limits<'_>,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Change {
        match self.0.view_mut() {
            View::Big(sorted) => sorted.update(member, decide),
            View::Small(list) => {
                let old = packed::score(list, member);
                let Some(score) = decide(old) else { return Change::None };
                let grows = old.is_none();
                if grows && !fits(list, member, limits) {
                    self.sort(limits.hasher).insert_new(member, score);
                    return Change::Added;
                }
                packed::set(list, member, old, score)
            }
        }
    }

    /// Gives `member` this score.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: Limits<'_>) -> Change {
        self.update(member, limits, |_| Some(score))
    }

    /// Becomes sorted if so many members, of at most so many bytes, could not be packed: before
    /// they are added, whether they will be new or not.
    pub fn expect_members(&mut self, members: usize, longest: usize, limits: Limits<'_>) {
        let fit = members <= limits.listpack_entries && longest <= limits.listpack_value;
        if !fit && matches!(self.0.view(), View::Small(_)) {
            self.sort(limits.hasher);
        }
    }

    /// Leaves the packed encoding.
    fn sort(&mut self, hasher: &Hasher) -> &mut Sorted {
        if let View::Small(list) = self.0.view() {
            let mut sorted = Box::new(Sorted::new(hasher));
            let mut digits = itoa::Buffer::new();
            for (member, score) in packed::range(list, 0..list.len() / 2) {
                sorted.insert_new(member.as_bytes(&mut digits), score);
            }
            self.0 = Slim::big(sorted);
        }
        let View::Big(sorted) = self.0.view_mut() else { unreachable!("it was just made") };
        sorted
    }

    /// Takes a member out; its score if it was in.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match self.0.view_mut() {
            View::Small(list) => packed::remove(list, member),
            View::Big(sorted) => sorted.remove(member),
        }
    }

    /// Takes the members of these ranks out: O(log n) and what is taken.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        let ranks = ranks.start..ranks.end.min(self.len());
        if ranks.is_empty() {
            return;
        }
        match self.0.view_mut() {
            View::Small(list) => packed::remove_range(list, ranks),
            View::Big(sorted) => sorted.remove_range(ranks),
        }
    }

    /// The members of these ranks with their scores, ascending, from either end. A step into the
    /// middle (`nth`) is cheap.
    pub fn range(&self, ranks: Range<usize>) -> Iter<'_> {
        Iter(match self.0.view() {
            View::Small(list) => Walk::Packed(packed::range(list, ranks)),
            View::Big(sorted) => Walk::Sorted(sorted.range(ranks)),
        })
    }

    /// All members with their scores, ascending.
    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len())
    }

    /// The member of this rank.
    pub fn get(&self, rank: usize) -> Option<(Item<'_>, f64)> {
        self.range(rank..rank.saturating_add(1)).next()
    }

    /// The ranks of the members whose scores are in a range.
    pub fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let before = |passes: &dyn Fn(f64) -> bool| match self.0.view() {
            View::Small(list) => packed::partition(list, |_, score| passes(score)),
            View::Big(sorted) => sorted.partition(|score, _| passes(score)),
        };
        let from = before(&|score| range.is_below(score));
        let to = before(&|score| !range.is_above(score));
        from..to.max(from)
    }

    /// The ranks of the members that are in a range by their bytes. Right if all scores are equal.
    pub fn ranks_by_lex(&self, range: &LexRange<'_>) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let before = |passes: &dyn Fn(&[u8]) -> bool| match self.0.view() {
            View::Small(list) => packed::partition(list, |member, _| {
                passes(member.as_bytes(&mut itoa::Buffer::new()))
            }),
            View::Big(sorted) => sorted.partition(|_, member| passes(member.text())),
        };
        let from = before(&|text| range.is_below(text));
        let to = before(&|text| !range.is_above(text));
        from..to.max(from)
    }

    /// Visits some members and gives the cursor for the next call, 0 at the end: the guarantees
    /// of SCAN. A packed set is visited whole.
    pub fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(Item<'a>, f64)) -> u64 {
        match self.0.view() {
            View::Small(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            View::Big(sorted) => sorted.scan(cursor, |text, score| visit(Item::Bytes(text), score)),
        }
    }
}

/// Whether a new member may be packed.
fn fits(list: &Listpack, member: &[u8], limits: Limits<'_>) -> bool {
    list.len() / 2 < limits.listpack_entries
        && member.len() <= limits.listpack_value
        && list.fits(member.len())
}

/// Members with their scores, in order.
#[derive(Clone)]
pub struct Iter<'a>(Walk<'a>);

#[derive(Clone)]
enum Walk<'a> {
    Packed(packed::Pairs<'a>),
    Sorted(tree::Elements<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Item<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Packed(pairs) => pairs.next(),
            Walk::Sorted(elements) => {
                elements.next().map(|(score, member)| (Item::Bytes(member.text()), score))
            }
        }
    }

    fn nth(&mut self, skip: usize) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Packed(pairs) => pairs.nth(skip),
            Walk::Sorted(elements) => {
                elements.nth(skip).map(|(score, member)| (Item::Bytes(member.text()), score))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Walk::Packed(pairs) => pairs.size_hint(),
            Walk::Sorted(elements) => elements.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Walk::Packed(pairs) => pairs.next_back(),
            Walk::Sorted(elements) => {
                elements.next_back().map(|(score, member)| (Item::Bytes(member.text()), score))
            }
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests;
