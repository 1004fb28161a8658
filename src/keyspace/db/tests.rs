//! The database against a plain model, and its accounting.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::keyspace::{Collection, INLINE_MAX, Kind, ValueRef};
use crate::value::hasher::Hasher;
use crate::value::set::{Limits, Set};

// Miri is a thousand times slower.
const CASES: u32 = if cfg!(miri) { 2 } else { 300 };
const STEPS: usize = if cfg!(miri) { 25 } else { 400 };

fn db() -> Db {
    Db::new(KeyHasher::with_seeds([1, 2, 3, 4]))
}

fn text(entry: EntryRef<'_>) -> Vec<u8> {
    entry.canonical()
}

/// Adds a member to a set or removes it. Few fit into an intset.
fn change_set(set: &mut Set, member: &[u8], adds: bool) {
    let hasher = Hasher::with_seeds([4, 3, 2, 1]);
    let limits =
        Limits { intset_entries: 3, listpack_entries: 4, listpack_value: 64, hasher: &hasher };
    if adds {
        set.add(member, limits)
    } else {
        set.remove(member)
    };
}

fn object(members: &BTreeSet<Vec<u8>>) -> crate::keyspace::Object {
    let mut set = Set::new();
    members.iter().for_each(|member| change_set(&mut set, member, true));
    set.into()
}

/// A database that hashes for the caller.
struct Hashed(Db);

impl Hashed {
    fn hash(&self, key: &[u8]) -> KeyHash {
        // Miri takes a second over a wide key, and has but one of them: hashed once there.
        static WIDE: OnceLock<KeyHash> = OnceLock::new();
        let hash = || self.0.hasher().hash(key);
        if cfg!(miri) && key.len() > 60_000 { *WIDE.get_or_init(hash) } else { hash() }
    }
    fn set(&mut self, key: &[u8], value: Value<'_>, expiry: Option<i64>) -> Previous {
        self.0.insert(key, self.hash(key), value, expiry)
    }
    fn get(&self, key: &[u8]) -> Option<EntryRef<'_>> {
        self.0.get(key, self.hash(key))
    }
    fn remove(&mut self, key: &[u8]) -> Option<OwnedEntry> {
        self.0.remove(key, self.hash(key))
    }
    fn expire(&mut self, key: &[u8], expiry: Option<i64>) -> bool {
        self.0.set_expiry(key, self.hash(key), expiry)
    }
    fn append(&mut self, key: &[u8], suffix: &[u8]) -> usize {
        let old = self.get(key).map_or(0, |entry| string(entry).len());
        self.0.edit_string(key, self.hash(key), old + suffix.len(), |bytes| {
            bytes[old..].copy_from_slice(suffix);
        })
    }
}

