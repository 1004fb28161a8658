//! What only stream commands answer when they cannot do what was asked.

use super::super::error::{CommandError, shown_up_to};

macro_rules! texts {
    ($($name:ident = $text:literal;)*) => {
        $(pub(super) const $name: CommandError = CommandError::fixed($text);)*
    };
}

texts! {
    INVALID_ID = "ERR Invalid stream ID specified as stream command argument";
    INVALID_START = "ERR invalid start ID for the interval";
    INVALID_END = "ERR invalid end ID for the interval";
    ZERO_ID = "ERR The ID specified in XADD must be greater than 0-0";
    SMALL_ID =
        "ERR The ID specified in XADD is equal or smaller than the target stream top item";
    EXHAUSTED =
        "ERR The stream has exhausted the last possible ID, unable to add more items";
    TOO_LARGE = "ERR Elements are too large to be stored";
    TWO_STRATEGIES =
        "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
    NEGATIVE_MAXLEN = "ERR The MAXLEN argument must be >= 0.";
    NEGATIVE_LIMIT = "ERR The LIMIT argument must be >= 0.";
    LIMIT_WITHOUT_STRATEGY =
        "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
    LIMIT_WITHOUT_APPROXIMATION =
        "ERR syntax error, LIMIT cannot be used without the special ~ option";
    NO_STRATEGY = "ERR syntax error, XTRIM must be called with a trimming strategy";
    NUMIDS_NOT_POSITIVE = "ERR Number of IDs must be a positive integer";
    NUMIDS_MISMATCH = "ERR The `numids` parameter must match the number of arguments";
    IDS_REQUIRED = "ERR IDS option is required";
    GROUP_IN_XREAD =
        "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.";
    NOACK_IN_XREAD =
        "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.";
    NEW_ID_IN_XREAD = "ERR The > ID can be specified only when calling XREADGROUP using the \
                       GROUP <group> <consumer> option.";
    MISSING_GROUP = "ERR Missing GROUP option for XREADGROUP";
    DOLLAR_IN_XREADGROUP = "ERR The $ ID is meaningless in the context of XREADGROUP: you want to \
                            read the history of this consumer by specifying a proper ID, or use \
                            the > ID to get new messages. The $ ID would just return an empty \
                            result set.";
    PLUS_IN_XREADGROUP = "ERR The + ID is meaningless in the context of XREADGROUP: you want to \
                          read the history of this consumer by specifying a proper ID, or use \
                          the > ID to get new messages. The + ID would just return an empty \
                          result set.";
    KEY_REQUIRED = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you \
                    may want to use the MKSTREAM option to create an empty stream automatically.";
    BUSY_GROUP = "BUSYGROUP Consumer Group name already exists";
    ENTRIESREAD_NEGATIVE = "ERR value for ENTRIESREAD must be positive or -1";
    ENTRIESADDED_NEGATIVE = "ERR entries_added must be positive";
    SETID_BELOW_GIVEN_DELETED =
        "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
    SETID_BELOW_DELETED =
        "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
    SETID_BELOW_TOP =
        "ERR The ID specified in XSETID is smaller than the target stream top item";
    SETID_ADDED_BELOW_LEN =
        "ERR The entries_added specified in XSETID is smaller than the target stream length";
    XCLAIM_MIN_IDLE = "ERR Invalid min-idle-time argument for XCLAIM";
    XCLAIM_IDLE = "ERR Invalid IDLE option argument for XCLAIM";
    XCLAIM_TIME = "ERR Invalid TIME option argument for XCLAIM";
    XCLAIM_RETRYCOUNT = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
    XAUTOCLAIM_MIN_IDLE = "ERR Invalid min-idle-time argument for XAUTOCLAIM";
    XAUTOCLAIM_COUNT = "ERR COUNT must be > 0";
}

/// A text with what the client sent in it, up to the first zero byte of each.
fn with_words(parts: &[&[u8]]) -> CommandError {
    let shown: Vec<&[u8]> = parts.iter().map(|part| shown_up_to(part, usize::MAX)).collect();
    CommandError::made(shown.concat())
}

/// No such key, or no such group in it.
pub(super) fn no_group(key: &[u8], group: &[u8]) -> CommandError {
    with_words(&[b"NOGROUP No such key '", key, b"' or consumer group '", group, b"'"])
}

/// The same for `XREADGROUP`.
pub(super) fn no_group_to_read(key: &[u8], group: &[u8]) -> CommandError {
    let tail = b"' in XREADGROUP with GROUP option";
    with_words(&[b"NOGROUP No such key '", key, b"' or consumer group '", group, tail])
}

/// The key is there, the group is not.
pub(super) fn no_group_in_key(key: &[u8], group: &[u8]) -> CommandError {
    with_words(&[b"NOGROUP No such consumer group '", group, b"' for key name '", key, b"'"])
}

/// `XCLAIM` with an option that it does not know.
pub(super) fn unrecognized_claim_option(option: &[u8]) -> CommandError {
    with_words(&[b"ERR Unrecognized XCLAIM option '", option, b"'"])
}

/// `STREAMS` without an id for every key.
pub(super) fn unbalanced(name: &str, what: &str) -> CommandError {
    CommandError::made(format!(
        "ERR Unbalanced '{name}' list of streams: for each stream key an {what} must be specified."
    ))
}

/// A subcommand that was given what it does not take. `subcommand` is as the client wrote it.
pub(super) fn subcommand_syntax(container: &str, subcommand: &[u8]) -> CommandError {
    let mut text = b"ERR unknown subcommand or wrong number of arguments for '".to_vec();
    text.extend_from_slice(shown_up_to(subcommand, 128));
    text.extend_from_slice(format!("'. Try {container} HELP.").as_bytes());
    CommandError::made(text)
}
