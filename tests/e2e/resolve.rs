//! In doubt: looked up by Message-ID and time, settled by a person, or mailed again as the same message.

use std::collections::BTreeMap;
use std::fs::{self, File};

use mailrun::sandbox::Sandbox;
use serde_json::Value;

use super::evidence::{counts, history, last_line};
use super::support::{Folder, Ran, received, run, send, sequential};

const ANNA: &str = "drop-after-dot-once+anna@a.example";
const DORA: &str = "drop-after-dot-once+dora@a.example";

/// Two in doubt, one accepted.
fn doubtful(sandbox: &Sandbox) -> Folder {
    let folder = Folder::with_rows([(ANNA, "Anna"), ("bert@a.example", "Bert"), (DORA, "Dora")]);
    let ran = send(&folder, sandbox, &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (3, "accepted 1, in_doubt 2")
    );
    folder
}

fn resolve(folder: &Folder, args: &[&str]) -> Ran {
    run(
        folder,
        &[&["resolve", "campaign", "--as"][..], args].concat(),
    )
}

fn status(folder: &Folder) -> String {
    counts(&run(folder, &["status", "campaign", "--json"]))
}

/// `results --format jsonl`, by key.
fn results(folder: &Folder, args: &[&str]) -> BTreeMap<String, Value> {
    let ran = run(
        folder,
        &[&["results", "campaign", "--format", "jsonl"][..], args].concat(),
    );
    assert_eq!(ran.status, 0, "{ran:?}");
    let lines = ran.stdout.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        (line["key"].as_str().unwrap().to_owned(), line)
    });
    lines.collect()
}

/// The Message-IDs that the server got for a recipient.
fn message_ids(sandbox: &Sandbox, to: &str) -> Vec<String> {
    let messages = sandbox.messages().into_iter().filter(|it| it.to == [to]);
    let ids = messages.map(|message| {
        let text = String::from_utf8(message.content).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Message-ID: <"));
        line.unwrap().trim_end_matches('>').to_owned()
    });
    ids.collect()
}

#[test]
fn who_was_found_is_accepted_and_who_was_not_is_mailed() {
    let sandbox = sequential();
    let folder = doubtful(&sandbox);
    let sent = resolve(&folder, &["sent", " drop-after-dot-once+anna@A.example "]);
    assert_eq!((sent.status, sent.stdout.as_str()), (0, ""), "{sent:?}");
    assert_eq!(
        sent.stderr,
        "1 recipient no longer in doubt: accepted, never mailed again\n\
         run \"r\": 2 of 3 accepted, 1 in doubt\n"
    );
    assert_eq!(status(&folder), "accepted 2, in_doubt 1");
    // A person's word is told from a server's.
    let line = last_line(&folder, ANNA);
    let claim = folder.ledger().into_iter().find(|line| line["key"] == ANNA);
    assert_eq!(
        (&line["state"], &line["by"]),
        (&"accepted".into(), &"person".into())
    );
    assert_eq!((&line["code"], &line["attempt"]), (&Value::Null, &1.into()));
    assert_eq!(line["message_id"], claim.unwrap()["message_id"]);
    let listed = &results(&folder, &["--state", "accepted"])[ANNA];
    assert_eq!(
        listed["reply"],
        "a person said that it was sent (mailrun resolve)"
    );

    let unsent = resolve(&folder, &["unsent"]);
    assert_eq!(
        (unsent.status, unsent.stderr.as_str()),
        (
            0,
            "1 recipient no longer in doubt: remaining, mailed by the next send\n\
             run \"r\": 2 of 3 accepted, 1 remaining\n"
        )
    );
    assert_eq!(status(&folder), "accepted 2, remaining 1");
    assert_eq!(results(&folder, &[])[DORA]["attempts"], 0);

    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!((ran.status, counts(&ran).as_str()), (0, "accepted 3"));
    let times = received(&sandbox);
    assert_eq!(
        (times[ANNA], times["bert@a.example"], times[DORA]),
        (1, 1, 2)
    );
    assert_eq!(
        history(&folder, DORA),
        "claimed sending in_doubt released claimed sending accepted"
    );
}

