//! XREAD and XREADGROUP.
//!
//! A request is parsed, its ids are resolved against the streams as they are ([`Request::resolve`]:
//! `$` and `+` mean what they mean at that moment, and keys and groups are checked), and then the
//! streams are read ([`read`], [`read_group`]), which writes a reply only if there is something to
//! give. A client that waits keeps the resolved ids and reads again when a key changes.

use super::super::error::CommandError;
use super::super::{Args, Block, CommandResult, Effect, Key, Read, Write};
use super::{CREATE_CONSUMER, Delivery, errors, ids, reply, state_delivery};
use crate::keyspace::WaitFor;
use crate::resp::{Deferred, Proto, Writer};
use crate::value::stream::{ConsumerId, GroupMut, Pending, Stream, StreamId};

/// Which of the two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Read,
    ReadGroup,
}

/// What XREAD or XREADGROUP was asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::command) struct Request {
    /// Most entries of each stream; 0 for all.
    count: u64,
    /// BLOCK: when to give up, in milliseconds of Unix time, or never. `None` if it is not to wait.
    waits_until: Option<Option<i64>>,
    /// Where the group's name stands; the consumer's follows.
    group_at: usize,
    noack: bool,
    /// Where the first key stands; the first id is `streams` further on.
    first_key: usize,
    streams: usize,
}

/// From where on a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::command) enum Position {
    /// Entries with greater ids; for a group: its consumer's pending ones.
    After(StreamId),
    /// `>`: what the group has not delivered yet.
    New,
}

impl Request {
    /// Reads the options.
    fn read(cx: &Read<'_>, args: Args<'_>, form: Form) -> Result<Request, CommandError> {
        let mut request = Request {
            count: 0,
            waits_until: None,
            group_at: 0,
            noack: false,
            first_key: 0,
            streams: 0,
        };
        let mut at = 1;
        while at < args.len() {
            let more = args.len() - at - 1;
            if args.is(at, "BLOCK") && more >= 1 {
                request.waits_until = Some(cx.deadline_after_ms(args, at + 1)?);
                at += 2;
            } else if args.is(at, "COUNT") && more >= 1 {
                request.count = args.integer(at + 1)?.max(0) as u64;
                at += 2;
            } else if args.is(at, "STREAMS") && more >= 1 {
                if !more.is_multiple_of(2) {
                    return Err(match form {
                        Form::Read => errors::unbalanced("xread", "ID or '$'"),
                        Form::ReadGroup => errors::unbalanced("xreadgroup", "ID or '>'"),
                    });
                }
                (request.first_key, request.streams) = (at + 1, more / 2);
                break;
            } else if args.is(at, "GROUP") && more >= 2 {
                if form == Form::Read {
                    return Err(errors::GROUP_IN_XREAD);
                }
                request.group_at = at + 1;
                at += 3;
            } else if args.is(at, "NOACK") {
                if form == Form::Read {
                    return Err(errors::NOACK_IN_XREAD);
                }
                request.noack = true;
                at += 1;
            } else {
                return Err(CommandError::SYNTAX);
            }
        }
        if request.streams == 0 {
            return Err(CommandError::SYNTAX);
        }
        if form == Form::ReadGroup && request.group_at == 0 {
            return Err(errors::MISSING_GROUP);
        }
        Ok(request)
    }

    /// The request of an XREAD.
    pub(in crate::command) fn of_xread(
        cx: &Read<'_>,
        args: Args<'_>,
    ) -> Result<Request, CommandError> {
        Request::read(cx, args, Form::Read)
    }

    /// The request of an XREADGROUP.
    pub(in crate::command) fn of_xreadgroup(
        cx: &Read<'_>,
        args: Args<'_>,
    ) -> Result<Request, CommandError> {
        Request::read(cx, args, Form::ReadGroup)
    }

