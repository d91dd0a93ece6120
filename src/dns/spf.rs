//! Who may send for a domain (RFC 7208): whether there is one record, whether receivers can read it, how many lookups it
//! costs them, and what it says of everybody else. Which addresses it names is not looked at: nobody here knows from
//! which of them the mail server sends.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::finding::{About, Finding, Level, short};
use super::resolver::{Answer, Resolver};

/// Lookups that receivers make at most (RFC 7208 section 4.6.4).
const LOOKUPS: usize = 10;

/// What a term of a record costs, and says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    /// `all` with what goes before it.
    All(char),
    /// Another record counts, too.
    Include(String),
    /// Another record takes the place of what comes after.
    Redirect(String),
    /// A lookup.
    Lookup,
    /// Nothing.
    Free,
}

/// Looks the record of `domain` up, and those that it includes.
pub(super) fn look(resolver: &Resolver, domain: &str) -> Finding {
    let finding = |level, text: String| Finding::new(About::Spf, domain, level, text);
    let record = match record(resolver, domain) {
        Ok(record) => record,
        Err(Without::Unknown(why)) => return finding(Level::Unknown, format!("not known: {why}")),
        Err(Without::None) => {
            let text =
                "there is no SPF record (TXT, v=spf1 …): receivers can't tell who may send for it";
            return finding(Level::Warning, text.to_owned());
        }
        Err(Without::Several(records)) => {
            let text = format!(
                "there are {} SPF records, where one may be: receivers take none of them",
                records.len()
            );
            return finding(Level::Warning, text).with(&records.join("\n"));
        }
    };
    let mut walk = Walk {
        resolver,
        seen: vec![domain.to_owned()],
        lookups: 0,
        missing: None,
    };
    let found = match walk.read(&record) {
        Err(why) => finding(
            Level::Warning,
            format!("receivers can't read it, and take it for none: {why}"),
        ),
        Ok(_) if walk.lookups > LOOKUPS => finding(
            Level::Warning,
            format!(
                "it takes more than {LOOKUPS} lookups with what it includes, at which receivers give up (PermError)"
            ),
        ),
        Ok(end) => {
            let (level, end) = match end {
                Some('-') => (Level::Good, "ends in -all"),
                Some('~') => (Level::Good, "ends in ~all"),
                Some('?') => (
                    Level::Warning,
                    "ends in ?all, which says nothing of anybody else",
                ),
                Some(_) => (Level::Warning, "ends in +all: anybody may send for it"),
                None => (
                    Level::Warning,
                    "has no all at its end, so it says nothing of anybody else",
                ),
            };
            let text = format!(
                "one record, {} of {LOOKUPS} lookups; it {end}",
                walk.lookups
            );
            match walk.missing {
                None => finding(level, text),
                Some(why) => finding(
                    Level::Unknown,
                    format!("{text}; not all of it is known: {why}"),
                ),
            }
        }
    };
    found.with(&record)
}

/// Why there is no record to read.
enum Without {
    None,
    Several(Vec<String>),
    Unknown(String),
}

/// The one SPF record of a domain.
fn record(resolver: &Resolver, domain: &str) -> Result<String, Without> {
    let is_spf = |text: &String| {
        let (version, rest) = text.split_at_checked(6).unwrap_or(("", ""));
        version.eq_ignore_ascii_case("v=spf1") && (rest.is_empty() || rest.starts_with(' '))
    };
    let texts = match resolver.txt(domain) {
        Err(trouble) => return Err(Without::Unknown(trouble.to_string())),
        Ok(Answer::These(texts)) => texts,
        Ok(Answer::None | Answer::NoName) => Vec::new(),
    };
    let mut records: Vec<String> = texts.into_iter().filter(is_spf).collect();
    match (records.pop(), records.is_empty()) {
        (None, _) => Err(Without::None),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            records.push(last);
            Err(Without::Several(records))
        }
    }
}

/// A way through a record and all that it includes.
struct Walk<'a> {
    resolver: &'a Resolver,
    seen: Vec<String>,
    lookups: usize,
    /// Why a part of it is not known.
    missing: Option<String>,
}

