//! A command line taken apart (RFC 5321 section 4.1.1). Pure.

/// The commands that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// EHLO.
    Ehlo,
    /// HELO.
    Helo,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// BDAT (RFC 3030).
    Bdat,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// QUIT.
    Quit,
    /// Anything else, lines that break the rules included.
    Other,
}

impl Verb {
    /// How many there are.
    pub(super) const COUNT: usize = Verb::Other as usize + 1;

    /// The verb of a line, and what follows it, without the spaces around.
    pub(super) fn split(line: &[u8]) -> (Verb, &[u8]) {
        let end = line
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let mut word = <[u8; 4]>::try_from(word).unwrap_or_default();
        word.make_ascii_uppercase();
        let verb = match &word {
            b"EHLO" => Verb::Ehlo,
            b"HELO" => Verb::Helo,
            b"MAIL" => Verb::Mail,
            b"RCPT" => Verb::Rcpt,
            b"DATA" => Verb::Data,
            b"BDAT" => Verb::Bdat,
            b"RSET" => Verb::Rset,
            b"NOOP" => Verb::Noop,
            b"VRFY" => Verb::Vrfy,
            b"QUIT" => Verb::Quit,
            _ => Verb::Other,
        };
        (verb, rest.trim_ascii())
    }
}

/// The path after `FROM:` or `TO:` (the label, in capitals): the address between the angle brackets, and the
/// parameters after it. `None` when it is not of that form. A quoted local part may hold `>` and spaces.
pub(super) fn path<'a>(argument: &'a str, label: &str) -> Option<(&'a str, &'a str)> {
    let (head, rest) = argument.split_at_checked(label.len())?;
    let inside = rest
        .strip_prefix('<')
        .filter(|_| head.eq_ignore_ascii_case(label))?;
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            0..=31 | 127 => return None,
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => {
                let parameters = &inside[at + 1..];
                let apart = parameters.is_empty() || parameters.starts_with(' ');
                return apart.then_some((&inside[..at], parameters));
            }
            b' ' | b'<' if !quoted => return None,
            _ => {}
        }
    }
    None
}

/// Whether this looks like a mailbox: something, `@`, and a domain or an address literal. No more is asked.
pub(super) fn is_mailbox(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let literal = domain.starts_with('[') && domain.ends_with(']');
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte >= 128)
    };
    let atom =
        |atom: &str| !atom.is_empty() && !atom.contains(['"', '@', ',', ';', ':', '(', ')', '\\']);
    (quoted || local.split('.').all(atom)) && (literal || domain.split('.').all(label))
}

/// The count of a BDAT, and whether it is the last chunk (RFC 3030 section 2).
pub(super) fn chunk(argument: &[u8]) -> Option<(u64, bool)> {
    let mut words = argument
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let count = number(words.next()?)?;
    let last = match words.next() {
        Some(word) if word.eq_ignore_ascii_case(b"LAST") => true,
        Some(_) => return None,
        None => false,
    };
    words.next().is_none().then_some((count, last))
}

/// A decimal number, digits alone.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(text).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_compared_without_case() {
        for (line, verb, rest) in [
            (&b"mail FROM:<>"[..], Verb::Mail, &b"FROM:<>"[..]),
            (b"QUIT", Verb::Quit, b""),
            (b"bDat  5 last ", Verb::Bdat, b"5 last"),
            (b"DATAX", Verb::Other, b""),
            (b"", Verb::Other, b""),
            (b"\xff\xff\xff\xff a", Verb::Other, b"a"),
        ] {
            assert_eq!(Verb::split(line), (verb, rest));
        }
    }

    #[test]
    fn paths() {
        for (argument, expected) in [
            ("FROM:<>", Some(("", ""))),
            ("from:<a@b> SIZE=1", Some(("a@b", " SIZE=1"))),
            (r#"FROM:<"a> \"b"@c>"#, Some((r#""a> \"b"@c"#, ""))),
            ("FROM: <a@b>", None),
            ("FROM:a@b", None),
            ("FROM:<a@b", None),
            ("FROM:<a@b>SIZE=1", None),
            ("FROM:<a b@c>", None),
            ("FROM:<a\tb@c>", None),
            ("TO:<a@b>", None),
            ("FROMé<a@b>", None),
        ] {
            assert_eq!(path(argument, "FROM:"), expected, "{argument}");
        }
    }

    #[test]
    fn mailboxes() {
        for good in [
            "a@b",
            "a.b+c@d.example",
            "\"a b\"@c.example",
            "a@[127.0.0.1]",
            "é@bücher.example",
        ] {
            assert!(is_mailbox(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b..c",
            "a..b@c",
            "a@b@c",
            "@x:a@b",
            "a,b@c",
            "a@b.example.",
            "a@b_c",
        ] {
            assert!(!is_mailbox(bad), "{bad}");
        }
    }

    #[test]
    fn chunks() {
        for (argument, expected) in [
            (&b"5"[..], Some((5, false))),
            (b"0 LAST", Some((0, true))),
            (b"5 last", Some((5, true))),
            (b"", None),
            (b"-5", None),
            (b"+5", None),
            (b"5 LAST LAST", None),
            (b"5 FIRST", None),
            (b"99999999999999999999", None),
        ] {
            assert_eq!(chunk(argument), expected);
        }
    }
}
