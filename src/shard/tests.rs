//! Batches, expiry and eviction over boxes, without threads.

use std::sync::Arc;

use super::evict::{self, relieve};
use super::{Executor, Holder, Stopped, expire_cycle, new_server, new_shard};
use crate::channel::{Batch, House, Request, Work};
use crate::clock::Clock;
use crate::command::{AccessPolicy, ClientId, KeyStride, created, registry};
use crate::config::{Config, ConfigStore, EvictionPolicy};
use crate::journal::Journal;
use crate::keyspace::{DbIndex, Shard, Value};
use crate::observe::Server;
use crate::resp::Proto;

const NOW_MS: i64 = 1_700_000_000_000;
const VALUE: &[u8] = &[b'x'; 100];

fn server_of(config: &Config, clock: Clock) -> Server {
    let (control, _) = crossbeam_channel::unbounded();
    new_server(ConfigStore::new(config.clone(), None), clock, control, String::new())
}

/// Boxes of a server, and the configuration that they run under.
struct World {
    server: Server,
    config: Config,
    parts: Vec<Box<Shard>>,
}

impl World {
    fn new(shards: usize, policy: EvictionPolicy) -> World {
        let config = Config {
            shards,
            maxmemory_policy: policy,
            maxmemory_samples: 5,
            maxmemory_eviction_tenacity: 100,
            ..Config::default()
        };
        let (clock, _) = Clock::simulated(NOW_MS as u64 * 1000);
        let server = server_of(&config, clock);
        let parts = (0..shards)
            .map(|number| {
                let mut shard = new_shard(number, &config, &server, Arc::new(drop));
                shard.rng = fastrand::Rng::with_seed(number as u64);
                Box::new(shard)
            })
            .collect();
        World { server, config, parts }
    }

    fn put(&mut self, key: &str, expiry: Option<i64>, access: u32) {
        let (key, server) = (key.as_bytes(), &self.server);
        let hash = server.hasher.hash(key);
        let shard = server.shards.shard_of(&server.hasher, key, hash);
        let db = &mut self.parts[shard].dbs[0];
        db.insert(key, hash, Value::Bytes(VALUE), expiry);
        if let Some(entry) = db.get(key, hash) {
            entry.set_access(access);
        }
    }

    fn has(&self, key: &str) -> bool {
        let key = key.as_bytes();
        let hash = self.server.hasher.hash(key);
        let shard = self.server.shards.shard_of(&self.server.hasher, key, hash);
        self.parts[shard].dbs[0].get(key, hash).is_some()
    }

    /// The field of a key that was last used `seconds` ago.
    fn used_before(&self, seconds: i64) -> u32 {
        created(AccessPolicy::of(&self.config), NOW_MS - seconds * 1000)
    }

    fn post(&self) -> u64 {
        self.parts.iter().for_each(|part| part.post_memory());
        self.server.memory.keyspace()
    }

    /// Lowers the limit to a part of what is used, and evicts down to it.
    fn shrink_to(&mut self, percent: u64) -> bool {
        self.config.maxmemory = self.post() * percent / 100;
        relieve(&mut self.parts, &self.config, &self.server)
    }

    fn survivors(&self, prefix: &str, count: usize) -> usize {
        (0..count).filter(|n| self.has(&format!("{prefix}{n}"))).count()
    }
}

#[test]
fn lru_keeps_what_was_used_last() {
    let mut world = World::new(1, EvictionPolicy::AllkeysLru);
    for n in 0..10_000 {
        let access = world.used_before(20_000 - n);
        world.put(&format!("key:{n}"), None, access);
    }
    assert!(world.shrink_to(60));
    let old = (0..5_000).filter(|n| world.has(&format!("key:{n}"))).count();
    let new = (5_000..10_000).filter(|n| world.has(&format!("key:{n}"))).count();
    // By chance both halves would lose alike; a true order would leave 5,000 and some 1,000.
    assert!(new > 4_800, "{new} of the newer half are left, {old} of the older");
    assert!(old < 1_500, "{old} of the older half are left");
}

