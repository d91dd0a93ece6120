//! A secret, and where it comes from. It is never taken from the command line or from `campaign.toml` itself, and nothing
//! here repeats one: what a program says about it is masked where it holds it.

mod keyring;
mod program;

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::program::ProgramError;
use crate::wording::{printable, shell_word};

/// The value of an environment variable: `std::env::var_os`, or a test's own.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The longest secret, in bytes; tokens of OAuth are a few thousand.
const LONGEST: usize = 64 * 1024;

/// How long a program may take: a person may have to unlock a keyring.
const PATIENCE: Duration = Duration::from_secs(60);

/// A password or a token: cannot be printed, not even by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The secret itself, for the server alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// `password_env`: an environment variable.
    Env(String),
    /// `password_file`: a file that nobody else can read, its last line end taken off.
    File(PathBuf),
    /// `password_command`: a program and its arguments, run without a shell; its standard output, the last line end taken off.
    Command(Vec<String>),
    /// `keyring = true`: the system's keyring.
    Keyring,
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such variable.
    #[error("the environment variable {0} that the password is to come from is not set; export it")]
    Unset(String),
    /// A file that cannot be read.
    #[error("{}: the password cannot be read: {error}", shown(path))]
    File {
        /// Which.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// A file that is open to others.
    #[error("{}: others can read or change this password; take that away: chmod 600 {}", shown(.0), printable(&shell_word(.0)))]
    Open(PathBuf),
    /// A program that gave none.
    #[error("password_command: {0}")]
    Command(ProgramError),
    /// A keyring that cannot be asked.
    #[error("keyring: {error}{hint}")]
    Keyring {
        /// What happened.
        error: ProgramError,
        /// What to install, where that is what is missing.
        hint: &'static str,
    },
    /// A keyring without this password.
    #[error("the keyring has no password of {username:?} for {host:?}; store it: {command}")]
    NotStored {
        /// Whose.
        username: String,
        /// For which server.
        host: String,
        /// What to type.
        command: String,
    },
    /// A system whose keyring is not known.
    #[error(
        "keyring: there is none that mailrun knows on this system; use password_file or password_command"
    )]
    NoKeyring,
    /// Nothing in it.
    #[error("the password from {0} is empty")]
    Empty(String),
    /// Not text, or more than one line of it.
    #[error("the password from {0} {1}")]
    Unfit(String, &'static str),
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

impl SecretSource {
    /// Asks for the secret of `username` at the server `host`. May take as long as a person takes to unlock a keyring, a
    /// minute at most.
    ///
    /// # Errors
    /// Why there is none, and what to do; never with anything of the secret in it.
    pub fn fetch(&self, username: &str, host: &str) -> Result<Secret, SecretError> {
        self.fetch_in(username, host, &|name| std::env::var_os(name))
    }

    /// As [`SecretSource::fetch`], in this environment.
    ///
    /// # Errors
    /// As [`SecretSource::fetch`].
    pub fn fetch_in(
        &self,
        username: &str,
        host: &str,
        variable: Variable<'_>,
    ) -> Result<Secret, SecretError> {
        let bytes = match self {
            SecretSource::Env(name) => variable(name)
                .ok_or_else(|| SecretError::Unset(name.clone()))?
                .into_encoded_bytes(),
            SecretSource::File(path) => without_line_end(read(path)?),
            SecretSource::Command(words) => {
                let output = program::run(words, PATIENCE).map_err(SecretError::Command)?;
                let output = output.succeeded().map_err(SecretError::Command)?;
                without_line_end(output)
            }
            SecretSource::Keyring => without_line_end(keyring::ask(username, host)?),
        };
        self.checked(bytes)
    }

    /// What came, when it can be a password.
    fn checked(&self, bytes: Vec<u8>) -> Result<Secret, SecretError> {
        let unfit = |why| Err(SecretError::Unfit(self.place(), why));
        if bytes.len() > LONGEST {
            return unfit("is longer than 64 KiB; that is no password");
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return unfit("is not UTF-8 text");
        };
        if text.is_empty() {
            return Err(SecretError::Empty(self.place()));
        }
        if text.contains(['\n', '\r']) {
            return unfit("has more than one line; the password alone may be there");
        }
        if text.contains(char::is_control) {
            return unfit("has a control character in it, which no password can have");
        }
        Ok(Secret(text))
    }

    /// Where it comes from, for errors.
    fn place(&self) -> String {
        match self {
            SecretSource::Env(name) => format!("the environment variable {name}"),
            SecretSource::File(path) => shown(path),
            SecretSource::Command(_) => "password_command".to_owned(),
            SecretSource::Keyring => "the keyring".to_owned(),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SecretError> {
    let failed = |error| SecretError::File {
        path: path.to_owned(),
        error,
    };
    let file = File::open(path).map_err(failed)?;
    // Of the open file: its name may be another file's by now.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
            return Err(SecretError::Open(path.to_owned()));
        }
    }
    let mut bytes = Vec::new();
    // With its line end, and one more by which it is known to be too long.
    let limit = LONGEST as u64 + 3;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Without one line end at its end.
fn without_line_end(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
