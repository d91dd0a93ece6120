//! The crash table: what each ending of a ledger means.

use super::*;
use crate::ledger::replay::OpenClaim;
use Standing::{Accepted, Deferred, Failed, InDoubt, Remaining};

fn open(name: &str, row: u64, in_doubt: bool) -> OpenClaim {
    OpenClaim {
        key: format!("{name}@list.example"),
        row,
        attempt: 1,
        in_doubt,
    }
}

#[test]
fn after_a_kill_only_what_was_marked_is_in_doubt() {
    let standings = list();
    let replay = read(GOLDEN.as_bytes(), Some("boot-1"), &standings)
        .unwrap()
        .unwrap();
    assert_eq!(
        all(&standings),
        [
            Accepted, Failed, Deferred, InDoubt, Remaining, InDoubt, Remaining, Remaining
        ]
    );
    assert_eq!(
        replay.open,
        [open("killed", 6, true), open("claimed", 7, false)]
    );
    assert_eq!((replay.length, replay.torn), (GOLDEN.len() as u64, 0));
    assert_eq!(replay.header.campaign, "November newsletter");
    assert_eq!(replay.content["html"], "0123456789abcdef");
    assert!(replay.has_invalid("", 9, "the cell is empty"));
    assert!(!replay.has_invalid("", 8, "the cell is empty"));
}

#[test]
fn after_a_power_loss_every_open_claim_is_in_doubt() {
    // Another boot, and a system that cannot tell.
    for boot in [Some("boot-2"), None] {
        let standings = list();
        let replay = read(GOLDEN.as_bytes(), boot, &standings).unwrap().unwrap();
        assert_eq!(
            all(&standings),
            [
                Accepted, Failed, Deferred, InDoubt, Remaining, InDoubt, InDoubt, Remaining
            ]
        );
        assert_eq!(
            replay.open,
            [open("killed", 6, true), open("claimed", 7, true)]
        );
    }
}

#[test]
fn attempts_are_those_with_an_outcome_or_in_doubt() {
    let standings = list();
    read(GOLDEN.as_bytes(), Some("boot-1"), &standings).unwrap();
    let attempts = NAMES.map(|name| {
        standings.attempts(
            standings
                .find(KeyHash::of(&format!("{name}@list.example")))
                .unwrap(),
        )
    });
    assert_eq!(attempts, [1, 1, 1, 1, 0, 1, 0, 0]);
}

#[test]
fn a_claim_that_comes_to_nothing_leaves_the_recipient_as_it_was() {
    let again = "\
{\"time\":\"2026-11-20T08:00:01.000Z\",\"key\":\"deferred@list.example\",\"row\":3,\"state\":\"claimed\",\"attempt\":2}
{\"time\":\"2026-11-20T08:00:01.000Z\",\"key\":\"lost@list.example\",\"row\":4,\"state\":\"claimed\",\"attempt\":2}
";
    let released = "\
{\"time\":\"2026-11-20T08:00:01.001Z\",\"key\":\"deferred@list.example\",\"row\":3,\"state\":\"released\",\"attempt\":2}
{\"time\":\"2026-11-20T08:00:01.001Z\",\"key\":\"lost@list.example\",\"row\":4,\"state\":\"released\",\"attempt\":2}
";
    for rest in [String::new(), released.to_owned()] {
        let standings = list();
        let text = format!("{GOLDEN}{again}{rest}");
        read(text.as_bytes(), Some("boot-1"), &standings).unwrap();
        assert_eq!(
            (
                standing(&standings, "deferred"),
                standing(&standings, "lost")
            ),
            (Deferred, InDoubt)
        );
    }
}

/// Cut anywhere in its last three lines, the ledger replays as if it ended with the line before.
#[test]
fn a_torn_last_line_is_dropped() {
    let starts: Vec<usize> = GOLDEN
        .match_indices('\n')
        .map(|(at, _)| at + 1)
        .rev()
        .take(4)
        .collect();
    let (end, first) = (starts[0], starts[3]);
    for cut in first..end {
        let whole = GOLDEN[..cut].rfind('\n').unwrap() + 1;
        let (torn, clean) = (list(), list());
        for nuls in [0, 1, 5000] {
            let text = [&GOLDEN.as_bytes()[..cut], &vec![0; nuls]].concat();
            let replay = read(&text, Some("boot-1"), &torn).unwrap().unwrap();
            assert_eq!(
                (replay.length, replay.torn),
                (whole as u64, (cut - whole + nuls) as u64),
                "cut at {cut}"
            );
            read(&GOLDEN.as_bytes()[..whole], Some("boot-1"), &clean)
                .unwrap()
                .unwrap();
            assert_eq!(all(&torn), all(&clean), "cut at {cut}");
        }
    }
}

#[test]
fn a_torn_first_line_is_an_empty_ledger() {
    let first = GOLDEN.find('\n').unwrap();
    for cut in [0, 1, first] {
        assert!(
            read(&GOLDEN.as_bytes()[..cut], None, &list())
                .unwrap()
                .is_none()
        );
    }
}

#[test]
fn damage_in_the_middle_names_its_line() {
    let error = |text: &str| {
        read(text.as_bytes(), None, &list())
            .unwrap_err()
            .to_string()
    };
    let lines: Vec<&str> = GOLDEN.lines().collect();
    for at in 1..lines.len() {
        let mut damaged = lines.clone();
        damaged[at] = "{\"time\":\"2026-11-20T08";
        let text = error(&(damaged.join("\n") + "\n"));
        assert!(
            text.starts_with(&format!(
                "runs/2026-11.jsonl:{}: not a line of a ledger: ",
                at + 1
            )),
            "{text}"
        );
    }
    let nuls = format!("{}\n\0\0\0\n{}\n", lines[0], lines[1]);
    assert!(
        error(&nuls).starts_with("runs/2026-11.jsonl:2: not a line of a ledger: it breaks off")
    );
    assert!(
        error("hello\n")
            .starts_with("runs/2026-11.jsonl:1: not a line of a ledger: the first line")
    );
    assert!(
        error("{\"mailrun_ledger\":2}\n")
            .contains("written in format 2, and this version of mailrun reads format 1")
    );
    let other = GOLDEN.replace("\"run\":\"2026-11\"", "\"run\":\"2026-10\"");
    assert!(error(&other).contains("the ledger of run \"2026-10\", not of \"2026-11\""));
}
