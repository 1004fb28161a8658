//! The command log: the last commands that were slow, that were large, or whose replies were.
//!
//! Three rings behind a mutex each, taken only for a command that belongs there and by who asks.
//! What is kept of a request is bounded, and secrets have been taken out before it gets here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Arguments kept of a request.
const KEPT_ARGS: usize = 32;
/// Bytes kept of an argument.
const KEPT_BYTES: usize = 128;

/// What a log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// Time, in microseconds.
    Slow,
    /// The size of the request, in bytes.
    LargeRequest,
    /// The size of the reply, in bytes.
    LargeReply,
}

/// One remembered command.
#[derive(Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its number in its log.
    pub id: u64,
    /// When it ended, seconds of Unix time.
    pub at_s: i64,
    /// Microseconds or bytes.
    pub value: u64,
    /// Its arguments, cut.
    pub args: Vec<Vec<u8>>,
    /// The client's address.
    pub addr: String,
    /// The client's name.
    pub name: Vec<u8>,
}

#[derive(Default)]
struct Log {
    next_id: u64,
    entries: VecDeque<Arc<LogEntry>>,
}

/// The three logs.
#[derive(Default)]
pub struct CommandLog {
    slow: Mutex<Log>,
    large_request: Mutex<Log>,
    large_reply: Mutex<Log>,
}

impl CommandLog {
    fn log(&self, kind: LogKind) -> MutexGuard<'_, Log> {
        let log = match kind {
            LogKind::Slow => &self.slow,
            LogKind::LargeRequest => &self.large_request,
            LogKind::LargeReply => &self.large_reply,
        };
        log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an entry (its number is given here), and forgets the oldest beyond `max_len`.
    pub fn push(&self, kind: LogKind, entry: LogEntry, max_len: usize) {
        let mut log = self.log(kind);
        let id = log.next_id;
        log.next_id += 1;
        log.entries.push_front(Arc::new(LogEntry { id, ..entry }));
        log.entries.truncate(max_len);
    }

    /// The latest `count` entries, latest first; all of them if there is no count.
    pub fn latest(&self, kind: LogKind, count: Option<usize>) -> Vec<Arc<LogEntry>> {
        let log = self.log(kind);
        let count = count.unwrap_or(log.entries.len());
        log.entries.iter().take(count).cloned().collect()
    }

    /// Number of entries.
    pub fn len(&self, kind: LogKind) -> usize {
        self.log(kind).entries.len()
    }

    /// Forgets all entries. Numbers go on.
    pub fn reset(&self, kind: LogKind) {
        self.log(kind).entries.clear();
    }
}

/// Cuts the arguments of a request to what a log keeps, saying how much is missing.
pub fn cut(mut args: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let missing = args.len().saturating_sub(KEPT_ARGS);
    if missing > 0 {
        args.truncate(KEPT_ARGS - 1);
    }
    for argument in &mut args {
        let more = argument.len().saturating_sub(KEPT_BYTES);
        if more > 0 {
            argument.truncate(KEPT_BYTES);
            argument.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
            argument.shrink_to_fit();
        }
    }
    if missing > 0 {
        args.push(format!("... ({} more arguments)", missing + 1).into_bytes());
        args.shrink_to_fit();
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_not_kept_as_spare_room() {
        let kept = cut(vec![vec![b'x'; 100_000]; 1000]);
        assert!(kept.capacity() < 2 * KEPT_ARGS, "{}", kept.capacity());
        assert!(kept.iter().all(|argument| argument.capacity() < 4 * KEPT_BYTES));
    }

    fn entry(value: u64) -> LogEntry {
        let (addr, name, args) = (String::new(), Vec::new(), Vec::new());
        LogEntry { id: 0, at_s: 0, value, args, addr, name }
    }

    #[test]
    fn the_oldest_are_forgotten_and_numbers_go_on() {
        let log = CommandLog::default();
        for value in 0..5 {
            log.push(LogKind::Slow, entry(value), 3);
        }
        assert_eq!(log.len(LogKind::Slow), 3);
        let latest = log.latest(LogKind::Slow, Some(2));
        assert_eq!(latest.iter().map(|e| (e.id, e.value)).collect::<Vec<_>>(), [(4, 4), (3, 3)]);
        log.reset(LogKind::Slow);
        log.push(LogKind::Slow, entry(9), 3);
        assert_eq!(log.latest(LogKind::Slow, None)[0].id, 5);
        assert_eq!(log.len(LogKind::LargeReply), 0);
    }

    #[test]
    fn arguments_are_cut() {
        let short: Vec<Vec<u8>> = vec![b"x".to_vec(); 32];
        assert_eq!(cut(short.clone()), short);
        let many = cut(vec![b"x".to_vec(); 51]);
        assert_eq!(many.len(), 32);
        assert_eq!(many[31], b"... (20 more arguments)");
        let long = cut(vec![vec![b'x'; 300]]);
        assert!(long[0].ends_with(b"xx... (172 more bytes)"));
        assert_eq!(cut(vec![vec![b'x'; 128]])[0].len(), 128);
    }
}
