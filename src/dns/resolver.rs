//! Questions, until a name server answers or the time is up; each is asked once.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::base::iana::Rcode;
use domain::base::{Name, Rtype};

use super::exchange::{self, Lost};
use super::finding::short;
use super::known::{Known, Outcome};
use super::reply::{self, Record, Said};

/// How long a server is waited for, the first time and the second: a server that has to ask others first may take a while.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Names that are asked for in place of one that is an alias: servers that do the work give the whole chain at once.
const ALIASES: usize = 8;

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
    /// The name is an alias that leads nowhere.
    Endless(String),
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
            Trouble::Endless(name) => {
                write!(f, "\"{}\" is an alias without an end", short(name))
            }
            Trouble::Io(server, why) => {
                write!(f, "the name server {server} cannot be reached: {why}")
            }
        }
    }
}

/// Asks name servers, from many threads at once.
#[derive(Debug)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    waits: [Duration; 2],
    until: Instant,
    known: Mutex<Known>,
}

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

    fn ask(&self, name: &str, kind: Rtype) -> Outcome {
        let key = (name.to_ascii_lowercase(), kind);
        if let Some(known) = self.known().get(&key) {
            return known.clone();
        }
        let outcome = self.follow(name, kind);
        if outcome != Err(Trouble::Late) {
            self.known().keep(key, &outcome);
        }
        outcome
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic while it is held leaves answers that are still true.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the name, and for those that it is an alias of where that is all a server says.
    fn follow(&self, name: &str, kind: Rtype) -> Outcome {
        let mut asked = Name::vec_from_str(name).map_err(|_| Trouble::NoName(name.to_owned()))?;
        for _ in 0..=ALIASES {
            match self.ask_servers(&asked, kind)? {
                None => return Ok(Answer::NoName),
                Some(Said::These(records)) => return Ok(Answer::These(records)),
                Some(Said::None) => return Ok(Answer::None),
                Some(Said::Alias(of)) => asked = of,
                Some(Said::Endless | Said::Referral) => break,
            }
        }
        Err(Trouble::Endless(name.to_owned()))
    }

    /// What the first server says that has an answer; nothing where it says that there is no such name.
    fn ask_servers(&self, asked: &Name<Vec<u8>>, kind: Rtype) -> Result<Option<Said>, Trouble> {
        let mut trouble = Trouble::Late;
        for wait in self.waits {
            let mut silent = false;
            for &server in &self.servers {
                let left = self.until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(trouble);
                }
                trouble = match exchange::ask(server, asked, kind, wait.min(left)) {
                    Ok(reply) => match reply.header().rcode() {
                        Rcode::NXDOMAIN => return Ok(None),
                        Rcode::NOERROR => match reply::read(&reply, kind) {
                            Ok(Said::Referral) => {
                                Trouble::Refused(server, "no more than who else knows".to_owned())
                            }
                            Ok(said) => return Ok(Some(said)),
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
                    Err(Lost::Cut) => {
                        Trouble::Refused(server, "only a part of it, by TCP, too".to_owned())
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
