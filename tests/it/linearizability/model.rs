//! The sequential model: what one single-threaded Redis answers and how its keyspace changes.
//!
//! Small on purpose: string values, lists of them, two databases, WATCH. [`State::run`] is the whole meaning of a
//! command; the checker asks it what a reply must be, the faulty server of `faulty` uses it to
//! answer. A state is compared and hashed as a value, so nothing in it may depend on how it was
//! reached. Knows no socket, no thread and no history.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::client::{Reply, escape};

/// A key or a value.
pub type Bytes = Arc<[u8]>;
/// Number of a logical database.
pub type Db = u16;
/// Number of a client within its history.
pub type ClientId = u16;

/// Databases 0 and 1 are the ones that [`Cmd::SwapDb`] exchanges.
pub const DATABASES: Db = 2;

/// Makes a key or value from text.
pub fn bytes(text: impl AsRef<[u8]>) -> Bytes {
    Bytes::from(text.as_ref())
}

/// One command that touches data.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Cmd {
    /// GET
    Get(Bytes),
    /// STRLEN
    Strlen(Bytes),
    /// EXISTS of several keys; one that is named twice counts twice
    Exists(Vec<Bytes>),
    /// MGET
    MGet(Vec<Bytes>),
    /// DBSIZE
    DbSize,
    /// KEYS *
    Keys,
    /// SET
    Set(Bytes, Bytes),
    /// SETNX
    SetNx(Bytes, Bytes),
    /// GETSET
    GetSet(Bytes, Bytes),
    /// GETDEL
    GetDel(Bytes),
    /// APPEND
    Append(Bytes, Bytes),
    /// INCRBY (negative: DECRBY)
    IncrBy(Bytes, i64),
    /// DEL
    Del(Vec<Bytes>),
    /// UNLINK
    Unlink(Vec<Bytes>),
    /// MSET
    MSet(Vec<(Bytes, Bytes)>),
    /// MSETNX
    MSetNx(Vec<(Bytes, Bytes)>),
    /// RENAME
    Rename(Bytes, Bytes),
    /// RENAMENX
    RenameNx(Bytes, Bytes),
    /// COPY, with REPLACE if the flag is set
    Copy(Bytes, Bytes, Replace),
    /// FLUSHDB
    FlushDb,
    /// FLUSHALL
    FlushAll,
    /// SWAPDB 0 1
    SwapDb,
    /// RPUSH
    RPush(Bytes, Vec<Bytes>),
    /// LPOP
    LPop(Bytes),
    /// LRANGE of the whole list
    LRange(Bytes),
    /// BLPOP, with a short timeout
    BLPop(Vec<Bytes>),
    /// BLMOVE from the head to the tail, with a short timeout
    BLMove(Bytes, Bytes),
}

/// Seconds for which a client of a history waits.
const TIMEOUT: &str = "0.015";
/// Between the elements of a list in its cell: no element has it.
const SEPARATOR: u8 = b',';

/// Whether COPY may overwrite its destination.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Replace {
    /// An existing destination stays.
    No,
    /// An existing destination is overwritten.
    Yes,
}

/// What takes effect at one point in time.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// A command on its own.
    Run(Cmd),
    /// WATCH
    Watch(Vec<Bytes>),
    /// UNWATCH (also DISCARD)
    Unwatch,
    /// EXEC of these queued commands
    Exec(Vec<Cmd>),
}

