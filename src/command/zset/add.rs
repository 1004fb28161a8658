//! ZADD and ZINCRBY.

use super::limits;
use super::score::score_at;
use crate::command::{Args, CommandError, CommandResult, Effect, Key, Write, require};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::zset::{Change, Zset};

const ZADD: Event = Event::sorted_set("zadd");
const ZINCR: Event = Event::sorted_set("zincr");

/// Pairs of score and member that are read without an allocation.
const FEW: usize = 8;

/// The options of ZADD, which GEOADD has in part.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::command) struct AddOptions {
    /// Only members that are new.
    pub(in crate::command) nx: bool,
    /// Only members that are in.
    pub(in crate::command) xx: bool,
    /// Only greater scores.
    gt: bool,
    /// Only lower scores.
    lt: bool,
    /// Count those that changed as well.
    pub(in crate::command) ch: bool,
    /// Add to the score.
    incr: bool,
}

/// What became of the members of one request.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    added: usize,
    moved: usize,
    /// The score of the last member that the options let through.
    score: Option<f64>,
    /// A sum that is no number.
    is_nan: bool,
}

impl AddOptions {
    /// Reads further options from argument 2 on, and tells where they end.
    fn parse(self, args: Args<'_>) -> (AddOptions, usize) {
        let mut options = self;
        let mut at = 2;
        while at < args.len() {
            match () {
                () if args.is(at, "NX") => options.nx = true,
                () if args.is(at, "XX") => options.xx = true,
                () if args.is(at, "CH") => options.ch = true,
                () if args.is(at, "INCR") => options.incr = true,
                () if args.is(at, "GT") => options.gt = true,
                () if args.is(at, "LT") => options.lt = true,
                () => break,
            }
            at += 1;
        }
        (options, at)
    }

    /// Fails if options exclude each other, with so many pairs of score and member.
    pub(in crate::command) fn check(&self, pairs: usize) -> CommandResult {
        if self.nx && self.xx {
            return Err(CommandError::XX_WITH_NX);
        }
        if self.nx && (self.gt || self.lt) || self.gt && self.lt {
            return Err(CommandError::GT_LT_NX);
        }
        if self.incr && pairs > 1 {
            return Err(CommandError::INCR_ONE_PAIR);
        }
        Ok(())
    }

    /// The score that a member shall have which has `old` now, if the options let it through.
    fn decide(&self, old: Option<f64>, given: f64) -> Option<f64> {
        let Some(old) = old else { return (!self.xx).then_some(given) };
        let score = if self.incr { old + given } else { given };
        let refused = self.nx || self.gt && score <= old || self.lt && score >= old;
        (!refused).then_some(score)
    }

    fn apply(&self, set: &mut Zset, member: &[u8], given: f64, cx: &super::Limits<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let change = set.update(member, *cx, |old| {
            let decided = self.decide(old, given);
            outcome.is_nan = decided.is_some_and(f64::is_nan);
            outcome.score = decided;
            decided.filter(|_| !outcome.is_nan)
        });
        outcome.added = usize::from(change == Change::Added);
        outcome.moved = usize::from(change == Change::Moved);
        outcome
    }
}

/// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]
pub(super) fn zadd(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    add_pairs(cx, args, AddOptions::default(), out)
}

/// ZINCRBY key increment member
pub(super) fn zincrby(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    // Words of options are none here in a sound request: then nothing is left to be a pair.
    add_pairs(cx, args, AddOptions { incr: true, ..AddOptions::default() }, out)
}

/// Adds the pairs of score and member behind the options.
fn add_pairs(
    cx: &mut Write<'_>,
    args: Args<'_>,
    given: AddOptions,
    out: &mut Writer<'_>,
) -> CommandResult {
    let (options, from) = given.parse(args);
    let rest = args.len() - from;
    require(rest > 0 && rest.is_multiple_of(2))?;
    options.check(rest / 2)?;
    let (mut few, mut many) = ([0.0; FEW], Vec::new());
    let scores = match few.get_mut(..rest / 2) {
        Some(few) => few,
        None => {
            many.resize(rest / 2, 0.0);
            &mut many[..]
        }
    };
    for (score, at) in scores.iter_mut().zip((from..).step_by(2)) {
        *score = score_at(args, at)?;
    }
    let members = scores.iter().zip((from + 1..).step_by(2)).map(|(score, at)| (*score, &args[at]));
    add(cx, &args.key(1), options, members, args, out)
}

/// Gives members their scores as the options say, states the change and replies.
pub(in crate::command) fn add<'m>(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    options: AddOptions,
    members: impl Iterator<Item = (f64, &'m [u8])> + Clone,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let limits = limits(cx);
    let edited = cx.edit_or_create(key, |set: &mut Zset| {
        let mut total = Outcome::default();
        if options.xx && set.is_empty() {
            return total;
        }
        let (count, longest) = members
            .clone()
            .fold((0, 0), |(count, longest), (_, member)| (count + 1, member.len().max(longest)));
        set.expect_members(count, longest, limits);
        for (given, member) in members {
            let one = options.apply(set, member, given, &limits);
            total.added += one.added;
            total.moved += one.moved;
            (total.score, total.is_nan) = (one.score, one.is_nan);
        }
        total
    })?;
    let outcome = edited.result;
    if outcome.is_nan {
        return Err(CommandError::SCORE_IS_NAN);
    }
    if outcome.added + outcome.moved > 0 {
        let event = if options.incr { ZINCR } else { ZADD };
        cx.changed(key, event, Effect::Verbatim(args));
    }
    match outcome.score {
        _ if !options.incr => {
            out.int((outcome.added + if options.ch { outcome.moved } else { 0 }) as i64);
        }
        Some(score) => out.double(score),
        None => out.null(),
    }
    Ok(())
}
