//! The row of a command: everything that is known about it without running it.
//!
//! Rows are built by `const` builders in the file of their family, beside the function they name.
//! A row made by [`Command::read`] can only name a function whose context cannot change the
//! keyspace; one made by [`Command::write`] is the only way to a mutating context. The vocabulary
//! (flags, key specifications, categories, argument documentation) is that of `COMMAND INFO` and
//! `COMMAND DOCS`.

use super::context::{Read, Write};
use super::error::CommandResult;
use super::keys::KeyPositions;
use super::{Args, SessionContext};
use crate::resp::Writer;

/// A handler that can look but not change.
pub type ReadFn = for<'a, 'b> fn(&mut Read<'a>, Args<'b>, &mut Writer<'_>) -> CommandResult;
/// A handler that may change the keyspace.
pub type WriteFn = for<'a, 'b> fn(&mut Write<'a>, Args<'b>, &mut Writer<'_>) -> CommandResult;
/// A handler that works on the connection or the server and needs no shard.
pub type SessionFn =
    for<'a, 'b> fn(&mut SessionContext<'a>, Args<'b>, &mut Writer<'_>) -> CommandResult;

/// What runs a command.
#[derive(Clone, Copy)]
pub enum Run {
    /// On the shards of its keys, read only.
    Read(ReadFn),
    /// On the shards of its keys.
    Write(WriteFn),
    /// On the acceptor that owns the connection.
    Session(SessionFn),
    /// By the acceptor itself: [`Command::steering`] says how.
    Acceptor,
    /// A container: one of its subcommands runs.
    Container,
}

/// Commands that steer how a connection's requests are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steering {
    /// It does not.
    None,
    /// Starts queueing.
    Multi,
    /// Runs what is queued.
    Exec,
    /// Forgets what is queued.
    Discard,
    /// Puts keys under watch.
    Watch,
    /// Forgets all watches.
    Unwatch,
    /// Puts the connection back to its first state.
    Reset,
}

/// How the partial replies of a split command become one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Each part answers an integer: their sum.
    Sum,
    /// Each part answers the same (`+OK`): the first.
    First,
    /// Each part answers an array: their concatenation.
    Concat,
    /// Each part answers an array with one element per key: the elements in the keys' order.
    KeyOrder,
}

/// Whether a request of so many arguments may work on keys that it does not name.
pub type ReachesOut = for<'a> fn(usize, &dyn Fn(usize) -> &'a [u8]) -> bool;

/// Adds keys that key specifications cannot find, of a request of so many arguments.
pub type FindMoreKeys = for<'a> fn(usize, &dyn Fn(usize) -> &'a [u8], &mut KeyPositions);

/// How a command spreads over shards. Whatever it says, a command whose keys all live in one shard
/// runs there alone.
#[derive(Clone, Copy, Debug)]
pub enum Spread {
    /// All its shards come together and it runs once.
    Together,
    /// Each shard runs it with its own keys, and the acceptor merges the replies.
    Split(Merge),
    /// Every shard runs it with the same arguments, and the acceptor merges the replies.
    EveryShard(Merge),
    /// All shards come together and it runs once.
    AllTogether,
    /// All shards come together if the arguments say so (its patterns may lead to any key); else
    /// those of its keys.
    AllTogetherIf(ReachesOut),
    /// One shard, which the cursor (argument 1) names.
    Cursor,
}

/// Command flags, as `COMMAND INFO` shows them, and a few of our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags(u32);

