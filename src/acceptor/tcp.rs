//! The machine's network: TCP and Unix sockets by mio, listeners by socket2.
//!
//! Every acceptor listens on every address with SO_REUSEPORT, so the kernel spreads connections;
//! the Unix socket has one listener. mio waits by epoll, edge-triggered.

use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, TcpKeepalive, Type};

use super::transport::{Accepted, LISTENERS, Ready, Socket, Transport};

const WAKER: Token = Token(usize::MAX);
/// Events taken from the kernel at once.
const EVENTS: usize = 1024;

/// A listener of one acceptor.
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// A connected socket.
pub enum Stream {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over the Unix socket.
    Unix(UnixStream),
}

/// The listeners of one acceptor, bound but without a thread yet.
#[derive(Default)]
pub struct Listeners {
    listeners: Vec<Listener>,
    /// All TCP addresses, those included at which there is a listener already.
    addresses: Vec<SocketAddr>,
}

impl Listeners {
    /// The TCP addresses at which the acceptor will listen.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// What to listen on.
pub struct ListenOptions<'a> {
    /// Addresses; a leading `-` makes one optional; `*` and `::*` stand for all of IPv4 and IPv6.
    pub bind: &'a [String],
    /// TCP port; 0 for none.
    pub port: u16,
    /// TCP addresses at which every acceptor listens already: no listener is made for those.
    pub present: &'a [SocketAddr],
    /// Pending connections.
    pub backlog: i32,
    /// Path of the Unix socket.
    pub unixsocket: Option<&'a Path>,
    /// Its permissions, 0 to leave them.
    pub unixsocketperm: u32,
    /// Its group by name or number, if not the process's own.
    pub unixsocketgroup: Option<&'a [u8]>,
}

/// Binds the listeners of `acceptors` acceptors.
///
/// # Errors
///
/// With the address in the text, when one that is not optional cannot be bound.
pub fn listen(options: &ListenOptions<'_>, acceptors: usize) -> io::Result<Vec<Listeners>> {
    let mut all: Vec<Listeners> = (0..acceptors).map(|_| Listeners::default()).collect();
    if options.port != 0 {
        let mut bound = 0;
        for name in options.bind {
            let (name, optional) = match name.strip_prefix('-') {
                Some(name) => (name, true),
                None => (name.as_str(), false),
            };
            match listen_everywhere(name, options, &mut all) {
                Ok(()) => bound += 1,
                Err(error) if optional && is_unavailable(&error) => {}
                Err(error) => {
                    let text = format!("could not listen on {name}:{}: {error}", options.port);
                    return Err(io::Error::new(error.kind(), text));
                }
            }
        }
        if bound == 0 && !options.bind.is_empty() {
            return Err(io::Error::other("no address of 'bind' is available"));
        }
    }
    if let Some(path) = options.unixsocket {
        let listener = listen_unix(path, options).map_err(|error| {
            io::Error::new(error.kind(), format!("unix socket {}: {error}", path.display()))
        })?;
        all[0].listeners.push(listener);
    }
    Ok(all)
}

fn is_unavailable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error() == Some(libc::EAFNOSUPPORT)
}

fn listen_everywhere(
    name: &str,
    options: &ListenOptions<'_>,
    all: &mut [Listeners],
) -> io::Result<()> {
    let address = match name {
        "*" => SocketAddr::from(([0, 0, 0, 0], options.port)),
        "::*" => SocketAddr::from(([0u16; 8], options.port)),
        name => (name, options.port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::other("the name has no address"))?,
    };
    if options.present.contains(&address) {
        all.iter_mut().for_each(|listeners| listeners.addresses.push(address));
        return Ok(());
    }
    if !options.present.iter().any(|present| present.port() == options.port) {
        // With SO_REUSEPORT another server on this port would go unnoticed: ask without it first.
        raw_socket(address, false)?.bind(&address.into())?;
    }
    for listeners in all {
        let socket = raw_socket(address, true)?;
        socket.bind(&address.into())?;
        socket.listen(options.backlog)?;
        socket.set_nonblocking(true)?;
        listeners.listeners.push(Listener::Tcp(TcpListener::from_std(socket.into())));
        listeners.addresses.push(address);
    }
    Ok(())
}

