//! What happened to a key, by the names of keyspace notifications.

/// The classes of `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventClass {
    /// `g`: commands for any type.
    Generic,
    /// `$`
    String,
    /// `l`
    List,
    /// `s`
    Set,
    /// `h`
    Hash,
    /// `z`
    SortedSet,
    /// `t`
    Stream,
    /// `x`: a key's time was over.
    Expired,
    /// `e`: a key was evicted.
    Evicted,
    /// No class: notifications do not tell of it.
    Silent,
}

/// Something that happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its class.
    pub class: EventClass,
    /// Its name in notifications.
    pub name: &'static str,
}

impl Event {
    /// An event of a generic command.
    pub const fn generic(name: &'static str) -> Event {
        Event { class: EventClass::Generic, name }
    }

    /// An event of a string command.
    pub const fn string(name: &'static str) -> Event {
        Event { class: EventClass::String, name }
    }

    /// An event of a command for lists.
    pub const fn list(name: &'static str) -> Event {
        Event { class: EventClass::List, name }
    }

    /// An event of a command for sets.
    pub const fn set(name: &'static str) -> Event {
        Event { class: EventClass::Set, name }
    }

    /// An event of a command for hashes.
    pub const fn hash(name: &'static str) -> Event {
        Event { class: EventClass::Hash, name }
    }

    /// An event of a command for sorted sets.
    pub const fn sorted_set(name: &'static str) -> Event {
        Event { class: EventClass::SortedSet, name }
    }

    /// An event of a command for streams.
    pub const fn stream(name: &'static str) -> Event {
        Event { class: EventClass::Stream, name }
    }

    /// `del`
    pub const DEL: Event = Event::generic("del");
    /// `expire`
    pub const EXPIRE: Event = Event::generic("expire");
    /// `persist`
    pub const PERSIST: Event = Event::generic("persist");
    /// `rename_from`
    pub const RENAME_FROM: Event = Event::generic("rename_from");
    /// `rename_to`
    pub const RENAME_TO: Event = Event::generic("rename_to");
    /// `copy_to`
    pub const COPY_TO: Event = Event::generic("copy_to");
    /// `move_from`
    pub const MOVE_FROM: Event = Event::generic("move_from");
    /// `move_to`
    pub const MOVE_TO: Event = Event::generic("move_to");
    /// `set`
    pub const SET: Event = Event::string("set");
    /// `expired`
    pub const EXPIRED: Event = Event { class: EventClass::Expired, name: "expired" };
    /// A change that notifications do not tell of.
    pub const SILENT: Event = Event { class: EventClass::Silent, name: "" };
    /// `evicted`
    pub const EVICTED: Event = Event { class: EventClass::Evicted, name: "evicted" };
}
