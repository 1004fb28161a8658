//! A server that breaks one promise on purpose, to show that a test would notice.
//!
//! It speaks RESP2 on loopback, one thread per connection around one locked [`State`]; with
//! [`Fault::None`] it is correct, with any other fault it commits the mistake that a sharded server
//! is prone to. Its mistakes last as long as [`GAP`], so that others have time to see them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use super::model::{Action, Bytes, ClientId, Cmd, Db, Replace, State, bytes};
use crate::client::Reply;
use crate::wait::pause;

/// How long the server dwells in a state that nobody should see.
const GAP: Duration = Duration::from_micros(50);

/// Shards between which [`Fault::ShardOrder`] forgets the order of a pipeline.
const SHARDS: usize = 4;

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// MSET writes key by key.
    TornMSet,
    /// MGET reads key by key.
    TornMGet,
    /// RENAME takes the value away before it puts it back.
    HalfRename,
    /// EXEC runs its commands one by one.
    HalfExec,
    /// EXEC does not care what was watched.
    BlindWatch,
    /// EXEC with a watch fails now and then for no reason.
    NeedlessAbort,
    /// INCR and its like read, and later write.
    LostUpdate,
    /// Each connection reads from a copy that is refreshed from time to time.
    StaleRead,
    /// A write is answered before it is done.
    EarlyReply,
    /// The requests of a pipeline are done shard by shard, in order only within each.
    ShardOrder,
    /// FLUSHALL removes key by key.
    TornFlush,
    /// SWAPDB exchanges key by key.
    TornSwap,
    /// LPOP and BLPOP look, and later take.
    TornPop,
}

/// The running server.
pub struct FaultyServer {
    addr: SocketAddrV4,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl FaultyServer {
    /// Starts it on a free port.
    pub fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port");
        let SocketAddr::V4(addr) = listener.local_addr().expect("a bound address") else {
            panic!("bound to IPv4, got IPv6");
        };
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let state = Arc::new(Mutex::new(State::default()));
        let ids = AtomicU16::new(0);
        let accept = move || {
            while let Ok((socket, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let id = ids.fetch_add(1, Ordering::SeqCst);
                let session = Session::new(fault, id, state.clone());
                // Ends with its client.
                std::thread::spawn(move || session.serve(socket));
            }
        };
        Self { addr, stop, accepting: Some(std::thread::spawn(accept)) }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddrV4 {
        self.addr
    }
}

impl Drop for FaultyServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let woken = TcpStream::connect(self.addr);
        if let (Ok(_), Some(accepting)) = (woken, self.accepting.take()) {
            // A panic there has been printed, and whatever was tested has failed by it.
            let _ended = accepting.join();
        }
    }
}

/// One connection.
struct Session {
    fault: Fault,
    id: ClientId,
    state: Arc<Mutex<State>>,
    db: Db,
    queue: Option<Vec<Cmd>>,
    /// What [`Fault::StaleRead`] reads, and how many reads it is old.
    copy: (State, u32),
    /// What [`Fault::EarlyReply`] still has to do.
    late: Vec<(Db, Cmd)>,
    /// EXECs with a watch, for [`Fault::NeedlessAbort`].
    execs: u32,
}

impl Session {
    fn new(fault: Fault, id: ClientId, state: Arc<Mutex<State>>) -> Self {
        let (copy, late) = ((State::default(), 0), Vec::new());
        Self { fault, id, state, db: 0, queue: None, copy, late, execs: 0 }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no session panics while it holds the state")
    }

    fn serve(mut self, mut socket: TcpStream) {
        // Whatever ends the connection ends the session: its client sees it closed.
        let _ended = self.serve_until_closed(&mut socket);
        self.state().act(self.id, self.db, &Action::Unwatch);
    }

    fn serve_until_closed(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let mut input = Vec::new();
        let mut chunk = [0; 16 * 1024];
        loop {
            let n = socket.read(&mut chunk)?;
            if n == 0 {
                return Ok(());
            }
            input.extend_from_slice(&chunk[..n]);
            let mut batch = Vec::new();
            while let Some((args, used)) = parse(&input) {
                input.drain(..used);
                batch.push(args);
            }
            let mut replies = vec![Reply::Null; batch.len()];
            for i in self.order(&batch) {
                replies[i] = self.answer(&batch[i]);
                if self.fault == Fault::ShardOrder && batch.len() > 1 {
                    pause(GAP);
                }
            }
            let mut out = Vec::new();
            replies.iter().for_each(|reply| write_reply(&mut out, reply));
            socket.write_all(&out)?;
            for (db, cmd) in std::mem::take(&mut self.late) {
                pause(GAP);
                self.state().run(db, &cmd);
            }
        }
    }