fn string(entry: EntryRef<'_>) -> ValueRef<'_> {
    entry.string().expect("a string")
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    /// The string, or what is canonical of the object.
    value: Vec<u8>,
    members: Option<BTreeSet<Vec<u8>>>,
    expiry: Option<i64>,
    raw: bool,
    access: u32,
}

#[derive(Clone, Debug)]
enum Step {
    Set { key: usize, value: Vec<u8>, shared: bool, encode: bool, expiry: Option<i64> },
    SetObject { key: usize, members: BTreeSet<Vec<u8>>, expiry: Option<i64> },
    EditObject { key: usize, member: Vec<u8>, adds: bool },
    Remove(usize),
    Expire(usize, Option<i64>),
    Edit { key: usize, offset: usize, bytes: Vec<u8> },
    Increment(usize, i64),
    Touch(usize, u32),
    Rename(usize, usize),
    Copy(usize, usize),
    TakeExpired(i64),
    TakeAll,
}

/// Lengths around the borders between layouts and size classes.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(b'0'), any::<u8>()];
    prop_oneof![
        4 => any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        2 => (-20i64..2000).prop_map(|n| n.to_string().into_bytes()),
        8 => prop::collection::vec(byte, 0..130),
        1 => (INLINE_MAX - 2..INLINE_MAX + 3).prop_map(|len| vec![b'x'; len]),
        1 => (INLINE_MAX..40_000usize).prop_map(|len| vec![b'y'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..24usize;
    let expiry = || prop::option::of(prop_oneof![0..1000i64, any::<i64>()]);
    let member = || {
        prop_oneof![
            (0..6i64).prop_map(|n| n.to_string().into_bytes()),
            prop::collection::vec(any::<u8>(), 0..2),
        ]
    };
    prop_oneof![
        4 => (key(), prop::collection::btree_set(member(), 0..8), expiry())
            .prop_map(|(key, members, expiry)| Step::SetObject { key, members, expiry }),
        12 => (key(), member(), any::<bool>())
            .prop_map(|(key, member, adds)| Step::EditObject { key, member, adds }),
        12 => (key(), value(), any::<bool>(), any::<bool>(), expiry()).prop_map(
            |(key, value, shared, encode, expiry)| Step::Set { key, value, shared, encode, expiry }
        ),
        4 => key().prop_map(Step::Remove),
        5 => (key(), expiry()).prop_map(|(key, expiry)| Step::Expire(key, expiry)),
        8 => (key(), 0..200usize, prop::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(key, offset, bytes)| Step::Edit { key, offset, bytes }),
        1 => (key(), 4000..9000usize, prop::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(key, offset, bytes)| Step::Edit { key, offset, bytes }),
        2 => (key(), any::<i64>()).prop_map(|(key, n)| Step::Increment(key, n)),
        2 => (key(), 0..1u32 << 24).prop_map(|(key, access)| Step::Touch(key, access)),
        3 => (key(), key()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (key(), key()).prop_map(|(from, to)| Step::Copy(from, to)),
        1 => (0..1000i64).prop_map(Step::TakeExpired),
        1 => Just(Step::TakeAll),
    ]
}

/// Keys of every length class, one of them wide.
fn key(index: usize) -> Vec<u8> {
    match index {
        1..=3 if cfg!(miri) => vec![b'w'; 100 * index],
        0 => Vec::new(),
        1 => vec![b'w'; 65_535],
        2 | 100 => vec![b'w'; 65_536],
        3 => vec![b'v'; 70_000],
        _ => format!("{index:0width$}", width = index).into_bytes(),
    }
}

fn apply(db: &mut Hashed, model: &mut BTreeMap<usize, Model>, step: Step) {
    match step {
        Step::Set { key: k, value, shared, encode, expiry } => {
            let old = model.get(&k).cloned();
            let stored = match (shared, encode) {
                (true, true) => Value::encode_shared(Bytes::from(value.clone())),
                (true, false) => Value::Shared(Bytes::from(value.clone())),
                (false, true) => Value::encode(&value),
                (false, false) => Value::Bytes(&value),
            };
            match db.set(&key(k), stored, expiry) {
                Previous::None => assert_eq!(old, None),
                Previous::Overwritten => assert!(old.is_some()),
                Previous::Replaced(entry) => {
                    let old = old.as_ref().expect("replaces something");
                    assert_eq!(
                        (text(entry.get()), entry.expiry()),
                        (old.value.clone(), old.expiry)
                    );
                }
            }
            let access = old.map_or(0, |old| old.access);
            model.insert(k, Model { value, members: None, expiry, raw: false, access });
        }
        Step::SetObject { key: k, members, expiry } => {
            let (old, value) = (model.get(&k).cloned(), object(&members));
            let text = value.look().canonical();
            let previous = db.set(&key(k), Value::Object(value), expiry);
            assert_eq!(matches!(previous, Previous::Replaced(_)), old.is_some());
            let access = old.map_or(0, |old| old.access);
            let members = Some(members);
            model.insert(k, Model { value: text, members, expiry, raw: false, access });
        }
        Step::EditObject { key: k, member, adds } => {
            let hash = db.hash(&key(k));
            let Found::Live(mut found) = db.0.find_live(&key(k), hash, i64::MIN) else {
                assert!(!model.contains_key(&k));
                return;
            };
            let spent = found.object(|object| {
                let Some(set) = Set::of_mut(object) else { panic!("a set") };
                change_set(set, &member, adds);
                set.is_empty()
            });
            if spent == Some(true) {
                found.remove();
            }
            let Some(known) = model.get_mut(&k).filter(|known| known.members.is_some()) else {
                assert_eq!(spent, None);
                return;
            };
            let members = known.members.as_mut().expect("an object");
            if adds {
                members.insert(member)
            } else {
                members.remove(&member)
            };
            known.value = object(members).look().canonical();
            assert_eq!(spent, Some(members.is_empty()));
            if members.is_empty() {
                model.remove(&k);
            }
        }
        Step::Remove(k) => {
            let removed = db.remove(&key(k)).map(|entry| text(entry.get()));
            assert_eq!(removed, model.remove(&k).map(|model| model.value));
        }
        Step::Expire(k, expiry) => {
            assert_eq!(db.expire(&key(k), expiry), model.contains_key(&k));
            model.entry(k).and_modify(|model| model.expiry = expiry);
        }
        Step::Edit { key: k, offset, bytes } => {
            let end = offset + bytes.len();
            let hash = db.hash(&key(k));
            if model.get(&k).is_some_and(|model| model.members.is_some()) {
                return;
            }
            let model = model.entry(k).or_default();
            model.value.resize(model.value.len().max(end), 0);
            model.value[offset..end].copy_from_slice(&bytes);
            model.raw = true;
            let len = db.0.edit_string(&key(k), hash, end, |string| {
                string[offset..end].copy_from_slice(&bytes);
            });
            assert_eq!(len, model.value.len());
        }
        Step::Increment(k, n) => {
            let hash = db.hash(&key(k));
            let changed = db.0.get_mut(&key(k), hash).is_some_and(|mut e| e.set_integer(n));
            if changed {
                model.entry(k).and_modify(|model| model.value = n.to_string().into_bytes());
            }
        }
        Step::Touch(k, access) => {
            if let Some(entry) = db.get(&key(k)) {
                entry.set_access(access);
                model.entry(k).and_modify(|model| model.access = access);
            }
        }
        Step::Rename(from, to) => {
            if let Some(entry) = db.remove(&key(from)) {
                let previous = db.0.insert_owned(&key(to), db.hash(&key(to)), entry);
                let moved = model.remove(&from).expect("the model has it too");
                assert_eq!(previous.is_none(), model.insert(to, moved).is_none());
            }
        }
        Step::Copy(from, to) => {
            if let Some(copy) = db.get(&key(from)).map(EntryRef::duplicate) {
                db.0.insert_owned(&key(to), db.hash(&key(to)), copy);
                model.insert(to, model[&from].clone());
            }
        }
        Step::TakeExpired(now) => {
            let mut taken = 0;
            loop {
                db.0.sweep(now, |entry| {
                    assert!(entry.expiry().is_some_and(|expiry| expiry <= now));
                    taken += 1;
                });
                if db.0.is_swept() {
                    break;
                }
            }
            let before = model.len();
            model.retain(|_, model| model.expiry.is_none_or(|expiry| expiry > now));
            assert_eq!(taken, before - model.len());
        }
        Step::TakeAll => {
            let all = db.0.take_all();
            assert_eq!(all.len(), model.len());
            assert_eq!(db.0.bytes(), 0);
            model.clear();
        }
    }
}

fn check(db: &Hashed, model: &BTreeMap<usize, Model>) {
    assert_eq!(db.0.len(), model.len());
    let volatile: BTreeSet<_> =
        model.iter().filter(|(_, m)| m.expiry.is_some()).map(|(&k, _)| key(k)).collect();
    assert_eq!(db.0.volatile_len(), volatile.len());
    for (&k, model) in model {
        let entry = db.get(&key(k)).expect("the model has it");
        assert_eq!(entry.key(), key(k));
        assert_eq!(entry.object().is_some(), model.members.is_some());
        let len = entry.string().map(|string| string.len());
        assert!(len.is_none_or(|len| len == model.value.len()));
        let (expiry, access, raw) = (entry.expiry(), entry.access(), entry.is_raw());
        let members = model.members.clone();
        let got = Model { value: text(entry), members, expiry, raw, access };
        assert_eq!(got, *model, "key {k}");
    }
    let mut bytes = 0;
    db.0.for_each(|entry| bytes += entry.allocation_size());
    assert_eq!(db.0.bytes(), bytes + db.0.entries.bytes() + db.0.volatile.bytes());
    let mut indexed = BTreeSet::new();
    db.0.volatile.for_each(|alias| {
        // SAFETY: an entry of the borrowed database.
        let entry = unsafe { alias.entry() };
        assert!(indexed.insert(entry.key().to_vec()), "indexed once");
        let main = db.get(entry.key()).expect("the index holds entries of the main table");
        assert!(main.raw() == alias.0, "under the same pointer");
    });
    assert_eq!(indexed, volatile);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn does_what_a_plain_map_does(steps in prop::collection::vec(step(), 1..STEPS)) {
        let (mut db, mut model) = (Hashed(db()), BTreeMap::new());
        let last = steps.len() - 1;
        for (at, step) in steps.into_iter().enumerate() {
            apply(&mut db, &mut model, step);
            if !cfg!(miri) || at == last || at % 10 == 9 {
                check(&db, &model);
            }
        }
    }
}

/// Keys that are too long for the header's own length field, through every change of layout.
#[test]
fn wide_keys() {
    let (mut db, mut model) = (Hashed(db()), BTreeMap::new());
    const WIDE: usize = if cfg!(miri) { 100 } else { 2 };
    let set = |value: &[u8], expiry| Step::Set {
        key: WIDE,
        value: value.to_vec(),
        shared: false,
        encode: true,
        expiry,
    };
    let steps = [
        set(b"12", None),
        set(b"some bytes", Some(5)),
        Step::Expire(WIDE, None),
        Step::Edit { key: WIDE, offset: 70, bytes: vec![1] },
        Step::Expire(WIDE, Some(7)),
        set(&[2; INLINE_MAX + 1], None),
        Step::Rename(WIDE, 5),
        Step::Rename(5, WIDE),
        Step::Expire(WIDE, Some(7)),
        Step::Remove(WIDE),
    ];
    for step in steps {
        apply(&mut db, &mut model, step);
        check(&db, &model);
    }
}

#[test]
fn a_small_overwrite_keeps_its_allocation() {
    let mut db = Hashed(db());
    let key = b"key:000000000001";
    db.set(key, Value::Bytes(&[1; 64]), None);
    let place = db.get(key).expect("set").raw();
    assert_eq!(db.0.entry_bytes, 96);
    let others = [
        (Value::Bytes(&[2; 72][..]), None),
        (Value::Bytes(&[3; 64]), Some(5)),
        (Value::Bytes(&[4; 57]), None),
    ];
    for (value, expiry) in others {
        assert!(matches!(db.set(key, value, expiry), Previous::Overwritten));
        assert!(db.get(key).expect("set").raw() == place);
    }
    assert!(matches!(db.set(key, Value::Bytes(&[5; 73]), None), Previous::Replaced(_)));
    assert!(matches!(db.set(key, Value::Bytes(&[5; 56]), None), Previous::Replaced(_)));
    assert!(matches!(db.set(key, Value::Int(7), None), Previous::Replaced(_)));
    assert_eq!(db.0.entry_bytes, 32);
    assert!(matches!(db.set(key, Value::Bytes(b"abcdefgh"), None), Previous::Overwritten));
    assert!(matches!(db.set(key, Value::Int(-7), None), Previous::Overwritten));
    assert_eq!(string(db.get(key).expect("set")), ValueRef::Int(-7));
}

#[test]
fn an_expiry_that_fits_moves_nothing() {
    let mut db = Hashed(db());
    db.set(b"key:000000000001", Value::Bytes(&[1; 64]), None);
    let place = db.get(b"key:000000000001").expect("set").raw();
    assert!(db.expire(b"key:000000000001", Some(1)));
    assert!(db.get(b"key:000000000001").expect("set").raw() == place);
    assert!(!db.expire(b"absent", Some(1)));
}

#[test]
fn big_values_are_moved_and_shared_not_copied() {
    let mut db = Hashed(db());
    let value = Bytes::from(vec![7; 100_000]);
    let address = value.as_ptr();
    db.set(b"a", Value::Shared(value), Some(9));
    let shared = |entry: EntryRef<'_>| match string(entry) {
        ValueRef::Shared(bytes) => bytes.as_ptr(),
        other => panic!("shared, not {other:?}"),
    };
    assert_eq!(shared(db.get(b"a").expect("set")), address);
    let entry = db.remove(b"a").expect("set");
    assert!(entry.needs_lazy_free());
    assert!(db.0.insert_owned(b"b", db.hash(b"b"), entry).is_none());
    let entry = db.get(b"b").expect("renamed");
    assert_eq!((shared(entry), entry.expiry()), (address, Some(9)));
    let copy = entry.duplicate();
    assert_eq!(shared(copy.get()), address);
    // Changing the one must not change the other.
    let hash = db.hash(b"b");
    db.0.edit_string(b"b", hash, 0, |bytes| bytes[0] = 1);
    assert_eq!((text(copy.get())[0], text(db.get(b"b").expect("there"))[0]), (7, 1));
}

#[test]
fn appending_costs_what_is_appended() {
    let mut db = Hashed(db());
    let mut expected = Vec::new();
    let (mut places, mut last) = (0, std::ptr::null());
    let (appends, width) = if cfg!(miri) { (60, 200) } else { (100_000, 1) };
    for i in 0..appends {
        let chunk = format!("chunk {i:width$},");
        expected.extend_from_slice(chunk.as_bytes());
        assert_eq!(db.append(b"log", chunk.as_bytes()), expected.len());
        if let ValueRef::Shared(bytes) = string(db.get(b"log").expect("set")) {
            places += usize::from(bytes.as_ptr() != last);
            last = bytes.as_ptr();
        }
    }
    assert_eq!(text(db.get(b"log").expect("set")), expected);
    assert!(places < 30, "the string was copied {places} times");
    let entry = db.get(b"log").expect("set");
    assert!(entry.allocation_size() >= expected.len());
    assert!(entry.allocation_size() <= expected.len() * 5 / 2 + 256);
}

#[test]
fn a_string_that_has_only_begun_has_no_room_to_spare() {
    let mut db = Hashed(db());
    const LEN: usize = 100_000;
    db.set(b"k", Value::Bytes(b""), None);
    let hash = db.hash(b"k");
    db.0.edit_string(b"k", hash, LEN, |_| {});
    let exact = db.get(b"k").expect("set").allocation_size();
    assert!(exact < LEN + LEN / 4 + 256, "{exact}");
    db.0.edit_string(b"k", hash, 2 * LEN, |_| {});
    let grown = db.get(b"k").expect("set").allocation_size();
    assert!(grown > 3 * LEN, "{grown}: growth goes on");
}

#[test]
fn an_edit_that_panics_leaves_the_entry_in_place() {
    let mut db = Hashed(db());
    db.set(b"k", Value::Bytes(b"value"), None);
    let hash = db.hash(b"k");
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.0.edit_string(b"k", hash, 0, |_| panic!("on purpose"));
    }));
    assert!(outcome.is_err());
    assert_eq!(text(db.get(b"k").expect("still there")), b"value");
}

