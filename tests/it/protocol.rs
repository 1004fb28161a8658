//! The protocol on the wire: requests in both forms, errors that end a connection, limits, and
//! what a server does with clients that are slow, half closed, or announce more than they send.

use std::time::Duration;

use crate::client::{Client, Reply, encode, encode_into};
use crate::server::{Server, ServerOptions, Target, each_form, each_plain_form};
use crate::wait::wait_until;

/// A connection must be closed this soon after a protocol error.
const CLOSED: Duration = Duration::from_secs(5);

fn pong() -> Reply {
    Reply::Simple(b"PONG".to_vec())
}

/// Sends `bytes` on a fresh connection and expects this protocol error and the end.
#[track_caller]
fn refused(server: &Server, bytes: &[u8], error: &str) {
    let mut c = server.client();
    c.send_raw(bytes);
    assert_eq!(c.read(), Reply::error(&format!("ERR Protocol error: {error}")));
    assert!(c.closed_within(CLOSED), "still open after {error}");
}

#[test]
fn inline_requests() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut ask = |bytes: &[u8]| {
            c.send_raw(bytes);
            c.read()
        };
        assert_eq!(ask(b"PING\r\n"), pong());
        assert_eq!(ask(b"PING\n"), pong());
        assert_eq!(ask(b"  ping   hello \r\n"), Reply::bulk("hello"));
        assert_eq!(ask(b"\r\n\r\nPING\r\n"), pong());
        assert_eq!(ask(b"   \r\nPING\r\n"), pong());
        assert_eq!(ask(b"SET k 'a b'\r\n"), Reply::ok());
        assert_eq!(ask(b"GET k\r\n"), Reply::bulk("a b"));
        assert_eq!(ask(b"ECHO \"\\x41\\n\\t\\\"q\\\"\"\r\n"), Reply::bulk("A\n\t\"q\""));
        assert_eq!(ask(b"ECHO 'it\\'s'\r\n"), Reply::bulk("it's"));
        assert_eq!(ask(b"ECHO \"\"\r\n"), Reply::bulk(""));
        assert_eq!(ask(b"ECHO \"a\"b\r\n"), Reply::bulk("ab"));
        assert_eq!(ask(b"ECHO a\"b c\"d\r\n"), Reply::bulk("ab cd"));
        // Both forms on one connection.
        assert_eq!(ask(&encode(&["GET", "k"])), Reply::bulk("a b"));
        assert_eq!(ask(b"GET k\r\n"), Reply::bulk("a b"));
    });
}

#[test]
fn protocol_errors_are_told_and_end_the_connection() {
    each_plain_form(|server| {
        refused(server, b"ECHO \"open\r\n", "unbalanced quotes in request");
        refused(server, b"ECHO 'a\r\n", "unbalanced quotes in request");
        refused(server, &vec![b'a'; 70_000], "too big inline request");
        refused(server, b"*x\r\n", "invalid multibulk length");
        refused(server, b"*\r\n", "invalid multibulk length");
        refused(server, b"*2147483648\r\n", "invalid multibulk length");
        refused(server, b"*99999999999999999999\r\n", "invalid multibulk length");
        refused(server, b"*1\r\n:1\r\n", "expected '$', got ':'");
        refused(server, b"*2\r\n$3\r\nGET\r\nx\r\n", "expected '$', got 'x'");
        refused(server, b"*1\r\n$-1\r\n", "invalid bulk length");
        refused(server, b"*1\r\n$abc\r\n", "invalid bulk length");
        refused(server, b"*1\r\n$\r\n", "invalid bulk length");
        refused(server, b"*1\r\n$536870913\r\n", "invalid bulk length");
        let mut long = b"*1".to_vec();
        long.resize(70_000, b'1');
        refused(server, &long, "too big mbulk count string");
        let mut long = b"*1\r\n$".to_vec();
        long.resize(70_000, b'1');
        refused(server, &long, "too big bulk count string");
        assert_eq!(server.client().run("PING"), pong());
    });
}

