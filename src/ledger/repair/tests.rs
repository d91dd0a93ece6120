//! Damage of every kind: the copy replays, nobody known to be accepted is lost, and nobody is let go unsaid.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::ledger::file;
use crate::ledger::standing::{Gather, Standing, Standings};

const KEYS: [&str; 6] = ["ann@x", "bob@x", "cat@x", "dan@x", "eve@x", "fay@x"];

/// A run with a recipient for each way of ending.
fn ledger() -> String {
    let mut text = String::from(
        r#"{"mailrun_ledger":1,"run":"r","campaign":"c","time":"2026-11-20T08:00:00.000Z","content":{"text":"01"}}
{"event":"begun","time":"2026-11-20T08:00:00.000Z","boot":"b","content":{"text":"01"}}
"#,
    );
    for (at, states) in [
        "claimed sending accepted",
        "claimed failed",
        "claimed deferred claimed sending accepted",
        "claimed released claimed sending in_doubt",
        "claimed sending accepted",
        "claimed",
    ]
    .iter()
    .enumerate()
    {
        for (n, state) in states.split(' ').enumerate() {
            let key = KEYS[at];
            text.push_str(&format!(
                r#"{{"time":"2026-11-20T08:00:00.{n:03}Z","key":"{key}","row":{at},"state":"{state}","attempt":1,"reply":"it is \"so\", {n}"}}"#
            ));
            text.push('\n');
        }
    }
    text
}

struct Place {
    folder: TempDir,
}

impl Place {
    fn with(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("r.jsonl"), bytes).unwrap();
        Place { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("r.jsonl")
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("r.repaired.jsonl")
    }

    fn repair(&self) -> Result<Repair, LedgerError> {
        repair(&self.path(), &self.copy(), "r", "c")
    }
}

/// Where each of the keys stands by a ledger.
fn standings(path: &Path) -> [Standing; 6] {
    let mut gather = Gather::default();
    KEYS.iter().for_each(|key| gather.add(key));
    let list: Standings = gather.finish().0;
    file::read(path, "r", &list, |_, _| {}).unwrap().unwrap();
    KEYS.map(|key| list.standing(list.find(KeyHash::of(key)).unwrap()))
}

fn is_settled(standing: Standing) -> bool {
    matches!(
        standing,
        Standing::Accepted | Standing::Failed | Standing::InDoubt
    )
}

#[test]
fn what_is_whole_is_left_alone() {
    let text = ledger();
    for end in [text.len(), text.len() - 7] {
        let place = Place::with(&text.as_bytes()[..end]);
        let done = place.repair().unwrap();
        assert!(done.copy.is_none() && done.dropped.is_empty(), "{done:?}");
        assert!(!place.copy().exists());
    }
    let empty = Place::with(b"").repair().unwrap();
    assert!(empty.copy.is_none());
}

/// The line about a key in a state, damaged by `change`; what it was, and where the key stands after.
#[track_caller]
fn damaged(key: &str, state: &str, change: impl Fn(&str) -> String) -> (Vec<Was>, Standing) {
    let text = ledger();
    let of = |line: &&str| line.contains(key) && line.contains(&format!("\"{state}\""));
    let line = text.lines().rfind(of).unwrap();
    let place = Place::with(text.replace(line, &change(line)).as_bytes());
    let before = fs::read(place.path()).unwrap();
    let done = place.repair().unwrap();
    assert_eq!(fs::read(place.path()).unwrap(), before);
    let at = KEYS.iter().position(|it| *it == key).unwrap();
    let standing = standings(&done.copy.unwrap())[at];
    (
        done.dropped.into_iter().map(|it| it.was).collect(),
        standing,
    )
}

