//! The loops around owners and acceptors, cut where a thread could be preempted.
//!
//! They do what `Owner::run` and `acceptor::run` do, one turn at a time. An actor that rests by its
//! bell is not run again before it is rung, has news, or its time is over: a ring that is lost
//! leaves it resting, and the simulation stands still.

use std::sync::Arc;
use std::time::Duration;

use baton::acceptor::{Acceptor, Wait};
use baton::channel::{Bell, House};
use baton::shard::{Owner, Step};

use super::network::SimNetwork;

/// How long the acceptor's thread waits for its batches.
const BATCH_WAIT_US: u64 = 100;

/// What an actor does when it is run next.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Its next step.
    Step,
    /// The last look before it parks; for an acceptor, for the batches of this iteration.
    LastLook(usize),
    /// It rests until rung, or until this time.
    Parked(usize, Option<u64>),
    /// The last look before it waits in its poller, for this long.
    LastPoll(Option<Duration>),
    /// It rests in its poller until rung, told, or until this time.
    Polling(Option<u64>),
}

/// A shard's owner and its loop.
pub struct OwnerActor {
    owner: Owner,
    number: usize,
    house: Arc<House>,
    state: State,
}

impl OwnerActor {
    /// An owner that is awake.
    pub fn new(owner: Owner, number: usize, house: Arc<House>) -> OwnerActor {
        OwnerActor { owner, number, house, state: State::Step }
    }

    fn bell(&self) -> &Bell {
        &self.house.shards[self.number].bell
    }

    /// Whether it may be run at `now_us`.
    pub fn is_runnable(&self, now_us: u64) -> bool {
        may_run(self.state, self.bell(), now_us, false)
    }

    /// When it will run by itself.
    pub fn deadline(&self) -> Option<u64> {
        deadline(self.state)
    }

    /// One turn.
    pub fn turn(&mut self, now_us: u64) {
        if let State::Parked(..) = self.state {
            self.bell().awake();
            self.state = State::Step;
            return;
        }
        let last_look = matches!(self.state, State::LastLook(_));
        let step = self.owner.step();
        self.state = match (step, last_look) {
            (Step::Rest(timeout), true) => State::Parked(0, after(now_us, timeout)),
            (Step::Rest(_), false) => {
                self.bell().prepare_park();
                State::LastLook(0)
            }
            _ => {
                self.bell().awake();
                State::Step
            }
        };
    }

    /// Whether it rests without an end in sight.
    pub fn is_resting(&self) -> bool {
        matches!(self.state, State::Parked(..))
    }
}

/// An acceptor and its loop.
pub struct AcceptorActor {
    acceptor: Acceptor<SimNetwork>,
    number: usize,
    house: Arc<House>,
    network: SimNetwork,
    state: State,
}

impl AcceptorActor {
    /// An acceptor that is awake.
    pub fn new(
        mut acceptor: Acceptor<SimNetwork>,
        number: usize,
        house: Arc<House>,
        network: SimNetwork,
    ) -> AcceptorActor {
        acceptor.go_stepwise();
        AcceptorActor { acceptor, number, house, network, state: State::Step }
    }

    fn bell(&self) -> &Bell {
        &self.house.acceptors[self.number].bell
    }

    /// Whether it may be run at `now_us`.
    pub fn is_runnable(&self, now_us: u64) -> bool {
        may_run(self.state, self.bell(), now_us, self.network.has_news())
    }

    /// Whether it is in the middle of an ordered iteration's way out.
    pub fn is_placing(&self) -> bool {
        self.acceptor.is_placing()
    }

    /// When it will run by itself.
    pub fn deadline(&self) -> Option<u64> {
        deadline(self.state)
    }

    /// One turn.
    pub fn turn(&mut self, now_us: u64) {
        self.state = match self.state {
            State::Step => self.step(),
            State::LastLook(place) => {
                if self.house.gate_is_open(self.number, place) {
                    self.bell().awake();
                    State::Step
                } else {
                    State::Parked(place, Some(now_us + BATCH_WAIT_US))
                }
            }
            State::Parked(place, _) => {
                self.bell().awake();
                if !self.house.gate_is_open(self.number, place) {
                    self.poll();
                }
                State::Step
            }
            State::LastPoll(timeout) => {
                if self.acceptor.has_mail() {
                    self.poll();
                    self.bell().awake();
                    State::Step
                } else {
                    State::Polling(after(now_us, timeout))
                }
            }
            State::Polling(_) => {
                self.poll();
                self.bell().awake();
                State::Step
            }
        };
    }

    fn step(&mut self) -> State {
        match self.acceptor.step() {
            Wait::Not => State::Step,
            Wait::Batches(place) => {
                self.bell().prepare_park();
                State::LastLook(place)
            }
            Wait::Events(Some(Duration::ZERO)) => {
                self.poll();
                State::Step
            }
            Wait::Events(timeout) => {
                self.bell().prepare_poll();
                State::LastPoll(timeout)
            }
        }
    }

    fn poll(&mut self) {
        self.acceptor.poll(Some(Duration::ZERO)).expect("a simulated poller does not fail");
    }

    /// Whether it rests without an end in sight.
    pub fn is_resting(&self) -> bool {
        matches!(self.state, State::Polling(_)) && !self.network.has_news()
    }
}

fn may_run(state: State, bell: &Bell, now_us: u64, news: bool) -> bool {
    match state {
        State::Parked(_, until) => !bell.is_resting() || until.is_some_and(|at| at <= now_us),
        State::Polling(until) => news || !bell.is_resting() || until.is_some_and(|at| at <= now_us),
        State::Step | State::LastLook(_) | State::LastPoll(_) => true,
    }
}

fn deadline(state: State) -> Option<u64> {
    match state {
        State::Parked(_, until) | State::Polling(until) => until,
        _ => None,
    }
}

fn after(now_us: u64, timeout: Option<Duration>) -> Option<u64> {
    timeout.map(|timeout| now_us + timeout.as_micros() as u64)
}
