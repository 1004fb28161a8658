//! `CLIENT PAUSE`: who is held, for how long, what is told of it, and what stays where it is.
//!
//! The scenes are those of `blocking`.

use std::time::Duration;

use crate::blocking::compare;
use crate::client::{Client, Reply};
use crate::server::{Server, ServerOptions, Target, each_form, each_plain_form};
use crate::wait::{now, wait_until};

/// What the server does at once is seen within this time.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_pause_holds_those_who_would_serve() {
    compare(&[
        // Who is held by a pause has the flag of one who waits.
        "a> BLPOP k 0
         z CLIENT PAUSE 100000 WRITE
         p> RPUSH k 1 2 3
         b> BLPOP k 0
         c> BLPOP none k 0.05
         d> BLMOVE none d LEFT LEFT 0
         q GET x
         q LRANGE k 0 -1
         q CLIENT UNBLOCK $b
         q CLIENT UNBLOCK $a ERROR
         a<
         a GET x
         a> BRPOP none k 0
         z CLIENT UNPAUSE
         p<
         b<
         c<
         a<
         d?
         q LRANGE k 0 -1",
        // Those who waited before give up during a pause as at any time.
        "a> BLPOP k 0.2
         b> XREAD BLOCK 200 STREAMS s $
         z CLIENT PAUSE 100000 WRITE
         a<
         b<
         p> XADD s 1-1 f v
         z CLIENT UNPAUSE
         p<
         q XLEN s",
        // A transaction that writes is held at its end, one that reads is not.
        "a> BLMOVE k d LEFT LEFT 0
         p MULTI
         p RPUSH k 1
         z CLIENT PAUSE 100000 WRITE
         p> EXEC
         a?
         q MULTI
         q GET x
         q EXEC
         b> BLPOP d 0
         z CLIENT PAUSE 1 WRITE
         a?
         z CLIENT UNPAUSE
         a<
         p<
         b<",
        "a> BLPOP k 0
         z CLIENT PAUSE 100000 WRITE
         p> RPUSH k 1
         p!
         b> RPUSH k 2
         q CLIENT KILL ID $b
         z CLIENT UNPAUSE
         a?
         q EXISTS k",
    ]);
}

/// What INFO and CLIENT LIST say of clients that a pause holds, as Valkey says it.
#[test]
fn those_held_by_a_pause_are_told_of() {
    let look = |server: &Server| {
        let (mut control, mut a, mut p) = (server.client(), server.client(), server.client());
        let id = p.run("CLIENT ID").int();
        a.send(&["BLPOP", "k", "0"]);
        assert!(wait_until(SOON, || control.info_number("blocked_clients") == 1));
        assert_eq!(control.run("CLIENT PAUSE 100000 WRITE"), Reply::ok());
        p.send(&["RPUSH", "k", "1"]);
        let mut seen = Vec::new();
        assert!(wait_until(SOON, || control.info_number("blocked_clients") == 2));
        let line = control.run(&format!("CLIENT LIST ID {id}")).text();
        let words = line.split(' ').filter(|w| w.starts_with("flags=") || w.starts_with("cmd="));
        seen.extend(words.map(str::to_owned));
        seen.push(control.info("clients_in_timeout_table"));
        // Who leaves meanwhile is held no more.
        let mut gone = server.client();
        gone.send(&["RPUSH", "k", "2"]);
        assert!(wait_until(SOON, || control.info_number("blocked_clients") == 3));
        drop(gone);
        assert!(wait_until(SOON, || control.info_number("blocked_clients") == 2));
        assert_eq!(control.run("CLIENT UNPAUSE"), Reply::ok());
        assert_eq!(p.read(), Reply::Int(1));
        assert_eq!(a.read(), Reply::Array(vec![Reply::bulk("k"), Reply::bulk("1")]));
        let line = control.run(&format!("CLIENT LIST ID {id}")).text();
        seen.extend(line.split(' ').filter(|w| w.starts_with("flags=")).map(str::to_owned));
        seen.push(control.info("blocked_clients"));
        seen
    };
    let reference = Server::start(ServerOptions::new(1, true).target(Target::Valkey));
    let expected = look(&reference);
    each_plain_form(|server| assert_eq!(look(server), expected, "{} shards", server.shards()));
}

