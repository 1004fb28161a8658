//! Entries: one allocation with header, expiry, key and value.
//!
//! ```text
//! header 8 B | expiry 8 B, if any | key length 8 B, if wide | payload of the kind | key | value
//! ```
//!
//! The payload is 8 bytes for an integer, a [`SharedBytes`] for shared bytes, the [`List`], [`Set`] …
//! itself for an object, nothing for inline bytes, whose value follows the key. Everything is found
//! from the [`Header`], so that a pointer of 8 bytes is enough, and the allocation is always a whole
//! [`size_class`], so that what fits into it is overwritten in place. The key never changes while
//! the entry is in a table.
//!
//! Why unsafe: safe Rust has no thin pointer to such a record; a `Box<[u8]>` key beside a value
//! enum costs three allocations or words more per key (16 B key and 64 B value: 96 bytes here).
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::header::{
    ACCESS_MASK, EXPIRY_FLAG, Header, KEY_LEN_SHIFT, Kind, RAW_FLAG, WIDE_FLAG, WORD,
};
use super::object::{Object, ObjectMut, ObjectRef};
use super::string::{INLINE_MAX, SharedBytes, Stored, Value, ValueRef, grown_copy, shared_room};
use crate::value::hash::Hash;
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::size_class::size_class;
use crate::value::stream::Stream;
use crate::value::table::Element;
use crate::value::zset::Zset;

/// Shared bytes above this length are expensive to free (the allocator may give pages back to the
/// system): leave them to the background.
const LAZY_FREE_ABOVE: usize = 64 * 1024;

/// A look at an entry, valid as long as its table (or owner) is borrowed.
#[derive(Clone, Copy)]
pub struct EntryRef<'a> {
    raw: RawEntry,
    life: PhantomData<&'a OwnedEntry>,
}

impl<'a> EntryRef<'a> {
    /// # Safety
    /// The entry is live during `'a`, and neither key nor value is changed or moved.
    #[inline]
    pub(super) unsafe fn new(raw: RawEntry) -> Self {
        Self { raw, life: PhantomData }
    }

    #[inline]
    pub(super) fn raw(self) -> RawEntry {
        self.raw
    }

