//! Lists of every kind, from the file to the message that is received.

use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;

use super::evidence::entries;
use super::support::{Folder, Ran, mailrun, received, run, sandbox, send, url};

/// A campaign whose list is `name`.
fn campaign(name: &str, list: impl AsRef<[u8]>) -> Folder {
    let folder = Folder::with_rows([]);
    fs::remove_file(folder.path.join("recipients.csv")).unwrap();
    folder.write(name, list);
    folder.configure(&format!("[recipients]\nfile = \"{name}\""));
    folder
}

fn body(sandbox: &mailrun::sandbox::Sandbox, to: &str) -> String {
    let messages = sandbox.messages().into_iter();
    let mut found = messages.filter(|message| message.to.iter().any(|it| it == to));
    let message = found.next().unwrap();
    assert!(found.next().is_none(), "one message each");
    let text = String::from_utf8(message.content).unwrap();
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[test]
fn a_list_from_a_chinese_spreadsheet_is_read_and_said_aloud() {
    let (list, _, _) =
        encoding_rs::GBK.encode("name;email\n王伟;wei@a.example\n李娜;na@a.example\n");
    let folder = campaign("list.csv", &list);
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let said: Vec<_> = ran.stderr.lines().take(2).collect();
    assert_eq!(
        said,
        [
            "campaign/list.csv: the columns are separated by semicolons (;)",
            "campaign/list.csv: read as GBK; first names: 王伟, 李娜; set encoding = \"...\" under [recipients] if this is wrong",
        ]
    );
    // "Dear 王伟,\r\nit is time.\r\n"
    let text = "RGVhciDnjovkvJ8sDQppdCBpcyB0aW1lLg0K\r\n";
    assert_eq!(body(&sandbox, "wei@a.example"), text);
}

#[test]
fn nested_data_of_json_lines_reaches_the_template_and_the_results() {
    let folder = campaign(
        "list.jsonl.gz",
        gzip(
            "{\"email\":\"a@a.example\",\"name\":\"Anna\",\"vip\":true,\"items\":[{\"n\":2,\"what\":\"cups\"},{\"n\":1,\"what\":\"pot\"}]}\n\
             {\"email\":\"b@a.example\",\"name\":\"Bert\",\"vip\":false,\"items\":[],\"place\":{\"city\":\"Ulm\"}}\n",
        ),
    );
    folder.write(
        "message.txt.hbs",
        "{{#each items}}{{n}} {{what}};{{/each}}{{#if vip}}vip{{else}}plain{{/if}}{{#if place}} {{place.city}}{{/if}}\n",
    );
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(body(&sandbox, "a@a.example"), "2 cups;1 pot;vip\r\n");
    assert_eq!(body(&sandbox, "b@a.example"), "plain Ulm\r\n");

    let csv = run(&folder, &["results", "campaign"]).stdout;
    let mut lines = csv.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("email,name,vip,items,place,mailrun_key,")
    );
    let anna = "a@a.example,Anna,true,\"[{\"\"n\"\":2,\"\"what\"\":\"\"cups\"\"},{\"\"n\"\":1,\"\"what\"\":\"\"pot\"\"}]\",,a@a.example,1,";
    assert!(lines.next().unwrap().starts_with(anna), "{csv}");
    let json = run(&folder, &["results", "campaign", "--format", "jsonl"]).stdout;
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(
        first["fields"],
        serde_json::json!({
            "email": "a@a.example", "name": "Anna", "vip": true, "place": "",
            "items": [{"n": 2, "what": "cups"}, {"n": 1, "what": "pot"}],
        })
    );
}

#[test]
fn a_name_that_no_line_has_is_an_error_before_anything_is_sent() {
    let folder = campaign(
        "list.jsonl",
        "{\"email\":\"a@a.example\"}\n{\"email\":\"b@a.example\",\"nick\":\"B\"}\n",
    );
    folder.write("message.txt.hbs", "{{nick}} {{nickname}}\n");
    folder.write(
        "campaign.toml",
        folder
            .read("campaign.toml")
            .replace("Hello {{name}}", "Hello"),
    );
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!((ran.status, received(&sandbox).len()), (1, 0), "{ran:?}");
    assert!(
        ran.stderr.contains("no column or variable \"nickname\""),
        "{ran:?}"
    );
}

