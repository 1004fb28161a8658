//! Replaying effects: the stream that a run has left, run over empty shards, must give the
//! keyspace that the run itself has left.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton::channel::{Batch, House, Request, Work};
use baton::command::{ClientId, KeyStride, registry};
use baton::journal::Journal;
use baton::keyspace::{DbIndex, Effect, EffectUnit, Shard};
use baton::observe::Server;
use baton::resp::Proto;
use baton::shard::{Executor, new_shard};

/// Database and key, with value and expiry (ms of Unix time).
type Contents = BTreeMap<(u16, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// Replays `units` and compares with `boxes` (none: nothing to compare with).
///
/// # Errors
///
/// With the first difference.
pub fn check(
    server: &Arc<Server>,
    boxes: &[Box<Shard>],
    units: Vec<EffectUnit>,
) -> Result<(), String> {
    if boxes.is_empty() {
        return Ok(());
    }
    let config = server.config.load_full();
    let mut copy: Vec<Box<Shard>> = (0..boxes.len())
        .map(|number| Box::new(new_shard(number, &config, server, Arc::new(drop))))
        .collect();
    let (house, _) = House::new(boxes.len(), 1, false);
    let executor =
        Executor { server: server.clone(), journal: Journal::off(), house: Arc::new(house) };
    for effect in units.into_iter().flatten() {
        replay(&executor, &mut copy, &effect)?;
    }
    let (original, replayed) = (contents(boxes), contents(&copy));
    if original == replayed {
        return Ok(());
    }
    match original.iter().find(|(key, value)| replayed.get(*key) != Some(*value)) {
        Some((key, value)) => {
            Err(format!("replayed {key:?}: {:?} instead of {value:?}", replayed.get(key)))
        }
        None => Err(format!("replay has keys that are not there: {:?}", replayed.keys())),
    }
}

/// Runs one effect over all shards.
fn replay(executor: &Executor, boxes: &mut [Box<Shard>], effect: &Effect) -> Result<(), String> {
    let shown = || show(effect);
    let command = registry::find(&effect.args[0]);
    // A container's effects name the subcommand, too.
    let subcommand = |container| registry::find_subcommand(container, effect.args.get(1)?);
    let command = command.map(|command| subcommand(command).unwrap_or(command));
    let command = command.ok_or_else(|| format!("an effect names no command: {}", shown()))?;
    let mut job = Batch::default();
    job.requests.push(Request {
        command,
        work: Work::Run,
        first_ref: 0,
        ref_count: effect.args.len() as u32,
        first_hash: 0,
        hash_count: 0,
        stride: KeyStride::default(),
        counted: false,
        db: DbIndex(effect.db),
        proto: Proto::Resp2,
        no_touch: false,
        client: ClientId(0),
    });
    for arg in &effect.args {
        job.push_arg(arg);
    }
    executor.run_job(boxes, &mut job);
    let (from, to) = job.reply_range(0);
    if job.replies.range_bytes(from, to).first() == Some(&b'-') {
        return Err(format!("an effect fails: {}", shown()));
    }
    Ok(())
}

fn show(effect: &Effect) -> String {
    let args = effect.args.iter().map(|arg| arg.escape_ascii().to_string());
    args.collect::<Vec<_>>().join(" ")
}

fn contents(boxes: &[Box<Shard>]) -> Contents {
    let mut contents = Contents::new();
    for shard in boxes {
        for (db, database) in shard.dbs.iter().enumerate() {
            database.for_each(|entry| {
                let value = (entry.canonical(), entry.expiry());
                contents.insert((db as u16, entry.key().to_vec()), value);
            });
        }
    }
    contents
}
