//! One logical database of one shard: its entries, and which of them expire.
//!
//! Two tables over the same entries: the main one owns them, the expiry index has a second pointer
//! to each entry with an expiry. What must hold: the index holds exactly the entries with an
//! expiry, under the pointers of the main table. Reads no clock and decides no policy: whether an
//! expired entry is still seen is the business of the layer above.
//!
//! Why unsafe: the index's pointers are followed, under the invariant above. It saves a copy of
//! every key with an expiry (some 60 bytes per entry).
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::ptr::NonNull;

use super::entry::{EntryMut, EntryRef, OwnedEntry, RawEntry};
use super::hash::{KeyHash, KeyHasher};
use super::object::ObjectMut;
use super::string::{Stored, Value};
use crate::value::table::{Element, Occupied, Table, TableStats};

/// A database of one shard.
pub struct Db {
    hasher: KeyHasher,
    entries: Table<OwnedEntry>,
    volatile: Table<Alias>,
    /// The hashes that have fields with an expiry: when their first field expires, and the hash of
    /// their key. Two keys of one hash and one time share an entry, which serves both in turn.
    field_expiries: BTreeSet<(i64, u64)>,
    entry_bytes: usize,
    /// Where the next sweep of the expiry index goes on.
    sweep_cursor: u64,
}

/// What an insertion found under its key.
pub enum Previous {
    /// Nothing: the key is new.
    None,
    /// An entry that was overwritten in place.
    Overwritten,
    /// An entry that was replaced; dropping it frees it.
    Replaced(OwnedEntry),
}

impl Previous {
    /// Whether the key is new.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// Bytes that an entry of the index of field expiries takes, with its part of a tree's nodes, about.
const FIELD_EXPIRY: usize = 24;

/// Fields that were taken out of a hash since their time was over.
pub struct ExpiredFields {
    /// The hash's key.
    pub key: Vec<u8>,
    /// The fields.
    pub fields: Vec<Vec<u8>>,
    /// The entry, if it went with its last field.
    pub spent: Option<OwnedEntry>,
}

/// What is found under a key at a given time.
pub enum Found<'a> {
    /// Nothing.
    Nothing,
    /// An entry.
    Live(Edit<'a>),
    /// An entry whose time is over.
    Expired(Edit<'a>),
}

/// Figures about a database's structure.
#[derive(Clone, Copy, Debug)]
pub struct DbStats {
    /// The table of all entries.
    pub entries: TableStats,
    /// The index of those with an expiry.
    pub volatile: TableStats,
    /// Bytes allocated for entries and their values.
    pub entry_bytes: usize,
}

impl Db {
    /// An empty database, which owns no memory. `hasher` is the one that gives the hashes which
    /// every method takes along with the key.
    pub const fn new(hasher: KeyHasher) -> Self {
        Self {
            hasher,
            entries: Table::new(),
            volatile: Table::new(),
            field_expiries: BTreeSet::new(),
            entry_bytes: 0,
            sweep_cursor: 0,
        }
    }

    /// Number of keys.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of keys with an expiry.
    #[inline]
    pub fn volatile_len(&self) -> usize {
        self.volatile.len()
    }

    /// Number of keys with fields that have an expiry.
    #[inline]
    pub fn volatile_fields_len(&self) -> usize {
        self.field_expiries.len()
    }

    /// Bytes of memory that the database occupies: allocations in their real sizes, and tables.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.entry_bytes
            + self.entries.bytes()
            + self.volatile.bytes()
            + self.field_expiries.len() * FIELD_EXPIRY
    }

    /// The hasher of the server.
    pub fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    /// Figures about the structure.
    pub fn stats(&self) -> DbStats {
        DbStats {
            entries: self.entries.stats(),
            volatile: self.volatile.stats(),
            entry_bytes: self.entry_bytes,
        }
    }

    /// First prefetch pass: the bucket of `hash`. No cost worth naming on an empty database.
    #[inline]
    pub fn prefetch_bucket(&self, hash: KeyHash) {
        self.entries.prefetch_bucket(hash.0);
    }

    /// Second prefetch pass: the entry of `hash`.
    #[inline]
    pub fn prefetch_entry(&self, hash: KeyHash) {
        self.entries.prefetch_elements(hash.0);
    }

    /// The entry of `key`.
    #[inline]
    pub fn get(&self, key: &[u8], hash: KeyHash) -> Option<EntryRef<'_>> {
        self.entries.find(hash.0, |entry| entry.key() == key)
    }