impl Cmd {
    /// The request as a client sends it.
    pub fn args(&self) -> Vec<Bytes> {
        let list = |name: &str, keys: &[Bytes]| {
            let mut args = vec![bytes(name)];
            args.extend_from_slice(keys);
            args
        };
        let pairs = |name: &str, pairs: &[(Bytes, Bytes)]| {
            let mut args = vec![bytes(name)];
            args.extend(pairs.iter().flat_map(|(k, v)| [k.clone(), v.clone()]));
            args
        };
        match self {
            Self::Get(k) => vec![bytes("GET"), k.clone()],
            Self::Strlen(k) => vec![bytes("STRLEN"), k.clone()],
            Self::Exists(keys) => list("EXISTS", keys),
            Self::MGet(keys) => list("MGET", keys),
            Self::DbSize => vec![bytes("DBSIZE")],
            Self::Keys => vec![bytes("KEYS"), bytes("*")],
            Self::Set(k, v) => vec![bytes("SET"), k.clone(), v.clone()],
            Self::SetNx(k, v) => vec![bytes("SETNX"), k.clone(), v.clone()],
            Self::GetSet(k, v) => vec![bytes("GETSET"), k.clone(), v.clone()],
            Self::GetDel(k) => vec![bytes("GETDEL"), k.clone()],
            Self::Append(k, v) => vec![bytes("APPEND"), k.clone(), v.clone()],
            Self::IncrBy(k, 1) => vec![bytes("INCR"), k.clone()],
            Self::IncrBy(k, n) if *n < 0 => {
                vec![bytes("DECRBY"), k.clone(), bytes(n.unsigned_abs().to_string())]
            }
            Self::IncrBy(k, n) => vec![bytes("INCRBY"), k.clone(), bytes(n.to_string())],
            Self::Del(keys) => list("DEL", keys),
            Self::Unlink(keys) => list("UNLINK", keys),
            Self::MSet(p) => pairs("MSET", p),
            Self::MSetNx(p) => pairs("MSETNX", p),
            Self::Rename(a, b) => vec![bytes("RENAME"), a.clone(), b.clone()],
            Self::RenameNx(a, b) => vec![bytes("RENAMENX"), a.clone(), b.clone()],
            Self::Copy(a, b, Replace::No) => vec![bytes("COPY"), a.clone(), b.clone()],
            Self::Copy(a, b, Replace::Yes) => {
                vec![bytes("COPY"), a.clone(), b.clone(), bytes("REPLACE")]
            }
            Self::FlushDb => vec![bytes("FLUSHDB")],
            Self::FlushAll => vec![bytes("FLUSHALL")],
            Self::SwapDb => vec![bytes("SWAPDB"), bytes("0"), bytes("1")],
            Self::RPush(k, elements) => [&[bytes("RPUSH"), k.clone()], &elements[..]].concat(),
            Self::LPop(k) => vec![bytes("LPOP"), k.clone()],
            Self::LRange(k) => vec![bytes("LRANGE"), k.clone(), bytes("0"), bytes("-1")],
            Self::BLPop(keys) => [list("BLPOP", keys), vec![bytes(TIMEOUT)]].concat(),
            Self::BLMove(a, b) => {
                let words = ["LEFT", "RIGHT", TIMEOUT].map(bytes);
                [&[bytes("BLMOVE"), a.clone(), b.clone()], &words[..]].concat()
            }
        }
    }

    /// The keys that it names; `None` for a command that concerns every key.
    pub fn keys(&self) -> Option<Vec<Bytes>> {
        Some(match self {
            Self::Get(k) | Self::Strlen(k) | Self::GetDel(k) | Self::IncrBy(k, _) => {
                vec![k.clone()]
            }
            Self::Set(k, _) | Self::SetNx(k, _) | Self::GetSet(k, _) | Self::Append(k, _) => {
                vec![k.clone()]
            }
            Self::Exists(keys) | Self::MGet(keys) | Self::Del(keys) | Self::Unlink(keys) => {
                keys.clone()
            }
            Self::MSet(p) | Self::MSetNx(p) => p.iter().map(|(k, _)| k.clone()).collect(),
            Self::Rename(a, b) | Self::RenameNx(a, b) | Self::Copy(a, b, _) => {
                vec![a.clone(), b.clone()]
            }
            Self::RPush(k, _) | Self::LPop(k) | Self::LRange(k) => vec![k.clone()],
            Self::BLPop(keys) => keys.clone(),
            Self::BLMove(a, b) => vec![a.clone(), b.clone()],
            Self::DbSize | Self::Keys | Self::FlushDb | Self::FlushAll | Self::SwapDb => {
                return None;
            }
        })
    }

