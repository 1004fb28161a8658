//! Whether it pays to linger: to wait a moment before sleep, so that one iteration takes in what
//! would otherwise take several.
//!
//! A thread that sleeps is woken by the first request that comes, answers it, and sleeps again. Of
//! many clients that share few threads, as those of a proxy or a pool do, the others' requests are
//! already on their way then, and falling asleep and being woken costs both sides more than a small
//! request. An interrupt of a network card is put off for the same reason.
//!
//! A wait is also a delay, so it has to prove itself. When several connections are served in one
//! iteration it is tried, and it goes on only as long as it brings the requests of many together.
//! Clients who come one by one, or wait for each other, never see more of it than the trials.
//! Pipelines are batches already.

/// Iterations over which an average is taken.
const ITERATIONS: u32 = 16;
/// From so many connections in two iterations on, lingering is tried.
const SEVERAL_IN_TWO: u32 = 3;
/// So many connections in an iteration are worth the wait.
const MANY: u32 = 8;
/// So many requests of a connection at once are a pipeline.
const PIPELINE: u32 = 4;
/// From a trial that failed to the next, in ms: the trials are below a hundredth of the time.
const RETRY_MS: i64 = 250;

/// What an acceptor knows about lingering.
#[derive(Debug, Default)]
pub(super) struct Linger {
    pays: bool,
    next_trial_ms: i64,
    iterations: u32,
    connections: u32,
    requests: u32,
}

impl Linger {
    /// Whether to linger before sleep.
    pub fn pays(&self) -> bool {
        self.pays
    }

    /// Takes note of an iteration with `requests` requests of `connections` connections, at
    /// `now_ms` of Unix time.
    pub fn note(&mut self, connections: usize, requests: usize, now_ms: i64) {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.connections = self.connections.saturating_add(number(connections));
        self.requests = self.requests.saturating_add(number(requests));
        self.iterations += 1;
        if self.iterations < ITERATIONS {
            return;
        }
        let pipelined = self.requests / PIPELINE >= self.connections;
        if self.pays {
            self.pays = !pipelined && self.connections >= ITERATIONS * MANY;
            if !self.pays {
                self.next_trial_ms = now_ms + RETRY_MS;
            }
        } else if now_ms >= self.next_trial_ms {
            self.pays = !pipelined && self.connections >= ITERATIONS / 2 * SEVERAL_IN_TWO;
        }
        (self.iterations, self.connections, self.requests) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many iterations as are looked at together, each with these connections and requests.
    fn note(linger: &mut Linger, connections: usize, requests: usize, now_ms: i64) -> bool {
        for _ in 0..ITERATIONS {
            linger.note(connections, requests, now_ms);
        }
        linger.pays()
    }

    #[test]
    fn one_at_a_time_is_never_kept_waiting() {
        let mut linger = Linger::default();
        for now_ms in 0..1000 {
            assert!(!note(&mut linger, 1, 1, now_ms));
        }
        assert!(!note(&mut linger, 0, 0, 1000), "nothing but replies went out");
        for _ in 0..ITERATIONS / 2 {
            linger.note(1, 1, 1000);
            linger.note(2, 2, 1000);
        }
        assert!(linger.pays(), "three in two iterations are several");
    }

    #[test]
    fn what_brings_few_together_ends_and_is_tried_again() {
        let mut linger = Linger::default();
        assert!(note(&mut linger, 2, 2, 10_000));
        assert!(!note(&mut linger, 7, 7, 10_001), "seven are not many");
        assert!(!note(&mut linger, 2, 2, 10_250), "it has just failed");
        assert!(note(&mut linger, 2, 2, 10_251));
        assert!(note(&mut linger, 8, 8, 10_252) && note(&mut linger, 8, 8, 99_000));
        assert!(!note(&mut linger, 1, 1, 99_001));
    }

    #[test]
    fn pipelines_need_no_company() {
        let mut linger = Linger::default();
        assert!(!note(&mut linger, 10, 40, 10_000));
        assert!(note(&mut linger, 10, 39, 10_000));
        assert!(!note(&mut linger, 10, 160, 10_001));
    }
}
