//! Just enough reading of replies to merge the partial ones of a split command: how long a value
//! is, and how many elements an array has. The bytes are our own writer's, but nothing panics on
//! others.
use super::number::parse_int;

/// The length in bytes of the one complete value at the start of `wire`, with all that it nests (an
/// attribute counts with the reply that it precedes). None if the value is incomplete or no RESP.
pub fn skip_value(wire: &[u8]) -> Option<usize> {
    let mut pos = 0;
    // Values that are yet to be skipped. A loop and not recursion: depth is the sender's choice.
    let mut missing: u64 = 1;
    while missing > 0 {
        let line = read_line(wire, pos)?;
        pos = line.next;
        missing -= 1;
        match line.marker {
            b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {}
            b'$' | b'=' | b'!' => {
                // -1 is RESP2's null, without a body.
                if let Ok(len) = usize::try_from(parse_int(line.text)?) {
                    pos = pos.checked_add(len)?.checked_add(2)?;
                    if wire.get(pos - 2..pos)? != b"\r\n" {
                        return None;
                    }
                }
            }
            b'*' | b'~' | b'>' => missing = missing.checked_add(element_count(line.text)?)?,
            b'%' => missing = missing.checked_add(element_count(line.text)?.checked_mul(2)?)?,
            b'|' => {
                let pairs = element_count(line.text)?.checked_mul(2)?;
                missing = missing.checked_add(pairs)?.checked_add(1)?;
            }
            _ => return None,
        }
    }
    Some(pos)
}

/// The head of the array at the start of `wire`: its number of elements, and the length of the head
/// in bytes. None if it is another type, the null array, or incomplete.
pub fn array_header(wire: &[u8]) -> Option<(usize, usize)> {
    let line = read_line(wire, 0)?;
    if line.marker != b'*' {
        return None;
    }
    Some((usize::try_from(parse_int(line.text)?).ok()?, line.next))
}

struct Line<'a> {
    marker: u8,
    text: &'a [u8],
    /// The place after CR LF.
    next: usize,
}

fn read_line(wire: &[u8], pos: usize) -> Option<Line<'_>> {
    let rest = wire.get(pos..)?;
    let (&marker, text) = rest.split_first()?;
    let cr = memchr::memchr(b'\r', text)?;
    if text.get(cr + 1) != Some(&b'\n') {
        return None;
    }
    Some(Line { marker, text: &text[..cr], next: pos + 1 + cr + 2 })
}

/// The number in the head of an aggregate; the null array has no elements.
fn element_count(text: &[u8]) -> Option<u64> {
    let count = parse_int(text)?;
    if count == -1 { Some(0) } else { u64::try_from(count).ok() }
}
