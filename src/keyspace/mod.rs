//! The keyspace: what a shard's databases are made of. Imports `value`, nothing else of ours.

mod db;
mod entry;
mod hash;
mod segment;
mod size_class;
mod table;

pub use db::{Db, DbStats, Previous};
pub use entry::{ACCESS_BITS, EntryMut, EntryRef, INLINE_MAX, Kind, OwnedEntry, Value, ValueRef};
pub use hash::{KeyHash, KeyHasher, ShardCount, hash_tag};
pub use size_class::size_class;
pub use table::{CURSOR_BITS, Element, MERGE_BELOW, Occupied, SPLIT_ABOVE, Table, TableStats};
