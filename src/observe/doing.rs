//! What each thread is doing, for the log of a panic. One thread-local store per request.

use std::cell::Cell;

thread_local! {
    static DOING: Cell<&'static str> = const { Cell::new("starting") };
}

/// Says what this thread is about to do: a command's name or a phase.
#[inline]
pub fn set(what: &'static str) {
    DOING.set(what);
}

/// What this thread last said it was about to do.
pub fn get() -> &'static str {
    DOING.get()
}
