//! RESTORE, compared: payloads of every type and encoding, from both servers and in the forms of
//! old ones, whole and damaged, with every option and with mistakes.
//!
//! | file | what |
//! |---|---|
//! | `make` | values to be dumped, and payloads of old forms |
//! | `mutate` | damage |
//! | `inspect` | what a key holds, and commands that use it |
//!
//! The reference is valkey-server with `sanitize-dump-payload yes`, so that it looks into every
//! payload as Baton does. What both take must be the same key then, and must be of the same use;
//! what the subject then dumps must be taken by the reference. Where they may differ is said in
//! [`Run::may_refuse`] and [`may_differ`], with the reason.

mod inspect;
mod make;
mod mutate;

use std::fmt::Write as _;

use crc::{CRC_64_REDIS, Crc};

use self::inspect::State;
use self::mutate::Damage;
use super::family::{Args, args};
use super::generate::Gen;
use super::{number_from_env, start};
use crate::client::{Client, Reply, show_command};
use crate::server::{Server, ServerOptions, Target};

/// Values that a run dumps when the environment does not say.
const VALUES: usize = 400;
/// How often each of them is restored, most times damaged.
const RESTORES: usize = 25;
/// Bytes of a payload's version and checksum.
const FOOTER: usize = 10;
/// Where values are made, of a shard of its own.
const SOURCE: &[u8] = b"source";

/// Numbers of types whose payloads the two may judge differently.
const HASH_2: u8 = 22;
const LIST_ZIPLIST: u8 = 10;
const ZSET_ZIPLIST: u8 = 12;
const ZSET_LISTPACK: u8 = 17;
const STREAMS: [u8; 3] = [15, 19, 21];
const REDIS_HASHES: [u8; 2] = [24, 25];

/// A value's bytes with a footer.
fn seal(mut value: Vec<u8>, version: u16) -> Vec<u8> {
    value.extend(version.to_le_bytes());
    let checksum = Crc::<u64>::new(&CRC_64_REDIS).checksum(&value);
    value.extend(checksum.to_le_bytes());
    value
}

/// Two servers that get the same.
struct Pair {
    reference: Client,
    subject: Client,
    _servers: [Server; 2],
}

impl Pair {
    fn start(shards: usize) -> Pair {
        let options = ServerOptions::new(1, false).target(Target::Valkey);
        let reference = Server::start(options.arg(["--sanitize-dump-payload", "yes"]));
        let subject = start(Target::from_env(), shards, true);
        Pair {
            reference: reference.client(),
            subject: subject.client(),
            _servers: [reference, subject],
        }
    }

    /// The replies of both, the reference's first.
    fn both<A: AsRef<[u8]>>(&mut self, args: &[A]) -> (Reply, Reply) {
        (self.reference.cmd(args), self.subject.cmd(args))
    }

    fn configure(&mut self, directives: &[(&str, String)]) {
        let mut command = args!["CONFIG", "SET"];
        for (name, value) in directives {
            command.extend(args![*name, value.as_str()]);
        }
        let (reference, subject) = self.both(&command);
        assert_eq!((reference, subject), (Reply::ok(), Reply::ok()), "{}", show_command(&command));
    }
}

/// One RESTORE, and how its payload came to be.
struct Attempt {
    args: Args,
    payload: Vec<u8>,
    damage: Damage,
}

