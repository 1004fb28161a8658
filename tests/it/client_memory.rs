//! What clients hold, and who is closed when it is too much: `maxmemory-clients`, and the limits of
//! query and output buffers.

use std::time::Duration;

use crate::client::{Client, Reply, encode, encode_into};
use crate::server::{Server, ServerOptions, Target, each_form, each_plain_form};
use crate::wait::wait_until;

/// Connections end, and what was sent arrives, within this time.
const SOON: Duration = Duration::from_secs(10);

const KB: usize = 1 << 10;
const MB: usize = 1 << 20;

/// A connection with a name.
fn named(server: &Server, name: &str) -> Client {
    let mut c = server.client();
    assert_eq!(c.cmd(&["CLIENT", "SETNAME", name]), Reply::ok());
    c
}

/// A connection that is never evicted.
fn control(server: &Server) -> Client {
    let mut c = named(server, "control");
    assert_eq!(c.run("CLIENT NO-EVICT ON"), Reply::ok());
    c
}

/// A field of CLIENT LIST for every client of this name.
fn fields(c: &mut Client, name: &str, field: &str) -> Vec<usize> {
    let text = c.run("CLIENT LIST").text();
    let of_name = text.lines().filter(|line| line.contains(&format!(" name={name} ")));
    let value = |line: &str| {
        let value = line.split(' ').find_map(|word| word.strip_prefix(&format!("{field}=")));
        value.and_then(|value| value.parse().ok()).expect("a number")
    };
    of_name.map(value).collect()
}

fn field(c: &mut Client, name: &str, field: &str) -> usize {
    let found = fields(c, name, field);
    let [value] = found.as_slice() else { panic!("{name} {field}: {found:?}") };
    *value
}

fn count(c: &mut Client, name: &str) -> usize {
    fields(c, name, "id").len()
}

/// Sends the beginning of a request whose one argument holds `size` bytes by now, and waits until
/// that is seen to be held.
fn hold(server: &Server, control: &mut Client, name: &str, size: usize) -> Client {
    let before: usize = fields(control, name, "qbuf").iter().sum();
    let mut c = named(server, name);
    let mut bytes = format!("*2\r\n${size}\r\n").into_bytes();
    bytes.resize(bytes.len() + size, b'v');
    c.send_raw(&bytes);
    let held =
        wait_until(SOON, || fields(control, name, "qbuf").iter().sum::<usize>() == before + size);
    assert!(held, "{:?}", fields(control, name, "qbuf"));
    c
}

#[test]
fn those_that_hold_most_are_closed_until_the_rest_fits() {
    each_plain_form(|server| {
        let mut control = control(server);
        let sizes = [("small", 128 * KB), ("middle", MB), ("large", 3 * MB)];
        let mut clients = Vec::new();
        for _ in 0..3 {
            for (name, size) in sizes {
                clients.push(hold(server, &mut control, name, size));
            }
        }
        let mut counts = |limit: usize| {
            let limit = limit.to_string();
            assert_eq!(control.cmd(&["CONFIG", "SET", "maxmemory-clients", &limit]), Reply::ok());
            let left = sizes.map(|(name, _)| count(&mut control, name));
            (left, control.info_number("evicted_clients"))
        };
        assert_eq!(counts(13 * MB), ([3, 3, 3], 0));
        assert_eq!(counts(10 * MB), ([3, 3, 2], 1));
        assert_eq!(counts(4 * MB), ([3, 3, 0], 3));
        assert_eq!(counts(2 * MB), ([3, 1, 0], 5));
        assert_eq!(counts(700 * KB), ([3, 0, 0], 6));
        assert_eq!(counts(1), ([0, 0, 0], 9), "128 KiB are the least limit");
        assert_eq!(count(&mut control, "control"), 1);
        for c in &mut clients {
            assert!(c.closed_within(SOON));
        }
        assert_eq!(control.run("CONFIG RESETSTAT"), Reply::ok());
        assert_eq!(control.info_number("evicted_clients"), 0);
    });
}

