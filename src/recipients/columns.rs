//! The header: which columns there are, and which of them mean something to mailrun.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::{ListError, Place};
use crate::campaign::ListSettings;

/// Names that every template has already (`{{vars.issue}}`, `{{send_id}}`).
const BUILT_IN: [&str; 7] = [
    "vars",
    "campaign",
    "send_id",
    "message_id",
    "unsubscribe_url",
    "unsubscribe_token",
    "row_number",
];
/// A name that they have with `group_by`.
const ROWS: &str = "rows";
/// Columns named in an error at most.
const LISTED: usize = 20;
/// Characters shown of each.
const SHOWN: usize = 40;
/// How alike two names are (Jaro-Winkler, 0 to 1) for one to be offered for the other.
const ALIKE: f64 = 0.75;

/// The columns, and the 0-based places of those that mean something.
#[derive(Debug)]
pub(super) struct Columns {
    /// Trimmed, in the order of the list; none empty, none twice.
    pub names: Arc<[String]>,
    pub address: usize,
    pub display: Option<usize>,
    /// `None` as well when the key column is the address column: the key is the address then.
    pub key: Option<usize>,
    pub required: Vec<usize>,
    /// The column of `group_by`.
    pub group: Option<usize>,
}

impl Columns {
    /// Checks the header's names, and that every column a setting names is there.
    pub fn new(
        header: &csv::StringRecord,
        place: Place,
        settings: &ListSettings,
    ) -> Result<Columns, ListError> {
        let names: Arc<[String]> = header.iter().map(|name| name.trim().to_owned()).collect();
        let places = check_names(&names, settings, place)?;
        let find = |setting, name: &str| {
            places
                .get(name)
                .copied()
                .ok_or_else(|| ListError::NoColumn {
                    file: settings.file.clone(),
                    place,
                    setting,
                    name: name.to_owned(),
                    hint: hint(name, &names),
                })
        };
        let address = find("address", &settings.address)?;
        let display = settings
            .display
            .as_deref()
            .map(|name| find("display", name))
            .transpose()?;
        let key = settings
            .key
            .as_deref()
            .map(|name| find("key", name))
            .transpose()?;
        let required = settings
            .required
            .iter()
            .map(|name| find("required", name))
            .collect::<Result<_, _>>()?;
        let key = key.filter(|&key| key != address);
        let group = settings
            .group_by
            .as_deref()
            .map(|name| find("group_by", name))
            .transpose()?;
        drop(places);
        Ok(Columns {
            names,
            address,
            display,
            key,
            required,
            group,
        })
    }
}

/// Each name with its 0-based place.
fn check_names<'a>(
    names: &'a [String],
    settings: &ListSettings,
    place: Place,
) -> Result<HashMap<&'a str, usize>, ListError> {
    let mut places = HashMap::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let (file, column) = (|| settings.file.clone(), index + 1);
        if name.is_empty() {
            return Err(ListError::Unnamed {
                file: file(),
                place,
                column,
                count: names.len(),
            });
        }
        if name.contains('\0') {
            return Err(ListError::NulName {
                file: file(),
                place,
                column,
            });
        }
        let is_rows = name == ROWS && settings.group_by.is_some();
        if is_rows || BUILT_IN.contains(&name.as_str()) {
            return Err(ListError::BuiltIn {
                file: file(),
                place,
                column,
                name: name.clone(),
            });
        }
        if let Some(first) = places.insert(name.as_str(), index) {
            return Err(ListError::SameName {
                file: file(),
                place,
                first: first + 1,
                second: column,
                name: name.clone(),
            });
        }
    }
    Ok(places)
}

/// What to do about a column that is not there.
pub(super) fn hint(wanted: &str, names: &[String]) -> String {
    if let [only] = names
        && let Some(separator) = [';', '\t', '|']
            .into_iter()
            .find(|&separator| only.contains(separator))
    {
        return format!(
            "the header is one column, {only:?}: if {separator:?} separates the columns, set delimiter = \"{}\" under [recipients]",
            separator.escape_default()
        );
    }
    let mut hint = match nearest(wanted, names) {
        Some(name) => format!("did you mean {name:?}? "),
        None => "correct the setting or the header: ".to_owned(),
    };
    hint.push_str("the columns are ");
    let listed: Vec<_> = names
        .iter()
        .take(LISTED)
        .map(|name| match name.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{:?}…", &name[..end]),
            None => format!("{name:?}"),
        })
        .collect();
    hint.push_str(&listed.join(", "));
    if names.len() > LISTED {
        hint.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    hint
}

/// The name most like the wanted one, if one is.
fn nearest<'a>(wanted: &str, names: &'a [String]) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let alike = |name: &&String| strsim::jaro_winkler(&wanted, &name.to_lowercase());
    let best = names.iter().max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(&best) >= ALIKE).then_some(best)
}

#[cfg(test)]
mod tests;