impl Flags {
    /// None.
    pub const NONE: Flags = Flags(0);
    /// May change the keyspace.
    pub const WRITE: Flags = Flags(1);
    /// Never changes the keyspace.
    pub const READONLY: Flags = Flags(1 << 1);
    /// May use more memory: refused when memory is used up.
    pub const DENYOOM: Flags = Flags(1 << 2);
    /// Administrative.
    pub const ADMIN: Flags = Flags(1 << 3);
    /// About publish and subscribe.
    pub const PUBSUB: Flags = Flags(1 << 4);
    /// Not from scripts.
    pub const NOSCRIPT: Flags = Flags(1 << 5);
    /// May block the client.
    pub const BLOCKING: Flags = Flags(1 << 6);
    /// Allowed while loading.
    pub const LOADING: Flags = Flags(1 << 7);
    /// Allowed on a stale replica.
    pub const STALE: Flags = Flags(1 << 8);
    /// Not shown to `MONITOR`.
    pub const SKIP_MONITOR: Flags = Flags(1 << 9);
    /// Not recorded in the slow log.
    pub const SKIP_SLOWLOG: Flags = Flags(1 << 10);
    /// Constant or logarithmic time.
    pub const FAST: Flags = Flags(1 << 11);
    /// Allowed before authentication.
    pub const NO_AUTH: Flags = Flags(1 << 12);
    /// May be replicated though it is not flagged as a write.
    pub const MAY_REPLICATE: Flags = Flags(1 << 13);
    /// Not inside MULTI.
    pub const NO_MULTI: Flags = Flags(1 << 14);
    /// Keys depend on arguments in a way that key specifications cannot say.
    pub const MOVABLE_KEYS: Flags = Flags(1 << 15);
    /// Allowed while a script or command is busy.
    pub const ALLOW_BUSY: Flags = Flags(1 << 16);
    /// Not over asynchronous (module) calls.
    pub const NO_ASYNC_LOADING: Flags = Flags(1 << 17);
    /// Touches arbitrary keys, not named by its arguments.
    pub const TOUCHES_ARBITRARY_KEYS: Flags = Flags(1 << 18);
    /// Runs for a slot that is on its way to this node, as after ASKING.
    pub const ASKING: Flags = Flags(1 << 19);
    /// Ours: its work is not bounded, so only the owner runs it; never on a borrowed box.
    pub const UNBOUNDED: Flags = Flags(1 << 24);
    /// Ours: its work grows with the whole value at its key. Of a big one only the owner runs it,
    /// so that no other connection of a borrower waits for it.
    pub const WALKS: Flags = Flags(1 << 23);
    /// Ours, beside [`Flags::WALKS`]: its work grows with the places from its second to its third
    /// argument, where those are given as such.
    pub const WALKS_PLACES: Flags = Flags(1 << 22);
    /// Ours: it shows or changes more than its own connection, so it waits until the requests
    /// before it in the same pipeline have taken effect.
    pub const BARRIER: Flags = Flags(1 << 25);
    /// Ours: for operators and tests; `COMMAND DOCS` says so.
    pub const SYSCMD: Flags = Flags(1 << 26);

    /// Both sets.
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The flags' names as `COMMAND INFO` prints them, in its order.
pub const FLAG_NAMES: &[(Flags, &str)] = &[
    (Flags::WRITE, "write"),
    (Flags::READONLY, "readonly"),
    (Flags::DENYOOM, "denyoom"),
    (Flags::ADMIN, "admin"),
    (Flags::PUBSUB, "pubsub"),
    (Flags::NOSCRIPT, "noscript"),
    (Flags::BLOCKING, "blocking"),
    (Flags::LOADING, "loading"),
    (Flags::STALE, "stale"),
    (Flags::SKIP_MONITOR, "skip_monitor"),
    (Flags::SKIP_SLOWLOG, "skip_commandlog"),
    (Flags::ASKING, "asking"),
    (Flags::FAST, "fast"),
    (Flags::NO_AUTH, "no_auth"),
    (Flags::NO_ASYNC_LOADING, "no_async_loading"),
    (Flags::NO_MULTI, "no_multi"),
    (Flags::MOVABLE_KEYS, "movablekeys"),
    (Flags::ALLOW_BUSY, "allow_busy"),
    (Flags::TOUCHES_ARBITRARY_KEYS, "TOUCHES_ARBITRARY_KEYS"),
];

/// ACL categories that do not follow from flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Categories(u32);

impl Categories {
    /// None beyond those that follow from the flags.
    pub const NONE: Categories = Categories(0);
    /// `@keyspace`
    pub const KEYSPACE: Categories = Categories(1);
    /// `@string`
    pub const STRING: Categories = Categories(1 << 1);
    /// `@bitmap`
    pub const BITMAP: Categories = Categories(1 << 2);
    /// `@connection`
    pub const CONNECTION: Categories = Categories(1 << 3);
    /// `@transaction`
    pub const TRANSACTION: Categories = Categories(1 << 4);
    /// `@dangerous`
    pub const DANGEROUS: Categories = Categories(1 << 5);
    /// `@list`
    pub const LIST: Categories = Categories(1 << 6);
    /// `@hash`
    pub const HASH: Categories = Categories(1 << 7);
    /// `@set`
    pub const SET: Categories = Categories(1 << 8);
    /// `@sortedset`
    pub const SORTED_SET: Categories = Categories(1 << 9);
    /// `@stream`
    pub const STREAM: Categories = Categories(1 << 10);
    /// `@hyperloglog`
    pub const HYPERLOGLOG: Categories = Categories(1 << 11);
    /// `@geo`
    pub const GEO: Categories = Categories(1 << 12);