    /// There is nothing to give: waits, if it shall and may. Where `$` stood then, there stands the
    /// id that it meant now; `+` goes on to mean the last entry that there is.
    fn wait_or_null(
        &self,
        cx: &mut Read<'_>,
        args: Args<'_>,
        positions: &[Position],
        out: &mut Writer<'_>,
    ) {
        let Some(until_ms) = self.waits_until.filter(|_| cx.may_block()) else {
            return out.null_array();
        };
        let first_id = self.first_key + self.streams;
        let resolved = positions.iter().enumerate().filter_map(|(stream, position)| {
            let Position::After(id) = position else { return None };
            let goes_on = &args[first_id + stream] == b"+";
            (!goes_on).then(|| (first_id + stream, id.text().as_bytes().to_vec()))
        });
        let keys = self.first_key..first_id;
        let mut block = Block::on_any(keys, WaitFor::Stream, until_ms).needing_all();
        block.replaced = resolved.collect();
        // A group's consumer is told when the group is gone.
        block.even_if_gone = self.group_at > 0;
        cx.block(block);
    }

    /// The key of a stream.
    fn key<'a>(&self, args: Args<'a>, stream: usize) -> Key<'a> {
        args.key(self.first_key + stream)
    }

    /// Checks keys and groups, and makes positions of the ids.
    pub(in crate::command) fn resolve(
        &self,
        cx: &mut Read<'_>,
        args: Args<'_>,
    ) -> Result<Vec<Position>, CommandError> {
        (0..self.streams).map(|stream| self.resolve_one(cx, args, stream)).collect()
    }

    fn resolve_one(
        &self,
        cx: &mut Read<'_>,
        args: Args<'_>,
        stream: usize,
    ) -> Result<Position, CommandError> {
        let key = self.key(args, stream);
        let found = cx.read_as::<Stream>(&key)?;
        let text = &args[self.first_key + self.streams + stream];
        if self.group_at > 0 {
            let group = &args[self.group_at];
            if found.is_none_or(|stream| stream.group(group).is_none()) {
                return Err(errors::no_group_to_read(key.bytes, group));
            }
            return match text {
                b"$" => Err(errors::DOLLAR_IN_XREADGROUP),
                b"+" => Err(errors::PLUS_IN_XREADGROUP),
                b">" => Ok(Position::New),
                // As in Redis, the greatest id means the same.
                text => ids::strict(text, 0).map(|id| match id {
                    StreamId::MAX => Position::New,
                    id => Position::After(id),
                }),
            };
        }
        let log = found.map(Stream::log);
        let after = match text {
            b"$" => log.map_or(StreamId::MIN, |log| log.last_id()),
            // The last entry: as in Valkey, by the last id that was given, be it there or not.
            b"+" => {
                let last = log.filter(|log| !log.is_empty()).map(|log| log.last_id());
                last.and_then(StreamId::prev).unwrap_or(StreamId::MIN)
            }
            b">" => return Err(errors::NEW_ID_IN_XREAD),
            text => ids::strict(text, 0)?,
        };
        Ok(Position::After(after))
    }
}

/// XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key …] id [id …]
pub(super) fn xread(cx: &mut Read<'_>, args: Args<'_>, out: &mut Writer<'_>) -> CommandResult {
    let request = Request::of_xread(cx, args)?;
    let positions = request.resolve(cx, args)?;
    if !read(cx, args, &request, &positions, out)? {
        request.wait_or_null(cx, args, &positions, out);
    }
    Ok(())
}

/// XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key …]
/// id [id …]
pub(super) fn xreadgroup(
    cx: &mut Write<'_>,
    args: Args<'_>,
    out: &mut Writer<'_>,
) -> CommandResult {
    let request = Request::of_xreadgroup(cx, args)?;
    let positions = request.resolve(cx, args)?;
    if !read_group(cx, args, &request, &positions, out)? {
        request.wait_or_null(cx, args, &positions, out);
    }
    Ok(())
}

/// The reply of both commands: the streams that have something, each with its entries.
struct Served {
    head: Option<Deferred>,
    streams: usize,
}

impl Served {
    const NOTHING: Served = Served { head: None, streams: 0 };

