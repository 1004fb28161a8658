//! A DUMP payload: a value, the version of the format in two bytes, and the CRC-64 of all that
//! (Jones's polynomial, as Redis has it) in eight; both little endian.

use crc::{CRC_64_REDIS, Crc, Table};

use super::decode::{Limits, Restored, decode};
use super::encode::encode;
use super::read::Malformed;
use crate::keyspace::EntryRef;

const CHECKSUM: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);
const VERSION_BYTES: usize = 2;
const CHECKSUM_BYTES: usize = 8;

/// The version that all real servers of the last years take: Redis 7.2's, and Valkey's up to 8.
const VERSION: u16 = 11;
/// The version of Valkey 9, whose hashes may have fields that expire.
const VERSION_VALKEY_9: u16 = 80;
/// The last version of Redis that is read: 8.2's. The numbers from here up to Valkey's are those
/// of formats that we do not know.
const VERSION_REDIS_8: u16 = 12;

/// What is wrong with a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// It is too short, of an unknown version, or its checksum is another.
    #[error("the version or the checksum of the payload is wrong")]
    Footer,
    /// What is in it is no value.
    #[error("the payload holds no value")]
    Value,
}

impl From<Malformed> for PayloadError {
    fn from(_: Malformed) -> PayloadError {
        PayloadError::Value
    }
}

/// The payload of an entry's value.
pub fn dump(entry: EntryRef<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    let needs = encode(entry, &mut payload);
    payload.extend(match needs {
        super::encode::Needs::Nothing => VERSION.to_le_bytes(),
        super::encode::Needs::FieldExpiry => VERSION_VALKEY_9.to_le_bytes(),
    });
    payload.extend(checksum(&payload).to_le_bytes());
    payload
}

/// The value of a payload. Bytes between the value and the footer are passed over, as by real
/// servers.
pub fn restore(payload: &[u8], limits: &Limits<'_>) -> Result<Restored, PayloadError> {
    let (value, version) = open(payload).ok_or(PayloadError::Footer)?;
    let is_known = (1..=VERSION_REDIS_8).contains(&version) || version == VERSION_VALKEY_9;
    if !(is_known || limits.any_version && version > 0) {
        return Err(PayloadError::Footer);
    }
    Ok(decode(value, limits)?)
}

/// The value's bytes and the version of a payload whose checksum is right.
fn open(payload: &[u8]) -> Option<(&[u8], u16)> {
    let (sealed, stated) = payload.split_last_chunk::<CHECKSUM_BYTES>()?;
    let (value, version) = sealed.split_last_chunk::<VERSION_BYTES>()?;
    let right = checksum(sealed) == u64::from_le_bytes(*stated);
    right.then_some((value, u16::from_le_bytes(*version)))
}

fn checksum(bytes: &[u8]) -> u64 {
    CHECKSUM.checksum(bytes)
}
