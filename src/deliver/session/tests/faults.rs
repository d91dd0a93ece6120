//! Each fault, in each manner, at the first, the middle and the last message of five: what becomes of all five.

use super::*;
use crate::deliver::reply::Limit;
use At::{Data, End, Mail, Rcpt};

/// One row: the fault, and what becomes of the five when it strikes the first, the third, the last.
struct Row {
    at: At,
    act: Act,
    sequential: [&'static str; 3],
    pipelined: [&'static str; 3],
    chunked: [&'static str; 3],
}

#[track_caller]
fn check(row: &Row, change: impl Fn(&mut Nature)) {
    for (manner, expected) in [
        (Manner::Sequential, row.sequential),
        (Manner::Pipelined, row.pipelined),
        (Manner::Chunked, row.chunked),
    ] {
        for (message, expected) in [0, 2, 4].into_iter().zip(expected) {
            if expected.is_empty() {
                continue;
            }
            let mut nature = nature(manner, [((message, row.at), row.act.clone())]);
            change(&mut nature);
            let (mut session, script) = session(nature, 8, Line::default());
            assert_eq!(session.manner(), manner);
            let verdicts = drive(&mut session, &script, 5);
            let what = format!(
                "{manner:?}, {:?} at {:?} of message {message}",
                row.act, row.at
            );
            assert_eq!(letters(&verdicts), expected, "{what}: {verdicts:?}");
        }
    }
}

fn same(at: At, text: &'static str, all: [&'static str; 3]) -> Row {
    let act = Act::Say(text);
    // BDAT has no answer of its own before its content.
    let chunked = if at == Data { [""; 3] } else { all };
    Row {
        at,
        act,
        sequential: all,
        pipelined: all,
        chunked,
    }
}

/// What is the recipient's or the message's costs that message alone.
#[test]
fn refused_recipients_and_messages() {
    let failed = ["FAAAA", "AAFAA", "AAAAF"];
    let deferred = ["DAAAA", "AADAA", "AAAAD"];
    for row in [
        same(Mail, "552 5.3.4 too big", failed),
        same(Rcpt, "550 5.1.1 no such user", failed),
        same(Rcpt, "553 what a name", failed),
        same(Rcpt, "450 4.2.0 greylisted", deferred),
        same(Data, "554 5.6.0 no content is taken", failed),
        same(Data, "451 4.3.0 later", deferred),
        same(End, "554 5.7.1 spam", failed),
        same(End, "451 4.3.0 later", deferred),
        same(End, "354 what?", ["?AAAA", "AA?AA", "AAAA?"]),
    ] {
        for content_for_nobody in [false, true] {
            check(&row, |nature| {
                nature.content_for_nobody = content_for_nobody
            });
        }
        check(&row, |nature| nature.refused_stays = true);
    }
}

/// What is the account's or the server's is booked on nobody, and nothing more is begun.
#[test]
fn trouble_of_the_account() {
    for (at, text) in [
        (Mail, "550 5.7.1 not from you"),
        (Mail, "450 4.7.1 too fast"),
        (Rcpt, "451 4.7.1 rate limit"),
        (Rcpt, "554 5.7.1 relay access denied"),
        (Data, "451 4.7.1 rate limit"),
        (Data, "250 not what was asked"),
    ] {
        check(
            &Row {
                at,
                act: Act::Say(text),
                sequential: ["R----", "AAR--", "AAAAR"],
                pipelined: ["RR---", "AAR--", "AAAAR"],
                chunked: if at == Data {
                    [""; 3]
                } else {
                    ["RAAAA", "AARAA", "AAAAR"]
                },
            },
            |_| (),
        );
    }
    check(
        &Row {
            at: End,
            act: Act::Say("451 4.7.1 rate limit"),
            sequential: ["R----", "AAR--", "AAAAR"],
            pipelined: ["RA---", "AARA-", "AAAAR"],
            chunked: ["RAAAA", "AARAA", "AAAAR"],
        },
        |_| (),
    );
}

/// 421: the server goes, and has taken nothing that it did not answer before.
#[test]
fn the_server_says_that_it_goes() {
    for at in [Mail, Rcpt, Data, End] {
        let pipelined = match at {
            End => ["RR---", "AARR-", "AAAAR"],
            _ => ["RR---", "AAR--", "AAAAR"],
        };
        check(
            &Row {
                at,
                act: Act::Say("421 4.3.2 closing"),
                sequential: ["R----", "AAR--", "AAAAR"],
                pipelined,
                chunked: if at == Data {
                    [""; 3]
                } else {
                    ["RRRRR", "AARRR", "AAAAR"]
                },
            },
            |_| (),
        );
    }
}

/// A server that goes and says why: the connection, and each message that it does not come to any more, is lost for that.
#[test]
fn the_limit_that_a_server_names_as_it_goes() {
    let limit = Lasting::Limited(Limit::Session);
    let says = "421 Connection closed by server. Maximum message count per session reached.";
    for manner in [Manner::Sequential, Manner::Pipelined, Manner::Chunked] {
        for act in [((2, Mail), Act::Say(says)), ((1, End), Act::AndMore(says))] {
            let what = format!("{manner:?}, {act:?}");
            let (mut session, script) = session(nature(manner, [act]), 8, Line::default());
            let verdicts = drive(&mut session, &script, 5);
            assert_ne!(letters(&verdicts), "AAAAA", "{what}");
            for verdict in verdicts.iter().flatten() {
                if let Verdict::Returned(trouble) = verdict {
                    assert_eq!(trouble.lasting, limit, "{what}");
                }
            }
            assert_eq!(session.lost().map(|it| it.lasting), Some(limit), "{what}");
        }
    }
}

/// A closed line, or an answer that is none: whose content's end has left is in doubt, nobody else.
#[test]
fn no_answer() {
    for at in [Mail, Rcpt, Data, End] {
        let chunked = if at == Data {
            [""; 3]
        } else {
            ["?????", "AA???", "AAAA?"]
        };
        let sequential = match at {
            End => ["?----", "AA?--", "AAAA?"],
            _ => ["R----", "AAR--", "AAAAR"],
        };
        let closed = match at {
            End => ["?R---", "AA?R-", "AAAA?"],
            _ => ["RR---", "AARR-", "AAAAR"],
        };
        let garbled = match at {
            End => closed,
            _ => ["RR---", "AAR--", "AAAAR"],
        };
        let act = Act::Close;
        check(
            &Row {
                at,
                act,
                sequential,
                pipelined: closed,
                chunked,
            },
            |_| (),
        );
        let act = Act::Hang;
        check(
            &Row {
                at,
                act,
                sequential,
                pipelined: closed,
                chunked,
            },
            |_| (),
        );
        for bytes in [
            &b"\xff\xfe\r\n"[..],
            b"hello\r\n",
            b"250-2.0.0 one\r\n550 5.0.0 two\r\n",
        ] {
            let act = Act::Utter(bytes.to_vec());
            check(
                &Row {
                    at,
                    act,
                    sequential,
                    pipelined: garbled,
                    chunked,
                },
                |_| (),
            );
        }
        // Half an answer; what comes after it would make it whole.
        let last = |rows: [&'static str; 3]| ["", "", rows[2]];
        let (pipelined, chunked) = (last(closed), last(chunked));
        let act = Act::Utter(b"250 2.0.0 o".to_vec());
        check(
            &Row {
                at,
                act,
                sequential,
                pipelined,
                chunked,
            },
            |_| (),
        );
    }
}

/// An answer too few: which one is missing cannot be told, and the server took all that it is said to have taken.
#[test]
fn an_answer_too_few() {
    let missing = |at, sequential, pipelined, chunked| Row {
        at,
        act: Act::Silence,
        sequential,
        pipelined,
        chunked,
    };
    let all = ["AAAA?"; 3];
    let before = ["R----", "AAR--", "AAAAR"];
    for row in [
        missing(Mail, before, ["RR---", "AARR-", "AAAAR"], all),
        missing(Rcpt, before, ["RR---", "AARR-", "AAAAR"], all),
        missing(Data, before, ["RR---", "AARR-", "AAAAR"], [""; 3]),
        missing(
            End,
            ["?----", "AA?--", "AAAA?"],
            ["ARR--", "AAARR", "AAAA?"],
            all,
        ),
    ] {
        check(&row, |_| ());
    }
}

/// An answer too many: it may stand for a refusal that was taken for the command after it.
#[test]
fn an_answer_too_many() {
    check(
        &Row {
            at: End,
            act: Act::AndMore("250 2.0.0 and again"),
            sequential: ["?----", "AA?--", "AAAA?"],
            pipelined: ["AR---", "AAAR-", "AAAA?"],
            chunked: ["AAAA?"; 3],
        },
        |_| (),
    );
    // An announcement that nobody asked for, between two messages: it answers nothing, and nobody was taken twice.
    check(
        &Row {
            at: End,
            act: Act::AndMore("421 4.3.2 shutting down"),
            sequential: ["A----", "AAA--", "AAAAA"],
            pipelined: ["AR---", "AAAR-", "AAAAA"],
            chunked: ["", "", "AAAAA"],
        },
        |_| (),
    );
}

/// A write that fails: what has not left whole is given back, what has is answered or in doubt.
#[test]
fn a_write_that_fails() {
    for manner in [Manner::Sequential, Manner::Pipelined, Manner::Chunked] {
        for message in [0, 2, 4] {
            let whole = {
                let (mut session, script) = session(nature(manner, []), 8, Line::default());
                assert_eq!(letters(&drive(&mut session, &script, 5)), "AAAAA");
                look(&script).written.clone()
            };
            let find =
                |what: String| memchr::memmem::find(&whole, what.as_bytes()).unwrap() + what.len();
            let stop = if manner == Manner::Chunked {
                ""
            } else {
                ".\r\n"
            };
            let end = find(format!("end-of-{message}\r\n{stop}"));
            for (place, bytes) in [
                ("MAIL", find(format!("MAIL FROM:<f{message}"))),
                ("content", find(format!("begin-of-{message}"))),
                ("end", end - 1),
                ("after", end),
            ] {
                let line = Line {
                    write_fails_after: Some(bytes),
                    ..Line::default()
                };
                let (mut session, script) = session(nature(manner, []), 8, line);
                let verdicts = drive(&mut session, &script, 5);
                let mut expected = String::new();
                for at in 0..5 {
                    expected.push(match (at.cmp(&message), manner) {
                        (std::cmp::Ordering::Less, _) => 'A',
                        (std::cmp::Ordering::Equal, _) if place == "after" => 'A',
                        (std::cmp::Ordering::Equal, _) => 'R',
                        (_, Manner::Chunked) => 'R',
                        // The next one's envelope goes with the end of this one.
                        (_, Manner::Pipelined)
                            if at == message + 1 && (place != "MAIL" || message == 0) =>
                        {
                            'R'
                        }
                        (_, Manner::Sequential) if at == message + 1 && place == "after" => 'R',
                        _ => '-',
                    });
                }
                // Nothing is left to be written after the last one.
                assert_eq!(
                    letters(&verdicts),
                    expected,
                    "{manner:?}, {place} of message {message}"
                );
            }
        }
    }
}

/// What the server got before the line was cut, it may have taken.
#[test]
fn a_line_cut_in_the_midst() {
    for (manner, expected) in [
        (Manner::Sequential, ["AAR--", "AA?--", "AA?--"]),
        (Manner::Pipelined, ["AARR-", "AA?R-", "AA?R-"]),
        (Manner::Chunked, ["AA???", "AA???", "AAA??"]),
    ] {
        let (mut session, script) = self::session(nature(manner, []), 8, Line::default());
        drive(&mut session, &script, 5);
        let whole = look(&script).written.clone();
        let find = |what: &str| memchr::memmem::find(&whole, what.as_bytes()).unwrap() + what.len();
        let places = [
            find("RCPT TO:<r2"),
            find("begin-of-2"),
            find("end-of-2\r\n"),
        ];
        for (heard, expected) in places.into_iter().zip(expected) {
            let line = Line {
                heard: Some(heard),
                ..Line::default()
            };
            let (mut session, script) = self::session(nature(manner, []), 8, line);
            assert_eq!(
                letters(&drive(&mut session, &script, 5)),
                expected,
                "{manner:?}, {heard}"
            );
        }
    }
}