    /// Whether it never changes anything.
    pub fn is_read(&self) -> bool {
        matches!(
            self,
            Self::Get(_)
                | Self::Strlen(_)
                | Self::Exists(_)
                | Self::MGet(_)
                | Self::DbSize
                | Self::Keys
                | Self::LRange(_)
        )
    }

    /// Whether the command, **having answered this**, cannot have changed anything, whatever the
    /// state was: then it may be placed as early as its call allows.
    pub fn changed_nothing(&self, reply: &Reply) -> bool {
        match self {
            cmd if cmd.is_read() => true,
            Self::SetNx(..) | Self::MSetNx(_) | Self::Copy(..) => *reply == Reply::Int(0),
            Self::RenameNx(..) => *reply == Reply::Int(0) || reply.is_error(),
            Self::Del(_) | Self::Unlink(_) => *reply == Reply::Int(0),
            Self::GetDel(_) | Self::LPop(_) | Self::BLPop(_) => reply.is_null(),
            // A list of one element may be moved onto itself, and that counts as a change.
            Self::BLMove(..) => reply.is_null(),
            Self::Rename(..) | Self::IncrBy(..) => reply.is_error(),
            _ => false,
        }
    }

    /// The reply in the one form in which it is compared: the order of KEYS means nothing, nor
    /// does it which null says that there was nothing to move, in EXEC and after a wait.
    pub fn tidy(&self, reply: Reply) -> Reply {
        match (self, reply) {
            (Self::BLMove(..), reply) if reply.is_null() => Reply::NullArray,
            (Self::Keys, Reply::Array(mut keys)) => {
                keys.sort();
                Reply::Array(keys)
            }
            (_, reply) => reply,
        }
    }
}

impl Action {
    /// The reply in the one form in which it is compared.
    pub fn tidy(&self, reply: Reply) -> Reply {
        match (self, reply) {
            (Self::Run(cmd), reply) => cmd.tidy(reply),
            (Self::Exec(cmds), Reply::Array(replies)) if cmds.len() == replies.len() => {
                Reply::Array(cmds.iter().zip(replies).map(|(c, r)| c.tidy(r)).collect())
            }
            (_, reply) => reply,
        }
    }
}

impl fmt::Debug for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.args().iter().map(|a| escape(a)).collect();
        write!(f, "{}", words.join(" "))
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(cmd) => write!(f, "{cmd:?}"),
            Self::Watch(keys) => {
                let keys: Vec<String> = keys.iter().map(|k| escape(k)).collect();
                write!(f, "WATCH {}", keys.join(" "))
            }
            Self::Unwatch => write!(f, "UNWATCH"),
            Self::Exec(cmds) => {
                let cmds: Vec<String> = cmds.iter().map(|c| format!("{c:?}")).collect();
                write!(f, "EXEC [{}]", cmds.join("; "))
            }
        }
    }
}

/// What a client watches, and whether any of it has changed since: then no key matters any more,
/// and none is kept.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
struct Watch {
    keys: BTreeSet<(Db, Bytes)>,
    dirty: bool,
}

/// Every database and every watch.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct State {
    cells: BTreeMap<(Db, Bytes), Bytes>,
    /// Only clients that watch something.
    watches: BTreeMap<ClientId, Watch>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<String> = self
            .cells
            .iter()
            .map(|((db, k), v)| format!("{db}:{}={}", escape(k), escape(v)))
            .collect();
        write!(f, "{{{}}}", cells.join(", "))?;
        for (client, watch) in &self.watches {
            let keys: Vec<String> = watch.keys.iter().map(|(_, k)| escape(k)).collect();
            let dirty = if watch.dirty { ", changed" } else { "" };
            write!(f, " c{client} watches {}{dirty}", keys.join(" "))?;
        }
        Ok(())
    }
}

