use proptest::prelude::*;

use super::decode::{Limits, Restored};
use super::payload::{PayloadError, dump, restore};
use crate::keyspace::{Object, OwnedEntry, Value};
use crate::value::hasher::Hasher;
use crate::value::{hash, list, set, zset};

/// Lets `run` work with limits small enough that tests meet both sides of them.
fn with_limits<R>(run: impl FnOnce(&Limits<'_>) -> R) -> R {
    let hasher = Hasher::with_seeds([1, 2, 3, 4]);
    run(&Limits {
        string_max: 1 << 20,
        any_version: false,
        now_ms: 1_000_000,
        hash: hash::Limits { listpack_entries: 8, listpack_value: 16, hasher: &hasher },
        list: list::Limits { node_size: 4, compress_depth: 1, plain_from: 0 },
        zset: zset::Limits { listpack_entries: 8, listpack_value: 16, hasher: &hasher },
        set: set::Limits {
            intset_entries: 8,
            listpack_entries: 8,
            listpack_value: 16,
            hasher: &hasher,
        },
    })
}

/// Takes a payload and gives the entry that is made of it.
fn entry_of(payload: &[u8]) -> Result<OwnedEntry, PayloadError> {
    let value = match with_limits(|limits| restore(payload, limits))? {
        Restored::String(text) => return Ok(OwnedEntry::new(b"k", Value::encode(&text), None)),
        Restored::Object(object) => Value::Object(object),
        Restored::Expired => return Err(PayloadError::Value),
    };
    Ok(OwnedEntry::new(b"k", value, None))
}

/// A payload as `dump` makes it, of a value's bytes.
fn seal(value: &[u8], version: u16) -> Vec<u8> {
    let crc = crc::Crc::<u64>::new(&crc::CRC_64_REDIS);
    let mut payload = value.to_vec();
    payload.extend(version.to_le_bytes());
    payload.extend(crc.checksum(&payload).to_le_bytes());
    payload
}

#[track_caller]
fn survives(value: Value<'_>) {
    let entry = OwnedEntry::new(b"k", value, None);
    let payload = dump(entry.get());
    let again = entry_of(&payload).expect("our own payload");
    assert_eq!(again.get().canonical(), entry.get().canonical());
    assert_eq!(again.get().type_name(), entry.get().type_name());
}

fn set_of(members: &[Vec<u8>]) -> Object {
    with_limits(|limits| {
        let mut set = set::Set::new();
        for member in members {
            set.add(member, limits.set);
        }
        set.into()
    })
}

#[test]
fn payloads_of_real_servers_are_read() {
    // DUMP of valkey-server 9.1 and redis-server 8.2.
    let payloads: [(&[u8], &[u8]); 3] = [
        (b"\x00\xc1\x39\x30\x50\x00\x52\xbe\x23\xb6\x0d\xae\x6f\x4d", b"12345"),
        (b"\x00\xc0\xfb\x0c\x00\x82\xb2\xf2\x34\x2d\x0c\xa1\x21", b"-5"),
        (
            b"\x14\x0d\x0d\0\0\0\x02\0\x81a\x02\x81b\x02\xff\x50\x00\xac\x19\x7e\x56\x2a\x6e\x58\x29",
            b"set: 1:a 1:b",
        ),
    ];
    for (payload, value) in payloads {
        let entry = entry_of(payload).expect("a payload of a real server");
        assert_eq!(
            entry.get().canonical().escape_ascii().to_string(),
            value.escape_ascii().to_string()
        );
    }
}

/// Each of the values that tests change is one, the older types included.
#[test]
fn every_type_is_read() {
    for value in BASES {
        assert!(entry_of(&seal(value, 11)).is_ok(), "{}", value.escape_ascii());
    }
}

#[test]
fn footers_are_checked() {
    for version in [1, 9, 11, 12, 80] {
        assert!(entry_of(&seal(b"\x00\x03foo", version)).is_ok(), "{version}");
    }
    for version in [0, 13, 79, 81, u16::MAX] {
        let refused = entry_of(&seal(b"\x00\x03foo", version)).err();
        assert_eq!(refused, Some(PayloadError::Footer), "{version}");
    }
    let relaxed = |version| {
        let payload = seal(b"\x00\x03foo", version);
        with_limits(|limits| restore(&payload, &Limits { any_version: true, ..*limits }).is_ok())
    };
    assert!([1, 13, 79, 81, u16::MAX].into_iter().all(relaxed) && !relaxed(0));
    let mut payload = seal(b"\x00\x03foo", 11);
    payload[2] ^= 1;
    assert_eq!(entry_of(&payload).err(), Some(PayloadError::Footer));
    for len in 0..12 {
        assert_eq!(entry_of(&payload[..len]).err(), Some(PayloadError::Footer));
    }
}

/// A node that is compressed in memory is saved as it is: no otherwise than one that is compressed
/// to be saved.
#[test]
fn compressed_nodes_are_saved_like_others() {
    let list_of = |compress_depth| {
        let limits = list::Limits { node_size: 4, compress_depth, plain_from: 0 };
        let mut list = list::List::new();
        for n in 0..40 {
            let element =
                format!("element:{n:030}").into_bytes().repeat(if n % 9 == 0 { 300 } else { 1 });
            list.grow_for(1, element.len(), limits);
            list.push(list::End::Tail, &element, limits);
        }
        list
    };
    let (plain, compressed) = (list_of(0), list_of(2));
    assert!(compressed.bytes() * 2 < plain.bytes());
    let payload = |list: list::List| {
        let list = Value::Object(list.into());
        dump(OwnedEntry::new(b"k", list, None).get())
    };
    assert_eq!(payload(plain), payload(compressed));
}

#[test]
fn what_is_no_value_is_refused() {
    let refused: &[&[u8]] = &[
        b"",
        b"\x00",
        b"\x00\x04foo",
        b"\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x00\xc4",
        b"\x00\x82\x00",
        // Text that is longer than what it stands for, shorter, or out of reach.
        b"\x00\xc3\x09\x40\xc9\x01aa\xe0\xbb\x00\x01aa",
        b"\x00\xc3\x09\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01aa\xe0\xbb\x00\x01aa",
        b"\x00\xc3\x03\x04\x20\x05\x00",
        // Sets: none, one twice, too few.
        b"\x02\x00",
        b"\x02\x02\x01a\x01a",
        b"\x02\x02\xc0\x01\x01\x31",
        b"\x02\x02\x01a",
        b"\x02\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01a",
        b"\x0b\x08\x02\x00\x00\x00\x00\x00\x00\x00",
        b"\x0b\x0c\x02\x00\x00\x00\x02\x00\x00\x00\x02\x00\x01\x00",
        b"\x14\x07\x07\x00\x00\x00\x00\x00\xff",
        b"\x14\x0d\x0d\0\0\0\x02\0\x81a\x02\x81a\x02\xff",
        // Lists: none, a node of an unknown kind, a cut node.
        b"\x01\x00",
        b"\x0a\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff",
        b"\x12\x00",
        b"\x12\x01\x03\x01a",
        b"\x12\x01\x02\x07\x07\0\0\0\0\0\xff",
        b"\x12\x01\x02\x0a\x0a\0\0\0\x01\0\x81a\x02",
        // Sorted sets: none, a member twice, a score that is no number.
        b"\x05\x00",
        b"\x05\x02\x01a\0\0\0\0\0\0\xf0\x3f\x01a\0\0\0\0\0\0\xf0\x3f",
        b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f",
        b"\x03\x01\x01a\xfd",
        b"\x03\x01\x01a\x02xx",
        b"\x11\x0d\x0d\0\0\0\x02\0\x81a\x02\x81b\x02\xff",
        // Hashes: none, a field twice, without a value, with a time before all times.
        b"\x04\x00",
        b"\x04\x02\x01f\x01v\x01f\x01w",
        b"\x04\x01\x01f",
        b"\x10\x0a\x0a\0\0\0\x01\0\x81f\x02\xff",
        b"\x16\x01\x01f\x01v\xfe\xff\xff\xff\xff\xff\xff\xff",
        b"\x18\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x02\x01f\x01v",
        // Streams: a node without entries, a wrong length, what is pending with nobody, an id
        // beyond the last.
        b"\x15\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x07\x07\0\0\0\0\0\xff\0\0\0\0\0\0\0\0\0",
        b"\x15\0\x01\x01\x01\x01\x01\0\0\x01\0",
        b"\x15\0\0\x01\x01\0\0\0\0\x01\x01\x01g\x01\x01\x01\x01\
          \0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x1f\x64\x74\x0e\xa2\x01\0\0\x01\0",
        // A module's value, and numbers without a type.
        b"\x06\x00",
        b"\x07\x00",
        b"\xfa\x00",
    ];
    for value in refused {
        let found = entry_of(&seal(value, 11)).err();
        assert_eq!(found, Some(PayloadError::Value), "{}", value.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    #[test]
    fn strings_survive(text in prop::collection::vec(any::<u8>(), 0..300), number: i64, times in 1usize..9) {
        survives(Value::Int(number));
        survives(Value::encode(&text));
        survives(Value::encode(&text.repeat(times)));
    }

    #[test]
    fn sets_survive(
        members in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 1..20),
        numbers in prop::collection::vec(any::<i32>(), 1..20),
    ) {
        survives(Value::Object(set_of(&members)));
        let numbers: Vec<Vec<u8>> = numbers.iter().map(|n| n.to_string().into_bytes()).collect();
        survives(Value::Object(set_of(&numbers)));
    }

    #[test]
    fn lists_survive(
        elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 1..30),
        large in 1usize..3,
    ) {
        with_limits(|limits| {
            let mut list = list::List::new();
            for element in &elements {
                list.grow_for(1, element.len(), limits.list);
                list.push(list::End::Tail, element, limits.list);
                list.push(list::End::Head, &element.repeat(large * 400), limits.list);
            }
            survives(Value::Object(list.into()));
        });
    }

    /// Whatever is changed in a payload whose checksum is right: it is refused, or gives a value
    /// that survives like any other.
    #[test]
    fn changed_payloads_are_refused_or_whole(
        base in 0..BASES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6),
        version in prop::sample::select(&[11u16, 12, 80]),
    ) {
        let mut value = BASES[base].to_vec();
        for (at, byte, how) in changes {
            if value.is_empty() {
                break;
            }
            let at = at.index(value.len());
            match how {
                0 => value[at] = byte,
                1 => value.insert(at, byte),
                2 => drop(value.remove(at)),
                _ => value[at] = value[at].wrapping_add(byte % 5).wrapping_sub(2),
            }
        }
        if let Ok(entry) = entry_of(&seal(&value, version)) {
            let again = entry_of(&dump(entry.get()));
            let again = again.map(|again| again.get().canonical());
            prop_assert_eq!(again, Ok(entry.get().canonical()));
        }
    }
}

