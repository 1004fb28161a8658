//! Makes a violation small enough to be read.
//!
//! A history that is not serializable is cut down by steps that each only allow *more* orders, so
//! that what still fails in the end is a fair witness: end after the first reply that no order
//! explains; begin at the last moment at which nothing was in flight, in any of the states that
//! were possible there; leave out reads, and forget replies, that play no part.

use std::fmt;

use super::checker::{Stuck, Verdict, check_within, final_states};
use super::history::{History, NEVER, Op, Tick};
use super::model::{Action, State};

/// Configurations that each attempt may visit.
const BUDGET: usize = 10_000;

/// Most states that a witness begins in: with more, an earlier beginning is clearer.
const BEGINNINGS: usize = 6;

/// A small history that contradicts itself.
pub struct Witness {
    /// The states that were possible before it: from none of them can it be explained.
    pub beginnings: Vec<State>,
    /// Its operations; a reply `?` stands for any.
    pub history: History,
    /// How far an order gets, from the first of the beginnings.
    pub stuck: Option<Stuck>,
}

impl Witness {
    /// Finds a small witness in a violation.
    pub fn of(stuck: &Stuck) -> Self {
        let history = shortest_prefix(&stuck.part);
        let beginnings = vec![history.initial.clone()];
        let mut witness = Self { beginnings, history, stuck: None };
        witness.begin_late();
        witness.thin_out();
        let history = witness.history_from(&witness.beginnings[0]);
        if let Verdict::Violation(stuck) = check_within(&history, BUDGET) {
            witness.history.ops.clone_from(&stuck.part.ops);
            witness.stuck = Some(stuck);
        }
        witness
    }

    fn history_from(&self, initial: &State) -> History {
        History { initial: initial.clone(), ops: self.history.ops.clone() }
    }

    /// Whether no beginning explains it.
    fn fails(&self) -> bool {
        self.beginnings.iter().all(|b| fails(&self.history_from(b)))
    }

    /// Drops what happened before the last quiet moment.
    fn begin_late(&mut self) {
        let ops = &self.history.ops;
        let mut quiet: Vec<Tick> = ops.iter().map(|op| op.returned).collect();
        quiet.retain(|&t| t != NEVER && ops.iter().all(|o| o.returned <= t || o.invoked > t));
        quiet.sort_unstable();
        let Some(last) = ops.iter().map(|op| op.invoked).max() else { return };
        for tick in quiet.into_iter().rev().filter(|&t| t < last) {
            let mut before = self.history.clone();
            before.ops.retain(|op| op.returned <= tick);
            let Some(beginnings) = final_states(&before, BUDGET) else { continue };
            let mut later = Self { beginnings, history: self.history.clone(), stuck: None };
            later.history.ops.retain(|op| op.invoked > tick);
            if (1..=BEGINNINGS).contains(&later.beginnings.len()) && later.fails() {
                *self = later;
                return;
            }
        }
    }

    /// Drops reads and forgets replies one by one, the latest first.
    fn thin_out(&mut self) {
        let unread =
            |op: &Op| op.reply.is_none() && matches!(&op.action, Action::Run(cmd) if cmd.is_read());
        self.history.ops.retain(|op| !unread(op));
        for i in (0..self.history.ops.len()).rev() {
            let op = self.history.ops[i].clone();
            let Some(reply) = &op.reply else { continue };
            let before = self.history.clone();
            if matches!(&op.action, Action::Run(cmd) if cmd.changed_nothing(reply)) {
                self.history.ops.remove(i);
            } else {
                self.history.ops[i].reply = None;
            }
            if !self.fails() {
                self.history = before;
            }
        }
    }
}

fn fails(history: &History) -> bool {
    matches!(check_within(history, BUDGET), Verdict::Violation(_))
}

/// The history up to the first reply that no order explains.
fn shortest_prefix(history: &History) -> History {
    let mut ticks: Vec<Tick> = history.ops.iter().map(|op| op.returned).collect();
    ticks.sort_unstable();
    let first_bad = ticks.partition_point(|&tick| !fails(&history.until(tick)));
    ticks.get(first_bad).map_or_else(|| history.clone(), |&cut| history.until(cut))
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "smallest part found that contradicts itself (`?`: whatever the reply), from")?;
        self.beginnings.iter().try_for_each(|state| writeln!(f, "{state:?}"))?;
        write!(f, "{:?}", self.history)?;
        if let Some(stuck) = &self.stuck {
            writeln!(f, "an order of them gets as far as\n{:?}\nand then to none of", stuck.state)?;
            stuck.next.iter().try_for_each(|op| writeln!(f, "{op:?}"))?;
        }
        Ok(())
    }
}