#[test]
fn what_is_not_in_doubt_cannot_be_settled() {
    let sandbox = sequential();
    let folder = doubtful(&sandbox);
    let before = folder.read("runs/r.jsonl");
    for (keys, text) in [
        (
            [ANNA, "bert@a.example"],
            "the recipient with the key \"bert@a.example\" is accepted, and only what is in doubt can be settled; nothing \
             was changed",
        ),
        (
            [ANNA, "emil@a.example"],
            "campaign/recipients.csv: no recipient has the key \"emil@a.example\"; a key is the address unless [recipients] \
             names a key column; nothing was changed",
        ),
    ] {
        for verdict in ["sent", "unsent"] {
            let ran = resolve(&folder, &[verdict, keys[0], keys[1]]);
            assert_eq!(ran.stderr, format!("mailrun: {text}\n"));
            assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
        }
    }
    let other = resolve(&folder, &["sent", "--run", "other"]);
    assert_eq!(
        other.stderr,
        "mailrun: campaign/runs/other.jsonl: run \"other\" was not begun yet: nobody is in doubt\n"
    );
    assert_eq!(other.status, 1);
    assert!(!folder.path.join("runs/other.jsonl").exists());
    for wrong in [
        &["resolve", "campaign"][..],
        &["resolve", "campaign", "--as", "lost"],
    ] {
        assert_eq!(run(&folder, wrong).status, 2);
    }
    let held = File::open(folder.path.join("runs/r.jsonl")).unwrap();
    held.try_lock().unwrap();
    let locked = resolve(&folder, &["sent"]);
    assert_eq!(
        (locked.status, locked.stderr.as_str()),
        (
            1,
            "mailrun: campaign/runs/r.jsonl: another mailrun has this run's ledger; wait for it to end\n"
        )
    );
    drop(held);
    assert_eq!(folder.read("runs/r.jsonl"), before);

    // Nobody left: nothing to do, and no line of it.
    assert_eq!(resolve(&folder, &["sent"]).status, 0);
    let settled = folder.read("runs/r.jsonl");
    let none = resolve(&folder, &["unsent"]);
    assert_eq!(
        (none.status, none.stderr.as_str()),
        (0, "nobody is in doubt in run \"r\": 3 of 3 accepted\n")
    );
    assert_eq!(folder.read("runs/r.jsonl"), settled);
    assert_eq!(received(&sandbox).values().sum::<usize>(), 3);
}

#[test]
fn what_a_killed_process_left_is_listed_as_it_left_and_can_be_settled() {
    let sandbox = sequential();
    let folder = doubtful(&sandbox);
    // Cut after the mark: the process was killed while the answer was due.
    let ledger = folder.read("runs/r.jsonl");
    let lines: Vec<_> = ledger.split_inclusive('\n').collect();
    let mark = lines
        .iter()
        .position(|line| line.contains(DORA) && line.contains("\"sending\""));
    let cut = lines[..=mark.unwrap()].concat();
    folder.write("runs/r.jsonl", &cut);
    let of_dora = |state: &str| {
        let of_state = |line: &Value| line["key"] == DORA && line["state"] == state;
        folder.ledger().into_iter().find(of_state).unwrap()
    };
    let (claim, mark) = (of_dora("claimed"), of_dora("sending"));
    let looked_up = || {
        let dora = &results(&folder, &["--state", "in_doubt"])[DORA];
        ["message_id", "server", "time"].map(|name| dora[name].clone())
    };
    let left = ["message_id", "server"].map(|name| claim[name].clone());
    let left = [left[0].clone(), left[1].clone(), mark["time"].clone()];
    assert_eq!(looked_up(), left);
    assert_eq!(message_ids(&sandbox, DORA), [left[0].as_str().unwrap()]);
    // The next process says that it is in doubt, later; looked up it is where it left.
    let list = folder.read("recipients.csv");
    folder.write("recipients.csv", format!("{list}zoe@a.example,Zoe\n"));
    assert_eq!(send(&folder, &sandbox, &[]).status, 3);
    assert_eq!(last_line(&folder, DORA)["state"], "in_doubt");
    assert_eq!(looked_up(), left);

    folder.write("runs/r.jsonl", &cut);
    assert_eq!(resolve(&folder, &["sent", DORA]).status, 0);
    // It may have been claimed and handed back before.
    let history = history(&folder, DORA);
    assert!(
        history.ends_with("claimed sending in_doubt accepted"),
        "{history}"
    );
    assert_eq!(results(&folder, &[])[DORA]["state"], "accepted");
}

