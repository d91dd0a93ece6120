//! What a reply means: one table, stage and reply to ruling. No I/O, no state.
//!
//! The stage comes first: at the greeting, EHLO, STARTTLS, AUTH and MAIL it is the server's or the account's
//! trouble, never a recipient's. Then the code, then the enhanced code (RFC 3463), then the words.

use crate::outcome::{Enhanced, Reply, Scope, Stage};

/// How long a trouble of the session or the account lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// Waiting helps.
    ForNow,
    /// A limit of the server or the account is reached: asking for less helps.
    Limited(Limit),
    /// Only a person can mend it.
    ForGood,
}

/// Limits that a reply can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Connections at once.
    Connections,
    /// Messages, or recipients, on one connection: another one takes more.
    Session,
    /// Messages in a short time.
    Rate,
    /// Messages in a day, or another long time: nothing goes on today.
    Quota,
}

/// What a reply means for the message at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// As hoped: go on.
    Proceed,
    /// Refused for now; the scope is `Recipient` or `Message`.
    Defer(Scope),
    /// Refused for good; the scope is `Recipient` or `Message`.
    Fail(Scope),
    /// Not this recipient's trouble: nothing is booked on it. The scope is `Session` or `Account`.
    Trouble(Scope, Lasting),
    /// The end of the content was answered by something that says neither yes nor no.
    Unclear,
}

/// Rules on a reply.
pub fn rule(stage: Stage, reply: &Reply) -> Ruling {
    use Lasting::{ForGood, ForNow};
    use Ruling::{Defer, Fail, Proceed, Trouble, Unclear};
    use Scope::{Account, Message, Recipient, Session};

    if hangs_up(reply) {
        return Trouble(Session, ForNow);
    }
    if stage >= Stage::Mail && out_of_step(reply) {
        // The two sides disagree about what was said: the next connection begins anew, and goes more slowly.
        return Trouble(Session, ForNow);
    }
    match (stage, reply.code / 100) {
        (Stage::Compose | Stage::Connect | Stage::Body, _) => Trouble(Session, ForNow), // no reply belongs here
        (Stage::Greeting | Stage::Ehlo | Stage::StartTls, 2) => Proceed,
        (Stage::Greeting | Stage::Ehlo | Stage::StartTls, 5) if limited(reply) => {
            Trouble(Account, ForNow)
        }
        (Stage::Greeting | Stage::Ehlo | Stage::StartTls, 5) => Trouble(Account, ForGood),
        (Stage::Greeting | Stage::Ehlo | Stage::StartTls, _) => Trouble(Session, ForNow),
        (Stage::Auth, 2 | 3) => Proceed,
        (Stage::Auth, 5) => Trouble(Account, ForGood),
        (Stage::Auth, _) => Trouble(Account, ForNow),

        (Stage::Mail, 2) => Proceed,
        (Stage::Mail, 5) if too_large(reply) => Fail(Message),
        (Stage::Mail, 5) => Trouble(Account, if limited(reply) { ForNow } else { ForGood }),
        (Stage::Mail, 4) => Trouble(Account, ForNow),
        (Stage::Mail, _) => Trouble(Session, ForNow),

        (Stage::Rcpt, 2) => Proceed,
        (Stage::Rcpt, 4) if limited(reply) => Trouble(Account, ForNow),
        (Stage::Rcpt, 4) => Defer(Recipient),
        (Stage::Rcpt, 5) if limited(reply) => Trouble(Account, ForNow),
        (Stage::Rcpt, 5) if no_relay(reply) => Trouble(Account, ForGood),
        (Stage::Rcpt, 5) if too_large(reply) => Fail(Message),
        (Stage::Rcpt, 5) => Fail(Recipient),
        (Stage::Rcpt, _) => Trouble(Session, ForNow),

        (Stage::Data, 3) => Proceed,
        (Stage::Data, 4) if limited(reply) => Trouble(Account, ForNow),
        (Stage::Data, 4) => Defer(Message),
        (Stage::Data, 5) if limited(reply) => Trouble(Account, ForNow),
        (Stage::Data, 5) => Fail(Message),
        (Stage::Data, _) => Trouble(Session, ForNow),

        (Stage::EndOfData, 2) => Proceed,
        (Stage::EndOfData, 4) if limited(reply) => Trouble(Account, ForNow),
        (Stage::EndOfData, 4) => Defer(Message),
        (Stage::EndOfData, 5) if limited(reply) => Trouble(Account, ForNow),
        (Stage::EndOfData, 5) => Fail(Message),
        (Stage::EndOfData, _) => Unclear,
    }
}

