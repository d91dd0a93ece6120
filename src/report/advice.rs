//! What to do about a refusal, by its kind. One table, read from its top: what a text says plainly goes before what a
//! code says in general.

/// A refusal as far as it can be told from others: the SMTP code, the enhanced code (RFC 3463), the text.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// `None` when no server answered.
    pub code: Option<u16>,
    /// As the server wrote it: `5.1.1`.
    pub enhanced: Option<&'a str>,
    /// Of any case.
    pub text: &'a str,
}

/// A row of the table: it fits when the enhanced code's class-less rest is one of these, or a word stands in the text.
struct Kind {
    /// `1.1` of 4.1.1 and 5.1.1; one that ends in a dot fits all that begin with it.
    details: &'static [&'static str],
    /// In lower case.
    words: &'static [&'static str],
    advice: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        details: &[],
        words: &["greylist", "graylist", "grey-list", "gray-list"],
        advice: "the server wants to see a second attempt: mailrun send again, some minutes later",
    },
    Kind {
        details: &[
            "7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.27", "7.29",
        ],
        words: &[
            "spf",
            "dkim",
            "dmarc",
            "unauthenticated",
            "not authenticated",
        ],
        advice: "your domain does not vouch for this sender: see to its SPF, DKIM and DMARC records",
    },
    Kind {
        details: &[],
        words: &[
            "spamhaus",
            "blocklist",
            "blacklist",
            "block list",
            "black list",
            "dnsbl",
            "reputation",
            "barracuda",
        ],
        advice: "the sending server is on a block list: look it up there, or send through another server",
    },
    Kind {
        details: &[],
        words: &["relay"],
        advice: "the server does not pass on mail for you: use one that does, or have it know you",
    },
    Kind {
        details: &["2.3", "3.4"],
        words: &["too large", "too big", "message size", "size limit"],
        advice: "the message is too large for this server: make it smaller",
    },
    Kind {
        details: &["2.2"],
        words: &[
            "mailbox full",
            "mailbox is full",
            "over quota",
            "quota exceeded",
            "insufficient storage",
        ],
        advice: "the mailbox is full: try again in some days, then take it off the list",
    },
    Kind {
        details: &["2.1"],
        words: &["disabled", "deactivated", "inactive", "suspended"],
        advice: "the mailbox was closed: take it off the list",
    },
    Kind {
        details: &["1.2", "1.10", "4.4", "4.6"],
        words: &[
            "domain not found",
            "unknown domain",
            "no such domain",
            "null mx",
            "host not found",
        ],
        advice: "the address's domain takes no mail: correct the address, or take it off the list",
    },
    Kind {
        details: &["1.1", "1.6"],
        words: &[
            "user unknown",
            "unknown user",
            "no such",
            "does not exist",
            "unknown recipient",
            "recipient unknown",
            "invalid recipient",
        ],
        advice: "there is no such mailbox: correct the address, or take it off the list",
    },
    Kind {
        details: &["1.3"],
        words: &["bad address syntax", "invalid address"],
        advice: "the server does not take this for an address: correct it",
    },
    Kind {
        details: &["6."],
        words: &["spam", "virus", "malware", "phish", "content rejected"],
        advice: "the content is refused: look for what a filter may dislike, and try it on a few addresses",
    },
    Kind {
        details: &[],
        words: &["too many", "rate limit", "throttl", "too fast", "quota"],
        advice: "too much at once for this server: use fewer connections, and mailrun send again later",
    },
    Kind {
        details: &["7."],
        words: &["policy", "blocked", "access denied", "not permitted"],
        advice: "the server's rules are against it: the reply or its postmaster says which",
    },
];

/// What to do about it. `tried_again`: a further attempt is due.
pub fn advice(refusal: Refusal<'_>, tried_again: bool) -> &'static str {
    let Some(code) = refusal.code else {
        return "no answer of a server: try these apart from the others, in a new run";
    };
    let detail = refusal
        .enhanced
        .and_then(|it| it.split_once('.'))
        .map(|it| it.1);
    let text = refusal.text.to_lowercase();
    let says = |kind: &&Kind| kind.words.iter().any(|word| text.contains(word));
    let coded = |kind: &&Kind| {
        let fits = |of: &&str, detail: &str| {
            detail == *of || (of.ends_with('.') && detail.starts_with(*of))
        };
        detail.is_some_and(|detail| kind.details.iter().any(|of| fits(of, detail)))
    };
    let kind = KINDS.iter().find(|kind| coded(kind) || says(kind));
    match kind {
        Some(kind) => kind.advice,
        None if tried_again => "refused for now: mailrun send tries again",
        None if code < 500 => "refused for now each time: try these again in a new run, later",
        None => "refused for good: the reply says why",
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

    #[test]
    fn every_row_is_reached_by_its_words_and_codes() {
        for (at, kind) in KINDS.iter().enumerate() {
            for word in kind.words {
                let refusal = Refusal {
                    code: Some(550),
                    enhanced: None,
                    text: &word.to_uppercase(),
                };
                let found = advice(refusal, false);
                let first = KINDS.iter().position(|it| it.advice == found);
                // An earlier row may say it more plainly.
                assert!(first.is_some_and(|first| first <= at), "{word}: {found}");
            }
            for detail in kind.details {
                let enhanced =
                    format!("5.{detail}{}", if detail.ends_with('.') { "0" } else { "" });
                let refusal = Refusal {
                    code: Some(550),
                    enhanced: Some(&enhanced),
                    text: "",
                };
                assert_eq!(advice(refusal, false), kind.advice, "{enhanced}");
            }
        }
    }
}
