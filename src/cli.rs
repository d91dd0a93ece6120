//! What was typed. Touches no file and no socket.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use lettre::Address;

use crate::campaign::Rate;
use crate::dns::system::typed as name_server;
use crate::exit;
use crate::recipients::parse_address;

/// Mail merge from the command line: nothing lost, nobody mailed twice.
#[derive(Debug, Parser)]
#[command(name = "mailrun", version, after_help = exit::HELP, term_width = 80)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a small campaign to begin with
    #[command(after_help = exit::INIT_HELP)]
    Init(Init),
    /// Send a campaign; repeat it to go on where it stopped
    #[command(after_help = exit::HELP)]
    Send(Send),
    /// Render and build every message, say what was found, send nothing
    #[command(after_help = exit::CHECK_HELP)]
    Check(Check),
    /// Say what the ledger knows of a run
    #[command(after_help = exit::READING_HELP)]
    Status(Status),
    /// List every recipient with what became of it, as CSV or JSON lines
    #[command(after_help = exit::READING_HELP)]
    Results(Results),
    /// Settle recipients that are in doubt, once you looked them up
    #[command(after_help = exit::RESOLVE_HELP)]
    Resolve(Resolve),
    /// Make keys for DKIM signatures
    #[command(subcommand)]
    Dkim(Dkim),
    /// Check tokens of unsubscribe links
    #[command(subcommand)]
    Token(Token),
    /// Anything else: said to be unknown, or not there yet
    #[command(external_subcommand)]
    Other(Vec<String>),
}

/// Commands that are planned and not there yet.
pub const LATER_COMMANDS: &[&str] = &["preview", "report", "worker", "completions", "man"];

/// Options of `send` that are planned and not there yet.
pub const LATER_OPTIONS: &[&str] = &["--at", "--ledger"];

/// `mailrun init`
#[derive(Debug, Args)]
pub struct Init {
    /// The folder, which is made; nothing is overwritten
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// One of the campaigns that mailrun comes with, such as newsletter, in place of a small one
    #[arg(long, value_name = "NAME")]
    pub example: Option<String>,
}

/// `mailrun send`
#[derive(Debug, Args)]
pub struct Send {
    /// The campaign's folder
    pub campaign: PathBuf,
    /// Write each message as an .eml file into DIR, byte for byte as it would be sent; send nothing
    #[arg(long, value_name = "DIR", conflicts_with = "sandbox")]
    pub dry_run: Option<PathBuf>,
    /// Send into a mail server inside this process, which stores the messages in CAMPAIGN/sandbox
    #[arg(long, conflicts_with = "server")]
    pub sandbox: bool,
    /// Send the message of the first row (of the first N by --limit, of others by --only) to ADDR alone, as a test: whoever its fields name gets nothing, and no ledger is written
    #[arg(long, value_name = "ADDR", value_parser = address, conflicts_with_all = ["dry_run", "in_doubt"])]
    pub test_to: Option<Address>,
    /// The run: names the ledger; a new name mails everyone again [default: the campaign's run]
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// Another list in place of the campaign's
    #[arg(long, value_name = "FILE")]
    pub recipients: Option<PathBuf>,
    /// Mail the next N recipients that are due, and no more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Mail only the recipient with this key (repeatable)
    #[arg(long, value_name = "KEY", conflicts_with = "limit")]
    pub only: Vec<String>,
    /// Another server in place of the campaign's: smtp://USER@HOST:PORT (STARTTLS, port 587 when left out) or smtps:// (TLS from the start, 465); with ?tls=none behind it, plain SMTP. The campaign's login goes along to its own host, or where USER is named
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Connections at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub connections: Option<u16>,
    /// Messages at most in a time, in place of every server's own: N/s, N/min, N/h or N/day (repeatable: all hold at once)
    #[arg(long, value_name = "R")]
    pub rate: Vec<Rate>,
    /// Who is in doubt: hold leaves them alone, resend mails them again, with the same Message-ID [default: the campaign's in_doubt]
    #[arg(
        long,
        value_name = "hold|resend",
        value_enum,
        hide_possible_values = true
    )]
    pub in_doubt: Option<Doubtful>,
    /// When a quota is used up, wait until there is more of it [default: stop]
    #[arg(long)]
    pub wait: bool,
    /// Print one JSON object with the counts at the end
    #[arg(long)]
    pub json: bool,
    /// Say nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
    /// Say when connections are opened and closed, with TLS and logins; twice: show the SMTP conversation, secrets masked
    #[arg(long, short, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Write the SMTP conversation of all connections into FILE, secrets masked
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub trace: Option<PathBuf>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// An address as the list's are judged.
fn address(text: &str) -> Result<Address, String> {
    parse_address(text).map(|(_, address)| address)
}

