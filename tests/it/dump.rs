//! DUMP and RESTORE: payloads that move between Baton and real servers both ways, for every type
//! and encoding; and what RESTORE's options do.

use crate::client::{Client, Reply};
use crate::server::{Server, ServerOptions, Target, each_plain_form};
use crate::wait::wait_until;

/// How a value is made, and how it is read.
struct Sample {
    /// Commands that make the value at the key `k`.
    make: &'static [&'static str],
    /// Commands whose replies show it. Those of unordered types are compared sorted.
    read: &'static [&'static str],
    /// Directives to set before, on the server that makes it.
    config: &'static [&'static str],
}

const fn sample(make: &'static [&'static str], read: &'static [&'static str]) -> Sample {
    Sample { make, read, config: &[] }
}

const STRINGS: &[Sample] = &[
    sample(&["SET k value"], &["GET k"]),
    sample(&["SET k 12"], &["GET k"]),
    sample(&["SET k -32768"], &["GET k"]),
    sample(&["SET k 2147483647"], &["GET k"]),
    sample(&["SET k 2147483648"], &["GET k"]),
    sample(&["SET k -9223372036854775808"], &["GET k"]),
    sample(&["SET k 00012"], &["GET k"]),
    sample(&["SET k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], &["GET k"]),
    sample(&["SETRANGE k 300 x", "SETRANGE k 9000 hello", "SETBIT k 100 1"], &["GET k"]),
    sample(&["PFADD k a b c d e f g"], &["PFCOUNT k", "GET k"]),
    sample(&["PFADD k a b c d e f g", "PFDEBUG TODENSE k"], &["PFCOUNT k", "GET k"]),
];

const LISTS: &[Sample] = &[
    sample(&["RPUSH k a b 3 -700 100000"], &["LRANGE k 0 -1", "OBJECT ENCODING k"]),
    sample(&["RPUSH k aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 3"], &["LRANGE k 0 -1"]),
    Sample {
        make: &["RPUSH k a b c d e f g"],
        read: &["LRANGE k 0 -1"],
        config: &["list-max-listpack-size 2"],
    },
    // Nodes inside are compressed, where it is worth it.
    Sample {
        make: &[
            "RPUSH k first 1 nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn 2",
            "RPUSH k mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm 3",
            "RPUSH k 4 5 6 7 last",
        ],
        read: &["LRANGE k 0 -1", "OBJECT ENCODING k", "LINDEX k 4", "LPOS k 5"],
        config: &["list-max-listpack-size 2", "list-compress-depth 1"],
    },
];

const STREAMS: &[Sample] = &[
    sample(
        &["XADD k 1-1 a b", "XADD k 2-1 a c", "XADD k 2-2 x y z w"],
        &["XRANGE k - +", "XINFO STREAM k"],
    ),
    sample(
        &[
            "XADD k 1-1 a b",
            "XADD k 2-1 a c",
            "XDEL k 1-1",
            "XGROUP CREATE k g 0",
            "XGROUP CREATE k h 1-5",
            "XGROUP CREATECONSUMER k g idle",
            "XREADGROUP GROUP g c COUNT 1 STREAMS k >",
            "XADD k 3-1 a c",
            "XREADGROUP GROUP g d STREAMS k >",
        ],
        &["XRANGE k - +", "XPENDING k g", "XPENDING k h", "XINFO GROUPS k"],
    ),
    sample(&["XGROUP CREATE k g 5-5 MKSTREAM"], &["XLEN k", "XINFO GROUPS k"]),
];

const ZSETS: &[Sample] = &[
    sample(
        &["ZADD k 1 a 2.5 b -inf c 1e300 d 17 17"],
        &["ZRANGE k 0 -1 WITHSCORES", "OBJECT ENCODING k"],
    ),
    Sample {
        make: &["ZADD k 1 a 2.5 b -inf c 1e300 d 17 17 0.1 e +inf f"],
        read: &["ZRANGE k 0 -1 WITHSCORES", "ZRANK k b"],
        config: &["zset-max-listpack-entries 2"],
    },
    sample(
        &["GEOADD k 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"],
        &["GEOHASH k Palermo Catania", "GEODIST k Palermo Catania"],
    ),
];

const HASHES: &[Sample] = &[
    sample(&["HSET k f v g 17 h -5.5"], &["HGETALL k", "OBJECT ENCODING k"]),
    sample(
        &["HSET k f aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa g 1"],
        &["HGET k f", "HGET k g", "HLEN k", "OBJECT ENCODING k"],
    ),
    Sample {
        make: &["HSET k f v g 17 h -5.5"],
        read: &["HMGET k f g h none", "HLEN k"],
        config: &["hash-max-listpack-entries 2"],
    },
];

/// What Valkey writes and Redis does not read.
const FIELD_EXPIRY: &[Sample] = &[sample(
    &["HSET k f v g 17 h x", "HPEXPIREAT k 5000000000000 FIELDS 1 f"],
    &["HMGET k f g h", "HLEN k", "HPEXPIRETIME k FIELDS 3 f g h"],
)];

const SETS: &[Sample] = &[
    sample(&["SADD k 1 2 3"], &["SMEMBERS k", "OBJECT ENCODING k"]),
    sample(&["SADD k 1 70000 -5000000000"], &["SMEMBERS k", "OBJECT ENCODING k"]),
    sample(&["SADD k a b 3"], &["SMEMBERS k", "OBJECT ENCODING k"]),
    Sample {
        make: &["SADD k a b c 17 thislonger"],
        read: &["SMEMBERS k"],
        config: &["set-max-listpack-entries 2"],
    },
];

/// What every server of the last years has.
fn samples() -> impl Iterator<Item = &'static Sample> {
    [STRINGS, LISTS, HASHES, ZSETS, STREAMS, SETS].into_iter().flatten()
}

/// A reply as text; the elements of an unordered one in order.
fn shown(reply: &Reply, command: &str) -> Vec<String> {
    let mut texts: Vec<String> = match reply {
        Reply::Array(_) | Reply::Set(_) => reply.items().iter().map(ToString::to_string).collect(),
        _ => vec![reply.to_string()],
    };
    if command.starts_with("SMEMBERS") {
        texts.sort();
    }
    texts
}

fn read(c: &mut Client, sample: &Sample) -> Vec<Vec<String>> {
    sample.read.iter().map(|command| shown(&c.run(command), command)).collect()
}

/// Makes the sample on a server and gives what it shows and its payload.
fn make(c: &mut Client, sample: &Sample) -> (Vec<Vec<String>>, Vec<u8>) {
    c.run("DEL k");
    let mut before = Vec::new();
    for directive in sample.config {
        let (name, value) = directive.split_once(' ').expect("a name and a value");
        before.push((name, c.config(name)));
        assert_eq!(c.cmd(&["CONFIG", "SET", name, value]), Reply::ok(), "{directive}");
    }
    for command in sample.make {
        let reply = c.run(command);
        assert!(!reply.is_error(), "{command}: {reply}");
    }
    for (name, value) in before {
        assert_eq!(c.cmd(&["CONFIG", "SET", name, &value]), Reply::ok());
    }
    let shown = read(c, sample);
    (shown, c.run("DUMP k").bytes().to_vec())
}

/// Moves every sample from one server to another and back.
fn move_both_ways(
    ours: &mut Client,
    theirs: &mut Client,
    samples: impl Iterator<Item = &'static Sample>,
) {
    for sample in samples {
        for (from, to) in [(0, 1), (1, 0)] {
            let pair = [&mut *ours, &mut *theirs];
            let (expected, payload) = make(pair[from], sample);
            let restored = pair[to].cmd(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"]);
            assert_eq!(restored, Reply::ok(), "{:?} from {from}", sample.make);
            let got = read(pair[to], sample);
            assert_eq!(got, expected, "{:?} from {from}", sample.make);
        }
    }
}

#[test]
fn payloads_move_to_and_from_valkey() {
    let valkey = Server::start(ServerOptions::default().target(Target::Valkey));
    each_plain_form(|server| {
        let samples = samples().chain(FIELD_EXPIRY);
        move_both_ways(&mut server.client(), &mut valkey.client(), samples);
    });
}

#[test]
fn payloads_move_to_and_from_redis() {
    let redis = Server::start(ServerOptions::default().target(Target::Redis));
    each_plain_form(|server| {
        move_both_ways(&mut server.client(), &mut redis.client(), samples());
    });
}

/// Lists whose nodes are compressed where they are made, or where they come to, or both.
#[test]
fn compressed_nodes_move_both_ways() {
    for target in [Target::Valkey, Target::Redis] {
        let theirs = Server::start(ServerOptions::default().target(target));
        each_plain_form(|server| {
            let mut ends = [server.client(), theirs.client()];
            let elements: Vec<String> =
                (0..200).map(|n| format!("element:{n:030}")).chain(["x".repeat(9_000)]).collect();
            let ways = [(0, 1, 0), (0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 1), (1, 1, 1)];
            for (from, depth_from, depth_to) in ways {
                for (end, depth) in [(from, depth_from), (1 - from, depth_to)] {
                    ends[end].run("DEL l");
                    ends[end].run("CONFIG SET list-max-listpack-size 5");
                    let set = format!("CONFIG SET list-compress-depth {depth}");
                    assert_eq!(ends[end].run(&set), Reply::ok());
                }
                let push = ["RPUSH", "l"].into_iter().chain(elements.iter().map(String::as_str));
                ends[from].cmd(&push.chain(["last"; 6]).collect::<Vec<_>>());
                let expected = ends[from].run("LRANGE l 0 -1");
                let payload = ends[from].run("DUMP l").bytes().to_vec();
                let to = &mut ends[1 - from];
                assert_eq!(to.cmd(&[&b"RESTORE"[..], b"l", b"0", &payload]), Reply::ok());
                assert_eq!(to.run("LRANGE l 0 -1"), expected, "{depth_from} {depth_to} {from}");
                assert_eq!(to.run("LINDEX l 100"), Reply::bulk(&elements[100]));
            }
        });
    }
}

/// Redis writes fields that expire in two ways of its own.
#[test]
fn fields_that_expire_come_from_redis() {
    let redis = Server::start(ServerOptions::default().target(Target::Redis));
    each_plain_form(|server| {
        let (mut ours, mut theirs) = (server.client(), redis.client());
        for config in ["hash-max-listpack-entries 1", "hash-max-listpack-entries 100"] {
            theirs.run(&format!("CONFIG SET {config}"));
            let (expected, payload) = make(&mut theirs, &FIELD_EXPIRY[0]);
            let restored = ours.cmd(&[&b"RESTORE"[..], b"k", b"0", &payload, b"REPLACE"]);
            assert_eq!(restored, Reply::ok(), "{config}");
            assert_eq!(read(&mut ours, &FIELD_EXPIRY[0]), expected, "{config}");
        }
    });
}

#[test]
fn a_payload_gives_its_key_what_the_options_say() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.run("SET k value EX 1000");
        let payload = c.run("DUMP k").bytes().to_vec();
        let mut restore = |options: &[&str]| {
            let mut args: Vec<&[u8]> = vec![b"RESTORE", b"r", b"0", &payload];
            let mut ttl = None;
            for option in options {
                match option.strip_prefix("ttl ") {
                    Some(text) => ttl = Some(text),
                    None => args.push(option.as_bytes()),
                }
            }
            if let Some(text) = ttl {
                args[2] = text.as_bytes();
            }
            c.cmd(&args)
        };
        assert_eq!(restore(&[]), Reply::ok());
        let busy = Reply::error("BUSYKEY Target key name already exists.");
        assert_eq!(restore(&[]), busy);
        assert_eq!(restore(&["replace", "ttl 100000"]), Reply::ok());
        let syntax = Reply::error("ERR syntax error");
        assert_eq!(restore(&["REPLACE", "IDLETIME", "1", "FREQ", "1"]), syntax);
        assert_eq!(restore(&["REPLACE", "IDLETIME"]), syntax);
        let idle = Reply::error("ERR Invalid IDLETIME value, must be >= 0");
        assert_eq!(restore(&["REPLACE", "IDLETIME", "-1"]), idle);
        let freq = Reply::error("ERR Invalid FREQ value, must be >= 0 and <= 255");
        assert_eq!(restore(&["REPLACE", "FREQ", "256"]), freq);
        let negative = Reply::error("ERR Invalid TTL value, must be >= 0");
        assert_eq!(restore(&["REPLACE", "ttl -1"]), negative);
        assert_eq!(restore(&["REPLACE", "ABSTTL", "ttl 5000000000000"]), Reply::ok());
        assert_eq!(c.run("PEXPIRETIME r"), Reply::Int(5_000_000_000_000));
        assert_eq!(c.run("TTL k").int().min(990), 990);
        let idle: Vec<&[u8]> =
            vec![b"RESTORE", b"r", b"0", &payload, b"REPLACE", b"IDLETIME", b"1000"];
        assert_eq!(c.cmd(&idle), Reply::ok());
        assert!((1000..1100).contains(&c.run("OBJECT IDLETIME r").int()));
        let past: Vec<&[u8]> = vec![b"RESTORE", b"r", b"1000", &payload, b"ABSTTL", b"REPLACE"];
        assert_eq!(c.cmd(&past), Reply::ok());
        assert_eq!(c.run("EXISTS r"), Reply::Int(0));
        let soon: Vec<&[u8]> = vec![b"RESTORE", b"r", b"1", &payload];
        assert_eq!(c.cmd(&soon), Reply::ok());
        let bound = std::time::Duration::from_secs(5);
        assert!(wait_until(bound, || c.run("EXISTS r") == Reply::Int(0)));
    });
}

