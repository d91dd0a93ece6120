//! What one message costs on one core before it leaves: its row read, rendered, built; its lines in the ledger.
//!
//! `cargo bench` prints medians over rounds. Without `--bench`, as `cargo test --all-targets` runs it, one short round.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use mailrun::bell::{Bell, Wait};
use mailrun::campaign::{Campaign, Durability};
use mailrun::compose::{Composer, Naming};
use mailrun::enclose::Images;
use mailrun::ledger::disk::Here;
use mailrun::ledger::entry::{Entry, State, timestamp, write_line};
use mailrun::ledger::file::{self, Ledger, Mark, Opening};
use mailrun::ledger::standing::Gather;
use mailrun::message::dkim::{self, Signer};
use mailrun::message::{Builder, Enclosed};
use mailrun::recipients::{List, Recipient, Row};
use mailrun::render::Templates;
use rustix::event::{PollFd, PollFlags, poll};

const DATE: &str = "Fri, 20 Nov 2026 12:00:00 +0000";
/// A message that is accepted leaves three lines.
const STATES: [State; 3] = [State::Claimed, State::Sending, State::Accepted];

struct Scale {
    rounds: usize,
    rows: usize,
    syncs: usize,
}

fn main() {
    let scale = match std::env::args().any(|argument| argument == "--bench") {
        true => Scale {
            rounds: 9,
            rows: 5_000,
            syncs: 200,
        },
        false => Scale {
            rounds: 1,
            rows: 50,
            syncs: 2,
        },
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compose");
    lay_out(&folder, scale.rows);
    let campaign = Campaign::load(&folder).unwrap();
    let columns = List::open(&campaign.recipients).unwrap().columns().clone();
    let templates =
        Templates::load(&campaign, &columns, |_| false, &mut Images::new(&campaign)).unwrap();
    let builder = Builder::new(&campaign).unwrap().with_columns(&columns);
    let composer = Composer::load(&campaign, &columns, |_| false).unwrap();
    let naming = Naming::of(&campaign);
    let recipients = read(&campaign);
    assert_eq!(recipients.len(), scale.rows);

    println!(
        "µs a message, one core: median (least - most) of {} rounds",
        scale.rounds
    );
    let rows = scale.rows;
    report("row read and judged", &scale, rows, || {
        black_box(read(&campaign));
    });
    report("rendered", &scale, rows, || {
        let mut sheet = templates.sheet();
        for recipient in &recipients {
            let identity = naming.identity(&recipient.key);
            black_box(templates.render(recipient, &identity, &mut sheet).unwrap());
        }
    });
    let mut without_text = campaign.clone();
    without_text.message.text = None;
    let images = &mut Images::new(&campaign);
    let without_text = Templates::load(&without_text, &columns, |_| false, images).unwrap();
    report("rendered, text made from the HTML", &scale, rows, || {
        let mut sheet = without_text.sheet();
        for recipient in &recipients {
            let identity = naming.identity(&recipient.key);
            let rendered = without_text.render(recipient, &identity, &mut sheet);
            black_box(rendered.unwrap());
        }
    });
    let rendered: Vec<_> = recipients
        .iter()
        .map(|recipient| {
            let identity = naming.identity(&recipient.key);
            let mut sheet = templates.sheet();
            let rendered = templates.render(recipient, &identity, &mut sheet);
            let rendered = rendered.unwrap().clone();
            (recipient, identity, rendered)
        })
        .collect();
    report("built", &scale, rows, || {
        for (recipient, identity, rendered) in &rendered {
            let built = builder.build(recipient, identity, rendered, Enclosed::default(), DATE);
            black_box(built.unwrap());
        }
    });
    for (title, kind) in [
        ("built and signed, RSA-2048", dkim::Kind::Rsa),
        ("built and signed, Ed25519", dkim::Kind::Ed25519),
    ] {
        let pem = dkim::generate(kind).unwrap();
        let signer = Signer::new("sender.example", "s", &pem).unwrap();
        let builder = builder.clone().with_signers(vec![signer]);
        let some = &rendered[..rows / 5];
        report(title, &scale, some.len(), || {
            for (recipient, identity, rendered) in some {
                let enclosed = Enclosed::default();
                black_box(builder.build(recipient, identity, rendered, enclosed, DATE)).unwrap();
            }
        });
    }
    report("row to message, all of it", &scale, rows, || {
        let mut sheet = composer.sheet();
        for recipient in read(&campaign) {
            black_box(composer.compose(&recipient, DATE, &mut sheet).unwrap());
        }
    });
    ledger(&folder.join("runs"), &campaign, &recipients, &scale);
}

/// A campaign folder with the templates of the comparison with others.
fn lay_out(folder: &Path, rows: usize) {
    fs::create_dir_all(folder).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("campaign.toml", include_str!("workload/campaign.toml"));
    let html = include_str!("workload/message.html.hbs");
    write("message.html.hbs", html);
    write("message.txt.hbs", include_str!("workload/message.txt.hbs"));
    let mut list = "email,first_name,last_name,company,city,plan,amount,link\n".to_owned();
    for n in 0..rows {
        let name = if n % 10 == 0 { "Inès" } else { "Greta" };
        writeln!(
            list,
            "user{n:07}@list{:03}.example,{name},O'Brien & Sons,Delta Works,Ghent,team,{n}.50,https://news.example/u/{n:07}",
            n % 997
        )
        .unwrap();
    }
    write("list.csv", &list);
}

fn read(campaign: &Campaign) -> Vec<Recipient> {
    List::open(&campaign.recipients)
        .unwrap()
        .map(|row| match row.unwrap() {
            Row::Recipient(recipient) => recipient,
            Row::Invalid(row) => panic!("{row:?}"),
        })
        .collect()
}

/// Waits as a crew does that has nothing else to do.
fn wait_durable(ledger: &Ledger, bell: &Bell, mark: Mark) {
    while ledger.durable().unwrap() < mark {
        ledger.await_durable(mark);
        bell.sleep(|wait| {
            if wait == Wait::AsLongAsWanted {
                poll(&mut [PollFd::new(bell, PollFlags::IN)], None).unwrap();
            }
        });
    }
}

fn ledger(folder: &Path, campaign: &Campaign, recipients: &[Recipient], scale: &Scale) {
    let lines: Vec<Vec<u8>> = recipients.iter().map(lines_of).collect();
    report(
        "its ledger lines formatted",
        scale,
        recipients.len(),
        || {
            for recipient in recipients {
                black_box(lines_of(recipient));
            }
        },
    );
    for (title, messages, durability) in [
        ("appended, no sync", recipients.len(), Durability::Process),
        (
            "appended and synced, one by one",
            scale.syncs,
            Durability::Power,
        ),
    ] {
        with_ledger(folder, campaign, durability, |ledger, bell| {
            report(title, scale, messages, || {
                for lines in lines.iter().cycle().take(messages) {
                    let mark = ledger.append(lines).unwrap();
                    wait_durable(ledger, bell, mark);
                }
            });
        });
    }
    with_ledger(folder, campaign, Durability::Power, |ledger, bell| {
        let messages = scale.syncs * 16;
        report("appended, 16 share a sync", scale, messages, || {
            for (n, lines) in lines.iter().cycle().take(messages).enumerate() {
                let mark = ledger.append(lines).unwrap();
                if n % 16 == 15 {
                    wait_durable(ledger, bell, mark);
                }
            }
        });
    });
}

fn lines_of(recipient: &Recipient) -> Vec<u8> {
    let mut lines = Vec::with_capacity(1024);
    let time = timestamp();
    for state in STATES {
        let mut entry = Entry::new(&time, &recipient.key, recipient.position.row, state, 1);
        if state != State::Sending {
            entry.server = Some("127.0.0.1:2525".into());
            entry.message_id = Some("0123456789abcdefghijklmnop@sender.example".into());
        }
        if state == State::Accepted {
            entry.code = Some(250);
            entry.reply = Some("Ok: queued as 4XyZ1234567".into());
            entry.ms = Some(1);
        }
        write_line(&mut lines, &entry);
    }
    lines
}

/// A new ledger, with its syncing thread.
fn with_ledger(
    folder: &Path,
    campaign: &Campaign,
    durability: Durability,
    work: impl FnOnce(&Ledger, &Bell),
) {
    let path: PathBuf = folder.join("compose.jsonl");
    let _ = fs::remove_file(&path);
    let (standings, _) = Gather::default().finish();
    let opened = file::open(&path, &campaign.run, &standings, &Here).unwrap();
    let opening = Opening {
        run: &campaign.run,
        campaign: &campaign.name,
        content: &BTreeMap::new(),
        durability,
    };
    let (ledger, _) = opened.begin(&opening).unwrap();
    let bell = Arc::new(Bell::new().unwrap());
    ledger.tell(vec![Arc::clone(&bell)]);
    thread::scope(|scope| {
        scope.spawn(|| ledger.keep_synced());
        work(&ledger, &bell);
        ledger.close();
    });
    fs::remove_file(&path).unwrap();
}

/// One round that does not count, then `rounds` that do.
fn report(title: &str, scale: &Scale, messages: usize, mut work: impl FnMut()) {
    work();
    let mut times: Vec<f64> = (0..scale.rounds)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed().as_secs_f64() * 1e6 / messages as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let (least, most) = (times[0], times[times.len() - 1]);
    let median = times[times.len() / 2];
    println!("{title:36} {median:8.2} ({least:.2} - {most:.2})");
}
