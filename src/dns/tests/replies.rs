//! Replies: records however they come, servers at fault, and the domains of a list.

use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

use super::name_server::NameServer;
use super::{LONG, SOON, impatient, resolver};
use crate::dns::recipients::{AtDomain, Domains};
use crate::dns::reply::MAIL_SERVERS;
use crate::dns::{Answer, Resolver, Trouble};

fn these(texts: &[&str]) -> Result<Answer<String>, Trouble> {
    Ok(Answer::These(
        texts.iter().map(|it| (*it).to_owned()).collect(),
    ))
}

#[test]
fn records_are_found_however_they_come() {
    let server = NameServer::start(
        r#"
        a.example TXT "one " "and more"
        a.example TXT "two"
        a.example MX 20 B.Example
        a.example MX 10 mx.a.example
        none.example MX 0 .
        alias.example CNAME a.example
        long.example truncated
        long.example TXT "by TCP"
        forged.example forged
        forged.example TXT "right"
        six.example AAAA
        "#,
    );
    let resolver = resolver(&[&server]);
    assert_eq!(resolver.txt("a.example"), these(&["one and more", "two"]));
    assert_eq!(
        resolver.mx("A.EXAMPLE"),
        these(&["mx.a.example", "b.example"])
    );
    assert_eq!(resolver.mx("none.example"), these(&["."]));
    assert_eq!(
        resolver.txt("alias.example"),
        these(&["one and more", "two"])
    );
    assert_eq!(resolver.txt("long.example"), these(&["by TCP"]));
    assert_eq!(resolver.txt("forged.example"), these(&["right"]));
    assert_eq!(resolver.txt("none.example"), Ok(Answer::None));
    assert_eq!(resolver.txt("gone.example"), Ok(Answer::NoName));
    assert_eq!(resolver.has_address("six.example"), Ok(true));
    assert_eq!(resolver.has_address("a.example"), Ok(false));
    assert_eq!(resolver.probe(), Ok(()));
    assert!(
        server
            .asked()
            .contains(&"long.example TXT by TCP".to_owned())
    );
    // What is known is not asked for again.
    let asked = server.asked().len();
    assert_eq!(
        resolver.mx("a.example"),
        these(&["mx.a.example", "b.example"])
    );
    assert_eq!(server.asked().len(), asked);
    let name = "x".repeat(64) + ".example";
    assert_eq!(resolver.txt(&name), Err(Trouble::NoName(name)));
}

#[test]
fn a_server_at_fault_is_told_and_the_next_one_asked() {
    let zone = "s.example silent\ng.example garbage\nf.example SERVFAIL\nr.example REFUSED\nb.example broken\nb.example MX 1 mx.b.example";
    let bad = NameServer::start(zone);
    let resolver = impatient(&bad);
    let at = bad.address;
    assert_eq!(resolver.mx("s.example"), Err(Trouble::Silent(at)));
    assert_eq!(resolver.mx("g.example"), Err(Trouble::Garbled(at)));
    let refused = |why: &str| Err(Trouble::Refused(at, why.to_owned()));
    assert_eq!(resolver.mx("f.example"), refused("SERVFAIL"));
    assert_eq!(resolver.mx("r.example"), refused("REFUSED"));
    assert_eq!(resolver.mx("b.example"), Err(Trouble::Garbled(at)));
    // Silence is asked again, once; a word is a word.
    let times = |what: &str| bad.asked().iter().filter(|it| *it == what).count();
    assert_eq!((times("s.example MX"), times("f.example MX")), (2, 1));

    let good = NameServer::start("s.example MX 1 mx.s.example\nf.example MX 1 mx.f.example");
    let both = vec![bad.address, good.address];
    let both = Resolver::new(both, Instant::now() + LONG).with_waits(SOON);
    assert_eq!(both.mx("s.example"), these(&["mx.s.example"]));
    assert_eq!(both.mx("f.example"), these(&["mx.f.example"]));
}

#[test]
fn what_does_not_say_that_there_is_none_is_not_known() {
    let server = NameServer::start(
        "r.example referral\nc.example cut\nloop.example CNAME loop.example\nloop.example alone\n\
         a.example CNAME b.example\na.example alone\nb.example CNAME a.example\nb.example alone\n\
         alias.example CNAME far.example\nalias.example alone\nfar.example TXT \"far\"\n\
         lost.example CNAME s.example\nlost.example alone\ns.example SERVFAIL\n\
         empty.example CNAME far.example\nempty.example alone\nnone.example CNAME gone.example\nnone.example alone",
    );
    let resolver = impatient(&server);
    let refused = |why: &str| Err(Trouble::Refused(server.address, why.to_owned()));
    assert_eq!(
        resolver.txt("r.example"),
        refused("no more than who else knows")
    );
    assert_eq!(
        resolver.txt("c.example"),
        refused("only a part of it, by TCP, too")
    );
    for name in ["loop.example", "a.example"] {
        let endless = Err(Trouble::Endless(name.to_owned()));
        assert_eq!(resolver.txt(name), endless);
    }
    assert!(server.asked().len() < 20, "{:?}", server.asked());
    // Of an alias the target is asked for, and holds.
    assert_eq!(resolver.txt("alias.example"), these(&["far"]));
    assert_eq!(resolver.mx("empty.example"), Ok(Answer::None));
    assert_eq!(resolver.txt("none.example"), Ok(Answer::NoName));
    assert_eq!(resolver.txt("lost.example"), refused("SERVFAIL"));
}