    /// The entry of `key`, to be changed where it is.
    #[inline]
    pub fn get_mut(&mut self, key: &[u8], hash: KeyHash) -> Option<EntryMut<'_>> {
        let entry = self.find(key, hash)?.into_ref();
        // SAFETY: the database is borrowed by the result, so nobody else looks at the entry.
        Some(unsafe { EntryMut::new(entry.raw()) })
    }

    /// The entry of `key`, and whether its time is over at `now_ms`.
    #[inline]
    pub fn find_live(&mut self, key: &[u8], hash: KeyHash, now_ms: i64) -> Found<'_> {
        let Db { entries, volatile, field_expiries, entry_bytes, .. } = self;
        let Some(found) = entries.find_mut(hash.0, |entry| entry.key() == key) else {
            return Found::Nothing;
        };
        let is_live = found.get().expiry().is_none_or(|at| at > now_ms);
        let edit = Edit { found, volatile, field_expiries, entry_bytes, hash };
        if is_live { Found::Live(edit) } else { Found::Expired(edit) }
    }

    /// Stores `value` under `key`, in place of what was there. The expiry is `expiry`, in
    /// milliseconds since the Unix epoch: what the old entry had is not kept, its access field is.
    pub fn insert(
        &mut self,
        key: &[u8],
        hash: KeyHash,
        value: Value<'_>,
        expiry: Option<i64>,
    ) -> Previous {
        self.insert_with(key, hash, value, |old| (expiry, old.map_or(0, EntryRef::access)))
    }

    /// Stores `value` under `key`, in place of what was there. `settle` looks at the entry that is
    /// there and gives the new one's expiry, in milliseconds since the Unix epoch, and access
    /// field. One lookup.
    pub fn insert_with(
        &mut self,
        key: &[u8],
        hash: KeyHash,
        value: Value<'_>,
        settle: impl FnOnce(Option<EntryRef<'_>>) -> (Option<i64>, u32),
    ) -> Previous {
        let value = Stored::new(value);
        let Some(mut found) = self.entries.find_mut(hash.0, |entry| entry.key() == key) else {
            self.entries.prefetch_count(hash.0);
            let (expiry, access) = settle(None);
            let entry = OwnedEntry::from_stored(key, value, expiry);
            entry.get().set_access(access);
            self.add(hash, entry);
            return Previous::None;
        };
        let (expiry, access) = settle(Some(found.get()));
        let (old, had_expiry) = (found.get().raw(), found.get().expiry().is_some());
        let old_size = found.get().allocation_size();
        let old_fields = found.get().next_field_expiry();
        let previous = found.update(|entry| match entry.overwrite(value, expiry) {
            Ok(()) => Previous::Overwritten,
            Err(value) => {
                let new = OwnedEntry::from_stored(key, value, expiry);
                Previous::Replaced(std::mem::replace(entry, new))
            }
        });
        found.get().set_access(access);
        let new = found.get().raw();
        if let Previous::Replaced(_) = previous {
            self.entry_bytes += found.get().allocation_size();
            self.entry_bytes -= old_size;
        }
        let new_fields = found.get().next_field_expiry();
        reindex_fields(&mut self.field_expiries, hash, old_fields, new_fields);
        if had_expiry || expiry.is_some() {
            self.index(hash, had_expiry.then_some(old), expiry.is_some().then_some(new));
        }
        previous
    }

    /// Stores `entry` under `key`, with the value, expiry and access it has, in place of what was
    /// there. The value is moved, not copied, unless it is a short string.
    pub fn insert_owned(&mut self, key: &[u8], hash: KeyHash, entry: OwnedEntry) -> Previous {
        let entry = if entry.key() == key { entry } else { entry.with_key(key) };
        let previous = self.remove(key, hash);
        self.add(hash, entry);
        previous.map_or(Previous::None, Previous::Replaced)
    }

    /// Takes `key` out.
    pub fn remove(&mut self, key: &[u8], hash: KeyHash) -> Option<OwnedEntry> {
        self.entries.prefetch_count(hash.0);
        let entry = self.find(key, hash)?.remove();
        Some(self.account_removed(hash, entry))
    }

    /// Sets or removes the expiry of `key`, in milliseconds since the Unix epoch. Returns whether
    /// the key is there.
    pub fn set_expiry(&mut self, key: &[u8], hash: KeyHash, expiry: Option<i64>) -> bool {
        self.change(key, hash, |entry| entry.set_expiry(expiry)).is_some()
    }

    /// Changes the string under `key` where it is (APPEND, SETRANGE, SETBIT): it is made `len`
    /// bytes long if it is shorter, with zeros, then `edit` gets all of it. A missing key is
    /// created. Costs what is added, amortized, and what `edit` does. The entry is then
    /// [raw](EntryRef::is_raw). Returns the length.
    pub fn edit_string(
        &mut self,
        key: &[u8],
        hash: KeyHash,
        len: usize,
        edit: impl FnOnce(&mut [u8]),
    ) -> usize {
        let mut edit = Some(edit);
        let changed = self.change(key, hash, |entry| {
            if let Some(edit) = edit.take() {
                entry.edit(len, edit);
            }
            entry.get().string().map_or(0, |string| string.len())
        });
        if let (None, Some(edit)) = (changed, edit) {
            let mut entry = OwnedEntry::new(key, Value::Bytes(b""), None);
            entry.edit(len, edit);
            self.add(hash, entry);
        }
        changed.unwrap_or(len)
    }

    /// Visits the entries of one bucket and returns the cursor for the next call, 0 at the end:
    /// see [`Table::scan`] for what a whole scan guarantees.
    pub fn scan<'a>(&'a self, cursor: u64, visit: impl FnMut(EntryRef<'a>)) -> u64 {
        self.entries.scan(cursor, visit)
    }

    /// As [`Db::scan`], over the entries with an expiry.
    pub fn scan_volatile<'a>(&'a self, cursor: u64, mut visit: impl FnMut(EntryRef<'a>)) -> u64 {
        // SAFETY: an entry of this database, borrowed with it.
        self.volatile.scan(cursor, |alias| visit(unsafe { alias.entry() }))
    }

    /// Takes out the entries of the next bucket of the expiry index whose expiry is before or at
    /// `now_ms`, and says how many entries it has looked at: 7 or so, 0 if the bucket is empty.
    /// Buckets come in turn, so that every entry with an expiry is looked at again and again.
    pub fn sweep(&mut self, now_ms: i64, mut take: impl FnMut(OwnedEntry)) -> usize {
        let mut seen = 0;
        let mut due = Vec::new();
        self.sweep_cursor = self.volatile.scan(self.sweep_cursor, |alias| {
            seen += 1;
            // SAFETY: an entry of this database, which is borrowed.
            let entry = unsafe { alias.entry() };
            if entry.expiry().is_some_and(|expiry| expiry <= now_ms) {
                due.push((alias, self.hasher.hash(entry.key())));
            }
        });
        for (alias, hash) in due {
            let found = self.entries.find_mut(hash.0, |entry| entry.raw() == alias.0);
            let found = found.expect("the expiry index holds entries of the main table");
            let entry = found.remove();
            take(self.account_removed(hash, entry));
        }
        seen
    }

    /// Takes fields whose time is over out of the hash in which it has been so for longest, `most`
    /// at most. `None` if there are none.
    pub fn expire_fields(&mut self, now_ms: i64, most: usize) -> Option<ExpiredFields> {
        let &(at, hash) = self.field_expiries.first().filter(|(at, _)| *at <= now_ms)?;
        let Db { entries, volatile, field_expiries, entry_bytes, .. } = self;
        let Some(found) = entries.find_mut(hash, |entry| entry.next_field_expiry() == Some(at))
        else {
            // Both of two keys of one hash and one time have had their turn.
            field_expiries.remove(&(at, hash));
            return Some(ExpiredFields { key: Vec::new(), fields: Vec::new(), spent: None });
        };
        let hash = KeyHash(hash);
        let mut edit = Edit { found, volatile, field_expiries, entry_bytes, hash };
        let key = edit.get().key().to_vec();
        let mut fields = Vec::new();
        let spent = edit.object(|object| {
            let ObjectMut::Hash(hash) = object else { return false };
            hash.expire(now_ms, most, |field| fields.push(field.to_vec()));
            hash.is_empty()
        });
        let spent = (spent == Some(true)).then(|| edit.remove());
        Some(ExpiredFields { key, fields, spent })
    }

    /// Whether the next [`Db::sweep`] begins with the first bucket.
    pub fn is_swept(&self) -> bool {
        self.sweep_cursor == 0
    }

    /// A key by chance, nearly uniform.
    pub fn random(&self, rng: &mut fastrand::Rng) -> Option<EntryRef<'_>> {
        self.entries.random(rng)
    }

    /// A key by chance among those with an expiry, nearly uniform.
    pub fn random_volatile(&self, rng: &mut fastrand::Rng) -> Option<EntryRef<'_>> {
        // SAFETY: an entry of this database, borrowed with it.
        self.volatile.random(rng).map(|alias| unsafe { alias.entry() })
    }

    /// Visits some `n` entries that lie at a random place: samples for eviction.
    pub fn sample<'a>(
        &'a self,
        rng: &mut fastrand::Rng,
        n: usize,
        visit: impl FnMut(EntryRef<'a>),
    ) {
        self.entries.sample(rng, n, visit);
    }

    /// As [`Db::sample`], among the entries with an expiry.
    pub fn sample_volatile<'a>(
        &'a self,
        rng: &mut fastrand::Rng,
        n: usize,
        mut visit: impl FnMut(EntryRef<'a>),
    ) {
        // SAFETY: an entry of this database, borrowed with it.
        self.volatile.sample(rng, n, |alias| visit(unsafe { alias.entry() }));
    }

    /// Visits every entry, in no particular order.
    pub fn for_each<'a>(&'a self, visit: impl FnMut(EntryRef<'a>)) {
        self.entries.for_each(visit);
    }

    /// Empties the database. What was in it comes back as a database of its own, to be dropped
    /// where that disturbs nobody.
    pub fn take_all(&mut self) -> Db {
        let empty = Db::new(self.hasher.clone());
        std::mem::replace(self, empty)
    }

    #[inline]
    fn find(&mut self, key: &[u8], hash: KeyHash) -> Option<Occupied<'_, OwnedEntry>> {
        self.entries.find_mut(hash.0, |entry| entry.key() == key)
    }

    /// Adds an entry whose key is absent.
    fn add(&mut self, hash: KeyHash, entry: OwnedEntry) {
        self.entry_bytes += entry.allocation_size();
        if entry.expiry().is_some() {
            self.index(hash, None, Some(entry.raw()));
        }
        reindex_fields(&mut self.field_expiries, hash, None, entry.get().next_field_expiry());
        let hasher = &self.hasher;
        self.entries.insert(hash.0, entry, |entry| hasher.hash(entry.key()).0);
    }

    /// Lets `change` work on the entry of `key`, and keeps index and accounting right.
    fn change<R>(
        &mut self,
        key: &[u8],
        hash: KeyHash,
        change: impl FnOnce(&mut OwnedEntry) -> R,
    ) -> Option<R> {
        let mut found = self.entries.find_mut(hash.0, |entry| entry.key() == key)?;
        let (size, alias) = (found.get().allocation_size(), volatile_alias(found.get()));
        let result = found.update(change);
        let new_alias = volatile_alias(found.get());
        self.entry_bytes += found.get().allocation_size();
        self.entry_bytes -= size;
        if alias != new_alias {
            self.index(hash, alias, new_alias);
        }
        Some(result)
    }

    /// What is left to do for an entry that the main table has given back.
    fn account_removed(&mut self, hash: KeyHash, entry: OwnedEntry) -> OwnedEntry {
        self.entry_bytes -= entry.allocation_size();
        if entry.expiry().is_some() {
            self.index(hash, Some(entry.raw()), None);
        }
        reindex_fields(&mut self.field_expiries, hash, entry.get().next_field_expiry(), None);
        entry
    }

    /// Replaces `old` by `new` in the expiry index.
    fn index(&mut self, hash: KeyHash, old: Option<RawEntry>, new: Option<RawEntry>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            match new {
                Some(new) => {
                    alias_of(&mut self.volatile, hash, old).update(|alias| *alias = Alias(new))
                }
                None => unindex(&mut self.volatile, hash, old),
            }
        } else if let Some(new) = new {
            let hasher = &self.hasher;
            // SAFETY: the aliases that are in the index are those of live entries.
            let rehash = |alias: Alias| hasher.hash(unsafe { alias.entry() }.key()).0;
            self.volatile.insert(hash.0, Alias(new), rehash);
        }
    }
}

