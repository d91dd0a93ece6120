//! Commands as the server hears them: RSET where it is needed, empty contents, and what is taken for confusion.

use super::*;
use At::{Data, End, Mail, Rcpt};

/// What became of three messages of which the second is treated so, and the commands that the server got.
fn talk(nature: Nature) -> (String, String, Option<Misbehaviour>) {
    let (mut session, script) = session(nature, 8, Line::default());
    let verdicts = drive(&mut session, &script, 4);
    let heard = look(&script).server.commands[1..].join(" ");
    (letters(&verdicts), heard, session.misbehaved())
}

#[track_caller]
fn check(nature: Nature, outcome: &str, commands: &str) {
    assert_eq!(
        talk(nature),
        (outcome.to_owned(), commands.to_owned(), None)
    );
}

fn second(manner: Manner, at: At, text: &'static str) -> Nature {
    nature(manner, [((1, at), Act::Say(text))])
}

/// Behind a chunk that is not answered RSET goes with each MAIL; else there is none.
#[test]
fn no_other_reset_without_a_refusal() {
    let nothing = |manner| nature(manner, []);
    let one = "MAIL RCPT DATA";
    check(nothing(Manner::Sequential), "AAAA", &[one; 4].join(" "));
    check(nothing(Manner::Pipelined), "AAAA", &[one; 4].join(" "));
    check(
        nothing(Manner::Chunked),
        "AAAA",
        &["MAIL RCPT BDAT"; 4].join(" RSET "),
    );
    let (mut session, script) = session(nothing(Manner::Chunked), 1, Line::default());
    assert_eq!(letters(&drive(&mut session, &script, 4)), "AAAA");
    let heard = look(&script).server.commands[1..].join(" ");
    assert_eq!(heard, ["MAIL RCPT BDAT"; 4].join(" "));
}

#[test]
fn reset_after_a_refused_envelope() {
    let manner = Manner::Sequential;
    let after = "RSET MAIL RCPT DATA MAIL RCPT DATA";
    for (at, text, outcome, commands) in [
        // The server is in no transaction then.
        (
            Mail,
            "552 5.3.4 too big",
            "AFAA",
            "MAIL RCPT DATA MAIL MAIL RCPT DATA MAIL RCPT DATA".to_owned(),
        ),
        (
            Rcpt,
            "550 5.1.1 unknown",
            "AFAA",
            format!("MAIL RCPT DATA MAIL RCPT {after}"),
        ),
        (
            Data,
            "451 4.3.0 later",
            "ADAA",
            format!("MAIL RCPT DATA MAIL RCPT DATA {after}"),
        ),
        (
            End,
            "554 5.7.1 spam",
            "AFAA",
            ["MAIL RCPT DATA"; 4].join(" "),
        ),
    ] {
        check(second(manner, at, text), outcome, &commands);
    }
    let manner = Manner::Pipelined;
    let after = format!("MAIL RCPT DATA MAIL RCPT DATA {after}");
    check(second(manner, Mail, "552 5.3.4 too big"), "AFAA", &after);
    check(second(manner, Rcpt, "550 5.1.1 unknown"), "AFAA", &after);
    check(second(manner, Data, "451 4.3.0 later"), "ADAA", &after);
    check(
        second(manner, End, "554 5.7.1 spam"),
        "AFAA",
        &["MAIL RCPT DATA"; 4].join(" "),
    );
}

/// RSET goes with the MAIL after it: it costs no round trip.
#[test]
fn reset_is_grouped() {
    let nature = second(Manner::Pipelined, Rcpt, "550 5.1.1 unknown");
    let (mut session, script) = session(nature, 8, Line::default());
    assert_eq!(letters(&drive(&mut session, &script, 4)), "AFAA");
    let script = look(&script);
    let written = String::from_utf8_lossy(&script.written);
    assert!(
        written.contains("RSET\r\nMAIL FROM:<f2@x.example>\r\nRCPT TO:<r2@x.example>\r\nDATA\r\n")
    );
    // The first envelope; the content of each, or nothing, with the envelope after it; the last content.
    assert_eq!(script.waits.len(), 5);
}

