//! Keys that expire: when they are read, and by themselves.

use std::time::Duration;

use crate::client::{Client, Reply};
use crate::server::{each_form, each_plain_form};
use crate::wait::{pause, unix_ms, wait_until};

/// Active expiry has to have removed small numbers of keys within this time.
const SOON: Duration = Duration::from_secs(10);

/// Writes `n` keys that live `ms` milliseconds.
fn fill(c: &mut Client, n: usize, ms: &str) {
    let set = |i| ["SET", &format!("key:{i}"), "v", "PX", ms].map(str::to_owned).to_vec();
    let commands: Vec<Vec<String>> = (0..n).map(set).collect();
    assert!(c.pipeline(&commands).iter().all(|r| *r == Reply::ok()));
}

#[test]
fn keys_go_by_themselves() {
    each_plain_form(|server| {
        let mut c = server.client();
        fill(&mut c, 5_000, "150");
        for i in 0..500 {
            c.cmd(&["SET", &format!("stay:{i}"), "v"]);
        }
        // DBSIZE touches no key: only the background can make it go down.
        assert!(wait_until(SOON, || c.run("DBSIZE") == Reply::Int(500)), "{}", c.run("DBSIZE"));
        assert_eq!(c.info_number("expired_keys"), 5_000);
        assert!(c.info("db0").starts_with("keys=500,expires=0,"));
    });
}

#[test]
fn nothing_goes_by_itself_while_clients_are_paused() {
    each_plain_form(|server| {
        let mut c = server.client();
        assert_eq!(c.run("CLIENT PAUSE 600000 WRITE"), Reply::ok());
        let mut writer = server.client();
        writer.send(&["SET", "late", "v", "PX", "1"]);
        assert_eq!(c.run("CLIENT UNPAUSE"), Reply::ok());
        assert_eq!(writer.read(), Reply::ok());
        assert!(wait_until(SOON, || c.run("DBSIZE") == Reply::Int(0)), "the pause is over");
        fill(&mut c, 100, "200");
        assert_eq!(c.run("CLIENT PAUSE 600000 WRITE"), Reply::ok());
        pause(Duration::from_millis(600));
        // Some may have gone before, if the machine is slow: none goes now.
        let left = c.run("DBSIZE");
        pause(Duration::from_millis(300));
        assert_eq!(c.run("DBSIZE"), left);
        assert!(left.int() > 0, "all were gone before the pause began");
        assert_eq!(c.run("CLIENT UNPAUSE"), Reply::ok());
        assert!(wait_until(SOON, || c.run("DBSIZE") == Reply::Int(0)), "{}", c.run("DBSIZE"));
    });
}

#[test]
fn a_key_is_gone_the_moment_it_is_due() {
    let no_background =
        |options: crate::server::ServerOptions| options.arg(["--enable-debug-command", "yes"]);
    each_form(no_background, |server| {
        let mut c = server.client();
        assert_eq!(c.run("DEBUG SET-ACTIVE-EXPIRE 0"), Reply::ok());
        fill(&mut c, 100, "60");
        assert_eq!(c.run("SET other v PX 60"), Reply::ok());
        assert_eq!(c.run("DBSIZE"), Reply::Int(101));
        assert!(wait_until(SOON, || c.run("GET key:1") == Reply::NullBulk));
        assert!(wait_until(SOON, || c.run("EXISTS other") == Reply::Int(0)));
        assert_eq!(c.run("TTL key:3"), Reply::Int(-2));
        assert_eq!(c.run("TYPE key:4"), Reply::Simple(b"none".to_vec()));
        assert_eq!(c.run("INCR key:5"), Reply::Int(1), "starts anew");
        assert_eq!(c.run("TTL key:5"), Reply::Int(-1));
        assert_eq!(c.run("RENAME key:6 x"), Reply::error("ERR no such key"));
        assert_eq!(c.run("SET key:7 new NX"), Reply::ok());
        assert_eq!(c.run("APPEND key:8 ab"), Reply::Int(2));
        assert_eq!(c.run("PERSIST key:9"), Reply::Int(0));
        assert_eq!(c.run("KEYS key:1?"), Reply::Array(vec![]));
        assert_eq!(c.run("COPY key:10 y"), Reply::Int(0));
        assert_eq!(c.run("DEL key:11"), Reply::Int(0));
        let left = c.run("DBSIZE").int();
        assert!(left > 50, "without the background most are still counted: {left}");
        assert_eq!(c.run("DEBUG SET-ACTIVE-EXPIRE 1"), Reply::ok());
        assert!(wait_until(SOON, || c.run("DBSIZE") == Reply::Int(3)), "{}", c.run("DBSIZE"));
    });
}

