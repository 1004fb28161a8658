//! LATENCY: spikes by event, and how the times of commands are spread.

use super::info::ratio;
use super::spec::{Arg, ArgKind, Command, Flags, Group};
use super::stats::times_of;
use super::{Args, CommandError, CommandResult, Read, SessionContext, registry};
use crate::observe::Series;
use crate::resp::Writer;

/// LATENCY LATEST
fn latest(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let events = cx.server.latency.all();
    out.array(events.len());
    for (event, series) in events {
        let (at_s, ms) = series.samples.back().map_or((0, 0), |last| (last.at_s, last.ms));
        out.array(6);
        out.bulk(event.as_bytes());
        out.int(at_s);
        for figure in [ms, series.max_ms, series.sum_ms, series.count] {
            out.int(figure as i64);
        }
    }
    Ok(())
}

/// LATENCY HISTORY event
fn history(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let series = cx.server.latency.get(&args[2]).map_or_else(Series::default, |(_, found)| found);
    out.array(series.samples.len());
    for sample in &series.samples {
        out.array(2);
        out.int(sample.at_s);
        out.int(sample.ms as i64);
    }
    Ok(())
}

/// LATENCY RESET [event …]
fn reset(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let gone = match args.len() {
        2 => cx.server.latency.reset_all(),
        _ => args.iter().skip(2).filter(|event| cx.server.latency.reset(event)).count(),
    };
    out.int(gone as i64);
    Ok(())
}

/// LATENCY GRAPH event
fn graph(cx: &mut SessionContext<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let Some((event, series)) = cx.server.latency.get(&args[2]) else {
        let text = [b"ERR No samples available for event '", &args[2], b"'"];
        return Err(CommandError::made(text.concat()));
    };
    out.verbatim("txt", draw(event, &series, cx.now_ms / 1000).as_bytes());
    Ok(())
}

/// Samples in a graph.
const COLUMNS: usize = 80;
/// Lines that the bars of a graph take.
const ROWS: u64 = 4;

/// The spikes as bars, each with its age below: upright, a character per line (`5` over `m`: five
/// minutes ago).
fn draw(event: &str, series: &Series, now_s: i64) -> String {
    let shown = series.samples.len().saturating_sub(COLUMNS);
    let samples: Vec<_> = series.samples.iter().skip(shown).collect();
    let high = samples.iter().map(|sample| sample.ms).max().unwrap_or(0);
    let low = samples.iter().map(|sample| sample.ms).min().unwrap_or(0);
    let mut text = format!(
        "{event} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        series.max_ms,
        "-".repeat(COLUMNS)
    );
    // Three heights of a character: `_`, `o`, `#`; `|` below the top of a bar.
    let span = (high - low).max(1);
    let heights: Vec<u64> =
        samples.iter().map(|sample| (sample.ms - low) * (3 * ROWS - 1) / span).collect();
    for row in (0..ROWS).rev() {
        let bar = |height: &u64| match height.checked_sub(3 * row) {
            None => ' ',
            Some(0) => '_',
            Some(1) => 'o',
            Some(2) => '#',
            Some(_) => '|',
        };
        text.extend(heights.iter().map(bar));
        text.push('\n');
    }
    text.push('\n');
    let ages: Vec<String> = samples.iter().map(|sample| age(now_s - sample.at_s)).collect();
    let longest = ages.iter().map(String::len).max().unwrap_or(0);
    for line in 0..longest {
        text.extend(ages.iter().map(|age| age.chars().nth(line).unwrap_or(' ')));
        text.push('\n');
    }
    text
}

/// An age in its largest unit.
fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ ..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// LATENCY DOCTOR
fn doctor(cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let threshold_ms = cx.config.latency_monitor_threshold;
    let text = if threshold_ms == 0 {
        "Nobody is watching: set latency-monitor-threshold to the milliseconds that count as a \
         spike (CONFIG SET latency-monitor-threshold 100), and ask again later.\n"
            .to_owned()
    } else {
        diagnose(&cx.server.latency.all(), threshold_ms, cx.config.slowlog_log_slower_than)
    };
    out.verbatim("txt", text.as_bytes());
    Ok(())
}

