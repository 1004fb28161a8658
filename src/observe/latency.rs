//! Latency: spikes by event (the latency monitor), and the spread of commands' times.
//!
//! The monitor remembers, for each kind of event, the worst of each of the last [`SAMPLES`]
//! seconds that had one above `latency-monitor-threshold`. It is locked only for such an event.
//! Commands that acceptors run count their times in [`SharedHistogram`]s, which take no lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use hdrhistogram::Histogram;

/// Samples kept of one event.
const SAMPLES: usize = 160;

/// One second with a spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The second, of Unix time.
    pub at_s: i64,
    /// The worst in it, in ms.
    pub ms: u64,
}

/// The spikes of one kind of event.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The last seconds with a spike, oldest first.
    pub samples: VecDeque<Sample>,
    /// The worst of all, in ms.
    pub max_ms: u64,
    /// The sum of all, in ms.
    pub sum_ms: u64,
    /// How many there were.
    pub count: u64,
}

/// Spikes by event.
#[derive(Default)]
pub struct LatencyMonitor {
    events: Mutex<BTreeMap<&'static str, Series>>,
}

impl LatencyMonitor {
    fn events(&self) -> MutexGuard<'_, BTreeMap<&'static str, Series>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a spike of `ms`.
    pub fn add(&self, event: &'static str, at_s: i64, ms: u64) {
        let mut events = self.events();
        let series = events.entry(event).or_default();
        series.max_ms = series.max_ms.max(ms);
        series.sum_ms += ms;
        series.count += 1;
        match series.samples.back_mut() {
            Some(last) if last.at_s == at_s => last.ms = last.ms.max(ms),
            _ => {
                if series.samples.len() == SAMPLES {
                    series.samples.pop_front();
                }
                series.samples.push_back(Sample { at_s, ms });
            }
        }
    }

    /// All events with their spikes, by name.
    pub fn all(&self) -> Vec<(&'static str, Series)> {
        self.events().iter().map(|(event, series)| (*event, series.clone())).collect()
    }

    /// The spikes of one event, in any case.
    pub fn get(&self, event: &[u8]) -> Option<(&'static str, Series)> {
        self.all().into_iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(event))
    }

    /// Forgets the spikes of an event; true if there were any.
    pub fn reset(&self, event: &[u8]) -> bool {
        let mut events = self.events();
        let before = events.len();
        events.retain(|name, _| !name.as_bytes().eq_ignore_ascii_case(event));
        events.len() < before
    }

    /// Forgets all; gives the number of events that there were.
    pub fn reset_all(&self) -> usize {
        std::mem::take(&mut *self.events()).len()
    }
}

/// Two significant digits: what Redis keeps.
const DIGITS: u8 = 2;

/// An empty histogram of nanoseconds, as shards keep one per command.
pub fn new_histogram() -> Option<Histogram<u64>> {
    Histogram::new(DIGITS).ok()
}

/// Times in this many steps per power of two: within 3 % of the truth.
const STEPS: u64 = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Times of up to 2^36 ns, a minute; longer ones count as that.
const POWERS: usize = 36;

/// A histogram of nanoseconds that one thread adds to while others read it.
#[derive(Default)]
pub struct SharedHistogram {
    counts: OnceLock<Box<[AtomicU64]>>,
}

impl SharedHistogram {
    const LEN: usize = POWERS * STEPS as usize;

    /// Counts a time. One thread alone may do that.
    pub fn record(&self, ns: u64) {
        let counts =
            self.counts.get_or_init(|| (0..Self::LEN).map(|_| AtomicU64::new(0)).collect());
        super::bump(&counts[Self::index(ns)], 1);
    }

    fn index(ns: u64) -> usize {
        if ns < STEPS {
            return ns as usize;
        }
        let power = ns.ilog2() - STEP_BITS;
        let step = (ns >> power) - STEPS;
        ((u64::from(power) + 1) * STEPS + step).min(Self::LEN as u64 - 1) as usize
    }

    /// The largest time that is counted at `index`.
    fn highest(index: usize) -> u64 {
        let (power, step) = (index as u64 / STEPS, index as u64 % STEPS);
        match power {
            0 => step,
            _ => ((STEPS + step + 1) << (power - 1)) - 1,
        }
    }

    /// Adds what was counted to a histogram of nanoseconds.
    pub fn add_to(&self, histogram: &mut Histogram<u64>) {
        let Some(counts) = self.counts.get() else { return };
        for (index, count) in counts.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                // It grows by itself, so every value fits.
                let _ = histogram.record_n(Self::highest(index).max(1), count);
            }
        }
    }

    /// Forgets what was counted.
    pub fn reset(&self) {
        for count in self.counts.get().into_iter().flatten() {
            count.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_keeps_its_worst() {
        let monitor = LatencyMonitor::default();
        for (at_s, ms) in [(1, 5), (1, 9), (1, 3), (2, 4)] {
            monitor.add("command", at_s, ms);
        }
        let (_, series) = monitor.get(b"COMMAND").expect("it was added");
        let seconds: Vec<(i64, u64)> = series.samples.iter().map(|s| (s.at_s, s.ms)).collect();
        assert_eq!(seconds, [(1, 9), (2, 4)]);
        assert_eq!((series.max_ms, series.sum_ms, series.count), (9, 21, 4));
        assert!(!monitor.reset(b"other") && monitor.reset(b"command"));
        assert_eq!(monitor.reset_all(), 0);
        for at_s in 0..1000 {
            monitor.add("command", at_s, 1);
        }
        assert_eq!(monitor.get(b"command").expect("it was added").1.samples.len(), SAMPLES);
    }

    #[test]
    fn times_are_counted_within_three_percent() {
        let shared = SharedHistogram::default();
        let mut last = 0;
        for ns in [0, 1, 31, 32, 33, 63, 64, 1000, 12_345, 1_000_000, 1_000_000_000] {
            let index = SharedHistogram::index(ns);
            assert!(index >= last, "{ns}");
            last = index;
            let highest = SharedHistogram::highest(index);
            assert!(highest >= ns && highest <= ns + ns / STEPS, "{ns} counts as {highest}");
            shared.record(ns);
        }
        shared.record(u64::MAX);
        let mut histogram = new_histogram().expect("the digits are valid");
        shared.add_to(&mut histogram);
        assert_eq!(histogram.len(), 12);
        shared.reset();
        let mut empty = new_histogram().expect("the digits are valid");
        shared.add_to(&mut empty);
        assert_eq!(empty.len(), 0);
    }
}
