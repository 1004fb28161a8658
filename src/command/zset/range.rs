//! Commands on ranges: ZRANGE and what came before it, ZRANGESTORE, ZCOUNT, ZLEXCOUNT, ZREMRANGEBY….
//!
//! Whatever a range is given by, it is a range of ranks in the end.

use std::ops::Range;

use super::score::{lex_range, score_range};
use super::{limits, reply_members};
use crate::command::{Args, CommandError, CommandResult, Effect, Fate, Read, Write};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::listpack::Item;
use crate::value::zset::{LexRange, ScoreRange, Zset};

const ZRANGESTORE: Event = Event::sorted_set("zrangestore");
const ZREMRANGEBYRANK: Event = Event::sorted_set("zremrangebyrank");
const ZREMRANGEBYSCORE: Event = Event::sorted_set("zremrangebyscore");
const ZREMRANGEBYLEX: Event = Event::sorted_set("zremrangebylex");

/// The count of LIMIT that takes all.
const ALL: i64 = -1;

/// What a range is given by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// In which order a range is given and replied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Reverse,
}

/// The two ends of a range.
enum Ends<'a> {
    Ranks(i64, i64),
    Scores(ScoreRange),
    Lex(LexRange<'a>),
}

/// A range as a request describes it.
struct Request<'a> {
    ends: Ends<'a>,
    direction: Direction,
    /// How many to pass over and how many to take at most (negative: all).
    limit: Option<(i64, i64)>,
    with_scores: bool,
}

/// The two ends of ranks, negative ones counted from the end, as ranks of a set of `len` members.
fn normalized(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_start = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
    let start = from_start(start).max(0);
    let end = from_start(end).min(len - 1);
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

impl<'a> Ends<'a> {
    fn parse(by: By, min: &'a [u8], max: &'a [u8]) -> Result<Ends<'a>, CommandError> {
        let rank = |text| crate::command::parse_integer(text).ok_or(CommandError::NOT_AN_INTEGER);
        Ok(match by {
            By::Rank => Ends::Ranks(rank(min)?, rank(max)?),
            By::Score => Ends::Scores(score_range(min, max)?),
            By::Lex => Ends::Lex(lex_range(min, max)?),
        })
    }

    /// The ranks between the ends, ascending.
    fn ranks(&self, set: &Zset) -> Range<usize> {
        match self {
            Ends::Ranks(start, end) => normalized(*start, *end, set.len()),
            Ends::Scores(range) => set.ranks_by_score(range),
            Ends::Lex(range) => set.ranks_by_lex(range),
        }
    }
}

/// What a command's name says of the range; the options may say the rest.
#[derive(Clone, Copy)]
struct Given {
    by: Option<By>,
    direction: Option<Direction>,
    /// Where the range's ends stand.
    min_at: usize,
    /// Whether scores may be asked for.
    replies: bool,
}