    /// The order in which a batch is done.
    fn order(&self, batch: &[Vec<Bytes>]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..batch.len()).collect();
        let shards: Option<Vec<usize>> = batch
            .iter()
            .map(|args| match command(args)?.keys()?.as_slice() {
                [key] => Some(key.iter().map(|b| usize::from(*b)).sum::<usize>() % SHARDS),
                _ => None,
            })
            .collect();
        if let (Fault::ShardOrder, Some(shards)) = (self.fault, shards) {
            order.sort_by_key(|&i| shards[i]);
        }
        order
    }

    fn answer(&mut self, args: &[Bytes]) -> Reply {
        match (args[0].as_ref(), &args[1..]) {
            (b"PING", _) => Reply::Simple(b"PONG".to_vec()),
            (b"SELECT", [db]) => {
                self.db = if db.as_ref() == b"1" { 1 } else { 0 };
                Reply::ok()
            }
            (b"MULTI", _) => {
                self.queue = Some(Vec::new());
                Reply::ok()
            }
            (b"EXEC", _) => self.exec(),
            (b"WATCH", _) if self.fault == Fault::BlindWatch => Reply::ok(),
            (b"WATCH", keys) => self.state().act(self.id, self.db, &Action::Watch(keys.to_vec())),
            (b"UNWATCH", _) => self.state().act(self.id, self.db, &Action::Unwatch),
            _ => match (command(args), &mut self.queue) {
                (None, _) => Reply::error("ERR unknown command"),
                (Some(cmd), Some(queue)) => {
                    queue.push(cmd);
                    Reply::Simple(b"QUEUED".to_vec())
                }
                (Some(cmd), None) => self.run(&cmd),
            },
        }
    }

    fn exec(&mut self) -> Reply {
        let Some(queue) = self.queue.take() else { return Reply::error("ERR EXEC without MULTI") };
        let watching = self.state().watches(self.id);
        self.execs += u32::from(watching);
        if watching && self.fault == Fault::NeedlessAbort && self.execs.is_multiple_of(8) {
            self.state().act(self.id, self.db, &Action::Unwatch);
            return Reply::NullArray;
        }
        if self.fault != Fault::HalfExec {
            return self.state().act(self.id, self.db, &Action::Exec(queue));
        }
        let empty = Action::Exec(Vec::new());
        if self.state().act(self.id, self.db, &empty) == Reply::NullArray {
            return Reply::NullArray;
        }
        let one = |cmd| {
            pause(GAP);
            self.state().run(self.db, cmd)
        };
        Reply::Array(queue.iter().map(one).collect())
    }

    fn run(&mut self, cmd: &Cmd) -> Reply {
        let db = self.db;
        match (self.fault, cmd) {
            (Fault::TornMSet, Cmd::MSet(pairs)) => {
                for (key, value) in pairs {
                    self.state().put(db, key, value.clone());
                    pause(GAP);
                }
                Reply::ok()
            }
            (Fault::TornMGet, Cmd::MGet(keys)) => {
                let one = |key: &Bytes| {
                    pause(GAP);
                    self.state().run(db, &Cmd::Get(key.clone()))
                };
                Reply::Array(keys.iter().map(one).collect())
            }
            (Fault::HalfRename, Cmd::Rename(from, to)) => {
                let taken = self.state().remove(db, from);
                let Some(value) = taken else { return Reply::error("ERR no such key") };
                pause(GAP);
                self.state().put(db, to, value);
                Reply::ok()
            }
            (Fault::LostUpdate, Cmd::IncrBy(key, _)) => {
                let mut copy = self.state().clone();
                let reply = copy.run(db, cmd);
                pause(GAP);
                if let (Reply::Int(_), Some(value)) = (&reply, copy.get(db, key)) {
                    self.state().put(db, key, value.clone());
                }
                reply
            }
            (Fault::StaleRead, Cmd::Get(_)) => {
                if self.copy.1.is_multiple_of(5) {
                    let now = self.state().clone();
                    self.copy.0 = now;
                }
                self.copy.1 += 1;
                self.copy.0.run(db, cmd)
            }
            (Fault::EarlyReply, Cmd::Set(..) | Cmd::MSet(_)) => {
                self.late.push((db, cmd.clone()));
                Reply::ok()
            }
            (Fault::TornPop, Cmd::LPop(_) | Cmd::BLPop(_)) => {
                let seen = self.state().clone().run(db, cmd);
                pause(GAP);
                self.state().run(db, cmd);
                seen
            }
            (Fault::TornFlush, Cmd::FlushAll) => self.torn_flush(),
            (Fault::TornSwap, Cmd::SwapDb) => self.torn_swap(),
            _ => self.state().run(db, cmd),
        }
    }

    fn torn_flush(&self) -> Reply {
        for db in [0, 1] {
            let keys = self.state().keys(db);
            for key in keys {
                self.state().remove(db, &key);
                pause(GAP);
            }
        }
        Reply::ok()
    }

    fn torn_swap(&self) -> Reply {
        let mut keys = self.state().keys(0);
        keys.extend(self.state().keys(1));
        keys.sort();
        keys.dedup();
        for key in keys {
            let mut state = self.state();
            for (db, value) in [(1, state.remove(0, &key)), (0, state.remove(1, &key))] {
                if let Some(value) = value {
                    state.put(db, &key, value);
                }
            }
            drop(state);
            pause(GAP);
        }
        Reply::ok()
    }
}

