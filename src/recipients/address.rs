//! Is this cell one address, and which? RFC 5321 section 4.1.2, with the mistakes of real lists named.
//!
//! What is accepted here goes into `RCPT TO:<...>` and a header as it is: no control character, and no
//! space or angle bracket outside a quoted local part, may ever get through. Before the @ there may be any language
//! (RFC 6531 section 3.3); the domain is ASCII.

use lettre::Address;

use super::domain::check_domain;
use super::error::{shown, spell};

/// RFC 5321 section 4.5.3.1.1, in octets.
const LONGEST_LOCAL: usize = 64;
/// RFC 5321 section 4.5.3.1.3, in octets: a path has 256, two of them angle brackets.
const LONGEST_ADDRESS: usize = 254;

/// Reads the address of a cell, and the display name of a cell like `Jane Doe <jane@x.example>`.
///
/// White space around it is trimmed. The local part stays as it is, without quotes that it does not need; so does an ASCII
/// domain; any other domain becomes its A-label form (RFC 5890). The address has at most 254 octets, ASCII but for the local part.
///
/// # Errors
/// What is wrong and what to do, in lower case, without a full stop, safe to print.
pub fn parse_address(cell: &str) -> Result<(Option<String>, Address), String> {
    let cell = cell.trim();
    if is_plain(cell)
        && let Ok(address) = cell.parse()
    {
        return Ok((None, address));
    }
    if cell.is_empty() {
        return Err("the address is empty; fill it in".to_owned());
    }
    if let Some(c) = cell.chars().find(|c| c.is_control()) {
        return Err(format!("a {} in the address; delete it", spell(c)));
    }
    if cell
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("mailto:"))
    {
        return Err("\"mailto:\" belongs to links; leave it out".to_owned());
    }
    let (display, bare) = take_apart(cell)?;
    Ok((display, parse_bare(bare)?))
}

/// The common case, decided in one pass: one @, and no byte that could mean anything else.
fn is_plain(cell: &str) -> bool {
    let mut at = None;
    for (index, &byte) in cell.as_bytes().iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {}
            b'+' if at.is_none() => {}
            b'@' if at.is_none() => at = Some(index),
            _ => return false,
        }
    }
    // Lengths within labels, and where dots and hyphens may stand, are checked by whoever parses it.
    at.is_some_and(|at| at <= LONGEST_LOCAL) && cell.len() <= LONGEST_ADDRESS
}

/// `Name <address>` as name and address; what has no angle bracket outside quotes is all address.
fn take_apart(cell: &str) -> Result<(Option<String>, &str), String> {
    let Some(open) = find_outside_quotes(cell, '<') else {
        return Ok((None, cell));
    };
    let (name, rest) = (cell[..open].trim(), &cell[open + 1..]);
    let Some(close) = find_outside_quotes(rest, '>') else {
        return Err("a \"<\" without its \">\"; write it as Name <address>".to_owned());
    };
    let (bare, after) = (rest[..close].trim(), rest[close + 1..].trim());
    if after.contains('@') || (name.contains('@') && name.contains([',', ';']) && !is_quoted(name))
    {
        return Err(several());
    }
    if !after.is_empty() {
        return Err("text after the \">\"; write it as Name <address>".to_owned());
    }
    if bare.is_empty() {
        return Err("nothing between \"<\" and \">\"; fill the address in".to_owned());
    }
    let name = if is_quoted(name) {
        unquote(name)
    } else {
        name.to_owned()
    };
    let name = name.trim();
    Ok(((!name.is_empty()).then(|| name.to_owned()), bare))
}

fn parse_bare(bare: &str) -> Result<Address, String> {
    let unquoted;
    let (local, domain) = if bare.starts_with('"') {
        let (local, domain) = split_quoted(bare)?;
        unquoted = simplest(local);
        (unquoted.as_str(), domain)
    } else {
        split_plain(bare)?
    };
    // IDNA takes one for a letter of the domain, and SMTPUTF8 for one before the @.
    if let Some(c) = local
        .chars()
        .chain(domain.chars())
        .find(|c| QUOTES.contains(c))
    {
        let straight = if QUOTES[..4].contains(&c) { '\'' } else { '"' };
        return Err(format!(
            "a typographic quote ({c}) in the address; take it out, or write {straight} where it belongs there"
        ));
    }
    if local.is_empty() {
        return Err("nothing before the @; correct the address".to_owned());
    }
    if let Some(c) = local.chars().find(|&c| is_unseen(c)) {
        return Err(format!(
            "an invisible character (U+{:04X}) before the @; delete it",
            u32::from(c)
        ));
    }
    if local.len() > LONGEST_LOCAL {
        let unit = if local.is_ascii() {
            "characters"
        } else {
            "bytes"
        };
        return Err(format!(
            "{} {unit} before the @, where {LONGEST_LOCAL} are allowed",
            local.len()
        ));
    }
    if !local.starts_with('"') {
        check_dot_atom(local)?;
    }
    if local.contains("=?") {
        return Err(
            "\"=?\" before the @ begins an encoded word (RFC 2047), out of which mail programs read another address; \
             correct the address"
                .to_owned(),
        );
    }
    let domain = check_domain(domain)?;
    let length = local.len() + 1 + domain.len();
    if length > LONGEST_ADDRESS {
        return Err(format!(
            "the address has {length} characters, where {LONGEST_ADDRESS} are allowed"
        ));
    }
    if !local.is_ascii() && !local.starts_with('"') {
        // lettre knows no combining signs: it refuses Hindi names.
        return Ok(Address::new_dangerous(local, domain));
    }
    Address::new(local, domain)
        .map_err(|_| "this is no address; correct it, as in jane@x.example".to_owned())
}

