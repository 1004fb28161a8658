//! Records histories of real clients and has them checked.
//!
//! Every client is a thread with a socket of its own. One atomic counter is the clock: read before
//! a request is written and after its reply has been parsed, so that an order it shows is real. A
//! history is one round: at its end all clients have their replies, every key is read, and what is
//! there is where the next round starts; so histories stay short enough to be judged.

use std::net::SocketAddrV4;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;

use super::checker::{Verdict, check};
use super::generator::{Item, KEYS, Profile, QUEUES, items};
use super::history::{History, Op, Tick};
use super::model::{Action, ClientId, Cmd, DATABASES, Db, State, bytes};
use super::witness::Witness;
use crate::client::{Client, Reply, encode_into};

/// Rounds after which the connections are replaced: new ones may be served by other threads.
const ROUNDS_PER_CONNECTION: usize = 10;

/// What to record.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Concurrent clients.
    pub clients: ClientId,
    /// Operations of each client in a round, at least.
    pub ops: usize,
    /// Histories to record.
    pub rounds: usize,
    /// Where all chance comes from.
    pub seed: u64,
}

/// Records and checks `load.rounds` histories; gives how many operations were checked, or an
/// account of the first history that no single-threaded server could have produced.
pub fn record(addr: SocketAddrV4, load: Load) -> Result<usize, String> {
    let mut rng = Rng::with_seed(load.seed);
    let mut initial = State::default();
    let mut checked = 0;
    let mut clients = Vec::new();
    for round in 0..load.rounds {
        if round % ROUNDS_PER_CONNECTION == 0 {
            clients = connect(addr, usize::from(load.clients + DATABASES))?;
        }
        if round == 0 {
            answered(clients[0].link.try_cmd(&["FLUSHALL"]), "FLUSHALL")?;
        }
        let profile = *rng.choice(&Profile::ALL).unwrap_or(&Profile::Mixed);
        let told = |what: String| format!("{load:?}, round {round}, {profile:?}: {what}");
        let history = one_round(&mut clients, load, profile, &mut rng, initial).map_err(told)?;
        match check(&history) {
            Verdict::Linearizable => {}
            Verdict::Undecided => return Err(told(format!("undecided:\n{history:?}"))),
            Verdict::Violation(stuck) => {
                let witness = Witness::of(&stuck);
                return Err(told(format!("not strictly serializable: {witness}")));
            }
        }
        checked += history.ops.len();
        initial = observed(&history, load.clients);
    }
    Ok(checked)
}

/// A client's connection.
struct Connection {
    link: Client,
    db: Db,
}

fn connect(addr: SocketAddrV4, count: usize) -> Result<Vec<Connection>, String> {
    let one = |_| Ok(Connection { link: Client::try_connect(addr)?, db: 0 });
    let all: std::io::Result<Vec<_>> = (0..count).map(one).collect();
    all.map_err(|e| format!("connect {count} clients: {e}"))
}

fn answered(reply: std::io::Result<Reply>, what: &str) -> Result<Reply, String> {
    reply.map_err(|e| format!("{what}: {e}"))
}

/// Lets all clients send their requests at once, then reads every key of every database.
fn one_round(
    connections: &mut [Connection],
    load: Load,
    profile: Profile,
    rng: &mut Rng,
    initial: State,
) -> Result<History, String> {
    let (clients, observers) = connections.split_at_mut(usize::from(load.clients));
    let mut recorders = Vec::new();
    for (id, connection) in (0..).zip(clients) {
        let steps = items(rng, profile, id, load.ops);
        recorders.push(Recorder::new(id, profile.database_of(id), connection, steps)?);
    }
    let longest = recorders.iter().map(|r| r.steps.len()).max().unwrap_or(0);
    // In every third round all clients take each step at the same moment.
    let in_step = rng.u8(..3) == 0;
    let clock = AtomicU64::new(1);
    let start = Barrier::new(recorders.len());
    let outcomes: Vec<Result<Vec<Op>, String>> = std::thread::scope(|scope| {
        let (clock, start) = (&clock, &start);
        let threads: Vec<_> = recorders
            .into_iter()
            .map(|recorder| scope.spawn(move || recorder.run(clock, start, longest, in_step)))
            .collect();
        threads.into_iter().map(|t| t.join().expect("a client's thread")).collect()
    });
    let mut history = History { initial, ops: Vec::new() };
    for outcome in outcomes {
        history.ops.extend(outcome?);
    }
    for (db, connection) in (0..).zip(observers) {
        let mut steps = vec![];
        for key in KEYS {
            steps.push(vec![Item::Act(Action::Run(Cmd::Get(bytes(key))))]);
        }
        for key in QUEUES {
            steps.push(vec![Item::Act(Action::Run(Cmd::LRange(bytes(key))))]);
        }
        if profile == Profile::Databases {
            steps.push(vec![Item::Act(Action::Run(Cmd::DbSize))]);
        }
        let count = steps.len();
        let recorder = Recorder::new(load.clients + db, db, connection, steps)?;
        history.ops.extend(recorder.run(&clock, &Barrier::new(1), count, false)?);
    }
    Ok(history)
}

