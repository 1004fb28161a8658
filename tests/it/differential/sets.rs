//! Every command on sets.
//!
//! What chance decides is only tried where it can decide one thing: SPOP of all there is, or of the
//! only member.

use super::family::{Args, Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct Sets;

impl Family for Sets {
    fn name(&self) -> &'static str {
        "sets"
    }

    fn weight(&self) -> u32 {
        30
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        match g.range(0, 40) {
            0 => limits(g),
            1..4 => pop_the_only_one(g),
            4..7 => vec![scan(g)],
            _ => vec![g.recipe(RECIPES)],
        }
    }
}

/// The recipes, open to transactions.
pub const RECIPES: &[Recipe] = &[
    (14, |g| Step::exact(with_members(g, "SADD", 8))),
    (2, many),
    (7, |g| Step::exact(with_members(g, "SREM", 8))),
    (5, |g| Step::exact(args![g.word("SISMEMBER"), g.key(), member(g)])),
    (4, |g| Step::exact(with_members(g, "SMISMEMBER", 6))),
    (3, |g| Step::exact(args![g.word("SCARD"), g.key()])),
    (4, |g| Step::checked(args![g.word("SMEMBERS"), g.key()], Check::Unordered)),
    (6, |g| Step::exact(args![g.word("SMOVE"), g.key(), g.key(), member(g)])),
    (5, |g| combine(g, "SINTER")),
    (5, |g| combine(g, "SUNION")),
    (5, |g| combine(g, "SDIFF")),
    (4, |g| store(g, "SINTERSTORE")),
    (4, |g| store(g, "SUNIONSTORE")),
    (4, |g| store(g, "SDIFFSTORE")),
    (4, intercard),
    (5, |g| Step::checked(args![g.word("OBJECT"), g.word("ENCODING"), g.key()], Check::Encoding)),
    (3, pop_all),
    (3, random_members),
    (3, wrong),
];

/// A member: mostly one that meets others.
fn member(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 20) {
        0..9 => g.range(-12, 30).to_string().into_bytes(),
        9..14 => format!("m{}", g.range(0, 20)).into_bytes(),
        14 => {
            g.pick(&["01", "-0", "+1", "32767", "32768", "-2147483649", "007"]).as_bytes().to_vec()
        }
        _ => g.value(),
    }
}

fn with_members(g: &mut Gen, name: &str, most: usize) -> Args {
    let mut args = args![g.word(name), g.key()];
    for _ in 0..g.count(1, most) {
        args.push(member(g));
    }
    args
}

/// Many members at once, so that encodings change.
fn many(g: &mut Gen) -> Step {
    let mut args = args![g.word("SADD"), g.key()];
    let (from, count) = (g.range(-300, 300), g.pick_number(&[20, 100, 130, 300, 520, 700]));
    let prefix = if g.chance(60) { "" } else { "member:" };
    args.extend((from..from + count).map(|n| format!("{prefix}{n}").into_bytes()));
    Step::exact(args)
}

fn combine(g: &mut Gen, name: &str) -> Step {
    Step::checked([args![g.word(name)], g.keys(1, 5)].concat(), Check::Unordered)
}

fn store(g: &mut Gen, name: &str) -> Step {
    Step::exact([args![g.word(name), g.key()], g.keys(1, 4)].concat())
}

fn intercard(g: &mut Gen) -> Step {
    let keys = g.keys(1, 4);
    let numkeys = match g.range(0, 16) {
        0 => g.number(),
        1 => (keys.len() + 1).to_string(),
        2 => "0".to_owned(),
        _ => keys.len().to_string(),
    };
    let limit = if g.chance(80) { g.range(0, 6).to_string() } else { g.number() };
    let limit = args![g.word("LIMIT"), limit];
    let options = g.options(&[limit], 40);
    Step::exact([args![g.word("SINTERCARD"), numkeys], keys, options].concat())
}

/// SPOP of more than there can be: all go, in any order.
fn pop_all(g: &mut Gen) -> Step {
    let count = g.pick(&["100000", "2147483648", "9223372036854775807"]);
    Step::checked(args![g.word("SPOP"), g.key(), count], Check::Unordered).kept()
}

/// SRANDMEMBER of all there is, or only how many come.
fn random_members(g: &mut Gen) -> Step {
    let (name, key) = (g.word("SRANDMEMBER"), g.key());
    match g.range(0, 4) {
        0 => Step::checked(args![name, key], Check::Shape),
        1 => Step::checked(args![name, key, g.range(-20, 20)], Check::Length),
        _ => {
            let count = g.pick(&["100000", "9223372036854775807"]);
            Step::checked(args![name, key, count], Check::Unordered)
        }
    }
    .kept()
}

/// What chance must not come to decide.
fn wrong(g: &mut Gen) -> Step {
    let name = g.pick(&["SPOP", "SRANDMEMBER"]);
    let mut args = args![g.word(name), g.key()];
    match g.range(0, 6) {
        0 => args.extend(args!["x"]),
        1 => args.extend(args!["1.5"]),
        2 => args.extend(args![g.pick(&["9223372036854775808", "-9223372036854775808", ""])]),
        3 if name == "SPOP" => args.extend(args![g.range(-5, 1)]),
        _ => args.extend(args!["1", "2"]),
    }
    Step::exact(args).kept()
}

/// A set with one member, which is then taken by chance.
fn pop_the_only_one(g: &mut Gen) -> Vec<Step> {
    let key = g.key();
    let mut pop = args![g.word("SPOP"), key.clone()];
    if g.chance(40) {
        pop.push(b"1".to_vec());
    }
    let draw = args![g.word("SRANDMEMBER"), key.clone()];
    vec![
        Step::exact(args!["DEL", key.clone()]).kept(),
        Step::exact(args!["SADD", key, member(g)]).kept(),
        Step::exact(draw).kept(),
        Step::exact(pop).kept(),
    ]
}

/// A full iteration with any options, or one that must be refused.
fn scan(g: &mut Gen) -> Step {
    let name = g.word("SSCAN");
    if g.chance(20) {
        let wrong = match g.range(0, 6) {
            0 => args!["x"],
            1 => args!["0", "COUNT", g.pick(&["0", "-1", "x", ""])],
            2 => args!["0", "MATCH"],
            3 => args!["0", g.pick(&["NOVALUES", "NOSCORES", "TYPE"])],
            4 => args!["0", "TYPE", "set"],
            _ => args!["18446744073709551616"],
        };
        return Step::exact([args![name, g.key()], wrong].concat()).kept();
    }
    let pattern = g.pick(&["*", "m*", "1*", "[0-9]", "member:?", "*2*"]);
    let matching = args![g.word("MATCH"), pattern];
    let count = args![g.word("COUNT"), g.pick(&["1", "2", "10", "1000"])];
    let options = g.options(&[matching, count], 40);
    Step::checked([args![name, g.key(), "0"], options].concat(), Check::ScanAll)
}

/// Other limits of encodings. Those of integers are never the lower ones: the order in which a
/// hash table's members come would decide.
fn limits(g: &mut Gen) -> Vec<Step> {
    const LIMITS: &[[i64; 3]] =
        &[[512, 128, 64], [8, 8, 64], [16, 6, 10], [4, 0, 64], [0, 0, 64], [6, 4, 3], [30, 20, 5]];
    let [intset, listpack, value] = LIMITS[g.count(0, LIMITS.len() - 1)];
    let set = args![
        "CONFIG",
        "SET",
        "set-max-intset-entries",
        intset,
        "set-max-listpack-entries",
        listpack,
        "set-max-listpack-value",
        value,
    ];
    vec![Step::exact(set).kept()]
}
