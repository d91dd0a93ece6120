//! Every key of `campaign.toml` that there is: each either known now, or promised and not there yet.
//!
//! Knows names only; what a value must be is said where it is read.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Mistake;

/// A key's name, and whether this version has it.
struct Key(&'static str, Ready);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ready {
    Now,
    Later,
}
use Ready::{Later, Now};

/// A table of the file.
struct Table {
    name: &'static str,
    ready: Ready,
    /// Written `[[name]]`, once or more often.
    many: bool,
    /// `None`: any key.
    keys: Option<&'static [Key]>,
}

const TOP: &[Key] = &[Key("name", Now), Key("run", Now)];

const TABLES: &[Table] = &[
    Table {
        name: "recipients",
        ready: Now,
        many: false,
        keys: Some(&[
            Key("file", Now),
            Key("sheet", Now),
            Key("address", Now),
            Key("display", Now),
            Key("key", Now),
            Key("required", Now),
            Key("encoding", Now),
            Key("delimiter", Now),
            Key("duplicates", Now),
            Key("duplicates_ignore_case", Now),
            Key("suppress", Now),
            Key("where", Now),
            Key("group_by", Now),
        ]),
    },
    Table {
        name: "message",
        ready: Now,
        many: false,
        keys: Some(&[
            Key("from", Now),
            Key("reply_to", Now),
            Key("to", Now),
            Key("cc", Now),
            Key("bcc", Now),
            Key("subject", Now),
            Key("html", Now),
            Key("text", Now),
            Key("inline_css", Now),
            Key("attachments", Now),
            Key("headers", Now),
            Key("envelope_from", Now),
        ]),
    },
    Table {
        name: "list",
        ready: Now,
        many: false,
        keys: Some(&[
            Key("id", Now),
            Key("unsubscribe", Now),
            Key("one_click", Now),
            Key("token_key_env", Now),
        ]),
    },
    Table {
        name: "vars",
        ready: Now,
        many: false,
        keys: None,
    },
    Table {
        name: "server",
        ready: Now,
        many: true,
        keys: Some(&[
            Key("url", Now),
            Key("provider", Now),
            Key("username", Now),
            Key("password_env", Now),
            Key("password_file", Now),
            Key("password_command", Now),
            Key("keyring", Now),
            Key("auth", Now),
            Key("tls", Now),
            Key("allow_plaintext", Now),
            Key("ca_file", Now),
            Key("connections", Now),
            Key("messages_per_connection", Now),
            Key("connection_lifetime", Now),
            Key("rate", Now),
            Key("weight", Now),
            Key("timeout", Now),
            Key("window", Now),
        ]),
    },
    Table {
        name: "delivery",
        ready: Now,
        many: false,
        keys: Some(&[
            Key("attempts", Now),
            Key("first_delay", Now),
            Key("longest_delay", Now),
            Key("in_doubt", Now),
            Key("stop_after", Now),
            Key("give_up", Now),
            Key("durability", Now),
        ]),
    },
    Table {
        name: "dkim",
        ready: Now,
        many: true,
        keys: Some(&[
            Key("domain", Now),
            Key("selector", Now),
            Key("key_file", Now),
        ]),
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
        } else if !TOP.iter().any(|Key(known, _)| *known == key) {
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
    if table.ready == Later {
        mistakes.push(Mistake::later(span, title));
        return;
    }
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
        match keys.iter().find(|Key(known, _)| *known == key) {
            Some(Key(_, Now)) => {}
            Some(Key(_, Later)) => mistakes.push(Mistake::later(
                name.span(),
                format_args!("{key:?} in {}", table.title()),
            )),
            None => mistakes.push(Mistake::new(
                name.span(),
                format_args!(
                    "unknown key {key:?} in {}{}",
                    table.title(),
                    hint_in(keys, key)
                ),
            )),
        }
    }
}

/// For an unknown key within a table: where it belongs, or what it may have been meant to be.
fn hint_in(keys: &[Key], written: &str) -> String {
    if TOP.iter().any(|Key(name, _)| *name == written) {
        return "; it belongs at the top of the file, before every [table]".to_owned();
    }
    home_of(written)
        .or_else(|| {
            let names = keys.iter().map(|Key(name, _)| *name);
            nearest(written, names).map(|name| format!("; did you mean {name:?}?"))
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
        let mut keys = table.keys.unwrap_or_default().iter();
        keys.any(|Key(name, _)| *name == written)
    };
    let table = TABLES.iter().find(has)?;
    Some(format!("; it belongs in {}", table.title()))
}

fn nearest_at_top(written: &str) -> String {
    let tables = TABLES.iter().map(|table| table.name);
    let names = TOP.iter().map(|Key(name, _)| *name).chain(tables);
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
    fn what_is_promised_says_so() {
        let later = |what: &str| {
            format!("{what} is not there yet in this version of mailrun; leave it out")
        };
        assert_eq!(
            mistake("[message]\ninline_css = true"),
            (10, later(r#""inline_css" in [message]"#))
        );
        for table in TABLES {
            for Key(key, ready) in table.keys.unwrap_or_default() {
                let title = table.title();
                let source = format!("{title}\n{key} = 1");
                let document = DeTable::parse(&source).unwrap();
                let expected = match ready {
                    Now => Ok(()),
                    Later => Err(later(&format!("{key:?} in {title}"))),
                };
                let got = check(document.get_ref()).map_err(|mistake| mistake.text);
                assert_eq!(got, expected);
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
