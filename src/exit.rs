//! Exit statuses: documented once, the same text in `--help` and README.

use std::process::ExitCode;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every chosen recipient is settled: accepted, or left out on purpose.
    Settled = 0,
    /// Found before the first connection.
    Refused = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The run ended, not everybody was accepted.
    Unsettled = 3,
    /// The run stopped early.
    Stopped = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// The table for the help of `mailrun` and `mailrun send`; lines of at most 78 columns.
pub const HELP: &str = "\
Exit status:
  0  every recipient (chosen by --limit or --only, if given) is settled:
     accepted, or left out on purpose
  1  found before the first connection: the campaign, the list, a template,
     the settings or the ledger are wrong, or the ledger is locked
  2  the command line is wrong
  3  the run ended, and some recipients failed, are invalid or in doubt
  4  the run stopped early (signal, server or account of no use, stop_after,
     disk full): the same command goes on where it stopped";

/// The table for the help of `mailrun init`.
pub const INIT_HELP: &str = "\
Exit status:
  0  the campaign is written
  1  it is not: there is no such example, the folder has something in it, or
     it cannot be written
  2  the command line is wrong";

/// The table for the help of `mailrun check`.
pub const CHECK_HELP: &str = "\
Exit status:
  0  a send would start; rows that are invalid would be left out of it
  1  it would not: the campaign, the list, a template, the settings or the
     ledger are wrong, a password or certificate is missing, or the server;
     with --dns: it would, and be pointless by what the DNS says
  2  the command line is wrong
  4  with --connect: a send would start, and a server cannot be reached, or
     refuses TLS or the login";

/// The table for the help of `mailrun resolve`.
pub const RESOLVE_HELP: &str = "\
Exit status:
  0  those in doubt, or those with the keys named, are settled as you said
  1  the campaign, the list, the settings or the ledger are wrong, the ledger
     is locked, or a key is not in doubt: nothing was changed
  2  the command line is wrong";

/// The table for the help of `mailrun dkim keygen`.
pub const KEYGEN_HELP: &str = "\
Exit status:
  0  the key is written
  1  it could not be written, or the file was there already
  2  the command line is wrong";

/// The table for the help of `mailrun token verify`.
pub const TOKEN_HELP: &str = "\
Exit status:
  0  the token was made with this key, and says whom for
  1  it was not, or there is no key
  2  the command line is wrong";

/// The table for the help of commands that only read.
pub const READING_HELP: &str = "\
Exit status:
  0  what was asked for was printed
  1  the campaign, the list, the settings or the ledger are wrong
  2  the command line is wrong";
