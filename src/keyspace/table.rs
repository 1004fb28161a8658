//! The hash table: extendible hashing by hash prefix, in segments of one page.
//!
//! A directory maps the top `depth` bits of the 64-bit hash to segments; a segment covers all the
//! hashes that share a prefix, its `depth` bits long, and stands in the directory as often as that
//! takes. Which bits of a hash do what never changes:
//!
//! ```text
//! bit  63 …………… 54 53 ………………………… 38 37 … 32 31 ……………… 0
//!      prefix, 26 bits (from the top)          bucket = low32 · 63 >> 32
//!                  tag, 16 bits
//! ```
//!
//! * A full segment splits in two and a pair of nearly empty buddies becomes one again, so the work
//!   of one insertion or removal is bounded by one segment, whatever the table's size. The directory
//!   doubles and halves by copying 8 bytes per segment.
//! * An element's bucket within its segment is independent of the prefix, so splits and merges
//!   move elements between equal buckets only. The tag holds the prefix bits after the tenth: a
//!   split beyond that depth (some 300,000 elements) reads one bit of each tag and touches no
//!   element; before, the elements are in the cache, and are hashed again. What remains of the tag
//!   below the depth tells the elements of a bucket apart: 10 bits at 10 million elements.
//! * An empty table owns no memory.
//!
//! Why unsafe: slots are tagged pointers (`segment.rs`), which is what makes 10 to 20 bytes per
//! element, and one cache line per lookup, of what `HashMap<Box<[u8]>, Value>` needs 48 for. What
//! an element is and who owns it is the [`Element`]'s business. Knows no key, value or clock.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::segment::{
    BUCKETS, Bucket, MATCH_STRIDE, Segment, Slot, drain, free_segment, place, prefetch, vacate,
};
use super::size_class::size_class;

/// Elements of a segment above which an insertion splits it: 6.5 per bucket of 8.
pub const SPLIT_ABOVE: u32 = 409;
/// Two buddies that hold no more than this each become one segment. Far enough below half of
/// [`SPLIT_ABOVE`] that at least 150 insertions or removals lie between a split and a merge.
pub const MERGE_BELOW: u32 = 126;
/// A merge is considered at every eighth removal from a segment: it looks at another segment's
/// header, which is a cache miss.
const MERGE_CHECK_MASK: u32 = 7;
/// Prefix bits in a hash. A table of 2^26 segments would hold some 2 · 10^10 elements.
const MAX_DEPTH: u32 = 26;
/// The depth from which a segment splits by its tags alone.
const TAG_DEPTH: u32 = MAX_DEPTH - u16::BITS;
const TAG_SHIFT: u32 = 64 - MAX_DEPTH;
/// A directory above this many entries doubles only while it has at most
/// [`DIRECTORY_PER_SEGMENT`] of them per segment: a bad hash makes long buckets then, not an
/// endless directory.
const DIRECTORY_FLOOR: usize = 64;
const DIRECTORY_PER_SEGMENT: usize = 4;
/// Bits of a scan cursor for the bucket.
const BUCKET_BITS: u32 = 6;
/// Bits that a scan cursor uses, from the lowest: those above are free for the caller.
pub const CURSOR_BITS: u32 = MAX_DEPTH + 1 + BUCKET_BITS;

/// What a table holds: a pointer to something allocated, owning or not.
///
/// # Safety
/// `into_raw` gives an 8-aligned pointer below 2^48, valid for `borrow` until `from_raw`.
pub unsafe trait Element: Sized {
    /// How an element in the table is seen.
    type Ref<'a>: Copy
    where
        Self: 'a;

    /// Gives up the element as a pointer.
    fn into_raw(self) -> NonNull<u8>;

    /// Takes the element back.
    ///
    /// # Safety
    /// `raw` came from `into_raw`, and is taken back once.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self;

    /// Looks at the element behind `raw`.
    ///
    /// # Safety
    /// `raw` came from `into_raw`, was not taken back, and is not changed during `'a` but through
    /// what `Ref` itself allows.
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> Self::Ref<'a>
    where
        Self: 'a;
}

