//! Replies in wire format, for RESP2 and RESP3 alike.
//!
//! A handler says what it replies — a map, a null, a double — and the writer knows how the client's
//! protocol spells it. What RESP2 lacks is written as Redis does: a map as an array of twice the
//! length, a double or big number as a bulk string, a boolean as 0 or 1.
use super::Proto;
use super::double::{DoubleText, format_double};
use super::reply::{Mark, ReplyBuf, SHARED_MIN};
use bytes::Bytes;

/// Room for a header of a line: marker, 20 characters of a 64-bit number, CR LF.
const MAX_HEADER: usize = 23;

/// Where a length is written once it is known: what `deferred_array` and its like left room for.
/// It must reach `finish_array` or its like; until then the reply is not well formed.
#[must_use = "the length of a deferred aggregate has to be written"]
#[derive(Debug)]
pub struct Deferred(Mark);

/// The room that a [`Deferred`] length leaves: right for a single digit, the most common case.
const DEFERRED_ROOM: &[u8] = b"*0\r\n";

/// Appends replies to a [`ReplyBuf`] in the protocol of one client.
#[derive(Debug)]
pub struct Writer<'a> {
    buf: &'a mut ReplyBuf,
    proto: Proto,
}

impl<'a> Writer<'a> {
    /// A writer at the end of `buf`.
    #[inline]
    pub fn new(buf: &'a mut ReplyBuf, proto: Proto) -> Self {
        Writer { buf, proto }
    }

    /// The client's protocol.
    #[inline]
    pub fn proto(&self) -> Proto {
        self.proto
    }

    /// The buffer itself, for raw bytes, marks and cutting back.
    pub fn buf(&mut self) -> &mut ReplyBuf {
        self.buf
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.buf.push_raw(b"+OK\r\n");
    }

