//! Every command on streams, on a few keys with small ids, so that they meet: with Valkey, and with
//! Redis for what only it has.
//!
//! Ids that the server makes of its clock could not be compared; `*` is only tried on streams whose
//! last id is in the far future. Times and what follows from them are compared with a tolerance.
//! Nothing here blocks.

use super::family::{Args, Check, Family, Recipe, Step, args};
use super::generate::Gen;
use crate::server::Target;

/// The family.
#[derive(Debug)]
pub struct Streams;

impl Family for Streams {
    fn name(&self) -> &'static str {
        "streams"
    }

    fn weight(&self) -> u32 {
        40
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        match g.range(0, 50) {
            0 => by_clock(g),
            1 => watched(g),
            _ => vec![g.recipe(RECIPES)],
        }
    }
}

/// What Redis has and Valkey has not.
#[derive(Debug)]
pub struct StreamsOfRedis;

impl Family for StreamsOfRedis {
    fn name(&self) -> &'static str {
        "streams-of-redis"
    }

    fn weight(&self) -> u32 {
        40
    }

    fn oracle(&self) -> Target {
        Target::Redis
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        match g.range(0, 10) {
            0..5 => vec![g.recipe(REFERENCE_RECIPES)],
            _ => vec![g.recipe(COMMON_RECIPES)],
        }
    }
}

/// The recipes, open to transactions: each makes one command.
pub const RECIPES: &[Recipe] = &[
    // A mistake could make it one whose id comes from the clock.
    (40, |g| Step::exact(xadd(g)).kept()),
    (3, |g| Step::exact(args![g.word("XLEN"), key(g)])),
    (8, range),
    (8, |g| {
        let ids = ids(g, 1, 4);
        Step::exact([args![g.word("XDEL"), key(g)], ids].concat())
    }),
    (8, |g| Step::exact(xtrim(g))),
    (8, xread),
    (24, xreadgroup),
    (14, xgroup),
    (8, |g| {
        let (head, ids) = (args![g.word("XACK"), key(g), group(g)], ids(g, 1, 5));
        Step::exact([head, ids].concat())
    }),
    (10, xpending),
    (10, xclaim),
    (6, xautoclaim),
    (12, xinfo),
    (3, xsetid),
    (3, |g| Step::exact(args![g.word("DEL"), key(g)])),
    (1, |g| Step::exact(args![g.word("COPY"), key(g), key(g), "REPLACE"])),
    (1, |g| Step::exact(args![g.word("RENAME"), key(g), key(g)])),
    (1, |g| Step::exact(args![g.word("TYPE"), key(g)])),
    (1, |g| Step::exact(args!["OBJECT", "ENCODING", key(g)])),
    (1, |g| Step::exact(args![g.word("SET"), key(g), "a string"])),
    (1, node_size),
];

/// What Redis does as Valkey does: not how it counts what groups have read,
/// not XREAD's `+` where the last entry is gone, and not all texts.
const COMMON_RECIPES: &[Recipe] = &[
    (40, |g| Step::exact(xadd(g)).kept()),
    (4, range),
    (4, |g| {
        let ids = ids(g, 1, 4);
        Step::exact([args![g.word("XDEL"), key(g)], ids].concat())
    }),
    (4, |g| Step::exact(xtrim(g))),
    (24, |g| xreadgroup(g).kept()),
    (12, |g| {
        // After a group is destroyed, Redis 8.2 may still think that it has to read.
        let step = xgroup(g);
        if step.args[1].eq_ignore_ascii_case(b"DESTROY") { xinfo_stream(g) } else { step }
    }),
    (6, |g| {
        let (head, ids) = (args![g.word("XACK"), key(g), group(g)], ids(g, 1, 5));
        Step::exact([head, ids].concat())
    }),
    (8, xpending),
    (6, xclaim),
    (4, xautoclaim),
    (4, xinfo_stream),
    (2, |g| Step::exact(args![g.word("DEL"), key(g)])),
    (1, node_size),
];

const REFERENCE_RECIPES: &[Recipe] = &[
    (5, |g| {
        let (head, tail) = (args![g.word("XDELEX"), key(g)], with_ids(g));
        Step::exact([head, tail].concat())
    }),
    (5, |g| {
        let (head, tail) = (args![g.word("XACKDEL"), key(g), group(g)], with_ids(g));
        Step::exact([head, tail].concat())
    }),
    (3, |g| {
        let mut request = xtrim(g);
        request.push(references(g));
        Step::exact(request)
    }),
    (3, |g| {
        let mut request = xadd(g);
        request.insert(2, references(g));
        Step::exact(request).kept()
    }),
];

