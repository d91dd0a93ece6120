//! A name server on loopback that answers by a script, by UDP and TCP, and does on request what real ones do when they
//! are at fault. Used by the executable's tests and, included, by those of `src/dns`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A server that ends with the test.
pub struct NameServer {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    zone: Vec<Vec<String>>,
    asked: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl NameServer {
    /// A server with this zone, a line each:
    ///
    /// `NAME TXT "string" "string"`, `NAME MX 10 SERVER`, `NAME A`, `NAME AAAA`, `NAME CNAME OTHER`: records. A name that
    /// has none is NXDOMAIN; one that has others, no data.
    /// `NAME SERVFAIL` and `NAME REFUSED`: that code. `NAME silent`: no answer. `NAME garbage`: bytes that are no
    /// message, and no other answer. `NAME truncated`: by UDP a reply without records that says so. `NAME forged`: the
    /// answer to another question goes before the right one. `NAME broken`: a record that ends too early. `NAME cut`:
    /// `truncated`, by TCP, too. `NAME referral`: only who else to ask. `NAME stray`: the answer has records of another
    /// name first. `NAME alone`: of an alias, the target's records are left out.
    pub fn start(zone: &str) -> NameServer {
        // A port that is free for both.
        let (tcp, udp) = (0..100)
            .find_map(|_| {
                let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
                let udp = UdpSocket::bind(tcp.local_addr().unwrap()).ok()?;
                Some((tcp, udp))
            })
            .unwrap();
        let address = tcp.local_addr().unwrap();
        let zone = zone.lines().map(str::trim).filter(|line| !line.is_empty());
        let shared = Arc::new(Shared {
            zone: zone.map(words).collect(),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let (by_udp, by_tcp) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads = vec![
            thread::spawn(move || by_udp.serve_udp(&udp)),
            thread::spawn(move || by_tcp.serve_tcp(&tcp)),
        ];
        NameServer {
            address,
            shared,
            threads,
        }
    }

    /// What was asked: `NAME TYPE`, with `by TCP` behind it where it was.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        let _ = UdpSocket::bind("127.0.0.1:0").and_then(|it| it.send_to(b"", self.address));
        let _ = TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Words, and what stands in quotes as one.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, piece) in line.split('"').enumerate() {
        match at % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}

fn number(kind: &str) -> u16 {
    match kind {
        "A" => 1,
        "NS" => 2,
        "CNAME" => 5,
        "MX" => 15,
        "TXT" => 16,
        "AAAA" => 28,
        other => panic!("no type {other}"),
    }
}

fn kind(number: u16) -> &'static str {
    let kinds = ["A", "NS", "CNAME", "MX", "TXT", "AAAA"];
    kinds
        .into_iter()
        .find(|it| self::number(it) == number)
        .unwrap()
}

impl Shared {
    fn serve_udp(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            for reply in self.replies(&buffer[..length], true) {
                socket.send_to(&reply, from).unwrap();
            }
        }
    }

    fn serve_tcp(&self, listener: &TcpListener) {
        while let Ok((mut stream, _)) = listener.accept() {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut query).unwrap();
            for reply in self.replies(&query, false) {
                let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                // In two pieces, as networks cut it.
                let all = [&length[..], &reply].concat();
                let (first, second) = all.split_at(all.len() / 2);
                stream.write_all(first).unwrap();
                stream.flush().unwrap();
                stream.write_all(second).unwrap();
            }
        }
    }

    fn replies(&self, query: &[u8], udp: bool) -> Vec<Vec<u8>> {
        let (name, end) = name_at(query, 12);
        let wanted = u16::from_be_bytes([query[end], query[end + 1]]);
        let by = if udp { "" } else { " by TCP" };
        let asked = format!("{name} {}{by}", kind(wanted));
        self.asked.lock().unwrap().push(asked);
        let does = |what: &str| {
            let mut lines = self.zone.iter();
            lines.any(|line| line[0] == name && line[1] == what)
        };
        let question = &query[12..end + 4];
        let build = |code: u8, more: u8, answers: &[Vec<u8>]| {
            let mut reply = query[..2].to_vec();
            let [high, low] = u16::try_from(answers.len()).unwrap().to_be_bytes();
            reply.extend([0x81 | more, 0x80 | code, 0, 1, high, low, 0, 0, 0, 0]);
            reply.extend(question);
            reply.extend(answers.concat());
            reply
        };
        if does("silent") {
            return Vec::new();
        }
        if does("garbage") {
            return vec![b"not a message".to_vec(), vec![0xff; 40], Vec::new()];
        }
        if does("referral") {
            let mut reply = build(0, 0, &[]);
            // Who says it does no work for others.
            reply[3] = 0;
            reply[9] = 1;
            reply.extend(record("example", number("NS"), &encoded("ns.example")));
            return vec![reply];
        }
        if does("cut") || (does("truncated") && udp) {
            return vec![build(0, 0x02, &[])];
        }
        for (code, word) in [(2, "SERVFAIL"), (5, "REFUSED")] {
            if does(word) {
                return vec![build(code, 0, &[])];
            }
        }
        let mut answers = self.answers(&name, wanted);
        if does("stray") {
            answers.insert(0, self.stray(wanted));
        }
        if does("broken") {
            for answer in &mut answers {
                let half = answer.len() / 2;
                answer.truncate(half);
            }
        }
        let exists = name.is_empty() || self.zone.iter().any(|line| line[0] == name);
        let right = build(if exists { 0 } else { 3 }, 0, &answers);
        if does("forged") {
            let mut wrong = build(3, 0, &[]);
            wrong[0] ^= 0x55;
            return vec![wrong, right];
        }
        vec![right]
    }

    fn stray(&self, wanted: u16) -> Vec<u8> {
        let other = "stray-records.example";
        self.answers(other, wanted).pop().expect("a record of it")
    }

    fn answers(&self, name: &str, wanted: u16) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for line in self.zone.iter().filter(|line| line[0] == name) {
            let data = match line[1].as_str() {
                "CNAME" => {
                    answers.push(record(name, 5, &encoded(&line[2])));
                    if !self.zone.iter().any(|it| it[0] == name && it[1] == "alone") {
                        answers.extend(self.answers(&line[2], wanted));
                    }
                    continue;
                }
                it if it != kind(wanted) => continue,
                "TXT" => {
                    let strings = line[2..].iter().map(|it| {
                        let length = u8::try_from(it.len()).expect("strings of 255 bytes at most");
                        [&[length], it.as_bytes()].concat()
                    });
                    strings.collect::<Vec<_>>().concat()
                }
                "MX" => {
                    let preference: u16 = line[2].parse().unwrap();
                    [&preference.to_be_bytes()[..], &encoded(&line[3])].concat()
                }
                "A" => vec![192, 0, 2, 1],
                "AAAA" => vec![0x20; 16],
                _ => continue,
            };
            answers.push(record(name, wanted, &data));
        }
        answers
    }
}

fn record(name: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = encoded(name);
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0, 60]);
    record.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    record.extend(data);
    record
}

fn encoded(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> = labels
        .flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat())
        .collect();
    bytes.push(0);
    bytes
}

/// A name without pointers, in lower case, and the place behind it.
fn name_at(message: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    while message[at] > 0 {
        let end = at + 1 + usize::from(message[at]);
        labels.push(String::from_utf8(message[at + 1..end].to_ascii_lowercase()).unwrap());
        at = end;
    }
    (labels.join("."), at + 1)
}
