//! What `check` found, for people on one screen, and as one JSON object.

use std::fmt;

use serde::Serialize;

use super::dns::Dns;
use super::reached::Reached;
use super::reasons::Reason;
use crate::wording::{count, printable};

/// Gmail shows the first 102 KB of a message's HTML, and a link to the rest.
pub const CLIPPED_FROM: usize = 102 << 10;
/// To so many, large mailboxes take a message for bulk mail that wants a way to unsubscribe.
const MANY: u64 = 500;
/// Kinds of invalid rows that are shown.
const REASONS_SHOWN: usize = 5;
/// Columns named in one line.
const COLUMNS_SHOWN: usize = 12;
/// Characters of a tag or URL.
const EXAMPLE: usize = 60;

/// What `check` found.
#[derive(Debug, Serialize)]
pub struct Check {
    /// The campaign.
    pub campaign: String,
    /// The run.
    pub run: String,
    /// Whether a `send` would start.
    pub would_start: bool,
    /// Why not.
    pub stops: Vec<String>,
    /// The list.
    pub list: String,
    /// Its rows; with `group_by`, its groups.
    pub rows: u64,
    /// What they are, in one word.
    #[serde(skip)]
    pub unit: &'static str,
    /// Messages rendered and built.
    pub built: u64,
    /// Those of them that the next send would mail.
    pub due: u64,
    /// Rows that cannot be mailed.
    pub invalid: u64,
    /// Rows whose key an earlier one has.
    pub duplicate: u64,
    /// Rows on a suppress list.
    pub suppressed: u64,
    /// Invalid rows by what is wrong, the most frequent first.
    pub reasons: Vec<Reason>,
    /// Columns that nothing uses.
    pub unused_columns: Vec<String>,
    /// Columns that are printed as they are, with empty cells among them.
    pub empty: Vec<Empty>,
    /// How large the messages are; nothing without any.
    pub size: Option<Sizes>,
    /// Messages whose HTML Gmail cuts off.
    pub clipped: Seen,
    /// Messages with an image without `alt`.
    pub without_alt: Seen,
    /// Messages with a link or an image by `http://`.
    pub in_clear: Seen,
    /// Messages with a link to a file.
    pub nowhere: Seen,
    /// Messages with an address that is not ASCII before the @.
    pub beyond_ascii: Seen,
    /// Messages without somebody of Cc or Bcc who is on a suppress list.
    pub without_copies: Seen,
    /// The campaign has no `unsubscribe`.
    pub no_unsubscribe: bool,
    /// The sender's domain, where none of the `[[dkim]]` signs for it.
    pub unaligned: Option<String>,
    /// The servers, with their limits.
    pub servers: Vec<String>,
    /// How long the run takes at least, in seconds; nothing when a server has no rate.
    pub least_s: Option<f64>,
    /// The same, for people.
    #[serde(skip)]
    pub time: String,
    /// What the servers offered, when they were asked.
    pub reached: Option<Vec<Reached>>,
    /// What the DNS says, when it was asked.
    pub dns: Option<Dns>,
}

/// A column with empty cells that leave a hole in a text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Empty {
    /// Its name.
    pub column: String,
    /// How many rows are mailed with it empty.
    pub rows: u64,
}

/// The sizes of the messages, in bytes.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// As many are larger as are smaller.
    pub median: u64,
    /// The largest one.
    pub largest: u64,
    /// Its row.
    pub largest_row: u64,
}

/// Messages in which something was seen.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// How many.
    pub messages: u64,
    /// The row of the first.
    pub row: Option<u64>,
    /// What was seen in it.
    pub example: Option<String>,
}

