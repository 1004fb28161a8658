//! SORT and SORT_RO over lists, sets and sorted sets, with patterns that lead to other keys.
//!
//! Not compared is what hangs on an order that nobody promises: that of texts of equal weight, and
//! that of an unsorted set.

use super::family::{Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct Sort;

impl Family for Sort {
    fn name(&self) -> &'static str {
        "sort"
    }

    fn weight(&self) -> u32 {
        15
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        vec![g.recipe(RECIPES)]
    }
}

/// The recipes, open to transactions.
pub const RECIPES: &[Recipe] = &[
    (3, fill_list),
    (2, fill_set),
    (2, fill_zset),
    (4, weight),
    (2, field),
    (1, |g| Step::exact(args!["LTRIM", list(g), "0", "20"])),
    (8, sort),
    (3, sort_texts_by),
    (3, unsorted),
    (2, |g| Step::exact(args!["LRANGE", list(g), "0", "-1"])),
    (1, |g| Step::checked(args!["OBJECT", "ENCODING", list(g)], Check::Encoding)),
];

fn list(g: &mut Gen) -> Vec<u8> {
    g.pick(&[&b"sort:l1"[..], b"sort:l2", b"{a}sort:l3", b"sort:stored"]).to_vec()
}

fn set(g: &mut Gen) -> Vec<u8> {
    g.pick(&[&b"sort:s1"[..], b"{a}sort:s2"]).to_vec()
}

fn zset(g: &mut Gen) -> Vec<u8> {
    g.pick(&[&b"sort:z1"[..], b"{a}sort:z2"]).to_vec()
}

fn source(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 20) {
        0 => g.key(),
        1..5 => set(g),
        5..8 => zset(g),
        _ => list(g),
    }
}

/// Mostly numbers, some of them odd, so that most requests sort by number without an error.
fn element(g: &mut Gen) -> Vec<u8> {
    match g.range(0, 40) {
        0 => g.pick(&["a", "b", "", "1e400", "nan", " 1", "0x10", "1e-400"]).as_bytes().to_vec(),
        1..5 => g.pick(&["1.5", "-0", "1e3", "inf", "-inf", "+2", ".5"]).as_bytes().to_vec(),
        _ => g.range(-5, 30).to_string().into_bytes(),
    }
}

fn fill_list(g: &mut Gen) -> Step {
    let mut args = args!["RPUSH", list(g)];
    args.extend((0..g.range(1, 8)).map(|_| element(g)));
    Step::exact(args).kept()
}

fn fill_set(g: &mut Gen) -> Step {
    let mut args = args!["SADD", set(g)];
    args.extend((0..g.range(1, 6)).map(|_| element(g)));
    Step::exact(args).kept()
}

fn fill_zset(g: &mut Gen) -> Step {
    let mut args = args!["ZADD", zset(g)];
    for _ in 0..g.range(1, 6) {
        args.extend(args![g.range(-5, 6), element(g)]);
    }
    Step::exact(args).kept()
}

/// A value that patterns lead to.
fn weight(g: &mut Gen) -> Step {
    let name = [&b"w_"[..], &element(g)].concat();
    match g.range(0, 10) {
        0 => Step::exact(args!["DEL", name]).kept(),
        1 => Step::exact(args!["SET", name, g.value()]).kept(),
        _ => Step::exact(args!["SET", name, element(g)]).kept(),
    }
}

/// A field that patterns lead to.
fn field(g: &mut Gen) -> Step {
    let name = [&b"h_"[..], &element(g)].concat();
    Step::exact(args!["HSET", name, "f", element(g)]).kept()
}

fn command(g: &mut Gen) -> Vec<u8> {
    let name = g.pick(&["SORT", "SORT", "SORT_RO"]);
    g.word(name)
}

fn limit(g: &mut Gen) -> Vec<Vec<u8>> {
    args![g.word("LIMIT"), g.range(-2, 8), g.range(-2, 10)]
}

fn get(g: &mut Gen) -> Vec<Vec<u8>> {
    args![g.word("GET"), g.pick(&["#", "w_*", "nothing_*", "w_", "*", "w_*->", "h_*->f"])]
}

/// By number, or by the elements as texts, with everything else in any order.
fn sort(g: &mut Gen) -> Step {
    let mut args = args![command(g), source(g)];
    let by_text = g.chance(25);
    let by = args![g.word("BY"), g.pick(&["w_*", "w_*", "nothing_*", "h_*->f"])];
    let order = vec![g.pick(&["ASC", "DESC"]).as_bytes().to_vec()];
    let pieces = [limit(g), get(g), get(g), order, args!["STORE", list(g)]];
    args.extend(g.options(&pieces, 30));
    if by_text {
        args.push(g.word("ALPHA"));
    } else if g.chance(40) {
        args.extend(by);
    }
    Step::exact(args).kept()
}

/// By the texts that a pattern leads to: equal ones have no order.
fn sort_texts_by(g: &mut Gen) -> Step {
    let (by, order) = (g.word("BY"), g.pick(&["ASC", "DESC"]));
    let args = args![command(g), source(g), by, "w_*", "ALPHA", order];
    Step::checked(args, Check::Unordered).kept()
}

/// A list or a sorted set as it is, or a set that is stored (and so sorted after all).
fn unsorted(g: &mut Gen) -> Step {
    let mut args = if g.chance(70) {
        let ordered = if g.chance(50) { list(g) } else { zset(g) };
        args![command(g), ordered]
    } else {
        args!["SORT", set(g), "STORE", list(g)]
    };
    args.extend(args![g.word("BY"), g.pick(&["nosort", "#", ""])]);
    let order = vec![g.pick(&["ASC", "DESC"]).as_bytes().to_vec()];
    let pieces = [limit(g), order, get(g)];
    args.extend(g.options(&pieces, 40));
    Step::exact(args)
}
