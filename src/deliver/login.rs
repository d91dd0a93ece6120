//! Logging in (RFC 4954): PLAIN (RFC 4616), LOGIN and XOAUTH2, by what the server offers.
//!
//! Secrets leave for the server alone: the trace has `***` in their place, and so has whatever the server says of them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::offers::Offers;
use super::reply::{Lasting, Ruling, rule};
use super::session::Trouble;
use super::transport::Transport;
use super::wire::Wire;
use crate::campaign::{Login, Mechanism, Secret};
use crate::outcome::{Cause, Failure, Reply, Scope, Stage};
use crate::wording::printable;

#[cfg(test)]
mod tests;

/// A line with its first response in it may be no longer than any command (RFC 5321 section 4.5.3.1.4).
const COMMAND_LIMIT: usize = 512;

/// The login was not taken.
#[derive(Debug)]
pub(super) struct Refused {
    /// Why.
    pub trouble: Trouble,
    /// It may have been for the token's age: another one may be taken.
    pub token: bool,
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        Refused {
            trouble,
            token: false,
        }
    }
}

/// Logs in over a connection on which nobody can listen.
///
/// # Errors
/// What the server, or the connection, is of no use for.
pub(super) fn log_in<T: Transport>(
    wire: &mut Wire<T>,
    offers: &Offers,
    login: &Login,
    secret: &Secret,
    timeout: Duration,
) -> Result<Mechanism, Refused> {
    let mechanism = choose(login.mechanism, &offers.auth)?;
    let (user, word) = (&login.username, secret.reveal());
    let response = match mechanism {
        Mechanism::Plain => BASE64.encode(format!("\0{user}\0{word}")),
        Mechanism::Login => BASE64.encode(word),
        Mechanism::Xoauth2 => BASE64.encode(format!("user={user}\x01auth=Bearer {word}\x01\x01")),
    };
    // The longest first: the others may be parts of it.
    let secrets = vec![response.clone(), BASE64.encode(word), word.to_owned()];
    wire.hide(secrets);
    let mut dialogue = Dialogue { wire, timeout };
    let reply = match mechanism {
        Mechanism::Plain => dialogue.plain(&response)?,
        Mechanism::Login => dialogue.login(&BASE64.encode(user), &response)?,
        Mechanism::Xoauth2 => dialogue.xoauth2(&response)?,
    };
    match judge(reply) {
        None => Ok(mechanism),
        Some(trouble) => Err(Refused {
            token: mechanism == Mechanism::Xoauth2 && trouble.lasting == Lasting::ForGood,
            trouble,
        }),
    }
}

/// What it is called on the wire.
pub(super) fn name(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::Plain => "PLAIN",
        Mechanism::Login => "LOGIN",
        Mechanism::Xoauth2 => "XOAUTH2",
    }
}

/// The mechanism that was set, or the best one for a password; only one that is offered.
fn choose(set: Option<Mechanism>, offered: &[String]) -> Result<Mechanism, Trouble> {
    let has = |mechanism: &Mechanism| offered.iter().any(|it| it == name(*mechanism));
    let candidates = match &set {
        Some(one) => std::slice::from_ref(one),
        None => &[Mechanism::Plain, Mechanism::Login],
    };
    if let Some(found) = candidates.iter().copied().find(has) {
        return Ok(found);
    }
    let wanted: Vec<_> = candidates.iter().copied().map(name).collect();
    let wanted = wanted.join(" or ");
    let text = match offered {
        [] => "the server takes no login here (it offers no AUTH); take the login out of [[server]], or see whether the port is the one for sending with a login (usually 587 or 465)".to_owned(),
        _ => format!(
            "the server offers no login by {wanted}, only {}; see auth in [[server]]",
            printable(&offered.join(", "))
        ),
    };
    Err(Trouble::for_good(Stage::Auth, text))
}

struct Dialogue<'a, T> {
    wire: &'a mut Wire<T>,
    timeout: Duration,
}

impl<T: Transport> Dialogue<'_, T> {
    fn plain(&mut self, response: &str) -> Result<Reply, Trouble> {
        let reply = self.begin(Mechanism::Plain, response)?;
        match reply.code {
            // Overheard, as some servers do.
            334 => self.answer(response),
            _ => Ok(reply),
        }
    }

    fn login(&mut self, user: &str, word: &str) -> Result<Reply, Trouble> {
        let mut reply = self.ask("AUTH LOGIN\r\n", "AUTH LOGIN\r\n")?;
        for response in [user, word] {
            if reply.code != 334 {
                break;
            }
            reply = self.answer(response)?;
        }
        Ok(reply)
    }

    /// A token that is refused is answered by a challenge, which says why and has to be answered by nothing.
    fn xoauth2(&mut self, response: &str) -> Result<Reply, Trouble> {
        let challenge = self.begin(Mechanism::Xoauth2, response)?;
        if challenge.code != 334 {
            return Ok(challenge);
        }
        let mut reply = self.ask("\r\n", "\r\n")?;
        let why = BASE64.decode(challenge.text.trim()).unwrap_or_default();
        if !why.is_empty() {
            let why = printable(&String::from_utf8_lossy(&why));
            reply.text = format!("{} {why}", reply.text).trim().to_owned();
        }
        Ok(reply)
    }

    /// AUTH, with the first response where it has room.
    fn begin(&mut self, mechanism: Mechanism, response: &str) -> Result<Reply, Trouble> {
        let name = name(mechanism);
        let whole = format!("AUTH {name} {response}\r\n");
        if whole.len() <= COMMAND_LIMIT {
            return self.ask(&whole, &format!("AUTH {name} ***\r\n"));
        }
        let command = format!("AUTH {name}\r\n");
        let reply = self.ask(&command, &command)?;
        match reply.code {
            334 => self.answer(response),
            _ => Ok(reply),
        }
    }

    fn answer(&mut self, response: &str) -> Result<Reply, Trouble> {
        self.ask(&format!("{response}\r\n"), "***\r\n")
    }

    fn ask(&mut self, line: &str, shown: &str) -> Result<Reply, Trouble> {
        self.wire
            .say_masked(line, shown, self.timeout)
            .and_then(|()| self.wire.read_reply(self.timeout))
            .map_err(|error| Trouble::io(Stage::Auth, &error))
    }
}

/// What the last reply means; nothing when it is a welcome.
fn judge(reply: Reply) -> Option<Trouble> {
    let (scope, lasting) = match rule(Stage::Auth, &reply) {
        Ruling::Proceed if reply.code < 300 => return None,
        Ruling::Trouble(scope, lasting) => (scope, lasting),
        // It wants more than there is to say.
        Ruling::Proceed | Ruling::Defer(_) | Ruling::Fail(_) | Ruling::Unclear => {
            (Scope::Session, Lasting::ForNow)
        }
    };
    Some(Trouble {
        failure: Failure {
            stage: Stage::Auth,
            scope,
            cause: Cause::Reply(reply),
        },
        lasting,
    })
}
