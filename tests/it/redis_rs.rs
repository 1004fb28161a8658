//! Every family of data types through the redis crate, with its typed commands and in both
//! protocols: a client library that knows nothing of this harness.
//!
//! Its types say what a reply must be (a map, a set, a double); the values are those that real
//! servers give, checked by running these tests against them (`BATON_TEST_TARGET=valkey`).

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use redis::geo::{Coord, RadiusOptions, RadiusOrder, Unit};
use redis::streams::{
    StreamAutoClaimOptions, StreamId, StreamMaxlen, StreamPendingReply, StreamReadOptions,
    StreamReadReply,
};
use redis::{
    Connection, Direction, ExpireOption, Expiry, HashFieldExpirationOptions, LposOptions,
    RedisResult, SetExpiry, TypedCommands, Value, ValueType,
};

use crate::client::Reply;
use crate::server::{Server, each_plain_form};
use crate::wait::wait_until;

/// Bounds a check on a server that never serves a blocked client.
const BOUND: Duration = Duration::from_secs(20);

fn connect(port: u16, query: &str) -> Connection {
    let url = format!("redis://127.0.0.1:{port}/{query}");
    redis::Client::open(url).and_then(|client| client.get_connection()).expect("connect")
}

/// A connection in one protocol, and how to get more of them.
struct Session<'a> {
    server: &'a Server,
    query: &'static str,
    con: Connection,
}

impl Session<'_> {
    /// Runs `call` on a connection of its own, where it must block until `serve` has run.
    fn while_blocked<T: Send>(
        &mut self,
        call: impl FnOnce(&mut Connection) -> RedisResult<T> + Send,
        serve: impl FnOnce(&mut Connection),
    ) -> T {
        let mut other = connect(self.server.port(), self.query);
        other.set_read_timeout(Some(BOUND)).expect("a read timeout");
        std::thread::scope(|scope| {
            let blocked = scope.spawn(move || call(&mut other));
            let mut watcher = self.server.client();
            let mut blocks = false;
            let ready = wait_until(BOUND, || {
                let Reply::Bulk(info) = watcher.run("INFO clients") else { return false };
                blocks = String::from_utf8_lossy(&info).contains("blocked_clients:1\r\n");
                blocks || blocked.is_finished()
            });
            if !ready || !blocks {
                let reply = blocked.join().expect("the blocked thread");
                panic!("the call did not block: {:?}", reply.map(|_| "a reply"));
            }
            serve(&mut self.con);
            blocked.join().expect("the blocked thread").expect("the blocked call")
        })
    }
}

/// Runs a test in every form of the server and both protocols, each time on an empty server.
fn each_protocol(test: impl Fn(&mut Session)) {
    each_plain_form(|server| {
        for query in ["", "?protocol=resp3"] {
            let mut con = connect(server.port(), query);
            let () = redis::cmd("FLUSHALL").query(&mut con).expect("FLUSHALL");
            println!("protocol: {query:?}");
            test(&mut Session { server, query, con });
        }
    });
}

fn strings<const N: usize>(items: [&str; N]) -> Vec<String> {
    items.map(str::to_owned).to_vec()
}

fn set<const N: usize>(items: [&str; N]) -> HashSet<String> {
    items.map(str::to_owned).into()
}

fn scored<const N: usize>(items: [(&str, f64); N]) -> Vec<(String, f64)> {
    items.map(|(member, score)| (member.to_owned(), score)).to_vec()
}

/// Entries of a stream as (id, value of field `n`).
fn entries(ids: &[StreamId]) -> Vec<(String, i64)> {
    ids.iter().map(|each| (each.id.clone(), each.get("n").expect("field n"))).collect()
}

fn numbered<const N: usize>(items: [(&str, i64); N]) -> Vec<(String, i64)> {
    items.map(|(id, n)| (id.to_owned(), n)).to_vec()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: RedisResult<T>, code: &str) {
    let error = result.expect_err("a refusal");
    assert_eq!(error.code(), Some(code), "{error}");
}

