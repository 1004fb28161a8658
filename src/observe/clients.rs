//! The cards of connected clients: what CLIENT LIST shows and CLIENT KILL finds.
//!
//! Every connection posts its facts on a card of its own with relaxed stores. The registry is a
//! map of the cards that is locked when a client connects, leaves, or is asked about; no request
//! of another kind takes the lock.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::Peer;
use crate::keyspace::{ClientId, Unblock, Waiter};

/// Flags of a client as bits of [`ClientCard::flags`].
pub struct ClientFlags;

impl ClientFlags {
    /// In a MULTI.
    pub const MULTI: u16 = 1;
    /// A watched key has made EXEC fail (as far as the acceptor knows).
    pub const DIRTY_EXEC: u16 = 1 << 1;
    /// Closes after its reply.
    pub const CLOSING: u16 = 1 << 2;
    /// `CLIENT NO-EVICT` is on.
    pub const NO_EVICT: u16 = 1 << 3;
    /// `CLIENT NO-TOUCH` is on.
    pub const NO_TOUCH: u16 = 1 << 4;
    /// Connected through the Unix socket.
    pub const UNIX: u16 = 1 << 5;
    /// `CLIENT CAPA REDIRECT`
    pub const CAPA_REDIRECT: u16 = 1 << 6;
    /// Waits in a blocking command.
    pub const BLOCKED: u16 = 1 << 7;
    /// Its next command is held back by a pause.
    pub const HELD: u16 = 1 << 8;
}

/// Words a client chose for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientWords {
    /// `CLIENT SETNAME`
    pub name: Vec<u8>,
    /// `CLIENT SETINFO LIB-NAME`
    pub lib_name: Vec<u8>,
    /// `CLIENT SETINFO LIB-VER`
    pub lib_version: Vec<u8>,
}

