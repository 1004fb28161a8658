//! The way to sockets: a small trait, so that a simulation can stand in for the machine's network.
//!
//! Readiness is edge-triggered: an event is told once, and the reader reads until there is no more.

use std::io::{self, IoSlice};
use std::time::Duration;

/// What became possible on a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The token that it was registered under.
    pub token: usize,
    /// There may be bytes, or the end, to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The peer has ended its side: read until the end.
    pub read_closed: bool,
    /// The connection is broken.
    pub error: bool,
}

/// A new connection and what is known about it.
pub struct Accepted<S> {
    /// The socket, not registered yet.
    pub socket: S,
    /// The peer's address as CLIENT LIST shows it.
    pub addr: String,
    /// The local address.
    pub laddr: String,
    /// File descriptor, -1 if there is none.
    pub fd: i32,
    /// It came through the Unix socket.
    pub unix: bool,
    /// It came from this machine.
    pub loopback: bool,
}

/// A stream of bytes both ways that never blocks.
pub trait Socket: Send {
    /// Reads into `buffer`; 0 is the end, `WouldBlock` means later.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes some of `parts`; `WouldBlock` means later.
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Sets TCP keep-alive probes every `seconds` (0: none) where that means something.
    fn set_keepalive(&mut self, seconds: u64);
}

/// An acceptor's sockets: its listeners and the event queue.
pub trait Transport: Send {
    /// The sockets it deals in.
    type Socket: Socket;

    /// Starts telling about `socket` under `token`.
    fn register(&mut self, socket: &mut Self::Socket, token: usize) -> io::Result<()>;
    /// Stops telling about `socket`: nothing that is taken by [`Transport::poll`] from now on is
    /// about it.
    fn deregister(&mut self, socket: &mut Self::Socket);
    /// Takes the next new connection, if one waits.
    fn accept(&mut self) -> io::Result<Option<Accepted<Self::Socket>>>;
    /// Waits for events, for `timeout` at the most (`None`: until there is one or a wake-up), and
    /// appends them; an event of a listener has the token [`LISTENERS`]. There may be several about
    /// one socket.
    fn poll(&mut self, events: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()>;
}

/// The token of events on listeners.
pub const LISTENERS: usize = usize::MAX - 1;