#[test]
fn a_damaged_line_lets_nobody_go_who_can_be_known() {
    let late = |line: &str| line.replace("\"reply\"", "#reply\"");
    let state = |line: &str| line.replace("\"state\":\"", "\"state\":\"#");
    let key = |line: &str| line.replace("\"key\"", "#key\"");
    let kept = |key: &str, state| Was::Kept(key.to_owned(), state);
    let doubted = |key: &str| Was::Doubted(key.to_owned());
    use Standing::{Accepted, Failed, InDoubt};
    let accepted = kept("ann@x", State::Accepted);
    assert_eq!(
        damaged("ann@x", "accepted", late),
        (vec![accepted], Accepted)
    );
    assert_eq!(
        damaged("ann@x", "accepted", state),
        (vec![doubted("ann@x")], InDoubt)
    );
    // The mark before it is there: only the answer is lost.
    assert_eq!(
        damaged("ann@x", "accepted", key),
        (vec![Was::Unknown(0)], InDoubt)
    );
    assert_eq!(
        damaged("bob@x", "failed", late),
        (vec![kept("bob@x", State::Failed)], Failed)
    );
    assert_eq!(
        damaged("bob@x", "failed", key),
        (vec![Was::Unknown(1)], InDoubt)
    );
    // A mark without its claim would be refused.
    assert_eq!(
        damaged("ann@x", "claimed", key),
        (vec![Was::Unknown(0)], Accepted)
    );
    assert_eq!(
        damaged("cat@x", "claimed", late),
        (vec![doubted("cat@x")], Accepted)
    );
    assert_eq!(
        damaged("dan@x", "in_doubt", key),
        (vec![Was::Unknown(0)], InDoubt)
    );
    assert_eq!(
        damaged("fay@x", "claimed", late),
        (vec![doubted("fay@x")], InDoubt)
    );
    // More may have stood where bytes are that no line has.
    let nul = |line: &str| line.replace("it is", "\0\0 is");
    let both = vec![Was::Unknown(0), kept("ann@x", State::Accepted)];
    assert_eq!(damaged("ann@x", "accepted", nul), (both, Accepted));
}

#[test]
fn lines_that_ran_into_each_other_are_taken_apart() {
    let text = ledger();
    let joined = text.replace("}\n{", "}{");
    let place = Place::with(joined.as_bytes());
    let done = place.repair().unwrap();
    assert_eq!(done.dropped[0].was, Was::Joined);
    assert_eq!(done.dropped.len(), 1);
    assert_eq!(fs::read_to_string(done.copy.unwrap()).unwrap(), text);

    // A torn line that another process wrote on.
    let torn = text.replacen("\"state\":\"failed\"", "\"st", 1);
    let from = torn.find("\"st,").unwrap();
    let end = from + torn[from..].find('\n').unwrap();
    let torn = format!("{}{}", &torn[..from + 3], &torn[end + 1..]);
    let place = Place::with(torn.as_bytes());
    let done = place.repair().unwrap();
    let was: Vec<_> = done.dropped.into_iter().map(|it| it.was).collect();
    let bob = Was::Doubted("bob@x".to_owned());
    assert_eq!(was, [Was::Joined, Was::Unknown(1), bob]);
    let after = standings(&done.copy.unwrap());
    assert_eq!(
        (after[0], after[1]),
        (Standing::Accepted, Standing::InDoubt)
    );
}

#[test]
fn a_first_line_is_made_anew_but_never_for_another_run() {
    let text = ledger();
    for broken in [
        text.replacen("mailrun_ledger", "mailrun", 1),
        text[9..].to_owned(),
        text.replacen('{', "\n{", 1),
    ] {
        let place = Place::with(broken.as_bytes());
        let done = place.repair().unwrap();
        assert!(done.dropped.iter().any(|it| it.was == Was::Header));
        let copy = fs::read_to_string(done.copy.unwrap()).unwrap();
        let first: Header = serde_json::from_str(copy.lines().next().unwrap()).unwrap();
        assert_eq!(
            (first.run.as_str(), first.content["text"].as_str()),
            ("r", "01")
        );
        assert_eq!(
            standings(&place.copy()),
            standings(&Place::with(text.as_bytes()).path())
        );
    }
    let other = Place::with(text.replace("\"run\":\"r\"", "\"run\":\"q\"").as_bytes());
    assert!(matches!(other.repair(), Err(LedgerError::OtherRun { .. })));
    let later = Place::with(text.replace("ledger\":1", "ledger\":2").as_bytes());
    assert!(matches!(later.repair(), Err(LedgerError::Version { .. })));
    let foreign = Place::with(b"hello\nworld\n");
    assert!(matches!(
        foreign.repair(),
        Err(LedgerError::Damaged { line: 1, .. })
    ));
    for place in [other, later, foreign] {
        assert!(!place.copy().exists());
    }
}

