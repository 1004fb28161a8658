//! Typed access to objects: what the families of collections work with.
//!
//! A command reads by [`Read::read_as`], or several at once by [`Read::read_all_as`]; it changes
//! one by [`Write::edit`] or [`Write::edit_or_create`], puts a new one in place of whatever is
//! there by [`Write::replace`], and has one whole by [`Write::take_as`]. All of them answer the
//! wrong-type error for a key of another type, keep the accounting of memory right, and take one
//! lookup. None of them states the change: that is the caller's, by [`Write::changed`].

use super::{Key, Read, Visit, Write};
use crate::command::error::CommandError;
use crate::keyspace::{Collection, Edit, EntryRef, Object, Value};

/// The object of type `T` in an entry, or the wrong-type error.
#[inline]
pub fn object_as<T: Collection>(entry: EntryRef<'_>) -> Result<&T, CommandError> {
    entry.object().and_then(T::of).ok_or(CommandError::WRONG_TYPE)
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was there and is there.
    Kept,
    /// It was not there and is there.
    Created,
    /// It was there, and went with its last element.
    Removed,
    /// It was not there, and what was made has no element.
    Absent,
}

/// What an edit gave and what it left.
#[derive(Clone, Copy, Debug)]
pub struct Edited<R> {
    /// What the closure gave.
    pub result: R,
    /// What became of the key.
    pub fate: Fate,
}

impl Read<'_> {
    /// The `T` at `key` for a command that reads it, `None` if the key is not there. Counts a hit
    /// or a miss and marks the access.
    #[inline]
    pub fn read_as<T: Collection>(&mut self, key: &Key<'_>) -> Result<Option<&T>, CommandError> {
        self.lookup(key).map(object_as).transpose()
    }

    /// The entries of several keys at once, as [`Read::lookup`] gives each.
    pub fn lookup_all(&mut self, keys: &[Key<'_>]) -> Vec<Option<EntryRef<'_>>> {
        for key in keys {
            self.lookup(key);
        }
        // Nothing expires while the command runs, so what is there now is what was found.
        let live = |key: &Key<'_>| {
            let entry = self.stored(key)?;
            (!self.is_expired(entry)).then_some(entry)
        };
        keys.iter().map(live).collect()
    }

    /// The `T`s at several keys at once, as [`Read::read_as`] gives each.
    pub fn read_all_as<T: Collection>(
        &mut self,
        keys: &[Key<'_>],
    ) -> Result<Vec<Option<&T>>, CommandError> {
        self.lookup_all(keys).into_iter().map(|entry| entry.map(object_as).transpose()).collect()
    }

    /// The entry of `key` in the client's database as it is, its time over or not: neither counted
    /// nor marked nor removed.
    pub fn stored(&self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        let place = super::place(self.parts, self.call.server, key.bytes, key.hash);
        self.parts[place].dbs[self.call.db.0 as usize].get(key.bytes, key.hash)
    }
}

impl Write<'_> {
    /// Lets `change` work on the `T` at `key`. `None` if the key is not there. If the object has no
    /// element then, its key is removed ([`Fate::Removed`]); a stream's key is not.
    #[inline]
    pub fn edit<T: Collection, R>(
        &mut self,
        key: &Key<'_>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Option<Edited<R>>, CommandError> {
        let db = self.call.db;
        self.find_to_edit(db, key, Visit::Write).map(|found| apply(found, change)).transpose()
    }

    /// As [`Write::edit`]; if the key is not there, `change` works on an empty `T`, which is stored
    /// if it has an element then ([`Fate::Created`], else [`Fate::Absent`]); a stream is stored in
    /// any case.
    #[inline]
    pub fn edit_or_create<T: Collection, R>(
        &mut self,
        key: &Key<'_>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<Edited<R>, CommandError> {
        let db = self.call.db;
        if let Some(found) = self.find_to_edit(db, key, Visit::Write) {
            return apply(found, change);
        }
        let mut value = T::default();
        let result = change(&mut value);
        let object: Object = value.into();
        if object.look().is_spent() {
            return Ok(Edited { result, fate: Fate::Absent });
        }
        self.store(key, Value::Object(object), None);
        Ok(Edited { result, fate: Fate::Created })
    }

    /// Puts `value` in place of whatever is at `key`, without an expiry; one without elements
    /// removes the key: [`Fate::Removed`] or [`Fate::Absent`] then, else [`Fate::Kept`] or
    /// [`Fate::Created`].
    pub fn replace<T: Collection>(&mut self, key: &Key<'_>, value: T) -> Fate {
        let object: Object = value.into();
        if object.look().is_spent() {
            let lazy = self.config().lazyfree_lazy_server_del;
            return if self.remove(key, lazy) { Fate::Removed } else { Fate::Absent };
        }
        let was_there = self.peek(key).is_some();
        self.store(key, Value::Object(object), None);
        if was_there { Fate::Kept } else { Fate::Created }
    }

    /// Takes the `T` out from under `key`, whose expiry is lost. `None` if the key is not there.
    pub fn take_as<T: Collection>(&mut self, key: &Key<'_>) -> Result<Option<T>, CommandError> {
        let db = self.call.db;
        let Some(found) = self.find_to_edit(db, key, Visit::Write) else { return Ok(None) };
        object_as::<T>(found.get())?;
        let object = found.remove().into_object().map_err(|_| CommandError::WRONG_TYPE)?;
        T::from_object(object).map(Some).map_err(|_| CommandError::WRONG_TYPE)
    }
}

/// Lets `change` work on the `T` in an entry, which is removed if it has no element then.
#[inline]
fn apply<T: Collection, R>(
    mut found: Edit<'_>,
    change: impl FnOnce(&mut T) -> R,
) -> Result<Edited<R>, CommandError> {
    let changed = found.object(|mut object| {
        let result = change(T::of_mut(object.reborrow())?);
        Some((result, object.look().is_spent()))
    });
    let (result, spent) = changed.flatten().ok_or(CommandError::WRONG_TYPE)?;
    if !spent {
        return Ok(Edited { result, fate: Fate::Kept });
    }
    // What has no element is freed at once.
    drop(found.remove());
    Ok(Edited { result, fate: Fate::Removed })
}
