//! Requests out of a byte stream, one parser per connection.
//!
//! The caller reads bytes into a buffer and calls [`Parser::parse`] on what it holds until the
//! answer is [`Parsed::Incomplete`]; each answer says how many bytes are done with. It keeps the
//! rest and puts the next bytes behind it. Arguments are ranges of the slice passed in, so a
//! request costs no copy and no allocation.
//!
//! Two things are kept by the parser between calls, and only when a request came in pieces: where
//! to go on, when there were already many arguments; and the body of an argument of [`BIG_BULK`]
//! bytes or more, which the parser takes over as it arrives, so that it is copied once and never
//! gathered in a query buffer first.
//!
//! What must hold: any cutting of the stream into pieces gives the same requests, and memory grows
//! with bytes received, never with lengths announced. Rules and texts are those of Valkey 9.1.
use super::error::ProtocolError;
use super::inline::split_line;
use super::number::parse_int;
use bytes::Bytes;

/// An argument of this many bytes or more whose body has not arrived whole is taken over by the
/// parser (Redis and Valkey treat one specially from the same size on).
pub const BIG_BULK: usize = 32 * 1024;

/// A line that announces a count or a length, marker included, ends within this many bytes.
const MAX_LENGTH_LINE: usize = 64 * 1024;

/// An incomplete request with at most this many arguments is parsed anew when more has arrived,
/// which costs less than an allocation to remember them.
const REPARSED_ARGS: usize = 16;

/// A caller's argument vector that grew beyond this (160 KiB) is cut back before the next request.
const KEPT_ARGS: usize = 4 * 1024;

/// The first room for a body that is taken over, if fewer bytes of it have arrived.
const FIRST_BODY_ROOM: usize = 4 * 1024;

/// The digits that are read in a loop of their own; no announced length in practice has more.
const SHORT_DIGITS: usize = 9;

/// The digits for which there is a way without a loop.
const SHORTEST_DIGITS: u32 = 2;

/// What a connection may send. Cheap to build for each call; the values come from the
/// configuration and from whether the client has authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest argument in bytes: `proto-max-bulk-len`.
    pub max_bulk: usize,
    /// The most arguments of one request.
    pub max_multibulk: usize,
    /// The longest inline request in bytes, its LF excluded.
    pub max_inline: usize,
    /// False while the client has yet to authenticate: then no more than
    /// [`Limits::UNAUTHENTICATED_MULTIBULK`] arguments of no more than
    /// [`Limits::UNAUTHENTICATED_BULK`] bytes are read.
    pub authenticated: bool,
}

impl Limits {
    /// The default of `proto-max-bulk-len`: 512 MiB.
    pub const DEFAULT_MAX_BULK: usize = 512 * 1024 * 1024;
    /// The most arguments before authentication.
    pub const UNAUTHENTICATED_MULTIBULK: usize = 10;
    /// The longest argument in bytes before authentication.
    pub const UNAUTHENTICATED_BULK: usize = 16 * 1024;

    /// The limits of a client that may use the server, with `proto-max-bulk-len` as configured.
    pub const fn new(proto_max_bulk_len: usize) -> Self {
        Limits {
            max_bulk: proto_max_bulk_len,
            max_multibulk: i32::MAX as usize,
            max_inline: 64 * 1024,
            authenticated: true,
        }
    }

    /// The limits of a client that has yet to authenticate, with `proto-max-bulk-len` as
    /// configured: what is beyond it is refused by that name.
    pub const fn unauthenticated(proto_max_bulk_len: usize) -> Self {
        Limits { authenticated: false, ..Limits::new(proto_max_bulk_len) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::new(Limits::DEFAULT_MAX_BULK)
    }
}

/// One argument of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// The bytes `start..end` of the slice that was passed to the call which gave this argument.
    Inline {
        /// Where the argument starts.
        start: usize,
        /// Where it ends (exclusive).
        end: usize,
    },
    /// Bytes of its own: a body that arrived in pieces, an argument that stood before one, or a
    /// quoted word of an inline request.
    Big(Bytes),
}

