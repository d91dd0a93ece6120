//! From a recipient's rendered texts to the message: which fields, in which order, and what is refused.

use std::sync::Arc;

use lettre::Address;
use lettre::message::Mailbox;

use super::copies::{self, Copy};
use super::dkim::{self, Signer};
use super::list::ListFields;
use super::mime::{Body, TransferEncoding};
use super::structure::{Content, Tree};
use super::{BuilderError, Enclosed, Identity, Message, Refusal, Text, Whose, address, header};
use crate::campaign::Campaign;
use crate::recipients::{Recipient, Suppression};
use crate::render::Rendered;

/// Fields that mailrun writes itself, in lower case; so is every one that begins with `content-`.
const RESERVED: [&str; 9] = [
    "bcc",
    "cc",
    "date",
    "dkim-signature",
    "from",
    "message-id",
    "mime-version",
    "subject",
    "to",
];
/// Fields whose value is an address: an encoded word may stand in its display name only (RFC 2047 section 5).
const ADDRESS_FIELDS: [&str; 5] = [
    "disposition-notification-to",
    "errors-to",
    "reply-to",
    "return-receipt-to",
    "sender",
];
/// Longer names leave no room for a word on their line.
const LONGEST_NAME: usize = 76;
/// About what header fields, boundaries and part headers take.
const FRAME: usize = 1024;

/// Builds the messages of one campaign. What all of them share is made once.
#[derive(Debug, Clone)]
pub struct Builder {
    /// The fields From and Reply-To.
    senders: String,
    /// The From address.
    envelope_from: Address,
    /// Whether one of them is not ASCII before the @, or an `envelope_from` whatever the row.
    sender_is_beyond_ascii: bool,
    /// The campaign's own fields.
    own: Vec<OwnField>,
    /// The column with the address.
    address_column: String,
    /// The column with the display name.
    display_column: Option<String>,
    /// Those of a mailing list.
    list: ListFields,
    /// Who signs.
    signers: Arc<[Signer]>,
    /// Who is in no Cc and no Bcc.
    suppression: Arc<Suppression>,
    /// The list's columns, in the order of a recipient's cells, as far as they are known.
    columns: Vec<String>,
}

/// One of the campaign's own header fields.
#[derive(Debug, Clone)]
struct OwnField {
    name: String,
    is_address: bool,
}

impl Builder {
    /// A builder of `campaign`'s messages.
    ///
    /// # Errors
    /// When the campaign's addresses, display names or own headers cannot stand in a header.
    pub fn new(campaign: &Campaign) -> Result<Self, BuilderError> {
        let settings = &campaign.message;
        let mut senders = String::new();
        let envelope_from = sender(&mut senders, "from", "From", &settings.from)?;
        if let Some(reply_to) = &settings.reply_to {
            sender(&mut senders, "reply_to", "Reply-To", reply_to)?;
        }
        let bounces = settings.envelope_from.as_deref();
        let bounces = bounces.and_then(|template| template.rsplit_once('@'));
        Ok(Self {
            sender_is_beyond_ascii: !senders.is_ascii()
                || bounces.is_some_and(|(local, _)| !local.is_ascii()),
            senders,
            envelope_from,
            own: own_fields(&settings.headers, settings.reply_to.is_some())?,
            address_column: campaign.recipients.address.clone(),
            display_column: campaign.recipients.display.clone(),
            list: ListFields::new(&campaign.list)?,
            signers: Arc::new([]),
            suppression: Arc::default(),
            columns: Vec::new(),
        })
    }

    /// Lets refusals name the column at fault: `columns` are the list's, in the order of a recipient's cells.
    #[must_use]
    pub fn with_columns(mut self, columns: &[String]) -> Self {
        self.columns = columns.to_vec();
        self
    }

    /// Leaves out of Cc and Bcc whom a suppress list has.
    #[must_use]
    pub fn leaving_out(mut self, suppression: Suppression) -> Self {
        self.suppression = Arc::new(suppression);
        self
    }

    /// Has each of these sign every message.
    #[must_use]
    pub fn with_signers(mut self, signers: Vec<Signer>) -> Self {
        self.signers = signers.into();
        self
    }

