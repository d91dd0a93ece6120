//! Whatever a server answers and wherever the line is cut: each message ends in one state, and in a true one.

use super::*;
use proptest::prelude::*;

/// How a session goes, at random.
#[derive(Debug, Clone)]
struct Course {
    manner: Manner,
    proven: bool,
    window: usize,
    messages: usize,
    content_for_nobody: bool,
    refused_stays: bool,
    refused_goes_on: bool,
    /// How many others each message goes to, over and over.
    others: Vec<usize>,
    /// RSET is refused.
    reset: Option<&'static str>,
    acts: Vec<((usize, At), Act)>,
    line: Line,
}

impl Course {
    fn nature(&self) -> Nature {
        let nature = nature(self.manner, self.acts.iter().cloned());
        Nature {
            content_for_nobody: self.content_for_nobody,
            refused_stays: self.refused_stays,
            refused_goes_on: self.refused_goes_on,
            // With one recipient RSET goes along with what follows it.
            reset: self.reset.filter(|_| !self.others.contains(&0)),
            ..nature
        }
    }

    fn jobs(&self) -> Vec<Job> {
        let others = self.others.iter().cycle();
        let jobs = (0..self.messages).zip(others);
        jobs.map(|(number, &others)| job_to(number, others))
            .collect()
    }

    fn session(&self) -> (Scripted, Rc<RefCell<Script>>) {
        let terms = Terms {
            proven: self.proven.then_some(self.manner),
            ..terms(self.window)
        };
        session_on(terms, self.nature(), self.line.clone())
    }
}

const REFUSALS: &[&str] = &[
    "421 4.3.2 closing",
    "450 4.2.0 greylisted",
    "451 4.7.1 rate limit",
    "452 4.2.2 full",
    "452 4.5.3 too many recipients",
    "500 what?",
    "503 5.5.1 bad sequence",
    "550 5.1.1 unknown",
    "552 5.3.4 too big",
    "554 5.7.1 spam",
    "554 5.7.1 relay access denied",
];

fn manners() -> impl Strategy<Value = Manner> {
    prop_oneof![
        Just(Manner::Sequential),
        Just(Manner::Pipelined),
        Just(Manner::Chunked)
    ]
}

fn places() -> impl Strategy<Value = (usize, At)> {
    let at = prop_oneof![
        Just(At::Mail),
        Just(At::Rcpt),
        (0usize..3).prop_map(At::Also),
        Just(At::Data),
        Just(At::End)
    ];
    (0usize..20, at)
}

/// What leaves one answer for each command, or none at all.
fn orderly() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => prop::sample::select(REFUSALS).prop_map(Act::Say),
        1 => Just(Act::Hang),
        1 => Just(Act::Close),
        1 => Just(Act::Garbage),
        2 => Just(Act::AsUsual("250-first\r\n")),
    ]
}

/// What does not.
fn disorderly() -> impl Strategy<Value = Act> {
    prop_oneof![
        orderly(),
        Just(Act::Silence),
        Just(Act::AndMore("250 2.0.0 once more")),
        Just(Act::AndMore("550 5.0.0 and no")),
        Just(Act::AndMore("354 go on")),
        Just(Act::Utter(b"250".to_vec())),
        Just(Act::Utter(b"250-\r\n".to_vec())),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Act::Utter),
    ]
}

fn lines() -> impl Strategy<Value = Line> {
    let sizes = || {
        prop_oneof![
            3 => Just(vec![]),
            1 => Just(vec![1]),
            2 => prop::collection::vec(1usize..200, 1..5),
        ]
    };
    let cut = |most| prop_oneof![3 => Just(None), 1 => (0..most).prop_map(Some)];
    (
        sizes(),
        sizes(),
        prop_oneof![2 => Just(0usize), 1 => 2usize..5],
        cut(3000usize),
        cut(3000usize),
        cut(1500usize),
        prop_oneof![1 => Just(None), 1 => (50usize..2000).prop_map(Some)],
    )
        .prop_map(
            |(read_sizes, write_sizes, blocks_every, write_fails_after, heard, read, layer)| Line {
                read_sizes,
                write_sizes,
                blocks_every,
                write_fails_after,
                heard,
                read,
                layer,
            },
        )
}

