//! Strings: what the differential tests cannot show, since it needs limits, big values, several
//! shards at once or a clock; and a few plain cases to read first when those fail.

use crate::client::{Client, Reply};
use crate::server::each_plain_form;

#[track_caller]
fn is(c: &mut Client, line: &str, reply: Reply) {
    assert_eq!(c.run(line), reply, "{line}");
}

fn error(text: &str) -> Reply {
    Reply::error(text)
}

#[test]
fn set_with_conditions() {
    each_plain_form(|server| {
        let mut c = server.client();
        is(&mut c, "SET k 1 XX", Reply::NullBulk);
        is(&mut c, "SET k 1 NX GET", Reply::NullBulk);
        is(&mut c, "SET k 2 NX", Reply::NullBulk);
        is(&mut c, "SET k 2 NX GET", Reply::bulk("1"));
        is(&mut c, "SET k 3 IFEQ 2", Reply::NullBulk);
        is(&mut c, "SET k 3 IFEQ 1", Reply::ok());
        is(&mut c, "SET k 4 IFEQ 3 GET", Reply::bulk("3"));
        is(&mut c, "SET absent 4 IFEQ 3", Reply::NullBulk);
        is(&mut c, "SET k v NX XX", error("ERR syntax error"));
        is(&mut c, "SET k v NX IFEQ 1", error("ERR syntax error"));
        is(&mut c, "SET k v EX 10 PX 10", error("ERR syntax error"));
        is(&mut c, "SET k v EX 0", error("ERR invalid expire time in 'set' command"));
        is(&mut c, "SET k v EX 10.5", error("ERR value is not an integer or out of range"));
        is(
            &mut c,
            "SET k v EX 9223372036854775",
            error("ERR invalid expire time in 'set' command"),
        );
        is(&mut c, "GET k", Reply::bulk("4"));
        is(&mut c, "DELIFEQ k 3", Reply::Int(0));
        is(&mut c, "DELIFEQ k 4", Reply::Int(1));
    });
}

#[test]
fn counters_stop_at_their_limits() {
    each_plain_form(|server| {
        let mut c = server.client();
        is(&mut c, "SET n 9223372036854775806", Reply::ok());
        is(&mut c, "INCR n", Reply::Int(i64::MAX));
        is(&mut c, "INCR n", error("ERR increment or decrement would overflow"));
        is(&mut c, "DECRBY n -9223372036854775808", error("ERR decrement would overflow"));
        is(&mut c, "INCRBY n -9223372036854775807", Reply::Int(0));
        is(&mut c, "SET n 10.5", Reply::ok());
        is(&mut c, "INCR n", error("ERR value is not an integer or out of range"));
        is(&mut c, "INCRBYFLOAT n 0.1", Reply::bulk("10.6"));
        is(&mut c, "INCRBYFLOAT n -5e-1", Reply::bulk("10.1"));
        is(&mut c, "INCRBYFLOAT n 1e30x", error("ERR value is not a valid float"));
        is(&mut c, "SET n 5.0e3", Reply::ok());
        is(&mut c, "INCRBYFLOAT n 2.0e2", Reply::bulk("5200"));
        is(&mut c, "SET n 1", Reply::ok());
        let text = "ERR increment would produce NaN or Infinity";
        is(&mut c, "INCRBYFLOAT n +inf", error(text));
        is(&mut c, "GET n", Reply::bulk("1"));
    });
}

#[test]
fn integers_stay_what_was_written() {
    each_plain_form(|server| {
        let mut c = server.client();
        for text in ["0", "-0", "007", "+1", "1 ", "-9223372036854775808", "9223372036854775808"] {
            assert_eq!(c.cmd(&["SET", "n", text]), Reply::ok());
            assert_eq!(c.cmd(&["GET", "n"]), Reply::bulk(text));
            assert_eq!(c.cmd(&["STRLEN", "n"]).int(), text.len() as i64);
            assert_eq!(c.cmd(&["GETRANGE", "n", "0", "-1"]), Reply::bulk(text));
        }
        is(&mut c, "SET n 12", Reply::ok());
        is(&mut c, "OBJECT ENCODING n", Reply::bulk("int"));
        is(&mut c, "APPEND n 3", Reply::Int(3));
        is(&mut c, "INCR n", Reply::Int(124));
        is(&mut c, "SETRANGE n 1 9", Reply::Int(3));
        is(&mut c, "GET n", Reply::bulk("194"));
        is(&mut c, "SET n short", Reply::ok());
        is(&mut c, "OBJECT ENCODING n", Reply::bulk("embstr"));
        c.cmd(&["SET", "n", &"x".repeat(200)]);
        is(&mut c, "OBJECT ENCODING n", Reply::bulk("raw"));
    });
}

