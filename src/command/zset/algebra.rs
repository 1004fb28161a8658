//! Unions, intersections and differences: ZUNION, ZINTER, ZDIFF, their STORE forms, ZINTERCARD.
//!
//! Sets take part with scores of 1. Sources are taken smallest first, but for differences, so that
//! sums of doubles come out as in Redis.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{head, limits, reply_pair, store};
use crate::command::{Args, CommandError, CommandResult, Key, Read, Write, parse_integer, require};
use crate::keyspace::{Collection, EntryRef, Event};
use crate::resp::Writer;
use crate::value::listpack::Item;
use crate::value::set::Set;
use crate::value::zset::Zset;

const ZUNIONSTORE: Event = Event::sorted_set("zunionstore");
const ZINTERSTORE: Event = Event::sorted_set("zinterstore");
const ZDIFFSTORE: Event = Event::sorted_set("zdiffstore");

/// Which members of the sources the result has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// How the scores of one member in several sources become one.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn of(self, so_far: f64, score: f64) -> f64 {
        match self {
            // Opposite infinities cancel out.
            Aggregate::Sum => number(so_far + score),
            Aggregate::Min => {
                if score < so_far {
                    score
                } else {
                    so_far
                }
            }
            Aggregate::Max => {
                if score > so_far {
                    score
                } else {
                    so_far
                }
            }
        }
    }
}

/// NaN counts as 0.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// A key that takes part.
#[derive(Clone, Copy)]
enum Source<'a> {
    Missing,
    Set(&'a Set),
    Zset(&'a Zset),
}

impl<'a> Source<'a> {
    fn of(entry: Option<EntryRef<'a>>) -> Result<Source<'a>, CommandError> {
        let Some(entry) = entry else { return Ok(Source::Missing) };
        let object = entry.object().ok_or(CommandError::WRONG_TYPE)?;
        let zset = Zset::of(object).map(Source::Zset);
        zset.or_else(|| Set::of(object).map(Source::Set)).ok_or(CommandError::WRONG_TYPE)
    }

    fn len(self) -> usize {
        match self {
            Source::Missing => 0,
            Source::Set(set) => set.len(),
            Source::Zset(zset) => zset.len(),
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Missing => None,
            Source::Set(set) => set.contains(member).then_some(1.0),
            Source::Zset(zset) => zset.score(member),
        }
    }

    fn for_each(self, mut visit: impl FnMut(Item<'a>, f64)) {
        match self {
            Source::Missing => {}
            Source::Set(set) => set.iter().for_each(|member| visit(member, 1.0)),
            Source::Zset(zset) => zset.iter().for_each(|(member, score)| visit(member, score)),
        }
    }
}

fn text_of(item: Item<'_>) -> Cow<'_, [u8]> {
    match item {
        Item::Bytes(bytes) => Cow::Borrowed(bytes),
        Item::Int(_) => Cow::Owned(item.to_vec()),
    }
}

/// Members of a result with their scores.
type Members<'a> = Vec<(Cow<'a, [u8]>, f64)>;

/// The sources of a request, each with the number that its scores are multiplied by.
struct Sources<'a>(Vec<(Source<'a>, f64)>);

impl<'a> Sources<'a> {
    fn weighted(entries: Vec<Source<'a>>, weights: &[f64]) -> Sources<'a> {
        let weight = |at: usize| weights.get(at).copied().unwrap_or(1.0);
        Sources(entries.into_iter().enumerate().map(|(at, source)| (source, weight(at))).collect())
    }

    fn run(mut self, options: &Options, rng: &mut fastrand::Rng) -> Members<'a> {
        if options.operation != Operation::Difference {
            self.0.sort_by_key(|(source, _)| source.len());
        }
        let mut members = match options.operation {
            Operation::Union => self.union(options.aggregate, rng),
            Operation::Intersection => self.intersection(options.aggregate),
            Operation::Difference => self.difference(),
        };
        members.sort_unstable_by(|(text, score), (other_text, other_score)| {
            let by_score = score.partial_cmp(other_score).unwrap_or(std::cmp::Ordering::Equal);
            by_score.then_with(|| text.cmp(other_text))
        });
        members
    }

    fn union(&self, aggregate: Aggregate, rng: &mut fastrand::Rng) -> Members<'a> {
        let seeds = [(); 4].map(|()| rng.u64(..));
        let state = ahash::RandomState::with_seeds(seeds[0], seeds[1], seeds[2], seeds[3]);
        let mut scores: HashMap<Cow<'a, [u8]>, f64, _> = HashMap::with_hasher(state);
        for &(source, weight) in &self.0 {
            source.for_each(|member, score| {
                let score = number(weight * score);
                scores
                    .entry(text_of(member))
                    .and_modify(|so_far| *so_far = aggregate.of(*so_far, score))
                    .or_insert(score);
            });
        }
        scores.into_iter().collect()
    }

    fn intersection(&self, aggregate: Aggregate) -> Members<'a> {
        let mut members = Members::new();
        let Some(((first, weight), rest)) = self.0.split_first() else { return members };
        first.for_each(|member, score| {
            let text = text_of(member);
            let start = number(weight * score);
            let total = rest.iter().try_fold(start, |so_far, (other, weight)| {
                // Only of the first one NaN counts as 0 at once, as in Redis.
                Some(aggregate.of(so_far, weight * other.score(&text)?))
            });
            members.extend(total.map(|score| (text, score)));
        });
        members
    }

    fn difference(&self) -> Members<'a> {
        let mut members = Members::new();
        let Some(((first, _), rest)) = self.0.split_first() else { return members };
        first.for_each(|member, score| {
            let text = text_of(member);
            if rest.iter().all(|(other, _)| other.score(&text).is_none()) {
                members.push((text, score));
            }
        });
        members
    }

    /// How many members all sources have, counted up to `most` (0: all).
    fn count_common(mut self, most: usize) -> usize {
        self.0.sort_by_key(|(source, _)| source.len());
        let mut count = 0;
        let Some(((first, _), rest)) = self.0.split_first() else { return 0 };
        let mut digits = itoa::Buffer::new();
        let common = |text: &[u8]| rest.iter().all(|(other, _)| other.score(text).is_some());
        match *first {
            Source::Missing => {}
            Source::Zset(zset) => {
                for (member, _) in zset.iter() {
                    count += usize::from(common(member.as_bytes(&mut digits)));
                    if count == most && most > 0 {
                        break;
                    }
                }
            }
            Source::Set(set) => {
                for member in set.iter() {
                    count += usize::from(common(member.as_bytes(&mut digits)));
                    if count == most && most > 0 {
                        break;
                    }
                }
            }
        }
        count
    }
}

