//! A campaign: the folder and its `campaign.toml`, read, resolved and checked.
//!
//! Settings as written become settings with a meaning in three steps, each with the place it speaks of: `schema`
//! knows every key there is, `section` reads one table's values by type, and one file a table (`list`, `content`, `server`
//! with `login` and `provider`, `delivery`, `vars`) checks what they mean. Every error names file, line and column.
//! `overrides` is what the command line says otherwise, `flask_mail` what the environment says in place of `[[server]]`.
//! Must not open sockets or iterate recipients.

mod attachment;
mod content;
mod copies;
mod delivery;
mod dkim;
mod duration;
mod error;
mod fingerprint;
mod flask_mail;
mod header;
mod list;
mod load;
mod login;
mod mailing_list;
mod overrides;
mod provider;
mod rate;
mod run_name;
mod schema;
mod secret;
mod section;
mod server;
#[cfg(test)]
mod tests;
mod url;
mod vars;

pub use error::{CampaignError, Position};
pub use flask_mail::EnvironmentError;
pub use provider::Provider;
pub use rate::{Period, Rate, RateError};
pub use run_name::{RunNameError, valid_run_name};
pub use secret::{ProgramError, Secret, SecretError, SecretSource, Variable};
pub use url::{ServerUrl, Tls, UrlError, parse_server_url};

use std::path::PathBuf;
use std::time::Duration;

use encoding_rs::Encoding;
use lettre::message::Mailbox;

/// A campaign, every setting resolved: paths absolute or relative to the current folder, values checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// The campaign folder, as typed.
    pub dir: PathBuf,
    /// `name`; the folder's name when absent.
    pub name: String,
    /// `run`; "default" when absent.
    pub run: String,
    /// `[recipients]`.
    pub recipients: ListSettings,
    /// `[message]`.
    pub message: MessageSettings,
    /// `[list]`.
    pub list: MailingList,
    /// `[vars]`, as `{{vars.name}}` in every template.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// `[[server]]`, each with another name.
    pub servers: Vec<Server>,
    /// `[delivery]`.
    pub delivery: Delivery,
    /// `[[dkim]]`: each signs.
    pub dkim: Vec<DkimKey>,
}

/// One `[[dkim]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DkimKey {
    /// `domain`, as A-labels.
    pub domain: String,
    /// `selector`: the public key stands at `selector._domainkey.domain`.
    pub selector: String,
    /// The private key, resolved.
    pub key_file: PathBuf,
}

/// `[recipients]`: which list, and what its columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSettings {
    /// The list, resolved against the campaign folder; "-" is standard input.
    pub file: PathBuf,
    /// The sheet of a workbook; `None`: the first.
    pub sheet: Option<String>,
    /// Column with the address; "email" when absent.
    pub address: String,
    /// Column with the display name.
    pub display: Option<String>,
    /// Column that identifies a recipient; `None`: the address does.
    pub key: Option<String>,
    /// Columns in which an empty cell makes the row invalid.
    pub required: Vec<String>,
    /// What a list of text is encoded in; `None`: what its bytes say.
    pub encoding: Option<&'static Encoding>,
    /// What stands between two columns of a list of text; `None`: what its header says.
    pub delimiter: Option<u8>,
    /// What to do with a second row of the same key.
    pub duplicates: Duplicates,
    /// Addresses that differ in case alone are the same, as keys and on suppress lists.
    pub duplicates_ignore_case: bool,
    /// Lists of those who are never mailed, resolved.
    pub suppress: Vec<PathBuf>,
    /// `where`: an expression of CEL that is true of the rows that are meant; `None`: all.
    pub only_where: Option<String>,
    /// Column whose equal cells make several rows one recipient, with `{{#each rows}}`; `None`: each row is one.
    pub group_by: Option<String>,
}

/// What to do with rows whose key an earlier row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// The first row counts, the others are left out.
    Skip,
    /// The list is refused.
    Error,
    /// Every row is mailed, also several to one address; each has a key of its own, or the list is refused.
    Send,
}

