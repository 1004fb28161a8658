//! What must hold of every row of every family.

use std::collections::HashSet;

use super::{all, by_number, count, find, find_full, find_subcommand};
use crate::command::spec::{Arg, ArgKind, BeginSearch, Command, FindKeys, Flags, Run, Steering};

/// Every command and subcommand.
fn rows() -> impl Iterator<Item = &'static Command> {
    all().iter().flat_map(|command| std::iter::once(command).chain(command.subcommands))
}

#[test]
fn names_are_unique_and_found() {
    let mut seen = HashSet::new();
    for row in rows() {
        assert!(seen.insert(row.name), "{} twice", row.name);
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_|".contains(c);
        assert!(row.name.chars().all(plain), "{}", row.name);
        let found = find_full(row.name.to_uppercase().as_bytes()).expect(row.name);
        assert_eq!(found.number, row.number);
        assert_eq!(by_number(row.number).map(|row| row.name), Some(row.name));
        assert!((row.number as usize) < count());
    }
    for command in all() {
        assert!(!command.name.contains('|'), "{}", command.name);
        for subcommand in command.subcommands {
            let own = subcommand.name.strip_prefix(command.name).and_then(|n| n.strip_prefix('|'));
            let own = own.unwrap_or_else(|| panic!("{} in {}", subcommand.name, command.name));
            assert!(find_subcommand(command, own.as_bytes()).is_some());
            assert!(subcommand.subcommands.is_empty(), "{}", subcommand.name);
        }
    }
    assert!(find(b"nosuchcommand").is_none() && find_full(b"config|nosuch").is_none());
    assert!(find(&[b'x'; 1000]).is_none());
}

#[test]
fn rows_are_documented() {
    for row in rows() {
        let is_version = |text: &str| {
            let parts: Vec<&str> = text.split('.').collect();
            parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
        };
        assert!(is_version(row.since), "{}: since {}", row.name, row.since);
        assert!(row.summary.len() > 5, "{}: no summary", row.name);
        assert!(row.summary.ends_with('.'), "{}: {:?} is no sentence", row.name, row.summary);
        assert!(!row.complexity.is_empty() || row.name == "lolwut", "{}: complexity", row.name);
        for (version, change) in row.history {
            assert!(is_version(version) && change.len() > 5, "{}: {version} {change}", row.name);
        }
        for tip in row.tips {
            let known = ["nondeterministic_output", "request_policy:", "response_policy:"];
            assert!(known.iter().any(|head| tip.starts_with(head)), "{}: tip {tip}", row.name);
        }
        row.args.iter().for_each(|arg| check_argument(row, arg));
    }
}

fn check_argument(row: &Command, arg: &Arg) {
    let here = format!("{}: argument {}", row.name, arg.name);
    assert!(!arg.name.is_empty(), "{here}");
    assert_eq!(
        arg.kind == ArgKind::PureToken,
        arg.children.is_empty() && is_only_token(arg),
        "{here}"
    );
    let nests = matches!(arg.kind, ArgKind::OneOf | ArgKind::Block);
    assert_eq!(nests, !arg.children.is_empty(), "{here}");
    if let ArgKind::Key(spec) = arg.kind {
        assert!((spec as usize) < row.keys.len(), "{here}: key specification {spec}");
    }
    arg.children.iter().for_each(|child| check_argument(row, child));
}

fn is_only_token(arg: &Arg) -> bool {
    arg.kind == ArgKind::PureToken && !arg.token.is_empty()
}

/// The least number of words of some arguments.
fn least(args: &[Arg]) -> usize {
    args.iter().filter(|arg| !arg.optional).map(least_of).sum()
}

fn least_of(arg: &Arg) -> usize {
    let token = usize::from(!arg.token.is_empty());
    match arg.kind {
        ArgKind::PureToken => 1,
        ArgKind::OneOf => token + arg.children.iter().map(least_of).min().unwrap_or(0),
        ArgKind::Block => token + least(arg.children),
        _ => token + 1,
    }
}

fn is_fixed(args: &[Arg]) -> bool {
    let same =
        |children: &[Arg]| children.windows(2).all(|pair| least_of(&pair[0]) == least_of(&pair[1]));
    args.iter().all(|arg| {
        let alternatives = arg.kind != ArgKind::OneOf || same(arg.children);
        !arg.optional && !arg.multiple && alternatives && is_fixed(arg.children)
    })
}

/// Rows whose arity, as clients of the reference know it, says less than their syntax.
const LOOSE: &[&str] = &[
    // Takes words that it ignores.
    "quit", // Its subcommands are no rows.
    "debug",
    // The place to search from may be left out with a polygon only.
    "geosearch",
    "geosearchstore",
];

#[test]
fn arity_agrees_with_the_syntax() {
    for row in rows().filter(|row| !LOOSE.contains(&row.name)) {
        let named = row.name.split('|').count();
        if !row.subcommands.is_empty() {
            let runs_alone = !matches!(row.run, Run::Container);
            assert_eq!(row.arity, if runs_alone { -1 } else { -2 }, "{}", row.name);
            continue;
        }
        let least = (named + least(row.args)) as i32;
        let expected = if is_fixed(row.args) { least } else { -least };
        assert_eq!(row.arity, expected, "{}", row.name);
    }
}