impl<'a> Request<'a> {
    fn parse(args: Args<'a>, given: Given) -> Result<Request<'a>, CommandError> {
        let (mut by, mut direction) = (given.by, given.direction);
        let (mut limit, mut with_scores) = (None, false);
        let mut at = given.min_at + 2;
        while at < args.len() {
            match () {
                () if given.replies && args.is(at, "WITHSCORES") => with_scores = true,
                () if args.len() - at > 2 && args.is(at, "LIMIT") => {
                    limit = Some((args.integer(at + 1)?, args.integer(at + 2)?));
                    at += 2;
                }
                () if direction.is_none() && args.is(at, "REV") => {
                    direction = Some(Direction::Reverse);
                }
                () if by.is_none() && args.is(at, "BYSCORE") => by = Some(By::Score),
                () if by.is_none() && args.is(at, "BYLEX") => by = Some(By::Lex),
                () => return Err(CommandError::SYNTAX),
            }
            at += 1;
        }
        let by = by.unwrap_or(By::Rank);
        let direction = direction.unwrap_or(Direction::Forward);
        // A limit that takes all is no limit, wherever it starts.
        let limits = limit.is_some_and(|(_, most)| most != ALL);
        if limits && by == By::Rank {
            return Err(CommandError::LIMIT_BY_RANK);
        }
        let limit = limit.filter(|_| by != By::Rank);
        if with_scores && by == By::Lex {
            return Err(CommandError::SCORES_BY_LEX);
        }
        let (Some(first), Some(second)) = (args.get(given.min_at), args.get(given.min_at + 1))
        else {
            return Err(CommandError::SYNTAX);
        };
        // The larger end comes first in reverse, but for ranks.
        let swapped = direction == Direction::Reverse && by != By::Rank;
        let (min, max) = if swapped { (second, first) } else { (first, second) };
        Ok(Request { ends: Ends::parse(by, min, max)?, direction, limit, with_scores })
    }

    /// The ranks that are asked for, ascending.
    fn ranks(&self, set: &Zset) -> Range<usize> {
        let ranks = self.ends.ranks(set);
        let is_reverse = self.direction == Direction::Reverse;
        let ranks = match self.ends {
            Ends::Ranks(..) if is_reverse && !ranks.is_empty() => {
                set.len() - ranks.end..set.len() - ranks.start
            }
            _ => ranks,
        };
        let Some((skip, most)) = self.limit else { return ranks };
        let skip = match usize::try_from(skip) {
            Ok(skip) => skip.min(ranks.len()),
            // Counted from the end of the range, as Valkey does in a skiplist.
            Err(_) => {
                let back = usize::try_from(skip.unsigned_abs()).unwrap_or(usize::MAX);
                match ranks.len().checked_sub(back) {
                    Some(skip) if set.listpack().is_none() => skip,
                    _ => return 0..0,
                }
            }
        };
        let take = usize::try_from(most).unwrap_or(usize::MAX).min(ranks.len() - skip);
        match is_reverse {
            false => ranks.start + skip..ranks.start + skip + take,
            true => ranks.end - skip - take..ranks.end - skip,
        }
    }
}

const FROM_KEY: Given = Given { by: None, direction: None, min_at: 2, replies: true };

/// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
pub(super) fn zrange(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    reply(cx, args, FROM_KEY, out)
}

/// ZREVRANGE key start stop [WITHSCORES]
pub(super) fn zrevrange(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    reply(cx, args, old_form(By::Rank, Direction::Reverse), out)
}

/// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
pub(super) fn zrangebyscore(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    reply(cx, args, old_form(By::Score, Direction::Forward), out)
}

/// ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]
pub(super) fn zrevrangebyscore(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    reply(cx, args, old_form(By::Score, Direction::Reverse), out)
}

/// ZRANGEBYLEX key min max [LIMIT offset count]
pub(super) fn zrangebylex(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    reply(cx, args, old_form(By::Lex, Direction::Forward), out)
}

/// ZREVRANGEBYLEX key max min [LIMIT offset count]
pub(super) fn zrevrangebylex(
    cx: &mut Read<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    reply(cx, args, old_form(By::Lex, Direction::Reverse), out)
}

const fn old_form(by: By, direction: Direction) -> Given {
    Given { by: Some(by), direction: Some(direction), ..FROM_KEY }
}

fn reply(cx: &mut Read<'_>, args: Args<'_>, given: Given, out: &mut Writer<'_>) -> CommandResult {
    let request = Request::parse(args, given)?;
    let Some(set) = cx.read_as::<Zset>(&args.key(1))? else {
        out.array(0);
        return Ok(());
    };
    let members = set.range(request.ranks(set));
    match request.direction {
        Direction::Forward => reply_members(members, request.with_scores, out),
        Direction::Reverse => reply_members(members.rev(), request.with_scores, out),
    }
    Ok(())
}

/// ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]
pub(super) fn zrangestore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let given = Given { min_at: 3, replies: false, ..FROM_KEY };
    let request = Request::parse(args, given)?;
    let limits = limits(cx);
    let mut found = Zset::new();
    if let Some(set) = cx.read_as::<Zset>(&args.key(2))? {
        let ranks = request.ranks(set);
        // As in Redis: how many there will be is known of ranks only, and they come in the order of
        // the reply. Where a listpack ends shows in what it makes of −0.
        let expected = if matches!(request.ends, Ends::Ranks(..)) { ranks.len() } else { 0 };
        found.expect_members(expected, 0, limits);
        let mut digits = itoa::Buffer::new();
        let mut put = |(member, score): (Item<'_>, f64)| {
            found.insert(member.as_bytes(&mut digits), score, limits);
        };
        match request.direction {
            Direction::Forward => set.range(ranks).for_each(&mut put),
            Direction::Reverse => set.range(ranks).rev().for_each(&mut put),
        }
    }
    super::store(cx, &args.key(1), found, ZRANGESTORE, args, out);
    Ok(())
}

/// ZCOUNT key min max
pub(super) fn zcount(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    count(cx, args, By::Score, out)
}

/// ZLEXCOUNT key min max
pub(super) fn zlexcount(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    count(cx, args, By::Lex, out)
}

fn count(cx: &mut Read<'_>, args: Args<'_>, by: By, out: &mut Writer<'_>) -> CommandResult {
    let ends = Ends::parse(by, &args[2], &args[3])?;
    let set = cx.read_as::<Zset>(&args.key(1))?;
    out.int(set.map_or(0, |set| ends.ranks(set).len()) as i64);
    Ok(())
}

/// ZREMRANGEBYRANK key start stop
pub(super) fn zremrangebyrank(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    remove(cx, args, By::Rank, ZREMRANGEBYRANK, out)
}

/// ZREMRANGEBYSCORE key min max
pub(super) fn zremrangebyscore(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    remove(cx, args, By::Score, ZREMRANGEBYSCORE, out)
}

/// ZREMRANGEBYLEX key min max
pub(super) fn zremrangebylex(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    remove(cx, args, By::Lex, ZREMRANGEBYLEX, out)
}

fn remove(
    cx: &mut Write<'_>,
    args: Args<'_>,
    by: By,
    event: Event,
    out: &mut Writer<'_>,
) -> CommandResult {
    let key = args.key(1);
    let ends = Ends::parse(by, &args[2], &args[3])?;
    let edited = cx.edit(&key, |set: &mut Zset| {
        let ranks = ends.ranks(set);
        set.remove_range(ranks.clone());
        ranks.len()
    })?;
    let Some(edited) = edited else {
        out.int(0);
        return Ok(());
    };
    if edited.result > 0 {
        cx.changed(&key, event, Effect::Verbatim(args));
    }
    if edited.fate == Fate::Removed {
        cx.changed(&key, Event::DEL, Effect::Covered);
    }
    out.int(edited.result as i64);
    Ok(())
}
