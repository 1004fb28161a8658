//! What the list commands' arguments are called, and how their numbers are read.

use crate::command::spec::{Arg, ArgKind};
use crate::command::{Args, CommandError};

/// A number of elements to pop that is none or negative.
const NOT_POSITIVE: CommandError =
    CommandError::fixed("ERR value is out of range, must be positive");

/// A number whose negative is none: the smallest of 64 bits.
const OUT_OF_RANGE: CommandError = CommandError::fixed(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/// Argument `at` as a signed number whose magnitude is one as well.
pub(super) fn signed_count(args: Args<'_>, at: usize) -> Result<i64, CommandError> {
    match args.integer(at)? {
        i64::MIN => Err(OUT_OF_RANGE),
        count => Ok(count),
    }
}

/// Argument `at` as a number that is not negative, or this error.
pub(super) fn count_or(
    args: Args<'_>,
    at: usize,
    error: CommandError,
) -> Result<usize, CommandError> {
    args.integer(at).ok().and_then(|count| usize::try_from(count).ok()).ok_or(error)
}

/// Argument `at` as a number above zero, or this error.
pub(super) fn positive_or(
    args: Args<'_>,
    at: usize,
    error: CommandError,
) -> Result<usize, CommandError> {
    match count_or(args, at, error.clone())? {
        0 => Err(error),
        count => Ok(count),
    }
}

/// The optional number of elements of LPOP and RPOP.
pub(super) fn pop_count(args: Args<'_>) -> Result<Option<usize>, CommandError> {
    (args.len() > 2).then(|| count_or(args, 2, NOT_POSITIVE)).transpose()
}

const KEY_ARG: Arg = Arg::new("key", ArgKind::Key(0));
const ELEMENT: Arg = Arg::new("element", ArgKind::String);
const INDEX: Arg = Arg::new("index", ArgKind::Integer);
const COUNT: Arg = Arg::new("count", ArgKind::Integer);
const START: Arg = Arg::new("start", ArgKind::Integer);
const STOP: Arg = Arg::new("stop", ArgKind::Integer);
const TIMEOUT: Arg = Arg::new("timeout", ArgKind::Double);
const SOURCE: Arg = Arg::new("source", ArgKind::Key(0));
const DESTINATION: Arg = Arg::new("destination", ArgKind::Key(1));
const ENDS: &[Arg] = &[Arg::token("left", "LEFT"), Arg::token("right", "RIGHT")];
const SIDES: &[Arg] = &[Arg::token("before", "BEFORE"), Arg::token("after", "AFTER")];

/// `key`
pub(super) const KEY: &[Arg] = &[KEY_ARG];
/// `key element …`
pub(super) const KEY_ELEMENTS: &[Arg] = &[KEY_ARG, ELEMENT.multiple()];
/// `key [count]`
pub(super) const KEY_COUNT: &[Arg] = &[KEY_ARG, COUNT.since("6.2.0").optional()];
/// `key index`
pub(super) const KEY_INDEX: &[Arg] = &[KEY_ARG, INDEX];
/// `key index element`
pub(super) const KEY_INDEX_ELEMENT: &[Arg] = &[KEY_ARG, INDEX, ELEMENT];
/// `key start stop`
pub(super) const KEY_START_STOP: &[Arg] = &[KEY_ARG, START, STOP];
/// `key count element`
pub(super) const KEY_COUNT_ELEMENT: &[Arg] = &[KEY_ARG, COUNT, ELEMENT];
/// `key BEFORE|AFTER pivot element`
pub(super) const INSERT_ARGS: &[Arg] =
    &[KEY_ARG, Arg::one_of("where", SIDES), Arg::new("pivot", ArgKind::String), ELEMENT];
/// `key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub(super) const LPOS_ARGS: &[Arg] = &[
    KEY_ARG,
    ELEMENT,
    Arg::new("rank", ArgKind::Integer).with_token("RANK").optional(),
    Arg::new("num-matches", ArgKind::Integer).with_token("COUNT").optional(),
    Arg::new("len", ArgKind::Integer).with_token("MAXLEN").optional(),
];
/// `source destination`
pub(super) const MOVE_ARGS: &[Arg] = &[SOURCE, DESTINATION];
/// `source destination LEFT|RIGHT LEFT|RIGHT`
pub(super) const MOVE_ENDS_ARGS: &[Arg] =
    &[SOURCE, DESTINATION, Arg::one_of("wherefrom", ENDS), Arg::one_of("whereto", ENDS)];
/// `source destination LEFT|RIGHT LEFT|RIGHT timeout`
pub(super) const BLMOVE_ARGS: &[Arg] =
    &[SOURCE, DESTINATION, Arg::one_of("wherefrom", ENDS), Arg::one_of("whereto", ENDS), TIMEOUT];
/// `source destination timeout`
pub(super) const BRPOPLPUSH_ARGS: &[Arg] = &[SOURCE, DESTINATION, TIMEOUT];
/// `key … timeout`
pub(super) const KEYS_TIMEOUT: &[Arg] = &[KEY_ARG.multiple(), TIMEOUT];
/// `timeout numkeys key … LEFT|RIGHT [COUNT count]`
pub(super) const BLMPOP_ARGS: &[Arg] = &[
    TIMEOUT,
    Arg::new("numkeys", ArgKind::Integer),
    KEY_ARG.multiple(),
    Arg::one_of("where", ENDS),
    COUNT.with_token("COUNT").optional(),
];
/// `numkeys key … LEFT|RIGHT [COUNT count]`
pub(super) const LMPOP_ARGS: &[Arg] = &[
    Arg::new("numkeys", ArgKind::Integer),
    KEY_ARG.multiple(),
    Arg::one_of("where", ENDS),
    COUNT.with_token("COUNT").optional(),
];