#[test]
fn ranges_and_their_limit() {
    each_plain_form(|server| {
        let mut c = server.client();
        is(&mut c, "SETRANGE k 3 abc", Reply::Int(6));
        is(&mut c, "GET k", Reply::bulk(b"\0\0\0abc"));
        is(&mut c, "GETRANGE k -3 -2", Reply::bulk("ab"));
        is(&mut c, "GETRANGE k 5 1", Reply::bulk(""));
        is(&mut c, "SUBSTR k 3 100", Reply::bulk("abc"));
        is(&mut c, "SETRANGE k -1 x", error("ERR offset is out of range"));
        let text = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        is(&mut c, "SETRANGE k 536870912 x", error(text));
        assert_eq!(c.cmd(&["SETRANGE", "none", "5", ""]), Reply::Int(0));
        is(&mut c, "EXISTS none", Reply::Int(0));
        is(&mut c, "SETRANGE far 20000000 x", Reply::Int(20_000_001));
        is(&mut c, "GETRANGE far 19999999 -1", Reply::bulk(b"\0x"));
    });
}

#[test]
fn many_keys_of_all_shards_at_once() {
    each_plain_form(|server| {
        let mut c = server.client();
        let mut mset = vec!["MSET".to_owned()];
        let mut mget = vec!["MGET".to_owned()];
        for i in 0..1000 {
            mset.extend([format!("key:{i}"), format!("value:{i}")]);
            mget.push(format!("key:{i}"));
        }
        // The last of two values for one key stays.
        mset.extend(["key:7".to_owned(), "seven".to_owned()]);
        mget.push("none".to_owned());
        assert_eq!(c.cmd(&mset), Reply::ok());
        let values = c.cmd(&mget).items();
        assert_eq!(values.len(), 1001);
        assert_eq!(values[7], Reply::bulk("seven"));
        assert_eq!(values[999], Reply::bulk("value:999"));
        assert_eq!(values[1000], Reply::NullBulk);
        is(&mut c, "MSETNX new1 1 new2 2 key:3 3", Reply::Int(0));
        is(&mut c, "EXISTS new1 new2", Reply::Int(0));
        is(&mut c, "MSETNX new1 1 new2 2 new3 3", Reply::Int(1));
        is(&mut c, "MSETEX 2 new4 4 new5 5 NX EX 1000", Reply::Int(1));
        is(&mut c, "MSETEX 2 new5 5 new6 6 NX EX 1000", Reply::Int(0));
        is(&mut c, "EXISTS new4 new5 new6", Reply::Int(2));
        is(&mut c, "MSETEX 2 new1 x none x XX", Reply::Int(0));
        is(&mut c, "GET new1", Reply::bulk("1"));
        is(&mut c, "MSET a 1 b", error("ERR wrong number of arguments for 'mset' command"));
        is(&mut c, "DBSIZE", Reply::Int(1005));
        mget[0] = "DEL".to_owned();
        assert_eq!(c.cmd(&mget), Reply::Int(1000));
        is(&mut c, "DBSIZE", Reply::Int(5));
    });
}

#[test]
fn lcs_of_keys_in_different_shards() {
    each_plain_form(|server| {
        let mut c = server.client3();
        is(&mut c, "MSET key1 ohmytext key2 mynewtext", Reply::ok());
        is(&mut c, "LCS key1 key2", Reply::bulk("mytext"));
        is(&mut c, "LCS key1 key2 LEN", Reply::Int(6));
        let range = |a, b| Reply::Array(vec![Reply::Int(a), Reply::Int(b)]);
        let matches =
            Reply::Array(vec![Reply::Array(vec![range(4, 7), range(5, 8), Reply::Int(4)])]);
        let reply = Reply::Map(vec![
            (Reply::bulk("matches"), matches),
            (Reply::bulk("len"), Reply::Int(6)),
        ]);
        is(&mut c, "LCS key1 key2 IDX MINMATCHLEN 4 WITHMATCHLEN", reply);
        is(
            &mut c,
            "LCS key1 key2 IDX LEN",
            error("ERR If you want both the length and indexes, please just use IDX."),
        );
    });
}

#[test]
fn getex_and_getdel() {
    each_plain_form(|server| {
        let mut c = server.client();
        is(&mut c, "SET k v", Reply::ok());
        is(&mut c, "GETEX k EX 1000", Reply::bulk("v"));
        assert!((990..=1000).contains(&c.run("TTL k").int()));
        is(&mut c, "GETEX k PERSIST", Reply::bulk("v"));
        is(&mut c, "TTL k", Reply::Int(-1));
        is(&mut c, "GETEX k EX 10 PERSIST", error("ERR syntax error"));
        is(&mut c, "GETEX none EX 10", Reply::NullBulk);
        is(&mut c, "GETDEL k", Reply::bulk("v"));
        is(&mut c, "GETDEL k", Reply::NullBulk);
        is(&mut c, "SET k v EX 1000", Reply::ok());
        is(&mut c, "SET k w KEEPTTL", Reply::ok());
        assert!(c.run("TTL k").int() > 0);
        is(&mut c, "GETSET k x", Reply::bulk("w"));
        is(&mut c, "TTL k", Reply::Int(-1));
    });
}
