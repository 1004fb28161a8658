//! Where a server listens and whom it lets in: unix sockets, protected mode, `maxclients`,
//! `timeout`.

use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use crate::client::{Client, Reply, encode};
use crate::server::{
    Server, ServerOptions, Target, each_form, each_plain_form, free_port, run_to_end,
};
use crate::wait::{now, wait_until};

const SOON: Duration = Duration::from_secs(5);

fn pong() -> Reply {
    Reply::Simple(b"PONG".to_vec())
}

#[test]
fn a_unix_socket_with_its_permissions() {
    let unix = |options: ServerOptions| options.unix().arg(["--unixsocketperm", "700"]);
    each_form(unix, |server| {
        let mut c = server.unix_client();
        assert_eq!(c.run("SET k v"), Reply::ok());
        assert_eq!(server.client().run("GET k"), Reply::bulk("v"));
        let mode = server.unix_path().metadata().expect("the socket's file").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let info = c.run("CLIENT INFO").text();
        assert!(info.contains(&format!("{}:0", server.unix_path().display())), "{info}");
        assert!(info.contains(" flags=U "), "{info}");
        let mut bytes = Vec::new();
        for _ in 0..1000 {
            bytes.extend(encode(&["INCR", "n"]));
        }
        let replies = c.exchange(&bytes, 1000);
        assert_eq!(replies[999], Reply::Int(1000));
    });
}

/// Whether so many new clients in a row are served at an address: every acceptor listens there.
fn serves(addr: SocketAddrV4) -> bool {
    (0..20).all(|_| {
        let asked = Client::try_connect(addr).and_then(|mut c| c.try_cmd(&["PING"]));
        asked.is_ok_and(|reply| reply == pong())
    })
}

fn refuses(addr: SocketAddrV4) -> bool {
    wait_until(SOON, || Client::try_connect(addr).is_err())
}

#[test]
fn the_port_changes_while_clients_stay() {
    each_plain_form(|server| {
        let (mut c, first) = (server.client(), server.addr());
        let second = SocketAddrV4::new(*first.ip(), free_port());
        assert_eq!(c.run(&format!("CONFIG SET port {}", second.port())), Reply::ok());
        assert!(serves(second));
        assert!(refuses(first), "the old port");
        assert_eq!(c.info_number("tcp_port"), i64::from(second.port()));
        assert_eq!(c.config("port"), second.port().to_string());
        // Nothing changes for whoever asks for what cannot be had.
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = taken.local_addr().expect("its address").port();
        assert_eq!(
            c.run(&format!("CONFIG SET port {port}")),
            Reply::error(
                "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on \
                 this port. Check server logs."
            )
        );
        assert!(c.run(&format!("CONFIG SET port {} maxmemory abc", first.port())).is_error());
        let impossible = format!("CONFIG SET port {} dir /nowhere/at/all", first.port());
        assert!(c.run(&impossible).is_error());
        assert_eq!(c.config("port"), second.port().to_string());
        assert!(serves(second) && refuses(first));
        // Without a port there is the connection left; and back again.
        assert_eq!(c.run("CONFIG SET port 0"), Reply::ok());
        assert!(refuses(second));
        assert_eq!(c.run(&format!("CONFIG SET port {}", first.port())), Reply::ok());
        assert!(serves(first));
    });
}

#[test]
fn the_addresses_change_while_clients_stay() {
    each_plain_form(|server| {
        let (mut c, first) = (server.client(), server.addr());
        let second = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2), first.port());
        let (was, refused) = (c.config("bind"), "Failed to bind to specified addresses.");
        for nowhere in ["192.0.2.1", "127.0.0.2 192.0.2.1", "no.such.host.invalid"] {
            assert_eq!(
                c.cmd(&["CONFIG", "SET", "bind", nowhere]),
                Reply::error(&format!(
                    "ERR CONFIG SET failed (possibly related to argument 'bind') - {refused}"
                ))
            );
            assert_eq!(c.config("bind"), was);
        }
        assert_eq!(c.cmd(&["CONFIG", "SET", "bind", "127.0.0.1 127.0.0.2"]), Reply::ok());
        assert!(serves(first) && serves(second));
        assert_eq!(c.run("CONFIG SET bind 127.0.0.2"), Reply::ok());
        assert!(refuses(first) && serves(second));
        assert_eq!(c.cmd(&["CONFIG", "SET", "bind", ""]), Reply::ok());
        assert!(refuses(second));
        assert_eq!(c.cmd(&["CONFIG", "SET", "bind", "* -::*"]), Reply::ok());
        assert!(serves(first) && serves(second));
    });
}

