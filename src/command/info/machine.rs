//! The sections about the process: Server, Clients, Memory, CPU.

use std::sync::atomic::Ordering::Relaxed;

use super::{Lines, percent, ratio};
use crate::command::Read;
use crate::command::connection::REDIS_VERSION;
use crate::command::memory::Usage;
use crate::keyspace::WaitTable;
use crate::observe::{PauseMode, process};

pub(super) fn server(cx: &Read<'_>, lines: &mut Lines) {
    let (server, config) = (cx.server(), cx.config());
    let now_us = server.clock.unix_us();
    let uptime_s = (now_us as i64 / 1000 - server.started_ms).max(0) / 1000;
    let path = |path: std::path::PathBuf| path.display().to_string();
    lines.add("redis_version", REDIS_VERSION);
    lines.add("server_name", if config.extended_redis_compatibility { "redis" } else { "baton" });
    lines.add("baton_version", env!("CARGO_PKG_VERSION"));
    lines.add("redis_git_sha1", "00000000");
    lines.add("redis_git_dirty", 0);
    lines.add("redis_build_id", "0");
    lines.add("server_mode", "standalone");
    lines.add("redis_mode", "standalone");
    lines.add("os", process::system_name());
    lines.add("arch_bits", usize::BITS);
    lines.add("monotonic_clock", "time stamp counter or CLOCK_MONOTONIC");
    lines.add("multiplexing_api", "epoll");
    lines.add("process_id", std::process::id());
    lines.add("process_supervised", "no");
    lines.add("run_id", &server.run_id);
    lines.add("tcp_port", config.port);
    lines.add("server_time_usec", now_us);
    lines.add("uptime_in_seconds", uptime_s);
    lines.add("uptime_in_days", uptime_s / 86_400);
    for name in ["hz", "configured_hz", "clients_hz"] {
        lines.add(name, config.hz);
    }
    lines.add("lru_clock", (now_us / 1_000_000) & 0xff_ffff);
    lines.add("executable", std::env::current_exe().map_or_else(|_| String::new(), path));
    let file = server.config.file().map(std::path::Path::to_path_buf);
    lines.add("config_file", file.map_or_else(String::new, path));
    lines.add("io_threads_active", u8::from(server.acceptors > 1));
    lines.add("availability_zone", String::from_utf8_lossy(&config.availability_zone));
    let binds: String = config.bind.iter().map(|bind| format!("bind={bind},")).collect();
    if config.port != 0 && !config.bind.is_empty() {
        lines.add("listener0", format_args!("name=tcp,{binds}port={}", config.port));
    }
    if let Some(socket) = &config.unixsocket {
        lines.add("listener1", format_args!("name=unix,bind={}", socket.display()));
    }
    lines.add("shards", server.shards.get());
    lines.add("acceptors", server.acceptors);
    lines.add("shard_pinning", &server.pinning);
}

pub(super) fn clients(cx: &Read<'_>, lines: &mut Lines) {
    let server = cx.server();
    let cards = server.clients.all();
    let most = |figure: fn(&crate::observe::ClientCard) -> u64| {
        cards.iter().map(|card| figure(card)).max().unwrap_or(0)
    };
    lines.add("connected_clients", cards.len());
    lines.zeros(&["cluster_connections"]);
    lines.add("maxclients", cx.config().maxclients);
    lines.add("client_recent_max_input_buffer", most(|card| card.query.load(Relaxed)));
    lines.add("client_recent_max_output_buffer", most(|card| card.output.load(Relaxed)));
    lines.add("blocked_clients", server.counters.blocked.load(Relaxed));
    lines.zeros(&["tracking_clients", "pubsub_clients"]);
    let watching = cards.iter().filter(|card| card.watched.load(Relaxed) > 0).count();
    lines.add("watching_clients", watching);
    lines.add("clients_in_timeout_table", server.counters.blocked_with_timeout.load(Relaxed));
    let watched: u64 = cards.iter().map(|card| u64::from(card.watched.load(Relaxed))).sum();
    lines.add("total_watched_keys", watched);
    let keys = |count: fn(&WaitTable) -> usize| -> usize {
        cx.parts().iter().map(|part| count(&part.wait)).sum()
    };
    lines.add("total_blocking_keys", keys(WaitTable::keys));
    lines.add("total_blocking_keys_on_nokey", keys(WaitTable::mourned_keys));
    let now_ms = server.clock.unix_ms();
    let (reason, actions, left_ms) = match server.pause.current(|| now_ms) {
        None => ("none", "none", 0),
        Some((PauseMode::Write, until_ms)) => ("client_pause", "write", until_ms - now_ms),
        Some((PauseMode::All, until_ms)) => ("client_pause", "all", until_ms - now_ms),
    };
    lines.add("paused_reason", reason);
    lines.add("paused_actions", actions);
    lines.add("paused_timeout_milliseconds", left_ms);
}

