//! Pipelines and transactions that serve clients that wait: what is served, and what each request
//! sees, is what a single-threaded server gives, whatever the shards of the keys.
//!
//! Rounds are made by seed and played on the reference and on Baton: a few clients come to wait,
//! one after another, then another one sends its requests at once. `BATON_WAIT_SEED=n` plays one
//! round alone.

use std::time::Duration;

use fastrand::Rng;

use crate::client::{Client, Reply, encode_into};
use crate::server::{Server, ServerOptions, Target, each_plain_form};
use crate::wait::wait_until;

/// What the server does at once is seen within this time.
const SOON: Duration = Duration::from_secs(10);

const ROUNDS: u64 = 150;

const WAITERS: usize = 3;

/// What the clients of a round send.
#[derive(Debug)]
struct Round {
    waits: Vec<Vec<String>>,
    requests: Vec<Vec<String>>,
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Different keys, likely of different shards.
fn key(rng: &mut Rng, kind: char) -> String {
    format!("{kind}{}", rng.usize(..4))
}

fn wait(rng: &mut Rng) -> Vec<String> {
    let (l, m, z, y) = (key(rng, 'l'), key(rng, 'l'), key(rng, 'z'), key(rng, 'z'));
    let (s, t) = (key(rng, 's'), key(rng, 's'));
    words(&match rng.u8(..10) {
        0 | 1 => format!("BLPOP {l} {m} 0"),
        2 => format!("BRPOP {l} 0"),
        3 | 4 => format!("BLMOVE {l} {m} LEFT RIGHT 0"),
        5 => format!("BLMPOP 0 2 {l} {m} RIGHT COUNT 2"),
        6 => format!("BZPOPMIN {z} {y} 0"),
        7 => format!("BZMPOP 0 2 {z} {y} MAX"),
        8 => format!("XREAD BLOCK 0 STREAMS {s} {t} $ $"),
        _ => format!("XREADGROUP GROUP g c{} BLOCK 0 STREAMS {s} {t} > >", rng.u8(..3)),
    })
}

fn request(rng: &mut Rng, number: &mut u32) -> Vec<String> {
    *number += 1;
    let n = *number;
    let (l, m, z, s) = (key(rng, 'l'), key(rng, 'l'), key(rng, 'z'), key(rng, 's'));
    words(&match rng.u8(..22) {
        0..=4 => format!("RPUSH {l} {n}"),
        5 => format!("LPUSH {l} {n} {n}b"),
        6 | 7 => format!("LLEN {l}"),
        8 => format!("LRANGE {l} 0 -1"),
        9 => format!("LPOP {l}"),
        10 => format!("RENAME {l} {m}"),
        11 => format!("LMOVE {l} {m} LEFT LEFT"),
        12 => format!("COPY {l} {m}"),
        13 | 14 => format!("ZADD {z} {n} m{n}"),
        15 => format!("ZCARD {z}"),
        16 | 17 => format!("XADD {s} 1-{} f v", 100 + n),
        18 => format!("XLEN {s}"),
        19 => format!("XDEL {s} 1-{}", 100 + n - 1),
        20 => format!("DEL {l} {z} {s}"),
        _ => format!("SORT {l} ALPHA STORE {m}"),
    })
}

fn round(seed: u64) -> Round {
    let mut rng = Rng::with_seed(seed);
    let waits = (0..WAITERS).map(|_| wait(&mut rng)).collect();
    let mut number = 0;
    let mut requests: Vec<_> =
        (0..rng.usize(2..8)).map(|_| request(&mut rng, &mut number)).collect();
    if rng.u8(..4) == 0 {
        requests.insert(0, words("MULTI"));
        requests.insert(rng.usize(2..=requests.len()), words("EXEC"));
    }
    Round { waits, requests }
}

/// A server with its clients.
struct Stage {
    control: Client,
    sender: Client,
    waiters: Vec<(Client, i64)>,
}

impl Stage {
    fn new(server: &Server) -> Stage {
        let waiters = (0..WAITERS).map(|_| {
            let mut client = server.client();
            let id = client.run("CLIENT ID").int();
            (client, id)
        });
        let waiters = waiters.collect();
        Stage { control: server.client(), sender: server.client(), waiters }
    }

