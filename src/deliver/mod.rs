//! Messages to a server: couriers take them from the outbox, submit them over sessions, and record what became of them.
//!
//! `wire` is bytes and timeouts, `reply_text` bytes into a reply, `reply` what a reply means, `offers` what EHLO
//! announces, `session` one SMTP connection, `health` whether and how the server is usable, `job` a message on its
//! way, `outbox` the queue of them, `courier` the hand that does it all, `eml` the dry run.
//! Only `courier` knows the ledger; nothing here knows templates, lists or how to print.

pub mod courier;
pub mod eml;
pub mod health;
pub mod job;
pub mod offers;
pub mod outbox;
pub mod reply;
pub mod reply_text;
pub mod session;
pub mod wire;