/// A group, by name and number, that a file of this process may be given and that none has yet.
fn another_group() -> Option<(String, u32)> {
    let own = rustix::process::getgid().as_raw();
    let all = std::fs::read_to_string("/etc/group").ok()?;
    let member_of: Vec<u32> =
        rustix::process::getgroups().ok()?.iter().map(|group| group.as_raw()).collect();
    all.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let number = fields.nth(1)?.parse().ok()?;
        let may = rustix::process::geteuid().is_root() || member_of.contains(&number);
        (may && number != own).then_some((name, number))
    })
}

#[test]
fn a_unix_socket_with_its_group() {
    let target = Target::from_env();
    let Some((name, number)) = another_group() else {
        eprintln!("skipped: this process may give a file to no other group");
        return;
    };
    let by_number = number.to_string();
    for group in [&name, &by_number] {
        if target != Target::Baton && group == &by_number {
            continue;
        }
        let options = ServerOptions::default().target(target).unix();
        let server =
            Server::start(options.arg(["--unixsocketgroup", group, "--unixsocketperm", "770"]));
        let file = server.unix_path().metadata().expect("the socket's file");
        assert_eq!(file.gid(), number, "{group}");
        assert_eq!(file.permissions().mode() & 0o777, 0o770);
        let mut c = server.unix_client();
        assert_eq!(c.config("unixsocketgroup"), *group);
        let refused = c.cmd(&["CONFIG", "SET", "unixsocketgroup", "other"]);
        assert!(refused.text().contains("immutable"), "{refused:?}");
    }
    let port = free_port().to_string();
    let args = ["--port", &port, "--unixsocket", "sock", "--unixsocketgroup", "no such group"];
    let (status, text) = run_to_end(target, &args, "");
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("no such group"), "{text}");
}

#[test]
fn only_so_many_clients() {
    each_form(
        |options| options.arg(["--maxclients", "10"]),
        |server| {
            // The probe for readiness may not be gone yet.
            let mut first = server.client();
            assert!(wait_until(SOON, || first.info_number("connected_clients") == 1));
            let mut clients: Vec<Client> = (0..9).map(|_| server.client()).collect();
            assert!(clients.iter_mut().all(|c| c.run("PING") == pong()));
            let refused = Reply::error("ERR max number of clients reached");
            for _ in 0..3 {
                let mut c = server.client();
                assert_eq!(c.read(), refused);
                assert!(c.closed_within(SOON));
            }
            assert!(first.info_number("rejected_connections") >= 3);
            drop(clients.pop());
            let enters = wait_until(
                SOON,
                || matches!(server.client().try_cmd(&["PING"]), Ok(reply) if reply == pong()),
            );
            assert!(enters, "a place that was given up is free again");
            assert_eq!(first.run("CONFIG SET maxclients 12"), Reply::ok());
            let mut more: Vec<Client> = (0..2).map(|_| server.client()).collect();
            assert!(more.iter_mut().all(|c| c.run("PING") == pong()));
        },
    );
}

#[test]
fn idle_clients_are_closed() {
    each_form(
        |options| options.arg(["--timeout", "1"]),
        |server| {
            let mut idle = server.client();
            let mut busy = server.client();
            idle.run("PING");
            let start = now();
            let closed = wait_until(Duration::from_secs(10), || {
                assert_eq!(busy.run("PING"), pong(), "who is active stays");
                idle.closed_within(Duration::from_millis(20))
            });
            assert!(closed, "an idle client stays");
            assert!(start.elapsed() >= Duration::from_millis(900));
            assert_eq!(busy.run("CONFIG SET timeout 0"), Reply::ok());
        },
    );
}

/// An address of this machine that is not a loopback one. Asking for the route to an address
/// reserved for documentation sends nothing.
fn own_address() -> std::net::Ipv4Addr {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a UDP socket");
    let route = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    match route.map(|addr| addr.ip()) {
        Ok(IpAddr::V4(ip)) if !ip.is_loopback() => ip,
        other => panic!("protected mode needs an address that is not loopback, got {other:?}"),
    }
}

