//! Ledgers as processes would write them, one after the other, with kills, power losses and retries: every prefix of
//! every one of them gives each recipient the standing that the table says, and nobody who was accepted is open.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::ledger::entry::{Entry, Event, EventKind, FORMAT, Header, State, write_line};
use Standing::{Accepted, Deferred, Failed, InDoubt, Remaining};

/// Fewer than names: most steps should find somebody to be about.
const PEOPLE: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Header,
    Begun(u32),
    Ended,
    /// About a recipient.
    About(usize, State),
}

/// What could happen next; what cannot, is passed over.
#[derive(Debug, Clone, Copy)]
enum Step {
    Claim(usize),
    Mark(usize),
    /// The server takes it, and nothing is written yet.
    Arrive(usize),
    Answer(usize, State),
    Release(usize),
    Refuse(usize),
    /// The process ends on its own, and another one begins.
    End,
    Kill,
    /// The power is lost, and so much of what was not synced, in hundredths.
    Power(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE;
    let answer = prop_oneof![
        3 => Just(State::Accepted),
        3 => Just(State::Deferred),
        1 => Just(State::Failed),
        1 => Just(State::InDoubt),
        1 => Just(State::Invalid),
    ];
    prop_oneof![
        8 => who.clone().prop_map(Step::Claim),
        8 => who.clone().prop_map(Step::Mark),
        4 => who.clone().prop_map(Step::Arrive),
        6 => (who.clone(), answer).prop_map(|(who, state)| Step::Answer(who, state)),
        2 => who.clone().prop_map(Step::Release),
        1 => who.prop_map(Step::Refuse),
        1 => Just(Step::End),
        1 => Just(Step::Kill),
        1 => (0..=100usize).prop_map(Step::Power),
    ]
}

/// A run as it goes: what is written, and what only the server knows.
#[derive(Debug, Default)]
struct Story {
    lines: Vec<Line>,
    boot: u32,
    /// Whom the server took, each with the places of the claim and the mark under which it did.
    accepted: BTreeMap<usize, (usize, usize)>,
}

impl Story {
    fn of(steps: &[Step], resend: bool) -> Self {
        let mut story = Story::default();
        story.lines.push(Line::Header);
        story.begin();
        for step in steps {
            story.take(*step, resend);
        }
        story
    }

    fn take(&mut self, step: Step, resend: bool) {
        match step {
            Step::Claim(who) => match (
                claim_of(&self.lines, who),
                standing_of(&self.lines, who, self.boot),
            ) {
                (None, Remaining | Deferred | Standing::Invalid) => {
                    self.write(who, State::Claimed);
                }
                (None, InDoubt) if resend => {
                    // It may go out twice now: that is what was asked for.
                    self.accepted.remove(&who);
                    self.write(who, State::Claimed);
                }
                _ => {}
            },
            Step::Mark(who) => {
                if let Some((_, None)) = claim_of(&self.lines, who) {
                    self.write(who, State::Sending);
                }
            }
            Step::Arrive(who) => {
                if let Some((claim, Some(mark))) = claim_of(&self.lines, who) {
                    self.accepted.insert(who, (claim, mark));
                }
            }
            Step::Answer(who, state) => match claim_of(&self.lines, who) {
                Some((claim, Some(mark))) => match state {
                    State::Accepted => {
                        self.accepted.insert(who, (claim, mark));
                        self.write(who, state);
                    }
                    // No server refuses what it took.
                    State::InDoubt => self.write(who, state),
                    // Its content has left: the server took such a message.
                    State::Invalid => {}
                    _ if !self.accepted.contains_key(&who) => self.write(who, state),
                    _ => {}
                },
                Some((_, None))
                    if matches!(state, State::Deferred | State::Failed | State::Invalid) =>
                {
                    self.write(who, state);
                }
                _ => {}
            },
            Step::Release(who) => {
                // Cut short before its end, or not begun.
                if claim_of(&self.lines, who).is_some() && !self.accepted.contains_key(&who) {
                    self.write(who, State::Released);
                }
            }
            Step::Refuse(who) => {
                if claim_of(&self.lines, who).is_none()
                    && standing_of(&self.lines, who, self.boot) == Remaining
                {
                    self.write(who, State::Invalid);
                }
            }
            Step::End => {
                for who in 0..PEOPLE {
                    match claim_of(&self.lines, who) {
                        Some((_, Some(_))) => self.write(who, State::InDoubt),
                        Some((_, None)) => self.write(who, State::Released),
                        None => {}
                    }
                }
                self.lines.push(Line::Ended);
                self.begin();
            }
            Step::Kill => self.begin(),
            Step::Power(kept) => {
                // Synced is at least what began the process, and every claim whose message could leave.
                let begun = |line: &Line| matches!(line, Line::Begun(_));
                let begun = self.lines.iter().rposition(begun).unwrap();
                let synced = begun.max(self.last_claim_that_left()) + 1;
                let open = self.lines.len() - synced;
                self.lines.truncate(synced + open * kept / 100);
                let left = self.lines.len();
                self.boot += 1;
                self.begin();
                // Without its mark it is known for good once the next process has begun.
                for (_, mark) in self.accepted.values_mut() {
                    if *mark >= left {
                        *mark = self.lines.len() - 1;
                    }
                }
            }
        }
    }

