//! Messages to several recipients: without the main one nobody gets it, without another the rest do.

use super::*;
use At::{Also, Data, End, Mail, Rcpt};

const MANNERS: [Manner; 3] = [Manner::Sequential, Manner::Pipelined, Manner::Chunked];

/// Five messages, this one of them to three, the others to one or to all three.
fn jobs(message: usize, all_several: bool) -> Vec<Job> {
    let others = |number| 2 * usize::from(all_several || number == message);
    (0..5)
        .map(|number| job_to(number, others(number)))
        .collect()
}

struct Went {
    letters: String,
    /// Who of the message was left out, as the session tells, and with which code.
    left_out: Vec<(String, Option<u16>)>,
    copies: Vec<(usize, usize)>,
    commands: Vec<String>,
}

/// A fault in a message to three: what becomes of all five.
#[track_caller]
fn went(nature: Nature, message: usize, all_several: bool, proven: bool) -> Went {
    let terms = Terms {
        proven: proven.then_some(Manner::Chunked),
        ..terms(8)
    };
    let (mut session, script) = session_on(terms, nature, Line::default());
    let all = drive_all(&mut session, &script, jobs(message, all_several));
    let told = all[message].as_ref().map(|it| it.left_out.clone());
    let code = |cause: Cause| match cause {
        Cause::Reply(reply) => Some(reply.code),
        Cause::Io(_) | Cause::Local(_) => None,
    };
    let verdicts: Vec<_> = all.into_iter().map(|it| it.map(|it| it.verdict)).collect();
    let server = &look(&script).server;
    assert_eq!(server.leaks, 0, "others got what was not theirs");
    assert_eq!((server.doubled, server.strangers), (0, 0));
    for (number, verdict) in verdicts.iter().enumerate() {
        let letter = letters(std::slice::from_ref(verdict));
        let taken = server.taken.contains_key(&number);
        assert!(
            letter == "?" || taken == (letter == "A"),
            "{number}: {letter}"
        );
    }
    let copies = server.copies.iter().copied();
    Went {
        letters: letters(&verdicts),
        left_out: told
            .unwrap_or_default()
            .into_iter()
            .map(|it| (it.to, code(it.cause)))
            .collect(),
        copies: copies.filter(|it| it.0 == message).collect(),
        commands: server.commands.clone(),
    }
}

/// In each manner, at the first, the middle and the last message, the others to one or to several, the server proven or
/// not: the session itself, the fault, and what came of it.
#[track_caller]
fn everywhere(at: At, act: &Act, check: impl Fn(Manner, usize, &Went, &str)) {
    for manner in MANNERS {
        for message in [0, 2, 4] {
            for (all_several, proven) in
                [(false, true), (true, true), (false, false), (true, false)]
            {
                let what = format!(
                    "{manner:?}, {act:?} at {at:?} of {message}, all several: {all_several}, proven: {proven}"
                );
                let nature = nature(manner, [((message, at), act.clone())]);
                check(
                    manner,
                    message,
                    &went(nature, message, all_several, proven),
                    &what,
                );
            }
        }
    }
}

/// `AAAAA` with another letter at this message.
fn all_but(message: usize, letter: &str) -> String {
    let mut letters = "AAAAA".to_owned();
    letters.replace_range(message..=message, letter);
    letters
}

#[test]
fn everybody_gets_it() {
    let no_act = Act::AsUsual("");
    everywhere(Mail, &no_act, |manner, message, went, what| {
        assert_eq!(went.letters, "AAAAA", "{what}");
        assert_eq!(went.copies, [(message, 0), (message, 1)], "{what}");
        assert_eq!(went.left_out, [], "{what}");
        let resets = went.commands.iter().filter(|it| *it == "RSET").count();
        assert!(resets == 0 || manner == Manner::Chunked, "{what}: {resets}");
    });
}

#[test]
fn without_the_main_one_nobody_gets_it() {
    for (says, letter) in [
        ("550 5.1.1 no such user", "F"),
        ("450 4.2.0 greylisted", "D"),
    ] {
        everywhere(Rcpt, &Act::Say(says), |_, message, went, what| {
            assert_eq!(went.letters, all_but(message, letter), "{what}");
            assert_eq!(
                (&went.copies[..], &went.left_out[..]),
                (&[][..], &[][..]),
                "{what}"
            );
        });
    }
}

#[test]
fn without_another_the_rest_get_it_and_it_is_told() {
    for (says, code) in [
        ("550 5.1.1 no such user", 550),
        ("553 what a name", 553),
        ("450 4.2.0 greylisted", 450),
        ("452 4.5.3 too many recipients", 452),
        ("552 Too many recipients received", 552),
    ] {
        for (another, letter) in [(0, 's'), (1, 't')] {
            everywhere(Also(another), &Act::Say(says), |_, message, went, what| {
                assert_eq!(went.letters, "AAAAA", "{what}");
                assert_eq!(went.copies, [(message, 1 - another)], "{what}");
                let left_out = (format!("{letter}{message}@x.example"), Some(code));
                assert_eq!(went.left_out, [left_out], "{what}");
            });
        }
    }
}

