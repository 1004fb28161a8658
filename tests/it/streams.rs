//! Streams: what the differential tests cannot show, since it hangs on the clock, on several
//! shards at once or on size; and a life of a consumer group to read first when those fail.

use crate::client::{Client, Reply};
use crate::server::each_plain_form;
use crate::wait::unix_ms;

#[track_caller]
fn is(c: &mut Client, line: &str, reply: Reply) {
    assert_eq!(c.run(line), reply, "{line}");
}

fn list(items: Vec<Reply>) -> Reply {
    Reply::Array(items)
}

/// An entry as XRANGE replies it.
fn entry(id: &str, fields: &[&str]) -> Reply {
    list(vec![Reply::bulk(id), list(fields.iter().map(Reply::bulk).collect())])
}

/// The field of a flat list of pairs.
#[track_caller]
fn field(reply: &Reply, name: &str) -> Reply {
    let items = reply.items();
    let pair = items.chunks(2).find(|pair| pair[0] == Reply::bulk(name));
    pair.unwrap_or_else(|| panic!("no {name} in {reply}"))[1].clone()
}

#[test]
fn ids_follow_the_clock() {
    each_plain_form(|server| {
        let mut c = server.client();
        let before = unix_ms();
        let ids: Vec<(i64, u64)> = (0..200)
            .map(|_| {
                let id = c.run("XADD s * a 1").text();
                let (ms, seq) = id.split_once('-').expect("an id");
                (ms.parse().expect("a time"), seq.parse().expect("a number"))
            })
            .collect();
        let after = unix_ms();
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
        let (first, last) = (ids[0].0, ids[199].0);
        // The server's cached time may be a little behind.
        assert!(before - 1000 <= first && last <= after, "{before} {first} {last} {after}");
        is(&mut c, "XLEN s", Reply::Int(200));
    });
}

#[test]
fn a_consumer_group_from_beginning_to_end() {
    each_plain_form(|server| {
        let mut c = server.client();
        is(&mut c, "XGROUP CREATE jobs workers $ MKSTREAM", Reply::ok());
        for n in 1..=3 {
            is(&mut c, &format!("XADD jobs 1-{n} n {n}"), Reply::bulk(format!("1-{n}")));
        }
        let read = |entries: Vec<Reply>| list(vec![list(vec![Reply::bulk("jobs"), list(entries)])]);
        is(
            &mut c,
            "XREADGROUP GROUP workers ann COUNT 2 STREAMS jobs >",
            read(vec![entry("1-1", &["n", "1"]), entry("1-2", &["n", "2"])]),
        );
        is(
            &mut c,
            "XREADGROUP GROUP workers bob STREAMS jobs >",
            read(vec![entry("1-3", &["n", "3"])]),
        );
        is(&mut c, "XREADGROUP GROUP workers bob STREAMS jobs >", Reply::NullArray);
        is(&mut c, "XACK jobs workers 1-1", Reply::Int(1));
        is(
            &mut c,
            "XREADGROUP GROUP workers ann STREAMS jobs 0",
            read(vec![entry("1-2", &["n", "2"])]),
        );
        // A worker is gone; another one takes over what it left.
        is(&mut c, "XCLAIM jobs workers bob 0 1-2 JUSTID", list(vec![Reply::bulk("1-2")]));
        let pending = c.run("XPENDING jobs workers - + 10");
        let owners: Vec<Reply> = pending.items().iter().map(|one| one.items()[1].clone()).collect();
        assert_eq!(owners, [Reply::bulk("bob"), Reply::bulk("bob")]);
        is(&mut c, "XGROUP DELCONSUMER jobs workers bob", Reply::Int(2));
        let groups = c.run("XINFO GROUPS jobs").items();
        assert_eq!(field(&groups[0], "pending"), Reply::Int(0));
        assert_eq!(field(&groups[0], "lag"), Reply::Int(0));
        is(&mut c, "XGROUP DESTROY jobs workers", Reply::Int(1));
        is(&mut c, "XLEN jobs", Reply::Int(3));
    });
}

