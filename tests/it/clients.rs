//! CLIENT: who is connected, and what can be done about it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::client::{Client, Reply, encode, encode_into};
use crate::server::{Server, each_plain_form};
use crate::wait::{now, wait_until};

/// Connections end, and pauses begin, within this time.
const SOON: Duration = Duration::from_secs(5);

/// The lines of a CLIENT LIST as fields.
fn parse(list: &Reply) -> Vec<BTreeMap<String, String>> {
    let text = list.text();
    let field = |word: &str| word.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
    text.lines().map(|line| line.split(' ').filter_map(field).collect()).collect()
}

fn list(c: &mut Client, filter: &str) -> Vec<BTreeMap<String, String>> {
    parse(&c.run(&format!("CLIENT LIST {filter}")))
}

fn id(c: &mut Client) -> i64 {
    c.run("CLIENT ID").int()
}

/// A connection with a name.
fn named(server: &Server, name: &str) -> Client {
    let mut c = server.client();
    assert_eq!(c.cmd(&["CLIENT", "SETNAME", name]), Reply::ok());
    c
}

#[test]
fn ids_grow_and_info_describes() {
    each_plain_form(|server| {
        let mut a = server.client();
        let mut b = server.client();
        assert!(id(&mut a) < id(&mut b));
        b.run("CLIENT SETNAME bee");
        b.run("CLIENT SETINFO LIB-NAME lib");
        b.run("CLIENT SETINFO LIB-VER 1.2.3");
        b.run("SELECT 3");
        b.run("WATCH x y");
        b.run("MULTI");
        b.run("PING");
        let lines = list(&mut a, "NAME bee");
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let field = |name: &str| line.get(name).unwrap_or_else(|| panic!("no {name}: {line:?}"));
        assert_eq!(field("laddr"), &format!("127.0.0.1:{}", server.port()));
        assert!(field("addr").starts_with("127.0.0.1:"));
        assert_eq!(field("db"), "3");
        assert_eq!(field("multi"), "1");
        assert_eq!(field("watch"), "2");
        assert_eq!(field("flags"), "x");
        assert_eq!(field("cmd"), "ping");
        assert_eq!(field("user"), "default");
        assert_eq!(field("resp"), "2");
        assert_eq!(field("lib-name"), "lib");
        assert_eq!(field("lib-ver"), "1.2.3");
        let order: Vec<String> = {
            let text = a.run("CLIENT LIST NAME bee").text();
            text.split(' ').map(|w| w.split('=').next().unwrap_or_default().to_owned()).collect()
        };
        let first = ["id", "addr", "laddr", "fd", "name", "age", "idle", "flags"];
        assert_eq!(order[..8], first);
        b.run("DISCARD");
        b.hello3();
        let info = parse(&b.run("CLIENT INFO"));
        assert_eq!(info[0]["resp"], "3");
        assert_eq!(info[0]["cmd"], "client|info");
        assert_eq!(info[0]["id"], id(&mut b).to_string());
        assert!(matches!(b.run("CLIENT INFO"), Reply::Verbatim(k, _) if &k == b"txt"));
    });
}

