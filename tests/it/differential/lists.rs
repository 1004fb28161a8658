//! Every command on lists that does not wait, with their encodings.
//!
//! Lists live on keys of their own as well as on those of the other families, so that wrong types
//! come but do not drown the rest. Some elements are large, so that lists become quicklists and
//! come back.

use super::family::{Args, Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct Lists;

impl Family for Lists {
    fn name(&self) -> &'static str {
        "lists"
    }

    fn weight(&self) -> u32 {
        50
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        if g.chance(2) {
            return many(g);
        }
        vec![g.recipe(RECIPES)]
    }
}

/// The recipes, open to transactions.
pub const RECIPES: &[Recipe] = &[
    (12, |g| push(g, &["RPUSH", "LPUSH"])),
    (3, |g| push(g, &["RPUSHX", "LPUSHX"])),
    (6, pop),
    (2, |g| Step::exact(args![g.word("LLEN"), list(g)])),
    (4, |g| Step::exact(args![g.word("LINDEX"), list(g), index(g)])),
    (4, lset),
    (6, |g| Step::exact(args![g.word("LRANGE"), list(g), index(g), index(g)])),
    (2, trim),
    (3, |g| Step::exact(args![g.word("LREM"), list(g), count(g), element(g)])),
    (5, insert),
    (5, lpos),
    (5, lmove),
    (3, |g| Step::exact(args![g.word("RPOPLPUSH"), list(g), list(g)])),
    (4, lmpop),
    (5, |g| Step::checked(args!["OBJECT", "ENCODING", list(g)], Check::Encoding)),
    (1, |g| Step::exact(args!["TYPE", list(g)])),
    (1, |g| Step::exact(args!["COPY", list(g), list(g), "REPLACE"])),
    (1, |g| Step::exact(args!["RENAME", list(g), list(g)])),
];

const LISTS: &[&[u8]] = &[b"l1", b"l2", b"l3", b"l4", b"{a}l1", b"{a}l2", b"l\xff\x00"];

/// A key: mostly one of a few that hold lists.
fn list(g: &mut Gen) -> Vec<u8> {
    if g.chance(5) { g.key() } else { g.pick(LISTS).to_vec() }
}

/// An element: often one of few, so that equal ones come; now and then one that fills a node or
/// stands alone.
fn element(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 100) {
        0..40 => g.pick(&[&b"a"[..], b"b", b"1", b"-1", b"", b"007"]).to_vec(),
        40..60 => g.range(-100_000, 100_000).to_string().into_bytes(),
        60..65 => (1i64 << g.range(0, 62)).to_string().into_bytes(),
        65..80 => vec![b'm'; g.range(60, 3000) as usize],
        80..83 => vec![b'h'; g.range(8_180, 8_200) as usize],
        83..85 => vec![b'H'; g.range(8_193, 20_000) as usize],
        _ => g.value(),
    }
}

