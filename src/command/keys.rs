//! Which arguments of a request are keys: the row's key specifications applied to it.
//!
//! Used for routing (on every request) and by `COMMAND GETKEYS`. The rules are those of Redis's
//! "key specifications" documentation.

use super::spec::{BeginSearch, Command, FindKeys, KeySpec};

/// The positions of a request's keys.
#[derive(Debug, Default)]
pub struct KeyPositions {
    /// Positions in order; one may occur twice if two specifications name it.
    pub at: Vec<usize>,
    /// The specification (by index) that named each.
    pub spec: Vec<u8>,
}

/// Why keys cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysError {
    /// The specification leads outside the arguments, or a count is no number.
    Invalid,
}

impl KeyPositions {
    /// Empties it for reuse.
    pub fn clear(&mut self) {
        self.at.clear();
        self.spec.clear();
    }
}

/// Finds the keys of a request of `argc` arguments, `arg` giving each. `found` is emptied first.
/// On an error only the keys of the specifications before are named. The command's handler will
/// answer what is wrong, or do without: PFMERGE of a key alone has no sources.
pub fn find_keys<'a>(
    command: &Command,
    argc: usize,
    arg: impl Fn(usize) -> &'a [u8],
    found: &mut KeyPositions,
) -> Result<(), KeysError> {
    found.clear();
    for (index, spec) in command.keys.iter().enumerate() {
        if !command.store_words.is_empty() && matches!(spec.begin, BeginSearch::Keyword(..)) {
            continue;
        }
        apply(command, spec, index as u8, argc, &arg, found)?;
    }
    if let Some((at, word)) = stored_key(command, argc, &arg) {
        found.at.push(at);
        found.spec.push(spec_of_word(command, word));
    }
    if let Some(more) = command.more_keys {
        more(argc, &arg, found);
    }
    Ok(())
}

/// The key behind one of the command's [`store_words`](Command::store_words), of which the last
/// counts, as it does for the handler; and the word. A word without a key behind it is none.
fn stored_key<'a>(
    command: &Command,
    argc: usize,
    arg: impl Fn(usize) -> &'a [u8],
) -> Option<(usize, &'static str)> {
    let mut stored = None;
    let mut at = command.arity.unsigned_abs() as usize;
    while at + 1 < argc && !command.store_words.is_empty() {
        let is_it = |word: &&&str| arg(at).eq_ignore_ascii_case(word.as_bytes());
        if let Some(word) = command.store_words.iter().find(is_it) {
            at += 1;
            stored = Some((at, *word));
        }
        at += 1;
    }
    stored
}

/// The index of the specification that looks for this word.
fn spec_of_word(command: &Command, word: &str) -> u8 {
    let looks = |spec: &KeySpec| matches!(spec.begin, BeginSearch::Keyword(own, _) if own == word);
    command.keys.iter().position(looks).unwrap_or(0) as u8
}

fn apply<'a>(
    command: &Command,
    spec: &KeySpec,
    index: u8,
    argc: usize,
    arg: &impl Fn(usize) -> &'a [u8],
    found: &mut KeyPositions,
) -> Result<(), KeysError> {
    let start = match spec.begin {
        BeginSearch::Index(at) => at as usize,
        BeginSearch::Keyword(word, from) => match find_keyword(command, word, from, argc, arg) {
            Some(at) => at + 1,
            None => return Ok(()),
        },
        BeginSearch::Unknown => return Ok(()),
    };
    let (first, count, step) = match spec.find {
        FindKeys::Range { last, step, limit } => {
            let last = match last {
                0.. => start + last as usize,
                _ => {
                    let end = if limit > 1 {
                        start + (argc - start.min(argc)) / limit as usize
                    } else {
                        argc
                    };
                    end.checked_sub(-last as usize).ok_or(KeysError::Invalid)?
                }
            };
            if last < start {
                return Err(KeysError::Invalid);
            }
            (start, (last - start) / step as usize + 1, step as usize)
        }
        FindKeys::NumKeys { numkeys, first, step } => {
            let number = start + numkeys as usize;
            if number >= argc {
                return Err(KeysError::Invalid);
            }
            let count = super::parse_integer(arg(number)).ok_or(KeysError::Invalid)?;
            let count = usize::try_from(count).map_err(|_| KeysError::Invalid)?;
            if count == 0 {
                return Ok(());
            }
            (start + first as usize, count, step as usize)
        }
        FindKeys::Unknown => return Ok(()),
    };
    let last = (count - 1).checked_mul(step).and_then(|span| span.checked_add(first));
    if last.is_none_or(|last| last >= argc) {
        return Err(KeysError::Invalid);
    }
    for n in 0..count {
        found.at.push(first + n * step);
        found.spec.push(index);
    }
    Ok(())
}

/// The position of `word`, looked for from `from` on (from the end backwards if negative).
fn find_keyword<'a>(
    command: &Command,
    word: &str,
    from: i32,
    argc: usize,
    arg: &impl Fn(usize) -> &'a [u8],
) -> Option<usize> {
    let matches = |at: &usize| arg(*at).eq_ignore_ascii_case(word.as_bytes());
    if !command.options.is_empty() {
        return find_after_options(command.options, argc, arg, matches);
    }
    if from >= 0 {
        (from as usize..argc).find(matches)
    } else {
        let last = argc.checked_sub(-from as usize)?;
        (1..=last).rev().find(matches)
    }
}

