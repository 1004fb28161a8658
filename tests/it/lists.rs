//! Lists: what needs many elements or several clients at once, and a few plain cases to read first
//! when the differential tests fail.

use std::collections::BTreeSet;
use std::thread;

use crate::client::{Client, Reply};
use crate::server::each_plain_form;

/// Adds `element:0`, `element:1` and so on at the tail.
fn fill(c: &mut Client, key: &str, count: usize) {
    let elements: Vec<String> = (0..count).map(|n| format!("element:{n}")).collect();
    for chunk in elements.chunks(1_000) {
        let mut request = vec!["RPUSH".to_owned(), key.to_owned()];
        request.extend_from_slice(chunk);
        assert!(matches!(c.cmd(&request), Reply::Int(_)));
    }
}

fn element(n: usize) -> Reply {
    Reply::bulk(format!("element:{n}"))
}

#[test]
fn elements_and_encodings() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("RPUSH l a b 3"), Reply::Int(3));
        assert_eq!(c.run("OBJECT ENCODING l"), Reply::bulk("listpack"));
        assert_eq!(c.run("TYPE l"), Reply::Simple(b"list".to_vec()));
        fill(&mut c, "l", 1_000);
        assert_eq!(c.run("OBJECT ENCODING l"), Reply::bulk("quicklist"));
        assert_eq!(c.run("LTRIM l 0 2"), Reply::ok());
        assert_eq!(c.run("OBJECT ENCODING l"), Reply::bulk("listpack"));
        assert_eq!(c.run("LRANGE l 0 -1"), c.run("LRANGE l -3 2"));
        assert_eq!(
            c.run("INCR l"),
            Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value")
        );
        assert_eq!(c.run("CONFIG SET list-max-listpack-size 2"), Reply::ok());
        assert_eq!(c.run("RPUSH small 1 2"), Reply::Int(2));
        assert_eq!(c.run("OBJECT ENCODING small"), Reply::bulk("listpack"));
        assert_eq!(c.run("RPUSH small 3"), Reply::Int(3));
        assert_eq!(c.run("OBJECT ENCODING small"), Reply::bulk("quicklist"));
        c.hello3();
        assert_eq!(c.run("LPOP none"), Reply::Null);
        assert_eq!(c.run("LPOP none 1"), Reply::Null);
        assert_eq!(c.run("LINDEX l 9"), Reply::Null);
    });
}

#[test]
fn a_big_list_is_reached_from_both_ends() {
    each_plain_form(|server| {
        let mut c = server.client();
        const COUNT: usize = 30_000;
        fill(&mut c, "l", COUNT);
        assert_eq!(c.run("LLEN l"), Reply::Int(COUNT as i64));
        for n in (0..COUNT).step_by(1_234) {
            assert_eq!(c.run(&format!("LINDEX l {n}")), element(n));
            assert_eq!(c.run(&format!("LINDEX l {}", n as i64 - COUNT as i64)), element(n));
        }
        let range = c.run("LRANGE l 14990 15009");
        let expected: Vec<Reply> = (14_990..15_010).map(element).collect();
        assert_eq!(range.items(), expected);
        assert_eq!(c.run("LRANGE l 0 -1").items().len(), COUNT);
        assert_eq!(c.run("LPOS l element:20000"), Reply::Int(20_000));
        assert_eq!(c.run("LINSERT l BEFORE element:20000 here"), Reply::Int(COUNT as i64 + 1));
        assert_eq!(c.run("LSET l 20001 there"), Reply::ok());
        assert_eq!(c.run("LREM l 0 there"), Reply::Int(1));
        assert_eq!(c.run("LPOS l element:20001 RANK -1"), Reply::Int(20_001));
        assert_eq!(c.run("LPOP l 20000").items().len(), 20_000);
        assert_eq!(c.run("LPOP l"), Reply::bulk("here"));
        assert_eq!(c.run("RPOP l"), element(COUNT - 1));
        assert_eq!(c.run("LTRIM l 0 -9990"), Reply::ok());
        assert_eq!(c.run("LLEN l"), Reply::Int(9));
        assert_eq!(c.run("OBJECT ENCODING l"), Reply::bulk("listpack"));
    });
}

