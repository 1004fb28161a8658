//! DEBUG's looks into encodings: OBJECT, SDSLEN, LISTPACK, QUICKLIST, QUICKLIST-PACKED-THRESHOLD.
//!
//! What would be printed goes into the log, which is on standard output where none is configured;
//! the replies are Valkey's.

use std::fmt::Write as _;

use crate::command::key::object::encoding;
use crate::command::{AccessPolicy, Args, CommandError, CommandResult, Read, Write, idle_seconds};
use crate::config::parse_memory;
use crate::keyspace::{ObjectRef, ValueRef};
use crate::resp::Writer;
use crate::snapshot;
use crate::value::list::{List, NodeBytes, NodeRef};
use crate::value::listpack::Slice;
use crate::value::{hash, set};

/// DEBUG OBJECT key [FAST]: of a key whose time is over as well.
pub(super) fn object(cx: &Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let entry = cx.stored(&args.key(2)).ok_or(CommandError::NO_SUCH_KEY)?;
    let lru = entry.access();
    let idle_s = match AccessPolicy::of(cx.config()) {
        AccessPolicy::Lru => idle_seconds(lru, cx.now_ms()),
        AccessPolicy::Lfu { .. } => 0,
    };
    let is_fast = args.is(3, "FAST");
    let length = match is_fast {
        true => String::new(),
        false => format!("serializedlength:{} ", snapshot::encoded_len(entry)),
    };
    let layout = match entry.object() {
        Some(ObjectRef::List(list)) => layout(list, is_fast),
        _ => String::new(),
    };
    // Entries move, so where one is means nothing to anyone: the place of its key stands for it.
    out.simple(&format!(
        "Value at:{:p} refcount:1 encoding:{} {length}lru:{lru} lru_seconds_idle:{idle_s}{layout}",
        entry.key().as_ptr(),
        encoding(entry),
    ));
    Ok(())
}

/// What DEBUG OBJECT tells of a quicklist; nothing of a listpack.
fn layout(list: &List, is_fast: bool) -> String {
    let Some(layout) = list.layout() else { return String::new() };
    let mut text = format!(
        " ql_nodes:{} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:{}",
        layout.nodes,
        list.len() as f64 / layout.nodes as f64,
        layout.node_size,
        u8::from(layout.compress_depth > 0),
    );
    if !is_fast {
        let bytes: usize = list.nodes().map(|node| node.bytes.uncompressed_len()).sum();
        text.push_str(&format!(" ql_uncompressed_size:{bytes}"));
    }
    text
}

/// DEBUG SDSLEN key: key and value with what is allocated for them. The key stands in its entry,
/// and so does a short value.
pub(super) fn string_lengths(cx: &Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let entry = cx.stored(&args.key(2)).ok_or(CommandError::NO_SUCH_KEY)?;
    let value = match entry.string() {
        None | Some(ValueRef::Int(_)) => {
            return Err(CommandError::fixed("ERR Not an sds encoded string."));
        }
        Some(value) => value,
    };
    let own = entry.own_allocation();
    out.simple(&format!(
        "key_sds_len:{} key_sds_avail:0 obj_alloc:{own} val_sds_len:{} val_sds_avail:{} val_alloc:{}",
        entry.key().len(),
        value.len(),
        entry.room(),
        entry.allocation_size() - own,
    ));
    Ok(())
}

/// DEBUG LISTPACK key
pub(super) fn listpack(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let entry = cx.peek(&args.key(2)).ok_or(CommandError::NO_SUCH_KEY)?;
    let elements = entry.object().and_then(only_listpack);
    let elements = elements.ok_or(CommandError::fixed("ERR Not a listpack encoded object."))?;
    let mut text = String::new();
    describe_listpack(Slice::new(elements), &mut text);
    tracing::warn!("DEBUG LISTPACK: {text}");
    out.simple("Listpack structure printed on stdout");
    Ok(())
}

/// The listpack that an object is encoded as.
fn only_listpack(object: ObjectRef<'_>) -> Option<&[u8]> {
    match object {
        ObjectRef::List(list) if list.layout().is_none() => match list.nodes().next()?.bytes {
            NodeBytes::Raw(bytes) => Some(bytes),
            NodeBytes::Lzf { .. } => None,
        },
        ObjectRef::Set(set) => match set.packed() {
            set::Packed::Listpack(bytes) => Some(bytes),
            _ => None,
        },
        ObjectRef::Hash(hash) => match hash.packed() {
            hash::Packed::Listpack(bytes) => Some(bytes),
            hash::Packed::Table => None,
        },
        ObjectRef::Zset(set) => set.listpack().map(|list| list.as_bytes()),
        ObjectRef::List(_) | ObjectRef::Stream(_) => None,
    }
}

/// Each element on a line of its own.
fn describe_listpack(elements: Slice<'_>, text: &mut String) {
    // Writing into a string never fails.
    let _ = write!(text, "listpack of {} bytes", elements.as_bytes().len());
    for (at, element) in elements.iter().enumerate() {
        let bytes = element.to_vec();
        let _ = write!(text, "\n  {at}: {} bytes: {}", bytes.len(), bytes.escape_ascii());
    }
}

/// DEBUG QUICKLIST key [0|1]
pub(super) fn quicklist(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let is_full = args.get(3).and_then(super::super::parse_integer).unwrap_or(0) != 0;
    let entry = cx.peek(&args.key(2)).ok_or(CommandError::NO_SUCH_KEY)?;
    let list = match entry.object() {
        Some(ObjectRef::List(list)) if list.layout().is_some() => list,
        _ => return Err(CommandError::fixed("ERR Not a quicklist encoded object.")),
    };
    let mut text = format!("quicklist of {} elements,{}", list.len(), layout(list, false));
    for (at, node) in list.nodes().enumerate() {
        let _ = write!(text, "\nnode {at}: ");
        describe_node(node, is_full, &mut text);
    }
    tracing::warn!("DEBUG QUICKLIST: {text}");
    out.simple("Quicklist structure printed on stdout");
    Ok(())
}

/// A node's form and size, and what is in it if all is asked for and it is not compressed.
fn describe_node(node: NodeRef<'_>, is_full: bool, text: &mut String) {
    let form = if node.is_plain { "plain" } else { "packed" };
    let _ = write!(text, "{form}, {} bytes", node.bytes.uncompressed_len());
    match node.bytes {
        NodeBytes::Lzf { text: compressed, .. } => {
            let _ = write!(text, ", compressed to {}", compressed.len());
        }
        NodeBytes::Raw(bytes) if is_full && node.is_plain => {
            let _ = write!(text, ": {}", bytes.escape_ascii());
        }
        NodeBytes::Raw(bytes) if is_full => {
            text.push_str(": ");
            describe_listpack(Slice::new(bytes), text);
        }
        NodeBytes::Raw(_) => {}
    }
}

/// DEBUG QUICKLIST-PACKED-THRESHOLD size: from how many bytes on an element stands alone, 0 for
/// what the configuration says.
pub(super) fn set_packed_threshold(
    cx: &mut Write<'_>,
    size: &[u8],
    out: &mut Writer<'_>,
) -> CommandResult {
    /// Valkey's bound: a little below 4 GiB.
    const MAX: u64 = (1 << 32) - (1 << 20);
    let size = parse_memory(size).filter(|&size| size <= MAX);
    let size = size.and_then(|size| u32::try_from(size).ok()).ok_or(CommandError::fixed(
        "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
    ))?;
    for part in cx.parts_mut() {
        part.plain_from = size;
    }
    out.ok();
    Ok(())
}
