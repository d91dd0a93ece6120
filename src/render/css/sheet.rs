//! A style sheet taken apart: rules, groups of rules, declarations (CSS Syntax Level 3). The template's tags may stand in it.

use std::ops::Range;

use super::super::depth::DEEPEST;
use super::super::tags::{self, Kind};

/// What is wrong with a style sheet, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) problem: &'static str,
}

/// What a sheet is made of; at-rules that hold no rules are left out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Rule(Rule),
    /// `@media`, `@supports`, `@container`: rules that hold now and then.
    Group(Vec<Item>),
}

/// A rule: all of it, and the parts of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) at: Range<usize>,
    pub(super) selectors: Range<usize>,
    /// What stands between its braces.
    pub(super) body: Range<usize>,
}

/// A declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Declaration {
    pub(super) property: Range<usize>,
    /// Without `!important`.
    pub(super) value: Range<usize>,
    pub(super) important: bool,
}

/// The rules in a part of the text.
pub(super) fn items(text: &str, range: Range<usize>) -> Result<Vec<Item>, Wrong> {
    let scan = Scan {
        text,
        end: range.end,
        depth: 0,
    };
    let mut items = Vec::new();
    let mut at = range.start;
    loop {
        at = scan.past_space(at)?;
        if at >= range.end {
            return Ok(items);
        }
        let start = at;
        if text[at..].starts_with('}') {
            return Err(Wrong {
                at,
                problem: "a } too many in the style sheet",
            });
        }
        let is_at_rule = text[at..].starts_with('@');
        let open = scan.until(at, if is_at_rule { b"{;" } else { b"{" })?;
        if open < range.end && text.as_bytes()[open] == b';' {
            at = open + 1;
            continue;
        }
        if open >= range.end {
            if is_at_rule {
                return Ok(items);
            }
            let problem = "a rule of the style sheet has no {…}";
            return Err(Wrong { at: start, problem });
        }
        let close = scan.until(open + 1, b"}")?;
        if close >= range.end {
            let problem = "a { of the style sheet is not closed";
            return Err(Wrong { at: open, problem });
        }
        at = close + 1;
        let body = open + 1..close;
        if is_at_rule {
            let name = text[start + 1..open].to_ascii_lowercase();
            if ["media", "supports", "container"]
                .iter()
                .any(|group| name.starts_with(group))
            {
                items.push(Item::Group(self::items(text, body)?));
            }
        } else {
            let selectors = trimmed(text, start..open);
            items.push(Item::Rule(Rule {
                at: start..at,
                selectors,
                body,
            }));
        }
    }
}

/// The selectors of a list, each where it stands.
pub(super) fn selectors(text: &str, list: Range<usize>) -> Vec<Range<usize>> {
    split(text, list, b',')
}

/// The declarations of a rule; `None` where rules stand in it too.
pub(super) fn declarations(text: &str, body: Range<usize>) -> Option<Vec<Declaration>> {
    let mut found = Vec::new();
    for part in split(text, body, b';') {
        let scan = Scan {
            text,
            end: part.end,
            depth: 0,
        };
        let start = scan.past_space(part.start).ok()?;
        if scan.until(start, b"{").ok()? < part.end {
            return None;
        }
        let colon = scan.until(start, b":").ok()?;
        if colon >= part.end {
            continue;
        }
        let mut value = trimmed(text, colon + 1..part.end);
        let written = &text[value.clone()];
        let flag = written
            .rfind('!')
            .filter(|flag| written[flag + 1..].trim().eq_ignore_ascii_case("important"));
        if let Some(flag) = flag {
            value = trimmed(text, value.start..value.start + flag);
        }
        found.push(Declaration {
            property: trimmed(text, start..colon),
            value,
            important: flag.is_some(),
        });
    }
    Some(found)
}

/// The parts between the separators, trimmed; those that hold nothing are left out.
fn split(text: &str, range: Range<usize>, separator: u8) -> Vec<Range<usize>> {
    let scan = Scan {
        text,
        end: range.end,
        depth: 0,
    };
    let mut parts = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let end = scan
            .until(start, &[separator])
            .unwrap_or(range.end)
            .min(range.end);
        let part = trimmed(text, start..end);
        if !part.is_empty() {
            parts.push(part);
        }
        start = end + 1;
    }
    parts
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start + part.trim().len()
}

struct Scan<'a> {
    text: &'a str,
    end: usize,
    /// Brackets around what is read.
    depth: usize,
}

