//! Whole messages: their bytes, and what holds for the bytes whatever is in the cells.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::Duration;

use super::{Builder, Enclosed, Identity, Message, Part, Refusal, Text};
use crate::campaign::{
    Campaign, Delivery, Durability, InDoubt, ListSettings, MailingList, MessageSettings,
};
use crate::recipients::{Position, Recipient};
use crate::render::Rendered;

mod copies;
mod golden;
mod international;
mod properties;
mod refused;

const DATE: &str = "Fri, 20 Nov 2026 12:00:00 +0000";

/// A campaign with a plain From and the given own headers.
fn campaign(headers: &[&str]) -> Campaign {
    Campaign {
        dir: PathBuf::from("."),
        name: "November".to_owned(),
        run: "2026-11".to_owned(),
        recipients: ListSettings {
            display: Some("name".to_owned()),
            ..ListSettings::new("recipients.csv")
        },
        message: MessageSettings {
            from: "ACME News <news@acme.example>".parse().unwrap(),
            reply_to: None,
            to: None,
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: String::new(),
            html: None,
            text: None,
            inline_css: true,
            headers: headers
                .iter()
                .map(|name| ((*name).to_owned(), String::new()))
                .collect(),
            envelope_from: None,
            attachments: Vec::new(),
        },
        list: MailingList::default(),
        vars: serde_json::Map::new(),
        servers: Vec::new(),
        delivery: Delivery {
            attempts: 4,
            first_delay: Duration::from_secs(30),
            longest_delay: Duration::from_secs(1800),
            in_doubt: InDoubt::Hold,
            stop_after: 25,
            give_up: Duration::from_secs(900),
            durability: Durability::Power,
        },
        dkim: Vec::new(),
    }
}

/// A recipient with the cells `email`, `name` and `note`.
fn recipient(name: &str, note: &str) -> Recipient {
    Recipient {
        key: "jane@a.example".to_owned(),
        address: "jane@a.example".parse().unwrap(),
        display: Some(name.to_owned()).filter(|name| !name.is_empty()),
        position: Position { row: 7, line: 8 },
        fields: csv::StringRecord::from(vec!["jane@a.example", name, note]),
        nested: Vec::new(),
        others: Vec::new(),
    }
}

fn rendered(subject: &str, text: Option<&str>, html: Option<&str>) -> Rendered {
    Rendered {
        to: None,
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: subject.into(),
        headers: Vec::new(),
        envelope_from: None,
        html: html.map(Text::from),
        text: text.map(Text::from),
        unsubscribe: Vec::new(),
        attachments: Vec::new(),
    }
}

fn identity() -> Identity {
    Identity::of("November", "2026-11", "jane@a.example", "acme.example")
}

fn build(
    campaign: &Campaign,
    recipient: &Recipient,
    rendered: Rendered,
) -> Result<Message, Refusal> {
    let columns = ["email", "name", "note"].map(str::to_owned);
    Builder::new(campaign)
        .unwrap()
        .with_columns(&columns)
        .build(recipient, &identity(), &rendered, Enclosed::default(), DATE)
}

/// The whole content.
fn wire(message: &Message) -> String {
    let bytes = message
        .content
        .iter()
        .flat_map(Part::bytes)
        .copied()
        .collect();
    String::from_utf8(bytes).unwrap()
}
