//! The loop around an acceptor's steps.

use std::num::NonZeroU64;
use std::time::Duration;

use super::transport::Transport;
use super::{Acceptor, Wait};

/// How long an acceptor waits for its batches before it looks after its connections again. Long
/// enough for an owner to wake up and run a batch, short enough that a slow shard holds nobody up
/// who does not need it.
const BATCH_WAIT: Duration = Duration::from_micros(100);

/// How much later than asked for an acceptor's timers may go off, in ns.
const TIMER_SLACK_NS: NonZeroU64 = NonZeroU64::new(1000).unwrap();

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
    // The usual slack of 50 us is longer than the moment that an acceptor lingers.
    if let Err(error) = rustix::thread::set_current_timer_slack(Some(TIMER_SLACK_NS)) {
        tracing::debug!("timers stay as coarse as they are: {error}");
    }
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
                if let Some(moment) = acceptor.linger() {
                    bell.prepare_park();
                    if acceptor.has_mail() { bell.awake() } else { bell.park(Some(moment)) }
                }
                bell.prepare_poll();
                let timeout = if acceptor.has_mail() { Some(Duration::ZERO) } else { timeout };
                acceptor.poll(timeout)?;
                bell.awake();
            }
        }
    }
}
