//! The options of XADD and XTRIM that say how a stream is trimmed, and how the effect of a trimming
//! is stated.

use super::super::Args;
use super::super::error::CommandError;
use super::{errors, ids};
use crate::value::stream::{Log, References, Threshold, Trim};

/// What was said about trimming.
#[derive(Debug, Default)]
pub(super) struct Trimming {
    threshold: Option<Threshold>,
    /// Where the threshold stands.
    threshold_at: usize,
    /// The threshold is preceded by `~`.
    approximate: bool,
    /// The number, and where LIMIT stands.
    limit: Option<(u64, usize)>,
    references: Option<References>,
}

/// Default of LIMIT: so many full nodes, but within these bounds.
const DEFAULT_LIMIT_NODES: u64 = 100;
const DEFAULT_LIMIT_MIN: u64 = 10_000;
const DEFAULT_LIMIT_MAX: u64 = 1_000_000;

impl Trimming {
    /// Reads the option at `at` if it is one about trimming: gives the position after it.
    pub(super) fn read(
        &mut self,
        args: Args<'_>,
        at: usize,
    ) -> Result<Option<usize>, CommandError> {
        let has_more = at + 1 < args.len();
        if args.is(at, "MAXLEN") && has_more {
            let at = self.begin(args, at)?;
            let len = u64::try_from(args.integer(at)?).map_err(|_| errors::NEGATIVE_MAXLEN)?;
            self.threshold = Some(Threshold::Len(len));
            return Ok(Some(at + 1));
        }
        if args.is(at, "MINID") && has_more {
            let at = self.begin(args, at)?;
            self.threshold = Some(Threshold::Id(ids::strict(&args[at], 0)?));
            return Ok(Some(at + 1));
        }
        if args.is(at, "LIMIT") && has_more {
            let limit = args.integer(at + 1)?;
            let limit = u64::try_from(limit).map_err(|_| errors::NEGATIVE_LIMIT)?;
            self.limit = Some((limit, at));
            return Ok(Some(at + 2));
        }
        Ok(read_references(&mut self.references, args, at).then_some(at + 1))
    }

    /// Begins a strategy: gives the position of its threshold.
    fn begin(&mut self, args: Args<'_>, at: usize) -> Result<usize, CommandError> {
        if self.threshold.is_some() {
            return Err(errors::TWO_STRATEGIES);
        }
        let sign = (at + 2 < args.len()).then(|| &args[at + 1]);
        self.approximate = sign == Some(b"~");
        self.threshold_at = if matches!(sign, Some(b"~" | b"=")) { at + 2 } else { at + 1 };
        Ok(self.threshold_at)
    }

    /// Whether anything is to be trimmed at all.
    pub(super) fn is_asked_for(&self) -> bool {
        self.threshold.is_some()
    }

    /// Checks what can only be checked when all options are read.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        if self.limit.is_some_and(|(limit, _)| limit > 0) && self.threshold.is_none() {
            return Err(errors::LIMIT_WITHOUT_STRATEGY);
        }
        Ok(())
    }

    /// As [`Trimming::check`], the last of it.
    pub(super) fn check_limit(&self) -> Result<(), CommandError> {
        if self.limit.is_some() && !self.approximate {
            return Err(errors::LIMIT_WITHOUT_APPROXIMATION);
        }
        Ok(())
    }

    /// What to do, if anything; `node_entries` is the directive.
    pub(super) fn trim(&self, node_entries: u64) -> Option<(Trim, References)> {
        let threshold = self.threshold?;
        let limit = match self.limit {
            Some((limit, _)) => limit,
            None if self.approximate => match DEFAULT_LIMIT_NODES.saturating_mul(node_entries) {
                0 => DEFAULT_LIMIT_MIN,
                limit => limit.min(DEFAULT_LIMIT_MAX),
            },
            None => 0,
        };
        let trim = Trim { threshold, approximate: self.approximate, limit };
        Some((trim, self.references.unwrap_or_default()))
    }

    /// The threshold that trims exactly as far as was trimmed, if that differs from what was sent.
    pub(super) fn exact(&self, log: &Log) -> Option<Threshold> {
        let threshold = self.threshold.filter(|_| self.approximate)?;
        Some(match threshold {
            Threshold::Len(_) => Threshold::Len(log.len()),
            Threshold::Id(_) => Threshold::Id(log.trimmed_to()),
        })
    }

    /// Makes the words of a request say `exact`, the text of an exact threshold.
    pub(super) fn rewrite<'a>(&self, words: &mut Vec<&'a [u8]>, exact: &'a [u8]) {
        words[self.threshold_at - 1] = b"=";
        words[self.threshold_at] = exact;
        if let Some((_, at)) = self.limit {
            // An exact trimming has no limit.
            words.drain(at..at + 2);
        }
    }
}

/// A threshold as it is written.
pub(super) fn threshold_text(threshold: Threshold) -> Vec<u8> {
    match threshold {
        Threshold::Len(len) => len.to_string().into_bytes(),
        Threshold::Id(id) => id.text().as_bytes().to_vec(),
    }
}

/// Reads the option at `at` if it is KEEPREF, DELREF or ACKED, and the first of them.
pub(super) fn read_references(
    references: &mut Option<References>,
    args: Args<'_>,
    at: usize,
) -> bool {
    let said = if args.is(at, "KEEPREF") {
        References::Keep
    } else if args.is(at, "DELREF") {
        References::Remove
    } else if args.is(at, "ACKED") {
        References::Respect
    } else {
        return false;
    };
    let is_first = references.is_none();
    references.get_or_insert(said);
    is_first
}