/// 354 although nobody is to get it: an empty content, and nobody is booked for the answer to it.
#[test]
fn an_empty_content_for_nobody() {
    for (at, text, outcome) in [
        (Mail, "552 5.3.4 too big", "AFAA"),
        (Rcpt, "550 5.1.1 unknown", "AFAA"),
        (Rcpt, "450 4.2.0 greylisted", "ADAA"),
    ] {
        let mut nature = second(Manner::Pipelined, at, text);
        nature.content_for_nobody = true;
        let (mut session, script) = session(nature, 8, Line::default());
        assert_eq!(letters(&drive(&mut session, &script, 4)), outcome);
        let script = look(&script);
        assert_eq!(script.server.void, [b""]);
        assert!(!script.marked.contains(&1), "{:?}", script.marked);
        assert!(!String::from_utf8_lossy(&script.written).contains("begin-of-1"));
        assert_eq!(
            script.server.commands[1..].join(" "),
            ["MAIL RCPT DATA"; 4].join(" ")
        );
        assert_eq!(session.misbehaved(), None);
    }
}

/// Where a refused chunk leaves the transaction open, the RSET behind it ends it: nothing goes twice.
#[test]
fn transactions_that_stay_open() {
    for (at, text, outcome) in [
        (Rcpt, "550 5.1.1 unknown", "AFAA"),
        (End, "451 4.3.0 later", "ADAA"),
    ] {
        let mut nature = second(Manner::Chunked, at, text);
        nature.refused_stays = true;
        check(nature, outcome, &["MAIL RCPT BDAT"; 4].join(" RSET "));
    }
}

/// Where it also takes the next recipient into that transaction, nobody gets a message under another's sender.
#[test]
fn transactions_that_go_on() {
    let mut nature = second(Manner::Chunked, Rcpt, "550 5.1.1 unknown");
    nature.refused_goes_on = true;
    let (mut session, script) = session(nature, 8, Line::default());
    assert_eq!(letters(&drive(&mut session, &script, 4)), "AFAA");
    let server = &look(&script).server;
    assert_eq!((server.taken.len(), server.strangers), (3, 0));
}

/// The same, while the window is filled up again and again, and replies come one at a time.
#[test]
fn transactions_that_stay_open_under_load() {
    for read_sizes in [vec![], vec![30], vec![1]] {
        let refused = (0..60)
            .step_by(7)
            .map(|n| ((n, Rcpt), Act::Say("550 5.1.1 unknown")));
        let mut nature = nature(Manner::Chunked, refused);
        nature.refused_stays = true;
        let line = Line {
            read_sizes,
            ..Line::default()
        };
        let (mut session, script) = self::session(nature, 8, line);
        let verdicts = drive(&mut session, &script, 60);
        let expected: String = (0..60)
            .map(|n| if n % 7 == 0 { 'F' } else { 'A' })
            .collect();
        assert_eq!(letters(&verdicts), expected);
        assert_eq!(session.misbehaved(), None);
        let mails = look(&script)
            .server
            .commands
            .iter()
            .filter(|it| *it == "MAIL")
            .count();
        assert_eq!(mails, 60);
    }
}

/// RSET refused: the state of the server is not known, and no further message is begun.
#[test]
fn a_server_that_cannot_reset() {
    for manner in [Manner::Sequential, Manner::Pipelined, Manner::Chunked] {
        let mut nature = second(manner, Rcpt, "550 5.1.1 unknown");
        nature.reset = Some("500 5.5.2 what?");
        let (mut session, script) = session(nature, 1, Line::default());
        let outcome = letters(&drive(&mut session, &script, 4));
        let expected = match manner {
            Manner::Sequential => "AFR-",
            // MAIL is in the same group, and finds the transaction open.
            Manner::Pipelined => "AFRR",
            Manner::Chunked => "AFA-",
        };
        assert_eq!(outcome, expected, "{manner:?}");
        assert!(!session.is_usable());
    }
}

/// 503 to MAIL right after RSET is no leftover of what was refused before it, and nothing goes in circles.
#[test]
fn a_reset_that_does_not_help() {
    let mut nature = second(Manner::Chunked, Rcpt, "550 5.1.1 unknown");
    nature
        .acts
        .insert((2, Mail), Act::Say("503 5.5.1 nested MAIL"));
    let (mut session, script) = session(nature, 1, Line::default());
    assert_eq!(letters(&drive(&mut session, &script, 4)), "AFR-");
    assert_eq!(session.misbehaved(), Some(Misbehaviour::Confused));
}

