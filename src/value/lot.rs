//! Choosing some of many that come one after the other.

/// Draws `wanted` of `left` things that come one after the other, each choice equally likely
/// (Knuth, The Art of Computer Programming, volume 2, algorithm S).
pub(super) struct Lot {
    wanted: usize,
    left: usize,
}

impl Lot {
    /// Draws `wanted` of `all`.
    pub(super) fn new(wanted: usize, all: usize) -> Lot {
        Lot { wanted, left: all }
    }

    /// Whether the next one is drawn.
    pub(super) fn draw(&mut self, rng: &mut fastrand::Rng) -> bool {
        let drawn = rng.usize(..self.left.max(1)) < self.wanted;
        self.left = self.left.saturating_sub(1);
        self.wanted -= usize::from(drawn);
        drawn
    }
}