/// `mailrun ARGS` with a list on standard input.
fn piped(folder: &Folder, args: &[&str], input: &[u8]) -> Ran {
    let mut child = mailrun(folder.path.parent().unwrap())
        .args(args)
        .env("TMPDIR", folder.path.parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may not read all.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

#[test]
fn standard_input_is_a_list_of_any_kind() {
    let csv = "email,name\na@a.example,Anna\nb@a.example,Bert\n";
    let json = "{\"email\":\"a@a.example\",\"name\":\"Anna\"}\n{\"email\":\"b@a.example\",\"name\":\"Bert\"}\n";
    for list in [csv.into(), json.into(), gzip(csv), gzip(json)] {
        let folder = Folder::with_rows([]);
        let sandbox = sandbox();
        let url = url(&sandbox);
        let ran = piped(
            &folder,
            &["send", "campaign", "--server", &url, "--recipients", "-"],
            &list,
        );
        assert_eq!(ran.status, 0, "{ran:?}");
        assert_eq!(received(&sandbox).len(), 2);
        assert_eq!(
            body(&sandbox, "b@a.example"),
            "Dear Bert,\r\nit is time.\r\n"
        );
        // Given again, it goes on.
        let args = ["status", "campaign", "--json", "--recipients", "-"];
        let counts = piped(&folder, &args, &list).json();
        assert_eq!(
            (&counts["recipients"], &counts["accepted"]),
            (&2.into(), &2.into())
        );
        // Nothing is left of what was copied.
        assert_eq!(entries(folder.path.parent().unwrap()), ["campaign"]);
    }
}

#[test]
fn standard_input_from_the_settings() {
    let folder = Folder::with_rows([]);
    folder.configure("[recipients]\nfile = \"-\"");
    let ran = piped(
        &folder,
        &["status", "campaign", "--json"],
        b"email,name\na@a.example,A\n",
    );
    assert_eq!((ran.status, &ran.json()["remaining"]), (0, &1.into()));
    let ran = piped(
        &folder,
        &["status", "campaign"],
        b"email,name\na@a.example,\"A\n",
    );
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (
            1,
            "mailrun: -, row 1 (line 2): a quote (\") is opened here and never closed; close it, or double each quote that belongs to the text (\"\")\n"
        )
    );
}

#[test]
fn a_pipe_is_told_how_to_be_a_list() {
    let folder = Folder::with_rows([]);
    let pipe = folder.path.join("pipe.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let ran = run(
        &folder,
        &["status", "campaign", "--recipients", "campaign/pipe.csv"],
    );
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (
            1,
            "mailrun: campaign/pipe.csv: the list \"campaign/pipe.csv\" is a pipe or a device, and a list is read more than once; give it on standard input: --recipients - < campaign/pipe.csv\n"
        )
    );
}

/// `mailrun status campaign` in at most so many KiB of memory, of any kind.
fn status_within(folder: &Folder, kibibytes: u32) -> Ran {
    let script = format!("ulimit -v {kibibytes}; exec \"$@\"");
    let command = [env!("CARGO_BIN_EXE_mailrun"), "status", "campaign"];
    let ran = std::process::Command::new("sh")
        .current_dir(folder.path.parent().unwrap())
        .args(["-c", &script, "sh"])
        .args(command)
        .output();
    ran.unwrap().into()
}

#[test]
fn a_line_of_300_mib_without_an_end_is_refused_with_little_memory() {
    let folder = campaign("list.csv", "email,name\na@a.example,");
    let file = File::options()
        .append(true)
        .open(folder.path.join("list.csv"))
        .unwrap();
    // Sparse: it reads as NULs and takes no room on disk.
    file.set_len(300 << 20).unwrap();
    let ran = status_within(&folder, 200 << 10);
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (
            1,
            "mailrun: campaign/list.csv, row 1 (line 2): longer than 16 MiB; most likely a quote (\") is opened here and never closed: close it\n"
        )
    );
}

