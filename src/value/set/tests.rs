//! Sets against a plain model, through every encoding.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn hasher() -> Hasher {
    Hasher::with_seeds([1, 2, 3, 4])
}

fn contents(set: &Set) -> BTreeSet<Vec<u8>> {
    let mut members = BTreeSet::new();
    set.for_each(|member| {
        assert!(members.insert(member.as_bytes(&mut itoa::Buffer::new()).to_vec()), "once each");
    });
    members
}

#[derive(Clone, Debug)]
enum Step {
    Add(Vec<u8>),
    Remove(Vec<u8>),
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (-12i64..12).prop_map(|n| n.to_string().into_bytes()),
        1 => prop::sample::select(vec![&b""[..], b"01", b"-0", b"a", b"b", b"\0"])
            .prop_map(<[u8]>::to_vec),
        1 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![3 => member().prop_map(Step::Add), 2 => member().prop_map(Step::Remove)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    #[test]
    fn follows_a_plain_set(
        steps in prop::collection::vec(step(), 0..if cfg!(miri) { 30 } else { 200 }),
        intset_entries in 0usize..12,
    ) {
        let hasher = hasher();
        let limits = Limits { intset_entries, hasher: &hasher };
        let (mut set, mut model) = (Set::new(), BTreeSet::new());
        for step in steps {
            match step {
                Step::Add(member) => {
                    prop_assert_eq!(set.add(&member, limits), model.insert(member));
                }
                Step::Remove(member) => {
                    prop_assert_eq!(set.remove(&member), model.remove(&member));
                }
            }
            prop_assert_eq!(set.len(), model.len());
            if set.encoding() == "intset" {
                prop_assert!(set.len() <= intset_entries);
            }
        }
        prop_assert_eq!(contents(&set), model.clone());
        let copy = set.duplicate();
        prop_assert_eq!(contents(&copy), model.clone());
        prop_assert_eq!(copy.encoding(), set.encoding());
        for member in &model {
            prop_assert!(set.contains(member));
        }
        if set.encoding() == "hashtable" {
            let Repr::Table(members) = &set.0 else { panic!("a table") };
            let members_bytes = model.iter().map(|m| ThinBytes::allocated_for(m.len())).sum::<usize>();
            prop_assert_eq!(members.member_bytes, members_bytes);
        }
    }
}

#[test]
fn encodings_change_where_redis_s_do() {
    let hasher = hasher();
    let limits = Limits { intset_entries: 3, hasher: &hasher };
    let mut set = Set::new();
    assert_eq!((set.bytes(), set.encoding()), (0, "intset"));
    for n in 0..3 {
        set.add(n.to_string().as_bytes(), limits);
    }
    assert_eq!(set.encoding(), "intset");
    set.add(b"3", limits);
    assert_eq!(set.encoding(), "hashtable");
}

#[test]
fn a_set_is_two_words() {
    assert!(size_of::<Set>() <= 16);
    fn is_send<T: Send>() {}
    is_send::<Set>();
}
