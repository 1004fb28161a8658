//! Replies on their way to a socket: wire bytes, with large values spliced in but not copied.
//!
//! ```text
//! bytes    *2\r\n$3\r\nabc\r\n$20000\r\n|\r\n          | = a splice: a Bytes that belongs here
//! splices  [(at: 22, 20000 bytes)]
//! ```
//!
//! What must hold: splices stand in the order of their offsets, none is empty, and none stands
//! past the end of `bytes`. Offsets that callers see ([`ReplyBuf::len`], [`ReplyBuf::io_slices`])
//! count the wire's bytes, splices included.
use bytes::{Buf, Bytes};
use std::io::IoSlice;

/// A shared value of this many bytes or more is spliced, a shorter one copied: below that a copy
/// costs less than a reference count and an entry of its own in the socket write.
pub const SHARED_MIN: usize = 16 * 1024;

/// Capacity that a cleared buffer keeps without question.
const KEPT_CAPACITY: usize = 16 * 1024;

/// Written bytes at the front that are dropped only together, so that a slow reader of a long
/// reply does not cost a move of all the rest for each write.
const COMPACT_MIN: usize = 64 * 1024;

/// Replies in wire format.
#[derive(Debug, Default)]
pub struct ReplyBuf {
    bytes: Vec<u8>,
    splices: Vec<Splice>,
    /// Bytes of `bytes` that are already written.
    sent_bytes: usize,
    /// Splices that are already written.
    sent_splices: usize,
    /// Length of the unwritten splices.
    spliced_len: usize,
    /// What recent fillings needed at most, slowly forgotten.
    recent_need: usize,
}

/// A value that belongs before `bytes[at]`.
#[derive(Debug)]
struct Splice {
    at: usize,
    data: Bytes,
}

/// A place in a [`ReplyBuf`], as [`ReplyBuf::mark`] gave it. It is good until the buffer is cleared
/// or advanced, cut below it, or a [`Deferred`](super::Deferred) length before it is finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    bytes: usize,
    splices: usize,
}

impl Mark {
    /// The place `bytes` further on; no splice may stand in between.
    pub fn after(self, bytes: usize) -> Mark {
        Mark { bytes: self.bytes + bytes, ..self }
    }
}

impl ReplyBuf {
    /// An empty buffer; nothing is allocated before something is written.
    pub fn new() -> Self {
        ReplyBuf::default()
    }

