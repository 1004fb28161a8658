//! The comparison that the design stands on: one map and N threads that use it, by four ways of
//! sharing. Each thread works through batches of 16 requests (15 reads, 1 write) on random keys.
//!
//! - `rwlock`: one map behind one lock;
//! - `lock-sharded`: 64 maps, each behind a lock of its own;
//! - `message`: one owner thread per shard, batches sent to it and back;
//! - `lending`: the same owners, whose idle boxes the threads borrow.
//!
//! Time is per request, all threads together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use baton::channel::{Bell, Desk, borrow, give_back};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_channel::{Receiver, Sender, bounded};

type Map = HashMap<u64, u64, ahash::RandomState>;

const KEYS: u64 = 1_000_000;
const SHARDS: usize = 2;
const LOCKS: usize = 64;
const BATCH: usize = 16;
/// Batches that one thread may have queued at an owner: one.
const QUEUE: usize = 64;

fn filled(belongs: impl Fn(u64) -> bool) -> Map {
    let mut map = Map::with_hasher(ahash::RandomState::with_seeds(1, 2, 3, 4));
    map.extend((0..KEYS).filter(|&key| belongs(key)).map(|key| (key, key)));
    map
}

fn apply(map: &mut Map, key: u64, write: bool) -> u64 {
    if write {
        *map.entry(key).or_insert(0) += 1;
        0
    } else {
        map.get(&key).copied().unwrap_or(0)
    }
}

/// A batch for one shard: keys, whether each is written, and the answers.
#[derive(Default)]
struct Batch {
    shard: usize,
    requests: Vec<(u64, bool)>,
    answers: Vec<u64>,
    back: Option<(Sender<Batch>, Arc<Bell>)>,
}

impl Batch {
    fn run(&mut self, map: &mut Map) {
        self.answers.clear();
        let requests = self.requests.iter();
        self.answers.extend(requests.map(|&(key, write)| apply(map, key, write)));
    }
}

struct Post {
    send: Sender<Batch>,
    inbox: Receiver<Batch>,
    desk: Desk<Map>,
    bell: Bell,
}

/// Owners as in the server, reduced to what this comparison needs.
struct Owners {
    posts: Arc<Vec<Post>>,
    stop: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<()>>,
    lend: bool,
}

impl Owners {
    fn start(lend: bool) -> Owners {
        let posts: Arc<Vec<Post>> = Arc::new(
            (0..SHARDS)
                .map(|shard| {
                    let (send, inbox) = bounded(QUEUE);
                    let map = filled(|key| key as usize % SHARDS == shard);
                    let desk = Desk::new(Some(Box::new(map)));
                    Post { send, inbox, desk, bell: Bell::new() }
                })
                .collect(),
        );
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..SHARDS)
            .map(|shard| {
                let (posts, stop) = (posts.clone(), stop.clone());
                thread::spawn(move || own(&posts[shard], &stop))
            })
            .collect();
        Owners { posts, stop, threads, lend }
    }

    fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for post in self.posts.iter() {
            post.bell.ring();
        }
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

fn own(post: &Post, stop: &AtomicBool) {
    post.bell.adopt();
    while !stop.load(Ordering::SeqCst) {
        if !post.inbox.is_empty()
            && let Some(mut map) = post.desk.take()
        {
            while let Ok(mut batch) = post.inbox.try_recv() {
                batch.run(&mut map);
                if let Some((back, bell)) = batch.back.clone() {
                    let _ = back.send(batch);
                    bell.ring();
                }
            }
            post.desk.put(map);
            continue;
        }
        post.bell.prepare_park();
        if post.inbox.is_empty() || stop.load(Ordering::SeqCst) {
            post.bell.park(Some(Duration::from_millis(50)));
        } else {
            post.bell.park(Some(Duration::from_micros(50)));
        }
    }
}

