//! The receiving side of the tests' own Postfix, which tests/run starts: what is queued, what is delivered.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::letter::Letter;
use super::running::until;

/// The mail delivered to one domain.
pub struct Inbox {
    /// For `--server`.
    pub url: String,
    maildir: PathBuf,
    config: String,
    domain: String,
    seen: HashSet<OsString>,
    delivered: BTreeMap<String, usize>,
    /// What was delivered, in no order.
    pub letters: Vec<Letter>,
}

impl Inbox {
    /// The inbox of a domain that no other test uses.
    pub fn of(domain: &str) -> Self {
        let address = given("MAILRUN_TEST_POSTFIX");
        Inbox {
            url: format!("smtp://{address}?tls=none"),
            maildir: PathBuf::from(given("MAILRUN_TEST_POSTFIX_MAILDIR")).join("new"),
            config: given("MAILRUN_TEST_POSTFIX_CONFIG"),
            domain: format!("@{domain}"),
            seen: HashSet::new(),
            delivered: BTreeMap::new(),
            letters: Vec::new(),
        }
    }

    /// How often each recipient was delivered to, once nothing is queued and so many have something.
    #[track_caller]
    pub fn delivered(&mut self, recipients: usize) -> &BTreeMap<String, usize> {
        until("mail in the Maildir of the tests' Postfix", || {
            if self.is_queued() {
                return None;
            }
            self.look();
            (self.delivered.len() >= recipients).then_some(())
        });
        &self.delivered
    }

    /// Reads the files that were not there before.
    fn look(&mut self) {
        for entry in fs::read_dir(&self.maildir).unwrap() {
            let entry = entry.unwrap();
            if !self.seen.insert(entry.file_name()) {
                continue;
            }
            let mut file = BufReader::with_capacity(1024, File::open(entry.path()).unwrap());
            let lines = file.by_ref().lines().map_while(Result::ok);
            let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            let field = |name: &str| {
                let value = head.iter().find_map(|line| line.strip_prefix(name));
                let value = value.unwrap_or_else(|| panic!("no {name}in {head:?}"));
                value.trim_matches(['<', '>']).to_owned()
            };
            // Postfix puts it in, above what it was given.
            let to = field("X-Original-To: ");
            if !to.ends_with(&self.domain) {
                continue;
            }
            *self.delivered.entry(to.clone()).or_default() += 1;
            let mut body = String::new();
            file.read_to_string(&mut body).unwrap();
            self.letters.push(Letter {
                from: field("Return-Path: "),
                message_id: field("Message-ID: "),
                subject: field("Subject: "),
                to,
                body,
            });
        }
    }

    /// Whether Postfix has taken mail for the domain that it has not delivered.
    fn is_queued(&self) -> bool {
        let mut postqueue = Command::new("postqueue");
        let output = postqueue.args(["-c", &self.config, "-j"]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .any(|line| {
                let queued: Value = serde_json::from_str(line).unwrap();
                let recipients = queued["recipients"].as_array().unwrap();
                let addresses = recipients.iter().filter_map(|it| it["address"].as_str());
                addresses.into_iter().any(|to| to.ends_with(&self.domain))
            })
    }
}

pub fn given(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: this test needs the tests' own servers; run it by tests/run")
    })
}