#[test]
fn a_line_of_delimiters_alone_is_refused_with_little_memory() {
    let folder = campaign("list.csv", ",".repeat(15 << 20));
    let ran = status_within(&folder, 200 << 10);
    assert_eq!(
        (ran.status, ran.stderr.as_str()),
        (
            1,
            "mailrun: campaign/list.csv, header (line 1): 15728641 columns, where 16384 are allowed; see that the line ends, and that the delimiter is the right one\n"
        )
    );
}

#[test]
fn a_cell_of_5_mib_is_a_cell() {
    let long = "x".repeat(5 << 20);
    let rows: String = (0..4)
        .map(|n| format!("r{n}@a.example,N,{long}\n"))
        .collect();
    let folder = campaign("list.csv", format!("email,name,long\n{rows}"));
    folder.write("message.txt.hbs", "{{len long}}\n");
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(body(&sandbox, "r3@a.example"), format!("{}\r\n", 5 << 20));
}

#[test]
fn two_thousand_columns_are_columns() {
    let names: String = (0..2000).map(|n| format!(",c{n}")).collect();
    let cells: String = (0..2000).map(|n| format!(",v{n}")).collect();
    let folder = campaign(
        "list.csv",
        format!("email,name{names}\na@a.example,A{cells}\n"),
    );
    folder.write("message.txt.hbs", "{{c0}} {{c1999}}\n");
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(body(&sandbox, "a@a.example"), "v0 v1999\r\n");
}

#[test]
fn where_chooses_rows_and_the_others_are_no_recipients() {
    let folder = campaign(
        "list.csv",
        "email,name,plan\na@a.example,A,pro\nb@a.example,B,free\nc,C,free\n",
    );
    folder.write(
        "campaign.toml",
        folder.read("campaign.toml") + "where = 'plan == \"pro\"'\n",
    );
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(
        (&ran.json()["recipients"], &ran.json()["accepted"]),
        (&1.into(), &1.into())
    );
    let results = run(&folder, &["results", "campaign"]).stdout;
    assert_eq!(results.lines().count(), 2, "{results}");
    // What is chosen later is mailed then.
    folder.write(
        "campaign.toml",
        folder
            .read("campaign.toml")
            .replace("\"pro\"'", "\"gold\"'"),
    );
    let ran = send(&folder, &sandbox, &[]);
    let said = "campaign/list.csv: no row that \"where\" chooses; nothing to send\n";
    assert_eq!((ran.status, ran.stderr.as_str()), (0, said));
    folder.write(
        "campaign.toml",
        folder
            .read("campaign.toml")
            .replace("plan == \"gold\"", "email != \"c\""),
    );
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!(
        (&ran.json()["recipients"], &ran.json()["accepted"]),
        (&2.into(), &2.into())
    );
    assert_eq!(received(&sandbox).values().sum::<usize>(), 2);
}

#[test]
fn slips_and_dotless_domains_are_pointed_out_and_mailed_as_they_are() {
    let rows = [
        ("a@gmial.com", "A"),
        ("b@a.example", "B"),
        ("c@localhost", "C"),
        ("d@hotmial.com", "D"),
        ("e@qq.con", "E"),
        ("f@gmail.con", "F"),
    ];
    let folder = Folder::with_rows(rows);
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, &["--quiet"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(received(&sandbox).len(), rows.len());
    assert!(received(&sandbox).contains_key("a@gmial.com"));
    assert_eq!(
        ran.stderr.lines().collect::<Vec<_>>(),
        [
            "campaign/recipients.csv:2: row 1: a@gmial.com: most likely gmail.com was meant; mailed as it is",
            "campaign/recipients.csv:5: row 4: d@hotmial.com: most likely hotmail.com was meant; mailed as it is",
            "campaign/recipients.csv:6: row 5: e@qq.con: most likely qq.com was meant; mailed as it is",
            "campaign/recipients.csv: 1 further row of this kind",
            "campaign/recipients.csv:4: row 3: c@localhost: its domain has no dot, as only hosts of your own network have; mailed as it is",
        ]
    );
}
