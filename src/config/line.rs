//! The words of a configuration line: splitting with Redis's quoting, and quoting back.
//!
//! Words are parted by white space. Inside double quotes `\n \r \t \b \a \xHH` are escapes and a
//! backslash before any other byte stands for that byte; inside single quotes only `\'` is one.
//! A quote may open in the middle of a word, and the word may go on after it closes.
//! Must hold: a word that was quoted splits back to the same bytes.

/// A quote that is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbalancedQuotes;

/// Splits a line into its words.
pub fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut words = Vec::new();
    let mut rest = trim_start(line);
    while !rest.is_empty() {
        let (word, after) = next_word(rest)?;
        words.push(word);
        rest = trim_start(after);
    }
    Ok(words)
}

/// The line without white space at either end.
pub fn trim(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&byte| !is_space(byte)).map_or(0, |last| last + 1);
    trim_start(&line[..end])
}

/// The word in double quotes, with everything outside printable ASCII escaped.
pub fn quote(word: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in word {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            b'\n' => quoted.extend(b"\\n"),
            b'\r' => quoted.extend(b"\\r"),
            b'\t' => quoted.extend(b"\\t"),
            0x07 => quoted.extend(b"\\a"),
            0x08 => quoted.extend(b"\\b"),
            b' '..=b'~' => quoted.push(byte),
            _ => quoted.extend(format!("\\x{byte:02x}").into_bytes()),
        }
    }
    quoted.push(b'"');
    quoted
}

/// The white space of C's `isspace`, which has one byte more than `u8::is_ascii_whitespace`.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn trim_start(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|&byte| !is_space(byte)).unwrap_or(line.len());
    &line[start..]
}

/// Reads one word from the start of `rest`, which does not begin with white space.
fn next_word(mut rest: &[u8]) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    let mut word = Vec::new();
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'"' => rest = double_quoted(after, &mut word)?,
            b'\'' => rest = single_quoted(after, &mut word)?,
            _ if is_space(byte) => break,
            _ => {
                word.push(byte);
                rest = after;
            }
        }
    }
    Ok((word, rest))
}

fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        rest = match *rest {
            [b'"', ..] => return Ok(&rest[1..]),
            [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                word.push(hex_digit(high) << 4 | hex_digit(low));
                &rest[4..]
            }
            [b'\\', escaped, ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => other,
                });
                &rest[2..]
            }
            [byte, ..] => {
                word.push(byte);
                &rest[1..]
            }
            [] => return Err(UnbalancedQuotes),
        };
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        rest = match *rest {
            [b'\'', ..] => return Ok(&rest[1..]),
            [b'\\', b'\'', ..] => {
                word.push(b'\'');
                &rest[2..]
            }
            [byte, ..] => {
                word.push(byte);
                &rest[1..]
            }
            [] => return Err(UnbalancedQuotes),
        };
    }
}

/// The value of a digit that `is_ascii_hexdigit` accepts.
fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_and_quotes() {
        let cases: &[(&[u8], &[&[u8]])] = &[
            (b"", &[]),
            (b"  a\tb \r", &[b"a", b"b"]),
            (b"save \"\"", &[b"save", b""]),
            (b"x \"a b\" 'c d'", &[b"x", b"a b", b"c d"]),
            (br#""\x00\xfF\n\q\\""#, &[b"\x00\xff\nq\\"]),
            (br#""\xg1""#, &[b"xg1"]),
            (br"'it\'s \n'", &[br"it's \n"]),
            (b"pre\"fi\"x '1'0", &[b"prefix", b"10"]),
            (b"x\\y ''", &[b"x\\y", b""]),
        ];
        for (line, words) in cases {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.to_vec()).collect();
            assert_eq!(split(line), Ok(words), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn quotes_must_close() {
        for line in [&b"a \"b"[..], b"'", b"a'b", b"\"a\\", b"x\\\"y"] {
            assert_eq!(split(line), Err(UnbalancedQuotes), "{}", line.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn quoting_is_undone_by_splitting(word: Vec<u8>) {
            let quoted = quote(&word);
            prop_assert!(quoted.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(split(&quoted), Ok(vec![word]));
        }

        #[test]
        fn any_line_is_safe(line: Vec<u8>) {
            let _ = split(&line);
        }
    }
}
