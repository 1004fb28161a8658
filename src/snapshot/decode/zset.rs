//! Sorted sets.

use super::super::read::{Malformed, Reader, score_of};
use super::super::ziplist;
use crate::value::listpack::Item;
use crate::value::zset::{Change, Limits, Zset};

/// How scores stand beside their members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scores {
    /// As texts.
    Text,
    /// In eight bytes.
    Binary,
}

/// Members one by one.
pub fn plain(
    reader: &mut Reader<'_>,
    scores: Scores,
    limits: Limits<'_>,
) -> Result<Zset, Malformed> {
    let count = reader.count()?;
    let mut set = Zset::new();
    set.expect_members(count, 0, limits);
    // Of few the longest is to be known first: one that is too long has none of them packed, and
    // packed scores know no −0.
    let few = count <= limits.listpack_entries;
    let (mut known, mut longest) = (Vec::new(), 0);
    for _ in 0..count {
        let member = reader.string()?;
        let score = match scores {
            Scores::Text => reader.score_text()?,
            Scores::Binary => reader.score()?,
        };
        if few {
            longest = longest.max(member.len());
            known.push((member, score));
        } else {
            add(&mut set, &member, score, limits)?;
        }
    }
    set.expect_members(count, longest, limits);
    for (member, score) in known {
        add(&mut set, &member, score, limits)?;
    }
    whole(set)
}

/// The limits for what comes packed: it may stay so however long its members are, as in Valkey.
fn packed(limits: Limits<'_>) -> Limits<'_> {
    Limits { listpack_value: usize::MAX, ..limits }
}

/// A listpack of members and scores in turn.
pub fn listpack(reader: &mut Reader<'_>, limits: Limits<'_>) -> Result<Zset, Malformed> {
    let limits = packed(limits);
    let list = super::listpack(reader)?;
    let mut set = Zset::new();
    set.expect_members(list.len() / 2, 0, limits);
    let mut items = list.iter();
    while let Some(member) = items.next() {
        let score = match items.next().ok_or(Malformed)? {
            Item::Int(number) => number as f64,
            Item::Bytes(text) => score_of(text)?,
        };
        add(&mut set, member.as_bytes(&mut itoa::Buffer::new()), score, limits)?;
    }
    whole(set)
}

/// A ziplist of members and scores in turn.
pub fn ziplist(reader: &mut Reader<'_>, limits: Limits<'_>) -> Result<Zset, Malformed> {
    let limits = packed(limits);
    let bytes = reader.string()?;
    let elements = ziplist::elements(&bytes)?;
    let (pairs, rest) = elements.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Malformed);
    }
    let mut set = Zset::new();
    set.expect_members(pairs.len(), 0, limits);
    for [member, score] in pairs {
        add(&mut set, member, score_of(score)?, limits)?;
    }
    whole(set)
}

fn add(set: &mut Zset, member: &[u8], score: f64, limits: Limits<'_>) -> Result<(), Malformed> {
    match set.insert(member, score, limits) {
        Change::Added => Ok(()),
        Change::None | Change::Moved => Err(Malformed),
    }
}

fn whole(set: Zset) -> Result<Zset, Malformed> {
    if set.is_empty() { Err(Malformed) } else { Ok(set) }
}
