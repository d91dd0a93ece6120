//! The environment of Flask-Mail: what each variable sets, and each error with its whole text.

use std::ffi::OsString;

use super::*;

/// An environment of these variables and no others.
fn environment(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
    move |name| {
        let mut all = variables.iter();
        let (_, value) = all.find(|(it, _)| *it == name)?;
        Some(value.into())
    }
}

/// The servers of a campaign without `[[server]]` in this environment.
fn servers(variables: &'static [(&str, &str)]) -> Result<Vec<Server>, String> {
    let mut campaign = load(LEAST);
    let used = campaign.use_environment(&environment(variables));
    used.map_err(|error| error.to_string())?;
    Ok(campaign.servers)
}

#[test]
fn nothing_set_is_no_server() {
    assert_eq!(servers(&[]), Ok(vec![]));
    assert_eq!(
        servers(&[("MAIL_SERVER", ""), ("MAIL_PORT", "")]),
        Ok(vec![])
    );
    assert_eq!(
        servers(&[("MAIL_DEFAULT_SENDER", "a@b.example")]),
        Ok(vec![])
    );
}

#[test]
fn what_each_variable_sets() {
    let tls = |tls, host: &str, port| Server {
        tls,
        ..Server::new(host, port)
    };
    assert_eq!(
        servers(&[("MAIL_SERVER", "localhost")]),
        Ok(vec![clear("localhost", 25)])
    );
    assert_eq!(
        servers(&[("MAIL_PORT", "2525")]),
        Ok(vec![clear("localhost", 2525)])
    );
    assert_eq!(
        servers(&[("MAIL_SERVER", "::1")]),
        Ok(vec![clear("::1", 25)])
    );
    assert_eq!(
        servers(&[
            ("MAIL_SERVER", "mx.example"),
            ("MAIL_PORT", "587"),
            ("MAIL_USE_TLS", "True"),
            ("MAIL_USE_SSL", "False"),
        ]),
        Ok(vec![tls(Tls::Required, "mx.example", 587)])
    );
    assert_eq!(
        servers(&[
            ("MAIL_SERVER", "mx.example"),
            ("MAIL_PORT", "465"),
            ("MAIL_USE_SSL", "1"),
        ]),
        Ok(vec![tls(Tls::Implicit, "mx.example", 465)])
    );
    let expected = Server {
        login: login("news", variable("MAIL_PASSWORD")),
        messages_per_connection: 7,
        ..clear("localhost", 25)
    };
    assert_eq!(
        servers(&[
            ("MAIL_USERNAME", "news"),
            ("MAIL_PASSWORD", "hunter2"),
            ("MAIL_MAX_EMAILS", "7"),
        ]),
        Ok(vec![expected])
    );
}

#[test]
fn true_and_false_as_people_write_them() {
    let tls = |value: &'static str| {
        let mut campaign = load(LEAST);
        let variable = |name: &str| match name {
            "MAIL_SERVER" => Some(OsString::from("localhost")),
            "MAIL_USE_TLS" => Some(OsString::from(value)),
            _ => None,
        };
        let used = campaign.use_environment(&variable);
        used.map(|()| campaign.servers[0].tls)
    };
    for value in ["true", "True", "TRUE", "on", "yes", "1"] {
        assert_eq!(tls(value), Ok(Tls::Required), "{value}");
    }
    for value in ["false", "False", "off", "no", "0", "None", ""] {
        assert_eq!(tls(value), Ok(Tls::None), "{value}");
    }
    for value in ["maybe", "2", " true"] {
        let error = EnvironmentError::Flag("MAIL_USE_TLS", value.to_owned());
        assert_eq!(tls(value), Err(error));
    }
}