impl Arg {
    /// The argument's bytes; `input` is the slice that the parser was given.
    #[inline]
    pub fn bytes<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        match self {
            Arg::Inline { start, end } => &input[*start..*end],
            Arg::Big(bytes) => bytes,
        }
    }

    /// The argument's length in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Arg::Inline { start, end } => end - start,
            Arg::Big(bytes) => bytes.len(),
        }
    }

    /// Where it starts and ends in the slice that the parser was given, if it is there.
    #[inline]
    pub fn range(&self) -> Option<(usize, usize)> {
        match self {
            Arg::Inline { start, end } => Some((*start, *end)),
            Arg::Big(_) => None,
        }
    }

    /// Whether the argument is the empty string.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What one call of [`Parser::parse`] found. `consumed` bytes from the start of the input are done
/// with and must not be passed in again (once the arguments have been used).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A request; its arguments, one at least, are in the vector.
    Complete {
        /// The request's bytes in this input.
        consumed: usize,
    },
    /// More bytes are needed. Keep the input from `consumed` on and pass it again with what
    /// follows.
    Incomplete {
        /// Bytes that the parser took over: not 0 only while a big argument arrives.
        consumed: usize,
    },
    /// A request without arguments (an empty line, `*0`, a negative count), which gets no reply.
    Nothing {
        /// Its bytes in this input, one at least.
        consumed: usize,
    },
}

/// Cuts one connection's byte stream into requests. 16 bytes when idle.
#[derive(Debug, Default)]
pub struct Parser {
    /// The input is incomplete while it is shorter than this. Only ever the end of an argument
    /// whose length is known, so that no error is found late.
    need: usize,
    partial: Option<Box<Partial>>,
}

/// A request that arrived in part, when it is not simply parsed anew.
#[derive(Debug)]
struct Partial {
    /// What was parsed so far. Ranges count from the start of the unconsumed input.
    args: Vec<Arg>,
    /// Arguments yet to come, the one in `body` included.
    missing: usize,
    /// Where the next `$` stands in the unconsumed input. 0 while there is a body.
    pos: usize,
    /// The big argument that is arriving.
    body: Option<Body>,
    /// Bytes held by arguments that are no longer ranges of the input.
    held: usize,
}

/// A big argument on its way.
#[derive(Debug)]
struct Body {
    bytes: Vec<u8>,
    /// Its announced length.
    len: usize,
}

/// How far [`scan_args`] came.
enum Scan {
    /// All arguments are there; the request ends here.
    Complete(usize),
    /// The input ends within the argument whose `$` is at `pos`; nothing more is found before it
    /// has `need` bytes.
    Short { pos: usize, missing: usize, need: usize },
    /// The input ends within a big argument that starts at `start`.
    Big { start: usize, len: usize, missing: usize },
}

impl Parser {
    /// A parser at the start of a stream.
    pub fn new() -> Self {
        Parser::default()
    }

    /// Parses the request at the start of `input`: the bytes that earlier calls left unconsumed,
    /// and those that have arrived since. `args` is cleared, then filled if the answer is
    /// [`Parsed::Complete`]; its capacity is reused.
    ///
    /// After an error the stream is lost, and `args` holds nothing of use: reply with the error's
    /// text and close the connection.
    #[inline]
    pub fn parse(
        &mut self,
        input: &[u8],
        args: &mut Vec<Arg>,
        limits: &Limits,
    ) -> Result<Parsed, ProtocolError> {
        args.clear();
        if input.len() < self.need {
            return Ok(Parsed::Incomplete { consumed: 0 });
        }
        if self.partial.is_some() {
            return self.resume(input, args, limits);
        }
        match input.first() {
            Some(b'*') => match scan_short(input, args, limits) {
                Some(consumed) => {
                    self.need = 0;
                    Ok(Parsed::Complete { consumed })
                }
                None => self.parse_multibulk(input, args, limits),
            },
            Some(_) => parse_inline(input, args, limits),
            None => Ok(Parsed::Incomplete { consumed: 0 }),
        }
    }

