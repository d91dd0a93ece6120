//! The end of the content, and what may go wrong around it: odd replies, no reply, a connection that is lost.

use super::{
    AFTER, BEFORE, Expected, LOOK_UP, MAILED, MAILED_LATER, address, check, folder, last_words,
};
use crate::evidence::{counts, history, steady};
use crate::support::{received, run, sequential};

#[test]
fn odd_replies_that_accept() {
    let long = format!("250 2.0.0 {}", &"very long ".repeat(100));
    for (name, last) in [
        ("long-reply", long.as_str()),
        ("byte-at-a-time", "250 2.0.0 Ok: queued as 00000002"),
        (
            "multiline-reply",
            "250 2.0.0 first second Ok: queued as 00000002",
        ),
        ("slow-200ms", "250 2.0.0 Ok: queued as 00000002"),
    ] {
        let (_, server) = check(
            name,
            &Expected {
                status: 0,
                counts: "accepted 3",
                odd: MAILED,
                after: MAILED,
                last: last.to_owned(),
                said: String::new(),
                connections: 1,
                received: 1,
            },
        );
        super::all_quit(&server, name);
    }
}

/// Sent to its end and not answered: in doubt, held by the next run, and mailed again only where that is asked for,
/// with the Message-ID that it had.
#[test]
fn no_answer_to_the_end_of_the_content() {
    let no_reply = "the server's answer is no SMTP reply:";
    for (name, times, last) in [
        (
            "drop-after-dot",
            1,
            "the server closed the connection at the end of the content".to_owned(),
        ),
        (
            "hang-at-dot",
            1,
            "no answer within 2s at the end of the content".to_owned(),
        ),
        (
            "garbage-at-dot",
            1,
            format!("{no_reply} it does not begin with a code at the end of the content"),
        ),
        (
            "endless-reply",
            1,
            format!("{no_reply} it is longer than 1 MiB at the end of the content"),
        ),
        // All of it was written before the loss was seen: the server may have it.
        (
            "drop-before-dot",
            0,
            "the server closed the connection at the end of the content".to_owned(),
        ),
    ] {
        let odd = address(name);
        let (folder, server) = check(
            name,
            &Expected {
                status: 3,
                counts: "accepted 2, in_doubt 1",
                odd: "claimed sending in_doubt",
                after: MAILED_LATER,
                last,
                said: String::new(),
                connections: 2,
                received: times,
            },
        );
        let held = run(&folder, &["send", "campaign", "--json"]);
        assert_eq!(
            steady(&held.stderr),
            format!(
                "1 recipient in doubt, held back: {LOOK_UP}nothing to send in run \"r\": 2 of 3 accepted, 1 in doubt. To mail \
                 everyone again, name a new run with --run\n"
            )
        );
        assert_eq!(
            (held.status, counts(&held).as_str()),
            (3, "accepted 2, in_doubt 1")
        );
        assert_eq!(history(&folder, &odd), "claimed sending in_doubt");
        assert_eq!(server.stats().connections, 2);

        let text = folder.read("campaign.toml");
        folder.write(
            "campaign.toml",
            text.replace("[delivery]", "[delivery]\nin_doubt = \"resend\""),
        );
        let resent = run(&folder, &["send", "campaign", "--json"]);
        assert_eq!(
            (resent.status, counts(&resent).as_str()),
            (3, "accepted 2, in_doubt 1"),
            "{resent:?}"
        );
        assert_eq!(
            history(&folder, &odd),
            "claimed sending in_doubt claimed sending in_doubt"
        );
        assert_eq!(received(&server).get(&odd).copied().unwrap_or(0), 2 * times);
        assert_eq!(
            (received(&server)[BEFORE], received(&server)[AFTER]),
            (1, 1)
        );
        let ids: Vec<_> = server
            .messages()
            .iter()
            .filter(|message| message.to[0] == odd)
            .map(|message| message_id(&message.content))
            .collect();
        assert_eq!(ids.len(), 2 * times);
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

fn message_id(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content);
    let line = text.lines().find(|line| line.starts_with("Message-ID: <"));
    line.unwrap().to_owned()
}

/// The server cuts a content that is far larger than the buffers between: its end was not sent, nothing is in doubt.
#[test]
fn a_large_content_that_is_cut_is_sent_again() {
    for (name, status, expected, odd, times, connections) in [
        (
            "drop-before-dot-once",
            0,
            "accepted 3",
            "claimed sending released claimed sending accepted",
            1,
            3,
        ),
        (
            "drop-before-dot",
            3,
            "accepted 2, failed 1",
            "claimed sending released claimed sending released claimed sending released claimed sending failed",
            0,
            5,
        ),
    ] {
        let server = sequential();
        let folder = folder(name, &server, "");
        // 14 MB: more than the kernel takes for a peer that does not read.
        folder.write(
            "partials/large.hbs",
            "All work and no play makes Jack a dull boy.\n".repeat(320_000),
        );
        folder.write(
            "message.txt.hbs",
            "{{#if (eq name \"Odd\")}}{{> large}}{{/if}}\n",
        );
        let ran = run(&folder, &["send", "campaign", "--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (status, expected),
            "{ran:?}"
        );
        assert_eq!(history(&folder, &address(name)), odd);
        // There is room for it in the outbox only when the large one is out: whether it was claimed beside that one varies.
        let after = history(&folder, AFTER);
        assert!(after == MAILED || after == MAILED_LATER, "{after}");
        let of_odd = received(&server).get(&address(name)).copied();
        assert_eq!(of_odd.unwrap_or(0), times);
        assert_eq!(
            (received(&server)[BEFORE], received(&server)[AFTER]),
            (1, 1)
        );
        assert_eq!(server.stats().connections, connections);
        if times == 0 {
            let last = last_words(&folder, &address(name));
            let said = "the connection was lost 4 times at this message (";
            assert!(last.starts_with(said), "{last}");
            assert!(
                last.ends_with(" at sending the content), while others were accepted"),
                "{last}"
            );
        }
    }
}
