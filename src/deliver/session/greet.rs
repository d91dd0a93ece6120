//! The beginning of a session: greeting, EHLO, and what the server offers.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::group::Group;
use super::{Manner, Session, Terms, Trouble};
use crate::deliver::offers::Offers;
use crate::deliver::reply::{Lasting, Ruling, rule};
use crate::deliver::transport::Transport;
use crate::deliver::wire::Wire;
use crate::message::Message;
use crate::outcome::{Cause, Failure, Reply, Scope, Stage};

/// An address literal (RFC 5321 4.1.3): true wherever mailrun runs, and asks no name server.
pub(super) fn name(address: Option<IpAddr>) -> String {
    match address {
        Some(IpAddr::V4(address)) => format!("[{address}]"),
        Some(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
        None => "localhost".to_owned(),
    }
}

impl<J: Borrow<Message>, T: Transport> Session<J, T> {
    /// A session over a connection on which nothing was said yet; `name` is this side's for EHLO.
    #[cfg(test)]
    pub(super) fn over(transport: T, name: &str, terms: Terms) -> Result<Self, Trouble> {
        let mut wire = Wire::new(transport);
        greeting(&mut wire, &terms)?;
        let offers = hello(&mut wire, name, &terms)?;
        Ok(Session::begin(wire, offers, terms))
    }

    /// A session on which MAIL may come next.
    pub(super) fn begin(wire: Wire<T>, offers: Offers, terms: Terms) -> Self {
        let manner = Manner::of(&offers, terms.manner);
        let messages = offers
            .limits
            .mailmax
            .map_or(terms.messages, |most| most.min(terms.messages));
        Session {
            wire,
            terms: Terms { messages, ..terms },
            offers,
            manner,
            flights: VecDeque::new(),
            first: 0,
            group: Group::default(),
            due: VecDeque::new(),
            finished: Vec::new(),
            submitted: 0,
            judged: 0,
            trusted: terms.proven >= Some(manner),
            reset_first: false,
            reset_alone: false,
            refused_open: false,
            reset_always: false,
            held: false,
            closing: false,
            leaving: None,
            failing: None,
            broken: false,
            lost: None,
            misbehaved: None,
            one_of_several: false,
            round_trip: Duration::ZERO,
            since: Instant::now(),
        }
    }
}

/// The server's first words.
pub(super) fn greeting<T: Transport>(wire: &mut Wire<T>, terms: &Terms) -> Result<(), Trouble> {
    let greeting = wire
        .read_reply(terms.timeout)
        .map_err(|error| Trouble::io(Stage::Greeting, &error))?;
    expect(Stage::Greeting, greeting)
}

/// EHLO, and what it is answered with.
pub(super) fn hello<T: Transport>(
    wire: &mut Wire<T>,
    name: &str,
    terms: &Terms,
) -> Result<Offers, Trouble> {
    wire.say(&format!("EHLO {name}\r\n"), terms.timeout)
        .map_err(|error| Trouble::io(Stage::Ehlo, &error))?;
    let (code, text) = wire
        .read_lines(terms.timeout)
        .map_err(|error| Trouble::io(Stage::Ehlo, &error))?;
    if matches!(code, 500 | 502) {
        // RFC 5321 3.2: a server that knows no EHLO is greeted with HELO, and offers nothing.
        let reply = ask(wire, Stage::Ehlo, &format!("HELO {name}\r\n"), terms)?;
        expect(Stage::Ehlo, reply)?;
        return Ok(Offers::default());
    }
    expect(Stage::Ehlo, Reply::new(code, &text))?;
    Ok(Offers::parse(&text))
}

pub(super) fn ask<T: Transport>(
    wire: &mut Wire<T>,
    stage: Stage,
    command: &str,
    terms: &Terms,
) -> Result<Reply, Trouble> {
    wire.say(command, terms.timeout)
        .and_then(|()| wire.read_reply(terms.timeout))
        .map_err(|error| Trouble::io(stage, &error))
}

pub(super) fn expect(stage: Stage, reply: Reply) -> Result<(), Trouble> {
    let (scope, lasting) = match rule(stage, &reply) {
        Ruling::Proceed => return Ok(()),
        Ruling::Trouble(scope, lasting) => (scope, lasting),
        // Before a message there is no recipient to book anything on.
        Ruling::Defer(_) | Ruling::Fail(_) | Ruling::Unclear => (Scope::Session, Lasting::ForNow),
    };
    Err(Trouble {
        failure: Failure {
            stage,
            scope,
            cause: Cause::Reply(reply),
        },
        lasting,
    })
}
