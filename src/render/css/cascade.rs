//! What rules make of an element: the text of its `style` attribute (CSS Cascading Level 4, section 6).

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

/// The declarations of the rules, given in their order, as a `style` attribute has them.
///
/// Of two rules with one property the stronger one's is taken; what one rule says of a property twice, for programs that
/// don't know the second, stays. `!important` stays where the element has a style of its own, which it is to win over.
pub(super) fn style(mut rules: Vec<Held<'_>>, has_own: bool) -> String {
    rules.sort_by_key(|rule| rule.specificity);
    let all = rules.iter().enumerate().flat_map(|(rule, held)| {
        let of_rule = held.declarations.iter();
        of_rule.map(move |declaration| (rule, held.text, declaration))
    });
    // What is important comes last, for it wins.
    let (last, first): (Vec<_>, Vec<_>) =
        all.partition(|(_, _, declaration)| declaration.important);
    let order: Vec<_> = first.into_iter().chain(last).collect();
    let mut style = String::new();
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
        if !style.is_empty() {
            style.push(';');
        }
        style.push_str(&property);
        style.push(':');
        style.push_str(&on_one_line(&text[declaration.value.clone()]));
        if declaration.important && has_own {
            style.push_str(" !important");
        }
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

/// The style in front of what an element's own attribute says, which comes later and so wins: the text to put in place of
/// these bytes. `name_end` is where an attribute goes when there is none.
pub(super) fn attribute(
    source: &str,
    own: Option<&Attribute>,
    name_end: usize,
    style: &str,
) -> (Range<usize>, String) {
    let style = style.replace('&', "&amp;");
    let quoted = |quote: u8| match quote {
        b'\'' if style.contains('"') => style.replace('\'', "&#39;"),
        b'\'' => style.replace('\'', "\""),
        _ if style.contains('\'') => style.replace('"', "&quot;"),
        _ => style.replace('"', "'"),
    };
    let Some(own) = own else {
        return (name_end..name_end, format!(" style=\"{}\"", quoted(b'"')));
    };
    let written = source[own.value.clone()].trim();
    let semicolon = if written.is_empty() { "" } else { ";" };
    match own.quote {
        0 => {
            let written = written.replace('"', "&quot;");
            (
                own.at.clone(),
                format!("style=\"{}{semicolon}{written}\"", quoted(b'"')),
            )
        }
        quote => (
            own.value.clone(),
            format!("{}{semicolon}{written}", quoted(quote)),
        ),
    }
}
