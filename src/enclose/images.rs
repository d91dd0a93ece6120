//! Inline images: each file once in a message, and only where its HTML shows it.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem;

use super::files::Folder;
use super::kept::Kept;
use crate::campaign::Campaign;
use crate::message::part::image;
use crate::message::{Image, Part, Refusal, Shared, Text, file_name, media_type};
use crate::render::{is_file, unescaped};

/// The images of a campaign's HTML.
#[derive(Debug)]
pub struct Images {
    folder: Folder,
    /// The right side of Content-IDs.
    domain: String,
    /// Those whose path is known, each with what finds its Content-ID.
    known: Vec<(Image, memmem::Finder<'static>)>,
    /// Where each of them is read from.
    by_path: HashMap<PathBuf, usize>,
    /// What stands around a path that only the row knows; no cell can hold it but by guessing 64 bits.
    open: String,
    close: String,
    /// Whether there is such a path.
    marked: bool,
    /// Images of rows.
    kept: Kept<Image>,
}

impl Images {
    /// No image yet.
    pub fn new(campaign: &Campaign) -> Self {
        let domain = campaign.message.from.email.domain();
        let nonce = RandomState::new().hash_one(0);
        Images {
            folder: Folder::new(&campaign.dir),
            // A domain that IDNA does not know stands in no From address that a builder takes.
            domain: idna::domain_to_ascii(domain).unwrap_or_default(),
            known: Vec::new(),
            by_path: HashMap::new(),
            open: format!("\u{2}{nonce:016x}:"),
            close: format!(":{nonce:016x}\u{3}"),
            marked: false,
            kept: Kept::new(),
        }
    }

    /// The Content-ID of the image at an author's path, relative to the campaign folder.
    ///
    /// # Errors
    /// Why there is none.
    pub fn fixed(&mut self, path: &str) -> Result<String, String> {
        // As written first: a name may well hold a percent sign.
        let (real, bytes) = self.folder.fixed(path).or_else(|error| {
            let decoded = percent_decoded(path).and_then(|path| self.folder.fixed(&path).ok());
            decoded.ok_or(error)
        })?;
        if let Some(known) = self.by_path.get(&real) {
            return Ok(self.known[*known].0.cid.clone());
        }
        let image = self.image(path, &bytes, Shared::new)?;
        let place = self
            .known
            .iter()
            .position(|(other, _)| other.cid == image.cid);
        let cid = image.cid.clone();
        let place = place.unwrap_or_else(|| {
            let finder = memmem::Finder::new(cid.as_bytes()).into_owned();
            self.known.push((image, finder));
            self.known.len() - 1
        });
        self.by_path.insert(real, place);
        Ok(cid)
    }

    /// What a template has to print before and behind a path that only the row knows.
    pub fn marks(&mut self) -> (&str, &str) {
        self.marked = true;
        (&self.open, &self.close)
    }

    /// Whether files are read for each message.
    pub fn read_by_row(&self) -> bool {
        self.marked
    }

    /// The images that `html` shows, as parts; marked paths in it become Content-IDs.
    ///
    /// # Errors
    /// A path that leads to no image: the row is invalid.
    pub fn gather(&self, html: &mut Text) -> Result<Vec<Part>, Refusal> {
        let mut shown: Vec<Image> = Vec::new();
        if self.marked {
            self.resolve(html, &mut shown)?;
        }
        for (image, finder) in &self.known {
            let is_shown = finder.find(html.as_bytes()).is_some();
            if is_shown && shown.iter().all(|other| other.cid != image.cid) {
                shown.push(image.clone());
            }
        }
        Ok(shown.into_iter().map(|image| image.part).collect())
    }

    fn resolve(&self, html: &mut Text, shown: &mut Vec<Image>) -> Result<(), Refusal> {
        let mut resolved = String::with_capacity(html.len());
        let mut rest = &**html;
        while let Some((before, behind)) = rest.split_once(&self.open) {
            resolved.push_str(before);
            let (value, after) = behind.split_once(&self.close).ok_or_else(|| refusal(
                "the path of an image has no end: let src hold a whole {{#if}}…{{/if}}, not a part of it".to_owned(),
            ))?;
            rest = after;
            if !is_file(value) {
                resolved.push_str(value);
                continue;
            }
            let path = unescaped(value.trim());
            let image = self.of_row(&path).map_err(refusal)?;
            resolved.push_str("cid:");
            resolved.push_str(&image.cid);
            if shown.iter().all(|other| other.cid != image.cid) {
                shown.push(image);
            }
        }
        resolved.push_str(rest);
        html.set(resolved);
        Ok(())
    }

    /// The image at a path that a row's data takes part in.
    fn of_row(&self, path: &str) -> Result<Image, String> {
        let file = self.folder.by_data(path)?;
        self.kept.of(&file, path.to_owned(), || {
            let bytes = file.read(path)?;
            let image = self.image(path, &bytes, Shared::by_some)?;
            if !media_type::guess(path, &bytes).starts_with("image/") {
                // A path out of a cell is no way to have another file of the campaign mailed.
                return Err(format!(
                    "{path:?} is not an image; correct the row's cells in it"
                ));
            }
            let size = image.part.bytes().len();
            Ok((image, size))
        })
    }

    fn image(
        &self,
        path: &str,
        bytes: &[u8],
        share: fn(Vec<u8>) -> Arc<Shared>,
    ) -> Result<Image, String> {
        let name = Path::new(path).file_name().unwrap_or_default();
        let name = file_name::harmless(&name.to_string_lossy()).ok_or_else(|| {
            format!("{path:?} has a control character in its name; rename the file")
        })?;
        let kind = media_type::guess(&name, bytes);
        Ok(image(&name, &kind, bytes, &self.domain, share))
    }

    /// A hash of what is the same in all messages; `None` without any.
    pub fn fingerprint(&self) -> Option<String> {
        let mut cids: Vec<_> = self
            .known
            .iter()
            .map(|(image, _)| image.cid.as_str())
            .collect();
        cids.sort_unstable();
        let hash = blake3::hash(cids.join(" ").as_bytes());
        (!cids.is_empty()).then(|| hash.to_hex()[..16].to_owned())
    }
}

fn refusal(problem: String) -> Refusal {
    Refusal {
        column: None,
        reason: format!("an image in the html: {problem}"),
    }
}

/// The path without its percent-encoding, when it has any.
fn percent_decoded(path: &str) -> Option<String> {
    let mut pieces = path.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    let mut found = false;
    for piece in pieces {
        let byte = u8::from_str_radix(piece.get(..2)?, 16).ok()?;
        bytes.push(byte);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
        found = true;
    }
    String::from_utf8(bytes).ok().filter(|_| found)
}
