//! The whole server and its clients in one thread, under a scheduler that a seed decides.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use baton::acceptor::{Acceptor, Balancing, Letters, Parts};
use baton::channel::House;
use baton::clock::{Clock, ClockHand};
use baton::config::{Config, ConfigStore};
use baton::journal::Journal;
use baton::keyspace::{Reclaim, Shard};
use baton::observe::Server;
use baton::shard::{Executor, Owner, new_server, new_shard};
use crossbeam_channel::{bounded, unbounded};
use fastrand::Rng;

use super::actors::{AcceptorActor, OwnerActor};
use super::client::SimClient;
use super::network::SimNetwork;
use super::replay;
use crate::linearizability::checker::{BUDGET, Verdict, check_within};
use crate::linearizability::generator::{Profile, items};
use crate::linearizability::history::{History, Tick};
use crate::linearizability::model::{ClientId, State};

/// Turns after which a simulation counts as running in circles.
const MOST_TURNS: u64 = 2_000_000;
/// When simulated time begins: µs of Unix time.
const BEGINNING_US: u64 = 1_800_000_000_000_000;
/// One turn in so many of those at which an acceptor is placing an iteration is the beginning of a
/// stall, in plans that have such.
const STALL: u8 = 6;
/// Rules under which a connection more than another acceptor has is always one too many, so that the
/// last one goes to and fro.
const RESTLESS: Balancing =
    Balancing { interval_ms: 1, patience_ms: 0, least_gap: 1, even_gap: 0, most_moves: 2 };
/// Choices of the scheduler that are shown when a seed fails.
const SHOWN_TURNS: usize = 50;

/// Who is run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Actor {
    Owner(usize),
    Acceptor(usize),
    Client(usize),
}

/// A simulated client.
pub trait Guest {
    /// Whether it has nothing more to do.
    fn is_done(&self) -> bool;
    /// Whether it can do something now.
    fn is_runnable(&self) -> bool;
    /// Ends the connection in good order.
    fn hang_up(&self);
    /// One turn: sends some bytes, or reads some.
    ///
    /// # Errors
    ///
    /// When the server does what no server may.
    fn turn(&mut self, rng: &mut Rng, tick: &mut Tick) -> Result<(), String>;
}

/// What a seed decides about a simulation.
#[derive(Debug)]
pub struct Plan {
    shards: usize,
    acceptors: usize,
    lend: bool,
    /// Acceptors are often preempted, and for long, while they place an ordered iteration.
    stalls: bool,
    /// Connections move from acceptor to acceptor whenever they can.
    restless: bool,
    /// How many clients there are.
    pub clients: ClientId,
    profile: Profile,
    ops: usize,
}

impl Plan {
    fn of(rng: &mut Rng) -> Plan {
        let stalls = rng.bool();
        Plan {
            shards: if stalls { rng.usize(2..=4) } else { [1, 2, 3, 4, 8][rng.usize(..5)] },
            acceptors: if stalls { rng.usize(2..=3) } else { rng.usize(1..=3) },
            lend: rng.u8(..3) > u8::from(stalls),
            stalls,
            restless: rng.bool(),
            clients: if stalls { rng.u16(3..=5) } else { rng.u16(2..=5) },
            profile: Profile::ALL[rng.usize(..Profile::ALL.len())],
            ops: rng.usize(4..=12),
        }
    }
}

/// A simulated server with its clients.
pub struct World<C> {
    plan: Plan,
    rng: Rng,
    hand: ClockHand,
    now_us: u64,
    server: Arc<Server>,
    house: Arc<House>,
    journal: Journal,
    owners: Vec<OwnerActor>,
    acceptors: Vec<AcceptorActor>,
    /// Its clients.
    pub clients: Vec<C>,
    tick: u64,
    /// All clients have hung up.
    leaving: bool,
    trace: Vec<Actor>,
    /// Who is not run for now, and until which turn.
    preempted: Option<(Actor, usize)>,
}

/// Runs the simulation of a seed.
///
/// # Errors
///
/// With what went wrong and the last choices of the scheduler.
pub fn simulate(seed: u64) -> Result<(), String> {
    let mut world = World::new(seed, |plan, rng, networks| {
        let clients = (0..plan.clients).map(|id| {
            // In plans with stalls every other client looks at one key after the other: who saw
            // one half of something must see the other half.
            let looks = plan.stalls && id % 2 == 1;
            let profile = if looks { Profile::Single } else { plan.profile };
            let steps = items(rng, profile, id, if looks { 2 * plan.ops } else { plan.ops });
            let network = &networks[rng.usize(..networks.len())];
            SimClient::new(id, profile.database_of(id), steps, network, rng)
        });
        clients.collect()
    });
    let result = world.run().and_then(|()| check_history(&mut world));
    result.map_err(|what| world.describe(seed, &what))
}

