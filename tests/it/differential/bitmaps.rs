//! Bitmaps: every command on bits, on the keys of all strings and on some that hold long ones.

use super::family::{Args, Family, Recipe, Step, args};
use super::generate::Gen;
use crate::server::Target;

/// What Valkey has.
#[derive(Debug)]
pub struct Bitmaps;

impl Family for Bitmaps {
    fn name(&self) -> &'static str {
        "bitmaps"
    }

    fn weight(&self) -> u32 {
        20
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        vec![g.recipe(RECIPES)]
    }
}

/// The operators of BITOP that came with Redis 8.2.
#[derive(Debug)]
pub struct RedisBitmaps;

impl Family for RedisBitmaps {
    fn name(&self) -> &'static str {
        "redis-bitmaps"
    }

    fn weight(&self) -> u32 {
        20
    }

    fn oracle(&self) -> Target {
        Target::Redis
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        vec![g.recipe(&[
            (2, |g| Step::exact(args![g.word("SET"), bitmap(g), g.value()])),
            (2, setbit),
            (1, bitfield),
            (6, |g| bitop(g, &["DIFF", "DIFF1", "ANDOR", "ONE", "AND", "NOT"])),
        ])]
    }
}

const RECIPES: &[Recipe] = &[
    (10, setbit),
    (5, |g| Step::exact(args![g.word("GETBIT"), bitmap(g), offset(g)])),
    (8, |g| Step::exact([args![g.word("BITCOUNT"), bitmap(g)], range(g)].concat())),
    (10, bitpos),
    (8, |g| bitop(g, &["AND", "OR", "XOR", "NOT"])),
    (12, bitfield),
    (3, |g| Step::exact([args![g.word("BITFIELD_RO"), bitmap(g)], fields(g, true)].concat())),
    (2, |g| Step::exact(args![g.word("SETRANGE"), bitmap(g), g.range(0, 900), g.value()])),
    (1, |g| Step::exact(args![g.word("OBJECT"), "ENCODING", bitmap(g)])),
];

/// A key: one that anything may hold, or one for bitmaps alone.
fn bitmap(g: &mut Gen) -> Vec<u8> {
    if g.chance(30) {
        return g.key();
    }
    g.pick(&["bits:1", "bits:2", "{a}bits", "{b}bits", "x{a}bits"]).as_bytes().to_vec()
}

/// An offset in bits: near, far, or wrong. None makes a string longer than a megabyte.
fn offset(g: &mut Gen) -> String {
    match g.range(0, 20) {
        0..10 => g.range(0, 100).to_string(),
        10..16 => g.range(0, 10_000).to_string(),
        16..17 => g.range(0, 1_000_000).to_string(),
        _ => g
            .pick(&[
                "-1",
                "4294967296",
                "9223372036854775807",
                "x",
                "",
                "#1",
                "1.0",
                "01",
                "#",
                "#-1",
            ])
            .to_owned(),
    }
}

fn setbit(g: &mut Gen) -> Step {
    let bit = if g.chance(95) { g.range(0, 2).to_string() } else { g.number() };
    Step::exact(args![g.word("SETBIT"), bitmap(g), offset(g), bit])
}

fn range(g: &mut Gen) -> Args {
    let unit = g.pick(&["BIT", "BYTE", "bit", "byte", "BITS"]);
    let place = |g: &mut Gen| {
        if g.chance(60) { g.index() } else { g.range(-9000, 9000).to_string() }
    };
    match g.range(0, 10) {
        0..2 => args![],
        2..4 => args![place(g)],
        4..7 => args![place(g), place(g)],
        _ => args![place(g), place(g), unit],
    }
}

fn bitpos(g: &mut Gen) -> Step {
    let bit = if g.chance(95) { g.range(0, 2).to_string() } else { g.number() };
    Step::exact([args![g.word("BITPOS"), bitmap(g), bit], range(g)].concat())
}

fn bitop(g: &mut Gen, operators: &[&str]) -> Step {
    let operator = g.pick(operators);
    let most = if operator == "NOT" && g.chance(80) { 1 } else { 4 };
    let mut args = args![g.word("BITOP"), g.word(operator), bitmap(g)];
    for _ in 0..g.count(1, most) {
        args.push(bitmap(g));
    }
    Step::exact(args)
}

fn bitfield(g: &mut Gen) -> Step {
    Step::exact([args![g.word("BITFIELD"), bitmap(g)], fields(g, false)].concat())
}

/// Operations on fields, whose offsets come plain or by the field.
fn fields(g: &mut Gen, read_only: bool) -> Args {
    let mut args = args![];
    for _ in 0..g.count(0, 4) {
        let (name, has_value) = match g.range(0, 10) {
            _ if read_only && g.chance(90) => ("GET", false),
            0..3 => ("GET", false),
            3..6 => ("SET", true),
            6..9 => ("INCRBY", true),
            _ => ("OVERFLOW", false),
        };
        args.push(g.word(name));
        if name == "OVERFLOW" {
            let how = g.pick(&["WRAP", "SAT", "FAIL", "FAIL", "SAT", "NONE"]);
            args.push(g.word(how));
            continue;
        }
        let width = if g.chance(50) { g.range(1, 10) } else { g.range(0, 67) };
        let sign = if g.chance(50) { "i" } else { "u" };
        let offset = match g.range(0, 20) {
            0..9 => g.range(0, 200).to_string(),
            9..18 => format!("#{}", g.range(0, 40)),
            _ => offset(g),
        };
        args.extend(args![format!("{sign}{width}"), offset]);
        if has_value {
            let value = if g.chance(50) { g.range(-300, 300).to_string() } else { g.number() };
            args.extend(args![value]);
        }
    }
    args
}
