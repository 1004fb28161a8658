//! The baton: a channel of capacity one that holds the marker.
//!
//! Whoever holds the marker may place ordered work. It is held for as long as it takes to enqueue
//! one iteration, never while anything runs or waits, so it is always back soon.

use crossbeam_channel::{Receiver, Sender, bounded};

/// The marker itself; there is one.
#[derive(Debug)]
pub struct Marker(());

/// The channel that the marker lives in.
pub struct Baton {
    send: Sender<Marker>,
    receive: Receiver<Marker>,
}

impl Default for Baton {
    fn default() -> Self {
        Baton::new()
    }
}

impl Baton {
    /// A baton that nobody holds.
    pub fn new() -> Baton {
        let (send, receive) = bounded(1);
        let baton = Baton { send, receive };
        baton.pass(Marker(()));
        baton
    }

    /// Waits for the marker.
    pub fn receive(&self) -> Marker {
        self.receive.recv().expect("the baton holds both ends of its channel")
    }

    /// The marker, if nobody has it just now.
    pub fn try_receive(&self) -> Option<Marker> {
        self.receive.try_recv().ok()
    }

    /// Gives the marker back.
    pub fn pass(&self, marker: Marker) {
        let sent = self.send.try_send(marker);
        debug_assert!(sent.is_ok(), "there is one marker");
    }
}
