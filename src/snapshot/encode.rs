//! A value as bytes: its type, and what is in it.
//!
//! What is packed already, in Redis's layout, is copied; everything else is written element by
//! element.

use super::kind;
use super::write::{put_int, put_len, put_lzf, put_string};
use crate::keyspace::{EntryRef, ObjectRef, ValueRef};
use crate::value::hash::{self, Hash};
use crate::value::list::{List, NodeBytes};
use crate::value::set::{self, Set};
use crate::value::stream::{Group, Stream, StreamId};
use crate::value::zset::Zset;

/// What a reader must know to read a value, beside what all know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Fields that expire, in Valkey's way.
    FieldExpiry,
}

/// Adds the value of an entry.
pub fn encode(entry: EntryRef<'_>, out: &mut Vec<u8>) -> Needs {
    match (entry.string(), entry.object()) {
        (Some(string), _) => put_value(out, string),
        (None, Some(object)) => return encode_object(object, out),
        (None, None) => unreachable!("a value is a string or an object"),
    }
    Needs::Nothing
}

/// Bytes of an entry's value as it is saved, behind its type.
pub fn encoded_len(entry: EntryRef<'_>) -> usize {
    let mut bytes = Vec::new();
    encode(entry, &mut bytes);
    bytes.len() - size_of_val(&kind::STRING)
}

fn put_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    out.push(kind::STRING);
    match value {
        ValueRef::Int(number) => put_int(out, number),
        ValueRef::Inline(text) => put_string(out, text),
        ValueRef::Shared(text) => put_string(out, text),
    }
}

fn encode_object(object: ObjectRef<'_>, out: &mut Vec<u8>) -> Needs {
    match object {
        ObjectRef::Hash(hash) => return put_hash(out, hash),
        ObjectRef::List(list) => put_list(out, list),
        ObjectRef::Stream(stream) => put_stream(out, stream),
        ObjectRef::Zset(set) => put_zset(out, set),
        ObjectRef::Set(set) => put_set(out, set),
    }
    Needs::Nothing
}

/// A node of a list is one large element.
const PLAIN: u64 = 1;
/// A node of a list is a listpack.
const PACKED: u64 = 2;

fn put_list(out: &mut Vec<u8>, list: &List) {
    out.push(kind::LIST_QUICKLIST_2);
    put_len(out, list.nodes().count() as u64);
    for node in list.nodes() {
        put_len(out, if node.is_plain { PLAIN } else { PACKED });
        match node.bytes {
            NodeBytes::Raw(bytes) => put_string(out, bytes),
            NodeBytes::Lzf { text, len } => put_lzf(out, text, len),
        }
    }
}

fn put_set(out: &mut Vec<u8>, set: &Set) {
    match set.packed() {
        set::Packed::Intset(bytes) => {
            out.push(kind::SET_INTSET);
            put_string(out, &bytes);
        }
        set::Packed::Listpack(bytes) => {
            out.push(kind::SET_LISTPACK);
            put_string(out, bytes);
        }
        set::Packed::Table => {
            out.push(kind::SET);
            put_len(out, set.len() as u64);
            for member in set.iter() {
                put_string(out, member.as_bytes(&mut itoa::Buffer::new()));
            }
        }
    }
}

fn put_stream(out: &mut Vec<u8>, stream: &Stream) {
    let log = stream.log();
    out.push(kind::STREAM_3);
    put_len(out, log.node_count() as u64);
    for (id, entries) in log.nodes() {
        put_string(out, &id.number().to_be_bytes());
        put_string(out, entries.as_bytes());
    }
    put_len(out, log.len());
    put_id(out, log.last_id());
    put_id(out, log.first_id());
    put_id(out, log.max_deleted_id());
    put_len(out, log.added());
    put_len(out, stream.groups().len() as u64);
    for (name, group) in stream.groups() {
        put_string(out, name);
        put_group(out, group);
    }
}

/// An id as two numbers.
fn put_id(out: &mut Vec<u8>, id: StreamId) {
    put_len(out, id.ms);
    put_len(out, id.seq);
}

fn put_group(out: &mut Vec<u8>, group: &Group) {
    let all = || StreamId::MIN..=StreamId::MAX;
    put_id(out, group.last_id());
    // A number that is not known is -1.
    put_len(out, group.read().unwrap_or(-1) as u64);
    put_len(out, group.pending_len() as u64);
    for (id, pending) in group.pending_range(all()) {
        out.extend(id.number().to_be_bytes());
        out.extend(pending.delivered_ms.to_le_bytes());
        put_len(out, pending.deliveries as u64);
    }
    put_len(out, group.consumers().len() as u64);
    for (number, consumer) in group.consumers() {
        put_string(out, consumer.name());
        out.extend(consumer.seen_ms.to_le_bytes());
        out.extend(consumer.active_ms.unwrap_or(-1).to_le_bytes());
        put_len(out, consumer.pending_len() as u64);
        for (id, _) in group.pending_of(number, all()) {
            out.extend(id.number().to_be_bytes());
        }
    }
}

fn put_hash(out: &mut Vec<u8>, hash: &Hash) -> Needs {
    let is_volatile = hash.volatile_len() > 0;
    match hash.packed() {
        hash::Packed::Listpack(bytes) => {
            out.push(kind::HASH_LISTPACK);
            put_string(out, bytes);
        }
        hash::Packed::Table => {
            out.push(if is_volatile { kind::HASH_2 } else { kind::HASH });
            put_len(out, hash.len() as u64);
            // At the beginning of time no field has expired.
            for entry in hash.iter(i64::MIN) {
                put_string(out, entry.field.as_bytes(&mut itoa::Buffer::new()));
                put_string(out, entry.value.as_bytes(&mut itoa::Buffer::new()));
                if is_volatile {
                    out.extend(entry.expiry.unwrap_or(-1).to_le_bytes());
                }
            }
        }
    }
    if is_volatile { Needs::FieldExpiry } else { Needs::Nothing }
}

fn put_zset(out: &mut Vec<u8>, set: &Zset) {
    if let Some(list) = set.listpack() {
        out.push(kind::ZSET_LISTPACK);
        put_string(out, list.as_bytes());
        return;
    }
    out.push(kind::ZSET_2);
    put_len(out, set.len() as u64);
    // From the last to the first, as real servers do: a reader then adds each at the front.
    for (member, score) in set.iter().rev() {
        put_string(out, member.as_bytes(&mut itoa::Buffer::new()));
        out.extend(score.to_le_bytes());
    }
}