#[test]
fn connects_and_works() {
    each_protocol(|s| {
        let con = &mut s.con;
        con.set("k", 42).expect("SET");
        assert_eq!(con.incr("k", 8).expect("INCRBY"), 50);
        assert_eq!(con.get("none").expect("GET"), None);
        let values = con.mget(&["k", "none"]).expect("MGET");
        assert_eq!(values, [Some("50".to_owned()), None]);
        assert_eq!(con.key_type("k").expect("TYPE"), ValueType::String);
        assert_eq!(con.append("t", "abc").expect("APPEND"), 3);
        assert_eq!(con.getrange("t", 1, -1).expect("GETRANGE"), "bc");
        assert!(con.expire("t", 100).expect("EXPIRE"));
        assert!((90..=100).contains(&con.ttl("t").expect("TTL").raw()));
        assert_eq!(con.get_ex("t", Expiry::PERSIST).expect("GETEX"), Some("abc".to_owned()));
        assert_eq!(con.ttl("t").expect("TTL").raw(), -1);
        assert_eq!(con.get_del("t").expect("GETDEL"), Some("abc".to_owned()));
        refused(redis::cmd("INCR").arg("k").arg("x").query::<i64>(con), "ERR");
        assert_eq!(s.server.client().run("DBSIZE"), Reply::Int(1));
    });
}

#[test]
fn pipelines_and_transactions() {
    each_protocol(|s| {
        let con = &mut s.con;
        let mut pipe = redis::pipe();
        for i in 0..1000 {
            pipe.cmd("SET").arg(format!("k{i}")).arg(i).ignore();
            pipe.cmd("GET").arg(format!("k{i}"));
        }
        let values: Vec<i64> = pipe.query(con).expect("a pipeline");
        assert_eq!(values, (0..1000).collect::<Vec<i64>>());
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("INCR").arg("a").cmd("INCR").arg("b").cmd("MGET").arg(&["a", "b"]);
        let reply: (i64, i64, Vec<i64>) = pipe.query(con).expect("a transaction");
        assert_eq!(reply, (1, 1, vec![1, 1]));
    });
}

#[test]
fn a_transaction_over_all_types() {
    each_protocol(|s| {
        let mut pipe = redis::pipe();
        pipe.atomic().rpush("l", &["a", "b"]).sadd("s", "x").hset("h", "f", "v");
        pipe.zadd("z", "m", 1.5).xadd("x", "1-1", &[("n", 1)]);
        pipe.lrange("l", 0, -1).smembers("s").hgetall("h").zscore("z", "m").xlen("x");
        type Written = (i64, i64, i64, i64, String);
        type Read = (Vec<String>, HashSet<String>, HashMap<String, String>, f64, i64);
        let (a, b, c, d, e, f, g, h, i, j) = pipe.query(&mut s.con).expect("a transaction");
        let (written, read): (Written, Read) = ((a, b, c, d, e), (f, g, h, i, j));
        assert_eq!(written, (2, 1, 1, 1, "1-1".to_owned()));
        let hash = HashMap::from([("f".to_owned(), "v".to_owned())]);
        assert_eq!(read, (strings(["a", "b"]), set(["x"]), hash, 1.5, 1));
    });
}

#[test]
fn lists() {
    each_protocol(|s| {
        let con = &mut s.con;
        assert_eq!(con.rpush("l", &["a", "b", "c", "b"]).expect("RPUSH"), 4);
        assert_eq!(con.lpush("l", "z").expect("LPUSH"), 5);
        assert_eq!(con.lpush_exists("none", "z").expect("LPUSHX"), 0);
        let all = strings(["z", "a", "b", "c", "b"]);
        assert_eq!(con.lrange("l", 0, -1).expect("LRANGE"), all);
        assert_eq!(con.llen("l").expect("LLEN"), 5);
        let places: Vec<i64> =
            redis::Commands::lpos(con, "l", "b", LposOptions::default().count(0)).expect("LPOS");
        assert_eq!(places, [2, 4]);
        assert_eq!(con.lindex("l", -9).expect("LINDEX"), None);
        assert_eq!(con.linsert_before("l", "c", "x").expect("LINSERT"), 6);
        assert_eq!(con.linsert_after("l", "none", "x").expect("LINSERT"), -1);
        con.lset("l", 0, "y").expect("LSET");
        refused(con.lset("l", 99, "y"), "ERR");
        assert_eq!(con.lrem("l", -1, "b").expect("LREM"), 1);
        let moved = con.lmove("l", "m", Direction::Left, Direction::Right);
        assert_eq!(moved.expect("LMOVE"), "y");
        let popped = con.lmpop(2, &["none", "l"], Direction::Right, 2);
        assert_eq!(popped.expect("LMPOP"), Some(("l".to_owned(), strings(["c", "x"]))));
        con.ltrim("l", 1, 1).expect("LTRIM");
        let rest: Vec<String> =
            redis::Commands::lpop(con, "l", NonZeroUsize::new(9)).expect("LPOP");
        assert_eq!(rest, ["b"]);
        assert!(!con.exists("l").expect("EXISTS"));
        let none: Option<String> = redis::Commands::rpop(con, "l", None).expect("RPOP");
        assert_eq!(none, None);
        refused(con.hget("m", "f"), "WRONGTYPE");
    });
}

