//! What a run came to, for people and for programs.
//!
//! `summary` is the counts of `send` and `status`, `results` the list with what became of each row,
//! `repaired` what a damaged ledger came to, `replies` why
//! recipients were refused, `advice` what to do about it.
//! Must not influence a run.

pub mod advice;
pub mod repaired;
pub mod replies;
pub mod results;
pub mod status;
pub mod summary;
