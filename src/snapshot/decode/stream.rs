//! Streams.
//!
//! What each version added: the second the first id, the greatest removed id and the number of
//! entries ever added, and how many of them a group has read; the third when a consumer was last
//! given something.

use std::collections::BTreeMap;

use super::super::read::{Malformed, Reader};
use crate::value::listpack::Listpack;
use crate::value::stream::{ConsumerId, Counters, Group, Pending, Stream, StreamId};

/// The version of a stream's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Redis 5.
    First,
    /// Redis 7.0.
    Second,
    /// Redis 7.2.
    Third,
}

/// A stream.
pub fn stream(reader: &mut Reader<'_>, version: Version) -> Result<Stream, Malformed> {
    let mut nodes = Vec::new();
    for _ in 0..reader.count()? {
        let id = reader.string()?;
        let id = id_of(id.as_ref().try_into().map_err(|_| Malformed)?);
        let entries = reader.string()?;
        nodes.push((id, Listpack::from_bytes(&entries).map_err(|_| Malformed)?));
    }
    let len = reader.len()?;
    let mut counters = Counters { last_id: id(reader)?, max_deleted_id: StreamId::MIN, added: len };
    if version >= Version::Second {
        // The first id follows from the entries.
        id(reader)?;
        counters.max_deleted_id = id(reader)?;
        counters.added = reader.len()?;
    }
    let mut stream = Stream::from_nodes(nodes, counters).map_err(|_| Malformed)?;
    if stream.log().len() != len {
        return Err(Malformed);
    }
    for _ in 0..reader.count()? {
        group(reader, version, &mut stream)?;
    }
    Ok(stream)
}

/// An id as two numbers.
fn id(reader: &mut Reader<'_>) -> Result<StreamId, Malformed> {
    Ok(StreamId::new(reader.len()?, reader.len()?))
}

/// An id as sixteen bytes, big endian.
fn id_of(bytes: [u8; 16]) -> StreamId {
    StreamId::from_number(u128::from_be_bytes(bytes))
}

fn group(reader: &mut Reader<'_>, version: Version, stream: &mut Stream) -> Result<(), Malformed> {
    let name = reader.string()?;
    let last_id = id(reader)?;
    let read = if version >= Version::Second {
        // The number -1 stands for one that is not known.
        Some(reader.len()? as i64).filter(|read| *read >= 0)
    } else {
        stream.log().added_up_to(last_id)
    };
    if !stream.create_group(&name, last_id, read) {
        return Err(Malformed);
    }
    let mut pending = BTreeMap::new();
    for _ in 0..reader.count()? {
        let id = id_of(reader.array()?);
        let delivered_ms = i64::from_le_bytes(reader.array()?);
        let deliveries = i64::try_from(reader.len()?).map_err(|_| Malformed)?;
        if pending.insert(id, (delivered_ms, deliveries)).is_some() {
            return Err(Malformed);
        }
    }
    let mut group = stream.group_mut(&name).ok_or(Malformed)?;
    for _ in 0..reader.count()? {
        consumer(reader, version, &mut group, &mut pending)?;
    }
    // What is pending is pending with somebody.
    if pending.is_empty() { Ok(()) } else { Err(Malformed) }
}

/// A consumer, which takes from `pending` what is its own.
fn consumer(
    reader: &mut Reader<'_>,
    version: Version,
    group: &mut Group,
    pending: &mut BTreeMap<StreamId, (i64, i64)>,
) -> Result<(), Malformed> {
    let name = reader.string()?;
    if group.find_consumer(&name).is_some() {
        return Err(Malformed);
    }
    let seen_ms = i64::from_le_bytes(reader.array()?);
    let active_ms = match version {
        Version::Third => i64::from_le_bytes(reader.array()?),
        _ => seen_ms,
    };
    let consumer: ConsumerId = group.create_consumer(&name, seen_ms);
    group.consumer_mut(consumer).active_ms = Some(active_ms).filter(|ms| *ms != -1);
    for _ in 0..reader.count()? {
        let id = id_of(reader.array()?);
        let (delivered_ms, deliveries) = pending.remove(&id).ok_or(Malformed)?;
        group.assign(id, Pending { delivered_ms, deliveries, consumer });
    }
    Ok(())
}
