//! Commands on single members: ZREM, ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK.

use crate::command::{Args, CommandResult, Effect, Fate, Read, Write, require};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::zset::Zset;

const ZREM: Event = Event::sorted_set("zrem");

/// ZREM key member [member …]
pub(super) fn zrem(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let edited = cx.edit(&key, |set: &mut Zset| {
        (2..args.len()).filter(|&at| set.remove(&args[at]).is_some()).count()
    })?;
    let Some(edited) = edited else {
        out.int(0);
        return Ok(());
    };
    if edited.result > 0 {
        cx.changed(&key, ZREM, Effect::Verbatim(args));
    }
    if edited.fate == Fate::Removed {
        cx.changed(&key, Event::DEL, Effect::Covered);
    }
    out.int(edited.result as i64);
    Ok(())
}

/// ZCARD key
pub(super) fn zcard(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    out.int(cx.read_as::<Zset>(&args.key(1))?.map_or(0, Zset::len) as i64);
    Ok(())
}

fn reply_score(score: Option<f64>, out: &mut Writer<'_>) {
    match score {
        Some(score) => out.double(score),
        None => out.null(),
    }
}

/// ZSCORE key member
pub(super) fn zscore(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let set = cx.read_as::<Zset>(&args.key(1))?;
    reply_score(set.and_then(|set| set.score(&args[2])), out);
    Ok(())
}

/// ZMSCORE key member [member …]
pub(super) fn zmscore(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let set = cx.read_as::<Zset>(&args.key(1))?;
    out.array(args.len() - 2);
    for at in 2..args.len() {
        reply_score(set.and_then(|set| set.score(&args[at])), out);
    }
    Ok(())
}

/// From which end ranks are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Lowest,
    Highest,
}

/// ZRANK key member [WITHSCORE]
pub(super) fn zrank(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    rank(cx, args, From::Lowest, out)
}

/// ZREVRANK key member [WITHSCORE]
pub(super) fn zrevrank(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    rank(cx, args, From::Highest, out)
}

fn rank(cx: &mut Read<'_>, args: Args<'_>, from: From, out: &mut Writer<'_>) -> CommandResult {
    if args.len() > 4 {
        return Err(crate::command::error::wrong_arity(cx.call().command.name));
    }
    let with_score = args.len() == 4;
    require(!with_score || args.is(3, "WITHSCORE"))?;
    let set = cx.read_as::<Zset>(&args.key(1))?;
    let found = set.and_then(|set| Some((set.rank(&args[2])?, set.len())));
    let Some(((rank, score), len)) = found else {
        if with_score {
            out.null_array()
        } else {
            out.null()
        }
        return Ok(());
    };
    let rank = if from == From::Lowest { rank } else { len - 1 - rank };
    if with_score {
        out.array(2);
    }
    out.int(rank as i64);
    if with_score {
        out.double(score);
    }
    Ok(())
}
