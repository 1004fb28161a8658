//! The box: one shard's part of every logical database and all that must change with it.
//!
//! Whoever holds the `Box<Shard>` owns it. It has no idea which thread that is; it carries the
//! time that was read when it was taken, so time never runs backwards for a shard whoever runs it.

use std::sync::Arc;

use hdrhistogram::Histogram;

use super::{
    Db, EffectBuffer, EvictionPool, KeyHash, KeyHasher, MemoryBoard, MemoryUse, OwnedEntry,
    WaitTable, WatchTable,
};

/// A logical database's number, below the directive `databases`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DbIndex(pub u16);

/// Calls and time of one command in one shard.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommandStat {
    /// Runs.
    pub calls: u64,
    /// Nanoseconds spent.
    pub ns: u64,
    /// Runs that answered an error.
    pub failed: u64,
    /// Requests refused before they ran.
    pub rejected: u64,
}

/// What a shard counts, for INFO.
#[derive(Clone, Debug, Default)]
pub struct ShardStats {
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Keys deleted since their time was over.
    pub expired: u64,
    /// Fields of hashes deleted since their time was over.
    pub expired_fields: u64,
    /// Keys deleted to free memory.
    pub evicted: u64,
    /// Times that the expiry cycle ended at its time limit.
    pub expire_cycle_limited: u64,
    /// Time that the expiry cycle has taken, in ns.
    pub expire_ns: u64,
    /// Estimated percentage of keys that are past their time but still there.
    pub stale_percent: f64,
    /// Changes to the keyspace.
    pub dirty: u64,
    /// Commands run.
    pub commands: u64,
    /// Batches run by the owner.
    pub batches_owned: u64,
    /// Batches run by a borrower.
    pub batches_lent: u64,
    /// Rendezvous run.
    pub meetings: u64,
    /// By command number.
    pub by_command: Vec<CommandStat>,
    /// The spread of the times, by command number; `None` for a command that was never run.
    pub times: Vec<Option<Box<Histogram<u64>>>>,
    /// Error replies by code word.
    pub errors: std::collections::BTreeMap<Box<str>, u64>,
}

impl ShardStats {
    /// Figures of a shard that will run `commands` different commands.
    pub fn new(commands: usize) -> ShardStats {
        ShardStats {
            by_command: vec![CommandStat::default(); commands],
            times: vec![None; commands],
            ..ShardStats::default()
        }
    }

    /// Begins anew (`CONFIG RESETSTAT`); the changes since the last save are no statistics.
    pub fn reset(&mut self) {
        let dirty = self.dirty;
        *self = ShardStats::new(self.by_command.len());
        self.dirty = dirty;
    }
}

/// Something whose freeing may take long: it is sent away to be freed.
pub enum Garbage {
    /// A removed entry with a big value.
    Entry(OwnedEntry),
    /// A whole database.
    Database(Box<Db>),
}

impl Garbage {
    /// Values in it.
    pub fn objects(&self) -> u64 {
        match self {
            Garbage::Entry(_) => 1,
            Garbage::Database(db) => db.len() as u64,
        }
    }

    /// Bytes that it occupies.
    pub fn bytes(&self) -> u64 {
        match self {
            Garbage::Entry(entry) => entry.allocation_size() as u64,
            Garbage::Database(db) => db.bytes() as u64,
        }
    }
}

/// Frees what is sent to it, somewhere else. Nothing is lost if it is not there: the value is
/// freed at once.
pub type Reclaim = Arc<dyn Fn(Garbage) + Send + Sync>;

