//! Sleep and wake: how an actor with nothing to do rests and how another one rouses it.
//!
//! The sleeper says *how* it rests (parked, or in its poller), looks for work once more, and only
//! then rests; whoever has made work rings. Between its store and the other's load each side
//! stands a sequentially consistent fence, so at least one of them sees the other: a ring cannot
//! be lost. A ring that nobody waits for costs one load.

use std::sync::OnceLock;
use std::time::Duration;

use super::sync::{AtomicU8, Ordering, Thread, current, fence, park, park_timeout};

const AWAKE: u8 = 0;
const PARKED: u8 = 1;
const POLLING: u8 = 2;

/// Rouses the thread out of its poller.
pub type PollWaker = Box<dyn Fn() + Send + Sync>;

/// One actor's bell: its owner rests by it, everyone else rings it.
pub struct Bell {
    state: AtomicU8,
    /// Set once by the owner before it first rests. Not set in a simulation, where the scheduler
    /// reads [`Bell::is_resting`] instead.
    thread: OnceLock<Thread>,
    poller: OnceLock<PollWaker>,
}

impl Default for Bell {
    fn default() -> Self {
        Bell::new()
    }
}

impl Bell {
    /// A bell whose owner is awake.
    pub fn new() -> Bell {
        Bell { state: AtomicU8::new(AWAKE), thread: OnceLock::new(), poller: OnceLock::new() }
    }

    /// Makes the calling thread the owner.
    pub fn adopt(&self) {
        let _ = self.thread.set(current());
    }

    /// Says how to rouse the owner when it rests in its poller.
    pub fn set_poller(&self, waker: PollWaker) {
        let _ = self.poller.set(waker);
    }

    /// The owner is about to park: it must look for work after this and before [`Bell::park`].
    pub fn prepare_park(&self) {
        self.prepare(PARKED);
    }

    /// The owner is about to wait in its poller: it must look for work after this.
    pub fn prepare_poll(&self) {
        self.prepare(POLLING);
    }

    fn prepare(&self, state: u8) {
        self.state.store(state, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The owner found work after all, or is back from its rest.
    pub fn awake(&self) {
        self.state.store(AWAKE, Ordering::Relaxed);
    }

    /// Rests until rung, or for `timeout` at the most. Call after [`Bell::prepare_park`] and a
    /// last look for work; may also return for no reason.
    pub fn park(&self, timeout: Option<Duration>) {
        if self.state.load(Ordering::Acquire) == PARKED {
            match timeout {
                Some(timeout) => park_timeout(timeout),
                None => park(),
            }
        }
        self.awake();
    }

    /// Rouses the owner if it rests. Call after the work is where the owner looks for it.
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        let state = self.state.load(Ordering::Relaxed);
        self.rouse_from(state);
    }

    /// Rouses the owner only if it waits in its poller: for news that a parked owner will find
    /// soon by itself.
    pub fn ring_poller(&self) {
        fence(Ordering::SeqCst);
        if self.state.load(Ordering::Relaxed) == POLLING {
            self.rouse_from(POLLING);
        }
    }

    fn rouse_from(&self, state: u8) {
        if state == AWAKE {
            return;
        }
        if self.state.compare_exchange(state, AWAKE, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return;
        }
        match state {
            PARKED => {
                if let Some(thread) = self.thread.get() {
                    thread.unpark();
                }
            }
            _ => {
                if let Some(poller) = self.poller.get() {
                    poller();
                }
            }
        }
    }

    /// Whether the owner rests and nobody has rung since: what a simulated scheduler asks.
    pub fn is_resting(&self) -> bool {
        self.state.load(Ordering::Acquire) != AWAKE
    }
}
