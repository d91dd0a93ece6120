//! The system's keyring, asked by the system's own tool.

use std::path::Path;

use super::program::{self, Output, ProgramError};
use super::{PATIENCE, SecretError};
use crate::wording::{printable, shell_word};

/// How a system's keyring is asked: by its own tool. A library would bring D-Bus or the system's frameworks with it.
pub(super) struct Keyring {
    tool: &'static str,
    /// What brings the tool, where it may be missing.
    hint: &'static str,
    pub(super) lookup: fn(&str, &str) -> Vec<String>,
    store: fn(&str, &str) -> Vec<String>,
}

/// The Secret Service of freedesktop.org: GNOME Keyring, KWallet, KeePassXC.
pub(super) const SECRET_SERVICE: Keyring = Keyring {
    tool: "secret-tool",
    hint: "; install it (Debian: libsecret-tools), or use password_file or password_command",
    lookup: |username, host| {
        let words = [
            "lookup", "service", "mailrun", "server", host, "username", username,
        ];
        words.map(str::to_owned).to_vec()
    },
    store: |username, host| {
        let label = format!("--label=mailrun {host}");
        let words = [
            "store", &label, "service", "mailrun", "server", host, "username", username,
        ];
        words.map(str::to_owned).to_vec()
    },
};

/// The keychain of macOS.
pub(super) const KEYCHAIN: Keyring = Keyring {
    tool: "security",
    hint: "",
    lookup: |username, host| {
        let service = format!("mailrun:{host}");
        let words = [
            "find-generic-password",
            "-s",
            &service,
            "-a",
            username,
            "-w",
        ];
        words.map(str::to_owned).to_vec()
    },
    store: |username, host| {
        let service = format!("mailrun:{host}");
        let words = ["add-generic-password", "-s", &service, "-a", username, "-w"];
        words.map(str::to_owned).to_vec()
    },
};

impl Keyring {
    fn of_this_system() -> Option<Keyring> {
        if cfg!(target_os = "macos") {
            Some(KEYCHAIN)
        } else if cfg!(unix) {
            Some(SECRET_SERVICE)
        } else {
            None
        }
    }
}

/// What the keyring has for this user of this server, with the line end behind it.
pub(super) fn ask(username: &str, host: &str) -> Result<Vec<u8>, SecretError> {
    let keyring = Keyring::of_this_system().ok_or(SecretError::NoKeyring)?;
    let mut words = vec![keyring.tool.to_owned()];
    words.extend((keyring.lookup)(username, host));
    answered(&keyring, program::run(&words, PATIENCE), username, host)
}

/// What the tool's end means. Both say by their status that there is no such entry, `security` with a word too.
pub(super) fn answered(
    keyring: &Keyring,
    ended: Result<Output, ProgramError>,
    username: &str,
    host: &str,
) -> Result<Vec<u8>, SecretError> {
    let broken = |error| {
        let hint = match error {
            ProgramError::Missing(_) => keyring.hint,
            _ => "",
        };
        SecretError::Keyring { error, hint }
    };
    let output = ended.map_err(broken)?;
    let missing = match output.code {
        Some(1) => output.last_words().is_empty(),
        // errSecItemNotFound, cut to a byte.
        Some(44) => true,
        _ => false,
    };
    if missing {
        let words = (keyring.store)(username, host).into_iter();
        let words = words.map(|word| shell_word(Path::new(&word)));
        let command = format!("{} {}", keyring.tool, words.collect::<Vec<_>>().join(" "));
        return Err(SecretError::NotStored {
            username: username.to_owned(),
            host: host.to_owned(),
            command: printable(&command),
        });
    }
    output.succeeded().map_err(broken)
}