/// What there is to say of the spikes.
fn diagnose(events: &[(&str, Series)], threshold_ms: u64, slower_than_us: i64) -> String {
    if events.is_empty() {
        return format!("No event has taken {threshold_ms} ms or more: all is well.\n");
    }
    let mut text = format!("Events that took {threshold_ms} ms or more:\n\n");
    for (number, (event, series)) in events.iter().enumerate() {
        let count = series.samples.len() as u64;
        let mean = ratio(series.samples.iter().map(|sample| sample.ms).sum(), count);
        let away = |ms: u64| (ms as f64 - mean).abs();
        let deviation =
            series.samples.iter().map(|sample| away(sample.ms)).sum::<f64>() / count.max(1) as f64;
        let span_s = match (series.samples.front(), series.samples.back()) {
            (Some(first), Some(last)) => last.at_s - first.at_s,
            _ => 0,
        };
        text.push_str(&format!(
            "{}. {event}: {count} seconds with spikes, {mean:.0} ms on average ({deviation:.0} ms \
             around it), one in {:.1} s, the worst ever {} ms\n",
            number + 1,
            span_s as f64 / count.max(1) as f64,
            series.max_ms
        ));
    }
    text.push_str("\nWhat may help:\n\n");
    let threshold_us = i64::try_from(threshold_ms * 1000).unwrap_or(i64::MAX);
    if slower_than_us < 0 || slower_than_us > threshold_us {
        text.push_str(&format!(
            "- The slow log would not show these: CONFIG SET slowlog-log-slower-than \
             {threshold_us}.\n"
        ));
    } else {
        text.push_str("- SLOWLOG GET shows which commands they were.\n");
    }
    text.push_str(
        "- A command holds up its shard only: INFO shards tells whether one has more to do than \
         the others.\n- Commands over all keys (KEYS, FLUSHALL SYNC, big DELs) are better done in \
         steps (SCAN, UNLINK).\n",
    );
    text
}

/// LATENCY HISTOGRAM [command …]
fn histogram(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let head = out.deferred_map();
    let mut count = 0;
    let mut write = |command: &super::Command, out: &mut Writer<'_>| {
        let Some(times) = times_of(cx, command.number) else { return };
        out.bulk(command.name.as_bytes());
        write_times(&times, out);
        count += 1;
    };
    if args.len() == 2 {
        for command in registry::all() {
            write(command, out);
            command.subcommands.iter().for_each(|subcommand| write(subcommand, out));
        }
    } else {
        for command in args.iter().skip(2).filter_map(registry::find_full) {
            write(command, out);
            // A container stands for all of its subcommands.
            command.subcommands.iter().for_each(|subcommand| write(subcommand, out));
        }
    }
    out.finish_map(head, count);
    Ok(())
}

/// Writes how many runs took at most so many microseconds, for the powers of two at which that
/// number grows.
fn write_times(times: &hdrhistogram::Histogram<u64>, out: &mut Writer<'_>) {
    /// Redis's first step.
    const FIRST_NS: u64 = 1024;
    out.map(2);
    out.bulk(b"calls");
    out.int(times.len() as i64);
    out.bulk(b"histogram_usec");
    let head = out.deferred_map();
    let (mut steps, mut before) = (0, 0);
    for step in times.iter_log(FIRST_NS, 2.0) {
        let total = before + step.count_since_last_iteration();
        if total > before {
            out.int(((step.value_iterated_to() / 1000).max(1)) as i64);
            out.int(total as i64);
            steps += 1;
        }
        before = total;
    }
    out.finish_map(head, steps);
}

