use std::collections::{BTreeMap, HashMap};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

static HASHER: Hasher = Hasher::with_seeds([1, 2, 3, 4]);

fn limits(entries: usize) -> Limits<'static> {
    Limits { listpack_entries: entries, listpack_value: 16, hasher: &HASHER }
}

/// A score with a total order, for the model.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Score(f64);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Score) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Score) -> std::cmp::Ordering {
        self.0.partial_cmp(&other.0).expect("no NaN")
    }
}

#[derive(Default)]
struct Model {
    scores: HashMap<Vec<u8>, f64>,
    order: BTreeMap<(Score, Vec<u8>), ()>,
}

impl Model {
    fn insert(&mut self, text: &[u8], score: f64) {
        match self.scores.get(text) {
            Some(&old) if old == score => return,
            Some(&old) => drop(self.order.remove(&(Score(old), text.to_vec()))),
            None => {}
        }
        self.scores.insert(text.to_vec(), score);
        self.order.insert((Score(score), text.to_vec()), ());
    }

    fn remove(&mut self, text: &[u8]) -> Option<f64> {
        let score = self.scores.remove(text)?;
        self.order.remove(&(Score(score), text.to_vec()));
        Some(score)
    }

    fn all(&self) -> Vec<(Vec<u8>, f64)> {
        self.order.keys().map(|(score, text)| (text.clone(), score.0)).collect()
    }
}

fn all(set: &Zset) -> Vec<(Vec<u8>, f64)> {
    set.iter().map(|(member, score)| (member.to_vec(), score)).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>, f64),
    Remove(Vec<u8>),
    RemoveRange(usize, usize),
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0..60_u8).prop_map(|n| n.to_string().into_bytes()),
        4 => vec(any::<u8>(), 0..4),
        1 => vec(any::<u8>(), 10..20),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-3..4_i8).prop_map(f64::from),
        2 => any::<f64>().prop_filter("scores are numbers", |score| !score.is_nan()),
        1 => prop::sample::select(vec![-0.0, f64::INFINITY, f64::NEG_INFINITY, 0.1, 4e18, 5e18]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (text(), score()).prop_map(|(text, score)| Step::Insert(text, score)),
        2 => text().prop_map(Step::Remove),
        1 => (0..50_usize, 0..9_usize).prop_map(|(from, count)| Step::RemoveRange(from, count)),
    ]
}

fn check_ranges(set: &Zset, model: &Model, bounds: (f64, f64), open: (bool, bool)) {
    let expected = model.all();
    let range = ScoreRange { min: bounds.0, max: bounds.1, above_min: open.0, below_max: open.1 };
    let inside = |score: f64| {
        (if open.0 { score > bounds.0 } else { score >= bounds.0 })
            && (if open.1 { score < bounds.1 } else { score <= bounds.1 })
    };
    let found: Vec<_> =
        set.range(set.ranks_by_score(&range)).map(|(m, score)| (m.to_vec(), score)).collect();
    let wanted: Vec<_> = expected.iter().filter(|(_, score)| inside(*score)).cloned().collect();
    assert_eq!(found, wanted);
}

