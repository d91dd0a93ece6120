//! What a run came to, for people and for programs.
//!
//! `summary` is the counts of `send` and `status`, `results` the list with what became of each row,
//! `repaired` what a damaged ledger came to.
//! Must not influence a run.

pub mod repaired;
pub mod results;
pub mod status;
pub mod summary;
