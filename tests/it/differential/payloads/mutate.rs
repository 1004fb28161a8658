//! Payloads with damage: bytes changed, lost, added and moved, with the footer's checksum as it
//! was or corrected.

use super::super::generate::Gen;
use super::{FOOTER, seal};

/// How a payload was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Not at all.
    None,
    /// Somewhere, and the checksum does not fit any more.
    Unsealed,
    /// In the value, under a right checksum.
    Sealed,
    /// In the version only, under a right checksum.
    Version,
}

/// Changes `payload` (or leaves it) and says how.
pub fn damage(g: &mut Gen, payload: &mut Vec<u8>) -> Damage {
    match g.weighted(&[15, 10, 70, 5]) {
        0 => Damage::None,
        1 => {
            let before = payload.clone();
            edits(g, payload);
            if *payload == before { Damage::None } else { Damage::Unsealed }
        }
        2 => {
            let (value, version) = split(payload);
            let mut value = value.to_vec();
            edits(g, &mut value);
            *payload = seal(value, version);
            Damage::Sealed
        }
        _ => {
            let value = split(payload).0.to_vec();
            let version = g.pick_number(&[0, 1, 2, 5, 6, 9, 10, 11, 80, 81, 200, 0xFFFF]) as u16;
            *payload = seal(value, version);
            Damage::Version
        }
    }
}

/// The value's bytes and the version of a payload.
pub fn split(payload: &[u8]) -> (&[u8], u16) {
    let (value, footer) = payload.split_at(payload.len() - FOOTER);
    (value, u16::from_le_bytes([footer[0], footer[1]]))
}

fn edits(g: &mut Gen, bytes: &mut Vec<u8>) {
    let most = g.pick_number(&[1, 1, 1, 2, 4]) as usize;
    for _ in 0..g.count(1, most) {
        edit(g, bytes);
    }
}

fn edit(g: &mut Gen, bytes: &mut Vec<u8>) {
    const TELLING: &[i64] =
        &[0, 1, 2, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xC0, 0xC3, 0xE0, 0xF0, 0xF4, 0xFE, 0xFF];
    if bytes.is_empty() {
        bytes.push(g.range(0, 256) as u8);
        return;
    }
    // The first bytes say what follows: they are hit more often.
    let reach = if g.chance(30) { bytes.len().min(12) } else { bytes.len() };
    let at = g.count(0, reach - 1);
    match g.weighted(&[20, 20, 15, 15, 8, 8, 6, 4, 4]) {
        0 => bytes[at] = g.range(0, 256) as u8,
        1 => bytes[at] = g.pick_number(TELLING) as u8,
        2 => bytes[at] ^= 1 << g.count(0, 7),
        3 => bytes[at] = bytes[at].wrapping_add(g.pick_number(&[1, 255]) as u8),
        4 => drop(bytes.remove(at)),
        5 => bytes.insert(at, g.range(0, 256) as u8),
        6 => bytes.truncate(at),
        7 => {
            for _ in 0..g.count(1, 9) {
                bytes.push(g.range(0, 256) as u8);
            }
        }
        _ => {
            // A piece once more, somewhere else.
            let from = g.count(0, bytes.len() - 1);
            let end = (from + g.count(1, 20)).min(bytes.len());
            let piece = bytes[from..end].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}