/// Quotes as word processors write them; single ones first.
const QUOTES: [char; 12] = ['‘', '’', '‚', '‛', '“', '”', '„', '‟', '«', '»', '‹', '›'];

/// Whether this is in an address by mistake, or to deceive: what cannot be seen and means nothing there, and what turns the
/// direction of the text around it. The two joiners are letters' own in Persian and in Indian languages.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Local part and domain of `"local part"@domain`.
fn split_quoted(bare: &str) -> Result<(&str, &str), String> {
    let end = closing_quote(bare).ok_or("a quote (\") is opened and never closed; close it")?;
    let (local, rest) = bare.split_at(end + 1);
    match rest.strip_prefix('@') {
        Some(domain) if domain.contains('@') => Err(several()),
        Some(domain) => Ok((local, domain)),
        None => Err("no @ after the quoted part; correct the address".to_owned()),
    }
}

/// The simplest way to write a quoted local part: quotes and backslashes that need not be there make no other mailbox
/// (RFC 5321 section 4.1.2), and whoever is known by one way must be known by each.
fn simplest(quoted: &str) -> String {
    let content = unquote(quoted);
    if check_dot_atom(&content).is_ok() && !content.contains(char::is_whitespace) {
        return content;
    }
    let mut local = String::from('"');
    for c in content.chars() {
        if matches!(c, '"' | '\\') {
            local.push('\\');
        }
        local.push(c);
    }
    local.push('"');
    local
}

/// Local part and domain of an address without quotes; the usual mistakes are told apart here.
fn split_plain(bare: &str) -> Result<(&str, &str), String> {
    if bare.contains(['(', ')']) {
        return Err("a comment in parentheses is no part of an address; take it out".to_owned());
    }
    let ats = bare.matches('@').count();
    if ats > 1 {
        return Err(several());
    }
    if let Some(c) = bare
        .chars()
        .find(|c| matches!(c, ',' | ';' | '<' | '>' | '"'))
    {
        return Err(format!("a stray {} in the address; take it out", shown(c)));
    }
    let Some((local, domain)) = bare.split_once('@') else {
        return Err("no @ in the address; correct it, as in jane@x.example".to_owned());
    };
    if bare.contains(char::is_whitespace) {
        return Err("a space inside the address; take it out".to_owned());
    }
    Ok((local, domain))
}

/// RFC 5321 Dot-string.
fn check_dot_atom(local: &str) -> Result<(), String> {
    if local.split('.').any(str::is_empty) {
        return Err("a dot at the wrong place before the @; correct the address".to_owned());
    }
    // RFC 6531 section 3.3: whatever is not ASCII, too. U+FFFD stands where a character was lost.
    let allowed = |c: char| match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c),
        false => c != char::REPLACEMENT_CHARACTER,
    };
    match local.chars().find(|&c| !allowed(c)) {
        Some(c) => Err(format!(
            "{} may not stand before the @; correct the address",
            shown(c)
        )),
        None => Ok(()),
    }
}

fn several() -> String {
    "more than one address in the cell; give each a row of its own".to_owned()
}

fn find_outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut at = 0;
    while let Some(next) = text[at..].find(['"', wanted]) {
        at += next;
        if text[at..].starts_with(wanted) {
            return Some(at);
        }
        at += closing_quote(&text[at..])? + 1;
    }
    None
}

/// Where the quote is closed that the text begins with; a backslash takes the next character as it is.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().skip(1).find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn is_quoted(name: &str) -> bool {
    name.starts_with('"') && closing_quote(name).is_some_and(|end| end + 1 == name.len())
}

/// A quoted string (RFC 5322 section 3.2.4) without its quotes.
fn unquote(name: &str) -> String {
    let mut escaped = false;
    name[1..name.len() - 1]
        .chars()
        .filter(|&c| {
            escaped = c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

#[cfg(test)]
mod tests;
