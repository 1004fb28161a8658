//! The ordered stream of effects.
//!
//! Whoever holds a box hands its effects over before the replies leave and before the box changes
//! hands, so the stream never holds an effect without its causes. Its consumer is in memory: a
//! test replays it into another keyspace and compares. The file and the replicas come to stand
//! here.

use std::sync::{Arc, Mutex, PoisonError};

use crate::keyspace::{EffectUnit, Shard};

/// Receives effects in order.
#[derive(Clone, Default)]
pub struct Journal {
    stream: Option<Arc<Mutex<Vec<EffectUnit>>>>,
}

impl Journal {
    /// A journal that nobody reads: nothing is recorded.
    pub fn off() -> Journal {
        Journal::default()
    }

    /// A journal that keeps everything in memory until it is taken.
    pub fn in_memory() -> Journal {
        Journal { stream: Some(Arc::default()) }
    }

    /// Whether shards shall record effects.
    pub fn is_on(&self) -> bool {
        self.stream.is_some()
    }

    /// Hands over what the box has recorded. Call while holding it.
    pub fn collect(&self, shard: &mut Shard) {
        if shard.effects.is_empty() {
            return;
        }
        let units = shard.effects.drain();
        if let Some(stream) = &self.stream {
            stream.lock().unwrap_or_else(PoisonError::into_inner).extend(units);
        }
    }

    /// Takes everything recorded so far.
    pub fn take(&self) -> Vec<EffectUnit> {
        self.stream.as_ref().map_or_else(Vec::new, |stream| {
            std::mem::take(&mut *stream.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }
}
