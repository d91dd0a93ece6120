//! A server's URL: `smtp://host:587`, `smtps://host`, `smtp://[::1]:2525?tls=none`.
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
}

/// Why a URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither smtp nor smtps.
    #[error("a server's URL begins with smtp:// or smtps://")]
    Scheme,
    /// `user:password@`.
    #[error(
        "a password does not belong in a URL, where others can see it; leave it out (a login is not there yet in this version of mailrun)"
    )]
    Password,
    /// `user@`.
    #[error(
        "a login (a user name in the URL) is not there yet in this version of mailrun; leave it out"
    )]
    Login,
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
    /// This version speaks plain TCP alone.
    #[error(
        "TLS is not there yet in this version of mailrun; tls = \"none\" (or ?tls=none at the URL's end) does without, for a server on this machine"
    )]
    TlsLater,
    /// In clear to another machine, without the author's word.
    #[error(
        "tls = \"none\" sends everything to {0:?} in clear, for anyone on the way to read; if that is meant, set allow_plaintext = true in [[server]]"
    )]
    Clear(String),
}

impl Tls {
    fn word(self) -> &'static str {
        match self {
            Tls::Required => "required",
            Tls::Implicit => "implicit",
            Tls::None => "none",
        }
    }
}

/// Takes a URL apart. Whether this version can speak to such a server is another question.
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
    if let Some((user, _)) = rest.rsplit_once('@') {
        return Err(match user.contains(':') {
            true => UrlError::Password,
            false => UrlError::Login,
        });
    }
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
    })
}

impl ServerUrl {
    /// Whether this version may speak to this server: in clear only, and beyond this machine only when the author
    /// agreed. `tls` is the setting beside the URL.
    pub(super) fn check(&self, tls: Option<Tls>, allow_plaintext: bool) -> Result<Tls, UrlError> {
        let tls = match (self.tls, tls) {
            (Some(url), Some(setting)) if url != setting => {
                return Err(contradiction(url, setting));
            }
            (url, setting) => url.or(setting).unwrap_or(Tls::Required),
        };
        match tls {
            Tls::Required | Tls::Implicit => Err(UrlError::TlsLater),
            Tls::None if allow_plaintext || is_loopback(&self.host) => Ok(tls),
            Tls::None => Err(UrlError::Clear(self.host.clone())),
        }
    }
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
fn is_host_name(host: &str) -> bool {
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
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<(String, u16, Option<Tls>), UrlError> {
        parse_server_url(url).map(|url| (url.host, url.port, url.tls))
    }

    #[test]
    fn taken_apart() {
        for (url, host, port, tls) in [
            ("smtp://mx.example", "mx.example", 587, None),
            ("SMTP://mx.example:25/", "mx.example", 25, None),
            ("smtps://mx.example", "mx.example", 465, Some(Tls::Implicit)),
            (
                "smtp://localhost:2525?tls=none",
                "localhost",
                2525,
                Some(Tls::None),
            ),
            (
                "smtp://127.0.0.1/?tls=none",
                "127.0.0.1",
                587,
                Some(Tls::None),
            ),
            (
                "smtp://[::1]:25?tls=required",
                "::1",
                25,
                Some(Tls::Required),
            ),
            ("smtp://[::1]", "::1", 587, None),
            ("smtp://mail_hog:65535", "mail_hog", 65535, None),
        ] {
            assert_eq!(parsed(url), Ok((host.to_owned(), port, tls)), "{url}");
        }
    }

    #[test]
    fn refused() {
        let host = |text: &str| UrlError::Host(text.to_owned());
        let port = |text: &str| UrlError::Port(text.to_owned());
        let rest = |text: &str| UrlError::Rest(text.to_owned());
        let query = |text: &str| UrlError::Query(text.to_owned());
        for (url, error) in [
            ("", UrlError::Scheme),
            ("mx.example:25", UrlError::Scheme),
            ("http://mx.example", UrlError::Scheme),
            ("smtp:mx.example", UrlError::Scheme),
            ("smtp://news@mx.example", UrlError::Login),
            ("smtp://news:secret@mx.example", UrlError::Password),
            ("smtp://news:se/cr?e#t@x@mx.example", UrlError::Password),
            ("smtp://:secret@mx.example", UrlError::Password),
            ("smtp://", host("")),
            ("smtp://:25", host(":25")),
            ("smtp://a b", host("a b")),
            ("smtp://a..b", host("a..b")),
            ("smtp://-a", host("-a")),
            ("smtp://mx.éxample", host("mx.éxample")),
            ("smtp://::1", host("::1")),
            ("smtp://2001:db8::1", host("2001:db8::1")),
            ("smtp://[::1", host("[::1")),
            ("smtp://[::1]25", host("[::1]25")),
            ("smtp://[mx]", host("[mx]")),
            ("smtp://a\r\nb", host("a\r\nb")),
            ("smtp://mx:", port("")),
            ("smtp://mx:0", port("0")),
            ("smtp://mx:+25", port("+25")),
            ("smtp://mx:65536", port("65536")),
            ("smtp://mx/path", rest("path")),
            ("smtp://mx#part", rest("#part")),
            ("smtp://mx?tls=maybe", query("tls=maybe")),
            ("smtp://mx?timeout=1", query("timeout=1")),
            (
                "smtps://mx?tls=none",
                UrlError::Contradiction("implicit", "none"),
            ),
        ] {
            assert_eq!(parsed(url), Err(error), "{url}");
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        for url in [
            "smtp://u:hunter2@mx",
            "smtp://u:hunter2/@mx",
            "smtp://hunter2@mx",
            "smtp://u:x@hunter2@mx",
            "hunter2://x:hunter2@mx",
        ] {
            let said = parse_server_url(url).map_err(|error| error.to_string());
            assert!(said.is_err_and(|text| !text.contains("hunter2")), "{url}");
        }
    }

    #[test]
    fn in_clear_only_where_nobody_listens_or_by_word() {
        let none = Some(Tls::None);
        let check =
            |url: &str, tls, allow| parse_server_url(url).and_then(|url| url.check(tls, allow));
        for loopback in [
            "localhost",
            "LocalHost",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            let url = format!("smtp://{loopback}:25");
            assert_eq!(check(&url, none, false), Ok(Tls::None), "{url}");
            assert_eq!(
                check(&format!("{url}?tls=none"), None, false),
                Ok(Tls::None)
            );
            assert_eq!(check(&url, None, false), Err(UrlError::TlsLater));
        }
        for other in [
            "mx.example",
            "localhost.example",
            "0.0.0.0",
            "127.1",
            "[::2]",
            "10.0.0.1",
        ] {
            let url = format!("smtp://{other}:25");
            let host = other.trim_matches(['[', ']']).to_owned();
            assert_eq!(
                check(&url, none, false),
                Err(UrlError::Clear(host)),
                "{url}"
            );
            assert_eq!(check(&url, none, true), Ok(Tls::None), "{url}");
        }
        for tls in [None, Some(Tls::Required), Some(Tls::Implicit)] {
            assert_eq!(
                check("smtp://localhost", tls, true),
                Err(UrlError::TlsLater)
            );
        }
        assert_eq!(
            check("smtps://localhost", None, true),
            Err(UrlError::TlsLater)
        );
        assert_eq!(
            check("smtps://localhost", none, true),
            Err(UrlError::Contradiction("implicit", "none"))
        );
        assert_eq!(
            check("smtp://localhost?tls=none", Some(Tls::Required), true),
            Err(UrlError::Contradiction("none", "required"))
        );
    }
}