#[test]
fn a_pause_of_all_holds_everybody() {
    const PAUSE: Duration = Duration::from_millis(200);
    let play = |server: &Server| {
        let mut clients: Vec<Client> = (0..4).map(|_| server.client()).collect();
        let mut control = server.client();
        clients[0].send(&["BLPOP", "k", "0"]);
        assert!(wait_until(SOON, || control.info_number("blocked_clients") == 1));
        clients[1].send(&["BLPOP", "none", "0.05"]);
        let begin = now();
        let pause = PAUSE.as_millis().to_string();
        assert_eq!(control.cmd(&["CLIENT", "PAUSE", &pause, "ALL"]), Reply::ok());
        clients[2].send(&["RPUSH", "k", "1"]);
        clients[3].send(&["GET", "x"]);
        assert_eq!(clients[1].read(), Reply::NullArray);
        assert_eq!(clients[3].read(), Reply::NullBulk);
        // The server's clock has whole milliseconds.
        let (after, due) = (begin.elapsed(), PAUSE - Duration::from_millis(1));
        assert!(after >= due, "a pause of {due:?} is over after {after:?}");
        assert_eq!(clients[2].read(), Reply::Int(1));
        assert_eq!(clients[0].read(), Reply::Array(vec![Reply::bulk("k"), Reply::bulk("1")]));
    };
    play(&Server::start(ServerOptions::new(1, true).target(Target::Valkey)));
    each_plain_form(play);
}

/// PFCOUNT reads, but may write what it has counted into its key.
#[test]
fn a_pause_of_writes_holds_pfcount() {
    let play = |server: &Server| {
        let (mut control, mut p) = (server.client(), server.client());
        assert_eq!(p.run("PFADD h a"), Reply::Int(1));
        assert_eq!(control.run("CLIENT PAUSE 100000 WRITE"), Reply::ok());
        p.send(&["PFCOUNT", "h"]);
        assert!(wait_until(SOON, || control.info_number("blocked_clients") == 1));
        assert_eq!(control.run("CLIENT UNPAUSE"), Reply::ok());
        assert_eq!(p.read(), Reply::Int(1));
    };
    play(&Server::start(ServerOptions::new(1, true).target(Target::Valkey)));
    each_plain_form(play);
}

/// Of two pauses the longer and the stricter one count, whichever comes first. Only a transaction
/// can begin another while everything is held.
#[test]
fn another_pause_makes_none_shorter_or_milder() {
    const LONG: Duration = Duration::from_millis(300);
    let play = |server: &Server| {
        let (mut control, mut p) = (server.client(), server.client());
        for (pauses, held) in [
            (["CLIENT PAUSE 300 ALL", "CLIENT PAUSE 100 WRITE"], "GET x"),
            (["CLIENT PAUSE 100 ALL", "CLIENT PAUSE 300 WRITE"], "GET x"),
            (["CLIENT PAUSE 300 WRITE", "CLIENT PAUSE 100 ALL"], "GET x"),
            (["CLIENT PAUSE 300 WRITE", "CLIENT PAUSE 100 WRITE"], "DEL x"),
        ] {
            control.run("MULTI");
            pauses.iter().for_each(|pause| drop(control.run(pause)));
            let begin = now();
            assert_eq!(control.run("EXEC"), Reply::Array(vec![Reply::ok(), Reply::ok()]));
            assert!(!p.run(held).is_error());
            // The server's clock has whole milliseconds.
            let (after, due) = (begin.elapsed(), LONG - Duration::from_millis(1));
            assert!(after >= due, "{pauses:?}: over after {after:?}");
        }
    };
    play(&Server::start(ServerOptions::new(1, true).target(Target::Valkey)));
    each_plain_form(play);
}

