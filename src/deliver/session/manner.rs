//! How much is said at once.

use crate::deliver::offers::Offers;

/// Ways to drive transactions, the simplest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// Each command waits for the reply before it.
    Sequential,
    /// MAIL, RCPT and DATA are one group, with the end of the message before (RFC 2920).
    Pipelined,
    /// MAIL, RCPT, BDAT and the content are one group, and groups follow each other (RFC 3030).
    Chunked,
}

impl Manner {
    /// The best that the server offers, at most `most`. CHUNKING without PIPELINING would need a wait for each
    /// command, and is not used.
    pub(super) fn of(offers: &Offers, most: Manner) -> Manner {
        let best = match (offers.pipelining, offers.chunking) {
            (true, true) => Manner::Chunked,
            (true, false) => Manner::Pipelined,
            (false, _) => Manner::Sequential,
        };
        best.min(most)
    }

    /// The next simpler one; the simplest has none.
    pub fn simpler(self) -> Option<Manner> {
        match self {
            Manner::Sequential => None,
            Manner::Pipelined => Some(Manner::Sequential),
            Manner::Chunked => Some(Manner::Pipelined),
        }
    }
}

/// How a server failed to do what it offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// It answered a command of a group as if it came out of place.
    Confused,
    /// The connection was lost, or hung, before a message was judged.
    Lost,
}

impl Misbehaviour {
    /// For people, with how it is driven from now on.
    pub fn describe(self, manner: Manner) -> String {
        let what = match self {
            Misbehaviour::Confused => {
                "the server offers to take commands in groups, and does not know what to make of them"
            }
            Misbehaviour::Lost => {
                "the connection was lost at the first group of commands, which the server offers to take"
            }
        };
        let now = match manner {
            Manner::Sequential => "command by command",
            Manner::Pipelined => "by PIPELINING, without CHUNKING",
            Manner::Chunked => "by CHUNKING",
        };
        format!("{what}; driven {now} from now on")
    }
}
