//! Commands run for unit tests: over one or several boxes, without a thread or a socket.
//!
//! All boxes are in hand for every command, as at a rendezvous, so a test sees what a client
//! would see of a server that is otherwise idle. The clock is simulated and stands still until a
//! test moves it. Commands that the acceptor or the session runs are not for here.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use super::context::{Call, Read, Write};
use super::spec::Run;
use super::{ArgRef, Args, KeyStride, registry};
use crate::clock::{Clock, ClockHand};
use crate::config::{Config, ConfigStore};
use crate::keyspace::{ClientId, DbIndex, Effect, Shard};
use crate::observe::Server;
use crate::resp::{Proto, ReplyBuf, Writer};

/// When a test's clock starts, in milliseconds of Unix time.
pub const START_MS: i64 = 1_700_000_000_000;

/// A key with its database, and what a test can see of its entry: the value, the expiry.
pub type Contents = BTreeMap<(u16, Vec<u8>), (Vec<u8>, Option<i64>)>;

/// The boxes of a server and what runs commands over them.
pub struct Boxes {
    server: Server,
    hand: ClockHand,
    parts: Vec<Box<Shard>>,
    /// The client's logical database.
    pub db: DbIndex,
    /// The client's protocol.
    pub proto: Proto,
}

impl Boxes {
    /// `shards` empty boxes, whose effects are recorded.
    pub fn new(shards: usize) -> Boxes {
        Boxes::with(Config { shards, ..Config::default() })
    }

    /// As [`Boxes::new`], under a configuration that says how many.
    pub fn with(config: Config) -> Boxes {
        let (clock, hand) = Clock::simulated(START_MS as u64 * 1000);
        // Nobody controls a server without threads; what it tells is dropped.
        let (control, _) = crossbeam_channel::unbounded();
        let store = ConfigStore::new(config.clone(), None);
        let server = Server::new(store, clock, control, String::new(), registry::count());
        let box_of = |number| {
            let facts = (config.databases as usize, registry::count());
            let (hasher, memory) = (server.hasher.clone(), server.memory.clone());
            let mut shard = Shard::new(number, facts, hasher, memory, Arc::new(drop));
            shard.set_time(START_MS);
            shard.effects.listen();
            Box::new(shard)
        };
        let parts = (0..config.shards).map(box_of).collect();
        Boxes { server, hand, parts, db: DbIndex(0), proto: Proto::Resp2 }
    }

    /// Moves the clock on.
    pub fn advance(&mut self, ms: i64) {
        self.hand.advance(Duration::from_millis(ms as u64));
        for part in &mut self.parts {
            part.set_time(self.server.clock.unix_ms());
        }
    }

    /// The time of the boxes, in milliseconds of Unix time.
    pub fn now_ms(&self) -> i64 {
        self.parts[0].now_ms
    }

    /// Runs a request and gives its reply in wire format: none if the command waits.
    pub fn run(&mut self, request: &[&[u8]]) -> Vec<u8> {
        let mut command = registry::find(request[0]).expect("a command that there is");
        if let [_, subcommand, ..] = request
            && !command.subcommands.is_empty()
        {
            command = registry::find_subcommand(command, subcommand).expect("a subcommand");
        }
        if !command.accepts(request.len()) {
            return wire(self.proto, |out| {
                out.error(super::error::wrong_arity(command.name).text());
            });
        }
        let arena = request.concat();
        let mut end = 0;
        let refs: Vec<ArgRef> = request
            .iter()
            .map(|argument| {
                end += argument.len();
                ArgRef::in_arena(end - argument.len(), argument.len())
            })
            .collect();
        let hasher = &self.server.hasher;
        let args = Args::new(&arena, &refs, &[], &[], KeyStride::default(), hasher);
        let config = self.server.config.load_full();
        let call = Call {
            server: &self.server,
            config: &config,
            command,
            db: self.db,
            client: ClientId(1),
            no_touch: false,
            in_transaction: false,
        };
        let (proto, parts) = (self.proto, &mut self.parts);
        wire(proto, |out| {
            let result = match command.run {
                Run::Read(handler) => handler(&mut Read::new(call, parts), args, out),
                Run::Write(handler) => handler(&mut Write::new(call, parts), args, out),
                _ => panic!("{} does not run on a shard", command.name),
            };
            if let Err(error) = result {
                out.buf().clear();
                out.error(error.text());
            }
        })
    }

    /// As [`Boxes::run`], for a request of words that are parted by blanks; the reply as text.
    pub fn say(&mut self, request: &str) -> String {
        let words: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
        let reply = self.run(&words);
        String::from_utf8_lossy(&reply).trim_end().replace("\r\n", " ")
    }

    /// Takes the effects recorded so far, and tells how many units they make.
    pub fn effect_units(&mut self) -> usize {
        self.parts.iter_mut().map(|part| part.effects.drain().len()).sum()
    }

    /// Takes the effects recorded so far.
    pub fn effects(&mut self) -> Vec<Effect> {
        self.parts.iter_mut().flat_map(|part| part.effects.drain()).flatten().collect()
    }

    /// As [`Boxes::effects`], each as its words.
    pub fn effect_texts(&mut self) -> Vec<String> {
        let text = |effect: Effect| String::from_utf8_lossy(&effect.args.join(&b' ')).into_owned();
        self.effects().into_iter().map(text).collect()
    }

    /// Runs an effect in the database that it names.
    pub fn replay(&mut self, effect: &Effect) {
        self.db = DbIndex(effect.db);
        let request: Vec<&[u8]> = effect.args.iter().map(Vec::as_slice).collect();
        let reply = self.run(&request);
        assert_ne!(reply.first(), Some(&b'-'), "{effect:?} was refused: {}", reply.escape_ascii());
    }

    /// Everything that is there and not past its time.
    pub fn contents(&self) -> Contents {
        let mut contents = Contents::new();
        for part in &self.parts {
            for (db, database) in part.dbs.iter().enumerate() {
                database.for_each(|entry| {
                    if entry.expiry().is_none_or(|at| at > part.now_ms) {
                        let value = entry.canonical();
                        contents.insert((db as u16, entry.key().to_vec()), (value, entry.expiry()));
                    }
                });
            }
        }
        contents
    }

    /// The boxes, to look into.
    pub fn parts(&self) -> &[Box<Shard>] {
        &self.parts
    }

    /// The box of `key`.
    pub fn part_of(&self, key: &[u8]) -> &Shard {
        let Server { shards, hasher, .. } = &self.server;
        &self.parts[shards.shard_of(hasher, key, hasher.hash(key))]
    }
}

/// What `write` writes.
fn wire(proto: Proto, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut replies = ReplyBuf::new();
    write(&mut Writer::new(&mut replies, proto));
    let mut bytes = Vec::new();
    while bytes.len() < replies.len() {
        let mut slices = [IoSlice::new(&[])];
        replies.io_slices(bytes.len(), &mut slices);
        bytes.extend_from_slice(&slices[0]);
    }
    bytes
}