/// The same elements and edits give the same lists, in less memory, whether nodes inside are
/// compressed or not.
#[test]
fn compressed_nodes_take_less_memory() {
    each_plain_form(|server| {
        let mut c = server.client();
        let memory = |c: &mut Client, key: &str| c.run(&format!("MEMORY USAGE {key}")).int();
        const COUNT: usize = 30_000;
        for (key, depth) in [("plain", 0), ("packed", 1)] {
            c.run(&format!("CONFIG SET list-compress-depth {depth}"));
            fill(&mut c, key, COUNT);
        }
        // A list keeps what held when it grew large.
        assert_eq!(c.run("CONFIG SET list-compress-depth 0"), Reply::ok());
        c.run("COPY packed copy");
        let plain = memory(&mut c, "plain");
        for key in ["packed", "copy"] {
            let packed = memory(&mut c, key);
            assert!(packed * 2 < plain, "{key}: {packed} of {plain}");
            assert_eq!(c.run(&format!("OBJECT ENCODING {key}")), Reply::bulk("quicklist"));
        }
        for edit in [
            "LSET _ 15000 there",
            "LINSERT _ AFTER there behind",
            "LREM _ 0 element:7777",
            "LPOP _ 100",
            "RPUSH _ a b c",
            "LPOS _ element:20000",
            "LINDEX _ 12345",
            "LRANGE _ 9990 10010",
            "LTRIM _ 1000 -1000",
            "LMOVE _ _ LEFT RIGHT",
            "SORT _ BY nosort LIMIT 10000 5",
            "LLEN _",
            "LRANGE _ 0 -1",
        ] {
            let [plain, packed] = ["plain", "packed"].map(|key| c.run(&edit.replace('_', key)));
            assert!(!plain.is_error(), "{edit}: {plain}");
            assert_eq!(plain, packed, "{edit}");
        }
        let (plain, packed) = (memory(&mut c, "plain"), memory(&mut c, "packed"));
        assert!(packed * 2 < plain, "{packed} of {plain}");
    });
}

/// Clients move elements between lists of several shards, each its own way: whatever happens in
/// between, every element is somewhere, once.
#[test]
fn what_moves_is_never_lost_or_doubled() {
    const CLIENTS: usize = 4;
    const ELEMENTS: usize = 200;
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, "list:0", ELEMENTS);
        thread::scope(|scope| {
            for client in 0..CLIENTS {
                let mut c = server.client();
                scope.spawn(move || {
                    for step in 0..500 {
                        let (from, to) = (step % 5, (step + client + 1) % 5);
                        let moved = match step % 3 {
                            0 => c.run(&format!("LMOVE list:{from} list:{to} LEFT RIGHT")),
                            1 => c.run(&format!("LMOVE list:{from} list:{to} RIGHT LEFT")),
                            _ => c.run(&format!("RPOPLPUSH list:{from} list:{to}")),
                        };
                        assert!(matches!(moved, Reply::Bulk(_)) || moved.is_null(), "{moved:?}");
                    }
                });
            }
        });
        let mut found = BTreeSet::new();
        for list in 0..5 {
            for item in c.run(&format!("LRANGE list:{list} 0 -1")).items() {
                assert!(found.insert(item.bytes().to_vec()), "{item:?} is there twice");
            }
        }
        assert_eq!(found.len(), ELEMENTS);
        let mut popped = 0;
        while let Reply::Array(reply) =
            c.run("LMPOP 5 list:0 list:1 list:2 list:3 list:4 LEFT COUNT 7")
        {
            popped += reply[1].items().len();
        }
        assert_eq!(popped, ELEMENTS);
        assert_eq!(c.run("EXISTS list:0 list:1 list:2 list:3 list:4"), Reply::Int(0));
    });
}

#[test]
fn patterns_of_sort_lead_to_every_shard() {
    each_plain_form(|server| {
        let mut c = server.client();
        for n in 0..50 {
            c.run(&format!("RPUSH ids {n}"));
            c.run(&format!("SET weight:{n} {}", (n * 7) % 50));
            c.run(&format!("SET name:{n} name-{n}"));
        }
        let sorted = c.run("SORT ids BY weight:* GET # GET name:*");
        let ids: Vec<i64> = (0..50).map(|weight| (weight * 43) % 50).collect();
        let expected: Vec<Reply> = ids
            .iter()
            .flat_map(|id| [Reply::bulk(id.to_string()), Reply::bulk(format!("name-{id}"))])
            .collect();
        assert_eq!(sorted.items(), expected);
        assert_eq!(c.run("SORT_RO ids BY weight:* GET # GET name:*"), sorted);
        assert_eq!(c.run("SORT ids BY weight:* GET name:* LIMIT 0 9 STORE far"), Reply::Int(9));
        assert_eq!(c.run("SORT ids DESC LIMIT 0 3 STORE elsewhere"), Reply::Int(3));
        assert_eq!(c.run("LINDEX elsewhere 0"), Reply::bulk("49"));
        c.run("MULTI");
        c.run("SORT ids BY weight:* LIMIT 0 1");
        c.run("SORT far BY nosort LIMIT 8 1");
        let replies = c.run("EXEC");
        assert_eq!(replies.items()[0].items(), [Reply::bulk("0")]);
        assert_eq!(replies.items()[1].items(), [Reply::bulk(format!("name-{}", ids[8]))]);
    });
}
