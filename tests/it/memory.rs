//! `maxmemory`: what each policy throws out, and what happens when it may not.

use std::time::Duration;

use crate::client::{Client, Reply};
use crate::server::{Server, ServerOptions, each_form, each_plain_form};
use crate::wait::wait_until;

const OOM: &str = "OOM command not allowed when used memory > 'maxmemory'.";
/// Room above what an empty server uses, for keys.
const ROOM: i64 = 8 << 20;

fn policy(name: &'static str) -> impl Fn(ServerOptions) -> ServerOptions {
    move |options| options.arg(["--maxmemory-policy", name])
}

/// Sets maxmemory to what is used now and `ROOM`.
fn limit(c: &mut Client) -> i64 {
    let limit = c.info_number("used_memory") + ROOM;
    assert_eq!(c.cmd(&["CONFIG", "SET", "maxmemory", &limit.to_string()]), Reply::ok());
    limit
}

/// Makes what is used now far too much: at the limit itself a small write may still find room, by
/// itself or by the last key that may go.
fn exceed(c: &mut Client) {
    let limit = c.info_number("used_memory") / 2;
    assert_eq!(c.cmd(&["CONFIG", "SET", "maxmemory", &limit.to_string()]), Reply::ok());
}

/// Writes `n` keys with 1,000-byte values and these options; how many were refused.
fn fill(c: &mut Client, prefix: &str, n: usize, options: &[&str]) -> usize {
    let value = "x".repeat(1000);
    let mut refused = 0;
    for start in (0..n).step_by(100) {
        let command = |i: usize| {
            let mut args = vec!["SET".to_owned(), format!("{prefix}:{i}"), value.clone()];
            args.extend(options.iter().map(|o| (*o).to_owned()));
            args
        };
        let commands: Vec<Vec<String>> = (start..n.min(start + 100)).map(command).collect();
        for reply in c.pipeline(&commands) {
            if reply != Reply::ok() {
                assert_eq!(reply, Reply::error(OOM));
                refused += 1;
            }
        }
    }
    refused
}

/// Used memory comes back below the limit (eviction may lag by a bounded step).
#[track_caller]
fn stays_below(c: &mut Client, limit: i64) {
    let bounded = limit + limit / 10;
    let below = wait_until(Duration::from_secs(5), || c.info_number("used_memory") <= bounded);
    assert!(below, "used {} of {limit}", c.info_number("used_memory"));
}

#[test]
fn without_eviction_writes_are_refused() {
    each_form(policy("noeviction"), |server| {
        let mut c = server.client();
        c.run("SET small 1");
        let limit = limit(&mut c);
        assert!(fill(&mut c, "key", 20_000, &[]) > 5_000);
        stays_below(&mut c, limit);
        exceed(&mut c);
        let keys = c.run("DBSIZE").int();
        let oom = Reply::error(OOM);
        for line in ["SET a 1", "INCR n", "APPEND small x", "MSET a 1 b 2", "COPY small other"] {
            assert_eq!(c.run(line), oom, "{line}");
        }
        assert_eq!(c.run("GET small"), Reply::bulk("1"), "reads go on");
        assert_eq!(c.run("EXPIRE small 1000"), Reply::Int(1), "what needs no memory too");
        assert_eq!(c.run("DBSIZE"), Reply::Int(keys));
        c.run("MULTI");
        assert_eq!(c.run("SET a 1"), oom);
        assert_eq!(c.run("SETRANGE a 0 b"), oom);
        let text = "EXECABORT Transaction discarded because of previous errors.";
        assert_eq!(c.run("EXEC"), Reply::error(text));
        // They were refused before they ran.
        for name in ["append", "mset", "copy", "setrange"] {
            let figures = c.info(&format!("cmdstat_{name}"));
            assert!(figures.starts_with("calls=0,"), "{name}: {figures}");
            assert!(figures.ends_with("rejected_calls=1,failed_calls=0"), "{name}: {figures}");
        }
        assert_eq!(c.info_number("evicted_keys"), 0);
        assert_eq!(c.run("FLUSHALL"), Reply::ok());
        let writable = || c.run("SET a 1") == Reply::ok();
        assert!(wait_until(Duration::from_secs(10), writable), "memory comes back");
    });
}

/// Fills with 30,000 keys of 1 KB where about 8,000 fit.
fn evicts_from_all(server: &Server) {
    let mut c = server.client();
    let limit = limit(&mut c);
    assert_eq!(fill(&mut c, "key", 30_000, &[]), 0, "eviction makes room for every write");
    stays_below(&mut c, limit);
    let left = c.run("DBSIZE").int();
    assert!((2_000..15_000).contains(&left), "{left} keys are left");
    assert!(c.info_number("evicted_keys") >= 30_000 - 15_000);
}

#[test]
fn allkeys_policies_make_room() {
    for name in ["allkeys-lru", "allkeys-lfu", "allkeys-random"] {
        each_form(policy(name), evicts_from_all);
    }
}

#[test]
fn volatile_policies_spare_keys_without_expiry() {
    for name in ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"] {
        each_form(policy(name), |server| {
            let mut c = server.client();
            let limit = limit(&mut c);
            assert_eq!(fill(&mut c, "stay", 2_000, &[]), 0);
            assert_eq!(fill(&mut c, "go", 20_000, &["EX", "10000"]), 0);
            stays_below(&mut c, limit);
            let stay = c.run("KEYS stay:*").items().len();
            assert_eq!(stay, 2_000, "{name} took keys without expiry");
            // Without keys that may go it is as without eviction.
            assert!(fill(&mut c, "more", 20_000, &[]) > 5_000);
            exceed(&mut c);
            assert_eq!(c.run("SET a 1"), Reply::error(OOM));
        });
    }
}

