//! A server's URL: `smtp://user@host:587`, `smtps://host`, `smtp://[::1]:2525?tls=none`.
//!
//! Messages here never repeat what stands before an `@`: it may be a password.

use std::net::{IpAddr, Ipv6Addr};

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// By STARTTLS, and nothing is sent without it (RFC 3207).
    Required,
    /// From the first byte (RFC 8314 section 3.3).
    Implicit,
    /// Never: everything goes in clear.
    None,
}

/// A server's URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port; 587 for `smtp`, 465 for `smtps` when absent (RFC 8314 section 7.3).
    pub port: u16,
    /// What the URL says of TLS: `smtps`, or `?tls=`; `None`: nothing.
    pub tls: Option<Tls>,
    /// Who logs in, percent-decoded.
    pub username: Option<String>,
}

/// Why a URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither smtp nor smtps.
    #[error("a server's URL begins with smtp:// or smtps://")]
    Scheme,
    /// `user:password@`.
    #[error(
        "a password does not belong in a URL, where others can see it; leave it out, and say in [[server]] where it comes from: password_env, password_file, password_command or keyring = true"
    )]
    Password,
    /// A user name that is not one.
    #[error(
        "the URL's user name is empty, or has a sign that must be percent-encoded there (%40 for @, %25 for %)"
    )]
    User,
    /// `user@` on the command line, and no password for it anywhere.
    #[error(
        "the URL names a user, and the campaign has no [[server]] that says where the password comes from; add one with password_env, password_file, password_command or keyring = true"
    )]
    NoPassword,
    /// No host, or one that no host name looks like.
    #[error("the URL's host {0:?} is not a host name or an address (IPv6 in brackets: [::1])")]
    Host(String),
    /// Not a port.
    #[error("the URL's port {0:?} is not a number from 1 to 65535")]
    Port(String),
    /// Something after host and port.
    #[error("the URL has {0:?} after the host; only ?tls= may follow it")]
    Rest(String),
    /// Another parameter than `tls`, or another value of it.
    #[error("the URL's {0:?} is not tls=required, tls=implicit or tls=none")]
    Query(String),
    /// URL and setting, or the URL's two halves, disagree.
    #[error("the URL says TLS {0}, and tls says {1}; leave one of them out")]
    Contradiction(&'static str, &'static str),
    /// In clear to another machine, without the author's word.
    #[error(
        "tls = \"none\" sends everything to {0:?} in clear, for anyone on the way to read; if that is meant, set allow_plaintext = true in [[server]]"
    )]
    Clear(String),
    /// A password in clear to another machine, whatever the author agreed to.
    #[error(
        "tls = \"none\" would send the password to {0:?} in clear, for anyone on the way to read; leave tls = \"none\" out, or the login"
    )]
    ClearLogin(String),
}

impl Tls {
    /// As it is written in the settings.
    pub fn word(self) -> &'static str {
        match self {
            Tls::Required => "required",
            Tls::Implicit => "implicit",
            Tls::None => "none",
        }
    }
}

/// Takes a URL apart. Whether what it says may be done is another question.
///
/// # Errors
/// What is wrong with it; a password in it is never repeated.
pub fn parse_server_url(url: &str) -> Result<ServerUrl, UrlError> {
    let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
    let implicit = match scheme.to_ascii_lowercase().as_str() {
        "smtp" => false,
        "smtps" => true,
        _ => return Err(UrlError::Scheme),
    };
    // The last `@`, wherever it stands: a password may hold any character.
    let (username, rest) = match rest.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => return Err(UrlError::Password),
        Some((user, rest)) => (Some(decoded(user).ok_or(UrlError::User)?), rest),
        None => (None, rest),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (host, port) = split_authority(authority)?;
    let query = query_tls(tail)?;
    let tls = match (implicit, query) {
        (true, None | Some(Tls::Implicit)) => Some(Tls::Implicit),
        (true, Some(other)) => return Err(contradiction(Tls::Implicit, other)),
        (false, query) => query,
    };
    Ok(ServerUrl {
        host,
        port: port.unwrap_or(if implicit { 465 } else { 587 }),
        tls,
        username,
    })
}

