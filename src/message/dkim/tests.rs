//! Signatures, verified with the public keys that the records have.

#![allow(clippy::unwrap_used)]

use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::*;
use crate::message::Shared;

const HEAD: &str = "Date: Fri, 20 Nov 2026 12:00:00 +0000\r\nFrom: A <a@a.example>\r\nSubject: a\r\n  long   one\r\nList-Unsubscribe: <https://a.example/u>\r\n";

fn content(body: &str) -> Vec<Part> {
    let (one, two) = body.split_at(body.find('\n').unwrap() + 1);
    let own = format!("{HEAD}\r\n{one}").into_bytes();
    vec![Part::Own(own), Part::Shared(Shared::new(two.into()))]
}

fn text(content: &[Part]) -> String {
    let bytes = content.iter().flat_map(Part::bytes).copied().collect();
    String::from_utf8(bytes).unwrap()
}

/// Whether the first signature of `wire` is by the key of this record: written anew, from the field's own words.
fn verifies(wire: &str, record: &str) -> bool {
    let (head, body) = wire.split_once("\r\n\r\n").unwrap();
    let head = format!("{head}\r\n");
    let fields = canonical::fields(&head);
    let signature = head.split_once("DKIM-Signature: ").unwrap().1;
    let end = signature.find("\r\n").unwrap();
    let end = (end..signature.len())
        .find(|at| signature[*at..].starts_with("\r\n") && !signature[at + 2..].starts_with(' '));
    let field = &signature[..end.unwrap()];
    let tag = |name: &str| {
        let mut tags = field.split(';').map(|tag| tag.split_once('=').unwrap());
        let (_, value) = tags.find(|(tag, _)| tag.trim() == name).unwrap();
        value.split_ascii_whitespace().collect::<String>()
    };
    let mut hash = Body::new();
    hash.update(body.as_bytes());
    if tag("bh") != STANDARD.encode(hash.finish()) {
        return false;
    }
    let mut signed = Vec::new();
    let mut left = fields.clone();
    for name in tag("h").split(':') {
        if let Some(at) = left.iter().rposition(|field| field.is(name)) {
            left.remove(at).write(&mut signed);
            signed.extend_from_slice(b"\r\n");
        }
    }
    let (front, _) = field.split_once(" b=").unwrap();
    let front = format!("DKIM-Signature: {front} b=");
    canonical::Field::of(&front).write(&mut signed);
    let record = record.replace("\" \"", "").replace('"', "");
    let public = STANDARD
        .decode(record.rsplit_once("p=").unwrap().1)
        .unwrap();
    let signature = STANDARD.decode(tag("b")).unwrap();
    if tag("a") == "rsa-sha256" {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(&signed, &signature)
            .is_ok()
    } else {
        let hash = digest::digest(&SHA256, &signed);
        UnparsedPublicKey::new(&ED25519, public)
            .verify(hash.as_ref(), &signature)
            .is_ok()
    }
}

#[test]
fn each_kind_of_key_verifies_by_its_record() {
    for kind in [Kind::Rsa, Kind::Ed25519] {
        let pem = generate(kind).unwrap();
        let record = record(&pem).unwrap();
        assert!(record.split("\" \"").all(|string| string.len() <= 255));
        let signer = Signer::new("a.example", "s2026", &pem).unwrap();
        let mut signed = content("Hello  you \r\nthere\r\n\r\n");
        sign(&mut signed, std::slice::from_ref(&signer)).unwrap();
        let wire = text(&signed);
        assert!(verifies(&wire, &record), "{wire}");
        assert!(wire.split("\r\n").all(|line| line.len() <= 78), "{wire}");
        // What a relay may do, and what nobody may.
        let relayed = wire
            .replace("Subject: a\r\n  long   one", "SUBJECT:a long one")
            .replace("  you \r\n", " you\r\n");
        assert!(verifies(&relayed, &record));
        for (of, into) in [
            ("Hello", "Hallo"),
            ("Subject: a", "Subject: b"),
            ("\r\nDate:", "\r\nSubject: b\r\nDate:"),
            ("\r\nDate:", "\r\nReply-To: b@b.example\r\nDate:"),
            ("a.example/u", "b.example/u"),
        ] {
            let changed = wire.replacen(of, into, 1);
            assert_ne!(changed, wire);
            assert!(!verifies(&changed, &record), "{changed}");
        }
        let shown = format!("{signer:?}");
        assert_eq!(shown, "Signer(s2026._domainkey.a.example)");
    }
}

#[test]
fn several_sign_the_same_message() {
    let pems = [Kind::Rsa, Kind::Ed25519].map(|kind| generate(kind).unwrap());
    let signers: Vec<_> = pems
        .iter()
        .map(|pem| Signer::new("a.example", "s", pem).unwrap())
        .collect();
    let mut signed = content("Hello\r\n");
    sign(&mut signed, &signers).unwrap();
    let wire = text(&signed);
    assert_eq!(wire.matches("DKIM-Signature: ").count(), 2);
    assert!(verifies(&wire, &record(&pems[0]).unwrap()));
    let second = &wire[1..];
    let second = &second[second.find("DKIM-Signature").unwrap()..];
    assert!(verifies(second, &record(&pems[1]).unwrap()));
}

#[test]
fn other_files_are_no_keys() {
    let pem = generate(Kind::Ed25519).unwrap();
    let wrong = |pem: &str| Signer::new("a", "s", pem).unwrap_err();
    assert_eq!(wrong(""), KeyError::NoPem);
    assert_eq!(
        wrong(&pem.replace("PRIVATE KEY", "PUBLIC KEY")),
        KeyError::NoPem
    );
    assert_eq!(
        wrong(&pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")),
        KeyError::Encrypted
    );
    assert_eq!(
        wrong(&pem.replace("PRIVATE KEY", "EC PRIVATE KEY")),
        KeyError::Unknown
    );
    assert_eq!(
        wrong("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        KeyError::Unknown
    );
}
