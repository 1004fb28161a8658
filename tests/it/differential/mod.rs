//! Differential tests: seeded random commands go to a reference server and to Baton, and every
//! reply is compared, and the whole keyspace at the end.
//!
//! | file | what |
//! |---|---|
//! | `family` | what a family of commands is: the trait, one step, how its reply is checked |
//! | `gen` | the seeded source of keys, values, numbers, times and mistakes |
//! | `compare` | when two replies count as the same |
//! | `keyspace` | the contents of all databases, compared |
//! | `engine` | sends, compares, remembers, reports |
//! | `strings`, `lists`, `sets`, `zsets`, `geo`, `keys`, `expiry`, … | the families |
//! | `strings`, `lists`, `sets`, `sort`, `keys`, `expiry`, `transactions`, `connection` | the families |
//! | `streams`, `bitmaps`, `hyperloglogs` | more of them |
//! | `payloads` | a run of its own: RESTORE, of whole payloads and of damaged ones |
//! | `scenes` | a run of its own: clients that wait, one command at a time |
//! | `debug` | tests of their own: digests, and how lists are laid out |
//!
//! A new family is a new file with a type that implements `Family`, and a line in [`families`].
//! Generation never depends on replies, so a seed replays exactly.
//!
//! Environment: `BATON_DIFF_SEED` (default 1), `BATON_DIFF_COMMANDS` (commands per run),
//! `BATON_DIFF_FAMILIES` (names with commas), `BATON_DIFF_FINDINGS` (how many differences to
//! collect before a run ends), `BATON_DIFF_PAYLOADS` and `BATON_DIFF_STEPS` (values of a run of
//! `payloads`, steps of one of `scenes`), `BATON_DIFF_HISTORY` (show so many commands before a difference,
//! whatever their keys).

mod bitmaps;
mod compare;
mod connection;
mod debug;
mod engine;
mod expiry;
mod family;
mod generate;
mod geo;
mod hashes;
mod hyperloglogs;
mod keys;
mod keyspace;
mod lists;
mod payloads;
mod scenes;
mod sets;
mod sort;
mod streams;
mod strings;
mod transactions;
mod zsets;

use engine::{Plan, Protocol, Side};
use family::Family;

use crate::server::{Server, ServerOptions, Target};

/// Commands per run when the environment does not say: eight runs make 128,000.
const COMMANDS: usize = 64_000;

/// Every family. The next one is a line here.
fn families() -> Vec<Box<dyn Family>> {
    vec![
        Box::new(strings::Strings),
        Box::new(lists::Lists),
        Box::new(streams::Streams),
        Box::new(streams::StreamsOfRedis),
        Box::new(bitmaps::Bitmaps),
        Box::new(bitmaps::RedisBitmaps),
        Box::new(hyperloglogs::HyperLogLogs),
        Box::new(sort::Sort),
        Box::new(keys::Keys),
        Box::new(sets::Sets),
        Box::new(hashes::Hashes),
        Box::new(expiry::Expiry),
        Box::new(connection::Connection),
        Box::new(transactions::Transactions),
        Box::new(zsets::Zsets),
        Box::new(geo::Geo),
    ]
}

/// The families that have `oracle` as their reference, as far as the environment wants them.
fn families_of(oracle: Target) -> Vec<Box<dyn Family>> {
    let wanted = std::env::var("BATON_DIFF_FAMILIES").unwrap_or_default();
    let wanted = |name: &str| wanted.is_empty() || wanted.split(',').any(|w| w == name);
    families().into_iter().filter(|f| f.oracle() == oracle && wanted(f.name())).collect()
}

fn number_from_env(name: &str, default: usize) -> usize {
    match std::env::var(name) {
        Err(_) => default,
        Ok(text) => text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")),
    }
}

fn plan(protocol: Protocol, offset: u64) -> Plan {
    let seed = number_from_env("BATON_DIFF_SEED", 1) as u64;
    Plan {
        seed: if std::env::var_os("BATON_DIFF_SEED").is_some() { seed } else { seed + offset },
        commands: number_from_env("BATON_DIFF_COMMANDS", COMMANDS),
        protocol,
        max_findings: number_from_env("BATON_DIFF_FINDINGS", 20),
    }
}

fn start(target: Target, shards: usize, lend: bool) -> Server {
    start_with(target, shards, lend, &[])
}

fn start_with(target: Target, shards: usize, lend: bool, args: &[&str]) -> Server {
    let options = ServerOptions::new(shards, lend).target(target);
    let debug = ["--enable-debug-command", "yes"];
    Server::start(options.arg(debug).arg(args.iter().copied()))
}