/// Whoever is named: it is the account's or the server's trouble, and nobody gets the message now.
#[test]
fn trouble_of_the_account_at_another() {
    for says in [
        "451 4.7.1 rate limit",
        "554 5.7.1 relay access denied",
        "421 4.3.2 closing",
        "452 4.3.2 too many recipients in this session",
    ] {
        for another in [0, 1] {
            everywhere(Also(another), &Act::Say(says), |_, message, went, what| {
                assert_eq!(&went.letters[message..=message], "R", "{what}");
                assert_eq!(went.copies, [], "{what}");
                assert_eq!(went.letters[..message], "AAAAA"[..message], "{what}");
            });
        }
    }
}

/// What has not left is given back, wherever in its envelope the line is lost.
#[test]
fn no_answer_to_the_envelope() {
    for at in [Mail, Rcpt, Also(0), Also(1)] {
        for act in [Act::Hang, Act::Close, Act::Garbage, Act::Silence] {
            everywhere(at, &act, |_, message, went, what| {
                assert_eq!(&went.letters[message..=message], "R", "{what}");
                assert_eq!(went.copies, [], "{what}");
            });
        }
    }
}

/// The content left, and nothing is known.
#[test]
fn no_answer_to_the_content() {
    everywhere(End, &Act::Close, |_, message, went, what| {
        assert_eq!(&went.letters[message..=message], "?", "{what}");
    });
}

#[test]
fn a_refused_content_is_nobodys() {
    for at in [Mail, Data, End] {
        everywhere(
            at,
            &Act::Say("552 5.3.4 too big"),
            |manner, message, went, what| {
                if at == Data && manner == Manner::Chunked {
                    return;
                }
                assert_eq!(went.letters, all_but(message, "F"), "{what}");
                assert_eq!(
                    (&went.copies[..], &went.left_out[..]),
                    (&[][..], &[][..]),
                    "{what}"
                );
            },
        );
    }
}

/// A server that does not end the refused transaction gets no other message: its recipients would be those of the next.
#[test]
fn what_cannot_be_reset_goes_no_further() {
    for manner in MANNERS {
        let nature = Nature {
            reset: Some("502 5.5.1 no reset here"),
            ..nature(manner, [((0, Rcpt), Act::Say("550 5.1.1 no such user"))])
        };
        let went = went(nature, 0, false, true);
        let kept = match manner {
            Manner::Sequential => "FR---",
            Manner::Pipelined => "FRR--",
            Manner::Chunked => "FRRRR",
        };
        assert_eq!(went.letters, kept, "{manner:?}");
        assert_eq!(went.copies, [], "{manner:?}");
        let after = went.commands.iter().skip_while(|it| *it != "RSET").skip(1);
        assert_eq!(after.count(), 0, "{manner:?}: {:?}", went.commands);
    }
}

/// RFC 9422: no more are named than the server takes, and who is not is told.
#[test]
fn at_most_so_many_as_the_server_says() {
    for (keywords, named) in [
        (&["PIPELINING", "CHUNKING", "LIMITS RCPTMAX=2"][..], 1),
        (&["PIPELINING", "LIMITS RCPTMAX=1"], 0),
        (&["8BITMIME", "LIMITS RCPTMAX=3"], 2),
    ] {
        let nature = Nature {
            keywords,
            ..Nature::default()
        };
        let went = went(nature, 2, false, true);
        assert_eq!(went.letters, "AAAAA", "{keywords:?}");
        assert_eq!(went.copies, [(2, 0), (2, 1)][..named], "{keywords:?}");
        let left_out = ["s2@x.example", "t2@x.example"].map(|it| (it.to_owned(), None));
        assert_eq!(went.left_out, left_out[named..], "{keywords:?}");
    }
}

/// One round trip more than a message to one, and the next ones wait for no more than that.
#[test]
fn what_is_said_at_once() {
    for (manner, expected) in [
        (Manner::Pipelined, "MAIL RCPT RCPT RCPT DATA MAIL RCPT DATA"),
        (
            Manner::Chunked,
            "MAIL RCPT RCPT RCPT BDAT RSET MAIL RCPT BDAT",
        ),
    ] {
        let (mut session, script) = session(nature(manner, []), 8, Line::default());
        let jobs = vec![job_to(0, 2), job_to(1, 0)];
        drive_all(&mut session, &script, jobs);
        assert_eq!(look(&script).server.commands[1..].join(" "), expected);
        let envelope = look(&script)
            .written
            .windows(4)
            .position(|it| it == b"DATA" || it == b"BDAT");
        let waits = look(&script).waits.len();
        assert!(envelope.is_some());
        // The envelope; DATA, and the content with the next one's envelope, and its content; or both chunks at once.
        let most = if manner == Manner::Pipelined { 4 } else { 2 };
        assert_eq!(waits, most, "{manner:?}");
    }
}