fn run(steps: Vec<Step>, entries: usize, bounds: (f64, f64), open: (bool, bool)) {
    let (mut set, mut model) = (Zset::new(), Model::default());
    let mut was_sorted = false;
    for step in steps {
        match step {
            Step::Insert(text, score) => {
                let known = model.scores.get(&text).copied();
                was_sorted |= known.is_none() && (set.len() >= entries || text.len() > 16);
                let change = set.insert(&text, score, limits(entries));
                let expected = match known {
                    None => Change::Added,
                    Some(old) if old == score => Change::None,
                    Some(_) => Change::Moved,
                };
                assert_eq!(change, expected);
                model.insert(&text, score);
            }
            Step::Remove(text) => assert_eq!(set.remove(&text), model.remove(&text)),
            Step::RemoveRange(from, count) => {
                set.remove_range(from..from + count);
                let gone: Vec<_> = model.all().into_iter().skip(from).take(count).collect();
                for (text, _) in gone {
                    model.remove(&text);
                }
            }
        }
        assert_eq!(set.len(), model.scores.len());
        assert_eq!(set.encoding(), if was_sorted { "skiplist" } else { "listpack" });
    }
    let expected = model.all();
    assert_eq!(all(&set), expected);
    let mut backwards: Vec<_> = set.iter().rev().map(|(m, score)| (m.to_vec(), score)).collect();
    backwards.reverse();
    assert_eq!(backwards, expected);
    for (rank, (text, score)) in expected.iter().enumerate() {
        assert_eq!(set.rank(text), Some((rank, *score)));
        assert_eq!(
            set.get(rank).map(|(m, score)| (m.to_vec(), score)),
            Some((text.clone(), *score))
        );
    }
    check_ranges(&set, &model, bounds, open);
    let copy = set.duplicate();
    assert_eq!((all(&copy), copy.encoding()), (expected.clone(), set.encoding()));
    let mut scanned = BTreeMap::new();
    let mut cursor = 0;
    loop {
        cursor = set.scan(cursor, |m, score| {
            scanned.insert(m.to_vec(), score);
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(scanned, expected.into_iter().collect::<BTreeMap<_, _>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

    #[test]
    fn behaves_as_a_map_with_an_order(
        steps in vec(step(), 1..if cfg!(miri) { 25 } else { 160 }),
        entries in prop::sample::select(vec![0, 1, 8, 1_000]),
        bounds in (score(), score()),
        open in (any::<bool>(), any::<bool>()),
    ) {
        run(steps, entries, bounds, open);
    }

    #[test]
    fn ranges_of_texts(
        texts in vec(text(), 0..if cfg!(miri) { 20 } else { 80 }),
        entries in prop::sample::select(vec![0, 1_000]),
        ends in (text(), text()),
        kinds in (0..4_u8, 0..4_u8),
    ) {
        let bound = |kind, text| match kind {
            0 => LexBound::Lowest,
            1 => LexBound::Highest,
            2 => LexBound::Included(text),
            _ => LexBound::Excluded(text),
        };
        let range = LexRange { min: bound(kinds.0, &ends.0), max: bound(kinds.1, &ends.1) };
        let mut set = Zset::new();
        let mut model = std::collections::BTreeSet::new();
        for text in texts {
            set.insert(&text, 7.0, limits(entries));
            model.insert(text);
        }
        let found: Vec<_> =
            set.range(set.ranks_by_lex(&range)).map(|(member, _)| member.to_vec()).collect();
        let above = |text: &Vec<u8>| match range.min {
            LexBound::Lowest => true,
            LexBound::Highest => false,
            LexBound::Included(end) => text.as_slice() >= end,
            LexBound::Excluded(end) => text.as_slice() > end,
        };
        let below = |text: &Vec<u8>| match range.max {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Included(end) => text.as_slice() <= end,
            LexBound::Excluded(end) => text.as_slice() < end,
        };
        let wanted: Vec<_> =
            model.into_iter().filter(|text| above(text) && below(text)).collect();
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn it_is_two_words() {
    assert!(size_of::<Zset>() <= 16);
    fn is_send<T: Send>() {}
    is_send::<Zset>();
}

#[test]
#[cfg_attr(miri, ignore = "counts bytes for long, over code that the other tests go through")]
fn bytes_are_what_is_allocated() {
    let mut set = Zset::new();
    let empty = set.bytes();
    for n in 0..2_000_u32 {
        set.insert(format!("member:{n:010}").as_bytes(), f64::from(n % 7), limits(128));
    }
    let full = set.bytes();
    assert!(full > 2_000 * 40 && full < 2_000 * 160, "{full}");
    set.remove_range(0..1_999);
    assert!(set.bytes() < full / 20, "{}", set.bytes());
    set.remove_range(0..1);
    assert!(set.is_empty() && set.bytes() < empty + 1_024);
}

#[test]
fn a_score_that_a_listpack_cannot_spell_counts_as_zero() {
    let mut list = Listpack::new();
    list.push_back(b"m");
    list.push_back(b"no number");
    assert_eq!(packed::score(&list, b"m"), Some(0.0));
}
