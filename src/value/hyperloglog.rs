//! HyperLogLog: how many different elements were added, nearly, in at most 12 KiB.
//!
//! The value is a string in Redis's format, byte for byte (clients may GET and SET it):
//!
//! ```text
//! "HYLL" | encoding 1 B | unused 3 B | cached cardinality 8 B, little endian | registers
//! ```
//!
//! The highest bit of the cardinality says that it is out of date. There are 16,384 registers of
//! six bits. Dense: all of them, packed from the low bits on. Sparse: opcodes, see [`sparse`].
//! Since the bytes may come from anyone, every walk over them is bounded and may fail with
//! [`Corrupted`].

mod estimate;
mod sparse;

/// Bits of the hash that choose a register.
const INDEX_BITS: u32 = 14;
/// Number of registers.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of the hash in which leading zeros are counted (from the low end).
const RANK_BITS: u32 = 64 - INDEX_BITS;
/// Bits of a register.
const REGISTER_BITS: usize = 6;
const REGISTER_MAX: u8 = (1 << REGISTER_BITS) - 1;
const HEADER: usize = 16;
/// Length of a dense value in bytes.
pub const DENSE_LEN: usize = HEADER + REGISTERS * REGISTER_BITS / 8;
const MAGIC: &[u8; 4] = b"HYLL";
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// The byte of the header whose highest bit says that the cached cardinality is out of date.
const STALE_AT: usize = 15;
const STALE: u8 = 0x80;

/// How the registers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Each in six bits.
    Dense,
    /// As runs of equal ones.
    Sparse,
}

/// The registers of a value are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// What an element does to a HyperLogLog: it raises a register to a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The register, below [`REGISTERS`].
    pub register: usize,
    /// The rank: 1 to 51.
    pub rank: u8,
}

impl Mark {
    /// The mark of an element.
    pub fn of(element: &[u8]) -> Mark {
        /// Redis's seed.
        const SEED: u64 = 0xadc8_3b19;
        let hash = murmur64a(element, SEED);
        let rest = hash >> INDEX_BITS | 1 << RANK_BITS;
        Mark { register: hash as usize & (REGISTERS - 1), rank: rest.trailing_zeros() as u8 + 1 }
    }
}

/// MurmurHash64A (Austin Appleby, public domain), reading words as little endian.
fn murmur64a(bytes: &[u8], seed: u64) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let mut word = u64::from_le_bytes(*word).wrapping_mul(FACTOR);
        word ^= word >> SHIFT;
        hash = (hash ^ word.wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
    hash = (hash ^ (hash >> SHIFT)).wrapping_mul(FACTOR);
    hash ^ (hash >> SHIFT)
}

/// A value without elements.
pub fn empty() -> Vec<u8> {
    let mut value = vec![0; HEADER];
    value[..MAGIC.len()].copy_from_slice(MAGIC);
    value[MAGIC.len()] = SPARSE;
    sparse::push_zeros(&mut value, REGISTERS);
    value
}

/// How the registers of `value` are kept; `None` if it is no HyperLogLog by its header and length.
pub fn encoding(value: &[u8]) -> Option<Encoding> {
    let encoding = value.strip_prefix(MAGIC)?.first()?;
    match *encoding {
        DENSE if value.len() == DENSE_LEN => Some(Encoding::Dense),
        SPARSE if value.len() >= HEADER => Some(Encoding::Sparse),
        _ => None,
    }
}

/// The cached cardinality, unless it is out of date.
pub fn cached(value: &[u8]) -> Option<u64> {
    let bytes = value.get(8..HEADER)?;
    let number = u64::from_le_bytes(bytes.try_into().ok()?);
    (number >> 63 == 0).then_some(number)
}

/// Puts a cardinality into the cache.
pub fn cache(value: &mut [u8], cardinality: u64) {
    value[8..HEADER].copy_from_slice(&cardinality.to_le_bytes());
}

/// Says that the cached cardinality is out of date.
pub fn invalidate(value: &mut [u8]) {
    value[STALE_AT] |= STALE;
}

/// The register of a dense value.
#[inline]
pub fn dense_get(value: &[u8], register: usize) -> u8 {
    let (at, shift) = dense_place(register);
    let pair = u16::from_le_bytes([value[at], value.get(at + 1).copied().unwrap_or(0)]);
    (pair >> shift) as u8 & REGISTER_MAX
}

/// Raises a register of a dense value to a rank, and says whether it was lower. The cached
/// cardinality is left.
#[inline]
pub fn dense_raise(value: &mut [u8], mark: Mark) -> bool {
    if dense_get(value, mark.register) >= mark.rank {
        return false;
    }
    dense_set(value, mark.register, mark.rank);
    true
}

