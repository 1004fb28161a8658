//! The wire: parsing requests and encoding replies.
//!
//! `cargo bench --bench parse`. Throughput is per request or reply, so that the figures are
//! nanoseconds each.
use baton::resp::{
    Arg, Limits, Parsed, Parser, Proto, ReplyBuf, Writer, format_double, skip_value,
};
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// Requests per pipeline.
const PIPELINE: usize = 16;

fn encode(args: &[&[u8]]) -> Vec<u8> {
    let mut wire = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        wire.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        wire.extend_from_slice(arg);
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

/// Parses all requests in `wire`; gives how many there were and their arguments' total length.
fn parse_all(parser: &mut Parser, wire: &[u8], args: &mut Vec<Arg>) -> (usize, usize) {
    let limits = Limits::default();
    let (mut pos, mut requests, mut bytes) = (0, 0, 0);
    while let Ok(Parsed::Complete { consumed }) = parser.parse(&wire[pos..], args, &limits) {
        bytes += args.iter().map(Arg::len).sum::<usize>();
        pos += consumed;
        requests += 1;
    }
    (requests, bytes)
}

fn parse_pipelines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let value = [b'v'; 64];
    let requests: [(&str, Vec<&[u8]>); 4] = [
        ("get", vec![b"GET", b"key:000000012345"]),
        ("set", vec![b"SET", b"key:000000012345", &value]),
        ("mset-10", [&[&b"MSET"[..]][..], &[&b"key:000000012345"[..], &value].repeat(10)].concat()),
        ("ping-inline", vec![]),
    ];
    for (name, args) in &requests {
        let request = if args.is_empty() { b"PING\r\n".to_vec() } else { encode(args) };
        let wire = request.repeat(PIPELINE);
        let (mut parser, mut args) = (Parser::new(), Vec::new());
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let (requests, bytes) = parse_all(&mut parser, black_box(&wire), &mut args);
                assert_eq!(requests, PIPELINE);
                bytes
            })
        });
    }
    group.finish();
}

/// One SET of a big value that arrives in reads of 16 KiB.
fn parse_big_bulk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse-big-bulk");
    for size in [64 * 1024, 1024 * 1024] {
        let wire = encode(&[b"SET", b"key", &vec![b'v'; size]]);
        let (limits, mut args) = (Limits::default(), Vec::new());
        group.throughput(Throughput::Bytes(wire.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let mut parser = Parser::new();
                let mut last = None;
                for piece in wire.chunks(16 * 1024) {
                    last = parser.parse(black_box(piece), &mut args, &limits).ok();
                }
                assert!(matches!(last, Some(Parsed::Complete { .. })));
                args.len()
            })
        });
    }
    group.finish();
}

fn encode_replies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let value = [b'v'; 64];
    let shared = Bytes::from(vec![b'v'; 64 * 1024]);
    let mut buf = ReplyBuf::new();
    let mut bench = |name: &str, write: &dyn Fn(&mut Writer)| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                buf.clear();
                for _ in 0..PIPELINE {
                    write(&mut Writer::new(&mut buf, black_box(Proto::Resp2)));
                }
                buf.len()
            })
        });
    };
    bench("ok", &|w| w.ok());
    bench("int-small", &|w| w.int(black_box(1)));
    bench("int-large", &|w| w.int(black_box(1_234_567)));
    bench("bulk-64", &|w| w.bulk(black_box(&value)));
    bench("bulk-shared-64k", &|w| w.bulk_shared(black_box(&shared)));
    bench("array-of-10", &|w| {
        w.array(10);
        (0..10).for_each(|_| w.bulk(black_box(&value)));
    });
    bench("deferred-array-of-10", &|w| {
        let array = w.deferred_array();
        (0..10).for_each(|_| w.bulk(black_box(&value)));
        w.finish_array(array, 10);
    });
    bench("double", &|w| w.double(black_box(0.1234567)));
    group.finish();
}

fn format_and_skip(criterion: &mut Criterion) {
    let mut text = Vec::new();
    criterion.bench_function("format-double", |bencher| {
        bencher.iter(|| {
            text.clear();
            format_double(black_box(-12_345.678_9), &mut text);
            text.len()
        })
    });
    let mut wire = b"*16\r\n".to_vec();
    wire.extend(b"$16\r\nkey:000000012345\r\n".repeat(PIPELINE));
    criterion.bench_function("skip-array-of-16", |bencher| {
        bencher.iter(|| skip_value(black_box(&wire)))
    });
}

criterion_group!(benches, parse_pipelines, parse_big_bulk, encode_replies, format_and_skip);
criterion_main!(benches);
