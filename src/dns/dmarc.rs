//! What a domain asks receivers to do with mail that does not prove to be its own (RFC 9989): the record of the From
//! domain, or of the organisation that it belongs to, found by a walk up the names.

use super::finding::{About, Finding, Level, short};
use super::resolver::{Answer, Resolver};
use super::sender::Sender;
use super::tags::Tags;

/// Names that receivers ask for at most (RFC 9989 section 4.10).
const STEPS: usize = 8;

/// Looks the policy for the From domain up, and says what of the campaign is aligned with it.
pub(super) fn look(resolver: &Resolver, sender: &Sender) -> Finding {
    let from = sender.from.as_str();
    let name = format!("_dmarc.{from}");
    let finding = |name: &str, level, text: String| Finding::new(About::Dmarc, name, level, text);
    // Its own record holds; without one, the highest, which is the organisation's.
    let (mut own, mut highest): (Option<String>, Option<(&str, String)>) = (None, None);
    for domain in walk(from) {
        match records(resolver, domain) {
            Err(why) if own.is_none() => {
                return finding(&name, Level::Unknown, format!("not known: {why}"));
            }
            Ok(records) if records.len() > 1 && own.is_none() => {
                let text = format!(
                    "there are {} records, where one may be: receivers take none of them",
                    records.len()
                );
                let finding = finding(&format!("_dmarc.{domain}"), Level::Warning, text);
                return finding.with(&records.join("\n"));
            }
            Ok(records) => {
                if let [record] = records.as_slice() {
                    if domain == from {
                        own = Some(record.clone());
                    }
                    highest = Some((domain, record.clone()));
                }
            }
            Err(_) => {}
        }
    }
    let Some((organisation, record)) = highest else {
        let text = format!(
            "there is no DMARC record, which large mailboxes want of whoever mails many{}; to begin with, publish as TXT: \
             v=DMARC1; p=none",
            Alignment::of(sender, from, "").text
        );
        return finding(&name, Level::Warning, text);
    };
    let (domain, record) = match own {
        Some(record) => (from, record),
        None => (organisation, record),
    };
    let (mut level, mut text) = policy(&record, domain == from);
    if domain != from {
        text.push_str(&format!(", of {domain} above it"));
    }
    let alignment = Alignment::of(sender, organisation, &record);
    text.push_str(&alignment.text);
    if !alignment.is_there {
        level = Level::Warning;
    }
    finding(&format!("_dmarc.{domain}"), level, text).with(&record)
}

/// The domain and those above it, but for the last name, which belongs to no organisation.
fn walk(domain: &str) -> Vec<&str> {
    let mut names = vec![domain];
    let mut rest = domain;
    while let Some((_, above)) = rest.split_once('.') {
        rest = above;
        if rest.contains('.') {
            names.push(rest);
        }
    }
    if names.len() > STEPS {
        // Of a long name the first, and the shortest ones.
        names.drain(1..=names.len() - STEPS);
    }
    names
}

fn records(resolver: &Resolver, domain: &str) -> Result<Vec<String>, String> {
    let is_dmarc = |text: &String| {
        Tags::read(text).and_then(|tags| tags.first()) == Some(("v", "DMARC1"))
            || text.starts_with("v=DMARC1")
    };
    match resolver.txt(&format!("_dmarc.{domain}")) {
        Ok(Answer::These(texts)) => Ok(texts.into_iter().filter(is_dmarc).collect()),
        Ok(Answer::None | Answer::NoName) => Ok(Vec::new()),
        Err(trouble) => Err(trouble.to_string()),
    }
}

/// What a record asks for, of the domain itself or of one below it.
fn policy(record: &str, own: bool) -> (Level, String) {
    let tags = Tags::read(record);
    let policy = tags.as_ref().and_then(|tags| match own {
        true => tags.get("p"),
        false => tags.get("sp").or_else(|| tags.get("p")),
    });
    let policy = policy.map(str::to_ascii_lowercase);
    match policy.as_deref() {
        Some("none") => (Level::Good, "p=none: receivers only report".to_owned()),
        Some("quarantine") => {
            let text = "p=quarantine: what is not aligned goes to the spam folder";
            (Level::Good, text.to_owned())
        }
        Some("reject") => {
            let text = "p=reject: what is not aligned is refused";
            (Level::Good, text.to_owned())
        }
        Some(other) => (
            Level::Warning,
            format!(
                "its p={} is none of none, quarantine, reject: receivers take it for none",
                short(other)
            ),
        ),
        None => (
            Level::Warning,
            "it has no p=none, quarantine or reject: receivers can't read it".to_owned(),
        ),
    }
}

/// Whether something of the campaign proves that mail is the From domain's, and what.
struct Alignment {
    is_there: bool,
    text: String,
}

impl Alignment {
    /// By the record's `adkim` and `aspf`: the same domain (`s`), or one of the same organisation.
    fn of(sender: &Sender, organisation: &str, record: &str) -> Self {
        let tags = Tags::read(record);
        let is_strict = |tag: &str| {
            let value = tags.as_ref().and_then(|tags| tags.get(tag));
            value.is_some_and(|value| value.eq_ignore_ascii_case("s"))
        };
        let below = |domain: &str, above: &str| {
            let rest = domain.strip_suffix(above);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let from = sender.from.as_str();
        let aligned = |domain: &str, tag: &str| match is_strict(tag) {
            true => domain == from,
            false => {
                below(domain, from)
                    || below(from, domain)
                    || (below(domain, organisation) && below(from, organisation))
            }
        };
        let keys = sender.keys.iter().map(|key| key.domain.as_str());
        let mut proofs: Vec<String> = keys
            .filter(|domain| aligned(domain, "adkim"))
            .map(|domain| format!("DKIM by {domain}"))
            .collect();
        proofs.dedup();
        let envelope = &sender.envelope;
        if aligned(envelope, "aspf") {
            proofs.push(format!("SPF by {envelope}"));
        }
        let text = match proofs.is_empty() {
            false => format!("; aligned: {}", proofs.join(", ")),
            true => format!(
                "; neither a [[dkim]] nor the envelope's domain {envelope} is aligned with {from}: mail counts as its own \
                 only if your mail server signs for it"
            ),
        };
        Alignment {
            is_there: !proofs.is_empty(),
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_ends_below_the_last_name_and_is_short() {
        assert_eq!(
            walk("a.b.c.example"),
            ["a.b.c.example", "b.c.example", "c.example"]
        );
        assert_eq!(walk("c.example"), ["c.example"]);
        assert_eq!(walk("example"), ["example"]);
        let long = walk("a.b.c.d.e.f.g.h.i.j.example");
        assert_eq!(long.len(), STEPS);
        assert_eq!(
            (long[0], long[1]),
            ("a.b.c.d.e.f.g.h.i.j.example", "d.e.f.g.h.i.j.example")
        );
    }
}
