//! A recipient in, a message out: templates and builder of one run, as one step. Pure; called from many threads.

use crate::campaign::Campaign;
use crate::message::{Builder, Identity, Message, Refusal};
use crate::recipients::Recipient;
use crate::render::{Sheet, Templates};

/// Makes a run's messages.
pub struct Composer {
    templates: Templates,
    builder: Builder,
    naming: Naming,
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
    ) -> Result<Self, crate::run::Error> {
        Ok(Composer {
            templates: Templates::load(campaign, columns, nested)?,
            builder: Builder::new(campaign)?.with_columns(columns),
            naming: Naming::of(campaign),
        })
    }

    /// What one thread composes on.
    pub fn sheet(&self) -> Sheet {
        self.templates.sheet()
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
        self.builder.build(recipient, identity, rendered, date)
    }

    /// The subject of a recipient's message, when it renders.
    pub fn subject(&self, recipient: &Recipient) -> Option<String> {
        let (identity, mut sheet) = (self.naming.identity(&recipient.key), self.sheet());
        let rendered = self.templates.render(recipient, &identity, &mut sheet);
        rendered.ok().map(|rendered| rendered.subject.clone())
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
