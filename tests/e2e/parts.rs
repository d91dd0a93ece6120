//! Everything at once that a message can have, as others read it: Python's parser without a complaint, dkimpy with every
//! signature.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::support::{Folder, Ran, run};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// What Python makes of the `.eml` files in `preview/`, beside the campaign's folder.
fn checked(folder: &Folder, records: Option<&Path>) -> Ran {
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
fn key(folder: &Folder, name: &str, args: &[&str]) -> String {
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

#[test]
fn a_whole_message_is_read_and_verified() {
    let folder = Folder::with_rows([("anna@a.example", "Anna"), ("wei@a.example", "王伟")]);
    let (rsa, ed25519) = (
        key(&folder, "rsa.pem", &[]),
        key(&folder, "ed.pem", &["--ed25519"]),
    );
    folder.write(
        "message.html.hbs",
        "<p>Dear {{name}},  <img src=\"logo.png\"> <img src=\"photos/{{name}}.png\">\n",
    );
    folder.write("logo.png", PNG);
    for name in ["Anna", "王伟"] {
        folder.write(
            &format!("photos/{name}.png"),
            [PNG, name.as_bytes()].concat(),
        );
        folder.write(&format!("invoices/{name}.pdf"), format!("%PDF-1 {name}"));
    }
    folder.write("terms.txt", "Terms.  \n\n\n");
    let settings = folder.read("campaign.toml").replace(
        "[message]\n",
        "[message]\nreply_to = \"editor@acme.example\"\nheaders = { \"Feedback-ID\" = \"a:b:c\" }\n\
         attachments = [\"terms.txt\", { path = \"invoices/{{name}}.pdf\", name = \"Rechnung für {{name}}, mit allem, was wir im November geliefert haben.pdf\" }]\n",
    );
    folder.write("campaign.toml", settings);
    folder.configure("[list]\nid = \"n.acme.example\"\nunsubscribe = [\"https://acme.example/u?{{send_id}}\"]\none_click = true");
    for (selector, file) in [("rsa", "rsa.pem"), ("ed", "ed.pem")] {
        folder.configure(&format!(
            "[[dkim]]\ndomain = \"acme.example\"\nselector = \"{selector}\"\nkey_file = \"{file}\""
        ));
    }
    let ran = run(&folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let records = serde_json::json!({
        "rsa._domainkey.acme.example": rsa,
        "ed._domainkey.acme.example": ed25519,
    });
    folder.write("records.json", records.to_string());
    let ran = checked(&folder, Some(&folder.path.join("records.json")));
    assert_eq!(ran.stderr, "");
    let shape = "multipart/mixed(multipart/alternative(text/plain, multipart/related(text/html, image/png, image/png)), text/plain, application/pdf)";
    let line = |file: &str, name: &str| {
        format!(
            "{file}.eml {shape} ['terms.txt', 'Rechnung für {name}, mit allem, was wir im November geliefert haben.pdf'] 2 signatures\n"
        )
    };
    assert_eq!(
        ran.stdout,
        line("1-anna@a.example", "Anna") + &line("2-wei@a.example", "王伟")
    );
}

#[test]
fn an_attachment_alone_is_the_message() {
    let folder = Folder::with_rows([("anna@a.example", "Anna")]);
    let record = key(&folder, "rsa.pem", &[]);
    folder.write("terms.pdf", "%PDF-1");
    let settings = folder
        .read("campaign.toml")
        .replace("[message]\n", "[message]\nattachments = [\"terms.pdf\"]\n");
    folder.write("campaign.toml", settings);
    folder.configure("[dkim]\ndomain = \"acme.example\"\nselector = \"s\"\nkey_file = \"rsa.pem\"");
    fs::remove_file(folder.path.join("message.txt.hbs")).unwrap();
    let ran = run(&folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    folder.write(
        "records.json",
        serde_json::json!({ "s._domainkey.acme.example": record }).to_string(),
    );
    let ran = checked(&folder, Some(&folder.path.join("records.json")));
    assert_eq!(
        (ran.stderr.as_str(), ran.stdout.as_str()),
        (
            "",
            "1-anna@a.example.eml application/pdf ['terms.pdf'] 1 signatures\n"
        )
    );
}

#[test]
fn a_key_that_cannot_sign_is_told_before_anything_is_sent() {
    let folder = Folder::with_rows([("anna@a.example", "Anna")]);
    folder.write("rsa.pem", "no key");
    folder.configure("[dkim]\ndomain = \"acme.example\"\nselector = \"s\"\nkey_file = \"rsa.pem\"");
    let ran = run(&folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.contains(
            "campaign/rsa.pem: this is no private key in PEM; make one with: mailrun dkim keygen"
        ),
        "{ran:?}"
    );
    let ran = run(&folder, &["dkim", "keygen", "--out", "campaign/rsa.pem"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr
            .contains("campaign/rsa.pem is there already, and stays as it is"),
        "{ran:?}"
    );
    assert_eq!(folder.read("rsa.pem"), "no key");
}

/// A campaign of this repository, as a folder that goes away.
fn shipped(name: &str) -> Folder {
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

#[test]
fn each_customer_gets_the_own_invoice() {
    let folder = shipped("invoices");
    let ran = run(&folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let ran = checked(&folder, None);
    assert_eq!(ran.stderr, "");
    let parts = "multipart/mixed(multipart/alternative(text/plain, multipart/related(text/html, image/png)), application/pdf, text/plain)";
    let expected: String = [
        ("1-2026-0117", "2026-0117, Anna Berg"),
        ("2-2026-0118", "2026-0118, Librarian of St Éanna’s"),
        ("3-2026-0119", "2026-0119, 王伟"),
        ("4-2026-0120", "2026-0120, Anna Berg"),
    ]
    .map(|(file, name)| {
        format!("{file}.eml {parts} ['Hollis invoice {name}.pdf', 'terms.txt'] 0 signatures\n")
    })
    .concat();
    assert_eq!(ran.stdout, expected);

    fs::remove_file(folder.path.join("invoices/2026-0118.pdf")).unwrap();
    let ran = run(&folder, &["send", "campaign", "--sandbox"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    let reason =
        "an attachment: there is no file \"invoices/2026-0118.pdf\" in the campaign folder";
    assert!(ran.stderr.contains(reason), "{ran:?}");
    assert_eq!(
        fs::read_dir(folder.path.join("sandbox/new"))
            .unwrap()
            .count(),
        3
    );
}

#[test]
fn the_invitation_has_an_entry_for_calendars() {
    let folder = shipped("seminar");
    let ran = run(&folder, &["send", "campaign", "--dry-run", "preview"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let ran = checked(&folder, None);
    assert_eq!(ran.stderr, "");
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    assert!(
        lines.iter().all(|line| line
            .ends_with(" multipart/mixed(text/plain, text/calendar) ['seminar.ics'] 0 signatures")),
        "{ran:?}"
    );
}
