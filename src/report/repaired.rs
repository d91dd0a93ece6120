//! `mailrun status --repair`: what a damaged ledger came to, and what that means for those who stood there.

use std::path::Path;

use crate::ledger::entry::State;
use crate::ledger::repair::{Dropped, Repair, Was};
use crate::wording::{count, printable, shell_word};

/// Damaged places that are described one by one.
const SHOWN: usize = 20;

/// Lines to be said to people.
pub fn describe(repair: &Repair, path: &Path) -> Vec<String> {
    let ledger = path.display();
    let Some(copy) = &repair.copy else {
        return vec![format!("{ledger}: no line is damaged; nothing was written")];
    };
    let mut said: Vec<_> = repair
        .dropped
        .iter()
        .take(SHOWN)
        .map(|dropped| format!("{ledger}:{}: {}", dropped.line, one(dropped)))
        .collect();
    let more = repair.dropped.len().saturating_sub(SHOWN) as u64;
    if more > 0 {
        said.push(format!("and {} more", count(more, "damaged place")));
    }
    let unknown = repair
        .dropped
        .iter()
        .filter(|it| matches!(it.was, Was::Unknown(_)));
    let unknown = unknown.count() as u64;
    if unknown > 0 {
        said.push(format!(
            "WARNING: at {} it cannot be known whom the ledger was about. Whoever had all of their lines there looks as if \
             nothing was sent to them, and the next send would mail them A SECOND TIME. Before it, hold those remaining \
             against the server's log, and take out of the list who is in it",
            count(unknown, "place")
        ));
    }
    said.push(format!(
        "{}: the repaired copy, by which the run stands as follows; {ledger} is as it was. To go on with the copy, keep \
         the damaged one under another name and give the copy its name:\n  mv -n {} {} && mv -n {} {}",
        copy.display(),
        shell_word(path),
        shell_word(Path::new(&format!("{ledger}.damaged"))),
        shell_word(copy),
        shell_word(path)
    ));
    said
}

fn one(dropped: &Dropped) -> String {
    let bytes = count(dropped.bytes, "byte");
    match &dropped.was {
        Was::Header => "the first line is damaged; made anew from the others".to_owned(),
        Was::Joined => "lines that ran into each other; taken apart".to_owned(),
        Was::Kept(key, state) => {
            let state = match state {
                State::Accepted => "accepted",
                _ => "failed",
            };
            let key = printable(key);
            format!("{bytes} dropped: {key} is {state}, which is kept; the server's reply is lost")
        }
        Was::Doubted(key) => format!(
            "{bytes} dropped about {}; what they said cannot be read: in doubt, unless another line says otherwise",
            printable(key)
        ),
        Was::Unknown(0) => format!("{bytes} dropped, whom they were about CANNOT BE KNOWN"),
        Was::Unknown(held) => format!(
            "{bytes} dropped, whom they were about CANNOT BE KNOWN; {} under way there in doubt, unless other lines say otherwise",
            count(*held, "recipient")
        ),
    }
}
