//! Effects, proven by replay: what random writes state is run on other boxes, in number different,
//! and both keyspaces must then hold the same.
//!
//! Replay keeps step with the clock, as a replica does. A new family adds its writes to [`WRITES`].

use super::testing::Boxes;
use crate::keyspace::DbIndex;

/// Requests to choose from: in each, `k` stands for a key, `v` a value, `n` a number, `f` a float,
/// `s` seconds, `m` milliseconds, `t` and `u` points in time in seconds and milliseconds (past
/// ones, too), `i` an id of a time nearby, `d` a database.
const WRITES: &[&str] = &[
    "SET k v",
    "SET k v NX",
    "SET k v XX GET",
    "SET k v IFEQ v",
    "SET k v KEEPTTL",
    "SET k n EX s",
    "SET k n PX m",
    "SET k v EXAT t GET",
    "SET k v PXAT u XX",
    "SETNX k v",
    "SETEX k s v",
    "PSETEX k m v",
    "GETSET k v",
    "GETDEL k",
    "GETEX k EX s",
    "GETEX k PX m",
    "GETEX k PXAT u",
    "GETEX k PERSIST",
    "DELIFEQ k v",
    "MSET k v k v k n",
    "MSETNX k v k v",
    "MSETEX 2 k v k n",
    "MSETEX 2 k v k v PX m NX",
    "MSETEX 2 k v k v EXAT t",
    "MSETEX 3 k v k v k v KEEPTTL",
    "APPEND k v",
    "SETRANGE k 3 v",
    "INCR k",
    "DECR k",
    "INCRBY k n",
    "DECRBY k n",
    "INCRBYFLOAT k f",
    "INCRBYFLOAT k f",
    "RPUSH k v n v",
    "LPUSH k v v",
    "RPUSHX k v",
    "LPUSHX k n v",
    "LPOP k",
    "RPOP k 2",
    "LMPOP 2 k k LEFT",
    "BLMPOP 0 2 k k RIGHT COUNT 2",
    "BLPOP k k 0",
    "BRPOP k 1",
    "BLMOVE k k RIGHT LEFT 0",
    "BRPOPLPUSH k k 0",
    "LMPOP 3 k k k RIGHT COUNT 3",
    "LMOVE k k LEFT RIGHT",
    "LMOVE k k RIGHT RIGHT",
    "RPOPLPUSH k k",
    "LSET k -1 v",
    "LINSERT k BEFORE v n",
    "LINSERT k AFTER v v",
    "LREM k -1 v",
    "LREM k 0 v",
    "LTRIM k 0 3",
    "LTRIM k 1 -2",
    "SETBIT k 7 1",
    "SETBIT k 100 0",
    "BITOP XOR k k k",
    "BITOP DIFF k k k",
    "BITFIELD k OVERFLOW FAIL INCRBY u3 #2 n",
    "BITFIELD k SET i9 3 n",
    "PFADD k v v",
    "PFADD k",
    "PFMERGE k k k",
    "PFCOUNT k",
    "SORT k ALPHA STORE k",
    "SORT k BY k*->v GET *->v STORE k",
    "SORT k BY nosort STORE k LIMIT 0 3",
    "SORT k GET # GET k* ALPHA DESC STORE k",
    "SADD k v v n",
    "SADD k n n n v v v",
    "SPOP k",
    "SPOP k 2",
    "SMOVE k k v",
    "SINTERSTORE k k k",
    "SUNIONSTORE k k k",
    "SDIFFSTORE k k k",
    "SREM k v v",
    "SREM k n",
    "HSET k v v n v",
    "HMSET k v n",
    "HSETNX k v v",
    "HINCRBY k v n",
    "HINCRBYFLOAT k v f",
    "HDEL k v n",
    "HPEXPIRE k m FIELDS 2 v n",
    "HEXPIRE k s NX FIELDS 1 v",
    "HEXPIREAT k t GT FIELDS 2 v v",
    "HPEXPIREAT k u FIELDS 2 v n",
    "HPERSIST k FIELDS 2 v n",
    "HGETEX k PX m FIELDS 2 v n",
    "HGETEX k PERSIST FIELDS 1 v",
    "HGETDEL k FIELDS 2 v n",
    "HSETEX k PXAT u FIELDS 2 v v n v",
    "HSETEX k FNX EX s FIELDS 1 v v",
    "HSETEX k FXX KEEPTTL FIELDS 1 v n",
    "ZADD k n v f v",
    "ZADD k XX CH n v n v",
    "ZADD k NX f v",
    "ZADD k GT INCR f v",
    "ZINCRBY k f v",
    "ZREM k v v",
    "BZPOPMIN k k 0",
    "BZMPOP 0 2 k k MAX COUNT 2",
    "ZPOPMIN k",
    "ZPOPMAX k 2",
    "ZMPOP 2 k k MAX COUNT 2",
    "ZREMRANGEBYRANK k 1 1",
    "ZREMRANGEBYSCORE k 1 1000",
    "ZREMRANGEBYLEX k [0 [2",
    "ZRANGESTORE k k 0 2",
    "ZUNIONSTORE k 2 k k WEIGHTS 2 1",
    "ZINTERSTORE k 2 k k",
    "ZDIFFSTORE k 2 k k",
    "GEOADD k 1 2 v 3 4 v",
    "GEOSEARCHSTORE k k FROMLONLAT 1 2 BYRADIUS 500 KM STOREDIST",
    "GEORADIUS k 1 2 100 KM STORE k",
    "DEL k k",
    "UNLINK k",
    "EXPIRE k s",
    "PEXPIRE k m GT",
    "EXPIREAT k t",
    "PEXPIREAT k u NX",
    "PERSIST k",
    "RENAME k k",
    "RENAMENX k k",
    "COPY k k",
    "COPY k k DB d REPLACE",
    "MOVE k d",
    "SWAPDB d d",
    "FLUSHDB",
    "XADD k * v v",
    "XADD k i v v",
    "XADD k i v v v v",
    "XADD k MAXLEN ~ 3 * v n",
    "XADD k MINID ~ i LIMIT 2 * v n",
    "XADD k MAXLEN 2 DELREF * v v",
    "XADD k NOMKSTREAM ACKED MINID = i * v v",
    "XTRIM k MAXLEN ~ 2",
    "XTRIM k MINID i",
    "XTRIM k MAXLEN 1 ACKED",
    "XDEL k i i",
    "XDELEX k DELREF IDS 2 i i",
    "XDELEX k ACKED IDS 1 i",
    "XGROUP CREATE k g i MKSTREAM",
    "XGROUP CREATE k g 0 ENTRIESREAD 1",
    "XGROUP CREATE k h $",
    "XGROUP SETID k g i",
    "XGROUP SETID k g $ ENTRIESREAD n",
    "XGROUP DESTROY k g",
    "XGROUP CREATECONSUMER k g c",
    "XGROUP DELCONSUMER k g c",
    "XREADGROUP GROUP g c STREAMS k >",
    "XREADGROUP GROUP g e COUNT 2 STREAMS k >",
    "XREADGROUP GROUP g c NOACK STREAMS k >",
    "XREADGROUP GROUP g c STREAMS k 0",
    "XACK k g i i",
    "XACKDEL k g ACKED IDS 2 i i",
    "XCLAIM k g e 0 i i",
    "XCLAIM k g c 1 i IDLE m JUSTID LASTID i",
    "XCLAIM k g c 0 i TIME u RETRYCOUNT 3 FORCE",
    "XAUTOCLAIM k g e 1 - COUNT 2",
    "XSETID k i ENTRIESADDED 7 MAXDELETEDID i",
    "XREAD STREAMS k 0",
];

