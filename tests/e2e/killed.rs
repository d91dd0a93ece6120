//! Killed with SIGKILL at random instants, again and again, and run to the end: nobody is mailed twice, and nobody is
//! left out but those whom the ledger calls in doubt, who are no more than were in flight.
//!
//! A few dozen kills; `MAILRUN_TEST_KILLS` sets another number, `MAILRUN_TEST_SEED` gives the same instants again. What
//! happened is kept in `target/tmp/killed-*.txt`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mailrun::sandbox::{Announce, Options, Sandbox};

use super::evidence::counts;
use super::inbox::{Inbox, given};
use super::manners::{Manner, Server, url as url_of};
use super::running::{Running, until};
use super::support::{Folder, mailrun, no_groups, received, run, sandbox_with, url};
use super::tls;

/// Kills of all cases together: three manners into the sandbox and into Postfix, and by TLS; over 1 and over 10
/// connections.
const KILLS: u64 = 56;
const CASES: u64 = 14;
/// Bytes in the ledger for a recipient who is accepted, at the least: claim, mark and outcome.
const LEDGER_BYTES: u64 = 550;
/// Recipients between two kills, about.
const SHARE: u64 = 400;
/// The default of `window`.
const WINDOW: u64 = 8;

/// Numbers that look random, from a seed that can be given.
struct Random(u64);

impl Random {
    fn seed() -> u64 {
        let given = std::env::var("MAILRUN_TEST_SEED").ok();
        given.map_or_else(
            || RandomState::new().build_hasher().finish(),
            |seed| seed.parse().unwrap(),
        )
    }

    /// Below `end` (splitmix64).
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// When to kill: so many bytes are in the ledger, and then a moment that makes it any place between two lines of it.
/// Nothing rests on the moment's length.
struct Instants {
    bytes: u64,
    moment: Duration,
}

/// Where messages go.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Sandbox,
    Postfix,
    /// By STARTTLS, with a login.
    PostfixByTls,
}

/// A campaign, where it goes, and what is known of it from outside.
struct Trial<'a> {
    folder: &'a Folder,
    /// `None`: as the campaign says.
    url: Option<String>,
    recipients: u64,
    connections: u64,
    /// Messages whose content can be on its way on one connection: the window, where the server offers CHUNKING.
    in_flight: u64,
    /// The sandbox, when it is that.
    sandbox: Option<&'a Sandbox>,
}

/// What happened, to be kept.
struct Record {
    path: PathBuf,
    text: String,
    kills: u64,
    recipients: u64,
    in_doubt: u64,
    most: u64,
    received: u64,
}

