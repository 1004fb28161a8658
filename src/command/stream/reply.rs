//! Replies that several stream commands share: ids, entries, lists of entries.

use crate::resp::Writer;
use crate::value::listpack::Item;
use crate::value::stream::{Entry, Log, StreamId};

/// Writes an id.
pub(super) fn id(out: &mut Writer<'_>, id: StreamId) {
    out.bulk(id.text().as_bytes());
}

/// Writes a number or a null.
pub(super) fn int_or_null(out: &mut Writer<'_>, number: Option<i64>) {
    match number {
        Some(number) => out.int(number),
        None => out.null(),
    }
}

/// Writes an entry: its id, and its names and values in one list.
pub(super) fn entry(out: &mut Writer<'_>, entry: Entry<'_>) {
    out.array(2);
    id(out, entry.id);
    out.array(2 * entry.fields.len());
    for (name, value) in entry.fields {
        item(out, name);
        item(out, value);
    }
}

fn item(out: &mut Writer<'_>, item: Item<'_>) {
    match item {
        Item::Int(number) => out.bulk_int(number),
        Item::Bytes(bytes) => out.bulk(bytes),
    }
}

/// Writes the entry of an id. False, and nothing is written, if it is not there.
pub(super) fn entry_of(out: &mut Writer<'_>, log: &Log, id: StreamId) -> bool {
    match log.range(id, id).next() {
        Some(found) => {
            entry(out, found);
            true
        }
        None => false,
    }
}

/// Writes entries as a list, no more than `count` unless that is 0.
pub(super) fn entries<'a>(
    out: &mut Writer<'_>,
    entries: impl Iterator<Item = Entry<'a>>,
    count: u64,
) {
    let most = if count == 0 { usize::MAX } else { usize::try_from(count).unwrap_or(usize::MAX) };
    let list = out.deferred_array();
    let mut len = 0;
    for one in entries.take(most) {
        entry(out, one);
        len += 1;
    }
    out.finish_array(list, len);
}
