//! The end of a server: signals, SHUTDOWN, and a panic that must not leave half of it alive.

use std::time::Duration;

use crate::client::{Client, Reply, encode};
use crate::server::{Server, ServerOptions, Target, each_plain_form};
use crate::wait::wait_until;

/// A server ends within this time.
const BOUND: Duration = Duration::from_secs(10);

/// A server in each form, with some keys and connections.
fn each_running(test: impl Fn(Server, Client)) {
    for options in ServerOptions::matrix() {
        let server = Server::start(options.arg(["--enable-debug-command", "yes"]).unix());
        let mut c = server.client();
        for i in 0..100 {
            c.cmd(&["SET", &format!("key:{i}"), "v"]);
        }
        test(server, c);
    }
}

#[test]
fn signals_end_it_cleanly() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::INT] {
        each_running(|mut server, mut c| {
            server.signal(signal);
            let status = server.wait_exit(BOUND).expect("ends");
            assert!(status.success(), "{signal:?}: {status}");
            assert!(c.closed_within(BOUND));
            assert!(Client::try_connect(server.addr()).is_err(), "nobody listens any more");
            assert!(!server.unix_path().exists(), "the unix socket is removed");
        });
    }
}

#[test]
fn shutdown_ends_it_cleanly() {
    for line in ["SHUTDOWN", "SHUTDOWN NOSAVE", "shutdown nosave now force"] {
        each_running(|mut server, mut c| {
            c.send(&line.split(' ').collect::<Vec<_>>());
            assert!(c.closed_within(BOUND), "{line}: no reply, the connection ends");
            let status = server.wait_exit(BOUND).expect("ends");
            assert!(status.success(), "{line}: {status}");
        });
    }
}

#[test]
fn a_refused_shutdown_changes_nothing() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("SHUTDOWN nope"), Reply::error("ERR syntax error"));
        assert_eq!(c.run("SHUTDOWN NOSAVE SAVE"), Reply::error("ERR syntax error"));
        assert_eq!(c.run("SHUTDOWN ABORT"), Reply::error("ERR No shutdown in progress."));
        assert_eq!(c.run("PING"), Reply::Simple(b"PONG".to_vec()));
    });
}

#[test]
fn a_panic_ends_all_of_it() {
    each_running(|mut server, mut c| {
        let mut other = server.client();
        other.run("PING");
        c.send(&["DEBUG", "PANIC"]);
        let status = server.wait_exit(BOUND).expect("ends");
        assert!(!status.success(), "a panic must show in the exit status: {status}");
        assert!(other.closed_within(BOUND));
        if server.target() == Target::Baton {
            assert!(status.code().is_some(), "in an orderly way, not by a signal: {status}");
            assert!(server.log().to_lowercase().contains("panic"), "{}", server.log());
        }
    });
}

#[test]
fn it_ends_under_load() {
    each_running(|mut server, _| {
        std::thread::scope(|scope| {
            let addr = server.addr();
            for i in 0..4 {
                scope.spawn(move || {
                    let Ok(mut c) = Client::try_connect(addr) else { return };
                    let get =
                        encode(&["MSET", &format!("a{i}"), "1", "b", "2", "c", "3"]).repeat(50);
                    // Until the server ends.
                    while c.try_send_raw(&get).is_ok() && c.try_read().is_ok() {
                        for _ in 1..50 {
                            if c.try_read().is_err() {
                                return;
                            }
                        }
                    }
                });
            }
            let mut c = server.client();
            let busy = || c.run("EXISTS a0 a1 a2 a3") == Reply::Int(4);
            assert!(wait_until(BOUND, busy));
            server.terminate();
            let status = server.wait_exit(BOUND).expect("ends");
            assert!(status.success(), "{status}");
        });
    });
}

#[test]
fn the_log_says_that_it_is_ready() {
    each_plain_form(|server| {
        let ready = || server.log().contains("Ready to accept connections");
        assert!(wait_until(Duration::from_secs(5), ready), "{}", server.log());
        let log = server.log();
        assert!(log.contains(&server.port().to_string()), "{log}");
        assert!(log.contains(&server.pid().to_string()), "{log}");
    });
}