/// One shard's data and what must change with it.
pub struct Shard {
    /// Its number.
    pub number: u16,
    /// Its part of each logical database.
    pub dbs: Vec<Db>,
    /// Watched keys.
    pub watch: WatchTable,
    /// Keys that blocked clients wait for.
    pub wait: WaitTable,
    /// Effects of what was done, not yet drained.
    pub effects: EffectBuffer,
    /// Counters.
    pub stats: ShardStats,
    /// Random source of commands that need chance.
    pub rng: fastrand::Rng,
    /// The server's key hasher.
    pub hasher: KeyHasher,
    /// Milliseconds since the Unix epoch when the box was taken.
    pub now_ms: i64,
    /// The database in which the expiry cycle goes on.
    pub expire_db: usize,
    /// Good candidates for eviction.
    pub eviction_pool: EvictionPool,
    /// Whether active expiry runs (`DEBUG SET-ACTIVE-EXPIRE`).
    pub active_expire: bool,
    /// From how many bytes on an element of a quicklist stands alone; 0: as its limits say
    /// (`DEBUG QUICKLIST-PACKED-THRESHOLD`).
    pub plain_from: u32,
    /// What all shards use.
    pub memory: Arc<MemoryBoard>,
    /// Where big garbage goes.
    pub reclaim: Reclaim,
}

impl Shard {
    /// An empty box. `facts` are the numbers of logical databases and of commands.
    pub fn new(
        number: usize,
        facts: (usize, usize),
        hasher: KeyHasher,
        memory: Arc<MemoryBoard>,
        reclaim: Reclaim,
    ) -> Shard {
        let (databases, commands) = facts;
        Shard {
            number: number as u16,
            dbs: (0..databases).map(|_| Db::new(hasher.clone())).collect(),
            watch: WatchTable::default(),
            wait: WaitTable::default(),
            effects: EffectBuffer::default(),
            stats: ShardStats::new(commands),
            rng: fastrand::Rng::new(),
            hasher,
            now_ms: 0,
            expire_db: 0,
            eviction_pool: EvictionPool::default(),
            active_expire: true,
            plain_from: 0,
            memory,
            reclaim,
        }
    }

    /// Reads the clock when the box is taken; the shard's time does not step back.
    pub fn set_time(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms);
    }

    /// Bytes that its databases use.
    pub fn bytes(&self) -> u64 {
        self.dbs.iter().map(|db| db.bytes() as u64).sum()
    }

    /// Keys in all its databases.
    pub fn len(&self) -> usize {
        self.dbs.iter().map(Db::len).sum()
    }

    /// Whether it holds no key.
    pub fn is_empty(&self) -> bool {
        self.dbs.iter().all(Db::is_empty)
    }

    /// Keys with an expiry in all its databases.
    pub fn volatile_len(&self) -> usize {
        self.dbs.iter().map(Db::volatile_len).sum()
    }

    /// Its use of memory. Keys with an expiry count as large as the others.
    pub fn memory_use(&self) -> MemoryUse {
        let mut total = MemoryUse::default();
        for db in &self.dbs {
            let bytes = db.bytes() as u64;
            total.bytes += bytes;
            total.volatile += bytes * db.volatile_len() as u64 / db.len().max(1) as u64;
        }
        total
    }

    /// Posts its use of memory to the board.
    pub fn post_memory(&self) {
        self.memory.post(self.number as usize, self.memory_use());
    }

    /// Frees a removed entry: at once, or elsewhere if `lazy` and it is big.
    pub fn discard(&self, entry: OwnedEntry, lazy: bool) {
        discard(&self.reclaim, entry, lazy);
    }

    /// Hash of a key that did not come with one.
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        self.hasher.hash(key)
    }

    /// Whether the owner has something to do though no batch is there: keys that will expire.
    pub fn needs_upkeep(&self) -> bool {
        let expires = |db: &Db| db.volatile_len() > 0 || db.volatile_fields_len() > 0;
        self.active_expire && self.dbs.iter().any(expires)
    }
}

/// Frees a removed entry: at once, or through `reclaim` if `lazy` and it is big.
pub fn discard(reclaim: &Reclaim, entry: OwnedEntry, lazy: bool) {
    if lazy && entry.needs_lazy_free() {
        reclaim(Garbage::Entry(entry));
    }
}
