//! The estimate of a cardinality from the registers' ranks.
//!
//! The improved raw estimator of Otmar Ertl, "New cardinality estimation algorithms for
//! HyperLogLog sketches" (arXiv:1702.01284), computed step by step as Redis does, so that equal
//! registers give equal numbers.

use super::{RANK_BITS, REGISTERS};

/// Ranks that a register may hold: 52 and more are never reached, but may be in a string that
/// somebody made.
pub const RANKS: usize = 64;

/// The factor for an infinite number of registers: 0.5 / ln 2.
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The cardinality by how many registers have each rank.
pub fn cardinality(histogram: &[u32; RANKS]) -> u64 {
    let registers = REGISTERS as f64;
    let highest = RANK_BITS as usize + 1;
    let mut z = registers * tau((registers - f64::from(histogram[highest])) / registers);
    for count in histogram[1..highest].iter().rev() {
        z = (z + f64::from(*count)) * 0.5;
    }
    z += registers * sigma(f64::from(histogram[0]) / registers);
    // A sum that is infinite, with all registers at 0, gives 0.
    (ALPHA * registers * registers / z).round() as u64
}

/// The sum of x^(2^k) * 2^(k-1) over k from 1, and x.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// A third of 1 - x - the sum of (1 - x^(2^-k))^2 * 2^-k over k from 1.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