/// An entry found, with what must follow if its size changes or it goes.
pub struct Edit<'a> {
    found: Occupied<'a, OwnedEntry>,
    volatile: &'a mut Table<Alias>,
    field_expiries: &'a mut BTreeSet<(i64, u64)>,
    entry_bytes: &'a mut usize,
    hash: KeyHash,
}

impl<'a> Edit<'a> {
    /// Looks at the entry.
    #[inline]
    pub fn get(&self) -> EntryRef<'_> {
        self.found.get()
    }

    /// The entry alone, for changes that keep its size.
    #[inline]
    pub fn into_entry(self) -> EntryMut<'a> {
        // SAFETY: the database is borrowed mutably during 'a, so nobody else looks at the entry.
        unsafe { EntryMut::new(self.found.into_ref().raw()) }
    }

    /// Lets `change` work on the object, and accounts for what it weighs then. `None` if the value
    /// is a string.
    #[inline]
    pub fn object<R>(&mut self, change: impl FnOnce(ObjectMut<'_>) -> R) -> Option<R> {
        // SAFETY: the database is borrowed mutably by `self`, so nobody else looks at the entry.
        let mut entry = unsafe { EntryMut::new(self.found.get().raw()) };
        let mut object = entry.object_mut()?;
        let (before, old_fields) = (object.look().bytes(), object.look().next_field_expiry());
        let result = change(object.reborrow());
        let object = object.look();
        reindex_fields(self.field_expiries, self.hash, old_fields, object.next_field_expiry());
        *self.entry_bytes += object.bytes();
        *self.entry_bytes -= before;
        Some(result)
    }

    /// Takes the entry out.
    pub fn remove(self) -> OwnedEntry {
        let Self { found, volatile, field_expiries, entry_bytes, hash } = self;
        let entry = found.remove();
        reindex_fields(field_expiries, hash, entry.get().next_field_expiry(), None);
        *entry_bytes -= entry.allocation_size();
        if entry.expiry().is_some() {
            unindex(volatile, hash, entry.raw());
        }
        entry
    }
}