/// Figures about a table's structure (DEBUG HTSTATS, tests).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Elements.
    pub len: usize,
    /// Bits of hash prefix that the directory resolves.
    pub depth: u32,
    /// Entries of the directory.
    pub directory: usize,
    /// Segments of 4096 bytes.
    pub segments: usize,
    /// Overflow buckets of 64 bytes.
    pub overflow_buckets: usize,
    /// Splits since the table was made.
    pub splits: u64,
    /// Merges since the table was made.
    pub merges: u64,
    /// Elements that splits and merges have looked at or moved since the table was made.
    pub moved: u64,
    /// Bytes of directory, segments and overflow buckets, as allocated.
    pub bytes: usize,
}

/// A hash table of `T`s. The caller gives hashes and compares elements.
pub struct Table<T: Element> {
    directory: Vec<NonNull<Segment>>,
    depth: u32,
    /// Segments whose depth is the directory's: at 0 the directory may halve.
    deepest: u32,
    len: usize,
    segments: usize,
    overflow_buckets: usize,
    splits: u64,
    merges: u64,
    moved: u64,
    owns: PhantomData<T>,
}

// SAFETY: a table owns its segments and, as far as `T` says so, its elements; nothing in it is
// tied to a thread. It is not Sync: a `Ref` may allow changes through a shared borrow.
unsafe impl<T: Element + Send> Send for Table<T> {}

impl<T: Element> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Element> Table<T> {
    /// An empty table, which owns no memory.
    pub const fn new() -> Self {
        Self {
            directory: Vec::new(),
            depth: 0,
            deepest: 0,
            len: 0,
            segments: 0,
            overflow_buckets: 0,
            splits: 0,
            merges: 0,
            moved: 0,
            owns: PhantomData,
        }
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the structure itself occupies, without the elements.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.segments * size_of::<Segment>()
            + self.overflow_buckets * size_of::<Bucket>()
            + size_class(self.directory.capacity() * size_of::<NonNull<Segment>>())
    }

    /// Figures about the structure.
    pub fn stats(&self) -> TableStats {
        TableStats {
            len: self.len,
            depth: self.depth,
            directory: self.directory.len(),
            segments: self.segments,
            overflow_buckets: self.overflow_buckets,
            splits: self.splits,
            merges: self.merges,
            moved: self.moved,
            bytes: self.bytes(),
        }
    }