/// Ways to hold more than 3 MB, each as it is sent; those up to the last have replies.
fn ways_to_hold_too_much() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let value = "v".repeat(600 * KB);
    let mut huge = b"*2\r\n$4000000\r\n".to_vec();
    huge.resize(huge.len() + 3_100_000, b'v');
    let mut arguments = b"*1000\r\n$4\r\nMSET\r\n".to_vec();
    for _ in 0..160 {
        arguments.extend_from_slice(b"$20000\r\n");
        arguments.resize(arguments.len() + 20_000, b'v');
        arguments.extend_from_slice(b"\r\n");
    }
    let mut watch = vec!["WATCH".to_owned()];
    watch.extend((0..40_000).map(|n| format!("{n:040}")));
    let set = || encode(&["SET", "queued", &value]);
    let get = || encode(&["LRANGE", "list", "0", "-1"]);
    let mut unread = Vec::new();
    (0..50).for_each(|_| unread.extend(get()));
    vec![
        ("one argument", vec![huge]),
        ("many arguments", vec![arguments]),
        ("what MULTI queues", vec![encode(&["MULTI"]), set(), set(), set(), set().repeat(2)]),
        ("watched keys", vec![encode(&watch)]),
        ("replies that nobody reads", vec![unread]),
    ]
}

#[test]
fn whatever_a_client_holds_counts() {
    let limited = |options: ServerOptions| options.arg(["--maxmemory-clients", "3000000"]);
    each_form(limited, |server| {
        let mut other = named(server, "other");
        for n in 0..1000 {
            other.cmd(&["RPUSH", "list", &format!("{n:01000}")]);
        }
        for (evicted, (way, parts)) in ways_to_hold_too_much().iter().enumerate() {
            let mut c = named(server, "target");
            let (last, first) = parts.split_last().expect("a part");
            for part in first {
                c.send_raw(part);
                assert!(!c.read().is_error(), "{way}");
            }
            assert!(field(&mut other, "target", "tot-mem") < 3_000_000, "{way}");
            assert_eq!(other.info_number("evicted_clients"), evicted as i64, "before: {way}");
            let _closed_meanwhile = c.try_send_raw(last);
            assert!(wait_until(SOON, || count(&mut other, "target") == 0), "{way}");
            assert_eq!(other.info_number("evicted_clients"), evicted as i64 + 1, "{way}");
            assert!(c.closed_within(SOON), "{way}");
        }
        assert_eq!(other.run("EXISTS queued"), Reply::Int(0));
        assert_eq!(other.run("LLEN list"), Reply::Int(1000));
    });
}

/// Requests that may not run yet, and names, are Baton's to count or not: Valkey counts no names.
#[test]
fn what_waits_counts_and_so_does_a_name() {
    let limited = |options: ServerOptions| options.arg(["--maxmemory-clients", "3000000"]);
    each_form(limited, |server| {
        if server.target() != Target::Baton {
            return;
        }
        let mut other = named(server, "other");
        let long = "n".repeat(3_000_000);
        let mut c = named(server, "target");
        let _closed = c.try_send_raw(&encode(&["CLIENT", "SETNAME", &long]));
        assert!(c.closed_within(SOON));
        assert_eq!(other.info_number("evicted_clients"), 1);
        // It waits with a key of a MB, then three such are too much.
        let key = "k".repeat(MB);
        let mut waiting = Vec::new();
        for _ in 0..3 {
            let mut c = named(server, "waiting");
            let _closed = c.try_send_raw(&encode(&["BLPOP", &key, "0"]));
            waiting.push(c);
        }
        assert!(wait_until(SOON, || other.info_number("evicted_clients") == 2));
        assert_eq!(other.info_number("blocked_clients"), 2);
        assert_eq!(other.run("CONFIG SET maxmemory-clients 0"), Reply::ok());
        for (pushed, c) in waiting.iter_mut().enumerate() {
            if c.closed_within(Duration::from_millis(50)) {
                continue;
            }
            assert_eq!(other.cmd(&["RPUSH", &key, "x"]), Reply::Int(1), "{pushed}");
        }
        assert_eq!(other.cmd(&["LLEN", &key]), Reply::Int(0), "both were served");
        assert_eq!(other.run("CONFIG SET maxmemory-clients 3000000"), Reply::ok());
        let mut held: Vec<Client> = (0..3).map(|_| named(server, "held")).collect();
        assert_eq!(other.run("CLIENT PAUSE 100000 WRITE"), Reply::ok());
        let value = "v".repeat(MB);
        for c in &mut held {
            let _closed = c.try_send_raw(&encode(&["SET", "held", &value]));
        }
        let arrived = wait_until(SOON, || fields(&mut other, "held", "argv-mem") == [MB + 7; 2]);
        assert!(arrived, "{:?}", fields(&mut other, "held", "argv-mem"));
        assert_eq!(other.info_number("evicted_clients"), 3);
        assert_eq!(other.run("CLIENT UNPAUSE"), Reply::ok());
    });
}

