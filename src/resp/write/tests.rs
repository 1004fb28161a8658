//! Replies as they stand on the wire, and back through the reader.
use super::*;
use crate::resp::{array_header, skip_value};
use proptest::prelude::*;

fn written(proto: Proto, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut buf = ReplyBuf::new();
    write(&mut Writer::new(&mut buf, proto));
    let mut out = Vec::new();
    buf.copy_to(&mut out);
    out
}

#[track_caller]
fn check(write: impl Fn(&mut Writer), resp2: &[u8], resp3: &[u8]) {
    for (proto, expected) in [(Proto::Resp2, resp2), (Proto::Resp3, resp3)] {
        let out = written(proto, &write);
        assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
}

#[track_caller]
fn check_same(write: impl Fn(&mut Writer), expected: &[u8]) {
    check(write, expected, expected);
}

#[test]
fn plain_replies() {
    check_same(|w| w.ok(), b"+OK\r\n");
    check_same(|w| w.simple("PONG"), b"+PONG\r\n");
    check_same(|w| w.bulk(b""), b"$0\r\n\r\n");
    check_same(|w| w.bulk(b"a\r\nb"), b"$4\r\na\r\nb\r\n");
    check_same(|w| w.bulk(b"0123456789"), b"$10\r\n0123456789\r\n");
    check_same(|w| w.bulk_int(-12), b"$3\r\n-12\r\n");
    for n in [0, 9, 10, -1, i64::MAX, i64::MIN] {
        check_same(|w| w.int(n), format!(":{n}\r\n").as_bytes());
    }
}

#[test]
fn errors_stay_on_one_line() {
    check_same(|w| w.error(b"ERR syntax error"), b"-ERR syntax error\r\n");
    check_same(|w| w.error(b"\r\nERR a\r\nb\nc\r\n"), b"-ERR a  b c\r\n");
    check_same(|w| w.error(b""), b"-\r\n");
    check_same(|w| w.error(b"\r\n"), b"-\r\n");
}

#[test]
fn typed_replies() {
    check(|w| w.null(), b"$-1\r\n", b"_\r\n");
    check(|w| w.null_array(), b"*-1\r\n", b"_\r\n");
    check(|w| w.array(12), b"*12\r\n", b"*12\r\n");
    check(|w| w.map(3), b"*6\r\n", b"%3\r\n");
    check(|w| w.set(3), b"*3\r\n", b"~3\r\n");
    check(|w| w.push(2), b"*2\r\n", b">2\r\n");
    check(|w| w.double(3.25), b"$4\r\n3.25\r\n", b",3.25\r\n");
    check(|w| w.double(f64::NEG_INFINITY), b"$4\r\n-inf\r\n", b",-inf\r\n");
    check(|w| w.boolean(true), b":1\r\n", b"#t\r\n");
    check(|w| w.boolean(false), b":0\r\n", b"#f\r\n");
    check(|w| w.big_number(b"-123"), b"$4\r\n-123\r\n", b"(-123\r\n");
    check(|w| w.verbatim("txt", b"a\nb"), b"$3\r\na\nb\r\n", b"=7\r\ntxt:a\nb\r\n");
    check(|w| assert_eq!(w.attribute(1), w.proto() == Proto::Resp3), b"", b"|1\r\n");
}

#[test]
fn shared_values_read_like_copied_ones() {
    for len in [0, 5, SHARED_MIN - 1, SHARED_MIN, 3 * SHARED_MIN] {
        let value = Bytes::from(vec![b'v'; len]);
        let shared = written(Proto::Resp2, |w| w.bulk_shared(&value));
        assert_eq!(shared, written(Proto::Resp2, |w| w.bulk(&value)));
    }
}

#[test]
fn deferred_lengths_of_any_size() {
    for len in [0, 1, 9, 10, 99, 100, 12_345] {
        let deferred = written(Proto::Resp3, |w| {
            w.ok();
            let array = w.deferred_array();
            (0..len).for_each(|n| w.int(n));
            w.finish_array(array, len as usize);
            w.ok();
        });
        let counted = written(Proto::Resp3, |w| {
            w.ok();
            w.array(len as usize);
            (0..len).for_each(|n| w.int(n));
            w.ok();
        });
        assert_eq!(deferred, counted);
    }
}

#[test]
fn deferred_aggregates_nest_around_splices() {
    let value = Bytes::from(vec![b'v'; SHARED_MIN]);
    let write = |w: &mut Writer, deferred: bool| {
        w.bulk_shared(&value);
        let outer = deferred.then(|| w.deferred_map());
        if outer.is_none() {
            w.map(15);
        }
        for _ in 0..15 {
            w.bulk_shared(&value);
            let inner = deferred.then(|| w.deferred_set());
            if inner.is_none() {
                w.set(11);
            }
            (0..11).for_each(|_| w.bulk_shared(&value));
            if let Some(inner) = inner {
                w.finish_set(inner, 11);
            }
        }
        if let Some(outer) = outer {
            w.finish_map(outer, 15);
        }
    };
    for proto in [Proto::Resp2, Proto::Resp3] {
        let deferred = written(proto, |w| write(w, true));
        assert!(deferred == written(proto, |w| write(w, false)));
    }
}

#[test]
fn an_array_head_is_read_back() {
    assert_eq!(array_header(b"*12\r\n:1\r\n"), Some((12, 5)));
    assert_eq!(array_header(b"*0\r\n"), Some((0, 4)));
    for other in [&b"*-1\r\n"[..], b"*1", b"*1\r", b"$1\r\na\r\n", b"", b"*x\r\n"] {
        assert_eq!(array_header(other), None, "{}", other.escape_ascii());
    }
}

#[test]
fn values_are_skipped_with_what_they_nest() {
    let values: [&[u8]; 14] = [
        b"+OK\r\n",
        b"-ERR x\r\n",
        b":12\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"_\r\n",
        b"#t\r\n",
        b"(123\r\n",
        b"$4\r\n\r\n\r\n\r\n",
        b"=7\r\ntxt:abc\r\n",
        b"*2\r\n*1\r\n$1\r\na\r\n~1\r\n,1.5\r\n",
        b"%1\r\n+k\r\n*0\r\n",
        b"|1\r\n+k\r\n:1\r\n$1\r\na\r\n",
        b">2\r\n+message\r\n_\r\n",
    ];
    for value in values {
        let text = value.escape_ascii();
        assert_eq!(skip_value(value), Some(value.len()), "{text}");
        assert_eq!(skip_value(&[value, b"+rest\r\n"].concat()), Some(value.len()), "{text}");
        for end in 0..value.len() {
            assert_eq!(skip_value(&value[..end]), None, "{text} cut at {end}");
        }
    }
    for wrong in [&b"$1\r\nab\r\n"[..], b"hello\r\n", b"$x\r\n", b"*-2\r\n", b"+a\rb\n"] {
        assert_eq!(skip_value(wrong), None, "{}", wrong.escape_ascii());
    }
}

/// A reply of any shape.
#[derive(Clone, Debug)]
enum Reply {
    Null,
    Int(i64),
    Double(f64),
    Boolean(bool),
    Bulk(Vec<u8>),
    Shared(usize),
    Error(Vec<u8>),
    Array(Vec<Reply>),
    Map(Vec<Reply>),
}

fn reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        Just(Reply::Null),
        any::<i64>().prop_map(Reply::Int),
        any::<f64>().prop_map(Reply::Double),
        any::<bool>().prop_map(Reply::Boolean),
        prop::collection::vec(any::<u8>(), 0..30).prop_map(Reply::Bulk),
        (SHARED_MIN - 1..SHARED_MIN + 2).prop_map(Reply::Shared),
        prop::collection::vec(any::<u8>(), 0..30).prop_map(Reply::Error),
    ];
    leaf.prop_recursive(4, 60, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Reply::Array),
            prop::collection::vec(inner, 0..12).prop_map(Reply::Map),
        ]
    })
}