#[test]
fn empty_and_negative_counts_are_nothing() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.send_raw(b"*0\r\n*-1\r\n*-5\r\n");
        c.send(&["PING"]);
        assert_eq!(c.read(), pong());
        assert!(!c.readable_within(Duration::from_millis(50)));
    });
}

#[test]
fn what_came_before_a_protocol_error_is_answered() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut bytes = encode(&["SET", "before", "1"]);
        encode_into(&mut bytes, &["GET", "before"]);
        bytes.extend_from_slice(b"*1\r\n!\r\n");
        encode_into(&mut bytes, &["SET", "after", "1"]);
        c.send_raw(&bytes);
        assert_eq!(c.read(), Reply::ok());
        assert_eq!(c.read(), Reply::bulk("1"));
        assert_eq!(c.read(), Reply::error("ERR Protocol error: expected '$', got '!'"));
        assert!(c.closed_within(CLOSED));
        assert_eq!(server.client().run("EXISTS after"), Reply::Int(0));
    });
}

#[test]
fn small_limits_before_authentication() {
    let protect = |mut options: ServerOptions| {
        options.password = Some("secret".to_owned());
        options.arg(["--requirepass", "secret"])
    };
    each_form(protect, |server| {
        refused(server, b"*11\r\n", "unauthenticated multibulk length");
        refused(server, b"*2\r\n$4\r\nECHO\r\n$16385\r\n", "unauthenticated bulk length");
        let mut c = server.client();
        let noauth = Reply::error("NOAUTH Authentication required.");
        assert_eq!(c.run("GET k"), noauth);
        assert_eq!(c.run("PING"), noauth);
        assert_eq!(
            c.run("AUTH wrong"),
            Reply::error("WRONGPASS invalid username-password pair or user is disabled.")
        );
        assert_eq!(c.run("AUTH secret"), Reply::ok());
        assert_eq!(c.cmd(&["EXISTS"; 12]), Reply::Int(0));
        assert_eq!(c.cmd(&["ECHO", &"x".repeat(20_000)]), Reply::bulk("x".repeat(20_000)));
        let mut c = server.client();
        let hello = c.run("HELLO 3 AUTH default secret SETNAME me");
        assert!(matches!(hello, Reply::Map(_)), "{hello}");
        assert_eq!(c.run("CLIENT GETNAME"), Reply::bulk("me"));
        let text = "NOAUTH HELLO must be called with the client already authenticated, otherwise \
                    the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the \
                    client and select the RESP protocol version at the same time";
        assert_eq!(server.client().run("HELLO 3"), Reply::error(text));
    });
}

#[test]
fn limits_before_authentication_are_those_of_the_directive_too() {
    const UNKNOWN: &str = "unauthenticated bulk length";
    const TOO_LONG: &str = "invalid bulk length";
    for (max, longest) in [("1mb", 1 << 20), ("512mb", 512 << 20), ("1gb", 1 << 30)] {
        let protect = |mut options: ServerOptions| {
            options.password = Some("secret".to_owned());
            options.arg(["--requirepass", "secret", "--proto-max-bulk-len", max])
        };
        each_form(protect, |server| {
            let announce = |len: u64, error: &str| {
                let request = format!("*2\r\n$4\r\nECHO\r\n${len}\r\n");
                refused(server, request.as_bytes(), error);
            };
            announce(16 * 1024 + 1, UNKNOWN);
            announce(longest, UNKNOWN);
            announce(longest + 1, TOO_LONG);
            refused(server, b"*2147483648\r\n", "invalid multibulk length");
            let mut c = server.client();
            c.run("AUTH secret");
            c.send_raw(format!("*2\r\n$4\r\nECHO\r\n${}\r\n", longest + 1).as_bytes());
            let text = format!("ERR Protocol error: {TOO_LONG}");
            assert_eq!(c.read(), Reply::error(&text), "with {max}");
        });
    }
}