impl Walk<'_> {
    /// Counts the lookups; gives what goes before `all`, here or where the record redirects to.
    fn read(&mut self, record: &str) -> Result<Option<char>, String> {
        let terms = record.split(' ').skip(1).filter(|term| !term.is_empty());
        for modifier in ["redirect=", "exp="] {
            let is_it = |term: &&str| {
                let start = term.get(..modifier.len());
                start.is_some_and(|it| it.eq_ignore_ascii_case(modifier))
            };
            // RFC 7208 section 6: not known which one holds, so a PermError.
            if terms.clone().filter(is_it).count() > 1 {
                return Err(format!("it has {modifier} more than once"));
            }
        }
        let terms: Vec<Term> = terms.map(term).collect::<Result<_, _>>()?;
        for term in &terms {
            match term {
                Term::All(end) => return Ok(Some(*end)),
                Term::Include(domain) => drop(self.follow(domain)?),
                Term::Lookup => self.lookups += 1,
                Term::Redirect(_) | Term::Free => {}
            }
        }
        let redirect = terms.iter().find_map(|term| match term {
            Term::Redirect(domain) => Some(domain),
            _ => None,
        });
        redirect.map_or(Ok(None), |domain| self.follow(domain))
    }

    fn follow(&mut self, domain: &str) -> Result<Option<char>, String> {
        self.lookups += 1;
        // What a macro comes to depends on who is mailed; beyond the limit nobody goes, either.
        if domain.contains('%') || self.lookups > LOOKUPS {
            return Ok(None);
        }
        let domain = domain.to_ascii_lowercase();
        let shown = short(&domain);
        if self.seen.contains(&domain) {
            return Err(format!("it includes {shown}, which includes it again"));
        }
        self.seen.push(domain.clone());
        let end = match record(self.resolver, &domain) {
            Ok(record) => self.read(&record),
            Err(Without::None) => Err(format!("it includes {shown}, which has no SPF record")),
            Err(Without::Several(_)) => Err(format!(
                "it includes {shown}, which has several SPF records"
            )),
            Err(Without::Unknown(why)) => {
                self.missing = Some(why);
                Ok(None)
            }
        };
        self.seen.pop();
        end
    }
}

/// RFC 7208 section 5 and 6.
fn term(text: &str) -> Result<Term, String> {
    let unknown = || format!("\"{}\" is no term of SPF", short(text));
    let (qualifier, bare) = match text.chars().next() {
        Some(sign @ ('+' | '-' | '?' | '~')) => (Some(sign), &text[1..]),
        _ => (None, text),
    };
    let name_end = bare.find([':', '/', '=']).unwrap_or(bare.len());
    let (name, rest) = bare.split_at(name_end);
    let name = name.to_ascii_lowercase();
    let is_word = !name.is_empty()
        && name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    if let Some(value) = rest.strip_prefix('=') {
        return match name.as_str() {
            _ if qualifier.is_some() || !is_word => Err(unknown()),
            "redirect" if !value.is_empty() => Ok(Term::Redirect(value.to_owned())),
            "redirect" => Err(unknown()),
            // Others than those of the RFC are passed over.
            _ => Ok(Term::Free),
        };
    }
    let value = rest.strip_prefix(':').filter(|value| !value.is_empty());
    match (name.as_str(), value) {
        ("all", None) if rest.is_empty() => Ok(Term::All(qualifier.unwrap_or('+'))),
        ("include", Some(domain)) => Ok(Term::Include(domain.to_owned())),
        ("exists", Some(_)) => Ok(Term::Lookup),
        ("a" | "mx", _) if is_host(rest) => Ok(Term::Lookup),
        ("ptr", Some(_)) => Ok(Term::Lookup),
        ("ptr", None) if rest.is_empty() => Ok(Term::Lookup),
        ("ip4", Some(net)) if is_net(net, 32, |ip| ip.parse::<Ipv4Addr>().is_ok()) => {
            Ok(Term::Free)
        }
        ("ip6", Some(net)) if is_net(net, 128, |ip| ip.parse::<Ipv6Addr>().is_ok()) => {
            Ok(Term::Free)
        }
        _ => Err(unknown()),
    }
}

