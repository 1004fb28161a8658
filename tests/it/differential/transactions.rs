//! MULTI, EXEC, DISCARD, WATCH and UNWATCH, with a second connection that writes in between.

use super::family::{Check, Family, OTHER, Step, args};
use super::generate::Gen;
use super::{expiry, hashes, keys, lists, sets, sort, strings};

/// The family.
#[derive(Debug)]
pub struct Transactions;

impl Family for Transactions {
    fn name(&self) -> &'static str {
        "transactions"
    }

    fn weight(&self) -> u32 {
        4
    }

    fn steps(&self, g: &mut Gen) -> Vec<Step> {
        match g.range(0, 12) {
            0 => vec![alone(g)],
            _ => transaction(g),
        }
    }
}

/// A command that only makes sense inside, outside of a transaction.
fn alone(g: &mut Gen) -> Step {
    match g.range(0, 4) {
        0 => Step::exact(args![g.word("EXEC")]),
        1 => Step::exact(args![g.word("DISCARD")]),
        2 => Step::exact(args![g.word("UNWATCH")]),
        _ => Step::exact([args![g.word("WATCH")], g.keys(1, 4)].concat()),
    }
}

/// WATCH (perhaps), interference (perhaps), MULTI, commands, interference, EXEC or DISCARD.
fn transaction(g: &mut Gen) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut watched = Vec::new();
    if g.chance(50) {
        watched = g.keys(1, 3);
        steps.push(Step::exact([args![g.word("WATCH")], watched.clone()].concat()));
        if g.chance(20) {
            steps.push(Step::exact(args![g.word("UNWATCH")]));
        }
        if g.chance(30) {
            // The watching connection's own write counts too.
            steps.push(g.recipe(strings::RECIPES));
        }
        if g.chance(40) {
            steps.extend(interference(g, &watched));
        }
    }
    steps.push(Step::exact(args![g.word("MULTI")]).kept());
    let mut checks = Vec::new();
    for _ in 0..g.count(0, 8) {
        let step = queued(g);
        checks.push(step.check.clone());
        steps.push(step);
    }
    if g.chance(30) {
        steps.extend(interference(g, &watched));
    }
    match g.range(0, 10) {
        0..8 => steps.push(Step::checked(args![g.word("EXEC")], Check::Each(checks))),
        _ => steps.push(Step::exact(args![g.word("DISCARD")])),
    }
    // A mistake in the step before must not leave the connection inside the transaction.
    steps.push(Step::exact(args!["DISCARD"]).kept());
    steps
}

/// A command inside: of any family, rarely one that must be refused there.
fn queued(g: &mut Gen) -> Step {
    match g.range(0, 40) {
        0 => Step::exact(args!["MULTI"]),
        1 => Step::exact([args!["WATCH"], g.keys(1, 2)].concat()),
        2 => Step::exact(args!["UNWATCH"]),
        3..6 => Step::exact(args![g.word("SELECT"), g.database()]),
        6 => Step::exact(args!["NOSUCHCOMMAND", g.value()]),
        7..13 => g.recipe(expiry::RECIPES),
        13..20 => g.recipe(keys::RECIPES),
        20..23 => g.recipe(sets::RECIPES),
        23..26 => g.recipe(hashes::RECIPES),
        26..30 => g.recipe(lists::RECIPES),
        30..32 => g.recipe(sort::RECIPES),
        _ => g.recipe(strings::RECIPES),
    }
}

/// Another connection writes: half of the time a watched key, in the database that it happens to
/// be in.
fn interference(g: &mut Gen, watched: &[Vec<u8>]) -> Vec<Step> {
    let mut steps = Vec::new();
    if g.chance(30) {
        steps.push(Step::exact(args!["SELECT", g.database()]).on_other());
    }
    for _ in 0..g.count(1, 3) {
        let family = match g.range(0, 10) {
            0..5 => strings::RECIPES,
            5..8 => keys::RECIPES,
            8 => sets::RECIPES,
            _ => hashes::RECIPES,
        };
        let mut step = g.recipe(family);
        if let (true, Some(key)) = (g.chance(50), watched.first())
            && step.args.len() > 1
        {
            step = Step::exact(args![g.pick(&["APPEND", "SET", "GETSET"]), key.clone(), g.value()]);
        }
        step.connection = OTHER;
        steps.push(step);
    }
    steps
}
