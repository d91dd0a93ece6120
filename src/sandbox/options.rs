//! What a sandbox is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{Limits, Store};

/// What a sandbox is started with. The default listens on a free port of 127.0.0.1, announces everything, counts
/// messages without keeping them, and misbehaves only where an address asks for it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 is any free one. Give a loopback address: everything is accepted from everybody.
    pub listen: SocketAddr,
    /// What becomes of accepted messages.
    pub store: Store,
    /// What EHLO announces; what it does not announce is refused.
    pub announce: Announce,
    /// The first line, its code included, instead of the usual one. Unless it begins with `2`, the connection is
    /// closed after it.
    pub greeting: Option<String>,
    /// EHLO is answered with 502, so that a client has to use HELO.
    pub ehlo_refused: bool,
    /// After this many accepted messages the next MAIL is answered with 421 4.7.0, and the connection closed.
    pub messages_per_connection: Option<u32>,
    /// With this many connections open, a further one is greeted with 421 4.7.0 and closed.
    pub max_connections: Option<usize>,
    /// How long each group of replies is held back: a server far away, or a slow one.
    pub reply_delay: Duration,
    /// A connection silent for this long is told 421 4.4.2 and closed.
    pub idle_timeout: Option<Duration>,
    /// What becomes of a transaction whose `BDAT ... LAST` was refused: `true`, it stays open until RSET, as with
    /// Exim; `false`, it is over, as with Postfix.
    pub refused_bdat_stays: bool,
    /// What it refuses because there was too much of it.
    pub limits: Limits,
    /// What happens at a MAIL or RCPT behind which more has come in already, although PIPELINING is announced.
    pub chokes_on_groups: Option<Choke>,
}

/// How a server fails at a group of commands that it offered to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choke {
    /// The command is answered with 503.
    Refuses,
    /// The connection is closed without a reply.
    Closes,
    /// Nothing is answered any more.
    Hangs,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            store: Store::Count,
            announce: Announce::default(),
            greeting: None,
            ehlo_refused: false,
            messages_per_connection: None,
            max_connections: None,
            reply_delay: Duration::ZERO,
            idle_timeout: None,
            refused_bdat_stays: false,
            limits: Limits::default(),
            chokes_on_groups: None,
        }
    }
}

/// The extensions that EHLO announces. The default is all of them, with a SIZE of 50 MiB and no MAILMAX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announce {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// SIZE (RFC 1870) in octets: a larger message is refused; 0 is announced and means no limit.
    pub size: Option<u64>,
    /// ENHANCEDSTATUSCODES (RFC 2034). Off, no reply carries one.
    pub enhanced_status_codes: bool,
    /// LIMITS MAILMAX (RFC 9422): MAIL commands in a session; the one after them is answered with 421 4.7.0.
    pub mailmax: Option<u32>,
}

impl Announce {
    /// No extension at all: what holds after HELO, and before any greeting.
    pub const NOTHING: Announce = Announce {
        pipelining: false,
        chunking: false,
        eight_bit_mime: false,
        smtputf8: false,
        size: None,
        enhanced_status_codes: false,
        mailmax: None,
    };

    /// The largest content taken, in octets.
    pub(super) fn limit(&self) -> Option<u64> {
        self.size.filter(|size| *size > 0)
    }

    /// The keywords of the reply to EHLO, a line each.
    pub(super) fn keywords(&self) -> Vec<String> {
        let flags = [
            (self.pipelining, "PIPELINING"),
            (self.chunking, "CHUNKING"),
            (self.eight_bit_mime, "8BITMIME"),
            (self.smtputf8, "SMTPUTF8"),
            (self.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
        ];
        let flags = flags
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, word)| (*word).to_owned());
        let size = self.size.map(|size| format!("SIZE {size}"));
        let mailmax = self.mailmax.map(|max| format!("LIMITS MAILMAX={max}"));
        flags.chain(size).chain(mailmax).collect()
    }
}

impl Default for Announce {
    fn default() -> Self {
        Announce {
            pipelining: true,
            chunking: true,
            eight_bit_mime: true,
            smtputf8: true,
            size: Some(50 * 1024 * 1024),
            enhanced_status_codes: true,
            mailmax: None,
        }
    }
}
