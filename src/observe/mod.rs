//! What the server knows about itself: facts, counters, connected clients, slow log, latency.
//!
//! Nothing here is the data, and nothing here hands work over: counters are relaxed atomics, and
//! the few cold records (client cards, slow log, latency history) stand behind a mutex that no
//! request takes unless it is slow, connects, or asks.

mod clients;
mod command_log;
pub mod doing;
mod latency;
pub mod log;
pub mod process;
mod rates;
mod server;

pub use clients::{ClientCard, ClientFlags, ClientRegistry, ClientWords};
pub use command_log::{CommandLog, LogEntry, LogKind};
pub use latency::{LatencyMonitor, Series, SharedHistogram, new_histogram};
pub use rates::{PerSecond, Rates, Totals};
pub use server::{
    Counters, ErrorCounts, Finished, Pause, PauseMode, Relistening, Server, SessionStat,
    ShutdownMode, Signal, Traffic, bump,
};
