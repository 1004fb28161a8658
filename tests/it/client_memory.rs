//! The limits of query and output buffers.

use std::time::Duration;

use crate::client::{Client, Reply, encode, encode_into};
use crate::server::{ServerOptions, each_form};
use crate::wait::wait_until;

/// Connections end, and what was sent arrives, within this time.
const SOON: Duration = Duration::from_secs(10);

const MB: usize = 1 << 20;

/// Whether the last of the requests is answered with what `expected` says; else the connection must
/// end.
fn is_answered(c: &mut Client, request: &[u8]) -> bool {
    let _closed = c.try_send_raw(request);
    c.try_read().is_ok_and(|reply| !reply.is_error())
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
