//! Answers that are kept, so that nothing is asked twice: as many as take little memory, whatever a name server says.

use std::collections::HashMap;

use domain::base::Rtype;

use super::reply::Record;
use super::resolver::{Answer, Trouble};

/// Answers that are kept: those about a sender are few, those about a list asked for once.
const MOST: usize = 1000;
/// Bytes that all of them may take.
const BYTES: usize = 4 << 20;
/// What each takes beside its texts, about.
const EACH: usize = 256;

/// What came of a question.
pub(super) type Outcome = Result<Answer<Record>, Trouble>;

/// What was asked for by name and kind, and what came of it.
#[derive(Debug, Default)]
pub(super) struct Known {
    answers: HashMap<(String, Rtype), Outcome>,
    bytes: usize,
}

impl Known {
    /// What came of that question.
    pub fn get(&self, key: &(String, Rtype)) -> Option<&Outcome> {
        self.answers.get(key)
    }

    /// Keeps what came of it, where there is room; else it is asked for again.
    pub fn keep(&mut self, key: (String, Rtype), outcome: &Outcome) {
        // A trouble may have the name in it once more.
        let bytes = EACH + 2 * key.0.len() + size(outcome);
        let is_new = !self.answers.contains_key(&key);
        if is_new && self.answers.len() < MOST && self.bytes + bytes <= BYTES {
            self.answers.insert(key, outcome.clone());
            self.bytes += bytes;
        }
    }
}

fn size(outcome: &Outcome) -> usize {
    let Ok(Answer::These(records)) = outcome else {
        return 0;
    };
    let size = |record: &Record| match record {
        Record::Text(text) | Record::MailServer(_, text) => size_of::<Record>() + text.len(),
        Record::Other => size_of::<Record>(),
    };
    records.iter().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_is_said_little_is_kept() {
        let mut known = Known::default();
        let key = |at: usize| (format!("{at}.example"), Rtype::MX);
        let server = |_| Record::MailServer(1, "x".repeat(1000));
        let large = Ok(Answer::These((0..50).map(server).collect()));
        for at in 0..MOST {
            known.keep(key(at), &large);
            known.keep(key(at), &large);
        }
        let count = (0..MOST).filter(|at| known.get(&key(*at)).is_some());
        let count = count.count();
        assert!((70..=BYTES / 50_000).contains(&count), "{count}");
        assert_eq!(known.get(&key(0)), Some(&large));
        // A small one still fits, until there are too many.
        let mut known = Known::default();
        for at in 0..=MOST {
            known.keep(key(at), &Ok(Answer::NoName));
        }
        assert_eq!(known.get(&key(MOST - 1)), Some(&Ok(Answer::NoName)));
        assert_eq!(known.get(&key(MOST)), None);
    }
}
