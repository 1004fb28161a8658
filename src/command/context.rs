//! What a handler works with: the boxes in hand, the time, chance, and who asks.
//!
//! [`Read`] cannot change the keyspace (apart from what Redis's reads do as well: an expired key
//! is removed when it is met, and the access field moves). [`Write`] adds the mutators. Handlers
//! do not know how many boxes are in hand or who runs them: a key finds its box by its hash.
//!
//! Every change goes through [`Write::changed`]: watches, effects, the dirty counter and (with
//! them) notifications, tracking and blocked clients hang on that one call.

use std::ops::{Deref, DerefMut};

use super::access::{self, AccessPolicy};
use super::args::Key;
use super::error::CommandError;
use super::{Args, Command};
use crate::config::Config;
use crate::keyspace::{
    ClientId, Db, DbIndex, EntryRef, Event, KeyHash, OwnedEntry, Previous, Shard, ShardCount,
    Value, ValueRef,
};
use crate::observe::Server;

/// The facts of a request that do not depend on its arguments.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The server: configuration, counters, clock.
    pub server: &'a Server,
    /// The configuration as it was when the batch began.
    pub config: &'a Config,
    /// The row of the running command.
    pub command: &'static Command,
    /// Logical database of the client.
    pub db: DbIndex,
    /// The client.
    pub client: ClientId,
    /// `CLIENT NO-TOUCH` is on: reads leave the access field alone.
    pub no_touch: bool,
    /// The command runs inside a transaction.
    pub in_transaction: bool,
}

/// What a change does to the journal.
pub enum Effect<'a> {
    /// The request itself, as the client sent it.
    Verbatim(Args<'a>),
    /// Another request that does the same without chance or clock.
    Rewrite(&'a [&'a [u8]]),
    /// Nothing of its own: another change of the same command states the effect of all.
    Covered,
}

/// The context of a command that reads.
pub struct Read<'a> {
    call: Call<'a>,
    /// The boxes in hand, ascending by shard number. One, unless shards meet.
    parts: &'a mut [Box<Shard>],
}

/// The context of a command that writes.
pub struct Write<'a> {
    read: Read<'a>,
    verbatim_stated: bool,
}

impl<'a> Deref for Write<'a> {
    type Target = Read<'a>;

    fn deref(&self) -> &Read<'a> {
        &self.read
    }
}

impl<'a> DerefMut for Write<'a> {
    fn deref_mut(&mut self) -> &mut Read<'a> {
        &mut self.read
    }
}

/// Position of a key's box among the boxes in hand.
fn place(parts: &[Box<Shard>], server: &Server, key: &[u8], hash: KeyHash) -> usize {
    if parts.len() == 1 {
        return 0;
    }
    let shard = server.shards.shard_of(&server.hasher, key, hash);
    let found = parts.binary_search_by_key(&shard, |part| part.number as usize);
    found.expect("the box of every key that a command names is in hand")
}

