//! `[[server]]`: what it is read as, each error with its whole text, and what the command line says otherwise.

use std::fs;
use std::time::Duration;

use super::*;

/// The servers of these settings.
fn servers(toml: &str) -> Vec<Server> {
    load(&format!("{LEAST}{toml}")).servers
}

/// The one server of a `[[server]]` with these settings.
fn server(settings: &str) -> Server {
    let mut all = servers(&format!("[[server]]\n{settings}"));
    assert_eq!(all.len(), 1, "{settings}");
    all.remove(0)
}

#[test]
fn the_least_has_every_default() {
    let server = server("url = 'smtp://mx.example'");
    assert_eq!(server, Server::new("mx.example", 587));
    assert_eq!((server.tls, server.allow_plaintext), (Tls::Required, false));
    assert_eq!((server.ca_file, server.login), (None, None));
    assert_eq!(
        (server.connections, server.messages_per_connection),
        (10, 100)
    );
    assert_eq!(server.connection_lifetime, Duration::from_secs(300));
    assert_eq!((server.rates, server.weight), (Vec::new(), None));
    assert_eq!((server.window, server.timeout.as_secs()), (8, 60));
}

#[test]
fn every_setting_there_is() {
    let dir = folder(format!(
        "{LEAST}{}",
        r#"[[server]]
url = "smtp://mx.example:25"
username = "news"
password_env = "SMTP_PASSWORD"
auth = "xoauth2"
tls = "implicit"
allow_plaintext = true
ca_file = "private-ca.pem"
connections = 3
messages_per_connection = 20
connection_lifetime = "90s"
rate = ["14/s", "50000/day"]
weight = 1000
timeout = "30s"
window = 16
"#
    ));
    fs::write(dir.path().join("private-ca.pem"), "").unwrap();
    let rate = |messages, period| Rate { messages, period };
    let expected = Server {
        host: "mx.example".to_owned(),
        port: 25,
        tls: Tls::Implicit,
        allow_plaintext: true,
        ca_file: Some(dir.path().join("private-ca.pem")),
        login: Some(Login {
            username: "news".to_owned(),
            secret: variable("SMTP_PASSWORD"),
            mechanism: Some(Mechanism::Xoauth2),
        }),
        connections: 3,
        messages_per_connection: 20,
        connection_lifetime: Duration::from_secs(90),
        rates: vec![rate(14, Period::Second), rate(50_000, Period::Day)],
        weight: Some(1000),
        window: 16,
        timeout: Duration::from_secs(30),
    };
    assert_eq!(Campaign::load(dir.path()).unwrap().servers, [expected]);
}

#[test]
fn when_tls_begins() {
    for (settings, port, tls) in [
        ("url = 'smtp://localhost'", 587, Tls::Required),
        (
            "url = 'smtp://localhost'\ntls = 'required'",
            587,
            Tls::Required,
        ),
        ("url = 'smtps://localhost'", 465, Tls::Implicit),
        (
            "url = 'smtps://localhost'\ntls = 'implicit'",
            465,
            Tls::Implicit,
        ),
        (
            "url = 'smtp://localhost:465'\ntls = 'implicit'",
            465,
            Tls::Implicit,
        ),
        ("url = 'smtp://localhost:25?tls=none'", 25, Tls::None),
        ("url = 'smtp://localhost'\ntls = 'none'", 587, Tls::None),
    ] {
        let server = server(settings);
        assert_eq!((server.port, server.tls), (port, tls), "{settings}");
    }
}

