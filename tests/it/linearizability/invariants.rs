//! Invariants that hold on a single-threaded server whatever its clients do at the same time.
//!
//! Each is a handful of roles that repeat a small step on connections of their own until the time
//! is up or one of them sees what nobody may see. They find in long runs, with many operations, what
//! the histories of `recorder` find in short ones with any operation.

use std::net::SocketAddrV4;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;

use crate::client::{Client, Reply, encode_into};
use crate::wait::Deadline;

/// Most steps of one role in a run.
const STEPS: usize = 200_000;

/// Most connections that one role opens in a run: each leaves a port that rests for a while.
const VISITS: usize = 400;

/// Length of a value that is too long to travel beside its request in a batch.
const LONG: usize = 20_000;

/// How long an invariant is tried, and by which chance.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// The server.
    pub addr: SocketAddrV4,
    /// Where all chance comes from.
    pub seed: u64,
    /// How long the roles work.
    pub time: Duration,
}

/// An invariant: gives how many steps were taken, or what was seen that must not be.
pub type Invariant = fn(Trial) -> Result<usize, String>;

/// All of them, by name.
pub const ALL: [(&str, Invariant); 5] = [
    ("money_is_neither_made_nor_lost", money_is_neither_made_nor_lost),
    ("an_announced_job_is_there", an_announced_job_is_there),
    ("versions_never_mix_nor_go_back", versions_never_mix_nor_go_back),
    ("a_renamed_key_is_in_one_place", a_renamed_key_is_in_one_place),
    ("databases_change_as_a_whole", databases_change_as_a_whole),
];

/// Eight keys with tags of their own.
pub fn keys(name: &str) -> Vec<String> {
    many_keys(name, 8)
}

fn many_keys(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{{{name}-{i}}}")).collect()
}

/// A role's connection and chance.
pub struct Player {
    link: Client,
    /// Its chance.
    pub rng: Rng,
}

impl Player {
    /// Sends requests in one write and reads their replies.
    fn ask<A: AsRef<[u8]>>(&mut self, requests: &[Vec<A>]) -> Result<Vec<Reply>, String> {
        let mut out = Vec::new();
        requests.iter().for_each(|args| encode_into(&mut out, args));
        let failed = |e| format!("{} requests: {e}", requests.len());
        self.link.try_send_raw(&out).map_err(failed)?;
        requests.iter().map(|_| self.link.try_read().map_err(failed)).collect()
    }

    /// Sends one request written as words between spaces.
    pub fn say(&mut self, line: &str) -> Result<Reply, String> {
        let args: Vec<&str> = line.split_ascii_whitespace().collect();
        self.ask(&[args]).map(|mut replies| replies.remove(0))
    }

    /// MULTI, the commands, EXEC in one write: the last reply.
    pub fn transaction(&mut self, lines: &[String]) -> Result<Reply, String> {
        let mut requests = vec![vec!["MULTI"]];
        requests.extend(lines.iter().map(|line| line.split_ascii_whitespace().collect()));
        requests.push(vec!["EXEC"]);
        let mut replies = self.ask(&requests)?;
        let last = replies.pop().ok_or("no reply to EXEC")?;
        match last {
            Reply::Array(_) | Reply::NullArray => Ok(last),
            other => Err(format!("EXEC of {lines:?}: {other}, queued with {replies:?}")),
        }
    }
}

/// What a role does again and again.
pub type Step<'a> = Box<dyn FnMut(&mut Player) -> Result<(), String> + Send + 'a>;

/// Lets all roles work at once until the time is up or one has seen a violation.
pub fn play(trial: Trial, roles: Vec<Step<'_>>) -> Result<usize, String> {
    let deadline = Deadline::after(trial.time);
    let over = AtomicBool::new(false);
    let players: Result<Vec<Player>, String> =
        (0..).zip(&roles).map(|(i, _)| player(trial, i)).collect();
    let outcomes: Vec<Result<usize, String>> = std::thread::scope(|scope| {
        let over = &over;
        let work = |(mut step, mut player): (Step<'_>, Player)| {
            let mut steps = 0;
            while steps < STEPS && !over.load(Ordering::Relaxed) && !deadline.passed() {
                let done = step(&mut player);
                if done.is_err() {
                    over.store(true, Ordering::Relaxed);
                }
                done?;
                steps += 1;
            }
            Ok(steps)
        };
        let threads: Vec<_> =
            roles.into_iter().zip(players?).map(|pair| scope.spawn(move || work(pair))).collect();
        Ok::<_, String>(threads.into_iter().map(|t| t.join().expect("a role's thread")).collect())
    })?;
    let mut steps = 0;
    for outcome in outcomes {
        steps += outcome.map_err(|e| format!("{trial:?}: {e}"))?;
    }
    Ok(steps)
}

