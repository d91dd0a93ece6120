//! mailrun: a batch runner for mail merge.
//!
//! Data goes one way:
//!
//! ```text
//! recipients -> render -> message -> deliver -> ledger -> report
//!    (rows)   (templates)  (MIME)   (couriers)  (truth)  (people)
//! ```
//!
//! [`run`] is the only module that knows all the rooms; `main` is the edge of the process. The modules in the order
//! of the data, then what serves all of them. ARCHITECTURE.md has the threads and the invariants.

pub mod campaign;
pub mod recipients;

pub mod render;

pub mod enclose;
pub mod message;

pub mod compose;

pub mod deliver;

pub mod dns;

pub mod ledger;

pub mod report;

pub mod run;

pub mod bell;
pub mod cli;
pub mod exit;
pub mod init;
pub mod outcome;
pub mod progress;
pub mod sandbox;
pub mod scheduling;
pub mod signals;
pub mod stop;
pub mod tally;
pub mod wording;
