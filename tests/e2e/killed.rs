//! Killed with SIGKILL in the middle, again and again, and run to the end: nobody is mailed twice, and nobody is left
//! out but those whom the ledger calls in doubt.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};

use mailrun::sandbox::{Announce, Options, Sandbox};

use super::evidence::counts;
use super::inbox::Inbox;
use super::running::{Running, until};
use super::support::{Folder, mailrun, received, run, sandbox, sandbox_with, sequential, url};

/// When to kill.
enum At {
    /// So many bytes are in the ledger.
    Ledger(u64),
    /// So many messages are at the receiver.
    Received(u64),
}

struct Kill {
    connections: u64,
    at: At,
}

/// Numbers that look random; the seed is printed, and `MAILRUN_TEST_SEED` gives it again.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let given = std::env::var("MAILRUN_TEST_SEED").ok();
        let seed = given.map_or_else(
            || RandomState::new().build_hasher().finish(),
            |seed| seed.parse().unwrap(),
        );
        println!("MAILRUN_TEST_SEED={seed}");
        Random(seed)
    }

    /// Below `end` (splitmix64).
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// A campaign, where it goes, and what is known of it from outside.
struct Trial<'a> {
    folder: &'a Folder,
    url: String,
    recipients: u64,
    /// Messages whose content can be on its way on one connection: the window, where the server offers CHUNKING.
    in_flight: u64,
    /// The sandbox, when it is that.
    sandbox: Option<&'a Sandbox>,
}

impl Trial<'_> {
    fn send(&self, connections: u64) -> Running {
        let connections = connections.to_string();
        Running::start(
            mailrun(self.folder.path.parent().unwrap())
                .args(["send", "campaign", "--json", "--server", &self.url])
                .args(["--connections", &connections]),
        )
    }

    fn ledger_bytes(&self) -> u64 {
        let path = self.folder.path.join("runs/r.jsonl");
        fs::metadata(path).map_or(0, |file| file.len())
    }

    fn at_receiver(&self) -> u64 {
        self.sandbox.map_or(0, |sandbox| sandbox.stats().messages)
    }

    /// Kills it again and again; each time the counts add up, and at most what was in flight becomes in doubt.
    fn kill(&self, kills: &[Kill]) {
        let mut in_doubt = 0;
        for (number, Kill { connections, at }) in kills.iter().enumerate() {
            let mut running = self.send(*connections);
            until("the moment to kill", || {
                let reached = match at {
                    At::Ledger(bytes) => self.ledger_bytes() >= *bytes,
                    At::Received(messages) => self.at_receiver() >= *messages,
                };
                (reached || running.ended()).then_some(())
            });
            assert!(running.kill(), "kill {number}: all was sent before it");

            let status = run(self.folder, &["status", "campaign", "--json"]);
            assert_eq!(status.status, 0, "{status:?}");
            let json = status.json();
            let count = |state: &str| json[state].as_u64().unwrap();
            println!(
                "kill {number}, {connections} connections: {}",
                counts(&status)
            );
            assert_eq!(count("recipients"), self.recipients);
            let new = count("in_doubt").checked_sub(in_doubt).unwrap();
            let most = *connections * self.in_flight;
            assert!(new <= most, "{new} in doubt after kill {number}");
            in_doubt = count("in_doubt");
            if let Some(sandbox) = self.sandbox {
                // What had left by then is still read by the server.
                until("connections of a killed process to end", || {
                    (sandbox.stats().open == 0).then_some(())
                });
                let least = count("accepted");
                let messages = self.at_receiver();
                assert!(
                    (least..=least + in_doubt).contains(&messages),
                    "{messages} messages at the server after kill {number}: {json}"
                );
            }
        }
    }

    /// Runs it to the end; gives who is accepted and who is in doubt, by the ledger.
    fn finish(&self, connections: u64) -> (Vec<String>, Vec<String>) {
        let ran = self.send(connections).end();
        let json = ran.json();
        let in_doubt = json["in_doubt"].as_u64().unwrap();
        let accepted = self.recipients - in_doubt;
        let (status, sum) = match in_doubt {
            0 => (0, format!("accepted {accepted}")),
            _ => (3, format!("accepted {accepted}, in_doubt {in_doubt}")),
        };
        println!("in the end: {}", counts(&ran));
        assert_eq!((ran.status, counts(&ran)), (status, sum), "{ran:?}");

        let after = run(self.folder, &["status", "campaign", "--json"]);
        assert_eq!(counts(&after), counts(&ran));
        let messages = self.at_receiver();
        let again = self.send(connections).end();
        assert_eq!((again.status, counts(&again)), (status, counts(&ran)));
        assert_eq!(self.at_receiver(), messages);

        let standings = self.folder.standings();
        assert_eq!(standings.len() as u64, self.recipients);
        let of = |state: &str| -> Vec<String> {
            let of_state = standings.iter().filter(|(_, it)| *it == state);
            of_state.map(|(key, _)| key.clone()).collect()
        };
        let (accepted, doubtful) = (of("accepted"), of("in_doubt"));
        assert_eq!(doubtful.len() as u64, in_doubt);
        (accepted, doubtful)
    }
}