    /// The key.
    #[inline]
    pub fn key(self) -> &'a [u8] {
        // SAFETY: live and unchanged during 'a.
        unsafe { self.raw.key() }
    }

    /// The string, if the value is one.
    #[inline]
    pub fn string(self) -> Option<ValueRef<'a>> {
        let header = self.raw.header();
        // SAFETY: live and unchanged during 'a; the payload is of the header's kind.
        unsafe {
            Some(match header.kind() {
                Kind::Int => ValueRef::Int(self.raw.at::<i64>(header.payload_offset()).read()),
                Kind::Inline => ValueRef::Inline(self.raw.inline().as_ref()),
                Kind::Shared => ValueRef::Shared(&self.raw.shared().as_ref().bytes),
                _ => return None,
            })
        }
    }

    /// The object, if the value is no string.
    #[inline]
    pub fn object(self) -> Option<ObjectRef<'a>> {
        // SAFETY: live and unchanged during 'a; the payload is of the header's kind.
        unsafe { self.raw.object() }
    }

    /// The whole value as bytes that are equal for equal values: the string, or
    /// [`ObjectRef::canonical`].
    pub fn canonical(self) -> Vec<u8> {
        match self.string() {
            Some(string) => string.as_bytes(&mut itoa::Buffer::new()).to_vec(),
            None => self.object().map(ObjectRef::canonical).unwrap_or_default(),
        }
    }

    /// When the first field of a hash expires, in milliseconds of Unix time.
    #[inline]
    pub fn next_field_expiry(self) -> Option<i64> {
        self.object().and_then(ObjectRef::next_field_expiry)
    }

    /// The name of the value's type, as TYPE answers.
    pub fn type_name(self) -> &'static str {
        self.object().map_or("string", ObjectRef::type_name)
    }

    /// When the entry expires, in milliseconds since the Unix epoch.
    #[inline]
    pub fn expiry(self) -> Option<i64> {
        // SAFETY: live; an entry with the flag has an expiry behind the header.
        self.raw.header().has(EXPIRY_FLAG).then(|| unsafe { self.raw.at::<i64>(WORD).read() })
    }

    /// The access field, of [`ACCESS_BITS`] bits.
    #[inline]
    pub fn access(self) -> u32 {
        self.raw.header().access()
    }

    /// Sets the access field (the low [`ACCESS_BITS`] bits of `access`). Allowed through a shared
    /// borrow, so that a read can note itself: nothing else is in that word but what never changes
    /// under a shared borrow, and a table is not `Sync`.
    #[inline]
    pub fn set_access(self, access: u32) {
        let old = self.raw.header();
        let new = old.with_access(access);
        // Most reads come within one tick of the last: those leave the cache line clean.
        if new != old {
            self.raw.set_header(new);
        }
    }

    /// How the value is held.
    #[inline]
    pub fn kind(self) -> Kind {
        self.raw.header().kind()
    }

    /// Whether the string was changed in place (APPEND, SETRANGE, SETBIT): OBJECT ENCODING says
    /// `raw` then, whatever its length.
    #[inline]
    pub fn is_raw(self) -> bool {
        self.raw.header().has(RAW_FLAG)
    }

    /// Bytes allocated for the entry and its value.
    #[inline]
    pub fn allocation_size(self) -> usize {
        self.raw.charge()
    }

    /// Bytes allocated for the entry alone, without what its value has beside it.
    pub fn own_allocation(self) -> usize {
        self.raw.header().allocation(self.key().len())
    }

    /// Bytes by which a string may grow before it is allocated anew.
    pub fn room(self) -> usize {
        let header = self.raw.header();
        let text = self.string().map_or(0, |string| string.len());
        match self.kind() {
            Kind::Shared => shared_room(self.allocation_size() - self.own_allocation(), text),
            _ => {
                self.own_allocation() - header.key_offset() - self.key().len() - header.value_len()
            }
        }
    }

    /// A copy with the same key, value, expiry and access; shared bytes are shared.
    pub fn duplicate(self) -> OwnedEntry {
        let value = match (self.string(), self.object()) {
            (Some(string), _) => string.into(),
            (None, Some(object)) => Value::Object(object.duplicate()),
            (None, None) => unreachable!("a value is a string or an object"),
        };
        let copy = OwnedEntry::new(self.key(), value, self.expiry());
        let mut header = copy.0.header().with_access(self.access());
        if self.is_raw() {
            header = header.with_raw();
        }
        copy.0.set_header(header);
        copy
    }
}

/// An entry whose value may be changed where it is, keeping its size.
pub struct EntryMut<'a>(EntryRef<'a>);

impl<'a> EntryMut<'a> {
    /// # Safety
    /// The entry is live during `'a`, and nobody else looks at it.
    #[inline]
    pub(super) unsafe fn new(raw: RawEntry) -> Self {
        // SAFETY: the same promise, and more.
        Self(unsafe { EntryRef::new(raw) })
    }

    /// Looks at the entry.
    #[inline]
    pub fn get(&self) -> EntryRef<'_> {
        self.0
    }

    /// Ends the right to change it.
    #[inline]
    pub fn into_ref(self) -> EntryRef<'a> {
        self.0
    }

    /// Sets the integer of an entry of kind [`Kind::Int`]; says whether it is of that kind.
    #[inline]
    pub fn set_integer(&mut self, n: i64) -> bool {
        let header = self.0.raw.header();
        let is_integer = header.kind() == Kind::Int;
        if is_integer {
            // SAFETY: ours alone; an integer's payload.
            unsafe { self.0.raw.at::<i64>(header.payload_offset()).write(n) };
        }
        is_integer
    }

    /// The bytes of an entry of kind [`Kind::Inline`].
    #[inline]
    pub fn inline_bytes(&mut self) -> Option<&mut [u8]> {
        // SAFETY: ours alone, borrowed as long as `self`.
        (self.0.kind() == Kind::Inline).then(|| unsafe { self.0.raw.inline().as_mut() })
    }

    /// The object, if the value is no string. What its size becomes must be accounted for.
    #[inline]
    pub(super) fn object_mut(&mut self) -> Option<ObjectMut<'_>> {
        // SAFETY: ours alone, borrowed as long as `self`.
        unsafe { self.0.raw.object_mut() }
    }

    /// See [`EntryRef::set_access`].
    #[inline]
    pub fn set_access(&mut self, access: u32) {
        self.0.set_access(access);
    }
}

