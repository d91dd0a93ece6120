//! What to do about a refusal, by what it is about.

use crate::deliver::reply::Topic;
use crate::outcome::Reply;

/// A refusal as the ledger keeps it: the SMTP code, the enhanced code (RFC 3463), the text.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// `None` when no server answered.
    pub code: Option<u16>,
    /// As the server wrote it: `5.1.1`.
    pub enhanced: Option<&'a str>,
    /// Of any case.
    pub text: &'a str,
}

/// What to do about it. `tried_again`: a further attempt is due.
pub fn advice(refusal: Refusal<'_>, tried_again: bool) -> &'static str {
    let Some(code) = refusal.code else {
        return "no answer of a server: try these apart from the others, in a new run";
    };
    let enhanced = refusal.enhanced.unwrap_or_default();
    let reply = Reply::new(code, &format!("{enhanced} {}", refusal.text));
    match Topic::of(&reply) {
        Some(topic) => about(topic),
        None if tried_again => "refused for now: mailrun send tries again",
        None if code < 500 => "refused for now each time: try these again in a new run, later",
        None => "refused for good: the reply says why",
    }
}

fn about(topic: Topic) -> &'static str {
    match topic {
        Topic::Greylisting => {
            "the server wants to see a second attempt: mailrun send again, some minutes later"
        }
        Topic::Limit(_) => {
            "too much at once for this server: use fewer connections, and mailrun send again later"
        }
        Topic::Relay => {
            "the server does not pass on mail for you: use one that does, or have it know you"
        }
        Topic::Sender => {
            "the server does not take this sender: verify the address there, or write from another one"
        }
        Topic::Suspended => {
            "the account may not send: the reply or the provider's pages say what lifts it"
        }
        Topic::Listed => {
            "the sending server is on a block list, or has no name: look it up there, or send through another server"
        }
        Topic::Unvouched => {
            "your domain does not vouch for this sender: see to its SPF, DKIM and DMARC records"
        }
        Topic::TooLarge => "the message is too large for this server: make it smaller",
        Topic::Content => {
            "the content is refused: look for what a filter may dislike, and try it on a few addresses"
        }
        Topic::Busy => "the mailbox gets too much mail at the moment: try again in some hours",
        Topic::Full => "the mailbox is full: try again in some days, then take it off the list",
        Topic::Closed | Topic::Disabled => "the mailbox was closed: take it off the list",
        Topic::NoMailbox => {
            "there is no such mailbox: correct the address, or take it off the list"
        }
        Topic::NoDomain => {
            "the address's domain takes no mail: correct the address, or take it off the list"
        }
        Topic::BadAddress => "the server does not take this for an address: correct it",
        Topic::Unwanted => "the recipient does not want your mail: take it off the list",
        Topic::Policy => {
            "the server's rules are against it: the reply or its postmaster says which"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of the advice for a reply as a server writes it.
    #[track_caller]
    fn is(reply: &str, begins: &str) {
        let (code, rest) = reply.split_once(' ').unwrap_or((reply, ""));
        let (first, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let coded = first.contains('.') && first.split('.').all(|part| part.parse::<u16>().is_ok());
        let refusal = Refusal {
            code: code.parse().ok(),
            enhanced: coded.then_some(first),
            text: if coded { after } else { rest },
        };
        let found = advice(refusal, false);
        assert!(found.starts_with(begins), "{reply}: {found}");
    }

    #[test]
    fn each_kind_as_real_servers_word_it() {
        for (reply, begins) in [
            (
                "450 4.2.0 <a@b>: Recipient address rejected: Greylisted, see http://x/",
                "the server wants to see a second",
            ),
            (
                "550 5.7.26 This mail has been blocked because the sender is unauthenticated.",
                "your domain does not vouch",
            ),
            ("550 SPF check failed", "your domain does not vouch"),
            (
                "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
                "the sending server is on a block",
            ),
            (
                "454 4.7.1 <a@b>: Relay access denied",
                "the server does not pass on",
            ),
            (
                "552 5.3.4 Message size exceeds fixed limit",
                "the message is too large",
            ),
            ("523 the message is too big", "the message is too large"),
            (
                "452 4.2.2 The email account is over quota",
                "the mailbox is full",
            ),
            ("552 Mailbox full", "the mailbox is full"),
            (
                "550 5.2.1 The email account that you tried to reach is inactive",
                "the mailbox was closed",
            ),
            (
                "550 5.1.2 Host unknown",
                "the address's domain takes no mail",
            ),
            (
                "556 5.1.10 Recipient address has a null MX",
                "the address's domain takes no mail",
            ),
            (
                "550 5.1.1 <a@b>: Recipient address rejected: User unknown",
                "there is no such mailbox",
            ),
            ("550 No such user here", "there is no such mailbox"),
            (
                "550 Mail is rejected by recipients",
                "the recipient does not",
            ),
            (
                "450 4.2.1 The user you are trying to contact is receiving email too quickly.",
                "the mailbox gets too much",
            ),
            ("550 account disabled", "the mailbox was closed"),
            (
                "553 5.7.1 <a@b>: Sender address rejected: not owned by user c",
                "the server does not take this sender",
            ),
            (
                "554 Message rejected: Sending suspended for this account.",
                "the account may not send",
            ),
            (
                "501 5.1.3 Bad recipient address syntax",
                "the server does not take this",
            ),
            ("554 5.6.0 Message refused", "the content is refused"),
            (
                "550 5.7.1 Our system has detected that this message is likely spam",
                "the content is refused",
            ),
            ("452 4.5.3 Error: too many recipients", "too much at once"),
            (
                "550 5.7.1 Delivery not authorized",
                "the server's rules are against it",
            ),
            (
                "451 4.3.0 Temporary lookup failure",
                "refused for now each time",
            ),
            ("554 Transaction failed", "refused for good"),
            ("550", "refused for good"),
            ("the server closed the connection", "no answer of a server"),
        ] {
            is(reply, begins);
        }
    }

    #[test]
    fn who_is_tried_again_needs_nothing_done() {
        let refusal = Refusal {
            code: Some(451),
            enhanced: None,
            text: "later",
        };
        assert_eq!(
            advice(refusal, true),
            "refused for now: mailrun send tries again"
        );
    }
}
