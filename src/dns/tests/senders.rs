//! What is told of a sender, record by record.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::impatient;
use super::name_server::NameServer;
use crate::dns::sender::{self, Sender, SigningKey};
use crate::dns::{About, Finding, Level};
use crate::message::dkim::{self, Kind};

/// A campaign that signs by a key of its own domain.
fn acme() -> Sender {
    Sender {
        from: "acme.example".to_owned(),
        envelope: "acme.example".to_owned(),
        reply_to: None,
        keys: vec![SigningKey {
            domain: "acme.example".to_owned(),
            selector: "s".to_owned(),
            file: "dkim.pem".to_owned(),
            record: "v=DKIM1; k=ed25519; p=AAAA".to_owned(),
        }],
    }
}

fn found(zone: &str, sender: &Sender, about: About) -> Vec<Finding> {
    let server = NameServer::start(zone);
    let found = sender::look(&impatient(&server), sender);
    found.into_iter().filter(|it| it.about == about).collect()
}

#[track_caller]
fn one(zone: &str, sender: &Sender, about: About) -> (Level, String) {
    let found = found(zone, sender, about);
    let [only] = found.as_slice() else {
        panic!("{found:?}")
    };
    (only.level, only.text.clone())
}

#[test]
fn spf_is_judged() {
    let includes = "
        b.example TXT \"v=spf1 a mx -all\"
        deep.example TXT \"v=spf1 include:b.example include:b.example include:b.example\"
        loop.example TXT \"v=spf1 include:loop2.example\"
        loop2.example TXT \"v=spf1 include:loop.example\"
        end.example TXT \"v=spf1 ~all\"
        dead.example silent";
    for (record, level, text) in [
        (
            "v=spf1 ip4:192.0.2.1 -all",
            Level::Good,
            "one record, 0 of 10 lookups; it ends in -all",
        ),
        (
            "V=SPF1 include:b.example ~all",
            Level::Good,
            "one record, 3 of 10 lookups; it ends in ~all",
        ),
        (
            "v=spf1 redirect=end.example",
            Level::Good,
            "one record, 1 of 10 lookups; it ends in ~all",
        ),
        (
            "v=spf1 mx ?all",
            Level::Warning,
            "one record, 1 of 10 lookups; it ends in ?all, which says nothing of anybody else",
        ),
        (
            "v=spf1 all",
            Level::Warning,
            "one record, 0 of 10 lookups; it ends in +all: anybody may send for it",
        ),
        (
            "v=spf1 mx",
            Level::Warning,
            "one record, 1 of 10 lookups; it has no all at its end, so it says nothing of anybody else",
        ),
        (
            "v=spf1 include:deep.example include:b.example -all",
            Level::Warning,
            "it takes more than 10 lookups with what it includes, at which receivers give up (PermError)",
        ),
        (
            "v=spf1 include:gone.example -all",
            Level::Warning,
            "receivers can't read it, and take it for none: it includes gone.example, which has no SPF record",
        ),
        (
            "v=spf1 include:loop.example -all",
            Level::Warning,
            "receivers can't read it, and take it for none: it includes loop.example, which includes it again",
        ),
        (
            "v=spf1 ipv4:192.0.2.1 -all",
            Level::Warning,
            "receivers can't read it, and take it for none: \"ipv4:192.0.2.1\" is no term of SPF",
        ),
        (
            "v=spf1 redirect=end.example Redirect=b.example",
            Level::Warning,
            "receivers can't read it, and take it for none: it has redirect= more than once",
        ),
        (
            "v=spf1 exp=a.example exp=b.example -all",
            Level::Warning,
            "receivers can't read it, and take it for none: it has exp= more than once",
        ),
        (
            "v=spf1 a/99 -all",
            Level::Warning,
            "receivers can't read it, and take it for none: \"a/99\" is no term of SPF",
        ),
        (
            "v=spf10 -all",
            Level::Warning,
            "there is no SPF record (TXT, v=spf1 …): receivers can't tell who may send for it",
        ),
    ] {
        let zone = format!("acme.example TXT \"{record}\"\n{includes}");
        assert_eq!(
            one(&zone, &acme(), About::Spf),
            (level, text.to_owned()),
            "{record}"
        );
    }
    let two =
        "acme.example TXT \"v=spf1 -all\"\nacme.example TXT \"x\"\nacme.example TXT \"v=spf1\"";
    let text = "there are 2 SPF records, where one may be: receivers take none of them";
    assert_eq!(
        one(two, &acme(), About::Spf),
        (Level::Warning, text.to_owned())
    );
    let dead = format!("acme.example TXT \"v=spf1 include:dead.example -all\"\n{includes}");
    let (level, text) = one(&dead, &acme(), About::Spf);
    assert_eq!(level, Level::Unknown);
    assert!(
        text.contains("ends in -all; not all of it is known: "),
        "{text}"
    );
    let (level, text) = one("acme.example SERVFAIL", &acme(), About::Spf);
    assert_eq!(level, Level::Unknown);
    assert!(text.starts_with("not known: the name server "), "{text}");
}

