//! The one module that reads the machine's clocks and waits by them.
//!
//! Everything else is given the time: a test or a simulation hands in [`Clock::simulated`] and
//! advances it by hand. Unix time is what clients see (expiry, `TIME`); ticks only ever measure
//! how long something took and never run backwards.

#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub type UnixMs = i64;

/// A handle on a source of time; cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System(quanta::Clock),
    Simulated(Arc<AtomicU64>),
}

/// The hand that moves a simulated clock.
#[derive(Clone, Debug)]
pub struct ClockHand {
    unix_us: Arc<AtomicU64>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock { source: Source::System(quanta::Clock::new()) }
    }

    /// A clock that stands at `unix_us` (microseconds since the Unix epoch) until its hand moves.
    pub fn simulated(unix_us: u64) -> (Clock, ClockHand) {
        let unix_us = Arc::new(AtomicU64::new(unix_us));
        (Clock { source: Source::Simulated(unix_us.clone()) }, ClockHand { unix_us })
    }

    /// Microseconds since the Unix epoch. May step with the machine's clock.
    pub fn unix_us(&self) -> u64 {
        match &self.source {
            Source::System(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |elapsed| elapsed.as_micros() as u64),
            Source::Simulated(unix_us) => unix_us.load(Ordering::SeqCst),
        }
    }

    /// Milliseconds since the Unix epoch. May step with the machine's clock.
    pub fn unix_ms(&self) -> UnixMs {
        (self.unix_us() / 1000) as UnixMs
    }

    /// A reading of a counter that only measures intervals: see [`Clock::ns_between`].
    pub fn ticks(&self) -> u64 {
        match &self.source {
            Source::System(clock) => clock.raw(),
            Source::Simulated(unix_us) => unix_us.load(Ordering::SeqCst),
        }
    }

    /// Nanoseconds between two readings of [`Clock::ticks`].
    pub fn ns_between(&self, start: u64, end: u64) -> u64 {
        match &self.source {
            Source::System(clock) => clock.delta_as_nanos(start, end),
            Source::Simulated(_) => end.saturating_sub(start) * 1000,
        }
    }

    /// Blocks this thread for `duration`: only for commands whose purpose is to block
    /// (`DEBUG SLEEP`). A simulated clock is moved forward instead.
    pub fn sleep(&self, duration: Duration) {
        match &self.source {
            Source::System(_) => std::thread::sleep(duration),
            Source::Simulated(unix_us) => {
                unix_us.fetch_add(duration.as_micros() as u64, Ordering::SeqCst);
            }
        }
    }
}

impl ClockHand {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.unix_us.fetch_add(by.as_micros() as u64, Ordering::SeqCst);
    }
}