/// One of these words in any case.
fn one_of(g: &mut Gen, words: &[&'static str]) -> Vec<u8> {
    let word = g.pick(words);
    g.word(word)
}

fn index(g: &mut Gen) -> String {
    if g.chance(70) { g.range(-8, 8).to_string() } else { g.index() }
}

/// LSET with indexes of up to 32 bits: the reference cuts larger ones and sets another element.
fn lset(g: &mut Gen) -> Step {
    let index = match g.range(0, 20) {
        0..18 => g.range(-10, 10).to_string(),
        18 => g.pick(&["2147483647", "-2147483648", "-1000"]).to_owned(),
        _ => g.pick(&["", "x", "1.5", "99999999999999999999"]).to_owned(),
    };
    Step::exact(args![g.word("LSET"), list(g), index, element(g)]).kept()
}

fn count(g: &mut Gen) -> String {
    if g.chance(90) { g.range(-3, 4).to_string() } else { g.number() }
}

fn push(g: &mut Gen, commands: &[&'static str]) -> Step {
    let mut args = args![one_of(g, commands), list(g)];
    for _ in 0..g.range(1, 5) {
        args.push(element(g));
    }
    Step::exact(args)
}

fn pop(g: &mut Gen) -> Step {
    let mut args = args![one_of(g, &["LPOP", "RPOP"]), list(g)];
    if g.chance(50) {
        args.push(count(g).into_bytes());
    }
    Step::exact(args)
}

/// LTRIM that mostly leaves something.
fn trim(g: &mut Gen) -> Step {
    let (start, stop) = match g.range(0, 10) {
        0..6 => (g.range(0, 4).to_string(), g.range(-4, 0).to_string()),
        6..8 => (g.range(0, 4).to_string(), g.range(3, 12).to_string()),
        _ => (index(g), index(g)),
    };
    Step::exact(args![g.word("LTRIM"), list(g), start, stop])
}

fn insert(g: &mut Gen) -> Step {
    let side = one_of(g, &["BEFORE", "AFTER"]);
    Step::exact(args![g.word("LINSERT"), list(g), side, element(g), element(g)])
}

fn lpos(g: &mut Gen) -> Step {
    let mut args = args![g.word("LPOS"), list(g), element(g)];
    let pieces: Vec<Args> = ["RANK", "COUNT", "MAXLEN"]
        .iter()
        .map(|option| vec![g.word(option), count(g).into_bytes()])
        .collect();
    args.extend(g.options(&pieces, 35));
    Step::exact(args)
}

fn lmove(g: &mut Gen) -> Step {
    let (from, to) = (end(g), end(g));
    Step::exact(args![g.word("LMOVE"), list(g), list(g), from, to])
}

fn end(g: &mut Gen) -> Vec<u8> {
    one_of(g, &["LEFT", "RIGHT"])
}

fn lmpop(g: &mut Gen) -> Step {
    let keys: Args = (0..g.range(1, 4)).map(|_| list(g)).collect();
    let stated = if g.chance(95) { keys.len().to_string() } else { g.number() };
    let mut args = args![g.word("LMPOP"), stated];
    args.extend(keys);
    args.push(end(g));
    if g.chance(50) {
        args.extend(args![g.word("COUNT"), count(g)]);
    }
    Step::exact(args)
}

/// A list of several nodes, then looks and changes near the borders of nodes.
fn many(g: &mut Gen) -> Vec<Step> {
    let key = list(g);
    let mut steps = Vec::new();
    for _ in 0..g.range(1, 4) {
        let mut args = args![one_of(g, &["RPUSH", "LPUSH"]), key.clone()];
        let size = g.range(10, 60) as usize;
        for n in 0..g.range(50, 400) {
            args.push(format!("{n:0size$}x").into_bytes());
        }
        steps.push(Step::exact(args).kept());
    }
    let encoding = || Step::checked(args!["OBJECT", "ENCODING", key.clone()], Check::Encoding);
    steps.push(encoding());
    for _ in 0..g.range(2, 10) {
        let place = g.range(-400, 400);
        steps.push(Step::exact(args!["LINDEX", key.clone(), place]));
        let (pivot, side) = (format!("{:020}x", g.range(0, 100)), one_of(g, &["BEFORE", "AFTER"]));
        steps.push(Step::exact(args!["LINSERT", key.clone(), side, pivot, element(g)]));
        steps.push(Step::exact(args!["LSET", key.clone(), place, element(g)]).kept());
        steps.push(Step::exact(args!["LRANGE", key.clone(), place, place + 3]));
    }
    steps.push(Step::exact(args!["LTRIM", key.clone(), g.range(0, 500), g.range(-300, -1)]));
    steps.push(encoding());
    let command = one_of(g, &["LPOP", "RPOP"]);
    steps.push(Step::exact(args![command, key.clone(), g.range(0, 300)]));
    steps.push(encoding());
    steps
}
