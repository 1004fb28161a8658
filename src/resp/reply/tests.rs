//! The reply buffer against plain bytes.
use super::*;
use proptest::prelude::*;

fn wire(buf: &ReplyBuf) -> Vec<u8> {
    let mut out = Vec::new();
    buf.copy_to(&mut out);
    assert_eq!(out.len(), buf.len());
    assert_eq!(out.is_empty(), buf.is_empty());
    out
}

/// Writes `buf` out in vectored writes of at most `slots` slices, of which `taken` bytes are taken.
fn drain(buf: &mut ReplyBuf, slots: usize, taken: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while !buf.is_empty() {
        let mut slices = vec![IoSlice::new(&[]); slots];
        let filled = buf.io_slices(0, &mut slices);
        assert!(filled > 0 && slices[..filled].iter().all(|slice| !slice.is_empty()));
        let mut written = 0;
        for slice in &slices[..filled] {
            let part = &slice[..slice.len().min(taken - written)];
            out.extend_from_slice(part);
            written += part.len();
        }
        buf.advance(written);
    }
    assert_eq!(buf.io_slices(0, &mut [IoSlice::new(&[])]), 0);
    out
}

#[test]
fn long_shared_values_are_spliced_and_short_ones_copied() {
    let mut buf = ReplyBuf::new();
    buf.push_raw(b"a");
    buf.push_shared(Bytes::from(vec![b'b'; SHARED_MIN]));
    buf.push_raw(b"c");
    buf.push_shared(Bytes::from(vec![b'd'; SHARED_MIN - 1]));
    buf.push_shared(Bytes::new());
    assert_eq!(buf.splices.len(), 1);
    let mut slices = [IoSlice::new(&[]); 4];
    assert_eq!(buf.io_slices(0, &mut slices), 3);
    assert_eq!(&*slices[0], b"a");
    assert_eq!(slices[1].len(), SHARED_MIN);
    assert_eq!(slices[2].len(), SHARED_MIN);
    assert_eq!(buf.io_slices(SHARED_MIN, &mut slices), 2);
    assert_eq!(&*slices[0], b"b");
}

#[test]
fn a_written_splice_is_let_go_at_once() {
    let shared = Bytes::from(vec![b'x'; SHARED_MIN]);
    let mut buf = ReplyBuf::new();
    buf.push_shared(shared.clone());
    buf.push_raw(b"tail");
    buf.advance(SHARED_MIN);
    assert!(shared.is_unique());
    assert_eq!(wire(&buf), b"tail");
}

#[test]
fn truncate_drops_splices_too() {
    let mut buf = ReplyBuf::new();
    buf.push_raw(b"kept");
    let mark = buf.mark();
    buf.push_shared(Bytes::from(vec![b'x'; SHARED_MIN]));
    buf.push_raw(b"dropped");
    buf.truncate(mark);
    assert_eq!(wire(&buf), b"kept");
    assert_eq!(buf.mark(), mark);
}

#[test]
fn much_that_is_unsent_changes_places_instead_of_being_copied() {
    let (mut from, mut into) = (ReplyBuf::new(), ReplyBuf::new());
    let text: Vec<u8> = (0..COMPACT_MIN + 10).map(|at| at as u8).collect();
    into.push_raw(b"written");
    into.advance(7);
    from.push_raw(&text);
    from.advance(3);
    let place = from.bytes.as_ptr();
    from.append_unsent(&mut into);
    assert_eq!((into.bytes.as_ptr(), wire(&into)), (place, text[3..].to_vec()));
    assert!(from.is_empty() && from.mark() == Mark::default());
    from.push_raw(&text);
    from.append_unsent(&mut into);
    assert_eq!(wire(&into), [&text[3..], &text].concat());
}

#[test]
fn a_capacity_that_is_no_longer_needed_is_cut_back() {
    let mut buf = ReplyBuf::new();
    buf.push_raw(&vec![b'x'; 1 << 20]);
    buf.clear();
    assert!(buf.allocated_bytes() >= 1 << 20, "the next reply may be as long");
    for _ in 0..100 {
        buf.push_raw(b"+OK\r\n");
        buf.clear();
    }
    assert!(buf.allocated_bytes() <= 2 * KEPT_CAPACITY, "{}", buf.allocated_bytes());
    buf.push_raw(b"+OK\r\n");
    buf.release();
    assert_eq!(buf.allocated_bytes(), 0);
}

/// A part of a reply: plain or spliced bytes.
fn part() -> impl Strategy<Value = (Vec<u8>, bool)> {
    prop_oneof![
        4 => (prop::collection::vec(any::<u8>(), 0..50), Just(false)),
        1 => ((0..2 * SHARED_MIN, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]), any::<bool>()),
        1 => (any::<u8>().prop_map(|byte| vec![byte; 2 * COMPACT_MIN]), Just(false)),
    ]
}

fn append(buf: &mut ReplyBuf, (bytes, shared): &(Vec<u8>, bool)) {
    match shared {
        true => buf.push_shared(Bytes::copy_from_slice(bytes)),
        false => buf.push_raw(bytes),
    }
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(
        parts in prop::collection::vec(part(), 0..12),
        slots in 1..5_usize,
        taken in prop_oneof![1 => 100..10_000_usize, 3 => 1000..200_000_usize],
    ) {
        let mut buf = ReplyBuf::new();
        for part in &parts {
            append(&mut buf, part);
        }
        let plain: Vec<u8> = parts.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        prop_assert_eq!(wire(&buf), &plain[..]);
        prop_assert_eq!(drain(&mut buf, slots, taken), plain);
    }

    #[test]
    fn writing_and_appending_take_turns(
        steps in prop::collection::vec((part(), 0..150_000_usize), 0..12),
    ) {
        let mut buf = ReplyBuf::new();
        let mut plain = Vec::new();
        for (part, written) in &steps {
            append(&mut buf, part);
            plain.extend_from_slice(&part.0);
            let written = *written.min(&plain.len());
            buf.advance(written);
            plain.drain(..written);
            prop_assert_eq!(wire(&buf), &plain[..]);
        }
    }

    #[test]
    fn ranges_are_copied_with_their_splices(
        parts in prop::collection::vec(part(), 1..8),
        from: prop::sample::Index,
        to: prop::sample::Index,
    ) {
        let mut buf = ReplyBuf::new();
        let mut marks = vec![buf.mark()];
        for part in &parts {
            append(&mut buf, part);
            marks.push(buf.mark());
        }
        let (from, to) = (from.index(marks.len()), to.index(marks.len()));
        let (from, to) = (from.min(to), from.max(to));
        let mut into = ReplyBuf::new();
        into.push_raw(b"before");
        buf.append_range(marks[from], marks[to], &mut into);
        into.push_raw(b"after");
        let range: Vec<u8> = parts[from..to].iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        prop_assert_eq!(wire(&into), [&b"before"[..], &range, b"after"].concat());
    }
}