#[test]
fn less_than_the_limit_is_nobodys_end() {
    let limited = |options: ServerOptions| options.arg(["--maxmemory-clients", "3000000"]);
    each_form(limited, |server| {
        let mut control = control(server);
        let value = "v".repeat(2_000_000);
        for turn in 0..5 {
            let mut c = named(server, "target");
            assert_eq!(c.cmd(&["MSET", "k", "v", "k2", &value]), Reply::ok());
            assert_eq!(c.run("GET k"), Reply::bulk("v"));
            c.run("MULTI");
            c.cmd(&["SET", "k3", &value[..MB]]);
            assert!(field(&mut control, "target", "multi-mem") > MB);
            assert_eq!(c.run("EXEC").items(), [Reply::ok()]);
            assert_eq!(field(&mut control, "target", "multi-mem"), 0, "{turn}");
        }
        assert_eq!(control.info_number("evicted_clients"), 0);
    });
}

#[test]
fn a_part_of_maxmemory_is_a_limit_too() {
    each_plain_form(|server| {
        let mut control = control(server);
        control.run("CONFIG SET maxmemory 60mb maxmemory-clients 5%");
        let mut c = hold(server, &mut control, "target", 2 * MB);
        // Less memory for all is less for clients.
        assert_eq!(control.run("CONFIG SET maxmemory 30mb"), Reply::ok());
        assert!(wait_until(SOON, || count(&mut control, "target") == 0));
        assert!(c.closed_within(SOON));
        // A part of no limit is no limit.
        assert_eq!(control.run("CONFIG SET maxmemory 0 maxmemory-clients 1%"), Reply::ok());
        let _c = hold(server, &mut control, "target", 4 * MB);
        assert_eq!(control.info_number("evicted_clients"), 1);
    });
}

#[test]
fn who_must_not_be_evicted_is_spared_as_long_as_that_holds() {
    let limited = |options: ServerOptions| options.arg(["--maxmemory-clients", "2mb"]);
    each_form(limited, |server| {
        let mut control = control(server);
        let mut c = server.client();
        assert_eq!(c.run("CLIENT NO-EVICT ON"), Reply::ok());
        c.run("MULTI");
        for _ in 0..4 {
            assert_eq!(c.cmd(&["SET", "k", &"v".repeat(MB)]).text(), "QUEUED");
        }
        assert_eq!(c.run("CLIENT ID").text(), "QUEUED");
        // What it holds counts all the same: somebody else goes for it.
        let mut victim = server.client();
        let _closed = victim.try_send_raw(&encode(&["SET", "k", &"v".repeat(300 * KB)]));
        assert!(wait_until(SOON, || control.info_number("evicted_clients") >= 1));
        assert!(victim.closed_within(SOON));
        assert_eq!(c.run("EXEC").items().len(), 5);
        let before = control.info_number("evicted_clients");
        let mut spared = server.client();
        assert_eq!(spared.run("CLIENT NO-EVICT ON"), Reply::ok());
        let mut request = encode(&["CLIENT", "NO-EVICT", "OFF"]);
        encode_into(&mut request, &["PING"]);
        request.extend_from_slice(b"*2\r\n$9000000\r\n");
        request.resize(request.len() + 4 * MB, b'v');
        let _closed = spared.try_send_raw(&request);
        assert!(wait_until(SOON, || control.info_number("evicted_clients") == before + 1));
        assert!(spared.closed_within(SOON));
    });
}

