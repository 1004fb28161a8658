//! Clients that wait, compared: several connections to each server play the same random scene, one
//! command at a time. Before the next one both servers have settled: every client either has its
//! reply or is counted by the server as one who waits. What came to whom must be the same then,
//! and so must the keyspaces now and then.
//!
//! | file | what |
//! |---|---|
//! | `script` | the steps of a scene |
//! | `stage` | one server and the clients on it |

mod script;
mod stage;

use std::collections::VecDeque;
use std::time::Duration;

use self::script::{Script, Step};
use self::stage::{Arrival, Stage};
use super::{keyspace, number_from_env, start};
use crate::client::{Client, Reply, show_command};
use crate::server::Target;
use crate::wait::wait_until;

/// Clients of a scene, besides the one that asks how things stand.
const ACTORS: usize = 6;
/// Steps of a run when the environment does not say.
const STEPS: usize = 4_000;
/// After so many steps the keyspaces are compared.
const LOOK: usize = 40;
/// Steps shown with a difference.
const HISTORY: usize = 60;
/// What one server did and the other has not done within this time, it does not do.
const PATIENCE: Duration = Duration::from_secs(3);

/// Both halves of a scene.
struct Scene {
    reference: Stage,
    subject: Stage,
    history: VecDeque<String>,
}

impl Scene {
    fn new(shards: usize, lend: bool) -> Scene {
        let reference = Stage::new(start(Target::Valkey, 1, false));
        let subject = Stage::new(start(Target::from_env(), shards, lend));
        Scene { reference, subject, history: VecDeque::new() }
    }

    /// Plays a step on both; the difference if there is one.
    fn play(&mut self, step: &Step) -> Result<(), String> {
        self.remember(format!("{}: {}", step.actor(), shown(step)));
        let [mut reference, mut subject] = [Vec::new(), Vec::new()];
        self.reference.begin(step, &mut reference);
        self.subject.begin(step, &mut subject);
        let same = wait_until(PATIENCE, || {
            self.reference.settle(&mut reference);
            self.subject.settle(&mut subject);
            let naps = |stage: &Stage| matches!(step, Step::Nap(at, _) if stage.waits()[*at]);
            reference == subject && !naps(&self.reference) && !naps(&self.subject)
        });
        for (at, reply) in &reference {
            self.remember(format!("    {at} gets {reply}"));
        }
        if !same {
            let show = |arrivals: &[Arrival]| format!("{arrivals:?}");
            let (reference, subject) = (show(&reference), show(&subject));
            return Err(format!("arrived\n  reference {reference}\n  subject   {subject}"));
        }
        if let Step::Expire(actor, _, key) = step {
            // It is there no more when the reply says so.
            return self.expire(*actor, key);
        }
        Ok(())
    }

    /// Waits for a key to expire, and for what comes of that.
    fn expire(&mut self, actor: usize, key: &[u8]) -> Result<(), String> {
        self.reference.await_expiry(actor, key);
        self.subject.await_expiry(actor, key);
        let [mut reference, mut subject] = [Vec::new(), Vec::new()];
        let same = wait_until(PATIENCE, || {
            self.reference.settle(&mut reference);
            self.subject.settle(&mut subject);
            reference == subject
        });
        let text = format!("expired\n  reference {reference:?}\n  subject   {subject:?}");
        self.remember(format!("    {text}"));
        if same { Ok(()) } else { Err(text) }
    }

    fn remember(&mut self, line: String) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(line);
    }

    fn look(&mut self) -> Result<(), String> {
        match keyspace::difference(&mut self.reference.control, &mut self.subject.control) {
            Some(text) => Err(format!("the keyspaces differ: {text}")),
            None => Ok(()),
        }
    }
}

impl Stage {
    /// Does what a step says, without waiting for what comes of it.
    fn begin(&mut self, step: &Step, arrived: &mut Vec<Arrival>) {
        match step {
            Step::Say(actor, args) | Step::Nap(actor, args) | Step::Expire(actor, args, _) => {
                self.say(*actor, args);
            }
            // Their replies are compared as if they came to the client.
            Step::Unblock(actor, words) => arrived.push((*actor, self.unblock(*actor, words))),
            Step::Kill(actor) => arrived.push((*actor, self.kill(*actor))),
            Step::Leave(actor) => self.come_again(*actor),
        }
    }
}

fn shown(step: &Step) -> String {
    match step {
        Step::Say(_, args) | Step::Nap(_, args) => show_command(args),
        Step::Expire(_, args, _) => format!("{} and wait for it", show_command(args)),
        Step::Unblock(_, words) => format!("is unblocked {}", show_command(words)),
        Step::Kill(_) => "is killed".to_owned(),
        Step::Leave(_) => "leaves".to_owned(),
    }
}

/// A list and a sorted set as payloads that every server takes.
fn payloads(client: &mut Client) -> [Vec<u8>; 2] {
    client.run("RPUSH list a b c");
    client.run("ZADD zset 1 a 2 b");
    let payloads = ["list", "zset"].map(|key| client.cmd(&["DUMP", key]).bytes().to_vec());
    assert_eq!(client.run("DEL list zset"), Reply::Int(2));
    payloads
}

fn compare(shards: usize, lend: bool, offset: u64) {
    let set = std::env::var_os("BATON_DIFF_SEED").is_some();
    let seed = number_from_env("BATON_DIFF_SEED", 1) as u64;
    let seed = if set { seed } else { seed + offset };
    let mut scene = Scene::new(shards, lend);
    let mut script = Script::new(seed, payloads(&mut scene.reference.control));
    let mut served = 0;
    for at in 0..number_from_env("BATON_DIFF_STEPS", STEPS) {
        let before = scene.reference.waits();
        let step = script.next(&before);
        let mut result = scene.play(&step);
        let after = scene.reference.waits();
        served += (0..ACTORS).filter(|at| before[*at] && !after[*at]).count();
        if at % LOOK == LOOK - 1 {
            result = result.and_then(|()| scene.look());
        }
        if let Err(text) = result {
            let history = Vec::from(scene.history).join("\n");
            panic!("step {at}, {shards} shard(s), BATON_DIFF_SEED={seed}\n{history}\n{text}");
        }
    }
    println!("{shards} shard(s), seed {seed}: {served} waits ended by others");
    assert!(served > 0, "nobody ever waited");
}

#[test]
fn scenes_on_one_shard() {
    compare(1, true, 300);
}

#[test]
fn scenes_on_four_shards() {
    compare(4, true, 310);
}

#[test]
fn scenes_on_four_shards_not_lending() {
    compare(4, false, 320);
}
