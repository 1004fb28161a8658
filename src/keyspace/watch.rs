//! The watched keys of one shard: who must not run its EXEC after which key has changed.
//!
//! Kept in the box, so that checking a watch and running the transaction happen under one
//! ownership. A client's watches end with its EXEC, DISCARD, UNWATCH, RESET or connection.
//!
//! A key that was past its time already when it was put under watch is as good as absent: its
//! removal is no change. One whose time is over since is a change, removed or not.

use std::collections::HashMap;

use super::DbIndex;

/// Identifies a client: its connection's number, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u64);

/// Whether a key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is not.
    Absent,
    /// It is, but its time is over.
    Expired,
    /// It is.
    Live,
}

#[derive(Default)]
struct Watcher {
    dirty: bool,
    keys: Vec<(DbIndex, Box<[u8]>)>,
}

#[derive(Clone, Copy)]
struct Watch {
    client: ClientId,
    /// The key is there but was past its time already: its removal is no change.
    was_expired: bool,
}

/// A watched key and who watches it.
type Watches = HashMap<Box<[u8]>, Vec<Watch>>;

/// The watch table of one shard.
#[derive(Default)]
pub struct WatchTable {
    keys: HashMap<DbIndex, Watches>,
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
        let watches = self.keys.entry(db).or_default().entry(key.into()).or_default();
        if watches.iter().any(|watch| watch.client == client) {
            return;
        }
        watches.push(Watch { client, was_expired });
        self.clients.entry(client).or_default().keys.push((db, key.into()));
    }

    /// Ends all watches of `client`.
    pub fn unwatch(&mut self, client: ClientId) {
        let Some(watcher) = self.clients.remove(&client) else { return };
        for (db, key) in watcher.keys {
            let Some(keys) = self.keys.get_mut(&db) else { continue };
            if let Some(watches) = keys.get_mut(&key) {
                watches.retain(|watch| watch.client != client);
                if watches.is_empty() {
                    keys.remove(&key);
                }
            }
            if keys.is_empty() {
                self.keys.remove(&db);
            }
        }
    }

    /// A key has changed, or was removed if it does not exist any more: everyone who watches it
    /// must not run.
    pub fn touch(&mut self, db: DbIndex, key: &[u8], exists: bool) {
        let Some(watches) = self.keys.get_mut(&db).and_then(|keys| keys.get_mut(key)) else {
            return;
        };
        for watch in watches {
            if watch.was_expired && !exists {
                watch.was_expired = false;
                continue;
            }
            mark_dirty(&mut self.clients, watch.client);
        }
    }

    /// A whole database is about to be replaced by another, or to be emptied. `presence` tells for
    /// a key whether it is there before and whether it will be after: everyone who watches one that
    /// is there before or after must not run, unless it makes no difference.
    pub fn replace_database(
        &mut self,
        db: DbIndex,
        mut presence: impl FnMut(&[u8]) -> (Presence, Presence),
    ) {
        let Some(keys) = self.keys.get_mut(&db) else { return };
        for (key, watches) in keys {
            let (before, after) = presence(key);
            if (before, after) == (Presence::Absent, Presence::Absent) {
                continue;
            }
            for watch in watches {
                match (watch.was_expired, before, after) {
                    (true, _, Presence::Absent) => watch.was_expired = false,
                    (true, _, Presence::Expired) => {}
                    (false, Presence::Absent, Presence::Expired) => watch.was_expired = true,
                    _ => mark_dirty(&mut self.clients, watch.client),
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
        let Some(watcher) = self.clients.get(&client) else { return false };
        watcher.dirty
            || watcher
                .keys
                .iter()
                .any(|(db, key)| !self.was_expired(client, *db, key) && is_expired(*db, key))
    }

    fn was_expired(&self, client: ClientId, db: DbIndex, key: &[u8]) -> bool {
        let watches = self.keys.get(&db).and_then(|keys| keys.get(key));
        let own = watches.and_then(|watches| watches.iter().find(|watch| watch.client == client));
        own.is_some_and(|watch| watch.was_expired)
    }
}

fn mark_dirty(clients: &mut HashMap<ClientId, Watcher>, client: ClientId) {
    if let Some(watcher) = clients.get_mut(&client) {
        watcher.dirty = true;
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
        table.touch(DB, b"a", true);
        table.touch(DbIndex(1), b"b", true);
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
        table.touch(DB, b"a", false);
        assert!(!table.is_dirty(ClientId(1), |_, _| false), "its removal is no change");
        table.touch(DB, b"a", true);
        assert!(table.is_dirty(ClientId(1), |_, _| false), "its coming back is one");
    }

    #[test]
    fn replacing_a_database_counts_where_it_makes_a_difference() {
        use Presence::{Absent, Expired, Live};
        for (was_expired, before, after, dirty) in [
            (false, Absent, Absent, false),
            (false, Live, Absent, true),
            (false, Absent, Live, true),
            (false, Live, Live, true),
            (false, Absent, Expired, false),
            (false, Expired, Absent, true),
            (true, Expired, Absent, false),
            (true, Expired, Expired, false),
            (true, Expired, Live, true),
        ] {
            let mut table = WatchTable::default();
            table.watch(ClientId(1), DB, b"a", was_expired);
            table.replace_database(DB, |_| (before, after));
            let found = table.is_dirty(ClientId(1), |_, _| false);
            assert_eq!(found, dirty, "{was_expired} {before:?} {after:?}");
        }
    }
}