    /// Bytes of the current request that the parser itself holds. With the caller's unconsumed
    /// input this is the client's query buffer: what `client-query-buffer-limit` bounds.
    pub fn buffered_bytes(&self) -> usize {
        match &self.partial {
            Some(partial) => {
                partial.held + partial.body.as_ref().map_or(0, |body| body.bytes.len())
            }
            None => 0,
        }
    }

    /// Whether the next byte begins a request, or one that is parsed anew with it.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.partial.is_none()
    }

    /// Bytes of the argument that is arriving, out of [`Parser::buffered_bytes`].
    pub fn body_bytes(&self) -> usize {
        let body = self.partial.as_ref().and_then(|partial| partial.body.as_ref());
        body.map_or(0, |body| body.bytes.len())
    }

    /// Bytes that the argument that is arriving lacks, its line end included; 0 if there is none.
    pub fn body_lacks(&self) -> usize {
        let body = self.partial.as_ref().and_then(|partial| partial.body.as_ref());
        body.map_or(0, |body| body.len - body.bytes.len() + 2)
    }

    /// Bytes of the unconsumed input that are parsed for good: they stand before the next argument.
    pub fn parsed_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.pos)
    }

    /// Memory that the parser holds beyond its own size, in bytes: the bodies with their spare
    /// room, and the arguments' descriptors.
    pub fn allocated_bytes(&self) -> usize {
        let Some(partial) = &self.partial else { return 0 };
        size_of::<Partial>()
            + partial.args.capacity() * size_of::<Arg>()
            + partial.held
            + partial.body.as_ref().map_or(0, |body| body.bytes.capacity())
    }

    fn parse_multibulk(
        &mut self,
        input: &[u8],
        args: &mut Vec<Arg>,
        limits: &Limits,
    ) -> Result<Parsed, ProtocolError> {
        self.need = 0;
        args.clear();
        let Some((count, pos)) = read_count(input, limits)? else {
            return Ok(Parsed::Incomplete { consumed: 0 });
        };
        if count == 0 {
            return Ok(Parsed::Nothing { consumed: pos });
        }
        if args.capacity() > KEPT_ARGS {
            args.shrink_to(KEPT_ARGS);
        }
        match scan_args(input, pos, count, args, limits)? {
            Scan::Complete(consumed) => Ok(Parsed::Complete { consumed }),
            Scan::Short { pos, missing, need } => {
                self.need = need;
                if args.len() > REPARSED_ARGS {
                    self.partial = Some(Box::new(Partial::new(args, missing, pos)));
                }
                args.clear();
                Ok(Parsed::Incomplete { consumed: 0 })
            }
            Scan::Big { start, len, missing } => {
                let mut partial = Box::new(Partial::new(args, missing, 0));
                let consumed = partial.take_over(input, start, len);
                self.partial = Some(partial);
                Ok(Parsed::Incomplete { consumed })
            }
        }
    }

    /// Goes on with a request that the parser holds in part.
    #[cold]
    fn resume(
        &mut self,
        input: &[u8],
        args: &mut Vec<Arg>,
        limits: &Limits,
    ) -> Result<Parsed, ProtocolError> {
        self.need = 0;
        let Some(mut partial) = self.partial.take() else {
            return Ok(Parsed::Incomplete { consumed: 0 });
        };
        let (taken, ended) = partial.fill_body(input)?;
        if !ended {
            self.partial = Some(partial);
            return Ok(Parsed::Incomplete { consumed: taken });
        }
        let rest = &input[taken..];
        let held_args = partial.args.len();
        match scan_args(rest, partial.pos, partial.missing, &mut partial.args, limits)? {
            Scan::Complete(end) => {
                if taken > 0 {
                    shift_ranges(&mut partial.args[held_args..], taken);
                }
                args.append(&mut partial.args);
                Ok(Parsed::Complete { consumed: taken + end })
            }
            Scan::Short { pos, missing, need } => {
                self.need = need;
                partial.pos = pos;
                partial.missing = missing;
                self.partial = Some(partial);
                Ok(Parsed::Incomplete { consumed: taken })
            }
            Scan::Big { start, len, missing } => {
                partial.missing = missing;
                let consumed = taken + partial.take_over(rest, start, len);
                self.partial = Some(partial);
                Ok(Parsed::Incomplete { consumed })
            }
        }
    }
}