    /// Both sets.
    pub const fn and(self, other: Categories) -> Categories {
        Categories(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    pub const fn has(self, other: Categories) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The names of the categories that do not follow from flags.
pub const CATEGORY_NAMES: &[(Categories, &str)] = &[
    (Categories::KEYSPACE, "@keyspace"),
    (Categories::STRING, "@string"),
    (Categories::BITMAP, "@bitmap"),
    (Categories::CONNECTION, "@connection"),
    (Categories::TRANSACTION, "@transaction"),
    (Categories::DANGEROUS, "@dangerous"),
    (Categories::LIST, "@list"),
    (Categories::HASH, "@hash"),
    (Categories::SET, "@set"),
    (Categories::SORTED_SET, "@sortedset"),
    (Categories::STREAM, "@stream"),
    (Categories::HYPERLOGLOG, "@hyperloglog"),
    (Categories::GEO, "@geo"),
];

/// Where a key specification starts to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginSearch {
    /// At this argument.
    Index(i32),
    /// After this word, looked for from this argument on (backwards from the end if negative).
    Keyword(&'static str, i32),
    /// It cannot be said.
    Unknown,
}

/// How a key specification finds keys from where it starts. Positions are relative to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindKeys {
    /// From the start to `last` (negative: from the end of the arguments), every `step`, in the
    /// first `1/limit` of the arguments when `limit` is above 1.
    Range {
        /// Relative position of the last key.
        last: i32,
        /// Distance between keys.
        step: i32,
        /// See the variant.
        limit: i32,
    },
    /// The number of keys stands at `numkeys`; the first at `first`, every `step`.
    NumKeys {
        /// Relative position of the number.
        numkeys: i32,
        /// Relative position of the first key.
        first: i32,
        /// Distance between keys.
        step: i32,
    },
    /// It cannot be said.
    Unknown,
}

/// One key specification with its flags (`RW`, `access`, `update`, …) by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Where it starts.
    pub begin: BeginSearch,
    /// How it goes on.
    pub find: FindKeys,
    /// Flag names, separated by spaces, in the order of `COMMAND INFO`.
    pub flags: &'static str,
    /// Notes as `COMMAND INFO` shows them; empty for none.
    pub notes: &'static str,
}

impl KeySpec {
    /// One key at argument `at`.
    pub const fn one(at: i32, flags: &'static str) -> KeySpec {
        KeySpec::range(at, 0, 1, flags)
    }

    /// Keys from argument `first` to `last` (relative to `first`, or from the end if negative),
    /// every `step`.
    pub const fn range(first: i32, last: i32, step: i32, flags: &'static str) -> KeySpec {
        KeySpec {
            begin: BeginSearch::Index(first),
            find: FindKeys::Range { last, step, limit: 0 },
            flags,
            notes: "",
        }
    }

    /// Keys that cannot be told from the arguments' places.
    pub const fn unknown(flags: &'static str) -> KeySpec {
        KeySpec { begin: BeginSearch::Unknown, find: FindKeys::Unknown, flags, notes: "" }
    }

    /// With notes for `COMMAND INFO`.
    pub const fn notes(mut self, notes: &'static str) -> KeySpec {
        self.notes = notes;
        self
    }

    /// A number of keys at argument `at`, the keys after it, every `step`.
    pub const fn numkeys(at: i32, step: i32, flags: &'static str) -> KeySpec {
        KeySpec {
            begin: BeginSearch::Index(at),
            find: FindKeys::NumKeys { numkeys: 0, first: 1, step },
            flags,
            notes: "",
        }
    }
}

/// The kinds of an argument in `COMMAND DOCS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `double`
    Double,
    /// `key`; the number is the index of its key specification
    Key(u8),
    /// `pattern`
    Pattern,
    /// `pattern` that leads to keys; the number is the index of their key specification
    KeyPattern(u8),
    /// `unix-time`
    UnixTime,
    /// `pure-token`
    PureToken,
    /// `oneof`
    OneOf,
    /// `block`
    Block,
}

/// One argument of a command as `COMMAND DOCS` describes it.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: ArgKind,
    /// What people are shown for it; empty for its name.
    pub display: &'static str,
    /// The word that stands before it (or is it); empty for none.
    pub token: &'static str,
    /// Since when it exists; empty if since its command.
    pub since: &'static str,
    /// Since when it is deprecated; empty if it is not.
    pub deprecated_since: &'static str,
    /// A one-line summary; empty for none.
    pub summary: &'static str,
    /// It may be left out.
    pub optional: bool,
    /// It may be repeated.
    pub multiple: bool,
    /// Its token is repeated with it.
    pub multiple_token: bool,
    /// The arguments of a `oneof` or a block.
    pub children: &'static [Arg],
}

