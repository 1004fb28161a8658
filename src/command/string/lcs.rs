//! LCS: the longest common subsequence of two strings.

use super::super::{Args, CommandError, CommandResult, Read};
use super::text_of;
use crate::resp::Writer;
use crate::value::lcs::{self, Run};

/// The options of LCS.
#[derive(Default)]
struct Options {
    len: bool,
    idx: bool,
    with_match_len: bool,
    min_match_len: usize,
}

impl Options {
    fn read(args: Args<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut at = 3;
        while at < args.len() {
            if args.is(at, "LEN") {
                options.len = true;
            } else if args.is(at, "IDX") {
                options.idx = true;
            } else if args.is(at, "WITHMATCHLEN") {
                options.with_match_len = true;
            } else if args.is(at, "MINMATCHLEN") && at + 1 < args.len() {
                at += 1;
                options.min_match_len = usize::try_from(args.integer(at)?).unwrap_or(0);
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        if options.len && options.idx {
            return Err(CommandError::LCS_LEN_AND_IDX);
        }
        Ok(options)
    }
}

/// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]
pub(super) fn lcs(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let mut text_at = |at: usize| match cx.string(&args.key(at)) {
        Ok(value) => Ok(value.map(text_of).unwrap_or_default()),
        Err(_) => Err(CommandError::LCS_NOT_STRINGS),
    };
    let (first, second) = (text_at(1)?, text_at(2)?);
    let options = Options::read(args)?;
    let limit = cx.config().proto_max_bulk_len;
    if lcs::table_bytes(first.len(), second.len()).is_none_or(|bytes| bytes > limit) {
        return Err(CommandError::LCS_TABLE_TOO_BIG);
    }
    if options.len {
        out.int(lcs::length(&first, &second) as i64);
        return Ok(());
    }
    let runs = lcs::runs(&first, &second).map_err(|_| CommandError::LCS_NO_MEMORY)?;
    if options.idx {
        reply_runs(&runs, &options, out);
    } else {
        out.bulk(&lcs::subsequence(&first, &runs));
    }
    Ok(())
}

fn reply_runs(runs: &[Run], options: &Options, out: &mut Writer<'_>) {
    let shown = |run: &&Run| run.len >= options.min_match_len;
    out.map(2);
    out.bulk(b"matches");
    out.array(runs.iter().filter(shown).count());
    for run in runs.iter().filter(shown) {
        out.array(if options.with_match_len { 3 } else { 2 });
        for start in [run.first, run.second] {
            out.array(2);
            out.int(start as i64);
            out.int((start + run.len - 1) as i64);
        }
        if options.with_match_len {
            out.int(run.len as i64);
        }
    }
    out.bulk(b"len");
    out.int(runs.iter().map(|run| run.len).sum::<usize>() as i64);
}