/// A run over many payloads.
struct Run {
    g: Gen,
    pair: Pair,
    /// How often something was compared, by what came of it.
    counts: [(&'static str, usize); 5],
    /// How often the subject refused what the reference took.
    stricter: usize,
    findings: Vec<String>,
}

const REFUSED: usize = 0;
const BAD_VALUE: usize = 1;
const BAD_FOOTER: usize = 2;
const TAKEN: usize = 3;
const TAKEN_DAMAGED: usize = 4;

impl Run {
    fn new(seed: u64, shards: usize) -> Run {
        let names = ["refused", "bad value", "bad footer", "taken", "taken though damaged"];
        let counts = names.map(|name| (name, 0));
        Run {
            g: Gen::new(seed),
            pair: Pair::start(shards),
            counts,
            stricter: 0,
            findings: Vec::new(),
        }
    }

    /// One value, restored many times.
    fn value(&mut self) {
        let Some(payload) = self.payload() else { return };
        let policy = self.g.pick(&["noeviction", "allkeys-lru", "allkeys-lfu"]).to_owned();
        self.pair.configure(&[("maxmemory-policy", policy)]);
        for _ in 0..RESTORES {
            if self.g.chance(10) {
                let limits = make::limits(&mut self.g);
                self.pair.configure(&limits);
            }
            let mut payload = payload.clone();
            let damage = mutate::damage(&mut self.g, &mut payload);
            let key = self.g.pick::<[u8]>(&[b"k1", b"k2", b"{a}1", b""]).to_vec();
            let args = restore(&mut self.g, &key, &payload);
            self.attempt(&key, &Attempt { args, payload, damage });
        }
    }

    /// A payload of a new value: dumped by one of the two, or of an old form.
    fn payload(&mut self) -> Option<Vec<u8>> {
        if self.g.chance(25) {
            return Some(make::old(&mut self.g));
        }
        let value = make::value(&mut self.g, SOURCE);
        self.pair.configure(&value.config);
        let by_subject = self.g.chance(50);
        let source = if by_subject { &mut self.pair.subject } else { &mut self.pair.reference };
        source.cmd(&[b"DEL", SOURCE]);
        for command in &value.commands {
            // A group may be there already, or the stream not: what came of it is dumped.
            let _reply = source.cmd(command);
        }
        match source.cmd(&[b"DUMP", SOURCE]) {
            Reply::Bulk(payload) => Some(payload),
            _ => None,
        }
    }

    fn attempt(&mut self, key: &[u8], attempt: &Attempt) {
        let (reference, subject) = self.pair.both(&attempt.args);
        self.count(&reference, attempt.damage);
        if reference != subject {
            if !self.may_refuse(attempt, &reference, &subject) {
                self.find(attempt, &format!("reference {reference}\n  subject   {subject}"));
            }
            self.pair.both(&["FLUSHALL"]);
            return;
        }
        let [before, after] = self.states(key);
        // What was there before may be a stream whose times are not the same; so it is where the
        // command was spoiled and has made another key.
        let is_new = reference == Reply::ok() && attempt.args.get(1).is_some_and(|at| at == key);
        if !(if is_new { before.is(&after) } else { before.is_about(&after) }) {
            if !may_differ(attempt, &before, &after) {
                self.find(attempt, &format!("reference {before:?}\n  subject   {after:?}"));
            }
            self.pair.both(&["FLUSHALL"]);
            return;
        }
        if is_new && after.kind != "none" {
            self.accesses(attempt, key);
            self.use_it(attempt, key, &after);
        }
    }

    /// Whether the subject may refuse what the reference takes, or take what it refuses.
    fn may_refuse(&mut self, attempt: &Attempt, reference: &Reply, subject: &Reply) -> bool {
        let bad = Reply::error("ERR Bad data format");
        if *reference == bad {
            // Valkey does not know the hashes of Redis 8.
            return *subject == Reply::ok() && REDIS_HASHES.contains(&attempt.payload[0]);
        }
        // Baton looks closer at what is damaged under a right checksum. Valkey reads a value that is
        // cut off on into the footer and leaves what is behind one unread; it reads the length behind
        // a listpack's entry by its low bits alone and what a score's text begins with for the
        // score; it takes a string's form for a number of elements, and compressed bytes that cannot
        // be unpacked for an empty text; it asks neither whether a stream has as many entries as it
        // says nor whether they are in order.
        let stricter =
            *subject == bad && *reference == Reply::ok() && attempt.damage == Damage::Sealed;
        self.stricter += usize::from(stricter);
        stricter
    }

    fn states(&mut self, key: &[u8]) -> [State; 2] {
        let reference = inspect::state(&mut self.pair.reference, key);
        [reference, inspect::state(&mut self.pair.subject, key)]
    }

    fn count(&mut self, reply: &Reply, damage: Damage) {
        let at = match reply {
            Reply::Error(text) if text.starts_with(b"ERR Bad data") => BAD_VALUE,
            Reply::Error(text) if text.starts_with(b"ERR DUMP") => BAD_FOOTER,
            Reply::Error(_) => REFUSED,
            _ if damage == Damage::None => TAKEN,
            _ => TAKEN_DAMAGED,
        };
        self.counts[at].1 += 1;
    }

    /// The key was given the same age or counter by IDLETIME or FREQ.
    fn accesses(&mut self, attempt: &Attempt, key: &[u8]) {
        for what in ["IDLETIME", "FREQ"] {
            let (reference, subject) = self.pair.both(&[b"OBJECT", what.as_bytes(), key]);
            let near = match (&reference, &subject) {
                (Reply::Int(a), Reply::Int(b)) => a.abs_diff(*b) <= 2,
                _ => reference == subject,
            };
            if !near {
                self.find(attempt, &format!("OBJECT {what}: {reference} and {subject}"));
            }
        }
    }

    /// What was taken is changed and read; and what the subject makes of it is taken by the
    /// reference.
    fn use_it(&mut self, attempt: &Attempt, key: &[u8], state: &State) {
        let Reply::Bulk(dumped) = self.pair.subject.cmd(&[b"DUMP", key]) else {
            return self.find(attempt, "no DUMP of what was restored");
        };
        let back = self.pair.reference.cmd(&[&b"RESTORE"[..], b"back", b"0", &dumped, b"REPLACE"]);
        let back_state = inspect::state(&mut self.pair.reference, b"back");
        if back != Reply::ok() || back_state.contents != state.contents {
            self.find(attempt, &format!("dumped again: {back} {back_state:?}, was {state:?}"));
        }
        for command in inspect::uses(&mut self.g, state, key) {
            let (reference, subject) = self.pair.both(&command);
            if reference != subject {
                let command = show_command(&command);
                let text = format!("{command}\n  reference {reference}\n  subject   {subject}");
                return self.find(attempt, &text);
            }
        }
        let [before, after] = self.states(key);
        if !before.is_about(&after) {
            let text = format!("used, then\n  reference {before:?}\n  subject   {after:?}");
            self.find(attempt, &text);
        }
    }

    fn find(&mut self, attempt: &Attempt, text: &str) {
        let hex = attempt.payload.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string does not fail.
            let _written = write!(hex, "\\x{byte:02x}");
            hex
        });
        let command = show_command(&attempt.args);
        let damage = attempt.damage;
        self.findings.push(format!("{damage:?}: {command}\n  payload \"{hex}\"\n  {text}"));
    }
}