/// Values to change, one of each type and encoding.
const BASES: &[&[u8]] = &[
    b"\x00\x03foo",
    b"\x00\xc1\x39\x30",
    b"\x00\xc3\x09\x40\xc8\x01aa\xe0\xbb\x00\x01aa",
    b"\x01\x03\x01a\xc0\x07\x02bc",
    b"\x0a\x12\x12\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xc0\x00\x04\xff",
    b"\x0e\x02\x0e\x0e\0\0\0\x0a\0\0\0\x01\0\x00\x01a\xff\x0d\x0d\0\0\0\x0a\0\0\0\x01\0\x00\xf5\xff",
    b"\x12\x02\x02\x0a\x0a\0\0\0\x01\0\x81a\x02\xff\x01\x03abc",
    b"\x02\x02\x01a\xc0\x07",
    b"\x0b\x0e\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x03\0",
    b"\x14\x0d\x0d\0\0\0\x02\0\x81a\x02\x81b\x02\xff",
    b"\x15\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x1d\x1d\0\0\0\x0a\0\x01\x01\0\x01\x01\x01\
      \x81a\x02\0\x01\x02\x01\0\x01\0\x01\x81b\x02\x04\x01\xff\x01\x01\x01\x01\x01\0\0\x01\x01\x01g\x01\x01\x01\x01\
      \0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x1f\x64\x74\x0e\xa2\x01\0\0\x01\x01\x01c\x1f\x64\x74\x0e\
      \xa2\x01\0\0\x1f\x64\x74\x0e\xa2\x01\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01",
    b"\x13\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x1d\x1d\0\0\0\x0a\0\x01\x01\0\x01\x01\x01\
      \x81a\x02\0\x01\x02\x01\0\x01\0\x01\x81b\x02\x04\x01\xff\x01\x01\x01\x01\x01\0\0\x01\x01\x01g\x01\x01\x01\0\x01\
      \x01c\x1f\x64\x74\x0e\xa2\x01\0\0\0",
    b"\x0f\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\x1d\x1d\0\0\0\x0a\0\x01\x01\0\x01\x01\x01\
      \x81a\x02\0\x01\x02\x01\0\x01\0\x01\x81b\x02\x04\x01\xff\x01\x01\x01\x01\x01g\x01\x01\0\x01\
      \x01c\x1f\x64\x74\x0e\xa2\x01\0\0\0",
    b"\x04\x02\x01f\x01v\x01g\xc0\x07",
    b"\x09\x0e\x02\x01f\x01\0v\x01g\x02\x01ww.\xff",
    b"\x0d\x12\x12\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xc0\x00\x04\xff",
    b"\x10\x0d\x0d\0\0\0\x02\0\x81a\x02\x81b\x02\xff",
    b"\x16\x02\x01f\x01v\x9b\xa6\x83\x0e\xa2\x01\0\0\x01g\x01w\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x18\xdf\xaa\x83\x0e\xa2\x01\0\0\x02\0\x01g\x01w\x01\x01f\x01v",
    b"\x19\xc5\xaa\x83\x0e\xa2\x01\0\0\x1f\x1f\0\0\0\x06\0\x81f\x02\x81v\x02\xf4\xc5\xaa\x83\x0e\xa2\x01\0\0\
      \x09\x81g\x02\x81w\x02\0\x01\xff",
    b"\x03\x03\x01a\x032.5\x01b\xfe\x01c\xff",
    b"\x05\x02\x01b\0\0\0\0\0\0\x04\x40\x01a\0\0\0\0\0\0\xf0\x3f",
    b"\x0c\x12\x12\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xc0\x00\x04\xff",
    b"\x11\x14\x14\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\x83\x32\x2e\x35\x04\xff",
];
