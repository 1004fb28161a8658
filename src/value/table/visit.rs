//! Looking at a table's elements without a key: scans, random elements, samples, all.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::{Element, MAX_DEPTH, Table};
use crate::value::segment::{BUCKETS, Bucket, Segment, bucket_of, prefetch};

/// Bits of a scan cursor for the bucket.
const BUCKET_BITS: u32 = 6;
/// Bits that a scan cursor uses, from the lowest: those above are free for the caller.
pub const CURSOR_BITS: u32 = MAX_DEPTH + 1 + BUCKET_BITS;

impl<T: Element> Table<T> {
    /// Calls `visit` for every element, in no particular order.
    pub fn for_each<'a>(&'a self, visit: impl FnMut(T::Ref<'a>)) {
        self.iter().for_each(visit);
    }

    /// All elements, in no particular order.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { table: self, at: 0, bucket: 0, line: None, slot: 0 }
    }

    /// Visits one bucket and returns the cursor for the next call, 0 at the end. A scan starts with
    /// cursor 0; any cursor is safe.
    ///
    /// **Guarantee**: an element that is present from a scan's first call to its last is visited at
    /// least once, whatever is added and removed between the calls; it may be visited repeatedly.
    ///
    /// A cursor is (p, b, d): a hash prefix p, aligned to d bits, a bucket b, and the depth d. It
    /// says: *everything below p was visited, and so were the buckets below b of the range R of d
    /// bits that starts at p*. An element keeps its prefix and its bucket, so what it says stays
    /// true. A call looks up the segment that covers p, of depth s, and visits its bucket b.
    ///
    /// * s < d (merged since): the segment covers R, so bucket b of R is visited now. R stays, lest
    ///   the buckets below b of the rest of the segment be missed; that rest is visited in turn,
    ///   when p has moved past R.
    /// * s > d (split since): the segment covers the first part of R, and buckets below b of it
    ///   were visited; the smaller range takes R's place (d becomes s), the rest comes after it.
    /// * At b = 0 nothing is claimed of R yet, so it may become the largest aligned range that
    ///   starts at p within the segment.
    ///
    /// Buckets are counted as those of a full-sized segment. A smaller one's bucket is a whole number
    /// of these, which are visited together, and possibly again if it has become smaller meanwhile.
    ///
    /// After the last bucket p moves past R. Since p only grows and no range is smaller than 2^-26,
    /// every scan ends.
    pub fn scan<'a>(&'a self, cursor: u64, visit: impl FnMut(T::Ref<'a>)) -> u64 {
        if self.directory.is_empty() {
            return 0;
        }
        let Cursor { prefix, bucket, depth } = Cursor::decode(cursor);
        let segment = self.directory[prefix_index(prefix, self.depth)];
        // SAFETY: a live segment of ours.
        let local = unsafe { segment.as_ref().depth };
        let depth = if bucket == 0 { alignment_depth(prefix) } else { depth }.max(local);
        // A small segment's bucket is as many of a full-sized one's.
        let grain = (BUCKETS / self.buckets) as u32;
        let index = bucket / grain;
        self.visit_bucket(segment, index as usize, visit);
        let bucket = (index + 1) * grain;
        if (bucket as usize) < BUCKETS {
            return Cursor { prefix, bucket, depth }.encode();
        }
        let next = prefix + (1 << (MAX_DEPTH - depth));
        if next >> MAX_DEPTH != 0 {
            return 0;
        }
        Cursor { prefix: next, bucket: 0, depth: alignment_depth(next) }.encode()
    }

    /// An element by chance; `None` if the table is empty. All have the same probability, but for
    /// those in buckets of more than 16, of which there is one in some thousands in the fullest of
    /// tables: they are behind by what is beyond 16. The expected number of buckets looked at is
    /// small and independent of the size.
    pub fn random<'a>(&'a self, rng: &mut fastrand::Rng) -> Option<T::Ref<'a>> {
        // Enough that a table filled as badly as merging allows (4 % of its slots) is still
        // sampled without falling back in 99.9 % of the calls.
        const TRIES: u32 = 300;
        // A bucket of n elements is taken with probability n / FULL.
        const FULL: usize = 16;
        if self.segments <= 1 {
            return self.nth(rng.usize(..self.len.max(1)));
        }
        for _ in 0..TRIES {
            let Some(segment) = self.random_segment(rng) else { continue };
            let index = rng.usize(..self.buckets);
            let count = self.elements_of(segment, index).count();
            if rng.usize(..FULL) < count {
                // SAFETY: an element of ours.
                return self
                    .elements_of(segment, index)
                    .nth(rng.usize(..count))
                    .map(|element| unsafe { T::borrow(element) });
            }
        }
        let mut first = None;
        self.sample(rng, 1, |element| first = first.or(Some(element)));
        first
    }

    /// Visits about `n` elements that lie together at a random place: cheap, for eviction by
    /// samples. Visits whole buckets until `n` elements were seen, or all elements if there are
    /// fewer.
    pub fn sample<'a>(
        &'a self,
        rng: &mut fastrand::Rng,
        n: usize,
        mut visit: impl FnMut(T::Ref<'a>),
    ) {
        if self.is_empty() {
            return;
        }
        let n = n.min(self.len);
        let mut seen = 0;
        let mut at = rng.usize(..self.directory.len());
        let mut bucket = rng.usize(..self.buckets);
        // One bucket more than there are, so that the tail of the first segment is not left out
        // when the walk comes round to it.
        let mut left = (self.segments + 1) * self.buckets;
        while seen < n && left > 0 {
            let segment = self.directory[at];
            self.visit_bucket(segment, bucket, |element| {
                seen += 1;
                visit(element);
            });
            left -= 1;
            bucket += 1;
            if bucket == self.buckets {
                bucket = 0;
                at = self.after(at) % self.directory.len();
            }
        }
    }

    pub(super) fn visit_bucket<'a>(
        &'a self,
        segment: NonNull<Segment>,
        index: usize,
        mut visit: impl FnMut(T::Ref<'a>),
    ) {
        for element in self.elements_of(segment, index) {
            // SAFETY: an element of ours.
            visit(unsafe { T::borrow(element) });
        }
    }

    /// The elements of a bucket and those that overflow from it, none of which is touched.
    fn elements_of(
        &self,
        segment: NonNull<Segment>,
        index: usize,
    ) -> impl Iterator<Item = NonNull<u8>> {
        // SAFETY: a live segment of ours, unchanged while `self` is borrowed, and so its chain.
        let first: &Bucket = unsafe { bucket_of(segment, index).as_ref() };
        // SAFETY: as above.
        let next = |line: &&Bucket| line.overflow().map(|next| unsafe { next.as_ref() });
        std::iter::successors(Some(first), next)
            .flat_map(|line| line.0.iter().filter_map(|slot| slot.element()))
    }

    /// The element that [`Table::for_each`] visits after `n` others: for a table of one segment.
    fn nth(&self, mut n: usize) -> Option<T::Ref<'_>> {
        let segment = *self.directory.first()?;
        for index in 0..self.buckets {
            let count = self.elements_of(segment, index).count();
            if n < count {
                let element = self.elements_of(segment, index).nth(n)?;
                // SAFETY: an element of ours.
                return Some(unsafe { T::borrow(element) });
            }
            n -= count;
        }
        None
    }

    fn random_segment(&self, rng: &mut fastrand::Rng) -> Option<NonNull<Segment>> {
        let at = rng.usize(..self.directory.len());
        // A segment stands in the directory 2^(its lack of depth) times: only the first counts.
        (at == self.first(at)).then(|| self.directory[at])
    }
}

