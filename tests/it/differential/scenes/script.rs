//! Random scenes of clients that wait, and of those who serve them or take their keys away.
//!
//! Lists, sorted sets and streams have keys of their own, in one slot and in several; now and then
//! a command gets a key of another type's.

use super::super::family::{Args, args};
use super::super::generate::Gen;
use super::ACTORS;

const LISTS: &[&str] = &["l1", "l2", "l3", "{t}l4", "{t}l5"];
const ZSETS: &[&str] = &["z1", "z2", "{t}z3"];
const STREAMS: &[&str] = &["s1", "s2", "{t}s3"];
/// A list that nobody waits for.
const SORTED: &str = "sorted";
const GROUPS: &[&str] = &["g", "g", "h"];

/// What is done next.
#[derive(Clone, Debug)]
pub enum Step {
    /// A client sends a command.
    Say(usize, Args),
    /// The same, with a wait so short that everybody waits for its end.
    Nap(usize, Args),
    /// The same; then everybody waits until the key is gone.
    Expire(usize, Args, Vec<u8>),
    /// CLIENT UNBLOCK of this client, with these words behind.
    Unblock(usize, Args),
    /// CLIENT KILL of this client.
    Kill(usize),
    /// The client closes its connection.
    Leave(usize),
}

impl Step {
    /// Whose step it is.
    pub fn actor(&self) -> usize {
        match self {
            Self::Say(actor, _) | Self::Nap(actor, _) | Self::Expire(actor, ..) => *actor,
            Self::Unblock(actor, _) | Self::Kill(actor) | Self::Leave(actor) => *actor,
        }
    }
}

/// The source of a scene's steps.
pub struct Script {
    g: Gen,
    /// What belongs together and is yet to come, the next one last.
    planned: Vec<Step>,
    /// The millisecond part of the last id that was given to a stream.
    last_id: i64,
    /// A list and a sorted set as payloads.
    payloads: [Vec<u8>; 2],
    /// The last timeout that was made is a short one.
    is_short: bool,
}

impl Script {
    pub fn new(seed: u64, payloads: [Vec<u8>; 2]) -> Script {
        Script { g: Gen::new(seed), planned: Vec::new(), last_id: 0, payloads, is_short: false }
    }

    /// The next step; `waits` says who waits, and can say nothing.
    pub fn next(&mut self, waits: &[bool; ACTORS]) -> Step {
        while let Some(step) = self.planned.pop() {
            if !waits[step.actor()] {
                return step;
            }
        }
        let waiting: Vec<usize> = (0..ACTORS).filter(|at| waits[*at]).collect();
        let free: Vec<usize> = (0..ACTORS).filter(|at| !waits[*at]).collect();
        if free.is_empty() || (!waiting.is_empty() && self.g.chance(8)) {
            return self.end_a_wait(&waiting);
        }
        let actor = free[self.g.count(0, free.len() - 1)];
        match self.g.weighted(&[35, 55, 4, 2, 2, 1]) {
            // One always stays free to serve the others.
            0 if free.len() > 1 => {
                let command = self.wait();
                if self.is_short { Step::Nap(actor, command) } else { Step::Say(actor, command) }
            }
            2 => self.transaction(actor),
            3 => self.expire(actor),
            4 => Step::Say(actor, self.whole_databases()),
            5 => Step::Leave(actor),
            _ => {
                let commands = self.act();
                self.plan(actor, commands)
            }
        }
    }

    /// The first of these commands; the others are to follow.
    fn plan(&mut self, actor: usize, commands: Vec<Args>) -> Step {
        let mut steps = commands.into_iter().map(|command| Step::Say(actor, command));
        let first = steps.next().expect("a command at least");
        self.planned = steps.rev().collect();
        first
    }

