//! Questions, until a name server answers or the time is up; each is asked once.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::base::iana::Rcode;
use domain::base::wire::ParseError;
use domain::base::{Name, Rtype};
use domain::rdata::{Mx, Txt};

use super::exchange::{self, Lost, Reply};
use super::finding::short;

/// How long a server is waited for, the first time and the second: a server that has to ask others first may take a while.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Answers that are kept, of 64 KiB at most each: those about a sender are few, those about a list asked for once.
const REMEMBERED: usize = 1000;

/// What a name has of the records asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// These, at least one.
    These(Vec<T>),
    /// None, and the name is there.
    None,
    /// None, since there is no such name.
    NoName,
}

impl<T> Answer<T> {
    /// Those that `take` takes.
    fn keep<U>(self, take: impl Fn(T) -> Option<U>) -> Answer<U> {
        match self {
            Answer::NoName => Answer::NoName,
            Answer::None => Answer::None,
            Answer::These(all) => match all.into_iter().filter_map(take).collect::<Vec<_>>() {
                kept if kept.is_empty() => Answer::None,
                kept => Answer::These(kept),
            },
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No time was left to ask.
    Late,
    /// No name of the DNS: too long, or with an empty part.
    NoName(String),
    /// The last server that was asked did not answer.
    Silent(SocketAddr),
    /// What it said is no reply.
    Garbled(SocketAddr),
    /// It said why not.
    Refused(SocketAddr, String),
    /// It cannot be reached.
    Io(SocketAddr, String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Late => f.write_str("no time was left to ask"),
            Trouble::NoName(name) => {
                write!(f, "\"{}\" is no name that can be asked for", short(name))
            }
            Trouble::Silent(server) => write!(f, "the name server {server} does not answer"),
            Trouble::Garbled(server) => {
                write!(f, "what the name server {server} says is no reply")
            }
            Trouble::Refused(server, why) => write!(f, "the name server {server} says {why}"),
            Trouble::Io(server, why) => {
                write!(f, "the name server {server} cannot be reached: {why}")
            }
        }
    }
}

/// What of a record counts here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Record {
    /// A text, its strings put together.
    Text(String),
    /// A preference, and a mail server.
    MailServer(u16, String),
    /// Of another kind: that it is there is all there is to know.
    Other,
}

/// Asks name servers, from many threads at once.
#[derive(Debug)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    waits: [Duration; 2],
    until: Instant,
    known: Mutex<Known>,
}

/// What was asked for by name and kind, and what came of it.
type Known = HashMap<(String, Rtype), Result<Answer<Record>, Trouble>>;

impl Resolver {
    /// Asks `servers`, one after the other, until that moment.
    pub fn new(servers: Vec<SocketAddr>, until: Instant) -> Self {
        Resolver {
            servers,
            waits: WAITS,
            until,
            known: Mutex::default(),
        }
    }

    /// As impatient as a test.
    #[cfg(test)]
    pub(super) fn with_waits(mut self, waits: [Duration; 2]) -> Self {
        self.waits = waits;
        self
    }

