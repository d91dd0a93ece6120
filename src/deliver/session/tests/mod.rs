//! Sessions against a model server over a scripted line.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bad_input;
mod early;
mod faults;
mod layer;
mod model;
mod property;
mod resets;
mod script;
mod several;
mod unfit;

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use super::*;
use model::{Act, At, Model, Nature};
use script::{Line, Script};

const TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Job {
    number: usize,
    message: Message,
}

impl Borrow<Message> for Job {
    fn borrow(&self) -> &Message {
        &self.message
    }
}

/// `Borrow` is in the way of the method.
fn look(script: &Rc<RefCell<Script>>) -> Ref<'_, Script> {
    RefCell::borrow(script)
}

type Scripted = Session<Job, Rc<RefCell<Script>>>;

/// What each manner needs to be offered.
fn keywords(manner: Manner) -> &'static [&'static str] {
    match manner {
        Manner::Sequential => &["8BITMIME"],
        Manner::Pipelined => &["PIPELINING"],
        Manner::Chunked => &["SIZE 1000000", "CHUNKING", "PIPELINING"],
    }
}

/// A server for this manner, at which these things are out of the ordinary.
fn nature(manner: Manner, acts: impl IntoIterator<Item = ((usize, At), Act)>) -> Nature {
    Nature {
        keywords: keywords(manner),
        acts: acts.into_iter().collect(),
        ..Nature::default()
    }
}

fn terms(window: usize) -> Terms {
    Terms {
        timeout: TIMEOUT,
        manner: Manner::Chunked,
        proven: Some(Manner::Chunked),
        window,
        messages: 1000,
    }
}

/// A session over a line that is as it should be until EHLO is answered, and like `line` from then on.
fn session(nature: Nature, window: usize, line: Line) -> (Scripted, Rc<RefCell<Script>>) {
    session_on(terms(window), nature, line)
}

fn session_on(terms: Terms, nature: Nature, line: Line) -> (Scripted, Rc<RefCell<Script>>) {
    let script = Script::new(Model::new(nature));
    let session = Session::over(Rc::clone(&script), "[127.0.0.1]", terms).unwrap();
    script.borrow_mut().arm(line);
    (session, script)
}

/// The same, with so many recipients besides.
fn job_to(number: usize, others: usize) -> Job {
    let mut job = job(number);
    let others = (b's'..=b'z').map(char::from).take(others);
    job.message.also_to = others
        .map(|letter| format!("{letter}{number}@x.example").parse().unwrap())
        .collect();
    job
}

/// A message whose content begins with a dot, has a line of dots, and says whose it is at both ends.
fn job(number: usize) -> Job {
    let address = |letter| format!("{letter}{number}@x.example").parse().unwrap();
    let own = |text: String| crate::message::Part::Own(text.into_bytes());
    let body = "one line\r\n".repeat(number % 7);
    let content = vec![
        own(format!(".begin-of-{number}\r\n")),
        crate::message::Part::Shared(crate::message::Shared::new(
            b"shared\r\n.\r\n..\r\n".to_vec(),
        )),
        own(format!("{body}end-of-{number}\r\n")),
    ];
    let message = Message {
        key: number.to_string(),
        row: number as u64,
        envelope_from: address('f'),
        envelope_to: address('r'),
        also_to: Vec::new(),
        left_out: Vec::new(),
        beyond_ascii: None,
        message_id: String::new(),
        content,
    };
    Job { number, message }
}

fn bytes(job: &Job) -> Vec<u8> {
    let parts = job.message.content.iter();
    parts.flat_map(|part| part.bytes().to_vec()).collect()
}

/// Says what may be said, waits once if nothing came of it, and takes what was answered.
fn exchange(session: &mut Scripted, script: &Rc<RefCell<Script>>) -> Vec<Finished<Job>> {
    if session.prepare(&mut || true) {
        let marked = &mut script.borrow_mut().marked;
        marked.extend(session.leaving().map(|job| job.number));
    }
    session.write();
    if session.finished.is_empty()
        && !session.writes()
        && let Some(wait) = session.patience().zip(session.deadline())
    {
        script.borrow_mut().waits.push(wait);
        if !look(script).readable() {
            session.expire();
        }
    }
    session.read();
    session.finished()
}

/// Submits so many messages, as far as the session lets itself be used. What became of each that was handed over.
fn drive(
    session: &mut Scripted,
    script: &Rc<RefCell<Script>>,
    messages: usize,
) -> Vec<Option<Verdict>> {
    let finished = drive_all(session, script, (0..messages).map(job).collect());
    finished
        .into_iter()
        .map(|finished| finished.map(|it| it.verdict))
        .collect()
}

/// The same of these messages, with all that is told of them.
fn drive_all(
    session: &mut Scripted,
    script: &Rc<RefCell<Script>>,
    jobs: Vec<Job>,
) -> Vec<Option<Finished<Job>>> {
    let mut all: Vec<_> = jobs.iter().map(|_| None).collect();
    let mut jobs = jobs.into_iter();
    let (mut submitted, mut exchanges) = (0, 0);
    loop {
        while session.room() > 0
            && let Some(job) = jobs.next()
        {
            session.submit(job);
            submitted += 1;
        }
        if session.in_flight() == 0 {
            break;
        }
        exchanges += 1;
        assert!(exchanges < 10_000, "it does not come to an end");
        for finished in exchange(session, script) {
            let number = finished.job.number;
            let before = all[number].replace(finished);
            assert!(before.is_none(), "{number} came back twice");
        }
    }
    let returned = all.iter().flatten().count();
    assert_eq!(returned, submitted, "each message comes back");
    all
}

/// A letter a message: Accepted, Failed, Deferred, in doubt (`?`), Returned, never handed over (`-`).
fn letters(verdicts: &[Option<Verdict>]) -> String {
    let letter = |verdict: &Option<Verdict>| match verdict {
        None => '-',
        Some(Verdict::Returned(_)) => 'R',
        Some(Verdict::Settled(Outcome::Accepted(_))) => 'A',
        Some(Verdict::Settled(Outcome::Failed(_))) => 'F',
        Some(Verdict::Settled(Outcome::Deferred(_))) => 'D',
        Some(Verdict::Settled(Outcome::InDoubt(_))) => '?',
    };
    verdicts.iter().map(letter).collect()
}

/// What a verdict that is no acceptance rests on.
fn failure(verdict: &Option<Verdict>) -> &Failure {
    match verdict {
        Some(Verdict::Returned(trouble)) => &trouble.failure,
        Some(Verdict::Settled(
            Outcome::Failed(failure) | Outcome::Deferred(failure) | Outcome::InDoubt(failure),
        )) => failure,
        other => panic!("no failure: {other:?}"),
    }
}
