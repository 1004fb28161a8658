//! Key hashes: one seeded hash per key, computed once and carried with the request.
//!
//! The table takes its segment, bucket and tag from fixed bits of the hash (see `table.rs`); the
//! shard is taken from a mix of all bits, so that the keys of one shard still spread evenly over
//! its table. Hash tags follow Redis Cluster: `{user1}.a` and `{user1}.b` share a shard.

use std::num::NonZeroUsize;

use crate::value::hasher::Hasher;

/// The 64-bit hash of a whole key, as the keyspace's hasher gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash(pub u64);

/// The hash function of one server, for its keys. Every thread of the server holds a copy with the
/// same seeds, since hashes travel between threads.
#[derive(Clone, Debug)]
pub struct KeyHasher(Hasher);

impl KeyHasher {
    /// A hasher from four words of entropy (or from a test's seed).
    pub const fn with_seeds(seeds: [u64; 4]) -> Self {
        Self(Hasher::with_seeds(seeds))
    }

    /// The hash of `key`.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(self.0.hash(key))
    }

    /// The same function for the elements of collections.
    pub fn of_elements(&self) -> &Hasher {
        &self.0
    }
}

/// The part of `key` that decides its shard: what stands between the first `{` and the first `}`
/// after it, if that is not empty; else the whole key (rule of the Redis Cluster specification).
#[inline]
pub fn hash_tag(key: &[u8]) -> &[u8] {
    if !has_brace(key) {
        return key;
    }
    let Some(open) = memchr::memchr(b'{', key) else { return key };
    let rest = &key[open + 1..];
    match memchr::memchr(b'}', rest) {
        Some(close) if close > 0 => &rest[..close],
        _ => key,
    }
}

/// Whether there is a `{` in `key`. Most keys are short and have none: for them it costs less than
/// a call.
#[inline]
fn has_brace(key: &[u8]) -> bool {
    const LONG: usize = 64;
    const ONES: u64 = u64::MAX / 0xFF;
    if key.len() > LONG {
        return true;
    }
    // A byte of `x` that is zero makes the highest bit of its place in the sum be set, and no
    // bit is set if there is none.
    let is_in = |x: u64| x.wrapping_sub(ONES) & !x & (ONES << 7);
    let (words, rest) = key.as_chunks::<8>();
    let braces = ONES * u64::from(b'{');
    let found =
        words.iter().fold(0, |found, word| found | is_in(u64::from_le_bytes(*word) ^ braces));
    found != 0 || rest.contains(&b'{')
}

/// How many shards the keyspace is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardCount(NonZeroUsize);

impl ShardCount {
    /// A keyspace of `shards` shards.
    pub const fn new(shards: NonZeroUsize) -> Self {
        Self(shards)
    }

    /// The number of shards.
    pub const fn get(self) -> usize {
        self.0.get()
    }

    /// The index of the shard that owns `key`, whose hash is `hash`. `hasher` is asked only for
    /// keys with a hash tag.
    #[inline]
    pub fn shard_of(self, hasher: &KeyHasher, key: &[u8], hash: KeyHash) -> usize {
        if self.0.get() == 1 {
            return 0;
        }
        let tag = hash_tag(key);
        let hash = if tag.len() == key.len() { hash } else { hasher.hash(tag) };
        fast_range(mix(hash.0), self.0.get())
    }
}

/// Makes the high half of the result depend on every bit of the hash, so that no bit that the
/// table uses is fixed within a shard (finalizer in the manner of MurmurHash3's 64-bit one).
#[inline]
const fn mix(hash: u64) -> u64 {
    let folded = (hash ^ (hash >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (folded ^ (folded >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// Maps the high half of `mixed` to `0..n` without a division.
#[inline]
const fn fast_range(mixed: u64, n: usize) -> usize {
    (((mixed >> 32) * n as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(n: usize) -> ShardCount {
        ShardCount::new(NonZeroUsize::new(n).expect("not zero"))
    }

    #[test]
    fn tags_follow_the_cluster_rule() {
        let cases: [(&[u8], &[u8]); 10] = [
            (b"user1", b"user1"),
            (b"{user1}.following", b"user1"),
            (b"a{user1}b", b"user1"),
            (b"foo{}{bar}", b"foo{}{bar}"),
            (b"foo{{bar}}zap", b"{bar"),
            (b"foo{bar}{zap}", b"bar"),
            (b"foo}{", b"foo}{"),
            (b"foo{bar", b"foo{bar"),
            (b"", b""),
            (b"}{x}", b"x"),
        ];
        for (key, tag) in cases {
            assert_eq!(hash_tag(key), tag, "{}", key.escape_ascii());
        }
    }

    #[test]
    fn a_tag_is_found_wherever_it_stands() {
        for len in 0..80 {
            // Bytes beside those of the brace, and such as make a sum carry.
            let plain: Vec<u8> = (0..len).map(|at| [b'z', 0xFF, b'|', 0, 0xFB][at % 5]).collect();
            assert_eq!(hash_tag(&plain), plain);
            for at in 0..len {
                let key = [&plain[..at], b"{tag}", &plain[at..]].concat();
                assert_eq!(hash_tag(&key), b"tag", "{}", key.escape_ascii());
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "statistics over safe code: hours there")]
    fn tagged_keys_share_a_shard_and_every_shard_is_used() {
        let hasher = KeyHasher::with_seeds([1, 2, 3, 4]);
        let shard = |n, key: &[u8]| shards(n).shard_of(&hasher, key, hasher.hash(key));
        for n in [1, 2, 3, 7, 16, 64] {
            assert_eq!(shard(n, b"{u}.a"), shard(n, b"x{u}"));
            assert_eq!(shard(n, b"{u}.a"), shard(n, b"u"));
            let mut seen = vec![0u32; n];
            for i in 0..n * 1000 {
                seen[shard(n, format!("key:{i}").as_bytes())] += 1;
            }
            assert!(seen.iter().all(|&keys| (850..1150).contains(&keys)), "{n}: {seen:?}");
        }
    }

    /// The keys of one shard must be spread evenly over prefix, bucket and tag bits.
    #[test]
    #[cfg_attr(miri, ignore = "statistics over safe code: hours there")]
    fn a_shards_keys_use_every_bit_of_the_table() {
        let hasher = KeyHasher::with_seeds([5, 6, 7, 8]);
        let mut ones = [0u32; 64];
        let mut keys = 0;
        for i in 0..200_000 {
            let key = format!("key:{i}");
            let hash = hasher.hash(key.as_bytes());
            if shards(4).shard_of(&hasher, key.as_bytes(), hash) == 2 {
                keys += 1;
                for (bit, count) in ones.iter_mut().enumerate() {
                    *count += (hash.0 >> bit & 1) as u32;
                }
            }
        }
        for (bit, count) in ones.iter().enumerate() {
            let share = f64::from(*count) / f64::from(keys);
            assert!((share - 0.5).abs() < 0.01, "bit {bit} is set in {share} of the keys");
        }
    }
}
