//! Each manner of driving a session, against a real Postfix and a real Exim: everybody once, each with a letter and a
//! sender of their own, also where others are refused in between.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::evidence::counts;
use super::inbox::{Inbox, given};
use super::letter::{Letter, assert_one_each, campaign, taken_by_exim};
use super::support::{Ran, run};

/// A real server of the tests' own.
#[derive(Clone, Copy, PartialEq)]
pub enum Server {
    Postfix,
    Exim,
}

/// The manner that a port of the tests' servers leaves as the best one.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    Chunked,
    Pipelined,
    Sequential,
}
use Manner::{Chunked, Pipelined, Sequential};
use Server::{Exim, Postfix};

#[test]
fn twenty_thousand_to_postfix_chunked() {
    everybody_once(Postfix, Chunked, "chunked-postfix.example");
}

#[test]
fn twenty_thousand_to_postfix_pipelined() {
    everybody_once(Postfix, Pipelined, "pipelined-postfix.example");
}

#[test]
fn twenty_thousand_to_postfix_sequential() {
    everybody_once(Postfix, Sequential, "sequential-postfix.example");
}

#[test]
fn twenty_thousand_to_exim_chunked() {
    everybody_once(Exim, Chunked, "chunked-exim.example");
}

#[test]
fn twenty_thousand_to_exim_pipelined() {
    everybody_once(Exim, Pipelined, "pipelined-exim.example");
}

#[test]
fn twenty_thousand_to_exim_sequential() {
    everybody_once(Exim, Sequential, "sequential-exim.example");
}

#[test]
fn refusals_among_others_at_postfix_chunked() {
    refusals_among_others(Postfix, Chunked, "refusals-chunked-postfix.example");
}

#[test]
fn refusals_among_others_at_postfix_pipelined() {
    refusals_among_others(Postfix, Pipelined, "refusals-pipelined-postfix.example");
}

// A chunk for a refused recipient does not end the transaction at Exim: the next MAIL, sent along with it, would be
// refused, and the next recipient taken under the sender of the one before. And Exim hangs up at the eleventh RSET.
#[test]
fn refusals_among_others_at_exim_chunked() {
    refusals_among_others(Exim, Chunked, "refusals-chunked-exim.example");
}

#[test]
fn refusals_among_others_at_exim_pipelined() {
    refusals_among_others(Exim, Pipelined, "refusals-pipelined-exim.example");
}

/// Exim takes 1,000 messages on a connection unless it is told otherwise, and then says 421 to MAIL: in a window of
/// them, to several. Nobody is booked for it, and later connections are replaced before.
#[test]
fn as_many_messages_on_a_connection_as_exim_takes() {
    for (manner, domain) in [
        (Chunked, "thousand-chunked-exim.example"),
        (Pipelined, "thousand-pipelined-exim.example"),
    ] {
        let recipients: Vec<_> = (1..=2_500)
            .map(|n| (format!("r{n}@{domain}"), format!("Name {n}")))
            .collect();
        let folder = campaign(rows(&recipients));
        folder.configure(&format!(
            "[[server]]\nurl = \"{}\"\nconnections = 1\nmessages_per_connection = 5000",
            url(Exim, manner)
        ));
        let ran = run(&folder, &["send", "campaign", "--json"]);
        assert_eq!(
            (ran.status, counts(&ran).as_str()),
            (0, "accepted 2500"),
            "{ran:?}"
        );
        let learnt = "at most 1,000 messages a connection from now on";
        assert_eq!(ran.stderr.matches(learnt).count(), 1, "{ran:?}");
        let letters = letters(Exim, manner, domain, recipients.len());
        assert_one_each(&folder, &letters, &recipients);
    }
}

#[track_caller]
fn everybody_once(server: Server, manner: Manner, domain: &str) {
    let recipients: Vec<_> = (1..=20_000)
        .map(|n| (format!("r{n}@{domain}"), format!("Name {n}")))
        .collect();
    let folder = campaign(rows(&recipients));
    let url = url(server, manner);
    let args = ["--connections", "10", "--json", "--server", &url];
    let ran = run(&folder, &[&["send", "campaign"][..], &args].concat());
    println!("{}", ran.stdout.trim());
    assert_eq!(ran.status, 0, "{ran:?}");
    assert_eq!(counts(&ran), "accepted 20000");
    never_simpler(&ran);
    assert_one_each(
        &folder,
        &letters(server, manner, domain, 20_000),
        &recipients,
    );
}

