//! What a client is told before its connection is closed for breaking the protocol.
//!
//! The texts are those of Valkey 9.1, byte for byte.
use std::borrow::Cow;
use std::fmt;

/// A request that can't be parsed. The connection gets the text as an error reply and is closed:
/// where the next request starts is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// No CR within 64 KiB after `*`.
    BigMultibulkCount,
    /// The count after `*` is no number, or more than [`Limits::max_multibulk`](super::Limits).
    InvalidMultibulkLength,
    /// More arguments than a client may send before it has authenticated.
    UnauthenticatedMultibulkLength,
    /// No CR within 64 KiB after `$`.
    BigBulkCount,
    /// An argument began with this byte in place of `$`.
    ExpectedDollar(u8),
    /// The length after `$` is no number, negative, or more than `proto-max-bulk-len`.
    InvalidBulkLength,
    /// A longer argument than a client may send before it has authenticated.
    UnauthenticatedBulkLength,
    /// Something other than CR LF ends a length line or an argument.
    InvalidCrlf,
    /// An inline request without line end within 64 KiB.
    BigInlineRequest,
    /// A quote that is not closed in an inline request.
    UnbalancedQuotes,
}

impl ProtocolError {
    /// The text for the reply, to stand after `-ERR `. It may hold any byte (that of
    /// [`ProtocolError::ExpectedDollar`]); [`Writer::error`](super::Writer::error) keeps CR and LF
    /// off the wire.
    pub fn text(&self) -> Cow<'static, [u8]> {
        let text: &'static [u8] = match self {
            ProtocolError::BigMultibulkCount => b"Protocol error: too big mbulk count string",
            ProtocolError::InvalidMultibulkLength => b"Protocol error: invalid multibulk length",
            ProtocolError::UnauthenticatedMultibulkLength => {
                b"Protocol error: unauthenticated multibulk length"
            }
            ProtocolError::BigBulkCount => b"Protocol error: too big bulk count string",
            ProtocolError::ExpectedDollar(got) => {
                return Cow::Owned(
                    [b"Protocol error: expected '$', got '", &[*got][..], b"'"].concat(),
                );
            }
            ProtocolError::InvalidBulkLength => b"Protocol error: invalid bulk length",
            ProtocolError::UnauthenticatedBulkLength => {
                b"Protocol error: unauthenticated bulk length"
            }
            ProtocolError::InvalidCrlf => b"Protocol error: invalid CRLF in request",
            ProtocolError::BigInlineRequest => b"Protocol error: too big inline request",
            ProtocolError::UnbalancedQuotes => b"Protocol error: unbalanced quotes in request",
        };
        Cow::Borrowed(text)
    }
}

/// For logs: a byte that is no text is replaced. Clients get [`ProtocolError::text`].
impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}

impl std::error::Error for ProtocolError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offending_byte_is_quoted_as_it_is() {
        let error = ProtocolError::ExpectedDollar(0xff);
        assert_eq!(&*error.text(), b"Protocol error: expected '$', got '\xff'");
        let error = ProtocolError::ExpectedDollar(b'x');
        assert_eq!(error.to_string(), "Protocol error: expected '$', got 'x'");
    }
}
