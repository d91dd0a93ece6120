//! The protocol, well-behaved.

use super::*;

#[test]
fn the_order_of_commands() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::new(&sandbox);
    assert_eq!(
        client.reply(),
        "220 sandbox.localhost ESMTP mailrun sandbox"
    );
    client.talk(&[
        ("MAIL FROM:<a@x>", "503 5.5.1"),
        ("EHLO", "501 5.5.4"),
        (
            "ehlo client.example",
            "250-sandbox.localhost\n250-PIPELINING",
        ),
        ("RCPT TO:<b@x>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("MAIL FROM:<a@x>", "250 2.1.0"),
        ("MAIL FROM:<a@x>", "503 5.5.1"),
        ("DATA", "554 5.5.1 no valid recipients"),
        ("RSET", "250 2.0.0"),
        ("RCPT TO:<b@x>", "503 5.5.1"),
        ("MAIL FROM:<a@x>", "250 2.1.0"),
        ("RCPT TO:<b@x>", "250 2.1.5"),
        ("EHLO again.example", "250-"),
        ("RCPT TO:<b@x>", "503 5.5.1"),
        ("MAIL FROM:<>", "250 2.1.0"),
        ("RCPT TO:<Postmaster>", "250 2.1.5"),
        ("DATA now", "501 5.5.4"),
        ("DATA", "354 "),
        ("a\r\n.", "250 2.0.0 Ok: queued as 00000001"),
        ("DATA", "503 5.5.1"),
        ("NOOP x", "250 2.0.0"),
        ("VRFY x", "252 "),
        ("BEER", "500 5.5.1"),
        ("", "500 5.5.1"),
        ("QUIT", "221 2.0.0"),
        ("NOOP", ""),
    ]);
}

#[test]
fn what_ehlo_announces() {
    let said = |announce: &Announce| {
        let sandbox = sandbox(|options| options.announce = announce.clone());
        let mut client = Client::new(&sandbox);
        client.reply();
        client.say("EHLO x")
    };
    let expected = "250-sandbox.localhost\n250-PIPELINING\n250-CHUNKING\n250-8BITMIME\n250-SMTPUTF8\n\
        250-ENHANCEDSTATUSCODES\n250-SIZE 52428800\n250 LIMITS MAILMAX=20";
    assert_eq!(
        said(&Announce {
            mailmax: Some(20),
            ..Announce::default()
        }),
        expected
    );
    assert_eq!(said(&Announce::NOTHING), "250 sandbox.localhost");
    assert_eq!(
        said(&Announce {
            size: Some(0),
            ..Announce::NOTHING
        }),
        "250-sandbox.localhost\n250 SIZE 0"
    );
}

#[test]
fn parameters_and_addresses() {
    let sandbox = sandbox(|options| options.announce.size = Some(1000));
    for (mail, expected) in [
        ("FROM:<a@x> SIZE=1000 BODY=8BITMIME SMTPUTF8", "250 2.1.0"),
        ("from:<a@x> body=7bit", "250 2.1.0"),
        ("FROM:<\"a b>\"@x>", "250 2.1.0"),
        ("FROM:<é@x> SMTPUTF8", "250 2.1.0"),
        ("FROM:<é@x>", "553 5.6.7"),
        ("FROM:<a@x> SIZE=1001", "552 5.3.4"),
        ("FROM:<a@x> SIZE=-1", "501 5.5.4"),
        ("FROM:<a@x> SIZE=1 SIZE=1", "501 5.5.4"),
        ("FROM:<a@x> BODY=BINARYMIME", "501 5.5.4"),
        ("FROM:<a@x> SMTPUTF8=yes", "555 5.5.4"),
        ("FROM:<a@x> AUTH=<>", "555 5.5.4"),
        ("FROM: <a@x>", "501 5.5.4"),
        ("FROM:<a>", "501 5.1.7"),
    ] {
        Client::ready(&sandbox).talk(&[(&format!("MAIL {mail}"), expected)]);
    }
    let mut client = Client::ready(&sandbox);
    client.talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<a@x> NOTIFY=NEVER", "555 5.5.4"),
        ("RCPT TO:<>", "501 5.1.3"),
        ("RCPT TO:<a@x>,<b@x>", "501 5.5.4"),
        ("RCPT TO:<é@x>", "553 5.6.7"),
    ]);
    client.send(b"RCPT TO:<\xff@x>\r\n");
    assert_eq!(client.reply(), "501 5.5.2 the command is no UTF-8");
}

