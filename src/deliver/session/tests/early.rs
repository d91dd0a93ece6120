//! What comes before it is waited for: answers to what is not wholly said, and the end of a connection that is idle.

use super::*;

#[test]
fn answers_that_came_before_the_content_was_handed_over_are_taken_when_it_is() {
    // The second envelope is answered as soon as it is heard, and its content is not listened to.
    let acts = [((1, At::Mail), Act::Hang)];
    let (mut session, script) = session(nature(Manner::Chunked, acts), 2, Line::default());
    session.submit(job(0));
    session.submit(job(1));
    assert!(session.prepare(&mut || true));
    for number in [0, 1] {
        script.borrow_mut().marked.insert(number);
    }
    let commands = 110;
    let cut = bytes(&job(0)).len() + bytes(&job(1)).len() + commands;
    // EHLO was the first write; the next one takes so much, the one after it nothing.
    script.borrow_mut().line.write_sizes = vec![usize::MAX, cut];
    script.borrow_mut().line.blocks_every = 3;
    session.write();
    assert!(session.writes());
    let early = b"250 2.1.0 ok\r\n550 5.1.1 unknown\r\n503 5.5.1 no recipient\r\n";
    script.borrow_mut().server.spoken.extend_from_slice(early);
    session.read();
    assert_eq!(session.finished().len(), 1);
    session.write();
    assert!(!session.writes());
    let finished = session.finished();
    assert_eq!(finished.len(), 1);
    let outcome = &finished[0].verdict;
    assert!(
        matches!(outcome, Verdict::Settled(Outcome::Failed(failure)) if failure.stage == Stage::Rcpt),
        "{outcome:?}"
    );
    assert!(session.lost().is_none());
}

#[test]
fn an_idle_connection_that_is_closed_says_nothing_of_the_server() {
    for manner in [Manner::Pipelined, Manner::Chunked] {
        let (mut session, script) = session(nature(manner, []), 8, Line::default());
        script.borrow_mut().server.closed = true;
        session.read();
        assert!(session.lost().is_some());
        assert_eq!((session.misbehaved(), session.was_used()), (None, false));
        assert!(!session.has_news() && session.deadline().is_none());
    }
}
