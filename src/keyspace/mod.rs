//! The keyspace: what a shard's databases are made of. Imports `value`, nothing else of ours.

mod db;
mod effect;
mod entry;
mod event;
mod eviction_pool;
mod hash;
mod memory;
mod segment;
mod shard;
mod size_class;
mod string;
mod table;
mod watch;

pub use db::{Db, DbStats, Found, Previous};
pub use effect::{Effect, EffectBuffer, EffectUnit};
pub use entry::{ACCESS_BITS, EntryMut, EntryRef, Kind, OwnedEntry};
pub use event::{Event, EventClass};
pub use eviction_pool::EvictionPool;
pub use hash::{KeyHash, KeyHasher, ShardCount, hash_tag};
pub use memory::{Evictable, MemoryBoard, MemoryUse};
pub use shard::{CommandStat, DbIndex, Garbage, Reclaim, Shard, ShardStats, discard};
pub use size_class::size_class;
pub use string::{INLINE_MAX, Value, ValueRef};
pub use table::{CURSOR_BITS, Element, MERGE_BELOW, Occupied, SPLIT_ABOVE, Table, TableStats};
pub use watch::{ClientId, Presence, WatchTable};
