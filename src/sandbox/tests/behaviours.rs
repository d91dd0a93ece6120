//! A test a row of the table in the module's documentation.

use super::*;

const FROM: &str = "news@acme.example";

/// One message on a connection of its own: the replies to RCPT and to the content.
fn deliver(sandbox: &Sandbox, to: &str) -> (String, String) {
    Client::ready(sandbox).deliver(FROM, to)
}

#[test]
fn mail_is_refused_by_the_senders_address() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.talk(&[
        ("MAIL FROM:<mail-450+x@acme.example>", "450 4.3.0"),
        ("MAIL FROM:<mail-550@acme.example>", "550 5.7.1"),
        ("MAIL FROM:<mail-454-4.7.0-once@acme.example>", "454 4.7.0"),
        ("MAIL FROM:<mail-454-4.7.0-once@acme.example>", "250"),
        ("RCPT TO:<mail-550@x>", "250"),
        ("RSET", "250"),
        ("MAIL FROM:<mail-421@acme.example>", "421 4.3.2"),
        ("NOOP", ""),
    ]);
}

#[test]
fn recipients_are_refused_each_for_itself() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<rcpt-550+1@x>", "550 5.1.1 no such recipient"),
        ("RCPT TO:<rcpt-452-4.2.2+1@x>", "452 4.2.2"),
        ("RCPT TO:<rcpt-450-once+1@x>", "450 4.2.0"),
        ("RCPT TO:<rcpt-450-once+2@x>", "450 4.2.0"),
        ("RCPT TO:<rcpt-450-once+1@x>", "250"),
        ("RCPT TO:<b@x>", "250"),
        ("DATA", "354"),
        ("a\r\n.", "250"),
    ]);
    assert_eq!(sandbox.messages()[0].to, ["rcpt-450-once+1@x", "b@x"]);
    // The server remembers, not the connection.
    assert!(deliver(&sandbox, "rcpt-450-once+2@x").0.starts_with("250"));
    Client::ready(&sandbox).talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<rcpt-421@x>", "421 4.3.2"),
        ("NOOP", ""),
    ]);
}

#[test]
fn a_hostile_reply_to_rcpt() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.talk(&[("MAIL FROM:<a@x>", "250")]);
    client.send("RCPT TO:<escape-reply@x>\r\n");
    let mut line = Vec::new();
    client.0.read_until(b'\n', &mut line).unwrap();
    assert!(line.starts_with(b"550 5.1.1 \x1b[2J") && line.ends_with(b"\r\n"));
    assert!(std::str::from_utf8(&line).is_err());
}

#[test]
fn connections_closed_before_the_content() {
    let sandbox = sandbox(|_| ());
    Client::ready(&sandbox).talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<close-at-rcpt@x>", ""),
    ]);
    Client::ready(&sandbox).talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<b@x>", "250"),
        ("RCPT TO:<close-at-data@x>", "250"),
        ("DATA", ""),
    ]);
    // The replies before it arrive.
    let mut client = Client::ready(&sandbox);
    client.send("MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<close-at-rcpt@x>\r\nDATA\r\n");
    let replies = [(); 3].map(|()| client.reply());
    assert_eq!(replies, ["250 2.1.0 Ok", "250 2.1.5 Ok", ""]);
}

#[test]
fn data_is_refused_and_the_transaction_stays() {
    let sandbox = sandbox(|_| ());
    Client::ready(&sandbox).talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<data-451-once@x>", "250"),
        ("DATA", "451 4.3.0"),
        ("DATA", "354"),
        ("a\r\n.", "250"),
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<data-550@x>", "250"),
        ("BDAT 1 LAST\r\n", "550 5.3.0"),
    ]);
    assert_eq!(sandbox.stats().messages, 1);
}

#[test]
fn the_end_of_the_content_is_refused() {
    let sandbox = sandbox(|_| ());
    for (to, expected) in [
        ("dot-550@x", "550 5.7.1"),
        ("dot-451-once@x", "451 4.3.0"),
        ("dot-451-once@x", "250 2.0.0"),
        ("dot-452-4.3.1+9@x", "452 4.3.1"),
    ] {
        assert!(deliver(&sandbox, to).1.starts_with(expected), "{to}");
    }
    assert_eq!(sandbox.stats().messages, 1);
    let mut client = Client::ready(&sandbox);
    assert!(client.deliver(FROM, "dot-421@x").1.starts_with("421 4.3.2"));
    assert_eq!(client.reply(), "");
    // By BDAT, and the session goes on.
    let mut client = Client::ready(&sandbox);
    client.send("MAIL FROM:<a@x>\r\nRCPT TO:<dot-554@x>\r\nBDAT 1 LAST\r\nxNOOP\r\n");
    let replies = [(); 4].map(|()| client.reply()[..3].to_owned());
    assert_eq!(replies, ["250", "250", "554", "250"]);
}