    /// A simple string. The text is ours, never a client's: it has no CR or LF.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.bytes().any(|byte| matches!(byte, b'\r' | b'\n')));
        self.line(b'+', text.as_bytes());
    }

    /// An error: the whole text without the leading `-`, as in `ERR syntax error`. CR and LF at
    /// either end are dropped, others become blanks, since the text may quote what a client sent.
    pub fn error(&mut self, text: &[u8]) {
        let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let Some(start) = text.iter().position(|byte| !is_line_end(byte)) else {
            return self.line(b'-', b"");
        };
        let end = text.iter().rposition(|byte| !is_line_end(byte)).map_or(start, |last| last + 1);
        let out = self.buf.bytes_mut();
        out.reserve(end - start + 3);
        out.push(b'-');
        let text_at = out.len();
        out.extend_from_slice(&text[start..end]);
        for byte in &mut out[text_at..] {
            if is_line_end(byte) {
                *byte = b' ';
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        match u8::try_from(value) {
            Ok(digit @ 0..=9) => self.buf.push_raw(&[b':', b'0' + digit, b'\r', b'\n']),
            _ => self.line(b':', itoa::Buffer::new().format(value).as_bytes()),
        }
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, value: &[u8]) {
        let out = self.buf.bytes_mut();
        out.reserve(value.len() + MAX_HEADER + 2);
        push_header(out, b'$', value.len());
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }

    /// A bulk string that is shared instead of copied if it is long ([`SHARED_MIN`]).
    pub fn bulk_shared(&mut self, value: &Bytes) {
        if value.len() < SHARED_MIN {
            return self.bulk(value);
        }
        push_header(self.buf.bytes_mut(), b'$', value.len());
        self.buf.push_shared(value.clone());
        self.buf.push_raw(b"\r\n");
    }

    /// A number as a bulk string, as GET replies for a value that is stored as an integer.
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// The null reply in the place of a value.
    #[inline]
    pub fn null(&mut self) {
        self.buf.push_raw(match self.proto {
            Proto::Resp2 => b"$-1\r\n",
            Proto::Resp3 => b"_\r\n",
        });
    }

    /// The null reply in the place of an aggregate.
    pub fn null_array(&mut self) {
        self.buf.push_raw(match self.proto {
            Proto::Resp2 => b"*-1\r\n",
            Proto::Resp3 => b"_\r\n",
        });
    }

    /// The head of an array; `len` replies follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        push_header(self.buf.bytes_mut(), b'*', len);
    }

    /// The head of a map; `pairs` times a key and a value follow.
    pub fn map(&mut self, pairs: usize) {
        self.aggregate(b'%', pairs, 2 * pairs);
    }

    /// The head of a set; `len` replies follow.
    pub fn set(&mut self, len: usize) {
        self.aggregate(b'~', len, len);
    }

    /// The head of a message that answers no request; `len` replies follow. RESP2 clients get an
    /// array.
    pub fn push(&mut self, len: usize) {
        self.aggregate(b'>', len, len);
    }

    /// The head of an attribute, facts about the reply that comes after it; `pairs` times a key and
    /// a value follow. RESP2 has none: nothing is written, false is returned, and the caller leaves
    /// the pairs out.
    pub fn attribute(&mut self, pairs: usize) -> bool {
        if self.proto == Proto::Resp3 {
            push_header(self.buf.bytes_mut(), b'|', pairs);
        }
        self.proto == Proto::Resp3
    }

    /// A double, spelled by [`format_double`].
    pub fn double(&mut self, value: f64) {
        match self.proto {
            Proto::Resp2 => self.bulk(DoubleText::new(value).as_bytes()),
            Proto::Resp3 => {
                let out = self.buf.bytes_mut();
                out.push(b',');
                format_double(value, out);
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// A boolean.
    pub fn boolean(&mut self, value: bool) {
        self.buf.push_raw(match (self.proto, value) {
            (Proto::Resp2, true) => b":1\r\n",
            (Proto::Resp2, false) => b":0\r\n",
            (Proto::Resp3, true) => b"#t\r\n",
            (Proto::Resp3, false) => b"#f\r\n",
        });
    }

    /// An integer of any size, given as its decimal digits with an optional sign.
    pub fn big_number(&mut self, digits: &[u8]) {
        match self.proto {
            Proto::Resp2 => self.bulk(digits),
            Proto::Resp3 => self.line(b'(', digits),
        }
    }

    /// Text for people, with its format in three letters: `txt` or `mkd`.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        debug_assert_eq!(format.len(), 3, "a verbatim string's format has three letters");
        if self.proto == Proto::Resp2 {
            return self.bulk(text);
        }
        let out = self.buf.bytes_mut();
        out.reserve(text.len() + MAX_HEADER + 6);
        push_header(out, b'=', text.len() + 4);
        out.extend_from_slice(format.as_bytes());
        out.push(b':');
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    /// An array whose length is known only afterwards: write its elements, then call
    /// [`Writer::finish_array`]. Deferred aggregates may nest; finish the inner one first.
    pub fn deferred_array(&mut self) -> Deferred {
        let mark = self.buf.mark();
        self.buf.push_raw(DEFERRED_ROOM);
        Deferred(mark)
    }

    /// A map whose length is known only afterwards; see [`Writer::deferred_array`].
    pub fn deferred_map(&mut self) -> Deferred {
        self.deferred_array()
    }

    /// A set whose length is known only afterwards; see [`Writer::deferred_array`].
    pub fn deferred_set(&mut self) -> Deferred {
        self.deferred_array()
    }

    /// Writes the length of a deferred array. With ten elements or more what follows the head is
    /// moved by the few bytes that the number needs.
    pub fn finish_array(&mut self, deferred: Deferred, len: usize) {
        self.finish(deferred, b'*', len);
    }

    /// Writes the length of a deferred map, in pairs.
    pub fn finish_map(&mut self, deferred: Deferred, pairs: usize) {
        match self.proto {
            Proto::Resp2 => self.finish(deferred, b'*', 2 * pairs),
            Proto::Resp3 => self.finish(deferred, b'%', pairs),
        }
    }

    /// Writes the length of a deferred set.
    pub fn finish_set(&mut self, deferred: Deferred, len: usize) {
        match self.proto {
            Proto::Resp2 => self.finish(deferred, b'*', len),
            Proto::Resp3 => self.finish(deferred, b'~', len),
        }
    }

    fn finish(&mut self, Deferred(mark): Deferred, marker: u8, len: usize) {
        let mut number = itoa::Buffer::new();
        let digits = number.format(len).as_bytes();
        let mut header = [0; MAX_HEADER];
        header[0] = marker;
        header[1..=digits.len()].copy_from_slice(digits);
        header[digits.len() + 1..digits.len() + 3].copy_from_slice(b"\r\n");
        self.buf.replace_at(mark, DEFERRED_ROOM.len(), &header[..digits.len() + 3]);
    }

    /// A head that RESP2 spells as an array of `resp2_len`.
    fn aggregate(&mut self, marker: u8, resp3_len: usize, resp2_len: usize) {
        match self.proto {
            Proto::Resp2 => push_header(self.buf.bytes_mut(), b'*', resp2_len),
            Proto::Resp3 => push_header(self.buf.bytes_mut(), marker, resp3_len),
        }
    }

    fn line(&mut self, marker: u8, text: &[u8]) {
        let out = self.buf.bytes_mut();
        out.reserve(text.len() + 3);
        out.push(marker);
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends a marker, a number and CR LF.
#[inline]
fn push_header(out: &mut Vec<u8>, marker: u8, number: usize) {
    match u8::try_from(number) {
        Ok(digit @ 0..=9) => out.extend_from_slice(&[marker, b'0' + digit, b'\r', b'\n']),
        _ => {
            out.push(marker);
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests;
