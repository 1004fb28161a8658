//! Lists.

use super::super::read::{Malformed, Reader};
use super::super::ziplist;
use crate::value::list::{End, Limits, List};
use crate::value::listpack::Listpack;

/// What a node of a quicklist is.
const PLAIN: u64 = 1;
/// See [`PLAIN`].
const PACKED: u64 = 2;

/// A list that was read, in the encoding that suits it.
fn settled(mut list: List, limits: Limits) -> Result<List, Malformed> {
    list.settle(limits);
    if list.is_empty() { Err(Malformed) } else { Ok(list) }
}

/// Elements one by one.
pub fn plain(reader: &mut Reader<'_>, limits: Limits) -> Result<List, Malformed> {
    let mut list = List::new();
    for _ in 0..reader.count()? {
        let element = reader.string()?;
        list.grow_for(1, element.len(), limits);
        list.push(End::Tail, &element, limits);
    }
    settled(list, limits)
}

/// One ziplist.
pub fn ziplist(reader: &mut Reader<'_>, limits: Limits) -> Result<List, Malformed> {
    let mut list = List::new();
    list.append_listpack(unzipped(reader)?, limits);
    settled(list, limits)
}

/// Nodes that are ziplists.
pub fn quicklist(reader: &mut Reader<'_>, limits: Limits) -> Result<List, Malformed> {
    let mut list = List::new();
    for _ in 0..reader.count()? {
        list.append_listpack(unzipped(reader)?, limits);
    }
    settled(list, limits)
}

/// Nodes that are listpacks, or one large element, which is not empty.
pub fn quicklist_2(reader: &mut Reader<'_>, limits: Limits) -> Result<List, Malformed> {
    let mut list = List::new();
    for _ in 0..reader.count()? {
        let container = reader.len()?;
        let bytes = reader.string()?;
        match container {
            PLAIN if bytes.is_empty() => return Err(Malformed),
            PLAIN => list.append_plain(&bytes, limits),
            PACKED => {
                let elements = Listpack::from_bytes(&bytes).map_err(|_| Malformed)?;
                list.append_listpack(elements, limits);
            }
            _ => return Err(Malformed),
        }
    }
    settled(list, limits)
}

/// The elements of a ziplist as a listpack.
fn unzipped(reader: &mut Reader<'_>) -> Result<Listpack, Malformed> {
    let bytes = reader.string()?;
    let mut list = Listpack::new();
    for element in ziplist::elements(&bytes)? {
        if !list.fits(element.len()) {
            return Err(Malformed);
        }
        list.push_back(&element);
    }
    Ok(list)
}
