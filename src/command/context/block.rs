//! Commands that wait: what a handler says when there is nothing to serve its client with yet.
//!
//! A blocking command is an ordinary handler that tries first. If there is nothing it calls
//! [`Read::block`] and writes no reply; when a key that it waits for has changed it is run again,
//! with the same arguments, and may block again. Where nothing may block (in a transaction) it
//! answers as if its time were over: it asks [`Read::may_block`] before.
//!
//! When it runs again not every box may be in hand that was there at first, if any one of its keys
//! can serve it: it tries those keys that [`Read::is_in_hand`].

use super::{Key, Read};
use crate::command::{Args, CommandError};
use crate::keyspace::WaitFor;
use crate::value::long_double::LongDouble;

/// What a command waits for.
#[derive(Debug)]
pub struct Block {
    /// Positions of the keys that it waits for among its arguments.
    pub keys: Box<[usize]>,
    /// The type that one of them must have.
    pub waits_for: WaitFor,
    /// It is to run again as well when one of them is gone or of another type.
    pub even_if_gone: bool,
    /// It cannot run without all its keys at once; else any key that it waits for is enough.
    pub needs_all: bool,
    /// When it gives up, ms of Unix time; `None` for never.
    pub until_ms: Option<i64>,
    /// Arguments, by position, that are these when it runs again: what means "from now on" must
    /// not mean a later now.
    pub replaced: Vec<(usize, Vec<u8>)>,
}

impl Block {
    /// Waits until one of the keys at `keys` is of a type, and then any one of them is enough.
    pub fn on_any(
        keys: impl IntoIterator<Item = usize>,
        waits_for: WaitFor,
        until_ms: Option<i64>,
    ) -> Block {
        Block {
            keys: keys.into_iter().collect(),
            waits_for,
            even_if_gone: false,
            needs_all: false,
            until_ms,
            replaced: Vec::new(),
        }
    }

    /// As [`Block::on_any`], for a command that needs all its keys when it runs again.
    pub fn needing_all(mut self) -> Block {
        self.needs_all = true;
        self
    }
}

impl Read<'_> {
    /// Whether the command may wait; if not, it answers at once what it would answer after its time.
    pub fn may_block(&self) -> bool {
        !self.call.in_transaction
    }

    /// The command waits. It must not have written a reply.
    pub fn block(&mut self, block: Block) {
        self.block = Some(Box::new(block));
    }

    /// What the command waits for, if it does.
    pub fn take_block(&mut self) -> Option<Box<Block>> {
        self.block.take()
    }

    /// Whether the box of `key` is in hand.
    pub fn is_in_hand(&self, key: &Key<'_>) -> bool {
        let shard = self.call.server.shards.shard_of(&self.call.server.hasher, key.bytes, key.hash);
        self.parts.iter().any(|part| part.number as usize == shard)
    }

    /// When a command gives up whose timeout, in seconds with decimals, is the argument at `at`:
    /// ms of Unix time, `None` for never. Part of a millisecond counts as a whole one.
    ///
    /// # Errors
    ///
    /// Redis's texts for what is no number, negative or too large.
    pub fn deadline_after_seconds(
        &self,
        args: Args<'_>,
        at: usize,
    ) -> Result<Option<i64>, CommandError> {
        deadline(self.now_ms(), seconds_as_ms(args.get(at).unwrap_or_default())?)
    }

    /// As [`Read::deadline_after_seconds`], for a timeout in whole milliseconds.
    ///
    /// # Errors
    ///
    /// Redis's texts for what is no number, negative or too large.
    pub fn deadline_after_ms(
        &self,
        args: Args<'_>,
        at: usize,
    ) -> Result<Option<i64>, CommandError> {
        let timeout_ms = args.integer(at).map_err(|_| CommandError::TIMEOUT_NOT_AN_INTEGER)?;
        deadline(self.now_ms(), Some(timeout_ms))
    }
}

/// A number of seconds in whole milliseconds, `None` if there are too many.
fn seconds_as_ms(text: &[u8]) -> Result<Option<i64>, CommandError> {
    let seconds = LongDouble::parse(text).ok_or(CommandError::TIMEOUT_NOT_A_FLOAT)?;
    Ok(seconds.thousandfold_up())
}

/// When a timeout ends that begins at `now_ms`; 0 never ends, `None` is too large.
fn deadline(now_ms: i64, timeout_ms: Option<i64>) -> Result<Option<i64>, CommandError> {
    match timeout_ms {
        Some(0) => Ok(None),
        Some(..0) => Err(CommandError::TIMEOUT_NEGATIVE),
        _ => {
            let until_ms = timeout_ms.and_then(|timeout_ms| timeout_ms.checked_add(now_ms));
            until_ms.map(Some).ok_or(CommandError::TIMEOUT_OUT_OF_RANGE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn read(text: &str) -> Result<Option<i64>, CommandError> {
        deadline(NOW_MS, seconds_as_ms(text.as_bytes())?)
    }

    #[test]
    fn timeouts_are_read_as_the_reference_reads_them() {
        for (text, timeout_ms) in [
            ("1", 1000),
            ("+1", 1000),
            ("0.0001", 1),
            ("1.0011", 1002),
            ("0x10", 16_000),
            ("1e3", 1_000_000),
            ("7e15", 7_000_000_000_000_000_000),
        ] {
            assert_eq!(read(text), Ok(Some(NOW_MS + timeout_ms)), "{text}");
        }
        assert_eq!((read("0"), read("-0")), (Ok(None), Ok(None)));
        for text in ["abc", "", "nan", " 1", "1 "] {
            assert_eq!(read(text), Err(CommandError::TIMEOUT_NOT_A_FLOAT), "{text}");
        }
        for text in ["-0.5", "-1", "-inf", "-1e30"] {
            assert_eq!(read(text), Err(CommandError::TIMEOUT_NEGATIVE), "{text}");
        }
        for text in ["inf", "1e400", "9223372036854774", "9223372035000000", "1e30"] {
            assert_eq!(read(text), Err(CommandError::TIMEOUT_OUT_OF_RANGE), "{text}");
        }
    }
}
