//! `provider`: what it sets, what the author sets otherwise, and each error with its whole text.

use super::*;

/// The server of this provider with these settings, logging in.
fn server(provider: &str, settings: &str) -> Server {
    let toml = format!(
        "{LEAST}[[server]]\nprovider = '{provider}'\nusername = 'a'\npassword_env = 'A'\n{settings}"
    );
    load(&toml).servers.remove(0)
}

fn rates(server: &Server) -> Vec<String> {
    server.rates.iter().map(Rate::to_string).collect()
}

#[test]
fn what_each_sets() {
    for (provider, host, port, tls, connections, messages, expected) in [
        (
            "gmail",
            "smtp.gmail.com",
            465,
            Tls::Implicit,
            10,
            100,
            &[][..],
        ),
        (
            "workspace",
            "smtp.gmail.com",
            465,
            Tls::Implicit,
            10,
            100,
            &["2000/day"],
        ),
        (
            "outlook",
            "smtp.office365.com",
            587,
            Tls::Required,
            3,
            100,
            &["30/min", "10000/day"],
        ),
        (
            "icloud",
            "smtp.mail.me.com",
            587,
            Tls::Required,
            10,
            100,
            &["1000/day"],
        ),
        (
            "ses:eu-west-1",
            "email-smtp.eu-west-1.amazonaws.com",
            587,
            Tls::Required,
            10,
            100,
            &[],
        ),
        (
            "sendgrid",
            "smtp.sendgrid.net",
            587,
            Tls::Required,
            10,
            5000,
            &[],
        ),
        (
            "postmark",
            "smtp.postmarkapp.com",
            587,
            Tls::Required,
            10,
            100,
            &[],
        ),
    ] {
        let server = server(provider, "");
        assert_eq!(
            (server.host.as_str(), server.port, server.tls),
            (host, port, tls)
        );
        assert_eq!(server.connections, connections, "{provider}");
        assert_eq!(server.messages_per_connection, messages, "{provider}");
        assert_eq!(rates(&server), expected, "{provider}");
    }
    for provider in Provider::all() {
        if provider.name != "ses" {
            let server = server(provider.name, "");
            assert_eq!((server.port, server.tls), (provider.port, provider.tls));
        }
    }
}

#[test]
fn the_author_has_the_last_word() {
    let server = server(
        "outlook",
        "connections = 20\nrate = '1000/min'\nmessages_per_connection = 7\ntls = 'required'",
    );
    assert_eq!(
        (server.connections, server.messages_per_connection),
        (20, 7)
    );
    assert_eq!(rates(&server), ["1000/min"]);
    assert!(self::server("outlook", "rate = []").rates.is_empty());
    assert_eq!(server.name(), "a@smtp.office365.com:587");
}

#[test]
fn errors() {
    let login = "username = 'a'\npassword_env = 'A'\n";
    assert_server_errors(&[
        (
            "provider = 'gmail'",
            r#"5:12: provider "gmail" takes no mail without a login; add username, and password_env = "VARIABLE" (or password_file, password_command, keyring = true)"#,
        ),
        (
            &format!("{login}provider = 'outlok'"),
            r#"7:12: "outlok" is no provider that mailrun knows; did you mean "outlook"?"#,
        ),
        (
            &format!("{login}provider = 'mailgun_eu'"),
            r#"7:12: "mailgun_eu" is no provider that mailrun knows; did you mean "mailgun-eu"?"#,
        ),
        (
            &format!("{login}provider = 'ses'"),
            r#"7:12: provider "ses" needs its region: "ses:eu-west-1""#,
        ),
        (
            &format!("{login}provider = ''"),
            r#"7:12: "provider" in [[server]] is empty"#,
        ),
        (
            &format!("{login}provider = 'gmail'\nurl = 'smtp://mx.example'"),
            "8:7: url and provider both say which server this is; leave one of them out",
        ),
        (
            &format!("{login}provider = 'gmail'\ntls = 'none'"),
            r#"8:7: provider "gmail" has tls = "implicit"; leave tls out, or write a url in place of provider"#,
        ),
    ]);
}
