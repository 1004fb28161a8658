//! The parser against fixed requests, and against every way of cutting a stream into pieces.
use super::*;
use proptest::prelude::*;

type Requests = Vec<Vec<Vec<u8>>>;

/// What a stream gave: its requests (those without arguments as empty ones), and the error that
/// ended it.
#[derive(Debug, PartialEq)]
struct Outcome {
    requests: Requests,
    error: Option<ProtocolError>,
    /// Bytes of an incomplete request at the end.
    left: usize,
}

/// A connection as an acceptor keeps it: unconsumed bytes and a parser.
struct Connection {
    parser: Parser,
    unconsumed: Vec<u8>,
    args: Vec<Arg>,
    limits: Limits,
    outcome: Outcome,
    /// Bytes received since the last complete request.
    received: usize,
}

impl Connection {
    fn new(limits: Limits) -> Self {
        Connection {
            parser: Parser::new(),
            unconsumed: Vec::new(),
            args: Vec::new(),
            limits,
            outcome: Outcome { requests: Vec::new(), error: None, left: 0 },
            received: 0,
        }
    }

    fn receive(&mut self, piece: &[u8]) {
        self.unconsumed.extend_from_slice(piece);
        self.received += piece.len();
        while self.outcome.error.is_none() {
            match self.parser.parse(&self.unconsumed, &mut self.args, &self.limits) {
                Ok(Parsed::Complete { consumed }) => {
                    assert!(!self.args.is_empty());
                    let input = &self.unconsumed;
                    let request = self.args.iter().map(|arg| arg.bytes(input).to_vec());
                    self.outcome.requests.push(request.collect());
                    self.drop_consumed(consumed);
                    self.received = self.unconsumed.len();
                    assert_eq!(self.parser.allocated_bytes(), 0);
                }
                Ok(Parsed::Nothing { consumed }) => {
                    assert!(consumed > 0 && self.args.is_empty());
                    self.outcome.requests.push(Vec::new());
                    self.drop_consumed(consumed);
                    self.received = self.unconsumed.len();
                }
                Ok(Parsed::Incomplete { consumed }) => {
                    assert!(self.args.is_empty());
                    self.drop_consumed(consumed);
                    break;
                }
                Err(error) => self.outcome.error = Some(error),
            }
        }
        self.check_memory();
        self.outcome.left = self.parser.buffered_bytes() + self.unconsumed.len();
    }

    fn drop_consumed(&mut self, consumed: usize) {
        self.unconsumed.drain(..consumed);
    }

    /// Memory follows what was received: a body's room is at most doubled, and the six bytes of the
    /// shortest argument cost one descriptor in a vector that doubles.
    fn check_memory(&self) {
        let descriptors = 2 * size_of::<Arg>() * (self.received / 6 + 8);
        let bound = 2 * self.received + FIRST_BODY_ROOM + descriptors + size_of::<Partial>();
        assert!(self.parser.allocated_bytes() <= bound, "{} bytes received", self.received);
        assert!(self.parser.buffered_bytes() <= self.received);
    }
}

fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> Outcome {
    let mut connection = Connection::new(limits);
    for piece in pieces {
        connection.receive(piece);
    }
    connection.outcome
}

fn feed_whole(stream: &[u8]) -> Outcome {
    feed([stream], Limits::default())
}

/// The stream in one piece and byte by byte.
#[track_caller]
fn check(stream: &[u8], requests: &[&[&[u8]]]) {
    for outcome in [feed_whole(stream), feed(stream.chunks(1), Limits::default())] {
        assert_eq!(outcome.error, None, "{}", stream.escape_ascii());
        assert_eq!(outcome.requests, requests, "{}", stream.escape_ascii());
        assert_eq!(outcome.left, 0, "{}", stream.escape_ascii());
    }
}

#[track_caller]
fn check_error(stream: &[u8], limits: Limits, error: ProtocolError) {
    for outcome in [feed([stream], limits), feed(stream.chunks(1), limits)] {
        assert_eq!(outcome.error, Some(error), "{}", stream.escape_ascii());
    }
}

#[track_caller]
fn check_incomplete(stream: &[u8]) {
    for outcome in [feed_whole(stream), feed(stream.chunks(997), Limits::default())] {
        assert_eq!(outcome.error, None);
        assert!(outcome.requests.is_empty(), "{}", stream.escape_ascii());
    }
}