#[test]
fn protected_mode_lets_only_this_machine_in() {
    let open = |mut options: ServerOptions| {
        options.bind = vec!["0.0.0.0".to_owned()];
        options
    };
    each_form(open, |server| {
        let outside = SocketAddrV4::new(own_address(), server.port());
        let mut c = Client::connect(outside);
        let reply = c.read();
        assert!(matches!(&reply, Reply::Error(text) if text.starts_with(b"DENIED ")), "{reply}");
        assert!(c.closed_within(SOON));
        let mut local = server.client();
        assert_eq!(local.run("PING"), pong());
        assert_eq!(local.run("CONFIG SET protected-mode no"), Reply::ok());
        assert_eq!(Client::connect(outside).run("PING"), pong());
        assert_eq!(local.run("CONFIG SET protected-mode yes requirepass secret"), Reply::ok());
        let mut c = Client::connect(outside);
        assert_eq!(c.run("AUTH secret"), Reply::ok(), "a password protects too");
    });
}

#[test]
fn connections_are_spread_over_the_acceptors() {
    let several = |mut options: ServerOptions| {
        options.acceptors = Some(3);
        options
    };
    each_form(several, |server| {
        let mut clients: Vec<Client> = (0..90).map(|_| server.client()).collect();
        for (i, c) in clients.iter_mut().enumerate() {
            assert_eq!(c.cmd(&["SET", &format!("k{i}"), "v"]), Reply::ok());
        }
        assert_eq!(clients[0].run("CLIENT LIST").text().lines().count(), 90);
        assert_eq!(clients[1].run("DBSIZE"), Reply::Int(90));
    });
}

/// A figure of each acceptor.
fn figures(c: &mut Client, name: &str) -> Vec<usize> {
    let text = c.run("INFO shards").text();
    let name = format!("{name}=");
    let figure =
        |line: &str| line.split([':', ',']).find_map(|f| f.strip_prefix(&name)?.parse().ok());
    let lines = text.lines().filter(|line| line.starts_with("acceptor"));
    lines.map(|line| figure(line).unwrap_or_else(|| panic!("no {name} in {line}"))).collect()
}

/// How many connections each acceptor serves.
fn by_acceptor(c: &mut Client) -> Vec<usize> {
    figures(c, "connections")
}

/// Connects `n` clients and ends those that the first acceptor does not serve; gives the others.
fn crowd_one_acceptor(server: &Server, c: &mut Client, n: usize) -> Vec<Client> {
    let (mut crowd, mut others) = (Vec::new(), Vec::new());
    // The probe for readiness may not be gone yet.
    assert!(wait_until(SOON, || by_acceptor(c).iter().sum::<usize>() == 1));
    for _ in 0..n {
        let before = by_acceptor(c);
        let client = server.client();
        let mut after = before.clone();
        assert!(wait_until(SOON, || {
            after = by_acceptor(c);
            after != before
        }));
        if after[0] > before[0] { crowd.push(client) } else { others.push(client) }
    }
    assert!(crowd.len() >= n / 4 && others.len() >= n / 4, "{:?}", by_acceptor(c));
    crowd
}

fn three_acceptors(mut options: ServerOptions) -> ServerOptions {
    options.acceptors = Some(3);
    options
}

fn is_even(c: &mut Client) -> bool {
    let counts = by_acceptor(c);
    counts.iter().max().zip(counts.iter().min()).is_some_and(|(most, least)| most - least <= 2)
}

#[test]
fn connections_move_to_acceptors_that_serve_few() {
    each_form(three_acceptors, |server| {
        let mut c = server.client();
        let mut clients = crowd_one_acceptor(server, &mut c, 90);
        let ids: Vec<Reply> = clients.iter_mut().map(|c| c.run("CLIENT ID")).collect();
        for (i, c) in clients.iter_mut().enumerate() {
            c.run(&format!("CLIENT SETNAME name-{i}"));
            c.run(&format!("SELECT {}", i % 3));
            match i % 4 {
                0 => c.hello3(),
                1 => {
                    c.run(&format!("WATCH watched-{i}"));
                    c.run("MULTI");
                    c.run(&format!("SET queued-{i} {i}"));
                }
                2 => c.send_raw(b"*2\r\n$4\r\nECHO\r\n$5\r\nhal"),
                _ => {}
            }
        }
        // The others have ended: one acceptor serves all. Pipelines go on while they move.
        let mut counts = vec![0; clients.len()];
        let even = wait_until(Duration::from_secs(30), || {
            for (i, client) in clients.iter_mut().enumerate().filter(|(i, _)| i % 4 == 3) {
                let commands = vec![vec!["INCR".to_owned(), format!("count-{i}")]; 50];
                for reply in client.pipeline(&commands) {
                    counts[i] += 1;
                    assert_eq!(reply, Reply::Int(counts[i]));
                }
            }
            is_even(&mut c)
        });
        assert!(even, "{:?}", by_acceptor(&mut c));
        assert!(c.info_number("connection_moves") as usize >= clients.len() / 2);
        let all = c.run("CLIENT LIST").text();
        for (i, (client, id)) in clients.iter_mut().zip(&ids).enumerate() {
            match i % 4 {
                0 => assert!(matches!(client.run("HGETALL none"), Reply::Map(_))),
                1 => assert_eq!(client.run("EXEC"), Reply::Array(vec![Reply::ok()])),
                2 => {
                    client.send_raw(b"lo\r\n");
                    assert_eq!(client.read(), Reply::bulk("hallo"));
                }
                _ => {}
            }
            assert_eq!(client.run("CLIENT ID"), *id);
            assert_eq!(client.run("CLIENT GETNAME"), Reply::bulk(format!("name-{i}")));
            let info = client.run("CLIENT INFO").text();
            assert!(info.contains(&format!(" db={} ", i % 3)), "{info}");
            assert!(all.contains(&format!("id={} ", id.int())), "{id} is missing in {all}");
        }
    });
}

