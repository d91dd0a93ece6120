//! The dialogue over real TCP. Every socket has a timeout, so that nothing hangs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod behaviours;
mod dialogue;
mod fuzz;
mod server;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;

/// A sandbox that keeps what it gets.
fn sandbox(change: impl FnOnce(&mut Options)) -> Sandbox {
    let mut options = Options {
        store: Store::Memory,
        ..Options::default()
    };
    change(&mut options);
    Sandbox::start(options).unwrap()
}

struct Client(BufReader<TcpStream>);

impl Client {
    /// Connected, nothing read yet.
    fn new(sandbox: &Sandbox) -> Client {
        let stream = TcpStream::connect(sandbox.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream
            .set_write_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Client(BufReader::new(stream))
    }

    /// Greeted, and EHLO said.
    fn ready(sandbox: &Sandbox) -> Client {
        let mut client = Client::new(sandbox);
        assert!(client.reply().starts_with("220 "));
        assert!(client.say("EHLO client.example").starts_with("250-"));
        client
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// One whole reply, its lines joined by LF; empty when the connection was closed or reset.
    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = Vec::new();
            match self.0.read_until(b'\n', &mut line) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return reply,
                result => assert!(result.is_ok(), "no reply in time: {result:?}"),
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            reply.push_str(line.strip_suffix("\r\n").unwrap_or(&line));
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
            reply.push('\n');
        }
    }

    fn say(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n"));
        self.reply()
    }

    /// A dialogue: each line, and what its reply begins with (empty: closed).
    fn talk(&mut self, dialogue: &[(&str, &str)]) {
        for (line, expected) in dialogue {
            let reply = self.say(line);
            assert!(
                reply.starts_with(expected) && expected.is_empty() == reply.is_empty(),
                "{line:?}: {reply:?}"
            );
        }
    }

    /// MAIL, RCPT, DATA, content, the replies to RCPT and to the content.
    fn deliver(&mut self, from: &str, to: &str) -> (String, String) {
        self.talk(&[(&format!("MAIL FROM:<{from}>"), "250 2.1.0")]);
        let rcpt = self.say(&format!("RCPT TO:<{to}>"));
        self.talk(&[("DATA", "354 ")]);
        (rcpt, self.say("Subject: x\r\n\r\nbody\r\n."))
    }
}

/// Waits for something that another thread is about to do.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(10), "never: {what}");
        thread::yield_now();
    }
}