#[test]
fn settling_leaves_what_the_run_was_begun_with() {
    let sandbox = sequential();
    let folder = doubtful(&sandbox);
    folder.write("message.txt.hbs", "Dear {{name}},\nit was yesterday.\n");
    assert_eq!(resolve(&folder, &["unsent"]).status, 0);
    // The text that the first ones got is still the one that a change is asked about.
    let refused = send(&folder, &sandbox, &[]);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("changed since run \"r\" was begun: text;"),
        "{refused:?}"
    );
}

#[test]
fn mailed_again_it_is_the_same_message_even_from_another_domain() {
    let sandbox = sequential();
    let folder = doubtful(&sandbox);
    let settings = folder.read("campaign.toml");
    // Both take part in the Message-ID of whoever was not mailed before.
    let settings = settings.replace("acme.example", "other.example");
    folder.write(
        "campaign.toml",
        settings.replace("\"Test\"", "\"Test two\""),
    );
    let list = folder.read("recipients.csv");
    folder.write("recipients.csv", format!("{list}new@a.example,Nora\n"));
    // Over the setting in either direction.
    let held = send(
        &folder,
        &sandbox,
        &["--in-doubt", "hold", "--yes", "--json"],
    );
    assert_eq!(counts(&held), "accepted 2, in_doubt 2");
    let ran = send(
        &folder,
        &sandbox,
        &["--in-doubt", "resend", "--only", ANNA, "--json"],
    );
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 3, in_doubt 1")
    );
    assert!(
        ran.stderr.contains(
            "2 recipients in doubt, to be mailed again with the same Message-ID: who has the first message may get a second one\n"
        ),
        "{ran:?}"
    );
    folder.configure("in_doubt = \"resend\"");
    let held = send(&folder, &sandbox, &["--in-doubt", "hold", "--json"]);
    assert_eq!(counts(&held), "accepted 3, in_doubt 1");
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!((ran.status, counts(&ran).as_str()), (0, "accepted 4"));
    for key in [ANNA, DORA] {
        let ids = message_ids(&sandbox, key);
        assert_eq!((ids.len(), &ids[0]), (2, &ids[1]), "{key}");
        assert!(ids[0].ends_with("@acme.example"), "{ids:?}");
        assert_eq!(results(&folder, &[])[key]["message_id"], ids[0].as_str());
    }
    assert!(message_ids(&sandbox, "new@a.example")[0].ends_with("@other.example"));
}

#[test]
fn the_sandboxs_ledger_is_its_own() {
    let folder = Folder::with_rows([(ANNA, "Anna")]);
    let ran = run(&folder, &["send", "campaign", "--sandbox", "--json"]);
    assert_eq!((ran.status, counts(&ran).as_str()), (3, "in_doubt 1"));
    assert!(
        ran.stderr
            .contains("mailrun resolve campaign --sandbox --run r --as sent|unsent"),
        "{ran:?}"
    );
    assert_eq!(resolve(&folder, &["sent"]).status, 1);
    assert_eq!(resolve(&folder, &["sent", "--sandbox"]).status, 0);
    let status = run(&folder, &["status", "campaign", "--sandbox", "--json"]);
    assert_eq!(counts(&status), "accepted 1");
    assert!(!fs::exists(folder.path.join("runs/r.jsonl")).unwrap());
}