fn help(_cx: &mut SessionContext<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    super::help::write(
        out,
        "LATENCY",
        &[
            "DOCTOR",
            "    What the spikes look like, and what may help.",
            "GRAPH <event>",
            "    The spikes of an event as a drawing.",
            "HISTOGRAM [<command> ...]",
            "    How many runs of each command took at most so many microseconds.",
            "HISTORY <event>",
            "    The spikes of an event: Unix time and milliseconds.",
            "LATEST",
            "    The last spike of each event.",
            "RESET [<event> ...]",
            "    Forget the spikes of these events, or of all.",
        ],
    );
    Ok(())
}

const SUBCOMMANDS: &[Command] = &[
    Command::session("latency|doctor", 2, doctor)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .docs(
            Group::Server,
            "2.8.13",
            "Says in words what the spikes look like and what may help.",
            "O(1)",
        ),
    Command::session("latency|graph", 3, graph)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .args(const { &[Arg::new("event", ArgKind::String)] })
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .docs(Group::Server, "2.8.13", "Draws the spikes of one kind of event.", "O(1)"),
    Command::session("latency|help", 2, help).flags(Flags::LOADING.and(Flags::STALE)).docs(
        Group::Server,
        "2.8.13",
        "Lists the subcommands.",
        "O(1)",
    ),
    Command::inspect("latency|histogram", -2, histogram)
        .flags(Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE))
        .args(const { &[Arg::new("command", ArgKind::String).optional().multiple()] })
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .all_together()
        .docs(
            Group::Server,
            "7.0.0",
            "How the times of commands are spread.",
            "O(N) in the number of commands that have been run",
        ),
    Command::session("latency|history", 3, history)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .args(const { &[Arg::new("event", ArgKind::String)] })
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .docs(Group::Server, "2.8.13", "The spikes of one kind of event.", "O(1)"),
    Command::session("latency|latest", 2, latest)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .tips(&["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"])
        .docs(Group::Server, "2.8.13", "The last spike of every kind of event.", "O(1)"),
    Command::session("latency|reset", -2, reset)
        .flags(
            Flags::ADMIN
                .and(Flags::NOSCRIPT)
                .and(Flags::LOADING)
                .and(Flags::STALE)
                .and(Flags::BARRIER),
        )
        .args(const { &[Arg::new("event", ArgKind::String).optional().multiple()] })
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum"])
        .docs(
            Group::Server,
            "2.8.13",
            "Forgets the spikes of some kinds of event, or of all.",
            "O(1)",
        ),
];

/// The rows of the family.
pub const TABLE: &[Command] = &[Command::container("latency", SUBCOMMANDS).docs(
    Group::Server,
    "2.8.13",
    "Spikes of latency, and how the times of commands are spread.",
    "Depends on the subcommand.",
)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::LatencyMonitor;

    fn series(spikes: &[(i64, u64)]) -> Series {
        let monitor = LatencyMonitor::default();
        for &(at_s, ms) in spikes {
            monitor.add("command", at_s, ms);
        }
        monitor.get(b"command").expect("it was added").1
    }

    #[test]
    fn a_graph_has_a_bar_for_each_spike() {
        let text = draw("command", &series(&[(0, 10), (60, 500), (119, 255)]), 120);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "command - high 500 ms, low 10 ms (all time high 500 ms)");
        assert_eq!(&lines[2..6], [" # ", " | ", " |#", "_||"]);
        assert_eq!(&lines[7..], ["211", "mms"]);
        let many: Vec<(i64, u64)> = (0..500).map(|second| (second, 20)).collect();
        let text = draw("command", &series(&many), 500);
        assert!(text.lines().all(|line| line.len() <= COLUMNS));
    }

    #[test]
    fn the_doctor_looks_at_the_slow_log_first() {
        assert!(diagnose(&[], 100, 10_000).contains("all is well"));
        let events = [("command", series(&[(0, 100), (10, 300)]))];
        let text = diagnose(&events, 50, 10_000);
        assert!(text.contains("1. command: 2 seconds with spikes, 200 ms on average (100 ms"));
        assert!(text.contains("SLOWLOG GET"));
        assert!(diagnose(&events, 50, -1).contains("slowlog-log-slower-than 50000"));
    }
}