#[test]
fn what_is_no_payload_is_refused() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.run("SADD k a b c");
        let payload = c.run("DUMP k").bytes().to_vec();
        assert_eq!(c.run("DUMP none"), Reply::NullBulk);
        let wrong = Reply::error("ERR DUMP payload version or checksum are wrong");
        for at in 0..payload.len() {
            let mut changed = payload.clone();
            changed[at] ^= 0x10;
            let reply = c.cmd(&[&b"RESTORE"[..], b"r", b"0", &changed]);
            assert_eq!(reply, wrong, "byte {at}");
            let reply = c.cmd(&[&b"RESTORE"[..], b"r", b"0", &payload[..at]]);
            assert_eq!(reply, wrong, "{at} bytes");
        }
        let restore = [&b"RESTORE"[..], b"r", b"0", &payload];
        assert_eq!(c.cmd(&restore), Reply::ok());
        assert_eq!(c.run("SCARD r"), Reply::Int(3));
    });
}

#[test]
fn restore_asking_restores() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.run("RPUSH k a b c");
        let payload = c.run("DUMP k").bytes().to_vec();
        let mut restore =
            |option: &[u8]| c.cmd(&[&b"RESTORE-ASKING"[..], b"r", b"0", &payload, option]);
        assert_eq!(restore(b"ABSTTL"), Reply::ok());
        assert_eq!(restore(b"ABSTTL"), Reply::error("BUSYKEY Target key name already exists."));
        assert_eq!(restore(b"REPLACE"), Reply::ok());
        assert_eq!(c.run("LRANGE r 0 -1"), c.run("LRANGE k 0 -1"));
    });
}
