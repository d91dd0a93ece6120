//! Who is left out on purpose: suppress lists, and rows of one key.

use serde_json::json;

use super::evidence::counts;
use super::support::{Folder, received, run, sandbox, send};

const ROWS: [(&str, &str); 5] = [
    ("anna@a.example", "Anna"),
    ("bert@a.example", "Bert"),
    ("cleo@gone.example", "Cleo"),
    ("bert@A.example", "Bert again"),
    ("dora@a.example", "Dora"),
];

#[test]
fn suppressed_recipients_are_counted_and_never_mailed() {
    let folder = Folder::with_rows(ROWS);
    folder.write("gone.csv", "email,why\nbert@A.EXAMPLE,asked\nn/a,\n");
    folder.write("domains.txt", "@gone.example\n");
    folder.configure("[recipients]\nsuppress = [\"gone.csv\", \"domains.txt\"]");
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let expected = "accepted 2, suppressed 2, duplicate 1";
    assert_eq!(counts(&ran), expected);
    let said: Vec<_> = ran.stderr.lines().take(3).collect();
    assert_eq!(
        said,
        [
            "campaign/gone.csv:3: \"n/a\" is neither an address nor a domain such as @example.com, and suppresses nobody (1 entry of this kind)",
            "campaign/recipients.csv: 1 row left out: an earlier row has the same key",
            "campaign/recipients.csv: 2 recipients left out: on a suppress list",
        ]
    );
    let got: Vec<_> = received(&sandbox).into_iter().collect();
    assert_eq!(
        got,
        [
            ("anna@a.example".to_owned(), 1),
            ("dora@a.example".to_owned(), 1)
        ]
    );
    assert!(!folder.standings().contains_key("bert@a.example"));

    let status = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(counts(&status), expected);
    let results = run(
        &folder,
        &[
            "results",
            "campaign",
            "--state",
            "suppressed",
            "--format",
            "jsonl",
        ],
    );
    let keys: Vec<_> = results
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["key"].clone())
        .collect();
    assert_eq!(keys, ["bert@a.example", "cleo@gone.example"]);
    // Taken off the list, they are mailed by the same command.
    folder.write("gone.csv", "email,why\n");
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&again), "accepted 3, suppressed 1, duplicate 1");
}

#[test]
fn who_was_mailed_before_stays_accepted() {
    let folder = Folder::with_rows(ROWS);
    let sandbox = sandbox();
    assert_eq!(send(&folder, &sandbox, &["--limit", "1"]).status, 0);
    folder.write(
        "gone.txt",
        "anna@a.example\ndora@a.example\n@gone.example\n",
    );
    folder.configure("[recipients]\nsuppress = [\"gone.txt\"]");
    let only = send(&folder, &sandbox, &["--only", "dora@a.example", "--json"]);
    assert_eq!(only.status, 0, "{only:?}");
    assert_eq!(
        counts(&only),
        "accepted 1, suppressed 2, duplicate 1, remaining 1"
    );
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&ran), "accepted 2, suppressed 2, duplicate 1");
    assert_eq!(received(&sandbox).len(), 2);
    // A dry run knows of no ledger.
    let dry = run(&folder, &["send", "campaign", "--json", "--dry-run", "out"]);
    let expected = json!({"run": "r", "written": 1, "invalid": 0, "suppressed": 3, "duplicate": 1});
    assert_eq!((dry.status, dry.json()), (0, expected));
}

#[test]
fn rows_to_one_address_are_all_sent_when_each_has_a_key() {
    let folder = Folder::with_rows([]);
    folder.configure("[recipients]\nkey = \"id\"\nduplicates = \"send\"");
    let list = "id,email,name\n1,a@a.example,A\n2,a@a.example,A\n3,b@a.example,B\n";
    folder.write("recipients.csv", list);
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&ran), "accepted 3");
    assert_eq!(received(&sandbox)["a@a.example"], 2);

    folder.write("recipients.csv", format!("{list}2,c@a.example,C\n"));
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (
            1,
            "mailrun: campaign/recipients.csv:5: row 4 has the key \"2\" of an earlier row (1 such row in all); take out all but one of each key, or set duplicates = \"skip\" in [recipients]\n"
        )
    );
}

#[test]
fn addresses_that_differ_in_case_alone_are_one_when_so_set() {
    let folder = Folder::with_rows([
        ("Anna@a.example", "A"),
        ("anna@A.example", "a"),
        ("B@a.example", "B"),
    ]);
    folder.write("gone.txt", "b@a.example\n");
    folder.configure("[recipients]\nsuppress = [\"gone.txt\"]\nduplicates_ignore_case = true");
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&ran), "accepted 1, suppressed 1, duplicate 1");
    // As it is written in the list.
    assert_eq!(received(&sandbox)["Anna@a.example"], 1);
}
