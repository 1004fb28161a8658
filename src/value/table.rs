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
//! * An empty table owns no memory, and a small one a small segment: 128 bytes up to 8 elements,
//!   then 512 and 1408 bytes up to 136.
//!
//! Why unsafe: slots are tagged pointers (`segment.rs`), which is what makes 10 to 20 bytes per
//! element, and one cache line per lookup, of what `HashMap<Box<[u8]>, Value>` needs 48 for. What
//! an element is and who owns it is the [`Element`]'s business. Knows no key, value or clock.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use super::segment::{
    BUCKETS, Bucket, MATCH_STRIDE, Segment, Slot, allocate_segment, bucket_of, drain, free_segment,
    place, prefetch, segment_size, vacate,
};
use super::size_class::size_class;

mod resize;
mod visit;

pub use visit::{CURSOR_BITS, Iter};

/// Elements of a full-sized segment above which an insertion splits it.
pub const SPLIT_ABOVE: u32 = resize::capacity(BUCKETS);
/// Two buddies that hold no more than this each become one segment. Far enough below half of
/// [`SPLIT_ABOVE`] that at least 150 insertions or removals lie between a split and a merge.
pub const MERGE_BELOW: u32 = 126;
/// Prefix bits in a hash. A table of 2^26 segments would hold some 2 · 10^10 elements.
const MAX_DEPTH: u32 = 26;
/// The depth from which a segment splits by its tags alone.
const TAG_DEPTH: u32 = MAX_DEPTH - u16::BITS;
const TAG_SHIFT: u32 = 64 - MAX_DEPTH;
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
    /// Segments: of 4096 bytes, or smaller if there is one only.
    pub segments: usize,
    /// Overflow buckets of 64 bytes.
    pub overflow_buckets: usize,
    /// Splits, and enlargements of the first segment, since the table was made.
    pub splits: u64,
    /// Merges, and reductions of the only segment, since the table was made.
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
    /// Buckets of every segment: [`BUCKETS`], or fewer while there is only one.
    buckets: usize,
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
            buckets: 1,
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
        self.segments * size_class(segment_size(self.buckets))
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
            self.directory = vec![allocate_segment(1, 0)];
            (self.depth, self.buckets, self.deepest, self.segments) = (0, 1, 1, 1);
        }
        let mut segment = self.directory[self.index(hash)];
        // SAFETY: a live segment of ours.
        if unsafe { segment.as_ref().count } >= resize::capacity(self.buckets) {
            self.make_room(hash, rehash);
            segment = self.directory[self.index(hash)];
        }
        let item = Slot::new(element.into_raw(), tag(hash));
        // SAFETY: a live segment of ours, not borrowed.
        unsafe {
            self.overflow_buckets +=
                place(bucket_of(segment, bucket_index(hash, self.buckets)), item);
            segment.as_mut().count += 1;
        }
        self.len += 1;
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
        Some(unsafe { bucket_of(segment, bucket_index(hash, self.buckets)) })
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
}

impl<T: Element> Drop for Table<T> {
    fn drop(&mut self) {
        let segments: Vec<_> = self.distinct_segments().collect();
        let mut items = Vec::new();
        for segment in segments {
            if std::mem::needs_drop::<T>() {
                self.prefetch_segment(segment);
            }
            for index in 0..self.buckets {
                // SAFETY: each segment comes once, and nothing else refers to it any more.
                unsafe { drain(bucket_of(segment, index), &mut items) };
                for element in items.drain(..).filter_map(|item| item.element()) {
                    // SAFETY: an element of ours, taken back once.
                    drop(unsafe { T::from_raw(element) });
                }
            }
            // SAFETY: as above.
            unsafe { free_segment(segment, self.buckets) };
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
            let (item, freed) = vacate(bucket_of(segment, bucket_index(hash, table.buckets)), slot);
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

#[inline]
fn tag(hash: u64) -> u16 {
    (hash >> TAG_SHIFT) as u16
}

#[inline]
fn bucket_index(hash: u64, buckets: usize) -> usize {
    ((u64::from(hash as u32) * buckets as u64) >> 32) as usize
}

#[cfg(test)]
mod tests;