impl Arg {
    /// An argument of this name and kind.
    pub const fn new(name: &'static str, kind: ArgKind) -> Arg {
        Arg {
            name,
            kind,
            display: "",
            token: "",
            since: "",
            deprecated_since: "",
            summary: "",
            optional: false,
            multiple: false,
            multiple_token: false,
            children: &[],
        }
    }

    /// A pure token: the word itself is the argument.
    pub const fn token(name: &'static str, token: &'static str) -> Arg {
        Arg::new(name, ArgKind::PureToken).with_token(token)
    }

    /// One of `children`.
    pub const fn one_of(name: &'static str, children: &'static [Arg]) -> Arg {
        let mut arg = Arg::new(name, ArgKind::OneOf);
        arg.children = children;
        arg
    }

    /// All of `children`, in order.
    pub const fn block(name: &'static str, children: &'static [Arg]) -> Arg {
        let mut arg = Arg::new(name, ArgKind::Block);
        arg.children = children;
        arg
    }

    /// With a word before it.
    pub const fn with_token(mut self, token: &'static str) -> Arg {
        self.token = token;
        self
    }

    /// Shown to people as this instead of its name.
    pub const fn display(mut self, display: &'static str) -> Arg {
        self.display = display;
        self
    }

    /// Deprecated since this version.
    pub const fn deprecated_since(mut self, version: &'static str) -> Arg {
        self.deprecated_since = version;
        self
    }

    /// Present since this version.
    pub const fn since(mut self, version: &'static str) -> Arg {
        self.since = version;
        self
    }

    /// With a line about it.
    pub const fn summary(mut self, summary: &'static str) -> Arg {
        self.summary = summary;
        self
    }

    /// May be left out.
    pub const fn optional(mut self) -> Arg {
        self.optional = true;
        self
    }

    /// May be repeated.
    pub const fn multiple(mut self) -> Arg {
        self.multiple = true;
        self
    }

    /// May be repeated, its token with it.
    pub const fn multiple_token(mut self) -> Arg {
        self.multiple = true;
        self.multiple_token = true;
        self
    }
}

/// The groups of `COMMAND DOCS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// `generic`
    Generic,
    /// `string`
    String,
    /// `list`
    List,
    /// `set`
    Set,
    /// `hash`
    Hash,
    /// `sorted-set`
    SortedSet,
    /// `stream`
    Stream,
    /// `bitmap`
    Bitmap,
    /// `hyperloglog`
    HyperLogLog,
    /// `geo`
    Geo,
    /// `connection`
    Connection,
    /// `server`
    Server,
    /// `transactions`
    Transactions,
}

impl Group {
    /// The group's name in `COMMAND DOCS`.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::Hash => "hash",
            Group::SortedSet => "sorted-set",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
            Group::HyperLogLog => "hyperloglog",
            Group::Geo => "geo",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Transactions => "transactions",
        }
    }
}