impl Partial {
    /// Takes the arguments parsed so far. The caller's vector keeps its capacity, which may be that
    /// of a much larger request.
    fn new(args: &mut Vec<Arg>, missing: usize, pos: usize) -> Self {
        let mut own = Vec::with_capacity(args.len());
        own.append(args);
        Partial { args: own, missing, pos, body: None, held: 0 }
    }

    /// Begins a big argument of `len` bytes at `input[start..]`. What stands before it is copied,
    /// since the input is consumed; gives the number of bytes consumed.
    fn take_over(&mut self, input: &[u8], start: usize, len: usize) -> usize {
        self.own_ranges(input);
        let arrived = (input.len() - start).min(len);
        let mut bytes = Vec::with_capacity(len.min(FIRST_BODY_ROOM.max(2 * arrived)));
        bytes.extend_from_slice(&input[start..start + arrived]);
        self.body = Some(Body { bytes, len });
        self.pos = 0;
        start + arrived
    }

    /// Turns ranges of the input into bytes of their own, in one copy for all.
    fn own_ranges(&mut self, input: &[u8]) {
        let mut ranges = self.args.iter().filter_map(|arg| match arg {
            Arg::Inline { start, end } => Some((*start, *end)),
            Arg::Big(_) => None,
        });
        let Some((low, first_end)) = ranges.next() else { return };
        let high = ranges.next_back().map_or(first_end, |(_, end)| end);
        let head = Bytes::copy_from_slice(&input[low..high]);
        self.held += head.len();
        for arg in &mut self.args {
            if let Arg::Inline { start, end } = arg {
                *arg = Arg::Big(head.slice(*start - low..*end - low));
            }
        }
    }

    /// Moves arrived bytes into the body, if one is on its way. Gives how many bytes of `input`
    /// are consumed, and whether no body is on its way any more.
    fn fill_body(&mut self, input: &[u8]) -> Result<(usize, bool), ProtocolError> {
        let Some(body) = &mut self.body else { return Ok((0, true)) };
        let taken = body.append(input);
        if body.bytes.len() < body.len {
            return Ok((taken, false));
        }
        match input[taken..] {
            [b'\r', b'\n', ..] => {}
            [_, _, ..] => return Err(ProtocolError::InvalidCrlf),
            _ => return Ok((taken, false)),
        }
        let bytes = std::mem::take(&mut body.bytes);
        self.held += bytes.len();
        self.args.push(Arg::Big(Bytes::from(bytes)));
        self.missing -= 1;
        self.body = None;
        Ok((taken + 2, true))
    }
}

impl Body {
    /// Appends what belongs to the body; gives how many bytes that is. The room at most doubles
    /// what has arrived, and ends at exactly the announced length, so that the finished body needs
    /// no copy to be shared.
    fn append(&mut self, input: &[u8]) -> usize {
        let taken = (self.len - self.bytes.len()).min(input.len());
        let filled = self.bytes.len() + taken;
        if filled > self.bytes.capacity() {
            self.bytes.reserve_exact(self.len.min(2 * filled) - self.bytes.len());
        }
        self.bytes.extend_from_slice(&input[..taken]);
        taken
    }
}

/// Moves ranges by `by` bytes: they were found in a part of the input.
fn shift_ranges(args: &mut [Arg], by: usize) {
    for arg in args {
        if let Arg::Inline { start, end } = arg {
            *start += by;
            *end += by;
        }
    }
}

