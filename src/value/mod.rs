//! Values: pure data structures, without keys, expiry, clock or thread. Imports nothing of ours.

pub mod integer;
pub mod lcs;
pub mod long_double;
