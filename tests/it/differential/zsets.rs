//! Every command on sorted sets, with their encodings.
//!
//! Ranges by strings are asked of keys whose members all have one score: elsewhere the reply hangs
//! on how a skiplist happens to be linked.

use super::family::{Args, Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct Zsets;

impl Family for Zsets {
    fn name(&self) -> &'static str {
        "zsets"
    }

    fn weight(&self) -> u32 {
        50
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        vec![g.recipe(RECIPES)]
    }
}

/// The recipes, open to transactions.
pub const RECIPES: &[Recipe] = &[
    (14, zadd),
    (5, |g| Step::exact(args![g.word("ZINCRBY"), target(g), score(g), member(g)])),
    (4, |g| Step::exact(with_members(g, "ZREM", 4))),
    (2, |g| Step::exact(args![g.word("ZCARD"), key(g)])),
    (3, |g| Step::exact(args![g.word("ZSCORE"), key(g), member(g)])),
    (2, |g| Step::exact(with_members(g, "ZMSCORE", 5))),
    (4, rank),
    (4, |g| {
        let (min, max) = (bound(g), bound(g));
        Step::exact(args![g.word("ZCOUNT"), key(g), min, max])
    }),
    (6, range),
    (5, old_range),
    (4, range_store),
    (3, remove_range),
    (8, lex),
    (3, pop),
    (3, pop_many),
    (2, random),
    (9, algebra),
    (3, intersection_size),
    (3, scan),
    (6, |g| Step::checked(args![g.word("OBJECT"), "ENCODING", key(g)], Check::Encoding)),
    (2, |g| Step::exact(args![g.word("SADD"), set_key(g), member(g), member(g), member(g)])),
    (2, |g| Step::exact(args![g.word("DEL"), key(g)])),
    (1, |g| Step::exact(args![g.word("TYPE"), key(g)])),
    (1, |g| Step::exact(args![g.word("COPY"), key(g), target(g), "REPLACE"])),
    (1, thresholds),
];

const KEYS: &[&str] = &["z1", "z2", "z3", "{a}z", "{b}z", "z:6"];
const LEX_KEYS: &[&str] = &["lex1", "{a}lex", "{b}lex"];

fn key(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 20) {
        0 => g.key(),
        1 => set_key(g),
        2 => g.pick(LEX_KEYS).into(),
        _ => g.pick(KEYS).into(),
    }
}

/// A key to write to: scores of all kinds.
fn target(g: &mut Gen) -> Vec<u8> {
    if g.chance(5) { g.key() } else { g.pick(KEYS).into() }
}

fn set_key(g: &mut Gen) -> Vec<u8> {
    g.pick(&["s1", "{a}s"]).into()
}

/// A member: most from a few dozen, some long, empty or binary.
pub fn member(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 40) {
        0 => Vec::new(),
        1 => g.value(),
        2 => vec![b'x'; g.count(60, 70)],
        3..15 => g.range(-3, 30).to_string().into(),
        _ => format!("m{}", g.range(0, 30)).into(),
    }
}

/// A score: mostly small, so that equal ones meet.
fn score(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 20) {
        0..11 => g.range(-5, 6).to_string().into(),
        11..14 => format!("{}.{}", g.range(-3, 4), g.range(0, 100)).into(),
        14 => g.number().into(),
        15..17 => g.float().into(),
        _ => g.pick(&["inf", "-inf", "-0", "0.1", "1e-7", "4611686018427387905", "1e17"]).into(),
    }
}

/// An end of a range of scores.
fn bound(g: &mut Gen) -> Vec<u8> {
    let score = score(g);
    match g.range(0, 10) {
        0 => b"-inf".to_vec(),
        1 => b"+inf".to_vec(),
        2 | 3 => [b"(", &*score].concat(),
        _ => score,
    }
}

/// An end of a range of strings.
fn lex_bound(g: &mut Gen) -> Vec<u8> {
    let member = member(g);
    match g.range(0, 12) {
        0 | 1 => b"-".to_vec(),
        2 | 3 => b"+".to_vec(),
        4..7 => [b"(", &*member].concat(),
        7 => member,
        _ => [b"[", &*member].concat(),
    }
}

fn with_members(g: &mut Gen, name: &str, most: usize) -> Args {
    let mut args = args![g.word(name), key(g)];
    args.extend((0..g.count(1, most)).map(|_| member(g)));
    args
}

