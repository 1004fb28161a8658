//! Inline requests: one line of words, as a person types it into `nc`.
//!
//! Words are parted by blanks. Quotes may begin and end anywhere in a word; `"…"` knows the
//! escapes `\xHH \n \r \t \b \a` and `\` before any other byte, `'…'` knows only `\'`. An escape
//! that takes the last byte of the line is none (Valkey 9.1: `"a\"` is `a\`). Bytes 0x00 and 0xFF,
//! at which Redis or Valkey stall or lose data, are bytes like any other here.
use super::error::ProtocolError;
use super::parse::Arg;
use bytes::Bytes;

/// Splits `input[..end]`, a line without its line end, into words and appends them to `args`. A
/// word without quotes is a range of `input`, a quoted one is unescaped into bytes of its own.
pub(super) fn split_line(
    input: &[u8],
    end: usize,
    args: &mut Vec<Arg>,
) -> Result<(), ProtocolError> {
    let line = &input[..end];
    let mut pos = 0;
    loop {
        while line.get(pos).is_some_and(|&byte| is_space(byte)) {
            pos += 1;
        }
        if pos == end {
            return Ok(());
        }
        let start = pos;
        while line.get(pos).is_some_and(|&byte| !ends_word(byte) && !is_quote(byte)) {
            pos += 1;
        }
        if line.get(pos).is_some_and(|&byte| is_quote(byte)) {
            let mut word = line[start..pos].to_vec();
            pos = unquote_word(line, pos, &mut word)?;
            args.push(Arg::Big(Bytes::from(word)));
        } else {
            args.push(Arg::Inline { start, end: pos });
        }
    }
}

/// Appends the rest of a word, from its first quote at `pos`, to `word`; gives the word's end.
fn unquote_word(line: &[u8], mut pos: usize, word: &mut Vec<u8>) -> Result<usize, ProtocolError> {
    while let Some(&byte) = line.get(pos) {
        pos = match byte {
            b'"' => unquote_double(line, pos + 1, word)?,
            b'\'' => unquote_single(line, pos + 1, word)?,
            _ if ends_word(byte) => break,
            _ => {
                word.push(byte);
                pos + 1
            }
        };
    }
    Ok(pos)
}

/// Appends what stands between `"` (before `pos`) and the closing `"`; gives the place after it.
fn unquote_double(line: &[u8], mut pos: usize, word: &mut Vec<u8>) -> Result<usize, ProtocolError> {
    loop {
        match line[pos..] {
            [b'\\', b'x', high, low, _, ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex_value(high) << 4 | hex_value(low));
                pos += 4;
            }
            [b'\\', escaped, _, ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => other,
                });
                pos += 2;
            }
            [b'"', ..] => return Ok(pos + 1),
            [byte, ..] => {
                word.push(byte);
                pos += 1;
            }
            [] => return Err(ProtocolError::UnbalancedQuotes),
        }
    }
}

/// Appends what stands between `'` (before `pos`) and the closing `'`; gives the place after it.
fn unquote_single(line: &[u8], mut pos: usize, word: &mut Vec<u8>) -> Result<usize, ProtocolError> {
    loop {
        match line[pos..] {
            [b'\\', b'\'', _, ..] => {
                word.push(b'\'');
                pos += 2;
            }
            [b'\'', ..] => return Ok(pos + 1),
            [byte, ..] => {
                word.push(byte);
                pos += 1;
            }
            [] => return Err(ProtocolError::UnbalancedQuotes),
        }
    }
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

/// Blanks between words: those of C's `isspace`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// What ends a word without quotes: vertical tab and form feed don't, as in Redis.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
        let mut args = Vec::new();
        split_line(line, line.len(), &mut args)?;
        Ok(args.iter().map(|arg| arg.bytes(line).to_vec()).collect())
    }

    #[track_caller]
    fn check(line: &[u8], words: &[&[u8]]) {
        assert_eq!(split(line).unwrap(), words, "{}", line.escape_ascii());
    }

    #[test]
    fn blanks_part_words() {
        check(b"", &[]);
        check(b" \t\x0b\x0c\r ", &[]);
        check(b"PING", &[b"PING"]);
        check(b"  PING   abc  ", &[b"PING", b"abc"]);
        check(b"\x0bECHO a\rb", &[b"ECHO", b"a", b"b"]);
        check(b"a\x0bb\x0cc", &[b"a\x0bb\x0cc"]);
        check(b"a\0b \xffc", &[b"a\0b", b"\xffc"]);
        check(b"\\n a\\ b", &[b"\\n", b"a\\", b"b"]);
    }

    #[test]
    fn double_quotes_know_escapes() {
        check(br#""\x41\x0a\n\t\a\b\q\r""#, &[b"A\n\n\t\x07\x08q\r"]);
        check(br#""\xzz\x4" "\xAf\x00""#, &[b"xzzx4", b"\xaf\0"]);
        check(br#""a\" b" "a\\""#, &[b"a\" b", b"a\\"]);
        check(br#""" """#, &[b"", b""]);
    }

    #[test]
    fn single_quotes_know_only_the_quote() {
        check(br"'a\'b\x41' '\\\'x' '\n'", &[br"a'b\x41", br"\\'x", br"\n"]);
    }

    #[test]
    fn quotes_begin_and_end_anywhere() {
        check(br#"a"b c"d"#, &[b"ab cd"]);
        check(br#""a"b"c" 'a''b'"#, &[b"abc", b"ab"]);
        check(br#"""''"#, &[b""]);
    }

    #[test]
    fn an_escape_at_the_end_of_the_line_is_none() {
        check(br#""a\""#, &[b"a\\"]);
        check(br"'a\'", &[b"a\\"]);
        check(br"'a\\\'", &[b"a\\\\\\"]);
        for open in [&br#""abc"#[..], b"'abc", b"a\\\"b", b"\"", b"\"a\\", b"\"\\\\", b"\"a\\\" "] {
            assert_eq!(
                split(open),
                Err(ProtocolError::UnbalancedQuotes),
                "{}",
                open.escape_ascii()
            );
        }
    }
}