#[test]
fn lfu_keeps_what_is_used_often() {
    let mut world = World::new(1, EvictionPolicy::AllkeysLfu);
    let minutes = ((NOW_MS / 60_000) & 0xFFFF) as u32;
    for n in 0..4_000 {
        world.put(&format!("seldom:{n}"), None, minutes << 8 | 5);
        world.put(&format!("often:{n}"), None, minutes << 8 | 50);
    }
    assert!(world.shrink_to(70));
    let (often, seldom) = (world.survivors("often:", 4_000), world.survivors("seldom:", 4_000));
    assert!(often > 3_900, "{often} of those that are used often are left");
    assert!(seldom < 1_700, "{seldom} of those that are used seldom are left");
}

#[test]
fn volatile_policies_evict_no_other_key() {
    use EvictionPolicy::{VolatileLfu, VolatileLru, VolatileRandom, VolatileTtl};
    for policy in [VolatileLru, VolatileLfu, VolatileRandom, VolatileTtl] {
        let mut world = World::new(2, policy);
        for n in 0..2_000 {
            let access = world.used_before(0);
            world.put(&format!("stays:{n}"), None, access);
            world.put(&format!("goes:{n}"), Some(NOW_MS + 10_000 + n), access);
        }
        assert!(world.shrink_to(75), "{policy:?}");
        assert_eq!(world.survivors("stays:", 2_000), 2_000, "{policy:?}");
        let left = world.survivors("goes:", 2_000);
        assert!((500..1_500).contains(&left), "{policy:?}: {left}");
        // What stays alone is more than the limit now: writes are refused.
        assert!(!world.shrink_to(20), "{policy:?}");
        assert_eq!(world.survivors("goes:", 2_000), 0, "{policy:?}");
        assert_eq!(world.survivors("stays:", 2_000), 2_000, "{policy:?}");
    }
}

#[test]
fn volatile_ttl_takes_the_nearest_expiry() {
    let mut world = World::new(1, EvictionPolicy::VolatileTtl);
    for n in 0..4_000 {
        world.put(&format!("key:{n}"), Some(NOW_MS + 1_000 * (n + 1)), 0);
    }
    assert!(world.shrink_to(70));
    let late = (2_000..4_000).filter(|n| world.has(&format!("key:{n}"))).count();
    assert!(late > 1_900, "{late} of those that expire late are left");
}

#[test]
fn noeviction_refuses_and_evicts_nothing() {
    let mut world = World::new(1, EvictionPolicy::NoEviction);
    for n in 0..100 {
        world.put(&format!("key:{n}"), None, 0);
    }
    assert!(world.shrink_to(100));
    assert!(!world.shrink_to(90));
    assert_eq!(world.survivors("key:", 100), 100);
}

/// Loads three times what fits, one key at a time as writes come, and keeps looking at the total.
#[test]
fn memory_stays_at_the_limit_while_loading() {
    use EvictionPolicy::{AllkeysLfu, AllkeysLru, AllkeysRandom};
    const LIMIT: u64 = 2_000_000;
    for shards in [1, 4] {
        for policy in [AllkeysLru, AllkeysLfu, AllkeysRandom] {
            let mut world = World::new(shards, policy);
            world.config.maxmemory = LIMIT;
            for n in 0..45_000 {
                let key = format!("key:{n}");
                let hash = world.server.hasher.hash(key.as_bytes());
                let World { server, config, parts } = &mut world;
                let shard = server.shards.shard_of(&server.hasher, key.as_bytes(), hash);
                let own = std::slice::from_mut(&mut parts[shard]);
                assert!(relieve(own, config, server), "{policy:?}: a write is refused");
                let access = world.used_before(0);
                world.put(&key, None, access);
                if n % 500 == 0 {
                    let used = world.post();
                    assert!(used < LIMIT + LIMIT / 20, "{shards} {policy:?}: {used} bytes");
                }
            }
            let used = world.post();
            assert!(used > LIMIT - LIMIT / 20, "{shards} {policy:?}: {used} bytes");
            let lens: Vec<usize> = world.parts.iter().map(|part| part.len()).collect();
            let least = lens.iter().min().copied().unwrap_or(0);
            assert!(least * shards * 2 > lens.iter().sum(), "{policy:?}: {lens:?}");
        }
    }
}

