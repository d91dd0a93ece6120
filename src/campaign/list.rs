//! `[recipients]`: which list, and what its columns mean. The list itself is not opened here.

use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use toml::Spanned;
use toml::de::DeTable;

use super::error::Mistake;
use super::section::Section;
use super::{Duplicates, ListSettings};
use crate::recipients::{Kind, NAMES, STDIN, check_where, is_stdin};
use crate::wording::shell_word;

/// The list when `file` is absent.
const DEFAULT_FILE: &str = "recipients.csv";

impl ListSettings {
    /// A list with the defaults of `[recipients]`: the address in column "email", which is the key too.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        ListSettings {
            file: file.into(),
            sheet: None,
            address: "email".to_owned(),
            display: None,
            key: None,
            required: Vec::new(),
            encoding: None,
            delimiter: None,
            duplicates: Duplicates::Skip,
            duplicates_ignore_case: false,
            suppress: Vec::new(),
            only_where: None,
            group_by: None,
        }
    }

    /// Every column that a setting names.
    pub fn columns(&self) -> Vec<&str> {
        let named = self.display.iter().chain(&self.key).chain(&self.required);
        let named = named.chain(&self.group_by).map(String::as_str);
        std::iter::once(self.address.as_str())
            .chain(named)
            .collect()
    }
}

/// `instead`: the list named on the command line, already checked, which takes the place of `file`.
pub(super) fn read(
    root: &DeTable<'_>,
    dir: &Path,
    instead: Option<&Path>,
) -> Result<ListSettings, Mistake> {
    let section = Section::of(root, "recipients", "[recipients]");
    let written = section.filled("file")?;
    let file = match (instead, written) {
        (Some(file), _) => file.to_owned(),
        (None, Some(written)) => {
            let file = match *written.get_ref() {
                STDIN => PathBuf::from(STDIN),
                name => dir.join(name),
            };
            check_file(&file).map_err(|text| Mistake::new(written.span(), text))?;
            file
        }
        (None, None) => {
            let file = dir.join(DEFAULT_FILE);
            check_file(&file).map_err(|text| {
                let text = format!("{text}, or name another one with \"file\" in [recipients]");
                Mistake::new(section.span(), text)
            })?;
            file
        }
    };
    let mut list = ListSettings::new(file);
    list.sheet = text(&section, "sheet")?;
    list.encoding = encoding(&section)?;
    list.delimiter = delimiter(&section)?;
    if let Some(address) = text(&section, "address")? {
        list.address = address;
    }
    list.display = text(&section, "display")?;
    list.key = text(&section, "key")?;
    for name in section.texts("required")? {
        let trimmed = name.get_ref().trim();
        if trimmed.is_empty() {
            let text = r#""required" in [recipients] names a column without a name"#;
            return Err(Mistake::new(name.span(), text));
        }
        list.required.push(trimmed.to_owned());
    }
    list.group_by = text(&section, "group_by")?;
    if let Some(duplicates) = duplicates(&section, &list)? {
        list.duplicates = duplicates;
    }
    list.duplicates_ignore_case = section.flag("duplicates_ignore_case")?.unwrap_or_default();
    for name in section.texts("suppress")? {
        let file = dir.join(name.get_ref());
        check_there(&file).map_err(|text| Mistake::new(name.span(), text))?;
        list.suppress.push(file);
    }
    if let Some(written) = section.filled("where")? {
        check_where(written.get_ref()).map_err(|text| {
            let text = format!("\"where\" in [recipients], {text}");
            Mistake::new(written.span(), text)
        })?;
        list.only_where = Some(written.get_ref().to_string());
    }
    Ok(list)
}

fn text(section: &Section<'_>, key: &str) -> Result<Option<String>, Mistake> {
    Ok(section.filled(key)?.map(|it| it.get_ref().to_string()))
}

/// Whether a file can be the list, by its name and by being there.
pub(super) fn check_file(file: &Path) -> Result<(), String> {
    if is_stdin(file) {
        return Ok(());
    }
    let name = file.display();
    if Kind::of_name(file).is_none() && !file.metadata().is_ok_and(|it| !it.is_file()) {
        return Err(format!(
            "the list \"{name}\" must be a file whose name ends in {NAMES}, or - for standard input"
        ));
    }
    check_there(file)
}

/// Whether there is a file that can be read more than once.
fn check_there(file: &Path) -> Result<(), String> {
    let name = file.display();
    match file.metadata() {
        Ok(found) if found.is_dir() => Err(format!("the list \"{name}\" is a folder, not a file")),
        Ok(found) if !found.is_file() => Err(format!(
            "the list \"{name}\" is a pipe or a device, and a list is read more than once; give it on standard input: \
             --recipients - < {}",
            shell_word(file)
        )),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("there is no list \"{name}\"; put it there"))
        }
        Err(error) => Err(format!("the list \"{name}\" cannot be read: {error}")),
    }
}

/// The encoding, by any label that the Encoding Standard has for it.
fn encoding(section: &Section<'_>) -> Result<Option<&'static Encoding>, Mistake> {
    let Some(written) = section.filled("encoding")? else {
        return Ok(None);
    };
    let label = *written.get_ref();
    if label.eq_ignore_ascii_case("auto") {
        return Ok(None);
    }
    let found = Encoding::for_label_no_replacement(label.as_bytes());
    found.map(Some).ok_or_else(|| {
        let text = format!(
            "there is no encoding {label:?}; most lists are in \"utf-8\", \"utf-16\", \"gbk\", \"gb18030\", \"big5\", \
             \"shift_jis\", \"euc-jp\", \"euc-kr\", \"windows-1252\" or another windows-125x; \"auto\" finds it"
        );
        Mistake::new(written.span(), text)
    })
}

/// The delimiter's byte.
fn delimiter(section: &Section<'_>) -> Result<Option<u8>, Mistake> {
    let choices = [
        ("auto", None),
        (",", Some(b',')),
        (";", Some(b';')),
        ("\t", Some(b'\t')),
        ("|", Some(b'|')),
    ];
    let chosen = section.choice("delimiter", &choices)?;
    Ok(chosen.and_then(Spanned::into_inner))
}

fn duplicates(section: &Section<'_>, list: &ListSettings) -> Result<Option<Duplicates>, Mistake> {
    let choices = [
        ("skip", Duplicates::Skip),
        ("error", Duplicates::Error),
        ("send", Duplicates::Send),
    ];
    let Some(chosen) = section.choice("duplicates", &choices)? else {
        return Ok(None);
    };
    let keyed = list.key.as_ref().is_some_and(|key| *key != list.address);
    if *chosen.get_ref() == Duplicates::Send && !keyed {
        let text = "duplicates = \"send\" needs a \"key\" in [recipients] beside the address: a column with a value of its own in \
                    each row";
        return Err(Mistake::new(chosen.span(), text));
    }
    Ok(Some(chosen.into_inner()))
}
