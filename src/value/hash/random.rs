//! Fields by chance: one, or some.

use std::collections::HashSet;

use super::{Entry, Hash};
use crate::value::lot::Lot;
use crate::value::slim::View;

/// Distinct fields are drawn one by one while they are fewer than one in so many; else the whole
/// hash is gone through.
const DRAW_BELOW: usize = 3;
/// Draws that may hit a field whose time is over before the others are gathered.
const TRIES: usize = 100;

impl Hash {
    /// A field by chance.
    pub fn random(&self, rng: &mut fastrand::Rng, now_ms: i64) -> Option<Entry<'_>> {
        match self.0.view() {
            View::Small(list) if !list.is_empty() => {
                let at = list.seek(2 * rng.usize(..list.len() / 2) as i64)?;
                let value = list.get(list.next(at)?);
                Some(Entry { field: list.get(at), value, expiry: None })
            }
            View::Small(_) => None,
            View::Big(fields) => {
                for _ in 0..TRIES {
                    let field = fields.random(rng)?;
                    if field.is_live(now_ms) {
                        return Some(Entry::of(field));
                    }
                }
                let live: Vec<Entry<'_>> = self.iter(now_ms).collect();
                (!live.is_empty()).then(|| live[rng.usize(..live.len())])
            }
        }
    }

    /// As many distinct fields by chance, all if there are fewer. Costs what is small: the fields
    /// wanted or all of them.
    pub fn select(&self, count: usize, rng: &mut fastrand::Rng, now_ms: i64) -> Vec<Entry<'_>> {
        let (len, all_live) = (self.len(), self.live_len(now_ms).is_some());
        match self.0.view() {
            View::Big(fields) if all_live && count < len / DRAW_BELOW => {
                let mut chosen = HashSet::with_capacity(count);
                let mut selected = Vec::with_capacity(count);
                while selected.len() < count {
                    let Some(field) = fields.random(rng) else { break };
                    if chosen.insert(field.name.as_ptr()) {
                        selected.push(Entry::of(field));
                    }
                }
                selected
            }
            _ if all_live => {
                let mut lot = Lot::new(count.min(len), len);
                self.iter(now_ms).filter(|_| lot.draw(rng)).collect()
            }
            _ => {
                let live: Vec<Entry<'_>> = self.iter(now_ms).collect();
                let mut lot = Lot::new(count.min(live.len()), live.len());
                live.into_iter().filter(|_| lot.draw(rng)).collect()
            }
        }
    }
}
