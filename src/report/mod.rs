//! What a run came to, for people and for programs.
//!
//! `summary` is the counts of `send` and `status`, `results` the list with what became of each row,
//! `check` what `mailrun check` found, with `reasons` why rows are invalid and `reached` what servers offer and `dns` what the DNS says,
//! `repaired` what a damaged ledger came to, `tested` what a test's messages came to, `replies` why
//! recipients were refused, `advice` what to do about it.
//! Must not influence a run.

pub mod advice;
pub mod check;
pub mod dns;
pub mod reached;
pub mod reasons;
pub mod repaired;
pub mod replies;
pub mod results;
pub mod status;
pub mod summary;
pub mod tested;