#[test]
fn blocking_lists() {
    each_protocol(|s| {
        let pair = |key: &str, value: &str| Some([key.to_owned(), value.to_owned()]);
        assert_eq!(s.con.blpop("l", 0.01).expect("BLPOP"), None);
        let push = |con: &mut Connection| {
            assert_eq!(con.rpush("l", &["a", "b"]).expect("RPUSH"), 2);
        };
        let served = s.while_blocked(|c| c.blpop(&["none", "l"], 0.0), push);
        assert_eq!(served, pair("l", "a"));
        assert_eq!(s.con.brpop("l", 1.0).expect("BRPOP"), pair("l", "b"));
        let (right, left) = (Direction::Right, Direction::Left);
        let moved = s.while_blocked(|c| c.blmove("l", "m", right, left, 0.0), push);
        assert_eq!(moved, Some("b".to_owned()));
        let (key, values): (String, Vec<String>) = s.while_blocked(
            |c| redis::Commands::blmpop(c, 0.0, 2, &["none", "n"], Direction::Left, 5),
            |c| assert_eq!(c.rpoplpush("l", "n").expect("RPOPLPUSH"), Some("a".to_owned())),
        );
        assert_eq!((key.as_str(), values), ("n", strings(["a"])));
        assert_eq!(s.con.lrange("m", 0, -1).expect("LRANGE"), ["b"]);
    });
}

#[test]
fn hashes() {
    each_protocol(|s| {
        let con = &mut s.con;
        assert_eq!(con.hset("h", "a", 1).expect("HSET"), 1);
        con.hset_multiple("h", &[("a", "5"), ("b", "x")]).expect("HMSET");
        assert!(!con.hset_nx("h", "a", 2).expect("HSETNX"));
        assert_eq!(con.hget("h", "a").expect("HGET"), Some("5".to_owned()));
        let values: Vec<Option<String>> =
            redis::Commands::hmget(con, "h", &["b", "none"]).expect("HMGET");
        assert_eq!(values, [Some("x".to_owned()), None]);
        assert_eq!(con.hincr("h", "a", 1.5).expect("HINCRBYFLOAT"), 6.5);
        let all = con.hgetall("h").expect("HGETALL");
        let wanted = [("a".to_owned(), "6.5".to_owned()), ("b".to_owned(), "x".to_owned())];
        assert_eq!(all, HashMap::from(wanted));
        assert_eq!(con.hkeys("h").expect("HKEYS"), ["a", "b"]);
        assert_eq!(con.hvals("h").expect("HVALS"), ["6.5", "x"]);
        assert!(con.hexists("h", "a").expect("HEXISTS"));
        assert_eq!(con.hdel("h", &["a", "b", "c"]).expect("HDEL"), 2);
        assert!(!con.exists("h").expect("EXISTS"));
        for n in 0..1000 {
            con.hset("big", format!("f{n}"), n).expect("HSET");
        }
        let scanned: RedisResult<HashMap<String, i64>> =
            redis::Commands::hscan(con, "big").expect("HSCAN").collect();
        let wanted: HashMap<String, i64> = (0..1000).map(|n| (format!("f{n}"), n)).collect();
        assert_eq!(scanned.expect("HSCAN"), wanted);
    });
}

