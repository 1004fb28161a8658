//! MULTI, EXEC, DISCARD, WATCH over keys of one and of several shards.

use std::time::Duration;

use crate::client::{Client, Reply};
use crate::server::each_plain_form;
use crate::wait::wait_until;

fn queued() -> Reply {
    Reply::Simple(b"QUEUED".to_vec())
}

fn aborted() -> Reply {
    Reply::error("EXECABORT Transaction discarded because of previous errors.")
}

#[track_caller]
fn queue(c: &mut Client, lines: &[&str]) {
    assert_eq!(c.run("MULTI"), Reply::ok());
    for line in lines {
        assert_eq!(c.run(line), queued(), "{line}");
    }
}

#[test]
fn a_transaction_runs_as_one() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut other = server.client();
        queue(&mut c, &["SET a 1", "INCR a", "SET b 2", "MGET a b c", "GET none", "DBSIZE"]);
        assert_eq!(other.run("EXISTS a b"), Reply::Int(0), "nothing runs before EXEC");
        let values = Reply::Array(vec![Reply::bulk("2"), Reply::bulk("2"), Reply::NullBulk]);
        let replies =
            vec![Reply::ok(), Reply::Int(2), Reply::ok(), values, Reply::NullBulk, Reply::Int(2)];
        assert_eq!(c.run("EXEC"), Reply::Array(replies));
        queue(&mut c, &[]);
        assert_eq!(c.run("EXEC"), Reply::Array(vec![]));
        queue(&mut c, &["SET a 9"]);
        assert_eq!(c.run("DISCARD"), Reply::ok());
        assert_eq!(c.run("GET a"), Reply::bulk("2"));
        assert_eq!(c.run("EXEC"), Reply::error("ERR EXEC without MULTI"));
        assert_eq!(c.run("DISCARD"), Reply::error("ERR DISCARD without MULTI"));
    });
}

#[test]
fn errors_before_and_inside() {
    each_plain_form(|server| {
        let mut c = server.client();
        queue(&mut c, &["SET a x"]);
        assert!(c.run("NOSUCH").is_error());
        assert_eq!(c.run("SET b x"), queued());
        assert_eq!(c.run("EXEC"), aborted());
        assert_eq!(c.run("EXISTS a b"), Reply::Int(0));
        queue(&mut c, &[]);
        assert!(c.run("SET a").is_error());
        assert_eq!(c.run("EXEC"), aborted());
        queue(&mut c, &["SET a x", "INCR a", "SET b y"]);
        let wrong = Reply::error("ERR value is not an integer or out of range");
        assert_eq!(c.run("EXEC"), Reply::Array(vec![Reply::ok(), wrong, Reply::ok()]));
        assert_eq!(c.run("GET b"), Reply::bulk("y"), "what follows an error still runs");
        queue(&mut c, &["SET a 1"]);
        assert!(c.run("WATCH a").is_error());
        assert!(c.run("MULTI").is_error());
    });
}

#[test]
fn a_long_transaction_over_many_keys() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut commands = vec![vec!["MULTI".to_owned()]];
        for i in 0..2_000 {
            commands.push(vec!["INCRBY".to_owned(), format!("key:{}", i % 300), "1".to_owned()]);
        }
        commands.push(vec!["EXEC".to_owned()]);
        let replies = c.pipeline(&commands);
        let inner = replies.last().expect("EXEC's reply").items();
        assert_eq!(inner.len(), 2_000);
        for (i, reply) in inner.iter().enumerate() {
            assert_eq!(reply.int(), (i / 300 + 1) as i64);
        }
    });
}

/// WATCH, a change by `changes` on another connection, MULTI, EXEC: must it fail?
#[track_caller]
fn watched(server: &crate::server::Server, watch: &str, changes: &[&str], fails: bool) {
    let mut c = server.client();
    let mut other = server.client();
    assert_eq!(c.run(watch), Reply::ok());
    for line in changes {
        assert!(!other.run(line).is_error(), "{line}");
    }
    queue(&mut c, &["PING"]);
    let reply = c.run("EXEC");
    assert_eq!(reply.is_null(), fails, "{watch}, then {changes:?}: {reply}");
    assert_eq!(other.run("FLUSHALL"), Reply::ok());
}

#[test]
fn a_changed_key_ends_the_transaction() {
    each_plain_form(|server| {
        watched(server, "WATCH a", &[], false);
        watched(server, "WATCH a", &["SET a 1"], true);
        watched(server, "WATCH a b c d e f", &["SET f 1"], true);
        watched(server, "WATCH a", &["SET b 1"], false);
        watched(server, "WATCH a", &["GET a"], false);
        watched(server, "WATCH a", &["DEL a"], false);
        watched(server, "WATCH a", &["SELECT 1", "SET a 1"], false);
        watched(server, "WATCH a", &["MSET x 1 a 2 y 3"], true);
        watched(server, "WATCH a", &["SET b 1", "RENAME b a"], true);
        watched(server, "WATCH a", &["SET b 1", "COPY b a"], true);
        watched(server, "WATCH a", &["FLUSHALL"], false);
        watched(server, "WATCH a", &["SELECT 1", "SET a 1", "MOVE a 0"], true);
        watched(server, "WATCH a", &["SELECT 1", "SET a 1", "SWAPDB 0 1"], true);
        watched(server, "WATCH a", &["SETNX a 1", "DEL a"], true);
        watched(server, "WATCH a", &["MULTI", "SET a 1", "EXEC"], true);
    });
}