pub(super) fn memory(cx: &Read<'_>, lines: &mut Lines) {
    let usage = Usage::of(cx);
    let config = cx.config();
    lines.bytes("used_memory", usage.used);
    lines.bytes("used_memory_rss", usage.resident);
    lines.bytes("used_memory_peak", usage.peak);
    let of_peak = percent(usage.used, usage.peak);
    lines.add("used_memory_peak_perc", format_args!("{of_peak:.2}%"));
    lines.add("used_memory_overhead", usage.overhead());
    lines.add("used_memory_startup", usage.startup);
    lines.add("used_memory_dataset", usage.dataset());
    let of_own = usage.dataset_percent();
    lines.add("used_memory_dataset_perc", format_args!("{of_own:.2}%"));
    lines.add("allocator_allocated", usage.allocator.allocated);
    lines.add("allocator_active", usage.allocator.active);
    lines.add("allocator_resident", usage.allocator.resident);
    lines.zeros(&["allocator_muzzy"]);
    lines.bytes("total_system_memory", usage.system);
    lines.zeros(&["used_memory_lua", "used_memory_vm_eval"]);
    lines.add("used_memory_lua_human", "0B");
    lines.zeros(&[
        "used_memory_scripts_eval",
        "number_of_cached_scripts",
        "number_of_functions",
        "number_of_libraries",
        "used_memory_vm_functions",
    ]);
    for name in ["used_memory_vm_total", "used_memory_scripts"] {
        lines.bytes(name, 0);
    }
    lines.zeros(&["used_memory_functions"]);
    lines.bytes("maxmemory", config.maxmemory);
    lines.add("maxmemory_policy", policy_name(cx));
    let allocator = usage.allocator;
    let ratios = [
        ("allocator_frag", allocator.active, allocator.allocated),
        ("allocator_rss", allocator.resident, allocator.active),
        ("rss_overhead", usage.resident, allocator.resident),
        ("mem_fragmentation", usage.resident, usage.used),
    ];
    for (name, part, whole) in ratios {
        lines.add(format_args!("{name}_ratio"), format_args!("{:.2}", ratio(part, whole)));
        lines.add(format_args!("{name}_bytes"), part as i64 - whole as i64);
    }
    lines.zeros(&[
        "mem_not_counted_for_evict",
        "mem_replication_backlog",
        "mem_total_replication_buffers",
        "mem_replicas_repl_buffer",
        "mem_clients_slaves",
    ]);
    lines.add("mem_clients_normal", usage.clients);
    lines.zeros(&["mem_cluster_links", "mem_aof_buffer"]);
    lines.add("mem_allocator", "jemalloc");
    lines.add("mem_overhead_db_hashtable", usage.tables);
    lines.zeros(&["mem_overhead_db_hashtable_rehashing", "active_defrag_running"]);
    let memory = &cx.server().memory;
    lines.add("lazyfree_pending_objects", memory.deferred_objects());
    lines.add("lazyfreed_objects", memory.freed_objects());
}

/// The name of the eviction policy, as the configuration prints it.
fn policy_name(cx: &Read<'_>) -> String {
    let pairs = cx.server().config.get(&[b"maxmemory-policy"]);
    pairs.first().map_or_else(String::new, |(_, value)| String::from_utf8_lossy(value).into())
}

pub(super) fn cpu(_cx: &Read<'_>, lines: &mut Lines) {
    let (own, children) = (process::cpu(), process::children_cpu());
    for (name, seconds) in [
        ("used_cpu_sys", own.system),
        ("used_cpu_user", own.user),
        ("used_cpu_sys_children", children.system),
        ("used_cpu_user_children", children.user),
    ] {
        lines.add(name, format_args!("{seconds:.6}"));
    }
}
