//! What SCAN, SSCAN, HSCAN and ZSCAN have in common: their options, and how far one call goes.

use super::error::unknown_type;
use super::{Args, CommandError, require};
use crate::glob::{self, Case};

/// Elements that a call looks at if COUNT says nothing.
const DEFAULT_COUNT: u64 = 10;
/// Elements that one call looks at, whatever COUNT says: a few milliseconds. COUNT is a hint, and a
/// shard serves nobody else meanwhile.
const MOST_COUNT: u64 = 50_000;
/// Buckets without an element that one call passes for each element of COUNT, as Redis does.
const EMPTY_PER_ELEMENT: u64 = 10;
/// The types that SCAN's TYPE option knows.
const TYPES: &[&str] = &["string", "list", "set", "zset", "hash", "stream"];

/// What is scanned, which decides about the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// The keys of a database: SCAN.
    Keys,
    /// The members of a set: SSCAN.
    Set,
    /// The fields of a hash: HSCAN.
    Hash,
    /// The members of a sorted set: ZSCAN.
    SortedSet,
}

/// What a scan shall find.
pub struct ScanOptions<'a> {
    pattern: Option<&'a [u8]>,
    kind: Option<&'static str>,
    /// How many elements to look at.
    pub count: u64,
    /// Elements come alone: without values (HSCAN) or scores (ZSCAN).
    pub bare: bool,
}

impl<'a> ScanOptions<'a> {
    /// Reads the options from argument `from` on.
    pub fn parse(
        args: Args<'a>,
        from: usize,
        scanned: Scanned,
    ) -> Result<ScanOptions<'a>, CommandError> {
        let mut options =
            ScanOptions { pattern: None, kind: None, count: DEFAULT_COUNT, bare: false };
        let mut at = from;
        while at < args.len() {
            match args.get(at + 1) {
                Some(_) if args.is(at, "COUNT") => {
                    let count = args.integer(at + 1)?;
                    require(count >= 1)?;
                    options.count = (count as u64).min(MOST_COUNT);
                }
                Some(pattern) if args.is(at, "MATCH") => {
                    options.pattern = (pattern != b"*").then_some(pattern);
                }
                Some(name) if args.is(at, "TYPE") && scanned == Scanned::Keys => {
                    let known =
                        TYPES.iter().find(|kind| kind.as_bytes().eq_ignore_ascii_case(name));
                    options.kind = Some(known.ok_or_else(|| unknown_type(name))?);
                }
                _ => {
                    options.read_bare(args, at, scanned)?;
                    at += 1;
                    continue;
                }
            }
            at += 2;
        }
        Ok(options)
    }

    /// Reads the word at `at`, which must be the one that leaves out what belongs to the elements.
    fn read_bare(
        &mut self,
        args: Args<'_>,
        at: usize,
        scanned: Scanned,
    ) -> Result<(), CommandError> {
        if args.is(at, "NOVALUES") && scanned != Scanned::Hash {
            return Err(CommandError::NOVALUES_OUTSIDE_HSCAN);
        }
        if args.is(at, "NOSCORES") && scanned != Scanned::SortedSet {
            return Err(CommandError::NOSCORES_OUTSIDE_ZSCAN);
        }
        require(args.is(at, "NOVALUES") || args.is(at, "NOSCORES"))?;
        self.bare = true;
        Ok(())
    }

    /// Whether the pattern admits an element.
    pub fn takes(&self, element: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, element, Case::Sensitive))
    }

    /// Whether TYPE admits a type of this name.
    pub fn takes_type(&self, name: &str) -> bool {
        self.kind.is_none_or(|kind| kind == name)
    }
}

/// Goes on from `cursor` until `count` elements were seen or many empty buckets; gives the next
/// cursor. `step` visits one bucket, counts what it has seen, and gives the cursor after it.
pub fn walk(mut cursor: u64, count: u64, mut step: impl FnMut(u64, &mut u64) -> u64) -> u64 {
    let mut seen = 0;
    for _ in 0..count.saturating_mul(EMPTY_PER_ELEMENT) {
        cursor = step(cursor, &mut seen);
        if cursor == 0 || seen >= count {
            break;
        }
    }
    cursor
}
