//! Counting ones.
//!
//! Why unsafe: the instruction for it does not belong to every x86-64 processor, and a function
//! that uses it may be called only where it has been found.
#![allow(unsafe_code)]

/// Words that are counted side by side, so that they fill a vector register.
const LANES: usize = 4;
/// Words of a lane that are added up bit by bit before their ones are counted.
const DEPTH: usize = 8;
/// Bytes of such a block.
const BLOCK: usize = LANES * DEPTH * 8;

/// The ones in `bytes`.
pub fn count(bytes: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("popcnt") {
        // SAFETY: this processor has the instruction.
        return unsafe { count_by_instruction(bytes) };
    }
    count_by_adders(bytes)
}

/// A word at a time, for a processor that counts its ones by one instruction. Several sums, since
/// each addition would wait for the one before.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn count_by_instruction(bytes: &[u8]) -> u64 {
    let (groups, rest) = bytes.as_chunks::<{ LANES * 8 }>();
    let mut sums = [0u64; LANES];
    for group in groups {
        let (words, _) = group.as_chunks::<8>();
        for lane in 0..LANES {
            sums[lane] += u64::from(u64::from_le_bytes(words[lane]).count_ones());
        }
    }
    sums.iter().sum::<u64>() + count_plainly(rest)
}

/// The Harley-Seal method: eight words are added up bit by bit, so that only the word of eights is
/// counted in each block.
fn count_by_adders(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let (mut ones, mut twos, mut fours) = ([0u64; LANES], [0u64; LANES], [0u64; LANES]);
    let mut eights = [0u64; LANES];
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for lane in 0..LANES {
            let word = |row: usize| u64::from_le_bytes(words[row * LANES + lane]);
            let (two_a, one) = add_bits(ones[lane], word(0), word(1));
            let (two_b, one) = add_bits(one, word(2), word(3));
            let (two_c, one) = add_bits(one, word(4), word(5));
            let (two_d, one) = add_bits(one, word(6), word(7));
            let (four_a, two) = add_bits(twos[lane], two_a, two_b);
            let (four_b, two) = add_bits(two, two_c, two_d);
            let (eight, four) = add_bits(fours[lane], four_a, four_b);
            (ones[lane], twos[lane], fours[lane]) = (one, two, four);
            eights[lane] += u64::from(eight.count_ones());
        }
    }
    let weigh = |words: &[u64; LANES], weight: u64| {
        words.iter().map(|word| u64::from(word.count_ones()) * weight).sum::<u64>()
    };
    let in_blocks = eights.iter().sum::<u64>() * 8 + weigh(&fours, 4) + weigh(&twos, 2);
    in_blocks + weigh(&ones, 1) + count_plainly(rest)
}

/// A carry-save adder: for every bit position the sum of three bits, as (carry, sum).
#[inline]
fn add_bits(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    ((a & b) | (half & c), half ^ c)
}

fn count_plainly(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let words: u32 = words.iter().map(|word| u64::from_le_bytes(*word).count_ones()).sum();
    let rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    u64::from(words + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All ways agree, at all lengths around those of their blocks.
    #[test]
    fn all_ways_count_the_same() {
        let mut rng = fastrand::Rng::with_seed(5);
        let bytes: Vec<u8> = (0..3 * BLOCK).map(|_| rng.u8(..) | rng.u8(..)).collect();
        let lens = if cfg!(miri) { BLOCK - 9..BLOCK + 9 } else { 0..bytes.len() };
        for len in lens {
            let bytes = &bytes[..len];
            let ones: u64 = bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
            assert_eq!(count(bytes), ones, "{len}");
            assert_eq!(count_by_adders(bytes), ones, "{len}");
        }
    }
}
