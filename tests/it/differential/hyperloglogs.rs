//! HyperLogLogs: their replies, and now and then the whole string, which must be the same byte for
//! byte.

use super::family::{Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct HyperLogLogs;

impl Family for HyperLogLogs {
    fn name(&self) -> &'static str {
        "hyperloglogs"
    }

    fn weight(&self) -> u32 {
        15
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        vec![g.recipe(RECIPES)]
    }
}

const RECIPES: &[Recipe] = &[
    (10, pfadd),
    (6, |g| Step::exact(args![g.word("PFCOUNT"), any_key(g)])),
    (4, |g| Step::exact([args![g.word("PFCOUNT")], counters(g)].concat())),
    (4, |g| Step::exact([args![g.word("PFMERGE"), counter(g)], counters(g)].concat())),
    (6, |g| Step::exact(args!["GET", counter(g)])),
    (4, pfdebug),
    (2, |g| Step::exact(args!["DEL", counter(g)])),
    (1, |g| Step::exact(args!["OBJECT", "ENCODING", counter(g)])),
    (2, garbage),
    (1, limit),
];

/// A key that may hold anything, or one for HyperLogLogs alone.
fn any_key(g: &mut Gen) -> Vec<u8> {
    if g.chance(15) { g.key() } else { counter(g) }
}

/// A key for HyperLogLogs alone: other commands would change the registers of one, and what a
/// server makes of those is its own.
fn counter(g: &mut Gen) -> Vec<u8> {
    g.pick(&["hll:1", "hll:2", "hll:3", "{a}hll", "{b}hll", "x{a}hll"]).as_bytes().to_vec()
}

fn counters(g: &mut Gen) -> Vec<Vec<u8>> {
    (0..g.count(0, 4)).map(|_| any_key(g)).collect()
}

/// A few elements or many, from a small range or a large one.
fn pfadd(g: &mut Gen) -> Step {
    let mut args = args![g.word("PFADD"), counter(g)];
    let count = if g.chance(80) { g.count(0, 8) } else { g.count(50, 400) };
    let most = if g.chance(50) { 300 } else { 1_000_000 };
    for _ in 0..count {
        args.push(if g.chance(5) { g.value() } else { g.range(0, most).to_string().into_bytes() });
    }
    Step::exact(args)
}

fn pfdebug(g: &mut Gen) -> Step {
    let what = g.pick(&["GETREG", "DECODE", "ENCODING", "TODENSE", "DECODE", "NOTHING"]);
    Step::exact(args![g.word("PFDEBUG"), g.word(what), any_key(g)])
}

/// A string that begins like a HyperLogLog. No whole opcodes stand in a sparse one, so that what a
/// server does before it sees the end is the same.
fn garbage(g: &mut Gen) -> Step {
    let mut value = b"HYLL".to_vec();
    value.push(u8::try_from(g.range(0, 3)).unwrap_or(0));
    value.extend([0; 11]);
    match g.range(0, 3) {
        0 => value.resize(12_304, u8::try_from(g.range(0, 256)).unwrap_or(0)),
        1 => value.truncate(usize::try_from(g.range(4, 17)).unwrap_or(16)),
        _ => value[15] = 0x80,
    }
    Step::exact(args!["SET", counter(g), value]).kept()
}

/// The length from which a sparse one turns dense.
fn limit(g: &mut Gen) -> Step {
    let bytes = g.pick(&["0", "18", "100", "3000", "3000", "20000", "3kb", "x"]);
    Step::exact(args!["CONFIG", "SET", "hll-sparse-max-bytes", bytes]).kept()
}
