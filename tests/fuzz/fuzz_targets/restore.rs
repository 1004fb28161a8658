//! RESTORE payloads: any value's bytes under a right checksum are refused, or make a value whose
//! own payload is taken again and says the same.
//!
//! The first byte of the input chooses the version in the footer; the rest is the value.
#![no_main]
use baton::keyspace::{OwnedEntry, Value};
use baton::snapshot::{Limits, Restored, dump, restore};
use baton::value::hasher::Hasher;
use baton::value::{hash, list, set, zset};
use crc::{CRC_64_REDIS, Crc};
use libfuzzer_sys::fuzz_target;

const VERSIONS: [u16; 4] = [9, 11, 12, 80];

fn entry(payload: &[u8]) -> Option<OwnedEntry> {
    let hasher = Hasher::with_seeds([1, 2, 3, 4]);
    // Small limits, so that inputs meet both sides of them.
    let limits = Limits {
        string_max: 1 << 20,
        any_version: true,
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
    };
    Some(match restore(payload, &limits).ok()? {
        Restored::String(text) => OwnedEntry::new(b"k", Value::encode(&text), None),
        Restored::Object(object) => OwnedEntry::new(b"k", Value::Object(object), None),
        Restored::Expired => return None,
    })
}

fuzz_target!(|input: &[u8]| {
    let [version, value @ ..] = input else { return };
    let version = VERSIONS[usize::from(*version) % VERSIONS.len()];
    let mut payload = value.to_vec();
    payload.extend(version.to_le_bytes());
    payload.extend(Crc::<u64>::new(&CRC_64_REDIS).checksum(&payload).to_le_bytes());
    let Some(made) = entry(&payload) else { return };
    let again = entry(&dump(made.get())).expect("our own payload");
    assert_eq!(again.get().canonical(), made.get().canonical());
});