/// One thread's share of the requests.
fn requests(seed: u64, count: u64) -> impl Iterator<Item = (u64, bool)> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..count).map(move |n| (rng.u64(..KEYS), n % BATCH as u64 == 0))
}

fn by_owners(owners: &Owners, seed: u64, count: u64) {
    let (back, returns) = bounded(SHARDS);
    let bell = Arc::new(Bell::new());
    bell.adopt();
    let mut requests = requests(seed, count).peekable();
    let mut spare: Vec<Batch> = Vec::new();
    while requests.peek().is_some() {
        let mut batches: Vec<Batch> =
            (0..SHARDS).map(|shard| Batch { shard, ..spare.pop().unwrap_or_default() }).collect();
        for batch in &mut batches {
            batch.requests.clear();
        }
        for (key, write) in requests.by_ref().take(BATCH) {
            batches[key as usize % SHARDS].requests.push((key, write));
        }
        let mut out = 0;
        for mut batch in batches.drain(..).filter(|batch| !batch.requests.is_empty()) {
            let post = &owners.posts[batch.shard];
            let lent =
                owners.lend.then(|| borrow(&post.desk, &post.bell, || post.inbox.is_empty()));
            if let Some(mut map) = lent.flatten() {
                batch.run(&mut map);
                give_back(&post.desk, &post.bell, map, || post.inbox.is_empty());
                spare.push(batch);
            } else {
                batch.back = Some((back.clone(), bell.clone()));
                let _ = post.send.send(batch);
                post.bell.ring();
                out += 1;
            }
        }
        while out > 0 {
            match returns.try_recv() {
                Ok(batch) => {
                    spare.push(batch);
                    out -= 1;
                }
                Err(_) => {
                    bell.prepare_park();
                    if returns.is_empty() {
                        bell.park(None);
                    } else {
                        bell.awake();
                    }
                }
            }
        }
    }
}

/// Runs `work(seed, count)` on `threads` threads, `total` requests in all, and times it.
fn timed(threads: u64, total: u64, work: impl Fn(u64, u64) + Sync) -> Duration {
    let clock = baton::clock::Clock::system();
    let started = clock.ticks();
    thread::scope(|scope| {
        for seed in 0..threads {
            let work = &work;
            scope.spawn(move || work(seed, total.div_ceil(threads)));
        }
    });
    Duration::from_nanos(clock.ns_between(started, clock.ticks()))
}

fn sharing(c: &mut Criterion) {
    let mut group = c.benchmark_group("sharing");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    let one = RwLock::new(filled(|_| true));
    let many: Vec<Mutex<Map>> = (0..LOCKS as u64)
        .map(|lock| Mutex::new(filled(|key| key % LOCKS as u64 == lock)))
        .collect();
    let message = Owners::start(false);
    let lending = Owners::start(true);
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    for threads in 1..=cores {
        let mut measure = |name: &str, work: &(dyn Fn(u64, u64) + Sync)| {
            group.bench_function(BenchmarkId::new(name, threads), |b| {
                b.iter_custom(|total| timed(threads, total, work));
            });
        };
        measure("rwlock", &|seed, count| {
            for (key, write) in requests(seed, count) {
                if write {
                    apply(&mut one.write().expect("no thread panics"), key, true);
                } else {
                    std::hint::black_box(one.read().expect("no thread panics").get(&key).copied());
                }
            }
        });
        measure("lock-sharded", &|seed, count| {
            for (key, write) in requests(seed, count) {
                let lock = &many[key as usize % LOCKS];
                std::hint::black_box(apply(
                    &mut lock.lock().expect("no thread panics"),
                    key,
                    write,
                ));
            }
        });
        measure("message", &|seed, count| by_owners(&message, seed, count));
        measure("lending", &|seed, count| by_owners(&lending, seed, count));
    }
    group.finish();
    message.end();
    lending.end();
}

criterion_group!(benches, sharing);
criterion_main!(benches);