/// An entry outside of a table. Dropping it frees it.
pub struct OwnedEntry(RawEntry);

// SAFETY: an owned entry is its allocation's only owner, and what is in it (`Bytes`, `Object`) is
// Send.
unsafe impl Send for OwnedEntry {}
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<(SharedBytes, Object)>();
};

impl OwnedEntry {
    /// An entry with an access field of 0. `expiry` is in milliseconds since the Unix epoch.
    pub fn new(key: &[u8], value: Value<'_>, expiry: Option<i64>) -> Self {
        Self::from_stored(key, Stored::new(value), expiry)
    }

    pub(super) fn from_stored(key: &[u8], value: Stored<'_>, expiry: Option<i64>) -> Self {
        let header = Header::for_value(&value, key.len(), expiry.is_some());
        let raw = RawEntry::allocate(header, key.len());
        // SAFETY: a fresh allocation of the size that the header asks for.
        unsafe {
            raw.write_key(header, key);
            raw.write_value(header, expiry, key.len(), value);
        }
        Self(raw)
    }

    /// Looks at the entry.
    #[inline]
    pub fn get(&self) -> EntryRef<'_> {
        // SAFETY: borrowed.
        unsafe { EntryRef::new(self.0) }
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        self.get().key()
    }

    /// When it expires, in milliseconds since the Unix epoch.
    pub fn expiry(&self) -> Option<i64> {
        self.get().expiry()
    }

    /// Bytes allocated for the entry and its value.
    pub fn allocation_size(&self) -> usize {
        self.get().allocation_size()
    }

    /// Whether freeing it takes so long that it should be left to the background.
    pub fn needs_lazy_free(&self) -> bool {
        match self.get().string() {
            Some(ValueRef::Shared(bytes)) => bytes.len() > LAZY_FREE_ABOVE,
            Some(_) => false,
            None => self.get().object().is_some_and(ObjectRef::needs_lazy_free),
        }
    }

    /// Its object, if the value is no string; else the entry comes back.
    pub fn into_object(self) -> Result<Object, OwnedEntry> {
        let raw = self.0;
        // SAFETY: the object is moved out, and the memory freed without dropping it.
        unsafe {
            let object: Object = match raw.header().kind() {
                Kind::Int | Kind::Inline | Kind::Shared => return Err(self),
                Kind::List => raw.payload::<List>().read().into(),
                Kind::Set => raw.payload::<Set>().read().into(),
                Kind::Hash => raw.payload::<Hash>().read().into(),
                Kind::Stream => raw.payload::<Stream>().read().into(),
                Kind::Zset => raw.payload::<Zset>().read().into(),
            };
            self.into_raw_entry().free();
            Ok(object)
        }
    }

    /// Marks the string [raw](EntryRef::is_raw).
    pub fn mark_raw(&mut self) {
        self.0.set_header(self.0.header().with_raw());
    }

    /// The entry under another key: shared bytes and objects are moved, not copied.
    pub fn with_key(self, key: &[u8]) -> Self {
        let (old, expiry) = (self.0.header(), self.expiry());
        let new = Header::new(old.kind(), key.len(), old.value_len(), expiry.is_some());
        let new = Header(new.0 | old.0 & (RAW_FLAG | ACCESS_MASK));
        let raw = RawEntry::allocate(new, key.len());
        let payload = old.key_offset() - old.payload_offset();
        // SAFETY: payload and inline value are moved bit by bit to their places in a fresh
        // allocation of the new layout; the old one is freed without dropping them.
        unsafe {
            let (from, to) = (old.payload_offset(), new.payload_offset());
            raw.at::<u8>(to).copy_from_nonoverlapping(self.0.at::<u8>(from), payload);
            raw.write_key(new, key);
            let value = raw.at::<u8>(new.key_offset() + key.len());
            value.copy_from_nonoverlapping(self.0.inline_start(), old.value_len());
            raw.write_head(new, expiry, key.len());
            self.into_raw_entry().free();
        }
        Self(raw)
    }

    #[inline]
    pub(super) fn raw(&self) -> RawEntry {
        self.0
    }

    pub(super) fn into_raw_entry(self) -> RawEntry {
        let raw = self.0;
        std::mem::forget(self);
        raw
    }

    /// Gives the entry another value and expiry in its allocation, keeping key and access, if old
    /// and new are of the same size class and nothing is on its own; else gives the value back.
    #[inline]
    pub(super) fn overwrite<'v>(
        &mut self,
        value: Stored<'v>,
        expiry: Option<i64>,
    ) -> Result<(), Stored<'v>> {
        let (old, key_len) = (self.0.header(), self.0.key_len());
        let new = Header::for_value(&value, key_len, expiry.is_some()).with_access(old.access());
        let owns = |header: Header| !matches!(header.kind(), Kind::Int | Kind::Inline);
        if owns(old) || owns(new) || old.allocation(key_len) != new.allocation(key_len) {
            return Err(value);
        }
        // SAFETY: the allocation has room for the new layout, nothing of the old one but the key
        // is needed any more, and that is moved before anything is written over it.
        unsafe {
            if old.key_offset() != new.key_offset() {
                let key = self.0.at::<u8>(old.key_offset());
                self.0.at::<u8>(new.key_offset()).copy_from(key, key_len);
            }
            self.0.write_value(new, expiry, key_len, value);
        }
        Ok(())
    }

    /// Gives the entry another expiry, in the same allocation if the size class allows.
    pub(super) fn set_expiry(&mut self, expiry: Option<i64>) {
        let (old, key_len) = (self.0.header(), self.0.key_len());
        let new = old.with_expiry(expiry.is_some());
        let (from, to) = (old.payload_offset(), new.payload_offset());
        let tail = old.key_offset() + key_len + old.value_len() - from;
        let fits = old.allocation(key_len) == new.allocation(key_len);
        let target = if fits { self.0 } else { RawEntry::allocate(new, key_len) };
        // SAFETY: what follows the head is moved bit by bit to its place in an allocation of the
        // right size, which may be the same one; a left allocation is freed without dropping what
        // has been moved out of it.
        unsafe {
            if old != new {
                target.at::<u8>(to).copy_from(self.0.at::<u8>(from), tail);
            }
            target.write_head(new, expiry, key_len);
            if !fits {
                std::mem::replace(&mut self.0, target).free();
            }
        }
    }

    /// Makes the string `len` bytes long at least, with zeros, lets `edit` change it, and marks it
    /// raw. Costs what is appended, amortized, and what `edit` does; small strings are copied.
    pub(super) fn edit(&mut self, len: usize, edit: impl FnOnce(&mut [u8])) {
        match self.get().string().expect("only a string is edited as one") {
            // SAFETY: the payload of a shared string, owned, and not borrowed otherwise.
            ValueRef::Shared(_) => unsafe { self.0.shared().as_mut() }.edit(len, edit),
            ValueRef::Int(n) => {
                let mut digits = itoa::Buffer::new();
                *self = self.with_string(digits.format(n).as_bytes(), len, edit);
            }
            ValueRef::Inline(bytes) if len <= INLINE_MAX && self.grows_in_place(len) => {
                let (old_len, header) = (bytes.len(), self.0.header());
                // SAFETY: the allocation has room for `len` bytes, and those added are zeroed
                // before they become part of the value.
                unsafe {
                    if let Some(added) = len.checked_sub(old_len) {
                        self.0.inline_start().add(old_len).write_bytes(0, added);
                        self.0.set_header(header.longer(added));
                    }
                    edit(self.0.inline().as_mut());
                }
            }
            ValueRef::Inline(bytes) => *self = self.with_string(bytes, len, edit),
        }
        self.0.set_header(self.0.header().with_raw());
    }

    fn grows_in_place(&self, len: usize) -> bool {
        let (header, key_len) = (self.0.header(), self.0.key_len());
        let needed = header.key_offset() + key_len + len.max(header.value_len());
        size_class(needed) == header.allocation(key_len)
    }

    /// A new entry with this one's key, expiry and access and an edited copy of `bytes`.
    fn with_string(&self, bytes: &[u8], len: usize, edit: impl FnOnce(&mut [u8])) -> Self {
        let len = len.max(bytes.len());
        let (key, expiry) = (self.key(), self.expiry());
        let entry = if len <= INLINE_MAX {
            let header = Header::new(Kind::Inline, key.len(), len, expiry.is_some());
            let raw = RawEntry::allocate(header, key.len());
            // SAFETY: a fresh allocation for a value of `len` bytes, all of which are written.
            unsafe {
                raw.write_key(header, key);
                raw.write_head(header, expiry, key.len());
                let value = raw.inline_start();
                value.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                value.add(bytes.len()).write_bytes(0, len - bytes.len());
                let entry = Self(raw);
                edit(entry.0.inline().as_mut());
                entry
            }
        } else {
            let mut copy = grown_copy(bytes, len);
            copy.resize(len, 0);
            edit(&mut copy);
            Self::from_stored(key, Stored::Shared(SharedBytes::from(copy)), expiry)
        };
        entry.get().set_access(self.get().access());
        entry
    }
}

