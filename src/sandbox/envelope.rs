//! MAIL and RCPT (RFC 5321 sections 4.1.1.2 and 4.1.1.3).

use super::behaviour::{Behaviour, Wish};
use super::command::{is_mailbox, number, path};
use super::content::Body;
use super::session::{End, Fault, Session};
use crate::outcome::Stage;

/// Recipients of one message.
const MOST_RECIPIENTS: usize = 1000;

/// A transaction: from an accepted MAIL to the end of the content, RSET, or another EHLO.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    /// What the recipients ask for after RCPT, with their places in `to`.
    pub(super) wishes: Vec<(usize, Wish)>,
    pub(super) body: Body,
    utf8: bool,
}

/// Clears the screen, sets the title, colours; is no UTF-8; has controls of both kinds.
const ESCAPES: &[u8] =
    b"550 5.1.1 \x1b[2J\x1b]0;owned\x07\x1b[31m no \xff\xfe\xc3( such\x08\x00\x9b\r\n";
const NOT_UTF8: Fault = Fault(501, "5.5.2", "the command is no UTF-8");
const NEEDS_UTF8: Fault = Fault(553, "5.6.7", "this address needs SMTPUTF8");

impl Session<'_> {
    pub(super) fn mail(&mut self, argument: &[u8]) -> Result<(), End> {
        self.mails = self.mails.saturating_add(1);
        let options = &self.state.options;
        if options
            .messages_per_connection
            .is_some_and(|most| self.accepted >= most)
            || self.offers.mailmax.is_some_and(|most| self.mails > most)
        {
            return self.hang_up(Fault(421, "4.7.0", "too many messages on this connection"));
        }
        let accepted = self.state.storage.accepted();
        if let Some(fault) = self.state.used.mail(&options.limits, accepted) {
            self.fault(fault);
            return Ok(());
        }
        let transaction = match self.sender(argument) {
            Ok(transaction) => transaction,
            Err(fault) => {
                self.fault(fault);
                return Ok(());
            }
        };
        if let Some(wish) = Wish::of(&transaction.from)
            && let Behaviour::RefuseMail(refusal) = wish.behaviour
            && self.state.grants(wish, &transaction.from)
        {
            return self.refuse(refusal, Stage::Mail);
        }
        self.transaction = Some(transaction);
        self.content.clear();
        self.reply(250, "2.1.0", "Ok");
        Ok(())
    }

    fn sender(&self, argument: &[u8]) -> Result<Transaction, Fault> {
        if !self.greeted() {
            return Err(Fault(503, "5.5.1", "send EHLO or HELO first"));
        }
        if self.transaction.is_some() {
            return Err(Fault(503, "5.5.1", "a transaction is open already"));
        }
        let argument = std::str::from_utf8(argument).map_err(|_| NOT_UTF8)?;
        let (address, parameters) = path(argument, "FROM:").ok_or(Fault(
            501,
            "5.5.4",
            "the form is MAIL FROM:<address>",
        ))?;
        let utf8 = self.mail_parameters(parameters)?;
        if !address.is_empty() && !is_mailbox(address) {
            return Err(Fault(501, "5.1.7", "bad sender address"));
        }
        if !address.is_ascii() && !utf8 {
            return Err(NEEDS_UTF8);
        }
        Ok(Transaction {
            from: address.to_owned(),
            utf8,
            ..Transaction::default()
        })
    }

    /// Checks the parameters; `true` when SMTPUTF8 is among them.
    fn mail_parameters(&self, parameters: &str) -> Result<bool, Fault> {
        let (mut size, mut body, mut utf8) = (false, false, false);
        for parameter in parameters.split_ascii_whitespace() {
            let (keyword, value) = match parameter.split_once('=') {
                Some((keyword, value)) => (keyword.to_ascii_uppercase(), Some(value)),
                None => (parameter.to_ascii_uppercase(), None),
            };
            let seen = match (&*keyword, value) {
                ("SIZE", Some(value)) if self.offers.size.is_some() => {
                    let declared =
                        number(value.as_bytes()).ok_or(Fault(501, "5.5.4", "bad SIZE"))?;
                    if self.offers.limit().is_some_and(|limit| declared > limit) {
                        return Err(Fault(552, "5.3.4", "the message is too big"));
                    }
                    &mut size
                }
                ("BODY", Some(value)) if self.offers.eight_bit_mime => {
                    if !["7BIT", "8BITMIME"]
                        .iter()
                        .any(|known| value.eq_ignore_ascii_case(known))
                    {
                        return Err(Fault(501, "5.5.4", "bad BODY"));
                    }
                    &mut body
                }
                ("SMTPUTF8", None) if self.offers.smtputf8 => &mut utf8,
                _ => return Err(Fault(555, "5.5.4", "parameter not recognised")),
            };
            if std::mem::replace(seen, true) {
                return Err(Fault(501, "5.5.4", "a parameter is there twice"));
            }
        }
        Ok(utf8)
    }

    pub(super) fn rcpt(&mut self, argument: &[u8]) -> Result<(), End> {
        let address = match self.recipient(argument) {
            Ok(address) => address,
            Err(fault) => {
                self.fault(fault);
                return Ok(());
            }
        };
        let limits = &self.state.options.limits;
        if let Some(fault) = self.state.used.rcpt(limits, &address) {
            self.fault(fault);
            return Ok(());
        }
        let wish = Wish::of(&address);
        if let Some(wish) = wish.filter(|wish| wish.behaviour.stage() == Stage::Rcpt)
            && self.state.grants(wish, &address)
        {
            match wish.behaviour {
                Behaviour::RefuseRcpt(refusal) => return self.refuse(refusal, Stage::Rcpt),
                Behaviour::EscapeReply => {
                    self.out.extend_from_slice(ESCAPES);
                    return Ok(());
                }
                Behaviour::CloseAtRcpt => return Err(End::Parting),
                Behaviour::SlowRcpt(duration) => {
                    self.flush()?;
                    self.pause(duration)?;
                }
                // Those of other stages.
                _ => {}
            }
        }
        if let Some(transaction) = &mut self.transaction {
            if let Some(wish) = wish.filter(|wish| wish.behaviour.stage() > Stage::Rcpt) {
                transaction.wishes.push((transaction.to.len(), wish));
            }
            transaction.to.push(address);
        }
        self.reply(250, "2.1.5", "Ok");
        Ok(())
    }

    fn recipient(&self, argument: &[u8]) -> Result<String, Fault> {
        let transaction =
            self.transaction
                .as_ref()
                .ok_or(Fault(503, "5.5.1", "send MAIL first"))?;
        if transaction.body != Body::NotBegun {
            return Err(Fault(503, "5.5.1", "the content has begun already"));
        }
        let argument = std::str::from_utf8(argument).map_err(|_| NOT_UTF8)?;
        let (address, parameters) =
            path(argument, "TO:").ok_or(Fault(501, "5.5.4", "the form is RCPT TO:<address>"))?;
        if !parameters.trim_ascii().is_empty() {
            return Err(Fault(555, "5.5.4", "parameter not recognised"));
        }
        if !is_mailbox(address) && !address.eq_ignore_ascii_case("postmaster") {
            return Err(Fault(501, "5.1.3", "bad recipient address"));
        }
        if !address.is_ascii() && !transaction.utf8 {
            return Err(NEEDS_UTF8);
        }
        if transaction.to.len() >= MOST_RECIPIENTS {
            return Err(Fault(452, "4.5.3", "too many recipients"));
        }
        Ok(address.to_owned())
    }
}
