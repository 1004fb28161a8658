//! Scans through growth and shrinking, bounds of single steps, bad hashes.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// An element that is its own hash (and one more bit to tell equal hashes apart).
struct Item(Box<(u64, u64)>);

// SAFETY: a box of words is 8-aligned and in user space.
unsafe impl Element for Item {
    type Ref<'a>
        = (u64, u64)
    where
        Self: 'a;

    fn into_raw(self) -> NonNull<u8> {
        NonNull::new(Box::into_raw(self.0).cast()).expect("a box is not null")
    }
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        // SAFETY: from `into_raw`.
        Self(unsafe { Box::from_raw(raw.as_ptr().cast()) })
    }
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> (u64, u64)
    where
        Self: 'a,
    {
        // SAFETY: from `into_raw`.
        unsafe { raw.cast::<(u64, u64)>().read() }
    }
}

type Items = Table<Item>;

/// Miri is a thousand times slower: tables that many times smaller there.
const SCALE: u64 = if cfg!(miri) { 20 } else { 1 };

fn insert(table: &mut Items, item: (u64, u64)) {
    table.insert(item.0, Item(Box::new(item)), |item| item.0);
}

fn remove(table: &mut Items, item: (u64, u64)) -> bool {
    table.find_mut(item.0, |other| other == item).map(Occupied::remove).is_some()
}

/// Walks the structure and checks every invariant.
fn check(table: &Items) {
    let segments: Vec<_> = table.distinct_segments().collect();
    assert_eq!(segments.len(), table.segments);
    assert_eq!(segments.iter().collect::<HashSet<_>>().len(), table.segments, "each once");
    let expected = if table.segments == 0 { 0 } else { 1 << table.depth };
    assert_eq!(table.directory.len(), expected);
    let (mut len, mut deepest, mut overflow) = (0, 0, 0);
    let mut at = 0;
    while at < table.directory.len() {
        let segment = table.directory[at];
        let places = table.places(at);
        assert!(table.directory[at..at + places].iter().all(|&other| other == segment));
        let mut count = 0;
        for index in 0..table.buckets {
            table.visit_bucket(segment, index, |(hash, _)| {
                count += 1;
                assert_eq!(bucket_index(hash, table.buckets), index);
                assert!((at..at + places).contains(&table.index(hash)));
            });
            // SAFETY: buckets of the borrowed table.
            unsafe {
                let mut bucket = bucket_of(segment, index).as_ref();
                while let Some(next) = bucket.overflow() {
                    assert!(bucket.0.iter().all(|slot| *slot != Slot::EMPTY), "no hole before");
                    bucket = next.as_ref();
                    overflow += 1;
                    assert!(bucket.0.iter().filter(|slot| **slot != Slot::EMPTY).count() >= 2);
                }
            }
        }
        // SAFETY: a segment of the borrowed table.
        let segment = unsafe { segment.as_ref() };
        assert_eq!(segment.count, count);
        deepest += u32::from(segment.depth == table.depth);
        len += count as usize;
        at += places;
    }
    assert!(table.segments <= 1 || table.buckets == BUCKETS, "small segments are alone");
    assert_eq!((len, deepest, overflow), (table.len, table.deepest, table.overflow_buckets));
}

