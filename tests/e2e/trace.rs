//! `-v`, `-vv` and `--trace FILE`: what is said where, and what it costs when it cannot be said.

use std::os::unix::fs::PermissionsExt;

use super::support::{Folder, no_groups, run, sandbox, sandbox_with, send};
use mailrun::sandbox::Options;

fn folder() -> Folder {
    Folder::with_rows([("ann@x.example", "Ann"), ("bob@x.example", "Bob")])
}

/// Times and what the sandbox makes up are left out.
fn conversation(text: &str, port: u16) -> String {
    let text = text.replace(&port.to_string(), "P");
    let lines = text.lines().filter(|line| line.starts_with('#'));
    let lines = lines.map(|line| match line.split_once(" queued as ") {
        Some((before, _)) => format!("{before} queued as ID\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

const WHOLE: &str = "\
#1 connected to 127.0.0.1:P
#1 < 220 sandbox.localhost ESMTP mailrun sandbox
#1 > EHLO [127.0.0.1]
#1 < 250-sandbox.localhost
#1 < 250-8BITMIME
#1 < 250-SMTPUTF8
#1 < 250-ENHANCEDSTATUSCODES
#1 < 250 SIZE 52428800
#1 > MAIL FROM:<news@acme.example> SIZE=N
#1 < 250 2.1.0 Ok
#1 > RCPT TO:<ann@x.example>
#1 < 250 2.1.5 Ok
#1 > DATA
#1 < 354 go on, and end with CRLF.CRLF
#1 > [M bytes]
#1 < 250 2.0.0 Ok: queued as ID
#1 > QUIT
#1 < 221 2.0.0 Bye
#1 closed after 1 message
";

#[test]
fn each_line_with_its_connection() {
    let sandbox = sandbox_with(Options {
        announce: no_groups(),
        ..Options::default()
    });
    let folder = folder();
    let ran = send(
        &folder,
        &sandbox,
        &["-vv", "--limit", "1", "--trace", "trace"],
    );
    assert_eq!(ran.status, 0, "{ran:?}");
    let said = conversation(&ran.stderr, sandbox.address().port());
    let size = |before: &str, after: &str| {
        let (_, rest) = said.split_once(before).unwrap();
        rest.split_once(after).unwrap().0.parse::<u64>().unwrap()
    };
    let (announced, sent) = (size("SIZE=", "\n"), size("> [", " bytes]"));
    // The dot and its line end.
    assert_eq!(sent, announced + 3);
    let expected = WHOLE
        .replace("SIZE=N", &format!("SIZE={announced}"))
        .replace("[M ", &format!("[{sent} "));
    assert_eq!(said, expected);

    // The same in the file, with the time before each line; nobody else can read it.
    let path = folder.path.parent().unwrap().join("trace");
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| {
        let (time, line) = line.split_once(' ').unwrap();
        assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
        format!("{line}\n")
    });
    let written: String = lines.collect();
    assert_eq!(conversation(&written, sandbox.address().port()), expected);
}

#[test]
fn events_alone_and_nothing_unasked() {
    let (folder, sandbox) = (folder(), sandbox());
    let ran = send(&folder, &sandbox, &["-v", "--connections", "1"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let said = conversation(&ran.stderr, sandbox.address().port());
    assert_eq!(
        said,
        "#1 connected to 127.0.0.1:P\n#1 closed after 2 messages\n"
    );
    let ran = send(&folder, &sandbox, &["--run", "again"]);
    assert!(!ran.stderr.contains('#'), "{ran:?}");
}

#[test]
fn a_trace_that_cannot_be_written() {
    let (folder, sandbox) = (folder(), sandbox());
    let ran = send(&folder, &sandbox, &["--trace", "nowhere/trace"]);
    assert_eq!(
        ran.stderr,
        "mailrun: nowhere/trace: cannot write the trace: No such file or directory (os error 2)\n"
    );
    assert_eq!((ran.status, sandbox.stats().connections), (1, 0));
    // Full from the first line on: everything is sent all the same.
    let ran = send(&folder, &sandbox, &["--trace", "/dev/full"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let torn = "/dev/full: the trace is not whole, it could not be written to\n";
    assert!(ran.stderr.contains(torn), "{ran:?}");
    let ran = run(&folder, &["send", "campaign", "-v", "--quiet"]);
    assert_eq!(ran.status, 2, "{ran:?}");
}
