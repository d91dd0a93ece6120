//! What a run came to, for people and for programs.
//!
//! `summary` is the counts of `send` and `status`, `results` the list with what became of each row.
//! Must not influence a run.

pub mod results;
pub mod status;
pub mod summary;
