//! Limits, those that are set and those that a real Postfix has: what its log says of them.

use std::collections::BTreeMap;

use super::evidence::{counts, last_line};
use super::inbox::{Inbox, given};
use super::running::Running;
use super::smtpd_log::{lines, moment, most_at_once, visits};
use super::support::{Folder, Ran, mailrun};
use super::tls;

/// So many recipients of a domain, and one server: a port of Postfix, with these settings.
fn folder(recipients: usize, domain: &str, port: &str, settings: &str) -> Folder {
    let folder = Folder::generated(recipients, domain);
    // Longer than Postfix holds a grudge.
    let text = folder.read("campaign.toml").replace("\"2s\"", "\"60s\"");
    folder.write("campaign.toml", text);
    let address = given(&format!("MAILRUN_TEST_POSTFIX_{port}"));
    folder.configure(&format!(
        "[[server]]\nurl = \"smtp://{address}?tls=none\"\n{settings}"
    ));
    folder
}

fn start(folder: &Folder) -> Running {
    let mut command = mailrun(folder.path.parent().unwrap());
    Running::start(command.args(["send", "campaign", "--json"]))
}

#[track_caller]
fn all_accepted_once(ran: &Ran, recipients: usize, domain: &str) {
    let expected = (0, format!("accepted {recipients}"));
    assert_eq!((ran.status, counts(ran)), expected, "{ran:?}");
    let mut inbox = Inbox::of(domain);
    let delivered = inbox.delivered(recipients);
    assert_eq!(delivered.len(), recipients);
    assert!(delivered.values().all(|times| *times == 1), "{delivered:?}");
}

#[test]
fn messages_and_connections_are_kept_to_the_message() {
    let (mut before, mut brought) = (0, 0);
    for connections in [1, 10] {
        let domain = format!("watched{connections}.example");
        let settings = format!("connections = {connections}\nmessages_per_connection = 7");
        let folder = folder(300, &domain, "WATCHED", &settings);
        all_accepted_once(&start(&folder).end(), 300, &domain);
        brought += 300;
        let all = visits("watched", brought);
        let these = &all[before..];
        before = all.len();
        let mut sum = 0;
        for visit in these {
            let messages = visit.messages.len();
            assert!((1..=7).contains(&messages), "{visit:?}");
            let said = format!(" mail={messages} ");
            assert!(visit.commands.contains(&said), "{visit:?}");
            sum += messages;
        }
        assert_eq!(sum, 300);
        // Nobody goes early but at the end.
        let early = these.iter().filter(|visit| visit.messages.len() < 7);
        assert!(early.count() <= connections, "{these:?}");
        let most = most_at_once(these);
        assert!(most <= connections, "{most}");
        // It is the limit that kept them, not a lack of work.
        assert!(most > connections / 2, "{most}");
    }
}

/// Queue ids tell when a message came, to the microsecond.
#[test]
fn a_rate_is_kept_in_every_window() {
    const RATE: usize = 50;
    let sending = [1, 10].map(|connections| {
        let domain = format!("paced{connections}.example");
        let settings = format!("connections = {connections}\nrate = \"{RATE}/s\"");
        let folder = folder(5 * RATE, &domain, "SEQUENTIAL", &settings);
        (start(&folder), folder, domain)
    });
    for (mut running, folder, domain) in sending {
        all_accepted_once(&running.end(), 5 * RATE, &domain);
        let mut times: Vec<_> = (1..=5 * RATE)
            .map(|n| {
                let line = last_line(&folder, &format!("r{n}@{domain}"));
                let reply = line["reply"].as_str().unwrap();
                moment(reply.rsplit_once("queued as ").unwrap().1)
            })
            .collect();
        times.sort_unstable();
        for seconds in [1, 2, 3, 4] {
            let within = |first: usize| {
                let end = times[first] + seconds as u64 * 1_000_000;
                times[first..].partition_point(|time| *time < end)
            };
            let most = (0..times.len()).map(within).max().unwrap();
            // 2 %, and the message at the edge.
            let allowed = RATE * seconds * 102 / 100 + 1;
            assert!(most <= allowed, "{most} in {seconds} s at {domain}");
        }
    }
}

/// 20 messages in 3 seconds: the others are answered `450 4.7.1 Error: too much mail`.
#[test]
fn a_postfix_that_takes_so_many_messages() {
    let domain = "rate-limited.example";
    let folder = folder(60, domain, "RATE", "connections = 10\nwindow = 1");
    all_accepted_once(&start(&folder).end(), 60, domain);
    let lines = lines("rate");
    let refused = lines
        .iter()
        .filter(|line| line.contains("Message delivery request rate limit exceeded"));
    let refused = refused.count();
    // It was hit: by what was on its way at once, ten at most, and then by one connection after each wait.
    assert!((1..=30).contains(&refused), "{lines:#?}");
}

/// The fourth connection is answered `421 4.7.0 Error: too many connections`.
#[test]
fn a_postfix_that_takes_3_connections() {
    let domain = "three.example";
    let folder = folder(600, domain, "COUNT", "connections = 10");
    all_accepted_once(&start(&folder).end(), 600, domain);
    let visits = visits("count", 600);
    let (turned_away, taken): (Vec<_>, Vec<_>) =
        visits.into_iter().partition(|visit| visit.is_turned_away());
    let most = most_at_once(&taken);
    assert_eq!(most, 3, "{taken:?}");
    // It is not asked again and again.
    assert!((1..=7).contains(&turned_away.len()), "{turned_away:?}");
}

/// Every recipient is put off for two seconds: an attempt within them is put off too.
#[test]
fn a_postfix_that_greylists() {
    let domain = "grey.example";
    let folder = folder(40, domain, "GREYLIST", "connections = 2");
    let text = folder.read("campaign.toml");
    let slower = text
        .replace("\"10ms\"", "\"1s\"")
        .replace("\"20ms\"", "\"2s\"");
    folder.write("campaign.toml", slower);
    all_accepted_once(&start(&folder).end(), 40, domain);
    let lines = folder.ledger();
    let deferred = lines.iter().filter(|line| line["state"] == "deferred");
    let mut reply = String::new();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for line in deferred {
        *times.entry(line["key"].as_str().unwrap()).or_default() += 1;
        reply = line["reply"].as_str().unwrap().to_owned();
    }
    assert!(reply.contains("Greylisted"), "{reply}");
    assert_eq!(times.len(), 40);
    assert!(times.values().all(|times| *times <= 3), "{times:?}");
}

/// By TLS, after a login: `454 4.7.0 Throttling failure` at MAIL FROM for two seconds.
#[test]
fn a_postfix_that_throttles_an_account_for_a_while() {
    let domain = "throttled.example";
    let url = format!("smtp://{}", given("MAILRUN_TEST_POSTFIX_THROTTLE"));
    let folder = tls::folder(domain, &url, &tls::trusted());
    let text = folder.read("campaign.toml").replace("\"2s\"", "\"60s\"");
    folder.write("campaign.toml", text);
    let ran = tls::send(&folder, &tls::password(), &["--json"]);
    all_accepted_once(&ran, 2, domain);
    assert!(
        ran.stderr.contains("454 4.7.0") && ran.stderr.contains("Throttling failure"),
        "{ran:?}"
    );
    // Nobody was booked for it.
    let lines = folder.ledger();
    let mut states = lines.iter().filter_map(|line| line["state"].as_str());
    assert!(
        states.all(|state| state != "deferred" && state != "failed"),
        "{lines:?}"
    );
}