fn key(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 30) {
        0 => g.key(),
        1 => b"missing:stream".to_vec(),
        2..20 => g.pick(&["stream:1", "stream:2"]).into(),
        _ => g.pick(&["{s}1", "{s}2", "stream:3"]).into(),
    }
}

fn group(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 12) {
        0 => g.pick(&["", "none", "g\u{e9}\n"]).into(),
        1..9 => b"g1".to_vec(),
        _ => g.pick(&["g2", "g3"]).into(),
    }
}

fn consumer(g: &mut Gen) -> Vec<u8> {
    g.pick(&["c1", "c1", "c2", "c3", "", "c\u{1}"]).into()
}

/// An id: whole, in part, or wrong.
fn id(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 40) {
        0 => g
            .pick(&[
                "",
                "x",
                "-",
                "+",
                "$",
                ">",
                "*",
                "1-",
                "-1",
                "1-*",
                "1-2-3",
                "01-1",
                "1- 1",
                "1--0",
                "18446744073709551615",
                "18446744073709551616",
                "1-18446744073709551616",
            ])
            .into(),
        1 => b"18446744073709551615-18446744073709551615".to_vec(),
        2..6 => g.range(0, 30).to_string().into(),
        _ => format!("{}-{}", g.range(0, 30), g.range(0, 4)).into(),
    }
}

fn ids(g: &mut Gen, low: usize, high: usize) -> Args {
    (0..g.count(low, high)).map(|_| id(g)).collect()
}

/// An end of an interval.
fn edge(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 12) {
        0..4 => g.pick(&["-", "+"]).into(),
        4..6 => [b"(".to_vec(), id(g)].concat(),
        6 => {
            g.pick(&["(", "(-", "(+", "(0-0", "(18446744073709551615-18446744073709551615"]).into()
        }
        _ => id(g),
    }
}

fn count(g: &mut Gen) -> String {
    match g.range(0, 20) {
        0 => g.number(),
        1 => "0".to_owned(),
        2 => "-1".to_owned(),
        _ => g.range(1, 12).to_string(),
    }
}

/// A strategy of trimming with its options.
fn trimming(g: &mut Gen) -> Args {
    let sign = g.pick(&["", "=", "~", "~"]);
    let (name, threshold) = match g.range(0, 2) {
        0 => ("MAXLEN", count(g).into_bytes()),
        _ => ("MINID", id(g)),
    };
    let mut request = args![g.word(name)];
    if !sign.is_empty() {
        request.push(sign.into());
    }
    request.push(threshold);
    if g.chance(if sign == "~" { 40 } else { 3 }) {
        request.extend(args![g.word("LIMIT"), count(g)]);
    }
    request
}

fn xadd(g: &mut Gen) -> Args {
    let mut request = args![g.word("XADD"), key(g)];
    let (nomkstream, trimming) = (g.word("NOMKSTREAM"), trimming(g));
    request.extend(g.options(&[vec![nomkstream], trimming], 12));
    request.push(match g.range(0, 20) {
        // Not the one that comes from the clock.
        0 => Some(id(g)).filter(|id| id != b"*").unwrap_or_default(),
        1 => g.pick(&["0-0", "0-*", "0", "18446744073709551615-*", "x-*", "1--*"]).into(),
        2..8 => format!("{}-{}", g.range(0, 30), g.range(0, 4)).into(),
        _ => format!("{}-*", g.range(0, 30)).into(),
    });
    for _ in 0..g.count(1, 3) {
        let name = g.pick(&["a", "a", "a", "b", "12", ""]);
        request.extend(args![name, g.value()]);
    }
    if g.chance(2) {
        request.pop();
    }
    request
}

fn xtrim(g: &mut Gen) -> Args {
    [args![g.word("XTRIM"), key(g)], trimming(g)].concat()
}

fn references(g: &mut Gen) -> Vec<u8> {
    let word = g.pick(&["KEEPREF", "DELREF", "DELREF", "ACKED", "ACKED"]);
    g.word(word)
}

