//! The request parser: any bytes, in one piece and cut into pieces, give the same requests or the
//! same error; memory stays within a small multiple of what was received.
//!
//! The first byte of the input sets how the rest is cut, the second whether the client has
//! authenticated. A `!` followed by a byte stands for a long run, and a `~` followed by a byte for a
//! well-formed argument, so that inputs of a few bytes reach the limits of 16, 32 and 64 KiB.
#![no_main]
use baton::resp::{Arg, Limits, Parsed, Parser, ProtocolError};
use libfuzzer_sys::fuzz_target;

/// No stream is made longer than this, to keep each run short.
const MAX_STREAM: usize = 300_000;

fuzz_target!(|input: &[u8]| {
    let [cut, authenticated, rest @ ..] = input else { return };
    let limits = Limits { authenticated: authenticated & 1 == 0, ..Limits::new(200_000) };
    let stream = expand(rest);
    let whole = run(&stream, stream.len().max(1), &limits);
    let piece = match cut {
        0..=199 => 1 + usize::from(*cut),
        _ => usize::from(*cut - 199) * 1499,
    };
    // Byte by byte only where that is quick.
    let pieces = run(&stream, piece.max(stream.len() / 500), &limits);
    assert!(whole == pieces, "pieces of {piece} bytes give something else");
});

/// Replaces `!` and a byte by a run of letters, `~` and a byte by an argument of that length.
fn expand(input: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut bytes = input.iter();
    while let Some(&byte) = bytes.next() {
        let length = bytes.as_slice().first().map(|&size| length_of(size));
        match (byte, length) {
            (b'!', Some(length)) => {
                bytes.next();
                stream.resize(stream.len() + length, b'a');
            }
            (b'~', Some(length)) => {
                bytes.next();
                stream.extend_from_slice(format!("${length}\r\n").as_bytes());
                stream.resize(stream.len() + length, b'a');
                stream.extend_from_slice(b"\r\n");
            }
            _ => stream.push(byte),
        }
        if stream.len() > MAX_STREAM {
            break;
        }
    }
    stream
}

/// Lengths close to the limits: multiples of 8 KiB, up to 8 less and 7 more.
fn length_of(size: u8) -> usize {
    (usize::from(size >> 4) * 8192 + usize::from(size & 15)).saturating_sub(8)
}

type Request = Vec<Vec<u8>>;

/// Feeds the stream in pieces, as an acceptor does.
fn run(stream: &[u8], piece: usize, limits: &Limits) -> (Vec<Request>, Option<ProtocolError>) {
    let mut parser = Parser::new();
    let mut args: Vec<Arg> = Vec::new();
    let mut unconsumed = Vec::new();
    let mut requests = Vec::new();
    for bytes in stream.chunks(piece) {
        unconsumed.extend_from_slice(bytes);
        loop {
            match parser.parse(&unconsumed, &mut args, limits) {
                Ok(Parsed::Complete { consumed }) => {
                    requests.push(args.iter().map(|arg| arg.bytes(&unconsumed).to_vec()).collect());
                    unconsumed.drain(..consumed);
                }
                Ok(Parsed::Nothing { consumed }) => {
                    requests.push(Vec::new());
                    unconsumed.drain(..consumed);
                }
                Ok(Parsed::Incomplete { consumed }) => {
                    unconsumed.drain(..consumed);
                    break;
                }
                Err(error) => return (requests, Some(error)),
            }
        }
        assert!(parser.buffered_bytes() <= stream.len());
        assert!(parser.allocated_bytes() <= 14 * stream.len() + 16 * 1024);
    }
    (requests, None)
}
