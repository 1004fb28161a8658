//! News of a socket that is closed never reaches the connection that has its token next.
//!
//! A client that waits ends, another one connects, and the first is reset: all of it before the
//! acceptor looks. The news of the reset is taken together with the other, and comes after the
//! first connection has ended and its place is free.

use fastrand::Rng;

use super::network::{ClientEnd, SimNetwork, connect};
use super::world::{Guest, World};
use crate::linearizability::history::Tick;

/// Replies to these many bytes may wait unread.
const ROOM: usize = 1 << 20;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The first client begins to wait.
    Begin,
    /// It waits, and goes while the second one comes.
    Change,
    /// The second one waits, and gets what it waits for.
    Give,
    /// It has it.
    Take,
    Done,
}

/// Two clients, one after the other, and a third that serves the second.
struct Change {
    network: SimNetwork,
    first: ClientEnd,
    second: Option<ClientEnd>,
    third: ClientEnd,
    stage: Stage,
    received: Vec<u8>,
}

impl Change {
    /// The client that is to hear something.
    fn listener(&self) -> &ClientEnd {
        self.second.as_ref().unwrap_or(&self.first)
    }
}

impl Guest for Change {
    fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    fn is_runnable(&self) -> bool {
        !self.is_done() && (self.stage == Stage::Begin || self.listener().has_news())
    }

    fn hang_up(&self) {
        self.listener().end();
        self.third.end();
    }

    fn turn(&mut self, _rng: &mut Rng, _tick: &mut Tick) -> Result<(), String> {
        if self.stage == Stage::Begin {
            self.first.push(b"PING\r\nBLPOP nothing 0\r\n");
            self.stage = Stage::Change;
            return Ok(());
        }
        let heard = self.listener().pull(usize::MAX);
        self.received.extend(heard);
        match self.stage {
            Stage::Change if self.received == b"+PONG\r\n" => {
                self.first.end();
                let second = connect(&self.network, 2, ROOM);
                self.first.reset();
                second.push(b"PING\r\nBLPOP list 0\r\n");
                self.second = Some(second);
                self.received.clear();
                self.stage = Stage::Give;
            }
            Stage::Give if self.received == b"+PONG\r\n" => {
                self.third.push(b"RPUSH list element\r\n");
                self.received.clear();
                self.stage = Stage::Take;
            }
            Stage::Take if self.received == b"*2\r\n$4\r\nlist\r\n$7\r\nelement\r\n" => {
                self.stage = Stage::Done;
            }
            _ => {}
        }
        if self.listener().is_over() {
            return Err(format!("in stage {:?} the connection was closed", self.stage));
        }
        Ok(())
    }
}

/// Runs the simulation of a seed in which a token changes hands.
///
/// # Errors
///
/// With what went wrong and the last choices of the scheduler.
pub fn simulate(seed: u64) -> Result<(), String> {
    let mut world = World::new(seed, |_, rng, networks| {
        let mut network = || networks[rng.usize(..networks.len())].clone();
        let (own, other) = (network(), network());
        let (first, third) = (connect(&own, 1, ROOM), connect(&other, 3, ROOM));
        let (second, stage, received) = (None, Stage::Begin, Vec::new());
        vec![Change { network: own, first, second, third, stage, received }]
    });
    let result = world.run().and_then(|()| world.check().map(drop));
    result.map_err(|what| world.describe(seed, &what))
}