#[test]
fn a_watched_key_that_existed() {
    each_plain_form(|server| {
        let set = |key: &str| assert_eq!(server.client().cmd(&["SET", key, "1"]), Reply::ok());
        for (changes, fails) in [
            (&["DEL a"][..], true),
            (&["SET a 1"], true),
            (&["EXPIRE a 1000"], true),
            (&["FLUSHALL"], true),
            (&["SELECT 3", "FLUSHDB"], false),
            (&["FLUSHDB ASYNC"], true),
            (&["RENAME a b"], true),
            (&["MOVE a 1"], true),
            (&["TOUCH a"], false),
            (&["PERSIST a"], false),
            (&["SET a 2 NX"], false),
            (&["SWAPDB 0 1"], true),
            (&["SWAPDB 2 3"], false),
            (&["GETEX a"], false),
            (&["GETDEL a"], true),
        ] {
            set("a");
            watched(server, "WATCH a", changes, fails);
        }
    });
}

#[test]
fn a_watched_key_that_expires() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut other = server.client();
        // On a busy machine the key may be gone before WATCH comes: then again, with more time.
        let watched_alive = ["50", "500", "5000"].into_iter().any(|ms| {
            c.run("UNWATCH");
            other.cmd(&["SET", "a", "1", "PX", ms]);
            assert_eq!(c.run("WATCH a"), Reply::ok());
            c.run("EXISTS a") == Reply::Int(1)
        });
        assert!(watched_alive);
        assert!(wait_until(Duration::from_secs(10), || other.run("EXISTS a") == Reply::Int(0)));
        queue(&mut c, &["SET a 2"]);
        assert!(c.run("EXEC").is_null());
        // What had expired before WATCH is no change.
        other.run("SET a 1 PX 1");
        assert!(wait_until(Duration::from_secs(5), || other.run("EXISTS a") == Reply::Int(0)));
        assert_eq!(c.run("WATCH a"), Reply::ok());
        queue(&mut c, &["SET a 2"]);
        assert_eq!(c.run("EXEC"), Reply::Array(vec![Reply::ok()]));
    });
}

#[test]
fn watches_end() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut other = server.client();
        for end in ["UNWATCH", "RESET"] {
            assert_eq!(c.run("WATCH a"), Reply::ok());
            other.run("INCR a");
            assert!(!c.run(end).is_error());
            queue(&mut c, &["PING"]);
            assert!(!c.run("EXEC").is_null(), "{end}");
        }
        // DISCARD and EXEC forget what was watched.
        assert_eq!(c.run("WATCH a"), Reply::ok());
        queue(&mut c, &[]);
        assert_eq!(c.run("DISCARD"), Reply::ok());
        other.run("INCR a");
        queue(&mut c, &["PING"]);
        assert!(!c.run("EXEC").is_null());
        assert_eq!(c.run("WATCH a"), Reply::ok());
        other.run("INCR a");
        queue(&mut c, &["PING"]);
        assert!(c.run("EXEC").is_null());
        queue(&mut c, &["PING"]);
        assert!(!c.run("EXEC").is_null());
        // One's own write counts, and so does one by a connection that has gone since.
        assert_eq!(c.run("WATCH a"), Reply::ok());
        c.run("INCR a");
        queue(&mut c, &["PING"]);
        assert!(c.run("EXEC").is_null());
        let mut gone = server.client();
        gone.run("WATCH a");
        drop(gone);
        assert_eq!(c.run("INCR a").int(), 6);
    });
}

#[test]
fn exec_in_resp3_and_with_select() {
    each_plain_form(|server| {
        let mut c = server.client3();
        queue(&mut c, &["SET k zero", "SELECT 1", "SET k one", "GET k", "GET none"]);
        let replies =
            [Reply::ok(), Reply::ok(), Reply::ok(), Reply::bulk("one"), Reply::Null].to_vec();
        assert_eq!(c.run("EXEC"), Reply::Array(replies));
        assert_eq!(c.run("GET k"), Reply::bulk("one"), "the connection stays in the database");
        c.run("WATCH k");
        server.client().run("PING");
        c.run("SET k two");
        queue(&mut c, &["PING"]);
        assert_eq!(c.run("EXEC"), Reply::Null);
        queue(&mut c, &["HELLO 2", "GET none"]);
        let reply = c.run("EXEC").items();
        assert_eq!(reply.len(), 2);
        assert_eq!(reply[1], Reply::NullBulk);
    });
}

/// Two clients that increment by WATCH, GET, MULTI, SET, EXEC, and try again when told to: no
/// increment is lost.
#[test]
fn optimistic_counters_lose_nothing() {
    each_plain_form(|server| {
        const EACH: i64 = 150;
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut c = server.client();
                    let mut done = 0;
                    while done < EACH {
                        c.run("WATCH counter mirror");
                        let value = c.run("GET counter");
                        let value: i64 = match &value {
                            Reply::NullBulk => 0,
                            other => other.text().parse().expect("a number"),
                        };
                        let next = (value + 1).to_string();
                        c.run("MULTI");
                        c.cmd(&["SET", "counter", &next]);
                        c.cmd(&["SET", "mirror", &next]);
                        done += i64::from(!c.run("EXEC").is_null());
                    }
                });
            }
        });
        let total = Reply::bulk((3 * EACH).to_string());
        let both = Reply::Array(vec![total.clone(), total]);
        assert_eq!(server.client().run("MGET counter mirror"), both);
    });
}
