//! What rules make of an element: the text of its `style` attribute (CSS Cascading Level 4, section 6).

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::tags::tags;
use super::pieces::Attribute;
use super::sheet::Declaration;

/// A rule that holds for an element.
#[derive(Debug)]
pub(super) struct Held<'a> {
    pub(super) specificity: [u32; 3],
    /// The text that the declarations stand in.
    pub(super) text: &'a str,
    pub(super) declarations: &'a [Declaration],
}

/// The text of a `style` attribute: what stands before and behind what its element says of itself, which wins over what is
/// before it.
#[derive(Debug, Default)]
pub(super) struct Style {
    before: String,
    behind: String,
}

impl Style {
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.behind.is_empty()
    }
}

/// The declarations of the rules, given in their order, as a `style` attribute has them.
///
/// Of two rules with one property the stronger one's is taken; what one rule says of a property twice, for programs that
/// don't know the second, stays. What is important is so in the attribute too, but for properties that `yield` to what is
/// important in the rules that stay: there it wins over its element's own by standing behind it.
pub(super) fn style(mut rules: Vec<Held<'_>>, yields: &BTreeSet<String>) -> Style {
    rules.sort_by_key(|rule| rule.specificity);
    let all = rules.iter().enumerate().flat_map(|(rule, held)| {
        let of_rule = held.declarations.iter();
        of_rule.map(move |declaration| (rule, held.text, declaration))
    });
    // What is important comes last, for it wins.
    let (last, first): (Vec<_>, Vec<_>) =
        all.partition(|(_, _, declaration)| declaration.important);
    let order: Vec<_> = first.into_iter().chain(last).collect();
    let mut style = Style::default();
    for (index, (rule, text, declaration)) in order.iter().enumerate() {
        let name = |text: &str, declaration: &Declaration| {
            text[declaration.property.clone()].to_ascii_lowercase()
        };
        let property = name(text, declaration);
        let overridden = order[index + 1..].iter().any(|(other, other_text, later)| {
            (other != rule || later.important != declaration.important)
                && name(other_text, later) == property
        });
        if overridden {
            continue;
        }
        let yields = declaration.important && yields.contains(&property);
        let flag = if declaration.important && !yields {
            " !important"
        } else {
            ""
        };
        let value = on_one_line(&text[declaration.value.clone()]);
        let part = if yields {
            &mut style.behind
        } else {
            &mut style.before
        };
        let semicolon = if part.is_empty() { "" } else { ";" };
        part.push_str(&format!("{semicolon}{property}:{value}{flag}"));
    }
    style
}

/// Without comments, those of the template too, and with a space for each line break.
fn on_one_line(value: &str) -> String {
    let mut text = value.to_owned();
    for tag in tags(value).into_iter().rev() {
        text.replace_range(tag.at, "");
    }
    while let Some(start) = text.find("/*").filter(|_| !text.contains(['"', '\''])) {
        let end = text[start..]
            .find("*/")
            .map_or(text.len(), |end| start + end + 2);
        text.replace_range(start..end, "");
    }
    if text.contains(['\n', '\t']) {
        text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    text.trim().to_owned()
}

/// The style together with what an element's own attribute says, which stays as it is: the text to put in place of these
/// bytes. `name_end` is where an attribute goes when there is none.
pub(super) fn attribute(
    source: &str,
    own: Option<&Attribute>,
    name_end: usize,
    style: &Style,
) -> (Range<usize>, String) {
    let quote = own.map_or(b'"', |own| own.quote.max(b'"'));
    let quoted = |style: &str| {
        let style = style.replace('&', "&amp;");
        match quote {
            b'\'' if style.contains('"') => style.replace('\'', "&#39;"),
            b'\'' => style.replace('\'', "\""),
            _ if style.contains('\'') => style.replace('"', "&quot;"),
            _ => style.replace('"', "'"),
        }
    };
    let written = own.map_or("", |own| source[own.value.clone()].trim());
    let written = match own {
        Some(own) if own.quote == 0 => written.replace('"', "&quot;"),
        _ => written.to_owned(),
    };
    let mut value = quoted(&style.before);
    for part in [written, quoted(&style.behind)] {
        let joined = value.is_empty() || part.is_empty() || ends_declaration(&value);
        value.push_str(if joined { "" } else { ";" });
        value.push_str(&part);
    }
    match own {
        None => (name_end..name_end, format!(" style=\"{value}\"")),
        Some(own) if own.quote == 0 => (own.at.clone(), format!("style=\"{value}\"")),
        Some(own) => (own.value.clone(), value),
    }
}

/// Whether a `;` stands at the end that separates declarations, and is not the last character of a `&quot;`.
fn ends_declaration(value: &str) -> bool {
    let Some(before) = value.strip_suffix(';') else {
        return false;
    };
    let name = before.rsplit_once('&').map(|(_, name)| name);
    !name.is_some_and(|name| {
        let name = name.strip_prefix('#').unwrap_or(name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