/// Every 7th is refused for good, every 11th for now; then twenty refused in a row.
#[track_caller]
fn refusals_among_others(server: Server, manner: Manner, domain: &str) {
    let refused_for_good = |n| n % 7 == 0 || (301..=320).contains(&n);
    let refused_for_now = |n| n % 11 == 0 && !refused_for_good(n);
    let all: Vec<_> = (1..=330)
        .map(|n| {
            let local = match n {
                n if refused_for_good(n) => "reject",
                n if refused_for_now(n) => "defer",
                _ => "r",
            };
            (format!("{local}{n}@{domain}"), format!("Name {n}"))
        })
        .collect();
    let folder = campaign(rows(&all));
    folder.configure("stop_after = 100");
    // Over one connection all windows are full, and all refusals are in few of them.
    let url = url(server, manner);
    let args = ["--connections", "1", "--json", "--server", &url];
    let ran = run(&folder, &[&["send", "campaign"][..], &args].concat());
    assert_eq!(ran.status, 3, "{ran:?}");
    never_simpler(&ran);

    let (taken, refused): (Vec<_>, Vec<_>) = all
        .iter()
        .cloned()
        .partition(|(to, _)| to.starts_with('r') && !to.starts_with("reject"));
    assert_eq!((taken.len(), refused.len()), (241, 89));
    assert_eq!(counts(&ran), "accepted 241, failed 89");
    let letters = letters(server, manner, domain, taken.len());
    assert_one_each(&folder, &letters, &taken);

    let for_good = (550, "5.1.1", 0);
    let for_now = match server {
        Postfix => (450, "4.2.0", 3),
        Exim => (451, "4.2.0", 3),
    };
    let lines = folder.ledger();
    for (key, _) in &refused {
        let of_key: Vec<_> = lines.iter().filter(|line| line["key"] == **key).collect();
        let last = of_key.last().unwrap();
        let (code, enhanced, deferred) = if key.starts_with("reject") {
            for_good
        } else {
            for_now
        };
        assert_eq!(last["state"], "failed", "{last}");
        assert_eq!(
            (&last["code"], &last["enhanced"]),
            (&code.into(), &enhanced.into()),
            "{last}"
        );
        let times = of_key.iter().filter(|line| line["state"] == "deferred");
        assert_eq!(times.count(), deferred, "{of_key:?}");
    }
}

fn rows(recipients: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    let rows = recipients.iter();
    rows.map(|(email, name)| (email.as_str(), name.as_str()))
}

/// The port of the server at which no better manner is to be had; checks that it is that.
#[track_caller]
pub fn url(server: Server, manner: Manner) -> String {
    let name = match server {
        Postfix => "MAILRUN_TEST_POSTFIX",
        Exim => "MAILRUN_TEST_EXIM",
    };
    let (end, expected) = match manner {
        Chunked => ("", &["CHUNKING", "PIPELINING"][..]),
        Pipelined => ("_PIPELINED", &["PIPELINING"][..]),
        Sequential => ("_SEQUENTIAL", &[][..]),
    };
    let address = given(&format!("{name}{end}"));
    let offered = offered(&address);
    let of_use = ["CHUNKING", "PIPELINING"].into_iter();
    let of_use: Vec<_> = of_use.filter(|&it| offered.contains(it)).collect();
    assert_eq!(of_use, expected, "{offered:?}");
    format!("smtp://{address}?tls=none")
}

/// The keywords in the answer to EHLO.
fn offered(address: &str) -> BTreeSet<String> {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let greeting = lines.next().unwrap().unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
    stream.write_all(b"EHLO [127.0.0.1]\r\n").unwrap();
    let mut keywords = BTreeSet::new();
    for line in lines {
        let line = line.unwrap();
        keywords.insert(line[4..].split(' ').next().unwrap().to_owned());
        if line.starts_with("250 ") {
            break;
        }
    }
    stream.write_all(b"QUIT\r\n").unwrap();
    keywords
}

/// mailrun tells when it no longer uses what the server offers.
#[track_caller]
fn never_simpler(ran: &Ran) {
    assert!(!ran.stderr.contains("from now on"), "{}", ran.stderr);
}

/// What the server has for the domain, once it has so many.
#[track_caller]
fn letters(server: Server, manner: Manner, domain: &str, recipients: usize) -> Vec<Letter> {
    match server {
        Postfix => {
            let mut inbox = Inbox::of(domain);
            inbox.delivered(recipients);
            inbox.letters
        }
        Exim => {
            let expected = match manner {
                Chunked => [true, true],
                Pipelined => [true, false],
                Sequential => [false, false],
            };
            let taken = taken_by_exim(domain).into_iter();
            let taken = taken.map(|(letter, how)| {
                assert_eq!(how, expected, "PIPELINING, CHUNKING: {letter:?}");
                letter
            });
            taken.collect()
        }
    }
}