#[test]
fn a_database_may_be_dropped_by_another_thread() {
    let mut db = Hashed(db());
    for i in 0..if cfg!(miri) { 50 } else { 5000 } {
        let key = format!("key:{i}");
        db.set(key.as_bytes(), Value::Bytes(key.as_bytes()), (i % 3 == 0).then_some(i));
    }
    let all = db.0.take_all();
    assert!(db.0.is_empty());
    std::thread::spawn(move || drop(all)).join().expect("drops");
}

/// Every access to an empty database, with any cursor, is harmless.
#[test]
fn an_empty_database_answers() {
    let mut db = Hashed(db());
    let hash = KeyHash(u64::MAX);
    db.0.prefetch_bucket(hash);
    db.0.prefetch_entry(hash);
    assert!(db.get(b"").is_none() && db.remove(b"").is_none());
    assert_eq!(db.0.scan(u64::MAX, |_| panic!("nothing to visit")), 0);
    assert_eq!(db.0.scan_volatile(1234, |_| panic!("nothing to visit")), 0);
    let mut rng = fastrand::Rng::with_seed(1);
    assert!(db.0.random(&mut rng).is_none() && db.0.random_volatile(&mut rng).is_none());
    db.0.sample(&mut rng, 5, |_| panic!("nothing to sample"));
    assert_eq!((db.0.bytes(), db.0.len()), (0, 0));
}

