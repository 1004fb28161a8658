//! Commands: one row and one function each, a family per file.
//!
//! `spec` is the vocabulary of rows, `registry` the one list of families, `context` what handlers
//! work with, `args` how they read their arguments, `error` what they answer when they cannot.
//! Nothing here knows a thread, a channel or a socket: every handler can be called in a test.

mod access;
mod args;
pub mod bitmap;
pub mod client;
pub mod config;
pub mod connection;
mod context;
pub mod database;
pub mod debug;
pub mod error;
pub mod expiry_options;
pub mod geo;
pub mod hash;
mod help;
pub mod hyperloglog;
pub mod info;
pub mod introspect;
pub mod key;
pub mod keys;
pub mod latency;
pub mod list;
mod lolwut;
pub mod memory;
mod redact;
pub mod registry;
#[cfg(test)]
mod replay_tests;
pub mod scan_options;
pub mod server;
mod session;
pub mod set;
pub mod slowlog;
mod sort;
pub mod spec;
mod stats;
pub mod stream;
pub mod string;
#[cfg(test)]
pub mod testing;
pub mod transaction;
pub mod zset;

pub use access::{
    AccessPolicy, access_of_frequency, access_of_idle, created, frequency, idle_seconds,
};
pub use args::{ArgRef, Args, Key, KeyStride, parse_cursor, parse_integer, require};
pub use context::{
    Block, Call, Edited, Effect, Fate, Read, Write, fields_expired, object_as, removed_by_server,
    string_of,
};
pub use error::{CommandError, CommandResult};
pub use redact::redacted;
pub use session::{After, ReplyMode, Session, SessionContext};
pub use spec::{Command, Flags, Merge, Run, Spread, Steering};

pub use crate::keyspace::ClientId;
