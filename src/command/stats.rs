//! Figures of commands over everything that runs them: the shards, and the acceptors.

use std::sync::atomic::Ordering::Relaxed;

use hdrhistogram::Histogram;

use super::{Args, CommandResult, Read, Write};
use crate::observe::new_histogram;
use crate::resp::Writer;

/// What is known of one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandFigures {
    /// Runs.
    pub calls: u64,
    /// Nanoseconds spent.
    pub ns: u64,
    /// Requests refused before they ran.
    pub rejected: u64,
    /// Runs that answered an error.
    pub failed: u64,
}

/// The figures of the command with this number. Every box must be in hand.
pub fn figures(cx: &Read<'_>, number: u16) -> CommandFigures {
    let mut sum = CommandFigures::default();
    for part in cx.parts() {
        let Some(stat) = part.stats.by_command.get(number as usize) else { continue };
        sum.calls += stat.calls;
        sum.ns += stat.ns;
        sum.rejected += stat.rejected;
        sum.failed += stat.failed;
    }
    for stat in cx.server().session_stats.iter().filter_map(|stats| stats.get(number as usize)) {
        sum.calls += stat.calls.load(Relaxed);
        sum.ns += stat.ns.load(Relaxed);
        sum.rejected += stat.rejected.load(Relaxed);
        sum.failed += stat.failed.load(Relaxed);
    }
    sum
}

/// How the times of the command with this number are spread, in nanoseconds; `None` if it was
/// never run. Every box must be in hand.
pub fn times_of(cx: &Read<'_>, number: u16) -> Option<Histogram<u64>> {
    let mut sum = new_histogram()?;
    for part in cx.parts() {
        if let Some(Some(times)) = part.stats.times.get(number as usize) {
            // They grow by themselves, so one always fits into another.
            let _ = sum.add(&**times);
        }
    }
    for stats in &cx.server().session_stats {
        stats.get(number as usize)?.times.add_to(&mut sum);
    }
    (!sum.is_empty()).then_some(sum)
}

/// CONFIG RESETSTAT
pub fn reset_stat(cx: &mut Write<'_>, _args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    for part in cx.parts_mut() {
        part.stats.reset();
    }
    cx.server().reset_stats();
    out.ok();
    Ok(())
}
