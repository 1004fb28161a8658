//! The wire: bytes → arguments, replies → bytes. Knows no command.
//!
//! The parser cuts a byte stream into requests without copying them: arguments are ranges of the
//! caller's buffer, except the few that can't be (see [`Arg`]). The writer appends replies of
//! RESP2 or RESP3 to a [`ReplyBuf`], in which large values stay shared [`bytes::Bytes`] until the
//! socket takes them. Nothing here does I/O, and nothing allocates per request on the common path.
//!
//! This room imports nothing of ours. Formats: the RESP2 and RESP3 specifications; limits and
//! error texts: Valkey 9.1.
mod double;
mod error;
mod inline;
mod number;
mod parse;
mod read;
mod reply;
mod write;

pub use double::{format_double, format_double_digits};
pub use error::ProtocolError;
pub use number::parse_int;
pub use parse::{Arg, BIG_BULK, Limits, Parsed, Parser};
pub use read::{array_header, skip_value};
pub use reply::{Mark, ReplyBuf, SHARED_MIN};
pub use write::{Deferred, Writer};

/// The protocol version that a connection speaks, as chosen with `HELLO`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Proto {
    /// The protocol of every connection that never said `HELLO 3`.
    #[default]
    Resp2,
    /// RESP3: typed maps, sets, doubles, booleans, nulls and push messages.
    Resp3,
}

impl Proto {
    /// The number that `HELLO` takes and reports: 2 or 3.
    pub fn version(self) -> u8 {
        match self {
            Proto::Resp2 => 2,
            Proto::Resp3 => 3,
        }
    }
}
