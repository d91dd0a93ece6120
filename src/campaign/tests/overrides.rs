//! What the command line says otherwise than the file.

use super::*;

#[test]
fn another_server_takes_the_place_of_all() {
    let mut campaign = load(LEAST);
    campaign.use_server("smtp://[::1]:2525?tls=none").unwrap();
    assert_eq!(campaign.servers, [clear("::1", 2525)]);
    campaign.use_server("smtps://mx.example").unwrap();
    let implicit = Server {
        tls: Tls::Implicit,
        ..Server::new("mx.example", 465)
    };
    assert_eq!(campaign.servers, [implicit]);

    let server = "[[server]]\nurl = 'smtp://localhost?tls=none'\nconnections = 3\n";
    let second = "[[server]]\nurl = 'smtp://other.example'\n";
    let mut campaign = load(&format!("{LEAST}{server}{second}"));
    let before = campaign.clone();
    for (url, error) in [
        ("smtp://u:p@127.0.0.1", UrlError::Password),
        ("smtp://u@127.0.0.1", UrlError::NoPassword),
        (
            "smtp://mx.example?tls=none",
            UrlError::Clear("mx.example".to_owned()),
        ),
    ] {
        assert_eq!(campaign.use_server(url), Err(error));
        assert_eq!(campaign, before, "a refused URL changes nothing");
    }
    campaign.use_server("smtp://127.0.0.1:26?tls=none").unwrap();
    let expected = Server {
        connections: 3,
        ..clear("127.0.0.1", 26)
    };
    assert_eq!(campaign.servers, [expected]);

    let mut campaign = load(&format!("{LEAST}{server}allow_plaintext = true"));
    campaign.use_server("smtp://mx.example?tls=none").unwrap();
    assert_eq!(campaign.servers[0].host, "mx.example");
}

#[test]
fn a_password_goes_to_its_own_host_or_where_a_user_is_named() {
    let toml = format!(
        "{LEAST}[[server]]\nurl = 'smtp://news@mx.example'\npassword_env = 'A'\nallow_plaintext = true"
    );
    let used = |url: &str| {
        let mut campaign = load(&toml);
        campaign.use_server(url)?;
        Ok(campaign.servers.remove(0).login)
    };
    let secret = || variable("A");
    for (url, expected) in [
        ("smtps://MX.example", Ok(login("news", secret()))),
        ("smtp://mx.example:25", Ok(login("news", secret()))),
        ("smtp://other.example", Ok(None)),
        ("smtp://other.example?tls=none", Ok(None)),
        ("smtp://localhost:2525?tls=none", Ok(None)),
        ("smtp://b%40c@other.example", Ok(login("b@c", secret()))),
        ("smtp://b@mx.example", Ok(login("b", secret()))),
        ("smtp://b@localhost?tls=none", Ok(login("b", secret()))),
        (
            "smtp://b@other.example?tls=none",
            Err(UrlError::ClearLogin("other.example".to_owned())),
        ),
        (
            "smtp://mx.example?tls=none",
            Err(UrlError::ClearLogin("mx.example".to_owned())),
        ),
    ] {
        assert_eq!(used(url), expected, "{url}");
    }
}

#[test]
fn other_rates_for_every_server() {
    let toml =
        "[[server]]\nurl = 'smtp://a.example'\nrate = '1/s'\n[[server]]\nurl = 'smtp://b.example'";
    let mut campaign = load(&format!("{LEAST}{toml}"));
    let before = campaign.clone();
    campaign.use_rates(&[]);
    assert_eq!(campaign, before);
    let rates: Vec<Rate> = ["2/min", "3/day"].map(|it| it.parse().unwrap()).to_vec();
    campaign.use_rates(&rates);
    assert!(campaign.servers.iter().all(|it| it.rates == rates));
}
