//! The fields of a big hash: a hash table of thin allocations, and an index of those that expire.
//!
//! ```text
//! length of the name · 2 + (1 if there is an expiry), LEB128 | expiry 8 B, if any | name | value
//! ```

use std::collections::BTreeSet;

use crate::value::hash::{Assigned, Lifetime};
use crate::value::hasher::Hasher;
use crate::value::size_class::size_class;
use crate::value::table::{self, Table};
use crate::value::thin::ThinBytes;

/// Bytes that an entry of the index takes, with its part of a tree's nodes, about.
const INDEX_ENTRY: usize = 24;

/// A field as it stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRef<'a> {
    /// The name.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// When it expires, in milliseconds of Unix time.
    pub expiry: Option<i64>,
}

impl<'a> FieldRef<'a> {
    /// The field that a record is.
    #[inline]
    pub(super) fn decode(record: &'a [u8]) -> FieldRef<'a> {
        let (head, mut rest) = read_head(record);
        let mut expiry = None;
        if head & 1 == 1
            && let Some((at, tail)) = rest.split_first_chunk()
        {
            (expiry, rest) = (Some(i64::from_le_bytes(*at)), tail);
        }
        let (name, value) = rest.split_at((head >> 1).min(rest.len()));
        FieldRef { name, value, expiry }
    }

    /// Whether its time is not over.
    #[inline]
    pub(super) fn is_live(&self, now_ms: i64) -> bool {
        self.expiry.is_none_or(|at| at > now_ms)
    }

    fn encode(&self) -> ThinBytes {
        let mut head = [0; 10];
        let head = write_head(self.name.len() << 1 | usize::from(self.expiry.is_some()), &mut head);
        match self.expiry {
            Some(at) => ThinBytes::concat(&[head, &at.to_le_bytes(), self.name, self.value]),
            None => ThinBytes::concat(&[head, self.name, self.value]),
        }
    }
}

/// The number at the start of a record, and what follows.
#[inline]
fn read_head(record: &[u8]) -> (usize, &[u8]) {
    let (mut head, mut shift) = (0, 0);
    for (at, byte) in record.iter().enumerate() {
        head |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return (head, &record[at + 1..]);
        }
        shift += 7;
    }
    (0, &[])
}

fn write_head(mut head: usize, into: &mut [u8; 10]) -> &[u8] {
    let mut len = 0;
    loop {
        let low = (head & 0x7F) as u8;
        head >>= 7;
        into[len] = if head == 0 { low } else { low | 0x80 };
        len += 1;
        if head == 0 {
            return &into[..len];
        }
    }
}

/// The name alone: all that a lookup compares.
#[inline]
fn name_of(record: &[u8]) -> &[u8] {
    FieldRef::decode(record).name
}

/// The fields of a hash in a hash table.
pub(super) struct Fields {
    table: Table<ThinBytes>,
    hasher: Hasher,
    /// Bytes allocated for the fields.
    field_bytes: usize,
    /// Expiry and hash of each field that has an expiry. Two fields of one hash and one time share
    /// an entry; one of them may then stay until it is overwritten, which nobody sees.
    volatile: BTreeSet<(i64, u64)>,
}

impl Fields {
    pub(super) fn new(hasher: &Hasher) -> Fields {
        Fields {
            table: Table::new(),
            hasher: hasher.clone(),
            field_bytes: 0,
            volatile: BTreeSet::new(),
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    pub(super) fn bytes(&self) -> usize {
        size_class(size_of::<Fields>())
            + self.table.bytes()
            + self.field_bytes
            + self.volatile.len() * INDEX_ENTRY
    }

    pub(super) fn volatile_len(&self) -> usize {
        self.volatile.len()
    }

    #[inline]
    pub(super) fn next_expiry(&self) -> Option<i64> {
        self.volatile.first().map(|(at, _)| *at)
    }

    #[inline]
    fn find(&self, hash: u64, name: &[u8]) -> Option<FieldRef<'_>> {
        self.table.find(hash, |record| name_of(record) == name).map(FieldRef::decode)
    }

    /// The field `name`, if its time is not over.
    #[inline]
    pub(super) fn live(&self, name: &[u8], now_ms: i64) -> Option<FieldRef<'_>> {
        self.find(self.hasher.hash(name), name).filter(|field| field.is_live(now_ms))
    }

