//! Baton: a Redis-compatible in-memory server on every core.
pub mod config;
/// Hash table, entries, expiry index, key hashes: what a shard's databases are made of.
pub mod keyspace;
/// RESP2 and RESP3: requests out of bytes, replies into bytes.
pub mod resp;
/// Pure data structures that values are made of.
pub mod value;