impl Trial<'_> {
    fn send(&self) -> Running {
        let connections = self.connections.to_string();
        let mut command = mailrun(self.folder.path.parent().unwrap());
        command.args(["send", "campaign", "--json", "--connections", &connections]);
        if let Some(url) = &self.url {
            command.args(["--server", url]);
        }
        Running::start(&mut command)
    }

    fn ledger_bytes(&self) -> u64 {
        let path = self.folder.path.join("runs/r.jsonl");
        fs::metadata(path).map_or(0, |file| file.len())
    }

    fn at_receiver(&self) -> u64 {
        self.sandbox.map_or(0, |sandbox| sandbox.stats().messages)
    }

    /// Kills it again and again; each time the counts add up, and at most what was in flight becomes in doubt.
    /// Ends early when it ended before it could be killed.
    fn kill(&self, instants: &[Instants], record: &mut Record) {
        let mut in_doubt = 0;
        for at in instants {
            let mut running = self.send();
            until("the instant to kill", || {
                let reached = self.ledger_bytes() >= at.bytes;
                (reached || running.ended()).then_some(())
            });
            let reached = Instant::now();
            while reached.elapsed() < at.moment {
                std::hint::spin_loop();
            }
            if !running.kill() {
                // The machine was busy with others, and it ended before: no kill.
                return;
            }
            let status = run(self.folder, &["status", "campaign", "--json"]);
            assert_eq!(status.status, 0, "{status:?}");
            let json = status.json();
            let count = |state: &str| json[state].as_u64().unwrap();
            let new = count("in_doubt").checked_sub(in_doubt).unwrap();
            let sum = counts(&status);
            record.kills += 1;
            record.most = record.most.max(new);
            let (bytes, moment) = (at.bytes, at.moment.as_micros());
            let kill = format!("at {bytes} bytes + {moment} us: {new} in doubt; {sum}");
            writeln!(record.text, "{kill}").unwrap();
            assert_eq!(count("recipients"), self.recipients);
            assert!(new <= self.connections * self.in_flight, "{kill}");
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
                    "{messages} messages at the server: {kill}"
                );
            }
        }
    }

    /// Runs it to the end; gives who is accepted and who is in doubt, by the ledger.
    fn finish(&self) -> (Vec<String>, Vec<String>) {
        let ran = self.send().end();
        let json = ran.json();
        let in_doubt = json["in_doubt"].as_u64().unwrap();
        let accepted = self.recipients - in_doubt;
        let (status, sum) = match in_doubt {
            0 => (0, format!("accepted {accepted}")),
            _ => (3, format!("accepted {accepted}, in_doubt {in_doubt}")),
        };
        assert_eq!((ran.status, counts(&ran)), (status, sum), "{ran:?}");

        let after = run(self.folder, &["status", "campaign", "--json"]);
        assert_eq!(counts(&after), counts(&ran));
        let messages = self.at_receiver();
        let again = self.send().end();
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

/// Nobody twice; everybody whom the ledger calls accepted; beyond those only some who are in doubt. Gives how many.
fn at_most_once(times: &BTreeMap<String, usize>, accepted: &[String], in_doubt: &[String]) -> u64 {
    for (to, times) in times {
        assert_eq!(*times, 1, "{to}");
    }
    for to in accepted {
        assert!(times.contains_key(to), "{to} is accepted, and got nothing");
    }
    let more = in_doubt.iter().filter(|to| times.contains_key(*to)).count();
    assert_eq!(times.len(), accepted.len() + more);
    more as u64
}

/// Instants spread over the whole run, each at a random place in its share of it; the first one while it starts.
fn instants(kills: u64, random: &mut Random) -> Vec<Instants> {
    let share = SHARE * LEDGER_BYTES;
    let first = Instants {
        bytes: random.below(2) * random.below(2_000),
        moment: Duration::from_micros(random.below(20_000)),
    };
    let others = (1..kills).map(|number| Instants {
        bytes: number * share + random.below(share),
        moment: Duration::from_micros(random.below(500)),
    });
    // Drawn in their order.
    [first]
        .into_iter()
        .chain(others.collect::<Vec<_>>())
        .collect()
}

/// Campaign after campaign, until so many kills have come while mailrun was sending; over 1 connection, over 10.
fn killed(target: Target, manner: Manner, name: &str, settings: &str) {
    let kills = std::env::var("MAILRUN_TEST_KILLS");
    let kills = kills.map_or(KILLS, |kills| kills.parse().unwrap());
    for connections in [1, 10] {
        let mut random = Random(Random::seed());
        let mut record = Record::new(&format!("killed-{name}-{connections}"), random.0);
        let mut left = kills.div_ceil(CASES);
        for number in 0.. {
            assert!(
                number < 20,
                "it ends before it is killed: {left} kills left"
            );
            let domain = format!("killed-{number}-{connections}.{name}.example");
            let recipients = (left + 1) * SHARE;
            let folder = Folder::generated(recipients as usize, &domain);
            folder.configure(settings);
            if target == Target::PostfixByTls {
                folder.configure(&by_tls());
            }
            let sandbox = (target == Target::Sandbox).then(|| sandbox_as(manner));
            let trial = Trial {
                folder: &folder,
                url: match target {
                    Target::Sandbox => sandbox.as_ref().map(url),
                    Target::Postfix => Some(url_of(Server::Postfix, manner)),
                    Target::PostfixByTls => None,
                },
                recipients,
                connections,
                in_flight: match manner {
                    Manner::Chunked => WINDOW,
                    Manner::Pipelined | Manner::Sequential => 1,
                },
                sandbox: sandbox.as_ref(),
            };
            let before = record.kills;
            trial.kill(&instants(left, &mut random), &mut record);
            left -= record.kills - before;
            let (accepted, in_doubt) = trial.finish();
            record.in_doubt += in_doubt.len() as u64;
            record.recipients += recipients;
            record.received += match &sandbox {
                Some(sandbox) => at_most_once(&received(sandbox), &accepted, &in_doubt),
                None => {
                    let mut inbox = Inbox::of(&domain);
                    at_most_once(inbox.delivered(accepted.len()), &accepted, &in_doubt)
                }
            };
            if left == 0 {
                break;
            }
        }
    }
}

fn by_tls() -> String {
    let (address, login) = (
        given("MAILRUN_TEST_POSTFIX_STARTTLS"),
        given("MAILRUN_TEST_POSTFIX_LOGIN"),
    );
    format!(
        "[[server]]\nurl = \"smtp://{address}\"\nusername = \"news\"\n\
         password_command = [\"cat\", \"{login}/password\"]\n{}",
        tls::trusted()
    )
}

fn sandbox_as(manner: Manner) -> Sandbox {
    let announce = match manner {
        Manner::Chunked => Announce::default(),
        Manner::Pipelined => Announce {
            chunking: false,
            ..Announce::default()
        },
        Manner::Sequential => no_groups(),
    };
    sandbox_with(Options {
        announce,
        ..Options::default()
    })
}

impl Record {
    fn new(name: &str, seed: u64) -> Self {
        let text = format!("MAILRUN_TEST_SEED={seed}\n");
        println!("{name}: {text}");
        Record {
            path: Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.txt")),
            text,
            kills: 0,
            recipients: 0,
            in_doubt: 0,
            most: 0,
            received: 0,
        }
    }
}

/// Kept however the test ends.
impl Drop for Record {
    fn drop(&mut self) {
        let sum = format!(
            "{} kills, {} recipients, {} in doubt, {} at most after a kill, {} of them were received\n",
            self.kills, self.recipients, self.in_doubt, self.most, self.received
        );
        self.text.push_str(&sum);
        print!("{sum}");
        let _ = fs::write(&self.path, &self.text);
    }
}

#[test]
fn into_the_sandbox_in_chunks() {
    killed(Target::Sandbox, Manner::Chunked, "sandbox-chunked", "");
}

#[test]
fn into_the_sandbox_pipelined() {
    killed(Target::Sandbox, Manner::Pipelined, "sandbox-pipelined", "");
}

#[test]
fn into_the_sandbox_command_by_command() {
    killed(
        Target::Sandbox,
        Manner::Sequential,
        "sandbox-sequential",
        "",
    );
}

#[test]
fn through_postfix_in_chunks() {
    killed(Target::Postfix, Manner::Chunked, "postfix-chunked", "");
}

#[test]
fn through_postfix_pipelined() {
    killed(Target::Postfix, Manner::Pipelined, "postfix-pipelined", "");
}

#[test]
fn through_postfix_command_by_command() {
    killed(
        Target::Postfix,
        Manner::Sequential,
        "postfix-sequential",
        "",
    );
}

#[test]
fn through_postfix_by_tls() {
    killed(Target::PostfixByTls, Manner::Chunked, "postfix-tls", "");
}

#[test]
fn with_durability_process() {
    let process = "durability = \"process\"";
    killed(
        Target::Sandbox,
        Manner::Chunked,
        "durability-process",
        process,
    );
}
