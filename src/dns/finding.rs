//! What was found of one record, and how bad it is.

use serde::Serialize;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// Who may send for the domain (RFC 7208).
    Spf,
    /// The public key of a signature (RFC 6376).
    Dkim,
    /// What is to become of mail that neither proves (RFC 9989).
    Dmarc,
    /// Where bounces and replies go (RFC 5321 section 5.1).
    Mx,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Good,
    /// No name server told.
    Unknown,
    /// Some receivers will mind.
    Warning,
    /// Sending so is pointless.
    Error,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// The name that was asked for.
    pub name: String,
    /// How bad it is.
    pub level: Level,
    /// For people; from the DNS, so not safe to print as it is.
    pub text: String,
    /// The record, where there is one.
    pub record: Option<String>,
}

impl Finding {
    /// A finding without a record.
    pub(super) fn new(about: About, name: &str, level: Level, text: impl Into<String>) -> Self {
        Finding {
            about,
            name: name.to_owned(),
            level,
            text: text.into(),
            record: None,
        }
    }

    /// With the record that it is about.
    #[must_use]
    pub(super) fn with(self, record: &str) -> Self {
        Finding {
            record: Some(record.to_owned()),
            ..self
        }
    }
}

/// Characters of a text from the DNS that are shown in a line.
const SHOWN: usize = 60;

/// The text, cut where it is long: whoever writes a record may write 64 KiB.
pub(super) fn short(text: &str) -> String {
    let start: String = text.chars().take(SHOWN).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{start}{more}")
}