/// Nobody twice; everybody whom the ledger calls accepted; beyond those only some who are in doubt.
fn at_most_once(times: &BTreeMap<String, usize>, accepted: &[String], in_doubt: &[String]) {
    for (to, times) in times {
        assert_eq!(*times, 1, "{to}");
    }
    for to in accepted {
        assert!(times.contains_key(to), "{to} is accepted, and got nothing");
    }
    let more = in_doubt.iter().filter(|to| times.contains_key(*to)).count();
    println!("{more} of {} in doubt were received", in_doubt.len());
    assert_eq!(times.len(), accepted.len() + more);
}

/// Kills spread over the whole run, each at a random place in its share of it, with so many connections in turn.
/// `bytes` is what a message takes in the ledger, if all kills go by that.
fn spread(kills: u64, recipients: u64, turns: &[u64], bytes: Option<u64>) -> Vec<Kill> {
    let mut random = Random::new();
    let share = recipients / (kills + 1);
    let mut all = vec![Kill {
        connections: 10,
        at: At::Ledger(1),
    }];
    for (number, connections) in (0..kills).zip(turns.iter().cycle()) {
        let messages = number * share + 1 + random.below(share);
        all.push(Kill {
            connections: *connections,
            at: match bytes {
                Some(bytes) => At::Ledger(messages * bytes),
                None => At::Received(messages),
            },
        });
    }
    all
}

/// Bytes in the ledger for a recipient who is accepted, at the least: claim, mark and outcome.
const LEDGER_BYTES: u64 = 550;
/// The default of `window`.
const WINDOW: u64 = 8;

#[test]
fn twenty_thousand_into_the_sandbox_in_chunks() {
    into_sandbox(&sandbox(), 20_000, WINDOW);
}

#[test]
fn pipelined_into_the_sandbox() {
    let announce = Announce {
        chunking: false,
        ..Announce::default()
    };
    let sandbox = sandbox_with(Options {
        announce,
        ..Options::default()
    });
    into_sandbox(&sandbox, 6_000, 1);
}

#[test]
fn command_by_command_into_the_sandbox() {
    into_sandbox(&sequential(), 6_000, 1);
}

fn into_sandbox(sandbox: &Sandbox, recipients: u64, in_flight: u64) {
    let folder = Folder::generated(recipients as usize, "killed.example");
    let trial = Trial {
        folder: &folder,
        url: url(sandbox),
        recipients,
        in_flight,
        sandbox: Some(sandbox),
    };
    trial.kill(&spread(12, recipients, &[1, 10], None));
    let (accepted, in_doubt) = trial.finish(10);
    at_most_once(&received(sandbox), &accepted, &in_doubt);
}

#[test]
fn by_what_the_ledger_holds_with_durability_process() {
    let folder = Folder::generated(6_000, "killed.example");
    folder.configure("durability = \"process\"");
    let sandbox = sandbox();
    let trial = Trial {
        folder: &folder,
        url: url(&sandbox),
        recipients: 6_000,
        in_flight: WINDOW,
        sandbox: Some(&sandbox),
    };
    trial.kill(&spread(12, 6_000, &[10, 1], Some(LEDGER_BYTES)));
    let (accepted, in_doubt) = trial.finish(1);
    at_most_once(&received(&sandbox), &accepted, &in_doubt);
}

#[test]
fn twenty_thousand_through_postfix() {
    let folder = Folder::generated(20_000, "killed.example");
    let mut inbox = Inbox::of("killed.example");
    let trial = Trial {
        folder: &folder,
        url: inbox.url.clone(),
        recipients: 20_000,
        in_flight: WINDOW,
        sandbox: None,
    };
    trial.kill(&spread(8, 20_000, &[10, 10, 10, 1], Some(LEDGER_BYTES)));
    let (accepted, in_doubt) = trial.finish(10);
    at_most_once(inbox.delivered(accepted.len()), &accepted, &in_doubt);
}