/// The server closes the connection, whatever it was asked (RFC 5321 section 3.8). Exim says so without 421 when it
/// has had enough of a client: these are its last words. With 550 they are another server's, quoted.
pub fn hangs_up(reply: &Reply) -> bool {
    const LAST_WORDS: &[&str] = &[
        "too many syntax or protocol errors",
        "too many nonmail commands",
        "too many unrecognized commands",
    ];
    let text = || reply.text.to_ascii_lowercase();
    match reply.code {
        421 => true,
        500..=504 | 554 => LAST_WORDS.iter().any(|words| text().ends_with(words)),
        _ => false,
    }
}

/// The command is not known, or was not expected here; or the server waited with its reply and found that the client
/// did not (RFC 2920 section 3.2): Exim's and Postfix's words.
pub fn out_of_step(reply: &Reply) -> bool {
    // Asked of every reply: those that accept are not searched for words.
    if reply.code < 500 {
        return false;
    }
    let protocol = matches!(reply.enhanced, None | Some(Enhanced(_, 5, _)));
    protocol && matches!(reply.code, 500 | 502 | 503)
        || says(
            reply,
            &[
                "synchronization error",
                "improper command pipelining",
                "improper pipelining",
            ],
        )
}

/// The message is larger than this server takes (RFC 1870 section 6.1, RFC 3463 X.3.4).
fn too_large(reply: &Reply) -> bool {
    match reply.enhanced {
        Some(Enhanced(_, 3, 4)) => true,
        Some(Enhanced(_, 2, _)) | Some(_) => false,
        None => reply.code == 552 && says(reply, &["size", "too large", "too big"]),
    }
}

/// The server asks for a login, or does not relay for this account.
fn no_relay(reply: &Reply) -> bool {
    reply.code == 530
        || says(
            reply,
            &[
                "relay access denied",
                "relaying denied",
                "relay not permitted",
                "unable to relay",
            ],
        )
}

/// A rate, a quota of the account, or the number of connections; not the mailbox's own quota (X.2.x), not greylisting.
fn limited(reply: &Reply) -> bool {
    match reply.enhanced {
        // X.4.5: the system's congestion; providers say it for a day's quota.
        Some(Enhanced(_, 4, 5)) => return true,
        Some(Enhanced(_, 2, _)) => return false,
        Some(_) | None => {}
    }
    const LIMITS: &[&str] = &[
        "rate limit",
        "ratelimit",
        "sending rate",
        "sending limit",
        "send limit",
        "sending quota",
        "daily quota",
        "daily limit",
        "hourly limit",
        "message quota",
        "message limit",
        "throttl",
        "too many messages",
        "too many connections",
        "too many concurrent",
        "too many recipients",
        "too many mails",
        "too fast",
        "slow down",
        "frequency limit",
    ];
    !says(reply, &["greylist", "graylist", "mailbox"]) && says(reply, LIMITS)
}

/// Whether the text has one of the phrases, which are in lower case.
fn says(reply: &Reply, phrases: &[&str]) -> bool {
    let text = reply.text.to_ascii_lowercase();
    phrases.iter().any(|phrase| text.contains(phrase))
}

#[cfg(test)]
mod tests;
