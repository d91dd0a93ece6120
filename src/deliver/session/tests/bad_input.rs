//! What a server may send that nobody asked it for: length, bytes, pieces, silence.

use super::*;
use At::{Data, End, Mail, Rcpt};

const MANNERS: [Manner; 3] = [Manner::Sequential, Manner::Pipelined, Manner::Chunked];

/// Three messages, the second one answered so.
fn answered(
    manner: Manner,
    at: At,
    act: Act,
    line: Line,
) -> (Vec<Option<Verdict>>, Rc<RefCell<Script>>) {
    let (mut session, script) = session(nature(manner, [((1, at), act)]), 8, line);
    let verdicts = drive(&mut session, &script, 3);
    (verdicts, script)
}

fn text(verdict: &Option<Verdict>) -> String {
    match verdict {
        Some(Verdict::Settled(Outcome::Accepted(reply))) => reply.to_string(),
        other => failure(other).to_string(),
    }
}

#[test]
fn replies_in_pieces_of_any_size() {
    for manner in MANNERS {
        for size in 1..80 {
            for act in [
                Act::AsUsual("250-one\r\n250-\r\n250-three\r\n"),
                Act::Say("550 5.7.1 no"),
            ] {
                let expected = if act == Act::Say("550 5.7.1 no") {
                    "AFA"
                } else {
                    "AAA"
                };
                let line = Line {
                    read_sizes: vec![size],
                    write_sizes: vec![size],
                    blocks_every: 2 + size % 3,
                    ..Line::default()
                };
                let (verdicts, _) = answered(manner, End, act, line);
                assert_eq!(letters(&verdicts), expected, "{manner:?}, {size}");
            }
        }
    }
}

#[test]
fn a_reply_of_a_hundred_kilobytes() {
    let mut reply = b"250 2.0.0 ".to_vec();
    reply.extend(std::iter::repeat_n(b'x', 100_000));
    reply.extend_from_slice(b"\r\n");
    for manner in MANNERS {
        let (verdicts, script) = answered(manner, End, Act::Utter(reply.clone()), Line::default());
        assert_eq!(letters(&verdicts), "AAA", "{manner:?}");
        assert_eq!(
            text(&verdicts[1]),
            format!("250 2.0.0 {}", "x".repeat(1000))
        );
        assert_eq!(look(&script).read, look(&script).server.spoken.len());
    }
}

#[test]
fn a_reply_without_end() {
    let lines = "250-and another thing\r\n".repeat(100_000);
    let line = "2".repeat(2_300_000);
    for manner in MANNERS {
        for reply in [&lines, &line] {
            let act = Act::Utter(reply.clone().into_bytes());
            let (verdicts, script) = answered(manner, End, act, Line::default());
            let expected = match manner {
                Manner::Sequential => "A?-",
                Manner::Pipelined => "A?R",
                Manner::Chunked => "A??",
            };
            assert_eq!(letters(&verdicts), expected, "{manner:?}");
            let why = "the server's answer is no SMTP reply: it is longer than 1 MiB at the end of the content";
            assert_eq!(text(&verdicts[1]), why);
            let read = look(&script).read;
            assert!((1 << 20..(1 << 20) + (16 << 10)).contains(&read), "{read}");
        }
    }
}

#[test]
fn bytes_that_are_no_text() {
    for manner in MANNERS {
        let reply = b"550 5.7.1 \xff\xfe\x1b]0;title\x07\x1b[2J \xe2\x80\xae no\r\n".to_vec();
        let (verdicts, _) = answered(manner, End, Act::Utter(reply), Line::default());
        // The model took it, and said that it had not: the client goes by what is said.
        assert_eq!(letters(&verdicts), "AFA", "{manner:?}");
        let shown = "the server answered the end of the content with \"550 5.7.1 \u{fffd}\u{fffd} ]0;title  [2J   no\"";
        assert_eq!(text(&verdicts[1]), shown);
    }
}

/// Silence is given up after the timeout of the stage: ten times as long for the end of a content.
#[test]
fn silence() {
    for manner in MANNERS {
        for at in [Mail, Rcpt, Data, End] {
            if at == Data && manner == Manner::Chunked {
                continue;
            }
            let (verdicts, script) = answered(manner, at, Act::Hang, Line::default());
            let (time, shown) = match at {
                End => (TIMEOUT * 10, "600s"),
                _ => (TIMEOUT, "60s"),
            };
            assert_eq!(
                look(&script).waits.last().unwrap().0,
                time,
                "{manner:?}, {at:?}"
            );
            let lost = if at == End || manner == Manner::Chunked {
                '?'
            } else {
                'R'
            };
            assert_eq!(
                letters(&verdicts).chars().nth(1),
                Some(lost),
                "{manner:?}, {at:?}"
            );
            assert!(text(&verdicts[1]).starts_with(&format!("no answer within {shown} at ")));
        }
    }
}

/// The whole reply has one deadline: bytes that drip do not move it.
#[test]
fn a_reply_that_drips() {
    let line = Line {
        read_sizes: vec![1],
        ..Line::default()
    };
    let act = Act::Utter(b"250-one\r\n250-two\r\n250-three".to_vec());
    let (verdicts, script) = answered(Manner::Sequential, End, act, line);
    assert_eq!(letters(&verdicts), "A?-");
    let waits = &look(&script).waits;
    let last = &waits[waits.len() - 28..];
    assert_eq!(last[0].0, TIMEOUT * 10);
    assert!(last.iter().all(|wait| *wait == last[0]), "{last:?}");
}

/// After 421 nobody is waited for as long as usual: the server has gone.
#[test]
fn a_server_that_says_it_goes_and_stays() {
    for manner in [Manner::Pipelined, Manner::Chunked] {
        let (verdicts, script) = answered(
            manner,
            Mail,
            Act::SayAndHang("421 4.3.2 closing"),
            Line::default(),
        );
        let expected = if manner == Manner::Chunked {
            "ARR"
        } else {
            "AR-"
        };
        assert_eq!(letters(&verdicts), expected, "{manner:?}");
        assert_eq!(look(&script).waits.last().unwrap().0, QUIT_TIMEOUT);
    }
}