/// `[message]`: what is sent. Strings named as templates are Handlebars sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSettings {
    /// `from`.
    pub from: Mailbox,
    /// `reply_to`.
    pub reply_to: Option<Mailbox>,
    /// `to`, a template; `None`: display and address columns.
    pub to: Option<String>,
    /// `cc`: templates, each of which gives one address or nothing.
    pub cc: Vec<String>,
    /// `bcc`: the same.
    pub bcc: Vec<String>,
    /// `subject`, a template.
    pub subject: String,
    /// The HTML template's file, resolved.
    pub html: Option<PathBuf>,
    /// The text template's file, resolved.
    pub text: Option<PathBuf>,
    /// Whether rules of `<style>` go into `style` attributes where they can.
    pub inline_css: bool,
    /// `headers`: names with value templates, in the order of the file.
    pub headers: Vec<(String, String)>,
    /// `envelope_from`, a template; `None`: the From address.
    pub envelope_from: Option<String>,
    /// `attachments`, in the order of the file.
    pub attachments: Vec<Attachment>,
}

/// `[list]`: what makes the messages those of a mailing list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailingList {
    /// `id`, with or without a display name before it in angle brackets.
    pub id: Option<String>,
    /// `unsubscribe`: URLs, templates; each begins with its scheme.
    pub unsubscribe: Vec<String>,
    /// One request to the https URL unsubscribes (RFC 8058).
    pub one_click: bool,
    /// The environment variable with the key that `unsubscribe_token` is signed with.
    pub token_key_env: Option<String>,
}

/// One of `attachments`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// `path`, a template, as written: relative to the campaign folder.
    pub path: String,
    /// `name`, a template; `None`: the path's last part.
    pub name: Option<String>,
    /// `type`, a template; `None`: guessed.
    pub media_type: Option<String>,
}

/// One `[[server]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When TLS begins.
    pub tls: Tls,
    /// The author agreed that everything goes in clear, even beyond this machine.
    pub allow_plaintext: bool,
    /// Certificates that the server's is verified against, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Who logs in, and how; `None`: nobody.
    pub login: Option<Login>,
    /// Connections at most.
    pub connections: usize,
    /// Messages handed to one connection at most before it is replaced.
    pub messages_per_connection: u32,
    /// A connection this old is replaced once nothing is in flight on it.
    pub connection_lifetime: Duration,
    /// What the account may be given, over all its connections; all hold at once.
    pub rates: Vec<Rate>,
    /// The share of the messages, relative to other servers', while all are usable; `None`: as many as it can take.
    pub weight: Option<u32>,
    /// Messages in flight on one connection, where the server offers CHUNKING: 1 to 16.
    pub window: usize,
    /// Connect, and each reply; the reply to the end of a message: ten times as long.
    pub timeout: Duration,
}

/// Who logs in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// `username`.
    pub username: String,
    /// Where the password or the token comes from.
    pub secret: SecretSource,
    /// `auth`; `None`: the best that the server offers.
    pub mechanism: Option<Mechanism>,
}

/// SASL mechanisms (RFC 4422).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardised, and spoken by everybody: user name and password, each when asked for.
    Login,
    /// OAuth 2.0 bearer tokens as Google and Microsoft take them.
    Xoauth2,
}

/// `[delivery]`: how hard to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Attempts for each recipient, the first one counted.
    pub attempts: u16,
    /// Before the second attempt; doubled each time.
    pub first_delay: Duration,
    /// The delay's upper bound.
    pub longest_delay: Duration,
    /// What to do with recipients in doubt.
    pub in_doubt: InDoubt,
    /// Recipients in a row refused for good before the run stops.
    pub stop_after: u32,
    /// No server usable for this long: the run stops.
    pub give_up: Duration,
    /// What a claim survives.
    pub durability: Durability,
}

/// What to do with recipients in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InDoubt {
    /// Leave them until a person says what happened.
    Hold,
    /// Send again, with the same Message-ID.
    Resend,
}

/// What a claim survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power loss: on disk before the message leaves.
    Power,
    /// The death of the process.
    Process,
}
