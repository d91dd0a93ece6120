//! Who is never mailed: addresses and whole domains, out of lists of their own. 16 bytes an address.

use std::collections::HashSet;

use lettre::Address;

use super::address::parse_address;
use super::domain::check_domain;
use super::error::ListError;
use super::judge::key_of;
use super::list::explain;
use super::records::MOST_COLUMNS;
use super::source::{Form, Source};
use super::{Place, Position};
use crate::campaign::ListSettings;
use crate::wording::{count, printable};

/// Characters shown of an entry that is none.
const SHOWN: usize = 40;

/// An address, hashed: 128 bits stand for it.
type Hash = [u8; 16];

/// The addresses and domains of all suppress lists.
#[derive(Debug, Default)]
pub struct Suppression {
    /// Sorted.
    addresses: Vec<Hash>,
    /// In lower case.
    domains: HashSet<String>,
    ignore_case: bool,
    /// What people should know of how the lists were read.
    pub notes: Vec<String>,
}

impl Suppression {
    /// Reads every list to its end: its column of the name that the address column has, or its first.
    ///
    /// # Errors
    /// What makes a list unusable. Entries that are neither address nor domain are told in the notes.
    pub fn read(settings: &ListSettings) -> Result<Suppression, ListError> {
        let mut all = Suppression {
            ignore_case: settings.duplicates_ignore_case,
            ..Suppression::default()
        };
        for file in &settings.suppress {
            let list = ListSettings {
                address: settings.address.clone(),
                ..ListSettings::new(file)
            };
            all.add(&Source::look(&list)?)?;
        }
        all.addresses.sort_unstable();
        all.addresses.dedup();
        Ok(all)
    }

    /// Whether the address, or its domain, is on a list.
    pub fn has(&self, address: &Address) -> bool {
        if !self.addresses.is_empty() {
            let hash = hash(&key_of(address, self.ignore_case));
            if self.addresses.binary_search(&hash).is_ok() {
                return true;
            }
        }
        let lower = || address.domain().to_ascii_lowercase();
        !self.domains.is_empty() && self.domains.contains(&lower())
    }

    fn add(&mut self, source: &Source) -> Result<(), ListError> {
        let file = source.file();
        self.notes.extend_from_slice(source.notes());
        let mut rows = source.rows().map_err(|e| ListError::from_io(file, e))?;
        let is_address = |name: &str| name.trim() == source.settings.address;
        // JSON lines have their names beside each value: no header is to be told from entries.
        let (mut column, mut first) = match &source.form {
            Form::Jsonl { names, .. } => {
                let found = names.names.iter().position(|name| is_address(name));
                (found.unwrap_or(0), false)
            }
            Form::Text { .. } | Form::Workbook(_) => (0, true),
        };
        let (mut strange, mut example) = (0, None);
        for row in 1.. {
            let place = |line| Place::Row(Position { row, line });
            let record = rows.next(MOST_COLUMNS);
            let record = record.map_err(|it| explain(it, file, source.encoding(), place, &[]))?;
            let Some(record) = record else { break };
            if first {
                first = false;
                let named = record.fields.iter().position(is_address);
                column = named.unwrap_or(0);
                let is_entry = record.fields.get(column).is_some_and(|it| it.contains('@'));
                if named.is_some() || !is_entry {
                    continue;
                }
            }
            let entry = record.fields.get(column).unwrap_or_default().trim();
            if !entry.is_empty() && !self.add_entry(entry) {
                strange += 1;
                example.get_or_insert_with(|| {
                    let shown: String = entry.chars().take(SHOWN).collect();
                    format!(
                        "{}:{}: \"{}\"",
                        file.display(),
                        record.line,
                        printable(&shown)
                    )
                });
            }
        }
        if let Some(example) = example {
            self.notes.push(format!(
                "{example} is neither an address nor a domain such as @example.com, and suppresses nobody ({} of this kind)",
                count(strange, "entry").replace("entrys", "entries")
            ));
        }
        Ok(())
    }

    /// Whether the entry is one.
    fn add_entry(&mut self, entry: &str) -> bool {
        let domain = entry.strip_prefix("*@").or_else(|| entry.strip_prefix('@'));
        if let Some(domain) = domain {
            let domain = check_domain(domain).map(|it| it.to_ascii_lowercase());
            return domain.map(|it| self.domains.insert(it)).is_ok();
        }
        let address =
            parse_address(entry).map(|(_, address)| hash(&key_of(&address, self.ignore_case)));
        address.map(|it| self.addresses.push(it)).is_ok()
    }
}

