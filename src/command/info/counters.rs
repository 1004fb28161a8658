//! The sections about what was done: Persistence, Stats, Replication, Commandstats, Errorstats,
//! Latencystats, Cluster, Keyspace, Shards.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use super::Lines;
use crate::command::stats::{CommandFigures, figures, times_of};
use crate::command::{Command, Read, registry};
use crate::keyspace::{Shard, ShardStats};

/// The sum of one figure over all shards.
fn sum(cx: &Read<'_>, figure: impl Fn(&ShardStats) -> u64) -> u64 {
    cx.parts().iter().map(|part| figure(&part.stats)).sum()
}

/// Commands and subcommands that may have been run.
fn rows() -> impl Iterator<Item = &'static Command> {
    registry::all().iter().flat_map(|command| std::iter::once(command).chain(command.subcommands))
}

pub(super) fn persistence(cx: &Read<'_>, lines: &mut Lines) {
    lines.zeros(&["loading", "async_loading", "current_cow_peak", "current_cow_size"]);
    lines.zeros(&["current_cow_size_age"]);
    lines.add("current_fork_perc", "0.00");
    lines.zeros(&["current_save_keys_processed", "current_save_keys_total"]);
    lines.add("rdb_changes_since_last_save", sum(cx, |stats| stats.dirty));
    lines.zeros(&["rdb_bgsave_in_progress"]);
    lines.add("rdb_last_save_time", cx.server().started_ms / 1000);
    lines.add("rdb_last_bgsave_status", "ok");
    lines.add("rdb_last_bgsave_time_sec", -1);
    lines.add("rdb_current_bgsave_time_sec", -1);
    lines.zeros(&["rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired"]);
    lines.zeros(&["rdb_last_load_keys_loaded", "aof_enabled", "aof_rewrite_in_progress"]);
    lines.zeros(&["aof_rewrite_scheduled"]);
    lines.add("aof_last_rewrite_time_sec", -1);
    lines.add("aof_current_rewrite_time_sec", -1);
    lines.add("aof_last_bgrewrite_status", "ok");
    lines.zeros(&["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    lines.add("aof_last_write_status", "ok");
    lines.zeros(&["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"]);
}

pub(super) fn stats(cx: &Read<'_>, lines: &mut Lines) {
    let server = cx.server();
    let counters = &server.counters;
    let count = |figure: &std::sync::atomic::AtomicU64| figure.load(Relaxed);
    let rates = server.rates.per_second();
    let by_shards = sum(cx, |stats| stats.commands);
    lines.add("total_connections_received", count(&counters.connections));
    lines.add("total_commands_processed", by_shards + server.session_commands());
    lines.add("instantaneous_ops_per_sec", rates.commands.round() as u64);
    lines.add("total_net_input_bytes", server.moved(|traffic| &traffic.bytes_in));
    lines.add("total_net_output_bytes", server.moved(|traffic| &traffic.bytes_out));
    lines.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    lines.add("instantaneous_input_kbps", format_args!("{:.2}", rates.bytes_in / 1024.0));
    lines.add("instantaneous_output_kbps", format_args!("{:.2}", rates.bytes_out / 1024.0));
    lines.add("instantaneous_input_repl_kbps", "0.00");
    lines.add("instantaneous_output_repl_kbps", "0.00");
    lines.add("rejected_connections", count(&counters.rejected));
    lines.zeros(&["sync_full", "sync_partial_ok", "sync_partial_err"]);
    lines.add("expired_keys", sum(cx, |stats| stats.expired));
    lines.add("expired_fields", sum(cx, |stats| stats.expired_fields));
    lines.add("expired_stale_perc", format_args!("{:.2}", stale_percent(cx)));
    lines.add("expired_time_cap_reached_count", sum(cx, |stats| stats.expire_cycle_limited));
    lines.add("expire_cycle_cpu_milliseconds", sum(cx, |stats| stats.expire_ns) / 1_000_000);
    lines.add("evicted_keys", sum(cx, |stats| stats.evicted));
    lines.add("evicted_clients", count(&counters.evicted_clients));
    lines.zeros(&["evicted_scripts"]);
    lines.zeros(&["total_eviction_exceeded_time", "current_eviction_exceeded_time"]);
    lines.add("keyspace_hits", sum(cx, |stats| stats.hits));
    lines.add("keyspace_misses", sum(cx, |stats| stats.misses));
    lines.zeros(&["pubsub_channels", "pubsub_patterns", "pubsubshard_channels"]);
    lines.zeros(&["latest_fork_usec", "total_forks", "migrate_cached_sockets"]);
    lines.zeros(&["slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses"]);
    lines.zeros(&["active_defrag_key_hits", "active_defrag_key_misses"]);
    lines.zeros(&["total_active_defrag_time", "current_active_defrag_time"]);
    lines.zeros(&["tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"]);
    lines.zeros(&["unexpected_error_replies"]);
    lines.add("total_error_replies", errors(cx).values().sum::<u64>());
    lines.zeros(&["dump_payload_sanitizations"]);
    lines.add("total_reads_processed", server.moved(|traffic| &traffic.reads));
    lines.add("total_writes_processed", server.moved(|traffic| &traffic.writes));
    let closed = [
        ("client_query_buffer_limit_disconnections", &counters.query_limit_disconnections),
        ("client_output_buffer_limit_disconnections", &counters.output_limit_disconnections),
    ];
    for (name, figure) in closed {
        lines.add(name, count(figure));
    }
    lines.add("eventloop_cycles", server.moved(|traffic| &traffic.iterations));
    let per_second = rates.iterations.round() as u64;
    lines.add("instantaneous_eventloop_cycles_per_sec", per_second);
    lines.add("acl_access_denied_auth", count(&counters.auth_failures));
    lines.zeros(&["acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel"]);
    lines.add("connection_handovers", count(&counters.handovers));
    lines.add("ordered_iterations", count(&counters.ordered_iterations));
}

/// The estimated share of keys past their time, over all keys with an expiry.
fn stale_percent(cx: &Read<'_>) -> f64 {
    let volatile: usize = cx.parts().iter().map(|part| part.volatile_len()).sum();
    let stale = |part: &Shard| part.stats.stale_percent * part.volatile_len() as f64;
    let stale: f64 = cx.parts().iter().map(|part| stale(part)).sum();
    if volatile == 0 { 0.0 } else { stale / volatile as f64 }
}

pub(super) fn replication(cx: &Read<'_>, lines: &mut Lines) {
    lines.add("role", "master");
    lines.zeros(&["connected_slaves", "replicas_waiting_psync"]);
    lines.add("master_failover_state", "no-failover");
    lines.add("master_replid", &cx.server().run_id);
    lines.add("master_replid2", "0".repeat(40));
    lines.zeros(&["master_repl_offset"]);
    lines.add("second_repl_offset", -1);
    lines.zeros(&["repl_backlog_active", "repl_backlog_size", "repl_backlog_first_byte_offset"]);
    lines.zeros(&["repl_backlog_histlen"]);
}

pub(super) fn command_stats(cx: &Read<'_>, lines: &mut Lines) {
    for command in rows() {
        let CommandFigures { calls, ns, rejected, failed } = figures(cx, command.number);
        if calls + rejected == 0 {
            continue;
        }
        let us = ns / 1000;
        let each = if calls == 0 { 0.0 } else { ns as f64 / 1000.0 / calls as f64 };
        let value = format_args!(
            "calls={calls},usec={us},usec_per_call={each:.2},rejected_calls={rejected},\
             failed_calls={failed}"
        );
        lines.add(format_args!("cmdstat_{}", command.name), value);
    }
}

/// Error replies by code word, those of shards and of acceptors.
fn errors(cx: &Read<'_>) -> BTreeMap<Box<str>, u64> {
    let mut all = cx.server().errors.all();
    for part in cx.parts() {
        for (code, count) in &part.stats.errors {
            *all.entry(code.clone()).or_default() += count;
        }
    }
    all
}

pub(super) fn error_stats(cx: &Read<'_>, lines: &mut Lines) {
    for (code, count) in errors(cx) {
        lines.add(format_args!("errorstat_{code}"), format_args!("count={count}"));
    }
}

pub(super) fn latency_stats(cx: &Read<'_>, lines: &mut Lines) {
    let percentiles = &cx.config().latency_tracking_info_percentiles;
    if !cx.config().latency_tracking {
        return;
    }
    for command in rows() {
        let Some(times) = times_of(cx, command.number) else { continue };
        let value: Vec<String> = percentiles
            .iter()
            .map(|percentile| {
                let ns = times.value_at_percentile(*percentile);
                format!("p{percentile}={:.3}", ns as f64 / 1000.0)
            })
            .collect();
        let name = format_args!("latency_percentiles_usec_{}", command.name);
        lines.add(name, value.join(","));
    }
}

pub(super) fn cluster(_cx: &Read<'_>, lines: &mut Lines) {
    lines.zeros(&["cluster_enabled"]);
}

pub(super) fn keyspace(cx: &Read<'_>, lines: &mut Lines) {
    for db in 0..cx.config().databases as usize {
        let dbs = || cx.parts().iter().filter_map(move |part| part.dbs.get(db));
        let keys: usize = dbs().map(|db| db.len()).sum();
        if keys == 0 {
            continue;
        }
        let expires: usize = dbs().map(|db| db.volatile_len()).sum();
        let avg_ttl_ms = average_ttl_ms(cx, db);
        let volatile: usize = dbs().map(|db| db.volatile_fields_len()).sum();
        let value = format_args!(
            "keys={keys},expires={expires},avg_ttl={avg_ttl_ms},keys_with_volatile_items={volatile}"
        );
        lines.add(format_args!("db{db}"), value);
    }
}

/// The average time that keys with an expiry have left, in ms: an estimate by samples.
fn average_ttl_ms(cx: &Read<'_>, db: usize) -> i64 {
    /// Keys looked at in each shard.
    const SAMPLES: usize = 16;
    let (mut weighted, mut keys) = (0.0, 0);
    for part in cx.parts() {
        let (mut sum_ms, mut seen) = (0, 0);
        let Some(db) = part.dbs.get(db) else { continue };
        db.sample_volatile(&mut part.rng.clone(), SAMPLES, |entry| {
            sum_ms += entry.expiry().map_or(0, |at| (at - part.now_ms).max(0));
            seen += 1;
        });
        if seen > 0 {
            weighted += sum_ms as f64 / f64::from(seen) * db.volatile_len() as f64;
            keys += db.volatile_len();
        }
    }
    if keys == 0 { 0 } else { (weighted / keys as f64) as i64 }
}

pub(super) fn shards(cx: &Read<'_>, lines: &mut Lines) {
    for part in cx.parts() {
        let stats = &part.stats;
        let value = format_args!(
            "keys={},expires={},bytes={},commands={},hits={},misses={},batches_owned={},\
             batches_lent={},meetings={}",
            part.len(),
            part.volatile_len(),
            part.bytes(),
            stats.commands,
            stats.hits,
            stats.misses,
            stats.batches_owned,
            stats.batches_lent,
            stats.meetings,
        );
        lines.add(format_args!("shard{}", part.number), value);
    }
    let server = cx.server();
    let mut connections = vec![0; server.acceptors];
    for card in server.clients.all() {
        connections[usize::from(card.acceptor.load(Relaxed))] += 1;
    }
    for (number, connections) in connections.iter().enumerate() {
        let requests = server.requests[number].load(Relaxed);
        let value = format_args!("connections={connections},requests={requests}");
        lines.add(format_args!("acceptor{number}"), value);
    }
    lines.add("connection_moves", server.counters.moves.load(Relaxed));
}
