//! A recipient in, a message out: templates, enclosures and builder of one run, as one step. Called from many threads; no
//! clock, and no file but those whose path a row's data takes part in.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, mem};

use lettre::Address;

use crate::campaign::{Attachment, Campaign, DkimKey};
use crate::enclose::{Attachments, Images};
use crate::message::dkim::Signer;
use crate::message::token::TokenKey;
use crate::message::{Builder, Enclosed, Identity, Message, Refusal, Whose};
use crate::recipients::{Recipient, Suppression};
use crate::render::{Sheet, Templates, Uses};
use crate::run::Error;

/// The key in the environment's variable `name`, that unsubscribe tokens are signed with.
///
/// # Errors
/// When there is none, or one that could be guessed.
pub fn token_key(
    name: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<TokenKey, Error> {
    let key = environment(name).ok_or_else(|| {
        Error::Refused(format!(
            "the environment has no {name}; set it to the secret that unsubscribe tokens are signed with, such as one by: \
             openssl rand -hex 32"
        ))
    })?;
    TokenKey::new(key.as_bytes())
        .map_err(|error| Error::Refused(format!("{name} in the environment: {error}")))
}

/// The keys of the campaign's `[[dkim]]`, read.
fn signers(campaign: &Campaign) -> Result<Vec<Signer>, Error> {
    let one = |key: &DkimKey| {
        let pem = fs::read_to_string(&key.key_file).map_err(|source| Error::Io {
            path: key.key_file.clone(),
            action: "read the key",
            source,
        })?;
        let signer = Signer::new(&key.domain, &key.selector, &pem);
        signer.map_err(|error| Error::Refused(format!("{}: {error}", key.key_file.display())))
    };
    campaign.dkim.iter().map(one).collect()
}

/// Makes a run's messages.
pub struct Composer {
    templates: Templates,
    images: Images,
    attachments: Attachments,
    attached: Vec<Attachment>,
    builder: Builder,
    naming: Naming,
    /// Who gets every message, and alone.
    redirected: Option<Address>,
    /// Sheets that nobody composes on now.
    sheets: Mutex<Vec<Sheet>>,
}

/// A sheet while somebody composes on it.
pub struct Lent<'a> {
    sheet: Sheet,
    sheets: &'a Mutex<Vec<Sheet>>,
}

impl Deref for Lent<'_> {
    type Target = Sheet;

    fn deref(&self) -> &Sheet {
        &self.sheet
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Sheet {
        &mut self.sheet
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        sheets.push(mem::take(&mut self.sheet));
    }
}

impl Composer {
    /// Loads and checks the templates against the list's columns; `nested` says of each column, by its place, whether its
    /// cells may be lists or objects.
    ///
    /// # Errors
    /// A template or a setting that cannot make messages, with its place.
    pub fn load(
        campaign: &Campaign,
        columns: &[String],
        nested: impl Fn(usize) -> bool,
    ) -> Result<Self, Error> {
        Composer::load_with(campaign, columns, nested, &|name| env::var(name).ok())
    }

    /// As [`Composer::load`], in another environment: the value of a variable by its name.
    ///
    /// # Errors
    /// As [`Composer::load`].
    pub fn load_with(
        campaign: &Campaign,
        columns: &[String],
        nested: impl Fn(usize) -> bool,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let mut images = Images::new(campaign);
        let token_key = campaign.list.token_key_env.as_deref();
        let token_key = token_key
            .map(|name| self::token_key(name, environment))
            .transpose()?;
        Ok(Composer {
            templates: Templates::load(campaign, columns, nested, &mut images)?
                .with_token_key(token_key),
            images,
            attachments: Attachments::load(campaign)?,
            attached: campaign.message.attachments.clone(),
            builder: Builder::new(campaign)?
                .with_columns(columns)
                .with_signers(signers(campaign)?),
            naming: Naming::of(campaign),
            redirected: None,
            sheets: Mutex::default(),
        })
    }

    /// Leaves these out of Cc and Bcc.
    #[must_use]
    pub fn leaving_out(mut self, suppression: Suppression) -> Self {
        self.builder = self.builder.leaving_out(suppression);
        self
    }

