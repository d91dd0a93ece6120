//! What may stand in an envelope, by the grammar of RFC 5321 and RFC 6531: written anew here, to judge mailrun's judge.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Stops at an address that is no Mailbox of RFC 5321 section 4.1.2, beyond ASCII in an atom before the @ alone, or is too long for one.
pub fn assert_is_mailbox(address: &str) {
    let wrong = why_no_mailbox(address);
    assert!(
        wrong.is_none(),
        "{address:?}: {}",
        wrong.unwrap_or_default()
    );
}

fn why_no_mailbox(address: &str) -> Option<&'static str> {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return Some("no @");
    };
    if address.len() > 254 || local.len() > 64 || domain.len() > 255 {
        return Some("too long");
    }
    let quoted = local.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    match quoted {
        Some(inside) if !is_quoted_content(inside) => return Some("the quoted part"),
        None if !local.split('.').all(is_atom) => return Some("the part before the @"),
        _ => {}
    }
    match domain.strip_prefix('[') {
        Some(literal) if !literal.strip_suffix(']').is_some_and(is_ip) => Some("the literal"),
        None if !domain.split('.').all(is_label) => Some("the domain"),
        _ => None,
    }
}

/// QcontentSMTP; a space is one too.
fn is_quoted_content(text: &str) -> bool {
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let fits = match byte {
            b'\\' => matches!(rest.next(), Some(b' '..=b'~')),
            b'"' => false,
            _ => matches!(byte, b' '..=b'~'),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// With RFC 6531 section 3.3: whatever is not ASCII, too; a control character and white space are in no address all the same.
fn is_atom(text: &str) -> bool {
    let fits = |c: char| match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c),
        false => !c.is_control() && !c.is_whitespace(),
    };
    !text.is_empty() && text.chars().all(fits)
}

/// As RFC 5321 has it, and with underscores inside, which names in the DNS do have.
fn is_label(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let ends = |byte: Option<u8>| byte.is_some_and(|it| it.is_ascii_alphanumeric());
    text.len() <= 63
        && text.bytes().all(fits)
        && ends(text.bytes().next())
        && ends(text.bytes().last())
}

fn is_ip(text: &str) -> bool {
    match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => text[5..].parse::<Ipv6Addr>().is_ok(),
        _ => text.parse::<Ipv4Addr>().is_ok(),
    }
}