#[test]
fn errors() {
    let clear = "MAIL_SERVER in the environment is \"mx.example\", to which everything would go in clear; set MAIL_USE_TLS=true, \
        most often with MAIL_PORT=587, or MAIL_USE_SSL=true with MAIL_PORT=465 (for a server without TLS write [[server]], with \
        allow_plaintext = true)";
    let table: &[(&'static [(&str, &str)], &str)] = &[
        (&[("MAIL_SERVER", "mx.example")], clear),
        (
            &[
                ("MAIL_SERVER", "mx.example"),
                ("MAIL_USERNAME", "a"),
                ("MAIL_PASSWORD", "b"),
            ],
            clear,
        ),
        (
            &[("MAIL_SERVER", "mx.example:587")],
            r#"MAIL_SERVER in the environment is "mx.example:587", which is not a host name or an address; the port is MAIL_PORT's"#,
        ),
        (
            &[("MAIL_USE_TLS", "1"), ("MAIL_USE_SSL", "1")],
            "MAIL_USE_TLS (STARTTLS) and MAIL_USE_SSL (TLS from the start) in the environment cannot both be true; set one of \
             them to false",
        ),
        (
            &[("MAIL_USE_TLS", "ja")],
            r#"MAIL_USE_TLS in the environment must be true or false, not "ja""#,
        ),
        (
            &[("MAIL_USE_SSL", "ja")],
            r#"MAIL_USE_SSL in the environment must be true or false, not "ja""#,
        ),
        (
            &[("MAIL_PORT", "0")],
            r#"MAIL_PORT in the environment must be a number from 1 to 65535, not "0""#,
        ),
        (
            &[("MAIL_PORT", "+25")],
            r#"MAIL_PORT in the environment must be a number from 1 to 65535, not "+25""#,
        ),
        (
            &[("MAIL_PORT", "65536")],
            r#"MAIL_PORT in the environment must be a number from 1 to 65535, not "65536""#,
        ),
        (
            &[("MAIL_SERVER", "localhost"), ("MAIL_MAX_EMAILS", "None")],
            r#"MAIL_MAX_EMAILS in the environment must be a number from 1 to 4294967295, not "None""#,
        ),
        (
            &[("MAIL_USERNAME", "a")],
            "MAIL_USERNAME is in the environment without MAIL_PASSWORD; set that too, or unset MAIL_USERNAME",
        ),
        (
            &[("MAIL_USERNAME", "a"), ("MAIL_PASSWORD", "")],
            "MAIL_USERNAME is in the environment without MAIL_PASSWORD; set that too, or unset MAIL_USERNAME",
        ),
        (
            &[("MAIL_PASSWORD", "hunter2")],
            "MAIL_PASSWORD is in the environment without MAIL_USERNAME; set that too, or unset MAIL_PASSWORD",
        ),
        (
            &[("MAIL_USERNAME", "a\nb"), ("MAIL_PASSWORD", "hunter2")],
            "MAIL_USERNAME in the environment has a control character; leave it out",
        ),
    ];
    for (variables, error) in table {
        assert_eq!(servers(variables), Err((*error).to_owned()));
    }
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text() {
    use std::os::unix::ffi::OsStringExt;
    let variable = |name: &str| (name == "MAIL_SERVER").then(|| OsString::from_vec(vec![0xff]));
    let error = load(LEAST).use_environment(&variable).unwrap_err();
    assert_eq!(
        error.to_string(),
        "MAIL_SERVER in the environment is not UTF-8 text"
    );
}

#[test]
fn a_server_of_the_campaign_comes_first() {
    let mut campaign = load(&format!("{LEAST}[[server]]\nurl = 'smtp://mx.example'"));
    let before = campaign.clone();
    let variables = environment(&[("MAIL_PORT", "wrong"), ("MAIL_SUPPRESS_SEND", "1")]);
    assert_eq!(campaign.use_environment(&variables), Ok(()));
    assert_eq!(campaign.check_suppressed(&variables), Ok(()));
    assert_eq!(campaign, before);
}

#[test]
fn sending_can_be_switched_off() {
    let check = |variables| load(LEAST).check_suppressed(&environment(variables));
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&[("MAIL_SUPPRESS_SEND", "False")]), Ok(()));
    let error = check(&[("MAIL_SUPPRESS_SEND", "True")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "MAIL_SUPPRESS_SEND in the environment says that nothing may be sent; look at the messages with --dry-run DIR or \
         --sandbox, or unset it"
    );
    let error = check(&[("MAIL_SUPPRESS_SEND", "maybe")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"MAIL_SUPPRESS_SEND in the environment must be true or false, not "maybe""#
    );
}

/// From, of a campaign with these settings where `MAIL_DEFAULT_SENDER` is this.
fn from(toml: &str, sender: &str) -> Result<String, String> {
    let dir = folder(toml);
    let variable = |name: &str| (name == "MAIL_DEFAULT_SENDER").then(|| sender.into());
    let campaign = Campaign::load_with(dir.path(), None, &variable);
    match campaign {
        Ok(campaign) => Ok(campaign.message.from.to_string()),
        Err(_) => Err(said(dir.path(), campaign)),
    }
}

#[test]
fn the_sender_when_the_campaign_has_none() {
    let none = "[message]\nsubject = 's'\n";
    assert_eq!(
        from(none, " ACME News <news@acme.example> "),
        Ok("ACME News <news@acme.example>".to_owned())
    );
    assert_eq!(
        from(LEAST, "news@acme.example"),
        Ok("a@b.example".to_owned())
    );
    assert_eq!(from(LEAST, "wrong"), Ok("a@b.example".to_owned()));
    let missing = r#"c/campaign.toml:1:1: "from" in [message] is missing; write from = "ACME News <news@acme.example>""#;
    assert_eq!(from(none, ""), Err(missing.to_owned()));
    let served = format!("{none}[[server]]\nurl = 'smtp://mx.example'");
    assert_eq!(from(&served, "news@acme.example"), Err(missing.to_owned()));
    assert_eq!(
        from(none, "news"),
        Err(
            "c/campaign.toml:1:1: MAIL_DEFAULT_SENDER in the environment must be one address, such as \"ACME News \
             <news@acme.example>\", not \"news\""
                .to_owned()
        )
    );
}
