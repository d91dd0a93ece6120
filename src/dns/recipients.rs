//! Whether the domains of a list take mail: each is asked once, those with the most rows first, several at a time, until
//! the time is up.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::Serialize;

use super::mail_servers;
use super::resolver::{Resolver, Trouble};

/// Domains that are asked at the same time: a name server of one's own has no trouble with as many.
const AT_ONCE: usize = 16;
/// Domains that are remembered, so that a list with one for each row takes no more memory than another.
const MOST: usize = 100_000;
/// Rows that are told of each.
const FIRST: usize = 3;

/// The domains of a list, and their rows.
#[derive(Debug, Default)]
pub struct Domains {
    rows: HashMap<String, Rows>,
    /// Rows at domains beyond those that are remembered.
    beyond: u64,
    /// Rows whose domain is none of the public DNS.
    local: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    first: Vec<u64>,
}

impl Domains {
    /// Takes in a row's domain.
    pub fn add(&mut self, domain: &str, row: u64) {
        // An address in brackets, or a host of one's own network.
        if domain.starts_with('[') || !domain.contains('.') {
            self.local += 1;
            return;
        }
        // As the DNS has it (RFC 5890); a list judged it before.
        let domain = match domain.is_ascii() {
            true => domain.to_ascii_lowercase(),
            false => idna::domain_to_ascii(domain).unwrap_or_default(),
        };
        if self.rows.len() >= MOST && !self.rows.contains_key(&domain) {
            self.beyond += 1;
            return;
        }
        let rows = self.rows.entry(domain).or_default();
        rows.count += 1;
        if rows.first.len() < FIRST {
            rows.first.push(row);
        }
    }

    /// Asks for all of them.
    pub fn look(self, resolver: &Resolver) -> Recipients {
        let mut all: Vec<(String, Rows)> = self.rows.into_iter().collect();
        // Of as many rows, those that come first in the list.
        all.sort_by_key(|(_, rows)| (Reverse(rows.count), rows.first.first().copied()));
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..all.len().min(AT_ONCE) {
                scope.spawn(|| {
                    while let Some((domain, _)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let home = mail_servers::look(resolver, domain);
                        let lacks = home.map(|home| home.lacks());
                        let late = lacks == Err(Trouble::Late);
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found.push((domain.clone(), lacks));
                        if late {
                            return;
                        }
                    }
                });
            }
        });
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let found: HashMap<_, _> = found.into_iter().collect();
        let mut recipients = Recipients {
            domains: all.len() as u64,
            local_rows: self.local,
            unasked_rows: self.beyond,
            ..Recipients::default()
        };
        for (domain, rows) in all {
            let at = |why: String| AtDomain {
                domain: domain.clone(),
                rows: rows.count,
                first: rows.first.clone(),
                why,
            };
            match found.get(&domain) {
                None | Some(Err(Trouble::Late)) => {
                    recipients.unasked += 1;
                    recipients.unasked_rows += rows.count;
                }
                Some(Ok(None)) => recipients.with_mail += 1,
                Some(Ok(Some(lacks))) => recipients.without.push(at((*lacks).to_owned())),
                Some(Err(trouble)) => recipients.unknown.push(at(trouble.to_string())),
            }
        }
        recipients
    }
}

/// What is known of the domains of a list, those with the most rows first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Recipients {
    /// How many there are.
    pub domains: u64,
    /// Those that take mail.
    pub with_mail: u64,
    /// Those that take none.
    pub without: Vec<AtDomain>,
    /// Those of which no name server said anything.
    pub unknown: Vec<AtDomain>,
    /// Those that nobody was asked for any more.
    pub unasked: u64,
    /// Their rows.
    pub unasked_rows: u64,
    /// Rows at an IP address, or at a host of one's own network: nobody is asked for these.
    pub local_rows: u64,
}

/// The rows at one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtDomain {
    /// Which.
    pub domain: String,
    /// How many.
    pub rows: u64,
    /// The first few.
    pub first: Vec<u64>,
    /// What is wrong there.
    pub why: String,
}

impl Recipients {
    /// Whether nobody of the list takes mail, as far as can be known, and all of it is.
    pub fn is_nobody(&self) -> bool {
        !self.without.is_empty()
            && self.with_mail + self.unknown.len() as u64 + self.unasked + self.local_rows == 0
            && self.unasked_rows == 0
    }
}