#[test]
fn expiry_of_hash_fields() {
    each_protocol(|s| {
        let con = &mut s.con;
        con.hset_multiple("h", &[("a", 1), ("b", 2), ("c", 3)]).expect("HMSET");
        let raw = |replies: RedisResult<Vec<redis::IntegerReplyOrNoOp>>, what: &str| {
            replies.expect(what).iter().map(redis::IntegerReplyOrNoOp::raw).collect::<Vec<isize>>()
        };
        let set = con.hexpire("h", 1000, ExpireOption::NONE, &["a", "none"]);
        assert_eq!(raw(set, "HEXPIRE"), [1, -2]);
        let again = con.hexpire("h", 2000, ExpireOption::LT, &["a", "b"]);
        assert_eq!(raw(again, "HEXPIRE LT"), [0, 1]);
        let left = raw(con.httl("h", &["a", "c", "none"]), "HTTL");
        assert!((900..=1000).contains(&left[0]) && left[1..] == [-1, -2], "{left:?}");
        let persisted = con.hpersist("h", &["a", "c"]);
        assert_eq!(raw(persisted, "HPERSIST"), [1, -1]);
        let soon = con.hpexpire("h", 10, ExpireOption::NONE, "a");
        assert_eq!(raw(soon, "HPEXPIRE"), [1]);
        assert!(wait_until(BOUND, || con.hlen("h").expect("HLEN") == 2), "the field expires");
        let options = HashFieldExpirationOptions::default().set_expiration(SetExpiry::EX(500));
        assert!(con.hset_ex("h", &options, &[("b", 20), ("d", 4)]).expect("HSETEX"));
        assert_eq!(con.hget_ex("h", &["b"], Expiry::PERSIST).expect("HGETEX"), ["20"]);
        let left = raw(con.hpttl("h", &["b", "d"]), "HPTTL");
        assert!(left[0] == -1 && (400_000..=500_000).contains(&left[1]), "{left:?}");
        let taken = con.hget_del("h", &["b", "c", "d", "none"]).expect("HGETDEL");
        let wanted = ["20", "3", "4"].map(|value| Some(value.to_owned()));
        assert_eq!(taken, [&wanted[..], &[None]].concat());
        assert!(!con.exists("h").expect("EXISTS"));
    });
}

#[test]
fn sets() {
    each_protocol(|s| {
        let con = &mut s.con;
        assert_eq!(con.sadd("x", &["a", "b", "c"]).expect("SADD"), 3);
        assert_eq!(con.sadd("y", &["b", "c", "d"]).expect("SADD"), 3);
        assert_eq!(con.smembers("x").expect("SMEMBERS"), set(["a", "b", "c"]));
        assert!(con.sismember("x", "a").expect("SISMEMBER"));
        let are = con.smismember("x", &["a", "d"]).expect("SMISMEMBER");
        assert_eq!(are, [true, false]);
        assert_eq!(con.sinter(&["x", "y"]).expect("SINTER"), set(["b", "c"]));
        let union = con.sunion(&["x", "y"]).expect("SUNION");
        assert_eq!(union, set(["a", "b", "c", "d"]));
        assert_eq!(con.sdiff(&["x", "y"]).expect("SDIFF"), set(["a"]));
        assert_eq!(con.sinterstore("to", &["x", "y"]).expect("SINTERSTORE"), 2);
        assert_eq!(con.sunionstore("to", &["x", "y"]).expect("SUNIONSTORE"), 4);
        assert_eq!(con.sdiffstore("to", &["x", "x"]).expect("SDIFFSTORE"), 0);
        assert!(con.smove("x", "y", "a").expect("SMOVE"));
        let some = con.srandmember_multiple("y", 9).expect("SRANDMEMBER");
        assert_eq!(some.into_iter().collect::<HashSet<_>>(), set(["a", "b", "c", "d"]));
        let one: String = redis::Commands::spop(con, "x").expect("SPOP");
        assert!(["b", "c"].contains(&one.as_str()));
        assert_eq!(con.srem("x", &["b", "c"]).expect("SREM"), 1);
        assert!(!con.exists("x").expect("EXISTS"));
        let members: Vec<i64> = (0..2000).collect();
        assert_eq!(con.sadd("big", &members).expect("SADD"), 2000);
        let scanned: RedisResult<HashSet<i64>> =
            redis::Commands::sscan(con, "big").expect("SSCAN").collect();
        assert_eq!(scanned.expect("SSCAN"), members.into_iter().collect());
    });
}

