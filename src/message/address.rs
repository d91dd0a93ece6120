//! Address fields: a display name, which is data and taken literally, and an address (RFC 5322 section 3.4).

use lettre::Address;

use super::copies::Copy;
use super::header::{ENCODED_LINE, encoded_words, is_printable_ascii};
use crate::recipients::parse_address;

/// Writes the field `name` with one mailbox. `display` holds no forbidden character, `address` is on the wire's terms.
pub(super) fn mailbox(out: &mut String, name: &str, display: Option<&str>, address: &Address) {
    out.push_str(name);
    out.push(':');
    one(out, name.len() + 1, display, address);
    out.push_str("\r\n");
}

/// Writes the field `name` with these mailboxes, each on a line of its own; no field where there are none.
pub(super) fn mailboxes(out: &mut String, name: &str, all: &[Copy]) {
    for (at, Copy { display, address }) in all.iter().enumerate() {
        let column = if at == 0 {
            out.push_str(name);
            out.push(':');
            name.len() + 1
        } else {
            out.push_str(",\r\n");
            0
        };
        // Room for the comma.
        one(out, column + 1, display.as_deref(), address);
    }
    if !all.is_empty() {
        out.push_str("\r\n");
    }
}

/// Writes a space and one mailbox.
fn one(out: &mut String, column: usize, display: Option<&str>, address: &Address) {
    let address: &str = address.as_ref();
    let display = display
        .map(|name| name.trim_matches(' '))
        .filter(|name| !name.is_empty());
    if let Some(display) = display {
        let column = phrase(out, column, display);
        if column + address.len() + 3 > ENCODED_LINE {
            out.push_str("\r\n");
        }
        out.push_str(" <");
        out.push_str(address);
        out.push('>');
    } else {
        out.push(' ');
        out.push_str(address);
    }
}

/// Writes the field `name` with a name within angle brackets that is no address (RFC 2919 section 2).
pub(super) fn listed(out: &mut String, name: &str, display: &str, bracketed: &str) {
    out.push_str(name);
    out.push(':');
    if !display.is_empty() {
        let column = phrase(out, name.len() + 1, display);
        if column + bracketed.len() + 3 > ENCODED_LINE {
            out.push_str("\r\n");
        }
    }
    for piece in [" <", bracketed, ">\r\n"] {
        out.push_str(piece);
    }
}

/// Writes a space and `display` as words, in quotes, or as encoded words; gives the column reached.
fn phrase(out: &mut String, column: usize, display: &str) -> usize {
    // Software that should not look for encoded words within quotes does.
    if !is_printable_ascii(display) || display.contains("=?") {
        return encoded_words(out, column, display);
    }
    let escapes = display.matches(['"', '\\']).count();
    // Never folded: a longer one is encoded, since software differs about line breaks within quotes.
    if column + " \"\"".len() + display.len() + escapes > ENCODED_LINE {
        return encoded_words(out, column, display);
    }
    let start = out.len();
    out.push(' ');
    if is_words(display) {
        out.push_str(display);
    } else {
        out.push('"');
        for c in display.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('"');
    }
    column + out.len() - start
}

/// Whether `display` is atoms with single spaces between them.
fn is_words(display: &str) -> bool {
    display
        .split(' ')
        .all(|word| !word.is_empty() && word.bytes().all(is_atext))
}

/// RFC 5322 section 3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// `address` as it goes over the wire, its domain as A-labels (RFC 5890); before the @ it stays as it is, which takes a
/// server with SMTPUTF8 where that is not ASCII.
///
/// # Errors
/// Why it is no address that a list could hold, and what to do.
pub(super) fn to_wire(address: Address) -> Result<Address, String> {
    let text: &str = address.as_ref();
    if is_printable_ascii(text) && !text.starts_with('"') && !text.contains("=?") {
        return Ok(address);
    }
    parse_address(address.as_ref()).map(|(_, address)| address)
}

/// The address that `text` is, as it goes over the wire.
///
/// # Errors
/// Why it is none, and what to do.
pub(super) fn parse(text: &str) -> Result<Address, String> {
    match text.parse() {
        Ok(address) => to_wire(address),
        Err(_) if text.contains(['<', '>']) => {
            Err("name and address where an address belongs".to_owned())
        }
        // What lettre does not know may be one all the same, in a language of combining signs.
        Err(_) => parse_address(text).map(|(_, address)| address),
    }
}

/// Takes `Name <a@b.example>` or `a@b.example` apart: display name and address, as written.
///
/// Everything before the last `<` is the name, whatever is in it: a cell in it can hold commas, quotes and
/// angle brackets, and is still a name. A pair of double quotes around it is the author's, and left out.
pub(super) fn split(text: &str) -> (&str, &str) {
    let text = text.trim_matches(' ');
    let Some((display, address)) = text
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
    else {
        return ("", text);
    };
    let display = display.trim_matches(' ');
    let display = display
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(display);
    (display.trim_matches(' '), address.trim_matches(' '))
}

