//! Expiries: set, compared, taken away, read. None of them falls due while the test runs.

use super::family::{Check, Family, Recipe, Step, args};
use super::generate::Gen;

/// Milliseconds by which the two servers may see a relative expiry differently.
const MS: i64 = super::keyspace::EXPIRY_TOLERANCE_MS;

/// The family.
#[derive(Debug)]
pub struct Expiry;

impl Family for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
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
    (4, |g| {
        let time = g.ttl_arg_s();
        expire(g, "EXPIRE", &time)
    }),
    (4, |g| {
        let time = g.ttl_arg_ms();
        expire(g, "PEXPIRE", &time)
    }),
    (5, |g| {
        let time = g.at_arg_s();
        expire(g, "EXPIREAT", &time)
    }),
    (5, |g| {
        let time = g.at_arg_ms();
        expire(g, "PEXPIREAT", &time)
    }),
    (3, |g| Step::exact(args![g.word("PERSIST"), g.key()])),
    (3, |g| Step::checked(args![g.word("TTL"), g.key()], Check::Near(MS / 1000))),
    (3, |g| Step::checked(args![g.word("PTTL"), g.key()], Check::Near(MS))),
    (3, |g| Step::checked(args![g.word("EXPIRETIME"), g.key()], Check::Near(MS / 1000))),
    (3, |g| Step::checked(args![g.word("PEXPIRETIME"), g.key()], Check::Near(MS))),
];

fn expire(g: &mut Gen, name: &str, time: &str) -> Step {
    let mut args = args![g.word(name), g.key(), time];
    let options = ["NX", "XX", "GT", "LT"].map(|option| vec![g.word(option)]);
    args.extend(g.options(&options, 20));
    if g.chance(2) {
        args.push(b"nonsense".to_vec());
    }
    Step::exact(args)
}