    fn last_claim_that_left(&self) -> usize {
        let marks = (0..self.lines.len()).filter_map(|at| match self.lines[at] {
            Line::About(who, State::Sending) => claim_of(&self.lines[..at], who),
            _ => None,
        });
        marks.map(|(claim, _)| claim).max().unwrap_or(0)
    }

    /// A process begins: it writes down how it reads what the one before it left.
    fn begin(&mut self) {
        for who in 0..PEOPLE {
            if claim_of(&self.lines, who).is_some() {
                let state = match open_in_doubt(&self.lines, who, self.boot) {
                    true => State::InDoubt,
                    false => State::Released,
                };
                self.write(who, state);
            }
        }
        self.lines.push(Line::Begun(self.boot));
    }

    fn write(&mut self, who: usize, state: State) {
        self.lines.push(Line::About(who, state));
    }

    /// The file, and where each line ends.
    fn file(&self) -> (Vec<u8>, Vec<usize>) {
        let (mut file, mut ends) = (Vec::new(), Vec::new());
        let event = |event, boot: Option<u32>| Event {
            event,
            time: "2026-11-20T08:00:00.000Z".to_owned(),
            boot: boot.map(|boot| format!("boot-{boot}")),
            content: BTreeMap::new(),
            stopped: None,
        };
        for line in &self.lines {
            match *line {
                Line::Header => write_line(
                    &mut file,
                    &Header {
                        mailrun_ledger: FORMAT,
                        run: "2026-11".to_owned(),
                        campaign: "c".to_owned(),
                        time: "2026-11-20T08:00:00.000Z".to_owned(),
                        content: BTreeMap::new(),
                    },
                ),
                Line::Begun(boot) => write_line(&mut file, &event(EventKind::Begun, Some(boot))),
                Line::Ended => write_line(&mut file, &event(EventKind::Ended, None)),
                Line::About(who, state) => {
                    let key = format!("{}@list.example", NAMES[who]);
                    let time = "2026-11-20T08:00:00.000Z";
                    write_line(&mut file, &Entry::new(time, &key, 1 + who as u64, state, 1));
                }
            }
            ends.push(file.len());
        }
        (file, ends)
    }
}

/// The open claim of a recipient and its mark, by their places.
fn claim_of(lines: &[Line], who: usize) -> Option<(usize, Option<usize>)> {
    let about = |at: &usize| matches!(lines[*at], Line::About(it, _) if it == who);
    let mut back = (0..lines.len()).rev().filter(about);
    let last = back.next()?;
    match lines[last] {
        Line::About(_, State::Claimed) => Some((last, None)),
        Line::About(_, State::Sending) => Some((back.next()?, Some(last))),
        _ => None,
    }
}

fn boot_at(lines: &[Line], at: usize) -> Option<u32> {
    lines[..at].iter().rev().find_map(|line| match line {
        Line::Begun(boot) => Some(*boot),
        _ => None,
    })
}

fn open_in_doubt(lines: &[Line], who: usize, boot: u32) -> bool {
    claim_of(lines, who)
        .is_some_and(|(claim, mark)| mark.is_some() || boot_at(lines, claim) != Some(boot))
}

/// The table at the head of the ledger, read from the last line about a recipient.
fn standing_of(lines: &[Line], who: usize, boot: u32) -> Standing {
    if open_in_doubt(lines, who, boot) {
        return InDoubt;
    }
    if let Some((claim, _)) = claim_of(lines, who) {
        return standing_of(&lines[..claim], who, boot);
    }
    let about = |line: &&Line| matches!(line, Line::About(it, _) if *it == who);
    match lines.iter().rfind(about) {
        Some(Line::About(_, State::Released)) => {
            let at = lines.iter().rposition(|line| about(&line)).unwrap();
            let (claim, _) = claim_of(&lines[..at], who).unwrap();
            standing_of(&lines[..claim], who, boot)
        }
        Some(Line::About(_, State::Accepted)) => Accepted,
        Some(Line::About(_, State::Deferred)) => Deferred,
        Some(Line::About(_, State::Failed)) => Failed,
        Some(Line::About(_, State::InDoubt)) => InDoubt,
        Some(Line::About(_, State::Invalid)) => {
            let at = lines.iter().rposition(|line| about(&line)).unwrap();
            let before = claim_of(&lines[..at], who).map(|(claim, _)| claim);
            // What was in doubt and can't be sent again is so still.
            match before.map(|claim| standing_of(&lines[..claim], who, boot)) {
                Some(InDoubt) => InDoubt,
                _ => Standing::Invalid,
            }
        }
        _ => Remaining,
    }
}

/// Reads the first `lines` lines, and a part of the next one, at a boot that is that of the last process, or not.
fn check(story: &Story, file: &[u8], lines: usize, same_boot: bool) -> Result<(), TestCaseError> {
    let written = &story.lines[..lines];
    let last = boot_at(written, lines).unwrap_or(0);
    let boot = if same_boot { last } else { last + 1 };
    let standings = list();
    let replay = read(file, Some(&format!("boot-{boot}")), &standings);
    let replay = replay.map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(replay.is_some(), lines > 0);
    let open = replay.map_or_else(Vec::new, |replay| replay.open);
    for (who, name) in NAMES[..PEOPLE].iter().enumerate() {
        let standing = standing(&standings, name);
        prop_assert_eq!(
            standing,
            standing_of(written, who, boot),
            "{} after {} lines",
            name,
            lines
        );
        let claims: Vec<_> = open.iter().filter(|it| it.row == 1 + who as u64).collect();
        prop_assert_eq!(claims.len(), usize::from(claim_of(written, who).is_some()));
        if let Some((claim, mark)) = story.accepted.get(&who) {
            // After a power loss it may have left as soon as the claim was there, after a kill only with the mark.
            let left = if same_boot { *mark } else { *claim } < lines;
            let sent_again = crate::run::plan::is_open(standing, false);
            prop_assert!(!(left && sent_again), "{} would get it twice", name);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_prefix_stands_for_what_happened(
        steps in vec(step(), 0..60),
        resend: bool,
        torn in 0..1000usize,
    ) {
        let story = Story::of(&steps, resend);
        let (file, ends) = story.file();
        for lines in 0..=ends.len() {
            let start = lines.checked_sub(1).map_or(0, |last| ends[last]);
            let next = ends.get(lines).map_or(start, |end| end - 1);
            for cut in [start, start + (next - start) * torn / 1000] {
                for same_boot in [true, false] {
                    check(&story, &file[..cut], lines, same_boot)?;
                }
            }
        }
    }
}
