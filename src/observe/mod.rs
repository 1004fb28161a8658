//! What the server knows about itself: facts, counters, connected clients, slow log, latency.
//!
//! Nothing here is the data, and nothing here hands work over: counters are relaxed atomics, and
//! the few cold records (client cards, slow log, latency history) stand behind a mutex that no
//! request takes unless it is slow, connects, or asks.

mod clients;
pub mod doing;
pub mod log;
mod server;

pub use clients::{ClientCard, ClientFlags, ClientRegistry};
pub use server::{Counters, Pause, PauseMode, Server, SessionStat, ShutdownMode, Signal};
