//! Strings as arrays of bits: counting, searching, combining, and integers of any width in them.
//!
//! Bit 0 is the highest bit of the first byte, as in Redis. Counting and searching go by words of
//! 64 bits, combining by loops that the compiler turns into vector code. Nothing here allocates
//! but [`combine`], whose result is as long as the longest source.

use std::cmp::Ordering;

pub use super::ones::count;

/// A bit's value.
pub type Bit = bool;

/// The bit at `at`; beyond the end all bits are 0.
#[inline]
pub fn get(bytes: &[u8], at: u64) -> Bit {
    let byte = usize::try_from(at >> 3).ok().and_then(|byte| bytes.get(byte));
    byte.is_some_and(|byte| byte & mask(at) != 0)
}

/// Sets the bit at `at`, which must be inside, and gives the one that was there.
#[inline]
pub fn set(bytes: &mut [u8], at: u64, bit: Bit) -> Bit {
    let byte = &mut bytes[(at >> 3) as usize];
    let old = *byte & mask(at) != 0;
    if bit {
        *byte |= mask(at);
    } else {
        *byte &= !mask(at);
    }
    old
}

/// Bytes that a string needs to have the bit at `at`.
#[inline]
pub fn bytes_up_to(at: u64) -> usize {
    (at >> 3) as usize + 1
}

#[inline]
fn mask(at: u64) -> u8 {
    0x80 >> (at & 7)
}

/// The ones among the bits from `first` to `last`, both included and inside.
pub fn count_range(bytes: &[u8], first: u64, last: u64) -> u64 {
    let (from, to) = ((first >> 3) as usize, (last >> 3) as usize);
    let before = bytes[from] & !(0xFF >> (first & 7));
    let after = bytes[to] & !(0xFF << (7 - (last & 7)));
    count(&bytes[from..=to]) - u64::from(before.count_ones()) - u64::from(after.count_ones())
}

/// Where the first `bit` is among the bits from `first` to `last`, both included and inside.
pub fn position(bytes: &[u8], bit: Bit, first: u64, last: u64) -> Option<u64> {
    let (from, to) = ((first >> 3) as usize, (last >> 3) as usize);
    // What is looked for is a one, in the bytes or in their complement.
    let flip = if bit { 0 } else { 0xFF };
    let head = (bytes[from] ^ flip) & (0xFF >> (first & 7));
    let found = if head != 0 {
        (from as u64) * 8 + u64::from(head.leading_zeros())
    } else {
        let inner = &bytes[from + 1..=to.max(from)];
        (from as u64 + 1) * 8 + first_one(inner, flip)?
    };
    (found <= last).then_some(found)
}

