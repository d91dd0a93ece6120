//! URLs taken apart, refused, and held against the settings beside them.

use super::*;

fn parsed(url: &str) -> Result<(String, u16, Option<Tls>), UrlError> {
    parse_server_url(url).map(|url| (url.host, url.port, url.tls))
}

fn username(url: &str) -> Result<Option<String>, UrlError> {
    parse_server_url(url).map(|url| url.username)
}

#[test]
fn a_user_before_the_host() {
    for (url, user) in [
        ("smtp://news@mx.example:587", "news"),
        (
            "smtps://news%40acme.example@mx.example",
            "news@acme.example",
        ),
        ("smtp://news@acme.example@mx.example", "news@acme.example"),
        ("smtp://a%3ab%25%C3%A4%20c@[::1]:25?tls=none", "a:b%ä c"),
    ] {
        assert_eq!(username(url), Ok(Some(user.to_owned())), "{url}");
    }
    assert_eq!(username("smtp://mx.example"), Ok(None));
    assert_eq!(
        parsed("smtp://news%40acme.example@mx.example:25"),
        Ok(("mx.example".to_owned(), 25, None))
    );
    for user in [
        "", "%20", "a%", "a%4", "a%+f", "a%zz", "%ff", "a%00", "a%0d", "a\tb", "a/b", "a?b", "a#b",
    ] {
        let url = format!("smtp://{user}@mx.example");
        assert_eq!(username(&url), Err(UrlError::User), "{url}");
    }
}

#[test]
fn taken_apart() {
    for (url, host, port, tls) in [
        ("smtp://mx.example", "mx.example", 587, None),
        ("SMTP://mx.example:25/", "mx.example", 25, None),
        ("smtps://mx.example", "mx.example", 465, Some(Tls::Implicit)),
        (
            "smtp://localhost:2525?tls=none",
            "localhost",
            2525,
            Some(Tls::None),
        ),
        (
            "smtp://127.0.0.1/?tls=none",
            "127.0.0.1",
            587,
            Some(Tls::None),
        ),
        (
            "smtp://[::1]:25?tls=required",
            "::1",
            25,
            Some(Tls::Required),
        ),
        ("smtp://[::1]", "::1", 587, None),
        ("smtp://mail_hog:65535", "mail_hog", 65535, None),
    ] {
        assert_eq!(parsed(url), Ok((host.to_owned(), port, tls)), "{url}");
    }
}

proptest::proptest! {
    #[test]
    fn any_user_name_can_be_encoded(name in "[^\\p{Cc}]{0,12}[^\\p{Cc}\\s]") {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let url = format!("smtp://{encoded}@mx.example");
        proptest::prop_assert_eq!(username(&url), Ok(Some(name)));
    }

    #[test]
    fn nothing_before_the_host_is_ever_repeated(before in ".{0,8}", behind in ".{0,8}") {
        let url = format!("smtp://{before}hunter2{behind}@mx.example");
        let said = parse_server_url(&url).map_err(|error| error.to_string());
        if let Err(text) = said {
            proptest::prop_assert!(!text.contains("hunter2"), "{}", text);
        }
    }
}

#[test]
fn refused() {
    let host = |text: &str| UrlError::Host(text.to_owned());
    let port = |text: &str| UrlError::Port(text.to_owned());
    let rest = |text: &str| UrlError::Rest(text.to_owned());
    let query = |text: &str| UrlError::Query(text.to_owned());
    for (url, error) in [
        ("", UrlError::Scheme),
        ("mx.example:25", UrlError::Scheme),
        ("http://mx.example", UrlError::Scheme),
        ("smtp:mx.example", UrlError::Scheme),
        ("smtp://news:secret@mx.example", UrlError::Password),
        ("smtp://news:se/cr?e#t@x@mx.example", UrlError::Password),
        ("smtp://:secret@mx.example", UrlError::Password),
        ("smtp://", host("")),
        ("smtp://:25", host(":25")),
        ("smtp://a b", host("a b")),
        ("smtp://a..b", host("a..b")),
        ("smtp://-a", host("-a")),
        ("smtp://mx.éxample", host("mx.éxample")),
        ("smtp://::1", host("::1")),
        ("smtp://2001:db8::1", host("2001:db8::1")),
        ("smtp://[::1", host("[::1")),
        ("smtp://[::1]25", host("[::1]25")),
        ("smtp://[mx]", host("[mx]")),
        ("smtp://a\r\nb", host("a\r\nb")),
        ("smtp://mx:", port("")),
        ("smtp://mx:0", port("0")),
        ("smtp://mx:+25", port("+25")),
        ("smtp://mx:65536", port("65536")),
        ("smtp://mx/path", rest("path")),
        ("smtp://mx#part", rest("#part")),
        ("smtp://mx?tls=maybe", query("tls=maybe")),
        ("smtp://mx?timeout=1", query("timeout=1")),
        (
            "smtps://mx?tls=none",
            UrlError::Contradiction("implicit", "none"),
        ),
    ] {
        assert_eq!(parsed(url), Err(error), "{url}");
    }
}

