//! What a template sees of one row.

use std::iter;

use csv::StringRecord;
use handlebars::Context;
use serde_json::{Map, Value};

use crate::campaign::Campaign;
use crate::message::Identity;
use crate::message::token::TokenKey;
use crate::recipients::Recipient;

use super::error::TemplateError;

/// Names that are mailrun's, so that no column may have them.
const BUILT_IN: &[&str] = &[
    "vars",
    "campaign",
    "send_id",
    "message_id",
    "row_number",
    "unsubscribe_url",
    "unsubscribe_token",
];

/// A name that is mailrun's with `group_by`: the rows of a group.
pub(super) const ROWS: &str = "rows";

/// Those of them that are there only by a setting, and which.
pub(super) const BY_SETTING: &[(&str, &str)] = &[
    (
        "unsubscribe_url",
        "write an https:// URL into unsubscribe in [list]",
    ),
    ("unsubscribe_token", "write token_key_env into [list]"),
];

/// What stays the same from row to row.
#[derive(Debug)]
pub(super) struct Shape {
    columns: Vec<String>,
    /// Those whose cells may be lists or objects.
    nested: Vec<usize>,
    /// Whether there is `rows`.
    grouped: bool,
    shared: Map<String, Value>,
    campaign: String,
    run: String,
    /// What `unsubscribe_token` is signed with.
    pub(super) token_key: Option<TokenKey>,
    /// Whom every token is made for, in place of its row's recipient.
    pub(super) token_for: Option<String>,
}

/// Whether a URL of `unsubscribe` is one that `unsubscribe_url` can be.
pub(super) fn is_page(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

impl Shape {
    pub(super) fn new(
        campaign: &Campaign,
        columns: &[String],
        nested: impl Fn(usize) -> bool,
    ) -> Result<Shape, TemplateError> {
        let grouped = campaign.recipients.group_by.is_some();
        let reserved =
            |name: &&String| BUILT_IN.contains(&name.as_str()) || (grouped && *name == ROWS);
        if let Some(column) = columns.iter().find(reserved) {
            return Err(TemplateError::Reserved(column.clone()));
        }
        let about = Map::from_iter([
            ("name".to_owned(), Value::from(campaign.name.as_str())),
            ("run".to_owned(), Value::from(campaign.run.as_str())),
        ]);
        let mut shared = Map::from_iter([
            ("vars".to_owned(), Value::Object(campaign.vars.clone())),
            ("campaign".to_owned(), Value::Object(about)),
        ]);
        // Empty here, and each message's own in its context.
        if campaign.list.token_key_env.is_some() {
            shared.insert("unsubscribe_token".to_owned(), Value::from(""));
        }
        if campaign.list.unsubscribe.iter().any(|url| is_page(url)) {
            shared.insert("unsubscribe_url".to_owned(), Value::from(""));
        }
        Ok(Shape {
            columns: columns.to_vec(),
            nested: (0..columns.len())
                .filter(|column| nested(*column))
                .collect(),
            grouped,
            shared,
            campaign: campaign.name.clone(),
            run: campaign.run.clone(),
            token_key: None,
            token_for: None,
        })
    }

    /// A context of no message yet.
    pub(super) fn context(&self) -> Context {
        Context::from(self.sample())
    }

    /// Makes a context that of one message, whichever message's it was.
    pub(super) fn fill(&self, context: &mut Context, recipient: &Recipient, identity: &Identity) {
        let Value::Object(map) = context.data_mut() else {
            return;
        };
        self.fill_row(map, &recipient.fields, &recipient.nested);
        if self.grouped
            && let Some(Value::Array(rows)) = map.get_mut(ROWS)
        {
            let others = recipient.others.iter().map(|it| (&it.fields, &it.nested));
            let all = iter::once((&recipient.fields, &recipient.nested)).chain(others);
            rows.resize_with(recipient.others.len() + 1, || self.blank_row());
            for (row, (fields, nested)) in rows.iter_mut().zip(all) {
                if let Value::Object(row) = row {
                    self.fill_row(row, fields, nested);
                }
            }
        }
        set(map, "send_id", &identity.send_id);
        set(map, "message_id", &identity.message_id);
        // It is known once its own templates are rendered, and these can go through all entries.
        set(map, "unsubscribe_url", "");
        if let Some(key) = &self.token_key {
            let (address, of) = match &self.token_for {
                None => (recipient.address.as_ref(), recipient.key.as_str()),
                Some(other) => (other.as_str(), other.as_str()),
            };
            let token = key.token(&self.campaign, &self.run, address, of);
            set(map, "unsubscribe_token", &token);
        }
        if let Some(row) = map.get_mut("row_number") {
            *row = Value::from(recipient.position.row);
        }
    }

    /// The cells of one row; nothing of another row may stay.
    fn fill_row(
        &self,
        map: &mut Map<String, Value>,
        fields: &StringRecord,
        nested: &[(usize, Value)],
    ) {
        let cells = fields.iter().chain(iter::repeat(""));
        for (column, cell) in self.columns.iter().zip(cells) {
            set(map, column, cell);
        }
        for (column, value) in nested {
            if let Some(cell) = self.columns.get(*column).and_then(|name| map.get_mut(name)) {
                cell.clone_from(value);
            }
        }
    }

    /// One of `rows`, with empty cells.
    fn blank_row(&self) -> Value {
        let cells = self.columns.iter();
        let cells = cells.map(|column| (column.clone(), Value::from("")));
        Value::Object(cells.collect())
    }

    /// Makes the context that of a message with this `unsubscribe_url`.
    pub(super) fn link(context: &mut Context, url: &str) {
        if let Value::Object(map) = context.data_mut() {
            set(map, "unsubscribe_url", url);
        }
    }

    /// What the templates of `unsubscribe` see: everything but what they make.
    pub(super) fn sample_without_link(&self) -> Value {
        let mut sample = self.sample();
        if let Value::Object(map) = &mut sample {
            map.remove("unsubscribe_url");
        }
        sample
    }

    /// What every context has, with empty cells: names are checked against it.
    pub(super) fn sample(&self) -> Value {
        let identity = Identity {
            send_id: String::new(),
            message_id: String::new(),
        };
        let mut sample = self.value(iter::repeat(""), 0, &identity);
        let mut row = self.blank_row();
        for column in &self.nested {
            sample[&self.columns[*column]] = Value::Null;
            row[&self.columns[*column]] = Value::Null;
        }
        if self.grouped {
            sample[ROWS] = Value::Array(vec![row]);
        }
        sample
    }

    fn value<'a>(
        &self,
        cells: impl Iterator<Item = &'a str>,
        row: u64,
        identity: &Identity,
    ) -> Value {
        let mut map = self.shared.clone();
        for (column, cell) in self.columns.iter().zip(cells) {
            map.insert(column.clone(), Value::from(cell));
        }
        map.insert("send_id".to_owned(), Value::from(identity.send_id.as_str()));
        map.insert(
            "message_id".to_owned(),
            Value::from(identity.message_id.as_str()),
        );
        map.insert("row_number".to_owned(), Value::from(row));
        Value::Object(map)
    }
}

/// Sets an entry that the context has, in the memory that it has.
fn set(map: &mut Map<String, Value>, name: &str, text: &str) {
    match map.get_mut(name) {
        Some(Value::String(value)) => {
            value.clear();
            value.push_str(text);
        }
        // Another row had more than text there.
        Some(value) => *value = Value::from(text),
        None => {}
    }
}