const NO_SUCH_KEY: &str = "ERR no such key";
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
const OVERFLOW: &str = "ERR increment or decrement would overflow";
const SAME_OBJECT: &str = "ERR source and destination objects are the same";

impl State {
    /// The value of a key.
    pub fn get(&self, db: Db, key: &Bytes) -> Option<&Bytes> {
        self.cells.get(&(db, key.clone()))
    }

    /// Every key of a database.
    pub fn keys(&self, db: Db) -> Vec<Bytes> {
        self.cells.keys().filter(|(d, _)| *d == db).map(|(_, k)| k.clone()).collect()
    }

    /// Sets a key, as a change that watchers see.
    pub fn put(&mut self, db: Db, key: &Bytes, value: Bytes) {
        self.cells.insert((db, key.clone()), value);
        self.touch(db, key);
    }

    /// Removes a key, as a change that watchers see; gives what was there.
    pub fn remove(&mut self, db: Db, key: &Bytes) -> Option<Bytes> {
        let old = self.cells.remove(&(db, key.clone()));
        if old.is_some() {
            self.touch(db, key);
        }
        old
    }

    /// Whether this client watches anything.
    pub fn watches(&self, client: ClientId) -> bool {
        self.watches.contains_key(&client)
    }

    /// The clients whose next EXEC will be aborted.
    pub fn doomed(&self) -> impl Iterator<Item = ClientId> {
        self.watches.iter().filter(|(_, watch)| watch.dirty).map(|(&client, _)| client)
    }

    fn touch(&mut self, db: Db, key: &Bytes) {
        if self.watches.is_empty() {
            return;
        }
        let cell = (db, key.clone());
        for watch in self.watches.values_mut() {
            if watch.keys.contains(&cell) {
                *watch = Watch { keys: BTreeSet::new(), dirty: true };
            }
        }
    }

    /// Performs an action and gives its reply.
    pub fn act(&mut self, client: ClientId, db: Db, action: &Action) -> Reply {
        match action {
            Action::Run(cmd) => self.run(db, cmd),
            Action::Watch(keys) => {
                let watch = self.watches.entry(client).or_default();
                if !watch.dirty {
                    watch.keys.extend(keys.iter().map(|k| (db, k.clone())));
                }
                Reply::ok()
            }
            Action::Unwatch => {
                self.watches.remove(&client);
                Reply::ok()
            }
            Action::Exec(cmds) => {
                if self.watches.remove(&client).is_some_and(|watch| watch.dirty) {
                    return Reply::NullArray;
                }
                Reply::Array(cmds.iter().map(|cmd| self.run(db, cmd)).collect())
            }
        }
    }