#[test]
fn the_list_is_over_all_acceptors_and_filtered() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut others: Vec<Client> = (0..20).map(|i| named(server, &format!("w{i}"))).collect();
        let ids: Vec<i64> = others.iter_mut().map(id).collect();
        assert_eq!(list(&mut c, "").len(), 21);
        assert_eq!(list(&mut c, "TYPE normal").len(), 21);
        assert_eq!(list(&mut c, "TYPE pubsub").len(), 0);
        assert_eq!(list(&mut c, &format!("ID {} {} 999999", ids[3], ids[7])).len(), 2);
        assert_eq!(list(&mut c, "SKIPME yes").len(), 20);
        assert_eq!(list(&mut c, "NAME w3").len(), 1);
        assert_eq!(list(&mut c, "USER default").len(), 21);
        others[2].run("SELECT 2");
        assert_eq!(list(&mut c, "DB 2").len(), 1);
        assert_eq!(list(&mut c, "DB 0 SKIPME yes").len(), 19);
        let addr = list(&mut c, "NAME w5")[0]["addr"].clone();
        assert_eq!(list(&mut c, &format!("ADDR {addr}"))[0]["name"], "w5");
        assert_eq!(list(&mut c, &format!("LADDR 127.0.0.1:{}", server.port())).len(), 21);
        assert_eq!(list(&mut c, "IP 127.0.0.1").len(), 21);
        assert_eq!(list(&mut c, "NAME w3 DB 2").len(), 0);
        assert_eq!(list(&mut c, "MAXAGE 100000").len(), 0);
        let mut lines = list(&mut c, "");
        lines.sort_by_key(|l| l["id"].parse::<i64>().expect("an id"));
        let sorted: Vec<i64> = lines.iter().map(|l| l["id"].parse().expect("an id")).collect();
        assert!(ids.iter().all(|id| sorted.contains(id)));
        for (line, error) in [
            ("CLIENT LIST TYPE nope", "ERR Unknown client type 'nope'"),
            ("CLIENT LIST nope", "ERR syntax error"),
            ("CLIENT LIST USER nobody", "ERR No such user 'nobody'"),
            ("CLIENT LIST DB x", "ERR DB is not an integer or out of range"),
        ] {
            assert_eq!(c.run(line), Reply::error(error), "{line}");
        }
        drop(others);
        assert!(wait_until(SOON, || list(&mut c, "").len() == 1), "the closed ones are gone");
    });
}

#[test]
fn kill_by_every_filter() {
    each_plain_form(|server| {
        let mut c = server.client();
        let own = id(&mut c);
        let expect_killed = |c: &mut Client, line: &str, count: i64, killed: &mut [&mut Client]| {
            assert_eq!(c.run(line), Reply::Int(count), "{line}");
            for victim in killed {
                assert!(victim.closed_within(SOON), "{line}: still open");
            }
        };
        let mut a = named(server, "a");
        let line = format!("CLIENT KILL ID {}", id(&mut a));
        expect_killed(&mut c, &line, 1, &mut [&mut a]);
        let mut a = named(server, "a");
        let addr = list(&mut c, "NAME a")[0]["addr"].clone();
        expect_killed(&mut c, &format!("CLIENT KILL ADDR {addr}"), 1, &mut [&mut a]);
        let mut a = named(server, "a");
        let addr = list(&mut c, "NAME a")[0]["addr"].clone();
        assert_eq!(c.run(&format!("CLIENT KILL {addr}")), Reply::ok());
        assert!(a.closed_within(SOON));
        assert_eq!(c.run(&format!("CLIENT KILL {addr}")), Reply::error("ERR No such client"));
        let (mut a, mut b) = (named(server, "a"), named(server, "b"));
        expect_killed(&mut c, "CLIENT KILL NAME b", 1, &mut [&mut b]);
        assert_eq!(a.run("PING"), Reply::Simple(b"PONG".to_vec()));
        let mut b = named(server, "b");
        let line = format!("CLIENT KILL LADDR 127.0.0.1:{}", server.port());
        expect_killed(&mut c, &line, 2, &mut [&mut a, &mut b]);
        let (mut a, mut b) = (named(server, "a"), named(server, "b"));
        expect_killed(&mut c, "CLIENT KILL TYPE normal", 2, &mut [&mut a, &mut b]);
        let (mut a, mut b) = (named(server, "a"), named(server, "b"));
        b.run("SELECT 4");
        expect_killed(&mut c, "CLIENT KILL USER default DB 4", 1, &mut [&mut b]);
        expect_killed(&mut c, "CLIENT KILL MAXAGE 100000", 0, &mut []);
        expect_killed(&mut c, "CLIENT KILL ID 999999", 0, &mut []);
        expect_killed(&mut c, "CLIENT KILL TYPE pubsub", 0, &mut []);
        expect_killed(&mut c, &format!("CLIENT KILL ID {own}"), 0, &mut []);
        for (line, error) in [
            ("CLIENT KILL nope", "ERR No such client"),
            ("CLIENT KILL ID x", "ERR syntax error"),
            ("CLIENT KILL ID", "ERR No such client"),
            ("CLIENT KILL ID 0", "ERR client-id should be greater than 0"),
            ("CLIENT KILL TYPE nope", "ERR Unknown client type 'nope'"),
            ("CLIENT KILL USER nobody", "ERR No such user 'nobody'"),
            ("CLIENT KILL SKIPME maybe", "ERR syntax error"),
            ("CLIENT KILL MAXAGE x", "ERR maxage is not an integer or out of range"),
        ] {
            assert_eq!(c.run(line), Reply::error(error), "{line}");
        }
        // Its own connection: the count is still told, then it ends.
        expect_killed(&mut c, &format!("CLIENT KILL ID {own} SKIPME no"), 1, &mut []);
        assert!(c.closed_within(SOON));
        assert_eq!(a.run("PING"), Reply::Simple(b"PONG".to_vec()));
    });
}