#[test]
fn keys_are_held_against_their_records() {
    let publish = "publish as TXT: v=DKIM1; k=ed25519; p=AAAA";
    for (record, level, text) in [
        ("v=DKIM1; k=ed25519; p=AAAA", Level::Good, "the key of dkim.pem".to_owned()),
        ("k=ed25519; s=email:x; h=sha1:sha256; p=AA AA", Level::Good, "the key of dkim.pem".to_owned()),
        (
            "v=DKIM1; t=y:s; k=ed25519; p=AAAA",
            Level::Warning,
            "the key of dkim.pem; its t=y says that it is only tried out, so receivers may not count it".to_owned(),
        ),
        (
            "v=DKIM1; k=ed25519; p=BBBB",
            Level::Error,
            format!(
                "the record's public key is not that of dkim.pem: receivers take every signature for forged. Sign by the \
                 key that belongs to the record, or {publish}"
            ),
        ),
        (
            "v=DKIM1; p=AAAA",
            Level::Error,
            format!("the record is of a key for rsa, and dkim.pem is one for ed25519; {publish}"),
        ),
        (
            "v=DKIM1; k=ed25519; p=",
            Level::Error,
            format!("its key is taken back (an empty p=): sign by another selector, or {publish}"),
        ),
        (
            "v=DKIM1; k=ed25519; h=sha1; p=AAAA",
            Level::Error,
            "its h= does not allow SHA-256, by which all signatures are made".to_owned(),
        ),
        ("v=DKIM1; k=ed25519; s=other; p=AAAA", Level::Error, "its s= is not for mail".to_owned()),
        ("v=DKIM2; k=ed25519; p=AAAA", Level::Error, "its v= is not DKIM1, or does not stand first".to_owned()),
        (
            "hello",
            Level::Error,
            "what is there is no key of DKIM; publish it as TXT: v=DKIM1; k=ed25519; p=AAAA".to_owned(),
        ),
    ] {
        let zone = format!("s._domainkey.acme.example TXT \"{record}\"");
        assert_eq!(one(&zone, &acme(), About::Dkim), (level, text), "{record}");
    }
    let none = "there is no such record; publish it as TXT: v=DKIM1; k=ed25519; p=AAAA";
    assert_eq!(
        one("", &acme(), About::Dkim),
        (Level::Error, none.to_owned())
    );

    // One that holds is enough.
    let mut two = acme();
    two.keys.push(SigningKey {
        selector: "r".to_owned(),
        ..two.keys[0].clone()
    });
    let zone = "r._domainkey.acme.example TXT \"k=ed25519; p=AAAA\"";
    let levels: Vec<_> = found(zone, &two, About::Dkim)
        .iter()
        .map(|it| it.level)
        .collect();
    assert_eq!(levels, [Level::Warning, Level::Good]);
}

