//! Building what a server is made of before it has threads: its shared facts, and empty shards.

use crossbeam_channel::Sender;

use crate::clock::Clock;
use crate::command::registry;
use crate::config::{Config, ConfigStore};
use crate::keyspace::{Reclaim, Shard};
use crate::observe::{Server, Signal};

/// The shared facts of a server with the settings of `store`. `control` is told what concerns the
/// process, and `pinning` says in words how shards are pinned.
pub fn new_server(
    store: ConfigStore,
    clock: Clock,
    control: Sender<Signal>,
    pinning: String,
) -> Server {
    Server::new(store, clock, control, pinning, registry::count())
}

/// Shard `number` of `server`, empty; what is big and dead goes to `reclaim`.
pub fn new_shard(number: usize, config: &Config, server: &Server, reclaim: Reclaim) -> Shard {
    let facts = (config.databases as usize, registry::count());
    let (hasher, memory) = (server.hasher.clone(), server.memory.clone());
    let mut shard = Shard::new(number, facts, hasher, memory, reclaim);
    shard.set_time(server.clock.unix_ms());
    shard
}
