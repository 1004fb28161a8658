//! The seeded hash function of one server: of its keys, and of the elements of its collections.
//!
//! Clients choose keys and elements, so the seeds are random per process: nobody can choose some
//! that collide. Where the seeds come from is the business of whoever starts the server.

use std::hash::{BuildHasher, Hasher as _};

use ahash::RandomState;

/// A hash function of bytes. Every thread of a server holds a copy with the same seeds.
#[derive(Clone, Debug)]
pub struct Hasher(RandomState);

impl Hasher {
    /// A hasher from four words of entropy (or from a test's seed).
    pub const fn with_seeds(seeds: [u64; 4]) -> Self {
        Self(RandomState::with_seeds(seeds[0], seeds[1], seeds[2], seeds[3]))
    }

    /// The hash of `bytes`.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}
