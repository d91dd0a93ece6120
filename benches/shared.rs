//! What an attachment costs that every message has: a session's CPU a message with 100 KB and 50 KB of shared content
//! (as base64) beside 4 KB of its own, and without them, in turns, in both manners that send whole groups.
//!
//! `cargo bench --bench shared`. The receiver is the sandbox in this process; the CPU is this thread's alone, user and
//! system apart (Linux: /proc/thread-self/stat, in ticks of 10 ms), so that the copying into the socket shows for itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::time::Duration;

use lettre::Address;
use rustix::event::{PollFd, PollFlags, poll};

use mailrun::deliver::access::Access;
use mailrun::deliver::session::{Manner, Session, Terms, Verdict};
use mailrun::message::{Message, Part, Shared};
use mailrun::outcome::Outcome;
use mailrun::sandbox::{Options, Sandbox, Store};

const MESSAGES: usize = 20_000;
const ROUNDS: usize = 5;

/// User and system time of this thread, in ticks of 10 ms.
fn ticks() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let mut fields = after_name
        .split(' ')
        .skip(11)
        .map(|field| field.parse().unwrap());
    (fields.next().unwrap(), fields.next().unwrap())
}

/// Base64 in lines of 76, as an attachment of so many bytes has.
fn encoded(bytes: usize) -> Vec<u8> {
    let line = [&[b'A'; 76][..], b"\r\n"].concat();
    line.repeat((bytes / 3 * 4).div_ceil(76))
}

/// CPU in microseconds a message.
struct Cpu {
    user: f64,
    system: f64,
}

/// Sends all messages over one session.
fn send(manner: Manner, shared: &[Part]) -> Cpu {
    let sandbox = Sandbox::start(Options {
        store: Store::Count,
        ..Options::default()
    })
    .unwrap();
    let terms = Terms {
        timeout: Duration::from_secs(60),
        manner,
        proven: Some(manner),
        window: 8,
        messages: u32::MAX,
    };
    let (host, port) = (sandbox.address().ip().to_string(), sandbox.address().port());
    let mut session = Session::open(&Access::clear(host, port), terms).unwrap();
    let address: Address = "a@list.example".parse().unwrap();
    let own =
        b"A line of a personal letter of four kilobytes, or thereabouts, in all.\r\n".repeat(57);
    let (mut handed, mut accepted) = (0, 0);
    let (user, system) = ticks();
    while accepted < MESSAGES {
        while session.room() > 0 && handed < MESSAGES {
            let mut content = vec![Part::Own(own.clone())];
            content.extend_from_slice(shared);
            session.submit(Box::new(Message {
                key: String::new(),
                row: 1,
                envelope_from: address.clone(),
                envelope_to: address.clone(),
                also_to: Vec::new(),
                left_out: Vec::new(),
                beyond_ascii: None,
                message_id: String::new(),
                content,
            }));
            handed += 1;
        }
        session.prepare(&mut || true);
        session.write();
        let flags = if session.writes() {
            PollFlags::IN | PollFlags::OUT
        } else {
            PollFlags::IN
        };
        poll(&mut [PollFd::new(&session, flags)], None).unwrap();
        session.read();
        for finished in session.finished() {
            assert!(matches!(
                finished.verdict,
                Verdict::Settled(Outcome::Accepted(_))
            ));
            accepted += 1;
        }
    }
    let (user_after, system_after) = ticks();
    session.quit();
    assert_eq!(sandbox.stats().messages, MESSAGES as u64);
    let each = |ticks: u64| ticks as f64 * 10_000.0 / MESSAGES as f64;
    Cpu {
        user: each(user_after - user),
        system: each(system_after - system),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let attachments = [
        Part::Shared(Shared::new(encoded(100_000))),
        Part::Shared(Shared::new(encoded(50_000))),
    ];
    println!("a message's CPU in us, {MESSAGES} messages, median of {ROUNDS} rounds in turns");
    println!(
        "{:<12} {:>10} {:>10} {:>12} {:>12} {:>10}",
        "manner", "user", "system", "user+150KB", "system+150KB", "user +us"
    );
    for manner in [Manner::Pipelined, Manner::Chunked] {
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| (send(manner, &[]), send(manner, &attachments)))
            .collect();
        let (without, with): (Vec<Cpu>, Vec<Cpu>) = rounds.into_iter().unzip();
        let user = median(without.iter().map(|cpu| cpu.user).collect());
        let system = median(without.iter().map(|cpu| cpu.system).collect());
        let user_more = median(with.iter().map(|cpu| cpu.user).collect());
        let system_more = median(with.iter().map(|cpu| cpu.system).collect());
        println!(
            "{:<12} {user:>10.1} {system:>10.1} {user_more:>12.1} {system_more:>12.1} {:>10.1}",
            format!("{manner:?}"),
            user_more - user
        );
    }
}
