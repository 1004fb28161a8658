//! How a table's structure follows its size: splits and merges of segments, the directory, and the
//! small first segment. Every step's work is bounded by one segment (see `table.rs`).
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::{Element, MAX_DEPTH, MERGE_BELOW, TAG_DEPTH, Table, bucket_index};
use crate::value::segment::{
    BUCKETS, SLOTS, Segment, Slot, allocate_segment, bucket_of, drain, free_segment, place,
    prefetch,
};

/// A merge is considered at every eighth removal from a segment: it looks at another segment's
/// header, which is a cache miss.
const MERGE_CHECK_MASK: u32 = 7;
/// A directory above this many entries doubles only while it has at most
/// [`DIRECTORY_PER_SEGMENT`] of them per segment: a bad hash makes long buckets then, not an
/// endless directory.
const DIRECTORY_FLOOR: usize = 64;
const DIRECTORY_PER_SEGMENT: usize = 4;

/// Elements of a segment with so many buckets above which an insertion splits or enlarges it: 6.5
/// per bucket of 8, since more would put too many of them into overflow buckets.
#[inline]
pub(super) const fn capacity(buckets: usize) -> u32 {
    if buckets == 1 { SLOTS as u32 } else { buckets as u32 * 13 / 2 }
}

/// The next larger segment: 1, 7, 21, 63 buckets. Each divides the next, so that a bucket becomes
/// several whole ones and a scan's place in it stays true.
const fn larger(buckets: usize) -> usize {
    if buckets == 1 { 7 } else { buckets * 3 }
}

const fn smaller(buckets: usize) -> usize {
    if buckets == 7 { 1 } else { buckets / 3 }
}

