//! The contents of all databases of two servers, compared key by key.

use std::collections::BTreeMap;

use super::compare::sorted;
use crate::client::{Client, Reply, escape};

/// How many databases a server has by default.
const DATABASES: usize = 16;
/// Expiries that were given relative to now may differ by the time between the two servers.
pub const EXPIRY_TOLERANCE_MS: i64 = 10_000;

/// What is known of one key.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    kind: String,
    value: Reply,
    /// The name of the encoding, but of strings: there it depends on the allocator.
    encoding: Option<Reply>,
    /// PEXPIRETIME: milliseconds, -1 without expiry.
    expires: i64,
    /// DEBUG DIGEST-VALUE, where the server allows it.
    digest: Reply,
}

/// The first difference between the keyspaces, described; `None` when they are the same.
pub fn difference(reference: &mut Client, subject: &mut Client) -> Option<String> {
    let found = (0..DATABASES).find_map(|db| {
        let (a, b) = (read_database(reference, db), read_database(subject, db));
        let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
        keys.into_iter().find_map(|key| {
            let (a, b) = (a.get(key), b.get(key));
            let same = match (a, b) {
                (Some(a), Some(b)) => same_entry(a, b),
                _ => false,
            };
            let show = |e: Option<&Entry>| e.map_or("absent".to_owned(), |e| format!("{e:?}"));
            (!same).then(|| {
                let key = escape(key);
                format!("db {db} key \"{key}\"\n  reference {}\n  subject   {}", show(a), show(b))
            })
        })
    });
    for client in [reference, subject] {
        client.run("SELECT 0");
    }
    found
}

fn same_entry(a: &Entry, b: &Entry) -> bool {
    let near = a.expires == b.expires
        || (a.expires > 0 && b.expires > 0 && (a.expires - b.expires).abs() <= EXPIRY_TOLERANCE_MS);
    let same = a.kind == b.kind && a.value == b.value && a.encoding == b.encoding;
    same && a.digest == b.digest && near
}

fn read_database(client: &mut Client, db: usize) -> BTreeMap<Vec<u8>, Entry> {
    assert_eq!(client.run(&format!("SELECT {db}")), Reply::ok());
    let keys = scan_all(client, &[b"SCAN".to_vec(), b"0".to_vec()]).expect("SCAN 0");
    let mut entries = BTreeMap::new();
    for key in keys {
        let key = key.bytes().to_vec();
        let kind = client.cmd(&[b"TYPE", key.as_slice()]).text();
        let expires = client.cmd(&[b"PEXPIRETIME", key.as_slice()]).int();
        let value = read_value(client, &kind, &key);
        // The reference converts a sorted set for good when SORT reads it, Baton does not.
        let is_sorted_by_sort = kind == "zset" && key.windows(6).any(|part| part == b"sort:z");
        let compared = kind != "string" && !is_sorted_by_sort;
        let encoding = compared.then(|| client.cmd(&[&b"OBJECT"[..], b"ENCODING", &key]));
        let digest = client.cmd(&[&b"DEBUG"[..], b"DIGEST-VALUE", &key]);
        entries.insert(key, Entry { kind, value, encoding, expires, digest });
    }
    entries
}

fn read_value(client: &mut Client, kind: &str, key: &[u8]) -> Reply {
    let (args, unordered): (Vec<&[u8]>, bool) = match kind {
        "string" => (vec![b"GET", key], false),
        "list" => (vec![b"LRANGE", key, b"0", b"-1"], false),
        "zset" => (vec![b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"], false),
        "stream" => (vec![b"XRANGE", key, b"-", b"+"], false),
        "set" => (vec![b"SMEMBERS", key], true),
        "hash" => (vec![b"HGETALL", key], true),
        // Gone between SCAN and TYPE: both servers must say so.
        other => return Reply::bulk(other),
    };
    let reply = client.cmd(&args);
    match &reply {
        Reply::Map(pairs) => {
            let mut pairs = pairs.clone();
            pairs.sort();
            Reply::Map(pairs)
        }
        Reply::Set(items) => Reply::Set(sorted(items)),
        Reply::Array(items) if unordered && kind == "hash" => {
            let mut pairs: Vec<&[Reply]> = items.chunks(2).collect();
            pairs.sort();
            Reply::Array(pairs.concat())
        }
        Reply::Array(items) if unordered => Reply::Array(sorted(items)),
        _ => reply,
    }
}

/// Runs a SCAN over all of its cursors: the elements, sorted, each once; or the error.
pub fn scan_all(client: &mut Client, args: &[Vec<u8>]) -> Result<Vec<Reply>, Reply> {
    /// A full iteration over these small databases takes a few hundred calls at most.
    const CALLS: usize = 100_000;
    let mut args = args.to_vec();
    // The others name a key before the cursor.
    let at = if args[0].eq_ignore_ascii_case(b"SCAN") { 1 } else { 2 };
    let mut found = Vec::new();
    for _ in 0..CALLS {
        let reply = client.cmd(&args);
        let (cursor, page) = match &reply {
            Reply::Array(parts) => match parts.as_slice() {
                [Reply::Bulk(cursor), Reply::Array(page)] => (cursor.clone(), page),
                _ => return Err(reply),
            },
            _ => return Err(reply),
        };
        found.extend_from_slice(page);
        if cursor == b"0" {
            found.sort();
            found.dedup();
            return Ok(found);
        }
        args[at] = cursor;
    }
    panic!("SCAN does not end")
}
