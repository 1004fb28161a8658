//! Each acceptor's share of the requests, and connections that go from one that has much more of
//! them than another.
//!
//! As many connections are not as much work: some clients ask all the time and some never. Once a
//! second, as long as it is busy, an acceptor compares the requests that each has taken. If it has
//! clearly more than another it notes what each of its connections asks for, and if it still has
//! more a second later it sends some away that together ask for no more than half of the difference.
//! A single busy connection stays, since it would only take the work along.
//!
//! The number of connections is evened out with those that ask for nothing (`balance`), so the two
//! do not undo each other.

use std::sync::atomic::Ordering;

use super::Acceptor;
use super::transport::Transport;

/// What rates are taken over, in ms.
pub(super) const SPAN_MS: i64 = 1000;
/// Requests per second from which on an acceptor is busy enough to send any away: a few percent of
/// what one can take without pipelines. Fewer are better taken by few, in larger batches.
const BUSY: u64 = 5000;
/// How many times the requests of another are clearly more.
const CLEARLY_MORE: u64 = 2;

/// What an acceptor knows of all acceptors' shares.
#[derive(Default)]
pub(super) struct Share {
    /// When it last looked, ms of Unix time.
    at_ms: i64,
    /// The requests that each acceptor had taken then.
    totals: Vec<u64>,
    /// And the time before.
    before: Vec<u64>,
    /// Those per second since the look before, by acceptor; empty if that was too long ago.
    rates: Vec<u64>,
    /// What each connection here has asked for since then is known.
    noted: bool,
}

impl Share {
    /// Takes note of what each acceptor has taken by now; gives the ms since the last time if rates
    /// are known for them.
    fn look(&mut self, totals: impl Iterator<Item = u64>, now_ms: i64) -> Option<i64> {
        let elapsed_ms = now_ms - self.at_ms;
        std::mem::swap(&mut self.before, &mut self.totals);
        self.totals.clear();
        self.totals.extend(totals);
        self.at_ms = now_ms;
        self.rates.clear();
        // One that has slept is not busy.
        if elapsed_ms > 2 * SPAN_MS || self.before.len() != self.totals.len() {
            return None;
        }
        let per_second = |(now, before): (&u64, &u64)| {
            now.saturating_sub(*before).saturating_mul(1000) / elapsed_ms.max(1) as u64
        };
        self.rates.extend(self.totals.iter().zip(&self.before).map(per_second));
        Some(elapsed_ms)
    }

    /// Who takes the fewest requests, and how many per second to send there, if `own` takes clearly
    /// more.
    fn surplus(&self, own: usize) -> Option<(usize, u64)> {
        let (own, (fewest, least)) =
            (*self.rates.get(own)?, self.rates.iter().enumerate().min_by_key(|(_, rate)| **rate)?);
        let much = own >= BUSY && own >= CLEARLY_MORE.saturating_mul(*least);
        much.then(|| (fewest, (own - least) / 2))
    }

    /// Whether work is welcome to go from one acceptor to another: the first has no less, give or
    /// take what rates are uncertain by.
    pub fn welcomes(&self, from: usize, to: usize) -> bool {
        match (self.rates.get(from), self.rates.get(to)) {
            (Some(from), Some(to)) => from.saturating_mul(2) >= to.saturating_mul(3),
            _ => true,
        }
    }
}

impl<T: Transport> Acceptor<T> {
    /// Compares the acceptors' shares once in a while, and sends connections away if this one's is
    /// clearly larger for long enough.
    pub(super) fn weigh(&mut self) {
        if self.now_ms - self.share.at_ms < SPAN_MS {
            return;
        }
        let totals = self.server.requests.iter().map(|taken| taken.load(Ordering::Relaxed));
        let elapsed_ms = self.share.look(totals, self.now_ms);
        let was_noted = std::mem::take(&mut self.share.noted);
        let surplus = self.share.surplus(self.number);
        let (Some(elapsed_ms), Some((target, per_second))) = (elapsed_ms, surplus) else { return };
        if was_noted {
            self.shed(target, per_second.saturating_mul(elapsed_ms as u64) / 1000);
        } else {
            self.share.noted = true;
            for (_, connection) in &mut self.connections {
                connection.note_commands();
            }
        }
    }

    /// Sends connections to `target` that have asked for up to `requests` since that was noted.
    fn shed(&mut self, target: usize, requests: u64) {
        let (mut left, mut moves) = (requests, 0);
        for index in 0..self.connections.capacity() {
            if moves == self.balance.most_moves() {
                break;
            }
            let Some(connection) = self.connections.get(index) else { continue };
            let asked = connection.commands_since_noted();
            if asked == 0 || asked > left || !connection.is_movable() {
                continue;
            }
            if !self.send_away(index, target) {
                break;
            }
            left -= asked;
            moves += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_difference_is_too_much() {
        let mut share = Share::default();
        assert_eq!(share.look([0, 0, 0].into_iter(), 10_000), None, "nothing to compare with");
        assert_eq!(share.surplus(0), None);
        assert!(share.welcomes(0, 1), "nothing speaks against it");
        assert_eq!(share.look([60_000, 20_000, 4_000].into_iter(), 12_000), Some(2000));
        assert_eq!(share.surplus(0), Some((2, 14_000)));
        assert_eq!(share.surplus(1), Some((2, 4_000)));
        assert_eq!(share.surplus(2), None);
        assert!(share.welcomes(0, 1) && !share.welcomes(1, 0) && !share.welcomes(1, 1));
        // Nearly as much, or not much at all.
        share.look([70_000, 26_000, 10_000].into_iter(), 13_000);
        assert_eq!(share.surplus(0), None, "10,000 are less than twice 6,000");
        share.look([74_999, 26_000, 10_000].into_iter(), 14_000);
        assert_eq!(share.surplus(0), None, "4,999 are not much");
        assert_eq!(share.look([900_000, 26_000, 10_000].into_iter(), 16_001), None, "too long ago");
        assert_eq!(share.surplus(0), None);
    }
}
