//! The keyspace in process: GET and SET at 1 and 10 million keys of 16 + 64 bytes, without and
//! with the two prefetch passes in groups of 16, as a shard runs its batches.

use std::hint::black_box;
use std::time::Duration;

use baton::keyspace::{Db, KeyHash, KeyHasher, Value};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

#[global_allocator]
static ALLOCATOR: baton::allocator::Allocator = baton::allocator::Allocator;

/// Requests that a shard prefetches together.
const GROUP: usize = 16;
/// Requests per measured iteration: a batch.
const BATCH: usize = 1024;

type Key = [u8; 16];

fn key(n: u64) -> Key {
    let mut key = *b"key:000000000000";
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(n).as_bytes();
    key[16 - digits.len()..].copy_from_slice(digits);
    key
}

/// A way to run one batch of requests.
type Run = fn(&mut Db, &[(Key, KeyHash)]);

fn filled(keys: u64) -> Db {
    let mut db = Db::new(KeyHasher::with_seeds([1, 2, 3, 4]));
    for n in 0..keys {
        let key = key(n);
        let hash = db.hasher().hash(&key);
        db.insert(&key, hash, Value::Bytes(&[b'x'; 64]), None);
    }
    db
}

fn get(db: &Db, key: &Key, hash: KeyHash) {
    black_box(db.get(key, hash).map(|entry| entry.string().map_or(0, |string| string.len())));
}

fn set(db: &mut Db, key: &Key, hash: KeyHash) {
    black_box(db.insert(key, hash, Value::Bytes(&[b'y'; 64]), None));
}

fn prefetch(db: &Db, group: &[(Key, KeyHash)]) {
    group.iter().for_each(|(_, hash)| db.prefetch_bucket(*hash));
    group.iter().for_each(|(_, hash)| db.prefetch_entry(*hash));
}

fn requests(criterion: &mut Criterion) {
    let runs: [(&str, Run); 4] = [
        ("get", |db, batch| batch.iter().for_each(|(key, hash)| get(db, key, *hash))),
        ("set", |db, batch| batch.iter().for_each(|(key, hash)| set(db, key, *hash))),
        ("get prefetched", |db, batch| {
            for group in batch.chunks(GROUP) {
                prefetch(db, group);
                group.iter().for_each(|(key, hash)| get(db, key, *hash));
            }
        }),
        ("set prefetched", |db, batch| {
            for group in batch.chunks(GROUP) {
                prefetch(db, group);
                group.iter().for_each(|(key, hash)| set(db, key, *hash));
            }
        }),
    ];
    let mut group = criterion.benchmark_group("keyspace");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for keys in [1_000_000, 10_000_000] {
        let mut db = filled(keys);
        let mut rng = fastrand::Rng::with_seed(5);
        for (name, run) in runs {
            group.bench_function(BenchmarkId::new(name, keys), |bencher| {
                bencher.iter_batched(
                    || {
                        let key = |_| key(rng.u64(..keys));
                        let hashed =
                            |key: Key| (key, KeyHasher::with_seeds([1, 2, 3, 4]).hash(&key));
                        (0..BATCH).map(key).map(hashed).collect::<Vec<_>>()
                    },
                    |batch| run(&mut db, &batch),
                    criterion::BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, requests);
criterion_main!(benches);
