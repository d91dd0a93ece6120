//! The table, row by row.

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

/// Each row of the table above, in its order; where words decide, one with and one without them.
#[test]
fn every_row_of_the_table() {
    for stage in [
        Greeting, Ehlo, StartTls, Auth, Mail, Rcpt, Data, EndOfData, Compose, Connect, Body,
    ] {
        check(stage, "421 4.3.2 closing", Trouble(Session, ForNow));
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
            Trouble(Account, ForNow),
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
    check(Mail, "250 2.1.0 ok", Proceed);
    check(Mail, "552 5.3.4 message size exceeds limit", Fail(Message));
    check(Mail, "552 message too large", Fail(Message));
    check(Mail, "550 5.7.1 sender rejected", Trouble(Account, ForGood));
    check(
        Mail,
        "550 5.4.5 daily user sending limit exceeded",
        Trouble(Account, ForNow),
    );
    check(
        Mail,
        "452 4.3.1 insufficient storage",
        Trouble(Account, ForNow),
    );
    check(Mail, "354 what", Trouble(Session, ForNow));

    check(Rcpt, "250 2.1.5 ok", Proceed);
    check(Rcpt, "251 will forward", Proceed);
    check(
        Rcpt,
        "452 4.5.3 too many recipients",
        Trouble(Account, ForNow),
    );
    check(
        Rcpt,
        "450 4.7.1 client host: rate limit exceeded",
        Trouble(Account, ForNow),
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
        Trouble(Account, ForNow),
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
        Trouble(Account, ForNow),
    );
    check(Data, "554 5.5.1 no valid recipients", Fail(Message));
    check(Data, "554 5.4.5 sending quota", Trouble(Account, ForNow));
    check(Data, "250 ok", Trouble(Session, ForNow));

    check(EndOfData, "250 2.0.0 queued as 4XyZ", Proceed);
    check(EndOfData, "451 4.3.0 try again", Defer(Message));
    check(
        EndOfData,
        "454 Throttling failure: Daily message quota exceeded",
        Trouble(Account, ForNow),
    );
    check(EndOfData, "554 5.7.1 looks like spam", Fail(Message));
    check(
        EndOfData,
        "550 5.4.5 Daily sending quota exceeded",
        Trouble(Account, ForNow),
    );
    check(EndOfData, "354 what", Unclear);
}
