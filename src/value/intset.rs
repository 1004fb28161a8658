//! Intset: a set of integers as a sorted array of their distances from a base.
//!
//! ```text
//! base, 8 B | width of a distance, 1 B: 1, 2, 4 or 8 | the distances, ascending
//! ```
//!
//! All little endian. Integers in a set are mostly near to each other (ids, days, counters), so that
//! their distances take half of what they take themselves in Redis's intset, or less. The width is
//! the least that will do when the base was chosen, and the base is such that there is as much room
//! below the integers as above; one beyond it makes a new choice, for all, which happens a few times
//! for each width if they come in order. Lookups are binary searches; insertions and removals move
//! what follows.
//!
//! Where it is saved it is in Redis's layout: width of an integer, 4 B: 2, 4 or 8; number of
//! integers, 4 B; the integers, ascending.

use super::thin::ThinBytes;

/// Bytes before the distances.
const HEADER: usize = 9;
/// Bytes before the integers in Redis's layout.
const SAVED_HEADER: usize = 8;

/// A sorted array of integers. Empty, it owns no memory.
#[derive(Clone, Debug, Default)]
pub struct Intset(Option<ThinBytes>);

/// Bytes that are no intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// How the integers are kept.
#[derive(Clone, Copy)]
struct Shape {
    /// None of the integers is less.
    base: i64,
    /// Bytes of a distance.
    width: usize,
    /// How many integers there are.
    count: usize,
}

impl Shape {
    fn of(bytes: &[u8]) -> Shape {
        let (header, distances) = bytes.split_at(HEADER);
        let (base, width) = header.split_first_chunk().expect("the base is in the header");
        let width = usize::from(width[0]);
        Shape { base: i64::from_le_bytes(*base), width, count: distances.len() / width }
    }

    /// The distance of an integer from the base, if it is one that the width can say.
    fn distance(self, value: i64) -> Option<u64> {
        if value < self.base {
            return None;
        }
        // A difference of two `i64` that is not negative is a `u64`.
        let distance = value.wrapping_sub(self.base) as u64;
        (distance <= largest(self.width)).then_some(distance)
    }
}

impl Intset {
    /// An empty intset.
    pub const fn new() -> Intset {
        Intset(None)
    }

