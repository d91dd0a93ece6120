//! A server that misbehaves: what becomes of the recipient it misbehaves at, and of the good ones before and after.
//!
//! Everything goes over one connection at a time, so that connections can be counted.

mod body;
mod recipient;
mod server;

use mailrun::sandbox::{Sandbox, Verb};

use super::evidence::{counts, history, last_line, steady};
use super::support::{Folder, received, run, sequential, url};

const BEFORE: &str = "ann@x.example";
const AFTER: &str = "bob@x.example";
const MAILED: &str = "claimed sending accepted";
/// Claimed beside a message at which the connection was lost, handed back, and mailed over the next one.
const MAILED_LATER: &str = "claimed released claimed sending accepted";

/// Whom the sandbox misbehaves at.
fn address(name: &str) -> String {
    format!("{name}@x.example")
}

/// A good recipient, one that the sandbox misbehaves at, and a good one; `settings` of the server.
fn folder(name: &str, server: &Sandbox, settings: &str) -> Folder {
    let folder = Folder::with_rows([
        (BEFORE, "Ann"),
        (address(name).as_str(), "Odd"),
        (AFTER, "Bob"),
    ]);
    // Longer than any of this takes, however busy the machine is.
    give_up(&folder, "30s");
    folder.configure(&format!(
        "[[server]]\nurl = \"{}\"\nconnections = 1\n{settings}",
        url(server)
    ));
    folder
}

/// No server of use for this long: the run stops.
fn give_up(folder: &Folder, time: &str) {
    let text = folder.read("campaign.toml");
    let lines = text
        .lines()
        .map(|line| match line.starts_with("give_up = ") {
            true => format!("give_up = \"{time}\"\n"),
            false => format!("{line}\n"),
        });
    folder.write("campaign.toml", lines.collect::<String>());
}

/// What is expected of one run.
struct Expected {
    status: i32,
    counts: &'static str,
    /// The ledger's states of the one that is misbehaved at, and of the good one after it.
    odd: &'static str,
    after: &'static str,
    /// What the ledger says last of the one: code, enhanced code and reply, or the reason.
    last: String,
    /// What was said beside the last line.
    said: String,
    connections: u64,
    /// How often the one was received.
    received: usize,
}

/// What is said to do about who is in doubt.
const LOOK_UP: &str = "the message was sent and no answer came. Look its Message-ID up in the server's log (mailrun \
                       results campaign --run r --state in_doubt), then say what you found: mailrun resolve campaign \
                       --run r --as sent|unsent [KEY...]\n";

/// Sends to a sandbox that misbehaves at `name`; gives the folder and the sandbox for what else there is to see.
#[track_caller]
fn check(name: &str, expected: &Expected) -> (Folder, Sandbox) {
    let server = sequential();
    let settings = match name {
        "hang-at-dot" => "timeout = \"200ms\"",
        _ => "",
    };
    let folder = folder(name, &server, settings);
    let ran = run(&folder, &["send", "campaign", "--json"]);
    let odd = address(name);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (expected.status, expected.counts),
        "{name}: {ran:?}"
    );
    assert_eq!(ran.json()["stopped"], serde_json::Value::Null, "{name}");
    let summary = expected
        .counts
        .replacen("accepted ", "", 1)
        .replace("in_doubt", "in doubt");
    let mut parts = summary.split(", ");
    let mut summary = format!("{} of 3 accepted", parts.next().unwrap());
    for part in parts {
        let (state, count) = part.rsplit_once(' ').unwrap();
        summary.push_str(&format!(", {count} {state}"));
    }
    let doubt = match summary.contains("in doubt") {
        true => format!("1 recipient in doubt: {LOOK_UP}"),
        false => String::new(),
    };
    assert_eq!(
        steady(&ran.stderr),
        format!("{}{summary} in T\n{doubt}", expected.said),
        "{name}"
    );

    assert_eq!(history(&folder, BEFORE), MAILED, "{name}");
    assert_eq!(history(&folder, &odd), expected.odd, "{name}");
    assert_eq!(history(&folder, AFTER), expected.after, "{name}");
    assert_eq!(last_words(&folder, &odd), expected.last, "{name}");

    let mut times = received(&server);
    assert_eq!(times.remove(&odd).unwrap_or(0), expected.received, "{name}");
    assert_eq!(
        times,
        [(BEFORE.to_owned(), 1), (AFTER.to_owned(), 1)].into(),
        "{name}"
    );
    assert_eq!(server.stats().connections, expected.connections, "{name}");
    (folder, server)
}

/// What the ledger says last of a recipient.
#[track_caller]
fn last_words(folder: &Folder, key: &str) -> String {
    let line = last_line(folder, key);
    let word = |name: &str| line[name].as_str().unwrap_or_default();
    match line["code"].as_u64() {
        Some(code) => format!("{code} {} {}", word("enhanced"), word("reply")),
        None => word("reason").to_owned(),
    }
}

/// Every connection was closed with QUIT.
#[track_caller]
fn all_quit(server: &Sandbox, name: &str) {
    let stats = server.stats();
    assert_eq!(stats.commands(Verb::Quit), stats.connections, "{name}");
}