#[test]
fn where_the_password_comes_from() {
    let words = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect();
    for (settings, secret) in [
        ("password_env = 'A_B'", variable("A_B")),
        (
            "password_file = '/run/secrets/smtp'",
            SecretSource::File("/run/secrets/smtp".into()),
        ),
        (
            "password_command = ['pass', 'show', '', 'a b']",
            SecretSource::Command(words(&["pass", "show", "", "a b"])),
        ),
        ("keyring = true", SecretSource::Keyring),
        ("keyring = false\npassword_env = 'A'", variable("A")),
    ] {
        let settings = format!("url = 'smtp://mx.example'\nusername = ' news '\n{settings}");
        assert_eq!(server(&settings).login, login("news", secret), "{settings}");
    }
    // Relative paths are relative to the campaign; a bare program is looked for where programs are.
    for (setting, relative) in [
        ("password_file = 'secret'", true),
        ("password_command = ['./secret', './x']", true),
        ("password_command = ['/secret', './x']", false),
    ] {
        let toml = format!("[[server]]\nurl = 'smtp://news@mx.example'\n{setting}");
        let dir = folder(format!("{LEAST}{toml}"));
        let at = |name: &str| match relative {
            true => dir.path().join(name).display().to_string(),
            false => "/secret".to_owned(),
        };
        let secret = match setting.starts_with("password_file") {
            true => SecretSource::File(at("secret").into()),
            false => SecretSource::Command(words(&[&at("./secret"), "./x"])),
        };
        let campaign = Campaign::load(dir.path()).unwrap();
        assert_eq!(
            campaign.servers[0].login,
            login("news", secret),
            "{setting}"
        );
    }
}

#[test]
fn who_logs_in_and_how() {
    let user = |settings: &str| server(&format!("{settings}\npassword_env = 'A'")).login;
    let expected = login("a@b.example", variable("A"));
    for settings in [
        "url = 'smtp://mx.example'\nusername = 'a@b.example'",
        "url = 'smtps://a%40b.example@mx.example'",
        "url = 'smtp://a%40b.example@mx.example'\nusername = 'a@b.example'",
        // In clear, and on this machine.
        "url = 'smtp://a%40b.example@localhost?tls=none'",
    ] {
        assert_eq!(user(settings), expected, "{settings}");
    }
    for (auth, mechanism) in [
        ("auto", None),
        ("plain", Some(Mechanism::Plain)),
        ("login", Some(Mechanism::Login)),
        ("xoauth2", Some(Mechanism::Xoauth2)),
    ] {
        let login = user(&format!("url = 'smtp://a@mx.example'\nauth = '{auth}'"));
        assert_eq!(login.map(|it| it.mechanism), Some(mechanism), "{auth}");
    }
}

#[test]
fn rates() {
    let rates = |rate: &str| {
        let server = server(&format!("url = 'smtp://mx.example'\nrate = {rate}"));
        let rates = server.rates.iter().map(Rate::to_string);
        rates.collect::<Vec<_>>()
    };
    assert_eq!(rates("'30/min'"), ["30/min"]);
    assert_eq!(rates("['1/s', '2/h']"), ["1/s", "2/h"]);
    assert_eq!(rates("[]"), Vec::<String>::new());
}

#[test]
fn several_servers_each_with_its_own() {
    let several = servers(
        "[[server]]\nurl = 'smtp://a@mx.example'\npassword_env = 'A'\nweight = 3\n\
         [[server]]\nurl = 'smtp://A@mx.example'\npassword_env = 'B'\n\
         [[server]]\nurl = 'smtp://mx.example'\nconnections = 2\n\
         [[server]]\nurl = 'smtp://mx.example:25'",
    );
    let names: Vec<_> = several.iter().map(Server::name).collect();
    assert_eq!(
        names,
        [
            "a@mx.example:587",
            "A@mx.example:587",
            "mx.example:587",
            "mx.example:25"
        ]
    );
    let weights: Vec<_> = several.iter().map(|it| it.weight).collect();
    assert_eq!(weights, [Some(3), None, None, None]);
    let connections: Vec<_> = several.iter().map(|it| it.connections).collect();
    assert_eq!(connections, [10, 10, 2, 10]);

    let (first, other) = (
        "[[server]]\nurl = 'smtp://mx.example'\n",
        "leave one of them out, or let them log in as different users",
    );
    let expected =
        |line: u8| format!("{line}:1: an earlier [[server]] is MX.example:587 too; {other}");
    assert_errors(&[
        (
            &format!("{first}[[server]]\nurl = 'smtp://MX.example:587?tls=required'"),
            &expected(6),
        ),
        (
            &format!("{first}[[server]]\nurl = 'smtp://b'\n[[server]]\nurl = 'smtp://MX.example'"),
            &expected(8),
        ),
    ]);
}

