//! Keys that move: RENAME, RENAMENX, COPY, MOVE.
//!
//! An entry moves as it is, from box to box if need be: its value is not copied, but for the few
//! bytes of a short string. Expiry and access go with it.

use super::{ONE_KEY, object};
use crate::command::spec::{Arg, ArgKind, Categories, Command, Group, KeySpec};
use crate::command::{Args, CommandError, CommandResult, Effect, Key, Write};
use crate::keyspace::{DbIndex, Event, OwnedEntry};
use crate::resp::Writer;

/// What became of a request to move a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Moved,
    /// There was something at the destination, which stays.
    Occupied,
}

/// Whether what is at the destination gives way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtDestination {
    Replace,
    Keep,
}

/// Whether a string is `raw` depends on its key's length as well; once it is, it stays so under a
/// shorter key.
fn keep_encoding(mut entry: OwnedEntry) -> OwnedEntry {
    if object::encoding(entry.get()) == "raw" {
        entry.mark_raw();
    }
    entry
}

fn rename_key(
    cx: &mut Write<'_>,
    args: Args<'_>,
    mode: AtDestination,
) -> Result<Outcome, CommandError> {
    let (from, to) = (args.key(1), args.key(2));
    let db = cx.db_index();
    if cx.peek(&from).is_none() {
        return Err(CommandError::NO_SUCH_KEY);
    }
    if from.bytes == to.bytes {
        return Ok(Outcome::Occupied);
    }
    if cx.peek(&to).is_some() {
        if mode == AtDestination::Keep {
            return Ok(Outcome::Occupied);
        }
        let lazy = cx.config().lazyfree_lazy_server_del;
        cx.remove(&to, lazy);
        // What RENAME replaces is not reported as deleted, and counts with the rename.
    }
    if let Some(entry) = cx.take_in(db, &from) {
        cx.put_in(db, &to, keep_encoding(entry));
    }
    cx.changed(&from, Event::RENAME_FROM, Effect::Verbatim(args));
    cx.changed(&to, Event::RENAME_TO, Effect::Covered);
    Ok(Outcome::Moved)
}

fn rename(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    rename_key(cx, args, AtDestination::Replace)?;
    out.ok();
    Ok(())
}

fn renamenx(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let outcome = rename_key(cx, args, AtDestination::Keep)?;
    out.int(i64::from(outcome == Outcome::Moved));
    Ok(())
}

fn copy(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let own_db = cx.db_index();
    let mut to_db = own_db;
    let mut mode = AtDestination::Keep;
    let mut at = 3;
    while at < args.len() {
        if args.is(at, "REPLACE") {
            mode = AtDestination::Replace;
        } else if args.is(at, "DB") && at + 1 < args.len() {
            to_db = cx.database_argument(args, at + 1)?;
            at += 1;
        } else {
            return Err(CommandError::SYNTAX);
        }
        at += 1;
    }
    let (from, to) = (args.key(1), args.key(2));
    if own_db == to_db && from.bytes == to.bytes {
        return Err(CommandError::SAME_OBJECT);
    }
    let copied = copy_key(cx, &from, &to, to_db, mode);
    if copied {
        cx.changed_in(to_db, &to, Event::COPY_TO, Effect::Verbatim(args));
    }
    out.int(i64::from(copied));
    Ok(())
}

fn copy_key(
    cx: &mut Write<'_>,
    from: &Key<'_>,
    to: &Key<'_>,
    to_db: DbIndex,
    mode: AtDestination,
) -> bool {
    let Some(entry) = cx.peek(from) else { return false };
    let entry = keep_encoding(entry.duplicate());
    if cx.peek_in(to_db, to).is_some() {
        if mode == AtDestination::Keep {
            return false;
        }
        let lazy = cx.config().lazyfree_lazy_server_del;
        cx.remove_in(to_db, to, lazy);
    }
    cx.put_in(to_db, to, entry);
    true
}

/// MOVE key db. Both places are in the same shard, since the key is the same.
fn move_key(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(1);
    let own_db = cx.db_index();
    let to_db = cx.database_argument(args, 2)?;
    if own_db == to_db {
        return Err(CommandError::SAME_OBJECT);
    }
    let moves = cx.peek(&key).is_some() && cx.peek_in(to_db, &key).is_none();
    if moves && let Some(entry) = cx.take_in(own_db, &key) {
        cx.put_in(to_db, &key, entry);
        cx.changed(&key, Event::MOVE_FROM, Effect::Verbatim(args));
        cx.changed_in(to_db, &key, Event::MOVE_TO, Effect::Covered);
    }
    out.int(i64::from(moves));
    Ok(())
}

/// The rows of the family.
pub const TABLE: &[Command] = &[
    Command::write("rename", 3, rename)
        .keys(const { &[KeySpec::one(1, "RW access delete"), KeySpec::one(2, "OW update")] })
        .categories(Categories::KEYSPACE)
        .args(const { &[ONE_KEY[0], Arg::new("newkey", ArgKind::Key(1))] })
        .docs(
            Group::Generic,
            "1.0.0",
            "Gives a key another name, in place of what has that name.",
            "O(1)",
        ),
    Command::write("renamenx", 3, renamenx)
        .keys(const { &[KeySpec::one(1, "RW access delete"), KeySpec::one(2, "OW insert")] })
        .fast()
        .categories(Categories::KEYSPACE)
        .args(const { &[ONE_KEY[0], Arg::new("newkey", ArgKind::Key(1))] })
        .history(const { &[("3.2.0", "The same name twice is no error any more.")] })
        .docs(Group::Generic, "1.0.0", "Gives a key another name if that is free.", "O(1)"),
    Command::write("copy", -3, copy)
        .keys(const { &[KeySpec::one(1, "RO access"), KeySpec::one(2, "OW update")] })
        .denyoom()
        .categories(Categories::KEYSPACE)
        .args(
            const {
                &[
                    Arg::new("source", ArgKind::Key(0)),
                    Arg::new("destination", ArgKind::Key(1)),
                    Arg::new("destination-db", ArgKind::Integer).with_token("DB").optional(),
                    Arg::token("replace", "REPLACE").optional(),
                ]
            },
        )
        .docs(
            Group::Generic,
            "6.2.0",
            "Copies a key's value to another key.",
            "O(1) for strings, O(N) for a collection of N elements at worst",
        ),
    Command::write("move", 3, move_key)
        .keys(const { &[KeySpec::one(1, "RW access update")] })
        .fast()
        .categories(Categories::KEYSPACE)
        .args(const { &[ONE_KEY[0], Arg::new("db", ArgKind::Integer)] })
        .docs(Group::Generic, "1.0.0", "Takes a key to another logical database.", "O(1)"),
];