/// An acceptor that sleeps gives connections away too: whoever lost some rouses it.
#[test]
fn connections_move_though_nobody_asks_for_anything() {
    each_form(three_acceptors, |server| {
        let mut c = server.client();
        let clients = crowd_one_acceptor(server, &mut c, 120);
        // This one is served by another acceptor, and the first has nothing to do from now on.
        let mut other = server.client();
        drop(c);
        assert!(wait_until(Duration::from_secs(30), || is_even(&mut other)));
        assert!(other.info_number("connection_moves") as usize >= clients.len() / 2);
    });
}

#[test]
fn clients_are_ended_while_their_connections_move() {
    each_form(three_acceptors, |server| {
        let mut c = server.client();
        let mut clients = crowd_one_acceptor(server, &mut c, 120);
        let ids: Vec<i64> = clients.iter_mut().map(|c| c.run("CLIENT ID").int()).collect();
        let moves = wait_until(Duration::from_secs(30), || c.info_number("connection_moves") > 0);
        assert!(moves, "{:?}", by_acceptor(&mut c));
        for id in ids {
            assert_eq!(c.run(&format!("CLIENT KILL ID {id}")), Reply::Int(1));
        }
        assert!(clients.iter_mut().all(|client| client.closed_within(SOON)));
        assert_eq!(c.info_number("connected_clients"), 1);
    });
}

/// As many connections on each acceptor, but one has those that ask for something.
#[test]
fn busy_connections_move_to_acceptors_with_less_to_do() {
    let two = |mut options: ServerOptions| {
        options.acceptors = Some(2);
        options
    };
    each_form(two, |server| {
        let mut c = server.client();
        let mut busy = crowd_one_acceptor(server, &mut c, 40);
        let _idle: Vec<Client> = (0..busy.len()).map(|_| server.client()).collect();
        let total = 2 * busy.len() + 1;
        assert!(wait_until(SOON, || by_acceptor(&mut c).iter().sum::<usize>() == total));
        let mut counts = vec![0; busy.len()];
        let mut ask = || {
            for (i, client) in busy.iter_mut().enumerate() {
                let commands = vec![vec!["INCR".to_owned(), format!("count-{i}")]; 500];
                for reply in client.pipeline(&commands) {
                    counts[i] += 1;
                    assert_eq!(reply, Reply::Int(counts[i]));
                }
            }
        };
        let mut last = figures(&mut c, "requests");
        let shared = wait_until(Duration::from_secs(60), || {
            ask();
            let now = figures(&mut c, "requests");
            let taken: Vec<usize> = now.iter().zip(&last).map(|(now, last)| now - last).collect();
            last = now;
            taken[0].min(taken[1]) * 3 >= taken[0].max(taken[1])
        });
        assert!(shared, "{last:?}");
        assert!(c.info_number("connection_moves") > 0);
        (0..100).for_each(|_| ask());
        let moves = c.info_number("connection_moves") as usize;
        assert!(moves <= 2 * total, "{moves} moves of {total} connections: they go to and fro");
        assert_eq!(by_acceptor(&mut c).iter().sum::<usize>(), total);
    });
}