    /// Who is asked.
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    /// Whether anybody answers, whatever it is: the name servers of the root are a question that each can answer at once.
    ///
    /// # Errors
    /// Why nobody does.
    pub fn probe(&self) -> Result<(), Trouble> {
        match self.ask(".", Rtype::NS) {
            Ok(_) | Err(Trouble::Refused(..)) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }

    /// The TXT records, the strings of each put together (RFC 7208 section 3.3). Bytes beyond UTF-8 are replaced: they stand
    /// in no record that is of use here.
    ///
    /// # Errors
    /// Why nobody says.
    pub fn txt(&self, name: &str) -> Result<Answer<String>, Trouble> {
        Ok(self.ask(name, Rtype::TXT)?.keep(|record| match record {
            Record::Text(text) => Some(text),
            Record::MailServer(..) | Record::Other => None,
        }))
    }

    /// The mail servers, the most wanted first, in lower case; `.` where the domain says that it has none (RFC 7505).
    ///
    /// # Errors
    /// Why nobody says.
    pub fn mx(&self, name: &str) -> Result<Answer<String>, Trouble> {
        let answer = self.ask(name, Rtype::MX)?.keep(|record| match record {
            Record::MailServer(preference, server) => Some((preference, server)),
            Record::Text(_) | Record::Other => None,
        });
        Ok(match answer {
            Answer::These(mut all) => {
                all.sort();
                Answer::These(all.into_iter().map(|(_, server)| server).collect())
            }
            Answer::None => Answer::None,
            Answer::NoName => Answer::NoName,
        })
    }

    /// Whether the name has an address.
    ///
    /// # Errors
    /// Why nobody says.
    pub fn has_address(&self, name: &str) -> Result<bool, Trouble> {
        for kind in [Rtype::A, Rtype::AAAA] {
            if let Answer::These(_) = self.ask(name, kind)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn ask(&self, name: &str, kind: Rtype) -> Result<Answer<Record>, Trouble> {
        let key = (name.to_ascii_lowercase(), kind);
        if let Some(known) = self.known().get(&key) {
            return known.clone();
        }
        let answer = self.ask_servers(name, kind);
        let mut known = self.known();
        if answer != Err(Trouble::Late) && known.len() < REMEMBERED {
            known.insert(key, answer.clone());
        }
        drop(known);
        answer
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic while it is held leaves answers that are still true.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask_servers(&self, name: &str, kind: Rtype) -> Result<Answer<Record>, Trouble> {
        let asked = Name::vec_from_str(name).map_err(|_| Trouble::NoName(name.to_owned()))?;
        let mut trouble = Trouble::Late;
        for wait in self.waits {
            let mut silent = false;
            for &server in &self.servers {
                let left = self.until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(trouble);
                }
                trouble = match exchange::ask(server, &asked, kind, wait.min(left)) {
                    Ok(reply) => match reply.header().rcode() {
                        Rcode::NXDOMAIN => return Ok(Answer::NoName),
                        Rcode::NOERROR => match records(&reply, kind) {
                            Ok(records) if records.is_empty() => return Ok(Answer::None),
                            Ok(records) => return Ok(Answer::These(records)),
                            Err(_) => Trouble::Garbled(server),
                        },
                        other => Trouble::Refused(server, other.to_string()),
                    },
                    // It had less than its time.
                    Err(Lost::Silent) if left < wait => Trouble::Late,
                    Err(Lost::Silent) => {
                        silent = true;
                        Trouble::Silent(server)
                    }
                    Err(Lost::Garbled) => {
                        silent = true;
                        Trouble::Garbled(server)
                    }
                    Err(Lost::Io(why)) => Trouble::Io(server, why),
                };
            }
            if !silent {
                break;
            }
        }
        Err(trouble)
    }
}

/// The records of `kind` in the answer, those at the end of a chain of aliases, too.
fn records(reply: &Reply, kind: Rtype) -> Result<Vec<Record>, ParseError> {
    let answer = reply.answer()?;
    match kind {
        Rtype::TXT => (answer.limit_to_in::<Txt<_>>())
            .map(|record| {
                let strings: Vec<u8> = record?.data().iter().flatten().copied().collect();
                Ok(Record::Text(String::from_utf8_lossy(&strings).into_owned()))
            })
            .collect(),
        Rtype::MX => (answer.limit_to_in::<Mx<_>>())
            .map(|record| {
                let record = record?;
                let server = record.data().exchange();
                let name = match server.is_root() {
                    true => ".".to_owned(),
                    false => server.to_string().to_ascii_lowercase(),
                };
                Ok(Record::MailServer(record.data().preference(), name))
            })
            .collect(),
        _ => answer
            .filter(|record| record.as_ref().is_ok_and(|it| it.rtype() == kind))
            .map(|record| record.map(|_| Record::Other))
            .collect(),
    }
}
