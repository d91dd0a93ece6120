//! Programs that are not mailrun's, and what they make of its messages; the campaigns that come with it.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Folder, Ran, run};

/// What Python makes of the `.eml` files in `preview/`, beside the campaign's folder.
pub fn checked(folder: &Folder, records: Option<&Path>) -> Ran {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/check_messages.py");
    let python = env::var("MAILRUN_TEST_PYTHON");
    let mut python = Command::new(python.as_deref().unwrap_or("python3"));
    python
        .arg(script)
        .arg(folder.path.with_file_name("preview"));
    let output = python.args(records).output();
    output.expect("python3, which tests/run installs").into()
}

/// Makes a key in the campaign's folder; gives its record's value.
pub fn key(folder: &Folder, name: &str, args: &[&str]) -> String {
    let file = format!("campaign/{name}");
    let mut all = vec!["dkim", "keygen", "--out", &file];
    all.extend_from_slice(args);
    let ran = run(folder, &all);
    assert_eq!(ran.status, 0, "{ran:?}");
    let mode = fs::metadata(folder.path.join(name))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (name, value) = ran.stdout.split_once(" IN TXT ").unwrap();
    assert_eq!(name, "SELECTOR._domainkey.DOMAIN.");
    value
        .trim()
        .trim_matches(['(', ')'])
        .trim()
        .replace("\" \"", "")
        .replace('"', "")
}

/// What SpamAssassin makes of a message.
#[derive(Debug)]
pub struct Judged {
    /// Its points: a message with 5 is usually put aside.
    pub points: f64,
    /// The rules that took part.
    pub rules: Vec<String>,
}

/// What SpamAssassin makes of messages, one by one, without any network.
pub fn judged(files: &[PathBuf]) -> Vec<Judged> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/spam_scores.pl");
    let output = Command::new("perl").arg(script).args(files).output();
    let ran: Ran = output
        .expect("perl, which comes with SpamAssassin: tests/run installs it")
        .into();
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (0, ""),
        "SpamAssassin, which tests/run installs (Debian: spamassassin)"
    );
    let one = |line: &str| {
        let (points, rules) = line.split_once(' ').unwrap();
        Judged {
            points: points.parse().unwrap(),
            rules: rules.split(',').map(str::to_owned).collect(),
        }
    };
    let judged: Vec<_> = ran.stdout.lines().map(one).collect();
    assert_eq!(judged.len(), files.len(), "{}", ran.stdout);
    judged
}

/// The `.eml` files of a dry run into `preview/`, beside the campaign's folder, in the order of their names.
pub fn previewed(folder: &Folder) -> Vec<PathBuf> {
    let preview = folder.path.with_file_name("preview");
    let files = fs::read_dir(preview).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// A campaign of this repository, as a folder that goes away.
pub fn shipped(name: &str) -> Folder {
    let folder = Folder::empty();
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("campaigns")
        .join(name);
    copy(&from, &folder.path);
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|it| (it.path(), it.file_name())).unwrap();
        match path.is_dir() {
            true if name == "runs" || name == "sandbox" => {}
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}
