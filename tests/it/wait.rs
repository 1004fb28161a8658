//! Waiting in tests: the one place of the test crate that reads a clock or sleeps.
//!
//! A test never sleeps for a fixed time in the hope that something has happened: it polls a
//! condition with a bound. Everything else in `tests/` goes through these functions.

use std::time::{Duration, Instant};

/// Pause between two polls of a condition.
const POLL: Duration = Duration::from_millis(2);

/// Polls `cond` until it holds or `bound` has passed; says whether it held.
pub fn wait_until(bound: Duration, mut cond: impl FnMut() -> bool) -> bool {
    wait_for(bound, || cond().then_some(())).is_some()
}

/// Polls `probe` until it gives a value or `bound` has passed.
pub fn wait_for<T>(bound: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Deadline::after(bound);
    loop {
        if let Some(value) = probe() {
            return Some(value);
        }
        if deadline.passed() {
            return None;
        }
        pause(POLL);
    }
}

/// Blocks this thread for `time`: for the pace of a poll or of a load, never as a synchronisation.
#[allow(clippy::disallowed_methods)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A monotonic reading, for tests that measure how long something took.
#[allow(clippy::disallowed_methods)]
pub fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since the Unix epoch, as the servers count absolute expiries.
#[allow(clippy::disallowed_methods)]
pub fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("the machine's clock stands before 1970");
    i64::try_from(since.as_millis()).expect("the machine's clock is beyond the year 292 million")
}

/// A point in time by which something must have happened.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The moment `bound` from now.
    pub fn after(bound: Duration) -> Self {
        Self(now() + bound)
    }

    /// Whether the moment has come.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Time left, zero once passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(now())
    }
}