fn write_reply(w: &mut Writer, reply: &Reply) {
    match reply {
        Reply::Null => w.null(),
        Reply::Int(value) => w.int(*value),
        Reply::Double(value) => w.double(*value),
        Reply::Boolean(value) => w.boolean(*value),
        Reply::Bulk(value) => w.bulk(value),
        Reply::Shared(len) => w.bulk_shared(&Bytes::from(vec![b'\n'; *len])),
        Reply::Error(text) => w.error(text),
        Reply::Array(items) => {
            let array = w.deferred_array();
            items.iter().for_each(|item| write_reply(w, item));
            w.finish_array(array, items.len());
        }
        Reply::Map(items) => {
            w.map(items.len());
            items.iter().for_each(|item| {
                write_reply(w, item);
                write_reply(w, item);
            });
        }
    }
}

proptest! {
    #[test]
    fn the_reader_skips_what_the_writer_wrote(replies in prop::collection::vec(reply(), 1..4)) {
        for proto in [Proto::Resp2, Proto::Resp3] {
            let out = written(proto, |w| replies.iter().for_each(|reply| write_reply(w, reply)));
            let mut pos = 0;
            for _ in &replies {
                pos += skip_value(&out[pos..]).unwrap();
            }
            prop_assert_eq!(pos, out.len());
        }
    }

    #[test]
    fn the_reader_never_panics(wire in prop::collection::vec(
        prop_oneof![
            prop::sample::select(b"*$%|~>=:+-_#(,\r\n0123456789".to_vec()),
            any::<u8>(),
        ],
        0..60,
    )) {
        let _ = array_header(&wire);
        if let Some(len) = skip_value(&wire) {
            prop_assert!(len <= wire.len());
        }
    }
}
