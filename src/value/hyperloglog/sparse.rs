//! The sparse form: runs of registers with equal ranks.
//!
//! | bits | opcode | registers | rank |
//! |---|---|---|---|
//! | `00xxxxxx` | ZERO | x + 1: 1 to 64 | 0 |
//! | `01xxxxxx yyyyyyyy` | XZERO | xy + 1: 1 to 16,384 | 0 |
//! | `1rrrrrll` | VAL | l + 1: 1 to 4 | r + 1: 1 to 32 |
//!
//! All opcodes together cover every register once. Which opcodes an update leaves is part of the
//! format as clients see it, so [`raise`] splits and merges exactly as Redis does.

use std::fmt::Write;

use super::{Corrupted, HEADER, Mark, REGISTERS};

/// Longest run of a ZERO.
const ZERO_MAX: usize = 64;
/// Longest run of a VAL.
const VALUE_MAX_LEN: usize = 4;
/// Highest rank of a VAL.
const VALUE_MAX_RANK: u8 = 32;
/// How many opcodes are looked at for neighbours to merge after an update.
const MERGE_SCAN: usize = 5;

/// The kinds of opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Zero,
    LongZero,
    Value,
}

/// A run of registers with the same rank.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    kind: Kind,
    /// How many registers.
    pub len: usize,
    /// Their rank.
    pub rank: u8,
}

impl Run {
    /// The run whose opcode begins `bytes`; `None` if there is no whole one.
    fn read(bytes: &[u8]) -> Option<Run> {
        let byte = *bytes.first()?;
        Some(match byte >> 6 {
            0 => Run { kind: Kind::Zero, len: usize::from(byte & 0x3F) + 1, rank: 0 },
            1 => {
                let low = usize::from(*bytes.get(1)?);
                let len = (usize::from(byte & 0x3F) << 8 | low) + 1;
                Run { kind: Kind::LongZero, len, rank: 0 }
            }
            _ => {
                let rank = (byte >> 2 & 0x1F) + 1;
                Run { kind: Kind::Value, len: usize::from(byte & 3) + 1, rank }
            }
        })
    }

    /// Bytes of its opcode.
    fn opcode_len(self) -> usize {
        if self.kind == Kind::LongZero { 2 } else { 1 }
    }
}

/// Adds the opcode for `len` registers of rank 0, in the shorter form that holds them.
pub fn push_zeros(bytes: &mut Vec<u8>, len: usize) {
    match len {
        0 => {}
        1..=ZERO_MAX => bytes.push((len - 1) as u8),
        _ => bytes.extend([0x40 | ((len - 1) >> 8) as u8, (len - 1) as u8]),
    }
}

/// The opcode for `len` registers, 1 to 4, of `rank`, 1 to 32.
fn value_opcode(rank: u8, len: usize) -> u8 {
    0x80 | (rank - 1) << 2 | (len - 1) as u8
}

fn push_value(bytes: &mut Vec<u8>, rank: u8, len: usize) {
    if len > 0 {
        bytes.push(value_opcode(rank, len));
    }
}

/// Visits the runs in order; they must cover all registers and no more.
pub fn for_each_run(mut bytes: &[u8], mut visit: impl FnMut(Run)) -> Result<(), Corrupted> {
    let mut covered = 0;
    while !bytes.is_empty() {
        let run = Run::read(bytes).ok_or(Corrupted)?;
        covered += run.len;
        if covered > REGISTERS {
            return Err(Corrupted);
        }
        visit(run);
        bytes = &bytes[run.opcode_len()..];
    }
    if covered == REGISTERS { Ok(()) } else { Err(Corrupted) }
}

/// Visits the registers that are not 0, each with its rank.
pub fn for_each_rank(bytes: &[u8], mut visit: impl FnMut(usize, u8)) -> Result<(), Corrupted> {
    let mut register = 0;
    for_each_run(bytes, |run| {
        if run.rank > 0 {
            (register..register + run.len).for_each(|register| visit(register, run.rank));
        }
        register += run.len;
    })
}

/// The opcodes as PFDEBUG DECODE shows them; up to the first that is cut off.
pub fn text(mut bytes: &[u8]) -> String {
    let mut text = String::new();
    while let Some(run) = Run::read(bytes) {
        let separator = if text.is_empty() { "" } else { " " };
        let written = match run.kind {
            Kind::Zero => write!(text, "{separator}z:{}", run.len),
            Kind::LongZero => write!(text, "{separator}Z:{}", run.len),
            Kind::Value => write!(text, "{separator}v:{},{}", run.rank, run.len),
        };
        debug_assert!(written.is_ok(), "a string takes any text");
        bytes = &bytes[run.opcode_len()..];
    }
    text
}

/// What came of raising a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// It was as high already.
    No,
    /// It is higher now.
    Yes,
    /// Only the dense form can hold it.
    TooBig,
}

/// The run that covers a register.
struct Place {
    run: Run,
    /// Where its opcode is.
    at: usize,
    /// Where the opcode before it is, or its own place.
    previous: usize,
    /// The first register that it covers.
    first: usize,
}

/// Finds the run that covers `register`.
fn find(value: &[u8], register: usize) -> Result<Place, Corrupted> {
    let (mut at, mut previous, mut first) = (HEADER, HEADER, 0);
    loop {
        let run = Run::read(&value[at..]).ok_or(Corrupted)?;
        if register < first + run.len {
            return Ok(Place { run, at, previous, first });
        }
        (previous, at, first) = (at, at + run.opcode_len(), first + run.len);
    }
}

/// Raises a register of a sparse value, header included, to a rank, unless the value would grow
/// and be longer than `max` bytes then.
pub fn raise(value: &mut Vec<u8>, mark: Mark, max: usize) -> Result<Raised, Corrupted> {
    let Mark { register, rank } = mark;
    if rank > VALUE_MAX_RANK {
        return Ok(Raised::TooBig);
    }
    let Place { run, at, previous, first } = find(value, register)?;
    if run.kind == Kind::Value && run.rank >= rank {
        return Ok(Raised::No);
    }
    if run.len == 1 && run.kind != Kind::LongZero {
        value[at] = value_opcode(rank, 1);
    } else {
        let (before, after) = (register - first, first + run.len - 1 - register);
        let mut opcodes = Vec::with_capacity(5);
        match run.kind {
            Kind::Value => push_value(&mut opcodes, run.rank, before),
            _ => push_zeros(&mut opcodes, before),
        }
        opcodes.push(value_opcode(rank, 1));
        match run.kind {
            Kind::Value => push_value(&mut opcodes, run.rank, after),
            _ => push_zeros(&mut opcodes, after),
        }
        let old_len = run.opcode_len();
        if opcodes.len() > old_len && value.len() + opcodes.len() - old_len > max {
            return Ok(Raised::TooBig);
        }
        value.splice(at..at + old_len, opcodes);
    }
    merge(value, previous);
    Ok(Raised::Yes)
}

/// Merges neighbours of equal rank, from the opcode at `at` on, as far as a few opcodes go.
fn merge(value: &mut Vec<u8>, mut at: usize) {
    for _ in 0..MERGE_SCAN {
        let Some(run) = value.get(at..).and_then(Run::read) else { return };
        let next = value.get(at + 1..).and_then(Run::read);
        let joined = next.filter(|next| {
            run.kind == Kind::Value
                && next.kind == Kind::Value
                && next.rank == run.rank
                && next.len + run.len <= VALUE_MAX_LEN
        });
        match joined {
            Some(next) => {
                value[at + 1] = value_opcode(run.rank, run.len + next.len);
                value.remove(at);
            }
            None => at += run.opcode_len(),
        }
    }
}
