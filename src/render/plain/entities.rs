//! Character references of HTML.

use std::borrow::Cow;

/// The named ones that letters are written with; any other stands as it is.
const NAMED: [(&str, &str); 33] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("ensp", " "),
    ("emsp", " "),
    ("thinsp", " "),
    ("zwnj", ""),
    ("zwj", ""),
    ("shy", ""),
    ("copy", "©"),
    ("reg", "®"),
    ("trade", "™"),
    ("hellip", "…"),
    ("mdash", "—"),
    ("ndash", "–"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("laquo", "«"),
    ("raquo", "»"),
    ("euro", "€"),
    ("pound", "£"),
    ("middot", "·"),
    ("bull", "•"),
    ("times", "×"),
    ("larr", "←"),
    ("rarr", "→"),
    ("deg", "°"),
    ("sect", "§"),
];

/// The text that HTML's stands for.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('&') else {
        return Cow::Borrowed(text);
    };
    let mut out = text[..first].to_owned();
    let mut rest = &text[first..];
    while let Some(behind) = rest.strip_prefix('&') {
        let reference = behind.split_once(';').filter(|(name, _)| name.len() <= 8);
        let meant = reference.and_then(|(name, behind)| Some((meaning(name)?, behind)));
        rest = match meant {
            Some((meant, behind)) => {
                out.push_str(&meant);
                behind
            }
            None => {
                out.push('&');
                behind
            }
        };
        let next = rest.find('&').unwrap_or(rest.len());
        out.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(out)
}

fn meaning(name: &str) -> Option<Cow<'static, str>> {
    let Some(number) = name.strip_prefix('#') else {
        let known = NAMED.iter().find(|(known, _)| *known == name);
        return known.map(|(_, meant)| Cow::Borrowed(*meant));
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    let c = char::from_u32(code.ok()?)?;
    Some(match c {
        // What fills preheaders, and has no width or no ink.
        '\u{34f}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {
            Cow::Borrowed("")
        }
        c if c.is_whitespace() || c.is_control() => Cow::Borrowed(" "),
        c => Cow::Owned(c.to_string()),
    })
}
