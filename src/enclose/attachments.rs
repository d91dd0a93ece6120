//! Attachments: those for everybody encoded once, the others as their rows have them.

use std::borrow::Cow;
use std::path::Path;

use super::EncloseError;
use super::files::Folder;
use super::kept::Kept;
use crate::campaign::{Attachment, Campaign};
use crate::message::part::attachment;
use crate::message::{Part, Refusal, Shared, Text, file_name, media_type};
use crate::render::AttachmentTexts;

/// The attachments of a campaign.
#[derive(Debug)]
pub struct Attachments {
    folder: Folder,
    each: Vec<Source>,
    /// Those of rows, under their names and types.
    kept: Kept<Part>,
}

/// Where the bytes of one attachment come from.
#[derive(Debug, Clone)]
enum Source {
    /// The same part in every message.
    Shared(Part),
    /// The same bytes, of this file, under a name or a type of the row's.
    Renamed(String, Vec<u8>),
    /// The file that the row names.
    ByRow,
}

impl Attachments {
    /// Reads and encodes those that are for everybody.
    ///
    /// # Errors
    /// One that cannot be read, or whose name cannot stand in a header.
    pub fn load(campaign: &Campaign) -> Result<Self, EncloseError> {
        let folder = Folder::new(&campaign.dir);
        let settings = campaign.message.attachments.iter();
        let each = settings.map(|setting| load(&folder, setting));
        Ok(Attachments {
            each: each.collect::<Result<_, _>>()?,
            folder,
            kept: Kept::new(),
        })
    }

    /// Whether files are read for each message.
    pub fn read_by_row(&self) -> bool {
        self.each
            .iter()
            .any(|source| matches!(source, Source::ByRow))
    }

    /// One message's attachments, as parts; `texts` are what its templates gave, one an attachment.
    ///
    /// # Errors
    /// A file that is not there, a name or a type that cannot be one: the row is invalid.
    pub fn gather(&self, texts: &[AttachmentTexts]) -> Result<Vec<Part>, Refusal> {
        let each = self.each.iter().zip(texts);
        each.map(|(source, texts)| match source {
            Source::Shared(part) => Ok(part.clone()),
            Source::Renamed(path, bytes) => part(path, texts, bytes).map(Part::Own),
            Source::ByRow => {
                let path = texts.path.as_deref().unwrap_or_default();
                let file = self.folder.by_data(path)?;
                // With the path as it is written: a link has a name of its own.
                let how = format!("{path}\0{:?}\0{:?}", texts.name, texts.media_type);
                self.kept.of(&file, how, || {
                    let part = part(path, texts, &file.read(path)?)?;
                    let size = part.len();
                    Ok((Part::Shared(Shared::by_some(part)), size))
                })
            }
        })
        .collect::<Result<_, _>>()
        .map_err(|problem: String| Refusal {
            column: None,
            reason: format!("an attachment: {problem}"),
        })
    }

    /// A hash of what is the same in all messages; `None` without any.
    pub fn fingerprint(&self, settings: &[Attachment]) -> Option<String> {
        if settings.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for (setting, source) in settings.iter().zip(&self.each) {
            field(setting.path.as_bytes());
            for text in [&setting.name, &setting.media_type] {
                field(text.as_deref().unwrap_or_default().as_bytes());
            }
            field(match source {
                Source::Shared(part) => part.bytes(),
                Source::Renamed(_, bytes) => bytes,
                Source::ByRow => &[],
            });
        }
        Some(hasher.finalize().to_hex()[..16].to_owned())
    }
}

fn load(folder: &Folder, setting: &Attachment) -> Result<Source, EncloseError> {
    if !setting.is_fixed() {
        return Ok(Source::ByRow);
    }
    let (_, bytes) = folder.fixed(&setting.path).map_err(EncloseError)?;
    let of_row = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains("{{"));
    if of_row(&setting.name) || of_row(&setting.media_type) {
        return Ok(Source::Renamed(setting.path.clone(), bytes));
    }
    let texts = AttachmentTexts {
        path: None,
        name: setting.name.as_deref().map(Text::from),
        media_type: setting.media_type.as_deref().map(Text::from),
    };
    let part = part(&setting.path, &texts, &bytes).map_err(EncloseError)?;
    Ok(Source::Shared(Part::Shared(Shared::new(part))))
}

fn part(path: &str, texts: &AttachmentTexts, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let name = match &texts.name {
        Some(name) => Cow::Borrowed(&**name),
        None => Path::new(path)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy(),
    };
    let name = file_name::harmless(&name).ok_or_else(|| {
        format!("its name is {name:?}, which is none, or holds a control character; correct its template or the cells in it")
    })?;
    let kind = match &texts.media_type {
        None => media_type::guess(&name, bytes),
        Some(kind) => match media_type::refusal(kind) {
            None => media_type::with_charset(kind, bytes),
            Some(why) => {
                return Err(format!(
                    "its type {kind:?} {why}; correct its template or the cells in it"
                ));
            }
        },
    };
    Ok(attachment(&name, &kind, bytes))
}
