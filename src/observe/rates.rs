//! Rates over the last moments: what INFO calls instantaneous.
//!
//! The control thread samples the running totals; a rate is taken over the samples in hand.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Samples kept: with one a second, rates are over the last few seconds.
const SAMPLES: usize = 4;
/// Between samples, in ms; a little less than the control thread's interval, which it must not
/// miss by a hair.
const INTERVAL_MS: i64 = 950;

/// Running totals at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// The moment, ms of Unix time.
    pub at_ms: i64,
    /// Commands run.
    pub commands: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Event-loop iterations.
    pub iterations: u64,
}

/// Rates per second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PerSecond {
    /// Commands run.
    pub commands: f64,
    /// Bytes received.
    pub bytes_in: f64,
    /// Bytes sent.
    pub bytes_out: f64,
    /// Event-loop iterations.
    pub iterations: f64,
}

/// The last samples.
#[derive(Default)]
pub struct Rates {
    samples: Mutex<VecDeque<Totals>>,
}

impl Rates {
    fn samples(&self) -> MutexGuard<'_, VecDeque<Totals>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time for a sample: not more than one a second.
    pub fn is_due(&self, now_ms: i64) -> bool {
        self.samples().back().is_none_or(|last| now_ms - last.at_ms >= INTERVAL_MS)
    }

    /// Adds a sample.
    pub fn sample(&self, totals: Totals) {
        let mut samples = self.samples();
        if samples.len() == SAMPLES {
            samples.pop_front();
        }
        samples.push_back(totals);
    }

    /// Forgets all samples: the totals begin anew.
    pub fn reset(&self) {
        self.samples().clear();
    }

    /// The rates between the first and the last sample in hand.
    pub fn per_second(&self) -> PerSecond {
        let samples = self.samples();
        let (Some(first), Some(last)) = (samples.front(), samples.back()) else {
            return PerSecond::default();
        };
        let seconds = (last.at_ms - first.at_ms) as f64 / 1000.0;
        if seconds <= 0.0 {
            return PerSecond::default();
        }
        let rate = |first: u64, last: u64| last.saturating_sub(first) as f64 / seconds;
        PerSecond {
            commands: rate(first.commands, last.commands),
            bytes_in: rate(first.bytes_in, last.bytes_in),
            bytes_out: rate(first.bytes_out, last.bytes_out),
            iterations: rate(first.iterations, last.iterations),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_over_the_last_samples() {
        let rates = Rates::default();
        assert_eq!(rates.per_second(), PerSecond::default());
        for second in 0..10 {
            let commands = second * second;
            rates.sample(Totals { at_ms: second as i64 * 1000, commands, ..Totals::default() });
        }
        assert_eq!(rates.per_second().commands, (81.0 - 36.0) / 3.0);
    }
}
