//! Every geo command.
//!
//! Members rarely share a position: at equal distances the order of a reply hangs on the sort.

use super::family::{Args, Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct Geo;

impl Family for Geo {
    fn name(&self) -> &'static str {
        "geo"
    }

    fn weight(&self) -> u32 {
        20
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        vec![g.recipe(RECIPES)]
    }
}

/// The recipes, open to transactions.
pub const RECIPES: &[Recipe] = &[
    (20, geoadd),
    (3, |g| Step::exact(with_members(g, "GEOPOS"))),
    (3, |g| Step::exact(with_members(g, "GEOHASH"))),
    (4, geodist),
    (14, geosearch),
    (5, geosearchstore),
    (4, georadius),
    (4, georadiusbymember),
    (2, |g| Step::exact(args![g.word("ZREM"), key(g), member(g), member(g)])),
    (2, |g| Step::exact(args![g.word("ZRANGE"), stored(g), "0", "-1", "WITHSCORES"])),
    (1, |g| {
        let score = g.range(0, 1 << 52);
        Step::exact(args![g.word("ZADD"), key(g), score.to_string(), member(g)]).kept()
    }),
    (1, |g| Step::checked(args![g.word("OBJECT"), "ENCODING", key(g)], Check::Encoding)),
];

const KEYS: &[&str] = &["g1", "g2", "{a}g", "{b}g"];

fn key(g: &mut Gen) -> Vec<u8> {
    if g.chance(5) { g.key() } else { g.pick(KEYS).into() }
}

/// A key to store to. It is not searched: distances as scores are places beside each other.
fn stored(g: &mut Gen) -> Vec<u8> {
    g.pick(&["gs", "{a}gs"]).into()
}

fn member(g: &mut Gen) -> Vec<u8> {
    if g.chance(5) { g.value() } else { format!("p{}", g.range(0, 40)).into() }
}

/// Longitude and latitude: near a few towns, anywhere, at the edges, or wrong.
fn point(g: &mut Gen) -> Args {
    let decimals = g.range(0, 1_000_000);
    let (longitude, latitude) = match g.range(0, 40) {
        0 => {
            let edge = g.pick(&["-180", "180", "181", "-180.0000001"]);
            return args![edge, format!("11.{decimals:06}")];
        }
        1 => return args![g.float(), format!("10.{decimals:06}")],
        2 => return args![format!("10.{decimals:06}"), g.number()],
        3..10 => {
            let (east, north) = (g.range(-179, 179), g.range(-84, 84));
            return args![format!("{east}.{decimals:06}"), format!("{north}.{decimals:06}")];
        }
        10..16 => ("179", "66"),
        16..22 => ("0", "0"),
        _ => ("13", "38"),
    };
    let more = g.range(0, 1_000_000);
    args![format!("{longitude}.{decimals:06}"), format!("{latitude}.{more:06}")]
}

fn unit(g: &mut Gen) -> Vec<u8> {
    let unit = g.pick(&["M", "KM", "KM", "KM", "FT", "MI", "NM"]);
    if unit == "NM" && g.chance(80) { b"km".to_vec() } else { g.word(unit) }
}

fn length(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 30) {
        0 => g.float().into(),
        1 => g.number().into(),
        2 => b"0".to_vec(),
        3..8 => format!("{}.{}", g.range(0, 50), g.range(0, 100)).into(),
        8..14 => g.range(0, 30_000).to_string().into(),
        _ => g.range(0, 500).to_string().into(),
    }
}

fn with_members(g: &mut Gen, name: &str) -> Args {
    let mut args = args![g.word(name), key(g)];
    args.extend((0..g.count(0, 4)).map(|_| member(g)));
    args
}

fn geoadd(g: &mut Gen) -> Step {
    let mut args = args![g.word("GEOADD"), key(g)];
    let flags: Vec<Args> = ["NX", "XX", "CH"].iter().map(|flag| vec![g.word(flag)]).collect();
    args.extend(g.options(&flags, 8));
    for _ in 0..g.count(1, 5) {
        args.extend(point(g));
        args.push(member(g));
    }
    Step::exact(args)
}