/// The place of an entry in the expiry index. Compared by pointer alone: the entry may be gone.
fn alias_of(volatile: &mut Table<Alias>, hash: KeyHash, entry: RawEntry) -> Occupied<'_, Alias> {
    let found = volatile.find_mut(hash.0, |alias| alias == Alias(entry));
    found.expect("an entry with an expiry is in the index")
}

fn unindex(volatile: &mut Table<Alias>, hash: KeyHash, entry: RawEntry) {
    alias_of(volatile, hash, entry).remove();
}

/// Takes note that the first field of a key's hash expires at another time.
#[inline]
fn reindex_fields(
    field_expiries: &mut BTreeSet<(i64, u64)>,
    hash: KeyHash,
    old: Option<i64>,
    new: Option<i64>,
) {
    if old == new {
        return;
    }
    if let Some(at) = old {
        field_expiries.remove(&(at, hash.0));
    }
    if let Some(at) = new {
        field_expiries.insert((at, hash.0));
    }
}

fn volatile_alias(entry: EntryRef<'_>) -> Option<RawEntry> {
    entry.expiry().map(|_| entry.raw())
}

/// A second pointer to an entry of the main table.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Alias(RawEntry);

// SAFETY: an alias moves between threads only with its database, which owns the entry.
unsafe impl Send for Alias {}

impl Alias {
    /// # Safety
    /// The entry is in the main table of a database that is borrowed during `'a`.
    unsafe fn entry<'a>(self) -> EntryRef<'a> {
        // SAFETY: the caller's promise.
        unsafe { EntryRef::new(self.0) }
    }
}

// SAFETY: the pointer of an entry is 8-aligned and in user space; borrowing copies it alone.
unsafe impl Element for Alias {
    type Ref<'a>
        = Alias
    where
        Self: 'a;

    fn into_raw(self) -> NonNull<u8> {
        self.0.into_pointer()
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(RawEntry::from_pointer(raw))
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> Alias
    where
        Self: 'a,
    {
        Self(RawEntry::from_pointer(raw))
    }
}

#[cfg(test)]
mod tests;
