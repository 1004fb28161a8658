//! Hashes against a plain model with a clock, through both encodings.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

#[derive(Clone, Debug)]
enum Step {
    Set { field: usize, value: Vec<u8>, lifetime: Lifetime },
    Remove(usize),
    SetExpiry(usize, Option<i64>),
    Wait(i64),
    Expire(usize),
    Prepare(usize),
}

/// Fields of every length of the record's head, one that is an integer.
fn name(index: usize) -> Vec<u8> {
    match index {
        0 => Vec::new(),
        1 => b"17".to_vec(),
        2 => vec![b'x'; 64],
        3 => vec![b'y'; 300],
        _ => format!("field:{index}").into_bytes(),
    }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        prop::collection::vec(any::<u8>(), 0..6),
        (0..200usize).prop_map(|len| vec![b'v'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let field = || 0..14usize;
    let time = || 0..60i64;
    let lifetime = prop_oneof![
        2 => Just(Lifetime::Endless),
        2 => Just(Lifetime::Kept),
        1 => time().prop_map(Lifetime::Until),
    ];
    prop_oneof![
        12 => (field(), value(), lifetime)
            .prop_map(|(field, value, lifetime)| Step::Set { field, value, lifetime }),
        5 => field().prop_map(Step::Remove),
        5 => (field(), prop::option::of(time())).prop_map(|(f, at)| Step::SetExpiry(f, at)),
        2 => (0..6i64).prop_map(Step::Wait),
        2 => (0..5usize).prop_map(Step::Expire),
        1 => (0..12usize).prop_map(Step::Prepare),
    ]
}

fn live(model: &Model, now_ms: i64) -> Model {
    let is_live = |(_, (_, expiry)): &(&Vec<u8>, &(Vec<u8>, Option<i64>))| {
        expiry.is_none_or(|at| at > now_ms)
    };
    model.iter().filter(is_live).map(|(field, value)| (field.clone(), value.clone())).collect()
}

fn gather<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Model {
    let mut found = Model::new();
    for Entry { field, value, expiry } in entries {
        let before = found.insert(field.to_vec(), (value.to_vec(), expiry));
        assert!(before.is_none(), "each field once");
    }
    found
}

fn check(hash: &Hash, model: &Model, now_ms: i64) {
    let live = live(model, now_ms);
    assert_eq!(hash.len(), model.len());
    assert_eq!(gather(hash.iter(now_ms)), live);
    assert_eq!(hash.next_expiry(), model.values().filter_map(|(_, expiry)| *expiry).min());
    for index in 0..14 {
        let found = hash.look(&name(index), now_ms);
        let found = found.map(|(value, expiry)| (value.to_vec(), expiry));
        assert_eq!(found.as_ref(), live.get(&name(index)));
    }
    if let View::Big(fields) = hash.0.view() {
        fields.check();
    }
    let mut scanned = Vec::new();
    let mut cursor = 0;
    loop {
        cursor = hash.scan(cursor, now_ms, |entry| scanned.push(entry));
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(gather(scanned.into_iter()), live);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn follows_a_plain_map_with_a_clock(
        steps in prop::collection::vec(step(), 0..if cfg!(miri) { 25 } else { 150 }),
        seed: u64,
    ) {
        let hasher = Hasher::with_seeds([1, 2, 3, 4]);
        let limits = Limits { listpack_entries: 6, listpack_value: 64, hasher: &hasher };
        let (mut hash, mut model, mut now_ms) = (Hash::new(), Model::new(), 0);
        for step in steps {
            match step {
                Step::Set { field, value, lifetime } => {
                    let field = name(field);
                    let old = live(&model, now_ms).remove(&field);
                    let expiry = match lifetime {
                        Lifetime::Endless => None,
                        Lifetime::Kept => old.as_ref().and_then(|(_, expiry)| *expiry),
                        Lifetime::Until(at) => Some(at),
                    };
                    let assigned = hash.set(&field, &value, lifetime, limits, now_ms);
                    prop_assert_eq!(assigned == Assigned::Updated, old.is_some());
                    model.insert(field, (value, expiry));
                }
                Step::Remove(field) => {
                    let was_there = live(&model, now_ms).contains_key(&name(field));
                    prop_assert_eq!(hash.remove(&name(field), now_ms), was_there);
                    if was_there {
                        model.remove(&name(field));
                    }
                }
                Step::SetExpiry(field, expiry) => {
                    let was_there = live(&model, now_ms).contains_key(&name(field));
                    prop_assert_eq!(hash.set_expiry(&name(field), expiry, limits, now_ms), was_there);
                    if was_there {
                        model.entry(name(field)).and_modify(|(_, at)| *at = expiry);
                    }
                }
                Step::Wait(ms) => now_ms += ms,
                Step::Expire(most) => {
                    let mut gone = Vec::new();
                    let taken = hash.expire(now_ms, most, |field| gone.push(field.to_vec()));
                    prop_assert_eq!(taken, gone.len());
                    let due = model.len() - live(&model, now_ms).len();
                    prop_assert_eq!(taken, most.min(due));
                    for field in gone {
                        let (_, expiry) = model.remove(&field).expect("it was in");
                        prop_assert!(expiry.is_some_and(|at| at <= now_ms));
                    }
                }
                Step::Prepare(additions) => hash.prepare(additions, limits),
            }
            check(&hash, &model, now_ms);
        }
        let copy = hash.duplicate();
        check(&copy, &model, now_ms);
        prop_assert_eq!(copy.encoding(), hash.encoding());
        let (mut rng, live) = (fastrand::Rng::with_seed(seed), live(&model, now_ms));
        prop_assert_eq!(hash.random(&mut rng, now_ms).is_some(), !live.is_empty());
        for count in [0, 1, live.len() / 2, live.len() + 1] {
            let chosen = gather(hash.select(count, &mut rng, now_ms).into_iter());
            prop_assert_eq!(chosen.len(), count.min(live.len()));
            prop_assert!(chosen.iter().all(|(field, value)| live.get(field) == Some(value)));
        }
    }
}

#[test]
fn encodings_change_where_valkey_s_do() {
    let hasher = Hasher::with_seeds([1, 2, 3, 4]);
    let limits = Limits { listpack_entries: 2, listpack_value: 3, hasher: &hasher };
    let encoding = |pairs: &[(&str, &str)]| {
        let mut hash = Hash::new();
        for (field, value) in pairs {
            hash.set(field.as_bytes(), value.as_bytes(), Lifetime::Endless, limits, 0);
        }
        hash.encoding()
    };
    assert_eq!(encoding(&[("a", "1"), ("b", "2")]), "listpack");
    assert_eq!(encoding(&[("a", "1"), ("b", "2"), ("c", "3")]), "hashtable");
    assert_eq!(encoding(&[("a", "1234")]), "hashtable");
    assert_eq!(encoding(&[("abcd", "1")]), "hashtable");
    let mut hash = Hash::new();
    hash.set(b"a", b"1", Lifetime::Kept, limits, 0);
    assert_eq!(hash.encoding(), "listpack");
    hash.set_expiry(b"a", Some(5), limits, 0);
    assert_eq!(hash.encoding(), "hashtable");
}

#[test]
fn a_hash_is_two_words() {
    assert!(size_of::<Hash>() <= 16);
    fn is_send<T: Send>() {}
    is_send::<Hash>();
}
