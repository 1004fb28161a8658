//! Generic commands on keys of any type, and on whole databases.

use super::family::{Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// The family.
#[derive(Debug)]
pub struct Keys;

impl Family for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn weight(&self) -> u32 {
        25
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        vec![if g.chance(8) { g.recipe(WHOLE) } else { g.recipe(RECIPES) }]
    }
}

/// Commands that may stand in a transaction.
pub const RECIPES: &[Recipe] = &[
    (6, |g| Step::exact([args![g.word("DEL")], g.keys(1, 4)].concat())),
    (3, |g| Step::exact([args![g.word("UNLINK")], g.keys(1, 4)].concat())),
    (6, |g| Step::exact([args![g.word("EXISTS")], g.keys(1, 5)].concat())),
    (3, |g| Step::exact([args![g.word("TOUCH")], g.keys(1, 5)].concat())),
    (5, |g| Step::exact(args![g.word("TYPE"), g.key()])),
    (7, |g| Step::exact(args![g.word("RENAME"), g.key(), g.key()])),
    (5, |g| Step::exact(args![g.word("RENAMENX"), g.key(), g.key()])),
    (9, copy),
    (6, |g| Step::exact(args![g.word("MOVE"), g.key(), g.database()])),
    (4, |g| Step::checked(args![g.word("KEYS"), g.pattern()], Check::Unordered)),
    (3, |g| Step::exact(args![g.word("DBSIZE")])),
    (3, |g| Step::checked(args![g.word("OBJECT"), g.word("ENCODING"), g.key()], Check::Encoding)),
    (2, |g| Step::checked(args![g.word("OBJECT"), g.word("IDLETIME"), g.key()], Check::Near(10))),
    (1, |g| Step::checked(args![g.word("OBJECT"), g.word("REFCOUNT"), g.key()], Check::Shape)),
    (1, |g| Step::exact(args![g.word("OBJECT"), g.word("FREQ"), g.key()])),
    (1, |g| Step::exact(args![g.word("OBJECT"), g.word("NONSENSE"), g.key()])),
    (1, |g| Step::checked(args![g.word("MEMORY"), g.word("USAGE"), g.key()], Check::Shape)),
    (2, |g| Step::exact(args![g.word("SWAPDB"), g.database(), g.database()])),
    (3, wrong_scan),
];

/// Commands on whole databases, some of which end what came before.
const WHOLE: &[Recipe] = &[
    (30, scan),
    (15, |g| Step::checked(args![g.word("RANDOMKEY")], Check::AnyKey)),
    (2, |g| flush(g, "FLUSHDB")),
    (1, |g| flush(g, "FLUSHALL")),
];

fn copy(g: &mut Gen) -> Step {
    let mut args = args![g.word("COPY"), g.key(), g.key()];
    let db = args![g.word("DB"), g.database()];
    let replace = g.word("REPLACE");
    args.extend(g.options(&[db, vec![replace]], 45));
    Step::exact(args)
}

/// A full iteration with any options.
fn scan(g: &mut Gen) -> Step {
    let mut args = args![g.word("SCAN"), "0"];
    let matching = args![g.word("MATCH"), g.pattern()];
    let count = args![g.word("COUNT"), g.pick(&["1", "2", "10", "100", "1000"])];
    let kind = g.pick(&["string", "STRING", "list", "hash", "zset", "set", "stream"]);
    let kind = args![g.word("TYPE"), kind];
    args.extend(g.options(&[matching, count, kind], 40));
    Step::checked(args, Check::ScanAll)
}

/// A SCAN that must be refused.
fn wrong_scan(g: &mut Gen) -> Step {
    let wrong = match g.range(0, 6) {
        0 => args!["abc"],
        1 => args!["0", "COUNT", g.pick(&["0", "-1", "x", "", "1.5"])],
        2 => args!["0", "MATCH"],
        3 => args!["0", "NONSENSE", "1"],
        4 => {
            args![g.pick(&["", "1.5", "18446744073709551616", "99999999999999999999"])]
        }
        _ => args!["0", "TYPE", "nonsense"],
    };
    Step::exact([args![g.word("SCAN")], wrong].concat()).kept()
}

fn flush(g: &mut Gen, name: &str) -> Step {
    let mut args = args![g.word(name)];
    match g.range(0, 5) {
        0 => args.push(g.word("ASYNC")),
        1 => args.push(g.word("SYNC")),
        2 => args.push(b"nonsense".to_vec()),
        _ => {}
    }
    Step::exact(args)
}