#[test]
fn sorted_sets() {
    each_protocol(|s| {
        let con = &mut s.con;
        assert_eq!(con.zadd_multiple("z", &[(1.0, "a"), (2.5, "b"), (3.0, "c")]).expect("ZADD"), 3);
        assert_eq!(con.zincr("z", "a", 0.5).expect("ZINCRBY"), 1.5);
        assert_eq!(con.zscore("z", "b").expect("ZSCORE"), Some(2.5));
        assert_eq!(con.zscore("z", "none").expect("ZSCORE"), None);
        assert_eq!(con.zscore_multiple("z", &["a", "c"]).expect("ZMSCORE"), Some(vec![1.5, 3.0]));
        assert_eq!(con.zrank("z", "c").expect("ZRANK"), Some(2));
        assert_eq!(con.zrevrank("z", "c").expect("ZREVRANK"), Some(0));
        assert_eq!(con.zrange("z", 0, -1).expect("ZRANGE"), ["a", "b", "c"]);
        let range = con.zrange_withscores("z", 0, 1).expect("ZRANGE");
        assert_eq!(range, scored([("a", 1.5), ("b", 2.5)]));
        let within = con.zrangebyscore_limit("z", "(1.5", "+inf", 0, 1).expect("ZRANGEBYSCORE");
        assert_eq!(within, ["b"]);
        assert_eq!(con.zrevrangebyscore("z", 3, 2).expect("ZREVRANGEBYSCORE"), ["c", "b"]);
        assert_eq!(con.zcount("z", 1, 2.5).expect("ZCOUNT"), 2);
        assert_eq!(con.zlexcount("z", "-", "+").expect("ZLEXCOUNT"), 3);
        con.zadd("w", "b", 10).expect("ZADD");
        assert_eq!(con.zinterstore("to", &["z", "w"]).expect("ZINTERSTORE"), 1);
        let weights = con.zunionstore_max_weights("to", &[("z", 2.0), ("w", 1.0)]);
        assert_eq!(weights.expect("ZUNIONSTORE"), 3);
        let stored = con.zrange_withscores("to", 0, -1).expect("ZRANGE");
        assert_eq!(stored, scored([("a", 3.0), ("c", 6.0), ("b", 10.0)]));
        let popped = con.zmpop_min(&["none", "to"], 2).expect("ZMPOP");
        assert_eq!(popped, Some(("to".to_owned(), scored([("a", 3.0), ("c", 6.0)]))));
        let (member, score): (String, f64) = redis::Commands::zpopmax(con, "to", 1)
            .map(|mut pairs: Vec<(String, f64)>| pairs.remove(0))
            .expect("ZPOPMAX");
        assert_eq!((member.as_str(), score), ("b", 10.0));
        assert_eq!(con.zremrangebyrank("z", 0, 0).expect("ZREMRANGEBYRANK"), 1);
        assert_eq!(con.zrembyscore("z", 3, 3).expect("ZREMRANGEBYSCORE"), 1);
        assert_eq!(con.zrem("z", &["b", "none"]).expect("ZREM"), 1);
        assert!(!con.exists("z").expect("EXISTS"));
    });
}