/// What follows `a` and `mx`: a domain or none, and the length of a prefix or two, `/24`, `//64` or `/24//64` (RFC 7208
/// section 5.6).
fn is_host(rest: &str) -> bool {
    let (has_domain, rest) = match rest.strip_prefix(':') {
        None => (false, rest),
        Some(rest) => (true, rest),
    };
    // In what goes before the last name, and in a macro, a slash is one of the domain's.
    let last = rest.rfind(['.', '}']).map_or(0, |at| at + 1);
    let end = rest[last..].find('/').map_or(rest.len(), |at| last + at);
    let (domain, lengths) = rest.split_at(end);
    let of_ipv4 = |text: &str| {
        let length = text.strip_prefix('/');
        text.is_empty() || length.is_some_and(|it| is_prefix(it, 32))
    };
    let fits = match lengths.split_once("//") {
        Some((four, six)) => of_ipv4(four) && is_prefix(six, 128),
        None => of_ipv4(lengths),
    };
    fits && has_domain != domain.is_empty()
}

/// An address, with the length of its prefix or without.
fn is_net(net: &str, longest: u8, is_ip: impl Fn(&str) -> bool) -> bool {
    match net.split_once('/') {
        None => is_ip(net),
        Some((ip, length)) => is_ip(ip) && is_prefix(length, longest),
    }
}

/// A length in bits, without a sign or a zero before it.
fn is_prefix(text: &str, longest: u8) -> bool {
    let length = text.parse::<u8>().ok().filter(|it| *it <= longest);
    length.is_some_and(|it| it.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_known_or_named() {
        let include = |domain: &str| Ok(Term::Include(domain.to_owned()));
        for (text, expected) in [
            ("-all", Ok(Term::All('-'))),
            ("ALL", Ok(Term::All('+'))),
            ("include:_spf.a.example", include("_spf.a.example")),
            ("?include:a.example", include("a.example")),
            (
                "redirect=a.example",
                Ok(Term::Redirect("a.example".to_owned())),
            ),
            ("a", Ok(Term::Lookup)),
            ("mx/24", Ok(Term::Lookup)),
            ("a:mail.a.example/24//64", Ok(Term::Lookup)),
            ("mx//64", Ok(Term::Lookup)),
            ("a/0//0", Ok(Term::Lookup)),
            ("a:%{d1r/}.a.example/32//128", Ok(Term::Lookup)),
            ("a:%{d}/24", Ok(Term::Lookup)),
            ("a:0/25.2.0.192.a.example", Ok(Term::Lookup)),
            ("ptr", Ok(Term::Lookup)),
            ("exists:%{i}.a.example", Ok(Term::Lookup)),
            ("ip4:192.0.2.0/24", Ok(Term::Free)),
            ("ip6:2001:db8::/32", Ok(Term::Free)),
            ("exp=why.a.example", Ok(Term::Free)),
            ("x-thing=1", Ok(Term::Free)),
        ] {
            assert_eq!(term(text), expected, "{text}");
        }
        for wrong in [
            "all:x",
            "include",
            "include:",
            "ip4:192.0.2.0/33",
            "ip4:192.0.2.0/+8",
            "ip4:192.0.2.0/024",
            "a/99",
            "a:a.example/33",
            "mx//129",
            "a:a.example/24//129",
            "a/",
            "a//",
            "a/24/64",
            "a/24//",
            "a///64",
            "a:/24",
            "a:",
            "ip4:2001:db8::1",
            "ip6:192.0.2.1",
            "ipv4:192.0.2.1",
            "-redirect=a.example",
            "redirect=",
            "=x",
            "192.0.2.1",
            "\u{1b}[31m",
            "-",
        ] {
            assert_eq!(term(wrong), Err(format!("\"{wrong}\" is no term of SPF")));
        }
    }
}
