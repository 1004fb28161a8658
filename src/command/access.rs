//! The 24-bit access field of an entry: when it was last used (LRU) or how often (LFU).
//!
//! LRU policies keep seconds of Unix time, modulo 2^24 (194 days). LFU policies keep the minute of
//! the last decrement in 16 bits and a logarithmic counter in 8, by the rules of Redis's
//! documentation on `lfu-log-factor` and `lfu-decay-time`.

use crate::config::Config;

/// Which meaning the access field has, with the parameters that move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessPolicy {
    /// Last use.
    Lru,
    /// Frequency of use.
    Lfu {
        /// How much harder each increment of the counter gets.
        log_factor: u32,
        /// Minutes after which an unused key's counter falls by one; 0: never.
        decay_minutes: u32,
    },
}

/// Counter of a new key: not the first to be evicted.
const LFU_INITIAL: u32 = 5;

impl AccessPolicy {
    /// The meaning under this configuration.
    pub fn of(config: &Config) -> AccessPolicy {
        if config.maxmemory_policy.is_lfu() {
            AccessPolicy::Lfu {
                log_factor: config.lfu_log_factor,
                decay_minutes: config.lfu_decay_time,
            }
        } else {
            AccessPolicy::Lru
        }
    }
}

fn lru_clock(now_ms: i64) -> u32 {
    ((now_ms / 1000) & 0xFF_FFFF) as u32
}

fn lfu_minutes(now_ms: i64) -> u32 {
    ((now_ms / 60_000) & 0xFFFF) as u32
}

/// The field of an entry that is created at `now_ms`.
pub fn created(policy: AccessPolicy, now_ms: i64) -> u32 {
    match policy {
        AccessPolicy::Lru => lru_clock(now_ms),
        AccessPolicy::Lfu { .. } => lfu_minutes(now_ms) << 8 | LFU_INITIAL,
    }
}

/// The field of an entry that was last used so many seconds before `now_ms`, under an LRU policy.
/// The clock goes round in 194 days: what was idle for longer counts as idle for as long as can be
/// told.
pub fn access_of_idle(seconds: u64, now_ms: i64) -> u32 {
    let seconds = seconds.min(0xFF_FFFF) as u32;
    lru_clock(now_ms).wrapping_sub(seconds) & 0xFF_FFFF
}

/// The field of an entry whose counter is this at `now_ms`, under an LFU policy.
pub fn access_of_frequency(counter: u8, now_ms: i64) -> u32 {
    lfu_minutes(now_ms) << 8 | u32::from(counter)
}

/// The field of an entry that is used at `now_ms`.
pub fn touched(policy: AccessPolicy, field: u32, now_ms: i64, rng: &mut fastrand::Rng) -> u32 {
    match policy {
        AccessPolicy::Lru => lru_clock(now_ms),
        AccessPolicy::Lfu { log_factor, .. } => {
            let counter = frequency(policy, field, now_ms);
            let above = counter.saturating_sub(LFU_INITIAL);
            let chance = 1.0 / f64::from(above * log_factor + 1);
            let grown = counter + u32::from(counter < 255 && rng.f64() < chance);
            lfu_minutes(now_ms) << 8 | grown
        }
    }
}

/// The LFU counter as of `now_ms`, decayed.
pub fn frequency(policy: AccessPolicy, field: u32, now_ms: i64) -> u32 {
    let counter = field & 0xFF;
    match policy {
        AccessPolicy::Lfu { decay_minutes, .. } if decay_minutes > 0 => {
            let elapsed = lfu_minutes(now_ms).wrapping_sub(field >> 8) & 0xFFFF;
            counter.saturating_sub(elapsed / decay_minutes)
        }
        _ => counter,
    }
}

/// Seconds since the last use, under an LRU policy.
pub fn idle_seconds(field: u32, now_ms: i64) -> u32 {
    lru_clock(now_ms).wrapping_sub(field) & 0xFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    const LFU: AccessPolicy = AccessPolicy::Lfu { log_factor: 10, decay_minutes: 1 };

    #[test]
    fn idle_time_survives_the_wrap_of_the_clock() {
        let before_wrap = (0xFF_FFFFi64) * 1000;
        let field = created(AccessPolicy::Lru, before_wrap);
        assert_eq!(idle_seconds(field, before_wrap + 5000), 5);
    }

    #[test]
    fn frequency_grows_slowly_and_decays() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut field = created(LFU, 0);
        for _ in 0..1000 {
            field = touched(LFU, field, 0, &mut rng);
        }
        let counter = frequency(LFU, field, 0);
        assert!((10..40).contains(&counter), "{counter}");
        assert_eq!(frequency(LFU, field, 5 * 60_000), counter - 5);
        assert_eq!(frequency(LFU, field, 1000 * 60_000), 0);
    }
}
