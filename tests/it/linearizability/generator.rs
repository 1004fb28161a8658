//! Seeded random requests for the clients of a history.
//!
//! Few keys, so that clients meet; keys with different hash tags, so that they spread over shards;
//! every value written is different from every other, so that a reply shows whose write it saw.

use fastrand::Rng;

use super::model::{Action, Bytes, ClientId, Cmd, Db, Replace, bytes};

/// The keys of a history, before a profile takes a few of them: most in slots of their own, two
/// that share a tag.
pub const KEYS: [&str; 8] =
    ["{alpha}:1", "{beta}:1", "{gamma}:1", "{delta}:1", "{alpha}:2", "epsilon", "zeta", "{eta}:1"];

/// The lists of a history, each in a slot of its own.
pub const QUEUES: [&str; 4] = ["{alpha}:q", "{beta}:q", "{gamma}:q", "{delta}:q"];

/// One request; each gets one reply.
#[derive(Clone, Debug)]
pub enum Item {
    /// A request that takes effect by itself.
    Act(Action),
    /// MULTI
    Multi,
    /// A command between MULTI and EXEC
    Queue(Cmd),
    /// EXEC of what was queued
    Exec,
}

/// What kind of requests a history is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Everything that names its keys.
    Mixed,
    /// One key at a time on three keys.
    Single,
    /// Commands over several keys.
    Multi,
    /// Several single-key requests in one write.
    Pipelines,
    /// MULTI/EXEC, mostly with WATCH.
    Transactions,
    /// Two databases, and what concerns all their keys: FLUSHALL, SWAPDB, DBSIZE, KEYS.
    Databases,
    /// Lists that are pushed to, popped, moved and waited for.
    Queues,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 7] = [
        Self::Mixed,
        Self::Single,
        Self::Multi,
        Self::Pipelines,
        Self::Transactions,
        Self::Databases,
        Self::Queues,
    ];

    /// The database that a client works in.
    pub fn database_of(self, client: ClientId) -> Db {
        match self {
            Self::Databases => client % super::model::DATABASES,
            _ => 0,
        }
    }

    /// The keys that the clients fight over.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Mixed => &KEYS[..5],
            Self::Single => &KEYS[..3],
            Self::Multi => &KEYS[..4],
            Self::Pipelines => &KEYS[..6],
            Self::Transactions => &KEYS[..4],
            Self::Databases => &KEYS[..4],
            Self::Queues => &QUEUES,
        }
    }

    /// How often, in percent, a step is a transaction.
    fn transactions(self) -> u8 {
        match self {
            Self::Mixed => 20,
            Self::Single | Self::Pipelines => 0,
            Self::Multi => 10,
            Self::Transactions => 80,
            Self::Databases => 15,
            Self::Queues => 15,
        }
    }

    /// How often, in percent, a command names several keys.
    fn several(self) -> u8 {
        match self {
            Self::Mixed => 40,
            Self::Single => 0,
            Self::Multi => 80,
            Self::Pipelines => 10,
            Self::Transactions => 30,
            Self::Databases => 45,
            Self::Queues => 0,
        }
    }

    /// How often, in percent, a step holds more than one request.
    fn pipelined(self) -> u8 {
        match self {
            Self::Mixed => 25,
            Self::Single => 10,
            Self::Multi => 20,
            Self::Pipelines => 85,
            Self::Transactions => 15,
            Self::Databases => 20,
            Self::Queues => 20,
        }
    }
}

/// The steps of one client: what each writes in one go. Holds at least `ops` operations, and
/// ends without a watch.
pub fn items(rng: &mut Rng, profile: Profile, client: ClientId, ops: usize) -> Vec<Vec<Item>> {
    let mut generator = Generator { rng, profile, client, written: 0 };
    let mut steps = Vec::new();
    let mut count = 0;
    while count < ops {
        let new = generator.steps();
        count += new.iter().flatten().filter(|i| matches!(i, Item::Act(_) | Item::Exec)).count();
        steps.extend(new);
    }
    steps
}

struct Generator<'a> {
    rng: &'a mut Rng,
    profile: Profile,
    client: ClientId,
    written: u32,
}