#[test]
fn urls() {
    let clear = "tls = \"none\" sends everything to \"mx.example\" in clear, for anyone on the way to read; if that is meant, set allow_plaintext = true in [[server]]";
    let clear_login = "tls = \"none\" would send the password to \"mx.example\" in clear, for anyone on the way to read; leave tls = \"none\" out, or the login";
    assert_server_errors(&[
        (
            "tls = 'none'",
            r#"4:1: "url" is missing in [[server]]; write url = "smtp://HOST:PORT", or provider = "NAME""#,
        ),
        (
            "url = 'mx.example'",
            "5:7: a server's URL begins with smtp:// or smtps://",
        ),
        (
            "url = 'smtp://u:p@mx.example'",
            "5:7: a password does not belong in a URL, where others can see it; leave it out, and say in [[server]] where it comes from: password_env, password_file, password_command or keyring = true",
        ),
        (
            "url = 'smtp://u%@mx.example'",
            "5:7: the URL's user name is empty, or has a sign that must be percent-encoded there (%40 for @, %25 for %)",
        ),
        (
            "url = 'smtp://mx.example?tls=none'",
            &format!("5:7: {clear}"),
        ),
        (
            "url = 'smtp://mx.example'\ntls = 'none'",
            &format!("6:7: {clear}"),
        ),
        (
            "url = 'smtp://u@mx.example'\npassword_env = 'A'\nallow_plaintext = true\ntls = 'none'",
            &format!("8:7: {clear_login}"),
        ),
        (
            "url = 'smtps://localhost'\ntls = 'none'",
            "6:7: the URL says TLS implicit, and tls says none; leave one of them out",
        ),
        (
            "url = 'smtp://localhost'\ntls = 'off'",
            r#"6:7: "tls" in [[server]] must be "required" or "implicit" or "none", not "off""#,
        ),
        (
            "url = 'smtp://localhost'\nca_file = 'ca.pem'",
            r#"6:11: there is no file "c/ca.pem"; put the certificates of the server's authority there, as PEM"#,
        ),
    ]);
}