fn zadd(g: &mut Gen) -> Step {
    let mut args = args![g.word("ZADD"), target(g)];
    let flags: Vec<Args> =
        ["NX", "XX", "GT", "LT", "CH", "INCR"].iter().map(|flag| vec![g.word(flag)]).collect();
    let percent = if g.chance(60) { 0 } else { 18 };
    args.extend(g.options(&flags, percent));
    let pairs = if g.chance(15) { g.count(5, 30) } else { g.count(1, 3) };
    for _ in 0..pairs {
        args.extend([score(g), member(g)]);
    }
    Step::exact(args)
}

fn rank(g: &mut Gen) -> Step {
    let name = g.pick(&["ZRANK", "ZREVRANK"]);
    let mut args = args![g.word(name), key(g), member(g)];
    let with = g.word("WITHSCORE");
    args.extend(g.options(&[vec![with]], 40));
    Step::exact(args)
}

fn limit(g: &mut Gen) -> Args {
    let (offset, count) = match g.range(0, 12) {
        0 => (g.number(), g.number()),
        _ => (g.range(-1, 6).to_string(), g.range(-2, 8).to_string()),
    };
    args![g.word("LIMIT"), offset, count]
}

fn range(g: &mut Gen) -> Step {
    let by_score = g.chance(50);
    let ends = |g: &mut Gen| if by_score { bound(g) } else { g.index().into_bytes() };
    let mut args = args![g.word("ZRANGE"), key(g), ends(g), ends(g)];
    if by_score {
        args.push(g.word("BYSCORE"));
    }
    let (limit, reverse, scores) = (limit(g), g.word("REV"), g.word("WITHSCORES"));
    args.extend(g.options(&[vec![reverse], vec![scores]], 40));
    args.extend(g.options(&[limit], if by_score { 30 } else { 3 }));
    Step::exact(args)
}