/// Where the first one is in `bytes`, each of which is first changed by `flip`.
fn first_one(bytes: &[u8], flip: u8) -> Option<u64> {
    let flip_word = u64::from_ne_bytes([flip; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    let at = words.iter().position(|word| u64::from_ne_bytes(*word) != flip_word);
    if let Some(at) = at {
        let word = u64::from_be_bytes(words[at]) ^ flip_word;
        return Some(at as u64 * 64 + u64::from(word.leading_zeros()));
    }
    let at = rest.iter().position(|byte| *byte != flip)?;
    let bits = u64::from((rest[at] ^ flip).leading_zeros());
    Some((words.len() as u64 * 8 + at as u64) * 8 + bits)
}

/// How strings are combined, bit by bit. `X` is the first source, the others are the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Ones in all.
    And,
    /// Ones in any.
    Or,
    /// Ones in an odd number of them.
    Xor,
    /// Zeros of `X`.
    Not,
    /// Ones of `X` that no other has.
    Diff,
    /// Ones of any other that `X` does not have.
    Diff1,
    /// Ones of `X` that any other has, too.
    AndOr,
    /// Ones that exactly one has.
    One,
}

/// Bytes that are combined at a time: they stay in the first-level cache while the sources pass.
const SLICE: usize = 8192;

/// The sources combined; those that are shorter than the longest count as filled up with zeros.
pub fn combine(operator: Operator, sources: &[&[u8]]) -> Vec<u8> {
    let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    let mut result = vec![0; len];
    let mut twice = if operator == Operator::One { vec![0; SLICE.min(len)] } else { Vec::new() };
    for (at, slice) in result.chunks_mut(SLICE).enumerate() {
        let start = at * SLICE;
        let end = start + slice.len();
        let parts =
            sources.iter().map(|source| &source[start.min(source.len())..end.min(source.len())]);
        let twice_len = twice.len().min(slice.len());
        combine_slice(operator, parts, slice, &mut twice[..twice_len]);
    }
    result
}

/// Combines what the sources have for one slice of the result, which is zero.
fn combine_slice<'a>(
    operator: Operator,
    mut parts: impl Iterator<Item = &'a [u8]>,
    result: &mut [u8],
    twice: &mut [u8],
) {
    let Some(first) = parts.next() else { return };
    match operator {
        Operator::And | Operator::Or | Operator::Xor | Operator::Diff | Operator::One => {
            result[..first.len()].copy_from_slice(first);
        }
        Operator::Not => each(result, first, |_, byte| !byte),
        Operator::Diff1 | Operator::AndOr => {}
    }
    if operator == Operator::One {
        twice.fill(0);
    }
    for part in parts {
        match operator {
            Operator::And => {
                each(result, part, |had, byte| had & byte);
                result[part.len()..].fill(0);
            }
            Operator::Or | Operator::Diff1 | Operator::AndOr => {
                each(result, part, |had, byte| had | byte);
            }
            Operator::Xor => each(result, part, |had, byte| had ^ byte),
            Operator::Diff => each(result, part, |had, byte| had & !byte),
            Operator::One => {
                for ((twice, had), byte) in twice.iter_mut().zip(&mut *result).zip(part) {
                    *twice |= *had & byte;
                    *had |= byte;
                }
            }
            Operator::Not => {}
        }
    }
    match operator {
        Operator::Diff1 => each(result, first, |had, byte| had & !byte),
        Operator::AndOr => {
            each(result, first, |had, byte| had & byte);
            result[first.len()..].fill(0);
        }
        Operator::One => each(result, twice, |had, twice| had & !twice),
        _ => {}
    }
}

/// Changes each byte by the source's byte at its place.
fn each(result: &mut [u8], source: &[u8], change: impl Fn(u8, u8) -> u8) {
    for (byte, source) in result.iter_mut().zip(source) {
        *byte = change(*byte, *source);
    }
}

/// The type of an integer in a bit field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Two's complement, else unsigned.
    pub signed: bool,
    /// Width: 1 to 64 if signed, 1 to 63 if not.
    pub bits: u32,
}

/// What becomes of a result that does not fit its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Its low bits stay.
    Wrap,
    /// The nearest value that fits stands for it.
    Saturate,
    /// There is none.
    Fail,
}

impl Field {
    /// The field's value at bit `at`; beyond the end all bits are 0. A value of an unsigned field
    /// is never negative.
    pub fn get(self, bytes: &[u8], at: u64) -> i64 {
        let start = usize::try_from(at >> 3).unwrap_or(usize::MAX).min(bytes.len());
        // 64 bits lie in nine bytes at most.
        let mut window = [0; 16];
        let there = &bytes[start..bytes.len().min(start + 9)];
        window[..there.len()].copy_from_slice(there);
        let shifted = u128::from_be_bytes(window) << (at & 7) >> (128 - self.bits);
        self.settle(shifted as i64)
    }

    /// Writes the low bits of `value` to the field at bit `at`, which must be inside.
    pub fn set(self, bytes: &mut [u8], at: u64, value: i64) {
        let start = (at >> 3) as usize;
        let end = bytes_up_to(at + u64::from(self.bits) - 1);
        let mut window = [0; 16];
        window[..end - start].copy_from_slice(&bytes[start..end]);
        let shift = 128 - self.bits - (at & 7) as u32;
        let ones = (u128::MAX >> (128 - self.bits)) << shift;
        let value = ((value as u128) << shift) & ones;
        let window = (u128::from_be_bytes(window) & !ones | value).to_be_bytes();
        bytes[start..end].copy_from_slice(&window[..end - start]);
    }

