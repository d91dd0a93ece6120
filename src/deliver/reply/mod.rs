//! What a reply means: one table, stage and reply to ruling. No I/O, no state.
//!
//! The stage comes first: at the greeting, EHLO, STARTTLS, AUTH and MAIL it is the server's or the account's
//! trouble, never a recipient's. Then the code, then what it is about: the enhanced code (RFC 3463), then the words.

mod text;
mod topic;
mod words;

pub use topic::Topic;

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
    use Stage::{
        Auth, Body, Compose, Connect, Data, Ehlo, EndOfData, Greeting, Mail, Rcpt, StartTls,
    };

    let refused_for_now = match (stage, reply.code / 100) {
        (Compose | Connect | Body, _) => return Trouble(Session, ForNow), // no reply belongs here
        (Auth, 2 | 3) | (Data, 3) => return Proceed,
        (Greeting | Ehlo | StartTls | Mail | Rcpt | EndOfData, 2) => return Proceed,
        (_, 4) => true,
        (_, 5) => false,
        (EndOfData, _) => return Unclear,
        (_, _) => return Trouble(Session, ForNow), // neither yes nor no
    };
    let topic = Topic::of(reply);
    if hangs_up(reply) {
        // The server's word about itself, unless it names what it is about.
        return match topic {
            Some(Topic::Limit(limit)) => limited(limit),
            Some(Topic::Greylisting) if stage > Mail => Defer(Recipient),
            Some(_) | None => Trouble(Session, ForNow),
        };
    }
    if stage >= Mail && out_of_step(reply) {
        // The two sides disagree about what was said: the next connection begins anew, and goes more slowly.
        return Trouble(Session, ForNow);
    }
    let lasting = if refused_for_now { ForNow } else { ForGood };
    let settled = |scope| {
        if refused_for_now {
            Defer(scope)
        } else {
            Fail(scope)
        }
    };
    match (stage, topic) {
        // A login that is refused is that, also where the text lists all that can be the reason, limits among them (QQ).
        (Auth, _) if matches!(reply.code, 530..=539) => Trouble(Account, ForGood),
        (_, Some(Topic::Limit(limit))) => limited(limit),
        (Greeting | Ehlo | StartTls, _) if refused_for_now => Trouble(Session, ForNow),
        (Greeting | Ehlo | StartTls | Auth, _) => Trouble(Account, lasting),

        (Mail | Rcpt | Data | EndOfData, Some(Topic::TooLarge)) if !refused_for_now => {
            Fail(Message)
        }
        (Mail, _) => Trouble(Account, lasting),

        // What is said of this side would be said to whomever the message is for: a host on a block list, a domain
        // whose DMARC record is against it, an address that is not verified, a host that may not relay. Servers look
        // at these when the first recipient is named, so that this answer to RCPT is none about the recipient; at the
        // end of the content it is none about the content. A person has to mend it; until then nobody is booked.
        (Rcpt | Data | EndOfData, Some(topic)) if topic.is_the_accounts() => {
            Trouble(Account, lasting)
        }
        (Rcpt | Data | EndOfData, Some(Topic::Greylisting)) => Defer(Recipient),
        (Rcpt, _) => settled(Recipient),
        (Data | EndOfData, Some(Topic::Disabled)) => Trouble(Account, lasting),
        (Data | EndOfData, Some(topic)) if topic.is_the_recipients() => settled(Recipient),
        (Data | EndOfData, _) => settled(Message),
        (Compose | Connect | Body, _) => Trouble(Session, ForNow), // ruled above
    }
}

/// A limit is the account's, but for what one connection may carry.
fn limited(limit: Limit) -> Ruling {
    let scope = match limit {
        Limit::Session => Scope::Session,
        Limit::Connections | Limit::Rate | Limit::Quota => Scope::Account,
    };
    Ruling::Trouble(scope, Lasting::Limited(limit))
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

/// Another recipient is one too many for this message (RFC 5321 section 4.5.3.1.10): those before it get it.
pub fn too_many_recipients(reply: &Reply) -> bool {
    let said = || {
        reply
            .text
            .to_ascii_lowercase()
            .contains("too many recipients")
    };
    let session = Topic::of(reply) == Some(Topic::Limit(Limit::Session));
    let enhanced = matches!(reply.enhanced, Some(Enhanced(_, 5, 3)));
    matches!(reply.code, 452 | 552) && !session && (enhanced || reply.enhanced.is_none() && said())
}

/// The command is not known, or was not expected here; or the server waited with its reply and found that the client
/// did not (RFC 2920 section 3.2): Exim's, Postfix's and postscreen's words.
pub fn out_of_step(reply: &Reply) -> bool {
    // Asked of every reply: those that accept are not searched for words.
    if reply.code < 500 {
        return false;
    }
    const OUT_OF_STEP: &[&str] = &[
        "synchronization error",
        "improper command pipelining",
        "improper pipelining",
        "protocol error",
    ];
    let protocol = matches!(reply.enhanced, None | Some(Enhanced(_, 5, _)));
    // 503 for who has not logged in, 502 for a sender that is not this account's: what they say counts.
    let unexpected = protocol
        && matches!(reply.code, 500 | 502 | 503)
        && !Topic::of(reply).is_some_and(Topic::is_the_accounts);
    unexpected || text::Text::of(&reply.text).says(OUT_OF_STEP)
}

#[cfg(test)]
mod real_replies;
#[cfg(test)]
mod tests;