#[test]
fn hello_chooses_the_protocol() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("GET none"), Reply::NullBulk);
        let fields = c.run("HELLO 3");
        let Reply::Map(fields) = fields else { panic!("{fields}") };
        let names: Vec<String> = fields.iter().map(|(k, _)| k.text()).collect();
        assert_eq!(names[..6], ["server", "version", "proto", "id", "mode", "role"]);
        assert_eq!(fields[2].1, Reply::Int(3));
        assert_eq!(fields[4].1, Reply::bulk("standalone"));
        assert_eq!(fields[5].1, Reply::bulk("master"));
        assert_eq!(c.run("GET none"), Reply::Null);
        assert_eq!(c.run("HELLO 4"), Reply::error("NOPROTO unsupported protocol version"));
        assert_eq!(
            c.run("HELLO x"),
            Reply::error("ERR Protocol version is not an integer or out of range")
        );
        assert_eq!(
            c.run("HELLO 2 NONSENSE"),
            Reply::error("ERR Syntax error in HELLO option 'NONSENSE'")
        );
        assert_eq!(c.run("GET none"), Reply::Null, "a refused HELLO changes nothing");
        assert!(matches!(c.run("HELLO 2"), Reply::Array(_)));
        assert_eq!(c.run("GET none"), Reply::NullBulk);
        c.hello3();
        assert_eq!(c.run("RESET"), Reply::Simple(b"RESET".to_vec()));
        assert_eq!(c.run("GET none"), Reply::NullBulk);
    });
}

#[test]
fn a_request_in_single_bytes() {
    each_plain_form(|server| {
        let mut c = server.client();
        for byte in encode(&["SET", "slow", "one\r\ntwo"]) {
            c.send_raw(&[byte]);
        }
        assert_eq!(c.read(), Reply::ok());
        // A request and a half, then the rest.
        let mut bytes = encode(&["GET", "slow"]);
        encode_into(&mut bytes, &["ECHO", "second"]);
        let (first, rest) = bytes.split_at(bytes.len() - 9);
        c.send_raw(first);
        assert_eq!(c.read(), Reply::bulk("one\r\ntwo"));
        assert!(!c.readable_within(Duration::from_millis(30)));
        c.send_raw(rest);
        assert_eq!(c.read(), Reply::bulk("second"));
    });
}

#[test]
fn keys_and_values_are_bytes() {
    each_plain_form(|server| {
        let mut c = server.client();
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(c.cmd(&[&b"SET"[..], &every, &every]), Reply::ok());
        assert_eq!(c.cmd(&[&b"GET"[..], &every]), Reply::bulk(&every));
        assert_eq!(c.cmd(&[&b"SET"[..], b"", b""]), Reply::ok());
        assert_eq!(c.cmd(&[&b"GET"[..], b""]), Reply::bulk(""));
        assert_eq!(c.run("DBSIZE"), Reply::Int(2));
    });
}

#[test]
fn long_pipelines_are_answered_in_order() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut commands: Vec<Vec<String>> = Vec::new();
        let text = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        for i in 0..10_000 {
            let key = format!("key:{}", i % 997);
            commands.push(match i % 5 {
                0 => text(&["SET", &key, &i.to_string()]),
                1 => text(&["ECHO", &i.to_string()]),
                2 => text(&["INCR", "counter"]),
                3 => text(&["MGET", "counter", "nothing"]),
                _ => text(&["NOSUCH", &i.to_string()]),
            });
        }
        let replies = c.pipeline(&commands);
        for (i, reply) in replies.iter().enumerate() {
            let count = i / 5 + 1;
            match i % 5 {
                0 => assert_eq!(reply, &Reply::ok()),
                1 => assert_eq!(reply, &Reply::bulk(i.to_string())),
                2 => assert_eq!(reply.int(), i64::try_from(count).expect("small")),
                3 => {
                    let both = vec![Reply::bulk(count.to_string()), Reply::NullBulk];
                    assert_eq!(reply, &Reply::Array(both));
                }
                _ => assert!(reply.text().contains(&format!("beginning with: '{i}' ")), "{reply}"),
            }
        }
    });
}

