//! Directives that take one of a fixed set of words, each as an enum of its own.
//!
//! Must hold: the order of the words is the order in which Valkey lists them in its error.

/// An enum whose values a configuration spells as words.
pub trait Choice: Copy + PartialEq + Send + Sync + 'static {
    /// Every value with its word, in the order in which errors list them.
    const WORDS: &'static [(&'static str, Self)];

    /// The value that a word stands for, in any case.
    fn from_word(word: &[u8]) -> Option<Self> {
        let (_, value) =
            Self::WORDS.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(word))?;
        Some(*value)
    }

    /// The word that stands for this value.
    fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, value)| *value == self);
        found.map(|(word, _)| *word).expect("every value of a choice has a word")
    }
}

/// Declares an enum together with the words of its values.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $value,)+ }

        impl Choice for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$value),)+];
        }
    };
}

choice! {
    /// What to do when used memory passes `maxmemory`.
    EvictionPolicy {
        /// The key with an expiry that was used longest ago.
        VolatileLru = "volatile-lru",
        /// The key with an expiry that is used least often.
        VolatileLfu = "volatile-lfu",
        /// Any key with an expiry.
        VolatileRandom = "volatile-random",
        /// The key whose expiry is nearest.
        VolatileTtl = "volatile-ttl",
        /// The key that was used longest ago.
        AllkeysLru = "allkeys-lru",
        /// The key that is used least often.
        AllkeysLfu = "allkeys-lfu",
        /// Any key.
        AllkeysRandom = "allkeys-random",
        /// Nothing is evicted: writes that need memory are refused.
        NoEviction = "noeviction",
    }
}

impl EvictionPolicy {
    /// Whether only keys with an expiry may go.
    pub fn is_volatile(self) -> bool {
        use EvictionPolicy::*;
        matches!(self, VolatileLru | VolatileLfu | VolatileRandom | VolatileTtl)
    }

    /// Whether keys carry an access counter (LFU) instead of an access time.
    pub fn is_lfu(self) -> bool {
        matches!(self, EvictionPolicy::VolatileLfu | EvictionPolicy::AllkeysLfu)
    }

    /// Whether keys carry an access time that eviction looks at.
    pub fn is_lru(self) -> bool {
        matches!(self, EvictionPolicy::VolatileLru | EvictionPolicy::AllkeysLru)
    }
}

choice! {
    /// Which versions of the format of values are read.
    VersionCheck {
        /// Those that are known.
        Strict = "strict",
        /// Others as well, in the hope that nothing that matters has changed.
        Relaxed = "relaxed",
    }
}

choice! {
    /// How much the log says.
    LogLevel {
        /// Everything, for tests and development.
        Debug = "debug",
        /// Many details that are seldom useful.
        Verbose = "verbose",
        /// What one wants to know in production.
        Notice = "notice",
        /// Only what matters or went wrong.
        Warning = "warning",
        /// Nothing at all.
        Nothing = "nothing",
    }
}

choice! {
    /// Who may use something that reaches deep into the server.
    Access {
        /// Nobody.
        No = "no",
        /// Every client.
        Yes = "yes",
        /// Clients on this machine only: loopback or unix socket.
        Local = "local",
    }
}

impl Access {
    /// Whether a client at `peer` is let in.
    pub fn allows(self, peer: Peer) -> bool {
        match self {
            Access::No => false,
            Access::Yes => true,
            Access::Local => peer == Peer::Local,
        }
    }
}

/// Where a client connects from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Loopback or a unix socket.
    Local,
    /// Anywhere else.
    Remote,
}

choice! {
    /// Who started the process and wants to hear that it is ready.
    Supervision {
        /// Upstart, by a signal to itself.
        Upstart = "upstart",
        /// systemd, by its notification socket.
        Systemd = "systemd",
        /// Whichever the environment names.
        Auto = "auto",
        /// Nobody.
        No = "no",
    }
}

/// How the process sets its chance to be ended when the machine runs out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OomScoreAdj {
    /// Not at all.
    No,
    /// By adding to the score that it was started with.
    Relative,
    /// By a score that holds as it is.
    Absolute,
}

impl Choice for OomScoreAdj {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("no", Self::No),
        ("yes", Self::Relative),
        ("relative", Self::Relative),
        ("absolute", Self::Absolute),
    ];
}

choice! {
    /// When the append-only file is forced to disk.
    AppendFsync {
        /// Once a second.
        Everysec = "everysec",
        /// Before the reply.
        Always = "always",
        /// When the operating system likes.
        No = "no",
    }
}
