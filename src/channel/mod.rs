//! The ways between threads, and the only room with their atomics.
//!
//! What travels ([`Batch`]), where an idle owner's box lies ([`Desk`]), what orders work on
//! several shards ([`Baton`], [`Epoch`]), where boxes meet ([`Rendezvous`]), who waits for a key
//! ([`Blocked`]), and how everyone sleeps and wakes ([`Bell`]). The [`House`] holds them all. Nothing here blocks, except that a
//! sleeper rests by its bell and an acceptor waits for the marker.

mod batch;
mod bell;
mod blocked;
mod desk;
mod epoch;
mod far_waits;
mod house;
mod marker;
#[cfg(all(test, loom))]
mod models;
mod rendezvous;
mod sync;
mod ticket;

pub use batch::{Batch, Meeting, Request, Transaction, Turn, Whole, Work};
pub use bell::{Bell, PollWaker};
pub use blocked::{Blocked, Errand, Outcome, Push};
pub use desk::{Desk, borrow, give_back};
pub use epoch::Epoch;
pub use far_waits::{FarWait, FarWaits};
pub use house::{AcceptorPost, House, ITERATIONS_IN_FLIGHT, Inboxes, ShardPost};
pub use marker::{Baton, Marker};
pub use rendezvous::{Gathering, Rendezvous};
pub use ticket::{Attempt, Ticket};
