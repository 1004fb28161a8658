//! What a handler works with: the boxes in hand, the time, chance, and who asks.
//!
//! [`Read`] cannot change the keyspace (apart from what Redis's reads do as well: an expired key
//! is removed when it is met, and the access field moves). [`Write`] adds the mutators. Handlers
//! do not know how many boxes are in hand or who runs them: a key finds its box by its hash.
//!
//! Every change goes through [`Write::changed`]: watches, effects, the dirty counter and (with
//! them) notifications, tracking and blocked clients hang on that one call. Strings are read and
//! stored here; what is no string is reached by its type, in `object`. What waits says so in `block`.

mod block;
mod object;

use std::ops::{Deref, DerefMut};

pub use block::Block;
pub use object::{Edited, Fate, object_as};

use super::access::{self, AccessPolicy};
use super::args::Key;
use super::error::CommandError;
use super::{Args, Command};
use crate::config::Config;
use crate::keyspace::{
    ClientId, Db, DbIndex, Edit, EffectBuffer, EntryMut, EntryRef, Event, ExpiredFields, Found,
    KeyHash, Kind, OwnedEntry, Previous, Shard, ShardCount, Value, ValueRef, WaitTable, WatchTable,
    discard,
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

impl Call<'_> {
    /// Whether keys whose time is over stay where they are though nobody sees them: while clients
    /// are paused, unless it is a write that finds them, which needs their place.
    #[cold]
    fn keeps_expired(&self, now_ms: i64) -> bool {
        !self.command.is_write() && self.server.pause.current(|| now_ms).is_some()
    }
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
    /// What the command waits for, once it has said so.
    block: Option<Box<Block>>,
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
        Read { call, parts, block: None }
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
    /// miss and marks the access. An expired key is not there, and removed unless
    /// [kept](Read::keeps_expired).
    #[inline]
    pub fn lookup(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        self.find(self.call.db, key, Visit::Read).map(EntryMut::into_ref)
    }

    /// The entry of `key` in database `db` without counting it or marking an access. An expired
    /// key is not there, as for [`Read::lookup`].
    pub fn peek_in(&mut self, db: DbIndex, key: &Key<'_>) -> Option<EntryRef<'_>> {
        self.find(db, key, Visit::Peek).map(EntryMut::into_ref)
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

    /// Whether a look leaves keys whose time is over where they are (`CLIENT PAUSE`).
    pub fn keeps_expired(&self) -> bool {
        self.call.keeps_expired(self.now_ms())
    }

    /// As [`Read::lookup`], but no access: for commands that ask about a key, not for its value.
    pub fn lookup_unmarked(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        self.find(self.call.db, key, Visit::ReadUnmarked).map(EntryMut::into_ref)
    }

    /// As [`Read::lookup`], an access even under `CLIENT NO-TOUCH`: TOUCH.
    pub fn lookup_marked(&mut self, key: &Key<'_>) -> Option<EntryRef<'_>> {
        self.find(self.call.db, key, Visit::ReadMarked).map(EntryMut::into_ref)
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

    /// The entry of `key`, in one lookup. One whose time is over is not there, and is removed with
    /// everything that hangs on it unless [kept](Read::keeps_expired).
    #[inline]
    fn find(&mut self, db: DbIndex, key: &Key<'_>, visit: Visit) -> Option<EntryMut<'_>> {
        self.find_to_edit(db, key, visit).map(Edit::into_entry)
    }

    /// As [`Read::find`], with what it takes to change the entry's size or to remove it.
    #[inline]
    fn find_to_edit(&mut self, db: DbIndex, key: &Key<'_>, visit: Visit) -> Option<Edit<'_>> {
        let config = self.call.config;
        let (counts, marks) = match visit {
            Visit::Read => (1, !self.call.no_touch),
            Visit::ReadUnmarked => (1, false),
            Visit::ReadMarked => (1, true),
            Visit::Write => (0, !self.call.no_touch),
            Visit::Peek => (0, false),
        };
        let place = place(self.parts, self.call.server, key.bytes, key.hash);
        let (before, rest) = self.parts.split_at_mut(place);
        let Shard { dbs, stats, effects, watch, wait, reclaim, rng, now_ms, .. } = &mut *rest[0];
        match dbs[db.0 as usize].find_live(key.bytes, key.hash, *now_ms) {
            Found::Live(found) => {
                stats.hits += counts;
                if marks {
                    let access = found.get().access();
                    let policy = AccessPolicy::of(config);
                    found.get().set_access(access::touched(policy, access, *now_ms, rng));
                }
                Some(found)
            }
            Found::Nothing => {
                stats.misses += counts;
                None
            }
            Found::Expired(found) => {
                stats.misses += counts;
                if self.call.keeps_expired(*now_ms) {
                    return None;
                }
                stats.expired += 1;
                let (server, lazy) = (self.call.server, config.lazyfree_lazy_expire);
                let deleting = server.clock.ticks();
                discard(reclaim, found.remove(), lazy);
                let ns = server.clock.ns_between(deleting, server.clock.ticks());
                server.observe_event(config, "expire-del", ns);
                // The effects of all boxes in hand stand in the first one's buffer, in order.
                let effects = before.first_mut().map_or(effects, |first| &mut first.effects);
                note_removed(effects, (watch, wait), db, key.bytes, lazy, Event::EXPIRED);
                None
            }
        }
    }
}

/// What a lookup is for.
#[derive(Clone, Copy)]
enum Visit {
    /// To read: it counts as a hit or a miss, and marks the access unless `CLIENT NO-TOUCH` is on.
    Read,
    /// To ask about the key: it counts.
    ReadUnmarked,
    /// It counts, and marks the access in any case.
    ReadMarked,
    /// To write: it marks the access unless `CLIENT NO-TOUCH` is on.
    Write,
    /// Neither.
    Peek,
}

/// The value of a string entry, or the wrong-type error.
pub fn string_of(entry: EntryRef<'_>) -> Result<ValueRef<'_>, CommandError> {
    entry.string().ok_or(CommandError::WRONG_TYPE)
}

/// The change that the server itself makes when it expires or evicts a key.
pub fn removed_by_server(
    shard: &mut Shard,
    db: DbIndex,
    entry: OwnedEntry,
    lazy: bool,
    event: Event,
) {
    let Shard { effects, watch, wait, .. } = shard;
    note_removed(effects, (watch, wait), db, entry.key(), lazy, event);
    shard.discard(entry, lazy);
}

/// States that the server itself took fields out of a hash since their time was over.
pub fn fields_expired(shard: &mut Shard, db: DbIndex, expired: ExpiredFields) {
    const HEXPIRED: Event = Event::hash("hexpired");
    let ExpiredFields { key, fields, spent } = expired;
    if fields.is_empty() {
        return;
    }
    shard.stats.expired_fields += fields.len() as u64;
    signal((&mut shard.watch, &mut shard.wait), db, &key, HEXPIRED, || spent.is_none());
    if spent.is_some() {
        signal((&mut shard.watch, &mut shard.wait), db, &key, Event::DEL, || false);
    }
    if shard.effects.is_listening() {
        let effect = [b"HDEL".to_vec(), key].into_iter().chain(fields);
        shard.effects.push(db.0, effect.collect());
    }
}

/// States that the server itself removed a key.
fn note_removed(
    effects: &mut EffectBuffer,
    listeners: Listeners<'_>,
    db: DbIndex,
    key: &[u8],
    lazy: bool,
    event: Event,
) {
    let command: &[u8] = if lazy { b"UNLINK" } else { b"DEL" };
    if effects.is_listening() {
        effects.push(db.0, vec![command.to_vec(), key.to_vec()]);
    }
    signal(listeners, db, key, event, || false);
}

/// Who hears of changes in a shard: those who watch a key, and those who wait for one.
type Listeners<'a> = (&'a mut WatchTable, &'a mut WaitTable);

/// The one place where "this key changed" is heard. `exists` tells whether it is there now.
fn signal(
    (watch, wait): Listeners<'_>,
    db: DbIndex,
    key: &[u8],
    event: Event,
    exists: impl FnOnce() -> bool,
) {
    if !watch.is_empty() {
        watch.touch(db, key, exists());
    }
    if !wait.is_empty() {
        wait.touch(db, key, event);
    }
}

/// Whether the removal of a key has an effect of its own.
#[derive(Clone, Copy)]
enum Removal {
    /// It has.
    Stated,
    /// The effect of what is stored in its place does as well.
    Implied,
}

/// What becomes of a key's expiry when its value is replaced.
#[derive(Clone, Copy)]
enum Lifetime {
    /// It stays.
    Kept,
    /// It is this one, in milliseconds of Unix time.
    Set(Option<i64>),
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
        let exists = || shard.dbs[db.0 as usize].get(key.bytes, key.hash).is_some();
        signal((&mut shard.watch, &mut shard.wait), db, key.bytes, event, exists);
        let client_db = self.read.call.db;
        match effect {
            Effect::Verbatim(args) => self.state_verbatim(args),
            Effect::Rewrite(args) => self.state(client_db, args),
            Effect::Covered => {}
        }
    }

    /// States a change that is none of the key's value in Redis's eyes: WATCH and client tracking
    /// do not see it, but it has an effect, and an event if it is given one, which those hear who
    /// wait for the key. That is what happens
    /// to the consumer groups of a stream.
    pub fn noted(&mut self, key: &Key<'_>, event: Option<Event>, effect: Effect<'_>) {
        let client_db = self.read.call.db;
        let shard = self.read.shard_mut(key);
        shard.stats.dirty += u64::from(!matches!(effect, Effect::Covered));
        if let Some(event) = event
            && !shard.wait.is_empty()
        {
            shard.wait.touch(client_db, key.bytes, event);
        }
        match effect {
            Effect::Verbatim(args) => self.state_verbatim(args),
            Effect::Rewrite(args) => self.state(client_db, args),
            Effect::Covered => {}
        }
    }

    /// What `run` states stands or falls together in the journal, as what a transaction states does
    /// anyway: for a command of several effects.
    pub fn together<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> R {
        let is_unit = self.is_recorded() && !self.call.in_transaction;
        if is_unit {
            self.read.parts[0].effects.begin_unit();
        }
        let result = run(self);
        if is_unit {
            self.read.parts[0].effects.end_unit();
        }
        result
    }

    /// Whether effects are recorded at all; if not, none need be made.
    pub fn is_recorded(&self) -> bool {
        self.read.parts[0].effects.is_listening()
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
        self.put(db, key, value, Lifetime::Set(expiry));
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
        self.peek_in(db, key)?;
        self.shard_mut(key).dbs[db.0 as usize].remove(key.bytes, key.hash)
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

    /// The entry of `key` in the client's database for a command that changes it: marks the
    /// access, counts nothing. An expired key is removed and not there.
    #[inline]
    pub fn seek(&mut self, key: &Key<'_>) -> Option<EntryMut<'_>> {
        let db = self.call.db;
        self.find(db, key, Visit::Write)
    }

    /// As [`Write::store`], keeping the expiry that the key has.
    pub fn store_keeping_expiry(&mut self, key: &Key<'_>, value: Value<'_>) {
        self.put(self.call.db, key, value, Lifetime::Kept);
    }

    fn put(&mut self, db: DbIndex, key: &Key<'_>, value: Value<'_>, lifetime: Lifetime) {
        let config = self.call.config;
        let policy = AccessPolicy::of(config);
        let shard = self.shard_mut(key);
        let Shard { dbs, rng, now_ms, .. } = shard;
        let mut was_expired = false;
        let database = &mut dbs[db.0 as usize];
        let previous = database.insert_with(key.bytes, key.hash, value, |old| {
            was_expired = old.and_then(EntryRef::expiry).is_some_and(|at| at <= *now_ms);
            let live = old.filter(|_| !was_expired);
            let expiry = match lifetime {
                Lifetime::Kept => live.and_then(EntryRef::expiry),
                Lifetime::Set(expiry) => expiry,
            };
            let access = live.map_or_else(
                || access::created(policy, *now_ms),
                |old| access::touched(policy, old.access(), *now_ms, rng),
            );
            (expiry, access)
        });
        if let Previous::Replaced(old) = previous {
            shard.discard(old, config.lazyfree_lazy_server_del);
        }
        if was_expired {
            // What stores a value without regard to the old one needs no removal before it, and
            // one stated now would come after the effect of an earlier key of the same request.
            let keeps = matches!(lifetime, Lifetime::Kept);
            self.note_expired(db, key, if keeps { Removal::Stated } else { Removal::Implied });
        }
    }

    /// Changes the string at `key` of the client's database where it is, or creates it: it is made
    /// `len` bytes long if it is shorter, with zeros, then `edit` gets all of it. The caller has
    /// looked the key up, and states the change.
    pub fn edit_string(&mut self, key: &Key<'_>, len: usize, edit: impl FnOnce(&mut [u8])) {
        let policy = AccessPolicy::of(self.call.config);
        let db = self.call.db.0 as usize;
        let Shard { dbs, now_ms, .. } = self.shard_mut(key);
        let known = dbs[db].len();
        dbs[db].edit_string(key.bytes, key.hash, len, edit);
        if dbs[db].len() > known
            && let Some(entry) = dbs[db].get(key.bytes, key.hash)
        {
            entry.set_access(access::created(policy, *now_ms));
        }
    }

    /// Marks the string at `key` of the client's database as changed in place, as
    /// [`Write::edit_string`] does.
    pub fn mark_raw(&mut self, key: &Key<'_>) {
        let short = self.peek(key).filter(|entry| !entry.is_raw() && entry.kind() != Kind::Shared);
        if short.is_some() {
            self.edit_string(key, 0, |_| {});
        }
    }

    /// Removes `key` of the client's database as expired: a command gave it an expiry in the past.
    /// States the change. False if it was not there.
    pub fn expire_now(&mut self, key: &Key<'_>) -> bool {
        let db = self.call.db;
        let lazy = self.call.config.lazyfree_lazy_expire;
        let removed = self.remove(key, lazy);
        if removed {
            self.note_expired(db, key, Removal::Stated);
        }
        removed
    }

    /// Counts fields of the hash at `key` that a command gave an expiry in the past.
    pub fn count_expired_fields(&mut self, key: &Key<'_>, fields: usize) {
        let place = place(self.parts, self.call.server, key.bytes, key.hash);
        self.read.parts[place].stats.expired_fields += fields as u64;
    }

    /// Takes note that a key was removed since its time was over.
    fn note_expired(&mut self, db: DbIndex, key: &Key<'_>, removal: Removal) {
        let lazy = self.call.config.lazyfree_lazy_expire;
        let place = place(self.parts, self.call.server, key.bytes, key.hash);
        let (before, rest) = self.read.parts.split_at_mut(place);
        let Shard { effects, watch, wait, stats, .. } = &mut *rest[0];
        stats.expired += 1;
        match removal {
            Removal::Stated => {
                let effects = before.first_mut().map_or(effects, |first| &mut first.effects);
                note_removed(effects, (watch, wait), db, key.bytes, lazy, Event::EXPIRED);
            }
            Removal::Implied => signal((watch, wait), db, key.bytes, Event::EXPIRED, || false),
        }
    }
}