    /// The message to `recipient`.
    ///
    /// `date` is the Date field's value, `Fri, 20 Nov 2026 12:00:00 +0000` (RFC 5322 section 3.3): no clock is read
    /// here. The same arguments give the same bytes.
    ///
    /// # Errors
    /// When a rendered text cannot stand where it should go: the row is `invalid`, whatever the server.
    pub fn build(
        &self,
        recipient: &Recipient,
        identity: &Identity,
        rendered: &Rendered,
        enclosed: Enclosed,
        date: &str,
    ) -> Result<Message, Refusal> {
        let envelope_to = self.envelope_to(recipient)?;
        let envelope_from = self.envelope_from(rendered)?;
        let display = self.display(recipient, rendered, &envelope_to)?;
        let mut cc = self.copies(recipient, "Cc", &rendered.cc)?;
        let mut bcc = self.copies(recipient, "Bcc", &rendered.bcc)?;
        let suppressed = |copy: &mut Copy| self.suppression.has(&copy.address);
        let left_out = cc
            .extract_if(.., suppressed)
            .chain(bcc.extract_if(.., suppressed));
        let left_out = left_out.map(|copy| copy.address).collect();
        let cc = copies::each_once(cc, &envelope_to);
        let also_to = copies::envelope(&cc, bcc, &envelope_to);
        self.check_header(recipient, "Subject", &rendered.subject)?;
        let text = encoding("text", rendered.text.as_ref())?;
        let html = encoding("html", rendered.html.as_ref())?;

        let size = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.len());
        let body_size = size(&rendered.text) + size(&rendered.html);
        let mut content = Content::with_capacity(FRAME + body_size + body_size / 4);

        let out = &mut content.own;
        field(out, "Date", &[date]);
        out.push_str(&self.senders);
        address::mailbox(out, "To", display, &envelope_to);
        address::mailboxes(out, "Cc", &cc);
        header::unstructured(out, "Subject", &rendered.subject);
        field(out, "Message-ID", &["<", &identity.message_id, ">"]);
        for (own, value) in self.own.iter().zip(&rendered.headers) {
            self.own_field(out, recipient, own, value)?;
        }
        self.list.write(out, &rendered.unsubscribe)?;
        field(out, "MIME-Version", &["1.0"]);
        // Nothing but an address is ever written as it is.
        let beyond_ascii = if self.sender_is_beyond_ascii {
            Some(Whose::Sender)
        } else if !is_ascii(&envelope_to) {
            Some(Whose::Recipient)
        } else {
            let all_ascii =
                out.is_ascii() && is_ascii(&envelope_from) && also_to.iter().all(is_ascii);
            (!all_ascii).then_some(Whose::Other)
        };
        let tree = Tree {
            send_id: &identity.send_id,
            text: text.map(|(text, encoding)| Body::plain(text, encoding)),
            html: html.map(|(html, encoding)| Body::html(html, encoding)),
            inline: enclosed.inline,
            attached: enclosed.attached,
        };
        tree.write(&mut content);
        let mut content = content.finish();
        if !self.signers.is_empty() {
            dkim::sign(&mut content, &self.signers).ok_or_else(|| Refusal {
                column: None,
                reason: "DKIM: the system could not sign the message; send it again".to_owned(),
            })?;
        }

        Ok(Message {
            key: recipient.key.clone(),
            row: recipient.position.row,
            envelope_from,
            envelope_to,
            also_to,
            left_out,
            beyond_ascii,
            message_id: identity.message_id.clone(),
            content,
        })
    }

    fn envelope_to(&self, recipient: &Recipient) -> Result<Address, Refusal> {
        address::to_wire(recipient.address.clone()).map_err(|why| Refusal {
            column: Some(self.address_column.clone()),
            reason: format!("To: {:?}: {why}", AsRef::<str>::as_ref(&recipient.address)),
        })
    }

    fn envelope_from(&self, rendered: &Rendered) -> Result<Address, Refusal> {
        let Some(text) = &rendered.envelope_from else {
            return Ok(self.envelope_from.clone());
        };
        address::parse(text).map_err(|why| Refusal {
            column: None,
            reason: format!(
                "envelope_from is {text:?}, which is not one address ({why}); correct its template or the cells in it"
            ),
        })
    }

    /// The display name in the To field.
    fn display<'a>(
        &self,
        recipient: &'a Recipient,
        rendered: &'a Rendered,
        envelope_to: &Address,
    ) -> Result<Option<&'a str>, Refusal> {
        let Some(to) = &rendered.to else {
            let display = recipient.display.as_deref();
            if let Some(c) = display.and_then(header::forbidden) {
                let column = self.display_column.as_ref().unwrap_or(&self.address_column);
                return Err(forbidden("To", c, Some(column.clone())));
            }
            return Ok(display);
        };
        self.check_header(recipient, "To", to)?;
        let (display, address) = address::split(to);
        if !address::is_same(address, envelope_to) {
            return Err(Refusal {
                column: None,
                reason: format!(
                    "To is {to:?}, but the message goes to {envelope_to}; let it be that address, or end in it within angle brackets"
                ),
            });
        }
        Ok(Some(display))
    }

    /// Those of `cc` or `bcc`, each with its display name; a template that gives nothing names nobody.
    fn copies(
        &self,
        recipient: &Recipient,
        field: &str,
        values: &[Text],
    ) -> Result<Vec<Copy>, Refusal> {
        let filled = values.iter().filter(|value| !value.is_empty());
        let copies = filled.map(|value| {
            self.check_header(recipient, field, value)?;
            copies::parse(value).map_err(|why| Refusal {
                reason: format!("{field} is {value:?}: {why}"),
                column: self.column_with(recipient, value, '@'),
            })
        });
        copies.collect()
    }

    fn own_field(
        &self,
        out: &mut String,
        recipient: &Recipient,
        own: &OwnField,
        value: &str,
    ) -> Result<(), Refusal> {
        if value.is_empty() {
            return Ok(());
        }
        self.check_header(recipient, &own.name, value)?;
        if !own.is_address {
            header::unstructured(out, &own.name, value);
            return Ok(());
        }
        let (display, address) = address::split(value);
        let address = address::parse(address).map_err(|why| Refusal {
            column: None,
            reason: format!(
                "{} is {value:?}, which is not one address, with or without a name before it ({why}); correct its template \
                 or the cells in it",
                own.name
            ),
        })?;
        address::mailbox(out, &own.name, Some(display), &address);
        Ok(())
    }

    fn check_header(&self, recipient: &Recipient, field: &str, value: &str) -> Result<(), Refusal> {
        match header::forbidden(value) {
            None => Ok(()),
            Some(c) => Err(forbidden(field, c, self.column_with(recipient, value, c))),
        }
    }

    /// The column whose cell brought `c` into `value`, when only one can have.
    fn column_with(&self, recipient: &Recipient, value: &str, c: char) -> Option<String> {
        let mut suspects = self
            .columns
            .iter()
            .zip(&recipient.fields)
            .filter(|(_, cell)| cell.contains(c) && value.contains(cell.trim()))
            .map(|(column, _)| column);
        match (suspects.next(), suspects.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }
}

