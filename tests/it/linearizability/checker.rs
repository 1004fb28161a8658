//! Decides whether a history is strictly serializable: whether its operations can be put into one
//! order that a single-threaded server could have executed with these very replies, in which
//! whatever was answered before something else was asked stands before it, and in which each
//! client's requests stand in the order sent (also those of one pipeline).
//!
//! The search is Wing and Gong's with Lowe's memoisation ("Testing for linearizability", 2017).
//! Since a client's operations are a chain, how far each client has come *is* the set of operations
//! already placed; a configuration is these positions and the state, and is visited once. Two
//! reductions keep it fast, both exact: an operation that changed nothing is placed as soon as it
//! fits, without a branch; and operations that share no key, directly or by others, are checked
//! apart ([`parts`]).
//!
//! The best-kept crate for this, stateright, was weighed and not taken: its tester remembers no
//! configuration, which takes exponential time here, and it lets a client have one operation in
//! flight, so that pipelines cannot be said.

use std::collections::HashMap;

use ahash::{AHashMap, AHashSet};

use super::history::{History, NEVER, Op, Tick};
use super::model::{Action, Bytes, Db, State};
use crate::client::Reply;

/// Most clients in one history.
pub const MAX_CLIENTS: usize = 16;

/// Configurations after which the search gives up: some ten seconds and a gigabyte at most.
pub const BUDGET: usize = 4_000_000;

/// The result of a check.
#[derive(Debug)]
pub enum Verdict {
    /// There is such an order.
    Linearizable,
    /// There is none; with the part of the history that contradicts itself.
    Violation(Stuck),
    /// The budget was used up before the search came to an end.
    Undecided,
}

/// Where the search came furthest before it found that there is no order.
#[derive(Debug)]
pub struct Stuck {
    /// The operations that could not be ordered: a part of the history.
    pub part: History,
    /// The state after as many of them as could be placed, and what had to come next.
    pub state: State,
    /// The next operation of each client at that point.
    pub next: Vec<Op>,
}

/// Checks a whole history.
pub fn check(history: &History) -> Verdict {
    check_within(history, BUDGET)
}

/// Checks a whole history, visiting at most `budget` configurations in each of its [`parts`].
pub fn check_within(history: &History, budget: usize) -> Verdict {
    let mut undecided = false;
    for part in parts(history) {
        match Search::new(&part).run(budget) {
            Outcome::Found => {}
            Outcome::Exhausted { state, next } => {
                return Verdict::Violation(Stuck { part, state, next });
            }
            Outcome::Budget => undecided = true,
        }
    }
    if undecided { Verdict::Undecided } else { Verdict::Linearizable }
}

/// Every state in which the whole history, none of it split off, can end; `None` if the budget is
/// used up before all are known.
pub fn final_states(history: &History, budget: usize) -> Option<Vec<State>> {
    let mut search = Search::new(history);
    search.ends = Some(AHashSet::new());
    let ends = match search.run(budget) {
        Outcome::Budget => return None,
        Outcome::Found | Outcome::Exhausted { .. } => search.ends.take()?,
    };
    Some(ends.into_iter().map(|number| search.states[number as usize].clone()).collect())
}

/// Splits a history into parts that can be checked apart. Strict serializability is local to
/// groups of keys that no operation spans (Herlihy and Wing, 1990), but only if "before" is what
/// the clock shows: the requests of one pipeline overlap and are ordered all the same, so whatever
/// keys they touch belong together. The keys watched belong to their EXEC.
pub fn parts(history: &History) -> Vec<History> {
    let Some(groups) = Groups::of(history) else { return vec![history.clone()] };
    let mut parts: HashMap<usize, History> = HashMap::new();
    for (op, group) in history.ops.iter().zip(groups) {
        let empty = || History { initial: history.initial.clone(), ops: Vec::new() };
        parts.entry(group).or_insert_with(empty).ops.push(op.clone());
    }
    parts.into_values().collect()
}

/// Union-find over the operations of a history.
struct Groups(Vec<usize>);