/// What is known of one connected client. Written by its acceptor, read by anyone.
pub struct ClientCard {
    /// Its number.
    pub id: ClientId,
    /// Its address (`ip:port`, or the socket's path and `:0`).
    pub addr: String,
    /// The address it connected to.
    pub laddr: String,
    /// File descriptor.
    pub fd: i32,
    /// When it connected, ms of Unix time.
    pub connected_ms: i64,
    /// The acceptor that owns the connection now.
    pub acceptor: AtomicU16,
    /// When it last sent something, ms of Unix time.
    pub last_ms: AtomicI64,
    /// [`ClientFlags`].
    pub flags: AtomicU16,
    /// Logical database.
    pub db: AtomicU16,
    /// Protocol version, 2 or 3.
    pub proto: AtomicU8,
    /// Number of the last command plus one; 0 for none.
    pub last_command: AtomicU16,
    /// Queued commands of a MULTI plus one; 0 outside.
    pub queued: AtomicU32,
    /// Watched keys.
    pub watched: AtomicU32,
    /// Bytes that they take.
    pub watched_bytes: AtomicU64,
    /// Bytes of the connection itself, whatever it does.
    pub fixed: u64,
    /// Bytes in the query buffer.
    pub query: AtomicU64,
    /// What is allocated for requests to come beyond that and `args`, in bytes.
    pub query_free: AtomicU64,
    /// Bytes of arguments of a request that is not complete, or may not run yet.
    pub args: AtomicU64,
    /// Bytes of what a MULTI has queued.
    pub held_args: AtomicU64,
    /// Bytes of replies not yet sent.
    pub output: AtomicU64,
    /// Bytes received since it connected.
    pub bytes_in: AtomicU64,
    /// Bytes sent since it connected.
    pub bytes_out: AtomicU64,
    /// Commands since it connected.
    pub commands: AtomicU64,
    /// Somebody has asked for its end: its acceptor closes it.
    pub killed: AtomicBool,
    words: Mutex<ClientWords>,
    /// Bytes of those.
    words_bytes: AtomicU64,
    /// The blocked command that it waits in.
    waits_in: Mutex<Option<Arc<dyn Waiter>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic ends the whole process in an orderly way; until then the record is still readable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientCard {
    /// A new client's card.
    pub fn new(id: ClientId, addr: String, laddr: String, fd: i32, now_ms: i64) -> ClientCard {
        let fixed = (size_of::<ClientCard>() + addr.capacity() + laddr.capacity()) as u64;
        ClientCard {
            id,
            fixed,
            addr,
            laddr,
            fd,
            connected_ms: now_ms,
            acceptor: AtomicU16::new(0),
            last_ms: AtomicI64::new(now_ms),
            flags: AtomicU16::new(0),
            db: AtomicU16::new(0),
            proto: AtomicU8::new(2),
            last_command: AtomicU16::new(0),
            queued: AtomicU32::new(0),
            watched: AtomicU32::new(0),
            watched_bytes: AtomicU64::new(0),
            query: AtomicU64::new(0),
            query_free: AtomicU64::new(0),
            args: AtomicU64::new(0),
            held_args: AtomicU64::new(0),
            output: AtomicU64::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            killed: AtomicBool::new(false),
            words: Mutex::new(ClientWords::default()),
            words_bytes: AtomicU64::new(0),
            waits_in: Mutex::new(None),
        }
    }

    /// Its MULTI is over: nothing is queued any more.
    pub fn end_multi(&self) {
        self.set_flag(ClientFlags::MULTI, false);
        self.queued.store(0, Ordering::Relaxed);
        self.held_args.store(0, Ordering::Relaxed);
    }

    /// Where it connects from.
    pub fn peer(&self) -> Peer {
        let ip = self.addr.rsplit_once(':').map_or(&*self.addr, |(ip, _)| ip);
        let ip = ip.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_loopback = ip.is_ok_and(|ip| ip.to_canonical().is_loopback());
        if is_loopback || self.has_flag(ClientFlags::UNIX) { Peer::Local } else { Peer::Remote }
    }

    /// Bytes that the client holds: the connection itself, what was received and not run, what is
    /// queued or watched, what is not sent, and how it is called.
    pub fn bytes_held(&self) -> u64 {
        let received = [&self.query, &self.query_free, &self.args];
        let kept = [&self.held_args, &self.watched_bytes, &self.output, &self.words_bytes];
        let load = |bytes: &&AtomicU64| bytes.load(Ordering::Relaxed);
        self.fixed + received.iter().chain(&kept).map(load).sum::<u64>()
    }

    /// The words that the client chose for itself.
    pub fn words(&self) -> ClientWords {
        locked(&self.words).clone()
    }

    /// Changes them.
    pub fn set_words(&self, change: impl FnOnce(&mut ClientWords)) {
        let mut words = locked(&self.words);
        change(&mut words);
        let bytes = words.name.len() + words.lib_name.len() + words.lib_version.len();
        self.words_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    /// Says which blocked command the client waits in. Only its acceptor calls this.
    pub fn set_wait(&self, waiter: Option<Arc<dyn Waiter>>) {
        self.set_flag(ClientFlags::BLOCKED, waiter.is_some());
        *locked(&self.waits_in) = waiter;
    }

    /// Ends the client's wait; false if it does not wait.
    pub fn unblock(&self, how: Unblock) -> bool {
        let waiter = locked(&self.waits_in).clone();
        waiter.is_some_and(|waiter| waiter.unblock(how))
    }

    /// Sets or clears a flag of [`ClientFlags`]. Only the client's acceptor calls this.
    pub fn set_flag(&self, flag: u16, on: bool) {
        let flags = self.flags.load(Ordering::Relaxed);
        let flags = if on { flags | flag } else { flags & !flag };
        self.flags.store(flags, Ordering::Relaxed);
    }

    /// Whether a flag of [`ClientFlags`] is set.
    pub fn has_flag(&self, flag: u16) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }
}

/// The cards of all connected clients by number.
#[derive(Default)]
pub struct ClientRegistry {
    next: AtomicU64,
    cards: Mutex<BTreeMap<ClientId, Arc<ClientCard>>>,
}

impl ClientRegistry {
    /// The number for a new client; never given twice.
    pub fn next_id(&self) -> ClientId {
        ClientId(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Adds a client.
    pub fn add(&self, card: Arc<ClientCard>) {
        locked(&self.cards).insert(card.id, card);
    }

    /// Removes a client.
    pub fn remove(&self, id: ClientId) {
        locked(&self.cards).remove(&id);
    }

    /// All cards in the order of their numbers.
    pub fn all(&self) -> Vec<Arc<ClientCard>> {
        locked(&self.cards).values().cloned().collect()
    }

    /// Takes out the clients that hold most, but none with `CLIENT NO-EVICT`, until the others hold
    /// no more than `limit` bytes.
    pub fn take_largest(&self, limit: u64) -> Vec<Arc<ClientCard>> {
        let mut cards = locked(&self.cards);
        let mut held: u64 = cards.values().map(|card| card.bytes_held()).sum();
        let mut taken = Vec::new();
        if held <= limit {
            return taken;
        }
        let evictable = cards.values().filter(|card| !card.has_flag(ClientFlags::NO_EVICT));
        let mut by_size: Vec<_> = evictable.map(|card| (card.bytes_held(), card.id)).collect();
        by_size.sort_unstable();
        while held > limit
            && let Some((bytes, id)) = by_size.pop()
        {
            taken.extend(cards.remove(&id));
            held = held.saturating_sub(bytes);
        }
        taken
    }

    /// The card of client `id`.
    pub fn get(&self, id: ClientId) -> Option<Arc<ClientCard>> {
        locked(&self.cards).get(&id).cloned()
    }

    /// How many clients are connected.
    pub fn len(&self) -> usize {
        locked(&self.cards).len()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
