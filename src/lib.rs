//! Baton: a Redis-compatible in-memory server on every core.
//!
//! The rooms, from the wire inwards. A room may import only those that stand below it in the
//! table that `tests/it/walls.rs` holds the code against.

/// Threads that own connections: bytes in, requests placed, replies out.
pub mod acceptor;
/// The allocator of the process.
pub mod allocator;
/// The ways between threads, and the only room with their atomics.
pub mod channel;
/// The one module that reads clocks.
pub mod clock;
/// Commands: one row and one function each.
pub mod command;
/// Directives: files, command line, CONFIG.
pub mod config;
/// Redis's glob patterns.
pub mod glob;
/// The ordered stream of effects.
pub mod journal;
/// Hash table, entries, expiry index, key hashes: what a shard's databases are made of.
pub mod keyspace;
/// What the server knows about itself.
pub mod observe;
/// The wire protocol: requests out of bytes, replies into bytes.
pub mod resp;
/// Building the house and starting its threads.
pub mod run;
/// Threads that own shards.
pub mod shard;
/// Values in the format of Redis's RDB files.
pub mod snapshot;
/// Pure data structures that values are made of.
pub mod value;