impl<'a> Read<'a> {
    /// A context over the boxes in hand.
    pub fn new(call: Call<'a>, parts: &'a mut [Box<Shard>]) -> Read<'a> {
        Read { call, parts }
    }

    /// The facts of the request.
    pub fn call(&self) -> &Call<'a> {
        &self.call
    }

    /// The configuration.
    pub fn config(&self) -> &'a Config {
        self.call.config
    }

    /// The server.
    pub fn server(&self) -> &'a Server {
        self.call.server
    }

    /// The client's logical database.
    pub fn db_index(&self) -> DbIndex {
        self.call.db
    }

    /// Milliseconds since the Unix epoch, constant while the command runs.
    pub fn now_ms(&self) -> i64 {
        self.parts[0].now_ms
    }

    /// The random source.
    pub fn rng(&mut self) -> &mut fastrand::Rng {
        &mut self.parts[0].rng
    }

    /// Number of shards.
    pub fn shard_count(&self) -> ShardCount {
        self.call.server.shards
    }

    /// The boxes in hand: for commands that work on the whole keyspace.
    pub fn parts(&self) -> &[Box<Shard>] {
        self.parts
    }

    /// The box of shard `number`, if it is in hand.
    pub fn part(&self, number: usize) -> Option<&Shard> {
        self.parts.iter().find(|part| part.number as usize == number).map(|part| &**part)
    }

    fn shard_mut(&mut self, key: &Key<'_>) -> &mut Shard {
        let place = place(self.parts, self.call.server, key.bytes, key.hash);
        &mut self.parts[place]
    }

    /// The entry of `key` in the client's database for a command that reads it: counts a hit or a
    /// miss and marks the access. An expired key is removed and not there.
    pub fn lookup(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        let mark = !self.call.no_touch;
        self.look(key, mark)
    }

    /// The entry of `key` in database `db` without counting it or marking an access. An expired
    /// key is removed and not there.
    pub fn peek_in(&mut self, db: DbIndex, key: &Key<'_>) -> Option<EntryRef<'_>> {
        let (place, found) = self.live(db, key);
        if !found {
            return None;
        }
        self.parts[place].dbs[db.0 as usize].get(key.bytes, key.hash)
    }

    /// [`Read::peek_in`] the client's database.
    pub fn peek(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        self.peek_in(self.call.db, key)
    }

    /// The string at `key`, `None` if there is none, or the wrong-type error.
    pub fn string(&mut self, key: &Key<'_>) -> Result<Option<ValueRef<'_>>, CommandError> {
        match self.lookup(key) {
            None => Ok(None),
            Some(entry) => string_of(entry).map(Some),
        }
    }

    /// Whether an entry's time is over.
    pub fn is_expired(&self, entry: EntryRef<'_>) -> bool {
        entry.expiry().is_some_and(|at| at <= self.now_ms())
    }

    /// As [`Read::lookup`], but no access: for commands that ask about a key, not for its value.
    pub fn lookup_unmarked(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        self.look(key, false)
    }

    /// As [`Read::lookup`], an access even under `CLIENT NO-TOUCH`: TOUCH.
    pub fn lookup_marked(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        self.look(key, true)
    }

    /// The logical database of this number, or Redis's out-of-range error.
    pub fn database(&self, number: i64) -> Result<DbIndex, CommandError> {
        let databases = self.parts[0].dbs.len();
        let known = usize::try_from(number).is_ok_and(|number| number < databases);
        if known { Ok(DbIndex(number as u16)) } else { Err(CommandError::DB_INDEX_OUT_OF_RANGE) }
    }

    /// The logical database that the argument at `at` names.
    pub fn database_argument(&self, args: Args<'_>, at: usize) -> Result<DbIndex, CommandError> {
        let number = args.integer(at)?;
        i32::try_from(number).map_err(|_| CommandError::NOT_AN_INT)?;
        self.database(number)
    }

    /// Counts a hit or a miss, and marks the access if `mark`.
    fn look(&mut self, key: &Key<'_>, mark: bool) -> Option<EntryRef<'_>> {
        let db = self.call.db;
        let policy = AccessPolicy::of(self.call.config);
        let (place, found) = self.live(db, key);
        let shard = &mut self.parts[place];
        if !found {
            shard.stats.misses += 1;
            return None;
        }
        shard.stats.hits += 1;
        let Shard { dbs, rng, now_ms, .. } = &mut **shard;
        let entry = dbs[db.0 as usize].get(key.bytes, key.hash)?;
        if mark {
            entry.set_access(access::touched(policy, entry.access(), *now_ms, rng));
        }
        Some(entry)
    }

    /// Finds the box of `key`, and whether the key lives there now; removes it if its time is over.
    fn live(&mut self, db: DbIndex, key: &Key<'_>) -> (usize, bool) {
        let place = place(self.parts, self.call.server, key.bytes, key.hash);
        let shard = &mut self.parts[place];
        let now_ms = shard.now_ms;
        let found = shard.dbs[db.0 as usize].get(key.bytes, key.hash);
        let Some(expiry) = found.map(EntryRef::expiry) else { return (place, false) };
        if expiry.is_none_or(|at| at > now_ms) {
            return (place, true);
        }
        expire(shard, db, key, self.call.config);
        (place, false)
    }
}

/// The value of a string entry, or the wrong-type error.
pub fn string_of(entry: EntryRef<'_>) -> Result<ValueRef<'_>, CommandError> {
    Ok(entry.value())
}

/// Removes a key whose time is over, with everything that hangs on it.
pub fn expire(shard: &mut Shard, db: DbIndex, key: &Key<'_>, config: &Config) {
    let Some(entry) = shard.dbs[db.0 as usize].remove(key.bytes, key.hash) else { return };
    shard.stats.expired += 1;
    removed_by_server(shard, db, key.bytes, entry, config.lazyfree_lazy_expire, Event::EXPIRED);
}

/// The change that the server itself makes when it expires or evicts a key.
pub fn removed_by_server(
    shard: &mut Shard,
    db: DbIndex,
    key: &[u8],
    entry: OwnedEntry,
    lazy: bool,
    event: Event,
) {
    let command: &[u8] = if lazy { b"UNLINK" } else { b"DEL" };
    if shard.effects.is_listening() {
        shard.effects.push(db.0, vec![command.to_vec(), key.to_vec()]);
    }
    signal(shard, db, key, event);
    shard.discard(entry, lazy);
}

/// The one place where "this key changed" is heard.
fn signal(shard: &mut Shard, db: DbIndex, key: &[u8], _event: Event) {
    if !shard.watch.is_empty() {
        let exists = shard.dbs[db.0 as usize].get(key, shard.hasher.hash(key)).is_some();
        shard.watch.touch(db, key, exists);
    }
}

impl<'a> Write<'a> {
    /// A context over the boxes in hand.
    pub fn new(call: Call<'a>, parts: &'a mut [Box<Shard>]) -> Write<'a> {
        Write { read: Read::new(call, parts), verbatim_stated: false }
    }

    /// States that `key` of the client's database changed: see [`Write::changed_in`].
    pub fn changed(&mut self, key: &Key<'_>, event: Event, effect: Effect<'_>) {
        self.changed_in(self.call.db, key, event, effect);
    }

    /// States that `key` of database `db` changed, and by which effect another keyspace would
    /// follow. Call once per changed key, after the change. A verbatim effect is recorded once
    /// per request, however many keys it changes.
    pub fn changed_in(&mut self, db: DbIndex, key: &Key<'_>, event: Event, effect: Effect<'_>) {
        let place = place(self.parts, self.call.server, key.bytes, key.hash);
        let shard = &mut self.read.parts[place];
        shard.stats.dirty += u64::from(!matches!(effect, Effect::Covered));
        signal(shard, db, key.bytes, event);
        let client_db = self.read.call.db;
        match effect {
            Effect::Verbatim(args) => self.state_verbatim(args),
            Effect::Rewrite(args) => self.state(client_db, args),
            Effect::Covered => {}
        }
    }

    /// Records the request itself as the effect, once.
    fn state_verbatim(&mut self, args: Args<'_>) {
        if self.verbatim_stated {
            return;
        }
        self.verbatim_stated = true;
        let db = self.call.db.0;
        let effects = &mut self.read.parts[0].effects;
        if effects.is_listening() {
            effects.push(db, args.iter().map(<[u8]>::to_vec).collect());
        }
    }

    /// Records a request in database `db` as an effect.
    pub fn state(&mut self, db: DbIndex, args: &[&[u8]]) {
        let effects = &mut self.read.parts[0].effects;
        if effects.is_listening() {
            effects.push(db.0, args.iter().map(|argument| argument.to_vec()).collect());
        }
    }

    /// The boxes in hand, to change: for commands that work on the whole keyspace and state
    /// their effect themselves.
    pub fn parts_mut(&mut self) -> &mut [Box<Shard>] {
        self.read.parts
    }

    /// Stores a value at `key` of database `db`, replacing what is there; `expiry` in ms of Unix
    /// time. The caller states the change.
    pub fn store_in(&mut self, db: DbIndex, key: &Key<'_>, value: Value<'_>, expiry: Option<i64>) {
        let policy = AccessPolicy::of(self.call.config);
        let lazy = self.call.config.lazyfree_lazy_server_del;
        let shard = self.shard_mut(key);
        let now_ms = shard.now_ms;
        let database: &mut Db = &mut shard.dbs[db.0 as usize];
        let replaced = database.insert(key.bytes, key.hash, value, expiry);
        if let Some(entry) = database.get(key.bytes, key.hash) {
            entry.set_access(access::created(policy, now_ms));
        }
        if let Previous::Replaced(old) = replaced {
            shard.discard(old, lazy);
        }
    }

    /// [`Write::store_in`] the client's database.
    pub fn store(&mut self, key: &Key<'_>, value: Value<'_>, expiry: Option<i64>) {
        self.store_in(self.call.db, key, value, expiry);
    }

    /// Sets or removes the expiry of `key` (ms of Unix time). The caller states the change.
    /// False if the key is not there.
    pub fn set_expiry(&mut self, key: &Key<'_>, expiry: Option<i64>) -> bool {
        let db = self.call.db.0 as usize;
        self.shard_mut(key).dbs[db].set_expiry(key.bytes, key.hash, expiry)
    }

    /// Takes the entry of `key` out of database `db`. The caller states the change.
    pub fn take_in(&mut self, db: DbIndex, key: &Key<'_>) -> Option<OwnedEntry> {
        let (place, found) = self.read.live(db, key);
        if !found {
            return None;
        }
        self.read.parts[place].dbs[db.0 as usize].remove(key.bytes, key.hash)
    }

    /// Removes `key` of database `db` and frees it, elsewhere if `lazy` and it is big. The caller
    /// states the change. False if it was not there.
    pub fn remove_in(&mut self, db: DbIndex, key: &Key<'_>, lazy: bool) -> bool {
        match self.take_in(db, key) {
            None => false,
            Some(entry) => {
                self.shard_mut(key).discard(entry, lazy);
                true
            }
        }
    }

    /// [`Write::remove_in`] the client's database.
    pub fn remove(&mut self, key: &Key<'_>, lazy: bool) -> bool {
        self.remove_in(self.call.db, key, lazy)
    }

    /// Database `db` of the shard of `key`, to change in place. The caller states the change.
    pub fn db_of(&mut self, db: DbIndex, key: &Key<'_>) -> &mut Db {
        &mut self.shard_mut(key).dbs[db.0 as usize]
    }

    /// Puts an entry under `key` of database `db`, with the value, expiry and access that it has;
    /// the key must not be there. The caller states the change.
    pub fn put_in(&mut self, db: DbIndex, key: &Key<'_>, entry: OwnedEntry) {
        self.db_of(db, key).insert_owned(key.bytes, key.hash, entry);
    }

    /// Records the request itself as an effect, once: for commands that change whole databases.
    pub fn state_request(&mut self, args: Args<'_>) {
        self.state_verbatim(args);
    }

    /// Puts `key` under watch for the client.
    pub fn watch(&mut self, key: &Key<'_>) {
        let (client, db) = (self.call.client, self.call.db);
        let shard = self.shard_mut(key);
        let now_ms = shard.now_ms;
        let entry = shard.dbs[db.0 as usize].get(key.bytes, key.hash);
        let was_expired = entry.and_then(EntryRef::expiry).is_some_and(|at| at <= now_ms);
        shard.watch.watch(client, db, key.bytes, was_expired);
    }

    /// Ends the client's watches in the boxes in hand.
    pub fn unwatch(&mut self) {
        let client = self.call.client;
        for part in self.parts_mut() {
            part.watch.unwatch(client);
        }
    }
}
