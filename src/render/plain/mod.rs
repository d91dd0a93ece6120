//! The text of an HTML message, for readers without HTML: paragraphs, lists, table rows, and where links lead.
//!
//! From the HTML as it is rendered, once a message, in one pass without a tree: markup that mail has is plain enough, and
//! what is wrong in it costs a line break at most.

mod entities;
mod tags;
mod writer;

use tags::{Tag, next};
use writer::Writer;

/// Elements whose content nobody reads.
const UNSEEN: [&str; 7] = [
    "head", "style", "script", "title", "template", "object", "svg",
];

/// Writes the text of `html`, its lines ended by LF.
pub(super) fn text_of(html: &str, out: &mut String) {
    out.clear();
    let mut page = Page {
        to: Writer::new(out),
        links: Vec::new(),
        lists: Vec::new(),
        pre: 0,
    };
    let mut rest = html;
    while let Some((text, tag, behind)) = next(rest) {
        page.text(text);
        rest = behind;
        let Some(tag) = tag else { continue };
        if !tag.closes && (UNSEEN.contains(&tag.name.as_str()) || is_hidden(&tag)) {
            rest = past(behind, &tag);
        } else if tag.closes {
            page.close(&tag.name);
        } else {
            page.open(&tag);
        }
    }
    page.text(rest);
    page.to.finish();
}

/// As preheaders are, which a list of messages shows beside the subject.
fn is_hidden(tag: &Tag<'_>) -> bool {
    if tag.is_void() {
        return false;
    }
    let style = tag
        .attribute("style")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let style: String = style.split_ascii_whitespace().collect();
    style.contains("display:none") || tag.attribute("hidden").is_some()
}

/// What is behind the element that `tag` opened.
fn past<'a>(html: &'a str, tag: &Tag<'_>) -> &'a str {
    let mut depth = 1;
    let mut rest = html;
    while let Some((_, inner, behind)) = next(rest) {
        rest = behind;
        if let Some(inner) = inner.filter(|inner| inner.name == tag.name) {
            depth = if inner.closes { depth - 1 } else { depth + 1 };
        }
        if depth == 0 {
            return rest;
        }
    }
    ""
}

/// Where in the page the text is.
struct Page<'a> {
    to: Writer<'a>,
    /// Where each link leads, and how much was written before it.
    links: Vec<(String, usize)>,
    /// The number of the next item, in lists that have numbers.
    lists: Vec<Option<usize>>,
    pre: usize,
}

impl Page<'_> {
    fn text(&mut self, text: &str) {
        let text = entities::decoded(text);
        if self.pre == 0 {
            return self.to.flow(&text);
        }
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.to.line();
            }
            self.to.flow(line);
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            "br" => self.to.line(),
            "hr" => {
                self.to.paragraph();
                self.to.flow("----------");
                self.to.paragraph();
            }
            "img" => {
                let alt = tag.attribute("alt").unwrap_or_default();
                self.to.flow(&entities::decoded(alt));
            }
            "a" => {
                let href = entities::decoded(tag.attribute("href").unwrap_or_default().trim());
                self.links.push((href.into_owned(), self.to.written()));
            }
            "td" | "th" => self.to.cell(),
            "ul" => self.list(None),
            "ol" => self.list(Some(1)),
            "li" => {
                self.to.line();
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    _ => "-".to_owned(),
                };
                self.to.item(&mark, self.lists.len());
            }
            "blockquote" => {
                self.to.paragraph();
                self.to.quote(1);
            }
            name => {
                self.pre += usize::from(name == "pre");
                self.around(name);
            }
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => {
                if let Some((href, before)) = self.links.pop() {
                    self.link(&href, before);
                }
            }
            "ul" | "ol" => {
                self.lists.pop();
                self.to.outdent(self.lists.len());
                if self.lists.is_empty() {
                    self.to.paragraph();
                }
            }
            "li" => self.to.line(),
            "blockquote" => {
                self.to.paragraph();
                self.to.quote(-1);
            }
            name => {
                self.pre = self.pre.saturating_sub(usize::from(name == "pre"));
                self.around(name);
            }
        }
    }

    fn list(&mut self, number: Option<usize>) {
        match self.lists.is_empty() {
            true => self.to.paragraph(),
            false => self.to.line(),
        }
        self.lists.push(number);
    }

    fn around(&mut self, name: &str) {
        match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "pre" | "dl" | "figure" => {
                self.to.paragraph();
            }
            "div" | "tr" | "section" | "article" | "header" | "footer" | "main" | "nav"
            | "center" | "address" | "dt" | "dd" | "figcaption" | "form" | "caption" => {
                self.to.line()
            }
            _ => {}
        }
    }

    /// Where the text since `before` leads, unless it says so itself.
    fn link(&mut self, href: &str, before: usize) {
        let shown = self.to.since(before).trim();
        let is_elsewhere = !href.is_empty() && !href.starts_with('#');
        let plain = href.strip_prefix("mailto:").unwrap_or(href);
        let bare = |url: &str| {
            let url = url
                .strip_prefix("https://")
                .or(url.strip_prefix("http://"))
                .unwrap_or(url);
            url.trim_end_matches('/').to_owned()
        };
        if is_elsewhere && bare(shown) != bare(plain) {
            self.to.flow(&format!(" <{plain}>"));
        }
    }
}

#[cfg(test)]
mod tests;