/// Parses one line as a request.
#[cold]
fn parse_inline(
    input: &[u8],
    args: &mut Vec<Arg>,
    limits: &Limits,
) -> Result<Parsed, ProtocolError> {
    // The line's LF is at `max_inline` at the latest, however much has arrived: the answer must
    // not depend on how the stream was cut.
    let window = &input[..input.len().min(limits.max_inline.saturating_add(1))];
    let Some(line_end) = memchr::memchr(b'\n', window) else {
        if input.len() > limits.max_inline {
            return Err(ProtocolError::BigInlineRequest);
        }
        return Ok(Parsed::Incomplete { consumed: 0 });
    };
    let text_end =
        if line_end > 0 && input[line_end - 1] == b'\r' { line_end - 1 } else { line_end };
    if let Err(error) = split_line(input, text_end, args) {
        args.clear();
        return Err(error);
    }
    let consumed = line_end + 1;
    if args.is_empty() {
        Ok(Parsed::Nothing { consumed })
    } else {
        Ok(Parsed::Complete { consumed })
    }
}

/// The way of most requests: all of it has arrived, and no count or length has more than
/// [`SHORTEST_DIGITS`] digits. Gives where it ends. None for any other, be it wrong, incomplete or
/// only longer; `args` may then hold a part of it.
#[inline]
fn scan_short(input: &[u8], args: &mut Vec<Arg>, limits: &Limits) -> Option<usize> {
    const { assert!(10_usize.pow(SHORTEST_DIGITS) <= Limits::UNAUTHENTICATED_BULK) };
    if !limits.authenticated || limits.max_bulk < Limits::UNAUTHENTICATED_BULK {
        return None;
    }
    let (count, mut pos) = read_shortest(input, 0, b'*')?;
    if count == 0 || args.capacity() > KEPT_ARGS {
        return None;
    }
    for _ in 0..count {
        let (len, start) = read_shortest(input, pos, b'$')?;
        let end = start + len;
        let [b'\r', b'\n', ..] = input.get(end..)? else { return None };
        args.push(Arg::Inline { start, end });
        pos = end + 2;
    }
    Some(pos)
}