    pub(super) fn set(
        &mut self,
        name: &[u8],
        value: &[u8],
        lifetime: Lifetime,
        now_ms: i64,
    ) -> Assigned {
        let hash = self.hasher.hash(name);
        let Some(mut found) = self.table.find_mut(hash, |record| name_of(record) == name) else {
            let expiry = match lifetime {
                Lifetime::Until(at) => Some(at),
                Lifetime::Endless | Lifetime::Kept => None,
            };
            self.insert_new(name, value, expiry);
            return Assigned::Created;
        };
        let old = FieldRef::decode(found.get());
        let (old_expiry, was_live) = (old.expiry, old.is_live(now_ms));
        let expiry = match lifetime {
            Lifetime::Endless => None,
            Lifetime::Kept => old_expiry.filter(|_| was_live),
            Lifetime::Until(at) => Some(at),
        };
        let same_shape = old.value.len() == value.len() && old_expiry == expiry;
        let (before, after) = found.update(|record| {
            let before = record.allocated();
            if same_shape {
                let bytes = record.as_mut_slice();
                let start = bytes.len() - value.len();
                bytes[start..].copy_from_slice(value);
            } else {
                *record = FieldRef { name, value, expiry }.encode();
            }
            (before, record.allocated())
        });
        self.field_bytes += after;
        self.field_bytes -= before;
        self.reindex(hash, old_expiry, expiry);
        if was_live { Assigned::Updated } else { Assigned::Created }
    }

    /// Adds a field that is not there.
    pub(super) fn insert_new(&mut self, name: &[u8], value: &[u8], expiry: Option<i64>) {
        let hash = self.hasher.hash(name);
        let record = FieldRef { name, value, expiry }.encode();
        self.field_bytes += record.allocated();
        let hasher = &self.hasher;
        self.table.insert(hash, record, |record| hasher.hash(name_of(record)));
        self.reindex(hash, None, expiry);
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<ThinBytes> {
        let hash = self.hasher.hash(name);
        let found = self.table.find_mut(hash, |record| name_of(record) == name)?;
        let record = found.remove();
        self.field_bytes -= record.allocated();
        self.reindex(hash, FieldRef::decode(record.as_slice()).expiry, None);
        Some(record)
    }

    /// Gives a field that is there another expiry.
    pub(super) fn set_expiry(&mut self, name: &[u8], expiry: Option<i64>) {
        let hash = self.hasher.hash(name);
        let Some(mut found) = self.table.find_mut(hash, |record| name_of(record) == name) else {
            return;
        };
        let old = FieldRef::decode(found.get()).expiry;
        if old == expiry {
            return;
        }
        let (before, after) = found.update(|record| {
            let before = record.allocated();
            let changed = FieldRef { expiry, ..FieldRef::decode(record.as_slice()) }.encode();
            *record = changed;
            (before, record.allocated())
        });
        self.field_bytes += after;
        self.field_bytes -= before;
        self.reindex(hash, old, expiry);
    }

    /// Takes out fields whose time is over, `most` at most.
    pub(super) fn expire(
        &mut self,
        now_ms: i64,
        most: usize,
        mut visit: impl FnMut(&[u8]),
    ) -> usize {
        let mut taken = 0;
        while taken < most
            && let Some(&(at, hash)) = self.volatile.first()
            && at <= now_ms
        {
            self.volatile.remove(&(at, hash));
            let found =
                self.table.find_mut(hash, |record| FieldRef::decode(record).expiry == Some(at));
            if let Some(found) = found {
                let record = found.remove();
                self.field_bytes -= record.allocated();
                visit(name_of(record.as_slice()));
            }
            taken += 1;
        }
        taken
    }

    fn reindex(&mut self, hash: u64, old: Option<i64>, new: Option<i64>) {
        if old == new {
            return;
        }
        if let Some(at) = old {
            self.volatile.remove(&(at, hash));
        }
        if let Some(at) = new {
            self.volatile.insert((at, hash));
        }
    }

    pub(super) fn random(&self, rng: &mut fastrand::Rng) -> Option<FieldRef<'_>> {
        self.table.random(rng).map(FieldRef::decode)
    }

    pub(super) fn iter(&self) -> table::Iter<'_, ThinBytes> {
        self.table.iter()
    }

    pub(super) fn scan<'a>(&'a self, cursor: u64, mut visit: impl FnMut(FieldRef<'a>)) -> u64 {
        self.table.scan(cursor, |record| visit(FieldRef::decode(record)))
    }

    pub(super) fn duplicate(&self) -> Fields {
        let mut copy = Fields::new(&self.hasher);
        for field in self.iter().map(FieldRef::decode) {
            copy.insert_new(field.name, field.value, field.expiry);
        }
        copy
    }

    /// Bytes allocated for the fields, counted anew.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let allocated: usize =
            self.iter().map(|record| ThinBytes::allocated_for(record.len())).sum();
        assert_eq!(self.field_bytes, allocated);
        let volatile: BTreeSet<(i64, u64)> = self
            .iter()
            .map(FieldRef::decode)
            .filter_map(|field| Some((field.expiry?, self.hasher.hash(field.name))))
            .collect();
        assert_eq!(self.volatile, volatile);
    }
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(FieldRef::decode)).finish()
    }
}
