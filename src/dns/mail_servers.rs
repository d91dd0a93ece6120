//! Where a domain takes mail (RFC 5321 section 5.1, RFC 7505).

use super::resolver::{Answer, Resolver, Trouble};

/// Where a domain takes mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Home {
    /// At these, the most wanted first.
    Servers(Vec<String>),
    /// At its own address.
    Itself,
    /// Nowhere: it has neither.
    Nowhere,
    /// Nowhere, as it says.
    Closed,
    /// There is no such domain.
    NoName,
}

impl Home {
    /// Why mail to it goes nowhere; nothing when it does.
    pub fn lacks(&self) -> Option<&'static str> {
        match self {
            Home::Servers(_) | Home::Itself => None,
            Home::Nowhere => Some("no mail server: neither MX nor address"),
            Home::Closed => Some("takes no mail, by its MX"),
            Home::NoName => Some("no such domain"),
        }
    }
}

/// Looks where a domain takes mail.
///
/// # Errors
/// Why nobody says.
pub(super) fn look(resolver: &Resolver, domain: &str) -> Result<Home, Trouble> {
    Ok(match resolver.mx(domain)? {
        Answer::NoName => Home::NoName,
        Answer::These(servers) if servers.iter().all(|server| server == ".") => Home::Closed,
        Answer::These(servers) => Home::Servers(servers),
        Answer::None => match resolver.has_address(domain)? {
            true => Home::Itself,
            false => Home::Nowhere,
        },
    })
}