const KEYS: &[&str] = &["a", "b", "c", "{t}1", "{t}2", "", "long-key-of-some-length", "k\u{0}\n"];
const VALUES: &[&str] = &["", "x", "12", "-7", "3.25", "text", "012", "9223372036854775807"];
const NUMBERS: &[&str] = &["0", "1", "-1", "1000", "9223372036854775807", "x"];
const FLOATS: &[&str] = &["0.1", "-1e10", "3", "0x1p-3", "1e300", "nan"];

/// A request from one of [`WRITES`].
fn request(rng: &mut fastrand::Rng, now_ms: i64) -> Vec<Vec<u8>> {
    let pattern = WRITES[rng.usize(..WRITES.len())];
    let mut word = |word: &str| -> Vec<u8> {
        let mut pick = |words: &[&str]| words[rng.usize(..words.len())].as_bytes().to_vec();
        match word {
            "k" => pick(KEYS),
            "v" => pick(VALUES),
            "n" => pick(NUMBERS),
            "f" => pick(FLOATS),
            "s" => rng.i64(-1..5).to_string().into(),
            "m" => rng.i64(-10..3000).to_string().into(),
            "t" => (now_ms / 1000 + rng.i64(-2..5)).to_string().into(),
            "u" => (now_ms + rng.i64(-1000..3000)).to_string().into(),
            "i" => format!("{}-{}", now_ms + rng.i64(-4000..100), rng.u8(0..2)).into(),
            "d" => rng.u8(0..3).to_string().into(),
            other => other.into(),
        }
    };
    pattern.split(' ').map(&mut word).collect()
}

/// Words that an effect of string commands must not have: conditions and relative times.
fn is_settled(effect: &[Vec<u8>]) -> bool {
    let refused: [&[u8]; 8] = [b"EX", b"PX", b"EXAT", b"NX", b"XX", b"GET", b"IFEQ", b"PERSIST"];
    let name = effect[0].to_ascii_uppercase();
    let options = match name.as_slice() {
        b"SET" => &effect[3..],
        b"MSETEX" => &effect[4..],
        b"INCRBYFLOAT" | b"GETEX" | b"GETDEL" | b"SETEX" | b"EXPIRE" | b"PEXPIRE" => return false,
        _ => return true,
    };
    !options.iter().any(|word| refused.contains(&word.to_ascii_uppercase().as_slice()))
}

fn replay(seed: u64, shards: usize, replica_shards: usize) {
    const STEPS: usize = 6_000;
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut origin, mut replica) = (Boxes::new(shards), Boxes::new(replica_shards));
    let mut stated = 0;
    for step in 0..STEPS {
        origin.db = DbIndex(rng.u16(0..3));
        let request = request(&mut rng, origin.now_ms());
        let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
        let before = origin.contents();
        origin.run(&words);
        let effects = origin.effects();
        if effects.is_empty() {
            assert_eq!(origin.contents(), before, "{request:?} changed something unstated");
        }
        for effect in &effects {
            assert!(is_settled(&effect.args), "{request:?} states {effect:?}");
            replica.replay(effect);
        }
        stated += effects.len();
        assert_eq!(origin.contents(), replica.contents(), "seed {seed}, step {step}: {request:?}");
        if rng.u8(..) < 60 {
            let pause_ms = rng.i64(0..400);
            origin.advance(pause_ms);
            replica.advance(pause_ms);
        }
    }
    assert!(stated > STEPS / 4, "the requests change something now and then: {stated}");
}

#[test]
fn one_box_replays_what_one_box_did() {
    replay(1, 1, 1);
}

#[test]
fn one_box_replays_what_several_did() {
    replay(2, 5, 1);
}

#[test]
fn several_boxes_replay_what_one_did() {
    replay(3, 1, 4);
}
