//! Private keys as files, and what of them goes into the DNS (RFC 6376 section 3.6.1, RFC 8463 section 4).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Key;

/// A TXT record is of strings of at most 255 octets (RFC 1035 section 3.3.14).
const STRING: usize = 250;
/// Verifiers take no shorter ones (RFC 8301 section 3.2).
const SHORTEST_RSA: usize = 1024;

/// Which key to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RSA with 2048 bits: every mailbox verifies it.
    Rsa,
    /// Ed25519: shorter, and not verified everywhere yet.
    Ed25519,
}

/// Why a key cannot sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Something else than a private key.
    #[error("this is no private key in PEM; make one with: mailrun dkim keygen --out dkim.pem")]
    NoPem,
    /// A passphrase would be needed.
    #[error("this key is encrypted; give one without a passphrase")]
    Encrypted,
    /// Neither RSA nor Ed25519, or damaged.
    #[error("this key is neither RSA nor Ed25519, or it is damaged")]
    Unknown,
    /// RSA that can be broken.
    #[error(
        "this RSA key has {0} bits, and mailboxes take 1024 at least; make one with: mailrun dkim keygen --out dkim.pem"
    )]
    Short(usize),
    /// No randomness, no memory.
    #[error("the system could not make a key")]
    System,
}

impl From<Unspecified> for KeyError {
    fn from(_: Unspecified) -> Self {
        KeyError::System
    }
}

/// Reads a key: PKCS#8, or PKCS#1 as older programs write it.
pub(super) fn read(pem: &str) -> Result<Key, KeyError> {
    let (label, der) = decoded(pem).ok_or(KeyError::NoPem)?;
    let rsa = match label {
        "RSA PRIVATE KEY" if !pem.contains("ENCRYPTED") => RsaKeyPair::from_der(&der),
        "PRIVATE KEY" => match Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
            Ok(key) => return Ok(Key::Ed25519(Box::new(key))),
            Err(_) => RsaKeyPair::from_pkcs8(&der),
        },
        "ENCRYPTED PRIVATE KEY" | "RSA PRIVATE KEY" => return Err(KeyError::Encrypted),
        "PUBLIC KEY" | "CERTIFICATE" => return Err(KeyError::NoPem),
        _ => return Err(KeyError::Unknown),
    };
    let rsa = rsa.map_err(|_| KeyError::Unknown)?;
    let bits = rsa.public_modulus_len() * 8;
    if bits < SHORTEST_RSA {
        return Err(KeyError::Short(bits));
    }
    Ok(Key::Rsa(Box::new(rsa)))
}

/// The label and the bytes of the first block (RFC 7468).
fn decoded(pem: &str) -> Option<(&str, Vec<u8>)> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    // Lines with a colon are fields of older, encrypted keys.
    let lines = body
        .lines()
        .map(str::trim)
        .filter(|line| !line.contains(':'));
    let der = STANDARD.decode(lines.collect::<String>()).ok()?;
    Some((label, der))
}

/// A new private key, as PEM.
///
/// # Errors
/// When the system has no randomness.
pub fn generate(kind: Kind) -> Result<String, KeyError> {
    match kind {
        Kind::Rsa => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
            let der: Pkcs8V1Der<'_> = key.as_der()?;
            Ok(encoded(der.as_ref()))
        }
        Kind::Ed25519 => {
            let key = Ed25519KeyPair::generate()?;
            // Version 1: older openssl does not read the other.
            Ok(encoded(key.to_pkcs8v1()?.as_ref()))
        }
    }
}

/// Writes a key into a new file that nobody else can read.
///
/// # Errors
/// What the system gives; a file that is there already is left alone.
pub fn write(path: &Path, pem: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()
}

fn encoded(der: &[u8]) -> String {
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

/// The value of the TXT record for a private key in PEM, as strings for a zone file.
///
/// # Errors
/// What is wrong with the key.
pub fn record(pem: &str) -> Result<String, KeyError> {
    let value = value(pem)?;
    let strings = value.as_bytes().chunks(STRING);
    let strings = strings.map(|piece| format!("\"{}\"", String::from_utf8_lossy(piece)));
    Ok(strings.collect::<Vec<_>>().join(" "))
}

/// The same as one text.
///
/// # Errors
/// What is wrong with the key.
pub fn value(pem: &str) -> Result<String, KeyError> {
    let (kind, public) = match read(pem)? {
        Key::Rsa(key) => {
            let der: PublicKeyX509Der<'_> = key.public_key().as_der()?;
            ("rsa", STANDARD.encode(der.as_ref()))
        }
        Key::Ed25519(key) => ("ed25519", STANDARD.encode(key.public_key().as_ref())),
    };
    Ok(format!("v=DKIM1; k={kind}; p={public}"))
}