#[test]
fn whoever_waits_stays_where_it_is() {
    each_form(three_acceptors, |server| {
        let mut c = server.client();
        let mut clients = crowd_one_acceptor(server, &mut c, 90);
        for (i, client) in clients.iter_mut().enumerate() {
            client.send(&["BLPOP", &format!("list-{i}"), "0"]);
        }
        let waiting = clients.len() as i64;
        assert!(wait_until(SOON, || c.info_number("blocked_clients") == waiting));
        // Those that get a reply can move; the others wait on where they are.
        for (i, client) in clients.iter_mut().enumerate().filter(|(i, _)| i % 5 != 0) {
            assert_eq!(c.run(&format!("RPUSH list-{i} element")), Reply::Int(1));
            assert_eq!(client.read().items()[1], Reply::bulk("element"));
        }
        let even = wait_until(Duration::from_secs(30), || is_even(&mut c));
        assert!(even, "{:?}", by_acceptor(&mut c));
        for (i, client) in clients.iter_mut().enumerate().filter(|(i, _)| i % 5 == 0) {
            assert_eq!(c.run(&format!("RPUSH list-{i} element")), Reply::Int(1));
            assert_eq!(client.read().items()[1], Reply::bulk("element"));
        }
        assert!(clients.iter_mut().all(|client| client.run("PING") == pong()));
    });
}

#[test]
fn two_servers_do_not_share_a_port() {
    each_plain_form(|server| {
        let port = server.port().to_string();
        let (status, text) = crate::server::run_to_end(
            server.target(),
            &["--port", &port, "--bind", "127.0.0.1", "--save", ""],
            "",
        );
        assert_eq!(status.code(), Some(1), "{text}");
        assert!(text.contains("ddress already in use"), "{text}");
    });
}

/// Lets this process have this many files open, as far as the system allows.
fn raise_open_files(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        setrlimit(Resource::Nofile, raised).expect("10,000 connections need as many open files");
    }
}

#[test]
fn ten_thousand_idle_connections_cost_little() {
    raise_open_files(12_000);
    each_form(
        |options| options.arg(["--maxclients", "10500"]),
        |server| {
            let mut clients: Vec<Client> = (0..10_000).map(|_| server.client()).collect();
            for chunk in clients.chunks_mut(100) {
                for c in chunk.iter_mut() {
                    c.send(&["PING"]);
                }
                for c in chunk {
                    assert_eq!(c.read(), pong());
                }
            }
            let resident = server.resident_bytes().expect("resident memory");
            assert!(resident < 60 << 20, "{resident} bytes with 10,000 connections");
            assert_eq!(clients[0].info_number("connected_clients"), 10_000);
            drop(clients);
            let mut c = server.client();
            let gone = wait_until(SOON, || c.info_number("connected_clients") == 1);
            assert!(gone, "{}", c.info("connected_clients"));
        },
    );
}

#[test]
fn buffers_of_large_requests_are_given_back() {
    each_plain_form(|server| {
        let value = "x".repeat(4 << 20);
        let mut clients: Vec<Client> = (0..10).map(|_| server.client()).collect();
        for c in &mut clients {
            assert_eq!(c.cmd(&["ECHO", &value]).bytes().len(), value.len());
        }
        let mut c = server.client();
        let mut total = || -> u64 {
            let text = c.run("CLIENT LIST").text();
            let fields = text.split([' ', '\n']).filter_map(|word| word.strip_prefix("tot-mem="));
            fields.map(|n| n.parse::<u64>().expect("a number")).sum()
        };
        let shrunk = wait_until(Duration::from_secs(15), || total() < 2 << 20);
        assert!(shrunk, "{} bytes are still held for idle clients", total());
    });
}

#[test]
fn who_is_lingered_for_misses_nothing() {
    if Target::from_env() != Target::Baton {
        return;
    }
    // As long as it may be, so that most of what follows comes in while somebody lingers.
    each_form(
        |options| options.arg(["--acceptor-linger-us", "1000"]),
        |server| {
            let mut clients: Vec<Client> = (0..40).map(|_| server.client()).collect();
            let mut waiter = server.client();
            for turn in 1..=200 {
                waiter.send(&["BLPOP", "queue", "0"]);
                for (i, client) in clients.iter_mut().enumerate() {
                    client.send(&["INCR", &format!("count-{i}")]);
                }
                for client in &mut clients {
                    assert_eq!(client.read(), Reply::Int(turn));
                }
                let text = format!("task {turn}");
                clients[0].send(&["RPUSH", "queue", &text]);
                assert_eq!(clients[0].read(), Reply::Int(1));
                assert_eq!(
                    waiter.read(),
                    Reply::Array(vec![Reply::bulk("queue"), Reply::bulk(&text)])
                );
            }
        },
    );
}
