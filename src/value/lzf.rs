//! LZF, the compression of strings in RDB files and of nodes inside long lists (Marc Lehmann's
//! format).
//!
//! | bytes | meaning |
//! |---|---|
//! | `000lllll`, then l + 1 bytes | those bytes |
//! | `lllooooo oooooooo`, l from 1 to 6 | l + 2 bytes again from o + 1 bytes back |
//! | `111ooooo nnnnnnnn oooooooo` | n + 9 bytes again from o + 1 bytes back |

/// Bytes that are not the compressed form of a text of the length that was stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Longest run of bytes that stand as they are.
const LITERALS_MAX: usize = 32;
/// Bytes that a reference repeats at least.
const MATCH_MIN: usize = 3;
/// Bytes that a reference repeats at most.
const MATCH_MAX: usize = 264;
/// How far back a reference reaches at most.
const REACH: usize = 1 << 13;
/// Bits of the largest table of places.
const TABLE_BITS_MAX: u32 = 14;
/// Bytes that a byte of compressed text stands for at most, rounded up: a reference of three bytes
/// repeats 264.
const EXPANSION_MAX: usize = MATCH_MAX / 3;

/// The compressed form of `text`, if it is shorter by at least `gain` bytes.
pub fn compress(text: &[u8], gain: usize) -> Option<Vec<u8>> {
    if text.len() >= u32::MAX as usize {
        return None;
    }
    let most = text.len().checked_sub(gain)?;
    let bits = (usize::BITS - text.len().leading_zeros()).clamp(4, TABLE_BITS_MAX);
    // Where each triple of bytes was last seen, plus one.
    let mut places = vec![0u32; 1 << bits];
    let mut out = Vec::with_capacity(most);
    let (mut at, mut literals) = (0, 0);
    while at + MATCH_MIN <= text.len() {
        let place = std::mem::replace(&mut places[slot(&text[at..], bits)], at as u32 + 1);
        let len = place.checked_sub(1).map_or(0, |from| match_len(text, from as usize, at));
        if len < MATCH_MIN {
            at += 1;
            continue;
        }
        put_literals(&mut out, &text[literals..at]);
        put_reference(&mut out, at - (place as usize - 1) - 1, len);
        if out.len() > most {
            return None;
        }
        // What is skipped is remembered in part only, which is enough.
        for skipped in at + 1..(at + len).min(text.len() - MATCH_MIN + 1) {
            if skipped < at + MATCH_MIN || skipped + MATCH_MIN > at + len {
                places[slot(&text[skipped..], bits)] = skipped as u32 + 1;
            }
        }
        at += len;
        literals = at;
    }
    put_literals(&mut out, &text[literals..]);
    (out.len() <= most).then_some(out)
}

/// The place in the table of the three bytes that `text` begins with.
fn slot(text: &[u8], bits: u32) -> usize {
    let triple = u32::from_le_bytes([text[0], text[1], text[2], 0]);
    (triple.wrapping_mul(0x9E37_79B1) >> (32 - bits)) as usize
}

/// How many bytes are equal from both places on; 0 if one is out of the other's reach.
fn match_len(text: &[u8], from: usize, at: usize) -> usize {
    if at - from > REACH {
        return 0;
    }
    let pairs = text[at..].iter().zip(&text[from..]).take(MATCH_MAX);
    pairs.take_while(|(a, b)| a == b).count()
}

fn put_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

fn put_reference(out: &mut Vec<u8>, offset: usize, len: usize) {
    let (high, low) = ((offset >> 8) as u8, offset as u8);
    match len - 2 {
        short @ ..7 => out.push((short as u8) << 5 | high),
        long => out.extend([7 << 5 | high, (long - 7) as u8]),
    }
    out.push(low);
}

/// The text of `len` bytes that `packed` stands for. Memory grows with what is unpacked, never
/// beyond what `packed` can stand for.
pub fn decompress(packed: &[u8], len: usize) -> Result<Vec<u8>, Malformed> {
    if len / EXPANSION_MAX > packed.len() {
        return Err(Malformed);
    }
    let mut text = Vec::with_capacity(len.min(packed.len().saturating_mul(4)));
    let mut rest = packed;
    while let Some((&control, after)) = rest.split_first() {
        if control >> 5 == 0 {
            let (literals, after) =
                after.split_at_checked(usize::from(control) + 1).ok_or(Malformed)?;
            text.extend_from_slice(literals);
            rest = after;
        } else {
            rest = repeat(&mut text, control, after)?;
        }
        if text.len() > len {
            return Err(Malformed);
        }
    }
    if text.len() == len { Ok(text) } else { Err(Malformed) }
}

/// Repeats what a reference means, and gives what follows it.
fn repeat<'a>(text: &mut Vec<u8>, control: u8, rest: &'a [u8]) -> Result<&'a [u8], Malformed> {
    let (mut len, mut rest) = (usize::from(control >> 5), rest);
    if len == 7 {
        let (&more, after) = rest.split_first().ok_or(Malformed)?;
        (len, rest) = (len + usize::from(more), after);
    }
    let (&low, rest) = rest.split_first().ok_or(Malformed)?;
    let back = (usize::from(control & 0x1F) << 8 | usize::from(low)) + 1;
    let from = text.len().checked_sub(back).ok_or(Malformed)?;
    let len = len + 2;
    if back >= len {
        text.extend_from_within(from..from + len);
    } else {
        // What is repeated overlaps what it makes.
        for at in from..from + len {
            text.push(text[at]);
        }
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_server_compressed_is_read() {
        let packed = b"\x01aa\xe0\xbb\x00\x01aa";
        assert_eq!(decompress(packed, 200), Ok(vec![b'a'; 200]));
        for len in [0, 199, 201, usize::MAX] {
            assert_eq!(decompress(packed, len), Err(Malformed));
        }
    }

    #[test]
    fn what_does_not_gain_is_left() {
        assert_eq!(compress(b"", 4), None);
        assert_eq!(compress(b"abc", 4), None);
        assert_eq!(compress(b"abcdefghijklmnopqrstuvwxyz", 4), None);
        let packed = compress(&[b'x'; 1000], 4);
        assert!(packed.is_some_and(|packed| packed.len() < 30));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

        #[test]
        fn texts_survive(
            words in prop::collection::vec(prop::collection::vec(0u8..4, 1..40), 0..60),
            order in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            let chosen = order.iter().filter_map(|at| words.get(usize::from(*at)));
            let text: Vec<u8> = chosen.flatten().copied().collect();
            if let Some(packed) = compress(&text, 4) {
                prop_assert!(packed.len() + 4 <= text.len());
                prop_assert_eq!(decompress(&packed, text.len()), Ok(text));
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused(
            packed in prop::collection::vec(any::<u8>(), 0..100), len in 0usize..2000,
        ) {
            if let Ok(text) = decompress(&packed, len) {
                prop_assert_eq!(text.len(), len);
            }
        }
    }
}
