//! Taking members from the ends: ZPOPMIN, ZPOPMAX, ZMPOP, and what blocking commands call.

use crate::command::{
    Args, CommandError, CommandResult, Effect, Fate, Key, Write, parse_integer, require,
};
use crate::keyspace::Event;
use crate::resp::{Proto, Writer};
use crate::value::listpack::Item;
use crate::value::zset::Zset;

const ZPOPMIN: Event = Event::sorted_set("zpopmin");
const ZPOPMAX: Event = Event::sorted_set("zpopmax");

/// Where members are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum End {
    /// The lowest scores.
    Min,
    /// The highest scores.
    Max,
}

impl End {
    /// The end that `MIN` or `MAX` at `at` names.
    pub(in crate::command) fn parse(args: Args<'_>, at: usize) -> Result<End, CommandError> {
        match () {
            () if args.is(at, "MIN") => Ok(End::Min),
            () if args.is(at, "MAX") => Ok(End::Max),
            () => Err(CommandError::SYNTAX),
        }
    }
}

/// Members with their scores, in the order in which they are taken.
pub(in crate::command) type Popped<'p> = dyn Iterator<Item = (Item<'p>, f64)> + 'p;

/// Takes up to `count` members from an end of the set at `key` and states the change. `give` gets
/// them and their number while they are still in; it is not called if the key is not there, which
/// `false` tells. Nothing is taken if it is of another type.
pub(in crate::command) fn pop(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    end: End,
    count: usize,
    give: impl FnOnce(usize, &mut Popped<'_>),
) -> Result<bool, CommandError> {
    let edited = cx.edit(key, |set: &mut Zset| {
        let taken = count.min(set.len());
        let ranks = match end {
            End::Min => 0..taken,
            End::Max => set.len() - taken..set.len(),
        };
        let members = set.range(ranks.clone());
        match end {
            End::Min => give(taken, &mut { members }),
            End::Max => give(taken, &mut members.rev()),
        }
        set.remove_range(ranks);
        taken
    })?;
    let Some(edited) = edited else { return Ok(false) };
    if edited.result > 0 {
        let (name, event): (&[u8], _) = match end {
            End::Min => (b"ZPOPMIN", ZPOPMIN),
            End::Max => (b"ZPOPMAX", ZPOPMAX),
        };
        let mut digits = itoa::Buffer::new();
        let taken = digits.format(edited.result).as_bytes();
        cx.changed(key, event, Effect::Rewrite(&[name, key.bytes, taken]));
    }
    if edited.fate == Fate::Removed {
        cx.changed(key, Event::DEL, Effect::Covered);
    }
    Ok(true)
}

/// ZPOPMIN key [count]
pub(super) fn zpopmin(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    pop_one_key(cx, args, End::Min, out)
}

/// ZPOPMAX key [count]
pub(super) fn zpopmax(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    pop_one_key(cx, args, End::Max, out)
}

fn pop_one_key(
    cx: &mut Write<'_>,
    args: Args<'_>,
    end: End,
    out: &mut Writer<'_>,
) -> CommandResult {
    require(args.len() <= 3)?;
    let count = match args.get(2) {
        None => None,
        Some(text) => Some(
            parse_integer(text)
                .and_then(|count| usize::try_from(count).ok())
                .ok_or(CommandError::MUST_BE_POSITIVE)?,
        ),
    };
    // With a count RESP3 has a list of pairs, without one it is a pair.
    let nested = count.is_some() && out.proto() == Proto::Resp3;
    let found = pop(cx, &args.key(1), end, count.unwrap_or(1), |taken, members| {
        out.array(if nested { taken } else { 2 * taken });
        for (member, score) in members {
            if nested {
                out.array(2);
            }
            super::reply_member(member, out);
            out.double(score);
        }
    })?;
    if !found {
        out.array(0);
    }
    Ok(())
}

/// The arguments of ZMPOP from the number of keys on.
pub(in crate::command) struct MultiPop {
    /// Where the first key stands.
    pub(in crate::command) first_key: usize,
    /// How many keys there are.
    pub(in crate::command) keys: usize,
    /// Where to take from.
    pub(in crate::command) end: End,
    /// How many members to take at most.
    pub(in crate::command) count: usize,
}

impl MultiPop {
    /// Reads them, the number of keys at `at`.
    pub(in crate::command) fn parse(args: Args<'_>, at: usize) -> Result<MultiPop, CommandError> {
        let positive = |at: usize| {
            let number = args.get(at).and_then(parse_integer)?;
            usize::try_from(number).ok().filter(|&number| number > 0)
        };
        let keys = positive(at).ok_or(CommandError::NUMKEYS_NOT_POSITIVE)?;
        let first_key = at + 1;
        let mut option = first_key.checked_add(keys).ok_or(CommandError::SYNTAX)?;
        require(option < args.len())?;
        let end = End::parse(args, option)?;
        let mut count = None;
        option += 1;
        while option < args.len() {
            require(count.is_none() && args.is(option, "COUNT") && option + 1 < args.len())?;
            count = Some(positive(option + 1).ok_or(CommandError::COUNT_NOT_POSITIVE)?);
            option += 2;
        }
        Ok(MultiPop { first_key, keys, end, count: count.unwrap_or(1) })
    }

    /// Takes from the first key that has a set, and replies; `false` if there is none.
    pub(in crate::command) fn run(
        &self,
        cx: &mut Write<'_>,
        args: Args<'_>,
        out: &mut Writer<'_>,
    ) -> Result<bool, CommandError> {
        for at in self.first_key..self.first_key + self.keys {
            let key = args.key(at);
            if self.pop(cx, &key, out)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes from this key and replies; `false` if it is not there.
    pub(in crate::command) fn pop(
        &self,
        cx: &mut Write<'_>,
        key: &Key<'_>,
        out: &mut Writer<'_>,
    ) -> Result<bool, CommandError> {
        pop(cx, key, self.end, self.count, |taken, members| {
            out.array(2);
            out.bulk(key.bytes);
            out.array(taken);
            for (member, score) in members {
                out.array(2);
                super::reply_member(member, out);
                out.double(score);
            }
        })
    }
}

/// ZMPOP numkeys key [key …] MIN | MAX [COUNT count]
pub(super) fn zmpop(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    if !MultiPop::parse(args, 1)?.run(cx, args, out)? {
        out.null_array();
    }
    Ok(())
}