    /// Runs a command and gives its reply.
    pub fn run(&mut self, db: Db, cmd: &Cmd) -> Reply {
        match cmd {
            Cmd::Get(k) => self.reply_of(db, k),
            Cmd::Strlen(k) => count(self.get(db, k).map_or(0, |v| v.len())),
            Cmd::Exists(keys) => count(keys.iter().filter(|k| self.get(db, k).is_some()).count()),
            Cmd::MGet(keys) => Reply::Array(keys.iter().map(|k| self.reply_of(db, k)).collect()),
            Cmd::DbSize => count(self.keys(db).len()),
            Cmd::Keys => Reply::Array(self.keys(db).iter().map(Reply::bulk).collect()),
            Cmd::Set(k, v) => {
                self.put(db, k, v.clone());
                Reply::ok()
            }
            Cmd::SetNx(k, v) => self.set_all_absent(db, &[(k.clone(), v.clone())]),
            Cmd::GetSet(k, v) => {
                let old = self.reply_of(db, k);
                self.put(db, k, v.clone());
                old
            }
            Cmd::GetDel(k) => {
                let old = self.reply_of(db, k);
                self.remove(db, k);
                old
            }
            Cmd::Append(k, v) => {
                let mut text = self.get(db, k).map_or_else(Vec::new, |old| old.to_vec());
                text.extend_from_slice(v);
                let len = text.len();
                self.put(db, k, text.into());
                count(len)
            }
            Cmd::IncrBy(k, by) => self.incr(db, k, *by),
            Cmd::Del(keys) | Cmd::Unlink(keys) => {
                count(keys.iter().filter(|k| self.remove(db, k).is_some()).count())
            }
            Cmd::MSet(pairs) => {
                for (k, v) in pairs {
                    self.put(db, k, v.clone());
                }
                Reply::ok()
            }
            Cmd::MSetNx(pairs) => self.set_all_absent(db, pairs),
            Cmd::Rename(a, b) => self.rename(db, a, b),
            Cmd::RenameNx(a, b) => self.rename_absent(db, a, b),
            Cmd::Copy(a, b, replace) => self.copy(db, a, b, *replace),
            Cmd::FlushDb => {
                self.flush(db);
                Reply::ok()
            }
            Cmd::FlushAll => {
                (0..DATABASES).for_each(|db| self.flush(db));
                Reply::ok()
            }
            Cmd::SwapDb => {
                self.swap();
                Reply::ok()
            }
            Cmd::RPush(k, elements) => count(self.push(db, k, elements)),
            Cmd::LPop(k) => self.pop(db, k).map_or(Reply::NullBulk, Reply::Bulk),
            Cmd::LRange(k) => Reply::Array(self.list(db, k).map(Reply::bulk).collect()),
            Cmd::BLPop(keys) => {
                let first = keys.iter().find(|k| self.get(db, k).is_some());
                let popped = first.and_then(|k| Some((k, self.pop(db, k)?)));
                popped.map_or(Reply::NullArray, |(k, element)| {
                    Reply::Array(vec![Reply::bulk(k), Reply::Bulk(element)])
                })
            }
            Cmd::BLMove(a, b) => match self.pop(db, a) {
                Some(element) => {
                    self.push(db, b, &[bytes(&element)]);
                    Reply::Bulk(element)
                }
                None => Reply::NullArray,
            },
        }
    }

    /// The elements of a list.
    fn list(&self, db: Db, key: &Bytes) -> impl Iterator<Item = &[u8]> {
        self.get(db, key).into_iter().flat_map(|cell| cell.split(|&byte| byte == SEPARATOR))
    }

    /// Adds to the end of a list; how long it is then.
    fn push(&mut self, db: Db, key: &Bytes, elements: &[Bytes]) -> usize {
        let all: Vec<&[u8]> = self.list(db, key).chain(elements.iter().map(|e| &e[..])).collect();
        let (len, cell) = (all.len(), all.join(&SEPARATOR));
        self.put(db, key, cell.into());
        len
    }

    /// Takes the first element of a list.
    fn pop(&mut self, db: Db, key: &Bytes) -> Option<Vec<u8>> {
        let cell = self.get(db, key)?;
        let mut parts = cell.splitn(2, |&byte| byte == SEPARATOR);
        let first = parts.next()?.to_vec();
        match parts.next().map(bytes) {
            Some(rest) => self.put(db, key, rest),
            None => drop(self.remove(db, key)),
        }
        Some(first)
    }

    fn reply_of(&self, db: Db, key: &Bytes) -> Reply {
        self.get(db, key).map_or(Reply::NullBulk, Reply::bulk)
    }

    fn incr(&mut self, db: Db, key: &Bytes, by: i64) -> Reply {
        let old = match self.get(db, key) {
            None => Some(0),
            Some(v) => integer(v),
        };
        let Some(old) = old else { return Reply::error(NOT_AN_INTEGER) };
        let Some(new) = old.checked_add(by) else { return Reply::error(OVERFLOW) };
        self.put(db, key, bytes(new.to_string()));
        Reply::Int(new)
    }

