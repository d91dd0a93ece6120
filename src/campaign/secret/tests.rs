//! Each source of a secret, and each error with its whole text.

#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::keyring::{KEYCHAIN, Keyring, SECRET_SERVICE, answered};
use super::*;

fn environment(name: &str) -> Option<OsString> {
    match name {
        "SET" => Some("hunter2".into()),
        "SPACED" => Some(" hunter 2 ".into()),
        "EMPTY" => Some(OsString::new()),
        "LINES" => Some("hunter2\n".into()),
        "BELL" => Some("hunter\u{7}2".into()),
        _ => None,
    }
}

fn fetch(source: &SecretSource) -> Result<String, String> {
    source
        .fetch_in("news", "mx.example", &environment)
        .map(|secret| secret.reveal().to_owned())
        .map_err(|error| error.to_string())
}

fn from_variable(name: &str) -> Result<String, String> {
    fetch(&SecretSource::Env(name.to_owned()))
}

fn from_program(words: &[&str]) -> Result<String, String> {
    let words = words.iter().map(|it| (*it).to_owned()).collect();
    fetch(&SecretSource::Command(words))
}

fn from_shell(script: &str) -> Result<String, String> {
    from_program(&["sh", "-c", script])
}

/// A file of this content and mode, and its path.
fn file(content: impl AsRef<[u8]>, mode: u32) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pass word");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    (dir, path)
}

#[test]
fn a_secret_cannot_be_printed() {
    let secret = Secret::new("hunter2");
    assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(***) Secret(***)");
    assert_eq!(secret.reveal(), "hunter2");
}

#[test]
fn from_the_environment() {
    assert_eq!(from_variable("SET"), Ok("hunter2".to_owned()));
    assert_eq!(from_variable("SPACED"), Ok(" hunter 2 ".to_owned()));
    for (name, error) in [
        (
            "OTHER",
            "the environment variable OTHER that the password is to come from is not set; export it",
        ),
        (
            "EMPTY",
            "the password from the environment variable EMPTY is empty",
        ),
        (
            "LINES",
            "the password from the environment variable LINES has more than one line; the password alone may be there",
        ),
        (
            "BELL",
            "the password from the environment variable BELL has a control character in it, which no password can have",
        ),
    ] {
        assert_eq!(from_variable(name), Err(error.to_owned()));
    }
}

#[test]
fn from_a_file() {
    for content in ["hunter2", "hunter2\n", "hunter2\r\n"] {
        for mode in [0o600, 0o400] {
            let (_dir, path) = file(content, mode);
            assert_eq!(fetch(&SecretSource::File(path)), Ok("hunter2".to_owned()));
        }
    }
    let (_dir, path) = file(vec![b'a'; LONGEST], 0o600);
    assert_eq!(
        fetch(&SecretSource::File(path)).map(|it| it.len()),
        Ok(LONGEST)
    );
    let lines = "has more than one line; the password alone may be there";
    for (content, error) in [
        (&b""[..], "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\n\n", lines),
        (b"hunter2\r", lines),
        (b"user\nhunter2\n", lines),
        (b"hunter\xff2", "is not UTF-8 text"),
        (
            b"hunter\x002",
            "has a control character in it, which no password can have",
        ),
        (
            &[b'a'; LONGEST + 1],
            "is longer than 64 KiB; that is no password",
        ),
        (
            &[b'\n'; 3 * LONGEST],
            "is longer than 64 KiB; that is no password",
        ),
    ] {
        let (_dir, path) = file(content, 0o600);
        let expected = format!("the password from {} {error}", path.display());
        assert_eq!(fetch(&SecretSource::File(path)), Err(expected));
    }
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    for mode in [0o640, 0o604, 0o644, 0o660, 0o602, 0o777] {
        let (_dir, path) = file("hunter2", mode);
        let shown = path.display();
        let expected = format!(
            "{shown}: others can read or change this password; take that away: chmod 600 '{shown}'"
        );
        assert_eq!(fetch(&SecretSource::File(path)), Err(expected), "{mode:o}");
    }
}

#[test]
fn a_file_that_cannot_be_read() {
    let (dir, path) = file("", 0o600);
    let gone = dir.path().join("gone");
    let expected = format!(
        "{}: the password cannot be read: No such file or directory (os error 2)",
        gone.display()
    );
    assert_eq!(fetch(&SecretSource::File(gone)), Err(expected));
    drop(path);
    fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
    let expected = format!(
        "{}: the password cannot be read: Is a directory (os error 21)",
        dir.path().display()
    );
    let source = SecretSource::File(dir.path().to_owned());
    assert_eq!(fetch(&source), Err(expected));
}

