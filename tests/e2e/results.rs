//! `status` and `results`: what list and ledger together say, for people and for programs.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use mailrun::sandbox::Sandbox;
use serde_json::Value;

use super::evidence::{counts, last_line};
use super::support::{Folder, Ran, mailrun, run, send, sequential};

/// A run with a recipient in each state that this version knows.
fn mixed(sandbox: &Sandbox) -> Folder {
    let folder = Folder::with_rows([
        ("anna@a.example", "Anna"),
        ("rcpt-550@a.example", "\"Rejected, Rita\""),
        ("drop-after-dot@a.example", "Dora"),
        ("nobody", "Nobody"),
        ("anna@A.example", "Anna again"),
        ("zoe@a.example", "Zoe"),
    ]);
    let ran = send(&folder, sandbox, &[]);
    assert_eq!(ran.status, 3, "{ran:?}");
    let list = folder.read("recipients.csv");
    folder.write("recipients.csv", format!("{list}later@a.example,Larry\n"));
    folder
}

const SUM: &str = "accepted 2, failed 1, in_doubt 1, invalid 1, duplicate 1, remaining 1";

fn results(folder: &Folder, args: &[&str]) -> Ran {
    let mut all = vec!["results", "campaign"];
    all.extend_from_slice(args);
    let ran = run(folder, &all);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{ran:?}");
    ran
}

/// Rows of CSV, by the column's name.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.unwrap()).collect()
}

#[test]
fn status_counts_for_people_and_programs() {
    let sandbox = sequential();
    let folder = mixed(&sandbox);
    let status = run(&folder, &["status", "campaign"]);
    assert_eq!((status.status, status.stderr.as_str()), (0, ""));
    let begun = folder.ledger()[0]["time"].as_str().unwrap().to_owned();
    assert_eq!(
        status.stdout,
        format!(
            "run \"r\", begun {begun}
         2  accepted   the server took it
         1  failed     refused for good
         1  in doubt   sent, and no answer came; held back
         1  invalid    the row cannot be mailed; why: mailrun results campaign --run r --state invalid
         1  duplicate  an earlier row has the same key
         1  remaining  not begun; mailrun send goes on
         7  recipients

why they failed or are deferred (who: mailrun results campaign --run r --state failed,deferred)
         1  550 5.1.1 no such recipient
            there is no such mailbox: correct the address, or take it off the list

in doubt: look each Message-ID up in the server's log, then say what you found
  mailrun results campaign --run r --state in_doubt
  mailrun resolve campaign --run r --as sent [KEY...]      the server has it: never mailed again
  mailrun resolve campaign --run r --as unsent [KEY...]    it has not: the next send mails it
"
        )
    );
    let json = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(
        json.stdout,
        "{\"run\":\"r\",\"recipients\":7,\"accepted\":2,\"failed\":1,\"deferred\":0,\"in_doubt\":1,\"invalid\":1,\
         \"suppressed\":0,\"duplicate\":1,\"remaining\":1,\"stopped\":null}\n"
    );
    assert_eq!(counts(&json), SUM);

    let other = run(&folder, &["status", "campaign", "--run", "other"]);
    assert_eq!(
        other.stdout,
        "run \"other\" was not begun yet
         1  invalid    the row cannot be mailed; why: mailrun results campaign --run other --state invalid
         1  duplicate  an earlier row has the same key
         5  remaining  not begun; mailrun send goes on
         7  recipients
"
    );
    assert!(!folder.path.join("runs/other.jsonl").exists());
}