fn player(trial: Trial, role: u64) -> Result<Player, String> {
    let link = Client::try_connect(trial.addr).map_err(|e| format!("connect: {e}"))?;
    Ok(Player { link, rng: Rng::with_seed(trial.seed.wrapping_mul(31).wrapping_add(role)) })
}

/// One who prepares before the roles start and looks after they have ended.
pub fn alone(trial: Trial) -> Result<Player, String> {
    let mut player = player(trial, u64::MAX)?;
    match player.say("FLUSHALL")? {
        reply if reply == Reply::ok() => Ok(player),
        other => Err(format!("FLUSHALL: {other}")),
    }
}

/// Sends requests on a connection of its own that is closed at once, mostly before the replies
/// were written: they take effect or not, as a whole, and no reply may reach anyone else.
fn visit<A: AsRef<[u8]>>(trial: Trial, requests: &[Vec<A>]) -> Result<(), String> {
    let mut out = Vec::new();
    requests.iter().for_each(|args| encode_into(&mut out, args));
    let mut guest = Client::try_connect(trial.addr).map_err(|e| format!("connect: {e}"))?;
    guest.try_send_raw(&out).map_err(|e| format!("{} requests: {e}", requests.len()))
}

/// Fails with what was seen unless it is as it should be.
pub fn expect(ok: bool, seen: impl FnOnce() -> String) -> Result<(), String> {
    if ok { Ok(()) } else { Err(seen()) }
}

/// Money in all accounts together.
const MONEY: i64 = 8000;

/// Money moves between accounts of different shards by INCRBY and DECRBY in one EXEC, or by reads
/// under WATCH and writes in an EXEC, also by clients that leave without a word; the sum that MGET
/// or an EXEC of reads sees never changes.
pub fn money_is_neither_made_nor_lost(trial: Trial) -> Result<usize, String> {
    let accounts = keys("account");
    let mut clerk = alone(trial)?;
    for account in &accounts {
        clerk.say(&format!("SET {account} {}", MONEY / 8))?;
    }
    let pair = &|rng: &mut Rng| {
        let from = rng.usize(..accounts.len());
        let to = (from + rng.usize(1..accounts.len())) % accounts.len();
        (accounts[from].clone(), accounts[to].clone(), rng.i64(1..50))
    };
    let mut roles: Vec<Step<'_>> = Vec::new();
    for _ in 0..3 {
        roles.push(Box::new(|p| {
            let (from, to, n) = pair(&mut p.rng);
            p.transaction(&[format!("DECRBY {from} {n}"), format!("INCRBY {to} {n}")])?;
            Ok(())
        }));
    }
    for _ in 0..3 {
        roles.push(Box::new(|p| {
            let (from, to, n) = pair(&mut p.rng);
            transfer(p, (&from, &to, n)).map(drop)
        }));
    }
    let mut visits = 0;
    roles.push(Box::new(move |p| {
        visits += 1;
        if visits > VISITS {
            return p.say("PING").map(drop);
        }
        let (from, to, n) = pair(&mut p.rng);
        let mut requests: Vec<Vec<String>> = Vec::new();
        for line in ["MULTI".to_owned(), format!("DECRBY {from} {n}"), format!("INCRBY {to} {n}")] {
            requests.push(line.split(' ').map(str::to_owned).collect());
        }
        // Some leave before they have decided.
        if p.rng.u8(..4) > 0 {
            requests.push(vec!["EXEC".to_owned()]);
        }
        visit(trial, &requests)
    }));
    for _ in 0..2 {
        roles.push(Box::new(|p| {
            let reply = p.say(&format!("MGET {}", accounts.join(" ")))?;
            balanced(&reply, "MGET")
        }));
    }
    roles.push(Box::new(|p| {
        let gets: Vec<String> = accounts.iter().map(|a| format!("GET {a}")).collect();
        balanced(&p.transaction(&gets)?, "EXEC of GETs")
    }));
    let steps = play(trial, roles)?;
    balanced(&clerk.say(&format!("MGET {}", accounts.join(" ")))?, "MGET at the end")?;
    // While the others were at work each of its like may have been aborted, by chance.
    let alone = transfer(&mut clerk, (&accounts[0], &accounts[1], 1))?;
    expect(alone, || format!("{trial:?}: an EXEC was aborted though nobody touched its keys"))?;
    Ok(steps)
}