#[test]
fn from_a_program() {
    assert_eq!(
        from_program(&["printf", "%s\n", "a b; $c"]),
        Ok("a b; $c".to_owned())
    );
    assert_eq!(from_shell("printf hunter2"), Ok("hunter2".to_owned()));
    assert_eq!(
        from_shell("printf 'hunter2\r\n'; echo hint >&2"),
        Ok("hunter2".to_owned())
    );
    // It has no input to wait for.
    assert_eq!(from_shell("cat; echo x"), Ok("x".to_owned()));
    // More on standard error than a pipe holds does not stop it.
    assert_eq!(
        from_shell("head -c 300000 /dev/zero >&2; echo x"),
        Ok("x".to_owned())
    );
    // It may close its output before it ends.
    assert_eq!(
        from_shell("echo x; exec >&- 2>&-; read line < /dev/null; exit 0"),
        Ok("x".to_owned())
    );
}

#[test]
fn programs_that_give_none() {
    for (words, error) in [
        (
            &["/no/such program"][..],
            r#"password_command: there is no program "/no/such program""#,
        ),
        (
            &["/"],
            r#"password_command: "/" cannot be run: Permission denied (os error 13)"#,
        ),
        (&["true"], "the password from password_command is empty"),
        (
            &["printf", "a\nhunter2"],
            "the password from password_command has more than one line; the password alone may be there",
        ),
        (
            &["false"],
            r#"password_command: "false" ended with status 1"#,
        ),
        (
            &[
                "sh",
                "-c",
                r"printf 'first\n\033[31mgpg: no key\r\n \n' >&2; exit 3",
            ],
            "password_command: \"sh\" ended with status 3: \u{fffd}[31mgpg: no key",
        ),
        (
            &[
                "sh",
                "-c",
                "echo hunter2; echo 'cannot store hunter2' >&2; exit 2",
            ],
            r#"password_command: "sh" ended with status 2: cannot store ***"#,
        ),
        (
            &["sh", "-c", "kill -9 $$"],
            r#"password_command: "sh" ended with a signal"#,
        ),
        (
            &["yes"],
            r#"password_command: "yes" printed more than 64 KiB; the password alone may be there"#,
        ),
    ] {
        assert_eq!(from_program(words), Err(error.to_owned()), "{words:?}");
    }
}

#[test]
fn a_program_has_an_end_to_its_time() {
    // One that hangs, one that leaves behind a child that keeps its output open, one that closed its output.
    for script in [
        "exec sleep 60",
        "sleep 60 & exit 0",
        "exec > /dev/null 2>&1; exec sleep 60",
    ] {
        let words = ["sh", "-c", script].map(str::to_owned);
        let ended = program::run(&words, Duration::from_millis(300));
        assert_eq!(
            ended.err(),
            Some(ProgramError::Slow("sh".to_owned(), 0)),
            "{script}"
        );
    }
}

/// What the keyring's tool being this script comes to.
fn from_keyring(keyring: &Keyring, script: &str) -> Result<String, String> {
    let words = ["sh", "-c", script].map(str::to_owned);
    let ended = program::run(&words, PATIENCE);
    let answer = answered(keyring, ended, "it's me", "mx.example").map(without_line_end);
    let secret = answer.and_then(|bytes| SecretSource::Keyring.checked(bytes));
    secret
        .map(|secret| secret.reveal().to_owned())
        .map_err(|error| error.to_string())
}

#[test]
fn from_the_keyring() {
    let service = &SECRET_SERVICE;
    assert_eq!(
        from_keyring(service, "printf hunter2"),
        Ok("hunter2".to_owned())
    );
    assert_eq!(
        from_keyring(&KEYCHAIN, "echo hunter2"),
        Ok("hunter2".to_owned())
    );
    for (keyring, script, error) in [
        (
            service,
            "exit 1",
            r#"the keyring has no password of "it's me" for "mx.example"; store it: secret-tool store '--label=mailrun mx.example' service mailrun server mx.example username 'it'\''s me'"#,
        ),
        (
            service,
            "echo 'Cannot autolaunch D-Bus' >&2; exit 1",
            r#"keyring: "sh" ended with status 1: Cannot autolaunch D-Bus"#,
        ),
        (
            &KEYCHAIN,
            "echo 'The specified item could not be found in the keychain.' >&2; exit 44",
            r#"the keyring has no password of "it's me" for "mx.example"; store it: security add-generic-password -s mailrun:mx.example -a 'it'\''s me' -w"#,
        ),
        (service, "exit 0", "the password from the keyring is empty"),
    ] {
        assert_eq!(
            from_keyring(keyring, script),
            Err(error.to_owned()),
            "{script}"
        );
    }
    let missing = ProgramError::Missing("secret-tool".to_owned());
    let error = answered(service, Err(missing), "a", "b").unwrap_err();
    assert_eq!(
        error.to_string(),
        "keyring: there is no program \"secret-tool\"; install it (Debian: libsecret-tools), or use password_file or \
         password_command"
    );
}

#[test]
fn the_keyring_is_asked_by_server_and_user() {
    assert_eq!(
        (SECRET_SERVICE.lookup)("news", "mx.example").join(" "),
        "lookup service mailrun server mx.example username news"
    );
    assert_eq!(
        (KEYCHAIN.lookup)("news", "mx.example").join(" "),
        "find-generic-password -s mailrun:mx.example -a news -w"
    );
}