fn dense_set(value: &mut [u8], register: usize, rank: u8) {
    let (at, shift) = dense_place(register);
    let mask = u16::from(REGISTER_MAX) << shift;
    let bits = u16::from(rank) << shift;
    value[at] = value[at] & !(mask as u8) | bits as u8;
    if let Some(byte) = value.get_mut(at + 1) {
        *byte = *byte & !((mask >> 8) as u8) | (bits >> 8) as u8;
    }
}

/// Where a register begins: the byte in the value, and the bit in it.
#[inline]
fn dense_place(register: usize) -> (usize, u32) {
    let bit = register * REGISTER_BITS;
    (HEADER + bit / 8, (bit % 8) as u32)
}

/// Raises a register to a rank, and says whether it was lower. A sparse value becomes dense when
/// the rank is too high for it, or when it would grow above `sparse_max` bytes.
///
/// `value` is a HyperLogLog by [`encoding`]. The cached cardinality is out of date afterwards
/// only if the value stayed sparse and changed: the caller invalidates it in any case.
pub fn raise(value: &mut Vec<u8>, mark: Mark, sparse_max: usize) -> Result<bool, Corrupted> {
    if value[MAGIC.len()] == DENSE {
        return Ok(dense_raise(value, mark));
    }
    match sparse::raise(value, mark, sparse_max)? {
        sparse::Raised::No => Ok(false),
        sparse::Raised::Yes => {
            invalidate(value);
            Ok(true)
        }
        sparse::Raised::TooBig => {
            *value = dense(value)?;
            Ok(dense_raise(value, mark))
        }
    }
}

/// The value in dense form, its cached cardinality included.
pub fn dense(value: &[u8]) -> Result<Vec<u8>, Corrupted> {
    if value[MAGIC.len()] == DENSE {
        return Ok(value.to_vec());
    }
    let mut result = vec![0; DENSE_LEN];
    result[..HEADER].copy_from_slice(&value[..HEADER]);
    result[MAGIC.len()] = DENSE;
    sparse::for_each_rank(&value[HEADER..], |register, rank| {
        dense_set(&mut result, register, rank);
    })?;
    Ok(result)
}

/// The opcodes of a sparse value as text, as PFDEBUG DECODE shows them.
pub fn opcodes(value: &[u8]) -> String {
    sparse::text(&value[HEADER..])
}

/// How many different elements were added to `value`, nearly. The cache is not looked at.
pub fn count(value: &[u8]) -> Result<u64, Corrupted> {
    let mut histogram = [0; estimate::RANKS];
    if value[MAGIC.len()] == DENSE {
        (0..REGISTERS).for_each(|register| {
            histogram[usize::from(dense_get(value, register))] += 1;
        });
    } else {
        sparse::for_each_run(&value[HEADER..], |run| {
            histogram[usize::from(run.rank)] += run.len as u32;
        })?;
    }
    Ok(estimate::cardinality(&histogram))
}

/// Registers on their own, a byte each: for the union of several values.
pub struct Union {
    ranks: Box<[u8; REGISTERS]>,
}

impl Default for Union {
    fn default() -> Self {
        Union { ranks: Box::new([0; REGISTERS]) }
    }
}

impl Union {
    /// Raises each register to that of `value`, a HyperLogLog by [`encoding`].
    pub fn add(&mut self, value: &[u8]) -> Result<(), Corrupted> {
        let ranks = &mut self.ranks;
        if value[MAGIC.len()] == DENSE {
            let (triples, _) = value[HEADER..].as_chunks::<3>();
            for (four, triple) in ranks.as_chunks_mut::<4>().0.iter_mut().zip(triples) {
                let bits = u32::from_le_bytes([triple[0], triple[1], triple[2], 0]);
                for (at, rank) in four.iter_mut().enumerate() {
                    *rank = (*rank).max((bits >> (at * REGISTER_BITS)) as u8 & REGISTER_MAX);
                }
            }
            return Ok(());
        }
        sparse::for_each_rank(&value[HEADER..], |register, rank| {
            ranks[register] = ranks[register].max(rank);
        })
    }

    /// How many different elements were added to any of the values, nearly.
    pub fn count(&self) -> u64 {
        let mut histogram = [0; estimate::RANKS];
        self.ranks.iter().for_each(|rank| histogram[usize::from(*rank)] += 1);
        estimate::cardinality(&histogram)
    }

    /// The marks of registers that are not 0, in order.
    pub fn marks(&self) -> impl Iterator<Item = Mark> {
        let marks = self.ranks.iter().enumerate();
        marks.filter(|(_, rank)| **rank > 0).map(|(register, &rank)| Mark { register, rank })
    }
}

#[cfg(test)]
mod tests;
