//! Baton: a Redis-compatible in-memory server on every core.
pub mod config;
/// Hash table, entries, expiry index, key hashes: what a shard's databases are made of.
pub mod keyspace;
pub mod resp;
/// Pure data structures that values are made of.
pub mod value;
