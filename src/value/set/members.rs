//! The members of a big set: a hash table of thin allocations.

use crate::value::hasher::Hasher;
use crate::value::size_class::size_class;
use crate::value::table::{self, Table};
use crate::value::thin::ThinBytes;

/// The members of a set in a hash table.
pub(super) struct Members {
    table: Table<ThinBytes>,
    hasher: Hasher,
    /// Bytes allocated for the members.
    member_bytes: usize,
}

impl Members {
    pub(super) fn new(hasher: &Hasher) -> Members {
        Members { table: Table::new(), hasher: hasher.clone(), member_bytes: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    pub(super) fn bytes(&self) -> usize {
        size_class(size_of::<Members>()) + self.table.bytes() + self.member_bytes
    }

    #[inline]
    pub(super) fn hash(&self, member: &[u8]) -> u64 {
        self.hasher.hash(member)
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, member: &[u8]) -> bool {
        self.table.find(hash, |other| other == member).is_some()
    }

    #[inline]
    pub(super) fn contains(&self, member: &[u8]) -> bool {
        self.find(self.hash(member), member)
    }

    pub(super) fn insert(&mut self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        if self.find(hash, member) {
            return false;
        }
        self.insert_new(hash, ThinBytes::new(member));
        true
    }

    /// Adds a member that is not in.
    pub(super) fn insert_new(&mut self, hash: u64, member: ThinBytes) {
        self.member_bytes += member.allocated();
        let hasher = &self.hasher;
        self.table.insert(hash, member, |member| hasher.hash(member));
    }

    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let hash = self.hash(member);
        self.take(hash, |other| other == member).is_some()
    }

    /// Takes the member of `hash` out for which `is_it` holds.
    pub(super) fn take(
        &mut self,
        hash: u64,
        is_it: impl for<'b> FnMut(&'b [u8]) -> bool,
    ) -> Option<ThinBytes> {
        let member = self.table.find_mut(hash, is_it)?.remove();
        self.member_bytes -= member.allocated();
        Some(member)
    }

    pub(super) fn random(&self, rng: &mut fastrand::Rng) -> Option<&[u8]> {
        self.table.random(rng)
    }

    pub(super) fn iter(&self) -> table::Iter<'_, ThinBytes> {
        self.table.iter()
    }

    pub(super) fn scan<'a>(&'a self, cursor: u64, visit: impl FnMut(&'a [u8])) -> u64 {
        self.table.scan(cursor, visit)
    }

    pub(super) fn duplicate(&self) -> Members {
        let mut copy = Members::new(&self.hasher);
        for member in self.iter() {
            copy.insert_new(self.hash(member), ThinBytes::new(member));
        }
        copy
    }

    #[cfg(test)]
    pub(super) fn member_bytes(&self) -> usize {
        self.member_bytes
    }
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut set = f.debug_set();
        for member in self.iter() {
            set.entry(&format_args!("{}", member.escape_ascii()));
        }
        set.finish()
    }
}
