//! The ticket of a blocked command: who may end its wait, exactly once.
//!
//! ```text
//!            try_serve                served
//!  waiting ─────────────▶ serving ─────────────▶ over
//!     ▲  └───────────────────────────────────────▲
//!     │        end (timeout, kill, unblock)      │
//!     └────────── not_served ◀──── serving
//! ```
//!
//! Serving lasts as long as one command runs over boxes in hand, and whoever serves waits for
//! nobody; so who wants to end the wait meanwhile can afford to look again until it is decided.

use super::sync::{AtomicU8, Ordering, spin};

const WAITING: u8 = 0;
const SERVING: u8 = 1;
const OVER: u8 = 2;

/// What came of asking to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The asker serves, and says by [`Ticket::served`] or [`Ticket::not_served`] what came of it.
    Granted,
    /// Somebody else is serving.
    Busy,
    /// The wait is over.
    Over,
}

/// The ticket of one blocked command.
#[derive(Debug)]
pub struct Ticket {
    state: AtomicU8,
}

impl Default for Ticket {
    fn default() -> Self {
        Ticket::new()
    }
}

impl Ticket {
    /// The ticket of a command that waits.
    pub fn new() -> Ticket {
        Ticket { state: AtomicU8::new(WAITING) }
    }

    /// Asks to serve.
    pub fn try_serve(&self) -> Attempt {
        let claimed =
            self.state.compare_exchange(WAITING, SERVING, Ordering::AcqRel, Ordering::Acquire);
        match claimed {
            Ok(_) => Attempt::Granted,
            Err(SERVING) => Attempt::Busy,
            Err(_) => Attempt::Over,
        }
    }

    /// The command was served: its reply will be handed over.
    pub fn served(&self) {
        self.state.store(OVER, Ordering::Release);
    }

    /// There was nothing to serve it with: it waits on.
    pub fn not_served(&self) {
        self.state.store(WAITING, Ordering::Release);
    }

    /// Ends the wait without serving; false if it is over already, and then a reply has been or will
    /// be handed over.
    pub fn end(&self) -> bool {
        let mut turns = 0;
        loop {
            let claimed =
                self.state.compare_exchange(WAITING, OVER, Ordering::AcqRel, Ordering::Acquire);
            match claimed {
                Ok(_) => return true,
                Err(SERVING) => spin(&mut turns),
                Err(_) => return false,
            }
        }
    }

    /// Whether the wait is over.
    pub fn is_over(&self) -> bool {
        self.state.load(Ordering::Acquire) == OVER
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_ends_the_wait() {
        let ticket = Ticket::new();
        assert_eq!(ticket.try_serve(), Attempt::Granted);
        assert_eq!(ticket.try_serve(), Attempt::Busy);
        ticket.not_served();
        assert!(!ticket.is_over());
        assert_eq!(ticket.try_serve(), Attempt::Granted);
        ticket.served();
        assert!(ticket.is_over() && !ticket.end());
        assert_eq!(ticket.try_serve(), Attempt::Over);
        let ticket = Ticket::new();
        assert!(ticket.end() && !ticket.end());
        assert_eq!(ticket.try_serve(), Attempt::Over);
    }
}
