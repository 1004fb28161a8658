//! Directives: one table of all settings, and the ways to them — files, the command line, CONFIG.
//!
//! [`Config`] is a plain struct that hot code reads; [`ConfigStore`] publishes snapshots of it and
//! does CONFIG GET, SET and REWRITE. Syntax and error texts are those of redis.conf and Valkey.
//! Imports nothing of ours but the glob patterns; starts no thread and opens no socket.

mod absent;
mod choice;
mod cli;
mod file;
mod line;
mod rewrite;
mod setting;
mod special;
mod store;
mod table;

pub use absent::AbsentValues;
pub use choice::{
    Access, AppendFsync, Choice, EvictionPolicy, LogLevel, OomScoreAdj, Peer, Supervision,
    VersionCheck,
};
pub use cli::{Invocation, Startup, read_command_line};
pub use file::LoadError;
pub use rewrite::RewriteError;
pub use setting::parse_memory;
pub use special::{MemoryLimit, OutputLimit, OutputLimits, SavePoint, os_text};
pub use store::{ApplyError, ConfigStore, SetError};
pub use table::{Config, Directive, MAX_ACCEPTORS, MAX_SHARDS};
