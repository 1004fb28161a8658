//! The end of a server: signals, SHUTDOWN, and a panic that must not leave half of it alive.

use std::time::Duration;

use crate::client::{Client, Reply, encode};
use crate::server::{Server, ServerOptions, Target, each_form, each_plain_form};
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

/// How readily the system ends a process when memory runs out.
fn oom_score(process: impl std::fmt::Display) -> i32 {
    let path = format!("/proc/{process}/oom_score_adj");
    let text = std::fs::read_to_string(path).expect("the score");
    text.trim().parse().expect("a number")
}

#[test]
fn the_oom_score_is_what_its_directives_say() {
    // Servers inherit the score of this process. Everyone may raise his own.
    let at_start = (oom_score("self") + 7).min(1000);
    std::fs::write("/proc/self/oom_score_adj", at_start.to_string()).expect("raise the score");
    let with = |options: ServerOptions| {
        options.arg(["--oom-score-adj", "relative", "--oom-score-adj-values", "20", "200", "800"])
    };
    each_form(with, |server| {
        let mut c = server.client();
        let score = || oom_score(server.pid());
        let mut set = |words: &[&str]| c.cmd(&[&["CONFIG", "SET"], words].concat());
        assert_eq!(score(), (at_start + 20).min(1000));
        assert_eq!(set(&["oom-score-adj-values", "30 200 800"]), Reply::ok());
        assert_eq!(score(), (at_start + 30).min(1000), "added to the first score, not the last");
        let absolute = ["oom-score-adj", "absolute", "oom-score-adj-values", "1500 0 0"];
        assert_eq!(set(&absolute), Reply::ok());
        assert_eq!(score(), 1000, "cut to what the kernel takes");
        assert_eq!(set(&["oom-score-adj", "no"]), Reply::ok());
        assert_eq!(score(), at_start);
        assert_eq!(set(&["oom-score-adj-values", "40 0 0"]), Reply::ok());
        assert_eq!(score(), at_start, "the values alone change nothing");

        // Without privileges no score can be lower than that at the start.
        let lowest = ["timeout", "77", "oom-score-adj-values", "-1000 0 0", "oom-score-adj", "yes"];
        let reply = set(&lowest);
        if reply == Reply::ok() {
            assert_eq!(score(), (at_start - 1000).max(-1000));
        } else {
            let text = "ERR CONFIG SET failed (possibly related to argument \
                        'oom-score-adj-values') - Failed to set current oom_score_adj. Check \
                        server logs.";
            assert_eq!(reply, Reply::error(text));
            assert_eq!(score(), at_start);
            assert_eq!(c.config("timeout"), "0", "nothing of a refused CONFIG SET remains");
            assert_eq!(c.config("oom-score-adj"), "no");
            assert_eq!(c.config("oom-score-adj-values"), "40 0 0");
        }
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
