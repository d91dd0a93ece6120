//! Errors about values, each with its place and whole text.

use std::fs;

use super::*;

#[test]
fn lists() {
    let send = "5:14: duplicates = \"send\" needs a \"key\" in [recipients] beside the address: a column with a value of its own in each row";
    assert_errors(&[
        (
            "[recipients]\nfile = 'gone.csv'",
            r#"5:8: there is no list "c/gone.csv"; put it there"#,
        ),
        (
            "[recipients]\nfile = 'a.csv.gz'",
            r#"5:8: there is no list "c/a.csv.gz"; put it there"#,
        ),
        (
            "[recipients]\nfile = 'list.txt'",
            r#"5:8: the list "c/list.txt" must be a file whose name ends in .csv, .tsv, .jsonl, .xlsx or .ods (.gz behind it for a compressed one), or - for standard input"#,
        ),
        (
            "[recipients]\nfile = '/dev/null'",
            r#"5:8: the list "/dev/null" is a pipe or a device, and a list is read more than once; give it on standard input: --recipients - < /dev/null"#,
        ),
        (
            "[recipients]\nfile = ''",
            r#"5:8: "file" in [recipients] is empty"#,
        ),
        (
            "[recipients]\naddress = ''",
            r#"5:11: "address" in [recipients] is empty"#,
        ),
        (
            "[recipients]\nrequired = ['a', '']",
            r#"5:18: "required" in [recipients] names a column without a name"#,
        ),
        (
            "[recipients]\nrequired = 'a'",
            r#"5:12: "required" in [recipients] must be a list of strings, not a string"#,
        ),
        (
            "[recipients]\nencoding = 'utf-32'",
            r#"5:12: there is no encoding "utf-32"; most lists are in "utf-8", "utf-16", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "euc-kr", "windows-1252" or another windows-125x; "auto" finds it"#,
        ),
        (
            "[recipients]\ndelimiter = ':'",
            r#"5:13: "delimiter" in [recipients] must be "auto" or "," or ";" or "\t" or "|", not ":""#,
        ),
        (
            "[recipients]\nsheet = ''",
            r#"5:9: "sheet" in [recipients] is empty"#,
        ),
        ("[recipients]\nduplicates = 'send'", send),
        (
            "[recipients]\nkey = 'email'\nduplicates = 'send'",
            &send.replace("5:", "6:"),
        ),
        (
            "[recipients]\nsuppress = ['gone.txt']",
            r#"5:13: there is no list "c/gone.txt"; put it there"#,
        ),
        (
            "[recipients]\nwhere = 'plan == '",
            r#"5:9: "where" in [recipients], line 1, column 8: the expression breaks off"#,
        ),
        (
            "[recipients]\nsuppress = 'gone.txt'",
            r#"5:12: "suppress" in [recipients] must be a list of strings, not a string"#,
        ),
        (
            "[recipients]\nduplicates = 'keep'",
            r#"5:14: "duplicates" in [recipients] must be "skip" or "error" or "send", not "keep""#,
        ),
    ]);
}

#[test]
fn the_default_list_is_missed_by_name() {
    let dir = folder(LEAST);
    let list = dir.path().join("recipients.csv");
    fs::remove_file(&list).unwrap();
    let hint = r#"or name another one with "file" in [recipients]"#;
    assert_eq!(
        said(dir.path(), Campaign::load(dir.path())),
        format!(
            r#"c/campaign.toml:1:1: there is no list "c/recipients.csv"; put it there, {hint}"#
        )
    );
    fs::create_dir(&list).unwrap();
    assert_eq!(
        said(dir.path(), Campaign::load(dir.path())),
        format!(
            r#"c/campaign.toml:1:1: the list "c/recipients.csv" is a folder, not a file, {hint}"#
        )
    );
}

