//! DEBUG's looks into values, compared: the digests of values of every type and encoding and of
//! whole keyspaces, and how lists are laid out in nodes while their limits change.

use super::start;
use crate::client::{Client, Reply};
use crate::server::{Server, Target};

/// A reference and a server under test.
struct Pair {
    reference: Client,
    subject: Client,
    _servers: [Server; 2],
}

impl Pair {
    fn start(shards: usize) -> Pair {
        let servers = [start(Target::Valkey, 1, false), start(Target::from_env(), shards, true)];
        let [reference, subject] = servers.each_ref().map(Server::client);
        Pair { reference, subject, _servers: servers }
    }

    /// The reply to a command, which must be the same of both.
    #[track_caller]
    fn same<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Reply {
        let [expected, got] = [self.reference.cmd(args), self.subject.cmd(args)];
        assert_eq!(got, expected, "{}", crate::client::show_command(args));
        got
    }

    #[track_caller]
    fn run(&mut self, line: &str) -> Reply {
        self.same(&line.split(' ').collect::<Vec<_>>())
    }

    /// Compares DEBUG OBJECT from `serializedlength` on, or from its layout alone: addresses and
    /// clocks are the server's own.
    #[track_caller]
    fn same_object(&mut self, key: &str, with: &[&str]) {
        let line = format!("DEBUG OBJECT {key}");
        let facts = |client: &mut Client| -> Vec<String> {
            let reply = client.run(&line).text();
            let words = reply.split(' ').map(str::to_owned);
            words.filter(|word| with.iter().any(|with| word.starts_with(with))).collect()
        };
        let (expected, got) = (facts(&mut self.reference), facts(&mut self.subject));
        assert!(!expected.is_empty());
        assert_eq!(got, expected, "{line}");
    }
}

/// Commands that make a value of every type and encoding, and the name of its key.
const VALUES: &[(&str, &[&str])] = &[
    ("int", &["SET int 12345"]),
    ("embstr", &["SET embstr hello"]),
    ("raw", &["SET raw hello", "APPEND raw \u{fc}", "SETRANGE raw 100 x"]),
    ("float", &["INCRBYFLOAT float 3.25"]),
    ("expires", &["SET expires 1 EX 1000"]),
    ("bits", &["SETBIT bits 70 1"]),
    ("hll", &["PFADD hll a b c"]),
    ("list", &["RPUSH list a 1 -5 99999999999 b"]),
    ("quicklist", &["CONFIG SET list-max-listpack-size 3", "RPUSH quicklist a b c d e 6 7 8"]),
    ("intset", &["SADD intset 3 1 -2 70000 5000000000"]),
    ("listpack-set", &["SADD listpack-set 3 1 x"]),
    ("table-set", &["CONFIG SET set-max-listpack-entries 2", "SADD table-set 3 1 x y"]),
    ("hash", &["HSET hash a 1 b x"]),
    ("table-hash", &["CONFIG SET hash-max-listpack-entries 2", "HSET table-hash a 1 b x c 2"]),
    ("volatile-hash", &["HSET volatile-hash a 1 b 2", "HEXPIRE volatile-hash 1000 FIELDS 1 a"]),
    (
        "zset",
        &["ZADD zset 1 a -1.5 b 1e10 c 123456789012345678 d inf e -inf f 0.1 g -0 h 1e-7 7 1e23 i"],
    ),
    (
        "skiplist",
        &[
            "CONFIG SET zset-max-listpack-entries 2",
            "ZADD skiplist 1 a -1.5 b 1e10 c 1e17 d inf e -inf f 0.1 g -0 h 3e-300 7 1e23 i",
        ],
    ),
    ("geo", &["GEOADD geo 13.361389 38.115556 a 15.087269 37.502669 b"]),
    ("stream", &["XADD stream 1-1 f v 7 8", "XADD stream 1-2 f w 7 8", "XADD stream 5-0 other 1"]),
    ("read-stream", &["XADD read-stream 1-1 f v", "XGROUP CREATE read-stream g 0"]),
    ("empty-stream", &["XGROUP CREATE empty-stream g 0 MKSTREAM"]),
];

#[test]
fn digests() {
    for shards in [1, 4] {
        let mut pair = Pair::start(shards);
        pair.run("DEBUG SET-ACTIVE-EXPIRE 0");
        assert_eq!(pair.run("DEBUG DIGEST").text(), "0".repeat(40));
        pair.run("DEBUG DIGEST-VALUE");
        let mut digests = Vec::new();
        for (key, make) in VALUES {
            for line in *make {
                pair.run(line);
            }
            digests.push(pair.same(&["DEBUG", "DIGEST-VALUE", key]).items().remove(0).text());
            pair.run("DEBUG DIGEST");
        }
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), VALUES.len(), "no two values are the same");
        pair.run("DEBUG DIGEST-VALUE none int list none hash");
        // Databases count by their number, and what has expired counts until it is removed.
        pair.run("SELECT 9");
        pair.run("SET int 12345");
        let before = pair.run("DEBUG DIGEST");
        pair.run("SET gone 1 PX 1");
        pair.run("HSET h a 1 b 2");
        pair.run("HPEXPIRE h 1 FIELDS 1 a");
        let passed = |client: &mut Client| client.run("HGET h a").is_null();
        let both = || passed(&mut pair.reference) && passed(&mut pair.subject);
        assert!(crate::wait::wait_until(std::time::Duration::from_secs(5), both));
        assert_ne!(pair.run("DEBUG DIGEST"), before);
        pair.run("DEBUG DIGEST-VALUE gone h");
        pair.run("GET gone");
        pair.run("DEL h");
        assert_eq!(pair.run("DEBUG DIGEST"), before);
        pair.run("FLUSHALL");
        assert_eq!(pair.run("DEBUG DIGEST").text(), "0".repeat(40));
    }
}

