//! The part after the @: a name, made ASCII where it is not, or an IP address in brackets.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::shown;

/// RFC 1035 section 2.3.4, in octets.
const LONGEST_LABEL: usize = 63;

/// The domain, in ASCII; `[192.0.2.1]` and `[IPv6:2001:db8::1]` are domains too.
pub(super) fn check_domain(domain: &str) -> Result<String, String> {
    if domain.is_empty() {
        return Err("nothing after the @; correct the address".to_owned());
    }
    if let Some(literal) = domain.strip_prefix('[') {
        return match literal.strip_suffix(']') {
            Some(ip) if is_ip(ip) => Ok(domain.to_owned()),
            _ => Err(
                "no IP address between \"[\" and \"]\"; correct it, as in [192.0.2.1]".to_owned(),
            ),
        };
    }
    let ascii = if domain.is_ascii() {
        domain.to_owned()
    } else {
        idna::domain_to_ascii(domain).map_err(|_| {
            "the domain is no valid international name (IDNA); correct it".to_owned()
        })?
    };
    if ascii.ends_with('.') {
        return Err("the domain ends with a dot; take it out".to_owned());
    }
    // What IDNA made of it is checked like what was typed: it turns a full-width bracket into an ASCII one.
    if let Some(c) = ascii
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !"-._".contains(*c))
    {
        return Err(format!(
            "{} may not stand in a domain; correct the address",
            shown(c)
        ));
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err("a dot at the wrong place in the domain; correct the address".to_owned());
        }
        if label.len() > LONGEST_LABEL {
            return Err(format!(
                "a part of the domain has {} characters, where {LONGEST_LABEL} are allowed",
                label.len()
            ));
        }
        if label.starts_with(['-', '_']) || label.ends_with(['-', '_']) {
            return Err(
                "a part of the domain begins or ends with a sign; correct the address".to_owned(),
            );
        }
    }
    Ok(ascii)
}

fn is_ip(text: &str) -> bool {
    match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => text[5..].parse::<Ipv6Addr>().is_ok(),
        _ => text.parse::<Ipv4Addr>().is_ok(),
    }
}