fn geodist(g: &mut Gen) -> Step {
    let mut args = args![g.word("GEODIST"), key(g), member(g), member(g)];
    let unit = unit(g);
    args.extend(g.options(&[vec![unit]], 50));
    Step::exact(args)
}

fn center(g: &mut Gen) -> Args {
    if g.chance(40) {
        return args![g.word("FROMMEMBER"), member(g)];
    }
    let mut args = args![g.word("FROMLONLAT")];
    args.extend(point(g));
    args
}

fn polygon(g: &mut Gen) -> Args {
    let corners = g.count(3, 6);
    let number = match g.range(0, 20) {
        0 => g.number(),
        1 => "2".to_owned(),
        _ => corners.to_string(),
    };
    let mut args = args![g.word("BYPOLYGON"), number];
    for _ in 0..corners {
        // Not around a pole: where the middle is off the map the reference reads memory that it
        // has not written.
        let (east, north, part) = (g.range(-60, 60), g.range(-60, 60), g.range(0, 1_000_000));
        args.extend(args![format!("{east}.{part:06}"), north.to_string()]);
    }
    args
}

/// Where to search, mostly right.
fn area(g: &mut Gen) -> Args {
    let kind = g.range(0, 12);
    if kind < 3 {
        return polygon(g);
    }
    let shape = match kind {
        3..8 => args![g.word("BYRADIUS"), length(g), unit(g)],
        _ => args![g.word("BYBOX"), length(g), length(g), unit(g)],
    };
    let mut pieces = vec![center(g), shape];
    if g.chance(3) {
        pieces.push(center(g));
    }
    if g.chance(50) {
        pieces.reverse();
    }
    pieces.concat()
}

/// How to order, and how many.
fn order(g: &mut Gen) -> Args {
    let order = g.pick(&["ASC", "DESC"]);
    let mut count =
        args![g.word("COUNT"), if g.chance(90) { g.range(0, 6).to_string() } else { g.number() }];
    if g.chance(40) {
        count.push(g.word("ANY"));
    }
    let (order, any) = (vec![g.word(order)], vec![g.word("ANY")]);
    let mut args = g.options(&[order, count], 35);
    args.extend(g.options(&[any], 2));
    args
}

fn extras(g: &mut Gen, percent: u32) -> Args {
    let extras: Vec<Args> =
        ["WITHCOORD", "WITHDIST", "WITHHASH"].iter().map(|extra| vec![g.word(extra)]).collect();
    g.options(&extras, percent)
}

fn geosearch(g: &mut Gen) -> Step {
    let mut args = args![g.word("GEOSEARCH"), key(g)];
    args.extend(area(g));
    args.extend(order(g));
    args.extend(extras(g, 35));
    Step::exact(args)
}

fn geosearchstore(g: &mut Gen) -> Step {
    let mut args = args![g.word("GEOSEARCHSTORE"), stored(g), key(g)];
    args.extend(area(g));
    args.extend(order(g));
    args.extend(extras(g, 2));
    let distances = vec![g.word("STOREDIST")];
    args.extend(g.options(&[distances], 40));
    Step::exact(args)
}

/// The options of the older searches; `_RO` forms refuse to store.
fn old_options(g: &mut Gen) -> Args {
    let mut args = order(g);
    if g.chance(70) {
        args.extend(extras(g, 35));
        return args;
    }
    let store = g.pick(&["STORE", "STOREDIST"]);
    let store = args![g.word(store), stored(g)];
    args.extend(g.options(&[store], 90));
    args
}

fn georadius(g: &mut Gen) -> Step {
    let name = g.pick(&["GEORADIUS", "GEORADIUS", "GEORADIUS_RO"]);
    let mut args = args![g.word(name), key(g)];
    args.extend(point(g));
    args.extend(args![length(g), unit(g)]);
    args.extend(old_options(g));
    Step::exact(args)
}

fn georadiusbymember(g: &mut Gen) -> Step {
    let name = g.pick(&["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"]);
    let mut args = args![g.word(name), key(g), member(g), length(g), unit(g)];
    args.extend(old_options(g));
    Step::exact(args)
}