#[test]
fn a_half_closed_client_gets_all_replies() {
    each_plain_form(|server| {
        let mut c = server.client();
        let value = "v".repeat(1000);
        // The references drop what did not fit into the socket's buffer; Baton does not.
        let gets = if server.target() == Target::Baton { 3000 } else { 20 };
        let mut bytes = encode(&["SET", "big", &value]);
        for _ in 0..gets {
            encode_into(&mut bytes, &["GET", "big"]);
        }
        c.send_raw(&bytes);
        c.half_close();
        assert_eq!(c.read(), Reply::ok());
        for _ in 0..gets {
            assert_eq!(c.read(), Reply::bulk(&value));
        }
        assert!(c.closed_within(CLOSED));
    });
}

#[test]
fn values_of_many_megabytes() {
    const LEN: usize = 64 * 1024 * 1024;
    each_plain_form(|server| {
        let mut c = server.client();
        let value: Vec<u8> = (0..LEN).map(|i| (i * 7 + i / 4096) as u8).collect();
        let got = c.exchange(&encode(&[&b"SET"[..], b"huge", &value]), 1);
        assert_eq!(got, [Reply::ok()]);
        assert_eq!(c.run("STRLEN huge").int(), LEN as i64);
        assert!(c.run("GET huge") == Reply::Bulk(value), "64 MB came back changed");
        assert_eq!(c.run("APPEND huge tail").int(), LEN as i64 + 4);
        assert_eq!(c.run("GETRANGE huge -6 -1").bytes()[2..], *b"tail");
        assert_eq!(c.run("DEL huge"), Reply::Int(1));
        assert_eq!(c.run("PING"), pong());
    });
}

#[test]
fn announced_lengths_cost_no_memory() {
    each_plain_form(|server| {
        let before = server.resident_bytes().expect("resident memory");
        let mut clients: Vec<Client> = (0..50).map(|_| server.client()).collect();
        for c in &mut clients {
            c.send_raw(b"*1000000\r\n$3\r\nSET\r\n$500000000\r\nabc");
        }
        // Another client has been served after those bytes arrived.
        for _ in 0..20 {
            assert_eq!(server.client().run("PING"), pong());
        }
        let after = server.resident_bytes().expect("resident memory");
        let growth = after.saturating_sub(before);
        assert!(growth < 50 << 20, "{growth} bytes for 50 announced requests");
    });
}

#[test]
fn the_longest_argument_is_a_directive() {
    let small = |options: ServerOptions| options.arg(["--proto-max-bulk-len", "1mb"]);
    each_form(small, |server| {
        refused(server, b"*2\r\n$4\r\nECHO\r\n$1048577\r\n", "invalid bulk length");
        let mut c = server.client();
        let most = "x".repeat(1 << 20);
        assert_eq!(c.cmd(&["SET", "k", &most]), Reply::ok());
        let text = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        assert_eq!(c.run("APPEND k y"), Reply::error(text));
        assert_eq!(c.run("SETRANGE k 1048576 y"), Reply::error(text));
        assert_eq!(c.run("CONFIG SET proto-max-bulk-len 2mb"), Reply::ok());
        assert_eq!(c.run("APPEND k y").int(), (1 << 20) + 1);
    });
}

#[test]
fn a_slow_reader_is_dropped_and_no_other() {
    let limited = |options: ServerOptions| {
        options.arg(["--client-output-buffer-limit", "normal", "2mb", "0", "0"])
    };
    each_form(limited, |server| {
        let mut other = server.client();
        other.cmd(&["SET", "big", &"x".repeat(100_000)]);
        let mut slow = server.client();
        let mut bytes = Vec::new();
        for _ in 0..2000 {
            encode_into(&mut bytes, &["GET", "big"]);
        }
        // 200 MB of replies that nobody reads; the server may close before it has read them all.
        let _closed = slow.try_send_raw(&bytes);
        let gone = wait_until(Duration::from_secs(20), || {
            assert_eq!(other.run("PING"), pong());
            other.run("CLIENT LIST").text().lines().count() == 1
        });
        assert!(gone, "the slow client is still there: {}", other.run("CLIENT LIST").text());
        assert!(slow.closed_within(CLOSED));
        assert_eq!(other.run("STRLEN big"), Reply::Int(100_000));
    });
}