#[test]
fn a_key_that_is_not_whole_is_another_key() {
    let judged = |key: &SigningKey, published: &str| {
        let sender = Sender {
            keys: vec![key.clone()],
            ..acme()
        };
        let (kind, _) = key.record.split_once("; p=").unwrap();
        let (first, second) = published.split_at(published.len() / 2);
        let zone = format!("s._domainkey.acme.example TXT \"{kind}; p={first}\" \"{second}\"");
        one(&zone, &sender, About::Dkim)
    };
    let good = (Level::Good, "the key of dkim.pem".to_owned());
    for kind in [Kind::Rsa, Kind::Ed25519] {
        let key = SigningKey {
            record: dkim::value(&dkim::generate(kind).unwrap()).unwrap(),
            ..acme().keys[0].clone()
        };
        let (_, whole) = key.record.split_once("; p=").unwrap();
        assert_eq!(judged(&key, whole), good);
        // The name of its kind takes 24 bytes, as which a key of RSA is whole without it, and only that.
        let bare = matches!(kind, Kind::Rsa).then(|| &whole[32..]);
        if let Some(bare) = bare {
            assert_eq!(judged(&key, bare), good);
        }
        for text in [Some(whole), bare].into_iter().flatten() {
            for cut in [4, 28, 32, 36, 40, 100, 200] {
                let Some(left) = text.len().checked_sub(cut) else {
                    continue;
                };
                for part in [&text[cut..], &text[..left]] {
                    if Some(part) == bare {
                        continue;
                    }
                    let (level, said) = judged(&key, part);
                    assert_eq!(level, Level::Error, "{part}");
                    let cut = format!(
                        "the record's public key is cut off ({left} of {} characters), so it is not that of dkim.pem",
                        whole.len()
                    );
                    assert!(said.starts_with(&cut), "{said}");
                }
            }
        }
        // Whole, and more behind it; with another bit set.
        let bytes = STANDARD.decode(whole).unwrap();
        let mut longer = bytes.clone();
        longer.push(0);
        let mut other = bytes;
        *other.last_mut().unwrap() ^= 1;
        for wrong in [longer, other] {
            let (level, said) = judged(&key, &STANDARD.encode(wrong));
            assert_eq!(level, Level::Error);
            assert!(
                said.starts_with("the record's public key is not that of"),
                "{said}"
            );
        }
    }
}

#[test]
fn dmarc_is_found_on_the_way_up_and_alignment_told() {
    let own = "_dmarc.acme.example TXT \"v=DMARC1; p=reject\"";
    let aligned = "; aligned: DKIM by acme.example, SPF by acme.example";
    let (level, text) = one(own, &acme(), About::Dmarc);
    assert_eq!(
        (level, text),
        (
            Level::Good,
            format!("p=reject: what is not aligned is refused{aligned}")
        )
    );

    let below = Sender {
        from: "news.acme.example".to_owned(),
        envelope: "bounce.acme.example".to_owned(),
        ..acme()
    };
    let zone = "_dmarc.acme.example TXT \"v=DMARC1; p=reject; sp=none\"";
    let found_below = found(zone, &below, About::Dmarc);
    assert_eq!(found_below[0].name, "_dmarc.acme.example");
    assert_eq!(
        found_below[0].text,
        "p=none: receivers only report, of acme.example above it; aligned: DKIM by acme.example, SPF by bounce.acme.example"
    );

    // Its own policy holds, and the organisation is the one above all the same.
    let zone = "_dmarc.news.acme.example TXT \"v=DMARC1; p=none; aspf=s\"\n_dmarc.acme.example TXT \"v=DMARC1; p=reject\"";
    let sibling = Sender {
        keys: vec![SigningKey {
            domain: "mail.acme.example".to_owned(),
            ..acme().keys[0].clone()
        }],
        ..below.clone()
    };
    let found_own = found(zone, &sibling, About::Dmarc);
    assert_eq!(found_own[0].name, "_dmarc.news.acme.example");
    assert_eq!(
        found_own[0].text,
        "p=none: receivers only report; aligned: DKIM by mail.acme.example"
    );

    let stranger = Sender {
        envelope: "provider.example".to_owned(),
        keys: Vec::new(),
        ..acme()
    };
    let (level, text) = one(own, &stranger, About::Dmarc);
    assert_eq!(level, Level::Warning);
    assert_eq!(
        text,
        "p=reject: what is not aligned is refused; neither a [[dkim]] nor the envelope's domain provider.example is \
         aligned with acme.example: mail counts as its own only if your mail server signs for it"
    );

    for (records, text) in [
        (
            &["v=DMARC1; p=some"][..],
            "its p=some is none of none, quarantine, reject: receivers take it for none",
        ),
        (
            &["v=DMARC1; rua=mailto:x"],
            "it has no p=none, quarantine or reject: receivers can't read it",
        ),
        (
            &["v=DMARC1; p=none", "v=DMARC1; p=reject"],
            "there are 2 records, where one may be: receivers take none of them",
        ),
        (
            &["spf"],
            "there is no DMARC record, which large mailboxes want of whoever mails many",
        ),
    ] {
        let lines = records
            .iter()
            .map(|it| format!("_dmarc.acme.example TXT \"{it}\"\n"));
        let (level, said) = one(&lines.collect::<String>(), &acme(), About::Dmarc);
        assert_eq!(level, Level::Warning);
        assert!(said.starts_with(text), "{said}");
    }
}

