//! Each way that a login can go, word for word.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};

use super::*;
use crate::campaign::SecretSource;
use crate::deliver::trace::{Detail, Say, Trace};
use crate::deliver::transport::Readiness;

/// A server that answers each line with the next of its answers.
#[derive(Debug, Default)]
struct Talk {
    heard: Arc<Mutex<String>>,
    answers: VecDeque<&'static str>,
    spoken: VecDeque<u8>,
}

impl Transport for Talk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.spoken.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        io::Read::read(&mut self.spoken, buffer)
    }

    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let text: String = parts
            .iter()
            .map(|part| String::from_utf8_lossy(part))
            .collect();
        for _ in text.matches("\r\n") {
            let answer = self.answers.pop_front().unwrap_or_default();
            self.spoken.extend(answer.bytes());
        }
        self.heard.lock().unwrap().push_str(&text);
        Ok(text.len())
    }

    fn wait(&mut self, readiness: Readiness, _: Duration) -> io::Result<()> {
        match (readiness, self.spoken.is_empty()) {
            (Readiness::Read, true) => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }

    fn acknowledge(&mut self) {}
}

/// What came of a login: what the server heard, what the trace has of it, and the result.
struct Came {
    heard: String,
    traced: String,
    result: Result<Mechanism, Refused>,
}