/// Moves `n` from one account to another by reads under WATCH and an EXEC; false if that was
/// aborted.
fn transfer(p: &mut Player, (from, to, n): (&str, &str, i64)) -> Result<bool, String> {
    let words = |line: String| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let reads = [format!("WATCH {from} {to}"), format!("GET {from}"), format!("GET {to}")];
    let replies = p.ask(&reads.map(words))?;
    let (a, b) = (number(&replies[1])?, number(&replies[2])?);
    let sets = [format!("SET {from} {}", a - n), format!("SET {to} {}", b + n)];
    Ok(p.transaction(&sets)? != Reply::NullArray)
}

fn number(reply: &Reply) -> Result<i64, String> {
    let Reply::Bulk(text) = reply else { return Err(format!("not a number: {reply}")) };
    let text = std::str::from_utf8(text).map_err(|e| format!("{reply}: {e}"))?;
    text.parse().map_err(|e| format!("{reply}: {e}"))
}

/// The elements of a list.
pub fn items(reply: &Reply) -> Result<&[Reply], String> {
    match reply {
        Reply::Array(items) => Ok(items),
        other => Err(format!("not a list: {other}")),
    }
}

fn balanced(reply: &Reply, by: &str) -> Result<(), String> {
    let amounts: Result<Vec<i64>, String> = items(reply)?.iter().map(number).collect();
    let sum: i64 = amounts?.iter().sum();
    expect(sum == MONEY, || format!("{by} sees {sum} instead of {MONEY}: {reply}"))
}

/// A producer writes the parts of a job and then announces it, in one pipeline; whoever sees the
/// announcement finds every part. Announced once by an id in a slot that one worker takes with
/// GETDEL, once by a counter that all can read.
pub fn an_announced_job_is_there(trial: Trial) -> Result<usize, String> {
    let slots = keys("slot");
    let tails = keys("tail");
    alone(trial)?;
    let found = AtomicU64::new(0);
    let mut roles: Vec<Step<'_>> = Vec::new();
    for (producer, tail) in tails[..3].iter().enumerate() {
        let (slots, mut made) = (&slots, 0);
        roles.push(Box::new(move |p| {
            made += 1;
            let id = format!("{producer}.{made}");
            let slot = p.rng.choice(slots).cloned().unwrap_or_default();
            let request = |line: String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
            let replies = p.ask(&[
                request(format!("SET job:{id}:a {id}")),
                request(format!("MSET job:{id}:b {id} job:{id}:c {id}")),
                request(format!("SET {slot} {id}")),
            ])?;
            expect(replies.iter().all(|r| *r == Reply::ok()), || format!("{id}: {replies:?}"))
        }));
        let mut made = 0;
        roles.push(Box::new(move |p| {
            made += 1;
            let job = format!("job:{tail}.{made}");
            let replies = p.ask(&[vec!["SET", &job, "x"], vec!["INCR", tail]])?;
            expect(replies == [Reply::ok(), Reply::Int(made)], || format!("{job}: {replies:?}"))
        }));
    }
    for _ in 0..2 {
        roles.push(Box::new(|p| {
            let slot = p.rng.choice(&slots).cloned().unwrap_or_default();
            let Reply::Bulk(id) = p.say(&format!("GETDEL {slot}"))? else { return Ok(()) };
            let id = String::from_utf8_lossy(&id).into_owned();
            let parts = p.ask(&[
                vec!["GETDEL".to_owned(), format!("job:{id}:c")],
                vec!["GETDEL".to_owned(), format!("job:{id}:a")],
                vec!["GETDEL".to_owned(), format!("job:{id}:b")],
            ])?;
            found.fetch_add(1, Ordering::Relaxed);
            let whole = parts.iter().all(|part| *part == Reply::bulk(&id));
            expect(whole, || format!("took id {id} from {slot}, found c, a, b: {parts:?}"))
        }));
        roles.push(Box::new(|p| {
            let tail = &tails[p.rng.usize(..3)];
            let Reply::Bulk(n) = p.say(&format!("GET {tail}"))? else { return Ok(()) };
            let n = String::from_utf8_lossy(&n).into_owned();
            let job = p.say(&format!("GET job:{tail}.{n}"))?;
            expect(job == Reply::bulk("x"), || format!("{tail} is {n}, job {n} is {job}"))
        }));
    }
    let steps = play(trial, roles)?;
    expect(found.into_inner() > 0, || format!("{trial:?}: no worker ever found a job"))?;
    Ok(steps)
}