    fn set_all_absent(&mut self, db: Db, pairs: &[(Bytes, Bytes)]) -> Reply {
        if pairs.iter().any(|(k, _)| self.get(db, k).is_some()) {
            return Reply::Int(0);
        }
        for (k, v) in pairs {
            self.put(db, k, v.clone());
        }
        Reply::Int(1)
    }

    fn rename(&mut self, db: Db, from: &Bytes, to: &Bytes) -> Reply {
        if self.get(db, from).is_none() {
            return Reply::error(NO_SUCH_KEY);
        }
        // Onto itself it changes nothing, and no watcher sees it.
        if from != to
            && let Some(value) = self.remove(db, from)
        {
            self.put(db, to, value);
        }
        Reply::ok()
    }

    fn rename_absent(&mut self, db: Db, from: &Bytes, to: &Bytes) -> Reply {
        if self.get(db, from).is_none() {
            return Reply::error(NO_SUCH_KEY);
        }
        if self.get(db, to).is_some() {
            return Reply::Int(0);
        }
        self.rename(db, from, to);
        Reply::Int(1)
    }

    fn copy(&mut self, db: Db, from: &Bytes, to: &Bytes, replace: Replace) -> Reply {
        if from == to {
            return Reply::error(SAME_OBJECT);
        }
        let Some(value) = self.get(db, from).cloned() else { return Reply::Int(0) };
        if replace == Replace::No && self.get(db, to).is_some() {
            return Reply::Int(0);
        }
        self.put(db, to, value);
        Reply::Int(1)
    }

    fn flush(&mut self, db: Db) {
        for key in self.keys(db) {
            self.remove(db, &key);
        }
    }

    /// SWAPDB 0 1: a watched key counts as changed if it exists on either side.
    fn swap(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        for (_, key) in cells.keys() {
            self.touch(0, key);
            self.touch(1, key);
        }
        self.cells = cells.into_iter().map(|((db, key), v)| ((1 - db, key), v)).collect();
    }
}

