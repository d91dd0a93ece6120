//! `[message]`: what is sent. Templates are named here, and read elsewhere.

use std::path::{Path, PathBuf};

use lettre::Address;
use lettre::message::Mailbox;
use toml::Spanned;
use toml::de::DeTable;

use super::error::Mistake;
use super::flask_mail::EnvironmentError;
use super::section::Section;
use super::{MessageSettings, attachment, copies, header};

/// The templates when `html` and `text` are absent.
const DEFAULT_HTML: &str = "message.html.hbs";
const DEFAULT_TEXT: &str = "message.txt.hbs";

impl MessageSettings {
    /// A message with nothing but a sender and a subject template.
    pub fn new(from: Mailbox, subject: impl Into<String>) -> Self {
        MessageSettings {
            from,
            reply_to: None,
            to: None,
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: subject.into(),
            html: None,
            text: None,
            inline_css: true,
            headers: Vec::new(),
            envelope_from: None,
            attachments: Vec::new(),
        }
    }
}

/// `sender`: From when `from` is absent.
pub(super) fn read(
    root: &DeTable<'_>,
    dir: &Path,
    sender: impl FnOnce() -> Result<Option<Mailbox>, EnvironmentError>,
) -> Result<MessageSettings, Mistake> {
    let section = Section::of(root, "message", "[message]");
    let missing = |key: &str, example: &str| {
        let name = section.name(key);
        let text = format!("{name} is missing; write {key} = \"{example}\"");
        Mistake::new(section.span(), text)
    };
    let from = match mailbox(&section, "from")? {
        Some(from) => from,
        None => sender()
            .map_err(|error| Mistake::new(section.span(), error))?
            .ok_or_else(|| missing("from", "ACME News <news@acme.example>"))?,
    };
    let subject = template(&section, "subject")?
        .ok_or_else(|| missing("subject", "{{first_name}}, your November digest"))?;

    let mut message = MessageSettings::new(from, subject);
    message.reply_to = mailbox(&section, "reply_to")?;
    message.to = template(&section, "to")?;
    message.cc = copies::read(&section, "cc")?;
    message.bcc = copies::read(&section, "bcc")?;
    message.envelope_from = envelope_from(&section)?;
    message.headers = header::read(
        &section,
        message.reply_to.is_some(),
        root.contains_key("list"),
    )?;
    message.inline_css = section.flag("inline_css")?.unwrap_or(true);
    message.attachments = attachment::read(&section, dir)?;
    (message.html, message.text) = bodies(&section, dir, !message.attachments.is_empty())?;
    Ok(message)
}

/// A setting that is one address, with or without a display name.
fn mailbox(section: &Section<'_>, key: &str) -> Result<Option<Mailbox>, Mistake> {
    let Some(written) = section.filled(key)? else {
        return Ok(None);
    };
    let text = written.get_ref();
    one_address(text).map(Some).ok_or_else(|| {
        let name = section.name(key);
        Mistake::new(
            written.span(),
            format_args!(
                "{name} must be one address, such as \"ACME News <news@acme.example>\", not {text:?}"
            ),
        )
    })
}

/// One address, with or without a display name.
pub(super) fn one_address(text: &str) -> Option<Mailbox> {
    // lettre would take a control character into the display name.
    let address = text.parse().ok();
    address.filter(|_| !text.contains(char::is_control))
}

/// A template for a header's value. Line breaks and tabs may be part of its layout; no other control character can.
fn template(section: &Section<'_>, key: &str) -> Result<Option<String>, Mistake> {
    let Some(written) = section.filled(key)? else {
        return Ok(None);
    };
    check_controls(section, key, &written)?;
    Ok(Some(written.get_ref().to_string()))
}

pub(super) fn check_controls(
    section: &Section<'_>,
    key: &str,
    written: &Spanned<&str>,
) -> Result<(), Mistake> {
    let control = |c: &char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let Some(control) = written.get_ref().chars().find(control) else {
        return Ok(());
    };
    let name = section.name(key);
    let text = format!("{name} has the control character {control:?}; leave it out");
    Err(Mistake::new(written.span(), text))
}

/// `envelope_from`; when no tag is in it, it is known now whether it is an address.
fn envelope_from(section: &Section<'_>) -> Result<Option<String>, Mistake> {
    let key = "envelope_from";
    let text = template(section, key)?;
    match (&text, section.value(key)) {
        (Some(address), Some(value))
            if !address.contains("{{") && address.parse::<Address>().is_err() =>
        {
            let name = section.name(key);
            let text = format!(
                "{name} must be a bare address, such as \"bounce@acme.example\", not {address:?}"
            );
            Err(Mistake::new(value.span(), text))
        }
        _ => Ok(text),
    }
}

/// The HTML and the text template; without the latter the text is made from the HTML, and with attachments a message needs neither.
fn bodies(
    section: &Section<'_>,
    dir: &Path,
    has_attachments: bool,
) -> Result<(Option<PathBuf>, Option<PathBuf>), Mistake> {
    let html = body(section, dir, "html", ".html.hbs", DEFAULT_HTML)?;
    let text = body(section, dir, "text", ".txt.hbs", DEFAULT_TEXT)?;
    if text.is_none() && html.is_none() && !has_attachments {
        let file = dir.join(DEFAULT_TEXT);
        let text = format!(
            "there is no template; write \"{}\", or name one with \"text\" in [message]",
            file.display()
        );
        return Err(Mistake::new(section.span(), text));
    }
    Ok((html, text))
}

/// One template: the one that is named, or else the default one where it exists.
fn body(
    section: &Section<'_>,
    dir: &Path,
    key: &str,
    ending: &str,
    default: &str,
) -> Result<Option<PathBuf>, Mistake> {
    let Some(written) = section.filled(key)? else {
        let file = dir.join(default);
        return Ok(file.is_file().then_some(file));
    };
    let name = *written.get_ref();
    let is_html = key == "html"
        && [".md.hbs", ".mjml.hbs"]
            .iter()
            .any(|ending| name.ends_with(ending));
    if !name.ends_with(ending) && !is_html {
        let setting = section.name(key);
        let others = if key == "html" {
            ", .mjml.hbs or .md.hbs"
        } else {
            ""
        };
        let text =
            format!("{setting} must be a file whose name ends in {ending}{others}, not {name:?}");
        return Err(Mistake::new(written.span(), text));
    }
    let file = dir.join(name);
    if !file.is_file() {
        let shown = file.display();
        let text = format!("there is no template \"{shown}\"; write it");
        return Err(Mistake::new(written.span(), text));
    }
    Ok(Some(file))
}
