//! One server and the clients of a scene on it.

use std::time::Duration;

use super::super::family::Args;
use super::ACTORS;
use crate::client::{Client, Reply};
use crate::server::Server;
use crate::wait::wait_until;

/// What a server does at once is seen within this time.
const SOON: Duration = Duration::from_secs(10);

/// What came: of which client, and what.
pub type Arrival = (usize, Reply);

/// A client of the scene.
struct Actor {
    client: Client,
    /// Its CLIENT ID.
    id: i64,
    /// Whether a reply is due.
    waits: bool,
}

/// One server's half of a scene.
pub struct Stage {
    pub control: Client,
    actors: Vec<Actor>,
    server: Server,
}

fn enter(server: &Server, at: usize) -> Actor {
    // Every other one speaks RESP3.
    let mut client = if at.is_multiple_of(2) { server.client() } else { server.client3() };
    let id = client.run("CLIENT ID").int();
    Actor { client, id, waits: false }
}

impl Stage {
    pub fn new(server: Server) -> Stage {
        let actors = (0..ACTORS).map(|at| enter(&server, at)).collect();
        Stage { control: server.client(), actors, server }
    }

    /// Who waits.
    pub fn waits(&self) -> [bool; ACTORS] {
        std::array::from_fn(|at| self.actors[at].waits)
    }

    /// Sends a command; its reply is due from now on.
    pub fn say(&mut self, at: usize, args: &Args) {
        self.actors[at].client.send(args);
        self.actors[at].waits = true;
    }

    /// Waits until the key is gone in the database of this client, that has all of its replies.
    pub fn await_expiry(&mut self, at: usize, key: &[u8]) {
        let client = &mut self.actors[at].client;
        let gone = || client.cmd(&[b"EXISTS", key]) == Reply::Int(0);
        assert!(wait_until(SOON, gone), "a key does not expire");
    }

    /// CLIENT UNBLOCK.
    pub fn unblock(&mut self, at: usize, words: &Args) -> Reply {
        let mut command = vec![b"CLIENT".to_vec(), b"UNBLOCK".to_vec()];
        command.push(self.actors[at].id.to_string().into());
        command.extend(words.iter().cloned());
        self.control.cmd(&command)
    }

    /// CLIENT KILL; the client comes back as another.
    pub fn kill(&mut self, at: usize) -> Reply {
        let reply = self.control.cmd(&["CLIENT", "KILL", "ID", &self.actors[at].id.to_string()]);
        self.come_again(at);
        reply
    }

    /// The client closes its connection and comes back as another.
    pub fn come_again(&mut self, at: usize) {
        let id = self.actors[at].id;
        self.actors[at] = enter(&self.server, at);
        let control = &mut self.control;
        let gone = || {
            let list = control.cmd(&["CLIENT", "LIST", "ID", &id.to_string()]);
            list.bytes().is_empty()
        };
        assert!(wait_until(SOON, gone), "client {id} is still there");
    }

    /// Adds what has come to `arrived`, until everybody who still waits is known to the server as
    /// one who waits.
    pub fn settle(&mut self, arrived: &mut Vec<Arrival>) {
        let settled = || {
            for (at, actor) in self.actors.iter_mut().enumerate().filter(|(_, actor)| actor.waits) {
                let reply = actor.client.try_read_ready();
                if let Some(reply) = reply.expect("the connection stays") {
                    actor.waits = false;
                    arrived.push((at, reply));
                }
            }
            let due = self.actors.iter().filter(|actor| actor.waits).count();
            blocked(&mut self.control) == due
        };
        assert!(wait_until(SOON, settled), "who waits is not known as one who waits");
        arrived.sort();
    }
}

/// How many clients the server says that wait.
fn blocked(control: &mut Client) -> usize {
    let text = control.cmd(&["INFO", "clients"]).text();
    let count = text.lines().find_map(|line| line.strip_prefix("blocked_clients:"));
    count.and_then(|count| count.trim().parse().ok()).expect("INFO tells who waits")
}
