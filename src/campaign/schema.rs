//! Every key of `campaign.toml` that there is.
//!
//! Knows names only; what a value must be is said where it is read.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Mistake;

/// A table of the file.
struct Table {
    name: &'static str,
    /// Written `[[name]]`, once or more often.
    many: bool,
    /// `None`: any key.
    keys: Option<&'static [&'static str]>,
}

const TOP: &[&str] = &["name", "run"];

const TABLES: &[Table] = &[
    Table {
        name: "recipients",
        many: false,
        keys: Some(&[
            "file",
            "sheet",
            "address",
            "display",
            "key",
            "required",
            "encoding",
            "delimiter",
            "duplicates",
            "duplicates_ignore_case",
            "suppress",
            "where",
            "group_by",
        ]),
    },
    Table {
        name: "message",
        many: false,
        keys: Some(&[
            "from",
            "reply_to",
            "to",
            "cc",
            "bcc",
            "subject",
            "html",
            "text",
            "inline_css",
            "attachments",
            "headers",
            "envelope_from",
        ]),
    },
    Table {
        name: "list",
        many: false,
        keys: Some(&["id", "unsubscribe", "one_click", "token_key_env"]),
    },
    Table {
        name: "vars",
        many: false,
        keys: None,
    },
    Table {
        name: "server",
        many: true,
        keys: Some(&[
            "url",
            "provider",
            "username",
            "password_env",
            "password_file",
            "password_command",
            "keyring",
            "auth",
            "tls",
            "allow_plaintext",
            "ca_file",
            "connections",
            "messages_per_connection",
            "connection_lifetime",
            "rate",
            "weight",
            "timeout",
            "window",
        ]),
    },
    Table {
        name: "delivery",
        many: false,
        keys: Some(&[
            "attempts",
            "first_delay",
            "longest_delay",
            "in_doubt",
            "stop_after",
            "give_up",
            "durability",
        ]),
    },
    Table {
        name: "dkim",
        many: true,
        keys: Some(&["domain", "selector", "key_file"]),
    },
];

impl Table {
    /// As it is written in the file.
    fn title(&self) -> String {
        match self.many {
            true => format!("[[{}]]", self.name),
            false => format!("[{}]", self.name),
        }
    }
}

/// Checks every table and key of the file by name; the first mistake in it is the one that is told.
pub(super) fn check(root: &DeTable<'_>) -> Result<(), Mistake> {
    let mut mistakes = Vec::new();
    for (name, value) in root {
        let key = name.get_ref().as_ref();
        if let Some(table) = TABLES.iter().find(|table| table.name == key) {
            check_table(table, name.span(), value, &mut mistakes);
        } else if !TOP.contains(&key) {
            let text = match value.get_ref() {
                DeValue::Table(_) => format!("unknown table [{key}]{}", nearest_at_top(key)),
                _ => format!("unknown key {key:?}{}", hint_at_top(key)),
            };
            mistakes.push(Mistake::new(name.span(), text));
        }
    }
    match mistakes.into_iter().min_by_key(|mistake| mistake.at) {
        Some(first) => Err(first),
        None => Ok(()),
    }
}

fn check_table(
    table: &Table,
    span: std::ops::Range<usize>,
    value: &Spanned<DeValue<'_>>,
    mistakes: &mut Vec<Mistake>,
) {
    let title = table.title();
    match (value.get_ref(), table.many) {
        // One key is most often all there is.
        (DeValue::Table(keys), true) if table.name == "dkim" => check_keys(table, keys, mistakes),
        (DeValue::Table(keys), false) => check_keys(table, keys, mistakes),
        (DeValue::Array(items), true)
            if items.iter().all(|item| item.get_ref().as_table().is_some()) =>
        {
            let keys = items.iter().filter_map(|item| item.get_ref().as_table());
            keys.for_each(|keys| check_keys(table, keys, mistakes));
        }
        (_, true) => mistakes.push(Mistake::new(
            span,
            format_args!("{:?} is a list of tables; write it {title}", table.name),
        )),
        (_, false) => mistakes.push(Mistake::new(
            span,
            format_args!("{:?} is one table; write it {title}", table.name),
        )),
    }
}

fn check_keys(table: &Table, written: &DeTable<'_>, mistakes: &mut Vec<Mistake>) {
    let Some(keys) = table.keys else { return };
    for name in written.keys() {
        let key = name.get_ref().as_ref();
        if !keys.contains(&key) {
            let (title, hint) = (table.title(), hint_in(keys, key));
            let text = format_args!("unknown key {key:?} in {title}{hint}");
            mistakes.push(Mistake::new(name.span(), text));
        }
    }
}

