//! The loop around an acceptor's steps.

use std::time::Duration;

use super::transport::Transport;
use super::{Acceptor, Wait};

/// How long an acceptor waits for its batches before it looks after its connections again. Long
/// enough for an owner to wake up and run a batch, short enough that a slow shard holds nobody up
/// who does not need it.
const BATCH_WAIT: Duration = Duration::from_micros(100);

/// Steps `acceptor` for as long as the process lives.
///
/// # Errors
///
/// When the event queue fails: there is no way to serve without it.
pub fn run<T: Transport>(mut acceptor: Acceptor<T>) -> std::io::Result<()> {
    let house = acceptor.house.clone();
    let number = acceptor.number;
    let bell = &house.acceptors[number].bell;
    bell.adopt();
    loop {
        match acceptor.step() {
            Wait::Batches(place) => {
                bell.prepare_park();
                if house.gate_is_open(number, place) {
                    bell.awake();
                } else {
                    bell.park(Some(BATCH_WAIT));
                }
                if house.gate_is_open(number, place) {
                    continue;
                }
                acceptor.poll(Some(Duration::ZERO))?;
            }
            Wait::Not => {}
            Wait::Events(Some(Duration::ZERO)) => acceptor.poll(Some(Duration::ZERO))?,
            Wait::Events(timeout) => {
                bell.prepare_poll();
                let timeout = if acceptor.has_mail() { Some(Duration::ZERO) } else { timeout };
                acceptor.poll(timeout)?;
                bell.awake();
            }
        }
    }
}
