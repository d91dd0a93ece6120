//! The texts of a message, each where it goes: as templates, and as what they rendered.

use crate::message::Text;

/// What a message has of one kind: templates, programs, or texts. Values for headers are trimmed at their ends and may
/// still hold characters that no header may have: `message` refuses those.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts<T> {
    /// The To header, when the campaign has a template for it.
    pub to: Option<T>,
    /// The campaign's `cc`, in their order.
    pub cc: Vec<T>,
    /// The same of `bcc`.
    pub bcc: Vec<T>,
    /// The subject.
    pub subject: T,
    /// Values of the campaign's own headers, in the order of the settings.
    pub headers: Vec<T>,
    /// The envelope sender, when the campaign has a template for it.
    pub envelope_from: Option<T>,
    /// The HTML part.
    pub html: Option<T>,
    /// The text part.
    pub text: Option<T>,
    /// The URLs of `unsubscribe`.
    pub unsubscribe: Vec<T>,
    /// Attachments, in the order of the settings.
    pub attachments: Vec<AttachmentParts<T>>,
}

/// What an attachment has; `None` where the campaign has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttachmentParts<T> {
    /// The path, where the campaign's is a template with tags.
    pub path: Option<T>,
    /// The name.
    pub name: Option<T>,
    /// The media type.
    pub media_type: Option<T>,
}

/// The texts of one message, rendered, not yet encoded.
pub type Rendered = Parts<Text>;

/// One attachment's texts.
pub type AttachmentTexts = AttachmentParts<Text>;

impl<T> Parts<T> {
    /// The same parts of another kind: made of the HTML by `html`, of all others by `other`.
    pub(super) fn map<U>(
        &self,
        html: impl FnOnce(&T) -> U,
        mut other: impl FnMut(&T) -> U,
    ) -> Parts<U> {
        let mut all = |parts: &[T]| parts.iter().map(&mut other).collect();
        Parts {
            cc: all(&self.cc),
            bcc: all(&self.bcc),
            headers: all(&self.headers),
            unsubscribe: all(&self.unsubscribe),
            to: self.to.as_ref().map(&mut other),
            subject: other(&self.subject),
            envelope_from: self.envelope_from.as_ref().map(&mut other),
            html: self.html.as_ref().map(html),
            text: self.text.as_ref().map(&mut other),
            attachments: (self.attachments.iter())
                .map(|attachment| AttachmentParts {
                    path: attachment.path.as_ref().map(&mut other),
                    name: attachment.name.as_ref().map(&mut other),
                    media_type: attachment.media_type.as_ref().map(&mut other),
                })
                .collect(),
        }
    }

    /// All of them but those of `unsubscribe`.
    pub(super) fn but_unsubscribe(&self) -> impl Iterator<Item = &T> + Clone {
        let attachments = self.attachments.iter().flat_map(|attachment| {
            (attachment.path.iter())
                .chain(&attachment.name)
                .chain(&attachment.media_type)
        });
        (self.to.iter().chain([&self.subject]).chain(&self.headers))
            .chain(self.cc.iter().chain(&self.bcc))
            .chain(&self.envelope_from)
            .chain(&self.html)
            .chain(&self.text)
            .chain(attachments)
    }
}