#[test]
fn those_held_by_a_pause_go_on_in_their_order() {
    // Of one acceptor: those of several go on at the same time.
    each_form(
        |options| ServerOptions { acceptors: Some(1), ..options },
        |server| {
            let (mut control, mut p) = (server.client(), server.client());
            let mut clients: Vec<Client> = (0..8).map(|_| server.client()).collect();
            assert_eq!(control.run("CLIENT PAUSE 100000 WRITE"), Reply::ok());
            for (at, client) in clients.iter_mut().enumerate() {
                // Every other one waits for keys of several shards.
                match at % 2 {
                    0 => client.send(&["BLPOP", "k", "0"]),
                    _ => client.send(&["BLPOP", "none", "k", "other", "0"]),
                }
                let held = i64::try_from(at + 1).expect("a few");
                assert!(wait_until(SOON, || control.info_number("blocked_clients") == held));
            }
            assert_eq!(control.run("CLIENT UNPAUSE"), Reply::ok());
            // They wait for elements now, and no more for the end of the pause.
            assert!(wait_until(SOON, || control.info_number("total_blocking_keys") == 3));
            assert!(wait_until(SOON, || control.info_number("blocked_clients") == 8));
            assert_eq!(p.run("RPUSH k 0 1 2 3 4 5 6 7"), Reply::Int(8));
            for (at, client) in clients.iter_mut().enumerate() {
                let element = Reply::bulk(at.to_string());
                assert_eq!(client.read(), Reply::Array(vec![Reply::bulk("k"), element]));
            }
        },
    );
}

/// Sets `key` and pauses all writes, waits until the key's time is over, and begins the statistics
/// anew.
fn expire_in_a_pause(c: &mut Client, key: &str) {
    assert_eq!(c.run("FLUSHALL"), Reply::ok());
    assert_eq!(c.run("MULTI"), Reply::ok());
    c.run(&format!("SET {key} v PX 20"));
    c.run("CLIENT PAUSE 100000 WRITE");
    assert_eq!(c.run("EXEC"), Reply::Array(vec![Reply::ok(), Reply::ok()]));
    assert!(wait_until(SOON, || c.run(&format!("EXISTS {key}")) == Reply::Int(0)));
    assert_eq!(c.run("CONFIG RESETSTAT"), Reply::ok());
}

/// The keys that a whole SCAN finds.
fn scan(c: &mut Client) -> Vec<Reply> {
    let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
    loop {
        let reply = c.run(&format!("SCAN {cursor}")).items();
        found.extend(reply[1].items());
        cursor = reply[0].text();
        if cursor == "0" {
            return found;
        }
    }
}

/// During a pause nobody sees a key whose time is over, but it is there until the pause ends.
#[test]
fn what_has_expired_stays_during_a_pause() {
    let look = |server: &Server| {
        let mut c = server.client();
        expire_in_a_pause(&mut c, "k");
        let mut seen = Vec::new();
        for line in [
            "GET k",
            "EXISTS k k",
            "TTL k",
            "PTTL k",
            "EXPIRETIME k",
            "TYPE k",
            "KEYS *",
            "STRLEN k",
            "OBJECT ENCODING k",
            "DUMP k",
            "MGET k k",
            "TOUCH k",
            "LLEN k",
            "WATCH k",
            "MULTI",
            "GET k",
            "EXEC",
            "SORT_RO k",
            "RANDOMKEY",
            "DBSIZE",
        ] {
            seen.push(format!("{line} -> {}", c.run(line)));
        }
        seen.push(format!("{:?}", scan(&mut c)));
        for field in ["expired_keys", "keyspace_hits", "keyspace_misses"] {
            seen.push(format!("{field}:{}", c.info(field)));
        }
        assert_eq!(c.run("DBSIZE"), Reply::Int(1));
        // The end of the pause is the end of the key, asked for or not.
        assert_eq!(c.run("CLIENT UNPAUSE"), Reply::ok());
        assert!(wait_until(SOON, || c.run("DBSIZE") == Reply::Int(0)));
        assert_eq!(c.info_number("expired_keys"), 1);
        // Nor does a pause that is over keep anything.
        assert_eq!(c.run("DEBUG SET-ACTIVE-EXPIRE 0"), Reply::ok());
        expire_in_a_pause(&mut c, "other");
        assert_eq!(c.run("CLIENT UNPAUSE"), Reply::ok());
        assert_eq!(c.run("DBSIZE"), Reply::Int(1));
        assert_eq!(c.run("GET other"), Reply::NullBulk);
        assert_eq!((c.run("DBSIZE"), c.info_number("expired_keys")), (Reply::Int(0), 1));
        seen
    };
    let debug = |options: ServerOptions| options.arg(["--enable-debug-command", "local"]);
    let reference = ServerOptions::new(1, true).target(Target::Valkey);
    let expected = look(&Server::start(debug(reference)));
    each_form(debug, |server| assert_eq!(look(server), expected, "{} shards", server.shards()));
}
