//! The real executable, end to end, against the sandbox server and against real ones.
//!
//! Each test asserts both sides: what the server received, what the ledger says, and the exit status.

// What a test prints is shown when it fails: seeds, figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod evidence;
mod impostor;
mod inbox;
mod letter;
mod limits;
mod name_server;
mod others;
mod running;
mod smtpd_log;
mod support;

mod campaigns;
mod check;
mod check_dns;
mod copies;
mod docs;
mod dry_run;
mod environment;
mod errors;
mod exits;
mod faults;
mod full_disk;
mod given_back;
mod grouped;
mod groups;
mod guides;
mod hostile_cells;
mod init;
mod injection;
mod international;
mod killed;
mod ledger;
mod lists;
mod login;
mod mailing_list;
mod manners;
mod nested;
mod newsletter;
mod parts;
mod postfix;
mod postfix_limits;
mod repair;
mod resolve;
mod results;
mod resume;
mod servers;
mod signals;
mod smtputf8;
mod spoilt;
mod suppress;
mod terminal;
mod test_to;
mod tls;
mod tls_bytes;
mod trace;
mod unreachable;
