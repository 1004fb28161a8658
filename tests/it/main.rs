//! Integration tests: one binary, a module per topic, each against a real server process.
//!
//! `server`, `client` and `wait` are the harness; every other module is a topic. With
//! `BATON_TEST_TARGET=valkey` the topics run against valkey-server instead of Baton, which shows
//! that a test asks for what the reference does.

// Other test binaries include these three by path, and each uses a part of them.
#[allow(dead_code)]
mod client;
#[allow(dead_code)]
mod server;
#[allow(dead_code)]
mod wait;

mod allocations;
mod bitmaps;
mod blocking;
mod client_memory;
mod clients;
mod command_table;
mod configuration;
mod differential;
mod dump;
mod expiry;
mod harness;
mod hashes;
mod hyperloglogs;
mod introspection;
mod keys;
mod lifecycle;
mod linearizability;
mod listening;
mod lists;
mod memory;
mod pause;
mod protocol;
mod readme;
mod redis_rs;
mod sets;
mod simulation;
mod streams;
mod strings;
mod transactions;
mod waiting_pipelines;
mod walls;
mod zsets;