    fn end_a_wait(&mut self, waiting: &[usize]) -> Step {
        let actor = waiting[self.g.count(0, waiting.len() - 1)];
        match self.g.weighted(&[30, 15, 5, 20, 20]) {
            0 => Step::Unblock(actor, Args::new()),
            1 => Step::Unblock(actor, args!["ERROR"]),
            2 => Step::Unblock(actor, args![self.g.pick(&["timeout", "xyz", "TIMEOUT"])]),
            3 => Step::Kill(actor),
            _ => Step::Leave(actor),
        }
    }

    fn transaction(&mut self, actor: usize) -> Step {
        let mut steps = vec![args!["MULTI"]];
        for _ in 0..self.g.count(1, 5) {
            match self.g.chance(15) {
                true => steps.push(self.wait()),
                false => steps.extend(self.act()),
            }
        }
        steps.push(args![if self.g.chance(90) { "EXEC" } else { "DISCARD" }]);
        self.plan(actor, steps)
    }

    fn expire(&mut self, actor: usize) -> Step {
        let key = self.any();
        Step::Expire(actor, args!["PEXPIRE", key, "1"], key.into())
    }

    fn whole_databases(&mut self) -> Args {
        match self.g.count(0, 5) {
            0 => args!["FLUSHALL"],
            1 => args!["FLUSHDB"],
            2 | 3 => args!["SWAPDB", "0", "1"],
            _ => args!["SELECT", self.g.count(0, 1)],
        }
    }