/// 503, 500 or 502 to a command of a group, before anything was refused: the group is the trouble, not the recipient.
#[test]
fn confusion() {
    for manner in [Manner::Pipelined, Manner::Chunked] {
        for (at, text) in [
            (Mail, "503 5.5.1 bad sequence of commands"),
            (Rcpt, "503 bad sequence of commands"),
            (Rcpt, "554 SMTP synchronization error"),
            (Data, "503 5.5.0 improper pipelining"),
            (End, "502 5.5.1 not implemented"),
            (End, "500 what?"),
        ] {
            if at == Data && manner == Manner::Chunked {
                continue;
            }
            let (outcome, _, misbehaved) = talk(second(manner, at, text));
            let expected = match (manner, at) {
                (Manner::Chunked, _) => "ARAA",
                (_, End) => "ARA-",
                (_, _) => "AR--",
            };
            assert_eq!(outcome, expected, "{manner:?}, {text}");
            assert_eq!(
                misbehaved,
                Some(Misbehaviour::Confused),
                "{manner:?}, {text}"
            );
        }
    }
    // Command by command too it is no recipient's, but there is nothing simpler.
    let (outcome, _, misbehaved) = talk(second(Manner::Sequential, Rcpt, "503 no"));
    assert_eq!((&*outcome, misbehaved), ("AR--", None));
    // A recipient's own code.
    let (outcome, _, misbehaved) = talk(second(Manner::Chunked, Rcpt, "500 5.1.1 unknown"));
    assert_eq!((&*outcome, misbehaved), ("AFAA", None));
}

/// Lost before anything was judged, a group may be why.
#[test]
fn lost_at_the_first_group() {
    for (manner, message, expected) in [
        (Manner::Sequential, 0, None),
        (Manner::Pipelined, 0, Some(Misbehaviour::Lost)),
        (Manner::Pipelined, 1, None),
        (Manner::Chunked, 0, Some(Misbehaviour::Lost)),
        (Manner::Chunked, 1, None),
    ] {
        for act in [Act::Close, Act::Hang] {
            let (_, _, misbehaved) = talk(nature(manner, [((message, End), act)]));
            assert_eq!(misbehaved, expected, "{manner:?}, {message}");
        }
    }
}

/// As long as nobody knows whether the server can take groups, a content waits for the answer to its envelope.
#[test]
fn the_first_envelope_goes_alone() {
    let begun = |acts: Option<((usize, At), Act)>| {
        let careful = Terms {
            proven: Some(Manner::Pipelined),
            ..terms(8)
        };
        let nature = nature(Manner::Chunked, acts);
        let (mut session, script) = session_on(careful, nature, Line::default());
        let outcome = letters(&drive(&mut session, &script, 5));
        let marked = look(&script).marked.len();
        let commands = look(&script).server.commands[1..].join(" ");
        (outcome, marked, commands, session.misbehaved())
    };
    let all = ["MAIL RCPT BDAT"; 5].join(" RSET ");
    assert_eq!(begun(None), ("AAAAA".to_owned(), 5, all, None));
    for (at, act) in [
        (Mail, Act::Close),
        (Rcpt, Act::Hang),
        (Mail, Act::Say("503 5.5.1 one at a time")),
        (Rcpt, Act::Say("500 what?")),
        (Mail, Act::Say("421 4.3.2 closing")),
    ] {
        let (outcome, marked, commands, misbehaved) = begun(Some(((0, at), act.clone())));
        // The others were not even handed over.
        assert_eq!((&*outcome, marked), ("R----", 0), "{act:?}");
        assert!(!commands.contains("BDAT"), "{commands}");
        let expected = match act {
            Act::Close | Act::Hang => Some(Misbehaviour::Lost),
            Act::Say(text) if text.starts_with("421") => None,
            _ => Some(Misbehaviour::Confused),
        };
        assert_eq!(misbehaved, expected, "{act:?}");
    }
    let refused = begun(Some(((0, Rcpt), Act::Say("550 5.1.1 unknown"))));
    let commands = format!("MAIL RCPT RSET {}", ["MAIL RCPT BDAT"; 4].join(" RSET "));
    assert_eq!(refused, ("FAAAA".to_owned(), 4, commands, None));
    let refused = begun(Some(((0, End), Act::Say("550 5.7.1 spam"))));
    assert_eq!(refused.0, "FAAAA");
}