/// RESTORE with options, good ones more often.
fn restore(g: &mut Gen, key: &[u8], payload: &[u8]) -> Args {
    let mut command = args![g.word("RESTORE"), key, "0", payload];
    let far = 5_000_000_000_000;
    if g.chance(25) {
        let absolute = g.chance(50);
        let ttl = match g.count(0, 9) {
            0..6 if absolute => (far + g.range(0, 1000)).to_string(),
            0..6 => (g.ttl_s() * 1000).to_string(),
            6 => "1".to_owned(),
            _ => g.pick(&["-1", "abc", "", "9223372036854775807", "1.5", " 1"]).to_owned(),
        };
        // One that is about to end would be seen by chance.
        let ends = ttl == "1" && !absolute;
        command[2] = if ends { b"-7".to_vec() } else { ttl.into_bytes() };
        if absolute {
            command.push(g.word("ABSTTL"));
        }
    }
    if g.chance(80) {
        command.push(g.word("REPLACE"));
    }
    for (name, values) in [
        ("IDLETIME", &["0", "1000", "100000", "-1", "abc", "9223372036854775807"][..]),
        ("FREQ", &["0", "5", "255", "256", "-1", "abc"]),
    ] {
        if g.chance(8) {
            command.push(g.word(name));
            if !g.chance(5) {
                let value = if g.chance(60) { values[1] } else { g.pick(values) };
                command.push(value.into());
            }
        }
    }
    if g.chance(2) {
        g.spoil(&mut command);
    }
    command
}

/// Whether what both have taken may be told of differently.
fn may_differ(attempt: &Attempt, reference: &State, subject: &State) -> bool {
    // Fields whose time is over are left out; Valkey still counts them, for a while.
    if attempt.payload[0] == HASH_2 && reference.shows_the_fields_of(subject) {
        return true;
    }
    let same = reference.kind == subject.kind && reference.expires_with(subject);
    same && match attempt.payload[0] {
        // Valkey leaves a list that came as one ziplist a quicklist, however small it is.
        LIST_ZIPLIST => reference.contents == subject.contents,
        // Valkey keeps pairs in the order in which they came packed, sorted or not: its ranges and
        // ranks are wrong then.
        ZSET_ZIPLIST | ZSET_LISTPACK => reference.pairs() == subject.pairs(),
        // Valkey believes what a stream says its first id is, and negative counts of what a group
        // has read; Baton looks for the one, and does not know the other then.
        kind if STREAMS.contains(&kind) && attempt.damage == Damage::Sealed => {
            reference.entries() == subject.entries()
        }
        _ => false,
    }
}

fn compare(shards: usize, offset: u64) {
    let set = std::env::var_os("BATON_DIFF_SEED").is_some();
    let seed = number_from_env("BATON_DIFF_SEED", 1) as u64;
    let seed = if set { seed } else { seed + offset };
    let most = number_from_env("BATON_DIFF_FINDINGS", 20);
    let mut run = Run::new(seed, shards);
    for _ in 0..number_from_env("BATON_DIFF_PAYLOADS", VALUES) {
        run.value();
        if run.findings.len() >= most {
            break;
        }
    }
    println!("{shards} shard(s), seed {seed}: {:?}, {} times stricter", run.counts, run.stricter);
    assert!(run.findings.is_empty(), "BATON_DIFF_SEED={seed}\n{}", run.findings.join("\n\n"));
    for (what, count) in run.counts {
        assert!(count > 0, "nothing was ever {what}");
    }
    // Most damage that Valkey takes is another value, which both must take.
    assert!(run.stricter * 3 < run.counts[TAKEN_DAMAGED].1, "{} refused", run.stricter);
}

#[test]
fn payloads_of_one_shard() {
    compare(1, 200);
}

#[test]
fn payloads_of_four_shards() {
    compare(4, 210);
}