/// One XREAD over streams of all shards gives what is there at one moment, in the order of its
/// keys.
#[test]
fn streams_of_several_shards_are_read_together() {
    each_plain_form(|server| {
        let mut c = server.client();
        let keys: Vec<String> = (0..16).map(|n| format!("stream:{n}")).collect();
        for (n, key) in keys.iter().enumerate() {
            c.run(&format!("XADD {key} 1-1 n {n}"));
            is(&mut c, &format!("XGROUP CREATE {key} g 0"), Reply::ok());
        }
        let all = keys.join(" ");
        let expected = |of: &dyn Fn(usize) -> Reply| {
            let one = |n: usize| list(vec![Reply::bulk(&keys[n]), list(vec![of(n)])]);
            list((0..keys.len()).map(one).collect())
        };
        let entries = expected(&|n| entry("1-1", &["n", &n.to_string()]));
        let zeros = vec!["0"; keys.len()].join(" ");
        is(&mut c, &format!("XREAD STREAMS {all} {zeros}"), entries.clone());
        let new = vec![">"; keys.len()].join(" ");
        is(&mut c, &format!("XREADGROUP GROUP g c STREAMS {all} {new}"), entries.clone());
        is(&mut c, &format!("XREADGROUP GROUP g c STREAMS {all} {zeros}"), entries);
        // One wrong key: nothing is read for any.
        c.run("SET stream:7 string");
        c.run("XADD stream:0 2-1 n 0");
        let wrong = "WRONGTYPE Operation against a key holding the wrong kind of value";
        is(&mut c, &format!("XREADGROUP GROUP g c STREAMS {all} {new}"), Reply::error(wrong));
        let pending = c.run("XPENDING stream:0 g");
        assert_eq!(pending.items()[0], Reply::Int(1));
    });
}

/// The group may be called like the word that keys come after.
#[test]
fn a_group_called_streams() {
    each_plain_form(|server| {
        let mut c = server.client();
        for key in ["k", "c", "STREAMS", "other"] {
            c.run(&format!("XADD {key} 1-1 a {key}"));
            is(&mut c, &format!("XGROUP CREATE {key} streams 0"), Reply::ok());
        }
        let reply = c.run("XREADGROUP COUNT 1 GROUP streams STREAMS STREAMS other >");
        let read = list(vec![entry("1-1", &["a", "other"])]);
        assert_eq!(reply, list(vec![list(vec![Reply::bulk("other"), read])]));
    });
}

/// In a transaction a read that would wait does not.
#[test]
fn nothing_waits_in_a_transaction() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.run("XADD s 1-1 a 1");
        c.run("XGROUP CREATE s g $");
        is(&mut c, "MULTI", Reply::ok());
        for line in ["XREAD BLOCK 0 STREAMS s $", "XREADGROUP GROUP g c BLOCK 0 STREAMS s >"] {
            is(&mut c, line, Reply::Simple(b"QUEUED".to_vec()));
        }
        is(&mut c, "EXEC", list(vec![Reply::NullArray, Reply::NullArray]));
    });
}

#[test]
fn nodes_are_cut_as_configured() {
    each_plain_form(|server| {
        let mut c = server.client();
        for n in 1..=250 {
            c.run(&format!("XADD s {n}-0 a {n}"));
        }
        let nodes = |c: &mut Client| field(&c.run("XINFO STREAM s"), "radix-tree-keys").int();
        assert_eq!(nodes(&mut c), 3);
        // An approximate trimming keeps what is left of a node.
        is(&mut c, "XTRIM s MAXLEN ~ 120", Reply::Int(100));
        is(&mut c, "XTRIM s MAXLEN ~ 120 LIMIT 10", Reply::Int(0));
        is(&mut c, "XTRIM s MAXLEN = 120", Reply::Int(30));
        is(&mut c, "CONFIG SET stream-node-max-entries 10", Reply::ok());
        for n in 251..=300 {
            c.run(&format!("XADD s {n}-0 a {n}"));
        }
        assert_eq!(nodes(&mut c), 2 + 5);
        is(&mut c, "CONFIG SET stream-node-max-entries 0 stream-node-max-bytes 0", Reply::ok());
        for n in 301..=900 {
            c.run(&format!("XADD s {n}-0 a {n}"));
        }
        assert_eq!(nodes(&mut c), 2 + 5);
        is(&mut c, "XLEN s", Reply::Int(770));
        is(&mut c, "CONFIG SET stream-node-max-bytes 1k", Reply::ok());
        c.cmd(&[&b"XADD"[..], b"s", b"*", b"big", &[b'x'; 5000]]);
        c.run("XADD s * a 1");
        assert_eq!(nodes(&mut c), 2 + 5 + 2);
    });
}

/// Large values and many fields come back as they went in.
#[test]
fn entries_of_any_size() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut request: Vec<Vec<u8>> = vec![b"XADD".into(), b"s".into(), b"1-1".into()];
        let mut fields = Vec::new();
        for n in 0..300usize {
            let value = vec![b'a' + (n % 26) as u8; n * n];
            fields.extend([format!("field:{n}").into_bytes(), value]);
        }
        request.extend(fields.iter().cloned());
        assert_eq!(c.cmd(&request), Reply::bulk("1-1"));
        let expected = list(fields.iter().map(Reply::bulk).collect());
        let reply = c.run("XRANGE s - +");
        assert_eq!(reply, list(vec![list(vec![Reply::bulk("1-1"), expected])]));
        is(&mut c, "XDEL s 1-1", Reply::Int(1));
        is(&mut c, "XLEN s", Reply::Int(0));
        is(&mut c, "EXISTS s", Reply::Int(1));
        is(
            &mut c,
            "XADD s 1-1 a 1",
            Reply::error(
                "ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ),
        );
    });
}
