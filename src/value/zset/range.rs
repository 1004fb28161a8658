//! Ranges of a sorted set: by score, and by bytes.

/// Scores from one to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The lower end.
    pub min: f64,
    /// The upper end.
    pub max: f64,
    /// Whether the lower end itself is outside.
    pub above_min: bool,
    /// Whether the upper end itself is outside.
    pub below_max: bool,
}

impl ScoreRange {
    /// Whether no score can be in it.
    pub fn is_empty(&self) -> bool {
        self.min > self.max || self.min == self.max && (self.above_min || self.below_max)
    }

    /// Whether a score is below the range.
    #[inline]
    pub fn is_below(&self, score: f64) -> bool {
        if self.above_min { score <= self.min } else { score < self.min }
    }

    /// Whether a score is above the range.
    #[inline]
    pub fn is_above(&self, score: f64) -> bool {
        if self.below_max { score >= self.max } else { score > self.max }
    }
}

/// An end of a range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// Before everything: `-`
    Lowest,
    /// Behind everything: `+`
    Highest,
    /// These bytes, which are inside: `[…`
    Included(&'a [u8]),
    /// These bytes, which are outside: `(…`
    Excluded(&'a [u8]),
}

impl<'a> LexBound<'a> {
    /// Something that orders bounds: what is before everything, bytes, what is behind everything.
    fn order(self) -> (u8, &'a [u8]) {
        match self {
            LexBound::Lowest => (0, &[]),
            LexBound::Included(bytes) | LexBound::Excluded(bytes) => (1, bytes),
            LexBound::Highest => (2, &[]),
        }
    }
}

/// Bytes from one bound to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lower end.
    pub min: LexBound<'a>,
    /// The upper end.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether nothing can be in it.
    pub fn is_empty(&self) -> bool {
        let (min, max) = (self.min.order(), self.max.order());
        let inside = |bound| matches!(bound, LexBound::Included(_));
        min > max || min == max && !(inside(self.min) && inside(self.max))
    }

    /// Whether a text is below the range.
    #[inline]
    pub fn is_below(&self, text: &[u8]) -> bool {
        match self.min {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Included(bytes) => text < bytes,
            LexBound::Excluded(bytes) => text <= bytes,
        }
    }

    /// Whether a text is above the range.
    #[inline]
    pub fn is_above(&self, text: &[u8]) -> bool {
        match self.max {
            LexBound::Lowest => true,
            LexBound::Highest => false,
            LexBound::Included(bytes) => text > bytes,
            LexBound::Excluded(bytes) => text >= bytes,
        }
    }
}
