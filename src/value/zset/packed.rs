//! A small sorted set: a listpack of members and scores in turn, in ascending order, as Redis
//! lays it out.
//!
//! A score is an integer where it is one of at most 62 bits (so −0 becomes 0), else the shortest
//! text that reads back as the same number. Everything walks the listpack: its length is bounded
//! by the thresholds of the caller.

use std::cmp::Ordering;
use std::io::Write;
use std::ops::Range;

use super::Change;
use super::tree::Place;
use crate::value::listpack::{Item, Listpack, Position};

/// Longest text of a score: sign, 17 digits, point, exponent.
const SCORE_TEXT: usize = 32;
/// Scores of integers up to this are kept as integers, as Redis does.
const INTEGER_MAX: f64 = (i64::MAX / 2) as f64;

/// The score that an element spells.
fn score_of(item: Item<'_>) -> f64 {
    match item {
        Item::Int(n) => n as f64,
        Item::Bytes(text) => {
            // A listpack from elsewhere may hold a score that is none: it counts as 0.
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0)
        }
    }
}

/// Calls `put` with the element that `score` is kept as.
fn with_score<R>(score: f64, put: impl FnOnce(&[u8]) -> R) -> R {
    if score.abs() <= INTEGER_MAX && score.trunc() == score {
        return put(itoa::Buffer::new().format(score as i64).as_bytes());
    }
    let mut text = [0; SCORE_TEXT];
    let mut rest = &mut text[..];
    let written = write!(rest, "{score:?}");
    debug_assert!(written.is_ok(), "a double's shortest text fits");
    let len = SCORE_TEXT - rest.len();
    put(&text[..len])
}

/// How the member at `at`, of this score, stands to a place.
fn order(list: &Listpack, at: Position, score: f64, place: Place<'_>) -> Ordering {
    match score.partial_cmp(&place.score) {
        Some(Ordering::Less) => Ordering::Less,
        Some(Ordering::Greater) => Ordering::Greater,
        _ => list.get(at).as_bytes(&mut itoa::Buffer::new()).cmp(place.text),
    }
}

/// The position of a member.
fn find(list: &Listpack, text: &[u8]) -> Option<Position> {
    list.find(list.first(), text, 1)
}

/// The score behind the member at this position.
fn score_after(list: &Listpack, member: Position) -> Option<f64> {
    list.next(member).map(|at| score_of(list.get(at)))
}

/// The score of a member.
pub(super) fn score(list: &Listpack, text: &[u8]) -> Option<f64> {
    score_after(list, find(list, text)?)
}

/// How many members are before this one, and its score.
pub(super) fn rank(list: &Listpack, text: &[u8]) -> Option<(usize, f64)> {
    let found = find(list, text)?;
    let before = list.positions().take_while(|&at| at != found).count();
    Some((before / 2, score_after(list, found)?))
}

/// Gives a member the score that `decide` makes of the one that it has. Whether it may be added
/// is the caller's business.
pub(super) fn set(list: &mut Listpack, text: &[u8], old: Option<f64>, score: f64) -> Change {
    match old {
        Some(old) if old == score => return Change::None,
        Some(_) => {
            if let Some(at) = find(list, text) {
                list.remove_run(at, 2);
            }
            insert(list, text, score);
            return Change::Moved;
        }
        None => insert(list, text, score),
    }
    Change::Added
}

/// Adds a member that is not in yet.
pub(super) fn insert(list: &mut Listpack, text: &[u8], score: f64) {
    match place_for(list, Place { score, text }) {
        None => {
            list.push_back(text);
            with_score(score, |element| list.push_back(element));
        }
        Some(at) => {
            let at = list.insert_before(at, text);
            with_score(score, |element| list.insert_after(at, element));
        }
    }
}

/// Before which member one at `place` belongs; `None` for the end.
fn place_for(list: &Listpack, place: Place<'_>) -> Option<Position> {
    // Many sets grow at their end.
    let last = list.last()?;
    let behind = list.prev(last).map(|at| order(list, at, score_of(list.get(last)), place));
    if behind == Some(Ordering::Less) {
        return None;
    }
    let mut at = list.first();
    while let Some(member) = at {
        let score = list.next(member)?;
        if order(list, member, score_of(list.get(score)), place).is_gt() {
            return Some(member);
        }
        at = list.next(score);
    }
    None
}

/// Takes a member out.
pub(super) fn remove(list: &mut Listpack, text: &[u8]) -> Option<f64> {
    let at = find(list, text)?;
    let score = score_after(list, at);
    list.remove_run(at, 2);
    score
}

/// Takes the members of these ranks out.
pub(super) fn remove_range(list: &mut Listpack, ranks: Range<usize>) {
    if let Some(from) = position(list, ranks.start) {
        list.remove_run(from, 2 * ranks.len());
    }
}

/// How many members are before the first of which `before` does not hold.
pub(super) fn partition(list: &Listpack, before: impl Fn(Item<'_>, f64) -> bool) -> usize {
    range(list, 0..usize::MAX).take_while(|&(member, score)| before(member, score)).count()
}

fn position(list: &Listpack, rank: usize) -> Option<Position> {
    list.seek(i64::try_from(rank).ok()?.checked_mul(2)?)
}

/// The members of these ranks.
pub(super) fn range(list: &Listpack, ranks: Range<usize>) -> Pairs<'_> {
    let to = ranks.end.min(list.len() / 2);
    let from = ranks.start.min(to);
    if from == to {
        return Pairs { list, front: None, back: None, left: 0 };
    }
    let back = if to == list.len() / 2 {
        list.last()
    } else {
        position(list, to).and_then(|at| list.prev(at))
    };
    Pairs { list, front: position(list, from), back, left: to - from }
}

/// Members and scores of a listpack in order.
#[derive(Clone)]
pub(super) struct Pairs<'a> {
    list: &'a Listpack,
    /// The next member.
    front: Option<Position>,
    /// The score of the last member.
    back: Option<Position>,
    left: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Item<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let member = self.front?;
        let score = self.list.next(member)?;
        self.front = self.list.next(score);
        Some((self.list.get(member), score_of(self.list.get(score))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let score = self.back?;
        let member = self.list.prev(score)?;
        self.back = self.list.prev(member);
        Some((self.list.get(member), score_of(self.list.get(score))))
    }
}