#[test]
fn a_copy_is_never_written_over_nor_made_while_somebody_sends() {
    let place = Place::with(ledger().replace("\"failed\"", "\"fai").as_bytes());
    fs::write(place.copy(), "mine").unwrap();
    let error = place.repair().unwrap_err();
    assert!(matches!(error, LedgerError::CopyExists { .. }), "{error}");
    assert_eq!(fs::read_to_string(place.copy()).unwrap(), "mine");
    let held = File::open(place.path()).unwrap();
    held.try_lock().unwrap();
    assert!(matches!(place.repair(), Err(LedgerError::Locked { .. })));
}

/// Bytes between are gone, and what is left reads as a line about the run.
#[test]
fn two_lines_grown_together_are_none() {
    let whole = ledger();
    let begun = whole.find("\"event\":\"begun\",\"time\":\"").unwrap() + 24;
    let mark = whole.find("\"sending\"").unwrap();
    let key = whole[..mark].rfind("ann@x").unwrap();
    let place = Place::with(format!("{}{}", &whole[..begun], &whole[key..]).as_bytes());
    let done = place.repair().unwrap();
    assert_eq!(done.dropped.len(), 1, "{:?}", done.dropped);
    standings(&done.copy.unwrap());
}

/// What happens to bytes on a disk.
#[derive(Debug, Clone)]
enum Damage {
    Over(u8),
    Lost,
}

proptest! {
    #[test]
    fn the_copy_replays_and_keeps_whoever_is_known(
        places in prop::collection::vec((any::<prop::sample::Index>(), 1..400usize, prop_oneof![
            Just(Damage::Over(0)), Just(Damage::Over(b'#')), Just(Damage::Over(b'\n')), Just(Damage::Over(0xff)), Just(Damage::Lost),
        ]), 1..4),
    ) {
        let text = ledger();
        let before = standings(&Place::with(text.as_bytes()).path());
        let mut bytes = text.clone().into_bytes();
        for (at, length, damage) in places {
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + length);
            match damage {
                Damage::Over(byte) => bytes[at..end].fill(byte),
                Damage::Lost => drop(bytes.drain(at..end)),
            }
        }
        let place = Place::with(&bytes);
        let done = match place.repair() {
            Ok(done) => done,
            // Nothing says any more that it is a run.
            Err(LedgerError::Damaged { .. }) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let Some(copy) = done.copy else { return Ok(()) };
        let after = standings(&copy);
        let lines: BTreeSet<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let whole = |key: &str, state: &str| text.split_inclusive('\n').any(|line| {
            line.contains(key) && line.contains(&format!("\"{state}\"")) && lines.contains(line.as_bytes())
        });
        let said = done.dropped.iter().any(|it| matches!(it.was, Was::Unknown(_)));
        for (at, key) in KEYS.iter().enumerate() {
            if whole(key, "accepted") {
                prop_assert_eq!(after[at], Standing::Accepted, "{}", key);
            }
            // Over whole lines no trace is left; otherwise nobody is let go unsaid.
            let traced = text.lines().filter(|line| line.contains(key)).any(|line| lines.contains(format!("{line}\n").as_bytes()));
            if traced && !said && is_settled(before[at]) && whole(key, "sending") {
                prop_assert!(is_settled(after[at]), "{} is {:?}", key, after[at]);
            }
        }
        // Once is enough.
        let again = repair(&copy, &place.folder.path().join("again"), "r", "c").unwrap();
        prop_assert!(again.copy.is_none(), "{:?}", again);
    }
}