impl Groups {
    /// The group of each operation; `None` if some operation concerns every key.
    fn of(history: &History) -> Option<Vec<usize>> {
        let mut groups = Self((0..history.ops.len()).collect());
        let mut owner: HashMap<(Db, Bytes), usize> = HashMap::new();
        for chain in history.chains() {
            let mut watching: Option<usize> = None;
            for (at, &i) in chain.iter().enumerate() {
                let op = &history.ops[i];
                for key in keys_of(op)? {
                    let first = *owner.entry((op.db, key)).or_insert(i);
                    groups.join(first, i);
                }
                if at > 0 && op.invoked < history.ops[chain[at - 1]].returned {
                    groups.join(chain[at - 1], i);
                }
                if let Some(watch) = watching {
                    groups.join(watch, i);
                }
                match op.action {
                    Action::Watch(_) => watching = Some(i),
                    Action::Exec(_) | Action::Unwatch => watching = None,
                    Action::Run(_) => {}
                }
            }
        }
        Some((0..history.ops.len()).map(|i| groups.root(i)).collect())
    }

    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a] = b;
    }
}

/// The keys that an operation names; `None` if it concerns every key.
fn keys_of(op: &Op) -> Option<Vec<Bytes>> {
    match &op.action {
        Action::Run(cmd) => cmd.keys(),
        Action::Watch(keys) => Some(keys.clone()),
        Action::Unwatch => Some(Vec::new()),
        Action::Exec(cmds) => {
            let keys: Option<Vec<_>> = cmds.iter().map(super::model::Cmd::keys).collect();
            Some(keys?.concat())
        }
    }
}

/// How many operations of each client have been placed.
type Positions = [u16; MAX_CLIENTS];

/// A node of the search: a configuration and the clients still to be tried from it.
struct Node {
    at: Positions,
    state: u32,
    untried: Vec<u8>,
}

enum Outcome {
    Found,
    Exhausted { state: State, next: Vec<Op> },
    Budget,
}

/// An operation in its client's chain.
struct Link<'a> {
    op: &'a Op,
    /// Its place in the history.
    index: u32,
    /// Whether the client's next EXEC is known to have run: no key watched before it, counting
    /// from here, may have changed.
    clean: bool,
}

struct Search<'a> {
    /// The operations of each client, in its order.
    chains: Vec<Vec<Link<'a>>>,
    /// Every state seen, each once: a number stands for it.
    states: Vec<State>,
    numbers: AHashMap<State, u32>,
    /// What was found out before: where an operation leads from a state, `None` if nowhere.
    steps: AHashMap<(u32, u32), Option<u32>>,
    visited: AHashSet<(Positions, u32)>,
    /// The configuration with most operations placed, for the report.
    furthest: (usize, Positions, u32),
    /// Where the whole history can end, if that is the question: then the search goes on.
    ends: Option<AHashSet<u32>>,
}

impl<'a> Search<'a> {
    fn new(history: &'a History) -> Self {
        let chains = history.chains();
        assert!(chains.len() <= MAX_CLIENTS, "{} clients in one history", chains.len());
        let mut search = Self {
            chains: chains.iter().map(|chain| links(history, chain)).collect(),
            states: Vec::new(),
            numbers: AHashMap::new(),
            steps: AHashMap::new(),
            visited: AHashSet::new(),
            furthest: (0, [0; MAX_CLIENTS], 0),
            ends: None,
        };
        search.number_of(history.initial.clone());
        search
    }

    fn run(&mut self, budget: usize) -> Outcome {
        let mut stack = Vec::new();
        let mut entering = Some(([0; MAX_CLIENTS], 0));
        loop {
            if let Some((at, state)) = entering.take() {
                let at = self.place_what_changed_nothing(at, state);
                let complete = self.complete(&at);
                match &mut self.ends {
                    None if complete => return Outcome::Found,
                    Some(ends) if complete => {
                        ends.insert(state);
                    }
                    _ => {}
                }
                if self.visited.insert((at, state)) {
                    if self.visited.len() > budget {
                        return Outcome::Budget;
                    }
                    self.note(at, state);
                    stack.push(Node { at, state, untried: self.candidates(&at) });
                }
            }
            let Some(node) = stack.last_mut() else { break };
            let (mut at, state) = (node.at, node.state);
            let Some(client) = node.untried.pop() else {
                stack.pop();
                continue;
            };
            let chain = usize::from(client);
            let next = self.place(state, chain, at[chain]);
            at[chain] += 1;
            if let Some(next) = next.filter(|&next| !self.is_dead_end(&at, next)) {
                entering = Some((at, next));
            }
        }
        let (_, at, state) = self.furthest;
        let next = self.heads(at).map(|(_, op)| op.clone()).collect();
        Outcome::Exhausted { state: self.states[state as usize].clone(), next }
    }

