//! The environment as Flask-Mail users know it, for a campaign without `[[server]]`.
//!
//! Flask-Mail takes its settings from Python, where an application has read them from the environment in its own way; here
//! they are read from the variables of the same names. A variable that is empty is as one that is not set.

use std::ops::RangeInclusive;

use lettre::message::Mailbox;

use super::content::one_address;
use super::secret::Variable;
use super::url::{Tls, is_host_name, is_loopback, is_user_name};
use super::{Campaign, Login, SecretSource, Server};

/// The variables that say which server it is: where one of them is set, there is a server.
const SERVER: &[&str] = &[
    "MAIL_SERVER",
    "MAIL_PORT",
    "MAIL_USE_TLS",
    "MAIL_USE_SSL",
    "MAIL_USERNAME",
    "MAIL_PASSWORD",
];

/// What is wrong in the environment. A password is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// Not text.
    #[error("{0} in the environment is not UTF-8 text")]
    Text(&'static str),
    /// Neither true nor false.
    #[error("{0} in the environment must be true or false, not {1:?}")]
    Flag(&'static str, String),
    /// Not a number within its range.
    #[error("{0} in the environment must be a number from {1} to {2}, not {3:?}")]
    Number(&'static str, u32, u32, String),
    /// No host.
    #[error(
        "MAIL_SERVER in the environment is {0:?}, which is not a host name or an address; the port is MAIL_PORT's"
    )]
    Host(String),
    /// STARTTLS and TLS from the start.
    #[error(
        "MAIL_USE_TLS (STARTTLS) and MAIL_USE_SSL (TLS from the start) in the environment cannot both be true; set one of \
         them to false"
    )]
    BothTls,
    /// In clear to another machine.
    #[error(
        "MAIL_SERVER in the environment is {0:?}, to which everything would go in clear; set MAIL_USE_TLS=true, most often with \
         MAIL_PORT=587, or MAIL_USE_SSL=true with MAIL_PORT=465 (for a server without TLS write [[server]], with \
         allow_plaintext = true)"
    )]
    Clear(String),
    /// A user who has no password.
    #[error(
        "MAIL_USERNAME is in the environment without MAIL_PASSWORD; set that too, or unset MAIL_USERNAME"
    )]
    NoPassword,
    /// A password that is nobody's.
    #[error(
        "MAIL_PASSWORD is in the environment without MAIL_USERNAME; set that too, or unset MAIL_PASSWORD"
    )]
    NoUsername,
    /// A user name with a control character.
    #[error("MAIL_USERNAME in the environment has a control character; leave it out")]
    Username,
    /// Not an address.
    #[error(
        "MAIL_DEFAULT_SENDER in the environment must be one address, such as \"ACME News <news@acme.example>\", not {0:?}"
    )]
    Sender(String),
    /// Sending is switched off.
    #[error(
        "MAIL_SUPPRESS_SEND in the environment says that nothing may be sent; look at the messages with --dry-run DIR or \
         --sandbox, or unset it"
    )]
    Suppressed,
}

impl Campaign {
    /// Where the campaign has no `[[server]]`: refuses to send when `MAIL_SUPPRESS_SEND` says so. Flask-Mail then lets
    /// messages disappear in silence; a campaign that seems to be sent is no good.
    ///
    /// # Errors
    /// That it says so, or what it says that is neither yes nor no.
    pub fn check_suppressed(&self, variable: Variable<'_>) -> Result<(), EnvironmentError> {
        if self.servers.is_empty() && flag(variable, "MAIL_SUPPRESS_SEND")? {
            return Err(EnvironmentError::Suppressed);
        }
        Ok(())
    }

    /// Where the campaign has no `[[server]]`: sends through the one that the environment names, if it does.
    ///
    /// # Errors
    /// The first thing that is wrong in it; nothing is changed then.
    pub fn use_environment(&mut self, variable: Variable<'_>) -> Result<(), EnvironmentError> {
        if self.servers.is_empty() {
            self.servers.extend(server(variable)?);
        }
        Ok(())
    }
}

/// `MAIL_DEFAULT_SENDER`.
pub(super) fn sender(variable: Variable<'_>) -> Result<Option<Mailbox>, EnvironmentError> {
    let Some(text) = text(variable, "MAIL_DEFAULT_SENDER")? else {
        return Ok(None);
    };
    match one_address(text.trim()) {
        Some(sender) => Ok(Some(sender)),
        None => Err(EnvironmentError::Sender(text)),
    }
}

fn server(variable: Variable<'_>) -> Result<Option<Server>, EnvironmentError> {
    let set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    if !SERVER.iter().any(set) {
        return Ok(None);
    }
    let host = text(variable, "MAIL_SERVER")?.unwrap_or_else(|| "localhost".to_owned());
    if !is_host_name(&host) && host.parse::<std::net::IpAddr>().is_err() {
        return Err(EnvironmentError::Host(host));
    }
    let port = number(variable, "MAIL_PORT", 1..=u32::from(u16::MAX))?;
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(25);
    let (starttls, ssl) = (
        flag(variable, "MAIL_USE_TLS")?,
        flag(variable, "MAIL_USE_SSL")?,
    );
    let tls = match (starttls, ssl) {
        (true, true) => return Err(EnvironmentError::BothTls),
        (true, false) => Tls::Required,
        (false, true) => Tls::Implicit,
        (false, false) if is_loopback(&host) => Tls::None,
        (false, false) => return Err(EnvironmentError::Clear(host)),
    };
    let mut server = Server {
        tls,
        login: login(variable)?,
        ..Server::new(host, port)
    };
    if let Some(messages) = number(variable, "MAIL_MAX_EMAILS", 1..=u32::MAX)? {
        server.messages_per_connection = messages;
    }
    Ok(Some(server))
}

/// The password itself is asked for when it is needed.
fn login(variable: Variable<'_>) -> Result<Option<Login>, EnvironmentError> {
    let password = "MAIL_PASSWORD";
    let has_password = variable(password).is_some_and(|it| !it.is_empty());
    match (text(variable, "MAIL_USERNAME")?, has_password) {
        (None, false) => Ok(None),
        (None, true) => Err(EnvironmentError::NoUsername),
        (Some(_), false) => Err(EnvironmentError::NoPassword),
        (Some(username), true) if !is_user_name(&username) => Err(EnvironmentError::Username),
        (Some(username), true) => Ok(Some(Login {
            username,
            secret: SecretSource::Env(password.to_owned()),
            mechanism: None,
        })),
    }
}

/// A variable that is set and has something in it.
fn text(variable: Variable<'_>, name: &'static str) -> Result<Option<String>, EnvironmentError> {
    match variable(name).map(|value| value.into_string()) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(Err(_)) => Err(EnvironmentError::Text(name)),
    }
}

/// True or false, as Python, JSON, shells and people write it; false when it is not set.
fn flag(variable: Variable<'_>, name: &'static str) -> Result<bool, EnvironmentError> {
    let Some(text) = text(variable, name)? else {
        return Ok(false);
    };
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" | "none" => Ok(false),
        _ => Err(EnvironmentError::Flag(name, text)),
    }
}

fn number(
    variable: Variable<'_>,
    name: &'static str,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, EnvironmentError> {
    let Some(text) = text(variable, name)? else {
        return Ok(None);
    };
    // `parse` alone would take "+25".
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|it| digits && range.contains(it));
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(EnvironmentError::Number(
            name,
            *range.start(),
            *range.end(),
            text,
        )),
    }
}