/// A shard that nobody writes to gives up its part when its owner is called, in bounded slices.
#[test]
fn an_idle_shard_gives_up_its_part() {
    let mut world = World::new(2, EvictionPolicy::AllkeysLru);
    for n in 0..10_000 {
        world.put(&format!("key:{n}"), None, 0);
    }
    world.config.maxmemory = world.post() / 2;
    let World { server, config, parts } = &mut world;
    for _ in 0..50 {
        for part in parts.iter_mut() {
            evict::run_slice(part, config, server, u64::MAX);
        }
    }
    assert!(!evict::is_called(config, server));
    let (first, second) = (parts[0].len(), parts[1].len());
    let (least, most) = (first.min(second), first.max(second));
    assert!(least * 2 > most, "{first} and {second} keys");
}

#[test]
fn a_transaction_in_several_boxes_records_evictions_in_the_first() {
    let mut world = World::new(2, EvictionPolicy::AllkeysLru);
    world.parts.iter_mut().for_each(|part| part.effects.listen());
    for n in 0..1_000 {
        world.put(&format!("key:{n}"), None, 0);
    }
    assert!(world.shrink_to(50));
    let evicted: u64 = world.parts.iter().map(|part| part.stats.evicted).sum();
    assert!(world.parts[1].stats.evicted > 0 && world.parts[1].effects.is_empty());
    assert_eq!(world.parts[0].effects.drain().len() as u64, evicted);
}

#[test]
fn expiry_goes_on_in_slices_until_little_is_stale() {
    const KEYS: usize = 20_000;
    let mut world = World::new(1, EvictionPolicy::NoEviction);
    for n in 0..KEYS {
        world.put(&format!("due:{n}"), Some(NOW_MS - 1), 0);
        if n % 4 == 0 {
            world.put(&format!("later:{n}"), Some(NOW_MS + 1_000_000), 0);
        }
    }
    // Time goes on meanwhile, which that of a simulation does not.
    let server = server_of(&world.config, Clock::system());
    let shard = &mut world.parts[0];
    let mut slices = 0;
    while expire_cycle::run_slice(shard, &world.config, &server, 0) {
        slices += 1;
        assert!(slices < KEYS, "it ends");
    }
    assert!(slices > 50, "a slice without time does one round of each database: {slices}");
    let (expired, limited) = (shard.stats.expired, shard.stats.expire_cycle_limited);
    assert_eq!(limited, slices as u64);
    assert!(expired as usize > KEYS / 2, "{expired}");
    assert_eq!(shard.dbs[0].len() + expired as usize, KEYS + KEYS / 4);
    for _ in 0..KEYS {
        expire_cycle::run_slice(shard, &world.config, &server, 0);
        if shard.dbs[0].len() == KEYS / 4 {
            return;
        }
    }
    panic!("every key that is due is found in the end");
}

/// A clock that stands (or is coarse) must not make a slice go on for ever.
#[test]
fn a_slice_of_expiry_has_a_bound_of_its_own() {
    const KEYS: usize = 100_000;
    let mut world = World::new(1, EvictionPolicy::NoEviction);
    for n in 0..KEYS {
        world.put(&format!("due:{n}"), Some(NOW_MS - 1), 0);
    }
    let shard = &mut world.parts[0];
    let mut most = 0;
    while !shard.dbs[0].is_empty() {
        let before = shard.dbs[0].len();
        expire_cycle::run_slice(shard, &world.config, &world.server, u64::MAX);
        most = most.max(before - shard.dbs[0].len());
    }
    assert!((1_000..10_000).contains(&most), "{most} keys in one slice");
}

#[test]
fn active_expiry_can_be_turned_off() {
    let mut world = World::new(1, EvictionPolicy::NoEviction);
    world.put("due", Some(NOW_MS - 1), 0);
    let shard = &mut world.parts[0];
    shard.active_expire = false;
    assert!(!expire_cycle::run_slice(shard, &world.config, &world.server, u64::MAX));
    assert_eq!(shard.stats.expired, 0);
    shard.active_expire = true;
    expire_cycle::run_slice(shard, &world.config, &world.server, u64::MAX);
    assert_eq!((shard.stats.expired, shard.dbs[0].len()), (1, 0));
}

