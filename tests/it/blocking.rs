//! Clients that wait: the same scenes played on Baton in every form and on the reference.
//!
//! A scene is a script of lines for clients named by a letter. What each of them saw is its
//! transcript, and that of Baton must be that of valkey-server. `a RPUSH k x` sends and reads the
//! reply; `a> BLPOP k 0` sends and waits until the server lists the client as blocked; `a<` reads
//! a reply that is due; `a?` says whether it still waits; `a/` closes its side of the connection
//! and `a!` all of it, and both wait until the server has noticed; `a3` goes over to RESP3. `$a`
//! stands for the number of
//! client `a`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::client::{Client, Reply, encode};
use crate::server::{Server, ServerOptions, Target, each_plain_form};
use crate::wait::{now, wait_until};

/// What the server does at once is seen within this time.
const SOON: Duration = Duration::from_secs(10);

/// The clients of a scene.
struct Stage<'a> {
    server: &'a Server,
    control: Client,
    clients: BTreeMap<char, (Client, i64)>,
    transcript: String,
}

impl<'a> Stage<'a> {
    fn new(server: &'a Server) -> Stage<'a> {
        let mut control = server.client();
        assert_eq!(control.run("FLUSHALL"), Reply::ok());
        Stage { server, control, clients: BTreeMap::new(), transcript: String::new() }
    }

    fn client(&mut self, name: char) -> &mut (Client, i64) {
        let server = self.server;
        self.clients.entry(name).or_insert_with(|| {
            let mut client = server.client();
            let id = client.run("CLIENT ID").int();
            (client, id)
        })
    }

    /// The flags of a client, `None` if it is gone.
    fn flags(&mut self, id: i64) -> Option<String> {
        let line = self.control.run(&format!("CLIENT LIST ID {id}")).text();
        let flags = line.split(' ').find_map(|word| word.strip_prefix("flags="));
        flags.map(str::to_owned)
    }

    fn waits(&mut self, id: i64) -> bool {
        self.flags(id).is_some_and(|flags| flags.contains('b'))
    }

    fn play(&mut self, line: &str) {
        let mut chars = line.chars();
        let name = chars.next().expect("a line begins with a client");
        let rest = chars.as_str();
        let id = self.client(name).1;
        let mut said = String::new();
        let (mode, command) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        let mut command = command.trim().to_owned();
        for (other, (_, id)) in &self.clients {
            command = command.replace(&format!("${other}"), &id.to_string());
        }
        match mode {
            "" => said = self.client(name).0.run(&command).to_string(),
            ">" => {
                let words: Vec<&str> = command.split(' ').collect();
                self.client(name).0.send(&words);
                assert!(wait_until(SOON, || self.waits(id)), "{line}: it does not wait");
            }
            "3" => self.client(name).0.hello3(),
            "<" => said = self.client(name).0.read().to_string(),
            "?" => said = self.waits(id).to_string(),
            "/" => {
                self.client(name).0.half_close();
                assert!(wait_until(SOON, || self.flags(id).is_none()), "{line}: still there");
            }
            "!" => {
                self.clients.remove(&name);
                assert!(wait_until(SOON, || self.flags(id).is_none()), "{line}: still there");
            }
            _ => panic!("no line of a scene: {line}"),
        }
        // Writing to a string cannot fail.
        let _ = writeln!(self.transcript, "{line} -> {said}");
    }
}

fn transcript(server: &Server, scene: &str) -> String {
    let mut stage = Stage::new(server);
    scene.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(|line| stage.play(line));
    stage.transcript
}

/// Plays scenes on the reference and on Baton in every form.
pub fn compare(scenes: &[&str]) {
    let reference = Server::start(ServerOptions::new(1, true).target(Target::Valkey));
    let expected: Vec<String> = scenes.iter().map(|scene| transcript(&reference, scene)).collect();
    each_plain_form(|server| {
        for (scene, expected) in scenes.iter().zip(&expected) {
            assert_eq!(transcript(server, scene), *expected, "{} shards", server.shards());
        }
    });
}

#[test]
fn who_waits_is_served_in_order() {
    compare(&[
        "a BLPOP k 0.01
         a> BLPOP k 0
         b> BRPOP k 0
         c> BLMPOP 0 1 k LEFT COUNT 2
         p RPUSH k 1 2 3 4 5
         a<
         b<
         c<
         p LRANGE k 0 -1",
        "a> BLPOP k1 k2 k3 k4 0
         b> BLPOP k4 k3 0
         p RPUSH k4 x
         a<
         b?
         p RPUSH k1 y
         b?
         p RPUSH k3 z
         b<
         p LRANGE k1 0 -1
         p EXISTS k2 k3 k4",
        "a> BLMOVE s d LEFT RIGHT 0
         b> BRPOPLPUSH s d 0
         c> BLMOVE s s LEFT RIGHT 0
         p RPUSH s 1 2 3 4
         a<
         b<
         c<
         p LRANGE s 0 -1
         p LRANGE d 0 -1",
        "a> BLPOP k 0
         p LPUSH k a b c
         a<
         p LRANGE k 0 -1
         p DEL k
         a> BLPOP k k k 0
         p RPUSH k 1
         a<",
        "a> BLPOP k 0
         a!
         b> BLPOP k 0
         p RPUSH k 1
         b<
         c> BLPOP k 0
         c/
         p RPUSH k 2
         p LRANGE k 0 -1",
    ]);
}

#[test]
fn chains_run_to_their_end() {
    compare(&[
        // Whoever has the reply of a push sees what came of it.
        "a> BLMOVE s1 d1 LEFT RIGHT 0
         p RPUSH s1 x
         p EXISTS s1 d1
         b> BLMOVE s2 d2 LEFT RIGHT 0
         p RPUSH s2 x
         p EXISTS s2 d2
         c> BLMOVE s3 d3 LEFT RIGHT 0
         p RPUSH s3 x y
         p EXISTS s3 d3
         a<
         b<
         c<",
        "a> BLMOVE q1 q2 LEFT RIGHT 0
         b> BLMOVE q2 q3 LEFT RIGHT 0
         c> BLMOVE q3 q4 LEFT RIGHT 0
         d> BLPOP q4 0
         p RPUSH q1 x y
         d<
         a<
         b<
         c<
         p LRANGE q1 0 -1
         p EXISTS q2 q3 q4",
        "a> BLMOVE q1 q2 LEFT RIGHT 0
         b> BLMOVE q2 q1 LEFT RIGHT 0
         p RPUSH q1 x
         a<
         b<
         p LRANGE q1 0 -1
         p LRANGE q2 0 -1",
        "a> BLMOVE a d LEFT RIGHT 0
         b> BLMOVE b d LEFT RIGHT 0
         c> BLMOVE c d LEFT RIGHT 0
         p RPUSH b 2
         b<
         p RPUSH c 3
         c<
         p RPUSH a 1
         a<
         p LRANGE d 0 -1",
    ]);
}

#[test]
fn transactions_serve_when_they_are_done() {
    compare(&[
        "a> BLPOP k1 k2 0
         p MULTI
         p RPUSH k2 2
         p RPUSH k1 1
         p EXEC
         a<
         p LRANGE k2 0 -1",
        "a> BLPOP k 0
         p MULTI
         p RPUSH k v
         p DEL k
         p SET k s
         p EXEC
         a?
         p DEL k
         p RPUSH k w
         a<",
        "a> BLPOP k 0
         p MULTI
         p RPUSH k 1 2
         p LPOP k
         p EXEC
         a<",
        "a MULTI
         a BLPOP k 0
         a BLMOVE k d LEFT LEFT 0
         a BRPOPLPUSH k d 0
         a BLMPOP 0 1 k LEFT
         a RPUSH k 1 2 3
         a BLPOP k 0
         a BLMOVE k d LEFT LEFT 0
         a BLMPOP 0 2 none k LEFT
         a EXEC",
        "a> BLMOVE a d LEFT RIGHT 0
         b> BLMOVE b d LEFT RIGHT 0
         p MULTI
         p RPUSH {x}b 0
         p RPUSH b 2
         p EXEC
         b<
         p RPUSH a 1
         a<
         p LRANGE d 0 -1",
    ]);
}

#[test]
fn whatever_makes_a_list_serves() {
    compare(&[
        "a> BLPOP k 0
         p RPUSH q 1
         p RENAME q k
         a<
         a> BLPOP k 0
         p RPUSH q 2
         p COPY q k
         a<
         p RPUSH k2 x
         p LMOVE k2 k3 LEFT LEFT
         a> BLPOP k 0
         p RPOPLPUSH k3 k
         a<",
        "a> BLPOP k 0
         p SELECT 1
         p RPUSH k x
         a?
         p SWAPDB 0 1
         a<
         a> BLPOP k 0
         p RPUSH k x
         a?
         p MOVE k 0
         a<",
        "a> BLPOP k 0
         p SET k s
         a?
         p DEL k
         p SADD k m
         a?
         p FLUSHALL
         a?
         p RPUSH k x
         a<",
        "a> BLMOVE {t}s {t}d LEFT LEFT 0
         p SET {t}d s
         p RPUSH {t}s 1
         a<
         p LRANGE {t}s 0 -1
         p DEL {t}s
         a> BLMOVE {t}s {t}d LEFT LEFT 0
         p DEL {t}d
         a?
         p RPUSH {t}s 2
         a<
         p LRANGE {t}d 0 -1",
        "p SET d s
         a> BLMOVE s d LEFT LEFT 0
         p RPUSH s 1
         a<
         p LRANGE s 0 -1",
        "a> BLPOP {t}k1 {t}k2 0
         p SET {t}k1 s
         p RPUSH {t}k2 v
         a<",
    ]);
}

#[test]
fn who_is_unblocked_with_an_error_was_turned_away() {
    each_plain_form(|server| {
        let (mut waiting, mut c) = (server.client(), server.client());
        let id = waiting.run("CLIENT ID").int();
        waiting.send(&["BLPOP", "k", "0"]);
        assert!(wait_until(SOON, || c.info_number("blocked_clients") == 1));
        assert_eq!(c.run(&format!("CLIENT UNBLOCK {id} ERROR")), Reply::Int(1));
        assert!(waiting.read().is_error());
        let figures = c.info("cmdstat_blpop");
        assert!(figures.starts_with("calls=1,"), "{figures}");
        assert!(figures.ends_with("rejected_calls=1,failed_calls=0"), "{figures}");
        assert_eq!(c.info("errorstat_UNBLOCKED"), "count=1");
    });
}

#[test]
fn waits_end_in_other_ways() {
    compare(&[
        "a> BLPOP k 0
         b CLIENT UNBLOCK $a
         a<
         b CLIENT UNBLOCK $a
         a> BLMOVE k d LEFT LEFT 0
         b CLIENT UNBLOCK $a ERROR
         a<
         a> BLMPOP 0 2 k d LEFT
         b CLIENT UNBLOCK $a xyz
         b CLIENT UNBLOCK xyz
         b CLIENT UNBLOCK $a timeout
         a<
         b CLIENT UNBLOCK 987654
         b CLIENT UNBLOCK -1
         a RPUSH k 1
         a BLPOP k 0",
        "a3
         a BLPOP k 0.01
         a BLMOVE k d LEFT LEFT 0.01
         a BRPOPLPUSH k d 0.01
         a BLMPOP 0.01 1 k LEFT",
        "a BLPOP k 0.01
         a BLMOVE k d LEFT LEFT 0.01
         a BRPOPLPUSH k d 0.01
         a BLMPOP 0.01 1 k LEFT",
        "a> BLPOP k k2 k3 0
         b CLIENT KILL ID $a
         b> BLPOP k 0
         p RPUSH k 1
         b<
         p EXISTS k",
    ]);
}

#[test]
fn sorted_sets_are_waited_for() {
    compare(&[
        "a> BZPOPMIN z1 z2 z3 0
         b> BZPOPMAX z2 0
         c> BZMPOP 0 2 z3 z2 MAX COUNT 2
         p ZADD z2 1 a 2 b 3 c 4 d 5 e
         a<
         b<
         c<
         p ZRANGE z2 0 -1 WITHSCORES
         a BZPOPMIN none z2 0
         a BZPOPMIN z2 0.01
         a BZMPOP 0.01 1 z2 MIN",
        "a3
         a> BZPOPMIN z 0
         p RPUSH z x
         a?
         p DEL z
         p ZADD y 1.5 m
         p ZUNIONSTORE z 1 y
         a<
         a> BZMPOP 0 1 z MIN
         p GEOADD g 13 38 x
         p RENAME g z
         a<
         a BZPOPMIN z 0.01",
        "p SET s x
         a BZPOPMIN s 0
         a BZPOPMIN z -1
         a BZMPOP x 0 z MIN
         a BZMPOP abc 1 z MIN COUNT 0
         a BZMPOP abc 1 z MIN
         a MULTI
         a BZPOPMIN z 0
         a BZMPOP 0 1 z MAX
         a EXEC",
    ]);
}

#[test]
fn streams_are_waited_for() {
    compare(&[
        "p XADD s1 1-1 f v
         a> XREAD BLOCK 0 STREAMS s1 s2 s3 $ $ 0
         b> XREAD COUNT 1 BLOCK 0 STREAMS s2 0
         p XADD s1 1-2 f v
         a<
         b?
         p XADD s2 5-1 f v
         b<
         a XREAD BLOCK 5 STREAMS s1 s2 $ $
         a XREAD BLOCK 0 STREAMS s1 s2 1-1 $
         a MULTI
         a XREAD BLOCK 0 STREAMS s1 $
         a EXEC",
        // What `+` means is looked up when there is something to read, `$` when there is not.
        "a> XREAD BLOCK 0 STREAMS s +
         b> XREAD BLOCK 0 STREAMS s $
         c> XREAD BLOCK 0 STREAMS s s2 + 0
         p MULTI
         p XADD s 1-1 f v
         p XADD s 1-2 f v
         p EXEC
         a<
         b<
         c<",
        "p XADD s1 1-5 f v
         a> XREAD BLOCK 0 STREAMS s1 s2 1-7 1-7
         p XADD s1 1-6 f v
         a?
         p XADD s2 1-7 f v
         a?
         p SET s3 x
         p XADD s1 1-9 f v
         a<",
        "p XGROUP CREATE s1 g $ MKSTREAM
         p XGROUP CREATE s2 g $ MKSTREAM
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s1 s2 > >
         b> XREADGROUP GROUP g two BLOCK 0 STREAMS s1 >
         p XADD s1 1-1 f v
         p XPENDING s1 g
         a<
         b?
         p XACK s1 g 1-1
         b?
         p XADD s2 1-1 f v
         b?
         p XADD s1 1-2 f v
         p XPENDING s1 g
         b<",
        "p XGROUP CREATE s g $ MKSTREAM
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s >
         p DEL s
         a<
         p XGROUP CREATE s g $ MKSTREAM
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s >
         p XGROUP DESTROY s g
         a<
         p XGROUP CREATE s g $
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s >
         p RENAME s t
         a<
         p XGROUP CREATE s g $ MKSTREAM
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s >
         p SET s x
         a<
         p DEL s
         p XGROUP CREATE s g $ MKSTREAM
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s >
         p PEXPIRE s 30
         a<
         p XGROUP CREATE s g $ MKSTREAM
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s >
         p FLUSHALL
         a<
         p XGROUP CREATE s g $ MKSTREAM
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s >
         p SWAPDB 0 1
         a<",
        "p XGROUP CREATE s1 g $ MKSTREAM
         p XGROUP CREATE s2 g $ MKSTREAM
         p XGROUP CREATE s3 g $ MKSTREAM
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s1 s2 s3 > > >
         p DEL s3
         a<
         p XADD s1 1-1 f v
         a XREADGROUP GROUP g one BLOCK 0 STREAMS s1 s2 > >
         a> XREADGROUP GROUP g one BLOCK 0 STREAMS s1 s2 > >
         b CLIENT UNBLOCK $a ERROR
         a<
         a XREAD BLOCK -1 STREAMS s1 $
         a XREAD BLOCK x STREAMS s1 $
         a XREAD BLOCK 9223372036854775807 STREAMS s1 $",
    ]);
}

#[test]
fn errors_come_first() {
    compare(&["p SET s x
         p RPUSH l 1
         a BLPOP s 0
         a BLPOP l s 0
         a BLPOP k s 0
         p RPUSH l 1
         a BLPOP l abc
         a BLPOP l -1
         a BLPOP l 1e400
         a BLPOP l
         a BLMOVE l d X LEFT abc
         a BLMOVE l d LEFT LEFT abc
         a BLMOVE l s LEFT LEFT 0
         a BRPOPLPUSH l s -1
         a BRPOPLPUSH s l 0
         a BLMPOP x 0 l LEFT
         a BLMPOP -1 2 l LEFT
         a BLMPOP 0 1 l MIDDLE
         a BLMPOP 0 1 l LEFT COUNT 0
         a BLMPOP 0 1 l LEFT COUNT 1 COUNT 2
         a BLMPOP abc 1 l LEFT
         a BLMPOP 0 1 s LEFT
         p LRANGE l 0 -1"]);
}

#[test]
fn a_pipeline_waits_behind_what_waits() {
    each_plain_form(|server| {
        let (mut a, mut p) = (server.client(), server.client());
        for round in 0..20 {
            a.send_raw(&encode(&["SET", "before", "1"]));
            a.send_raw(&encode(&["BLPOP", "k", "0"]));
            a.send_raw(&encode(&["GET", "after"]));
            a.send_raw(&encode(&["BLPOP", "k", "other", "0"]));
            a.send_raw(&encode(&["PING"]));
            assert_eq!(a.read(), Reply::ok());
            assert!(wait_until(SOON, || p.info_number("blocked_clients") == 1));
            p.cmd(&["SET", "after", &round.to_string()]);
            assert_eq!(p.run("RPUSH k x"), Reply::Int(1));
            assert_eq!(a.read(), Reply::Array(vec![Reply::bulk("k"), Reply::bulk("x")]));
            assert_eq!(a.read(), Reply::bulk(round.to_string()));
            assert_eq!(p.run("RPUSH other y"), Reply::Int(1));
            assert_eq!(a.read(), Reply::Array(vec![Reply::bulk("other"), Reply::bulk("y")]));
            assert_eq!(a.read(), Reply::Simple(b"PONG".to_vec()));
        }
        a.send_raw(b"CLIENT REPLY SKIP\r\nBLPOP k 0\r\nPING\r\n");
        assert!(wait_until(SOON, || p.info_number("blocked_clients") == 1));
        p.run("RPUSH k x");
        assert_eq!(a.read(), Reply::Simple(b"PONG".to_vec()));
    });
}

#[test]
fn timeouts_are_kept_to_the_millisecond() {
    each_plain_form(|server| {
        let mut clients: Vec<Client> = (0..8).map(|_| server.client()).collect();
        let started = now();
        // The last to ask is the first to give up.
        for (at, client) in clients.iter_mut().enumerate().rev() {
            let timeout = format!("0.{:03}", 40 + 25 * at);
            client.send(&["BLPOP", "k", "k2", "k3", &timeout]);
        }
        for (at, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.read(), Reply::NullArray);
            // The server's clock has whole milliseconds.
            let (after, due) = (started.elapsed(), Duration::from_millis(39 + 25 * at as u64));
            assert!(after >= due, "{after:?} instead of {due:?}");
        }
        let mut control = server.client();
        assert_eq!(control.info("blocked_clients"), "0");
        assert_eq!(control.info("clients_in_timeout_table"), "0");
        assert!(wait_until(SOON, || control.info("total_blocking_keys") == "0"));
    });
}

#[test]
fn those_who_wait_are_told_of() {
    each_plain_form(|server| {
        let mut control = server.client();
        control.run("CONFIG SET timeout 1");
        let (mut a, mut b, mut idle) = (server.client(), server.client(), server.client());
        assert_eq!(idle.run("PING"), Reply::Simple(b"PONG".to_vec()));
        // The second comes when the first waits: else either may be the first to be read.
        a.send(&["BLPOP", "k1", "k2", "100"]);
        assert!(wait_until(SOON, || control.info_number("blocked_clients") == 1));
        b.send(&["BLMOVE", "k1", "d", "LEFT", "LEFT", "0"]);
        assert!(wait_until(SOON, || control.info_number("blocked_clients") == 2));
        assert_eq!(control.info("clients_in_timeout_table"), "1");
        assert_eq!(control.info("total_blocking_keys"), "2");
        assert_eq!(control.info("total_blocking_keys_on_nokey"), "0");
        let before = control.run("INFO commandstats").text();
        assert!(!before.contains("cmdstat_blpop"), "it counts when its wait is over: {before}");
        // Who waits is not idle; who does not, is.
        assert!(wait_until(SOON, || {
            control.run("PING");
            control.info_number("connected_clients") == 3
        }));
        assert_eq!(control.info("blocked_clients"), "2");
        control.run("RPUSH k1 1 2");
        assert_eq!(a.read(), Reply::Array(vec![Reply::bulk("k1"), Reply::bulk("1")]));
        assert_eq!(b.read(), Reply::bulk("2"));
        assert_eq!(control.info("blocked_clients"), "0");
        assert!(control.run("INFO commandstats").text().contains("cmdstat_blpop:calls=1,"));
        assert!(wait_until(SOON, || control.info("total_blocking_keys") == "0"));
    });
}

#[test]
fn a_server_ends_though_clients_wait() {
    let mut server = Server::start(ServerOptions::new(4, true));
    let (mut a, mut control) = (server.client(), server.client());
    a.send(&["BLPOP", "k1", "k2", "k3", "0"]);
    assert!(wait_until(SOON, || control.info_number("blocked_clients") == 1));
    control.send(&["SHUTDOWN", "NOSAVE"]);
    assert!(server.wait_exit(SOON).is_some_and(|status| status.success()));
    assert!(a.closed_within(SOON));
}

#[test]
fn who_is_served_while_memory_is_full() {
    compare(&[
        "p RPUSH q 1 2 3 4
         p ZADD y 1 m
         p XADD t 1-1 f v
         p XGROUP CREATE t g $
         a> BLMOVE k d LEFT LEFT 0
         b> BLPOP k 0
         c> BZPOPMIN z 0
         d> XREAD BLOCK 0 STREAMS s 0
         e> XREADGROUP GROUP g c BLOCK 0 STREAMS t >
         f> BRPOPLPUSH none d 0
         z CONFIG SET maxmemory 1
         p RPUSH k x
         p RENAME q k
         a<
         b<
         p LRANGE k 0 -1
         p EXISTS d
         p RENAME y z
         c<
         p RENAME t s
         d<
         e<
         f?
         g BLMOVE k d LEFT LEFT 0
         g> BLPOP none 0
         p MULTI
         p LPOP k
         p RPUSH none x
         p EXEC
         g?
         z CONFIG SET maxmemory 0
         p RPUSH none 1 2
         f<
         g<
         p LRANGE d 0 -1",
        // A transaction that was queued before is refused as a whole if it needs memory.
        "p RPUSH q 1 2
         a> BLPOP k 0
         p MULTI
         p LPOP q
         p RPUSH k 1
         o MULTI
         o LPOP q
         z CONFIG SET maxmemory 1
         p EXEC
         a?
         o EXEC
         p LRANGE q 0 -1
         p EXISTS k
         z CONFIG SET maxmemory 0
         p RPUSH k 2
         a<",
    ]);
}

/// Who was killed is served no more, from the reply of CLIENT KILL on.
#[test]
fn who_was_killed_takes_nothing() {
    each_plain_form(|server| {
        let (mut control, mut p) = (server.client(), server.client());
        for round in 0..100 {
            let (mut a, mut b) = (server.client(), server.client());
            let id = a.run("CLIENT ID").int();
            for (client, count) in [(&mut a, 1), (&mut b, 2)] {
                match round % 2 {
                    0 => client.send(&["BLPOP", "k", "0"]),
                    _ => client.send(&["BLPOP", "none", "k", "other", "0"]),
                }
                assert!(wait_until(SOON, || control.info_number("blocked_clients") == count));
            }
            let mut both = encode(&["CLIENT", "KILL", "ID", &id.to_string()]);
            both.extend(encode(&["RPUSH", "k", "x"]));
            p.send_raw(&both);
            assert_eq!(p.read_n(2), [Reply::Int(1), Reply::Int(1)]);
            assert_eq!(b.read(), Reply::Array(vec![Reply::bulk("k"), Reply::bulk("x")]));
            assert!(a.closed_within(SOON));
        }
    });
}

/// Clients that leave at the moment at which somebody pushes: whoever waits behind them gets the
/// element, or the next one if it went with them; nobody gets one that another has.
#[test]
fn nothing_comes_twice_when_clients_leave_as_they_are_served() {
    let served = |element: &str| Reply::Array(vec![Reply::bulk("k"), Reply::bulk(element)]);
    each_plain_form(|server| {
        let (mut control, mut p) = (server.client(), server.client());
        for round in 0..100 {
            let (mut a, mut b) = (server.client(), server.client());
            for (client, count) in [(&mut a, 1), (&mut b, 2)] {
                match round % 2 {
                    0 => client.send(&["BLPOP", "k", "0"]),
                    _ => client.send(&["BLPOP", "none", "k", "other", "0"]),
                }
                assert!(wait_until(SOON, || control.info_number("blocked_clients") == count));
            }
            let mut a = Some(a);
            std::thread::scope(|scope| {
                let push = scope.spawn(|| p.run("RPUSH k x"));
                // Closed on one side it can still read; else it is gone.
                match a.as_mut() {
                    Some(client) if round % 4 < 2 => client.half_close(),
                    _ => a = None,
                }
                assert_eq!(push.join().expect("the push"), Reply::Int(1));
            });
            let rest = a.map(|mut a| a.read_to_end().expect("its end")).unwrap_or_default();
            assert!(wait_until(SOON, || control.info_number("blocked_clients") <= 1));
            p.run("RPUSH k y");
            let got = b.read();
            let left = p.run("LRANGE k 0 -1");
            if got == served("x") {
                assert_eq!((&rest[..], left), (&b""[..], Reply::Array(vec![Reply::bulk("y")])));
            } else {
                // It went with the other, who may have its reply.
                assert_eq!((got, left), (served("y"), Reply::Array(Vec::new())));
                assert!(rest.is_empty() || rest.ends_with(b"$1\r\nx\r\n"), "{rest:?}");
            }
            p.run("DEL k");
        }
    });
}
