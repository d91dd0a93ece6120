//! What the DNS says of a campaign, for people and for programs.

use serde::Serialize;

use crate::dns::recipients::{AtDomain, Recipients};
use crate::dns::{About, Finding, Level};
use crate::wording::{count, printable};

/// Domains that are shown of each kind.
const DOMAINS_SHOWN: usize = 5;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Dns {
    /// The name servers that were asked.
    pub asked: Vec<String>,
    /// Why nobody could be asked; nothing else is known then.
    pub trouble: Option<String>,
    /// Whether a send would be pointless by this.
    pub pointless: bool,
    /// What is known of the sender.
    pub sender: Vec<Finding>,
    /// What is known of the recipients' domains.
    pub recipients: Option<Recipients>,
}

impl Dns {
    /// Nothing, and why.
    pub fn failed(trouble: String) -> Self {
        Dns {
            trouble: Some(trouble),
            ..Dns::default()
        }
    }

    /// What these servers said.
    pub fn told(asked: Vec<String>, sender: Vec<Finding>, recipients: Recipients) -> Self {
        let mut errors = sender.iter().filter(|it| it.level == Level::Error);
        Dns {
            asked,
            trouble: None,
            pointless: errors.next().is_some() || recipients.is_nobody(),
            sender,
            recipients: Some(recipients),
        }
    }

    /// Lines for people, each with its label.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        if let Some(trouble) = &self.trouble {
            return vec![("dns", format!("nothing is known: {}", printable(trouble)))];
        }
        let mut lines = vec![("dns", format!("asked {}", self.asked.join(", ")))];
        for Finding {
            about,
            name,
            level,
            text,
            ..
        } in &self.sender
        {
            let label = match about {
                About::Spf => "spf",
                About::Dkim => "dkim",
                About::Dmarc => "dmarc",
                About::Mx => "mx",
            };
            let level = match level {
                Level::Good | Level::Unknown => "",
                Level::Warning => "warning: ",
                Level::Error => "ERROR: ",
            };
            lines.push((
                label,
                format!("{}: {level}{}", printable(name), printable(text)),
            ));
        }
        lines.extend(self.recipients.iter().flat_map(of_recipients));
        lines
    }
}

fn of_recipients(recipients: &Recipients) -> Vec<(&'static str, String)> {
    let mut text = format!(
        "{}: {} with mail, {} without",
        count(recipients.domains, "domain"),
        recipients.with_mail,
        recipients.without.len()
    );
    if !recipients.unknown.is_empty() {
        text.push_str(&format!(", {} not known", recipients.unknown.len()));
    }
    if recipients.unasked_rows > 0 {
        text.push_str(&format!(
            ", {} not asked for in the time there is ({})",
            recipients.unasked,
            count(recipients.unasked_rows, "row")
        ));
    }
    if recipients.local_rows > 0 {
        let rows = count(recipients.local_rows, "row");
        text.push_str(&format!(
            "; {rows} at an address or a host of your own network"
        ));
    }
    let mut lines = vec![("to", text)];
    for kind in [&recipients.without, &recipients.unknown] {
        lines.extend(kind.iter().take(DOMAINS_SHOWN).map(|it| ("", at(it))));
        let more = kind.iter().skip(DOMAINS_SHOWN);
        let rows: u64 = more.map(|it| it.rows).sum();
        if rows > 0 {
            let domains = count((kind.len() - DOMAINS_SHOWN) as u64, "further domain");
            lines.push((
                "",
                format!("{} at {domains} of this kind", count(rows, "row")),
            ));
        }
    }
    lines
}

/// `2 rows at gone.example (row 3, row 7): no such domain`
fn at(domain: &AtDomain) -> String {
    let first: Vec<_> = domain
        .first
        .iter()
        .map(|row| format!("row {row}"))
        .collect();
    let more = if domain.rows > domain.first.len() as u64 {
        ", …"
    } else {
        ""
    };
    format!(
        "{} at {} ({}{more}): {}",
        count(domain.rows, "row"),
        printable(&domain.domain),
        first.join(", "),
        printable(&domain.why)
    )
}
