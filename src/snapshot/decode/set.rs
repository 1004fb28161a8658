//! Sets.

use super::super::read::{Malformed, Reader};
use crate::value::intset::Intset;
use crate::value::set::{Limits, Set};

/// Members one by one: in a hash table if they are more than an intset may have, as in Valkey.
pub fn plain(reader: &mut Reader<'_>, limits: Limits<'_>) -> Result<Set, Malformed> {
    let count = reader.count()?;
    let mut set = if count > limits.intset_entries { table(limits) } else { Set::new() };
    for _ in 0..count {
        let member = reader.string()?;
        if !set.add(&member, limits) {
            return Err(Malformed);
        }
    }
    if set.is_empty() { Err(Malformed) } else { Ok(set) }
}

/// An intset, which becomes a hash table if it is too large here.
pub fn intset(reader: &mut Reader<'_>, limits: Limits<'_>) -> Result<Set, Malformed> {
    let bytes = reader.string()?;
    let integers = Intset::from_bytes(&bytes).map_err(|_| Malformed)?;
    if integers.is_empty() {
        return Err(Malformed);
    }
    let is_too_large = integers.len() > limits.intset_entries;
    let set = Set::from(integers);
    Ok(if is_too_large { as_table(&set, limits) } else { set })
}

/// A listpack, which becomes a hash table if it is too large here.
pub fn listpack(reader: &mut Reader<'_>, limits: Limits<'_>) -> Result<Set, Malformed> {
    let set = Set::from_listpack(super::listpack(reader)?).ok_or(Malformed)?;
    let is_too_large = set.len() > limits.listpack_entries;
    Ok(if is_too_large { as_table(&set, limits) } else { set })
}

/// An empty hash table.
fn table(limits: Limits<'_>) -> Set {
    let mut table = Set::new();
    table.prepare(b"", usize::MAX, limits);
    table
}

/// The members in a hash table.
fn as_table(set: &Set, limits: Limits<'_>) -> Set {
    let mut table = table(limits);
    for member in set.iter() {
        table.add_item(member, limits);
    }
    table
}