#[test]
fn addresses() {
    let must = r#"must be one address, such as "ACME News <news@acme.example>", not"#;
    for (from, shown) in [
        ("'news'", r#""news""#),
        (
            "'a@b.example, c@d.example'",
            r#""a@b.example, c@d.example""#,
        ),
        ("'A <a@b.example> x'", r#""A <a@b.example> x""#),
        ("'<>'", r#""<>""#),
        (
            r#""A\r\nBcc: x <a@b.example>""#,
            r#""A\r\nBcc: x <a@b.example>""#,
        ),
        (r#""A\u0007 <a@b.example>""#, r#""A\u{7} <a@b.example>""#),
    ] {
        let toml = format!("[message]\nfrom = {from}\nsubject = 's'");
        let expected = format!("c/campaign.toml:2:8: \"from\" in [message] {must} {shown}");
        assert_eq!(error(&toml), expected);
        let toml = format!("[message]\nfrom = 'a@b.example'\nsubject = 's'\nreply_to = {from}");
        let expected = format!("c/campaign.toml:4:12: \"reply_to\" in [message] {must} {shown}");
        assert_eq!(error(&toml), expected);
    }
    for (from, name, address) in [
        ("a@localhost", None, "a@localhost"),
        (
            "Jürgen Groß <j@b.example>",
            Some("Jürgen Groß"),
            "j@b.example",
        ),
        (
            "\"Doe, Jane\" <j@b.example>",
            Some("Doe, Jane"),
            "j@b.example",
        ),
        (
            "A.C.M.E. News <j@b.example>",
            Some("A.C.M.E. News"),
            "j@b.example",
        ),
        (
            "Dr. Jane O'Neill <j@b.example>",
            Some("Dr. Jane O'Neill"),
            "j@b.example",
        ),
    ] {
        let campaign = load(&format!("[message]\nfrom = '''{from}'''\nsubject = 's'"));
        let got = campaign.message.from;
        assert_eq!(
            (got.name.as_deref(), got.email.to_string().as_str()),
            (name, address)
        );
    }
}

#[test]
fn messages() {
    assert_errors(&[
        (
            "envelope_from = 'bounce'",
            r#"4:17: "envelope_from" in [message] must be a bare address, such as "bounce@acme.example", not "bounce""#,
        ),
        (
            "envelope_from = ''",
            r#"4:17: "envelope_from" in [message] is empty"#,
        ),
        (
            r#"to = "{{name}}\u0000""#,
            r#"4:6: "to" in [message] has the control character '\0'; leave it out"#,
        ),
        (
            "headers = { Subject = 'x' }",
            r#"4:13: header "Subject" is not the campaign's to set: mailrun or a server on the way writes it"#,
        ),
        (
            "reply_to = 'a@b.example'\n[message.headers]\nReply-To = 'x'",
            r#"6:1: header "Reply-To" is there already, by reply_to"#,
        ),
        (
            "html = 'a.mjml.hbs'",
            "4:8: there is no template \"c/a.mjml.hbs\"; write it",
        ),
        (
            "html = 'a.md.hbs'",
            "4:8: there is no template \"c/a.md.hbs\"; write it",
        ),
        (
            "html = 'a.html'",
            r#"4:8: "html" in [message] must be a file whose name ends in .html.hbs, .mjml.hbs or .md.hbs, not "a.html""#,
        ),
        (
            "text = 'a.html.hbs'",
            r#"4:8: "text" in [message] must be a file whose name ends in .txt.hbs, not "a.html.hbs""#,
        ),
        (
            "html = 'a.html.hbs'",
            r#"4:8: there is no template "c/a.html.hbs"; write it"#,
        ),
        (
            "text = '../a.txt.hbs'",
            r#"4:8: there is no template "c/../a.txt.hbs"; write it"#,
        ),
    ]);
}

#[test]
fn a_template_there_must_be() {
    let dir = folder(LEAST);
    fs::remove_file(dir.path().join("message.txt.hbs")).unwrap();
    assert_eq!(
        said(dir.path(), Campaign::load(dir.path())),
        r#"c/campaign.toml:1:1: there is no template; write "c/message.txt.hbs", or name one with "text" in [message]"#
    );
    fs::write(dir.path().join("message.html.hbs"), "").unwrap();
    // Its text is made from the HTML.
    let message = Campaign::load(dir.path()).unwrap().message;
    assert_eq!(message.html, Some(dir.path().join("message.html.hbs")));
    assert_eq!(message.text, None);
    fs::write(dir.path().join("message.txt.hbs"), "").unwrap();
    let campaign = Campaign::load(dir.path()).unwrap();
    assert_eq!(
        campaign.message.html,
        Some(dir.path().join("message.html.hbs"))
    );
}

#[test]
fn deliveries() {
    assert_errors(&[
        (
            "[delivery]\nattempts = 0",
            r#"5:12: "attempts" in [delivery] must be a number from 1 to 500, not 0"#,
        ),
        (
            "[delivery]\nstop_after = 0",
            r#"5:14: "stop_after" in [delivery] must be a number from 1 to 4294967295, not 0"#,
        ),
        (
            "[delivery]\nfirst_delay = 'soon'",
            r#"5:15: "first_delay" in [delivery]: "soon" is not a duration; write numbers with units (ms, s, m, h, d), such as "30s" or "1h30m""#,
        ),
        (
            "[delivery]\ngive_up = '1000d'",
            r#"5:11: "give_up" in [delivery]: "1000d" is too long; 366 days are the most"#,
        ),
        (
            "[delivery]\nin_doubt = 'drop'",
            r#"5:12: "in_doubt" in [delivery] must be "hold" or "resend", not "drop""#,
        ),
        (
            "[delivery]\ndurability = 'none'",
            r#"5:14: "durability" in [delivery] must be "power" or "process", not "none""#,
        ),
        (
            "[vars]\na = nan",
            "5:5: nan cannot be printed; write it as a string",
        ),
    ]);
}