/// `mailrun check`
#[derive(Debug, Args)]
pub struct Check {
    /// The campaign's folder
    pub campaign: PathBuf,
    /// The run [default: the campaign's run]
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// Check what `send --sandbox` would do, which needs no server
    #[arg(long)]
    pub sandbox: bool,
    /// Another list in place of the campaign's
    #[arg(long, value_name = "FILE")]
    pub recipients: Option<PathBuf>,
    /// Connect to each server, log in, say what it offers, and leave; no message is sent
    #[arg(long, conflicts_with = "sandbox")]
    pub connect: bool,
    /// Ask the DNS whether receivers will believe the sender (SPF, DKIM, DMARC), and whether the recipients' domains take mail; a minute at most
    #[arg(long)]
    pub dns: bool,
    /// The name server to ask, in place of the system's
    #[arg(long, value_name = "IP[:PORT]", requires = "dns", value_parser = name_server)]
    pub dns_server: Option<SocketAddr>,
    /// Another server in place of the campaign's, as for send
    #[arg(long, value_name = "URL", conflicts_with = "sandbox")]
    pub server: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `mailrun status`
#[derive(Debug, Args)]
pub struct Status {
    /// The campaign's folder
    pub campaign: PathBuf,
    /// Which ledger
    #[command(flatten)]
    pub which: Which,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Where the ledger is damaged: write a repaired copy beside it, say what was dropped, and print how the run stands by it
    #[arg(long)]
    pub repair: bool,
}

/// `mailrun results`
#[derive(Debug, Args)]
pub struct Results {
    /// The campaign's folder
    pub campaign: PathBuf,
    /// Which ledger
    #[command(flatten)]
    pub which: Which,
    /// Only recipients in these states (accepted, failed, deferred, in_doubt, invalid, suppressed, duplicate, remaining)
    #[arg(
        long,
        value_name = "S",
        value_delimiter = ',',
        hide_possible_values = true
    )]
    pub state: Vec<ListedState>,
    /// csv: the list's own columns, then mailrun's; jsonl: one JSON object a recipient
    #[arg(long, value_enum, default_value = "csv", hide_possible_values = true)]
    pub format: Format,
}

/// `mailrun resolve`
#[derive(Debug, Args)]
pub struct Resolve {
    /// The campaign's folder
    pub campaign: PathBuf,
    /// Their keys; without any, everybody in doubt
    pub keys: Vec<String>,
    /// sent: the server has the message, they are accepted and never mailed again; unsent: it has not, the next send mails them
    #[arg(
        long = "as",
        value_name = "sent|unsent",
        value_enum,
        hide_possible_values = true
    )]
    pub verdict: Verdict,
    /// Which ledger
    #[command(flatten)]
    pub which: Which,
}

/// `mailrun dkim`
#[derive(Debug, Subcommand)]
pub enum Dkim {
    /// Make a private key, and print the DNS record that lets others verify its signatures
    #[command(after_help = exit::KEYGEN_HELP)]
    Keygen(Keygen),
}

/// `mailrun dkim keygen`
#[derive(Debug, Args)]
pub struct Keygen {
    /// The file for the private key, which is made; one that is there is left alone
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Ed25519 instead of RSA with 2048 bits: sign by both, since not every mailbox verifies it
    #[arg(long)]
    pub ed25519: bool,
    /// The selector, for the record's name
    #[arg(long, value_name = "NAME", default_value = "SELECTOR")]
    pub selector: String,
    /// The domain, for the record's name
    #[arg(long, value_name = "NAME", default_value = "DOMAIN")]
    pub domain: String,
}

/// `mailrun token`
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Print the address that an unsubscribe link was made for; a forged token is status 1
    #[command(after_help = exit::TOKEN_HELP)]
    Verify(Verify),
}

/// `mailrun token verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The token: what stands in the link in place of {{unsubscribe_token}}
    pub token: String,
    /// The environment variable with the key: token_key_env of the campaign
    #[arg(long, value_name = "NAME", default_value = "MAILRUN_TOKEN_KEY")]
    pub key_env: String,
    /// Print one JSON object: campaign, run, address, key
    #[arg(long)]
    pub json: bool,
}

/// What became of a message that was in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verdict {
    /// The server has it.
    Sent,
    /// It has not.
    Unsent,
}

impl Verdict {
    /// As it is written in the ledger.
    pub fn reason(self) -> &'static str {
        match self {
            Verdict::Sent => "a person said that it was sent (mailrun resolve)",
            Verdict::Unsent => "a person said that it was not sent (mailrun resolve)",
        }
    }
}

/// What `send` does about those in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Doubtful {
    /// Leaves them alone.
    Hold,
    /// Mails them again.
    Resend,
}

/// Which run's ledger a command reads.
#[derive(Debug, Args)]
pub struct Which {
    /// The run [default: the campaign's run]
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// The ledger of `send --sandbox`
    #[arg(long)]
    pub sandbox: bool,
    /// Another list in place of the campaign's
    #[arg(long, value_name = "FILE")]
    pub recipients: Option<PathBuf>,
}

/// Formats of `mailrun results`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The list's own columns, then mailrun's
    Csv,
    /// One JSON object a recipient
    Jsonl,
}

/// The states of the contract, as typed and as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum ListedState {
    /// The server took it.
    Accepted,
    /// Refused for good.
    Failed,
    /// A further attempt is due.
    Deferred,
    /// Sent, and no answer came.
    InDoubt,
    /// The row cannot be sent.
    Invalid,
    /// Left out on purpose.
    Suppressed,
    /// An earlier row has the same key.
    Duplicate,
    /// Not begun.
    Remaining,
}

impl ListedState {
    /// As it is written in results and JSON.
    pub fn name(self) -> &'static str {
        match self {
            ListedState::Accepted => "accepted",
            ListedState::Failed => "failed",
            ListedState::Deferred => "deferred",
            ListedState::InDoubt => "in_doubt",
            ListedState::Invalid => "invalid",
            ListedState::Suppressed => "suppressed",
            ListedState::Duplicate => "duplicate",
            ListedState::Remaining => "remaining",
        }
    }
}
