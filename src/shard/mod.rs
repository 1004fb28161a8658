//! A shard's owner: the thread that keeps one box, runs what comes for it, and looks after it.
//!
//! `execute` runs a batch over the boxes in hand, whoever holds them, and `serve`
//! those who wait for what it changed; `whole` runs an iteration in one hand; `owner` is the actor; `upkeep`
//! is what a shard does when nobody asks (`expire_cycle`, `evict`); `build` makes empty ones.

mod build;
mod evict;
mod execute;
mod expire_cycle;
mod owner;
mod serve;
mod upkeep;
mod whole;

pub use build::{new_server, new_shard};
pub use execute::{Executor, Holder, Stopped};
pub use owner::{Owner, Step};

#[cfg(test)]
mod tests;