#[test]
fn expiries_in_the_past_delete() {
    each_plain_form(|server| {
        let mut c = server.client();
        for expire in ["EXPIRE k -1", "PEXPIRE k -1", "EXPIREAT k 1", "PEXPIREAT k 1", "EXPIRE k 0"]
        {
            c.run("SET k v");
            assert_eq!(c.run(expire), Reply::Int(1), "{expire}");
            assert_eq!(c.run("EXISTS k"), Reply::Int(0), "{expire}");
            assert_eq!(c.run(expire), Reply::Int(0), "{expire}");
        }
        assert_eq!(c.info_number("expired_keys"), 5);
        c.run("SET k v");
        assert_eq!(c.run("SET k w PXAT 1"), Reply::ok());
        assert_eq!(c.run("GET k"), Reply::NullBulk);
        c.run("SET k v");
        assert_eq!(c.run("GETEX k EXAT 1"), Reply::bulk("v"));
        assert_eq!(c.run("GET k"), Reply::NullBulk);
        assert_eq!(c.run("MSETEX 2 k v l w EXAT 1"), Reply::Int(1));
        assert_eq!(c.run("MGET k l"), Reply::Array(vec![Reply::NullBulk, Reply::NullBulk]));
        assert!(wait_until(SOON, || c.run("DBSIZE") == Reply::Int(0)));
    });
}

#[test]
fn times_are_reported_in_their_units() {
    each_plain_form(|server| {
        let mut c = server.client();
        let now = unix_ms();
        c.run("SET k v EX 1000");
        assert!((995..=1000).contains(&c.run("TTL k").int()));
        assert!((995_000..=1_000_000).contains(&c.run("PTTL k").int()));
        let at = c.run("PEXPIRETIME k").int();
        assert!((now + 999_000..now + 1_010_000).contains(&at));
        let seconds = c.run("EXPIRETIME k").int();
        assert!((at / 1000..=at / 1000 + 1).contains(&seconds));
        c.cmd(&["PEXPIREAT", "k", "4200000000123"]);
        assert_eq!(c.run("PEXPIRETIME k"), Reply::Int(4_200_000_000_123));
        assert_eq!(c.run("EXPIRETIME k"), Reply::Int(4_200_000_000));
        assert_eq!(c.run("EXPIREAT k 4200000001 GT"), Reply::Int(1));
        assert_eq!(c.run("EXPIREAT k 4200000001 GT"), Reply::Int(0));
        assert_eq!(c.run("EXPIREAT k 4200000002 NX"), Reply::Int(0));
        assert_eq!(c.run("PERSIST k"), Reply::Int(1));
        assert_eq!(c.run("EXPIREAT k 4200000002 XX"), Reply::Int(0));
        assert_eq!(c.run("EXPIREAT k 4200000002 GT"), Reply::Int(0), "no expiry is the longest");
        assert_eq!(c.run("EXPIREAT k 4200000002 LT"), Reply::Int(1));
        let text = "ERR NX and XX, GT or LT options at the same time are not compatible";
        assert_eq!(c.run("EXPIRE k 100 NX GT"), Reply::error(text));
        let text = "ERR GT and LT options at the same time are not compatible";
        assert_eq!(c.run("EXPIRE k 100 LT GT"), Reply::error(text));
        assert_eq!(c.run("EXPIRE k 100 ZZ"), Reply::error("ERR Unsupported option ZZ"));
        let text = "ERR invalid expire time in 'expire' command";
        assert_eq!(c.run("EXPIRE k 9223372036854775807"), Reply::error(text));
    });
}

#[test]
fn many_keys_that_are_due_at_once_do_not_stop_the_server() {
    each_plain_form(|server| {
        let mut c = server.client();
        for _ in 0..5 {
            fill(&mut c, 20_000, "300");
        }
        let mut other = server.client();
        let gone = wait_until(Duration::from_secs(30), || {
            assert_eq!(other.run("SET alive 1"), Reply::ok());
            c.run("DBSIZE") == Reply::Int(1)
        });
        assert!(gone, "{}", c.run("DBSIZE"));
    });
}
