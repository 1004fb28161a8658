//! A network in memory: what the acceptors' transport talks to, and the clients' ends of it.
//!
//! It behaves as edge-triggered epoll over TCP does: news is told once; a read gives all that is
//! there, so a short read means that there is no more; a socket's send buffer has limited room, and
//! room made after `WouldBlock` is news. What is told of a socket that is deregistered then is
//! dropped; what is there already when it is registered is told. News of one socket is not gathered
//! into one event, as epoll would have it and kqueue has not. Bytes arrive in the pieces in which the client pushed them.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baton::acceptor::transport::{Accepted, LISTENERS, Ready, Socket, Transport};

/// Everything runs in one thread; the lock is there since transports must be `Send`.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// News and new connections for one acceptor.
#[derive(Default)]
struct Port {
    news: VecDeque<Ready>,
    backlog: VecDeque<Accepted<SimSocket>>,
}

/// An acceptor's side of the network.
#[derive(Clone, Default)]
pub struct SimNetwork {
    port: Arc<Mutex<Port>>,
}

/// A connection as both sides see it.
#[derive(Default)]
struct Pipe {
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    /// Bytes that `to_client` takes.
    room: usize,
    /// The client has ended its side.
    client_ended: bool,
    /// The client is gone; reads and writes fail.
    reset: bool,
    /// The server has closed the connection.
    server_closed: bool,
    /// The server was told that there is no room.
    wants_room: bool,
    /// Where and under which token the server hears of it.
    registered: Option<(SimNetwork, usize)>,
}

impl Pipe {
    fn tell(&self, ready: Ready) {
        let Some((network, token)) = &self.registered else { return };
        let news = &mut locked(&network.port).news;
        match news.iter_mut().find(|known| known.token == *token) {
            // One piece of news per connection, as from epoll.
            Some(known) => {
                known.readable |= ready.readable;
                known.writable |= ready.writable;
                known.read_closed |= ready.read_closed;
                known.error |= ready.error;
            }
            None => news.push_back(Ready { token: *token, ..ready }),
        }
    }

    fn tell_readable(&self) {
        let read_closed = self.client_ended || self.reset;
        let error = self.reset;
        self.tell(Ready { readable: true, read_closed, error, ..Ready::default() });
    }
}

/// The server's end of a connection.
pub struct SimSocket(Arc<Mutex<Pipe>>);

/// The client's end of a connection.
pub struct ClientEnd(Arc<Mutex<Pipe>>);

/// Connects to an acceptor; at most `room` bytes of replies wait unread before the server's writes
/// are refused.
pub fn connect(to: &SimNetwork, name: usize, room: usize) -> ClientEnd {
    let pipe = Arc::new(Mutex::new(Pipe { room, ..Pipe::default() }));
    let mut port = locked(&to.port);
    port.backlog.push_back(Accepted {
        socket: SimSocket(pipe.clone()),
        addr: format!("sim:{name}"),
        laddr: "sim:0".to_owned(),
        fd: -1,
        unix: false,
        loopback: true,
    });
    port.news.push_back(Ready { token: LISTENERS, readable: true, ..Ready::default() });
    ClientEnd(pipe)
}

impl ClientEnd {
    /// Sends bytes.
    pub fn push(&self, bytes: &[u8]) {
        let mut pipe = locked(&self.0);
        pipe.to_server.extend(bytes);
        pipe.tell_readable();
    }

    /// Takes at most `most` bytes that have arrived.
    pub fn pull(&self, most: usize) -> Vec<u8> {
        let mut pipe = locked(&self.0);
        let taken = most.min(pipe.to_client.len());
        let bytes = pipe.to_client.drain(..taken).collect();
        if taken > 0 && pipe.wants_room {
            pipe.wants_room = false;
            pipe.tell(Ready { writable: true, ..Ready::default() });
        }
        bytes
    }

    /// Whether something has arrived, or the server has closed.
    pub fn has_news(&self) -> bool {
        let pipe = locked(&self.0);
        !pipe.to_client.is_empty() || pipe.server_closed
    }

    /// Whether the server has closed and everything was read.
    pub fn is_over(&self) -> bool {
        let pipe = locked(&self.0);
        pipe.to_client.is_empty() && pipe.server_closed
    }

    /// Ends this side: the server reads what was sent, and then the end. Replies still to come are
    /// taken and forgotten.
    pub fn end(&self) {
        let mut pipe = locked(&self.0);
        pipe.client_ended = true;
        pipe.room = usize::MAX;
        let writable = std::mem::take(&mut pipe.wants_room);
        pipe.tell_readable();
        pipe.tell(Ready { writable, ..Ready::default() });
    }

    /// Is gone at once.
    pub fn reset(&self) {
        let mut pipe = locked(&self.0);
        pipe.reset = true;
        pipe.tell_readable();
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        locked(&self.0).server_closed = true;
    }
}

impl Socket for SimSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipe = locked(&self.0);
        if pipe.reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if pipe.to_server.is_empty() {
            return if pipe.client_ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let count = buffer.len().min(pipe.to_server.len());
        for (place, byte) in buffer.iter_mut().zip(pipe.to_server.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut pipe = locked(&self.0);
        if pipe.reset {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut written = 0;
        for part in parts {
            let room = pipe.room.saturating_sub(pipe.to_client.len());
            let count = room.min(part.len());
            pipe.to_client.extend(&part[..count]);
            written += count;
            if count < part.len() {
                pipe.wants_room = true;
                break;
            }
        }
        if written == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(written) }
    }

    fn set_keepalive(&mut self, _seconds: u64) {}
}

impl SimNetwork {
    /// Whether there is something to tell.
    pub fn has_news(&self) -> bool {
        !locked(&self.port).news.is_empty()
    }
}

impl Transport for SimNetwork {
    type Socket = SimSocket;

    fn register(&mut self, socket: &mut SimSocket, token: usize) -> io::Result<()> {
        let mut pipe = locked(&socket.0);
        pipe.registered = Some((self.clone(), token));
        if !pipe.to_server.is_empty() || pipe.client_ended || pipe.reset {
            pipe.tell_readable();
        }
        Ok(())
    }

    fn deregister(&mut self, socket: &mut SimSocket) {
        if let Some((network, token)) = locked(&socket.0).registered.take() {
            locked(&network.port).news.retain(|ready| ready.token != token);
        }
    }

    fn accept(&mut self) -> io::Result<Option<Accepted<SimSocket>>> {
        Ok(locked(&self.port).backlog.pop_front())
    }

    fn poll(&mut self, events: &mut Vec<Ready>, _timeout: Option<Duration>) -> io::Result<()> {
        events.extend(locked(&self.port).news.drain(..));
        Ok(())
    }
}