    /// From now on every message is for `address` alone, as a test. Its fields stay as the recipient would see them, but
    /// what acts on somebody is made for the test: unsubscribe tokens are `address`'s, and `send_id` and Message-ID are
    /// nobody else's, since who drops a message whose Message-ID was seen before would drop the real one. `test` says which
    /// test it is: another one has others.
    pub fn redirect(&mut self, address: &Address, test: &str) {
        self.templates.make_tokens_for(address.as_ref());
        // No run has a name with a line break.
        self.naming.run = format!("{}\ntest {test}", self.naming.run);
        self.redirected = Some(address.clone());
    }

    /// What the templates use of a row.
    pub fn uses(&self) -> &Uses {
        self.templates.uses()
    }

    /// What one thread composes on, as long as it does.
    pub fn sheet(&self) -> Lent<'_> {
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        Lent {
            sheet: sheets.pop().unwrap_or_else(|| self.templates.sheet()),
            sheets: &self.sheets,
        }
    }

    /// Renders and builds one message, on a sheet of this composer. `date` is the Date header's value.
    ///
    /// # Errors
    /// Why the row cannot be made into a message.
    pub fn compose(
        &self,
        recipient: &Recipient,
        date: &str,
        sheet: &mut Sheet,
    ) -> Result<Message, Refusal> {
        let identity = self.naming.identity(&recipient.key);
        self.compose_as(recipient, &identity, date, sheet)
    }

    /// As [`Composer::compose`], under the identity that the recipient's message had before.
    ///
    /// # Errors
    /// Why the row cannot be made into a message.
    pub fn compose_as(
        &self,
        recipient: &Recipient,
        identity: &Identity,
        date: &str,
        sheet: &mut Sheet,
    ) -> Result<Message, Refusal> {
        let rendered = self
            .templates
            .render(recipient, identity, sheet)
            .map_err(|error| Refusal {
                column: None,
                reason: error.to_string(),
            })?;
        let mut enclosed = Enclosed::default();
        if let Some(html) = &mut rendered.html {
            enclosed.inline = self.images.gather(html)?;
        }
        enclosed.attached = self.attachments.gather(&rendered.attachments)?;
        let mut message = self
            .builder
            .build(recipient, identity, rendered, enclosed, date)?;
        if let Some(address) = &self.redirected {
            message.envelope_to = address.clone();
            message.also_to.clear();
            // The recipient's own address still stands in To.
            message.beyond_ascii = match message.beyond_ascii {
                Some(Whose::Sender) => Some(Whose::Sender),
                _ if !address.user().is_ascii() => Some(Whose::Recipient),
                Some(Whose::Recipient | Whose::Other) => Some(Whose::Other),
                None => None,
            };
        }
        Ok(message)
    }

    /// Named hashes of what goes with every message, besides [`Campaign::fingerprint`].
    pub fn fingerprint(&self) -> Vec<(&'static str, String)> {
        let images = self.images.fingerprint().map(|print| ("images", print));
        let attachments = self.attachments.fingerprint(&self.attached);
        let attachments = attachments.map(|print| ("attachments", print));
        images.into_iter().chain(attachments).collect()
    }

    /// How many messages are composed together at most: enough to share out among cores. Fewer where each may be as large as
    /// the files it takes along.
    pub fn chunk(&self) -> usize {
        if self.images.read_by_row() || self.attachments.read_by_row() {
            16
        } else {
            256
        }
    }

    /// The subject of a recipient's message, when it renders.
    pub fn subject(&self, recipient: &Recipient) -> Option<String> {
        let (identity, mut sheet) = (self.naming.identity(&recipient.key), self.sheet());
        let rendered = self.templates.render(recipient, &identity, &mut sheet);
        rendered.ok().map(|rendered| rendered.subject.to_string())
    }
}

/// What a run's messages are named by, besides the key.
pub struct Naming {
    campaign: String,
    run: String,
    domain: String,
}

impl Naming {
    /// The campaign's, and its run's.
    pub fn of(campaign: &Campaign) -> Self {
        Naming {
            campaign: campaign.name.clone(),
            run: campaign.run.clone(),
            domain: campaign.message.from.email.domain().to_owned(),
        }
    }

    /// What identifies the message to a recipient, however often it is made.
    pub fn identity(&self, key: &str) -> Identity {
        Identity::of(&self.campaign, &self.run, key, &self.domain)
    }
}