    /// The intset of these bytes in Redis's layout, if they are one: of the right length,
    /// ascending, none twice.
    pub fn from_bytes(bytes: &[u8]) -> Result<Intset, Malformed> {
        let (width, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (count, integers) = rest.split_first_chunk().ok_or(Malformed)?;
        let [width, count] = [width, count].map(|field| u32::from_le_bytes(*field) as usize);
        if ![2, 4, 8].contains(&width) || count.checked_mul(width) != Some(integers.len()) {
            return Err(Malformed);
        }
        let values = integers.chunks_exact(width).map(|bytes| match *bytes {
            [a, b] => i16::from_le_bytes([a, b]).into(),
            [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
            [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => unreachable!("the width was looked at"),
        });
        let Some((least, greatest)) = values.clone().next().zip(values.clone().next_back()) else {
            return Ok(Intset::new());
        };
        let is_ascending = values.clone().zip(values.clone().skip(1)).all(|(a, b)| a < b);
        if !is_ascending {
            return Err(Malformed);
        }
        Ok(Intset::of_ascending(values, least, greatest))
    }

    /// It in Redis's layout, with the least width.
    pub fn to_bytes(&self) -> Vec<u8> {
        let widths = [self.first(), self.last()].map(|end| end.map_or(2, saved_width));
        let width = widths[0].max(widths[1]);
        let mut bytes = Vec::with_capacity(SAVED_HEADER + self.len() * width);
        bytes.extend((width as u32).to_le_bytes());
        bytes.extend((self.len() as u32).to_le_bytes());
        for value in self.iter() {
            bytes.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        bytes
    }

    /// An intset of these integers, of which these are the first and the last.
    fn of_ascending(values: impl Iterator<Item = i64>, least: i64, greatest: i64) -> Intset {
        let range = greatest.wrapping_sub(least) as u64;
        let width = match range {
            ..0x100 => 1,
            0x100..0x1_0000 => 2,
            0x1_0000..0x1_0000_0000 => 4,
            _ => 8,
        };
        // Half of what the width leaves goes below, for integers that come in descending order.
        let room = largest(width) - range;
        let base = least.saturating_sub_unsigned(room / 2);
        let mut bytes = Vec::with_capacity(HEADER + values.size_hint().0 * width);
        bytes.extend(base.to_le_bytes());
        bytes.push(width as u8);
        for value in values {
            bytes.extend_from_slice(&value.wrapping_sub(base).to_le_bytes()[..width]);
        }
        Intset(Some(ThinBytes::new(&bytes)))
    }

    /// How many integers are in it.
    pub fn len(&self) -> usize {
        self.shape().count
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes allocated.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, ThinBytes::allocated)
    }

    /// The integer at position `at` of the ascending order.
    pub fn get(&self, at: usize) -> Option<i64> {
        let shape = self.shape();
        (at < shape.count).then(|| self.at(at, shape))
    }

    /// The least of them.
    pub fn first(&self) -> Option<i64> {
        self.get(0)
    }

    /// The greatest of them.
    pub fn last(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Whether `value` is in it.
    pub fn contains(&self, value: i64) -> bool {
        self.find(value).is_ok()
    }

    /// All integers, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = i64> + Clone {
        let shape = self.shape();
        (0..shape.count).map(move |at| self.at(at, shape))
    }

    /// Adds `value`; false if it was in already.
    pub fn insert(&mut self, value: i64) -> bool {
        let Err(at) = self.find(value) else { return false };
        let shape = self.shape();
        let Some((bytes, distance)) = self.0.as_mut().zip(shape.distance(value)) else {
            self.insert_beyond(at, value);
            return true;
        };
        let width = shape.width;
        let (from, end) = (HEADER + at * width, HEADER + shape.count * width);
        bytes.resize(end + width);
        let bytes = bytes.as_mut_slice();
        bytes.copy_within(from..end, from + width);
        bytes[from..from + width].copy_from_slice(&distance.to_le_bytes()[..width]);
        true
    }

    /// Adds the integer that is to be at position `at`, with a new base.
    fn insert_beyond(&mut self, at: usize, value: i64) {
        let least = self.first().map_or(value, |first| first.min(value));
        let greatest = self.last().map_or(value, |last| last.max(value));
        let all = self.iter().take(at).chain([value]).chain(self.iter().skip(at));
        *self = Intset::of_ascending(all, least, greatest);
    }

    /// Removes `value`; false if it was not in.
    pub fn remove(&mut self, value: i64) -> bool {
        let Ok(at) = self.find(value) else { return false };
        self.remove_at(at);
        true
    }

    /// Removes the integer at position `at` and gives it.
    pub fn remove_at(&mut self, at: usize) -> Option<i64> {
        let value = self.get(at)?;
        let Shape { width, count, .. } = self.shape();
        if count == 1 {
            self.0 = None;
            return Some(value);
        }
        let bytes = self.0.as_mut()?;
        let (from, end) = (HEADER + at * width, HEADER + count * width);
        bytes.as_mut_slice().copy_within(from + width..end, from);
        bytes.resize(end - width);
        Some(value)
    }

    fn shape(&self) -> Shape {
        let empty = Shape { base: 0, width: 1, count: 0 };
        self.0.as_ref().map_or(empty, |bytes| Shape::of(bytes.as_slice()))
    }

    /// The distances, each so many bytes as the width says.
    fn distances(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |bytes| &bytes.as_slice()[HEADER..])
    }

    /// The integer at `at`, which is below the number of them.
    #[inline]
    fn at(&self, at: usize, shape: Shape) -> i64 {
        let from = at * shape.width;
        let distance = match self.distances()[from..from + shape.width] {
            [a] => a.into(),
            [a, b] => u16::from_le_bytes([a, b]).into(),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
            [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => unreachable!("a distance has 1, 2, 4 or 8 bytes"),
        };
        shape.base.wrapping_add_unsigned(distance)
    }

    /// Where `value` is, or where it would be.
    fn find(&self, value: i64) -> Result<usize, usize> {
        let shape = self.shape();
        let Some(distance) = shape.distance(value) else {
            return Err(if value < shape.base { 0 } else { shape.count });
        };
        let distances = self.distances();
        match shape.width {
            1 => distances.binary_search(&(distance as u8)),
            2 => search::<2>(distances, |bytes| u16::from_le_bytes(bytes).into(), distance),
            4 => search::<4>(distances, |bytes| u32::from_le_bytes(bytes).into(), distance),
            _ => search::<8>(distances, u64::from_le_bytes, distance),
        }
    }
}

/// Where a distance is among those of this width, or where it would be.
fn search<const WIDTH: usize>(
    distances: &[u8],
    read: impl Fn([u8; WIDTH]) -> u64,
    distance: u64,
) -> Result<usize, usize> {
    let (distances, _) = distances.as_chunks::<WIDTH>();
    distances.binary_search_by_key(&distance, |bytes| read(*bytes))
}

/// The largest distance of so many bytes.
fn largest(width: usize) -> u64 {
    u64::MAX >> (64 - 8 * width)
}

/// Bytes that an integer needs in Redis's layout.
fn saved_width(value: i64) -> usize {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn integer() -> impl Strategy<Value = i64> {
        prop_oneof![
            (-20i64..20),
            (-40_000i64..40_000),
            any::<i32>().prop_map(i64::from),
            any::<i64>(),
            Just(i64::from(i16::MAX)),
            Just(i64::from(i16::MAX) + 1),
            Just(i64::from(i32::MIN)),
            Just(i64::MIN),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn follows_a_sorted_set(steps in prop::collection::vec((any::<bool>(), integer()), 0..60)) {
            let (mut set, mut model) = (Intset::new(), BTreeSet::new());
            for (adds, value) in steps {
                if adds {
                    prop_assert_eq!(set.insert(value), model.insert(value));
                } else {
                    prop_assert_eq!(set.remove(value), model.remove(&value));
                }
                prop_assert!(set.iter().eq(model.iter().copied()));
                prop_assert_eq!(set.contains(value), model.contains(&value));
                prop_assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!(set.first(), model.first().copied());
                prop_assert_eq!(set.last(), model.last().copied());
                prop_assert_eq!(set.bytes() == 0, set.is_empty());
                let again = Intset::from_bytes(&set.to_bytes()).expect("its own bytes");
                prop_assert!(again.iter().eq(set.iter()));
            }
        }

        #[test]
        fn other_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(set) = Intset::from_bytes(&bytes) {
                prop_assert!(set.iter().is_sorted());
                prop_assert_eq!(bytes.len(), 8 + set.len() * usize::from(bytes[0]));
                let narrow = set.to_bytes();
                prop_assert!(narrow[0] <= bytes[0] && narrow[4..8] == bytes[4..8]);
            }
        }
    }

    #[test]
    fn it_is_saved_in_redis_s_layout() {
        let mut set = Intset::new();
        assert_eq!(set.to_bytes(), [2, 0, 0, 0, 0, 0, 0, 0]);
        for value in [5, -2] {
            set.insert(value);
        }
        let narrow = [2, 0, 0, 0, 2, 0, 0, 0, 0xFE, 0xFF, 5, 0];
        assert_eq!(set.to_bytes(), narrow);
        set.insert(65_536);
        let wide = [4, 0, 0, 0, 3, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 5, 0, 0, 0, 0, 0, 1, 0];
        assert_eq!(set.to_bytes(), wide);
        set.remove(65_536);
        assert_eq!(set.to_bytes(), narrow);
        // Wider than it must be, as a server leaves it that had a wide one in it.
        let loose = [4, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0];
        assert!(Intset::from_bytes(&loose).is_ok_and(|set| set.iter().eq([5])));
        for bad in [
            &[3, 0, 0, 0, 0, 0, 0, 0][..],
            &[2, 0, 0, 0, 1, 0, 0, 0],
            &[2, 0, 0, 0, 2, 0, 0, 0, 5, 0, 5, 0],
            &[2, 0, 0, 0, 2, 0, 0, 0, 5, 0, 4, 0],
            &[2, 0, 0, 0, 1, 0, 0, 0, 5, 0, 5, 0],
            &[8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            assert_eq!(Intset::from_bytes(bad).err(), Some(Malformed));
        }
    }

    /// Wherever they are and in whatever order they come.
    #[test]
    fn integers_near_to_each_other_are_small() {
        for (step, width) in [(1, 2), (1_000, 4), (100_000_000, 8)] {
            for first in [0, -250_000_000, 1 << 40, i64::MIN, i64::MAX - 499 * step] {
                let values = (0..500).map(|n| first + n * step);
                let mut sets = [(); 3].map(|()| Intset::new());
                values.clone().for_each(|value| assert!(sets[0].insert(value)));
                values.clone().rev().for_each(|value| assert!(sets[1].insert(value)));
                (0..500).for_each(|n| assert!(sets[2].insert(first + n * 7 % 500 * step)));
                for set in sets {
                    assert!(set.iter().eq(values.clone()));
                    assert_eq!(set.bytes(), ThinBytes::allocated_for(HEADER + 500 * width));
                }
            }
        }
        let days: Intset = (0..200).map(|n| 20_000 + n).fold(Intset::new(), |mut set, day| {
            set.insert(day);
            set
        });
        assert_eq!(days.bytes(), ThinBytes::allocated_for(HEADER + 200));
    }
}