    fn any(&mut self) -> &'static str {
        let pool = [LISTS, ZSETS, STREAMS][self.g.weighted(&[5, 3, 3])];
        self.g.pick(pool)
    }

    /// One of these, or now and then any.
    fn of(&mut self, pool: &[&'static str]) -> &'static str {
        if self.g.chance(4) {
            return self.any();
        }
        // The first of all more often, so that they meet.
        if self.g.chance(30) { pool[0] } else { pool[self.g.count(0, pool.len() - 1)] }
    }

    fn several(&mut self, pool: &[&'static str]) -> Vec<Vec<u8>> {
        let most = if self.g.chance(50) { 1 } else { 4 };
        (0..self.g.count(1, most)).map(|_| self.of(pool).into()).collect()
    }

    fn side(&mut self) -> &'static str {
        self.g.pick(&["LEFT", "RIGHT"])
    }

    fn texts(&mut self) -> Vec<Vec<u8>> {
        let most = if self.g.chance(60) { 1 } else { 4 };
        (0..self.g.count(1, most)).map(|_| format!("v{}", self.g.count(0, 99)).into()).collect()
    }

    /// Seconds: without an end, long, short, or wrong.
    fn timeout(&mut self) -> &'static str {
        const WRONG: &[&str] =
            &["-1", "abc", "", "1e400", "nan", "inf", "-0.5", "9223372036854775807", "1e15", " 1"];
        let kind = self.g.count(0, 19);
        self.is_short = kind == 17;
        match kind {
            0..14 => "0",
            14..17 => self.g.pick(&["1000", "1000000000", "600.5", "0.0", "1e6"]),
            17 => self.g.pick(&["0.01", "0.002", "0.0001"]),
            _ => self.g.pick(WRONG),
        }
    }

    /// The same in milliseconds.
    fn timeout_ms(&mut self) -> &'static str {
        let kind = self.g.count(0, 19);
        self.is_short = kind == 17;
        match kind {
            0..14 => "0",
            14..17 => self.g.pick(&["1000000", "100000000000"]),
            17 => self.g.pick(&["1", "10"]),
            _ => self.g.pick(&["-1", "abc", "", "9223372036854775807", "1.5"]),
        }
    }

    fn wait(&mut self) -> Args {
        match self.g.weighted(&[6, 4, 6, 3, 5, 6, 4, 6, 8]) {
            at @ (0 | 1) => self.with_keys(["BLPOP", "BRPOP"][at], LISTS),
            2 => {
                let (from, to) = (self.of(LISTS), self.of(LISTS));
                args!["BLMOVE", from, to, self.side(), self.side(), self.timeout()]
            }
            3 => args!["BRPOPLPUSH", self.of(LISTS), self.of(LISTS), self.timeout()],
            4 => {
                let side = self.side();
                self.counted("BLMPOP", LISTS, side)
            }
            5 => {
                let name = self.g.pick(&["BZPOPMIN", "BZPOPMAX"]);
                self.with_keys(name, ZSETS)
            }
            6 => {
                let end = self.g.pick(&["MIN", "MAX"]);
                self.counted("BZMPOP", ZSETS, end)
            }
            7 => self.read(),
            _ => self.read_group(),
        }
    }

    fn with_keys(&mut self, name: &str, pool: &[&'static str]) -> Args {
        let mut command = args![name];
        command.extend(self.several(pool));
        command.push(self.timeout().into());
        command
    }

    fn counted(&mut self, name: &str, pool: &[&'static str], end: &str) -> Args {
        let keys = self.several(pool);
        let mut command = args![name, self.timeout(), keys.len()];
        command.extend(keys);
        command.push(end.into());
        if self.g.chance(40) {
            command.extend(args!["COUNT", self.g.count(1, 3)]);
        }
        command
    }

    fn read(&mut self) -> Args {
        let mut command = args!["XREAD"];
        if self.g.chance(30) {
            command.extend(args!["COUNT", self.g.count(1, 2)]);
        }
        command.extend(args!["BLOCK", self.timeout_ms(), "STREAMS"]);
        let keys = self.several(STREAMS);
        let ids: Vec<Vec<u8>> = keys.iter().map(|_| self.read_from().into()).collect();
        command.extend(keys);
        command.extend(ids);
        command
    }

    fn read_from(&mut self) -> String {
        match self.g.count(0, 9) {
            0..7 => "$".to_owned(),
            7 => "+".to_owned(),
            8 => format!("{}-0", self.last_id + self.g.range(-2, 5)),
            _ => self.g.pick(&["0", "99999999", "abc", ">"]).to_owned(),
        }
    }

    fn read_group(&mut self) -> Args {
        let consumer = self.g.pick(&["c", "d"]);
        let mut command = args!["XREADGROUP", "GROUP", self.g.pick(GROUPS), consumer];
        if self.g.chance(30) {
            command.extend(args!["COUNT", self.g.count(1, 2)]);
        }
        command.extend(args!["BLOCK", self.timeout_ms()]);
        if self.g.chance(20) {
            command.push(b"NOACK".to_vec());
        }
        command.extend(args!["STREAMS"]);
        let most = if self.g.chance(70) { 1 } else { 3 };
        let keys: Vec<&str> = (0..self.g.count(1, most)).map(|_| self.of(STREAMS)).collect();
        command.extend(keys.iter().map(|key| key.as_bytes().to_vec()));
        for _ in keys {
            command.push(self.g.pick(&[">", ">", ">", ">", ">", "0", "$"]).into());
        }
        command
    }

    fn act(&mut self) -> Vec<Args> {
        let command = match self.g.weighted(&[20, 12, 16, 8, 20, 5]) {
            0 => self.list(),
            1 => self.zset(),
            2 => self.stream(),
            3 => self.group(),
            4 => self.key(),
            _ => return self.store(),
        };
        vec![command]
    }

    /// A command that stores its result, after the removal of what is there: where that is of
    /// another type and overwritten, Valkey serves nobody until the next change of the key.
    fn store(&mut self) -> Vec<Args> {
        let pool = [LISTS, ZSETS][self.g.count(0, 1)];
        let to = self.of(pool);
        let command = match self.g.count(0, 2) {
            0 => args!["ZUNIONSTORE", to, "2", self.of(ZSETS), self.of(ZSETS)],
            1 => args!["ZRANGESTORE", to, self.of(ZSETS), "0", "1"],
            // Of a list that is nothing else: SORT leaves sorted sets as skiplists in Valkey.
            _ => args!["SORT", SORTED, "ALPHA", "STORE", to],
        };
        vec![args!["DEL", to], command]
    }

    fn list(&mut self) -> Args {
        let key = self.of(LISTS);
        let name = self.g.pick(&["LPUSH", "RPUSH"]);
        match self.g.weighted(&[60, 5, 5, 10, 10, 5, 5]) {
            0 => {
                let mut command = args![name, key];
                command.extend(self.texts());
                command
            }
            1 => args![self.g.pick(&["LPUSHX", "RPUSHX"]), key, "x"],
            2 => args!["LINSERT", key, "BEFORE", "v1", "v2"],
            3 => args!["LMOVE", key, self.of(LISTS), self.side(), self.side()],
            4 => args![self.g.pick(&["LPOP", "RPOP"]), key],
            5 => args!["LMPOP", "2", key, self.of(LISTS), self.side(), "COUNT", "2"],
            _ => args!["RPUSH", SORTED, self.g.count(0, 99)],
        }
    }

    fn zset(&mut self) -> Args {
        let key = self.of(ZSETS);
        match self.g.weighted(&[60, 5, 5, 10]) {
            0 => {
                let mut command = args!["ZADD", key];
                for member in self.texts() {
                    command.extend([self.g.range(-9, 9).to_string().into_bytes(), member]);
                }
                command
            }
            1 => args!["GEOADD", key, "13", "38", "palermo"],
            2 => args!["ZINCRBY", key, "1", "v1"],
            _ => args!["ZPOPMIN", key],
        }
    }

    fn id(&mut self) -> String {
        self.last_id += self.g.range(0, 3);
        format!("{}-{}", self.last_id, self.g.count(0, 3))
    }

    fn stream(&mut self) -> Args {
        let key = self.of(STREAMS);
        match self.g.weighted(&[60, 5, 5, 5, 5, 5]) {
            0 => args!["XADD", key, self.id(), "f", "v"],
            1 => args!["XADD", key, "NOMKSTREAM", "MAXLEN", "2", self.id(), "f", "v"],
            2 => args!["XTRIM", key, "MAXLEN", self.g.count(0, 2)],
            3 => args!["XDEL", key, format!("{}-1", self.last_id)],
            4 => args!["XSETID", key, self.id()],
            _ => args!["XREAD", "COUNT", "1", "STREAMS", key, "0"],
        }
    }

    fn group(&mut self) -> Args {
        let (key, group) = (self.of(STREAMS), self.g.pick(GROUPS));
        match self.g.weighted(&[50, 12, 6, 6, 6, 6]) {
            0 => args!["XGROUP", "CREATE", key, group, self.g.pick(&["$", "0"]), "MKSTREAM"],
            1 => args!["XGROUP", "DESTROY", key, group],
            2 => args!["XGROUP", "DELCONSUMER", key, group, "c"],
            3 => args!["XGROUP", "SETID", key, group, self.g.pick(&["$", "0"])],
            4 => args!["XPENDING", key, group],
            _ => args!["XACK", key, group, format!("{}-1", self.last_id)],
        }
    }

    fn key(&mut self) -> Args {
        // Two keys of one type, as a rule.
        let pool = [LISTS, ZSETS, STREAMS][self.g.weighted(&[5, 3, 3])];
        let (from, to) = (self.of(pool), self.of(pool));
        match self.g.weighted(&[14, 10, 3, 10, 5, 4, 4, 4, 8, 3, 3, 3]) {
            0 => args![self.g.pick(&["DEL", "UNLINK"]), from],
            1 => args!["RENAME", from, to],
            2 => args!["RENAMENX", from, to],
            3 => args!["COPY", from, to],
            4 => args!["COPY", from, to, "DB", self.g.count(0, 1), "REPLACE"],
            5 => args!["MOVE", from, self.g.count(0, 1)],
            6 => args!["SET", from, "text"],
            7 => args!["SADD", from, "m"],
            8 => {
                let at = self.g.count(0, 1);
                let key = self.of([LISTS, ZSETS][at]);
                args!["RESTORE", key, "0", self.payloads[at].clone(), "REPLACE"]
            }
            9 => args!["PEXPIREAT", from, "1"],
            10 => args!["EXPIRE", from, "1000"],
            _ => args!["DEL", from, to, self.any()],
        }
    }
}
