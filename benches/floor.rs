//! What the kernel and the client alone take: a server without data, for `scripts/bench --servers valkey floor:2`.
//!
//! `floor serve` finds out where each request ends and answers with a fixed reply of the right kind: +PONG to PING, +OK
//! to SET and MSET, a value of `--size` bytes to GET. No table, no routing, no limits, nothing shared between its
//! threads: each has a listener and an event queue, reads once per event and writes once. A server that serves sockets
//! in this way and has work to do on top can hardly take less CPU per request.
//!
//! Not a benchmark of its own: without a subcommand (as `cargo bench` runs it) it does nothing.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use clap::{Args, Parser, Subcommand};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use socket2::{Domain, Socket, Type};

#[derive(Parser)]
#[command(about = "A server without data")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Given by `cargo bench` to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Answer on a port until killed.
    Serve(Serve),
}

#[derive(Args, Clone)]
struct Serve {
    #[arg(long)]
    port: u16,
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Bytes of every value.
    #[arg(long, default_value_t = 64)]
    size: usize,
}

fn main() -> ExitCode {
    let Some(Role::Serve(options)) = Arguments::parse().role else { return ExitCode::SUCCESS };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Serve) -> Result<()> {
    let counted: Arc<[Counter]> = (0..options.threads).map(|_| Counter::default()).collect();
    let listeners: Vec<TcpListener> =
        (0..options.threads).map(|_| listen(options.port)).collect::<Result<_>>()?;
    let threads: Vec<_> = listeners
        .into_iter()
        .enumerate()
        .map(|(number, listener)| {
            let worker = Worker::new(number, counted.clone(), options.size);
            thread::spawn(move || worker.run(listener))
        })
        .collect();
    threads.into_iter().try_for_each(|thread| thread.join().expect("a thread panicked"))
}

/// Requests that a thread has answered, on a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Counter(AtomicU64);

fn listen(port: u16) -> Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(511)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    /// What was read of a request that is not complete.
    rest: Vec<u8>,
    replies: Vec<u8>,
}

struct Worker {
    number: usize,
    counted: Arc<[Counter]>,
    value: Vec<u8>,
    connections: Slab<Connection>,
    buffer: Vec<u8>,
}

impl Worker {
    fn new(number: usize, counted: Arc<[Counter]>, size: usize) -> Worker {
        let value = [format!("${size}\r\n").as_bytes(), &vec![b'x'; size], b"\r\n"].concat();
        Worker { number, counted, value, connections: Slab::new(), buffer: vec![0; 64 * 1024] }
    }

    fn run(mut self, mut listener: TcpListener) -> Result<()> {
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(1024);
        let mut answered = Vec::new();
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        loop {
            match poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(&poll, &listener)?,
                    Token(index) if event.is_readable() => {
                        if self.read(index) {
                            answered.push(index);
                        } else if self.connections.contains(index) {
                            self.connections.remove(index);
                        }
                    }
                    _ => {}
                }
            }
            // Replies leave together, as those of other servers do.
            for index in answered.drain(..) {
                self.write(index);
            }
        }
    }

    fn accept(&mut self, poll: &Poll, listener: &TcpListener) -> Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.connections.vacant_entry();
            poll.registry().register(&mut stream, Token(entry.key()), Interest::READABLE)?;
            entry.insert(Connection { stream, rest: Vec::new(), replies: Vec::new() });
        }
    }

    /// Reads what has come and makes the replies; false when the connection is at its end.
    fn read(&mut self, index: usize) -> bool {
        loop {
            let Some(connection) = self.connections.get_mut(index) else { return true };
            match connection.stream.read(&mut self.buffer) {
                Ok(0) => return false,
                Ok(read) => {
                    self.answer(index, read);
                    // A buffer that was not filled was all there was.
                    if read < self.buffer.len() {
                        return true;
                    }
                }
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    fn answer(&mut self, index: usize, read: usize) {
        let connection = &mut self.connections[index];
        let kept = std::mem::take(&mut connection.rest);
        let joined;
        let mut input = if kept.is_empty() {
            &self.buffer[..read]
        } else {
            joined = [&kept, &self.buffer[..read]].concat();
            &joined
        };
        let mut requests = 0;
        while let Some((name, end)) = first_request(input) {
            requests += 1;
            match name.first().map(u8::to_ascii_uppercase) {
                Some(b'P') => connection.replies.extend_from_slice(b"+PONG\r\n"),
                Some(b'G') => connection.replies.extend_from_slice(&self.value),
                Some(b'S' | b'M') => connection.replies.extend_from_slice(b"+OK\r\n"),
                Some(b'I') => connection.replies.extend_from_slice(&info(&self.counted)),
                Some(b'D') => connection.replies.extend_from_slice(b":0\r\n"),
                _ => connection.replies.extend_from_slice(b"*0\r\n"),
            }
            input = &input[end..];
        }
        connection.rest = input.to_vec();
        self.counted[self.number].0.fetch_add(requests, Ordering::Relaxed);
    }

    /// Writes the replies; a client that does not read them loses its connection.
    fn write(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index) else { return };
        let written = connection.stream.write_all(&connection.replies);
        connection.replies.clear();
        if written.is_err() {
            self.connections.remove(index);
        }
    }
}

/// The reply to INFO: the one field that `scripts/bench` asks for.
fn info(counted: &[Counter]) -> Vec<u8> {
    let total: u64 = counted.iter().map(|counter| counter.0.load(Ordering::Relaxed)).sum();
    let text = format!("total_commands_processed:{total}\r\n");
    format!("${}\r\n{text}\r\n", text.len()).into_bytes()
}

/// The name of the first request in `input`, and where it ends; `None` if it is not complete.
fn first_request(input: &[u8]) -> Option<(&[u8], usize)> {
    let (parts, mut at) = number(input, 0)?;
    let mut name: &[u8] = &[];
    for part in 0..parts {
        let (length, begin) = number(input, at)?;
        let text = input.get(begin..begin + length)?;
        at = begin + length + 2;
        if part == 0 {
            name = text;
        }
    }
    (at <= input.len()).then_some((name, at))
}

/// The number behind the type byte at `at`, and where the line after it begins.
fn number(input: &[u8], at: usize) -> Option<(usize, usize)> {
    let digits = input.get(at + 1..)?;
    let mut value = 0;
    for (place, byte) in digits.iter().enumerate() {
        match byte {
            b'\r' => return Some((value, at + place + 3)),
            digit => value = value * 10 + usize::from(digit.wrapping_sub(b'0')),
        }
    }
    None
}
