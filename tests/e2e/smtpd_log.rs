//! What Postfix's log says of the connections to one of its ports, and what its queue ids say of time.

use std::collections::BTreeMap;
use std::fs;

use super::inbox::given;
use super::running::until;

/// The digits of long queue ids (postconf(5), `enable_long_queue_ids`).
const DIGITS: &str = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/// A connection, in the order of the log.
#[derive(Debug, Default)]
pub struct Visit {
    /// The line at which it was made.
    connected: usize,
    /// The line of its last message.
    last: usize,
    /// Queue ids.
    pub messages: Vec<String>,
    /// What was said when it was over: `ehlo=1 mail=7 ...`
    pub commands: String,
}

impl Visit {
    /// Whether it was refused before it could say anything.
    pub fn is_turned_away(&self) -> bool {
        self.commands == "commands=0/0"
    }
}

/// The lines of one service: those with this name in front of `smtpd`.
pub fn lines(service: &str) -> Vec<String> {
    let log = fs::read_to_string(given("MAILRUN_TEST_POSTFIX_LOG")).unwrap();
    let name = format!(" postfix/{service}/smtpd[");
    let lines = log.lines().filter_map(|line| line.split_once(&name));
    lines.map(|(_, rest)| rest.to_owned()).collect()
}

/// All connections to a service, once they are over and have brought so many messages.
#[track_caller]
pub fn visits(service: &str, messages: usize) -> Vec<Visit> {
    until("the end of all connections in Postfix's log", || {
        let visits = read(&lines(service));
        let brought: usize = visits.iter().map(|visit| visit.messages.len()).sum();
        let over = visits.iter().all(|visit| !visit.commands.is_empty());
        (over && brought >= messages).then_some(visits)
    })
}

fn read(lines: &[String]) -> Vec<Visit> {
    let mut visits: Vec<Visit> = Vec::new();
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, line) in lines.iter().enumerate() {
        // 1234]: connect from unknown[127.0.0.1]
        let (process, said) = line.split_once("]: ").unwrap();
        if said.starts_with("connect from ") {
            open.insert(process, visits.len());
            visits.push(Visit {
                connected: number,
                ..Visit::default()
            });
        } else if said.starts_with("disconnect from ") {
            let visit = open.remove(process).unwrap();
            visits[visit].commands = said.splitn(4, ' ').nth(3).unwrap().to_owned();
        } else if let Some((id, _)) = said.split_once(": client=") {
            let visit = &mut visits[open[process]];
            visit.messages.push(id.to_owned());
            visit.last = number;
        }
    }
    visits
}

/// The most connections that were open at once, each from when it was made to its last message: between a client's QUIT
/// and the line that says so, the next connection may be made.
pub fn most_at_once(visits: &[Visit]) -> usize {
    let at = |visit: &Visit| {
        let open =
            |other: &&Visit| other.connected <= visit.connected && visit.connected <= other.last;
        visits.iter().filter(open).count()
    };
    visits.iter().map(at).max().unwrap_or(0)
}

/// When a message came, in microseconds since 1970: its queue id says so.
pub fn moment(queue_id: &str) -> u64 {
    let number = |digits: &str| {
        let digits = digits.chars().map(|digit| DIGITS.find(digit).unwrap());
        digits.fold(0, |sum, digit| sum * 52 + digit as u64)
    };
    number(&queue_id[..6]) * 1_000_000 + number(&queue_id[6..10])
}