    /// The next operation of each client that has one.
    fn heads(&self, at: Positions) -> impl Iterator<Item = (usize, &'a Op)> {
        let heads = self.chains.iter().enumerate();
        heads.filter_map(move |(c, chain)| Some((c, chain.get(usize::from(at[c]))?.op)))
    }

    /// What is asked after this was answered before: nothing invoked later may be placed yet.
    fn horizon(&self, at: &Positions) -> Tick {
        self.heads(*at).map(|(_, op)| op.returned).min().unwrap_or(NEVER)
    }

    /// Clients whose next operation may be placed, the most urgent last.
    fn candidates(&self, at: &Positions) -> Vec<u8> {
        let horizon = self.horizon(at);
        let mut found: Vec<(usize, &Op)> =
            self.heads(*at).filter(|(_, op)| op.invoked < horizon).collect();
        found.sort_by_key(|(_, op)| std::cmp::Reverse(op.returned));
        found.iter().map(|(c, _)| u8::try_from(*c).expect("below MAX_CLIENTS")).collect()
    }

    /// Whether every operation that was answered has been placed.
    fn complete(&self, at: &Positions) -> bool {
        self.heads(*at).all(|(_, op)| op.returned == NEVER)
    }

    /// Whether a client that is going to run its EXEC has lost what it watches.
    fn is_dead_end(&self, at: &Positions, state: u32) -> bool {
        self.states[state as usize].doomed().any(|client| {
            let of_client = |chain: &&Vec<Link<'_>>| chain[0].op.client == client;
            let chains = self.chains.iter().zip(at);
            let mut own = chains.filter(|(chain, _)| of_client(chain));
            own.any(|(chain, &at)| chain.get(usize::from(at)).is_some_and(|link| link.clean))
        })
    }

    /// Places, as long as there are any, operations that fit here and change nothing, whenever
    /// they are placed. If any order completes this configuration, then so does the order in which
    /// such an operation is moved to its front: no branch is needed.
    fn place_what_changed_nothing(&mut self, mut at: Positions, state: u32) -> Positions {
        loop {
            let horizon = self.horizon(&at);
            let before = at;
            for (chain, position) in at.iter_mut().enumerate().take(self.chains.len()) {
                let Some(link) = self.chains[chain].get(usize::from(*position)) else { continue };
                if link.op.invoked < horizon
                    && link.op.changed_nothing(&self.states[state as usize])
                    && self.place(state, chain, *position).is_some()
                {
                    *position += 1;
                }
            }
            if at == before {
                return at;
            }
        }
    }

    /// The state after a client's operation, if it answers there what it was seen to answer.
    fn place(&mut self, state: u32, chain: usize, at: u16) -> Option<u32> {
        let Link { op, index, .. } = self.chains[chain][usize::from(at)];
        if let Some(&known) = self.steps.get(&(state, index)) {
            return known;
        }
        let mut next = self.states[state as usize].clone();
        let reply = next.act(op.client, op.db, &op.action);
        let next = match &op.reply {
            Some(seen) if *seen != reply => None,
            _ => Some(self.number_of(next)),
        };
        self.steps.insert((state, index), next);
        next
    }

    fn number_of(&mut self, state: State) -> u32 {
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        let number = u32::try_from(self.states.len()).expect("bounded by the budget");
        self.states.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    fn note(&mut self, at: Positions, state: u32) {
        let placed = at.iter().map(|&n| usize::from(n)).sum();
        if placed > self.furthest.0 || self.visited.len() == 1 {
            self.furthest = (placed, at, state);
        }
    }
}

/// A client's chain, told from its end what its EXECs came to.
fn links<'a>(history: &'a History, chain: &[usize]) -> Vec<Link<'a>> {
    let mut clean = false;
    let mut links: Vec<Link<'a>> = Vec::with_capacity(chain.len());
    for &i in chain.iter().rev() {
        let op = &history.ops[i];
        match (&op.action, &op.reply) {
            (Action::Exec(_), reply) => clean = matches!(reply, Some(Reply::Array(_))),
            (Action::Unwatch, _) => clean = false,
            _ => {}
        }
        links.push(Link { op, index: u32::try_from(i).expect("a short history"), clean });
    }
    links.reverse();
    links
}