fn old_range(g: &mut Gen) -> Step {
    let name = g.pick(&["ZREVRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]);
    let by_score = name != "ZREVRANGE";
    let ends = |g: &mut Gen| if by_score { bound(g) } else { g.index().into_bytes() };
    let mut args = args![g.word(name), key(g), ends(g), ends(g)];
    let (limit, scores) = (limit(g), g.word("WITHSCORES"));
    args.extend(g.options(&[vec![scores]], 40));
    args.extend(g.options(&[limit], if by_score { 30 } else { 3 }));
    Step::exact(args)
}

fn range_store(g: &mut Gen) -> Step {
    let by_score = g.chance(50);
    let ends = |g: &mut Gen| if by_score { bound(g) } else { g.index().into_bytes() };
    let mut args = args![g.word("ZRANGESTORE"), target(g), key(g), ends(g), ends(g)];
    if by_score {
        args.push(g.word("BYSCORE"));
    }
    let (limit, reverse) = (limit(g), g.word("REV"));
    args.extend(g.options(&[vec![reverse]], 40));
    args.extend(g.options(&[limit], if by_score { 30 } else { 3 }));
    Step::exact(args)
}

fn remove_range(g: &mut Gen) -> Step {
    if g.chance(50) {
        let (from, to) = (bound(g), bound(g));
        return Step::exact(args![g.word("ZREMRANGEBYSCORE"), key(g), from, to]);
    }
    let (from, to) = match g.range(0, 8) {
        0 => (g.index(), g.index()),
        _ => (g.range(-4, 30).to_string(), g.range(-4, 30).to_string()),
    };
    Step::exact(args![g.word("ZREMRANGEBYRANK"), key(g), from, to])
}

/// Commands that order by strings, and what fills their keys.
fn lex(g: &mut Gen) -> Step {
    let key = g.pick(LEX_KEYS);
    let ends = [lex_bound(g), lex_bound(g)];
    let mut args = match g.range(0, 10) {
        0..4 => {
            let mut args = args![g.word("ZADD"), key];
            for _ in 0..g.count(1, 6) {
                args.extend([b"0".to_vec(), member(g)]);
            }
            // A mistake could give one member another score.
            return Step::exact(args).kept();
        }
        4 => args![g.word("ZREMRANGEBYLEX"), key],
        5 => args![g.word("ZLEXCOUNT"), key],
        6 => args![g.word("ZRANGEBYLEX"), key],
        7 => args![g.word("ZREVRANGEBYLEX"), key],
        8 => args![g.word("ZRANGE"), key],
        _ => args![g.word("ZRANGESTORE"), "z1", key],
    };
    let name = args[0].to_ascii_uppercase();
    let replies = name.ends_with(b"BYLEX") && name != b"ZREMRANGEBYLEX";
    args.extend(ends);
    if name == b"ZRANGE" || name == b"ZRANGESTORE" {
        args.push(g.word("BYLEX"));
        let (reverse, scores) = (g.word("REV"), g.word("WITHSCORES"));
        args.extend(g.options(&[vec![reverse]], 40));
        args.extend(g.options(&[vec![scores]], 5));
    }
    if replies || name == b"ZRANGE" {
        let limit = limit(g);
        args.extend(g.options(&[limit], 30));
    }
    Step::exact(args)
}

fn pop(g: &mut Gen) -> Step {
    let name = g.pick(&["ZPOPMIN", "ZPOPMAX"]);
    let mut args = args![g.word(name), key(g)];
    if g.chance(50) {
        let count = if g.chance(80) { g.range(0, 6).to_string() } else { g.number() };
        args.push(count.into());
    }
    Step::exact(args)
}

fn numkeys(g: &mut Gen, keys: usize) -> String {
    match g.range(0, 25) {
        0 => "0".to_owned(),
        1 => (keys + 1).to_string(),
        2 => g.number(),
        _ => keys.to_string(),
    }
}

fn pop_many(g: &mut Gen) -> Step {
    let keys: Args = (0..g.count(1, 3)).map(|_| key(g)).collect();
    let mut args = args![g.word("ZMPOP"), numkeys(g, keys.len())];
    args.extend(keys);
    let end = g.pick(&["MIN", "MAX"]);
    args.push(g.word(end));
    let count = if g.chance(80) { g.range(0, 5).to_string() } else { g.number() };
    let count = args![g.word("COUNT"), count];
    args.extend(g.options(&[count], 50));
    Step::exact(args)
}

/// How many, and of which kind, hangs on no chance if all are asked for.
fn random(g: &mut Gen) -> Step {
    let mut args = args![g.word("ZRANDMEMBER"), key(g)];
    if g.chance(30) {
        return Step::checked(args, Check::Shape);
    }
    let all = g.chance(50);
    let count =
        if all { g.pick(&["1000", "x", "0"]).to_owned() } else { g.range(-5, 5).to_string() };
    args.push(count.into());
    let scores = g.word("WITHSCORES");
    args.extend(g.options(&[vec![scores]], 40));
    Step::checked(args, Check::Shape)
}

fn algebra(g: &mut Gen) -> Step {
    let names = ["ZUNION", "ZINTER", "ZDIFF", "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"];
    let name = g.pick(&names);
    let mut args = args![g.word(name)];
    if name.ends_with("STORE") {
        args.push(target(g));
    }
    let keys: Args = (0..g.count(1, 4)).map(|_| key(g)).collect();
    args.push(numkeys(g, keys.len()).into());
    let mut weights = args![g.word("WEIGHTS")];
    weights.extend(keys.iter().map(|_| score(g)));
    args.extend(keys);
    let how = g.pick(&["SUM", "MIN", "MAX", "AVG"]);
    let aggregate = args![g.word("AGGREGATE"), g.word(how)];
    let scores = vec![g.word("WITHSCORES")];
    let combines = if name.starts_with("ZDIFF") { 3 } else { 35 };
    args.extend(g.options(&[weights, aggregate], combines));
    args.extend(g.options(&[scores], if name.ends_with("STORE") { 3 } else { 60 }));
    Step::exact(args)
}

fn intersection_size(g: &mut Gen) -> Step {
    let keys: Args = (0..g.count(1, 3)).map(|_| key(g)).collect();
    let mut args = args![g.word("ZINTERCARD"), numkeys(g, keys.len())];
    args.extend(keys);
    let most = if g.chance(80) { g.range(-1, 5).to_string() } else { g.number() };
    let limit = args![g.word("LIMIT"), most];
    args.extend(g.options(&[limit], 50));
    Step::exact(args)
}

fn scan(g: &mut Gen) -> Step {
    let mut args = args![g.word("ZSCAN"), key(g), "0"];
    let pattern = g.pick(&["*", "m*", "m1?", "[0-9]*", "nothing"]);
    let count = g.range(0, 30).to_string();
    let pieces = [
        args![g.word("MATCH"), pattern],
        args![g.word("COUNT"), count],
        args![g.word("NOSCORES")],
        args![g.word("NOVALUES")],
    ];
    args.extend(g.options(&pieces[..3], 30));
    args.extend(g.options(&pieces[3..], 3));
    Step::checked(args, Check::ScanAll)
}

/// Other points of conversion, so that both encodings are met often.
fn thresholds(g: &mut Gen) -> Step {
    let (name, value) = match g.range(0, 3) {
        0 => ("zset-max-listpack-value", g.pick(&["0", "2", "64", "64"])),
        _ => ("zset-max-listpack-entries", g.pick(&["0", "3", "12", "128", "128"])),
    };
    Step::exact(args!["CONFIG", "SET", name, value]).kept()
}
