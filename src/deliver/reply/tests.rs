//! The table, row by row.

use super::words::{LIMITS, MISCODED, SENDING, WORDS};
use super::*;
use Lasting::{ForGood, ForNow};
use Ruling::{Defer, Fail, Proceed, Trouble, Unclear};
use Scope::{Account, Message, Recipient, Session};
use Stage::{Auth, Body, Compose, Connect, Data, Ehlo, EndOfData, Greeting, Mail, Rcpt, StartTls};

#[track_caller]
fn check(stage: Stage, line: &str, ruling: Ruling) {
    let (code, rest) = line.split_at(3);
    let reply = Reply::new(code.parse().unwrap_or(0), rest.trim());
    assert_eq!(rule(stage, &reply), ruling, "{stage}: {line}");
}

/// With a code that says nothing of what the words are about, for now and for good.
fn for_each_code(words: &str, mut check: impl FnMut(bool, &str)) {
    check(true, &format!("450 {words}"));
    check(true, &format!("451 4.7.1 <a@b.example>: {words}"));
    check(false, &format!("550 {words}"));
    check(false, &format!("554 5.7.1 <a@b.example>: {words}"));
}

/// Each row of the table above, in its order; where words decide, one with and one without them.
#[test]
fn every_row_of_the_table() {
    for stage in [
        Greeting, Ehlo, StartTls, Auth, Mail, Rcpt, Data, EndOfData, Compose, Connect, Body,
    ] {
        check(stage, "421 4.3.2 closing", Trouble(Session, ForNow));
    }
    // Unless it names a limit, or greylists the recipient.
    for stage in [Greeting, Ehlo, StartTls, Auth, Mail, Rcpt, Data, EndOfData] {
        for (line, limit) in [
            ("421 4.7.0 too many connections", Limit::Connections),
            ("421 too many messages in one session", Limit::Session),
            ("421 4.7.28 an unusual rate", Limit::Rate),
            ("421 daily sending limit exceeded", Limit::Quota),
        ] {
            check(stage, line, limited(limit));
        }
    }
    for stage in [Greeting, Ehlo, StartTls, Auth, Mail] {
        check(stage, "421 4.7.1 greylisted", Trouble(Session, ForNow));
    }
    for stage in [Rcpt, Data, EndOfData] {
        check(stage, "421 4.7.1 greylisted", Defer(Recipient));
    }
    // Exim's last words; the same about something else are none.
    for stage in [Mail, Rcpt, Data, EndOfData] {
        for words in [
            "501 <x>: domain missing Too many syntax or protocol errors",
            "554 Too many nonmail commands",
            "500 Too many unrecognized commands",
        ] {
            check(stage, words, Trouble(Session, ForNow));
        }
    }
    check(Rcpt, "554 Too many nonmail commands here", Fail(Recipient));
    check(Rcpt, "550 said: Too many nonmail commands", Fail(Recipient));
    for stage in [Compose, Connect, Body] {
        check(stage, "250 ok", Trouble(Session, ForNow));
    }
    for stage in [Greeting, Ehlo, StartTls] {
        check(stage, "220 ready", Proceed);
        check(
            stage,
            "554 5.7.1 no service for you",
            Trouble(Account, ForGood),
        );
        check(
            stage,
            "554 5.7.0 too many connections from your address",
            limited(Limit::Connections),
        );
        check(
            stage,
            "454 4.7.0 TLS not available",
            Trouble(Session, ForNow),
        );
        check(stage, "354 what", Trouble(Session, ForNow));
    }
    check(Auth, "235 2.7.0 welcome", Proceed);
    check(Auth, "334 UGFzc3dvcmQ6", Proceed);
    check(Auth, "535 5.7.8 wrong password", Trouble(Account, ForGood));
    check(
        Auth,
        "454 4.7.0 temporary failure",
        Trouble(Account, ForNow),
    );

    for stage in [Mail, Rcpt, Data, EndOfData] {
        check(stage, "503 5.5.1 need MAIL first", Trouble(Session, ForNow));
        check(stage, "500 5.5.2 what", Trouble(Session, ForNow));
        check(stage, "502 5.5.1 not here", Trouble(Session, ForNow));
        check(
            stage,
            "554 SMTP synchronization error",
            Trouble(Session, ForNow),
        );
    }
    check(
        Auth,
        "535 wrong password, or too many messages",
        Trouble(Account, ForGood),
    );
    check(
        Auth,
        "454 4.7.0 too many login attempts",
        limited(Limit::Rate),
    );
    check(Auth, "550 too many messages", limited(Limit::Quota));

    // What is said of this side, at the stages of a message.
    for (topic, words) in [
        (Topic::Relay, "relay access denied"),
        (Topic::Sender, "sender address rejected"),
        (Topic::Suspended, "sending suspended"),
        (Topic::Listed, "client host blocked using a list"),
        (Topic::Unvouched, "DMARC check failed"),
    ] {
        assert!(topic.is_the_accounts());
        for stage in [Mail, Rcpt, Data, EndOfData] {
            for_each_code(words, |now, line| {
                let lasting = if now { ForNow } else { ForGood };
                check(stage, line, Trouble(Account, lasting));
            });
        }
    }
    // Of the recipient.
    for (topic, words) in [
        (Topic::Busy, "the user is receiving mail too quickly"),
        (Topic::Full, "mailbox full"),
        (Topic::Closed, "mailbox disabled"),
        (Topic::NoMailbox, "user unknown"),
        (Topic::NoDomain, "unrouteable address"),
        (Topic::BadAddress, "bad address syntax"),
        (Topic::Unwanted, "rejected by recipients"),
    ] {
        assert!(topic.is_the_recipients());
        for stage in [Rcpt, Data, EndOfData] {
            for_each_code(words, |now, line| {
                let ruling = if now {
                    Defer(Recipient)
                } else {
                    Fail(Recipient)
                };
                check(stage, line, ruling);
            });
        }
    }
    // Whose account it is depends on what was said before.
    for_each_code("account disabled", |now, line| {
        let (ruling, lasting) = if now {
            (Defer(Recipient), ForNow)
        } else {
            (Fail(Recipient), ForGood)
        };
        check(Rcpt, line, ruling);
        check(Data, line, Trouble(Account, lasting));
        check(EndOfData, line, Trouble(Account, lasting));
    });
    for stage in [Rcpt, Data, EndOfData] {
        for_each_code("greylisted", |_, line| {
            check(stage, line, Defer(Recipient));
        });
    }
    // Of the content, and of what is not told.
    for words in ["spam", "for reasons of policy", "no"] {
        for_each_code(words, |now, line| {
            let ruling = if now { Defer } else { Fail };
            check(Rcpt, line, ruling(Recipient));
            check(Data, line, ruling(Message));
            check(EndOfData, line, ruling(Message));
        });
    }
    for stage in [Mail, Rcpt, Data, EndOfData] {
        check(stage, "552 message too large", Fail(Message));
        // Who has to log in first is told so, and is not out of step.
        for words in [
            "530 authentication required",
            "503 5.5.1 authenticate first",
            "503 AUTH first",
        ] {
            check(stage, words, Trouble(Account, ForGood));
        }
    }
    check(Mail, "452 too large for now", Trouble(Account, ForNow));
    check(Rcpt, "452 too large for now", Defer(Recipient));
    check(EndOfData, "452 too large for now", Defer(Message));

    check(Mail, "250 2.1.0 ok", Proceed);
    check(Mail, "552 5.3.4 message size exceeds limit", Fail(Message));
    check(Mail, "552 message too large", Fail(Message));
    check(Mail, "550 5.7.1 sender rejected", Trouble(Account, ForGood));
    check(
        Mail,
        "550 5.4.5 daily user sending limit exceeded",
        limited(Limit::Quota),
    );
    check(
        Mail,
        "452 4.3.1 insufficient storage",
        Trouble(Account, ForNow),
    );
    check(Mail, "354 what", Trouble(Session, ForNow));

    check(Rcpt, "250 2.1.5 ok", Proceed);
    check(Rcpt, "251 will forward", Proceed);
    check(Rcpt, "452 4.5.3 too many recipients", limited(Limit::Rate));
    check(
        Rcpt,
        "450 4.7.1 client host: rate limit exceeded",
        limited(Limit::Rate),
    );
    check(
        Rcpt,
        "450 4.2.0 greylisted, see http://postgrey.example",
        Defer(Recipient),
    );
    check(
        Rcpt,
        "451 4.7.1 greylisting in action, too fast",
        Defer(Recipient),
    );
    check(
        Rcpt,
        "452 4.2.2 mailbox full, quota exceeded",
        Defer(Recipient),
    );
    check(Rcpt, "452 quota exceeded", Defer(Recipient));
    check(Rcpt, "552 quota exceeded", Fail(Recipient));
    check(
        Rcpt,
        "550 5.4.5 daily sending quota exceeded",
        limited(Limit::Quota),
    );
    check(
        Rcpt,
        "554 5.7.1 <a@b.example>: Relay access denied",
        Trouble(Account, ForGood),
    );
    check(
        Rcpt,
        "530 5.7.0 authentication required",
        Trouble(Account, ForGood),
    );
    check(
        Rcpt,
        "552 5.3.4 message too big for this recipient",
        Fail(Message),
    );
    check(Rcpt, "552 5.2.2 mailbox full", Fail(Recipient));
    check(Rcpt, "550 5.1.1 no such user", Fail(Recipient));
    check(Rcpt, "354 what", Trouble(Session, ForNow));

    check(Data, "354 go ahead", Proceed);
    check(Data, "451 4.3.0 queue file write error", Defer(Message));
    check(
        Data,
        "454 throttling failure: maximum sending rate exceeded",
        limited(Limit::Rate),
    );
    check(Data, "554 5.5.1 no valid recipients", Fail(Message));
    check(Data, "554 5.4.5 sending quota", limited(Limit::Quota));
    check(Data, "250 ok", Trouble(Session, ForNow));

    check(EndOfData, "250 2.0.0 queued as 4XyZ", Proceed);
    check(EndOfData, "451 4.3.0 try again", Defer(Message));
    check(
        EndOfData,
        "454 Throttling failure: Daily message quota exceeded",
        limited(Limit::Quota),
    );
    check(EndOfData, "554 5.7.1 looks like spam", Fail(Message));
    check(
        EndOfData,
        "550 5.4.5 Daily sending quota exceeded",
        limited(Limit::Quota),
    );
    check(EndOfData, "354 what", Unclear);
}

