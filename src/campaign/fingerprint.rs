//! What recipients would receive, as a few short hashes: whether a campaign changed since a run began, and in what.

use std::path::Path;
use std::{fs, io};

use lettre::message::Mailbox;

use super::{Campaign, MailingList};

impl Campaign {
    /// Named parts of the campaign's content, each as 16 hex digits: "sender" (From, Reply-To, envelope sender), "subject"
    /// (and `to`, `cc`, `bcc` and `headers`), "html", "text", "partials", "vars", "list", "group_by". Equal parts, equal digits.
    ///
    /// # Errors
    /// A template that cannot be read.
    pub fn fingerprint(&self) -> io::Result<Vec<(&'static str, String)>> {
        let message = &self.message;

        let mut sender = Digest::new();
        sender.mailbox(Some(&message.from));
        sender.mailbox(message.reply_to.as_ref());
        sender.optional(message.envelope_from.as_deref());

        let mut subject = Digest::new();
        subject.text(&message.subject);
        subject.optional(message.to.as_deref());
        // Told apart only where there are any, so that a run begun without them goes on unasked.
        for (name, templates) in [("Cc", &message.cc), ("Bcc", &message.bcc)] {
            for template in templates {
                subject.text(name);
                subject.text(template);
            }
        }
        for (name, value) in &message.headers {
            subject.text(name);
            subject.text(value);
        }

        let mut html = Digest::new();
        html.optional(template(message.html.as_deref())?);
        if !message.inline_css {
            html.text("inline_css = false");
        }
        let mut text = Digest::new();
        text.optional(template(message.text.as_deref())?);

        let mut partials = Digest::new();
        for (name, content) in self.partials()? {
            partials.text(name);
            partials.text(content);
        }

        // Maps are sorted by key: equal variables, equal JSON.
        let mut vars = Digest::new();
        vars.text(serde_json::to_vec(&self.vars)?);

        let mut parts = vec![
            ("sender", sender.hex()),
            ("subject", subject.hex()),
            ("html", html.hex()),
            ("text", text.hex()),
            ("partials", partials.hex()),
            ("vars", vars.hex()),
        ];
        // Named only where there is one, so that a run begun without it goes on unasked.
        if self.list != MailingList::default() {
            let mut list = Digest::new();
            list.optional(self.list.id.as_deref());
            self.list.unsubscribe.iter().for_each(|url| list.text(url));
            list.text([u8::from(self.list.one_click)]);
            parts.push(("list", list.hex()));
        }
        // The same: it makes another message of the same rows.
        if let Some(column) = &self.recipients.group_by {
            let mut rows = Digest::new();
            rows.text(column);
            parts.push(("group_by", rows.hex()));
        }
        Ok(parts)
    }

    /// Names and contents of `partials/*.hbs`, sorted by name.
    fn partials(&self) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let dir = self.dir.join("partials");
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(named(&dir, &error)),
        };
        let mut partials = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| named(&dir, &error))?.path();
            if path.extension().is_some_and(|it| it == "hbs") && path.is_file() {
                let name = path.file_name().unwrap_or_default();
                partials.push((name.as_encoded_bytes().to_vec(), read(&path)?));
            }
        }
        partials.sort();
        Ok(partials)
    }
}

fn template(path: Option<&Path>) -> io::Result<Option<Vec<u8>>> {
    path.map(read).transpose()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| named(path, &error))
}

/// The same error, with the file it is about.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// A hash over fields, each with its length before it, so that no two sequences of fields read the same.
struct Digest(blake3::Hasher);

impl Digest {
    fn new() -> Self {
        Digest(blake3::Hasher::new())
    }

    fn text(&mut self, field: impl AsRef<[u8]>) {
        let field = field.as_ref();
        self.0.update(&(field.len() as u64).to_le_bytes());
        self.0.update(field);
    }

    /// As [`Digest::text`], and what is absent differs from what is empty.
    fn optional(&mut self, field: Option<impl AsRef<[u8]>>) {
        match field {
            None => {
                self.0.update(&[0]);
            }
            Some(field) => {
                self.0.update(&[1]);
                self.text(field);
            }
        }
    }

    fn mailbox(&mut self, mailbox: Option<&Mailbox>) {
        self.optional(mailbox.map(|it| it.email.to_string()));
        self.optional(mailbox.and_then(|it| it.name.as_deref()));
    }

