//! Whether receivers find the key of a signature, and whether it is the one that signs (RFC 6376 section 3.6.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::finding::{About, Finding, Level, short};
use super::resolver::{Answer, Resolver};
use super::sender::SigningKey;
use super::tags::Tags;

/// Looks a key up.
pub(super) fn look(resolver: &Resolver, key: &SigningKey) -> Finding {
    let name = format!("{}._domainkey.{}", key.selector, key.domain);
    let finding = |level, text: String| Finding::new(About::Dkim, &name, level, text);
    let publish = || format!("publish it as TXT: {}", key.record);
    let records = match resolver.txt(&name) {
        Err(trouble) => return finding(Level::Unknown, format!("not known: {trouble}")),
        Ok(Answer::None | Answer::NoName) => {
            let text = format!("there is no such record; {}", publish());
            return finding(Level::Error, text);
        }
        Ok(Answer::These(records)) => records,
    };
    let known = records.iter().filter_map(|record| Tags::read(record));
    let keys: Vec<_> = known.filter(|tags| tags.get("p").is_some()).collect();
    let text = match keys.as_slice() {
        [] => Err(format!("what is there is no key of DKIM; {}", publish())),
        [tags] => judge(tags, key),
        // Receivers take any of them (RFC 6376 section 3.6.2.2).
        several => Err(format!(
            "there are {} records with a key, and nobody knows which one a receiver takes; leave one",
            several.len()
        )),
    };
    match text {
        Ok((level, text)) => finding(level, text),
        Err(text) => finding(Level::Error, text),
    }
    .with(&records.join("\n"))
}

/// What is to be said of the record; `Err`: by it no signature can be verified.
fn judge(tags: &Tags<'_>, key: &SigningKey) -> Result<(Level, String), String> {
    let file = &key.file;
    let own = Tags::read(&key.record);
    let own = |tag| {
        own.as_ref()
            .and_then(|tags| tags.get(tag))
            .unwrap_or_default()
    };
    if let Some(version) = tags.get("v")
        && (version != "DKIM1" || tags.first() != Some(("v", version)))
    {
        return Err("its v= is not DKIM1, or does not stand first".to_owned());
    }
    let public = tags.get("p").unwrap_or_default();
    if public.is_empty() {
        return Err(format!(
            "its key is taken back (an empty p=): sign by another selector, or publish as TXT: {}",
            key.record
        ));
    }
    let kind = tags.get("k").unwrap_or("rsa");
    if !kind.eq_ignore_ascii_case(own("k")) {
        return Err(format!(
            "the record is of a key for {}, and {file} is one for {}; publish as TXT: {}",
            short(kind),
            own("k"),
            key.record
        ));
    }
    if let Some(wrong) = differs(public, own("p")) {
        return Err(format!(
            "the record's public key {wrong} {file}: receivers take every signature for forged. Sign by the key that \
             belongs to the record, or publish as TXT: {}",
            key.record
        ));
    }
    for (tag, wanted, what) in [
        (
            "h",
            "sha256",
            "does not allow SHA-256, by which all signatures are made",
        ),
        ("s", "email", "is not for mail"),
    ] {
        let list = tags.list(tag).unwrap_or_default();
        let allows = |item: &String| item == wanted || (tag == "s" && item == "*");
        if !list.is_empty() && !list.iter().any(allows) {
            return Err(format!("its {tag}= {what}"));
        }
    }
    if tags
        .list("t")
        .unwrap_or_default()
        .iter()
        .any(|it| it == "y")
    {
        let text = format!(
            "the key of {file}; its t=y says that it is only tried out, so receivers may not count it"
        );
        return Ok((Level::Warning, text));
    }
    Ok((Level::Good, format!("the key of {file}")))
}

/// How the key of a record is another one than ours, if it is. One for Ed25519 is its bytes alone (RFC 8463 section 4); one
/// for RSA may stand without the name of its kind around it, as RFC 6376 section 3.6.1 has it.
fn differs(published: &str, own: &str) -> Option<String> {
    let text: String = published.split_whitespace().collect();
    if let (Ok(key), Ok(whole)) = (STANDARD.decode(&text), STANDARD.decode(own))
        && (key == whole || bare(&whole).is_some_and(|bare| key == bare))
    {
        return None;
    }
    match own.contains(&text) {
        true => Some(format!(
            "is cut off ({} of {} characters), so it is not that of",
            text.len(),
            own.len()
        )),
        false => Some("is not that of".to_owned()),
    }
}

/// The tags of DER that a key is made of.
const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// What a key of RSA is without the name of its kind (RFC 5280 section 4.1, RFC 8017 appendix A.1.1).
fn bare(key: &[u8]) -> Option<&[u8]> {
    let (inner, []) = element(key, SEQUENCE)? else {
        return None;
    };
    let (_kind, rest) = element(inner, SEQUENCE)?;
    let (bits, []) = element(rest, BIT_STRING)? else {
        return None;
    };
    let (0, bare) = bits.split_first()? else {
        return None;
    };
    let (_, []) = element(bare, SEQUENCE)? else {
        return None;
    };
    Some(bare)
}

/// What stands in the first element of DER, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = bytes.iter().fold(0, |all, it| all << 8 | usize::from(*it));
            (length, rest)
        }
        _ => return None,
    };
    (*first == tag)
        .then(|| rest.split_at_checked(length))
        .flatten()
}
