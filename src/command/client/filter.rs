//! Which clients a CLIENT LIST or CLIENT KILL is about.

use crate::command::connection::DEFAULT_USER;
use crate::command::{Args, CommandError, parse_integer};
use crate::observe::{ClientCard, ClientFlags, ClientWords};

/// Letters that a client's flags can have, whether or not this server ever sets them.
const FLAG_LETTERS: &[u8] = b"ABEIMNOPRSTUbcdeirtux";

/// Kinds of client. All are normal here: there are no replicas and no subscribers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Normal,
    Replica,
    Primary,
    PubSub,
}

/// What one filter asks of a client.
enum Test<'a> {
    Id(Vec<u64>),
    Type(Type),
    User,
    Addr(&'a [u8]),
    Laddr(&'a [u8]),
    Name(&'a [u8]),
    Flags(&'a [u8]),
    LibName(&'a [u8]),
    LibVersion(&'a [u8]),
    Db(u16),
    /// All of these capabilities; any that nobody has matches nobody.
    Capa(&'a [u8]),
    Ip(&'a [u8]),
    MaxAge(i64),
    Idle(i64),
}

/// All that was asked. A filter given twice counts as it was given last, except for numbers,
/// which add up.
#[derive(Default)]
pub struct Filter<'a> {
    tests: Vec<(Test<'a>, bool)>,
    /// `SKIPME`, if it was given.
    pub skip_me: Option<bool>,
}

impl<'a> Filter<'a> {
    /// Reads the options from argument `at` on.
    pub fn parse(
        args: Args<'a>,
        mut at: usize,
        databases: u32,
    ) -> Result<Filter<'a>, CommandError> {
        let mut filter = Filter::default();
        while at < args.len() {
            at = filter.parse_one(args, at, databases)?;
        }
        Ok(filter)
    }

    /// Reads the option at `at`; gives the place after it.
    fn parse_one(
        &mut self,
        args: Args<'a>,
        at: usize,
        databases: u32,
    ) -> Result<usize, CommandError> {
        let word = args.get(at).unwrap_or_default().to_ascii_uppercase();
        let (name, wanted) = match word.strip_prefix(b"NOT-") {
            Some(name) => (name, false),
            None => (&word[..], true),
        };
        if name == b"ID" {
            return self.parse_ids(args, at + 1, wanted);
        }
        let value = args.get(at + 1).ok_or(CommandError::SYNTAX)?;
        let test = match (name, wanted) {
            (b"TYPE", _) => Test::Type(parse_type(value)?),
            (b"USER", _) if value == DEFAULT_USER => Test::User,
            (b"USER", _) => return Err(quoting("ERR No such user '", value, "'")),
            (b"ADDR", _) => Test::Addr(value),
            (b"LADDR", _) => Test::Laddr(value),
            (b"NAME", _) => Test::Name(value),
            (b"FLAGS", _) => Test::Flags(parse_flags(value, wanted)?),
            (b"LIB-NAME", _) => Test::LibName(value),
            (b"LIB-VER", _) => Test::LibVersion(value),
            (b"DB", _) => Test::Db(parse_db(value, &word, databases)?),
            (b"CAPA", _) => Test::Capa(parse_capa(value, wanted)?),
            (b"IP", _) => Test::Ip(value),
            (b"MAXAGE", true) => Test::MaxAge(parse_seconds(value, "maxage")?),
            (b"IDLE", true) => Test::Idle(parse_seconds(value, "idle")?),
            (b"SKIPME", true) => {
                self.skip_me = Some(match value.to_ascii_lowercase().as_slice() {
                    b"yes" => true,
                    b"no" => false,
                    _ => return Err(CommandError::SYNTAX),
                });
                return Ok(at + 2);
            }
            _ => return Err(CommandError::SYNTAX),
        };
        let kind = std::mem::discriminant(&test);
        self.tests.retain(|(old, was)| std::mem::discriminant(old) != kind || *was != wanted);
        self.tests.push((test, wanted));
        Ok(at + 2)
    }

    /// Reads numbers as far as they go.
    fn parse_ids(
        &mut self,
        args: Args<'a>,
        mut at: usize,
        wanted: bool,
    ) -> Result<usize, CommandError> {
        let mut ids = Vec::new();
        while let Some(id) = args.get(at).and_then(parse_integer) {
            if id < 1 {
                return Err(CommandError::fixed("ERR client-id should be greater than 0"));
            }
            ids.push(id as u64);
            at += 1;
        }
        for (test, was) in &mut self.tests {
            if let Test::Id(known) = test
                && *was == wanted
            {
                known.append(&mut ids);
                return Ok(at);
            }
        }
        self.tests.push((Test::Id(ids), wanted));
        Ok(at)
    }

    /// Whether the client of `card` is one of those asked for, `SKIPME` apart.
    pub fn matches(&self, card: &ClientCard, now_ms: i64) -> bool {
        if self.tests.is_empty() {
            return true;
        }
        let words = card.words();
        self.tests.iter().all(|(test, wanted)| test.holds(card, &words, now_ms) == *wanted)
    }
}

impl Test<'_> {
    fn holds(&self, card: &ClientCard, words: &ClientWords, now_ms: i64) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        match self {
            Test::Id(ids) => ids.contains(&card.id.0),
            Test::Type(kind) => *kind == Type::Normal,
            Test::User => true,
            Test::Addr(addr) => card.addr.as_bytes() == *addr,
            Test::Laddr(laddr) => card.laddr.as_bytes() == *laddr,
            Test::Name(name) => !words.name.is_empty() && words.name == *name,
            Test::Flags(letters) => {
                let flags = super::flag_letters(card);
                letters.iter().all(|letter| flags.as_bytes().contains(letter))
            }
            Test::LibName(name) => words.lib_name == *name,
            Test::LibVersion(version) => words.lib_version == *version,
            Test::Db(db) => card.db.load(Relaxed) == *db,
            Test::Capa(letters) => letters.is_empty() || card.has_flag(ClientFlags::CAPA_REDIRECT),
            Test::Ip(ip) => ip_of(&card.addr) == *ip,
            Test::MaxAge(seconds) => (now_ms - card.connected_ms) / 1000 >= *seconds,
            Test::Idle(seconds) => (now_ms - card.last_ms.load(Relaxed)) / 1000 >= *seconds,
        }
    }
}

/// The address without its port.
fn ip_of(addr: &str) -> &[u8] {
    addr.rsplit_once(':').map_or(addr, |(ip, _)| ip.trim_matches(['[', ']'])).as_bytes()
}

fn parse_type(value: &[u8]) -> Result<Type, CommandError> {
    match value.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(Type::Normal),
        b"replica" | b"slave" => Ok(Type::Replica),
        b"primary" | b"master" => Ok(Type::Primary),
        b"pubsub" => Ok(Type::PubSub),
        _ => Err(quoting("ERR Unknown client type '", value, "'")),
    }
}

fn parse_flags(value: &[u8], wanted: bool) -> Result<&[u8], CommandError> {
    if value.iter().all(|letter| FLAG_LETTERS.contains(letter)) {
        return Ok(value);
    }
    Err(unknown_letters("flags", value, if wanted { None } else { Some("NOT-FLAGS") }))
}

fn parse_capa(value: &[u8], wanted: bool) -> Result<&[u8], CommandError> {
    if value.iter().all(|&letter| letter == b'r') {
        return Ok(value);
    }
    Err(unknown_letters("capa", value, if wanted { None } else { Some("NOT-CAPA") }))
}

fn unknown_letters(what: &str, value: &[u8], filter: Option<&str>) -> CommandError {
    let place =
        filter.map_or("the provided filter".to_owned(), |name| format!("the {name} filter"));
    let text = format!("ERR Unknown {what} found in {place}: ");
    CommandError::made([text.as_bytes(), value].concat())
}

fn parse_db(value: &[u8], word: &[u8], databases: u32) -> Result<u16, CommandError> {
    let word = String::from_utf8_lossy(word);
    let db = parse_integer(value).and_then(|db| i32::try_from(db).ok()).ok_or_else(|| {
        CommandError::made(format!("ERR {word} is not an integer or out of range"))
    })?;
    u16::try_from(db).ok().filter(|&db| u32::from(db) < databases).ok_or_else(|| {
        CommandError::made(format!("ERR {word} number should be between 0 and {}", databases - 1))
    })
}

fn parse_seconds(value: &[u8], name: &str) -> Result<i64, CommandError> {
    let seconds = parse_integer(value).ok_or_else(|| {
        CommandError::made(format!("ERR {name} is not an integer or out of range"))
    })?;
    if seconds < 1 {
        return Err(CommandError::made(format!("ERR {name} should be greater than 0")));
    }
    Ok(seconds)
}

/// An error that quotes what the client sent.
fn quoting(before: &str, value: &[u8], after: &str) -> CommandError {
    CommandError::made([before.as_bytes(), value, after.as_bytes()].concat())
}