    /// The value that the low bits of `value` have in such a field.
    fn settle(self, value: i64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed {
            value << unused >> unused
        } else {
            ((value as u64) << unused >> unused) as i64
        }
    }

    /// `value` plus `increment` as the field holds it, `None` if it does not fit and the overflow
    /// is to fail. `value` is what the field has, or with an increment of 0 what it shall have.
    pub fn add(self, value: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        let (out, limit) = if self.signed {
            self.exceeds_signed(value, increment)
        } else {
            self.exceeds_unsigned(value as u64, increment)
        };
        let sum = self.settle(value.wrapping_add(increment));
        match (out, overflow) {
            (Ordering::Equal, _) | (_, Overflow::Wrap) => Some(sum),
            (_, Overflow::Saturate) => Some(limit),
            (_, Overflow::Fail) => None,
        }
    }

    /// On which side the sum is out of range, and the limit there. The distances to the limits
    /// wrap around as they do in Redis: a value far below the least, set where the field
    /// saturates, counts as too large.
    fn exceeds_signed(self, value: i64, increment: i64) -> (Ordering, i64) {
        let narrow = self.bits != 64;
        let most = i64::MAX >> (64 - self.bits);
        let least = -most - 1;
        let up = most.wrapping_sub(value);
        let down = least.wrapping_sub(value);
        let above = (narrow || (value >= 0 && increment > 0)) && increment > up;
        let below = (narrow || (value < 0 && increment < 0)) && increment < down;
        if value > most || above {
            (Ordering::Greater, most)
        } else if value < least || below {
            (Ordering::Less, least)
        } else {
            (Ordering::Equal, 0)
        }
    }

