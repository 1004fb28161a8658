//! What a command answers when it cannot do what was asked: Redis's texts, each in one place.
//!
//! The text stands after the `-` of a RESP error: a code word, a space, a sentence. Constants hold
//! the fixed texts; the functions render those that name what was wrong.

use std::borrow::Cow;

/// An error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    text: Cow<'static, [u8]>,
}

/// What a command handler returns; the reply of a success is already in the writer.
pub type CommandResult = Result<(), CommandError>;

impl CommandError {
    /// An error with a fixed text, code word included.
    pub const fn fixed(text: &'static str) -> CommandError {
        CommandError { text: Cow::Borrowed(text.as_bytes()) }
    }

    /// An error with a text made for the occasion, code word included. It may hold bytes that the
    /// client sent; the reply writer replaces line breaks.
    pub fn made(text: impl Into<Vec<u8>>) -> CommandError {
        CommandError { text: Cow::Owned(text.into()) }
    }

    /// The text without the leading `-`.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The code word: `ERR`, `WRONGTYPE`, …
    pub fn code(&self) -> &[u8] {
        let end = memchr::memchr(b' ', &self.text).unwrap_or(self.text.len());
        &self.text[..end]
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl CommandError {
            $($(#[$doc])* pub const $name: CommandError = CommandError::fixed($text);)*
        }
    };
}

texts! {
    /// An option or its place is wrong.
    SYNTAX = "ERR syntax error";
    /// The key holds another type than the command works on.
    WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
    /// An argument or a stored value is no 64-bit integer.
    NOT_AN_INTEGER = "ERR value is not an integer or out of range";
    /// An argument or a stored value is no float.
    NOT_A_FLOAT = "ERR value is not a valid float";
    /// The key must exist.
    NO_SUCH_KEY = "ERR no such key";
    /// Zero-based position beyond the collection.
    INDEX_OUT_OF_RANGE = "ERR index out of range";
    /// Memory is used up and the policy frees none.
    OOM = "OOM command not allowed when used memory > 'maxmemory'.";
    /// The connection has not authenticated.
    NO_AUTH = "NOAUTH Authentication required.";
    /// Wrong user name or password.
    WRONG_PASS = "WRONGPASS invalid username-password pair or user is disabled.";
    /// `EXEC` after a command that could not be queued.
    EXEC_ABORT = "EXECABORT Transaction discarded because of previous errors.";
    /// `SELECT` and friends: no such logical database.
    DB_INDEX_OUT_OF_RANGE = "ERR DB index is out of range";
    /// A string would exceed `proto-max-bulk-len`.
    STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    /// `INCR` and its like: the sum does not fit in 64 bits.
    INCREMENT_OVERFLOW = "ERR increment or decrement would overflow";
    /// `DECRBY` with a decrement whose negative does not fit in 64 bits.
    DECREMENT_OVERFLOW = "ERR decrement would overflow";
    /// `INCRBYFLOAT`: the sum is no finite number.
    NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity";
    /// `SETRANGE` with a negative offset.
    OFFSET_OUT_OF_RANGE = "ERR offset is out of range";
    /// A number of keys that is none, not positive or too large.
    INVALID_NUMKEYS = "ERR invalid numkeys value or out of range";
    /// A count that must be an integer of at least 0.
    MUST_BE_POSITIVE = "ERR value is out of range, must be positive";
    /// A count that has no opposite.
    COUNT_OUT_OF_RANGE = "ERR value is out of range, value must between -9223372036854775807 and \
                          9223372036854775807";
    /// A number of keys that is none or not positive.
    NUMKEYS_NOT_POSITIVE = "ERR numkeys should be greater than 0";
    /// A number of keys beyond the arguments.
    NUMKEYS_TOO_LARGE = "ERR Number of keys can't be greater than number of args";
    /// A limit that is no integer of at least 0.
    NEGATIVE_LIMIT = "ERR LIMIT can't be negative";
    /// A reply that a count would make longer than any string may be.
    REPLY_TOO_LONG = "ERR reply exceeds maximum allowed size (proto-max-bulk-len)";
    /// `HINCRBY` of a field whose value is no integer.
    HASH_VALUE_NOT_INTEGER = "ERR hash value is not an integer";
    /// `HINCRBYFLOAT` of a field whose value is no float.
    HASH_VALUE_NOT_FLOAT = "ERR hash value is not a float";
    /// `HINCRBYFLOAT` by what is no finite number.
    NAN_OR_INFINITE_VALUE = "ERR value is NaN or Infinity";
    /// A number of fields that is not that of the fields that follow.
    NUMFIELDS_MISMATCH =
        "ERR numfields should be greater than 0 and match the provided number of fields";
    /// A count that cannot be doubled.
    OUT_OF_RANGE = "ERR value is out of range";
    /// A blocking command's timeout, in seconds, is no number.
    TIMEOUT_NOT_A_FLOAT = "ERR timeout is not a float or out of range";
    /// A blocking command's timeout, in milliseconds, is no integer.
    TIMEOUT_NOT_AN_INTEGER = "ERR timeout is not an integer or out of range";
    /// A blocking command's timeout is below 0.
    TIMEOUT_NEGATIVE = "ERR timeout is negative";
    /// A blocking command's timeout ends after the end of time.
    TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range";
    /// `CLIENT UNBLOCK … ERROR`, to the client that is unblocked.
    UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
    /// `LCS` of something else than strings.
    LCS_NOT_STRINGS = "ERR The specified keys must contain string values";
    /// `LCS` with both.
    LCS_LEN_AND_IDX = "ERR If you want both the length and indexes, please just use IDX.";
    /// `LCS` of strings whose table would exceed `proto-max-bulk-len`.
    LCS_TABLE_TOO_BIG =
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
    /// `LCS` without memory for its table.
    LCS_NO_MEMORY = "ERR Insufficient memory, failed allocating transient memory for LCS";
    /// `SCAN` with a cursor that is no number.
    INVALID_CURSOR = "ERR invalid cursor";
    /// An argument that must be a 32-bit integer is one of 64 bits.
    NOT_AN_INT = "ERR value is out of range, value must between -2147483648 and 2147483647";
    /// `EXPIRE … NX` together with another condition.
    NX_WITH_OTHERS = "ERR NX and XX, GT or LT options at the same time are not compatible";
    /// `EXPIRE … GT LT`
    GT_WITH_LT = "ERR GT and LT options at the same time are not compatible";
    /// `COPY` and `MOVE` of a key onto itself.
    SAME_OBJECT = "ERR source and destination objects are the same";
    /// `SWAPDB`: the first argument is no 32-bit integer.
    INVALID_FIRST_DB = "ERR invalid first DB index";
    /// `SWAPDB`: the second argument is no 32-bit integer.
    INVALID_SECOND_DB = "ERR invalid second DB index";
    /// `SCAN … NOVALUES`
    NOVALUES_OUTSIDE_HSCAN = "ERR NOVALUES option can only be used in HSCAN";
    /// `NOSCORES` elsewhere than in `ZSCAN`.
    NOSCORES_OUTSIDE_ZSCAN = "ERR NOSCORES option can only be used in ZSCAN";
    /// `ZADD`: conditions that exclude each other.
    XX_WITH_NX = "ERR XX and NX options at the same time are not compatible";
    /// `ZADD`: conditions that exclude each other.
    GT_LT_NX = "ERR GT, LT, and/or NX options at the same time are not compatible";
    /// `ZADD … INCR` with several members.
    INCR_ONE_PAIR = "ERR INCR option supports a single increment-element pair";
    /// `ZADD … INCR` and `ZINCRBY`: opposite infinities.
    SCORE_IS_NAN = "ERR resulting score is not a number (NaN)";
    /// An end of a range of scores is none.
    BOUND_NOT_A_FLOAT = "ERR min or max is not a float";
    /// An end of a range of strings is none.
    BOUND_NOT_A_STRING = "ERR min or max not valid string range item";
    /// `ZRANGE … LIMIT` by ranks.
    LIMIT_BY_RANK =
        "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
    /// `ZRANGE … BYLEX WITHSCORES`
    SCORES_BY_LEX =
        "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
    /// `ZMPOP` and its like: the count is not positive.
    COUNT_NOT_POSITIVE = "ERR count should be greater than 0";
    /// `ZUNION … WEIGHTS`: a weight is none.
    WEIGHT_NOT_A_FLOAT = "ERR weight value is not a float";
    /// Geo commands: a unit that there is not.
    UNKNOWN_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI";
    /// `GEOSEARCH … BYRADIUS`: the radius is no number.
    RADIUS_NOT_NUMERIC = "ERR need numeric radius";
    /// `GEOSEARCH … BYRADIUS` below 0.
    NEGATIVE_RADIUS = "ERR radius cannot be negative";
    /// `GEOSEARCH … BYBOX`: the width is no number.
    WIDTH_NOT_NUMERIC = "ERR need numeric width";
    /// `GEOSEARCH … BYBOX`: the height is no number.
    HEIGHT_NOT_NUMERIC = "ERR need numeric height";
    /// `GEOSEARCH … BYBOX` below 0.
    NEGATIVE_BOX = "ERR height or width cannot be negative";
    /// `GEOSEARCH … BYPOLYGON`: the number of corners is none.
    INVALID_VERTICES = "ERR invalid number of vertices";
    /// `GEOSEARCH … BYPOLYGON` with fewer corners than it says, or than make an area.
    FEW_VERTICES = "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices";
    /// `GEOSEARCH … COUNT` of 0 or less.
    GEO_COUNT = "ERR COUNT must be > 0";
    /// `GEOSEARCH … ANY` alone.
    ANY_WITHOUT_COUNT = "ERR the ANY argument requires COUNT argument";
    /// `GEOSEARCHSTORE` with an option about its reply.
    GEOSEARCHSTORE_WITH =
        "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options";
    /// `GEORADIUS … STORE` with an option about its reply.
    GEORADIUS_STORE_WITH = "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH \
                            and WITHCOORD options";
    /// `OBJECT FREQ` without an LFU policy.
    NO_LFU = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
              note that when switching between policies at runtime LRU and LFU data will take \
              some time to adjust.";
    /// `OBJECT IDLETIME` under an LFU policy.
    NO_LRU = "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that \
              when switching between policies at runtime LRU and LFU data will take some time to \
              adjust.";
}

/// `ERR wrong number of arguments for '<name>' command`; `name` as in the command table
/// (`client|list` for a subcommand).
pub fn wrong_arity(name: &str) -> CommandError {
    CommandError::made(format!("ERR wrong number of arguments for '{name}' command"))
}

/// `ERR Command '<name>' not allowed inside a transaction`.
pub fn not_in_transaction(name: &str) -> CommandError {
    CommandError::made(format!("ERR Command '{name}' not allowed inside a transaction"))
}

/// `ERR invalid expire time in '<name>' command`.
pub fn invalid_expire(name: &str) -> CommandError {
    CommandError::made(format!("ERR invalid expire time in '{name}' command"))
}

/// `ERR unknown command …` with the beginning of the arguments, as Redis shows them.
pub fn unknown_command<'a>(name: &[u8], arguments: impl Iterator<Item = &'a [u8]>) -> CommandError {
    /// Redis cuts the name and the list of arguments at this many bytes.
    const SHOWN: usize = 128;
    let mut text = b"ERR unknown command '".to_vec();
    text.extend_from_slice(shown_up_to(name, SHOWN));
    text.extend_from_slice(b"', with args beginning with: ");
    let mut shown = 0;
    for argument in arguments {
        if shown >= SHOWN {
            break;
        }
        let cut = shown_up_to(argument, SHOWN - shown);
        text.push(b'\'');
        text.extend_from_slice(cut);
        text.extend_from_slice(b"' ");
        shown += cut.len() + 3;
    }
    CommandError::made(text)
}

/// What Redis shows of bytes that it prints as a C string: up to the first NUL, and so many.
pub fn shown_up_to(bytes: &[u8], most: usize) -> &[u8] {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    &bytes[..end.min(most)]
}

/// `ERR unknown subcommand '<sub>'. Try <CONTAINER> HELP.`
pub fn unknown_subcommand(container: &str, subcommand: &[u8]) -> CommandError {
    let mut text = b"ERR unknown subcommand '".to_vec();
    text.extend_from_slice(shown_up_to(subcommand, 128));
    text.extend_from_slice(b"'. Try ");
    text.extend_from_slice(container.to_uppercase().as_bytes());
    text.extend_from_slice(b" HELP.");
    CommandError::made(text)
}

/// `ERR unknown type name '<name>'`, for SCAN's TYPE option.
pub fn unknown_type(name: &[u8]) -> CommandError {
    CommandError::made([b"ERR unknown type name '", name, b"'"].concat())
}
