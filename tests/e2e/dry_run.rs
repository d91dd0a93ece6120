//! `--dry-run`: the very messages that a send would send, as files, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use mailrun::sandbox::Sandbox;

use super::evidence::entries;
use super::support::{Folder, run, sandbox, send};

/// The message without its Date, and its Message-ID.
fn dateless(message: &[u8]) -> (String, Vec<u8>) {
    let text = String::from_utf8(message.to_vec()).unwrap();
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    let (dates, others): (Vec<_>, Vec<_>) = header
        .split("\r\n")
        .partition(|line| line.starts_with("Date: "));
    assert_eq!(dates.len(), 1, "{header}");
    let id = others.iter().find(|line| line.starts_with("Message-ID: "));
    let id = id.unwrap_or_else(|| panic!("no Message-ID: {header}"));
    let rest = format!("{}\r\n\r\n{body}", others.join("\r\n"));
    ((*id).to_owned(), rest.into_bytes())
}

fn by_id(messages: impl IntoIterator<Item = Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let messages: Vec<_> = messages.into_iter().collect();
    let by_id: BTreeMap<_, _> = messages.iter().map(|message| dateless(message)).collect();
    assert_eq!(by_id.len(), messages.len(), "each has an id of its own");
    by_id
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = entries(folder).into_iter();
    names
        .map(|name| (name.clone(), fs::read(folder.join(&name)).unwrap()))
        .collect()
}

/// Dry run, then a real one: the same bytes.
#[track_caller]
fn same_as_sent(folder: &Folder, sandbox: &Sandbox, messages: usize) {
    let beside = folder.path.parent().unwrap();
    let dry = run(folder, &["send", "campaign", "--dry-run", "out"]);
    assert_eq!(dry.status, 0, "{dry:?}");
    assert_eq!(
        dry.stderr,
        format!("{messages} .eml files written to out, 0 invalid\n")
    );
    assert!(!folder.path.join("runs").exists());
    assert_eq!(sandbox.stats().connections, 0);

    let sent = send(folder, sandbox, &[]);
    assert_eq!(sent.status, 0, "{sent:?}");
    let written = by_id(files(&beside.join("out")).into_values());
    let received = by_id(
        sandbox
            .messages()
            .into_iter()
            .map(|message| message.content),
    );
    assert_eq!(written.len(), messages);
    for (id, message) in &written {
        let sent = received.get(id).map(|sent| String::from_utf8_lossy(sent));
        assert_eq!(sent, Some(String::from_utf8_lossy(message)), "{id}");
    }
    assert!(written == received);
}

#[test]
fn the_newsletter_is_written_as_it_is_sent() {
    let folder = Folder::empty();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns/newsletter");
    copy(&source, &folder.path);
    same_as_sent(&folder, &sandbox(), 100);
}

fn copy(from: &Path, to: &Path) {
    for name in entries(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_file() {
            fs::copy(from, to).unwrap();
        } else if name != "runs" && name != "sandbox" {
            fs::create_dir(&to).unwrap();
            copy(&from, &to);
        }
    }
}

#[test]
fn lines_that_begin_with_dots_are_written_as_they_are_sent() {
    let folder = Folder::with_rows([("anna@a.example", "."), ("bert@a.example", "..name")]);
    folder.write(
        "message.txt.hbs",
        "...\n.\n{{name}}\n..two\na.b\n\n.{{name}}\nFrom here\n.",
    );
    folder.write("message.html.hbs", "<p>\n.\n..{{name}}\n</p>\n.\n");
    let sandbox = sandbox();
    same_as_sent(&folder, &sandbox, 2);
    let content = String::from_utf8(sandbox.messages()[0].content.clone()).unwrap();
    assert!(content.contains("\r\n\r\n...\r\n.\r\n"), "{content}");
}

#[test]
fn keys_make_no_paths() {
    let folder = Folder::with_rows([]);
    folder.configure("[recipients]\nkey = \"key\"");
    let list = "key,email,name\n\
        ../x,a@a.example,A\n\
        /etc/passwd,b@a.example,B\n\
        ..,c@a.example,C\n\
        a\\b:c*d,d@a.example,D\n\
        王伟,e@a.example,E\n";
    folder.write("recipients.csv", list);
    let beside = folder.path.parent().unwrap();
    let before = entries(beside);
    let ran = run(
        &folder,
        &["send", "campaign", "--dry-run", "campaign/deep/out"],
    );
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(
        entries(&folder.path.join("deep/out")),
        [
            "1-.._x.eml",
            "2-_etc_passwd.eml",
            "3-...eml",
            "4-a_b_c_d.eml",
            "5-王伟.eml"
        ]
    );
    assert_eq!(entries(beside), before);
    assert_eq!(entries(&folder.path.join("deep")), ["out"]);
}

#[test]
fn a_second_dry_run_replaces_files_whole() {
    let folder = Folder::with_rows([("anna@a.example", "Anna")]);
    folder.write("message.txt.hbs", "A long text for {{name}}.\n".repeat(100));
    let out = folder.path.parent().unwrap().join("out");
    let dry = || run(&folder, &["send", "campaign", "--dry-run", "out"]).status;
    assert_eq!(dry(), 0);
    fs::write(out.join("keep.txt"), "somebody else's").unwrap();
    folder.write("message.txt.hbs", "Short, {{name}}.\n");
    assert_eq!(dry(), 0);
    assert_eq!(entries(&out), ["1-anna@a.example.eml", "keep.txt"]);
    let message = fs::read_to_string(out.join("1-anna@a.example.eml")).unwrap();
    assert!(message.ends_with("\r\n\r\nShort, Anna.\r\n"), "{message}");
}

#[test]
fn it_heeds_the_selection_and_tells_what_is_invalid() {
    let folder = Folder::with_rows([
        ("anna@a.example", "Anna"),
        ("not an address", "Nobody"),
        ("bert@a.example", "Bert"),
        ("cleo@a.example", "Cleo"),
        ("anna@A.example", "Anna again"),
    ]);
    let out = folder.path.parent().unwrap();
    let dry = |to: &str, args: &[&str]| {
        let mut all = vec!["send", "campaign", "--json", "--dry-run", to];
        all.extend_from_slice(args);
        let ran = run(&folder, &all);
        (ran.status, ran.json(), entries(&out.join(to)))
    };
    let json = |written, invalid, duplicate| {
        serde_json::json!({
            "run": "r", "written": written, "invalid": invalid, "suppressed": 0, "duplicate": duplicate,
        })
    };
    let three = [
        "1-anna@a.example.eml",
        "3-bert@a.example.eml",
        "4-cleo@a.example.eml",
    ];
    let three = three.map(str::to_owned).to_vec();
    assert_eq!(dry("all", &[]), (3, json(3, 1, 1), three.clone()));
    assert_eq!(
        dry("limit", &["--limit", "2"]),
        (0, json(2, 0, 1), three[..2].to_vec())
    );
    assert_eq!(
        dry("only", &["--only", "cleo@a.example"]),
        (0, json(1, 0, 1), three[2..].to_vec())
    );
    assert!(!folder.path.join("runs").exists());
}
