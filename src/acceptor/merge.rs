//! Merging the partial replies of a split command into one.
//!
//! Parts are in wire format. If any part is an error, the first such is the reply.

use super::iteration::{Iteration, Split};
use crate::command::Merge;
use crate::resp::{Mark, ReplyBuf, Writer, array_header};

/// Writes the merged reply of `split` to `out`.
pub(super) fn merge(iteration: &Iteration, split: &Split, out: &mut ReplyBuf) {
    let parts = || {
        iteration.parts(split).iter().filter_map(|&(shard, request)| {
            let batch = iteration.batches[shard as usize].as_deref()?;
            let (from, to) = batch.reply_range(request as usize);
            Some(Part { replies: &batch.replies, from, to })
        })
    };
    if let Some(error) = parts().find(|part| part.starts_with(b'-')) {
        return error.append_to(out);
    }
    match split.merge {
        Merge::First => {
            if let Some(first) = parts().next() {
                first.append_to(out);
            }
        }
        Merge::Sum => {
            let sum = parts().map(|part| part.integer()).sum();
            Writer::new(out, split.proto).int(sum);
        }
        Merge::Concat => concat(&parts().collect::<Vec<_>>(), split, out),
        Merge::KeyOrder => {
            let parts: Vec<_> = parts().collect();
            in_key_order(&parts, iteration.order(split), split, out);
        }
    }
}

/// One part's reply: a range of its batch's buffer.
struct Part<'a> {
    replies: &'a ReplyBuf,
    from: Mark,
    to: Mark,
}

impl Part<'_> {
    fn append_to(&self, out: &mut ReplyBuf) {
        self.replies.append_range(self.from, self.to, out);
    }

    fn starts_with(&self, byte: u8) -> bool {
        self.replies.range_bytes(self.from, self.to).first() == Some(&byte)
    }

    fn integer(&self) -> i64 {
        let wire = self.replies.range_bytes(self.from, self.to);
        let digits = wire.strip_prefix(b":").and_then(|rest| rest.strip_suffix(b"\r\n"));
        digits.and_then(crate::command::parse_integer).unwrap_or(0)
    }
}

/// The elements of all parts, one part after the other.
fn concat(parts: &[Part<'_>], split: &Split, out: &mut ReplyBuf) {
    let headers: Vec<(usize, usize)> = parts
        .iter()
        .filter_map(|part| array_header(part.replies.range_bytes(part.from, part.to)))
        .collect();
    let total = headers.iter().map(|(count, _)| count).sum();
    Writer::new(out, split.proto).array(total);
    for (part, (_, header)) in parts.iter().zip(headers) {
        part.replies.append_range(part.from.after(header), part.to, out);
    }
}

/// One element per key, in the keys' order, each from the part that has its key.
fn in_key_order(parts: &[Part<'_>], order: &[u16], split: &Split, out: &mut ReplyBuf) {
    Writer::new(out, split.proto).array(order.len());
    let mut at: Vec<Mark> = parts
        .iter()
        .map(|part| {
            let wire = part.replies.range_bytes(part.from, part.to);
            part.from.after(array_header(wire).map_or(0, |(_, header)| header))
        })
        .collect();
    for &part in order {
        let (part, from) = (&parts[part as usize], &mut at[part as usize]);
        let to = part.replies.value_end(*from, part.to);
        part.replies.append_range(*from, to, out);
        *from = to;
    }
}