/// The ids of XDELEX and XACKDEL.
fn with_ids(g: &mut Gen) -> Args {
    let ids = ids(g, 1, 4);
    let number = match g.range(0, 20) {
        0 => g.number(),
        1 => (ids.len() + 1).to_string(),
        2 => "0".to_owned(),
        _ => ids.len().to_string(),
    };
    let list = [args![g.word("IDS"), number], ids].concat();
    let references = vec![references(g)];
    match g.range(0, 8) {
        0 => list,
        1 => [list, references].concat(),
        _ => [references, list].concat(),
    }
}

fn range(g: &mut Gen) -> Step {
    let name = g.pick(&["XRANGE", "XREVRANGE"]);
    let mut request = args![g.word(name), key(g), edge(g), edge(g)];
    if g.chance(30) {
        request.extend(args![g.word("COUNT"), count(g)]);
    }
    Step::exact(request)
}

/// STREAMS with keys and positions.
fn streams(g: &mut Gen, position: fn(&mut Gen) -> Vec<u8>) -> Args {
    let count = g.count(1, 3);
    let mut request = args![g.word("STREAMS")];
    request.extend((0..count).map(|_| key(g)));
    request.extend((0..count).map(|_| position(g)));
    request
}

fn xread(g: &mut Gen) -> Step {
    let mut request = args![g.word("XREAD")];
    let (word, number) = (g.word("COUNT"), count(g));
    request.extend(g.options(&[args![word, number]], 40));
    if g.chance(3) {
        let wrong = g.pick(&["-1", "x", "9223372036854775807", ""]);
        request.extend(args![g.word("BLOCK"), wrong]);
    }
    request.extend(streams(g, |g| match g.range(0, 10) {
        0 => g.pick(&["$", "+", "+", ">"]).into(),
        1..4 => b"0".to_vec(),
        _ => id(g),
    }));
    Step::exact(request)
}

fn xreadgroup(g: &mut Gen) -> Step {
    let mut request = args![g.word("XREADGROUP"), g.word("GROUP"), group(g), consumer(g)];
    let (word, number, noack) = (g.word("COUNT"), count(g), g.word("NOACK"));
    request.extend(g.options(&[args![word, number], vec![noack]], 30));
    request.extend(streams(g, |g| match g.range(0, 20) {
        0 => g.pick(&["$", "+"]).into(),
        1..4 => b"0".to_vec(),
        4..6 => id(g),
        _ => b">".to_vec(),
    }));
    Step::exact(request)
}

fn xgroup(g: &mut Gen) -> Step {
    let start = if g.chance(30) { b"$".to_vec() } else { id(g) };
    let (mkstream, word, number) = (g.word("MKSTREAM"), g.word("ENTRIESREAD"), count(g));
    let read = args![word, number];
    let (key, group) = (key(g), group(g));
    Step::exact(match g.range(0, 20) {
        0..9 => {
            let options = g.options(&[vec![mkstream], read], 30);
            [args![g.word("XGROUP"), g.word("CREATE"), key, group, start], options].concat()
        }
        9..13 => {
            let options = g.options(&[read], 40);
            [args![g.word("XGROUP"), g.word("SETID"), key, group, start], options].concat()
        }
        13 => args![g.word("XGROUP"), g.word("DESTROY"), key, group],
        14..17 => args![g.word("XGROUP"), g.word("CREATECONSUMER"), key, group, consumer(g)],
        17..19 => args![g.word("XGROUP"), g.word("DELCONSUMER"), key, group, consumer(g)],
        _ => args![g.word("XGROUP"), g.pick(&["nope", "", "create"]), key, group],
    })
}

/// A time an entry has been pending at least: none, or so long that only those have it that were
/// given a delivery in the distant past.
fn min_idle(g: &mut Gen) -> String {
    match g.range(0, 12) {
        0 => g.pick(&["-1", "x", "9223372036854775807", ""]).to_owned(),
        1..4 => "100000000".to_owned(),
        _ => "0".to_owned(),
    }
}

fn xpending(g: &mut Gen) -> Step {
    let mut request = args![g.word("XPENDING"), key(g), group(g)];
    if g.chance(70) {
        if g.chance(30) {
            request.extend(args![g.word("IDLE"), min_idle(g)]);
        }
        request.extend(args![edge(g), edge(g), count(g)]);
        if g.chance(30) {
            request.push(consumer(g));
        }
    }
    Step::checked(request, Check::Aged)
}

