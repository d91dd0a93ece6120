//! A secret, and where it comes from. It is never taken from the command line or from `campaign.toml` itself.

use std::fmt;
use std::path::PathBuf;

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
