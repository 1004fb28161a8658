//! The waiters of one shard: who is blocked until which key looks different.
//!
//! Kept in the box, so that looking at a key and starting to wait for it happen under one
//! ownership. What a waiter is, and who has the right to serve it, is known to the room that hands
//! it over: here it has a number, which says who came first, and it says what it waits for.
//!
//! A change of a key that somebody waits for puts the key on the list of those to be served;
//! whoever holds the box goes through that list when the command is done. A waiter that is over
//! (served elsewhere, timed out, gone) stays until it is met or taken out.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;

use super::{DbIndex, Event, EventClass};

/// The type of key that a blocked command waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// A list.
    List,
    /// A sorted set.
    SortedSet,
    /// A stream.
    Stream,
}

impl WaitFor {
    /// The name of the type, as TYPE answers.
    pub fn type_name(self) -> &'static str {
        match self {
            WaitFor::List => "list",
            WaitFor::SortedSet => "zset",
            WaitFor::Stream => "stream",
        }
    }
}

/// How a client is unblocked that is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unblock {
    /// As if its time were over.
    Timeout,
    /// With an error.
    Error,
}

/// A blocked command as a shard sees it.
pub trait Waiter: Any + Send + Sync {
    /// Smaller than that of whoever began to wait for the same key later; never used twice.
    fn number(&self) -> u64;

    /// The type of key that it waits for.
    fn waits_for(&self) -> WaitFor;

    /// It wants to know as well when the key is gone or of another type.
    fn even_if_gone(&self) -> bool;

    /// Ends the wait in another way than by serving it; false if it is over already.
    fn unblock(&self, how: Unblock) -> bool;
}

/// Those who wait for one key, in the order of their arrival.
#[derive(Default)]
struct Queue {
    waiters: BTreeMap<u64, Arc<dyn Waiter>>,
    /// How many of them want to know when the key is gone.
    even_if_gone: usize,
    /// It stands in the list of keys to be served.
    is_ready: bool,
}

/// The wait table of one shard.
#[derive(Default)]
pub struct WaitTable {
    keys: HashMap<DbIndex, HashMap<Box<[u8]>, Queue>>,
    ready: VecDeque<(DbIndex, Box<[u8]>)>,
}

impl WaitTable {
    /// Whether nobody waits for anything: the usual case, asked at each change.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds a waiter for `key`; once is enough.
    pub fn add(&mut self, db: DbIndex, key: &[u8], waiter: Arc<dyn Waiter>) {
        let keys = self.keys.entry(db).or_default();
        if !keys.contains_key(key) {
            keys.insert(key.into(), Queue::default());
        }
        let Some(queue) = keys.get_mut(key) else { return };
        let even_if_gone = usize::from(waiter.even_if_gone());
        if queue.waiters.insert(waiter.number(), waiter).is_none() {
            queue.even_if_gone += even_if_gone;
        }
    }

    /// Takes waiter `number` of `key` out.
    pub fn remove(&mut self, db: DbIndex, key: &[u8], number: u64) {
        let Some(keys) = self.keys.get_mut(&db) else { return };
        let Some(queue) = keys.get_mut(key) else { return };
        if let Some(waiter) = queue.waiters.remove(&number) {
            queue.even_if_gone -= usize::from(waiter.even_if_gone());
        }
        if queue.waiters.is_empty() {
            keys.remove(key);
            if keys.is_empty() {
                self.keys.remove(&db);
            }
        }
    }

    /// A key has changed by `event`: if somebody waits for it, it is to be served.
    pub fn touch(&mut self, db: DbIndex, key: &[u8], event: Event) {
        if !may_serve(event) {
            return;
        }
        let queue = self.keys.get_mut(&db).and_then(|keys| keys.get_mut(key));
        if let Some(queue) = queue
            && !queue.is_ready
        {
            queue.is_ready = true;
            self.ready.push_back((db, key.into()));
        }
    }

    /// A whole database was emptied or replaced.
    pub fn touch_database(&mut self, db: DbIndex) {
        let Some(keys) = self.keys.get_mut(&db) else { return };
        let mut touched: Vec<_> = keys
            .iter_mut()
            .filter(|(_, queue)| !queue.is_ready)
            .map(|(key, queue)| {
                queue.is_ready = true;
                (queue.waiters.keys().next().copied(), key.clone())
            })
            .collect();
        // By the arrival of the first who waits, so that it does not follow from hash values.
        touched.sort_unstable();
        self.ready.extend(touched.into_iter().map(|(_, key)| (db, key)));
    }

    /// Whether keys are to be served.
    #[inline]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next key to be served, by when it became so.
    pub fn take_ready(&mut self) -> Option<(DbIndex, Box<[u8]>)> {
        self.ready.pop_front()
    }

