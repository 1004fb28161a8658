//! Glob patterns over bytes, as KEYS, SCAN, PSUBSCRIBE and CONFIG GET understand them.
//!
//! `*` any run, `?` any byte, `[a-z]` a class, `[^x]` its complement, `\x` the byte itself. An
//! unterminated class ends with the pattern, and a lone trailing backslash stands for itself.
//! Must hold: time is bounded by pattern length × text length, whatever a client sends; nothing
//! is allocated and nothing recurses. Imports nothing of ours.

/// Whether letters must agree in case (ASCII only, as Redis does).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `a` and `A` differ.
    Sensitive,
    /// `a` and `A` are the same, except for an escaped byte inside a class.
    Insensitive,
}

/// Whether `pattern` describes the whole of `text`.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut p, mut t) = (0, 0);
    // The last star seen and how much text it has swallowed. Going back to the last one is
    // enough: an earlier star can only give what a later one can take as well.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            star = Some((p, t));
            continue;
        }
        if let Some(next) = match_one(pattern, p, text[t], case) {
            p = next;
            t += 1;
            continue;
        }
        let Some((after, swallowed)) = star else { return false };
        if after == pattern.len() {
            return true;
        }
        p = after;
        t = swallowed + 1;
        star = Some((after, t));
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Whether `pattern` holds a byte that makes it more than a plain name.
pub fn is_pattern(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// Matches one byte against the element at `p`; the position after the element if it fits.
fn match_one(pattern: &[u8], p: usize, byte: u8, case: Case) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'[' => match_class(pattern, p + 1, byte, case),
        b'\\' if p + 1 < pattern.len() => same(pattern[p + 1], byte, case).then_some(p + 2),
        literal => same(literal, byte, case).then_some(p + 1),
    }
}

/// Matches one byte against the class whose first byte is at `p`.
fn match_class(pattern: &[u8], mut p: usize, byte: u8, case: Case) -> Option<usize> {
    let negated = pattern.get(p) == Some(&b'^');
    if negated {
        p += 1;
    }
    let mut found = false;
    let end = loop {
        match pattern[p..] {
            [] => break p,
            [b']', ..] => break p + 1,
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                p += 2;
            }
            [low, b'-', high, ..] => {
                found |= in_range(low, high, byte, case);
                p += 3;
            }
            [literal, ..] => {
                found |= same(literal, byte, case);
                p += 1;
            }
        }
    };
    (found != negated).then_some(end)
}

fn in_range(low: u8, high: u8, byte: u8, case: Case) -> bool {
    let (low, high) = if low <= high { (low, high) } else { (high, low) };
    match case {
        Case::Sensitive => (low..=high).contains(&byte),
        Case::Insensitive => (low.to_ascii_lowercase()..=high.to_ascii_lowercase())
            .contains(&byte.to_ascii_lowercase()),
    }
}

fn same(a: u8, b: u8, case: Case) -> bool {
    match case {
        Case::Sensitive => a == b,
        Case::Insensitive => a.eq_ignore_ascii_case(&b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, read off the grammar, with a star tried at every length.
    fn model(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| model(rest, &text[skip..])),
            (_, []) => false,
            ([b'?', rest @ ..], [_, tail @ ..]) => model(rest, tail),
            ([b'\\', literal, rest @ ..], [byte, tail @ ..]) => {
                literal == byte && model(rest, tail)
            }
            ([b'[', rest @ ..], [byte, tail @ ..]) => {
                let (members, negated, rest) = class(rest);
                members.contains(byte) != negated && model(rest, tail)
            }
            ([literal, rest @ ..], [byte, tail @ ..]) => literal == byte && model(rest, tail),
        }
    }

    /// Every byte a class names, whether it is negated, and what follows it.
    fn class(mut pattern: &[u8]) -> (Vec<u8>, bool, &[u8]) {
        let negated = pattern.first() == Some(&b'^');
        pattern = &pattern[usize::from(negated)..];
        let mut members = Vec::new();
        while let Some((&first, rest)) = pattern.split_first() {
            if first == b']' {
                return (members, negated, rest);
            }
            if first == b'\\' && !rest.is_empty() {
                members.push(rest[0]);
                pattern = &rest[1..];
            } else if rest.len() >= 2 && rest[0] == b'-' {
                members.extend(first.min(rest[1])..=first.max(rest[1]));
                pattern = &rest[2..];
            } else {
                members.push(first);
                pattern = rest;
            }
        }
        (members, negated, &[])
    }

    fn case_sensitive(pattern: &str, text: &str) -> bool {
        matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive)
    }

    #[test]
    fn elements() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*llo", "heeeello", true),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h\\*llo", "h*llo", true),
            ("h\\*llo", "hello", false),
            ("a\\", "a\\", true),
            ("a[", "ab", false),
            ("a[b", "ab", true),
            ("a[b-]c", "a\\c", false),
            ("[a\\]]", "]", true),
            ("*a*b*", "xxaxxbxx", true),
            ("a**b", "ab", true),
        ] {
            assert_eq!(case_sensitive(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn case_is_ignored_when_told() {
        assert!(matches(b"MAX*", b"maxmemory", Case::Insensitive));
        assert!(matches(b"[A-C]x", b"bX", Case::Insensitive));
        assert!(!matches(b"MAX*", b"maxmemory", Case::Sensitive));
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = b"a*".repeat(500);
        let text = vec![b'a'; 20_000];
        assert!(!matches(&[&pattern[..], b"b"].concat(), &text, Case::Sensitive));
    }

    proptest! {
        #[test]
        fn agrees_with_the_model(pattern in "[ab*?\\[\\]^\\\\-]{0,10}", text in "[ab*\\]^\\\\-]{0,8}") {
            prop_assert_eq!(
                case_sensitive(&pattern, &text),
                model(pattern.as_bytes(), text.as_bytes())
            );
        }

        #[test]
        fn any_bytes_are_safe(pattern: Vec<u8>, text: Vec<u8>) {
            let sensitive = matches(&pattern, &text, Case::Sensitive);
            prop_assert_eq!(sensitive, model(&pattern, &text));
            matches(&pattern, &text, Case::Insensitive);
        }
    }
}
