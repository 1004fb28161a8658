//! Every command on strings.

use super::family::{Args, Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct Strings;

impl Family for Strings {
    fn name(&self) -> &'static str {
        "strings"
    }

    fn weight(&self) -> u32 {
        50
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        vec![g.recipe(RECIPES)]
    }
}

/// The recipes, open to transactions: each makes one command whose reply is exact.
pub const RECIPES: &[Recipe] = &[
    (10, set),
    (8, |g| Step::exact(args![g.word("GET"), g.key()])),
    (2, |g| Step::exact(args![g.word("SETNX"), g.key(), g.value()])),
    (2, |g| Step::exact(args![g.word("SETEX"), g.key(), g.ttl_arg_s(), g.value()])),
    (2, |g| Step::exact(args![g.word("PSETEX"), g.key(), g.ttl_arg_ms(), g.value()])),
    (2, |g| Step::exact(args![g.word("GETSET"), g.key(), g.value()])),
    (2, |g| Step::exact(args![g.word("GETDEL"), g.key()])),
    (4, getex),
    (4, |g| Step::exact(args![g.word("APPEND"), g.key(), g.value()])),
    (3, |g| Step::exact(args![g.word("STRLEN"), g.key()])),
    (4, setrange),
    (4, |g| Step::exact(args![g.word("GETRANGE"), g.key(), g.index(), g.index()])),
    (1, |g| Step::exact(args![g.word("SUBSTR"), g.key(), g.index(), g.index()])),
    (4, |g| Step::exact(args![g.word("INCR"), g.key()])),
    (3, |g| Step::exact(args![g.word("DECR"), g.key()])),
    (4, |g| Step::exact(args![g.word("INCRBY"), g.key(), g.number()])),
    (3, |g| Step::exact(args![g.word("DECRBY"), g.key(), g.number()])),
    (4, |g| Step::exact(args![g.word("INCRBYFLOAT"), g.key(), g.float()])),
    (3, |g| Step::exact(pairs(g, "MSET"))),
    (3, |g| Step::exact(pairs(g, "MSETNX"))),
    (4, |g| Step::exact([args![g.word("MGET")], g.keys(1, 8)].concat())),
    (4, msetex),
    (3, delifeq),
    (4, lcs),
    (4, large),
];

/// SET with every option, in any order, conflicting ones included.
fn set(g: &mut Gen) -> Step {
    let mut args = args![g.word("SET"), g.key(), g.value()];
    if g.chance(30) {
        return Step::exact(args);
    }
    let (nx, xx, get, keep) = (g.word("NX"), g.word("XX"), g.word("GET"), g.word("KEEPTTL"));
    let (ifeq, compared, expiry) = (g.word("IFEQ"), g.value(), g.expiry_option());
    let pieces = [vec![nx], vec![xx], vec![get], vec![keep], vec![ifeq, compared], expiry];
    args.extend(g.options(&pieces, 25));
    Step::exact(args)
}

fn getex(g: &mut Gen) -> Step {
    let mut args = args![g.word("GETEX"), g.key()];
    let (persist, expiry) = (g.word("PERSIST"), g.expiry_option());
    args.extend(g.options(&[vec![persist], expiry], 45));
    Step::exact(args)
}

/// SETRANGE at offsets near the start, beyond the limit, or wrong.
fn setrange(g: &mut Gen) -> Step {
    let offset = match g.range(0, 10) {
        0..6 => g.range(0, 30).to_string(),
        6..8 => g.range(0, 300).to_string(),
        _ => g
            .pick(&["-1", "536870911", "536870912", "2147483648", "9223372036854775807", "x", ""])
            .to_owned(),
    };
    // Just below the limit of 512 MB with a value that keeps below it would allocate that much.
    let value = if offset == "536870911" { b"ab".to_vec() } else { g.value() };
    Step::exact(args![g.word("SETRANGE"), g.key(), offset, value])
}

fn pairs(g: &mut Gen, name: &str) -> Args {
    let mut args = args![g.word(name)];
    for _ in 0..g.count(1, 5) {
        args.extend([g.key(), g.value()]);
    }
    args
}

fn msetex(g: &mut Gen) -> Step {
    let pairs = g.count(1, 4);
    let numkeys = match g.range(0, 20) {
        0 => "0".to_owned(),
        1 => "-1".to_owned(),
        2 => (pairs + 1).to_string(),
        3 => g.number(),
        _ => pairs.to_string(),
    };
    let mut args = args![g.word("MSETEX"), numkeys];
    for _ in 0..pairs {
        args.extend([g.key(), g.value()]);
    }
    let expiry = g.expiry_option_ahead();
    let (nx, xx, keep) = (g.word("NX"), g.word("XX"), g.word("KEEPTTL"));
    args.extend(g.options(&[vec![nx], vec![xx], vec![keep], expiry], 30));
    Step::exact(args)
}

/// DELIFEQ with a value that was just set half of the time would need replies: the values of the
/// pool meet often enough.
fn delifeq(g: &mut Gen) -> Step {
    Step::exact(args![g.word("DELIFEQ"), g.key(), g.value()])
}

fn lcs(g: &mut Gen) -> Step {
    let mut args = args![g.word("LCS"), g.key(), g.key()];
    let (len, idx, with) = (g.word("LEN"), g.word("IDX"), g.word("WITHMATCHLEN"));
    let least = if g.chance(80) { g.range(-2, 6).to_string() } else { g.number() };
    let min = args![g.word("MINMATCHLEN"), least];
    args.extend(g.options(&[vec![len], vec![idx], vec![with], min], 40));
    Step::checked(args, Check::Exact)
}

/// Arguments and replies around the sizes from which servers stop copying them, on keys of their
/// own: LCS over them would take gigabytes.
fn large(g: &mut Gen) -> Step {
    const SIZES: &[i64] = &[16_383, 16_384, 16_385, 20_000, 33_000, 70_000];
    let keys = ["big:1", "big:2", "{a}big", "{b}big"];
    let (key, other) = (g.pick(&keys), g.pick(&keys));
    let mut value = || {
        let len = usize::try_from(g.pick_number(SIZES)).unwrap_or(0);
        vec![b'a' + u8::try_from(g.range(0, 26)).unwrap_or(0); len]
    };
    let (value, second) = (value(), value());
    Step::exact(match g.range(0, 14) {
        0 => args!["SET", key, value],
        1 => args!["SET", key, value, "GET"],
        2 => args!["MSET", key, value, "k1", "v", other, second],
        3 => args!["GETSET", key, value],
        4 => args!["SETRANGE", key, g.range(0, 20_000).to_string(), value],
        5 => args!["GETRANGE", key, g.index(), g.range(16_000, 40_000).to_string()],
        6 => args!["MGET", key, "k1", other, key],
        7 => args!["GETDEL", key],
        8 => args!["DELIFEQ", key, value],
        9 => args!["RENAME", key, other],
        10 => args!["COPY", key, other, "REPLACE"],
        11 => args!["ECHO", value],
        12 => args!["STRLEN", key],
        _ => args!["GET", key],
    })
    // A mistake could put such a value under one of the other keys.
    .kept()
}
