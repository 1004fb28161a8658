//! A blocking client that speaks RESP2 and RESP3 and shows exactly what it received.
//!
//! Unlike a client library it hides nothing: a null bulk, a null array and RESP3's null are three
//! different replies, doubles keep their text, pushes and attributes are replies like others.
//! It can also send raw bytes, pipeline without reading, and close one half of the connection.
//! Methods panic on I/O errors (with what was asked); `try_` methods return them.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long a reply may take before a test fails.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One reply, of RESP2 or RESP3.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reply {
    /// `+text`
    Simple(Vec<u8>),
    /// `-CODE text`
    Error(Vec<u8>),
    /// `:n`
    Int(i64),
    /// `$n text`
    Bulk(Vec<u8>),
    /// `$-1`
    NullBulk,
    /// `*-1`
    NullArray,
    /// `_` (RESP3)
    Null,
    /// `*n`
    Array(Vec<Reply>),
    /// `%n` (RESP3)
    Map(Vec<(Reply, Reply)>),
    /// `~n` (RESP3)
    Set(Vec<Reply>),
    /// `>n` (RESP3)
    Push(Vec<Reply>),
    /// `,d` (RESP3), its text as sent
    Double(Vec<u8>),
    /// `#t`, `#f` (RESP3)
    Bool(bool),
    /// `(n` (RESP3)
    BigNumber(Vec<u8>),
    /// `!n text` (RESP3)
    BulkError(Vec<u8>),
    /// `=n fmt:text` (RESP3)
    Verbatim([u8; 3], Vec<u8>),
    /// `|n` (RESP3): attributes, and the reply that they belong to
    Attribute(Vec<(Reply, Reply)>, Box<Reply>),
}

impl Reply {
    /// `+OK`
    pub fn ok() -> Self {
        Self::Simple(b"OK".to_vec())
    }

    /// A bulk string.
    pub fn bulk(text: impl AsRef<[u8]>) -> Self {
        Self::Bulk(text.as_ref().to_vec())
    }

    /// An error with this text.
    pub fn error(text: &str) -> Self {
        Self::Error(text.as_bytes().to_vec())
    }

    /// Any of the three nulls.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null | Self::NullBulk | Self::NullArray)
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Error(_) | Self::BulkError(_))
    }

    /// The number of an integer reply; panics on any other.
    #[track_caller]
    pub fn int(&self) -> i64 {
        match self {
            Self::Int(n) => *n,
            other => panic!("not an integer: {other}"),
        }
    }

    /// The bytes of a simple, bulk, verbatim or error reply; panics on any other.
    #[track_caller]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Simple(b)
            | Self::Error(b)
            | Self::Bulk(b)
            | Self::Double(b)
            | Self::BigNumber(b)
            | Self::BulkError(b)
            | Self::Verbatim(_, b) => b,
            other => panic!("not a text: {other}"),
        }
    }

    /// The same as text, invalid UTF-8 replaced.
    #[track_caller]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The elements of an array, set or push, or of a map as a flat list; panics on any other.
    #[track_caller]
    pub fn items(&self) -> Vec<Reply> {
        match self {
            Self::Array(v) | Self::Set(v) | Self::Push(v) => v.clone(),
            Self::Map(m) => m.iter().flat_map(|(k, v)| [k.clone(), v.clone()]).collect(),
            other => panic!("not a list: {other}"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, items: &[Reply]| {
            write!(f, "{open}{}[", items.len())?;
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
            }
            write!(f, "]")
        };
        let pairs = |f: &mut fmt::Formatter<'_>, open: &str, items: &[(Reply, Reply)]| {
            write!(f, "{open}{}[", items.len())?;
            for (i, (key, value)) in items.iter().enumerate() {
                write!(f, "{}{key}: {value}", if i == 0 { "" } else { ", " })?;
            }
            write!(f, "]")
        };
        match self {
            Self::Simple(b) => write!(f, "+{}", escape(b)),
            Self::Error(b) => write!(f, "-{}", escape(b)),
            Self::Int(n) => write!(f, ":{n}"),
            Self::Bulk(b) => write!(f, "${} \"{}\"", b.len(), escape(b)),
            Self::NullBulk => write!(f, "$-1"),
            Self::NullArray => write!(f, "*-1"),
            Self::Null => write!(f, "_"),
            Self::Array(v) => list(f, "*", v),
            Self::Map(m) => pairs(f, "%", m),
            Self::Set(v) => list(f, "~", v),
            Self::Push(v) => list(f, ">", v),
            Self::Double(b) => write!(f, ",{}", escape(b)),
            Self::Bool(b) => write!(f, "#{b}"),
            Self::BigNumber(b) => write!(f, "({}", escape(b)),
            Self::BulkError(b) => write!(f, "!{}", escape(b)),
            Self::Verbatim(kind, b) => write!(f, "={}:{}", escape(kind), escape(b)),
            Self::Attribute(m, reply) => {
                pairs(f, "|", m)?;
                write!(f, " {reply}")
            }
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Longest piece of a text that [`escape`] shows.
const SHOWN: usize = 160;

/// Bytes as readable ASCII, long ones cut with their length.
pub fn escape(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN)];
    let mut text = shown.escape_ascii().to_string();
    if bytes.len() > SHOWN {
        text.push_str(&format!("… ({} bytes)", bytes.len()));
    }
    text
}