fn xclaim(g: &mut Gen) -> Step {
    let mut request = args![g.word("XCLAIM"), key(g), group(g), consumer(g), min_idle(g)];
    request.extend(ids(g, 1, 5));
    let wrong = g.chance(5);
    let idle = if wrong { g.number() } else { "200000000".to_owned() };
    let time =
        if wrong { g.number() } else { g.pick(&["1000", "0", "9223372036854775807"]).into() };
    let retry = if wrong { g.number() } else { g.range(0, 9).to_string() };
    let last = id(g);
    let pieces = [
        args![g.word("IDLE"), idle],
        args![g.word("TIME"), time],
        args![g.word("RETRYCOUNT"), retry],
        args![g.word("FORCE")],
        args![g.word("FORCE")],
        args![g.word("JUSTID")],
        args![g.word("LASTID"), last],
    ];
    request.extend(g.options(&pieces, 20));
    Step::exact(request)
}

fn xautoclaim(g: &mut Gen) -> Step {
    let (key, group, consumer) = (key(g), group(g), consumer(g));
    let start = if g.chance(60) { b"-".to_vec() } else { edge(g) };
    let mut request = args![g.word("XAUTOCLAIM"), key, group, consumer, min_idle(g), start];
    let number = if g.chance(10) { g.pick(&["0", "-1", "x"]) } else { g.pick(&["1", "2", "5"]) };
    let pieces = [args![g.word("COUNT"), number], args![g.word("JUSTID")]];
    request.extend(g.options(&pieces, 40));
    Step::exact(request)
}

fn xinfo(g: &mut Gen) -> Step {
    let (name, key, group) = (g.word("XINFO"), key(g), group(g));
    Step::checked(
        match g.range(0, 12) {
            0..3 => args![name, g.word("STREAM"), key],
            3..6 => args![name, g.word("STREAM"), key, g.word("FULL")],
            6 => args![name, g.word("STREAM"), key, g.word("FULL"), g.word("COUNT"), count(g)],
            7 => args![name, g.word("STREAM"), key, g.word("COUNT"), count(g)],
            8..10 => args![name, g.word("GROUPS"), key],
            _ => args![name, g.word("CONSUMERS"), key, group],
        },
        Check::Aged,
    )
}

fn xinfo_stream(g: &mut Gen) -> Step {
    Step::exact(args![g.word("XINFO"), g.word("STREAM"), key(g)])
}

fn xsetid(g: &mut Gen) -> Step {
    let last = format!("{}-{}", g.range(10, 30), g.range(0, 4));
    let mut request =
        args![g.word("XSETID"), key(g), if g.chance(80) { last.into() } else { id(g) }];
    let (number, deleted) = (count(g), id(g));
    let pieces = [args![g.word("ENTRIESADDED"), number], args![g.word("MAXDELETEDID"), deleted]];
    request.extend(g.options(&pieces, 30));
    Step::exact(request)
}

/// Nodes of other sizes for what is added from now on.
fn node_size(g: &mut Gen) -> Step {
    let (name, value) = if g.chance(60) {
        ("stream-node-max-entries", g.pick(&["0", "1", "2", "3", "5", "100"]))
    } else {
        ("stream-node-max-bytes", g.pick(&["0", "60", "200", "4096"]))
    };
    Step::exact(args!["CONFIG", "SET", name, value]).kept()
}

/// Ids that the server makes, in a stream that is ahead of every clock.
fn by_clock(g: &mut Gen) -> Vec<Step> {
    let key = key(g);
    let far = ["9999999999999-*", "9999999999998-18446744073709551615", "*", "*"];
    let add = |id: &str| Step::exact(args!["XADD", key.clone(), id, "a", "1"]).kept();
    let mut steps = vec![add(far[usize::from(g.chance(30))])];
    // Whatever the first one did, the stream is ahead then, or all of these fail.
    steps.push(Step::exact(args!["XSETID", key.clone(), "9999999999999-7"]).kept());
    steps.push(Step::exact(args!["XADD", key.clone(), "9999999999999-*", "a", "1"]).kept());
    steps.extend(far[2..].iter().map(|id| add(id)));
    steps.push(Step::exact(args!["DEL", key]).kept());
    steps
}

/// A change by another connection between WATCH and EXEC: what is about groups does not count as a
/// change of the key.
fn watched(g: &mut Gen) -> Vec<Step> {
    vec![
        Step::exact(args!["WATCH", "stream:1", "stream:2", "{s}1"]).kept(),
        g.recipe(RECIPES).on_other().kept(),
        Step::exact(args!["MULTI"]).kept(),
        Step::exact(args!["XLEN", "stream:1"]).kept(),
        Step::exact(args!["EXEC"]).kept(),
    ]
}
