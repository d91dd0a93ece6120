//! What a TLS handshake came to, when it came to nothing: in words that say which of the many things it was, and what
//! to do about it.

use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error};

use super::access::{Access, Security};
use super::reply::Lasting;
use super::session::Trouble;
use crate::outcome::{Cause, Failure, Scope, Stage};
use crate::wording::printable;

/// Why there is no TLS on this connection.
pub(super) fn trouble(error: &io::Error, access: &Access, security: &Security) -> Trouble {
    let inner = error.get_ref();
    let found = inner.and_then(|inner| inner.downcast_ref::<Error>());
    match found.and_then(|error| lasting(error, access, security)) {
        Some(text) => Trouble::for_good(Stage::StartTls, printable(&text)),
        None => Trouble {
            failure: Failure {
                stage: Stage::StartTls,
                scope: Scope::Session,
                cause: Cause::Local(match error.kind() {
                    io::ErrorKind::UnexpectedEof => {
                        "the server closed the connection in the TLS handshake".to_owned()
                    }
                    _ => printable(&format!("the TLS handshake failed: {error}")),
                }),
            },
            lasting: Lasting::ForNow,
        },
    }
}

/// What only a person can mend.
fn lasting(error: &Error, access: &Access, security: &Security) -> Option<String> {
    Some(match error {
        Error::InvalidCertificate(error) => certificate(error, &access.host, security),
        Error::InvalidMessage(_) if security.implicit => format!(
            "the server does not speak TLS from the first byte on port {}; write smtp:// in place of smtps:// (STARTTLS, usually port 587), or see whether the port is right (usually 465)",
            access.port
        ),
        Error::InvalidMessage(_) => "what the server sent after STARTTLS is no TLS; somebody on the way may have put it there, and nothing was sent to it".to_owned(),
        Error::PeerIncompatible(_)
        | Error::AlertReceived(
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity,
        ) => format!(
            "the server and mailrun have no TLS version or cipher in common ({error}); mailrun speaks TLS 1.2 and 1.3"
        ),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server asks for a client's certificate, which mailrun has none of".to_owned()
        }
        _ => return None,
    })
}

fn certificate(error: &CertificateError, host: &str, security: &Security) -> String {
    match error {
        CertificateError::Expired => expired(None),
        CertificateError::ExpiredContext { not_after, .. } => expired(Some(*not_after)),
        CertificateError::NotValidYet => not_yet(None),
        CertificateError::NotValidYetContext { not_before, .. } => not_yet(Some(*not_before)),
        CertificateError::NotValidForName => wrong_name(host, &[]),
        CertificateError::NotValidForNameContext { presented, .. } => wrong_name(host, presented),
        CertificateError::UnknownIssuer => match &security.ca_file {
            Some(path) => format!(
                "the server's certificate is signed by none of those in {}; see whether ca_file in [[server]] is the right one",
                path.display()
            ),
            None => "the server's certificate is signed by nobody whom this machine trusts; if it is your own server's, save the certificate that signed it and name the file with ca_file in [[server]]".to_owned(),
        },
        CertificateError::Revoked => {
            "the server's certificate was revoked: it is not to be trusted any more".to_owned()
        }
        // What `openssl req -x509` makes, when it is taken for a server's.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => "the server's certificate is one for signing others (a CA's), not one for a server; have the server use a certificate without CA:TRUE in it, signed by this one".to_owned(),
        other => format!(
            "the server's certificate cannot be used ({}); its owner has to mend it",
            Error::InvalidCertificate(other.clone())
        ),
    }
}

fn expired(not_after: Option<UnixTime>) -> String {
    format!(
        "the server's certificate has expired{}; whoever runs the server has to renew it (or this machine's clock is wrong)",
        on(not_after)
    )
}

fn not_yet(not_before: Option<UnixTime>) -> String {
    let from = on(not_before).replace(" on ", " before ");
    format!("the server's certificate is not valid{from} yet; this machine's clock may be wrong")
}

fn on(time: Option<UnixTime>) -> String {
    let second = time.and_then(|time| i64::try_from(time.as_secs()).ok());
    let timestamp = second.and_then(|second| jiff::Timestamp::from_second(second).ok());
    timestamp.map_or(String::new(), |time| {
        format!(" on {}", time.strftime("%Y-%m-%d"))
    })
}

fn wrong_name(host: &str, presented: &[String]) -> String {
    // `DnsName("mx.example")`, as rustls writes them.
    let plain = |name: &String| {
        let inner = name
            .split_once('(')
            .map_or(name.as_str(), |(_, inner)| inner);
        inner.trim_matches(['"', ')']).to_owned()
    };
    let names: Vec<_> = presented.iter().map(plain).collect();
    match names.is_empty() {
        true => {
            format!("the server's certificate is not for {host}; another server may have answered")
        }
        false => format!(
            "the server's certificate is for {}, not for {host}; if that is the server that is meant, write its name in the URL",
            names.join(", ")
        ),
    }
}
