//! Every command on hashes, fields that expire included.
//!
//! What chance decides is only tried where it can decide one thing: HRANDFIELD of all there is, or
//! how many fields come. No expiry falls due while the test runs but those that are past at once.

use super::family::{Args, Check, Family, Recipe, Step, args};
use super::generate::Gen;
use super::keyspace::EXPIRY_TOLERANCE_MS as NEAR_MS;

/// The family.
#[derive(Debug)]
pub struct Hashes;

impl Family for Hashes {
    fn name(&self) -> &'static str {
        "hashes"
    }

    fn weight(&self) -> u32 {
        35
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        match g.range(0, 40) {
            0 => limits(g),
            1..5 => vec![scan(g)],
            _ => vec![g.recipe(RECIPES)],
        }
    }
}

/// The recipes, open to transactions.
pub const RECIPES: &[Recipe] = &[
    (14, |g| Step::exact(pairs(g, "HSET"))),
    (3, |g| Step::exact(pairs(g, "HMSET"))),
    (2, many),
    (4, |g| Step::exact(args![g.word("HSETNX"), g.key(), field(g), g.value()])),
    (5, |g| Step::exact(args![g.word("HGET"), g.key(), field(g)])),
    (4, |g| Step::exact(with_fields(g, "HMGET", 5))),
    (6, |g| Step::exact(with_fields(g, "HDEL", 5))),
    (3, |g| Step::exact(args![g.word("HEXISTS"), g.key(), field(g)])),
    (3, |g| Step::exact(args![g.word("HSTRLEN"), g.key(), field(g)])),
    (3, |g| Step::exact(args![g.word("HLEN"), g.key()])),
    (6, |g| Step::exact(args![g.word("HINCRBY"), g.key(), field(g), g.number()])),
    (5, |g| Step::exact(args![g.word("HINCRBYFLOAT"), g.key(), field(g), g.float()])),
    (4, |g| Step::checked(args![g.word("HGETALL"), g.key()], Check::UnorderedPairs)),
    (2, |g| Step::checked(args![g.word("HKEYS"), g.key()], Check::Unordered)),
    (2, |g| Step::checked(args![g.word("HVALS"), g.key()], Check::Unordered)),
    (4, random_fields),
    (10, expire),
    (6, ask),
    (4, |g| Step::exact(numbered(g, "HPERSIST"))),
    (6, getex),
    (9, setex),
    (4, |g| Step::exact(numbered(g, "HGETDEL"))),
    (5, |g| Step::checked(args![g.word("OBJECT"), g.word("ENCODING"), g.key()], Check::Encoding)),
    (2, wrong),
];

/// A field: mostly one that meets others.
fn field(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 20) {
        0..14 => format!("f{}", g.range(0, 12)).into_bytes(),
        14..17 => g.range(-3, 6).to_string().into_bytes(),
        _ => g.value(),
    }
}

fn with_fields(g: &mut Gen, name: &str, most: usize) -> Args {
    let mut args = args![g.word(name), g.key()];
    for _ in 0..g.count(1, most) {
        args.push(field(g));
    }
    args
}

fn pairs(g: &mut Gen, name: &str) -> Args {
    let mut args = args![g.word(name), g.key()];
    for _ in 0..g.count(1, 5) {
        args.extend([field(g), g.value()]);
    }
    args
}

/// Many fields at once, so that encodings change.
fn many(g: &mut Gen) -> Step {
    let mut args = args![g.word("HSET"), g.key()];
    let (from, count) = (g.range(0, 300), g.pick_number(&[20, 100, 130, 300, 520, 700]));
    for n in from..from + count {
        args.extend(args![format!("field:{n}"), n]);
    }
    Step::exact(args)
}

/// `FIELDS numfields field …`, now and then with another number.
fn fields(g: &mut Gen) -> Args {
    let count = g.count(1, 4);
    let number = match g.range(0, 25) {
        0 => g.number(),
        1 => (count + 1).to_string(),
        2 => "0".to_owned(),
        _ => count.to_string(),
    };
    let mut args = args![g.word("FIELDS"), number];
    for _ in 0..count {
        args.push(field(g));
    }
    args
}

fn numbered(g: &mut Gen, name: &str) -> Args {
    [args![g.word(name), g.key()], fields(g)].concat()
}

/// One of the four ways to set the expiry of fields, with any conditions.
fn expire(g: &mut Gen) -> Step {
    let (name, time) = match g.range(0, 4) {
        0 => ("HEXPIRE", g.ttl_arg_s()),
        1 => ("HPEXPIRE", g.ttl_arg_ms()),
        2 => ("HEXPIREAT", g.at_arg_s()),
        _ => ("HPEXPIREAT", g.at_arg_ms()),
    };
    let (nx, xx, gt, lt) = (g.word("NX"), g.word("XX"), g.word("GT"), g.word("LT"));
    let options = g.options(&[vec![nx], vec![xx], vec![gt], vec![lt]], 12);
    Step::exact([args![g.word(name), g.key(), time], options, fields(g)].concat())
}