/// Whether `text` is `address`, which is as on the wire: the local part as it is, the domain without case and as IDNA.
pub(super) fn is_same(text: &str, address: &Address) -> bool {
    if text.starts_with('"') {
        // It may be written in more ways than one.
        return parse_address(text).is_ok_and(|(_, same)| {
            same.user() == address.user() && same.domain().eq_ignore_ascii_case(address.domain())
        });
    }
    let Some((user, domain)) = text.rsplit_once('@') else {
        return false;
    };
    user == address.user()
        && (domain.eq_ignore_ascii_case(address.domain())
            || (!domain.is_ascii()
                && idna::domain_to_ascii(domain)
                    .is_ok_and(|domain| domain.eq_ignore_ascii_case(address.domain()))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn to(display: &str) -> String {
        let mut out = String::new();
        mailbox(
            &mut out,
            "To",
            Some(display),
            &"jo@a.example".parse().unwrap(),
        );
        out
    }

    #[test]
    fn names_are_words_or_quoted_or_encoded() {
        assert_eq!(to("Jo Li"), "To: Jo Li <jo@a.example>\r\n");
        assert_eq!(to(""), "To: jo@a.example\r\n");
        assert_eq!(to("  "), "To: jo@a.example\r\n");
        assert_eq!(
            to("O'Neill, Jack \"JJ\""),
            "To: \"O'Neill, Jack \\\"JJ\\\"\" <jo@a.example>\r\n"
        );
        assert_eq!(to("a  b"), "To: \"a  b\" <jo@a.example>\r\n");
        assert_eq!(to("back\\"), "To: \"back\\\\\" <jo@a.example>\r\n");
        assert_eq!(
            to("x <evil@b.example>"),
            "To: \"x <evil@b.example>\" <jo@a.example>\r\n"
        );
        assert_eq!(
            to("李, 四"),
            "To: =?utf-8?b?5p2OLCDlm5s=?= <jo@a.example>\r\n"
        );
        assert_eq!(
            to("=?utf-8?q?x?="),
            "To: =?utf-8?b?PT91dGYtOD9xP3g/PQ==?= <jo@a.example>\r\n"
        );
    }

    #[test]
    fn long_names_are_encoded_and_the_address_folded() {
        let wire = to(&"Jo ".repeat(40));
        assert!(
            wire.split("\r\n").all(|line| line.len() <= ENCODED_LINE),
            "{wire}"
        );
        assert!(wire.ends_with(" <jo@a.example>\r\n"), "{wire}");
        let wire = to(&"x".repeat(68));
        assert_eq!(
            wire,
            format!("To: {}\r\n <jo@a.example>\r\n", "x".repeat(68))
        );
    }

    #[test]
    fn everything_before_the_last_angle_bracket_is_the_name() {
        assert_eq!(split("a@b.example"), ("", "a@b.example"));
        assert_eq!(split("<a@b.example>"), ("", "a@b.example"));
        assert_eq!(
            split("Jo <a@b.example>, x <c@d.example>"),
            ("Jo <a@b.example>, x", "c@d.example")
        );
        assert_eq!(split("\"Li, Jo\" <a@b>"), ("Li, Jo", "a@b"));
        assert_eq!(split("\"Jo \"JJ\"\" <a@b>"), ("Jo \"JJ\"", "a@b"));
        assert_eq!(split("\" <a@b>"), ("\"", "a@b"));
        assert_eq!(split("a, b@c"), ("", "a, b@c"));
    }

    #[test]
    fn addresses_are_compared_with_the_domain_without_case_and_as_idna() {
        let address = "Jo@A.example".parse().unwrap();
        assert!(is_same("Jo@a.EXAMPLE", &address));
        assert!(!is_same("jo@a.example", &address));
        assert!(!is_same("x, Jo@a.example", &address));
        assert!(!is_same("", &address));
        assert!(is_same("\"Jo\"@a.example", &address));
        assert!(!is_same("\"jo\"@a.example", &address));
        assert_eq!(parse("\"Jo\"@A.example").unwrap(), address);
        let encoded = parse("=?utf-8?q?a?=@a.example").unwrap_err();
        assert!(encoded.contains("encoded word"), "{encoded}");
        let address = parse("jo@köln.example").unwrap();
        assert!(is_same("jo@KÖLN.example", &address));
        assert!(is_same("jo@XN--kln-sna.example", &address));
        assert!(!is_same("jo@koln.example", &address));
    }

    #[test]
    fn domains_go_over_the_wire_as_ascii_and_what_stands_before_the_at_as_it_is() {
        let wire = |text: &str| parse(text).map(|address| address.to_string()).ok();
        assert_eq!(
            wire("jo@köln.example").as_deref(),
            Some("jo@xn--kln-sna.example")
        );
        assert_eq!(wire("Jo@A.example").as_deref(), Some("Jo@A.example"));
        for local in ["jö", "用户", "क्षमा"] {
            let expected = format!("{local}@xn--kln-sna.example");
            assert_eq!(wire(&format!("{local}@köln.example")), Some(expected));
        }
        for bad in [
            "jo@a.example, x@b.example",
            "J <jö@a.example>",
            "j\u{202e}ö@a.example",
            "\u{85}@a.example",
        ] {
            assert_eq!(wire(bad), None, "{bad:?}");
        }
    }
}
