//! `[[server]]`: where messages go, and how hard one connection is used.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

use super::Server;
use super::error::Mistake;
use super::section::Section;
use super::url::{Tls, UrlError, parse_server_url};

impl Server {
    /// A server with the defaults of `[[server]]`: STARTTLS, 10 connections, 100 messages or 5 minutes on each, 60 seconds.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Server {
            host: host.into(),
            port,
            tls: Tls::Required,
            allow_plaintext: false,
            ca_file: None,
            login: None,
            connections: 10,
            messages_per_connection: 100,
            connection_lifetime: Duration::from_secs(5 * 60),
            rates: Vec::new(),
            weight: None,
            window: 8,
            timeout: Duration::from_secs(60),
        }
    }

    /// What it is called in messages and in the ledger: `HOST:PORT`, with the user name before it where there is one,
    /// so that two accounts of one provider can be told apart.
    pub fn name(&self) -> String {
        let at = format!("{}:{}", self.host, self.port);
        match &self.login {
            Some(login) => format!("{}@{at}", login.username),
            None => at,
        }
    }
}

impl Default for Server {
    /// "localhost", port 587, and the defaults of `[[server]]`.
    fn default() -> Self {
        Server::new("localhost", 587)
    }
}

/// Every `[[server]]` of the file.
pub(super) fn read(root: &DeTable<'_>) -> Result<Vec<Server>, Mistake> {
    let Some(list) = root.get("server").and_then(|it| it.get_ref().as_array()) else {
        return Ok(Vec::new());
    };
    if let Some(second) = list.get(1) {
        return Err(Mistake::later(second.span(), "a second [[server]]"));
    }
    let sections = list
        .iter()
        .filter_map(|it| Section::table(it, "[[server]]"));
    sections.map(|section| read_one(&section)).collect()
}

fn read_one(section: &Section<'_>) -> Result<Server, Mistake> {
    let Some(written) = section.filled("url")? else {
        return Err(Mistake::new(
            section.span(),
            r#""url" is missing in [[server]]; write url = "smtp://HOST:PORT""#,
        ));
    };
    let wrong_url = |error: UrlError| Mistake::new(written.span(), error);
    let url = parse_server_url(written.get_ref()).map_err(wrong_url)?;
    let tls = section.choice(
        "tls",
        &[
            ("required", Tls::Required),
            ("implicit", Tls::Implicit),
            ("none", Tls::None),
        ],
    )?;
    let mut server = Server::new(url.host.clone(), url.port);
    server.allow_plaintext = section.flag("allow_plaintext")?.unwrap_or(false);
    let span = tls.as_ref().map_or(written.span(), Spanned::span);
    server.tls = url
        .check(tls.map(Spanned::into_inner), server.allow_plaintext)
        .map_err(|error| Mistake::new(span, error))?;
    if let Some(connections) = section.number("connections", 1..=1000)? {
        server.connections = connections;
    }
    if let Some(messages) = section.number("messages_per_connection", 1..=u32::MAX)? {
        server.messages_per_connection = messages;
    }
    if let Some(window) = section.number("window", 1..=16)? {
        server.window = window as usize;
    }
    if let Some(timeout) = section.duration("timeout")? {
        // A socket takes no timeout of zero.
        if timeout.get_ref().is_zero() {
            let text = r#""timeout" in [[server]] must be longer than zero"#;
            return Err(Mistake::new(timeout.span(), text));
        }
        server.timeout = timeout.into_inner();
    }
    Ok(server)
}