#[test]
fn a_dmarc_record_says_where_the_organisation_ends() {
    let below = Sender {
        from: "news.acme.co.example".to_owned(),
        envelope: "other.co.example".to_owned(),
        keys: Vec::new(),
        ..acme()
    };
    let by = |envelope: &str| Sender {
        envelope: envelope.to_owned(),
        ..below.clone()
    };
    let aligned = |zone: &str, envelope: &str| {
        let (_, text) = one(zone, &by(envelope), About::Dmarc);
        text.contains("; aligned: SPF by ")
    };
    let psd = "_dmarc.co.example TXT \"v=DMARC1; p=reject; sp=none; psd=y\"";
    // The names below one that lets them are strangers to each other, and to it.
    assert!(!aligned(psd, "other.co.example"));
    assert!(!aligned(psd, "co.example"));
    assert!(aligned(psd, "mail.acme.co.example"));
    let found = found(psd, &below, About::Dmarc);
    assert_eq!(found[0].name, "_dmarc.co.example");
    assert!(found[0].text.starts_with("p=none"), "{}", found[0].text);
    let highest = "_dmarc.co.example TXT \"v=DMARC1; p=reject\"";
    assert!(aligned(highest, "other.co.example"));
    // A part that is an organisation of its own.
    let own = format!("_dmarc.news.acme.co.example TXT \"v=DMARC1; p=none; psd=n\"\n{highest}");
    assert!(!aligned(&own, "acme.co.example"));
    assert!(aligned(&own, "x.news.acme.co.example"));

    // Two at a name in the middle are as none.
    let two = "_dmarc.acme.co.example TXT \"v=DMARC1; p=none\"\n_dmarc.acme.co.example TXT \"v=DMARC1; p=reject\"";
    let (_, text) = one(&format!("{two}\n{highest}"), &below, About::Dmarc);
    assert!(
        text.starts_with("p=reject: what is not aligned is refused, of co.example above it"),
        "{text}"
    );
    let (_, text) = one(two, &below, About::Dmarc);
    assert!(text.starts_with("there is no DMARC record"), "{text}");
}

#[test]
fn whether_bounces_and_replies_come_home_is_told() {
    let others = Sender {
        envelope: "bounce.example".to_owned(),
        reply_to: Some("team.example".to_owned()),
        ..acme()
    };
    let zone = "bounce.example MX 5 mx.bounce.example\nbounce.example MX 9 mx2.bounce.example\nacme.example TXT \"x\"\nteam.example A";
    let told: Vec<_> = found(zone, &others, About::Mx)
        .into_iter()
        .map(|it| (it.name, it.level, it.text))
        .collect();
    let expected = [
        (
            "bounce.example",
            Level::Good,
            "bounces go to mx.bounce.example, mx2.bounce.example",
        ),
        (
            "acme.example",
            Level::Warning,
            "no mail server: neither MX nor address: answers to From reach nobody",
        ),
        (
            "team.example",
            Level::Good,
            "replies go to its own address; it has no MX",
        ),
    ];
    assert_eq!(
        told,
        expected.map(|(name, level, text)| (name.to_owned(), level, text.to_owned()))
    );

    for (zone, text) in [
        (
            "",
            "no such domain: bounces and replies reach nobody, and receivers refuse mail from it",
        ),
        (
            "acme.example MX 0 .",
            "takes no mail, by its MX: bounces and replies reach nobody, and receivers refuse mail from it",
        ),
    ] {
        assert_eq!(
            one(zone, &acme(), About::Mx),
            (Level::Error, text.to_owned())
        );
    }
}