fn encode(args: &[Vec<u8>]) -> Vec<u8> {
    let mut wire = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        wire.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        wire.extend_from_slice(arg);
        wire.extend_from_slice(b"\r\n");
    }
    wire
}

#[test]
fn reads_requests_of_both_forms() {
    check(b"*1\r\n$4\r\nPING\r\n", &[&[b"PING"]]);
    check(b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n*1\r\n$1\r\n\r\r\n", &[&[b"GET", b""], &[b"\r"]]);
    check(b"PING\n", &[&[b"PING"]]);
    check(b"PING\r\n*1\r\n$2\r\n\r\n\r\n", &[&[b"PING"], &[b"\r\n"]]);
    check(b"set a 'b c'\r\r\n", &[&[b"set", b"a", b"b c"]]);
}

#[test]
fn requests_without_arguments_are_nothing() {
    check(b"\r\n\n  \r\nPING\r\n", &[&[], &[], &[], &[b"PING"]]);
    check(b"*0\r\n*-1\r\n*-10\r\n*-2147483649\r\nPING\r\n", &[&[], &[], &[], &[], &[b"PING"]]);
}

/// Each as Valkey 9.1 answers it.
#[test]
fn refuses_what_valkey_refuses() {
    use ProtocolError::*;
    let cases: &[(&[u8], ProtocolError)] = &[
        (b"*\r\n", InvalidMultibulkLength),
        (b"*+1\r\n", InvalidMultibulkLength),
        (b"*01\r\n", InvalidMultibulkLength),
        (b"* 1\r\n", InvalidMultibulkLength),
        (b"*-0\r\n", InvalidMultibulkLength),
        (b"*1x\r\n", InvalidMultibulkLength),
        (b"*2147483648\r\n", InvalidMultibulkLength),
        (b"*9223372036854775808\r\n", InvalidMultibulkLength),
        (b"*-99999999999999999999\r\n", InvalidMultibulkLength),
        (b"*1\rx", InvalidCrlf),
        (b"*+1\rx", InvalidCrlf),
        (b"*0\rx", InvalidCrlf),
        (b"*1\r\nx\r\n", ExpectedDollar(b'x')),
        (b"*1\r\nx\rx", ExpectedDollar(b'x')),
        (b"*1\r\n\r\n", ExpectedDollar(b'\r')),
        (b"*1\r\n\n4\r\n", ExpectedDollar(b'\n')),
        (b"*1\r\n\0\r\n", ExpectedDollar(0)),
        (b"*2\r\n$4\r\nPING\r\n*1\r\n", ExpectedDollar(b'*')),
        (b"*1\r\n$\r\n", InvalidBulkLength),
        (b"*1\r\n$-1\r\n", InvalidBulkLength),
        (b"*1\r\n$-0\r\n", InvalidBulkLength),
        (b"*1\r\n$04\r\n", InvalidBulkLength),
        (b"*1\r\n$00\r\n", InvalidBulkLength),
        (b"*1\r\n$ 4\r\n", InvalidBulkLength),
        (b"*1\r\n$4\n\r\n", InvalidBulkLength),
        (b"*1\r\n$536870913\r\n", InvalidBulkLength),
        (b"*1\r\n$4294967300\r\n", InvalidBulkLength),
        (b"*1\r\n$18446744073709551615\r\n", InvalidBulkLength),
        (b"*1\r\n$-4\rx", InvalidCrlf),
        (b"*1\r\n$4\r\nPINGxx", InvalidCrlf),
        (b"*1\r\n$4\r\nPING\n\r", InvalidCrlf),
        (b"*1\r\n$4\r\nPING\rx", InvalidCrlf),
        (b"PING \"a\r\n", UnbalancedQuotes),
    ];
    for &(stream, error) in cases {
        check_error(stream, Limits::default(), error);
    }
}

#[test]
fn waits_while_it_cannot_judge() {
    let cases: &[&[u8]] = &[
        b"*1024\r\n",
        b"*2147483647\r\n",
        b"*1\r",
        b"*1\n",
        b"*1\r\nx",
        b"*1\r\nx\r",
        b"*1\r\n$536870912\r\n",
        b"*1\r\n$4\r\nPINGx",
        b"*1\r\n$4\r\nPING\r",
        b"PING\r",
    ];
    for stream in cases {
        check_incomplete(stream);
    }
}

#[test]
fn lines_end_within_64_kib() {
    let digits = |count| [&b"*"[..], &vec![b'1'; count]].concat();
    check_incomplete(&digits(65_535));
    let limits = Limits::default();
    for stream in [digits(65_536), [digits(65_536), b"\r\n".to_vec()].concat()] {
        assert_eq!(feed([&stream[..]], limits).error, Some(ProtocolError::BigMultibulkCount));
    }
    let stream = [digits(65_535), b"\r\n".to_vec()].concat();
    assert_eq!(feed([&stream[..]], limits).error, Some(ProtocolError::InvalidMultibulkLength));

    let length = |count| [&b"*1\r\n$"[..], &vec![b'1'; count]].concat();
    check_incomplete(&length(65_535));
    assert_eq!(feed([&length(65_536)[..]], limits).error, Some(ProtocolError::BigBulkCount));

    let line = |count| vec![b'a'; count];
    check_incomplete(&line(65_536));
    for stream in [line(65_537), [line(65_537), b"\n".to_vec()].concat()] {
        assert_eq!(feed([&stream[..]], limits).error, Some(ProtocolError::BigInlineRequest));
    }
    assert_eq!(feed_whole(&[line(65_536), b"\n".to_vec()].concat()).requests.len(), 1);
}

#[test]
fn limits_before_authentication() {
    let limits = Limits::unauthenticated(Limits::DEFAULT_MAX_BULK);
    assert_eq!(feed([&b"*10\r\n$16384\r\n"[..]], limits).error, None);
    check_error(b"*11\r\n", limits, ProtocolError::UnauthenticatedMultibulkLength);
    check_error(b"*1\r\n$16385\r\n", limits, ProtocolError::UnauthenticatedBulkLength);
    check_error(b"*1\r\n$536870913\r\n", limits, ProtocolError::InvalidBulkLength);
    check_error(b"*2147483648\r\n", limits, ProtocolError::InvalidMultibulkLength);
    check_error(b"*11\rx", limits, ProtocolError::InvalidCrlf);
}

#[test]
fn the_bulk_limit_is_configured() {
    let limits = Limits::new(100_000);
    assert_eq!(feed([&b"*1\r\n$100000\r\n"[..]], limits).error, None);
    check_error(b"*1\r\n$100001\r\n", limits, ProtocolError::InvalidBulkLength);
    let unbounded = Limits::new(usize::MAX);
    assert_eq!(feed([&b"*1\r\n$9223372036854775807\r\nabc"[..]], unbounded).error, None);
}

#[test]
fn a_big_body_is_taken_over_as_it_arrives() {
    let value = vec![b'v'; 3 * BIG_BULK];
    let request = [b"SET".to_vec(), b"key".to_vec(), value.clone(), b"EX".to_vec(), b"9".to_vec()];
    let wire = encode(&request);
    let (mut parser, mut args) = (Parser::new(), Vec::new());
    let limits = Limits::default();

    let first = parser.parse(&wire[..BIG_BULK], &mut args, &limits);
    assert_eq!(first, Ok(Parsed::Incomplete { consumed: BIG_BULK }));
    assert!(parser.buffered_bytes() > BIG_BULK - 50);
    assert!(parser.allocated_bytes() < 2 * BIG_BULK + 1000);

    let rest = &wire[BIG_BULK..];
    assert_eq!(
        parser.parse(rest, &mut args, &limits),
        Ok(Parsed::Complete { consumed: rest.len() })
    );
    assert!(matches!(&args[0], Arg::Big(_)), "the input that held it is gone");
    let Arg::Big(body) = &args[2] else { panic!("a big argument is given as bytes") };
    assert_eq!(body, &value);
    assert!(matches!(&args[4], Arg::Inline { .. }));
    let given: Vec<&[u8]> = args.iter().map(|arg| arg.bytes(rest)).collect();
    assert_eq!(given, request);
    assert_eq!(parser.allocated_bytes(), 0);
}

#[test]
fn a_big_body_that_arrived_whole_stays_in_place() {
    let wire = encode(&[b"ECHO".to_vec(), vec![b'v'; 2 * BIG_BULK]]);
    let mut args = Vec::new();
    let parsed = Parser::new().parse(&wire, &mut args, &Limits::default());
    assert_eq!(parsed, Ok(Parsed::Complete { consumed: wire.len() }));
    assert!(matches!(args[1], Arg::Inline { .. }));
}

#[test]
fn an_idle_parser_is_small() {
    assert_eq!(size_of::<Parser>(), 16);
    assert_eq!(size_of::<Arg>(), 32);
}

/// A request in pieces is not parsed anew for each of them: byte by byte this would take minutes.
#[test]
fn a_request_of_many_pieces_takes_linear_time() {
    let request: Vec<Vec<u8>> = (0..200_000).map(|n| n.to_string().into_bytes()).collect();
    let wire = encode(&request);
    let (mut parser, mut args) = (Parser::new(), Vec::new());
    for end in 1..wire.len() {
        let parsed = parser.parse(&wire[..end], &mut args, &Limits::default());
        assert_eq!(parsed, Ok(Parsed::Incomplete { consumed: 0 }));
    }
    let parsed = parser.parse(&wire, &mut args, &Limits::default());
    assert_eq!(parsed, Ok(Parsed::Complete { consumed: wire.len() }));
    assert_eq!(args.len(), request.len());
}

/// Arguments around the sizes that matter, most of them short.
fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..20),
        2 => prop::collection::vec(any::<u8>(), 0..2000),
        1 => (BIG_BULK - 2..BIG_BULK + 3, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => (0..3 * BIG_BULK, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
    ]
}