impl Drop for OwnedEntry {
    fn drop(&mut self) {
        // SAFETY: the only owner; what the payload owns is dropped in place, once, then the memory
        // goes.
        unsafe {
            match self.0.header().kind() {
                Kind::Int | Kind::Inline => {}
                Kind::Shared => self.0.shared().drop_in_place(),
                Kind::List => self.0.payload::<List>().drop_in_place(),
                Kind::Set => self.0.payload::<Set>().drop_in_place(),
                Kind::Hash => self.0.payload::<Hash>().drop_in_place(),
                Kind::Stream => self.0.payload::<Stream>().drop_in_place(),
                Kind::Zset => self.0.payload::<Zset>().drop_in_place(),
            }
            self.0.free();
        }
    }
}

// SAFETY: entries are allocated 8-aligned in user space; `borrow` hands out what `EntryRef::new`
// asks for by the same promise.
unsafe impl Element for OwnedEntry {
    type Ref<'a> = EntryRef<'a>;

    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        self.into_raw_entry().into_pointer()
    }

    #[inline]
    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self(RawEntry::from_pointer(raw))
    }

    #[inline]
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> EntryRef<'a> {
        // SAFETY: the caller's promise.
        unsafe { EntryRef::new(RawEntry::from_pointer(raw)) }
    }
}

