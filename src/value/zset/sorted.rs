//! A big sorted set (Redis calls it `skiplist`): the order of its members, and a hash table that
//! finds them by their text.
//!
//! Every member is in both: the tree owns it, the table has an alias. An alias leaves the table
//! before its member leaves the tree, and the score of a member changes outside of the tree only.
#![allow(unsafe_code)]

use std::ops::Range;

use super::Change;
use super::member::{Alias, Member};
use super::tree::{Elements, Place, Tree};
use crate::value::hasher::Hasher;
use crate::value::size_class::size_class;
use crate::value::table::Table;

/// A sorted set with an order and a hash table.
pub(super) struct Sorted {
    table: Table<Alias>,
    tree: Tree,
    hasher: Hasher,
}

impl Sorted {
    pub(super) fn new(hasher: &Hasher) -> Sorted {
        Sorted { table: Table::new(), tree: Tree::new(), hasher: hasher.clone() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    #[inline]
    pub(super) fn bytes(&self) -> usize {
        size_class(size_of::<Sorted>()) + self.table.bytes() + self.tree.bytes()
    }

    #[inline]
    pub(super) fn score(&self, text: &[u8]) -> Option<f64> {
        let found = self.table.find(self.hasher.hash(text), |member| member.text() == text)?;
        Some(found.score())
    }

    /// How many members are before this one, and its score.
    pub(super) fn rank(&self, text: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(text)?;
        Some((self.tree.rank(Place { score, text }), score))
    }

    /// Gives `text` the score that `decide` makes of the one that it has.
    pub(super) fn update(
        &mut self,
        text: &[u8],
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Change {
        let hash = self.hasher.hash(text);
        let old = self.table.find(hash, |member| member.text() == text).map(|found| found.score());
        match (old, decide(old)) {
            (_, None) => Change::None,
            (None, Some(score)) => {
                self.insert(hash, score, text);
                Change::Added
            }
            (Some(old), Some(score)) if old == score => Change::None,
            (Some(old), Some(score)) => {
                let member = self.tree.remove(Place { score: old, text });
                let mut member = member.expect("what is in the table is in the tree");
                member.set_score(score);
                self.tree.insert(member);
                Change::Moved
            }
        }
    }

    /// Adds what is not in yet.
    fn insert(&mut self, hash: u64, score: f64, text: &[u8]) {
        let member = Member::new(score, text);
        // SAFETY: whatever takes a member out of the tree takes its alias out of the table first,
        // and both structures change through `&mut self` only.
        let alias = unsafe { member.alias() };
        let hasher = &self.hasher;
        self.table.insert(hash, alias, |member| hasher.hash(member.text()));
        self.tree.insert(member);
    }

    /// Adds a member that is not in yet.
    pub(super) fn insert_new(&mut self, text: &[u8], score: f64) {
        self.insert(self.hasher.hash(text), score, text);
    }

    pub(super) fn remove(&mut self, text: &[u8]) -> Option<f64> {
        let hash = self.hasher.hash(text);
        let found = self.table.find_mut(hash, |member| member.text() == text)?;
        let score = found.get().score();
        found.remove();
        let member = self.tree.remove(Place { score, text });
        debug_assert!(member.is_some(), "what is in the table is in the tree");
        Some(score)
    }

    /// Removes the members of these ranks.
    pub(super) fn remove_range(&mut self, ranks: Range<usize>) {
        let Sorted { table, tree, hasher } = self;
        tree.remove_range(ranks, |member| {
            let text = member.text();
            let hash = hasher.hash(text);
            if let Some(found) = table.find_mut(hash, |other| other.text() == text) {
                found.remove();
            }
            drop(member);
        });
    }

    /// How many members are before the first of which `before` does not hold.
    pub(super) fn partition(&self, before: impl Fn(f64, &Member) -> bool) -> usize {
        self.tree.partition(before)
    }

    pub(super) fn range(&self, ranks: Range<usize>) -> Elements<'_> {
        self.tree.range(ranks)
    }

    /// See [`Table::scan`].
    pub(super) fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(&'a [u8], f64)) -> u64 {
        self.table.scan(cursor, |member| visit(member.text(), member.score()))
    }

    pub(super) fn duplicate(&self) -> Sorted {
        let mut copy = Sorted::new(&self.hasher);
        for (score, member) in self.range(0..self.len()) {
            copy.insert_new(member.text(), score);
        }
        copy
    }
}