fn courses(act: impl Strategy<Value = Act>) -> impl Strategy<Value = Course> {
    let acts = prop::collection::vec((places(), act), 0..8);
    let others = prop_oneof![
        1 => Just(vec![0]),
        1 => prop::collection::vec(0usize..4, 1..5),
    ];
    let reset = prop_oneof![9 => Just(None), 1 => Just(Some("451 4.3.0 no reset now"))];
    (
        manners(),
        1usize..=16,
        1usize..20,
        any::<(bool, bool, bool, bool)>(),
        acts,
        lines(),
        others,
        reset,
    )
        .prop_map(
            |(
                manner,
                window,
                messages,
                (proven, content_for_nobody, refused_stays, refused_goes_on),
                acts,
                line,
                others,
                reset,
            )| Course {
                manner,
                proven,
                window,
                messages,
                content_for_nobody,
                refused_stays,
                refused_goes_on,
                others,
                reset,
                acts,
                line,
            },
        )
}

/// The end of a content as it goes over the line.
fn end(manner: Manner, message: usize) -> String {
    let stop = if manner == Manner::Chunked {
        ""
    } else {
        ".\r\n"
    };
    format!("end-of-{message}\r\n{stop}")
}

fn truthful(course: &Course) -> Result<(), TestCaseError> {
    let (mut session, script) = course.session();
    prop_assert_eq!(session.manner(), course.manner);
    // That each comes back once is looked at in there.
    let all = drive_all(&mut session, &script, course.jobs());
    let verdicts: Vec<_> = all
        .iter()
        .map(|it| it.as_ref().map(|it| it.verdict.clone()))
        .collect();
    let script = look(&script);
    let server = &script.server;
    for finished in all.iter().flatten() {
        let number = finished.job.number;
        for (place, address) in finished.job.message.also_to.iter().enumerate() {
            let address = address.to_string();
            let copies = server.copies.iter().filter(|&&it| it == (number, place));
            let told = finished.left_out.iter().filter(|it| it.to == address);
            let (copies, told) = (copies.count(), told.count());
            let taken = server.taken.contains_key(&number);
            let expected = match letters(&[Some(finished.verdict.clone())]).as_str() {
                // Who is left out is told, and all the others have it.
                "A" => copies + told == 1,
                "?" => copies + told == usize::from(taken).max(told),
                _ => copies == 0,
            };
            prop_assert!(
                expected,
                "{}: {} copies, {} told of {:?}",
                address,
                copies,
                told,
                finished
            );
        }
    }
    prop_assert_eq!(server.leaks, 0, "others got what was not theirs");
    for (message, verdict) in verdicts.iter().enumerate() {
        let letter = letters(std::slice::from_ref(verdict));
        let taken = server.taken.contains_key(&message);
        prop_assert!(
            if taken {
                "A?".contains(&letter)
            } else {
                letter != "A"
            },
            "{} is {}, taken: {}, {:?}",
            message,
            letter,
            taken,
            verdict
        );
        if letter == "?" {
            // Where refused transactions stay open it may have left twice.
            let end = end(course.manner, message);
            let left = memchr::memmem::find_iter(&script.written, end.as_bytes()).count();
            let answers = server.answered.get(&message).map_or(&[][..], Vec::as_slice);
            let read = answers.iter().filter(|&&end| end <= script.read).count();
            prop_assert!(
                left > read,
                "{} is in doubt, left {} times, and was answered {} times",
                message,
                left,
                read
            );
        }
    }
    for (message, content) in &server.taken {
        prop_assert_eq!(
            content,
            &bytes(&job(*message)),
            "what the server has of {}",
            message
        );
    }
    prop_assert_eq!(server.doubled, 0, "messages taken twice");
    prop_assert_eq!(server.strangers, 0, "messages under another's sender");
    for command in &server.commands {
        let known = ["EHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET"].contains(&command.as_str());
        prop_assert!(known, "the server heard {}", command);
    }
    if course.manner == Manner::Pipelined {
        prop_assert!(server.void.iter().all(Vec::is_empty));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_message_ends_in_one_state_and_a_true_one(course in courses(orderly())) {
        truthful(&course)?;
    }

    /// Nothing is certain then but that each message comes back, once.
    #[test]
    fn answers_too_many_or_too_few(course in courses(disorderly())) {
        let (mut session, script) = course.session();
        // Looked at in there.
        let all = drive_all(&mut session, &script, course.jobs());
        prop_assert_eq!(all.len(), course.messages);
    }
}
