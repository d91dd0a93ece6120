//! A disk that is full, and then is not: a small tmpfs under the ledger.

use std::process::{Command, Stdio};

use super::evidence::counts;
use super::support::{Folder, Ran, received, sequential, url};

/// In a mount namespace of its own, so that the tmpfs is seen by nobody else and goes away with the shell.
const SCRIPT: &str = r#"
mkdir campaign/runs && mount -t tmpfs -o size=32k tmpfs campaign/runs || exit 9
"$0" send campaign --json --server "$1" > first.out 2> first.err
echo $? > first.status
mount -o remount,size=4m campaign/runs || exit 9
"$0" send campaign --json --server "$1" > second.out 2> second.err
echo $? > second.status
cp campaign/runs/r.jsonl kept && umount campaign/runs && cp kept campaign/runs/r.jsonl || exit 9
"#;

fn ran(folder: &Folder, name: &str) -> Ran {
    let read = |kind: &str| folder.read(&format!("../{name}.{kind}"));
    Ran {
        status: read("status").trim().parse().unwrap(),
        stdout: read("out"),
        stderr: read("err"),
    }
}

#[test]
fn it_stops_the_sending_and_with_room_the_same_command_goes_on() {
    let folder = Folder::generated(200, "x.example");
    let sandbox = sequential();
    let shell = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", SCRIPT])
        .args([env!("CARGO_BIN_EXE_mailrun"), &url(&sandbox)])
        .current_dir(folder.path.parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .expect("unshare, of util-linux, is needed");
    let said = String::from_utf8_lossy(&shell.stderr);
    assert!(
        shell.status.success(),
        "a mount namespace of one's own must be allowed for this test: {said}"
    );

    let first = ran(&folder, "first");
    let reason = "campaign/runs/r.jsonl: cannot write the ledger: No space left on device (os error 28); sending stops where \
                  there is no record, and the same command goes on once this is mended";
    assert_eq!(
        (first.status, &first.json()["stopped"]),
        (4, &reason.into())
    );

    let second = ran(&folder, "second");
    let json = second.json();
    let count = |state: &str| json[state].as_u64().unwrap();
    assert!(first.json()["accepted"].as_u64().unwrap() > 0, "{first:?}");
    assert_eq!(count("accepted") + count("in_doubt"), 200, "{json}");
    assert!(count("in_doubt") <= 10, "one a connection at most: {json}");
    assert_eq!(second.status, if count("in_doubt") == 0 { 0 } else { 3 });
    println!("{}, then {}", counts(&first), counts(&second));

    let (times, standings) = (received(&sandbox), folder.standings());
    for n in 1..=200 {
        let key = format!("r{n}@x.example");
        let times = times.get(&key).copied().unwrap_or(0);
        match standings[&key].as_str() {
            "accepted" => assert_eq!(times, 1, "{key}"),
            "in_doubt" => assert!(times <= 1, "{key}"),
            other => panic!("{key} is {other}"),
        }
    }
}
