//! The elements of a SORT in one arena, their weights, and the order that follows.

use std::cmp::Ordering;
use std::ops::Range;

use crate::command::{CommandError, CommandResult};
use crate::value::listpack::Item;

/// What Redis says of a weight that is no number.
const NOT_NUMBERS: CommandError =
    CommandError::fixed("ERR One or more scores can't be converted into double");
/// More elements than can be numbered here.
const TOO_MANY: CommandError = CommandError::fixed("ERR too many elements to sort");

/// How elements are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By their weights as numbers, equal ones by their bytes.
    Numbers,
    /// By their weights as texts.
    Texts,
    /// By their own bytes, whatever was asked for.
    Members,
    /// As they come.
    AsIs,
}

/// How texts are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// All bytes.
    Bytes,
    /// As the C locale collates strings: up to the first NUL.
    Collated,
}

impl Text {
    fn compare(self, a: &[u8], b: &[u8]) -> Ordering {
        match self {
            Text::Bytes => a.cmp(b),
            Text::Collated => until_nul(a).cmp(until_nul(b)),
        }
    }
}

fn until_nul(text: &[u8]) -> &[u8] {
    &text[..memchr::memchr(0, text).unwrap_or(text.len())]
}

/// What an element is ordered by.
#[derive(Clone)]
enum Weight {
    Nothing,
    Number(f64),
    Text(Range<usize>),
}

struct Element {
    /// Where its bytes are in the arena.
    bytes: Range<usize>,
    /// The integer that it is.
    integer: Option<i64>,
    weight: Weight,
}

/// Elements, with their bytes and the texts of their weights in one arena.
#[derive(Default)]
pub(super) struct Elements {
    arena: Vec<u8>,
    elements: Vec<Element>,
}

impl Elements {
    /// Adds copies of elements.
    pub(super) fn extend<'a>(&mut self, items: impl Iterator<Item = Item<'a>>) -> CommandResult {
        items.for_each(|item| self.push(item));
        self.check_count()
    }

    /// Adds a copy of an element. Call [`Elements::check_count`] when all are added.
    pub(super) fn push(&mut self, item: Item<'_>) {
        let integer = match item {
            Item::Int(n) => Some(n),
            Item::Bytes(_) => None,
        };
        let bytes = self.keep(item.as_bytes(&mut itoa::Buffer::new()));
        self.elements.push(Element { bytes, integer, weight: Weight::Nothing });
    }

    /// Fails if there are more than an index can say.
    pub(super) fn check_count(&self) -> CommandResult {
        if u32::try_from(self.elements.len()).is_ok() { Ok(()) } else { Err(TOO_MANY) }
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        start..self.arena.len()
    }

    /// The indexes of all, in the order in which they came.
    pub(super) fn indexes(&self) -> Vec<u32> {
        (0..self.elements.len() as u32).collect()
    }

    /// An element.
    pub(super) fn get(&self, index: u32) -> Item<'_> {
        let element = &self.elements[index as usize];
        element.integer.map_or_else(|| Item::Bytes(self.bytes(element)), Item::Int)
    }

    fn bytes(&self, element: &Element) -> &[u8] {
        &self.arena[element.bytes.clone()]
    }

    /// Weighs all by the numbers that they are.
    pub(super) fn weigh_by_themselves(&mut self) -> CommandResult {
        for at in 0..self.elements.len() {
            let element = &self.elements[at];
            let number = match element.integer {
                Some(n) => n as f64,
                None => number(self.bytes(element)).ok_or(NOT_NUMBERS)?,
            };
            self.elements[at].weight = Weight::Number(number);
        }
        Ok(())
    }

    /// Weighs an element by nothing: as a number that is 0, as a text less than any.
    pub(super) fn weigh_nothing(&mut self, index: u32) {
        self.elements[index as usize].weight = Weight::Nothing;
    }

    /// Weighs an element by an integer.
    pub(super) fn weigh_int(&mut self, index: u32, n: i64, order: Order) -> CommandResult {
        if order == Order::Numbers {
            self.elements[index as usize].weight = Weight::Number(n as f64);
            return Ok(());
        }
        self.weigh(index, itoa::Buffer::new().format(n).as_bytes(), order)
    }

    /// Weighs an element by a text, or by the number that it is.
    pub(super) fn weigh(&mut self, index: u32, text: &[u8], order: Order) -> CommandResult {
        let weight = match order {
            Order::Numbers => Weight::Number(number(text).ok_or(NOT_NUMBERS)?),
            _ => Weight::Text(self.keep(text)),
        };
        self.elements[index as usize].weight = weight;
        Ok(())
    }

    /// Sorts indexes. Texts are compared by weights if there is a pattern to sort `by`, else
    /// the elements' own; the sort is stable.
    pub(super) fn sort(
        &self,
        indexes: &mut [u32],
        order: Order,
        by: bool,
        text: Text,
        descending: bool,
    ) {
        let own = |index: &u32| self.bytes(&self.elements[*index as usize]);
        let weight = |index: &u32| &self.elements[*index as usize].weight;
        let compare = |a: &u32, b: &u32| match order {
            Order::AsIs => Ordering::Equal,
            Order::Members => own(a).cmp(own(b)),
            Order::Numbers => {
                value(weight(a)).total_cmp(&value(weight(b))).then_with(|| own(a).cmp(own(b)))
            }
            Order::Texts if !by => text.compare(own(a), own(b)),
            Order::Texts => self.compare_texts(weight(a), weight(b), text),
        };
        if order != Order::AsIs {
            indexes.sort_by(|a, b| if descending { compare(b, a) } else { compare(a, b) });
        }
    }

    fn compare_texts(&self, a: &Weight, b: &Weight, text: Text) -> Ordering {
        match (a, b) {
            (Weight::Text(a), Weight::Text(b)) => {
                text.compare(&self.arena[a.clone()], &self.arena[b.clone()])
            }
            (Weight::Text(_), _) => Ordering::Greater,
            (_, Weight::Text(_)) => Ordering::Less,
            _ => Ordering::Equal,
        }
    }
}

/// A weight as a number, with one zero only.
fn value(weight: &Weight) -> f64 {
    match weight {
        // The sum is what makes -0 0.
        Weight::Number(number) => number + 0.0,
        _ => 0.0,
    }
}

/// The number that a text is, by Valkey's rules: decimal or `inf`, up to the first NUL, and
/// neither too large nor too small for a float that is not infinite and not zero.
fn number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(until_nul(text)).ok()?;
    let number: f64 = text.parse().ok()?;
    let digits = text.split(['e', 'E']).next().unwrap_or_default();
    let overflows = number.is_infinite() && digits.contains(|c: char| c.is_ascii_digit());
    let underflows = number == 0.0 && digits.contains(|c: char| matches!(c, '1'..='9'));
    (!number.is_nan() && !overflows && !underflows).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_those_of_the_reference() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("+1", Some(1.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("00012", Some(12.0)),
            ("1E5", Some(1e5)),
            ("1e-320", Some(1e-320)),
            ("0e999", Some(0.0)),
            ("inf", Some(f64::INFINITY)),
            ("+inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("1\0x", Some(1.0)),
            ("12345678901234567890123", Some(12_345_678_901_234_567_890_123.0)),
            ("", None),
            (" 1", None),
            ("1 ", None),
            (".", None),
            ("1e", None),
            ("e5", None),
            ("1_0", None),
            ("0x10", None),
            ("nan", None),
            ("-nan", None),
            ("1e400", None),
            ("-1e400", None),
            ("1e-400", None),
            ("+-1", None),
            ("1f", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(number(b"1\xff"), None);
    }
}
