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
