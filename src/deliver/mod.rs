//! Messages to a server: couriers take them from the outbox, submit them over sessions, and record what became of them.
//!
//! `access` is how a server is reached, `transport` the way that the bytes take, `tls` TLS over it, `line` either of them,
//! `handshake` why there is no TLS, `login` AUTH, `trace` the conversation as people want to see it,
//! `wire` is bytes and timeouts, `reply_text` bytes into a reply, `reply` what a reply means, `offers` what EHLO
//! announces, `session` one SMTP connection, `health` whether and how the server is usable, `job` a message on its
//! way, `outbox` the queue of them, `aside` those in it that nobody can take now, `courier` the hand of one connection, `crew` the thread of several, `dial` what opens
//! and closes their sessions, `record` what they write to the ledger, `event` what
//! they tell, `eml` the dry run.
//! Only these hands know the ledger; nothing here knows templates, lists or how to print.

pub mod access;
pub mod account;
pub mod accounts;
pub mod allowance;
pub mod aside;
pub mod courier;
pub mod crew;
pub mod dial;
pub mod eml;
pub mod event;
mod gather;
mod handshake;
pub mod health;
pub mod job;
pub mod line;
mod login;
mod lookup;
pub mod offers;
pub mod outbox;
pub mod pace;
pub mod quota;
pub mod record;
pub mod reply;
pub mod reply_text;
pub mod session;
pub mod tls;
pub mod trace;
pub mod transport;
pub mod wire;