/// One command (or subcommand): its facts and what runs it.
#[derive(Clone, Copy)]
pub struct Command {
    /// Its number, given by the registry: an index into per-command counters.
    pub number: u16,
    /// Lower case; `container|sub` for a subcommand.
    pub name: &'static str,
    /// Number of arguments, name included; negative: at least that many.
    pub arity: i32,
    /// Flags.
    pub flags: Flags,
    /// Categories beyond those that follow from the flags.
    pub categories: Categories,
    /// Key specifications.
    pub keys: &'static [KeySpec],
    /// Options before its keys and how many arguments belong to each: none of those is the word
    /// that keys are looked for after, whatever it says.
    pub options: &'static [(&'static str, usize)],
    /// Options behind which the key stands that a result is stored to. Its keyword specifications
    /// describe them, but not that the last one counts.
    pub store_words: &'static [&'static str],
    /// Finds the keys that its specifications leave out.
    pub more_keys: Option<FindMoreKeys>,
    /// How it spreads over shards.
    pub spread: Spread,
    /// What runs it.
    pub run: Run,
    /// How it steers the connection that sent it.
    pub steering: Steering,
    /// Documentation group.
    pub group: Group,
    /// Version that brought it.
    pub since: &'static str,
    /// One line: what it does.
    pub summary: &'static str,
    /// Time complexity.
    pub complexity: &'static str,
    /// Its arguments.
    pub args: &'static [Arg],
    /// What changed when: (version, change).
    pub history: &'static [(&'static str, &'static str)],
    /// Tips as `COMMAND INFO` shows them.
    pub tips: &'static [&'static str],
    /// Since when it is deprecated and what replaces it; empty for neither.
    pub deprecated: (&'static str, &'static str),
    /// Subcommands of a container.
    pub subcommands: &'static [Command],
}

impl Command {
    const fn new(name: &'static str, arity: i32, flags: Flags, run: Run) -> Command {
        Command {
            number: 0,
            name,
            arity,
            flags,
            categories: Categories::NONE,
            keys: &[],
            options: &[],
            store_words: &[],
            more_keys: None,
            spread: Spread::Together,
            run,
            steering: Steering::None,
            group: Group::Generic,
            since: "1.0.0",
            summary: "",
            complexity: "",
            args: &[],
            history: &[],
            tips: &[],
            deprecated: ("", ""),
            subcommands: &[],
        }
    }

    /// A command that reads.
    pub const fn read(name: &'static str, arity: i32, run: ReadFn) -> Command {
        Command::new(name, arity, Flags::READONLY, Run::Read(run))
    }

    /// A command that runs where the keys are and reads, but is not flagged `readonly` for clients
    /// (server commands such as `INFO`).
    pub const fn inspect(name: &'static str, arity: i32, run: ReadFn) -> Command {
        Command::new(name, arity, Flags::NONE, Run::Read(run))
    }

    /// A command that may change the keyspace.
    pub const fn write(name: &'static str, arity: i32, run: WriteFn) -> Command {
        Command::new(name, arity, Flags::WRITE, Run::Write(run))
    }

    /// A command of the connection or the server.
    pub const fn session(name: &'static str, arity: i32, run: SessionFn) -> Command {
        Command::new(name, arity, Flags::NONE, Run::Session(run))
    }

    /// A command whose handler changes what the shard keeps beside its keys (watches), which
    /// clients do not see as a write.
    pub const fn keep(name: &'static str, arity: i32, run: WriteFn) -> Command {
        Command::new(name, arity, Flags::NONE, Run::Write(run))
    }

    /// A command that the acceptor runs itself, since it steers the connection's requests.
    pub const fn steer(name: &'static str, arity: i32, steering: Steering) -> Command {
        Command::new(name, arity, Flags::NONE, Run::Acceptor).steering(steering)
    }

    /// Sets how it steers the connection that sent it.
    pub const fn steering(mut self, steering: Steering) -> Command {
        self.steering = steering;
        self
    }

    /// A container of subcommands.
    pub const fn container(name: &'static str, subcommands: &'static [Command]) -> Command {
        let mut command = Command::new(name, -2, Flags::NONE, Run::Container);
        command.subcommands = subcommands;
        command
    }

    /// Adds subcommands to a command that also runs without one.
    pub const fn subcommands(mut self, subcommands: &'static [Command]) -> Command {
        self.subcommands = subcommands;
        self
    }

    /// Adds flags.
    pub const fn flags(mut self, flags: Flags) -> Command {
        self.flags = self.flags.and(flags);
        self
    }

    /// Adds the flag `fast`.
    pub const fn fast(self) -> Command {
        self.flags(Flags::FAST)
    }

    /// Adds the flag `denyoom`.
    pub const fn denyoom(self) -> Command {
        self.flags(Flags::DENYOOM)
    }

    /// Sets categories beyond those that follow from the flags.
    pub const fn categories(mut self, categories: Categories) -> Command {
        self.categories = categories;
        self
    }

    /// Sets the key specifications.
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Command {
        self.keys = keys;
        self
    }

