//! What a server cannot take, by what it offers: such a message is never begun.

use std::borrow::Borrow;

use super::{Session, Trouble, Verdict, content};
use crate::deliver::transport::Transport;
use crate::message::{Message, Whose};
use crate::outcome::{Cause, Failure, Outcome, Scope, Stage};

/// What the addresses of a message need, and is not there.
const NO_SMTPUTF8: &str = "not ASCII before the @, and the server offers no SMTPUTF8 (RFC 6531)";

impl<J: Borrow<Message>, T: Transport> Session<J, T> {
    /// What becomes of a message that this server cannot take; `None`: it can.
    pub(super) fn unfit(&self, message: &Message) -> Option<Verdict> {
        let too_large = self.too_large(message).map(Outcome::Failed);
        let beyond = || self.beyond_ascii(message);
        too_large.map(Verdict::Settled).or_else(beyond)
    }

    /// An address that only a server with SMTPUTF8 takes. The sender's is in all messages: the server is of no use. Any
    /// other makes its row invalid, as it would be whoever composed it; where there are other servers they are asked
    /// first, as often as there are attempts.
    fn beyond_ascii(&self, message: &Message) -> Option<Verdict> {
        let whose = message.beyond_ascii.filter(|_| !self.offers.smtputf8)?;
        let (scope, text) = match whose {
            Whose::Sender => {
                let text = format!(
                    "from, reply_to or envelope_from in [message] is {NO_SMTPUTF8}; write from another address, or through a \
                     server that offers it"
                );
                return Some(Verdict::Returned(Trouble::for_good(Stage::Mail, text)));
            }
            Whose::Recipient => (
                Scope::Recipient,
                format!(
                    "{} is {NO_SMTPUTF8}; use another address of this recipient, or a server that offers it",
                    message.envelope_to
                ),
            ),
            Whose::Other => (
                Scope::Message,
                format!(
                    "an address in cc, bcc, headers or envelope_from is {NO_SMTPUTF8}; use another one, or a server that \
                     offers it"
                ),
            ),
        };
        let failure = Failure {
            stage: Stage::Compose,
            scope,
            cause: Cause::Local(text),
        };
        Some(Verdict::Settled(match self.one_of_several {
            true => Outcome::Deferred(failure),
            false => Outcome::Failed(failure),
        }))
    }

    fn too_large(&self, message: &Message) -> Option<Failure> {
        let size = content::length(&message.content);
        let most = self.offers.size.filter(|&most| most > 0 && size > most)?;
        let text = format!(
            "the message has {size} bytes, and the server takes {most} at most; make it smaller, or link to what is attached"
        );
        Some(Failure {
            stage: Stage::Mail,
            scope: Scope::Message,
            cause: Cause::Local(text),
        })
    }
}