#[test]
fn csv_has_the_lists_columns_and_then_mailruns() {
    let sandbox = sequential();
    let folder = mixed(&sandbox);
    let csv = results(&folder, &[]).stdout;
    assert_eq!(
        csv.lines().next().unwrap(),
        "email,name,mailrun_key,mailrun_row,mailrun_address,mailrun_state,mailrun_attempts,mailrun_server,\
         mailrun_code,mailrun_enhanced,mailrun_reply,mailrun_message_id,mailrun_time"
    );
    let rows = rows(&csv);
    let column = |name: &str| {
        rows.iter()
            .map(|row| row[name].as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(column("mailrun_row"), ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(
        column("mailrun_state"),
        [
            "accepted",
            "failed",
            "in_doubt",
            "invalid",
            "duplicate",
            "accepted",
            "remaining"
        ]
    );
    assert_eq!(
        column("mailrun_attempts"),
        ["1", "1", "1", "0", "0", "1", "0"]
    );
    assert_eq!(
        column("mailrun_code"),
        ["250", "550", "", "", "", "250", ""]
    );
    assert_eq!(column("name")[1], "Rejected, Rita");
    assert_eq!(column("email")[4], "anna@A.example");
    assert_eq!(column("mailrun_key")[4], "anna@a.example");

    // What the ledger has of a recipient, and the message that the server got.
    let line = last_line(&folder, "rcpt-550@a.example");
    for name in [
        "key",
        "state",
        "server",
        "enhanced",
        "reply",
        "message_id",
        "time",
    ] {
        assert_eq!(rows[1][&format!("mailrun_{name}")], line[name], "{name}");
    }
    assert_eq!(rows[1]["mailrun_reply"], "no such recipient");
    let id = format!("Message-ID: <{}>\r\n", rows[0]["mailrun_message_id"]);
    let anna = sandbox
        .messages()
        .into_iter()
        .find(|it| it.to == ["anna@a.example"]);
    let anna = String::from_utf8(anna.unwrap().content).unwrap();
    assert!(anna.contains(&id), "{id} {anna}");
    assert!(
        rows[3]["mailrun_reply"].starts_with("column \"email\": "),
        "{:?}",
        rows[3]
    );
}

#[test]
fn json_lines_say_the_same() {
    let sandbox = sequential();
    let folder = mixed(&sandbox);
    let jsonl = results(&folder, &["--format", "jsonl"]).stdout;
    let lines: Vec<Value> = jsonl
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let rows = rows(&results(&folder, &[]).stdout);
    assert_eq!(lines.len(), rows.len());
    for (line, row) in lines.iter().zip(&rows) {
        let object = line.as_object().unwrap();
        assert_eq!(object.len(), 12, "{line}");
        for (name, value) in object {
            if name == "fields" {
                assert_eq!(value["email"], row["email"]);
                assert_eq!(value["name"], row["name"]);
                assert_eq!(value.as_object().unwrap().len(), 2);
                continue;
            }
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            assert_eq!(text, row[&format!("mailrun_{name}")], "{name} of {line}");
        }
    }
}

#[test]
fn states_choose_and_their_numbers_are_those_of_status() {
    let sandbox = sequential();
    let folder = mixed(&sandbox);
    let status = run(&folder, &["status", "campaign", "--json"]).json();
    for state in [
        "accepted",
        "failed",
        "deferred",
        "in_doubt",
        "invalid",
        "suppressed",
        "duplicate",
        "remaining",
    ] {
        let rows = rows(&results(&folder, &["--state", state]).stdout);
        assert!(rows.iter().all(|row| row["mailrun_state"] == state));
        assert_eq!(status[state], rows.len(), "{state}");
    }
    let two = rows(&results(&folder, &["--state", "failed,in_doubt"]).stdout);
    let two: Vec<_> = two
        .iter()
        .map(|row| row["mailrun_state"].as_str())
        .collect();
    assert_eq!(two, ["failed", "in_doubt"]);
    let unknown = run(&folder, &["results", "campaign", "--state", "lost"]);
    assert_eq!((unknown.status, unknown.stdout.as_str()), (2, ""));
}

/// Padded or cut they would be rows like others, and mailed.
#[test]
fn rows_whose_cells_do_not_fit_are_not_given_back_as_right_ones() {
    let sandbox = sequential();
    let folder = Folder::with_rows([]);
    let list = "email,name\nfew@a.example\nmany@a.example,Mary,Jane\nann@a.example,Ann\n";
    folder.write("recipients.csv", list);
    let invalid = results(&folder, &["--state", "invalid"]).stdout;
    let rows = rows(&invalid);
    assert_eq!(rows.len(), 2);
    for (row, address) in rows.iter().zip(["few@a.example", "many@a.example"]) {
        assert_eq!((row["email"].as_str(), row["name"].as_str()), ("", ""));
        assert_eq!(row["mailrun_address"], address);
    }
    folder.write("back.csv", &invalid);
    let back = [
        "--json",
        "--run",
        "back",
        "--recipients",
        "campaign/back.csv",
    ];
    let ran = send(&folder, &sandbox, &back);
    assert_eq!((ran.status, counts(&ran)), (3, "invalid 2".to_owned()));
    assert!(sandbox.messages().is_empty());
}

#[test]
fn results_can_be_mended_and_given_back() {
    let sandbox = sequential();
    let folder = mixed(&sandbox);
    let failed = results(&folder, &["--state", "failed,invalid"]).stdout;
    let mended = failed
        .replacen("rcpt-550@", "rita@", 1)
        .replacen("nobody", "nora@a.example", 1);
    assert_eq!(mended.lines().count(), 3);
    folder.write("mended.csv", &mended);
    let again = [
        "--json",
        "--run",
        "mended",
        "--recipients",
        "campaign/mended.csv",
    ];
    let ran = send(&folder, &sandbox, &again);
    assert_eq!(
        (ran.status, counts(&ran)),
        (0, "accepted 2".to_owned()),
        "{ran:?}"
    );
    let messages = sandbox.messages();
    assert_eq!(
        messages[messages.len() - 2..]
            .iter()
            .map(|it| it.to[0].as_str())
            .collect::<std::collections::BTreeSet<_>>(),
        ["nora@a.example", "rita@a.example"].into()
    );

    // Each of mailrun's columns is there once, with what is true now.
    let which = ["--run", "mended", "--recipients", "campaign/mended.csv"];
    let csv = results(&folder, &which).stdout;
    assert_eq!(csv.lines().next(), failed.lines().next());
    let rows = rows(&csv);
    assert!(
        rows.iter().all(|row| row["mailrun_state"] == "accepted"),
        "{csv}"
    );
    assert_eq!(rows[0]["name"], "Rejected, Rita");

    // As the campaign's own list too, in the same run: only who is mended is mailed.
    let whole = results(&folder, &[])
        .stdout
        .replace("nobody", "nils@a.example");
    folder.write("recipients.csv", whole);
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    assert_eq!(
        counts(&ran),
        "accepted 4, failed 1, in_doubt 1, duplicate 1"
    );
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let folder = Folder::generated(20_000, "long.example");
    for format in ["csv", "jsonl"] {
        let mut child = mailrun(folder.path.parent().unwrap())
            .args(["results", "campaign", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut reader = BufReader::with_capacity(64, child.stdout.take().unwrap());
        reader.read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        drop(reader);
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{format}");
    }
}

#[test]
fn a_run_that_stopped_early_says_why() {
    let folder = Folder::generated(40, "a.example");
    let list = folder.read("recipients.csv").replace("\nr", "\nrcpt-550+");
    folder.write("recipients.csv", list);
    folder.configure("stop_after = 3");
    let sandbox = sequential();
    let ran = send(&folder, &sandbox, &["--connections", "1", "--json"]);
    assert_eq!(
        (ran.status, counts(&ran)),
        (4, "failed 3, remaining 37".to_owned())
    );
    let why = ran.json()["stopped"].as_str().unwrap().to_owned();
    assert!(why.starts_with("3 recipients in a row refused, "), "{why}");
    let status = run(&folder, &["status", "campaign"]);
    assert!(
        status.stdout.contains(&format!(
            "        40  recipients\nthe last send stopped early: {why}\n\n"
        )),
        "{status:?}"
    );
    let json = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(json.json()["stopped"], why.as_str());
}

#[test]
fn the_five_most_frequent_replies_are_told_with_what_to_do() {
    let kinds = [
        ("rcpt-550-5.1.1", 7),
        ("rcpt-550-5.7.1", 6),
        ("rcpt-552-5.2.2", 5),
        ("dot-552-5.3.4", 4),
        ("rcpt-450-4.2.0", 3),
        ("rcpt-556-5.1.10", 2),
        ("rcpt-554", 1),
    ];
    let rows: Vec<_> = kinds
        .iter()
        .flat_map(|(kind, rows)| (1..=*rows).map(move |n| format!("{kind}+{n}@a.example")))
        .collect();
    let folder = Folder::with_rows(rows.iter().map(|row| (row.as_str(), "Anna")));
    folder.configure("attempts = 2\nstop_after = 1000");
    let sandbox = sequential();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!((ran.status, counts(&ran).as_str()), (3, "failed 28"));
    let status = run(&folder, &["status", "campaign"]).stdout;
    let (_, why) = status.split_once("recipients\n\n").unwrap();
    assert_eq!(
        why,
        "why they failed or are deferred (who: mailrun results campaign --run r --state failed,deferred)
         7  550 5.1.1 no such recipient
            there is no such mailbox: correct the address, or take it off the list
         6  550 5.7.1 no such recipient
            there is no such mailbox: correct the address, or take it off the list
         5  552 5.2.2 no such recipient
            the mailbox is full: try again in some days, then take it off the list
         4  552 5.3.4 this message is refused
            the message is too large for this server: make it smaller
         3  450 4.2.0 not to this recipient for now
            refused for now each time: try these again in a new run, later
         3  for other reasons
"
    );

    // A run that was cut off in its middle: who is deferred is counted once, by the last reply.
    let ledger = folder.read("runs/r.jsonl");
    let lines = ledger.lines().filter(|line| !line.contains("\"failed\""));
    let cut: String = lines
        .filter(|line| line.contains("rcpt-450") || !line.contains("\"key\""))
        .map(|line| format!("{line}\n"))
        .collect();
    folder.write("runs/r.jsonl", cut);
    let status = run(&folder, &["status", "campaign"]).stdout;
    let (_, why) = status.split_once(")\n").unwrap();
    assert_eq!(
        why,
        "         3  450 4.2.0 not to this recipient for now
            refused for now: mailrun send tries again
"
    );
}