/// Adds a request whose only key stands behind the command's name.
fn push(batch: &mut Batch, server: &Server, words: &[&[u8]]) {
    let (first_ref, first_hash) = (batch.refs.len() as u32, batch.hashes.len() as u32);
    words.iter().for_each(|word| batch.push_arg(word));
    batch.hashes.push(server.hasher.hash(words[1]));
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

#[test]
fn a_borrower_leaves_long_walks_to_the_owner() {
    let World { server, mut parts, .. } = World::new(1, EvictionPolicy::NoEviction);
    let server = Arc::new(server);
    let house = Arc::new(House::new(1, 1, false).0);
    let executor = Executor { server: server.clone(), journal: Journal::default(), house };
    let members: Vec<Vec<u8>> = (0..20_000).map(|n| format!("member:{n}").into_bytes()).collect();
    let mut batch = Batch::default();
    for members in members.chunks(1000) {
        let mut words: Vec<&[u8]> = vec![b"SADD", b"big"];
        words.extend(members.iter().map(Vec::as_slice));
        push(&mut batch, &server, &words);
    }
    push(&mut batch, &server, &[b"SADD", b"small", b"1"]);
    push(&mut batch, &server, &[b"SMEMBERS", b"small"]);
    push(&mut batch, &server, &[b"SMEMBERS", b"big"]);
    push(&mut batch, &server, &[b"SCARD", b"big"]);
    let stopped = executor.run(&mut parts, &mut batch, Holder::Borrower);
    assert!(matches!(stopped, Stopped::AtLongWalk));
    assert_eq!(batch.next, batch.requests.len() - 2);
    let stopped = executor.run(&mut parts, &mut batch, Holder::Owner);
    assert!(matches!(stopped, Stopped::Done));
    let reply = |at: usize| {
        let (from, to) = batch.reply_range(at);
        String::from_utf8_lossy(batch.replies.range_bytes(from, to)).into_owned()
    };
    let last = batch.requests.len() - 1;
    assert!(reply(last - 1).starts_with("*20000\r\n"));
    assert_eq!(reply(last), ":20000\r\n");
}

#[test]
fn a_borrower_leaves_long_ranges_to_the_owner() {
    let World { server, mut parts, .. } = World::new(1, EvictionPolicy::NoEviction);
    let server = Arc::new(server);
    let house = Arc::new(House::new(1, 1, false).0);
    let executor = Executor { server: server.clone(), journal: Journal::default(), house };
    let mut run = |words: &[&[u8]]| {
        let mut batch = Batch::default();
        push(&mut batch, &server, words);
        matches!(executor.run(&mut parts, &mut batch, Holder::Borrower), Stopped::AtLongWalk)
    };
    let elements: Vec<Vec<u8>> = (0..20_000).map(|n| format!("element:{n:0>20}").into()).collect();
    for elements in elements.chunks(1000) {
        let mut words: Vec<&[u8]> = vec![b"RPUSH", b"list"];
        words.extend(elements.iter().map(Vec::as_slice));
        assert!(!run(&words));
        let mut words: Vec<&[u8]> = vec![b"ZADD", b"zset"];
        elements.iter().for_each(|element| words.extend([b"1", element.as_slice()]));
        assert!(!run(&words));
    }
    let ranges: [(&[u8], &[u8], bool); 8] = [
        (b"0", b"-1", true),
        (b"0", b"8191", false),
        (b"0", b"8192", true),
        (b"-8192", b"-1", false),
        (b"-9223372036854775808", b"9223372036854775807", true),
        (b"19000", b"9223372036854775807", false),
        (b"-1", b"0", false),
        (b"0", b"x", false),
    ];
    for (first, last, is_long) in ranges {
        for (name, key) in [("LRANGE", "list"), ("ZRANGE", "zset"), ("ZREVRANGE", "zset")] {
            let words = [name.as_bytes(), key.as_bytes(), first, last];
            assert_eq!(run(&words), is_long, "{}", words.concat().escape_ascii());
        }
    }
}