/// What clients saw is what a single-threaded server could have shown them.
fn check_history(world: &mut World<SimClient>) -> Result<(), String> {
    world.check()?;
    let ops = world.clients.iter().flat_map(|client| client.ops.clone()).collect();
    let history = History { initial: State::default(), ops };
    match check_within(&history, BUDGET) {
        Verdict::Linearizable => Ok(()),
        Verdict::Violation(stuck) => {
            Err(format!("no order explains what clients saw:\n{stuck:#?}"))
        }
        Verdict::Undecided => Ok(()),
    }
}

impl<C: Guest> World<C> {
    /// The world of a seed, with the clients that `invite` makes for its networks.
    pub fn new(
        seed: u64,
        invite: impl FnOnce(&Plan, &mut Rng, &[SimNetwork]) -> Vec<C>,
    ) -> World<C> {
        // The server takes its hash seeds from this thread's source.
        fastrand::seed(seed);
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::of(&mut rng);
        let (clock, hand) = Clock::simulated(BEGINNING_US);
        let config = Config {
            shards: plan.shards,
            acceptors: plan.acceptors,
            lend: plan.lend,
            databases: 2,
            ..Config::default()
        };
        let (control, _) = unbounded();
        let store = ConfigStore::new(config.clone(), None);
        let server = Arc::new(new_server(store, clock, control, String::new()));
        let journal = Journal::in_memory();
        let (house, inboxes) = House::new(plan.shards, plan.acceptors, plan.lend);
        let house = Arc::new(house);
        let posts = house.clone();
        let rouse = move || posts.acceptors.iter().for_each(|post| post.bell.ring());
        let _ = server.rouse.set(Box::new(rouse));
        let executor =
            Executor { server: server.clone(), journal: journal.clone(), house: house.clone() };
        let reclaim: Reclaim = Arc::new(drop);
        let owners = inboxes.shards.into_iter().enumerate().map(|(number, inbox)| {
            let mut shard = Box::new(new_shard(number, &config, &server, reclaim.clone()));
            shard.rng = Rng::with_seed(seed);
            shard.effects.listen();
            let owner = Owner::new(shard, house.clone(), inbox, executor.clone());
            OwnerActor::new(owner, number, house.clone())
        });
        let owners = owners.collect();
        let networks: Vec<SimNetwork> =
            (0..plan.acceptors).map(|_| SimNetwork::default()).collect();
        let (send, receive): (Vec<_>, Vec<_>) = (0..plan.acceptors).map(|_| bounded(64)).unzip();
        let send: Arc<[_]> = send.into();
        let returns = inboxes.acceptors.into_iter().zip(inboxes.pushes);
        let ends = returns.zip(receive).zip(&networks);
        let acceptors =
            ends.enumerate().map(|(number, (((returns, pushes), receive), network))| {
                let letters = Letters { send: send.clone(), receive };
                let (house, executor) = (house.clone(), executor.clone());
                let transport = network.clone();
                let parts = Parts { number, house, executor, returns, pushes, letters, transport };
                let house = parts.house.clone();
                let mut acceptor = Acceptor::new(parts);
                if plan.restless {
                    acceptor.set_balancing(RESTLESS);
                }
                AcceptorActor::new(acceptor, number, house, network.clone())
            });
        let acceptors = acceptors.collect();
        let clients = invite(&plan, &mut rng, &networks);
        World {
            plan,
            rng,
            hand,
            now_us: BEGINNING_US,
            server,
            house,
            journal,
            owners,
            acceptors,
            clients,
            tick: 0,
            leaving: false,
            trace: Vec::new(),
            preempted: None,
        }
    }

    /// Says what went wrong, and how to see it again.
    pub fn describe(&self, seed: u64, what: &str) -> String {
        let from = self.trace.len().saturating_sub(SHOWN_TURNS);
        format!(
            "BATON_SIM_SEED={seed}: {what}\nplan: {:?}\nlast turns: {:?}",
            self.plan,
            &self.trace[from..]
        )
    }

    /// How many times a connection has moved.
    pub fn moves(&self) -> u64 {
        self.server.counters.moves.load(Ordering::Relaxed)
    }

