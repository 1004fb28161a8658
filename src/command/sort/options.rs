//! The options of SORT: read for the handler, and scanned for routing.

use crate::command::{Args, CommandError};

/// A BY or GET pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// The value at another key.
    Lookup(Lookup<'a>),
    /// Without a `*` a pattern leads nowhere.
    Nowhere,
}

/// The value at a key whose name is the element between two texts, or of a field of a hash there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lookup<'a> {
    pub before: &'a [u8],
    pub behind: &'a [u8],
    pub field: Option<&'a [u8]>,
}

impl<'a> Pattern<'a> {
    /// Reads a pattern: the first `*` stands for the element; a `->` behind it, with something
    /// behind that, names a field.
    pub(super) fn read(text: &'a [u8]) -> Pattern<'a> {
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(star) = memchr::memchr(b'*', text) else { return Pattern::Nowhere };
        let (before, behind) = (&text[..star], &text[star + 1..]);
        Pattern::Lookup(match memchr::memmem::find(behind, b"->") {
            Some(arrow) if arrow + 2 < behind.len() => {
                let field = Some(&behind[arrow + 2..]);
                Lookup { before, behind: &behind[..arrow], field }
            }
            _ => Lookup { before, behind, field: None },
        })
    }
}

/// Whether STORE is among the options.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    Allowed,
    Refused,
}

/// What is asked for.
pub(super) struct Options<'a> {
    /// What to sort by; `None` for the elements themselves.
    pub by: Option<Lookup<'a>>,
    /// A BY that leads nowhere asks for no sorting at all.
    pub unsorted: bool,
    pub gets: Vec<Pattern<'a>>,
    pub descending: bool,
    pub alpha: bool,
    /// Offset and count; a negative count means all.
    pub limit: (i64, i64),
    /// Position of the destination.
    pub store: Option<usize>,
}

impl<'a> Options<'a> {
    /// Reads the arguments behind the key.
    pub(super) fn read(args: Args<'a>, store: Store) -> Result<Options<'a>, CommandError> {
        let mut options = Options {
            by: None,
            unsorted: false,
            gets: Vec::new(),
            descending: false,
            alpha: false,
            limit: (0, -1),
            store: None,
        };
        let mut at = 2;
        while at < args.len() {
            let value = args.get(at + 1);
            if args.is(at, "ASC") {
                options.descending = false;
            } else if args.is(at, "DESC") {
                options.descending = true;
            } else if args.is(at, "ALPHA") {
                options.alpha = true;
            } else if args.is(at, "LIMIT") && at + 2 < args.len() {
                options.limit = (args.integer(at + 1)?, args.integer(at + 2)?);
                at += 2;
            } else if store == Store::Allowed && args.is(at, "STORE") && value.is_some() {
                options.store = Some(at + 1);
                at += 1;
            } else if let (true, Some(pattern)) = (args.is(at, "BY"), value) {
                match Pattern::read(pattern) {
                    Pattern::Lookup(by) => options.by = Some(by),
                    Pattern::Element | Pattern::Nowhere => options.unsorted = true,
                }
                at += 1;
            } else if let (true, Some(pattern)) = (args.is(at, "GET"), value) {
                options.gets.push(Pattern::read(pattern));
                at += 1;
            } else {
                return Err(CommandError::SYNTAX);
            }
            at += 1;
        }
        if options.unsorted {
            options.by = None;
        }
        Ok(options)
    }
}

/// How many arguments of its own an option has, as far as finding keys is concerned.
fn values_of(option: &[u8]) -> usize {
    const VALUES: &[(&str, usize)] = &[("LIMIT", 2), ("GET", 1), ("BY", 1), ("STORE", 1)];
    let known = VALUES.iter().find(|(name, _)| option.eq_ignore_ascii_case(name.as_bytes()));
    known.map_or(0, |(_, values)| *values)
}

/// Calls `visit` with each option's position, of a request that may be wrong.
fn for_each_option<'a>(
    argc: usize,
    arg: &dyn Fn(usize) -> &'a [u8],
    mut visit: impl FnMut(usize, &'a [u8]),
) {
    let mut at = 2;
    while at < argc {
        visit(at, arg(at));
        at += 1 + values_of(arg(at));
    }
}

/// The position of the key that is stored to: that of the last STORE.
pub(super) fn destination<'a>(argc: usize, arg: &dyn Fn(usize) -> &'a [u8]) -> Option<usize> {
    let mut destination = None;
    for_each_option(argc, arg, |at, option| {
        if option.eq_ignore_ascii_case(b"STORE") && at + 1 < argc {
            destination = Some(at + 1);
        }
    });
    destination
}

/// Whether a pattern may lead to keys that the request does not name.
pub(super) fn reaches_out<'a>(argc: usize, arg: &dyn Fn(usize) -> &'a [u8]) -> bool {
    let mut reaches = false;
    for_each_option(argc, arg, |at, option| {
        let is_pattern = option.eq_ignore_ascii_case(b"BY") || option.eq_ignore_ascii_case(b"GET");
        reaches |=
            is_pattern && at + 1 < argc && matches!(Pattern::read(arg(at + 1)), Pattern::Lookup(_));
    });
    reaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_a_star_and_perhaps_a_field() {
        let lookup = |before, behind, field| Pattern::Lookup(Lookup { before, behind, field });
        for (text, pattern) in [
            (&b"#"[..], Pattern::Element),
            (b"", Pattern::Nowhere),
            (b"nosort", Pattern::Nowhere),
            (b"key->field", Pattern::Nowhere),
            (b"*", lookup(b"", b"", None)),
            (b"w_*", lookup(b"w_", b"", None)),
            (b"w_*_x*", lookup(b"w_", b"_x*", None)),
            (b"h_*->f", lookup(b"h_", b"", Some(b"f"))),
            (b"h_*x->f->g", lookup(b"h_", b"x", Some(b"f->g"))),
            (b"h_*->", lookup(b"h_", b"->", None)),
            (b"a->b*", lookup(b"a->b", b"", None)),
        ] {
            assert_eq!(Pattern::read(text), pattern, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn routing_sees_what_the_handler_will_see() {
        let scan = |request: &str| {
            let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
            let arg = |at: usize| words[at];
            (destination(words.len(), &arg), reaches_out(words.len(), &arg))
        };
        for (request, expected) in [
            ("sort l", (None, false)),
            ("sort l store d", (Some(3), false)),
            ("sort l store a STORE b", (Some(5), false)),
            ("sort l by store", (None, false)),
            ("sort l limit 1 store", (None, false)),
            ("sort l store", (None, false)),
            ("sort l by w_* store d", (Some(5), true)),
            ("sort l by nosort get #", (None, false)),
            ("sort l get * asc", (None, true)),
            ("sort l get", (None, false)),
        ] {
            assert_eq!(scan(request), expected, "{request}");
        }
    }
}