#[test]
fn big_and_blocking_sorted_sets() {
    each_protocol(|s| {
        let members: Vec<(f64, String)> =
            (0..2000_u32).map(|n| (f64::from(n * 7919 % 2000), format!("m{n}"))).collect();
        assert_eq!(s.con.zadd_multiple("z", &members).expect("ZADD"), 2000);
        let mut order = members.clone();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let names: Vec<String> = order.into_iter().map(|(_, name)| name).collect();
        assert_eq!(s.con.zrange("z", 0, -1).expect("ZRANGE"), names);
        assert_eq!(s.con.zrank("z", &names[777]).expect("ZRANK"), Some(777));
        let scanned: RedisResult<HashMap<String, f64>> =
            redis::Commands::zscan(&mut s.con, "z").expect("ZSCAN").collect();
        assert_eq!(scanned.expect("ZSCAN"), members.into_iter().map(|(n, m)| (m, n)).collect());

        assert_eq!(s.con.bzpopmin("none", 0.01).expect("BZPOPMIN"), None);
        let add = |con: &mut Connection| {
            assert_eq!(con.zadd_multiple("b", &[(1.0, "a"), (2.5, "b")]).expect("ZADD"), 2);
        };
        let triple = |member: &str, score| Some(("b".to_owned(), member.to_owned(), score));
        let served = s.while_blocked(|c| c.bzpopmin(&["none", "b"], 0.0), add);
        assert_eq!(served, triple("a", 1.0));
        assert_eq!(s.con.bzpopmax("b", 1.0).expect("BZPOPMAX"), triple("b", 2.5));
        let served = s.while_blocked(|c| c.bzmpop_max(0.0, &["none", "b"], 5), add);
        assert_eq!(served, Some(("b".to_owned(), scored([("b", 2.5), ("a", 1.0)]))));
    });
}

#[test]
fn streams() {
    each_protocol(|s| {
        let con = &mut s.con;
        for n in 1..=4 {
            let id = con.xadd("s", format!("{n}-1"), &[("n", n)]).expect("XADD");
            assert_eq!(id, Some(format!("{n}-1")));
        }
        refused(con.xadd("s", "4-1", &[("n", 4)]), "ERR");
        assert_eq!(con.xlen("s").expect("XLEN"), 4);
        let range = con.xrange("s", "2", "(4-1").expect("XRANGE");
        assert_eq!(entries(&range.ids), numbered([("2-1", 2), ("3-1", 3)]));
        let range = con.xrevrange_count("s", "+", "-", 1).expect("XREVRANGE");
        assert_eq!(entries(&range.ids), numbered([("4-1", 4)]));
        let options = StreamReadOptions::default().count(2);
        let read = con.xread_options(&["s", "none"], &["1-1", "0"], &options).expect("XREAD");
        let keys = read.expect("entries").keys;
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].key, "s");
        assert_eq!(entries(&keys[0].ids), numbered([("2-1", 2), ("3-1", 3)]));
        assert!(con.xread(&["s"], &["$"]).expect("XREAD").is_none());
        assert_eq!(con.xdel("s", &["2-1", "9-9"]).expect("XDEL"), 1);
        assert_eq!(con.xtrim("s", StreamMaxlen::Equals(2)).expect("XTRIM"), 1);
        let about = con.xinfo_stream("s").expect("XINFO STREAM");
        assert_eq!((about.length, about.last_generated_id.as_str()), (2, "4-1"));
        assert_eq!(
            entries(&[about.first_entry, about.last_entry]),
            numbered([("3-1", 3), ("4-1", 4)])
        );
    });
}