#[test]
fn records_of_other_names_are_passed_over() {
    let server = NameServer::start(
        "stray-records.example TXT \"v=spf1 +all\"\nstray-records.example MX 1 evil.example\n\
         a.example stray\na.example TXT \"own\"\na.example MX 9 mx.example\nb.example stray",
    );
    let resolver = impatient(&server);
    assert_eq!(resolver.txt("a.example"), these(&["own"]));
    assert_eq!(resolver.mx("a.example"), these(&["mx.example"]));
    assert_eq!(resolver.txt("b.example"), Ok(Answer::None));
    assert_eq!(resolver.mx("b.example"), Ok(Answer::None));
}

#[test]
fn of_very_many_mail_servers_some_are_taken() {
    let zone: String = (0..1000)
        .map(|at| format!("a.example MX {at} mx{at}.example\n"))
        .collect();
    let server = NameServer::start(&zone);
    let Ok(Answer::These(servers)) = impatient(&server).mx("a.example") else {
        panic!("no answer")
    };
    assert_eq!(servers.len(), MAIL_SERVERS);
    assert_eq!(servers[0], "mx0.example");
}

#[test]
fn nobody_there_or_no_time_is_told() {
    // A port that was free a moment ago.
    let nobody: SocketAddr = {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap()
    };
    let resolver = Resolver::new(vec![nobody], Instant::now() + LONG).with_waits(SOON);
    assert!(matches!(resolver.probe(), Err(Trouble::Io(at, _)) if at == nobody));
    let server = NameServer::start("a.example MX 1 mx.a.example");
    let late = Resolver::new(vec![server.address], Instant::now());
    assert_eq!(late.mx("a.example"), Err(Trouble::Late));
    assert_eq!(server.asked(), Vec::<String>::new());
}

fn at(domain: &str, first: &[u64], why: &str) -> AtDomain {
    AtDomain {
        domain: domain.to_owned(),
        rows: first.len() as u64,
        first: first.to_vec(),
        why: why.to_owned(),
    }
}

/// Rows at these domains, in order.
fn domains(of_rows: &[&str]) -> Domains {
    let mut domains = Domains::default();
    for (row, domain) in (1..).zip(of_rows) {
        domains.add(domain, row);
    }
    domains
}

#[test]
fn each_domain_of_a_list_is_asked_once() {
    let server = NameServer::start(
        "mx.example MX 1 a.example\nself.example A\nnull.example MX 0 .\nempty.example TXT \"x\"\nfail.example SERVFAIL",
    );
    let rows = [
        "mx.example",
        "self.example",
        "MX.example",
        "null.example",
        "gone.example",
        "empty.example",
        "gone.example",
        "fail.example",
        "[192.0.2.1]",
        "intranet",
    ];
    let found = domains(&rows).look(&resolver(&[&server]));
    assert_eq!(
        (found.domains, found.with_mail, found.local_rows),
        (6, 2, 2)
    );
    assert_eq!((found.unasked, found.unasked_rows), (0, 0));
    let without = [
        at("gone.example", &[5, 7], "no such domain"),
        at("null.example", &[4], "takes no mail, by its MX"),
        at(
            "empty.example",
            &[6],
            "no mail server: neither MX nor address",
        ),
    ];
    assert_eq!(found.without, without);
    let why = format!("the name server {} says SERVFAIL", server.address);
    assert_eq!(found.unknown, [at("fail.example", &[8], &why)]);
    assert!(!found.is_nobody());
    let mut asked = server.asked();
    asked.sort();
    let count = asked.len();
    asked.dedup();
    assert_eq!(asked.len(), count, "{asked:?}");

    let nobody = domains(&["gone.example", "null.example"]).look(&resolver(&[&server]));
    assert!(nobody.is_nobody(), "{nobody:?}");
    assert!(!domains(&[]).look(&resolver(&[&server])).is_nobody());
}

#[test]
fn what_is_not_asked_for_in_time_is_counted() {
    let server = NameServer::start("mx.example MX 1 a.example");
    let late = Resolver::new(vec![server.address], Instant::now());
    let found = domains(&["mx.example", "b.example", "b.example"]).look(&late);
    assert_eq!(
        (found.domains, found.unasked, found.unasked_rows),
        (2, 2, 3)
    );
    assert!(found.without.is_empty() && !found.is_nobody());
    assert_eq!(server.asked(), Vec::<String>::new());
}
