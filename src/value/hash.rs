//! Hashes: fields with values, some of which may expire.
//!
//! * *listpack*: few fields, all of them short, none with an expiry; fields and values in turn;
//! * *hashtable*: everything else; field, value and expiry are one thin allocation.
//!
//! A hash changes its encoding at the points at which Valkey does, and never back by itself. A field
//! whose time is over is invisible at once: whoever looks says what time it is. It stays in its
//! place, and counts, until it is overwritten or [`Hash::expire`] takes it out; that finds it in an
//! index by time. Pure data: thresholds, hash function and time come with the calls.

mod fields;
mod random;

pub use self::fields::FieldRef;
use self::fields::Fields;
use super::hasher::Hasher;
use super::listpack::{self, Encoded, Item, Listpack, Position};
use super::slim::{Slim, View};
use super::table;
use super::thin::ThinBytes;

/// Where the listpack ends, and what a hash table hashes by.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Fields that a listpack holds at most.
    pub listpack_entries: usize,
    /// Bytes of the longest field or value of a listpack.
    pub listpack_value: usize,
    /// The hash function of the server's elements.
    pub hasher: &'a Hasher,
}

/// What becomes of a field's expiry when it gets a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// It has none.
    Endless,
    /// It stays as it is.
    Kept,
    /// It is this one, in milliseconds of Unix time.
    Until(i64),
}

/// What an assignment found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// The field is new, or one whose time was over.
    Created,
    /// The field had another value.
    Updated,
}

/// A map from fields to values.
pub struct Hash(Slim<Listpack, Fields>);

/// How a hash is kept, for those who save it.
pub enum Packed<'a> {
    /// A listpack, in Redis's bytes.
    Listpack(&'a [u8]),
    /// A hash table, which has no bytes of its own.
    Table,
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hash({}, {} fields)", self.encoding(), self.len())
    }
}

impl Default for Hash {
    fn default() -> Hash {
        Hash::new()
    }
}

impl Hash {
    /// A hash without fields.
    pub fn new() -> Hash {
        Hash(Slim::small(Listpack::new()))
    }

    /// The hash of the fields and values of a listpack; `None` if one is there twice, or has no
    /// value.
    pub fn from_listpack(list: Listpack) -> Option<Hash> {
        let fields = list.len() / 2;
        let unique = list.iter().step_by(2).collect::<std::collections::HashSet<_>>().len();
        let sound = list.len().is_multiple_of(2) && unique == fields;
        sound.then_some(Hash(Slim::small(list)))
    }