fn raw_socket(address: SocketAddr, reuse_port: bool) -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    Ok(socket)
}

fn listen_unix(path: &Path, options: &ListenOptions<'_>) -> io::Result<Listener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    // Nobody can connect before it is settled who may.
    if let Some(group) = options.unixsocketgroup {
        std::os::unix::fs::chown(path, None, Some(group_id(group)?))?;
    }
    if options.unixsocketperm != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(options.unixsocketperm))?;
    }
    socket.listen(options.backlog)?;
    socket.set_nonblocking(true)?;
    Ok(Listener::Unix(UnixListener::from_std(socket.into()), path.to_owned()))
}

/// The number of a group that is given by name or, if no group has that name, by number.
fn group_id(group: &[u8]) -> io::Result<u32> {
    let text = String::from_utf8_lossy(group);
    if let Some(group) = nix::unistd::Group::from_name(&text)? {
        return Ok(group.gid.as_raw());
    }
    // The largest number would mean to leave the group as it is.
    let number = text.parse().ok().filter(|&number| number != u32::MAX);
    number.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no group '{text}'"))
    })
}

/// An acceptor's sockets on the machine's network.
pub struct Network {
    poll: Poll,
    events: Events,
    listeners: Vec<Listener>,
    /// Listeners that were replaced: what waits there is still accepted.
    retired: Vec<Listener>,
    /// The listener to ask next: each is asked in turn.
    next: usize,
    waker: Arc<Waker>,
    /// Listeners to have in place of those over TCP.
    replacements: (Sender<Listeners>, Receiver<Listeners>),
}

/// The way to give a network other TCP listeners while it runs.
pub struct Relisten {
    replacements: Sender<Listeners>,
    waker: Arc<Waker>,
}

impl Relisten {
    /// Has the network listen by these from its next look at its events on, and no longer by the
    /// TCP listeners that it has at other addresses. Its Unix socket and all connections stay.
    pub fn replace(&self, listeners: Listeners) {
        // Both fail only when the network is gone with its thread, and then the process ends.
        let _ = self.replacements.send(listeners);
        let _ = self.waker.wake();
    }
}

impl Network {
    /// An event queue with these listeners.
    ///
    /// # Errors
    ///
    /// When the system has no event queue or descriptor left.
    pub fn new(listeners: Listeners) -> io::Result<Network> {
        let poll = Poll::new()?;
        let mut listeners = listeners.listeners;
        for listener in &mut listeners {
            listener.register(poll.registry())?;
        }
        Ok(Network {
            waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
            poll,
            events: Events::with_capacity(EVENTS),
            listeners,
            retired: Vec::new(),
            next: 0,
            replacements: unbounded(),
        })
    }

    /// Something that rouses [`Transport::poll`] from another thread.
    pub fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    /// The way to give it other TCP listeners.
    pub fn relisten(&self) -> Relisten {
        Relisten { replacements: self.replacements.0.clone(), waker: self.waker.clone() }
    }

    /// Takes the listeners that it was given meanwhile.
    fn take_replacements(&mut self) {
        while let Ok(given) = self.replacements.1.try_recv() {
            let (goes, stays) = std::mem::take(&mut self.listeners)
                .into_iter()
                .partition(|listener| listener.is_none_of(&given.addresses));
            self.listeners = stays;
            self.retired.extend::<Vec<_>>(goes);
            for mut listener in given.listeners {
                match listener.register(self.poll.registry()) {
                    Ok(()) => self.listeners.push(listener),
                    Err(error) => tracing::warn!("a listener cannot be watched: {error}"),
                }
            }
            self.next = 0;
        }
    }
}

