//! DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, RSA with SHA-256 and Ed25519.
//!
//! Signs the parts of a message where they lie. What a signature covers is written at `SIGNED`.

use std::fmt;

use aws_lc_rs::digest::{self, SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use super::Part;
use super::canonical::{self, Body};

mod key;
pub use key::{KeyError, Kind, generate, record, value, write};

/// The fields that a signature covers where a message has them; `true`: one more than there are, so that nobody can add
/// another, which a reader may then show in place of the signed one (RFC 6376 section 8.15).
const SIGNED: [(&str, bool); 19] = [
    ("from", true),
    ("to", true),
    ("cc", true),
    ("subject", true),
    ("date", true),
    ("message-id", true),
    ("reply-to", true),
    ("mime-version", true),
    ("content-type", true),
    ("content-transfer-encoding", true),
    ("content-disposition", true),
    ("sender", false),
    ("in-reply-to", false),
    ("references", false),
    ("list-id", false),
    ("list-unsubscribe", false),
    ("list-unsubscribe-post", false),
    ("feedback-id", false),
    ("auto-submitted", false),
];

/// A private key, as who signs by it.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Signer {
    /// Signs for `domain` by the key that its DNS has under `selector`; `pem` is the private key.
    ///
    /// # Errors
    /// A key of another kind, or one that nobody trusts.
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Self, KeyError> {
        Ok(Self {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            key: key::read(pem)?,
        })
    }

    /// The field DKIM-Signature, its line ended, for a message whose body has this hash.
    fn sign(&self, fields: &[canonical::Field<'_>], body_hash: &str) -> Option<String> {
        let algorithm = match self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let (domain, selector) = (&self.domain, &self.selector);
        let mut out = format!(
            "DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={domain}; s={selector};\r\n h="
        );
        let mut signed = Vec::with_capacity(4096);
        let mut column = " h=".len();
        let mut is_first = true;
        let mut name = |out: &mut String, name: &str| {
            if !is_first {
                out.push(':');
                column += 1;
            }
            is_first = false;
            if column + name.len() > 76 {
                out.push_str("\r\n ");
                column = 1;
            }
            out.push_str(name);
            column += name.len();
        };
        for (field, over) in SIGNED {
            // From the last one up (RFC 6376 section 5.4.2).
            for found in fields.iter().rev().filter(|it| it.is(field)) {
                name(&mut out, field);
                found.write(&mut signed);
                signed.extend_from_slice(b"\r\n");
            }
            if over {
                name(&mut out, field);
            }
        }
        out.push_str(";\r\n bh=");
        out.push_str(body_hash);
        out.push_str(";\r\n b=");
        // The field itself, with an empty b= and without a line end (RFC 6376 section 3.7).
        canonical::Field::of(&out).write(&mut signed);
        let signature = self.key.sign(&signed)?;
        let encoded = STANDARD.encode(signature);
        for (at, line) in encoded.as_bytes().chunks(72).enumerate() {
            if at > 0 {
                out.push_str("\r\n  ");
            }
            out.extend(line.iter().map(|byte| char::from(*byte)));
        }
        out.push_str("\r\n");
        Some(out)
    }
}

impl Key {
    fn sign(&self, data: &[u8]) -> Option<Vec<u8>> {
        match self {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let random = SystemRandom::new();
                key.sign(&RSA_PKCS1_SHA256, &random, data, &mut signature)
                    .ok()?;
                Some(signature)
            }
            // RFC 8463 section 3: Ed25519 over the hash, not over the data.
            Key::Ed25519(key) => {
                let hash = digest::digest(&SHA256, data);
                Some(key.sign(hash.as_ref()).as_ref().to_vec())
            }
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}._domainkey.{})", self.selector, self.domain)
    }
}

/// Puts a signature by each of `signers` before the content. `None`: a key did not sign, which only a lack of memory
/// explains.
pub(super) fn sign(content: &mut Vec<Part>, signers: &[Signer]) -> Option<()> {
    let mut parts = content.iter().map(Part::bytes);
    let mut head = parts.next()?.to_vec();
    let body = loop {
        // One attachment alone has the last header fields in a part that is shared.
        if let Some(end) = memmem::find(&head, b"\r\n\r\n") {
            let body = head.split_off(end + 4);
            head.truncate(end + 2);
            break body;
        }
        head.extend_from_slice(parts.next()?);
    };
    let mut hash = Body::new();
    hash.update(&body);
    parts.for_each(|part| hash.update(part));
    let body_hash = STANDARD.encode(hash.finish());

    let head = str::from_utf8(&head).ok()?;
    let fields = canonical::fields(head);
    let mut signatures = String::new();
    for signer in signers {
        signatures.push_str(&signer.sign(&fields, &body_hash)?);
    }
    match content.first_mut() {
        Some(Part::Own(bytes)) => drop(bytes.splice(0..0, signatures.into_bytes())),
        _ => content.insert(0, Part::Own(signatures.into_bytes())),
    }
    Some(())
}

#[cfg(test)]
mod tests;
