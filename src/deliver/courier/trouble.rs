//! What a courier makes of trouble that is no recipient's: it waits, asks for less, leaves its account out, or stops the
//! run.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use jiff::fmt::strtime;

use super::Courier;
use crate::campaign::{Provider, Tls};
use crate::deliver::account::UsedUp;
use crate::deliver::accounts::Left;
use crate::deliver::event::Event;
use crate::deliver::health::Advice;
use crate::deliver::reply::{Lasting, Limit};
use crate::deliver::session::Trouble;
use crate::outcome::{Cause, Failure, Stage};
use crate::stop::Reason;
use crate::wording::{self, count};

/// A quota whose end the server does not tell is looked at again after so long.
const QUOTA_AGAIN: Duration = Duration::from_secs(60 * 60);

/// Whether it ends the use of the whole account, not of a session.
pub(super) fn is_final(trouble: &Trouble) -> bool {
    match trouble.lasting {
        Lasting::ForGood | Lasting::Limited(Limit::Quota) => true,
        Lasting::ForNow | Lasting::Limited(Limit::Connections | Limit::Session | Limit::Rate) => {
            false
        }
    }
}

impl Courier<'_> {
    /// Takes in why a session, in which so many messages were judged, or the opening of one is over: until when to
    /// wait for the next one.
    pub(super) fn bear(&mut self, trouble: &Trouble, judged: u32) -> Option<Instant> {
        let now = Instant::now();
        let failure = &trouble.failure;
        match trouble.lasting {
            Lasting::ForGood => {
                let text = format!("{}: {failure}", self.account.name());
                let text = match what_to_do(&self.account.server.host, failure) {
                    "" => text,
                    advice => format!("{text}; {advice}"),
                };
                self.leave_out(Reason::Server(text), None, now);
                None
            }
            Lasting::Limited(Limit::Quota) => {
                let text = format!(
                    "{}: a quota is used up: {failure}; the same command goes on once it allows more",
                    self.account.name()
                );
                self.leave_out(Reason::Quota(text), Some(now + QUOTA_AGAIN), now);
                None
            }
            Lasting::Limited(Limit::Session) if judged > 0 => {
                if self.account.learn_messages(judged) {
                    let messages = count(u64::from(judged), "message");
                    self.notice(format!(
                        "at most {messages} a connection from now on: {failure}"
                    ));
                }
                None
            }
            Lasting::Limited(Limit::Connections) => {
                if let Some(taken) = self.account.refuse_connection(now) {
                    let connections = count(taken as u64, "connection");
                    self.notice(format!("at most {connections} from now on: {failure}"));
                }
                // Others go on; without any, the server is asked again later.
                match self.account.connections() {
                    0 => self.wait(failure, now),
                    _ => None,
                }
            }
            Lasting::Limited(Limit::Rate) => {
                self.slow(failure, now);
                self.wait(failure, now)
            }
            Lasting::ForNow | Lasting::Limited(Limit::Session) => self.wait(failure, now),
        }
    }

    /// The server is of no use now: until when to wait, unless it was of none for too long.
    fn wait(&self, failure: &Failure, now: Instant) -> Option<Instant> {
        let text = format!("{}: {failure}", self.account.name());
        // First: once it is given up, somebody may ask why.
        self.account.is_of_no_use(Reason::Server(text.clone()));
        let health = &self.account.health;
        let wait = match health.trouble(now) {
            Advice::Wait(wait) => wait,
            Advice::GiveUp(wait) => {
                let reason = Reason::Server(format!("{text}; {}", self.given_up(failure)));
                if self.shared.accounts.are_given_up(now) {
                    self.shared.stop.request(reason);
                    return None;
                }
                // Others go on, and it may come back.
                self.account.is_of_no_use(reason);
                wait
            }
        };
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        // Nobody listens once the run ends; that is no trouble.
        let _ = self.events.send(Event::Trouble { text, wait_ms });
        Some(now + wait)
    }

    /// How long it was tried in vain, and what to look at.
    fn given_up(&self, failure: &Failure) -> String {
        let health = &self.account.health;
        let patience = health.patience();
        let setting = match patience == self.shared.delivery.give_up {
            true => "give_up in [delivery]",
            false => "timeout in [[server]]",
        };
        let implicit = self.account.server.tls == Tls::Implicit;
        // A server that has no word for a client is most often another one than was meant.
        let hint = match (failure.stage, &failure.cause) {
            _ if health.has_greeted() => "",
            (_, Cause::Reply(_)) => "",
            (Stage::Connect, _) => "; see whether its host and port are right",
            (Stage::Greeting | Stage::StartTls, _) if implicit => {
                "; see whether its host and port are right"
            }
            (Stage::Greeting, _) => {
                "; see whether its host and port are right, and write smtps:// where the port is for TLS from the first \
                 byte (usually 465)"
            }
            _ => "",
        };
        let patience = wording::time(patience);
        format!("no message could be submitted for {patience} ({setting}){hint}")
    }

    /// The server says that messages come too fast.
    fn slow(&self, failure: &Failure, now: Instant) {
        if let Some(rate) = self.account.slow(now) {
            let rate = match rate {
                rate if rate >= 10.0 => format!("{rate:.0} messages a second"),
                rate if rate >= 1.0 => format!("{rate:.1} messages a second"),
                rate => format!("{:.0} messages a minute", rate * 60.0),
            };
            self.notice(format!("at most {rate} for now: {failure}"));
        }
    }

    /// A quota that was set is used up.
    pub(super) fn quota_is_used_up(&self, used_up: UsedUp, now: Instant) {
        let UsedUp { most, left_at } = used_up;
        let wait = left_at
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        let text = format!(
            "{}: the {most} messages of a day (rate in [[server]]) are used up; the same command goes on from {} UTC, in \
             {}",
            self.account.name(),
            minute(left_at),
            wording::time(wait)
        );
        self.leave_out(Reason::Quota(text), Some(now + wait), now);
    }

    /// Leaves its account out until then. Others go on; without any, the run stops, or waits.
    fn leave_out(&self, reason: Reason, until: Option<Instant>, now: Instant) {
        let known = self.account.is_out(now).is_some();
        self.account.is_of_no_use(reason.clone());
        match self.shared.accounts.leave_out(self.account, until, now) {
            Left::None => self.shared.stop.request(reason),
            Left::Others if !known => self.tell(format!("{reason}; the others go on")),
            Left::Later if !known => self.tell(format!("{reason}; waiting")),
            Left::Others | Left::Later => {}
        }
    }

    /// Says something of its account.
    pub(super) fn notice(&self, text: String) {
        self.tell(format!("{}: {text}", self.account.name()));
    }

    fn tell(&self, text: String) {
        let _ = self.events.send(Event::Notice { text });
    }
}

