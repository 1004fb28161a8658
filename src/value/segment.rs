//! Segments, buckets and slots: the memory layout of the table (see `table.rs` for its rules).
//!
//! ```text
//! segment, 4096 B   | header 64 B | bucket 0 | bucket 1 | … | bucket 62 |
//!                   (the only segment of a small table has 1, 7 or 21 buckets)
//! bucket, 64 B      | slot 0 | slot 1 | … | slot 7 |       one cache line
//! slot, 8 B         | tag 16 bits | pointer 48 bits |      0 = empty
//! ```
//!
//! A bucket that overflows keeps a pointer to a further bucket in slot 7, marked by bit 0 (elements
//! are 8-aligned, so theirs is 0). Why unsafe: one allocation of exactly a page per segment, tagged
//! pointers in place of an enum of 16 bytes. All of it is private to the table and runs under Miri.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::{self, NonNull};

/// Slots of a bucket: a cache line of words.
pub(super) const SLOTS: usize = 8;
/// Buckets of a full-sized segment: with the header they fill a page.
pub(super) const BUCKETS: usize = 63;
/// The slot that links to an overflow bucket.
const LINK: usize = SLOTS - 1;
/// User space addresses of x86-64 and AArch64 fit in 48 bits.
const POINTER_BITS: u32 = 48;
const POINTER_MASK: usize = (1 << POINTER_BITS) - 1;
const LINK_MARK: usize = 1;

/// One word of a bucket: an element's pointer and tag, a link, or empty (null). Kept as a pointer
/// type so that the provenance of the element's pointer survives in it.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Slot(*mut u8);

impl Slot {
    pub(super) const EMPTY: Self = Self(ptr::null_mut());

    /// A slot that holds `element` under `tag`.
    #[inline]
    pub(super) fn new(element: NonNull<u8>, tag: u16) -> Self {
        debug_assert_eq!(element.addr().get() & (7 | !POINTER_MASK), 0, "8-aligned, 48 bits");
        Self(element.as_ptr().map_addr(|addr| addr | (tag as usize) << POINTER_BITS))
    }

    fn link(bucket: NonNull<Bucket>) -> Self {
        Self(bucket.as_ptr().cast::<u8>().map_addr(|addr| addr | LINK_MARK))
    }

    /// The element's pointer; `None` for an empty slot and for a link.
    #[inline]
    pub(super) fn element(self) -> Option<NonNull<u8>> {
        if self.0.addr() & LINK_MARK != 0 {
            return None;
        }
        NonNull::new(self.0.map_addr(|addr| addr & POINTER_MASK))
    }

    #[inline]
    pub(super) fn tag(self) -> u16 {
        (self.0.addr() >> POINTER_BITS) as u16
    }

    #[inline]
    fn linked(self) -> Option<NonNull<Bucket>> {
        if self.0.addr() & LINK_MARK == 0 {
            return None;
        }
        NonNull::new(self.0.map_addr(|addr| addr & POINTER_MASK & !LINK_MARK).cast())
    }
}

/// A cache line of slots. Holes are allowed in a bucket without a link; where buckets are chained,
/// only the last of the chain has holes, and it holds at least two elements.
#[repr(C, align(64))]
pub(super) struct Bucket(pub(super) [Slot; SLOTS]);

impl Bucket {
    /// The overflow bucket linked from this one.
    #[inline]
    pub(super) fn overflow(&self) -> Option<NonNull<Bucket>> {
        self.0[LINK].linked()
    }

    /// A bit per slot whose tag is `tag`, at distances of [`MATCH_STRIDE`]; an empty slot and a
    /// link count as tag 0.
    #[inline]
    pub(super) fn matches(&self, tag: u16) -> u32 {
        matches(self, tag)
    }
}

/// Bits per slot in the result of [`Bucket::matches`].
pub(super) const MATCH_STRIDE: u32 = 4;

