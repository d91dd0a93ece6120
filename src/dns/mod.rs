//! What the DNS says of a campaign: whether receivers will believe the sender, and whether the recipients' domains take
//! mail at all.
//!
//! `system` finds the name servers, `exchange` is one question to one of them, `reply` what it says, `resolver` asks
//! until one answers, within a time, and keeps it as `known`; `sender` puts together what `spf`, `dkim`, `dmarc` and `mail_servers` find of the sender, `recipients` asks
//! for all domains of a list. A stub resolver: it asks servers that do the work (RFC 1034 section 5.3.1), verifies no
//! DNSSEC, and is blocking, as all of mailrun is.
//! Must not know templates, lists or how to print.

mod dkim;
mod dmarc;
mod exchange;
mod finding;
mod known;
mod mail_servers;
pub mod recipients;
mod reply;
mod resolver;
pub mod sender;
mod spf;
pub mod system;
mod tags;
#[cfg(test)]
mod tests;

pub use finding::{About, Finding, Level};
pub use resolver::{Answer, Resolver, Trouble};