/// Appends a command in the form of the protocol.
pub fn encode_into<A: AsRef<[u8]>>(out: &mut Vec<u8>, args: &[A]) {
    out.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
    for arg in args {
        let arg = arg.as_ref();
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

/// A command in the form of the protocol.
pub fn encode<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(&mut out, args);
    out
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(s) => Self::Tcp(s.try_clone()?),
            Self::Unix(s) => Self::Unix(s.try_clone()?),
        })
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(s) => s.shutdown(how),
            Self::Unix(s) => s.shutdown(how),
        }
    }

    fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        match self {
            Self::Tcp(s) => s.set_nonblocking(on),
            Self::Unix(s) => s.set_nonblocking(on),
        }
    }

    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(s) => {
                s.set_read_timeout(Some(timeout))?;
                s.set_write_timeout(Some(timeout))
            }
            Self::Unix(s) => {
                s.set_read_timeout(Some(timeout))?;
                s.set_write_timeout(Some(timeout))
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(s) => s.read(buf),
            Self::Unix(s) => s.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(s) => s.write(buf),
            Self::Unix(s) => s.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    /// Received, from `start` on not yet parsed.
    input: Vec<u8>,
    start: usize,
    timeout: Duration,
}

impl Client {
    /// Connects over TCP.
    #[track_caller]
    pub fn connect(addr: SocketAddrV4) -> Self {
        Self::try_connect(addr).unwrap_or_else(|e| panic!("connect to {addr}: {e}"))
    }

