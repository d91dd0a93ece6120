//! `group_by`: several rows of a list, one message to one person; never a part of what is theirs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use mailrun::sandbox::Sandbox;
use serde_json::{Value, json};

use super::evidence::{counts, entries};
use super::running::{Running, until};
use super::support::{Folder, Ran, mailrun, received, run, sandbox, send, url};

const ORDERS: &str = "order,email,first_name,item\n\
    1,anna@a.example,Anna,cup\n\
    2,bert@a.example,Bert,pot\n\
    3,anna@A.example,Anna,\"lid, \"\"blue\"\"\"\n\
    4,cleo@a.example,Cleo,jug\n\
    5,anna@a.example,Anna,pan\n";

/// A campaign whose list has a row for each order.
fn orders(list: &str) -> Folder {
    let folder = Folder::with_rows([]);
    let settings = folder.read("campaign.toml");
    let settings = settings.replace("Hello {{name}}", "{{first_name}}, {{len rows}} on the way");
    folder.write("campaign.toml", settings);
    folder.configure("[recipients]\ngroup_by = \"email\"\nrequired = [\"item\"]");
    folder.write("recipients.csv", list);
    folder.write(
        "message.txt.hbs",
        "Dear {{first_name}}, {{#each rows}}{{order}}:{{item}};{{/each}}\n",
    );
    folder
}

/// Subject and text of each message, by its recipient; one each.
fn messages(sandbox: &Sandbox) -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    for message in sandbox.messages() {
        let text = String::from_utf8(message.content).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let subject = head.lines().find_map(|line| line.strip_prefix("Subject: "));
        let to = message.to.concat();
        let parts = (subject.unwrap().to_owned(), body.trim_end().to_owned());
        assert!(found.insert(to, parts).is_none(), "one message each");
    }
    found
}

fn message(subject: &str, text: &str) -> (String, String) {
    (subject.to_owned(), text.to_owned())
}

fn results(folder: &Folder, args: &[&str]) -> String {
    let mut all = vec!["results", "campaign"];
    all.extend_from_slice(args);
    let ran = run(folder, &all);
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout
}

fn said(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().collect()
}

#[test]
fn orders_of_one_person_are_one_message() {
    let folder = orders(ORDERS);
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!((ran.status, counts(&ran).as_str()), (0, "accepted 3"));
    assert_eq!(
        said(&ran)[0],
        "campaign/recipients.csv: 5 rows in 3 groups by \"email\", a message each"
    );
    let expected = BTreeMap::from([
        (
            "anna@a.example".to_owned(),
            message(
                "Anna, 3 on the way",
                "Dear Anna, 1:cup;3:lid, \"blue\";5:pan;",
            ),
        ),
        (
            "bert@a.example".to_owned(),
            message("Bert, 1 on the way", "Dear Bert, 2:pot;"),
        ),
        (
            "cleo@a.example".to_owned(),
            message("Cleo, 1 on the way", "Dear Cleo, 4:jug;"),
        ),
    ]);
    assert_eq!(messages(&sandbox), expected);
    let status = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(counts(&status), "accepted 3");
    assert_eq!(status.json()["recipients"], 3);

    // Who is accepted is not mailed again in this run, whatever is added; a new person is.
    folder.write(
        "recipients.csv",
        format!("{ORDERS}6,bert@a.example,Bert,lid\n7,dora@a.example,Dora,mug\n"),
    );
    let again = send(&folder, &sandbox, &["--json"]);
    assert_eq!((again.status, counts(&again).as_str()), (0, "accepted 4"));
    assert_eq!(messages(&sandbox).len(), 4);
    let next = send(
        &folder,
        &sandbox,
        &["--json", "--run", "next", "--only", "bert@A.example"],
    );
    assert_eq!(next.status, 0, "{next:?}");
    assert_eq!(received(&sandbox)["bert@a.example"], 2);
    let last = sandbox.messages().pop().unwrap().content;
    assert!(
        String::from_utf8(last)
            .unwrap()
            .ends_with("Dear Bert, 2:pot;6:lid;\r\n")
    );
}

