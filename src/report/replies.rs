//! The replies that kept recipients from being accepted, the same ones counted together, and how many of Cc and Bcc
//! were refused.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::advice::{Refusal, advice};
use crate::ledger::LedgerError;
use crate::ledger::entry::{Entry, State};
use crate::ledger::standing::{KeyHash, Standing, Standings};
use crate::wording::printable;

/// A reply that some recipients got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frequent {
    /// How many recipients.
    pub recipients: u64,
    /// The reply; what differs from recipient to recipient is an ellipsis.
    pub reply: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// What a ledger tells of refusals.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// To those who failed or are deferred, the most frequent first.
    pub frequent: Vec<Frequent>,
    /// How many of Cc and Bcc were refused, of messages that went to the others.
    pub copies: u64,
}

/// Different replies that are told apart; more come of texts that are never the same twice.
const MOST: usize = 10_000;

/// The replies in the ledger at `path`.
///
/// # Errors
/// What reading gives.
pub fn read(path: &Path, standings: &Standings) -> Result<Replies, LedgerError> {
    let io = |source| LedgerError::io(path, "read the ledger", source);
    let mut lines = BufReader::with_capacity(1 << 18, File::open(path).map_err(io)?);
    // These are looked for byte by byte: most lines have none of them, and need not be read.
    let told = [
        "\"state\":\"failed\"",
        "\"state\":\"deferred\"",
        "\"refused\":[",
    ];
    let told = told.map(memchr::memmem::Finder::new);
    let mut found: HashMap<String, Frequent> = HashMap::new();
    let (mut line, mut copies) = (Vec::new(), 0);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(io)? == 0 {
            break;
        }
        if told.iter().all(|text| text.find(&line).is_none()) {
            continue;
        }
        // A torn end, or a line of a kind that the replay has judged.
        let Ok(entry) = serde_json::from_slice::<Entry<'_>>(&line) else {
            continue;
        };
        let Some(slot) = standings.find(KeyHash::of(&entry.key)) else {
            continue;
        };
        let attempt = standings.attempts(slot) == entry.attempt;
        let may_follow = standings.barred(slot).is_none();
        match (entry.state, standings.standing(slot)) {
            (State::Failed, Standing::Failed) => add(&mut found, &entry),
            (State::Deferred, Standing::Deferred) if attempt && may_follow => {
                add(&mut found, &entry)
            }
            // A person may have said of what was in doubt that it was accepted.
            (State::Accepted, Standing::Accepted)
            | (State::InDoubt, Standing::InDoubt | Standing::Accepted)
                if attempt =>
            {
                copies += entry.refused.len() as u64;
            }
            _ => {}
        }
    }
    let mut frequent: Vec<_> = found.into_values().collect();
    frequent.sort_by(|a, b| {
        b.recipients
            .cmp(&a.recipients)
            .then_with(|| a.reply.cmp(&b.reply))
    });
    Ok(Replies { frequent, copies })
}

fn add(found: &mut HashMap<String, Frequent>, entry: &Entry<'_>) {
    let text = entry
        .reply
        .as_deref()
        .or(entry.reason.as_deref())
        .unwrap_or_default();
    let reply = same(entry.code, entry.enhanced.as_deref(), text);
    if let Some(known) = found.get_mut(&reply) {
        known.recipients += 1;
        return;
    }
    if found.len() >= MOST {
        return;
    }
    let refusal = Refusal {
        code: entry.code,
        enhanced: entry.enhanced.as_deref(),
        text,
    };
    let frequent = Frequent {
        recipients: 1,
        reply: printable(&reply),
        advice: advice(refusal, entry.state == State::Deferred),
    };
    found.insert(reply, frequent);
}

/// The reply with an ellipsis for each word that names a recipient or a message: one with an @ or a digit.
fn same(code: Option<u16>, enhanced: Option<&str>, text: &str) -> String {
    let mut same = String::new();
    if let Some(code) = code {
        same.push_str(&code.to_string());
    }
    for word in enhanced
        .into_iter()
        .chain(text.split_whitespace().map(shape))
    {
        if !same.is_empty() {
            same.push(' ');
        }
        same.push_str(word);
    }
    same
}

fn shape(word: &str) -> &str {
    if word.contains('@') || word.contains(|c: char| c.is_ascii_digit()) {
        "…"
    } else {
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_one_recipient_is_left_out() {
        let text = "<ann@x.example>: Recipient address rejected: see http://x/?id=17 [4Xy7] please";
        assert_eq!(
            same(Some(550), Some("5.1.1"), text),
            "550 5.1.1 … Recipient address rejected: see … … please"
        );
        assert_eq!(same(None, None, "it was lost"), "it was lost");
        assert_eq!(same(Some(550), None, ""), "550");
    }
}
