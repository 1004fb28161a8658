//! Values: pure data structures, without keys, expiry, clock or thread. Imports nothing of ours.

pub mod bits;
pub mod geohash;
pub mod hash;
pub mod hasher;
pub mod hyperloglog;
pub mod integer;
pub mod intset;
pub mod lcs;
pub mod list;
pub mod listpack;
pub mod long_double;
mod lot;
pub mod lzf;
mod ones;
mod segment;
pub mod set;
pub mod size_class;
pub mod slim;
pub mod stream;
pub mod table;
pub mod thin;
pub mod zset;