    /// Bytes that are yet to be written to the socket, splices included.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent_bytes + self.spliced_len
    }

    /// Those of them that are copies of the buffer's own.
    pub fn copied_len(&self) -> usize {
        self.len() - self.spliced_len
    }

    /// Whether nothing is left to write.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory that the buffer holds in bytes: capacity and spliced values (which may be shared).
    pub fn allocated_bytes(&self) -> usize {
        self.bytes.capacity() + self.splices.capacity() * size_of::<Splice>() + self.spliced_len
    }

    /// Empties the buffer. Capacity is kept, but one far above what recent fillings needed is cut
    /// back.
    pub fn clear(&mut self) {
        self.recent_need = self.bytes.len().max(self.recent_need - self.recent_need / 8);
        self.bytes.clear();
        self.splices.clear();
        self.sent_bytes = 0;
        self.sent_splices = 0;
        self.spliced_len = 0;
        let kept = KEPT_CAPACITY.max(2 * self.recent_need);
        if self.bytes.capacity() > 2 * kept {
            self.bytes.shrink_to(kept);
        }
        let kept_splices = KEPT_CAPACITY / size_of::<Splice>();
        if self.splices.capacity() > kept_splices {
            self.splices.shrink_to(kept_splices);
        }
    }

    /// Empties the buffer and gives its memory back, as for a connection that falls idle.
    pub fn release(&mut self) {
        *self = ReplyBuf::default();
    }

    /// The present end.
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes.len(), splices: self.splices.len() }
    }

    /// Drops what was appended after `mark`.
    pub fn truncate(&mut self, mark: Mark) {
        self.bytes.truncate(mark.bytes);
        for splice in self.splices.drain(mark.splices.min(self.splices.len())..) {
            self.spliced_len -= splice.data.len();
        }
    }

    /// Appends bytes that are in wire format already.
    #[inline]
    pub fn push_raw(&mut self, raw: &[u8]) {
        self.bytes.extend_from_slice(raw);
    }

    /// Appends a shared value as it is, without header or line end: spliced if it is long.
    pub fn push_shared(&mut self, data: Bytes) {
        if data.len() < SHARED_MIN {
            self.bytes.extend_from_slice(&data);
        } else {
            self.splice(data);
        }
    }

    /// Appends the bytes between two marks of this buffer to `into`. Splices are shared, not
    /// copied.
    pub fn append_range(&self, from: Mark, to: Mark, into: &mut ReplyBuf) {
        let mut pos = from.bytes;
        for splice in &self.splices[from.splices..to.splices] {
            into.bytes.extend_from_slice(&self.bytes[pos..splice.at]);
            into.splice(splice.data.clone());
            pos = splice.at;
        }
        into.bytes.extend_from_slice(&self.bytes[pos..to.bytes]);
    }

    /// Moves what is unwritten to the end of `into`. Splices are shared, not copied, and where all
    /// that `into` gets is much, the buffers change places.
    pub fn append_unsent(&mut self, into: &mut ReplyBuf) {
        if into.is_empty() && self.len() >= COMPACT_MIN {
            std::mem::swap(self, into);
            return self.clear();
        }
        let mut pos = self.sent_bytes;
        for splice in self.splices.drain(self.sent_splices..) {
            into.bytes.extend_from_slice(&self.bytes[pos..splice.at]);
            into.splice(splice.data);
            pos = splice.at;
        }
        into.bytes.extend_from_slice(&self.bytes[pos..]);
        self.clear();
    }

    /// The bytes between two marks that are not spliced: enough to read headers by.
    pub fn range_bytes(&self, from: Mark, to: Mark) -> &[u8] {
        &self.bytes[from.bytes..to.bytes]
    }

    /// Where the bulk string or null ends that begins at `from`, its splice included if it has
    /// one; `end` if it is cut short.
    pub fn value_end(&self, from: Mark, end: Mark) -> Mark {
        let wire = self.range_bytes(from, end);
        let Some(newline) = memchr::memchr(b'\n', wire) else { return end };
        let header = from.after(newline + 1);
        let len = wire[1..newline.max(1)].strip_suffix(b"\r").and_then(super::parse_int);
        let Some(len) = len.and_then(|len| usize::try_from(len).ok()) else { return header };
        if wire.first() != Some(&b'$') {
            return header;
        }
        match self.splices.get(header.splices) {
            Some(splice) if splice.at == header.bytes && header.splices < end.splices => {
                Mark { bytes: header.bytes + 2, splices: header.splices + 1 }
            }
            _ => header.after(len + 2),
        }
    }

    /// Appends everything unwritten to `out` as plain bytes.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.len());
        for segment in self.segments() {
            out.extend_from_slice(segment);
        }
    }

    /// Fills `slices` for a vectored write with what is unwritten from offset `from` on (0 is the
    /// first unwritten byte). Gives how many slices were filled; there may be more to write.
    pub fn io_slices<'a>(&'a self, from: usize, slices: &mut [IoSlice<'a>]) -> usize {
        let mut skip = from;
        let mut filled = 0;
        for segment in self.segments() {
            if filled == slices.len() {
                break;
            }
            if skip >= segment.len() {
                skip -= segment.len();
                continue;
            }
            slices[filled] = IoSlice::new(&segment[skip..]);
            skip = 0;
            filled += 1;
        }
        filled
    }

    /// Drops `written` bytes from the front (at most all): the socket has taken them.
    pub fn advance(&mut self, mut written: usize) {
        while let Some(splice) = self.splices.get_mut(self.sent_splices) {
            let before = splice.at - self.sent_bytes;
            if written < before {
                break;
            }
            written -= before;
            self.sent_bytes = splice.at;
            let from_splice = written.min(splice.data.len());
            splice.data.advance(from_splice);
            self.spliced_len -= from_splice;
            written -= from_splice;
            if !splice.data.is_empty() {
                return;
            }
            // Freed now and not when the buffer is next cleared.
            splice.data = Bytes::new();
            self.sent_splices += 1;
        }
        self.sent_bytes = (self.sent_bytes + written).min(self.bytes.len());
        if self.is_empty() {
            self.clear();
        } else if self.sent_bytes >= COMPACT_MIN && self.sent_bytes >= self.bytes.len() / 2 {
            self.compact();
        }
    }

    /// The unwritten bytes in wire order.
    fn segments(&self) -> impl Iterator<Item = &[u8]> {
        let splices = &self.splices[self.sent_splices..];
        let mut pos = self.sent_bytes;
        let spliced = splices.iter().flat_map(move |splice| {
            let before = &self.bytes[pos..splice.at];
            pos = splice.at;
            [before, &splice.data[..]]
        });
        let last = splices.last().map_or(self.sent_bytes, |splice| splice.at);
        spliced.chain([&self.bytes[last..]]).filter(|segment| !segment.is_empty())
    }

    fn splice(&mut self, data: Bytes) {
        if data.is_empty() {
            return;
        }
        self.spliced_len += data.len();
        self.splices.push(Splice { at: self.bytes.len(), data });
    }

    /// Moves the unwritten bytes to the front.
    fn compact(&mut self) {
        self.bytes.drain(..self.sent_bytes);
        self.splices.drain(..self.sent_splices);
        for splice in &mut self.splices {
            splice.at -= self.sent_bytes;
        }
        self.sent_bytes = 0;
        self.sent_splices = 0;
    }

    /// The vector that the writer appends to.
    #[inline]
    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Puts `text` in place of the `old_len` bytes at `mark`, and moves what follows.
    pub(super) fn replace_at(&mut self, mark: Mark, old_len: usize, text: &[u8]) {
        let old = mark.bytes..mark.bytes + old_len;
        if text.len() == old_len {
            self.bytes[old].copy_from_slice(text);
            return;
        }
        self.bytes.splice(old, text.iter().copied());
        for splice in &mut self.splices[mark.splices..] {
            splice.at = splice.at - old_len + text.len();
        }
    }
}

#[cfg(test)]
mod tests;
