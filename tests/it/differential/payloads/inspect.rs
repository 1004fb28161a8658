//! What a key holds, as two servers can be compared on it; and commands that use what it holds.

use super::super::compare::{same, sorted};
use super::super::family::{Args, Check, args};
use super::super::generate::Gen;
use super::super::keyspace::EXPIRY_TOLERANCE_MS;
use super::make::element;
use crate::client::{Client, Reply};

/// Everything that is told of a key.
#[derive(Clone, Debug)]
pub struct State {
    /// TYPE; `none` if there is no key.
    pub kind: String,
    /// The name of the encoding, but of strings: there it depends on the allocator.
    pub encoding: Option<Reply>,
    /// PEXPIRETIME.
    pub expires: i64,
    /// Its contents, those of unordered types in one order for all.
    pub contents: Vec<Reply>,
}

impl State {
    /// Whether the other is the same.
    pub fn is(&self, other: &State) -> bool {
        self.is_about(other) && self.contents == other.contents
    }

    /// Whether the other is the same, but for the moments at which something of a stream was
    /// delivered.
    pub fn is_about(&self, other: &State) -> bool {
        let same = |(a, b): (&Reply, &Reply)| match self.kind.as_str() {
            "stream" => same(&Check::Aged, a, b),
            _ => a == b,
        };
        self.kind == other.kind
            && self.encoding == other.encoding
            && self.expires_with(other)
            && self.contents.len() == other.contents.len()
            && self.contents.iter().zip(&other.contents).all(same)
    }

    /// The members of a sorted set, each with its score, in the order of their bytes.
    pub fn pairs(&self) -> Vec<Vec<Reply>> {
        let all = self.contents.last().map(Reply::items).unwrap_or_default();
        let mut pairs: Vec<Vec<Reply>> = all.chunks(2).map(<[Reply]>::to_vec).collect();
        pairs.sort();
        pairs
    }

    /// The entries of a stream, forwards and backwards.
    pub fn entries(&self) -> &[Reply] {
        &self.contents[..2.min(self.contents.len())]
    }

    /// Whether it is a hash that shows the same fields as another, or none where nothing else is:
    /// it may count some whose time is over.
    pub fn shows_the_fields_of(&self, other: &State) -> bool {
        let shown = |state: &State| state.contents.iter().skip(1).cloned().collect::<Vec<_>>();
        let (own, others) = (shown(self), shown(other));
        match &*other.kind {
            "hash" => self.kind == other.kind && own == others && self.expires_with(other),
            "none" => self.kind == "hash" && own.iter().all(|reply| reply.items().is_empty()),
            _ => false,
        }
    }

    /// Whether both expire at one time, or close to it if it was given from now on.
    pub fn expires_with(&self, other: &State) -> bool {
        let (a, b) = (self.expires, other.expires);
        a == b || (a.min(b) > 0 && a.abs_diff(b) <= EXPIRY_TOLERANCE_MS as u64)
    }
}

/// Reads all of a key.
pub fn state(client: &mut Client, key: &[u8]) -> State {
    let kind = client.cmd(&[b"TYPE", key]).text();
    let encoding = (kind != "string" && kind != "none")
        .then(|| client.cmd(&[&b"OBJECT"[..], b"ENCODING", key]));
    let expires = client.cmd(&[b"PEXPIRETIME", key]).int();
    let contents = contents(client, &kind, key);
    State { kind, encoding, expires, contents }
}

fn contents(client: &mut Client, kind: &str, key: &[u8]) -> Vec<Reply> {
    match kind {
        "string" => vec![client.cmd(&[b"GET", key])],
        "list" => {
            let all = client.cmd(&[&b"LRANGE"[..], key, b"0", b"-1"]);
            vec![client.cmd(&[b"LLEN", key]), client.cmd(&[&b"LINDEX"[..], key, b"-1"]), all]
        }
        "set" => {
            let all = client.cmd(&[b"SMEMBERS", key]);
            vec![client.cmd(&[b"SCARD", key]), Reply::Array(sorted(&all.items()))]
        }
        "zset" => {
            let all = client.cmd(&[&b"ZRANGE"[..], key, b"0", b"-1", b"WITHSCORES"]);
            vec![client.cmd(&[b"ZCARD", key]), all]
        }
        "hash" => fields(client, key),
        "stream" => {
            let all = client.cmd(&[&b"XRANGE"[..], key, b"-", b"+"]);
            let back = client.cmd(&[&b"XREVRANGE"[..], key, b"+", b"-"]);
            vec![all, back, client.cmd(&[&b"XINFO"[..], b"STREAM", key, b"FULL", b"COUNT", b"0"])]
        }
        _ => Vec::new(),
    }
}