    /// Begins the part of a stream.
    fn begin(&mut self, out: &mut Writer<'_>, key: &Key<'_>) {
        if self.head.is_none() {
            self.head = Some(out.deferred_map());
        }
        self.streams += 1;
        if out.proto() == Proto::Resp2 {
            out.array(2);
        }
        out.bulk(key.bytes);
    }

    /// Ends the reply. False, and nothing is written, if no stream had anything.
    fn finish(self, out: &mut Writer<'_>) -> bool {
        let Some(head) = self.head else { return false };
        match out.proto() {
            Proto::Resp2 => out.finish_array(head, self.streams),
            Proto::Resp3 => out.finish_map(head, self.streams),
        }
        true
    }
}

/// Reads streams from the given positions, in the order of the keys. False, and nothing is
/// written, if there is nothing to give.
pub(in crate::command) fn read(
    cx: &mut Read<'_>,
    args: Args<'_>,
    request: &Request,
    positions: &[Position],
    out: &mut Writer<'_>,
) -> Result<bool, CommandError> {
    let mut served = Served::NOTHING;
    for (stream, &position) in positions.iter().enumerate() {
        let key = request.key(args, stream);
        let Some(stream) = cx.read_as::<Stream>(&key)? else { continue };
        let Position::After(after) = position else { continue };
        let log = stream.log();
        let Some(start) = after.next().filter(|start| *start <= log.last_id()) else { continue };
        let mut entries = log.range(start, StreamId::MAX).peekable();
        if entries.peek().is_some() {
            served.begin(out, &key);
            reply::entries(out, entries, request.count);
        }
    }
    Ok(served.finish(out))
}

/// What reading one stream for a group did.
struct GroupRead {
    /// The consumer is new.
    created: bool,
    /// What was given to it, if effects are recorded.
    deliveries: Vec<Delivery>,
    /// The group's position moved.
    moved: bool,
    last_id: StreamId,
    read: Option<i64>,
}

/// As [`read`], for a consumer of a group: what it is given becomes pending, and the effects are
/// stated, all as one unit.
pub(in crate::command) fn read_group(
    cx: &mut Write<'_>,
    args: Args<'_>,
    request: &Request,
    positions: &[Position],
    out: &mut Writer<'_>,
) -> Result<bool, CommandError> {
    cx.together(|cx| read_each_for_group(cx, args, request, positions, out))
}

fn read_each_for_group(
    cx: &mut Write<'_>,
    args: Args<'_>,
    request: &Request,
    positions: &[Position],
    out: &mut Writer<'_>,
) -> Result<bool, CommandError> {
    let (group_name, consumer_name) = (&args[request.group_at], &args[request.group_at + 1]);
    let (now_ms, is_recorded) = (cx.now_ms(), cx.is_recorded());
    let mut served = Served::NOTHING;
    for (stream, &position) in positions.iter().enumerate() {
        let key = request.key(args, stream);
        let edited = cx.edit(&key, |stream: &mut Stream| {
            let mut group = stream.group_mut(group_name)?;
            let known = group.find_consumer(consumer_name);
            let consumer = known.unwrap_or_else(|| group.create_consumer(consumer_name, now_ms));
            group.consumer_mut(consumer).seen_ms = now_ms;
            let mut reading = Reading {
                group: &mut group,
                consumer,
                request,
                now_ms,
                is_recorded,
                deliveries: Vec::new(),
            };
            let moved = match position {
                Position::New => reading.new_entries(out, &mut served, &key),
                Position::After(after) => {
                    served.begin(out, &key);
                    reading.history(out, after);
                    false
                }
            };
            let deliveries = reading.deliveries;
            let (last_id, read) = (group.last_id(), group.read());
            Some(GroupRead { created: known.is_none(), deliveries, moved, last_id, read })
        })?;
        if let Some(done) = edited.and_then(|edited| edited.result) {
            state(cx, &key, group_name, consumer_name, done);
        }
    }
    Ok(served.finish(out))
}

