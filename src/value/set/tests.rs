//! Sets against a plain model, through every encoding.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

fn hasher() -> Hasher {
    Hasher::with_seeds([1, 2, 3, 4])
}

fn small(hasher: &Hasher) -> Limits<'_> {
    Limits { intset_entries: 6, listpack_entries: 8, listpack_value: 5, hasher }
}

fn contents(set: &Set) -> BTreeSet<Vec<u8>> {
    let members: Vec<Vec<u8>> = set.iter().map(|member| member.to_vec()).collect();
    let unique: BTreeSet<Vec<u8>> = members.iter().cloned().collect();
    assert_eq!(members.len(), unique.len(), "once each");
    unique
}

/// What the set says of itself is so.
fn check(set: &Set, model: &BTreeSet<Vec<u8>>, limits: Limits<'_>) {
    assert_eq!(set.len(), model.len());
    assert_eq!(&contents(set), model);
    match &set.0 {
        Repr::Intset(_) => assert!(set.len() <= limits.intset_entries),
        Repr::Listpack(_) => assert!(set.len() <= limits.listpack_entries),
        Repr::Table(members) => {
            let allocated: usize = model.iter().map(|m| ThinBytes::allocated_for(m.len())).sum();
            assert_eq!(members.member_bytes(), allocated);
        }
    }
    for member in model {
        assert!(set.contains(member));
        assert!(set.has(Item::of(member), &mut None));
    }
    let mut seen = BTreeSet::new();
    let mut cursor = 0;
    loop {
        cursor = set.scan(cursor, |member| {
            seen.insert(member.to_vec());
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&seen, model);
}

#[derive(Clone, Debug)]
enum Step {
    Prepare(Vec<u8>, usize),
    Add(Vec<u8>),
    Remove(Vec<u8>),
    Pop(usize),
    PreferIntset,
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (-12i64..12).prop_map(|n| n.to_string().into_bytes()),
        2 => prop::sample::select(vec![&b""[..], b"01", b"-0", b"a", b"b", b"\0", b"longer"])
            .prop_map(<[u8]>::to_vec),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => member().prop_map(Step::Add),
        7 => member().prop_map(Step::Remove),
        1 => (member(), 0..12usize).prop_map(|(first, count)| Step::Prepare(first, count)),
        1 => (0..20usize).prop_map(Step::Pop),
        1 => Just(Step::PreferIntset),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn follows_a_plain_set(
        steps in prop::collection::vec(step(), 0..if cfg!(miri) { 30 } else { 200 }),
        seed: u64,
    ) {
        let (hasher, mut rng) = (hasher(), fastrand::Rng::with_seed(seed));
        let limits = small(&hasher);
        let (mut set, mut model) = (Set::new(), BTreeSet::new());
        for step in steps {
            match step {
                Step::Prepare(first, count) => set.prepare(&first, count, limits),
                Step::Add(member) => {
                    prop_assert_eq!(set.add(&member, limits), model.insert(member));
                }
                Step::Remove(member) => {
                    prop_assert_eq!(set.remove(&member), model.remove(&member));
                }
                Step::Pop(count) => {
                    let mut popped = 0;
                    set.pop_many(count, &mut rng, limits, |member| {
                        assert!(model.remove(&member.to_vec()), "it was in");
                        popped += 1;
                    });
                    prop_assert!(popped == count || model.is_empty());
                }
                Step::PreferIntset => set.prefer_intset(limits),
            }
            check(&set, &model, limits);
        }
        let copy = set.duplicate();
        check(&copy, &model, limits);
        prop_assert_eq!(copy.encoding(), set.encoding());
        for count in [0, 1, model.len() / 2, model.len() + 1] {
            let chosen: BTreeSet<_> =
                set.select(count, &mut rng).into_iter().map(|m| m.to_vec()).collect();
            prop_assert_eq!(chosen.len(), count.min(model.len()));
            prop_assert!(chosen.is_subset(&model));
        }
    }
}

#[test]
fn encodings_change_where_redis_s_do() {
    let hasher = hasher();
    let limits =
        Limits { intset_entries: 3, listpack_entries: 4, listpack_value: 3, hasher: &hasher };
    let encoding = |members: &[&str]| {
        let mut set = Set::new();
        for member in members {
            set.add(member.as_bytes(), limits);
        }
        set.encoding()
    };
    assert_eq!((Set::new().bytes(), Set::new().encoding()), (0, "intset"));
    assert_eq!(encoding(&["1", "2", "3"]), "intset");
    assert_eq!(encoding(&["1", "2", "3", "4"]), "hashtable");
    assert_eq!(encoding(&["1", "2", "3", "x"]), "listpack");
    assert_eq!(encoding(&["1", "2", "3", "x", "y"]), "hashtable");
    assert_eq!(encoding(&["1", "xyz"]), "listpack");
    assert_eq!(encoding(&["1", "wxyz"]), "hashtable");
    assert_eq!(encoding(&["1234", "x"]), "hashtable");
    let prepared = |first: &str, count| {
        let mut set = Set::new();
        set.prepare(first.as_bytes(), count, limits);
        set.encoding()
    };
    assert_eq!(prepared("1", 3), "intset");
    assert_eq!(prepared("1", 4), "listpack");
    assert_eq!(prepared("1", 5), "hashtable");
    assert_eq!(prepared("x", 4), "listpack");
}

/// Every member is as likely as any other, in every encoding and way of choosing.
#[test]
fn chance_is_fair() {
    const ROUNDS: usize = if cfg!(miri) { 20 } else { 40_000 };
    let (hasher, mut rng) = (hasher(), fastrand::Rng::with_seed(7));
    let sizes: &[(usize, usize)] =
        if cfg!(miri) { &[(20, 5)] } else { &[(20, 5), (100, 90), (1_000, 7), (3_000, 2_500)] };
    for &(size, count) in sizes {
        for packed in [true, false] {
            let most = if packed { usize::MAX } else { 0 };
            let limits = Limits {
                intset_entries: most,
                listpack_entries: most,
                listpack_value: 64,
                hasher: &hasher,
            };
            let mut set = Set::new();
            for n in 0..size {
                set.add(n.to_string().as_bytes(), limits);
            }
            let mut drawn: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
            let mut draws = 0.0;
            let mut note = |member: Item<'_>| {
                *drawn.entry(member.to_vec()).or_default() += 1.0;
                draws += 1.0;
            };
            for _ in 0..ROUNDS / count.max(20) {
                set.select(count, &mut rng).into_iter().for_each(&mut note);
            }
            for _ in 0..ROUNDS {
                note(set.random(&mut rng).expect("a member"));
            }
            if cfg!(miri) {
                continue;
            }
            let expected = draws / size as f64;
            let chi_square: f64 = set
                .iter()
                .map(|member| drawn.get(&member.to_vec()).copied().unwrap_or(0.0) - expected)
                .map(|difference| difference * difference / expected)
                .sum();
            // Mean `size - 1`, variance twice that: five standard deviations.
            let bound = size as f64 + 5.0 * (2.0 * size as f64).sqrt();
            assert!(chi_square < bound, "{size} {count} {packed}: {chi_square} above {bound}");
        }
    }
}

#[test]
fn a_set_is_two_words() {
    assert!(size_of::<Set>() <= 16);
    fn is_send<T: Send>() {}
    is_send::<Set>();
}