#[test]
fn random_keys_are_nearly_uniform() {
    const KEYS: usize = if cfg!(miri) { 10 } else { 1500 };
    const DRAWS: usize = KEYS * if cfg!(miri) { 10 } else { 400 };
    let mut db = Hashed(db());
    for i in 0..KEYS {
        db.set(i.to_string().as_bytes(), Value::Int(0), Some(1));
    }
    let mut rng = fastrand::Rng::with_seed(7);
    let mut seen = HashMap::new();
    for _ in 0..DRAWS {
        let key = db.0.random(&mut rng).expect("not empty").key().to_vec();
        *seen.entry(key).or_insert(0usize) += 1;
        assert!(db.0.random_volatile(&mut rng).is_some());
    }
    if !cfg!(miri) {
        assert_eq!(seen.len(), KEYS, "every key comes up");
        let (least, most) = (seen.values().min(), seen.values().max());
        assert!(least > Some(&250) && most < Some(&550), "{least:?} to {most:?} of 400");
    }
    let mut sampled = 0;
    db.0.sample(&mut rng, 16.min(KEYS), |_| sampled += 1);
    assert!(sampled >= 16.min(KEYS) && sampled < 40, "{sampled}");
}

#[test]
fn kinds_are_what_they_should_be() {
    let mut db = Hashed(db());
    let big = vec![b'1'; INLINE_MAX + 1];
    let cases: [(Value<'_>, Kind); 6] = [
        (Value::encode(b"12"), Kind::Int),
        (Value::encode(b"012"), Kind::Inline),
        (Value::Bytes(b"12"), Kind::Inline),
        (Value::Bytes(&big), Kind::Shared),
        (Value::encode_shared(Bytes::from_static(b"12")), Kind::Int),
        (Value::Shared(Bytes::from_static(b"short")), Kind::Inline),
    ];
    for (value, kind) in cases {
        db.set(b"k", value, None);
        assert_eq!(db.get(b"k").expect("set").kind(), kind);
    }
    for n in [0, 7, -7, 10, -10, 99, 100, i64::MAX, i64::MIN] {
        db.set(b"k", Value::Int(n), None);
        assert_eq!(string(db.get(b"k").expect("set")).len(), n.to_string().len());
    }
}