#[test]
fn whose_exception_ends_is_evicted_though_it_does_nothing_else() {
    let limited = |options: ServerOptions| options.arg(["--maxmemory-clients", "2mb"]);
    each_form(limited, |server| {
        let mut control = control(server);
        control.cmd(&["RPUSH", "list", &"v".repeat(10_000)]);
        let mut c = named(server, "target");
        assert_eq!(c.run("CLIENT NO-EVICT ON"), Reply::ok());
        let mut requests = Vec::new();
        for _ in 0..4000 {
            encode_into(&mut requests, &["LRANGE", "list", "0", "-1"]);
        }
        // 40 MB that nobody reads: the sockets do not hold as much.
        c.send_raw(&requests);
        assert!(wait_until(SOON, || field(&mut control, "target", "omem") > 20 * MB));
        c.send_raw(&encode(&["CLIENT", "NO-EVICT", "OFF"]));
        assert!(wait_until(SOON, || count(&mut control, "target") == 0));
    });
}

#[test]
fn acceptors_that_find_it_at_the_same_time_do_not_close_twice_as_many() {
    let limited = |options: ServerOptions| ServerOptions {
        acceptors: Some(3),
        ..options.arg(["--maxmemory-clients", "4mb"])
    };
    each_form(limited, |server| {
        let (size, sent) = (200 * KB, 60);
        let mut control = control(server);
        let mut clients: Vec<Client> = (0..sent).map(|_| named(server, "target")).collect();
        let mut bytes = format!("*2\r\n${size}\r\n").into_bytes();
        bytes.resize(bytes.len() + size, b'v');
        std::thread::scope(|scope| {
            for part in clients.chunks_mut(10) {
                let bytes = &bytes;
                scope.spawn(move || part.iter_mut().for_each(|c| drop(c.try_send_raw(bytes))));
            }
        });
        // The last to be closed may still be there when all has arrived.
        let held =
            |control: &mut Client| fields(control, "target", "tot-mem").iter().sum::<usize>();
        let settled = wait_until(SOON, || {
            let arrived = fields(&mut control, "target", "qbuf").iter().all(|&bytes| bytes == size);
            arrived && held(&mut control) <= 4 * MB
        });
        assert!(settled, "{:?}", fields(&mut control, "target", "tot-mem"));
        let held = held(&mut control);
        // One less than fit, by what a connection itself takes.
        let left = count(&mut control, "target");
        assert!(left >= 17, "{left} of {sent} are left, {held} bytes");
        assert_eq!(control.info_number("evicted_clients"), (sent - left) as i64);
    });
}

/// Whether the last of the requests is answered with what `expected` says; else the connection must
/// end.
fn is_answered(c: &mut Client, request: &[u8]) -> bool {
    let _closed = c.try_send_raw(request);
    c.try_read().is_ok_and(|reply| !reply.is_error())
}

