//! What became of each message of a `send --test-to`, a line for people each.

use std::collections::BTreeMap;
use std::fmt;

use crate::ledger::entry::{Entry, State};
use crate::wording::printable;

/// What became of one row's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    row: u64,
    key: String,
    state: State,
    server: String,
    /// What the server said, or why it did not.
    reply: String,
}

impl Tested {
    /// From the lines of a ledger, in the order of the rows: everybody who was settled.
    pub fn read(lines: &[u8]) -> Vec<Tested> {
        let mut settled = BTreeMap::new();
        for line in lines.split(|&byte| byte == b'\n') {
            let Ok(entry) = serde_json::from_slice::<Entry<'_>>(line) else {
                continue;
            };
            match entry.state {
                // Told as rows are.
                State::Invalid if entry.attempt == 0 => {}
                State::Accepted
                | State::Deferred
                | State::Failed
                | State::InDoubt
                | State::Invalid => {
                    settled.insert(entry.row, Tested::from(&entry));
                }
                State::Claimed | State::Sending | State::Released => {}
            }
        }
        settled.into_values().collect()
    }

    /// Its row in the list, from 1.
    pub fn row(&self) -> u64 {
        self.row
    }

    /// Whether the server has it.
    pub fn is_accepted(&self) -> bool {
        self.state == State::Accepted
    }

    /// Whether its server could not be given it.
    pub fn is_unfit(&self) -> bool {
        self.state == State::Invalid
    }
}

impl From<&Entry<'_>> for Tested {
    fn from(entry: &Entry<'_>) -> Self {
        let code = entry.code.map(|code| code.to_string());
        let code = code.as_deref();
        let texts = [
            code,
            entry.enhanced.as_deref(),
            entry.reply.as_deref(),
            entry.reason.as_deref(),
        ];
        let texts = texts.into_iter().flatten().filter(|text| !text.is_empty());
        Tested {
            row: entry.row,
            key: entry.key.clone().into_owned(),
            state: entry.state,
            server: entry.server.as_deref().unwrap_or_default().to_owned(),
            reply: texts.collect::<Vec<_>>().join(" "),
        }
    }
}

impl fmt::Display for Tested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, reply) = (printable(&self.key), printable(&self.reply));
        let what = match self.state {
            State::Accepted => "accepted by",
            State::InDoubt => "in doubt at",
            State::Invalid => "not for",
            _ => "refused by",
        };
        write!(
            f,
            "row {} ({key}): {what} {}: {reply}",
            self.row, self.server
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_each_row_is_told_in_the_order_of_the_list() {
        let lines = r#"{"time":"t","key":"b","row":2,"state":"claimed","attempt":1,"server":"x:25"}
{"time":"t","key":"b","row":2,"state":"sending","attempt":1}
{"time":"t","key":"b","row":2,"state":"failed","attempt":1,"server":"x:25","code":550,"enhanced":"5.1.1","reply":"no"}
{"time":"t","key":"c","row":3,"state":"invalid","reason":"empty"}
{"time":"t","key":"f","row":6,"state":"invalid","attempt":1,"server":"x:25","reason":"no SMTPUTF8"}
{"time":"t","key":"d","row":4,"state":"released","attempt":1}
{"time":"t","key":"e\u001b[31m","row":5,"state":"in_doubt","attempt":1,"server":"x:25","reason":"lost"}
{"time":"t","key":"a","row":1,"state":"accepted","attempt":1,"server":"x:25","code":250,"reply":"Ok"}
"#;
        let told = Tested::read(lines.as_bytes());
        let told: Vec<_> = told.iter().map(Tested::to_string).collect();
        assert_eq!(
            told,
            [
                "row 1 (a): accepted by x:25: 250 Ok",
                "row 2 (b): refused by x:25: 550 5.1.1 no",
                "row 5 (e\u{fffd}[31m): in doubt at x:25: lost",
                "row 6 (f): not for x:25: no SMTPUTF8",
            ]
        );
    }
}
