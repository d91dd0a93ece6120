//! Cc and Bcc: in the header, in the envelope, and what no cell can do.

use super::*;

fn with_copies(cc: &[&str], bcc: &[&str]) -> Result<Message, Refusal> {
    let texts = |all: &[&str]| {
        all.iter()
            .map(|&text| crate::message::Text::from(text))
            .collect()
    };
    let rendered = Rendered {
        cc: texts(cc),
        bcc: texts(bcc),
        ..rendered("s", Some("text"), None)
    };
    build(&campaign(&[]), &recipient("Jane", "a@x.example"), rendered)
}

fn also_to(message: &Message) -> Vec<String> {
    message.also_to.iter().map(ToString::to_string).collect()
}

#[test]
fn cc_is_in_header_and_envelope_and_bcc_in_the_envelope_alone() {
    let cc = ["Boss <boss@x.example>", "", "李, 四 <li@köln.example>"];
    let message = with_copies(&cc, &["", "archive@x.example"]).unwrap();
    let wire = wire(&message);
    let expected = "To: Jane <jane@a.example>\r\nCc: Boss <boss@x.example>,\r\n \
                    =?utf-8?b?5p2OLCDlm5s=?= <li@xn--kln-sna.example>\r\nSubject: s\r\n";
    assert!(wire.contains(expected), "{wire}");
    assert!(!wire.contains("archive") && !wire.contains("Bcc"), "{wire}");
    let all = [
        "boss@x.example",
        "li@xn--kln-sna.example",
        "archive@x.example",
    ];
    assert_eq!(also_to(&message), all);
    assert_eq!(message.envelope_to.to_string(), "jane@a.example");
}

#[test]
fn many_long_names_are_folded_and_read_back() {
    let names: Vec<_> = (0..30).map(|n| "Jo ".repeat(n) + "Li").collect();
    let cc: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| format!("{name} <someone-{n}@department.x.example>"))
        .collect();
    let cc: Vec<_> = cc.iter().map(String::as_str).collect();
    let wire = wire(&with_copies(&cc, &[]).unwrap());
    assert!(wire.split("\r\n").all(|line| line.len() <= 78), "{wire}");
    let parsed = mail_parser::MessageParser::default();
    let parsed = parsed.parse(wire.as_bytes()).unwrap();
    let read = parsed.cc().unwrap().as_list().unwrap();
    let read: Vec<_> = read.iter().map(|it| it.name.as_deref().unwrap()).collect();
    assert_eq!(read, names);
}

#[test]
fn nobody_is_there_twice() {
    let cc = [
        "Jane <jane@A.example>",
        "boss@x.example",
        "The Boss <boss@X.example>",
    ];
    let bcc = [
        "boss@x.example",
        "b@x.example",
        "b@x.example",
        "B@x.example",
    ];
    let message = with_copies(&cc, &bcc).unwrap();
    assert!(wire(&message).contains("\r\nCc: boss@x.example\r\nSubject"));
    assert_eq!(
        also_to(&message),
        ["boss@x.example", "b@x.example", "B@x.example"]
    );
    // Nothing is left of it.
    let message = with_copies(&cc[..1], &[]).unwrap();
    assert!(!wire(&message).contains("Cc:"));
    assert_eq!(also_to(&message), [""; 0]);
}

#[test]
fn a_cell_adds_no_recipient() {
    for (bad, why) in [
        ("a@x.example, b@y.example", "more than one address"),
        ("a@x.example; b@y.example", "more than one address"),
        ("a@x.example b@y.example", "more than one address"),
        ("a@x.example, B <b@y.example>", "more than one address"),
        ("A <a@x.example>, b@y.example", "more than one address"),
        ("A <a@x.example> <b@y.example>", "more than one address"),
        ("a@x.example\nb@y.example", "a line break"),
        ("a@x.example\r\nBcc: b@y.example", "U+000D"),
        ("a@x.example>\u{2028}", "U+2028"),
        ("nobody", "no @"),
        ("ü\u{200b}@x.example", "U+200B"),
    ] {
        for (cc, bcc, field) in [(&[bad][..], &[][..], "Cc"), (&[], &[bad], "Bcc")] {
            let refusal = with_copies(cc, bcc).unwrap_err();
            assert!(refusal.reason.starts_with(field), "{refusal}");
            assert!(refusal.reason.contains(why), "{bad:?}: {refusal}");
            assert!(!refusal.reason.contains(['\r', '\n']), "{refusal}");
        }
    }
    let refusal = with_copies(&["a@x.example, b@y.example"], &[]).unwrap_err();
    assert_eq!(refusal.column.as_deref(), Some("note"));
}

#[test]
fn who_is_suppressed_is_in_no_header_and_no_envelope() {
    let dir = tempfile::tempdir().unwrap();
    let mut list = ListSettings::new(dir.path().join("list.csv"));
    list.suppress = vec![dir.path().join("gone.txt")];
    std::fs::write(
        &list.suppress[0],
        "boss@X.example\n@köln.example\nzoë@y.example\n",
    )
    .unwrap();
    let suppression = crate::recipients::Suppression::read(&list).unwrap();
    let texts = |all: &[&str]| {
        all.iter()
            .map(|&text| crate::message::Text::from(text))
            .collect()
    };
    let rendered = Rendered {
        cc: texts(&["Boss <boss@x.example>", "Boss@x.example"]),
        bcc: texts(&["li@KÖLN.example", "zoë@y.example", "b@x.example"]),
        ..rendered("s", Some("text"), None)
    };
    let builder = Builder::new(&campaign(&[]))
        .unwrap()
        .leaving_out(suppression);
    let recipient = recipient("Jane", "");
    let message = builder.build(
        &recipient,
        &identity(),
        &rendered,
        Enclosed::default(),
        DATE,
    );
    let message = message.unwrap();
    assert!(wire(&message).contains("\r\nCc: Boss@x.example\r\nSubject"));
    assert_eq!(also_to(&message), ["Boss@x.example", "b@x.example"]);
    let left_out: Vec<_> = message.left_out.iter().map(ToString::to_string).collect();
    assert_eq!(
        left_out,
        ["boss@x.example", "li@xn--kln-sna.example", "zoë@y.example"]
    );
    assert_eq!(message.beyond_ascii, None);
}
