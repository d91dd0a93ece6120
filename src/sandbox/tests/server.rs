//! The server as a whole: starting, counting, limits, stopping.

use super::*;

#[test]
fn a_greeting_that_is_none() {
    for (greeting, expected) in [
        ("554 no service", ""),
        ("421 busy", ""),
        ("220 hello", "250"),
    ] {
        let sandbox = sandbox(|options| options.greeting = Some(greeting.to_owned()));
        let mut client = Client::new(&sandbox);
        assert_eq!(client.reply(), greeting);
        client.talk(&[("NOOP", expected)]);
    }
}

#[test]
fn messages_per_connection() {
    let sandbox = sandbox(|options| options.messages_per_connection = Some(2));
    let mut client = Client::ready(&sandbox);
    client.talk(&[("MAIL FROM:<a@x>", "250"), ("RSET", "250")]);
    for _ in 0..2 {
        assert!(client.deliver("a@x", "b@x").1.starts_with("250"));
    }
    client.talk(&[("MAIL FROM:<a@x>", "421 4.7.0"), ("NOOP", "")]);
    assert!(
        Client::ready(&sandbox)
            .deliver("a@x", "b@x")
            .1
            .starts_with("250")
    );
}

#[test]
fn mailmax_counts_every_mail() {
    let sandbox = sandbox(|options| options.announce.mailmax = Some(2));
    Client::ready(&sandbox).talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("MAIL FROM:<a@x>", "503"),
        ("MAIL FROM:<a@x>", "421 4.7.0"),
        ("NOOP", ""),
    ]);
}

#[test]
fn too_many_connections() {
    let sandbox = sandbox(|options| options.max_connections = Some(2));
    let first = Client::ready(&sandbox);
    let _second = Client::ready(&sandbox);
    let mut third = Client::new(&sandbox);
    assert_eq!(third.reply(), "421 4.7.0 too many connections");
    assert_eq!(third.reply(), "");
    let stats = sandbox.stats();
    assert_eq!(
        (
            stats.connections,
            stats.turned_away,
            stats.open,
            stats.most_open
        ),
        (3, 1, 2, 2)
    );
    drop(first);
    eventually("a seat is free", || sandbox.stats().open == 1);
    Client::ready(&sandbox);
}

#[test]
fn a_silent_connection_is_closed() {
    let sandbox = sandbox(|options| options.idle_timeout = Some(Duration::from_millis(50)));
    let mut client = Client::ready(&sandbox);
    assert_eq!(client.reply(), "421 4.4.2 silent for too long");
    assert_eq!(client.reply(), "");
}

#[test]
fn replies_can_be_held_back() {
    let sandbox = sandbox(|options| options.reply_delay = Duration::from_millis(60));
    let began = Instant::now();
    Client::ready(&sandbox);
    assert!(began.elapsed() >= Duration::from_millis(120));
}

#[test]
fn what_was_said_and_counted() {
    let sandbox = sandbox(|_| ());
    let mut client = Client::ready(&sandbox);
    client.talk(&[
        ("MAIL FROM:<a@x>", "250"),
        ("RSET", "250"),
        ("what\u{1}", "500"),
    ]);
    client.deliver("a@x", "b@x");
    let _idle = Client::new(&sandbox).reply();
    let said = |connection, commands: &[&str]| Conversation {
        connection,
        commands: commands
            .iter()
            .map(|command| (*command).to_owned())
            .collect(),
    };
    let first = [
        "EHLO client.example",
        "MAIL FROM:<a@x>",
        "RSET",
        "what\u{1}",
    ];
    let then = ["MAIL FROM:<a@x>", "RCPT TO:<b@x>", "DATA"];
    assert_eq!(
        sandbox.conversations(),
        [said(1, &[&first[..], &then[..]].concat()), said(2, &[])]
    );
    let stats = sandbox.stats();
    let counts = [Verb::Ehlo, Verb::Mail, Verb::Rset, Verb::Other, Verb::Bdat]
        .map(|verb| stats.commands(verb));
    assert_eq!(
        (counts, stats.messages, stats.connections),
        ([1, 2, 1, 1, 0], 1, 2)
    );
}

#[test]
fn only_memory_keeps_messages() {
    let root = tempfile::tempdir().unwrap();
    for store in [Store::Count, Store::Maildir(root.path().join("maildir"))] {
        let sandbox = sandbox(|options| options.store = store);
        assert!(
            Client::ready(&sandbox)
                .deliver("a@x", "b@x")
                .1
                .starts_with("250")
        );
        assert_eq!(
            (
                sandbox.stats().messages,
                sandbox.messages(),
                sandbox.conversations()
            ),
            (1, vec![], vec![])
        );
    }
    let files: Vec<_> = std::fs::read_dir(root.path().join("maildir/new"))
        .unwrap()
        .collect();
    assert_eq!(files.len(), 1);
    let stored = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
    assert_eq!(
        stored,
        "Return-Path: <a@x>\r\nDelivered-To: b@x\r\nSubject: x\r\n\r\nbody\r\n"
    );
}

#[test]
fn a_message_that_cannot_be_stored_is_not_accepted() {
    let root = tempfile::tempdir().unwrap();
    let sandbox = sandbox(|options| options.store = Store::Maildir(root.path().to_owned()));
    std::fs::remove_dir(root.path().join("new")).unwrap();
    assert!(
        Client::ready(&sandbox)
            .deliver("a@x", "b@x")
            .1
            .starts_with("452 4.3.1")
    );
    assert_eq!(sandbox.stats().messages, 0);
}

#[test]
fn many_connections_at_once() {
    let sandbox = sandbox(|_| ());
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut client = Client::ready(&sandbox);
                for _ in 0..20 {
                    assert!(client.deliver("a@x", "b@x").1.starts_with("250"));
                }
                client.talk(&[("QUIT", "221"), ("", "")]);
            });
        }
    });
    assert_eq!(
        (sandbox.messages().len(), sandbox.stats().connections),
        (400, 20)
    );
    eventually("all are gone", || sandbox.stats().open == 0);
}

#[test]
fn stopping_ends_everything_at_once() {
    let sandbox = sandbox(|_| ());
    let address = sandbox.address();
    let mut idle = Client::ready(&sandbox);
    let mut slow = Client::ready(&sandbox);
    slow.talk(&[("MAIL FROM:<a@x>", "250")]);
    slow.send("RCPT TO:<slow-rcpt-60s@x>\r\n");
    let began = Instant::now();
    sandbox.stop();
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!((idle.reply(), slow.reply()), (String::new(), String::new()));
    TcpStream::connect(address).unwrap_err();
}

#[test]
fn an_address_in_use_is_an_error() {
    let sandbox = sandbox(|_| ());
    let options = Options {
        listen: sandbox.address(),
        ..Options::default()
    };
    assert_eq!(
        Sandbox::start(options).unwrap_err().kind(),
        io::ErrorKind::AddrInUse
    );
}