/// Each phrase is as texts are made before they are searched, and is found by itself: no row stands behind one that
/// takes everything from it.
#[test]
fn every_phrase_can_be_met() {
    for (topic, phrases) in MISCODED.iter().chain(LIMITS).chain(WORDS) {
        for phrase in *phrases {
            let text = phrase.replace('*', " 5 of 20, ").to_uppercase();
            assert_eq!(Topic::of(&Reply::new(450, &text)), Some(*topic), "{phrase}");
            for part in phrase.split('*') {
                let plain = text::Text::of(part).plain;
                assert_eq!(plain.trim_end(), part.trim_end(), "{phrase}");
            }
        }
    }
    for phrase in SENDING {
        for (code, limit) in [(450, Limit::Rate), (550, Limit::Quota)] {
            let topic = Topic::of(&Reply::new(code, &phrase.replace('*', " 5 ")));
            assert_eq!(topic, Some(Topic::Limit(limit)), "{phrase}");
        }
    }
}

#[test]
fn words_are_searched_as_words() {
    let about = |line: &str| Topic::of(&Reply::new(550, line));
    // Whatever stands between them and around them, but not in an address, and not within another word.
    assert_eq!(
        about("5.7.1 Relay-Access\n5.7.1 \"denied\"!"),
        Some(Topic::Relay)
    );
    assert_eq!(about("you've exceeded 1,000 MESSAGES/SESSION"), None);
    assert_eq!(
        about("max 20 messages per session"),
        Some(Topic::Limit(Limit::Session))
    );
    assert_eq!(about("<dmarc @b.example>: no"), Some(Topic::Unvouched));
    assert_eq!(
        about("<dmarc.spam@b.example>: no such user"),
        Some(Topic::NoMailbox)
    );
    assert_eq!(about("wispf rejects"), None);
    // Of letters that are more than a byte, and of nothing.
    assert_eq!(
        about("发信频率超过限制 RP:TRC İı"),
        Some(Topic::Limit(Limit::Quota))
    );
    assert_eq!(about(""), None);
    // In order.
    assert_eq!(about("limit of the 24 hours"), None);
    assert_eq!(
        about("its 24-hour sending limit"),
        Some(Topic::Limit(Limit::Quota))
    );
}
