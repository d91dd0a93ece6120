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
    // Its own record holds; without one, the organisation's, or that of whoever lets names to organisations.
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut said = None;
    for domain in walk(from) {
        let has_own = found.first().is_some_and(|(of, _)| *of == from);
        let mut records = match records(resolver, domain) {
            Ok(records) => records,
            Err(_) if has_own => continue,
            Err(why) => return finding(&name, Level::Unknown, format!("not known: {why}")),
        };
        if records.len() > 1 && domain == from {
            let text = format!(
                "there are {} records, where one may be: receivers take none of them",
                records.len()
            );
            return finding(&name, Level::Warning, text).with(&records.join("\n"));
        }
        // Several above it are as none.
        if let (Some(record), true) = (records.pop(), records.is_empty()) {
            said = organisation(&record, domain, from);
            found.push((domain, record));
            if said.is_some() {
                break;
            }
        }
    }
    let Some((highest, _)) = found.last() else {
        let text = format!(
            "there is no DMARC record, which large mailboxes want of whoever mails many{}; to begin with, publish as TXT: \
             v=DMARC1; p=none",
            Alignment::of(sender, None, from, "").text
        );
        return finding(&name, Level::Warning, text);
    };
    let organisation = said.unwrap_or(highest);
    let holds = [from, organisation, highest];
    let mut holds = holds
        .iter()
        .filter_map(|name| found.iter().find(|it| it.0 == *name));
    let Some((domain, record)) = holds.next() else {
        return finding(&name, Level::Unknown, "not known".to_owned());
    };
    let (mut level, mut text) = policy(record, *domain == from);
    if *domain != from {
        text.push_str(&format!(", of {domain} above it"));
    }
    let alignment = Alignment::of(sender, said, organisation, record);
    text.push_str(&alignment.text);
    if !alignment.is_there {
        level = Level::Warning;
    }
    finding(&format!("_dmarc.{domain}"), level, text).with(record)
}

/// The organisation that `from` belongs to, where the record of `domain` says it (RFC 9989 section 4.10.2): its `psd` is `n`
/// for the organisation itself, `y` for names under which each has another.
fn organisation<'a>(record: &str, domain: &str, from: &'a str) -> Option<&'a str> {
    let tags = Tags::read(record)?;
    let psd = tags.get("psd")?.to_ascii_lowercase();
    let above = from.len().checked_sub(domain.len())?;
    match psd.as_str() {
        "n" => Some(&from[above..]),
        "y" => {
            let below = from[..above].trim_end_matches('.');
            Some(&from[below.rfind('.').map_or(0, |at| at + 1)..])
        }
        _ => None,
    }
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
    /// By the record's `adkim` and `aspf`: the same domain (`s`), or one of the same organisation. What is above From counts
    /// with it unless a record has `said` where the organisation ends.
    fn of(sender: &Sender, said: Option<&str>, organisation: &str, record: &str) -> Self {
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
                    || (said.is_none() && below(from, domain))
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
    fn a_record_may_say_who_the_organisation_is() {
        for (record, domain, expected) in [
            ("v=DMARC1; psd=y", "co.example", Some("b.co.example")),
            ("v=DMARC1; psd=Y", "b.co.example", Some("a.b.co.example")),
            ("v=DMARC1; psd=n", "b.co.example", Some("b.co.example")),
            ("v=DMARC1; psd=n", "a.b.co.example", Some("a.b.co.example")),
            ("v=DMARC1; psd=y", "a.b.co.example", Some("a.b.co.example")),
            ("v=DMARC1; psd=u", "co.example", None),
            ("v=DMARC1; p=none", "co.example", None),
        ] {
            let found = organisation(record, domain, "a.b.co.example");
            assert_eq!(found, expected, "{record} at {domain}");
        }
    }

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