#[cfg(target_arch = "x86_64")]
#[inline]
fn matches(bucket: &Bucket, tag: u16) -> u32 {
    use std::arch::x86_64::*;
    // SAFETY: SSE2 belongs to x86-64, and a bucket is four aligned vectors of initialized memory.
    unsafe {
        let line = (&raw const bucket.0).cast::<__m128i>();
        let tag = _mm_set1_epi16(tag as i16);
        let compare = |i| _mm_cmpeq_epi16(_mm_load_si128(line.add(i)), tag);
        // Words 3 and 7 of a vector are tags; packing words to bytes leaves them at 3, 7, 11, 15.
        let low = _mm_movemask_epi8(_mm_packs_epi16(compare(0), compare(1))) as u32;
        let high = _mm_movemask_epi8(_mm_packs_epi16(compare(2), compare(3))) as u32;
        (low | high << 16) & 0x8888_8888
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn matches(bucket: &Bucket, tag: u16) -> u32 {
    let mut found = 0;
    for (i, slot) in bucket.0.iter().enumerate() {
        found |= u32::from(slot.tag() == tag) << (i as u32 * MATCH_STRIDE);
    }
    found
}

/// The header of a segment, which holds the elements whose hashes share a prefix of `depth` bits;
/// its buckets follow in the same allocation.
#[repr(C, align(64))]
pub(super) struct Segment {
    /// Bits of hash prefix that all its elements share.
    pub(super) depth: u32,
    /// Its elements, those in overflow buckets included.
    pub(super) count: u32,
}

const _: () = assert!(size_of::<Bucket>() == 64 && size_of::<Segment>() == 64);
const _: () = assert!(size_of::<Segment>() + BUCKETS * size_of::<Bucket>() == 4096);

/// Bytes of a segment with so many buckets.
pub(super) const fn segment_size(buckets: usize) -> usize {
    size_of::<Segment>() + buckets * size_of::<Bucket>()
}

fn segment_layout(buckets: usize) -> Layout {
    Layout::from_size_align(segment_size(buckets), align_of::<Segment>())
        .expect("a page at most, aligned to a cache line")
}

/// A new segment with so many empty buckets. It is freed by [`free_segment`].
pub(super) fn allocate_segment(buckets: usize, depth: u32) -> NonNull<Segment> {
    let mut segment = allocate_zeroed::<Segment>(segment_layout(buckets));
    // SAFETY: just allocated, and all-zero bytes are a valid header and empty buckets.
    unsafe { segment.as_mut().depth = depth };
    segment
}

/// Frees the segment alone: its slots are given up, its overflow buckets must be gone.
///
/// # Safety
/// `segment` came from [`allocate_segment`] with as many buckets, and is not used afterwards.
pub(super) unsafe fn free_segment(segment: NonNull<Segment>, buckets: usize) {
    // SAFETY: allocated with this layout (caller's promise).
    unsafe { dealloc(segment.as_ptr().cast(), segment_layout(buckets)) }
}

/// # Safety
/// `segment` is live and has more than `index` buckets.
#[inline]
pub(super) unsafe fn bucket_of(segment: NonNull<Segment>, index: usize) -> NonNull<Bucket> {
    // SAFETY: the buckets follow the header, of the same size, in the allocation.
    unsafe { segment.cast::<Bucket>().add(1 + index) }
}

/// Zeroed memory for `layout`, which is not empty.
fn allocate_zeroed<T>(layout: Layout) -> NonNull<T> {
    debug_assert!(layout.size() >= size_of::<T>() && size_of::<T>() > 0);
    // SAFETY: the layout is not empty.
    let memory = unsafe { alloc_zeroed(layout) };
    NonNull::new(memory.cast()).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Puts `item` into the chain of `bucket`. Returns the number of overflow buckets added (0 or 1).
///
/// # Safety
/// `bucket` is a live bucket of a table that the caller may change, not borrowed otherwise.
pub(super) unsafe fn place(mut bucket: NonNull<Bucket>, item: Slot) -> usize {
    loop {
        // SAFETY: the first is live by the caller's promise, the others since they are linked.
        let slots = unsafe { &mut bucket.as_mut().0 };
        if let Some(hole) = slots.iter_mut().find(|slot| **slot == Slot::EMPTY) {
            *hole = item;
            return 0;
        }
        match slots[LINK].linked() {
            Some(next) => bucket = next,
            None => {
                let mut next = allocate_zeroed::<Bucket>(Layout::new::<Bucket>());
                // SAFETY: just allocated; zero bytes are an empty bucket.
                let overflow = unsafe { &mut next.as_mut().0 };
                overflow[0] = slots[LINK];
                overflow[1] = item;
                slots[LINK] = Slot::link(next);
                return 1;
            }
        }
    }
}

/// Takes the element out of `slot`, which belongs to the chain of `bucket`, and keeps the chain
/// dense: the hole is filled from its last bucket, which goes when one element is left in it.
/// Returns the element and the number of overflow buckets freed (0 or 1).
///
/// # Safety
/// As for [`place`]; `slot` holds an element and lies in a bucket of that chain.
pub(super) unsafe fn vacate(bucket: NonNull<Bucket>, slot: NonNull<Slot>) -> (Slot, usize) {
    let mut parent = None;
    let mut last = bucket;
    // SAFETY: live by the caller's promise or since it is linked from a live bucket; no reference
    // is held across iterations, and `slot` is written while none is held.
    unsafe {
        while let Some(next) = last.as_ref().overflow() {
            parent = Some(last);
            last = next;
        }
        let taken = slot.read();
        let Some(mut parent) = parent else {
            slot.write(Slot::EMPTY);
            return (taken, 0);
        };
        let tail = last.as_ref().0.iter().rposition(|item| *item != Slot::EMPTY);
        let tail = tail.expect("an overflow bucket holds at least two elements");
        let filler = std::mem::replace(&mut last.as_mut().0[tail], Slot::EMPTY);
        if filler != taken {
            slot.write(filler);
        }
        let mut left = last.as_ref().0.iter().filter(|item| **item != Slot::EMPTY);
        match (left.next().copied(), left.next()) {
            (Some(only), None) => {
                parent.as_mut().0[LINK] = only;
                dealloc(last.as_ptr().cast(), Layout::new::<Bucket>());
                (taken, 1)
            }
            _ => (taken, 0),
        }
    }
}

/// Empties the chain of `bucket` into `into` and frees its overflow buckets, whose number it
/// returns.
///
/// # Safety
/// As for [`place`].
pub(super) unsafe fn drain(mut bucket: NonNull<Bucket>, into: &mut Vec<Slot>) -> usize {
    let mut freed = 0;
    let mut link = None;
    loop {
        // SAFETY: live by the caller's promise or since it was linked; each is freed once, after
        // the link in it was read.
        unsafe {
            let slots = &mut bucket.as_mut().0;
            let next = slots[LINK].linked();
            into.extend(slots.iter().filter(|slot| slot.element().is_some()));
            slots.fill(Slot::EMPTY);
            if link.is_some() {
                dealloc(bucket.as_ptr().cast(), Layout::new::<Bucket>());
                freed += 1;
            }
            match next {
                Some(next) => bucket = next,
                None => return freed,
            }
            link = Some(());
        }
    }
}

/// Asks the cache for the line at `address`; any address is allowed.
#[inline(always)]
pub(super) fn prefetch(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, readonly));
    }
    #[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
    let _ = address;
}
