//! XGROUP: consumer groups and their consumers.

use super::super::error::CommandError;
use super::super::{Args, CommandResult, Effect, Fate, Key, SessionContext, Write, help};
use super::{CREATE_CONSUMER, errors, ids};
use crate::keyspace::Event;
use crate::resp::Writer;
use crate::value::stream::{GroupMut, Stream};

const CREATE: Event = Event::stream("xgroup-create");
const SETID: Event = Event::stream("xgroup-setid");
const DESTROY: Event = Event::stream("xgroup-destroy");
const DELCONSUMER: Event = Event::stream("xgroup-delconsumer");

/// The options of CREATE and SETID.
#[derive(Default)]
struct Options {
    mkstream: bool,
    /// ENTRIESREAD, unless it is -1.
    read: Option<i64>,
}

impl Options {
    fn read(args: Args<'_>, takes_mkstream: bool) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut at = 5;
        while at < args.len() {
            if takes_mkstream && args.is(at, "MKSTREAM") {
                options.mkstream = true;
                at += 1;
            } else if args.is(at, "ENTRIESREAD") && at + 1 < args.len() {
                options.read = match args.integer(at + 1)? {
                    -1 => None,
                    ..0 => return Err(errors::ENTRIESREAD_NEGATIVE),
                    read => Some(read),
                };
                at += 2;
            } else {
                return Err(errors::subcommand_syntax("XGROUP", &args[1]));
            }
        }
        Ok(options)
    }
}

/// Fails unless there is a stream at the key.
fn require_stream(cx: &mut Write<'_>, key: &Key<'_>) -> CommandResult {
    match cx.read_as::<Stream>(key)? {
        Some(_) => Ok(()),
        None => Err(errors::KEY_REQUIRED),
    }
}

/// Lets `change` work on a group, which must be there.
fn edit_group<R>(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    group: &[u8],
    change: impl FnOnce(GroupMut<'_>) -> Result<R, CommandError>,
) -> Result<R, CommandError> {
    let edited = cx.edit(key, |stream: &mut Stream| match stream.group_mut(group) {
        Some(group) => change(group),
        None => Err(errors::no_group_in_key(key.bytes, group)),
    })?;
    edited.ok_or(errors::KEY_REQUIRED)?.result
}

/// XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read]
pub(super) fn create(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let options = Options::read(args, true)?;
    let key = args.key(2);
    if !options.mkstream {
        require_stream(cx, &key)?;
    } else {
        cx.read_as::<Stream>(&key)?;
    }
    if args.len() > 8 {
        return Err(errors::subcommand_syntax("XGROUP", &args[1]));
    }
    let given = match &args[4] {
        b"$" => None,
        text => Some(ids::strict(text, 0)?),
    };
    let edited = cx.edit_or_create(&key, |stream: &mut Stream| {
        let last_id = given.unwrap_or(stream.log().last_id());
        stream.create_group(&args[3], last_id, options.read)
    })?;
    let is_new_key = edited.fate == Fate::Created;
    if !edited.result {
        return Err(errors::BUSY_GROUP);
    }
    if is_new_key {
        cx.changed(&key, CREATE, Effect::Verbatim(args));
    } else {
        cx.noted(&key, Some(CREATE), Effect::Verbatim(args));
    }
    out.ok();
    Ok(())
}

/// XGROUP SETID key group id | $ [ENTRIESREAD entries-read]
pub(super) fn setid(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let options = Options::read(args, false)?;
    let key = args.key(2);
    edit_group(cx, &key, &args[3], |mut group| {
        if args.len() != 5 && args.len() != 7 {
            return Err(errors::subcommand_syntax("XGROUP", &args[1]));
        }
        let last_id = match &args[4] {
            b"$" => group.log().last_id(),
            text => ids::lenient(text, 0)?,
        };
        group.set_position(last_id, options.read);
        Ok(())
    })?;
    cx.noted(&key, Some(SETID), Effect::Verbatim(args));
    out.ok();
    Ok(())
}

/// XGROUP DESTROY key group
pub(super) fn destroy(cx: &mut Write<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let key = args.key(2);
    let edited = cx.edit(&key, |stream: &mut Stream| stream.remove_group(&args[3]))?;
    let removed = edited.ok_or(errors::KEY_REQUIRED)?.result;
    if removed {
        cx.noted(&key, Some(DESTROY), Effect::Verbatim(args));
    }
    out.int(i64::from(removed));
    Ok(())
}

/// XGROUP CREATECONSUMER key group consumer
pub(super) fn createconsumer(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let (key, now_ms) = (args.key(2), cx.now_ms());
    let created = edit_group(cx, &key, &args[3], |mut group| {
        let is_new = group.find_consumer(&args[4]).is_none();
        if is_new {
            group.create_consumer(&args[4], now_ms);
        }
        Ok(is_new)
    })?;
    if created {
        cx.noted(&key, Some(CREATE_CONSUMER), Effect::Verbatim(args));
    }
    out.int(i64::from(created));
    Ok(())
}

/// XGROUP DELCONSUMER key group consumer
pub(super) fn delconsumer(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let key = args.key(2);
    let removed = edit_group(cx, &key, &args[3], |mut group| {
        let consumer = group.find_consumer(&args[4]);
        Ok(consumer.map(|consumer| group.remove_consumer(consumer)))
    })?;
    if removed.is_some() {
        cx.noted(&key, Some(DELCONSUMER), Effect::Verbatim(args));
    }
    out.int(removed.unwrap_or(0) as i64);
    Ok(())
}

/// XGROUP HELP
pub(super) fn help(_: &mut SessionContext<'_>, _: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    const LINES: &[&str] = &[
        "CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD <entries_read>]",
        "    Creates a group that starts behind the given ID, or behind all entries.",
        "CREATECONSUMER <key> <groupname> <consumer>",
        "    Creates a consumer of a group.",
        "DELCONSUMER <key> <groupname> <consumer>",
        "    Deletes a consumer and what is pending with it.",
        "DESTROY <key> <groupname>",
        "    Deletes a group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD <entries_read>]",
        "    Sets up to where a group has read.",
    ];
    help::write(out, "XGROUP", LINES);
    Ok(())
}
