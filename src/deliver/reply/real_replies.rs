//! Replies of real providers and servers, judged: `replies.txt`.

use super::*;
use crate::deliver::reply_text::Lines;

/// A reply as it comes over the wire, its lines set apart by `\n`.
fn reply(text: &str) -> Option<Reply> {
    let mut lines = Lines::default();
    let mut whole = None;
    for line in text.split("\\n") {
        let line = format!("{line}\r\n");
        if lines.take(line.as_bytes(), true).ok()? {
            whole = Some(lines.finish(Reply::new));
        }
    }
    whole
}

fn stage(name: &str) -> Option<Stage> {
    Some(match name {
        "greeting" => Stage::Greeting,
        "EHLO" => Stage::Ehlo,
        "STARTTLS" => Stage::StartTls,
        "AUTH" => Stage::Auth,
        "MAIL" => Stage::Mail,
        "RCPT" => Stage::Rcpt,
        "DATA" => Stage::Data,
        "end" => Stage::EndOfData,
        _ => return None,
    })
}

/// The word for a ruling in the file.
fn name(ruling: Ruling) -> String {
    let of = |scope| match scope {
        Scope::Recipient => "recipient",
        Scope::Message => "message",
        Scope::Session => "session",
        Scope::Account => "account",
    };
    match ruling {
        Ruling::Proceed => "proceed".to_owned(),
        Ruling::Unclear => "unclear".to_owned(),
        Ruling::Defer(scope) => format!("{} later", of(scope)),
        Ruling::Fail(scope) => format!("{} fails", of(scope)),
        Ruling::Trouble(scope, Lasting::ForNow) => format!("{} for now", of(scope)),
        Ruling::Trouble(scope, Lasting::ForGood) => format!("{} for good", of(scope)),
        Ruling::Trouble(_, Lasting::Limited(limit)) => format!("limit: {limit:?}").to_lowercase(),
    }
}

#[test]
fn replies_of_real_servers() {
    let (mut rows, mut wrong, mut whose) = (0, String::new(), "");
    for (number, line) in (1..).zip(include_str!("replies.txt").lines()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            whose = line;
            continue;
        }
        let mut columns = line.splitn(3, " | ");
        let mut next = || columns.next().unwrap_or_default();
        let (at, expected, text) = (next(), next(), next());
        let (Some(stage), Some(reply)) = (stage(at), reply(text)) else {
            wrong += &format!("replies.txt:{number}: not \"stage | ruling | reply\": {line}\n");
            continue;
        };
        rows += 1;
        let ruling = name(rule(stage, &reply));
        if ruling != expected {
            let topic = Topic::of(&reply);
            wrong += &format!(
                "replies.txt:{number}: {whose} at {at}: {text}\n  is \"{expected}\", and was judged \"{ruling}\", because it is about {topic:?}\n"
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(rows >= 120, "{rows} rows");
}