fn hash(key: &str) -> Hash {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..16]);
    hash
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    /// Of the addresses, those that the lists suppress; and what is noted.
    fn suppressed(
        lists: &[(&str, &str)],
        ignore_case: bool,
        addresses: &[&'static str],
    ) -> (Vec<&'static str>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = ListSettings::new(dir.path().join("list.csv"));
        settings.duplicates_ignore_case = ignore_case;
        for (name, text) in lists {
            let file = dir.path().join(name);
            fs::write(&file, text).unwrap();
            settings.suppress.push(file);
        }
        let found = Suppression::read(&settings).unwrap();
        let is = |it: &&&str| found.has(&it.parse().unwrap());
        let names = addresses.iter().filter(is).copied().collect();
        let plain = |note: &String| note.replace(&format!("{}/", dir.path().display()), "");
        (names, found.notes.iter().map(plain).collect())
    }

    const ALL: [&str; 5] = [
        "a@x.example",
        "A@X.example",
        "b@x.example",
        "c@y.example",
        "d@sub.y.example",
    ];

    #[test]
    fn addresses_are_compared_as_keys_are() {
        let list = [("gone.csv", "email\na@X.EXAMPLE\n")];
        assert_eq!(suppressed(&list, false, &ALL).0, ["a@x.example"]);
        let both = ["a@x.example", "A@X.example"];
        assert_eq!(suppressed(&list, true, &ALL).0, both);
        let list = [(
            "gone.csv",
            "email\nÜBER@x.example\n\"\"\"a\"\"@x.example\"\n",
        )];
        let some = ["über@X.example", "ÜBER@x.example", "a@x.example"];
        assert_eq!(suppressed(&list, false, &some).0, some[1..]);
        assert_eq!(suppressed(&list, true, &some).0, some);
    }

    #[test]
    fn a_domain_is_all_of_its_addresses_and_of_no_other() {
        for entry in ["@Y.example", "*@y.example", " @y.EXAMPLE "] {
            let list = [("gone.csv", &*format!("who\n{entry}\n"))];
            assert_eq!(suppressed(&list, false, &ALL).0, ["c@y.example"], "{entry}");
        }
    }

    #[test]
    fn lists_are_of_any_kind_with_a_header_or_without() {
        for (name, text) in [
            ("gone.txt", "b@x.example\nc@y.example\n"),
            ("gone.csv", "b@x.example,2026-01-01\nc@y.example,\n"),
            ("gone.csv", "date;email\n1;b@x.example\n2;C <c@y.example>\n"),
            (
                "gone.csv",
                "Adresse;Grund\nb@x.example;a@x.example\nc@y.example;\n",
            ),
            ("gone.tsv", "name\temail\nB\tb@x.example\nC\tc@y.example\n"),
            (
                "gone.jsonl",
                "{\"n\":1,\"email\":\"b@x.example\"}\n{\"email\":\"c@y.example\"}\n",
            ),
            (
                "gone.jsonl",
                "{\"who\":\"b@x.example\"}\n{\"who\":\"c@y.example\"}\n",
            ),
        ] {
            let found = suppressed(&[(name, text)], false, &ALL).0;
            assert_eq!(found, ["b@x.example", "c@y.example"], "{text}");
        }
        let two = [
            ("a.csv", "email\nb@x.example\n"),
            ("b.csv", "email\nc@y.example\n"),
        ];
        assert_eq!(suppressed(&two, false, &ALL).0.len(), 2);
        let none = [("a.csv", ""), ("b.csv", "email\n"), ("c.csv", "\n\n")];
        assert_eq!(suppressed(&none, false, &ALL), (vec![], vec![]));
    }

    #[test]
    fn what_is_no_entry_is_told() {
        let list = [("gone.csv", "email\n\nn/a\nb@x.example\n@\nx.example\n")];
        let (found, notes) = suppressed(&list, false, &ALL);
        assert_eq!(found, ["b@x.example"]);
        assert_eq!(
            notes,
            [
                "gone.csv:3: \"n/a\" is neither an address nor a domain such as @example.com, and suppresses nobody (3 entries of this kind)"
            ]
        );
    }
}
