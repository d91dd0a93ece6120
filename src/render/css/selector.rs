//! Selectors: what is known of one before a row is, and how strong it is (Selectors Level 4, section 17).

/// What a selector asks for, where a `style` attribute can take the place of its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asks {
    /// Ids; classes, attributes and pseudo-classes; types.
    pub(super) specificity: [u32; 3],
    /// Whether it asks where an element stands among others.
    pub(super) siblings: bool,
    /// Whether it asks for attributes besides class and id.
    pub(super) attributes: bool,
}

/// What can be known of a selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Asks(Asks),
    /// Only the reader's program knows when it holds: `:hover`.
    Later,
    /// It holds for what no `style` attribute stands for: `::before`, `:root`.
    Elsewhere,
}

/// Pseudo-classes that follow from where an element stands.
const SIBLINGS: &[&str] = &[
    "first-child",
    "last-child",
    "only-child",
    "nth-child",
    "nth-last-child",
    "first-of-type",
    "last-of-type",
    "only-of-type",
    "nth-of-type",
    "nth-last-of-type",
];

/// Pseudo-elements that may be written with one colon.
const ELEMENTS: &[&str] = &["before", "after", "first-line", "first-letter", "root"];

/// What one selector (no list of them) asks for.
pub(super) fn known(selector: &str) -> Known {
    let mut asks = Asks {
        specificity: [0; 3],
        siblings: false,
        attributes: false,
    };
    let mut rest = selector.trim();
    if rest.is_empty() {
        return Known::Elsewhere;
    }
    while let Some(first) = rest.chars().next() {
        rest = &rest[first.len_utf8()..];
        let name_end = |text: &str| {
            text.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
                .unwrap_or(text.len())
        };
        match first {
            '*' | '>' => {}
            c if c.is_whitespace() => {}
            '+' | '~' => asks.siblings = true,
            '#' | '.' => {
                asks.specificity[usize::from(first == '.')] += 1;
                rest = &rest[name_end(rest)..];
            }
            '[' => {
                let Some(end) = rest.find(']') else {
                    return Known::Later;
                };
                asks.specificity[1] += 1;
                asks.attributes = true;
                rest = &rest[end + 1..];
            }
            ':' if rest.starts_with(':') => return Known::Elsewhere,
            ':' => {
                let (name, behind) = rest.split_at(name_end(rest));
                let name = name.to_ascii_lowercase();
                if ELEMENTS.contains(&name.as_str()) {
                    return Known::Elsewhere;
                }
                if !SIBLINGS.contains(&name.as_str()) {
                    return Known::Later;
                }
                asks.specificity[1] += 1;
                asks.siblings = true;
                rest = behind;
                if let Some(argument) = behind.strip_prefix('(') {
                    let Some(end) = argument
                        .find(')')
                        .filter(|end| !argument[..*end].contains("of"))
                    else {
                        return Known::Later;
                    };
                    rest = &argument[end + 1..];
                }
            }
            c if c.is_alphanumeric() || c == '-' || c == '_' => {
                asks.specificity[2] += 1;
                rest = &rest[name_end(rest)..];
            }
            _ => return Known::Later,
        }
    }
    Known::Asks(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_and_what_it_depends_on() {
        for (selector, specificity, siblings, attributes) in [
            ("*", [0, 0, 0], false, false),
            ("p", [0, 0, 1], false, false),
            (" table.wide > tr td.a.b ", [0, 3, 3], false, false),
            ("#main h2 + .größe", [1, 1, 1], true, false),
            ("a[href^='https:']", [0, 1, 1], false, true),
            (
                "tr:nth-child(2n + 1) td:First-Child",
                [0, 2, 2],
                true,
                false,
            ),
        ] {
            let asks = Asks {
                specificity,
                siblings,
                attributes,
            };
            assert_eq!(known(selector), Known::Asks(asks), "{selector}");
        }
        for selector in [
            "a:hover",
            "p:not(.x)",
            "li:nth-child(1 of .x)",
            "a[b",
            "& p",
            "\\31 x",
            "a:is(b, c)",
            "p:empty",
        ] {
            assert_eq!(known(selector), Known::Later, "{selector}");
        }
        for selector in ["p::before", "p:After", ":root", ""] {
            assert_eq!(known(selector), Known::Elsewhere, "{selector}");
        }
    }
}