#[test]
fn a_password_is_never_repeated() {
    for url in [
        "smtp://u:hunter2@mx",
        "smtp://u:hunter2/@mx",
        "smtp://hunter2%@mx",
        "smtp://hunter2@",
        "smtp://u:x@hunter2@mx",
        "hunter2://x:hunter2@mx",
    ] {
        let said = parse_server_url(url).map_err(|error| error.to_string());
        assert!(said.is_err_and(|text| !text.contains("hunter2")), "{url}");
    }
}

#[test]
fn in_clear_only_where_nobody_listens_or_by_word() {
    let none = Some(Tls::None);
    let check = |url: &str, tls, allow, login| {
        parse_server_url(url).and_then(|url| url.check(tls, allow, login))
    };
    for loopback in [
        "localhost",
        "LocalHost",
        "127.0.0.1",
        "127.9.9.9",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let url = format!("smtp://{loopback}:25");
        for login in [false, true] {
            assert_eq!(check(&url, none, false, login), Ok(Tls::None), "{url}");
            let query = format!("{url}?tls=none");
            assert_eq!(check(&query, None, false, login), Ok(Tls::None), "{url}");
            assert_eq!(check(&url, None, true, login), Ok(Tls::Required), "{url}");
        }
    }
    for other in [
        "mx.example",
        "localhost.example",
        "0.0.0.0",
        "127.1",
        "[::2]",
        "10.0.0.1",
    ] {
        let url = format!("smtp://{other}:25");
        let host = other.trim_matches(['[', ']']).to_owned();
        let clear = UrlError::Clear(host.clone());
        let login = UrlError::ClearLogin(host);
        assert_eq!(check(&url, none, false, false), Err(clear), "{url}");
        assert_eq!(check(&url, none, true, false), Ok(Tls::None), "{url}");
        assert_eq!(check(&url, none, false, true), Err(login.clone()), "{url}");
        assert_eq!(check(&url, none, true, true), Err(login), "{url}");
        assert_eq!(check(&url, None, false, true), Ok(Tls::Required), "{url}");
    }
}

#[test]
fn url_and_setting_agree_on_tls() {
    let check = |url: &str, tls| parse_server_url(url).and_then(|url| url.check(tls, true, false));
    for (url, tls, expected) in [
        ("smtp://mx", None, Tls::Required),
        ("smtp://mx", Some(Tls::Required), Tls::Required),
        ("smtp://mx", Some(Tls::Implicit), Tls::Implicit),
        ("smtp://mx?tls=implicit", None, Tls::Implicit),
        ("smtps://mx", None, Tls::Implicit),
        ("smtps://mx", Some(Tls::Implicit), Tls::Implicit),
    ] {
        assert_eq!(check(url, tls), Ok(expected), "{url} {tls:?}");
    }
    for (url, tls, says, setting) in [
        ("smtps://mx", Tls::None, "implicit", "none"),
        ("smtps://mx", Tls::Required, "implicit", "required"),
        ("smtp://mx?tls=none", Tls::Required, "none", "required"),
    ] {
        let expected = Err(UrlError::Contradiction(says, setting));
        assert_eq!(check(url, Some(tls)), expected, "{url} {tls:?}");
    }
}