impl ServerUrl {
    /// When TLS begins: `tls` is the setting beside the URL. In clear only to this machine, or when the author agreed; a
    /// login never in clear to another machine.
    pub(super) fn check(
        &self,
        tls: Option<Tls>,
        allow_plaintext: bool,
        logs_in: bool,
    ) -> Result<Tls, UrlError> {
        let tls = match (self.tls, tls) {
            (Some(url), Some(setting)) if url != setting => {
                return Err(contradiction(url, setting));
            }
            (url, setting) => url.or(setting).unwrap_or(Tls::Required),
        };
        match tls {
            Tls::Required | Tls::Implicit => Ok(tls),
            Tls::None if is_loopback(&self.host) => Ok(tls),
            Tls::None if logs_in => Err(UrlError::ClearLogin(self.host.clone())),
            Tls::None if allow_plaintext => Ok(tls),
            Tls::None => Err(UrlError::Clear(self.host.clone())),
        }
    }
}

/// A user name without its percent-encoding (RFC 3986 section 2.1); `None`: it cannot be one.
fn decoded(text: &str) -> Option<String> {
    // These end what stands before the host.
    if text.contains(['/', '?', '#']) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = str::from_utf8(digits).ok()?;
        // `from_str_radix` alone would take "+f".
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    let name = String::from_utf8(bytes).ok()?;
    is_user_name(&name).then_some(name)
}

/// Whether a server can be told this name: PLAIN puts a NUL behind it (RFC 4616), and nothing of the kind is typed.
pub(super) fn is_user_name(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains(char::is_control)
}

fn contradiction(url: Tls, setting: Tls) -> UrlError {
    UrlError::Contradiction(url.word(), setting.word())
}

/// Host without brackets, and port, of `host:port`.
fn split_authority(authority: &str) -> Result<(String, Option<u16>), UrlError> {
    let bad_host = |host: &str| UrlError::Host(host.to_owned());
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (host, port) = inner.split_once(']').ok_or_else(|| bad_host(authority))?;
            host.parse::<Ipv6Addr>().map_err(|_| bad_host(authority))?;
            (host, port)
        }
        None => {
            let colon = authority.find(':').unwrap_or(authority.len());
            let (host, port) = authority.split_at(colon);
            if !is_host_name(host) || authority.parse::<Ipv6Addr>().is_ok() {
                return Err(bad_host(authority));
            }
            (host, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(number) => Some(parse_port(number)?),
        None if port.is_empty() => None,
        None => return Err(bad_host(authority)),
    };
    Ok((host.to_owned(), port))
}

fn parse_port(text: &str) -> Result<u16, UrlError> {
    // `parse` alone would take "+25".
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits && *port > 0)
        .ok_or_else(|| UrlError::Port(text.to_owned()))
}

/// What a resolver may be asked for: labels of letters, digits, `-` and `_`.
pub(super) fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// The `tls` of what follows host and port: nothing, `/`, or `?tls=`.
fn query_tls(tail: &str) -> Result<Option<Tls>, UrlError> {
    let tail = tail.strip_prefix('/').unwrap_or(tail);
    if tail.is_empty() {
        return Ok(None);
    }
    let Some(query) = tail.strip_prefix('?') else {
        return Err(UrlError::Rest(tail.to_owned()));
    };
    match query {
        "tls=required" => Ok(Some(Tls::Required)),
        "tls=implicit" => Ok(Some(Tls::Implicit)),
        "tls=none" => Ok(Some(Tls::None)),
        _ => Err(UrlError::Query(query.to_owned())),
    }
}

/// A host that is this machine by its very name; nothing is looked up.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests;