#[test]
fn logins() {
    let none = "a user name needs a password; say where it comes from: password_env = \"VARIABLE\", or password_file, password_command, keyring = true";
    let nobody = "is for a login, and nobody is named; add username = \"...\"";
    let program =
        "names no program; write it and its arguments, such as [\"pass\", \"show\", \"smtp\"]";
    let name = "\"password_env\" in [[server]] must be the name of an environment variable, such as \"SMTP_PASSWORD\", not the password itself";
    let url = "url = 'smtp://mx.example'\n";
    let table = [
        ("username = 'a'", format!("6:12: {none}")),
        ("username = 'a'\nkeyring = false", format!("6:12: {none}")),
        (
            "username = ' '",
            r#"6:12: "username" in [[server]] is empty"#.to_owned(),
        ),
        (
            r#"username = "a\u0000b""#,
            r#"6:12: "username" in [[server]] has a control character; leave it out"#.to_owned(),
        ),
        (
            "password_env = 'A'",
            format!(r#"6:16: "password_env" in [[server]] {nobody}"#),
        ),
        (
            "password_file = 'A'",
            format!(r#"6:17: "password_file" in [[server]] {nobody}"#),
        ),
        (
            "password_command = ['A']",
            format!(r#"6:20: "password_command" in [[server]] {nobody}"#),
        ),
        (
            "keyring = true",
            format!(r#"6:11: "keyring" in [[server]] {nobody}"#),
        ),
        (
            "auth = 'plain'",
            format!(r#"6:8: "auth" in [[server]] {nobody}"#),
        ),
        (
            "auth = 'cram-md5'",
            r#"6:8: "auth" in [[server]] must be "auto" or "plain" or "login" or "xoauth2", not "cram-md5""#.to_owned(),
        ),
        (
            "username = 'a'\nkeyring = true\npassword_env = 'A'",
            r#"8:16: "password_env" and "keyring" in [[server]] both say where the password comes from; leave one of them out"#.to_owned(),
        ),
        (
            "username = 'a'\npassword_env = 'A'\npassword_file = 'A'",
            r#"8:17: "password_env" and "password_file" in [[server]] both say where the password comes from; leave one of them out"#.to_owned(),
        ),
        ("password_env = 'hunter$2'", format!("6:16: {name}")),
        ("password_env = 'A=b'", format!("6:16: {name}")),
        ("password_env = 'hunter 2'", format!("6:16: {name}")),
        (
            "password_env = ''",
            r#"6:16: "password_env" in [[server]] is empty"#.to_owned(),
        ),
        (
            "password_file = ''",
            r#"6:17: "password_file" in [[server]] is empty"#.to_owned(),
        ),
        (
            "password_command = 'pass show smtp'",
            r#"6:20: "password_command" in [[server]] must be a list of strings, not a string"#.to_owned(),
        ),
        (
            "password_command = []",
            format!(r#"6:20: "password_command" in [[server]] {program}"#),
        ),
        (
            "password_command = ['', 'a']",
            format!(r#"6:20: "password_command" in [[server]] {program}"#),
        ),
        (
            r#"password_command = ["a", "b\u0000"]"#,
            r#"6:20: "password_command" in [[server]] has a NUL, which no program can be given; leave it out"#.to_owned(),
        ),
        (
            "keyring = 'yes'",
            r#"6:11: "keyring" in [[server]] must be true or false, not a string"#.to_owned(),
        ),
    ];
    for (settings, expected) in &table {
        assert_server_errors(&[(&format!("{url}{settings}"), expected)]);
    }
    let in_url = "url = 'smtp://hunter2@mx.example'";
    assert_server_errors(&[
        (in_url, &format!("5:7: {none}")),
        (
            &format!("{in_url}\nusername = 'b'\npassword_env = 'A'"),
            r#"6:12: the URL has another user name than "username"; leave one of them out"#,
        ),
    ]);
}

#[test]
fn limits() {
    let with = |setting: &str| format!("url = 'smtp://mx.example'\n{setting}");
    let rate = "is not a rate; write a whole number and its unit (/s, /min, /h, /day), such as \"14/s\" or \"50000/day\"";
    assert_server_errors(&[
        (
            &with("connections = 0"),
            r#"6:15: "connections" in [[server]] must be a number from 1 to 1000, not 0"#,
        ),
        (
            &with("messages_per_connection = 0"),
            r#"6:27: "messages_per_connection" in [[server]] must be a number from 1 to 4294967295, not 0"#,
        ),
        (
            &with("connection_lifetime = '0s'"),
            r#"6:23: "connection_lifetime" in [[server]] must be longer than zero"#,
        ),
        (
            &with("rate = 14"),
            r#"6:8: "rate" in [[server]] must be a string, in quotes, not a number"#,
        ),
        (
            &with("rate = '14'"),
            &format!(r#"6:8: "rate" in [[server]]: "14" {rate}"#),
        ),
        (
            &with("rate = ['14/s', '1.5/m']"),
            &format!(r#"6:17: "rate" in [[server]]: "1.5/m" {rate}"#),
        ),
        (
            &with("rate = ['14/s', 2]"),
            r#"6:17: "rate" in [[server]] must be a list of strings, not a number"#,
        ),
        (
            &with("rate = '0/day'"),
            r#"6:8: "rate" in [[server]]: the rate "0/day" must be of 1 to 4294967295 messages"#,
        ),
        (
            &with("weight = 0"),
            r#"6:10: "weight" in [[server]] must be a number from 1 to 1000, not 0"#,
        ),
        (
            &with("weight = 0.5"),
            r#"6:10: "weight" in [[server]] must be a number from 1 to 1000, not a number with a fraction"#,
        ),
        (
            &with("window = 17"),
            r#"6:10: "window" in [[server]] must be a number from 1 to 16, not 17"#,
        ),
        (
            &with("timeout = 60"),
            r#"6:11: "timeout" in [[server]] must be a duration such as "30s", in quotes, not a number"#,
        ),
        (
            &with("timeout = '60'"),
            r#"6:11: "timeout" in [[server]]: "60" has no unit; write "60s" for seconds (ms, s, m, h, d)"#,
        ),
        (
            &with("timeout = '0s'"),
            r#"6:11: "timeout" in [[server]] must be longer than zero"#,
        ),
    ]);
}