#[test]
fn replies_switched_off_and_skipped() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut bytes = Vec::new();
        for line in [
            &["CLIENT", "REPLY", "OFF"][..],
            &["SET", "a", "1"],
            &["GET", "a"],
            &["NOSUCH"],
            &["CLIENT", "REPLY", "ON"],
            &["GET", "a"],
            &["CLIENT", "REPLY", "SKIP"],
            &["INCR", "a"],
            &["GET", "a"],
        ] {
            encode_into(&mut bytes, line);
        }
        c.send_raw(&bytes);
        assert_eq!(c.read(), Reply::ok());
        assert_eq!(c.read(), Reply::bulk("1"));
        assert_eq!(c.read(), Reply::bulk("2"));
        assert_eq!(c.run("CLIENT REPLY maybe"), Reply::error("ERR syntax error"));
    });
}

#[test]
fn a_pause_holds_writes_and_lets_reads_pass() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut writer = server.client();
        let mut transaction = server.client();
        transaction.run("MULTI");
        transaction.run("INCR n");
        c.run("SET k 1");
        assert_eq!(c.run("CLIENT PAUSE 60000 WRITE"), Reply::ok());
        writer.send(&["SET", "k", "2"]);
        assert!(!writer.readable_within(Duration::from_millis(150)), "the write has to wait");
        assert_eq!(c.run("GET k"), Reply::bulk("1"));
        let mut other = server.client();
        assert_eq!(other.run("GET k"), Reply::bulk("1"), "a new connection may read");
        // A transaction that only reads passes, one that writes waits.
        other.run("MULTI");
        other.run("GET k");
        assert_eq!(other.run("EXEC"), Reply::Array(vec![Reply::bulk("1")]));
        transaction.send(&["EXEC"]);
        assert!(!transaction.readable_within(Duration::from_millis(100)));
        assert_eq!(c.run("CLIENT UNPAUSE"), Reply::ok());
        assert_eq!(writer.read(), Reply::ok());
        assert_eq!(transaction.read(), Reply::Array(vec![Reply::Int(1)]));
        assert_eq!(c.run("GET k"), Reply::bulk("2"));
    });
}

#[test]
fn a_pause_of_everything_ends_by_itself() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut reader = server.client();
        assert_eq!(reader.run("GET k"), Reply::NullBulk);
        let start = now();
        assert_eq!(c.run("CLIENT PAUSE 300"), Reply::ok());
        reader.send(&["GET", "k"]);
        assert_eq!(reader.read(), Reply::NullBulk);
        let waited = start.elapsed();
        assert!(waited >= Duration::from_millis(250), "answered after {waited:?}");
        for (line, error) in [
            ("CLIENT PAUSE x", "ERR timeout is not an integer or out of range"),
            ("CLIENT PAUSE -1", "ERR timeout is negative"),
            ("CLIENT PAUSE 1 nope", "ERR CLIENT PAUSE mode must be WRITE or ALL"),
        ] {
            assert_eq!(c.run(line), Reply::error(error));
        }
    });
}