/// What stands behind the keys.
struct Options {
    operation: Operation,
    aggregate: Aggregate,
    weights: Vec<f64>,
    with_scores: bool,
}

impl Options {
    fn parse(
        args: Args<'_>,
        mut at: usize,
        keys: usize,
        operation: Operation,
        replies: bool,
    ) -> Result<Options, CommandError> {
        let mut options = Options {
            operation,
            aggregate: Aggregate::Sum,
            weights: Vec::new(),
            with_scores: false,
        };
        let combines = operation != Operation::Difference;
        while at < args.len() {
            let left = args.len() - at;
            match () {
                () if combines && left > keys && args.is(at, "WEIGHTS") => {
                    let weight = |at| {
                        args.get(at)
                            .and_then(super::score::parse_score)
                            .ok_or(CommandError::WEIGHT_NOT_A_FLOAT)
                    };
                    options.weights = (at + 1..=at + keys).map(weight).collect::<Result<_, _>>()?;
                    at += keys;
                }
                () if combines && left >= 2 && args.is(at, "AGGREGATE") => {
                    options.aggregate = match () {
                        () if args.is(at + 1, "SUM") => Aggregate::Sum,
                        () if args.is(at + 1, "MIN") => Aggregate::Min,
                        () if args.is(at + 1, "MAX") => Aggregate::Max,
                        () => return Err(CommandError::SYNTAX),
                    };
                    at += 1;
                }
                () if replies && args.is(at, "WITHSCORES") => options.with_scores = true,
                () => return Err(CommandError::SYNTAX),
            }
            at += 1;
        }
        Ok(options)
    }
}

