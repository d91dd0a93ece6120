//! `[recipients]`: which list, and what its columns mean. The list itself is not opened here.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use super::error::Mistake;
use super::section::Section;
use super::{Duplicates, ListSettings};

/// The list when `file` is absent.
const DEFAULT_FILE: &str = "recipients.csv";

/// Formats of lists that the contract has and this version has not.
const LATER_FORMATS: &[&str] = &["tsv", "jsonl", "xlsx", "ods", "gz"];

impl ListSettings {
    /// A list with the defaults of `[recipients]`: the address in column "email", which is the key too.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        ListSettings {
            file: file.into(),
            address: "email".to_owned(),
            display: None,
            key: None,
            required: Vec::new(),
            duplicates: Duplicates::Skip,
        }
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
            let file = dir.join(written.get_ref());
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
    only_now(
        &section,
        "encoding",
        &["auto", "utf-8"],
        "save the list as UTF-8",
    )?;
    only_now(
        &section,
        "delimiter",
        &["auto", ","],
        "save the list with commas",
    )?;

    let mut list = ListSettings::new(file);
    let column = |key| Ok(section.filled(key)?.map(|it| it.get_ref().to_string()));
    if let Some(address) = column("address")? {
        list.address = address;
    }
    list.display = column("display")?;
    list.key = column("key")?;
    for name in section.texts("required")? {
        let trimmed = name.get_ref().trim();
        if trimmed.is_empty() {
            let text = r#""required" in [recipients] names a column without a name"#;
            return Err(Mistake::new(name.span(), text));
        }
        list.required.push(trimmed.to_owned());
    }
    if let Some(duplicates) = duplicates(&section)? {
        list.duplicates = duplicates;
    }
    Ok(list)
}

/// Whether a file can be the list, by its name and by being there.
pub(super) fn check_file(file: &Path) -> Result<(), String> {
    let name = file.display();
    if file.as_os_str() == "-" || file.file_name().is_some_and(|name| name == "-") {
        return Err(
            "a list on standard input is not there yet in this version of mailrun; save it as a .csv file"
                .to_owned(),
        );
    }
    let extension = file.extension().unwrap_or_default().to_string_lossy();
    let extension = extension.to_ascii_lowercase();
    if LATER_FORMATS.contains(&extension.as_str()) {
        return Err(format!(
            "a list in .{extension} is not there yet in this version of mailrun; save it as .csv"
        ));
    }
    if extension != "csv" {
        return Err(format!(
            "the list \"{name}\" must be a file whose name ends in .csv"
        ));
    }
    match file.metadata() {
        Ok(found) if found.is_dir() => Err(format!("the list \"{name}\" is a folder, not a file")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("there is no list \"{name}\"; put it there"))
        }
        Err(error) => Err(format!("the list \"{name}\" cannot be read: {error}")),
    }
}

/// A setting of which this version has only some values; case does not count.
fn only_now(
    section: &Section<'_>,
    key: &str,
    values: &[&str],
    instead: &str,
) -> Result<(), Mistake> {
    let Some(written) = section.text(key)? else {
        return Ok(());
    };
    let value = written.get_ref();
    if values.iter().any(|it| it.eq_ignore_ascii_case(value)) {
        return Ok(());
    }
    Err(Mistake::new(
        written.span(),
        format_args!(
            "{key} {value:?} is not there yet in this version of mailrun; {instead}, and leave it out"
        ),
    ))
}

fn duplicates(section: &Section<'_>) -> Result<Option<Duplicates>, Mistake> {
    if let Some(written) = section
        .text("duplicates")?
        .filter(|it| *it.get_ref() == "send")
    {
        return Err(Mistake::later(written.span(), r#"duplicates = "send""#));
    }
    let choices = [("skip", Duplicates::Skip), ("error", Duplicates::Error)];
    let chosen = section.choice("duplicates", &choices)?;
    Ok(chosen.map(Spanned::into_inner))
}