/// Compares one form of Baton with the reference of every family, in both protocols.
fn compare_form(shards: usize, lend: bool, offset: u64) {
    for oracle in [Target::Valkey, Target::Redis] {
        for (protocol, step) in [(Protocol::Resp2, 0), (Protocol::Resp3, 1)] {
            let families = families_of(oracle);
            if families.is_empty() {
                continue;
            }
            let reference = Side::new(start(oracle, 1, false));
            let subject = Side::new(start(Target::from_env(), shards, lend));
            let plan = plan(protocol, offset + step);
            let report = engine::run(&plan, &families, reference, subject);
            report.print_counts();
            report.assert_same();
        }
    }
}

#[test]
fn one_shard_lending() {
    compare_form(1, true, 0);
}

#[test]
fn one_shard_not_lending() {
    compare_form(1, false, 10);
}

#[test]
fn four_shards_lending() {
    compare_form(4, true, 20);
}

#[test]
fn four_shards_not_lending() {
    compare_form(4, false, 30);
}

/// Nodes inside lists are compressed, and so small that most lists have some.
#[test]
fn lists_with_compressed_nodes() {
    for (step, depth, node_size) in [(0, "1", "-1"), (1, "1", "6"), (2, "2", "16")] {
        let args = ["--list-compress-depth", depth, "--list-max-listpack-size", node_size];
        let reference = Side::new(start_with(Target::Valkey, 1, false, &args));
        let subject = Side::new(start_with(Target::from_env(), 2, true, &args));
        let plan = plan(Protocol::Resp3, 40 + step);
        let plan = Plan { commands: plan.commands / 2, ..plan };
        let families: Vec<Box<dyn Family>> = vec![Box::new(lists::Lists), Box::new(sort::Sort)];
        let report = engine::run(&plan, &families, reference, subject);
        report.assert_same();
    }
}

#[test]
fn the_reference_agrees_with_itself() {
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let plan = Plan { commands: 24_000, ..plan(protocol, 100) };
        let [reference, subject] = [(); 2].map(|()| Side::new(start(Target::Valkey, 1, false)));
        let report = engine::run(&plan, &families(), reference, subject);
        report.assert_same();
        let missing: Vec<&&str> = COMMANDS_MEANT.iter().filter(|name| !report.ran(name)).collect();
        assert!(missing.is_empty(), "never run without an error: {missing:?}");
    }
}

