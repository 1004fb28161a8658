//! Queues with producers, movers and consumers that wait, all at once: nothing is popped twice,
//! nothing is lost, and what one producer has pushed to one queue comes in its order.

use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::invariants::{Player, Step, Trial, alone, expect, items, keys, play};
use crate::client::Reply;

/// How long consumers wait, in seconds: long enough to be served while they do, short enough that
/// the end of the run does not wait for them.
const TIMEOUT: &str = "0.02";

/// What was pushed and what was popped, by anyone.
#[derive(Default)]
struct Ledger {
    pushed: HashSet<String>,
    popped: HashSet<String>,
}

/// A ledger that all share.
type Shared<'a> = &'a Mutex<Ledger>;

fn write<R>(ledger: Shared<'_>, act: impl FnOnce(&mut Ledger) -> R) -> R {
    act(&mut ledger.lock().expect("no role panics with the lock held"))
}

/// What one consumer has seen last of each queue and producer.
type Last = BTreeMap<(String, String), u64>;

/// Takes note of an element that was popped.
fn take(ledger: Shared<'_>, last: &mut Last, from: &str, element: &str) -> Result<(), String> {
    let news = write(ledger, |ledger| ledger.popped.insert(element.to_owned()));
    expect(news, || format!("{element} was popped twice, now from {from}"))?;
    let (producer, number) =
        element.split_once('.').ok_or_else(|| format!("{from} gave {element:?}"))?;
    let number: u64 = number.parse().map_err(|e| format!("{element}: {e}"))?;
    let before = last.insert((from.to_owned(), producer.to_owned()), number).unwrap_or(0);
    expect(before < number, || format!("{element} of {from} came after {producer}.{before}"))
}

/// Takes note of the reply of a command that pops: a key and its element or elements, or null.
fn take_reply(ledger: Shared<'_>, last: &mut Last, reply: &Reply) -> Result<usize, String> {
    if reply.is_null() || matches!(reply, Reply::Error(text) if text.starts_with(b"UNBLOCKED")) {
        return Ok(0);
    }
    let [Reply::Bulk(key), popped] = items(reply)? else {
        return Err(format!("neither a key with elements nor null: {reply}"));
    };
    let key = String::from_utf8_lossy(key).into_owned();
    let elements = match popped {
        Reply::Array(elements) => elements.clone(),
        one => vec![one.clone()],
    };
    for element in &elements {
        take(ledger, last, &key, &element.text())?;
    }
    Ok(elements.len())
}

fn some<'k>(p: &mut Player, keys: &'k [String]) -> &'k str {
    &keys[p.rng.usize(..keys.len())]
}

/// Producers push to queues, alone or to two of them in an EXEC; movers take from a queue to a lane
/// of another shard, and consumers wait for several queues or lanes; now and then somebody ends
/// another's wait.
pub fn nothing_is_popped_twice_or_lost(trial: Trial) -> Result<usize, String> {
    let (queues, lanes) = (&keys("queue"), &keys("lane")[..4].to_vec());
    let mut clerk = alone(trial)?;
    let ledger = &Mutex::new(Ledger::default());
    let served = &AtomicU64::new(0);
    let mut roles: Vec<Step<'_>> = Vec::new();
    for producer in 0..3 {
        let mut made = 0;
        roles.push(Box::new(move |p| {
            let mut element = || {
                made += 1;
                format!("{producer}.{made}")
            };
            if p.rng.u8(..4) == 0 {
                let (one, two) = (element(), element());
                write(ledger, |ledger| ledger.pushed.extend([one.clone(), two.clone()]));
                let (first, second) = (some(p, queues), some(p, queues));
                let pushes = [format!("RPUSH {first} {one}"), format!("RPUSH {second} {two}")];
                return p.transaction(&pushes).map(drop);
            }
            let elements: Vec<String> = (0..p.rng.usize(1..4)).map(|_| element()).collect();
            write(ledger, |ledger| ledger.pushed.extend(elements.clone()));
            let queue = some(p, queues);
            let reply = p.say(&format!("RPUSH {queue} {}", elements.join(" ")))?;
            expect(matches!(reply, Reply::Int(1..)), || format!("RPUSH: {reply}"))
        }));
    }
    for _ in 0..3 {
        let mut last = Last::new();
        roles.push(Box::new(move |p| {
            let (one, two, three) = (some(p, queues), some(p, queues), some(p, queues));
            let line = match p.rng.u8(..3) {
                0 => format!("BLMPOP {TIMEOUT} 2 {one} {two} LEFT COUNT 3"),
                _ => format!("BLPOP {one} {two} {three} {TIMEOUT}"),
            };
            let popped = take_reply(ledger, &mut last, &p.say(&line)?)?;
            served.fetch_add(popped as u64, Ordering::Relaxed);
            Ok(())
        }));
    }
    for _ in 0..2 {
        roles.push(Box::new(|p| {
            let (queue, lane) = (some(p, queues), some(p, lanes));
            let reply = p.say(&format!("BLMOVE {queue} {lane} LEFT RIGHT {TIMEOUT}"))?;
            let is_fine = reply.is_null()
                || matches!(&reply, Reply::Bulk(_))
                || matches!(&reply, Reply::Error(text) if text.starts_with(b"UNBLOCKED"));
            expect(is_fine, || format!("BLMOVE: {reply}"))
        }));
        roles.push(Box::new(move |p| {
            // What a lane gets comes from several queues: in no order.
            let mut last = Last::new();
            let (one, two) = (some(p, lanes), some(p, lanes));
            let reply = p.say(&format!("BLPOP {one} {two} {TIMEOUT}"))?;
            take_reply(ledger, &mut last, &reply).map(drop)
        }));
    }
    roles.push(Box::new(|p| {
        let own = p.say("CLIENT ID")?.int();
        let whom = own - p.rng.i64(1..12);
        let how = if p.rng.bool() { "ERROR" } else { "TIMEOUT" };
        let reply = p.say(&format!("CLIENT UNBLOCK {whom} {how}"))?;
        expect(matches!(reply, Reply::Int(0 | 1)), || format!("CLIENT UNBLOCK: {reply}"))
    }));
    let steps = play(trial, roles)?;
    for key in queues.iter().chain(lanes) {
        let rest = clerk.say(&format!("LRANGE {key} 0 -1"))?;
        for element in items(&rest)? {
            let news = write(ledger, |ledger| ledger.popped.insert(element.text()));
            expect(news, || format!("{element} of {key} was popped, and is there"))?;
        }
    }
    write(ledger, |ledger| {
        let lost: Vec<&String> = ledger.pushed.difference(&ledger.popped).take(5).collect();
        expect(lost.is_empty(), || format!("{trial:?}: lost {lost:?}"))?;
        let made_up: Vec<&String> = ledger.popped.difference(&ledger.pushed).take(5).collect();
        expect(made_up.is_empty(), || format!("{trial:?}: nobody has pushed {made_up:?}"))
    })?;
    expect(served.load(Ordering::Relaxed) > 0, || "no consumer was ever served".to_owned())?;
    Ok(steps)
}