    fn hex(&self) -> String {
        self.0.finalize().to_hex()[..16].to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::campaign::MessageSettings;

    fn campaign(dir: &Path) -> Campaign {
        fs::create_dir(dir.join("partials")).unwrap();
        fs::write(dir.join("partials/header.hbs"), "head").unwrap();
        fs::write(dir.join("partials/notes.md"), "not a partial").unwrap();
        fs::write(dir.join("message.txt.hbs"), "text").unwrap();
        let from = "ACME <news@acme.example>".parse().unwrap();
        let mut campaign = Campaign::new(dir, MessageSettings::new(from, "subject"));
        campaign.message.text = Some(dir.join("message.txt.hbs"));
        campaign
    }

    #[test]
    fn each_change_shows_in_its_part_alone() {
        let dir = tempfile::tempdir().unwrap();
        let original = campaign(dir.path());
        let before = original.fingerprint().unwrap();
        let changed = |change: &dyn Fn(&mut Campaign)| {
            let mut campaign = original.clone();
            change(&mut campaign);
            let after = campaign.fingerprint().unwrap();
            let differ = before.iter().zip(after).filter(|(old, new)| *old != new);
            differ.map(|(old, _)| old.0).collect::<Vec<_>>()
        };
        let file = |name: &str, content: &str| fs::write(dir.path().join(name), content).unwrap();

        assert_eq!(changed(&|_| ()), Vec::<&str>::new());
        let reply_to = || Some("a@b.example".parse().unwrap());
        assert_eq!(changed(&|it| it.message.reply_to = reply_to()), ["sender"]);
        assert_eq!(changed(&|it| it.message.from.name = None), ["sender"]);
        assert_eq!(
            changed(&|it| it.message.envelope_from = Some(String::new())),
            ["sender"]
        );
        assert_eq!(changed(&|it| it.message.subject.push('!')), ["subject"]);
        assert_eq!(
            changed(&|it| it.message.to = Some(String::new())),
            ["subject"]
        );
        let copy = || vec!["{{boss}}".to_owned()];
        assert_eq!(changed(&|it| it.message.cc = copy()), ["subject"]);
        assert_eq!(changed(&|it| it.message.bcc = copy()), ["subject"]);
        let header = || ("X-A".to_owned(), "b".to_owned());
        assert_eq!(
            changed(&|it| it.message.headers.push(header())),
            ["subject"]
        );
        assert_eq!(
            changed(&|it| it.message.html = it.message.text.clone()),
            ["html"]
        );
        assert_eq!(changed(&|it| it.message.inline_css = false), ["html"]);
        assert_eq!(changed(&|it| it.message.text = None), ["text"]);
        let mut listed = original.clone();
        listed.list.one_click = true;
        assert_eq!(listed.fingerprint().unwrap().last().unwrap().0, "list");
        assert_eq!(
            changed(&|it| _ = it.vars.insert("a".into(), 1.into())),
            ["vars"]
        );
        assert_eq!(
            changed(&|it| it.recipients.file = "other.csv".into()),
            Vec::<&str>::new()
        );
        assert_eq!(
            changed(&|_| file("partials/notes.md", "other")),
            Vec::<&str>::new()
        );
        assert_eq!(changed(&|_| file("message.txt.hbs", "other")), ["text"]);
        file("message.txt.hbs", "text");
        assert_eq!(
            changed(&|_| file("partials/header.hbs", "other")),
            ["partials"]
        );
        file("partials/header.hbs", "head");
        assert_eq!(changed(&|_| file("partials/footer.hbs", "")), ["partials"]);
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let hash = |fields: &[&str]| {
            let mut digest = Digest::new();
            fields.iter().for_each(|field| digest.text(field));
            digest.hex()
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["", "a"]), hash(&["a", ""]));
        assert_eq!(hash(&["a"]).len(), 16);
    }

    #[test]
    fn stays_the_same_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let parts = campaign(dir.path()).fingerprint().unwrap();
        let expected = [
            ("sender", "976c92b2a84c44d7"),
            ("subject", "11e23baaf1a2d50d"),
            ("html", "2d3adedff11b61f1"),
            ("text", "cc7332cbade51767"),
            ("partials", "a203cd6bb8c86f61"),
            ("vars", "b8b38d1cb0675f6b"),
        ];
        assert_eq!(parts, expected.map(|(part, hash)| (part, hash.to_owned())));
    }

    #[test]
    fn a_missing_template_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut campaign = campaign(dir.path());
        let gone = dir.path().join("gone.txt.hbs");
        campaign.message.text = Some(gone.clone());
        let error = campaign.fingerprint().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(
            error
                .to_string()
                .starts_with(&format!("{}: ", gone.display()))
        );
    }
}
