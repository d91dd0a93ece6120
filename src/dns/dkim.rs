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
    if !is_same(public, own("p")) {
        return Err(format!(
            "the record's public key is not that of {file}: receivers take every signature for forged. Sign by the key \
             that belongs to the record, or publish as TXT: {}",
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

/// Whether both are the same key. That of RSA stands in some records without the name of its kind around it: the end of
/// what it is with it (RFC 5280 section 4.1.2.7, RFC 8017 appendix A.1.1).
fn is_same(published: &str, own: &str) -> bool {
    let bytes = |text: &str| {
        let text: String = text.split_whitespace().collect();
        STANDARD.decode(text)
    };
    /// Less than any key of RSA, more than one of Ed25519.
    const SHORT: usize = 100;
    match (bytes(published), bytes(own)) {
        (Ok(published), Ok(own)) => {
            published == own || (published.len() > SHORT && own.ends_with(&published))
        }
        _ => false,
    }
}
