//! What a message in doubt can be looked up by in a server's log: its Message-ID, the server, and when it left.
//!
//! A replay keeps only the places of the lines that say so; they are read when somebody asks.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use super::LedgerError;
use super::entry::Entry;
use super::standing::KeyHash;

/// Where the lines of a message in doubt stand, as byte offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// The claim.
    pub claimed: u64,
    /// The mark that its content was about to leave; a power loss may have taken it.
    pub marked: Option<u64>,
}

impl Doubt {
    pub(super) fn claimed(offset: u64) -> Self {
        Doubt {
            claimed: offset,
            marked: None,
        }
    }
}

/// What the ledger knows of a message in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// `host:port`.
    pub server: Option<String>,
    /// When its content was about to leave; where that is not known, when it was claimed.
    pub time: String,
}

/// Reads the traces of messages in doubt from the ledger that was replayed.
///
/// # Errors
/// What reading gives, and a line that is another one now.
pub fn traces(
    path: &Path,
    doubts: &HashMap<KeyHash, Doubt>,
) -> Result<HashMap<KeyHash, Trace>, LedgerError> {
    if doubts.is_empty() {
        return Ok(HashMap::new());
    }
    let io = |source| LedgerError::io(path, "read the ledger", source);
    let mut lines = BufReader::new(File::open(path).map_err(io)?);
    let mut traces = HashMap::with_capacity(doubts.len());
    let (mut claim, mut mark) = (Vec::new(), Vec::new());
    for (hash, doubt) in doubts {
        let claim = entry_at(&mut lines, doubt.claimed, &mut claim).map_err(io)?;
        let mark = match doubt.marked {
            Some(offset) => Some(entry_at(&mut lines, offset, &mut mark).map_err(io)?),
            None => None,
        };
        let trace = Trace {
            message_id: claim.message_id.map(Into::into),
            server: claim.server.map(Into::into),
            time: mark.map_or(claim.time, |mark| mark.time).into(),
        };
        traces.insert(*hash, trace);
    }
    Ok(traces)
}

fn entry_at<'a>(
    lines: &mut BufReader<File>,
    offset: u64,
    buffer: &'a mut Vec<u8>,
) -> io::Result<Entry<'a>> {
    buffer.clear();
    lines.seek(SeekFrom::Start(offset))?;
    lines.read_until(b'\n', buffer)?;
    Ok(serde_json::from_slice(buffer)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ledger::replay::{Replay, replay};
    use crate::ledger::standing::{Gather, Standing};

    const HEAD: &str = r#"{"mailrun_ledger":1,"run":"r","campaign":"c","time":"2026-11-20T08:00:00.000Z","content":{}}"#;

    /// The standing of "a" after these states, `released!` being a person's word, with its attempts.
    fn after(states: &str) -> (Standing, u16, Replay) {
        let mut text = format!("{HEAD}\n");
        for state in states.split(' ') {
            let by = if state.ends_with('!') {
                r#","by":"person""#
            } else {
                ""
            };
            let state = state.trim_end_matches('!');
            text.push_str(&format!(
                r#"{{"time":"2026-11-20T08:00:00.001Z","key":"a","row":1,"state":"{state}","attempt":1{by}}}"#
            ));
            text.push('\n');
        }
        let mut gather = Gather::default();
        gather.add("a");
        let standings = gather.finish().0;
        let replay = replay(
            Path::new("r"),
            text.as_bytes(),
            "r",
            None,
            &standings,
            |_, _| {},
        );
        let slot = standings.ids().next().unwrap();
        let replay = replay.unwrap().unwrap();
        (standings.standing(slot), standings.attempts(slot), replay)
    }

    #[test]
    fn a_persons_word_settles_a_doubt_and_nothing_else() {
        for (states, standing, attempts) in [
            ("claimed sending in_doubt released!", Standing::Remaining, 0),
            ("claimed sending in_doubt released", Standing::InDoubt, 1),
            ("claimed sending in_doubt accepted!", Standing::Accepted, 1),
            ("claimed sending accepted released!", Standing::Accepted, 1),
            ("claimed sending failed released!", Standing::Failed, 1),
            ("claimed sending deferred released!", Standing::Deferred, 1),
            (
                "claimed sending in_doubt accepted! released!",
                Standing::Accepted,
                1,
            ),
            (
                "claimed sending in_doubt claimed released",
                Standing::InDoubt,
                1,
            ),
        ] {
            let (found, made, _) = after(states);
            assert_eq!((found, made), (standing, attempts), "{states}");
        }
    }

    #[test]
    fn a_doubt_is_traced_to_its_claim_until_it_is_settled() {
        let traced = |states: &str| after(states).2.doubts.into_values().next();
        for kept in [
            "claimed sending",
            "claimed sending in_doubt",
            "claimed sending in_doubt released!",
            "claimed sending in_doubt claimed sending deferred",
        ] {
            let doubt = traced(kept).unwrap();
            assert_eq!(doubt.claimed, HEAD.len() as u64 + 1, "{kept}");
            assert!(doubt.marked.unwrap() > doubt.claimed, "{kept}");
        }
        for settled in [
            "claimed sending accepted",
            "claimed sending deferred",
            "claimed sending in_doubt accepted!",
            "claimed sending in_doubt claimed sending failed",
        ] {
            assert_eq!(traced(settled), None, "{settled}");
        }
    }
}
