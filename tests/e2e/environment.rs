//! The server that the environment names, and rates that are typed.

use super::support::{Folder, Ran, mailrun, received, sandbox};

fn folder() -> Folder {
    Folder::with_rows([("ann@x.example", "Ann")])
}

/// `mailrun send campaign ARGS` in an environment.
fn send(folder: &Folder, variables: &[(&str, &str)], args: &[&str]) -> Ran {
    mailrun(folder.path.parent().unwrap())
        .args(["send", "campaign"])
        .args(args)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
        .into()
}

#[test]
fn flask_mails_server_is_used_where_the_campaign_has_none() {
    let (folder, sandbox) = (folder(), sandbox());
    let campaign = folder.read("campaign.toml");
    let from = "from = \"ACME News <news@acme.example>\"\n";
    assert!(campaign.contains(from));
    folder.write("campaign.toml", campaign.replace(from, ""));
    let address = sandbox.address();
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let variables = [
        ("MAIL_SERVER", host.as_str()),
        ("MAIL_PORT", &port),
        ("MAIL_DEFAULT_SENDER", "Editor <editor@acme.example>"),
    ];
    let ran = send(&folder, &variables, &["--rate", "1000/s", "--rate=9/day"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(received(&sandbox), [("ann@x.example".to_owned(), 1)].into());
    assert_eq!(sandbox.messages()[0].from, "editor@acme.example");
}

#[test]
fn the_campaigns_own_server_comes_first() {
    let (folder, sandbox) = (folder(), sandbox());
    let url = format!("smtp://{}?tls=none", sandbox.address());
    folder.configure(&format!("[[server]]\nurl = \"{url}\""));
    let variables = [("MAIL_SERVER", "mx.example"), ("MAIL_SUPPRESS_SEND", "1")];
    let ran = send(&folder, &variables, &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(received(&sandbox).len(), 1);
}

#[test]
fn sending_that_is_switched_off_is_refused_and_not_pretended() {
    let (folder, sandbox) = (folder(), sandbox());
    let suppressed = [("MAIL_SUPPRESS_SEND", "True")];
    let url = format!("smtp://{}?tls=none", sandbox.address());
    for args in [&[][..], &["--server", &url]] {
        let ran = send(&folder, &suppressed, args);
        assert_eq!(
            ran.stderr,
            "mailrun: MAIL_SUPPRESS_SEND in the environment says that nothing may be sent; look at the messages with \
             --dry-run DIR or --sandbox, or unset it\n"
        );
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    }
    assert_eq!(sandbox.stats().connections, 0);
    for args in [&["--sandbox"][..], &["--dry-run", "out"]] {
        let ran = send(&folder, &suppressed, args);
        assert_eq!(ran.status, 0, "{ran:?}");
    }
}

#[test]
fn a_wrong_environment_stops_what_needs_it_alone() {
    let (folder, sandbox) = (folder(), sandbox());
    let variables = [("MAIL_SERVER", "mx.example")];
    let ran = send(&folder, &variables, &[]);
    assert_eq!(
        ran.stderr,
        "mailrun: MAIL_SERVER in the environment is \"mx.example\", to which everything would go in clear; set \
         MAIL_USE_TLS=true, most often with MAIL_PORT=587, or MAIL_USE_SSL=true with MAIL_PORT=465 (for a server without TLS \
         write [[server]], with allow_plaintext = true)\n"
    );
    assert_eq!(ran.status, 1);
    let url = format!("smtp://{}?tls=none", sandbox.address());
    for args in [&["--sandbox"][..], &["--server", &url]] {
        let ran = send(&folder, &variables, args);
        assert_eq!(ran.status, 0, "{ran:?}");
    }
}
