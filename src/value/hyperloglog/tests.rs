use proptest::prelude::*;

use super::*;

/// Redis's default.
const SPARSE_MAX: usize = 3000;

fn add(value: &mut Vec<u8>, element: &[u8]) -> bool {
    let raised = raise(value, Mark::of(element), SPARSE_MAX).expect("a whole value");
    if raised {
        invalidate(value);
    }
    raised
}

fn ranks(value: &[u8]) -> Vec<u8> {
    let dense = dense(value).expect("a whole value");
    (0..REGISTERS).map(|register| dense_get(&dense, register)).collect()
}

#[test]
fn the_hash_is_murmur64a() {
    // Taken from a server: the registers that PFADD of these elements sets.
    let mut value = empty();
    for element in [b"a", b"b", b"c"] {
        assert!(add(&mut value, element));
    }
    assert_eq!(opcodes(&value), "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603");
    assert_eq!(count(&value), Ok(3));
    assert!(!add(&mut value, b"a"));
}

#[test]
fn an_empty_value_counts_nothing() {
    let value = empty();
    assert_eq!(value.len(), 18);
    assert_eq!((encoding(&value), cached(&value)), (Some(Encoding::Sparse), Some(0)));
    assert_eq!(count(&value), Ok(0));
    let dense = dense(&value).expect("a whole value");
    assert_eq!((encoding(&dense), count(&dense)), (Some(Encoding::Dense), Ok(0)));
    assert_eq!(Union::default().count(), 0);
}

#[test]
fn a_value_turns_dense_when_it_grows_too_long() {
    let mut value = empty();
    let mut added = 0u32;
    while encoding(&value) == Some(Encoding::Sparse) {
        assert!(value.len() <= SPARSE_MAX);
        add(&mut value, &added.to_le_bytes());
        added += 1;
    }
    assert!((1000..3000).contains(&added), "{added}");
    let error = count(&value).map(|count| count.abs_diff(added.into()));
    assert!(error.is_ok_and(|error| error < u64::from(added) / 20));
}

#[test]
fn estimates_are_near() {
    let mut value = dense(&empty()).expect("a whole value");
    let most: u32 = if cfg!(miri) { 100 } else { 200_000 };
    for element in 0..most {
        add(&mut value, &element.to_le_bytes());
    }
    let counted = count(&value).expect("a whole value");
    assert!(counted.abs_diff(most.into()) < u64::from(most) / 20, "{counted}");
}

#[test]
fn what_is_no_value_is_told_apart() {
    let whole = empty();
    assert_eq!(encoding(b""), None);
    assert_eq!(encoding(&whole[..15]), None);
    let mut other = whole.clone();
    other[4] = 2;
    assert_eq!(encoding(&other), None);
    other[4] = 0;
    assert_eq!(encoding(&other), None);
    other[0] = b'h';
    assert_eq!(encoding(&other), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    #[test]
    fn both_forms_hold_the_same(
        marks in prop::collection::vec((0..REGISTERS, 1u8..=51), 0..if cfg!(miri) { 10 } else { 300 }),
        narrow: bool,
        low: bool,
        max in prop::sample::select(&[18usize, 100, 3000]),
    ) {
        let mut model = vec![0u8; REGISTERS];
        let (mut sparse, mut dense_value) = (empty(), dense(&empty()).expect("a whole value"));
        for (register, rank) in marks {
            let register = if narrow { register % 40 } else { register };
            let rank = if low { rank.min(rank % 5 + 1) } else { rank };
            let mark = Mark { register, rank };
            let expected = model[register] < rank;
            model[register] = model[register].max(rank);
            prop_assert_eq!(raise(&mut sparse, mark, max), Ok(expected));
            prop_assert_eq!(dense_raise(&mut dense_value, mark), expected);
        }
        prop_assert_eq!(&ranks(&sparse), &model);
        prop_assert_eq!(&ranks(&dense_value), &model);
        prop_assert_eq!(count(&sparse), count(&dense_value));
        let mut union = Union::default();
        prop_assert_eq!(union.add(&sparse), Ok(()));
        prop_assert_eq!(union.add(&dense_value), Ok(()));
        prop_assert_eq!(&union.ranks[..], &model[..]);
        prop_assert_eq!(Ok(union.count()), count(&sparse));
    }

    /// Whatever stands behind the header: nothing panics, and what one walk refuses all refuse.
    #[test]
    fn any_bytes_are_taken_or_refused(
        tail in prop::collection::vec(any::<u8>(), 0..600),
        marks in prop::collection::vec((0..REGISTERS, 1u8..=51), 0..20),
    ) {
        let mut value = empty();
        value.truncate(HEADER);
        value.extend(tail);
        let whole = count(&value).is_ok();
        prop_assert_eq!(dense(&value).is_ok(), whole);
        prop_assert_eq!(Union::default().add(&value).is_ok(), whole);
        opcodes(&value);
        for (register, rank) in marks {
            let raised = raise(&mut value, Mark { register, rank }, 3000);
            prop_assert!(raised.is_ok() || !whole);
        }
        prop_assert_eq!(count(&value).is_ok(), whole);
    }
}