#[test]
fn results_have_all_rows_and_can_be_given_back() {
    let folder = orders(&ORDERS.replace("pan", ""));
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&ran), "accepted 2, invalid 1");
    assert_eq!(ran.status, 3);
    assert_eq!(
        said(&ran)[1],
        "campaign/recipients.csv:6: row 5, column \"item\": the cell is empty, and the column is required; fill it in (its \
         group, of 3 rows, is not mailed without it)"
    );
    assert!(!received(&sandbox).contains_key("anna@a.example"));
    assert_eq!(folder.standings()["anna@a.example"], "invalid");

    let json = results(&folder, &["--format", "jsonl"]);
    let lines: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let brief: Vec<_> = (lines.iter())
        .map(|it| {
            json!([
                it["key"],
                it["row"],
                it["state"],
                it["fields"]["item"],
                it["rows"].as_array().unwrap().len()
            ])
        })
        .collect();
    assert_eq!(
        json!(brief),
        json!([
            ["anna@a.example", 5, "invalid", "cup", 3],
            ["bert@a.example", 2, "accepted", "pot", 1],
            ["cleo@a.example", 4, "accepted", "jug", 1],
        ])
    );
    assert_eq!(
        lines[0]["rows"][1],
        json!({"order": "3", "email": "anna@A.example", "first_name": "Anna", "item": "lid, \"blue\""})
    );

    let csv = results(&folder, &["--state", "invalid"]);
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let brief: Vec<_> = rows
        .records()
        .map(|row| {
            let row = row.unwrap();
            [0, 3, 4, 5, 7].map(|at| row[at].to_owned()).join(" ")
        })
        .collect();
    assert_eq!(
        brief,
        [
            "1 cup anna@a.example 1 invalid",
            "3 lid, \"blue\" anna@a.example 3 invalid",
            "5  anna@a.example 5 invalid",
        ]
    );
    // Corrected and given back, all of it is there.
    let corrected = csv.replace("5,anna@a.example,Anna,,", "5,anna@a.example,Anna,pan,");
    assert_ne!(corrected, csv);
    folder.write("corrected.csv", corrected);
    let again = send(
        &folder,
        &sandbox,
        &["--json", "--recipients", "campaign/corrected.csv"],
    );
    assert_eq!(
        (again.status, counts(&again).as_str()),
        (0, "accepted 1"),
        "{again:?}"
    );
    assert_eq!(
        messages(&sandbox)["anna@a.example"].1,
        "Dear Anna, 1:cup;3:lid, \"blue\";5:pan;"
    );
}

#[test]
fn a_group_that_is_too_large_is_given_back_by_none_of_its_rows() {
    let mut list = "email,item\na@a.example,cup\n".to_owned();
    let pot = "pot".repeat(400_000);
    for _ in 0..15 {
        writeln!(list, "b@a.example,{pot}").unwrap();
    }
    let folder = orders(&list);
    folder.write("message.txt.hbs", "{{#each rows}}{{len item}}{{/each}}\n");
    let settings = folder.read("campaign.toml");
    folder.write("campaign.toml", settings.replace("{{first_name}}, ", ""));
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (3, "accepted 1, invalid 1"),
        "{ran:?}"
    );
    let csv = results(&folder, &["--state", "invalid"]);
    let lines: Vec<_> = csv.lines().skip(1).collect();
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with(",,b@a.example,2,b@a.example,invalid,"),
        "{csv}"
    );
}

#[test]
fn what_is_chosen_is_chosen_before_rows_are_grouped() {
    let folder = orders(ORDERS);
    folder.write("gone.txt", "cleo@a.example\n");
    folder.write(
        "campaign.toml",
        folder.read("campaign.toml").replace(
            "group_by",
            "where = \"int(order) > 1\"\nsuppress = [\"gone.txt\"]\ngroup_by",
        ),
    );
    let sandbox = sandbox();
    let first = send(&folder, &sandbox, &["--json", "--limit", "1"]);
    assert_eq!((first.status, messages(&sandbox).len()), (0, 1));
    assert_eq!(messages(&sandbox)["bert@a.example"].1, "Dear Bert, 2:pot;");
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 2, suppressed 1")
    );
    // To the address as it stands in the first row that is chosen.
    assert_eq!(
        messages(&sandbox)["anna@A.example"].1,
        "Dear Anna, 3:lid, \"blue\";5:pan;"
    );
}