#[test]
fn replies_larger_than_socket_buffers_arrive_when_read_late() {
    each_plain_form(|server| {
        let mut c = server.client();
        c.cmd(&["SET", "big", &"x".repeat(1 << 20)]);
        let mut bytes = Vec::new();
        for _ in 0..30 {
            encode_into(&mut bytes, &["GET", "big"]);
        }
        c.send_raw(&bytes);
        // Others are served while 30 MB wait for their reader.
        let mut other = server.client();
        for _ in 0..200 {
            assert_eq!(other.run("SET other 1"), Reply::ok());
        }
        for _ in 0..30 {
            assert_eq!(c.read().bytes().len(), 1 << 20);
        }
        assert_eq!(c.run("PING"), pong());
    });
}

/// Replies so long that writing them takes several turns, behind and before short ones, on one
/// acceptor with somebody else's requests.
#[test]
fn long_replies_take_turns_with_others() {
    for shards in [1, 3] {
        let options = ServerOptions { acceptors: Some(1), ..ServerOptions::new(shards, true) };
        let server = Server::start(options);
        let (mut client, mut other) = (server.client(), server.client());
        let element = |n: usize| format!("{n:0>1000}");
        for chunk in 0..20 {
            let mut push = vec!["RPUSH".to_owned(), "list".to_owned()];
            push.extend((chunk * 1000..(chunk + 1) * 1000).map(element));
            assert_eq!(client.cmd(&push).int(), (chunk as i64 + 1) * 1000);
        }
        for line in
            ["LRANGE list 0 -1", "PING", "LRANGE list 0 9999", "LLEN list", "LRANGE list 1 -1"]
        {
            client.send(&line.split(' ').collect::<Vec<_>>());
        }
        for _ in 0..200 {
            assert_eq!(other.run("PING"), pong());
        }
        let expect = |reply: Reply, numbers: std::ops::Range<usize>| {
            let items = reply.items();
            assert_eq!(items.len(), numbers.len());
            assert!(
                items.iter().zip(numbers).all(|(item, n)| item.bytes() == element(n).as_bytes())
            );
        };
        expect(client.read(), 0..20_000);
        assert_eq!(client.read(), pong());
        expect(client.read(), 0..10_000);
        assert_eq!(client.read(), Reply::Int(20_000));
        expect(client.read(), 1..20_000);
        assert_eq!(client.run("PING"), pong());
    }
}

#[test]
fn errors_of_unknown_commands_and_wrong_counts() {
    each_plain_form(|server| {
        let mut c = server.client();
        let is =
            |c: &mut Client, line: &str, text: &str| assert_eq!(c.run(line), Reply::error(text));
        is(&mut c, "foo", "ERR unknown command 'foo', with args beginning with: ");
        is(&mut c, "foo a b", "ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
        is(&mut c, "get", "ERR wrong number of arguments for 'get' command");
        is(&mut c, "GET a b", "ERR wrong number of arguments for 'get' command");
        is(&mut c, "CLIENT", "ERR wrong number of arguments for 'client' command");
        is(
            &mut c,
            "client getname x",
            "ERR wrong number of arguments for 'client|getname' command",
        );
        is(&mut c, "CLIENT nope", "ERR unknown subcommand 'nope'. Try CLIENT HELP.");
        is(&mut c, "CONFIG GET", "ERR wrong number of arguments for 'config|get' command");
        let long = "x".repeat(300);
        let error = c.cmd(&["NOSUCH", &long, "second"]).text();
        assert!(error.len() < 250, "arguments are cut: {error}");
    });
}

#[test]
fn quit_answers_and_closes() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut bytes = encode(&["QUIT"]);
        encode_into(&mut bytes, &["SET", "after", "quit"]);
        c.send_raw(&bytes);
        assert_eq!(c.read(), Reply::ok());
        assert!(c.closed_within(CLOSED));
        assert_eq!(server.client().run("EXISTS after"), Reply::Int(0));
    });
}