fn count(n: usize) -> Reply {
    Reply::Int(i64::try_from(n).expect("a count of a small model"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Bytes {
        bytes(name)
    }

    #[test]
    fn a_write_of_anyone_aborts_a_watching_exec() {
        let mut state = State::default();
        let set = Action::Run(Cmd::Set(key("k"), bytes("1")));
        let exec = Action::Exec(vec![Cmd::Get(key("k"))]);
        for writer in [0, 1] {
            state.act(0, 0, &Action::Watch(vec![key("k")]));
            state.act(writer, 0, &set);
            assert_eq!(state.act(0, 0, &exec), Reply::NullArray);
            assert!(!state.watches(0));
        }
        state.act(0, 0, &Action::Watch(vec![key("k")]));
        // The other database's key of that name is a different key.
        state.act(1, 1, &set);
        assert_eq!(state.act(0, 0, &exec), Reply::Array(vec![Reply::bulk("1")]));
    }

    #[test]
    fn swapdb_exchanges_and_touches_keys_of_either_side() {
        let mut state = State::default();
        state.run(0, &Cmd::Set(key("a"), bytes("1")));
        state.act(3, 1, &Action::Watch(vec![key("a")]));
        state.act(4, 0, &Action::Watch(vec![key("b")]));
        state.run(0, &Cmd::SwapDb);
        assert_eq!(state.run(1, &Cmd::Get(key("a"))), Reply::bulk("1"));
        assert_eq!(state.run(0, &Cmd::Get(key("a"))), Reply::NullBulk);
        assert_eq!(state.act(3, 1, &Action::Exec(vec![])), Reply::NullArray);
        assert_eq!(state.act(4, 0, &Action::Exec(vec![])), Reply::Array(vec![]));
    }

    #[test]
    fn lists_are_pushed_popped_and_moved() {
        let mut state = State::default();
        let (a, b) = (key("a"), key("b"));
        let push =
            |k: &Bytes, texts: &[&str]| Cmd::RPush(k.clone(), texts.iter().map(bytes).collect());
        let popped = |k: &str, text: &str| Reply::Array(vec![Reply::bulk(k), Reply::bulk(text)]);
        let wait = Cmd::BLPop(vec![b.clone(), a.clone()]);
        assert_eq!(state.run(0, &wait), Reply::NullArray);
        assert_eq!(state.run(0, &push(&a, &["1", "2"])), Reply::Int(2));
        assert_eq!(state.run(0, &push(&a, &["3"])), Reply::Int(3));
        assert_eq!(state.run(0, &wait), popped("a", "1"));
        assert_eq!(state.run(0, &Cmd::BLMove(a.clone(), b.clone())), Reply::bulk("2"));
        assert_eq!(state.run(0, &wait), popped("b", "2"));
        assert_eq!(state.run(0, &Cmd::LRange(a.clone())), Reply::Array(vec![Reply::bulk("3")]));
        assert_eq!(state.run(0, &Cmd::LPop(a.clone())), Reply::bulk("3"));
        assert_eq!(state.run(0, &Cmd::LPop(a.clone())), Reply::NullBulk);
        assert_eq!(state.run(0, &Cmd::BLMove(a, b)), Reply::NullArray);
        assert_eq!(state, State::default());
    }

    #[test]
    fn what_changed_nothing_changed_nothing() {
        let all = |k: &str, other: &str| {
            let (k, o, v) = (key(k), key(other), bytes("7"));
            vec![
                Cmd::Get(k.clone()),
                Cmd::Strlen(k.clone()),
                Cmd::Exists(vec![k.clone(), k.clone()]),
                Cmd::MGet(vec![k.clone(), o.clone()]),
                Cmd::DbSize,
                Cmd::Keys,
                Cmd::SetNx(k.clone(), v.clone()),
                Cmd::MSetNx(vec![(k.clone(), v.clone()), (o.clone(), v.clone())]),
                Cmd::GetDel(k.clone()),
                Cmd::IncrBy(k.clone(), 3),
                Cmd::Del(vec![k.clone(), o.clone()]),
                Cmd::Unlink(vec![k.clone()]),
                Cmd::Rename(k.clone(), o.clone()),
                Cmd::RenameNx(k.clone(), o.clone()),
                Cmd::Copy(k.clone(), o.clone(), Replace::No),
                Cmd::Copy(k.clone(), o.clone(), Replace::Yes),
                Cmd::RPush(k.clone(), vec![v.clone()]),
                Cmd::LPop(k.clone()),
                Cmd::LRange(k.clone()),
                Cmd::BLPop(vec![k.clone(), o.clone()]),
                Cmd::BLMove(k.clone(), o.clone()),
            ]
        };
        let mut full = State::default();
        full.run(0, &Cmd::MSet(vec![(key("a"), bytes("text")), (key("b"), bytes("5"))]));
        for start in [State::default(), full] {
            for cmd in [all("a", "b"), all("b", "c"), all("c", "a")].concat() {
                let mut state = start.clone();
                let reply = state.run(0, &cmd);
                if cmd.changed_nothing(&reply) {
                    assert_eq!(state, start, "{cmd:?} answered {reply}");
                } else {
                    assert_ne!(state, start, "{cmd:?} answered {reply}");
                }
            }
        }
    }
}

/// A value as the integer that it is the canonical form of: `007` and `+7` are no integers to a
/// server (`0` and then APPEND `100` makes such a value).
fn integer(value: &[u8]) -> Option<i64> {
    let number: i64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == value).then_some(number)
}

#[test]
fn integers_are_read_as_a_server_reads_them() {
    for (text, number) in [
        ("7", Some(7)),
        ("-3", Some(-3)),
        ("0", Some(0)),
        ("0100", None),
        ("+7", None),
        ("-0", None),
    ] {
        assert_eq!(integer(text.as_bytes()), number, "{text}");
    }
}