/// One writer sets many keys to a version that grows (now and then a very long number): many, so
/// that it takes a while to hand all parts to their shards. MGET never sees two versions; and whoever
/// has seen a version, on any key, by any client, sees no older one afterwards on any key.
pub fn versions_never_mix_nor_go_back(trial: Trial) -> Result<usize, String> {
    let keys = many_keys("version", 64);
    let mset = |v: i64, len: usize| {
        let pairs: Vec<String> = keys.iter().map(|k| format!("{k} {v:0len$}")).collect();
        format!("MSET {}", pairs.join(" "))
    };
    alone(trial)?.say(&mset(0, 1))?;
    // The newest version that anyone has seen, or that has been acknowledged.
    let seen = Mutex::new(0_i64);
    let floor = || *seen.lock().expect("no role panics with the lock held");
    let not_below = |floor: i64, version: i64, by: &str| {
        expect(version >= floor, || format!("{by} sees {version} after {floor} was seen"))?;
        let mut newest = seen.lock().expect("no role panics with the lock held");
        *newest = version.max(*newest);
        Ok(())
    };
    let mut roles: Vec<Step<'_>> = Vec::new();
    let mut version = 0;
    roles.push(Box::new(|p| {
        version += 1;
        let len = if p.rng.u8(..16) == 0 { LONG } else { 1 };
        let reply = p.say(&mset(version, len))?;
        expect(reply == Reply::ok(), || format!("MSET: {reply}"))?;
        not_below(version, version, "the writer")
    }));
    for _ in 0..2 {
        roles.push(Box::new(|p| {
            let before = floor();
            let mut order = keys.clone();
            p.rng.shuffle(&mut order);
            let reply = p.say(&format!("MGET {}", order.join(" ")))?;
            let versions: Vec<i64> = items(&reply)?.iter().map(number).collect::<Result<_, _>>()?;
            let mixed = versions.iter().any(|v| *v != versions[0]);
            expect(!mixed, || format!("MGET {order:?} sees {versions:?}"))?;
            not_below(before, versions[0], "MGET")
        }));
        for _ in 0..2 {
            roles.push(Box::new(|p| {
                let key = p.rng.choice(&keys).cloned().unwrap_or_default();
                let before = floor();
                not_below(before, number(&p.say(&format!("GET {key}"))?)?, &format!("GET {key}"))
            }));
        }
        roles.push(Box::new(|p| {
            let mut order = keys.clone();
            p.rng.shuffle(&mut order);
            order.truncate(p.rng.usize(2..10));
            let requests: Vec<Vec<&str>> = order.iter().map(|k| vec!["GET", k]).collect();
            let mut before = floor();
            let replies = p.ask(&requests)?;
            for (key, reply) in order.iter().zip(&replies) {
                let version = number(reply)?;
                not_below(before, version, &format!("GET {key} of the pipeline {replies:?}"))?;
                before = version;
            }
            Ok(())
        }));
    }
    play(trial, roles)
}

/// Keys are renamed back and forth between two names of different shards: each is always under
/// exactly one of them.
pub fn a_renamed_key_is_in_one_place(trial: Trial) -> Result<usize, String> {
    let places: Vec<(String, String)> = keys("here").into_iter().zip(keys("there")).collect();
    let places = &places[..3];
    let mut first = alone(trial)?;
    for (here, _) in places {
        first.say(&format!("SET {here} token"))?;
    }
    let any = |rng: &mut Rng| {
        let (a, b) = places[rng.usize(..places.len())].clone();
        if rng.bool() { (a, b) } else { (b, a) }
    };
    let moved = AtomicU64::new(0);
    let mut roles: Vec<Step<'_>> = Vec::new();
    for _ in 0..3 {
        roles.push(Box::new(|p| {
            let (a, b) = any(&mut p.rng);
            let back = p.rng.bool();
            let mut requests = vec![vec!["RENAME", &a, &b]];
            if back {
                requests.push(vec!["RENAME", &b, &a]);
            }
            for reply in p.ask(&requests)? {
                let known = reply == Reply::ok() || reply == Reply::error("ERR no such key");
                expect(known, || format!("RENAME {a} {b}: {reply}"))?;
                moved.fetch_add(u64::from(reply == Reply::ok()), Ordering::Relaxed);
            }
            Ok(())
        }));
    }
    for _ in 0..2 {
        roles.push(Box::new(|p| {
            let (a, b) = any(&mut p.rng);
            let reply = p.say(&format!("EXISTS {a} {b}"))?;
            expect(reply == Reply::Int(1), || format!("EXISTS {a} {b}: {reply}"))
        }));
        roles.push(Box::new(|p| {
            let (a, b) = any(&mut p.rng);
            one_token(&p.say(&format!("MGET {a} {b}"))?, &format!("MGET {a} {b}"))
        }));
    }
    roles.push(Box::new(|p| {
        let (a, b) = any(&mut p.rng);
        let reply = p.transaction(&[format!("GET {a}"), format!("GET {b}")])?;
        one_token(&reply, &format!("EXEC of GET {a}, GET {b}"))
    }));
    let steps = play(trial, roles)?;
    expect(moved.into_inner() > 0, || format!("{trial:?}: no RENAME ever succeeded"))?;
    Ok(steps)
}