/// How many keys follow the number at `at`.
fn number_of_keys(cx: &Read<'_>, args: Args<'_>, at: usize) -> Result<usize, CommandError> {
    let number = args.get(at).and_then(parse_integer).ok_or(CommandError::NOT_AN_INTEGER)?;
    if number < 1 {
        return Err(super::no_input_key(cx.call().command.name));
    }
    let keys = usize::try_from(number).map_err(|_| CommandError::SYNTAX)?;
    require(keys < args.len() - at)?;
    Ok(keys)
}

fn keys_at(args: Args<'_>, from: usize, keys: usize) -> Vec<Key<'_>> {
    (from..from + keys).map(|at| args.key(at)).collect()
}

fn sources<'c>(cx: &'c mut Read<'_>, keys: &[Key<'_>]) -> Result<Vec<Source<'c>>, CommandError> {
    cx.lookup_all(keys).into_iter().map(Source::of).collect()
}

/// ZUNION numkeys key [key …] [WEIGHTS weight [weight …]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
pub(super) fn zunion(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    reply(cx, args, Operation::Union, out)
}

/// ZINTER, with the arguments of ZUNION
pub(super) fn zinter(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    reply(cx, args, Operation::Intersection, out)
}

/// ZDIFF numkeys key [key …] [WITHSCORES]
pub(super) fn zdiff(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    reply(cx, args, Operation::Difference, out)
}

fn reply(
    cx: &mut Read<'_>,
    args: Args<'_>,
    operation: Operation,
    out: &mut Writer<'_>,
) -> CommandResult {
    let keys = number_of_keys(cx, args, 1)?;
    let mut rng = cx.rng().fork();
    let sources = sources(cx, &keys_at(args, 2, keys))?;
    let options = Options::parse(args, 2 + keys, keys, operation, true)?;
    let members = Sources::weighted(sources, &options.weights).run(&options, &mut rng);
    head(members.len(), options.with_scores, out);
    for (text, score) in &members {
        reply_pair(Item::Bytes(text), *score, options.with_scores, out);
    }
    Ok(())
}

/// ZUNIONSTORE destination numkeys key [key …] [WEIGHTS …] [AGGREGATE …]
pub(super) fn zunionstore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    store_result(cx, args, Operation::Union, ZUNIONSTORE, out)
}

/// ZINTERSTORE destination numkeys key [key …] [WEIGHTS …] [AGGREGATE …]
pub(super) fn zinterstore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    store_result(cx, args, Operation::Intersection, ZINTERSTORE, out)
}

/// ZDIFFSTORE destination numkeys key [key …]
pub(super) fn zdiffstore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    store_result(cx, args, Operation::Difference, ZDIFFSTORE, out)
}

fn store_result(
    cx: &mut Write<'_>,
    args: Args<'_>,
    operation: Operation,
    event: Event,
    out: &mut Writer<'_>,
) -> CommandResult {
    let keys = number_of_keys(cx, args, 2)?;
    let limits = limits(cx);
    let mut rng = cx.rng().fork();
    let sources = sources(cx, &keys_at(args, 3, keys))?;
    let options = Options::parse(args, 3 + keys, keys, operation, false)?;
    let members = Sources::weighted(sources, &options.weights).run(&options, &mut rng);
    let longest = members.iter().map(|(text, _)| text.len()).max().unwrap_or(0);
    let mut result = Zset::for_members(members.len(), longest, limits);
    for (text, score) in &members {
        result.insert(text, *score, limits);
    }
    drop(members);
    store(cx, &args.key(1), result, event, args, out);
    Ok(())
}

/// ZINTERCARD numkeys key [key …] [LIMIT limit]
pub(super) fn zintercard(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let keys = number_of_keys(cx, args, 1)?;
    let sources = sources(cx, &keys_at(args, 2, keys))?;
    let mut most = 0;
    let mut at = 2 + keys;
    while at < args.len() {
        require(args.is(at, "LIMIT") && at + 1 < args.len())?;
        let limit = args.get(at + 1).and_then(parse_integer);
        most = limit
            .and_then(|limit| usize::try_from(limit).ok())
            .ok_or(CommandError::NEGATIVE_LIMIT)?;
        at += 2;
    }
    out.int(Sources::weighted(sources, &[]).count_common(most) as i64);
    Ok(())
}