#[test]
fn groups_of_another_column_may_have_one_address() {
    let list = "customer,email,item\n7,a@a.example,cup\n8,a@A.example,pot\n7,a@a.example,lid\n";
    let folder = orders(list);
    let settings = folder.read("campaign.toml");
    let settings = settings.replace("{{first_name}}, ", "");
    let settings = settings.replace("group_by = \"email\"", "group_by = \"customer\"");
    folder.write("campaign.toml", &settings);
    folder.write("message.txt.hbs", "{{#each rows}}{{item}};{{/each}}\n");
    let check = run(&folder, &["check", "campaign", "--sandbox", "--json"]).json();
    assert_eq!(
        json!([check["rows"], check["duplicate"], check["built"]]),
        json!([2, 1, 1])
    );
    // By a key of each group's own, both are mailed.
    let keyed = "key = \"customer\"\nduplicates = \"send\"\ngroup_by";
    folder.write("campaign.toml", settings.replace("group_by", keyed));
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (ran.status, counts(&ran).as_str()),
        (0, "accepted 2"),
        "{ran:?}"
    );
    let mut texts: Vec<_> = sandbox
        .messages()
        .into_iter()
        .map(|it| String::from_utf8(it.content).unwrap())
        .map(|it| it.split_once("\r\n\r\n").unwrap().1.to_owned())
        .collect();
    texts.sort();
    assert_eq!(texts, ["cup;lid;\r\n", "pot;\r\n"]);
}