/// For an unknown key within a table: where it belongs, or what it may have been meant to be.
fn hint_in(keys: &[&'static str], written: &str) -> String {
    if TOP.contains(&written) {
        return "; it belongs at the top of the file, before every [table]".to_owned();
    }
    home_of(written)
        .or_else(|| {
            nearest(written, keys.iter().copied()).map(|name| format!("; did you mean {name:?}?"))
        })
        .unwrap_or_default()
}

/// For an unknown key at the top.
fn hint_at_top(written: &str) -> String {
    home_of(written).unwrap_or_else(|| nearest_at_top(written))
}

/// A key of another table, most likely below the wrong header.
fn home_of(written: &str) -> Option<String> {
    let has = |table: &&Table| {
        let keys = table.keys.unwrap_or_default();
        keys.contains(&written)
    };
    let table = TABLES.iter().find(has)?;
    Some(format!("; it belongs in {}", table.title()))
}

fn nearest_at_top(written: &str) -> String {
    let tables = TABLES.iter().map(|table| table.name);
    let names = TOP.iter().copied().chain(tables);
    let Some(name) = nearest(written, names) else {
        return String::new();
    };
    match TABLES.iter().find(|table| table.name == name) {
        Some(table) => format!("; did you mean {}?", table.title()),
        None => format!("; did you mean {name:?}?"),
    }
}

/// The nearest name, when it is near enough to have been meant: one slip in three characters.
pub(super) fn nearest(
    written: &str,
    names: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let written = written.to_lowercase().replace('-', "_");
    names
        .map(|name| (strsim::osa_distance(&written, name), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mistake(source: &str) -> (usize, String) {
        let document = DeTable::parse(source).unwrap();
        let mistake = check(document.get_ref()).unwrap_err();
        (mistake.at, mistake.text)
    }

    #[test]
    fn each_unknown_name_with_its_hint() {
        for (source, at, text) in [
            ("nam = 1", 0, r#"unknown key "nam"; did you mean "name"?"#),
            ("zebra = 1", 0, r#"unknown key "zebra""#),
            (
                "attempts = 1",
                0,
                r#"unknown key "attempts"; it belongs in [delivery]"#,
            ),
            (
                "[recipient]",
                1,
                "unknown table [recipient]; did you mean [recipients]?",
            ),
            (
                "[servers]",
                1,
                "unknown table [servers]; did you mean [[server]]?",
            ),
            ("[zebra]", 1, "unknown table [zebra]"),
            (
                "[recipients]\nadress = 1",
                13,
                r#"unknown key "adress" in [recipients]; did you mean "address"?"#,
            ),
            (
                "[message]\nReply-To = 1",
                10,
                r#"unknown key "Reply-To" in [message]; did you mean "reply_to"?"#,
            ),
            (
                "[message]\nrun = 1",
                10,
                r#"unknown key "run" in [message]; it belongs at the top of the file, before every [table]"#,
            ),
            (
                "[message]\nfile = 1",
                10,
                r#"unknown key "file" in [message]; it belongs in [recipients]"#,
            ),
            (
                "server = [{url = 1}, {conections = 1}]",
                22,
                r#"unknown key "conections" in [[server]]; did you mean "connections"?"#,
            ),
            (
                "[server]",
                1,
                r#""server" is a list of tables; write it [[server]]"#,
            ),
            (
                "server = [1]",
                0,
                r#""server" is a list of tables; write it [[server]]"#,
            ),
            (
                "[[message]]",
                2,
                r#""message" is one table; write it [message]"#,
            ),
            ("vars = 1", 0, r#""vars" is one table; write it [vars]"#),
        ] {
            assert_eq!(mistake(source), (at, text.to_owned()), "{source}");
        }
    }

    #[test]
    fn every_key_is_known_where_it_belongs() {
        for table in TABLES {
            for key in table.keys.unwrap_or_default() {
                let source = format!("{}\n{key} = 1", table.title());
                let document = DeTable::parse(&source).unwrap();
                assert_eq!(check(document.get_ref()).map_err(|it| it.text), Ok(()));
            }
        }
    }

    #[test]
    fn the_first_mistake_of_the_file_is_told() {
        let (at, text) = mistake("[recipients]\nzzz = 1\naaa = 1\n[a]");
        assert_eq!(
            (at, text.as_str()),
            (13, r#"unknown key "zzz" in [recipients]"#)
        );
    }
}
