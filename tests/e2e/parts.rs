//! Everything at once that a message can have, as others read it: Python's parser without a complaint, dkimpy with every
//! signature.

use std::fs;

use super::others::{checked, key};
use super::support::{Folder, run};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

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