    /// First prefetch pass: asks the cache for the bucket of `hash`.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        if let Some(bucket) = self.bucket(hash) {
            prefetch(bucket.as_ptr().cast());
        }
    }

    /// Second prefetch pass: asks the cache for the elements that a lookup of `hash` will compare.
    /// It reads the bucket, so the first pass should have asked for it a while ago.
    #[inline]
    pub fn prefetch_elements(&self, hash: u64) {
        let Some(bucket) = self.bucket(hash) else { return };
        // SAFETY: a bucket of a live segment of ours.
        let bucket = unsafe { bucket.as_ref() };
        let mut found = bucket.matches(tag(hash));
        while found != 0 {
            let slot = bucket.0[(found.trailing_zeros() / MATCH_STRIDE) as usize];
            if let Some(element) = slot.element() {
                // An entry of 16 + 64 bytes lies over two lines.
                prefetch(element.as_ptr());
                prefetch(element.as_ptr().wrapping_add(64));
            }
            found &= found - 1;
        }
    }

    /// Asks the cache for what an insertion or removal of `hash` will count in, which a lookup does
    /// not need.
    #[inline]
    pub fn prefetch_count(&self, hash: u64) {
        if let Some(segment) = self.directory.get(self.index(hash)) {
            prefetch(segment.as_ptr().cast());
        }
    }

    /// The element of `hash` for which `is_it` holds.
    #[inline]
    pub fn find<'a>(
        &'a self,
        hash: u64,
        is_it: impl FnMut(T::Ref<'a>) -> bool,
    ) -> Option<T::Ref<'a>> {
        let slot = self.locate(hash, is_it)?;
        // SAFETY: `locate` gives slots with an element; it stays in place while `self` is borrowed.
        unsafe { Some(T::borrow(slot.read().element()?)) }
    }

    /// As [`Table::find`], to replace or remove the element.
    #[inline]
    pub fn find_mut<'a>(
        &'a mut self,
        hash: u64,
        is_it: impl for<'b> FnMut(T::Ref<'b>) -> bool,
    ) -> Option<Occupied<'a, T>> {
        let slot = self.locate(hash, is_it)?;
        Some(Occupied { slot, hash, table: self })
    }

    /// Adds an element that the caller knows to be absent. `rehash` gives the hash of an element;
    /// it is asked for those of one segment, at most, and not at all beyond the depth of
    /// [module documentation](self).
    pub fn insert(&mut self, hash: u64, element: T, rehash: impl Fn(T::Ref<'_>) -> u64) {
        if self.directory.is_empty() {
            self.directory.push(Segment::allocate(0));
            (self.depth, self.deepest, self.segments) = (0, 1, 1);
        }
        let mut segment = self.directory[self.index(hash)];
        // SAFETY: a live segment of ours.
        if unsafe { segment.as_ref().count } >= SPLIT_ABOVE {
            self.split(hash, rehash);
            segment = self.directory[self.index(hash)];
        }
        let item = Slot::new(element.into_raw(), tag(hash));
        // SAFETY: a live segment of ours, not borrowed.
        unsafe {
            self.overflow_buckets += place(bucket_of(segment, bucket_index(hash)), item);
            segment.as_mut().count += 1;
        }
        self.len += 1;
    }

    /// Calls `visit` for every element, in no particular order.
    pub fn for_each<'a>(&'a self, mut visit: impl FnMut(T::Ref<'a>)) {
        for segment in self.distinct_segments() {
            for index in 0..BUCKETS {
                self.visit_bucket(segment, index, &mut visit);
            }
        }
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
        self.visit_bucket(segment, bucket as usize, visit);
        if bucket as usize + 1 < BUCKETS {
            return Cursor { prefix, bucket: bucket + 1, depth }.encode();
        }
        let next = prefix + (1 << (MAX_DEPTH - depth));
        if next >> MAX_DEPTH != 0 {
            return 0;
        }
        Cursor { prefix: next, bucket: 0, depth: alignment_depth(next) }.encode()
    }

    /// An element by chance, each with nearly the same probability (buckets that overflow are
    /// slightly behind); `None` if the table is empty. The expected number of buckets looked at is
    /// small and independent of the size.
    pub fn random<'a>(&'a self, rng: &mut fastrand::Rng) -> Option<T::Ref<'a>> {
        // Enough that a table filled as badly as merging allows (4 % of its slots) is still
        // sampled without falling back in 99.9 % of the calls.
        const TRIES: u32 = 200;
        // A bucket of n elements is taken with probability n / FULL.
        const FULL: usize = 12;
        if self.is_empty() {
            return None;
        }
        for _ in 0..TRIES {
            let Some(segment) = self.random_segment(rng) else { continue };
            let index = rng.usize(..BUCKETS);
            let mut count = 0;
            self.visit_bucket(segment, index, |_| count += 1);
            if rng.usize(..FULL) >= count {
                continue;
            }
            let mut skip = rng.usize(..count);
            let mut chosen = None;
            self.visit_bucket(segment, index, |element| {
                if skip == 0 {
                    chosen = Some(element);
                }
                skip = skip.wrapping_sub(1);
            });
            return chosen;
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
        let mut bucket = rng.usize(..BUCKETS);
        // One bucket more than there are, so that the tail of the first segment is not left out
        // when the walk comes round to it.
        let mut left = self.segments * BUCKETS + BUCKETS;
        while seen < n && left > 0 {
            let segment = self.directory[at];
            self.visit_bucket(segment, bucket, |element| {
                seen += 1;
                visit(element);
            });
            left -= 1;
            bucket += 1;
            if bucket == BUCKETS {
                bucket = 0;
                at = self.after(at) % self.directory.len();
            }
        }
    }

    #[inline]
    fn index(&self, hash: u64) -> usize {
        // Two shifts, since a shift by 64 is none.
        (hash >> 1 >> (63 - self.depth)) as usize
    }

    #[inline]
    fn bucket(&self, hash: u64) -> Option<NonNull<Bucket>> {
        let segment = *self.directory.get(self.index(hash))?;
        // SAFETY: a live segment of ours.
        Some(unsafe { bucket_of(segment, bucket_index(hash)) })
    }

    #[inline]
    fn locate<'a>(
        &self,
        hash: u64,
        mut is_it: impl FnMut(T::Ref<'a>) -> bool,
    ) -> Option<NonNull<Slot>>
    where
        T: 'a,
    {
        let mut bucket = self.bucket(hash)?;
        loop {
            // SAFETY: a bucket of ours, unchanged while `self` is borrowed.
            let line = unsafe { bucket.as_ref() };
            let mut found = line.matches(tag(hash));
            while found != 0 {
                let at = (found.trailing_zeros() / MATCH_STRIDE) as usize;
                if let Some(element) = line.0[at].element()
                    // SAFETY: an element of ours; callers tie 'a to their borrow of `self`.
                    && is_it(unsafe { T::borrow(element) })
                {
                    // SAFETY: `at` is within the bucket; no reference is derived here, so that
                    // the slot may be written by a caller who holds `&mut self`.
                    return Some(unsafe { bucket.cast::<Slot>().add(at) });
                }
                found &= found - 1;
            }
            bucket = line.overflow()?;
        }
    }

    fn visit_bucket<'a>(
        &'a self,
        segment: NonNull<Segment>,
        index: usize,
        mut visit: impl FnMut(T::Ref<'a>),
    ) {
        // SAFETY: a live segment of ours, unchanged while `self` is borrowed, and so its chain.
        let mut bucket = Some(unsafe { bucket_of(segment, index) });
        while let Some(line) = bucket {
            // SAFETY: as above.
            let line = unsafe { line.as_ref() };
            for element in line.0.iter().filter_map(|slot| slot.element()) {
                // SAFETY: an element of ours.
                visit(unsafe { T::borrow(element) });
            }
            bucket = line.overflow();
        }
    }

    fn random_segment(&self, rng: &mut fastrand::Rng) -> Option<NonNull<Segment>> {
        let at = rng.usize(..self.directory.len());
        // A segment stands in the directory 2^(its lack of depth) times: only the first counts.
        (at == self.first(at)).then(|| self.directory[at])
    }

    /// The first place of the segment that stands at `at` in the directory.
    fn first(&self, at: usize) -> usize {
        at & !(self.places(at) - 1)
    }

    /// The place of the next segment.
    fn after(&self, at: usize) -> usize {
        self.first(at) + self.places(at)
    }

    fn places(&self, at: usize) -> usize {
        // SAFETY: a live segment of ours.
        1 << (self.depth - unsafe { self.directory[at].as_ref().depth })
    }

    fn distinct_segments(&self) -> impl Iterator<Item = NonNull<Segment>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let segment = *self.directory.get(at)?;
            at = self.after(at);
            Some(segment)
        })
    }

    /// Splits the segment of `hash`, unless the directory would have to grow out of proportion.
    #[cold]
    #[inline(never)]
    fn split(&mut self, hash: u64, rehash: impl Fn(T::Ref<'_>) -> u64) {
        let mut low = self.directory[self.index(hash)];
        // SAFETY: a live segment of ours.
        let old = unsafe { low.as_ref().depth };
        if old == MAX_DEPTH || (old == self.depth && !self.double()) {
            return;
        }
        let mut high = Segment::allocate(old + 1);
        // SAFETY: both live, ours and distinct.
        let moved = unsafe {
            low.as_mut().depth = old + 1;
            self.distribute(low, high, old, rehash)
        };
        // SAFETY: as above.
        unsafe {
            self.moved += u64::from(low.as_ref().count);
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
        mut high: NonNull<Segment>,
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
                let target = &mut high.as_mut().buckets[index].0;
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

    fn prefetch_segment(&self, segment: NonNull<Segment>) {
        // SAFETY: a live segment of ours.
        for bucket in unsafe { &segment.as_ref().buckets } {
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

    /// After a removal: gives everything back if the table is empty, else joins the segment of
    /// `hash` with its buddy if both are nearly empty.
    #[inline]
    fn shrink(&mut self, hash: u64) {
        if self.len == 0 {
            return self.clear_structure();
        }
        // SAFETY: a live segment of ours.
        let Segment { count, depth, .. } = unsafe { self.directory[self.index(hash)].as_ref() };
        if *count <= MERGE_BELOW && count & MERGE_CHECK_MASK == 0 && *depth > 0 {
            self.merge(hash, *depth);
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
            free_segment(high);
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
            unsafe { free_segment(segment) };
        }
    }
}

impl<T: Element> Drop for Table<T> {
    fn drop(&mut self) {
        let segments: Vec<_> = self.distinct_segments().collect();
        let mut items = Vec::new();
        for segment in segments {
            if std::mem::needs_drop::<T>() {
                self.prefetch_segment(segment);
            }
            for index in 0..BUCKETS {
                // SAFETY: each segment comes once, and nothing else refers to it any more.
                unsafe { drain(bucket_of(segment, index), &mut items) };
                for element in items.drain(..).filter_map(|item| item.element()) {
                    // SAFETY: an element of ours, taken back once.
                    drop(unsafe { T::from_raw(element) });
                }
            }
            // SAFETY: as above.
            unsafe { free_segment(segment) };
        }
    }
}

/// An element found in a table that the caller may change.
pub struct Occupied<'a, T: Element> {
    slot: NonNull<Slot>,
    hash: u64,
    table: &'a mut Table<T>,
}

impl<'a, T: Element> Occupied<'a, T> {
    /// Looks at the element.
    #[inline]
    pub fn get(&self) -> T::Ref<'_> {
        // SAFETY: an element of the borrowed table.
        unsafe { T::borrow(self.raw()) }
    }

    /// Looks at the element for as long as the table is borrowed.
    #[inline]
    pub fn into_ref(self) -> T::Ref<'a> {
        // SAFETY: an element of the table, which stays borrowed during 'a.
        unsafe { T::borrow(self.raw()) }
    }

    /// Lets `change` do with the element what it likes, as long as its hash stays the same.
    #[inline]
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: the element is taken out here and put back by the guard, even if `change`
        // panics; the table is borrowed meanwhile, so that nobody sees the slot.
        let element = unsafe { T::from_raw(self.raw()) };
        let tag = tag(self.hash);
        let mut guard = PutBack { slot: self.slot, tag, element: ManuallyDrop::new(element) };
        change(&mut guard.element)
    }

    /// Takes the element out.
    pub fn remove(self) -> T {
        let Self { slot, hash, table } = self;
        let at = table.index(hash);
        // SAFETY: the slot lies in the chain of this bucket, where `locate` found it.
        let item = unsafe {
            let mut segment = table.directory[at];
            let (item, freed) = vacate(bucket_of(segment, bucket_index(hash)), slot);
            segment.as_mut().count -= 1;
            table.overflow_buckets -= freed;
            item
        };
        table.len -= 1;
        table.shrink(hash);
        let element = item.element().expect("an occupied slot holds an element");
        // SAFETY: it is out of the table, and taken back once.
        unsafe { T::from_raw(element) }
    }

    #[inline]
    fn raw(&self) -> NonNull<u8> {
        // SAFETY: a slot of the borrowed table.
        let item = unsafe { self.slot.read() };
        item.element().expect("an occupied slot holds an element")
    }
}

/// Puts an element back into its slot when it goes.
struct PutBack<T: Element> {
    slot: NonNull<Slot>,
    tag: u16,
    element: ManuallyDrop<T>,
}

impl<T: Element> Drop for PutBack<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the element is given up to the slot, which is that of a borrowed table.
        unsafe {
            let element = ManuallyDrop::take(&mut self.element).into_raw();
            self.slot.write(Slot::new(element, self.tag));
        }
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

#[inline]
fn tag(hash: u64) -> u16 {
    (hash >> TAG_SHIFT) as u16
}

#[inline]
fn bucket_index(hash: u64) -> usize {
    ((u64::from(hash as u32) * BUCKETS as u64) >> 32) as usize
}

/// # Safety
/// `segment` is live and `index` below [`BUCKETS`].
#[inline]
unsafe fn bucket_of(segment: NonNull<Segment>, index: usize) -> NonNull<Bucket> {
    debug_assert!(index < BUCKETS);
    // SAFETY: within the segment; no reference to all of it is made.
    unsafe {
        NonNull::new_unchecked((&raw mut (*segment.as_ptr()).buckets).cast::<Bucket>().add(index))
    }
}

#[cfg(test)]
mod tests;
