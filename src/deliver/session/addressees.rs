//! Whom one message goes to, and who of them the server does not take.
//!
//! The first one is the list's: refused, nobody gets the message. The others are of Cc and Bcc: one that is refused is
//! left out, and the rest get it.

use lettre::Address;

use crate::deliver::reply::{Ruling, too_many_recipients};
use crate::message::Message;
use crate::outcome::{Cause, LeftOut, Reply};

/// How far the server was asked about a message's recipients.
#[derive(Debug)]
pub(super) struct Addressees {
    /// How many are named to the server.
    named: usize,
    /// How many of them are answered.
    answered: usize,
    left_out: Vec<LeftOut>,
}

impl Addressees {
    /// Those of the message, as far as the server takes so many with one (RCPTMAX, RFC 9422).
    pub fn of(message: &Message, most: Option<u32>) -> Self {
        let all = 1 + message.also_to.len();
        let most = most.and_then(|most| usize::try_from(most).ok());
        let named = most.map_or(all, |most| most.clamp(1, all));
        let beyond = message.also_to.iter().skip(named - 1);
        let left_out = beyond.map(|address| LeftOut {
            to: address.to_string(),
            cause: Cause::Local(format!(
                "the server takes at most {named} recipients with one message; send to fewer in cc and bcc"
            )),
        });
        Addressees {
            named,
            answered: 0,
            left_out: left_out.collect(),
        }
    }

    /// Whether others than the main one are named.
    pub fn are_several(&self) -> bool {
        self.named > 1
    }

    /// All that are named to the server.
    pub fn named<'m>(&self, message: &'m Message) -> impl Iterator<Item = &'m Address> {
        let all = std::iter::once(&message.envelope_to).chain(&message.also_to);
        all.take(self.named)
    }

    /// Whose turn it is, command by command; nobody's once all are answered.
    pub fn next<'m>(&self, message: &'m Message) -> Option<&'m Address> {
        self.named(message).nth(self.answered)
    }

    /// Whether some are not answered.
    pub fn are_due(&self) -> bool {
        self.answered < self.named
    }

    /// One more is answered: its place among the others, unless it is the main one.
    pub fn answered(&mut self) -> Option<usize> {
        self.answered += 1;
        self.answered.checked_sub(2)
    }

    /// Whether a refusal at another's RCPT is about that one alone. What is the server's or the account's trouble is so
    /// whoever is named, and the message waits for better times.
    pub fn leaves_out(ruling: Ruling, reply: &Reply) -> bool {
        match ruling {
            Ruling::Defer(_) | Ruling::Fail(_) => true,
            Ruling::Trouble(..) => too_many_recipients(reply),
            Ruling::Proceed | Ruling::Unclear => false,
        }
    }

    /// One of the others is refused.
    pub fn leave_out(&mut self, message: &Message, another: usize, reply: Reply) {
        if let Some(address) = message.also_to.get(another) {
            self.left_out.push(LeftOut {
                to: address.to_string(),
                cause: Cause::Reply(reply),
            });
        }
    }

    /// Who does not get the message.
    pub fn left_out(self) -> Vec<LeftOut> {
        self.left_out
    }
}
