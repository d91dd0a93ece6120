//! Whole campaigns on disk: what they are read as, and every error with its whole text.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

mod flask_mail;
mod loaded;
mod overrides;
mod places;
mod providers;
mod servers;
mod values;

/// The least that a campaign must say.
const LEAST: &str = "[message]\nfrom = 'a@b.example'\nsubject = 's'\n";

/// A campaign folder with a list and a text template, its settings being `toml`.
fn folder(toml: impl AsRef<[u8]>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("campaign.toml"), toml).unwrap();
    fs::write(dir.path().join("recipients.csv"), "email\n").unwrap();
    fs::write(dir.path().join("message.txt.hbs"), "hello").unwrap();
    dir
}

fn load(toml: &str) -> Campaign {
    Campaign::load(folder(toml).path()).unwrap()
}

/// The error's text, the folder's path written as `c`.
fn said(dir: &Path, result: Result<Campaign, CampaignError>) -> String {
    let text = result.unwrap_err().to_string();
    text.replace(&dir.display().to_string(), "c")
}

fn error(toml: impl AsRef<[u8]>) -> String {
    let dir = folder(toml);
    said(dir.path(), Campaign::load(dir.path()))
}

/// Each settings text below [`LEAST`], with the error from `4:` or further down on.
fn assert_errors(table: &[(&str, &str)]) {
    for (toml, expected) in table {
        let toml = format!("{LEAST}{toml}");
        assert_eq!(
            error(&toml),
            format!("c/campaign.toml:{expected}"),
            "{toml}"
        );
    }
}

/// `[[server]]` settings that begin on line 5, with the error they come to.
fn assert_server_errors(table: &[(&str, &str)]) {
    let errors: Vec<_> = table
        .iter()
        .map(|(toml, expected)| (format!("[[server]]\n{toml}"), *expected))
        .collect();
    let errors: Vec<_> = errors
        .iter()
        .map(|(toml, it)| (toml.as_str(), *it))
        .collect();
    assert_errors(&errors);
}

fn clear(host: &str, port: u16) -> Server {
    Server {
        tls: Tls::None,
        ..Server::new(host, port)
    }
}

fn login(username: &str, secret: SecretSource) -> Option<Login> {
    Some(Login {
        username: username.to_owned(),
        secret,
        mechanism: None,
    })
}

fn variable(name: &str) -> SecretSource {
    SecretSource::Env(name.to_owned())
}
