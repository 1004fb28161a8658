//! Good candidates for eviction, kept from one sampling to the next.
//!
//! The best of five keys by chance is a poor guess at the best of all; the best of what many
//! samplings have brought up is a good one. This is the pool that Redis's documentation of
//! approximated LRU describes. What a score means is the caller's business: the highest goes first.
//! A key in here may be gone or used again by the time it is taken out: look before you evict.

use super::DbIndex;

/// Candidates kept. Redis keeps as many: more would be staler, not better.
const CANDIDATES: usize = 16;

/// A key that may be worth evicting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// How much it is worth.
    pub score: u64,
    /// Its database.
    pub db: DbIndex,
    /// The key.
    pub key: Vec<u8>,
}

/// The candidates, the best last.
#[derive(Clone, Debug, Default)]
pub struct EvictionPool {
    candidates: Vec<Candidate>,
    /// A buffer to use again.
    spare: Vec<u8>,
    measure: u64,
}

impl EvictionPool {
    /// Says by which measure scores are given from now on: candidates by another one are dropped.
    pub fn measure_by(&mut self, measure: u64) {
        if self.measure != measure {
            self.measure = measure;
            self.candidates.clear();
        }
    }

    /// Takes in a key if it is better than some candidate, or if there is room.
    pub fn offer(&mut self, score: u64, db: DbIndex, key: &[u8]) {
        let full = self.candidates.len() == CANDIDATES;
        if full && self.candidates[0].score >= score {
            return;
        }
        let place = |candidates: &[Candidate]| candidates.partition_point(|c| c.score <= score);
        let equal = self.candidates[..place(&self.candidates)].iter().rev();
        if equal.take_while(|c| c.score == score).any(|c| c.db == db && c.key == key) {
            return;
        }
        if full {
            self.spare = self.candidates.remove(0).key;
        }
        let at = place(&self.candidates);
        let mut kept = std::mem::take(&mut self.spare);
        kept.clear();
        kept.extend_from_slice(key);
        self.candidates.insert(at, Candidate { score, db, key: kept });
    }

    /// Takes out the best candidate.
    pub fn take_best(&mut self) -> Option<Candidate> {
        self.candidates.pop()
    }

    /// Gives a taken candidate's buffer back for the next one.
    pub fn recycle(&mut self, candidate: Candidate) {
        self.spare = candidate.key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_best_and_gives_them_best_first() {
        let mut pool = EvictionPool::default();
        for score in (0..100).rev().chain(0..100) {
            pool.offer(score, DbIndex(0), format!("key:{score}").as_bytes());
        }
        let taken: Vec<u64> =
            std::iter::from_fn(|| pool.take_best()).map(|candidate| candidate.score).collect();
        let best: Vec<u64> = (100 - CANDIDATES as u64..100).rev().collect();
        assert_eq!(taken, best, "each key once, the best first");
    }

    #[test]
    fn another_measure_empties_it() {
        let mut pool = EvictionPool::default();
        pool.measure_by(1);
        pool.offer(5, DbIndex(0), b"a");
        pool.measure_by(1);
        assert_eq!(pool.take_best().map(|candidate| candidate.key), Some(b"a".to_vec()));
        pool.offer(5, DbIndex(0), b"a");
        pool.measure_by(2);
        assert_eq!(pool.take_best(), None);
    }
}