    /// How it is kept.
    pub fn packed(&self) -> Packed<'_> {
        match self.0.view() {
            View::Small(list) => Packed::Listpack(list.as_bytes()),
            View::Big(_) => Packed::Table,
        }
    }

    /// How many fields it has, with those whose time is over.
    #[inline]
    pub fn len(&self) -> usize {
        match self.0.view() {
            View::Small(list) => list.len() / 2,
            View::Big(fields) => fields.len(),
        }
    }

    /// Whether it has none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes allocated.
    #[inline]
    pub fn bytes(&self) -> usize {
        match self.0.view() {
            View::Small(list) => list.bytes(),
            View::Big(fields) => fields.bytes(),
        }
    }

    /// The name of its encoding.
    pub fn encoding(&self) -> &'static str {
        match self.0.view() {
            View::Small(_) => "listpack",
            View::Big(_) => "hashtable",
        }
    }

    /// How many allocations there are to free.
    pub fn free_effort(&self) -> usize {
        match self.0.view() {
            View::Small(_) => 1,
            View::Big(fields) => fields.len(),
        }
    }

    /// A copy with all fields.
    pub fn duplicate(&self) -> Hash {
        Hash(match self.0.view() {
            View::Small(list) => Slim::small(list.clone()),
            View::Big(fields) => Slim::big(Box::new(fields.duplicate())),
        })
    }

    /// How many fields have an expiry.
    pub fn volatile_len(&self) -> usize {
        match self.0.view() {
            View::Small(_) => 0,
            View::Big(fields) => fields.volatile_len(),
        }
    }

    /// When the first field expires, in milliseconds of Unix time.
    #[inline]
    pub fn next_expiry(&self) -> Option<i64> {
        match self.0.view() {
            View::Small(_) => None,
            View::Big(fields) => fields.next_expiry(),
        }
    }

    /// The value of `field`.
    #[inline]
    pub fn get(&self, field: &[u8], now_ms: i64) -> Option<Item<'_>> {
        match self.0.view() {
            View::Small(list) => Some(list.get(value_position(list, field)?)),
            View::Big(fields) => Some(Item::Bytes(fields.live(field, now_ms)?.value)),
        }
    }

    /// The value of `field` and when it expires, in milliseconds of Unix time.
    pub fn look(&self, field: &[u8], now_ms: i64) -> Option<(Item<'_>, Option<i64>)> {
        match self.0.view() {
            View::Small(_) => Some((self.get(field, now_ms)?, None)),
            View::Big(fields) => {
                let found = fields.live(field, now_ms)?;
                Some((Item::Bytes(found.value), found.expiry))
            }
        }
    }

    /// Prepares for `additions` that are about to come: if they alone are too many for a listpack,
    /// it becomes a hash table at once.
    pub fn prepare(&mut self, additions: usize, limits: Limits<'_>) {
        if additions > limits.listpack_entries {
            self.become_table(limits);
        }
    }

    /// Gives `field` a value.
    pub fn set(
        &mut self,
        field: &[u8],
        value: &[u8],
        lifetime: Lifetime,
        limits: Limits<'_>,
        now_ms: i64,
    ) -> Assigned {
        if let View::Small(list) = self.0.view_mut() {
            let fits = field.len().max(value.len()) <= limits.listpack_value
                && !matches!(lifetime, Lifetime::Until(_))
                && list.fits(field.len() + value.len());
            if fits {
                let assigned = set_packed(list, field, value);
                if list.len() / 2 > limits.listpack_entries {
                    self.become_table(limits);
                }
                return assigned;
            }
        }
        self.become_table(limits).set(field, value, lifetime, now_ms)
    }

    /// Removes `field`; false if it was not there. One whose time is over is not there, and stays
    /// where it is.
    pub fn remove(&mut self, field: &[u8], now_ms: i64) -> bool {
        match self.0.view_mut() {
            View::Small(list) => match list.find(None, field, 1) {
                Some(at) => {
                    list.remove_run(at, 2);
                    true
                }
                None => false,
            },
            View::Big(fields) => {
                fields.live(field, now_ms).is_some() && fields.remove(field).is_some()
            }
        }
    }

    /// Gives `field` another expiry, in milliseconds of Unix time, or none; false if it is not
    /// there.
    pub fn set_expiry(
        &mut self,
        field: &[u8],
        expiry: Option<i64>,
        limits: Limits<'_>,
        now_ms: i64,
    ) -> bool {
        if self.get(field, now_ms).is_none() {
            return false;
        }
        if expiry.is_some() {
            self.become_table(limits);
        }
        if let View::Big(fields) = self.0.view_mut() {
            fields.set_expiry(field, expiry);
        }
        true
    }

    /// Takes out fields whose time is over, `most` at most, and shows each to `visit`. Gives how
    /// many.
    pub fn expire(&mut self, now_ms: i64, most: usize, visit: impl FnMut(&[u8])) -> usize {
        match self.0.view_mut() {
            View::Small(_) => 0,
            View::Big(fields) => fields.expire(now_ms, most, visit),
        }
    }

    /// All fields that are there at `now_ms`, with their values and expiries, in no particular
    /// order.
    pub fn iter(&self, now_ms: i64) -> Iter<'_> {
        Iter(match self.0.view() {
            View::Small(list) => IterRepr::Listpack(list.iter()),
            View::Big(fields) => IterRepr::Table(fields.iter(), now_ms),
        })
    }

    /// How many fields are there at `now_ms`, if that is known without looking at all.
    pub fn live_len(&self, now_ms: i64) -> Option<usize> {
        let all_live = self.next_expiry().is_none_or(|at| at > now_ms);
        all_live.then(|| self.len())
    }

    /// Visits a part of the fields and gives the cursor for the next call, 0 at the end: see
    /// [`table::Table::scan`] for what a whole scan guarantees. A listpack is visited at once.
    pub fn scan<'a>(&'a self, cursor: u64, now_ms: i64, mut visit: impl FnMut(Entry<'a>)) -> u64 {
        match self.0.view() {
            View::Small(_) => {
                self.iter(now_ms).for_each(visit);
                0
            }
            View::Big(fields) => fields.scan(cursor, |field| {
                if field.is_live(now_ms) {
                    visit(Entry::of(field));
                }
            }),
        }
    }

    /// Puts all fields into a hash table.
    fn become_table(&mut self, limits: Limits<'_>) -> &mut Fields {
        if let View::Small(list) = self.0.view() {
            let mut fields = Box::new(Fields::new(limits.hasher));
            let (mut field_digits, mut value_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
            let mut items = list.iter();
            while let (Some(field), Some(value)) = (items.next(), items.next()) {
                fields.insert_new(
                    field.as_bytes(&mut field_digits),
                    value.as_bytes(&mut value_digits),
                    None,
                );
            }
            self.0 = Slim::big(fields);
        }
        match self.0.view_mut() {
            View::Big(fields) => fields,
            View::Small(_) => unreachable!("it was made one just now"),
        }
    }
}

/// Where the value of `field` stands in a listpack of fields and values.
#[inline]
fn value_position(list: &Listpack, field: &[u8]) -> Option<Position> {
    list.next(list.find(None, field, 1)?)
}

fn set_packed(list: &mut Listpack, field: &[u8], value: &[u8]) -> Assigned {
    let field = Encoded::of(field);
    let found = list.find_encoded(None, &field, 1).and_then(|at| list.next(at));
    match found {
        Some(at) => {
            list.replace(at, value);
            Assigned::Updated
        }
        None => {
            list.push_back_encoded(&field);
            list.push_back(value);
            Assigned::Created
        }
    }
}

/// A field with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The field.
    pub field: Item<'a>,
    /// Its value.
    pub value: Item<'a>,
    /// When it expires, in milliseconds of Unix time.
    pub expiry: Option<i64>,
}

impl<'a> Entry<'a> {
    fn of(field: FieldRef<'a>) -> Entry<'a> {
        let FieldRef { name, value, expiry } = field;
        Entry { field: Item::Bytes(name), value: Item::Bytes(value), expiry }
    }
}

/// The fields of a hash: see [`Hash::iter`].
pub struct Iter<'a>(IterRepr<'a>);

enum IterRepr<'a> {
    Listpack(listpack::Iter<'a>),
    Table(table::Iter<'a, ThinBytes>, i64),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        match &mut self.0 {
            IterRepr::Listpack(list) => {
                let (field, value) = (list.next()?, list.next()?);
                Some(Entry { field, value, expiry: None })
            }
            IterRepr::Table(fields, now_ms) => {
                fields.map(FieldRef::decode).find(|field| field.is_live(*now_ms)).map(Entry::of)
            }
        }
    }
}

#[cfg(test)]
mod tests;
