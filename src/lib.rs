//! Baton: a Redis-compatible in-memory server on every core.
/// Directives: the one table, redis.conf, the command line, CONFIG GET, SET and REWRITE.
pub mod config;
/// Glob patterns over bytes.
pub mod glob;
/// Hash table, entries, expiry index, key hashes: what a shard's databases are made of.
pub mod keyspace;
/// RESP2 and RESP3: requests out of bytes, replies into bytes.
pub mod resp;
/// Pure data structures that values are made of.
pub mod value;