    /// Runs until every client is done and has hung up, and every actor rests.
    ///
    /// # Errors
    ///
    /// When that does not come, or a client sees what it must not.
    pub fn run(&mut self) -> Result<(), String> {
        for _ in 0..MOST_TURNS {
            if self.rng.u8(..8) == 0 {
                let us = self.rng.u64(1..200);
                self.pass(us);
            }
            let runnable = self.runnable();
            if self.all_but_the_preempted_wait(&runnable) {
                let due = self.next_deadline().unwrap_or(self.now_us);
                self.pass(due.saturating_sub(self.now_us));
                continue;
            }
            if runnable.is_empty() {
                let due = self.next_deadline();
                let done = self.clients.iter().all(C::is_done);
                match due {
                    _ if done && self.leaving => return Ok(()),
                    _ if done => {
                        self.leaving = true;
                        self.clients.iter().for_each(C::hang_up);
                    }
                    Some(due) => self.pass(due.saturating_sub(self.now_us).max(1)),
                    None => return Err("everyone waits for someone else".to_owned()),
                }
                continue;
            }
            let actor = self.choose(&runnable);
            self.trace.push(actor);
            match actor {
                Actor::Owner(at) => self.owners[at].turn(self.now_us),
                Actor::Acceptor(at) => self.acceptors[at].turn(self.now_us),
                Actor::Client(at) => self.clients[at].turn(&mut self.rng, &mut self.tick)?,
            }
        }
        Err("it does not come to an end".to_owned())
    }

    /// Who of the runnable is run. Now and then one of them is left alone for a while, as a thread
    /// that the machine has preempted: that is when others get far ahead of it.
    fn choose(&mut self, runnable: &[Actor]) -> Actor {
        self.preempted = self.preempted.filter(|(_, until)| *until > self.trace.len());
        if self.preempted.is_none() {
            let placing = |at: &usize| self.acceptors[*at].is_placing();
            let stalled = (0..self.acceptors.len()).find(placing).filter(|_| self.plan.stalls);
            if let Some(at) = stalled.filter(|_| self.rng.u8(..STALL) == 0) {
                let until = self.trace.len() + self.rng.usize(100..2000);
                self.preempted = Some((Actor::Acceptor(at), until));
            } else if self.rng.u8(..48) == 0 {
                let actor = runnable[self.rng.usize(..runnable.len())];
                self.preempted = Some((actor, self.trace.len() + self.rng.usize(10..400)));
            }
        }
        let preempted = self.preempted.map(|(actor, _)| actor);
        let rest = runnable.iter().filter(|actor| Some(**actor) != preempted);
        match rest.clone().count() {
            0 => runnable[0],
            count => *rest.clone().nth(self.rng.usize(..count)).unwrap_or(&runnable[0]),
        }
    }

    /// Whether the preempted one alone could be run while others wait for a time to come: it comes
    /// before the preempted one is back.
    fn all_but_the_preempted_wait(&self, runnable: &[Actor]) -> bool {
        let Some((preempted, until)) = self.preempted else { return false };
        until > self.trace.len()
            && runnable == [preempted]
            && self.next_deadline().is_some_and(|due| due > self.now_us)
    }

    fn pass(&mut self, us: u64) {
        self.now_us += us;
        self.hand.advance(Duration::from_micros(us));
    }

    fn runnable(&self) -> Vec<Actor> {
        let mut runnable = Vec::new();
        let now_us = self.now_us;
        runnable.extend(
            (0..self.owners.len())
                .filter(|&at| self.owners[at].is_runnable(now_us))
                .map(Actor::Owner),
        );
        runnable.extend(
            (0..self.acceptors.len())
                .filter(|&at| self.acceptors[at].is_runnable(now_us))
                .map(Actor::Acceptor),
        );
        runnable.extend(
            (0..self.clients.len()).filter(|&at| self.clients[at].is_runnable()).map(Actor::Client),
        );
        runnable
    }

    fn next_deadline(&self) -> Option<u64> {
        let owners = self.owners.iter().filter_map(OwnerActor::deadline);
        owners.chain(self.acceptors.iter().filter_map(AcceptorActor::deadline)).min()
    }

    /// What must hold at the end. Gives the boxes, if they are lent: none else.
    ///
    /// # Errors
    ///
    /// With what does not hold.
    pub fn check(&mut self) -> Result<Vec<Box<Shard>>, String> {
        let boxes = self.boxes_at_home()?;
        if boxes.iter().any(|shard| !shard.watch.is_empty()) {
            return Err("a watch outlived its client".to_owned());
        }
        if boxes.iter().any(|shard| !shard.wait.is_empty()) {
            return Err("a waiter outlived its client".to_owned());
        }
        replay::check(&self.server, &boxes, self.journal.take())?;
        Ok(boxes)
    }

    /// Every box, from the desk of its idle owner.
    fn boxes_at_home(&self) -> Result<Vec<Box<Shard>>, String> {
        if !self.acceptors.iter().all(AcceptorActor::is_resting)
            || !self.owners.iter().all(OwnerActor::is_resting)
        {
            return Err("an actor has no rest".to_owned());
        }
        if self.house.baton.try_receive().is_none() {
            return Err("the marker is gone".to_owned());
        }
        if !self.plan.lend {
            return Ok(Vec::new());
        }
        let boxes = self.house.shards.iter().enumerate();
        boxes
            .map(|(number, post)| post.desk.take().ok_or(format!("box {number} is not at home")))
            .collect()
    }
}
