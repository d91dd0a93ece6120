//! Through a real Postfix: what it accepts arrives, once, and what it refuses is booked as it said.

use super::evidence::{counts, history, last_line};
use super::inbox::Inbox;
use super::running::Running;
use super::support::{Folder, mailrun, run};

#[test]
fn twenty_thousand_arrive_once_each_in_little_memory() {
    let folder = Folder::generated(20_000, "many.example");
    let mut inbox = Inbox::of("many.example");
    let mut command = mailrun(folder.path.parent().unwrap());
    let mut running = Running::start(
        command
            .args(["send", "campaign", "--connections", "10", "--json"])
            .args(["--server", &inbox.url]),
    );
    let ran = running.end();
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(counts(&ran), "accepted 20000");

    let peak = running.peak_kib.expect("VmHWM in /proc");
    println!("{}; {peak} KiB at most", ran.stdout.trim());
    assert!(peak < 64 * 1024, "{peak} KiB");

    let delivered = inbox.delivered(20_000);
    assert_eq!(delivered.len(), 20_000);
    for (to, times) in delivered {
        assert_eq!(*times, 1, "{to}");
    }
    for n in 1..=20_000 {
        assert!(delivered.contains_key(&format!("r{n}@many.example")), "{n}");
    }
}

#[test]
fn refusals_are_booked_as_postfix_words_them() {
    let folder = Folder::with_rows([
        ("anna@refusals.example", "Anna"),
        ("reject-one@refusals.example", "Rejected"),
        ("defer-one@refusals.example", "Deferred"),
        ("bert@refusals.example", "Bert"),
    ]);
    folder.configure("attempts = 2");
    let mut inbox = Inbox::of("refusals.example");
    let ran = run(
        &folder,
        &["send", "campaign", "--json", "--server", &inbox.url],
    );
    assert_eq!(ran.status, 3, "{ran:?}");
    assert_eq!(counts(&ran), "accepted 2, failed 2");

    let one_each = [("anna@refusals.example", 1), ("bert@refusals.example", 1)];
    let one_each = one_each.map(|(to, times)| (to.to_owned(), times));
    assert_eq!(*inbox.delivered(2), one_each.into());

    let rejected = last_line(&folder, "reject-one@refusals.example");
    assert_eq!(
        (&rejected["state"], &rejected["code"], &rejected["enhanced"]),
        (&"failed".into(), &550.into(), &"5.1.1".into())
    );
    assert_eq!(
        rejected["reply"],
        "<reject-one@refusals.example>: Recipient address rejected: no such mailbox here"
    );
    let deferred = last_line(&folder, "defer-one@refusals.example");
    assert_eq!(
        (&deferred["state"], &deferred["code"], &deferred["enhanced"]),
        (&"failed".into(), &450.into(), &"4.2.0".into())
    );
    assert_eq!(
        // With CHUNKING the content goes out with its envelope, the first one on a server apart.
        history(&folder, "defer-one@refusals.example").replace(" sending", ""),
        "claimed deferred claimed failed"
    );
    let accepted = last_line(&folder, "anna@refusals.example");
    assert_eq!(
        (&accepted["state"], &accepted["code"]),
        (&"accepted".into(), &250.into())
    );
    assert!(
        accepted["reply"].as_str().unwrap().contains("queued as "),
        "{accepted}"
    );
}