    /// As [`Field::exceeds_signed`].
    fn exceeds_unsigned(self, value: u64, increment: i64) -> (Ordering, i64) {
        let most = u64::MAX >> (64 - self.bits);
        let up = most.wrapping_sub(value) as i64;
        let down = value.wrapping_neg() as i64;
        if value > most || (increment > 0 && increment > up) {
            (Ordering::Greater, most as i64)
        } else if increment < 0 && increment < down {
            (Ordering::Less, 0)
        } else {
            (Ordering::Equal, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all_bits(bytes: &[u8]) -> Vec<bool> {
        (0..bytes.len() as u64 * 8).map(|at| get(bytes, at)).collect()
    }

    fn operate(operator: Operator, bits: &[bool]) -> bool {
        let (x, others) = (bits[0], &bits[1..]);
        let any = others.contains(&true);
        let ones = bits.iter().filter(|bit| **bit).count();
        match operator {
            Operator::And => !bits.contains(&false),
            Operator::Or => bits.contains(&true),
            Operator::Xor => ones % 2 == 1,
            Operator::Not => !x,
            Operator::Diff => x && !any,
            Operator::Diff1 => !x && any,
            Operator::AndOr => x && any,
            Operator::One => ones == 1,
        }
    }

    const OPERATORS: [Operator; 8] = [
        Operator::And,
        Operator::Or,
        Operator::Xor,
        Operator::Not,
        Operator::Diff,
        Operator::Diff1,
        Operator::AndOr,
        Operator::One,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn counts_and_positions(
            bytes in prop::collection::vec(prop::sample::select(&[0u8, 0xFF, 1, 0x80, 0x5A]), 1..700),
            edges in any::<(u64, u64)>(),
        ) {
            let bits = all_bits(&bytes);
            let len = bits.len() as u64;
            let (a, b) = (edges.0 % len, edges.1 % len);
            let (first, last) = (a.min(b), a.max(b));
            let range = first as usize..=last as usize;
            let ones = bits[range.clone()].iter().filter(|bit| **bit).count() as u64;
            prop_assert_eq!(count_range(&bytes, first, last), ones);
            prop_assert_eq!(count(&bytes), bits.iter().filter(|bit| **bit).count() as u64);
            for bit in [false, true] {
                let found = bits[range.clone()].iter().position(|one| *one == bit);
                let expected = found.map(|at| at as u64 + first);
                prop_assert_eq!(position(&bytes, bit, first, last), expected);
            }
        }

        #[test]
        fn combinations(
            sources in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5),
        ) {
            for operator in OPERATORS {
                let sources = if operator == Operator::Not { &sources[..1] } else { &sources[..] };
                let slices: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
                let result = combine(operator, &slices);
                let bits = all_bits(&result);
                let longest = slices.iter().map(|source| source.len()).max().unwrap_or(0);
                prop_assert_eq!(result.len(), longest);
                for (at, bit) in bits.iter().enumerate() {
                    let given: Vec<bool> =
                        slices.iter().map(|source| get(source, at as u64)).collect();
                    prop_assert_eq!(*bit, operate(operator, &given), "{:?}", operator);
                }
            }
        }

        #[test]
        fn fields_hold_what_is_put_in(
            mut bytes in prop::collection::vec(any::<u8>(), 24),
            at in 0u64..100, bits in 1u32..=64, signed: bool, value: i64,
        ) {
            let field = Field { signed, bits: if signed { bits } else { bits.min(63) } };
            let before = all_bits(&bytes);
            field.set(&mut bytes, at, value);
            prop_assert_eq!(field.get(&bytes, at), field.settle(value));
            for (place, bit) in all_bits(&bytes).into_iter().enumerate() {
                let inside = (at..at + u64::from(field.bits)).contains(&(place as u64));
                prop_assert!(inside || bit == before[place]);
            }
        }

        #[test]
        fn sums_fit_their_field(
            bits in 1u32..=64, signed: bool, value: i64, increment: i64, small in -3i64..=3,
        ) {
            let field = Field { signed, bits: if signed { bits } else { bits.min(63) } };
            let value = field.settle(value);
            for increment in [increment, small] {
                let sum = i128::from(value) + i128::from(increment);
                let (least, most) = if signed {
                    (-1i128 << (field.bits - 1), (1i128 << (field.bits - 1)) - 1)
                } else {
                    (0, (1i128 << field.bits) - 1)
                };
                let fits = (least..=most).contains(&sum);
                let failed = field.add(value, increment, Overflow::Fail);
                prop_assert_eq!(failed, fits.then_some(sum as i64));
                let saturated = field.add(value, increment, Overflow::Saturate);
                prop_assert_eq!(saturated.map(i128::from), Some(sum.clamp(least, most)));
                let wrapped = field.add(value, increment, Overflow::Wrap);
                prop_assert_eq!(wrapped, Some(field.settle(sum as i64)));
            }
        }
    }

    #[test]
    fn long_combinations_cross_slices() {
        let x = vec![0xF0; SLICE * 2 + 5];
        let y = vec![0x3C; SLICE + 3];
        for operator in OPERATORS {
            let sources: &[&[u8]] = if operator == Operator::Not { &[&x] } else { &[&x, &y] };
            let result = combine(operator, sources);
            for at in [0, SLICE - 1, SLICE + 2, SLICE + 3, SLICE * 2, SLICE * 2 + 4] {
                let given: Vec<&[u8]> =
                    sources.iter().map(|s| s.get(at..=at).unwrap_or(&[])).collect();
                let alone = combine(operator, &given);
                assert_eq!(result[at], alone.first().copied().unwrap_or(0), "{operator:?} at {at}");
            }
        }
    }

    /// Redis's checks wrap around: what is far too small for a narrow field counts as too large.
    #[test]
    fn values_far_out_of_range_saturate_as_in_redis() {
        let field = Field { signed: true, bits: 8 };
        assert_eq!(field.add(i64::MIN, 0, Overflow::Saturate), Some(127));
        assert_eq!(field.add(-1000, 0, Overflow::Saturate), Some(-128));
        let field = Field { signed: false, bits: 8 };
        assert_eq!(field.add(-1, 0, Overflow::Saturate), Some(255));
        assert_eq!(field.add(-1, 0, Overflow::Wrap), Some(255));
    }
}
