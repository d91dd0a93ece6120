//! The real executable, end to end, against the sandbox server and against real ones.
//!
//! Each test asserts both sides: what the server received, what the ledger says, and the exit status.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod errors;
mod evidence;
mod exits;
mod faults;
mod injection;
mod newsletter;
mod signals;
mod support;
