//! Requests allocate nothing: a batch that comes back is filled and run again, over and over, and
//! only what is stored for the first time asks the allocator.
//!
//! The allocator of this test binary counts, per thread, what it is asked for; the batches are run
//! in the test's own thread, as an owner or a borrower runs them.

// An allocator is unsafe to write; this one adds a count to the system's.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use baton::channel::{Batch, House, Request, Work};
use baton::clock::Clock;
use baton::command::{ClientId, KeyStride, registry};
use baton::config::{Config, ConfigStore};
use baton::journal::Journal;
use baton::keyspace::{DbIndex, Shard};
use baton::resp::Proto;
use baton::shard::{Executor, Holder, Stopped, new_server, new_shard};
use crossbeam_channel::unbounded;

thread_local! {
    /// What this thread has asked the allocator for.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

impl Counting {
    fn count() {
        // A thread that is about to end has no count any more.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    }
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Counting::count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Counting::count();
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(start, layout, size) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A shard in hand, and what runs batches over it.
struct Bench {
    executor: Executor,
    parts: Vec<Box<Shard>>,
    batch: Box<Batch>,
}

impl Bench {
    fn new() -> Bench {
        let config = Config { shards: 1, ..Config::default() };
        let (control, _) = unbounded();
        let store = ConfigStore::new(config.clone(), None);
        // By a clock that stands: the histogram of a command's times grows with the longest.
        let (clock, _) = Clock::simulated(1_800_000_000_000_000);
        let server = Arc::new(new_server(store, clock, control, String::new()));
        let (house, _) = House::new(1, 1, false);
        let parts = vec![Box::new(new_shard(0, &config, &server, Arc::new(drop)))];
        let executor = Executor { server, journal: Journal::off(), house: Arc::new(house) };
        Bench { executor, parts, batch: Box::default() }
    }

    /// Adds a request whose key is its first argument.
    fn push(&mut self, words: &[&[u8]]) {
        let batch = &mut *self.batch;
        let (first_ref, first_hash) = (batch.refs.len() as u32, batch.hashes.len() as u32);
        words.iter().for_each(|word| batch.push_arg(word));
        batch.hashes.push(self.executor.server.hasher.hash(words[1]));
        batch.requests.push(Request {
            command: registry::find(words[0]).expect("it is in the table"),
            work: Work::Run,
            first_ref,
            ref_count: words.len() as u32,
            first_hash,
            hash_count: 1,
            stride: KeyStride { first: 1, step: 1 },
            db: DbIndex(0),
            proto: Proto::Resp2,
            no_touch: false,
            client: ClientId(1),
            counted: true,
        });
    }

    /// One batch of every request of `requests`; gives the allocations that it took.
    fn round(&mut self, requests: &[Vec<&[u8]>]) -> u64 {
        let before = ALLOCATIONS.get();
        self.batch.clear();
        requests.iter().for_each(|words| self.push(words));
        let stopped = self.executor.run(&mut self.parts, &mut self.batch, Holder::Owner);
        assert!(matches!(stopped, Stopped::Done));
        assert_eq!(self.batch.ends.len(), requests.len());
        ALLOCATIONS.get() - before
    }
}

#[test]
fn a_running_server_allocates_nothing_per_request() {
    let keys: Vec<Vec<u8>> = (0..100).map(|n| format!("key:{n:012}").into_bytes()).collect();
    let counters: Vec<Vec<u8>> = (0..100).map(|n| format!("counter:{n}").into_bytes()).collect();
    let value = [b'v'; 64];
    let mut requests: Vec<Vec<&[u8]>> = Vec::new();
    for (key, counter) in keys.iter().zip(&counters) {
        requests.push(vec![b"SET", key, &value]);
        requests.push(vec![b"GET", key]);
        requests.push(vec![b"INCR", counter]);
        requests.push(vec![b"EXISTS", key]);
        requests.push(vec![b"GET", b"absent"]);
    }
    let mut bench = Bench::new();
    let first = bench.round(&requests);
    assert!(first >= 200, "the allocator counts, and 200 entries were stored: {first}");
    // Buffers reach their size, counters and times of commands their place.
    (0..3).for_each(|_| _ = bench.round(&requests));
    let later: u64 = (0..20).map(|_| bench.round(&requests)).sum();
    assert_eq!(later, 0, "allocations in 20 rounds of {} requests", requests.len());
}