#[test]
fn a_dry_run_and_a_check_see_groups() {
    let folder = orders(&ORDERS.replace("Anna,pan", ",pan"));
    folder.write(
        "message.txt.hbs",
        "{{#each rows}}{{first_name}}: {{item}};{{/each}}\n",
    );
    let ran = run(&folder, &["send", "campaign", "--dry-run", "out"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let out = folder.path.parent().unwrap().join("out");
    assert_eq!(
        entries(&out),
        [
            "1-anna@a.example.eml",
            "2-bert@a.example.eml",
            "4-cleo@a.example.eml"
        ]
    );
    let anna = fs::read_to_string(out.join("1-anna@a.example.eml")).unwrap();
    assert!(
        anna.contains("\r\n\r\nAnna: cup;Anna: lid, \"blue\";: pan;"),
        "{anna}"
    );

    let check = run(&folder, &["check", "campaign", "--sandbox"]);
    assert_eq!(check.status, 0, "{check:?}");
    assert!(
        check.stdout.contains("recipients.csv: 3 groups"),
        "{check:?}"
    );
    let check = run(&folder, &["check", "campaign", "--sandbox", "--json"]).json();
    assert_eq!(
        json!([
            check["rows"],
            check["built"],
            check["empty"],
            check["unused_columns"]
        ]),
        json!([3, 3, [{"column": "first_name", "rows": 1}], ["order"]])
    );
}

#[test]
fn a_message_that_cannot_be_made_is_placed_at_the_row_at_fault() {
    let list = "order,email,first_name,item\n\
        1,anna@a.example,Anna,3\n\
        2,bert@a.example,Bert,1\n\
        3,anna@a.example,Anna,4\n\
        4,cleo@a.example,Cleo,none\n\
        5,anna@a.example,Anna,many\n\
        6,cleo@a.example,Cleo,2\n\
        7,anna@a.example,Anna,more\n";
    let folder = orders(list);
    folder.write(
        "message.txt.hbs",
        "{{#each rows}}{{number item}}\n{{/each}}",
    );
    let wrong = |line: u64, cell: &str, rows: u64| {
        format!(
            "recipients.csv:{line}: row {}: campaign/message.txt.hbs:1:15: number: {cell:?} is no number; write it \
             as 1234.50 (its group, of {rows} rows, is not mailed without it)",
            line - 1
        )
    };
    let (anna, cleo) = (wrong(6, "many", 4), wrong(5, "none", 2));
    let dry = run(&folder, &["send", "campaign", "--dry-run", "out"]);
    let check = run(&folder, &["check", "campaign", "--sandbox"]);
    let ran = send(&folder, &sandbox(), &["--json"]);
    for text in [&dry.stderr, &ran.stderr] {
        assert!(text.contains(&anna) && text.contains(&cleo), "{text}");
    }
    let places = "row 5 (line 6), row 4 (line 5)";
    assert!(check.stdout.contains(places), "{}", check.stdout);
    assert_eq!(counts(&ran), "accepted 1, invalid 2");
    let entry = folder.ledger();
    let entry = entry.iter().find(|it| it["key"] == "anna@a.example");
    assert_eq!(entry.unwrap()["row"], 5);

    let json = results(&folder, &["--format", "jsonl"]);
    let line: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(
        json!([line["row"], line["fields"]["order"]]),
        json!([5, "1"])
    );
    // Nothing new is known of them: nothing new is written.
    send(&folder, &sandbox(), &[]);
    let ledger = folder.ledger();
    let invalid = ledger.iter().filter(|it| it["state"] == "invalid");
    assert_eq!(invalid.count(), 2);
}

#[test]
fn grouping_otherwise_is_another_content() {
    let folder = orders(ORDERS);
    let sandbox = sandbox();
    assert_eq!(send(&folder, &sandbox, &["--limit", "1"]).status, 0);
    let settings = folder.read("campaign.toml");
    folder.write(
        "campaign.toml",
        settings.replace("group_by = \"email\"", "group_by = \"first_name\""),
    );
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!((ran.status, messages(&sandbox).len()), (1, 1));
    assert!(ran.stderr.contains("group_by"), "{ran:?}");
}

#[test]
fn without_room_for_a_copy_nothing_begins() {
    let folder = orders(ORDERS);
    let mut command = mailrun(folder.path.parent().unwrap());
    command.args(["status", "campaign"]);
    let ran: Ran = command
        .env("TMPDIR", folder.path.join("nowhere"))
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.contains("campaign/recipients.csv: the rows of \"group_by\" cannot be brought together in a temporary file: "),
        "{ran:?}"
    );
}

#[test]
fn killed_and_resumed_each_person_gets_all_of_theirs_once() {
    // 2,000 orders of 400 people, none beside another of the same.
    let mut list = "order,email,first_name,item\n".to_owned();
    let mut expected = BTreeMap::new();
    for order in 0..2_000 {
        let who = order * 7 % 400;
        let (email, item) = (format!("r{who}@a.example"), format!("item {order}"));
        writeln!(list, "{order},{email},R{who},{item}").unwrap();
        let start = || format!("Dear R{who}, ");
        let text: &mut String = expected.entry(email).or_insert_with(start);
        write!(text, "{order}:{item};").unwrap();
    }
    let folder = orders(&list);
    let sandbox = sandbox();
    let start = || {
        let mut command = mailrun(folder.path.parent().unwrap());
        let url = url(&sandbox);
        command.args([
            "send",
            "campaign",
            "--json",
            "--server",
            &url,
            "--connections",
            "2",
        ]);
        Running::start(&mut command)
    };
    let ledger = folder.path.join("runs/r.jsonl");
    for kibibytes in [20, 60, 120] {
        let mut running = start();
        until("the instant to kill", || {
            let bytes = fs::metadata(&ledger).map_or(0, |it| it.len());
            (bytes >= kibibytes << 10 || running.ended()).then_some(())
        });
        running.kill();
        until("connections of a killed process to end", || {
            (sandbox.stats().open == 0).then_some(())
        });
    }
    let ran = start().end();
    let in_doubt = ran.json()["in_doubt"].as_u64().unwrap();
    assert_eq!(
        ran.json()["accepted"].as_u64().unwrap() + in_doubt,
        400,
        "{ran:?}"
    );
    // Three kills, two connections, a window of eight.
    assert!(in_doubt <= 48, "{ran:?}");
    let found = messages(&sandbox);
    assert!(found.len() as u64 >= 400 - in_doubt);
    for (email, (_, text)) in &found {
        // Quoted-printable breaks long lines.
        assert_eq!(text.replace("=\r\n", ""), expected[email], "{email}");
    }
}