/// A stream of well mixed hashes (the finalizer of SplitMix64 over a counter).
fn hash(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[derive(Clone, Debug)]
enum Step {
    /// Insert so many new elements.
    Grow(usize),
    /// Remove so many elements that are not kept.
    Shrink(usize),
    /// Scan so many buckets.
    Scan(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let amount = || prop_oneof![4 => 0..40usize, 4 => 0..300usize, 1 => 0..6000 / SCALE as usize];
    prop_oneof![
        2 => amount().prop_map(Step::Grow),
        2 => amount().prop_map(Step::Shrink),
        3 => prop_oneof![0..12usize, 0..150usize].prop_map(Step::Scan),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 1 } else { 200 }, failure_persistence: None, ..ProptestConfig::default() })]

    /// The scan's guarantee: what stays from beginning to end is visited.
    #[test]
    fn a_scan_misses_nothing_that_stays(
        start in prop_oneof![0..300u64, 0..8000u64],
        kept_in in 1..40u64,
        few_prefix_bits: bool,
        steps in prop::collection::vec(step(), 1..60 / SCALE as usize + 10),
    ) {
        let start = start / SCALE;
        // A hash of few distinct prefixes makes a lopsided directory, with deep splits next to
        // shallow segments.
        let item = |n: u64| {
            let hash = hash(n);
            (if few_prefix_bits && !n.is_multiple_of(3) { hash | 0xfff << 52 } else { hash }, n)
        };
        let mut table = Items::new();
        (0..start).for_each(|n| insert(&mut table, item(n)));
        let mut removable: Vec<u64> = (0..start).filter(|n| n % kept_in != 0).collect();
        let mut unseen: HashSet<u64> = (0..start).filter(|n| n % kept_in == 0).collect();
        let (mut next, mut cursor, mut done) = (start, 0, false);
        for step in steps.into_iter().chain([Step::Scan(usize::MAX)]) {
            match step {
                Step::Grow(amount) => for _ in 0..amount {
                    insert(&mut table, item(next));
                    removable.push(next);
                    next += 1;
                },
                Step::Shrink(amount) => for _ in 0..amount.min(removable.len()) {
                    let at = hash(next ^ removable.len() as u64) as usize % removable.len();
                    assert!(remove(&mut table, item(removable.swap_remove(at))));
                },
                Step::Scan(buckets) => for _ in 0..buckets {
                    if done {
                        break;
                    }
                    cursor = table.scan(cursor, |(_, n)| { unseen.remove(&n); });
                    prop_assert!(cursor >> CURSOR_BITS == 0);
                    done = cursor == 0;
                },
            }
            check(&table);
        }
        prop_assert!(done && unseen.is_empty(), "missed {unseen:?}");
    }

    #[test]
    fn any_cursor_is_safe_and_leads_to_the_end(cursor: u64, few: bool) {
        let mut table = Items::new();
        (0..if few { 3 } else { 10_000 / SCALE }).for_each(|n| insert(&mut table, (hash(n), n)));
        let mut cursor = cursor;
        // A forged range may be the smallest there is: it takes a range per bit to leave its segment.
        for _ in 0..=64 * (table.segments + MAX_DEPTH as usize) {
            cursor = table.scan(cursor, |_| ());
            if cursor == 0 {
                return Ok(());
            }
        }
        prop_assert!(false, "did not end");
    }

    #[test]
    fn a_resting_scan_visits_each_once(len in 0..5000u64) {
        let len = len / SCALE;
        let mut table = Items::new();
        (0..len).for_each(|n| insert(&mut table, (hash(n), n)));
        let (mut seen, mut cursor) = (vec![0; len as usize], 0);
        loop {
            cursor = table.scan(cursor, |(_, n)| seen[n as usize] += 1);
            if cursor == 0 {
                break;
            }
        }
        prop_assert!(seen.iter().all(|&times| times == 1));
    }
}

/// No insertion or removal does more than one split or merge, each of at most a segment, and the
/// table takes no more memory than it should on the way up and down. Large enough that the deepest
/// splits are those that read tags alone.
#[test]
fn every_step_is_bounded() {
    let len: u64 = if cfg!(miri) { 900 } else { 900_000 };
    let mut table = Items::new();
    let mut last = table.stats();
    let mut bounded = |table: &Items| {
        let stats = table.stats();
        assert!(stats.splits + stats.merges - last.splits - last.merges <= 1);
        assert!(stats.moved - last.moved <= u64::from(SPLIT_ABOVE) + 1);
        assert!(stats.bytes <= 144 + 104 * stats.len, "{stats:?}");
        if stats.len > 1000 {
            let per_element = stats.bytes as f64 / stats.len as f64;
            assert!(per_element < 36.0, "{stats:?}");
        }
        last = stats;
    };
    for n in 0..len {
        insert(&mut table, (hash(n), n));
        bounded(&table);
    }
    check(&table);
    let full = table.stats();
    assert!(cfg!(miri) || full.depth > TAG_DEPTH, "{full:?}");
    let per_element = full.bytes as f64 / full.len as f64;
    assert!(cfg!(miri) || (9.0..=20.0).contains(&per_element), "{full:?}");
    for n in (0..len).map(|n| if n % 2 == 0 { n } else { len - n - len % 2 }) {
        assert!(remove(&mut table, (hash(n), n)), "{n}");
        bounded(&table);
        if n % 50_000 == 0 {
            check(&table);
        }
    }
    assert_eq!((table.len(), table.bytes()), (0, 0));
}

/// A hash that does not spread must cost time only, never memory out of proportion.
#[test]
fn a_bad_hash_makes_long_buckets_only() {
    let len: u64 = if cfg!(miri) { 60 } else { 4000 };
    for same in [0, u64::MAX, 0x5555_5555_5555_5555] {
        let mut table = Items::new();
        for n in 0..len {
            insert(&mut table, (same, n));
        }
        check(&table);
        assert!(table.bytes() < 1 << 20, "{:?}", table.stats());
        let mut seen = HashSet::new();
        let mut cursor = 0;
        loop {
            cursor = table.scan(cursor, |(_, n)| {
                seen.insert(n);
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), len as usize);
        assert!(table.random(&mut fastrand::Rng::with_seed(1)).is_some());
        for n in 0..len {
            assert!(remove(&mut table, (same, n)));
        }
        check(&table);
        assert_eq!(table.bytes(), 0);
    }
}