/// What to do about a refusal by the server at this host that only a person can mend.
fn what_to_do(host: &str, failure: &Failure) -> &'static str {
    match (&failure.cause, failure.stage) {
        // A refused login says what to look at; a provider that is known has more to it.
        (Cause::Reply(_), Stage::Auth) => {
            Provider::of_host(host).map_or("", |provider| provider.login_hint)
        }
        (Cause::Reply(_), Stage::StartTls) => {
            "nothing is sent without TLS; see host and port, or ask who runs the server"
        }
        (Cause::Reply(_), _) => {
            "see from in [message] and what the account may do, or ask who runs the server"
        }
        // They say it themselves.
        (Cause::Io(_) | Cause::Local(_), _) => "",
    }
}

/// `2026-11-22 14:03`, the minute after when that one has begun.
fn minute(time: SystemTime) -> String {
    let text = |time: SystemTime| {
        let time = Timestamp::try_from(time + Duration::from_secs(59)).ok()?;
        strtime::format("%Y-%m-%d %H:%M", time).ok()
    };
    text(time).unwrap_or_else(|| "another day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Reply, Scope};

    #[test]
    fn what_only_a_person_can_mend_says_what_to_do() {
        let failure = |stage| Failure {
            stage,
            scope: Scope::Account,
            cause: Cause::Reply(Reply::new(535, "5.7.8 no")),
        };
        let refused = failure(Stage::Auth);
        let local = Failure {
            cause: Cause::Local("no TLS; see tls".to_owned()),
            ..refused.clone()
        };
        assert!(what_to_do("SMTP.gmail.com", &refused).contains("app password"));
        assert_eq!(what_to_do("mx.acme.example", &refused), "");
        assert!(what_to_do("smtp.gmail.com", &failure(Stage::Mail)).starts_with("see from"));
        assert_eq!(what_to_do("smtp.gmail.com", &local), "");
    }

    #[test]
    fn a_moment_is_the_minute_after() {
        let moment = |seconds| minute(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(moment(0), "1970-01-01 00:00");
        assert_eq!(moment(86_401), "1970-01-02 00:01");
    }
}
