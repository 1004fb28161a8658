//! Values in the format of Redis's RDB files: what DUMP gives and RESTORE takes.
//!
//! | file | what |
//! |---|---|
//! | `kind` | the types of value, by the numbers that the format has for them |
//! | `write`, `read` | lengths, strings and numbers |
//! | `payload` | the footer of a DUMP payload: version and checksum |
//! | `encode`, `decode` | whole values |
//! | `ziplist` | collections as Redis packed them before listpacks |
//!
//! What is read may come from anyone. It is walked with bounds and checked as deeply as the
//! structures need it; a count that it announces is believed only as far as there are bytes for
//! it. Nothing here reads a clock, a file or the configuration, and nothing here knows a key.

mod decode;
mod encode;
mod kind;
mod payload;
mod read;
mod write;
mod ziplist;

pub use decode::{Limits, Restored};
pub use encode::encoded_len;
pub use payload::{PayloadError, dump, restore};

#[cfg(test)]
mod tests;