/// Reads `marker`, up to [`SHORTEST_DIGITS`] digits, and CR LF at `pos`. Gives the number and the
/// place after the line; none for anything else.
#[inline]
fn read_shortest(input: &[u8], pos: usize, marker: u8) -> Option<(usize, usize)> {
    let digit = |byte: u8| usize::from(byte.wrapping_sub(b'0'));
    match *input.get(pos..)? {
        [first, ref line @ ..] if first == marker => match *line {
            [one, b'\r', b'\n', ..] if digit(one) < 10 => Some((digit(one), pos + 4)),
            // A leading zero stands alone.
            [ten, one, b'\r', b'\n', ..] if (1..10).contains(&digit(ten)) && digit(one) < 10 => {
                Some((10 * digit(ten) + digit(one), pos + 5))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Reads `*<count>` at the start of the input. Gives the count, 0 for a negative one, and the
/// place after the line; none if the line has not arrived whole.
#[inline]
fn read_count(input: &[u8], limits: &Limits) -> Result<Option<(usize, usize)>, ProtocolError> {
    let (count, next) = match read_short_number(input, 1) {
        Some((count, next)) => (count, next),
        None => match read_length_line(input, 0, ProtocolError::BigMultibulkCount)? {
            Some((digits, next)) => {
                let count = parse_int(digits).ok_or(ProtocolError::InvalidMultibulkLength)?;
                (usize::try_from(count.max(0)).unwrap_or(usize::MAX), next)
            }
            None => return Ok(None),
        },
    };
    if count > limits.max_multibulk {
        return Err(ProtocolError::InvalidMultibulkLength);
    }
    if !limits.authenticated && count > Limits::UNAUTHENTICATED_MULTIBULK {
        return Err(ProtocolError::UnauthenticatedMultibulkLength);
    }
    Ok(Some((count, next)))
}

/// Reads `$<length>` at `pos`. Gives the length and the place after the line; none if the line has
/// not arrived whole.
#[inline]
fn read_bulk_length(
    input: &[u8],
    pos: usize,
    limits: &Limits,
) -> Result<Option<(usize, usize)>, ProtocolError> {
    let (len, next) = match input.get(pos) {
        Some(b'$') => match read_short_number(input, pos + 1) {
            Some(found) => found,
            None => match read_bulk_length_line(input, pos)? {
                Some(found) => found,
                None => return Ok(None),
            },
        },
        _ => match read_bulk_length_line(input, pos)? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    if len > limits.max_bulk {
        return Err(ProtocolError::InvalidBulkLength);
    }
    if !limits.authenticated && len > Limits::UNAUTHENTICATED_BULK {
        return Err(ProtocolError::UnauthenticatedBulkLength);
    }
    Ok(Some((len, next)))
}

/// The general form of [`read_bulk_length`]: any line, right or wrong.
#[cold]
fn read_bulk_length_line(
    input: &[u8],
    pos: usize,
) -> Result<Option<(usize, usize)>, ProtocolError> {
    let line = read_length_line(input, pos, ProtocolError::BigBulkCount);
    // The marker is judged once its line is there, and before the line's end is.
    if !matches!(line, Ok(None) | Err(ProtocolError::BigBulkCount)) && input[pos] != b'$' {
        return Err(ProtocolError::ExpectedDollar(input[pos]));
    }
    let Some((digits, next)) = line? else { return Ok(None) };
    let len = parse_int(digits)
        .and_then(|len| usize::try_from(len).ok())
        .ok_or(ProtocolError::InvalidBulkLength)?;
    Ok(Some((len, next)))
}

/// Finds the line at `start`: gives its text without the marker, and the place after its CR LF;
/// none if it has not arrived whole. `too_big` is the error for a line that does not end.
#[cold]
fn read_length_line(
    input: &[u8],
    start: usize,
    too_big: ProtocolError,
) -> Result<Option<(&[u8], usize)>, ProtocolError> {
    let rest = &input[start..];
    let window = &rest[..rest.len().min(MAX_LENGTH_LINE + 1)];
    let Some(cr) = memchr::memchr(b'\r', window) else {
        return if rest.len() > MAX_LENGTH_LINE { Err(too_big) } else { Ok(None) };
    };
    match rest.get(cr + 1) {
        None => Ok(None),
        Some(b'\n') => Ok(Some((rest.get(1..cr).unwrap_or_default(), start + cr + 2))),
        Some(_) => Err(ProtocolError::InvalidCrlf),
    }
}

/// Reads up to [`SHORT_DIGITS`] digits and CR LF at `pos`. Gives none for anything else, be it
/// wrong or only unusual.
#[inline]
fn read_short_number(input: &[u8], pos: usize) -> Option<(usize, usize)> {
    let text = input.get(pos..)?;
    let first = text.first()?.wrapping_sub(b'0');
    if first > 9 {
        return None;
    }
    let mut value = usize::from(first);
    let mut at = 1;
    // A leading zero stands alone.
    while value > 0 && at < SHORT_DIGITS {
        let digit = text.get(at)?.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value * 10 + usize::from(digit);
        at += 1;
    }
    match text.get(at..at + 2)? {
        b"\r\n" => Some((value, pos + at + 2)),
        _ => None,
    }
}

/// Reads `missing` arguments from `pos` on and appends them to `args`.
#[inline]
fn scan_args(
    input: &[u8],
    mut pos: usize,
    mut missing: usize,
    args: &mut Vec<Arg>,
    limits: &Limits,
) -> Result<Scan, ProtocolError> {
    while missing > 0 {
        let Some((len, start)) = read_bulk_length(input, pos, limits)? else {
            return Ok(Scan::Short { pos, missing, need: 0 });
        };
        // `len` is at most `max_bulk`, but that is the caller's to choose.
        let end = start.saturating_add(len);
        let next = end.saturating_add(2);
        if next > input.len() {
            return Ok(if len >= BIG_BULK {
                Scan::Big { start, len, missing }
            } else {
                Scan::Short { pos, missing, need: next }
            });
        }
        if input[end..next] != *b"\r\n" {
            return Err(ProtocolError::InvalidCrlf);
        }
        args.push(Arg::Inline { start, end });
        pos = next;
        missing -= 1;
    }
    Ok(Scan::Complete(pos))
}

#[cfg(test)]
mod tests;