/// The pointer to an entry, and the accesses to its memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct RawEntry(NonNull<u64>);

impl RawEntry {
    #[inline]
    pub(super) fn into_pointer(self) -> NonNull<u8> {
        self.0.cast()
    }

    #[inline]
    pub(super) fn from_pointer(pointer: NonNull<u8>) -> Self {
        Self(pointer.cast())
    }

    fn allocate(header: Header, key_len: usize) -> Self {
        let layout = layout(header.allocation(key_len));
        // SAFETY: the layout is not empty, a header is always in it.
        let memory = unsafe { alloc(layout) };
        Self(NonNull::new(memory.cast()).unwrap_or_else(|| handle_alloc_error(layout)))
    }

    /// Frees the memory and drops nothing in it.
    ///
    /// # Safety
    /// The entry is owned by the caller, its header and key length are written, and it is not used
    /// afterwards.
    unsafe fn free(self) {
        let layout = layout(self.header().allocation(self.key_len()));
        // SAFETY: allocated with this layout: changes in place keep the size class.
        unsafe { dealloc(self.0.as_ptr().cast(), layout) }
    }

    #[inline]
    fn header(self) -> Header {
        // SAFETY: a live entry starts with its header; no reference to that word ever exists.
        Header(unsafe { self.0.read() })
    }