#[test]
fn stream_groups() {
    each_protocol(|s| {
        let con = &mut s.con;
        con.xgroup_create_mkstream("s", "g", "0").expect("XGROUP CREATE");
        refused(con.xgroup_create("s", "g", "0"), "BUSYGROUP");
        for n in 1..=3 {
            con.xadd("s", format!("{n}-1"), &[("n", n)]).expect("XADD");
        }
        let as_alice = StreamReadOptions::default().group("g", "alice").count(2);
        let read = |con: &mut Connection, id: &str| -> StreamReadReply {
            con.xread_options(&["s"], &[id], &as_alice).expect("XREADGROUP").expect("entries")
        };
        let first = numbered([("1-1", 1), ("2-1", 2)]);
        assert_eq!(entries(&read(con, ">").keys[0].ids), first);
        assert_eq!(entries(&read(con, "0").keys[0].ids), first);
        let StreamPendingReply::Data(pending) = con.xpending("s", "g").expect("XPENDING") else {
            panic!("nothing is pending");
        };
        assert_eq!(
            (pending.count, pending.start_id.as_str(), pending.end_id.as_str()),
            (2, "1-1", "2-1")
        );
        assert_eq!(
            (pending.consumers[0].name.as_str(), pending.consumers[0].pending),
            ("alice", 2)
        );
        assert_eq!(con.xack("s", "g", &["1-1", "9-9"]).expect("XACK"), 1);
        let rows = con.xpending_count("s", "g", "-", "+", 10).expect("XPENDING").ids;
        let rows: Vec<_> =
            rows.iter().map(|row| (&row.id[..], &row.consumer[..], row.times_delivered)).collect();
        assert_eq!(rows, [("2-1", "alice", 2)]);
        let claimed = con.xclaim("s", "g", "bob", 0, &["2-1"]).expect("XCLAIM");
        assert_eq!(entries(&claimed.ids), numbered([("2-1", 2)]));
        let options = StreamAutoClaimOptions::default().count(5);
        let claimed =
            con.xautoclaim_options("s", "g", "carol", 0, "0", options).expect("XAUTOCLAIM");
        assert_eq!(claimed.next_stream_id, "0-0");
        assert_eq!(entries(&claimed.claimed), numbered([("2-1", 2)]));
        let group = con.xinfo_groups("s").expect("XINFO GROUPS").groups.remove(0);
        assert_eq!((group.name.as_str(), group.consumers, group.pending), ("g", 3, 1));
        assert_eq!(
            (group.last_delivered_id.as_str(), group.entries_read, group.lag),
            ("2-1", Some(2), Some(1))
        );
        let names: Vec<String> = con
            .xinfo_consumers("s", "g")
            .expect("XINFO CONSUMERS")
            .consumers
            .into_iter()
            .map(|consumer| consumer.name)
            .collect();
        assert_eq!(names, ["alice", "bob", "carol"]);
        assert_eq!(con.xgroup_delconsumer("s", "g", "carol").expect("XGROUP DELCONSUMER"), 1);
        assert!(con.xgroup_destroy("s", "g").expect("XGROUP DESTROY"));
    });
}

#[test]
fn blocking_stream_reads() {
    each_protocol(|s| {
        let soon = StreamReadOptions::default().block(5);
        assert!(s.con.xread_options(&["s"], &["$"], &soon).expect("XREAD").is_none());
        let forever = StreamReadOptions::default().block(0);
        let add = |id: &'static str| {
            move |con: &mut Connection| {
                con.xadd("t", id, &[("n", 7)]).expect("XADD");
            }
        };
        let served =
            s.while_blocked(|c| c.xread_options(&["s", "t"], &["$", "$"], &forever), add("1-1"));
        let keys = served.expect("entries").keys;
        assert_eq!((keys[0].key.as_str(), entries(&keys[0].ids)), ("t", numbered([("1-1", 7)])));
        s.con.xgroup_create("t", "g", "$").expect("XGROUP CREATE");
        let of_group = StreamReadOptions::default().block(0).group("g", "alice");
        let served = s.while_blocked(|c| c.xread_options(&["t"], &[">"], &of_group), add("2-1"));
        assert_eq!(entries(&served.expect("entries").keys[0].ids), numbered([("2-1", 7)]));
    });
}

#[test]
fn bitmaps_and_hyperloglog() {
    each_protocol(|s| {
        let con = &mut s.con;
        assert!(!con.setbit("b", 7, true).expect("SETBIT"));
        assert!(con.getbit("b", 7).expect("GETBIT"));
        con.set("d", &b"\x0f\x01"[..]).expect("SET");
        assert_eq!(con.bitcount("d").expect("BITCOUNT"), 5);
        assert_eq!(con.bit_xor("to", &["b", "d"]).expect("BITOP"), 2);
        let bytes: Vec<u8> = redis::Commands::get(con, "to").expect("GET");
        assert_eq!(bytes, b"\x0e\x01");
        let fields: Vec<Option<i64>> = redis::cmd("BITFIELD")
            .arg(&["f", "SET", "u8", "0", "200", "OVERFLOW", "FAIL", "INCRBY", "u8", "0", "100"])
            .query(con)
            .expect("BITFIELD");
        assert_eq!(fields, [Some(0), None]);
        let elements: Vec<String> = (0..1000).map(|n| format!("element:{n}")).collect();
        assert!(con.pfadd("h", &elements).expect("PFADD"));
        assert!(!con.pfadd("h", &elements).expect("PFADD"));
        let estimate = con.pfcount("h").expect("PFCOUNT");
        assert!((970..1030).contains(&estimate), "{estimate}");
        con.pfadd("i", "another").expect("PFADD");
        con.pfmerge("merged", &["h", "i"]).expect("PFMERGE");
        let merged = con.pfcount("merged").expect("PFCOUNT");
        assert_eq!(merged, con.pfcount(&["h", "i"]).expect("PFCOUNT"));
    });
}