/// Writes the field From or Reply-To; gives its address as on the wire.
fn sender(
    out: &mut String,
    setting: &'static str,
    name: &str,
    mailbox: &Mailbox,
) -> Result<Address, BuilderError> {
    let email = address::to_wire(mailbox.email.clone()).map_err(|why| BuilderError::Address {
        setting,
        address: mailbox.email.clone(),
        why,
    })?;
    let display = mailbox.name.as_deref();
    if let Some(character) = display.and_then(header::forbidden) {
        return Err(BuilderError::Display { setting, character });
    }
    address::mailbox(out, name, display, &email);
    Ok(email)
}

/// The campaign's own fields, none of them one that is written anyway.
fn own_fields(
    headers: &[(String, String)],
    has_reply_to: bool,
) -> Result<Vec<OwnField>, BuilderError> {
    let mut fields: Vec<OwnField> = Vec::with_capacity(headers.len());
    for (name, _) in headers {
        let name = name.clone();
        let lower = name.to_ascii_lowercase();
        // RFC 5322 section 3.6.8: printable ASCII without the colon.
        let is_name = (1..=LONGEST_NAME).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !is_name {
            return Err(BuilderError::HeaderName { name });
        }
        if RESERVED.contains(&lower.as_str()) || lower.starts_with("content-") {
            return Err(BuilderError::ReservedHeader { name });
        }
        let is_repeated = (has_reply_to && lower == "reply-to")
            || fields
                .iter()
                .any(|other| other.name.eq_ignore_ascii_case(&name));
        if is_repeated {
            return Err(BuilderError::RepeatedHeader { name });
        }
        fields.push(OwnField {
            is_address: ADDRESS_FIELDS.contains(&lower.as_str()),
            name,
        });
    }
    Ok(fields)
}

fn is_ascii(address: &Address) -> bool {
    AsRef::<str>::as_ref(address).is_ascii()
}

/// Writes a field whose value is short and mailrun's own.
fn field(out: &mut String, name: &str, value: &[&str]) {
    out.push_str(name);
    out.push_str(": ");
    for piece in value {
        out.push_str(piece);
    }
    out.push_str("\r\n");
}

/// A part's text, if there is one, with its transfer encoding.
fn encoding<'a>(
    field: &str,
    text: Option<&'a Text>,
) -> Result<Option<(&'a Text, TransferEncoding)>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    match TransferEncoding::of(text) {
        Some(encoding) => Ok(Some((text, encoding))),
        None => Err(Refusal {
            column: None,
            reason: format!(
                "the {field} part holds a NUL (U+0000), which no message may; take it out of the row's cells"
            ),
        }),
    }
}

fn forbidden(field: &str, c: char, column: Option<String>) -> Refusal {
    let place = match &column {
        Some(column) => format!("the cell in column {column:?}"),
        None => "the row's cells".to_owned(),
    };
    Refusal {
        reason: format!(
            "{field} holds U+{:04X} ({}), which no header may; take it out of {place}",
            u32::from(c),
            character_name(c)
        ),
        column,
    }
}

fn character_name(c: char) -> &'static str {
    match c {
        '\n' => "a line break",
        '\r' => "a carriage return",
        '\t' => "a tab",
        '\0' => "a NUL",
        '\u{85}' | '\u{2028}' => "a line separator",
        '\u{2029}' => "a paragraph separator",
        _ => "a control character",
    }
}