    #[inline]
    fn set_header(self, header: Header) {
        // SAFETY: as above.
        unsafe { self.0.write(header.0) }
    }

    /// # Safety
    /// `offset` is within the allocation, and what is read or written there fits.
    #[inline]
    unsafe fn at<T>(self, offset: usize) -> *mut T {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ptr().cast::<u8>().add(offset).cast() }
    }

    #[inline]
    fn key_len(self) -> usize {
        let header = self.header();
        if header.has(WIDE_FLAG) {
            let behind_expiry = header.payload_offset() - WORD;
            // SAFETY: a wide entry has its key length before the payload.
            return unsafe { self.at::<u64>(behind_expiry).read() as usize };
        }
        usize::from((header.0 >> KEY_LEN_SHIFT) as u16)
    }

    /// # Safety
    /// The key is written, and stays unchanged during `'a`.
    #[inline]
    unsafe fn key<'a>(self) -> &'a [u8] {
        // SAFETY: the key lies at this place of the allocation.
        unsafe { std::slice::from_raw_parts(self.at(self.header().key_offset()), self.key_len()) }
    }

    /// # Safety
    /// Head and key length are written.
    #[inline]
    unsafe fn inline_start(self) -> *mut u8 {
        // SAFETY: the key lies within the allocation, what follows it begins at its end at most.
        unsafe { self.at(self.header().key_offset() + self.key_len()) }
    }

    /// # Safety
    /// The head is written, of an inline kind.
    #[inline]
    unsafe fn inline(self) -> NonNull<[u8]> {
        // SAFETY: within the allocation, so not null.
        let start = unsafe { NonNull::new_unchecked(self.inline_start()) };
        NonNull::slice_from_raw_parts(start, self.header().value_len())
    }

    /// # Safety
    /// The head is written, of the kind whose payload is a `T`.
    #[inline]
    unsafe fn payload<T>(self) -> NonNull<T> {
        // SAFETY: within the allocation, so not null; offsets of payloads are multiples of 8.
        unsafe { NonNull::new_unchecked(self.at(self.header().payload_offset())) }
    }

    /// # Safety
    /// The head is written, of the shared kind.
    #[inline]
    unsafe fn shared(self) -> NonNull<SharedBytes> {
        // SAFETY: the caller's promise.
        unsafe { self.payload() }
    }

    /// # Safety
    /// The entry is live, and nobody changes it during `'a`.
    #[inline]
    unsafe fn object<'a>(self) -> Option<ObjectRef<'a>> {
        // SAFETY: a live entry has a payload of its kind.
        unsafe {
            Some(match self.header().kind() {
                Kind::Int | Kind::Inline | Kind::Shared => return None,
                Kind::List => ObjectRef::List(self.payload().as_ref()),
                Kind::Set => ObjectRef::Set(self.payload().as_ref()),
                Kind::Hash => ObjectRef::Hash(self.payload().as_ref()),
                Kind::Stream => ObjectRef::Stream(self.payload().as_ref()),
                Kind::Zset => ObjectRef::Zset(self.payload().as_ref()),
            })
        }
    }

    /// # Safety
    /// The entry is live, and nobody else looks at it during `'a`.
    #[inline]
    unsafe fn object_mut<'a>(self) -> Option<ObjectMut<'a>> {
        // SAFETY: a live entry has a payload of its kind.
        unsafe {
            Some(match self.header().kind() {
                Kind::Int | Kind::Inline | Kind::Shared => return None,
                Kind::List => ObjectMut::List(self.payload().as_mut()),
                Kind::Set => ObjectMut::Set(self.payload().as_mut()),
                Kind::Hash => ObjectMut::Hash(self.payload().as_mut()),
                Kind::Stream => ObjectMut::Stream(self.payload().as_mut()),
                Kind::Zset => ObjectMut::Zset(self.payload().as_mut()),
            })
        }
    }

    /// Bytes allocated for the entry and its value.
    #[inline]
    fn charge(self) -> usize {
        let header = self.header();
        let beside = match header.kind() {
            // SAFETY: a live entry of the shared kind; the field alone is read.
            Kind::Shared => unsafe { (*self.shared().as_ptr()).charge },
            Kind::Int | Kind::Inline => 0,
            // SAFETY: a live entry, which nobody changes meanwhile.
            _ => unsafe { self.object() }.map_or(0, ObjectRef::bytes),
        };
        header.allocation(self.key_len()) + beside
    }

    /// # Safety
    /// The allocation is of the size that `header` and this key ask for.
    #[inline]
    unsafe fn write_key(self, header: Header, key: &[u8]) {
        // SAFETY: the caller's promise; a fresh allocation does not overlap the key.
        unsafe {
            let to = self.at::<u8>(header.key_offset());
            to.copy_from_nonoverlapping(key.as_ptr(), key.len());
        }
    }

    /// Writes header, expiry and the key length of a wide entry.
    ///
    /// # Safety
    /// The allocation is of the size that `header` and a key of `key_len` bytes ask for, and what
    /// follows the head is or will be in its place.
    #[inline]
    unsafe fn write_head(self, header: Header, expiry: Option<i64>, key_len: usize) {
        debug_assert_eq!(header.has(EXPIRY_FLAG), expiry.is_some());
        self.set_header(header);
        // SAFETY: the words before the payload are those that the flags ask for.
        unsafe {
            if let Some(expiry) = expiry {
                self.at::<i64>(WORD).write(expiry);
            }
            if header.has(WIDE_FLAG) {
                self.at::<u64>(header.payload_offset() - WORD).write(key_len as u64);
            }
        }
    }

    /// # Safety
    /// As for [`RawEntry::write_value`].
    #[inline]
    unsafe fn write_inline(self, header: Header, key_len: usize, bytes: &[u8]) {
        // SAFETY: the caller's promise: there is room for the value behind the key.
        unsafe {
            let to = self.at::<u8>(header.key_offset() + key_len);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }

    /// Writes everything but the key.
    ///
    /// # Safety
    /// As for [`RawEntry::write_head`]; `value` is the one that `header` was made for, and does not
    /// lie in this allocation.
    #[inline]
    unsafe fn write_value(
        self,
        header: Header,
        expiry: Option<i64>,
        key_len: usize,
        value: Stored<'_>,
    ) {
        // SAFETY: the caller's promise; payloads are 8-aligned.
        unsafe {
            self.write_head(header, expiry, key_len);
            match value {
                Stored::Int(n) => self.at::<i64>(header.payload_offset()).write(n),
                Stored::Inline(bytes) => self.write_inline(header, key_len, bytes),
                Stored::Short(bytes) => self.write_inline(header, key_len, &bytes),
                Stored::Shared(shared) => {
                    self.at::<SharedBytes>(header.payload_offset()).write(shared);
                }
                Stored::Object(Object::List(list)) => self.payload().write(list),
                Stored::Object(Object::Set(set)) => self.payload().write(set),
                Stored::Object(Object::Hash(hash)) => self.payload().write(hash),
                Stored::Object(Object::Stream(stream)) => self.payload().write(stream),
                Stored::Object(Object::Zset(zset)) => self.payload().write(zset),
            }
        }
    }
}

#[inline]
fn layout(size: usize) -> Layout {
    // Sizes are bounded by the longest key, far below what a layout allows.
    Layout::from_size_align(size, WORD).expect("an entry's size fits in a layout")
}
