//! What a server cannot take, by what it offers: such a message is never begun. Nor is what it offers and then refuses the
//! account's trouble.

use std::borrow::Borrow;

use super::{Finished, Session, Trouble, Verdict, content};
use crate::deliver::reply::{Lasting, Topic};
use crate::deliver::transport::Transport;
use crate::message::{Message, Whose};
use crate::outcome::{Cause, Enhanced, Failure, Outcome, Reply, Scope, Stage};

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
    /// other makes its row invalid, as it would be whoever composed it: while another server may take it, it does not come here.
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
        Some(Verdict::Settled(Outcome::Failed(failure)))
    }

    /// Refused for good by this server; by others perhaps not.
    fn refused(&self, failure: Failure) -> Outcome {
        match self.one_of_several {
            true => Outcome::Deferred(failure),
            false => Outcome::Failed(failure),
        }
    }

    /// A server that offers SMTPUTF8 may refuse it all the same, at MAIL (RFC 6531 section 3.5). By the reply it is the
    /// account that is refused; but other messages ask for nothing of the kind, so that it is this one's trouble, unless the
    /// reply names what is the account's.
    pub(super) fn weighed(&self, mut finished: Finished<J>) -> Finished<J> {
        let scope = match finished.job.borrow().beyond_ascii {
            Some(Whose::Recipient) => Scope::Recipient,
            Some(Whose::Other) => Scope::Message,
            Some(Whose::Sender) | None => return finished,
        };
        let Verdict::Returned(Trouble { failure, lasting }) = &finished.verdict else {
            return finished;
        };
        let (Stage::Mail, Scope::Account, Cause::Reply(reply)) =
            (failure.stage, failure.scope, &failure.cause)
        else {
            return finished;
        };
        if !may_be_of_smtputf8(reply) {
            return finished;
        }
        let failure = || Failure {
            scope,
            ..failure.clone()
        };
        let outcome = match lasting {
            Lasting::ForGood => self.refused(failure()),
            Lasting::ForNow => Outcome::Deferred(failure()),
            Lasting::Limited(_) => return finished,
        };
        finished.verdict = Verdict::Settled(outcome);
        finished
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

/// Whether a refusal of MAIL with SMTPUTF8 may be about that: it says so, or names nothing that is the account's.
fn may_be_of_smtputf8(reply: &Reply) -> bool {
    // RFC 6531 section 4.6; RFC 5321 section 4.1.1.11: a parameter that is not known.
    let says_so = matches!(reply.enhanced, Some(Enhanced(_, 6, 7..=10))) || reply.code == 555;
    says_so || !Topic::of(reply).is_some_and(Topic::is_the_accounts)
}