fn one_token(reply: &Reply, by: &str) -> Result<(), String> {
    let tokens = items(reply)?.iter().filter(|r| **r == Reply::bulk("token")).count();
    let nulls = items(reply)?.iter().filter(|r| r.is_null()).count();
    expect((tokens, nulls) == (1, 1), || format!("{by}: {reply}"))
}

/// Databases are written whole by MSET of one value to all keys, exchanged by SWAPDB and emptied
/// by FLUSHALL; whoever looks sees one value everywhere, or nothing at all.
pub fn databases_change_as_a_whole(trial: Trial) -> Result<usize, String> {
    let keys = keys("cell");
    alone(trial)?;
    let all = keys.join(" ");
    let filled = AtomicU64::new(0);
    let mut roles: Vec<Step<'_>> = Vec::new();
    for db in 0..2 {
        let (keys, all, filled) = (&keys, &all, &filled);
        let mut written = 0;
        roles.push(Box::new(move |p| {
            enter(p, db, written == 0)?;
            written += 1;
            let value = format!("{db}.{written}");
            let pairs: Vec<String> = keys.iter().map(|k| format!("{k} {value}")).collect();
            let reply = p.say(&format!("MSET {}", pairs.join(" ")))?;
            expect(reply == Reply::ok(), || format!("MSET: {reply}"))
        }));
        let mut entered = false;
        roles.push(Box::new(move |p| {
            enter(p, db, !std::mem::replace(&mut entered, true))?;
            let reply = p.say(&format!("MGET {all}"))?;
            let full = uniform(&reply, "MGET")?;
            filled.fetch_add(u64::from(full), Ordering::Relaxed);
            Ok(())
        }));
        let mut entered = false;
        roles.push(Box::new(move |p| {
            enter(p, db, !std::mem::replace(&mut entered, true))?;
            let line = if p.rng.bool() { "DBSIZE".to_owned() } else { format!("EXISTS {all}") };
            let reply = p.say(&line)?;
            let whole = [Reply::Int(0), Reply::Int(8)].contains(&reply);
            expect(whole, || format!("{line}: {reply}"))
        }));
        let mut entered = false;
        roles.push(Box::new(move |p| {
            enter(p, db, !std::mem::replace(&mut entered, true))?;
            let reply = p.transaction(&["DBSIZE".to_owned(), format!("MGET {all}")])?;
            let full = uniform(&items(&reply)?[1], "MGET in EXEC")?;
            let size = Reply::Int(if full { 8 } else { 0 });
            expect(items(&reply)?[0] == size, || format!("EXEC of DBSIZE, MGET: {reply}"))
        }));
    }
    roles.push(Box::new(|p| {
        let line = if p.rng.u8(..10) == 0 { "FLUSHALL" } else { "SWAPDB 0 1" };
        let reply = p.say(line)?;
        expect(reply == Reply::ok(), || format!("{line}: {reply}"))
    }));
    let steps = play(trial, roles)?;
    expect(filled.into_inner() > 0, || format!("{trial:?}: nobody ever saw a value"))?;
    Ok(steps)
}

/// Selects the database on a role's first step.
fn enter(player: &mut Player, db: u8, first: bool) -> Result<(), String> {
    if !first {
        return Ok(());
    }
    let reply = player.say(&format!("SELECT {db}"))?;
    expect(reply == Reply::ok(), || format!("SELECT {db}: {reply}"))
}

/// Whether there is one value everywhere (true) or nothing at all (false).
fn uniform(reply: &Reply, by: &str) -> Result<bool, String> {
    let values = items(reply)?;
    let same = values.iter().all(|v| *v == values[0]);
    expect(same && values.len() == 8, || format!("{by} sees {reply}"))?;
    Ok(!values[0].is_null())
}
