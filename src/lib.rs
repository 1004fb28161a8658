//! Baton: a Redis-compatible in-memory server on every core.
pub mod config;
pub mod keyspace;
pub mod resp;
pub mod value;