/// One stream being read for a consumer.
struct Reading<'r, 's> {
    group: &'r mut GroupMut<'s>,
    consumer: ConsumerId,
    request: &'r Request,
    now_ms: i64,
    is_recorded: bool,
    deliveries: Vec<Delivery>,
}

impl Reading<'_, '_> {
    /// Gives what the group has not delivered yet. True if that was something.
    fn new_entries(&mut self, out: &mut Writer<'_>, served: &mut Served, key: &Key<'_>) -> bool {
        let log = self.group.log();
        let last_id = self.group.last_id();
        let Some(start) = last_id.next().filter(|start| *start <= log.last_id()) else {
            return false;
        };
        let mut entries = log.range(start, StreamId::MAX).peekable();
        if entries.peek().is_none() {
            return false;
        }
        served.begin(out, key);
        let count = self.request.count;
        let entries = entries.inspect(|entry| {
            self.group.read_up_to(log, entry.id);
            if !self.request.noack {
                self.deliver(entry.id, 1);
            }
        });
        reply::entries(out, entries, count);
        true
    }

    /// Gives what is pending with the consumer after an id, once more.
    fn history(&mut self, out: &mut Writer<'_>, after: StreamId) {
        let log = self.group.log();
        let mut next = after.next();
        let list = out.deferred_array();
        let mut len = 0;
        while let Some(start) = next.filter(|_| self.request.count == 0 || len < self.request.count)
        {
            let own = self.group.pending_of(self.consumer, start..=StreamId::MAX).next();
            let Some((id, pending)) = own else { break };
            let deliveries = pending.deliveries;
            next = id.next();
            len += 1;
            if reply::entry_of(out, log, id) {
                self.redeliver(id, deliveries);
            } else {
                // It was removed without being acknowledged.
                out.array(2);
                reply::id(out, id);
                out.null_array();
            }
        }
        out.finish_array(list, len as usize);
    }

    /// An entry is given to the consumer, which is active.
    fn deliver(&mut self, id: StreamId, deliveries: i64) {
        self.group.consumer_mut(self.consumer).active_ms = Some(self.now_ms);
        self.assign(id, deliveries);
    }

    /// An entry is given to the consumer once more, which Redis does not take for activity.
    fn redeliver(&mut self, id: StreamId, deliveries: i64) {
        self.assign(id, deliveries.wrapping_add(1));
    }

    fn assign(&mut self, id: StreamId, deliveries: i64) {
        let pending = Pending { delivered_ms: self.now_ms, deliveries, consumer: self.consumer };
        self.group.assign(id, pending);
        if self.is_recorded {
            self.deliveries.push(Delivery { id, delivered_ms: self.now_ms, deliveries });
        }
    }
}

/// States what reading did: the deliveries as claims, the group's position on its own, since claims
/// do not carry the number of entries read.
fn state(cx: &mut Write<'_>, key: &Key<'_>, group: &[u8], consumer: &[u8], done: GroupRead) {
    if done.created {
        let effect: &[&[u8]] = &[b"XGROUP", b"CREATECONSUMER", key.bytes, group, consumer];
        cx.noted(key, Some(CREATE_CONSUMER), Effect::Rewrite(effect));
    }
    for delivery in &done.deliveries {
        state_delivery(cx, key, (group, consumer), delivery, done.last_id);
    }
    if done.moved {
        state_position(cx, key, group, done.last_id, done.read);
    }
}

/// States up to where a group has read.
pub(super) fn state_position(
    cx: &mut Write<'_>,
    key: &Key<'_>,
    group: &[u8],
    last_id: StreamId,
    read: Option<i64>,
) {
    let (id, mut digits) = (last_id.text(), itoa::Buffer::new());
    let read = digits.format(read.unwrap_or(-1)).as_bytes();
    let effect: &[&[u8]] =
        &[b"XGROUP", b"SETID", key.bytes, group, id.as_bytes(), b"ENTRIESREAD", read];
    cx.noted(key, None, Effect::Rewrite(effect));
}