#[test]
fn what_is_not_announced_is_refused() {
    let sandbox = sandbox(|options| options.announce = Announce::NOTHING);
    let mut client = Client::new(&sandbox);
    client.reply();
    client.talk(&[
        ("EHLO x", "250 sandbox"),
        ("MAIL FROM:<a@x> SIZE=1", "555 parameter"),
        ("MAIL FROM:<a@x> BODY=8BITMIME", "555 parameter"),
        ("MAIL FROM:<a@x> SMTPUTF8", "555 parameter"),
        ("MAIL FROM:<a@x>", "250 Ok"),
        ("RCPT TO:<rcpt-550@x>", "550 no such recipient"),
        ("RCPT TO:<b@x>", "250 Ok"),
        ("BDAT 8 LAST\r\nRSET\r\n", "502 BDAT"),
    ]);
    client.talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<b@x>", "250"),
        ("DATA", "354"),
        ("a\r\n.", "250 Ok: queued"),
    ]);
    assert_eq!(sandbox.messages().len(), 1);
}

#[test]
fn helo_offers_nothing() {
    let sandbox = sandbox(|options| options.ehlo_refused = true);
    let mut client = Client::new(&sandbox);
    client.reply();
    client.talk(&[
        ("EHLO x", "502 5.5.1"),
        ("HELO x", "250 sandbox.localhost"),
        ("MAIL FROM:<a@x> SIZE=1", "555"),
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<b@x>\r\nDATA", "503 5.5.0 improper pipelining"),
        ("NOOP", ""),
    ]);
}

#[test]
fn content_is_kept_as_sent_and_a_bare_line_feed_ends_none() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<b@x>", "250"),
        ("RCPT TO:<c@y>", "250"),
        ("DATA", "354"),
    ]);
    let smuggled =
        b"..dot\r\nx\n.\nMAIL FROM:<e@x>\n.\r\nRCPT TO:<f@x>\r.\rDATA\r\n\xff\0\r\n.\r\n";
    client.send(smuggled);
    assert_eq!(client.reply(), "250 2.0.0 Ok: queued as 00000001");
    let expected = Stored {
        from: "a@x".to_owned(),
        to: vec!["b@x".to_owned(), "c@y".to_owned()],
        content: smuggled[1..smuggled.len() - 3].to_vec(),
        connection: 1,
    };
    assert_eq!(sandbox.messages(), [expected]);
}

#[test]
fn bare_line_ends_and_long_lines_are_no_commands() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    for (sent, expected) in [
        ("NOOP\n".to_owned(), "500 5.5.2 a bare"),
        (
            "MAIL FROM:<a@x>\rRCPT TO:<b@x>\r\n".to_owned(),
            "500 5.5.2 a bare",
        ),
        (format!("NOOP {}\r\n", "x".repeat(4089)), "250"),
        (
            format!("NOOP {}\r\n", "x".repeat(4090)),
            "500 5.5.2 the line",
        ),
        (
            format!("NOOP {}\r\n", "x".repeat(200_000)),
            "500 5.5.2 the line",
        ),
        ("NOOP\r\n".to_owned(), "250"),
    ] {
        client.send(&sent);
        let reply = client.reply();
        assert!(reply.starts_with(expected), "{} {reply}", sent.len());
    }
}

#[test]
fn a_group_of_commands_has_its_replies_in_one_write() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.send("MAIL FROM:<a@x>\r\nRCPT TO:<rcpt-550@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n");
    let replies: Vec<_> = (0..4).map(|_| client.reply()[..3].to_owned()).collect();
    assert_eq!(replies, ["250", "550", "250", "354"]);
    client.send("a\r\n.\r\nMAIL FROM:<c@x>\r\nRCPT TO:<d@x>\r\nDATA\r\n");
    let mut group = [0; 1000];
    let count = client.0.read(&mut group).unwrap();
    let group = String::from_utf8_lossy(&group[..count]).into_owned();
    let codes: Vec<_> = group.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "250", "354"], "{group}");
}

#[test]
fn what_is_sent_ahead_where_it_must_not_be_ends_the_connection() {
    let content = "a\r\n.\r\nMAIL FROM:<a@x>";
    for (pipelining, sent) in [
        (false, "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>"),
        (false, "RSET\nRSET"),
        (true, "DATA\r\na\r\n.\r\n"),
    ] {
        let sandbox = sandbox(|options| options.announce.pipelining = pipelining);
        Client::ready(&sandbox).talk(&[(sent, "503 5.5.0 improper pipelining"), ("NOOP", "")]);
    }
    for (sent, begin) in [
        (content, "DATA"),
        ("BDAT 1 LAST\r\naMAIL FROM:<a@x>", "NOOP"),
    ] {
        let sandbox = sandbox(|options| options.announce.pipelining = false);
        let mut client = Client::ready(&sandbox);
        client.talk(&[("MAIL FROM:<a@x>", "250"), ("RCPT TO:<b@x>", "250")]);
        client.say(begin);
        client.talk(&[(sent, "503 5.5.0 improper pipelining")]);
        assert_eq!(sandbox.stats().messages, 0);
    }
    let sandbox = sandbox(|_| ());
    let mut client = Client::new(&sandbox);
    client.reply();
    client.talk(&[("EHLO x\r\nMAIL FROM:<a@x>", "503 5.5.0")]);
}