    fn waits(&mut self, waiter: usize) -> bool {
        let id = self.waiters[waiter].1;
        let line = self.control.run(&format!("CLIENT LIST ID {id}")).text();
        line.split(' ').any(|word| word.starts_with("flags=") && word.contains('b'))
    }

    /// What everyone saw, and what is left.
    fn play(&mut self, round: &Round) -> Vec<String> {
        assert_eq!(self.control.run("FLUSHALL"), Reply::ok());
        for stream in 0..4 {
            let made = self.control.run(&format!("XGROUP CREATE s{stream} g $ MKSTREAM"));
            assert_eq!(made, Reply::ok());
        }
        for (waiter, wait) in round.waits.iter().enumerate() {
            self.waiters[waiter].0.send(wait);
            assert!(wait_until(SOON, || self.waits(waiter)), "{wait:?} does not wait");
        }
        let mut wire = Vec::new();
        round.requests.iter().for_each(|words| encode_into(&mut wire, words));
        let replies = self.sender.exchange(&wire, round.requests.len());
        let mut seen: Vec<String> = replies.iter().map(Reply::to_string).collect();
        for waiter in 0..WAITERS {
            let waits = self.waits(waiter);
            let (client, id) = &mut self.waiters[waiter];
            if waits {
                assert_eq!(self.control.run(&format!("CLIENT UNBLOCK {id}")), Reply::Int(1));
            }
            seen.push(format!("waits: {waits}, {}", client.read()));
        }
        for key in 0..4 {
            for line in [
                format!("LRANGE l{key} 0 -1"),
                format!("ZRANGE z{key} 0 -1"),
                format!("XLEN s{key}"),
            ] {
                seen.push(format!("{line}: {}", self.control.run(&line)));
            }
        }
        seen
    }
}

#[test]
fn a_pipeline_serves_those_who_wait_as_one_thread_would() {
    let one = std::env::var("BATON_WAIT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = one.map_or(0..ROUNDS, |seed: u64| seed..seed + 1);
    let reference = Server::start(ServerOptions::new(1, true).target(Target::Valkey));
    let mut stage = Stage::new(&reference);
    let expected: Vec<_> = seeds.clone().map(|seed| stage.play(&round(seed))).collect();
    each_plain_form(|server| {
        let mut stage = Stage::new(server);
        for (seed, expected) in seeds.clone().zip(&expected) {
            let round = round(seed);
            let shards = server.shards();
            assert_eq!(stage.play(&round), *expected, "seed {seed}, {shards} shards: {round:#?}");
        }
    });
}

#[test]
fn waiters_that_nothing_serves_do_not_send_for_each_other() {
    each_plain_form(|server| {
        let mut stage = Stage::new(server);
        for stream in 0..4 {
            stage.control.run(&format!("XGROUP CREATE s{stream} g $ MKSTREAM"));
        }
        for (waiter, other) in [(0, 1), (1, 2), (2, 3)] {
            let wait = format!("XREADGROUP GROUP g c{waiter} BLOCK 0 STREAMS s0 s{other} > >");
            stage.waiters[waiter].0.send(&words(&wait));
            assert!(wait_until(SOON, || stage.waits(waiter)), "{wait} does not wait");
        }
        // The entry comes and is gone before anybody can be served.
        let lines = ["MULTI", "XADD s0 1-1 f v", "XDEL s0 1-1", "EXEC"];
        let mut wire = Vec::new();
        lines.iter().for_each(|line| encode_into(&mut wire, &words(line)));
        assert_eq!(stage.sender.exchange(&wire, 4)[3].items().len(), 2);
        assert!((0..WAITERS).all(|waiter| stage.waits(waiter)));
        stage.sender.run("XADD s0 1-2 f v");
        assert_eq!(stage.waiters[0].0.read().items().len(), 1);
        assert!(!stage.waits(0) && stage.waits(1) && stage.waits(2));
    });
}
