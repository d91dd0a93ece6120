//! Every exit status with each of its causes, and what is said then.

use std::process::Stdio;

use mailrun::exit;
use mailrun::sandbox::{Options, Verb};

use super::evidence::{counts, history, steady};
use super::support::{Folder, Ran, received, run, sandbox_with, send, sequential, url};

fn folder() -> Folder {
    Folder::with_rows([("ann@x.example", "Ann"), ("bob@x.example", "Bob")])
}

fn rows(addresses: &[&str]) -> Folder {
    Folder::with_rows(addresses.iter().map(|address| (*address, "Ann")))
}

/// `--json` run against this sandbox: status, counts, why it stopped, standard error.
#[track_caller]
fn ended(ran: &Ran) -> (i32, String, String, String) {
    let stopped = ran.json()["stopped"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let stopped = steady(&stopped);
    (ran.status, counts(ran), stopped, steady(&ran.stderr))
}

#[test]
fn status_0_everybody_accepted_or_nothing_to_do() {
    let (folder, sandbox) = (folder(), sequential());
    let first = send(&folder, &sandbox, &["--json", "--limit", "1"]);
    let said = "1 of 2 accepted, 1 remaining in T\n";
    let none = String::new();
    // The one whom the limit chose is settled.
    assert_eq!(
        ended(&first),
        (
            0,
            "accepted 1, remaining 1".to_owned(),
            none.clone(),
            said.to_owned()
        )
    );
    assert_eq!(run(&folder, &["status", "campaign"]).status, 0);
    let second = send(&folder, &sandbox, &["--json"]);
    let said = "going on with run \"r\": 1 of 2 accepted, 1 remaining\n2 of 2 accepted in T\n";
    assert_eq!(
        ended(&second),
        (0, "accepted 2".to_owned(), none.clone(), said.to_owned())
    );
    let third = send(&folder, &sandbox, &["--json", "--only", "ann@x.example"]);
    let said = "nothing to send in run \"r\": 2 of 2 accepted. To mail everyone again, name a new run with --run\n";
    assert_eq!(
        ended(&third),
        (0, "accepted 2".to_owned(), none, said.to_owned())
    );
    assert_eq!(run(&folder, &["status", "campaign"]).status, 0);
    assert_eq!(run(&folder, &["results", "campaign"]).status, 0);
    assert_eq!(sandbox.stats().messages, 2);
}

#[test]
fn status_0_what_is_left_out_on_purpose() {
    let (folder, sandbox) = (
        rows(&["a@x.example", "b@x.example", "a@X.EXAMPLE"]),
        sequential(),
    );
    let ran = send(&folder, &sandbox, &["--json"]);
    let said = "campaign/recipients.csv: 1 row left out: an earlier row has the same key\n\
                2 of 3 accepted, 1 duplicate in T\n";
    assert_eq!(
        ended(&ran),
        (
            0,
            "accepted 2, duplicate 1".to_owned(),
            String::new(),
            said.to_owned()
        )
    );
    assert_eq!(sandbox.stats().messages, 2);
}

#[test]
fn status_0_and_quiet_says_nothing() {
    let (folder, sandbox) = (folder(), sequential());
    let ran = send(&folder, &sandbox, &["--quiet"]);
    assert_eq!(
        (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "", "")
    );
    assert_eq!(sandbox.stats().messages, 2);
}

#[test]
fn status_0_dry_run_with_nothing_sent_and_no_ledger() {
    let folder = folder();
    let ran = run(&folder, &["send", "campaign", "--dry-run", "out"]);
    assert_eq!(ran.stderr, "2 .eml files written to out, 0 invalid\n");
    assert_eq!((ran.status, ran.stdout.as_str()), (0, ""));
    assert!(!folder.path.join("runs").exists());
}

/// Its causes are in `errors`, each with its text; here, that there is nothing on standard output even with `--json`.
#[test]
fn status_1_before_the_first_connection() {
    let (folder, sandbox) = (folder(), sequential());
    folder.write("message.txt.hbs", "{{nmae}}");
    let ran = send(&folder, &sandbox, &["--json"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert_eq!(sandbox.stats().connections, 0);
}

#[test]
fn status_1_content_that_changed_under_a_run() {
    let (folder, sandbox) = (folder(), sequential());
    assert_eq!(send(&folder, &sandbox, &["--limit", "1"]).status, 0);
    folder.write("message.txt.hbs", "Dear {{name}}, it is late.");
    let ran = send(&folder, &sandbox, &[]);
    assert_eq!(
        ran.stderr,
        "going on with run \"r\": 1 of 2 accepted, 1 remaining\n\
         mailrun: changed since run \"r\" was begun: text; --yes mails the new version to those not yet mailed, \
         --run NAME begins a new run, which mails everyone\n"
    );
    assert_eq!((ran.status, sandbox.stats().messages), (1, 1));
    assert_eq!(send(&folder, &sandbox, &["--yes"]).status, 0);
    assert_eq!(sandbox.stats().messages, 2);
}

#[test]
fn status_2_a_command_line_that_is_wrong() {
    let more = "\nFor more information, try '--help'.\n";
    let no = |a: &str, b: &str, usage: &str| {
        format!(
            "error: the argument '{a}' cannot be used with '{b}'\n\nUsage: mailrun send {usage} <CAMPAIGN>\n{more}"
        )
    };
    for (args, text) in [
        (
            "send campaign --bogus",
            format!(
                "error: unexpected argument '--bogus' found\n\n  tip: to pass '--bogus' as a value, use '-- --bogus'\n\n\
                 Usage: mailrun send <CAMPAIGN>\n{more}"
            ),
        ),
        (
            "send",
            format!(
                "error: the following required arguments were not provided:\n  <CAMPAIGN>\n\n\
                 Usage: mailrun send <CAMPAIGN>\n{more}"
            ),
        ),
        (
            "send campaign --limit 0",
            format!("error: invalid value '0' for '--limit <N>': 0 is not in 1..18446744073709551615\n{more}"),
        ),
        (
            "results campaign --state lost",
            format!(
                "error: invalid value 'lost' for '--state <S>'\n  [possible values: accepted, failed, deferred, in_doubt, \
                 invalid, suppressed, duplicate, remaining]\n{more}"
            ),
        ),
        (
            "sned campaign",
            "mailrun: unknown command \"sned\"; there are: init, send, check, status, results, resolve, dkim, token (see mailrun --help)\n".to_owned(),
        ),
        (
            "preview campaign",
            "mailrun: the command preview is not there yet in this version; there are: init, send, check, status, results, resolve, dkim, token\n".to_owned(),
        ),
        (
            "send campaign --rate=14",
            format!(
                "error: invalid value '14' for '--rate <R>': \"14\" is not a rate; write a whole number and its unit (/s, /min, \
                 /h, /day), such as \"14/s\" or \"50000/day\"\n{more}"
            ),
        ),
        (
            "send campaign --ledger x",
            "mailrun: --ledger is not there yet in this version\n".to_owned(),
        ),
        (
            "send campaign --at 9:00",
            "mailrun: --at is not there yet in this version\n".to_owned(),
        ),
        (
            "send campaign --at=18:00",
            "mailrun: --at is not there yet in this version\n".to_owned(),
        ),
        (
            "send campaign --only a --limit 1",
            no("--only <KEY>", "--limit <N>", "--only <KEY>"),
        ),
        (
            "send campaign --sandbox --server smtp://x",
            no("--sandbox", "--server <URL>", "--sandbox"),
        ),
        (
            "send campaign --dry-run out --sandbox",
            no("--dry-run <DIR>", "--sandbox", "--dry-run <DIR>"),
        ),
    ] {
        let folder = folder();
        let ran = run(&folder, &args.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.stderr, text, "{args}");
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args}");
        assert!(!folder.path.join("runs").exists(), "{args}");
    }
    // Without anything: the help, where errors go.
    let (bare, help) = (run(&folder(), &[]), run(&folder(), &["--help"]));
    assert_eq!((bare.status, bare.stdout.as_str()), (2, ""));
    assert_eq!(bare.stderr, help.stdout);
}

#[test]
fn status_3_failed_invalid_or_in_doubt() {
    for (address, expected, said) in [
        (
            "rcpt-550@x.example",
            "accepted 1, failed 1",
            "1 of 2 accepted, 1 failed in T\n",
        ),
        (
            "drop-after-dot@x.example",
            "accepted 1, in_doubt 1",
            "1 of 2 accepted, 1 in doubt in T\n\
             1 recipient in doubt: the message was sent and no answer came. Look its Message-ID up in the server's log \
             (mailrun results campaign --run r --state in_doubt), then say what you found: mailrun resolve campaign \
             --run r --as sent|unsent [KEY...]\n",
        ),
        (
            "no address",
            "accepted 1, invalid 1",
            "campaign/recipients.csv:2: row 1, column \"email\": no @ in the address; correct it, as in jane@x.example\n\
             1 of 2 accepted, 1 invalid in T\n",
        ),
    ] {
        let (folder, sandbox) = (rows(&[address, "ann@x.example"]), sequential());
        let ran = send(&folder, &sandbox, &["--json"]);
        assert_eq!(
            ended(&ran),
            (3, expected.to_owned(), String::new(), said.to_owned())
        );
        // It stays so: nobody is due.
        let again = send(&folder, &sandbox, &["--json"]);
        assert_eq!((again.status, counts(&again)), (3, expected.to_owned()));
        assert_eq!(run(&folder, &["status", "campaign"]).status, 0);
        assert_eq!(received(&sandbox)["ann@x.example"], 1);
        // Of those chosen, everybody is settled.
        let chosen = send(&folder, &sandbox, &["--only", "ann@x.example"]);
        assert_eq!(chosen.status, 0, "{chosen:?}");
    }
    let folder = rows(&["no address", "ann@x.example"]);
    let dry = run(&folder, &["send", "campaign", "--dry-run", "out"]);
    assert_eq!(dry.status, 3, "{dry:?}");
}

#[test]
fn status_4_a_server_that_cannot_be_reached() {
    let folder = folder();
    // A port that was free a moment ago, and that nobody listens on.
    let gone = sequential();
    let url = url(&gone);
    gone.stop();
    let ran = run(&folder, &["send", "campaign", "--json", "--server", &url]);
    let reason = "127.0.0.1:P: Connection refused (os error 111) at connecting; no message could be submitted for 2 s (give_up \
                  in [delivery]); see whether its host and port are right";
    let said = format!(
        "127.0.0.1:P: Connection refused (os error 111) at connecting; trying again\n\
         stopped: {reason}\n\
         0 of 2 accepted, 2 remaining; the same command goes on\n"
    );
    assert_eq!(
        ended(&ran),
        (4, "remaining 2".to_owned(), reason.to_owned(), said)
    );
    assert_eq!(history(&folder, "ann@x.example"), "");
    let status = run(&folder, &["status", "campaign"]);
    assert_eq!(status.status, 0);
    assert!(
        steady(&status.stdout).ends_with(&format!("the last send stopped early: {reason}\n")),
        "{status:?}"
    );
    // The same command goes on once the server is there.
    let back = sequential();
    assert_eq!(send(&folder, &back, &[]).status, 0);
    assert_eq!(received(&back).len(), 2);
}

#[test]
fn status_4_stop_after() {
    let addresses: Vec<_> = (1..=8).map(|n| format!("rcpt-550+{n}@x.example")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let (folder, sandbox) = (rows(&addresses), sequential());
    folder.write(
        "campaign.toml",
        folder
            .read("campaign.toml")
            .replace("[delivery]", "[delivery]\nstop_after = 3"),
    );
    let ran = send(&folder, &sandbox, &["--json", "--connections", "1"]);
    let reason = "3 recipients in a row refused, the last one because the server answered RCPT TO with \"550 5.1.1 no such \
                  recipient\"; see whether the list or the message is at fault (stop_after in [delivery] sets how many)";
    let said = format!(
        "stopped: {reason}\n0 of 8 accepted, 3 failed, 5 remaining; the same command goes on\n"
    );
    assert_eq!(
        ended(&ran),
        (
            4,
            "failed 3, remaining 5".to_owned(),
            reason.to_owned(),
            said
        )
    );
    assert_eq!(sandbox.stats().commands(Verb::Rcpt), 3);
}

#[test]
fn status_4_the_sender_is_refused() {
    let (folder, sandbox) = (folder(), sequential());
    folder.write(
        "campaign.toml",
        folder.read("campaign.toml").replace("news@", "mail-550@"),
    );
    let ran = send(&folder, &sandbox, &["--json", "--connections", "1"]);
    let reason = "127.0.0.1:P: the server answered MAIL FROM with \"550 5.7.1 not from this sender\"; see from in [message] and what the \
         account may do, or ask who runs the server";
    let said =
        format!("stopped: {reason}\n0 of 2 accepted, 2 remaining; the same command goes on\n");
    assert_eq!(
        ended(&ran),
        (4, "remaining 2".to_owned(), reason.to_owned(), said)
    );
    assert_eq!(sandbox.stats().commands(Verb::Rcpt), 0);
}

#[test]
fn status_4_the_greeting_refuses_for_good() {
    let folder = folder();
    let sandbox = sandbox_with(Options {
        announce: crate::support::no_groups(),
        greeting: Some("554 5.7.1 no service for you".to_owned()),
        ..Options::default()
    });
    let ran = send(&folder, &sandbox, &["--json", "--connections", "1"]);
    let reason = "127.0.0.1:P: the server answered the greeting with \"554 5.7.1 no service for you\"; see from in [message] and what the \
         account may do, or ask who runs the server";
    let said =
        format!("stopped: {reason}\n0 of 2 accepted, 2 remaining; the same command goes on\n");
    assert_eq!(
        ended(&ran),
        (4, "remaining 2".to_owned(), reason.to_owned(), said)
    );
    assert_eq!(sandbox.stats().connections, 1);
}

/// The largest file a process may write stands in for a full disk: the write fails in the same place.
#[test]
fn status_4_a_ledger_that_cannot_be_written_stops_the_sending() {
    let folder = Folder::generated(200, "x.example");
    let sandbox = sequential();
    let limited = |blocks: u32| -> Ran {
        let mut sh = std::process::Command::new("sh");
        sh.current_dir(folder.path.parent().unwrap())
            .stdin(Stdio::null())
            .arg("-c")
            .arg(format!(
                "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""
            ))
            .arg(env!("CARGO_BIN_EXE_mailrun"))
            .args(["send", "campaign", "--json", "--server", &url(&sandbox)]);
        sh.output().unwrap().into()
    };
    // Not a block: found before the first connection.
    let none = limited(0);
    assert_eq!(
        none.stderr,
        "mailrun: campaign/runs/r.jsonl: cannot write the ledger: File too large (os error 27)\n"
    );
    assert_eq!((none.status, sandbox.stats().connections), (1, 0));

    let some = limited(120);
    let json = some.json();
    assert_eq!(some.status, 4, "{some:?}");
    let reason = "campaign/runs/r.jsonl: cannot write the ledger: File too large (os error 27); sending stops where there is no \
                  record, and the same command goes on once this is mended";
    assert_eq!(json["stopped"], reason);
    // What is printed is what the next run will find.
    let found = run(&folder, &["status", "campaign", "--json"]);
    assert_eq!(counts(&found), counts(&some));
    let before = sandbox.stats().messages;
    assert!((1..200).contains(&before), "{before} were received");

    // The same command goes on; nobody is mailed twice, and who is not mailed at all is said to be in doubt.
    let rest = run(
        &folder,
        &["send", "campaign", "--json", "--server", &url(&sandbox)],
    );
    let json = rest.json();
    let times = received(&sandbox);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    let (accepted, in_doubt) = (&json["accepted"], &json["in_doubt"]);
    let (accepted, in_doubt) = (accepted.as_u64().unwrap(), in_doubt.as_u64().unwrap());
    assert_eq!(accepted + in_doubt, 200, "{json}");
    assert!(in_doubt <= 10, "one a connection at most: {json}");
    assert_eq!(rest.status, if in_doubt == 0 { 0 } else { 3 });
    assert!(
        times.len() as u64 >= accepted,
        "{} received, {json}",
        times.len()
    );
    let standings = folder.standings();
    for n in 1..=200 {
        let key = format!("r{n}@x.example");
        let known = times.contains_key(&key) || standings[&key] == "in_doubt";
        assert!(known, "{key} is {} and was not received", standings[&key]);
    }
}

#[test]
fn help_tells_the_exit_statuses_and_fits_a_terminal() {
    for (args, statuses) in [
        (&["--help"][..], exit::HELP),
        (&["send", "--help"], exit::HELP),
        (&["status", "--help"], exit::READING_HELP),
        (&["results", "--help"], exit::READING_HELP),
        (&["resolve", "--help"], exit::RESOLVE_HELP),
    ] {
        let ran = run(&folder(), args);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
        let end = format!("\n\n{statuses}\n");
        assert!(ran.stdout.ends_with(&end), "{args:?}: {}", ran.stdout);
        let longest = ran.stdout.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(80), "{args:?}: {}", ran.stdout);
    }
    for status in 0..=4 {
        assert!(exit::HELP.contains(&format!("\n  {status}  ")));
    }
}

#[test]
fn version() {
    let ran = run(&folder(), &["--version"]);
    let version = concat!("mailrun ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(
        (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, version, "")
    );
}
