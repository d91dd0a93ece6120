//! Whole runs inside this process, on a disk that fails, into the sandbox: what arrived is held against what the
//! ledger says afterwards.

#![allow(clippy::unwrap_used)]

mod failing;
mod power;

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Error;
use super::plan::{Plan, Selection};
use super::send::{Ended, Options as SendOptions, run_on};
use crate::campaign::{Campaign, Server, Tls};
use crate::ledger::lab::{Fault, Kept, Lab};
use crate::ledger::standing::{KeyHash, Standing};
use crate::progress::Voice;
use crate::sandbox::{Announce, Options, Sandbox, Store};

/// Messages claimed on a connection at most: see `deliver::courier`.
const MOST_CLAIMED: usize = 16;

#[derive(Debug, Clone, Copy)]
enum Manner {
    Sequential,
    Pipelined,
    Chunked,
}

impl Manner {
    const ALL: [Manner; 3] = [Manner::Sequential, Manner::Pipelined, Manner::Chunked];

    fn announce(self) -> Announce {
        let (pipelining, chunking) = match self {
            Manner::Sequential => (false, false),
            Manner::Pipelined => (true, false),
            Manner::Chunked => (true, true),
        };
        Announce {
            pipelining,
            chunking,
            ..Announce::default()
        }
    }

    /// Messages whose content can be on its way on one connection.
    fn in_flight(self) -> usize {
        match self {
            Manner::Sequential | Manner::Pipelined => 1,
            Manner::Chunked => 8,
        }
    }
}

/// A campaign of a few recipients, some of them refused once or for good.
struct Trial {
    folder: TempDir,
    keys: Vec<String>,
    manner: Manner,
    connections: usize,
}

/// How often each address got the message.
type Received = BTreeMap<String, usize>;

/// Where each recipient stands.
type Standings = BTreeMap<String, Standing>;

/// What came of one process.
struct Came {
    ended: Result<Ended, Error>,
    received: Received,
    standings: Standings,
}

impl Trial {
    fn new(recipients: usize, manner: Manner, connections: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut keys: Vec<_> = (1..=recipients)
            .map(|n| format!("r{n}@x.example"))
            .collect();
        for (at, name) in [(3, "rcpt-550"), (5, "rcpt-450-once"), (8, "dot-451-once")] {
            keys[at] = format!("{name}@x.example");
        }
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("recipients.csv", &format!("email\n{}\n", keys.join("\n")));
        write("message.txt.hbs", "It is time.\n");
        write(
            "campaign.toml",
            "run = \"r\"\n[message]\nfrom = \"news@acme.example\"\nsubject = \"Hello\"\n\
             [delivery]\nattempts = 9\n",
        );
        fs::create_dir(folder.path().join("runs")).unwrap();
        Trial {
            folder,
            keys,
            manner,
            connections,
        }
    }

    /// One process, which finds this ledger, on that machine, into a server of its own.
    fn run(&self, ledger: &[u8], lab: &Lab) -> Came {
        fs::write(self.folder.path().join("runs/r.jsonl"), ledger).unwrap();
        let sandbox = Sandbox::start(Options {
            store: Store::Memory,
            announce: self.manner.announce(),
            ..Options::default()
        })
        .unwrap();
        let mut campaign = Campaign::load(self.folder.path()).unwrap();
        campaign.delivery.first_delay = Duration::from_millis(1);
        campaign.delivery.longest_delay = Duration::from_millis(2);
        campaign.servers = vec![Server {
            host: sandbox.address().ip().to_string(),
            port: sandbox.address().port(),
            tls: Tls::None,
            connections: self.connections,
            ..Server::default()
        }];
        let plan = Plan::make(campaign, Selection::All, false).unwrap();
        let options = SendOptions {
            yes: true,
            ..SendOptions::default()
        };
        let ended = run_on(lab, &plan, options, &mut Voice::silent());
        let standings = &plan.roster.standings;
        let standing = |key: &String| standings.standing(standings.find(KeyHash::of(key)).unwrap());
        Came {
            ended,
            received: received(sandbox),
            standings: self
                .keys
                .iter()
                .map(|key| (key.clone(), standing(key)))
                .collect(),
        }
    }

    /// Holds all that arrived, over all processes, against where the recipients stand after the last of them: nobody
    /// twice, nobody missing but those in doubt. Returns how many these are.
    fn judge(&self, received: &Received, standings: &Standings, what: &str) -> usize {
        for key in &self.keys {
            let times = received.get(key).copied().unwrap_or(0);
            let right = match standings[key] {
                Standing::Accepted => times == 1,
                Standing::InDoubt => times <= 1,
                Standing::Failed => times == 0 && key.starts_with("rcpt-550"),
                _ => false,
            };
            assert!(
                right,
                "{what}: {key}: {:?}, received {times} times",
                standings[key]
            );
        }
        let in_doubt = |standing: &&Standing| **standing == Standing::InDoubt;
        standings.values().filter(in_doubt).count()
    }
}

fn received(sandbox: Sandbox) -> Received {
    // What had left when a connection ended is still read by the server.
    let until = Instant::now() + Duration::from_secs(30);
    while sandbox.stats().open > 0 {
        assert!(Instant::now() < until, "a connection stays open");
        thread::yield_now();
    }
    let mut times = Received::new();
    for to in sandbox
        .messages()
        .into_iter()
        .flat_map(|message| message.to)
    {
        *times.entry(to).or_default() += 1;
    }
    times
}

fn together(one: &Received, other: &Received) -> Received {
    let mut sum = one.clone();
    for (key, times) in other {
        *sum.entry(key.clone()).or_default() += times;
    }
    sum
}

/// No record, no sending: whoever got the message is claimed in what is durable, and marked in what is written.
fn on_record(lab: &Lab, received: &Received, what: &str) {
    let (durable, written) = (lab.durable(), lab.written());
    let has = |ledger: &[u8], key: &str, state: &str| {
        let text = String::from_utf8_lossy(ledger);
        let (key, state) = (
            format!("\"key\":\"{key}\""),
            format!("\"state\":\"{state}\""),
        );
        text.lines()
            .any(|line| line.contains(&key) && line.contains(&state))
    };
    for key in received.keys() {
        assert!(
            has(&durable, key, "claimed"),
            "{what}: {key} was not claimed for good"
        );
        assert!(
            has(&written, key, "sending"),
            "{what}: {key} was not marked"
        );
    }
}
