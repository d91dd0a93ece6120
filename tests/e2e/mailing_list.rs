//! `[list]`: the header fields that large mailboxes ask of newsletters, and the token in the link.

use mailrun::sandbox::Sandbox;

use super::support::{Folder, Ran, mailrun, sandbox, url};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const LIST: &str = r#"
[list]
id = "ACME News <news.acme.example>"
unsubscribe = ["https://acme.example/u/{{unsubscribe_token}}", "mailto:leave@acme.example"]
one_click = true
token_key_env = "MAILRUN_TEST_TOKEN_KEY"
"#;

fn send(folder: &Folder, sandbox: &Sandbox, key: Option<&str>) -> Ran {
    let mut command = mailrun(folder.path.parent().unwrap());
    command.args(["send", "campaign", "--server", &url(sandbox)]);
    if let Some(key) = key {
        command.env("MAILRUN_TEST_TOKEN_KEY", key);
    }
    command.output().unwrap().into()
}

fn verify(folder: &Folder, token: &str, key: &str, args: &[&str]) -> Ran {
    let mut command = mailrun(&folder.path);
    command.env("MAILRUN_TOKEN_KEY", key);
    let output = command.args(["token", "verify", token]).args(args).output();
    output.unwrap().into()
}

#[test]
fn each_message_has_the_fields_and_a_token_of_its_own() {
    let folder = Folder::with_rows([("anna@a.example", "Anna"), ("bo@a.example", "Bo")]);
    folder.configure(LIST);
    folder.write("message.txt.hbs", "{{unsubscribe_url}}\n");
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, Some(KEY));
    assert_eq!(ran.status, 0, "{ran:?}");
    let messages = sandbox.messages();
    assert_eq!(messages.len(), 2);
    for message in messages {
        let text = String::from_utf8(message.content).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.replace("\r\n ", " ");
        assert!(
            head.contains("\r\nList-Id: ACME News <news.acme.example>\r\n"),
            "{head}"
        );
        assert!(
            head.contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
            "{head}"
        );
        let (_, rest) = head
            .split_once("\r\nList-Unsubscribe: <https://acme.example/u/")
            .unwrap();
        let (token, rest) = rest.split_once(">, ").unwrap();
        assert!(
            rest.starts_with("<mailto:leave@acme.example>\r\n"),
            "{head}"
        );
        assert_eq!(body, format!("https://acme.example/u/{token}\r\n"));

        let [to] = message.to.as_slice() else {
            panic!("{:?}", message.to)
        };
        let ran = verify(&folder, token, KEY, &[]);
        assert_eq!((ran.status, ran.stdout), (0, format!("{to}\n")));
        let claims = verify(&folder, token, KEY, &["--json"]).json();
        let expected =
            serde_json::json!({ "campaign": "Test", "run": "r", "address": to, "key": to });
        assert_eq!(claims, expected);
        let ran = verify(&folder, token, &KEY.replace('0', "1"), &[]);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(ran.stderr.contains("do not believe it"), "{ran:?}");
    }
}

#[test]
fn without_a_key_nothing_is_sent() {
    let folder = Folder::with_rows([("anna@a.example", "Anna")]);
    folder.configure(LIST);
    let sandbox = sandbox();
    for (key, wanted) in [
        (
            None,
            "the environment has no MAILRUN_TEST_TOKEN_KEY; set it",
        ),
        (
            Some("short"),
            "MAILRUN_TEST_TOKEN_KEY in the environment: the key is shorter than 16 bytes",
        ),
    ] {
        let ran = send(&folder, &sandbox, key);
        assert_eq!(ran.status, 1, "{ran:?}");
        assert!(
            ran.stderr.contains(wanted) && !ran.stderr.contains("short\""),
            "{ran:?}"
        );
    }
    assert!(sandbox.messages().is_empty());
    let ran = verify(&folder, "x", "", &["--key-env", "MAILRUN_TEST_NO_SUCH"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr
            .contains("the environment has no MAILRUN_TEST_NO_SUCH"),
        "{ran:?}"
    );
}

#[test]
fn a_cell_cannot_add_to_the_links() {
    let folder = Folder::with_rows([
        ("anna@a.example", "x> , <mailto:evil@b.example"),
        ("bo@a.example", "Bo"),
    ]);
    folder.configure("[list]\nunsubscribe = [\"https://acme.example/u/{{name}}\"]");
    let sandbox = sandbox();
    let ran = send(&folder, &sandbox, None);
    assert_eq!(ran.status, 3, "{ran:?}");
    assert_eq!(sandbox.messages().len(), 1);
    assert_eq!(folder.standings()["anna@a.example"], "invalid");
}