    /// Sets the options that stand before the keys, with the number of their arguments.
    pub const fn options(mut self, options: &'static [(&'static str, usize)]) -> Command {
        self.options = options;
        self
    }

    /// Sets the options behind which a key to store to stands.
    pub const fn stores_behind(mut self, words: &'static [&'static str]) -> Command {
        self.store_words = words;
        self
    }

    /// Runs as independent parts, one per shard of its keys.
    pub const fn split(mut self, merge: Merge) -> Command {
        self.spread = Spread::Split(merge);
        self
    }

    /// Runs as independent parts, one per shard.
    pub const fn every_shard(mut self, merge: Merge) -> Command {
        self.spread = Spread::EveryShard(merge);
        self
    }

    /// Runs once with all shards together.
    pub const fn all_together(mut self) -> Command {
        self.spread = Spread::AllTogether;
        self
    }

    /// Runs once with all shards together if the arguments say so.
    pub const fn all_together_if(mut self, reaches_out: ReachesOut) -> Command {
        self.spread = Spread::AllTogetherIf(reaches_out);
        self
    }

    /// Finds keys that its key specifications cannot.
    pub const fn find_keys(mut self, more: FindMoreKeys) -> Command {
        self.more_keys = Some(more);
        self
    }

    /// Runs on the shard that the cursor names.
    pub const fn cursor(mut self) -> Command {
        self.spread = Spread::Cursor;
        self
    }

    /// Sets group, version, summary and complexity.
    pub const fn docs(
        mut self,
        group: Group,
        since: &'static str,
        summary: &'static str,
        complexity: &'static str,
    ) -> Command {
        self.group = group;
        self.since = since;
        self.summary = summary;
        self.complexity = complexity;
        self
    }

    /// Sets the arguments' documentation.
    pub const fn args(mut self, args: &'static [Arg]) -> Command {
        self.args = args;
        self
    }

    /// Sets the history.
    pub const fn history(mut self, history: &'static [(&'static str, &'static str)]) -> Command {
        self.history = history;
        self
    }

    /// Sets the tips.
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Command {
        self.tips = tips;
        self
    }

    /// Marks it deprecated since a version, replaced by something.
    pub const fn deprecated(mut self, since: &'static str, by: &'static str) -> Command {
        self.deprecated = (since, by);
        self
    }

    /// Whether a client that says `name` means it: its own name in any case.
    #[inline]
    pub fn is_named(&self, name: &[u8]) -> bool {
        // In lower case a letter has the bit that the others keep.
        let same =
            |(own, byte): (&u8, &u8)| *own == *byte | (u8::from(own.is_ascii_lowercase()) << 5);
        self.name.len() == name.len() && self.name.as_bytes().iter().zip(name).all(same)
    }

    /// Whether a request of `argc` arguments, name included, has the right number of them.
    pub const fn accepts(&self, argc: usize) -> bool {
        if self.arity >= 0 { argc == self.arity as usize } else { argc >= -self.arity as usize }
    }

    /// Its flags' names as `COMMAND INFO` prints them.
    pub fn flag_names(&self) -> impl Iterator<Item = &'static str> {
        let flags = self.flags;
        FLAG_NAMES.iter().filter(move |(flag, _)| flags.has(*flag)).map(|(_, name)| *name)
    }

    /// Its ACL categories: those that follow from its flags, and its own.
    pub fn category_names(&self) -> impl Iterator<Item = &'static str> {
        let (flags, own) = (self.flags, self.categories);
        let implied = [
            (flags.has(Flags::WRITE), "@write"),
            (flags.has(Flags::READONLY), "@read"),
            (flags.has(Flags::ADMIN), "@admin"),
            (flags.has(Flags::PUBSUB), "@pubsub"),
            (flags.has(Flags::BLOCKING), "@blocking"),
            (flags.has(Flags::FAST), "@fast"),
            (!flags.has(Flags::FAST), "@slow"),
            (flags.has(Flags::ADMIN) && !own.has(Categories::DANGEROUS), "@dangerous"),
        ];
        let implied = implied.into_iter().filter(|(on, _)| *on).map(|(_, name)| name);
        let named = CATEGORY_NAMES.iter().filter(move |(one, _)| own.has(*one));
        implied.chain(named.map(|(_, name)| *name))
    }

    /// Whether it may change the keyspace.
    pub const fn is_write(&self) -> bool {
        self.flags.has(Flags::WRITE)
    }
}
