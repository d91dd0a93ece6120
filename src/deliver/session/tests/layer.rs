//! A way that holds back what it takes, and has read more than it gave: as TLS does.

use super::*;

fn layered(manner: Manner, line: Line) -> (Scripted, Rc<RefCell<Script>>) {
    session(nature(manner, []), 8, line)
}

#[test]
fn what_the_socket_does_not_tell_of_is_taken_all_the_same() {
    let line = Line {
        read_sizes: vec![7],
        layer: Some(usize::MAX),
        ..Line::default()
    };
    let (mut session, script) = layered(Manner::Chunked, line);
    for number in 0..8 {
        session.submit(job(number));
        script.borrow_mut().marked.insert(number);
    }
    assert!(session.prepare());
    session.write();
    // It is on the line with the next write: the socket has told of room.
    assert!(session.writes());
    session.write();
    assert!(!session.writes());
    // The socket tells of all answers once.
    session.read();
    assert_eq!(session.finished().len(), 8);
    assert!(!look(&script).readable());
}

#[test]
fn what_is_held_back_is_handed_over_and_is_waited_with() {
    let line = Line {
        layer: Some(10),
        ..Line::default()
    };
    let (mut session, script) = layered(Manner::Sequential, line);
    session.submit(job(0));
    assert!(session.prepare());
    session.write();
    assert!(session.writes(), "bytes wait for room on the line");
    assert_eq!(look(&script).server.commands, ["EHLO"]);
    let before = session.since;
    session.write();
    assert!(session.since > before, "a line that takes bytes is alive");
    let verdicts = {
        script.borrow_mut().marked.insert(0);
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 1000);
            let finished = exchange(&mut session, &script);
            if !finished.is_empty() {
                break finished;
            }
        }
    };
    assert!(matches!(
        verdicts[0].verdict,
        Verdict::Settled(Outcome::Accepted(_))
    ));
}

#[test]
fn the_end_of_a_message_that_is_held_back_is_in_doubt_when_the_line_is_lost() {
    let line = Line {
        layer: Some(1),
        read: Some(0),
        ..Line::default()
    };
    let (mut session, script) = layered(Manner::Chunked, line);
    session.submit(job(0));
    script.borrow_mut().marked.insert(0);
    assert!(session.prepare());
    session.write();
    assert_eq!(look(&script).server.taken.len(), 0);
    session.read();
    let finished = session.finished();
    let outcome = &finished[0].verdict;
    assert!(
        matches!(outcome, Verdict::Settled(Outcome::InDoubt(_))),
        "{outcome:?}"
    );
    assert!(!session.writes(), "nothing of it goes on");
}
