//! What a refusal is about: its enhanced code (RFC 3463), and where that is general or known to be misused, its words.
//!
//! Asked only of replies that refuse: those that accept are not searched.

use super::Limit;
use super::text::Text;
use super::words::{LIMITS, MISCODED, SENDING, WORDS};
use crate::outcome::{Enhanced, Reply};

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The server wants to see a second attempt.
    Greylisting,
    /// A limit of the server or the account is reached.
    Limit(Limit),
    /// The server wants a login or TLS first, or does not pass on mail for this account.
    Relay,
    /// The sender's address: not this account's, not verified, or of no domain.
    Sender,
    /// The account may not send: suspended, not activated, not paid.
    Suspended,
    /// The sending host: on a block list, of bad repute, or without a name in the DNS.
    Listed,
    /// The sender's domain does not vouch for the message: SPF, DKIM, DMARC.
    Unvouched,
    /// The message is too large.
    TooLarge,
    /// The message's content.
    Content,
    /// The recipient gets too much mail at the moment, from whomever.
    Busy,
    /// The mailbox is full.
    Full,
    /// The mailbox was closed.
    Closed,
    /// An account is disabled: the recipient's, where that is the answer to its name, and the sender's afterwards.
    Disabled,
    /// There is no such mailbox.
    NoMailbox,
    /// The address's domain takes no mail.
    NoDomain,
    /// What stands there is no address.
    BadAddress,
    /// The recipient does not want mail of this sender.
    Unwanted,
    /// Rules of the server that it does not tell.
    Policy,
}

impl Topic {
    /// What stands in the way of every recipient alike, and is to be mended or waited for on the sending side.
    pub fn is_the_accounts(self) -> bool {
        use Topic::{Limit, Listed, Relay, Sender, Suspended, Unvouched};
        matches!(
            self,
            Limit(_) | Relay | Sender | Suspended | Listed | Unvouched
        )
    }

    /// What is true of one recipient, whatever is sent and by whomever.
    pub fn is_the_recipients(self) -> bool {
        use Topic::{BadAddress, Busy, Closed, Full, Greylisting, NoDomain, NoMailbox, Unwanted};
        matches!(
            self,
            Greylisting | Busy | Full | Closed | NoMailbox | NoDomain | BadAddress | Unwanted
        )
    }

    /// What a refusal is about, where it can be told.
    pub fn of(reply: &Reply) -> Option<Topic> {
        let text = Text::of(&reply.text);
        let worded = |rows: &[(Topic, &[&str])]| {
            let mut rows = rows.iter().filter(|row| allows(reply.enhanced, row.0));
            rows.find(|row| text.says(row.1)).map(|row| row.0)
        };
        let limit = || limit(reply, &text).filter(|&limit| allows(reply.enhanced, limit));
        let policy = matches!(reply.enhanced, Some(Enhanced(_, 7, _))).then_some(Topic::Policy);
        let miscoded = MISCODED.iter().find(|row| text.says(row.1));
        miscoded
            .map(|row| row.0)
            .or_else(|| coded(reply, &text))
            .or_else(limit)
            .or_else(|| worded(WORDS))
            .or(policy)
    }
}

/// What the enhanced code says by itself. X.0.0, X.1.0, X.2.0, X.3.0, X.7.1 and their like say too little.
fn coded(reply: &Reply, text: &Text) -> Option<Topic> {
    use Topic::*;
    let Enhanced(class, subject, detail) = reply.enhanced?;
    let limit = || Some(limit(reply, text).unwrap_or_else(|| unspecified(reply)));
    match (subject, detail) {
        (1, 1 | 6) => Some(NoMailbox),
        (1, 2 | 10) => Some(NoDomain),
        (1, 3) => Some(BadAddress),
        (1, 7 | 8) => Some(Sender),
        (1, 90) => Some(Limit(super::Limit::Quota)), // Exchange Online: recipients a day
        (2, 1) => Some(Closed),
        (2, 2) => Some(Full),
        (2, 3) | (3, 4) => Some(TooLarge),
        (2, 122) => Some(Busy), // Exchange Online: mail to this mailbox in an hour
        // Exchange Online: all is refused for a while, because this was refused too often.
        (2, 251 | 253) => Some(Suspended), // the sender's mailbox is full, has no licence
        (2, 252) => Some(Sender),
        (2, 254 | 255) => limit(),
        (4, 4 | 6) => Some(NoDomain),
        // The system's congestion; Gmail says 5.4.5 for the day's quota.
        (4, 5) => limit(),
        // Too many recipients: messages have one, so that it can't be those of the message.
        (5, 3) => limit(),
        (6, _) => Some(Content),
        (7, 8 | 14) => Some(Relay),
        // RFC 7372, RFC 7505, RFC 8617; Gmail says 7.29 without TLS, and 7.30, 7.32, 7.40 for DKIM, alignment, DMARC.
        (7, 20..=24 | 26 | 27 | 29 | 30 | 32 | 40) => Some(Unvouched),
        (7, 25) => Some(Listed), // RFC 7372: no reverse name
        (7, 28) => Some(Limit(super::Limit::Rate)), // a flood of mail; Gmail's pace
        // Exchange Online from here on.
        (7, 54 | 57) => Some(Relay),
        (7, 60) => Some(Sender),
        (7, 120..=136 | 504 | 505 | 507 | 703) => Some(Unwanted), // who may write to them is restricted
        (7, 500 | 508) => limit(),
        (7, 501..=503 | 511) => Some(Listed),
        (7, 509 | 515) => Some(Unvouched),
        (7, 600..=699) if class == 4 => limit(),
        (7, 600..=699) => Some(Listed),
        // "Only an email admin can fix this", says Microsoft, of 705 too, which speaks of a threshold.
        (7, 700..=799) => Some(Suspended),
        // Policy servers and Exchange Online's organization quotas; a mailbox's own is X.2.2.
        (7, _) if text.says(&["quota"]) && !text.says(&["mailbox", "over quota"]) => limit(),
        _ => None,
    }
}

/// Whether a general enhanced code leaves room for what the words say: X.1 is about addresses, X.2 about the mailbox.
fn allows(enhanced: Option<Enhanced>, topic: Topic) -> bool {
    match enhanced {
        Some(Enhanced(_, 1, _)) => !topic.is_the_accounts() || topic == Topic::Sender,
        Some(Enhanced(_, 2, _)) => !topic.is_the_accounts(),
        Some(_) | None => true,
    }
}

/// The limit that the words name.
fn limit(reply: &Reply, text: &Text) -> Option<Topic> {
    let named = LIMITS.iter().find(|row| text.says(row.1));
    named
        .map(|row| row.0)
        .or_else(|| text.says(SENDING).then(|| unspecified(reply)))
}

/// A limit on sending of which the period is not told: what is refused for good is not given back in a minute.
fn unspecified(reply: &Reply) -> Topic {
    Topic::Limit(if reply.code < 500 {
        Limit::Rate
    } else {
        Limit::Quota
    })
}