#[test]
fn places() {
    each_protocol(|s| {
        let con = &mut s.con;
        let places = [("13.361389", "38.115556", "Palermo"), ("15.087269", "37.502669", "Catania")];
        assert_eq!(con.geo_add("g", &places).expect("GEOADD"), 2);
        let distance = con.geo_dist("g", "Palermo", "Catania", Unit::Kilometers).expect("GEODIST");
        assert_eq!(distance, Some(166.2742));
        assert_eq!(con.geo_hash("g", "Palermo").expect("GEOHASH"), ["sqc8b49rny0"]);
        let found = con.geo_pos("g", &["Palermo", "none"]).expect("GEOPOS");
        assert_eq!(found, [Some(Coord::lon_lat(13.361389338970184, 38.1155563954963)), None]);
        let options = RadiusOptions::default().with_dist().order(RadiusOrder::Asc);
        let near =
            con.geo_radius("g", 15.0, 37.0, 200.0, Unit::Kilometers, options).expect("GEORADIUS");
        let near: Vec<_> = near.iter().map(|each| (&each.name[..], each.dist)).collect();
        assert_eq!(near, [("Catania", Some(56.4413)), ("Palermo", Some(190.4424))]);
        let searched: Vec<String> = redis::cmd("GEOSEARCH")
            .arg(&["g", "FROMMEMBER", "Palermo", "BYBOX", "400", "400", "km", "DESC"])
            .query(con)
            .expect("GEOSEARCH");
        assert_eq!(searched, ["Catania", "Palermo"]);
    });
}

#[test]
fn sort_dump_restore_and_scan() {
    each_protocol(|s| {
        let con = &mut s.con;
        con.rpush("l", &[3, 10, 1]).expect("RPUSH");
        let sorted: Vec<i64> = redis::cmd("SORT").arg(&["l", "DESC"]).query(con).expect("SORT");
        assert_eq!(sorted, [10, 3, 1]);
        let stored: i64 = redis::cmd("SORT").arg(&["l", "STORE", "to"]).query(con).expect("SORT");
        assert_eq!(stored, 3);
        con.hset("h", "f", "v").expect("HSET");
        con.zadd("z", "a", 1).expect("ZADD");
        con.sadd("s", "a").expect("SADD");
        con.xadd("x", "1-1", &[("n", 1)]).expect("XADD");
        for key in ["l", "h", "z", "s", "x"] {
            let payload: Vec<u8> = redis::cmd("DUMP").arg(key).query(con).expect("DUMP");
            let copy = format!("copy of {key}");
            let () =
                redis::cmd("RESTORE").arg(&copy).arg(0).arg(&payload).query(con).expect("RESTORE");
            let kind = con.key_type(key).expect("TYPE");
            assert_eq!(con.key_type(&copy).expect("TYPE"), kind);
            let again: Vec<u8> = redis::cmd("DUMP").arg(&copy).query(con).expect("DUMP");
            assert_eq!(again, payload, "DUMP of what was restored from {key}");
            let error =
                redis::cmd("RESTORE").arg("bad").arg(0).arg(&payload[1..]).query::<Value>(con);
            refused(error, "ERR");
        }
        let keys: RedisResult<HashSet<String>> =
            redis::Commands::scan_match(con, "copy of *").expect("SCAN").collect();
        assert_eq!(keys.expect("SCAN").len(), 5);
    });
}