impl Listener {
    /// Whether it is a TCP listener at another address than these.
    fn is_none_of(&self, addresses: &[SocketAddr]) -> bool {
        match self {
            Listener::Tcp(tcp) => !tcp.local_addr().is_ok_and(|own| addresses.contains(&own)),
            Listener::Unix(..) => false,
        }
    }

    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let token = Token(LISTENERS);
        match self {
            Listener::Tcp(tcp) => registry.register(tcp, token, Interest::READABLE),
            Listener::Unix(unix, _) => registry.register(unix, token, Interest::READABLE),
        }
    }

    fn accept(&self) -> io::Result<Accepted<Stream>> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                // Replies are written whole: waiting for more to send would only add latency.
                let _ = stream.set_nodelay(true);
                Ok(Accepted {
                    addr: peer.to_string(),
                    laddr: stream.local_addr().map_or_else(|_| String::new(), |a| a.to_string()),
                    fd: stream.as_raw_fd(),
                    unix: false,
                    loopback: peer.ip().to_canonical().is_loopback(),
                    socket: Stream::Tcp(stream),
                })
            }
            Listener::Unix(listener, path) => {
                let (stream, _) = listener.accept()?;
                let name = format!("{}:0", path.display());
                Ok(Accepted {
                    addr: name.clone(),
                    laddr: name,
                    fd: stream.as_raw_fd(),
                    unix: true,
                    loopback: true,
                    socket: Stream::Unix(stream),
                })
            }
        }
    }
}

impl Transport for Network {
    type Socket = Stream;

    fn register(&mut self, socket: &mut Stream, token: usize) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        match socket {
            Stream::Tcp(stream) => self.poll.registry().register(stream, Token(token), both),
            Stream::Unix(stream) => self.poll.registry().register(stream, Token(token), both),
        }
    }

    fn deregister(&mut self, socket: &mut Stream) {
        // Fails only for a socket that is gone already.
        let _ = match socket {
            Stream::Tcp(stream) => self.poll.registry().deregister(stream),
            Stream::Unix(stream) => self.poll.registry().deregister(stream),
        };
    }

    fn accept(&mut self) -> io::Result<Option<Accepted<Stream>>> {
        while let Some(listener) = self.retired.last() {
            match listener.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => drop(self.retired.pop()),
                outcome => return outcome.map(Some),
            }
        }
        for _ in 0..self.listeners.len() {
            match self.listeners[self.next].accept() {
                Ok(accepted) => return Ok(Some(accepted)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.next = (self.next + 1) % self.listeners.len();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn poll(&mut self, events: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        let mut roused = false;
        for event in &self.events {
            if event.token() == WAKER {
                roused = true;
                continue;
            }
            events.push(Ready {
                token: event.token().0,
                readable: event.is_readable(),
                writable: event.is_writable(),
                read_closed: event.is_read_closed(),
                error: event.is_error(),
            });
        }
        if roused {
            self.take_replacements();
        }
        if !self.retired.is_empty() {
            events.push(Ready { token: LISTENERS, readable: true, ..Ready::default() });
        }
        Ok(())
    }
}

impl Socket for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, parts) {
            (Stream::Tcp(stream), [part]) => stream.write(part),
            (Stream::Tcp(stream), parts) => stream.write_vectored(parts),
            (Stream::Unix(stream), parts) => stream.write_vectored(parts),
        }
    }

    fn set_keepalive(&mut self, seconds: u64) {
        let Stream::Tcp(stream) = self else { return };
        if seconds > 0 {
            // The interval and count of Redis: three probes in the last third of the time.
            let interval = Duration::from_secs((seconds / 3).max(1));
            let keepalive = TcpKeepalive::new()
                .with_time(Duration::from_secs(seconds))
                .with_interval(interval)
                .with_retries(3);
            let _ = SockRef::from(&*stream).set_tcp_keepalive(&keepalive);
        }
    }
}