/// The pairs of a hash in order, and when each field expires.
fn fields(client: &mut Client, key: &[u8]) -> Vec<Reply> {
    let all = client.cmd(&[b"HGETALL", key]).items();
    let mut pairs: Vec<&[Reply]> = all.chunks(2).collect();
    pairs.sort();
    let names: Vec<Vec<u8>> = pairs.iter().map(|pair| pair[0].bytes().to_vec()).collect();
    let mut found = vec![client.cmd(&[b"HLEN", key]), Reply::Array(pairs.concat())];
    if !names.is_empty() {
        let mut ask = args!["HPEXPIRETIME", key, "FIELDS", names.len()];
        ask.extend(names);
        found.push(client.cmd(&ask));
    }
    found
}

/// Commands that change a key of this type, and read what they changed, with replies that do not
/// hang on chance.
pub fn uses(g: &mut Gen, state: &State, key: &[u8]) -> Vec<Args> {
    let all = state.contents.get(1).map(|reply| match reply {
        Reply::Array(items) => items.as_slice(),
        _ => &[],
    });
    // One that is in it, if there is one.
    let known = |g: &mut Gen| {
        let texts: Vec<&Reply> =
            all.unwrap_or_default().iter().filter(|item| matches!(item, Reply::Bulk(_))).collect();
        if texts.is_empty() || g.chance(20) {
            return element(g);
        }
        texts[g.count(0, texts.len() - 1)].bytes().to_vec()
    };
    match state.kind.as_str() {
        "string" => vec![
            args!["APPEND", key, element(g)],
            args!["SETRANGE", key, g.count(0, 20), element(g)],
            args!["GETRANGE", key, "-9", "-1"],
        ],
        "list" => {
            let at = g.range(-4, 4);
            vec![
                args!["RPUSH", key, element(g), element(g)],
                args!["LPUSH", key, element(g)],
                args!["LSET", key, at, element(g)],
                args!["LINSERT", key, "BEFORE", known(g), element(g)],
                args!["LREM", key, "0", known(g)],
                args!["LPOP", key],
                args!["RPOP", key, "2"],
            ]
        }
        "set" => vec![
            args!["SISMEMBER", key, known(g)],
            args!["SREM", key, known(g)],
            args!["SADD", key, element(g), element(g)],
            args!["SADD", key, known(g)],
        ],
        "zset" => vec![
            args!["ZSCORE", key, known(g)],
            args!["ZRANK", key, known(g)],
            args!["ZADD", key, g.range(-50, 50), element(g), g.range(-50, 50), known(g)],
            args!["ZRANGEBYSCORE", key, "-10", "(20", "WITHSCORES"],
            args!["ZREM", key, known(g)],
            args!["ZPOPMIN", key],
        ],
        "hash" => vec![
            args!["HGET", key, known(g)],
            args!["HSET", key, known(g), element(g)],
            args!["HSET", key, element(g), element(g)],
            args!["HDEL", key, known(g)],
            args!["HSTRLEN", key, known(g)],
        ],
        "stream" => stream_uses(g, key),
        _ => vec![args!["EXISTS", key]],
    }
}

fn stream_uses(g: &mut Gen, key: &[u8]) -> Vec<Args> {
    let (low, high) = (g.count(0, 4), g.count(2, 8));
    let mut commands = vec![
        args!["XRANGE", key, low, high],
        args!["XREVRANGE", key, high, low, "COUNT", "2"],
        args!["XREADGROUP", "GROUP", "g0", "c0", "COUNT", "2", "STREAMS", key, ">"],
        args!["XREADGROUP", "GROUP", "g0", "c0", "STREAMS", key, "0"],
        args!["XACK", key, "g0", "1-1", "2-1", "2-2"],
        args!["XPENDING", key, "g0"],
        args!["XADD", key, format!("{}-1", g.count(5, 20)), "f0", element(g)],
        args!["XDEL", key, "1-1", "2-1", "3-3"],
        args!["XTRIM", key, "MAXLEN", g.count(0, 4)],
        args!["XLEN", key],
    ];
    if g.chance(20) {
        commands.push(args!["XGROUP", "DESTROY", key, "g0"]);
    }
    commands
}
