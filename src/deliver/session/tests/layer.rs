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
    assert!(session.prepare(&mut || true));
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
    assert!(session.prepare(&mut || true));
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
    assert!(session.prepare(&mut || true));
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

#[test]
fn contents_wait_until_they_may_leave() {
    for manner in [Manner::Sequential, Manner::Pipelined, Manner::Chunked] {
        let (mut session, script) = session(nature(manner, []), 4, Line::default());
        let (mut jobs, mut finished, mut turns) = ((0..9).map(job), Vec::new(), 0);
        while finished.len() < 9 {
            turns += 1;
            assert!(turns < 500, "{manner:?} does not come to an end");
            while session.room() > 0
                && let Some(job) = jobs.next()
            {
                session.submit(job);
            }
            // Asked in vain twice, then granted once, each time anew.
            let mut granted = turns % 3 == 0;
            session.prepare(&mut || std::mem::take(&mut granted));
            let leaving: Vec<_> = session.leaving().map(|job| job.number).collect();
            assert!(leaving.len() <= usize::from(turns % 3 == 0));
            let waits = session.group.is_empty() && session.due.is_empty();
            assert!(!waits || !session.has_news(), "{manner:?} would not sleep");
            script.borrow_mut().marked.extend(leaving);
            session.write();
            session.read();
            finished.extend(session.finished());
        }
        assert_eq!(look(&script).server.taken.len(), 9, "{manner:?}");
    }
}
