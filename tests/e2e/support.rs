//! What the tests share: campaign folders, the executable, and what it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use mailrun::sandbox::{Announce, Options, Sandbox, Store};
use serde_json::Value;
use tempfile::TempDir;

/// A campaign folder that goes away with the test.
pub struct Folder {
    _temp: TempDir,
    /// The folder.
    pub path: PathBuf,
}

/// The settings that most tests start from: list, subject and text alone.
pub const CAMPAIGN: &str = r#"
name = "Test"
run = "r"

[message]
from = "ACME News <news@acme.example>"
subject = "Hello {{name}}"

[delivery]
first_delay = "10ms"
longest_delay = "20ms"
give_up = "2s"
"#;

/// The text template that most tests start from.
pub const TEXT: &str = "Dear {{name}},\nit is time.\n";

impl Folder {
    /// An empty folder.
    pub fn empty() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("campaign");
        fs::create_dir(&path).unwrap();
        Folder { _temp: temp, path }
    }

    /// A campaign with the usual settings and these rows of `email,name`.
    pub fn with_rows<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut list = "email,name\n".to_owned();
        for (email, name) in rows {
            list.push_str(&format!("{email},{name}\n"));
        }
        let folder = Folder::empty();
        folder.write("campaign.toml", CAMPAIGN);
        folder.write("recipients.csv", &list);
        folder.write("message.txt.hbs", TEXT);
        folder
    }

    /// A campaign with so many generated recipients at `domain`, keys `r1@domain` and up.
    pub fn generated(rows: usize, domain: &str) -> Self {
        let rows: Vec<_> = (1..=rows)
            .map(|n| (format!("r{n}@{domain}"), format!("Name {n}")))
            .collect();
        Folder::with_rows(
            rows.iter()
                .map(|(email, name)| (email.as_str(), name.as_str())),
        )
    }

    /// Writes a file of the folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the folder.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(name)).unwrap()
    }

    /// Adds lines to campaign.toml.
    pub fn configure(&self, lines: &str) {
        let text = self.read("campaign.toml");
        self.write("campaign.toml", format!("{text}\n{lines}\n"));
    }

    /// The ledger's lines of run `r`.
    pub fn ledger(&self) -> Vec<Value> {
        self.read("runs/r.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The last state that the ledger has for each key.
    pub fn standings(&self) -> BTreeMap<String, String> {
        let mut last = BTreeMap::new();
        for line in self.ledger() {
            if let (Some(key), Some(state)) = (line["key"].as_str(), line["state"].as_str()) {
                last.insert(key.to_owned(), state.to_owned());
            }
        }
        last
    }
}

/// How the executable ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit status.
    pub status: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// The one JSON object of `--json`.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The executable, to be run in `folder`, away from any terminal.
pub fn mailrun(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailrun"));
    command.current_dir(folder).stdin(Stdio::null());
    // What the machine has set for its Flask applications is not the tests'.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MAIL_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs `mailrun ARGS` beside the campaign's folder, whose name is `campaign`.
pub fn run(folder: &Folder, args: &[&str]) -> Ran {
    mailrun(folder.path.parent().unwrap())
        .args(args)
        .output()
        .unwrap()
        .into()
}

/// `mailrun send campaign --server SANDBOX ARGS`
pub fn send(folder: &Folder, sandbox: &Sandbox, args: &[&str]) -> Ran {
    let url = url(sandbox);
    let mut all = vec!["send", "campaign", "--server", &url];
    all.extend_from_slice(args);
    run(folder, &all)
}

/// The server's URL for `--server`.
pub fn url(sandbox: &Sandbox) -> String {
    format!("smtp://{}?tls=none", sandbox.address())
}

/// A sandbox in this process that keeps every message in memory.
pub fn sandbox() -> Sandbox {
    sandbox_with(Options::default())
}

/// Everything but what lets commands be grouped.
pub fn no_groups() -> Announce {
    Announce {
        pipelining: false,
        chunking: false,
        ..Announce::default()
    }
}

/// A sandbox with which a session goes command by command: one message is in flight.
pub fn sequential() -> Sandbox {
    sandbox_with(Options {
        announce: no_groups(),
        ..Options::default()
    })
}

/// A sandbox in this process that keeps every message in memory and is otherwise as `options` say.
pub fn sandbox_with(options: Options) -> Sandbox {
    Sandbox::start(Options {
        store: Store::Memory,
        ..options
    })
    .unwrap()
}

/// How often each recipient was accepted by the sandbox.
pub fn received(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for message in sandbox.messages() {
        for to in message.to {
            *times.entry(to).or_default() += 1;
        }
    }
    times
}