impl Scan<'_> {
    /// Where the first of the bytes stands that is in no string, comment, bracket or tag; the end when there is none.
    fn until(&self, mut at: usize, wanted: &[u8]) -> Result<usize, Wrong> {
        while at < self.end {
            let byte = self.text.as_bytes()[at];
            if let Some(past) = self.past(at, &["/*", "{{"])? {
                at = past;
            } else if wanted.contains(&byte) {
                return Ok(at);
            } else {
                at = match byte {
                    b'"' | b'\'' => self.string(at)?,
                    b'\\' => at + 2,
                    b'(' => self.closed(at, b")", "a ( of the style sheet is not closed")?,
                    b'[' => self.closed(at, b"]", "a [ of the style sheet is not closed")?,
                    b'{' => self.closed(at, b"}", "a { of the style sheet is not closed")?,
                    _ => at + 1,
                };
            }
        }
        Ok(self.end)
    }

    fn closed(&self, open: usize, close: &[u8], problem: &'static str) -> Result<usize, Wrong> {
        if self.depth == DEEPEST {
            let problem = "too many brackets in each other in the style sheet";
            return Err(Wrong { at: open, problem });
        }
        let within = Scan {
            depth: self.depth + 1,
            ..*self
        };
        match within.until(open + 1, close)? {
            end if end < self.end => Ok(end + 1),
            _ => Err(Wrong { at: open, problem }),
        }
    }

    fn string(&self, open: usize) -> Result<usize, Wrong> {
        let bytes = self.text.as_bytes();
        let mut at = open + 1;
        while at < self.end && bytes[at] != bytes[open] {
            at = match tags::tag(self.text, at) {
                Some(tag) => tag.at.end,
                None => at + 1 + usize::from(bytes[at] == b'\\'),
            };
        }
        if at >= self.end {
            let problem = "a quote of the style sheet is not closed";
            return Err(Wrong { at: open, problem });
        }
        Ok(at + 1)
    }

    /// Behind white space, comments, and tags that print nothing.
    fn past_space(&self, mut at: usize) -> Result<usize, Wrong> {
        while at < self.end {
            let rest = &self.text[at..];
            let space = rest.len() - rest.trim_start().len();
            let tag = tags::tag(self.text, at)
                .filter(|tag| tag.kind != Kind::Print && tag.kind != Kind::Raw);
            at = match self.past(at, &["/*", "<!--", "-->"])? {
                _ if space > 0 => at + space,
                Some(past) => past,
                None => match tag {
                    Some(tag) => tag.at.end,
                    None => break,
                },
            };
        }
        Ok(at.min(self.end))
    }

    /// Behind what begins here, when it is one of these.
    fn past(&self, at: usize, starts: &[&str]) -> Result<Option<usize>, Wrong> {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let Some(start) = starts
            .iter()
            .find(|start| rest.starts_with(start.as_bytes()))
        else {
            return Ok(None);
        };
        match *start {
            "/*" => {
                let end = memchr::memmem::find(&rest[2..], b"*/").map(|end| at + 4 + end);
                let problem = "a comment of the style sheet is not closed";
                let end = end.filter(|end| *end <= self.end);
                end.map(Some).ok_or(Wrong { at, problem })
            }
            "<!--" | "-->" => Ok(Some(at + start.len())),
            _ => Ok(tags::tag(self.text, at).map(|tag| tag.at.end)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shown(text: &str, items: &[Item]) -> String {
        let mut out = String::new();
        for item in items {
            out += &match item {
                Item::Group(items) => format!("({})", shown(text, items)),
                Item::Rule(rule) => {
                    let selectors = selectors(text, rule.selectors.clone());
                    let selectors: Vec<_> = selectors.into_iter().map(|at| &text[at]).collect();
                    let declarations = declarations(text, rule.body.clone()).unwrap();
                    let declarations = declarations.into_iter().map(|declaration| {
                        let flag = if declaration.important { "!" } else { "" };
                        format!(
                            "{}={}{flag};",
                            &text[declaration.property], &text[declaration.value]
                        )
                    });
                    format!(
                        "{}{{{}}}",
                        selectors.join("|"),
                        declarations.collect::<String>()
                    )
                }
            };
        }
        out
    }

    #[test]
    fn rules_are_told_from_what_only_looks_like_them() {
        for (text, expected) in [
            ("a{b:c}", "a{b=c;}"),
            (
                "a , b.c{ d : e f !important ; g:h! Important }",
                "a|b.c{d=e f!;g=h!;}",
            ),
            ("/* x{ */ <!-- a{} --> {{!-- b{ --}} c{;}", "a{}c{}"),
            ("@import url(a;b); @font-face{a:b} @charset 'x';", ""),
            (
                "@media (max-width: 9px) { a{b:c} @supports (d:e) {f{}} }",
                "(a{b=c;}(f{}))",
            ),
            (
                "a[b=\",{\"]{c:url(data:x;y,{z}) ; d:'}\\'' }",
                "a[b=\",{\"]{c=url(data:x;y,{z});d='}\\'';}",
            ),
            ("a{b:{{c}}; d:{{e \"}\"}} f}", "a{b={{c}};d={{e \"}\"}} f;}"),
            ("a{b:c/* ; */;/* d */e:f}", "a{b=c/* ; */;e=f;}"),
            (":is(a,b),c{}", ":is(a,b)|c{}"),
            ("", ""),
            ("@media x", ""),
            ("{{#if a}} b{} {{~else}} c{} {{/if}}", "b{}c{}"),
        ] {
            assert_eq!(
                shown(text, &items(text, 0..text.len()).unwrap()),
                expected,
                "{text}"
            );
        }
        assert_eq!(declarations("a:b;c{d:e}", 0..10), None);
    }

    #[test]
    fn what_is_not_closed_is_said_with_its_place() {
        for (text, at, problem) in [
            ("a{b:c", 1, "a { of the style sheet is not closed"),
            ("@media x{a{}", 8, "a { of the style sheet is not closed"),
            ("a{} b", 4, "a rule of the style sheet has no {…}"),
            ("a{}}", 3, "a } too many in the style sheet"),
            (
                &format!("a{{b:{}", "(".repeat(300)),
                254,
                "too many brackets in each other in the style sheet",
            ),
            ("a{b:(}", 4, "a ( of the style sheet is not closed"),
            ("a{b:'}", 4, "a quote of the style sheet is not closed"),
            ("a{} /* b", 4, "a comment of the style sheet is not closed"),
            ("é[b{}", 2, "a [ of the style sheet is not closed"),
        ] {
            assert_eq!(
                items(text, 0..text.len()),
                Err(Wrong { at, problem }),
                "{text}"
            );
        }
    }
}