#[test]
fn connections_lost_around_the_dot() {
    let sandbox = sandbox(|_| ());
    for (to, stored) in [
        ("drop-after-dot@x", 1),
        ("drop-after-dot-once@x", 1),
        ("drop-before-dot@x", 0),
        ("close-in-body-once@x", 0),
    ] {
        let before = sandbox.stats().messages;
        assert_eq!(deliver(&sandbox, to).1, "", "{to}");
        assert_eq!(sandbox.stats().messages - before, stored, "{to}");
    }
    for to in ["drop-after-dot-once@x", "close-in-body-once@x"] {
        assert!(deliver(&sandbox, to).1.starts_with("250"), "{to}");
    }
    let told = deliver(&sandbox, "421-in-body@x").1;
    assert!(told.starts_with("421 4.3.2"), "{told}");
}

#[test]
fn a_connection_cut_in_the_middle_of_a_chunk() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.send("MAIL FROM:<a@x>\r\nRCPT TO:<drop-before-dot@x>\r\nBDAT 1000 LAST\r\nxyz");
    let replies = [(); 3].map(|()| client.reply());
    assert_eq!(replies, ["250 2.1.0 Ok", "250 2.1.5 Ok", ""]);
    assert_eq!(sandbox.stats().messages, 0);
}

#[test]
fn slow_replies_come_late_and_alone() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    let began = Instant::now();
    client.send("MAIL FROM:<a@x>\r\nRCPT TO:<slow-rcpt-200ms@x>\r\n");
    assert_eq!(client.reply(), "250 2.1.0 Ok");
    assert_eq!(client.reply(), "250 2.1.5 Ok");
    assert!(began.elapsed() >= Duration::from_millis(200));

    let began = Instant::now();
    assert!(deliver(&sandbox, "slow-200ms@x").1.starts_with("250 2.0.0"));
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[test]
fn odd_replies_to_the_end_of_the_content() {
    let sandbox = sandbox(|_| ());
    let queued = "250 2.0.0 Ok: queued as 0000000";
    let mut client = Client::ready(&sandbox);
    assert_eq!(
        client.deliver(FROM, "garbage-at-dot@x").1,
        "this is \u{fffd} no reply"
    );
    let long = client.deliver(FROM, "long-reply@x").1;
    assert!(long.len() > 100_000 && long.starts_with("250 2.0.0 very long"));
    assert_eq!(
        client.deliver(FROM, "byte-at-a-time@x").1,
        format!("{queued}3")
    );
    let lines = format!("250-2.0.0 first\n250-2.0.0 second\n{queued}4");
    assert_eq!(client.deliver(FROM, "multiline-reply@x").1, lines);
    assert_eq!(client.deliver(FROM, "b@x").1, format!("{queued}5"));
}

#[test]
fn a_reply_without_end() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RCPT TO:<endless-reply@x>", "250"),
        ("DATA", "354"),
    ]);
    client.send("a\r\n.\r\n");
    let mut much = vec![0; 1_000_000];
    client.0.read_exact(&mut much).unwrap();
    assert!(
        much.split_inclusive(|byte| *byte == b'\n')
            .rev()
            .skip(1)
            .all(|line| line.starts_with(b"250-"))
    );
    drop(client);
    eventually("the server notices", || sandbox.stats().open == 0);
}

#[test]
fn a_server_that_hangs_can_be_left_and_stopped() {
    let sandbox = sandbox(|_| ());
    let hung = |client: &mut Client| {
        client.talk(&[
            ("MAIL FROM:<a@x>", "250"),
            ("RCPT TO:<hang-at-dot@x>", "250"),
            ("DATA", "354"),
        ]);
        client
            .0
            .get_ref()
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        client.send("a\r\n.\r\nNOOP\r\n");
        let error = client.0.read(&mut [0; 10]).unwrap_err();
        assert!(
            matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ),
            "{error}"
        );
    };
    let mut left = Client::ready(&sandbox);
    hung(&mut left);
    drop(left);
    eventually("the server notices", || sandbox.stats().open == 0);

    let mut client = Client::ready(&sandbox);
    hung(&mut client);
    assert_eq!(sandbox.stats().messages, 2);
    sandbox.stop();
    assert_eq!(client.reply(), "");
}
