//! XINFO: what a stream, its groups and their consumers look like.

use super::super::error::CommandError;
use super::super::{Args, CommandResult, Read, SessionContext, help};
use super::{errors, reply};
use crate::resp::Writer;
use crate::value::stream::{ConsumerId, Group, Log, Stream, StreamId};

/// Entries of each list in the full form when it is not told.
const USUAL_COUNT: u64 = 10;

/// XINFO STREAM key [FULL [COUNT count]]
pub(super) fn stream(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let stream = cx.read_as::<Stream>(&args.key(2))?.ok_or(CommandError::NO_SUCH_KEY)?;
    let wrong = || errors::subcommand_syntax("XINFO", &args[1]);
    match args.len() {
        3 => {
            overview(stream, out);
            return Ok(());
        }
        4 | 6 if args.is(3, "FULL") => {}
        _ => return Err(wrong()),
    }
    let mut count = USUAL_COUNT;
    if args.len() == 6 {
        if !args.is(4, "COUNT") {
            return Err(wrong());
        }
        count = u64::try_from(args.integer(5)?).unwrap_or(USUAL_COUNT);
    }
    full(stream, count, out);
    Ok(())
}

/// The fields that both forms begin with.
fn counters(log: &Log, out: &mut Writer<'_>) {
    out.bulk(b"length");
    out.int(log.len() as i64);
    out.bulk(b"radix-tree-keys");
    out.int(log.node_count() as i64);
    out.bulk(b"radix-tree-nodes");
    out.int(log.radix_nodes() as i64);
    out.bulk(b"last-generated-id");
    reply::id(out, log.last_id());
    out.bulk(b"max-deleted-entry-id");
    reply::id(out, log.max_deleted_id());
    out.bulk(b"entries-added");
    out.int(log.added() as i64);
    out.bulk(b"recorded-first-entry-id");
    reply::id(out, log.first_id());
}

fn overview(stream: &Stream, out: &mut Writer<'_>) {
    let log = stream.log();
    out.map(10);
    counters(log, out);
    out.bulk(b"groups");
    out.int(stream.groups().len() as i64);
    let ends = [
        (&b"first-entry"[..], log.range(StreamId::MIN, StreamId::MAX).next()),
        (b"last-entry", log.range_back(StreamId::MIN, StreamId::MAX).next()),
    ];
    for (name, entry) in ends {
        out.bulk(name);
        match entry {
            Some(entry) => reply::entry(out, entry),
            None => out.null(),
        }
    }
}

fn full(stream: &Stream, count: u64, out: &mut Writer<'_>) {
    let log = stream.log();
    out.map(9);
    counters(log, out);
    out.bulk(b"entries");
    reply::entries(out, log.range(StreamId::MIN, StreamId::MAX), count);
    out.bulk(b"groups");
    let groups = stream.groups();
    out.array(groups.len());
    for (name, group) in groups {
        full_group(log, name, group, count, out);
    }
}

fn full_group(log: &Log, name: &[u8], group: &Group, count: u64, out: &mut Writer<'_>) {
    out.map(7);
    out.bulk(b"name");
    out.bulk(name);
    out.bulk(b"last-delivered-id");
    reply::id(out, group.last_id());
    out.bulk(b"entries-read");
    reply::int_or_null(out, group.read());
    out.bulk(b"lag");
    reply::int_or_null(out, group.lag(log));
    out.bulk(b"pel-count");
    out.int(group.pending_len() as i64);
    out.bulk(b"pending");
    let shown = shown(count, group.pending_len());
    out.array(shown);
    for (id, pending) in group.pending_range(StreamId::MIN..=StreamId::MAX).take(shown) {
        out.array(4);
        reply::id(out, id);
        out.bulk(group.consumer(pending.consumer).name());
        out.int(pending.delivered_ms);
        out.int(pending.deliveries);
    }
    out.bulk(b"consumers");
    let consumers = group.consumers();
    out.array(consumers.len());
    for (id, _) in consumers {
        full_consumer(group, id, count, out);
    }
}

fn full_consumer(group: &Group, id: ConsumerId, count: u64, out: &mut Writer<'_>) {
    let consumer = group.consumer(id);
    out.map(5);
    out.bulk(b"name");
    out.bulk(consumer.name());
    out.bulk(b"seen-time");
    out.int(consumer.seen_ms);
    out.bulk(b"active-time");
    out.int(consumer.active_ms.unwrap_or(-1));
    out.bulk(b"pel-count");
    out.int(consumer.pending_len() as i64);
    out.bulk(b"pending");
    let shown = shown(count, consumer.pending_len());
    out.array(shown);
    for (id, pending) in group.pending_of(id, StreamId::MIN..=StreamId::MAX).take(shown) {
        out.array(3);
        reply::id(out, id);
        out.int(pending.delivered_ms);
        out.int(pending.deliveries);
    }
}

/// How many of `len` are shown if no more than `count` are asked for, 0 being no bound.
fn shown(count: u64, len: usize) -> usize {
    if count == 0 { len } else { len.min(usize::try_from(count).unwrap_or(usize::MAX)) }
}

/// XINFO GROUPS key
pub(super) fn groups(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let stream = cx.read_as::<Stream>(&args.key(2))?.ok_or(CommandError::NO_SUCH_KEY)?;
    let groups = stream.groups();
    out.array(groups.len());
    for (name, group) in groups {
        out.map(6);
        out.bulk(b"name");
        out.bulk(name);
        out.bulk(b"consumers");
        out.int(group.consumers().len() as i64);
        out.bulk(b"pending");
        out.int(group.pending_len() as i64);
        out.bulk(b"last-delivered-id");
        reply::id(out, group.last_id());
        out.bulk(b"entries-read");
        reply::int_or_null(out, group.read());
        out.bulk(b"lag");
        reply::int_or_null(out, group.lag(stream.log()));
    }
    Ok(())
}

/// XINFO CONSUMERS key group
pub(super) fn consumers(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let (key, now_ms) = (args.key(2), cx.now_ms());
    let stream = cx.read_as::<Stream>(&key)?.ok_or(CommandError::NO_SUCH_KEY)?;
    let group = stream.group(&args[3]);
    let group = group.ok_or_else(|| errors::no_group_in_key(key.bytes, &args[3]))?;
    let consumers = group.consumers();
    out.array(consumers.len());
    for (_, consumer) in consumers {
        let inactive_ms = consumer.active_ms.map_or(-1, |at_ms| now_ms.saturating_sub(at_ms));
        out.map(4);
        out.bulk(b"name");
        out.bulk(consumer.name());
        out.bulk(b"pending");
        out.int(consumer.pending_len() as i64);
        out.bulk(b"idle");
        out.int(now_ms.saturating_sub(consumer.seen_ms).max(0));
        out.bulk(b"inactive");
        out.int(inactive_ms);
    }
    Ok(())
}

/// XINFO HELP
pub(super) fn help(_: &mut SessionContext<'_>, _: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    const LINES: &[&str] = &[
        "CONSUMERS <key> <groupname>",
        "    Shows the consumers of a group.",
        "GROUPS <key>",
        "    Shows the groups of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    Shows a stream, and with FULL everything in it.",
    ];
    help::write(out, "XINFO", LINES);
    Ok(())
}