#[test]
fn chunks() {
    let sandbox = sandbox(|options| options.announce.size = Some(100_000));
    let mut client = Client::ready(&sandbox);
    let big = "x".repeat(99_990);
    client.send(format!(
        "MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nBDAT 4\r\n.\r\n.BDAT 0\r\nBDAT 99990\r\n{big}BDAT 0 LAST\r\n\
         MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nBDAT 2 last\r\nokNOOP\r\n"
    ));
    let replies: Vec<_> = (0..10).map(|_| client.reply()[..9].to_owned()).collect();
    let ok = "250 2.0.0";
    assert_eq!(
        replies,
        [
            "250 2.1.0",
            "250 2.1.5",
            ok,
            ok,
            ok,
            ok,
            "250 2.1.0",
            "250 2.1.5",
            ok,
            ok
        ]
    );
    let contents: Vec<_> = sandbox
        .messages()
        .into_iter()
        .map(|message| message.content)
        .collect();
    assert_eq!(
        contents,
        [format!(".\r\n.{big}").into_bytes(), b"ok".to_vec()]
    );

    client.talk(&[
        ("BDAT 8 LAST\r\nQUIT\r\n", "503 5.5.1"),
        ("MAIL FROM:<a@x>", "250"),
        ("BDAT 6\r\nQUIT", "554 5.5.1"),
        ("RCPT TO:<b@x>", "503 5.5.1"),
        ("BDAT 4 LAST\r\nQU", "503 5.5.1"),
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<b@x>", "250"),
        ("BDAT 3\r\na", "250 2.0.0"),
        ("RCPT TO:<c@x>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("RSET", "250"),
        ("BDAT many", "501 5.5.4"),
        ("NOOP", ""),
    ]);
}

#[test]
fn content_over_the_limit_is_refused_at_its_end() {
    let sandbox = sandbox(|options| options.announce.size = Some(1000));
    let mut client = Client::ready(&sandbox);
    let content = "x".repeat(998);
    for (content, expected) in [
        (format!("{content}\r\n."), "250 2.0.0"),
        (format!("{content}x\r\n."), "552 5.3.4"),
    ] {
        client.talk(&[
            ("MAIL FROM:<a@x>", "250"),
            ("RCPT TO:<b@x>", "250"),
            ("DATA", "354"),
            (&content, expected),
        ]);
    }
    client.talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<b@x>", "250"),
        (&format!("BDAT 1001\r\n{content}x"), "552 5.3.4"),
        ("BDAT 2 LAST\r\n", "503 5.5.1"),
    ]);
    assert_eq!(sandbox.stats().messages, 1);
}

#[test]
fn a_refused_last_chunk_ends_the_transaction_unless_told_otherwise() {
    for (stays, expected) in [(false, "250 2.1.0"), (true, "503 5.5.1")] {
        let sandbox = sandbox(|options| options.refused_bdat_stays = stays);
        let mut client = Client::ready(&sandbox);
        client
            .send("MAIL FROM:<a@x>\r\nRCPT TO:<rcpt-550@x>\r\nBDAT 1 LAST\r\nxMAIL FROM:<b@x>\r\n");
        let replies: Vec<_> = (0..4).map(|_| client.reply()[..9].to_owned()).collect();
        assert_eq!(replies, ["250 2.1.0", "550 5.1.1", "554 5.5.1", expected]);
        client.talk(&[("RSET", "250"), ("MAIL FROM:<b@x>", "250")]);
    }
}

#[test]
fn a_message_has_at_most_a_thousand_recipients() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.talk(&[("MAIL FROM:<a@x>", "250")]);
    for number in 0..1000 {
        client.talk(&[(&format!("RCPT TO:<b{number}@x>"), "250")]);
    }
    client.talk(&[
        ("RCPT TO:<c@x>", "452 4.5.3"),
        ("DATA", "354"),
        ("a\r\n.", "250"),
    ]);
    assert_eq!(sandbox.messages()[0].to.len(), 1000);
}
