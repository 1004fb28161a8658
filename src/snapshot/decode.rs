//! A value out of bytes that may be anything.
//!
//! Every type that servers have written since the first is read; collections take the encoding
//! that they would have here. One without elements is malformed, as is one with an element twice.

mod hash;
mod list;
mod set;
mod stream;
mod zset;

use super::kind;
use super::read::{Malformed, Reader};
use crate::keyspace::Object;
use crate::value::hash::{Hash, Limits as HashLimits};
use crate::value::list::Limits as ListLimits;
use crate::value::listpack::Listpack;
use crate::value::set::Limits as SetLimits;
use crate::value::zset::Limits as ZsetLimits;

/// What bounds values, and where their encodings end.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// Bytes of the longest string that is unpacked.
    pub string_max: u64,
    /// Whether a payload may be of a version that is not known.
    pub any_version: bool,
    /// Milliseconds of Unix time: what is to expire before is not read.
    pub now_ms: i64,
    /// Of hashes.
    pub hash: HashLimits<'a>,
    /// Of lists.
    pub list: ListLimits,
    /// Of sorted sets.
    pub zset: ZsetLimits<'a>,
    /// Of sets.
    pub set: SetLimits<'a>,
}

/// A value that was read.
#[derive(Debug)]
pub enum Restored {
    /// A string.
    String(Vec<u8>),
    /// Anything else.
    Object(Object),
    /// A hash whose fields have all expired.
    Expired,
}

impl<T: Into<Object>> From<T> for Restored {
    fn from(object: T) -> Restored {
        Restored::Object(object.into())
    }
}

impl From<Option<Hash>> for Restored {
    fn from(hash: Option<Hash>) -> Restored {
        hash.map_or(Restored::Expired, Restored::from)
    }
}

/// Reads the value that `bytes` begins with.
pub fn decode(bytes: &[u8], limits: &Limits<'_>) -> Result<Restored, Malformed> {
    let mut reader = Reader::new(bytes, limits.string_max);
    let reader = &mut reader;
    let (hash, now_ms) = (limits.hash, limits.now_ms);
    Ok(match reader.byte()? {
        kind::STRING => Restored::String(reader.string()?.into_owned()),
        kind::LIST => list::plain(reader, limits.list)?.into(),
        kind::LIST_ZIPLIST => list::ziplist(reader, limits.list)?.into(),
        kind::LIST_QUICKLIST => list::quicklist(reader, limits.list)?.into(),
        kind::LIST_QUICKLIST_2 => list::quicklist_2(reader, limits.list)?.into(),
        kind::SET => set::plain(reader, limits.set)?.into(),
        kind::SET_INTSET => set::intset(reader, limits.set)?.into(),
        kind::SET_LISTPACK => set::listpack(reader, limits.set)?.into(),
        kind::ZSET => zset::plain(reader, zset::Scores::Text, limits.zset)?.into(),
        kind::ZSET_2 => zset::plain(reader, zset::Scores::Binary, limits.zset)?.into(),
        kind::ZSET_ZIPLIST => zset::ziplist(reader, limits.zset)?.into(),
        kind::ZSET_LISTPACK => zset::listpack(reader, limits.zset)?.into(),
        kind::HASH => hash::plain(reader, hash, now_ms)?.into(),
        kind::HASH_ZIPMAP => hash::zipmap(reader, hash, now_ms)?.into(),
        kind::HASH_ZIPLIST => hash::ziplist(reader, hash, now_ms)?.into(),
        kind::HASH_LISTPACK => hash::listpack(reader, hash, now_ms)?.into(),
        kind::HASH_2 => hash::with_expiries(reader, hash, now_ms)?.into(),
        kind::HASH_METADATA => hash::with_distances(reader, hash, now_ms)?.into(),
        kind::HASH_LISTPACK_EX => hash::listpack_with_expiries(reader, hash, now_ms)?.into(),
        kind::STREAM => stream::stream(reader, stream::Version::First)?.into(),
        kind::STREAM_2 => stream::stream(reader, stream::Version::Second)?.into(),
        kind::STREAM_3 => stream::stream(reader, stream::Version::Third)?.into(),
        _ => return Err(Malformed),
    })
}

/// A string that is a listpack with elements.
fn listpack(reader: &mut Reader<'_>) -> Result<Listpack, Malformed> {
    let bytes = reader.string()?;
    let list = Listpack::from_bytes(&bytes).map_err(|_| Malformed)?;
    if list.is_empty() { Err(Malformed) } else { Ok(list) }
}
