//! The keyspace: what a shard's databases are made of. Imports `value`, nothing else of ours.

mod db;
mod effect;
mod entry;
mod event;
mod eviction_pool;
mod hash;
mod header;
mod memory;
mod object;
mod shard;
mod string;
mod wait;
mod watch;

pub use db::{Db, DbStats, Edit, ExpiredFields, Found, Previous};
pub use effect::{Effect, EffectBuffer, EffectUnit};
pub use entry::{EntryMut, EntryRef, OwnedEntry};
pub use event::{Event, EventClass};
pub use eviction_pool::EvictionPool;
pub use hash::{KeyHash, KeyHasher, ShardCount, hash_tag};
pub use header::{ACCESS_BITS, Kind};
pub use memory::{Evictable, MemoryBoard, MemoryUse};
pub use object::{Collection, Object, ObjectMut, ObjectRef};
pub use shard::{CommandStat, DbIndex, Garbage, Reclaim, Shard, ShardStats, discard};
pub use string::{INLINE_MAX, Value, ValueRef};
pub use wait::{Unblock, WaitFor, WaitTable, Waiter};
pub use watch::{ClientId, Presence, WatchTable};