    /// `key` is about to be served: a change from now on counts anew. Gives the number of the last
    /// who waits for it now.
    pub fn begin(&mut self, db: DbIndex, key: &[u8]) -> Option<u64> {
        let queue = self.keys.get_mut(&db)?.get_mut(key)?;
        queue.is_ready = false;
        queue.waiters.keys().next_back().copied()
    }

    /// The first who waits for `key` and came after `number`.
    pub fn next_after(&self, db: DbIndex, key: &[u8], number: u64) -> Option<Arc<dyn Waiter>> {
        let queue = self.keys.get(&db)?.get(key)?;
        let mut later = queue.waiters.range((Excluded(number), Unbounded));
        later.next().map(|(_, waiter)| waiter.clone())
    }

    /// Whether somebody wants to know that `key` is gone.
    pub fn someone_mourns(&self, db: DbIndex, key: &[u8]) -> bool {
        let queue = self.keys.get(&db).and_then(|keys| keys.get(key));
        queue.is_some_and(|queue| queue.even_if_gone > 0)
    }

    /// How many keys are waited for.
    pub fn keys(&self) -> usize {
        self.keys.values().map(HashMap::len).sum()
    }

    /// For how many keys somebody waits who wants to know when they are gone.
    pub fn mourned_keys(&self) -> usize {
        let queues = self.keys.values().flat_map(HashMap::values);
        queues.filter(|queue| queue.even_if_gone > 0).count()
    }
}

/// Whether a change can be what somebody waits for. What happens to entries and consumers of a
/// stream that is there already serves nobody, except that an entry came or a group went.
fn may_serve(event: Event) -> bool {
    event.class != EventClass::Stream || matches!(event.name, "xadd" | "xgroup-destroy")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DB: DbIndex = DbIndex(0);

    struct Plain(u64, bool);

    impl Waiter for Plain {
        fn number(&self) -> u64 {
            self.0
        }

        fn waits_for(&self) -> WaitFor {
            WaitFor::List
        }

        fn even_if_gone(&self) -> bool {
            self.1
        }

        fn unblock(&self, _how: Unblock) -> bool {
            false
        }
    }

    fn table(waits: &[(&str, u64)]) -> WaitTable {
        let mut table = WaitTable::default();
        for (key, number) in waits {
            table.add(DB, key.as_bytes(), Arc::new(Plain(*number, number % 10 == 0)));
        }
        table
    }

    fn numbers(table: &WaitTable, key: &str) -> Vec<u64> {
        let mut found = Vec::new();
        let mut last = 0;
        while let Some(waiter) = table.next_after(DB, key.as_bytes(), last) {
            last = waiter.number();
            found.push(last);
        }
        found
    }

    #[test]
    fn they_wait_in_order_and_once() {
        let mut table = table(&[("a", 1), ("b", 1), ("a", 2), ("a", 2), ("a", 10)]);
        assert_eq!(numbers(&table, "a"), [1, 2, 10]);
        assert_eq!((table.keys(), table.mourned_keys()), (2, 1));
        table.remove(DB, b"a", 2);
        table.remove(DB, b"a", 7);
        table.remove(DbIndex(1), b"a", 1);
        assert_eq!(numbers(&table, "a"), [1, 10]);
        assert!(table.someone_mourns(DB, b"a") && !table.someone_mourns(DB, b"b"));
        for (key, number) in [("a", 1), ("a", 10), ("b", 1)] {
            table.remove(DB, key.as_bytes(), number);
        }
        assert!(table.is_empty());
    }

    #[test]
    fn keys_are_served_in_the_order_of_their_changes() {
        let mut table = table(&[("a", 1), ("b", 2), ("c", 3)]);
        for key in ["b", "x", "a", "b"] {
            table.touch(DB, key.as_bytes(), Event::list("rpush"));
        }
        table.touch(DbIndex(1), b"c", Event::list("rpush"));
        assert_eq!(table.take_ready(), Some((DB, (*b"b").into())));
        table.touch(DB, b"b", Event::list("rpush"));
        assert_eq!(table.begin(DB, b"b"), Some(2));
        table.touch(DB, b"b", Event::list("rpush"));
        assert_eq!(table.take_ready(), Some((DB, (*b"a").into())));
        assert_eq!(table.take_ready(), Some((DB, (*b"b").into())));
        assert!(!table.has_ready());
        table.touch(DB, b"c", Event::stream("xack"));
        assert!(!table.has_ready());
        table.touch_database(DB);
        // `a` and `b` stand there from before: nobody has begun to serve them.
        assert_eq!(table.take_ready(), Some((DB, (*b"c").into())));
        assert!(!table.has_ready());
    }
}