/// Writes that never need more memory than they free, or that must run when memory is used up.
const FRUGAL_WRITES: &[&str] = &[
    "del",
    "unlink",
    "getdel",
    "getex",
    "delifeq",
    "delifex",
    "expire",
    "pexpire",
    "expireat",
    "pexpireat",
    "persist",
    "rename",
    "renamenx",
    "move",
    "flushall",
    "flushdb",
    "swapdb",
    "lpop",
    "rpop",
    "lmpop",
    "blpop",
    "brpop",
    "blmpop",
    "bzpopmin",
    "bzpopmax",
    "bzmpop",
    "lrem",
    "ltrim",
    "srem",
    "spop",
    "smove",
    "zrem",
    "zremrangebyrank",
    "zremrangebyscore",
    "zremrangebylex",
    "zpopmin",
    "zpopmax",
    "zmpop",
    "hdel",
    "hgetdel",
    "hgetex",
    "hpersist",
    "hexpire",
    "hpexpire",
    "hexpireat",
    "hpexpireat",
    "xdel",
    "xdelex",
    "xtrim",
    "xreadgroup",
    "xgroup|delconsumer",
    "xgroup|destroy",
    "xgroup|setid",
    "xack",
    "xackdel",
    "xclaim",
    "xautoclaim",
];

#[test]
fn flags_agree_with_what_runs() {
    for row in rows() {
        let (write, read) = (row.flags.has(Flags::WRITE), row.flags.has(Flags::READONLY));
        assert!(!(write && read), "{}", row.name);
        if write {
            assert!(matches!(row.run, Run::Write(_)), "{}: nothing that writes", row.name);
            let frugal = FRUGAL_WRITES.contains(&row.name);
            assert_ne!(row.flags.has(Flags::DENYOOM), frugal, "{}: denyoom", row.name);
        } else {
            assert!(!row.flags.has(Flags::DENYOOM), "{}: denyoom", row.name);
        }
        if matches!(row.run, Run::Read(_)) && !row.keys.is_empty() {
            assert!(read, "{}: reads keys", row.name);
        }
        let steers = matches!(row.run, Run::Acceptor);
        assert!(!steers || row.steering != Steering::None, "{}: nothing runs it", row.name);
        assert_eq!(
            matches!(row.run, Run::Container),
            !row.subcommands.is_empty() && row.arity == -2,
            "{}",
            row.name
        );
        let categories: Vec<&str> = row.category_names().collect();
        let unique: HashSet<&&str> = categories.iter().collect();
        assert_eq!(unique.len(), categories.len(), "{}: {categories:?}", row.name);
    }
}

#[test]
fn key_specifications_are_sound() {
    const WORDS: &[&str] = &[
        "RW",
        "RO",
        "OW",
        "RM",
        "access",
        "update",
        "insert",
        "delete",
        "not_key",
        "incomplete",
        "variable_flags",
    ];
    for row in rows() {
        let mut named = HashSet::new();
        row.args.iter().for_each(|arg| collect_key_specs(arg, &mut named));
        for (at, spec) in row.keys.iter().enumerate() {
            let words: Vec<&str> = spec.flags.split(' ').collect();
            assert!(words.iter().all(|word| WORDS.contains(word)), "{}: {words:?}", row.name);
            let kinds = words.iter().filter(|word| word.len() == 2).count();
            assert_eq!(kinds, 1, "{}: {words:?} says how the key is used", row.name);
            if let BeginSearch::Index(index) = spec.begin {
                let first = row.name.split('|').count() as i32;
                assert!(index >= first, "{}: a key at {index}", row.name);
                assert!(index <= row.arity.abs() || row.arity < 0, "{}: {index}", row.name);
            }
            match spec.find {
                FindKeys::Range { step, .. } | FindKeys::NumKeys { step, .. } => {
                    assert!(step > 0, "{}: step {step}", row.name);
                }
                FindKeys::Unknown => {}
            }
            let said = named.contains(&(at as u8)) || row.args.is_empty();
            assert!(said, "{}: no argument is key {at}", row.name);
        }
    }
}

fn collect_key_specs(arg: &Arg, named: &mut HashSet<u8>) {
    if let ArgKind::Key(spec) | ArgKind::KeyPattern(spec) = arg.kind {
        named.insert(spec);
    }
    arg.children.iter().for_each(|child| collect_key_specs(child, named));
}

#[test]
fn a_row_knows_its_name_in_any_case_and_no_other() {
    for row in rows() {
        let name = row.name.as_bytes();
        assert!(row.is_named(name) && row.is_named(&name.to_ascii_uppercase()), "{}", row.name);
        assert!(!row.is_named(&name[1..]) && !row.is_named(&[name, b"x"].concat()));
        for at in 0..name.len() {
            for byte in 0..=u8::MAX {
                let mut other = name.to_vec();
                other[at] = byte;
                assert_eq!(row.is_named(&other), other.eq_ignore_ascii_case(name), "{}", row.name);
            }
        }
    }
}
