//! Documents that a machine keeps true: README's help, ARCHITECTURE's rooms, the shape of the source files.

use std::fs;
use std::path::{Path, PathBuf};

use mailrun::campaign::{Provider, Tls};

use super::support::{Ran, mailrun};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    let path = repository().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced block that begins with this line, without that line and the fences.
fn block<'a>(text: &'a str, first: &str) -> Option<&'a str> {
    let opened = format!("```\n{first}\n");
    let from = text.find(&opened)? + opened.len();
    let length = text[from..].find("```\n")?;
    Some(&text[from..from + length])
}

#[test]
fn readme_shows_the_help_as_it_is() {
    let readme = document("README.md");
    for command in [
        "",
        "init ",
        "send ",
        "check ",
        "status ",
        "results ",
        "resolve ",
        "dkim keygen ",
        "token verify ",
    ] {
        let typed = format!("{command}--help");
        let ran: Ran = mailrun(repository())
            .args(typed.split(' '))
            .output()
            .unwrap()
            .into();
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
        let first = format!("$ mailrun {typed}");
        let shown = block(&readme, &first);
        assert!(
            shown == Some(&ran.stdout),
            "README.md must have this block, and has {shown:?}:\n```\n{first}\n{}```",
            ran.stdout
        );
        let widest = ran.stdout.lines().map(|line| line.chars().count()).max();
        assert!(
            widest <= Some(80),
            "mailrun {typed}: a line of {widest:?} columns"
        );
    }
}

/// Every Rust file below `folder`, what is built there apart.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("target") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_source_file_says_what_it_is_for_and_is_short() {
    let mut files = sources(&repository().join("src"));
    files.extend(sources(&repository().join("tests")));
    assert!(files.len() > 50, "{files:?}");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let place = path.display();
        assert!(
            text.starts_with("//! "),
            "{place}: the first line must say what it is for: //! ..."
        );
        let lines = text.lines().count();
        assert!(lines < 500, "{place}: {lines} lines; split it by noun");
    }
}

#[test]
fn architecture_names_every_room() {
    let architecture = document("ARCHITECTURE.md");
    let map = document("src/lib.rs");
    let rooms: Vec<_> = map
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(rooms.len() > 10, "{rooms:?}");
    for room in &rooms {
        let folder = repository().join("src").join(room).is_dir();
        let name = if folder {
            format!("`src/{room}`")
        } else {
            format!("`src/{room}.rs`")
        };
        assert!(
            architecture.contains(&name),
            "ARCHITECTURE.md must say what {name} is for"
        );
    }
    // Nor does it name any that is not there.
    for name in architecture.split('`').skip(1).step_by(2) {
        let names_a_file = name.starts_with("src/") || name.starts_with("tests/");
        let exists = repository().join(name).exists();
        assert!(
            exists || !names_a_file,
            "ARCHITECTURE.md names {name}, which is not there"
        );
    }
    for entry in fs::read_dir(repository().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let room = path.file_stem().unwrap().to_str().unwrap();
        let known = rooms.contains(&room) || ["main", "lib"].contains(&room);
        assert!(known, "src/lib.rs has no module {room}");
    }
}

#[test]
fn readme_has_every_provider() {
    let readme = document("README.md");
    let table: Vec<_> = Provider::all().iter().map(provider_row).collect();
    let table = table.concat();
    assert!(
        readme.contains(&table),
        "README.md must have these rows:\n{table}"
    );
}

fn provider_row(provider: &Provider) -> String {
    let region = if provider.host.contains("REGION") {
        ":REGION"
    } else {
        ""
    };
    let tls = match provider.tls {
        Tls::Required => "STARTTLS",
        Tls::Implicit => "TLS",
        Tls::None => "in clear",
    };
    let connections = provider.connections.map(|it| format!("{it} connections"));
    let messages = provider.messages_per_connection;
    let messages = messages.map(|it| format!("{it} messages a connection"));
    let rates = provider.rates.iter().map(|rate| format!("`{rate}`"));
    let limits: Vec<_> = connections
        .into_iter()
        .chain(messages)
        .chain(rates)
        .collect();
    let (limits, source) = match provider.source {
        Some((source, day)) => (limits.join(", "), format!("<{source}> ({day})")),
        None => ("none found".to_owned(), String::new()),
    };
    format!(
        "| `{}{region}` | {}:{}, {tls} | {limits} | {source} |\n",
        provider.name, provider.host, provider.port
    )
}
