//! The ways of a request: finding its shard, the hop to an owner and back, and borrowing instead.
//!
//! `hop` and `borrow` move the same empty batch, so their difference is what two wake-ups cost.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baton::channel::{Bell, Desk, borrow, give_back};
use baton::command::keys::{KeyPositions, find_keys};
use baton::command::registry;
use baton::keyspace::{KeyHasher, ShardCount};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_channel::bounded;

fn route(c: &mut Criterion) {
    let hasher = KeyHasher::with_seeds([1, 2, 3, 4]);
    let shards = ShardCount::new(std::num::NonZeroUsize::new(4).expect("not zero"));
    let get = registry::find(b"get").expect("a command");
    let request: [&[u8]; 2] = [b"GET", b"key:000000123456"];
    let mut found = KeyPositions::default();
    let mut group = c.benchmark_group("route");
    group.throughput(Throughput::Elements(1));
    group.bench_function("get", |b| {
        b.iter(|| {
            let command = registry::find(black_box(b"GET")).unwrap_or(get);
            let _ = find_keys(command, request.len(), |at| request[at], &mut found);
            let key = request[found.at[0]];
            black_box(shards.shard_of(&hasher, key, hasher.hash(key)))
        });
    });
    group.finish();
}

/// An owner thread that answers every batch at once.
fn hop(c: &mut Criterion) {
    let (send, inbox) = bounded::<Vec<u8>>(64);
    let (answer, returns) = bounded::<Vec<u8>>(64);
    let owner = Arc::new(Bell::new());
    let client = Arc::new(Bell::new());
    let stop = Arc::new(AtomicBool::new(false));
    let thread = {
        let (owner, client, stop) = (owner.clone(), client.clone(), stop.clone());
        std::thread::spawn(move || {
            owner.adopt();
            while !stop.load(Ordering::Relaxed) {
                while let Ok(batch) = inbox.try_recv() {
                    let _ = answer.send(batch);
                    client.ring();
                }
                owner.prepare_park();
                if inbox.is_empty() {
                    owner.park(Some(Duration::from_millis(100)));
                } else {
                    owner.awake();
                }
            }
        })
    };
    client.adopt();
    let mut batch = Vec::with_capacity(64);
    c.bench_function("hop", |b| {
        b.iter(|| {
            let _ = send.send(std::mem::take(&mut batch));
            owner.ring();
            batch = loop {
                if let Ok(batch) = returns.try_recv() {
                    break batch;
                }
                client.prepare_park();
                if returns.is_empty() {
                    client.park(None);
                } else {
                    client.awake();
                }
            };
        });
    });
    stop.store(true, Ordering::Relaxed);
    owner.ring();
    let _ = thread.join();
}

fn borrowing(c: &mut Criterion) {
    let desk = Desk::new(Some(Box::new(0u64)));
    let bell = Bell::new();
    let (_send, inbox) = bounded::<Vec<u8>>(64);
    c.bench_function("borrow", |b| {
        b.iter(|| {
            if let Some(mut held) = borrow(&desk, &bell, || inbox.is_empty()) {
                *held += 1;
                give_back(&desk, &bell, held, || inbox.is_empty());
            }
        });
    });
}

criterion_group!(benches, route, hop, borrowing);
criterion_main!(benches);