/// The command of a request; `None` if this server does not know it.
fn command(args: &[Bytes]) -> Option<Cmd> {
    let (name, rest) = args.split_first()?;
    let number = |text: &Bytes| std::str::from_utf8(text).ok()?.parse::<i64>().ok();
    let pairs = |list: &[Bytes]| {
        list.chunks_exact(2).map(|p| (p[0].clone(), p[1].clone())).collect::<Vec<_>>()
    };
    Some(match (name.as_ref(), rest) {
        (b"GET", [k]) => Cmd::Get(k.clone()),
        (b"STRLEN", [k]) => Cmd::Strlen(k.clone()),
        (b"EXISTS", keys) => Cmd::Exists(keys.to_vec()),
        (b"MGET", keys) => Cmd::MGet(keys.to_vec()),
        (b"DBSIZE", []) => Cmd::DbSize,
        (b"KEYS", [_]) => Cmd::Keys,
        (b"SET", [k, v]) => Cmd::Set(k.clone(), v.clone()),
        (b"SETNX", [k, v]) => Cmd::SetNx(k.clone(), v.clone()),
        (b"GETSET", [k, v]) => Cmd::GetSet(k.clone(), v.clone()),
        (b"GETDEL", [k]) => Cmd::GetDel(k.clone()),
        (b"APPEND", [k, v]) => Cmd::Append(k.clone(), v.clone()),
        (b"INCR", [k]) => Cmd::IncrBy(k.clone(), 1),
        (b"INCRBY", [k, n]) => Cmd::IncrBy(k.clone(), number(n)?),
        (b"DECRBY", [k, n]) => Cmd::IncrBy(k.clone(), -number(n)?),
        (b"DEL", keys) => Cmd::Del(keys.to_vec()),
        (b"UNLINK", keys) => Cmd::Unlink(keys.to_vec()),
        (b"MSET", list) => Cmd::MSet(pairs(list)),
        (b"MSETNX", list) => Cmd::MSetNx(pairs(list)),
        (b"RENAME", [a, b]) => Cmd::Rename(a.clone(), b.clone()),
        (b"RENAMENX", [a, b]) => Cmd::RenameNx(a.clone(), b.clone()),
        (b"COPY", [a, b]) => Cmd::Copy(a.clone(), b.clone(), Replace::No),
        (b"COPY", [a, b, _]) => Cmd::Copy(a.clone(), b.clone(), Replace::Yes),
        (b"FLUSHDB", []) => Cmd::FlushDb,
        (b"FLUSHALL", []) => Cmd::FlushAll,
        (b"SWAPDB", [_, _]) => Cmd::SwapDb,
        (b"RPUSH", [k, elements @ ..]) => Cmd::RPush(k.clone(), elements.to_vec()),
        (b"LPOP", [k]) => Cmd::LPop(k.clone()),
        (b"LRANGE", [k, _, _]) => Cmd::LRange(k.clone()),
        (b"BLPOP", [keys @ .., _]) => Cmd::BLPop(keys.to_vec()),
        (b"BLMOVE", [a, b, _, _, _]) => Cmd::BLMove(a.clone(), b.clone()),
        _ => return None,
    })
}

/// The first request of the input and its length, if it is complete. Only well-formed clients
/// come here.
fn parse(input: &[u8]) -> Option<(Vec<Bytes>, usize)> {
    let mut at = 0;
    let number = |at: &mut usize| {
        let end = *at + memchr::memmem::find(&input[*at..], b"\r\n")?;
        let text = std::str::from_utf8(&input[*at + 1..end]).ok()?;
        *at = end + 2;
        text.parse::<usize>().ok()
    };
    let count = number(&mut at)?;
    let mut args = Vec::with_capacity(count);
    for _ in 0..count {
        let len = number(&mut at)?;
        args.push(bytes(input.get(at..at + len)?));
        at += len + 2;
    }
    (at <= input.len()).then_some((args, at))
}

fn write_reply(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Simple(text) => out.extend([b"+", text.as_slice(), b"\r\n"].concat()),
        Reply::Error(text) => out.extend([b"-", text.as_slice(), b"\r\n"].concat()),
        Reply::Int(n) => out.extend(format!(":{n}\r\n").into_bytes()),
        Reply::Bulk(text) => {
            out.extend(format!("${}\r\n", text.len()).into_bytes());
            out.extend([text.as_slice(), b"\r\n"].concat());
        }
        Reply::NullBulk => out.extend(b"$-1\r\n"),
        Reply::NullArray => out.extend(b"*-1\r\n"),
        Reply::Array(items) => {
            out.extend(format!("*{}\r\n", items.len()).into_bytes());
            items.iter().for_each(|item| write_reply(out, item));
        }
        other => panic!("the model never answers {other}"),
    }
}