impl Generator<'_> {
    /// Whether something with this chance, in percent, happens now.
    fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(..100) < percent
    }

    fn steps(&mut self) -> Vec<Vec<Item>> {
        if self.chance(self.profile.transactions()) {
            return self.transaction();
        }
        let requests = if self.chance(self.profile.pipelined()) { self.rng.usize(2..6) } else { 1 };
        vec![(0..requests).map(|_| Item::Act(Action::Run(self.command()))).collect()]
    }

    /// WATCH, reads, MULTI … EXEC; in one write, or in one for the watch and one for the rest, or
    /// each request on its own.
    fn transaction(&mut self) -> Vec<Vec<Item>> {
        let watching = self.chance(60);
        let mut before = Vec::new();
        if watching {
            let keys = self.some_keys(1, 3);
            before.push(Item::Act(Action::Watch(keys)));
            for _ in 0..self.rng.usize(..2) {
                let key = self.key();
                let look = match self.profile {
                    Profile::Queues => Cmd::LRange(key),
                    _ => Cmd::Get(key),
                };
                before.push(Item::Act(Action::Run(look)));
            }
        }
        if watching && self.chance(10) {
            before.push(Item::Act(Action::Unwatch));
            return vec![before];
        }
        let mut body = vec![Item::Multi];
        for _ in 0..self.rng.usize(1..5) {
            body.push(Item::Queue(self.command()));
        }
        body.push(Item::Exec);
        match self.rng.u8(..3) {
            0 => vec![before.into_iter().chain(body).collect()],
            1 if !before.is_empty() => vec![before, body],
            1 => vec![body],
            _ => before.into_iter().chain(body).map(|item| vec![item]).collect(),
        }
    }

    fn key(&mut self) -> Bytes {
        let keys = self.profile.keys();
        bytes(keys[self.rng.usize(..keys.len())])
    }

    /// Different keys in random order.
    fn some_keys(&mut self, least: usize, most: usize) -> Vec<Bytes> {
        let mut keys: Vec<Bytes> = self.profile.keys().iter().map(bytes).collect();
        self.rng.shuffle(&mut keys);
        keys.truncate(self.rng.usize(least..=most.min(keys.len())));
        keys
    }

    /// A value that nobody else writes: half of them are numbers, which INCR accepts.
    fn value(&mut self) -> Bytes {
        self.written += 1;
        if self.rng.bool() {
            bytes(format!("{}{:03}00", u32::from(self.client) + 1, self.written))
        } else {
            bytes(format!("c{}.{}", self.client, self.written))
        }
    }

    fn pairs(&mut self) -> Vec<(Bytes, Bytes)> {
        let keys = self.some_keys(2, 4);
        keys.into_iter().map(|k| (k, self.value())).collect()
    }

    fn command(&mut self) -> Cmd {
        if self.profile == Profile::Databases && self.chance(30) {
            return self.over_all();
        }
        if self.profile == Profile::Queues {
            return self.over_queues();
        }
        if self.chance(self.profile.several()) { self.over_several() } else { self.over_one() }
    }

    fn over_one(&mut self) -> Cmd {
        let key = self.key();
        match self.rng.u8(..20) {
            0..=5 => Cmd::Get(key),
            6..=8 => Cmd::Set(key, self.value()),
            9..=11 => Cmd::IncrBy(key, *self.rng.choice(&[1, 1, 7, -3]).unwrap_or(&1)),
            12 | 13 => Cmd::Append(key, self.value()),
            14 => Cmd::SetNx(key, self.value()),
            15 => Cmd::GetSet(key, self.value()),
            16 => Cmd::GetDel(key),
            17 => Cmd::Strlen(key),
            18 => Cmd::Exists(vec![key]),
            _ => Cmd::Del(vec![key]),
        }
    }

    fn over_several(&mut self) -> Cmd {
        match self.rng.u8(..20) {
            0..=5 => Cmd::MGet(self.some_keys(2, 4)),
            6..=9 => Cmd::MSet(self.pairs()),
            10 | 11 => Cmd::MSetNx(self.pairs()),
            12 => Cmd::Exists(self.some_keys(2, 4)),
            13 => Cmd::Del(self.some_keys(2, 3)),
            14 => Cmd::Unlink(self.some_keys(2, 3)),
            n => {
                let keys = self.some_keys(2, 2);
                let [from, to] = [keys[0].clone(), keys[1].clone()];
                match n {
                    15 | 16 => Cmd::Rename(from, to),
                    17 => Cmd::RenameNx(from, to),
                    18 => Cmd::Copy(from, to, Replace::Yes),
                    _ => Cmd::Copy(from, to, Replace::No),
                }
            }
        }
    }

    fn over_queues(&mut self) -> Cmd {
        let (key, other) = (self.key(), self.key());
        match self.rng.u8(..20) {
            0..=6 => {
                let count = self.rng.usize(1..4);
                Cmd::RPush(key, (0..count).map(|_| self.value()).collect())
            }
            7..=12 => Cmd::BLPop(self.some_keys(1, 3)),
            13..=15 => Cmd::BLMove(key, other),
            16 => Cmd::LPop(key),
            17 => Cmd::LRange(key),
            18 => Cmd::Rename(key, other),
            _ => Cmd::Del(vec![key]),
        }
    }

    fn over_all(&mut self) -> Cmd {
        match self.rng.u8(..10) {
            0 => Cmd::FlushAll,
            1 => Cmd::FlushDb,
            2..=4 => Cmd::SwapDb,
            5..=7 => Cmd::DbSize,
            _ => Cmd::Keys,
        }
    }
}
