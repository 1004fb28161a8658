//! Where the keys of a request live: their positions, hashes and shards, found once per request.
//!
//! One [`Routing`] per acceptor, filled for each request that may have several keys and used again,
//! so that routing allocates nothing.

use super::intake::Incoming;
use crate::command::keys::{KeyPositions, find_keys};
use crate::command::{Command, KeyStride};
use crate::keyspace::KeyHash;
use crate::observe::Server;

/// What is known of the keys of the request being routed. The vectors have one element per key, in
/// the order of the request.
#[derive(Default)]
pub(super) struct Routing {
    positions: KeyPositions,
    hashes: Vec<KeyHash>,
    shards: Vec<u16>,
    distinct: Vec<u16>,
    stride: KeyStride,
}

impl Routing {
    /// Finds the keys of a request. There are none if the row has none; a key specification that
    /// does not fit the arguments names none, nor do those after it.
    pub fn find(&mut self, command: &Command, incoming: Incoming<'_>, server: &Server) {
        self.hashes.clear();
        self.shards.clear();
        self.distinct.clear();
        let argc = incoming.len();
        // Where not all can be found, those that were are where the handler may work.
        let _ = find_keys(command, argc, |at| incoming.get(at), &mut self.positions);
        self.stride = stride_of(&self.positions.at);
        for &at in &self.positions.at {
            let key = incoming.get(at);
            let hash = server.hasher.hash(key);
            let shard = server.shards.shard_of(&server.hasher, key, hash) as u16;
            self.hashes.push(hash);
            self.shards.push(shard);
            if let Err(place) = self.distinct.binary_search(&shard) {
                self.distinct.insert(place, shard);
            }
        }
    }

    /// Positions of the keys.
    pub fn positions(&self) -> &[usize] {
        &self.positions.at
    }

    /// The shard of each key.
    pub fn shards(&self) -> &[u16] {
        &self.shards
    }

    /// The shards of all keys, each once, ascending.
    pub fn distinct(&self) -> &[u16] {
        &self.distinct
    }

    /// The hashes of all keys.
    pub fn hashes(&self) -> &[KeyHash] {
        &self.hashes
    }

    /// The hash of key number `n`.
    pub fn hash(&self, n: usize) -> KeyHash {
        self.hashes[n]
    }

    /// Where the keys stand, if they stand at equal distances.
    pub fn stride(&self) -> KeyStride {
        self.stride
    }

    /// The hashes that travel with the request: none if its keys stand at odd distances.
    pub fn carried(&self) -> &[KeyHash] {
        if self.stride.first == 0 { &[] } else { &self.hashes }
    }
}

/// The stride of positions at equal distances; 0 if they are not, or there are none.
fn stride_of(at: &[usize]) -> KeyStride {
    let [first, rest @ ..] = at else { return KeyStride::default() };
    let step = rest.first().map_or(1, |second| second.saturating_sub(*first));
    let regular = step > 0 && at.windows(2).all(|pair| pair[1] == pair[0] + step);
    match (u16::try_from(*first), u16::try_from(step)) {
        (Ok(first), Ok(step)) if regular => KeyStride { first, step },
        _ => KeyStride::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_at_equal_distances_have_a_stride() {
        let stride = |at: &[usize]| {
            let KeyStride { first, step } = stride_of(at);
            (first, step)
        };
        assert_eq!(stride(&[]), (0, 0));
        assert_eq!(stride(&[3]), (3, 1));
        assert_eq!(stride(&[1, 3, 5]), (1, 2));
        assert_eq!(stride(&[1, 3, 4]), (0, 0));
        assert_eq!(stride(&[3, 1]), (0, 0));
        assert_eq!(stride(&[70_000]), (0, 0));
    }
}
