//! Messages that only a server with SMTPUTF8 takes: what is said of them, and what becomes of them without it.

use super::*;
use crate::message::Whose;

/// Three messages, the middle one with an address that is not ASCII before the @.
fn jobs(whose: Whose) -> Vec<Job> {
    let mut jobs: Vec<_> = (0..3).map(job).collect();
    jobs[1].message.beyond_ascii = Some(whose);
    if whose == Whose::Recipient {
        jobs[1].message.envelope_to = lettre::Address::new_dangerous("r1", "é.example");
    }
    jobs
}

/// What a server for each manner has on offer, and SMTPUTF8 or not.
fn natures(smtputf8: bool) -> [Nature; 3] {
    let offered: [&[&str]; 3] = match smtputf8 {
        true => [
            &["8BITMIME", "SMTPUTF8"],
            &["SIZE 0", "8BITMIME", "SMTPUTF8", "PIPELINING"],
            &["SMTPUTF8", "CHUNKING", "PIPELINING"],
        ],
        false => [&["8BITMIME"], &["PIPELINING"], &["CHUNKING", "PIPELINING"]],
    };
    offered.map(|keywords| Nature {
        keywords,
        ..Nature::default()
    })
}

#[test]
fn smtputf8_is_asked_for_with_those_alone_that_need_it() {
    let behind: [[&str; 3]; 3] = [
        ["", " BODY=8BITMIME SMTPUTF8", ""],
        [" SIZE=38", " SIZE=48 BODY=8BITMIME SMTPUTF8", " SIZE=58"],
        ["", " SMTPUTF8", ""],
    ];
    for (nature, behind) in natures(true).into_iter().zip(behind) {
        let (mut session, script) = session(nature, 8, Line::default());
        let finished = drive_all(&mut session, &script, jobs(Whose::Recipient));
        let verdicts: Vec<_> = finished
            .into_iter()
            .map(|it| it.map(|it| it.verdict))
            .collect();
        assert_eq!(letters(&verdicts), "AAA");
        let said = look(&script).server.mails.clone();
        let expected = behind.iter().enumerate();
        let expected: Vec<_> = expected
            .map(|(n, behind)| format!("FROM:<f{n}@x.example>{behind}"))
            .collect();
        assert_eq!(said, expected);
    }
}

#[test]
fn without_it_the_row_is_invalid_and_the_others_go() {
    for (whose, words) in [
        (Whose::Recipient, "r1@é.example is not ASCII before the @"),
        (
            Whose::Other,
            "an address in cc, bcc, headers or envelope_from is not",
        ),
    ] {
        for several in [false, true] {
            for nature in natures(false) {
                let (mut session, script) = session(nature, 8, Line::default());
                session.one_of_several = several;
                let finished = drive_all(&mut session, &script, jobs(whose));
                let verdicts: Vec<_> = finished
                    .into_iter()
                    .map(|it| it.map(|it| it.verdict))
                    .collect();
                assert_eq!(letters(&verdicts), "AFA");
                let Some(Verdict::Settled(outcome)) = &verdicts[1] else {
                    unreachable!("settled")
                };
                assert!(outcome.is_invalid());
                let why = failure(&verdicts[1]).to_string();
                assert!(why.starts_with(words) && why.contains("SMTPUTF8"), "{why}");
                assert!(why.contains("use another"), "{why}");
                assert_eq!(look(&script).server.mails.len(), 2);
            }
        }
    }
}

#[test]
fn a_sender_that_the_server_cannot_take_is_the_servers_trouble() {
    for nature in natures(false) {
        let (mut session, script) = session(nature, 8, Line::default());
        let mut all = jobs(Whose::Sender);
        all.iter_mut()
            .for_each(|it| it.message.beyond_ascii = Some(Whose::Sender));
        let finished = drive_all(&mut session, &script, all);
        let verdicts: Vec<_> = finished
            .into_iter()
            .map(|it| it.map(|it| it.verdict))
            .collect();
        assert_eq!(letters(&verdicts), "R--");
        let Some(Verdict::Returned(trouble)) = &verdicts[0] else {
            unreachable!("returned")
        };
        assert_eq!(
            (trouble.lasting, trouble.failure.scope),
            (Lasting::ForGood, Scope::Account)
        );
        assert_eq!(look(&script).server.mails, [""; 0]);
    }
}

/// What becomes of three messages, the middle one beyond ASCII and answered so at MAIL.
fn answered(said: &'static str, whose: Whose, several: bool) -> Vec<Vec<Option<Verdict>>> {
    let natures = natures(true).into_iter().map(|nature| {
        let acts = [((1, At::Mail), Act::Say(said))].into();
        let (mut session, script) = session(Nature { acts, ..nature }, 8, Line::default());
        session.one_of_several = several;
        let finished = drive_all(&mut session, &script, jobs(whose));
        let verdicts = finished.into_iter().map(|it| it.map(|it| it.verdict));
        verdicts.collect()
    });
    natures.collect()
}

#[test]
fn offered_and_refused_it_is_that_messages_trouble() {
    for said in [
        "553 5.6.7 no",
        "550 5.6.9 no",
        "555 5.5.4 what",
        "555 what",
        "501 5.5.2 what",
        "550 no",
        "554 5.6.7 access denied, your account is suspended",
    ] {
        for whose in [Whose::Recipient, Whose::Other] {
            for several in [false, true] {
                for verdicts in answered(said, whose, several) {
                    let expected = if several { "ADA" } else { "AFA" };
                    assert_eq!(letters(&verdicts), expected, "{said}");
                    let Some(Verdict::Settled(outcome)) = &verdicts[1] else {
                        unreachable!("settled")
                    };
                    // Its content may have left with the envelope: a ledger settles that by an answer alone.
                    assert!(!outcome.is_invalid());
                    let why = failure(&verdicts[1]);
                    assert_eq!(why.stage, Stage::Mail);
                    assert!(why.to_string().contains(said), "{why}");
                }
            }
        }
    }
    for verdicts in answered("451 4.3.0 later", Whose::Recipient, false) {
        assert_eq!(letters(&verdicts), "ADA");
        let why = failure(&verdicts[1]);
        assert_eq!((why.stage, why.scope), (Stage::Mail, Scope::Recipient));
    }
}

#[test]
fn what_names_the_account_or_its_sender_stays_theirs() {
    for (said, whose) in [
        ("550 5.6.7 no", Whose::Sender),
        ("530 5.7.0 authentication required", Whose::Recipient),
        ("550 5.1.8 sender rejected", Whose::Recipient),
        ("452 4.7.28 too many messages", Whose::Recipient),
        ("421 4.3.2 closing", Whose::Recipient),
    ] {
        for verdicts in answered(said, whose, false) {
            assert!(
                matches!(verdicts[1], Some(Verdict::Returned(_))),
                "{said}: {}",
                letters(&verdicts)
            );
        }
    }
}
