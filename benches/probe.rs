//! The two clients of `scripts/pause`: one that watches how long a GET takes, and one that loads keys at a given pace.
//!
//! `probe watch` sends GETs on one connection at a fixed rate until its standard input ends, then prints how long they
//! took. A reply that comes late also delays the requests due meanwhile; they count from the moment they were due, so a
//! pause of the server weighs as much as it lasts. What the probe itself oversleeps does not count.
//!
//! `probe load` sends SETs in pipelines at a fixed rate and checks every reply.
//!
//! Not a benchmark of its own: without a subcommand (as `cargo bench` runs it) it does nothing.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use hdrhistogram::Histogram;

/// Replies slower than this end the probe: the server hangs.
const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Parser)]
#[command(about = "The clients of scripts/pause")]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Given by `cargo bench` to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Time GETs until standard input ends.
    Watch(Watch),
    /// Send SETs at a given pace.
    Load(Load),
}

#[derive(Args)]
struct Watch {
    #[arg(long)]
    port: u16,
    /// Requests per second.
    #[arg(long, default_value_t = 2000)]
    rate: u32,
    /// GET key:000000000000 up to this many.
    #[arg(long, default_value_t = 1)]
    keys: u64,
    /// GET this key instead.
    #[arg(long)]
    key: Option<String>,
}

#[derive(Args)]
struct Load {
    #[arg(long)]
    port: u16,
    /// SETs per second; 0 for as fast as the server replies.
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// How many SETs in all.
    #[arg(long)]
    count: u64,
    /// Index of the first key.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Start again from the first key after this many; 0 for never.
    #[arg(long, default_value_t = 0)]
    span: u64,
    /// SETs in one write.
    #[arg(long, default_value_t = 100)]
    pipeline: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 64)]
    size: usize,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().role {
        Some(Role::Watch(watch)) => watch.run(),
        Some(Role::Load(load)) => load.run(),
        None => Ok(()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probe: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Watch {
    fn run(&self) -> Result<()> {
        let mut server = connect(self.port)?;
        let interval = Duration::from_secs(1) / self.rate.max(1);
        let stop = stop_at_end_of_input();
        let mut times = Histogram::<u64>::new_with_max(REPLY_TIMEOUT.as_micros() as u64, 3)
            .map_err(Error::other)?;
        let mut request = Vec::new();
        let mut reply = vec![0; 4096];
        let mut key = 0;
        let mut due = now();
        while !stop.load(Ordering::Relaxed) {
            let begin = wait_until(due);
            key = (key + 1) % self.keys.max(1);
            request.clear();
            match &self.key {
                Some(key) => write!(request, "*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len())?,
                None => write!(request, "*2\r\n$3\r\nGET\r\n$16\r\nkey:{key:012}\r\n")?,
            }
            server.write_all(&request)?;
            read_bulk(&mut server, &mut reply)?;
            let end = now();
            times.saturating_record(micros(end - begin));
            due = begin + interval;
            // Requests that fell due while this one was out, and could not be sent.
            while due < end {
                times.saturating_record(micros(end - due));
                due += interval;
            }
        }
        println!(
            r#"{{"samples":{},"p50_us":{},"p99_us":{},"p999_us":{},"max_us":{}}}"#,
            times.len(),
            times.value_at_quantile(0.5),
            times.value_at_quantile(0.99),
            times.value_at_quantile(0.999),
            times.max()
        );
        Ok(())
    }
}

impl Load {
    fn run(&self) -> Result<()> {
        let mut server = connect(self.port)?;
        let value = "x".repeat(self.size);
        let mut requests = Vec::new();
        let mut replies = Vec::new();
        let begin = now();
        let mut due = begin;
        let mut sent = 0;
        while sent < self.count {
            let batch = self.pipeline.clamp(1, self.count - sent);
            requests.clear();
            for index in sent..sent + batch {
                let key = self.first + index.checked_rem(self.span).unwrap_or(index);
                write!(
                    requests,
                    "*3\r\n$3\r\nSET\r\n$16\r\nkey:{key:012}\r\n${}\r\n{value}\r\n",
                    self.size
                )?;
            }
            if self.rate > 0 {
                // A late batch moves the later ones: after a pause there is no burst to catch up.
                let started = wait_until(due);
                due = started.max(due) + Duration::from_secs(1) * batch as u32 / self.rate;
            }
            server.write_all(&requests)?;
            read_oks(&mut server, &mut replies, batch)?;
            sent += batch;
        }
        println!(r#"{{"sent":{sent},"seconds":{:.3}}}"#, (now() - begin).as_secs_f64());
        Ok(())
    }
}

/// A flag that a thread sets once standard input ends.
fn stop_at_end_of_input() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    std::thread::spawn(move || {
        let mut ignored = [0; 64];
        while matches!(std::io::stdin().read(&mut ignored), Ok(1..)) {}
        flag.store(true, Ordering::Relaxed);
    });
    stop
}

fn connect(port: u16) -> Result<TcpStream> {
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    server.set_nodelay(true)?;
    server.set_read_timeout(Some(REPLY_TIMEOUT))?;
    Ok(server)
}

#[expect(clippy::disallowed_methods, reason = "a client that measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// Sleeps until `due`; the time it woke at.
#[expect(clippy::disallowed_methods, reason = "a client that keeps a real pace")]
fn wait_until(due: Instant) -> Instant {
    let now = now();
    if due <= now {
        return now;
    }
    std::thread::sleep(due - now);
    Instant::now()
}

fn micros(time: Duration) -> u64 {
    time.as_micros().try_into().unwrap_or(u64::MAX)
}

/// Reads one bulk string or nil whole.
fn read_bulk(server: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    loop {
        let read = server.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let reply = &buffer[..filled];
        if !reply.starts_with(b"$") {
            return Err(unexpected(reply));
        }
        let Some(line) = reply.iter().position(|&byte| byte == b'\n') else { continue };
        let size = std::str::from_utf8(&reply[1..line])
            .ok()
            .and_then(|text| text.trim().parse::<i64>().ok());
        let whole = match size {
            Some(-1) => line + 1,
            Some(size @ 0..) => line + 1 + size as usize + 2,
            _ => return Err(unexpected(reply)),
        };
        if filled == whole {
            return Ok(());
        }
        if filled > whole || whole > buffer.len() {
            return Err(unexpected(reply));
        }
    }
}

/// Reads the replies of `count` SETs; anything but OK is an error.
fn read_oks(server: &mut TcpStream, buffer: &mut Vec<u8>, count: u64) -> Result<()> {
    const OK: &[u8] = b"+OK\r\n";
    buffer.resize(OK.len() * count as usize, 0);
    let mut filled = 0;
    while filled < buffer.len() {
        let read = server.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        // An error reply is shorter than the rest of the buffer may be: look before waiting for more.
        if buffer[..filled].chunks(OK.len()).any(|chunk| !OK.starts_with(chunk)) {
            return Err(unexpected(&buffer[..filled]));
        }
    }
    Ok(())
}

fn unexpected(reply: &[u8]) -> Error {
    Error::other(format!("unexpected reply: {}", reply[..reply.len().min(200)].escape_ascii()))
}