impl Seen {
    /// Counts a message in which it was seen.
    pub fn add(&mut self, row: u64, example: String) {
        self.messages += 1;
        if self.row.is_none() {
            // A tag may go over several lines.
            let words: Vec<_> = example.split_whitespace().collect();
            let text = printable(&words.join(" "));
            let short: String = text.chars().take(EXAMPLE).collect();
            let more = if short.len() < text.len() { "…" } else { "" };
            (self.row, self.example) = (Some(row), Some(format!("{short}{more}")));
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.would_start {
            true if self.is_pointless() => {
                "a send would start, and be POINTLESS by what the DNS says"
            }
            true => "a send would start",
            false => "a send would NOT start",
        };
        write!(
            f,
            "\"{}\", run \"{}\": {verdict}",
            printable(&self.campaign),
            self.run
        )?;
        let line = |f: &mut fmt::Formatter<'_>, label: &str, text: &str| {
            write!(f, "\n  {label:<9} {text}")
        };
        for (at, stop) in self.stops.iter().enumerate() {
            line(f, if at == 0 { "because" } else { "" }, &printable(stop))?;
        }
        let list = printable(&self.list);
        line(
            f,
            "list",
            &format!("{list}: {}{}", count(self.rows, self.unit), self.left_out()),
        )?;
        for reason in self.reasons.iter().take(REASONS_SHOWN) {
            let column = reason
                .column
                .as_ref()
                .map(|it| format!("column \"{it}\": "));
            let column = column.unwrap_or_default();
            line(
                f,
                "",
                &format!("{} invalid: {column}{}", reason.rows, reason.reason),
            )?;
            let first = reason.first.iter();
            let first: Vec<_> = first
                .map(|at| format!("row {} (line {})", at.row, at.line))
                .collect();
            let more = if reason.rows > first.len() as u64 {
                ", …"
            } else {
                ""
            };
            line(f, "", &format!("  {}{more}", first.join(", ")))?;
        }
        let more: u64 = self
            .reasons
            .iter()
            .skip(REASONS_SHOWN)
            .map(|it| it.rows)
            .sum();
        if more > 0 {
            line(f, "", &format!("{more} invalid for other reasons"))?;
        }
        let size = self.size.as_ref().map(|size| {
            let (median, largest) = (kilobytes(size.median), kilobytes(size.largest));
            format!(
                "; the median {median}, the largest {largest} (row {})",
                size.largest_row
            )
        });
        let size = size.unwrap_or_default();
        line(
            f,
            "messages",
            &format!("{} built, {} due{size}", self.built, self.due),
        )?;
        for (at, remark) in self.remarks().iter().enumerate() {
            line(f, if at == 0 { "look at" } else { "" }, remark)?;
        }
        for (at, server) in self.servers.iter().enumerate() {
            line(f, if at == 0 { "through" } else { "" }, server)?;
        }
        if !self.servers.is_empty() {
            line(f, "time", &self.time)?;
        }
        for (label, text) in self.dns.iter().flat_map(Dns::lines) {
            line(f, label, &text)?;
        }
        for reached in self.reached.iter().flatten() {
            write!(f, "\n{reached}")?;
        }
        Ok(())
    }
}

impl Check {
    /// Whether the DNS says that no send would be of use.
    pub fn is_pointless(&self) -> bool {
        self.dns.as_ref().is_some_and(|dns| dns.pointless)
    }

    fn left_out(&self) -> String {
        let kinds = [
            (self.invalid, "invalid"),
            (self.duplicate, "duplicate"),
            (self.suppressed, "suppressed"),
        ];
        let kinds = kinds.iter().filter(|(rows, _)| *rows > 0);
        kinds
            .map(|(rows, kind)| format!(", {rows} {kind}"))
            .collect()
    }

    /// What is sent as it is, and somebody should look at.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if !self.unused_columns.is_empty() {
            let shown: Vec<_> = self
                .unused_columns
                .iter()
                .take(COLUMNS_SHOWN)
                .map(|it| printable(it))
                .collect();
            let more = self.unused_columns.len() - shown.len();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            remarks.push(format!(
                "nothing uses the columns {}{more}",
                shown.join(", ")
            ));
        }
        for Empty { column, rows } in &self.empty {
            remarks.push(format!(
                "the column \"{}\" is printed, and empty in {}; {{{{default …}}}} or {{{{#if …}}}} fills the hole",
                printable(column),
                count(*rows, self.unit)
            ));
        }
        for (seen, what) in [
            (
                &self.clipped,
                "HTML over 102 KB, of which Gmail hides the rest",
            ),
            (
                &self.without_alt,
                "an image without alt text (alt=\"\" for decoration)",
            ),
            (
                &self.in_clear,
                "an http:// link; https:// keeps it from being read and changed on the way",
            ),
            (
                &self.nowhere,
                "a link to a file, which nobody can open from a message",
            ),
            (
                &self.without_copies,
                "somebody in cc or bcc who is on a suppress list, and left out",
            ),
            (
                &self.beyond_ascii,
                "an address that only servers with SMTPUTF8 take (check --connect asks whether yours does)",
            ),
        ] {
            if let (Some(row), Some(example)) = (seen.row, &seen.example) {
                let messages = count(seen.messages, "message");
                remarks.push(format!(
                    "{what}: {messages}, the first in row {row}: {example}"
                ));
            }
        }
        if self.no_unsubscribe && self.due >= MANY {
            remarks.push("so many recipients, and no unsubscribe: if this is a newsletter, write [list] with it".to_owned());
        }
        if let Some(domain) = &self.unaligned {
            remarks.push(format!(
                "From is at {domain}, and no [[dkim]] signs for that domain: its DMARC policy counts no other signature"
            ));
        }
        remarks
    }
}

/// `850 bytes`, `4.1 KB`, `12 MB`.
pub fn kilobytes(bytes: u64) -> String {
    match bytes as f64 / 1024.0 {
        _ if bytes < 1024 => count(bytes, "byte"),
        kilo if kilo < 1000.0 => format!("{kilo:.1} KB"),
        kilo => format!("{:.1} MB", kilo / 1024.0),
    }
}