#[test]
fn looks_into_encodings() {
    let mut pair = Pair::start(2);
    for (key, make) in VALUES {
        for line in *make {
            pair.run(line);
        }
        for look in ["LISTPACK", "QUICKLIST"] {
            pair.same(&["DEBUG", look, key]);
        }
        // What is longer than 20 bytes is compressed, by another compressor here and there.
        let facts: &[&str] = match *key {
            "int" | "embstr" | "float" | "expires" | "bits" | "list" | "quicklist"
            | "listpack-set" | "table-set" | "hash" | "table-hash" | "volatile-hash"
            | "skiplist" => &["encoding:", "refcount:", "serializedlength:", "ql_"],
            _ => &["encoding:", "refcount:", "ql_"],
        };
        pair.same_object(key, facts);
        pair.same_object(&format!("{key} FAST"), &["encoding:", "serializedlength:", "ql_"]);
    }
    for line in [
        "DEBUG OBJECT none",
        "DEBUG OBJECT list FAST more",
        "DEBUG LISTPACK none",
        "DEBUG LISTPACK",
        "DEBUG QUICKLIST none",
        "DEBUG QUICKLIST quicklist 1",
        "DEBUG QUICKLIST quicklist x",
        "DEBUG QUICKLIST quicklist 1 2",
        "DEBUG SDSLEN none",
        "DEBUG SDSLEN int",
        "DEBUG SDSLEN list",
        "DEBUG SDSLEN",
        "DEBUG QUICKLIST-PACKED-THRESHOLD",
        "DEBUG QUICKLIST-PACKED-THRESHOLD x",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 1xb",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 4gb",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 4293918721",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 4293918720",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 1b",
        "DEBUG QUICKLIST-PACKED-THRESHOLD 0",
    ] {
        pair.run(line);
    }
    // What is allocated is the server's own.
    for client in [&mut pair.reference, &mut pair.subject] {
        let lengths = client.run("DEBUG SDSLEN embstr").text();
        assert!(lengths.starts_with("key_sds_len:6 key_sds_avail:0 obj_alloc:"), "{lengths}");
        assert!(lengths.contains(" val_sds_len:5 val_sds_avail:"), "{lengths}");
        assert!(lengths.contains(" val_alloc:0"), "{lengths}");
    }
}

/// One change of a list: most of them push, so that lists grow beyond a node.
fn change(rng: &mut fastrand::Rng, len: i64) -> Vec<String> {
    let element = |rng: &mut fastrand::Rng| match rng.u32(..8) {
        0 => rng.i64(-200..100_000).to_string(),
        1 => "z".repeat(rng.usize(60..300)),
        _ => char::from(b'a' + rng.u8(..3)).to_string().repeat(rng.usize(1..30)),
    };
    let at = |rng: &mut fastrand::Rng| rng.i64(-1..len.max(1)).to_string();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match rng.u32(..20) {
        0..6 => words(&["RPUSH", "l", &element(rng), &element(rng)]),
        6..10 => words(&["LPUSH", "l", &element(rng)]),
        10..14 => words(&["LSET", "l", &at(rng), &element(rng)]),
        14..17 => {
            let side = if rng.bool() { "BEFORE" } else { "AFTER" };
            words(&["LINSERT", "l", side, &element(rng), &element(rng)])
        }
        17 => words(&["LREM", "l", &rng.i64(-2..3).to_string(), &element(rng)]),
        18 => words(&["LPOP", "l"]),
        _ => words(&["RPOPLPUSH", "l", "l"]),
    }
}

/// Nodes are split, merged and filled at the very same points, while the size of nodes and the
/// size from which on elements stand alone change: a list keeps the first and heeds the second.
#[test]
fn lists_have_the_same_nodes() {
    let mut pair = Pair::start(1);
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        for step in 0..200 {
            if rng.u32(..12) == 0 {
                let size = ["-1", "0", "1", "2", "5", "16", "100000"][rng.usize(..7)];
                pair.same(&["CONFIG", "SET", "list-max-listpack-size", size]);
            }
            if rng.u32(..12) == 0 {
                let size = ["0", "1", "4", "20", "100b"][rng.usize(..5)];
                pair.same(&["DEBUG", "QUICKLIST-PACKED-THRESHOLD", size]);
            }
            let len = pair.run("LLEN l").int();
            let words = change(&mut rng, len);
            pair.same(&words);
            if pair.run("EXISTS l").int() == 1 {
                println!("seed {seed} step {step}: {words:?}");
                pair.same_object("l", &["encoding:", "ql_"]);
            }
        }
        pair.run("LRANGE l 0 -1");
        pair.run("DEBUG DIGEST-VALUE l");
        pair.run("DEL l");
    }
}