fn came(set: Option<Mechanism>, offered: &[&str], secret: &str, answers: &[&'static str]) -> Came {
    let talk = Talk {
        answers: answers.iter().copied().collect(),
        ..Talk::default()
    };
    let (heard, traced) = (Arc::clone(&talk.heard), Arc::new(Mutex::new(String::new())));
    let lines = Arc::clone(&traced);
    let say: Say = Box::new(move |line| lines.lock().unwrap().push_str(&format!("{line}\n")));
    let trace = Trace::new(Some((Detail::Conversation, say)), None).unwrap();
    let mut wire = Wire::new(talk).traced(Some(trace.tap()));
    let login = Login {
        username: "news".to_owned(),
        secret: SecretSource::Keyring,
        mechanism: set,
    };
    let offers = Offers {
        auth: offered.iter().map(|&name| name.to_owned()).collect(),
        ..Offers::default()
    };
    let timeout = Duration::from_secs(60);
    let result = log_in(&mut wire, &offers, &login, &Secret::new(secret), timeout);
    let (heard, traced) = (
        heard.lock().unwrap().clone(),
        traced.lock().unwrap().clone(),
    );
    Came {
        heard,
        traced,
        result,
    }
}

const ALL: &[&str] = &["LOGIN", "PLAIN", "XOAUTH2"];
const WELCOME: &str = "235 2.7.0 welcome\r\n";

/// NUL news NUL hunter2
const PLAIN: &str = "AG5ld3MAaHVudGVyMg==";

fn refused(came: Came) -> (Trouble, bool) {
    let refused = came.result.unwrap_err();
    (refused.trouble, refused.token)
}

#[test]
fn plain() {
    let said = format!("AUTH PLAIN {PLAIN}\r\n");
    let traced = "#1 > AUTH PLAIN ***\n#1 < 235 2.7.0 welcome\n";
    for set in [None, Some(Mechanism::Plain)] {
        let came = came(set, ALL, "hunter2", &[WELCOME]);
        assert_eq!(
            (came.heard.as_str(), came.traced.as_str()),
            (said.as_str(), traced)
        );
        assert_eq!(came.result.unwrap(), Mechanism::Plain);
    }
}

#[test]
fn plain_at_a_server_that_overhears_the_first_response() {
    let came = came(None, ALL, "hunter2", &["334 \r\n", WELCOME]);
    assert_eq!(came.heard, format!("AUTH PLAIN {PLAIN}\r\n{PLAIN}\r\n"));
    assert_eq!(
        came.traced,
        "#1 > AUTH PLAIN ***\n#1 < 334\n#1 > ***\n#1 < 235 2.7.0 welcome\n"
    );
    assert!(came.result.is_ok());
}

#[test]
fn login() {
    let answers = ["334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", WELCOME];
    for (set, offered) in [
        (Some(Mechanism::Login), ALL),
        (None, &["CRAM-MD5", "LOGIN"]),
    ] {
        let came = came(set, offered, "hunter2", &answers);
        assert_eq!(came.heard, "AUTH LOGIN\r\nbmV3cw==\r\naHVudGVyMg==\r\n");
        assert_eq!(came.traced.matches("***").count(), 2, "{}", came.traced);
        assert_eq!(came.result.unwrap(), Mechanism::Login);
    }
    // Refused at the user's name: the password stays here.
    let came = came(
        None,
        &["LOGIN"],
        "hunter2",
        &[answers[0], "535 5.7.8 who?\r\n"],
    );
    assert_eq!(came.heard, "AUTH LOGIN\r\nbmV3cw==\r\n");
    assert_eq!(refused(came).0.lasting, Lasting::ForGood);
}

#[test]
fn a_token() {
    let came = came(Some(Mechanism::Xoauth2), ALL, "ya29.token", &[WELCOME]);
    // user=news ^A auth=Bearer ya29.token ^A ^A
    let response = "dXNlcj1uZXdzAWF1dGg9QmVhcmVyIHlhMjkudG9rZW4BAQ==";
    assert_eq!(came.heard, format!("AUTH XOAUTH2 {response}\r\n"));
    assert!(came.result.is_ok());
}

#[test]
fn a_token_that_has_no_room_in_the_command() {
    let token = "x".repeat(600);
    let came = came(
        Some(Mechanism::Xoauth2),
        ALL,
        &token,
        &["334 \r\n", WELCOME],
    );
    let mut lines = came.heard.lines();
    assert_eq!(lines.next(), Some("AUTH XOAUTH2"));
    assert!(lines.next().unwrap().len() > 800);
    assert_eq!(
        came.traced,
        "#1 > AUTH XOAUTH2\n#1 < 334\n#1 > ***\n#1 < 235 2.7.0 welcome\n"
    );
    assert!(came.result.is_ok());
}

#[test]
fn a_token_that_is_refused_is_told_why_and_may_be_renewed() {
    // {"status":"400"}
    let answers = [
        "334 eyJzdGF0dXMiOiI0MDAifQ==\r\n",
        "535 5.7.8 not accepted\r\n",
    ];
    let came = came(Some(Mechanism::Xoauth2), ALL, "old", &answers);
    assert!(
        came.heard.ends_with("\r\n\r\n"),
        "the challenge is answered by nothing: {}",
        came.heard
    );
    let (trouble, token) = refused(came);
    assert!(token);
    assert_eq!(
        (trouble.failure.scope, trouble.lasting),
        (Scope::Account, Lasting::ForGood)
    );
    assert_eq!(
        trouble.failure.to_string(),
        "the server refused the login with \"535 5.7.8 not accepted {\"status\":\"400\"}\"; see whether user name and password (or token) are right"
    );
}

#[test]
fn what_lasts_and_what_does_not() {
    for (answer, scope, lasting) in [
        ("535 5.7.8 wrong\r\n", Scope::Account, Lasting::ForGood),
        ("454 4.7.0 not now\r\n", Scope::Account, Lasting::ForNow),
        ("421 4.3.2 closing\r\n", Scope::Session, Lasting::ForNow),
        ("", Scope::Session, Lasting::ForNow), // nothing within the time
    ] {
        for set in [Mechanism::Plain, Mechanism::Xoauth2] {
            let (trouble, token) = refused(came(Some(set), ALL, "hunter2", &[answer]));
            assert_eq!(
                (trouble.failure.scope, trouble.lasting),
                (scope, lasting),
                "{answer}"
            );
            assert_eq!(trouble.failure.stage, Stage::Auth);
            // Another password would be the same one; another token may be younger.
            let renewed = set == Mechanism::Xoauth2 && lasting == Lasting::ForGood;
            assert_eq!(token, renewed, "{answer}");
        }
    }
    // It asks on and on.
    let endless = ["334 a\r\n"; 4];
    let (trouble, _) = refused(came(None, ALL, "hunter2", &endless));
    assert_eq!(
        (trouble.failure.scope, trouble.lasting),
        (Scope::Session, Lasting::ForNow)
    );
}

#[test]
fn only_what_is_offered() {
    for (set, offered, text) in [
        (
            None,
            &["CRAM-MD5", "XOAUTH2"][..],
            "the server offers no login by PLAIN or LOGIN, only CRAM-MD5, XOAUTH2; see auth in [[server]]",
        ),
        (
            Some(Mechanism::Xoauth2),
            &["PLAIN"],
            "the server offers no login by XOAUTH2, only PLAIN; see auth in [[server]]",
        ),
        (
            None,
            &[],
            "the server takes no login here (it offers no AUTH); take the login out of [[server]], or see whether the port is the one for sending with a login (usually 587 or 465)",
        ),
    ] {
        let came = came(set, offered, "hunter2", &[WELCOME]);
        assert_eq!(came.heard, "", "nothing is said");
        let (trouble, token) = refused(came);
        assert_eq!(trouble.failure.to_string(), text);
        assert_eq!((trouble.lasting, token), (Lasting::ForGood, false));
    }
}

#[test]
fn a_server_that_repeats_what_it_was_told_is_not_quoted() {
    let answer = "535 5.7.8 not AG5ld3MAaHVudGVyMg== nor aHVudGVyMg== nor hunter2\r\n";
    let came = came(None, ALL, "hunter2", &[answer]);
    assert_eq!(
        came.traced,
        "#1 > AUTH PLAIN ***\n#1 < 535 5.7.8 not *** nor *** nor ***\n"
    );
    let text = refused(came).0.failure.to_string();
    assert!(
        text.contains("\"535 5.7.8 not *** nor *** nor ***\""),
        "{text}"
    );
}