/// The state that the observers read at the end of a round: theirs are the client numbers from
/// `observer` on.
fn observed(history: &History, observer: ClientId) -> State {
    let mut state = State::default();
    for op in history.ops.iter().filter(|op| op.client >= observer) {
        match (&op.action, &op.reply) {
            (Action::Run(Cmd::Get(key)), Some(Reply::Bulk(value))) => {
                state.put(op.db, key, bytes(value));
            }
            (Action::Run(Cmd::LRange(key)), Some(Reply::Array(list))) if !list.is_empty() => {
                let elements = list.iter().map(|element| bytes(element.bytes())).collect();
                state.run(op.db, &Cmd::RPush(key.clone(), elements));
            }
            _ => {}
        }
    }
    state
}

/// One client during one round.
struct Recorder<'a> {
    id: ClientId,
    connection: &'a mut Connection,
    steps: Vec<Vec<Item>>,
    queued: Vec<Cmd>,
    ops: Vec<Op>,
}

impl<'a> Recorder<'a> {
    fn new(
        id: ClientId,
        db: Db,
        connection: &'a mut Connection,
        steps: Vec<Vec<Item>>,
    ) -> Result<Self, String> {
        if connection.db != db {
            let reply = answered(connection.link.try_cmd(&["SELECT", &db.to_string()]), "SELECT")?;
            if reply != Reply::ok() {
                return Err(format!("SELECT {db}: {reply}"));
            }
            connection.db = db;
        }
        Ok(Self { id, connection, steps, queued: Vec::new(), ops: Vec::new() })
    }

    /// Takes all its steps; `in_step` with the others, of whom the busiest has `longest`. After a
    /// failure it does nothing but keep the others from waiting for it.
    fn run(
        mut self,
        clock: &AtomicU64,
        start: &Barrier,
        longest: usize,
        in_step: bool,
    ) -> Result<Vec<Op>, String> {
        let steps = std::mem::take(&mut self.steps);
        let mut outcome = Ok(());
        start.wait();
        for i in 0..longest {
            if in_step {
                start.wait();
            }
            if let (Some(step), true) = (steps.get(i), outcome.is_ok()) {
                outcome = self.step(step, clock);
            }
        }
        outcome.map(|()| self.ops)
    }

    /// Sends the requests of one step in one write and reads their replies.
    fn step(&mut self, step: &[Item], clock: &AtomicU64) -> Result<(), String> {
        let mut out = Vec::new();
        for item in step {
            encode_into(&mut out, &request(item));
        }
        let id = self.id;
        let failed = |e| format!("client {id}: {step:?}: {e}");
        let invoked = clock.fetch_add(1, Ordering::SeqCst);
        self.connection.link.try_send_raw(&out).map_err(failed)?;
        for item in step {
            let reply = self.connection.link.try_read().map_err(failed)?;
            let returned = clock.fetch_add(1, Ordering::SeqCst);
            self.note(item, reply, invoked, returned)?;
        }
        Ok(())
    }

    fn note(&mut self, item: &Item, reply: Reply, sent: Tick, got: Tick) -> Result<(), String> {
        let action = match item {
            Item::Multi if reply == Reply::ok() => return Ok(()),
            Item::Queue(cmd) if reply == Reply::Simple(b"QUEUED".to_vec()) => {
                self.queued.push(cmd.clone());
                return Ok(());
            }
            Item::Multi | Item::Queue(_) => {
                return Err(format!("client {}: {item:?} -> {reply}", self.id));
            }
            Item::Act(action) => action.clone(),
            Item::Exec => Action::Exec(std::mem::take(&mut self.queued)),
        };
        let reply = Some(action.tidy(reply));
        let (client, db) = (self.id, self.connection.db);
        self.ops.push(Op { client, db, action, reply, invoked: sent, returned: got });
        Ok(())
    }
}

/// The arguments of a request.
pub fn request(item: &Item) -> Vec<super::model::Bytes> {
    match item {
        Item::Act(Action::Run(cmd)) | Item::Queue(cmd) => cmd.args(),
        Item::Act(Action::Watch(keys)) => [&[bytes("WATCH")], keys.as_slice()].concat(),
        Item::Act(Action::Unwatch) => vec![bytes("UNWATCH")],
        Item::Multi => vec![bytes("MULTI")],
        Item::Act(Action::Exec(_)) | Item::Exec => vec![bytes("EXEC")],
    }
}
