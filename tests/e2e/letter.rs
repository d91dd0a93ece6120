//! A letter as the receiving side has it, and whether it is the right one for its recipient.

use std::collections::BTreeMap;
use std::fs;

use super::inbox::given;
use super::support::{CAMPAIGN, Folder};

/// Enough of a letter to tell whose it is. Addresses and ids are without angle brackets.
#[derive(Debug)]
pub struct Letter {
    /// The sender of the envelope.
    pub from: String,
    /// The recipient of the envelope.
    pub to: String,
    /// `Message-ID`
    pub message_id: String,
    /// `Subject`
    pub subject: String,
    /// All that stands below the header; line breaks may have become spaces.
    pub body: String,
}

/// A campaign in which everything that a letter has is its recipient's alone: the sender of the envelope too.
/// The recipients have names of their own, `Name N`.
pub fn campaign<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Folder {
    let folder = Folder::with_rows(rows);
    let own = "[message]\nenvelope_from = \"bounce+{{send_id}}@acme.example\"\n";
    folder.write("campaign.toml", CAMPAIGN.replace("[message]\n", own));
    folder
}

/// Each of these recipients got one letter, which is wholly its own and the one that the ledger tells of; nobody else got any.
#[track_caller]
pub fn assert_one_each(folder: &Folder, letters: &[Letter], recipients: &[(String, String)]) {
    let mut ids = BTreeMap::new();
    for line in folder.ledger() {
        if line["state"] == "accepted" {
            let (key, id) = (line["key"].as_str(), line["message_id"].as_str());
            let times = ids.insert(key.unwrap().to_owned(), id.unwrap().to_owned());
            assert_eq!(times, None, "accepted twice: {line}");
        }
    }
    let names: BTreeMap<_, _> = recipients.iter().cloned().collect();
    let mut seen = BTreeMap::new();
    for letter in letters {
        let name = names.get(&letter.to);
        let name = name.unwrap_or_else(|| panic!("to nobody of the list: {letter:?}"));
        assert!(
            seen.insert(&letter.to, ()).is_none(),
            "more than one: {letter:?}"
        );
        let (send_id, _) = letter.message_id.split_once('@').unwrap();
        let from = format!("bounce+{send_id}@acme.example");
        assert_eq!(letter.from, from, "another's sender: {letter:?}");
        assert_eq!(
            ids[&letter.to].trim_matches(['<', '>']),
            letter.message_id,
            "{letter:?}"
        );
        assert_eq!(letter.subject, format!("Hello {name}"), "{letter:?}");
        let words: Vec<_> = letter.body.split_whitespace().collect();
        let expected = format!("Dear {name}, it is time.");
        assert_eq!(words.join(" "), expected, "{letter:?}");
    }
    assert_eq!(seen.len(), names.len());
    assert_eq!(ids.len(), names.len());
}

/// What the tests' own Exim took for a domain, by its log: it writes there before it answers.
/// With each letter, whether it came by PIPELINING and by CHUNKING.
pub fn taken_by_exim(domain: &str) -> Vec<(Letter, [bool; 2])> {
    let log = fs::read_to_string(given("MAILRUN_TEST_EXIM_LOG")).unwrap();
    let mut bodies = BTreeMap::new();
    let mut letters = Vec::new();
    for line in log.lines() {
        // Date, time, Exim's id of the message, and then what it says.
        let said = line.splitn(4, ' ').nth(3).unwrap_or_default();
        if let Some((id, body)) = said
            .strip_prefix("body of <")
            .and_then(|rest| rest.split_once("> "))
        {
            bodies.insert(id, body);
        } else if let Some(said) = said.strip_prefix("<= ")
            && line.ends_with(&format!("@{domain}"))
        {
            letters.push(letter(said, &bodies));
        }
    }
    letters
}

/// `SENDER H=… P=esmtp L. K S=… id=… T="…" for RECIPIENT`
fn letter(said: &str, bodies: &BTreeMap<&str, &str>) -> (Letter, [bool; 2]) {
    let (front, to) = said.rsplit_once(" for ").unwrap();
    let (front, subject) = front.split_once(" T=\"").unwrap();
    let mut words = front.split(' ');
    let from = words.next().unwrap().to_owned();
    let mut message_id = None;
    let (mut pipelined, mut chunked) = (false, false);
    for word in words {
        match word {
            "L" | "L." | "L*" => pipelined = true,
            "K" => chunked = true,
            _ => message_id = message_id.or(word.strip_prefix("id=")),
        }
    }
    let message_id = message_id.unwrap().to_owned();
    let letter = Letter {
        body: bodies[message_id.as_str()].to_owned(),
        subject: subject.trim_end_matches('"').to_owned(),
        from,
        to: to.to_owned(),
        message_id,
    };
    (letter, [pipelined, chunked])
}
