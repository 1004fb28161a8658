//! A recorded history: what each client asked, what it was answered, and when.
//!
//! Times are readings of one counter: if one operation's `returned` is below another's `invoked`,
//! its reply had arrived before the other was sent. The operations of one client stand in the
//! order in which it sent them; those of one pipeline share `invoked` and so overlap, yet must take
//! effect in their order. A history begins at a known state, with nothing in flight.

use std::fmt;

use super::model::{Action, ClientId, Db, State};
use crate::client::Reply;

/// A reading of the history's clock.
pub type Tick = u64;

/// `returned` of an operation whose reply was not seen: it may have taken effect or not.
pub const NEVER: Tick = Tick::MAX;

/// One operation.
#[derive(Clone)]
pub struct Op {
    /// Who asked.
    pub client: ClientId,
    /// In which database.
    pub db: Db,
    /// What was asked.
    pub action: Action,
    /// What was answered; `None` if unknown, and then any answer is right.
    pub reply: Option<Reply>,
    /// Not later than the moment the request was sent.
    pub invoked: Tick,
    /// Not earlier than the moment the reply had arrived; [`NEVER`] if it had not.
    pub returned: Tick,
}

impl Op {
    /// Whether it cannot have changed anything, given its reply, in any state that is possible
    /// from `now` on without this client's doing.
    pub fn changed_nothing(&self, now: &State) -> bool {
        let Some(reply) = &self.reply else { return false };
        match (&self.action, reply) {
            (Action::Run(cmd), reply) => cmd.changed_nothing(reply),
            (Action::Exec(cmds), Reply::Array(replies)) => {
                cmds.len() == replies.len()
                    && !now.watches(self.client)
                    && cmds.iter().zip(replies).all(|(c, r)| c.changed_nothing(r))
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} ", self.invoked)?;
        match self.returned {
            NEVER => write!(f, "     … ")?,
            tick => write!(f, "{tick:>6} ")?,
        }
        write!(f, "c{:<2} db{} {:?}", self.client, self.db, self.action)?;
        match &self.reply {
            Some(reply) => write!(f, " -> {reply}"),
            None => write!(f, " -> ?"),
        }
    }
}

/// Operations that start from a known state.
#[derive(Clone, Default)]
pub struct History {
    /// The state before the first of them.
    pub initial: State,
    /// All operations; those of one client in the order in which it sent them.
    pub ops: Vec<Op>,
}

impl History {
    /// The operations of each client, as indices, in the client's order.
    pub fn chains(&self) -> Vec<Vec<usize>> {
        let clients = self.ops.iter().map(|op| usize::from(op.client) + 1).max().unwrap_or(0);
        let mut chains = vec![Vec::new(); clients];
        for (i, op) in self.ops.iter().enumerate() {
            chains[usize::from(op.client)].push(i);
        }
        chains.retain(|chain: &Vec<usize>| !chain.is_empty());
        chains
    }

    /// What had been sent and received by this moment: later replies become unknown.
    pub fn until(&self, tick: Tick) -> Self {
        let ops = self.ops.iter().filter(|op| op.invoked <= tick).map(|op| match op.returned {
            returned if returned <= tick => op.clone(),
            _ => Op { reply: None, returned: NEVER, ..op.clone() },
        });
        Self { initial: self.initial.clone(), ops: ops.collect() }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  sent    got who    what")?;
        let mut ops: Vec<&Op> = self.ops.iter().collect();
        ops.sort_by_key(|op| op.invoked);
        for op in ops {
            writeln!(f, "{op:?}")?;
        }
        Ok(())
    }
}