/// The elements of a table: see [`Table::iter`].
pub struct Iter<'a, T: Element> {
    table: &'a Table<T>,
    /// Place of the segment in the directory.
    at: usize,
    /// The bucket to go on with when the line is through.
    bucket: usize,
    line: Option<NonNull<Bucket>>,
    slot: usize,
}

impl<'a, T: Element> Iterator for Iter<'a, T> {
    type Item = T::Ref<'a>;

    #[inline]
    fn next(&mut self) -> Option<T::Ref<'a>> {
        loop {
            let Some(line) = self.line else {
                self.line = Some(self.next_bucket()?);
                continue;
            };
            // SAFETY: a bucket of the table, which is borrowed during 'a.
            let line = unsafe { line.as_ref() };
            while let Some(slot) = line.0.get(self.slot) {
                self.slot += 1;
                if let Some(element) = slot.element() {
                    // SAFETY: an element of the table, which is borrowed during 'a.
                    return Some(unsafe { T::borrow(element) });
                }
            }
            self.slot = 0;
            self.line = line.overflow();
        }
    }
}

impl<T: Element> Iter<'_, T> {
    /// The next bucket, while the cache is asked for the elements of the one after it.
    fn next_bucket(&mut self) -> Option<NonNull<Bucket>> {
        if self.bucket == self.table.buckets {
            self.bucket = 0;
            self.at = self.table.after(self.at);
        }
        let segment = *self.table.directory.get(self.at)?;
        self.bucket += 1;
        if self.bucket < self.table.buckets {
            // SAFETY: a bucket of a live segment of the borrowed table.
            let ahead = unsafe { bucket_of(segment, self.bucket).as_ref() };
            ahead.0.iter().filter_map(|slot| slot.element()).for_each(|element| {
                prefetch(element.as_ptr());
            });
        }
        // SAFETY: as above.
        Some(unsafe { bucket_of(segment, self.bucket - 1) })
    }
}

/// A place in a scan: see [`Table::scan`]. Encoded as prefix with a 1 after its `depth` bits, then
/// the bucket; 0 is the start.
struct Cursor {
    /// Prefix of [`MAX_DEPTH`] bits.
    prefix: u64,
    bucket: u32,
    depth: u32,
}

impl Cursor {
    fn encode(self) -> u64 {
        let mark = 1 << (MAX_DEPTH - self.depth);
        (self.prefix << 1 | mark) << BUCKET_BITS | u64::from(self.bucket)
    }

    /// The place that `cursor` stands for; something within bounds for any other number.
    fn decode(cursor: u64) -> Self {
        let marked = (cursor >> BUCKET_BITS) & ((1 << (MAX_DEPTH + 1)) - 1);
        if marked == 0 {
            return Self { prefix: 0, bucket: 0, depth: 0 };
        }
        let bucket = (cursor & ((1 << BUCKET_BITS) - 1)) as u32;
        Self {
            prefix: (marked & (marked - 1)) >> 1,
            bucket: bucket.min(BUCKETS as u32 - 1),
            depth: MAX_DEPTH - marked.trailing_zeros(),
        }
    }
}

/// The fewest bits of prefix under which `prefix` is the start of a range.
fn alignment_depth(prefix: u64) -> u32 {
    MAX_DEPTH - prefix.trailing_zeros().min(MAX_DEPTH)
}

#[inline]
fn prefix_index(prefix: u64, depth: u32) -> usize {
    (prefix >> (MAX_DEPTH - depth)) as usize
}
