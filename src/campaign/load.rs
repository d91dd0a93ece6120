//! From a path as typed to a campaign: finds the folder, reads `campaign.toml`, and has each table checked.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::error::{CampaignError, Mistake};
use super::secret::Variable;
use super::section::Section;
use super::{
    Campaign, Delivery, ListSettings, MailingList, MessageSettings, content, delivery, dkim,
    flask_mail, list, mailing_list, schema, server, valid_run_name, vars,
};

/// The settings' file in a campaign folder.
const FILE: &str = "campaign.toml";

/// The run when `run` is absent.
const DEFAULT_RUN: &str = "default";

impl Campaign {
    /// A campaign with the defaults: run "default", the list `recipients.csv`, no server, no template.
    /// Touches no file.
    pub fn new(dir: impl Into<PathBuf>, message: MessageSettings) -> Self {
        let dir = dir.into();
        Campaign {
            name: folder_name(&dir),
            run: DEFAULT_RUN.to_owned(),
            recipients: ListSettings::new(dir.join("recipients.csv")),
            message,
            list: MailingList::default(),
            vars: serde_json::Map::new(),
            servers: Vec::new(),
            delivery: Delivery::default(),
            dkim: Vec::new(),
            dir,
        }
    }

    /// Reads and checks a campaign. `path`: the campaign folder, or its `campaign.toml`.
    ///
    /// # Errors
    /// The first thing that is wrong: syntax, then unknown keys, then values; with its place in the file.
    pub fn load(path: &Path) -> Result<Campaign, CampaignError> {
        Campaign::load_with(path, None, &|_| None)
    }

    /// As [`Campaign::load`], with another list (`--recipients FILE`, relative to the current folder): the campaign's own
    /// need not exist then. Without `[[server]]` and `from`, From is what the variable `MAIL_DEFAULT_SENDER` says.
    ///
    /// # Errors
    /// As [`Campaign::load`]; and a `list` that is no list.
    pub fn load_with(
        path: &Path,
        list: Option<&Path>,
        variable: Variable<'_>,
    ) -> Result<Campaign, CampaignError> {
        let (dir, file) = locate(path)?;
        let source = read(&file)?;
        let campaign = resolve(&source, dir, list, variable)
            .map_err(|mistake| CampaignError::at(&file, &source, mistake))?;
        if let Some(list) = list {
            list::check_file(list).map_err(|text| CampaignError::whole(list, text))?;
        }
        Ok(campaign)
    }
}

/// The campaign folder, and the settings' file in it.
fn locate(path: &Path) -> Result<(PathBuf, PathBuf), CampaignError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let text = "there is no such campaign; give the folder that has the campaign.toml";
            return Err(CampaignError::whole(path, text));
        }
        Err(error) => return Err(unreadable(path, &error)),
    };
    if found.is_dir() && path.file_name().is_none_or(|name| name != FILE) {
        let file = path.join(FILE);
        return match fs::metadata(&file) {
            Ok(found) if found.is_dir() => Err(folder_instead(&file)),
            Ok(_) => Ok((path.to_owned(), file)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = "this folder has no campaign.toml, which would make it a campaign; write one, or give another folder";
                Err(CampaignError::whole(path, text))
            }
            Err(error) => Err(unreadable(&file, &error)),
        };
    }
    if found.is_dir() {
        return Err(folder_instead(path));
    }
    if path.file_name().is_none_or(|name| name != FILE) {
        let text = "this is not a campaign; give a campaign folder, or the campaign.toml in it";
        return Err(CampaignError::whole(path, text));
    }
    let dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok((dir.to_owned(), path.to_owned()))
}

fn folder_instead(file: &Path) -> CampaignError {
    CampaignError::whole(file, "this is a folder; the settings must be a file")
}

fn unreadable(path: &Path, error: &std::io::Error) -> CampaignError {
    CampaignError::whole(path, format!("cannot be read: {error}"))
}

/// The settings' text, without a byte order mark.
fn read(file: &Path) -> Result<String, CampaignError> {
    let bytes = fs::read(file).map_err(|error| unreadable(file, &error))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let end = valid.len()..valid.len();
            let text = "this byte is not UTF-8; save the file as UTF-8";
            Err(CampaignError::at(file, &valid, Mistake::new(end, text)))
        }
    }
}

fn resolve(
    source: &str,
    dir: PathBuf,
    list: Option<&Path>,
    variable: Variable<'_>,
) -> Result<Campaign, Mistake> {
    let (document, errors) = DeTable::parse_recoverable(source);
    // The parser does not tell its errors in the order of the file; the later ones often follow from the first.
    let errors = errors.iter().map(|error| Mistake::syntax(source, error));
    if let Some(first) = errors.min_by_key(|mistake| mistake.at) {
        return Err(first);
    }
    let root = document.get_ref();
    schema::check(root)?;

    let sender = || match root.contains_key("server") {
        true => Ok(None),
        false => flask_mail::sender(variable),
    };
    let top = Section::top(root);
    let name = name(&top)?.unwrap_or_else(|| folder_name(&dir));
    let run = run(&top)?;
    Ok(Campaign {
        name,
        run,
        recipients: list::read(root, &dir, list)?,
        message: content::read(root, &dir, sender)?,
        list: mailing_list::read(root)?,
        vars: vars::read(root)?,
        servers: server::read(root, &dir)?,
        delivery: delivery::read(root)?,
        dkim: dkim::read(root, &dir)?,
        dir,
    })
}

fn name(top: &Section<'_>) -> Result<Option<String>, Mistake> {
    let Some(name) = top.filled("name")? else {
        return Ok(None);
    };
    if name.get_ref().contains(char::is_control) {
        let text = r#""name" has a control character; leave it out"#;
        return Err(Mistake::new(name.span(), text));
    }
    Ok(Some(name.get_ref().to_string()))
}

fn run(top: &Section<'_>) -> Result<String, Mistake> {
    let Some(run) = top.text("run")? else {
        return Ok(DEFAULT_RUN.to_owned());
    };
    valid_run_name(run.get_ref()).map_err(|error| Mistake::new(run.span(), error))?;
    Ok(run.get_ref().to_string())
}

/// The folder's own name, also of `.` and `..`.
fn folder_name(dir: &Path) -> String {
    let resolved;
    let name = match dir.file_name() {
        Some(name) => Some(name),
        None => {
            resolved = dir.canonicalize().unwrap_or_default();
            resolved.file_name()
        }
    };
    match name {
        Some(name) => name.to_string_lossy().replace(char::is_control, "_"),
        None => "campaign".to_owned(),
    }
}
