//! `results` as JSON lines, corrected and given back as a list: lists and objects in them, and groups, are what they were.

use mailrun::sandbox::Sandbox;

use super::evidence::counts;
use super::support::{Folder, run, sandbox, send};

fn results(folder: &Folder, args: &[&str]) -> String {
    let all = [&["results", "campaign", "--format", "jsonl"], args].concat();
    let ran = run(folder, &all);
    assert_eq!(ran.status, 0, "{ran:?}");
    ran.stdout
}

/// What the messages say, by their recipients.
fn texts(sandbox: &Sandbox) -> Vec<String> {
    let text = |content: Vec<u8>| {
        let content = String::from_utf8(content).unwrap();
        content
            .split_once("\r\n\r\n")
            .unwrap()
            .1
            .trim_end()
            .to_owned()
    };
    let messages = sandbox.messages().into_iter();
    let mut texts: Vec<_> = messages
        .map(|it| format!("{}: {}", it.to.concat(), text(it.content)))
        .collect();
    texts.sort();
    texts
}

#[test]
fn json_lines_corrected_and_given_back_are_the_list_that_they_were_made_of() {
    let sandbox = sandbox();
    let folder = Folder::with_rows([]);
    let list = r#"{"email": "anna@a.example", "name": "Anna", "items": [{"n": 1, "what": "a \"cup\""}, {"n": 2.50, "what": "lid"}], "paid": true, "about": {"city": null}}
{"email": "bert@", "name": "Bert", "items": [{"n": 3, "what": "pot"}], "about": {"city": "Gera"}}
{"email": "cleo@a.example", "name": "Cleo", "items": [], "paid": 1, "about": {"city": "Bonn"}}
"#;
    folder.write("list.jsonl", list);
    folder.configure("[recipients]\nfile = \"list.jsonl\"\naddress = \"email\"");
    folder.write(
        "message.txt.hbs",
        "{{#each items}}{{n}} {{what}}, {{/each}}{{paid}} {{#with about}}{{city}}{{/with}}",
    );
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&ran), "accepted 2, invalid 1", "{ran:?}");
    let json = results(&folder, &[]);
    let corrected = json.replace("\"email\":\"bert@\"", "\"email\":\"bert@a.example\"");
    assert_ne!(corrected, json);
    folder.write("corrected.jsonl", corrected);
    let given_back = ["--json", "--recipients", "campaign/corrected.jsonl"];
    let again = send(&folder, &sandbox, &given_back);
    assert_eq!(counts(&again), "accepted 3", "{again:?}");
    let expected = [
        "anna@a.example: 1 a \"cup\", 2.5 lid, true",
        "bert@a.example: 3 pot,  Gera",
        "cleo@a.example: 1 Bonn",
    ];
    assert_eq!(texts(&sandbox), expected);
    // As a new run they all are what they were.
    let other = self::sandbox();
    let next = ["--run", "next", given_back[1], given_back[2]];
    assert_eq!(send(&folder, &other, &next).status, 0);
    assert_eq!(texts(&other), expected);
}

#[test]
fn json_lines_of_groups_given_back_are_all_of_their_rows() {
    let sandbox = sandbox();
    let folder = Folder::with_rows([]);
    let list = "email,name,item\nanna@a.example,Anna,cup\nbert@a.example,Bert,pot\nanna@a.example,Anna,\ncleo@a.example,Cleo\n";
    folder.write("recipients.csv", list);
    folder.configure("[recipients]\ngroup_by = \"email\"\nrequired = [\"item\"]");
    folder.write("message.txt.hbs", "{{#each rows}}{{item}}, {{/each}}");
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(counts(&ran), "accepted 1, invalid 2", "{ran:?}");
    let json = results(&folder, &["--state", "invalid"]);
    let corrected = json.replace(
        "\"item\":\"\",\"name\":\"Anna\"",
        "\"item\":\"lid\",\"name\":\"Anna\"",
    );
    assert_ne!(corrected, json);
    folder.write("corrected.jsonl", corrected);
    let given_back = ["--json", "--recipients", "campaign/corrected.jsonl"];
    let again = send(&folder, &sandbox, &given_back);
    // Who stands behind the row with too few cells is known; its cells are not there to be taken for right.
    assert_eq!(counts(&again), "accepted 1, invalid 1", "{again:?}");
    assert_eq!(
        texts(&sandbox),
        ["anna@a.example: cup, lid,", "bert@a.example: pot,"]
    );
}

#[test]
fn of_a_group_that_was_corrected_in_one_of_two_places_nothing_is_guessed() {
    let folder = Folder::with_rows([]);
    let list = "email,item\nanna@a.example,cup\nbert@a.example,pot\nanna@a.example,lid\n";
    folder.write("recipients.csv", list);
    let settings = folder
        .read("campaign.toml")
        .replace("Hello {{name}}", "Hello");
    folder.write("campaign.toml", settings);
    folder.configure("[recipients]\ngroup_by = \"email\"");
    folder.write("message.txt.hbs", "{{#each rows}}{{item}}, {{/each}}");
    let json = results(&folder, &[]);
    let (cup, mug) = ("\"item\":\"cup\"}", "\"item\":\"mug\"}");
    let both = json.replace(cup, mug);
    for (corrected, expected) in [
        (json.replacen(cup, mug, 1), None),
        (both.replacen(mug, cup, 1), None),
        (
            both.replace("\"fields\":", "\"before\":"),
            Some("anna@a.example: mug, lid,"),
        ),
        (both, Some("anna@a.example: mug, lid,")),
    ] {
        folder.write("corrected.jsonl", &corrected);
        let sandbox = sandbox();
        let given_back = ["--json", "--recipients", "campaign/corrected.jsonl"];
        let ran = send(&folder, &sandbox, &given_back);
        let ended = match expected {
            Some(_) => (0, "accepted 2".to_owned()),
            None => (3, "accepted 1, invalid 1".to_owned()),
        };
        assert_eq!((ran.status, counts(&ran)), ended, "{ran:?}");
        let told = "corrected.jsonl:1: row 1, column \"item\": \"fields\" has another value here than the first of \"rows\"";
        assert_eq!(ran.stderr.contains(told), expected.is_none(), "{ran:?}");
        let bert = "bert@a.example: pot,".to_owned();
        let expected: Vec<_> = expected
            .map(str::to_owned)
            .into_iter()
            .chain([bert])
            .collect();
        assert_eq!(texts(&sandbox), expected);
        std::fs::remove_dir_all(folder.path.join("runs")).unwrap();
    }
}