fn ask(g: &mut Gen) -> Step {
    let (name, near) = match g.range(0, 4) {
        0 => ("HTTL", NEAR_MS / 1000),
        1 => ("HPTTL", NEAR_MS),
        2 => ("HEXPIRETIME", NEAR_MS / 1000),
        _ => ("HPEXPIRETIME", NEAR_MS),
    };
    Step::checked(numbered(g, name), Check::EachNear(near))
}

fn getex(g: &mut Gen) -> Step {
    let (persist, expiry) = (g.word("PERSIST"), g.expiry_option());
    let options = g.options(&[vec![persist], expiry], 45);
    Step::exact([args![g.word("HGETEX"), g.key()], options, fields(g)].concat())
}

fn setex(g: &mut Gen) -> Step {
    let words = ["NX", "XX", "FNX", "FXX", "KEEPTTL"];
    let mut pieces: Vec<Args> = words.iter().map(|word| vec![g.word(word)]).collect();
    pieces.push(g.expiry_option());
    pieces.push(g.expiry_option());
    let options = g.options(&pieces, 14);
    let count = g.count(1, 4);
    let number = match g.range(0, 25) {
        0 => g.number(),
        1 => (count + 1).to_string(),
        _ => count.to_string(),
    };
    let mut args =
        [args![g.word("HSETEX"), g.key()], options, args![g.word("FIELDS"), number]].concat();
    for _ in 0..count {
        args.extend([field(g), g.value()]);
    }
    Step::exact(args)
}

/// HRANDFIELD of all there is, or only how many come.
fn random_fields(g: &mut Gen) -> Step {
    let (name, key) = (g.word("HRANDFIELD"), g.key());
    let with = if g.chance(40) { vec![g.word("WITHVALUES")] } else { Vec::new() };
    match g.range(0, 4) {
        0 => Step::checked(args![name, key], Check::Shape),
        1 => {
            let args = args![name, key, g.range(-20, 20)];
            Step::checked([args, with].concat(), Check::Length)
        }
        _ => {
            let check = if with.is_empty() { Check::Unordered } else { Check::UnorderedPairs };
            let args = args![name, key, g.pick(&["100000", "4611686018427387903"])];
            Step::checked([args, with].concat(), check)
        }
    }
    .kept()
}

/// What chance must not come to decide.
fn wrong(g: &mut Gen) -> Step {
    let mut args = args![g.word("HRANDFIELD"), g.key()];
    args.extend(match g.range(0, 6) {
        0 => args!["x"],
        1 => args![g.pick(&["9223372036854775808", "-9223372036854775808", ""])],
        2 => args!["1", "2"],
        3 => args!["1", "WITHVALUES", "2"],
        4 => args![g.pick(&["-4611686018427387904", "4611686018427387904"]), "WITHVALUES"],
        _ => args!["0", "WITHVALUES"],
    });
    Step::exact(args).kept()
}

/// A full iteration with any options, or one that must be refused.
fn scan(g: &mut Gen) -> Step {
    let name = g.word("HSCAN");
    if g.chance(20) {
        let wrong = match g.range(0, 5) {
            0 => args!["x"],
            1 => args!["0", "COUNT", g.pick(&["0", "-1", "x", ""])],
            2 => args!["0", "MATCH"],
            3 => args!["0", g.pick(&["NOSCORES", "TYPE"])],
            _ => args!["0", "NOVALUES", "MATCH"],
        };
        return Step::exact([args![name, g.key()], wrong].concat()).kept();
    }
    let pattern = g.pick(&["*", "f*", "f1*", "[0-9]", "field:?", "*2*"]);
    let matching = args![g.word("MATCH"), pattern];
    let count = args![g.word("COUNT"), g.pick(&["1", "2", "10", "1000"])];
    let bare = vec![g.word("NOVALUES")];
    let options = g.options(&[matching, count, bare], 40);
    Step::checked([args![name, g.key(), "0"], options].concat(), Check::ScanAll)
}

/// Other limits of encodings.
fn limits(g: &mut Gen) -> Vec<Step> {
    const LIMITS: &[[i64; 2]] = &[[512, 64], [8, 64], [6, 10], [0, 64], [128, 5], [4, 3]];
    let [entries, value] = LIMITS[g.count(0, LIMITS.len() - 1)];
    let set = args![
        "CONFIG",
        "SET",
        "hash-max-listpack-entries",
        entries,
        "hash-max-listpack-value",
        value,
    ];
    vec![Step::exact(set).kept()]
}