    /// Connects over TCP, or says why not.
    pub fn try_connect(addr: SocketAddrV4) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr.into(), TIMEOUT)?;
        stream.set_nodelay(true)?;
        Self::over(Stream::Tcp(stream))
    }

    /// Connects over a unix socket.
    #[track_caller]
    pub fn connect_unix(path: &Path) -> Self {
        UnixStream::connect(path)
            .and_then(|stream| Self::over(Stream::Unix(stream)))
            .unwrap_or_else(|e| panic!("connect to {}: {e}", path.display()))
    }

    fn over(stream: Stream) -> io::Result<Self> {
        stream.set_timeout(TIMEOUT)?;
        Ok(Self { stream, input: Vec::new(), start: 0, timeout: TIMEOUT })
    }

    /// How long a read or write may block from now on.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.stream.set_timeout(timeout).expect("a timeout above zero");
        self.timeout = timeout;
    }

    /// Switches to RESP3.
    #[track_caller]
    pub fn hello3(&mut self) {
        let reply = self.cmd(&["HELLO", "3"]);
        assert!(matches!(reply, Reply::Map(_)), "HELLO 3: {reply}");
    }

    /// Sends a command and returns its reply.
    #[track_caller]
    pub fn cmd<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Reply {
        self.try_cmd(args).unwrap_or_else(|e| panic!("{}: {e}", show_command(args)))
    }

    /// Sends a command, or says why there is no reply.
    pub fn try_cmd<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<Reply> {
        self.try_send_raw(&encode(args))?;
        self.try_read()
    }

    /// Sends a command written as words between spaces: `c.run("SET k v")`.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> Reply {
        let args: Vec<&str> = line.split_ascii_whitespace().collect();
        self.cmd(&args)
    }

    /// A field of INFO as text; panics when there is none of that name.
    #[track_caller]
    pub fn info(&mut self, field: &str) -> String {
        let text = self.cmd(&["INFO", "everything"]).text();
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("INFO has no field {field}:\n{text}")).trim_end().to_owned()
    }

    /// A field of INFO as a number.
    #[track_caller]
    pub fn info_number(&mut self, field: &str) -> i64 {
        let text = self.info(field);
        text.parse().unwrap_or_else(|e| panic!("INFO {field}:{text}: {e}"))
    }

    /// The value of one directive, by CONFIG GET.
    #[track_caller]
    pub fn config(&mut self, name: &str) -> String {
        match self.cmd(&["CONFIG", "GET", name]).items().as_slice() {
            [_, value] => value.text(),
            other => panic!("CONFIG GET {name}: {other:?}"),
        }
    }

    /// Sends a command without reading its reply.
    #[track_caller]
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        self.send_raw(&encode(args));
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.try_send_raw(bytes).unwrap_or_else(|e| panic!("send {} bytes: {e}", bytes.len()));
    }

    /// Sends bytes as they are, or says why not.
    pub fn try_send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads the next reply.
    #[track_caller]
    pub fn read(&mut self) -> Reply {
        self.try_read().unwrap_or_else(|e| panic!("read a reply: {e}"))
    }

    /// Reads `n` replies.
    #[track_caller]
    pub fn read_n(&mut self, n: usize) -> Vec<Reply> {
        (0..n).map(|_| self.read()).collect()
    }

    /// Reads the next reply, or says why there is none: end of stream is `UnexpectedEof`, a
    /// timeout `WouldBlock` (what was received so far stays for the next call).
    pub fn try_read(&mut self) -> io::Result<Reply> {
        let rewind = self.start;
        let reply = self.parse();
        if reply.is_err() {
            self.start = rewind;
        } else if self.start == self.input.len() {
            self.input.clear();
            self.start = 0;
        }
        reply
    }

    /// The next reply if it is there, whole; without waiting for it.
    pub fn try_read_ready(&mut self) -> io::Result<Option<Reply>> {
        self.stream.set_nonblocking(true)?;
        let reply = self.try_read();
        self.stream.set_nonblocking(false)?;
        match reply {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            other => other.map(Some),
        }
    }

    /// Sends all commands in one go and reads all replies; sends from a thread of its own, so that
    /// a server that waits for its replies to be read cannot block it.
    #[track_caller]
    pub fn pipeline<A: AsRef<[u8]>>(&mut self, commands: &[Vec<A>]) -> Vec<Reply> {
        let mut bytes = Vec::new();
        for args in commands {
            encode_into(&mut bytes, args);
        }
        self.exchange(&bytes, commands.len())
    }

    /// Sends bytes while reading `n` replies.
    #[track_caller]
    pub fn exchange(&mut self, bytes: &[u8], n: usize) -> Vec<Reply> {
        let mut writer = self.stream.try_clone().expect("a second handle of the socket");
        std::thread::scope(|scope| {
            let sent = scope.spawn(move || writer.write_all(bytes));
            let replies = self.read_n(n);
            sent.join().expect("the sending thread").expect("send the pipeline");
            replies
        })
    }

    /// Closes the sending half: the server sees the end of the stream, and can still answer.
    #[track_caller]
    pub fn half_close(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("close the sending half");
    }

    /// Whether the server has closed this connection, waiting for that up to `bound`. Replies
    /// that arrive before are dropped.
    pub fn closed_within(&mut self, bound: Duration) -> bool {
        let deadline = crate::wait::Deadline::after(bound);
        let before = self.timeout;
        let mut chunk = [0; 64 * 1024];
        let closed = loop {
            let left = deadline.left();
            if left.is_zero() {
                break false;
            }
            self.set_timeout(left.max(Duration::from_millis(1)));
            match self.stream.read(&mut chunk) {
                Ok(0) => break true,
                Ok(_) => {}
                Err(e) if is_timeout(&e) || e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break true,
            }
        };
        self.set_timeout(before);
        closed
    }

    /// Whether something arrives within `bound`: it then stays for the next read.
    pub fn readable_within(&mut self, bound: Duration) -> bool {
        if self.start < self.input.len() {
            return true;
        }
        let before = self.timeout;
        self.set_timeout(bound);
        let got = self.fill();
        self.set_timeout(before);
        got.is_ok()
    }

    /// Every byte until the server closes the connection.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = self.input.split_off(self.start);
        self.input.clear();
        self.start = 0;
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.input.extend_from_slice(&chunk[..n]);
                    return Ok(());
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if is_timeout(&e) => {
                    return Err(io::Error::new(
                        io::ErrorKind::WouldBlock,
                        format!("nothing received for {:?}", self.timeout),
                    ));
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut seen = self.start;
        loop {
            if let Some(at) = memchr::memmem::find(&self.input[seen..], b"\r\n") {
                let line = self.input[self.start..seen + at].to_vec();
                self.start = seen + at + 2;
                return Ok(line);
            }
            seen = self.input.len().saturating_sub(1).max(self.start);
            self.fill()?;
        }
    }

    fn body(&mut self, len: i64) -> io::Result<Vec<u8>> {
        let len = usize::try_from(len).map_err(|_| invalid("a negative length", b""))?;
        while self.input.len() - self.start < len + 2 {
            self.fill()?;
        }
        let body = self.input[self.start..self.start + len].to_vec();
        let end = &self.input[self.start + len..self.start + len + 2];
        if end != b"\r\n" {
            return Err(invalid("a body that does not end in CRLF", &body));
        }
        self.start += len + 2;
        Ok(body)
    }

    fn list(&mut self, len: i64) -> io::Result<Vec<Reply>> {
        (0..len).map(|_| self.parse()).collect()
    }

    fn pairs(&mut self, len: i64) -> io::Result<Vec<(Reply, Reply)>> {
        (0..len).map(|_| Ok((self.parse()?, self.parse()?))).collect()
    }

    fn parse(&mut self) -> io::Result<Reply> {
        let line = self.line()?;
        let (kind, rest) = line.split_first().ok_or_else(|| invalid("an empty line", b""))?;
        let rest = rest.to_vec();
        let number = || {
            let text = std::str::from_utf8(&rest).ok();
            text.and_then(|t| t.parse::<i64>().ok()).ok_or_else(|| invalid("a number", &line))
        };
        Ok(match kind {
            b'+' => Reply::Simple(rest),
            b'-' => Reply::Error(rest),
            b':' => Reply::Int(number()?),
            b'$' if rest == b"-1" => Reply::NullBulk,
            b'$' => Reply::Bulk(self.body(number()?)?),
            b'*' if rest == b"-1" => Reply::NullArray,
            b'*' => Reply::Array(self.list(number()?)?),
            b'_' if rest.is_empty() => Reply::Null,
            b'%' => Reply::Map(self.pairs(number()?)?),
            b'~' => Reply::Set(self.list(number()?)?),
            b'>' => Reply::Push(self.list(number()?)?),
            b',' => Reply::Double(rest),
            b'#' if rest == b"t" => Reply::Bool(true),
            b'#' if rest == b"f" => Reply::Bool(false),
            b'(' => Reply::BigNumber(rest),
            b'!' => Reply::BulkError(self.body(number()?)?),
            b'=' => {
                let body = self.body(number()?)?;
                match body.split_first_chunk::<4>() {
                    Some(([a, b, c, b':'], text)) => Reply::Verbatim([*a, *b, *c], text.to_vec()),
                    _ => return Err(invalid("a verbatim string without its format", &body)),
                }
            }
            b'|' => {
                let attributes = self.pairs(number()?)?;
                Reply::Attribute(attributes, Box::new(self.parse()?))
            }
            _ => return Err(invalid("an unknown reply type", &line)),
        })
    }
}

/// A command as one readable line.
pub fn show_command<A: AsRef<[u8]>>(args: &[A]) -> String {
    let words: Vec<String> = args.iter().map(|a| format!("\"{}\"", escape(a.as_ref()))).collect();
    words.join(" ")
}

fn is_timeout(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn invalid(what: &str, bytes: &[u8]) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: \"{}\"", escape(bytes)))
}