/// The first argument that `matches`, those of other options left out.
fn find_after_options<'a>(
    options: &[(&str, usize)],
    argc: usize,
    arg: &impl Fn(usize) -> &'a [u8],
    matches: impl Fn(&usize) -> bool,
) -> Option<usize> {
    let mut at = 1;
    while at < argc && !matches(&at) {
        let is_said = |option: &&(&str, usize)| arg(at).eq_ignore_ascii_case(option.0.as_bytes());
        at += 1 + options.iter().find(is_said).map_or(0, |(_, arguments)| *arguments);
    }
    (at < argc).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::spec::Flags;

    fn keys(specs: &'static [KeySpec], request: &[&str]) -> Result<Vec<usize>, KeysError> {
        let mut command = Command::container("test", &[]).keys(specs);
        command.flags = Flags::NONE;
        let mut found = KeyPositions::default();
        find_keys(&command, request.len(), |at| request[at].as_bytes(), &mut found)?;
        Ok(found.at)
    }

    #[test]
    fn the_last_key_to_store_to_counts() {
        let command = crate::command::registry::find(b"georadius").expect("a command");
        let at = |text: &str| {
            let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
            let mut found = KeyPositions::default();
            find_keys(command, words.len(), |at| words[at], &mut found).map(|()| found.at)
        };
        for (request, keys) in [
            ("georadius k 1 2 3 km", vec![1]),
            ("georadius k 1 2 3 km STORE a", vec![1, 7]),
            ("georadius k 1 2 3 km ASC store a STOREDIST b", vec![1, 10]),
            ("georadius k 1 2 3 km STOREDIST STORE", vec![1, 7]),
            ("georadius k 1 2 3 km STORE a STORE", vec![1, 7]),
            ("georadius k 1 2 3 km STORE", vec![1]),
        ] {
            assert_eq!(at(request), Ok(keys), "{request}");
        }
    }

    #[test]
    fn ranges_and_counts() {
        const ONE: &[KeySpec] = &[KeySpec::one(1, "RO")];
        const ALL: &[KeySpec] = &[KeySpec::range(1, -1, 1, "RO")];
        const PAIRS: &[KeySpec] = &[KeySpec::range(1, -1, 2, "OW")];
        const COUNTED: &[KeySpec] = &[KeySpec::numkeys(1, 2, "OW")];
        assert_eq!(keys(ONE, &["get", "a"]), Ok(vec![1]));
        assert_eq!(keys(ALL, &["mget", "a", "b"]), Ok(vec![1, 2]));
        assert_eq!(keys(PAIRS, &["mset", "a", "1", "b", "2"]), Ok(vec![1, 3]));
        assert_eq!(keys(PAIRS, &["mset", "a", "1", "b"]), Ok(vec![1, 3]));
        assert_eq!(keys(COUNTED, &["msetex", "2", "a", "1", "b", "2"]), Ok(vec![2, 4]));
        assert_eq!(keys(COUNTED, &["msetex", "9", "a", "1"]), Err(KeysError::Invalid));
        assert_eq!(keys(COUNTED, &["msetex", "-1", "a", "1"]), Err(KeysError::Invalid));
        assert_eq!(
            keys(COUNTED, &["msetex", "9223372036854775807", "a", "1"]),
            Err(KeysError::Invalid)
        );
    }

    #[test]
    fn keywords() {
        const AFTER: &[KeySpec] = &[KeySpec {
            begin: BeginSearch::Keyword("STREAMS", 1),
            find: FindKeys::Range { last: -1, step: 1, limit: 2 },
            flags: "RO",
            notes: "",
        }];
        assert_eq!(keys(AFTER, &["xread", "streams", "a", "b", "0", "0"]), Ok(vec![2, 3]));
        assert_eq!(keys(AFTER, &["xread", "a"]), Ok(vec![]));
    }

    #[test]
    fn arguments_of_options_are_no_keywords() {
        let command = crate::command::registry::find(b"xreadgroup").expect("the command");
        let keys = |request: &[&str]| {
            let mut found = KeyPositions::default();
            let arg = |at: usize| request[at].as_bytes();
            find_keys(command, request.len(), arg, &mut found).map(|()| found.at)
        };
        let request = "xreadgroup noack count 1 group streams STREAMS streams a b > 0";
        assert_eq!(keys(&request.split(' ').collect::<Vec<_>>()), Ok(vec![8, 9]));
        let request = "xreadgroup group g c streams a >";
        assert_eq!(keys(&request.split(' ').collect::<Vec<_>>()), Ok(vec![5]));
        assert_eq!(keys(&["xreadgroup", "group", "g", "c", "streams"]), Err(KeysError::Invalid));
        assert_eq!(keys(&["xreadgroup", "count"]), Ok(vec![]));
    }
}
