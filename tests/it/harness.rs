//! The harness itself, shown to work against the reference server: a test whose tools are broken
//! proves nothing.

use std::time::Duration;

use crate::client::{Reply, encode};
use crate::server::{Server, ServerOptions, Target};

fn valkey() -> Server {
    Server::start(ServerOptions::default().target(Target::Valkey).unix())
}

#[test]
fn starts_answers_and_stops() {
    let server = valkey();
    let mut c = server.client();
    assert_eq!(c.run("SET k v"), Reply::ok());
    assert_eq!(c.run("GET k"), Reply::bulk("v"));
    assert_eq!(c.run("GET missing"), Reply::NullBulk);
    assert_eq!(server.unix_client().run("PING"), Reply::Simple(b"PONG".to_vec()));
    assert!(server.stop().success());
}

#[test]
fn reads_every_type_of_reply() {
    let server = Server::start(
        ServerOptions::default().target(Target::Valkey).arg(["--enable-debug-command", "yes"]),
    );
    let mut c = server.client3();
    let protocol = |c: &mut crate::client::Client, kind: &str| c.cmd(&["DEBUG", "PROTOCOL", kind]);
    assert_eq!(protocol(&mut c, "null"), Reply::Null);
    assert_eq!(protocol(&mut c, "double"), Reply::Double(b"3.141".to_vec()));
    assert_eq!(protocol(&mut c, "true"), Reply::Bool(true));
    assert!(matches!(protocol(&mut c, "bignum"), Reply::BigNumber(_)));
    assert!(matches!(protocol(&mut c, "map"), Reply::Map(m) if m.len() == 3));
    assert!(matches!(protocol(&mut c, "set"), Reply::Set(s) if s.len() == 3));
    assert!(matches!(protocol(&mut c, "verbatim"), Reply::Verbatim(k, _) if &k == b"txt"));
    assert!(matches!(protocol(&mut c, "attrib"), Reply::Attribute(m, _) if m.len() == 1));
    assert!(matches!(protocol(&mut c, "push"), Reply::Bulk(_)));
    assert!(matches!(c.read(), Reply::Push(p) if p.len() == 2));
}

#[test]
fn pipelines_half_closes_and_sees_the_end() {
    let server = valkey();
    let mut c = server.client();
    let commands: Vec<Vec<String>> =
        (0..5000).map(|i| vec!["ECHO".to_owned(), format!("{i}")]).collect();
    let replies = c.pipeline(&commands);
    for (i, reply) in replies.iter().enumerate() {
        assert_eq!(reply, &Reply::bulk(i.to_string()));
    }
    c.send_raw(&encode(&["PING"]));
    c.half_close();
    assert_eq!(c.read(), Reply::Simple(b"PONG".to_vec()));
    assert!(c.closed_within(Duration::from_secs(5)));
}

#[test]
#[should_panic(expected = "did not end cleanly")]
fn a_crash_fails_the_test() {
    let server = valkey();
    server.signal(rustix::process::Signal::KILL);
    assert!(crate::wait::wait_until(Duration::from_secs(5), || {
        crate::client::Client::try_connect(server.addr()).is_err()
    }));
}

#[test]
#[should_panic(expected = "ended at start")]
fn a_refused_start_fails_the_test() {
    Server::start(ServerOptions::default().target(Target::Valkey).arg(["--no-such-thing", "1"]));
}
