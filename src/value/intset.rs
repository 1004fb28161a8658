//! Intset: a set of integers as a sorted array, in Redis's byte layout.
//!
//! ```text
//! width of an integer, 4 B: 2, 4 or 8 | number of integers, 4 B | the integers, ascending
//! ```
//!
//! All little endian. The width is that of the widest integer that was ever in it: it grows and
//! does not shrink. Lookups are binary searches; insertions and removals move what follows.

use super::thin::ThinBytes;

/// Bytes before the integers.
const HEADER: usize = 8;

/// A sorted array of integers. Empty, it owns no memory.
#[derive(Clone, Debug, Default)]
pub struct Intset(Option<ThinBytes>);

/// Bytes that are no intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl Intset {
    /// An empty intset.
    pub const fn new() -> Intset {
        Intset(None)
    }

    /// The intset of these bytes, if they are one: of the right length, ascending, none twice.
    pub fn from_bytes(bytes: &[u8]) -> Result<Intset, Malformed> {
        let (width, count) = header(bytes).ok_or(Malformed)?;
        let whole = count.checked_mul(width).and_then(|len| len.checked_add(HEADER));
        if ![2, 4, 8].contains(&width) || whole != Some(bytes.len()) {
            return Err(Malformed);
        }
        let set = Intset(Some(ThinBytes::new(bytes)));
        let ascending = (1..count).all(|at| set.at(at - 1, width) < set.at(at, width));
        if ascending { Ok(set) } else { Err(Malformed) }
    }

    /// It in Redis's layout.
    pub fn as_bytes(&self) -> &[u8] {
        const EMPTY: &[u8] = &[2, 0, 0, 0, 0, 0, 0, 0];
        self.0.as_ref().map_or(EMPTY, ThinBytes::as_slice)
    }

    /// How many integers are in it.
    pub fn len(&self) -> usize {
        self.shape().1
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes allocated.
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, ThinBytes::allocated)
    }

    /// The integer at position `at` of the ascending order.
    pub fn get(&self, at: usize) -> Option<i64> {
        let (width, count) = self.shape();
        (at < count).then(|| self.at(at, width))
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
        let (width, count) = self.shape();
        (0..count).map(move |at| self.at(at, width))
    }

    /// Adds `value`; false if it was in already.
    pub fn insert(&mut self, value: i64) -> bool {
        let Err(at) = self.find(value) else { return false };
        let (width, count) = self.shape();
        if width_of(value) > width {
            self.widen(width_of(value));
        }
        let width = width.max(width_of(value));
        let bytes = self.0.get_or_insert_with(|| ThinBytes::new(&[0; HEADER]));
        let (from, end) = (HEADER + at * width, HEADER + count * width);
        bytes.resize(end + width);
        let bytes = bytes.as_mut_slice();
        bytes.copy_within(from..end, from + width);
        bytes[from..from + width].copy_from_slice(&value.to_le_bytes()[..width]);
        write_header(bytes, width, count + 1);
        true
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
        let (width, count) = self.shape();
        let bytes = self.0.as_mut()?;
        let (from, end) = (HEADER + at * width, HEADER + count * width);
        bytes.as_mut_slice().copy_within(from + width..end, from);
        write_header(bytes.as_mut_slice(), width, count - 1);
        bytes.resize(end - width);
        Some(value)
    }

    /// Width in bytes and number of the integers.
    fn shape(&self) -> (usize, usize) {
        self.0.as_ref().and_then(|bytes| header(bytes.as_slice())).unwrap_or((2, 0))
    }

    /// The integer at `at`, which is below the number of them.
    fn at(&self, at: usize, width: usize) -> i64 {
        let from = HEADER + at * width;
        let bytes = &self.as_bytes()[from..from + width];
        match *bytes {
            [a, b] => i16::from_le_bytes([a, b]).into(),
            [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
            [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => unreachable!("an integer has 2, 4 or 8 bytes"),
        }
    }

    /// Where `value` is, or where it would be.
    fn find(&self, value: i64) -> Result<usize, usize> {
        let (width, count) = self.shape();
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle, width).cmp(&value) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    /// Gives every integer `width` bytes.
    fn widen(&mut self, width: usize) {
        let mut wide = vec![0; HEADER];
        write_header(&mut wide, width, self.len());
        for value in self.iter() {
            wide.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        self.0 = Some(ThinBytes::new(&wide));
    }
}

/// Width and number of the integers, as the header says.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let (width, rest) = bytes.split_first_chunk()?;
    let (count, _) = rest.split_first_chunk()?;
    Some((u32::from_le_bytes(*width) as usize, u32::from_le_bytes(*count) as usize))
}

fn write_header(bytes: &mut [u8], width: usize, count: usize) {
    bytes[..4].copy_from_slice(&(width as u32).to_le_bytes());
    bytes[4..HEADER].copy_from_slice(&(count as u32).to_le_bytes());
}

/// Bytes that an integer needs in an intset.
fn width_of(value: i64) -> usize {
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
                let again = Intset::from_bytes(set.as_bytes()).expect("its own bytes");
                prop_assert_eq!(again.as_bytes(), set.as_bytes());
                prop_assert!(set.bytes() == 0 || set.bytes() >= set.as_bytes().len());
            }
        }

        #[test]
        fn other_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(set) = Intset::from_bytes(&bytes) {
                prop_assert!(set.iter().is_sorted() && set.as_bytes() == bytes);
            }
        }
    }

    #[test]
    fn the_layout_is_redis_s() {
        let mut set = Intset::new();
        assert_eq!(set.as_bytes(), [2, 0, 0, 0, 0, 0, 0, 0]);
        for value in [5, -2] {
            set.insert(value);
        }
        assert_eq!(set.as_bytes(), [2, 0, 0, 0, 2, 0, 0, 0, 0xFE, 0xFF, 5, 0]);
        set.insert(65_536);
        let wide = [4, 0, 0, 0, 3, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 5, 0, 0, 0, 0, 0, 1, 0];
        assert_eq!(set.as_bytes(), wide);
        set.remove(65_536);
        assert_eq!(set.as_bytes()[0], 4, "it stays as wide");
        for bad in [
            &[3, 0, 0, 0, 0, 0, 0, 0][..],
            &[2, 0, 0, 0, 1, 0, 0, 0],
            &[2, 0, 0, 0, 2, 0, 0, 0, 5, 0, 5, 0],
            &[8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            assert_eq!(Intset::from_bytes(bad).err(), Some(Malformed));
        }
    }
}
