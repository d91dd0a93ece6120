//! A resumed run's first step: a list's keys gathered, and a ledger in which each of them is claimed, marked and accepted
//! replayed into their standings. Seconds by the clock and of CPU, and
//! the peak of resident memory.
//!
//! `cargo bench --bench ledger`; 1,000,000 recipients, or `MAILRUN_BENCH_RECIPIENTS`. The ledger (550 bytes a recipient) is
//! written first, so that it is read from the page cache where that is large enough.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use mailrun::ledger::entry::{Entry, FORMAT, Header, State, write_line};
use mailrun::ledger::file;
use mailrun::ledger::standing::{Gather, Standing, Standings};

/// Claimed together, as couriers do.
const GROUP: u64 = 4;
const TIME: &str = "2026-11-21T09:30:00.123Z";

fn key(number: u64) -> String {
    format!("some.recipient{number}@list.example")
}

fn entry<'a>(key: &'a str, number: u64, state: State, id: &'a str) -> Entry<'a> {
    let mut entry = Entry::new(TIME, key, number, state, 1);
    if state != State::Sending {
        entry.server = Some("127.0.0.1:2525".into());
        entry.message_id = Some(id.into());
    }
    if state == State::Accepted {
        entry.code = Some(250);
        entry.enhanced = Some("2.0.0".into());
        entry.reply = Some("Ok: queued as 4XyZ1234567".into());
        entry.ms = Some(3);
    }
    entry
}

fn write(path: &Path, recipients: u64) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let mut lines = Vec::new();
    let header = Header {
        mailrun_ledger: FORMAT,
        run: "r".to_owned(),
        campaign: "c".to_owned(),
        time: TIME.to_owned(),
        content: Default::default(),
    };
    write_line(&mut lines, &header);
    for first in (1..=recipients).step_by(usize::try_from(GROUP).unwrap()) {
        let group = first..=(first + GROUP - 1).min(recipients);
        let group: Vec<_> = group
            .map(|n| (n, key(n), format!("{n:032x}@acme.example")))
            .collect();
        for (number, key, id) in &group {
            write_line(&mut lines, &entry(key, *number, State::Claimed, id));
        }
        for (number, key, id) in &group {
            write_line(&mut lines, &entry(key, *number, State::Sending, id));
            write_line(&mut lines, &entry(key, *number, State::Accepted, id));
        }
        out.write_all(&lines).unwrap();
        lines.clear();
    }
    out.flush().unwrap();
}

fn gather(recipients: u64) -> Standings {
    let mut gather = Gather::default();
    (1..=recipients).for_each(|number| gather.add(&key(number)));
    gather.finish().0
}

/// The most memory that was resident, in MiB (Linux).
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Seconds of CPU of this thread, user and system (Linux: ticks of 10 ms): on a busy machine it says more than the clock.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let fields = after_name.split(' ').skip(11).take(2);
    fields
        .map(|field| field.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

fn main() {
    let recipients = std::env::var("MAILRUN_BENCH_RECIPIENTS").map_or(1_000_000, |number| {
        number
            .parse()
            .expect("MAILRUN_BENCH_RECIPIENTS is a number")
    });
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("r.jsonl");
    write(&path, recipients);
    let bytes = fs::metadata(&path).unwrap().len();

    let begun = Instant::now();
    let standings = gather(recipients);
    let gathered = begun.elapsed().as_secs_f64();
    let (begun, cpu_before) = (Instant::now(), cpu());
    let replay = file::read(&path, "r", &standings, |_, _| {})
        .unwrap()
        .unwrap();
    let (replayed, cpu) = (begun.elapsed().as_secs_f64(), cpu() - cpu_before);

    assert_eq!((replay.length, replay.open.len()), (bytes, 0));
    let accepted = |id: &_| standings.standing(*id) == Standing::Accepted;
    let accepted = standings.ids().filter(accepted).count() as u64;
    assert_eq!(accepted, recipients);
    println!(
        "{recipients} recipients, {} MiB of ledger: keys gathered in {gathered:.1} s, replayed in {replayed:.1} s \
         ({cpu:.1} s of CPU, {:.0} ns a line), peak {} MiB",
        bytes >> 20,
        cpu * 1e9 / (3 * recipients) as f64,
        peak()
    );
}
