//! Hashes. Fields whose time is over already are left out.

use super::super::read::{Malformed, Reader};
use super::super::ziplist;
use crate::value::hash::{Assigned, Hash, Lifetime, Limits};
use crate::value::listpack::Item;

/// A hash that is being read.
struct Building<'a> {
    hash: Hash,
    limits: Limits<'a>,
    now_ms: i64,
    /// Whether a field was left out.
    left_out: bool,
}

impl<'a> Building<'a> {
    fn new(count: usize, limits: Limits<'a>, now_ms: i64) -> Building<'a> {
        let mut hash = Hash::new();
        hash.prepare(count, limits);
        Building { hash, limits, now_ms, left_out: false }
    }

    fn add(&mut self, field: &[u8], value: &[u8], expiry: Option<i64>) -> Result<(), Malformed> {
        if expiry.is_some_and(|at| at <= self.now_ms) {
            self.left_out = true;
            return Ok(());
        }
        let lifetime = expiry.map_or(Lifetime::Endless, Lifetime::Until);
        match self.hash.set(field, value, lifetime, self.limits, self.now_ms) {
            Assigned::Created => Ok(()),
            Assigned::Updated => Err(Malformed),
        }
    }

    /// The hash; `None` if all its fields have expired.
    fn finish(self) -> Result<Option<Hash>, Malformed> {
        match (self.hash.is_empty(), self.left_out) {
            (false, _) => Ok(Some(self.hash)),
            (true, true) => Ok(None),
            (true, false) => Err(Malformed),
        }
    }
}

/// Fields and values one by one.
pub fn plain(
    reader: &mut Reader<'_>,
    limits: Limits<'_>,
    now_ms: i64,
) -> Result<Option<Hash>, Malformed> {
    let count = reader.count()?;
    let mut hash = Building::new(count, limits, now_ms);
    for _ in 0..count {
        let (field, value) = (reader.string()?, reader.string()?);
        hash.add(&field, &value, None)?;
    }
    hash.finish()
}

/// As [`plain`], each with its time to expire behind it; -1 for none. Valkey's.
pub fn with_expiries(
    reader: &mut Reader<'_>,
    limits: Limits<'_>,
    now_ms: i64,
) -> Result<Option<Hash>, Malformed> {
    let count = reader.count()?;
    let mut hash = Building::new(count, limits, now_ms);
    for _ in 0..count {
        let (field, value) = (reader.string()?, reader.string()?);
        let expiry = match i64::from_le_bytes(reader.array()?) {
            -1 => None,
            at @ 0.. => Some(at),
            _ => return Err(Malformed),
        };
        hash.add(&field, &value, expiry)?;
    }
    hash.finish()
}

/// As [`plain`], each with its time to expire before it, counted from the earliest, which stands
/// before all: 0 for none, 1 for the earliest itself. Redis's.
pub fn with_distances(
    reader: &mut Reader<'_>,
    limits: Limits<'_>,
    now_ms: i64,
) -> Result<Option<Hash>, Malformed> {
    let earliest = i64::from_le_bytes(reader.array()?);
    let count = reader.count()?;
    let mut hash = Building::new(count, limits, now_ms);
    for _ in 0..count {
        let distance = i64::try_from(reader.len()?).map_err(|_| Malformed)?;
        let expiry = match distance {
            0 => None,
            _ => Some(earliest.checked_add(distance - 1).ok_or(Malformed)?),
        };
        let (field, value) = (reader.string()?, reader.string()?);
        hash.add(&field, &value, expiry)?;
    }
    hash.finish()
}

/// A listpack of fields, values and times to expire in turn; 0 for none. Redis's. The earliest of
/// them stands before all.
pub fn listpack_with_expiries(
    reader: &mut Reader<'_>,
    limits: Limits<'_>,
    now_ms: i64,
) -> Result<Option<Hash>, Malformed> {
    reader.array::<8>()?;
    let list = super::listpack(reader)?;
    let mut hash = Building::new(list.len() / 3, limits, now_ms);
    let mut items = list.iter();
    while let Some(field) = items.next() {
        let (value, expiry) = (items.next().ok_or(Malformed)?, items.next().ok_or(Malformed)?);
        let expiry = match expiry {
            Item::Int(0) => None,
            Item::Int(at @ 1..) => Some(at),
            _ => return Err(Malformed),
        };
        let (mut field_digits, mut digits) = (itoa::Buffer::new(), itoa::Buffer::new());
        hash.add(field.as_bytes(&mut field_digits), value.as_bytes(&mut digits), expiry)?;
    }
    hash.finish()
}

/// A listpack of fields and values in turn.
pub fn listpack(
    reader: &mut Reader<'_>,
    limits: Limits<'_>,
    now_ms: i64,
) -> Result<Option<Hash>, Malformed> {
    let list = super::listpack(reader)?;
    if list.len() / 2 <= limits.listpack_entries {
        return Hash::from_listpack(list).map(Some).ok_or(Malformed);
    }
    let mut hash = Building::new(list.len() / 2, limits, now_ms);
    let mut items = list.iter();
    while let Some(field) = items.next() {
        let value = items.next().ok_or(Malformed)?;
        let (mut field_digits, mut digits) = (itoa::Buffer::new(), itoa::Buffer::new());
        hash.add(field.as_bytes(&mut field_digits), value.as_bytes(&mut digits), None)?;
    }
    hash.finish()
}

/// A ziplist of fields and values in turn. It may stay packed however long they are, as in Valkey.
pub fn ziplist(
    reader: &mut Reader<'_>,
    limits: Limits<'_>,
    now_ms: i64,
) -> Result<Option<Hash>, Malformed> {
    let bytes = reader.string()?;
    let elements = ziplist::elements(&bytes)?;
    let limits = Limits { listpack_value: usize::MAX, ..limits };
    pairs(elements.iter().map(|element| &element[..]), limits, now_ms)
}

/// A zipmap.
pub fn zipmap(
    reader: &mut Reader<'_>,
    limits: Limits<'_>,
    now_ms: i64,
) -> Result<Option<Hash>, Malformed> {
    let bytes = reader.string()?;
    pairs(ziplist::zipmap(&bytes)?.into_iter(), limits, now_ms)
}

fn pairs<'a>(
    mut elements: impl ExactSizeIterator<Item = &'a [u8]>,
    limits: Limits<'_>,
    now_ms: i64,
) -> Result<Option<Hash>, Malformed> {
    let mut hash = Building::new(elements.len() / 2, limits, now_ms);
    while let Some(field) = elements.next() {
        hash.add(field, elements.next().ok_or(Malformed)?, None)?;
    }
    hash.finish()
}