#[test]
fn names_and_switches() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("CLIENT GETNAME"), Reply::NullBulk);
        assert_eq!(c.run("CLIENT SETNAME me"), Reply::ok());
        assert_eq!(c.run("CLIENT GETNAME"), Reply::bulk("me"));
        let text = "ERR Client names cannot contain spaces, newlines or special characters.";
        assert_eq!(c.cmd(&["CLIENT", "SETNAME", "a b"]), Reply::error(text));
        assert_eq!(c.cmd(&["CLIENT", "SETNAME", ""]), Reply::ok());
        assert_eq!(c.run("CLIENT GETNAME"), Reply::NullBulk);
        assert_eq!(c.run("CLIENT NO-EVICT ON"), Reply::ok());
        assert_eq!(parse(&c.run("CLIENT INFO"))[0]["flags"], "e");
        assert_eq!(c.run("CLIENT NO-EVICT OFF"), Reply::ok());
        assert_eq!(c.run("CLIENT NO-TOUCH ON"), Reply::ok());
        assert_eq!(parse(&c.run("CLIENT INFO"))[0]["flags"], "T");
        assert_eq!(c.run("CLIENT NO-TOUCH OFF"), Reply::ok());
        assert_eq!(parse(&c.run("CLIENT INFO"))[0]["flags"], "N");
        assert_eq!(c.run("CLIENT NO-EVICT maybe"), Reply::error("ERR syntax error"));
        c.run("SELECT 2");
        c.run("CLIENT SETNAME again");
        assert_eq!(c.run("RESET"), Reply::Simple(b"RESET".to_vec()));
        assert_eq!(c.run("CLIENT GETNAME"), Reply::NullBulk);
        assert_eq!(parse(&c.run("CLIENT INFO"))[0]["db"], "0");
        assert!(c.run("CLIENT HELP").items().len() > 20);
    });
}

#[test]
fn many_connections_at_once() {
    each_plain_form(|server| {
        let mut clients: Vec<Client> = (0..500).map(|_| server.client()).collect();
        for (i, c) in clients.iter_mut().enumerate() {
            c.send_raw(&encode(&["SET", &format!("k{i}"), "v"]));
        }
        for c in &mut clients {
            assert_eq!(c.read(), Reply::ok());
        }
        let mut c = server.client();
        assert_eq!(c.info_number("connected_clients"), 501);
        assert_eq!(c.run("DBSIZE"), Reply::Int(500));
        drop(clients);
        assert!(wait_until(SOON, || c.info_number("connected_clients") == 1));
    });
}

#[test]
fn one_that_ends_anyway_but_reads_nothing_can_be_killed() {
    const REPLIES: usize = 50;
    each_plain_form(|server| {
        let mut c = server.client();
        c.cmd(&["SET", "big", &"v".repeat(1 << 20)]);
        let mut ending = named(server, "ending");
        let mut requests = Vec::new();
        (0..REPLIES).for_each(|_| encode_into(&mut requests, &["GET", "big"]));
        encode_into(&mut requests, &["QUIT"]);
        ending.send_raw(&requests);
        let full = wait_until(SOON, || {
            let lines = list(&mut c, "NAME ending");
            lines.iter().any(|line| line["omem"].len() > 7)
        });
        assert!(full, "its replies should be more than sockets hold");
        assert_eq!(c.run("CLIENT KILL TYPE normal"), Reply::Int(1));
        let read = ending.read_to_end().map_or(0, |bytes| bytes.len());
        assert!(read < REPLIES << 20, "it got {read} bytes");
    });
}