#[test]
fn the_query_buffer_is_what_is_not_yet_an_argument_and_what_multi_queues() {
    let limited = |options: ServerOptions| options.arg(["--client-query-buffer-limit", "1mb"]);
    each_form(limited, |server| {
        let mut other = server.client();
        let set = |len: usize| encode(&["SET", "k", &"v".repeat(len)]);
        assert!(is_answered(&mut server.client(), &set(MB - 2)));
        let mut followed = set(MB - 2);
        (0..2000).for_each(|_| encode_into(&mut followed, &["PING"]));
        assert!(is_answered(&mut server.client(), &followed), "others stand behind it");
        for (closed, len) in [MB - 1, MB + 100_000].into_iter().enumerate() {
            assert!(!is_answered(&mut server.client(), &set(len)), "{len}");
            let counted = other.info_number("client_query_buffer_limit_disconnections");
            assert_eq!(counted, closed as i64 + 1);
        }
        // Arguments that have arrived do not count.
        let value = "v".repeat(100_000);
        let many: Vec<&str> =
            std::iter::once("MSET").chain(std::iter::repeat_n(&*value, 30)).collect();
        assert!(is_answered(&mut server.client(), &encode(&many)));
        let value = "v".repeat(10_000);
        let many: Vec<&str> =
            std::iter::once("MSET").chain(std::iter::repeat_n(&*value, 300)).collect();
        assert!(is_answered(&mut server.client(), &encode(&many)));
        let mut c = server.client();
        c.run("MULTI");
        let queued = (0..20).take_while(|_| is_answered(&mut c, &set(100_000))).count();
        assert!((9..=10).contains(&queued), "{queued}");
        assert_eq!(other.info_number("client_query_buffer_limit_disconnections"), 3);
        // Small commands count by the number of their arguments.
        let mut c = server.client();
        let mut small = encode(&["MULTI"]);
        (0..40_000).for_each(|_| encode_into(&mut small, &["SET", "k", "v"]));
        let _closed = c.try_send_raw(&small);
        assert!(c.closed_within(SOON));
        assert_eq!(other.info_number("client_query_buffer_limit_disconnections"), 4);
        // The limit holds for what is queued, not for what has been run.
        let mut c = server.client();
        for _ in 0..3 {
            c.run("MULTI");
            for _ in 0..6 {
                assert_eq!(c.cmd(&["SET", "k", &"v".repeat(100_000)]).text(), "QUEUED");
            }
            assert_eq!(c.run("EXEC").items().len(), 6);
        }
    });
}

#[test]
fn replies_beyond_the_hard_limit_are_not_sent_but_what_was_asked_is_done() {
    let limited = |options: ServerOptions| {
        options.arg(["--client-output-buffer-limit", "normal", "100000", "0", "0"])
    };
    each_form(limited, |server| {
        let mut other = server.client();
        for _ in 0..150 {
            other.cmd(&["RPUSH", "list", &"v".repeat(1000)]);
        }
        assert_eq!(other.run("LRANGE list 0 89").items().len(), 90);
        let mut c = server.client();
        assert!(!is_answered(&mut c, &encode(&["LRANGE", "list", "0", "-1"])));
        let mut pipeline = Vec::new();
        for n in 0..15 {
            encode_into(&mut pipeline, &["INCR", "counter"]);
            encode_into(&mut pipeline, &["LRANGE", "list", "0", "9"]);
            encode_into(&mut pipeline, &["SET", &format!("key:{n}"), "v"]);
        }
        assert!(!is_answered(&mut server.client(), &pipeline));
        // What stands behind the reply that was too much is run or not, in order.
        let ran: usize = other.run("GET counter").text().parse().expect("a number");
        assert!((11..=15).contains(&ran), "{ran}");
        assert_eq!(other.run("EXISTS key:0 key:5 key:9"), Reply::Int(3));
        let mut c = server.client();
        for command in ["MULTI", "SET a 1", "LRANGE list 0 -1", "SET b 2"] {
            assert!(!c.run(command).is_error());
        }
        assert!(!is_answered(&mut c, &encode(&["EXEC"])));
        assert_eq!(other.run("MGET a b").items(), [Reply::bulk("1"), Reply::bulk("2")]);
        assert_eq!(other.info_number("client_output_buffer_limit_disconnections"), 3);
        // A value that is sent from where it is takes no buffer if the socket takes it at once.
        other.cmd(&["SET", "big", &"v".repeat(150_000)]);
        assert_eq!(other.run("GET big").bytes().len(), 150_000);
        // Else all of it counts, though the socket has taken some.
        other.cmd(&["SETRANGE", "big", &(8 * MB).to_string(), "v"]);
        let limit = format!("normal {} 0 0", 15 * MB / 2);
        other.cmd(&["CONFIG", "SET", "client-output-buffer-limit", &limit]);
        let mut slow = server.client();
        let _closed = slow.try_send_raw(&encode(&["GET", "big"]));
        let closed = wait_until(SOON, || {
            other.info_number("client_output_buffer_limit_disconnections") == 4
        });
        assert!(closed);
    });
}
