//! Bytes per key and growth pauses of the keyspace, printed. Not a timing of criterion's: one run
//! fills each kind of database and reads the allocator's own count.
//!
//! `cargo bench --bench keyspace_memory [-- KEYS]`

use std::error::Error;

use baton::keyspace::{Db, KeyHasher, Value};
use hdrhistogram::Histogram;

#[global_allocator]
static ALLOCATOR: baton::allocator::Allocator = baton::allocator::Allocator;

const DEFAULT_KEYS: u64 = 1_000_000;
const GROWTH_KEYS: u64 = 10_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let keys = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(DEFAULT_KEYS);
    println!("bytes per key, {keys} keys of 16 bytes");
    println!(
        "{:<24}{:>10}{:>10}{:>10}{:>10}",
        "value", "allocated", "resident", "account", "table"
    );
    bytes_per_key("64 bytes", keys, |n| (Payload::Bytes(64), no_expiry(n)))?;
    bytes_per_key("8 bytes", keys, |n| (Payload::Bytes(8), no_expiry(n)))?;
    bytes_per_key("integer", keys, |n| (Payload::Integer(n), None))?;
    bytes_per_key("64 bytes, expiry", keys, |n| (Payload::Bytes(64), Some(n)))?;
    growth_pauses()
}

enum Payload {
    Bytes(usize),
    Integer(i64),
}

fn no_expiry(_: i64) -> Option<i64> {
    None
}

fn key(n: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(n).as_bytes();
    key[16 - digits.len()..].copy_from_slice(digits);
    key
}

fn insert(db: &mut Db, n: u64, value: Value<'_>, expiry: Option<i64>) {
    let key = key(n);
    let hash = db.hasher().hash(&key);
    db.insert(&key, hash, value, expiry);
}

fn memory() -> Result<(usize, usize), Box<dyn Error>> {
    use tikv_jemalloc_ctl::{epoch, stats};
    let failed = |what: tikv_jemalloc_ctl::Error| format!("reading jemalloc's statistics: {what}");
    epoch::advance().map_err(failed)?;
    Ok((stats::allocated::read().map_err(failed)?, stats::active::read().map_err(failed)?))
}

fn bytes_per_key(
    name: &str,
    keys: u64,
    payload: impl Fn(i64) -> (Payload, Option<i64>),
) -> Result<(), Box<dyn Error>> {
    let before = memory()?;
    let mut db = Db::new(KeyHasher::with_seeds([1, 2, 3, 4]));
    for n in 0..keys {
        let (payload, expiry) = payload(n as i64);
        match payload {
            Payload::Bytes(len) => insert(&mut db, n, Value::Bytes(&vec![b'x'; len]), expiry),
            Payload::Integer(value) => insert(&mut db, n, Value::Int(value), expiry),
        }
    }
    let after = memory()?;
    let per_key = |bytes: usize| bytes as f64 / keys as f64;
    let stats = db.stats();
    println!(
        "{name:<24}{:>10.1}{:>10.1}{:>10.1}{:>10.1}",
        per_key(after.0 - before.0),
        per_key(after.1.saturating_sub(before.1)),
        per_key(db.bytes()),
        per_key(stats.entries.bytes + stats.volatile.bytes),
    );
    Ok(())
}

/// The time of every single insertion while the database grows, in nanoseconds.
fn growth_pauses() -> Result<(), Box<dyn Error>> {
    let clock = quanta::Clock::new();
    let mut times = Histogram::<u64>::new(3)?;
    let mut db = Db::new(KeyHasher::with_seeds([1, 2, 3, 4]));
    for n in 0..GROWTH_KEYS {
        let start = clock.raw();
        insert(&mut db, n, Value::Bytes(&[b'x'; 64]), None);
        times.record(clock.delta_as_nanos(start, clock.raw()))?;
    }
    println!("insertion into a growing database, {GROWTH_KEYS} keys, ns");
    println!("mean {:.0}", times.mean());
    for quantile in [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1.0] {
        println!("p{:<8.4} {}", quantile * 100.0, times.value_at_quantile(quantile));
    }
    println!("{:?}", db.stats().entries);
    Ok(())
}