fn request() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop_oneof![
        6 => prop::collection::vec(argument(), 1..6),
        1 => prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 1..60),
    ]
}

/// Lengths of pieces, from single bytes to more than a read buffer.
fn piece_lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(
        prop_oneof![3 => 1..8_usize, 2 => 1..600_usize, 2 => 1..60_000_usize],
        1..40,
    )
}

/// `stream` cut at `lengths`, over and over.
fn cut<'a>(mut stream: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    lengths.iter().cycle().map_while(move |&length| {
        let (piece, rest) = stream.split_at(length.min(stream.len()));
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// A stream of valid requests of both forms.
fn valid_stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        8 => request().prop_map(|args| encode(&args)),
        1 => "[a-z \"']{0,20}\r?\n".prop_map(String::into_bytes),
        1 => Just(b"*0\r\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
    ];
    prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn gives_back_what_was_encoded(
        requests in prop::collection::vec(request(), 1..6),
        lengths in piece_lengths(),
    ) {
        let stream: Vec<u8> = requests.iter().flat_map(|args| encode(args)).collect();
        let outcome = feed(cut(&stream, &lengths), Limits::default());
        prop_assert_eq!(outcome, Outcome { requests, error: None, left: 0 });
    }

    /// Streams with a few bytes changed: right or wrong, how they are cut makes no difference.
    #[test]
    fn cutting_makes_no_difference(
        mut stream in valid_stream(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        lengths in piece_lengths(),
    ) {
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let whole = feed_whole(&stream);
        let pieces = feed(cut(&stream, &lengths), Limits::default());
        prop_assert_eq!(&whole.requests, &pieces.requests);
        prop_assert_eq!(whole.error, pieces.error);
    }

    /// Bytes that look like the protocol, in any order.
    #[test]
    fn garbage_never_panics(
        words in prop::collection::vec(
            prop_oneof![
                Just(b"*".to_vec()), Just(b"$".to_vec()), Just(b"\r\n".to_vec()), Just(b"\r".to_vec()),
                Just(b"\n".to_vec()), Just(b"\"".to_vec()), Just(b"'".to_vec()), Just(b"\\".to_vec()),
                "-?[0-9]{1,20}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..6),
            ],
            0..40,
        ),
        lengths in piece_lengths(),
        authenticated: bool,
    ) {
        let stream = words.concat();
        let limits = Limits { authenticated, ..Limits::default() };
        let whole = feed([&stream[..]], limits);
        let pieces = feed(cut(&stream, &lengths), limits);
        prop_assert_eq!(&whole.requests, &pieces.requests);
        prop_assert_eq!(whole.error, pieces.error);
    }
}