/// What the families are there to try: a generator that only makes errors tests nothing.
const COMMANDS_MEANT: &[&str] = &[
    "APPEND",
    "BITCOUNT",
    "BITFIELD",
    "BITFIELD_RO",
    "BITOP",
    "BITPOS",
    "CLIENT",
    "COMMAND",
    "CONFIG",
    "COPY",
    "DBSIZE",
    "DECR",
    "DECRBY",
    "DEL",
    "DELIFEQ",
    "DISCARD",
    "ECHO",
    "EXEC",
    "EXISTS",
    "EXPIRE",
    "EXPIREAT",
    "EXPIRETIME",
    "FLUSHALL",
    "FLUSHDB",
    "GEOADD",
    "GEODIST",
    "GEOHASH",
    "GEOPOS",
    "GEORADIUS",
    "GEORADIUSBYMEMBER",
    "GEORADIUSBYMEMBER_RO",
    "GEORADIUS_RO",
    "GEOSEARCH",
    "GEOSEARCHSTORE",
    "GET",
    "GETBIT",
    "GETDEL",
    "GETEX",
    "GETRANGE",
    "GETSET",
    "HDEL",
    "HELLO",
    "HEXISTS",
    "HEXPIRE",
    "HEXPIREAT",
    "HEXPIRETIME",
    "HGET",
    "HGETALL",
    "HGETDEL",
    "HGETEX",
    "HINCRBY",
    "HINCRBYFLOAT",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HMSET",
    "HPERSIST",
    "HPEXPIRE",
    "HPEXPIREAT",
    "HPEXPIRETIME",
    "HPTTL",
    "HRANDFIELD",
    "HSCAN",
    "HSET",
    "HSETEX",
    "HSETNX",
    "HSTRLEN",
    "HTTL",
    "HVALS",
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "KEYS",
    "LCS",
    "LINDEX",
    "LINSERT",
    "LLEN",
    "LMOVE",
    "LMPOP",
    "LPOP",
    "LPOS",
    "LPUSH",
    "LPUSHX",
    "LRANGE",
    "LREM",
    "LSET",
    "LTRIM",
    "MEMORY",
    "MGET",
    "MOVE",
    "MSET",
    "MSETEX",
    "MSETNX",
    "MULTI",
    "OBJECT",
    "PERSIST",
    "PEXPIRE",
    "PEXPIREAT",
    "PEXPIRETIME",
    "PFADD",
    "PFCOUNT",
    "PFDEBUG",
    "PFMERGE",
    "PING",
    "PSETEX",
    "PTTL",
    "RANDOMKEY",
    "RENAME",
    "RENAMENX",
    "RPOP",
    "RPOPLPUSH",
    "RPUSH",
    "RPUSHX",
    "SADD",
    "SCAN",
    "SCARD",
    "SDIFF",
    "SDIFFSTORE",
    "SELECT",
    "SET",
    "SETBIT",
    "SETEX",
    "SETNX",
    "SETRANGE",
    "SINTER",
    "SINTERCARD",
    "SINTERSTORE",
    "SISMEMBER",
    "SMEMBERS",
    "SMISMEMBER",
    "SMOVE",
    "SORT",
    "SORT_RO",
    "SPOP",
    "SRANDMEMBER",
    "SREM",
    "SSCAN",
    "STRLEN",
    "SUBSTR",
    "SUNION",
    "SUNIONSTORE",
    "SWAPDB",
    "TIME",
    "TOUCH",
    "TTL",
    "TYPE",
    "UNLINK",
    "UNWATCH",
    "WATCH",
    "XACK",
    "XADD",
    "XAUTOCLAIM",
    "XCLAIM",
    "XDEL",
    "XGROUP",
    "XINFO",
    "XLEN",
    "XPENDING",
    "XRANGE",
    "XREAD",
    "XREADGROUP",
    "XREVRANGE",
    "XSETID",
    "XTRIM",
    "ZADD",
    "ZCARD",
    "ZCOUNT",
    "ZDIFF",
    "ZDIFFSTORE",
    "ZINCRBY",
    "ZINTER",
    "ZINTERCARD",
    "ZINTERSTORE",
    "ZLEXCOUNT",
    "ZMPOP",
    "ZMSCORE",
    "ZPOPMAX",
    "ZPOPMIN",
    "ZRANDMEMBER",
    "ZRANGE",
    "ZRANGEBYLEX",
    "ZRANGEBYSCORE",
    "ZRANGESTORE",
    "ZRANK",
    "ZREM",
    "ZREMRANGEBYLEX",
    "ZREMRANGEBYRANK",
    "ZREMRANGEBYSCORE",
    "ZREVRANGE",
    "ZREVRANGEBYLEX",
    "ZREVRANGEBYSCORE",
    "ZREVRANK",
    "ZSCAN",
    "ZSCORE",
    "ZUNION",
    "ZUNIONSTORE",
];

/// The check can fail: a server that really differs (it is another one) is found out.
#[test]
fn another_server_is_told_apart() {
    let plan = Plan { commands: 6_000, max_findings: 100, ..plan(Protocol::Resp3, 100) };
    let reference = Side::new(start(Target::Valkey, 1, false));
    let subject = Side::new(start(Target::Redis, 1, false));
    let families: Vec<Box<dyn Family>> = vec![Box::new(strings::Strings), Box::new(keys::Keys)];
    let report = engine::run(&plan, &families, reference, subject);
    let found = |name: &str| report.findings.iter().any(|f| f.command == name);
    assert!(found("DELIFEQ") && found("MSETEX") && !found("GET"), "{report}");
}

/// The check can fail: a single lost write in one database shows in the keyspace at the end.
#[test]
fn one_changed_key_is_found() {
    let mut reference = Side::new(start(Target::Valkey, 1, false));
    let mut subject = Side::new(start(Target::Valkey, 1, false));
    for side in [&mut reference, &mut subject] {
        side.control().run("SELECT 3");
        side.control().run("SET a 1");
        side.control().run("RPUSH list a b");
    }
    assert_eq!(keyspace::difference(reference.control(), subject.control()), None);
    subject.control().run("SELECT 3");
    subject.control().run("PEXPIRE a 100000000");
    let difference = keyspace::difference(reference.control(), subject.control());
    assert!(difference.is_some_and(|d| d.contains("db 3 key \"a\"")));
    subject.control().run("SELECT 3");
    subject.control().run("PERSIST a");
    subject.control().run("LSET list 1 c");
    let difference = keyspace::difference(reference.control(), subject.control());
    assert!(difference.is_some_and(|d| d.contains("db 3 key \"list\"")));
}
