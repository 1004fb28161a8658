//! The watched keys of one shard: who must not run its EXEC after which key has changed.
//!
//! Kept in the box, so that checking a watch and running the transaction happen under one
//! ownership. A client's watches end with its EXEC, DISCARD, UNWATCH, RESET or connection.

use std::collections::HashMap;

use super::DbIndex;

/// Identifies a client: its connection's number, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

#[derive(Default)]
struct Watcher {
    dirty: bool,
    keys: Vec<WatchedKey>,
}

#[derive(Clone)]
struct WatchedKey {
    db: DbIndex,
    key: Box<[u8]>,
    /// It existed but had expired already when it was put under watch: its removal is no change.
    was_expired: bool,
}

/// A watched key and who watches it.
type Watchers = HashMap<Box<[u8]>, Vec<ClientId>>;

/// The watch table of one shard.
#[derive(Default)]
pub struct WatchTable {
    keys: HashMap<DbIndex, Watchers>,
    clients: HashMap<ClientId, Watcher>,
}

impl WatchTable {
    /// Whether nobody watches anything: the usual case, asked before each change is looked up.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// How many clients watch keys here.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// Puts a key under watch for `client`. `was_expired` says that the key is there but past its
    /// time already.
    pub fn watch(&mut self, client: ClientId, db: DbIndex, key: &[u8], was_expired: bool) {
        let watcher = self.clients.entry(client).or_default();
        if watcher.keys.iter().any(|watched| watched.db == db && *watched.key == *key) {
            return;
        }
        watcher.keys.push(WatchedKey { db, key: key.into(), was_expired });
        self.keys.entry(db).or_default().entry(key.into()).or_default().push(client);
    }

    /// Ends all watches of `client`.
    pub fn unwatch(&mut self, client: ClientId) {
        let Some(watcher) = self.clients.remove(&client) else { return };
        for watched in watcher.keys {
            let Some(keys) = self.keys.get_mut(&watched.db) else { continue };
            if let Some(watchers) = keys.get_mut(&watched.key) {
                watchers.retain(|&other| other != client);
                if watchers.is_empty() {
                    keys.remove(&watched.key);
                }
            }
            if keys.is_empty() {
                self.keys.remove(&watched.db);
            }
        }
    }

    /// A key has changed: everyone who watches it must not run.
    pub fn touch(&mut self, db: DbIndex, key: &[u8]) {
        let Some(watchers) = self.keys.get(&db).and_then(|keys| keys.get(key)) else { return };
        for client in watchers {
            if let Some(watcher) = self.clients.get_mut(client) {
                watcher.dirty = true;
            }
        }
    }

    /// A whole database is about to change: everyone who watches a key for which `changes` holds
    /// must not run.
    pub fn touch_database(&mut self, db: DbIndex, mut changes: impl FnMut(&[u8]) -> bool) {
        let Some(keys) = self.keys.get(&db) else { return };
        for (key, watchers) in keys {
            if !changes(key) {
                continue;
            }
            for client in watchers {
                if let Some(watcher) = self.clients.get_mut(client) {
                    watcher.dirty = true;
                }
            }
        }
    }

    /// Whether a key that `client` watches here has changed. `is_expired` tells whether a key is
    /// there but past its time: a watched key that expired since counts as changed.
    pub fn is_dirty(
        &self,
        client: ClientId,
        mut is_expired: impl FnMut(DbIndex, &[u8]) -> bool,
    ) -> bool {
        self.clients.get(&client).is_some_and(|watcher| {
            watcher.dirty
                || watcher
                    .keys
                    .iter()
                    .any(|watched| !watched.was_expired && is_expired(watched.db, &watched.key))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DB: DbIndex = DbIndex(0);

    #[test]
    fn a_change_dirties_its_watchers_only() {
        let mut table = WatchTable::default();
        table.watch(ClientId(1), DB, b"a", false);
        table.watch(ClientId(2), DB, b"b", false);
        table.watch(ClientId(2), DB, b"b", false);
        table.touch(DB, b"a");
        table.touch(DbIndex(1), b"b");
        assert!(table.is_dirty(ClientId(1), |_, _| false));
        assert!(!table.is_dirty(ClientId(2), |_, _| false));
        assert!(table.is_dirty(ClientId(2), |_, key| key == b"b"));
        table.unwatch(ClientId(1));
        table.unwatch(ClientId(2));
        assert!(table.is_empty() && table.keys.is_empty());
    }

    #[test]
    fn a_key_that_was_expired_already_does_not_count() {
        let mut table = WatchTable::default();
        table.watch(ClientId(1), DB, b"a", true);
        assert!(!table.is_dirty(ClientId(1), |_, _| true));
        table.touch_database(DB, |_| true);
        assert!(table.is_dirty(ClientId(1), |_, _| false));
    }
}
