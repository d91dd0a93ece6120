//! `[[server]]`: where messages go, and how hard one connection is used.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

use super::error::Mistake;
use super::login;
use super::rate::RateError;
use super::section::Section;
use super::url::{ServerUrl, Tls, parse_server_url};
use super::{Provider, Rate, Server};

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

    /// Whether it is the same account: hosts are compared without case, user names as they are.
    fn is_same(&self, other: &Server) -> bool {
        let user = |server: &Server| server.login.as_ref().map(|it| it.username.clone());
        self.host.eq_ignore_ascii_case(&other.host)
            && self.port == other.port
            && user(self) == user(other)
    }
}

impl Default for Server {
    /// "localhost", port 587, and the defaults of `[[server]]`.
    fn default() -> Self {
        Server::new("localhost", 587)
    }
}

/// Every `[[server]]` of the file.
pub(super) fn read(root: &DeTable<'_>, dir: &Path) -> Result<Vec<Server>, Mistake> {
    let Some(list) = root.get("server").and_then(|it| it.get_ref().as_array()) else {
        return Ok(Vec::new());
    };
    let sections = list
        .iter()
        .filter_map(|it| Section::table(it, "[[server]]"));
    let mut servers: Vec<Server> = Vec::new();
    for section in sections {
        let server = read_one(&section, dir)?;
        if servers.iter().any(|earlier| earlier.is_same(&server)) {
            let name = server.name();
            let text = format!(
                "an earlier [[server]] is {name} too; leave one of them out, or let them log in as different users"
            );
            return Err(Mistake::new(section.span(), text));
        }
        servers.push(server);
    }
    Ok(servers)
}

fn read_one(section: &Section<'_>, dir: &Path) -> Result<Server, Mistake> {
    let (url, at, provider) = address(section)?;
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
    server.login = login::read(section, dir, url.username.clone(), at.clone())?;
    if let Some(provider) = provider {
        published(provider, &mut server);
        if server.login.is_none() {
            let text = format!(
                "provider {:?} takes no mail without a login; add username, and password_env = \"VARIABLE\" (or password_file, \
                 password_command, keyring = true)",
                provider.name
            );
            return Err(Mistake::new(at, text));
        }
        if let Some(tls) = tls.as_ref().filter(|it| *it.get_ref() != provider.tls) {
            let (name, word) = (provider.name, provider.tls.word());
            let text = format!(
                "provider {name:?} has tls = {word:?}; leave tls out, or write a url in place of provider"
            );
            return Err(Mistake::new(tls.span(), text));
        }
    }
    let span = tls.as_ref().map_or(at, Spanned::span);
    let tls = tls.map(Spanned::into_inner);
    server.tls = url
        .check(tls, server.allow_plaintext, server.login.is_some())
        .map_err(|error| Mistake::new(span, error))?;
    server.ca_file = ca_file(section, dir)?;
    limits(section, &mut server)?;
    Ok(server)
}

/// Where the server is, by `url` or by `provider`, and where that is written.
fn address(
    section: &Section<'_>,
) -> Result<(ServerUrl, Range<usize>, Option<&'static Provider>), Mistake> {
    match (section.filled("url")?, section.filled("provider")?) {
        (None, None) => Err(Mistake::new(
            section.span(),
            r#""url" is missing in [[server]]; write url = "smtp://HOST:PORT", or provider = "NAME""#,
        )),
        (Some(url), Some(provider)) => {
            let later = url.span().start.max(provider.span().start);
            let text = "url and provider both say which server this is; leave one of them out";
            Err(Mistake::new(later..later, text))
        }
        (Some(written), None) => match parse_server_url(written.get_ref()) {
            Ok(url) => Ok((url, written.span(), None)),
            Err(error) => Err(Mistake::new(written.span(), error)),
        },
        (None, Some(written)) => {
            let (provider, host) = Provider::find(written.get_ref())
                .map_err(|error| Mistake::new(written.span(), error))?;
            let url = ServerUrl {
                host,
                port: provider.port,
                tls: Some(provider.tls),
                username: None,
            };
            Ok((url, written.span(), Some(provider)))
        }
    }
}

/// The limits that the provider publishes, in place of the defaults; what the author writes takes their place in turn.
fn published(provider: &Provider, server: &mut Server) {
    server.connections = provider.connections.unwrap_or(server.connections);
    server.rates = provider.rates.to_vec();
    if let Some(messages) = provider.messages_per_connection {
        server.messages_per_connection = messages;
    }
}

fn ca_file(section: &Section<'_>, dir: &Path) -> Result<Option<PathBuf>, Mistake> {
    let Some(written) = section.filled("ca_file")? else {
        return Ok(None);
    };
    let file = dir.join(written.get_ref());
    if !file.is_file() {
        let text = format!(
            "there is no file \"{}\"; put the certificates of the server's authority there, as PEM",
            file.display()
        );
        return Err(Mistake::new(written.span(), text));
    }
    Ok(Some(file))
}

/// How hard the server is used.
fn limits(section: &Section<'_>, server: &mut Server) -> Result<(), Mistake> {
    if let Some(connections) = section.number("connections", 1..=1000)? {
        server.connections = connections;
    }
    if let Some(messages) = section.number("messages_per_connection", 1..=u32::MAX)? {
        server.messages_per_connection = messages;
    }
    if let Some(lifetime) = some_time(section, "connection_lifetime")? {
        server.connection_lifetime = lifetime;
    }
    if section.value("rate").is_some() {
        server.rates = rates(section)?;
    }
    server.weight = section.number("weight", 1..=1000)?;
    if let Some(window) = section.number("window", 1..=16)? {
        server.window = window as usize;
    }
    // A socket takes no timeout of zero.
    if let Some(timeout) = some_time(section, "timeout")? {
        server.timeout = timeout;
    }
    Ok(())
}

/// A duration that is longer than zero.
fn some_time(section: &Section<'_>, key: &str) -> Result<Option<Duration>, Mistake> {
    match section.duration(key)? {
        Some(time) if time.get_ref().is_zero() => {
            let text = format!("{} must be longer than zero", section.name(key));
            Err(Mistake::new(time.span(), text))
        }
        time => Ok(time.map(Spanned::into_inner)),
    }
}

/// `rate`: one, or a list of which all hold at once; an empty list is none.
fn rates(section: &Section<'_>) -> Result<Vec<Rate>, Mistake> {
    let written = section.one_or_more("rate")?.into_iter();
    let read = written.map(|text| {
        text.get_ref().parse().map_err(|error: RateError| {
            let name = section.name("rate");
            Mistake::new(text.span(), format_args!("{name}: {error}"))
        })
    });
    read.collect()
}