impl<T: Element> Table<T> {
    /// Makes the segment of `hash`, which is full, ready for another element: one step only, which
    /// may leave it fuller than it should be if the hash is bad.
    #[cold]
    #[inline(never)]
    pub(super) fn make_room(&mut self, hash: u64, rehash: impl Fn(T::Ref<'_>) -> u64) {
        if self.buckets == BUCKETS {
            self.split(hash, rehash);
            return;
        }
        let larger = larger(self.buckets);
        self.splits += 1;
        self.resize_only_segment(larger, |_, slot| {
            let element = slot.element().expect("a drained slot holds an element");
            // SAFETY: an element of ours.
            bucket_index(rehash(unsafe { T::borrow(element) }), larger)
        });
    }

    /// Gives the only segment another number of buckets; `place_of` tells the new bucket for the
    /// old one and an element of it.
    fn resize_only_segment(&mut self, buckets: usize, place_of: impl Fn(usize, Slot) -> usize) {
        debug_assert_eq!(self.segments, 1, "small segments are alone");
        let old = self.directory[0];
        let mut new = allocate_segment(buckets, 0);
        let mut items = Vec::new();
        // SAFETY: both live, ours and distinct; the old one is freed when it is empty and before
        // anyone looks for it.
        unsafe {
            for index in 0..self.buckets {
                self.overflow_buckets -= drain(bucket_of(old, index), &mut items);
                for item in items.drain(..) {
                    let target = bucket_of(new, place_of(index, item));
                    self.overflow_buckets += place(target, item);
                }
            }
            new.as_mut().count = old.as_ref().count;
            free_segment(old, self.buckets);
        }
        self.moved += self.len as u64;
        self.directory.fill(new);
        self.buckets = buckets;
    }

    /// Splits the segment of `hash`, unless the directory would have to grow out of proportion.
    fn split(&mut self, hash: u64, rehash: impl Fn(T::Ref<'_>) -> u64) {
        let mut low = self.directory[self.index(hash)];
        // SAFETY: a live segment of ours.
        let old = unsafe { low.as_ref().depth };
        if old == MAX_DEPTH || (old == self.depth && !self.double()) {
            return;
        }
        let mut high = allocate_segment(BUCKETS, old + 1);
        // SAFETY: both live, ours and distinct. The depth is raised after the elements are moved: if
        // `rehash` panics, some are leaked, but the directory still fits the depths.
        unsafe {
            let moved = self.distribute(low, high, old, rehash);
            self.moved += u64::from(low.as_ref().count);
            low.as_mut().depth = old + 1;
            low.as_mut().count -= moved;
            high.as_mut().count = moved;
        }
        let first = self.first(self.index(hash)) & !self.places(self.index(hash));
        let places = self.places(first);
        self.directory[first + places..first + 2 * places].fill(high);
        self.segments += 1;
        self.splits += 1;
        if old + 1 == self.depth {
            self.deepest += 2;
        }
    }

    /// Moves the elements whose prefix has bit `depth` set from `low` to `high`, and counts them.
    ///
    /// # Safety
    /// Both are live segments of this table, and distinct.
    unsafe fn distribute(
        &mut self,
        low: NonNull<Segment>,
        high: NonNull<Segment>,
        depth: u32,
        rehash: impl Fn(T::Ref<'_>) -> u64,
    ) -> u32 {
        let mut moved = 0;
        let goes_high = |slot: Slot, element| {
            let prefix_bit = if depth >= TAG_DEPTH {
                u64::from(slot.tag()) >> (MAX_DEPTH - 1 - depth)
            } else {
                // SAFETY: an element of ours.
                rehash(unsafe { T::borrow(element) }) >> (63 - depth)
            };
            prefix_bit & 1 == 1
        };
        if depth < TAG_DEPTH {
            self.prefetch_segment(low);
        }
        let mut chain = Vec::new();
        for index in 0..BUCKETS {
            // SAFETY: buckets of the caller's segments, borrowed one after the other.
            unsafe {
                let mut source = bucket_of(low, index);
                if source.as_ref().overflow().is_some() {
                    self.overflow_buckets -= drain(source, &mut chain);
                    for slot in chain.drain(..) {
                        let high_bit = slot.element().is_some_and(|e| goes_high(slot, e));
                        let target = if high_bit { high } else { low };
                        moved += u32::from(high_bit);
                        self.overflow_buckets += place(bucket_of(target, index), slot);
                    }
                    continue;
                }
                let target = &mut bucket_of(high, index).as_mut().0;
                for (from, to) in source.as_mut().0.iter_mut().zip(target) {
                    if from.element().is_some_and(|e| goes_high(*from, e)) {
                        *to = std::mem::replace(from, Slot::EMPTY);
                        moved += 1;
                    }
                }
            }
        }
        moved
    }

    /// Asks the cache for all elements of a segment.
    pub(super) fn prefetch_segment(&self, segment: NonNull<Segment>) {
        for index in 0..self.buckets {
            // SAFETY: a live segment of ours.
            let bucket = unsafe { bucket_of(segment, index).as_ref() };
            for element in bucket.0.iter().filter_map(|slot| slot.element()) {
                prefetch(element.as_ptr());
            }
        }
    }

    /// Doubles the directory, unless it is out of proportion to the segments.
    fn double(&mut self) -> bool {
        let len = self.directory.len();
        if len > DIRECTORY_FLOOR && len > DIRECTORY_PER_SEGMENT * self.segments {
            return false;
        }
        let mut doubled = Vec::with_capacity(2 * len);
        doubled.extend(self.directory.iter().flat_map(|&segment| [segment, segment]));
        self.directory = doubled;
        self.depth += 1;
        self.deepest = 0;
        true
    }

    /// After a removal: gives everything back if the table is empty, makes the only segment smaller
    /// or joins that of `hash` with its buddy if they are nearly empty. One step only.
    #[inline]
    pub(super) fn shrink(&mut self, hash: u64) {
        if self.segments == 1 {
            return self.shrink_only_segment();
        }
        // SAFETY: a live segment of ours.
        let Segment { count, depth } = *unsafe { self.directory[self.index(hash)].as_ref() };
        if count <= MERGE_BELOW && count & MERGE_CHECK_MASK == 0 && depth > 0 {
            self.merge(hash, depth);
        }
    }

    fn shrink_only_segment(&mut self) {
        if self.len == 0 {
            return self.clear_structure();
        }
        // Half of what the smaller one may hold, so that it does not grow back at once.
        let smaller = smaller(self.buckets);
        if self.buckets > 1 && self.len <= capacity(smaller) as usize / 2 {
            self.merges += 1;
            let times = self.buckets / smaller;
            self.resize_only_segment(smaller, |index, _| index / times);
        }
    }

    #[cold]
    #[inline(never)]
    fn merge(&mut self, hash: u64, depth: u32) {
        let at = self.first(self.index(hash));
        let places = self.places(at);
        let (first, second) = (at & !places, at | places);
        let (mut low, high) = (self.directory[first], self.directory[second]);
        // SAFETY: live segments of ours, distinct since they are of one depth at two places.
        unsafe {
            if low.as_ref().depth != depth
                || high.as_ref().depth != depth
                || low.as_ref().count.max(high.as_ref().count) > MERGE_BELOW
            {
                return;
            }
            let mut items = Vec::new();
            for index in 0..BUCKETS {
                self.overflow_buckets -= drain(bucket_of(high, index), &mut items);
                for item in items.drain(..) {
                    self.overflow_buckets += place(bucket_of(low, index), item);
                }
            }
            self.moved += u64::from(high.as_ref().count);
            low.as_mut().count += high.as_ref().count;
            low.as_mut().depth = depth - 1;
            free_segment(high, BUCKETS);
        }
        self.directory[second..second + places].fill(low);
        self.segments -= 1;
        self.merges += 1;
        if depth == self.depth {
            self.deepest -= 2;
        }
        while self.deepest == 0 && self.directory.len() >= DIRECTORY_PER_SEGMENT * self.segments {
            self.halve();
        }
    }

    /// Halves the directory, in which no segment is as deep as it.
    fn halve(&mut self) {
        let halved = self.directory.iter().step_by(2).copied();
        self.directory = halved.collect();
        self.depth -= 1;
        let mut deepest = 0;
        for segment in self.distinct_segments() {
            // SAFETY: a live segment of ours.
            deepest += u32::from(unsafe { segment.as_ref().depth } == self.depth);
        }
        self.deepest = deepest;
    }

    /// Frees the structure of a table without elements.
    fn clear_structure(&mut self) {
        debug_assert_eq!((self.len, self.overflow_buckets), (0, 0), "no element is left");
        let segments: Vec<_> = self.distinct_segments().collect();
        self.directory = Vec::new();
        (self.depth, self.deepest, self.segments) = (0, 0, 0);
        for segment in segments {
            // SAFETY: each stood once in the list, and the directory is gone.
            unsafe { free_segment(segment, self.buckets) };
        }
    }
}
