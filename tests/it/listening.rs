//! Where a server listens and whom it lets in: unix sockets, protected mode, `maxclients`,
//! `timeout`.

use std::net::{IpAddr, SocketAddrV4, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::client::{Client, Reply, encode};
use crate::server::{ServerOptions, each_form, each_plain_form};
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