#[test]
fn recently_used_keys_stay() {
    each_form(policy("allkeys-lru"), |server| {
        let mut c = server.client();
        let precise = c.run("CONFIG SET maxmemory-samples 10");
        assert_eq!(precise, Reply::ok());
        limit(&mut c);
        fill(&mut c, "old", 4_000, &[]);
        fill(&mut c, "hot", 500, &[]);
        // The clock of the access times counts in seconds or parts of them.
        assert!(wait_until(Duration::from_secs(10), || c.run("OBJECT IDLETIME old:0").int() >= 2));
        for i in 0..500 {
            c.cmd(&["GET", &format!("hot:{i}")]);
        }
        fill(&mut c, "new", 4_000, &[]);
        let count = |c: &mut Client, prefix: &str| c.run(&format!("KEYS {prefix}:*")).items().len();
        let (hot, old) = (count(&mut c, "hot"), count(&mut c, "old"));
        assert!(hot >= 450, "{hot} of 500 used keys are left, {old} of 4000 unused");
        assert!(old < 3_900, "something was evicted: {old}");
    });
}

#[test]
fn the_soonest_expiry_goes_first() {
    each_form(policy("volatile-ttl"), |server| {
        let mut c = server.client();
        c.run("CONFIG SET maxmemory-samples 10");
        limit(&mut c);
        fill(&mut c, "late", 2_500, &["EX", "1000000"]);
        fill(&mut c, "soon", 2_500, &["EX", "10000"]);
        fill(&mut c, "plain", 4_000, &[]);
        let count = |c: &mut Client, prefix: &str| c.run(&format!("KEYS {prefix}:*")).items().len();
        let (late, soon) = (count(&mut c, "late"), count(&mut c, "soon"));
        assert!(late > soon && soon < 2_400, "late {late}, soon {soon}");
        assert!(late >= 2_200, "late {late}, soon {soon}");
    });
}

#[test]
fn a_lower_limit_takes_effect_at_once() {
    each_form(policy("allkeys-random"), |server| {
        let mut c = server.client();
        let base = c.info_number("used_memory");
        fill(&mut c, "key", 10_000, &[]);
        let lower = (base + (4 << 20)).to_string();
        assert_eq!(c.cmd(&["CONFIG", "SET", "maxmemory", &lower]), Reply::ok());
        c.run("SET a 1");
        let gone = || c.run("DBSIZE").int() < 7_000;
        assert!(wait_until(Duration::from_secs(10), gone), "nothing is evicted");
    });
}

#[test]
fn usage_of_keys() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.cmd(&["SET", "big", &"x".repeat(100_000)]);
        c.run("SET small 1");
        assert!((100_000..180_000).contains(&c.run("MEMORY USAGE big").int()));
        assert!((16..200).contains(&c.run("MEMORY USAGE small").int()));
        assert_eq!(c.run("MEMORY USAGE none"), Reply::NullBulk);
        assert_eq!(c.run("MEMORY USAGE big SAMPLES 0").int(), c.run("MEMORY USAGE big").int());
        assert!(c.run("MEMORY USAGE big SAMPLES x").is_error());
        assert!(!c.run("MEMORY STATS").items().is_empty());
        assert!(!c.run("MEMORY DOCTOR").text().is_empty());
    });
}

/// Fills a server with 100 MB, has `empty` take everything away, and waits until most of that is
/// given back to the system.
fn gives_back(server: &Server, empty: impl FnOnce(&mut Client)) {
    let mut c = server.client();
    assert_eq!(fill(&mut c, "k", 100_000, &[]), 0);
    let full = server.resident_bytes().expect("the figure");
    assert!(full > 100_000_000, "{full}");
    empty(&mut c);
    assert_eq!(c.run("DBSIZE"), Reply::Int(0));
    let falls = || server.resident_bytes().is_ok_and(|bytes| bytes < full / 2);
    assert!(wait_until(Duration::from_secs(60), falls), "{:?} of {full}", server.resident_bytes());
}

#[test]
fn memory_goes_back_to_the_system() {
    let server = Server::start(ServerOptions::new(2, true));
    // Nobody asks for it, and nobody allocates meanwhile: the allocator's own thread does it.
    gives_back(&server, |c| {
        for start in (0..100_000).step_by(1000) {
            let keys = (start..start + 1000).map(|i| format!("k:{i}"));
            let args: Vec<String> = std::iter::once("DEL".to_owned()).chain(keys).collect();
            assert_eq!(c.cmd(&args), Reply::Int(1000));
        }
    });
    assert_eq!(server.client().run("CONFIG SET jemalloc-bg-thread no"), Reply::ok());
    gives_back(&server, |c| {
        assert_eq!(c.run("FLUSHALL SYNC"), Reply::ok());
        assert_eq!(c.run("MEMORY PURGE"), Reply::ok());
    });
}

#[test]
fn values_freed_in_the_background_are_counted() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut command = vec!["SADD".to_owned(), "huge".to_owned()];
        command.extend((0..100_000).map(|i| i.to_string()));
        assert_eq!(c.cmd(&command), Reply::Int(100_000));
        assert_eq!(c.run("UNLINK huge"), Reply::Int(1));
        let counted =
            wait_until(Duration::from_secs(10), || c.info_number("lazyfreed_objects") == 1);
        assert!(counted, "{}", c.info_number("lazyfreed_objects"));
        assert_eq!(c.info_number("lazyfree_pending_objects"), 0);
        assert_eq!(c.run("CONFIG RESETSTAT"), Reply::ok());
        assert_eq!(c.info_number("lazyfreed_objects"), 0);
    });
}
